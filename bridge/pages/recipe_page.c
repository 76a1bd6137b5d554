/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/recipe_page.h"

#include "common/since.h"

#include <inttypes.h>

/* --- the level, and the next one --- */

/* What each level says, from 1 up, and the stages that say it; STAGE_NONE ends them. */
static const struct {
	const char *claim;
	enum stage stages[3];
} levels[] = {
    {"it installs", {STAGE_INSTALL, STAGE_NONE}},
    {"it upgrades", {STAGE_RECREATE, STAGE_UPGRADE, STAGE_NONE}},
    {"it backs up and restores", {STAGE_BACKUP, STAGE_NONE}},
    {"it passes its own tests", {STAGE_RECIPE, STAGE_NONE}},
    {"it is lint clean and leaves nothing behind", {STAGE_LINT, STAGE_NONE}},
};
#define LEVEL_MAX ((int)COUNT_OF(levels))

static const struct results_stage *find_stage(const struct results *results, enum stage stage)
{
	for (size_t i = 0; i < results->stage_count; i++) {
		if (results->stages[i].stage == stage)
			return &results->stages[i];
	}
	return NULL;
}

static void add_missing_stage(struct html *html, enum stage which, const struct results *results)
{
	const struct results_stage *stage = find_stage(results, which);

	if (!stage || stage->outcome == OUTCOME_PASS)
		return;
	html_begin(html, "li", NULL);
	frame_outcome(html, stage->outcome);
	html_text(html, " %s: ", stage_word(which));
	html_outside_code(html, stage->reason, FRAME_REASON_BYTES);
	html_end(html);
}

/* A level that was climbed past counts no more: only what stands above is told. */
static void add_missing(
    struct html *html, const struct recipe_page_facts *facts, const struct past_run *run)
{
	const struct results *results = facts->results;

	if (run->level >= LEVEL_MAX || !results)
		return;
	html_say(html, "p", "Level %d would say that %s. In the way of more:", run->level + 1,
	    levels[run->level].claim);
	html_begin(html, "ul", "class", "plain", NULL);
	for (int level = run->level; level < LEVEL_MAX; level++) {
		for (size_t i = 0; levels[level].stages[i] != STAGE_NONE; i++)
			add_missing_stage(html, levels[level].stages[i], results);
	}
	if (!results->is_clean)
		html_say(html, "li", "teardown left something behind");
	html_end(html);
}

static void add_level(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	const struct past_run *run = past_level(facts->past);

	frame_section(html, "card", "level", "Level");
	if (!run) {
		html_say(html, "p", "No run of all stages has come to a verdict yet.");
	} else {
		html_begin(html, "p", NULL);
		html_text(html, "Level %d of %d", run->level, LEVEL_MAX);
		if (run->level > 0)
			html_text(html, ": %s", levels[run->level - 1].claim);
		html_text(html, ". So says ");
		frame_build_link(html, frame, run->build);
		html_text(html, " ");
		frame_pull_link(html, frame, run->repo, run->pr);
		html_text(html, ", ");
		frame_when(html, frame, run->ended_s);
		html_text(html, ".");
		html_end(html);
		add_missing(html, facts, run);
	}
	html_end(html);
}

/* --- by night --- */

static void add_night(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	struct past_night night = past_by_night(facts->past);
	auto_str char *since = facts->first_red ? since_sentence(facts->first_red) : NULL;

	if (!night.is_red)
		return;
	frame_section(html, "card red", "nightly", "Nightly");
	html_begin(html, "p", NULL);
	html_text(html, "Red since ");
	frame_build_link(html, frame, night.first_red->build);
	html_text(html, ", ");
	frame_when(html, frame, night.first_red->ended_s);
	html_text(html, ", at ");
	html_begin(html, "code", NULL);
	html_text(html, "%.8s", night.first_red->ref);
	html_end(html);
	html_text(html, ".");
	html_end(html);
	if (since) {
		html_begin(html, "p", NULL);
		html_outside_code(html, since, RESULTS_TEXT_MAX);
		html_end(html);
	}
	html_end(html);
}

