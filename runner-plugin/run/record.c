/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/record.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/version.h"
#include "runner-plugin/recipe/plan.h"
#include "runner-plugin/run/junit.h"
#include "runner-plugin/stages/stages.h"

#include <limits.h>

#define RESULTS_FILE "results.json"
#define PLAN_MAX_BYTES (1024 * 1024) /* hundreds of rejected versions */

static char *stage_path(const struct run *run, enum stage stage)
{
	auto_str char *name = xasprintf("stage-%s.json", stage_word(stage));

	return run_path(run, name);
}

int record_stage(const struct run *run, enum stage stage, enum outcome outcome, const char *reason,
    double seconds, struct err *err)
{
	auto_str char *path = stage_path(run, stage);
	AUTO(results_stage) result;

	results_stage_init(&result, stage);
	if (file_exists(path))
		return 0;
	result.outcome = outcome;
	result.seconds = seconds;
	results_set(&result.reason, reason);
	return stages_write(run, &result, err);
}

/* What is known of a run without any of its files. */
static void fill_from_run(const struct run *run, struct results *out)
{
	char started[CLOCK_RFC3339_SIZE];
	char host[HOST_NAME_MAX + 1] = "";

	(void)gethostname(host, sizeof(host) - 1);
	clock_format_rfc3339(run->started_s, started);
	results_set(&out->id, run->id);
	results_set(&out->recipe, run->params.recipe);
	results_set(&out->src, run->params.src);
	results_set(&out->ref, run->params.ref);
	results_set(&out->domain, run->domain);
	results_set(&out->host, host);
	results_set(&out->started, started);
	results_set(&out->ccci, CCCI_VERSION);
	out->build = run->step.build;
	out->pr = run->params.pr;
	out->comment = run->params.comment;
}

static void add_teardown(struct results *results, const struct teardown_result *teardown)
{
	results->is_clean = teardown->left.count == 0;
	results->teardown_seconds = (double)teardown->elapsed_ms / 1000;
	for (size_t i = 0; i < teardown->left.count; i++)
		results_add_left(results, teardown->left.items[i]);
}

static bool decides(enum outcome outcome)
{
	return outcome == OUTCOME_FAIL || outcome == OUTCOME_ERROR || outcome == OUTCOME_UNVERIFIED;
}

/* The first stage that was not good says why; a run that ended otherwise has its own reason. */
static void add_reason(struct results *results, const struct record_end *end)
{
	if (end->reason) {
		results_set(&results->reason, end->reason);
		return;
	}
	for (size_t i = 0; i < results->stage_count; i++) {
		const struct results_stage *stage = &results->stages[i];

		if (!decides(stage->outcome))
			continue;
		auto_str char *reason =
		    xasprintf("%s: %s", stage_word(stage->stage), stage->reason);
		results_set(&results->reason, reason);
		return;
	}
}

/*
 * A stage that the plan has and that nobody asked for, in a build that went to its end: a step is
 * missing in .drone.yml. That must not look like a recipe that needs no such stage.
 */
static void find_forgotten(const struct run *run, struct results *results)
{
	auto_str char *path = run_path(run, "plan.json");
	AUTO(buf) text = {0};
	AUTO(plan) plan = {0};
	struct err ignored; /* no plan: prepare failed, and says so in the first stage */

	if (file_read(path, PLAN_MAX_BYTES, &text, &ignored) < 0)
		return;
	AUTO_PTR(json) json = json_parse(buf_text(&text), text.length, &ignored);
	if (!json || plan_decode(json, &plan, &ignored) < 0)
		return;
	for (size_t i = 0; i < results->stage_count; i++) {
		struct results_stage *stage = &results->stages[i];
		const struct plan_stage *planned = &plan.stages[stage->stage];
		auto_str char *file = stage_path(run, stage->stage);

		if (decides(stage->outcome)) /* what comes after it is pointless */
			return;
		if (stage->outcome != OUTCOME_NOT_RUN || !planned->is_wanted || planned->not_run ||
		    file_exists(file))
			continue;
		stage->outcome = OUTCOME_UNVERIFIED;
		results_set(&stage->reason, "no step of the build asked for it");
	}
}

static void judge(struct results *results, enum run_end end)
{
	struct verdict_facts facts = {.end = end};

	for (size_t i = 0; i < results->stage_count; i++) {
		facts.stages[results->stages[i].stage].is_known = true;
		facts.stages[results->stages[i].stage].outcome = results->stages[i].outcome;
	}
	struct verdict verdict = verdict_judge(&facts);
	results->verdict = verdict.class;
	results->level = verdict.level;
}

static int write_files(const struct run *run, const struct results *results, struct err *err)
{
	auto_str char *text = results_encode(results);
	auto_str char *path = run_path(run, RESULTS_FILE);
	auto_str char *junit_path = run_path(run, "junit.xml");
	AUTO(buf) junit = buf_make(SIZE_MAX / 2);

	junit_print(results, &junit);
	if (file_write_atomic(junit_path, 0600, buf_text(&junit), junit.length, err) < 0)
		return -1;
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

int record_write(const struct run *run, const struct record_end *end,
    const struct teardown_result *teardown, struct err *err)
{
	AUTO(results) results;
	struct record_end judged = *end;
	struct err why;

	results_init(&results);
	if (stages_collect(run, &results, &why) < 0) {
		results_release(&results);
		results_init(&results);
		fill_from_run(run, &results);
		if (judged.end == RUN_COMPLETE)
			judged = (struct record_end){.end = RUN_BROKE, .reason = why.msg};
	}
	int64_t seconds = clock_wall_s() - run->started_s;
	results.seconds = seconds > 0 ? (double)seconds : 0;
	add_teardown(&results, teardown);
	if (judged.end == RUN_COMPLETE)
		find_forgotten(run, &results);
	judge(&results, judged.end);
	add_reason(&results, &judged);
	return write_files(run, &results, err);
}

int record_read(const struct run *run, struct results *out, struct err *err)
{
	auto_str char *path = run_path(run, RESULTS_FILE);
	AUTO(buf) text = {0};

	if (file_read(path, RESULTS_MAX_BYTES, &text, err) < 0)
		return -1;
	if (results_decode(buf_text(&text), text.length, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}
