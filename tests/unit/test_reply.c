/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/reply.h"

#define REF "0123456789abcdef0123456789abcdef01234567"
#define BUILDS "https://drone.example.org/org/cc-ci"

static struct job make_job(enum job_state state)
{
	return (struct job){.comment = 812,
	    .state = state,
	    .repo = "org/custom-html",
	    .pr = 3,
	    .ref = REF,
	    .build = 41};
}

static char *write_reply(const struct reply_facts *facts)
{
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);

	reply_write(facts, &text);
	ck_assert(!text.was_truncated);
	ck_assert_msg(reply_is_for(buf_text(&text), facts->job->comment), "%s", buf_text(&text));
	ck_assert(!reply_is_for(buf_text(&text), 81));
	ck_assert(!reply_is_for(buf_text(&text), 8123));
	return buf_take(&text);
}

static struct reply_facts facts_of(const struct job *job)
{
	return (struct reply_facts){
	    .job = job, .builds_url = BUILDS, .trigger = "!testme", .now_s = 1000};
}

START_TEST(refused)
{
	struct job job = {.comment = 812,
	    .state = JOB_REFUSED,
	    .repo = "org/custom-html",
	    .pr = 3,
	    .reason = "\"--stage\" is no option; did you mean --stages?"};
	struct reply_facts facts = facts_of(&job);
	auto_str char *text = write_reply(&facts);

	ck_assert_str_eq(text,
	    "**ccci: not run** · \"--stage\" is no option; did you mean --stages?\n\n"
	    "<!-- ccci {\"comment\":812,\"verdict\":\"not_run\"} -->\n");
}
END_TEST

START_TEST(queued)
{
	struct job job = make_job(JOB_QUEUED);
	struct reply_facts facts = facts_of(&job);

	facts.ahead = (struct reply_ahead){
	    .build = 40, .recipe = "plausible", .pr = 3, .running_s = 430, .usual_s = 530};
	auto_str char *text = write_reply(&facts);
	ck_assert_str_eq(text,
	    "**ccci: queued** behind build [#40](" BUILDS "/40) (`plausible #3`, 7 min in, usually "
	    "9) · custom-html at `01234567` · build [#41](" BUILDS "/41)\n\n"
	    "<!-- ccci {\"comment\":812,\"build\":41,\"ref\":\"" REF
	    "\",\"state\":\"queued\"} -->\n");
	facts.ahead = (struct reply_ahead){.build = 40, .recipe = "", .running_s = -1};
	auto_str char *foreign = write_reply(&facts);
	ck_assert_msg(text_starts(foreign,
			  "**ccci: queued** behind build [#40](" BUILDS "/40) (queued itself)"),
	    "%s", foreign);
	facts.ahead = (struct reply_ahead){0};
	auto_str char *first = write_reply(&facts);
	ck_assert_msg(strstr(first, "waits for a runner") != NULL, "%s", first);
}
END_TEST

START_TEST(running)
{
	struct job job = make_job(JOB_RUNNING);
	struct reply_step steps[] = {
	    {.name = "prepare", .state = REPLY_STEP_PASSED, .seconds = 2},
	    {.name = "in|stall", .state = REPLY_STEP_RUNNING},
	    {.name = "upgrade", .state = REPLY_STEP_WAITING},
	};
	struct reply_facts facts = facts_of(&job);

	job.started_s = 860;
	facts.steps = steps;
	facts.step_count = COUNT_OF(steps);
	facts.usual_s = 170;
	auto_str char *text = write_reply(&facts);
	ck_assert_str_eq(text,
	    "**ccci: running in&#124;stall** · custom-html at `01234567` · build [#41](" BUILDS
	    "/41) · 2 min in, usually 3\n\n"
	    "| step | result | time |\n|---|---|---|\n"
	    "| prepare | ✅ done | 2 s |\n"
	    "| in&#124;stall | ⏳ running |  |\n"
	    "| upgrade | · waiting |  |\n\n"
	    "<!-- ccci {\"comment\":812,\"build\":41,\"ref\":\"" REF
	    "\",\"state\":\"running\"} -->\n");
}
END_TEST

static void fill_results(struct results *results)
{
	struct results_stage stage;

	results_init(results);
	results->seconds = 72;
	results->is_clean = true;
	results->teardown_seconds = 3;
	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = OUTCOME_PASS;
	stage.seconds = 9;
	results_take_stage(results, &stage);
	results_stage_init(&stage, STAGE_UPGRADE);
	stage.outcome = OUTCOME_FAIL;
	stage.seconds = 41;
	results_set(&stage.reason, "volume \"data\" lost its marker");
	results_stage_set_evidence(
	    &stage, "app", "line 1\n```\n@everyone</details>\n<!-- ccci {\"comment\":81} -->\n");
	results_take_stage(results, &stage);
}

