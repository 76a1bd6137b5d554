/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a browser left no picture: browser_explain(). Pages that it is shown are in
 * tests/flow/test_browser.py. */
#include <check.h>

#include "harness.h"

#include "runner-plugin/checks/browser.h"

#define LINE "[1126/174259:ERROR:headless_command_handler.cc:403] Page load failed: net::"

static const struct row {
	enum proc_end end;
	int code;
	const char *tail;
	enum err_code err;
	const char *says;
} rows[] = {
    {PROC_TIMED_OUT, 0, "", ERR_TIMEOUT, "the page does not come to rest"},
    {PROC_TIMED_OUT, 0, LINE "ERR_ABORTED\n", ERR_TIMEOUT, "the page does not come to rest"},
    {PROC_CANCELLED, 0, "", ERR_PROTOCOL, "cancelled"},
    {PROC_EXITED, 1, LINE "ERR_INTERNET_DISCONNECTED\n", ERR_PROTOCOL,
	"the page leads away from the app"},
    {PROC_EXITED, 1, "x\n" LINE "ERR_ABORTED\nmore\n", ERR_PROTOCOL,
	"what is there is no page, but something to download or nothing"},
    {PROC_EXITED, 1, LINE "ERR_CONNECTION_CLOSED\n", ERR_PROTOCOL,
	"the page did not load: ERR_CONNECTION_CLOSED"},
    {PROC_EXITED, 1, LINE "ERR_ABORTED_TWICE", ERR_PROTOCOL,
	"the page did not load: ERR_ABORTED_TWICE"},
    {PROC_EXITED, 1, LINE "ERR_\x1b[2Jx\n", ERR_PROTOCOL, "the page did not load: ERR_"},
    {PROC_EXITED, 1, LINE "\x1b[2Jx\n", ERR_PROTOCOL,
	"the browser ended before its time: exit status 1"},
    {PROC_EXITED, 1,
	LINE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	ERR_PROTOCOL, "the browser ended before its time: exit status 1"},
    {PROC_EXITED, 137, "", ERR_PROTOCOL, "the browser ended before its time: exit status 137"},
    {PROC_EXITED, 0, "", ERR_PROTOCOL, "the page broke down: a crash, or too much memory"},
};

START_TEST(says_why)
{
	const struct row *row = &rows[_i];
	AUTO(proc_result) ended = {.end = row->end, .code = row->code, .tail = buf_make(4096)};
	struct err err;

	(void)buf_add_text(&ended.tail, row->tail);
	ck_assert_int_eq(browser_explain(&ended, &err), -1);
	ck_assert_int_eq(err.code, row->err);
	ck_assert_str_eq(err.msg, row->says);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("browser");
	TCase *tc = tcase_create("browser");

	tcase_add_loop_test(tc, says_why, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
