/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/learn.h"

#define DOCUMENT                                                                                   \
	"{\"schema\":1,\"run\":{\"id\":\"41-9f2c1a\",%s,\"domain\":\"d\","                         \
	"\"host\":\"ci1\",\"started\":\"2026-11-22T03:10:00Z\",\"seconds\":31.4},"                 \
	"\"verdict\":\"recipe_failed\",\"level\":1,\"reason\":\"lost\","                           \
	"\"versions\":{\"head\":\"1.2.0\",\"base\":\"1.1.0\",\"base_why\":\"w\",\"rejected\":[]}," \
	"\"deploys\":3,\"stages\":[],\"teardown\":{\"outcome\":\"clean\",\"seconds\":3,"           \
	"\"left\":[]},\"provenance\":{\"ccci\":\"0.1.0\",\"abra\":\"\",\"suite\":\"\","            \
	"\"recipe_tests\":\"\",\"images\":{}}}"

#define REF "0123456789abcdef0123456789abcdef01234567"
#define OTHER_REF "f123456789abcdef0123456789abcdef01234567"
#define RUN(build, recipe, src, pr, ref, comment)                                                  \
	"\"build\":" build ",\"recipe\":\"" recipe "\",\"src\":\"" src "\",\"pr\":" pr             \
	",\"ref\":\"" ref "\",\"comment\":" comment
#define TRIAL ",\"suite_ref\":\"" OTHER_REF "\""
#define OURS RUN("41", "custom-html", "org/custom-html", "3", REF, "812")

/* Build 40 was an error of ours, so that one of 41 is the verdict. */
static const struct job job = {
    .comment = 812, .repo = "org/custom-html", .pr = 3, .ref = REF, .first_build = 40, .build = 41};

static struct build_step steps[] = {
    {.number = 1, .name = "clone", .status = BUILD_SUCCESS},
    {.number = 2, .name = "install", .status = BUILD_KILLED, .started_s = 100, .stopped_s = 109},
    {.number = 3, .name = "report", .status = BUILD_SKIPPED},
};
static struct build_stage stage = {.number = 1, .steps = steps, .step_count = COUNT_OF(steps)};

static const struct end_row {
	enum build_status status;
	const char *error;
	enum build_status step; /* of install */
	int64_t seconds;
	enum verdict_class verdict;
	const char *reason;
	enum build_ender ender;
	bool is_error_passing;
} ends[] = {
    {BUILD_KILLED, "", BUILD_KILLED, 20, VERDICT_CANCELLED,
	"The build was cancelled in Drone, in step install."},
    {BUILD_KILLED, "", BUILD_KILLED, 3600, VERDICT_TIMED_OUT,
	"Drone ended the build after its limit of 1 h 0 min, in step install."},
    {BUILD_KILLED, "", BUILD_KILLED, 3599, VERDICT_TIMED_OUT,
	"Drone ended the build after its limit of 1 h 0 min, in step install."},
    {BUILD_KILLED, "", BUILD_KILLED, 3598, VERDICT_CANCELLED,
	"The build was cancelled in Drone, in step install."},
    {BUILD_KILLED, "", BUILD_SKIPPED, 0, VERDICT_CANCELLED, "The build was cancelled in Drone."},
    /* Where the server says who, no time is asked. */
    {BUILD_KILLED, "", BUILD_KILLED, 3600, VERDICT_CANCELLED,
	"The build was cancelled in Drone, in step install.", BUILD_ENDER_PERSON},
    {BUILD_KILLED, "", BUILD_KILLED, 20, VERDICT_TIMED_OUT,
	"Drone ended the build after its limit of 1 h 0 min, in step install.",
	BUILD_ENDER_TIMEOUT},
    {BUILD_KILLED, "", BUILD_KILLED, 20, VERDICT_CI_ERROR,
	"Drone ended the build, and nobody had cancelled it: its agent was stopped.",
	BUILD_ENDER_RUNNER},
    {BUILD_ERROR, "yaml: line 1: no", BUILD_SKIPPED, 0, VERDICT_CI_ERROR,
	"Drone could not run the build: yaml: line 1: no."},
    {BUILD_ERROR, "", BUILD_SKIPPED, 0, VERDICT_CI_ERROR,
	"Drone could not run the build: no reason given."},
    {BUILD_ERROR, "no forge", BUILD_SKIPPED, 0, VERDICT_CI_ERROR,
	"Drone could not run the build: no forge.", .is_error_passing = true},
    {BUILD_FAILURE, "", BUILD_FAILURE, 5, VERDICT_CI_ERROR,
	"The build ended without a report: step install failed."},
    {BUILD_SUCCESS, "", BUILD_SUCCESS, 5, VERDICT_CI_ERROR,
	"The build ended without a report: it has no log of a step named report."},
};

