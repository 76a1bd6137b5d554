/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a run directory say, and what is written of it at the run's end. */
#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/canonical.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/record.h"

static struct run make_run(void)
{
	struct run run = {.dir = harness_dir(), .started_s = 1700000000};

	(void)copy_text(run.id, sizeof(run.id), "local-0123ab");
	(void)copy_text(run.domain, sizeof(run.domain), "gree-0123ab.ci.test");
	(void)copy_text(run.params.recipe, sizeof(run.params.recipe), "green");
	return run;
}

static void write_file(const struct run *run, const char *name, const char *text)
{
	auto_str char *path = run_path(run, name);
	struct err err;

	ck_assert_msg(file_write_atomic(path, 0600, text, strlen(text), &err) == 0, "%s", err.msg);
}

#define PLAN(stages)                                                                               \
	"{\"head_commit\":\"0123456789abcdef0123456789abcdef01234567\",\"head_version\":"          \
	"\"1.1.0+2\",\"broken\":\"\",\"bases\":[{\"version\":\"1.0.0+2\",\"commit\":"              \
	"\"1123456789abcdef0123456789abcdef01234567\",\"why\":\"newest\"}],\"rejected\":["         \
	"{\"version\":\"x\",\"why\":\"is no recipe version\"}],\"stages\":[" stages                \
	"],\"deploys\":3}"

static void write_stage(const struct run *run, enum stage which, enum outcome outcome,
    const char *const *phases, size_t count)
{
	AUTO(results_stage) stage;
	struct err err;

	results_stage_init(&stage, which);
	stage.outcome = outcome;
	results_set(&stage.reason, outcome == OUTCOME_PASS ? "" : "why not");
	for (size_t i = 0; i < count; i++)
		results_stage_add_phase(&stage, phases[i], 1);
	ck_assert_msg(handover_save_stage(run, &stage, &err) == 0, "%s", err.msg);
}

static void collect(const struct run *run, struct results *out)
{
	struct err err;

	results_init(out);
	ck_assert_msg(record_collect(run, out, &err) == 0, "%s", err.msg);
	/* What is collected is a document that the bridge can read. */
	AUTO(results) again = {0};
	auto_str char *text = results_encode(out);
	ck_assert_msg(results_decode(text, strlen(text), &again, &err) == 0, "%s", err.msg);
}

START_TEST(collects_a_whole_run)
{
	static const char *const installed[] = {"fetch", "pull", "deploy", "converge"};
	static const char *const upgraded[] = {"reset", "deploy base", "probe base", "deploy head"};
	struct run run = make_run();
	AUTO(prepared) prepared;
	AUTO(results) results;
	struct err err;

	write_file(&run, "plan.json", PLAN("{\"name\":\"install\"},{\"name\":\"upgrade\"}"));
	prepared_init(&prepared);
	free(prepared.abra);
	prepared.abra = xstrdup("abra version 0.13.0");
	prepared_add_image(&prepared, "app", "sha256:00");
	prepared_add_phase(&prepared, "fetch", 0.5);
	ck_assert_int_eq(prepared_save(&run, &prepared, &err), 0);
	write_stage(&run, STAGE_INSTALL, OUTCOME_PASS, installed, COUNT_OF(installed));
	write_stage(&run, STAGE_UPGRADE, OUTCOME_FAIL, upgraded, COUNT_OF(upgraded));
	write_stage(&run, STAGE_BACKUP, OUTCOME_NOT_RUN, NULL, 0); /* not planned: left out */
	collect(&run, &results);

	ck_assert_str_eq(results.ref, "0123456789abcdef0123456789abcdef01234567");
	ck_assert_str_eq(results.head_version, "1.1.0+2");
	ck_assert_str_eq(results.base_version, "1.0.0+2");
	ck_assert_uint_eq(results.rejected_count, 1);
	ck_assert_int_eq(results.deploys, 3);
	ck_assert_uint_eq(results.stage_count, 2);
	ck_assert_int_eq(results.stages[0].outcome, OUTCOME_PASS);
	ck_assert_int_eq(results.stages[1].outcome, OUTCOME_FAIL);
	ck_assert_str_eq(results.abra, "abra version 0.13.0");
	ck_assert_uint_eq(results.image_count, 1);
	ck_assert_str_eq(results.started, "2023-11-14T22:13:20Z");
	free(run.dir);
}
END_TEST

static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\5\0\0\0\3\x20";

