/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/table.h"

static void fill(struct results *results)
{
	struct results_stage stage;

	results_init(results);
	results_set(&results->recipe, "custom-html");
	results->seconds = 31.4;
	results->verdict = VERDICT_RECIPE_FAILED;
	results->level = 1;
	results_set(&results->reason, "upgrade failed");
	results_set(&results->head_version, "1.2.0+2.1.0");
	results_set(&results->base_version, "1.1.0+2.0.3");
	results->deploys = 3;
	results_allowed_add(&results->allowed, "app", "mounts /x\x1b[2J", "host-bind:/x");
	results_allowed_add(&results->allowed, "", "has a link", "host-file:/x");
	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = OUTCOME_PASS;
	stage.seconds = 9.123;
	results_stage_add_test(&stage, "GET /", OUTCOME_PASS, 0.01, "");
	results_take_stage(results, &stage);
	results_stage_init(&stage, STAGE_UPGRADE);
	stage.outcome = OUTCOME_FAIL;
	results_set(&stage.reason, "bad\x1b[2J");
	results_stage_set_evidence(&stage, "app", "line one\nline two: gr\xc3\xbc\xc3\x9f\n");
	results_stage_add_test(&stage, "marker", OUTCOME_FAIL, 0, "gone");
	results_take_stage(results, &stage);
	results_add_left(results, "volume x_data");
	results->teardown_seconds = 3.2;
}

START_TEST(is_for_people)
{
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);

	fill(&results);
	results.is_clean = false;
	table_print(&results, 0, &out);
	ck_assert_str_eq(buf_text(&out),
	    "custom-html 1.1.0+2.0.3 -> 1.2.0+2.1.0: recipe_failed, level 1, 31 s, 3 deploys\n"
	    "  upgrade failed\n"
	    "  allowed: service app mounts /x?[2J (host-bind:/x)\n"
	    "  allowed: has a link (host-file:/x)\n"
	    "\n"
	    "install                      pass                 9 s\n"
	    "  GET /                      pass                 0 s\n"
	    "upgrade                      fail                 0 s   bad?[2J\n"
	    "  marker                     fail                 0 s   gone\n"
	    "  last lines of service app:\n"
	    "    | line one\n"
	    "    | line two: gr\xc3\xbc\xc3\x9f\n"
	    "teardown                     left                 3 s\n"
	    "  left: volume x_data\n");
}
END_TEST

static const struct kept_row {
	const char *until, *why_not;
	bool is_clean;
	const char *says;
} kept_rows[] = {
    {"2026-11-22T04:00:00Z", "", true,
	"teardown                     kept                 0 s   up at https://x/ until "
	"2026-11-22T04:00:00Z, unless another run needs its slot\n"},
    {"2026-11-22T04:00:00Z", "", false,
	"teardown                     left                 0 s   up at https://x/ until "
	"2026-11-22T04:00:00Z, unless another run needs its slot\n"},
    {"", "the head is not up", true,
	"teardown                     clean                0 s   not kept: the head is not up\n"},
};

START_TEST(says_what_changed)
{
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);
	AUTO(buf) narrow = buf_make(10000);

	fill(&results);
	results_set(&results.started, "2026-11-22T03:10:00Z");
	results_set(&results.last_green_when, "2026-11-19T03:10:00Z");
	results_add_change(&results, "image app", "a", "b\x1b[2J\nc");
	table_print(&results, 0, &out);
	ck_assert_msg(text_ends(buf_text(&out),
			  "  left: volume x_data\n"
			  "\nSince the last green (3 days ago): image app a \xe2\x86\x92 b?[2J?c; "
			  "nothing of the recipe\n"),
	    "%s", buf_text(&out));
	table_print(&results, 40, &narrow);
	ck_assert_msg(
	    strstr(buf_text(&narrow), "\nSince the last green (3 days ago): image\n") != NULL, "%s",
	    buf_text(&narrow));
}
END_TEST

