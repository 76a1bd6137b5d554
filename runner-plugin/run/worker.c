/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/worker.h"

#include "common/log.h"
#include "runner-plugin/host/follow.h"
#include "runner-plugin/run/cgroup.h"
#include "runner-plugin/run/channel.h"
#include "runner-plugin/run/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* --- the child's side --- */

static void use_descriptors(const struct worker_job *job, int control_fd)
{
	const int kept[] = {control_fd, job->work.secrets_fd};
	int out_fd = job->out_fd < 0 ? STDERR_FILENO : job->out_fd;
	int error_fd = job->error_fd < 0 ? STDERR_FILENO : job->error_fd;
	auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(error_fd, STDERR_FILENO) < 0)
		_exit(EXIT_OURS);
	(void)take_fd(&null); /* one of those that are closed here */
	proc_close_others(kept, COUNT_OF(kept));
}

static void reset_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL); /* a step that reads no more must not end us */
}

__attribute__((noreturn)) static void worker_main(
    const struct worker_job *job, int control_fd, pid_t parent)
{
	struct stages_work work = job->work;
	struct err err;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_OURS);
	(void)prctl(PR_SET_NAME, "ccci-worker");
	use_descriptors(job, control_fd);
	reset_signals();
	log_set_fd(-1);
	if (cgroup_enter(work.run->dir, &err) < 0)
		log_warning("%s", err.msg); /* what it starts is found by its environment still */
	work.control_fd = control_fd;
	switch (job->task) {
	case WORKER_PREPARE:
		log_scope("run=%s stage=prepare", work.run->id);
		exit((int)stages_prepare(&work));
	case WORKER_STAGE:
		log_scope("run=%s stage=%s", work.run->id, stage_word(job->stage));
		exit((int)stages_stage(&work, job->stage));
	case WORKER_FOLLOW:
		log_scope("run=%s", work.run->id);
		exit((int)follow_run(&work));
	case WORKER_LOOK:
		log_scope("run=%s", work.run->id);
		exit((int)stages_look(&work));
	}
	abort();
}

/* --- the keeper's side --- */

int worker_start(const struct worker_job *job, struct worker *out, struct err *err)
{
	int control[2];
	pid_t parent = getpid();

	if (channel_pair(control, err) < 0)
		return -1;
	auto_fd int ours = control[0];
	auto_fd int theirs = control[1];
	struct worker worker = {.pid = fork()};
	if (worker.pid == 0)
		worker_main(job, theirs, parent);
	if (worker.pid < 0)
		return err_sys(err, errno, "fork a worker");
	worker.pidfd = pidfd_open(worker.pid, 0);
	worker.control_fd = take_fd(&ours);
	if (worker.pidfd < 0) {
		(void)err_sys(err, errno, "watch a worker");
		(void)worker_end(&worker);
		return -1;
	}
	*out = worker;
	return 0;
}

int worker_end(struct worker *worker)
{
	unsigned count = 0;
	int status = 0;
	struct err err;

	if (worker->pid > 0) {
		(void)kill(worker->pid, SIGKILL); /* a zombie at least: the number is its own */
		while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	worker->pid = 0;
	close_fd(&worker->pidfd);
	close_fd(&worker->control_fd);
	if (proc_end_children(&count, &err) < 0)
		log_error("%s", err.msg);
	else if (count)
		log_info("ended %u processes of the worker", count);
	return status;
}
