/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results of a run as a table for people, as `ccci-run report` and `ccci-run run` print it.
 * Pure. No text of a recipe moves the cursor of a terminal or begins a line: no line of the table
 * is one of the document's marker lines.
 *
 *   AUTO(buf) out = buf_make(SIZE_MAX / 2);
 *   table_print(&results, 0, &out);
 */
#ifndef CCCI_TABLE_H
#define CCCI_TABLE_H

#include "common/results.h"

/* columns: of the terminal that it is for, so that reasons are broken between words and stand under
 * each other; 0: one reason, one line. */
void table_print(const struct results *results, size_t columns, struct buf *out);

/*
 * A text from outside, for a terminal or a log: control characters become "?", and what follows a
 * line's end begins with indent; with NULL it stays one line.
 */
void table_add_text(struct buf *out, const char *text, const char *indent);

#endif
