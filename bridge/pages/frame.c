/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/frame.h"

#include "bridge/pages/overview.h"
#include "bridge/pages/style.h"
#include "common/clock.h"
#include "common/version.h"

#define SHORT_REF 8

/* --- the frame --- */

static void add_head(struct html *html, const struct frame *frame)
{
	auto_str char *icon = xasprintf("%sicon.svg", frame->root);
	auto_str char *refresh = xasprintf("%d", FRAME_REFRESH_S);
	AUTO(buf) css = buf_make(STYLE_MAX_BYTES);

	html_begin(html, "head", NULL);
	html_empty(html, "meta", "charset", "utf-8", NULL);
	html_empty(html, "meta", "name", "viewport", "content",
	    "width=device-width, initial-scale=1", NULL);
	html_empty(html, "meta", "name", "color-scheme", "content", "light dark", NULL);
	if (frame->is_live)
		html_empty(html, "meta", "http-equiv", "refresh", "content", refresh, NULL);
	html_say(html, "title", "%s · ccci", frame->title);
	html_empty(html, "link", "rel", "icon", "type", "image/svg+xml", "href", icon, NULL);
	style_write_css(&css);
	html_style(html, buf_text(&css));
	html_end(html);
}

static void add_peers(struct html *html, const struct frame *frame)
{
	html_begin(html, "ul", "class", "well", "aria-label", "Is the CI itself well?", NULL);
	for (size_t i = 0; i < frame->peer_count; i++) {
		const struct frame_peer *peer = &frame->peers[i];

		html_begin(html, "li", NULL);
		html_begin(html, "span", "class", peer->fault ? "s error" : "s passed", NULL);
		html_text(html, peer->fault ? "%s: " : "%s ok", peer->name);
		if (peer->fault)
			html_outside(html, peer->fault, FRAME_NAME_BYTES);
		html_end(html);
		html_end(html);
	}
	html_end(html);
}

/* Of which bridge this is the page: where people reach it. */
static void add_host(struct html *html, const char *url)
{
	const char *host = strstr(url, "://");

	if (!host)
		return;
	host += strlen("://");
	html_begin(html, "span", "class", "soft", NULL);
	html_text(html, " %.*s", (int)strcspn(host, "/"), host);
	html_end(html);
}

void frame_begin(struct html *html, const struct frame *frame)
{
	html_doctype(html);
	html_begin(html, "html", "lang", "en", NULL);
	add_head(html, frame);
	html_begin(html, "body", NULL);
	html_begin(html, "a", "class", "skip", "href", "#main", NULL);
	html_text(html, "To the content");
	html_end(html);
	html_begin(html, "header", NULL);
	html_begin(html, "nav", "aria-label", "Where you are", NULL);
	html_begin(html, "a", "class", "home", "href", frame->root, "aria-current",
	    frame->place ? NULL : "page", NULL);
	html_text(html, "ccci");
	html_end(html);
	add_host(html, frame->public_url);
	if (frame->place)
		html_text(html, " / %s", frame->place);
	html_end(html);
	add_peers(html, frame);
	html_end(html);
	html_begin(html, "main", "id", "main", NULL);
}

static void add_link(
    struct html *html, const struct frame *frame, const char *path, const char *word)
{
	auto_str char *address = xasprintf("%s%s", frame->root, path);

	html_begin(html, "a", "href", address, NULL);
	html_text(html, "%s", word);
	html_end(html);
	html_text(html, " ");
}

void frame_end(struct html *html, const struct frame *frame)
{
	char now[CLOCK_RFC3339_SIZE];

	html_end(html); /* main */
	html_begin(html, "footer", NULL);
	add_link(html, frame, "api/v1/recipes", "JSON: recipes");
	add_link(html, frame, "api/v1/runs", "runs");
	add_link(html, frame, "api/v1/queue", "queue");
	add_link(html, frame, "metrics", "Metrics");
	add_link(html, frame, "healthz", "Health");
	clock_format_rfc3339(frame->now_s, now);
	html_begin(html, "span", NULL);
	html_text(html, "ccci-bridge %s", CCCI_VERSION);
	html_end(html);
	html_end(html);
	html_end(html); /* body */
	html_end(html); /* html */
}

void frame_section(struct html *html, const char *class, const char *id, const char *title)
{
	html_begin(html, "section", "class", class, "aria-labelledby", id, NULL);
	html_begin(html, "h2", "id", id, NULL);
	html_text(html, "%s", title);
	html_end(html);
}

/* --- pieces --- */

void frame_when(struct html *html, const struct frame *frame, int64_t at_s)
{
	char instant[CLOCK_RFC3339_SIZE];
	char age[CLOCK_DURATION_SIZE];

	if (at_s <= 0)
		return;
	clock_format_rfc3339(at_s, instant);
	clock_format_age(frame->now_s > at_s ? frame->now_s - at_s : 0, age);
	html_begin(html, "time", "datetime", instant, "title", instant, NULL);
	html_text(html, "%s", age);
	html_end(html);
}

