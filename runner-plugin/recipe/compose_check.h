/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What docker reads and a deploy of it refuses: found before anything is deployed. Pure.
 *
 *   compose_check(&model, "stack_name", err);
 *
 * References to secrets, configs, volumes and networks that the files do not define, modes and
 * mounts that are none, two mounts on one target, replicas of a global service, names that are too
 * long for Swarm with the stack's before them, a stack without a service app.
 *
 * Errors: ERR_CONFIG, "file:line: service x: ..." with the way out.
 * Source: docker/cli 27.5.1, cli/compose/convert; swarmkit's manager/controlapi (names, mounts).
 */
#ifndef CCCI_COMPOSE_CHECK_H
#define CCCI_COMPOSE_CHECK_H

#include "common/err.h"
#include "runner-plugin/recipe/compose_model.h"

#define COMPOSE_NAME_MAX 64	    /* Swarm's limit for names of secrets and configs */
#define COMPOSE_SERVICE_NAME_MAX 63 /* ... of services and networks: they are DNS names */

int compose_check(const struct compose_model *model, const char *stack, struct err *err) CHECKED;

#endif
