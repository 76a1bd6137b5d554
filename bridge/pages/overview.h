/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All recipes, each in a line: what the dashboard and the API's lists say. Pure.
 *
 *   overview_add(&overview, &brief);        recipe by recipe, newest run first
 *   overview_finish(&overview);             the last recipe is whole; the best ones stand first
 */
#ifndef CCCI_BRIDGE_PAGES_OVERVIEW_H
#define CCCI_BRIDGE_PAGES_OVERVIEW_H

#include "bridge/pages/draw.h"
#include "bridge/pages/past.h"

#define OVERVIEW_LEVELS 6      /* 0 to 5 */
#define OVERVIEW_NO_LEVEL (-1) /* no run has said */
#define OVERVIEW_STALE_S (INT64_C(30) * 24 * 3600)

struct overview_recipe {
	char name[JOB_REPO_SIZE];
	char repo[JOB_REPO_SIZE];
	int level; /* or OVERVIEW_NO_LEVEL */
	bool is_flaky, is_active;
	bool is_red; /* its newest judged run */
	bool has_last;
	struct past_run last; /* the newest that has ended; of a red recipe the newest judged one */
	int64_t heard_s;      /* when anything of it was last asked for */
	int64_t usual_s;
	size_t red_count; /* of the columns */
	struct draw_column columns[DRAW_COLUMNS_MAX];
	size_t column_count;
};

struct overview {
	struct overview_recipe *recipes; /* owned */
	size_t count;
	struct past past; /* of the recipe under way */
};

void overview_add(struct overview *overview, const struct job_brief *brief);
void overview_finish(struct overview *overview);
void overview_release(struct overview *overview);
DEFINE_AUTO(overview, overview_release);

bool overview_is_stale(const struct overview_recipe *recipe, int64_t now_s);
const char *overview_recipe_name(const char *repo); /* "owner/name" to "name"; borrowed */
/* The columns of runs, the oldest first; returns how many. */
size_t overview_columns(const struct past *past, struct draw_column out[DRAW_COLUMNS_MAX]);

#endif
