/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/wanted.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

#define ASK_EVERY_MS 2000
#define PATIENCE_MS 5000
#define ANSWER_MAX_BYTES (1024 * 1024) /* a build of six steps is 5 kB */

/* NULL: there is nobody to ask. */
static char *build_url(const char *base, const struct run_step *step)
{
	if (!step->build || !*base)
		return NULL;
	switch (step->server) {
	case RUN_SERVER_DRONE:
		return *step->repo ? xasprintf("%s/api/repos/%s/builds/%lld", base, step->repo,
					 (long long)step->build)
				   : NULL;
	case RUN_SERVER_WOODPECKER:
		return step->repo_id ? xasprintf("%s/api/repos/%lld/pipelines/%lld", base,
					   (long long)step->repo_id, (long long)step->build)
				     : NULL;
	}
	return NULL;
}

void wanted_open(struct wanted *out, struct http *http, const struct settings *settings,
    const struct run_step *step)
{
	bool is_drone = step->server == RUN_SERVER_DRONE;
	const char *url = is_drone ? settings->drone_url : settings->woodpecker_url;
	const char *token = is_drone ? settings->drone_token : settings->woodpecker_token;

	*out = (struct wanted){
	    .http = http, .server = step->server, .build = step->build, .next_ns = clock_now()};
	out->url = build_url(url ? url : step->system_url, step);
	if (out->url && token)
		out->authorization = xasprintf("Authorization: Bearer %s", token);
}

void wanted_release(struct wanted *wanted)
{
	if (wanted->request)
		http_cancel(wanted->http, wanted->request);
	free(wanted->url);
	free(wanted->authorization);
	*wanted = (struct wanted){0};
}

int64_t wanted_due_ns(const struct wanted *wanted)
{
	return wanted->url && !wanted->request ? wanted->next_ns : INT64_MAX;
}

static bool is_wanted_status(const char *status)
{
	return text_is(status, "running") || text_is(status, "pending");
}

static void warn(struct wanted *wanted, const struct http_response *response, const struct err *why)
{
	const char *name = run_server_name(wanted->server);

	if (wanted->has_warned)
		return;
	wanted->has_warned = true;
	if (response)
		log_warning("%s answers %d about build %lld: a cancel that its runner does not "
			    "hear is not seen; is %s missing?",
		    name, response->status, (long long)wanted->build,
		    wanted->server == RUN_SERVER_DRONE ? "DRONE_TOKEN" : "WOODPECKER_TOKEN");
	else
		log_warning("%s cannot be asked about the build: %s", name, why->msg);
}

static void on_answer(void *context, struct http_response *response, const struct err *why)
{
	struct wanted *wanted = context;
	struct err err;

	wanted->request = 0;
	wanted->next_ns = clock_now() + ASK_EVERY_MS * NS_PER_MS;
	if (!response || response->status != 200) {
		warn(wanted, response, why);
		return;
	}
	wanted->has_warned = false;
	AUTO_PTR(json) build = json_parse(buf_text(&response->body), response->body.length, &err);
	const char *status = json_get_text(build, "status");
	/* Woodpecker, started again since the build began, loses a cancel and remembers only this.
	 */
	const struct json *cancel = json_get(build, "cancel_info");
	if (cancel && !json_is_null(cancel))
		status = "killed";
	if (status && !is_wanted_status(status))
		(void)snprintf(wanted->status, sizeof(wanted->status), "%s", status);
}

void wanted_ask(struct wanted *wanted)
{
	const struct http_request request = {.url = wanted->url,
	    .headers = {wanted->authorization},
	    .timeout_ms = PATIENCE_MS,
	    .max_bytes = ANSWER_MAX_BYTES};

	if (clock_now() >= wanted_due_ns(wanted))
		wanted->request = http_send(wanted->http, &request, on_answer, wanted);
}
