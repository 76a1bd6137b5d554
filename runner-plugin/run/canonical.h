/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was green on a recipe's default branch: STATE_DIR/canonical/<recipe>.json, newest first. The
 * planner takes the base of an upgrade from it, people read it.
 *
 *   canonical_read(state_dir, "custom-html", &history, err);
 *   canonical_add(state_dir, "custom-html", &entry, err);        the keeper, after a green run
 *   canonical_show(state_dir, NULL, false, &out, err);           a table for people
 *
 * Hides paths, form and the lock: of two runs that end at once both are kept. The file is whole or
 * not there.
 */
#ifndef CCCI_CANONICAL_H
#define CCCI_CANONICAL_H

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "runner-plugin/recipe/params.h"

#define CANONICAL_MAX 20 /* of a recipe that is tested each night: three weeks of changes */

struct canonical_entry {
	char version[PARAMS_VERSION_SIZE]; /* label of the head; "" when it has none */
	char commit[PARAMS_REF_SIZE];
	int64_t build;	/* 0: not in Drone */
	int64_t when_s; /* wall; when the run began */
};
struct canonical {
	struct canonical_entry entries[CANONICAL_MAX];
	size_t count;
};

/*
 * One more green run in its place, newest first. Pure. A commit stands in the history once: the
 * newer run of it counts. The oldest goes when there is no room.
 */
void canonical_merge(struct canonical *history, const struct canonical_entry *entry);
struct json *canonical_encode(const struct canonical *history) CHECKED;
int canonical_decode(const struct json *json, struct canonical *out, struct err *err) CHECKED;

/* No file is an empty history. ERR_PROTOCOL: it is damaged. */
int canonical_read(
    const char *state_dir, const char *recipe, struct canonical *out, struct err *err) CHECKED;
int canonical_add(const char *state_dir, const char *recipe, const struct canonical_entry *entry,
    struct err *err) CHECKED;
/* Of one recipe, or of all with NULL; as_json: one line, {"<recipe>": [...]}. */
int canonical_show(const char *state_dir, const char *recipe, bool as_json, struct buf *out,
    struct err *err) CHECKED;

#endif
