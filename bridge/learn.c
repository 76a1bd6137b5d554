/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/learn.h"

#include "common/clock.h"

#define CLAIM_SHOWN_BYTES 100
#define DROPPED_AFTER_S 300   /* a runner begins a stage within a second of taking it */
#define FORGOTTEN_AFTER_S 300 /* and takes the next one within a second of ending one */

static enum reply_step_state step_state(enum build_status status)
{
	switch (status) {
	case BUILD_PENDING:
	case BUILD_WAITING:
	case BUILD_BLOCKED:
	case BUILD_CREATED:
	case BUILD_UNKNOWN:
		return REPLY_STEP_WAITING;
	case BUILD_RUNNING:
		return REPLY_STEP_RUNNING;
	case BUILD_SUCCESS:
		return REPLY_STEP_PASSED;
	case BUILD_FAILURE:
		return REPLY_STEP_FAILED;
	case BUILD_SKIPPED:
		return REPLY_STEP_SKIPPED;
	case BUILD_ERROR:
	case BUILD_KILLED:
	case BUILD_DECLINED:
		return REPLY_STEP_ENDED;
	}
	return REPLY_STEP_WAITING;
}

static bool is_for_people(const struct build_step *step)
{
	return !text_is(step->name, "clone") && !text_is(step->name, LEARN_REPORT_STEP);
}

size_t learn_steps(const struct build *build, struct reply_step out[LEARN_STEPS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < build->stage_count; i++) {
		const struct build_stage *stage = &build->stages[i];

		for (size_t k = 0; k < stage->step_count && count < LEARN_STEPS_MAX; k++) {
			const struct build_step *step = &stage->steps[k];

			if (!is_for_people(step))
				continue;
			out[count] = (struct reply_step){.state = step_state(step->status)};
			copy_head(out[count].name, sizeof(out[count].name), step->name);
			if (step->started_s && step->stopped_s > step->started_s)
				out[count].seconds = step->stopped_s - step->started_s;
			out[count].started_s = step->started_s;
			count++;
		}
	}
	return count;
}

enum learn_origin learn_origin(const struct build *build, const struct job *asked)
{
	if (!build->params.pr || !build->params.recipe[0] || (build->params.comment && !asked))
		return LEARN_ORIGIN_OURS;
	if (!asked)
		return LEARN_ORIGIN_BY_HAND;
	if (asked->state == JOB_HEARD || asked->state == JOB_ASKED)
		return LEARN_ORIGIN_UNKNOWN;
	return build->number == asked->first_build || build->number <= asked->build
		   ? LEARN_ORIGIN_OURS
		   : LEARN_ORIGIN_BY_HAND;
}

size_t learn_ahead(
    const struct builds *builds, int64_t number, const struct build *out[LEARN_AHEAD_MAX])
{
	size_t count = 0;

	for (size_t i = builds->count; i > 0 && count < LEARN_AHEAD_MAX; i--) {
		const struct build *build = &builds->items[i - 1];

		if (build->number < number && !build_status_is_over(build->status) &&
		    build->status != BUILD_BLOCKED && build->status != BUILD_CREATED)
			out[count++] = build;
	}
	return count;
}

static int64_t *find_soonest(int64_t *free_s, size_t count)
{
	int64_t *soonest = free_s;

	for (size_t i = 1; i < count; i++) {
		if (free_s[i] < *soonest)
			soonest = &free_s[i];
	}
	return soonest;
}

int64_t learn_wait_s(const struct learn_turn *turns, size_t count)
{
	int64_t free_s[LEARN_AHEAD_MAX] = {1}; /* when each runner has nothing more to do */
	size_t runners = 0;

	assert(count <= LEARN_AHEAD_MAX);
	for (size_t i = 0; i < count; i++) {
		int64_t left_s = turns[i].usual_s - turns[i].running_s;

		if (!turns[i].usual_s)
			return 0;
		if (turns[i].running_s >= 0)
			free_s[runners++] = left_s > 0 ? left_s : 1;
	}
	if (!runners)
		runners = 1; /* between two builds */
	for (size_t i = 0; i < count; i++) {
		if (turns[i].running_s < 0)
			*find_soonest(free_s, runners) += turns[i].usual_s;
	}
	return *find_soonest(free_s, runners);
}

bool learn_was_dropped(const struct build *build, int64_t now_s)
{
	if (build->status != BUILD_PENDING || now_s - build->created_s < DROPPED_AFTER_S)
		return false;
	for (size_t i = 0; i < build->stage_count; i++) {
		if (build->stages[i].machine[0] && !build->stages[i].step_count)
			return true;
	}
	return false;
}

