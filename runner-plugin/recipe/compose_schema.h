/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which keys and values a compose file may have in each version, 3 to 3.13, as a table. Pure.
 *
 *   compose_schema_version(&source, tree, &minor);       before variables are rendered
 *   compose_schema_check(&source, tree, minor);          after it
 *
 * Errors: ERR_CONFIG with file:line:column, the path of keys, what is wrong there and the way out:
 * the nearest known key, quotes to add or to drop, the version that knows it.
 * Source: docker/cli 27.5.1, the JSON schemas in cli/compose/schema, and what its loader refuses
 * while decoding; tests/oracle compares us with it.
 */
#ifndef CCCI_COMPOSE_SCHEMA_H
#define CCCI_COMPOSE_SCHEMA_H

#include "runner-plugin/recipe/compose_read.h"

/* What stands behind "3."; no version and "3" are the newest. */
int compose_schema_version(
    const struct compose_source *source, const struct yaml *tree, int *minor) CHECKED;
int compose_schema_check(
    const struct compose_source *source, const struct yaml *tree, int minor) CHECKED;

#endif
