/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/proc.h"

#include "common/clock.h"
#include "common/exec.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#define READ_CHUNK_BYTES 16384
#define ENVIRON_MAX_BYTES                                                                          \
	(8 * 1024 * 1024) /* the kernel allows 6 MiB of arguments and environment */
#define STAT_MAX_BYTES 4096
#define KILL_PATIENCE_MS 10000 /* a killed process that is not gone by then hangs in the kernel */

/* --- output: masked, to a bounded file and a bounded tail --- */

struct sink {
	int log_fd; /* -1: none */
	size_t log_room;
	size_t tail_max_bytes;
	struct buf tail; /* up to twice tail_max_bytes, so that it is not moved for every line */
	struct buf held; /* raw bytes that may be the beginning of a secret */
	uint64_t dropped_bytes;
	bool was_truncated;
};

static void sink_release(struct sink *sink)
{
	close_fd(&sink->log_fd);
	buf_release(&sink->tail);
	buf_release(&sink->held);
}
DEFINE_AUTO(sink, sink_release);

static int sink_open(struct sink *sink, const struct proc_spec *spec, struct err *err)
{
	struct stat status;

	sink->tail_max_bytes = spec->tail_max_bytes;
	sink->tail = buf_make(2 * spec->tail_max_bytes + READ_CHUNK_BYTES);
	sink->held = buf_make(SIZE_MAX / 2);
	if (!spec->log_path)
		return 0;
	sink->log_fd = open(spec->log_path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (sink->log_fd < 0 || fstat(sink->log_fd, &status) < 0)
		return err_sys(err, errno, "run %s: open %s", spec->label, spec->log_path);
	if ((size_t)status.st_size < spec->log_max_bytes)
		sink->log_room = spec->log_max_bytes - (size_t)status.st_size;
	return 0;
}

static void sink_write_log(struct sink *sink, const char *data, size_t length)
{
	if (sink->log_fd < 0)
		return;
	while (length && sink->log_room) {
		size_t most = length < sink->log_room ? length : sink->log_room;
		ssize_t written = write(sink->log_fd, data, most);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) /* a full disk costs the log, not the run */
			break;
		data += written;
		length -= (size_t)written;
		sink->log_room -= (size_t)written;
	}
	sink->dropped_bytes += length;
}

static void sink_add_tail(struct sink *sink, const char *data, size_t length)
{
	size_t keep = sink->tail_max_bytes;

	if (length > keep) {
		sink->was_truncated = true;
		data += length - keep;
		length = keep;
	}
	if (sink->tail.length + length > 2 * keep) {
		sink->was_truncated = true;
		buf_drop_front(&sink->tail, sink->tail.length - (keep - length));
	}
	(void)buf_add(&sink->tail, data, length); /* its maximum is larger by construction */
}

static void sink_add_masked(struct sink *sink, const char *data, size_t length)
{
	sink_write_log(sink, data, length);
	sink_add_tail(sink, data, length);
}

/* Masks and passes on what cannot be part of a secret that is not whole yet. */
static void sink_flush(struct sink *sink, bool is_last)
{
	AUTO(buf) masked = buf_make(SIZE_MAX / 2);
	size_t done = sink->held.length;

	if (!done)
		return;
	if (is_last)
		(void)log_mask_text(&masked, sink->held.data, done);
	else
		done = log_mask_part(&masked, sink->held.data, done);
	buf_drop_front(&sink->held, done);
	sink_add_masked(sink, buf_text(&masked), masked.length);
}

static void sink_finish(struct sink *sink)
{
	sink_flush(sink, true);
	if (sink->dropped_bytes && sink->log_fd >= 0) {
		auto_str char *note = xasprintf(
		    "\n[%llu more bytes were not kept]\n", (unsigned long long)sink->dropped_bytes);

		sink->was_truncated = true;
		if (write(sink->log_fd, note, strlen(note)) < 0)
			sink->dropped_bytes = 0; /* the disk is full: was_truncated says it */
	}
	if (sink->tail.length > sink->tail_max_bytes) {
		sink->was_truncated = true;
		buf_drop_front(&sink->tail, sink->tail.length - sink->tail_max_bytes);
	}
}

/* --- the parent's side --- */

