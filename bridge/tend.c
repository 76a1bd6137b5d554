/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tend.h"

#include "bridge/work.h"
#include "common/testpoint.h"

#define STORE_AGAIN_NS (2 * NS_PER_S)
#define LOAD_AT_ONCE 64

/* --- errands --- */

void work_wake_at(struct tend *tend, int64_t due_ns)
{
	if (due_ns < tend->soonest_ns)
		tend->soonest_ns = due_ns;
	if (due_ns < tend->soonest_effect_ns)
		tend->soonest_effect_ns = due_ns;
}

bool work_may_ask_forge(struct tend *tend, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = errand_may_begin(errand, tend->parts.forge_gate, clock_now(), &due_ns);

	work_wake_at(tend, due_ns);
	return may;
}

bool work_may_ask_drone(struct tend *tend, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = errand_may_begin(errand, tend->parts.drone_gate, clock_now(), &due_ns);

	work_wake_at(tend, due_ns);
	return may;
}

bool work_may_watch(struct tend *tend, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = errand_may_begin(errand, tend->parts.drone_gate, clock_now(), &due_ns);

	if (due_ns < tend->soonest_ns)
		tend->soonest_ns = due_ns;
	return may;
}

void work_begin_forge(struct tend *tend, struct errand *errand)
{
	errand_begin(errand, tend->parts.forge_gate);
}

void work_begin_drone(struct tend *tend, struct errand *errand)
{
	errand_begin(errand, tend->parts.drone_gate);
}

void work_end_forge(struct tend *tend, struct errand *errand, const struct err *err)
{
	int64_t asked_ms = gitea_retry_after_ms(tend->parts.gitea);

	if (!errand_end(errand, tend->parts.forge_gate, err, asked_ms, clock_now()))
		log_debug("%s", err->msg);
}

void work_end_drone(struct tend *tend, struct errand *errand, const struct err *err)
{
	int64_t asked_ms = drone_retry_after_ms(tend->parts.drone);

	if (!errand_end(errand, tend->parts.drone_gate, err, asked_ms, clock_now()))
		log_debug("%s", err->msg);
}

/* --- saving --- */

/* A full disk, a file gone bad: what cannot be recorded is not done; polling goes on. */
static void note_store_trouble(struct tend *tend, const struct err *err)
{
	unsigned dropped = 0;

	tend->has_store_trouble = true;
	tend->store_again_ns = clock_now() + STORE_AGAIN_NS;
	if (log_limit_pass(&tend->store_limit, &dropped))
		log_error("%s: nothing new is begun until it can be written (%u more)", err->msg,
		    dropped);
}

int work_save(struct work *work, struct job *take_changed)
{
	struct tend *tend = work->tend;
	enum job_state before = work->job.state;
	struct err err;

	if (store_save(tend->parts.store, take_changed, &err) < 0) {
		note_store_trouble(tend, &err);
		job_release(take_changed);
		return -1;
	}
	if (tend->has_store_trouble)
		log_info("the store can be written again");
	tend->has_store_trouble = false;
	job_release(&work->job);
	work->job = *take_changed;
	*take_changed = (struct job){0};
	work->write_ns = 0;
	if (work->job.state != before) {
		work->get_build.due_ns = 0; /* the new state wants to know at once */
		log_info("%s -> %s%s%s", job_state_word(before), job_state_word(work->job.state),
		    work->job.has_verdict ? ", " : "",
		    work->job.has_verdict ? verdict_word(work->job.verdict) : "");
		TEST_POINT(job_state_point(work->job.state));
	}
	return 0;
}

int work_apply(struct work *work, const struct job_event *event)
{
	struct job changed;

	job_copy(&work->job, &changed);
	if (!job_apply(&changed, event, clock_wall_s())) {
		job_release(&changed);
		return 0;
	}
	return work_save(work, &changed);
}

/* --- the jobs in memory --- */

struct tend *tend_new(const struct tend_parts *parts)
{
	struct tend *tend = xcalloc(1, sizeof(*tend));

	tend->parts = *parts;
	tend->timeout_s = parts->settings->build_timeout_ms / 1000;
	tend->store_limit = (struct log_limit){.interval_ms = 60000};
	return tend;
}

static void work_free(struct work *work)
{
	job_release(&work->job);
	drone_build_release(&work->ended);
	free(work);
}

void tend_free(struct tend *tend)
{
	if (!tend)
		return;
	for (size_t i = 0; i < tend->count; i++)
		work_free(tend->works[i]);
	free(tend->works);
	free(tend);
}

void tend_set_hear(struct tend *tend, const struct hear *hear)
{
	tend->hear = hear;
}

static struct work *find_work(const struct tend *tend, int64_t comment)
{
	for (size_t i = 0; i < tend->count; i++) {
		if (tend->works[i]->job.comment == comment)
			return tend->works[i];
	}
	return NULL;
}

static struct work *add_work(struct tend *tend, struct job *take_job)
{
	struct work *work = xcalloc(1, sizeof(*work));

	work->tend = tend;
	work->job = *take_job;
	*take_job = (struct job){0};
	tend->works = xrealloc_array(tend->works, tend->count + 1, sizeof(struct work *));
	tend->works[tend->count++] = work;
	return work;
}

