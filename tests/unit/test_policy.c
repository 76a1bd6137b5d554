/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/policy.h"

#define HEAD "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"
#define SUITES                                                                                     \
	.wants_suites = true, .may_choose_suites = true,                                           \
	.suites = {POLICY_PULL_OPEN, POLICY_PUSH_NONE, OTHER}
#define GOOD                                                                                       \
	.is_enrolled = true, .membership = POLICY_MEMBER,                                          \
	.head = {POLICY_PULL_OPEN, POLICY_PUSH_NONE, HEAD}, .age_s = 5, .max_age_s = 3600

/* A later initialiser of a row replaces the one of GOOD; that is what the rows are for. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

static const struct row {
	struct policy_facts facts;
	enum decision_kind kind;
	enum decision_reason reason;
} rows[] = {
    {{GOOD}, DECISION_GO, DECISION_REASON_NONE},
    {{GOOD, .age_s = 3600}, DECISION_GO, DECISION_REASON_NONE},
    {{GOOD, .age_s = -90}, DECISION_GO, DECISION_REASON_NONE},
    {{GOOD, .has_asked = true}, DECISION_GO, DECISION_REASON_NONE},
    /* for nobody */
    {{0}, DECISION_IGNORE, DECISION_NOT_ENROLLED},
    {{GOOD, .is_bot = true}, DECISION_IGNORE, DECISION_OWN_COMMENT},
    {{GOOD, .is_enrolled = false}, DECISION_IGNORE, DECISION_NOT_ENROLLED},
    {{GOOD, .is_bot = true, .age_s = 4000}, DECISION_IGNORE, DECISION_OWN_COMMENT},
    /* the comment */
    {{GOOD, .age_s = 3601}, DECISION_REFUSE, DECISION_TOO_OLD},
    {{GOOD, .max_age_s = 0}, DECISION_REFUSE, DECISION_TOO_OLD},
    {{GOOD, .age_s = 3601, .membership = POLICY_MEMBERSHIP_UNKNOWN, .has_asked = true},
	DECISION_REFUSE, DECISION_NO_ANSWER},
    {{GOOD, .age_s = 3601, .head.push = POLICY_PUSH_UNKNOWN, .has_asked = true}, DECISION_REFUSE,
	DECISION_NO_ANSWER},
    {{GOOD, .is_edited = true}, DECISION_REFUSE, DECISION_EDITED},
    {{GOOD, .is_edited = true, .is_allowlisted = true}, DECISION_REFUSE, DECISION_EDITED},
    /* the author */
    {{GOOD, .membership = POLICY_NOT_MEMBER}, DECISION_REFUSE, DECISION_NOT_MEMBER},
    {{GOOD, .membership = POLICY_BOT_OUTSIDE}, DECISION_REFUSE, DECISION_BOT_OUTSIDE},
    {{GOOD, .membership = POLICY_MEMBERSHIP_DENIED}, DECISION_REFUSE, DECISION_MEMBERSHIP_DENIED},
    {{GOOD, .membership = POLICY_MEMBERSHIP_UNKNOWN}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, .membership = POLICY_NOT_MEMBER, .is_allowlisted = true}, DECISION_GO,
	DECISION_REASON_NONE},
    {{GOOD, .membership = POLICY_MEMBERSHIP_UNKNOWN, .is_allowlisted = true}, DECISION_GO,
	DECISION_REASON_NONE},
    /* the outsider is refused before anything else is asked */
    {{GOOD, .membership = POLICY_NOT_MEMBER, .head.pull = POLICY_PULL_UNKNOWN}, DECISION_REFUSE,
	DECISION_NOT_MEMBER},
    /* what starts nothing: the author decides alone */
    {{GOOD, .starts_nothing = true, .head.pull = POLICY_PULL_MERGED,
	 .head.push = POLICY_PUSH_AFTER},
	DECISION_GO, DECISION_REASON_NONE},
    {{GOOD, .starts_nothing = true, .head.pull = POLICY_PULL_UNKNOWN}, DECISION_GO,
	DECISION_REASON_NONE},
    {{GOOD, .starts_nothing = true, .membership = POLICY_NOT_MEMBER}, DECISION_REFUSE,
	DECISION_NOT_MEMBER},
    {{GOOD, .starts_nothing = true, .membership = POLICY_MEMBERSHIP_UNKNOWN}, DECISION_ASK_AGAIN,
	DECISION_NO_ANSWER},
    {{GOOD, .starts_nothing = true, .age_s = 3601}, DECISION_REFUSE, DECISION_TOO_OLD},
    /* the pull request */
    {{GOOD, .head.pull = POLICY_PULL_UNKNOWN}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, .head.pull = POLICY_PULL_CLOSED}, DECISION_REFUSE, DECISION_PULL_CLOSED},
    {{GOOD, .head.pull = POLICY_PULL_MERGED}, DECISION_REFUSE, DECISION_PULL_MERGED},
    {{GOOD, .head.pull = POLICY_PULL_MISSING}, DECISION_REFUSE, DECISION_PULL_MISSING},
    {{GOOD, .head.pull = POLICY_PULL_CLOSED, .is_allowlisted = true}, DECISION_REFUSE,
	DECISION_PULL_CLOSED},
    {{GOOD, .head.sha = NULL}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, .head.sha = ""}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    /* the head */
    {{GOOD, .head.push = POLICY_PUSH_UNKNOWN}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, .head.push = POLICY_PUSH_AFTER}, DECISION_REFUSE, DECISION_PUSHED_AFTER},
    {{GOOD, .head.push = POLICY_PUSH_UNSURE}, DECISION_REFUSE, DECISION_HEAD_UNSURE},
    {{GOOD, .head.push = POLICY_PUSH_AFTER, .is_allowlisted = true}, DECISION_REFUSE,
	DECISION_PUSHED_AFTER},
    /* --with-tests: who may, and the pull request of the suites */
    {{GOOD, SUITES, .may_choose_suites = false}, DECISION_REFUSE, DECISION_SUITES_DENIED},
    {{GOOD, SUITES, .may_choose_suites = false, .is_allowlisted = true}, DECISION_REFUSE,
	DECISION_SUITES_DENIED},
    {{GOOD, SUITES, .may_choose_suites = false, .head.pull = POLICY_PULL_UNKNOWN}, DECISION_REFUSE,
	DECISION_SUITES_DENIED},
    {{GOOD, SUITES, .membership = POLICY_NOT_MEMBER}, DECISION_REFUSE, DECISION_NOT_MEMBER},
    {{GOOD, SUITES, .head.push = POLICY_PUSH_AFTER, .suites.push = POLICY_PUSH_AFTER},
	DECISION_REFUSE, DECISION_PUSHED_AFTER},
    {{GOOD, SUITES}, DECISION_GO, DECISION_REASON_NONE},
    {{GOOD, SUITES, .suites.pull = POLICY_PULL_UNKNOWN}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, SUITES, .suites.pull = POLICY_PULL_MISSING}, DECISION_REFUSE, DECISION_SUITES_MISSING},
    {{GOOD, SUITES, .suites.pull = POLICY_PULL_CLOSED}, DECISION_REFUSE, DECISION_SUITES_CLOSED},
    {{GOOD, SUITES, .suites.pull = POLICY_PULL_MERGED}, DECISION_REFUSE, DECISION_SUITES_MERGED},
    {{GOOD, SUITES, .suites.sha = ""}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, SUITES, .suites.push = POLICY_PUSH_UNKNOWN}, DECISION_ASK_AGAIN, DECISION_NO_ANSWER},
    {{GOOD, SUITES, .suites.push = POLICY_PUSH_AFTER}, DECISION_REFUSE,
	DECISION_SUITES_PUSHED_AFTER},
    {{GOOD, SUITES, .suites.push = POLICY_PUSH_UNSURE}, DECISION_REFUSE, DECISION_SUITES_UNSURE},
    /* without it they are no matter */
    {{GOOD, .suites.pull = POLICY_PULL_CLOSED}, DECISION_GO, DECISION_REASON_NONE},
};
#pragma GCC diagnostic pop

