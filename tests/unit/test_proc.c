/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract of proc.h, line by line, each with a child that breaks it when proc.c does. */
#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CHILD(name) TEST_CHILD_DIR "/child_" name

static const char *const empty_environment[] = {NULL};

static struct proc_spec make_spec(const char *const *argv)
{
	return (struct proc_spec){.label = "child",
	    .argv = argv,
	    .env = empty_environment,
	    .log_max_bytes = 1 << 20,
	    .tail_max_bytes = 4096,
	    .deadline_ns = clock_now() + 20 * NS_PER_S,
	    .term_grace_ms = 200,
	    .drain_ms = 200,
	    .cancel_fd = -1,
	    .watch_fd = -1};
}

static void run(const struct proc_spec *spec, struct proc_result *out)
{
	struct err err = {0};

	ck_assert_msg(proc_run(spec, out, &err) == 0, "%s", err.msg);
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* The pids that a child noted; all of them must be gone. */
static void assert_all_gone(const char *pid_file, int least)
{
	FILE *file = fopen(pid_file, "re");
	char line[64];
	int count = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		long pid = strtol(line, NULL, 10);

		ck_assert_msg(!is_alive((pid_t)pid), "%ld is alive", pid);
		count++;
	}
	ck_assert_int_ge(count, least);
	(void)fclose(file);
}

static char *path_in(const char *name)
{
	auto_str char *dir = harness_dir();

	return xasprintf("%s/%s", dir, name);
}

/* --- 1: not started is not exit 127 --- */

START_TEST(gives_what_is_to_be_read)
{
	const char *const argv[] = {"/bin/cat", NULL};
	struct proc_spec spec = make_spec(argv);
	AUTO(proc_result) result = {0};

	spec.in_text = "r.example:5000";
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_EXITED);
	ck_assert_int_eq(result.code, 0);
	ck_assert_str_eq(buf_text(&result.tail), "r.example:5000");
}
END_TEST

START_TEST(tells_exec_failure_from_exit_127)
{
	const char *missing[] = {"/nonexistent/program", NULL};
	const char *not_executable[] = {"/etc/passwd", NULL};
	const char *exits_127[] = {CHILD("exits"), "127", NULL};
	AUTO(proc_result) first = {0};
	AUTO(proc_result) second = {0};
	AUTO(proc_result) third = {0};
	char text[PROC_RESULT_TEXT_SIZE];

	struct proc_spec spec = make_spec(missing);
	run(&spec, &first);
	ck_assert_int_eq(first.end, PROC_NOT_STARTED);
	ck_assert_int_eq(first.code, ENOENT);
	proc_result_text(&first, text);
	ck_assert_str_eq(text, "cannot start: No such file or directory");

	spec = make_spec(not_executable);
	run(&spec, &second);
	ck_assert_int_eq(second.end, PROC_NOT_STARTED);
	ck_assert_int_eq(second.code, EACCES);

	spec = make_spec(exits_127);
	run(&spec, &third);
	ck_assert_int_eq(third.end, PROC_EXITED);
	ck_assert_int_eq(third.code, 127);
	proc_result_text(&third, text);
	ck_assert_str_eq(text, "exit status 127");
}
END_TEST

START_TEST(tells_a_missing_directory)
{
	const char *argv[] = {CHILD("exits"), "0", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);

	spec.cwd = "/nonexistent";
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_NOT_STARTED);
}
END_TEST

/* --- 2: what the child is born with --- */

START_TEST(gives_the_child_a_clean_birth)
{
	const char *argv[] = {CHILD("describes"), NULL};
	const char *const environment[] = {"A=1", "B=2", NULL};
	AUTO(proc_result) result = {0};
	auto_fd int extra = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	ck_assert_int_ge(extra, 0);
	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, NULL), 0);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
	struct proc_spec spec = make_spec(argv);
	spec.env = environment;
	run(&spec, &result);
	ck_assert_str_eq(buf_text(&result.tail),
	    "leads=1 blocked=0 handled=0 fds=3 stdin=0 directory=/ variables=2 dies_by=9\n");
}
END_TEST

