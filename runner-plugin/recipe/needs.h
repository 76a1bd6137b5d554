/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipes that are deployed beside the one under test, as suites name them. Pure.
 *
 *   needs_order("wiki", look, context, &needs, err)     the deepest first; circles by their names
 *   needs_prefixes("wiki", &needs, prefixes)            each its own part of a domain
 *   text = needs_expand(value, places, count, err)      "https://@need.keycloak.domain@/realms"
 */
#ifndef CCCI_NEEDS_H
#define CCCI_NEEDS_H

#include "common/err.h"
#include "runner-plugin/recipe/params.h"

#define NEEDS_MAX 8	  /* of one run; a host has to carry them all at once */
#define NEEDS_DEPTH_MAX 3 /* needs of needs of needs */

struct needs {
	char names[NEEDS_MAX][PARAMS_RECIPE_SIZE];
	size_t count;
};
bool needs_has(const struct needs *needs, const char *name);

/* The needs of one recipe, by its suite. */
typedef int (*needs_look)(void *context, const char *recipe, struct needs *out, struct err *err);

/* All that the recipe needs, each once and behind what it needs itself. ERR_CONFIG: a circle, too
 * deep, too many. */
int needs_order(
    const char *recipe, needs_look look, void *context, struct needs *out, struct err *err) CHECKED;

/* The first part of a domain: at most so many letters of the recipe's name. */
#define NEEDS_PREFIX_SIZE 5
void needs_prefix(const char *recipe, size_t letters, char out[NEEDS_PREFIX_SIZE]);
/* Those of the needs, each unlike the others and unlike the recipe's own. */
void needs_prefixes(
    const char *recipe, const struct needs *needs, char out[NEEDS_MAX][NEEDS_PREFIX_SIZE]);

/* What stands for @need.<recipe>.domain@, @need.<recipe>.stack@ and @need.<recipe>.tenant@. */
struct needs_place {
	const char *recipe, *domain, *stack, *tenant;
};
/* The caller frees it. NULL, ERR_CONFIG: it begins such a word that is none. */
char *needs_expand(
    const char *text, const struct needs_place *places, size_t count, struct err *err) CHECKED;

#endif