/* --- flaky --- */

static void add_flaky(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	struct past_flaky flaky[PAST_FLAKY_MAX];
	size_t count = past_flaky(facts->past, flaky);

	if (!count)
		return;
	frame_section(html, "card", "flaky", "Flaky stages");
	html_say(html, "p", "Red and green on one commit: not the change, but chance.");
	html_begin(html, "ul", "class", "runs", NULL);
	for (size_t i = 0; i < count; i++) {
		html_begin(html, "li", NULL);
		html_begin(html, "span", "class", "what", NULL);
		frame_state(html, "flaky", stage_word(flaky[i].stage));
		html_end(html);
		html_begin(html, "span", NULL);
		html_begin(html, "code", NULL);
		html_text(html, "%.8s", flaky[i].red->ref);
		html_end(html);
		html_end(html);
		html_begin(html, "p", NULL);
		html_text(html, "red in ");
		frame_build_link(html, frame, flaky[i].red->build);
		html_text(html, ", green in ");
		frame_build_link(html, frame, flaky[i].green->build);
		html_end(html);
		html_end(html);
	}
	html_end(html);
	html_end(html);
}

/* --- trends --- */

struct series {
	struct draw_column columns[DRAW_COLUMNS_MAX];
	size_t count, red;
	double last, most;
};

static enum draw_tone tone_of(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		return DRAW_GOOD;
	case OUTCOME_FAIL:
		return DRAW_BAD;
	case OUTCOME_NOT_RUN:
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		break;
	}
	return DRAW_OTHER;
}

/* A stage over the runs that had it, the oldest first. */
static struct series series_of_stage(const struct past *past, enum stage stage)
{
	struct series series = {0};
	size_t from = 0;

	for (size_t found = 0; from < past->count && found < DRAW_COLUMNS_MAX; from++)
		found += past->runs[from].stages[stage].is_known ? 1 : 0;
	while (from > 0) {
		const struct past_run *run = &past->runs[--from];
		double seconds = run->stages[stage].seconds;

		if (!run->stages[stage].is_known || series.count == DRAW_COLUMNS_MAX)
			continue;
		series.columns[series.count++] = (struct draw_column){
		    .tone = tone_of(run->stages[stage].outcome), .value = seconds};
		series.red += run->stages[stage].outcome == OUTCOME_FAIL ? 1 : 0;
		series.last = seconds;
		series.most = seconds > series.most ? seconds : series.most;
	}
	return series;
}

static struct series series_of_levels(const struct past *past)
{
	struct series series = {0};

	for (size_t i = past->count; i > 0; i--) {
		const struct past_run *run = &past->runs[i - 1];

		if (!past_is_whole(run))
			continue;
		if (series.count == DRAW_COLUMNS_MAX) {
			memmove(series.columns, series.columns + 1,
			    (DRAW_COLUMNS_MAX - 1) * sizeof(series.columns[0]));
			series.count--;
		}
		series.columns[series.count++] = (struct draw_column){
		    .tone = past_is_red(run) ? DRAW_BAD : DRAW_GOOD, .value = run->level};
	}
	return series;
}

static void add_chart(struct html *html, const struct series *series, const char *label)
{
	draw_columns(html,
	    &(struct draw){.class = "chart", .width = 240, .height = 56, .label = label},
	    series->columns, series->count);
}

static void add_stage_chart(struct html *html, const struct past *past, enum stage stage)
{
	struct series series = series_of_stage(past, stage);
	char label[96];

	if (series.most <= 0)
		return; /* it was never run */
	(void)format_text(label, sizeof(label), "%s: last %zu runs, %zu failed", stage_word(stage),
	    series.count, series.red);
	html_begin(html, "figure", NULL);
	add_chart(html, &series, label);
	html_begin(html, "figcaption", NULL);
	html_say(html, "b", "%s", stage_word(stage));
	html_text(html, " ");
	frame_duration(html, series.last);
	html_text(html, " last, ");
	frame_duration(html, series.most);
	html_text(html, " at most, %zu of %zu failed", series.red, series.count);
	html_end(html);
	html_end(html);
}

