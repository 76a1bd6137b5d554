/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/job.h"

#define BIT(effect) (1U << (effect))
#define ACCEPTED (BIT(JOB_EFFECT_REACT) | BIT(JOB_EFFECT_REPLY) | BIT(JOB_EFFECT_BUILD))

static const char *const state_words[JOB_STATE_COUNT] = {
    "heard", "refused", "asked", "queued", "running", "stopping", "ended", "judged", "answered"};
static const char *const event_words[JOB_EVENT_COUNT] = {"allowed", "refused", "ignored", "found",
    "created", "unbuildable", "started", "ended", "judged", "erred", "withdrawn", "lost", "told",
    "outdated"};
static const char *const effect_words[JOB_EFFECT_COUNT] = {"react", "reply", "build", "delete"};

/*
 * Every move there is; docs/architecture.md draws it. An event that a state has no use for leaves
 * it where it is: the CI server's list is read again and again, and a build can be seen to end
 * before it was seen to start.
 */
static const struct {
	enum job_state from;
	enum job_event_kind event;
	struct job_move move;
} moves[] = {
    {JOB_HEARD, JOB_EVENT_ALLOWED, {JOB_ASKED, ACCEPTED}},
    {JOB_HEARD, JOB_EVENT_REFUSED, {JOB_REFUSED, BIT(JOB_EFFECT_REPLY)}},
    {JOB_HEARD, JOB_EVENT_IGNORED, {JOB_ANSWERED, 0}},
    {JOB_HEARD, JOB_EVENT_FOUND, {JOB_QUEUED, BIT(JOB_EFFECT_REPLY)}},
    {JOB_REFUSED, JOB_EVENT_IGNORED, {JOB_ANSWERED, 0}},
    {JOB_REFUSED, JOB_EVENT_TOLD, {JOB_ANSWERED, 0}},
    {JOB_ASKED, JOB_EVENT_CREATED, {JOB_QUEUED, 0}},
    {JOB_ASKED, JOB_EVENT_UNBUILDABLE, {JOB_JUDGED, 0}},
    {JOB_ASKED, JOB_EVENT_WITHDRAWN, {JOB_JUDGED, 0}},
    {JOB_QUEUED, JOB_EVENT_STARTED, {JOB_RUNNING, 0}},
    {JOB_QUEUED, JOB_EVENT_ENDED, {JOB_ENDED, 0}},
    {JOB_QUEUED, JOB_EVENT_LOST, {JOB_JUDGED, 0}},
    {JOB_RUNNING, JOB_EVENT_ENDED, {JOB_ENDED, 0}},
    {JOB_RUNNING, JOB_EVENT_LOST, {JOB_JUDGED, 0}},
    {JOB_QUEUED, JOB_EVENT_WITHDRAWN, {JOB_STOPPING, BIT(JOB_EFFECT_DELETE)}},
    {JOB_RUNNING, JOB_EVENT_WITHDRAWN, {JOB_STOPPING, BIT(JOB_EFFECT_DELETE)}},
    {JOB_STOPPING, JOB_EVENT_ENDED, {JOB_ENDED, 0}},
    {JOB_STOPPING, JOB_EVENT_LOST, {JOB_JUDGED, 0}},
    {JOB_ENDED, JOB_EVENT_JUDGED, {JOB_JUDGED, 0}},
    {JOB_ENDED, JOB_EVENT_ERRED, {JOB_ASKED, BIT(JOB_EFFECT_BUILD)}},
    {JOB_ENDED, JOB_EVENT_LOST, {JOB_JUDGED, 0}},
    {JOB_JUDGED, JOB_EVENT_TOLD, {JOB_ANSWERED, 0}},
    {JOB_ANSWERED, JOB_EVENT_OUTDATED, {JOB_JUDGED, 0}},
};

struct job_move job_step(enum job_state state, enum job_event_kind event)
{
	for (size_t i = 0; i < COUNT_OF(moves); i++) {
		if (moves[i].from == state && moves[i].event == event)
			return moves[i].move;
	}
	return (struct job_move){state, 0};
}

static void take_text(char *out, size_t out_size, const char *text)
{
	if (text)
		copy_head(out, out_size, text);
}

static void take_data(struct job *job, const struct job_event *event)
{
	if (event->build)
		job->build = event->build;
	take_text(job->reason, sizeof(job->reason), event->reason);
	take_text(job->head_version, sizeof(job->head_version), event->head_version);
	take_text(job->base_version, sizeof(job->base_version), event->base_version);
	if (event->results) {
		free(job->results);
		job->results = xstrdup(event->results);
	}
}

