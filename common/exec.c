/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/exec.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((noreturn)) static void fail(int exec_errno_fd)
{
	int reason = errno;

	_exit(write(exec_errno_fd, &reason, sizeof(reason)) < 0 ? 126 : 127);
}

void exec_reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL); /* KILL and STOP refuse, and need not */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* execve(2) takes pointers to non-const for old code's sake and changes nothing. */
static char *const *as_exec_list(const char *const *list)
{
	union {
		const char *const *from;
		char *const *to;
	} cast = {.from = list};

	return cast.to;
}

static void die_with(pid_t parent, int exec_errno_fd)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fail(exec_errno_fd);
	if (getppid() != parent) /* it died before the line above: no signal will come */
		_exit(127);
}

void exec_become(const struct exec *exec, pid_t parent)
{
	if (!exec->stays_in_group && setsid() < 0)
		fail(exec->exec_errno);
	die_with(parent, exec->exec_errno);
	exec_reset_signals();
	(void)umask(077);
	if (dup2(exec->in, 0) < 0 || dup2(exec->out, 1) < 0 || dup2(exec->error, 2) < 0)
		fail(exec->exec_errno);
	/* exec_errno among them: exec closes it, which tells that it succeeded. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		fail(exec->exec_errno);
	if (chdir(exec->cwd ? exec->cwd : "/") < 0)
		fail(exec->exec_errno);
	if (exec->enter) {
		if (exec->enter(exec->enter_context) < 0)
			fail(exec->exec_errno);
		die_with(parent, exec->exec_errno); /* another user's has forgotten it */
	}
	(void)execve(exec->argv[0], as_exec_list(exec->argv), as_exec_list(exec->env));
	fail(exec->exec_errno);
}

/* With every signal blocked, so that no handler of ours runs in the child. */
pid_t exec_fork(const struct exec *exec)
{
	sigset_t all;
	sigset_t before;
	pid_t parent = getpid();

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		exec_become(exec, parent);
	int saved = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

int exec_open_text(const char *text)
{
	auto_fd int fd = memfd_create("ccci-stdin", MFD_CLOEXEC);
	size_t length = strlen(text);

	if (fd < 0 || pwrite(fd, text, length, 0) != (ssize_t)length)
		return -1;
	return take_fd(&fd);
}
