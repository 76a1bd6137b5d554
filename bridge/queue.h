/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of the jobs that wait may be asked of the CI server now. Pure.
 *
 *   queue_judge(jobs, count, runners, places);
 *   if (places[i].may_ask) ... create its build ...    else tell that it is places[i].behind others
 *
 * The server's own queue is first in, first out: what stands in it cannot be overtaken. So nobody
 * gets more into it than a share, and the rest waits here, where an order can still be made:
 *
 *   - Of what one person asked for the oldest QUEUE_SHARE jobs that are not over may be asked for
 *     at once, as long as no more than QUEUE_SHARE test one repository.
 *   - A job beyond that may be asked for when nothing else waits: a runner must not idle. One at a
 *     time, and first the one with the fewest in front of it.
 *   - A nightly job may be asked for when nothing else waits and a runner is likely to be free, so
 *     that it stands in front of nobody. It takes nothing of people's share either.
 *
 * Nobody starves, however many others come. In front of a job of one person are only that person's
 * older ones. When these leave it one of the first, it stays that; and of a repository's the oldest
 * of such jobs is the next. What is held back for its person's sake holds up nobody else in its
 * repository.
 *
 * Whoever makes nightly jobs makes them as they may be asked for (queue_has_room()): the bridge
 * holds so many in memory, and people's have to find room there.
 */
#ifndef CCCI_BRIDGE_QUEUE_H
#define CCCI_BRIDGE_QUEUE_H

#include "common/base.h"

/*
 * One runs and the next is in line, so that a runner that is done finds it. With more, everybody
 * else waits longer; with less, a runner idles until the bridge has seen an end.
 */
#define QUEUE_SHARE 2

/* Those further down never stand in front of those further up. */
enum queue_priority {
	QUEUE_PEOPLE, /* a comment, a build by hand, a head of AUTO_TEST's users */
	QUEUE_NIGHTLY,
};

enum queue_stand {
	QUEUE_WAITS,   /* here: it was not asked for */
	QUEUE_IN_LINE, /* of the CI server: perhaps asked for, certainly no runner has it */
	QUEUE_RUNS,
};

struct queue_job {
	int64_t id; /* of two that were heard in one second the lower one is older */
	int64_t heard_s;
	const char *repo;   /* "owner/name" */
	const char *person; /* who asked; "": nobody that is known */
	enum queue_priority priority;
	enum queue_stand stand;
};

/* Of a job that waits; of any other one it is zero. */
struct queue_place {
	bool may_ask;
	size_t behind;	     /* jobs of the same person, or of the same repository, the more */
	bool is_persons;     /* behind are the person's, else the repository's */
	bool do_others_wait; /* another person's, or another repository's, here or in the line */
};

/*
 * jobs: all that are not over, in any order; out: as many. runners: as many builds were seen to run
 * at once; 0: not known. Several may be asked for together.
 */
void queue_judge(
    const struct queue_job *jobs, size_t count, size_t runners, struct queue_place *out);
/* Whether a nightly job, were there one, might be asked for now. */
bool queue_has_room(const struct queue_job *jobs, size_t count, size_t runners) CHECKED;

#endif
