/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recipe's page, for its maintainer: how good is it and what is missing, is it getting worse,
 * what is flaky, what do I copy. Pure.
 *
 *   recipe_page_write(&html, &frame, &facts);
 */
#ifndef CCCI_BRIDGE_PAGES_RECIPE_PAGE_H
#define CCCI_BRIDGE_PAGES_RECIPE_PAGE_H

#include "bridge/pages/dashboard.h"

struct recipe_page_facts {
	const char *name;
	const struct past *past;	 /* at least one run */
	const struct results *results;	 /* of the run that says the level; NULL: none */
	const struct results *first_red; /* of the run where it turned red by night; NULL: none */
	const struct dashboard_now *now;
	size_t now_count;
};

void recipe_page_write(
    struct html *html, const struct frame *frame, const struct recipe_page_facts *facts);

#endif
