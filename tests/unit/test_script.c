/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What executables of a suite say by exit status, last line and TAP: tap.h and script.h. */
#include <check.h>

#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/checks/script.h"
#include "runner-plugin/run/prepared.h"

#include <fcntl.h>
#include <sys/stat.h>

/* --- TAP --- */

static const struct {
	const char *text;
	bool is_tap;
	const char *tests; /* "name=outcome:reason" of each, one a line */
	const char *bailed;
} tap_rows[] = {
    {"", false, "", NULL},
    {"ok then\nall fine\n", false, "", NULL},
    {"ok\nnot ok\n", false, "", NULL},
    {"1..2\nok 1 - logs in\nok 2 shows pages\n", true, "logs in=pass:\nshows pages=pass:\n", NULL},
    {"ok 1 - a\nnot ok 2 - b\n1..2\n", true, "a=pass:\nb=fail:\n", NULL},
    {"TAP version 13\nok\nok\n", true, "test 1=pass:\ntest 2=pass:\n", NULL},
    {"1..1\r\nok 1 - a\r\n", true, "a=pass:\n", NULL},
    {"1..1\nnot ok 1 - a\n# got 500\n# more\n", true, "a=fail:got 500\n", NULL},
    {"1..2\nok 1 - a\n# chatter\nok 2 - b\n", true, "a=pass:\nb=pass:\n", NULL},
    {"1..1\nok 1 - a # SKIP no browser\n", true, "a=not_run:no browser\n", NULL},
    {"1..1\nok 1 - a ## SKIP why\n", true, "a #=not_run:why\n", NULL},
    {"1..1\nok 1 - a # skip\n", true, "a=not_run:skipped\n", NULL},
    {"1..1\nnot ok 1 - a # TODO upstream bug 7\n", true, "a=not_run:upstream bug 7\n", NULL},
    {"1..1\nok 1 - a # TODO upstream\n", true, "a=pass:\n", NULL},
    {"1..1\nnot ok 1 - a # TODO\n", true, "a=not_run:known to fail\n", NULL},
    {"1..1\n# before the first\nnot ok 1 - a\n#\n# got 500\n", true, "a=fail:got 500\n", NULL},
    {"1..0 # SKIP no docker\n1..7\n", true, "", NULL},
    {"1..1\nBail out!\n", true, "test 1=fail:planned, but it did not run\n", "bailed out"},
    {"1..1\nok 1 # SKIP why\n", true, "test 1=not_run:why\n", NULL},
    {"1..3\nok 1 - a\n", true, "a=pass:\ntests 2 to 3=fail:planned, but they did not run\n", NULL},
    {"1..2\nok 1 - a\n", true, "a=pass:\ntest 2=fail:planned, but it did not run\n", NULL},
    {"1..0 # SKIP no docker\n", true, "", NULL},
    {"1..0\n", true, "", NULL},
    {"1..2\nok 1 - a\nBail out! no database\n", true,
	"a=pass:\ntest 2=fail:planned, but it did not run\n", "bailed out: no database"},
    {"1..x\n", false, "", NULL},
    {"1..2 files\n", false, "", NULL},
    {"1..99999999999\n", false, "", NULL},
    {"1..1\nokay 1\nok 1 - a\n", true, "a=pass:\n", NULL},
    {"1..1\n1..7\nok 1 - a\n", true, "a=pass:\n", NULL},
};

START_TEST(reads_tap)
{
	AUTO(tap) tap = {0};
	AUTO(buf) seen = buf_make(4096);

	tap_read(tap_rows[_i].text, strlen(tap_rows[_i].text), &tap);
	for (size_t i = 0; i < tap.count; i++)
		(void)buf_printf(&seen, "%s=%s:%s\n", tap.tests[i].name,
		    outcome_word(tap.tests[i].outcome), tap.tests[i].reason);
	ck_assert_msg(tap.is_tap == tap_rows[_i].is_tap, "row %d", _i);
	ck_assert_str_eq(buf_text(&seen), tap_rows[_i].tests);
	if (tap_rows[_i].bailed)
		ck_assert_str_eq(tap.bailed, tap_rows[_i].bailed);
	else
		ck_assert_ptr_null(tap.bailed);
}
END_TEST

