/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From parameters, suite and the recipe's versions to what this run will do. Pure; written to
 * plan.json and printed by `ccci-run plan`.
 *
 * Base of the upgrade: --from, else the newest green run of the default branch, else the newest
 * published version, each strictly older than the head and of a commit that the recipe has, else
 * none with the reason. Beside it stands the next one, for the case that the first is broken.
 *
 *   plan_make(&facts, &plan, err);
 *   while ((base = plan_base(&plan)) && is_broken(base))
 *           plan_reject_base(&plan, "does not come up");
 */
#ifndef CCCI_PLAN_H
#define CCCI_PLAN_H

#include "common/buf.h"
#include "common/json.h"
#include "common/results.h"
#include "runner-plugin/recipe/params.h"
#include "runner-plugin/recipe/suite.h"

struct plan_tag {
	const char *name;
	const char *commit;
};
struct plan_green {
	const char *version;
	const char *commit;
	int64_t build; /* 0: not in Drone */
	int64_t when_s;
	bool is_there; /* the recipe's repository has that commit */
};
struct plan_facts {
	const struct params *params;
	const struct suite *suite;
	const char *head_commit;
	const char *head_version; /* the label in the head's compose files; NULL: none */
	const struct plan_tag *tags;
	size_t tag_count;
	const struct plan_green *greens; /* of the default branch, newest first */
	size_t green_count;
	int64_t now_s; /* wall */
	/* Executables in the recipe's own tests/ and tests/extra/, and who may run them. */
	size_t own_test_count, own_extra_count;
	const char *tests_allow; /* RECIPE_TESTS_ALLOW; NULL: nobody */
};

#define PLAN_BASES_MAX 2 /* a third would only cost time: two broken in a row say enough */
struct plan_base {
	char *version;
	char *commit;
	char *why; /* "newest published version older than 1.2.0+2.1.0" */
};

struct plan_rejected {
	char *version;
	char *why;
};
struct plan_stage {
	bool is_wanted;
	char *not_run;	   /* the reason; NULL: it runs */
	int64_t budget_ms; /* how long it may take by the suite; 0: as long as the run */
};
struct plan {
	char *head_commit;
	char *head_version;			/* "" when the recipe has no label */
	struct plan_base bases[PLAN_BASES_MAX]; /* the first is the one to take */
	size_t base_count;
	char *broken; /* those that were taken first: "1.1.0+1: does not come up"; "" */
	struct plan_rejected *rejected;
	size_t rejected_count;
	struct plan_stage stages[STAGE_COUNT];
	int deploys; /* planned */
};

/* ERR_CONFIG: --from names no version of this recipe, or not an older one. */
int plan_make(const struct plan_facts *facts, struct plan *out, struct err *err) CHECKED;
/* The one to upgrade from; NULL: none, or none is left. */
const struct plan_base *plan_base(const struct plan *plan);
/* It turned out to be broken: it is noted among the rejected, and the next one takes its place. */
void plan_reject_base(struct plan *plan, const char *why);
/* Whether the tests that a recipe ships may run here; allow as in the facts. */
bool plan_may_test(const char *allow, const char *recipe);
/* Wanted, and nothing known keeps it from running. */
bool plan_runs(const struct plan *plan, enum stage stage);
/* Each stage is wanted that a run has when it names none. */
bool plan_is_whole(const struct plan *plan);
/*
 * A stage that used up its budget has failed, passed or not: who wrote the suite said so. What was
 * ours, or is not known, stays so, and names the budget.
 */
void plan_hold_budget(const struct plan *plan, struct results_stage *result);
void plan_release(struct plan *plan);
DEFINE_AUTO(plan, plan_release);

struct json *plan_encode(const struct plan *plan) CHECKED;
int plan_decode(const struct json *json, struct plan *out, struct err *err) CHECKED;
void plan_print(const struct plan *plan, struct buf *out);

#endif
