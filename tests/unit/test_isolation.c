/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/isolation.h"

static const struct row {
	struct isolation_facts facts;
	enum isolation want;
	const char *says; /* NULL: nothing */
} rows[] = {
    {{"org/ci", false, NULL, false}, ISOLATION_GOOD, NULL},
    {{"org/ci", true, NULL, false}, ISOLATION_ENROLLED, "org/ci is the CI repository and enrolled"},
    {{"org/ci", false, "bot", false}, ISOLATION_GOOD, NULL},
    {{"org/ci", false, "bot", true}, ISOLATION_MEMBER,
	"bot of AUTO_TEST is a member of org, which"},
    {{"bot/ci", false, "bot", false}, ISOLATION_OWNER,
	"bot of AUTO_TEST owns the CI repository bot/ci"},
    {{"Bot/ci", false, "bOT", true}, ISOLATION_OWNER, "bOT of AUTO_TEST owns"},
    {{"bots/ci", false, "bot", false}, ISOLATION_GOOD, NULL},
    {{"bo/ci", false, "bot", false}, ISOLATION_GOOD, NULL},
    /* that the repository is enrolled is said once, not again for each user */
    {{"org/ci", true, "bot", false}, ISOLATION_GOOD, NULL},
    {{"org/ci", true, "bot", true}, ISOLATION_MEMBER,
	"give CI_REPO an owner of which it is no member"},
    {{"org/ci", false, "bot", false, true}, ISOLATION_CHOOSES,
	"bot of AUTO_TEST is one of WITH_TESTS_ALLOW too"},
    {{"org/ci", false, "bot", true, true}, ISOLATION_CHOOSES, "take it out of WITH_TESTS_ALLOW"},
    {{"bot/ci", false, "bot", false, true}, ISOLATION_OWNER, "owns the CI repository"},
};

START_TEST(judges)
{
	const struct row *row = &rows[_i];
	char text[ISOLATION_TEXT_SIZE];
	enum isolation isolation = isolation_of(&row->facts);

	ck_assert_int_eq(isolation, row->want);
	isolation_write(isolation, &row->facts, text);
	if (row->says)
		ck_assert_ptr_nonnull(strstr(text, row->says));
	else
		ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(writes_the_longest_names)
{
	char repo[300];
	char text[ISOLATION_TEXT_SIZE];
	const struct isolation_facts facts = {repo, false, "bot", true};

	memset(repo, 'a', sizeof(repo) - 1);
	repo[150] = '/';
	repo[sizeof(repo) - 1] = '\0';
	isolation_write(ISOLATION_MEMBER, &facts, text);
	ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("isolation");
	TCase *tests = tcase_create("isolation");

	tcase_add_loop_test(tests, judges, 0, COUNT_OF(rows));
	tcase_add_test(tests, writes_the_longest_names);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