bool learn_was_forgotten(const struct builds *builds, int64_t number, int64_t now_s)
{
	bool is_pending = false, is_overtaken = false;

	for (size_t i = 0; i < builds->count; i++) {
		const struct build *build = &builds->items[i];
		bool has_run = build->status == BUILD_SUCCESS || build->status == BUILD_FAILURE;

		if (build->status == BUILD_RUNNING || now_s - build->finished_s < FORGOTTEN_AFTER_S)
			return false;
		if (build->number > number && build->params.comment)
			is_overtaken |= has_run;
		if (build->number == number)
			is_pending = build->status == BUILD_PENDING;
	}
	return is_pending && is_overtaken;
}

void learn_end_unmade(struct build *build)
{
	if (build->status != BUILD_CREATED)
		return;
	build->status = BUILD_ERROR;
	build->is_error_passing = true;
	(void)copy_text(
	    build->error, sizeof(build->error), "it was stopped while it was making it");
}

const struct build *learn_find(const struct builds *builds, const struct job *job)
{
	const struct build *found = NULL;

	/* A build that a person starts again in the server carries the same parameters: ours is
	 * older. A second try is younger than the first. */
	for (size_t i = 0; i < builds->count; i++) {
		const struct build *build = &builds->items[i];

		if (build->number > job->first_build && build->params.comment == job->comment &&
		    text_is(build->params.recipe, job_recipe(job)) &&
		    (!found || build->number < found->number))
			found = build;
	}
	return found;
}

void learnt_release(struct learnt *learnt)
{
	free(learnt->results);
	buf_release(&learnt->picture);
	*learnt = (struct learnt){0};
}

PRINTF_LIKE(3, 4)
static void set_verdict(struct learnt *out, enum verdict_class verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(out->reason, sizeof(out->reason), format, args) < 0)
		out->reason[0] = '\0';
	va_end(args);
	out->event =
	    (struct job_event){.kind = JOB_EVENT_JUDGED, .verdict = verdict, .reason = out->reason};
}

/* The step in which a build was ended from outside. */
static const struct build_step *ended_step(const struct build *build)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		for (size_t k = 0; k < build->stages[i].step_count; k++) {
			if (build->stages[i].steps[k].status == BUILD_KILLED)
				return &build->stages[i].steps[k];
		}
	}
	return NULL;
}

static const struct build_step *failed_step(const struct build *build)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		for (size_t k = 0; k < build->stages[i].step_count; k++) {
			enum build_status status = build->stages[i].steps[k].status;

			if (status == BUILD_FAILURE || status == BUILD_ERROR)
				return &build->stages[i].steps[k];
		}
	}
	return NULL;
}

/* Where the server does not say it, only how long the build ran tells a timeout from a cancel. */
static enum build_ender find_ender(const struct build *build, int64_t timeout_s)
{
	bool has_run = build->started_s > 0 && build->finished_s > build->started_s;

	if (build->ender != BUILD_ENDER_UNKNOWN)
		return build->ender;
	return has_run && timeout_s > 0 && build->finished_s - build->started_s >= timeout_s - 1
		   ? BUILD_ENDER_TIMEOUT
		   : BUILD_ENDER_PERSON;
}

static void judge_killed(const struct build *build, int64_t timeout_s, struct learnt *out)
{
	const struct build_step *step = ended_step(build);
	const char *in = step ? ", in step " : "";
	const char *name = step ? step->name : "";
	char limit[CLOCK_DURATION_SIZE] = "";

	switch (find_ender(build, timeout_s)) {
	case BUILD_ENDER_TIMEOUT:
		if (timeout_s > 0)
			clock_format_duration(timeout_s * 1000, limit);
		set_verdict(out, VERDICT_TIMED_OUT, "%s ended the build after its limit%s%s%s%s.",
		    build->server, *limit ? " of " : "", limit, in, name);
		return;
	case BUILD_ENDER_RUNNER:
		set_verdict(out, VERDICT_CI_ERROR,
		    "%s ended the build, and nobody had cancelled it: its agent was stopped.",
		    build->server);
		return;
	case BUILD_ENDER_PERSON:
	case BUILD_ENDER_UNKNOWN:
		set_verdict(out, VERDICT_CANCELLED, "The build was cancelled in %s%s%s.",
		    build->server, in, name);
		return;
	}
}

static const char *error_of(const struct build *build)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		if (build->stages[i].error[0])
			return build->stages[i].error;
	}
	return build->error[0] ? build->error : "no reason given";
}

static void judge_by_build(const struct build *build, const struct job *job, int64_t timeout_s,
    const char *missing, struct learnt *out)
{
	const struct build_step *failed = failed_step(build);

	if (job->has_verdict)
		set_verdict(out, job->verdict, "%s", job->reason);
	else if (build->status == BUILD_KILLED)
		judge_killed(build, timeout_s, out);
	else if (build->status == BUILD_ERROR)
		set_verdict(out, VERDICT_CI_ERROR, "%s could not run the build: %s.", build->server,
		    error_of(build));
	else if (failed && !text_is(failed->name, LEARN_REPORT_STEP))
		set_verdict(out, VERDICT_CI_ERROR,
		    "The build ended without a report: step %s failed.", failed->name);
	else
		set_verdict(
		    out, VERDICT_CI_ERROR, "The build ended without a report: %s.", missing);
}