START_TEST(decides_row)
{
	struct decision decision = policy_decide(&rows[_i].facts);

	ck_assert_int_eq(decision.kind, rows[_i].kind);
	ck_assert_int_eq(decision.reason, rows[_i].reason);
}
END_TEST

/* The next digit of a number whose digits each have a base of their own. */
static unsigned digit(unsigned *n, unsigned base)
{
	unsigned value = *n % base;

	*n /= base;
	return value;
}

/* All of their combinations with all of the others are more than a test has time for. */
static const struct suites_row {
	bool is_wanted, may_choose;
	enum policy_pull pull;
	enum policy_push push;
} suites_rows[] = {
    {false, false, POLICY_PULL_UNKNOWN, POLICY_PUSH_UNKNOWN},
    {true, false, POLICY_PULL_OPEN, POLICY_PUSH_NONE},
    {true, true, POLICY_PULL_OPEN, POLICY_PUSH_NONE},
    {true, true, POLICY_PULL_UNKNOWN, POLICY_PUSH_UNKNOWN},
    {true, true, POLICY_PULL_CLOSED, POLICY_PUSH_NONE},
    {true, true, POLICY_PULL_OPEN, POLICY_PUSH_AFTER},
};

static struct policy_facts facts_of(unsigned n)
{
	static const char *const heads[] = {NULL, "", HEAD};
	static const int64_t ages[] = {-1, 0, 3600, 3601};
	struct policy_facts facts = {.max_age_s = 3600};