START_TEST(says_what_is_kept)
{
	const struct kept_row *row = &kept_rows[_i];
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);

	results_init(&results);
	results.is_clean = row->is_clean;
	results_set(&results.kept_url, "https://x/");
	results_set(&results.kept_until, row->until);
	results_set(&results.kept_why_not, row->why_not);
	table_print(&results, 0, &out);
	const char *teardown = strstr(buf_text(&out), "teardown ");
	ck_assert_ptr_nonnull(teardown);
	ck_assert_str_eq(teardown, row->says);
}
END_TEST

static const struct picture_row {
	const char *type, *why_not;
	int64_t bytes;
	const char *says;
} picture_rows[] = {
    {"image/png", "", 1, "clean                0 s\npicture: 1280 x 800, 1 KiB\n"},
    {"image/png", "", 98304, "clean                0 s\npicture: 1280 x 800, 96 KiB\n"},
    {"", "there is no Chromium", 0, "clean                0 s\nno picture: there is no Chromium\n"},
    {"", "a\nb\x1b[2J", 0, "clean                0 s\nno picture: a\n b?[2J\n"},
    {"", "", 0, "clean                0 s\n"},
};

START_TEST(says_whether_there_is_a_picture)
{
	const struct picture_row *row = &picture_rows[_i];
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);

	results_init(&results);
	results_set(&results.picture_type, row->type);
	results_set(&results.picture_why_not, row->why_not);
	results.picture_width = 1280;
	results.picture_height = 800;
	results.picture_bytes = row->bytes;
	table_print(&results, 0, &out);
	ck_assert_msg(text_ends(buf_text(&out), row->says), "%s", buf_text(&out));
}
END_TEST

/* Names of tests that the recipe chose: the columns behind stand under each other all the same. */
START_TEST(long_names_do_not_push_it_apart)
{
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);
	struct results_stage stage;

	results_init(&results);
	results_stage_init(&stage, STAGE_INSTALL);
	results_stage_add_test(
	    &stage, "gr\xc3\xbc\xc3\x9f Gott, GET /health answers 200", OUTCOME_PASS, 0, "");
	results_stage_add_test(
	    &stage, "volume data at /var/lib/postgresql/data of db", OUTCOME_FAIL, 2, "gone");
	results_take_stage(&results, &stage);
	table_print(&results, 0, &out);
	const char *rows = strstr(buf_text(&out), "install ");
	ck_assert_ptr_nonnull(rows);
	ck_assert_str_eq(rows,
	    "install                              not_run              0 s\n"
	    "  gr\xc3\xbc\xc3\x9f Gott, GET /health answers 200 pass                 0 s\n"
	    "  volume data at /var/lib/postgresql/data of db\n"
	    "                                     fail                 2 s   gone\n"
	    "teardown                             clean                0 s\n");
}
END_TEST

/* On a terminal reasons are broken between words; in a column of their own where there is room. */
static const struct wrap_row {
	size_t columns;
	const char *rows;
} wrap_rows[] = {
    {200, "install                      fail                 9 s   service app is not up: "
	  "gr\xc3\xbc\xc3\x9f "
	  "Gott, volume data lost its marker\n"
	  "  GET /                      fail                 0 s   no answer\n"
	  "teardown"},
    {100, "install                      fail                 9 s   service app is not up: "
	  "gr\xc3\xbc\xc3\x9f "
	  "Gott, volume\n"
	  "                                                        data lost its marker\n"
	  "  GET /                      fail                 0 s   no answer\n"
	  "teardown"},
    {60, "install                      fail                 9 s\n"
	 "    service app is not up: gr\xc3\xbc\xc3\x9f Gott, volume data lost its\n"
	 "    marker\n"
	 "  GET /                      fail                 0 s\n"
	 "      no answer\n"
	 "teardown"},
    {10,
	"install                      fail                 9 s\n"
	"    service\n    app is\n    not\n    up:\n    gr\xc3\xbc\xc3\x9f\n    Gott,\n    volume\n"
	"    data\n    lost\n    its\n    marker\n"
	"  GET /                      fail                 0 s\n"
	"      no\n      answer\n"
	"teardown"},
};

