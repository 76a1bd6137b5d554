/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/carry.h"

#include "bridge/tell/status.h"
#include "common/file.h"
#include "common/testpoint.h"

#define POINT(work, effect, moment) TEST_POINT(job_effect_point(effect, JOB_MOMENT_##moment))

/* --- recording --- */

/* *take_changed: the job with what the effect brought. */
static void record_done(struct work *work, enum job_effect effect, struct job *take_changed)
{
	POINT(work, effect, SENT);
	take_changed->effects[effect].state = JOB_EFFECT_DONE;
	if (work_save(work, take_changed) < 0) {
		errand_fail(&work->effects.tries[effect], clock_now());
		return;
	}
	POINT(work, effect, DONE);
}

static void record_plainly_done(struct work *work, enum job_effect effect)
{
	struct job changed;

	job_copy(&work->job, &changed);
	record_done(work, effect, &changed);
}

/* It certainly did not happen, or a look did not find it: it may be tried again. */
static void make_due(struct work *work, enum job_effect effect)
{
	work->job.effects[effect].state = JOB_EFFECT_DUE;
	work->works->is_queue_judged = false;
}

/* A try without an answer is not looked for before what is on its way has arrived. */
static bool has_settled(struct work *work, enum job_effect effect)
{
	int64_t wait_s = work->job.effects[effect].tried_s + WORK_SETTLE_S - clock_wall_s();

	if (wait_s <= 0 || wait_s > WORK_SETTLE_S)
		return true;
	work_wake_at(work->works, clock_now() + wait_s * NS_PER_S);
	return false;
}

static bool is_plain_no(const struct err *err)
{
	return err->code == ERR_DENIED || err->code == ERR_MISSING;
}

/* --- the reaction --- */

static void on_reaction(void *context, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_FORGE, &work->effects.tries[JOB_EFFECT_REACT], err);
	if (err_is_passing(err))
		return;
	if (err)
		log_warning("no eyes on the comment: %s", err->msg);
	record_plainly_done(work, JOB_EFFECT_REACT);
}

static void send_reaction(struct work *work)
{
	gitea_react(work->works->parts->gitea, work_where(work), work->job.comment, "eyes",
	    on_reaction, work);
}

/* --- the build --- */

static void take_build(struct work *work, int64_t number)
{
	struct job_event event = {.kind = JOB_EVENT_CREATED, .build = number};
	struct job changed;

	work->effects.build_from_s = 0;
	work->build.step_count = 0; /* of a build that was the first try */
	work->build.has_steps = false;
	job_copy(&work->job, &changed);
	(void)job_apply(&changed, &event, clock_wall_s());
	record_done(work, JOB_EFFECT_BUILD, &changed);
	work_supersede(work); /* a newer one may have come while it had no number */
}

/* The CI server will not make a build. It asks the forge first, so its no can be the forge's for a
 * while.
 */
static void on_no_build(struct work *work, const struct err *err)
{
	char reason[JOB_REASON_SIZE];
	struct job_event event = {.kind = JOB_EVENT_UNBUILDABLE, .reason = reason};
	bool is_final = clock_wall_s() - work->effects.build_from_s >= CARRY_NO_BUILD_S &&
			work->works->parts->gates[PARTS_FORGE].failures == 0;

	make_due(work, JOB_EFFECT_BUILD);
	if (!is_final)
		return;
	(void)snprintf(reason, sizeof(reason), "%s makes no build: %s.",
	    ci_dialect(work->works->parts->ci)->name, err->msg);
	log_error("%s", reason);
	struct job changed;
	job_copy(&work->job, &changed);
	changed.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_DONE;
	(void)job_apply(&changed, &event, clock_wall_s());
	(void)!work_save(work, &changed);
}

static void on_created(void *context, struct build *build, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_CI, &work->effects.tries[JOB_EFFECT_BUILD], err);
	work_log_scope(&work->job);
	if (!err) {
		log_info("build %lld", (long long)build->number);
		take_build(work, build->number);
	} else if (is_plain_no(err) || err->code == ERR_CONFIG) {
		on_no_build(work, err);
	}
	log_scope_end();
}

