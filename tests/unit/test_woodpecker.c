/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"
#include "scripted_ci.h"

#include "bridge/peers/woodpecker.h"

#define MAX_DATA (1024 * 1024)
#define REPO "recipe-maintainers/cc-ci"
#define AUTH "Authorization: Bearer secret-token"

static struct build read_sample(const char *name)
{
	AUTO(buf) text = harness_data("woodpecker", name);
	struct build build = {0};
	struct err err = {0};

	ck_assert_msg(woodpecker_read_build(text.data, text.length, &build, &err) == 0, "%s: %s",
	    name, err.msg);
	return build;
}

/* --- readers on what Woodpecker answered --- */

/* What happened, whatever its status says; and of one step, by name. */
static const struct sample {
	const char *name;
	int64_t number;
	enum build_status status;
	enum build_ender ender;
	const char *step; /* NULL: there is none */
	enum build_status step_status;
	int64_t step_id;
} samples[] = {
    {"pipeline-create.json", 1, BUILD_PENDING, BUILD_ENDER_UNKNOWN, "hello", BUILD_PENDING, 2},
    {"pipeline-create-yaml-error.json", 38, BUILD_ERROR, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-forge-error.json", 2, BUILD_ERROR, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-pending.json", 0, BUILD_PENDING, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-running.json", 0, BUILD_RUNNING, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-success.json", 0, BUILD_SUCCESS, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-failure.json", 0, BUILD_FAILURE, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-workflows.json", 0, BUILD_FAILURE, BUILD_ENDER_UNKNOWN, NULL, 0, 0},
    {"pipeline-get-killed.json", 6, BUILD_KILLED, BUILD_ENDER_PERSON, "run", BUILD_KILLED, 16},
    {"pipeline-get-killed.json", 6, BUILD_KILLED, BUILD_ENDER_PERSON, "next", BUILD_SKIPPED, 17},
    {"pipeline-get-killed-still-running.json", 44, BUILD_KILLED, BUILD_ENDER_PERSON, "run",
	BUILD_KILLED, 70},
    {"pipeline-get-canceled-pending.json", 8, BUILD_KILLED, BUILD_ENDER_PERSON, "run",
	BUILD_SKIPPED, 24},
    {"pipeline-get-lost-cancel.json", 2, BUILD_KILLED, BUILD_ENDER_PERSON, "a", BUILD_SUCCESS, 2},
    {"pipeline-get-timeout.json", 1, BUILD_KILLED, BUILD_ENDER_TIMEOUT, "run", BUILD_KILLED, 1},
    {"pipeline-get-timeout.json", 1, BUILD_KILLED, BUILD_ENDER_TIMEOUT, "next", BUILD_SKIPPED, 2},
};

START_TEST(reads_sample)
{
	const struct sample *sample = &samples[_i];
	AUTO(build) build = read_sample(sample->name);
	int64_t stage = 0;

	if (sample->number)
		ck_assert_int_eq(build.number, sample->number);
	ck_assert_msg(build.status == sample->status, "%s", build_status_word(build.status));
	ck_assert_int_eq(build.ender, sample->ender);
	ck_assert_str_eq(build.server, "Woodpecker");
	ck_assert_uint_eq(build.odd.count, 0);
	if (!sample->step)
		return;
	const struct build_step *step = build_find_step(&build, sample->step, &stage);
	ck_assert_ptr_nonnull(step);
	ck_assert_msg(step->status == sample->step_status, "%s", build_status_word(step->status));
	ck_assert_int_eq(step->number, sample->step_id);
	ck_assert_int_eq(stage, 1);
}
END_TEST

