/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/recipe/secrets.h"

static const struct {
	const char *stack, *name, *secret, *version; /* secret NULL: none of this stack's */
} names[] = {
    {"s-1_ci_test", "s-1_ci_test_db_password_v1", "db_password", "v1"},
    {"s-1_ci_test", "s-1_ci_test_key_2024-01", "key", "2024-01"},
    {"s-1_ci_test", "s-1_ci_test_a_b", "a", "b"},
    {"s-1_ci_test", "s-1_ci_test_key", NULL, NULL},
    {"s-1_ci_test", "s-1_ci_test_key_", NULL, NULL},
    {"s-1_ci_test", "s-1_ci_test__v1", NULL, NULL},
    {"s-1_ci_test", "s-1_ci_test2_key_v1", NULL, NULL},
    {"s-1_ci_test", "other_key_v1", NULL, NULL},
    {"s-1_ci_test", "s-1_ci_test", NULL, NULL},
    {"s-1_ci_test", "", NULL, NULL},
};

START_TEST(splits_a_name)
{
	auto_str char *secret = NULL;
	auto_str char *version = NULL;
	bool is_own = secrets_split(names[_i].stack, names[_i].name, &secret, &version);

	ck_assert_int_eq(is_own, names[_i].secret != NULL);
	if (is_own) {
		ck_assert_str_eq(secret, names[_i].secret);
		ck_assert_str_eq(version, names[_i].version);
	} else {
		ck_assert(!secret && !version);
	}
}
END_TEST

static struct compose_named head_has[] = {{.key = (char[]){"api_key"}}, {.key = (char[]){"tls"}}};
static struct compose_named base_has[] = {{.key = (char[]){"old_key"}}};
static const struct compose_model head = {.secrets = head_has, .secret_count = 2};
static const struct compose_model base = {.secrets = base_has, .secret_count = 1};

static const struct {
	const char *suite;
	size_t models;
	const char *sentence; /* NULL: fine */
} suites[] = {
    {"", 1, NULL},
    {"secrets: {api_key: generate, tls: {value: x}}", 1, NULL},
    {"secrets: {api_key: generate, old_key: generate}", 2, NULL},
    {"secrets: {api_key: generate, old_key: generate}", 1,
	"the suite's secrets: the recipe has no secret \"old_key\""},
    {"secrets: {apikey: generate}", 1,
	"the suite's secrets: the recipe has no secret \"apikey\"; did you mean \"api_key\"?"},
    {"secrets: {old_keys: generate}", 2,
	"the suite's secrets: the recipe has no secret \"old_keys\"; did you mean \"old_key\"?"},
};

START_TEST(finds_one_that_the_recipe_lacks)
{
	static const struct compose_model *const models[] = {&head, &base};
	AUTO(suite) suite = {0};
	struct err err;

	ck_assert_int_eq(
	    suite_parse("suite.yml", suites[_i].suite, strlen(suites[_i].suite), &suite, &err), 0);
	auto_str char *sentence = secrets_unknown(&suite, models, suites[_i].models);
	if (suites[_i].sentence)
		ck_assert_str_eq(sentence, suites[_i].sentence);
	else
		ck_assert_msg(!sentence, "%s", sentence);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("secrets");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, splits_a_name, 0, COUNT_OF(names));
	tcase_add_loop_test(tc, finds_one_that_the_recipe_lacks, 0, COUNT_OF(suites));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