static void create_build(struct work *work)
{
	const struct parts *parts = work->works->parts;
	const struct job *job = &work->job;
	struct build_params params = {.pr = job->pr,
	    .comment = job->comment,
	    .wants_extra = job->wants_extra,
	    .keep_min = job->keep_min};

	(void)copy_text(params.recipe, sizeof(params.recipe), job_recipe(job));
	(void)copy_text(params.src, sizeof(params.src), job->repo);
	(void)copy_text(params.ref, sizeof(params.ref), job->ref);
	(void)copy_text(params.stages, sizeof(params.stages), job->stages);
	(void)copy_text(params.from, sizeof(params.from), job->from);
	(void)copy_text(params.suite_ref, sizeof(params.suite_ref), job->suite_ref);
	if (!work->effects.build_from_s)
		work->effects.build_from_s = clock_wall_s();
	ci_create_build(parts->ci, parts->settings->ci_branch, &params, on_created, work);
}

/* Builds older than the comment cannot be its. */
static bool may_be_further(const struct work *work, const struct builds *builds)
{
	return builds->length >= ci_dialect(work->works->parts->ci)->page && builds->count &&
	       builds->items[builds->count - 1].created_s >= work->job.written_s - 3600;
}

static void on_builds(void *context, struct builds *builds, const struct err *err)
{
	struct work *work = context;
	struct errand *errand = &work->effects.tries[JOB_EFFECT_BUILD];

	work_end(work->works, PARTS_CI, errand, err);
	if (err) {
		work->effects.build_page = 0;
		return;
	}
	const struct build *found = learn_find(builds, &work->job);
	if (found) /* pages go back in time: a later one is older, and ours is the oldest */
		work->effects.found_build = found->number;
	if (may_be_further(work, builds)) {
		work->effects.build_page++;
		return;
	}
	work_log_scope(&work->job);
	int64_t number = work->effects.found_build;
	work->effects.build_page = 0;
	log_info(number ? "the build was made: %lld" : "the build was not made", (long long)number);
	if (number)
		take_build(work, number);
	else
		make_due(work, JOB_EFFECT_BUILD);
	log_scope_end();
}

static void look_for_build(struct work *work)
{
	if (!work->effects.build_page) {
		work->effects.build_page = 1;
		work->effects.found_build = 0;
	}
	ci_list_builds(work->works->parts->ci, work->effects.build_page, on_builds, work);
}

/* --- the deletion of a build --- */

static void on_deleted(void *context, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_CI, &work->effects.tries[JOB_EFFECT_DELETE], err);
	if (err && err->code != ERR_MISSING)
		return;
	record_plainly_done(work, JOB_EFFECT_DELETE);
}

/* The runner of a build that runs hears it only now and then. */
static bool is_heard(struct work *work)
{
	const struct ci_dialect *dialect = ci_dialect(work->works->parts->ci);
	int64_t deaf_s = 0;

	if (work->job.state == JOB_STOPPING && work->job.started_s && dialect->deaf_s)
		deaf_s = dialect->deaf_s(clock_wall_s() - work->job.started_s);
	if (deaf_s > 0)
		work_wake_at(work->works, clock_now() + deaf_s * NS_PER_S);
	return deaf_s == 0;
}

static void send_deletion(struct work *work)
{
	const struct parts *parts = work->works->parts;

	log_info(
	    "deletes build %lld in %s", (long long)work->job.build, ci_dialect(parts->ci)->name);
	ci_cancel_build(parts->ci, work->job.build, on_deleted, work);
}

/* --- texts of which the last counts --- */

/* What has no answer may arrive late, behind the next one. */
static void end_text(
    struct work *work, struct work_text *text, const struct err *err, int64_t every_ms)
{
	int64_t wait_ns = err_is_passing(err) ? WORK_SETTLE_S * NS_PER_S : every_ms * NS_PER_MS;

	work_end(work->works, PARTS_FORGE, &text->errand, err);
	text->next_ns = clock_now() + wait_ns;
}

/* No other one may follow yet. */
static bool is_in_the_air(struct works *works, const struct work_text *text)
{
	if (text->errand.is_under_way)
		return true;
	if (clock_now() >= text->next_ns)
		return false;
	work_wake_at(works, text->next_ns);
	return true;
}

/* --- our one comment --- */