static struct build make_build(const struct end_row *row)
{
	struct build build = {.server = "Drone",
	    .number = 41,
	    .status = row->status,
	    .ender = row->ender,
	    .is_error_passing = row->is_error_passing,
	    .started_s = 1000,
	    .finished_s = 1000 + row->seconds,
	    .stages = &stage,
	    .stage_count = 1};

	(void)copy_text(build.error, sizeof(build.error), row->error);
	steps[1].status = row->step;
	return build;
}

START_TEST(end_without_report)
{
	const struct end_row *row = &ends[_i];
	struct build build = make_build(row);
	AUTO(learnt) learnt = {0};

	learn_end(&build, NULL, &job, 3600, &learnt);
	ck_assert_int_eq(learnt.event.kind, JOB_EVENT_JUDGED);
	ck_assert_msg(learnt.event.verdict == row->verdict, "%s", learnt.reason);
	ck_assert_str_eq(learnt.event.reason, row->reason);
}
END_TEST

/* The same of a first build: what is nobody's verdict yet, a second one may still tell. */
START_TEST(end_of_a_first_build)
{
	const struct end_row *row = &ends[_i];
	struct build build = make_build(row);
	bool is_tried_again = row->verdict == VERDICT_CI_ERROR &&
			      (row->status != BUILD_ERROR || row->is_error_passing);
	AUTO(learnt) learnt = {0};
	struct job first = job;

	first.first_build = 0;
	learn_end(&build, NULL, &first, 3600, &learnt);
	ck_assert_int_eq(learnt.event.kind, is_tried_again ? JOB_EVENT_ERRED : JOB_EVENT_JUDGED);
	ck_assert_str_eq(learnt.event.reason, row->reason);
}
END_TEST

/* Only what is being made can be left half made; another try may do better. */
START_TEST(ends_what_nobody_makes)
{
	struct build pending = {.server = "Woodpecker", .status = BUILD_PENDING};
	struct build unmade = {.server = "Woodpecker", .status = BUILD_CREATED};
	AUTO(learnt) learnt = {0};
	struct job first = job;

	learn_end_unmade(&pending);
	ck_assert_int_eq(pending.status, BUILD_PENDING);
	ck_assert(!build_status_is_over(unmade.status));
	learn_end_unmade(&unmade);
	ck_assert(build_status_is_over(unmade.status));
	first.first_build = 0;
	learn_end(&unmade, NULL, &first, 3600, &learnt);
	ck_assert_int_eq(learnt.event.kind, JOB_EVENT_ERRED);
	ck_assert_str_eq(learnt.reason, "Woodpecker could not run the build: it was stopped while "
					"it was making it.");
}
END_TEST

/* Half of it is none: its log may be there later. */
START_TEST(knows_a_whole_report)
{
	AUTO(buf) log = buf_make(64 * 1024);

	ck_assert(!learn_has_report(&log));
	(void)buf_printf(&log, RESULTS_BEGIN "\n" DOCUMENT "\n", OURS);
	ck_assert(!learn_has_report(&log));
	(void)buf_add_text(&log, RESULTS_END "\n");
	ck_assert(learn_has_report(&log));
}
END_TEST

