/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/reply.h"

#include "bridge/tell/markdown.h"
#include "common/clock.h"
#include "common/since.h"

#define TRAILER_BEGIN "<!-- ccci {\"%s\":%lld"
#define TRAILER_END "} -->"
#define END_MAX_BYTES 1024 /* the words to run it again and the hidden line */
#define SHORT_REF 8
#define REASON_SHOWN_BYTES 500 /* of a stage that did not decide */
#define NAME_SHOWN_BYTES 100
#define ALLOWED_SHOWN 8

/* --- pieces --- */

static void add_build(const struct reply_facts *facts, int64_t build, struct buf *out)
{
	if (!*facts->builds_url)
		(void)buf_printf(out, "#%lld", (long long)build);
	else
		(void)buf_printf(
		    out, "[#%lld](%s/%lld)", (long long)build, facts->builds_url, (long long)build);
}

static void add_minutes(struct buf *out, int64_t seconds)
{
	if (seconds < 60)
		(void)buf_add_text(out, "under 1 min");
	else
		(void)buf_printf(out, "%lld min", (long long)(seconds / 60));
}

static void add_usual(struct buf *out, int64_t usual_s)
{
	if (usual_s > 0)
		(void)buf_printf(out, ", usually %lld", (long long)((usual_s + 59) / 60));
}

static void add_duration(struct buf *out, double seconds)
{
	char text[CLOCK_DURATION_SIZE];

	clock_format_duration((int64_t)(seconds * 1000), text);
	(void)buf_add_text(out, text);
}

static void add_versions(const struct job *job, struct buf *out)
{
	if (job->base_version[0]) {
		(void)buf_add_char(out, ' ');
		(void)markdown_add_plain(out, job->base_version, NAME_SHOWN_BYTES);
		(void)buf_add_text(out, " →");
	}
	if (job->head_version[0]) {
		(void)buf_add_char(out, ' ');
		(void)markdown_add_plain(out, job->head_version, NAME_SHOWN_BYTES);
	} else if (job->ref[0]) {
		(void)buf_printf(out, " at `%.*s`", SHORT_REF, job->ref);
	}
}

static void add_subject(const struct reply_facts *facts, struct buf *out)
{
	(void)buf_add_text(out, " · ");
	(void)markdown_add_plain(out, job_recipe(facts->job), NAME_SHOWN_BYTES);
	add_versions(facts->job, out);
	if (facts->job->build) {
		(void)buf_add_text(out, " · build ");
		add_build(facts, facts->job->build, out);
		if (facts->pages_url)
			(void)buf_printf(out, " · [page](%s/runs/%lld)", facts->pages_url,
			    (long long)facts->job->build);
	}
}

static const char *outcome_text(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		return "✅ passed";
	case OUTCOME_FAIL:
		return "❌ failed";
	case OUTCOME_NOT_RUN:
		return "➖ not run";
	case OUTCOME_UNVERIFIED:
		return "❔ not verified";
	case OUTCOME_ERROR:
		return "⚠️ CI error";
	}
	return "";
}

static const char *step_text(enum reply_step_state state)
{
	switch (state) {
	case REPLY_STEP_WAITING:
		return "· waiting";
	case REPLY_STEP_RUNNING:
		return "⏳ running";
	case REPLY_STEP_PASSED:
		return "✅ done";
	case REPLY_STEP_FAILED:
		return "❌ failed";
	case REPLY_STEP_SKIPPED:
		return "➖ skipped";
	case REPLY_STEP_ENDED:
		return "🛑 ended";
	}
	return "";
}

/* --- the parts of the comment --- */

/* "{"comment":812"; without a comment "{"by_hand":41", the build, or "{"auto":…", an id of ours. */
static char *trailer_begin(const struct job *job)
{
	bool is_by_hand = job_is_by_hand(job);
	const char *what = is_by_hand ? "by_hand" : job_is_auto(job) ? "auto" : "comment";

	return xasprintf(
	    TRAILER_BEGIN, what, (long long)(is_by_hand ? job_build_of(job) : job->comment));
}

