/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/stages.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/stages/deploy.h"
#include "runner-plugin/swarm/survival.h"

#define EVIDENCE_MAX_BYTES (64 * 1024)
#define CHECK_PATIENCE_MS 10000 /* the proxy may still speak in the app's place */
#define CHECK_EVERY_MS 300

void stages_say(const char *word, const char *line)
{
	AUTO(buf) text = buf_make(1024);
	AUTO(buf) masked = buf_make(2048);

	(void)buf_printf(&text, "%s: %.900s\n", word, line);
	(void)log_mask_text(&masked, buf_text(&text), text.length);
	if (write(STDERR_FILENO, buf_text(&masked), masked.length) < 0)
		return; /* a step that nobody reads any more goes on */
}

/* --- one stage under way --- */

struct progress {
	const struct stages_work *work;
	enum stage which;
	struct results_stage result;
	struct plan plan;
	struct prepared prepared;
	struct suite suite;
	struct engine *engine;
	struct abra abra;
	struct deploy deploy;
};

static void progress_release(struct progress *progress)
{
	results_stage_release(&progress->result);
	plan_release(&progress->plan);
	prepared_release(&progress->prepared);
	suite_release(&progress->suite);
	engine_close(progress->engine);
	abra_release(&progress->abra);
}
DEFINE_AUTO(progress, progress_release);

static void say(void *context, const char *line)
{
	const struct progress *progress = context;

	stages_say(stage_word(progress->which), line);
}

