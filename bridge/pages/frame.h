/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all pages have in common: head and foot, a state as a word with its shape, times, levels,
 * links to runs and recipes. Pure.
 *
 *   frame_begin(&html, &frame);
 *   ...
 *   frame_end(&html, &frame);
 *
 * Links are relative, so the pages may stand below any path of a proxy.
 */
#ifndef CCCI_BRIDGE_PAGES_FRAME_H
#define CCCI_BRIDGE_PAGES_FRAME_H

#include "bridge/pages/html.h"
#include "bridge/pages/past.h"
#include "common/results.h"

#define FRAME_REFRESH_S 15 /* while something runs */
#define FRAME_NAME_BYTES 200
#define FRAME_REASON_BYTES 500

struct frame_peer {
	const char *name;
	const char *fault; /* NULL: well */
};
#define FRAME_PEERS_MAX 3

/* What a page knows of where it stands. All borrowed. */
struct frame {
	const char *root;  /* the way back to the dashboard: "./" or "../" */
	const char *title; /* of the page; ours or a name that was checked */
	const char *place; /* what stands behind "ccci" in the header; NULL: it is the dashboard */
	int64_t now_s;
	bool is_live;		/* something goes on: the page asks for itself again */
	const char *public_url; /* where people reach the pages; "" not known */
	const char *forge_url, *builds_url, *trigger;
	struct frame_peer peers[FRAME_PEERS_MAX];
	size_t peer_count;
};

void frame_begin(struct html *html, const struct frame *frame);
void frame_end(struct html *html, const struct frame *frame);

/* A section with its heading; html_end() ends it. */
void frame_section(struct html *html, const char *class, const char *id, const char *title);

/* "7 min ago", with the instant itself. */
void frame_when(struct html *html, const struct frame *frame, int64_t at_s);
void frame_duration(struct html *html, double seconds);
/* A state: class is what the style sheet calls it. */
void frame_state(struct html *html, const char *class, const char *word);
void frame_run_state(struct html *html, const struct past_run *run);
void frame_outcome(struct html *html, enum outcome outcome);
void frame_level(struct html *html, int level, bool is_big); /* below 0: not known */

void frame_build_link(struct html *html, const struct frame *frame, int64_t build);
/* pr 0: "nightly", which stands where a pull request would. */
void frame_pull_link(struct html *html, const struct frame *frame, const char *repo, int64_t pr);
void frame_recipe_link(struct html *html, const struct frame *frame, const char *repo);
/* "1.0.0 to 1.1.0", or the commit when there are no versions. */
void frame_versions(struct html *html, const struct past_run *run);

/* The word of a run for machines and people: "passed", "recipe_failed", "running", "queued". */
const char *frame_run_word(const struct past_run *run);

#endif
