/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/metrics.h"
#include "common/clock.h"

static const struct answer_row {
	int status;
	enum metrics_answer answer;
} answers[] = {
    {0, METRICS_ANSWER_NONE},
    {100, METRICS_ANSWER_NONE},
    {200, METRICS_ANSWER_2XX},
    {201, METRICS_ANSWER_2XX},
    {304, METRICS_ANSWER_3XX},
    {404, METRICS_ANSWER_4XX},
    {429, METRICS_ANSWER_4XX},
    {500, METRICS_ANSWER_5XX},
    {599, METRICS_ANSWER_5XX},
    {600, METRICS_ANSWER_NONE},
};

START_TEST(answers_by_hundreds)
{
	ck_assert_int_eq(metrics_answer_of(answers[_i].status), answers[_i].answer);
}
END_TEST

static struct metrics make_facts(void)
{
	struct metrics facts = {.version = "1.2.3",
	    .started_s = 100,
	    .jobs = {[JOB_HEARD] = 1, [JOB_RUNNING] = 2, [JOB_ANSWERED] = 9},
	    .oldest_waiting_s = 77,
	    .repositories = 12,
	    .unheard = 1,
	    .without_webhook = 3,
	    .polled_s = 1234,
	    .peers = {{"forge", true, {[METRICS_ANSWER_2XX] = 5, [METRICS_ANSWER_NONE] = 2}, 4},
		{"drone", false, {[METRICS_ANSWER_5XX] = 6}, 0}},
	    .peer_count = 2,
	    .events = {.heard = 10,
		.refused = 3,
		.second_tries = 1,
		.verdicts = {[VERDICT_PASSED] = 4}},
	    .is_store_well = true,
	    .are_settings_well = false,
	    .store_bytes = 4096,
	    .store_free_bytes = 1024,
	    .forgotten = 8,
	    .notices = {.told = 6, .failed = 5, .lost = 2}};

	metrics_note_lag(&facts.lag, -1);
	metrics_note_lag(&facts.lag, 5 * NS_PER_MS);
	metrics_note_lag(&facts.lag, 5 * NS_PER_MS + 1);
	metrics_note_lag(&facts.lag, 60 * NS_PER_S);
	return facts;
}

static const char *const lines[] = {
    "ccci_build_info{version=\"1.2.3\"} 1",
    "process_start_time_seconds 100",
    "ccci_settings_last_reload_successful 0",
    "ccci_jobs{state=\"heard\"} 1",
    "ccci_jobs{state=\"running\"} 2",
    "ccci_jobs{state=\"judged\"} 0",
    "ccci_jobs_oldest_waiting_seconds 77",
    "ccci_commands_heard_total 10",
    "ccci_commands_refused_total 3",
    "ccci_verdicts_total{verdict=\"passed\"} 4",
    "ccci_verdicts_total{verdict=\"ci_error\"} 0",
    "ccci_second_tries_total 1",
    "ccci_repositories_enrolled 12",
    "ccci_repositories_unheard 1",
    "ccci_repositories_without_webhook 3",
    "ccci_poll_last_success_timestamp_seconds 1234",
    "ccci_peer_up{peer=\"forge\"} 1",
    "ccci_peer_up{peer=\"drone\"} 0",
    "ccci_peer_requests_total{peer=\"forge\",answer=\"2xx\"} 5",
    "ccci_peer_requests_total{peer=\"forge\",answer=\"none\"} 2",
    "ccci_peer_requests_total{peer=\"drone\",answer=\"5xx\"} 6",
    "ccci_odd_items_total{peer=\"forge\"} 4",
    "ccci_loop_lag_seconds_bucket{le=\"0.005\"} 2",
    "ccci_loop_lag_seconds_bucket{le=\"0.025\"} 3",
    "ccci_loop_lag_seconds_bucket{le=\"10\"} 3",
    "ccci_loop_lag_seconds_bucket{le=\"+Inf\"} 4",
    "ccci_loop_lag_seconds_sum 60.010000001",
    "ccci_loop_lag_seconds_count 4",
    "ccci_store_writable 1",
    "ccci_store_size_bytes 4096",
    "ccci_store_free_bytes 1024",
    "ccci_jobs_forgotten_total 8",
    "ccci_notify_tries_total{result=\"told\"} 6",
    "ccci_notify_tries_total{result=\"failed\"} 5",
    "ccci_notify_lost_total 2",
};

START_TEST(has_each_line)
{
	struct metrics facts = make_facts();
	auto_str char *line = xasprintf("\n%s\n", lines[_i]);
	AUTO(buf) out = buf_make(64 * 1024);

	metrics_write(&facts, &out);
	ck_assert_msg(strstr(buf_text(&out), line) != NULL, "no %s", lines[_i]);
	ck_assert(!out.was_truncated);
	/* A job that is answered waits for nothing. */
	ck_assert_ptr_null(strstr(buf_text(&out), "answered\""));
}
END_TEST

/* HELP, TYPE, then all of its rows, and nothing of it again. */
START_TEST(each_family_is_together)
{
	struct metrics facts = make_facts();
	AUTO(buf) out = buf_make(64 * 1024);
	char name[128] = "";
	size_t families = 0;

	metrics_write(&facts, &out);
	auto_str char *copy = xstrdup(buf_text(&out));
	char *rest = copy;

	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		if (text_starts(line, "# HELP ")) {
			families++;
			(void)snprintf(
			    name, sizeof(name), "%.*s", (int)strcspn(line + 7, " "), line + 7);
			auto_str char *again = xasprintf("# HELP %s ", name);
			ck_assert_ptr_eq(
			    strstr(buf_text(&out), again), strstr(buf_text(&out), line));
			continue;
		}
		if (text_starts(line, "# TYPE "))
			line += 7;
		ck_assert_msg(text_starts(line, name), "%s is not of %s", line, name);
	}
	ck_assert_uint_gt(families, 15);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");

	tcase_add_loop_test(tests, answers_by_hundreds, 0, COUNT_OF(answers));
	tcase_add_loop_test(tests, has_each_line, 0, COUNT_OF(lines));
	tcase_add_test(tests, each_family_is_together);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
