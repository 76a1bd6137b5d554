/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/recipe/recipe_version.h"

static const struct {
	const char *text;
	bool is_valid;
} forms[] = {
    {"1.0.0+1.14.3", true},
    {"v1.0.0+1.14.3", true},
    {"1.0.0", true},
    {"2.0.1+1.0.6-social-amd64", true},
    {"1.2.3+6-alpine", true},
    {"0.1.0+v2.1~rc1_2", true},
    {"", false},
    {"1", false},
    {"1.2", false},
    {"1.2.3.4", false},
    {"1.2.3+", false},
    {"1.2.3 ", false},
    {"1.2.3+a b", false},
    {"1.2.3+a/b", false},
    {"1.2.x+1", false},
    {"-1.2.3", false},
    {"99999999999.0.0", false},
    {"release-1.2.3", false},
    {"1.2.3-rc1", false},
};

START_TEST(tells_a_version_from_other_tags)
{
	ck_assert_msg(recipe_version_is_valid(forms[_i].text) == forms[_i].is_valid, "\"%s\"",
	    forms[_i].text);
}
END_TEST

/* Ascending; every pair of rows is compared. */
static const char *const ascending[] = {
    "0.1.0",
    "0.1.0+1.0.0",
    "0.1.0+1.9.0",
    "0.1.0+1.10.0",
    "0.9.0+3.0.0",
    "0.10.0+1.0.0",
    "1.0.0+6-alpine",
    "1.0.0+16-alpine",
    "1.0.0+16-alpine2",
    "2.0.0+1.0.0",
    "2.0.0+a",
    "10.0.0+0.0.1",
};

START_TEST(orders_as_numbers)
{
	for (size_t other = 0; other < COUNT_OF(ascending); other++) {
		int order = recipe_version_compare(ascending[_i], ascending[other]);
		int expected = (_i > (int)other) - (_i < (int)other);

		ck_assert_msg((order > 0) - (order < 0) == expected, "%s against %s: %d",
		    ascending[_i], ascending[other], order);
	}
}
END_TEST

START_TEST(ignores_the_v_and_leading_zeros)
{
	ck_assert_int_eq(recipe_version_compare("v1.2.3+4", "1.2.3+4"), 0);
	ck_assert_int_eq(recipe_version_compare("1.2.3+04", "1.2.3+4"), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("recipe_version");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, tells_a_version_from_other_tags, 0, COUNT_OF(forms));
	tcase_add_loop_test(tc, orders_as_numbers, 0, COUNT_OF(ascending));
	tcase_add_test(tc, ignores_the_v_and_leading_zeros);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
