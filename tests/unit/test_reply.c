/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/reply.h"
#include "common/file.h"

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
	return (struct reply_facts){.job = job,
	    .builds_url = BUILDS,
	    .trigger = "!testme",
	    .ci_repo = "org/cc-ci",
	    .ci_branch = "main",
	    .now_s = 1000};
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

START_TEST(links_the_page)
{
	struct job job = make_job(JOB_RUNNING);
	struct reply_facts facts = facts_of(&job);

	facts.pages_url = "https://ci.example.org";
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(strstr(text, " · [page](https://ci.example.org/runs/41)"), "%s", text);
	facts.pages_url = NULL;
	auto_str char *without = write_reply(&facts);
	ck_assert_ptr_null(strstr(without, "[page]"));
}
END_TEST

/* What was asked for instead of a run. */
START_TEST(answered_in_a_sentence)
{
	static const enum command_kind kinds[] = {COMMAND_CANCEL, COMMAND_STATUS, COMMAND_HELP};
	static const char *const titles[] = {"cancel", "status", "help"};
	struct job job = {.comment = 812,
	    .state = JOB_REFUSED,
	    .command = kinds[_i],
	    .repo = "org/custom-html",
	    .reason = "So it is."};
	struct reply_facts facts = facts_of(&job);
	auto_str char *text = write_reply(&facts);
	auto_str char *wanted = xasprintf("**ccci: %s** · So it is.\n", titles[_i]);

	ck_assert_msg(text_starts(text, wanted), "%s", text);
}
END_TEST

START_TEST(stopping)
{
	static const enum job_state states[] = {JOB_STOPPING, JOB_ENDED};
	struct job job = make_job(states[_i]);
	struct reply_facts facts = facts_of(&job);

	job.has_verdict = true;
	job.verdict = VERDICT_CANCELLED;
	(void)copy_text(job.reason, sizeof(job.reason), "Cancelled by @mem|ber.");
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(
	    text_starts(text, "**ccci: stopping** · custom-html at `01234567` · build "
			      "[#41](" BUILDS "/41) · Cancelled by @\xe2\x80\x8bmem&#124;ber.\n"),
	    "%s", text);
	ck_assert_ptr_null(strstr(text, "\"verdict\""));
}
END_TEST

static const struct {
	struct job job;
	const char *sentence;
} status_rows[] = {
    {{.state = JOB_ASKED, .moved_s = 990}, "A build was asked for 10 s ago."},
    {{.state = JOB_ASKED, .moved_s = 990, .effects = {[JOB_EFFECT_BUILD] = {JOB_EFFECT_DUE, 0}}},
	"The run has been waiting for its turn for 10 s; no build was asked for yet."},
    {{.state = JOB_ANSWERED, .moved_s = 990, .has_verdict = true, .verdict = VERDICT_CANCELLED},
	"The last run ended 10 s ago without a build: cancelled."},
    {{.state = JOB_QUEUED, .build = 41, .moved_s = 940},
	"Build 41 has been waiting for a runner for 1 min 0 s."},
    {{.state = JOB_RUNNING, .build = 41, .moved_s = 990}, "Build 41 has been running for 10 s."},
    {{.state = JOB_STOPPING, .build = 41, .has_verdict = true}, "Build 41 is about to end."},
    {{.state = JOB_ENDED, .build = 41}, "Build 41 is about to end."},
    {{.state = JOB_ANSWERED,
	 .build = 41,
	 .ended_s = 960,
	 .moved_s = 999,
	 .has_verdict = true,
	 .verdict = VERDICT_RECIPE_FAILED,
	 .level = 1},
	"The last run, build 41, ended 40 s ago: failed, level 1."},
    {{.state = JOB_JUDGED,
	 .build = 41,
	 .moved_s = 990,
	 .has_verdict = true,
	 .verdict = VERDICT_CI_ERROR},
	"The last run, build 41, ended 10 s ago: CI error, level 0."},
};

START_TEST(tells_how_it_stands)
{
	char sentence[JOB_REASON_SIZE];

	reply_status(&status_rows[_i].job, 1000, sentence, sizeof(sentence));
	ck_assert_str_eq(sentence, status_rows[_i].sentence);
	reply_status(NULL, 1000, sentence, sizeof(sentence));
	ck_assert_str_eq(sentence, "Nothing was run in this pull request yet.");
}
END_TEST

