/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that holds a run: its lease, slots, deadline and undo journal, from before anything
 * of it exists until nothing of it is left.
 *
 *   int fd = keeper_start(&job, lease_fd, &err);     in prepare's front; it lives on its own
 *   channel_send(fd, request, step_fds, 2, &err);    {"do": "prepare", "weight": 1}
 *   channel_receive(fd, &packet, &err);              {"say": text} any number of times, {"exit": n}
 *
 * Requests, from any front of the run: {"do": "prepare"}, {"do": "stage", "stage": word} with the
 * step's stdout and stderr beside them; so {"do": "follow"}: what the app's services say, until the
 * end; {"do": "cancel"}; {"do": "teardown"}, with "now": true also
 * of an app that is kept.
 *
 * Hides one loop that watches all that may end a run: a front gone without its answer, the
 * workspace gone, the CI server's runner dead, the build no longer running there, the deadline, a
 * cancel. Any of them kills what the run started, runs the journal backwards, audits, records.
 * Work is done in workers, one at a time, that die with it.
 *
 * An app that is kept for a look (kept.h) stays up after the run is judged and its results are
 * written: who asked for the end has the answer then, steps, build and workspace may go, and only
 * five things end it: its time, another run that waits for the slot, {"do": "teardown", "now":
 * true}, a signal, and of a local run the end of its front. What that leaves is written into the
 * results, and nothing else of them changes.
 *
 * An app that runs share (shared.h) is brought up and looked at without anybody's step: {"do":
 * "share", "run": id} is answered by 0 once it is up and well, for as long as that run holds its
 * lease; by 1 when it does not come up, by 3 when it is not well any more, and there may be another
 * one. {"do": "withdraw"} has it given to nobody any more.
 *
 * Two facts of Drone's exec runner make it a process of its own (observed with 1.0.0-beta.10):
 * cancel and timeout SIGKILL the step's shell alone and start no later step; and a cancel in the
 * ten seconds of every forty in which the runner is deaf reaches nobody.
 */
#ifndef CCCI_KEEPER_H
#define CCCI_KEEPER_H

#include "runner-plugin/run/run.h"

struct keeper_job {
	const struct settings *settings;
	const struct run *run;
	const char *checkout;	  /* of the CI repository, absolute; NULL: none */
	const char *local_recipe; /* absolute; NULL: fetch */
	const char *const *environ;
	bool is_local; /* no CI server: the run ends with the first connection, between requests too
			*/
	bool is_dev;   /* for work on a recipe: takes no slot, and has a day */
	bool is_shared;	  /* an app that runs share (shared.h): takes no slot */
	int64_t keep_ms;  /* how long the app is to stay up when it is judged; 0: not */
	int runner_pidfd; /* the CI server's runner; -1: not watched */
};

/*
 * Forks the keeper, twice, so that it is nobody's child. Takes the lease's descriptor. Returns the
 * front's end of a first connection.
 */
int keeper_start(const struct keeper_job *job, int take_lease_fd, struct err *err) CHECKED;

#endif