static void add_trends(struct html *html, const struct recipe_page_facts *facts)
{
	struct series levels_then = series_of_levels(facts->past);

	frame_section(html, "card", "trends", "Trends");
	html_begin(html, "div", "class", "charts", NULL);
	if (levels_then.count) {
		html_begin(html, "figure", NULL);
		add_chart(html, &levels_then, "level of each of the last runs, oldest first");
		html_begin(html, "figcaption", NULL);
		html_say(html, "b", "level");
		html_text(html, " of the last %zu runs", levels_then.count);
		html_end(html);
		html_end(html);
	}
	for (int stage = 0; stage < STAGE_COUNT; stage++)
		add_stage_chart(html, facts->past, (enum stage)stage);
	html_end(html);
	html_begin(html, "p", "class", "soft small", NULL);
	html_text(html,
	    "A column is a run, the newest at the right; its height is the time it took. A "
	    "mark on top: it failed, or was not decided.");
	html_end(html);
	html_end(html);
}

/* --- runs --- */

static void add_cell_time(struct html *html, const struct past_run *run)
{
	html_begin(html, "td", "class", "num", NULL);
	if (past_seconds(run))
		frame_duration(html, (double)past_seconds(run));
	html_end(html);
}

static void add_run(struct html *html, const struct frame *frame, const struct past_run *run)
{
	html_begin(html, "tr", NULL);
	html_begin(html, "th", "scope", "row", NULL);
	frame_build_link(html, frame, run->build);
	html_end(html);
	html_begin(html, "td", NULL);
	frame_run_state(html, run);
	html_end(html);
	html_begin(html, "td", NULL);
	if (past_is_judged(run))
		frame_level(html, run->level, false);
	html_end(html);
	html_begin(html, "td", NULL);
	frame_pull_link(html, frame, run->repo, run->pr);
	html_end(html);
	html_begin(html, "td", NULL);
	frame_versions(html, run);
	html_end(html);
	add_cell_time(html, run);
	html_begin(html, "td", "class", "when soft", NULL);
	frame_when(html, frame, run->ended_s ? run->ended_s : run->heard_s);
	html_end(html);
	html_end(html);
}

static void add_runs(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	static const char *const titles[] = {
	    "Build", "Verdict", "Level", "Pull request", "Versions", "Time", "When"};

	frame_section(html, "card", "runs", "Runs");
	html_begin(html, "div", "class", "scroll", "tabindex", "0", "role", "region",
	    "aria-labelledby", "runs", NULL);
	html_begin(html, "table", "class", "wide", NULL);
	html_begin(html, "thead", NULL);
	html_begin(html, "tr", NULL);
	for (size_t i = 0; i < COUNT_OF(titles); i++) {
		html_begin(html, "th", "scope", "col", "class",
		    text_is(titles[i], "Time") ? "num" : NULL, NULL);
		html_text(html, "%s", titles[i]);
		html_end(html);
	}
	html_end(html);
	html_end(html);
	html_begin(html, "tbody", NULL);
	for (size_t i = 0; i < facts->past->count; i++)
		add_run(html, frame, &facts->past->runs[i]);
	html_end(html);
	html_end(html);
	html_end(html);
	html_end(html);
}

/* --- the suite, the badge --- */

