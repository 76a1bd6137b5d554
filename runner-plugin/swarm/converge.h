/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judges whether a stack has come up, from what the engine says about it. Pure: views of services
 * and tasks and the time go in, a verdict comes out.
 *
 *   converge_begin(&converge, &rules, &view_before);      tasks of an earlier deploy do not count
 *   verdict = converge_look(&converge, &view, now_ns);    after every event, and when wake_ns is
 * due
 *
 * It remembers between looks what a view alone cannot tell: failures of tasks that Swarm has
 * forgotten since, and for how long a service has been up. What it does not see because nobody
 * looked did not last, so it cannot be mistaken for health.
 *
 * A service is up when every wanted task runs with the current spec, no older one runs, and its
 * update is over; a job when it has completed. It has settled when that lasted a while: a second
 * with a healthcheck, longer without one (running is then all that is known), longer again after a
 * failure.
 *
 * Source: Docker 20.10: a task of a service with a healthcheck is "starting" until it is healthy; a
 * replaced task is "shutdown", one that ended by itself "failed" or "complete", one that could not
 * start "rejected"; a task's Spec is its service's TaskTemplate but for "Runtime".
 */
#ifndef CCCI_CONVERGE_H
#define CCCI_CONVERGE_H

#include "common/err.h"
#include "common/json.h"

enum converge_restart { CONVERGE_ALWAYS, CONVERGE_ON_FAILURE, CONVERGE_NEVER };
enum converge_update {
	CONVERGE_NO_UPDATE, /* or completed */
	CONVERGE_UPDATING,
	CONVERGE_UPDATE_PAUSED,
	CONVERGE_ROLLING_BACK, /* started, paused or completed: the update has failed */
};
enum converge_task_state {
	CONVERGE_TASK_WAITING, /* new to ready: not started yet */
	CONVERGE_TASK_STARTING,
	CONVERGE_TASK_RUNNING,
	CONVERGE_TASK_COMPLETE,
	CONVERGE_TASK_FAILED,
	CONVERGE_TASK_REJECTED,
	CONVERGE_TASK_GONE, /* shutdown, remove, orphaned: somebody wanted it so */
};

/* All texts are owned and never NULL. */
struct converge_service {
	char *id;
	char *name; /* without the stack's prefix */
	char *image;
	int64_t replicas; /* -1: global */
	enum converge_restart restart;
	bool is_job; /* a job by its mode: wants completed tasks */
	bool has_healthcheck;
	bool asks_image; /* has_healthcheck is the image's affair: the reader has to look */
	enum converge_update update;
	char *update_message;
	char *chaos_version; /* label coop-cloud.<stack>.chaos-version; "" */
	char *version;	     /* label coop-cloud.<stack>.version; "" */
};
struct converge_task {
	char *id;
	char *service_id;
	char *container; /* "" none yet */
	char *node;	 /* "" none yet */
	int64_t slot;
	enum converge_task_state state;
	bool is_wanted;	 /* its desired state is to run, or to be ready to */
	bool is_current; /* of the service's spec as it is now */
	int exit_code;
	char *error;
	bool was_out_of_memory; /* only the container knows: for the reader to fill in */
};
struct converge_view {
	struct converge_service *services; /* by name */
	size_t service_count;
	struct converge_task *tasks; /* by id */
	size_t task_count;
};

/* From the answers of /services and /tasks for one stack. ERR_PROTOCOL. */
int converge_view_read(const char *stack, const struct json *services, const struct json *tasks,
    struct converge_view *out, struct err *err) CHECKED;
void converge_view_release(struct converge_view *view);
DEFINE_AUTO(converge_view, converge_view_release);
const struct converge_service *converge_view_find(
    const struct converge_view *view, const char *name); /* NULL: none */

struct converge_rules {
	int64_t crash_failures; /* so many within that time, without a healthy second: a loop */
	int64_t crash_within_ms;
	int64_t deadline_ns;	     /* instant; after it pending becomes timed out */
	const char *const *expected; /* names that must be there, borrowed; NULL: none in particular
				      */
	size_t expected_count;
};

enum converge_state {
	CONVERGE_PENDING,
	CONVERGE_CONVERGED,
	CONVERGE_CRASH_LOOPING,
	CONVERGE_GAVE_UP, /* it ended, failing, and Swarm does not start it again */
	CONVERGE_IMAGE_MISSING,
	CONVERGE_OUT_OF_MEMORY,
	CONVERGE_UNSCHEDULABLE, /* no node takes it, for what it asks: labels, a platform, a plugin
				 */
	CONVERGE_NO_ROOM,	/* no node takes it, for want of memory, cores or a free port */
	CONVERGE_ROLLED_BACK,
	CONVERGE_PAUSED,
	CONVERGE_TIMED_OUT,
};
bool converge_is_red(enum converge_state state); /* neither pending nor converged */

#define CONVERGE_REASON_SIZE 320
struct converge_verdict {
	enum converge_state state;
	char service[64]; /* the one the reason is about; "" */
	char task[64];	  /* whose log shows why; "" */
	char container[80];
	int exit_code;			   /* -1: none */
	char reason[CONVERGE_REASON_SIZE]; /* pending: what it waits for */
	int64_t wake_ns; /* look again then even if nothing happens; INT64_MAX: never */
};

struct converge_memory; /* of one service */
struct converge {
	struct converge_rules rules;
	struct converge_memory *services;
	size_t service_count;
	char **known_tasks; /* counted, or older than this deploy */
	size_t known_task_count;
};
void converge_begin(struct converge *converge, const struct converge_rules *rules,
    const struct converge_view *before);
struct converge_verdict converge_look(
    struct converge *converge, const struct converge_view *view, int64_t now_ns);
/* Failures counted since converge_begin(), of all services. */
size_t converge_failures(const struct converge *converge);
void converge_release(struct converge *converge);
DEFINE_AUTO(converge, converge_release);

#endif
