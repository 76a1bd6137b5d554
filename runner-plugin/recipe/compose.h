/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recipe's compose files say, rendered as abra will render them, as far as ccci must know
 * before a deploy: services with image, healthcheck and mounts; names of secrets, configs and
 * volumes. Pure: files and env come in as text.
 *
 *   compose_render(files, count, &env, &model, err);     in the order of COMPOSE_FILE, later ones
 * win
 *
 * Interpolation: $V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+a} ${V+a} $$. Errors: ERR_CONFIG with
 * file:line:column.
 */
#ifndef CCCI_COMPOSE_H
#define CCCI_COMPOSE_H

#include "common/err.h"
#include "runner-plugin/recipe/compose_model.h"

#define COMPOSE_FILES_MAX 16
#define COMPOSE_NAME_MAX 64 /* Swarm's limit for names of secrets and configs */

struct compose_env_row {
	char *name;
	char *value;
};
struct compose_env {
	struct compose_env_row *rows;
	size_t count;
};
/* Parses an env file as abra does (quotes, comments, expansion of earlier lines, "# length=.."
 * modifiers dropped). */
int compose_env_parse(const char *name, const char *text, size_t length, struct compose_env *out,
    struct err *err) CHECKED;
/* Adds `export NAME=value` lines of abra.sh; what is not one is skipped. */
void compose_env_add_abra_sh(struct compose_env *env, const char *text, size_t length);
const char *compose_env_get(const struct compose_env *env, const char *name); /* NULL: unset */
void compose_env_set(struct compose_env *env, const char *name, const char *value);
/*
 * The text of an env file with a name set to a value, in the line that sets it (the last one counts
 * when several do: all are replaced) or in a new one at the end; every other line stays as it is,
 * byte for byte. The value is quoted so that nothing in it is expanded. The caller frees it.
 */
char *compose_env_file_set(const char *text, const char *name, const char *value) CHECKED;
void compose_env_release(struct compose_env *env);
DEFINE_AUTO(compose_env, compose_env_release);

struct compose_file {
	const char *name;
	const char *text;
	size_t length;
};
/* env must hold STACK_NAME and DOMAIN. */
int compose_render(const struct compose_file *files, size_t count, const struct compose_env *env,
    struct compose_model *out, struct err *err) CHECKED;
/* NULL, or the first secret or config name over COMPOSE_NAME_MAX; borrowed. */
const char *compose_find_long_name(const struct compose_model *model);

#endif
