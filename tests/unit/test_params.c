/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/recipe/params.h"

#define REF "0123456789abcdef0123456789abcdef01234567"
#define OTHER_REF "fedcba9876543210fedcba9876543210fedcba98"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Every parameter wrong in each way: one error that names it, and nothing read. */
static const struct {
	const char *name;
	const char *value;
} wrong[] = {
    {"RECIPE", ""},
    {"RECIPE", X64},
    {"RECIPE", "../etc"},
    {"RECIPE", "-x"},
    {"RECIPE", "${IFS}"},
    {"RECIPE", "a\nb"},
    {"RECIPE", "Custom"},
    {"RECIPE", "caf\xc3\xa9"},
    {"RECIPE", "a\x7f"},
    {"RECIPE", "a b"},
    {"RECIPE", "a/b"},
    {"RECIPE", "x\"; touch f; echo \""},
    {"SRC", "custom-html"},
    {"SRC", "../custom-html"},
    {"SRC", "a/.."},
    {"SRC", "a/b/c"},
    {"SRC", "/x"},
    {"SRC", "a/"},
    {"SRC", "-o/x"},
    {"SRC", "a/-x"},
    {"SRC", "a/${IFS}"},
    {"SRC", "a/b\n"},
    {"SRC", "https://evil/x"},
    {"SRC", X64 X64 "/x"},
    {"PR", "0x3"},
    {"PR", "-1"},
    {"PR", "1234567890"},
    {"PR", "3 "},
    {"PR", "3\n"},
    {"PR", "${IFS}"},
    {"PR", "../3"},
    {"REF", "main"},
    {"REF", "0123456"},
    {"REF", REF "0"},
    {"REF", "0123456789ABCDEF0123456789abcdef01234567"},
    {"REF", "-123456789abcdef0123456789abcdef01234567"},
    {"REF", "refs/heads/../main"},
    {"REF", REF "\n"},
    {"COMMENT", "12a"},
    {"COMMENT", "-12"},
    {"COMMENT", "1234567890123456789"},
    {"COMMENT", "${IFS}"},
    {"COMMENT", "1\n2"},
    {"STAGES", "instal"},
    {"STAGES", "install,"},
    {"STAGES", ",install"},
    {"STAGES", "install upgrade"},
    {"STAGES", "-x"},
    {"STAGES", "../x"},
    {"STAGES", "${IFS}"},
    {"STAGES", "install\nupgrade"},
    {"STAGES", X64 X64 X64},
    {"STAGES", "install,install,install,install,install,install,install,install,install,install,"
	       "install,install,install,install,install,install,install"},
    {"EXTRA_TESTS", "2"},
    {"EXTRA_TESTS", "yes"},
    {"EXTRA_TESTS", "1\n"},
    {"EXTRA_TESTS", "-x"},
    {"FROM", "-x"},
    {"FROM", "../x"},
    {"FROM", "${IFS}"},
    {"FROM", "1.0.0\n"},
    {"FROM", X64 "x"},
    {"SUITE_REF", "main"},
    {"SUITE_REF", "-x"},
    {"SUITE_REF", REF "0"},
    {"KEEP", "0"},
    {"KEEP", "241"},
    {"KEEP", "1000"},
    {"KEEP", "30m"},
    {"KEEP", "-1"},
    {"KEEP", "1\n"},
};

START_TEST(refuses_a_wrong_value_by_name)
{
	auto_str char *variable = xasprintf("%s=%s", wrong[_i].name, wrong[_i].value);
	/* The first one of a name counts. */
	const char *const environ[] = {variable, "RECIPE=custom-html", NULL};
	struct params params = {.pr = 77};
	struct err err = {0};

	ck_assert_msg(params_read(environ, "org", &params, &err) == -1, "accepted %s", variable);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, wrong[_i].name) != NULL, "%s", err.msg);
	for (const char *at = err.msg; *at; at++)
		ck_assert_msg(*at >= 0x20 && *at < 0x7f, "%s", err.msg);
	ck_assert_int_eq(params.pr, 77);
}
END_TEST

