/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of a build: one list of the CI server's for all jobs every WATCH_EVERY_MS, the build
 * itself for a job whose steps are shown or whose report is read. While no job waits for a build
 * the list is read every POLL_INTERVAL, for builds that were started by hand. Part of tend.h.
 *
 *   watch_turn(work)      of a job with a build
 *   watch_list(works)     of all of them
 */
#ifndef CCCI_BRIDGE_WATCH_H
#define CCCI_BRIDGE_WATCH_H

#include "bridge/work.h"

#define WATCH_EVERY_MS 1000	   /* a list costs the server 2 ms, and only while a build is out */
#define WATCH_QUEUED_LOOK_MS 30000 /* at the stages of a build that nothing is in front of */
#define WATCH_USUAL_EVERY_MS 60000 /* how long a recipe takes is asked of the store */
#define WATCH_UNMADE_S 60	   /* a server that lives has made a build long before */
#define WATCH_OVERDUE_GRACE_S 120  /* Drone itself is up to a minute late with a timeout */

void watch_turn(struct work *work);
void watch_list(struct works *works);

#endif
