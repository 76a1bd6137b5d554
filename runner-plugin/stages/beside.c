/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/beside.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/journal.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/tenant.h"

#define UP_FILE "up" /* in the need's directory, once it has been */

/* One of them, with what a deployment of it takes. */
struct beside {
	const struct prepared_need *need; /* borrowed */
	const struct progress *progress;
	struct run run;
	struct stages_work work; /* its run is the one above */
	struct suite suite;
	struct rendered rendered;
	struct results_stage stage; /* its phases are no deployment of the app's */
	struct deploy deploy;
};

static void beside_release(struct beside *beside)
{
	run_release(&beside->run);
	suite_release(&beside->suite);
	rendered_release(&beside->rendered);
	results_stage_release(&beside->stage);
}
DEFINE_AUTO(beside, beside_release);

int beside_tell(const struct stages_work *work, const struct prepared *prepared,
    struct suite *suite, struct err *err)
{
	struct run runs[NEEDS_MAX] = {0};
	struct needs_place places[NEEDS_MAX];
	char tenant[RUN_TENANT_SIZE];
	int result = 0;

	run_tenant(work->run, tenant);
	assert(prepared->need_count <= NEEDS_MAX);
	for (size_t i = 0; i < prepared->need_count && result == 0; i++) {
		const struct prepared_need *need = &prepared->needs[i];

		result = prepared_open_need(work->settings, work->run, need, &runs[i], err);
		places[i] =
		    (struct needs_place){need->recipe, runs[i].domain, runs[i].stack, tenant};
	}
	for (size_t i = 0; i < suite->env_count && result == 0; i++) {
		char *value = needs_expand(suite->env[i].value, places, prepared->need_count, err);

		if (!value) {
			result = err_prefix(err, "env: %s", suite->env[i].key);
			break;
		}
		free(suite->env[i].value);
		suite->env[i].value = value;
	}
	for (size_t i = 0; i < prepared->need_count; i++)
		run_release(&runs[i]);
	return result;
}

static void say(void *context, const char *line)
{
	const struct beside *beside = context;
	auto_str char *text = xasprintf("%s: %s", beside->need->recipe, line);

	progress_show((void *)(uintptr_t)beside->progress, text);
}

static int open_beside(struct progress *progress, const struct prepared_need *need,
    struct beside *beside, struct err *err)
{
	beside->need = need;
	beside->progress = progress;
	beside->suite.weight = 1;
	results_stage_init(&beside->stage, progress->which);
	if (prepared_open_need(
		progress->work->settings, progress->work->run, need, &beside->run, err) < 0)
		return -1;
	auto_str char *suite = run_path(&beside->run, "suite");
	beside->work = *progress->work;
	beside->work.run = &beside->run;
	beside->work.local_recipe = NULL;
	if ((file_exists(suite) && suite_read(suite, &beside->suite, err) < 0) ||
	    (!need->is_given && /* what that needs is with it, not with us */
		beside_tell(progress->work, &progress->prepared, &beside->suite, err) < 0) ||
	    render_commit(&beside->work, &beside->suite, need->commit, need->commit,
		&beside->rendered, err) < 0)
		return -1;
	beside->deploy = (struct deploy){
	    .work = &beside->work,
	    .suite = &beside->suite,
	    .engine = progress->engine,
	    .abra = &progress->abra,
	    .stage = &beside->stage,
	    .say = say,
	    .context = beside,
	};
	return 0;
}

/* Whosever fault it is, it is not that of the recipe under test. */
static void conclude_need(
    struct progress *progress, const struct beside *beside, const struct deploy_result *deployed)
{
	const char *recipe = beside->need->recipe;

	progress_take_deploy(progress, deployed);
	if (deployed->end == DEPLOY_CANCELLED)
		return;
	auto_str char *service =
	    *deployed->service ? xasprintf("%s_%s", recipe, deployed->service) : xstrdup("");
	results_set(&progress->result.service, service);
	progress_conclude(progress,
	    deployed->end == DEPLOY_FAILED ? OUTCOME_UNVERIFIED : OUTCOME_ERROR,
	    "the dependency %s did not come up: %s", recipe, deployed->reason);
}

/* In the results: which version it was, and how long it took. */
static void record_need(struct progress *progress, const struct prepared_need *need,
    enum outcome outcome, const char *reason, int64_t started_ns)
{
	auto_str char *name = *need->version
				  ? xasprintf("needs %s %s", need->recipe, need->version)
				  : xasprintf("needs %s at %.8s", need->recipe, need->commit);
	auto_str char *phase = xasprintf("need %s", need->recipe);

	progress_add_phase(progress, phase, started_ns);
	results_stage_add_test(
	    &progress->result, name, outcome, (double)clock_elapsed_ms(started_ns) / 1000, reason);
}

/* --- one that runs share --- */

static bool is_held(const struct progress *progress, const struct prepared_need *need)
{
	auto_str char *dir =
	    xasprintf("%s/runs/%s", progress->work->settings->state_dir, need->shared);

	return lease_is_held(dir);
}

/* Why, it has written down itself. */
static void conclude_not_given(struct progress *progress, const struct prepared_need *need)
{
	AUTO(run) app = {0};
	AUTO(results_stage) result = {0};
	enum outcome outcome = OUTCOME_ERROR;
	const char *why = "it is not well";
	struct err ignored;

	if (!*need->shared) {
		why = "it could not be asked for, see the log of prepare";
	} else if (run_open(progress->work->settings, need->shared, &app, &ignored) == 0 &&
		   handover_load_stage(&app, STAGE_INSTALL, &result, &ignored) == 0 &&
		   result.outcome != OUTCOME_PASS) {
		outcome = result.outcome == OUTCOME_FAIL ? OUTCOME_UNVERIFIED : OUTCOME_ERROR;
		why = result.reason;
	}
	progress_conclude(progress, outcome, "the dependency %s, shared%s%s, did not come up: %s",
	    need->recipe, *need->shared ? " as " : "", need->shared, why);
}