START_TEST(counts_what_it_does_not_keep)
{
	AUTO(buf) text = buf_make(64 * 1024);
	AUTO(tap) tap = {0};

	(void)buf_printf(&text, "1..%d\n", TAP_TESTS_MAX + 3);
	for (int i = 0; i < TAP_TESTS_MAX + 3; i++)
		(void)buf_printf(
		    &text, "%s %d - t\n", i + 1 < TAP_TESTS_MAX ? "ok" : "not ok", i + 1);
	/* This is said of the last, which is not kept: not of the last that is. */
	(void)buf_add_text(&text, "# got 500\n");
	tap_read(buf_text(&text), text.length, &tap);
	ck_assert_uint_eq(tap.count, TAP_TESTS_MAX);
	ck_assert_uint_eq(tap.dropped, 3);
	ck_assert_int_eq(tap.tests[TAP_TESTS_MAX - 1].outcome, OUTCOME_FAIL);
	ck_assert_str_eq(tap.tests[TAP_TESTS_MAX - 1].reason, "");
}
END_TEST

/* Of the thousandth test nobody keeps the name; that it failed counts all the same. */
START_TEST(a_failure_beyond_what_is_kept_counts)
{
	AUTO(buf) text = buf_make(64 * 1024);
	AUTO(script_result) result = {0};

	(void)buf_printf(&text, "1..%d\n", TAP_TESTS_MAX + 3);
	for (int i = 0; i < TAP_TESTS_MAX + 3; i++)
		(void)buf_printf(&text, "%sok %d - t\n", i > TAP_TESTS_MAX ? "not " : "", i + 1);
	script_judge(0, buf_text(&text), text.length, &result);
	ck_assert_int_eq(result.outcome, OUTCOME_FAIL);
	ck_assert_str_eq(result.reason, "2 tests beyond the first 200 failed");
}
END_TEST

/* --- exit status and last line --- */

static const struct {
	int exit_status;
	const char *said;
	enum outcome outcome;
	const char *reason;
} ends[] = {
    {0, "", OUTCOME_PASS, ""},
    {0, "all is well\n", OUTCOME_PASS, ""},
    {1, "", OUTCOME_FAIL, "exit status 1"},
    {1, "looking\nno such account\n\n", OUTCOME_FAIL, "no such account"},
    {2, "usage: x\n", OUTCOME_FAIL, "exit status 2: usage: x"},
    {127, "", OUTCOME_FAIL, "exit status 127"},
    {77, "no mail server here\n", OUTCOME_NOT_RUN, "no mail server here"},
    {77, "", OUTCOME_NOT_RUN, "it does not say why"},
    {77, "1..1\nnot ok 1 - a\n# SKIP\nskipped\n", OUTCOME_NOT_RUN, "skipped"},
    {0, "1..1\nok 1 - a\n", OUTCOME_PASS, ""},
    {0, "1..1\nnot ok 1 - a\n# got 500\n", OUTCOME_FAIL, "a: got 500"},
    {1, "1..2\nnot ok 1 - a\nnot ok 2 - b\n", OUTCOME_FAIL, "a (and 1 more)"},
    {3, "1..1\nok 1 - a\n", OUTCOME_FAIL, "exit status 3, though no test of its TAP failed"},
    {0, "1..0 # SKIP no browser\n", OUTCOME_NOT_RUN, "no browser"},
    {0, "1..0\n", OUTCOME_NOT_RUN, "its TAP has no test"},
    {0, "1..1\nok 1 - a # SKIP why\n", OUTCOME_NOT_RUN, "why"},
    {0, "1..2\nok 1 - a\nok 2 - b # SKIP why\n", OUTCOME_PASS, ""},
    {0, "1..1\nok 1 - a\nBail out! gone\n", OUTCOME_FAIL, "bailed out: gone"},
};

START_TEST(judges_an_end)
{
	AUTO(script_result) result = {0};

	script_judge(ends[_i].exit_status, ends[_i].said, strlen(ends[_i].said), &result);
	ck_assert_int_eq(result.outcome, ends[_i].outcome);
	ck_assert_str_eq(result.reason, ends[_i].reason);
}
END_TEST

START_TEST(cuts_a_reason_between_characters)
{
	AUTO(buf) said = buf_make(4096);
	AUTO(script_result) result = {0};

	(void)buf_add_char(&said, 'x');
	for (int i = 0; i < 300; i++)
		(void)buf_add_text(&said, "ä");
	script_judge(1, buf_text(&said), said.length, &result);
	ck_assert_uint_eq(strlen(result.reason), SCRIPT_REASON_SIZE - 1);
	ck_assert_str_eq(result.reason + SCRIPT_REASON_SIZE - 3, "ä");
}
END_TEST

