/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/job.h"
#include "common/file.h"

/* One row for each cell of the table that leads elsewhere; every other cell must stay. */
static const struct row {
	enum job_state from;
	enum job_event_kind event;
	enum job_state to;
	unsigned effects;
} moves[] = {
    {JOB_HEARD, JOB_EVENT_ALLOWED, JOB_ASKED,
	1U << JOB_EFFECT_REACT | 1U << JOB_EFFECT_REPLY | 1U << JOB_EFFECT_BUILD},
    {JOB_HEARD, JOB_EVENT_REFUSED, JOB_REFUSED, 1U << JOB_EFFECT_REPLY},
    {JOB_HEARD, JOB_EVENT_IGNORED, JOB_ANSWERED, 0},
    {JOB_HEARD, JOB_EVENT_FOUND, JOB_QUEUED, 1U << JOB_EFFECT_REPLY},
    {JOB_REFUSED, JOB_EVENT_IGNORED, JOB_ANSWERED, 0},
    {JOB_REFUSED, JOB_EVENT_TOLD, JOB_ANSWERED, 0},
    {JOB_ASKED, JOB_EVENT_CREATED, JOB_QUEUED, 0},
    {JOB_ASKED, JOB_EVENT_UNBUILDABLE, JOB_JUDGED, 0},
    {JOB_ASKED, JOB_EVENT_WITHDRAWN, JOB_JUDGED, 0},
    {JOB_QUEUED, JOB_EVENT_STARTED, JOB_RUNNING, 0},
    {JOB_QUEUED, JOB_EVENT_ENDED, JOB_ENDED, 0},
    {JOB_QUEUED, JOB_EVENT_LOST, JOB_JUDGED, 0},
    {JOB_RUNNING, JOB_EVENT_ENDED, JOB_ENDED, 0},
    {JOB_RUNNING, JOB_EVENT_LOST, JOB_JUDGED, 0},
    {JOB_QUEUED, JOB_EVENT_WITHDRAWN, JOB_STOPPING, 1U << JOB_EFFECT_DELETE},
    {JOB_RUNNING, JOB_EVENT_WITHDRAWN, JOB_STOPPING, 1U << JOB_EFFECT_DELETE},
    {JOB_STOPPING, JOB_EVENT_ENDED, JOB_ENDED, 0},
    {JOB_STOPPING, JOB_EVENT_LOST, JOB_JUDGED, 0},
    {JOB_ENDED, JOB_EVENT_JUDGED, JOB_JUDGED, 0},
    {JOB_ENDED, JOB_EVENT_ERRED, JOB_ASKED, 1U << JOB_EFFECT_BUILD},
    {JOB_ENDED, JOB_EVENT_LOST, JOB_JUDGED, 0},
    {JOB_JUDGED, JOB_EVENT_TOLD, JOB_ANSWERED, 0},
    {JOB_ANSWERED, JOB_EVENT_OUTDATED, JOB_JUDGED, 0},
};

START_TEST(moves_are_these)
{
	enum job_state from = (enum job_state)(_i / JOB_EVENT_COUNT);
	enum job_event_kind event = (enum job_event_kind)(_i % JOB_EVENT_COUNT);
	struct job_move expected = {from, 0};
	struct job_move got = job_step(from, event);

	for (size_t i = 0; i < COUNT_OF(moves); i++) {
		if (moves[i].from == from && moves[i].event == event)
			expected = (struct job_move){moves[i].to, moves[i].effects};
	}
	ck_assert_msg(got.next == expected.next && got.effects == expected.effects,
	    "%s in %s: leads to %s with effects %x", job_event_word(event), job_state_word(from),
	    job_state_word(got.next), got.effects);
}
END_TEST

/* --- the picture in docs/architecture.md --- */

#define PAGE_MAX_BYTES (1024 * 1024)
#define FENCE "\n```\n"

static bool drawn[JOB_STATE_COUNT][JOB_EVENT_COUNT][JOB_STATE_COUNT];

