/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling NOTIFY_COMMAND what is news of a recipe (notice.h), beside the loop.
 *
 *   notify_write(parts, &judged, &notice, err)   what is to be saved with a job that has its
 * verdict notify_turn(notify)                          starts the program when something is to be
 * told notify_see(notify)                           after each wait: whether it has ended
 *
 * What is saved is told: each try is noted before it is made, and it is gone from the store after
 * one that was good, or after NOTICE_TRIES. So it is told at least once, and twice only when the
 * bridge dies, or the program fails, in the middle; the document's id is the same then.
 */
#ifndef CCCI_BRIDGE_NOTIFY_H
#define CCCI_BRIDGE_NOTIFY_H

#include "bridge/parts.h"
#include "bridge/tell/program.h"

struct notify;

struct notify *notify_new(struct parts *parts) CHECKED; /* borrows the parts */
void notify_free(struct notify *notify);		/* ends the program; NULL is fine */

/*
 * *out is NULL when there is no news in it, or nobody to tell; the caller frees it. Errors are the
 * store's.
 */
int notify_write(
    const struct parts *parts, const struct job *judged, char **out, struct err *err) CHECKED;

/* The instant before which nothing further is due; INT64_MAX: something has to be judged first. */
int64_t notify_turn(struct notify *notify);
void notify_fds(const struct notify *notify, struct pollfd out[PROGRAM_FDS]);
void notify_see(struct notify *notify);
bool notify_is_busy(const struct notify *notify);			  /* the program runs */
const struct metrics_notices *notify_counts(const struct notify *notify); /* borrowed */

#endif
