/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the outcomes of stages to one verdict and level. Pure.
 *
 *   struct verdict verdict = verdict_judge(&facts);
 *
 * A recipe is never blamed for our machine, nor let off by it: of a fail and an error that one
 * counts which came first, as what follows may only be its consequence. Else any unverified stage
 * makes ci_error: it never counts as passed. Nothing passed and nothing failed: not_run.
 *
 * Whether one can go back (rollback) is worth knowing, and neither here nor there for the verdict.
 * A lint that could not be done leaves the verdict to what was: whether the recipe works is not
 * less known for it. Only where nothing else passed it is as any other.
 *
 * A run that timed out, was cancelled or broke has that verdict whatever its stages say. What
 * teardown left changes no verdict.
 */
#ifndef CCCI_VERDICT_H
#define CCCI_VERDICT_H

#include "common/base.h"

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_NOT_RUN, OUTCOME_UNVERIFIED, OUTCOME_ERROR };
#define OUTCOME_COUNT (OUTCOME_ERROR + 1)
enum verdict_class {
	VERDICT_PASSED,
	VERDICT_RECIPE_FAILED,
	VERDICT_TIMED_OUT,
	VERDICT_CI_ERROR,
	VERDICT_CANCELLED,
	VERDICT_SUPERSEDED,
	VERDICT_NOT_RUN,
};
#define VERDICT_COUNT (VERDICT_NOT_RUN + 1)
/*
 * In the order they run: those on the head as deployed fresh, then those that begin with an older
 * version, then what needs no deployment. STAGE_NONE ends the enum.
 */
enum stage {
	STAGE_INSTALL,
	STAGE_RECREATE,
	STAGE_RECIPE,
	STAGE_EXTRA,
	STAGE_BACKUP,
	STAGE_UPGRADE,
	STAGE_ROLLBACK,
	STAGE_LINT,
	STAGE_NONE,
};
#define STAGE_COUNT STAGE_NONE
#define STAGE_LIST "install, recreate, recipe, extra, backup, upgrade, rollback, lint"
/* Runs without being asked for by name. */
bool stage_is_default(enum stage stage);

const char *outcome_word(enum outcome outcome);
const char *verdict_word(enum verdict_class verdict);
const char *stage_word(enum stage stage);
bool outcome_parse(const char *word, enum outcome *out) CHECKED;
/* Passed, failed, timed out: it says something of the recipe. The others do not. */
bool verdict_is_of_recipe(enum verdict_class verdict);
bool verdict_parse(const char *word, enum verdict_class *out) CHECKED;
bool stage_parse(const char *word, enum stage *out) CHECKED;

enum run_end {
	RUN_COMPLETE,
	RUN_TIMED_OUT,
	RUN_CANCELLED,
	RUN_BROKE
}; /* BROKE: our side, see reason */

struct verdict_facts {
	enum run_end end;
	bool is_clean; /* teardown left nothing */
	struct {
		bool is_known; /* the stage was planned; others are not looked at */
		enum outcome outcome;
	} stages[STAGE_COUNT];
};

struct verdict {
	enum verdict_class class;
	/*
	 * 0 to 5: 1 installs, 2 upgrades, 3 backs up, 4 passes its tests, 5 lint clean and nothing
	 * left. The highest level whose own stage passed; those below passed or were not run. A
	 * stage that was not planned ends the climb, so a run of install alone reaches 1.
	 */
	int level;
};

struct verdict verdict_judge(const struct verdict_facts *facts);

#endif
