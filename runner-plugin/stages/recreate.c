/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a restart of the host does to an app, in small: every container goes and is made anew, the
 * volumes stay. Who keeps data outside of them, or comes up only once, is found here.
 */
#include "runner-plugin/stages/progress.h"

void recreate_run(struct progress *progress)
{
	AUTO(survival_marks) marks = {0};
	AUTO(deploy_result) deployed = {0};

	if (progress_need_head(progress) < 0 ||
	    progress_mark(progress, "before every container was made anew", &marks) < 0)
		return;
	deploy_recreate(&progress->deploy, &deployed);
	progress_take_deploy(progress, &deployed);
	if (deployed.end != DEPLOY_UP)
		return;
	if (progress_check_marks(progress, &marks) < 0 ||
	    progress_prove_app(progress, &deployed) < 0 || progress_check_data(progress) < 0)
		return;
	progress_conclude(progress, OUTCOME_PASS, "%s", "");
}
