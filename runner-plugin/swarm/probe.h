/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks at an app from outside, once: a suite's ready or check item, judged.
 *
 *   probe_run(&suite.ready[i], &target, timeout_ms, &result);
 *   if (result.answer == PROBE_GOOD) ...
 *
 * Requests go to the proxy's address with the app's name in TLS and Host, whatever DNS says; an
 * item with a service goes to that service's container itself. Redirects are answers, not followed.
 *
 * The proxy speaks for an app that it does not know yet: its own 404, and 502, 503, 504. That is
 * told apart from the app's answers, so that an early 404 is no verdict. A body like the proxy's
 * 404 that comes from the app itself cannot be told apart; such a recipe needs a ready item of its
 * own.
 *
 * Source: Traefik 3.6 as observed: "404 page not found\n" as text/plain for an unknown host and for
 * a service without healthy tasks, a bare "Bad Gateway" for a refused connection.
 */
#ifndef CCCI_PROBE_H
#define CCCI_PROBE_H

#include "common/http.h"
#include "runner-plugin/recipe/suite.h"

#define PROBE_BODY_MAX_BYTES (8 * 1024 * 1024)
#define PROBE_REASON_SIZE 256

enum probe_answer {
	PROBE_GOOD,
	PROBE_PROXY,	 /* the proxy answers in the app's place */
	PROBE_WRONG,	 /* the app answers, and not as it should */
	PROBE_NO_ANSWER, /* the app's own address does not answer */
	PROBE_NO_PROXY,	 /* nor does the proxy, or not with a certificate for the name: our side */
	PROBE_OUT_OF_REACH, /* it runs on a host whose addresses are not ours: our side too */
};

/* Where the app is. Borrowed. */
struct probe_target {
	const char *domain;
	const char *connect_to; /* the proxy: "127.0.0.1:443" */
	const char *ca_file;	/* NULL: the system's roots */
	const char *address;	/* of the item's service, where it has one; NULL: none is known */
};

struct probe_result {
	enum probe_answer answer;
	int64_t elapsed_ms;
	char reason[PROBE_REASON_SIZE]; /* "" when good */
};

void probe_run(const struct suite_probe *probe, const struct probe_target *target,
    int64_t timeout_ms, struct probe_result *out);
/* The pure part: what an HTTP answer says. */
void probe_judge(const struct suite_probe *probe, const struct http_response *response,
    struct probe_result *out);
/* "GET /health", "tcp 5222 of xmpp"; the caller frees it. */
char *probe_describe(const struct suite_probe *probe) CHECKED;

/* What stands for a suite without ready items: GET / below 500. */
extern const struct suite_probe probe_default;

#endif
