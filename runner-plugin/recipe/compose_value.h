/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The values of a compose file with their variables filled in, and with the types that docker gives
 * them then. Pure.
 *
 *   compose_value_render(&source, tree, &env);       tree as yaml_parse_as_go() made it, changed
 *
 * A value that a variable changed is a text, but in some places (deploy.replicas, read_only,
 * external ...) docker reads it as a number or a bool: "${REPLICAS:-2}" is 2, while "2" in quotes
 * stays a text. Keys keep their variables.
 *
 * Errors: ERR_CONFIG with file:line:column.
 * Source: docker/cli 27.5.1, cli/compose/loader and interpolation, as seen through tests/oracle.
 */
#ifndef CCCI_COMPOSE_VALUE_H
#define CCCI_COMPOSE_VALUE_H

#include "runner-plugin/recipe/compose_read.h"
#include "runner-plugin/recipe/env_file.h"

#define COMPOSE_TEXT_MAX (64 * 1024) /* one rendered value */

int compose_value_render(
    const struct compose_source *source, struct yaml *tree, const struct env *env) CHECKED;

#endif
