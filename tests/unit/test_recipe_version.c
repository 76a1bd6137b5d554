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
    {"1.0.0+v2.1-alpine", true},
    {"0.1.0+2024-01-05", true},
    {"0.1.0+latest", true},
    {"999999999.0.0+1", true},
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
    {"1.2.3-rc1+1", false},
    {"vv1.2.3", false},
    {"V1.2.3", false},
    {"1.2.3v", false},
    {"1000000000.0.0", false},
    {"1.2.3+\xc3\xa9", false},
    {"latest", false},
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
    "0.1.0+v1.8.0",
    "0.1.0+1.9.0",
    "0.1.0+1.10.0",
    "0.9.0+3.0.0",
    "0.10.0+1.0.0",
    "1.0.0+6-alpine",
    "1.0.0+16-alpine",
    "1.0.0+16-alpine2",
    "1.0.0+16.1",
    "1.0.0+v16.2-alpine",
    "1.0.0+2023-11-30",
    "1.0.0+2024-1-2",
    "1.0.0+2024-01-10",
    "1.0.0+20240105",
    "1.0.0+20240105123456789012345",
    "1.0.0+latest",
    "v1.0.0+version",
    "1.0.1",
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
	ck_assert_int_eq(recipe_version_compare("1.2.3+v4.1", "1.2.3+4.1"), 0);
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
