/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a stack's services say, as they say it, for `ccci-run dev`. The engine is asked each second:
 * it can follow one service, and here they come and go.
 *
 *   follow_run(work);       in a worker, which is killed at the end
 */
#ifndef CCCI_FOLLOW_H
#define CCCI_FOLLOW_H

#include "common/buf.h"
#include "runner-plugin/stages/stages.h"

#define FOLLOW_TIME_SIZE 40 /* "2026-11-22T03:10:00.123456789Z" */

/* Returns only when its output is gone. Lines are masked. */
enum exit_code follow_run(const struct stages_work *work);

/*
 * Pure: of a service's lines, each "TIME text", those later than after, as "service | text" with
 * nothing in them that moves a cursor; after becomes the latest time. Times of one form compare as
 * texts. A line without a time is the rest of one that is known.
 */
void follow_take(
    const char *service, const char *lines, char after[FOLLOW_TIME_SIZE], struct buf *out);

#endif
