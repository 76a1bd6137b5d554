/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs one child to its end. The only door to fork(2) and exec(2) for tools (a keeper and its
 * workers are forked by keeper.c and worker.c).
 *
 *   struct proc_spec spec = {.label = "abra app deploy", .argv = argv, .env = env,
 *       .deadline_ns = ..., .cancel_fd = -1, .watch_fd = -1};
 *   if (proc_run(&spec, &result, err) < 0)                     our plumbing failed; nothing runs
 *           ...
 *   if (result.end == PROC_EXITED && result.code == 0)
 *
 * The caller has no other child that is alive meanwhile but those of a relay: what comes back
 * to the subreaper cannot be told apart. Its descriptors 0 to 2 are open.
 *
 * The contract, each line a test with its own child in tests/child/:
 *  1. PROC_NOT_STARTED (exec failed) is told apart from exit 127, by an errno pipe.
 *  2. The child has its own session, default signals, empty mask, fds 0-2 only, stdin from
 * /dev/null or memory, or all three on a terminal of its own, and dies with us (PR_SET_PDEATHSIG,
 * checked against a parent that died before).
 *  3. End of the leader (pidfd) and end of output (pipe) are different events; a grandchild that
 * keeps the pipe open costs drain_ms, not a hang.
 *  4. Timeout and cancel: TERM to the group, grace, KILL to the group; never to a group <= 1.
 *  5. We are a child subreaper: what leaves the group by setsid() comes back to us, is killed and
 * counted in escaped.
 *  6. Output is read while it is produced, masked (log_mask_text), to a bounded file and a bounded
 * tail; excess is counted.
 *  7. When proc_run() returns, nothing it started is alive.
 *  8. enter() runs in the child right before exec, with our descriptors still open; when it fails
 * the program is PROC_NOT_STARTED for its errno. It may change the user: the child still dies with
 * us.
 */
#ifndef CCCI_PROC_H
#define CCCI_PROC_H

#include "common/buf.h"
#include "common/err.h"

#include <sys/types.h>

#define PROC_COLUMNS 1000 /* wider than any table that a program prints */

struct proc_spec {
	const char *label;	 /* for messages; borrowed, like all of it */
	const char *const *argv; /* absolute argv[0]; never a shell */
	const char *const *env;	 /* the whole environment; nothing is inherited */
	const char *cwd;	 /* NULL: "/" */
	const char *in_text;	 /* what it reads on stdin; NULL: /dev/null */
	/*
	 * All three on a pseudo terminal of PROC_COLUMNS, for programs that do nothing without one:
	 * nobody types, no line is broken, no byte changed. Without in_text and out_text.
	 */
	bool on_terminal;
	const char
	    *log_path; /* stdout and stderr appended, interleaved, masked, bounded; NULL: none */
	size_t log_max_bytes, tail_max_bytes;
	struct buf *out_text; /* stdout alone, unmasked, for machine-read output; NULL: stdout goes
				 with stderr */
	int64_t deadline_ns;  /* instant; there is no "never" */
	int64_t term_grace_ms;
	int64_t drain_ms;
	int cancel_fd; /* readable = stop now; -1: none. Not consumed. */
	/*
	 * Called when watch_fd (-1: none) is readable and at least every watch_every_ms (0: never)
	 * while the child runs. True = stop it now (PROC_CANCELLED). So a deploy can be watched
	 * from outside while abra waits.
	 */
	bool (*watch)(void *context);
	void *watch_context;
	int watch_fd;
	int64_t watch_every_ms;
	/* In the child: puts it into a smaller place. 0, or -1 with errno. NULL: stays where we
	 * are. */
	int (*enter)(const void *context);
	const void *enter_context;
};

enum proc_end { PROC_EXITED, PROC_SIGNALLED, PROC_TIMED_OUT, PROC_CANCELLED, PROC_NOT_STARTED };

struct proc_result {
	enum proc_end end;
	int code; /* exit status, signal number, or errno with PROC_NOT_STARTED */
	int64_t elapsed_ms;
	struct buf tail; /* last output, masked */
	bool was_truncated;
	unsigned escaped;
};

/* Blocks until the child and everything it started is gone. *out is filled on 0, untouched on -1
 * (ERR_SYS). */
int proc_run(const struct proc_spec *spec, struct proc_result *out, struct err *err) CHECKED;
void proc_result_release(struct proc_result *result);
DEFINE_AUTO(proc_result, proc_result_release);

/*
 * Answers each connection of ours to an abstract unix socket with a program of its own, which has
 * the connection as stdin and stdout and is to end when that is closed; what it says on stderr is
 * appended to the memory file error_fd. Others who connect are hung up on (SO_PEERCRED).
 *
 * The relay and its programs stay in our process group, and so a proc_run() meanwhile can spare
 * them: from another session nobody comes into ours (setpgid(2): EPERM). They die with us, and
 * proc_end_children() ends them.
 */
struct proc_relay {
	char *name; /* "@0002f" */
	int pidfd;
};
int proc_relay_open(struct proc_relay *relay, const char *const *argv, const char *const *env,
    int error_fd, struct err *err) CHECKED;
void proc_relay_close(struct proc_relay *relay); /* of { NULL, -1 }: nothing */

/* "exit status 3", "killed by SIGSEGV", "timed out after 20 s", "cannot start: No such file"; out:
 * 128 bytes are enough. */
#define PROC_RESULT_TEXT_SIZE 128
void proc_result_text(const struct proc_result *result, char out[PROC_RESULT_TEXT_SIZE]);

/*
 * Ends every process whose environment has RUN_ENVIRONMENT=<id>, but not ourselves; *out_count were
 * ended. Who cleared its environment is not found: proc_end_children() finds those as long as the
 * keeper lives, cgroup_end() where the run has a control group.
 */
int proc_kill_run(const char *run_id, unsigned *out_count, struct err *err) CHECKED;

/*
 * What another process looks like from outside. False: it is gone, or not for us to look at.
 * variable is "NAME=value".
 */
struct proc_view {
	pid_t parent;
	bool has_variable;
};
bool proc_look(pid_t pid, const char *variable, struct proc_view *out) CHECKED;

/* In a child, before it does anything of its own: closes all from 3 on but what is kept; -1 is
 * none.
 */
void proc_close_others(const int *kept, size_t count);

/* Ends and reaps every child of ours and, as we are the subreaper, all that they left behind. */
int proc_end_children(unsigned *out_count, struct err *err) CHECKED;

#endif
