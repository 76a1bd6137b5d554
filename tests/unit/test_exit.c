/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/run/exit.h"

/* The numbers are a contract: they stand here once more. */
static const struct verdict_row {
	enum verdict_class class;
	int clean, left;
} verdict_rows[] = {
    {VERDICT_PASSED, 0, 4}, {VERDICT_RECIPE_FAILED, 1, 4}, {VERDICT_TIMED_OUT, 5, 5},
    {VERDICT_CI_ERROR, 3, 3}, {VERDICT_CANCELLED, 6, 6}, {VERDICT_SUPERSEDED, 6, 6},
    {VERDICT_NOT_RUN, 3, 3}, /* nothing was judged: 0 would say that something passed */
};

START_TEST(exits_by_verdict_row)
{
	const struct verdict_row *row = &verdict_rows[_i];

	ck_assert_int_eq((int)exit_of_verdict(row->class, true), row->clean);
	ck_assert_int_eq((int)exit_of_verdict(row->class, false), row->left);
}
END_TEST

static const struct outcome_row {
	enum outcome outcome;
	int code;
} outcome_rows[] = {
    {OUTCOME_PASS, 0},
    {OUTCOME_NOT_RUN, 0},
    {OUTCOME_FAIL, 1},
    {OUTCOME_UNVERIFIED, 3},
    {OUTCOME_ERROR, 3},
};

START_TEST(exits_by_outcome_row)
{
	const struct outcome_row *row = &outcome_rows[_i];

	ck_assert_int_eq((int)exit_of_outcome(row->outcome), row->code);
}
END_TEST

static const struct end_row {
	enum run_end end;
	int code;
} end_rows[] = {
    {RUN_COMPLETE, 0},
    {RUN_TIMED_OUT, 5},
    {RUN_CANCELLED, 6},
    {RUN_BROKE, 3},
};

START_TEST(exits_by_end_row)
{
	ck_assert_int_eq((int)exit_of_end(end_rows[_i].end), end_rows[_i].code);
}
END_TEST

START_TEST(exits_by_error)
{
	struct err err = {.code = ERR_CONFIG};

	ck_assert_int_eq((int)exit_of_err(&err), 2);
	err.code = ERR_MISSING;
	ck_assert_int_eq((int)exit_of_err(&err), 3);
}
END_TEST

/* Drone takes 78 for a success. */
START_TEST(each_code_means_something_of_its_own)
{
	ck_assert_int_lt(EXIT_CODE_COUNT, 78);
	for (int i = 0; i < EXIT_CODE_COUNT; i++) {
		ck_assert_str_ne(exit_meaning((enum exit_code)i), "");
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(
			    exit_meaning((enum exit_code)i), exit_meaning((enum exit_code)k));
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("exit");
	TCase *tc = tcase_create("exit");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, exits_by_verdict_row, 0, COUNT_OF(verdict_rows));
	tcase_add_loop_test(tc, exits_by_outcome_row, 0, COUNT_OF(outcome_rows));
	tcase_add_loop_test(tc, exits_by_end_row, 0, COUNT_OF(end_rows));
	tcase_add_test(tc, exits_by_error);
	tcase_add_test(tc, each_code_means_something_of_its_own);
	return suite;
}

TEST_MAIN(make_suite)
