/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/systemd.h"
#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;

/* systemd's end of NOTIFY_SOCKET. name: as the variable says it. */
static int listen_as(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

/* "" when nothing was told. */
static const char *told(int fd)
{
	static char text[SYSTEMD_TEXT_MAX + 1];
	ssize_t length = recv(fd, text, sizeof(text) - 1, 0);

	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static void check_telling(const char *name)
{
	auto_fd int fd = listen_as(name);
	struct systemd systemd;
	int64_t usec = 0;

	ck_assert_msg(systemd_open(&systemd, &err) == 0, "%s", err.msg);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert(systemd_tell(&systemd, "READY=1\nSTATUS=well"));
	ck_assert_str_eq(told(fd), "READY=1\nSTATUS=well");
	ck_assert(systemd_tell_reloading(&systemd));
	const char *text = told(fd);
	ck_assert(text_starts(text, "RELOADING=1\nMONOTONIC_USEC="));
	ck_assert(parse_int64(strrchr(text, '=') + 1, 1, INT64_MAX, &usec));
	ck_assert_int_le(clock_now() / 1000 - usec, 5000000);
	ck_assert_int_eq(systemd_turn(&systemd), INT64_MAX);
	ck_assert_str_eq(told(fd), "");
	systemd_close(&systemd);
}

START_TEST(tells_by_path)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/notify", dir);

	check_telling(path);
}
END_TEST

START_TEST(tells_by_abstract_name)
{
	auto_str char *name = xasprintf("@ccci-test-%d", getpid());

	check_telling(name);
}
END_TEST

START_TEST(without_systemd_nothing_happens)
{
	struct systemd systemd;

	(void)unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(systemd_open(&systemd, &err), 0);
	ck_assert(systemd_tell(&systemd, "READY=1"));
	ck_assert_int_eq(systemd_turn(&systemd), INT64_MAX);
	systemd_close(&systemd);
}
END_TEST

/* A full queue, a restarted systemd: it is said that nobody heard, and nobody waits. */
START_TEST(what_is_not_taken_is_said)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/notify", dir);
	auto_fd int fd = listen_as(path);
	struct systemd systemd;
	size_t count = 0;

	ck_assert_int_eq(systemd_open(&systemd, &err), 0);
	while (systemd_tell(&systemd, "STATUS=again"))
		ck_assert_uint_lt(++count, 100000);
	close_fd(&fd);
	ck_assert(!systemd_tell(&systemd, "READY=1"));
	systemd_close(&systemd);
}
END_TEST

static int64_t fake_now_ns;

static int64_t fake_monotonic(void *context)
{
	(void)context;
	return fake_now_ns;
}

static int64_t fake_wall(void *context)
{
	(void)context;
	return 0;
}

