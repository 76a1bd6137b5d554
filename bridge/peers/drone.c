/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/drone.h"

#include "bridge/peers/build_read.h"

#define NAME "Drone"
#define PAIRS_MAX_BYTES (32 * 1024) /* a branch of the longest setting, each byte escaped, fits */
#define PAGE 100		    /* above it Drone falls back to 25 */
/* Source: drone-runner-exec 1.0.0-beta.10; 28 s after the start was heard, 30.5 s was not. */
#define DEAF_CYCLE_S 40
#define DEAF_FROM_S 28
#define DEAF_MARGIN_S 2 /* the cycle drifts, and clocks differ */

/* --- readers --- */

static const struct build_form form = {
    .server = NAME,
    .params = "params",
    .stages = "stages",
    .steps = "steps",
    .status = "status",
    .stage = "number",
    .step = "number",
    .stopped = "stopped",
    .starter = "sender",
};

int drone_read_build(const char *text, size_t length, struct build *out, struct err *err)
{
	return build_read(text, length, &form, out, err);
}

int drone_read_builds(const char *text, size_t length, struct builds *out, struct err *err)
{
	return build_read_list(text, length, &form, out, err);
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
		return err_set(err, ERR_PROTOCOL, "read a log: the list is missing or wrong");
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		const char *line = json_get_text(item, "out");

		struct err why;

		if (!line) {
			(void)err_set(&why, ERR_PROTOCOL, "read a log: out is missing or wrong");
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

static char *repo_path(const char *repo, int64_t id)
{
	(void)id;
	return xasprintf("/api/repos/%s", repo);
}

static void add_pair(struct buf *out, const char *name, const char *value)
{
	auto_str char *escaped = http_escape(value);

	/* Forms and lengths are checked where the values come from, and again by ccci-run. */
	if (buf_printf(out, "%c%s=%s", out->length ? '&' : '?', name, escaped) < 0)
		abort();
}

static struct ci_ask ask_create(const char *branch, const struct build_params *params)
{
	struct build_pair pairs[BUILD_PAIRS_MAX];
	size_t count = build_params_list(params, pairs);
	AUTO(buf) query = buf_make(PAIRS_MAX_BYTES);

	add_pair(&query, "branch", branch);
	for (size_t i = 0; i < count; i++)
		add_pair(&query, pairs[i].name, pairs[i].value);
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

	if (status == 500 && message && text_is(message, "Not Found"))
		return "the branch has no .drone.yml";
	return status == 200 && root && json_is_null(root)
		   ? "no build came to be: .drone.yml has no pipeline for the event custom"
		   : NULL;
}

static char *page_of_builds(const char *url, const char *repo, int64_t id)
{
	(void)id;
	return xasprintf("%s/%s", url, repo);
}

const struct ci_dialect drone_dialect = {
    .name = NAME,
    .peer = "drone",
    .who_may_time = "DRONE_TOKEN is probably no Drone admin's",
    .page = PAGE,
    .repo_path = repo_path,
    .page_of_builds = page_of_builds,
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
