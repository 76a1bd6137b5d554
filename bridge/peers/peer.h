/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A JSON API behind a base URL and a token: what gitea.c and ci.c share. It keeps the calls that
 * are under way, turns statuses into error codes, and reads bodies that hold what our JSON refuses.
 *
 *   peer_send(peer, &(struct peer_ask){.what = xasprintf(...), .path = xasprintf(...)}, on_answer,
 *       call, call_drop);
 *
 * Only gitea.c and ci.c may send with it; hook.c and the dialects read with peer_parse(). Errors
 * and their codes are those of gitea.h.
 */
#ifndef CCCI_PEER_H
#define CCCI_PEER_H

#include "bridge/tell/metrics.h"
#include "common/err.h"
#include "common/http.h"
#include "common/json.h"

struct peer;

struct peer_ask {
	const char *method;	/* NULL: GET */
	char *take_what;	/* for messages: "list comments of owner/repo" */
	char *take_path;	/* with query, from the base URL on: "/api/v1/user" */
	struct json *take_body; /* NULL: none */
	int64_t timeout_ms;
	size_t max_bytes;
};

/*
 * err: NULL with a status of 200 to 299. response: NULL without a whole answer; with another status
 * both are there, for the few statuses that are an answer to somebody.
 */
typedef void (*peer_done)(
    void *context, const struct http_response *response, const struct err *err);

/* authorization: the header's value. */
struct peer *peer_new(
    struct http *http, const char *name, const char *url, const char *authorization) CHECKED;
/* For each call under way its drop() instead of its done(). */
void peer_free(struct peer *peer);
/* Takes the texts and the body of the ask. One of done and drop is called, once, later. */
void peer_send(struct peer *peer, const struct peer_ask *ask, peer_done done,
    void (*drop)(void *context), void *context);
int64_t peer_retry_after_ms(const struct peer *peer);

/* Items of a list that make no sense: they are left out, and the rest is read. */
struct peer_odd {
	size_t count;
	char why[128]; /* of the last: "read a comment: id is missing or wrong" */
};
void peer_add_odd(struct peer_odd *odd, const struct err *err);
/* Says so (once an hour at most) and counts. what: was asked for. */
void peer_note_odd(struct peer *peer, const char *what, const struct peer_odd *odd);
size_t peer_odd_count(const struct peer *peer); /* since the start */
/* Requests since the start that came to this. */
uint64_t peer_answer_count(const struct peer *peer, enum metrics_answer answer);

/*
 * json_parse() but for a NUL inside a text, which anyone can write into a comment: it reads as
 * U+FFFD instead of making the whole page unreadable.
 */
struct json *peer_parse(const char *text, size_t length, struct err *err) CHECKED;

#endif
