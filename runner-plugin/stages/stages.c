/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/stages.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/table.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/live.h"
#include "runner-plugin/stages/beside.h"
#include "runner-plugin/stages/picture.h"
#include "runner-plugin/stages/progress.h"

#define LINE_MAX_BYTES 900

static void say(const char *word, const char *line, const char *end)
{
	AUTO(buf) masked = buf_make(4096);
	AUTO(buf) text = buf_make(8192);

	(void)log_mask_text(&masked, line, text_head(line, LINE_MAX_BYTES));
	(void)buf_printf(&text, "%s: ", word);
	table_add_text(&text, buf_text(&masked), NULL);
	(void)buf_printf(&text, "%s\n", end);
	if (write(STDERR_FILENO, buf_text(&text), text.length) < 0)
		return; /* a step that nobody reads any more goes on */
}

void stages_say(const char *word, const char *line)
{
	say(word, line, "");
}

void stages_show(const char *word, const char *line)
{
	say(word, line, LIVE_FOR_NOW);
}

/* --- around a stage --- */

/* Why nothing can follow that stage; the caller frees it, NULL: it can. */
static char *find_obstacle_in(const struct progress *progress, enum stage before)
{
	AUTO(results_stage) result = {0};
	const char *word = stage_word(before);
	struct err err;

	if (handover_load_stage(progress->work->run, before, &result, &err) < 0)
		return xasprintf("%s has no result", word);
	switch (result.outcome) {
	case OUTCOME_PASS:
		return NULL;
	case OUTCOME_FAIL:
		return xasprintf("%s failed", word);
	case OUTCOME_NOT_RUN:
		return before == STAGE_INSTALL ? NULL : xasprintf("%s was not run", word);
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		break;
	}
	return xasprintf("%s was not judged", word);
}

/* Why it is not run although it is wanted; the caller frees it, NULL: it is. */
static char *find_obstacle(const struct progress *progress)
{
	const struct plan_stage *planned = &progress->plan.stages[progress->which];

	if (!planned->is_wanted)
		return xstrdup("not asked for");
	if (planned->not_run)
		return xstrdup(planned->not_run);
	if (progress->which == STAGE_ROLLBACK)
		return find_obstacle_in(progress, STAGE_UPGRADE);
	if (progress->which == STAGE_INSTALL || progress->which == STAGE_LINT ||
	    !plan_runs(&progress->plan, STAGE_INSTALL))
		return NULL;
	return find_obstacle_in(progress, STAGE_INSTALL);
}

static int open_tools(struct progress *progress, struct err *err)
{
	const struct stages_work *work = progress->work;
	auto_str char *suite = run_path(work->run, "suite");

	progress->suite = (struct suite){.weight = 1};
	if ((file_exists(suite) && suite_read(suite, &progress->suite, err) < 0) ||
	    prepared_load(work->run, &progress->prepared, err) < 0 ||
	    beside_tell(work, &progress->prepared, &progress->suite, err) < 0)
		return -1;
	progress->engine = engine_open(work->settings, err);
	if (!progress->engine ||
	    abra_find(work->settings, work->run, work->environ, &progress->abra, err) < 0)
		return -1;
	progress->deploy = (struct deploy){
	    .work = work,
	    .suite = &progress->suite,
	    .engine = progress->engine,
	    .abra = &progress->abra,
	    .stage = &progress->result,
	    .say = progress_show,
	    .context = progress,
	};
	return 0;
}

static void set_budget(struct progress *progress)
{
	int64_t budget_ms = progress->plan.stages[progress->which].budget_ms;
	int64_t until_ns = progress->started_ns + budget_ms * NS_PER_MS;

	if (!budget_ms || until_ns >= progress->work->deadline_ns)
		return;
	progress->bounded = *progress->work;
	progress->bounded.deadline_ns = until_ns;
	progress->work = &progress->bounded;
}