/* "queued,running" to the states' bits; 0: a word of it is none. */
static unsigned bits_of(const char *words, int count, const char *(*word_of)(int))
{
	unsigned bits = 0;

	for (const char *at = words; *at;) {
		size_t length = strcspn(at, ",");
		int i = 0;

		while (i < count &&
		       (strlen(word_of(i)) != length || strncmp(word_of(i), at, length) != 0))
			i++;
		if (i == count)
			return 0;
		bits |= 1U << i;
		at += length + (at[length] == ',');
	}
	return bits;
}

static const char *state_word(int state)
{
	return job_state_word((enum job_state)state);
}

static const char *event_word(int event)
{
	return job_event_word((enum job_event_kind)event);
}

static void draw(unsigned from, unsigned events, unsigned to)
{
	for (int i = 0; i < JOB_STATE_COUNT * JOB_EVENT_COUNT * JOB_STATE_COUNT; i++) {
		int state = i / JOB_STATE_COUNT / JOB_EVENT_COUNT;
		int event = i / JOB_STATE_COUNT % JOB_EVENT_COUNT;
		int next = i % JOB_STATE_COUNT;

		if (from & 1U << state && events & 1U << event && to & 1U << next)
			drawn[state][event][next] = true;
	}
}

/* "states ─ events ─▶ states ─ events ─▶ states   (a remark)" */
static void read_line(char *line)
{
	char *rest = NULL;
	unsigned from = 0;
	unsigned events = 0;
	int place = 0; /* 0: a state, 1: "─", 2: events, 3: "─▶" */

	for (char *word = strtok_r(line, " ", &rest); word && *word != '(';
	     word = strtok_r(NULL, " ", &rest), place = (place + 1) % 4) {
		if (place == 1 || place == 3) {
			ck_assert_str_eq(word, place == 1 ? "─" : "─▶");
		} else if (place == 2) {
			events = bits_of(word, JOB_EVENT_COUNT, event_word);
			ck_assert_msg(events != 0, "%s: no event of job.h", word);
		} else {
			unsigned states = bits_of(word, JOB_STATE_COUNT, state_word);

			ck_assert_msg(states != 0, "%s: no state of job.h", word);
			draw(from, events, states);
			from = states;
		}
	}
	ck_assert_int_eq(place, 1); /* it ends behind a state */
}

