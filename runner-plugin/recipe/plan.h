/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From parameters, suite and the recipe's versions to what this run will do. Pure; written to
 * plan.json and printed by `ccci-run plan`.
 *
 * Base of the upgrade: --from, else the newest published version strictly older than the head, else
 * none with the reason.
 */
#ifndef CCCI_PLAN_H
#define CCCI_PLAN_H

#include "common/buf.h"
#include "common/json.h"
#include "runner-plugin/recipe/params.h"
#include "runner-plugin/recipe/suite.h"

struct plan_tag {
	const char *name;
	const char *commit;
};
struct plan_facts {
	const struct params *params;
	const struct suite *suite;
	const char *head_commit;
	const char *head_version; /* the label in the head's compose files; NULL: none */
	const struct plan_tag *tags;
	size_t tag_count;
};

struct plan_rejected {
	char *version;
	char *why;
};
struct plan_stage {
	bool is_wanted;
	char *not_run; /* the reason; NULL: it runs */
};
struct plan {
	char *head_commit;
	char *head_version; /* "" when the recipe has no label */
	char *base_version; /* "" none */
	char *base_commit;
	char *base_why; /* "newest published version older than 1.2.0+2.1.0" */
	struct plan_rejected *rejected;
	size_t rejected_count;
	struct plan_stage stages[STAGE_COUNT];
	int deploys; /* planned */
};

/* ERR_CONFIG: --from names no version of this recipe, or not an older one. */
int plan_make(const struct plan_facts *facts, struct plan *out, struct err *err) CHECKED;
/* Wanted, and nothing known keeps it from running. */
bool plan_runs(const struct plan *plan, enum stage stage);
void plan_release(struct plan *plan);
DEFINE_AUTO(plan, plan_release);

struct json *plan_encode(const struct plan *plan) CHECKED;
int plan_decode(const struct json *json, struct plan *out, struct err *err) CHECKED;
void plan_print(const struct plan *plan, struct buf *out);

#endif
