/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the CI server still wants a build. Asked for as long as the run lives: a cancel in the
 * ten seconds of every forty in which Drone's runner is deaf reaches nobody (observed with
 * 1.0.0-beta.10), nor does one in Woodpecker after its server was started again (3.17.0). Hides
 * URL, rhythm and what an answer means.
 *
 *   wanted_open(&wanted, http, settings, &run.step);
 *   sleep in http_poll() until wanted_due_ns(&wanted); wanted_ask(&wanted);
 *   if (*wanted.status)                 it is that there, "killed": nobody wants it any more
 *
 * A server that cannot be reached or read is no reason to cancel; that is logged, once.
 */
#ifndef CCCI_WANTED_H
#define CCCI_WANTED_H

#include "common/http.h"
#include "runner-plugin/run/run.h"

#define WANTED_STATUS_SIZE 33

struct wanted {
	char status[WANTED_STATUS_SIZE]; /* "" while it is wanted, or nobody could tell */
	/* Its own. */
	struct http *http; /* borrowed */
	enum run_server server;
	int64_t build;
	char *url, *authorization; /* owned; url NULL: there is nobody to ask */
	int64_t request;	   /* 0: none under way */
	int64_t next_ns;
	bool has_warned;
};

/* out stays where it is until it is released. */
void wanted_open(struct wanted *out, struct http *http, const struct settings *settings,
    const struct run_step *step);
void wanted_release(struct wanted *wanted);
DEFINE_AUTO(wanted, wanted_release);

/* An instant; INT64_MAX: not now. */
int64_t wanted_due_ns(const struct wanted *wanted);
/* Asks when it is due; the answer comes within http_poll(). */
void wanted_ask(struct wanted *wanted);

#endif
