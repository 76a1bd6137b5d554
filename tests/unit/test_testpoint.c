/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/err.h"
#include "common/file.h"
#include "common/testpoint.h"

#include <sys/wait.h>

/* Passes points in a child with the environment given; says how many it came past. */
static const struct kill_row {
	const char *kill;
	int ended_by;
	const char *trace;
} rows[] = {
    {NULL, 0, "one\none.more\ntwo\none\n"},
    {"", 0, "one\none.more\ntwo\none\n"},
    {"one", SIGKILL, "one\n"},
    {"one.more", SIGKILL, "one\none.more\n"},
    {"two", SIGKILL, "one\none.more\ntwo\n"},
    {"one@2", SIGKILL, "one\none.more\ntwo\none\n"},
    {"one@3", 0, "one\none.more\ntwo\none\n"},
    {"one@x", 0, "one\none.more\ntwo\none\n"},
    {"on", 0, "one\none.more\ntwo\none\n"},
};

static void pass_all(void)
{
	TEST_POINT("one");
	TEST_POINT("one.more");
	TEST_POINT("two");
	TEST_POINT("one");
}

START_TEST(kills_at_row)
{
	const struct kill_row *row = &rows[_i];
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/trace", dir);
	AUTO(buf) trace = {0};
	struct err err;
	int status = 0;

	pid_t child = fork();
	if (child == 0) {
		if (setenv("CCCI_TEST_TRACE", path, 1) != 0 ||
		    (row->kill && setenv("CCCI_TEST_KILL", row->kill, 1) != 0))
			_exit(1);
		pass_all();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg((WIFSIGNALED(status) ? WTERMSIG(status) : 0) == row->ended_by,
	    "row %d: status %d", _i, status);
	ck_assert_int_eq(file_read(path, 1000, &trace, &err), 0);
	ck_assert_msg(text_is(buf_text(&trace), row->trace), "row %d: %s", _i, buf_text(&trace));
}
END_TEST

START_TEST(without_environment_nothing_happens)
{
	ck_assert_int_eq(unsetenv("CCCI_TEST_KILL"), 0);
	ck_assert_int_eq(unsetenv("CCCI_TEST_TRACE"), 0);
	pass_all();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("testpoint");
	TCase *tc = tcase_create("testpoint");

	suite_add_tcase(suite, tc);
#ifdef CCCI_TEST_POINTS
	tcase_add_loop_test(tc, kills_at_row, 0, COUNT_OF(rows));
#else
	(void)kills_at_row;
	(void)rows;
#endif
	tcase_add_test(tc, without_environment_nothing_happens);
	return suite;
}

TEST_MAIN(make_suite)