	facts.is_bot = digit(&n, 2);
	facts.is_enrolled = digit(&n, 2);
	facts.is_edited = digit(&n, 2);
	facts.is_allowlisted = digit(&n, 2);
	facts.has_asked = digit(&n, 2);
	facts.membership = (enum policy_membership)digit(&n, 5);
	facts.head.pull = (enum policy_pull)digit(&n, 5);
	facts.head.push = (enum policy_push)digit(&n, 4);
	facts.head.sha = heads[digit(&n, 3)];
	const struct suites_row *suites = &suites_rows[digit(&n, COUNT_OF(suites_rows))];

	facts.wants_suites = suites->is_wanted;
	facts.may_choose_suites = suites->may_choose;
	facts.suites = (struct policy_head){suites->pull, suites->push, OTHER};
	facts.age_s = ages[digit(&n, 4)];
	return facts;
}

static bool has_suites(const struct policy_facts *facts)
{
	return facts->may_choose_suites && facts->suites.pull == POLICY_PULL_OPEN &&
	       facts->suites.push == POLICY_PUSH_NONE;
}

/* Over every combination: GO needs all, and nothing that is answered is answered with nothing. */
START_TEST(fails_closed)
{
	unsigned went = 0;

	for (unsigned n = 0; n < 32 * 5 * 5 * 4 * 3 * COUNT_OF(suites_rows) * 4; n++) {
		struct policy_facts facts = facts_of(n);
		struct decision decision = policy_decide(&facts);
		bool is_good = !facts.is_bot && facts.is_enrolled && !facts.is_edited &&
			       (facts.is_allowlisted || facts.membership == POLICY_MEMBER) &&
			       facts.head.pull == POLICY_PULL_OPEN &&
			       facts.head.push == POLICY_PUSH_NONE && facts.head.sha &&
			       *facts.head.sha && facts.age_s <= facts.max_age_s &&
			       (!facts.wants_suites || has_suites(&facts));
		bool is_for_us = !facts.is_bot && facts.is_enrolled;

		ck_assert_int_eq(decision.kind == DECISION_GO, is_good);
		ck_assert_int_eq(decision.kind == DECISION_IGNORE, !is_for_us);
		if (decision.kind == DECISION_ASK_AGAIN)
			ck_assert_int_le(facts.age_s, facts.max_age_s);
		if (decision.kind == DECISION_REFUSE)
			ck_assert_str_ne(decision_sentence(decision.reason), "");
		went += decision.kind == DECISION_GO;
	}
	ck_assert_uint_gt(went, 0);
}
END_TEST

