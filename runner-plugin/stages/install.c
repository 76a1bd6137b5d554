/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/shared.h"
#include "runner-plugin/stages/progress.h"

void install_run(struct progress *progress)
{
	AUTO(deploy_result) deployed = {0};

	for (size_t i = 0; i < progress->prepared.phase_count; i++)
		results_stage_add_phase(&progress->result, progress->prepared.phases[i].name,
		    progress->prepared.phases[i].seconds);
	if (progress_deploy_head(progress, "", &deployed) < 0)
		return;
	/* An app that runs share is as one that is deployed beside: nobody tests it. */
	if (shared_is_id(progress->work->run->id) ||
	    (progress_prove_app(progress, &deployed) == 0 && progress_seed(progress) == 0))
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
}
