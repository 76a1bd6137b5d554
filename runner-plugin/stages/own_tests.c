/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stages recipe and extra: executables that look at the deployed head. The suite's are trusted
 * and run on the host; those that the recipe ships run in the sandbox, where the operator lets
 * them. All of them run, also when one has failed: who wrote them wants to see it all.
 */
#include "common/clock.h"
#include "runner-plugin/recipe/shipped.h"
#include "runner-plugin/stages/progress.h"

struct tally {
	size_t passed, failed;
	char *not_run; /* why the first of these was not; NULL: none */
	/* Of the first that failed. */
	char *reason, *evidence;
};

static void tally_release(struct tally *tally)
{
	free(tally->not_run);
	free(tally->reason);
	free(tally->evidence);
}
DEFINE_AUTO(tally, tally_release);

/* -1: concluded for good; nothing after it would be judged. */
static int run_one(
    struct progress *progress, const char *path, bool is_recipes, struct tally *tally)
{
	const struct script_spec spec = {
	    .path = path,
	    .stage = progress->which,
	    .sandbox = is_recipes ? &sandbox_limits_default : NULL,
	};
	AUTO(script_result) result = {0};

	progress_show(progress, path);
	if (progress_run_script(progress, &spec, &result) == 0) {
		if (result.outcome == OUTCOME_PASS)
			tally->passed++;
		else if (!tally->not_run)
			tally->not_run = xasprintf("%s: %s", path, result.reason);
		return 0;
	}
	if (progress->result.outcome != OUTCOME_FAIL)
		return -1;
	if (!tally->failed++) {
		tally->reason = xstrdup(progress->result.reason);
		tally->evidence = xstrdup(progress->result.evidence);
	}
	return 0;
}

/* Without leave only the suite's run, and it is said; the plan has no stage of shipped ones alone.
 */
static int run_shipped(struct progress *progress, const char *below, struct tally *tally)
{
	const struct stages_work *work = progress->work;
	bool may = plan_may_test(work->settings->recipe_tests_allow, work->run->params.recipe);
	auto_str char *tests = run_path(work->run, "tests");
	AUTO(shipped) shipped = {0};
	struct err err;

	if (shipped_list(tests, below, &shipped, &err) < 0) {
		progress_conclude(
		    progress, err.code == ERR_LIMIT ? OUTCOME_FAIL : OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	if (!may && shipped.count)
		results_stage_add_test(&progress->result, "tests/extra/", OUTCOME_NOT_RUN, 0,
		    "RECIPE_TESTS_ALLOW does not name the recipe");
	for (size_t i = 0; may && i < shipped.count; i++) {
		if (run_one(progress, shipped.names[i], true, tally) < 0)
			return -1;
	}
	return 0;
}

static void conclude(struct progress *progress, const struct tally *tally, int64_t started_ns)
{
	progress_add_phase(progress, "tests", started_ns);
	if (tally->failed > 1)
		progress_conclude(
		    progress, OUTCOME_FAIL, "%s (and %zu more)", tally->reason, tally->failed - 1);
	else if (tally->failed)
		progress_conclude(progress, OUTCOME_FAIL, "%s", tally->reason);
	else if (tally->passed)
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
	else
		progress_conclude(progress, OUTCOME_NOT_RUN, "%s",
		    tally->not_run ? tally->not_run : "there is no test to run");
	if (tally->failed)
		results_stage_set_evidence(&progress->result, "", tally->evidence);
}

void recipe_run(struct progress *progress)
{
	AUTO(tally) tally = {0};

	if (progress_need_head(progress) < 0)
		return;
	int64_t started_ns = clock_now();
	if (run_shipped(progress, SHIPPED_TESTS, &tally) == 0)
		conclude(progress, &tally, started_ns);
}

void extra_run(struct progress *progress)
{
	const struct suite *suite = &progress->suite;
	AUTO(tally) tally = {0};

	if (progress_need_head(progress) < 0)
		return;
	int64_t started_ns = clock_now();
	for (size_t i = 0; i < suite->extra_count; i++) {
		if (run_one(progress, suite->extra[i], false, &tally) < 0)
			return;
	}
	if (run_shipped(progress, SHIPPED_EXTRA, &tally) == 0)
		conclude(progress, &tally, started_ns);
}
