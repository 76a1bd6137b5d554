/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/progress.h"

void install_run(struct progress *progress)
{
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	const char *commit = progress->plan.head_commit;
	struct err err;

	for (size_t i = 0; i < progress->prepared.phase_count; i++)
		results_stage_add_phase(&progress->result, progress->prepared.phases[i].name,
		    progress->prepared.phases[i].seconds);
	if (render_commit(progress->work, &progress->suite, commit, commit, &head, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	deploy_run(&progress->deploy, &head, "", &deployed);
	progress_take_deploy(progress, &deployed);
	if (deployed.end == DEPLOY_UP && progress_prove_app(progress, &deployed) == 0 &&
	    progress_seed(progress) == 0)
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
}