static void add_trailer(const struct reply_facts *facts, struct buf *out)
{
	const struct job *job = facts->job;
	bool was_refused = job->state == JOB_REFUSED;
	auto_str char *begin = trailer_begin(job);

	(void)buf_printf(out, "\n%s", begin);
	if (job->build)
		(void)buf_printf(out, ",\"build\":%lld", (long long)job->build);
	if (job->ref[0])
		(void)buf_printf(out, ",\"ref\":\"%s\"", job->ref);
	if (job->has_verdict && !job_is_in_build(job))
		(void)buf_printf(out, ",\"verdict\":\"%s\",\"level\":%d",
		    verdict_word(job->verdict), job->level);
	else if (was_refused)
		(void)buf_printf(out, ",\"verdict\":\"%s\"", verdict_word(VERDICT_NOT_RUN));
	else
		(void)buf_printf(out, ",\"state\":\"%s\"", job_state_word(job->state));
	(void)buf_add_text(out, TRAILER_END "\n");
}

/* What will be merged is not quite what is tested. */
static void add_behind(const struct job *job, struct buf *out)
{
	if (!job->target[0])
		return;
	(void)buf_add_text(out, "\nThe head is ");
	if (job->behind)
		(void)buf_printf(out, "%lld %s ", (long long)job->behind,
		    job->behind == 1 ? "commit" : "commits");
	(void)buf_add_text(out, "behind ");
	(void)markdown_add_code(out, job->target);
	(void)buf_add_text(out, ": what is there since is not tested with it.\n");
}

/* A green one is no green of the recipe's as it stands, and a red one may be the suites' fault. */
static void add_trial(const struct reply_facts *facts, struct buf *out)
{
	const struct job *job = facts->job;

	if (!job_is_trial(job))
		return;
	auto_str char *pull = job->suite_pr
				  ? xasprintf("%s#%lld", facts->ci_repo, (long long)job->suite_pr)
				  : xstrdup(facts->ci_repo);
	auto_str char *commit = xstrndup(job->suite_ref, SHORT_REF);
	(void)buf_add_text(out, "\nA trial: judged by the suites of ");
	(void)markdown_add_code(out, pull);
	(void)buf_add_text(out, " at ");
	(void)markdown_add_code(out, commit);
	(void)buf_add_text(out, ", not by those in force on ");
	(void)markdown_add_code(out, facts->ci_branch);
	(void)buf_add_text(out, ". It counts for no level and no commit status.\n");
}

/*
 * How the build came to be, when it is not plainly what a comment asked for: started by hand, or
 * the second one, after an error of ours, with which: whoever runs the host should hear of it. And
 * what the head lacks.
 */
static void add_notes(const struct reply_facts *facts, struct buf *out)
{
	const struct job *job = facts->job;

	if (job_is_by_hand(job)) {
		(void)buf_add_text(out, "\nStarted on the page of the CI server");
		if (job->author[0]) {
			(void)buf_add_text(out, " by ");
			(void)markdown_add_text(out, job->author, NAME_SHOWN_BYTES);
		}
		(void)buf_add_text(out, ", not by a comment.\n");
	}
	if (job_is_auto(job)) {
		(void)buf_add_text(
		    out, "\nTested without a comment, like each head of a pull request of ");
		(void)markdown_add_text(out, job->author, NAME_SHOWN_BYTES);
		(void)buf_add_text(out, ".\n");
	}
	add_trial(facts, out);
	add_behind(job, out);
	if (!job->first_build)
		return;
	(void)buf_add_text(out, "\nBuild ");
	add_build(facts, job->first_build, out);
	(void)buf_add_text(out, " was a CI error and was tried again, once: ");
	(void)markdown_add_text(out, job->first_reason, REASON_SHOWN_BYTES);
	(void)buf_add_char(out, '\n');
}

