/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a run's keeper for something and waits for its one answer. Hides what else ends that wait: a
 * first signal becomes a cancel, a second one leaves at once, and in a Drone step the death of its
 * shell ends this process, because nobody else would.
 *
 *   AUTO(waiter) waiter = WAITER_CLOSED;
 *   waiter_open(is_in_step, say, &waiter, &err);
 *   waiter_prepare(&waiter, fd, weight, &code, &err);      fd: channel_connect(), keeper_start()
 *
 * What is asked for writes to our stdout and stderr, or where waiter.live is open, to that.
 */
#ifndef CCCI_WAITER_H
#define CCCI_WAITER_H

#include "common/err.h"
#include "runner-plugin/run/exit.h"
#include "runner-plugin/run/live.h"

struct waiter {
	struct live live; /* of a local run: live_open() */
	int run_fd;	  /* of a run that waits for another's app: its end ends that; -1: none */
	/* Its own. */
	int signal_fd;	  /* SIGINT, SIGTERM, SIGHUP */
	int parent_pidfd; /* the step's shell; -1: not in a step */
	bool was_cancelled;
	void (*say)(void *context, const char *text); /* a line for people; its context is NULL */
};

#define WAITER_CLOSED                                                                              \
	{                                                                                          \
		.live = LIVE_OFF, .run_fd = -1, .signal_fd = -1, .parent_pidfd = -1                \
	}

int waiter_open(bool is_in_step, void (*say)(void *context, const char *text), struct waiter *out,
    struct err *err) CHECKED;
void waiter_release(struct waiter *waiter);
DEFINE_AUTO(waiter, waiter_release);

/* Each 0 and the answer, or -1; ERR_MISSING: the keeper is gone without one. */
int waiter_prepare(struct waiter *waiter, int fd, int64_t weight, enum exit_code *out_code,
    struct err *err) CHECKED;
int waiter_stage(struct waiter *waiter, int fd, enum stage stage, enum exit_code *out_code,
    struct err *err) CHECKED;
/* Until a signal, or the end of the run. */
int waiter_follow(struct waiter *waiter, int fd, enum exit_code *out_code, struct err *err) CHECKED;
/* is_now: also of an app that is kept for a look. */
int waiter_teardown(
    struct waiter *waiter, int fd, bool is_now, enum exit_code *out_code, struct err *err) CHECKED;
/* Of an app that runs share: until it is up and well, for that run. */
int waiter_share(struct waiter *waiter, int fd, const char *run_id, enum exit_code *out_code,
    struct err *err) CHECKED;
/* False, ERR_MISSING: the run has ended, or was cancelled, while it waited for another's app; a
 * cancel is handed on to its keeper. */
bool waiter_has_run(const struct waiter *waiter, int fd, struct err *err);
/* Until the keeper of an app that is kept has taken it down; a signal makes it. */
void waiter_hold(struct waiter *waiter, int fd);

#endif
