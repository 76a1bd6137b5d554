/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run's page, for who got a red answer: where, why, what now. Pure.
 *
 *   run_page_write(&html, &frame, &facts);
 */
#ifndef CCCI_BRIDGE_PAGES_RUN_PAGE_H
#define CCCI_BRIDGE_PAGES_RUN_PAGE_H

#include "bridge/pages/dashboard.h"
#include "bridge/tell/reply.h"

struct run_page_facts {
	const struct job *job;
	const struct past_run *run;	/* of the same job */
	const struct results *results;	/* NULL: none, or not yet */
	const struct reply_step *steps; /* while it runs */
	size_t step_count;
	int64_t usual_s; /* of the recipe; 0: not known */
	bool has_picture;
};

void run_page_write(
    struct html *html, const struct frame *frame, const struct run_page_facts *facts);

#endif