struct child {
	const struct proc_spec *spec;
	struct sink *sink;
	pid_t pid; /* a zombie at least, until reap_leader(): so the number stays its own */
	int pidfd;
	int output_fd; /* stderr, and stdout when there is no out_text; -1: closed by all */
	int text_fd;   /* stdout alone */
	int exec_errno_fd;
	int64_t started_ns;
	enum proc_end why; /* PROC_EXITED until we stop it */
	bool has_ended;
	bool was_killed;
	int64_t next_ns; /* end of grace, of patience after KILL, or of draining */
	int64_t next_watch_ns;
};

static void child_release(struct child *child)
{
	close_fd(&child->pidfd);
	close_fd(&child->output_fd);
	close_fd(&child->text_fd);
	close_fd(&child->exec_errno_fd);
}
DEFINE_AUTO(child, child_release);

struct pipe_pair {
	int read, write;
};

static void pipe_pair_release(struct pipe_pair *pair)
{
	close_fd(&pair->read);
	close_fd(&pair->write);
}
DEFINE_AUTO(pipe_pair, pipe_pair_release);

static int pipe_pair_open(struct pipe_pair *pair)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pair->read = fds[0];
	pair->write = fds[1];
	return 0;
}

static int reap_leader(struct child *child, siginfo_t *out)
{
	int result;

	do
		result = waitid(P_PID, (id_t)child->pid, out, WEXITED);
	while (result < 0 && errno == EINTR);
	return result;
}

/* Of the program; its descriptors are still to come. */
static struct exec exec_of(const struct proc_spec *spec)
{
	return (struct exec){.argv = spec->argv,
	    .env = spec->env,
	    .cwd = spec->cwd,
	    .enter = spec->enter,
	    .enter_context = spec->enter_context};
}

/* read is ours, write is the child's; raw, so that what it writes arrives as it is. */
static int terminal_open(struct pipe_pair *pair)
{
	const struct winsize size = {.ws_row = 24, .ws_col = PROC_COLUMNS};
	auto_fd int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios mode;
	char name[64];

	if (ours < 0 || grantpt(ours) < 0 || unlockpt(ours) < 0 ||
	    ptsname_r(ours, name, sizeof(name)) != 0)
		return -1;
	auto_fd int theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (theirs < 0 || tcgetattr(theirs, &mode) < 0)
		return -1;
	cfmakeraw(&mode);
	if (tcsetattr(theirs, TCSANOW, &mode) < 0 || ioctl(theirs, TIOCSWINSZ, &size) < 0)
		return -1;
	pair->read = take_fd(&ours);
	pair->write = take_fd(&theirs);
	return 0;
}

static int child_fork(struct child *child, struct err *err)
{
	const struct proc_spec *spec = child->spec;
	AUTO(pipe_pair) output = {-1, -1};
	AUTO(pipe_pair) text = {-1, -1};
	AUTO(pipe_pair) exec_errno = {-1, -1};
	auto_fd int input = spec->in_text ? exec_open_text(spec->in_text)
					  : open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	assert(!spec->on_terminal || (!spec->in_text && !spec->out_text));
	if (input < 0 ||
	    (spec->on_terminal ? terminal_open(&output) : pipe_pair_open(&output)) < 0 ||
	    pipe_pair_open(&exec_errno) < 0 || (spec->out_text && pipe_pair_open(&text) < 0))
		return err_sys(err, errno, "run %s: open pipes", spec->label);
	if (fcntl(output.read, F_SETFL, O_NONBLOCK) < 0 ||
	    (spec->out_text && fcntl(text.read, F_SETFL, O_NONBLOCK) < 0))
		return err_sys(err, errno, "run %s: set up pipes", spec->label);
	struct exec exec = exec_of(spec);
	exec.in = spec->on_terminal ? output.write : input;
	exec.out = spec->out_text ? text.write : output.write;
	exec.error = output.write;
	exec.exec_errno = exec_errno.write;
	child->pid = exec_fork(&exec);
	if (child->pid < 0)
		return err_sys(err, errno, "run %s: fork", spec->label);
	assert(child->pid > 1);
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0) {
		int saved = errno;
		siginfo_t ignored;

		(void)kill(child->pid, SIGKILL);
		(void)reap_leader(child, &ignored);
		return err_sys(err, saved, "run %s: pidfd_open", spec->label);
	}
	child->output_fd = take_fd(&output.read);
	child->text_fd = take_fd(&text.read);
	child->exec_errno_fd = take_fd(&exec_errno.read);
	return 0;
}

/* Waits for the exec. True: it failed, for *out_errno. */
static bool exec_failed(struct child *child, int *out_errno)
{
	ssize_t length;

	do
		length = read(child->exec_errno_fd, out_errno, sizeof(*out_errno));
	while (length < 0 && errno == EINTR);
	close_fd(&child->exec_errno_fd);
	return length == (ssize_t)sizeof(*out_errno);
}

