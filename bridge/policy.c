/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/policy.h"

static const struct {
	const char *word;
	const char *sentence;
} reasons[] = {
    [DECISION_REASON_NONE] = {"go", ""},
    [DECISION_OWN_COMMENT] = {"own-comment", ""},
    [DECISION_NOT_ENROLLED] = {"not-enrolled", ""},
    [DECISION_TOO_OLD] = {"too-old",
	"This command was found too late to be run without asking; comment again if it is "
	"still wanted."},
    [DECISION_EDITED] = {"edited",
	"This comment was edited, and only comments as they were first written start a run; "
	"write a new one."},
    [DECISION_NOT_MEMBER] = {"not-member",
	"Only members of this repository's organisation, and people whom the operator of ccci "
	"has listed, can start a run."},
    [DECISION_BOT_OUTSIDE] = {"bot-outside",
	"ccci's own user is not in this repository's organisation, so it cannot tell who is; "
	"its operator has to add it."},
    [DECISION_MEMBERSHIP_DENIED] = {"membership-denied",
	"The forge does not let ccci's token ask who is in this repository's organisation; its "
	"operator has to mend that."},
    [DECISION_PULL_MISSING] = {"pull-missing",
	"There is no pull request here to test; commands work in pull requests only."},
    [DECISION_PULL_CLOSED] = {"pull-closed",
	"This pull request is closed; reopen it and comment again to have it tested."},
    [DECISION_PULL_MERGED] = {"pull-merged",
	"This pull request is merged already, so there is nothing left to test before that."},
    [DECISION_PUSHED_AFTER] = {"pushed-after",
	"Commits were pushed after this comment, or within seconds of it; comment again to "
	"have them tested."},
    [DECISION_HEAD_UNSURE] = {"head-unsure",
	"The forge does not show when this head was pushed, perhaps while the pull request was "
	"closed; close and reopen it, then comment again."},
    [DECISION_SUITES_DENIED] = {"suites-denied",
	"Only people whom the operator of ccci has listed can choose the suites that a run is "
	"judged by; without --with-tests it is judged by those in force."},
    [DECISION_SUITES_MISSING] = {"suites-missing",
	"The CI repository has no pull request of that number, or ccci's own user may not see it; "
	"--with-tests takes the number of one that changes suites."},
    [DECISION_SUITES_CLOSED] = {"suites-closed",
	"The pull request that --with-tests names is closed; reopen it and comment again, or leave "
	"--with-tests out."},
    [DECISION_SUITES_MERGED] = {"suites-merged",
	"The pull request that --with-tests names is merged already, so its suites are in force; "
	"leave --with-tests out."},
    [DECISION_SUITES_PUSHED_AFTER] = {"suites-pushed-after",
	"Commits were pushed to the pull request that --with-tests names after this comment, or "
	"within seconds of it; comment again to have them used."},
    [DECISION_SUITES_UNSURE] = {"suites-unsure",
	"The forge does not show when the head of the pull request that --with-tests names was "
	"pushed, perhaps while it was closed; close and reopen it, then comment again."},
    [DECISION_NO_ANSWER] = {"no-answer",
	"The forge did not answer ccci's questions about this command in time; comment again "
	"to have another try."},
};

static struct decision decision_of(enum decision_kind kind, enum decision_reason reason)
{
	return (struct decision){.kind = kind, .reason = reason};
}

static struct decision refuse(enum decision_reason reason)
{
	return decision_of(DECISION_REFUSE, reason);
}

static const struct decision go = {DECISION_GO, DECISION_REASON_NONE};
static const struct decision ask_again = {DECISION_ASK_AGAIN, DECISION_NO_ANSWER};

static struct decision judge_author(const struct policy_facts *facts)
{
	if (facts->is_allowlisted)
		return go;
	switch (facts->membership) {
	case POLICY_MEMBER:
		return go;
	case POLICY_NOT_MEMBER:
		return refuse(DECISION_NOT_MEMBER);
	case POLICY_BOT_OUTSIDE:
		return refuse(DECISION_BOT_OUTSIDE);
	case POLICY_MEMBERSHIP_DENIED:
		return refuse(DECISION_MEMBERSHIP_DENIED);
	case POLICY_MEMBERSHIP_UNKNOWN:
		break;
	}
	return ask_again;
}