/* --- what a terminal would obey --- */

static const struct {
	const char *said, *clean;
} cleaned[] = {
    {"", ""},
    {"plain\ttext\n\xc3\xa4\n", "plain\ttext\n\xc3\xa4\n"},
    {"\x1b[31mred\x1b[0m", "red"},
    {"\x1b[2J\x1b[1;1Hok", "ok"},
    {"a\x1b[38;5;196mb", "ab"},
    {"\x1b]0;title\aok", "ok"},
    {"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"},
    {"\x1bPq#0\x1b\\ok", "ok"},
    {"\x1b(Bok", "ok"},
    {"\x1b#8ok", "ok"},
    {"\x1b"
     "c"
     "ok",
	"ok"},
    {"\x1b", ""},
    {"\x1b[", ""},
    {"\x1b[31", ""},
    {"\x1b]0;never ends", ""},
    {"\x1b]0;never ends\nnot ok 1\n", "\nnot ok 1\n"}, /* no line is hidden */
    {"\x1b[31\nnot ok 1\n", "\nnot ok 1\n"},
    {"\x1b\nnot ok 1\n", "\nnot ok 1\n"},
    {"\x1b\x1b[31mred", "red"},
    {"10%\r50%\rdone\n", "10%\n50%\ndone\n"},
    {"a\r\nb\r\n", "a\nb\n"},
    {"a\b\x7f\v\f\x01z", "az"},
    {"x\xc2\x1b[m\x9b\xc2\x01\x85y", "xy"}, /* what stands around a sequence can be one */
    {"\xc2\x9b"
     "31m\xc2\xa0",
	"31m\xc2\xa0"},
};

START_TEST(leaves_out_what_a_terminal_obeys)
{
	AUTO(buf) clean = buf_make(4096);

	script_clean(cleaned[_i].said, strlen(cleaned[_i].said), &clean);
	ck_assert_str_eq(buf_text(&clean), cleaned[_i].clean);
}
END_TEST

/* A NUL would end the text for whoever reads on. */
START_TEST(leaves_out_a_nul)
{
	static const char said[] = "ok 1\0\nnot ok 2\x1b\0\nend";
	AUTO(buf) clean = buf_make(4096);

	script_clean(said, sizeof(said) - 1, &clean);
	ck_assert_str_eq(buf_text(&clean), "ok 1\nnot ok 2\nend");
}
END_TEST

/* --- a real one --- */

static char *directory;

static void write_program(const char *text, mode_t mode)
{
	auto_str char *suite = xasprintf("%s/suite", directory);
	auto_str char *path = xasprintf("%s/check", suite);
	auto_str char *log = xasprintf("%s/log", directory);
	struct err err;

	ck_assert_msg(file_make_dirs(suite, 0700, &err) == 0 &&
			  file_make_dirs(log, 0700, &err) == 0 &&
			  file_write_atomic(path, mode, text, strlen(text), &err) == 0,
	    "%s", err.msg);
}

static int run_program(struct script_result *out, struct err *err)
{
	static char host[] = "unix:///run/x.sock";
	static char connect[] = "127.0.0.1:443";
	const char *const environ[] = {"PATH=/usr/bin:/bin", "GIT_TOKEN=do-not-tell", NULL};
	static char zone[] = "ci.test";
	static char certificates[] = "/etc/ccci/engine";
	const struct settings settings = {.docker_host = host,
	    .docker_cert_path = certificates,
	    .probe_connect = connect,
	    .zone = zone};
	struct run run = {.id = "local-abcdef", .domain = "app.ci.test", .stack = "app_ci_test"};
	const struct stages_work work = {.settings = &settings,
	    .run = &run,
	    .cancel_fd = -1,
	    .deadline_ns = clock_now() + 20 * NS_PER_S,
	    .environ = environ};
	const struct script_spec spec = {.path = "check", .stage = STAGE_UPGRADE};

	run.dir = directory;
	run.abra_dir = directory;
	run.recipe_dir = directory;
	ck_assert(copy_text(run.params.recipe, sizeof(run.params.recipe), "custom-html"));
	return script_run(&work, &spec, out, err);
}

