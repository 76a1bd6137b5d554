/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/pages/overview.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct job_brief make_brief(int64_t build, enum verdict_class verdict, int level)
{
	return (struct job_brief){.comment = build,
	    .pr = 3,
	    .build = build,
	    .heard_s = 1000 + build,
	    .started_s = 2000,
	    .ended_s = 2000 + build,
	    .state = JOB_ANSWERED,
	    .has_verdict = true,
	    .verdict = verdict,
	    .level = level,
	    .repo = "org/wiki",
	    .author = "member",
	    .ref = A,
	    .stages = "",
	    .head_version = "1.2.0",
	    .base_version = "",
	    .suite_ref = "",
	    .outline = "install=pass:9.1 upgrade=fail:41.25"};
}

static const struct {
	const char *outline;
	bool has_install;
	double seconds;
} outlines[] = {
    {"", false, 0},
    {"install=pass:9.5", true, 9.5},
    {"  install=pass:9.5   upgrade=fail:1", true, 9.5},
    {"install=well:9.5", false, 0},
    {"instal=pass:9.5", false, 0},
    {"install=pass", false, 0},
    {"install:pass=9", false, 0},
    {"install=pass:x", true, 0},
    {"install=pass:1e9999", true, 0},
    {"install=pass:nan", true, 0},
    {"install=pass:-3", true, 0},
    {"x=pass:1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false,
	0},
};

START_TEST(reads_outline)
{
	struct job_brief brief = make_brief(1, VERDICT_PASSED, 4);
	struct past_run run;

	brief.outline = outlines[_i].outline;
	past_read(&brief, &run);
	ck_assert_int_eq(run.stages[STAGE_INSTALL].is_known, outlines[_i].has_install);
	ck_assert_double_eq(run.stages[STAGE_INSTALL].seconds, outlines[_i].seconds);
}
END_TEST

static const struct {
	enum job_state state;
	bool has_verdict;
	enum verdict_class verdict;
	bool is_active, is_judged, is_red;
} states[] = {
    {JOB_QUEUED, false, VERDICT_PASSED, true, false, false},
    {JOB_RUNNING, false, VERDICT_PASSED, true, false, false},
    {JOB_STOPPING, true, VERDICT_CANCELLED, true, false, false},
    {JOB_ENDED, false, VERDICT_PASSED, true, false, false},
    {JOB_JUDGED, true, VERDICT_PASSED, false, true, false},
    {JOB_ANSWERED, true, VERDICT_PASSED, false, true, false},
    {JOB_ANSWERED, true, VERDICT_RECIPE_FAILED, false, true, true},
    {JOB_ANSWERED, true, VERDICT_TIMED_OUT, false, true, true},
    {JOB_ANSWERED, true, VERDICT_CI_ERROR, false, false, false},
    {JOB_ANSWERED, true, VERDICT_CANCELLED, false, false, false},
    {JOB_ANSWERED, true, VERDICT_SUPERSEDED, false, false, false},
    {JOB_ANSWERED, true, VERDICT_NOT_RUN, false, false, false},
    {JOB_ANSWERED, false, VERDICT_PASSED, false, false, false},
};

START_TEST(knows_what_a_run_says)
{
	struct job_brief brief = make_brief(1, states[_i].verdict, 4);
	struct past_run run;

	brief.state = states[_i].state;
	brief.has_verdict = states[_i].has_verdict;
	past_read(&brief, &run);
	ck_assert_int_eq(past_is_active(&run), states[_i].is_active);
	ck_assert_int_eq(past_is_judged(&run), states[_i].is_judged);
	ck_assert_int_eq(past_is_red(&run), states[_i].is_red);
}
END_TEST

START_TEST(level_is_of_a_run_of_all_stages)
{
	AUTO(past) past = {0};
	struct job_brief cancelled = make_brief(9, VERDICT_CANCELLED, 0);
	struct job_brief partial = make_brief(8, VERDICT_PASSED, 1);
	struct job_brief whole = make_brief(7, VERDICT_PASSED, 4);
	struct job_brief older = make_brief(6, VERDICT_PASSED, 5);

	ck_assert_ptr_null(past_level(&past));
	ck_assert_ptr_null(past_newest(&past));
	ck_assert_int_eq(past_usual_s(&past), 0);
	partial.stages = "install";
	past_add(&past, &cancelled);
	past_add(&past, &partial);
	past_add(&past, &whole);
	past_add(&past, &older);
	ck_assert_int_eq(past_last(&past)->build, 9);
	ck_assert_int_eq(past_newest(&past)->build, 8);
	ck_assert_int_eq(past_level(&past)->build, 7);
	ck_assert_int_eq(past_usual_s(&past), 7); /* of 7 and 6 */
}
END_TEST