static void write_text(const struct work *work, struct buf *out)
{
	const struct bridge_settings *settings = work->works->parts->settings;
	AUTO(results) results = {0};
	bool has_results = !work->job.is_shrunk && results_read(work->job.results, &results);
	struct reply_facts facts = {
	    .job = &work->job,
	    .results = has_results ? &results : NULL,
	    .steps = work->build.steps,
	    .step_count = work->build.step_count,
	    .ahead = work->build.ahead,
	    .place = work->place,
	    .usual_s = work->build.usual_s,
	    .now_s = clock_wall_s(),
	    .builds_url = ci_builds_url(work->works->parts->ci),
	    .pages_url = parts_pages_url(work->works->parts, work->job.repo),
	    .trigger = settings->trigger,
	    .ci_repo = settings->ci_repo,
	    .ci_branch = settings->ci_branch,
	};

	facts.ahead.recipe = work->build.ahead_recipe;
	reply_write(&facts, out);
}

/* --- the commit status --- */

static bool write_status(const struct work *work, struct gitea_status *out)
{
	AUTO(results) results = {0};
	bool has_results = results_read(work->job.results, &results);
	struct status_facts facts = {.job = &work->job,
	    .results = has_results ? &results : NULL,
	    .builds_url = ci_builds_url(work->works->parts->ci),
	    .pages_url = parts_pages_url(work->works->parts, work->job.repo)};

	return status_write(&facts, out);
}

static void hash_status(const struct gitea_status *status, char out[JOB_TOLD_SIZE])
{
	auto_str char *text =
	    xasprintf("%d\n%s\n%s", (int)status->state, status->description, status->url);

	file_hash_bytes(text, strlen(text), out);
}

/* The newer one's status is the one that counts, whatever comes of this. */
static bool has_newer_of_head(const struct work *work)
{
	bool has_newer = false;
	struct err err;

	if (store_has_newer_of_head(work->works->parts->store, &work->job, &has_newer, &err) < 0) {
		log_warning("%s", err.msg);
		return true;
	}
	return has_newer;
}

/* Of the last one that was sent nobody knows what it came to. */
static bool is_status_unknown(const struct work *work)
{
	return !text_is(work->job.status_tried, work->job.status_told);
}

/* True: *out is what is to be told, with its hash in status.sent. */
static bool is_status_due(struct work *work, struct gitea_status *out)
{
	if (!work->works->parts->settings->commit_status || work->effects.is_status_refused ||
	    work->job.is_shrunk || work->effects.status.errand.is_under_way ||
	    !write_status(work, out))
		return false;
	hash_status(out, work->effects.status.sent);
	return (is_status_unknown(work) ||
		   !text_is(work->effects.status.sent, work->job.status_told)) &&
	       !has_newer_of_head(work);
}

/* With the last text it is over, but not for longer than anybody waits. */
static bool is_status_settled(struct work *work)
{
	struct gitea_status status;

	return !is_in_the_air(work->works, &work->effects.status) &&
	       (!is_status_due(work, &status) ||
		   clock_wall_s() - work->job.moved_s > CARRY_GIVE_UP_S);
}

static void save_status(struct work *work, const char *told, const char *tried)
{
	struct job changed;

	job_copy(&work->job, &changed);
	(void)copy_text(changed.status_told, sizeof(changed.status_told), told);
	(void)copy_text(changed.status_tried, sizeof(changed.status_tried), tried);
	if (work_save(work, &changed) < 0)
		errand_fail(&work->effects.status.errand, clock_now());
}

/* Once for each repository, and again when it had worked in between. */
static void say_refused(struct work *work, const struct err *err)
{
	struct works *works = work->works;

	for (size_t i = 0; i < works->status_refused_count; i++) {
		if (text_is(works->status_refused[i], work->job.repo))
			return;
	}
	works->status_refused =
	    xrealloc_array(works->status_refused, works->status_refused_count + 1, sizeof(char *));
	works->status_refused[works->status_refused_count++] = xstrdup(work->job.repo);
	log_warning("no commit status in %s, answers alone: %s; our token's user has to write the "
		    "repository, and the token needs write:repository",
	    work->job.repo, err->msg);
}

static void forget_refused(struct works *works, const char *repo)
{
	for (size_t i = 0; i < works->status_refused_count; i++) {
		if (!text_is(works->status_refused[i], repo))
			continue;
		free(works->status_refused[i]);
		works->status_refused[i] = works->status_refused[--works->status_refused_count];
		return;
	}
}

static void refuse_status(struct work *work, const struct err *err)
{
	work->effects.is_status_refused = true;
	say_refused(work, err);
}

