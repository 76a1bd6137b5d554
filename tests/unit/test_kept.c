/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a judged app stays up for a look: what keeps it, and what is said when nothing does. */
#include "harness.h"

#include "runner-plugin/run/kept.h"

static const struct row {
	struct kept_facts facts;
	int64_t keep_ms;
	const char *why_not;
} rows[] = {
    {{600, 1000, true, true, false}, 600, ""},
    {{1000, 1000, true, true, false}, 1000, ""},
    {{2000, 1000, true, true, false}, 1000, ""}, /* no longer than the host allows */
    {{0, 1000, true, true, false}, 0, ""},	 /* nobody asked */
    {{600, 1000, false, true, false}, 0, ""},	 /* cancelled, timed out: that is said already */
    {{600, 0, true, true, false}, 0, "this host keeps no app (KEEP_MAX is 0)"},
    {{600, 1000, true, false, false}, 0, "the head is not what is up at the end"},
    {{600, 1000, true, true, true}, 0, "another run waits for the slot"},
};

START_TEST(decides)
{
	const struct row *row = &rows[_i];
	char why_not[KEPT_WHY_SIZE] = "";

	ck_assert_int_eq(kept_decide(&row->facts, why_not), row->keep_ms);
	ck_assert_str_eq(why_not, row->why_not);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("kept");
	TCase *tc = tcase_create("kept");

	tcase_add_loop_test(tc, decides, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
