/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/api.h"

#include "common/clock.h"

static struct json *new_document(void)
{
	struct json *json = json_new_object();

	json_set_int(json, "schema", API_SCHEMA);
	return json;
}

/* null while it is not known. */
static void set_time(struct json *json, const char *key, int64_t at_s)
{
	char text[CLOCK_RFC3339_SIZE];

	if (at_s > 0)
		clock_format_rfc3339(at_s, text);
	json_set_text(json, key, at_s > 0 ? text : NULL);
}

static void set_known(struct json *json, const char *key, int64_t value, bool is_known)
{
	if (is_known)
		json_set_int(json, key, value);
	else
		json_set_text(json, key, NULL);
}

static struct json *encode_stages(const struct past_run *run)
{
	struct json *stages = json_new_array();

	for (int i = 0; i < STAGE_COUNT; i++) {
		if (!run->stages[i].is_known)
			continue;
		struct json *stage = json_new_object();

		json_set_text(stage, "name", stage_word((enum stage)i));
		json_set_text(stage, "outcome", outcome_word(run->stages[i].outcome));
		json_set_number(stage, "seconds", run->stages[i].seconds);
		json_add(stages, stage);
	}
	return stages;
}

static struct json *encode_run(const struct past_run *run)
{
	struct json *json = json_new_object();

	set_known(json, "build", run->build, run->build > 0);
	json_set_text(json, "recipe", overview_recipe_name(run->repo));
	json_set_text(json, "repo", run->repo);
	json_set_int(json, "pr", run->pr);
	json_set_bool(json, "nightly", job_id_is_nightly(run->comment));
	json_set_text(json, "commit", run->ref);
	json_set_text(json, "state", frame_run_word(run));
	set_known(json, "level", run->level, past_is_judged(run));
	json_set_bool(json, "partial", run->is_partial);
	json_set_bool(json, "trial", run->is_trial);
	json_set_text(json, "head", run->head_version);
	json_set_text(json, "base", run->base_version);
	set_time(json, "heard", run->heard_s);
	set_time(json, "started", run->started_s);
	set_time(json, "ended", run->ended_s);
	json_set(json, "stages", encode_stages(run));
	return json;
}

static struct json *encode_recipe(const struct overview_recipe *recipe)
{
	struct json *json = json_new_object();

	json_set_text(json, "recipe", recipe->name);
	json_set_text(json, "repo", recipe->repo);
	set_known(json, "level", recipe->level, recipe->level >= 0);
	json_set_bool(json, "red", recipe->is_red);
	json_set_bool(json, "flaky", recipe->is_flaky);
	json_set_bool(json, "active", recipe->is_active);
	set_known(json, "usual_seconds", recipe->usual_s, recipe->usual_s > 0);
	if (recipe->has_last)
		json_set(json, "last", encode_run(&recipe->last));
	else
		json_set_text(json, "last", NULL);
	return json;
}

struct json *api_encode_recipes(const struct overview *overview)
{
	struct json *json = new_document();
	struct json *recipes = json_new_array();

	for (size_t i = 0; i < overview->count; i++)
		json_add(recipes, encode_recipe(&overview->recipes[i]));
	json_set(json, "recipes", recipes);
	return json;
}

struct json *api_encode_runs(const struct past_run *runs, size_t count, int64_t next)
{
	struct json *json = new_document();
	struct json *list = json_new_array();

	for (size_t i = 0; i < count; i++)
		json_add(list, encode_run(&runs[i]));
	json_set(json, "runs", list);
	set_known(json, "next", next, next > 0);
	return json;
}

struct json *api_encode_queue(const struct dashboard_now *now, size_t count)
{
	struct json *json = new_document();
	struct json *queue = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json *run = encode_run(&now[i].run);

		json_set_text(run, "step", now[i].step[0] ? now[i].step : NULL);
		set_known(run, "usual_seconds", now[i].usual_s, now[i].usual_s > 0);
		json_add(queue, run);
	}
	json_set(json, "queue", queue);
	return json;
}

struct json *api_encode_error(const char *what)
{
	struct json *json = new_document();

	json_set_text(json, "error", what);
	return json;
}