/* Reads what is there; closes the descriptor when nobody else has the other end. */
static void read_output(struct child *child, int *fd)
{
	char chunk[READ_CHUNK_BYTES];

	while (*fd >= 0) {
		ssize_t length = read(*fd, chunk, sizeof(chunk));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == EAGAIN)
			return;
		if (length <= 0) { /* a terminal without another end says EIO */
			close_fd(fd);
			return;
		}
		if (fd == &child->text_fd) {
			(void)buf_add(child->spec->out_text, chunk, (size_t)length);
			continue; /* too much sets was_truncated, and is read on */
		}
		(void)buf_add(&child->sink->held, chunk, (size_t)length);
		sink_flush(child->sink, false);
	}
}

static void signal_group(const struct child *child, int number)
{
	assert(child->pid > 1);
	(void)kill(-child->pid, number); /* ESRCH: all gone */
}

static void stop(struct child *child, enum proc_end why)
{
	if (child->why != PROC_EXITED)
		return;
	child->why = why;
	if (child->has_ended) { /* only draining was left */
		child->next_ns = clock_now();
		return;
	}
	signal_group(child, SIGTERM);
	child->next_ns = clock_now() + child->spec->term_grace_ms * NS_PER_MS;
}

static bool is_output_closed(const struct child *child)
{
	return child->output_fd < 0 && child->text_fd < 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_wake(const struct child *child)
{
	int64_t wake_ns = child->why == PROC_EXITED
			      ? earlier(child->spec->deadline_ns, child->next_ns)
			      : child->next_ns;

	if (child->spec->watch && child->spec->watch_every_ms > 0 && !child->has_ended)
		wake_ns = earlier(wake_ns, child->next_watch_ns);
	return wake_ns;
}

static void call_watch(struct child *child, bool is_ready)
{
	const struct proc_spec *spec = child->spec;
	bool is_due = spec->watch_every_ms > 0 && clock_now() >= child->next_watch_ns;

	if (!spec->watch || child->has_ended || child->why != PROC_EXITED || (!is_ready && !is_due))
		return;
	if (spec->watch(spec->watch_context))
		stop(child, PROC_CANCELLED);
	child->next_watch_ns = clock_now() + spec->watch_every_ms * NS_PER_MS;
}

/* What the passing of time asks for: stops and kills. True: nothing more to wait for. */
static bool let_time_pass(struct child *child)
{
	int64_t now_ns = clock_now();

	if (child->has_ended)
		return is_output_closed(child) || now_ns >= child->next_ns;
	if (child->why == PROC_EXITED && now_ns >= child->spec->deadline_ns)
		stop(child, PROC_TIMED_OUT);
	if (child->why != PROC_EXITED && now_ns >= child->next_ns && !child->was_killed) {
		signal_group(child, SIGKILL);
		child->was_killed = true;
		child->next_ns = now_ns + KILL_PATIENCE_MS * NS_PER_MS;
	}
	return false;
}

static int child_watch(struct child *child, struct err *err)
{
	const struct proc_spec *spec = child->spec;

	while (!let_time_pass(child)) {
		bool is_stopping = child->why != PROC_EXITED;
		struct pollfd fds[] = {
		    {.fd = child->output_fd, .events = POLLIN},
		    {.fd = child->text_fd, .events = POLLIN},
		    {.fd = child->has_ended ? -1 : child->pidfd, .events = POLLIN},
		    {.fd = is_stopping ? -1 : spec->cancel_fd, .events = POLLIN},
		    {.fd = is_stopping || child->has_ended ? -1 : spec->watch_fd, .events = POLLIN},
		};

		if (child->was_killed && clock_now() >= child->next_ns)
			return err_set(err, ERR_TIMEOUT, "run %s: process %ld does not die",
			    spec->label, (long)child->pid);
		if (poll(fds, COUNT_OF(fds), clock_ms_until(next_wake(child))) < 0 &&
		    errno != EINTR)
			return err_sys(err, errno, "run %s: poll", spec->label);
		if (fds[0].revents)
			read_output(child, &child->output_fd);
		if (fds[1].revents)
			read_output(child, &child->text_fd);
		if (fds[2].revents) {
			child->has_ended = true;
			child->next_ns = clock_now() + spec->drain_ms * NS_PER_MS;
		}
		if (fds[3].revents)
			stop(child, PROC_CANCELLED);
		call_watch(child, fds[4].revents != 0);
	}
	return 0;
}

/* --- what is left behind --- */

struct stat_line {
	char state;
	pid_t parent, group;
};

static bool read_stat(pid_t pid, struct stat_line *out)
{
	char path[64];
	AUTO(buf) text = {0};
	struct err ignored;
	char state = 0;
	int parent = 0;
	int group = 0;

	(void)format_text(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (file_read(path, STAT_MAX_BYTES, &text, &ignored) < 0)
		return false;
	/* The second field is the name, which may hold anything, ")" too. */
	const char *rest = strrchr(buf_text(&text), ')');
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	if (!rest || sscanf(rest + 1, " %c %d %d", &state, &parent, &group) != 3)
		return false;
	*out = (struct stat_line){.state = state, .parent = parent, .group = group};
	return true;
}

/* Calls visit for every process there is but ourselves, until it says false. -1: no /proc. */
static int each_process(bool (*visit)(pid_t pid, void *context), void *context)
{
	auto_dir DIR *dir = opendir("/proc");

	if (!dir)
		return -1;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		int64_t pid = 0;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !parse_int64(entry->d_name, 2, INT32_MAX, &pid) || pid == getpid())
			continue;
		if (!visit((pid_t)pid, context))
			break;
	}
	return 0;
}