/* Whatever the build says of its end; but a report, which came before it, still counts. */
START_TEST(end_of_a_withdrawn_job)
{
	struct build build = {.server = "Drone", .number = 41, .status = ends[_i].status};
	AUTO(buf) log = buf_make(64 * 1024);
	AUTO(learnt) learnt = {0};
	AUTO(learnt) reported = {0};
	struct job withdrawn = job;

	withdrawn.has_verdict = true;
	withdrawn.verdict = VERDICT_SUPERSEDED;
	(void)copy_text(withdrawn.reason, sizeof(withdrawn.reason), "a newer one");
	learn_end(&build, NULL, &withdrawn, 3600, &learnt);
	ck_assert_int_eq(learnt.event.verdict, VERDICT_SUPERSEDED);
	ck_assert_str_eq(learnt.event.reason, "a newer one");
	(void)buf_printf(&log, RESULTS_BEGIN "\n" DOCUMENT "\n" RESULTS_END "\n", OURS);
	learn_end(&build, &log, &withdrawn, 3600, &reported);
	ck_assert_int_eq(reported.event.verdict, VERDICT_RECIPE_FAILED);
}
END_TEST

static void learn_log_of(
    const struct job *of, const char *format, const char *run, struct learnt *out)
{
	struct build build = {.server = "Drone", .number = 41, .status = BUILD_FAILURE};
	AUTO(buf) log = buf_make(64 * 1024);
	auto_str char *document = xasprintf(DOCUMENT, run);

	for (const char *at = format; *at; at++) {
		if (*at == '@')
			(void)buf_add_text(&log, document);
		else
			(void)buf_add_char(&log, *at);
	}
	learn_end(&build, &log, of, 3600, out);
}

static void learn_log(const char *format, const char *run, struct learnt *out)
{
	learn_log_of(&job, format, run, out);
}

START_TEST(end_with_report)
{
	AUTO(learnt) learnt = {0};

	learn_log("a table\n" RESULTS_BEGIN "\n@\n" RESULTS_END "\n", OURS, &learnt);
	ck_assert_msg(learnt.event.verdict == VERDICT_RECIPE_FAILED, "%s", learnt.reason);
	ck_assert_int_eq(learnt.event.level, 1);
	ck_assert_str_eq(learnt.event.reason, "lost");
	ck_assert_str_eq(learnt.event.head_version, "1.2.0");
	ck_assert_str_eq(learnt.event.base_version, "1.1.0");
	ck_assert_ptr_nonnull(learnt.event.results);
}
END_TEST

/* A first build's report that the recipe is red stands; one of an error of ours does not. */
START_TEST(report_of_a_first_build)
{
	AUTO(learnt) red = {0};
	AUTO(learnt) nonsense = {0};
	struct job first = job;

	first.first_build = 0;
	learn_log_of(&first, RESULTS_BEGIN "\n@\n" RESULTS_END "\n", OURS, &red);
	ck_assert_int_eq(red.event.kind, JOB_EVENT_JUDGED);
	ck_assert_int_eq(red.event.verdict, VERDICT_RECIPE_FAILED);
	learn_log_of(&first, "", OURS, &nonsense);
	ck_assert_int_eq(nonsense.event.kind, JOB_EVENT_ERRED);
}
END_TEST

static const struct {
	enum outcome install, upgrade;
	enum job_event_kind kind;
} unproved[] = {
    {OUTCOME_PASS, OUTCOME_UNVERIFIED, JOB_EVENT_JUDGED},
    {OUTCOME_ERROR, OUTCOME_UNVERIFIED, JOB_EVENT_ERRED},
    {OUTCOME_ERROR, OUTCOME_NOT_RUN, JOB_EVENT_ERRED},
    {OUTCOME_PASS, OUTCOME_ERROR, JOB_EVENT_ERRED},
};

static void add_stage(struct results *results, enum stage which, enum outcome outcome)
{
	struct results_stage stage_of;

	results_stage_init(&stage_of, which);
	stage_of.outcome = outcome;
	results_take_stage(results, &stage_of);
}

