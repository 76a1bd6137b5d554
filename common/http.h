/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP client; the only file that includes libcurl is http.c. Also the one place where a
 * single-threaded program sleeps.
 *
 *   struct http *http = http_new();
 *   http_send(http, &request, on_done, context);            returns at once
 *   http_poll(http, fds, count, timeout_ms, err);           sleeps, moves transfers, calls on_done
 *
 * or, where blocking is right (workers of ccci-run):
 *
 *   http_call(&request, &response, err);
 *
 * A POST is sent once, whatever happens to its connection; other methods may be sent again when a
 * kept connection turns out to be dead.
 *
 * Redirects are never followed: a 3xx is an answer. No proxy from the environment is used, no
 * cookies, no .netrc. An answer of any status is a success; an error means that there was no whole
 * answer.
 *
 * A message names method, host and path, never the query or a header. The program ignores SIGPIPE.
 *
 * Errors: ERR_TRANSIENT (refused, reset, unresolved, cut off), ERR_TIMEOUT, ERR_LIMIT (larger than
 * max_bytes), ERR_PROTOCOL (not HTTP, bad certificate), ERR_CONFIG (URL is none).
 */
#ifndef CCCI_HTTP_H
#define CCCI_HTTP_H

#include "common/buf.h"
#include "common/err.h"

#include <poll.h>

#define HTTP_HEADERS_MAX 8
#define HTTP_KEPT_MAX_BYTES (32 * 1024) /* servers refuse more of ours long before */

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	const char *unix_socket;	       /* path, or "@name" of an abstract one; NULL: TCP */
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value"; NULL ends it */
	const void *body;
	size_t body_length;
	int64_t timeout_ms;	/* of the whole exchange; required unless on_data is set (then 0 =
				   endless) */
	size_t max_bytes;	/* of the body; required unless on_data is set */
	const char *connect_to; /* "127.0.0.1:18443": connect there whatever the URL names; NULL: as
				   the URL says */
	const char *ca_file;	/* PEM of the roots to trust; NULL: the system's */
	const char *client_cert, *client_key; /* PEM files for an engine behind TLS; NULL: none */
	bool keep_headers;     /* for who looks at one that has no member of its own */
	bool keep_certificate; /* how long the server's is good */
	/*
	 * Streaming: called for each piece of a body with status below 300 instead of collecting
	 * it, with the context given to http_send(). False ends the transfer; that is then no
	 * error. It may send and cancel.
	 */
	bool (*on_data)(void *context, const char *data, size_t length);
	/*
	 * The body piece by piece instead of from body, body_length bytes in all: fills in up to
	 * most bytes and returns how many. Fewer in all, or 0 before the end, ends the transfer as
	 * ERR_SYS. It is sent once, as a POST is.
	 */
	size_t (*on_send)(void *context, char *data, size_t most);
};

struct http_response {
	int status;
	struct buf body;
	struct buf headers;	/* with keep_headers: their lines as they came; what is more than
				   HTTP_KEPT_MAX_BYTES is dropped */
	char location[512];	/* "" when there was none, or it was longer */
	char content_type[128]; /* likewise */
	int64_t retry_after_s;	/* -1: none */
	int64_t total_count;	/* X-Total-Count; -1: none */
	int64_t certificate_until_s; /* with keep_certificate, Unix seconds; 0: none, or not told */
	int64_t elapsed_ms;
};

void http_response_release(struct http_response *response);
DEFINE_AUTO(http_response, http_response_release);

/* Exactly one of response and err is not NULL; both are gone after the call. It may send further
 * requests. */
typedef void (*http_done)(void *context, struct http_response *response, const struct err *err);

struct http;

struct http *http_new(void) CHECKED;
void http_free(struct http *http); /* transfers under way end without a call */

/* The request is copied. Returns an id > 0. Errors reach done() from a later http_poll(). */
int64_t http_send(
    struct http *http, const struct http_request *request, http_done done, void *context);
void http_cancel(struct http *http, int64_t id); /* without a call; unknown ids are ignored */
size_t http_pending(const struct http *http);

/*
 * Sleeps until a descriptor of fds is ready (revents set), a transfer moved, or timeout_ms passed;
 * then calls done() for what ended. May return earlier, with nothing to show; -1 sleeps long. fds
 * may be NULL with count 0; negative descriptors in it are skipped.
 */
int http_poll(
    struct http *http, struct pollfd *fds, size_t count, int timeout_ms, struct err *err) CHECKED;

/*
 * One exchange, blocking; no on_data, no on_send. *out is filled on 0, untouched on -1. With
 * http_call_on() the connection is kept for the next one; others of this http move meanwhile.
 */
int http_call(
    const struct http_request *request, struct http_response *out, struct err *err) CHECKED;
int http_call_on(struct http *http, const struct http_request *request, struct http_response *out,
    struct err *err) CHECKED;

/* Percent-encodes for a path segment or query value; the caller frees it. */
char *http_escape(const char *text) CHECKED;

#endif
