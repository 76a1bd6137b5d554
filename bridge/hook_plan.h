/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is to be done about a repository's webhooks next, so that exactly one is ours and right, or
 * so that none which we made is left. Pure.
 *
 *   step = hook_plan_next(listed.items, listed.count, &wanted);
 *   ... does it, lists them again, asks again, until HOOK_STEP_NONE ...
 *
 * Ours is a hook in Gitea's own form that leads to our address, whoever made it, and the one that
 * we made while it leads to where we had it lead. All others are somebody else's and not touched.
 * Where none is wanted any more only that last one goes: another one that leads to us is of
 * somebody who wants it there.
 *
 * The forge never shows a secret, and an edit does not change it (Gitea 1.26.0, observed). So a
 * hook has our newest key when we remember that we made it with that key; in the place of any other
 * one, made by hand too, a new one comes, and then the other goes.
 */
#ifndef CCCI_BRIDGE_HOOK_PLAN_H
#define CCCI_BRIDGE_HOOK_PLAN_H

#include "bridge/peers/gitea.h"

#define HOOK_PATH "/hook" /* below PUBLIC_URL */

/* What was last set in a repository, as the store has it; all zero: nothing. */
struct hook_memory {
	int64_t hook;
	char url[GITEA_URL_SIZE];
	char mark[65]; /* a keyed hash of hook and url: the key itself is not kept */
};

struct hook_plan_wanted {
	const char *url; /* NULL: none is wanted */
	const struct hook_memory *memory;
	bool has_key; /* the memory's mark is that of our newest key */
};

enum hook_step_kind { HOOK_STEP_NONE, HOOK_STEP_CREATE, HOOK_STEP_EDIT, HOOK_STEP_REMOVE };
struct hook_step {
	enum hook_step_kind kind;
	int64_t hook; /* of EDIT and REMOVE */
};

struct hook_step hook_plan_next(
    const struct gitea_hook *hooks, size_t count, const struct hook_plan_wanted *wanted);

/* The sentence for the operator where the forge does not let us; err: its answer. */
#define HOOK_TROUBLE_SIZE 768
void hook_write_trouble(const char *repo, const struct err *err, char out[HOOK_TROUBLE_SIZE]);
/* The one where it does not let us take ours away again. */
void hook_write_left(const char *repo, const struct hook_memory *memory, const struct err *err,
    char out[HOOK_TROUBLE_SIZE]);

#endif
