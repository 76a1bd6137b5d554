/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/isolation.h"

#include <strings.h>

/* The forge's names do not tell case. */
static bool is_owner(const char *repo, const char *user)
{
	size_t length = strcspn(repo, "/");

	return strlen(user) == length && strncasecmp(repo, user, length) == 0;
}

enum isolation isolation_of(const struct isolation_facts *facts)
{
	if (!facts->user)
		return facts->is_enrolled ? ISOLATION_ENROLLED : ISOLATION_GOOD;
	if (is_owner(facts->ci_repo, facts->user))
		return ISOLATION_OWNER;
	if (facts->may_choose)
		return ISOLATION_CHOOSES;
	return facts->is_member ? ISOLATION_MEMBER : ISOLATION_GOOD;
}

void isolation_write(
    enum isolation isolation, const struct isolation_facts *facts, char out[ISOLATION_TEXT_SIZE])
{
	int owner = (int)strcspn(facts->ci_repo, "/");

	switch (isolation) {
	case ISOLATION_GOOD:
		break;
	case ISOLATION_ENROLLED:
		(void)snprintf(out, ISOLATION_TEXT_SIZE,
		    "%s is the CI repository and enrolled as well: who may write a recipe there "
		    "may write the suites that judge all of them; keep them apart, or take it out "
		    "of POLL_REPOS",
		    facts->ci_repo);
		return;
	case ISOLATION_OWNER:
		(void)snprintf(out, ISOLATION_TEXT_SIZE,
		    "%s of AUTO_TEST owns the CI repository %s, so it can change the suites that "
		    "judge its pull requests; give CI_REPO another owner",
		    facts->user, facts->ci_repo);
		return;
	case ISOLATION_MEMBER:
		(void)snprintf(out, ISOLATION_TEXT_SIZE,
		    "%s of AUTO_TEST is a member of %.*s, which owns the CI repository %s: make "
		    "sure that no team of its may write there, or give CI_REPO an owner of which "
		    "it is no member",
		    facts->user, owner, facts->ci_repo, facts->ci_repo);
		return;
	case ISOLATION_CHOOSES:
		(void)snprintf(out, ISOLATION_TEXT_SIZE,
		    "%s of AUTO_TEST is one of WITH_TESTS_ALLOW too, so it may have its pull "
		    "requests "
		    "judged by suites of its own choice; take it out of WITH_TESTS_ALLOW",
		    facts->user);
		return;
	}
	out[0] = '\0';
}
