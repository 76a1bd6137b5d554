/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One stage under way: what every stage shares. A stage is a file with one function (recipe and
 * extra share own_tests.c), which deploys,
 * asks and concludes exactly once.
 *
 *   if (progress_deploy_head(progress, "", &deployed) == 0 &&
 *       progress_prove_app(progress, &deployed) == 0)
 *           progress_conclude(progress, OUTCOME_PASS, "%s", "");
 *
 * Of a function that says "-1: concluded" nothing more is to be done.
 */
#ifndef CCCI_PROGRESS_H
#define CCCI_PROGRESS_H

#include "runner-plugin/checks/script.h"
#include "runner-plugin/recipe/plan.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/stages/deploy.h"
#include "runner-plugin/swarm/database_marks.h"
#include "runner-plugin/swarm/survival.h"

struct progress {
	const struct stages_work *work;
	struct stages_work bounded; /* it, with the stage's budget as deadline; where work points */
	enum stage which;
	int64_t started_ns;
	struct results_stage result;
	struct plan plan;
	struct prepared prepared;
	struct suite suite;
	struct engine *engine;
	struct abra abra;
	struct deploy deploy;
	struct database_marks databases; /* of progress_mark() */
};
void progress_release(struct progress *progress);
DEFINE_AUTO(progress, progress_release);

/* A line for whoever watches; one that stays, or of what is done for now. context is the progress,
 * as struct deploy hands it on. */
void progress_say(void *context, const char *line);
void progress_show(void *context, const char *line);
PRINTF_LIKE(3, 4)
void progress_conclude(struct progress *progress, enum outcome outcome, const char *format, ...);
/* Where the time went since then. */
void progress_add_phase(struct progress *progress, const char *name, int64_t since_ns);
/* What did not come up, or did not stay up, with its last lines; nothing when it is up. */
void progress_take_deploy(struct progress *progress, const struct deploy_result *deployed);
/* A version as a commit has it, with the head's settings. -1: concluded. */
int progress_render(struct progress *progress, const char *commit, struct rendered *out) CHECKED;
/* The head, fresh; phase as deploy_run() takes it. -1: concluded. */
int progress_deploy_head(
    struct progress *progress, const char *phase, struct deploy_result *out) CHECKED;
/*
 * The head is up, as a stage before has left it; deployed afresh and seeded when it is not. What
 * else the stage proves, it proves itself. -1: concluded.
 */
int progress_need_head(struct progress *progress) CHECKED;
/* Concludes whether the head is up as a stage before has left it, and ready. */
void progress_look(struct progress *progress);
/* Ready items and checks, then one look more: it must not have been up for a moment only. -1:
 * concluded. */
int progress_prove_app(struct progress *progress, struct deploy_result *deployed) CHECKED;
/*
 * The suite's data: what a fresh deployment is filled with, and whether it is still there. Nothing
 * when the suite has none. -1: concluded.
 */
int progress_seed(struct progress *progress) CHECKED;
int progress_check_data(struct progress *progress) CHECKED;
/* Takes away what the seed wrote, in the app itself; then the check fails. -1: concluded. */
int progress_wipe_data(struct progress *progress) CHECKED;
/* What the check says, for nobody's record; true without one. -1: concluded. */
int progress_try_data(struct progress *progress, bool *out_is_there) CHECKED;
/* What a marker within a database is called: the run's six digits. */
const char *progress_mark_name(const struct progress *progress);
/*
 * One executable, of the suite or of the recipe's own: its tests, one by one, among the stage's.
 * -1: concluded, with what it said as evidence; out is filled unless it could not be judged.
 */
int progress_run_script(
    struct progress *progress, const struct script_spec *spec, struct script_result *out) CHECKED;
/* A marker in each volume, saying which version was there, and in each database. -1: concluded. */
int progress_mark(
    struct progress *progress, const char *version, struct survival_marks *out) CHECKED;
/* Each marker as a test of the stage; those of databases are then taken away. -1: concluded. */
int progress_check_marks(struct progress *progress, const struct survival_marks *marks) CHECKED;

/* The stages, a file each. */
void install_run(struct progress *progress);
void recreate_run(struct progress *progress);
void recipe_run(struct progress *progress);
void extra_run(struct progress *progress);
void upgrade_run(struct progress *progress);
void rollback_run(struct progress *progress);
void backup_run(struct progress *progress);
void lint_run(struct progress *progress);

#endif
