/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Docker's Engine API (1.41, Docker 20.10), as far as a run watches, audits and cleans up.
 * Deploying is abra's.
 *
 *   AUTO_PTR(engine) engine = engine_open(settings, err);
 *   engine_list(engine, ENGINE_SERVICE, stack, &list, err);
 *
 * Hides where the engine is (a socket, TCP behind TLS, ssh), on which node of the Swarm a container
 * or a volume is, the API version asked for, filters, tar archives and the framing of logs.
 *
 * The engine is DOCKER_HOST's, a manager. What only the engine of another node can do is asked of
 * that one, when ENGINE_NODES names it: containers and volumes are those of all of them, an image
 * is there when all have it.
 *
 * Errors: ERR_TRANSIENT the engine does not answer or is busy with the object, ERR_MISSING no such
 * object, ERR_DENIED a registry refused, ERR_CONFIG a DOCKER_HOST we cannot use, ERR_PROTOCOL else.
 *
 * Source: Engine API 1.41, observed on 20.10.24. A newer engine that has dropped 1.41 is asked with
 * the oldest version that it still speaks.
 */
#ifndef CCCI_ENGINE_H
#define CCCI_ENGINE_H

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "runner-plugin/settings.h"
#include "runner-plugin/swarm/nodes.h"

#include <poll.h>

#define ENGINE_ANSWER_MAX_BYTES (32 * 1024 * 1024) /* 5,000 tasks of 4 KiB, with room */
#define ENGINE_FILE_MAX_BYTES 4096		   /* of engine_write_file(): markers */
#define ENGINE_STACK_LABEL "com.docker.stack.namespace"

struct engine;

/*
 * Does not talk to the engine yet. Of the settings: where it and the other nodes' are, the
 * operator's home for ssh.
 */
struct engine *engine_open(const struct settings *settings, struct err *err) CHECKED;
void engine_close(struct engine *engine);
DEFINE_AUTO_PTR(engine, engine_close);

/* On this machine: what it says of addresses is true here. */
bool engine_is_here(const struct engine *engine);

/*
 * Every node of the Swarm, with those that ENGINE_NODES does not name; the engine of each that it
 * names has answered. Borrowed until the close. NULL, ERR_CONFIG: a name, or an engine, is not the
 * Swarm's.
 */
const struct nodes *engine_nodes(struct engine *engine, struct err *err) CHECKED;
/* 0: whatever the stack has a volume on can be asked. ERR_CONFIG: the service and its node. */
int engine_check_nodes(struct engine *engine, const char *stack, struct err *err) CHECKED;

enum engine_kind {
	ENGINE_SERVICE,
	ENGINE_TASK,
	ENGINE_CONTAINER,
	ENGINE_NETWORK,
	ENGINE_SECRET,
	ENGINE_CONFIG,
	ENGINE_VOLUME,
};
#define ENGINE_KIND_COUNT (ENGINE_VOLUME + 1)
const char *engine_kind_word(enum engine_kind kind); /* "service" */

struct engine_item {
	char *id;	/* of a volume: its name */
	char *name;	/* of a task, which has none: "<service id>.<slot>" */
	bool has_ended; /* a container that ran and runs no more */
};
struct engine_list {
	struct engine_item *items;
	size_t count;
};
void engine_list_release(struct engine_list *list);
DEFINE_AUTO(engine_list, engine_list_release);

/*
 * Everything of a stack: by label com.docker.stack.namespace, and, because abra's secrets may lack
 * it, by the name prefix "<stack>_". A stack of "" lists all.
 *
 * An ended task of a job is left out: it holds nothing, outlives its service, and no call removes
 * it (20.10.24; tests/data/engine/jobs.left.tasks.json).
 */
int engine_list(struct engine *engine, enum engine_kind kind, const char *stack,
    struct engine_list *out, struct err *err) CHECKED;
/* The same from an answer of the engine; pure. */
int engine_list_read(enum engine_kind kind, const char *stack, const struct json *answer,
    struct engine_list *out, struct err *err) CHECKED;
/*
 * 0 also when it is gone already. ERR_TRANSIENT while in use, and always for a task that is still
 * there: it goes with its service.
 */
int engine_remove(
    struct engine *engine, enum engine_kind kind, const char *id, struct err *err) CHECKED;
/* One name of it, or its id; with the last name it goes. 0 also when it is gone already. */
int engine_remove_image(struct engine *engine, const char *name, struct err *err) CHECKED;

/*
 * Has Swarm make every task of a service anew, with the spec that it has. ERR_MISSING;
 * ERR_TRANSIENT also when somebody else changed the service in this moment.
 */
int engine_force_update(struct engine *engine, const char *service, struct err *err) CHECKED;

/* GET of any path below /v1.41, answer as JSON; for the watcher, image checks and the doctor. */
struct json *engine_get(struct engine *engine, const char *path, struct err *err) CHECKED;
/* "/tasks?filters=..." of everything labelled with that stack; the caller frees it. */
char *engine_stack_path(const char *collection, const char *stack) CHECKED;
/* The path of its running containers whose healthcheck has used up its retries. */
char *engine_unhealthy_path(const char *stack) CHECKED;

/*
 * A small file of a running or ended container, whatever it has for a shell: written to and read
 * from a directory of it. ERR_LIMIT when it is larger than max_bytes. facts may be NULL: written
 * as root's, for all to read.
 */