/* What went wrong may go right; what could not be proved will not be. */
START_TEST(report_without_proof)
{
	struct build build = {.server = "Drone", .number = 41, .status = BUILD_FAILURE};
	auto_str char *document = xasprintf(DOCUMENT, OURS);
	AUTO(buf) log = buf_make(64 * 1024);
	AUTO(results) results = {0};
	AUTO(learnt) learnt = {0};
	struct job first = job;
	struct err err;

	first.first_build = 0;
	ck_assert_int_eq(results_decode(document, strlen(document), &results, &err), 0);
	results.verdict = VERDICT_CI_ERROR;
	add_stage(&results, STAGE_INSTALL, unproved[_i].install);
	add_stage(&results, STAGE_UPGRADE, unproved[_i].upgrade);
	auto_str char *written = results_encode(&results);
	(void)buf_printf(&log, RESULTS_BEGIN "\n%s\n" RESULTS_END "\n", written);
	learn_end(&build, &log, &first, 3600, &learnt);
	ck_assert_int_eq(learnt.event.kind, unproved[_i].kind);
}
END_TEST

static const char *const bad_logs[] = {
    "",
    "no marks here\n",
    RESULTS_BEGIN "\n{\"schema\":2}\n" RESULTS_END "\n",
    RESULTS_BEGIN "\nnonsense\n" RESULTS_END "\n",
};

START_TEST(end_with_bad_report)
{
	AUTO(learnt) learnt = {0};

	learn_log(bad_logs[_i], OURS, &learnt);
	ck_assert_int_eq(learnt.event.verdict, VERDICT_CI_ERROR);
	ck_assert_msg(text_starts(learnt.event.reason, "The build ended without a report: "), "%s",
	    learnt.reason);
}
END_TEST

static const struct {
	const char *run;
	const char *differs;
} foreign_runs[] = {
    {RUN("41", "other", "org/custom-html", "3", REF, "812"),
	"recipe `other` and not about `custom-html`"},
    {RUN("41", "custom-html", "me/custom-html", "3", REF, "812"),
	"repository `me/custom-html` and not about `org/custom-html`"},
    {RUN("41", "custom-html", "", "3", REF, "812"), "names no repository:"},
    {RUN("41", "custom-html", "org/custom-html", "4", REF, "812"),
	"pull request `4` and not about `3`"},
    {RUN("41", "custom-html", "org/custom-html", "0", REF, "812"), "names no pull request:"},
    {RUN("41", "custom-html", "org/custom-html", "3", OTHER_REF, "812"),
	"commit `" OTHER_REF "` and not about `" REF "`"},
    {RUN("41", "custom-html", "org/custom-html", "3", "", "812"), "names no commit:"},
    {RUN("41", "custom-html", "org/custom-html", "3", REF, "9"), "comment `9` and not about `812`"},
    {RUN("41", "custom-html", "org/custom-html", "3", REF, "0"), "names no comment:"},
    {RUN("40", "custom-html", "org/custom-html", "3", REF, "812"), "build `40` and not about `41`"},
};

/* Red as it says it is, it is no verdict about this pull request. */
START_TEST(end_with_report_of_another)
{
	AUTO(learnt) learnt = {0};

	learn_log(RESULTS_BEGIN "\n@\n" RESULTS_END "\n", foreign_runs[_i].run, &learnt);
	ck_assert_int_eq(learnt.event.verdict, VERDICT_CI_ERROR);
	ck_assert_msg(
	    strstr(learnt.event.reason, foreign_runs[_i].differs) != NULL, "%s", learnt.reason);
	ck_assert_int_eq(learnt.event.level, 0);
	ck_assert_ptr_null(learnt.event.results);
	ck_assert_ptr_null(learnt.event.head_version);
}
END_TEST

/* Whoever tried other suites is not told what those in force say, nor the other way round. */
START_TEST(report_of_other_suites)
{
	struct job trial = job;
	AUTO(learnt) good = {0};
	AUTO(learnt) lacking = {0};
	AUTO(learnt) foreign = {0};

	(void)copy_text(trial.suite_ref, sizeof(trial.suite_ref), OTHER_REF);
	learn_log_of(&trial, RESULTS_BEGIN "\n@\n" RESULTS_END "\n", OURS TRIAL, &good);
	ck_assert_int_eq(good.event.verdict, VERDICT_RECIPE_FAILED);
	learn_log_of(&trial, RESULTS_BEGIN "\n@\n" RESULTS_END "\n", OURS, &lacking);
	ck_assert_ptr_nonnull(strstr(lacking.reason, "names no commit of the suites:"));
	learn_log(RESULTS_BEGIN "\n@\n" RESULTS_END "\n", OURS TRIAL, &foreign);
	ck_assert_int_eq(foreign.event.verdict, VERDICT_CI_ERROR);
}
END_TEST

