/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "common/junit.h"

static void add_stage(
    struct results *results, enum stage which, enum outcome outcome, const char *reason)
{
	struct results_stage stage;

	results_stage_init(&stage, which);
	stage.outcome = outcome;
	stage.seconds = 1.5;
	results_set(&stage.reason, reason);
	results_take_stage(results, &stage);
}

static struct results make_results(void)
{
	struct results results;

	results_init(&results);
	results_set(&results.recipe, "custom-html");
	results_set(&results.host, "ci1");
	results_set(&results.started, "2026-11-22T03:10:00Z");
	results.is_clean = true;
	results.seconds = 3;
	return results;
}

START_TEST(writes_a_green_run)
{
	AUTO(results) results = make_results();
	AUTO(buf) out = buf_make(1 << 20);

	add_stage(&results, STAGE_INSTALL, OUTCOME_PASS, "");
	results_set(&results.stages[0].reason, "2 <warnings>");
	results_stage_add_phase(&results.stages[0], "deploy", 1.25);
	results_stage_add_phase(&results.stages[0], "converge", 0.25);
	results_stage_add_test(&results.stages[0], "GET /", OUTCOME_PASS, 0.01, "");
	results_set(&results.id, "41-9f2c1a");
	results.level = 2;
	results_set(&results.head_version, "1.2.0+2");
	results_set(&results.abra, "abra \"0.13\"");
	results_add_image(&results, "app", "sha256:00");
	results.verdict = VERDICT_PASSED;
	junit_print(&results, &out);
	ck_assert_str_eq(buf_text(&out),
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites name=\"custom-html\" time=\"3.000\">\n"
	    "  <testsuite name=\"custom-html.install\" hostname=\"ci1\" "
	    "timestamp=\"2026-11-22T03:10:00Z\" tests=\"2\" failures=\"0\" errors=\"0\" "
	    "skipped=\"0\" time=\"1.500\">\n"
	    "    <testcase classname=\"custom-html.install\" name=\"install\" time=\"1.500\"/>\n"
	    "    <testcase classname=\"custom-html.install\" name=\"GET /\" time=\"0.010\"/>\n"
	    "    <system-out>2 &#60;warnings&#62;\ndeploy: 1.2 s\nconverge: 0.2 s\n</system-out>\n"
	    "  </testsuite>\n"
	    "  <testsuite name=\"custom-html.run\" tests=\"2\" failures=\"0\" errors=\"0\" "
	    "skipped=\"0\" time=\"0.000\">\n"
	    "    <properties>\n"
	    "      <property name=\"run\" value=\"41-9f2c1a\"/>\n"
	    "      <property name=\"verdict\" value=\"passed\"/>\n"
	    "      <property name=\"level\" value=\"2\"/>\n"
	    "      <property name=\"head\" value=\"1.2.0+2\"/>\n"
	    "      <property name=\"abra\" value=\"abra &#34;0.13&#34;\"/>\n"
	    "      <property name=\"image app\" value=\"sha256:00\"/>\n"
	    "    </properties>\n"
	    "    <testcase classname=\"custom-html.run\" name=\"verdict\" time=\"0.000\"/>\n"
	    "    <testcase classname=\"custom-html.run\" name=\"teardown\" time=\"0.000\"/>\n"
	    "  </testsuite>\n"
	    "</testsuites>\n");
}
END_TEST

static const struct outcome_row {
	enum outcome outcome;
	const char *counts, *element;
} outcome_rows[] = {
    {OUTCOME_FAIL, "tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"",
	"<failure message=\"why\"></failure>"},
    {OUTCOME_ERROR, "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"",
	"<error message=\"why\"></error>"},
    {OUTCOME_UNVERIFIED, "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"",
	"<error message=\"why\"></error>"},
    {OUTCOME_NOT_RUN, "tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\"",
	"<skipped message=\"why\"></skipped>"},
};

START_TEST(names_each_outcome)
{
	const struct outcome_row *row = &outcome_rows[_i];
	AUTO(results) results = make_results();
	AUTO(buf) out = buf_make(1 << 20);

	add_stage(&results, STAGE_UPGRADE, row->outcome, "why");
	junit_print(&results, &out);
	ck_assert_msg(strstr(buf_text(&out), row->counts), "%s", buf_text(&out));
	ck_assert_msg(strstr(buf_text(&out), row->element), "%s", buf_text(&out));
}
END_TEST

/* Whether one can go back is told, and judged by nobody: no report is red for it. */
START_TEST(counts_no_rollback)
{
	AUTO(results) results = make_results();
	AUTO(buf) out = buf_make(1 << 20);

	add_stage(&results, STAGE_ROLLBACK, OUTCOME_FAIL, "it cannot go back");
	results_stage_add_test(&results.stages[0], "GET /", OUTCOME_FAIL, 0, "no answer");
	junit_print(&results, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "tests=\"2\" failures=\"0\" errors=\"0\" "
						     "skipped=\"2\" time=\"1.500\">"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "<skipped message=\"it cannot go back\">"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "<skipped message=\"no answer\">"));
	ck_assert_ptr_null(strstr(buf_text(&out), "<failure"));
}
END_TEST

/* Text of a recipe's services ends up in evidence: none of it may be markup, or no XML at all. */
START_TEST(escapes_whatever_it_is_given)
{
	AUTO(results) results = make_results();
	AUTO(buf) out = buf_make(1 << 20);

	add_stage(&results, STAGE_INSTALL, OUTCOME_FAIL, "a \"b\" <c> & \x01\x1b[31m\n");
	results_stage_set_evidence(&results.stages[0], "app", "]]></failure><x a='1'>&amp;\x08");
	junit_print(&results, &out);
	ck_assert_msg(
	    strstr(buf_text(&out), "message=\"a &#34;b&#34; &#60;c&#62; &#38; ??[31m&#10;\""), "%s",
	    buf_text(&out));
	ck_assert_msg(strstr(buf_text(&out),
			  "]]&#62;&#60;/failure&#62;&#60;x a='1'&#62;&#38;amp;?</failure>"),
	    "%s", buf_text(&out));
}
END_TEST

START_TEST(says_what_was_left)
{
	AUTO(results) results = make_results();
	AUTO(buf) out = buf_make(1 << 20);

	results.is_clean = false;
	results_add_left(&results, "volume x_data");
	results.verdict = VERDICT_CANCELLED;
	results_set(&results.reason, "cancelled in install");
	junit_print(&results, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
	    "<failure message=\"something was left behind\">volume x_data\n</failure>"));
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&out), "<error message=\"cancelled in install\">cancelled</error>"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("junit");
	TCase *tc = tcase_create("junit");

	tcase_add_test(tc, writes_a_green_run);
	tcase_add_loop_test(tc, names_each_outcome, 0, COUNT_OF(outcome_rows));
	tcase_add_test(tc, counts_no_rollback);
	tcase_add_test(tc, escapes_whatever_it_is_given);
	tcase_add_test(tc, says_what_was_left);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
