/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/run_page.h"

#include "common/clock.h"
#include "common/since.h"

#include <inttypes.h>

#define LANE_WIDTH 1000
#define LANE_HEIGHT 20
#define EVIDENCE_BYTES RESULTS_EVIDENCE_MAX_BYTES

/* --- the head --- */

static void add_head(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts)
{
	const struct past_run *run = facts->run;
	AUTO(buf) words = buf_make(REPLY_MAX_BYTES);

	html_begin(html, "div", "class", "head", NULL);
	if (facts->results)
		frame_level(html, run->level, true);
	html_begin(html, "div", NULL);
	html_begin(html, "h1", NULL);
	html_outside(html, overview_recipe_name(run->repo), FRAME_NAME_BYTES);
	html_text(html, " ");
	frame_run_state(html, run);
	html_end(html);
	html_begin(html, "p", "class", "soft", NULL);
	if (!past_is_active(run)) {
		reply_verdict_words(facts->job, facts->results, &words);
		html_text(html, "%s · ", buf_text(&words));
	}
	frame_versions(html, run);
	html_text(html, " · ");
	frame_pull_link(html, frame, run->repo, run->pr);
	if (past_seconds(run)) {
		html_text(html, " · ");
		frame_duration(html, (double)past_seconds(run));
	}
	html_text(html, " · ");
	frame_when(html, frame, run->ended_s ? run->ended_s : run->heard_s);
	html_end(html);
	html_end(html);
	html_end(html);
}

/* --- why, and what to do --- */

static void add_kept(struct html *html, const struct results *results)
{
	if (*results->kept_until) {
		html_begin(html, "p", NULL);
		html_text(html, "Up for a look at ");
		html_begin(html, "a", "href", results->kept_url, NULL);
		html_outside(html, results->kept_url, FRAME_NAME_BYTES);
		html_end(html);
		html_text(html, " until ");
		html_outside(html, results->kept_until, FRAME_NAME_BYTES);
		html_text(html, ", unless another run needs its slot.");
		html_end(html);
	} else if (*results->kept_why_not) {
		html_begin(html, "p", NULL);
		html_text(html, "Not kept: ");
		html_outside_code(html, results->kept_why_not, FRAME_REASON_BYTES);
		html_end(html);
	}
}

/* An error of ours is tried again: whoever comes from the first build finds it here. */
static void add_first_try(struct html *html, const struct job *job)
{
	if (!job->first_build)
		return;
	html_begin(html, "p", NULL);
	html_text(html, "This is the second try: build %" PRId64 " ended in an error of ours: ",
	    job->first_build);
	html_outside_code(html, job->first_reason, JOB_REASON_SIZE);
	html_end(html);
}

static void add_trial(struct html *html, const struct job *job)
{
	if (!job_is_trial(job))
		return;
	frame_section(html, "card", "trial", "A trial");
	html_begin(html, "p", NULL);
	html_text(html, "Judged by the suites of ");
	if (job->suite_pr)
		html_text(html, "pull request #%" PRId64 " of ", job->suite_pr);
	html_text(html, "the CI repository at ");
	html_begin(html, "code", NULL);
	html_outside(html, job->suite_ref, JOB_REF_SIZE);
	html_end(html);
	html_text(html, ", not by those in force. It counts for no level.");
	html_end(html);
	html_end(html);
}

static void add_why(struct html *html, const struct run_page_facts *facts)
{
	auto_str char *since = facts->results ? since_sentence(facts->results) : NULL;
	bool is_kept =
	    facts->results && (*facts->results->kept_until || *facts->results->kept_why_not);

	if (past_is_active(facts->run) ||
	    (!facts->job->reason[0] && !since && !is_kept && !facts->job->first_build))
		return;
	frame_section(html, past_is_red(facts->run) ? "card red" : "card", "why", "Why");
	if (facts->job->reason[0]) {
		html_begin(html, "p", NULL);
		html_outside_code(html, facts->job->reason, JOB_REASON_SIZE);
		html_end(html);
	}
	if (since) {
		html_begin(html, "p", NULL);
		html_outside_code(html, since, RESULTS_TEXT_MAX);
		html_end(html);
	}
	add_first_try(html, facts->job);
	if (facts->results)
		add_kept(html, facts->results);
	html_end(html);
}