static void wait_until_gone(pid_t pid)
{
	int64_t deadline_ns = clock_now() + 5 * NS_PER_S;

	while (is_alive(pid) && clock_now() < deadline_ns) {
		(void)waitpid(-1, NULL, WNOHANG);
		(void)poll(NULL, 0, 5);
	}
	ck_assert_msg(!is_alive(pid), "%ld is alive", (long)pid);
}

static pid_t wait_for_pid(const char *pid_file)
{
	int64_t deadline_ns = clock_now() + 5 * NS_PER_S;

	while (clock_now() < deadline_ns) {
		AUTO(buf) text = {0};
		struct err err;

		if (file_read(pid_file, 4096, &text, &err) == 0 && strchr(buf_text(&text), '\n'))
			return (pid_t)strtol(buf_text(&text), NULL, 10);
		(void)poll(NULL, 0, 5);
	}
	ck_abort_msg("no pid in %s", pid_file);
}

/* Nothing of what it writes is changed, and its end is the end of its output. */
START_TEST(gives_a_terminal)
{
	const char *const argv[] = {CHILD("terminal"), NULL};
	struct proc_spec spec = make_spec(argv);
	AUTO(proc_result) result = {0};

	spec.on_terminal = true;
	spec.drain_ms = 20000;
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_EXITED);
	ck_assert_int_eq(result.code, 3);
	ck_assert_str_eq(
	    buf_text(&result.tail), "terminals=3 columns=1000 controlling=0\non stderr\n");
	ck_assert_int_lt(result.elapsed_ms, 10000);
}
END_TEST

START_TEST(lets_the_child_die_with_us)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "deaf", "stay", NULL};
	struct proc_spec spec = make_spec(argv);

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* who dies is ours to reap */
	pid_t parent = fork();
	if (parent == 0) {
		struct proc_result result;
		struct err err;

		_exit(proc_run(&spec, &result, &err) == 0 ? 0 : 1);
	}
	pid_t child = wait_for_pid(pid_file);
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	wait_until_gone(child);
	/* Its own child lives on: the keeper, which is a subreaper too, ends it like this. */
	struct err err;
	unsigned ended = 0;
	ck_assert_int_eq(proc_end_children(&ended, &err), 0);
}
END_TEST

/* --- 3: end of the leader, end of output --- */

START_TEST(drains_a_held_pipe_only_so_long)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);

	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_EXITED);
	ck_assert_int_eq(result.code, 0);
	ck_assert_int_ge(result.elapsed_ms, 200);
	ck_assert_int_lt(result.elapsed_ms, 5000);
	ck_assert_str_eq(buf_text(&result.tail), "ready\n");
	ck_assert_uint_eq(result.escaped, 0); /* it stayed in the group */
	assert_all_gone(pid_file, 2);
}
END_TEST

/* --- 4: timeout and cancel --- */

START_TEST(ends_a_deaf_group_at_the_deadline)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "deaf", "stay", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);
	char text[PROC_RESULT_TEXT_SIZE];

	spec.deadline_ns = clock_now() + 300 * NS_PER_MS;
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_TIMED_OUT);
	ck_assert_int_ge(result.elapsed_ms, 500); /* deadline and grace */
	ck_assert_int_lt(result.elapsed_ms, 5000);
	proc_result_text(&result, text);
	ck_assert(text_starts(text, "timed out after"));
	assert_all_gone(pid_file, 2);
}
END_TEST

START_TEST(stops_when_cancelled)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "stay", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);
	int cancel[2];

	ck_assert_int_eq(pipe2(cancel, O_CLOEXEC), 0);
	ck_assert_int_eq(write(cancel[1], "x", 1), 1);
	spec.cancel_fd = cancel[0];
	spec.term_grace_ms = 10000;
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_CANCELLED);
	ck_assert_int_lt(result.elapsed_ms, 5000); /* TERM was enough */
	char byte = 0;
	ck_assert_int_eq(read(cancel[0], &byte, 1), 1); /* not consumed */
	(void)close(cancel[0]);
	(void)close(cancel[1]);
}
END_TEST

