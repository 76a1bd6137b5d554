/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How an enrolled repository stands at the forge, and the one sentence for the operator when no
 * command in it can be heard. Pure.
 *
 *   standing = standing_of("org/recipe", found, err);        the answer of gitea_get_repo()
 *   if (standing_is_bad(standing))
 *           standing_write(standing, "org/recipe", found ? found->name : "", true, text);
 *   if (standing_write_members("org", "bot", member, err, text))    gitea_get_member()'s answer
 *
 * A repository that was renamed or moved is not followed: its name is the recipe's, names the suite
 * and is what the operator let in. It is heard again when it, or the setting, has the name back.
 */
#ifndef CCCI_BRIDGE_STANDING_H
#define CCCI_BRIDGE_STANDING_H

#include "bridge/peers/gitea.h"

#define STANDING_TEXT_SIZE 512

enum standing {
	STANDING_UNKNOWN, /* no answer yet */
	STANDING_GOOD,
	STANDING_MOVED,	   /* another name, or another owner */
	STANDING_ARCHIVED, /* nobody can comment */
	STANDING_NO_PULLS, /* switched off */
	STANDING_MISSING,  /* deleted, or closed to our user: the forge makes no difference */
	STANDING_DENIED,
	STANDING_ODD, /* the answer makes no sense */
};

/* Exactly one of found and err is not NULL. UNKNOWN: the forge may do better later. */
enum standing standing_of(
    const char *repo, const struct gitea_repo *found, const struct err *err) CHECKED;
bool standing_is_bad(enum standing standing); /* neither UNKNOWN nor GOOD */
/*
 * now: its name now, when it was moved. is_named: POLL_REPOS names the repository, else a wildcard
 * and its suite have enrolled it. Only of a bad one.
 */
void standing_write(enum standing standing, const char *repo, const char *now, bool is_named,
    char out[STANDING_TEXT_SIZE]);
/*
 * What keeps the members of an owner from being asked for: the answer of gitea_get_member() about
 * bot, our token's user, there. Exactly one of member and err is not NULL. False: nothing does.
 */
bool standing_write_members(const char *owner, const char *bot, const enum gitea_member *member,
    const struct err *err, char out[STANDING_TEXT_SIZE]) CHECKED;

#endif