static const struct {
	struct queue_place place;
	int64_t comment;
	const char *text;
} held_rows[] = {
    {{false, 2, true, true}, 812, "**ccci: queued** behind 2 of your own runs, as others wait · "},
    {{false, 3, true, false}, 812, "**ccci: queued** behind 3 of your own runs · "},
    {{false, 2, false, true}, 812,
	"**ccci: queued** behind 2 runs of this repository, as others wait · "},
    {{false, 9, true, false}, JOB_AUTO_FIRST,
	"**ccci: queued** behind 9 other runs of mem&#124;ber · "},
    /* its turn, or not judged yet */
    {{true, 2, true, true}, 812, "**ccci: heard** · "},
    {{0}, 812, "**ccci: heard** · "},
};

START_TEST(held_back)
{
	struct job job = make_job(JOB_ASKED);

	job.comment = held_rows[_i].comment;
	job.build = 0;
	job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_DUE;
	(void)copy_text(job.author, sizeof(job.author), "mem|ber");
	struct reply_facts facts = facts_of(&job);
	facts.place = held_rows[_i].place;
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(text_starts(text, held_rows[_i].text), "%s", text);
	ck_assert_msg(strstr(text, "custom-html at `01234567`") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\"state\":\"asked\"") != NULL, "%s", text);
	/* Asked for: the place is of before. */
	job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_TRIED;
	auto_str char *asked = write_reply(&facts);
	ck_assert_msg(text_starts(asked, "**ccci: heard** · "), "%s", asked);
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

static const struct wait_row {
	struct reply_ahead ahead;
	const char *words; /* between the build ahead and our own */
} waits[] = {
    {{.build = 40, .recipe = "", .running_s = 0}, "(under 1 min in) · "},
    {{.build = 40, .recipe = "", .running_s = 59, .usual_s = 1}, "(under 1 min in, usually 1) · "},
    {{.build = 40, .recipe = "", .running_s = 60, .usual_s = 61}, "(1 min in, usually 2) · "},
    {{.build = 40, .recipe = "", .pr = 3, .running_s = -1}, "(queued itself) · "},
    {{.build = 40, .recipe = "a", .running_s = -1}, "(queued itself) · "},
    {{.build = 40, .recipe = "a", .pr = 3, .running_s = -1}, "(`a #3`, queued itself) · "},
    {{.build = 40, .recipe = "a", .running_s = 60, .more = 2}, "(1 min in) and 2 more · "},
    {{.build = 40, .recipe = "a", .running_s = 60, .usual_s = 120, .more = 1, .wait_s = 361},
	"(1 min in, usually 2) and 1 more, starts in about 7 min · "},
    {{.build = 40, .recipe = "a", .running_s = 90, .usual_s = 60, .wait_s = 1},
	"(1 min in, usually 1), starts in about 1 min · "},
};

START_TEST(queued_behind)
{
	struct job job = make_job(JOB_QUEUED);
	struct reply_facts facts = facts_of(&job);

	facts.ahead = waits[_i].ahead;
	auto_str char *text = write_reply(&facts);
	auto_str char *wanted =
	    xasprintf("**ccci: queued** behind build [#40](" BUILDS "/40) %s", waits[_i].words);
	ck_assert_msg(text_starts(text, wanted), "%s", text);
}
END_TEST

START_TEST(running)
{
	struct job job = make_job(JOB_RUNNING);
	struct reply_step steps[] = {
	    {.name = "prepare", .state = REPLY_STEP_PASSED, .seconds = 2},
	    {.name = "in|stall", .state = REPLY_STEP_RUNNING, .started_s = 871},
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
	    "| in&#124;stall | ⏳ running | 2 min |\n"
	    "| upgrade | · waiting |  |\n\n"
	    "<!-- ccci {\"comment\":812,\"build\":41,\"ref\":\"" REF
	    "\",\"state\":\"running\"} -->\n");
}
END_TEST

/* A step that runs has its minutes, whatever else is known of it: the text changes once a minute.
 */