START_TEST(the_watchdog_hears_of_turns_alone)
{
	const struct clock_source source = {fake_monotonic, fake_wall, NULL};
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/notify", dir);
	auto_fd int fd = listen_as(path);
	auto_str char *pid = xasprintf("%d", getpid());
	struct systemd systemd;

	ck_assert_int_eq(setenv("WATCHDOG_USEC", "10000000", 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	ck_assert_int_eq(systemd_open(&systemd, &err), 0);
	fake_now_ns = 100 * NS_PER_S;
	clock_set_source(&source);
	ck_assert_int_eq(systemd_turn(&systemd), 105 * NS_PER_S);
	ck_assert_str_eq(told(fd), "WATCHDOG=1");
	fake_now_ns += 4 * NS_PER_S;
	ck_assert_int_eq(systemd_turn(&systemd), 105 * NS_PER_S);
	ck_assert_str_eq(told(fd), "");
	fake_now_ns += NS_PER_S;
	ck_assert_int_eq(systemd_turn(&systemd), 110 * NS_PER_S);
	ck_assert_str_eq(told(fd), "WATCHDOG=1");
	clock_set_source(NULL);
	systemd_close(&systemd);
}
END_TEST

static const struct bad_row {
	const char *socket, *usec, *pid, *says; /* NULL: not set; says NULL: it is right */
	bool is_watched;
} bad[] = {
    {"/run/x", "1000000", NULL, NULL, true},
    {"/run/x", "1000000", "1", NULL, false}, /* somebody else's */
    {"/run/x", NULL, NULL, NULL, false},
    {"/run/x", "0", NULL, "WATCHDOG_USEC \"0\"", false},
    {"/run/x", "soon", NULL, "WATCHDOG_USEC \"soon\"", false},
    {"/run/x", "99999999999999999", NULL, "WATCHDOG_USEC", false},
    {"run/x", NULL, NULL, "neither a path nor", false},
    {"@", NULL, NULL, "neither a path nor", false},
    {"vsock:2:1234", NULL, NULL, "neither a path nor", false},
    {"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "a"
     "aaaaaaaaaaaaaaaaaaaaaaaaa",
	NULL, NULL, "longer than", false},
};

static void set(const char *name, const char *value)
{
	ck_assert_int_eq(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

START_TEST(reads_the_environment)
{
	const struct bad_row *row = &bad[_i];
	struct systemd systemd = {0};

	set("NOTIFY_SOCKET", row->socket);
	set("WATCHDOG_USEC", row->usec);
	set("WATCHDOG_PID", row->pid);
	if (!row->says) {
		ck_assert_msg(systemd_open(&systemd, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(systemd.watchdog_every_ns > 0, row->is_watched);
		systemd_close(&systemd);
		return;
	}
	ck_assert_int_eq(systemd_open(&systemd, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->says) != NULL, "%s", err.msg);
	ck_assert_int_eq(systemd.fd, 0);
}
END_TEST

/* --- sockets --- */

enum passed {
	PASSED_LISTENS,
	PASSED_LISTENS_6,
	PASSED_BOUND,
	PASSED_DATAGRAM,
	PASSED_UNIX,
	PASSED_FILE
};

static int make(enum passed kind)
{
	struct sockaddr_in local = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 local6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = -1;

	switch (kind) {
	case PASSED_LISTENS_6:
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd, (const struct sockaddr *)&local6, sizeof(local6)), 0);
		ck_assert_int_eq(listen(fd, 1), 0);
		return fd;
	case PASSED_DATAGRAM:
		return socket(AF_INET, SOCK_DGRAM, 0);
	case PASSED_UNIX:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case PASSED_FILE:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case PASSED_LISTENS:
	case PASSED_BOUND:
		break;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&local, sizeof(local)), 0);
	if (kind == PASSED_LISTENS)
		ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static const struct socket_row {
	const char *count; /* LISTEN_FDS; NULL: not set */
	bool is_for_other; /* LISTEN_PID is another's */
	enum passed kind;  /* of descriptor 3 */
	bool is_taken;
	const char *says; /* NULL: no error */
} sockets[] = {
    {NULL, false, PASSED_LISTENS, false, NULL},
    {"0", false, PASSED_LISTENS, false, NULL},
    {"1", true, PASSED_LISTENS, false, NULL},
    {"1", false, PASSED_LISTENS, true, NULL},
    {"1", false, PASSED_LISTENS_6, true, NULL},
    {"1", false, PASSED_BOUND, false, "\"web\", which is not a TCP socket that listens"},
    {"1", false, PASSED_DATAGRAM, false, "not a TCP socket that listens"},
    {"1", false, PASSED_UNIX, false, "not a TCP socket that listens"},
    {"1", false, PASSED_FILE, false, "not a TCP socket that listens"},
    {"2", false, PASSED_LISTENS, false, "passes 2 sockets (web), one is wanted"},
    {"3", false, PASSED_LISTENS, false, "descriptor 5 is not open"},
    {"-1", false, PASSED_LISTENS, false, "LISTEN_FDS \"-1\""},
    {"many", false, PASSED_LISTENS, false, "LISTEN_FDS \"many\""},
};

struct answer {
	int result, taken;
	bool is_set_up; /* close-on-exec, does not block, the environment is cleared */
	struct err err;
};

/* In a process of its own: descriptor 3 is Check's, and so no assertion may be made any more. */
static void take_in_child(const struct socket_row *row, int answer_fd)
{
	auto_str char *pid = xasprintf("%d", row->is_for_other ? 1 : getpid());
	struct answer answer = {.taken = -1};
	int fd = make(row->kind);

	if (dup2(answer_fd, 21) != 21 || dup2(fd, 20) != 20 || dup2(20, 3) != 3 || dup2(20, 4) != 4)
		_exit(1);
	(void)close(5);
	if (setenv("LISTEN_PID", pid, 1) != 0 || setenv("LISTEN_FDNAMES", "web", 1) != 0 ||
	    (row->count && setenv("LISTEN_FDS", row->count, 1) != 0))
		_exit(1);
	answer.result = systemd_take_socket(&answer.taken, &answer.err);
	answer.is_set_up = (fcntl(3, F_GETFD) & FD_CLOEXEC) && (fcntl(3, F_GETFL) & O_NONBLOCK) &&
			   !getenv("LISTEN_FDS");
	_exit(write(21, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

START_TEST(takes_one_socket_that_listens)
{
	const struct socket_row *row = &sockets[_i];
	struct answer answer = {0};
	int ends[2];
	int status = 0;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0)
		take_in_child(row, ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(ends[0], &answer, sizeof(answer)), (ssize_t)sizeof(answer));
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (row->says) {
		ck_assert_int_eq(answer.result, -1);
		ck_assert_int_eq(answer.err.code, ERR_CONFIG);
		ck_assert_msg(strstr(answer.err.msg, row->says) != NULL, "%s", answer.err.msg);
		return;
	}
	ck_assert_msg(answer.result == 0, "%s", answer.err.msg);
	ck_assert_int_eq(answer.taken, row->is_taken ? 3 : 0);
	ck_assert(answer.is_set_up || !row->is_taken);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("systemd");
	TCase *tests = tcase_create("systemd");

	tcase_add_test(tests, tells_by_path);
	tcase_add_test(tests, tells_by_abstract_name);
	tcase_add_test(tests, without_systemd_nothing_happens);
	tcase_add_test(tests, what_is_not_taken_is_said);
	tcase_add_test(tests, the_watchdog_hears_of_turns_alone);
	tcase_add_loop_test(tests, reads_the_environment, 0, COUNT_OF(bad));
	tcase_add_loop_test(tests, takes_one_socket_that_listens, 0, COUNT_OF(sockets));
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