static bool stop_at_third(void *context)
{
	int *calls = context;

	return ++*calls == 3;
}

START_TEST(stops_when_the_watch_says_so)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "stay", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);
	int calls = 0;

	spec.watch = stop_at_third;
	spec.watch_context = &calls;
	spec.watch_every_ms = 30;
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_CANCELLED);
	ck_assert_int_eq(calls, 3);
	ck_assert_int_ge(result.elapsed_ms, 90);
}
END_TEST

static bool take_byte(void *context)
{
	char byte = 0;

	return read(*(int *)context, &byte, 1) == 1;
}

START_TEST(wakes_for_the_watched_descriptor)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "stay", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);
	int watched[2];

	ck_assert_int_eq(pipe2(watched, O_CLOEXEC), 0);
	ck_assert_int_eq(write(watched[1], "x", 1), 1);
	spec.watch = take_byte;
	spec.watch_context = &watched[0];
	spec.watch_fd = watched[0];
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_CANCELLED);
	(void)close(watched[0]);
	(void)close(watched[1]);
}
END_TEST

START_TEST(names_the_signal_of_a_death)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "stay", NULL};
	AUTO(proc_result) result = {0};
	char text[PROC_RESULT_TEXT_SIZE];

	pid_t killer = fork();
	if (killer == 0) {
		(void)kill(wait_for_pid(pid_file), SIGSEGV);
		_exit(0);
	}
	struct proc_spec spec = make_spec(argv);
	/* The killer is a child of ours as well; proc_run() ends it once the leader is dead. */
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_SIGNALLED);
	ck_assert_int_eq(result.code, SIGSEGV);
	proc_result_text(&result, text);
	ck_assert_str_eq(text, "killed by SIGSEGV");
}
END_TEST

/* --- 5: escapees --- */

START_TEST(finds_who_leaves_the_group)
{
	auto_str char *pid_file = path_in("pid");
	const char *argv[] = {CHILD("lingers"), pid_file, "escape", "deaf", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(argv);

	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_EXITED);
	ck_assert_uint_ge(result.escaped, 1);
	assert_all_gone(pid_file, 2);
}
END_TEST

/* --- relays --- */

static struct proc_relay open_relay(const char *const *argv, int words)
{
	struct proc_relay relay = {NULL, -1};
	struct err err;

	ck_assert_msg(
	    proc_relay_open(&relay, argv, empty_environment, words, &err) == 0, "%s", err.msg);
	return relay;
}

static int connect_to(const struct proc_relay *relay)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(relay->name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, relay->name + 1, length - 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
	    0);
	return fd;
}

static void assert_echoes(int fd, const char *text)
{
	char got[64] = "";
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(poll(&ready, 1, 10000), 1);
	ck_assert_int_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	ck_assert_str_eq(got, text);
}

static void assert_closed(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char byte = 0;

	ck_assert_int_eq(poll(&ready, 1, 10000), 1);
	ck_assert_int_le(read(fd, &byte, 1), 0);
}

START_TEST(relays_beside_a_run)
{
	const char *argv[] = {"/bin/cat", NULL};
	const char *other[] = {"/bin/true", NULL};
	AUTO(proc_result) result = {0};
	struct proc_spec spec = make_spec(other);
	auto_fd int words = memfd_create("words", MFD_CLOEXEC);
	struct proc_relay relay = open_relay(argv, words);
	auto_fd int first = connect_to(&relay);
	auto_fd int second = connect_to(&relay);

	assert_echoes(first, "one");
	assert_echoes(second, "two");
	run(&spec, &result);
	ck_assert_uint_eq(result.escaped, 0);
	assert_echoes(first, "after");
	proc_relay_close(&relay);
	assert_closed(first); /* its program died with the relay */
	assert_closed(second);
}
END_TEST