static const struct step_row {
	enum reply_step_state state;
	int64_t started_s, seconds;
	const char *cell;
} step_rows[] = {
    {REPLY_STEP_RUNNING, 1000, 0, "⏳ running | under 1 min |"},
    {REPLY_STEP_RUNNING, 941, 0, "⏳ running | under 1 min |"},
    {REPLY_STEP_RUNNING, 940, 0, "⏳ running | 1 min |"},
    {REPLY_STEP_RUNNING, 1003, 0, "⏳ running | under 1 min |"}, /* Drone's clock is ahead */
    {REPLY_STEP_RUNNING, 0, 0, "⏳ running |  |"},
    {REPLY_STEP_PASSED, 900, 7, "✅ done | 7 s |"},
    {REPLY_STEP_WAITING, 0, 0, "· waiting |  |"},
    {REPLY_STEP_ENDED, 900, 7, "🛑 ended |  |"},
};

START_TEST(step_has_its_time)
{
	struct job job = make_job(JOB_RUNNING);
	struct reply_step step = {.name = "install",
	    .state = step_rows[_i].state,
	    .started_s = step_rows[_i].started_s,
	    .seconds = step_rows[_i].seconds};
	struct reply_facts facts = facts_of(&job);

	facts.steps = &step;
	facts.step_count = 1;
	auto_str char *text = write_reply(&facts);
	auto_str char *row = xasprintf("| install | %s\n", step_rows[_i].cell);
	ck_assert_msg(strstr(text, row) != NULL, "%s", text);
}
END_TEST

static const struct again_row {
	enum job_state state;
	const char *begins;
} agains[] = {
    {JOB_ASKED, "**ccci: CI error, tried again** · "},
    {JOB_QUEUED, "**ccci: queued** · "},
    {JOB_RUNNING, "**ccci: running** · "},
    {JOB_JUDGED, "**ccci: passed** · "},
};

/* What the first build came to stands below the first line, whatever state the second is in. */
START_TEST(says_that_it_was_tried_again)
{
	struct job job = make_job(agains[_i].state);
	struct reply_facts facts = facts_of(&job);

	job.first_build = 40;
	job.has_verdict = agains[_i].state == JOB_JUDGED;
	(void)copy_text(job.first_reason, sizeof(job.first_reason), "the engine | @is away");
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(text_starts(text, agains[_i].begins), "%s", text);
	ck_assert_msg(strstr(text, "\n\nBuild [#40](" BUILDS "/40) was a CI error and was tried "
				   "again, once: the engine &#124; @\xe2\x80\x8bis away\n") != NULL,
	    "%s", text);
	facts.ahead = (struct reply_ahead){.build = 39, .recipe = ""};
	auto_str char *behind = write_reply(&facts);
	ck_assert_ptr_nonnull(strstr(behind, "was tried again"));
	job.is_shrunk = true;
	auto_str char *line = write_reply(&facts);
	ck_assert(agains[_i].state != JOB_JUDGED || !strstr(line, "tried again"));
}
END_TEST

START_TEST(says_that_nobody_asked)
{
	struct job job = make_job(JOB_QUEUED);
	struct reply_facts facts = facts_of(&job);
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);

	job.comment = JOB_AUTO_FIRST + 2;
	(void)copy_text(job.author, sizeof(job.author), "@renovate");
	reply_write(&facts, &text);
	ck_assert_msg(strstr(buf_text(&text),
			  "\n\nTested without a comment, like each head of a pull request of "
			  "@\xe2\x80\x8brenovate.\n\n<!-- ccci {\"auto\":4000000000000002,"
			  "\"build\":41,") != NULL,
	    "%s", buf_text(&text));
	ck_assert(reply_is_for(buf_text(&text), JOB_AUTO_FIRST + 2));
	ck_assert(!reply_is_for(buf_text(&text), JOB_AUTO_FIRST));
}
END_TEST

static const struct behind_row {
	const char *target;
	int64_t behind;
	const char *says; /* NULL: nothing */
} behinds[] = {
    {"", 0, NULL},
    {"main", 2,
	"\n\nThe head is 2 commits behind `main`: what is there since is not tested with it.\n"},
    {"main", 1, "\n\nThe head is 1 commit behind `main`: "},
    {"main", 0, "\n\nThe head is behind `main`: "},
    {"a`b|@c", 3, "\n\nThe head is 3 commits behind `a?b|@c`: "},
};

