/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/work.h"

#include "common/testpoint.h"

#define STORE_AGAIN_NS (2 * NS_PER_S)
#define OUTDATED_AT_ONCE 64

/* --- errands --- */

void work_wake_at(struct works *works, int64_t due_ns)
{
	if (due_ns < works->soonest_ns)
		works->soonest_ns = due_ns;
	if (due_ns < works->soonest_effect_ns)
		works->soonest_effect_ns = due_ns;
}

void work_wake_idle_at(struct works *works, int64_t due_ns)
{
	if (due_ns < works->soonest_ns)
		works->soonest_ns = due_ns;
}

bool work_may_begin(struct works *works, enum parts_peer peer, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = parts_may_begin(works->parts, peer, errand, &due_ns);

	work_wake_at(works, due_ns);
	return may;
}

bool work_may_watch(struct works *works, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = parts_may_begin(works->parts, PARTS_CI, errand, &due_ns);

	work_wake_idle_at(works, due_ns);
	return may;
}

void work_begin(struct works *works, enum parts_peer peer, struct errand *errand)
{
	parts_begin(works->parts, peer, errand);
}

void work_take_back(struct works *works, enum parts_peer peer, struct errand *errand)
{
	parts_take_back(works->parts, peer, errand);
}

void work_end(
    struct works *works, enum parts_peer peer, struct errand *errand, const struct err *err)
{
	if (!parts_end(works->parts, peer, errand, err))
		log_debug("%s", err->msg);
}

void work_log_scope(const struct job *job)
{
	char pull[32] = "";
	char build[32] = "";

	if (job->pr)
		(void)snprintf(pull, sizeof(pull), "pr=%lld ", (long long)job->pr);
	if (job->build)
		(void)snprintf(build, sizeof(build), "build=%lld ", (long long)job->build);
	log_scope("repo=%s %s%sjob=%lld", job->repo, pull, build, (long long)job->comment);
}

/* --- saving --- */

/* A full disk, a file gone bad: what cannot be recorded is not done; polling goes on. */
void work_note_store_trouble(struct works *works, const struct err *err)
{
	unsigned dropped = 0;

	works->has_store_trouble = true;
	works->store_again_ns = clock_now() + STORE_AGAIN_NS;
	if (log_limit_pass(&works->store_limit, &dropped))
		log_error("%s: nothing new is begun until it can be written (%u more)", err->msg,
		    dropped);
}

/* An answer that becomes a line is judged anew, but not by us. */
static void count_move(struct metrics_events *events, enum job_state before, const struct job *job)
{
	if (job->state == JOB_REFUSED)
		events->refused++;
	if (job->state == JOB_ASKED && before == JOB_ENDED)
		events->second_tries++;
	if (job->state == JOB_JUDGED && before != JOB_ANSWERED && job->has_verdict)
		events->verdicts[job->verdict]++;
}

int work_save_with(struct work *work, struct job *take_changed, const char *notice)
{
	struct works *works = work->works;
	enum job_state before = work->job.state;
	struct err err;

	if (store_save_with(works->parts->store, take_changed, notice, &err) < 0) {
		work_note_store_trouble(works, &err);
		job_release(take_changed);
		return -1;
	}
	if (works->has_store_trouble)
		log_info("the store can be written again");
	works->has_store_trouble = false;
	works->is_queue_judged = false;
	job_release(&work->job);
	work->job = *take_changed;
	*take_changed = (struct job){0};
	work->effects.reply.write_ns = 0;
	work->effects.status.write_ns = 0;
	if (work->job.state != before) {
		count_move(&works->events, before, &work->job);
		work->build.get.due_ns = 0; /* the new state wants to know at once */
		log_info("%s -> %s%s%s", job_state_word(before), job_state_word(work->job.state),
		    work->job.has_verdict ? ", " : "",
		    work->job.has_verdict ? verdict_word(work->job.verdict) : "");
		TEST_POINT(job_state_point(work->job.state));
	}
	return 0;
}

