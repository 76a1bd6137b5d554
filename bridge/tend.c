/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tend.h"

#include "bridge/carry.h"
#include "bridge/decide.h"
#include "bridge/hear/adopt.h"
#include "bridge/hear/autotest.h"
#include "bridge/hear/nightly.h"
#include "bridge/watch.h"

#define LOAD_AT_ONCE 64

struct tend {
	struct works works;
	bool has_more; /* jobs in the store that have no room here */
};

/* --- the jobs in memory --- */

struct tend *tend_new(struct parts *parts)
{
	struct tend *tend = xcalloc(1, sizeof(*tend));

	tend->works = (struct works){.parts = parts,
	    .timeout_s = parts->settings->build_timeout_ms / 1000,
	    .store_limit = {.interval_ms = 60000}};
	return tend;
}

void tend_free(struct tend *tend)
{
	if (!tend)
		return;
	for (size_t i = 0; i < tend->works.count; i++)
		work_free(tend->works.items[i]);
	autotest_release(&tend->works);
	nightly_release(&tend->works);
	while (tend->works.status_refused_count)
		free(tend->works.status_refused[--tend->works.status_refused_count]);
	free(tend->works.status_refused);
	free(tend->works.items);
	free(tend);
}

void tend_set_hear(struct tend *tend, const struct hear *hear)
{
	tend->works.hear = hear;
}

/* Until there is no more room, or no more. */
int tend_load(struct tend *tend, struct err *err)
{
	int64_t ids[LOAD_AT_ONCE];
	size_t count = 0;
	int64_t after = INT64_MIN;

	tend->has_more = true;
	while (tend->works.count < TEND_JOBS_MAX) {
		if (store_list_active(
			tend->works.parts->store, after, ids, COUNT_OF(ids), &count, err) < 0)
			return -1;
		for (size_t i = 0; i < count && tend->works.count < TEND_JOBS_MAX; i++) {
			if (!work_load(&tend->works, ids[i], err))
				return -1;
			after = ids[i];
		}
		if (count < COUNT_OF(ids)) {
			tend->has_more = false;
			return 0;
		}
	}
	return 0;
}

void tend_take(void *context, struct job *take_job, const struct command *command, bool is_edited)
{
	struct tend *tend = context;

	tend->works.events.heard++;
	work_log_scope(take_job);
	log_info("heard %s in %s #%lld", take_job->author, take_job->repo, (long long)take_job->pr);
	log_scope_end();
	if (tend->works.count >= TEND_COMMANDS_MAX) {
		tend->has_more = true;
		job_release(take_job);
		return;
	}
	struct work *work = work_add(&tend->works, take_job);
	work->decision.command = *command;
	work->decision.has_command = true;
	work->decision.is_edited = is_edited;
}

void tend_see_pull(void *context, const char *repo, int64_t pr)
{
	struct tend *tend = context;

	autotest_note(&tend->works, repo, pr);
}

static void drop_answered(struct tend *tend)
{
	size_t kept = 0;

	for (size_t i = 0; i < tend->works.count; i++) {
		struct work *work = tend->works.items[i];

		if (job_is_active(&work->job) || work_is_busy(work))
			tend->works.items[kept++] = work;
		else
			work_free(work);
	}
	tend->works.count = kept;
}

/* --- the turn --- */

static void turn_work(struct work *work)
{
	switch (work->job.state) {
	case JOB_HEARD:
		if (job_is_by_hand(&work->job))
			adopt_turn(work);
		else if (job_is_auto(&work->job))
			autotest_begin(work);
		else if (job_is_nightly(&work->job))
			nightly_begin(work);
		else
			decide_turn(work);
		break;
	case JOB_QUEUED:
	case JOB_RUNNING:
	case JOB_STOPPING:
	case JOB_ENDED:
		watch_turn(work);
		break;
	case JOB_REFUSED:
	case JOB_ASKED:
	case JOB_JUDGED:
	case JOB_ANSWERED:
		break;
	}
	carry_turn(work);
}

int64_t tend_turn(struct tend *tend)
{
	struct err err;

	tend->works.soonest_ns = INT64_MAX;
	tend->works.soonest_effect_ns = INT64_MAX;
	if (tend->works.has_store_trouble && clock_now() < tend->works.store_again_ns) {
		work_wake_at(&tend->works, tend->works.store_again_ns);
		return tend->works.soonest_ns;
	}
	if (tend->has_more && tend->works.count < TEND_JOBS_MAX / 2 && tend_load(tend, &err) < 0)
		work_note_store_trouble(&tend->works, &err);
	if (!hear_bot(tend->works.hear))
		return tend->works.soonest_ns;
	autotest_turn(&tend->works);
	/* Jobs may be added while the turn goes on (older ones to be shrunk). */
	for (size_t i = 0; i < tend->works.count; i++) {
		work_log_scope(&tend->works.items[i]->job);
		turn_work(tend->works.items[i]);
	}
	log_scope_end();
	nightly_turn(&tend->works);
	watch_list(&tend->works);
	drop_answered(tend);
	return tend->works.soonest_ns;
}

void tend_set_timeout(struct tend *tend, int64_t timeout_s)
{
	tend->works.timeout_s = timeout_s;
}

size_t tend_list_steps(
    const struct tend *tend, int64_t comment, struct reply_step *out, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < tend->works.count; i++) {
		const struct work *work = tend->works.items[i];

		if (work->job.comment != comment)
			continue;
		while (count < work->build.step_count && count < room) {
			out[count] = work->build.steps[count];
			count++;
		}
	}
	return count;
}

size_t tend_count(const struct tend *tend)
{
	return tend->works.count;
}

void tend_count_states(const struct tend *tend, size_t out[JOB_STATE_COUNT])
{
	for (size_t i = 0; i < JOB_STATE_COUNT; i++)
		out[i] = 0;
	for (size_t i = 0; i < tend->works.count; i++)
		out[tend->works.items[i]->job.state]++;
}

int64_t tend_waiting_since_s(const struct tend *tend)
{
	int64_t since_s = 0;

	for (size_t i = 0; i < tend->works.count; i++) {
		const struct job *job = &tend->works.items[i]->job;
		bool waits =
		    job->state == JOB_HEARD || job->state == JOB_ASKED || job->state == JOB_QUEUED;

		if (waits && (!since_s || job->heard_s < since_s))
			since_s = job->heard_s;
	}
	return since_s;
}

const struct metrics_events *tend_events(const struct tend *tend)
{
	return &tend->works.events;
}

bool tend_is_quiet(const struct tend *tend)
{
	return !parts_are_busy(tend->works.parts) && tend->works.soonest_effect_ns == INT64_MAX;
}

bool tend_has_store_trouble(const struct tend *tend)
{
	return tend->works.has_store_trouble;
}