START_TEST(says_that_the_head_is_behind)
{
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	job.has_verdict = true;
	job.behind = behinds[_i].behind;
	(void)copy_text(job.target, sizeof(job.target), behinds[_i].target);
	auto_str char *text = write_reply(&facts);
	if (behinds[_i].says)
		ck_assert_msg(strstr(text, behinds[_i].says) != NULL, "%s", text);
	else
		ck_assert_ptr_null(strstr(text, "behind"));
}
END_TEST

static const struct {
	const char *suite_ref;
	int64_t suite_pr;
	const char *says; /* NULL: nothing */
} trials[] = {
    {"", 0, NULL},
    {"fedcba9876543210fedcba9876543210fedcba98", 5,
	"\n\nA trial: judged by the suites of `org/cc-ci#5` at `fedcba98`, not by those in force "
	"on "
	"`main`. It counts for no level and no commit status.\n"},
    {"fedcba9876543210fedcba9876543210fedcba98", 0,
	"\n\nA trial: judged by the suites of `org/cc-ci` at `fedcba98`, not by"},
    {"a,b", 0, "`org/cc-ci` at `a,b`, not"},
};

START_TEST(says_that_it_is_a_trial)
{
	static const enum job_state states[] = {JOB_ASKED, JOB_QUEUED, JOB_RUNNING, JOB_JUDGED};

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct job job = make_job(states[i]);
		struct reply_facts facts = facts_of(&job);

		job.has_verdict = states[i] == JOB_JUDGED;
		job.suite_pr = trials[_i].suite_pr;
		(void)copy_text(job.suite_ref, sizeof(job.suite_ref), trials[_i].suite_ref);
		auto_str char *text = write_reply(&facts);
		if (trials[_i].says)
			ck_assert_msg(strstr(text, trials[_i].says) != NULL, "%s", text);
		else
			ck_assert_ptr_null(strstr(text, "trial"));
	}
}
END_TEST

