/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a run and the keeper that holds it, in one piece as far as any reaper can see.
 *
 *   const struct birth birth = {.settings = ..., .environ = ..., .params = &params, .step = &step};
 *   int fd = birth_give(&birth, &run, &err);      the front's end of a first connection
 *   int fd = birth_share(&birth, key, "", &run, &err);      of an app that runs share
 */
#ifndef CCCI_BIRTH_H
#define CCCI_BIRTH_H

#include "runner-plugin/run/run.h"

struct birth {
	const struct settings *settings;
	const char *const *environ;
	const struct params *params;
	const struct run_step *step; /* all "" and 0 outside of one */
	const char *checkout, *local_recipe;
	int64_t keep_ms;
};

int birth_give(const struct birth *birth, struct run *out, struct err *err) CHECKED;
/*
 * The app that goes by this key: a connection to the keeper of the one that is there, unless that
 * is the one to avoid ("": none), else of a new one.
 */
int birth_share(const struct birth *birth, const char *key, const char *avoid, struct run *out,
    struct err *err) CHECKED;

#endif
