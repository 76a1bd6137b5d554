/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "common/clock.h"
#include "runner-plugin/run/live.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

static const struct for_now_row {
	const char *line;
	const char *doing; /* NULL: it stays */
} for_now_rows[] = {
    {"install: waits for service app to start (2 s) ...", "waits for service app to start"},
    {"install: waits for GET /: answers (502), not 200 (1 min 2 s) ...",
	"waits for GET /: answers (502), not 200"},
    {"install: abra app deploy 01234567 ...", "abra app deploy 01234567"},
    {"prepare: pulling nginx:1 as (me) ...", "pulling nginx:1 as"},
    {"prepare: (x) ...", "(x)"},
    {"install: passed (5 s)", NULL},
    {"install: failed: waits for ever", NULL},
    {"  | what a service says ...", NULL},
    {"install: ...", NULL},
    {"install:  ...", ""},
    {"...", NULL},
    {"", NULL},
};

START_TEST(tells_what_stays)
{
	const struct for_now_row *row = &for_now_rows[_i];
	char doing[LIVE_LINE_MAX] = "untouched";

	ck_assert_int_eq(live_is_for_now(row->line, doing), row->doing != NULL);
	ck_assert_str_eq(doing, row->doing ? row->doing : "untouched");
}
END_TEST

static const struct format_row {
	const char *word, *doing;
	int64_t elapsed_ms;
	size_t columns;
	const char *line;
} format_rows[] = {
    {"install", "waits for service app", 9100, 79, "install          9 s  waits for service app"},
    {"recreate", "", 0, 79, "recreate         0 s"},
    {"prepare", "pulling x", 605000, 79, "prepare   10 min 5 s  pulling x"},
    /* a narrow terminal */
    {"install", "waits for service app", 9100, 25, "install          9 s  wai"},
    {"install", "waits for service app", 9100, 5, "insta"},
    {"install", "waits for service app", 9100, 1, "i"},
    /* characters are counted, not bytes, and none is cut in two */
    {"install", "gr\xc3\xbc\xc3\x9f Gott", 0, 25, "install          0 s  gr\xc3\xbc"},
    {"install", "gr\xc3\xbc\xc3\x9f", 0, 26, "install          0 s  gr\xc3\xbc\xc3\x9f"},
    /* what a recipe is called moves no cursor */
    {"install",
	"a\x1b[2Jb\rc\xc2\x9b"
	"d\ne",
	0, 79, "install          0 s  a?[2Jb?c?d?e"},
};

START_TEST(formats_row)
{
	const struct format_row *row = &format_rows[_i];
	struct live live = LIVE_OFF;
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	(void)snprintf(live.word, sizeof(live.word), "%s", row->word);
	(void)snprintf(live.doing, sizeof(live.doing), "%s", row->doing);
	live_format(&live, row->elapsed_ms, row->columns, &out);
	ck_assert_str_eq(buf_text(&out), row->line);
}
END_TEST

/* Without a terminal nothing is opened, drawn or erased. */
START_TEST(is_off_without_a_terminal)
{
	static const char *const environ[] = {"TERM=xterm", NULL};
	int fds[2];
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	int saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	struct live live;
	live_open(&live, environ);
	live_begin(&live, "install");
	live_read(&live);
	live_draw(&live);
	live_clear(&live);
	live_end(&live);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	ck_assert_int_eq(live.read_fd, -1);
	ck_assert_int_eq(read(fds[0], &byte, 1), -1);
	ck_assert_uint_eq(live_columns(fds[0]), 0);
	live_release(&live);
	(void)close(saved);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

/* --- on a terminal --- */

static int open_terminal(int *out_slave, unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	ck_assert_int_eq(ptsname_r(master, name, sizeof(name)), 0);
	*out_slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(ioctl(*out_slave, TIOCSWINSZ, &size), 0);
	return master;
}

static int64_t at_seven(void *context)
{
	(void)context;
	return 7 * NS_PER_S;
}

/* The kernel hands over what was written to a terminal in its own time, and in parts. */
static void read_terminal(int master, size_t wanted, char *out, size_t size)
{
	size_t length = 0;

	while (length < wanted && length < size - 1) {
		struct pollfd ready = {.fd = master, .events = POLLIN};

		ck_assert_msg(poll(&ready, 1, 10000) == 1, "nothing more behind %zu bytes", length);
		ssize_t count = read(master, out + length, size - 1 - length);

		ck_assert_int_gt(count, 0);
		length += (size_t)count;
	}
	out[length] = '\0';
}

START_TEST(keeps_one_line)
{
	static const char wanted[] =
	    "\r\033[Kinstall          5 s  waits for x\r\033[Kinstall: pas?sed\r\n"
	    "\r\033[K";
	static const struct clock_source source = {.monotonic_ns = at_seven};
	static const char *const environ[] = {"TERM=xterm", NULL};
	static const char *const dumb[] = {"TERM=dumb", NULL};
	static const char *const none[] = {NULL};
	static const char lines[] = "install: abra app deploy ...\n"
				    "install: waits for x (1 s) ...\ninstall: pas\x1bsed\n";
	char seen[1000] = "";
	struct live live;
	int slave;
	int master = open_terminal(&slave, 40);
	int saved = dup(STDERR_FILENO);

	ck_assert_int_ge(dup2(slave, STDERR_FILENO), 0);
	live_open(&live, dumb);
	ck_assert_int_eq(live.read_fd, -1);
	live_open(&live, none);
	ck_assert_int_eq(live.read_fd, -1);
	live_open(&live, environ);
	bool is_on = live.read_fd >= 0;
	clock_set_source(&source);
	live_begin(&live, "install");
	live.since_ns -= 5 * NS_PER_S;
	ck_assert_int_eq(write(live.write_fd, lines, 29 + 31), 29 + 31);
	live_read(&live);
	live_draw(&live);
	ck_assert_int_eq(write(live.write_fd, lines + 60, sizeof(lines) - 61), sizeof(lines) - 61);
	live_read(&live);
	live_end(&live);
	live_draw(&live);
	size_t columns = live_columns(STDERR_FILENO);
	live_release(&live);
	clock_set_source(NULL);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	ck_assert(is_on);
	ck_assert_uint_eq(columns, 40);
	read_terminal(master, strlen(wanted), seen, sizeof(seen));
	ck_assert_str_eq(seen, wanted);
	(void)close(saved);
	(void)close(slave);
	(void)close(master);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("live");
	TCase *tc = tcase_create("live");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, tells_what_stays, 0, COUNT_OF(for_now_rows));
	tcase_add_loop_test(tc, formats_row, 0, COUNT_OF(format_rows));
	tcase_add_test(tc, is_off_without_a_terminal);
	tcase_add_test(tc, keeps_one_line);
	return suite;
}

TEST_MAIN(make_suite)
