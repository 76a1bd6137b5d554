/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a command may run, from facts others fetched. Pure.
 *
 *   facts.push = policy_judge_push(&push_facts);
 *   struct decision decision = policy_decide(&facts);
 *
 * Fails closed: only DECISION_GO starts anything, and it needs every fact to be known and good.
 * What could not be learnt for now is DECISION_ASK_AGAIN; when the comment has meanwhile become too
 * old the same facts give a refusal, so nobody waits without an answer. The all-zero facts are
 * refused.
 */
#ifndef CCCI_POLICY_H
#define CCCI_POLICY_H

#include "common/base.h"

enum policy_membership {
	POLICY_MEMBERSHIP_UNKNOWN, /* not asked yet, or no answer for now */
	POLICY_MEMBER,
	POLICY_NOT_MEMBER,
	POLICY_BOT_OUTSIDE,	  /* our bot is not in the organisation, so it cannot be told */
	POLICY_MEMBERSHIP_DENIED, /* the forge refuses to tell our token (401, 403) */
};
enum policy_pull {
	POLICY_PULL_UNKNOWN,
	POLICY_PULL_OPEN,
	POLICY_PULL_CLOSED,
	POLICY_PULL_MERGED,
	POLICY_PULL_MISSING, /* no pull request: an issue, or gone */
};
enum policy_push {
	POLICY_PUSH_UNKNOWN, /* not asked yet, no answer, or a push is not in the timeline yet */
	POLICY_PUSH_NONE,
	POLICY_PUSH_AFTER,
	POLICY_PUSH_UNSURE, /* the timeline does not say how the head came there, and will not */
};

/* A pull request whose newest commit is asked for. */
struct policy_head {
	enum policy_pull pull;
	enum policy_push push;
	const char *sha; /* NULL or "": not known */
};

struct policy_facts {
	bool is_bot;	  /* written by our own bot */
	bool is_enrolled; /* the repository is one of POLL_REPOS */
	bool is_edited; /* updated_at differs from created_at; the forge tells whole seconds only */
	bool starts_nothing; /* cancel, status: which head it is and whether it is open is no matter
			      */
	bool is_allowlisted;
	enum policy_membership membership;
	struct policy_head head;
	/* --with-tests: the suites are to be those of a pull request of the CI repository. */
	bool wants_suites;
	bool may_choose_suites; /* the author is one of WITH_TESTS_ALLOW */
	struct policy_head suites;
	int64_t age_s;	   /* of the comment now; below 0 counts as 0 (clocks differ) */
	int64_t max_age_s; /* MAX_COMMENT_AGE */
	bool has_asked;	   /* a decision on this comment was ASK_AGAIN before */
};

enum decision_kind {
	DECISION_REFUSE, /* answer with decision_sentence(), once */
	DECISION_GO,
	DECISION_IGNORE,    /* not for us; no answer */
	DECISION_ASK_AGAIN, /* fetch the missing facts again, with back-off */
};
enum decision_reason {
	DECISION_REASON_NONE, /* GO */
	DECISION_OWN_COMMENT,
	DECISION_NOT_ENROLLED,
	DECISION_TOO_OLD,
	DECISION_EDITED,
	DECISION_NOT_MEMBER,
	DECISION_BOT_OUTSIDE,
	DECISION_MEMBERSHIP_DENIED,
	DECISION_PULL_MISSING,
	DECISION_PULL_CLOSED,
	DECISION_PULL_MERGED,
	DECISION_PUSHED_AFTER,
	DECISION_HEAD_UNSURE,
	DECISION_SUITES_DENIED,
	DECISION_SUITES_MISSING,
	DECISION_SUITES_CLOSED,
	DECISION_SUITES_MERGED,
	DECISION_SUITES_PUSHED_AFTER,
	DECISION_SUITES_UNSURE,
	DECISION_NO_ANSWER, /* a fact is missing: ASK_AGAIN; or was until too old: REFUSE */
};
struct decision {
	enum decision_kind kind;
	enum decision_reason reason;
};

/*
 * Facts that decide without others are looked at first, in the order of cost: a caller may leave
 * the later ones unknown, and fetch them only on DECISION_ASK_AGAIN.
 */
struct decision policy_decide(const struct policy_facts *facts);
/* One sentence for the author, ASCII, no outside text in it; "" for GO and IGNORE reasons. */
const char *decision_sentence(enum decision_reason reason);
const char *decision_reason_word(enum decision_reason reason); /* for logs */

/*
 * Whether the head is what the commenter could see.
 *
 * The forge writes the event of a push up to seconds after the head moved, and a push to a closed
 * pull request leaves none at all. So the timeline is believed only when its newest push ends at
 * the head.
 */
struct policy_push_facts {
	const char *head_sha;
	int64_t comment_id;
	int64_t push_id;      /* of the newest push event; 0: none */
	const char *push_sha; /* where it ended; "" unknown, NULL only where there is none */
	int64_t reopen_id;    /* of the newest reopen event; 0: none */
	bool has_waited; /* these facts are POLICY_PUSH_SETTLE_MS or more after the first look */
};
#define POLICY_PUSH_SETTLE_MS 15000 /* events were seen 2.5 s after the push on a busy host */
#define POLICY_PUSH_AGAIN_MS 500    /* time between looks while it settles */

/* UNKNOWN: look again after POLICY_PUSH_AGAIN_MS; never UNKNOWN once has_waited. */
enum policy_push policy_judge_push(const struct policy_push_facts *facts);

#endif
