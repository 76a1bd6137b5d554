/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/progress.h"

#include "common/clock.h"
#include "common/log.h"
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
	engine_close(progress->engine);
	abra_release(&progress->abra);
}
void progress_say(void *context, const char *line)
{
	const struct progress *progress = context;

	stages_say(stage_word(progress->which), line);
}

PRINTF_LIKE(3, 4)
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
			progress_conclude(progress, OUTCOME_FAIL, "%s: %s", name, result.reason);
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

int progress_mark(struct progress *progress, const char *version, struct survival_marks *out)
{
	const struct run *run = progress->work->run;
	auto_str char *marker = xasprintf("ccci run %s from %s\n", run->id, version);
	struct err err;

	if (survival_mark(progress->engine, run->stack, marker, out, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
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
int progress_check_marks(struct progress *progress, const struct survival_marks *marks)
{
	AUTO(survival_losses) losses = {0};
	struct err err;

	if (survival_check(progress->engine, progress->work->run->stack, marks, &losses, &err) <
	    0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
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
		progress_conclude(progress, OUTCOME_FAIL, "%s (and %zu more)",
		    losses.items[0].reason, losses.count - 1);
	else
		progress_conclude(progress, OUTCOME_FAIL, "%s", losses.items[0].reason);
	results_set(&progress->result.service, losses.items[0].service);
	return -1;
}
