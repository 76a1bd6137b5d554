/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Another program as a child: what stands between fork(2) and execve(2), and nothing else. Who
 * watches the child, reads it and stops it is above: runner-plugin/run/proc.h,
 * bridge/tell/program.h.
 *
 *   pid_t pid = exec_fork(&exec);      -1: errno
 *   close our ends; read exec_errno: it is closed when the program has begun, else an int is there
 *
 * The child leads a session of its own, has no descriptor but 0, 1 and 2, every signal as a program
 * finds it, umask 077, and dies with us.
 */
#ifndef CCCI_EXEC_H
#define CCCI_EXEC_H

#include "common/base.h"

#include <sys/types.h>

struct exec {
	const char *const *argv; /* [0] is a path */
	const char *const *env;
	const char *cwd; /* NULL: "/" */
	int in, out, error, exec_errno;
	bool stays_in_group; /* of who forks, and in its session */
	/* The last thing before the program, where it is given; below 0: errno says why not. It is
	 * run in the child: async-signal-safe calls alone. */
	int (*enter)(const void *context);
	const void *enter_context;
};

/* Returns in the parent alone. */
pid_t exec_fork(const struct exec *exec) CHECKED;

/* What a child's stdin may be: the text, in memory, so that nobody has to write while it reads. -1:
 * errno. */
int exec_open_text(const char *text) CHECKED;

/* For a child that was forked otherwise: only async-signal-safe calls. parent: whom it dies with.
 */
__attribute__((noreturn)) void exec_become(const struct exec *exec, pid_t parent);
void exec_reset_signals(void); /* each to its default, none blocked */

#endif