START_TEST(reads_what_matters)
{
	AUTO(build) created = read_sample("pipeline-create.json");
	AUTO(build) killed = read_sample("pipeline-get-killed.json");
	AUTO(build) wrong = read_sample("pipeline-create-yaml-error.json");
	AUTO(build) unread = read_sample("pipeline-get-forge-error.json");
	int64_t stage = 0;

	ck_assert_str_eq(created.params.recipe, "custom-html");
	ck_assert_int_eq(created.params.pr, 1);
	ck_assert_str_eq(created.starter, "lab-admin");
	ck_assert_int_eq(created.created_s, 1795320859);
	ck_assert_int_eq(created.started_s, 0);
	ck_assert_int_eq(killed.finished_s - killed.started_s, 3);
	ck_assert_int_eq(build_find_step(&killed, "run", &stage)->stopped_s, 1795321651);
	ck_assert(text_starts(wrong.error, "go-yaml load error in parser"));
	ck_assert(!wrong.is_error_passing);
	ck_assert(text_starts(unread.error, "could not load config from forge: "));
	ck_assert(unread.is_error_passing);
}
END_TEST

/* An agent that is stopped kills its step and calls that a success; nobody has cancelled it. */
START_TEST(knows_a_stopped_agent)
{
	static const char text[] =
	    "{\"number\":5,\"status\":\"killed\",\"workflows\":[{\"pid\":1,\"state\":\"killed\","
	    "\"error\":\"Canceled\",\"children\":[{\"id\":7,\"name\":\"report\","
	    "\"state\":\"success\",\"started\":1,\"finished\":2},"
	    "{\"id\":8,\"name\":\"last\",\"state\":\"killed\"}]}]}";
	AUTO(build) build = {0};
	struct err err = {0};

	ck_assert_int_eq(woodpecker_read_build(text, sizeof(text) - 1, &build, &err), 0);
	ck_assert_int_eq(build.status, BUILD_KILLED);
	ck_assert_int_eq(build.ender, BUILD_ENDER_RUNNER);
	ck_assert_int_eq(build.stages[0].steps[1].status, BUILD_SKIPPED);
}
END_TEST

/* A warning is no reason. */
START_TEST(reads_the_error_that_counts)
{
	static const char text[] = "{\"number\":5,\"status\":\"error\",\"errors\":[{\"message\":"
				   "\"a\",\"is_warning\":true},"
				   "{\"message\":\"b\",\"is_warning\":false},{\"message\":\"c\"}]}";
	AUTO(build) build = {0};
	struct err err = {0};

	ck_assert_int_eq(woodpecker_read_build(text, sizeof(text) - 1, &build, &err), 0);
	ck_assert_str_eq(build.error, "b");
}
END_TEST

START_TEST(reads_list)
{
	AUTO(buf) list = harness_data("woodpecker", "pipelines-list.json");
	AUTO(builds) builds = {0};
	struct err err = {0};

	ck_assert_int_eq(woodpecker_read_builds(list.data, list.length, &builds, &err), 0);
	ck_assert_uint_eq(builds.count, 2);
	ck_assert_uint_eq(builds.length, 2);
	ck_assert_int_eq(builds.items[0].number, 37);
	ck_assert_int_eq(builds.items[0].status, BUILD_SUCCESS);
	ck_assert_str_eq(builds.items[0].params.recipe, "custom-html");
	ck_assert_int_eq(builds.items[1].status, BUILD_KILLED);
	ck_assert(build_status_is_over(builds.items[1].status));
}
END_TEST

