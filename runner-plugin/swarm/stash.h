/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a running stack is backed up: where each piece is, taken out, taken away, put back. Does
 * what backup-bot-two does with its labels, through containers that run.
 *
 *   stash_find(engine, stack, &plan, &items, err);           which pieces, in which containers
 *   stash_mark(&access, &items, marker, err);                a file of ours in each directory
 *   stash_run_hook(&access, &items, service, hook, &result, err);
 *   stash_save(&access, item, directory, err);               to a file that has no name
 *   stash_wipe(&access, item, marker, &is_gone, err);        as a mishap would, the app running
 *   stash_put_back(&access, item, err);
 *   stash_look_for_mark(&access, item, marker, &why, err);
 *
 * Archives lie in files without a name, so nothing is left whoever dies. The engine's archive calls
 * keep owners and modes, and need no shell; wiping needs one, and without it the marker alone is
 * written over.
 *
 * Which pieces there are is worked out from the plan and the engine's list; that part is pure.
 */
#ifndef CCCI_STASH_H
#define CCCI_STASH_H

#include "runner-plugin/recipe/backup_labels.h"
#include "runner-plugin/swarm/archive.h"
#include "runner-plugin/swarm/survival.h"

#define STASH_MARK ".ccci-backup" /* in the root of each directory that is taken */

struct stash_item {
	char *name;	 /* "volume data at /data of app", "/etc/x of app" */
	char *service;	 /* that it is reached through */
	char *container; /* of it */
	char *path;
	bool is_named;	/* by a label of its own, not as a whole volume: it has to be there */
	char *why_not;	/* NULL; else why it cannot be reached */
	bool has_mark;	/* it is a directory, and ours is in it */
	int archive_fd; /* -1: none */
	struct archive_scan scan;
};
struct stash_container {
	char *service;
	char *id;
};
struct stash_items {
	struct stash_item *items;
	size_t count;
	struct stash_container *containers; /* a running one of each service */
	size_t container_count;
};
void stash_items_release(struct stash_items *items);
DEFINE_AUTO(stash_items, stash_items_release);

/* From the plan and the answer of /containers/json; pure. */
int stash_items_read(const struct backup_plan *plan, const char *stack,
    const struct json *containers, struct stash_items *out, struct err *err) CHECKED;
int stash_find(struct engine *engine, const char *stack, const struct backup_plan *plan,
    struct stash_items *out, struct err *err) CHECKED;
/* Whether the Swarm has a service with that label, "NAME=VALUE"; "none" has nobody. */
int stash_find_bot(
    struct engine *engine, const char *label, bool *out_has_bot, struct err *err) CHECKED;

/* Borrowed; of all calls below. Errors are the engine's, ERR_TIMEOUT, and ERR_LIMIT for a disk
 * that is short. */
struct stash_access {
	struct engine *engine;
	int64_t deadline_ns;
	int cancel_fd;
};
int stash_mark(const struct stash_access *access, struct stash_items *items, const char *marker,
    struct err *err) CHECKED;
/*
 * Runs a command of the recipe in a service's container, as that container's user, as docker exec
 * does; by bash where it is there, and then a pipe fails with any part of it. ERR_MISSING: no
 * container of the service runs.
 */
int stash_run_hook(const struct stash_access *access, const struct stash_items *items,
    const char *service, const char *command, struct engine_exec_result *out,
    struct err *err) CHECKED;
/* directory: on the disk where there has to be room. ERR_MISSING: there is no such path. */
int stash_save(const struct stash_access *access, struct stash_item *item, const char *directory,
    struct err *err) CHECKED;
/* *out_is_gone: whether that can be seen, by our marker or by the file itself. */
int stash_wipe(const struct stash_access *access, const struct stash_item *item, const char *marker,
    bool *out_is_gone, struct err *err) CHECKED;
int stash_put_back(
    const struct stash_access *access, const struct stash_item *item, struct err *err) CHECKED;
/* *out_why: NULL, or what is wrong with it; the caller frees it. */
int stash_look_for_mark(const struct stash_access *access, const struct stash_item *item,
    const char *marker, char **out_why, struct err *err) CHECKED;
/* The file that the archive of a dump holds, by itself; -1: err is filled. */
int stash_open_dump(const struct stash_item *item, const char *directory, struct err *err) CHECKED;

bool stash_is_packed(const unsigned char head[2]); /* by gzip */
/* What is wrong with what was taken for a hook's dump: NULL, or a text; pure. */
const char *stash_dump_fault(
    const struct archive_scan *scan, const unsigned char head[2], const unsigned char tail[4]);

#endif
