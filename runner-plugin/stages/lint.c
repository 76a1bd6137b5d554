/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What abra's own lint says of the head: abra deploys a version that breaks a rule of level error
 * by --chaos alone, as no operator does. It needs nothing deployed.
 *
 * Rules are the recipe's or nobody's. That abra does not lint, or speaks in words unknown here, is
 * unverified: it says nothing of the recipe.
 */
#include "common/clock.h"
#include "runner-plugin/abra/lint_table.h"
#include "runner-plugin/abra/refusal.h"
#include "runner-plugin/recipe/recipe.h"
#include "runner-plugin/stages/progress.h"

#define LINT_TIMEOUT_MS 60000 /* abra takes less than one */

/* -1: concluded. */
static int call_lint(struct progress *progress, struct proc_result *out)
{
	const struct stages_work *work = progress->work;
	const struct abra_target target = {.recipe = work->run->params.recipe};
	const struct abra_watch watch = {
	    .deadline_ns = stages_until(work, LINT_TIMEOUT_MS),
	    .cancel_fd = work->cancel_fd,
	    .watch_fd = -1,
	};
	struct err err;

	if (recipe_checkout(work, progress->plan.head_commit, &err) == 0 &&
	    abra_call(&progress->abra, ABRA_RECIPE_LINT, &target, &watch, out, &err) == 0)
		return 0;
	progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
	return -1;
}

/* abra gave up before it had a table: over the recipe's files, or for reasons of its own. */
static void conclude_failure(struct progress *progress, const struct proc_result *result)
{
	const struct run *run = progress->work->run;
	const struct refusal_facts facts = {
	    .exit_code = result->end == PROC_EXITED ? result->code : 0,
	    .stack = run->stack,
	    .recipe_dir = run->recipe_dir,
	};
	struct refusal refusal;
	char text[ABRA_COMPLAINT_SIZE];

	refusal_read(&facts, buf_text(&result->tail), &refusal);
	abra_complain(ABRA_RECIPE_LINT, result, text);
	if (refusal.is_recipes)
		progress_conclude(progress, OUTCOME_FAIL, "%s", refusal.text);
	else
		progress_conclude(progress, OUTCOME_UNVERIFIED, "%s", text);
}

void lint_run(struct progress *progress)
{
	AUTO(proc_result) result = {0};
	AUTO(lint_table) table = {0};
	char reason[RESULTS_TEXT_MAX];
	int64_t started_ns = clock_now();

	if (call_lint(progress, &result) < 0)
		return;
	progress_add_phase(progress, "lint", started_ns);
	if (result.end != PROC_EXITED || result.code != 0) {
		conclude_failure(progress, &result);
		return;
	}
	lint_read(buf_text(&result.tail), &table);
	for (size_t i = 0; i < table.count; i++)
		results_stage_add_test(&progress->result, table.rows[i].name, table.rows[i].outcome,
		    0, table.rows[i].reason);
	enum outcome outcome = lint_judge(&table, reason);
	progress_conclude(progress, outcome, "%s", reason);
}
