/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/retry.h"
#include "common/clock.h"

static const struct err down = {.code = ERR_TRANSIENT, .msg = "refused"};
static const struct err no = {.code = ERR_DENIED, .msg = "403"};

START_TEST(errand_waits_longer_each_time)
{
	struct retry errand = {0};
	int64_t before_ms = 0;

	ck_assert(retry_is_due(&errand, 0));
	for (int i = 0; i < 30; i++) {
		retry_begin(&errand);
		ck_assert_msg(!retry_is_due(&errand, INT64_MAX), "due while under way");
		retry_failed(&errand, 0);
		int64_t ms = errand.due_ns / NS_PER_MS;
		ck_assert_int_ge(ms, RETRY_FIRST_MS * 3 / 4);
		ck_assert_int_le(ms, RETRY_MOST_MS);
		if (i < 8)
			ck_assert_msg(
			    ms > before_ms, "%lld after %lld", (long long)ms, (long long)before_ms);
		before_ms = ms;
	}
	retry_succeeded(&errand);
	ck_assert(retry_is_due(&errand, 0));
}
END_TEST

START_TEST(gate_lets_one_probe_through)
{
	struct gate gate = {.name = "peer"};

	gate_begin(&gate);
	gate_begin(&gate);
	gate_end(&gate, &down, 0, 0);
	ck_assert_msg(!gate_is_open(&gate, INT64_MAX), "the other one is still under way");
	gate_end(&gate, &down, 0, 0);
	ck_assert(!gate_is_open(&gate, 0));
	ck_assert(gate_is_open(&gate, GATE_MOST_MS * NS_PER_MS));
	gate_begin(&gate);
	ck_assert_msg(!gate_is_open(&gate, GATE_MOST_MS * NS_PER_MS), "two probes at once");
	gate_end(&gate, &no, 0, 0);
	ck_assert_msg(gate_is_open(&gate, 0), "a no is an answer");
}
END_TEST

START_TEST(gate_does_as_it_was_asked)
{
	struct gate gate = {.name = "peer"};

	gate_begin(&gate);
	gate_end(&gate, &down, 120000, 0);
	ck_assert(!gate_is_open(&gate, 119 * NS_PER_S));
	ck_assert(gate_is_open(&gate, 120 * NS_PER_S));
}
END_TEST

START_TEST(gate_bounds_what_is_under_way)
{
	struct gate gate = {.name = "peer"};

	for (int i = 0; i < GATE_REQUESTS_MAX; i++) {
		ck_assert(gate_is_open(&gate, 0));
		gate_begin(&gate);
	}
	ck_assert(!gate_is_open(&gate, 0));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("retry");
	TCase *tests = tcase_create("retry");

	tcase_add_test(tests, errand_waits_longer_each_time);
	tcase_add_test(tests, gate_lets_one_probe_through);
	tcase_add_test(tests, gate_does_as_it_was_asked);
	tcase_add_test(tests, gate_bounds_what_is_under_way);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