/* Others may read it, but it is written to who asked. */
static void add_held(const struct reply_facts *facts, struct buf *out)
{
	const struct queue_place *place = &facts->place;

	(void)buf_printf(out, "**ccci: queued** behind %zu ", place->behind);
	if (!place->is_persons) {
		(void)buf_add_text(out, "runs of this repository");
	} else if (job_is_auto(facts->job)) {
		(void)buf_add_text(out, "other runs of ");
		(void)markdown_add_text(out, facts->job->author, NAME_SHOWN_BYTES);
	} else {
		(void)buf_add_text(out, "of your own runs");
	}
	if (place->do_others_wait)
		(void)buf_add_text(out, ", as others wait");
	add_subject(facts, out);
	(void)buf_add_char(out, '\n');
	add_notes(facts, out);
}

static void add_asked(const struct reply_facts *facts, struct buf *out)
{
	(void)buf_printf(
	    out, "**ccci: %s**", facts->job->first_build ? "CI error, tried again" : "heard");
	add_subject(facts, out);
	(void)buf_add_text(out, " · asks for a build\n");
	add_notes(facts, out);
}

static void add_queued(const struct reply_facts *facts, struct buf *out)
{
	const struct reply_ahead *ahead = &facts->ahead;

	(void)buf_add_text(out, "**ccci: queued**");
	if (!ahead->build) {
		add_subject(facts, out);
		(void)buf_add_text(out, " · waits for a runner\n");
		add_notes(facts, out);
		return;
	}
	(void)buf_add_text(out, " behind build ");
	add_build(facts, ahead->build, out);
	(void)buf_add_text(out, " (");
	if (ahead->recipe[0] && ahead->pr) {
		auto_str char *which = xasprintf("%s #%lld", ahead->recipe, (long long)ahead->pr);

		(void)markdown_add_code(out, which);
		(void)buf_add_text(out, ", ");
	}
	if (ahead->running_s < 0) {
		(void)buf_add_text(out, "queued itself");
	} else {
		add_minutes(out, ahead->running_s);
		(void)buf_add_text(out, " in");
		add_usual(out, ahead->usual_s);
	}
	(void)buf_add_text(out, ")");
	if (ahead->more)
		(void)buf_printf(out, " and %zu more", ahead->more);
	if (ahead->wait_s)
		(void)buf_printf(
		    out, ", starts in about %lld min", (long long)((ahead->wait_s + 59) / 60));
	add_subject(facts, out);
	(void)buf_add_char(out, '\n');
	add_notes(facts, out);
}

static const struct reply_step *running_step(const struct reply_facts *facts)
{
	for (size_t i = 0; i < facts->step_count; i++) {
		if (facts->steps[i].state == REPLY_STEP_RUNNING)
			return &facts->steps[i];
	}
	return NULL;
}

static void add_steps(const struct reply_facts *facts, struct buf *out)
{
	if (!facts->step_count)
		return;
	(void)buf_add_text(out, "\n| step | result | time |\n|---|---|---|\n");
	for (size_t i = 0; i < facts->step_count; i++) {
		const struct reply_step *step = &facts->steps[i];
		bool is_over = step->state == REPLY_STEP_PASSED || step->state == REPLY_STEP_FAILED;

		(void)buf_add_text(out, "| ");
		(void)markdown_add_plain(out, step->name, NAME_SHOWN_BYTES);
		(void)buf_printf(out, " | %s | ", step_text(step->state));
		if (is_over)
			add_duration(out, (double)step->seconds);
		else if (step->state == REPLY_STEP_RUNNING && step->started_s)
			add_minutes(out, facts->now_s - step->started_s);
		(void)buf_add_text(out, " |\n");
	}
}

