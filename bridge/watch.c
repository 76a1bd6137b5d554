/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of a build: one list of Drone's for all jobs every WORK_WATCH_EVERY_MS, the build
 * itself for a job whose steps are shown or whose report is read. Part of tend.h.
 */
#include "bridge/work.h"

static void learn_usual(struct work *work)
{
	struct err err;

	if (!work->usual_s && store_usual_s(work->tend->parts.store, job_recipe(&work->job),
				  &work->usual_s, &err) < 0)
		log_warning("%s", err.msg);
}

static void lose(struct work *work, bool must_delete, const char *reason)
{
	struct job_event event = {
	    .kind = JOB_EVENT_LOST, .reason = reason, .must_delete = must_delete};

	log_warning("build %lld: %s", (long long)work->job.build, reason);
	(void)!work_apply(work, &event);
}

/* Our clock, from when we saw it start: Drone's may differ. */
static void check_overdue(struct work *work)
{
	int64_t since_s = clock_wall_s() - work->job.moved_s;

	if (work->job.state == JOB_RUNNING &&
	    since_s > work->tend->timeout_s + WORK_OVERDUE_GRACE_S)
		lose(work, true,
		    "Drone says that the build still runs, long after its limit: its runner is "
		    "gone. The build was deleted there; please ask again.");
	else if (work->job.state == JOB_QUEUED && since_s > JOB_QUEUED_MAX_S)
		lose(work, true,
		    "No runner took the build for a day; it was deleted in Drone. Please ask again "
		    "when a runner is back.");
}

static void see_started(struct work *work, const struct drone_build *build)
{
	struct job_event event = {
	    .kind = JOB_EVENT_STARTED, .at_s = build->started_s ? build->started_s : 1};

	if (work->job.state != JOB_QUEUED)
		return;
	learn_usual(work);
	if (work_apply(work, &event) == 0 && work->job.state == JOB_RUNNING)
		work_shrink_older(work);
}

static void see_build(struct work *work, const struct drone_build *build)
{
	struct job_event ended = {.kind = JOB_EVENT_ENDED, .at_s = build->finished_s};

	if (drone_status_is_over(build->status)) {
		if (build->started_s)
			see_started(work, build);
		(void)!work_apply(work, &ended);
		return;
	}
	if (build->status == DRONE_RUNNING)
		see_started(work, build);
	check_overdue(work);
}

/* --- the list --- */

static void see_queue(struct work *work, const struct drone_builds *builds)
{
	const struct drone_build *ahead = learn_ahead(builds, work->job.build);
	struct err err;

	work->ahead = (struct reply_ahead){0};
	work->ahead_recipe[0] = '\0';
	if (!ahead)
		return;
	(void)copy_text(work->ahead_recipe, sizeof(work->ahead_recipe), ahead->params.recipe);
	work->ahead.build = ahead->number;
	work->ahead.pr = ahead->params.pr;
	work->ahead.running_s =
	    ahead->status == DRONE_RUNNING ? clock_wall_s() - ahead->started_s : -1;
	if (work->ahead_recipe[0] && store_usual_s(work->tend->parts.store, work->ahead_recipe,
					 &work->ahead.usual_s, &err) < 0)
		log_warning("%s", err.msg);
}

static void see_list(struct work *work, const struct drone_builds *builds)
{
	const struct drone_build *build = NULL;

	for (size_t i = 0; i < builds->count && !build; i++) {
		if (builds->items[i].number == work->job.build)
			build = &builds->items[i];
	}
	log_scope("job=%lld", (long long)work->job.comment);
	if (build)
		see_build(work, build);
	else
		work->get_build.due_ns = 0; /* further back than one page: ask for it alone */
	if (work->job.state == JOB_QUEUED)
		see_queue(work, builds);
	log_scope_end();
}

static void on_list(void *context, struct drone_builds *builds, const struct err *err)
{
	struct tend *tend = context;

	work_end_drone(tend, &tend->list_builds, err);
	if (err)
		return;
	errand_put_off(&tend->list_builds, clock_now(), WORK_WATCH_EVERY_MS);
	for (size_t i = 0; i < tend->count; i++) {
		struct work *work = tend->works[i];

		if (work->job.state == JOB_QUEUED || work->job.state == JOB_RUNNING)
			see_list(work, builds);
	}
}