static void add_again(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts)
{
	AUTO(buf) command = buf_make(REPLY_MAX_BYTES);

	reply_command(facts->job, &command);
	frame_section(html, "card", "again", "Again");
	if (facts->run->pr) {
		html_begin(html, "p", NULL);
		html_text(html, "As a comment in ");
		frame_pull_link(html, frame, facts->run->repo, facts->run->pr);
		html_text(html, ": ");
		html_say(html, "code", "%s", frame->trigger);
		html_end(html);
	}
	html_say(html, "p", "On a machine of your own with a Swarm and abra:");
	html_begin(html, "pre", "tabindex", "0", "aria-label", "Command that runs it again", NULL);
	html_outside_lines(html, buf_text(&command), REPLY_MAX_BYTES);
	html_end(html);
	html_end(html);
}

/* --- the timeline --- */

/* A stretch of a lane, each beside the one before. */
struct stretch {
	const char *class;
	double seconds;
};

struct scale {
	double total; /* seconds that a whole lane stands for */
	double at;    /* how much of it is behind us */
};

static void add_lane(struct html *html, struct scale *scale, const char *name,
    const struct stretch *stretches, size_t count)
{
	double seconds = 0;

	html_begin(html, "li", NULL);
	html_say(html, "span", "%s", name);
	draw_begin(
	    html, &(struct draw){.class = "lane", .width = LANE_WIDTH, .height = LANE_HEIGHT});
	for (size_t i = 0; i < count; i++) {
		double from = (scale->at + seconds) / scale->total * LANE_WIDTH;
		double width = stretches[i].seconds / scale->total * LANE_WIDTH;

		draw_bar(html, stretches[i].class, from, 1, width > 2 ? width : 2, LANE_HEIGHT - 2);
		seconds += stretches[i].seconds;
	}
	html_end(html);
	html_begin(html, "span", "class", "num", NULL);
	if (seconds > 0)
		frame_duration(html, seconds);
	else
		html_text(html, "–");
	html_end(html);
	html_end(html);
	scale->at += seconds;
}

static const char *stretch_class(enum outcome outcome, size_t index)
{
	static const char *const good[] = {"pa", "pb"};
	static const char *const bad[] = {"fa", "fb"};
	static const char *const other[] = {"na", "nb"};

	switch (outcome) {
	case OUTCOME_PASS:
		return good[index % 2];
	case OUTCOME_FAIL:
		return bad[index % 2];
	case OUTCOME_NOT_RUN:
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		break;
	}
	return other[index % 2];
}

/* Its phases side by side, and what no phase names behind them. */
static void add_stage_lane(
    struct html *html, struct scale *scale, const struct results_stage *stage)
{
	struct stretch stretches[RESULTS_ITEMS_MAX + 1];
	double rest = stage->seconds;
	size_t count = 0;

	for (size_t i = 0; i < stage->phase_count && rest > 0; i++) {
		double seconds = stage->phases[i].seconds;

		seconds = seconds < rest ? seconds : rest;
		stretches[count] = (struct stretch){stretch_class(stage->outcome, count), seconds};
		count++;
		rest -= seconds;
	}
	if (rest > 0 && stage->seconds > 0) {
		stretches[count] = (struct stretch){stretch_class(stage->outcome, count), rest};
		count++;
	}
	add_lane(html, scale, stage_word(stage->stage), stretches, count);
}

static double sum_of(const struct results *results)
{
	double sum = results->teardown_seconds;

	for (size_t i = 0; i < results->stage_count; i++)
		sum += results->stages[i].seconds;
	return sum;
}

