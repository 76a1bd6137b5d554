/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/ci.h"

struct ci {
	const struct ci_dialect *dialect;
	struct peer *peer;
	char *url, *repo;
	char *path;	  /* of the repository; NULL: to be asked for */
	char *builds_url; /* NULL: not known yet */
};

struct call {
	struct ci *ci;
	void *context;
	union {
		ci_build_done build;
		ci_builds_done builds;
		ci_log_done log;
		ci_timeout_done timeout;
		ci_cancel_done cancel;
	} on;
	char *what;
	struct ci_ask ask; /* while the repository's path is asked for */
	peer_done done;
};

/* From now on it is known what the repository is called there. */
static void settle(struct ci *ci, int64_t id)
{
	free(ci->path);
	free(ci->builds_url);
	ci->path = ci->dialect->repo_path(ci->repo, id);
	ci->builds_url = ci->dialect->page_of_builds(ci->url, ci->repo, id);
}

struct ci *ci_new(struct http *http, const struct ci_dialect *dialect, const struct ci_place *place)
{
	struct ci *ci = xcalloc(1, sizeof(*ci));
	auto_str char *authorization = xasprintf("Bearer %s", place->token);

	ci->dialect = dialect;
	ci->peer = peer_new(http, dialect->peer, place->url, authorization);
	ci->url = xstrdup(place->url);
	ci->repo = xstrdup(place->repo);
	if (!dialect->lookup_path)
		settle(ci, 0);
	return ci;
}

void ci_free(struct ci *ci)
{
	if (!ci)
		return;
	peer_free(ci->peer);
	free(ci->url);
	free(ci->repo);
	free(ci->path);
	free(ci->builds_url);
	free(ci);
}

const struct ci_dialect *ci_dialect(const struct ci *ci)
{
	return ci->dialect;
}

int64_t ci_retry_after_ms(const struct ci *ci)
{
	return peer_retry_after_ms(ci->peer);
}

size_t ci_odd_count(const struct ci *ci)
{
	return peer_odd_count(ci->peer);
}

uint64_t ci_answer_count(const struct ci *ci, enum metrics_answer answer)
{
	return peer_answer_count(ci->peer, answer);
}

const char *ci_builds_url(const struct ci *ci)
{
	return ci->builds_url ? ci->builds_url : "";
}

static struct call *call_new(struct ci *ci, void *context, char *take_what)
{
	struct call *call = xcalloc(1, sizeof(*call));

	call->ci = ci;
	call->context = context;
	call->what = take_what;
	return call;
}

static void call_free(void *context)
{
	struct call *call = context;

	free(call->ask.path);
	json_free(call->ask.body);
	free(call->what);
	free(call);
}

static void send_to(struct call *call, struct ci_ask take, peer_done done)
{
	bool is_create = take.method && text_is(take.method, "POST");
	struct peer_ask ask = {
	    .method = take.method,
	    .take_what = xstrdup(call->what),
	    .take_path = take.path,
	    .take_body = take.body,
	    .timeout_ms = is_create ? CI_CREATE_TIMEOUT_MS : CI_TIMEOUT_MS,
	    .max_bytes = CI_ANSWER_MAX_BYTES,
	};

	peer_send(call->ci->peer, &ask, done, call_free, call);
}

/* What is not there may be there under another number: the repository was made active anew. */
static void on_answer(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct ci *ci = call->ci;

	if (err && err->code == ERR_MISSING && ci->dialect->lookup_path) {
		free(ci->path);
		ci->path = NULL;
	}
	call->done(call, response, err);
}

static void send_below_repo(struct call *call)
{
	auto_str char *below = call->ask.path;
	struct ci_ask ask = call->ask;

	call->ask = (struct ci_ask){0};
	ask.path = xasprintf("%s%s", call->ci->path, below);
	send_to(call, ask, on_answer);
}

/* --- where the repository is --- */

int ci_read_id(const char *text, size_t length, int64_t *out_id, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	int64_t id = 0;

	if (!root)
		return err_prefix(err, "read a repository");
	if (!json_get_int(root, "id", &id) || id < 1)
		return err_set(err, ERR_PROTOCOL, "read a repository: id is missing or wrong");
	*out_id = id;
	return 0;
}

static void on_repo(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct ci *ci = call->ci;
	struct err mine = {0};
	int64_t id = 0;

	if (err) {
		mine = *err;
		if (err->code == ERR_MISSING)
			(void)err_set(&mine, ERR_CONFIG, "%s: %s is not active in %s", call->what,
			    ci->repo, ci->dialect->name);
	} else if (ci_read_id(buf_text(&response->body), response->body.length, &id, &mine) == 0) {
		settle(ci, id);
		send_below_repo(call);
		return;
	} else {
		(void)err_prefix(&mine, "%s", call->what);
	}
	call->done(call, NULL, &mine);
}

static void on_user(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;

	(void)response;
	if (err)
		call->done(call, NULL, err);
	else
		send_to(call,
		    (struct ci_ask){.path = call->ci->dialect->lookup_path(call->ci->repo)},
		    on_repo);
}

static void send_ask(struct call *call, struct ci_ask take, peer_done done)
{
	call->ask = take;
	call->done = done;
	if (call->ci->path)
		send_below_repo(call);
	else
		send_to(
		    call, (struct ci_ask){.path = xstrdup(call->ci->dialect->user_path)}, on_user);
}

/* --- a build --- */