struct sweep {
	pid_t spared_group; /* 0: none is spared */
	bool has_any;
};

static bool kill_child(pid_t pid, void *context)
{
	struct sweep *sweep = context;
	struct stat_line stat;

	if (!read_stat(pid, &stat) || stat.parent != getpid() || stat.group == sweep->spared_group)
		return true;
	sweep->has_any = true;
	if (stat.state != 'Z')
		(void)kill(pid, SIGKILL); /* ours and not reaped: the number is its own */
	return true;
}

/* Reaps who is dead; *out_killed counts those outside the group that died of our signal. */
static void reap_children(pid_t leader_group, unsigned *out_killed)
{
	siginfo_t info = {0};

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		struct stat_line stat = {0};

		if (read_stat(info.si_pid, &stat) && stat.group != leader_group &&
		    info.si_code == CLD_KILLED && info.si_status == SIGKILL)
			(*out_killed)++;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
		info = (siginfo_t){0};
	}
}

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/*
 * Ends and reaps every child of ours, and theirs as they come back to us. Behind a leader a relay
 * is spared: it is no child of its.
 */
static int sweep_children(pid_t leader_group, unsigned *out_killed, struct err *err)
{
	struct sweep sweep = {.spared_group = leader_group ? getpgrp() : 0};
	int64_t deadline_ns = clock_now() + KILL_PATIENCE_MS * NS_PER_MS;

	*out_killed = 0;
	while (has_children()) {
		sweep.has_any = false;
		if (each_process(kill_child, &sweep) < 0)
			return err_sys(err, errno, "look for processes left behind");
		if (!sweep.has_any) {
			reap_children(leader_group, out_killed);
			return 0;
		}
		(void)poll(NULL, 0, 1); /* a killed process needs a moment to end */
		reap_children(leader_group, out_killed);
		if (clock_now() >= deadline_ns)
			return err_set(err, ERR_TIMEOUT, "a process left behind cannot be killed");
	}
	return 0;
}

int proc_end_children(unsigned *out_count, struct err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, errno, "become a child subreaper");
	return sweep_children(0, out_count, err);
}

/* --- a program for each connection --- */

#define RELAY_BACKLOG 64

/* Who connected must be the process that the relay is for. */
static bool is_from(int connection, pid_t wanted)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.pid == wanted;
}

/* As in exec_become(): only async-signal-safe calls, here and in what it forks. */
__attribute__((noreturn)) static void relay_main(
    const struct proc_spec *spec, int listener, int error_fd, pid_t owner)
{
	const int kept[] = {listener, error_fd};
	struct sigaction action = {.sa_handler = SIG_IGN};
	pid_t self = getpid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != owner)
		_exit(127);
	exec_reset_signals();
	(void)sigaction(SIGCHLD, &action, NULL); /* nobody waits for them */
	proc_close_others(kept, COUNT_OF(kept));
	for (;;) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct exec exec = exec_of(spec);

		exec.in = exec.out = connection;
		exec.error = exec.exec_errno = error_fd;
		exec.stays_in_group = true;

		if (connection < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(126);
		if (connection >= 0 && is_from(connection, owner) && fork() == 0)
			exec_become(&exec, self);
		if (connection >= 0)
			(void)close(connection);
	}
}