START_TEST(tells_it_which_app_and_no_secret)
{
	AUTO(script_result) result = {0};
	struct err err;

	directory = harness_dir();
	write_program(
	    "#!/bin/sh\n"
	    "[ \"$CCCI_URL $CCCI_DOMAIN $CCCI_STACK $CCCI_RECIPE $CCCI_STAGE\" = "
	    "'https://app.ci.test app.ci.test app_ci_test custom-html upgrade' ] || exit 1\n"
	    "[ -z \"$GIT_TOKEN\" ] && [ \"$CCCI_RUN\" = local-abcdef ] || exit 2\n"
	    "[ -f check ] && echo kept >\"$CCCI_RUN_DIR/note\" || exit 3\n"
	    "[ \"$CCCI_SECRET_DIR\" = \"${CCCI_RUN_DIR%/scratch}/secrets\" ] || exit 4\n"
	    "[ -d \"$CCCI_SECRET_DIR\" ] || exit 5\n"
	    "[ \"$DOCKER_HOST $DOCKER_CERT_PATH $DOCKER_TLS_VERIFY\" = "
	    "'unix:///run/x.sock /etc/ccci/engine 1' ] || exit 6\n"
	    "echo 1..1; echo 'ok 1 - it is told'; echo more >&2\n",
	    0755);
	ck_assert_msg(run_program(&result, &err) == 0, "%s", err.msg);
	ck_assert_msg(result.outcome == OUTCOME_PASS, "%s", result.reason);
	ck_assert_uint_eq(result.tap.count, 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&result.evidence), "it is told"));
	ck_assert_ptr_nonnull(strstr(buf_text(&result.evidence), "more"));
	auto_str char *note = xasprintf("%s/scratch/note", directory);
	ck_assert(file_exists(note));
	free(directory);
}
END_TEST

START_TEST(tells_it_where_its_needs_are)
{
	AUTO(script_result) result = {0};
	AUTO(prepared) prepared;
	struct run run = {0};
	struct err err;

	directory = harness_dir();
	run.dir = directory;
	prepared_init(&prepared);
	prepared_add_need(&prepared, "my-login", "my-l", "", "");
	prepared_add_need(&prepared, "mail", "mail", "", "");
	ck_assert_int_eq(prepared_save(&run, &prepared, &err), 0);
	write_program("#!/bin/sh\n"
		      "[ $CCCI_NEED_MY_LOGIN_DOMAIN = my-l-abcdef.ci.test ] || exit 1\n"
		      "[ $CCCI_NEED_MAIL_STACK = mail-abcdef_ci_test ] || exit 2\n"
		      "[ $CCCI_NEED_MY_LOGIN_SECRET_DIR = "
		      "\"${CCCI_RUN_DIR%/scratch}/needs/my-login/secrets\" ] || exit 3\n"
		      "[ $CCCI_NEED_MAIL_TENANT = runabcdef ] || exit 4\n"
		      "[ $CCCI_NEED_MAIL_TENANT_DIR = "
		      "\"${CCCI_RUN_DIR%/scratch}/needs/mail/scratch\" ] || exit 5\n",
	    0755);
	ck_assert_msg(run_program(&result, &err) == 0, "%s", err.msg);
	ck_assert_msg(result.outcome == OUTCOME_PASS, "%s", result.reason);
	free(directory);
}
END_TEST

/* Neither the recipe nor the host is wrong when the suite names an interpreter that is not there.
 */
START_TEST(an_unstartable_one_is_no_result)
{
	AUTO(script_result) result = {0};
	struct err err = {0};

	directory = harness_dir();
	write_program("#!/no/such/interpreter\n", 0755);
	ck_assert_int_eq(run_program(&result, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "check: cannot start"));
	free(directory);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("script");
	TCase *tc = tcase_create("script");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, reads_tap, 0, COUNT_OF(tap_rows));
	tcase_add_test(tc, counts_what_it_does_not_keep);
	tcase_add_test(tc, a_failure_beyond_what_is_kept_counts);
	tcase_add_loop_test(tc, judges_an_end, 0, COUNT_OF(ends));
	tcase_add_test(tc, cuts_a_reason_between_characters);
	tcase_add_loop_test(tc, leaves_out_what_a_terminal_obeys, 0, COUNT_OF(cleaned));
	tcase_add_test(tc, leaves_out_a_nul);
	tcase_add_test(tc, tells_it_which_app_and_no_secret);
	tcase_add_test(tc, tells_it_where_its_needs_are);
	tcase_add_test(tc, an_unstartable_one_is_no_result);
	return suite;
}

TEST_MAIN(make_suite)
