/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/clock.h"

#include <limits.h>

struct hands {
	int64_t monotonic_ns;
	int64_t wall_s;
};

static int64_t read_monotonic(void *context)
{
	return ((const struct hands *)context)->monotonic_ns;
}

static int64_t read_wall(void *context)
{
	return ((const struct hands *)context)->wall_s;
}

static void inject(struct hands *hands)
{
	struct clock_source source = {
	    .monotonic_ns = read_monotonic, .wall_s = read_wall, .context = hands};

	clock_set_source(&source);
}

START_TEST(injected_clocks_are_read)
{
	struct hands hands = {.monotonic_ns = 5 * NS_PER_S, .wall_s = 1000};

	inject(&hands);
	ck_assert_int_eq(clock_now(), 5 * NS_PER_S);
	ck_assert_int_eq(clock_wall_s(), 1000);
	hands.monotonic_ns += 1500 * NS_PER_MS;
	ck_assert_int_eq(clock_elapsed_ms(5 * NS_PER_S), 1500);
	clock_set_source(NULL);
	ck_assert_int_gt(clock_wall_s(), 1700000000);
	ck_assert_int_ge(clock_now(), 0);
}
END_TEST

/* The offset of TZ at that instant; POSIX counts it westwards. */
START_TEST(local_is_what_the_wall_shows)
{
	static const struct {
		const char *zone;
		int64_t offset_s;
	} zones[] = {{"UTC0", 0}, {"CET-1", 3600}, {"WST5:30:10", -19810}};

	for (size_t i = 0; i < COUNT_OF(zones); i++) {
		ck_assert_int_eq(setenv("TZ", zones[i].zone, 1), 0);
		ck_assert_int_eq(clock_local_s(1795318095), 1795318095 + zones[i].offset_s);
	}
	ck_assert_int_eq(unsetenv("TZ"), 0);
}
END_TEST

START_TEST(waits_are_rounded_up_and_bounded)
{
	struct hands hands = {.monotonic_ns = 100 * NS_PER_S};

	inject(&hands);
	ck_assert_int_eq(clock_ms_until(100 * NS_PER_S), 0);
	ck_assert_int_eq(clock_ms_until(99 * NS_PER_S), 0);
	ck_assert_int_eq(clock_ms_until(100 * NS_PER_S + 1), 1);
	ck_assert_int_eq(clock_ms_until(100 * NS_PER_S + NS_PER_MS), 1);
	ck_assert_int_eq(clock_ms_until(100 * NS_PER_S + NS_PER_MS + 1), 2);
	ck_assert_int_eq(clock_ms_until(INT64_MAX), INT_MAX);
	clock_set_source(NULL);
}
END_TEST

static const struct date_row {
	const char *text;
	bool is_date;
	int64_t wall_s;
} date_rows[] = {
    {"1970-01-01T00:00:00Z", true, 0},
    {"2026-11-22T03:10:00Z", true, 1795317000},
    {"2026-11-22T03:10:00.123456Z", true, 1795317000},
    {"2026-11-22T04:10:00+01:00", true, 1795317000},
    {"2026-11-21T21:40:00-05:30", true, 1795317000},
    {"2024-02-29T00:00:00Z", true, 1709164800},
    {"", false, 0},
    {"2026-11-22", false, 0},
    {"2026-11-22T03:10:00", false, 0},
    {"2026-11-22 03:10:00Z", false, 0},
    {"2026-11-22T03:10:00.Z", false, 0},
    {"2026-11-22T03:10:00Zx", false, 0},
    {"2026-11-22T03:10:00+1:00", false, 0},
    {"2026-11-22T03:10:00+01:60", false, 0},
    {"2026-11-22T03:10:00+24:00", false, 0},
    {"2026-11-22T03:10:00+01:00x", false, 0},
    {"2026-11-22T03:10:00+-1:00", false, 0},
    {"2026-11-22T03:10:00+ 1:00", false, 0},
    {"2026-13-22T03:10:00Z", false, 0},
    {"2026-1-22T03:10:00Z", false, 0},
    {"2026-11-22T24:10:00Z", false, 0},
    {"2026-02-30T00:00:00Z", false, 0},
    {" 2026-11-22T03:10:00Z", false, 0},
};

START_TEST(parses_date_row)
{
	const struct date_row *row = &date_rows[_i];
	int64_t wall_s = 4711;

	ck_assert_msg(clock_parse_rfc3339(row->text, &wall_s) == row->is_date, "row %d \"%s\"", _i,
	    row->text);
	ck_assert_msg(wall_s == (row->is_date ? row->wall_s : 4711), "row %d \"%s\": %lld", _i,
	    row->text, (long long)wall_s);
}
END_TEST

START_TEST(formats_what_it_parses)
{
	char text[CLOCK_RFC3339_SIZE];
	int64_t wall_s = 0;

	clock_format_rfc3339(1795317000, text);
	ck_assert_str_eq(text, "2026-11-22T03:10:00Z");
	ck_assert(clock_parse_rfc3339(text, &wall_s));
	ck_assert_int_eq(wall_s, 1795317000);
}
END_TEST

static const struct duration_row {
	int64_t ms;
	const char *text;
} duration_rows[] = {
    {-5, "0 s"},
    {0, "0 s"},
    {499, "0 s"},
    {500, "1 s"},
    {59499, "59 s"},
    {59500, "1 min 0 s"},
    {72000, "1 min 12 s"},
    {3599000, "59 min 59 s"},
    {3600000, "1 h 0 min"},
    {7500000, "2 h 5 min"},
};

START_TEST(formats_duration_row)
{
	char text[CLOCK_DURATION_SIZE];

	clock_format_duration(duration_rows[_i].ms, text);
	ck_assert_str_eq(text, duration_rows[_i].text);
}
END_TEST

static const struct {
	int64_t age_s;
	const char *text;
} age_rows[] = {
    {-5, "just now"},
    {0, "just now"},
    {59, "just now"},
    {60, "1 min ago"},
    {3599, "59 min ago"},
    {3600, "1 h ago"},
    {86399, "23 h ago"},
    {86400, "1 day ago"},
    {2 * 86400 - 1, "1 day ago"},
    {INT64_C(3) * 86400, "3 days ago"},
};

START_TEST(formats_age_row)
{
	char text[CLOCK_DURATION_SIZE];

	clock_format_age(age_rows[_i].age_s, text);
	ck_assert_str_eq(text, age_rows[_i].text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("clock");
	TCase *tc = tcase_create("clock");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, injected_clocks_are_read);
	tcase_add_test(tc, local_is_what_the_wall_shows);
	tcase_add_test(tc, waits_are_rounded_up_and_bounded);
	tcase_add_loop_test(tc, parses_date_row, 0, COUNT_OF(date_rows));
	tcase_add_test(tc, formats_what_it_parses);
	tcase_add_loop_test(tc, formats_duration_row, 0, COUNT_OF(duration_rows));
	tcase_add_loop_test(tc, formats_age_row, 0, COUNT_OF(age_rows));
	return suite;
}

TEST_MAIN(make_suite)