/* What is said of a pull request: of the one that is tested, or of the suites' own. */
struct head_reasons {
	enum decision_reason missing, closed, merged, pushed_after, unsure;
};
static const struct head_reasons reasons_of_head = {DECISION_PULL_MISSING, DECISION_PULL_CLOSED,
    DECISION_PULL_MERGED, DECISION_PUSHED_AFTER, DECISION_HEAD_UNSURE};
static const struct head_reasons reasons_of_suites = {DECISION_SUITES_MISSING,
    DECISION_SUITES_CLOSED, DECISION_SUITES_MERGED, DECISION_SUITES_PUSHED_AFTER,
    DECISION_SUITES_UNSURE};

static struct decision judge_pull(
    const struct policy_head *head, const struct head_reasons *reasons_of)
{
	switch (head->pull) {
	case POLICY_PULL_OPEN:
		return head->sha && *head->sha ? go : ask_again;
	case POLICY_PULL_CLOSED:
		return refuse(reasons_of->closed);
	case POLICY_PULL_MERGED:
		return refuse(reasons_of->merged);
	case POLICY_PULL_MISSING:
		return refuse(reasons_of->missing);
	case POLICY_PULL_UNKNOWN:
		break;
	}
	return ask_again;
}

static struct decision judge_push(
    const struct policy_head *head, const struct head_reasons *reasons_of)
{
	switch (head->push) {
	case POLICY_PUSH_NONE:
		return go;
	case POLICY_PUSH_AFTER:
		return refuse(reasons_of->pushed_after);
	case POLICY_PUSH_UNSURE:
		return refuse(reasons_of->unsure);
	case POLICY_PUSH_UNKNOWN:
		break;
	}
	return ask_again;
}

static struct decision judge_head(
    const struct policy_head *head, const struct head_reasons *reasons_of)
{
	struct decision decision = judge_pull(head, reasons_of);

	return decision.kind == DECISION_GO ? judge_push(head, reasons_of) : decision;
}

struct decision policy_decide(const struct policy_facts *facts)
{
	struct decision decision = go;

	if (facts->is_bot)
		return decision_of(DECISION_IGNORE, DECISION_OWN_COMMENT);
	if (!facts->is_enrolled)
		return decision_of(DECISION_IGNORE, DECISION_NOT_ENROLLED);
	if (facts->age_s > facts->max_age_s)
		return refuse(facts->has_asked ? DECISION_NO_ANSWER : DECISION_TOO_OLD);
	if (facts->is_edited)
		return refuse(DECISION_EDITED);
	decision = judge_author(facts);
	if (facts->starts_nothing || decision.kind != DECISION_GO)
		return decision;
	if (facts->wants_suites && !facts->may_choose_suites)
		return refuse(DECISION_SUITES_DENIED);
	decision = judge_head(&facts->head, &reasons_of_head);
	if (facts->wants_suites && decision.kind == DECISION_GO)
		decision = judge_head(&facts->suites, &reasons_of_suites);
	return decision;
}

const char *decision_sentence(enum decision_reason reason)
{
	assert((size_t)reason < COUNT_OF(reasons));
	return reasons[reason].sentence;
}

const char *decision_reason_word(enum decision_reason reason)
{
	assert((size_t)reason < COUNT_OF(reasons));
	return reasons[reason].word;
}

enum policy_push policy_judge_push(const struct policy_push_facts *facts)
{
	bool has_head = facts->head_sha && *facts->head_sha;
	bool is_settled = has_head && facts->push_id && text_is(facts->push_sha, facts->head_sha);

	if (facts->push_id > facts->comment_id)
		return POLICY_PUSH_AFTER;
	if (is_settled)
		return POLICY_PUSH_NONE;
	if (!facts->has_waited)
		return POLICY_PUSH_UNKNOWN;
	/*
	 * A push since the reopening would have made an event by now: the head was there before it,
	 * and the reopening before the comment.
	 */
	if (has_head && facts->reopen_id && facts->reopen_id < facts->comment_id &&
	    facts->push_id < facts->reopen_id)
		return POLICY_PUSH_NONE;
	return POLICY_PUSH_UNSURE;
}