START_TEST(steps_for_people)
{
	struct build build = make_build(&ends[0]);
	struct reply_step rows[LEARN_STEPS_MAX];

	ck_assert_uint_eq(learn_steps(&build, rows), 1);
	ck_assert_str_eq(rows[0].name, "install");
	ck_assert_int_eq(rows[0].state, REPLY_STEP_ENDED);
	ck_assert_int_eq(rows[0].seconds, 9);
	ck_assert_int_eq(rows[0].started_s, 100);
}
END_TEST

/* As many rows as there is room for, names cut between characters, times of steps that are over. */
START_TEST(steps_of_a_long_build)
{
	struct build_step many[LEARN_STEPS_MAX + 2] = {0};
	struct build_stage long_stage = {.number = 1, .steps = many, .step_count = COUNT_OF(many)};
	struct build build = {.stages = &long_stage, .stage_count = 1};
	struct reply_step rows[LEARN_STEPS_MAX];

	for (size_t i = 0; i < COUNT_OF(many); i++) {
		memset(many[i].name, 'x', REPLY_STEP_NAME_SIZE - 2);
		(void)snprintf(many[i].name + REPLY_STEP_NAME_SIZE - 2, 8, "\xc3\xbc");
	}
	many[0].stopped_s = 5;
	many[1].started_s = 5;
	many[2].started_s = 5;
	many[2].stopped_s = 6;
	ck_assert_uint_eq(learn_steps(&build, rows), LEARN_STEPS_MAX);
	ck_assert_uint_eq(strlen(rows[0].name), REPLY_STEP_NAME_SIZE - 2);
	ck_assert_int_eq(rows[0].seconds, 0);
	ck_assert_int_eq(rows[1].seconds, 0);
	ck_assert_int_eq(rows[2].seconds, 1);
}
END_TEST

START_TEST(queue_and_origin)
{
	struct build items[] = {
	    {.number = 44, .status = BUILD_PENDING, .params = {.comment = 812, .recipe = "b"}},
	    {.number = 43,
		.status = BUILD_PENDING,
		.params = {.comment = 812, .recipe = "custom-html"}},
	    {.number = 42, .status = BUILD_KILLED},
	    {.number = 41,
		.status = BUILD_RUNNING,
		.params = {.comment = 812, .recipe = "custom-html"}},
	    {.number = 40, .status = BUILD_RUNNING},
	};
	struct builds builds = {items, COUNT_OF(items)};

	const struct build *ahead[LEARN_AHEAD_MAX];

	ck_assert_uint_eq(learn_ahead(&builds, 44, ahead), 3);
	ck_assert_int_eq(ahead[0]->number, 40);
	ck_assert_int_eq(ahead[1]->number, 41);
	ck_assert_int_eq(ahead[2]->number, 43);
	ck_assert_uint_eq(learn_ahead(&builds, 40, ahead), 0);
	items[1].status = BUILD_CREATED;
	ck_assert_uint_eq(learn_ahead(&builds, 44, ahead), 2);
	items[1].status = BUILD_BLOCKED;
	ck_assert_uint_eq(learn_ahead(&builds, 44, ahead), 2);
	struct job asked = job;
	ck_assert_int_eq(learn_find(&builds, &asked)->number, 41);
	asked.first_build = 41;
	ck_assert_int_eq(learn_find(&builds, &asked)->number, 43);
	asked.first_build = 43;
	ck_assert_ptr_null(learn_find(&builds, &asked));
	asked = job;
	asked.comment = 8;
	ck_assert_ptr_null(learn_find(&builds, &asked));
}
END_TEST

