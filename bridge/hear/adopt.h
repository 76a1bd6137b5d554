/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds that nobody asked us for: started by hand in the CI server, by its parameters of a pull
 * request of an enrolled repository. Each becomes a job, which is answered like any. Part of
 * tend.h.
 *
 *   adopt_list(works, builds)     a page of builds, newest first
 *   adopt_turn(work)              of such a job that was heard
 *
 * Exactly once: the job's id is the build's number below zero, so a build is claimed as a comment
 * is. What was there at the very first look is seen; what is older than MAX_COMMENT_AGE when we
 * come back is nobody's concern any more.
 */
#ifndef CCCI_BRIDGE_ADOPT_H
#define CCCI_BRIDGE_ADOPT_H

#include "bridge/work.h"

void adopt_list(struct works *works, const struct builds *builds);
void adopt_turn(struct work *work);

#endif
