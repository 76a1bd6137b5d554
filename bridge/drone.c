/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/drone.h"

#include "bridge/gitea.h"

#define PAIRS_MAX_BYTES (32 * 1024) /* a branch of the longest setting, each byte escaped, fits */
#define NUMBER_MAX 999999999

static const char *const status_words[] = {
    [DRONE_PENDING] = "pending",
    [DRONE_RUNNING] = "running",
    [DRONE_SUCCESS] = "success",
    [DRONE_FAILURE] = "failure",
    [DRONE_ERROR] = "error",
    [DRONE_KILLED] = "killed",
    [DRONE_SKIPPED] = "skipped",
    [DRONE_WAITING] = "waiting_on_dependencies",
    [DRONE_BLOCKED] = "blocked",
    [DRONE_DECLINED] = "declined",
    [DRONE_UNKNOWN] = "unknown",
};

const char *drone_status_word(enum drone_status status)
{
	assert((size_t)status < COUNT_OF(status_words));
	return status_words[status];
}

bool drone_status_is_over(enum drone_status status)
{
	switch (status) {
	case DRONE_SUCCESS:
	case DRONE_FAILURE:
	case DRONE_ERROR:
	case DRONE_KILLED:
	case DRONE_SKIPPED:
	case DRONE_DECLINED:
		return true;
	case DRONE_PENDING:
	case DRONE_RUNNING:
	case DRONE_WAITING:
	case DRONE_BLOCKED:
	case DRONE_UNKNOWN:
		break;
	}
	return false;
}

/* --- release --- */

void drone_build_release(struct drone_build *build)
{
	for (size_t i = 0; i < build->stage_count; i++)
		free(build->stages[i].steps);
	free(build->stages);
	*build = (struct drone_build){0};
}

void drone_builds_release(struct drone_builds *builds)
{
	for (size_t i = 0; i < builds->count; i++)
		drone_build_release(&builds->items[i]);
	free(builds->items);
	*builds = (struct drone_builds){0};
}

const struct drone_step *drone_find_step(
    const struct drone_build *build, const char *name, int64_t *out_stage)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		const struct drone_stage *stage = &build->stages[i];

		for (size_t k = 0; k < stage->step_count; k++) {
			if (text_is(stage->steps[k].name, name)) {
				*out_stage = stage->number;
				return &stage->steps[k];
			}
		}
	}
	return NULL;
}

/* --- readers --- */

static int misses(struct err *err, const char *what, const char *member)
{
	return err_set(err, ERR_PROTOCOL, "read %s: %s is missing or wrong", what, member);
}