START_TEST(a_relay_is_ended_with_all_others)
{
	const char *argv[] = {"/bin/cat", NULL};
	auto_fd int words = memfd_create("words", MFD_CLOEXEC);
	struct proc_relay relay = open_relay(argv, words);
	auto_fd int fd = connect_to(&relay);
	unsigned count = 0;
	struct err err;

	assert_echoes(fd, "here");
	ck_assert_int_eq(proc_end_children(&count, &err), 0);
	ck_assert_uint_ge(count, 1);
	assert_closed(fd);
	proc_relay_close(&relay);
}
END_TEST

START_TEST(a_relay_serves_nobody_else)
{
	const char *argv[] = {"/bin/cat", NULL};
	auto_fd int words = memfd_create("words", MFD_CLOEXEC);
	struct proc_relay relay = open_relay(argv, words);
	int status = 0;
	pid_t other = fork();

	if (other == 0) {
		int fd = connect_to(&relay);
		char byte = 'x';

		(void)alarm(10);
		_exit(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1 ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status == 0 || WTERMSIG(status) == SIGPIPE, 1);
	proc_relay_close(&relay);
}
END_TEST

START_TEST(keeps_what_a_relay_complains_of)
{
	const char *argv[] = {CHILD("talks"), "2:no such host", NULL};
	auto_fd int words = memfd_create("words", MFD_CLOEXEC);
	struct proc_relay relay = open_relay(argv, words);
	auto_fd int fd = connect_to(&relay);
	char text[64] = "";

	assert_closed(fd);
	ck_assert_int_gt(pread(words, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, "no such host");
	proc_relay_close(&relay);
}
END_TEST

/* --- 6: output --- */

START_TEST(bounds_log_and_tail)
{
	const char *argv[] = {CHILD("talks"), "300000*a", "100*z", NULL};
	AUTO(proc_result) result = {0};
	auto_str char *log_path = path_in("log");
	struct proc_spec spec = make_spec(argv);
	AUTO(buf) text = {0};
	struct err err;

	spec.log_path = log_path;
	spec.log_max_bytes = 1000;
	spec.tail_max_bytes = 200;
	run(&spec, &result);
	ck_assert(result.was_truncated);
	ck_assert_uint_eq(result.tail.length, 200);
	ck_assert_int_eq(buf_text(&result.tail)[99], 'a');
	ck_assert_int_eq(buf_text(&result.tail)[100], 'z');
	ck_assert_msg(file_read(log_path, 1 << 20, &text, &err) == 0, "%s", err.msg);
	ck_assert(text_ends(buf_text(&text), "\n[299100 more bytes were not kept]\n"));
	ck_assert_uint_lt(text.length, 1100);
}
END_TEST

START_TEST(appends_to_the_log)
{
	const char *argv[] = {CHILD("talks"), "one\n", "2:two\n", "three\n", NULL};
	auto_str char *log_path = path_in("log");
	struct proc_spec spec = make_spec(argv);
	AUTO(buf) text = {0};
	struct err err;

	spec.log_path = log_path;
	for (int i = 0; i < 2; i++) {
		AUTO(proc_result) result = {0};

		run(&spec, &result);
		ck_assert(!result.was_truncated);
		ck_assert_str_eq(buf_text(&result.tail), "one\ntwo\nthree\n");
	}
	ck_assert_int_eq(file_read(log_path, 1 << 20, &text, &err), 0);
	ck_assert_str_eq(buf_text(&text), "one\ntwo\nthree\none\ntwo\nthree\n");
}
END_TEST

/* A secret is written whole, in halves, at the edges, and beside its own beginning. */
static const struct mask_row {
	const char *pieces[5];
	const char *seen;
} mask_rows[] = {
    {{"hunter2-hunter2"}, "***"},
    {{"hunter2-", "hunter2"}, "***"},
    {{"a hunt", "er2-hunt", "er2 b\n"}, "a *** b\n"},
    {{"hunter2-hunter", "1\n"}, "hunter2-hunter1\n"},
    {{"hunter2-", "hunter2-hunter2-", "hunter2 x\n"}, "***-*** x\n"},
    {{"xx", "hunter2-hunter2hunter2-", "hunter2", "yy"}, "xx******yy"},
};

START_TEST(masks_secrets_across_reads)
{
	const struct mask_row *row = &mask_rows[_i];
	const char *argv[COUNT_OF(row->pieces) + 2] = {CHILD("talks")};
	AUTO(proc_result) result = {0};
	auto_str char *log_path = path_in("log");
	AUTO(buf) text = {0};
	struct err err;

	for (size_t i = 0; i < COUNT_OF(row->pieces); i++)
		argv[i + 1] = row->pieces[i];
	log_mask("hunter2-hunter2");
	struct proc_spec spec = make_spec(argv);
	spec.log_path = log_path;
	run(&spec, &result);
	ck_assert_msg(
	    text_is(buf_text(&result.tail), row->seen), "row %d: %s", _i, buf_text(&result.tail));
	ck_assert_int_eq(file_read(log_path, 1 << 20, &text, &err), 0);
	ck_assert_str_eq(buf_text(&text), row->seen);
	log_mask_reset();
}
END_TEST

START_TEST(keeps_machine_output_apart)
{
	const char *argv[] = {CHILD("talks"), "secret-value", "2:said\n", "!", NULL};
	AUTO(proc_result) result = {0};
	AUTO(buf) text = buf_make(100);
	struct proc_spec spec = make_spec(argv);

	log_mask("secret-value");
	spec.out_text = &text;
	run(&spec, &result);
	ck_assert_str_eq(buf_text(&text), "secret-value!");
	ck_assert_str_eq(buf_text(&result.tail), "said\n");
	log_mask_reset();
}
END_TEST

START_TEST(bounds_machine_output)
{
	const char *argv[] = {CHILD("talks"), "100000*a", NULL};
	AUTO(proc_result) result = {0};
	AUTO(buf) text = buf_make(100);
	struct proc_spec spec = make_spec(argv);

	spec.out_text = &text;
	run(&spec, &result);
	ck_assert_int_eq(result.end, PROC_EXITED);
	ck_assert(text.was_truncated);
}
END_TEST

/* --- killing a run by its environment --- */

static pid_t start_with_environment(const char *const *environment)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setsid();
		(void)execle(CHILD("lingers"), CHILD("lingers"), "/dev/null", "deaf", "stay",
		    (char *)NULL, environment);
		_exit(126);
	}
	return pid;
}

