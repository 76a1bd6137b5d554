/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine answered about stacks, as recorded and as nobody should send it. */
#include "harness.h"

#include "runner-plugin/swarm/converge.h"

static const struct view_task *task_of(
    const struct view *view, const char *service, enum view_task_state state)
{
	const struct view_service *found = view_find(view, service);

	ck_assert_ptr_nonnull(found);
	for (size_t i = 0; i < view->task_count; i++) {
		if (text_is(view->tasks[i].service_id, found->id) && view->tasks[i].state == state)
			return &view->tasks[i];
	}
	return NULL;
}

START_TEST(reads_a_recorded_stack)
{
	AUTO_PTR(json) services = harness_engine_answer("services");
	AUTO_PTR(json) tasks = harness_engine_answer("tasks");
	AUTO(view) view = {0};
	struct err err;

	ck_assert_msg(view_read("stages-rec", services, tasks, &view, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(view.service_count, 5);
	ck_assert_uint_eq(view.task_count, 13);
	ck_assert(view_find(&view, "app")->has_healthcheck);
	ck_assert(!view_find(&view, "app")->asks_image);
	ck_assert(view_find(&view, "crash")->asks_image);
	ck_assert_int_eq(view_find(&view, "job")->restart, VIEW_RESTART_NEVER);
	ck_assert_str_eq(view_find(&view, "missing")->image, "ccci-canary/nope:9");
	const struct view_task *app = task_of(&view, "app", VIEW_TASK_RUNNING);
	ck_assert(app && app->is_current && app->is_wanted);
	const struct view_task *crash = task_of(&view, "crash", VIEW_TASK_FAILED);
	ck_assert(crash && crash->is_current && !crash->is_wanted && crash->exit_code == 1);
	const struct view_task *missing = task_of(&view, "missing", VIEW_TASK_REJECTED);
	ck_assert(missing && strstr(missing->error, "No such image"));
	const struct view_task *job = task_of(&view, "job", VIEW_TASK_COMPLETE);
	ck_assert(job && job->is_current);
	const struct view_task *unplaced = task_of(&view, "unplaced", VIEW_TASK_WAITING);
	ck_assert(unplaced && strstr(unplaced->error, "no suitable node"));
}
END_TEST

/* Deployed twice: what the first iteration did stays in sight and counts no more. */
START_TEST(reads_recorded_jobs)
{
	static const struct {
		const char *service;
		int64_t replicas, max_attempts;
		enum view_restart restart;
		size_t complete, failed, live; /* of the current iteration */
	} jobs[] = {
	    {"ok", 2, 0, VIEW_RESTART_ALWAYS, 0, 0, 2},
	    {"bad", 1, 0, VIEW_RESTART_NEVER, 0, 1, 0},
	    {"badn", 1, 2, VIEW_RESTART_ON_FAILURE, 0, 1, 1},
	    {"badd", 1, 0, VIEW_RESTART_ALWAYS, 0, 0, 1},
	    {"glob", -1, 0, VIEW_RESTART_ALWAYS, 0, 0, 1},
	    {"long", 1, 0, VIEW_RESTART_ALWAYS, 0, 0, 1},
	};
	AUTO_PTR(json) services = harness_engine_answer("jobs.services");
	AUTO_PTR(json) tasks = harness_engine_answer("jobs.tasks");
	AUTO(view) view = {0};
	struct err err;

	ck_assert_msg(view_read("jobs-rec", services, tasks, &view, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		const struct view_service *job = view_find(&view, jobs[i].service);
		size_t complete = 0;
		size_t failed = 0;
		size_t live = 0;

		ck_assert_msg(job && job->is_job, "%s", jobs[i].service);
		ck_assert_int_eq(job->replicas, jobs[i].replicas);
		ck_assert_int_eq(job->max_attempts, jobs[i].max_attempts);
		ck_assert_int_eq(job->restart, jobs[i].restart);
		for (size_t k = 0; k < view.task_count; k++) {
			const struct view_task *task = &view.tasks[k];

			if (!text_is(task->service_id, job->id) || !task->is_current)
				continue;
			complete += task->state == VIEW_TASK_COMPLETE;
			failed += task->state == VIEW_TASK_FAILED;
			live += task->is_wanted && task->state < VIEW_TASK_COMPLETE;
		}
		ck_assert_msg(complete == jobs[i].complete && failed == jobs[i].failed &&
				  live == jobs[i].live,
		    "%s: %zu complete, %zu failed, %zu live", jobs[i].service, complete, failed,
		    live);
	}
}
END_TEST

START_TEST(reads_a_recorded_rollback)
{
	AUTO_PTR(json) services = harness_engine_answer("rolled-back.services");
	AUTO_PTR(json) tasks = harness_engine_answer("rolled-back.tasks");
	AUTO(view) view = {0};
	struct err err;

	ck_assert_msg(view_read("stages-upd", services, tasks, &view, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(view_find(&view, "app")->update, VIEW_UPDATE_ROLLED_BACK);
	ck_assert_int_eq(view_find(&view, "other")->update, VIEW_UPDATE_PAUSED);
	ck_assert(text_starts(view_find(&view, "other")->update_started, "2026-11-22T"));
	/* What serves is of the spec that it was rolled back to; the failed one is not. */
	ck_assert(task_of(&view, "app", VIEW_TASK_RUNNING)->is_current);
	ck_assert(!task_of(&view, "app", VIEW_TASK_FAILED)->is_current);
}
END_TEST

static const char *const odd_answers[] = {"{}", "null", "3"};

START_TEST(refuses_what_is_no_list)
{
	struct err err = {0};
	AUTO_PTR(json) odd = json_parse(odd_answers[_i], strlen(odd_answers[_i]), &err);
	AUTO_PTR(json) list = json_new_array();
	AUTO(view) view = {0};

	ck_assert_int_eq(view_read("x", odd, list, &view, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_int_eq(view_read("x", list, odd, &view, &err), -1);
}
END_TEST

START_TEST(reads_odd_items_without_harm)
{
	static const char text[] =
	    "[{},3,null,[],{\"Spec\":3,\"ID\":{}},{\"Status\":[1],\"Slot\":\"x\"},"
	    "{\"ID\":\"a\",\"ServiceID\":\"a\"}]"; /* a service and its task, without specs */
	struct err err;
	AUTO_PTR(json) odd = json_parse(text, strlen(text), &err);
	AUTO(view) view = {0};
	AUTO(converge) converge = {0};
	struct converge_rules rules = {.crash_failures = 3, .deadline_ns = INT64_MAX};

	ck_assert_int_eq(view_read("x", odd, odd, &view, &err), 0);
	converge_begin(&converge, &rules, &view);
	ck_assert_int_eq(converge_look(&converge, &view, 0).state, CONVERGE_PENDING);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("view");
	TCase *tc = tcase_create("view");

	tcase_add_test(tc, reads_a_recorded_stack);
	tcase_add_test(tc, reads_recorded_jobs);
	tcase_add_test(tc, reads_a_recorded_rollback);
	tcase_add_loop_test(tc, refuses_what_is_no_list, 0, COUNT_OF(odd_answers));
	tcase_add_test(tc, reads_odd_items_without_harm);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
