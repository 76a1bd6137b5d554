/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Can one go back? After the upgrade the base is deployed once more, over the head and its data.
 * Most operators want to know, and no recipe promises it: what comes of it is told and never
 * counted. Asked for by name alone.
 */
#include "runner-plugin/stages/progress.h"

/* It is about both versions at once, so the sentence names the question. */
static void conclude_no(struct progress *progress)
{
	auto_str char *why = xstrdup(progress->result.reason);

	if (progress->result.outcome == OUTCOME_FAIL)
		progress_conclude(progress, OUTCOME_FAIL, "can go back: no: %s", why);
}

/* -1: concluded. */
static int go_back(struct progress *progress, const struct survival_marks *marks)
{
	AUTO(rendered) base = {0};
	AUTO(deploy_result) deployed = {0};

	if (progress_render(progress, plan_base(&progress->plan)->commit, &base) < 0)
		return -1;
	deploy_run(&progress->deploy, &base, " back", &deployed);
	progress_take_deploy(progress, &deployed);
	if (deployed.end != DEPLOY_UP || progress_check_marks(progress, marks) < 0 ||
	    progress_check_data(progress) < 0)
		return -1;
	/* Not the suite's checks, which are of the head. */
	deploy_confirm(&progress->deploy, &deployed);
	progress_take_deploy(progress, &deployed);
	return deployed.end == DEPLOY_UP ? 0 : -1;
}

void rollback_run(struct progress *progress)
{
	AUTO(survival_marks) marks = {0};
	const struct plan *plan = &progress->plan;

	if (progress_mark(progress, plan->head_version, &marks) < 0)
		return;
	if (go_back(progress, &marks) < 0)
		conclude_no(progress);
	else
		progress_conclude(
		    progress, OUTCOME_PASS, "can go back: yes, to %s", plan_base(plan)->version);
}
