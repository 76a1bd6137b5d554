/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/build_read.h"

#define NUMBER_MAX 999999999

static int misses(struct err *err, const char *what, const char *member)
{
	return err_set(err, ERR_PROTOCOL, "read %s: %s is missing or wrong", what, member);
}

static bool get_status(const struct json *object, const char *key, enum build_status *out)
{
	const char *word = json_get_text(object, key);

	if (!word)
		return false;
	*out = BUILD_UNKNOWN;
	for (size_t i = 0; i < BUILD_UNKNOWN; i++) {
		if (text_is(word, build_status_word((enum build_status)i)))
			*out = (enum build_status)i;
	}
	if (text_is(word, "canceled")) /* Woodpecker's word */
		*out = BUILD_KILLED;
	return true;
}

/* Cut where it does not fit: for people only. */
static void get_cut_text(const struct json *object, const char *key, char *out, size_t out_size)
{
	const char *text = json_get_text(object, key);

	copy_head(out, out_size, text ? text : "");
}

static bool get_number(const struct json *object, const char *key, int64_t *out)
{
	int64_t value = 0;

	if (!json_get_int(object, key, &value) || value < 1 || value > NUMBER_MAX)
		return false;
	*out = value;
	return true;
}

/* Seconds since 1970, 0 when not yet. */
static int64_t get_time(const struct json *object, const char *key)
{
	int64_t value = 0;

	return json_get_int(object, key, &value) && value > 0 ? value : 0;
}

static int read_step(
    const struct json *item, const struct build_form *form, struct build_step *out, struct err *err)
{
	static const char what[] = "a step of a build";

	if (!get_number(item, form->step, &out->number))
		return misses(err, what, form->step);
	if (!json_get_text(item, "name"))
		return misses(err, what, "name");
	if (!get_status(item, form->status, &out->status))
		return misses(err, what, form->status);
	get_cut_text(item, "name", out->name, sizeof(out->name));
	out->started_s = get_time(item, "started");
	out->stopped_s = get_time(item, form->stopped);
	return 0;
}

static int read_steps(const struct json *list, const struct build_form *form,
    struct build_stage *out, struct peer_odd *odd, struct err *err)
{
	size_t count = json_count(list);

	if (count > BUILD_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "read a build: more than %d steps", BUILD_STEPS_MAX);
	out->steps = xcalloc(count, sizeof(*out->steps));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct err why;

		if (read_step(item, form, &out->steps[out->step_count], &why) < 0)
			peer_add_odd(odd, &why);
		else
			out->step_count++;
	}
	return 0;
}

static int read_stage_head(const struct json *item, const struct build_form *form,
    struct build_stage *out, struct err *err)
{
	static const char what[] = "a stage of a build";

	if (!get_number(item, form->stage, &out->number))
		return misses(err, what, form->stage);
	if (!get_status(item, form->status, &out->status))
		return misses(err, what, form->status);
	get_cut_text(item, "error", out->error, sizeof(out->error));
	get_cut_text(item, "machine", out->machine, sizeof(out->machine));
	return 0;
}

static int read_stages(
    const struct json *list, const struct build_form *form, struct build *out, struct err *err)
{
	size_t count = json_count(list);

	if (count > BUILD_STAGES_MAX)
		return err_set(
		    err, ERR_LIMIT, "read a build: more than %d stages", BUILD_STAGES_MAX);
	out->stages = xcalloc(count, sizeof(*out->stages));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct build_stage *stage = &out->stages[out->stage_count];
		struct err why;

		if (read_stage_head(item, form, stage, &why) < 0) {
			peer_add_odd(&out->odd, &why);
			continue;
		}
		out->stage_count++; /* a half-read one has steps to free */
		if (read_steps(json_get(item, form->steps), form, stage, &out->odd, err) < 0)
			return -1;
	}
	return 0;
}

static void get_param(const struct json *params, const char *name, char *out, size_t out_size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789.,+~/_-";
	const char *text = json_get_text(params, name);

	if (!text || text[strspn(text, letters)] || !copy_text(out, out_size, text))
		out[0] = '\0';
}

static int64_t get_param_number(const struct json *params, const char *name)
{
	const char *text = json_get_text(params, name);
	int64_t value = 0;

	return text && parse_int64(text, 1, INT64_MAX, &value) ? value : 0;
}

static void read_params(const struct json *params, struct build_params *out)
{
	get_param(params, "RECIPE", out->recipe, sizeof(out->recipe));
	out->pr = get_param_number(params, "PR");
	out->comment = get_param_number(params, "COMMENT");
	get_param(params, "SRC", out->src, sizeof(out->src));
	get_param(params, "REF", out->ref, sizeof(out->ref));
	get_param(params, "STAGES", out->stages, sizeof(out->stages));
	get_param(params, "FROM", out->from, sizeof(out->from));
	get_param(params, "SUITE_REF", out->suite_ref, sizeof(out->suite_ref));
	out->wants_extra = get_param_number(params, "EXTRA_TESTS") == 1;
	out->keep_min = get_param_number(params, "KEEP");
}

static int read_one(
    const struct json *root, const struct build_form *form, struct build *out, struct err *err)
{
	static const char what[] = "a build";
	AUTO(build) build = {.server = form->server};

	if (!get_number(root, "number", &build.number))
		return misses(err, what, "number");
	if (!get_status(root, "status", &build.status))
		return misses(err, what, "status");
	get_cut_text(root, "error", build.error, sizeof(build.error));
	get_cut_text(root, form->starter, build.starter, sizeof(build.starter));
	build.created_s = get_time(root, "created");
	build.started_s = get_time(root, "started");
	build.finished_s = get_time(root, "finished");
	read_params(json_get(root, form->params), &build.params);
	if (read_stages(json_get(root, form->stages), form, &build, err) < 0)
		return -1;
	if (form->finish)
		form->finish(root, &build);
	*out = build;
	build = (struct build){0};
	return 0;
}

int build_read(const char *text, size_t length, const struct build_form *form, struct build *out,
    struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a build");
	return read_one(root, form, out, err);
}

static int compare_numbers(const void *a, const void *b)
{
	const struct build *one = a;
	const struct build *other = b;

	return (one->number < other->number) - (one->number > other->number);
}

int build_read_list(const char *text, size_t length, const struct build_form *form,
    struct builds *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	AUTO(builds) builds = {0};

	if (!root)
		return err_prefix(err, "read a list of builds");
	if (!json_is_array(root) && !json_is_null(root))
		return misses(err, "a list of builds", "the list");
	builds.length = json_count(root);
	builds.items = xcalloc(builds.length, sizeof(*builds.items));
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		struct err why;

		if (read_one(item, form, &builds.items[builds.count], &why) < 0)
			peer_add_odd(&builds.odd, &why);
		else
			builds.count++;
	}
	if (builds.count)
		qsort(builds.items, builds.count, sizeof(*builds.items), compare_numbers);
	*out = builds;
	builds = (struct builds){0};
	return 0;
}