/* What a build that never said anything is worth: our side's failure, never the recipe's. */
static void take_verdict(struct job *job, const struct job_event *event)
{
	bool is_told = event->kind == JOB_EVENT_JUDGED || event->kind == JOB_EVENT_WITHDRAWN;

	job->has_verdict = true;
	job->verdict = is_told ? event->verdict : VERDICT_CI_ERROR;
	job->level = is_told ? event->level : 0;
}

/* How a build is lost that nobody wants any more says nothing. */
static bool keeps_verdict(const struct job *job, const struct job_event *event)
{
	return event->kind == JOB_EVENT_OUTDATED ||
	       (event->kind == JOB_EVENT_LOST && job->has_verdict);
}

/* Only an answer with a verdict can shrink, and only once; a second try has no third. */
static bool is_possible(const struct job *job, const struct job_event *event)
{
	if (event->kind == JOB_EVENT_OUTDATED)
		return job->has_verdict && !job->is_shrunk;
	if (event->kind == JOB_EVENT_WITHDRAWN && job->state == JOB_ASKED)
		return job_is_held(job);
	return event->kind != JOB_EVENT_ERRED || job_may_try_again(job);
}

/* From here on the job is about a build that is still to be made. */
static void begin_again(struct job *job)
{
	job->first_build = job->build;
	(void)copy_text(job->first_reason, sizeof(job->first_reason), job->reason);
	job->reason[0] = '\0';
	job->build = job->started_s = job->ended_s = 0;
	job->effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_NONE;
}

bool job_apply(struct job *job, const struct job_event *event, int64_t now_s)
{
	struct job_move move = job_step(job->state, event->kind);

	if (move.next == job->state || !is_possible(job, event))
		return false;
	bool keeps = keeps_verdict(job, event);
	if (event->kind == JOB_EVENT_WITHDRAWN && job->state == JOB_ASKED)
		job->effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_DONE; /* nobody asks any more */
	job->state = move.next;
	job->moved_s = now_s;
	if (!keeps)
		take_data(job, event);
	if (event->kind == JOB_EVENT_ERRED)
		begin_again(job);
	if (job_is_auto(job) || job_is_nightly(job))
		job->effects[JOB_EFFECT_REACT].state = JOB_EFFECT_DONE; /* to no comment */
	if (job_is_nightly(job))
		job->effects[JOB_EFFECT_REPLY].state = JOB_EFFECT_DONE; /* in no pull request */
	if (event->kind == JOB_EVENT_STARTED)
		job->started_s = event->at_s;
	if (event->kind == JOB_EVENT_ENDED)
		job->ended_s = event->at_s;
	if (event->kind == JOB_EVENT_OUTDATED)
		job->is_shrunk = true;
	if ((move.next == JOB_JUDGED || move.next == JOB_STOPPING) && !keeps)
		take_verdict(job, event);
	if (move.next == JOB_ANSWERED)
		job->effects[JOB_EFFECT_REACT].state = JOB_EFFECT_DONE; /* too late to matter */
	if (event->kind == JOB_EVENT_LOST && event->must_delete)
		move.effects |= BIT(JOB_EFFECT_DELETE);
	for (int effect = 0; effect < JOB_EFFECT_COUNT; effect++) {
		if (move.effects & BIT(effect) && job->effects[effect].state == JOB_EFFECT_NONE)
			job->effects[effect].state = JOB_EFFECT_DUE;
	}
	return true;
}

void job_copy(const struct job *from, struct job *out)
{
	*out = *from;
	out->results = from->results ? xstrdup(from->results) : NULL;
}

void job_release(struct job *job)
{
	free(job->results);
	*job = (struct job){0};
}

bool job_is_active(const struct job *job)
{
	enum job_effect_state deletion = job->effects[JOB_EFFECT_DELETE].state;

	return job->state != JOB_ANSWERED || deletion == JOB_EFFECT_DUE ||
	       deletion == JOB_EFFECT_TRIED;
}

bool job_may_try_again(const struct job *job)
{
	return !job->first_build && !job->has_verdict && !job_is_by_hand(job);
}

bool job_is_held(const struct job *job)
{
	return job->state == JOB_ASKED && job->effects[JOB_EFFECT_BUILD].state == JOB_EFFECT_DUE;
}

bool job_is_by_hand(const struct job *job)
{
	return job->comment < 0;
}

bool job_is_auto(const struct job *job)
{
	return job->comment >= JOB_AUTO_FIRST && job->comment < JOB_NIGHT_FIRST;
}

bool job_is_trial(const struct job *job)
{
	return job->suite_ref[0] != '\0';
}

bool job_is_nightly(const struct job *job)
{
	return job_id_is_nightly(job->comment);
}

bool job_id_is_nightly(int64_t id)
{
	return id >= JOB_NIGHT_FIRST;
}

