/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one way a run ends, whatever ended it: everything the run started is killed, its journal is
 * run backwards, and the engine is asked what is left.
 *
 *   struct teardown teardown = {.settings = ..., .run = ..., .environ = ..., .say = ...};
 *   teardown_run(&teardown, &result);            never fails: what failed is in result.left
 *
 * May be called by whoever holds the run's lease: its keeper, the front of a keeper that died, or
 * reap. It can die at any point and be done again: each record is marked when it is undone, and the
 * journal is closed only when the audit found nothing.
 */
#ifndef CCCI_TEARDOWN_H
#define CCCI_TEARDOWN_H

#include "runner-plugin/run/journal.h"
#include "runner-plugin/run/run.h"
#include "runner-plugin/swarm/leaks.h"

struct teardown {
	const struct settings *settings;
	const struct run *run;
	const char *const *environ; /* of the step, for abra's PATH and HOME */
	/*
	 * Something of the run was killed just now: what it had asked the engine for may still
	 * come to be, so the audit is not done at once.
	 */
	bool was_cut;
	/* Progress and what did not go as it should, for people; may be NULL. */
	void (*say)(void *context, const char *text);
	/* A record is on disk; may be NULL. */
	void (*on_record)(void *context, enum journal_kind kind);
	void *context;
};

struct teardown_result {
	struct leaks left; /* none: clean, and the journal is closed */
	int64_t elapsed_ms;
};
void teardown_result_release(struct teardown_result *result);
DEFINE_AUTO(teardown_result, teardown_result_release);

void teardown_run(const struct teardown *teardown, struct teardown_result *out);

#endif
