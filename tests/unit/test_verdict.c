/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "common/verdict.h"

/*
 * Outcomes of the stages below, one letter each: p f n(ot run) u(nverified) e(rror), "-" and
 * nothing more: not planned.
 */
static const enum stage columns[] = {STAGE_INSTALL, STAGE_RECREATE, STAGE_UPGRADE, STAGE_BACKUP,
    STAGE_RECIPE, STAGE_EXTRA, STAGE_ROLLBACK, STAGE_LINT};
static_assert(COUNT_OF(columns) == STAGE_COUNT, "a column for each stage");

static const struct judge_row {
	const char *stages;
	enum run_end end;
	enum verdict_class class;
	int level;
	bool left; /* teardown left something */
} rows[] = {
    {"pppppp", RUN_COMPLETE, VERDICT_PASSED, 4},
    {"p-p---", RUN_COMPLETE, VERDICT_PASSED, 2},
    {"p-----", RUN_COMPLETE, VERDICT_PASSED, 1},
    /* A stage that was not run is climbed past, but is no level by itself. */
    {"p-n---", RUN_COMPLETE, VERDICT_PASSED, 1},
    {"ppnpp-", RUN_COMPLETE, VERDICT_PASSED, 4},
    {"ppnnn-", RUN_COMPLETE, VERDICT_PASSED, 1},
    {"nnpnn-", RUN_COMPLETE, VERDICT_PASSED, 2},
    /* One that nobody planned ends the climb. */
    {"p--pp-", RUN_COMPLETE, VERDICT_PASSED, 1},
    {"--p---", RUN_COMPLETE, VERDICT_PASSED, 0},
    {"-----p", RUN_COMPLETE, VERDICT_PASSED, 0},
    /* Fails. */
    {"f-----", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    {"p-f---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1},
    {"p-fpp-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1},
    {"ppppf-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 3},
    {"pppppf", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 4},
    {"f-n---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    /* Who fails to be made anew does not survive an upgrade. */
    {"pfppp-", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1},
    {"pppp--", RUN_COMPLETE, VERDICT_PASSED, 3},
    {"pp-p--", RUN_COMPLETE, VERDICT_PASSED, 1},
    /* Ours. Of a fail and an error the first counts. */
    {"e-----", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"p-e---", RUN_COMPLETE, VERDICT_CI_ERROR, 1},
    {"e-f---", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"f-e---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    {"pfe---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1},
    {"p-fe--", RUN_COMPLETE, VERDICT_CI_ERROR, 1},
    /* Unverified is never a pass, and hides no fail. */
    {"u-----", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"p-u---", RUN_COMPLETE, VERDICT_CI_ERROR, 1},
    {"ppupp-", RUN_COMPLETE, VERDICT_CI_ERROR, 1},
    {"u-f---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    {"f-u---", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    {"u-e---", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    /* Whether one can go back is told, and judged by nobody. */
    {"p-p---f", RUN_COMPLETE, VERDICT_PASSED, 2},
    {"p-p---e", RUN_COMPLETE, VERDICT_PASSED, 2},
    {"p-p---u", RUN_COMPLETE, VERDICT_PASSED, 2},
    {"------p", RUN_COMPLETE, VERDICT_NOT_RUN, 0},
    /* All of it, and a host as it was. */
    {"ppppp--p", RUN_COMPLETE, VERDICT_PASSED, 5},
    {"pppppp-p", RUN_COMPLETE, VERDICT_PASSED, 5},
    {"p-nnn--p", RUN_COMPLETE, VERDICT_PASSED, 5},
    {"ppppp--p", RUN_COMPLETE, VERDICT_PASSED, 4, true},
    {"p-nnn--p", RUN_COMPLETE, VERDICT_PASSED, 1, true},
    {"p-p----p", RUN_COMPLETE, VERDICT_PASSED, 2},
    {"ppppp--n", RUN_COMPLETE, VERDICT_PASSED, 4},
    {"ppppp--f", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 4},
    {"ppppp--e", RUN_COMPLETE, VERDICT_CI_ERROR, 4},
    {"f-n----f", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 0},
    {"e-n----f", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"ppppf--p", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 3},
    /* A lint that could not be done takes nothing from what is known, and adds nothing. */
    {"ppppp--u", RUN_COMPLETE, VERDICT_PASSED, 4},
    {"n------u", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"p-u----u", RUN_COMPLETE, VERDICT_CI_ERROR, 1},
    {"p-f----u", RUN_COMPLETE, VERDICT_RECIPE_FAILED, 1},
    {"-------u", RUN_COMPLETE, VERDICT_CI_ERROR, 0},
    {"-------p", RUN_COMPLETE, VERDICT_PASSED, 0},
    /* Nothing was judged. */
    {"n-----", RUN_COMPLETE, VERDICT_NOT_RUN, 0},
    {"nnnnnn", RUN_COMPLETE, VERDICT_NOT_RUN, 0},
    {"------", RUN_COMPLETE, VERDICT_NOT_RUN, 0},
    /* How the run ended beats what its stages say. */
    {"pppppp", RUN_TIMED_OUT, VERDICT_TIMED_OUT, 4},
    {"p-f---", RUN_TIMED_OUT, VERDICT_TIMED_OUT, 1},
    {"p-----", RUN_CANCELLED, VERDICT_CANCELLED, 1},
    {"p-----", RUN_BROKE, VERDICT_CI_ERROR, 1},
    {"f-----", RUN_BROKE, VERDICT_CI_ERROR, 0},
};

static struct verdict_facts facts_of(const struct judge_row *row)
{
	static const char letters[] = "pfnue";
	struct verdict_facts facts = {.end = row->end, .is_clean = !row->left};

	for (size_t i = 0; i < STAGE_COUNT; i++) {
		char written = i < strlen(row->stages) ? row->stages[i] : '-';
		const char *letter = strchr(letters, written);
		enum stage stage = columns[i];

		facts.stages[stage].is_known = letter != NULL;
		/* Set all the same: what is not planned must not be looked at. */
		facts.stages[stage].outcome =
		    letter ? (enum outcome)(letter - letters) : OUTCOME_ERROR;
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
}
END_TEST

/* Of every world there is, but for rollback, which counts for nothing: what must never be said. */
START_TEST(never_says_more_than_it_knows)
{
	static const char letters[] = "pfnue-";
	char stages[STAGE_COUNT + 1] = {0};

	for (int world = 0; world < 6 * 6 * 6 * 6 * 6 * 6 * 6; world++) {
		int rest = world;

		for (size_t i = 0; i < STAGE_COUNT; i++) {
			stages[i] = columns[i] == STAGE_ROLLBACK ? '-' : letters[rest % 6];
			rest /= columns[i] == STAGE_ROLLBACK ? 1 : 6;
		}
		struct judge_row row = {stages, RUN_COMPLETE};
		struct verdict_facts facts = facts_of(&row);
		struct verdict verdict = verdict_judge(&facts);

		/* All but the lint, the last one, has to be known for a pass. */
		char lint = stages[STAGE_COUNT - 1];
		bool is_known =
		    !strpbrk(stages, "fe") &&
		    (!strchr(stages, 'u') || strchr(stages, 'u') == stages + STAGE_COUNT - 1);
		/* One assertion a world: each costs a write. */
		bool is_true =
		    (verdict.class != VERDICT_PASSED || (strchr(stages, 'p') && is_known)) &&
		    (verdict.class != VERDICT_RECIPE_FAILED || strchr(stages, 'f')) &&
		    (verdict.class != VERDICT_CI_ERROR || strpbrk(stages, "ue")) &&
		    verdict.level >= 0 && verdict.level <= (lint == 'p' ? 5 : 4) &&
		    (verdict.level == 0 || strchr("pn", stages[0]));
		if (!is_true)
			ck_abort_msg(
			    "%s: %s, level %d", stages, verdict_word(verdict.class), verdict.level);
	}
}
END_TEST

/* extra and rollback have to be asked for. */
START_TEST(knows_what_runs_unasked)
{
	for (int i = STAGE_INSTALL; i < (int)STAGE_COUNT; i++)
		ck_assert_int_eq(
		    stage_is_default((enum stage)i), i != STAGE_EXTRA && i != STAGE_ROLLBACK);
}
END_TEST

/* A run that was taken away, or that was ours to get right, tells nothing of the recipe. */
static const struct {
	enum verdict_class verdict;
	bool is_of_recipe;
} about[] = {
    {VERDICT_PASSED, true},
    {VERDICT_RECIPE_FAILED, true},
    {VERDICT_TIMED_OUT, true},
    {VERDICT_CI_ERROR, false},
    {VERDICT_CANCELLED, false},
    {VERDICT_SUPERSEDED, false},
    {VERDICT_NOT_RUN, false},
};
static_assert(COUNT_OF(about) == VERDICT_COUNT, "each verdict");

START_TEST(knows_what_is_of_the_recipe)
{
	ck_assert_int_eq(verdict_is_of_recipe(about[_i].verdict), about[_i].is_of_recipe);
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

/* Messages name the stages by STAGE_LIST: it must be all of them. */
START_TEST(lists_each_stage)
{
	AUTO(buf) list = buf_make(256);

	for (int i = STAGE_INSTALL; i < (int)STAGE_COUNT; i++)
		ck_assert_int_eq(
		    buf_printf(&list, "%s%s", i ? ", " : "", stage_word((enum stage)i)), 0);
	ck_assert_str_eq(buf_text(&list), STAGE_LIST);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tc = tcase_create("verdict");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, judges_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, never_says_more_than_it_knows);
	tcase_add_test(tc, knows_what_runs_unasked);
	tcase_add_loop_test(tc, knows_what_is_of_the_recipe, 0, COUNT_OF(about));
	tcase_add_test(tc, words_go_both_ways);
	tcase_add_test(tc, lists_each_stage);
	return suite;
}

TEST_MAIN(make_suite)