START_TEST(picture_is_true)
{
	AUTO(buf) page = {0};
	struct err err;
	char *rest = NULL;

	ck_assert_msg(
	    file_read(TEST_SOURCE_DIR "/docs/architecture.md", PAGE_MAX_BYTES, &page, &err) == 0,
	    "%s", err.msg);
	char *begin = strstr(page.data, FENCE "heard ");
	ck_assert_ptr_nonnull(begin);
	begin += strlen(FENCE);
	char *end = strstr(begin, FENCE);
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	(void)memset(drawn, 0, sizeof(drawn));
	for (char *line = strtok_r(begin, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		read_line(line);
	for (int i = 0; i < JOB_STATE_COUNT * JOB_EVENT_COUNT; i++) {
		enum job_state from = (enum job_state)(i / JOB_EVENT_COUNT);
		enum job_event_kind event = (enum job_event_kind)(i % JOB_EVENT_COUNT);
		struct job_move move = job_step(from, event);

		for (int next = 0; next < JOB_STATE_COUNT; next++)
			ck_assert_msg(drawn[from][event][next] ==
					  (move.next == (enum job_state)next && move.next != from),
			    "%s ─ %s ─▶ %s is %s", state_word((int)from), event_word((int)event),
			    state_word(next), drawn[from][event][next] ? "no move" : "not drawn");
	}
}
END_TEST

static struct job_event make_event(enum job_event_kind kind)
{
	struct job_event event = {.kind = kind, .reason = "r"};

	if (kind == JOB_EVENT_CREATED || kind == JOB_EVENT_FOUND)
		event.build = 41;
	if (kind == JOB_EVENT_STARTED)
		event.at_s = 100;
	if (kind == JOB_EVENT_ENDED)
		event.at_s = 160;
	if (kind == JOB_EVENT_JUDGED)
		event.level = 4;
	return event;
}

/* Every sequence of four events from the beginning keeps what must hold of a job. */
START_TEST(invariants_hold_for_all_sequences)
{
	int at = _i;
	AUTO(job) job = {.comment = 7, .pr = 3};

	for (int i = 0; i < 5; i++) {
		struct job_event event = make_event((enum job_event_kind)(at % JOB_EVENT_COUNT));
		bool was_answered = job.state == JOB_ANSWERED;
		bool changed = job_apply(&job, &event, 1000 + i);

		ck_assert_msg(
		    !job_check(&job), "after %s: %s", job_event_word(event.kind), job_check(&job));
		if (was_answered && event.kind != JOB_EVENT_OUTDATED)
			ck_assert_msg(
			    !changed, "%s woke an answered job", job_event_word(event.kind));
		if (changed)
			ck_assert_int_eq(job.moved_s, 1000 + i);
		at /= JOB_EVENT_COUNT;
		if (at == 0)
			at = _i % 97;
	}
}
END_TEST

static void feed(struct job *job, enum job_event_kind kind)
{
	struct job_event event = make_event(kind);

	(void)job_apply(job, &event, 5);
}

START_TEST(life_of_a_passed_run)
{
	AUTO(job) job = {.comment = 7, .pr = 3, .repo = "org/custom-html"};
	struct job_event judged = {.kind = JOB_EVENT_JUDGED,
	    .verdict = VERDICT_PASSED,
	    .level = 4,
	    .head_version = "1.2.0",
	    .results = "{}"};

	feed(&job, JOB_EVENT_ALLOWED);
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DUE);
	feed(&job, JOB_EVENT_CREATED);
	ck_assert_int_eq(job.build, 41);
	feed(&job, JOB_EVENT_STARTED);
	feed(&job, JOB_EVENT_ENDED);
	ck_assert_int_eq(job.ended_s - job.started_s, 60);
	ck_assert(job_apply(&job, &judged, 9));
	ck_assert_int_eq(job.verdict, VERDICT_PASSED);
	ck_assert_str_eq(job.results, "{}");
	ck_assert(job_is_active(&job));
	feed(&job, JOB_EVENT_TOLD);
	ck_assert(!job_is_active(&job));
	feed(&job, JOB_EVENT_OUTDATED);
	ck_assert(job.is_shrunk);
	ck_assert_int_eq(job.verdict, VERDICT_PASSED);
	feed(&job, JOB_EVENT_TOLD);
	feed(&job, JOB_EVENT_OUTDATED);
	ck_assert_int_eq(job.state, JOB_ANSWERED);
	ck_assert_str_eq(job_recipe(&job), "custom-html");
}
END_TEST

/* Once, with all that was known of the first build gone but its number and what was wrong. */
START_TEST(an_error_is_tried_again_once)
{
	struct job_event second = {.kind = JOB_EVENT_CREATED, .build = 42};
	struct job_event erred = {.kind = JOB_EVENT_ERRED, .reason = "no engine"};
	AUTO(job) job = {.comment = 7, .pr = 3};

	feed(&job, JOB_EVENT_ALLOWED);
	job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_DONE;
	feed(&job, JOB_EVENT_CREATED);
	feed(&job, JOB_EVENT_STARTED);
	feed(&job, JOB_EVENT_ENDED);
	ck_assert(job_may_try_again(&job));
	ck_assert(job_apply(&job, &erred, 6));
	ck_assert_int_eq(job.state, JOB_ASKED);
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DUE);
	ck_assert_int_eq(job.first_build, 41);
	ck_assert_str_eq(job.first_reason, "no engine");
	ck_assert(!job.build && !job.started_s && !job.ended_s && !job.reason[0]);
	ck_assert(job_apply(&job, &second, 7));
	feed(&job, JOB_EVENT_ENDED);
	ck_assert_int_eq(job.state, JOB_ENDED);
	ck_assert_int_eq(job.build, 42);
	ck_assert_msg(!job_apply(&job, &erred, 8), "a third build");
	ck_assert_int_eq(job.state, JOB_ENDED);
}
END_TEST

START_TEST(what_nobody_wants_is_not_tried_again)
{
	AUTO(job) job = {.comment = 7, .pr = 3};

	feed(&job, JOB_EVENT_ALLOWED);
	feed(&job, JOB_EVENT_CREATED);
	feed(&job, JOB_EVENT_WITHDRAWN);
	feed(&job, JOB_EVENT_ENDED);
	feed(&job, JOB_EVENT_ERRED);
	ck_assert_int_eq(job.state, JOB_ENDED);
}
END_TEST

