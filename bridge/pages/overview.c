/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/overview.h"

const char *overview_recipe_name(const char *repo)
{
	const char *slash = strchr(repo, '/');

	return slash ? slash + 1 : repo;
}

bool overview_is_stale(const struct overview_recipe *recipe, int64_t now_s)
{
	return !recipe->is_active && now_s - recipe->heard_s > OVERVIEW_STALE_S;
}

size_t overview_columns(const struct past *past, struct draw_column out[DRAW_COLUMNS_MAX])
{
	size_t count = 0;
	size_t shown = 0;

	while (shown < past->count && count < DRAW_COLUMNS_MAX)
		count += past_is_active(&past->runs[shown++]) ? 0 : 1;
	count = 0;
	while (shown > 0) {
		const struct past_run *run = &past->runs[--shown];

		if (past_is_active(run))
			continue;
		out[count++] = (struct draw_column){.tone = !past_is_judged(run) ? DRAW_OTHER
							    : past_is_red(run)	 ? DRAW_BAD
										 : DRAW_GOOD,
		    .value = (double)past_seconds(run)};
	}
	return count;
}

static struct overview_recipe summarise(const struct past *past)
{
	struct past_flaky flaky[PAST_FLAKY_MAX];
	const struct past_run *newest = past_newest(past);
	const struct past_run *last = newest && past_is_red(newest) ? newest : past_last(past);
	const struct past_run *level = past_level(past);
	struct overview_recipe recipe = {.level = level ? level->level : OVERVIEW_NO_LEVEL,
	    .is_flaky = past_flaky(past, flaky) > 0,
	    .usual_s = past_usual_s(past),
	    .is_red = newest && past_is_red(newest),
	    .heard_s = past->runs[0].heard_s};

	(void)copy_text(recipe.repo, sizeof(recipe.repo), past->runs[0].repo);
	(void)copy_text(recipe.name, sizeof(recipe.name), overview_recipe_name(recipe.repo));
	if (last) {
		recipe.has_last = true;
		recipe.last = *last;
	}
	for (size_t i = 0; i < past->count; i++)
		recipe.is_active = recipe.is_active || past_is_active(&past->runs[i]);
	recipe.column_count = overview_columns(past, recipe.columns);
	for (size_t i = 0; i < recipe.column_count; i++)
		recipe.red_count += recipe.columns[i].tone == DRAW_BAD ? 1 : 0;
	return recipe;
}

/* Room doubles: a list of hundreds is not copied hundreds of times. */
static void take_past(struct overview *overview)
{
	if (!overview->past.count)
		return;
	if ((overview->count & (overview->count - 1)) == 0)
		overview->recipes = xrealloc_array(overview->recipes,
		    overview->count ? overview->count * 2 : 1, sizeof(overview->recipes[0]));
	overview->recipes[overview->count++] = summarise(&overview->past);
	past_clear(&overview->past);
}

void overview_add(struct overview *overview, const struct job_brief *brief)
{
	if (overview->past.count && !text_is(overview_recipe_name(overview->past.runs[0].repo),
					overview_recipe_name(brief->repo)))
		take_past(overview);
	past_add(&overview->past, brief);
}

static int compare(const void *a, const void *b)
{
	const struct overview_recipe *one = a;
	const struct overview_recipe *other = b;

	if (one->level != other->level)
		return one->level < other->level ? 1 : -1;
	return strcmp(one->name, other->name);
}

void overview_finish(struct overview *overview)
{
	take_past(overview);
	if (overview->count)
		qsort(overview->recipes, overview->count, sizeof(overview->recipes[0]), compare);
}

void overview_release(struct overview *overview)
{
	free(overview->recipes);
	past_release(&overview->past);
	*overview = (struct overview){0};
}
