/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/program.h"
#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;

/* A program with this text, in a fresh directory; the caller frees its path. */
static char *write_program(const char *text)
{
	auto_str char *dir = harness_dir();
	char *path = xasprintf("%s/program", dir);

	ck_assert_msg(file_write_atomic(path, 0700, text, strlen(text), &err) == 0, "%s", err.msg);
	return path;
}

/* Orphans come to us, as to a subreaper; whoever is not killed makes the test run out of time. */
static void see_all_end(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
	ck_assert_int_eq(errno, ECHILD);
}

static struct program *start(const char *path, const char *input)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct program *program = program_start(path, input, &err);

	ck_assert_msg(program != NULL, "%s", err.msg);
	return program;
}

/* Until it is over; nothing but the loop's poll waits. */
static struct program_end run(const char *path, const char *input)
{
	struct program *program = start(path, input);
	struct program_end end = {0};
	struct pollfd fds[PROGRAM_FDS];
	int64_t late_ns = clock_now() + 20 * NS_PER_S;

	while (!program_turn(program, &end)) {
		ck_assert(clock_now() < late_ns);
		program_fds(program, fds);
		ck_assert_int_ge(poll(fds, PROGRAM_FDS, 1000), 0);
	}
	program_free(program);
	see_all_end();
	return end;
}

static const struct {
	const char *script;
	enum program_how how;
	int code;
	const char *line, *text;
} rows[] = {
    {"#!/bin/sh\nexit 0\n", PROGRAM_EXITED, 0, "", "exit status 0"},
    {"#!/bin/sh\necho first; echo ' the last' >&2; exit 3\n", PROGRAM_EXITED, 3, " the last",
	"exit status 3"},
    {"#!/bin/sh\nprintf 'no newline'\n", PROGRAM_EXITED, 0, "no newline", "exit status 0"},
    {"#!/bin/sh\nprintf 'a\\n\\n\\r\\n'\n", PROGRAM_EXITED, 0, "a", "exit status 0"},
    {"#!/bin/sh\nkill -9 $$\n", PROGRAM_SIGNALLED, SIGKILL, "", "killed by SIGKILL"},
    {"#!/bin/sh\nexit 127\n", PROGRAM_EXITED, 127, "", "exit status 127"},
    {"#!/nowhere/sh\n", PROGRAM_NOT_STARTED, ENOENT, "", "cannot start: No such file or directory"},
    {"no program\n", PROGRAM_NOT_STARTED, ENOEXEC, "", "cannot start: Exec format error"},
    /* Larger than a pipe, than what is kept, than what is read at once. */
    {"#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x; echo end\n", PROGRAM_EXITED, 0, NULL,
	"exit status 0"},
    /* What it leaves behind holds the output open, and nobody waits for it. */
    {"#!/bin/sh\nsleep 60 &\necho gone\n", PROGRAM_EXITED, 0, "gone", "exit status 0"},
};

