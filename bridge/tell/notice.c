/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/notice.h"

#include "common/clock.h"
#include "common/json.h"

/* --- whether it is news --- */

struct standing {
	const struct past_run *level; /* the run that says it; NULL: none */
	struct past_night night;
};

static struct standing stand(const struct past *past)
{
	struct standing standing = {.night = past_by_night(past)};

	for (size_t i = 0; i < past->count && !standing.level; i++) {
		const struct past_run *run = &past->runs[i];

		if (past_is_whole(run) && !past_is_by_chance(past, i))
			standing.level = run;
	}
	return standing;
}

static void copy_without(const struct past *from, int64_t comment, struct past *out)
{
	out->runs = xcalloc(from->count + 1, sizeof(out->runs[0]));
	for (size_t i = 0; i < from->count; i++) {
		if (from->runs[i].comment != comment)
			out->runs[out->count++] = from->runs[i];
	}
}

bool notice_judge(const struct past *past, int64_t comment, struct notice *out)
{
	AUTO(past) without = {0};

	copy_without(past, comment, &without);
	struct standing before = stand(&without);
	struct standing after = stand(past);

	/* One that was never judged before has no level that could change. */
	*out = (struct notice){
	    .is_level = before.level && after.level && before.level->level != after.level->level,
	    .turns_red = after.night.is_red && !before.night.is_red,
	    .turns_green = before.night.is_red && !after.night.is_red,
	    .has_before = before.level != NULL,
	    .before = before.level ? before.level->level : 0,
	    .has_after = after.level != NULL,
	    .after = after.level ? after.level->level : 0,
	    .first_red = after.night.first_red};
	return out->is_level || out->turns_red || out->turns_green;
}

int64_t notice_again_s(int64_t tries)
{
	static const int64_t again_s[NOTICE_TRIES] = {0, 60, 600};

	return tries < NOTICE_TRIES ? again_s[tries] : -1;
}

/* --- the document --- */

static struct json *encode_level(bool is_known, int level)
{
	return is_known ? json_new_int(level) : NULL;
}

static void set_or_null(struct json *object, const char *key, struct json *take_value)
{
	if (take_value)
		json_set(object, key, take_value);
	else
		json_set_text(object, key, NULL);
}

static void set_url(struct json *object, const struct notice_facts *facts, int64_t build)
{
	auto_str char *url =
	    facts->pages_url ? xasprintf("%s/runs/%lld", facts->pages_url, (long long)build) : NULL;

	json_set_text(object, "url", url);
}

static struct json *encode_events(const struct notice *notice)
{
	struct json *events = json_new_array();

	if (notice->is_level)
		json_add_text(events, "level");
	if (notice->turns_red)
		json_add_text(events, "nightly_red");
	if (notice->turns_green)
		json_add_text(events, "nightly_green");
	return events;
}

static struct json *encode_levels(const struct notice *notice)
{
	struct json *level = json_new_object();

	set_or_null(level, "before", encode_level(notice->has_before, notice->before));
	set_or_null(level, "after", encode_level(notice->has_after, notice->after));
	return level;
}

static struct json *encode_first_red(const struct notice *notice, const struct notice_facts *facts)
{
	const struct past_run *run = notice->first_red;
	char when[CLOCK_RFC3339_SIZE];

	if (!run)
		return NULL;
	struct json *json = json_new_object();
	json_set_int(json, "build", run->build);
	json_set_text(json, "commit", run->ref);
	clock_format_rfc3339(run->ended_s, when);
	json_set_text(json, "ended", run->ended_s > 0 ? when : NULL);
	set_url(json, facts, run->build);
	return json;
}

/* A member of the results that stands in the notice itself too. */
static void set_from(struct json *object, const char *key, const struct json *results)
{
	const struct json *value = json_get(results, key);

	set_or_null(object, key, value ? json_copy(value) : NULL);
}

char *notice_write(const struct notice *notice, const struct notice_facts *facts)
{
	const struct job *job = facts->job;
	struct err ignored;
	AUTO_PTR(json) json = json_new_object();
	AUTO_PTR(json)
	results = job->results ? json_parse(job->results, strlen(job->results), &ignored) : NULL;
	auto_str char *id = xasprintf("%lld-%lld", (long long)job->comment, (long long)job->build);

	json_set_int(json, "schema", NOTICE_SCHEMA);
	json_set_text(json, "id", id);
	json_set(json, "events", encode_events(notice));
	json_set_text(json, "recipe", job_recipe(job));
	json_set_text(json, "repo", job->repo);
	json_set_int(json, "pr", job->pr);
	json_set_bool(json, "nightly", job_is_nightly(job));
	json_set_text(json, "commit", job->ref);
	json_set_int(json, "build", job->build);
	set_url(json, facts, job->build);
	json_set_text(json, "verdict", verdict_word(job->verdict));
	json_set_text(json, "reason", job->reason);
	json_set(json, "level", encode_levels(notice));
	set_or_null(json, "first_red", encode_first_red(notice, facts));
	set_from(json, "last_green", results);
	set_from(json, "changed", results);
	set_or_null(json, "results", results ? json_copy(results) : NULL);
	return json_print(json);
}