static void wait_for_exec(pid_t pid)
{
	auto_str char *path = xasprintf("/proc/%ld/cmdline", (long)pid);
	int64_t deadline_ns = clock_now() + 5 * NS_PER_S;

	while (clock_now() < deadline_ns) {
		AUTO(buf) text = {0};
		struct err err;

		if (file_read(path, 4096, &text, &err) == 0 &&
		    text_starts(buf_text(&text), CHILD("lingers")))
			return;
		(void)poll(NULL, 0, 2);
	}
	ck_abort_msg("no exec");
}

START_TEST(kills_a_run_by_its_environment)
{
	const char *const ours[] = {"A=1", RUN_ENVIRONMENT "=41-aabbcc", NULL};
	const char *const longer[] = {RUN_ENVIRONMENT "=41-aabbccd", NULL};
	const char *const other_name[] = {"X" RUN_ENVIRONMENT "=41-aabbcc", NULL};
	pid_t pids[] = {start_with_environment(ours), start_with_environment(longer),
	    start_with_environment(other_name)};
	unsigned count = 0;
	struct err err;

	for (size_t i = 0; i < COUNT_OF(pids); i++)
		wait_for_exec(pids[i]);
	ck_assert_msg(proc_kill_run("41-aabbcc", &count, &err) == 0, "%s", err.msg);
	/* The child, and its own child, unless that one was not born yet. */
	ck_assert_uint_ge(count, 1);
	ck_assert_int_eq(waitpid(pids[0], NULL, 0), pids[0]);
	ck_assert_int_eq(waitpid(pids[1], NULL, WNOHANG), 0);
	ck_assert_int_eq(waitpid(pids[2], NULL, WNOHANG), 0);
	ck_assert_int_eq(proc_end_children(&count, &err), 0);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		ck_assert(!is_alive(pids[i]));
}
END_TEST