/* What suites that are not in force say is no standing of the recipe's. */
START_TEST(a_trial_counts_for_nothing)
{
	AUTO(past) past = {0};
	struct past_flaky flaky[PAST_FLAKY_MAX];
	struct job_brief trial = make_brief(9, VERDICT_RECIPE_FAILED, 1);
	struct job_brief whole = make_brief(8, VERDICT_PASSED, 4);
	struct job_brief other = make_brief(7, VERDICT_PASSED, 5);

	trial.suite_ref = other.suite_ref = B;
	trial.outline = "install=fail:1";
	whole.outline = "install=pass:1";
	other.outline = "install=fail:1";
	past_add(&past, &trial);
	ck_assert_ptr_null(past_last(&past));
	ck_assert(past_is_judged(&past.runs[0]) && past_is_red(&past.runs[0]) &&
		  !past_is_whole(&past.runs[0]));
	past_add(&past, &whole);
	past_add(&past, &other);
	ck_assert_int_eq(past_last(&past)->build, 8);
	ck_assert_int_eq(past_newest(&past)->build, 8);
	ck_assert_int_eq(past_level(&past)->build, 8);
	ck_assert_int_eq(past_usual_s(&past), 8);
	ck_assert_uint_eq(past_flaky(&past, flaky), 0);
}
END_TEST

START_TEST(usual_is_the_median_of_the_last_five)
{
	AUTO(past) past = {0};
	static const int64_t seconds[] = {50, 10, 40, 20, 30, 1, 1, 1};

	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		struct job_brief brief = make_brief(1, VERDICT_PASSED, 4);

		brief.ended_s = brief.started_s + seconds[i];
		past_add(&past, &brief);
	}
	ck_assert_int_eq(past_usual_s(&past), 30);
}
END_TEST

/* Newest first: which outcomes of upgrade on which commit are flaky, and which builds say so. */
static const struct {
	const char *refs[4];
	const char *outlines[4];
	size_t count;
	int64_t green, red;
} flakies[] = {
    {{A, A}, {"upgrade=pass:1", "upgrade=fail:1"}, 1, 100, 99},
    {{A, A}, {"upgrade=fail:1", "upgrade=pass:1"}, 1, 99, 100},
    {{A, B}, {"upgrade=fail:1", "upgrade=pass:1"}, 0, 0, 0},
    {{"", ""}, {"upgrade=fail:1", "upgrade=pass:1"}, 0, 0, 0},
    {{A, A}, {"upgrade=error:1", "upgrade=pass:1"}, 0, 0, 0},
    {{A, A}, {"upgrade=fail:1", "install=pass:1"}, 0, 0, 0},
    {{A, A, A, A}, {"upgrade=fail:1", "upgrade=fail:1", "upgrade=pass:1", "upgrade=pass:1"}, 1, 98,
	100},
    {{A, B, A, B}, {"upgrade=fail:1", "upgrade=fail:1", "upgrade=pass:1", "upgrade=pass:1"}, 2, 98,
	100},
    {{A, A}, {"install=pass:1 upgrade=fail:1", "install=fail:1 upgrade=pass:1"}, 2, 100, 99},
};

START_TEST(red_and_green_on_one_commit_is_flaky)
{
	AUTO(past) past = {0};
	struct past_flaky flaky[PAST_FLAKY_MAX];

	for (size_t i = 0; i < 4 && flakies[_i].refs[i]; i++) {
		struct job_brief brief = make_brief(100 - (int64_t)i, VERDICT_PASSED, 4);

		brief.ref = flakies[_i].refs[i];
		brief.outline = flakies[_i].outlines[i];
		past_add(&past, &brief);
	}
	ck_assert_uint_eq(past_flaky(&past, flaky), flakies[_i].count);
	if (flakies[_i].count) {
		ck_assert_int_eq(flaky[0].green->build, flakies[_i].green);
		ck_assert_int_eq(flaky[0].red->build, flakies[_i].red);
	}
}
END_TEST