void frame_duration(struct html *html, double seconds)
{
	char text[CLOCK_DURATION_SIZE];

	if (seconds > 0 && seconds < 10)
		(void)format_text(text, sizeof(text), "%.1f s", seconds);
	else
		clock_format_duration((int64_t)(seconds * 1000), text);
	html_text(html, "%s", text);
}

void frame_state(struct html *html, const char *class, const char *word)
{
	auto_str char *classes = xasprintf("s %s", class);

	html_begin(html, "span", "class", classes, NULL);
	html_text(html, "%s", word);
	html_end(html);
}

struct look {
	const char *class, *word;
};

static struct look look_of_verdict(enum verdict_class verdict)
{
	switch (verdict) {
	case VERDICT_PASSED:
		return (struct look){"passed", "passed"};
	case VERDICT_RECIPE_FAILED:
		return (struct look){"failed", "failed"};
	case VERDICT_TIMED_OUT:
		return (struct look){"failed", "timed out"};
	case VERDICT_CI_ERROR:
		return (struct look){"error", "CI error"};
	case VERDICT_CANCELLED:
		return (struct look){"ended", "cancelled"};
	case VERDICT_SUPERSEDED:
		return (struct look){"ended", "superseded"};
	case VERDICT_NOT_RUN:
		return (struct look){"none", "not run"};
	}
	return (struct look){0};
}

static struct look look_of(const struct past_run *run)
{
	switch (run->state) {
	case JOB_HEARD:
	case JOB_ASKED:
	case JOB_QUEUED:
		return (struct look){"queued", "queued"};
	case JOB_RUNNING:
		return (struct look){"running", "running"};
	case JOB_STOPPING:
		return (struct look){"ended", "stopping"};
	case JOB_ENDED:
		return (struct look){"running", "reporting"};
	case JOB_REFUSED:
	case JOB_JUDGED:
	case JOB_ANSWERED:
		break;
	}
	return look_of_verdict(run->has_verdict ? run->verdict : VERDICT_NOT_RUN);
}

void frame_run_state(struct html *html, const struct past_run *run)
{
	struct look look = look_of(run);

	frame_state(html, look.class, look.word);
	if (!run->is_trial)
		return;
	html_text(html, " ");
	html_begin(html, "span", "class", "soft small", NULL);
	html_text(html, "trial");
	html_end(html);
}

const char *frame_run_word(const struct past_run *run)
{
	if (!past_is_active(run))
		return verdict_word(run->has_verdict ? run->verdict : VERDICT_NOT_RUN);
	return run->started_s ? "running" : "queued";
}

void frame_outcome(struct html *html, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		frame_state(html, "passed", "passed");
		return;
	case OUTCOME_FAIL:
		frame_state(html, "failed", "failed");
		return;
	case OUTCOME_NOT_RUN:
		frame_state(html, "none", "not run");
		return;
	case OUTCOME_UNVERIFIED:
		frame_state(html, "unsure", "not verified");
		return;
	case OUTCOME_ERROR:
		frame_state(html, "error", "CI error");
		return;
	}
}

void frame_level(struct html *html, int level, bool is_big)
{
	char classes[32];
	char text[24];

	(void)format_text(
	    classes, sizeof(classes), "level l%d%s", level < 0 ? 9 : level, is_big ? " big" : "");
	(void)format_text(text, sizeof(text), level < 0 ? "no level yet" : "level %d of 5", level);
	html_begin(html, "span", "class", classes, "title", text, NULL);
	html_begin(html, "span", "class", "unseen", NULL);
	html_text(html, "level ");
	html_end(html);
	if (level < 0)
		html_text(html, "–");
	else
		html_text(html, "%d", level);
	html_end(html);
}

void frame_build_link(struct html *html, const struct frame *frame, int64_t build)
{
	auto_str char *address = xasprintf("%sruns/%lld", frame->root, (long long)build);

	html_begin(html, "a", "href", address, NULL);
	html_text(html, "build %lld", (long long)build);
	html_end(html);
}

void frame_pull_link(struct html *html, const struct frame *frame, const char *repo, int64_t pr)
{
	auto_str char *address =
	    xasprintf("%s/%s/pulls/%lld", frame->forge_url, repo, (long long)pr);

	if (!pr) {
		html_text(html, "nightly");
		return;
	}
	html_begin(html, "a", "href", address, NULL);
	html_text(html, "#%lld", (long long)pr);
	html_end(html);
}

void frame_recipe_link(struct html *html, const struct frame *frame, const char *repo)
{
	auto_str char *address = xasprintf("%srecipes/%s", frame->root, overview_recipe_name(repo));

	html_begin(html, "a", "href", address, NULL);
	html_outside(html, overview_recipe_name(repo), FRAME_NAME_BYTES);
	html_end(html);
}

void frame_versions(struct html *html, const struct past_run *run)
{
	if (run->base_version[0]) {
		html_outside(html, run->base_version, FRAME_NAME_BYTES);
		html_text(html, " → ");
	}
	if (run->head_version[0]) {
		html_outside(html, run->head_version, FRAME_NAME_BYTES);
	} else if (run->ref[0]) {
		html_begin(html, "code", NULL);
		html_text(html, "%.*s", SHORT_REF, run->ref);
		html_end(html);
	}
}
