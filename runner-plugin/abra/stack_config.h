/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What docker itself says to the files that abra will load: `docker stack config`, where the CLI of
 * this host knows it (25 and later). Its loader is abra's, so what it refuses abra would refuse at
 * the deploy.
 *
 *   if (stack_config_find(work, &stack_config) && stack_config_read(&stack_config, work, &rendered,
 *           sentence) == STACK_CONFIG_REFUSED)
 *           ... sentence: why, in docker's words
 *
 * The checkout holds the commit and the overlays, and the commit has been judged: docker opens the
 * files that the recipe names. What it prints is thrown away. The docker is the first one on the
 * step's PATH. It gets the app's environment and nothing else, so that it interpolates as abra
 * does; an environment that would change docker itself is not given to it, and it is not asked.
 *
 * A docker that is not there, does not know the command, or fails in another way is no verdict.
 */
#ifndef CCCI_STACK_CONFIG_H
#define CCCI_STACK_CONFIG_H

#include "runner-plugin/recipe/render.h"

struct stack_config {
	char *docker;	  /* absolute */
	char *config_dir; /* for DOCKER_CONFIG: nothing of anybody's is in it */
};
/* False, and said at debug: there is none that can be asked. */
bool stack_config_find(const struct stages_work *work, struct stack_config *out) CHECKED;
void stack_config_release(struct stack_config *stack_config);
DEFINE_AUTO(stack_config, stack_config_release);

enum stack_config_end { STACK_CONFIG_FINE, STACK_CONFIG_REFUSED, STACK_CONFIG_NOT_ASKED };
#define STACK_CONFIG_SENTENCE_SIZE 480
enum stack_config_end stack_config_read(const struct stack_config *stack_config,
    const struct stages_work *work, const struct rendered *rendered,
    char sentence[STACK_CONFIG_SENTENCE_SIZE]);

/*
 * Pure. The first variable of an environment that would reach docker, its libraries or its runtime
 * rather than the files that it reads; NULL: none.
 */
const char *stack_config_find_danger(const struct env *env);
/* Pure. From what docker wrote at last to one sentence: without warnings, and without the path of
 * the checkout. */
void stack_config_sentence(
    const char *said, const char *recipe_dir, char out[STACK_CONFIG_SENTENCE_SIZE]);

#endif
