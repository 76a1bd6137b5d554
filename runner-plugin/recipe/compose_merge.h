/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several compose files as one, by the rules of docker's loader, which are its own for each field.
 * Pure.
 *
 *   compose_merge(&model, &file, err);     file is empty afterwards
 *   compose_finish(&model, "stack_name");  once, when all are merged
 *
 * Texts of the later file count where they are not empty; what is true stays true; cap_add,
 * constraints, env files and the words of a healthcheck are added; labels and networks go by key;
 * mounts by target, ports by the published one, references by source: the later one counts, sorted
 * by it. Secrets, configs, volumes and networks of the later file replace those of the same key.
 * Source: docker/cli 27.5.1, cli/compose/loader, as seen through tests/oracle.
 */
#ifndef CCCI_COMPOSE_MERGE_H
#define CCCI_COMPOSE_MERGE_H

#include "runner-plugin/recipe/compose.h"

/* Errors: ERR_CONFIG: a list of the later file under "x-…" that the earlier one has as another
 * kind. */
int compose_merge(
    struct compose_model *into, struct compose_model *take_later, struct err *err) CHECKED;
/* Fills in what depends on all files: names in Swarm, replicas, the network "default"; sorts. */
void compose_finish(struct compose_model *model, const char *stack);

#endif
