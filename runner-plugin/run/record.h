/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes down how a run came out: results.json and junit.xml in its directory, from the stages'
 * files, how the run ended and what teardown left.
 *
 *   record_stage(run, STAGE_INSTALL, OUTCOME_ERROR, "the worker was killed by SIGSEGV", 0, &err);
 *   record_write(run, &end, &teardown, NULL, &err);
 *   record_read(run, &results, &err);
 */
#ifndef CCCI_RECORD_H
#define CCCI_RECORD_H

#include "common/results.h"
#include "runner-plugin/run/teardown.h"

/* In the run's directory. */
#define RECORD_RESULTS_FILE "results.json"
#define RECORD_JUNIT_FILE "junit.xml"

/* In STATE_DIR, by recipe: images of its newest green run (prepared_note_images()). */
#define RECORD_CANONICAL_IMAGES_DIR "canonical/images"

struct record_end {
	enum run_end end;
	const char *reason;    /* why, when it is not RUN_COMPLETE; else NULL */
	const char *state_dir; /* where the last green run is; NULL: it is not asked for */
};

/* What becomes of the app of a run that was asked to keep it; each "" when it says nothing. */
struct record_kept {
	const char *url, *until, *why_not;
};

/* A stage's file in place of the worker that did not write it; one that is there stays. */
int record_stage(const struct run *run, enum stage stage, enum outcome outcome, const char *reason,
    double seconds, struct err *err) CHECKED;

/*
 * What the files of the run directory say: all but teardown, verdict and level. out is initialised;
 * on -1, the plan is damaged, it has what the run itself knows.
 */
int record_collect(const struct run *run, struct results *out, struct err *err) CHECKED;

/*
 * Each file whole or not at all. What cannot be collected makes the run a CI error that says so.
 * kept may be NULL.
 */
int record_write(const struct run *run, const struct record_end *end,
    const struct teardown_result *teardown, const struct record_kept *kept,
    struct err *err) CHECKED;
/* Once a kept app is taken down: only what that left is written anew. */
int record_teardown(
    const struct run *run, const struct teardown_result *teardown, struct err *err) CHECKED;
/* ERR_MISSING: not written yet. */
int record_read(const struct run *run, struct results *out, struct err *err) CHECKED;

/*
 * Of a run that was written, when it is green and every stage was wanted that a run without STAGES
 * has: it is the recipe's last green one (STATE_DIR/green/<recipe>.json, its results), which a red
 * one is compared with. Of the default branch's head, it goes into the recipe's history
 * (canonical.h) as well.
 */
int record_remember(const struct run *run, const char *state_dir, struct err *err) CHECKED;

/*
 * Results that say why there was no run, for who asked by the step's environ. *out need not be
 * initialised; default_org may be NULL.
 */
void record_nothing(
    const char *const *environ, const char *default_org, const char *reason, struct results *out);

#endif
