/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is not as it was when the recipe was green last: a red answer names it, as what changed is
 * where one looks first. Pure.
 *
 *   since_compare(&last, &results);          fills last_green_* and changed of results
 *   char *line = since_sentence(&results);   "Since the last green (build 40, 3 days ago): ..."
 */
#ifndef CCCI_SINCE_H
#define CCCI_SINCE_H

#include "common/results.h"

/*
 * Compares what both know: the recipe's commit, the images by name and, under one name, by digest,
 * the base of the upgrade, abra, suite and ccci. What a run that ended early did not come to know
 * is not told as a change.
 */
void since_compare(const struct results *last, struct results *results);

/*
 * One line without its end, raw: texts of the recipe stand in it. NULL: nothing is known of a last
 * green run. The caller frees it.
 */
char *since_sentence(const struct results *results) CHECKED;

#endif
