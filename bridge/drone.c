/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/drone.h"

#define PAIRS_MAX_BYTES (32 * 1024) /* a branch of the longest setting, each byte escaped, fits */
#define NUMBER_MAX 999999999
#define PAGE 100 /* above it Drone falls back to 25 */
/* Source: drone-runner-exec 1.0.0-beta.10; 28 s after the start was heard, 30.5 s was not. */
#define DEAF_CYCLE_S 40
#define DEAF_FROM_S 28
#define DEAF_MARGIN_S 2 /* the cycle drifts, and clocks differ */

/* --- readers --- */

static int misses(struct err *err, const char *what, const char *member)
{
	return err_set(err, ERR_PROTOCOL, "read %s: %s is missing or wrong", what, member);
}

static bool get_status(const struct json *object, enum build_status *out)
{
	const char *word = json_get_text(object, "status");

	if (!word)
		return false;
	*out = BUILD_UNKNOWN;
	for (size_t i = 0; i < BUILD_UNKNOWN; i++) {
		if (text_is(word, build_status_word((enum build_status)i)))
			*out = (enum build_status)i;
	}
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

static int read_step(const struct json *item, struct build_step *out, struct err *err)
{
	static const char what[] = "a step of a build";

	if (!get_number(item, "number", &out->number))
		return misses(err, what, "number");
	if (!json_get_text(item, "name"))
		return misses(err, what, "name");
	if (!get_status(item, &out->status))
		return misses(err, what, "status");
	get_cut_text(item, "name", out->name, sizeof(out->name));
	out->started_s = get_time(item, "started");
	out->stopped_s = get_time(item, "stopped");
	return 0;
}

static int read_steps(
    const struct json *list, struct build_stage *out, struct peer_odd *odd, struct err *err)
{
	size_t count = json_count(list);

	if (count > BUILD_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "read a build: more than %d steps", BUILD_STEPS_MAX);
	out->steps = xcalloc(count, sizeof(*out->steps));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct err why;

		if (read_step(item, &out->steps[out->step_count], &why) < 0)
			peer_add_odd(odd, &why);
		else
			out->step_count++;
	}
	return 0;
}

static int read_stage_head(const struct json *item, struct build_stage *out, struct err *err)
{
	static const char what[] = "a stage of a build";

	if (!get_number(item, "number", &out->number))
		return misses(err, what, "number");
	if (!get_status(item, &out->status))
		return misses(err, what, "status");
	get_cut_text(item, "error", out->error, sizeof(out->error));
	get_cut_text(item, "machine", out->machine, sizeof(out->machine));
	return 0;
}

static int read_stages(const struct json *list, struct build *out, struct err *err)
{
	size_t count = json_count(list);

	if (count > BUILD_STAGES_MAX)
		return err_set(
		    err, ERR_LIMIT, "read a build: more than %d stages", BUILD_STAGES_MAX);
	out->stages = xcalloc(count, sizeof(*out->stages));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct build_stage *stage = &out->stages[out->stage_count];
		struct err why;

		if (read_stage_head(item, stage, &why) < 0) {
			peer_add_odd(&out->odd, &why);
			continue;
		}
		out->stage_count++; /* a half-read one has steps to free */
		if (read_steps(json_get(item, "steps"), stage, &out->odd, err) < 0)
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
	out->wants_extra = get_param_number(params, "EXTRA_TESTS") == 1;
}

static int read_build(const struct json *root, struct build *out, struct err *err)
{
	static const char what[] = "a build";
	AUTO(build) build = {0};

	if (!get_number(root, "number", &build.number))
		return misses(err, what, "number");
	if (!get_status(root, &build.status))
		return misses(err, what, "status");
	get_cut_text(root, "error", build.error, sizeof(build.error));
	get_cut_text(root, "sender", build.starter, sizeof(build.starter));
	build.created_s = get_time(root, "created");
	build.started_s = get_time(root, "started");
	build.finished_s = get_time(root, "finished");
	read_params(json_get(root, "params"), &build.params);
	if (read_stages(json_get(root, "stages"), &build, err) < 0)
		return -1;
	*out = build;
	build = (struct build){0};
	return 0;
}

int drone_read_build(const char *text, size_t length, struct build *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a build");
	if (json_is_null(root))
		return err_set(err, ERR_CONFIG,
		    "no build came to be: .drone.yml has no pipeline for the event custom");
	return read_build(root, out, err);
}

int drone_read_builds(const char *text, size_t length, struct builds *out, struct err *err)
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

		if (read_build(item, &builds.items[builds.count], &why) < 0)
			peer_add_odd(&builds.odd, &why);
		else
			builds.count++;
	}
	*out = builds;
	builds = (struct builds){0};
	return 0;
}