static void add_running(const struct reply_facts *facts, struct buf *out)
{
	const struct reply_step *step = running_step(facts);

	(void)buf_add_text(out, "**ccci: running");
	if (step) {
		(void)buf_add_char(out, ' ');
		(void)markdown_add_plain(out, step->name, NAME_SHOWN_BYTES);
	}
	(void)buf_add_text(out, "**");
	add_subject(facts, out);
	(void)buf_add_text(out, " · ");
	add_minutes(out, facts->now_s - facts->job->started_s);
	(void)buf_add_text(out, " in");
	add_usual(out, facts->usual_s);
	(void)buf_add_char(out, '\n');
	add_notes(facts, out);
	add_steps(facts, out);
}

static void add_stopping(const struct reply_facts *facts, struct buf *out)
{
	(void)buf_add_text(out, "**ccci: stopping**");
	add_subject(facts, out);
	(void)buf_add_text(out, " · ");
	(void)markdown_add_text(out, facts->job->reason, JOB_REASON_SIZE);
	(void)buf_add_char(out, '\n');
	add_steps(facts, out);
}

static const struct results_stage *stage_with(const struct results *results, enum outcome outcome)
{
	for (size_t i = 0; results && i < results->stage_count; i++) {
		if (results->stages[i].outcome == outcome)
			return &results->stages[i];
	}
	return NULL;
}

void reply_verdict_words(const struct job *job, const struct results *results, struct buf *out)
{
	const struct results_stage *failed = stage_with(results, OUTCOME_FAIL);
	const struct results_stage *broken = stage_with(results, OUTCOME_ERROR);

	switch (job->verdict) {
	case VERDICT_PASSED:
		(void)buf_add_text(out, "passed");
		return;
	case VERDICT_RECIPE_FAILED:
		(void)buf_printf(out, failed ? "failed at %s" : "failed",
		    failed ? stage_word(failed->stage) : "");
		return;
	case VERDICT_TIMED_OUT:
		(void)buf_add_text(out, "timed out");
		return;
	case VERDICT_CI_ERROR:
		(void)buf_printf(out, broken ? "CI error at %s" : "CI error",
		    broken ? stage_word(broken->stage) : "");
		return;
	case VERDICT_CANCELLED:
		(void)buf_add_text(out, "cancelled");
		return;
	case VERDICT_SUPERSEDED:
		(void)buf_add_text(out, "superseded");
		return;
	case VERDICT_NOT_RUN:
		(void)buf_add_text(out, "not run");
		return;
	}
}

static void add_verdict_line(const struct reply_facts *facts, struct buf *out)
{
	const struct job *job = facts->job;

	(void)buf_add_text(out, "**ccci: ");
	reply_verdict_words(facts->job, facts->results, out);
	(void)buf_add_text(out, "**");
	add_subject(facts, out);
	if (facts->results || (job->started_s && job->ended_s >= job->started_s)) {
		(void)buf_add_text(out, " · ");
		add_duration(out, facts->results ? facts->results->seconds
						 : (double)(job->ended_s - job->started_s));
	}
	if (facts->results)
		(void)buf_printf(out, " · level %d", job->level);
	if (job->is_shrunk)
		(void)buf_add_text(out, " · a newer run follows below");
	(void)buf_add_char(out, '\n');
}

/* Whether the job's reason, which is cut when it is long, is this stage's. */
static bool decided(const struct results_stage *stage, const struct job *job)
{
	auto_str char *reason = results_stage_reason(stage);

	return job->reason[0] &&
	       (text_starts(reason, job->reason) || text_starts(stage->reason, job->reason));
}

/* A reason that a row of the table gives is not said above it as well. */
static bool is_in_table(const struct reply_facts *facts)
{
	for (size_t i = 0; facts->results && i < facts->results->stage_count; i++) {
		if (decided(&facts->results->stages[i], facts->job))
			return true;
	}
	return false;
}