void watch_list(struct tend *tend)
{
	bool is_wanted = false;

	for (size_t i = 0; i < tend->count && !is_wanted; i++)
		is_wanted = tend->works[i]->job.state == JOB_QUEUED ||
			    tend->works[i]->job.state == JOB_RUNNING;
	if (!is_wanted || !work_may_watch(tend, &tend->list_builds))
		return;
	work_begin_drone(tend, &tend->list_builds);
	drone_list_builds(tend->parts.drone, tend->parts.settings->ci_repo, 1, on_list, tend);
}

/* --- the end of a build --- */

static void judge(struct work *work, const struct drone_build *build, const struct buf *log)
{
	AUTO(learnt) learnt = {0};

	learn_end(build, log, work->job.comment, work->tend->timeout_s, &learnt);
	if (work_apply(work, &learnt.event) < 0)
		errand_fail(&work->get_build, clock_now());
}

static bool has_waited_for_report(const struct work *work)
{
	return clock_wall_s() - work->job.moved_s > JOB_REPORT_MAX_S;
}

static void on_log(void *context, const struct buf *log, const struct err *err)
{
	struct work *work = context;
	bool is_final = err && (err->code == ERR_LIMIT || err->code == ERR_PROTOCOL ||
				   (!err_is_passing(err) && has_waited_for_report(work)));

	work_end_drone(work->tend, &work->get_log, err);
	log_scope("job=%lld", (long long)work->job.comment);
	if (!err)
		judge(work, &work->ended, log);
	else if (is_final)
		judge(work, &work->ended, NULL);
	drone_build_release(&work->ended);
	log_scope_end();
}

/* The report's log when there can be one; else the build's own words. */
static void read_end(struct work *work, struct drone_build *build)
{
	const struct tend_parts *parts = &work->tend->parts;
	int64_t stage = 0;
	const struct drone_step *report = drone_find_step(build, LEARN_REPORT_STEP, &stage);
	bool has_log =
	    report && (report->status == DRONE_SUCCESS || report->status == DRONE_FAILURE);

	if (!has_log) {
		judge(work, build, NULL);
		return;
	}
	if (!work_may_ask_drone(work->tend, &work->get_log))
		return;
	int64_t step = report->number;
	drone_build_release(&work->ended);
	work->ended = *build;
	*build = (struct drone_build){0};
	work_begin_drone(work->tend, &work->get_log);
	drone_get_log(
	    parts->drone, parts->settings->ci_repo, work->job.build, stage, step, on_log, work);
}

static void take_steps(struct work *work, const struct drone_build *build)
{
	work->step_count = learn_steps(build, work->steps);
	work->has_steps = true;
}

static void on_build(void *context, struct drone_build *build, const struct err *err)
{
	struct work *work = context;

	work_end_drone(work->tend, &work->get_build, err);
	log_scope("job=%lld", (long long)work->job.comment);
	if (err) {
		if (err->code == ERR_MISSING)
			lose(work, false,
			    "Drone does not know the build any more. Please ask again.");
		log_scope_end();
		return;
	}
	take_steps(work, build);
	if (work->job.state != JOB_ENDED)
		see_build(work, build);
	if (work->job.state == JOB_QUEUED && learn_was_dropped(build, clock_wall_s()))
		lose(work, true,
		    "A runner took the build and never began; it was deleted in Drone. Please ask "
		    "again.");
	errand_put_off(&work->get_build, clock_now(),
	    work->job.state == JOB_QUEUED ? WORK_QUEUED_LOOK_MS : WORK_WATCH_EVERY_MS);
	if (work->job.state == JOB_ENDED && drone_status_is_over(build->status))
		read_end(work, build);
	log_scope_end();
}

void watch_turn(struct work *work)
{
	struct tend *tend = work->tend;
	bool is_wanted = work->job.state != JOB_QUEUED || !work->ahead.build;

	if (work->job.state == JOB_ENDED && work->get_log.is_under_way)
		return;
	if (!is_wanted || !work_may_watch(tend, &work->get_build))
		return;
	work_begin_drone(tend, &work->get_build);
	drone_get_build(
	    tend->parts.drone, tend->parts.settings->ci_repo, work->job.build, on_build, work);
}