START_TEST(reads_its_own_words)
{
	enum job_state state = JOB_ANSWERED;

	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		ck_assert(job_state_parse(job_state_word((enum job_state)i), &state));
		ck_assert_int_eq(state, i);
	}
	ck_assert(!job_state_parse("waiting", &state));
	ck_assert_int_eq(state, JOB_ANSWERED);
}
END_TEST

/* A build by hand is answered and never made, nor made again. */
START_TEST(life_of_a_build_by_hand)
{
	AUTO(job) job = {.comment = job_id_of_build(41), .pr = 3};

	ck_assert(job_is_by_hand(&job) && !job_is_by_hand(&(struct job){0}));
	ck_assert_int_eq(job_build_of(&job), 41);
	feed(&job, JOB_EVENT_FOUND);
	ck_assert_int_eq(job.state, JOB_QUEUED);
	ck_assert_int_eq(job.build, 41);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REPLY].state, JOB_EFFECT_DUE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_NONE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REACT].state, JOB_EFFECT_NONE);
	feed(&job, JOB_EVENT_ENDED);
	ck_assert(!job_may_try_again(&job));
	feed(&job, JOB_EVENT_ERRED);
	ck_assert_int_eq(job.state, JOB_ENDED);
}
END_TEST

/* A head that is tested by itself is a comment's job, but that there is nobody to show eyes to. */
START_TEST(life_of_a_head_by_itself)
{
	AUTO(job) job = {.comment = JOB_AUTO_FIRST, .pr = 3};
	struct job comment = {.comment = JOB_AUTO_FIRST - 1};

	ck_assert(job_is_auto(&job) && !job_is_by_hand(&job) && !job_is_auto(&comment));
	feed(&job, JOB_EVENT_ALLOWED);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REACT].state, JOB_EFFECT_DONE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REPLY].state, JOB_EFFECT_DUE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DUE);
	ck_assert(job_may_try_again(&job));
}
END_TEST

/* There is no pull request to answer in; its id says of which night and try it is. */
START_TEST(life_of_a_run_by_night)
{
	AUTO(job) job = {.comment = job_first_of_night(20000, 2) + JOB_NIGHT_IDS - 1};
	struct job head = {.comment = JOB_NIGHT_FIRST - 1};
	struct job first = {.comment = JOB_NIGHT_FIRST};

	ck_assert(job_is_nightly(&job) && !job_is_auto(&job) && !job_is_by_hand(&job));
	ck_assert(!job_is_nightly(&head) && job_is_auto(&head));
	ck_assert(job_is_nightly(&first) && !job_is_auto(&first));
	ck_assert_int_eq(job_night_of(job.comment), 20000);
	ck_assert_int_eq(job_night_try(job.comment), 2);
	ck_assert_int_eq(job_night_of(job.comment + 1), 20001);
	ck_assert_int_eq(job_night_try(job.comment + 1), 1);
	ck_assert_int_lt(
	    job_first_of_night(INT64_C(100) * 366 * 10, 2), INT64_C(1) << 52); /* in results */
	feed(&job, JOB_EVENT_ALLOWED);
	ck_assert_int_eq(job.state, JOB_ASKED);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REACT].state, JOB_EFFECT_DONE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_REPLY].state, JOB_EFFECT_DONE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DUE);
	ck_assert(job_may_try_again(&job));
}
END_TEST

#define REPO "org/custom-html"

static const struct order_row {
	const char *repo;
	int64_t comment, written_s, pr;
	bool is_before;
} orders[] = {
    {REPO, 811, 100, 3, true}, {REPO, 813, 100, 3, false}, {REPO, 812, 100, 3, false},
    {REPO, 900, 99, 3, true},				    /* no matter what the ids say */
    {REPO, -41, 99, 3, true},				    /* a build by hand, by its time */
    {REPO, -41, 101, 3, false}, {REPO, 811, 100, 4, false}, /* another pull request's */
    {"org/ghost", 811, 100, 3, false}, /* the same number in another repository */
};

