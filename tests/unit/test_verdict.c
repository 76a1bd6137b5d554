/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/verdict.h"

/*
 * Outcomes of install, recreate, upgrade, backup, recipe, extra, one letter each: p f n(ot run)
 * u(nverified) e(rror), "-" not planned. An exclamation mark behind: something was left behind.
 */
static const struct judge_row {
	const char *stages;
	enum run_end end;
	enum verdict_class class;
	int level;
	int exit_code;
} rows[] = {
    {"pppppp", RUN_COMPLETE, VERDICT_PASSED, 4, 0},
    {"p-p---", RUN_COMPLETE, VERDICT_PASSED, 2, 0},
    {"p-----", RUN_COMPLETE, VERDICT_PASSED, 1, 0},
    {"pppppp!", RUN_COMPLETE, VERDICT_PASSED, 4, 4},
    /* A stage that was not run is climbed past, but is no level by itself. */
    {"p-n---", RUN_COMPLETE, VERDICT_PASSED, 1, 0},
    {"ppnpp-", RUN_COMPLETE, VERDICT_PASSED, 4, 0},
    {"ppnnn-", RUN_COMPLETE, VERDICT_PASSED, 1, 0},
    {"nnpnn-", RUN_COMPLETE, VERDICT_PASSED, 2, 0},
    /* One that nobody planned ends the climb. */
    {"p--pp-", RUN_COMPLETE, VERDICT_PASSED, 1, 0},
    {"--p---", RUN_COMPLETE, VERDICT_PASSED, 0, 0},
    {"-----p", RUN_COMPLETE, VERDICT_PASSED, 0, 0},
    /* Fails. */
    {"f-----", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 1},
    {"f-----!", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 4},
    {"p-f---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1, 1},
    {"p-fpp-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1, 1},
    {"ppppf-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 3, 1},
    {"pppppf", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 4, 1},
    {"f-n---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 1},
    /* Who fails to be made anew does not survive an upgrade. */
    {"pfppp-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1, 1},
    {"pppp--", RUN_COMPLETE, VERDICT_PASSED, 3, 0},
    {"pp-p--", RUN_COMPLETE, VERDICT_PASSED, 1, 0},
    /* Ours. Of a fail and an error the first counts. */
    {"e-----", RUN_COMPLETE, VERDICT_CI_ERROR, 0, 3},
    {"p-e---", RUN_COMPLETE, VERDICT_CI_ERROR, 1, 3},
    {"p-e---!", RUN_COMPLETE, VERDICT_CI_ERROR, 1, 3},
    {"e-f---", RUN_COMPLETE, VERDICT_CI_ERROR, 0, 3},
    {"f-e---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 1},
    {"p-fe--", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1, 1},
    /* Unverified is never a pass, and hides no fail. */
    {"u-----", RUN_COMPLETE, VERDICT_CI_ERROR, 0, 3},
    {"p-u---", RUN_COMPLETE, VERDICT_CI_ERROR, 1, 3},
    {"ppupp-", RUN_COMPLETE, VERDICT_CI_ERROR, 1, 3},
    {"u-f---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 1},
    {"f-u---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0, 1},
    {"u-e---", RUN_COMPLETE, VERDICT_CI_ERROR, 0, 3},
    /* Nothing was judged. */
    {"n-----", RUN_COMPLETE, VERDICT_NOT_RUN, 0, 3},
    {"nnnnnn", RUN_COMPLETE, VERDICT_NOT_RUN, 0, 3},
    {"------", RUN_COMPLETE, VERDICT_NOT_RUN, 0, 3},
    {"nnnnnn!", RUN_COMPLETE, VERDICT_NOT_RUN, 0, 3},
    /* How the run ended beats what its stages say. */
    {"pppppp", RUN_TIMED_OUT, VERDICT_TIMED_OUT, 4, 5},
    {"p-f---", RUN_TIMED_OUT, VERDICT_TIMED_OUT, 1, 5},
    {"p-e---!", RUN_TIMED_OUT, VERDICT_TIMED_OUT, 1, 5},
    {"p-----", RUN_CANCELLED, VERDICT_CANCELLED, 1, 6},
    {"f-----!", RUN_CANCELLED, VERDICT_CANCELLED, 0, 6},
    {"p-----", RUN_BROKE, VERDICT_CI_ERROR, 1, 3},
    {"f-----", RUN_BROKE, VERDICT_CI_ERROR, 0, 3},
};

static struct verdict_facts facts_of(const struct judge_row *row)
{
	static const char letters[] = "pfnue";
	struct verdict_facts facts = {.end = row->end, .is_clean = !text_ends(row->stages, "!")};

	for (size_t i = 0; i < STAGE_COUNT; i++) {
		const char *letter = strchr(letters, row->stages[i]);

		facts.stages[i].is_known = letter != NULL;
		/* Set all the same: what is not planned must not be looked at. */
		facts.stages[i].outcome = letter ? (enum outcome)(letter - letters) : OUTCOME_ERROR;
	}
	return facts;
}

START_TEST(judges_row)
{
	const struct judge_row *row = &rows[_i];
	struct verdict_facts facts = facts_of(row);
	struct verdict verdict = verdict_judge(&facts);

	ck_assert_msg(verdict.class == row->class, "row %d \"%s\": %s", _i, row->stages,
	    verdict_word(verdict.class));
	ck_assert_msg(
	    verdict.level == row->level, "row %d \"%s\": level %d", _i, row->stages, verdict.level);
	ck_assert_msg(verdict.exit_code == row->exit_code, "row %d \"%s\": exit %d", _i,
	    row->stages, verdict.exit_code);
	ck_assert_int_eq(verdict.exit_code, verdict_exit_code(verdict.class, facts.is_clean));
}
END_TEST

/* Of every world there is: what must never be said. */
START_TEST(never_says_more_than_it_knows)
{
	static const char letters[] = "pfnue-";
	char stages[STAGE_COUNT + 1] = {0};

	for (int world = 0; world < 6 * 6 * 6 * 6 * 6 * 6; world++) {
		int rest = world;

		for (size_t i = 0; i < STAGE_COUNT; i++, rest /= 6)
			stages[i] = letters[rest % 6];
		struct judge_row row = {stages, RUN_COMPLETE};
		struct verdict_facts facts = facts_of(&row);
		struct verdict verdict = verdict_judge(&facts);

		ck_assert_msg(verdict.class != VERDICT_PASSED ||
				  (strchr(stages, 'p') && !strpbrk(stages, "fue")),
		    "%s passed", stages);
		ck_assert_msg(verdict.class != VERDICT_RECIPE_FAILED || strchr(stages, 'f'),
		    "%s failed without a fail", stages);
		ck_assert_msg(verdict.class != VERDICT_CI_ERROR || strpbrk(stages, "ue"),
		    "%s is no error of ours", stages);
		ck_assert_msg((verdict.exit_code == 0) == (verdict.class == VERDICT_PASSED),
		    "%s exits %d", stages, verdict.exit_code);
		ck_assert_msg(
		    verdict.level >= 0 && verdict.level <= 4, "%s level %d", stages, verdict.level);
		ck_assert_msg(verdict.level == 0 || strchr("pn", stages[STAGE_INSTALL]),
		    "%s level %d", stages, verdict.level);
	}
}
END_TEST

static const struct exit_row {
	enum verdict_class class;
	int clean, left;
} exit_rows[] = {
    {VERDICT_PASSED, 0, 4},
    {VERDICT_RECIPE_FAILED, 1, 4},
    {VERDICT_TIMED_OUT, 5, 5},
    {VERDICT_CI_ERROR, 3, 3},
    {VERDICT_CANCELLED, 6, 6},
    {VERDICT_SUPERSEDED, 6, 6},
    {VERDICT_NOT_RUN, 3, 3},
};

START_TEST(exits_row)
{
	const struct exit_row *row = &exit_rows[_i];

	ck_assert_int_eq(verdict_exit_code(row->class, true), row->clean);
	ck_assert_int_eq(verdict_exit_code(row->class, false), row->left);
}
END_TEST

START_TEST(words_go_both_ways)
{
	enum outcome outcome = OUTCOME_PASS;
	enum verdict_class verdict = VERDICT_PASSED;
	enum stage stage = STAGE_INSTALL;

	for (int i = OUTCOME_PASS; i <= OUTCOME_ERROR; i++) {
		ck_assert(outcome_parse(outcome_word((enum outcome)i), &outcome));
		ck_assert_int_eq((int)outcome, i);
	}
	for (int i = VERDICT_PASSED; i <= VERDICT_NOT_RUN; i++) {
		ck_assert(verdict_parse(verdict_word((enum verdict_class)i), &verdict));
		ck_assert_int_eq((int)verdict, i);
	}
	for (int i = STAGE_INSTALL; i < (int)STAGE_COUNT; i++) {
		ck_assert(stage_parse(stage_word((enum stage)i), &stage));
		ck_assert_int_eq((int)stage, i);
	}
	static const char *const strange[] = {"", "PASS", "pass ", "none", "passed\n", "teardown"};
	for (size_t i = 0; i < COUNT_OF(strange); i++) {
		ck_assert(!outcome_parse(strange[i], &outcome));
		ck_assert(!verdict_parse(strange[i], &verdict));
		ck_assert(!stage_parse(strange[i], &stage));
	}
	ck_assert_int_eq((int)outcome, OUTCOME_ERROR);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tc = tcase_create("verdict");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, judges_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, never_says_more_than_it_knows);
	tcase_add_loop_test(tc, exits_row, 0, COUNT_OF(exit_rows));
	tcase_add_test(tc, words_go_both_ways);
	return suite;
}

TEST_MAIN(make_suite)
