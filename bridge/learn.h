/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what a CI server says about builds to what a job is told. Pure.
 *
 * A verdict comes from the results document in the log of the report step. Without one the build's
 * own end decides, and then it is never the recipe's fault: cancelled, timed out or a CI error. A
 * document about anything else than the job is a CI error too: recipe, repository, pull request,
 * commit, comment and build must all be the job's.
 *
 * A CI error of the job's first build is JOB_EVENT_ERRED, which tries again. Not when a stage was
 * only unverified (no base comes up): the next run could prove no more. Not when the server
 * has not even begun (BUILD_ERROR): it would refuse the same file again, and keeps no parameters by
 * which such a build could be found.
 */
#ifndef CCCI_BRIDGE_LEARN_H
#define CCCI_BRIDGE_LEARN_H

#include "bridge/peers/build.h"
#include "bridge/tell/reply.h"

#define LEARN_REPORT_STEP "report"
#define LEARN_STEPS_MAX 16  /* rows of the table while it runs */
#define LEARN_AHEAD_MAX 100 /* a page of the CI server's list, and more */

/* The rows for people: all steps but clone and report. Returns how many. */
size_t learn_steps(const struct build *build, struct reply_step out[LEARN_STEPS_MAX]);

/* Whose a build is. */
enum learn_origin {
	LEARN_ORIGIN_OURS,    /* one we made, or nothing of ours at all */
	LEARN_ORIGIN_UNKNOWN, /* perhaps one that we make just now: its number comes first */
	LEARN_ORIGIN_BY_HAND, /* of a pull request, started by somebody in the CI server */
};
/*
 * asked: the job of the comment that the build names; NULL: it names none, or one that is not ours.
 * Who starts a build again there starts one with the same comment.
 */
enum learn_origin learn_origin(const struct build *build, const struct job *asked);

/*
 * The builds in front of "number", whatever repository they test: those older that are not over and
 * wait for no person's approval, oldest first. Returns how many. Source: Drone's and
 * Woodpecker's queues are first in, first out.
 */
size_t learn_ahead(
    const struct builds *builds, int64_t number, const struct build *out[LEARN_AHEAD_MAX]);

/* One of them. */
struct learn_turn {
	int64_t running_s; /* -1: it waits too */
	int64_t usual_s;   /* of its recipe; 0: not known */
};
/*
 * Seconds until whoever is behind all of these begins, when each takes as long as usual and there
 * are as many runners as run one now; at least 1. 0: of one of them nobody knows how long it takes.
 */
int64_t learn_wait_s(const struct learn_turn *turns, size_t count);

/* Whether a runner took the build and then never began: it would stay pending for ever. */
bool learn_was_dropped(const struct build *build, int64_t now_s);
/*
 * Whether the server does not know any more that the build waits, which it forgets when it dies
 * between writing the build down and queueing it: pending, while a younger one that a comment asked
 * for has run to its end, and for minutes now nothing ran. The queue is first in, first out, but
 * for an order lost in a restart; that is why a runner must have had nothing else to do.
 */
bool learn_was_forgotten(const struct builds *builds, int64_t number, int64_t now_s);
/* Of one that is being made, when it is clear that nobody makes it any more. */
void learn_end_unmade(struct build *build);

/* Which of the builds was made for the job's next try: the oldest; NULL: none of them. */
const struct build *learn_find(const struct builds *builds, const struct job *job);

/* What an ended build says. A withdrawn job keeps its verdict unless the build came to one. All
 * texts are in here; results is NULL or owned. */
struct learnt {
	struct job_event event; /* its texts point into this object */
	char reason[JOB_REASON_SIZE];
	char head_version[JOB_VERSION_SIZE], base_version[JOB_VERSION_SIZE];
	char *results;
	struct buf picture; /* of the app; empty when there is none */
};
void learnt_release(struct learnt *learnt);
DEFINE_AUTO(learnt, learnt_release);

/* Whether the report stands in the log, whole and readable. */
bool learn_has_report(const struct buf *log);

/* log: of the report step; NULL when it has none. timeout_s: the server's; 0: not known. */
void learn_end(const struct build *build, const struct buf *log, const struct job *job,
    int64_t timeout_s, struct learnt *out);

#endif
