/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/status.h"

#define REF "0123456789abcdef0123456789abcdef01234567"
#define RUN .comment = 812, .pr = 3, .repo = "org/custom-html", .ref = REF, .command = COMMAND_TEST
#define OVER(what) RUN, .state = JOB_JUDGED, .build = 41, .has_verdict = true, .verdict = (what)
#define BUILDS "https://drone.example.org/org/cc-ci"
#define PAGES "https://ci.example.org"
#define TWENTY "twenty bytes of words"

/* A later initialiser of a row replaces the one of RUN; that is what the rows are for. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

static const struct row {
	struct job job;
	const char *pages_url;
	enum gitea_status_state state; /* OTHER: nothing is said */
	const char *description, *url;
} rows[] = {
    /* nothing to say: not decided, refused, no head known, no pull request, no run */
    {{RUN, .state = JOB_HEARD}, PAGES, GITEA_STATUS_OTHER, "", ""},
    {{RUN, .state = JOB_REFUSED}, PAGES, GITEA_STATUS_OTHER, "", ""},
    {{RUN, .state = JOB_ANSWERED}, PAGES, GITEA_STATUS_OTHER, "", ""},
    {{RUN, .state = JOB_QUEUED, .ref = ""}, PAGES, GITEA_STATUS_OTHER, "", ""},
    {{RUN, .state = JOB_QUEUED, .pr = 0}, PAGES, GITEA_STATUS_OTHER, "", ""},
    {{OVER(VERDICT_PASSED), .suite_ref = REF}, PAGES, GITEA_STATUS_OTHER, "", ""}, /* a trial */
    {{RUN, .state = JOB_ASKED, .command = COMMAND_HELP}, PAGES, GITEA_STATUS_OTHER, "", ""},
    /* it goes on */
    {{RUN, .state = JOB_ASKED}, PAGES, GITEA_STATUS_PENDING, "queued", ""},
    {{RUN, .state = JOB_QUEUED, .build = 41}, PAGES, GITEA_STATUS_PENDING, "queued",
	PAGES "/runs/41"},
    {{RUN, .state = JOB_RUNNING, .build = 41}, NULL, GITEA_STATUS_PENDING, "running", BUILDS "/41"},
    {{RUN, .state = JOB_STOPPING, .build = 41, .has_verdict = true, .verdict = VERDICT_CANCELLED},
	NULL, GITEA_STATUS_PENDING, "stopping", BUILDS "/41"},
    {{RUN, .state = JOB_ENDED, .build = 41}, NULL, GITEA_STATUS_PENDING, "running", BUILDS "/41"},
    {{RUN, .state = JOB_ENDED, .build = 41, .has_verdict = true, .verdict = VERDICT_PASSED}, NULL,
	GITEA_STATUS_PENDING, "running", BUILDS "/41"},
    /* it is over: only what passed is green, only what the recipe did is its failure */
    {{OVER(VERDICT_PASSED), .level = 4, .reason = "x"}, PAGES, GITEA_STATUS_SUCCESS,
	"passed, level 4", PAGES "/runs/41"},
    {{OVER(VERDICT_RECIPE_FAILED), .reason = "it\nlost \x1b[1mdata"}, NULL, GITEA_STATUS_FAILURE,
	"failed: it lost  [1mdata", BUILDS "/41"},
    {{OVER(VERDICT_TIMED_OUT)}, NULL, GITEA_STATUS_FAILURE, "timed out", BUILDS "/41"},
    {{OVER(VERDICT_CI_ERROR), .reason = "no engine"}, NULL, GITEA_STATUS_ERROR,
	"CI error: no engine", BUILDS "/41"},
    {{OVER(VERDICT_CANCELLED), .reason = "Cancelled by member."}, NULL, GITEA_STATUS_ERROR,
	"cancelled: Cancelled by member.", BUILDS "/41"},
    {{OVER(VERDICT_SUPERSEDED)}, NULL, GITEA_STATUS_ERROR, "superseded", BUILDS "/41"},
    {{OVER(VERDICT_NOT_RUN)}, NULL, GITEA_STATUS_ERROR, "not run", BUILDS "/41"},
    {{OVER(VERDICT_CANCELLED), .build = 0}, PAGES, GITEA_STATUS_ERROR, "cancelled", ""},
    {{OVER(VERDICT_PASSED), .state = JOB_ANSWERED, .level = 5}, NULL, GITEA_STATUS_SUCCESS,
	"passed, level 5", BUILDS "/41"},
    /* cut, not within a character */
    {{OVER(VERDICT_CI_ERROR), .reason = TWENTY TWENTY TWENTY TWENTY TWENTY TWENTY "123ä" TWENTY},
	NULL, GITEA_STATUS_ERROR, "CI error: " TWENTY TWENTY TWENTY TWENTY TWENTY TWENTY "123…",
	BUILDS "/41"},
};
#pragma GCC diagnostic pop

START_TEST(says_row)
{
	const struct row *row = &rows[_i];
	struct status_facts facts = {
	    .job = &row->job, .builds_url = BUILDS, .pages_url = row->pages_url};
	struct gitea_status status = {.state = GITEA_STATUS_OTHER};

	ck_assert_int_eq(status_write(&facts, &status), row->state != GITEA_STATUS_OTHER);
	ck_assert_msg(status.state == row->state, "row %d: %d", _i, (int)status.state);
	ck_assert_str_eq(status.description, row->description);
	ck_assert_str_eq(status.url, row->url);
}
END_TEST

START_TEST(names_the_stage)
{
	struct job job = {OVER(VERDICT_RECIPE_FAILED)};
	struct results_stage stage = {.stage = STAGE_UPGRADE, .outcome = OUTCOME_FAIL};
	struct results results = {.stages = {stage}, .stage_count = 1};
	struct status_facts facts = {.job = &job, .results = &results, .builds_url = ""};
	struct gitea_status status = {0};

	ck_assert(status_write(&facts, &status));
	ck_assert_str_eq(status.description, "failed at upgrade");
	ck_assert_str_eq(status.url, "");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("status");
	TCase *tests = tcase_create("status");

	tcase_add_loop_test(tests, says_row, 0, COUNT_OF(rows));
	tcase_add_test(tests, names_the_stage);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