/* --- 8: into a smaller place --- */

static int enter_or_not(const void *context)
{
	const int *wanted = context;

	if (setpriority(PRIO_PROCESS, 0, 7) < 0)
		return -1;
	errno = *wanted;
	return *wanted ? -1 : 0;
}

START_TEST(enters_before_it_is_started)
{
	static const int wanted[] = {0, ENOTBLK};
	const char *const argv[] = {"/usr/bin/nice", NULL};

	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		struct proc_spec spec = make_spec(argv);
		AUTO(proc_result) result = {0};

		spec.enter = enter_or_not;
		spec.enter_context = &wanted[i];
		run(&spec, &result);
		ck_assert_int_eq(result.end, wanted[i] ? PROC_NOT_STARTED : PROC_EXITED);
		ck_assert_int_eq(result.code, wanted[i]);
		ck_assert_str_eq(buf_text(&result.tail), wanted[i] ? "" : "7\n");
	}
}
END_TEST

/* Another user's process has forgotten whom to die with; this one sees that it was told again. */
static int forget_parent(const void *context)
{
	(void)context;
	return prctl(PR_SET_PDEATHSIG, 0);
}

START_TEST(dies_with_us_whoever_it_became)
{
	const char *const argv[] = {CHILD("describes"), NULL};
	struct proc_spec spec = make_spec(argv);
	AUTO(proc_result) result = {0};

	spec.enter = forget_parent;
	run(&spec, &result);
	ck_assert_msg(strstr(buf_text(&result.tail), " dies_by=9\n"), "%s", buf_text(&result.tail));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("proc");
	TCase *tc = tcase_create("contract");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, gives_what_is_to_be_read);
	tcase_add_test(tc, tells_exec_failure_from_exit_127);
	tcase_add_test(tc, tells_a_missing_directory);
	tcase_add_test(tc, gives_the_child_a_clean_birth);
	tcase_add_test(tc, gives_a_terminal);
	tcase_add_test(tc, lets_the_child_die_with_us);
	tcase_add_test(tc, drains_a_held_pipe_only_so_long);
	tcase_add_test(tc, ends_a_deaf_group_at_the_deadline);
	tcase_add_test(tc, stops_when_cancelled);
	tcase_add_test(tc, stops_when_the_watch_says_so);
	tcase_add_test(tc, wakes_for_the_watched_descriptor);
	tcase_add_test(tc, names_the_signal_of_a_death);
	tcase_add_test(tc, finds_who_leaves_the_group);
	tcase_add_test(tc, relays_beside_a_run);
	tcase_add_test(tc, a_relay_is_ended_with_all_others);
	tcase_add_test(tc, a_relay_serves_nobody_else);
	tcase_add_test(tc, keeps_what_a_relay_complains_of);
	tcase_add_test(tc, bounds_log_and_tail);
	tcase_add_test(tc, appends_to_the_log);
	tcase_add_loop_test(tc, masks_secrets_across_reads, 0, COUNT_OF(mask_rows));
	tcase_add_test(tc, keeps_machine_output_apart);
	tcase_add_test(tc, bounds_machine_output);
	tcase_add_test(tc, kills_a_run_by_its_environment);
	tcase_add_test(tc, enters_before_it_is_started);
	tcase_add_test(tc, dies_with_us_whoever_it_became);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