/* What a stage has saved comes back, and stands in the results: one, why there is none, nothing. */
START_TEST(tells_of_the_picture)
{
	struct run run = make_run();
	AUTO(results) nothing;
	AUTO(results) why_not;
	AUTO(results) one;
	AUTO(handover_picture) saved = {.why_not = xstrdup("there is no Chromium")};
	AUTO(handover_picture) loaded = {0};
	struct err err;

	collect(&run, &nothing);
	ck_assert_str_eq(nothing.picture_type, "");
	ck_assert_str_eq(nothing.picture_why_not, "");
	ck_assert_int_eq(handover_save_picture(&run, &saved, &err), 0);
	collect(&run, &why_not);
	ck_assert_str_eq(why_not.picture_why_not, "there is no Chromium");

	free(saved.why_not);
	saved.why_not = NULL;
	saved.bytes = buf_make(sizeof(png));
	(void)buf_add(&saved.bytes, png, sizeof(png) - 1);
	ck_assert(picture_head_read(png, sizeof(png) - 1, &saved.head));
	ck_assert_int_eq(handover_save_picture(&run, &saved, &err), 0);
	collect(&run, &one);
	ck_assert_str_eq(one.picture_type, "image/png");
	ck_assert_int_eq(one.picture_width, 1280);
	ck_assert_int_eq(one.picture_height, 800);
	ck_assert_int_eq(one.picture_bytes, sizeof(png) - 1);
	ck_assert_int_eq(handover_load_picture(&run, &loaded, &err), 0);
	ck_assert_mem_eq(loaded.bytes.data, png, sizeof(png) - 1);
	run_release(&run);
}
END_TEST

START_TEST(a_damaged_picture_is_none)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "picture.jpg", "no picture at all");
	collect(&run, &results);
	ck_assert_str_eq(results.picture_type, "");
	ck_assert_ptr_nonnull(strstr(results.picture_why_not, "picture.jpg is no picture"));
	run_release(&run);
}
END_TEST

START_TEST(says_what_was_not_come_to)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "plan.json",
	    PLAN("{\"name\":\"install\"},{\"name\":\"backup\",\"not_run\":\"no state\"},"
		 "{\"name\":\"upgrade\"}"));
	write_stage(&run, STAGE_INSTALL, OUTCOME_PASS, NULL, 0);
	collect(&run, &results);
	ck_assert_uint_eq(results.stage_count, 3);
	ck_assert_int_eq(results.stages[1].outcome, OUTCOME_NOT_RUN);
	ck_assert_str_eq(results.stages[1].reason, "no state");
	ck_assert_int_eq(results.stages[2].outcome, OUTCOME_NOT_RUN);
	ck_assert_str_eq(results.stages[2].reason, "the run ended before it");
	free(run.dir);
}
END_TEST

START_TEST(a_run_that_was_not_prepared_has_its_reason)
{
	struct run run = make_run();
	AUTO(results) results;

	write_stage(&run, STAGE_INSTALL, OUTCOME_FAIL, NULL, 0);
	collect(&run, &results);
	ck_assert_uint_eq(results.stage_count, 1);
	ck_assert_str_eq(results.stages[0].reason, "why not");
	ck_assert_int_eq(results.deploys, 0);
	free(run.dir);
}
END_TEST

START_TEST(an_empty_run_is_empty)
{
	struct run run = make_run();
	AUTO(results) results;

	collect(&run, &results);
	ck_assert_uint_eq(results.stage_count, 0);
	ck_assert_str_eq(results.recipe, "green");
	free(run.dir);
}
END_TEST

static const char *const damaged[] = {"", "{", "[]", "{\"name\":\"install\"}", "null"};

START_TEST(a_damaged_stage_is_an_error_of_it)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "plan.json", PLAN("{\"name\":\"install\"}"));
	write_file(&run, "stage-install.json", damaged[_i]);
	collect(&run, &results);
	ck_assert_int_eq(results.stages[0].outcome, OUTCOME_ERROR);
	ck_assert(*results.stages[0].reason);
	free(run.dir);
}
END_TEST

START_TEST(a_damaged_plan_is_an_error)
{
	struct run run = make_run();
	AUTO(results) results;
	struct err err = {0};

	write_file(&run, "plan.json", damaged[_i]);
	results_init(&results);
	ck_assert_int_eq(record_collect(&run, &results, &err), -1);
	ck_assert(*err.msg);
	free(run.dir);
}
END_TEST