/* What is in front, and when whoever is behind it begins. */
static const struct wait_row {
	struct learn_turn turns[4];
	size_t count;
	int64_t wait_s;
} waits[] = {
    {{{420, 540}}, 1, 120},
    {{{600, 540}}, 1, 1}, /* late: any moment */
    {{{420, 540}, {-1, 300}}, 2, 420},
    {{{420, 540}, {-1, 300}, {-1, 60}}, 3, 480},
    {{{420, 540}, {-1, 0}, {-1, 60}}, 3, 0}, /* nobody knows */
    {{{420, 0}}, 1, 0},
    {{{-1, 300}}, 1, 301},	      /* nothing runs yet */
    {{{440, 540}, {0, 200}}, 2, 100}, /* two runners */
    {{{440, 540}, {0, 200}, {-1, 300}}, 3, 200},
    {{{440, 540}, {0, 200}, {-1, 300}, {-1, 50}}, 4, 250},
};

START_TEST(turn_comes)
{
	const struct wait_row *row = &waits[_i];

	ck_assert_int_eq(learn_wait_s(row->turns, row->count), row->wait_s);
}
END_TEST

/* Whose a build with these parameters is, when the job of its comment is so. */
static const struct origin_row {
	struct build build;
	enum job_state state; /* of that job; its build is 41, after 40 */
	enum learn_origin origin;
	bool is_asked; /* there is such a job */
} origins[] = {
    {{.number = 45, .params = {.recipe = "a", .pr = 3}}, 0, LEARN_ORIGIN_BY_HAND, false},
    {{.number = 45, .params = {.recipe = "a"}}, 0, LEARN_ORIGIN_OURS, false},
    {{.number = 45, .params = {.pr = 3}}, 0, LEARN_ORIGIN_OURS, false},
    /* A comment of which we know nothing: another bridge's. */
    {{.number = 45, .params = {.recipe = "a", .pr = 3, .comment = 9}}, 0, LEARN_ORIGIN_OURS, false},
    /* Started again in Drone. */
    {{.number = 45, .params = {.recipe = "a", .pr = 3, .comment = 812}}, JOB_ANSWERED,
	LEARN_ORIGIN_BY_HAND, true},
    {{.number = 41, .params = {.recipe = "a", .pr = 3, .comment = 812}}, JOB_RUNNING,
	LEARN_ORIGIN_OURS, true},
    {{.number = 40, .params = {.recipe = "a", .pr = 3, .comment = 812}}, JOB_RUNNING,
	LEARN_ORIGIN_OURS, true},
    /* It may be the one that is just made. */
    {{.number = 45, .params = {.recipe = "a", .pr = 3, .comment = 812}}, JOB_ASKED,
	LEARN_ORIGIN_UNKNOWN, true},
    {{.number = 45, .params = {.recipe = "a", .pr = 3, .comment = 812}}, JOB_HEARD,
	LEARN_ORIGIN_UNKNOWN, true},
};

START_TEST(origin_of_a_build)
{
	const struct origin_row *row = &origins[_i];
	struct job asked = job;

	asked.state = row->state;
	ck_assert_int_eq(learn_origin(&row->build, row->is_asked ? &asked : NULL), row->origin);
}
END_TEST

/* Of a build by hand we asked for no commit and no comment; all else has to be its own. */
START_TEST(report_of_a_build_by_hand)
{
	static const char *const runs[] = {OURS,
	    RUN("41", "custom-html", "org/custom-html", "3", OTHER_REF, "0"),
	    RUN("41", "custom-html", "org/custom-html", "4", REF, "0"),
	    RUN("42", "custom-html", "org/custom-html", "3", REF, "0")};
	AUTO(learnt) learnt = {0};
	struct job by_hand = job;

	by_hand.comment = job_id_of_build(41);
	by_hand.first_build = 0;
	by_hand.ref[0] = '\0';
	learn_log_of(&by_hand, RESULTS_BEGIN "\n@\n" RESULTS_END "\n", runs[_i], &learnt);
	ck_assert_int_eq(learnt.event.kind, JOB_EVENT_JUDGED);
	ck_assert_int_eq(learnt.event.verdict, _i < 2 ? VERDICT_RECIPE_FAILED : VERDICT_CI_ERROR);
}
END_TEST

