/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first page: is the CI itself well, what goes on, what is red, how good is each recipe. Pure.
 *
 *   dashboard_write(&html, &frame, &facts);
 */
#ifndef CCCI_BRIDGE_PAGES_DASHBOARD_H
#define CCCI_BRIDGE_PAGES_DASHBOARD_H

#include "bridge/pages/frame.h"
#include "bridge/pages/overview.h"

#define DASHBOARD_NOW_MAX 50
#define DASHBOARD_RED_MAX 20
#define DASHBOARD_LAST_MAX 15

enum dashboard_filter { DASHBOARD_ALL, DASHBOARD_RED, DASHBOARD_FLAKY, DASHBOARD_STALE };
#define DASHBOARD_FILTERS (DASHBOARD_STALE + 1)
/* False: no filter is called so. */
bool dashboard_filter_parse(const char *word, enum dashboard_filter *out) CHECKED;

/* Something that goes on, and what is known of it beyond the store. */
struct dashboard_now {
	struct past_run run;
	char step[64];	 /* that runs now; "" not known */
	int64_t usual_s; /* of its recipe; 0: not known */
	int64_t behind;	 /* the build in front of it, while it waits; 0: none, or not known */
};
struct dashboard_facts {
	const struct overview *overview;
	enum dashboard_filter filter;
	const struct dashboard_now *now; /* in the order they will be done */
	size_t now_count;
	const char *const
	    *reasons; /* of each red recipe in the order of the overview; may be fewer */
	size_t reason_count;
	const struct past_run *last; /* newest first */
	size_t last_count;
};

void dashboard_write(
    struct html *html, const struct frame *frame, const struct dashboard_facts *facts);
/* One thing that goes on, as a row of a list; the recipe's page shows it so too. */
void dashboard_write_now(
    struct html *html, const struct frame *frame, const struct dashboard_now *now);

#endif
