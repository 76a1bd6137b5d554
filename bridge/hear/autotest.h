/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pull requests of AUTO_TEST's users: each head of theirs is tested once, without a comment. Part
 * of tend.h.
 *
 *   autotest_note(works, repo, pr)     something changed in it; returns at once
 *   autotest_turn(works)               looks at those that were noted
 *   autotest_begin(work)               of a job that is one of these, and was heard
 *
 * Exactly once: the store has at most one such job for a pull request and a commit. Its id is above
 * all comments' and goes to the build as COMMENT, so that whatever finds a comment's build and
 * answer again finds these too.
 */
#ifndef CCCI_BRIDGE_AUTOTEST_H
#define CCCI_BRIDGE_AUTOTEST_H

#include "bridge/work.h"

#define AUTOTEST_LOOKS_MAX 256 /* pull requests noted and not looked at yet */

void autotest_note(struct works *works, const char *repo, int64_t pr);
void autotest_turn(struct works *works);
void autotest_begin(struct work *work);
void autotest_release(struct works *works);

#endif