static void add_lanes(struct html *html, const struct run_page_facts *facts)
{
	const struct results *results = facts->results;
	const struct past_run *run = facts->run;
	double waited = run->started_s > run->heard_s ? (double)(run->started_s - run->heard_s) : 0;
	double all = sum_of(results);
	struct scale scale = {.total = waited + all > 0 ? waited + all : 1};
	struct stretch wait = {"wait", waited};
	struct stretch teardown = {"na", results->teardown_seconds};

	html_begin(html, "ul", "class", "lanes", NULL);
	add_lane(html, &scale, "waiting", &wait, waited > 0 ? 1 : 0);
	for (size_t i = 0; i < results->stage_count; i++)
		add_stage_lane(html, &scale, &results->stages[i]);
	add_lane(html, &scale, "teardown", &teardown, 1);
	html_end(html);
}

static void add_row(struct html *html, const char *name)
{
	html_begin(html, "tr", NULL);
	html_begin(html, "th", "scope", "row", NULL);
	html_text(html, "%s", name);
	html_end(html);
	html_begin(html, "td", NULL);
}

static void add_time(struct html *html, double seconds)
{
	html_end(html);
	html_begin(html, "td", "class", "num", NULL);
	if (seconds > 0)
		frame_duration(html, seconds);
}

static void add_row_time(struct html *html, double seconds)
{
	add_time(html, seconds);
	html_end(html);
	html_begin(html, "td", "class", "why", NULL);
}

static void end_row(struct html *html)
{
	html_end(html);
	html_end(html);
}

static void add_teardown_row(struct html *html, const struct results *results)
{
	add_row(html, "teardown");
	frame_state(html, results->is_clean ? "passed" : "error",
	    !results->is_clean	   ? "something is left"
	    : *results->kept_until ? "kept"
				   : "clean");
	add_row_time(html, results->teardown_seconds);
	for (size_t i = 0; i < results->left_count; i++) {
		html_text(html, i ? ", " : "");
		html_outside_code(html, results->left[i], FRAME_NAME_BYTES);
	}
	end_row(html);
}

static void begin_table(struct html *html, const char *by, const char *first, const char *last)
{
	const char *titles[] = {first, "Result", "Time", last}; /* last: NULL: there is none */

	html_begin(html, "div", "class", "scroll", "tabindex", "0", "role", "region",
	    "aria-labelledby", by, NULL);
	html_begin(html, "table", NULL);
	html_begin(html, "thead", NULL);
	html_begin(html, "tr", NULL);
	for (size_t i = 0; i < COUNT_OF(titles) && titles[i]; i++) {
		html_begin(html, "th", "scope", "col", "class", i == 2 ? "num" : NULL, NULL);
		html_text(html, "%s", titles[i]);
		html_end(html);
	}
	html_end(html);
	html_end(html);
	html_begin(html, "tbody", NULL);
}

static void end_table(struct html *html)
{
	html_end(html);
	html_end(html);
	html_end(html);
}

static void add_stages(struct html *html, const struct run_page_facts *facts)
{
	const struct results *results = facts->results;

	frame_section(html, "card", "stages", "Stages");
	add_lanes(html, facts);
	begin_table(html, "stages", "Stage", "Why");
	for (size_t i = 0; i < results->stage_count; i++) {
		const struct results_stage *stage = &results->stages[i];

		add_row(html, stage_word(stage->stage));
		frame_outcome(html, stage->outcome);
		add_row_time(html, stage->seconds);
		html_outside_code(html, stage->reason, RESULTS_TEXT_MAX);
		end_row(html);
	}
	add_teardown_row(html, results);
	end_table(html);
	html_end(html);
}

/* --- while it runs --- */

static void add_step_state(struct html *html, enum reply_step_state state)
{
	switch (state) {
	case REPLY_STEP_WAITING:
		frame_state(html, "queued", "waiting");
		return;
	case REPLY_STEP_RUNNING:
		frame_state(html, "running", "running");
		return;
	case REPLY_STEP_PASSED:
		frame_state(html, "passed", "done");
		return;
	case REPLY_STEP_FAILED:
		frame_state(html, "failed", "failed");
		return;
	case REPLY_STEP_SKIPPED:
		frame_state(html, "none", "skipped");
		return;
	case REPLY_STEP_ENDED:
		frame_state(html, "ended", "ended");
		return;
	}
}

