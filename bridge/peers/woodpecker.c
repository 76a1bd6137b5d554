/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/woodpecker.h"

#include "bridge/peers/build_read.h"

#define NAME "Woodpecker"
#define PAGE 50 /* and at most */
/* An agent sends what was said after a second in which nothing was, or at 1 MiB. */
#define LOG_LATE_S 6
#define NUL_SHOWN "\xef\xbf\xbd"

/* --- builds --- */

/*
 * "compiler" and "linter" are about the pipeline file. "generic" is, among others, that the file
 * could not be had of the forge: the build is there then, though its POST is answered as if there
 * were none. Source: Woodpecker 3.17, observed.
 */
static void read_error(const struct json *errors, struct build *build)
{
	for (const struct json *item = json_first(errors); item; item = json_next(item)) {
		const char *message = json_get_text(item, "message");
		const char *type = json_get_text(item, "type");
		bool is_warning = false;

		if (json_get_bool(item, "is_warning", &is_warning) && is_warning)
			continue;
		copy_head(build->error, sizeof(build->error), message ? message : "");
		build->is_error_passing = type && text_is(type, "generic");
		return;
	}
}

/* Source: the error of the step that a timeout cut; a cancel's is "Canceled". */
static bool is_timeout(const struct json *step)
{
	const char *error = json_get_text(step, "error");

	return error && text_is(error, "context deadline exceeded");
}

static const char *find_timed_out(const struct json *root)
{
	const struct json *workflows = json_get(root, "workflows");

	for (const struct json *flow = json_first(workflows); flow; flow = json_next(flow)) {
		const struct json *steps = json_get(flow, "children");

		for (const struct json *step = json_first(steps); step; step = json_next(step)) {
			if (is_timeout(step))
				return json_get_text(step, "name");
		}
	}
	return NULL;
}

/* Of the steps that are called killed only the one that ran was; it is no failure of its own. */
static void mend_steps(struct build *build, const char *timed_out)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		struct build_stage *stage = &build->stages[i];

		for (size_t k = 0; k < stage->step_count; k++) {
			struct build_step *step = &stage->steps[k];

			if (timed_out && text_is(step->name, timed_out))
				step->status = BUILD_KILLED;
			else if (step->status == BUILD_RUNNING)
				step->status = BUILD_KILLED; /* its agent has not said so yet */
			else if (step->status == BUILD_KILLED && !step->started_s)
				step->status = BUILD_SKIPPED;
		}
	}
}

static void finish(const struct json *root, struct build *build)
{
	const struct json *cancel = json_get(root, "cancel_info");
	const char *timed_out = find_timed_out(root);

	read_error(json_get(root, "errors"), build);
	if (!build_status_is_over(build->status))
		return;
	if (cancel && !json_is_null(cancel))
		build->ender = BUILD_ENDER_PERSON;
	else if (timed_out)
		build->ender = BUILD_ENDER_TIMEOUT;
	else if (build->status == BUILD_KILLED && build->stage_count)
		build->ender = BUILD_ENDER_RUNNER; /* nobody cancelled it: its agent was stopped */
	if (build->ender != BUILD_ENDER_UNKNOWN)
		build->status = BUILD_KILLED;
	mend_steps(build, timed_out);
}

static const struct build_form form = {
    .server = NAME,
    .params = "variables",
    .stages = "workflows",
    .steps = "children",
    .status = "state",
    .stage = "pid",
    .step = "id",
    .stopped = "finished",
    .starter = "author",
    .finish = finish,
};

int woodpecker_read_build(const char *text, size_t length, struct build *out, struct err *err)
{
	return build_read(text, length, &form, out, err);
}

int woodpecker_read_builds(const char *text, size_t length, struct builds *out, struct err *err)
{
	return build_read_list(text, length, &form, out, err);
}

/* --- logs --- */

/* A line's bytes are anything; in our texts is no NUL. */
static int add_bytes(struct buf *out, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	int result = 0;

	while (result == 0 && bytes < end) {
		size_t plain = strnlen(bytes, (size_t)(end - bytes));

		result = buf_add(out, bytes, plain);
		bytes += plain;
		if (result == 0 && bytes < end) {
			result = buf_add_text(out, NUL_SHOWN);
			bytes++;
		}
	}
	return result;
}

