/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/summary.h"

#define NOW_S 1795862400 /* 2026-11-28T10:40:00Z */
#define FORGE(since) .peers = {{"the forge", since}, {"Drone", 0}}, .peer_count = 2

static const struct row {
	struct summary facts;
	const char *text;
} rows[] = {
    {{.repositories = 0}, "first poll"},
    {{.repositories = 12}, "first poll of 12 repositories"},
    {{.was_polled = true, .repositories = 1}, "polling 1 repository"},
    {{.was_polled = true}, "polling 0 repositories"},
    {{.was_polled = true, .repositories = 12, .running = 2, FORGE(NOW_S - 540)},
	"polling 12 repositories, 2 runs going on; the forge unreachable since 10:31 UTC"},
    {{.was_polled = true, .repositories = 12, .running = 1, .waiting = 3, FORGE(NOW_S - 86400)},
	"polling 12 repositories, 1 run going on, 3 waiting; the forge unreachable since "
	"2026-11-27 10:40 UTC"},
    {{.was_polled = true,
	 .repositories = 12,
	 .unheard = 1,
	 .has_store_trouble = true,
	 .has_bad_settings = true},
	"polling 12 repositories; 1 repository is not heard; the store cannot be written; the new "
	"settings have mistakes, the old ones hold"},
    {{.was_polled = true, .repositories = 12, .unheard = 2},
	"polling 12 repositories; 2 repositories are not heard"},
    {{.was_polled = true, .repositories = 12, .is_stopping = true},
	"stopping, once what is under way is answered"},
};

START_TEST(says_what_goes_on)
{
	struct summary facts = rows[_i].facts;
	char text[SUMMARY_SIZE];

	facts.now_s = NOW_S;
	summary_write(&facts, text);
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("summary");
	TCase *tests = tcase_create("summary");

	tcase_add_loop_test(tests, says_what_goes_on, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
