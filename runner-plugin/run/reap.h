/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The janitor: takes down what runs left whose keeper is dead. Never touches a live one.
 *
 *   reap_beside(settings, environ);       at the start of every run, in a process of its own
 *   reap_all(&reap, &summary);            `ccci-run reap`, at boot and on a timer
 *
 * A run is dead when its lease can be taken. Only what has no run directory (an older tool's, or a
 * lost disk) is judged by age: stacks whose name is exactly one that a run of this ZONE would have.
 * What cannot be removed is tried ever more rarely (backoff.h).
 */
#ifndef CCCI_REAP_H
#define CCCI_REAP_H

#include "runner-plugin/run/run.h"
#include "runner-plugin/swarm/leaks.h"

struct reap {
	const struct settings *settings;
	const char *const *environ;
	const char *only_id; /* only this run; NULL: all */
	bool is_dry;	     /* only say it */
	bool is_now;	     /* also what has failed before and is not due */
	void (*say)(void *context, const char *text);
	void *context;
};

struct reap_summary {
	size_t live;	/* leases held */
	size_t reaped;	/* taken down, or would be */
	size_t expired; /* finished runs removed: more than HISTORY_RUNS, HISTORY_BYTES */
	struct leaks left;
};
void reap_summary_release(struct reap_summary *summary);
DEFINE_AUTO(reap_summary, reap_summary_release);

void reap_all(const struct reap *reap, struct reap_summary *out);
/*
 * Starts a janitor that nobody waits for and that outlives its caller; none when one is at it. It
 * writes to reap.log in the state directory.
 */
void reap_beside(const struct settings *settings, const char *const *environ);

/*
 * Pure: whether a name of Swarm ("cust-9f2c1a_ci_example_org_app") is of a stack that a run in this
 * zone would make; out gets the stack's name.
 */
bool reap_is_ours(const char *name, const char *zone, char out[RUN_STACK_SIZE]);

/* Pure: whether a stack is of the run whose own stack is the other: the app, or what it needs. */
bool reap_is_of_run(const char *stack, const char *run_stack);

#endif
