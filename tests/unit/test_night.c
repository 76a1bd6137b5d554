/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/hear/night.h"
#include "common/clock.h"

static const struct {
	const char *text;
	int64_t minute; /* -1: of no such form */
} times[] = {
    {"00:00", 0},
    {"03:00", 180},
    {"23:59", 1439},
    {"", -1},
    {"3:00", -1},
    {"03:0", -1},
    {"03:000", -1},
    {"24:00", -1},
    {"03:60", -1},
    {"03.00", -1},
    {"+3:00", -1},
    {" 3:00", -1},
    {"03:-1", -1},
    {"03: 1", -1},
    {"03:00 ", -1},
    {"0300", -1},
    {"03:00:00", -1},
};

START_TEST(reads_a_time_of_day)
{
	int64_t minute = -1;

	ck_assert_int_eq(night_parse(times[_i].text, &minute), times[_i].minute >= 0);
	ck_assert_int_eq(minute, times[_i].minute);
}
END_TEST

/* By the clock on the wall; nights are named by the day of the month on which they begin. */
static const struct {
	const char *local;
	int64_t minute;
	const char *night;
	int64_t left_s;
} nights[] = {
    {"2026-11-22T03:00:00Z", 180, "2026-11-22", 86400},
    {"2026-11-22T02:59:59Z", 180, "2026-11-21", 1},
    {"2026-11-22T15:00:00Z", 180, "2026-11-22", 43200},
    {"2026-11-23T02:59:00Z", 180, "2026-11-22", 60},
    {"2026-11-22T00:00:00Z", 0, "2026-11-22", 86400}, {"2026-11-22T23:59:59Z", 0, "2026-11-22", 1},
    {"2026-11-22T23:59:00Z", 1439, "2026-11-22", 86400},
    {"2026-11-23T08:00:00Z", 1439, "2026-11-22", 57540}, /* a late one lasts as long */
};

START_TEST(a_night_lasts_until_the_next)
{
	char date[CLOCK_RFC3339_SIZE];
	int64_t local_s = 0;

	ck_assert(clock_parse_rfc3339(nights[_i].local, &local_s));
	clock_format_rfc3339(night_of(local_s, nights[_i].minute) * 86400, date);
	ck_assert_msg(text_starts(date, nights[_i].night), "%s", date);
	ck_assert_int_eq(night_left_s(local_s, nights[_i].minute), nights[_i].left_s);
}
END_TEST

#define NIGHT 20000
#define R JOB_ANSWERED, true, VERDICT_RECIPE_FAILED
#define G JOB_ANSWERED, true, VERDICT_PASSED
#define T JOB_ANSWERED, true, VERDICT_TIMED_OUT
#define E JOB_ANSWERED, true, VERDICT_CI_ERROR
#define RUNS JOB_RUNNING, false, VERDICT_PASSED

/* Of one recipe, the newest first; what it needs in the night 20000. */
static const struct {
	struct {
		int64_t night, attempt;
		enum job_state state;
		bool has_verdict;
		enum verdict_class verdict;
	} runs[4];
	enum night_step step;
} steps[] = {
    {{{0}}, NIGHT_TEST},
    {{{19999, 1, G}}, NIGHT_TEST},
    {{{19999, 1, R}}, NIGHT_TEST},
    {{{19999, 1, RUNS}}, NIGHT_TEST}, /* whether there is room is another question */
    {{{20000, 1, G}}, NIGHT_DONE},
    {{{20000, 1, RUNS}, {19999, 1, G}}, NIGHT_DONE},
    {{{20000, 1, E}, {19999, 1, G}}, NIGHT_DONE}, /* its job has tried it twice */
    {{{20000, 1, JOB_ANSWERED, false, VERDICT_PASSED}}, NIGHT_DONE},
    /* Turns red: once more. */
    {{{20000, 1, R}}, NIGHT_TEST_AGAIN},
    {{{20000, 1, T}}, NIGHT_TEST_AGAIN},
    {{{20000, 1, R}, {19999, 1, G}}, NIGHT_TEST_AGAIN},
    {{{20000, 1, JOB_JUDGED, true, VERDICT_RECIPE_FAILED}, {19999, 1, G}}, NIGHT_TEST_AGAIN},
    {{{20000, 1, R}, {19999, 2, G}, {19999, 1, R}}, NIGHT_TEST_AGAIN},
    {{{20000, 1, R}, {19999, 1, E}, {19998, 1, G}}, NIGHT_TEST_AGAIN},
    /* Stays red: everybody knows. */
    {{{20000, 1, R}, {19999, 1, R}}, NIGHT_DONE},
    {{{20000, 1, R}, {19999, 1, T}}, NIGHT_DONE},
    {{{20000, 1, R}, {19999, 1, E}, {19998, 2, R}}, NIGHT_DONE},
    /* There is no third. */
    {{{20000, 2, R}, {20000, 1, R}}, NIGHT_DONE},
    {{{20000, 2, E}, {20000, 1, R}}, NIGHT_DONE},
    {{{20000, 2, G}, {20000, 1, R}}, NIGHT_DONE},
    /* A clock that was set back. */
    {{{20001, 1, G}}, NIGHT_DONE},
    {{{20001, 1, R}}, NIGHT_DONE},
};

START_TEST(a_recipe_needs)
{
	struct night_run runs[COUNT_OF(steps[0].runs)] = {0};
	size_t count = 0;

	for (; count < COUNT_OF(runs) && steps[_i].runs[count].night; count++)
		runs[count] =
		    (struct night_run){.id = job_first_of_night(steps[_i].runs[count].night,
						 steps[_i].runs[count].attempt) +
					     7,
			.state = steps[_i].runs[count].state,
			.has_verdict = steps[_i].runs[count].has_verdict,
			.verdict = steps[_i].runs[count].verdict};
	ck_assert_int_eq(night_next(runs, count, NIGHT), steps[_i].step);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("night");
	TCase *tests = tcase_create("night");

	tcase_add_loop_test(tests, reads_a_time_of_day, 0, COUNT_OF(times));
	tcase_add_loop_test(tests, a_night_lasts_until_the_next, 0, COUNT_OF(nights));
	tcase_add_loop_test(tests, a_recipe_needs, 0, COUNT_OF(steps));
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
