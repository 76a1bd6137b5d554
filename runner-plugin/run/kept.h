/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the app of a judged run stays up for a look, and how long.
 *
 *   kept_find_head(settings, run, commit, &facts.head_is_up, &err);
 *   int64_t keep_ms = kept_decide(&facts, why_not);      0: it is taken down at once
 *
 * A kept run is over: it has its verdict, nothing of it is cancelled any more, and its build may be
 * gone. Its keeper lives on with lease, slots and journal, so a keeper that dies is reaped like
 * any.
 */
#ifndef CCCI_KEPT_H
#define CCCI_KEPT_H

#include "runner-plugin/run/run.h"

#define KEPT_WHY_SIZE 160

struct kept_facts {
	int64_t asked_ms;    /* 0: nobody asked */
	int64_t most_ms;     /* of this host; 0: it keeps none */
	bool is_complete;    /* the run went to its end */
	bool head_is_up;     /* what is deployed now is the head */
	bool is_slot_wanted; /* another run waits for it */
};

/* Pure. Milliseconds; with 0 why not, "" when there is nothing to say. */
int64_t kept_decide(const struct kept_facts *facts, char out_why_not[KEPT_WHY_SIZE]);

/* By what the engine says of service app: the last stage may have left an older version, or none.
 */
int kept_find_head(const struct settings *settings, const struct run *run, const char *commit,
    bool *out_is_up, struct err *err) CHECKED;

#endif
