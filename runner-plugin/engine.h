/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Docker's Engine API (1.41, Docker 20.10), as far as a run watches, audits and cleans up.
 * Deploying is abra's.
 *
 *   AUTO_PTR(engine) engine = engine_open(settings->docker_host, err);
 *   engine_list(engine, ENGINE_SERVICE, stack, &list, err);
 *
 * Errors: ERR_TRANSIENT the engine does not answer, ERR_MISSING no such object, ERR_PROTOCOL else.
 *
 * Source: Engine API 1.41, observed on 20.10.24.
 */
#ifndef CCCI_ENGINE_H
#define CCCI_ENGINE_H

#include "common/err.h"
#include "common/json.h"

struct engine;

struct engine *engine_open(const char *docker_host, struct err *err) CHECKED;
void engine_close(struct engine *engine);
DEFINE_AUTO_PTR(engine, engine_close);

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
	char *id; /* of a volume: its name */
	char *name;
};
struct engine_list {
	struct engine_item *items;
	size_t count;
};
void engine_list_release(struct engine_list *list);
DEFINE_AUTO(engine_list, engine_list_release);

/*
 * Everything of a stack: by label com.docker.stack.namespace, and, because abra's secrets may lack
 * it, by the name prefix
 * "<stack>_". A stack of "" lists all.
 */
int engine_list(struct engine *engine, enum engine_kind kind, const char *stack,
    struct engine_list *out, struct err *err) CHECKED;
/* 0 also when it is gone already. ERR_TRANSIENT while in use. */
int engine_remove(
    struct engine *engine, enum engine_kind kind, const char *id, struct err *err) CHECKED;

/* GET of any path below /v1.41, answer as JSON; for the watcher, image checks and the doctor. */
struct json *engine_get(struct engine *engine, const char *path, struct err *err) CHECKED;

#endif
