/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Build parameters (docs/contracts.md, section 3): from the environment of a Drone step, or from
 * the flags of `ccci-run run`, to a checked value. Pure.
 *
 *   if (params_read(environ, settings->recipe_org, &params, err) < 0) ...
 *
 * ERR_CONFIG names the parameter and its form.
 *
 * Every value that later becomes an argument, a path, a domain or a label has passed here: nothing
 * starts with "-", holds a slash where none belongs, or a control character.
 */
#ifndef CCCI_PARAMS_H
#define CCCI_PARAMS_H

#include "common/err.h"
#include "common/verdict.h"

#define PARAMS_RECIPE_SIZE 64
#define PARAMS_SRC_SIZE 160
#define PARAMS_REF_SIZE 41
#define PARAMS_VERSION_SIZE 65
#define PARAMS_KEEP_MAX_MIN 240

struct params {
	char recipe[PARAMS_RECIPE_SIZE]; /* [a-z0-9][a-z0-9-]{0,62} */
	char src[PARAMS_SRC_SIZE];	 /* owner/repo; "" for a local directory */
	int64_t pr;			 /* 0: a run of the default branch */
	char ref[PARAMS_REF_SIZE];	 /* 40 lower-case hex; "" = resolve it once */
	int64_t comment;		 /* 0: not asked for by a comment */
	bool stages[STAGE_COUNT]; /* wanted ones; without STAGES those of stage_is_default() */
	bool has_stages;	  /* STAGES was given */
	char from[PARAMS_VERSION_SIZE]; /* "" = the planner decides */
	char
	    suite_ref[PARAMS_REF_SIZE]; /* commit of the CI repository; "" = the one of the build */
	bool is_dev;			/* `ccci-run dev`: its run has a name of its own */
	bool is_shared;			/* an app that runs share: its run is named so */
	int64_t keep_min;		/* minutes that it stays up when judged; 0: none */
};

/* The forms, also used for flags; each true when the text has it. */
bool params_is_recipe(const char *text);
bool params_is_src(const char *text);
bool params_is_ref(const char *text);
bool params_is_version(const char *text);

/* environ: NULL-terminated NAME=value, borrowed. default_org may be NULL. */
int params_read(const char *const *environ, const char *default_org, struct params *out,
    struct err *err) CHECKED;
/* "install,upgrade" to a set; ERR_CONFIG names the word and the known ones. */
int params_read_stages(const char *list, bool out[STAGE_COUNT], struct err *err) CHECKED;

#endif
