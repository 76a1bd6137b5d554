/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/peer.h"

#include "common/clock.h"
#include "common/log.h"

#define ODD_EVERY_MS (INT64_C(3600) * 1000)
#define RETRY_AFTER_MAX_S 3600 /* who says more is wrong, or will be asked in vain once an hour */

struct peer_call {
	struct peer *peer;
	struct peer_call *next;
	int64_t id;
	char *what;
	peer_done done;
	void (*drop)(void *context);
	void *context;
};

struct peer {
	struct http *http; /* borrowed */
	char *name;
	char *url;
	char *authorization; /* the whole header line */
	struct peer_call *calls;
	int64_t not_before_ns;
	size_t odd_count;
	uint64_t answers[METRICS_ANSWER_COUNT];
	struct log_limit odd_limit;
};

static char *without_slashes(const char *url)
{
	size_t length = strlen(url);

	while (length && url[length - 1] == '/')
		length--;
	return xstrndup(url, length);
}

struct peer *peer_new(
    struct http *http, const char *name, const char *url, const char *authorization)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));

	peer->http = http;
	peer->odd_limit = (struct log_limit){.interval_ms = ODD_EVERY_MS};
	peer->name = xstrdup(name);
	peer->url = without_slashes(url);
	peer->authorization = xasprintf("Authorization: %s", authorization);
	return peer;
}

static void call_free(struct peer_call *call)
{
	struct peer_call **at = &call->peer->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	free(call->what);
	free(call);
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	while (peer->calls) {
		struct peer_call *call = peer->calls;

		http_cancel(peer->http, call->id);
		call->drop(call->context);
		call_free(call);
	}
	free(peer->name);
	free(peer->url);
	free(peer->authorization);
	free(peer);
}

static enum err_code code_of_status(int status)
{
	if (status == 401 || status == 403)
		return ERR_DENIED;
	if (status == 404)
		return ERR_MISSING;
	if (status == 408 || status == 429 || status >= 500)
		return ERR_TRANSIENT;
	return ERR_PROTOCOL;
}

static void note_retry_after(struct peer *peer, const struct http_response *response)
{
	int64_t wait_s = response->retry_after_s;

	if ((response->status != 429 && response->status != 503) || wait_s < 0)
		return;
	if (wait_s > RETRY_AFTER_MAX_S)
		wait_s = RETRY_AFTER_MAX_S;
	peer->not_before_ns = clock_now() + wait_s * NS_PER_S;
}

int64_t peer_retry_after_ms(const struct peer *peer)
{
	return peer->not_before_ns ? clock_ms_until(peer->not_before_ns) : 0;
}

static void on_answer(void *context, struct http_response *response, const struct err *http_err)
{
	struct peer_call *call = context;
	peer_done done = call->done;
	void *done_context = call->context;
	struct err err = {0};

	call->peer->answers[metrics_answer_of(http_err ? 0 : response->status)]++;
	if (http_err) {
		err = *http_err;
		(void)err_prefix(&err, "%s", call->what);
	} else if (response->status >= 300 && response->status <= 399) {
		(void)err_set(&err, ERR_PROTOCOL, "%s: %s answered %d, it is elsewhere: %.100s",
		    call->what, call->peer->name, response->status, response->location);
	} else if (response->status < 200 || response->status > 299) {
		(void)err_set(&err, code_of_status(response->status), "%s: %s answered %d",
		    call->what, call->peer->name, response->status);
		note_retry_after(call->peer, response);
	}
	call_free(call);
	done(done_context, response, err.code == ERR_NONE ? NULL : &err);
}

void peer_send(struct peer *peer, const struct peer_ask *ask, peer_done done,
    void (*drop)(void *context), void *context)
{
	struct peer_call *call = xcalloc(1, sizeof(*call));
	auto_str char *path = ask->take_path;
	auto_str char *url = xasprintf("%s%s", peer->url, path);
	auto_str char *body = ask->take_body ? json_print(ask->take_body) : NULL;
	struct http_request request = {
	    .method = ask->method,
	    .url = url,
	    .headers = {peer->authorization, "Accept: application/json",
		body ? "Content-Type: application/json" : NULL},
	    .body = body,
	    .body_length = body ? strlen(body) : 0,
	    .timeout_ms = ask->timeout_ms,
	    .max_bytes = ask->max_bytes,
	};

	*call = (struct peer_call){.peer = peer,
	    .next = peer->calls,
	    .what = ask->take_what,
	    .done = done,
	    .drop = drop,
	    .context = context};
	peer->calls = call;
	call->id = http_send(peer->http, &request, on_answer, call);
	json_free(ask->take_body);
}

void peer_add_odd(struct peer_odd *odd, const struct err *err)
{
	odd->count++;
	(void)snprintf(odd->why, sizeof(odd->why), "%s", err->msg);
}

void peer_note_odd(struct peer *peer, const char *what, const struct peer_odd *odd)
{
	unsigned dropped = 0;

	if (!odd->count)
		return;
	peer->odd_count += odd->count;
	if (log_limit_pass(&peer->odd_limit, &dropped))
		log_warning("%s: items left out because they make no sense: %zu, the rest is read "
			    "(%s; %u more such lists)",
		    what, odd->count, odd->why, dropped);
}

size_t peer_odd_count(const struct peer *peer)
{
	return peer->odd_count;
}

uint64_t peer_answer_count(const struct peer *peer, enum metrics_answer answer)
{
	return peer->answers[answer];
}

/* In JSON a backslash and what follows it belong together: "\\u0000" is no NUL. */
static void mend_nuls(char *text, size_t length)
{
	for (size_t i = 0; i + 5 < length; i++) {
		if (text[i] != '\\')
			continue;
		if (memcmp(text + i + 1, "u0000", 5) == 0)
			memcpy(text + i + 1, "ufffd", 5);
		i++;
	}
}

struct json *peer_parse(const char *text, size_t length, struct err *err)
{
	auto_str char *mended = NULL;

	if (!memmem(text, length, "\\u0000", 6))
		return json_parse(text, length, err);
	mended = xcalloc(length, 1);
	memcpy(mended, text, length);
	mend_nuls(mended, length);
	return json_parse(mended, length, err);
}
