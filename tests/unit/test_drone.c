/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"
#include "scripted_ci.h"

#include "bridge/peers/drone.h"

#define MAX_DATA (1024 * 1024)
#define REPO "recipe-maintainers/cc-ci"
#define SHA "0123456789abcdef0123456789abcdef01234567"
#define AUTH "Authorization: Bearer secret-token"

static struct build read_sample(const char *name)
{
	AUTO(buf) text = harness_data("drone", name);
	struct build build = {0};
	struct err err = {0};

	ck_assert_msg(
	    drone_read_build(text.data, text.length, &build, &err) == 0, "%s: %s", name, err.msg);
	return build;
}

/* --- readers on what Drone answered --- */

static const struct sample {
	const char *name;
	int64_t number;
	enum build_status status;
	size_t stages, steps; /* of the first stage */
} samples[] = {
    {"build-create.json", 2, BUILD_PENDING, 0, 0},
    {"build-create-yaml-error.json", 12, BUILD_ERROR, 0, 0},
    {"build-get-pending.json", 23, BUILD_PENDING, 1, 0},
    {"build-get-running.json", 22, BUILD_RUNNING, 1, 4},
    {"build-get-killed.json", 25, BUILD_KILLED, 1, 4},
    {"build-get-two-pipelines.json", 35, BUILD_FAILURE, 2, 2},
};

START_TEST(reads_sample)
{
	const struct sample *sample = &samples[_i];
	AUTO(build) build = read_sample(sample->name);

	ck_assert_int_eq(build.number, sample->number);
	ck_assert_int_eq(build.status, sample->status);
	ck_assert_uint_eq(build.stage_count, sample->stages);
	if (sample->stages)
		ck_assert_uint_eq(build.stages[0].step_count, sample->steps);
	ck_assert_int_eq(build_status_is_over(build.status),
	    build.status != BUILD_PENDING && build.status != BUILD_RUNNING);
}
END_TEST

START_TEST(reads_what_matters)
{
	AUTO(build) running = read_sample("build-get-running.json");
	AUTO(build) killed = read_sample("build-get-killed.json");
	AUTO(build) wrong = read_sample("build-create-yaml-error.json");
	AUTO(build) two = read_sample("build-get-two-pipelines.json");
	int64_t stage = 0;

	ck_assert_int_eq(running.started_s, 1795318500);
	ck_assert_int_eq(running.finished_s, 0);
	ck_assert_str_eq(running.stages[0].machine, "lab");
	ck_assert_int_eq(build_find_step(&running, "long", &stage)->status, BUILD_RUNNING);
	ck_assert_int_eq(build_find_step(&killed, "long", &stage)->status, BUILD_KILLED);
	ck_assert_int_eq(killed.finished_s - killed.started_s, 31);
	ck_assert_str_eq(
	    wrong.error, "yaml: line 1: mapping values are not allowed in this context");
	/* By name: the report may be in any stage, with any number. */
	ck_assert_int_eq(build_find_step(&two, "report", &stage)->number, 1);
	ck_assert_int_eq(stage, 2);
	ck_assert_ptr_null(build_find_step(&two, "nosuch", &stage));
}
END_TEST

/* What a person may have typed into Drone is read only where it has our forms. */
START_TEST(reads_params)
{
	AUTO(buf) list = harness_data("drone", "builds-list.json");
	AUTO(builds) builds = {0};
	AUTO(build) odd = read_sample("build-create.json");
	struct err err = {0};

	ck_assert_int_eq(drone_read_builds(list.data, list.length, &builds, &err), 0);
	ck_assert_uint_eq(builds.count, 2);
	ck_assert_str_eq(builds.items[1].params.recipe, "a");
	ck_assert_int_eq(builds.items[1].params.comment, 12);
	ck_assert_int_eq(builds.items[1].params.pr, 3);
	ck_assert_str_eq(builds.items[0].params.recipe, "");
	ck_assert_int_eq(builds.items[0].params.comment, 0);
	ck_assert_str_eq(odd.params.recipe, "custom-html");
	ck_assert_int_eq(odd.params.pr, 7);
	ck_assert_str_eq(odd.starter, "member");
}
END_TEST

/* All that whoever starts a build by hand may ask for; a stage list with a blank is none of ours.
 */