static void add_suite(struct html *html, const struct recipe_page_facts *facts)
{
	const struct results *results = facts->results;

	if (!results)
		return;
	frame_section(html, "card", "suite", "Suite");
	html_begin(html, "dl", NULL);
	html_say(html, "dt", "in force");
	html_begin(html, "dd", NULL);
	html_outside(html, results->suite[0] ? results->suite : "none", FRAME_NAME_BYTES);
	html_end(html);
	if (results->suite_hash[0]) {
		html_say(html, "dt", "its hash");
		html_begin(html, "dd", "class", "mono", NULL);
		html_outside(html, results->suite_hash, FRAME_NAME_BYTES);
		html_end(html);
	}
	html_say(html, "dt", "lets through");
	html_begin(html, "dd", NULL);
	if (!results->allowed.count)
		html_text(html, "nothing beyond the rules");
	for (size_t i = 0; i < results->allowed.count; i++) {
		html_begin(html, "code", NULL);
		html_outside(html, results->allowed.items[i].word, FRAME_NAME_BYTES);
		html_end(html);
		html_text(html, " ");
	}
	html_end(html);
	html_end(html);
	html_end(html);
}

static void add_badge(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	auto_str char *picture = xasprintf("%sbadge/%s.svg", frame->root, facts->name);
	auto_str char *label = xasprintf("badge of %s", facts->name);

	frame_section(html, "card", "badge", "Badge");
	html_begin(html, "p", NULL);
	html_empty(html, "img", "src", picture, "alt", label, "height", "20", NULL);
	html_end(html);
	if (frame->public_url[0]) {
		html_begin(
		    html, "pre", "tabindex", "0", "aria-label", "Markdown of the badge", NULL);
		html_text(html, "[![ccci](%s/badge/%s.svg)](%s/recipes/%s)", frame->public_url,
		    facts->name, frame->public_url, facts->name);
		html_end(html);
	} else {
		html_begin(html, "p", "class", "soft small", NULL);
		html_text(html, "Its Markdown stands here once the operator has set PUBLIC_URL.");
		html_end(html);
	}
	html_end(html);
}

/* --- the page --- */

static void add_head(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	const struct past_run *level = past_level(facts->past);
	const struct past_run *newest = &facts->past->runs[0];
	auto_str char *repo = xasprintf("%s/%s", frame->forge_url, newest->repo);
	int64_t usual_s = past_usual_s(facts->past);

	html_begin(html, "div", "class", "head", NULL);
	frame_level(html, level ? level->level : OVERVIEW_NO_LEVEL, true);
	html_begin(html, "div", NULL);
	html_say(html, "h1", "%s", facts->name);
	html_begin(html, "p", "class", "soft", NULL);
	frame_run_state(html, newest);
	html_text(html, " ");
	frame_when(html, frame, newest->ended_s ? newest->ended_s : newest->heard_s);
	if (usual_s) {
		html_text(html, " · usually ");
		frame_duration(html, (double)usual_s);
	}
	html_text(html, " · ");
	html_begin(html, "a", "href", repo, NULL);
	html_outside(html, newest->repo, FRAME_NAME_BYTES);
	html_end(html);
	html_end(html);
	html_end(html);
	html_end(html);
}

static void add_now(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	if (!facts->now_count)
		return;
	frame_section(html, "card now", "now", "Now");
	html_begin(html, "ul", "class", "runs", NULL);
	for (size_t i = 0; i < facts->now_count; i++)
		dashboard_write_now(html, frame, &facts->now[i]);
	html_end(html);
	html_end(html);
}

void recipe_page_write(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts)
{
	frame_begin(html, frame);
	add_head(html, frame, facts);
	html_begin(html, "div", "class", "sides", NULL);
	html_begin(html, "div", NULL);
	add_now(html, frame, facts);
	add_level(html, frame, facts);
	add_night(html, frame, facts);
	add_flaky(html, frame, facts);
	add_trends(html, facts);
	add_runs(html, frame, facts);
	html_end(html);
	html_begin(html, "div", NULL);
	add_badge(html, frame, facts);
	add_suite(html, facts);
	html_end(html);
	html_end(html);
	frame_end(html, frame);
}
