/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judges whether a stack has come up, from what the engine says about it. Pure: views of services
 * and tasks and the time go in, a verdict comes out.
 *
 *   converge_begin(&converge, &rules, &view_before);      tasks and updates of earlier do not count
 *   verdict = converge_look(&converge, &view, now_ns);    after every event, and at wake_ns
 *
 * It remembers between looks what a view alone cannot tell: failures of tasks that Swarm has
 * forgotten since, and for how long a service has been up. What it does not see because nobody
 * looked did not last, so it cannot be mistaken for health.
 *
 * Each kind of service has its own rule:
 *
 * - replicated, global: up when every wanted task runs with the current spec, no older one runs,
 *   and its update is over. It has settled when that lasted a while: a second with a healthcheck,
 *   longer without one (running is then all that is known), longer again after a failure.
 * - job: done when every task of the current iteration has completed; running is neither. Where its
 *   restart policy ends by itself, its failures are no loop: it has failed when one ended otherwise
 *   and none follows.
 * - one-shot (restart none or on-failure): up like any other while it runs, and done when it has
 *   completed: what has completed does not have to settle.
 * - scaled to zero: up when nothing of it is left.
 */
#ifndef CCCI_CONVERGE_H
#define CCCI_CONVERGE_H

#include "runner-plugin/swarm/view.h"

struct converge_rules {
	int64_t crash_failures; /* so many within that time, without a healthy second: a loop */
	int64_t crash_within_ms;
	int64_t deadline_ns; /* instant; after it pending becomes timed out */
	/* Names that must be there, borrowed; NULL: none in particular. */
	const char *const *expected;
	size_t expected_count;
};

enum converge_state {
	CONVERGE_PENDING,
	CONVERGE_CONVERGED,
	CONVERGE_CRASH_LOOPING,
	CONVERGE_GAVE_UP,   /* a task ended, failing, and Swarm does not start it again */
	CONVERGE_UNHEALTHY, /* a healthcheck has used up its retries */
	CONVERGE_IMAGE_MISSING,
	CONVERGE_OUT_OF_MEMORY,
	CONVERGE_UNSCHEDULABLE, /* no node takes it, for what it asks: labels, a platform, a plugin
				 */
	CONVERGE_PORT_OWN,	/* a port of the host that the stack itself holds */
	CONVERGE_PORT_TAKEN,	/* a port of the host that somebody else holds */
	CONVERGE_NO_ROOM,	/* no node takes it, or keeps it, for want of memory or cores */
	CONVERGE_ENGINE,	/* the engine does not start it, for reasons of its own */
	CONVERGE_ROLLED_BACK,
	CONVERGE_PAUSED,
	CONVERGE_TIMED_OUT,
};
bool converge_is_red(enum converge_state state); /* neither pending nor converged */

#define CONVERGE_REASON_SIZE 320
struct converge_verdict {
	enum converge_state state;
	bool is_ours;	  /* the host's or the engine's affair, not the recipe's */
	char service[64]; /* the one the reason is about; "" */
	char task[64];	  /* whose log shows why; "" */
	char container[80];
	int exit_code;			   /* -1: none */
	char reason[CONVERGE_REASON_SIZE]; /* pending: what it waits for */
	int64_t wake_ns; /* look again then even if nothing happens; INT64_MAX: never */
};

/* It has no place, or has failed, for a port of the host: the reader may find out who holds it. */
bool converge_lacks_port(const struct view_task *task);

struct converge_memory; /* of one service */
struct converge {
	struct converge_rules rules;
	struct converge_memory *services;
	size_t service_count;
	char **known_tasks; /* older than this deploy, then those counted */
	size_t before_count, known_task_count;
};
void converge_begin(
    struct converge *converge, const struct converge_rules *rules, const struct view *before);
struct converge_verdict converge_look(
    struct converge *converge, const struct view *view, int64_t now_ns);
/* Failures counted since converge_begin(), of all services. */
size_t converge_failures(const struct converge *converge);
void converge_release(struct converge *converge);
DEFINE_AUTO(converge, converge_release);

#endif