int work_save(struct work *work, struct job *take_changed)
{
	return work_save_with(work, take_changed, NULL);
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

static struct work *find_work(const struct works *works, int64_t comment)
{
	for (size_t i = 0; i < works->count; i++) {
		if (works->items[i]->job.comment == comment)
			return works->items[i];
	}
	return NULL;
}

struct work *work_add(struct works *works, struct job *take_job)
{
	struct work *work = xcalloc(1, sizeof(*work));

	work->works = works;
	work->job = *take_job;
	*take_job = (struct job){0};
	if (!work->job.first_build) /* else that was another build's */
		work->effects.build_from_s = work->job.effects[JOB_EFFECT_BUILD].tried_s;
	works->items = xrealloc_array(works->items, works->count + 1, sizeof(struct work *));
	works->items[works->count++] = work;
	works->is_queue_judged = false;
	return work;
}

struct work *work_load(struct works *works, int64_t comment, struct err *err)
{
	AUTO(job) job = {0};
	struct work *there = find_work(works, comment);

	if (there)
		return there;
	if (store_load(works->parts->store, comment, &job, err) < 0)
		return NULL;
	/* An earlier process may have died with a text on its way, which must not come last. */
	struct work *work = work_add(works, &job);
	work->effects.reply.next_ns = clock_now() + WORK_SETTLE_S * NS_PER_S;
	if (!text_is(work->job.status_tried, work->job.status_told))
		work->effects.status.next_ns = work->effects.reply.next_ns;
	return work;
}

void work_free(struct work *work)
{
	job_release(&work->job);
	build_release(&work->build.ended);
	free(work);
}

static bool is_head_asked(const struct work_head *head)
{
	return head->get_pull.is_under_way || head->get_timeline.is_under_way;
}

bool work_is_busy(const struct work *work)
{
	for (size_t i = 0; i < JOB_EFFECT_COUNT; i++) {
		if (work->effects.tries[i].is_under_way)
			return true;
	}
	return is_head_asked(&work->decision.head) || is_head_asked(&work->decision.suites) ||
	       work->decision.get_comment.is_under_way || work->decision.get_member.is_under_way ||
	       work->decision.count_behind.is_under_way ||
	       work->effects.reply.errand.is_under_way ||
	       work->effects.status.errand.is_under_way || work->build.get.is_under_way ||
	       work->build.get_log.is_under_way;
}

/* --- the queue --- */

static enum queue_stand stand_of(const struct job *job)
{
	if (job->state == JOB_HEARD || job_is_held(job))
		return QUEUE_WAITS;
	return job->state == JOB_ASKED || job->state == JOB_QUEUED ? QUEUE_IN_LINE : QUEUE_RUNS;
}

static struct queue_job queue_job_of(const struct job *job)
{
	return (struct queue_job){.id = job->comment,
	    .heard_s = job->heard_s,
	    .repo = job->repo,
	    .person = job->author,
	    .priority = job_is_nightly(job) ? QUEUE_NIGHTLY : QUEUE_PEOPLE,
	    .stand = stand_of(job)};
}

/* Of a run that is allowed, until its build is over, or nobody wants it any more: what is on its
 * way out stands in front of nobody. */
static bool is_in_queue(const struct job *job)
{
	return job->state == JOB_ASKED || job->state == JOB_QUEUED || job->state == JOB_RUNNING;
}

static void judge_queue(struct works *works)
{
	struct queue_job *jobs = xcalloc(works->count + 1, sizeof(jobs[0]));
	struct queue_place *places = xcalloc(works->count + 1, sizeof(places[0]));
	struct work **whose = xcalloc(works->count + 1, sizeof(struct work *));
	size_t count = 0;

	for (size_t i = 0; i < works->count; i++) {
		struct work *work = works->items[i];

		work->place = (struct queue_place){0};
		if (!is_in_queue(&work->job))
			continue;
		whose[count] = work;
		jobs[count++] = queue_job_of(&work->job);
	}
	queue_judge(jobs, count, works->runners, places);
	for (size_t i = 0; i < count; i++)
		whose[i]->place = places[i];
	free(whose);
	free(places);
	free(jobs);
	works->is_queue_judged = true;
}

/* One by night at a time, whatever room there is: what is spread over a night is in nobody's way.
 */
bool work_has_room(const struct works *works, const struct work *but)
{
	struct queue_job *jobs = xcalloc(works->count + 1, sizeof(jobs[0]));
	bool is_one_there = false;
	size_t count = 0;

	for (size_t i = 0; i < works->count; i++) {
		const struct job *job = &works->items[i]->job;
		bool may_become_one = job->state == JOB_HEARD && job->command == COMMAND_TEST;

		if (works->items[i] == but ||
		    !(may_become_one || is_in_queue(job) || job->state == JOB_STOPPING ||
			job_is_nightly(job)))
			continue;
		is_one_there = is_one_there || job_is_nightly(job);
		jobs[count++] = queue_job_of(job);
	}
	bool has = !is_one_there && queue_has_room(jobs, count, works->runners);
	free(jobs);
	return has;
}

bool work_may_ask(struct work *work)
{
	if (job_is_nightly(&work->job))
		return work_has_room(work->works, work);
	if (!work->works->is_queue_judged)
		judge_queue(work->works);
	return work->place.may_ask;
}

/* --- older runs --- */

/* A run, or what may become one, of which nobody knows yet what it will be. */
static bool is_pending(const struct job *job)
{
	return job->command == COMMAND_TEST &&
	       (job->state == JOB_HEARD || (job->state == JOB_ASKED && !job_is_held(job)));
}

static bool withdraw(struct work *work, enum verdict_class verdict, const char *reason)
{
	struct job_event event = {
	    .kind = JOB_EVENT_WITHDRAWN, .verdict = verdict, .reason = reason};

	return work_apply(work, &event) == 0 &&
	       (work->job.state == JOB_STOPPING || work->job.state == JOB_JUDGED);
}

bool work_cancel_older(struct work *work, size_t *out_count)
{
	const struct works *works = work->works;
	char reason[JOB_REASON_SIZE];

	for (size_t i = 0; i < works->count; i++) {
		const struct job *job = &works->items[i]->job;

		if (job_is_before(job, &work->job) && is_pending(job))
			return false;
	}
	(void)snprintf(reason, sizeof(reason), "Cancelled by %s.", work->job.author);
	*out_count = 0;
	for (size_t i = 0; i < works->count; i++) {
		struct work *older = works->items[i];

		if (job_is_before(&older->job, &work->job) &&
		    (job_waits_for_end(&older->job) || job_is_held(&older->job)) &&
		    (older->job.state == JOB_STOPPING ||
			withdraw(older, VERDICT_CANCELLED, reason)))
			(*out_count)++;
	}
	return true;
}

void work_supersede(struct work *work)
{
	const struct works *works = work->works;
	const struct job *newest = &work->job;
	char reason[JOB_REASON_SIZE];

	for (size_t i = 0; i < works->count; i++) {
		const struct job *job = &works->items[i]->job;

		if (job_is_before(newest, job) && !job_is_by_hand(job) &&
		    (job->state == JOB_ASKED || job_waits_for_end(job)))
			newest = job;
	}
	(void)snprintf(reason, sizeof(reason), "%s asked for a newer run of this pull request.",
	    newest->author);
	for (size_t i = 0; i < works->count; i++) {
		struct work *older = works->items[i];

		if (job_is_before(&older->job, newest) &&
		    (older->job.state == JOB_QUEUED || older->job.state == JOB_RUNNING ||
			job_is_held(&older->job)))
			(void)!withdraw(older, VERDICT_SUPERSEDED, reason);
	}
}

/* --- older answers --- */

/* An older answer of the same pull request becomes a line once a newer run has begun. */
static void shrink(struct works *works, int64_t comment)
{
	struct job_event event = {.kind = JOB_EVENT_OUTDATED};
	struct err err;
	struct work *work = work_load(works, comment, &err);

	if (!work) {
		log_warning("%s", err.msg);
		return;
	}
	if (work_apply(work, &event) < 0)
		log_debug("job %lld keeps its long answer", (long long)comment);
}

void work_shrink_older(struct work *work)
{
	int64_t ids[OUTDATED_AT_ONCE];
	size_t count = 0;
	struct err err;

	if (store_list_outdated(
		work->works->parts->store, &work->job, ids, COUNT_OF(ids), &count, &err) < 0) {
		log_warning("%s", err.msg);
		return;
	}
	for (size_t i = 0; i < count; i++)
		shrink(work->works, ids[i]);
}

bool work_is_outdated(const struct work *work)
{
	bool is_outdated = false;
	struct err err;

	if (!work->job.has_verdict || work->job.is_shrunk || !work->job.reply)
		return false;
	if (store_is_outdated(work->works->parts->store, &work->job, &is_outdated, &err) < 0)
		log_warning("%s", err.msg);
	return is_outdated;
}

const char *work_where(const struct work *work)
{
	return hear_where(work->works->hear, work->job.repo);
}
