/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs by night: which night it is, and what a recipe needs in it. When one may be asked for is
 * queue.h's. Pure.
 *
 *   int64_t night = night_of(clock_local_s(now_s), minute);
 *   night_next(runs, count, night)        of one recipe, by its runs so far
 *
 * A night begins at NIGHTLY by the host's clock and lasts until the next one begins, so that what a
 * bridge that was down has missed is caught up with within the day. Nights are counted in days
 * since 1970, by the date on which they begin. Where a clock is set back an hour a night is not
 * there twice: whoever has run in it, or later, does not again.
 */
#ifndef CCCI_BRIDGE_NIGHT_H
#define CCCI_BRIDGE_NIGHT_H

#include "bridge/job.h"

#define NIGHT_OFF (-1) /* for a minute: there are no nights */

/* "03:00" to minutes after midnight. False: not of that form, *out_minute untouched. */
bool night_parse(const char *text, int64_t *out_minute) CHECKED;

/* local_s: Unix seconds as the clock on the wall shows them, see clock_local_s(). */
int64_t night_of(int64_t local_s, int64_t minute);
int64_t night_left_s(int64_t local_s, int64_t minute); /* until the next one begins; at least 1 */

/* A run by night, of what the store has of its job. */
struct night_run {
	int64_t id;
	enum job_state state;
	bool has_verdict;
	enum verdict_class verdict;
	char ref[JOB_REF_SIZE];
};

enum night_step {
	NIGHT_DONE, /* or something of it goes on */
	NIGHT_TEST,
	NIGHT_TEST_AGAIN, /* the newest is red, and the one before was not: by chance, perhaps */
};
/* What a recipe needs in this night. runs: of one repository, the newest first. */
enum night_step night_next(const struct night_run *runs, size_t count, int64_t night);

#endif
