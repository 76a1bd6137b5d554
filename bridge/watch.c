/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/watch.h"

#include "bridge/hear/adopt.h"
#include "bridge/tell/notify.h"

/* Asked of the store once in a while: a list shows the same recipes every second. */
static int64_t find_usual_s(struct works *works, const char *recipe)
{
	struct work_usual usual = {0};
	struct err err;

	if (clock_now() >= works->usuals_until_ns || works->usual_count == WORK_USUALS_MAX) {
		works->usual_count = 0;
		works->usuals_until_ns = clock_now() + WATCH_USUAL_EVERY_MS * NS_PER_MS;
	}
	for (size_t i = 0; i < works->usual_count; i++) {
		if (text_is(works->usuals[i].recipe, recipe))
			return works->usuals[i].usual_s;
	}
	if (store_usual_s(works->parts->store, recipe, &usual.usual_s, &err) < 0)
		log_warning("%s", err.msg);
	(void)copy_text(usual.recipe, sizeof(usual.recipe), recipe);
	works->usuals[works->usual_count++] = usual;
	return usual.usual_s;
}

static const char *server_of(const struct work *work)
{
	return ci_dialect(work->works->parts->ci)->name;
}

PRINTF_LIKE(3, 4)
static void lose(struct work *work, bool must_delete, const char *format, ...)
{
	char reason[JOB_REASON_SIZE];
	struct job_event event = {
	    .kind = JOB_EVENT_LOST, .reason = reason, .must_delete = must_delete};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);

	log_warning("build %lld: %s", (long long)work->job.build, reason);
	(void)!work_apply(work, &event);
}

/* Our clock, from when we saw it start: the CI server's may differ. */
static void check_overdue(struct work *work)
{
	int64_t since_s = clock_wall_s() - work->job.moved_s;

	if ((work->job.state == JOB_RUNNING || work->job.state == JOB_STOPPING) &&
	    since_s > work->works->timeout_s + WATCH_OVERDUE_GRACE_S)
		lose(work, true,
		    "%s says that the build still runs, long after its limit: its runner is "
		    "gone. The build was deleted there; please ask again.",
		    server_of(work));
	else if (work->job.state == JOB_QUEUED && since_s > JOB_QUEUED_MAX_S)
		lose(work, true,
		    "No runner took the build for a day; it was deleted in %s. Please ask again "
		    "when a runner is back.",
		    server_of(work));
}

static void see_started(struct work *work, const struct build *build)
{
	struct job_event event = {
	    .kind = JOB_EVENT_STARTED, .at_s = build->started_s ? build->started_s : 1};

	if (work->job.state != JOB_QUEUED)
		return;
	work->build.usual_s = find_usual_s(work->works, job_recipe(&work->job));
	if (work_apply(work, &event) == 0 && work->job.state == JOB_RUNNING)
		work_shrink_older(work);
}

static void see_build(struct work *work, const struct build *build)
{
	struct job_event ended = {.kind = JOB_EVENT_ENDED, .at_s = build->finished_s};

	if (build_status_is_over(build->status)) {
		if (build->started_s)
			see_started(work, build);
		(void)!work_apply(work, &ended);
		return;
	}
	if (build->status == BUILD_RUNNING)
		see_started(work, build);
	check_overdue(work);
}

/* A server that died while it made a build does not go on with it when it is back. */
static void end_unmade(const struct work *work, struct build *build)
{
	if (work->job.state == JOB_ENDED || clock_wall_s() - work->job.moved_s > WATCH_UNMADE_S)
		learn_end_unmade(build);
}

/* --- the list --- */

static struct learn_turn turn_of(struct works *works, const struct build *build)
{
	struct learn_turn turn = {.running_s = -1};

	if (build->status == BUILD_RUNNING)
		turn.running_s = clock_wall_s() - build->started_s;
	if (build->params.recipe[0])
		turn.usual_s = find_usual_s(works, build->params.recipe);
	return turn;
}