START_TEST(bounds_a_huge_value_in_its_message)
{
	size_t size = 10 * 1024 * 1024;
	auto_str char *variable = xcalloc(size + sizeof("RECIPE="), 1);

	memcpy(variable, "RECIPE=", 7);
	memset(variable + 7, 'A', size);
	const char *const environ[] = {variable, NULL};
	struct params params;
	struct err err = {0};

	ck_assert_int_eq(params_read(environ, "org", &params, &err), -1);
	ck_assert_uint_lt(strlen(err.msg), 200);
	const char *shown = strchr(err.msg, '"') + 1;
	ck_assert_uint_eq(strspn(shown, "A"), 40);
	ck_assert_msg(text_starts(shown + 40, "...\" has not the form"), "%s", err.msg);
}
END_TEST

START_TEST(reads_all)
{
	const char *const environ[] = {"RECIPE=custom-html", "SRC=o/r", "PR=3", "REF=" REF,
	    "COMMENT=812", "STAGES=upgrade,install", "EXTRA_TESTS=1", "FROM=1.0.0+1.2", "KEEP=240",
	    "SUITE_REF=" OTHER_REF, NULL};
	struct params params;
	struct err err = {0};

	ck_assert_msg(params_read(environ, NULL, &params, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(params.recipe, "custom-html");
	ck_assert_str_eq(params.src, "o/r");
	ck_assert_int_eq(params.pr, 3);
	ck_assert_str_eq(params.ref, REF);
	ck_assert_int_eq(params.comment, 812);
	ck_assert(params.has_stages && params.stages[STAGE_INSTALL] &&
		  params.stages[STAGE_UPGRADE] && params.stages[STAGE_EXTRA] &&
		  !params.stages[STAGE_BACKUP]);
	ck_assert_str_eq(params.from, "1.0.0+1.2");
	ck_assert_int_eq(params.keep_min, 240);
	ck_assert_str_eq(params.suite_ref, OTHER_REF);
}
END_TEST

START_TEST(fills_in_what_is_absent)
{
	static const char *const extra[] = {"EXTRA_TESTS=", "EXTRA_TESTS=0"};
	const char *const environ[] = {"RECIPE=custom-html", "PR=", "FROM=", extra[_i], NULL};
	struct params params;
	struct err err = {0};

	ck_assert_msg(params_read(environ, "org", &params, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(params.src, "org/custom-html");
	ck_assert_int_eq(params.pr, 0);
	ck_assert_str_eq(params.ref, "");
	for (int stage = 0; stage < STAGE_COUNT; stage++)
		ck_assert_msg(
		    params.stages[stage] == (stage != STAGE_EXTRA && stage != STAGE_ROLLBACK),
		    "stage %d", stage);
	ck_assert(!params.has_stages);
}
END_TEST

/* Others ask too, whose text may be empty. */
START_TEST(an_empty_text_is_neither)
{
	ck_assert(!params_is_recipe(""));
	ck_assert(!params_is_version(""));
	ck_assert(params_is_recipe("x") && params_is_version("1"));
}
END_TEST

START_TEST(needs_a_recipe_and_a_source)
{
	const char *const nothing[] = {NULL};
	const char *const no_source[] = {"RECIPE=custom-html", NULL};
	struct params params;
	struct err err = {0};

	ck_assert_int_eq(params_read(nothing, "org", &params, &err), -1);
	ck_assert_msg(strstr(err.msg, "RECIPE") != NULL, "%s", err.msg);
	ck_assert_int_eq(params_read(no_source, NULL, &params, &err), -1);
	ck_assert_msg(strstr(err.msg, "SRC") != NULL, "%s", err.msg);
	/* RECIPE_ORG is the operator's, and no owner all the same. */
	ck_assert_int_eq(params_read(no_source, "-o", &params, &err), -1);
	ck_assert_msg(strstr(err.msg, "RECIPE_ORG is no owner") != NULL, "%s", err.msg);
	ck_assert_int_eq(params_read(no_source, X64 X64 X64 X64, &params, &err), -1);
	ck_assert_msg(strstr(err.msg, "RECIPE_ORG is no owner") != NULL, "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("params");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, refuses_a_wrong_value_by_name, 0, COUNT_OF(wrong));
	tcase_add_test(tc, bounds_a_huge_value_in_its_message);
	tcase_add_test(tc, reads_all);
	tcase_add_loop_test(tc, fills_in_what_is_absent, 0, 2);
	tcase_add_test(tc, an_empty_text_is_neither);
	tcase_add_test(tc, needs_a_recipe_and_a_source);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
