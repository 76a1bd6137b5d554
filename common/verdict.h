/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the outcomes of stages to one verdict and level. Pure.
 *
 *   struct verdict verdict = verdict_judge(&facts);
 *
 * A recipe is never blamed for our machine: error outcomes make ci_error, even beside a fail of a
 * later stage that depended on it; unverified never counts as passed.
 */
#ifndef CCCI_VERDICT_H
#define CCCI_VERDICT_H

#include "common/base.h"

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_NOT_RUN, OUTCOME_UNVERIFIED, OUTCOME_ERROR };
enum verdict_class {
	VERDICT_PASSED,
	VERDICT_RECIPE_FAILED,
	VERDICT_TIMED_OUT,
	VERDICT_CI_ERROR,
	VERDICT_CANCELLED,
	VERDICT_SUPERSEDED,
	VERDICT_NOT_RUN,
};
/* In the order they run; STAGE_NONE ends the enum. */
enum stage {
	STAGE_INSTALL,
	STAGE_RECREATE,
	STAGE_UPGRADE,
	STAGE_BACKUP,
	STAGE_RECIPE,
	STAGE_EXTRA,
	STAGE_NONE,
};
#define STAGE_COUNT STAGE_NONE

const char *outcome_word(enum outcome outcome);
const char *verdict_word(enum verdict_class verdict);
const char *stage_word(enum stage stage);
bool outcome_parse(const char *word, enum outcome *out) CHECKED;
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
	struct {
		bool is_known; /* the stage was planned; others are not looked at */
		enum outcome outcome;
	} stages[STAGE_COUNT];
	bool is_clean; /* teardown left nothing */
};

struct verdict {
	enum verdict_class class;
	int level; /* 0 to 5, see contracts: 1 installs, 2 upgrades, 3 backs up, 4 tests, 5 lint and
		      clean */
	int exit_code; /* contracts section 4 */
};

struct verdict verdict_judge(const struct verdict_facts *facts);
int verdict_exit_code(enum verdict_class class, bool is_clean);

#endif