static void write_record(const struct run *run, enum run_end end, struct results *out)
{
	const struct record_end ended = {end, end == RUN_COMPLETE ? NULL : "cancelled"};
	const struct teardown_result clean = {0};
	struct run today = *run;
	struct err err;

	today.started_s = clock_wall_s();
	ck_assert_int_eq(record_read(run, out, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_msg(record_write(&today, &ended, &clean, NULL, &err) == 0, "%s", err.msg);
	ck_assert_msg(record_read(run, out, &err) == 0, "%s", err.msg);
}

START_TEST(a_step_that_was_forgotten_is_no_pass)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "plan.json",
	    PLAN("{\"name\":\"install\"},{\"name\":\"backup\",\"not_run\":\"no state\"},"
		 "{\"name\":\"upgrade\"}"));
	write_stage(&run, STAGE_INSTALL, OUTCOME_PASS, NULL, 0);
	write_record(&run, RUN_COMPLETE, &results);
	ck_assert_int_eq(results.verdict, VERDICT_CI_ERROR);
	ck_assert_str_eq(results.reason, "upgrade: no step of the build asked for it");
	ck_assert_int_eq(results.stages[1].outcome, OUTCOME_NOT_RUN);
	free(run.dir);
}
END_TEST

START_TEST(what_a_cut_run_did_not_come_to_was_not_forgotten)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "plan.json", PLAN("{\"name\":\"install\"},{\"name\":\"upgrade\"}"));
	write_stage(&run, STAGE_INSTALL, OUTCOME_PASS, NULL, 0);
	write_record(&run, RUN_CANCELLED, &results);
	ck_assert_int_eq(results.verdict, VERDICT_CANCELLED);
	ck_assert_str_eq(results.reason, "cancelled");
	ck_assert_int_eq(results.stages[1].outcome, OUTCOME_NOT_RUN);
	free(run.dir);
}
END_TEST

START_TEST(a_run_with_a_damaged_plan_is_recorded)
{
	struct run run = make_run();
	AUTO(results) results;

	write_file(&run, "plan.json", "{");
	write_record(&run, RUN_COMPLETE, &results);
	ck_assert_int_eq(results.verdict, VERDICT_CI_ERROR);
	ck_assert_ptr_nonnull(strstr(results.reason, "plan.json"));
	ck_assert_str_eq(results.recipe, "green");
	free(run.dir);
}
END_TEST

START_TEST(what_was_kept_is_taken_down_later)
{
	const struct record_end end = {RUN_COMPLETE, NULL};
	const struct record_kept kept = {"https://x/", "2026-11-22T04:00:00Z", ""};
	struct teardown_result teardown = {0};
	struct run run = make_run();
	AUTO(results) first;
	AUTO(results) second;
	struct err err;

	write_file(&run, "plan.json", PLAN("{\"name\":\"install\"}"));
	write_stage(&run, STAGE_INSTALL, OUTCOME_PASS, NULL, 0);
	ck_assert_int_eq(record_write(&run, &end, &teardown, &kept, &err), 0);
	ck_assert_int_eq(record_read(&run, &first, &err), 0);
	ck_assert_str_eq(first.kept_url, "https://x/");
	ck_assert_str_eq(first.kept_until, "2026-11-22T04:00:00Z");
	ck_assert(first.is_clean);

	teardown.elapsed_ms = 3000;
	leaks_add(&teardown.left, "volume %s", "x_data");
	ck_assert_int_eq(record_teardown(&run, &teardown, &err), 0);
	ck_assert_int_eq(record_read(&run, &second, &err), 0);
	ck_assert_int_eq(second.verdict, first.verdict);
	ck_assert_double_eq(second.seconds, first.seconds);
	ck_assert_str_eq(second.kept_until, first.kept_until);
	ck_assert(!second.is_clean && second.left_count == 1 && second.teardown_seconds == 3);
	teardown_result_release(&teardown);
	free(run.dir);
}
END_TEST

START_TEST(a_clock_that_was_set_makes_no_record_unreadable)
{
	static const int64_t starts[] = {0, INT64_C(1) << 40};
	const struct record_end end = {RUN_COMPLETE, NULL};
	const struct teardown_result clean = {0};
	struct run run = make_run();
	AUTO(results) results;
	struct err err;

	run.started_s = starts[_i];
	ck_assert_int_eq(record_write(&run, &end, &clean, NULL, &err), 0);
	ck_assert_msg(record_read(&run, &results, &err) == 0, "%s", err.msg);
	ck_assert_double_eq(results.seconds, 0);
	free(run.dir);
}
END_TEST