/* One thing that a report says it is about, and what the job is about. */
struct claim {
	const char *what;
	const char *theirs, *ours;
	int64_t their_id, our_id; /* of what has a number instead */
	bool is_open;		  /* we asked for nothing certain */
};

static bool holds(const struct claim *claim)
{
	return claim->is_open  ? true
	       : claim->theirs ? text_is(claim->theirs, claim->ours)
			       : claim->their_id == claim->our_id;
}

static void judge_false(const struct claim *claim, const char *whose, struct learnt *out)
{
	auto_str char *their_number = xasprintf("%lld", (long long)claim->their_id);
	auto_str char *our_number = xasprintf("%lld", (long long)claim->our_id);
	const char *theirs = claim->theirs ? claim->theirs : their_number;
	const char *ours = claim->theirs ? claim->ours : our_number;

	if (claim->theirs ? !theirs[0] : !claim->their_id)
		set_verdict(out, VERDICT_CI_ERROR,
		    "The build's report names no %s: what it says is not about this %s.",
		    claim->what, whose);
	else
		set_verdict(out, VERDICT_CI_ERROR,
		    "The build's report is about %s `%.*s` and not about `%s`: what it says is not "
		    "about this %s.",
		    claim->what, (int)text_head(theirs, CLAIM_SHOWN_BYTES), theirs, ours, whose);
}

/* A verdict is believed only when all that it claims is the job's; else the first that is not. */
static bool is_about(const struct results *results, const struct job *job, struct learnt *out)
{
	const struct claim claims[] = {
	    {.what = "recipe", .theirs = results->recipe, .ours = job_recipe(job)},
	    {.what = "repository", .theirs = results->src, .ours = job->repo},
	    {.what = "pull request", .their_id = results->pr, .our_id = job->pr},
	    {.what = "commit",
		.theirs = results->ref,
		.ours = job->ref,
		.is_open = job_is_by_hand(job) && !job->ref[0]},
	    {.what = "comment",
		.their_id = results->comment,
		.our_id = job->comment,
		.is_open = job_is_by_hand(job)},
	    {.what = "build", .their_id = results->build, .our_id = job->build},
	    {.what = "commit of the suites", .theirs = results->suite_ref, .ours = job->suite_ref},
	};

	for (size_t i = 0; i < COUNT_OF(claims); i++) {
		if (holds(&claims[i]))
			continue;
		judge_false(&claims[i], job->pr ? "pull request" : "run", out);
		return false;
	}
	return true;
}

static void judge_by_results(const struct results *results, struct learnt *out)
{
	set_verdict(out, results->verdict, "%s", results->reason);
	out->event.level = results->level;
	out->results = results_encode(results);
	copy_head(out->head_version, sizeof(out->head_version), results->head_version);
	copy_head(out->base_version, sizeof(out->base_version), results->base_version);
	out->event.results = out->results;
	out->event.head_version = out->head_version;
	out->event.base_version = out->base_version;
}

/* Nothing went wrong, and yet a claim stays without its proof: a second run would have no better
 * one. */
static bool only_lacks_proof(const struct results *results)
{
	bool has_unverified = false;

	for (size_t i = 0; i < results->stage_count; i++) {
		if (results->stages[i].outcome == OUTCOME_ERROR)
			return false;
		has_unverified |= results->stages[i].outcome == OUTCOME_UNVERIFIED;
	}
	return has_unverified;
}

bool learn_has_report(const struct buf *log)
{
	AUTO(results) results = {0};
	struct err ignored;

	return results_find(buf_text(log), log->length, &results, &ignored) == 0;
}

void learn_end(const struct build *build, const struct buf *log, const struct job *job,
    int64_t timeout_s, struct learnt *out)
{
	AUTO(results) results = {0};
	struct err err;

	*out = (struct learnt){0};
	if (!log)
		judge_by_build(build, job, timeout_s, "it has no log of a step named report", out);
	else if (results_find(buf_text(log), log->length, &results, &err) < 0)
		judge_by_build(build, job, timeout_s, err.msg, out);
	else if (is_about(&results, job, out)) {
		judge_by_results(&results, out);
		(void)!results_find_picture(&results, buf_text(log), log->length, &out->picture);
	}
	bool is_final = build->status == BUILD_ERROR && !build->is_error_passing;
	if (out->event.verdict == VERDICT_CI_ERROR && !is_final && job_may_try_again(job) &&
	    !only_lacks_proof(&results))
		out->event = (struct job_event){.kind = JOB_EVENT_ERRED, .reason = out->reason};
}