START_TEST(reads_log)
{
	AUTO(buf) text = harness_data("woodpecker", "logs.json");
	AUTO(buf) log = buf_make(MAX_DATA);
	AUTO(buf) small = buf_make(64);
	struct peer_odd odd = {0};
	struct err err = {0};

	ck_assert_int_eq(woodpecker_read_log(text.data, text.length, &log, &odd, &err), 0);
	ck_assert_str_eq(buf_text(&log),
	    "+ echo \"hello from pipeline $CI_PIPELINE_NUMBER for $RECIPE\"\n"
	    "hello from pipeline 37 for custom-html\n+ sleep 1.5\n+ printf 'two\\n\\n\\377\\n'\n"
	    "two\n\n\xff\n+ sleep 1.5\n");
	/* A NUL, and what makes no sense between lines that do. */
	static const char odd_lines[] =
	    "[{\"data\":\"YQBi\"},{\"data\":7},{},{\"data\":\"!\"},null,"
	    "{\"data\":null},{\"data\":\"\"},{\"data\":\"Yw==\"}]";
	ck_assert_int_eq(
	    woodpecker_read_log(odd_lines, sizeof(odd_lines) - 1, &log, &odd, &err), 0);
	ck_assert_str_eq(buf_text(&log), "a\xef\xbf\xbd"
					 "b\n\n\nc\n");
	ck_assert_uint_eq(odd.count, 4);
	ck_assert_int_eq(woodpecker_read_log("null", 4, &log, &odd, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(woodpecker_read_log("{}", 2, &log, &odd, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_int_eq(woodpecker_read_log(text.data, text.length, &small, &odd, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

static const struct bad_row {
	const char *text;
	enum err_code code;
	const char *why;
} bad_rows[] = {
    {"", ERR_PROTOCOL, "parse JSON"},
    {"<!DOCTYPE html>", ERR_PROTOCOL, "parse JSON"}, /* of a path that it does not know: 200 */
    {"null", ERR_PROTOCOL, "number"},
    {"{\"number\":1}", ERR_PROTOCOL, "status"},
    {"{\"number\":1,\"status\":\"error\",\"workflows\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"
     "}",
	ERR_LIMIT, "stages"},
};

START_TEST(refuses_row)
{
	const struct bad_row *row = &bad_rows[_i];
	struct build build;
	struct err err = {0};

	ck_assert_int_eq(woodpecker_read_build(row->text, strlen(row->text), &build, &err), -1);
	ck_assert_int_eq(err.code, row->code);
	ck_assert_msg(strstr(err.msg, row->why), "%s: %s", row->text, err.msg);
}
END_TEST

/* --- calls --- */

#define GOOD_USER                                                                                  \
	{                                                                                          \
		"GET /api/user", AUTH, NULL, 200, NULL, "{\"login\":\"member\"}"                   \
	}
#define FOUND                                                                                      \
	{                                                                                          \
		"GET /api/repos/lookup/" REPO, AUTH, NULL, 200, NULL, "{\"id\":17,\"timeout\":60}" \
	}
#define PIPELINES "/api/repos/17/pipelines"

/* The repository's number once, then exactly the parameters of docs/contracts.md, section 3. */
START_TEST(creates)
{
	AUTO(buf) created = harness_data("woodpecker", "pipeline-create.json");
	const struct exchange script[] = {
	    GOOD_USER,
	    FOUND,
	    {"POST " PIPELINES, AUTH,
		"{\"branch\":\"a&b\",\"variables\":{\"RECIPE\":\"custom-html\",\"SRC\":\"o/r\","
		"\"PR\":\"3\",\"REF\":\"abc\",\"COMMENT\":\"812\",\"STAGES\":\"install,upgrade\","
		"\"EXTRA_TESTS\":\"1\",\"FROM\":\"1.0.0+2.1.0\",\"KEEP\":\"30\",\"SUITE_REF\":"
		"\"def\"}}",
		200, NULL, created.data},
	    {"POST " PIPELINES, "Content-Type: application/json",
		"{\"branch\":\"main\",\"variables\":{\"RECIPE\":\"x\"}}", 200, NULL, created.data},
	};
	struct build_params full = {.recipe = "custom-html",
	    .src = "o/r",
	    .pr = 3,
	    .ref = "abc",
	    .comment = 812,
	    .keep_min = 30,
	    .stages = "install,upgrade",
	    .wants_extra = true,
	    .from = "1.0.0+2.1.0",
	    .suite_ref = "def"};
	struct build_params least = {.recipe = "x"};
	struct stage_set set;

	raise_curtain(&set, &woodpecker_dialect, REPO, script, COUNT_OF(script));
	ck_assert_str_eq(ci_builds_url(set.ci), "");
	ci_create_build(set.ci, "a&b", &full, on_build, &set.seen);
	play_act(&set);
	ck_assert_msg(set.seen.code == ERR_NONE, "%s", set.seen.message);
	ck_assert_int_eq(set.seen.number, 1);
	auto_str char *page = xasprintf("%s/repos/17/pipeline", set.server.url);
	ck_assert_str_eq(ci_builds_url(set.ci), page);
	ci_create_build(set.ci, "main", &least, on_build, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	drop_curtain(&set);
}
END_TEST

static const struct create_row {
	int status;
	const char *answer;
	enum err_code code;
	const char *why;
} create_rows[] = {
    {204, NULL, ERR_CONFIG, "no workflow for the event manual"},
    {500, NULL, ERR_TRANSIENT, "woodpecker answered 500"},
    {404, NULL, ERR_MISSING, "woodpecker answered 404"},
    {401, NULL, ERR_DENIED, "woodpecker answered 401"},
    {400, NULL, ERR_PROTOCOL, "woodpecker answered 400"},
    {200, "<!DOCTYPE html>", ERR_PROTOCOL, "parse JSON"},
    {0, NULL, ERR_TRANSIENT, "create a build of " REPO},
};

START_TEST(create_fails)
{
	const struct create_row *row = &create_rows[_i];
	const struct exchange script[] = {
	    GOOD_USER,
	    FOUND,
	    {"POST " PIPELINES, AUTH, "{\"branch\":\"main\",\"variables\":{\"RECIPE\":\"x\"}}",
		row->status, NULL, row->answer},
	};
	struct build_params params = {.recipe = "x"};
	struct stage_set set;

	raise_curtain(&set, &woodpecker_dialect, REPO, script, COUNT_OF(script));
	ci_create_build(set.ci, "main", &params, on_build, &set.seen);
	play_act(&set);
	ck_assert_msg(set.seen.code == row->code, "%d: %s", set.seen.code, set.seen.message);
	ck_assert_msg(strstr(set.seen.message, row->why), "%s", set.seen.message);
	drop_curtain(&set);
}
END_TEST

/* A bad token is none to Woodpecker, and a repository that is not active has no number. */
START_TEST(says_why_it_finds_no_repository)
{
	const struct exchange script[] = {
	    {"GET /api/user", AUTH, NULL, 401, NULL, "User not authorized"},
	    GOOD_USER,
	    {"GET /api/repos/lookup/" REPO, AUTH, NULL, 404, NULL, NULL},
	    GOOD_USER,
	    {"GET /api/repos/lookup/" REPO, AUTH, NULL, 200, NULL, "<!DOCTYPE html>"},
	};
	static const struct {
		enum err_code code;
		const char *message;
	} ends[] = {
	    {ERR_DENIED, "read the timeout of " REPO ": woodpecker answered 401"},
	    {ERR_CONFIG, "read the timeout of " REPO ": " REPO " is not active in Woodpecker"},
	    {ERR_PROTOCOL, "read the timeout of " REPO ": read a repository: "},
	};
	struct stage_set set;

	raise_curtain(&set, &woodpecker_dialect, REPO, script, COUNT_OF(script));
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		ci_get_timeout(set.ci, on_timeout, &set.seen);
		play_act(&set);
		ck_assert_int_eq(set.seen.code, ends[i].code);
		ck_assert_msg(
		    text_starts(set.seen.message, ends[i].message), "%s", set.seen.message);
	}
	drop_curtain(&set);
}
END_TEST

START_TEST(watches_and_cancels)
{
	AUTO(buf) list = harness_data("woodpecker", "pipelines-list.json");
	AUTO(buf) killed = harness_data("woodpecker", "pipeline-get-killed.json");
	AUTO(buf) log = harness_data("woodpecker", "logs.json");
	const struct exchange script[] = {
	    GOOD_USER,
	    FOUND,
	    {"GET " PIPELINES "?page=2&perPage=50", AUTH, NULL, 200, NULL, list.data},
	    {"GET " PIPELINES "/6", AUTH, NULL, 200, NULL, killed.data},
	    {"POST " PIPELINES "/6/cancel", "Content-Length: 0", NULL, 204, NULL, NULL},
	    {"POST " PIPELINES "/6/cancel", AUTH, NULL, 400, NULL,
		"Cannot cancel a non-running or non-pending or non-blocked pipeline"},
	    {"GET /api/repos/17/logs/6/16", AUTH, NULL, 200, NULL, log.data},
	    {"GET /api/repos/17/logs/6/17", AUTH, NULL, 200, NULL, "null"},
	    {"POST " PIPELINES "/7/cancel", AUTH, NULL, 404, NULL, NULL},
	    /* It was not there: is the number still the repository's? */
	    GOOD_USER,
	    {"GET /api/repos/lookup/" REPO, AUTH, NULL, 200, NULL, "{\"id\":18}"},
	    {"GET /api/repos/18/pipelines/6", AUTH, NULL, 200, NULL, killed.data},
	};
	struct stage_set set;

	raise_curtain(&set, &woodpecker_dialect, REPO, script, COUNT_OF(script));
	ci_list_builds(set.ci, 2, on_builds, &set.seen);
	play_act(&set);
	ck_assert_uint_eq(set.seen.items, 2);
	ci_get_build(set.ci, 6, on_build, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 6);
	for (int i = 0; i < 2; i++) {
		ci_cancel_build(set.ci, 6, on_cancelled, &set.seen);
		play_act(&set);
		ck_assert_msg(set.seen.code == ERR_NONE, "%s", set.seen.message);
	}
	ci_get_log(set.ci, 6, 1, 16, on_log, &set.seen);
	play_act(&set);
	ck_assert(text_starts(set.seen.text, "+ echo"));
	ci_get_log(set.ci, 6, 1, 17, on_log, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
	ci_cancel_build(set.ci, 7, on_cancelled, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
	ci_get_build(set.ci, 6, on_build, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 6);
	drop_curtain(&set);
}
END_TEST

START_TEST(reads_and_sets_timeout)
{
	AUTO(buf) repo = harness_data("woodpecker", "repo.json");
	const struct exchange script[] = {
	    GOOD_USER,
	    FOUND,
	    {"GET /api/repos/17", AUTH, NULL, 200, NULL, repo.data},
	    {"PATCH /api/repos/17", AUTH, "{\"timeout\":45}", 200, NULL, "{\"timeout\":45}"},
	    {"PATCH /api/repos/17", AUTH, "{\"timeout\":45}", 403, NULL, "User not authorized"},
	};
	struct stage_set set;

	raise_curtain(&set, &woodpecker_dialect, REPO, script, COUNT_OF(script));
	ci_get_timeout(set.ci, on_timeout, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 60);
	ci_set_timeout(set.ci, 45, on_timeout, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.number, 45);
	ci_set_timeout(set.ci, 45, on_timeout, &set.seen);
	play_act(&set);
	ck_assert_int_eq(set.seen.code, ERR_DENIED);
	drop_curtain(&set);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("woodpecker");
	TCase *tests = tcase_create("woodpecker");

	tcase_set_timeout(tests, 20);
	tcase_add_loop_test(tests, reads_sample, 0, COUNT_OF(samples));
	tcase_add_test(tests, reads_what_matters);
	tcase_add_test(tests, knows_a_stopped_agent);
	tcase_add_test(tests, reads_the_error_that_counts);
	tcase_add_test(tests, reads_list);
	tcase_add_test(tests, reads_log);
	tcase_add_loop_test(tests, refuses_row, 0, COUNT_OF(bad_rows));
	tcase_add_test(tests, creates);
	tcase_add_loop_test(tests, create_fails, 0, COUNT_OF(create_rows));
	tcase_add_test(tests, says_why_it_finds_no_repository);
	tcase_add_test(tests, watches_and_cancels);
	tcase_add_test(tests, reads_and_sets_timeout);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