static void add_steps(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts)
{
	frame_section(html, "card now", "now", "Now");
	html_begin(html, "p", NULL);
	if (facts->run->started_s) {
		html_text(html, "Began ");
		frame_when(html, frame, facts->run->started_s);
	} else {
		html_text(html, "Waits for a runner since ");
		frame_when(html, frame, facts->run->heard_s);
	}
	if (facts->usual_s) {
		html_text(html, "; a run usually takes ");
		frame_duration(html, (double)facts->usual_s);
	}
	html_text(html, ". This page asks for itself again every %d s.", FRAME_REFRESH_S);
	html_end(html);
	if (facts->step_count) {
		begin_table(html, "now", "Step", NULL);
		for (size_t i = 0; i < facts->step_count; i++) {
			html_begin(html, "tr", NULL);
			html_begin(html, "th", "scope", "row", NULL);
			html_outside(html, facts->steps[i].name, FRAME_NAME_BYTES);
			html_end(html);
			html_begin(html, "td", NULL);
			add_step_state(html, facts->steps[i].state);
			add_time(html, (double)facts->steps[i].seconds);
			end_row(html);
		}
		end_table(html);
	}
	html_end(html);
}

/* --- each stage, opened --- */

static void add_tests(struct html *html, const struct results_stage *stage, const char *by)
{
	begin_table(html, by, "Test", "Why");
	for (size_t i = 0; i < stage->test_count; i++) {
		const struct results_test *test = &stage->tests[i];

		html_begin(html, "tr", NULL);
		html_begin(html, "th", "scope", "row", NULL);
		html_outside(html, test->name, RESULTS_TEXT_MAX);
		html_end(html);
		html_begin(html, "td", NULL);
		frame_outcome(html, test->outcome);
		add_row_time(html, test->seconds);
		html_outside_code(html, test->reason, RESULTS_TEXT_MAX);
		end_row(html);
	}
	end_table(html);
}

static void add_phases(struct html *html, const struct results_stage *stage)
{
	html_begin(html, "p", "class", "soft small", NULL);
	html_text(html, "Where the time went: ");
	for (size_t i = 0; i < stage->phase_count; i++) {
		html_text(html, i ? ", " : "");
		html_outside(html, stage->phases[i].name, FRAME_NAME_BYTES);
		html_text(html, " %.1f s", stage->phases[i].seconds);
	}
	html_end(html);
}

static void add_evidence(struct html *html, const struct results_stage *stage)
{
	html_begin(html, "p", NULL);
	html_text(html, "Last lines");
	if (stage->service[0]) {
		html_text(html, " of service ");
		html_outside(html, stage->service, FRAME_NAME_BYTES);
	}
	html_text(html, ":");
	html_end(html);
	html_begin(html, "pre", "tabindex", "0", "aria-label", "Last lines", NULL);
	html_outside_lines(html, stage->evidence, EVIDENCE_BYTES);
	html_end(html);
}

/* The one that failed stands open. */
static void add_detail(struct html *html, const struct results_stage *stage)
{
	auto_str char *id = xasprintf("stage-%s", stage_word(stage->stage));
	bool is_open = stage->outcome == OUTCOME_FAIL || stage->outcome == OUTCOME_ERROR;

	if (!stage->test_count && !stage->phase_count && !stage->evidence[0])
		return;
	html_begin(html, "details", "open", is_open ? "" : NULL, NULL);
	html_begin(html, "summary", "id", id, NULL);
	html_text(html, "%s ", stage_word(stage->stage));
	frame_outcome(html, stage->outcome);
	html_end(html);
	if (stage->evidence[0])
		add_evidence(html, stage);
	if (stage->test_count)
		add_tests(html, stage, id);
	if (stage->phase_count)
		add_phases(html, stage);
	html_end(html);
}

static void add_details(struct html *html, const struct results *results)
{
	frame_section(html, "card", "details", "Tests and last lines");
	for (size_t i = 0; i < results->stage_count; i++)
		add_detail(html, &results->stages[i]);
	html_end(html);
}

/* --- the app --- */

