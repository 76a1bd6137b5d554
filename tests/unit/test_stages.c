/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a call within a stage may take. */
#include "harness.h"

#include "runner-plugin/stages/stages.h"

#define NOW_NS (50 * NS_PER_S)

static int64_t now(void *context)
{
	(void)context;
	return NOW_NS;
}

static const struct row {
	int64_t run_ends_ns, within_ms;
	int64_t until_ns;
} rows[] = {
    {NOW_NS + 600 * NS_PER_S, 1500, NOW_NS + 1500 * NS_PER_MS},
    {NOW_NS + 2 * NS_PER_S, 2000, NOW_NS + 2 * NS_PER_S},
    {NOW_NS + 2 * NS_PER_S, 300000, NOW_NS + 2 * NS_PER_S}, /* no longer than the run */
    {NOW_NS - NS_PER_S, 300000, NOW_NS - NS_PER_S},	    /* which is over */
};

START_TEST(bounds_a_call)
{
	static const struct clock_source source = {.monotonic_ns = now};
	const struct stages_work work = {.deadline_ns = rows[_i].run_ends_ns};

	clock_set_source(&source);
	ck_assert_int_eq(stages_until(&work, rows[_i].within_ms), rows[_i].until_ns);
	clock_set_source(NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stages");
	TCase *tc = tcase_create("stages");

	tcase_add_loop_test(tc, bounds_a_call, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
