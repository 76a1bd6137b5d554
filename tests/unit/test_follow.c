/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which lines of a service's log are new, and how they are shown. */
#include "harness.h"

#include "runner-plugin/host/follow.h"

#define T1 "2026-11-22T03:10:00.000000001Z"
#define T2 "2026-11-22T03:10:00.000000002Z"
#define T3 "2026-11-22T03:10:01.000000000Z"

static const struct row {
	const char *after, *lines, *shown, *latest;
} rows[] = {
    {"", T1 " one\n" T2 " two\n", "app | one\napp | two\n", T2},
    {T1, T1 " one\n" T2 " two\n", "app | two\n", T2},
    {T2, T1 " one\n" T2 " two\n", "", T2},
    /* Two tasks: the order is the engine's, and none of what came together is lost. */
    {"", T3 " three\n" T1 " one\n", "app | three\napp | one\n", T3},
    {T1, T3 " three", "app | three\n", T3},
    {"", T1 "\n" T2 " \n", "app | \napp | \n", T2},
    {"", "no time\n" T1 " \x1b[2Jx\ry\n", "app | ?[2Jx?y\n", T1},
    {"", "", "", ""},
    {T2, "", "", T2},
};

START_TEST(takes_what_is_new)
{
	const struct row *row = &rows[_i];
	char after[FOLLOW_TIME_SIZE];
	AUTO(buf) out = buf_make(1000);

	(void)copy_text(after, sizeof(after), row->after);
	follow_take("app", row->lines, after, &out);
	ck_assert_str_eq(buf_text(&out), row->shown);
	ck_assert_str_eq(after, row->latest);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("follow");
	TCase *tc = tcase_create("follow");

	tcase_add_loop_test(tc, takes_what_is_new, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
