/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * News of a recipe: whether a run that has come to its verdict is any, and the document that
 * NOTIFY_COMMAND reads. Pure.
 *
 *   if (notice_judge(&past, job->comment, &notice))
 *           text = notice_write(&notice, &facts);
 *
 * It is news when the recipe's level is another one with this run than without it, and when the
 * runs by night turn red, or green again. A red run by night that nothing confirms is told nobody
 * (past_is_by_chance()): the second try, or the next night, tells both.
 */
#ifndef CCCI_BRIDGE_NOTICE_H
#define CCCI_BRIDGE_NOTICE_H

#include "bridge/pages/past.h"

#define NOTICE_SCHEMA 1
#define NOTICE_TRIES 3

struct notice {
	bool is_level, turns_red, turns_green; /* what is new; one at least */
	bool has_before;
	int before, after; /* the recipe's level, when there is one */
	bool has_after;
	const struct past_run *first_red; /* while it is red by night; borrowed from past; NULL */
};
/* past: of one recipe, the newest first, this run with its verdict among them. False: no news. */
bool notice_judge(const struct past *past, int64_t comment, struct notice *out) CHECKED;

struct notice_facts {
	const struct job *job;
	const char *pages_url; /* where people reach the pages; NULL: not, or not this run's */
};
/* One line of JSON, see docs/api.schema.json: "notice". The caller frees it. */
char *notice_write(const struct notice *notice, const struct notice_facts *facts) CHECKED;

/* How long after so many tries that failed the next one is due; -1: there is none any more. */
int64_t notice_again_s(int64_t tries);

#endif