static void see_queue(struct work *work, const struct builds *builds)
{
	const struct build *ahead[LEARN_AHEAD_MAX];
	struct learn_turn turns[LEARN_AHEAD_MAX];
	size_t count = learn_ahead(builds, work->job.build, ahead);

	work->build.ahead = (struct reply_ahead){0};
	work->build.ahead_recipe[0] = '\0';
	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		turns[i] = turn_of(work->works, ahead[i]);
	/* Whoever reads one repository's pull requests need not know that another one is there. */
	if (text_is(ahead[0]->params.src, work->job.repo) ||
	    parts_shows(work->works->parts, ahead[0]->params.src))
		(void)copy_text(work->build.ahead_recipe, sizeof(work->build.ahead_recipe),
		    ahead[0]->params.recipe);
	work->build.ahead = (struct reply_ahead){.build = ahead[0]->number,
	    .pr = ahead[0]->params.pr,
	    .running_s = turns[0].running_s,
	    .usual_s = turns[0].usual_s,
	    .more = count - 1,
	    .wait_s = learn_wait_s(turns, count)};
}

static void see_list(struct work *work, const struct builds *builds)
{
	struct build *build = NULL;

	for (size_t i = 0; i < builds->count && !build; i++) {
		if (builds->items[i].number == work->job.build)
			build = &builds->items[i];
	}
	work_log_scope(&work->job);
	if (build) {
		end_unmade(work, build);
		see_build(work, build);
	} else {
		work->build.get.due_ns = 0; /* further back than one page: ask for it alone */
	}
	if (work->job.state == JOB_QUEUED &&
	    learn_was_forgotten(builds, work->job.build, clock_wall_s()))
		lose(work, true,
		    "%s ran later builds and then nothing, and forgot that this one waits; it was "
		    "deleted there. Please ask again.",
		    server_of(work));
	if (work->job.state == JOB_QUEUED)
		see_queue(work, builds);
	log_scope_end();
}

/* A runner that has shown itself is counted on. */
static void count_runners(struct works *works, const struct builds *builds)
{
	size_t running = 0;

	for (size_t i = 0; i < builds->count; i++)
		running += builds->items[i].status == BUILD_RUNNING;
	if (running > works->runners)
		works->runners = running;
}

static void on_list(void *context, struct builds *builds, const struct err *err)
{
	struct works *works = context;

	work_end(works, PARTS_CI, &works->list_builds, err);
	if (err)
		return;
	errand_put_off(&works->list_builds, clock_now(), WATCH_EVERY_MS);
	works->idle_list_ns = clock_now() + works->parts->settings->poll_interval_ms * NS_PER_MS;
	count_runners(works, builds);
	adopt_list(works, builds);
	for (size_t i = 0; i < works->count; i++) {
		struct work *work = works->items[i];

		if (job_waits_for_end(&work->job))
			see_list(work, builds);
	}
}

void watch_list(struct works *works)
{
	bool is_wanted = clock_now() >= works->idle_list_ns;

	for (size_t i = 0; i < works->count && !is_wanted; i++)
		is_wanted = job_waits_for_end(&works->items[i]->job);
	if (!is_wanted)
		work_wake_idle_at(works, works->idle_list_ns);
	if (!is_wanted || !work_may_watch(works, &works->list_builds))
		return;
	work_begin(works, PARTS_CI, &works->list_builds);
	ci_list_builds(works->parts->ci, 1, on_list, works);
}

/* --- the end of a build --- */

/* Before the verdict, which may be answered with a link to it; a run is no worse without. */
static void keep_picture(const struct work *work, const struct buf *picture)
{
	struct err err;

	if (picture->length &&
	    store_put_picture(work->works->parts->store, work->job.comment, picture, &err) < 0)
		log_warning("%s: the run's page has no picture", err.msg);
}

/* What is news in it is saved with it: nobody is told twice, or not at all, whoever dies. */
static int judge(struct work *work, const struct job_event *event)
{
	auto_str char *notice = NULL;
	struct job changed;
	struct err err;

	job_copy(&work->job, &changed);
	if (!job_apply(&changed, event, clock_wall_s())) {
		job_release(&changed);
		return 0;
	}
	if (notify_write(work->works->parts, &changed, &notice, &err) < 0) {
		work_note_store_trouble(work->works, &err);
		job_release(&changed);
		return -1;
	}
	return work_save_with(work, &changed, notice);
}