static void add_stage_row(const struct results_stage *stage, size_t max_bytes, struct buf *out)
{
	(void)buf_printf(
	    out, "| %s | %s | ", stage_word(stage->stage), outcome_text(stage->outcome));
	if (stage->seconds > 0)
		add_duration(out, stage->seconds);
	(void)buf_add_text(out, " | ");
	(void)markdown_add_text(out, stage->reason, max_bytes);
	(void)buf_add_text(out, " |\n");
}

static void add_left(const struct results *results, struct buf *out)
{
	size_t shown = results->left_count < 5 ? results->left_count : 5;

	for (size_t i = 0; i < shown; i++) {
		(void)buf_add_text(out, i ? ", " : "");
		(void)markdown_add_text(out, results->left[i], NAME_SHOWN_BYTES);
	}
	if (shown < results->left_count)
		(void)buf_printf(out, " and %zu more", results->left_count - shown);
}

/* Up for a look, or why not though it was asked for. */
static void add_kept(const struct results *results, struct buf *out)
{
	if (*results->kept_until) {
		(void)buf_add_text(out, "up for a look at ");
		(void)markdown_add_code(out, results->kept_url);
		(void)buf_add_text(out, " until ");
		(void)markdown_add_text(out, results->kept_until, NAME_SHOWN_BYTES);
		(void)buf_add_text(out, ", unless another run needs its slot");
	} else if (*results->kept_why_not) {
		(void)buf_add_text(out, "not kept: ");
		(void)markdown_add_text(out, results->kept_why_not, REASON_SHOWN_BYTES);
	}
}

static void add_stages(const struct reply_facts *facts, struct buf *out)
{
	const struct results *results = facts->results;
	bool is_told = false; /* whole, and once */

	if (!results->stage_count)
		return;
	(void)buf_add_text(out, "\n| stage | result | time | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < results->stage_count; i++) {
		bool is_whole = !is_told && decided(&results->stages[i], facts->job);

		add_stage_row(
		    &results->stages[i], is_whole ? RESULTS_TEXT_MAX : REASON_SHOWN_BYTES, out);
		is_told |= is_whole;
	}
	(void)buf_printf(out, "| teardown | %s | ",
	    !results->is_clean	   ? "⚠️ something is left"
	    : *results->kept_until ? "👀 kept"
				   : "✅ clean");
	add_duration(out, results->teardown_seconds);
	(void)buf_add_text(out, " | ");
	add_left(results, out);
	add_kept(results, out);
	(void)buf_add_text(out, " |\n");
}

/* What an operator let this recipe do: whoever reads the verdict should know. */
static void add_allowed(const struct results *results, struct buf *out)
{
	const struct results_allowed_list *allowed = &results->allowed;
	size_t shown = allowed->count < ALLOWED_SHOWN ? allowed->count : ALLOWED_SHOWN;

	if (!shown)
		return;
	(void)buf_add_text(out, "\nLet through by the suite's allow: ");
	for (size_t i = 0; i < shown; i++) {
		(void)buf_add_text(out, i ? ", " : "");
		(void)markdown_add_code(out, allowed->items[i].word);
		if (allowed->items[i].service[0]) {
			(void)buf_add_text(out, " (");
			(void)markdown_add_text(out, allowed->items[i].service, NAME_SHOWN_BYTES);
			(void)buf_add_char(out, ')');
		}
	}
	if (shown < allowed->count)
		(void)buf_printf(out, " and %zu more", allowed->count - shown);
	(void)buf_add_char(out, '\n');
}

/* What changed, where one would look first. */
static void add_since(const struct results *results, struct buf *out)
{
	auto_str char *sentence = since_sentence(results);

	if (!sentence)
		return;
	(void)buf_add_char(out, '\n');
	(void)markdown_add_text(out, sentence, RESULTS_TEXT_MAX);
	(void)buf_add_char(out, '\n');
}

