/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/dashboard.h"

#include "common/clock.h"

#include <inttypes.h>

static const char *const filter_words[] = {
    [DASHBOARD_ALL] = "all",
    [DASHBOARD_RED] = "red",
    [DASHBOARD_FLAKY] = "flaky",
    [DASHBOARD_STALE] = "stale",
};

bool dashboard_filter_parse(const char *word, enum dashboard_filter *out)
{
	size_t at = text_index(filter_words, COUNT_OF(filter_words), word);

	if (at == COUNT_OF(filter_words))
		return false;
	*out = (enum dashboard_filter)at;
	return true;
}

/* --- now --- */

static void add_minutes(struct html *html, int64_t seconds)
{
	if (seconds < 60)
		html_text(html, "under 1 min");
	else
		html_text(html, "%" PRId64 " min", seconds / 60);
}

static void add_progress(
    struct html *html, const struct frame *frame, const struct dashboard_now *now)
{
	int64_t took_s = frame->now_s - now->run.started_s;

	if (!now->run.started_s) {
		if (now->behind) {
			html_text(html, "behind ");
			frame_build_link(html, frame, now->behind);
			html_text(html, ", ");
		}
		html_text(html, "asked for ");
		frame_when(html, frame, now->run.heard_s);
		return;
	}
	if (now->step[0]) {
		html_outside(html, now->step, FRAME_NAME_BYTES);
		html_text(html, ", ");
	}
	add_minutes(html, took_s > 0 ? took_s : 0);
	if (now->usual_s)
		html_text(html, " (usually %" PRId64 ")", (now->usual_s + 59) / 60);
}

static void add_what(struct html *html, const struct frame *frame, const struct past_run *run)
{
	html_begin(html, "span", "class", "what", NULL);
	frame_recipe_link(html, frame, run->repo);
	html_text(html, " ");
	frame_pull_link(html, frame, run->repo, run->pr);
	html_end(html);
}

void dashboard_write_now(
    struct html *html, const struct frame *frame, const struct dashboard_now *now)
{
	html_begin(html, "li", NULL);
	add_what(html, frame, &now->run);
	html_begin(html, "span", NULL);
	frame_run_state(html, &now->run);
	html_end(html);
	html_begin(html, "p", "class", "soft small", NULL);
	add_progress(html, frame, now);
	if (now->run.build) {
		html_text(html, " · ");
		frame_build_link(html, frame, now->run.build);
	}
	html_end(html);
	html_end(html);
}

static void add_now(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	frame_section(html, facts->now_count ? "card now" : "card", "now", "Now");
	if (!facts->now_count)
		html_say(html, "p", "Nothing runs, nothing waits.");
	html_begin(html, "ul", "class", "runs", NULL);
	for (size_t i = 0; i < facts->now_count; i++)
		dashboard_write_now(html, frame, &facts->now[i]);
	html_end(html);
	html_end(html);
}

/* --- red --- */

static void add_red_recipe(struct html *html, const struct frame *frame,
    const struct overview_recipe *recipe, const char *reason)
{
	const struct past_run *run = &recipe->last;

	html_begin(html, "li", NULL);
	add_what(html, frame, run);
	html_begin(html, "span", "class", "small soft", NULL);
	frame_when(html, frame, run->ended_s);
	html_end(html);
	html_begin(html, "p", "class", "small", NULL);
	frame_run_state(html, run);
	html_text(html, " ");
	if (reason)
		html_outside_code(html, reason, FRAME_REASON_BYTES);
	html_text(html, " ");
	frame_build_link(html, frame, run->build);
	html_end(html);
	html_end(html);
}

static size_t count_red(const struct overview *overview)
{
	size_t count = 0;

	for (size_t i = 0; i < overview->count; i++)
		count += overview->recipes[i].is_red ? 1 : 0;
	return count;
}

