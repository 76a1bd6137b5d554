/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One commit of the recipe as this run will deploy it: the app's env file, which compose files in
 * which order, and what they say once rendered.
 *
 *   render_commit(work, &suite, commit, env_commit, &rendered, err);
 *   text = render_env_file(&rendered, env_file_as_abra_made_it, err);
 *
 * The env file is made once, from the head's .env.sample, and serves every version, as an
 * operator's does; only COMPOSE_FILE is cut down to the files that the version has.
 *
 * Nothing is opened that is not a file of the commit: links are followed within it, and one that
 * leads out of the recipe is refused.
 *
 * Errors: ERR_CONFIG or ERR_MISSING: the recipe's own fault (a file that is none, a service app
 * that is not there, a name too long for Swarm); others are ours.
 */
#ifndef CCCI_RENDER_H
#define CCCI_RENDER_H

#include "runner-plugin/recipe/compose.h"
#include "runner-plugin/recipe/suite.h"
#include "runner-plugin/recipe/tree.h"
#include "runner-plugin/stages/stages.h"

/* Overlays of a suite lie in the checkout under a name that no recipe uses. */
#define RENDER_OVERLAY_PREFIX "ccci."

struct rendered {
	char *commit;
	char *env_commit;   /* whose .env.sample makes the env file */
	char *compose_file; /* value of COMPOSE_FILE, overlays included */
	char *directory;    /* in the recipe: where relative paths of the files start; "" the top */
	struct tree tree;   /* what the commit holds */
	struct env env;	    /* what the files are interpolated with */
	struct compose_model model;
	struct env_row *sets; /* what the env file must say */
	size_t set_count;
};

/* env_commit: the commit whose .env.sample makes the env file. */
int render_commit(const struct stages_work *work, const struct suite *suite, const char *commit,
    const char *env_commit, struct rendered *out, struct err *err) CHECKED;
void rendered_release(struct rendered *rendered);
DEFINE_AUTO(rendered, rendered_release);

/* How long one deployment may take: the suite's word, else the setting's. */
int64_t render_timeout_ms(const struct stages_work *work, const struct suite *suite);
/* Our values into the text of an env file; the caller frees it. NULL: it is none. */
char *render_env_file(const struct rendered *rendered, const char *text, struct err *err) CHECKED;
/* Puts the suite's overlays into the checkout. */
int render_copy_overlays(
    const struct stages_work *work, const struct suite *suite, struct err *err) CHECKED;

#endif
