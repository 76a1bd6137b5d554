/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which names of Swarm a run of this zone would have: nothing else may ever be taken for a
 * leftover. */
#include "harness.h"

#include "runner-plugin/run/reap.h"

static const struct row {
	const char *name, *zone;
	const char *stack; /* NULL: not ours */
} rows[] = {
    {"cust-9f2c1a_ci_example_org_app", "ci.example.org", "cust-9f2c1a_ci_example_org"},
    {"cust-9f2c1a_ci_example_org", "ci.example.org", "cust-9f2c1a_ci_example_org"},
    {"a-9f2c1a_ci_test_db_data", "ci.test", "a-9f2c1a_ci_test"},
    {"a-b-9f2c1a_ci_test_app", "ci.test", "a-b-9f2c1a_ci_test"},
    {"123456-abcdef_ci_test_app", "ci.test", NULL}, /* six of the recipe's name */
    {"1234-abcdef_ci_test_app", "ci.test", "1234-abcdef_ci_test"},
    {"cust-9f2c1a_ci_example_orgs_app", "ci.example.org", NULL},
    {"cust-9f2c1a_ci_example_com_app", "ci.example.org", NULL},
    {"cust-9f2c1a_other_ci_example_org_app", "ci.example.org", NULL},
    {"cust-9f2c1_ci_test_app", "ci.test", NULL},
    {"cust-9f2c1ab_ci_test_app", "ci.test", NULL},
    {"cust-9F2C1A_ci_test_app", "ci.test", NULL},
    {"cust-9f2c1g_ci_test_app", "ci.test", NULL},
    {"-cus-9f2c1a_ci_test_app", "ci.test", NULL},
    {"xcust-9f2c1a_ci_test_app", "ci.test", NULL},
    {"cust-9f2c1a", "ci.test", NULL},
    {"cust-9f2c1a_", "ci.test", NULL},
    {"", "ci.test", NULL},
    {"-", "ci.test", NULL},
    {"traefik_example_org_app", "example.org", NULL},
    {"proxy", "ci.test", NULL},
    /* of ccci-run dev */
    {"dev-custom-html_ci_test_app", "ci.test", "dev-custom-html_ci_test"},
    {"dev-custom-html_ci_test", "ci.test", "dev-custom-html_ci_test"},
    {"dev-custom-html_other_test_app", "ci.test", NULL},
    {"dev-custom-html", "ci.test", NULL},
    {"dev-_ci_test_app", "ci.test", NULL},
    {"dev_ci_test_app", "ci.test", NULL},
    {"mydev-custom-html_ci_test_app", "ci.test", NULL},
    {"dev-a-recipe-whose-name-is-really-long_ci_tes_app", "ci.test.org",
	"dev-a-recipe-whose-name-is-really-long_ci_tes"},
    /* abra cuts a stack's name at 45 characters */
    {"cust-9f2c1a_a_very_long_zone_of_somebody_exam_app",
	"a.very.long.zone.of.somebody.example.org",
	"cust-9f2c1a_a_very_long_zone_of_somebody_exam"},
    {"cust-9f2c1a_a_very_long_zone_of_somebody_example_org_app",
	"a.very.long.zone.of.somebody.example.org", NULL},
};

START_TEST(knows_our_names)
{
	const struct row *row = &rows[_i];
	char stack[RUN_STACK_SIZE] = "untouched";
	bool is_ours = reap_is_ours(row->name, row->zone, stack);

	ck_assert_msg(
	    is_ours == (row->stack != NULL), "row %d: %s in %s", _i, row->name, row->zone);
	ck_assert_str_eq(stack, row->stack ? row->stack : "untouched");
}
END_TEST

/* What a run needs is as much its own as its app: no janitor takes it for a leftover. */
static const struct {
	const char *stack, *run_stack;
	bool is_of_run;
} runs[] = {
    {"cust-9f2c1a_ci_test", "cust-9f2c1a_ci_test", true},
    {"key2-9f2c1a_ci_test", "cust-9f2c1a_ci_test", true},
    {"a-b-9f2c1a_ci_test", "cust-9f2c1a_ci_test", true},
    {"cust-9f2c1b_ci_test", "cust-9f2c1a_ci_test", false},
    {"cust-8f2c1a_ci_test", "cust-9f2c1a_ci_test", false},
    {"short_x", "cust-9f2c1a_ci_test", false},
    {"", "cust-9f2c1a_ci_test", false},
    {"cust-9f2c1a_ci_test", "", false},
};

START_TEST(knows_what_is_of_a_run)
{
	ck_assert_int_eq(reap_is_of_run(runs[_i].stack, runs[_i].run_stack), runs[_i].is_of_run);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("reap");
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, knows_our_names, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, knows_what_is_of_a_run, 0, COUNT_OF(runs));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
