/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One compose file as the model of that file alone. Pure.
 *
 *   compose_read(&source, tree, &model);     values rendered, shape checked: see compose.c
 *
 * What it hides: the short and long forms of everything, what docker reads out of a form that says
 * less than all. Defaults that depend on other files (replicas, the network "default", names in
 * Swarm) are not filled in here.
 *
 * Errors: ERR_CONFIG with file:line:column.
 */
#ifndef CCCI_COMPOSE_READ_H
#define CCCI_COMPOSE_READ_H

#include "common/yaml.h"
#include "runner-plugin/recipe/compose.h"

struct compose_source {
	const char *file; /* for messages */
	const char *home; /* what "~" of a bind stands for; NULL: it stays */
	struct err *err;
};

#define COMPOSE_REPLICAS_MAX INT32_MAX
#define COMPOSE_NO_REPLICAS (-1) /* replicas: none written */

int compose_read(const struct compose_source *source, const struct yaml *tree,
    struct compose_model *out) CHECKED;

/* Always -1: "file:line:column: ", then what is wrong. */
int compose_fail(const struct compose_source *source, const struct yaml *at, const char *format,
    ...) PRINTF_LIKE(3, 4);

#endif