static struct work *load_job(struct tend *tend, int64_t comment, struct err *err)
{
	AUTO(job) job = {0};
	struct work *there = find_work(tend, comment);

	if (there)
		return there;
	if (store_load(tend->parts.store, comment, &job, err) < 0)
		return NULL;
	return add_work(tend, &job);
}

/* Until there is no more room, or no more. */
int tend_load(struct tend *tend, struct err *err)
{
	int64_t ids[LOAD_AT_ONCE];
	size_t count = 0;
	int64_t after = 0;

	tend->has_more = true;
	while (tend->count < TEND_JOBS_MAX) {
		if (store_list_active(tend->parts.store, after, ids, COUNT_OF(ids), &count, err) <
		    0)
			return -1;
		for (size_t i = 0; i < count && tend->count < TEND_JOBS_MAX; i++) {
			if (!load_job(tend, ids[i], err))
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

	log_scope("job=%lld", (long long)take_job->comment);
	log_info("heard %s in %s #%lld", take_job->author, take_job->repo, (long long)take_job->pr);
	log_scope_end();
	if (tend->count >= TEND_JOBS_MAX) {
		tend->has_more = true;
		job_release(take_job);
		return;
	}
	struct work *work = add_work(tend, take_job);
	work->command = *command;
	work->has_command = true;
	work->is_edited = is_edited;
}

static bool is_busy(const struct work *work)
{
	for (size_t i = 0; i < JOB_EFFECT_COUNT; i++) {
		if (work->effects[i].is_under_way)
			return true;
	}
	return work->get_comment.is_under_way || work->get_member.is_under_way ||
	       work->get_pull.is_under_way || work->get_timeline.is_under_way ||
	       work->edit.is_under_way || work->get_build.is_under_way ||
	       work->get_log.is_under_way;
}

static void drop_answered(struct tend *tend)
{
	size_t kept = 0;

	for (size_t i = 0; i < tend->count; i++) {
		struct work *work = tend->works[i];

		if (job_is_active(&work->job) || is_busy(work))
			tend->works[kept++] = work;
		else
			work_free(work);
	}
	tend->count = kept;
}

/* An older answer of the same pull request becomes a line once a newer run has begun. */
static void shrink(struct tend *tend, int64_t comment)
{
	struct job_event event = {.kind = JOB_EVENT_OUTDATED};
	struct err err;
	struct work *work = load_job(tend, comment, &err);

	if (!work) {
		log_warning("%s", err.msg);
		return;
	}
	if (work_apply(work, &event) < 0)
		log_debug("job %lld keeps its long answer", (long long)comment);
}

void work_shrink_older(struct work *work)
{
	int64_t ids[LOAD_AT_ONCE];
	size_t count = 0;
	struct err err;

	if (store_list_outdated(
		work->tend->parts.store, &work->job, ids, COUNT_OF(ids), &count, &err) < 0) {
		log_warning("%s", err.msg);
		return;
	}
	for (size_t i = 0; i < count; i++)
		shrink(work->tend, ids[i]);
}

bool work_is_outdated(const struct work *work)
{
	bool is_outdated = false;
	struct err err;

	if (!work->job.has_verdict || work->job.is_shrunk || !work->job.reply)
		return false;
	if (store_is_outdated(work->tend->parts.store, &work->job, &is_outdated, &err) < 0)
		log_warning("%s", err.msg);
	return is_outdated;
}

/* --- the turn --- */

static void turn_work(struct work *work)
{
	switch (work->job.state) {
	case JOB_HEARD:
		decide_turn(work);
		break;
	case JOB_QUEUED:
	case JOB_RUNNING:
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

	tend->soonest_ns = INT64_MAX;
	tend->soonest_effect_ns = INT64_MAX;
	if (tend->has_store_trouble && clock_now() < tend->store_again_ns) {
		work_wake_at(tend, tend->store_again_ns);
		return tend->soonest_ns;
	}
	if (tend->has_more && tend->count < TEND_JOBS_MAX / 2 && tend_load(tend, &err) < 0)
		note_store_trouble(tend, &err);
	if (!hear_bot(tend->hear))
		return tend->soonest_ns;
	/* Jobs may be added while the turn goes on (older ones to be shrunk). */
	for (size_t i = 0; i < tend->count; i++) {
		log_scope("job=%lld", (long long)tend->works[i]->job.comment);
		turn_work(tend->works[i]);
	}
	log_scope_end();
	watch_list(tend);
	drop_answered(tend);
	return tend->soonest_ns;
}

void tend_set_timeout(struct tend *tend, int64_t timeout_s)
{
	tend->timeout_s = timeout_s;
}

size_t tend_count(const struct tend *tend)
{
	return tend->count;
}

bool tend_is_quiet(const struct tend *tend)
{
	return tend->parts.forge_gate->under_way == 0 && tend->parts.drone_gate->under_way == 0 &&
	       tend->soonest_effect_ns == INT64_MAX;
}

bool tend_has_store_trouble(const struct tend *tend)
{
	return tend->has_store_trouble;
}
