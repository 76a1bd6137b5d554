/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/waiter.h"

#include "runner-plugin/run/channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>

#define LIVE_EVERY_MS 1000

void waiter_release(struct waiter *waiter)
{
	live_release(&waiter->live);
	close_fd(&waiter->signal_fd);
	close_fd(&waiter->parent_pidfd);
}

/*
 * PR_SET_PDEATHSIG would do for the shell as well, but it fires when the thread ends that forked
 * us: were there no shell between the CI server's runner and us, any of the runner's threads.
 */
int waiter_open(bool is_in_step, void (*say)(void *context, const char *text), struct waiter *out,
    struct err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	AUTO(waiter) waiter = WAITER_CLOSED;
	sigset_t heard;
	pid_t parent = getppid();

	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigemptyset(&heard);
	(void)sigaddset(&heard, SIGINT);
	(void)sigaddset(&heard, SIGTERM);
	(void)sigaddset(&heard, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &heard, NULL);
	waiter.say = say;
	waiter.signal_fd = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (waiter.signal_fd < 0)
		return err_sys(err, errno, "listen for signals");
	if (is_in_step && parent > 1) {
		waiter.parent_pidfd = pidfd_open(parent, 0);
		if (waiter.parent_pidfd < 0 || getppid() != parent)
			return err_set(err, ERR_SYS, "the step's shell is gone");
	}
	*out = waiter;
	waiter = (struct waiter)WAITER_CLOSED;
	return 0;
}

static struct json *make_request(const char *what)
{
	struct json *request = json_new_object();

	json_set_text(request, "do", what);
	return request;
}

static void cancel(struct waiter *waiter, int fd)
{
	AUTO_PTR(json) request = make_request("cancel");
	struct signalfd_siginfo info;
	struct err err;

	if (read(waiter->signal_fd, &info, sizeof(info)) < 0)
		return;
	live_clear(&waiter->live);
	if (waiter->was_cancelled || channel_send(fd, request, NULL, 0, &err) < 0) {
		waiter->say(NULL, "leaving; the run's keeper takes down what there is");
		_exit(EXIT_CANCELLED);
	}
	waiter->was_cancelled = true;
	waiter->say(NULL, "cancelling; a second signal leaves at once");
}

/* One packet of the keeper's: true when it was the answer. -1: ERR_MISSING, it is gone. */
static int receive_answer(
    struct waiter *waiter, int fd, bool *out_is_answer, enum exit_code *out_code, struct err *err)
{
	AUTO(channel_packet) packet = {0};
	int64_t code = 0;

	if (channel_receive(fd, &packet, err) < 0)
		return -1;
	const char *text = json_get_text(packet.message, "say");
	if (text) {
		live_clear(&waiter->live);
		waiter->say(NULL, text);
	}
	*out_is_answer = json_get_int(packet.message, "exit", &code);
	if (*out_is_answer)
		*out_code = code >= 0 && code < EXIT_CODE_COUNT ? (enum exit_code)code : EXIT_OURS;
	return 0;
}

/* 0 and the exit status; -1: the keeper is gone without an answer (ERR_MISSING). */
static int wait_for_answer(struct waiter *waiter, int fd, enum exit_code *out_code, struct err *err)
{
	bool is_answered = false;

	while (!is_answered) {
		struct pollfd fds[] = {
		    {.fd = fd, .events = POLLIN},
		    {.fd = waiter->signal_fd, .events = POLLIN},
		    {.fd = waiter->parent_pidfd, .events = POLLIN},
		    {.fd = waiter->live.read_fd, .events = POLLIN},
		    {.fd = waiter->run_fd, .events = POLLIN},
		};

		if (poll(fds, COUNT_OF(fds), waiter->live.read_fd < 0 ? -1 : LIVE_EVERY_MS) < 0 &&
		    errno != EINTR)
			return err_sys(err, errno, "wait for the keeper");
		if (fds[2].revents) /* Drone killed the step: the keeper sees us go */
			_exit(EXIT_CANCELLED);
		live_read(&waiter->live); /* all of it before an answer that came after it */
		if (fds[0].revents && receive_answer(waiter, fd, &is_answered, out_code, err) < 0)
			return -1;
		if (fds[1].revents)
			cancel(waiter, fd);
		if (fds[4].revents && !is_answered)
			return err_set(err, ERR_MISSING, "the run has ended");
		if (!is_answered)
			live_draw(&waiter->live);
	}
	return 0;
}

/* word: what a terminal calls it. */
static int ask(struct waiter *waiter, int fd, const struct json *request, const char *word,
    enum exit_code *out_code, struct err *err)
{
	int lines_fd = waiter->live.write_fd;
	const int fds[] = {
	    lines_fd < 0 ? STDOUT_FILENO : lines_fd, lines_fd < 0 ? STDERR_FILENO : lines_fd};

	if (channel_send(fd, request, fds, COUNT_OF(fds), err) < 0)
		return -1;
	live_begin(&waiter->live, word);
	int result = wait_for_answer(waiter, fd, out_code, err);
	live_end(&waiter->live);
	return result;
}

int waiter_prepare(
    struct waiter *waiter, int fd, int64_t weight, enum exit_code *out_code, struct err *err)
{
	AUTO_PTR(json) request = make_request("prepare");

	json_set_int(request, "weight", weight);
	return ask(waiter, fd, request, "prepare", out_code, err);
}

int waiter_stage(
    struct waiter *waiter, int fd, enum stage stage, enum exit_code *out_code, struct err *err)
{
	AUTO_PTR(json) request = make_request("stage");

	json_set_text(request, "stage", stage_word(stage));
	return ask(waiter, fd, request, stage_word(stage), out_code, err);
}

int waiter_follow(struct waiter *waiter, int fd, enum exit_code *out_code, struct err *err)
{
	AUTO_PTR(json) request = make_request("follow");

	return ask(waiter, fd, request, "dev", out_code, err);
}

int waiter_share(
    struct waiter *waiter, int fd, const char *run_id, enum exit_code *out_code, struct err *err)
{
	AUTO_PTR(json) request = make_request("share");

	json_set_text(request, "run", run_id);
	return ask(waiter, fd, request, "prepare", out_code, err);
}

bool waiter_has_run(const struct waiter *waiter, int fd, struct err *err)
{
	AUTO_PTR(json) request = make_request("cancel");
	struct pollfd run = {.fd = fd, .events = POLLIN};

	if (waiter->was_cancelled && channel_send(fd, request, NULL, 0, err) < 0)
		return false;
	if (!waiter->was_cancelled && poll(&run, 1, 0) == 0)
		return true;
	(void)err_set(err, ERR_MISSING, "the run has ended");
	return false;
}

int waiter_teardown(
    struct waiter *waiter, int fd, bool is_now, enum exit_code *out_code, struct err *err)
{
	AUTO_PTR(json) request = make_request("teardown");

	if (is_now)
		json_set_bool(request, "now", true);
	return ask(waiter, fd, request, "teardown", out_code, err);
}

void waiter_hold(struct waiter *waiter, int fd)
{
	enum exit_code ignored = EXIT_OURS;
	struct err gone; /* how it ends when nobody asks for it */

	(void)!wait_for_answer(waiter, fd, &ignored, &gone);
}