/* A page of the pull request's was in it: it is a picture and nothing else. */
static void add_picture(struct html *html, const struct run_page_facts *facts)
{
	auto_str char *address = xasprintf("%" PRId64 "/picture", facts->job->build);
	auto_str char *width = xasprintf("%" PRId64, facts->results->picture_width);
	auto_str char *height = xasprintf("%" PRId64, facts->results->picture_height);

	if (!facts->has_picture)
		return;
	frame_section(html, "card", "app", "The app");
	html_begin(html, "p", NULL);
	html_empty(html, "img", "class", "shot", "src", address, "width", width, "height", height,
	    "alt", "the app as a browser showed it when it was installed", NULL);
	html_end(html);
	html_end(html);
}

/* --- what it rests on, where it is --- */

static void add_fact(struct html *html, const char *name, const char *value)
{
	if (!value[0])
		return;
	html_say(html, "dt", "%s", name);
	html_begin(html, "dd", NULL);
	html_outside(html, value, RESULTS_TEXT_MAX);
	html_end(html);
}

static void add_provenance(struct html *html, const struct results *results)
{
	frame_section(html, "card", "provenance", "What it rests on");
	html_begin(html, "details", NULL);
	html_say(html, "summary", "Versions, suite, images");
	html_begin(html, "dl", NULL);
	add_fact(html, "commit", results->ref);
	add_fact(html, "base chosen", results->base_why);
	add_fact(html, "ccci", results->ccci);
	add_fact(html, "abra", results->abra);
	add_fact(html, "host", results->host);
	add_fact(html, "suite", results->suite);
	add_fact(html, "its commit", results->suite_ref);
	add_fact(html, "its hash", results->suite_hash);
	add_fact(html, "recipe's tests", results->recipe_tests_hash);
	for (size_t i = 0; i < results->allowed.count; i++)
		add_fact(html, "let through", results->allowed.items[i].word);
	for (size_t i = 0; i < results->image_count; i++) {
		auto_str char *what =
		    xasprintf("%s %s", results->images[i].name, results->images[i].value);

		add_fact(html, "image of", what);
	}
	html_end(html);
	html_end(html);
	html_end(html);
}

static void add_link(struct html *html, const char *address, const char *word)
{
	html_begin(html, "li", NULL);
	html_begin(html, "a", "href", address, NULL);
	html_text(html, "%s", word);
	html_end(html);
	html_end(html);
}

static void add_links(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts)
{
	const struct job *job = facts->job;
	auto_str char *build = xasprintf("%s/%" PRId64, frame->builds_url, job->build);
	auto_str char *pull =
	    xasprintf("%s/%s/pulls/%" PRId64, frame->forge_url, job->repo, job->pr);
	auto_str char *commit = xasprintf("%s/%s/commit/%s", frame->forge_url, job->repo, job->ref);
	auto_str char *results = xasprintf("%" PRId64 "/results.json", job->build);
	auto_str char *junit = xasprintf("%" PRId64 "/junit.xml", job->build);

	html_begin(html, "ul", "class", "chips", "aria-label", "Links of this run", NULL);
	html_begin(html, "li", NULL);
	frame_recipe_link(html, frame, job->repo);
	html_end(html);
	if (job->pr)
		add_link(html, pull, "pull request");
	add_link(html, commit, "commit");
	if (frame->builds_url[0])
		add_link(html, build, "build and its log");
	if (facts->results) {
		add_link(html, results, "results.json");
		add_link(html, junit, "junit.xml");
	}
	html_end(html);
}

void run_page_write(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts)
{
	frame_begin(html, frame);
	add_head(html, frame, facts);
	add_links(html, frame, facts);
	if (past_is_active(facts->run))
		add_steps(html, frame, facts);
	add_trial(html, facts->job);
	add_why(html, facts);
	if (facts->results) {
		add_stages(html, facts);
		add_details(html, facts->results);
		add_picture(html, facts);
	}
	add_again(html, frame, facts);
	if (facts->results)
		add_provenance(html, facts->results);
	frame_end(html, frame);
}
