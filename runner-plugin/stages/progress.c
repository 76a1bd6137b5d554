/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/progress.h"

#include "common/clock.h"
#include "common/log.h"
#include "runner-plugin/checks/script.h"
#include "runner-plugin/stages/stages.h"

#define EVIDENCE_MAX_BYTES (64 * 1024)
#define CHECK_PATIENCE_MS 10000 /* the proxy may still speak in the app's place */
#define CHECK_EVERY_MS 300

void progress_release(struct progress *progress)
{
	results_stage_release(&progress->result);
	plan_release(&progress->plan);
	prepared_release(&progress->prepared);
	suite_release(&progress->suite);
	database_marks_release(&progress->databases);
	engine_close(progress->engine);
	abra_release(&progress->abra);
}

void progress_say(void *context, const char *line)
{
	const struct progress *progress = context;

	stages_say(stage_word(progress->which), line);
}

void progress_show(void *context, const char *line)
{
	const struct progress *progress = context;

	stages_show(stage_word(progress->which), line);
}

void progress_conclude(struct progress *progress, enum outcome outcome, const char *format, ...)
{
	char reason[RESULTS_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	progress->result.outcome = outcome;
	results_set(&progress->result.reason, reason);
}

void progress_add_phase(struct progress *progress, const char *name, int64_t since_ns)
{
	results_stage_add_phase(&progress->result, name, (double)clock_elapsed_ms(since_ns) / 1000);
}

/* The last lines of the service that it is about, or of the app. */
static void add_evidence(struct progress *progress, const struct deploy_result *deployed)
{
	AUTO(buf) raw = buf_make(EVIDENCE_MAX_BYTES);
	AUTO(buf) masked = buf_make(2 * EVIDENCE_MAX_BYTES);
	const char *service = deployed->service;
	const char *task = deployed->task;
	const char *container = deployed->container;
	const struct view *view = deployed->ready ? ready_view(deployed->ready) : NULL;
	const struct view_service *app = view ? view_find(view, "app") : NULL;
	struct err err;

	/* A service without a task has no lines, and the app's would be another's. */
	for (size_t i = 0; app && !*service && !*task && i < view->task_count; i++) {
		if (!text_is(view->tasks[i].service_id, app->id) || !*view->tasks[i].container)
			continue;
		service = app->name;
		task = view->tasks[i].id;
		container = view->tasks[i].container;
	}
	results_set(&progress->result.service, service);
	if (!*task)
		return;
	if (engine_task_logs(
		progress->engine, task, container, RESULTS_EVIDENCE_LINES, &raw, &err) < 0) {
		log_warning("logs of service %s: %s", service, err.msg);
		return;
	}
	(void)log_mask_text(&masked, buf_text(&raw), raw.length);
	results_stage_set_evidence(&progress->result, service, buf_text(&masked));
}

/* --- what is asked of an app that is up --- */

/* Until the app itself answers, not long: it was ready a moment ago. */
static void run_check(
    struct ready *ready, const struct suite_probe *probe, struct probe_result *out)
{
	int64_t until_ns = clock_now() + CHECK_PATIENCE_MS * NS_PER_MS;

	for (;;) {
		ready_probe(ready, probe, out);
		if (out->answer == PROBE_GOOD || out->answer == PROBE_WRONG ||
		    clock_now() >= until_ns)
			return;
		(void)poll(NULL, 0, CHECK_EVERY_MS);
	}
}

static enum outcome outcome_of_answer(enum probe_answer answer)
{
	switch (answer) {
	case PROBE_GOOD:
		return OUTCOME_PASS;
	case PROBE_NO_PROXY:
	case PROBE_OUT_OF_REACH:
		return OUTCOME_ERROR;
	case PROBE_PROXY:
	case PROBE_WRONG:
	case PROBE_NO_ANSWER:
		break;
	}
	return OUTCOME_FAIL;
}

static int check_each(struct progress *progress, struct ready *ready,
    const struct suite_probe *probes, size_t count, size_t *failed)
{
	for (size_t i = 0; i < count; i++) {
		struct probe_result result;
		auto_str char *name = probe_describe(&probes[i]);

		run_check(ready, &probes[i], &result);
		enum outcome outcome = outcome_of_answer(result.answer);
		results_stage_add_test(&progress->result, name, outcome,
		    (double)result.elapsed_ms / 1000, result.reason);
		if (outcome != OUTCOME_PASS && !(*failed)++)
			progress_conclude(progress, outcome, "%s: %s", name, result.reason);
	}
	return *failed ? -1 : 0;
}

/* Each test of its TAP, or itself as one. */
static void add_script_tests(
    struct progress *progress, const char *program, const struct script_result *result)
{
	double seconds = (double)result->elapsed_ms / 1000;

	if (!result->tap.is_tap)
		results_stage_add_test(
		    &progress->result, program, result->outcome, seconds, result->reason);
	for (size_t i = 0; i < result->tap.count; i++) {
		const struct tap_test *test = &result->tap.tests[i];
		auto_str char *name = xasprintf("%s: %s", program, test->name);

		results_stage_add_test(&progress->result, name, test->outcome, 0, test->reason);
	}
}

int progress_run_script(
    struct progress *progress, const struct script_spec *spec, struct script_result *out)
{
	auto_str char *name = xasprintf("%s%s", spec->sandbox ? "tests/" : "", spec->path);
	struct err err;

	if (script_run(progress->work, spec, out, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	add_script_tests(progress, name, out);
	if (out->outcome == OUTCOME_PASS || out->outcome == OUTCOME_NOT_RUN)
		return 0;
	progress_conclude(progress, out->outcome, "%s: %s", name, out->reason);
	results_stage_set_evidence(&progress->result, "", buf_text(&out->evidence));
	return -1;
}

static int run_program(struct progress *progress, const char *program)
{
	const struct script_spec spec = {.path = program, .stage = progress->which};
	AUTO(script_result) result = {0};

	return progress_run_script(progress, &spec, &result);
}

static int run_data(struct progress *progress, const char *program, const char *phase)
{
	int64_t started_ns = clock_now();

	if (!program)
		return 0;
	progress_show(progress, program);
	int result = run_program(progress, program);
	progress_add_phase(progress, phase, started_ns);
	return result;
}

int progress_seed(struct progress *progress)
{
	return run_data(progress, progress->suite.data_seed, "seed");
}

int progress_check_data(struct progress *progress)
{
	return run_data(progress, progress->suite.data_check, "data check");
}

int progress_try_data(struct progress *progress, bool *out_is_there)
{
	const struct script_spec spec = {
	    .path = progress->suite.data_check, .stage = progress->which};
	AUTO(script_result) result = {0};
	struct err err;

	*out_is_there = true;
	if (!spec.path)
		return 0;
	if (script_run(progress->work, &spec, &result, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	if (result.outcome == OUTCOME_UNVERIFIED) {
		progress_conclude(progress, OUTCOME_UNVERIFIED, "%s", result.reason);
		return -1;
	}
	*out_is_there = result.outcome != OUTCOME_FAIL;
	return 0;
}

int progress_wipe_data(struct progress *progress)
{
	bool is_there = false;

	if (!progress->suite.data_wipe)
		return 0;
	if (run_data(progress, progress->suite.data_wipe, "wipe data") < 0 ||
	    progress_try_data(progress, &is_there) < 0)
		return -1;
	if (!is_there)
		return 0;
	progress_conclude(progress, OUTCOME_UNVERIFIED,
	    "the suite's %s leaves what its %s looks for", progress->suite.data_wipe,
	    progress->suite.data_check);
	return -1;
}

/* Until one fails. -1: concluded. */
static int run_programs(struct progress *progress)
{
	const struct suite *suite = &progress->suite;

	for (size_t i = 0; i < suite->program_count; i++) {
		if (run_program(progress, suite->programs[i]) < 0)
			return -1;
	}
	return 0;
}

/* The suite's ready items once more, for the record, then its checks. -1: concluded. */
static int run_checks(struct progress *progress, const struct deploy_result *deployed)
{
	const struct suite *suite = &progress->suite;
	int64_t started_ns = clock_now();
	size_t failed = 0;
	int result =
	    suite->ready_count
		? check_each(progress, deployed->ready, suite->ready, suite->ready_count, &failed)
		: check_each(progress, deployed->ready, &probe_default, 1, &failed);

	if (check_each(progress, deployed->ready, suite->checks, suite->check_count, &failed) < 0)
		result = -1;
	if (result < 0)
		add_evidence(progress, deployed);
	else
		result = run_programs(progress);
	progress_add_phase(progress, "checks", started_ns);
	return result;
}

/* What did not come up, or did not stay up. */
void progress_take_deploy(struct progress *progress, const struct deploy_result *deployed)
{
	switch (deployed->end) {
	case DEPLOY_UP:
		return;
	case DEPLOY_FAILED:
		progress_conclude(progress, OUTCOME_FAIL, "%s", deployed->reason);
		add_evidence(progress, deployed);
		return;
	case DEPLOY_BROKE:
		progress_conclude(progress, OUTCOME_ERROR, "%s", deployed->reason);
		add_evidence(progress, deployed);
		return;
	case DEPLOY_CANCELLED:
		progress_conclude(progress, OUTCOME_UNVERIFIED, "cancelled");
		return;
	}
}

int progress_render(struct progress *progress, const char *commit, struct rendered *out)
{
	struct err err;

	if (render_commit(progress->work, &progress->suite, commit, progress->plan.head_commit, out,
		&err) == 0)
		return 0;
	progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
	return -1;
}

int progress_deploy_head(struct progress *progress, const char *phase, struct deploy_result *out)
{
	AUTO(rendered) head = {0};

	if (progress_render(progress, progress->plan.head_commit, &head) < 0)
		return -1;
	deploy_run(&progress->deploy, &head, phase, out);
	progress_take_deploy(progress, out);
	return out->end == DEPLOY_UP ? 0 : -1;
}

int progress_need_head(struct progress *progress)
{
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	bool is_up = false;
	struct err err;

	if (progress_render(progress, progress->plan.head_commit, &head) < 0)
		return -1;
	if (deploy_find(&progress->deploy, &head, &is_up, &err) < 0 ||
	    (!is_up && deploy_reset(&progress->deploy, &err) < 0)) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	if (is_up)
		return 0;
	return progress_deploy_head(progress, " head", &deployed) < 0 ? -1
								      : progress_seed(progress);
}

void progress_look(struct progress *progress)
{
	AUTO(rendered) head = {0};
	AUTO(deploy_result) settled = {0};
	bool is_up = false;
	struct err err;

	if (progress_render(progress, progress->plan.head_commit, &head) < 0)
		return;
	if (deploy_find(&progress->deploy, &head, &is_up, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	if (!is_up) {
		progress_conclude(progress, OUTCOME_FAIL, "it is not up as it was left");
		return;
	}
	deploy_settle(&progress->deploy, &settled);
	progress_take_deploy(progress, &settled);
	if (settled.end == DEPLOY_UP)
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
}

/* Checks, then one look more: it must not have been up for a moment only. -1: concluded. */
int progress_prove_app(struct progress *progress, struct deploy_result *deployed)
{
	if (run_checks(progress, deployed) < 0)
		return -1;
	deploy_confirm(&progress->deploy, deployed);
	if (deployed->end == DEPLOY_UP)
		return 0;
	progress_take_deploy(progress, deployed);
	return -1;
}

/* --- markers --- */

/* Where nobody can look, nothing is known: that is how the host is set up, and no failure. */
static void give_up_marks(struct progress *progress, const struct err *err)
{
	enum outcome outcome = err->code == ERR_CONFIG ? OUTCOME_UNVERIFIED : OUTCOME_ERROR;

	progress_conclude(progress, outcome, "markers: %s", err->msg);
}

const char *progress_mark_name(const struct progress *progress)
{
	const char *id = progress->work->run->id;
	const char *dash = strrchr(id, '-');

	return dash ? dash + 1 : id;
}

int progress_mark(struct progress *progress, const char *version, struct survival_marks *out)
{
	const struct stages_work *work = progress->work;
	const struct run *run = work->run;
	auto_str char *marker = xasprintf("ccci run %s from %s\n", run->id, version);
	AUTO(database_marks) databases = {0};
	int64_t started_ns = clock_now();
	struct err err;

	if (engine_check_nodes(progress->engine, run->stack, &err) < 0 ||
	    survival_mark(progress->engine, run->stack, marker, out, &err) < 0 ||
	    database_marks_make(progress->engine, run->stack, progress_mark_name(progress),
		work->cancel_fd, &databases, &err) < 0) {
		give_up_marks(progress, &err);
		return -1;
	}
	database_marks_release(&progress->databases);
	progress->databases = databases;
	databases = (struct database_marks){0};
	progress_add_phase(progress, "mark", started_ns);
	return 0;
}

static const struct survival_loss *find_loss(
    const struct survival_losses *losses, const struct survival_mount *mount)
{
	for (size_t i = 0; i < losses->count; i++) {
		const struct survival_loss *loss = &losses->items[i];

		if (text_is(loss->volume, mount->volume) &&
		    text_is(loss->service, mount->service) && text_is(loss->path, mount->path))
			return loss;
	}
	return NULL;
}

static bool is_dropped_on_purpose(const struct progress *progress, const char *volume)
{
	const struct suite *suite = &progress->suite;

	for (size_t i = 0; progress->which == STAGE_UPGRADE && i < suite->dropped_count; i++) {
		if (text_is(suite->dropped[i], volume))
			return true;
	}
	return false;
}

/*
 * It ends with its container, and every image may have one, for a cache that nobody misses. So it
 * is told, once, and is no fault; what is lost with it a database or the suite's check finds out.
 */
static void record_unnamed(
    struct progress *progress, const struct survival_mount *mount, const struct survival_loss *loss)
{
	auto_str char *name =
	    xasprintf("volume without a name at %s of %s", mount->path, mount->service);

	if (progress->which != STAGE_RECREATE || !loss)
		return;
	results_stage_add_test(&progress->result, name, OUTCOME_NOT_RUN, 0, loss->reason);
	progress_say(progress, loss->reason);
}

/* The markers one by one, as tests; the first loss that counts, and how many there are. */
static const struct survival_loss *record_marks(struct progress *progress,
    const struct survival_marks *marks, const struct survival_losses *losses, size_t *out_lost)
{
	const struct survival_loss *first = NULL;

	*out_lost = 0;
	for (size_t i = 0; i < marks->mounts.count; i++) {
		const struct survival_mount *mount = &marks->mounts.items[i];
		const struct survival_loss *loss = find_loss(losses, mount);
		auto_str char *name =
		    xasprintf("volume %s at %s of %s", mount->volume, mount->path, mount->service);

		if (!*mount->volume) {
			record_unnamed(progress, mount, loss);
			continue;
		}
		if (loss && is_dropped_on_purpose(progress, mount->volume)) {
			results_stage_add_test(&progress->result, name, OUTCOME_NOT_RUN, 0,
			    "the suite lets an upgrade drop it");
			continue;
		}
		results_stage_add_test(&progress->result, name, loss ? OUTCOME_FAIL : OUTCOME_PASS,
		    0, loss ? loss->reason : "");
		*out_lost += loss ? 1 : 0;
		first = first ? first : loss;
	}
	return first;
}

/* An upgrade may drop every volume that the service had a marker in. */
static bool may_lose_all(const struct progress *progress, const struct survival_marks *marks,
    const struct database_mark *mark)
{
	size_t dropped = 0;

	for (size_t i = 0; i < marks->mounts.count; i++) {
		const struct survival_mount *mount = &marks->mounts.items[i];

		if (!text_is(mount->service, mark->service) || !*mount->volume)
			continue;
		if (!is_dropped_on_purpose(progress, mount->volume))
			return false;
		dropped++;
	}
	return dropped > 0;
}

/*
 * The databases one by one, as tests; the first that lost its data. What the older version kept in
 * a volume without a name no upgrade can save.
 */
static const struct database_mark *record_databases(
    struct progress *progress, const struct survival_marks *marks)
{
	const struct database_marks *databases = &progress->databases;
	const struct database_mark *first = NULL;

	for (size_t i = 0; i < databases->count; i++) {
		const struct database_mark *mark = &databases->items[i];
		auto_str char *name = database_mark_name(mark);
		char text[DATABASE_MARKS_TEXT_SIZE];
		enum outcome outcome = OUTCOME_NOT_RUN;

		database_marks_explain(mark, databases->mark, text);
		bool is_excused = progress->which == STAGE_UPGRADE && *mark->unnamed;
		if (mark->answer == DATABASE_HERE)
			outcome = OUTCOME_PASS;
		else if (mark->answer == DATABASE_GONE && !is_excused &&
			 !may_lose_all(progress, marks, mark))
			outcome = OUTCOME_FAIL;
		results_stage_add_test(&progress->result, name, outcome, 0, text);
		if (outcome == OUTCOME_FAIL && !first)
			first = mark;
	}
	return first;
}

int progress_check_marks(struct progress *progress, const struct survival_marks *marks)
{
	const struct stages_work *work = progress->work;
	const char *stack = work->run->stack;
	AUTO(survival_losses) losses = {0};
	size_t lost = 0;
	int64_t started_ns = clock_now();
	struct err err;

	if (engine_check_nodes(progress->engine, stack, &err) < 0 ||
	    survival_check(progress->engine, stack, marks, &losses, &err) < 0 ||
	    database_marks_check(
		progress->engine, stack, work->cancel_fd, &progress->databases, &err) < 0) {
		give_up_marks(progress, &err);
		return -1;
	}
	const struct survival_loss *first = record_marks(progress, marks, &losses, &lost);
	const struct database_mark *database = record_databases(progress, marks);
	database_marks_remove(progress->engine, stack, work->cancel_fd, &progress->databases);
	progress_add_phase(progress, "marks found", started_ns);
	if (!first && !database)
		return 0;
	if (first && lost > 1) {
		progress_conclude(
		    progress, OUTCOME_FAIL, "%s (and %zu more)", first->reason, lost - 1);
	} else if (first) {
		progress_conclude(progress, OUTCOME_FAIL, "%s", first->reason);
	} else {
		char text[DATABASE_MARKS_TEXT_SIZE];

		database_marks_explain(database, progress->databases.mark, text);
		progress_conclude(progress, OUTCOME_FAIL, "%s", text);
	}
	results_set(&progress->result.service, first ? first->service : database->service);
	return -1;
}
