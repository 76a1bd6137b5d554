/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/wanted.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

#define ASK_EVERY_MS 2000
#define PATIENCE_MS 5000
#define ANSWER_MAX_BYTES (1024 * 1024) /* a build of six steps is 5 kB */

void wanted_open(struct wanted *out, struct http *http, const struct settings *settings,
    const struct run_step *step)
{
	const char *base = settings->drone_url ? settings->drone_url : step->system_url;

	*out = (struct wanted){.http = http, .build = step->build, .next_ns = clock_now()};
	if (!step->build || !*step->repo || !*base)
		return;
	out->url =
	    xasprintf("%s/api/repos/%s/builds/%lld", base, step->repo, (long long)step->build);
	if (settings->drone_token)
		out->authorization = xasprintf("Authorization: Bearer %s", settings->drone_token);
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
	if (wanted->has_warned)
		return;
	wanted->has_warned = true;
	if (response)
		log_warning("Drone answers %d about build %lld: a cancel that its runner does not "
			    "hear is not seen; is DRONE_TOKEN missing?",
		    response->status, (long long)wanted->build);
	else
		log_warning("Drone cannot be asked about the build: %s", why->msg);
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