/* The kernel chooses a name that nobody has. Source: unix(7), autobind. */
static int listen_somewhere(char **out_name, struct err *err)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    listen(fd, RELAY_BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return err_sys(err, errno, "open a socket for a relay");
	size_t size = length - offsetof(struct sockaddr_un, sun_path) - 1;
	*out_name = xasprintf("@%.*s", (int)size, address.sun_path + 1);
	return take_fd(&fd);
}

int proc_relay_open(struct proc_relay *relay, const char *const *argv, const char *const *env,
    int error_fd, struct err *err)
{
	const struct proc_spec spec = {.label = argv[0], .argv = argv, .env = env};
	auto_str char *name = NULL;
	auto_fd int listener = listen_somewhere(&name, err);
	pid_t owner = getpid();

	if (listener < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		relay_main(&spec, listener, error_fd, owner);
	if (pid < 0)
		return err_sys(err, errno, "run %s: fork", argv[0]);
	int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		int saved = errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err_sys(err, saved, "run %s: pidfd_open", argv[0]);
	}
	*relay = (struct proc_relay){.name = take_ptr(name), .pidfd = pidfd};
	return 0;
}

void proc_relay_close(struct proc_relay *relay)
{
	siginfo_t ignored;

	if (relay->pidfd >= 0 && pidfd_send_signal(relay->pidfd, SIGKILL, NULL, 0) == 0)
		(void)waitid(P_PIDFD, (id_t)relay->pidfd, &ignored, WEXITED);
	close_fd(&relay->pidfd);
	free(take_ptr(relay->name));
}

/* --- running one --- */

static struct proc_result make_result(struct child *child, const siginfo_t *info)
{
	struct proc_result result = {.end = child->why,
	    .code = info->si_status,
	    .elapsed_ms = clock_elapsed_ms(child->started_ns)};

	if (child->why == PROC_EXITED && info->si_code != CLD_EXITED)
		result.end = PROC_SIGNALLED;
	return result;
}

static int finish(struct child *child, struct proc_result *out, struct err *err)
{
	siginfo_t info = {0};
	unsigned escaped = 0;

	/* While the leader is not reaped, no other group can have its number. */
	signal_group(child, SIGKILL);
	if (reap_leader(child, &info) < 0)
		return err_sys(err, errno, "run %s: wait", child->spec->label);
	int swept = sweep_children(child->pid, &escaped, err);
	read_output(child, &child->output_fd);
	read_output(child, &child->text_fd);
	if (swept < 0)
		return err_prefix(err, "run %s", child->spec->label);
	sink_finish(child->sink);
	*out = make_result(child, &info);
	out->escaped = escaped;
	out->was_truncated = child->sink->was_truncated;
	out->tail = child->sink->tail;
	child->sink->tail = (struct buf){0};
	return 0;
}

static int finish_unstarted(struct child *child, int reason, struct proc_result *out)
{
	siginfo_t ignored;

	(void)reap_leader(child, &ignored);
	*out = (struct proc_result){.end = PROC_NOT_STARTED,
	    .code = reason,
	    .elapsed_ms = clock_elapsed_ms(child->started_ns)};
	return 0;
}

int proc_run(const struct proc_spec *spec, struct proc_result *out, struct err *err)
{
	AUTO(sink) sink = {.log_fd = -1};
	AUTO(child)
	child = {.spec = spec,
	    .sink = &sink,
	    .pidfd = -1,
	    .output_fd = -1,
	    .text_fd = -1,
	    .exec_errno_fd = -1,
	    .started_ns = clock_now(),
	    .why = PROC_EXITED,
	    .next_ns = INT64_MAX,
	    .next_watch_ns = clock_now() + spec->watch_every_ms * NS_PER_MS};
	int reason = 0;

	assert(spec->argv[0] && spec->argv[0][0] == '/');
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, errno, "become a child subreaper");
	if (sink_open(&sink, spec, err) < 0 || child_fork(&child, err) < 0)
		return -1;
	if (exec_failed(&child, &reason))
		return finish_unstarted(&child, reason, out);
	if (child_watch(&child, err) < 0) {
		struct err second;
		unsigned count = 0;

		signal_group(&child, SIGKILL);
		return proc_end_children(&count, &second) < 0 ? err_prefix(err, "%s", second.msg)
							      : -1;
	}
	return finish(&child, out, err);
}

