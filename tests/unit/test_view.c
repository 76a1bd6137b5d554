/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine answered about stacks, as recorded and as nobody should send it. */
#include "harness.h"

#include "common/clock.h"
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
	const struct view_task *unplaced = task_of(&view, "unplaced", VIEW_TASK_PENDING);
	ck_assert(unplaced && strstr(unplaced->error, "no suitable node"));
}
END_TEST

START_TEST(reads_a_limit_of_memory)
{
	static const char text[] =
	    "[{\"ID\":\"s\",\"Spec\":{\"TaskTemplate\":{\"Resources\":{\"Limits\":"
	    "{\"MemoryBytes\":16777216}}}}}]";
	struct err err;
	AUTO_PTR(json) services = json_parse(text, strlen(text), &err);
	AUTO_PTR(json) tasks = json_new_array();
	AUTO(view) view = {0};

	ck_assert_msg(view_read("x", services, tasks, &view, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(view.services[0].limit_bytes, 16777216);
	ck_assert_int_eq(view.services[0].reserved_bytes, 0);
}
END_TEST

START_TEST(reads_what_recorded_services_ask_of_a_node)
{
	AUTO_PTR(json) services = harness_engine_answer("placement.services");
	AUTO_PTR(json) tasks = harness_engine_answer("placement.tasks");
	AUTO(view) view = {0};
	struct err err;

	ck_assert_msg(view_read("placement-rec", services, tasks, &view, &err) == 0, "%s", err.msg);
	const struct view_service *big = view_find(&view, "big");
	ck_assert_int_eq(big->reserved_bytes, INT64_C(900) * 1024 * 1024 * 1024);
	ck_assert_int_eq(big->reserved_nano_cores, 0);
	ck_assert(strstr(task_of(&view, "big", VIEW_TASK_PENDING)->error, "insufficient"));
	ck_assert_int_eq(view_find(&view, "maxrep")->max_per_node, 1);
	ck_assert_str_eq(view_find(&view, "nofit")->constraints, "node.labels.gpu == true");
	ck_assert_str_eq(view_find(&view, "glob")->constraints, "node.labels.gpu == true");
	const struct view_service *updated = view_find(&view, "sf");
	ck_assert(updated->starts_first && !view_find(&view, "two")->starts_first);
	ck_assert_uint_eq(updated->port_count, 1);
	ck_assert_int_eq(updated->ports[0].number, 18081);
	ck_assert_str_eq(updated->ports[0].protocol, "tcp");
	ck_assert_str_eq(updated->port_holder, "");
	ck_assert_uint_eq(view_find(&view, "big")->port_count, 0);
}
END_TEST

/* The items of a list whose member is one of those words, which stand between blanks. */
static struct json *only(const struct json *list, const char *path, const char *words)
{
	struct json *found = json_new_array();
	struct err err;

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		auto_str char *word = xasprintf(" %s ", json_text(json_path(item, path)));
		auto_str char *text = json_print(item);

		if (strstr(words, word))
			json_add(found, json_parse(text, strlen(text), &err));
	}
	return found;
}

/* Services of a recorded stack, as if they were the whole of it. */
static const struct recorded_row {
	const char *stack, *services; /* between blanks */
	int64_t after_ms;
	enum converge_state state;
	const char *says;
} recorded_rows[] = {
    {"placement", " two ", 5000, CONVERGE_PORT_OWN, "another of its own tasks"},
    {"placement", " sf ", 5000, CONVERGE_PORT_OWN, "order: stop-first"},
    {"placement", " taken ", 0, CONVERGE_PORT_TAKEN, "its host port 18082"},
    {"placement", " prog ", 0, CONVERGE_PORT_TAKEN, "its host port 18083"},
    {"placement", " nofit ", 5000, CONVERGE_UNSCHEDULABLE, "gpu == true"},
    {"placement", " glob ", 5000, CONVERGE_UNSCHEDULABLE, "gpu == true"},
    {"placement", " maxrep ", 5000, CONVERGE_UNSCHEDULABLE, "max_replicas"},
    {"placement", " big ", 15000, CONVERGE_NO_ROOM, "900 GiB of memory"},
    {"global", " gport gport2 ", 5000, CONVERGE_PORT_OWN,
	"services gport and gport2 both publish host port 18090"},
    {"global", " gbig ", 15000, CONVERGE_NO_ROOM, "900 GiB of memory, 64 cores"},
    {"global", " gjob ", 5000, CONVERGE_UNSCHEDULABLE,
	"node.labels.gpu == true, node.role==manager"},
    {"global", " stopf ", 600000, CONVERGE_PENDING, "port already in use"},
};

START_TEST(judges_recorded_services)
{
	const struct recorded_row *row = &recorded_rows[_i];
	auto_str char *service_file = xasprintf("%s.services", row->stack);
	auto_str char *task_file = xasprintf("%s.tasks", row->stack);
	auto_str char *stack = xasprintf("%s-rec", row->stack);
	AUTO_PTR(json) all = harness_engine_answer(service_file);
	AUTO_PTR(json) tasks = harness_engine_answer(task_file);
	AUTO(view) whole = {0};
	AUTO(view) view = {0};
	AUTO(converge) converge = {0};
	struct converge_rules rules = {
	    .crash_failures = 9, .crash_within_ms = 120000, .deadline_ns = INT64_MAX};
	struct err err;

	ck_assert_msg(view_read(stack, all, tasks, &whole, &err) == 0, "%s", err.msg);
	auto_str char *names = xstrdup(" ");
	auto_str char *ids = xstrdup(" ");
	for (size_t i = 0; i < whole.service_count; i++) {
		auto_str char *word = xasprintf(" %s ", whole.services[i].name);
		auto_str char *old_names = names;
		auto_str char *old_ids = ids;

		bool is_in = strstr(row->services, word) != NULL;
		names =
		    xasprintf("%s%s_%s ", old_names, stack, is_in ? whole.services[i].name : "");
		ids = xasprintf("%s%s ", old_ids, is_in ? whole.services[i].id : "");
	}
	AUTO_PTR(json) some = only(all, "Spec.Name", names);
	AUTO_PTR(json) theirs = only(tasks, "ServiceID", ids);
	ck_assert_msg(view_read(stack, some, theirs, &view, &err) == 0, "%s", err.msg);
	converge_begin(&converge, &rules, NULL);
	(void)converge_look(&converge, &view, 0);
	struct converge_verdict verdict =
	    converge_look(&converge, &view, row->after_ms * NS_PER_MS);
	ck_assert_msg(verdict.state == row->state && strstr(verdict.reason, row->says),
	    "%s: %d, %s", row->services, (int)verdict.state, verdict.reason);
	ck_assert_int_eq(
	    verdict.is_ours, row->state == CONVERGE_PORT_TAKEN || row->state == CONVERGE_NO_ROOM);
}
END_TEST

/* A task's Spec against its service's TaskTemplate. */
static const struct spec_row {
	const char *template, *spec;
	bool is_current;
} spec_rows[] = {
    {"{}", "{}", true},
    {"{\"A\":1,\"B\":\"x\"}", "{\"B\":\"x\",\"A\":1}", true},
    {"{\"A\":1,\"Runtime\":\"container\"}", "{\"A\":1}", true},
    {"{\"A\":{\"Runtime\":1}}", "{\"A\":{}}", false}, /* only the outermost one */
    {"{\"A\":1}", "{\"A\":2}", false},
    {"{\"A\":1}", "{\"A\":1,\"B\":2}", false},
    {"{\"A\":1,\"B\":2}", "{\"A\":1}", false},
    {"{\"A\":{\"B\":1}}", "{\"A\":{\"B\":1}}", true},
    {"{\"A\":{\"B\":1}}", "{\"A\":{\"B\":2}}", false},
    {"{\"A\":[1,{\"B\":2}]}", "{\"A\":[1,{\"B\":2}]}", true},
    {"{\"A\":[1,2]}", "{\"A\":[2,1]}", false},
    {"{\"A\":[1,2]}", "{\"A\":[1]}", false},
    {"{\"A\":[1]}", "{\"A\":[1,2]}", false},
    {"{\"A\":{}}", "{\"A\":[]}", false},
    {"{\"A\":[]}", "{\"A\":{}}", false},
    {"{\"A\":{}}", "{\"A\":3}", false},
    {"{\"A\":3}", "{\"A\":[]}", false},
    {"null", "{}", false},
    {"{}", "null", false},
};

START_TEST(knows_a_task_of_the_spec_of_now)
{
	const struct spec_row *row = &spec_rows[_i];
	auto_str char *one =
	    xasprintf("[{\"ID\":\"s\",\"Spec\":{\"TaskTemplate\":%s}}]", row->template);
	auto_str char *two =
	    xasprintf("[{\"ID\":\"t\",\"ServiceID\":\"s\",\"Spec\":%s}]", row->spec);
	struct err err;
	AUTO_PTR(json) services = json_parse(one, strlen(one), &err);
	AUTO_PTR(json) tasks = json_parse(two, strlen(two), &err);
	AUTO(view) view = {0};

	ck_assert_msg(view_read("x", services, tasks, &view, &err) == 0, "%s", err.msg);
	ck_assert_msg(
	    view.tasks[0].is_current == row->is_current, "%s and %s", row->template, row->spec);
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

static const struct check_row {
	const char *test, *output;
	int64_t exit_code;
} check_rows[] = {
    {"curl -f http://localhost",
	"OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": "
	"executable file not found in $PATH: unknown",
	-1},
    {"curl -f http://localhost",
	"OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": "
	"executable file not found in $PATH: unknown",
	-1},
    {"echo looking; echo no such page >&2; exit 8", "looking no such page", 8},
    {"false", "", 1},
    {"sleep 10", "Health check exceeded timeout (1s)", -1},
};

START_TEST(reads_how_a_recorded_check_failed)
{
	const struct check_row *row = &check_rows[_i];
	AUTO_PTR(json) containers = harness_engine_answer("unhealthy.containers");
	const struct json *container = json_at(containers, (size_t)_i);
	const char *status = json_text(json_path(container, "State.Status"));
	struct view_task task = {.check = {xstrdup(""), xstrdup(""), 0}};

	/* Of one that has ended the task says who ended it, and the container only how. */
	view_task_read_container(&task, container);
	ck_assert(task.is_unhealthy == text_is(status, "running"));
	task.is_unhealthy = true;
	view_task_read_container(&task, container);
	ck_assert(!task.was_out_of_memory);
	ck_assert_str_eq(task.check.test, row->test);
	ck_assert_str_eq(task.check.output, row->output);
	ck_assert_int_eq(task.check.exit_code, row->exit_code);
	free(task.check.test);
	free(task.check.output);
}
END_TEST

static const struct container_row {
	const char *text;
	bool is_unhealthy, was_out_of_memory;
	const char *test, *output;
	int64_t exit_code;
} container_rows[] = {
    {"null", false, false, "", "", 0},
    {"{\"State\":{\"OOMKilled\":true}}", false, true, "", "", 0},
    {"{\"State\":{\"Running\":true,\"Health\":{\"Status\":\"starting\",\"Log\":[{\"ExitCode\":1,"
     "\"Output\":\"x\"}]}}"
     ","
     "\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}",
	false, false, "", "", 0},
    {"{\"State\":{\"Running\":true,\"Health\":{\"Status\":\"unhealthy\",\"Log\":[{\"ExitCode\":7,"
     "\"Output\":"
     "\""
     "\\r\\n a "
     "\\tb\\n\\u001b[0m\\n\"},{\"ExitCode\":0,\"Output\":\"good\"}]}},\"Config\":{\"Healthcheck\":{"
     "\"Test\":[\"CMD\",\"a\\nb\",3,\"c\"]}}}",
	true, false, "a b c", "a b [0m", 7},
    {"{\"State\":{\"Running\":false,\"ExitCode\":4,\"Health\":{\"Status\":\"unhealthy\",\"Log\":[]}"
     "},"
     "\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}",
	false, false, "", "", 0}, /* it has crashed */
    {"{\"State\":{\"Running\":true,\"Health\":{\"Status\":\"unhealthy\",\"Log\":[3,null,{"
     "\"ExitCode\":2}]}},"
     "\"Config\":3}",
	true, false, "", "", 2},
};

START_TEST(reads_a_container)
{
	const struct container_row *row = &container_rows[_i];
	struct err err;
	AUTO_PTR(json) container = json_parse(row->text, strlen(row->text), &err);
	struct view_task task = {.check = {xstrdup(""), xstrdup(""), 0}};

	ck_assert_msg(container != NULL, "%s", err.msg);
	view_task_read_container(&task, container);
	ck_assert(task.is_unhealthy == row->is_unhealthy);
	ck_assert(task.was_out_of_memory == row->was_out_of_memory);
	ck_assert_str_eq(task.check.test, row->test);
	ck_assert_str_eq(task.check.output, row->output);
	ck_assert_int_eq(task.check.exit_code, row->exit_code);
	free(task.check.test);
	free(task.check.output);
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

/* One service "web" and its tasks: state, is_wanted, is_current. */
static const struct running_row {
	int64_t replicas;
	bool is_job;
	struct {
		enum view_task_state state;
		bool is_wanted, is_current;
	} tasks[2];
	bool is_running;
} running_rows[] = {
    {1, false, {{VIEW_TASK_RUNNING, true, true}}, true},
    {1, false, {{VIEW_TASK_STARTING, true, true}}, false},
    {1, false, {{VIEW_TASK_RUNNING, true, false}}, false},
    {1, false, {{VIEW_TASK_RUNNING, false, true}}, false},
    {2, false, {{VIEW_TASK_RUNNING, true, true}, {VIEW_TASK_FAILED, true, true}}, false},
    {2, false, {{VIEW_TASK_RUNNING, true, true}, {VIEW_TASK_RUNNING, true, true}}, true},
    {0, false, {{VIEW_TASK_GONE, false, true}}, true},
    {-1, false, {{VIEW_TASK_RUNNING, true, true}}, true},
    {-1, false, {{VIEW_TASK_PENDING, true, true}}, false},
    {1, true, {{VIEW_TASK_COMPLETE, true, true}}, true},
};

START_TEST(tells_whether_all_runs)
{
	const struct running_row *row = &running_rows[_i];
	struct view_service service = {
	    .id = (char[]){"web"}, .replicas = row->replicas, .is_job = row->is_job};
	struct view_task tasks[COUNT_OF(row->tasks)] = {0};
	const struct view view = {
	    .services = &service, .service_count = 1, .tasks = tasks, .task_count = 2};

	for (size_t i = 0; i < COUNT_OF(row->tasks); i++)
		tasks[i] = (struct view_task){
		    .service_id = (char[]){"web"},
		    .state = row->tasks[i].state,
		    .is_wanted = row->tasks[i].is_wanted,
		    .is_current = row->tasks[i].is_current,
		};
	ck_assert_msg(view_is_running(&view) == row->is_running, "row %d", _i);
	ck_assert(!view_is_running(&(struct view){0}));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("view");
	TCase *tc = tcase_create("view");

	tcase_add_test(tc, reads_a_recorded_stack);
	tcase_add_test(tc, reads_a_limit_of_memory);
	tcase_add_test(tc, reads_what_recorded_services_ask_of_a_node);
	tcase_add_loop_test(tc, judges_recorded_services, 0, COUNT_OF(recorded_rows));
	tcase_add_loop_test(tc, knows_a_task_of_the_spec_of_now, 0, COUNT_OF(spec_rows));
	tcase_add_test(tc, reads_recorded_jobs);
	tcase_add_test(tc, reads_a_recorded_rollback);
	tcase_add_loop_test(tc, reads_how_a_recorded_check_failed, 0, COUNT_OF(check_rows));
	tcase_add_loop_test(tc, reads_a_container, 0, COUNT_OF(container_rows));
	tcase_add_loop_test(tc, refuses_what_is_no_list, 0, COUNT_OF(odd_answers));
	tcase_add_test(tc, reads_odd_items_without_harm);
	tcase_add_loop_test(tc, tells_whether_all_runs, 0, COUNT_OF(running_rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