int64_t job_night_of(int64_t id)
{
	return (id - JOB_NIGHT_FIRST) / JOB_NIGHT_IDS / JOB_NIGHT_TRIES;
}

int64_t job_night_try(int64_t id)
{
	return (id - JOB_NIGHT_FIRST) / JOB_NIGHT_IDS % JOB_NIGHT_TRIES + 1;
}

int64_t job_first_of_night(int64_t night, int64_t attempt)
{
	return JOB_NIGHT_FIRST + (night * JOB_NIGHT_TRIES + attempt - 1) * JOB_NIGHT_IDS;
}

int64_t job_id_of_build(int64_t number)
{
	return -number;
}

int64_t job_build_of(const struct job *job)
{
	return -job->comment;
}

bool job_is_before(const struct job *job, const struct job *other)
{
	if (job->pr != other->pr || !text_is(job->repo, other->repo))
		return false;
	return job->written_s != other->written_s ? job->written_s < other->written_s
						  : job->comment < other->comment;
}

const char *job_recipe_of(const char *repo)
{
	const char *slash = strchr(repo, '/');

	return slash ? slash + 1 : repo;
}

void job_brief(const struct job *job, struct job_brief *out)
{
	*out = (struct job_brief){.comment = job->comment,
	    .pr = job->pr,
	    .build = job->build,
	    .heard_s = job->heard_s,
	    .started_s = job->started_s,
	    .ended_s = job->ended_s,
	    .state = job->state,
	    .has_verdict = job->has_verdict,
	    .verdict = job->verdict,
	    .level = job->level,
	    .repo = job->repo,
	    .author = job->author,
	    .ref = job->ref,
	    .stages = job->stages,
	    .head_version = job->head_version,
	    .base_version = job->base_version,
	    .suite_ref = job->suite_ref,
	    .outline = ""};
}

const char *job_recipe(const struct job *job)
{
	return job_recipe_of(job->repo);
}

const char *job_state_word(enum job_state state)
{
	return state_words[state];
}

bool job_state_parse(const char *word, enum job_state *out)
{
	size_t at = text_index(state_words, COUNT_OF(state_words), word);

	if (at == COUNT_OF(state_words))
		return false;
	*out = (enum job_state)at;
	return true;
}

const char *job_event_word(enum job_event_kind event)
{
	return event_words[event];
}

const char *job_effect_word(enum job_effect effect)
{
	return effect_words[effect];
}

const char *job_state_point(enum job_state state)
{
	static const char *const points[JOB_STATE_COUNT] = {"job.heard", "job.refused", "job.asked",
	    "job.queued", "job.running", "job.stopping", "job.ended", "job.judged", "job.answered"};

	return points[state];
}

const char *job_effect_point(enum job_effect effect, enum job_moment moment)
{
	static const char *const points[JOB_EFFECT_COUNT][JOB_MOMENT_DONE + 1] = {
	    {"effect.react.before", "effect.react.sent", "effect.react.done"},
	    {"effect.reply.before", "effect.reply.sent", "effect.reply.done"},
	    {"effect.build.before", "effect.build.sent", "effect.build.done"},
	    {"effect.delete.before", "effect.delete.sent", "effect.delete.done"},
	};

	return points[effect][moment];
}

bool job_waits_for_end(const struct job *job)
{
	return job->state == JOB_QUEUED || job->state == JOB_RUNNING || job->state == JOB_STOPPING;
}

bool job_is_in_build(const struct job *job)
{
	return job_waits_for_end(job) || job->state == JOB_ENDED;
}

const char *job_check(const struct job *job)
{
	if (job->state == JOB_HEARD && job->effects[JOB_EFFECT_BUILD].state != JOB_EFFECT_NONE)
		return "a build is asked for before the decision";
	if (job->state == JOB_REFUSED && job->effects[JOB_EFFECT_BUILD].state != JOB_EFFECT_NONE)
		return "a refused job has a build";
	if (job_is_in_build(job) && !job->build)
		return "a job waits for a build without a number";
	if (job->state == JOB_ASKED && job->effects[JOB_EFFECT_BUILD].state == JOB_EFFECT_NONE)
		return "nobody asks for the build";
	if (job->state == JOB_STOPPING && !job->has_verdict)
		return "a withdrawn job has no verdict";
	if (job->state == JOB_JUDGED && !job->has_verdict)
		return "a judged job has no verdict";
	if (job->state == JOB_JUDGED && job->effects[JOB_EFFECT_REPLY].state == JOB_EFFECT_NONE)
		return "nobody will tell the verdict";
	if (job->effects[JOB_EFFECT_DELETE].state != JOB_EFFECT_NONE && !job->build)
		return "a build without a number is to be deleted";
	return NULL;
}