static void add_red(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	size_t count = count_red(facts->overview);
	size_t shown = 0;

	if (!count)
		return;
	frame_section(html, "card red", "red", "Red");
	html_begin(html, "ul", "class", "runs", NULL);
	for (size_t i = 0; i < facts->overview->count && shown < DASHBOARD_RED_MAX; i++) {
		const struct overview_recipe *recipe = &facts->overview->recipes[i];

		if (!recipe->is_red)
			continue;
		add_red_recipe(html, frame, recipe,
		    shown < facts->reason_count ? facts->reasons[shown] : NULL);
		shown++;
	}
	html_end(html);
	if (shown < count) {
		html_begin(html, "p", NULL);
		html_begin(html, "a", "href", "?show=red#recipes", NULL);
		html_text(html, "and %zu more", count - shown);
		html_end(html);
		html_end(html);
	}
	html_end(html);
}

/* --- recipes --- */

static bool is_shown(
    const struct overview_recipe *recipe, enum dashboard_filter filter, int64_t now_s)
{
	switch (filter) {
	case DASHBOARD_ALL:
		return true;
	case DASHBOARD_RED:
		return recipe->is_red;
	case DASHBOARD_FLAKY:
		return recipe->is_flaky;
	case DASHBOARD_STALE:
		return overview_is_stale(recipe, now_s);
	}
	return true;
}

static size_t count_shown(
    const struct overview *overview, enum dashboard_filter filter, int64_t now_s)
{
	size_t count = 0;

	for (size_t i = 0; i < overview->count; i++)
		count += is_shown(&overview->recipes[i], filter, now_s) ? 1 : 0;
	return count;
}

static void add_filters(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	static const char *const labels[] = {
	    [DASHBOARD_ALL] = "all",
	    [DASHBOARD_RED] = "red",
	    [DASHBOARD_FLAKY] = "flaky",
	    [DASHBOARD_STALE] = "not run for 30 days",
	};

	html_begin(html, "ul", "class", "chips", "aria-label", "Which recipes", NULL);
	for (int i = 0; i < DASHBOARD_FILTERS; i++) {
		enum dashboard_filter filter = (enum dashboard_filter)i;
		auto_str char *address = xasprintf("?show=%s#recipes", filter_words[i]);

		html_begin(html, "li", NULL);
		html_begin(html, "a", "href", filter == DASHBOARD_ALL ? "./#recipes" : address,
		    "aria-current", filter == facts->filter ? "true" : NULL, NULL);
		html_text(html, "%s (%zu)", labels[i],
		    count_shown(facts->overview, filter, frame->now_s));
		html_end(html);
		html_end(html);
	}
	html_end(html);
}

static void add_columns(struct html *html, const struct overview_recipe *recipe)
{
	char label[64];

	(void)format_text(label, sizeof(label), "last %zu runs, %zu of them red",
	    recipe->column_count, recipe->red_count);
	draw_columns(html,
	    &(struct draw){.class = "trend", .width = 120, .height = 24, .label = label},
	    recipe->columns, recipe->column_count);
}

static void add_recipe(
    struct html *html, const struct frame *frame, const struct overview_recipe *recipe)
{
	html_begin(html, "tr", NULL);
	html_begin(html, "td", NULL);
	frame_level(html, recipe->level, false);
	html_end(html);
	html_begin(html, "th", "scope", "row", NULL);
	frame_recipe_link(html, frame, recipe->repo);
	if (recipe->is_flaky) {
		html_text(html, " ");
		frame_state(html, "flaky", "flaky");
	}
	html_end(html);
	html_begin(html, "td", "class", "line", NULL);
	if (recipe->has_last) {
		frame_run_state(html, &recipe->last);
		html_text(html, " ");
		frame_pull_link(html, frame, recipe->repo, recipe->last.pr);
	}
	html_end(html);
	html_begin(html, "td", "class", "when soft late", NULL);
	frame_when(html, frame, recipe->has_last ? recipe->last.ended_s : recipe->heard_s);
	html_end(html);
	html_begin(html, "td", "class", "num late", NULL);
	if (recipe->usual_s)
		frame_duration(html, (double)recipe->usual_s);
	html_end(html);
	html_begin(html, "td", NULL);
	add_columns(html, recipe);
	html_end(html);
	html_end(html);
}

