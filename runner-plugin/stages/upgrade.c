/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/prepare.h"
#include "runner-plugin/stages/progress.h"

/* What does not come up, or does not take its seed, says nothing of the head. 0: it is up and
 * seeded; 1: it is broken; -1: concluded. */
static int judge_base(struct progress *progress, const struct deploy_result *deployed)
{
	bool is_up = deployed->end == DEPLOY_UP;

	if (is_up && progress_seed(progress) == 0)
		return 0;
	if (!is_up)
		progress_take_deploy(progress, deployed);
	return progress->result.outcome == OUTCOME_FAIL ? 1 : -1;
}

/* Why the one that was just concluded as failed is no base. */
static void reject_base(struct progress *progress, const struct deploy_result *deployed)
{
	auto_str char *why = xasprintf("%s%s",
	    deployed->end == DEPLOY_UP ? "" : "does not come up: ", progress->result.reason);
	auto_str char *line =
	    xasprintf("base broken: %s: %s", plan_base(&progress->plan)->version, why);

	progress_say(progress, line);
	plan_reject_base(&progress->plan, why);
}

/* What stood there of the one before is no evidence of this one. */
static void forget_evidence(struct progress *progress)
{
	results_set(&progress->result.service, "");
	results_stage_set_evidence(&progress->result, "", "");
}

/* As judge_base(). */
static int deploy_base(struct progress *progress, struct deploy_result *deployed)
{
	AUTO(rendered) base = {0};
	struct err err;

	if (progress_render(progress, plan_base(&progress->plan)->commit, &base) < 0)
		return -1;
	if (deploy_reset(&progress->deploy, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	deploy_result_release(deployed);
	deploy_run(&progress->deploy, &base, " base", deployed);
	return judge_base(progress, deployed);
}

/* The plan's base, or the next one when it is broken. -1: concluded. */
static int bring_up_base(struct progress *progress, struct deploy_result *deployed)
{
	struct err err;

	while (plan_base(&progress->plan) && !*progress->prepared.base_problem) {
		int broken = deploy_base(progress, deployed);

		if (broken <= 0)
			return broken;
		reject_base(progress, deployed);
		if (prepare_next_base(progress->work, progress->engine, &progress->plan,
			&progress->prepared, &err) < 0) {
			progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
			return -1;
		}
		if (plan_base(&progress->plan))
			forget_evidence(progress);
	}
	/* Unverified, whatever the base's fault: it is neither the head's nor a pass. */
	if (*progress->prepared.base_problem)
		progress_conclude(
		    progress, OUTCOME_UNVERIFIED, "%s", progress->prepared.base_problem);
	else
		progress_conclude(
		    progress, OUTCOME_UNVERIFIED, "base broken: %s", progress->plan.broken);
	return -1;
}

static void conclude_pass(struct progress *progress)
{
	const struct plan *plan = &progress->plan;

	if (*plan->broken)
		progress_conclude(progress, OUTCOME_PASS,
		    "base broken: %s; upgraded from %s instead", plan->broken,
		    plan_base(plan)->version);
	else
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
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
		conclude_pass(progress);
}

void upgrade_run(struct progress *progress)
{
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	AUTO(survival_marks) marks = {0};
	const struct plan *plan = &progress->plan;

	if (progress_render(progress, plan->head_commit, &head) < 0)
		return;
	if (bring_up_base(progress, &deployed) == 0 &&
	    progress_mark(progress, plan_base(plan)->version, &marks) == 0)
		run_over_base(progress, &head, deployed.version, &marks);
}
