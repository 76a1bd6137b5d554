/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A control group of a run's own: whoever is born in it stays in it, also who clears its
 * environment, leaves its session and outlives its keeper. Hides where a host lets us make one.
 *
 *   cgroup_make(run->dir, run->id, &err);      the keeper, before anything of the run starts
 *   cgroup_enter(run->dir, &err);              a worker, of itself
 *   cgroup_end(run->dir, &count, &err);        who tears down: kills all in it and removes it
 *
 * The run's directory says where it is (CGROUP_FILE), before it is made. Not every host allows one,
 * and a run needs none: then proc_end_children() and proc_kill_run() are all there is.
 */
#ifndef CCCI_CGROUP_H
#define CCCI_CGROUP_H

#include "common/err.h"

#define CGROUP_FILE "cgroup" /* in the run's directory */
#define CGROUP_PLACES_MAX 3
#define CGROUP_PATH_SIZE 512

/* ERR_DENIED: this host does not allow it; why. */
int cgroup_make(const char *run_dir, const char *run_id, struct err *err) CHECKED;
/* The same for a moment, for doctor: below what. */
int cgroup_try(char out[CGROUP_PATH_SIZE], struct err *err) CHECKED;
/* 0 too when the run has none. */
int cgroup_enter(const char *run_dir, struct err *err) CHECKED;
/* *out_count: processes that were in it. 0 too when the run has none. */
int cgroup_end(const char *run_dir, unsigned *out_count, struct err *err) CHECKED;

struct cgroup_places {
	char paths[CGROUP_PLACES_MAX][CGROUP_PATH_SIZE];
	size_t count;
};
/*
 * Pure: the directories that a process is in, as /proc/self/mountinfo and /proc/self/cgroup tell,
 * best first: version 2, then freezer and pids of version 1. Source: cgroups(7), proc(5).
 */
void cgroup_find_places(const char *mountinfo, const char *membership, struct cgroup_places *out);

#endif