/* Who started it, and how to do it here: the build takes the head that it finds. */
START_TEST(says_who_started_it_by_hand)
{
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);
	AUTO(buf) nameless = buf_make(REPLY_MAX_BYTES);

	job.comment = job_id_of_build(41);
	job.ref[0] = '\0';
	job.has_verdict = true;
	(void)copy_text(job.author, sizeof(job.author), "@al|ice");
	reply_write(&facts, &text);
	ck_assert_str_eq(buf_text(&text),
	    "**ccci: passed** · custom-html · build [#41](" BUILDS "/41)\n\n"
	    "Started on the page of the CI server by @\xe2\x80\x8b"
	    "al&#124;ice, not by a comment.\n\n"
	    "Again: `!testme` · here: `ccci-run run custom-html --pr 3`\n\n"
	    "<!-- ccci {\"by_hand\":41,\"build\":41,\"verdict\":\"passed\",\"level\":0} -->\n");
	ck_assert(reply_is_for(buf_text(&text), job_id_of_build(41)));
	ck_assert(!reply_is_for(buf_text(&text), job_id_of_build(4)));
	ck_assert(!reply_is_for(buf_text(&text), 41));
	job.author[0] = '\0';
	reply_write(&facts, &nameless);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&nameless), "\nStarted on the page of the CI server, not by"));
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
	results_set(&stage.reason, "volume `data` lost its marker");
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
	(void)copy_text(job.reason, sizeof(job.reason), "upgrade: volume `data` lost its marker");
	(void)copy_text(job.head_version, sizeof(job.head_version), "1.2.0");
	(void)copy_text(job.base_version, sizeof(job.base_version), "1.1.0");
	(void)copy_text(job.stages, sizeof(job.stages), "install,upgrade");
	job.wants_extra = true;
	auto_str char *text = write_reply(&facts);
	ck_assert_str_eq(text,
	    "**ccci: failed at upgrade** · custom-html 1.1.0 → 1.2.0 · build [#41](" BUILDS
	    "/41) · 1 min 12 s · level 1\n\n"
	    "| stage | result | time | |\n|---|---|---|---|\n"
	    "| install | ✅ passed | 9 s |  |\n"
	    "| upgrade | ❌ failed | 41 s | volume `data` lost its marker |\n"
	    "| teardown | ✅ clean | 3 s |  |\n\n"
	    "<details><summary>last lines of service app</summary>\n\n"
	    "````text\nline 1\n```\n@everyone</details>\n<!-- ccci {\"comment\":81} -->\n"
	    "````\n\n</details>\n\n"
	    "Again: `!testme` · here: `ccci-run run custom-html --ref " REF
	    " --stages=install,upgrade --extra`\n\n"
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

/* What the suite's allow let through stands under the table, by its words. */
START_TEST(says_what_was_let_through)
{
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	fill_results(&results);
	results_allowed_add(&results.allowed, "app", "mounts /x", "host-bind:/`x`|y:ro");
	results_allowed_add(&results.allowed, "", "has a link", "host-file:/x");
	facts.results = &results;
	job.has_verdict = true;
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(strstr(text, "| ✅ clean | 3 s |  |\n\nLet through by the suite's allow: "
				   "`host-bind:/?x?|y:ro` (app), `host-file:/x`\n") != NULL,
	    "%s", text);
	for (int i = 0; i < 10; i++) {
		auto_str char *word = xasprintf("host-port:%d", i);

		results_allowed_add(&results.allowed, "app", "takes a port", word);
	}
	auto_str char *many = write_reply(&facts);
	ck_assert_msg(strstr(many, "`host-port:5` (app) and 4 more\n") != NULL, "%s", many);
}
END_TEST

/* Once a run was green, a red one says what changed; texts of the recipe act as little as ever. */
START_TEST(says_what_changed)
{
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	fill_results(&results);
	facts.results = &results;
	job.has_verdict = true;
	auto_str char *before = write_reply(&facts);
	ck_assert_ptr_null(strstr(before, "Since the last green"));
	results_set(&results.started, "2026-11-22T03:10:00Z");
	results_set(&results.last_green_when, "2026-11-22T01:10:00Z");
	auto_str char *same = write_reply(&facts);
	ck_assert_msg(strstr(same, "| ✅ clean | 3 s |  |\n\nSince the last green (2 h ago): "
				   "nothing changed\n") != NULL,
	    "%s", same);
	results_add_change(&results, "image app", "nginx:1", "@all:2|x\n# y");
	auto_str char *changed = write_reply(&facts);
	ck_assert_msg(strstr(changed, "image app nginx:1 → ") != NULL, "%s", changed);
	ck_assert_ptr_null(strstr(changed, "@all"));
	ck_assert_ptr_null(strstr(changed, "\n# y"));
}
END_TEST

static const struct kept_row {
	const char *until, *why_not, *says;
} kept_rows[] = {
    {"2026-11-22T04:00:00Z", "",
	"| teardown | 👀 kept | 3 s | up for a look at `https://cust-9f2c1a.ci.test/` until "
	"2026-11-22T04:00:00Z, unless another run needs its slot |\n"},
    {"", "the head | is not up",
	"| teardown | ✅ clean | 3 s | not kept: the head &#124; is not up |\n"},
};

START_TEST(says_what_is_kept)
{
	const struct kept_row *row = &kept_rows[_i];
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);

	fill_results(&results);
	results_set(&results.kept_url, "https://cust-9f2c1a.ci.test/");
	results_set(&results.kept_until, row->until);
	results_set(&results.kept_why_not, row->why_not);
	facts.results = &results;
	job.has_verdict = true;
	auto_str char *text = write_reply(&facts);
	ck_assert_msg(strstr(text, row->says) != NULL, "%s", text);
}
END_TEST

static const struct reason_row {
	const char *of_job;   /* "%s" is the stage's */
	const char *of_stage; /* "": one that is longer than a document allows */
	bool is_above;
} reasons[] = {
    {"upgrade: %s", "volume `data` lost its marker", false},
    {"%s", "volume `data` lost its marker", false},
    {"upgrade: %s", "", false},
    {"install: %s", "volume `data` lost its marker", true},
    {"the run took longer than 55 min", "volume `data` lost its marker", true},
    {"", "volume `data` lost its marker", false},
};