START_TEST(ends_so)
{
	auto_str char *path = write_program(rows[_i].script);
	struct program_end end = run(path, "{}");
	char text[PROGRAM_TEXT_SIZE];

	ck_assert_int_eq(end.how, rows[_i].how);
	ck_assert_int_eq(end.code, rows[_i].code);
	if (rows[_i].line)
		ck_assert_str_eq(end.last_line, rows[_i].line);
	else
		ck_assert(text_ends(end.last_line, "xxxend") &&
			  strlen(end.last_line) == PROGRAM_LINE_SIZE - 1);
	program_end_text(&end, text);
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

START_TEST(reads_all_of_its_input)
{
	auto_str char *path = write_program("#!/bin/sh\nwc -c\n");
	auto_str char *input = xcalloc(1000001, 1);

	memset(input, 'x', 1000000);
	struct program_end end = run(path, input);
	ck_assert_str_eq(end.last_line, "1000000");
}
END_TEST

/* Its place, and of our environment what it needs alone. */
START_TEST(is_born_clean)
{
	auto_str char *path = write_program("#!/bin/sh\nexec env\n");

	ck_assert_int_eq(setenv("GITEA_TOKEN", "the token", 1), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/run/credentials", 1), 0);
	ck_assert_int_eq(setenv("PATH", "/usr/bin:/bin", 1), 0);
	for (const char *const *name = (const char *const[]){"HOME", "USER", "LOGNAME", "LANG",
		 "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", NULL};
	     *name; name++)
		ck_assert_int_eq(unsetenv(*name), 0);
	struct program_end end = run("/usr/bin/env", "{}");
	ck_assert_str_eq(end.last_line, "PATH=/usr/bin:/bin");
	ck_assert_int_eq(unsetenv("PATH"), 0);
	end = run("/usr/bin/env", "{}");
	ck_assert_str_eq(end.last_line, "PATH=/usr/local/bin:/usr/bin:/bin");
	auto_str char *child = xasprintf("%s/child_describes", TEST_CHILD_DIR);
	end = run(child, "");
	ck_assert_str_eq(end.last_line,
	    "leads=1 blocked=0 handled=0 fds=3 stdin=0 directory=/ variables=1 dies_by=9");
}
END_TEST

static int64_t shown_ns;

static int64_t show(void *context)
{
	(void)context;
	return shown_ns;
}

/* With whom it has started, who holds the output. */
START_TEST(is_killed_when_its_time_is_over)
{
	const struct clock_source source = {.monotonic_ns = show};
	struct program_end end;
	char text[PROGRAM_TEXT_SIZE];
	auto_str char *path = write_program(
	    "#!/bin/sh\nsleep 60 &\ntrap '' TERM INT HUP\necho here\nwait\nsleep 60\n");

	shown_ns = clock_now();
	clock_set_source(&source);
	struct program *program = start(path, "{}");
	ck_assert_int_eq(program_due_ns(program), shown_ns + PROGRAM_MOST_MS * NS_PER_MS);
	struct pollfd fds[PROGRAM_FDS];
	program_fds(program, fds);
	ck_assert_int_eq(poll(fds + 1, 1, 10000), 1);
	ck_assert(!program_turn(program, &end));
	shown_ns += PROGRAM_MOST_MS * NS_PER_MS - 1;
	ck_assert(!program_turn(program, &end));
	shown_ns++;
	ck_assert(program_turn(program, &end));
	ck_assert_int_eq(end.how, PROGRAM_TIMED_OUT);
	ck_assert_str_eq(end.last_line, "here");
	see_all_end();
	program_end_text(&end, text);
	ck_assert_str_eq(text, "killed after 30 s");
	program_free(program);
	clock_set_source(NULL);
}
END_TEST

START_TEST(is_ended_when_it_is_freed)
{
	auto_str char *path = write_program("#!/bin/sh\necho $$\nsleep 60\n");
	struct program *program = start(path, "{}");
	struct pollfd fds[PROGRAM_FDS];

	program_fds(program, fds);
	ck_assert_int_eq(poll(fds + 1, 1, 10000), 1);
	program_free(program);
	program_free(start(path, "{}")); /* in the middle of its birth */
	see_all_end();
	program_free(NULL);
	program_fds(NULL, fds);
	ck_assert(fds[0].fd == -1 && fds[1].fd == -1);
}
END_TEST

START_TEST(says_before_what_is_wrong)
{
	auto_str char *path = write_program("#!/bin/sh\n");

	ck_assert_ptr_null(program_check(path));
	ck_assert_str_eq(program_check("/nowhere/program"), "No such file or directory");
	ck_assert_str_eq(program_check("/tmp"), "it is no file");
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_str_eq(program_check(path), "Permission denied");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("program");
	TCase *tests = tcase_create("program");

	tcase_add_loop_test(tests, ends_so, 0, COUNT_OF(rows));
	tcase_add_test(tests, reads_all_of_its_input);
	tcase_add_test(tests, is_born_clean);
	tcase_add_test(tests, is_killed_when_its_time_is_over);
	tcase_add_test(tests, is_ended_when_it_is_freed);
	tcase_add_test(tests, says_before_what_is_wrong);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
