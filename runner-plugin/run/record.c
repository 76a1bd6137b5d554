/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/record.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/junit.h"
#include "common/log.h"
#include "common/since.h"
#include "common/version.h"
#include "runner-plugin/run/canonical.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/prepared.h"

#include <limits.h>

#define NO_RUN "none"
#define IMAGES_MAX_BYTES (256 * 1024)

int record_stage(const struct run *run, enum stage stage, enum outcome outcome, const char *reason,
    double seconds, struct err *err)
{
	AUTO(results_stage) result;

	results_stage_init(&result, stage);
	if (handover_has_stage(run, stage))
		return 0;
	result.outcome = outcome;
	result.seconds = seconds;
	results_set(&result.reason, reason);
	return handover_save_stage(run, &result, err);
}

/* --- what there is --- */

/* Whoever is about to say how a run came out. */
static void collect_teller(int64_t started_s, struct results *out)
{
	char started[CLOCK_RFC3339_SIZE];
	char host[HOST_NAME_MAX + 1] = "";

	(void)gethostname(host, sizeof(host) - 1);
	clock_format_rfc3339(started_s, started);
	results_set(&out->host, host);
	results_set(&out->started, started);
	results_set(&out->ccci, CCCI_VERSION);
}

/* What was asked for, and by which build: by it who asked knows that the results are meant. */
static void collect_asked(
    const struct params *params, const struct run_step *step, struct results *out)
{
	results_set(&out->recipe, params->recipe);
	results_set(&out->src, params->src);
	out->pr = params->pr;
	results_set(&out->ref, params->ref);
	results_set(&out->suite_ref, params->suite_ref);
	out->comment = params->comment;
	out->build = step->build;
}

static void collect_run(const struct run *run, struct results *out)
{
	collect_teller(run->started_s, out);
	collect_asked(&run->params, &run->step, out);
	results_set(&out->id, run->id);
	results_set(&out->domain, run->domain);
}

static void collect_plan(const struct plan *plan, struct results *out)
{
	results_set(&out->ref, plan->head_commit);
	results_set(&out->head_version, plan->head_version);
	const struct plan_base *base = plan_base(plan);
	if (base) {
		results_set(&out->base_version, base->version);
		results_set(&out->base_why, base->why);
	} else if (*plan->broken) {
		auto_str char *why = xasprintf("base broken: %s", plan->broken);

		results_set(&out->base_why, why);
	}
	for (size_t i = 0; i < plan->rejected_count; i++)
		results_add_rejected(out, plan->rejected[i].version, plan->rejected[i].why);
}

static int count_deploys(const struct results_stage *stage)
{
	int count = 0;

	for (size_t i = 0; i < stage->phase_count; i++)
		count += text_starts(stage->phases[i].name, "deploy");
	return count;
}

/* A wanted stage without a file was not come to. */
static void collect_stage(
    const struct run *run, enum stage which, const struct plan *plan, struct results *out)
{
	AUTO(results_stage) stage = {0};
	const struct plan_stage *planned = plan ? &plan->stages[which] : NULL;
	struct err err;

	if (planned && !planned->is_wanted)
		return;
	if (handover_load_stage(run, which, &stage, &err) < 0) {
		if (!planned && err.code == ERR_MISSING)
			return;
		results_stage_init(&stage, which);
		stage.outcome = err.code == ERR_MISSING ? OUTCOME_NOT_RUN : OUTCOME_ERROR;
		results_set(&stage.reason, err.code != ERR_MISSING ? err.msg
					   : planned && planned->not_run
					       ? planned->not_run
					       : "the run ended before it");
	}
	out->deploys += count_deploys(&stage);
	results_take_stage(out, &stage);
}

static void collect_prepared(const struct prepared *prepared, struct results *out)
{
	results_set(&out->abra, prepared->abra);
	results_set(&out->suite, prepared->suite);
	results_set(&out->suite_hash, prepared->suite_hash);
	results_set(&out->recipe_tests_hash, prepared->recipe_tests_hash);
	for (size_t i = 0; i < prepared->allowed.count; i++) {
		const struct results_allowed *allowed = &prepared->allowed.items[i];

		results_allowed_add(&out->allowed, allowed->service, allowed->what, allowed->word);
	}
	for (size_t i = 0; i < prepared->image_count; i++)
		results_add_image(out, prepared->images[i].name, prepared->images[i].value);
	for (size_t i = 0; i < prepared->need_count; i++)
		if (prepared->needs[i].is_given)
			results_add_shared(
			    out, prepared->needs[i].recipe, prepared->needs[i].shared);
	for (size_t i = 0; i < prepared->tag_count; i++)
		results_add_tag(out, prepared->tags[i].name, prepared->tags[i].value);
}