PRINTF_LIKE(3, 4)
static void conclude(struct progress *progress, enum outcome outcome, const char *format, ...)
{
	char reason[RESULTS_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	progress->result.outcome = outcome;
	results_set(&progress->result.reason, reason);
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

	for (size_t i = 0; app && !*task && i < view->task_count; i++) {
		if (!text_is(view->tasks[i].service_id, app->id) || !*view->tasks[i].container)
			continue;
		service = app->name;
		task = view->tasks[i].id;
		container = view->tasks[i].container;
	}
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

static int check_each(struct progress *progress, struct ready *ready,
    const struct suite_probe *probes, size_t count, size_t *failed)
{
	for (size_t i = 0; i < count; i++) {
		struct probe_result result;
		auto_str char *name = probe_describe(&probes[i]);

		run_check(ready, &probes[i], &result);
		bool is_good = result.answer == PROBE_GOOD;
		results_stage_add_test(&progress->result, name,
		    is_good ? OUTCOME_PASS : OUTCOME_FAIL, (double)result.elapsed_ms / 1000,
		    result.reason);
		if (!is_good && !(*failed)++)
			conclude(progress, OUTCOME_FAIL, "%s: %s", name, result.reason);
	}
	return *failed ? -1 : 0;
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
	results_stage_add_phase(
	    &progress->result, "checks", (double)clock_elapsed_ms(started_ns) / 1000);
	if (result < 0)
		add_evidence(progress, deployed);
	return result;
}

/* What did not come up, or did not stay up. */
static void conclude_deploy(struct progress *progress, const struct deploy_result *deployed)
{
	switch (deployed->end) {
	case DEPLOY_UP:
		return;
	case DEPLOY_FAILED:
		conclude(progress, OUTCOME_FAIL, "%s", deployed->reason);
		add_evidence(progress, deployed);
		return;
	case DEPLOY_BROKE:
		conclude(progress, OUTCOME_ERROR, "%s", deployed->reason);
		add_evidence(progress, deployed);
		return;
	case DEPLOY_CANCELLED:
		conclude(progress, OUTCOME_UNVERIFIED, "cancelled");
		return;
	}
}

/* Checks, then one look more: it must not have been up for a moment only. -1: concluded. */
static int prove_app(struct progress *progress, struct deploy_result *deployed)
{
	if (run_checks(progress, deployed) < 0)
		return -1;
	deploy_confirm(&progress->deploy, deployed);
	if (deployed->end == DEPLOY_UP)
		return 0;
	conclude_deploy(progress, deployed);
	return -1;
}

/* --- the stages --- */

static void run_install(struct progress *progress)
{
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	const char *commit = progress->plan.head_commit;
	struct err err;

	for (size_t i = 0; i < progress->prepared.phase_count; i++)
		results_stage_add_phase(&progress->result, progress->prepared.phases[i].name,
		    progress->prepared.phases[i].seconds);
	if (render_commit(progress->work, &progress->suite, commit, commit, &head, &err) < 0) {
		conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	deploy_run(&progress->deploy, &head, "", &deployed);
	conclude_deploy(progress, &deployed);
	if (deployed.end == DEPLOY_UP && prove_app(progress, &deployed) == 0)
		conclude(progress, OUTCOME_PASS, "%s", "");
}

/* Unverified, whatever the base's fault: it is neither the head's nor a pass. */
static void conclude_base(struct progress *progress, const struct deploy_result *deployed)
{
	conclude_deploy(progress, deployed);
	if (deployed->end == DEPLOY_FAILED)
		conclude(progress, OUTCOME_UNVERIFIED, "base broken: %s does not come up: %s",
		    progress->plan.base_version, deployed->reason);
}

static int add_marks(struct progress *progress, struct survival_marks *out)
{
	const struct run *run = progress->work->run;
	auto_str char *marker =
	    xasprintf("ccci run %s from %s\n", run->id, progress->plan.base_version);
	struct err err;

	if (survival_mark(progress->engine, run->stack, marker, out, &err) < 0) {
		conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	return 0;
}

static const struct survival_loss *find_loss(
    const struct survival_losses *losses, const struct survival_mount *mount)
{
	for (size_t i = 0; i < losses->count; i++) {
		if (text_is(losses->items[i].volume, mount->volume) &&
		    text_is(losses->items[i].service, mount->service))
			return &losses->items[i];
	}
	return NULL;
}

/* -1: concluded. */
static int check_marks(struct progress *progress, const struct survival_marks *marks)
{
	AUTO(survival_losses) losses = {0};
	struct err err;

	if (survival_check(progress->engine, progress->work->run->stack, marks, &losses, &err) <
	    0) {
		conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return -1;
	}
	for (size_t i = 0; i < marks->mounts.count; i++) {
		const struct survival_mount *mount = &marks->mounts.items[i];
		const struct survival_loss *loss = find_loss(&losses, mount);
		auto_str char *name =
		    xasprintf("volume %s at %s of %s", mount->volume, mount->path, mount->service);

		results_stage_add_test(&progress->result, name, loss ? OUTCOME_FAIL : OUTCOME_PASS,
		    0, loss ? loss->reason : "");
	}
	if (!losses.count)
		return 0;
	if (losses.count > 1)
		conclude(progress, OUTCOME_FAIL, "%s (and %zu more)", losses.items[0].reason,
		    losses.count - 1);
	else
		conclude(progress, OUTCOME_FAIL, "%s", losses.items[0].reason);
	results_set(&progress->result.service, losses.items[0].service);
	return -1;
}

/* The head over the base, with the base's markers in the volumes. */
static void run_over_base(struct progress *progress, const struct rendered *head,
    const char *base_label, const struct survival_marks *marks)
{
	AUTO(deploy_result) deployed = {0};

	deploy_run(&progress->deploy, head, " head", &deployed);
	conclude_deploy(progress, &deployed);
	if (deployed.end != DEPLOY_UP)
		return;
	/* Lost data first: what the app says without it is only what follows. */
	if (check_marks(progress, marks) < 0 || prove_app(progress, &deployed) < 0)
		return;
	if (*base_label && text_is(base_label, deployed.version))
		conclude(progress, OUTCOME_FAIL,
		    "the version label is %s before and after the upgrade", base_label);
	else
		conclude(progress, OUTCOME_PASS, "%s", "");
}

static void run_upgrade(struct progress *progress)
{
	AUTO(rendered) base = {0};
	AUTO(rendered) head = {0};
	AUTO(deploy_result) deployed = {0};
	AUTO(survival_marks) marks = {0};
	const struct plan *plan = &progress->plan;
	struct err err;

	if (*progress->prepared.base_problem) {
		conclude(progress, OUTCOME_UNVERIFIED, "%s", progress->prepared.base_problem);
		return;
	}
	if (render_commit(progress->work, &progress->suite, plan->base_commit, plan->head_commit,
		&base, &err) < 0 ||
	    render_commit(progress->work, &progress->suite, plan->head_commit, plan->head_commit,
		&head, &err) < 0 ||
	    deploy_reset(&progress->deploy, &err) < 0) {
		conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	deploy_run(&progress->deploy, &base, " base", &deployed);
	if (deployed.end != DEPLOY_UP) {
		conclude_base(progress, &deployed);
		return;
	}
	if (add_marks(progress, &marks) == 0)
		run_over_base(progress, &head, deployed.version, &marks);
}

/* --- around a stage --- */

/* Why it is not run although it is wanted; the caller frees it, NULL: it is. */
static char *find_obstacle(const struct progress *progress)
{
	const struct plan_stage *planned = &progress->plan.stages[progress->which];
	AUTO(results_stage) install = {0};
	struct err err;

	if (!planned->is_wanted)
		return xstrdup("not asked for");
	if (planned->not_run)
		return xstrdup(planned->not_run);
	if (progress->which == STAGE_INSTALL || !progress->plan.stages[STAGE_INSTALL].is_wanted ||
	    progress->plan.stages[STAGE_INSTALL].not_run)
		return NULL;
	if (handover_load_stage(progress->work->run, STAGE_INSTALL, &install, &err) < 0)
		return xstrdup("install has no result");
	if (install.outcome != OUTCOME_PASS && install.outcome != OUTCOME_NOT_RUN)
		return xstrdup(
		    install.outcome == OUTCOME_FAIL ? "install failed" : "install was not judged");
	return NULL;
}

static int open_tools(struct progress *progress, struct err *err)
{
	const struct stages_work *work = progress->work;
	auto_str char *suite = run_path(work->run, "suite");

	progress->suite = (struct suite){.weight = 1};
	if ((file_exists(suite) && suite_read(suite, &progress->suite, err) < 0) ||
	    prepared_load(work->run, &progress->prepared, err) < 0)
		return -1;
	progress->engine = engine_open(work->settings->docker_host, err);
	if (!progress->engine ||
	    abra_find(work->settings, work->run, work->environ, &progress->abra, err) < 0)
		return -1;
	progress->deploy = (struct deploy){
	    .work = work,
	    .suite = &progress->suite,
	    .engine = progress->engine,
	    .abra = &progress->abra,
	    .stage = &progress->result,
	    .say = say,
	    .context = progress,
	};
	return 0;
}

static void run_wanted(struct progress *progress)
{
	auto_str char *obstacle = NULL;
	struct err err;

	if (handover_load_plan(progress->work->run, &progress->plan, &err) < 0) {
		conclude(progress, OUTCOME_ERROR, "prepare came to no plan: %s", err.msg);
		return;
	}
	obstacle = find_obstacle(progress);
	if (obstacle) {
		conclude(progress, OUTCOME_NOT_RUN, "%s", obstacle);
		return;
	}
	if (open_tools(progress, &err) < 0) {
		conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	if (progress->which == STAGE_INSTALL)
		run_install(progress);
	else
		run_upgrade(progress);
}

static void say_end(const struct progress *progress)
{
	const struct results_stage *result = &progress->result;
	char took[CLOCK_DURATION_SIZE];
	static const char *const words[] = {
	    [OUTCOME_PASS] = "passed",
	    [OUTCOME_FAIL] = "failed",
	    [OUTCOME_NOT_RUN] = "not run",
	    [OUTCOME_UNVERIFIED] = "unverified",
	    [OUTCOME_ERROR] = "could not be judged",
	};

	clock_format_duration((int64_t)(result->seconds * 1000), took);
	auto_str char *line = xasprintf("%s%s%s (%s)", words[result->outcome],
	    *result->reason ? ": " : "", result->reason, took);
	say((void *)(uintptr_t)progress, line);
	if (!*result->evidence)
		return;
	auto_str char *title = xasprintf("last lines of service %s:", result->service);
	say((void *)(uintptr_t)progress, title);
	for (const char *text = result->evidence; *text;) {
		size_t length = strcspn(text, "\n");
		auto_str char *row = xasprintf("  | %.*s", (int)length, text);

		say((void *)(uintptr_t)progress, row);
		text += length + (text[length] == '\n');
	}
}

enum exit_code stages_stage(const struct stages_work *work, enum stage stage)
{
	AUTO(progress) progress = {.work = work, .which = stage};
	int64_t started_ns = clock_now();
	struct err err;

	log_mask_load(work->secrets_fd);
	results_stage_init(&progress.result, stage);
	run_wanted(&progress);
	progress.result.seconds = (double)clock_elapsed_ms(started_ns) / 1000;
	say_end(&progress);
	if (handover_save_stage(work->run, &progress.result, &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_OURS;
	}
	return exit_of_outcome(progress.result.outcome);
}
