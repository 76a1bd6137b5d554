/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which directories of finished runs the host keeps: HISTORY_RUNS of them, in HISTORY_BYTES, the
 * newest. For reap.
 *
 *   history_add(&history, id, judged_s, history_measure(dir));        each finished run
 *   history_choose(&history, &bounds);
 *   ... remove those with is_too_much
 */
#ifndef CCCI_HISTORY_H
#define CCCI_HISTORY_H

#include "runner-plugin/run/run.h"

#define HISTORY_GRACE_S 3600 /* its build may still have to report it */

struct history_run {
	char id[RUN_ID_SIZE];
	int64_t judged_s; /* wall */
	int64_t bytes;
	bool is_too_much;
};
struct history {
	struct history_run *runs;
	size_t count;
};
void history_release(struct history *history);
DEFINE_AUTO(history, history_release);
void history_add(struct history *history, const char *id, int64_t judged_s, int64_t bytes);

struct history_bounds {
	int64_t most_runs, most_bytes;
	int64_t now_s; /* wall */
};
/*
 * Pure. Newest first; what does not fit goes, and everything older with it. One that was judged
 * within HISTORY_GRACE_S stays, and counts.
 */
void history_choose(struct history *history, const struct history_bounds *bounds);

/* What the files of a directory hold; what cannot be read counts nothing. */
int64_t history_measure(const char *dir);

#endif