START_TEST(wraps_for_a_terminal)
{
	const struct wrap_row *row = &wrap_rows[_i];
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);
	struct results_stage stage;

	results_init(&results);
	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = OUTCOME_FAIL;
	stage.seconds = 9;
	results_set(&stage.reason,
	    "service app is not up: gr\xc3\xbc\xc3\x9f Gott, volume data lost its marker");
	results_stage_add_test(&stage, "GET /", OUTCOME_FAIL, 0, "no answer");
	results_take_stage(&results, &stage);
	results_set(&results.reason, results.stages[0].reason);
	table_print(&results, row->columns, &out);
	const char *rows = strstr(buf_text(&out), "install ");
	ck_assert_ptr_nonnull(rows);
	auto_str char *seen = xstrndup(rows, strlen(row->rows));
	ck_assert_str_eq(seen, row->rows);
	if (row->columns == 60)
		ck_assert_ptr_nonnull(
		    strstr(buf_text(&out), "\n  service app is not up: gr\xc3\xbc\xc3\x9f Gott, "
					   "volume data lost its\n  marker\n"));
}
END_TEST

/* ESC, and U+009B, which some terminals take for ESC [. */
START_TEST(moves_no_cursor)
{
	AUTO(results) results = {0};
	AUTO(buf) out = buf_make(10000);

	results_init(&results);
	results_set(&results.reason, "a\x1b[2Jb\xc2\x9b"
				     "2Jc\xc2\xa0\rd\xc3\xa9\xc2\x80\xc2\x9f.");
	table_print(&results, 0, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\n  a?[2Jb?2Jc\xc2\xa0?d\xc3\xa9??.\n"));
}
END_TEST

static const char *const forgeries[] = {
    RESULTS_BEGIN,
    RESULTS_BEGIN "\n{\"schema\":1}\n" RESULTS_END "\n",
    "\n" RESULTS_BEGIN "\n{}\n" RESULTS_END "\n",
    "\r\n" RESULTS_BEGIN "\r\n{}\r\n" RESULTS_END "\r\n",
};

/* A service may log our own marker lines, a recipe be called so: no line of the table is one. */
START_TEST(forges_no_document)
{
	AUTO(results) results = {0};
	AUTO(results) found = {0};
	AUTO(buf) out = buf_make(100000);
	const char *text = forgeries[_i];
	struct results_stage stage;
	struct err err;

	results_init(&results);
	results_set(&results.recipe, text);
	results_set(&results.base_version, text);
	results_set(&results.head_version, text);
	results_set(&results.reason, text);
	results_stage_init(&stage, STAGE_INSTALL);
	results_set(&stage.reason, text);
	results_stage_set_evidence(&stage, text, text);
	results_stage_add_test(&stage, text, OUTCOME_FAIL, 0, text);
	results_take_stage(&results, &stage);
	results_add_left(&results, text);
	(void)buf_add_char(&out, '\n');
	table_print(&results, 0, &out);
	ck_assert_int_eq(results_find(buf_text(&out), out.length, &found, &err), -1);
	ck_assert_msg(err.code == ERR_MISSING, "%s", err.msg);
	ck_assert_msg(!strstr(buf_text(&out), "\n" RESULTS_BEGIN "\n") &&
			  !strstr(buf_text(&out), "\n" RESULTS_END "\n"),
	    "%s", buf_text(&out));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, says_what_changed);
	tcase_add_test(tc, is_for_people);
	tcase_add_loop_test(tc, says_whether_there_is_a_picture, 0, COUNT_OF(picture_rows));
	tcase_add_loop_test(tc, says_what_is_kept, 0, COUNT_OF(kept_rows));
	tcase_add_test(tc, long_names_do_not_push_it_apart);
	tcase_add_loop_test(tc, wraps_for_a_terminal, 0, COUNT_OF(wrap_rows));
	tcase_add_test(tc, moves_no_cursor);
	tcase_add_loop_test(tc, forges_no_document, 0, COUNT_OF(forgeries));
	return suite;
}

TEST_MAIN(make_suite)
