/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Proves that an upgrade keeps the volumes where the app looks for its data: a marker file is put
 * into every volume of the stack at each place where a service mounts it, and is looked for there
 * afterwards. A volume without a name ends with its container; whether somebody misses what was in
 * it, its marker does not say.
 *
 *   survival_mark(engine, stack, marker, &marks, err);        before, with the base running
 *   survival_check(engine, stack, &marks, &losses, err);      after, with the head running
 *
 * Files go in and out through the engine's archive calls, so the image needs no shell. A mount that
 * is read-only in every service gets no marker.
 *
 * What a lost marker means is worked out from the mounts before and after; that part is pure.
 */
#ifndef CCCI_SURVIVAL_H
#define CCCI_SURVIVAL_H

#include "runner-plugin/swarm/engine.h"

#define SURVIVAL_FILE ".ccci-marker" /* in the root of a volume */
#define SURVIVAL_REASON_SIZE 256

struct survival_mount {
	char *service;	 /* without the stack's prefix */
	char *container; /* one that runs */
	char *volume;	 /* without the prefix; "": it has no name */
	char *path;
	bool is_read_only;
};
struct survival_mounts {
	struct survival_mount *items; /* each service, volume and path once */
	size_t count;
};
/* From the answer of /containers/json: running containers of the stack; pure. */
int survival_mounts_read(const char *stack, const struct json *containers,
    struct survival_mounts *out, struct err *err) CHECKED;
void survival_mounts_release(struct survival_mounts *mounts);
DEFINE_AUTO(survival_mounts, survival_mounts_release);

struct survival_marks {
	struct survival_mounts mounts; /* that had it */
	char *marker;
};
void survival_marks_release(struct survival_marks *marks);
DEFINE_AUTO(survival_marks, survival_marks_release);

struct survival_loss {
	char *service;
	char *volume;
	char *path;			   /* where it was */
	char reason[SURVIVAL_REASON_SIZE]; /* "volume `data` lost its marker: the mount moved from
					      /data to /srv" */
};
struct survival_losses {
	struct survival_loss *items;
	size_t count;
};
void survival_losses_release(struct survival_losses *losses);
DEFINE_AUTO(survival_losses, survival_losses_release);

int survival_mark(struct engine *engine, const char *stack, const char *marker,
    struct survival_marks *out, struct err *err) CHECKED;
int survival_check(struct engine *engine, const char *stack, const struct survival_marks *marks,
    struct survival_losses *out, struct err *err) CHECKED;

/* The engine names a volume that nobody named by 64 hex digits. */
bool survival_is_unnamed(const char *name);

/* Where a marked mount is now, and what to say when its marker was not found there; pure. */
const struct survival_mount *survival_find(
    const struct survival_mounts *now, const struct survival_mount *marked);
void survival_explain(const struct survival_mounts *now, const struct survival_mount *marked,
    char out[SURVIVAL_REASON_SIZE]);

#endif
