/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks that the kernel gives back when their holder dies: the lease of a run, the turn to make
 * one, and the turn to change a file.
 *
 *   int fd = lease_take(run->dir, &err);  held for life by a run's keeper; who reaps takes it, or
 *                                         leaves that run alone
 *
 * A lock belongs to the open file, so it passes over fork(2): close it in every child.
 */
#ifndef CCCI_LEASE_H
#define CCCI_LEASE_H

#include "common/err.h"

/*
 * Locks <run_dir>/lease. Returns the descriptor.
 *
 * Errors    ERR_TRANSIENT another process holds it; ERR_MISSING there is no such run; else ERR_SYS.
 */
int lease_take(const char *run_dir, struct err *err) CHECKED;
/* The same, waiting until an instant. */
int lease_wait(const char *run_dir, int64_t deadline_ns, struct err *err) CHECKED;
/* Whether somebody holds it. Only looks: whoever tries to take it in this instant may fail once. */
bool lease_is_held(const char *run_dir);
/* Writes our pid into it, for people. */
void lease_sign(int fd);

/*
 * Whoever makes a run directory, and whoever looks for dead ones, has this lock meanwhile: or a run
 * whose lease is not taken yet would look dead. Returns the descriptor; waits.
 */
int lease_lock_births(const char *state_dir, struct err *err) CHECKED;
/* Any other turn to write a file that several processes change. Returns the descriptor; waits. */
int lease_lock(const char *path, struct err *err) CHECKED;

#endif