static void on_status_set(void *context, const struct err *err)
{
	struct work *work = context;

	end_text(work, &work->effects.status, err, 0);
	if (err_is_passing(err))
		return;
	work_log_scope(&work->job);
	if (err) {
		refuse_status(work, err);
	} else {
		TEST_POINT("effect.status.sent");
		forget_refused(work->works, work->job.repo);
		save_status(work, work->job.status_tried, work->job.status_tried);
		TEST_POINT("effect.status.done");
	}
	log_scope_end();
}

static void set_status(struct work *work, const struct gitea_status *status)
{
	save_status(work, work->job.status_told, work->effects.status.sent);
	if (!text_is(work->job.status_tried, work->effects.status.sent))
		return; /* not recorded, so not done */
	TEST_POINT("effect.status.before");
	work_begin(work->works, PARTS_FORGE, &work->effects.status.errand);
	gitea_set_status(work->works->parts->gitea, work_where(work), work->job.ref, STATUS_CONTEXT,
	    status, on_status_set, work);
}

static void on_status_seen(void *context, const struct gitea_status *status, const struct err *err)
{
	struct work *work = context;
	char hash[JOB_TOLD_SIZE] = "";

	work_end(work->works, PARTS_FORGE, &work->effects.status.errand, err);
	if (err_is_passing(err))
		return;
	work_log_scope(&work->job);
	if (status)
		hash_status(status, hash);
	log_info(
	    "the commit status %s there", text_is(hash, work->job.status_tried) ? "is" : "is not");
	save_status(work, hash, hash);
	log_scope_end();
}

/* The forge takes them as they come: another job's, of the same commit, comes first to its end. */
static bool is_one_in_the_air(const struct work *work)
{
	struct works *works = work->works;

	for (size_t i = 0; i < works->count; i++) {
		const struct work *other = works->items[i];

		if (text_is(other->job.ref, work->job.ref) &&
		    text_is(other->job.repo, work->job.repo) &&
		    is_in_the_air(works, &other->effects.status))
			return true;
	}
	return false;
}

static void carry_status(struct work *work)
{
	struct gitea_status status;

	if (clock_now() < work->effects.status.write_ns)
		return;
	if (!is_status_due(work, &status)) {
		work->effects.status.write_ns = clock_now() + CARRY_WRITE_EVERY_MS * NS_PER_MS;
		return;
	}
	if (is_one_in_the_air(work) ||
	    !work_may_begin(work->works, PARTS_FORGE, &work->effects.status.errand))
		return;
	if (!is_status_unknown(work)) {
		set_status(work, &status);
		return;
	}
	work_begin(work->works, PARTS_FORGE, &work->effects.status.errand);
	gitea_get_status(work->works->parts->gitea, work_where(work), work->job.ref, STATUS_CONTEXT,
	    on_status_seen, work);
}

/* --- the end of a job --- */

static bool is_last_text(const struct work *work)
{
	return work->job.state == JOB_REFUSED || work->job.state == JOB_JUDGED;
}

/*
 * The last text stands, or nobody can be told. Answers of older runs are seen to before the job is
 * at its end, and whether its own is outdated already is saved with its end: a crash in between
 * loses neither.
 */
static void end_job(struct work *work)
{
	struct job_event told = {.kind = JOB_EVENT_TOLD};
	struct job_event outdated = {.kind = JOB_EVENT_OUTDATED};
	struct job changed;

	if (!is_status_settled(work))
		return;
	if (work->job.started_s)
		work_shrink_older(work);
	job_copy(&work->job, &changed);
	(void)job_apply(&changed, &told, clock_wall_s());
	if (work_is_outdated(work))
		(void)job_apply(&changed, &outdated, clock_wall_s());
	(void)!work_save(work, &changed);
}

static void give_up_telling(struct work *work, const struct err *err)
{
	struct job changed;

	log_warning("no answer can be given: %s", err->msg);
	job_copy(&work->job, &changed);
	changed.reply = 0;
	changed.told[0] = '\0';
	changed.effects[JOB_EFFECT_REPLY].state = JOB_EFFECT_DONE;
	if (work_save(work, &changed) < 0)
		errand_fail(&work->effects.tries[JOB_EFFECT_REPLY], clock_now());
}

static void take_reply(struct work *work, int64_t comment, const char *told)
{
	struct job changed;

	job_copy(&work->job, &changed);
	changed.reply = comment;
	(void)copy_text(changed.told, sizeof(changed.told), told);
	record_done(work, JOB_EFFECT_REPLY, &changed);
}