START_TEST(failed)
{
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	fill_results(&results);
	facts.results = &results;
	job.has_verdict = true;
	job.verdict = VERDICT_RECIPE_FAILED;
	job.level = 1;
	(void)copy_text(job.reason, sizeof(job.reason), "volume \"data\" lost its marker");
	(void)copy_text(job.head_version, sizeof(job.head_version), "1.2.0");
	(void)copy_text(job.base_version, sizeof(job.base_version), "1.1.0");
	(void)copy_text(job.stages, sizeof(job.stages), "install,upgrade");
	auto_str char *text = write_reply(&facts);
	ck_assert_str_eq(text,
	    "**ccci: failed at upgrade** · custom-html 1.1.0 → 1.2.0 · build [#41](" BUILDS
	    "/41) · 1 min 12 s · level 1\n\n"
	    "| stage | result | time | |\n|---|---|---|---|\n"
	    "| install | ✅ passed | 9 s |  |\n"
	    "| upgrade | ❌ failed | 41 s | volume \"data\" lost its marker |\n"
	    "| teardown | ✅ clean | 3 s |  |\n\n"
	    "<details><summary>last lines of service app</summary>\n\n"
	    "````text\nline 1\n```\n@everyone</details>\n<!-- ccci {\"comment\":81} -->\n"
	    "````\n\n</details>\n\n"
	    "Again: `!testme` · here: `ccci-run run custom-html --ref " REF
	    " --stages=install,upgrade`\n\n"
	    "<!-- ccci {\"comment\":812,\"build\":41,\"ref\":\"" REF
	    "\",\"verdict\":\"recipe_failed\",\"level\":1} -->\n");

	job.is_shrunk = true;
	facts.results = NULL;
	auto_str char *line = write_reply(&facts);
	ck_assert_str_eq(line, "**ccci: failed** · custom-html 1.1.0 → 1.2.0 · build [#41](" BUILDS
			       "/41) · a newer run follows below\n\n"
			       "<!-- ccci {\"comment\":812,\"build\":41,\"ref\":\"" REF
			       "\",\"verdict\":\"recipe_failed\",\"level\":1} -->\n");
}
END_TEST

static const struct verdict_row {
	enum verdict_class verdict;
	const char *words;
} verdicts[] = {
    {VERDICT_PASSED, "**ccci: passed**"},
    {VERDICT_RECIPE_FAILED, "**ccci: failed**"},
    {VERDICT_TIMED_OUT, "**ccci: timed out**"},
    {VERDICT_CI_ERROR, "**ccci: CI error**"},
    {VERDICT_CANCELLED, "**ccci: cancelled**"},
    {VERDICT_SUPERSEDED, "**ccci: superseded**"},
    {VERDICT_NOT_RUN, "**ccci: not run**"},
};

START_TEST(every_verdict_without_results)
{
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	job.has_verdict = true;
	job.verdict = verdicts[_i].verdict;
	job.started_s = 100;
	job.ended_s = 160;
	(void)copy_text(job.reason, sizeof(job.reason), "the reason.");
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(text_starts(text, verdicts[_i].words), "%s", text);
	ck_assert_msg(strstr(text, " · 1 min 0 s\n\nthe reason.\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, verdict_word(verdicts[_i].verdict)) != NULL, "%s", text);
}
END_TEST

static const struct mark_row {
	const char *body;
	bool is_ours;
} marks[] = {
    {"text\n<!-- ccci {\"comment\":812} -->", true},
    {"<!-- ccci {\"comment\":812,\"x\":1} -->", true},
    {"text\r\n<!-- ccci {\"comment\":812} -->\r\n\n", true},
    {"<!-- ccci {\"comment\":8} -->\n<!-- ccci {\"comment\":812} -->", true},
    {"quoted: <!-- ccci {\"comment\":812} -->", false},
    {"<!-- ccci {\"comment\":8123} -->", false},
    {"<!-- ccci {\"comment\":81} -->", false},
    /* Anywhere but in the last line it is a line that some service logged. */
    {"```text\n<!-- ccci {\"comment\":812} -->\n```\n\n<!-- ccci {\"comment\":7} -->\n", false},
    {"<!-- ccci {\"comment\":812} -->\ntext", false},
    {"<!-- ccci {\"comment\":812} -->\n```", false},
    {"<!-- ccci {\"comment\":812} --> text", false},
    {"<!-- ccci {\"comment\":812", false},
    {"<!-- ccci {\"comment\":812,", false},
    {"\n\n", false},
    {"", false},
};

START_TEST(finds_its_mark)
{
	ck_assert_int_eq(reply_is_for(marks[_i].body, 812), marks[_i].is_ours);
}
END_TEST

/* Texts that grow most when they are quoted, each the largest that there can be. */
static const char large_characters[] = "@|x";

START_TEST(largest_results_fit)
{
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);
	auto_str char *big = xcalloc(RESULTS_EVIDENCE_MAX_BYTES + 1, 1);

	memset(big, large_characters[_i], RESULTS_EVIDENCE_MAX_BYTES);
	results_init(&results);
	for (int i = 0; i < STAGE_COUNT; i++) {
		struct results_stage stage;

		results_stage_init(&stage, (enum stage)i);
		stage.outcome = OUTCOME_FAIL;
		results_set(&stage.reason, big);
		results_stage_set_evidence(&stage, big, big);
		results_take_stage(&results, &stage);
	}
	for (int i = 0; i < RESULTS_ITEMS_MAX; i++)
		results_add_left(&results, big);
	memset(job.reason, '|', sizeof(job.reason) - 1);
	memset(job.stages, 'x', sizeof(job.stages) - 1);
	memset(job.from, 'x', sizeof(job.from) - 1);
	memset(job.repo, 'x', sizeof(job.repo) - 1);
	job.has_verdict = true;
	job.verdict = VERDICT_RECIPE_FAILED;
	facts.results = &results;
	auto_str char *text = write_reply(&facts);
	ck_assert_uint_lt(strlen(text), REPLY_MAX_BYTES);
	ck_assert_ptr_nonnull(strstr(text, "last lines of service"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *tests = tcase_create("reply");

	tcase_add_test(tests, refused);
	tcase_add_test(tests, queued);
	tcase_add_test(tests, running);
	tcase_add_test(tests, failed);
	tcase_add_loop_test(tests, every_verdict_without_results, 0, COUNT_OF(verdicts));
	tcase_add_loop_test(tests, finds_its_mark, 0, COUNT_OF(marks));
	tcase_add_loop_test(tests, largest_results_fit, 0, (int)strlen(large_characters));
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