static void add_heading(struct html *html, const char *class, const char *word)
{
	html_begin(html, "th", "scope", "col", "class", class, NULL);
	html_text(html, "%s", word);
	html_end(html);
}

static void add_table(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	html_begin(html, "div", "class", "scroll", "tabindex", "0", "role", "region",
	    "aria-labelledby", "recipes", NULL);
	html_begin(html, "table", NULL);
	html_begin(html, "thead", NULL);
	html_begin(html, "tr", NULL);
	add_heading(html, NULL, "Level");
	add_heading(html, NULL, "Recipe");
	add_heading(html, NULL, "Last run");
	add_heading(html, "late", "When");
	add_heading(html, "num late", "Usual time");
	add_heading(html, NULL, "Last 30");
	html_end(html);
	html_end(html);
	html_begin(html, "tbody", NULL);
	for (size_t i = 0; i < facts->overview->count; i++) {
		if (is_shown(&facts->overview->recipes[i], facts->filter, frame->now_s))
			add_recipe(html, frame, &facts->overview->recipes[i]);
	}
	html_end(html);
	html_end(html);
	html_end(html);
}

static void add_recipes(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	frame_section(html, "card", "recipes", "Recipes");
	if (!facts->overview->count) {
		html_begin(html, "p", NULL);
		html_text(html, "No recipe was tested yet: write ");
		html_say(html, "code", "%s", frame->trigger);
		html_text(html, " in a pull request of one that is enrolled.");
		html_end(html);
	} else {
		add_filters(html, frame, facts);
		if (count_shown(facts->overview, facts->filter, frame->now_s))
			add_table(html, frame, facts);
		else
			html_say(html, "p", "None.");
	}
	html_end(html);
}

/* How many recipes are how good. */
static void add_levels(struct html *html, const struct overview *overview)
{
	html_begin(html, "ul", "class", "counts", "aria-label", "Recipes by level", NULL);
	for (int level = OVERVIEW_LEVELS - 1; level >= OVERVIEW_NO_LEVEL; level--) {
		size_t count = 0;

		for (size_t i = 0; i < overview->count; i++)
			count += overview->recipes[i].level == level ? 1 : 0;
		if (!count)
			continue;
		html_begin(html, "li", NULL);
		frame_level(html, level, false);
		html_text(html, " %zu recipe%s", count, count == 1 ? "" : "s");
		html_end(html);
	}
	html_end(html);
}

/* --- last runs --- */

static void add_last(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	if (!facts->last_count)
		return;
	frame_section(html, "card", "last", "Last runs");
	html_begin(html, "ul", "class", "runs", NULL);
	for (size_t i = 0; i < facts->last_count; i++) {
		const struct past_run *run = &facts->last[i];

		html_begin(html, "li", NULL);
		add_what(html, frame, run);
		html_begin(html, "span", NULL);
		frame_run_state(html, run);
		html_end(html);
		html_begin(html, "p", "class", "soft small", NULL);
		frame_versions(html, run);
		html_text(html, " · ");
		frame_when(html, frame, run->ended_s ? run->ended_s : run->heard_s);
		html_text(html, " · ");
		frame_build_link(html, frame, run->build);
		html_end(html);
		html_end(html);
	}
	html_end(html);
	html_end(html);
}

void dashboard_write(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts)
{
	frame_begin(html, frame);
	html_begin(html, "div", "class", "lead", NULL);
	html_say(html, "h1", "%s", frame->title);
	add_levels(html, facts->overview);
	html_end(html);
	html_begin(html, "div", "class", "sides", NULL);
	html_begin(html, "div", NULL);
	add_now(html, frame, facts);
	add_red(html, frame, facts);
	add_recipes(html, frame, facts);
	html_end(html);
	html_begin(html, "div", NULL);
	add_last(html, frame, facts);
	html_end(html);
	html_end(html);
	frame_end(html, frame);
}
