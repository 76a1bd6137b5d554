/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Woodpecker as a CI server: its dialect, and the readers of its answers. Pure. What is a pipeline
 * there, its workflows and steps, is a build here, its stages and steps.
 *
 *   struct ci *ci = ci_new(http, &woodpecker_dialect, &place);
 *
 * Its words run ahead and fall behind: a build is killed from the moment somebody cancels it, one
 * that lost its cancel ends as a success, and what a timeout cut is a failure of its step. What is
 * read here is what happened: killed, and by whom.
 *
 * Source: Woodpecker 3.17.0 with the local backend, observed; see tests/data/README.md.
 */
#ifndef CCCI_WOODPECKER_H
#define CCCI_WOODPECKER_H

#include "bridge/peers/ci.h"

extern const struct ci_dialect woodpecker_dialect;

/* *out untouched on -1. */
int woodpecker_read_build(
    const char *text, size_t length, struct build *out, struct err *err) CHECKED;
int woodpecker_read_builds(
    const char *text, size_t length, struct builds *out, struct err *err) CHECKED;
/*
 * The lines, each with its newline, the echoed command first; a NUL reads as U+FFFD. out: made by
 * buf_make(). ERR_MISSING: nothing has come of it yet.
 */
int woodpecker_read_log(const char *text, size_t length, struct buf *out, struct peer_odd *out_odd,
    struct err *err) CHECKED;

#endif