/* -1: concluded. */
static int take_shared(
    struct progress *progress, const struct prepared_need *need, int64_t started_ns)
{
	AUTO(run) app = {0};
	char since[CLOCK_RFC3339_SIZE];
	struct err ignored;

	if (!need->is_given) {
		conclude_not_given(progress, need);
		return -1;
	}
	if (!is_held(progress, need) ||
	    run_open(progress->work->settings, need->shared, &app, &ignored) < 0) {
		progress_conclude(progress, OUTCOME_ERROR,
		    "the dependency %s, shared as %s, is not up any more", need->recipe,
		    need->shared);
		return -1;
	}
	clock_format_rfc3339(app.started_s, since);
	auto_str char *how = xasprintf("shared: %s, started %s", need->shared, since);
	record_need(progress, need, OUTCOME_PASS, how, started_ns);
	return 0;
}

/* --- raising them --- */

static int raise_own(struct progress *progress, const struct beside *beside, int64_t started_ns)
{
	AUTO(deploy_result) deployed = {0};
	bool is_up;

	deploy_run(&beside->deploy, &beside->rendered, "", &deployed);
	is_up = deployed.end == DEPLOY_UP;
	record_need(progress, beside->need, is_up ? OUTCOME_PASS : OUTCOME_UNVERIFIED,
	    deployed.reason, started_ns);
	if (is_up)
		return 0;
	conclude_need(progress, beside, &deployed);
	return -1;
}

static int record_tenant(
    const struct progress *progress, const struct beside *beside, struct err *err)
{
	AUTO(journal_entry) entry = {0};

	if (!beside->need->is_given)
		return 0; /* it goes with the app */
	tenant_entry(&beside->run, beside->need, beside->suite.tenant_release, &entry);
	return journal_record(progress->work->control_fd, &entry, err);
}

/* What the run has to itself in it. -1: concluded; it is no fault of the recipe under test. */
static int seed_tenant(struct progress *progress, const struct beside *beside)
{
	const char *seed = beside->suite.tenant_seed;
	AUTO(script_result) result = {0};
	struct err err;

	if (!seed)
		return 0;
	say((void *)(uintptr_t)beside, seed);
	if (record_tenant(progress, beside, &err) < 0 ||
	    tenant_make(&beside->work, progress->which, seed, beside->need, &result, &err) < 0) {
		progress_conclude(progress, OUTCOME_ERROR, "the dependency %s: %s",
		    beside->need->recipe, err.msg);
		return -1;
	}
	if (result.outcome == OUTCOME_PASS)
		return 0;
	progress_conclude(progress, OUTCOME_UNVERIFIED, "the dependency %s: its suite's %s: %s",
	    beside->need->recipe, seed, result.reason);
	results_stage_set_evidence(&progress->result, "", buf_text(&result.evidence));
	return -1;
}

/* -1: concluded. */
static int raise_one(struct progress *progress, const struct prepared_need *need)
{
	AUTO(beside) beside = {0};
	auto_str char *inside = xasprintf(RUN_NEEDS_DIR "/%s/" UP_FILE, need->recipe);
	auto_str char *up = run_path(progress->work->run, inside);
	int64_t started_ns = clock_now();
	struct err err;

	if (file_exists(up))
		return 0;
	if (*need->shared_key && take_shared(progress, need, started_ns) < 0)
		return -1;
	if (open_beside(progress, need, &beside, &err) < 0) {
		progress_conclude(
		    progress, OUTCOME_ERROR, "the dependency %s: %s", need->recipe, err.msg);
		return -1;
	}
	if ((!need->is_given && raise_own(progress, &beside, started_ns) < 0) ||
	    seed_tenant(progress, &beside) < 0)
		return -1;
	if (file_write_atomic(up, 0600, "", 0, &err) == 0)
		return 0;
	progress_conclude(progress, OUTCOME_ERROR, "%s", err.msg);
	return -1;
}

int beside_raise(struct progress *progress)
{
	for (size_t i = 0; i < progress->prepared.need_count; i++) {
		if (raise_one(progress, &progress->prepared.needs[i]) < 0)
			return -1;
	}
	return 0;
}

/* An engine that does not tell is no excuse either way. */
static bool is_up(struct progress *progress, const struct prepared_need *need)
{
	AUTO(beside) beside = {0};
	bool is_there = true;
	struct err ignored;

	if (need->is_given && !is_held(progress, need))
		return false;
	if (open_beside(progress, need, &beside, &ignored) < 0 ||
	    deploy_find(&beside.deploy, &beside.rendered, &is_there, &ignored) < 0)
		return true;
	return is_there;
}

void beside_excuse(struct progress *progress)
{
	auto_str char *reason = xstrdup(progress->result.reason);

	/* What lint says needs nothing to be up. */
	if (progress->result.outcome != OUTCOME_FAIL || progress->which == STAGE_LINT)
		return;
	for (size_t i = 0; i < progress->prepared.need_count; i++) {
		const struct prepared_need *need = &progress->prepared.needs[i];

		if (is_up(progress, need))
			continue;
		progress_conclude(progress, OUTCOME_UNVERIFIED,
		    "the dependency %s is not up any more: %s", need->recipe, reason);
		return;
	}
}
