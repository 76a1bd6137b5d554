/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/decide.h"

#include <strings.h>

#define REFUSALS_WITHIN_S 3600
#define CANCEL_AGAIN_MS 500
#define HEARD_AGAIN_MS 5000 /* a job that could not be saved as decided */

/* --- the facts --- */

static void on_comment(void *context, struct gitea_comment *comment, const struct err *err)
{
	struct work *work = context;
	struct job_event event = {.kind = JOB_EVENT_IGNORED};

	work_end(work->works, PARTS_FORGE, &work->decision.get_comment, err);
	/* Deleted, or its author was: nobody waits for an answer. */
	if (err ? err->code == ERR_MISSING : !*comment->author)
		(void)!work_apply(work, &event);
	if (err || !*comment->author)
		return;
	command_read(comment->body, strlen(comment->body), work->works->parts->settings->trigger,
	    &work->decision.command);
	work->decision.is_edited = comment->created_s != comment->updated_s;
	work->decision.has_command = true;
}

static void on_member(void *context, const enum gitea_member *member, const struct err *err)
{
	struct work *work = context;

	work_end(work->works, PARTS_FORGE, &work->decision.get_member, err);
	if (err) {
		if (err->code == ERR_DENIED)
			work->decision.membership = POLICY_MEMBERSHIP_DENIED;
		return;
	}
	switch (*member) {
	case GITEA_MEMBER:
		work->decision.membership = POLICY_MEMBER;
		break;
	case GITEA_NOT_MEMBER:
		work->decision.membership = POLICY_NOT_MEMBER;
		break;
	case GITEA_BOT_OUTSIDE:
		work->decision.membership = POLICY_BOT_OUTSIDE;
		break;
	}
}

static void take_pull(
    struct work *work, struct work_head *head, const struct gitea_pull *pull, const struct err *err)
{
	work_end(work->works, PARTS_FORGE, &head->get_pull, err);
	if (err) {
		if (err->code == ERR_MISSING)
			head->pull = POLICY_PULL_MISSING;
		return;
	}
	head->pull = pull->is_merged ? POLICY_PULL_MERGED
		     : pull->is_open ? POLICY_PULL_OPEN
				     : POLICY_PULL_CLOSED;
	head->facts = *pull;
}

static void on_pull(void *context, const struct gitea_pull *pull, const struct err *err)
{
	struct work *work = context;

	take_pull(work, &work->decision.head, pull, err);
}

static void on_suites_pull(void *context, const struct gitea_pull *pull, const struct err *err)
{
	struct work *work = context;

	take_pull(work, &work->decision.suites, pull, err);
}

/* Ids of comments and events are of one row over all repositories of a forge: the events of the
 * suites' pull request compare with the comment as those of its own do. */
static void take_timeline(struct work *work, struct work_head *head,
    const struct gitea_timeline *timeline, const struct err *err)
{
	int64_t now_ns = clock_now();

	work_end(work->works, PARTS_FORGE, &head->get_timeline, err);
	if (err)
		return;
	struct policy_push_facts facts = {
	    .head_sha = head->facts.head_sha,
	    .comment_id = work->job.comment,
	    .push_id = timeline->push_id,
	    .push_sha = timeline->push_sha,
	    .reopen_id = timeline->reopen_id,
	    .has_waited = now_ns - head->push_from_ns >= POLICY_PUSH_SETTLE_MS * NS_PER_MS,
	};
	head->push = policy_judge_push(&facts);
	if (head->push == POLICY_PUSH_UNKNOWN) {
		/* The head has to be read before the timeline each time. */
		head->pull = POLICY_PULL_UNKNOWN;
		errand_put_off(&head->get_pull, now_ns, POLICY_PUSH_AGAIN_MS);
	}
}

static void on_timeline(void *context, const struct gitea_timeline *timeline, const struct err *err)
{
	struct work *work = context;

	take_timeline(work, &work->decision.head, timeline, err);
}

static void on_suites_timeline(
    void *context, const struct gitea_timeline *timeline, const struct err *err)
{
	struct work *work = context;

	take_timeline(work, &work->decision.suites, timeline, err);
}

/* It decides nothing, so nobody waits for it: the job may have a build by now. */
static void on_behind(void *context, const int64_t *count, const struct err *err)
{
	struct work *work = context;
	struct job changed;

	work_end(work->works, PARTS_FORGE, &work->decision.count_behind, err);
	if (err)
		return;
	job_copy(&work->job, &changed);
	changed.behind = *count;
	(void)!work_save(work, &changed);
}

static void count_behind(struct work *work)
{
	const struct gitea_pull *facts = &work->decision.head.facts;

	if (work->decision.has_compared || !gitea_is_behind(facts) ||
	    !work_may_begin(work->works, PARTS_FORGE, &work->decision.count_behind))
		return;
	work->decision.has_compared = true;
	work_begin(work->works, PARTS_FORGE, &work->decision.count_behind);
	gitea_count_ahead(work->works->parts->gitea, work_where(work), facts->head_sha,
	    facts->target_sha, on_behind, work);
}