/* A stage's reason stands in its row, whole; any other stands above the table. */
START_TEST(a_reason_stands_once)
{
	const struct reason_row *row = &reasons[_i];
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);
	struct reply_facts facts = facts_of(&job);
	auto_str char *long_reason = xcalloc(RESULTS_TEXT_MAX + 1, 1);
	const char *reason = row->of_stage[0] ? row->of_stage : long_reason;

	memset(long_reason, 'x', RESULTS_TEXT_MAX);
	fill_results(&results);
	results_set(&results.stages[1].reason, reason);
	job.has_verdict = true;
	job.verdict = VERDICT_RECIPE_FAILED;
	const char *stage_part = strstr(row->of_job, "%s");
	auto_str char *whole = xasprintf("%.*s%s", (int)strcspn(row->of_job, "%"), row->of_job,
	    stage_part ? results.stages[1].reason : "");
	(void)snprintf(job.reason, sizeof(job.reason), "%s", whole);
	facts.results = &results;
	auto_str char *text = write_reply(&facts);
	const char *table = strstr(text, "\n\n| stage |");
	const char *above = strstr(text, "\n\n");
	const char *cell = strstr(text, reason);

	ck_assert_ptr_nonnull(table);
	ck_assert_msg((above < table) == row->is_above, "%s", text);
	ck_assert_msg(cell != NULL, "%s", text);
	if (!row->is_above)
		ck_assert_msg(!strstr(cell + strlen(reason), reason), "%s", text);
}
END_TEST

/* --- what the documents show --- */

static void add_example_stage(struct results *results, enum stage which, enum outcome outcome,
    double seconds, const char *reason)
{
	struct results_stage stage;

	results_stage_init(&stage, which);
	stage.outcome = outcome;
	stage.seconds = seconds;
	results_set(&stage.reason, reason);
	results_take_stage(results, &stage);
}

#define MOVED "volume `data` lost its marker: the mount moved from /data to /srv"

static void write_example(
    const struct job *job, const struct results *results, const char *url, struct buf *out)
{
	struct job judged = *job;
	struct reply_facts facts = {
	    .job = &judged, .results = results, .builds_url = url, .trigger = "!testme"};

	judged.state = JOB_ANSWERED;
	judged.has_verdict = true;
	judged.verdict = VERDICT_RECIPE_FAILED;
	judged.level = 1;
	(void)copy_text(judged.reason, sizeof(judged.reason), "upgrade: " MOVED);
	reply_write(&facts, out);
}

static void write_example_of_readme(struct buf *out)
{
	AUTO(results) results = {0};
	const struct job job = {.comment = 6,
	    .repo = "recipe-maintainers/data-loss",
	    .build = 3,
	    .ref = "94492224a482e72822a8c555be7d6e58f591e9a5",
	    .base_version = "0.2.0+1.1",
	    .head_version = "1.0.0+1.2"};

	results_init(&results);
	results.seconds = 34;
	results.teardown_seconds = 5;
	add_example_stage(&results, STAGE_INSTALL, OUTCOME_PASS, 5, "");
	add_example_stage(&results, STAGE_UPGRADE, OUTCOME_FAIL, 23, MOVED);
	write_example(&job, &results, "http://127.0.0.1:46729/recipe-maintainers/cc-ci", out);
}

static void write_example_of_contract(struct buf *out)
{
	AUTO(results) results = {0};
	struct job job = make_job(JOB_JUDGED);

	(void)copy_text(job.base_version, sizeof(job.base_version), "1.1.0+2.0.3");
	(void)copy_text(job.head_version, sizeof(job.head_version), "1.2.0+2.1.0");
	(void)copy_text(job.stages, sizeof(job.stages), "install,upgrade,backup");
	results_init(&results);
	results.seconds = 72;
	results.teardown_seconds = 3;
	add_example_stage(&results, STAGE_INSTALL, OUTCOME_PASS, 9, "");
	add_example_stage(&results, STAGE_UPGRADE, OUTCOME_FAIL, 41, MOVED);
	results_stage_set_evidence(
	    &results.stages[1], "app", "listening on :80\nno such file: /srv/index.html\n");
	add_example_stage(&results, STAGE_BACKUP, OUTCOME_NOT_RUN, 0, "upgrade failed");
	results_set(&results.started, "2026-11-22T03:10:00Z");
	results_set(&results.last_green_when, "2026-11-19T02:10:00Z");
	results.last_green_build = 40;
	results_add_change(&results, "recipe", "89abcdef0123456789abcdef0123456789abcdef",
	    "0123456789abcdef0123456789abcdef01234567");
	results_add_change(&results, "image app", "sha256:1f0c2d9a77b400", "sha256:c5e81b3d662000");
	results_allowed_add(&results.allowed, "app", "mounts /etc/localtime of the host to read",
	    "host-bind:/etc/localtime:ro");
	write_example(&job, &results, BUILDS, out);
}