static void hold_progress(struct work *work)
{
	work->effects.progress_ns = clock_now() + CARRY_PROGRESS_EVERY_MS * NS_PER_MS;
}

static void on_posted(void *context, struct gitea_comment *comment, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_FORGE, &work->effects.tries[JOB_EFFECT_REPLY], err);
	work->effects.reply.next_ns = clock_now() + CARRY_EDIT_EVERY_MS * NS_PER_MS;
	hold_progress(work);
	work_log_scope(&work->job);
	if (!err)
		take_reply(work, comment->id, work->effects.reply.sent);
	else if (is_plain_no(err) || clock_wall_s() - work->job.moved_s > CARRY_GIVE_UP_S)
		give_up_telling(work, err);
	log_scope_end();
}

static void post_reply(struct work *work)
{
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);

	write_text(work, &text);
	file_hash_bytes(buf_text(&text), text.length, work->effects.reply.sent);
	gitea_post_comment(work->works->parts->gitea, work_where(work), work->job.pr,
	    buf_text(&text), on_posted, work);
}

static void note_ours(struct work *work, const struct gitea_comments *comments)
{
	for (size_t i = 0; i < comments->count; i++) {
		const struct gitea_comment *comment = &comments->items[i];

		if (!work->effects.found_reply &&
		    text_is(comment->author, hear_bot(work->works->hear)) &&
		    reply_is_for(comment->body, work->job.comment))
			work->effects.found_reply = comment->id;
	}
}

static void on_pull_comments(void *context, struct gitea_comments *comments, const struct err *err)
{
	struct work *work = context;

	if (!err) {
		note_ours(work, comments);
		if (!comments->is_last)
			return;
	}
	work_end(work->works, PARTS_FORGE, &work->effects.tries[JOB_EFFECT_REPLY], err);
	work_log_scope(&work->job);
	if (err) {
		if (is_plain_no(err))
			give_up_telling(work, err);
		log_scope_end();
		return;
	}
	int64_t comment = work->effects.found_reply;
	log_info(comment ? "the comment was made: %lld" : "the comment was not made",
	    (long long)comment);
	if (comment)
		take_reply(work, comment, "");
	else
		make_due(work, JOB_EFFECT_REPLY);
	log_scope_end();
}

static void look_for_reply(struct work *work)
{
	int64_t since_s = work->job.written_s;

	if (job_is_by_hand(&work->job) || job_is_auto(&work->job))
		since_s -= CARRY_CLOCKS_S;
	work->effects.found_reply = 0;
	gitea_list_pull_comments(work->works->parts->gitea, work_where(work), work->job.pr, since_s,
	    on_pull_comments, work);
}

/* --- editing it --- */

static void on_edited(void *context, const struct err *err)
{
	struct work *work = context;
	struct job changed;

	end_text(work, &work->effects.reply, err, CARRY_EDIT_EVERY_MS);
	hold_progress(work);
	work_log_scope(&work->job);
	if (err) {
		/* Deleted by somebody: a second comment is not what they want. */
		if (is_plain_no(err) || clock_wall_s() - work->job.moved_s > CARRY_GIVE_UP_S)
			give_up_telling(work, err);
		log_scope_end();
		return;
	}
	TEST_POINT("effect.edit.sent");
	job_copy(&work->job, &changed);
	(void)copy_text(changed.told, sizeof(changed.told), work->effects.reply.sent);
	if (work_save(work, &changed) == 0)
		TEST_POINT("effect.edit.done");
	log_scope_end();
}

static void send_edit(struct work *work, const char *text)
{
	TEST_POINT("effect.edit.before");
	work_begin(work->works, PARTS_FORGE, &work->effects.reply.errand);
	gitea_edit_comment(
	    work->works->parts->gitea, work_where(work), work->job.reply, text, on_edited, work);
}

/* Until its build was looked at, a running job has no table: what stands there is better. */
static bool has_something_to_say(const struct work *work)
{
	if (work->job.state == JOB_HEARD || work->job.state == JOB_ANSWERED)
		return false;
	return is_last_text(work) || !work->job.told[0] ||
	       (work->job.state != JOB_ENDED &&
		   (work->job.state != JOB_RUNNING || work->build.has_steps));
}

