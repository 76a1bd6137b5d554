/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much memory and how many processes a sandbox of a run's has, all of it together: a control
 * group with limits, beside the run's own (cgroup.h), which has none.
 *
 *   if (bounds_make(run->id, &limits, &bounds, err) < 0)   ERR_MISSING: none can be made here
 *   bounds_join(&bounds)                in a child, before exec: it and all that it starts
 *   bounds_remove(run->id)              once all of them are dead; whoever tears down does it too
 *
 * Its name follows from the run's id, so that there is nothing to write down before it is made.
 * Knows the one tree of version 2 and those of version 1, at their usual places.
 *
 * Source: Linux, admin-guide/cgroup-v2.rst and cgroup-v1/{memory,pids}.rst.
 */
#ifndef CCCI_BOUNDS_H
#define CCCI_BOUNDS_H

#include "common/err.h"

#define BOUNDS_TREES_MAX 2

struct bounds_limits {
	int64_t memory_bytes; /* swap included, where the kernel counts it */
	int64_t processes;
};
struct bounds {
	int fds[BOUNDS_TREES_MAX]; /* of its cgroup.procs */
	size_t count;
};

int bounds_make(const char *run_id, const struct bounds_limits *limits, struct bounds *out,
    struct err *err) CHECKED;
/* 0, or -1 with errno. */
int bounds_join(const struct bounds *bounds) CHECKED;
void bounds_release(struct bounds *bounds);
DEFINE_AUTO(bounds, bounds_release);

/* No such group is fine. False: it is still there. */
bool bounds_remove(const char *run_id);

#endif