START_TEST(order_of_asking)
{
	struct job of = {.comment = 812, .written_s = 100, .pr = 3, .repo = REPO};
	struct job job = {
	    .comment = orders[_i].comment, .written_s = orders[_i].written_s, .pr = orders[_i].pr};

	ck_assert(copy_text(job.repo, sizeof(job.repo), orders[_i].repo));
	ck_assert_int_eq(job_is_before(&job, &of), orders[_i].is_before);
}
END_TEST

START_TEST(withdrawn_keeps_its_verdict)
{
	static const enum job_event_kind ends[] = {JOB_EVENT_LOST, JOB_EVENT_ENDED};
	struct job_event withdrawn = {
	    .kind = JOB_EVENT_WITHDRAWN, .verdict = VERDICT_SUPERSEDED, .reason = "a newer one"};
	AUTO(job) job = {.comment = 7, .pr = 3};

	feed(&job, JOB_EVENT_ALLOWED);
	job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_TRIED;
	ck_assert(!job_apply(&job, &withdrawn, 4)); /* there may be a build, and no number yet */
	feed(&job, JOB_EVENT_CREATED);
	ck_assert(job_apply(&job, &withdrawn, 4));
	ck_assert(!job_apply(&job, &withdrawn, 5));
	ck_assert_int_eq(job.effects[JOB_EFFECT_DELETE].state, JOB_EFFECT_DUE);
	ck_assert(job_waits_for_end(&job));
	struct job_event end = {.kind = ends[_i], .reason = _i ? NULL : "gone"};
	ck_assert(job_apply(&job, &end, 6));
	ck_assert(job.has_verdict);
	ck_assert_int_eq(job.verdict, VERDICT_SUPERSEDED);
	ck_assert_str_eq(job.reason, "a newer one");
	ck_assert_int_eq(job.state, _i ? JOB_ENDED : JOB_JUDGED);
}
END_TEST

/* Its build was not asked for yet: nothing is to be ended, and nobody asks any more. */
START_TEST(withdrawn_while_it_is_held)
{
	struct job_event withdrawn = {
	    .kind = JOB_EVENT_WITHDRAWN, .verdict = VERDICT_CANCELLED, .reason = "by member"};
	AUTO(job) job = {.comment = 7, .pr = 3};

	ck_assert(!job_is_held(&job));
	feed(&job, JOB_EVENT_ALLOWED);
	ck_assert(job_is_held(&job));
	ck_assert(job_apply(&job, &withdrawn, 4));
	ck_assert(!job_is_held(&job));
	ck_assert_int_eq(job.state, JOB_JUDGED);
	ck_assert_int_eq(job.verdict, VERDICT_CANCELLED);
	ck_assert_str_eq(job.reason, "by member");
	ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DONE);
	ck_assert_int_eq(job.effects[JOB_EFFECT_DELETE].state, JOB_EFFECT_NONE);
	ck_assert_ptr_null(job_check(&job));
}
END_TEST

START_TEST(lost_is_ours_and_deletes)
{
	AUTO(job) job = {.comment = 7, .pr = 3};
	struct job_event lost = {.kind = JOB_EVENT_LOST, .reason = "gone", .must_delete = true};

	feed(&job, JOB_EVENT_ALLOWED);
	feed(&job, JOB_EVENT_CREATED);
	ck_assert(job_apply(&job, &lost, 9));
	ck_assert_int_eq(job.verdict, VERDICT_CI_ERROR);
	ck_assert_int_eq(job.effects[JOB_EFFECT_DELETE].state, JOB_EFFECT_DUE);
	feed(&job, JOB_EVENT_TOLD);
	ck_assert_int_eq(job.state, JOB_ANSWERED);
	ck_assert_msg(job_is_active(&job), "the deletion is still to be done");
	job.effects[JOB_EFFECT_DELETE].state = JOB_EFFECT_TRIED;
	ck_assert_msg(job_is_active(&job), "nobody knows yet whether it was done");
	job.effects[JOB_EFFECT_DELETE].state = JOB_EFFECT_DONE;
	ck_assert(!job_is_active(&job));
}
END_TEST

START_TEST(refusals_never_shrink)
{
	AUTO(job) job = {.comment = 7, .pr = 3};

	feed(&job, JOB_EVENT_REFUSED);
	feed(&job, JOB_EVENT_TOLD);
	feed(&job, JOB_EVENT_OUTDATED);
	ck_assert_int_eq(job.state, JOB_ANSWERED);
}
END_TEST