struct head_question {
	const char *repo;
	int64_t pr;
	gitea_pull_done on_pull;
	gitea_timeline_done on_timeline;
};

static void ask_for_head(
    struct work *work, struct work_head *head, const struct head_question *question)
{
	struct works *works = work->works;
	struct gitea *gitea = works->parts->gitea;

	if (head->pull == POLICY_PULL_UNKNOWN &&
	    work_may_begin(works, PARTS_FORGE, &head->get_pull)) {
		work_begin(works, PARTS_FORGE, &head->get_pull);
		gitea_get_pull(gitea, question->repo, question->pr, question->on_pull, work);
	}
	if (head->pull == POLICY_PULL_OPEN && head->push == POLICY_PUSH_UNKNOWN &&
	    work_may_begin(works, PARTS_FORGE, &head->get_timeline)) {
		if (!head->push_from_ns)
			head->push_from_ns = clock_now();
		work_begin(works, PARTS_FORGE, &head->get_timeline);
		gitea_get_timeline(
		    gitea, question->repo, question->pr, question->on_timeline, work);
	}
}

static void ask_for_facts(struct work *work, const struct policy_facts *facts)
{
	struct works *works = work->works;
	struct gitea *gitea = works->parts->gitea;
	const char *slash = strchr(work->job.repo, '/');
	auto_str char *owner = xstrndup(work->job.repo, (size_t)(slash - work->job.repo));

	work->decision.has_asked = true;
	if (!facts->is_allowlisted && work->decision.membership == POLICY_MEMBERSHIP_UNKNOWN &&
	    work_may_begin(works, PARTS_FORGE, &work->decision.get_member)) {
		work_begin(works, PARTS_FORGE, &work->decision.get_member);
		gitea_get_member(gitea, owner, work->job.author, on_member, work);
	}
	if (facts->starts_nothing)
		return;
	ask_for_head(work, &work->decision.head,
	    &(struct head_question){work_where(work), work->job.pr, on_pull, on_timeline});
	if (facts->wants_suites && facts->may_choose_suites)
		ask_for_head(work, &work->decision.suites,
		    &(struct head_question){works->parts->settings->ci_repo,
			work->decision.command.suite_pr, on_suites_pull, on_suites_timeline});
	if (work->decision.head.pull == POLICY_PULL_OPEN)
		count_behind(work);
}

/* --- what follows --- */

static void apply(struct work *work, const struct job_event *event)
{
	if (work_apply(work, event) < 0)
		work_wake_at(work->works, clock_now() + HEARD_AGAIN_MS * NS_PER_MS);
}

/* They change from one time to the next, or were asked for again. */
static bool may_repeat(enum command_kind kind)
{
	return kind == COMMAND_STATUS || kind == COMMAND_HELP;
}

/*
 * One sentence each, but no flood: in an hour the same one once, and after some the rest stay
 * without an answer.
 */
static void refuse(struct work *work, const char *sentence)
{
	char reason[JOB_REASON_SIZE];
	struct job_event event = {.kind = JOB_EVENT_REFUSED, .reason = reason};
	struct store_refusals before;
	struct err err;

	if (store_find_refusals(work->works->parts->store, &work->job,
		clock_wall_s() - REFUSALS_WITHIN_S, sentence, &before, &err) < 0) {
		log_warning("%s", err.msg);
		work_wake_at(work->works, clock_now() + HEARD_AGAIN_MS * NS_PER_MS);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "%s", sentence);
	if (before.count == REPLY_REFUSALS_PER_HOUR - 1)
		reply_add_limit_note(reason, sizeof(reason));
	if (before.count >= REPLY_REFUSALS_PER_HOUR ||
	    (before.has_reason && !may_repeat(work->decision.command.kind)))
		event.kind = JOB_EVENT_IGNORED;
	apply(work, &event);
}

/*
 * Ends what was asked for before it in its pull request. What is not decided or has no build yet
 * cannot be ended: then it waits.
 */
static void cancel(struct work *work)
{
	size_t ended = 0;

	if (!work_cancel_older(work, &ended)) {
		work_wake_at(work->works, clock_now() + CANCEL_AGAIN_MS * NS_PER_MS);
		return;
	}
	/* The answer to what was ended says so. */
	if (ended)
		apply(work, &(struct job_event){.kind = JOB_EVENT_IGNORED});
	else
		refuse(work, "Nothing that was asked for in this pull request is running.");
}

static void tell_status(struct work *work)
{
	AUTO(job) newest = {0};
	struct store *store = work->works->parts->store;
	char sentence[JOB_REASON_SIZE];
	int64_t comment = 0;
	struct err err;

	if (store_find_newest(store, &work->job, &comment, &err) < 0 ||
	    (comment && store_load(store, comment, &newest, &err) < 0)) {
		log_warning("%s", err.msg);
		work_wake_at(work->works, clock_now() + HEARD_AGAIN_MS * NS_PER_MS);
		return;
	}
	reply_status(comment ? &newest : NULL, clock_wall_s(), sentence, sizeof(sentence));
	refuse(work, sentence);
}

