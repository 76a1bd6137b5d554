/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether those who are judged can write what judges them: the CI repository, with its suites, its
 * pipeline and the commit that builds run. Pure.
 *
 *   isolation = isolation_of(&facts);
 *   if (isolation != ISOLATION_GOOD)
 *           isolation_write(isolation, &facts, text);
 *
 * What a READ bot can learn is little: not who may write a repository, only whose it is and who is
 * a member of an organisation. So this finds what may be, for the operator to look at, and proves
 * nothing when it is silent.
 */
#ifndef CCCI_BRIDGE_ISOLATION_H
#define CCCI_BRIDGE_ISOLATION_H

#include "common/base.h"

#define ISOLATION_TEXT_SIZE 512

enum isolation {
	ISOLATION_GOOD,
	ISOLATION_ENROLLED, /* the CI repository is itself one that is tested */
	ISOLATION_OWNER,    /* the user of AUTO_TEST owns the CI repository */
	ISOLATION_MEMBER,   /* the user of AUTO_TEST is a member of the organisation that does */
	ISOLATION_CHOOSES,  /* the user of AUTO_TEST may choose what it is judged by */
};

/* Of the CI repository alone (user NULL), or of a user of AUTO_TEST as well. Borrowed. */
struct isolation_facts {
	const char *ci_repo;
	bool is_enrolled; /* the CI repository, named or by a wildcard and a suite of its name */
	const char *user; /* one of AUTO_TEST */
	bool is_member;	  /* of the owner of the CI repository */
	bool may_choose;  /* the user is one of WITH_TESTS_ALLOW as well */
};

enum isolation isolation_of(const struct isolation_facts *facts) CHECKED;
/* One sentence, with the way out; not of ISOLATION_GOOD. */
void isolation_write(
    enum isolation isolation, const struct isolation_facts *facts, char out[ISOLATION_TEXT_SIZE]);

#endif
