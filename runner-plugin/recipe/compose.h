/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recipe's compose files say, rendered as abra will render them, as far as ccci must know
 * before a deploy: services with image, healthcheck and mounts; names of secrets, configs and
 * volumes. Pure: files and env come in as text.
 *
 *   compose_render(files, count, &env, &model, err);     as in COMPOSE_FILE: later ones win
 *
 * Values are interpolated, keys are not. Errors: ERR_CONFIG with file:line:column.
 */
#ifndef CCCI_COMPOSE_H
#define CCCI_COMPOSE_H

#include "common/err.h"
#include "runner-plugin/recipe/compose_model.h"
#include "runner-plugin/recipe/env_file.h"

#define COMPOSE_FILES_MAX 16

struct compose_file {
	const char *name;
	const char *text;
	size_t length;
};
/* env must hold STACK_NAME and DOMAIN. */
int compose_render(const struct compose_file *files, size_t count, const struct env *env,
    struct compose_model *out, struct err *err) CHECKED;
/*
 * The text of a service's env_file: NAME=value lines, which are not those of abra's env files.
 * Their values are no part of the model, but docker refuses a stack for them.
 */
int compose_check_env_file(
    const char *name, const char *text, size_t length, struct err *err) CHECKED;

#endif