START_TEST(what_prepare_found_comes_back)
{
	struct run run = make_run();
	AUTO(prepared) prepared;
	AUTO(prepared) again = {0};
	struct err err;

	prepared_init(&prepared);
	ck_assert_int_eq(prepared_load(&run, &again, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	free(prepared.base_problem);
	prepared.base_problem = xstrdup("no \"image\"");
	prepared.is_default = true;
	prepared_add_phase(&prepared, "pull", 1.25);
	prepared_add_image(&prepared, "app", "sha256:00");
	prepared_add_need(&prepared, "keycloak", "key2", "0123456789abcdef0123456789abcdef01234567",
	    "1.0.0+26.0");
	free(prepared.needs[0].shared_key);
	free(prepared.needs[0].shared);
	prepared.needs[0].shared_key = xstrdup("0a");
	prepared.needs[0].shared = xstrdup("shared-9f2c1a");
	prepared.needs[0].is_given = true;
	ck_assert_int_eq(prepared_save(&run, &prepared, &err), 0);
	ck_assert_msg(prepared_load(&run, &again, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(again.base_problem, "no \"image\"");
	ck_assert(again.is_default);
	ck_assert_uint_eq(again.phase_count, 1);
	ck_assert_double_eq(again.phases[0].seconds, 1.25);
	ck_assert_str_eq(again.images[0].value, "sha256:00");
	ck_assert_uint_eq(again.need_count, 1);
	ck_assert_str_eq(again.needs[0].recipe, "keycloak");
	ck_assert_str_eq(again.needs[0].prefix, "key2");
	ck_assert_str_eq(again.needs[0].commit, prepared.needs[0].commit);
	ck_assert_str_eq(again.needs[0].version, "1.0.0+26.0");
	ck_assert_str_eq(again.needs[0].shared_key, "0a");
	ck_assert_str_eq(again.needs[0].sibling, "");
	ck_assert_str_eq(again.needs[0].shared, "shared-9f2c1a");
	ck_assert(again.needs[0].is_given);
	free(run.dir);
}
END_TEST

static void write_whole_plan(const struct run *run, enum stage without)
{
	AUTO(plan) plan = {0};
	AUTO_PTR(json) file = NULL;
	struct err err;

	file = json_parse(PLAN(""), strlen(PLAN("")), &err);
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(plan_decode(file, &plan, &err), 0);
	for (int i = 0; i < STAGE_COUNT; i++)
		plan.stages[i].is_wanted = i != (int)without;
	ck_assert_msg(handover_save_plan(run, &plan, &err) == 0, "%s", err.msg);
}

static const struct {
	enum outcome outcome; /* of each stage */
	bool is_default;
	enum stage without;
	bool is_remembered;
} remember_rows[] = {
    {OUTCOME_PASS, true, STAGE_NONE, true},
    {OUTCOME_PASS, true, STAGE_EXTRA, true},
    {OUTCOME_PASS, true, STAGE_RECREATE, false},
    {OUTCOME_PASS, false, STAGE_NONE, false},
    {OUTCOME_FAIL, true, STAGE_NONE, false},
    {OUTCOME_UNVERIFIED, true, STAGE_NONE, false},
    {OUTCOME_NOT_RUN, true, STAGE_NONE, false},
};

START_TEST(remembers_what_was_green)
{
	auto_str char *state_dir = harness_dir();
	struct run run = make_run();
	AUTO(prepared) prepared;
	AUTO(results) results = {0};
	struct canonical history;
	struct err err;

	write_whole_plan(&run, remember_rows[_i].without);
	prepared_init(&prepared);
	prepared.is_default = remember_rows[_i].is_default;
	ck_assert_int_eq(prepared_save(&run, &prepared, &err), 0);
	for (int i = 0; i < STAGE_COUNT; i++)
		write_stage(&run, (enum stage)i, remember_rows[_i].outcome, NULL, 0);
	run.step.build = 40;
	write_record(&run, RUN_COMPLETE, &results);
	ck_assert_msg(record_remember(&run, state_dir, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(canonical_read(state_dir, "green", &history, &err), 0);
	ck_assert_uint_eq(history.count, remember_rows[_i].is_remembered ? 1 : 0);
	if (history.count) {
		ck_assert_str_eq(history.entries[0].version, "1.1.0+2");
		ck_assert_str_eq(
		    history.entries[0].commit, "0123456789abcdef0123456789abcdef01234567");
		ck_assert_int_eq(history.entries[0].build, 40);
		ck_assert_int_eq(history.entries[0].when_s, run.started_s);
	}
	free(run.dir);
}
END_TEST

START_TEST(a_red_run_knows_what_was_green)
{
	auto_str char *state_dir = harness_dir();
	const struct record_end green_end = {.end = RUN_COMPLETE, .state_dir = state_dir};
	const struct record_end cancelled = {RUN_CANCELLED, "cancelled", state_dir};
	const struct record_end broke = {RUN_BROKE, "the disk", state_dir};
	const struct teardown_result clean = {0};
	struct run run = make_run();
	struct run red = make_run();
	AUTO(prepared) prepared;
	AUTO(results) results = {0};
	AUTO(results) other = {0};
	struct err err;

	prepared_init(&prepared);
	prepared_add_tag(&prepared, "app", "nginx:1");
	prepared_add_image(&prepared, "app", "sha256:aa");
	ck_assert_int_eq(prepared_save(&run, &prepared, &err), 0);
	write_whole_plan(&run, STAGE_NONE);
	for (int i = 0; i < STAGE_COUNT; i++)
		write_stage(&run, (enum stage)i, OUTCOME_PASS, NULL, 0);
	run.step.build = 40;
	ck_assert_msg(record_write(&run, &green_end, &clean, NULL, &err) == 0, "%s", err.msg);
	ck_assert_msg(record_remember(&run, state_dir, &err) == 0, "%s", err.msg);

	free(prepared.images[0].value);
	prepared.images[0].value = xstrdup("sha256:bb");
	ck_assert_int_eq(prepared_save(&red, &prepared, &err), 0);
	write_whole_plan(&red, STAGE_NONE);
	ck_assert_int_eq(record_write(&red, &broke, &clean, NULL, &err), 0);
	ck_assert_int_eq(record_read(&red, &results, &err), 0);
	ck_assert_int_eq(results.last_green_build, 40);
	ck_assert_uint_eq(results.changed_count, 1);
	ck_assert_str_eq(results.changed[0].what, "image app");
	ck_assert_str_eq(results.changed[0].was, "sha256:aa");
	ck_assert_str_eq(results.changed[0].is, "sha256:bb");
	ck_assert_int_eq(record_write(&red, &cancelled, &clean, NULL, &err), 0);
	ck_assert_int_eq(record_read(&red, &other, &err), 0);
	ck_assert_str_eq(other.last_green_when, "");
	free(run.dir);
	free(red.dir);
}
END_TEST

/* The bridge believes only what is about its job: then the reason reaches who asked. */
START_TEST(no_run_is_a_document_about_what_was_asked)
{
	const char *const environ_rows[] = {"RECIPE=green", "SRC=org/green", "PR=3",
	    "REF=0123456789abcdef0123456789abcdef01234567", "COMMENT=812", "DRONE_BUILD_NUMBER=41",
	    NULL};
	AUTO(results) out = {0};
	AUTO(results) again = {0};
	struct err err;

	record_nothing(environ_rows, NULL, "ccci-run's settings: no ZONE", &out);
	auto_str char *text = results_encode(&out);
	ck_assert_msg(results_decode(text, strlen(text), &again, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(again.id, "none");
	ck_assert_str_eq(again.recipe, "green");
	ck_assert_str_eq(again.src, "org/green");
	ck_assert_str_eq(again.ref, "0123456789abcdef0123456789abcdef01234567");
	ck_assert_int_eq(again.pr, 3);
	ck_assert_int_eq(again.comment, 812);
	ck_assert_int_eq(again.build, 41);
	ck_assert_int_eq(again.verdict, VERDICT_CI_ERROR);
	ck_assert_str_eq(again.reason, "ccci-run's settings: no ZONE");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");

	tcase_add_test(tc, a_red_run_knows_what_was_green);
	tcase_add_loop_test(tc, remembers_what_was_green, 0, COUNT_OF(remember_rows));
	tcase_add_test(tc, collects_a_whole_run);
	tcase_add_test(tc, says_what_was_not_come_to);
	tcase_add_test(tc, tells_of_the_picture);
	tcase_add_test(tc, a_damaged_picture_is_none);
	tcase_add_test(tc, a_run_that_was_not_prepared_has_its_reason);
	tcase_add_test(tc, an_empty_run_is_empty);
	tcase_add_loop_test(tc, a_damaged_stage_is_an_error_of_it, 0, COUNT_OF(damaged));
	tcase_add_loop_test(tc, a_damaged_plan_is_an_error, 0, COUNT_OF(damaged));
	tcase_add_test(tc, a_step_that_was_forgotten_is_no_pass);
	tcase_add_test(tc, what_was_kept_is_taken_down_later);
	tcase_add_test(tc, what_a_cut_run_did_not_come_to_was_not_forgotten);
	tcase_add_test(tc, a_run_with_a_damaged_plan_is_recorded);
	tcase_add_loop_test(tc, a_clock_that_was_set_makes_no_record_unreadable, 0, 2);
	tcase_add_test(tc, what_prepare_found_comes_back);
	tcase_add_test(tc, no_run_is_a_document_about_what_was_asked);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
