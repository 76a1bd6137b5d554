/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/run.h"

static const struct params params = {
    .recipe = "custom-html",
    .src = "recipe-maintainers/custom-html",
    .pr = 3,
    .ref = "0123456789abcdef0123456789abcdef01234567",
    .comment = 812,
    .stages = {[STAGE_INSTALL] = true, [STAGE_UPGRADE] = true},
    .from = "1.0.0+1",
    .suite_ref = "fedcba9876543210fedcba9876543210fedcba98",
    .keep_min = 30,
};

static struct run_step make_step(void)
{
	return (struct run_step){.build = 41,
	    .system_url = "http://drone.test",
	    .repo = "recipe-maintainers/cc-ci",
	    .workspace = "/tmp/drone-x/drone/src",
	    .started_s = 1795318500};
}

START_TEST(is_found_again)
{
	auto_str char *state_dir = harness_dir();
	char zone[] = "ci.test";
	struct settings settings = {.state_dir = state_dir, .zone = zone};
	struct run_step step = make_step();
	AUTO(run) run = {0};
	AUTO(run) found = {0};
	struct err err = {0};

	ck_assert_msg(run_create(&settings, &params, &step, &run, &err) == 0, "%s", err.msg);
	ck_assert(text_starts(run.id, "41-"));
	ck_assert_uint_eq(strlen(run.id), strlen("41-9f2c1a"));
	auto_str char *domain = xasprintf("cust-%s.ci.test", run.id + 3);
	auto_str char *stack = xasprintf("cust-%s_ci_test", run.id + 3);
	ck_assert_str_eq(run.domain, domain);
	ck_assert_str_eq(run.stack, stack);

	ck_assert_msg(run_find(&settings, &step, &found, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(found.id, run.id);
	ck_assert_str_eq(found.domain, run.domain);
	ck_assert_str_eq(found.recipe_dir, run.recipe_dir);
	ck_assert_str_eq(found.params.src, params.src);
	ck_assert_str_eq(found.params.from, params.from);
	ck_assert_str_eq(found.params.suite_ref, params.suite_ref);
	ck_assert_int_eq(found.params.keep_min, params.keep_min);
	ck_assert_int_eq(found.params.pr, 3);
	ck_assert_int_eq(found.params.comment, 812);
	ck_assert(found.params.stages[STAGE_UPGRADE] && !found.params.stages[STAGE_BACKUP]);
	ck_assert_str_eq(found.step.workspace, step.workspace);
	ck_assert_int_eq(found.step.started_s, step.started_s);
	ck_assert_int_eq(found.started_s, run.started_s);
}
END_TEST

START_TEST(belongs_to_one_build)
{
	auto_str char *state_dir = harness_dir();
	char zone[] = "ci.test";
	struct settings settings = {.state_dir = state_dir, .zone = zone};
	struct run_step step = make_step();
	struct run_step other = make_step();
	AUTO(run) run = {0};
	AUTO(run) again = {0};
	struct err err = {0};

	ck_assert_int_eq(run_create(&settings, &params, &step, &run, &err), 0);
	ck_assert_int_eq(run_create(&settings, &params, &step, &again, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert_msg(strstr(err.msg, "build 41") != NULL, "%s", err.msg);
	other.build = 42;
	ck_assert_int_eq(run_find(&settings, &other, &again, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	(void)copy_text(other.system_url, sizeof(other.system_url), "http://another.test");
	other.build = 41;
	ck_assert_int_eq(run_find(&settings, &other, &again, &err), -1);
}
END_TEST

START_TEST(names_itself_without_drone)
{
	auto_str char *state_dir = harness_dir();
	char zone[] = "ci.test";
	struct settings settings = {.state_dir = state_dir, .zone = zone};
	struct params short_name = {.recipe = "a--b"};
	struct run_step step = {0};
	AUTO(run) first = {0};
	AUTO(run) second = {0};
	struct err err = {0};

	ck_assert_int_eq(run_create(&settings, &short_name, &step, &first, &err), 0);
	ck_assert_int_eq(run_create(&settings, &short_name, &step, &second, &err), 0);
	ck_assert(text_starts(first.id, "local-"));
	ck_assert_str_ne(first.id, second.id);
	ck_assert_msg(text_starts(first.domain, "a--b-"), "%s", first.domain);
}
END_TEST

/* A need is a run within the run: its own names with the same six digits, its own directory. */
START_TEST(has_room_for_what_it_needs)
{
	auto_str char *state_dir = harness_dir();
	char zone[] = "ci.test";
	char org[] = "somebody";
	struct settings settings = {.state_dir = state_dir, .zone = zone, .recipe_org = org};
	struct params local = params;
	struct run_step step = make_step();
	AUTO(run) run = {0};
	AUTO(run) beside = {0};
	struct err err = {0};

	ck_assert_int_eq(run_create(&settings, &params, &step, &run, &err), 0);
	ck_assert_msg(
	    run_beside(&settings, &run, "keycloak", "key2", &beside, &err) == 0, "%s", err.msg);
	auto_str char *domain = xasprintf("key2-%s.ci.test", run.id + 3);
	auto_str char *stack = xasprintf("key2-%s_ci_test", run.id + 3);
	auto_str char *suite = run_path(&beside, "suite");
	auto_str char *ours = run_path(&run, "needs/keycloak/suite");
	auto_str char *checkout = run_path(&run, "abra/recipes/keycloak");
	ck_assert_str_eq(beside.domain, domain);
	ck_assert_str_eq(beside.stack, stack);
	ck_assert_str_eq(beside.id, run.id);
	ck_assert_str_eq(beside.params.recipe, "keycloak");
	ck_assert_str_eq(beside.params.src, "recipe-maintainers/keycloak");
	ck_assert_str_eq(beside.params.ref, "");
	ck_assert_int_eq(beside.params.pr, 0);
	ck_assert_str_eq(suite, ours);
	ck_assert_str_eq(beside.recipe_dir, checkout);
	ck_assert_str_eq(beside.abra_dir, run.abra_dir);
	run_release(&beside);
	local.src[0] = '\0';
	run.params = local;
	ck_assert_int_eq(run_beside(&settings, &run, "keycloak", "key2", &beside, &err), 0);
	ck_assert_str_eq(beside.params.src, "somebody/keycloak");
	run_release(&beside);
	settings.recipe_org = NULL;
	ck_assert_int_eq(run_beside(&settings, &run, "keycloak", "key2", &beside, &err), 0);
	ck_assert_str_eq(beside.params.src, "");
}
END_TEST

START_TEST(a_copy_lives_on_its_own)
{
	auto_str char *state_dir = harness_dir();
	char zone[] = "ci.test";
	struct settings settings = {.state_dir = state_dir, .zone = zone};
	const struct params green = {.recipe = "green"};
	struct run_step step = {0};
	AUTO(run) run = {0};
	struct err err = {0};

	ck_assert_int_eq(run_create(&settings, &green, &step, &run, &err), 0);
	AUTO(run) copy = run_copy(&run);
	auto_str char *dir = xstrdup(run.dir);
	auto_str char *recipe_dir = xstrdup(run.recipe_dir);
	run_release(&run);
	ck_assert_str_eq(copy.dir, dir);
	ck_assert_str_eq(copy.recipe_dir, recipe_dir);
	ck_assert(text_starts(copy.abra_dir, dir) && text_starts(copy.id, "local-"));
}
END_TEST

START_TEST(refuses_ids_that_are_none)
{
	static const char *const wrong[] = {"", "..", "../41-9f2c1a", "-x", "41-9f2c1a/", "A"};
	auto_str char *state_dir = harness_dir();
	struct settings settings = {.state_dir = state_dir};
	AUTO(run) run = {0};
	struct err err = {0};

	ck_assert_int_eq(run_open(&settings, wrong[_i], &run, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

/* run.json damaged in each way is an error, never a run. */
static const char *const damaged[] = {
    "", "{", "[]", "{}", "{\"domain\":7}", "{\"domain\":\"d.ci.test\",\"recipe\":\"../x\"}"};

START_TEST(refuses_a_damaged_file)
{
	auto_str char *state_dir = harness_dir();
	auto_str char *directory = xasprintf("%s/runs/41-aaaaaa", state_dir);
	auto_str char *file = xasprintf("%s/run.json", directory);
	struct settings settings = {.state_dir = state_dir};
	AUTO(run) run = {0};
	struct err err = {0};

	ck_assert_int_eq(file_make_dirs(directory, 0700, &err), 0);
	ck_assert_int_eq(file_write_atomic(file, 0600, damaged[_i], strlen(damaged[_i]), &err), 0);
	ck_assert_int_eq(run_open(&settings, "41-aaaaaa", &run, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

/* Of a step, what does not fit; the first of a name counts. */
static const char *const wrong_steps[] = {
    "DRONE_BUILD_NUMBER=x",
    "DRONE_BUILD_NUMBER=0",
    "DRONE_BUILD_NUMBER=-1",
    "DRONE_REPO=../x",
    "DRONE_REPO=x",
    "DRONE_BUILD_STARTED=soon",
};
static const char *const wrong_woodpecker_steps[] = {
    "CI_PIPELINE_NUMBER=x",
    "CI_PIPELINE_NUMBER=0",
    "CI_REPO=../x",
    "CI_PIPELINE_STARTED=soon",
    "CI_PIPELINE_URL=http://ci/repos/x/pipeline/40",
    "CI_PIPELINE_URL=http://ci/repos/",
};

START_TEST(refuses_a_wrong_step)
{
	const char *const environ[] = {wrong_steps[_i], "DRONE_BUILD_NUMBER=41", NULL};
	struct run_step step = {.build = 77};
	struct err err = {0};

	ck_assert_int_eq(run_step_read(environ, &step, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(step.build, 77);
}
END_TEST

START_TEST(refuses_a_wrong_woodpecker_step)
{
	const char *const environ[] = {
	    wrong_woodpecker_steps[_i], "CI=woodpecker", "CI_PIPELINE_NUMBER=40", NULL};
	struct run_step step = {.build = 77};
	struct err err = {0};

	ck_assert_int_eq(run_step_read(environ, &step, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(step.build, 77);
}
END_TEST

/* Drone's variables are then anybody's, who may write the build's. */
START_TEST(reads_a_woodpecker_step)
{
	const char *const environ[] = {"CI=woodpecker", "CI_PIPELINE_NUMBER=40",
	    "CI_SYSTEM_URL=http://127.0.0.1:8000",
	    "CI_PIPELINE_URL=http://127.0.0.1:8000/repos/17/pipeline/40", "CI_REPO=o/r",
	    "CI_WORKSPACE=/w", "CI_PIPELINE_STARTED=1795318500", "DRONE_BUILD_NUMBER=7",
	    "DRONE_REPO=x/y", NULL};
	const char *const other[] = {"CI=true", "CI_PIPELINE_NUMBER=40", NULL};
	struct run_step step = {0};
	struct err err = {0};

	ck_assert_msg(run_step_read(environ, &step, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(step.build, 40);
	ck_assert_int_eq(step.repo_id, 17);
	ck_assert_str_eq(step.system_url, "http://127.0.0.1:8000");
	ck_assert_str_eq(step.repo, "o/r");
	ck_assert_str_eq(step.workspace, "/w");
	ck_assert_int_eq(step.started_s, 1795318500);
	ck_assert_str_eq(run_server_name(step.server), "Woodpecker");
	ck_assert_str_eq(run_workspace_variable(step.server), "CI_WORKSPACE");
	ck_assert_int_eq(run_step_read(other, &step, &err), 0);
	ck_assert_int_eq(step.build, 0);
}
END_TEST

START_TEST(reads_a_step)
{
	const char *const environ[] = {"DRONE_BUILD_NUMBER=41", "DRONE_SYSTEM_PROTO=http",
	    "DRONE_SYSTEM_HOST=127.0.0.1:8000", "DRONE_REPO=o/r", "DRONE_WORKSPACE=/w",
	    "DRONE_BUILD_STARTED=1795318500", NULL};
	const char *const nothing[] = {"PATH=/bin", NULL};
	struct run_step step = {0};
	struct err err = {0};

	ck_assert_msg(run_step_read(environ, &step, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(step.system_url, "http://127.0.0.1:8000");
	ck_assert_int_eq(step.started_s, 1795318500);
	ck_assert_int_eq(run_step_read(nothing, &step, &err), 0);
	ck_assert_int_eq(step.build, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("run");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, is_found_again);
	tcase_add_test(tc, belongs_to_one_build);
	tcase_add_test(tc, names_itself_without_drone);
	tcase_add_test(tc, has_room_for_what_it_needs);
	tcase_add_test(tc, a_copy_lives_on_its_own);
	tcase_add_loop_test(tc, refuses_ids_that_are_none, 0, 6);
	tcase_add_loop_test(tc, refuses_a_damaged_file, 0, COUNT_OF(damaged));
	tcase_add_loop_test(tc, refuses_a_wrong_step, 0, COUNT_OF(wrong_steps));
	tcase_add_test(tc, reads_a_step);
	tcase_add_test(tc, reads_a_woodpecker_step);
	tcase_add_loop_test(
	    tc, refuses_a_wrong_woodpecker_step, 0, COUNT_OF(wrong_woodpecker_steps));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