static void allow(struct work *work)
{
	const struct gitea_pull *head = &work->decision.head.facts;
	struct job_event event = {.kind = JOB_EVENT_ALLOWED};
	struct job changed;

	job_copy(&work->job, &changed);
	(void)copy_text(changed.ref, sizeof(changed.ref), head->head_sha);
	if (gitea_is_behind(head))
		(void)copy_text(changed.target, sizeof(changed.target), head->target);
	command_write_stages(&work->decision.command, changed.stages);
	(void)copy_text(changed.from, sizeof(changed.from), work->decision.command.from);
	changed.keep_min = work->decision.command.keep_min;
	changed.wants_extra = work->decision.command.wants_extra;
	changed.suite_pr = work->decision.command.suite_pr;
	if (changed.suite_pr)
		(void)copy_text(changed.suite_ref, sizeof(changed.suite_ref),
		    work->decision.suites.facts.head_sha);
	(void)job_apply(&changed, &event, clock_wall_s());
	if (work_save(work, &changed) < 0)
		work_wake_at(work->works, clock_now() + HEARD_AGAIN_MS * NS_PER_MS);
	else
		work_supersede(work);
}

static void go(struct work *work)
{
	char reason[JOB_REASON_SIZE];

	switch (work->decision.command.kind) {
	case COMMAND_TEST:
		allow(work);
		return;
	case COMMAND_CANCEL:
		cancel(work);
		return;
	case COMMAND_STATUS:
		tell_status(work);
		return;
	case COMMAND_MISTYPED:
		refuse(work, work->decision.command.why);
		return;
	case COMMAND_HELP:
		reply_help(work->works->parts->settings->trigger, reason, sizeof(reason));
		refuse(work, reason);
		return;
	case COMMAND_NONE:
		apply(work, &(struct job_event){.kind = JOB_EVENT_IGNORED});
		return;
	}
}

static struct policy_head collect_head(const struct work_head *head)
{
	return (struct policy_head){head->pull, head->push, head->facts.head_sha};
}

static struct policy_facts collect(const struct work *work)
{
	const struct bridge_settings *settings = work->works->parts->settings;

	return (struct policy_facts){
	    .is_bot = strcasecmp(work->job.author, hear_bot(work->works->hear)) == 0,
	    .is_enrolled = hear_is_enrolled(work->works->hear, work->job.repo),
	    .is_edited = work->decision.is_edited,
	    .starts_nothing = work->decision.command.kind == COMMAND_CANCEL ||
			      work->decision.command.kind == COMMAND_STATUS,
	    .is_allowlisted = bridge_settings_allow(settings, work->job.author),
	    .membership = work->decision.membership,
	    .head = collect_head(&work->decision.head),
	    .wants_suites = work->decision.command.suite_pr != 0,
	    .may_choose_suites = bridge_settings_allow_with_tests(settings, work->job.author),
	    .suites = collect_head(&work->decision.suites),
	    .age_s = clock_wall_s() - work->job.written_s,
	    .max_age_s = settings->max_comment_age_ms / 1000,
	    .has_asked = work->decision.has_asked,
	};
}

static bool is_too_old(const struct work *work)
{
	int64_t max_age_s = work->works->parts->settings->max_comment_age_ms / 1000;

	return clock_wall_s() - work->job.written_s > max_age_s;
}

void decide_turn(struct work *work)
{
	struct works *works = work->works;

	if (!hear_knows_enrolled(works->hear))
		return;
	/* Heard by an earlier process: the comment says what it is, unless it is too late anyway.
	 */
	if (!work->decision.has_command && !is_too_old(work)) {
		work->decision.has_asked = true;
		if (work_may_begin(works, PARTS_FORGE, &work->decision.get_comment)) {
			work_begin(works, PARTS_FORGE, &work->decision.get_comment);
			gitea_get_comment(works->parts->gitea, work_where(work), work->job.comment,
			    on_comment, work);
		}
		return;
	}
	struct policy_facts facts = collect(work);
	struct decision decision = policy_decide(&facts);

	if (decision.kind == DECISION_ASK_AGAIN) {
		ask_for_facts(work, &facts);
		return;
	}
	log_info("decision: %s", decision_reason_word(decision.reason));
	switch (decision.kind) {
	case DECISION_GO:
		go(work);
		break;
	case DECISION_REFUSE:
		refuse(work, decision_sentence(decision.reason));
		break;
	case DECISION_IGNORE:
		apply(work, &(struct job_event){.kind = JOB_EVENT_IGNORED});
		break;
	case DECISION_ASK_AGAIN:
		break;
	}
}