START_TEST(holds_so_many_and_no_more)
{
	AUTO(past) past = {0};
	struct past_flaky flaky[PAST_FLAKY_MAX];

	for (int i = 0; i < PAST_RUNS_MAX + 5; i++) {
		struct job_brief brief = make_brief(1000 - i, VERDICT_PASSED, 4);
		auto_str char *ref = xasprintf("%040d", i / 2);

		brief.ref = ref;
		brief.outline = i % 2 ? "install=pass:1" : "install=fail:1";
		past_add(&past, &brief);
	}
	ck_assert_uint_eq(past.count, PAST_RUNS_MAX);
	ck_assert_uint_eq(past_flaky(&past, flaky), PAST_FLAKY_MAX);
}
END_TEST

/* --- all recipes --- */

START_TEST(overview_has_the_best_first)
{
	AUTO(overview) overview = {0};
	static const struct {
		const char *repo;
		enum verdict_class verdict;
		int level;
	} runs[] = {
	    {"org/a", VERDICT_RECIPE_FAILED, 1},
	    {"org/a", VERDICT_PASSED, 4},
	    {"org/b", VERDICT_CI_ERROR, 0},
	    {"org/c", VERDICT_PASSED, 5},
	    {"org/d", VERDICT_PASSED, 1},
	    {"org/d", VERDICT_PASSED, 1},
	};

	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		struct job_brief brief =
		    make_brief(100 - (int64_t)i, runs[i].verdict, runs[i].level);

		brief.repo = runs[i].repo;
		overview_add(&overview, &brief);
	}
	overview_finish(&overview);
	ck_assert_uint_eq(overview.count, 4);
	ck_assert_str_eq(overview.recipes[0].name, "c");
	ck_assert_str_eq(overview.recipes[1].name, "a");
	ck_assert_str_eq(overview.recipes[2].name, "d");
	ck_assert_str_eq(overview.recipes[3].name, "b");
	ck_assert(overview.recipes[1].is_red && !overview.recipes[2].is_red);
	ck_assert_int_eq(overview.recipes[3].level, OVERVIEW_NO_LEVEL);
	ck_assert_int_eq(overview.recipes[3].last.build, 98);
	ck_assert_uint_eq(overview.recipes[1].column_count, 2);
	ck_assert_uint_eq(overview.recipes[1].red_count, 1);
	ck_assert_int_eq(overview.recipes[1].columns[0].tone, DRAW_GOOD); /* the oldest first */
	ck_assert_int_eq(overview.recipes[1].columns[1].tone, DRAW_BAD);
	ck_assert(overview_is_stale(&overview.recipes[0], 2000 + OVERVIEW_STALE_S));
	ck_assert(!overview_is_stale(&overview.recipes[0], 1000 + OVERVIEW_STALE_S));
}
END_TEST

START_TEST(what_goes_on_is_no_column)
{
	AUTO(overview) overview = {0};

	for (int i = 0; i < DRAW_COLUMNS_MAX + 10; i++) {
		struct job_brief brief = make_brief(1000 - i, VERDICT_PASSED, 4);

		if (i == 0)
			brief.state = JOB_RUNNING;
		overview_add(&overview, &brief);
	}
	overview_finish(&overview);
	ck_assert_uint_eq(overview.recipes[0].column_count, DRAW_COLUMNS_MAX);
	ck_assert_double_eq(overview.recipes[0].columns[DRAW_COLUMNS_MAX - 1].value, 999);
	ck_assert(overview.recipes[0].is_active);
	ck_assert(!overview_is_stale(&overview.recipes[0], INT64_MAX / 2));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("past");
	TCase *tests = tcase_create("past");

	tcase_add_loop_test(tests, reads_outline, 0, COUNT_OF(outlines));
	tcase_add_loop_test(tests, knows_what_a_run_says, 0, COUNT_OF(states));
	tcase_add_test(tests, level_is_of_a_run_of_all_stages);
	tcase_add_test(tests, a_trial_counts_for_nothing);
	tcase_add_test(tests, usual_is_the_median_of_the_last_five);
	tcase_add_loop_test(tests, red_and_green_on_one_commit_is_flaky, 0, COUNT_OF(flakies));
	tcase_add_test(tests, holds_so_many_and_no_more);
	tcase_add_test(tests, overview_has_the_best_first);
	tcase_add_test(tests, what_goes_on_is_no_column);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