static void carry_edit(struct work *work)
{
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);
	struct work_text *reply = &work->effects.reply;
	int64_t now_ns = clock_now();

	if (!has_something_to_say(work) || now_ns < reply->write_ns ||
	    is_in_the_air(work->works, reply))
		return;
	if (now_ns < work->effects.progress_ns && !is_last_text(work)) {
		work_wake_at(work->works, work->effects.progress_ns);
		return;
	}
	write_text(work, &text);
	file_hash_bytes(buf_text(&text), text.length, reply->sent);
	if (!text_is(reply->sent, work->job.told)) {
		if (work_may_begin(work->works, PARTS_FORGE, &reply->errand))
			send_edit(work, buf_text(&text));
	} else if (is_last_text(work)) {
		end_job(work);
	} else {
		reply->write_ns = now_ns + CARRY_WRITE_EVERY_MS * NS_PER_MS;
	}
}

/* --- the turn --- */

/* The build first: it is what the author waits for. */
static const struct row {
	enum job_effect effect;
	enum parts_peer peer;
	void (*send)(struct work *work);
	void (*look)(struct work *work); /* whether a try happened; NULL: sent again as well */
} rows[] = {
    {JOB_EFFECT_BUILD, PARTS_CI, create_build, look_for_build},
    {JOB_EFFECT_DELETE, PARTS_CI, send_deletion, NULL},
    {JOB_EFFECT_REACT, PARTS_FORGE, send_reaction, NULL},
    {JOB_EFFECT_REPLY, PARTS_FORGE, post_reply, look_for_reply},
};
static_assert(COUNT_OF(rows) == JOB_EFFECT_COUNT, "each effect has its row");

static bool may_have_happened(const struct work *work, const struct row *row)
{
	return row->look && work->job.effects[row->effect].state == JOB_EFFECT_TRIED;
}

/* What was tried is looked for whoever waits: it may be in the line already. */
static bool is_time_for(struct work *work, enum job_effect effect)
{
	switch (effect) {
	case JOB_EFFECT_DELETE:
		return is_heard(work);
	case JOB_EFFECT_BUILD:
		return !job_is_held(&work->job) || work_may_ask(work);
	case JOB_EFFECT_REACT:
	case JOB_EFFECT_REPLY:
		break;
	}
	return true;
}

static bool may_begin(struct work *work, const struct row *row)
{
	enum job_effect_state state = work->job.effects[row->effect].state;

	return (state == JOB_EFFECT_DUE || state == JOB_EFFECT_TRIED) &&
	       is_time_for(work, row->effect) &&
	       work_may_begin(work->works, row->peer, &work->effects.tries[row->effect]) &&
	       (!may_have_happened(work, row) || has_settled(work, row->effect));
}

/* Recorded, so that whoever comes after a crash knows that they may have happened. */
static int record_tries(struct work *work, const bool is_tried[COUNT_OF(rows)])
{
	struct job changed;

	job_copy(&work->job, &changed);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!is_tried[i])
			continue;
		changed.effects[rows[i].effect].state = JOB_EFFECT_TRIED;
		changed.effects[rows[i].effect].tried_s = clock_wall_s();
	}
	return work_save(work, &changed);
}

static void send_tries(struct work *work, const bool is_tried[COUNT_OF(rows)])
{
	int result = record_tries(work, is_tried);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!is_tried[i])
			continue;
		if (result < 0) {
			work_take_back(
			    work->works, rows[i].peer, &work->effects.tries[rows[i].effect]);
			continue;
		}
		POINT(work, rows[i].effect, BEFORE);
		rows[i].send(work);
	}
}

/* All that one turn tries is one transaction: what a commit costs does not depend on how much is in
 * it. */
static void carry_effects(struct work *work)
{
	bool is_tried[COUNT_OF(rows)] = {false};
	bool is_any_tried = false;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];

		if (!may_begin(work, row))
			continue;
		work_begin(work->works, row->peer, &work->effects.tries[row->effect]);
		if (may_have_happened(work, row)) {
			row->look(work);
		} else {
			is_tried[i] = true;
			is_any_tried = true;
		}
	}
	if (is_any_tried)
		send_tries(work, is_tried);
}

static bool has_no_reply_yet(const struct work *work)
{
	enum job_effect_state state = work->job.effects[JOB_EFFECT_REPLY].state;

	return state == JOB_EFFECT_DUE || state == JOB_EFFECT_TRIED;
}

void carry_turn(struct work *work)
{
	carry_effects(work);
	carry_status(work);
	if (has_no_reply_yet(work))
		return;
	if (work->job.reply)
		carry_edit(work);
	else if (is_last_text(work))
		end_job(work);
}
