/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results of a run as a table for people, as `ccci-run report` and `ccci-run run` print it.
 * Pure. No text of a recipe moves the cursor of a terminal.
 *
 *   AUTO(buf) out = buf_make(SIZE_MAX / 2);
 *   table_print(&results, &out);
 */
#ifndef CCCI_TABLE_H
#define CCCI_TABLE_H

#include "common/results.h"

void table_print(const struct results *results, struct buf *out);

#endif