static void add_lines(const struct results_stage *stage, struct buf *out)
{
	(void)buf_add_text(out, "\n<details><summary>last lines of ");
	if (stage->service[0]) {
		(void)buf_add_text(out, "service ");
		(void)markdown_add_plain(out, stage->service, NAME_SHOWN_BYTES);
	} else {
		(void)buf_add_text(out, stage_word(stage->stage));
	}
	(void)buf_add_text(out, "</summary>\n\n");
	(void)markdown_add_block(out, stage->evidence, REPLY_EVIDENCE_MAX_BYTES);
	(void)buf_add_text(out, "\n</details>\n");
}

/*
 * The lines of a stage stand whole or not at all: what follows them, the hidden line above all, has
 * its room whatever they are.
 */
static void add_evidence(const struct results *results, struct buf *out)
{
	for (size_t i = 0; i < results->stage_count; i++) {
		AUTO(buf) lines = buf_make(REPLY_MAX_BYTES);

		if (!results->stages[i].evidence[0])
			continue;
		add_lines(&results->stages[i], &lines);
		if (out->length + lines.length + END_MAX_BYTES <= REPLY_MAX_BYTES)
			(void)buf_add(out, buf_text(&lines), lines.length);
	}
}

void reply_command(const struct job *job, struct buf *out)
{
	(void)buf_printf(out, "ccci-run run %s", job_recipe(job));
	if (job->ref[0])
		(void)buf_printf(out, " --ref %s", job->ref);
	else /* by hand: the build takes the head that it finds */
		(void)buf_printf(out, " --pr %lld", (long long)job->pr);
	if (job->stages[0])
		(void)buf_printf(out, " --stages=%s", job->stages);
	if (job->wants_extra)
		(void)buf_add_text(out, " --extra");
	if (job->from[0])
		(void)buf_printf(out, " --from=%s", job->from);
	if (job->keep_min)
		(void)buf_printf(out, " --keep=%lldm", (long long)job->keep_min);
}

static void add_again(const struct reply_facts *facts, struct buf *out)
{
	AUTO(buf) command = buf_make(REPLY_MAX_BYTES);

	(void)buf_add_text(out, "\nAgain: ");
	(void)markdown_add_code(out, facts->trigger);
	reply_command(facts->job, &command);
	(void)buf_add_text(out, " · here: ");
	(void)markdown_add_code(out, buf_text(&command));
	(void)buf_add_char(out, '\n');
}

static void add_judged(const struct reply_facts *facts, struct buf *out)
{
	add_verdict_line(facts, out);
	if (facts->job->is_shrunk)
		return;
	if (facts->job->reason[0] && !is_in_table(facts)) {
		(void)buf_add_char(out, '\n');
		(void)markdown_add_text(out, facts->job->reason, JOB_REASON_SIZE);
		(void)buf_add_char(out, '\n');
	}
	add_notes(facts, out);
	if (facts->results) {
		add_stages(facts, out);
		add_since(facts->results, out);
		add_allowed(facts->results, out);
		add_evidence(facts->results, out);
	}
	add_again(facts, out);
}

static const char *refused_title(enum command_kind command)
{
	switch (command) {
	case COMMAND_NONE:
	case COMMAND_TEST:
	case COMMAND_MISTYPED:
		return "not run";
	case COMMAND_CANCEL:
	case COMMAND_STATUS:
	case COMMAND_HELP:
		return command_kind_word(command);
	}
	return "";
}

static void add_refused(const struct reply_facts *facts, struct buf *out)
{
	(void)buf_printf(out, "**ccci: %s** · ", refused_title(facts->job->command));
	(void)markdown_add_text(out, facts->job->reason, JOB_REASON_SIZE);
	(void)buf_add_char(out, '\n');
}