void proc_result_release(struct proc_result *result)
{
	buf_release(&result->tail);
}

void proc_result_text(const struct proc_result *result, char out[PROC_RESULT_TEXT_SIZE])
{
	char elapsed[CLOCK_DURATION_SIZE];
	const char *name = NULL;

	clock_format_duration(result->elapsed_ms, elapsed);
	switch (result->end) {
	case PROC_EXITED:
		(void)format_text(out, PROC_RESULT_TEXT_SIZE, "exit status %d", result->code);
		return;
	case PROC_SIGNALLED:
		name = sigabbrev_np(result->code);
		if (name)
			(void)format_text(out, PROC_RESULT_TEXT_SIZE, "killed by SIG%s", name);
		else
			(void)format_text(
			    out, PROC_RESULT_TEXT_SIZE, "killed by signal %d", result->code);
		return;
	case PROC_TIMED_OUT:
		(void)format_text(out, PROC_RESULT_TEXT_SIZE, "timed out after %s", elapsed);
		return;
	case PROC_CANCELLED:
		(void)format_text(out, PROC_RESULT_TEXT_SIZE, "stopped after %s", elapsed);
		return;
	case PROC_NOT_STARTED:
		(void)format_text(
		    out, PROC_RESULT_TEXT_SIZE, "cannot start: %s", strerror(result->code));
		return;
	}
}

/* --- by environment --- */

struct hunt {
	const char *wanted; /* "CCCI_RUN=<id>" */
	unsigned found, ended;
};

static bool environment_has(const struct buf *environment, const char *wanted)
{
	const char *at = environment->data;
	const char *end = at + environment->length;

	while (at < end) {
		if (text_is(at, wanted)) /* file_read() puts a NUL behind the last one too */
			return true;
		at += strlen(at) + 1;
	}
	return false;
}

static bool hunt_process(pid_t pid, void *context)
{
	struct hunt *hunt = context;
	AUTO(buf) environment = {0};
	struct err ignored;
	char path[64];

	/* Opened first: should the number pass to another process, the signal goes nowhere. */
	auto_fd int pidfd = pidfd_open(pid, 0);
	(void)format_text(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	if (pidfd < 0 || file_read(path, ENVIRON_MAX_BYTES, &environment, &ignored) < 0 ||
	    !environment.data || !environment_has(&environment, hunt->wanted))
		return true;
	hunt->found++;
	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0) {
		struct pollfd end = {.fd = pidfd, .events = POLLIN};

		if (poll(&end, 1, KILL_PATIENCE_MS) == 1)
			hunt->ended++;
	}
	return true;
}

bool proc_look(pid_t pid, const char *variable, struct proc_view *out)
{
	auto_str char *path = xasprintf("/proc/%ld/environ", (long)pid);
	AUTO(buf) environment = {0};
	struct stat_line stat;
	struct err ignored;

	if (!read_stat(pid, &stat) ||
	    file_read(path, ENVIRON_MAX_BYTES, &environment, &ignored) < 0)
		return false;
	*out = (struct proc_view){.parent = stat.parent,
	    .has_variable = environment.data && environment_has(&environment, variable)};
	return true;
}

int proc_kill_run(const char *run_id, unsigned *out_count, struct err *err)
{
	auto_str char *wanted = xasprintf("%s=%s", RUN_ENVIRONMENT, run_id);
	int64_t deadline_ns = clock_now() + KILL_PATIENCE_MS * NS_PER_MS;
	struct hunt hunt = {.wanted = wanted};

	/* Again until none is found: one that was found may have forked before it died. */
	do {
		hunt.found = 0;
		if (each_process(hunt_process, &hunt) < 0)
			return err_sys(err, errno, "look for processes of run %s", run_id);
		if (hunt.found && clock_now() >= deadline_ns)
			return err_set(
			    err, ERR_TIMEOUT, "a process of run %s cannot be killed", run_id);
	} while (hunt.found);
	*out_count = hunt.ended;
	return 0;
}

static bool is_kept(int fd, const int *kept, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (kept[i] == fd)
			return true;
	return false;
}

void proc_close_others(const int *kept, size_t count)
{
	int highest = 2;

	for (size_t i = 0; i < count; i++)
		highest = kept[i] > highest ? kept[i] : highest;
	for (int fd = 3; fd < highest; fd++)
		if (!is_kept(fd, kept, count))
			(void)close(fd);
	(void)close_range((unsigned)highest + 1, ~0U, 0);
}