static void run_wanted(struct progress *progress)
{
	static void (*const runs[])(struct progress * progress) = {
	    [STAGE_INSTALL] = install_run,
	    [STAGE_RECREATE] = recreate_run,
	    [STAGE_RECIPE] = recipe_run,
	    [STAGE_EXTRA] = extra_run,
	    [STAGE_BACKUP] = backup_run,
	    [STAGE_UPGRADE] = upgrade_run,
	    [STAGE_ROLLBACK] = rollback_run,
	    [STAGE_LINT] = lint_run,
	};
	static_assert(COUNT_OF(runs) == STAGE_COUNT, "a function for each stage");
	auto_str char *obstacle = NULL;
	struct err err;

	if (handover_load_plan(progress->work->run, &progress->plan, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "prepare came to no plan: %s", err.msg);
		return;
	}
	obstacle = find_obstacle(progress);
	if (obstacle) {
		progress_conclude(progress, OUTCOME_NOT_RUN, "%s", obstacle);
		return;
	}
	set_budget(progress);
	if (open_tools(progress, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
		return;
	}
	if (progress->which != STAGE_LINT && beside_raise(progress) < 0)
		return;
	runs[progress->which](progress);
	beside_excuse(progress);
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
	static_assert(COUNT_OF(words) == OUTCOME_COUNT, "words for each outcome");

	clock_format_duration((int64_t)(result->seconds * 1000), took);
	auto_str char *line = xasprintf("%s%s%s (%s)", words[result->outcome],
	    *result->reason ? ": " : "", result->reason, took);
	progress_say((void *)(uintptr_t)progress, line);
	if (!*result->evidence)
		return;
	auto_str char *title = *result->service
				   ? xasprintf("last lines of service %s:", result->service)
				   : xstrdup("last lines:");
	progress_say((void *)(uintptr_t)progress, title);
	for (const char *text = result->evidence; *text;) {
		size_t length = strcspn(text, "\n");
		auto_str char *row = xasprintf("  | %.*s", (int)length, text);

		progress_say((void *)(uintptr_t)progress, row);
		text += length + (text[length] == '\n');
	}
}

enum exit_code stages_stage(const struct stages_work *work, enum stage stage)
{
	AUTO(progress) progress = {.work = work, .which = stage, .started_ns = clock_now()};
	struct err err;

	log_mask_load(work->secrets_fd);
	results_stage_init(&progress.result, stage);
	run_wanted(&progress);
	progress.result.seconds = (double)clock_elapsed_ms(progress.started_ns) / 1000;
	plan_hold_budget(&progress.plan, &progress.result);
	/* A step of Drone's says it; of a run of all stages it would be noise. */
	if (work->run->step.build || progress.plan.stages[stage].is_wanted ||
	    progress.result.outcome != OUTCOME_NOT_RUN)
		say_end(&progress);
	if (handover_save_stage(work->run, &progress.result, &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_OURS;
	}
	if (stage == STAGE_INSTALL && progress.result.outcome == OUTCOME_PASS)
		picture_take(work, progress.suite.picture);
	/* What is told and never counted makes no step red. */
	return stage == STAGE_ROLLBACK && progress.result.outcome == OUTCOME_FAIL
		   ? EXIT_PASSED
		   : exit_of_outcome(progress.result.outcome);
}

enum exit_code stages_look(const struct stages_work *work)
{
	AUTO(progress) progress = {.work = work, .which = STAGE_INSTALL, .started_ns = clock_now()};
	struct err err;

	log_mask_load(work->secrets_fd);
	results_stage_init(&progress.result, STAGE_INSTALL);
	if (handover_load_plan(work->run, &progress.plan, &err) < 0 ||
	    open_tools(&progress, &err) < 0)
		progress_conclude(&progress, OUTCOME_ERROR, "%s", err.msg);
	else
		progress_look(&progress);
	if (progress.result.outcome == OUTCOME_PASS)
		return EXIT_PASSED;
	progress_say(&progress, progress.result.reason);
	return EXIT_OURS;
}