/* What the store must not hold, one row for each. */
static const struct broken_row {
	enum job_state state;
	int64_t build;
	bool has_verdict;
	int due;	  /* an effect that is due; -1: none */
	const char *says; /* NULL: nothing wrong */
} broken_rows[] = {
    {JOB_HEARD, 0, false, -1, NULL},
    {JOB_HEARD, 0, false, JOB_EFFECT_BUILD, "a build is asked for before the decision"},
    {JOB_REFUSED, 0, false, JOB_EFFECT_REPLY, NULL},
    {JOB_REFUSED, 0, false, JOB_EFFECT_BUILD, "a refused job has a build"},
    {JOB_ASKED, 0, false, JOB_EFFECT_BUILD, NULL},
    {JOB_ASKED, 0, false, JOB_EFFECT_REPLY, "nobody asks for the build"},
    {JOB_QUEUED, 41, false, -1, NULL},
    {JOB_QUEUED, 0, false, -1, "a job waits for a build without a number"},
    {JOB_RUNNING, 0, false, -1, "a job waits for a build without a number"},
    {JOB_ENDED, 0, false, -1, "a job waits for a build without a number"},
    {JOB_JUDGED, 41, true, JOB_EFFECT_REPLY, NULL},
    {JOB_JUDGED, 41, false, JOB_EFFECT_REPLY, "a judged job has no verdict"},
    {JOB_STOPPING, 41, false, -1, "a withdrawn job has no verdict"},
    {JOB_JUDGED, 41, true, -1, "nobody will tell the verdict"},
    {JOB_ANSWERED, 41, true, JOB_EFFECT_DELETE, NULL},
    {JOB_ANSWERED, 0, true, JOB_EFFECT_DELETE, "a build without a number is to be deleted"},
};

START_TEST(tells_what_is_broken)
{
	const struct broken_row *row = &broken_rows[_i];
	struct job job = {
	    .state = row->state, .build = row->build, .has_verdict = row->has_verdict};

	if (row->due >= 0)
		job.effects[row->due].state = JOB_EFFECT_DUE;
	const char *says = job_check(&job);
	ck_assert_msg(
	    text_is(says ? says : "", row->says ? row->says : ""), "row %d: %s", _i, says);
}
END_TEST

/* Nothing of it gets into another's place. */
START_TEST(brief_is_of_the_job)
{
	struct job job = {.comment = 812,
	    .pr = 3,
	    .build = 41,
	    .heard_s = 100,
	    .started_s = 110,
	    .ended_s = 170,
	    .state = JOB_ANSWERED,
	    .has_verdict = true,
	    .verdict = VERDICT_RECIPE_FAILED,
	    .level = 1};
	struct job_brief brief;

	(void)copy_text(job.repo, sizeof(job.repo), "org/custom-html");
	(void)copy_text(job.author, sizeof(job.author), "member");
	(void)copy_text(job.ref, sizeof(job.ref), "0123abcd");
	(void)copy_text(job.stages, sizeof(job.stages), "install");
	(void)copy_text(job.head_version, sizeof(job.head_version), "1.2.0+2.1.0");
	(void)copy_text(job.base_version, sizeof(job.base_version), "1.1.0+2.0.3");
	job_brief(&job, &brief);
	ck_assert_int_eq(brief.comment, 812);
	ck_assert_int_eq(brief.pr, 3);
	ck_assert_int_eq(brief.build, 41);
	ck_assert_int_eq(brief.heard_s, 100);
	ck_assert_int_eq(brief.started_s, 110);
	ck_assert_int_eq(brief.ended_s, 170);
	ck_assert_int_eq(brief.state, JOB_ANSWERED);
	ck_assert(brief.has_verdict);
	ck_assert_int_eq(brief.verdict, VERDICT_RECIPE_FAILED);
	ck_assert_int_eq(brief.level, 1);
	ck_assert_str_eq(brief.repo, "org/custom-html");
	ck_assert_str_eq(brief.author, "member");
	ck_assert_str_eq(brief.ref, "0123abcd");
	ck_assert_str_eq(brief.stages, "install");
	ck_assert_str_eq(brief.head_version, "1.2.0+2.1.0");
	ck_assert_str_eq(brief.base_version, "1.1.0+2.0.3");
}
END_TEST