START_TEST(reads_typed_params)
{
	static const char text[] =
	    "{\"number\":1,\"status\":\"pending\",\"sender\":\"alice\",\"params\":{"
	    "\"RECIPE\":\"a\",\"SRC\":\"org/a\",\"PR\":\"3\",\"REF\":\"0123\",\"FROM\":\"1.0.0+2\","
	    "\"EXTRA_TESTS\":\"1\",\"KEEP\":\"30\",\"STAGES\":\"install, `upgrade`\"}}";
	AUTO(build) build = {0};
	struct err err;

	ck_assert_msg(drone_read_build(text, strlen(text), &build, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(build.starter, "alice");
	ck_assert_str_eq(build.params.src, "org/a");
	ck_assert_str_eq(build.params.ref, "0123");
	ck_assert_str_eq(build.params.from, "1.0.0+2");
	ck_assert_str_eq(build.params.stages, "");
	ck_assert(build.params.wants_extra);
	ck_assert_int_eq(build.params.keep_min, 30);
}
END_TEST

START_TEST(reads_log)
{
	AUTO(buf) text = harness_data("drone", "logs.json");
	AUTO(buf) log = buf_make(MAX_DATA);
	AUTO(buf) small = buf_make(64);
	struct peer_odd odd = {0};
	struct err err = {0};

	ck_assert_int_eq(drone_read_log(text.data, text.length, &log, &odd, &err), 0);
	ck_assert(text_starts(buf_text(&log), "+ env | sort\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&log), "\nCI_BUILD_CREATED=1795318176\nCI_"));
	ck_assert_uint_eq(log.max_bytes, MAX_DATA);
	/* A line of more than 32 kB comes in pieces, some empty. */
	static const char pieces[] =
	    "[{\"out\":\"{\\\"a\\\":\"},{\"out\":\"\"},{\"out\":\"1}\\n\"}]";
	ck_assert_int_eq(drone_read_log(pieces, sizeof(pieces) - 1, &log, &odd, &err), 0);
	ck_assert_str_eq(buf_text(&log), "{\"a\":1}\n");
	ck_assert_int_eq(drone_read_log("null", 4, &log, &odd, &err), 0);
	ck_assert_str_eq(buf_text(&log), "");
	ck_assert_int_eq(drone_read_log(text.data, text.length, &small, &odd, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

START_TEST(reads_timeout)
{
	AUTO(buf) text = harness_data("drone", "repo.json");
	int64_t minutes = 0;
	struct err err = {0};

	ck_assert_int_eq(ci_read_timeout(text.data, text.length, &minutes, &err), 0);
	ck_assert_int_eq(minutes, 60);
}
END_TEST

START_TEST(knows_words)
{
	static const char odd[] = "{\"number\":1,\"status\":\"dreaming\"}";
	AUTO(build) build = {0};
	struct err err = {0};

	ck_assert_int_eq(drone_read_build(odd, sizeof(odd) - 1, &build, &err), 0);
	ck_assert_int_eq(build.status, BUILD_UNKNOWN);
	ck_assert(!build_status_is_over(build.status));
	ck_assert_str_eq(build_status_word(BUILD_WAITING), "waiting_on_dependencies");
}
END_TEST

static const struct bad_row {
	const char *text;
	enum err_code code;
	const char *why;
} bad_rows[] = {
    {"", ERR_PROTOCOL, "parse JSON"},
    {"null", ERR_PROTOCOL, "number"},
    {"[]", ERR_PROTOCOL, "number"},
    {"{\"number\":\"1\"}", ERR_PROTOCOL, "number"},
    {"{\"number\":-1}", ERR_PROTOCOL, "number"},
    {"{\"number\":1}", ERR_PROTOCOL, "status"},
    {"{\"number\":1,\"status\":7}", ERR_PROTOCOL, "status"},
    {"{\"number\":1,\"status\":\"error\",\"stages\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
	ERR_LIMIT, "stages"},
};

START_TEST(refuses_row)
{
	const struct bad_row *row = &bad_rows[_i];
	struct build build;
	struct err err = {0};

	ck_assert_int_eq(drone_read_build(row->text, strlen(row->text), &build, &err), -1);
	ck_assert_int_eq(err.code, row->code);
	ck_assert_msg(strstr(err.msg, row->why), "%s: %s", row->text, err.msg);
}
END_TEST

START_TEST(sorts_a_list)
{
	static const char list[] =
	    "[{\"number\":4,\"status\":\"pending\"},{\"number\":2,\"status\":\"running\"},"
	    "{\"number\":3,\"status\":\"pending\"},{\"number\":1,\"status\":\"success\"}]";
	AUTO(builds) builds = {0};
	struct err err = {0};

	ck_assert_int_eq(drone_read_builds(list, sizeof(list) - 1, &builds, &err), 0);
	ck_assert_uint_eq(builds.count, 4);
	for (size_t i = 0; i < builds.count; i++)
		ck_assert_int_eq(builds.items[i].number, 4 - (int64_t)i);
}
END_TEST

/* What makes no sense is left out of each kind of list and counted; what is left is whole. */
START_TEST(leaves_out_odd_items)
{
	static const char build_text[] =
	    "{\"number\":1,\"status\":\"error\",\"stages\":[null,{},{\"number\":1},"
	    "{\"number\":2,\"status\":\"error\",\"steps\":[7,"
	    "{\"number\":1,\"name\":\"a\",\"status\":\"success\"},{\"number\":2},"
	    "{\"number\":3,\"name\":\"b\",\"status\":\"killed\"}]}]}";
	static const char list[] = "[{\"number\":3,\"status\":\"running\"},null,{\"number\":\"2\"},"
				   "{\"number\":1,\"status\":\"success\",\"params\":7}]";
	static const char lines[] = "[{\"out\":\"a\"},null,{\"out\":1},{\"out\":\"b\"}]";
	AUTO(build) build = {0};
	AUTO(builds) builds = {0};
	AUTO(buf) log = buf_make(MAX_DATA);
	struct peer_odd odd = {0};
	struct err err = {.msg = ""};
	int64_t stage = 0;

	ck_assert_msg(
	    drone_read_build(build_text, sizeof(build_text) - 1, &build, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(build.stage_count, 1);
	ck_assert_uint_eq(build.stages[0].step_count, 2);
	ck_assert_int_eq(build_find_step(&build, "b", &stage)->status, BUILD_KILLED);
	ck_assert_int_eq(stage, 2);
	ck_assert_uint_eq(build.odd.count, 5);
	ck_assert_str_eq(build.odd.why, "read a step of a build: name is missing or wrong");

	ck_assert_int_eq(drone_read_builds(list, sizeof(list) - 1, &builds, &err), 0);
	ck_assert_uint_eq(builds.count, 2);
	ck_assert_uint_eq(builds.length, 4);
	ck_assert_uint_eq(builds.odd.count, 2);
	ck_assert_int_eq(builds.items[1].number, 1);

	ck_assert_int_eq(drone_read_log(lines, sizeof(lines) - 1, &log, &odd, &err), 0);
	ck_assert_str_eq(buf_text(&log), "ab");
	ck_assert_uint_eq(odd.count, 2);
}
END_TEST

START_TEST(cuts_between_characters)
{
	AUTO(buf) text = buf_make(MAX_DATA);
	AUTO(build) build = {0};
	struct err err = {.msg = ""};

	ck_assert_int_eq(
	    buf_add_text(&text, "{\"number\":1,\"status\":\"error\",\"error\":\"x"), 0);
	for (int i = 0; i < BUILD_ERROR_SIZE; i++)
		ck_assert_int_eq(buf_add_text(&text, "\xc3\xa4"), 0);
	ck_assert_int_eq(buf_add_text(&text, "\"}"), 0);
	ck_assert_msg(
	    drone_read_build(buf_text(&text), text.length, &build, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(strlen(build.error), BUILD_ERROR_SIZE - 1);
	ck_assert_str_eq(build.error + BUILD_ERROR_SIZE - 3, "\xc3\xa4");
}
END_TEST

START_TEST(refuses_other_answers)
{
	AUTO(buf) log = buf_make(MAX_DATA);
	struct builds builds;
	struct peer_odd odd = {0};
	struct err err = {0};
	int64_t minutes = 0;

	ck_assert_int_eq(drone_read_builds("{}", 2, &builds, &err), -1);
	ck_assert_int_eq(drone_read_log("{}", 2, &log, &odd, &err), -1);
	ck_assert_int_eq(ci_read_timeout("{\"timeout\":-1}", 14, &minutes, &err), -1);
	ck_assert_int_eq(ci_read_timeout("{\"timeout\":\"60\"}", 16, &minutes, &err), -1);
	ck_assert_int_eq(ci_read_timeout("null", 4, &minutes, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

/* Seconds since the build's start, and how long the runner is still deaf. */
static const struct deaf_row {
	int64_t since_s, deaf_s;
} deaf_rows[] = {{-3, 0}, {0, 0}, {1, 0}, {27, 0}, {28, 14}, {30, 12}, {39, 3}, {40, 2}, {41, 1},
    {42, 0}, {67, 0}, {68, 14}, {79, 3}, {81, 1}, {82, 0}};

START_TEST(deaf_runner)
{
	const struct deaf_row *row = &deaf_rows[_i];

	ck_assert_msg(drone_deaf_s(row->since_s) == row->deaf_s, "after %lld s: deaf for %lld s",
	    (long long)row->since_s, (long long)drone_deaf_s(row->since_s));
}
END_TEST

/* --- calls --- */

#define BUILDS "/api/repos/" REPO "/builds"

/* Exactly the parameters of docs/contracts.md, section 3, and of those only what is given. */
START_TEST(creates)
{
	AUTO(buf) created = harness_data("drone", "build-create.json");
	const struct exchange script[] = {
	    {"POST " BUILDS "?branch=main&RECIPE=custom-html&SRC=o%2Fr&PR=3&REF=" SHA
	     "&COMMENT=812&STAGES=install%2Cupgrade&EXTRA_TESTS=1&FROM=1.0.0%2B2.1.0&KEEP=30"
	     "&SUITE_REF=" SHA,
		AUTH, NULL, 200, NULL, created.data},
	    {"POST " BUILDS "?branch=a%26b&RECIPE=x", "Content-Length: 0", NULL, 200, NULL,
		created.data},
	};
	struct build_params full = {.recipe = "custom-html",
	    .src = "o/r",
	    .pr = 3,
	    .ref = SHA,
	    .comment = 812,
	    .keep_min = 30,
	    .stages = "install,upgrade",
	    .wants_extra = true,
	    .from = "1.0.0+2.1.0",
	    .suite_ref = SHA};
	struct build_params least = {.recipe = "x"};
	struct stage_set set;

	raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
	ci_create_build(set.ci, "main", &full, on_build, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 2);
	ci_create_build(set.ci, "a&b", &least, on_build, &set.seen);
	play_act(&set);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

static const struct create_row {
	int status;
	const char *answer;
	enum err_code code;
	const char *why;
} create_rows[] = {
    {200, "null", ERR_CONFIG, "no pipeline for the event custom"},
    {500, "{\"message\":\"Not Found\"}", ERR_CONFIG, "has no .drone.yml"},
    {500, "{\"message\":\"oops\"}", ERR_TRANSIENT, "drone answered 500"},
    {500, "oops", ERR_TRANSIENT, "drone answered 500"},
    {502, "", ERR_TRANSIENT, "drone answered 502"},
    {404, "{\"message\":\"Not Found\"}", ERR_MISSING, "drone answered 404"},
    {401, "{\"message\":\"Unauthorized\"}", ERR_DENIED, "drone answered 401"},
    {303, "", ERR_PROTOCOL, "drone answered 303"},
    {0, NULL, ERR_TRANSIENT, "create a build of " REPO},
};

START_TEST(create_fails)
{
	const struct create_row *row = &create_rows[_i];
	const struct exchange script[] = {
	    {"POST " BUILDS "?branch=main&RECIPE=x", AUTH, NULL, row->status, NULL, row->answer},
	};
	struct build_params params = {.recipe = "x"};
	struct stage_set set;

	raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
	ci_create_build(set.ci, "main", &params, on_build, &set.seen);
	play_act(&set);
	drop_curtain(&set);
	ck_assert_msg(set.seen.code == row->code, "%d: %s", set.seen.code, set.seen.message);
	ck_assert_msg(strstr(set.seen.message, row->why), "%s", set.seen.message);
}
END_TEST

/* Refused by Drone itself: a build all the same, and the bridge answers with its error. */
START_TEST(creates_one_with_an_error)
{
	AUTO(buf) created = harness_data("drone", "build-create-yaml-error.json");
	const struct exchange script[] = {
	    {"POST " BUILDS "?branch=main&RECIPE=x", AUTH, NULL, 200, NULL, created.data},
	};
	struct build_params params = {.recipe = "x"};
	struct stage_set set;

	raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
	ci_create_build(set.ci, "main", &params, on_build, &set.seen);
	play_act(&set);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	ck_assert_int_eq(set.seen.status, BUILD_ERROR);
}
END_TEST

START_TEST(watches_and_cancels)
{
	AUTO(buf) list = harness_data("drone", "builds-list.json");
	AUTO(buf) running = harness_data("drone", "build-get-running.json");
	AUTO(buf) killed = harness_data("drone", "build-get-killed.json");
	const struct exchange script[] = {
	    {"GET " BUILDS "?page=2&per_page=100", AUTH, NULL, 200, NULL, list.data},
	    {"GET " BUILDS "/22", AUTH, NULL, 200, NULL, running.data},
	    {"DELETE " BUILDS "/25", AUTH, NULL, 200, NULL, killed.data},
	    {"DELETE " BUILDS "/26", AUTH, NULL, 404, NULL,
		"{\"message\":\"sql: no rows in result set\"}"},
	    {"GET " BUILDS "/22/logs/1/7", AUTH, NULL, 200, NULL, "[{\"pos\":0,\"out\":\"x\\n\"}]"},
	    {"GET " BUILDS "/22/logs/1/8", AUTH, NULL, 404, NULL,
		"{\"message\":\"sql: no rows in result set\"}"},
	};
	struct stage_set set;

	raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
	ci_list_builds(set.ci, 2, on_builds, &set.seen);
	play_act(&set);
	ck_assert_uint_eq(set.seen.items, 2);
	ci_get_build(set.ci, 22, on_build, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.status, BUILD_RUNNING);
	ci_cancel_build(set.ci, 25, on_cancelled, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	ci_cancel_build(set.ci, 26, on_cancelled, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
	ci_get_log(set.ci, 22, 1, 7, on_log, &set.seen);
	play_act(&set);
	ck_assert_str_eq(set.seen.text, "x\n");
	set.seen.code = ERR_NONE;
	ci_get_log(set.ci, 22, 1, 8, on_log, &set.seen);
	play_act(&set);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
}
END_TEST

START_TEST(reads_and_sets_timeout)
{
	AUTO(buf) repo = harness_data("drone", "repo.json");
	const struct exchange script[] = {
	    {"GET /api/repos/" REPO, AUTH, NULL, 200, NULL, repo.data},
	    {"PATCH /api/repos/" REPO, AUTH, "{\"timeout\":45}", 200, NULL, "{\"timeout\":45}"},
	    {"PATCH /api/repos/" REPO, AUTH, "{\"timeout\":45}", 404, NULL, "{}"},
	};
	struct stage_set set;

	raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
	ci_get_timeout(set.ci, on_timeout, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 60);
	ci_set_timeout(set.ci, 45, on_timeout, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 45);
	ci_set_timeout(set.ci, 45, on_timeout, &set.seen);
	play_act(&set);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
	ck_assert_str_eq(set.seen.message, "set the timeout of " REPO ": drone answered 404");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("drone");
	TCase *tests = tcase_create("drone");

	tcase_set_timeout(tests, 20);
	tcase_add_loop_test(tests, reads_sample, 0, COUNT_OF(samples));
	tcase_add_test(tests, reads_what_matters);
	tcase_add_test(tests, reads_params);
	tcase_add_test(tests, reads_typed_params);
	tcase_add_test(tests, reads_log);
	tcase_add_test(tests, reads_timeout);
	tcase_add_test(tests, knows_words);
	tcase_add_loop_test(tests, refuses_row, 0, COUNT_OF(bad_rows));
	tcase_add_test(tests, refuses_other_answers);
	tcase_add_test(tests, cuts_between_characters);
	tcase_add_test(tests, leaves_out_odd_items);
	tcase_add_test(tests, sorts_a_list);
	tcase_add_loop_test(tests, deaf_runner, 0, COUNT_OF(deaf_rows));
	tcase_add_test(tests, creates);
	tcase_add_loop_test(tests, create_fails, 0, COUNT_OF(create_rows));
	tcase_add_test(tests, creates_one_with_an_error);
	tcase_add_test(tests, watches_and_cancels);
	tcase_add_test(tests, reads_and_sets_timeout);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
