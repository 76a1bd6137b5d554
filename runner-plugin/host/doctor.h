/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host must have before a run can be judged on it.
 *
 *   return doctor_run(settings, environ);            `ccci-run doctor`: every row, with the way out
 *   if (doctor_check_swarm(engine, err) < 0)         what prepare looks at before it begins
 */
#ifndef CCCI_DOCTOR_H
#define CCCI_DOCTOR_H

#include "runner-plugin/run/exit.h"
#include "runner-plugin/settings.h"
#include "runner-plugin/swarm/engine.h"

/* Prints to stdout; EXIT_OURS when something is missing. */
enum exit_code doctor_run(const struct settings *settings, const char *const *environ_rows);

/* The engine answers, is a manager of an active Swarm, and has the overlay network `proxy`. */
int doctor_check_swarm(struct engine *engine, struct err *err) CHECKED;

#endif