START_TEST(sentences_are_sentences)
{
	for (int reason = DECISION_TOO_OLD; reason <= DECISION_NO_ANSWER; reason++) {
		const char *text = decision_sentence((enum decision_reason)reason);
		size_t length = strlen(text);

		ck_assert_uint_gt(length, 20);
		ck_assert_int_eq(text[length - 1], '.');
		ck_assert_ptr_null(strpbrk(text, "`<>@[]*#|\\\n"));
		ck_assert_str_ne(decision_reason_word((enum decision_reason)reason), "");
	}
}
END_TEST

/* Ids as the forge gives them: one sequence for comments and events. */
static const struct push_row {
	struct policy_push_facts facts;
	enum policy_push push;
} push_rows[] = {
    /* opened with a push, then the comment */
    {{HEAD, 20, 10, HEAD, 0, false}, POLICY_PUSH_NONE},
    {{HEAD, 20, 10, HEAD, 0, true}, POLICY_PUSH_NONE},
    /* pushed after it */
    {{HEAD, 20, 21, HEAD, 0, false}, POLICY_PUSH_AFTER},
    {{HEAD, 20, 21, OTHER, 0, false}, POLICY_PUSH_AFTER},
    {{HEAD, 20, 21, HEAD, 19, true}, POLICY_PUSH_AFTER},
    /* the head moved, its event is still to come; then it comes, behind the comment */
    {{HEAD, 20, 10, OTHER, 0, false}, POLICY_PUSH_UNKNOWN},
    {{HEAD, 20, 10, OTHER, 0, true}, POLICY_PUSH_UNSURE},
    {{HEAD, 20, 22, HEAD, 0, false}, POLICY_PUSH_AFTER},
    /* pushed while closed, reopened, commented */
    {{HEAD, 20, 10, OTHER, 15, false}, POLICY_PUSH_UNKNOWN},
    {{HEAD, 20, 10, OTHER, 15, true}, POLICY_PUSH_NONE},
    /* commented, closed, pushed, reopened */
    {{HEAD, 20, 10, OTHER, 25, true}, POLICY_PUSH_UNSURE},
    /* reopened, pushed (event seen), pushed again (event missing), commented */
    {{HEAD, 20, 16, OTHER, 15, true}, POLICY_PUSH_UNSURE},
    /* no push event at all */
    {{HEAD, 20, 0, "", 0, false}, POLICY_PUSH_UNKNOWN},
    {{HEAD, 20, 0, "", 0, true}, POLICY_PUSH_UNSURE},
    {{HEAD, 20, 0, NULL, 15, true}, POLICY_PUSH_NONE},
    /* its newest push does not say where it ended */
    {{HEAD, 20, 10, "", 0, false}, POLICY_PUSH_UNKNOWN},
    {{HEAD, 20, 10, "", 0, true}, POLICY_PUSH_UNSURE},
    /* nothing known */
    {{NULL, 20, 10, OTHER, 0, false}, POLICY_PUSH_UNKNOWN},
    {{NULL, 20, 10, OTHER, 15, true}, POLICY_PUSH_UNSURE},
    {{"", 20, 10, "", 0, true}, POLICY_PUSH_UNSURE},
    {{0}, POLICY_PUSH_UNKNOWN},
};

START_TEST(judges_push)
{
	ck_assert_int_eq(policy_judge_push(&push_rows[_i].facts), push_rows[_i].push);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *tests = tcase_create("policy");

	tcase_add_loop_test(tests, decides_row, 0, COUNT_OF(rows));
	tcase_add_test(tests, fails_closed);
	tcase_add_test(tests, sentences_are_sentences);
	tcase_add_loop_test(tests, judges_push, 0, COUNT_OF(push_rows));
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
