/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/program.h"

#include "common/clock.h"
#include "common/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_WITHOUT "PATH=/usr/local/bin:/usr/bin:/bin"

/* All that a program may need to find its way, and nothing that could be a secret. */
static const char *const passed[] = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"};

struct program {
	pid_t pid; /* a zombie at least, until it is reaped: so the number stays its own */
	int pidfd, output_fd, exec_errno_fd;
	int64_t deadline_ns;
	char line[PROGRAM_LINE_SIZE]; /* under way; kept when the output ends without a newline */
	size_t length;
	char last_line[PROGRAM_LINE_SIZE];
};

const char *program_check(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "it is no file";
	return access(path, X_OK) < 0 ? strerror(errno) : NULL;
}

/* "NAME=value" of those passed, and NULL; the caller frees the list, the texts are environ's. */
static const char **make_environment(void)
{
	const char **list = xcalloc(COUNT_OF(passed) + 2, sizeof(list[0]));
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(passed); i++) {
		auto_str char *start = xasprintf("%s=", passed[i]);

		for (char **at = environ; *at; at++) {
			if (text_starts(*at, start))
				list[count++] = *at;
		}
		if (i == 0 && !count)
			list[count++] = PATH_WITHOUT;
		assert(count <= i + 1); /* environ names nothing twice */
	}
	return list;
}

static int open_pipe(int *out_read, int *out_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*out_read = fds[0];
	*out_write = fds[1];
	return fcntl(*out_read, F_SETFL, O_NONBLOCK);
}

/* Itself too: right after its birth it has no group yet. */
static void kill_group(const struct program *program)
{
	assert(program->pid > 1);
	(void)kill(program->pid, SIGKILL);
	(void)kill(-program->pid, SIGKILL);
}

/* 0, or -1 with errno; what was opened so far is the program's. */
static int fork_program(struct program *program, const char *path, const char *input)
{
	auto_fd int output = -1;
	auto_fd int exec_errno = -1;
	auto_fd int in = exec_open_text(input);

	if (in < 0 || open_pipe(&program->output_fd, &output) < 0 ||
	    open_pipe(&program->exec_errno_fd, &exec_errno) < 0)
		return -1;
	const char *const argv[] = {path, NULL};
	const char **env = make_environment();
	const struct exec exec = {.argv = argv,
	    .env = env,
	    .in = in,
	    .out = output,
	    .error = output,
	    .exec_errno = exec_errno};
	program->pid = exec_fork(&exec);
	free(env);
	if (program->pid < 0)
		return -1;
	program->pidfd = pidfd_open(program->pid, 0);
	return program->pidfd < 0 ? -1 : 0;
}

struct program *program_start(const char *path, const char *input, struct err *err)
{
	struct program *program = xcalloc(1, sizeof(*program));

	*program = (struct program){.pid = -1,
	    .pidfd = -1,
	    .output_fd = -1,
	    .exec_errno_fd = -1,
	    .deadline_ns = clock_now() + PROGRAM_MOST_MS * NS_PER_MS};
	if (fork_program(program, path, input) == 0)
		return program;
	(void)err_sys(err, errno, "run %s", path);
	program_free(program);
	return NULL;
}

void program_fds(const struct program *program, struct pollfd out[PROGRAM_FDS])
{
	out[0] = (struct pollfd){.fd = program ? program->pidfd : -1, .events = POLLIN};
	out[1] = (struct pollfd){.fd = program ? program->output_fd : -1, .events = POLLIN};
}

int64_t program_due_ns(const struct program *program)
{
	return program->deadline_ns;
}

/* --- what it says --- */

static void end_line(struct program *program)
{
	if (program->length) {
		program->line[program->length] = '\0';
		(void)copy_text(program->last_line, sizeof(program->last_line), program->line);
	}
	program->length = 0;
}

static void add_byte(struct program *program, char byte)
{
	if (byte == '\n' || byte == '\r' || !byte) {
		end_line(program);
		return;
	}
	if (program->length == sizeof(program->line) - 1) {
		memmove(program->line, program->line + 1, program->length - 1);
		program->length--;
	}
	program->line[program->length++] = byte;
}

static void read_output(struct program *program)
{
	char piece[4096];
	ssize_t got = 0;

	/* As much as a pipe holds: whoever writes without end does not keep us here. */
	for (int i = 0; i < 16 && program->output_fd >= 0; i++) {
		got = read(program->output_fd, piece, sizeof(piece));
		for (ssize_t k = 0; k < got; k++)
			add_byte(program, piece[k]);
		if (got == 0)
			close_fd(&program->output_fd);
		if (got <= 0)
			return;
	}
}

/* --- its end --- */

static bool has_ended(const struct program *program)
{
	struct pollfd end = {.fd = program->pidfd, .events = POLLIN};

	return poll(&end, 1, 0) > 0;
}

static void reap(struct program *program, siginfo_t *out)
{
	kill_group(program); /* whom it left behind; its own number is still its own */
	while (waitid(P_PID, (id_t)program->pid, out, WEXITED) < 0 && errno == EINTR)
		;
	program->pid = -1;
}

bool program_turn(struct program *program, struct program_end *out)
{
	siginfo_t info = {0};
	int exec_errno = 0;

	read_output(program);
	bool is_late = clock_now() >= program->deadline_ns;
	if (!is_late && !has_ended(program))
		return false;
	bool was_killed = is_late && !has_ended(program);
	reap(program, &info);
	read_output(program);
	end_line(program);
	*out = (struct program_end){.how = PROGRAM_EXITED, .code = info.si_status};
	if (read(program->exec_errno_fd, &exec_errno, sizeof(exec_errno)) ==
	    (ssize_t)sizeof(exec_errno)) {
		out->how = PROGRAM_NOT_STARTED;
		out->code = exec_errno;
	} else if (was_killed) {
		out->how = PROGRAM_TIMED_OUT;
	} else if (info.si_code != CLD_EXITED) {
		out->how = PROGRAM_SIGNALLED;
	}
	(void)copy_text(out->last_line, sizeof(out->last_line), program->last_line);
	return true;
}

void program_free(struct program *program)
{
	siginfo_t ignored;

	if (!program)
		return;
	if (program->pid > 0)
		reap(program, &ignored);
	close_fd(&program->pidfd);
	close_fd(&program->output_fd);
	close_fd(&program->exec_errno_fd);
	free(program);
}

void program_end_text(const struct program_end *end, char out[PROGRAM_TEXT_SIZE])
{
	const char *signal_name = sigabbrev_np(end->code);

	switch (end->how) {
	case PROGRAM_EXITED:
		(void)snprintf(out, PROGRAM_TEXT_SIZE, "exit status %d", end->code);
		return;
	case PROGRAM_SIGNALLED:
		(void)snprintf(
		    out, PROGRAM_TEXT_SIZE, "killed by SIG%s", signal_name ? signal_name : "?");
		return;
	case PROGRAM_TIMED_OUT:
		(void)snprintf(
		    out, PROGRAM_TEXT_SIZE, "killed after %d s", (int)(PROGRAM_MOST_MS / 1000));
		return;
	case PROGRAM_NOT_STARTED:
		(void)snprintf(out, PROGRAM_TEXT_SIZE, "cannot start: %s", strerror(end->code));
		return;
	}
}
