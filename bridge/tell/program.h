/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program of the operator's, run beside the loop: nothing here blocks. The bridge's only door to
 * fork(2) and exec(2).
 *
 *   if (program_start(path, text, err) ...) == NULL) ...     our plumbing failed; nothing runs
 *   poll program_fds(); program_turn(program, &end)          true: it is over, &end says how
 *   program_free(program)                                    ends it first, when it still runs
 *
 * No shell and no arguments: what it is told it reads on stdin. Its environment is what program.c
 * lets through of ours, never a secret of ours. It has a session of its own, default signals,
 * descriptors 0 to 2 alone, "/" for a directory, and dies with us. After PROGRAM_MOST_MS, and when
 * it has ended, its process group is killed; who leaves the group is not looked for. Of what it
 * says only the last line is kept.
 */
#ifndef CCCI_BRIDGE_PROGRAM_H
#define CCCI_BRIDGE_PROGRAM_H

#include "common/base.h"
#include "common/err.h"

#include <poll.h>

#define PROGRAM_MOST_MS (INT64_C(30) * 1000)
#define PROGRAM_LINE_SIZE 256 /* a longer last line is cut at its front */
#define PROGRAM_FDS 2

enum program_how { PROGRAM_EXITED, PROGRAM_SIGNALLED, PROGRAM_TIMED_OUT, PROGRAM_NOT_STARTED };

struct program_end {
	enum program_how how;
	int code;			   /* exit status, signal, or errno of exec(2) */
	char last_line[PROGRAM_LINE_SIZE]; /* from outside, as it came; "" none */
};

struct program;

/* What is wrong with running it, for people, as far as it can be known before; NULL: nothing. */
const char *program_check(const char *path) CHECKED;
/* input is copied. NULL: ERR_SYS. */
struct program *program_start(const char *path, const char *input, struct err *err) CHECKED;
/* What to poll for; -1 for none. */
void program_fds(const struct program *program, struct pollfd out[PROGRAM_FDS]);
int64_t program_due_ns(const struct program *program); /* a turn is due then whatever is polled */
bool program_turn(struct program *program, struct program_end *out) CHECKED;
void program_free(struct program *program); /* NULL is fine */

/* "exit status 3", "killed by SIGSEGV", "killed after 30 s", "cannot start: No such file". */
#define PROGRAM_TEXT_SIZE 128
void program_end_text(const struct program_end *end, char out[PROGRAM_TEXT_SIZE]);

#endif
