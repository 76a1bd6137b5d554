/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the engine says of one stack: its services and their tasks as typed values. Pure.
 *
 *   AUTO(view) view = {0};
 *   view_read(stack, services, tasks, &view, err);       the answers of /services and /tasks
 *   app = view_find(&view, "app");
 *
 * Hides the engine's JSON: where what stands in it, its words for states, and whether a task is of
 * its service's spec as it is now. Judging is converge.h's.
 *
 * Errors: ERR_PROTOCOL when an answer is no list. An odd item of a list reads as one without what
 * it lacks: it is waited for, and named.
 *
 * Source: Docker 20.10: a task of a service with a healthcheck is "starting" until it is healthy; a
 * replaced task is "shutdown", one that ended by itself "failed" or "complete", one that could not
 * start "rejected"; a task's Spec is its service's TaskTemplate but for "Runtime". A job's tasks
 * are wanted "complete" and of the JobIteration that its JobStatus names, which an update raises
 * even when nothing has changed; index 0 is left out.
 */
#ifndef CCCI_VIEW_H
#define CCCI_VIEW_H

#include "common/err.h"
#include "common/json.h"

enum view_restart { VIEW_RESTART_ALWAYS, VIEW_RESTART_ON_FAILURE, VIEW_RESTART_NEVER };
enum view_update {
	VIEW_UPDATE_NONE, /* or completed */
	VIEW_UPDATE_RUNNING,
	VIEW_UPDATE_PAUSED,
	VIEW_UPDATE_ROLLED_BACK, /* started, paused or completed: the update has failed */
};
enum view_task_state {
	VIEW_TASK_NEW,	   /* the engine has given it no address yet */
	VIEW_TASK_PENDING, /* no node has taken it; error says why not */
	VIEW_TASK_WAITING, /* assigned to ready: not started yet */
	VIEW_TASK_STARTING,
	VIEW_TASK_RUNNING,
	VIEW_TASK_COMPLETE,
	VIEW_TASK_FAILED,
	VIEW_TASK_REJECTED,
	VIEW_TASK_GONE, /* shutdown, remove, orphaned: somebody wanted it so */
};

struct view_port {
	char *protocol; /* "tcp" */
	int64_t number;
};

/* All texts are owned and never NULL. */
struct view_service {
	char *id;
	char *name; /* without the stack's prefix */
	char *image;
	int64_t replicas; /* of a job: tasks that have to complete; -1: global */
	enum view_restart restart;
	int64_t max_attempts; /* 0: no limit */
	bool is_job;	      /* a job by its mode: wants completed tasks */
	char *constraints;    /* of the node that it wants: "node.role == manager, ..."; "" none */
	char *platforms;      /* "linux/arm64, ..."; "" any */
	int64_t max_per_node; /* 0: no limit */
	int64_t reserved_bytes, reserved_nano_cores;
	int64_t limit_bytes;	 /* of memory, of each container; 0: none */
	bool starts_first;	 /* an update starts the new task while the old one runs */
	struct view_port *ports; /* of the host, published in host mode */
	size_t port_count;
	char *port_holder; /* "host port 80 is held by ...": for the reader to fill in, when the
			      engine knows that somebody else has one of them; "" */
	bool has_healthcheck;
	bool asks_image; /* has_healthcheck is the image's affair: the reader has to look */
	enum view_update update;
	char *update_started; /* instant in the engine's words; "" none */
	char *update_message;
	char *chaos_version; /* label coop-cloud.<stack>.chaos-version; "" */
	char *version;	     /* label coop-cloud.<stack>.version; "" */
};
/* How a container's healthcheck failed last; texts of one line, "" when nobody knows. */
struct view_check {
	char *test;
	char *output;
	int64_t exit_code; /* -1: it could not be run, or took too long */
};
struct view_task {
	char *id;
	char *service_id;
	char *container; /* "" none yet */
	char *node;	 /* "" none yet */
	int64_t slot;	 /* its place; a global service has its node for one */
	enum view_task_state state;
	bool is_wanted;	 /* its desired state is to run, to be ready to, or to complete */
	bool is_current; /* of the service's spec, and a job's iteration, as they are now */
	int exit_code;
	char *error;
	bool is_unhealthy;	/* its check has used up its retries: the engine ends it */
	bool was_out_of_memory; /* only the container knows, as it does the check: for the reader */
	struct view_check check;
};
struct view {
	struct view_service *services; /* by name */
	size_t service_count;
	struct view_task *tasks; /* by id */
	size_t task_count;
};

/* From the answers of /services and /tasks for one stack. ERR_PROTOCOL. */
int view_read(const char *stack, const struct json *services, const struct json *tasks,
    struct view *out, struct err *err) CHECKED;
/* What the engine says of the task's container, running or ended. */
void view_task_read_container(struct view_task *task, const struct json *container);
void view_release(struct view *view);
DEFINE_AUTO(view, view_release);
/* Every service that is no job has all of its tasks running, and of its spec as it is now. */
bool view_is_running(const struct view *view);
const struct view_service *view_find(const struct view *view, const char *name); /* NULL: none */

#endif
