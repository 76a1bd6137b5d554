/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table that `abra recipe lint` prints, rule by rule, and what it says of a recipe. Pure.
 *
 *   lint_read(buf_text(&result.tail), &table);
 *   outcome = lint_judge(&table, reason);
 *   ... table.rows[i].name, .outcome and .reason are tests of the stage
 *
 * abra's exit status says nothing of the rules. Of a row only the number, the level and the two
 * marks count; rule and advice are words, shown and never compared. What stands between the rows is
 * not looked at. A number that stands twice, as a recipe's own words could make it, counts as the
 * worse of the two.
 *
 * A broken rule of level error is the recipe's fault: abra deploys such a version by --chaos alone.
 * One that speaks of the repository, its tags or where it is published, no commit can keep: it is a
 * row of the table, and neither a fault nor a warning.
 *
 * Source: abra 0.13.0-beta: columns ref, rule, severity, satisfied, skipped, resolve between box
 * characters; satisfied is a check mark, a cross, or "-" where skipped is a check mark.
 */
#ifndef CCCI_LINT_TABLE_H
#define CCCI_LINT_TABLE_H

#include "common/results.h"

#define LINT_ROWS_MAX 64 /* abra has 16 rules */

struct lint_row {
	char ref[8];	      /* "R009" */
	char *name;	      /* "R009 one service named 'app'" */
	enum outcome outcome; /* not_run: skipped, or broken and no fault; unverified: unreadable */
	char *reason;	      /* why not pass; "" */
	bool is_warning;      /* broken, of level warn */
};
struct lint_table {
	struct lint_row rows[LINT_ROWS_MAX]; /* in the order of their numbers */
	size_t count;
	bool was_cut; /* there were more */
};

void lint_read(const char *output, struct lint_table *out);
void lint_table_release(struct lint_table *table);
DEFINE_AUTO(lint_table, lint_table_release);

/*
 * The stage's outcome; reason is "" only for a pass without a warning. A table that cannot be read
 * to its end is unverified, unless a rule is broken in what could be.
 */
enum outcome lint_judge(const struct lint_table *table, char reason[RESULTS_TEXT_MAX]);

#endif