int drone_read_log(
    const char *text, size_t length, struct buf *out, struct peer_odd *out_odd, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	AUTO(buf) log = buf_make(out->max_bytes);
	struct peer_odd odd = {0};

	if (!root)
		return err_prefix(err, "read a log");
	if (!json_is_array(root) && !json_is_null(root))
		return misses(err, "a log", "the list");
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		const char *line = json_get_text(item, "out");

		struct err why;

		if (!line) {
			(void)misses(&why, "a log", "out");
			peer_add_odd(&odd, &why);
		} else if (buf_add_text(&log, line) < 0)
			return err_set(
			    err, ERR_LIMIT, "read a log: larger than %zu bytes", log.max_bytes);
	}
	buf_release(out);
	*out = log;
	*out_odd = odd;
	log = (struct buf){0};
	return 0;
}

/* --- the dialect --- */

int64_t drone_deaf_s(int64_t since_start_s)
{
	int64_t phase = since_start_s % DEAF_CYCLE_S;

	if (since_start_s < 0 ||
	    (phase < DEAF_FROM_S && (phase >= DEAF_MARGIN_S || since_start_s < DEAF_CYCLE_S)))
		return 0;
	return (phase < DEAF_FROM_S ? 0 : DEAF_CYCLE_S) + DEAF_MARGIN_S - phase;
}

static char *repo_path(const char *repo)
{
	return xasprintf("/api/repos/%s", repo);
}

static void add_pair(struct buf *out, const char *name, const char *value)
{
	auto_str char *escaped = http_escape(value);

	if (!*value)
		return;
	/* Forms and lengths are checked where the values come from, and again by ccci-run. */
	if (buf_printf(out, "%c%s=%s", out->length ? '&' : '?', name, escaped) < 0)
		abort();
}

static void add_number(struct buf *out, const char *name, int64_t value)
{
	char text[24];

	(void)format_text(text, sizeof(text), "%lld", (long long)value);
	add_pair(out, name, value ? text : "");
}

static struct ci_ask ask_create(const char *branch, const struct build_params *params)
{
	AUTO(buf) query = buf_make(PAIRS_MAX_BYTES);

	add_pair(&query, "branch", branch);
	add_pair(&query, "RECIPE", params->recipe);
	add_pair(&query, "SRC", params->src);
	add_number(&query, "PR", params->pr);
	add_pair(&query, "REF", params->ref);
	add_number(&query, "COMMENT", params->comment);
	add_pair(&query, "STAGES", params->stages);
	add_pair(&query, "EXTRA_TESTS", params->wants_extra ? "1" : "");
	add_pair(&query, "FROM", params->from);
	add_number(&query, "KEEP", params->keep_min);
	return (struct ci_ask){"POST", xasprintf("/builds%s", buf_text(&query)), NULL};
}

static struct ci_ask ask_list(int page)
{
	return (struct ci_ask){.path = xasprintf("/builds?page=%d&per_page=%d", page, PAGE)};
}

static struct ci_ask ask_get(int64_t number)
{
	return (struct ci_ask){.path = xasprintf("/builds/%lld", (long long)number)};
}

static struct ci_ask ask_cancel(int64_t number)
{
	return (struct ci_ask){"DELETE", xasprintf("/builds/%lld", (long long)number), NULL};
}

static struct ci_ask ask_log(int64_t build, int64_t stage, int64_t step)
{
	return (struct ci_ask){.path = xasprintf("/builds/%lld/logs/%lld/%lld", (long long)build,
				   (long long)stage, (long long)step)};
}

/* Drone says 500 "Not Found" when the commit has no .drone.yml; any other 500 is its trouble. */
static const char *explain_none(int status, const char *text, size_t length)
{
	struct err ignored;
	AUTO_PTR(json) root = peer_parse(text, length, &ignored);
	const char *message = json_get_text(root, "message");

	return status == 500 && message && text_is(message, "Not Found")
		   ? "the branch has no .drone.yml"
		   : NULL;
}

const struct ci_dialect drone_dialect = {
    .name = "Drone",
    .peer = "drone",
    .page = PAGE,
    .repo_path = repo_path,
    .create = ask_create,
    .list = ask_list,
    .get = ask_get,
    .cancel = ask_cancel,
    .log = ask_log,
    .explain_none = explain_none,
    .read_build = drone_read_build,
    .read_builds = drone_read_builds,
    .read_log = drone_read_log,
    .deaf_s = drone_deaf_s,
};