void reply_write(const struct reply_facts *facts, struct buf *out)
{
	switch (facts->job->state) {
	case JOB_HEARD:
	case JOB_ASKED:
		if (job_is_held(facts->job) && !facts->place.may_ask && facts->place.behind)
			add_held(facts, out);
		else
			add_asked(facts, out);
		break;
	case JOB_REFUSED:
		add_refused(facts, out);
		break;
	case JOB_QUEUED:
		add_queued(facts, out);
		break;
	case JOB_RUNNING:
		add_running(facts, out);
		break;
	case JOB_ENDED:
		if (facts->job->has_verdict)
			add_stopping(facts, out);
		else
			add_running(facts, out);
		break;
	case JOB_STOPPING:
		add_stopping(facts, out);
		break;
	case JOB_JUDGED:
	case JOB_ANSWERED:
		add_judged(facts, out);
		break;
	}
	add_trailer(facts, out);
}

void reply_add_limit_note(char *reason, size_t reason_size)
{
	size_t length = strlen(reason);

	(void)snprintf(reason + length, reason_size - length,
	    " Further commands of yours that cannot be run here stay without an answer for an "
	    "hour.");
}

void reply_help(const char *trigger, char *reason, size_t reason_size)
{
	(void)snprintf(reason, reason_size,
	    "on a line of its own, %s tests this pull request; --extra adds the recipe's long "
	    "tests, --stages=install,upgrade runs only those, --from=VERSION upgrades from that "
	    "version, --keep=30m leaves the app up for a look, --with-tests=12 has it judged by "
	    "the suites of that pull request of the CI repository. %s cancel ends what runs, "
	    "%s status tells how it stands.",
	    trigger, trigger, trigger);
}

void reply_status(const struct job *newest, int64_t now_s, char *sentence, size_t sentence_size)
{
	AUTO(buf) words = buf_make(REPLY_MAX_BYTES);
	char took[CLOCK_DURATION_SIZE];
	long long build = newest ? (long long)newest->build : 0;

	if (!newest) {
		(void)snprintf(
		    sentence, sentence_size, "Nothing was run in this pull request yet.");
		return;
	}
	int64_t since_s = newest->ended_s ? newest->ended_s : newest->moved_s;
	clock_format_duration((now_s - since_s) * 1000, took);
	if (job_is_held(newest)) {
		(void)snprintf(sentence, sentence_size,
		    "The run has been waiting for its turn for %s; no build was asked for yet.",
		    took);
		return;
	}
	switch (newest->state) {
	case JOB_HEARD:
	case JOB_REFUSED:
	case JOB_ASKED:
		(void)snprintf(sentence, sentence_size, "A build was asked for %s ago.", took);
		return;
	case JOB_QUEUED:
		(void)snprintf(sentence, sentence_size,
		    "Build %lld has been waiting for a runner for %s.", build, took);
		return;
	case JOB_RUNNING:
		(void)snprintf(
		    sentence, sentence_size, "Build %lld has been running for %s.", build, took);
		return;
	case JOB_STOPPING:
	case JOB_ENDED:
		(void)snprintf(sentence, sentence_size, "Build %lld is about to end.", build);
		return;
	case JOB_JUDGED:
	case JOB_ANSWERED:
		reply_verdict_words(newest, NULL, &words);
		if (!build) {
			(void)snprintf(sentence, sentence_size,
			    "The last run ended %s ago without a build: %s.", took,
			    buf_text(&words));
			return;
		}
		(void)snprintf(sentence, sentence_size,
		    "The last run, build %lld, ended %s ago: %s, level %d.", build, took,
		    buf_text(&words), newest->level);
		return;
	}
}

bool reply_is_for(const char *body, int64_t comment)
{
	auto_str char *begin = trailer_begin(&(struct job){.comment = comment});
	size_t least = strlen(begin) + strlen(TRAILER_END);
	size_t length = 0;
	const char *line = text_last_line(body, &length);

	return length >= least && text_starts(line, begin) && strchr(",}", line[strlen(begin)]) &&
	       strncmp(line + length - strlen(TRAILER_END), TRAILER_END, strlen(TRAILER_END)) == 0;
}
