/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The secrets of a recipe as a suite and abra name them. Pure.
 *
 *   secrets_split(stack, model->secrets[i].name, &secret, &version)    abra app secret insert
 *   sentence = secrets_unknown(&suite, models, count)                  NULL: the recipe has each
 *
 * Names and versions are taken from what the compose files say once rendered, never built from a
 * rule: recipes do not agree on one.
 */
#ifndef CCCI_SECRETS_H
#define CCCI_SECRETS_H

#include "runner-plugin/recipe/compose_model.h"
#include "runner-plugin/recipe/suite.h"

/*
 * Of "<stack>_<secret>_<version>", a name in Swarm, the two parts; the caller frees them. False: it
 * is no secret of this stack's that could be made, and both are NULL.
 */
bool secrets_split(const char *stack, const char *name, char **out_secret, char **out_version);

/* The first secret of the suite that none of these versions of the recipe has, as a sentence with
 * a guess that the caller frees; NULL: there is none. */
char *secrets_unknown(const struct suite *suite, const struct compose_model *const *models,
    size_t model_count) CHECKED;

#endif
