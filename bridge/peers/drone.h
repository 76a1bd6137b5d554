/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drone as a CI server: its dialect, and the readers of its answers. Pure.
 *
 *   struct ci *ci = ci_new(http, &drone_dialect, &place);
 *
 * Source: Drone 2.24.0, observed; see tests/data/README.md.
 */
#ifndef CCCI_DRONE_H
#define CCCI_DRONE_H

#include "bridge/peers/ci.h"

extern const struct ci_dialect drone_dialect;

/* *out untouched on -1. ERR_CONFIG: the answer to a create was null. */
int drone_read_build(const char *text, size_t length, struct build *out, struct err *err) CHECKED;
int drone_read_builds(const char *text, size_t length, struct builds *out, struct err *err) CHECKED;
/* The lines joined, the echoed command first; out: made by buf_make(). */
int drone_read_log(const char *text, size_t length, struct buf *out, struct peer_odd *out_odd,
    struct err *err) CHECKED;
/*
 * Seconds until the exec runner hears that its build was deleted, by how long the build runs; 0: it
 * does now. It asks for 30 s and sleeps for 10, again and again from the build's start; what is
 * sent meanwhile it never learns. A run notices by itself all the same, some seconds later.
 */
int64_t drone_deaf_s(int64_t since_start_s);

#endif
