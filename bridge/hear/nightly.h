/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each enrolled recipe's default branch, once a night (NIGHTLY). Part of tend.h; what is due when
 * is night.h's.
 *
 *   nightly_turn(works)        claims the next one when the queue has room for it
 *   nightly_begin(work)        of a job that is one of these, and was heard
 *
 * Exactly once: the store has at most one such job for a repository, a night and a try. Its id says
 * which, and goes to the build as COMMENT, so that whatever finds a comment's build finds these
 * too. There is no pull request, so there is no answer. The first night of all, and the first after
 * NIGHTLY was changed, is the next one to begin.
 */
#ifndef CCCI_BRIDGE_NIGHTLY_H
#define CCCI_BRIDGE_NIGHTLY_H

#include "bridge/work.h"

#define NIGHTLY_LOOK_MS (INT64_C(10) * 60 * 1000) /* whether somebody is enrolled meanwhile */
#define NIGHTLY_RUNS 16				  /* of a recipe that its turn depends on */

void nightly_turn(struct works *works);
void nightly_begin(struct work *work);
void nightly_release(struct works *works);

#endif