static void learn_from(struct work *work, const struct build *build, const struct buf *log)
{
	AUTO(learnt) learnt = {0};

	learn_end(build, log, &work->job, work->works->timeout_s, &learnt);
	keep_picture(work, &learnt.picture);
	if (judge(work, &learnt.event) < 0)
		errand_fail(&work->build.get, clock_now());
}

static bool has_waited_for_report(const struct work *work)
{
	return clock_wall_s() - work->job.moved_s > JOB_REPORT_MAX_S;
}

/* What was read of it so far is not all: it is read again. */
static bool may_grow(const struct work *work, const struct buf *log)
{
	return clock_wall_s() - work->job.moved_s <
		   ci_dialect(work->works->parts->ci)->log_late_s &&
	       !learn_has_report(log);
}

static void on_log(void *context, const struct buf *log, const struct err *err)
{
	struct work *work = context;
	/* An answer that makes no sense may be one that was cut off within its head. */
	bool is_final = err && (err->code == ERR_LIMIT ||
				   (!err_is_passing(err) && has_waited_for_report(work)));

	work_end(work->works, PARTS_CI, &work->build.get_log, err);
	work_log_scope(&work->job);
	if (!err && may_grow(work, log))
		errand_put_off(&work->build.get_log, clock_now(), WATCH_EVERY_MS);
	else if (!err)
		learn_from(work, &work->build.ended, log);
	else if (is_final)
		learn_from(work, &work->build.ended, NULL);
	build_release(&work->build.ended);
	log_scope_end();
}

/* The report's log when there can be one; else the build's own words. */
static void read_end(struct work *work, struct build *build)
{
	const struct parts *parts = work->works->parts;
	int64_t stage = 0;
	const struct build_step *report = build_find_step(build, LEARN_REPORT_STEP, &stage);
	bool has_log =
	    report && (report->status == BUILD_SUCCESS || report->status == BUILD_FAILURE);

	if (!has_log) {
		learn_from(work, build, NULL);
		return;
	}
	if (!work_may_begin(work->works, PARTS_CI, &work->build.get_log))
		return;
	int64_t step = report->number;
	build_release(&work->build.ended);
	work->build.ended = *build;
	*build = (struct build){0};
	work_begin(work->works, PARTS_CI, &work->build.get_log);
	ci_get_log(parts->ci, work->job.build, stage, step, on_log, work);
}

static void take_steps(struct work *work, const struct build *build)
{
	work->build.step_count = learn_steps(build, work->build.steps);
	work->build.has_steps = true;
}

static void on_build(void *context, struct build *build, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_CI, &work->build.get, err);
	work_log_scope(&work->job);
	if (err) {
		if (err->code == ERR_MISSING)
			lose(work, false, "%s does not know the build any more. Please ask again.",
			    server_of(work));
		log_scope_end();
		return;
	}
	end_unmade(work, build);
	take_steps(work, build);
	if (work->job.state != JOB_ENDED)
		see_build(work, build);
	if (work->job.state == JOB_QUEUED && learn_was_dropped(build, clock_wall_s()))
		lose(work, true,
		    "A runner took the build and never began; it was deleted in %s. Please ask "
		    "again.",
		    server_of(work));
	errand_put_off(&work->build.get, clock_now(),
	    work->job.state == JOB_QUEUED ? WATCH_QUEUED_LOOK_MS : WATCH_EVERY_MS);
	if (work->job.state == JOB_ENDED && build_status_is_over(build->status))
		read_end(work, build);
	log_scope_end();
}

void watch_turn(struct work *work)
{
	struct works *works = work->works;
	bool is_wanted = work->job.state != JOB_QUEUED || !work->build.ahead.build;

	if (work->job.state == JOB_ENDED && work->build.get_log.is_under_way)
		return;
	if (!is_wanted || !work_may_watch(works, &work->build.get))
		return;
	work_begin(works, PARTS_CI, &work->build.get);
	ci_get_build(works->parts->ci, work->job.build, on_build, work);
}