/* One that cannot be read is none: it decides nothing. */
static void collect_picture(const struct run *run, struct results *out)
{
	AUTO(handover_picture) picture = {0};
	struct err err;

	if (handover_load_picture(run, &picture, &err) == 0)
		handover_tell_picture(&picture, out);
	else if (err.code != ERR_MISSING)
		results_set(&out->picture_why_not, err.msg);
}

int record_collect(const struct run *run, struct results *out, struct err *err)
{
	AUTO(plan) plan = {0};
	AUTO(prepared) prepared = {0};
	struct err why;

	collect_run(run, out);
	bool has_plan = handover_load_plan(run, &plan, &why) == 0;
	if (!has_plan && why.code != ERR_MISSING) {
		*err = why;
		return -1;
	}
	if (has_plan)
		collect_plan(&plan, out);
	if (prepared_load(run, &prepared, &why) == 0)
		collect_prepared(&prepared, out);
	collect_picture(run, out);
	for (int i = 0; i < STAGE_COUNT; i++)
		collect_stage(run, (enum stage)i, has_plan ? &plan : NULL, out);
	return 0;
}

void record_nothing(
    const char *const *environ, const char *default_org, const char *reason, struct results *out)
{
	struct params params;
	struct run_step step;
	struct err
	    ignored; /* a build that nobody of ours asked for: nobody looks for its results */

	results_init(out);
	collect_teller(clock_wall_s(), out);
	if (params_read(environ, default_org, &params, &ignored) == 0 &&
	    run_step_read(environ, &step, &ignored) == 0)
		collect_asked(&params, &step, out);
	results_set(&out->id, NO_RUN);
	results_set(&out->reason, reason);
	out->verdict = VERDICT_CI_ERROR;
}

/* --- what it comes to --- */

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
	if (results->verdict == VERDICT_PASSED) /* whatever a lint or a rollback came to */
		return;
	for (size_t i = 0; i < results->stage_count; i++) {
		const struct results_stage *stage = &results->stages[i];

		if (!decides(stage->outcome) || stage->stage == STAGE_ROLLBACK)
			continue;
		auto_str char *reason = results_stage_reason(stage);
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
	AUTO(plan) plan = {0};
	struct err ignored; /* no plan: prepare failed, and says so in the first stage */

	if (handover_load_plan(run, &plan, &ignored) < 0)
		return;
	for (size_t i = 0; i < results->stage_count; i++) {
		struct results_stage *stage = &results->stages[i];

		if (decides(stage->outcome)) /* what comes after it is pointless */
			return;
		if (stage->outcome != OUTCOME_NOT_RUN || !plan_runs(&plan, stage->stage) ||
		    handover_has_stage(run, stage->stage))
			continue;
		stage->outcome = OUTCOME_UNVERIFIED;
		results_set(&stage->reason, "no step of the build asked for it");
	}
}

static void add_verdict(struct results *results, enum run_end end)
{
	struct verdict_facts facts = {.end = end, .is_clean = results->is_clean};

	for (size_t i = 0; i < results->stage_count; i++) {
		facts.stages[results->stages[i].stage].is_known = true;
		facts.stages[results->stages[i].stage].outcome = results->stages[i].outcome;
	}
	struct verdict verdict = verdict_judge(&facts);
	results->verdict = verdict.class;
	results->level = verdict.level;
}

/* By the wall clock, as the run may have outlived a boot: one that was set meanwhile says nonsense.
 */
static double count_seconds(const struct run *run)
{
	double seconds = (double)(clock_wall_s() - run->started_s);

	return seconds >= 0 && seconds <= RESULTS_SECONDS_MAX ? seconds : 0;
}