static void end_build(
    struct call *call, const struct http_response *response, const struct err *err)
{
	AUTO(build) build = {0};
	struct err read_err = {0};

	assert(err || response);
	if (!err && call->ci->dialect->read_build(
			buf_text(&response->body), response->body.length, &build, &read_err) < 0) {
		(void)err_prefix(&read_err, "%s", call->what);
		err = &read_err;
	}
	peer_note_odd(call->ci->peer, call->what, &build.odd);
	call->on.build(call->context, err ? NULL : &build, err);
	call_free(call);
}

static void on_build(void *context, const struct http_response *response, const struct err *err)
{
	end_build(context, response, err);
}

static void on_created(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	const char *why = response ? call->ci->dialect->explain_none(response->status,
					 buf_text(&response->body), response->body.length)
				   : NULL;
	struct err config = {0};

	if (why) {
		(void)err_set(&config, ERR_CONFIG, "%s: %s", call->what, why);
		err = &config;
	}
	end_build(call, response, err);
}

void ci_create_build(struct ci *ci, const char *branch, const struct build_params *params,
    ci_build_done done, void *context)
{
	struct call *call = call_new(ci, context, xasprintf("create a build of %s", ci->repo));

	assert(*params->recipe);
	call->on.build = done;
	send_ask(call, ci->dialect->create(branch, params), on_created);
}

void ci_get_build(struct ci *ci, int64_t number, ci_build_done done, void *context)
{
	struct call *call =
	    call_new(ci, context, xasprintf("read build %lld of %s", (long long)number, ci->repo));

	assert(number > 0);
	call->on.build = done;
	send_ask(call, ci->dialect->get(number), on_build);
}

/* --- its end --- */

static void on_cancelled(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	bool is_over = response && response->status == call->ci->dialect->over_status;

	call->on.cancel(call->context, is_over ? NULL : err);
	call_free(call);
}

void ci_cancel_build(struct ci *ci, int64_t number, ci_cancel_done done, void *context)
{
	struct call *call = call_new(
	    ci, context, xasprintf("cancel build %lld of %s", (long long)number, ci->repo));

	assert(number > 0);
	call->on.cancel = done;
	send_ask(call, ci->dialect->cancel(number), on_cancelled);
}

/* --- all of them --- */

static void on_builds(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(builds) builds = {0};
	struct err read_err = {0};

	if (!err && call->ci->dialect->read_builds(
			buf_text(&response->body), response->body.length, &builds, &read_err) < 0)
		err = &read_err;
	peer_note_odd(call->ci->peer, call->what, &builds.odd);
	call->on.builds(call->context, err ? NULL : &builds, err);
	call_free(call);
}

void ci_list_builds(struct ci *ci, int page, ci_builds_done done, void *context)
{
	struct call *call = call_new(ci, context, xasprintf("list builds of %s", ci->repo));

	assert(page > 0);
	call->on.builds = done;
	send_ask(call, ci->dialect->list(page), on_builds);
}

/* --- logs --- */

static void on_log(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(buf) log = buf_make(CI_LOG_MAX_BYTES);
	struct peer_odd odd = {0};
	struct err read_err = {0};

	if (!err && call->ci->dialect->read_log(buf_text(&response->body), response->body.length,
			&log, &odd, &read_err) < 0)
		err = &read_err;
	peer_note_odd(call->ci->peer, call->what, &odd);
	call->on.log(call->context, err ? NULL : &log, err);
	call_free(call);
}

void ci_get_log(
    struct ci *ci, int64_t build, int64_t stage, int64_t step, ci_log_done done, void *context)
{
	struct call *call = call_new(ci, context,
	    xasprintf("read the log of step %lld of build %lld of %s", (long long)step,
		(long long)build, ci->repo));

	assert(build > 0 && stage > 0 && step > 0);
	call->on.log = done;
	send_ask(call, ci->dialect->log(build, stage, step), on_log);
}

/* --- the timeout: a member of the repository with either server --- */

int ci_read_timeout(const char *text, size_t length, int64_t *out_minutes, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	int64_t minutes = 0;

	if (!root)
		return err_prefix(err, "read a repository");
	if (!json_get_int(root, "timeout", &minutes) || minutes < 0)
		return err_set(err, ERR_PROTOCOL, "read a repository: timeout is missing or wrong");
	*out_minutes = minutes;
	return 0;
}

static void on_timeout(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err read_err = {0};
	int64_t minutes = 0;

	if (!err && ci_read_timeout(
			buf_text(&response->body), response->body.length, &minutes, &read_err) < 0)
		err = &read_err;
	call->on.timeout(call->context, err ? NULL : &minutes, err);
	call_free(call);
}

void ci_get_timeout(struct ci *ci, ci_timeout_done done, void *context)
{
	struct call *call = call_new(ci, context, xasprintf("read the timeout of %s", ci->repo));

	call->on.timeout = done;
	send_ask(call, (struct ci_ask){.path = xstrdup("")}, on_timeout);
}

void ci_set_timeout(struct ci *ci, int64_t minutes, ci_timeout_done done, void *context)
{
	struct call *call = call_new(ci, context, xasprintf("set the timeout of %s", ci->repo));
	struct json *body = json_new_object();

	assert(minutes > 0);
	json_set_int(body, "timeout", minutes);
	call->on.timeout = done;
	send_ask(call, (struct ci_ask){"PATCH", xstrdup(""), body}, on_timeout);
}
