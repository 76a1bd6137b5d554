/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads what a CI server says of builds. Drone and Woodpecker, which grew out of it, say the same
 * things under other names: a form is those names. Pure.
 *
 *   build_read(text, length, &form, &build, err)
 *
 * Only the dialects may call it.
 */
#ifndef CCCI_BRIDGE_BUILD_READ_H
#define CCCI_BRIDGE_BUILD_READ_H

#include "bridge/peers/build.h"

struct build_form {
	const char *server; /* for people: "Drone" */
	/* Names of members. */
	const char *params, *stages, *steps;
	const char *status;	  /* of a stage or a step; a build's is always "status" */
	const char *stage, *step; /* their numbers */
	const char *stopped;	  /* of a step */
	const char *starter;	  /* of a build: who it was */
	/* What the server tells in a way of its own; may change what was read. NULL: nothing. */
	void (*finish)(const struct json *root, struct build *build);
};

/* *out untouched on -1. */
int build_read(const char *text, size_t length, const struct build_form *form, struct build *out,
    struct err *err) CHECKED;
int build_read_list(const char *text, size_t length, const struct build_form *form,
    struct builds *out, struct err *err) CHECKED;

#endif