static int read_results(const char *path, struct results *out, struct err *err)
{
	AUTO(buf) text = {0};

	if (file_read(path, RESULTS_MAX_BYTES, &text, err) < 0)
		return -1;
	if (results_decode(buf_text(&text), text.length, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

static int write_files(const struct run *run, const struct results *results, struct err *err)
{
	auto_str char *text = results_encode(results);
	auto_str char *path = run_path(run, RECORD_RESULTS_FILE);
	auto_str char *junit_path = run_path(run, RECORD_JUNIT_FILE);
	AUTO(buf) junit = buf_make(SIZE_MAX / 2);

	junit_print(results, &junit);
	if (file_write_atomic(junit_path, 0600, buf_text(&junit), junit.length, err) < 0)
		return -1;
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

/* --- what was green before --- */

static char *green_path(const char *state_dir, const char *recipe)
{
	return xasprintf("%s/green/%s.json", state_dir, recipe);
}

/* A run that somebody ended says nothing that is to be explained. */
static bool is_red(enum verdict_class verdict)
{
	switch (verdict) {
	case VERDICT_RECIPE_FAILED:
	case VERDICT_TIMED_OUT:
	case VERDICT_CI_ERROR:
		return true;
	case VERDICT_PASSED:
	case VERDICT_CANCELLED:
	case VERDICT_SUPERSEDED:
	case VERDICT_NOT_RUN:
		break;
	}
	return false;
}

/* Without a last green run, or with one that cannot be read, nothing is said of it. */
static void add_since(const char *state_dir, struct results *results)
{
	auto_str char *path = green_path(state_dir, results->recipe);
	AUTO(results) last = {0};
	struct err err;

	if (read_results(path, &last, &err) == 0)
		since_compare(&last, results);
	else if (err.code != ERR_MISSING)
		log_warning("what was green last: %s", err.msg);
}

int record_write(const struct run *run, const struct record_end *end,
    const struct teardown_result *teardown, const struct record_kept *kept, struct err *err)
{
	AUTO(results) results;
	struct record_end judged = *end;
	struct err why;

	results_init(&results);
	if (record_collect(run, &results, &why) < 0 && judged.end == RUN_COMPLETE)
		judged = (struct record_end){.end = RUN_BROKE, .reason = why.msg};
	results.seconds = count_seconds(run);
	add_teardown(&results, teardown);
	if (kept) {
		results_set(&results.kept_url, kept->url);
		results_set(&results.kept_until, kept->until);
		results_set(&results.kept_why_not, kept->why_not);
	}
	if (judged.end == RUN_COMPLETE)
		find_forgotten(run, &results);
	add_verdict(&results, judged.end);
	add_reason(&results, &judged);
	if (end->state_dir && is_red(results.verdict))
		add_since(end->state_dir, &results);
	return write_files(run, &results, err);
}

int record_teardown(const struct run *run, const struct teardown_result *teardown, struct err *err)
{
	AUTO(results) results = {0};

	if (record_read(run, &results, err) < 0)
		return -1;
	add_teardown(&results, teardown);
	return write_files(run, &results, err);
}

int record_read(const struct run *run, struct results *out, struct err *err)
{
	auto_str char *path = run_path(run, RECORD_RESULTS_FILE);

	return read_results(path, out, err);
}

/* --- and is remembered --- */

static int remember_canonical(
    const struct run *run, const struct results *results, const char *state_dir, struct err *err)
{
	struct canonical_entry entry = {.build = results->build, .when_s = run->started_s};

	/* A label longer than any version is none that could be a base. */
	(void)copy_text(entry.version, sizeof(entry.version), results->head_version);
	(void)copy_text(entry.commit, sizeof(entry.commit), results->ref);
	return canonical_add(state_dir, results->recipe, &entry, err);
}

/* Best effort: an image that prune has removed is pulled again. */
static int remember_images(
    const struct run *run, const char *recipe, const char *state_dir, struct err *err)
{
	auto_str char *from = run_path(run, PREPARED_IMAGES_FILE);
	auto_str char *dir = xasprintf("%s/" RECORD_CANONICAL_IMAGES_DIR, state_dir);
	auto_str char *to = xasprintf("%s/%s", dir, recipe);
	AUTO(buf) text = {0};

	if (file_read(from, IMAGES_MAX_BYTES, &text, err) < 0)
		return err->code == ERR_MISSING ? 0 : -1;
	if (file_make_dirs(dir, 0700, err) < 0)
		return -1;
	return file_write_atomic(to, 0600, buf_text(&text), text.length, err);
}

/* The whole document: what the next red run may want to know of it is in there. */
static int remember_green(const struct results *results, const char *state_dir, struct err *err)
{
	auto_str char *directory = xasprintf("%s/green", state_dir);
	auto_str char *path = green_path(state_dir, results->recipe);
	auto_str char *text = results_encode(results);

	if (file_make_dirs(directory, 0700, err) < 0)
		return -1;
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

int record_remember(const struct run *run, const char *state_dir, struct err *err)
{
	AUTO(results) results = {0};
	AUTO(plan) plan = {0};
	AUTO(prepared) prepared = {0};

	if (record_read(run, &results, err) < 0)
		return -1;
	/* What was judged by suites that are not in force says nothing of the next run. */
	if (results.verdict != VERDICT_PASSED || *results.suite_ref)
		return 0;
	if (handover_load_plan(run, &plan, err) < 0 || prepared_load(run, &prepared, err) < 0)
		return -1;
	if (!plan_is_whole(&plan))
		return 0;
	if (remember_green(&results, state_dir, err) < 0)
		return -1;
	if (!prepared.is_default)
		return 0;
	if (remember_canonical(run, &results, state_dir, err) < 0)
		return -1;
	return remember_images(run, results.recipe, state_dir, err);
}
