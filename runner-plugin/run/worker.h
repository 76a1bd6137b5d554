/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that does one piece of a run's work for its keeper: prepare, or a stage. It dies with
 * the keeper. Hides the fork, and what a child must not keep of its parent: locks above all, which
 * a copy would hold.
 *
 *   worker_start(&job, &worker, &err);
 *   poll worker.control_fd for journal_receive(), worker.pidfd for its end
 *   int status = worker_end(&worker);
 *
 * One at a time; the caller is a child subreaper and has no other children.
 */
#ifndef CCCI_WORKER_H
#define CCCI_WORKER_H

#include "runner-plugin/stages/stages.h"

#include <sys/types.h>

enum worker_task { WORKER_PREPARE, WORKER_STAGE, WORKER_FOLLOW, WORKER_LOOK };

struct worker_job {
	struct stages_work work; /* borrowed texts; its control_fd is made here */
	enum worker_task task;
	enum stage stage;     /* of WORKER_STAGE */
	int out_fd, error_fd; /* the step's; -1: stderr of the keeper */
};

struct worker {
	pid_t pid; /* 0: none runs */
	int pidfd, control_fd;
};
#define WORKER_NONE                                                                                \
	{                                                                                          \
		.pidfd = -1, .control_fd = -1                                                      \
	}

/* On -1 nothing runs. */
int worker_start(const struct worker_job *job, struct worker *out, struct err *err) CHECKED;

/*
 * Ends it and all that it left; the same when it has ended by itself, or none runs. Returns its
 * status, as of waitpid(2).
 */
int worker_end(struct worker *worker);

#endif