/* A copy has results of its own. */
START_TEST(copies_what_it_owns)
{
	struct job job = {.comment = 812, .results = xstrdup("{}")};
	struct job none = {.comment = 813};
	struct job copy;

	job_copy(&job, &copy);
	ck_assert_ptr_ne(copy.results, job.results);
	job_release(&job);
	ck_assert_str_eq(copy.results, "{}");
	ck_assert_int_eq(copy.comment, 812);
	job_release(&copy);
	job_copy(&none, &copy);
	ck_assert_ptr_null(copy.results);
}
END_TEST

/* Test points are found by their names: no two places have the same. */
START_TEST(each_point_has_a_name)
{
	const char *names[JOB_STATE_COUNT + JOB_EFFECT_COUNT * (JOB_MOMENT_DONE + 1)];
	size_t count = 0;

	for (int state = 0; state < JOB_STATE_COUNT; state++)
		names[count++] = job_state_point((enum job_state)state);
	for (int effect = 0; effect < JOB_EFFECT_COUNT; effect++) {
		for (int moment = 0; moment <= JOB_MOMENT_DONE; moment++) {
			names[count] =
			    job_effect_point((enum job_effect)effect, (enum job_moment)moment);
			ck_assert_ptr_nonnull(
			    strstr(names[count++], job_effect_word((enum job_effect)effect)));
		}
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(names[i], names[k]);
	}
}
END_TEST

START_TEST(long_reason_is_cut)
{
	AUTO(job) job = {.comment = 7, .pr = 3};
	auto_str char *reason = xcalloc(JOB_REASON_SIZE * 2, 1);
	struct job_event event = {.kind = JOB_EVENT_REFUSED, .reason = reason};

	memset(reason, 'x', JOB_REASON_SIZE * 2 - 1);
	ck_assert(job_apply(&job, &event, 9));
	ck_assert_uint_eq(strlen(job.reason), JOB_REASON_SIZE - 1);
	/* Not within a character: it goes into Markdown and JSON. */
	(void)memcpy(reason + JOB_REASON_SIZE - 2, "\xc3\xa4", 2);
	job.state = JOB_HEARD;
	ck_assert(job_apply(&job, &event, 9));
	ck_assert_uint_eq(strlen(job.reason), JOB_REASON_SIZE - 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("job");
	TCase *tests = tcase_create("job");
	int events = JOB_EVENT_COUNT;

	tcase_add_loop_test(tests, moves_are_these, 0, JOB_STATE_COUNT * JOB_EVENT_COUNT);
	tcase_add_test(tests, picture_is_true);
	tcase_add_test(tests, life_of_a_passed_run);
	tcase_add_test(tests, an_error_is_tried_again_once);
	tcase_add_test(tests, what_nobody_wants_is_not_tried_again);
	tcase_add_test(tests, reads_its_own_words);
	tcase_add_test(tests, life_of_a_build_by_hand);
	tcase_add_test(tests, life_of_a_head_by_itself);
	tcase_add_test(tests, life_of_a_run_by_night);
	tcase_add_loop_test(tests, order_of_asking, 0, COUNT_OF(orders));
	tcase_add_loop_test(tests, withdrawn_keeps_its_verdict, 0, 2);
	tcase_add_test(tests, withdrawn_while_it_is_held);
	tcase_add_test(tests, lost_is_ours_and_deletes);
	tcase_add_test(tests, refusals_never_shrink);
	tcase_add_loop_test(tests, tells_what_is_broken, 0, COUNT_OF(broken_rows));
	tcase_add_test(tests, copies_what_it_owns);
	tcase_add_test(tests, brief_is_of_the_job);
	tcase_add_test(tests, each_point_has_a_name);
	tcase_add_test(tests, long_reason_is_cut);
	suite_add_tcase(suite, tests);

	TCase *sequences = tcase_create("sequences");
	tcase_add_loop_test(
	    sequences, invariants_hold_for_all_sequences, 0, events * events * events);
	suite_add_tcase(suite, sequences);
	return suite;
}
TEST_MAIN(make_suite)