START_TEST(dropped_by_its_runner)
{
	struct build_stage taken = {.machine = "ci1"};
	struct build build = {
	    .status = BUILD_PENDING, .created_s = 1000, .stages = &taken, .stage_count = 1};

	ck_assert(!learn_was_dropped(&build, 1010));
	ck_assert(!learn_was_dropped(&build, 1299));
	ck_assert(learn_was_dropped(&build, 1300));
	ck_assert(learn_was_dropped(&build, 1400));
	taken.machine[0] = '\0';
	ck_assert_msg(!learn_was_dropped(&build, 1400), "no runner took it: it only waits");
	taken.machine[0] = 'x';
	build.status = BUILD_RUNNING;
	ck_assert(!learn_was_dropped(&build, 1400));
}
END_TEST

static bool was_forgotten(struct build other, struct build younger, struct build ours)
{
	struct build older = {
	    .number = 41, .status = BUILD_SUCCESS, .started_s = 400, .finished_s = 600};
	struct build items[] = {other, younger, ours, older};
	struct builds builds = {.items = items, .count = COUNT_OF(items)};

	ck_assert_msg(!learn_was_forgotten(&builds, 40, 1300), "it is not in the list");
	return learn_was_forgotten(&builds, 42, 1300);
}

START_TEST(forgotten_by_its_server)
{
	const struct build other = {
	    .number = 44, .status = BUILD_SUCCESS, .started_s = 700, .finished_s = 1000};
	const struct build younger = {.number = 43,
	    .status = BUILD_FAILURE,
	    .started_s = 900,
	    .finished_s = 1000,
	    .params = {.comment = 9}};
	const struct build ours = {.number = 42, .status = BUILD_PENDING, .params = {.comment = 8}};
	struct build changed = other;

	ck_assert(was_forgotten(other, younger, ours));
	changed.finished_s++;
	ck_assert_msg(!was_forgotten(changed, younger, ours), "only for 299 s nothing ran");
	changed.status = BUILD_RUNNING;
	changed.finished_s = 0;
	ck_assert_msg(!was_forgotten(changed, younger, ours), "the runner is busy");
	changed = younger;
	changed.params.comment = 0;
	ck_assert_msg(!was_forgotten(other, changed, ours), "perhaps another runner's pipeline");
	changed = younger;
	changed.status = BUILD_KILLED;
	ck_assert_msg(!was_forgotten(other, changed, ours), "perhaps cancelled while it waited");
	changed = ours;
	changed.status = BUILD_BLOCKED;
	ck_assert_msg(!was_forgotten(other, younger, changed), "it waits for a person");
	changed = younger;
	changed.number = 39;
	ck_assert_msg(!was_forgotten(other, changed, ours), "it came before");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("learn");
	TCase *tests = tcase_create("learn");

	tcase_add_loop_test(tests, end_without_report, 0, COUNT_OF(ends));
	tcase_add_loop_test(tests, end_of_a_first_build, 0, COUNT_OF(ends));
	tcase_add_test(tests, report_of_a_first_build);
	tcase_add_loop_test(tests, report_without_proof, 0, COUNT_OF(unproved));
	tcase_add_loop_test(tests, end_of_a_withdrawn_job, 0, COUNT_OF(ends));
	tcase_add_test(tests, ends_what_nobody_makes);
	tcase_add_test(tests, knows_a_whole_report);
	tcase_add_test(tests, end_with_report);
	tcase_add_loop_test(tests, end_with_bad_report, 0, COUNT_OF(bad_logs));
	tcase_add_loop_test(tests, end_with_report_of_another, 0, COUNT_OF(foreign_runs));
	tcase_add_test(tests, report_of_other_suites);
	tcase_add_test(tests, steps_for_people);
	tcase_add_test(tests, steps_of_a_long_build);
	tcase_add_test(tests, queue_and_origin);
	tcase_add_loop_test(tests, turn_comes, 0, COUNT_OF(waits));
	tcase_add_loop_test(tests, origin_of_a_build, 0, COUNT_OF(origins));
	tcase_add_loop_test(tests, report_of_a_build_by_hand, 0, 4);
	tcase_add_test(tests, dropped_by_its_runner);
	tcase_add_test(tests, forgotten_by_its_server);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