static void write_queued_of_contract(struct buf *out)
{
	struct job job = make_job(JOB_QUEUED);
	struct reply_facts facts = facts_of(&job);

	facts.ahead = (struct reply_ahead){.build = 40,
	    .recipe = "plausible",
	    .pr = 3,
	    .running_s = 430,
	    .usual_s = 530,
	    .more = 1,
	    .wait_s = 340};
	reply_write(&facts, out);
}

static const struct example_row {
	const char *document;
	void (*write)(struct buf *out);
} examples[] = {
    {"README.md", write_example_of_readme},
    {"docs/contracts.md", write_example_of_contract},
    {"docs/contracts.md", write_queued_of_contract},
};

START_TEST(documents_show_what_is_written)
{
	AUTO(buf) page = {0};
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);
	struct err err;
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, examples[_i].document);

	examples[_i].write(&text);
	ck_assert_msg(file_read(path, REPLY_MAX_BYTES, &page, &err) == 0, "%s", err.msg);
	auto_str char *shown = xasprintf("markdown\n%s```", buf_text(&text));
	ck_assert_msg(strstr(buf_text(&page), shown) != NULL, "%s does not show:\n%s",
	    examples[_i].document, buf_text(&text));
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
	job.ended_s = job.started_s;
	auto_str char *at_once = write_reply(&facts);
	ck_assert_msg(strstr(at_once, " · 0 s\n\nthe reason.\n") != NULL, "%s", at_once);
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
	for (int i = 0; i < RESULTS_ITEMS_MAX; i++) {
		auto_str char *word = xasprintf("%d%s", i, big);

		results_add_left(&results, big);
		results_allowed_add(&results.allowed, big, big, word);
	}
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
	tcase_add_test(tests, links_the_page);
	tcase_add_loop_test(tests, answered_in_a_sentence, 0, 3);
	tcase_add_loop_test(tests, stopping, 0, 2);
	tcase_add_loop_test(tests, tells_how_it_stands, 0, COUNT_OF(status_rows));
	tcase_add_loop_test(tests, held_back, 0, COUNT_OF(held_rows));
	tcase_add_test(tests, queued);
	tcase_add_loop_test(tests, queued_behind, 0, COUNT_OF(waits));
	tcase_add_loop_test(tests, step_has_its_time, 0, COUNT_OF(step_rows));
	tcase_add_test(tests, says_that_nobody_asked);
	tcase_add_loop_test(tests, says_that_the_head_is_behind, 0, COUNT_OF(behinds));
	tcase_add_loop_test(tests, says_that_it_is_a_trial, 0, COUNT_OF(trials));
	tcase_add_test(tests, says_who_started_it_by_hand);
	tcase_add_loop_test(tests, says_that_it_was_tried_again, 0, COUNT_OF(agains));
	tcase_add_test(tests, running);
	tcase_add_test(tests, failed);
	tcase_add_test(tests, says_what_was_let_through);
	tcase_add_test(tests, says_what_changed);
	tcase_add_loop_test(tests, says_what_is_kept, 0, COUNT_OF(kept_rows));
	tcase_add_loop_test(tests, a_reason_stands_once, 0, COUNT_OF(reasons));
	tcase_add_loop_test(tests, documents_show_what_is_written, 0, COUNT_OF(examples));
	tcase_add_loop_test(tests, every_verdict_without_results, 0, COUNT_OF(verdicts));
	tcase_add_loop_test(tests, finds_its_mark, 0, COUNT_OF(marks));
	tcase_add_loop_test(tests, largest_results_fit, 0, (int)strlen(large_characters));
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