/* False: it makes no sense. An empty line has null. */
static bool add_line(struct buf *out, const struct json *item, bool *is_full)
{
	const struct json *data = json_get(item, "data");
	const char *letters = json_get_text(item, "data");
	AUTO(buf) bytes = buf_make(SIZE_MAX / 2);

	if (!data || (!letters && !json_is_null(data)) ||
	    buf_add_from_base64(&bytes, letters ? letters : "") < 0)
		return false;
	*is_full =
	    add_bytes(out, buf_text(&bytes), bytes.length) < 0 || buf_add_text(out, "\n") < 0;
	return true;
}

int woodpecker_read_log(
    const char *text, size_t length, struct buf *out, struct peer_odd *out_odd, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	AUTO(buf) log = buf_make(out->max_bytes);
	struct peer_odd odd = {0};
	bool is_full = false;

	if (!root)
		return err_prefix(err, "read a log");
	if (json_is_null(root))
		return err_set(err, ERR_MISSING, "read a log: there is nothing in it yet");
	if (!json_is_array(root))
		return err_set(err, ERR_PROTOCOL, "read a log: the list is missing or wrong");
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		struct err why;

		if (!add_line(&log, item, &is_full)) {
			(void)err_set(&why, ERR_PROTOCOL, "read a log: data is missing or wrong");
			peer_add_odd(&odd, &why);
		}
		if (is_full)
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

static char *lookup_path(const char *repo)
{
	return xasprintf("/api/repos/lookup/%s", repo);
}

static char *repo_path(const char *repo, int64_t id)
{
	(void)repo;
	return xasprintf("/api/repos/%lld", (long long)id);
}

static char *page_of_builds(const char *url, const char *repo, int64_t id)
{
	(void)repo;
	return xasprintf("%s/repos/%lld/pipeline", url, (long long)id);
}

static struct ci_ask ask_create(const char *branch, const struct build_params *params)
{
	struct build_pair pairs[BUILD_PAIRS_MAX];
	size_t count = build_params_list(params, pairs);
	struct json *variables = json_new_object();
	struct json *body = json_new_object();

	for (size_t i = 0; i < count; i++)
		json_set_text(variables, pairs[i].name, pairs[i].value);
	json_set_text(body, "branch", branch);
	json_set(body, "variables", variables);
	return (struct ci_ask){"POST", xstrdup("/pipelines"), body};
}

static struct ci_ask ask_list(int page)
{
	return (struct ci_ask){.path = xasprintf("/pipelines?page=%d&perPage=%d", page, PAGE)};
}

static struct ci_ask ask_get(int64_t number)
{
	return (struct ci_ask){.path = xasprintf("/pipelines/%lld", (long long)number)};
}

static struct ci_ask ask_cancel(int64_t number)
{
	return (struct ci_ask){
	    "POST", xasprintf("/pipelines/%lld/cancel", (long long)number), NULL};
}

static struct ci_ask ask_log(int64_t build, int64_t stage, int64_t step)
{
	(void)stage;
	return (struct ci_ask){
	    .path = xasprintf("/logs/%lld/%lld", (long long)build, (long long)step)};
}

static const char *explain_none(int status, const char *text, size_t length)
{
	(void)text;
	(void)length;
	return status == 204 ? "no build came to be: .woodpecker.yml is not there, or has no "
			       "workflow for the event manual"
			     : NULL;
}

const struct ci_dialect woodpecker_dialect = {
    .name = NAME,
    .peer = "woodpecker",
    .who_may_time = "WOODPECKER_TOKEN is probably neither an admin's nor of the repository's owner",
    .page = PAGE,
    .log_late_s = LOG_LATE_S,
    .over_status = 400,
    .user_path = "/api/user", /* a read of a public repository takes a bad token for none */
    .lookup_path = lookup_path,
    .repo_path = repo_path,
    .page_of_builds = page_of_builds,
    .create = ask_create,
    .list = ask_list,
    .get = ask_get,
    .cancel = ask_cancel,
    .log = ask_log,
    .explain_none = explain_none,
    .read_build = woodpecker_read_build,
    .read_builds = woodpecker_read_builds,
    .read_log = woodpecker_read_log,
};