static bool get_status(const struct json *object, enum drone_status *out)
{
	const char *word = json_get_text(object, "status");

	if (!word)
		return false;
	*out = DRONE_UNKNOWN;
	for (size_t i = 0; i < DRONE_UNKNOWN; i++) {
		if (text_is(word, status_words[i]))
			*out = (enum drone_status)i;
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

static int read_step(const struct json *item, struct drone_step *out, struct err *err)
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
    const struct json *list, struct drone_stage *out, struct peer_odd *odd, struct err *err)
{
	size_t count = json_count(list);

	if (count > DRONE_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "read a build: more than %d steps", DRONE_STEPS_MAX);
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

static int read_stage_head(const struct json *item, struct drone_stage *out, struct err *err)
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

static int read_stages(const struct json *list, struct drone_build *out, struct err *err)
{
	size_t count = json_count(list);

	if (count > DRONE_STAGES_MAX)
		return err_set(
		    err, ERR_LIMIT, "read a build: more than %d stages", DRONE_STAGES_MAX);
	out->stages = xcalloc(count, sizeof(*out->stages));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct drone_stage *stage = &out->stages[out->stage_count];
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

static void read_params(const struct json *params, struct drone_params *out)
{
	get_param(params, "RECIPE", out->recipe, sizeof(out->recipe));
	out->pr = get_param_number(params, "PR");
	out->comment = get_param_number(params, "COMMENT");
}

static int read_build(const struct json *root, struct drone_build *out, struct err *err)
{
	static const char what[] = "a build";
	AUTO(drone_build) build = {0};

	if (!get_number(root, "number", &build.number))
		return misses(err, what, "number");
	if (!get_status(root, &build.status))
		return misses(err, what, "status");
	get_cut_text(root, "error", build.error, sizeof(build.error));
	build.created_s = get_time(root, "created");
	build.started_s = get_time(root, "started");
	build.finished_s = get_time(root, "finished");
	read_params(json_get(root, "params"), &build.params);
	if (read_stages(json_get(root, "stages"), &build, err) < 0)
		return -1;
	*out = build;
	build = (struct drone_build){0};
	return 0;
}

int drone_read_build(const char *text, size_t length, struct drone_build *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a build");
	if (json_is_null(root))
		return err_set(err, ERR_CONFIG,
		    "no build came to be: .drone.yml has no pipeline for the event custom");
	return read_build(root, out, err);
}

int drone_read_builds(const char *text, size_t length, struct drone_builds *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	AUTO(drone_builds) builds = {0};

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
	builds = (struct drone_builds){0};
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

int drone_read_timeout(const char *text, size_t length, int64_t *out_minutes, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	int64_t minutes = 0;

	if (!root)
		return err_prefix(err, "read a repository");
	if (!json_get_int(root, "timeout", &minutes) || minutes < 0)
		return misses(err, "a repository", "timeout");
	*out_minutes = minutes;
	return 0;
}

/* --- calls --- */

struct drone {
	struct peer *peer;
};

struct call {
	struct peer *peer;
	void *context;
	union {
		drone_build_done build;
		drone_builds_done builds;
		drone_log_done log;
		drone_timeout_done timeout;
	} on;
	char *what;
};

struct drone *drone_new(struct http *http, const char *url, const char *token)
{
	struct drone *drone = xcalloc(1, sizeof(*drone));
	auto_str char *authorization = xasprintf("Bearer %s", token);

	drone->peer = peer_new(http, "drone", url, authorization);
	return drone;
}

void drone_free(struct drone *drone)
{
	if (!drone)
		return;
	peer_free(drone->peer);
	free(drone);
}

int64_t drone_retry_after_ms(const struct drone *drone)
{
	return peer_retry_after_ms(drone->peer);
}

size_t drone_odd_count(const struct drone *drone)
{
	return peer_odd_count(drone->peer);
}

static struct call *call_new(struct drone *drone, void *context, char *take_what)
{
	struct call *call = xcalloc(1, sizeof(*call));

	call->peer = drone->peer;
	call->context = context;
	call->what = take_what;
	return call;
}

static void call_free(void *context)
{
	struct call *call = context;

	free(call->what);
	free(call);
}

static void send_ask(struct call *call, const char *method,
    char *take_path, /* NOLINT(readability-non-const-parameter): the ask takes it over */
    struct json *take_body, peer_done done)
{
	struct peer_ask ask = {
	    .method = method,
	    .take_what = xstrdup(call->what),
	    .take_path = take_path,
	    .take_body = take_body,
	    .timeout_ms = text_is(method, "POST") ? DRONE_CREATE_TIMEOUT_MS : DRONE_TIMEOUT_MS,
	    .max_bytes = DRONE_ANSWER_MAX_BYTES,
	};

	peer_send(call->peer, &ask, done, call_free, call);
}

static void end_build(
    struct call *call, const struct http_response *response, const struct err *err)
{
	AUTO(drone_build) build = {0};
	struct err read_err = {0};

	if (!err && drone_read_build(
			buf_text(&response->body), response->body.length, &build, &read_err) < 0) {
		(void)err_prefix(&read_err, "%s", call->what);
		err = &read_err;
	}
	peer_note_odd(call->peer, call->what, &build.odd);
	call->on.build(call->context, err ? NULL : &build, err);
	call_free(call);
}

static void on_build(void *context, const struct http_response *response, const struct err *err)
{
	end_build(context, response, err);
}

/* Drone says 500 "Not Found" when the commit has no .drone.yml; any other 500 is its trouble. */
static bool lacks_drone_yml(const struct http_response *response)
{
	struct err ignored;
	AUTO_PTR(json)
	root = peer_parse(buf_text(&response->body), response->body.length, &ignored);
	const char *message = json_get_text(root, "message");

	return response->status == 500 && message && text_is(message, "Not Found");
}

static void on_created(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err config = {0};

	if (err && response && lacks_drone_yml(response)) {
		(void)err_set(&config, ERR_CONFIG, "%s: the branch has no .drone.yml", call->what);
		err = &config;
	}
	end_build(call, response, err);
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

void drone_create_build(struct drone *drone, const char *repo, const char *branch,
    const struct drone_params *params, drone_build_done done, void *context)
{
	struct call *call = call_new(drone, context, xasprintf("create a build of %s", repo));
	AUTO(buf) query = buf_make(PAIRS_MAX_BYTES);

	assert(gitea_is_repo(repo) && *params->recipe);
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
	call->on.build = done;
	send_ask(call, "POST", xasprintf("/api/repos/%s/builds%s", repo, buf_text(&query)), NULL,
	    on_created);
}

static void on_builds(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(drone_builds) builds = {0};
	struct err read_err = {0};

	if (!err && drone_read_builds(
			buf_text(&response->body), response->body.length, &builds, &read_err) < 0)
		err = &read_err;
	peer_note_odd(call->peer, call->what, &builds.odd);
	call->on.builds(call->context, err ? NULL : &builds, err);
	call_free(call);
}

void drone_list_builds(
    struct drone *drone, const char *repo, int page, drone_builds_done done, void *context)
{
	struct call *call = call_new(drone, context, xasprintf("list builds of %s", repo));

	assert(gitea_is_repo(repo) && page > 0);
	call->on.builds = done;
	send_ask(call, "GET",
	    xasprintf("/api/repos/%s/builds?page=%d&per_page=%d", repo, page, DRONE_PAGE), NULL,
	    on_builds);
}

void drone_get_build(
    struct drone *drone, const char *repo, int64_t number, drone_build_done done, void *context)
{
	struct call *call =
	    call_new(drone, context, xasprintf("read build %lld of %s", (long long)number, repo));

	assert(gitea_is_repo(repo) && number > 0);
	call->on.build = done;
	send_ask(call, "GET", xasprintf("/api/repos/%s/builds/%lld", repo, (long long)number), NULL,
	    on_build);
}

void drone_delete_build(
    struct drone *drone, const char *repo, int64_t number, drone_build_done done, void *context)
{
	struct call *call =
	    call_new(drone, context, xasprintf("cancel build %lld of %s", (long long)number, repo));

	assert(gitea_is_repo(repo) && number > 0);
	call->on.build = done;
	send_ask(call, "DELETE", xasprintf("/api/repos/%s/builds/%lld", repo, (long long)number),
	    NULL, on_build);
}

static void on_log(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(buf) log = buf_make(DRONE_LOG_MAX_BYTES);
	struct peer_odd odd = {0};
	struct err read_err = {0};

	if (!err && drone_read_log(buf_text(&response->body), response->body.length, &log, &odd,
			&read_err) < 0)
		err = &read_err;
	peer_note_odd(call->peer, call->what, &odd);
	call->on.log(call->context, err ? NULL : &log, err);
	call_free(call);
}

void drone_get_log(struct drone *drone, const char *repo, int64_t build, int64_t stage,
    int64_t step, drone_log_done done, void *context)
{
	struct call *call = call_new(drone, context,
	    xasprintf("read the log of step %lld of build %lld of %s", (long long)step,
		(long long)build, repo));

	assert(gitea_is_repo(repo) && build > 0 && stage > 0 && step > 0);
	call->on.log = done;
	send_ask(call, "GET",
	    xasprintf("/api/repos/%s/builds/%lld/logs/%lld/%lld", repo, (long long)build,
		(long long)stage, (long long)step),
	    NULL, on_log);
}

static void on_timeout(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err read_err = {0};
	int64_t minutes = 0;

	if (!err && drone_read_timeout(
			buf_text(&response->body), response->body.length, &minutes, &read_err) < 0)
		err = &read_err;
	call->on.timeout(call->context, err ? NULL : &minutes, err);
	call_free(call);
}

void drone_get_timeout(
    struct drone *drone, const char *repo, drone_timeout_done done, void *context)
{
	struct call *call = call_new(drone, context, xasprintf("read the timeout of %s", repo));

	assert(gitea_is_repo(repo));
	call->on.timeout = done;
	send_ask(call, "GET", xasprintf("/api/repos/%s", repo), NULL, on_timeout);
}

void drone_set_timeout(
    struct drone *drone, const char *repo, int64_t minutes, drone_timeout_done done, void *context)
{
	struct call *call = call_new(drone, context, xasprintf("set the timeout of %s", repo));
	struct json *body = json_new_object();

	assert(gitea_is_repo(repo) && minutes > 0);
	json_set_int(body, "timeout", minutes);
	call->on.timeout = done;
	send_ask(call, "PATCH", xasprintf("/api/repos/%s", repo), body, on_timeout);
}
