/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/standing.h"

#include <strings.h>

static enum standing of_error(const struct err *err)
{
	switch (err->code) {
	case ERR_TRANSIENT:
	case ERR_TIMEOUT:
		return STANDING_UNKNOWN;
	case ERR_MISSING:
		return STANDING_MISSING;
	case ERR_DENIED:
		return STANDING_DENIED;
	case ERR_NONE:
	case ERR_CONFIG:
	case ERR_SYS:
	case ERR_PROTOCOL:
	case ERR_LIMIT:
		break;
	}
	return STANDING_ODD;
}

enum standing standing_of(const char *repo, const struct gitea_repo *found, const struct err *err)
{
	if (err)
		return of_error(err);
	if (strcasecmp(found->name, repo) != 0)
		return STANDING_MOVED;
	if (found->is_archived)
		return STANDING_ARCHIVED;
	return found->has_pulls ? STANDING_GOOD : STANDING_NO_PULLS;
}

bool standing_is_bad(enum standing standing)
{
	return standing != STANDING_UNKNOWN && standing != STANDING_GOOD;
}

static bool has_same_owner(const char *repo, const char *other)
{
	size_t length = strcspn(repo, "/") + 1;

	return strncasecmp(repo, other, length) == 0;
}

void standing_write(enum standing standing, const char *repo, const char *now, bool is_named,
    char out[STANDING_TEXT_SIZE])
{
	static const char *const whats[] = {
	    [STANDING_UNKNOWN] = "was not looked at yet",
	    [STANDING_GOOD] = "can be heard",
	    [STANDING_MOVED] = "was renamed or moved",
	    [STANDING_ARCHIVED] = "is archived, so that nobody can comment there",
	    [STANDING_NO_PULLS] = "has its pull requests switched off",
	    [STANDING_MISSING] = "is not there: it was deleted, or closed to our token's user",
	    [STANDING_DENIED] = "is closed to our token's user",
	    [STANDING_ODD] = "is described by the forge in a way that makes no sense",
	};
	const char *home = is_named ? "POLL_REPOS" : "the suites";

	if (standing != STANDING_MOVED)
		(void)snprintf(out, STANDING_TEXT_SIZE,
		    "%s %s; no command in it is heard until that is mended, or it is taken out of "
		    "%s",
		    repo, whats[standing], home);
	else if (is_named || !has_same_owner(repo, now))
		(void)snprintf(out, STANDING_TEXT_SIZE,
		    "%s is %s now; no command in it is heard until POLL_REPOS names it so, or it "
		    "is "
		    "named as before",
		    repo, now);
	else
		(void)snprintf(out, STANDING_TEXT_SIZE,
		    "%s is %s now; no command in it is heard until its suite is named so, or it is "
		    "named as before",
		    repo, now);
}

bool standing_write_members(const char *owner, const char *bot, const enum gitea_member *member,
    const struct err *err, char out[STANDING_TEXT_SIZE])
{
	if (err)
		(void)snprintf(out, STANDING_TEXT_SIZE,
		    "cannot ask who is in %s (%s): nobody there can start a run but the users of "
		    "AUTH_ALLOWLIST",
		    owner, err->msg);
	else if (*member != GITEA_MEMBER)
		(void)snprintf(out, STANDING_TEXT_SIZE,
		    "%s is not in the organisation %s, so the forge does not say who is: nobody "
		    "there can start a run but the users of AUTH_ALLOWLIST; add %s to a team with "
		    "read access",
		    bot, owner, bot);
	return err || *member != GITEA_MEMBER;
}