struct engine_facts {
	unsigned mode, uid, gid;
};
int engine_write_file(struct engine *engine, const char *container, const char *directory,
    const char *name, const struct engine_facts *facts, const struct buf *content,
    struct err *err) CHECKED;
int engine_read_file(struct engine *engine, const char *container, const char *path,
    size_t max_bytes, struct engine_facts *facts, struct buf *out, struct err *err) CHECKED;

/*
 * A file or directory of a container to a file of the host, as an archive with owners and modes,
 * and in again: into a directory, whatever has the same name there is replaced. "/x/." is what is
 * in directory /x.
 *
 * ERR_MISSING: no such path, or container. ERR_LIMIT: no room for it, keep_free_bytes of the file's
 * system have to stay free. ERR_TIMEOUT: as engine_exec().
 */
struct engine_tree { /* borrowed */
	const char *container;
	const char *path;
	int fd; /* of the archive, at its beginning */
	uint64_t keep_free_bytes;
	int64_t deadline_ns;
	int cancel_fd; /* -1: none */
};
struct archive_scan;
/* scan: zero but for what is not to be counted; says then what is in it, and that it is whole. */
int engine_save_tree(struct engine *engine, const struct engine_tree *tree,
    struct archive_scan *scan, struct err *err) CHECKED;
int engine_load_tree(
    struct engine *engine, const struct engine_tree *tree, struct err *err) CHECKED;

/*
 * Runs a program in a running container and waits for its end. What it ends with, 127 for one that
 * is not there, is a result. ERR_MISSING, ERR_TRANSIENT: there is no such container, or it does
 * not run; ERR_TIMEOUT: not over in time, and still running there.
 */
struct engine_exec { /* borrowed */
	const char *container;
	const char *const *argv; /* never a shell unless argv[0] is one */
	const char *const *env;	 /* "NAME=value" beside the container's own; NULL: none */
	const char *user;	 /* NULL: the container's own */
	int64_t deadline_ns;
	int cancel_fd;	  /* -1: none; readable: ERR_TIMEOUT */
	size_t max_bytes; /* of its output; what is more is dropped */
};
struct engine_exec_result {
	int exit_code;
	struct buf output; /* stdout and stderr as they came; not masked */
};
void engine_exec_result_release(struct engine_exec_result *result);
DEFINE_AUTO(engine_exec_result, engine_exec_result_release);
int engine_exec(struct engine *engine, const struct engine_exec *spec,
    struct engine_exec_result *out, struct err *err) CHECKED;

/*
 * The last lines of a task's stdout and stderr, appended to out; what does not fit is dropped. Not
 * masked.
 */
int engine_task_logs(struct engine *engine, const char *task, const char *container, int lines,
    struct buf *out, struct err *err) CHECKED;
/*
 * What all tasks of a service have said since that second of the wall clock, each line with its
 * time before it; the same otherwise.
 */
int engine_service_logs(struct engine *engine, const char *service, int64_t since_s,
    struct buf *out, struct err *err) CHECKED;
/* Takes the frames of the engine's log stream apart; text that is not framed is kept as it is. */
void engine_unframe(const char *data, size_t length, struct buf *out);

/* One image to pull. */
struct engine_pull {
	const char *image; /* with tag or digest; borrowed */
	const char *auth;  /* value of X-Registry-Auth; NULL: anonymous; borrowed */
	bool is_over;
	int64_t elapsed_ms;
	struct err err; /* ERR_NONE: it is there. What the registry said is in msg. */
};
/*
 * Pulls all of them at once; blocks until the last is over, the deadline has passed or cancel_fd
 * (-1: none) is readable; what is not over then ends as ERR_TIMEOUT. on_pull (NULL: none) is called
 * for each that is over, and every ENGINE_PULL_TICK_MS with NULL.
 * Errors: only of the engine itself; those of a pull are in it.
 */
#define ENGINE_PULL_TICK_MS 10000
typedef void (*engine_on_pull)(void *context, const struct engine_pull *pull);
int engine_pull_all(struct engine *engine, struct engine_pull *pulls, size_t count,
    int64_t deadline_ns, int cancel_fd, engine_on_pull on_pull, void *context,
    struct err *err) CHECKED;

/*
 * What happens to a stack, as it happens. Tasks make no events of their own (a rejected one is
 * silent), so a waiter also has to look now and then.
 *
 *   AUTO_PTR(engine_watch) watch = engine_watch_open(engine, stack);
 *   engine_watch_wait(watch, fds, count, 1000, &has_changed, err);
 *
 * It sleeps until something happened, a descriptor of fds is ready (revents set) or the time has
 * passed. A stream that breaks off counts as a change and is opened again by the next wait.
 * The engine is borrowed until the close. Errors: ERR_SYS; an engine that does not answer shows in
 * the next look.
 */
struct engine_watch;

struct engine_watch *engine_watch_open(struct engine *engine, const char *stack) CHECKED;
int engine_watch_wait(struct engine_watch *watch, struct pollfd *fds, size_t count, int timeout_ms,
    bool *out_has_changed, struct err *err) CHECKED;
void engine_watch_close(struct engine_watch *watch);
DEFINE_AUTO_PTR(engine_watch, engine_watch_close);

#endif
