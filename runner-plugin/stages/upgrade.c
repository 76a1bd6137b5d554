/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/progress.h"

/* Unverified, whatever the base's fault: it is neither the head's nor a pass. */
static void conclude_base(struct progress *progress, const struct deploy_result *deployed)
{
	progress_take_deploy(progress, deployed);
	if (deployed->end == DEPLOY_FAILED)
		progress_conclude(progress, OUTCOME_UNVERIFIED,
		    "base broken: %s does not come up: %s", plan_base(&progress->plan)->version,
		    deployed->reason);
}

/* A seed that the base does not take says nothing of the head. -1: concluded. */
static int seed_base(struct progress *progress)
{
	if (progress_seed(progress) == 0)
		return 0;
	if (progress->result.outcome == OUTCOME_FAIL) {
		auto_str char *why = xstrdup(progress->result.reason);

		progress_conclude(progress, OUTCOME_UNVERIFIED, "base broken: %s: %s",
		    plan_base(&progress->plan)->version, why);
	}
	return -1;
}

/* The head over the base, with the base's markers in the volumes. */
static void run_over_base(struct progress *progress, const struct rendered *head,
    const char *base_label, const struct survival_marks *marks)
{
	AUTO(deploy_result) deployed = {0};

	deploy_run(&progress->deploy, head, " head", &deployed);
	progress_take_deploy(progress, &deployed);
	if (deployed.end != DEPLOY_UP)
		return;
	/* Lost data first: what the app says without it is only what follows. */
	if (progress_check_marks(progress, marks) < 0 ||
	    progress_prove_app(progress, &deployed) < 0 || progress_check_data(progress) < 0)
		return;
	if (*base_label && text_is(base_label, deployed.version))
		progress_conclude(progress, OUTCOME_FAIL,
		    "the version label is %s before and after the upgrade", base_label);
	else
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
}

void upgrade_run(struct progress *progress)
{
	AUTO(rendered) base = {0};
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	AUTO(survival_marks) marks = {0};
	const struct plan *plan = &progress->plan;
	struct err err;

	if (*progress->prepared.base_problem) {
		progress_conclude(
		    progress, OUTCOME_UNVERIFIED, "%s", progress->prepared.base_problem);
		return;
	}
	if (render_commit(progress->work, &progress->suite, plan_base(plan)->commit,
		plan->head_commit, &base, &err) < 0 ||
	    render_commit(progress->work, &progress->suite, plan->head_commit, plan->head_commit,
		&head, &err) < 0 ||
	    deploy_reset(&progress->deploy, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	deploy_run(&progress->deploy, &base, " base", &deployed);
	if (deployed.end != DEPLOY_UP) {
		conclude_base(progress, &deployed);
		return;
	}
	if (seed_base(progress) == 0 &&
	    progress_mark(progress, plan_base(plan)->version, &marks) == 0)
		run_over_base(progress, &head, deployed.version, &marks);
}
