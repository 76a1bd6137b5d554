/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forgetting: what is over for longer than HISTORY_AGE, or beyond HISTORY_RUNS of its recipe,
 * leaves the store, a few jobs in each turn, and the room that it took is given back.
 *
 *   forget_turn(&forget, parts)      does a bite when one is due; the instant of the next
 *
 * Once an hour all recipes are gone through. What stays whatever the settings say is store.h's.
 */
#ifndef CCCI_BRIDGE_FORGET_H
#define CCCI_BRIDGE_FORGET_H

#include "bridge/parts.h"

#define FORGET_EVERY_MS (INT64_C(3600) * 1000)
#define FORGET_FIRST_MS 5000 /* after the start, which has other things to do */
#define FORGET_PAUSE_MS 20   /* between bites: whoever waits has the loop first */
#define FORGET_JOBS 16	     /* a bite: some ms, of results of 50 kB each */
#define FORGET_PAGES 128     /* likewise */
/* A refusal, a cancel: nobody shows it, and a flood of them is counted over an hour. */
#define FORGET_OTHERS_S (INT64_C(30) * 24 * 3600)

enum forget_step { FORGET_OLD, FORGET_MANY, FORGET_GIVE_BACK };
struct forget { /* all zero: nothing was done yet */
	enum forget_step step;
	char recipe[GITEA_REPO_SIZE]; /* the last that was gone through; "" none */
	int64_t due_ns;
	uint64_t forgotten, said; /* jobs since the start; of these told in the log */
};

int64_t forget_turn(struct forget *forget, const struct parts *parts);
void forget_soon(struct forget *forget); /* the settings are others */

#endif
