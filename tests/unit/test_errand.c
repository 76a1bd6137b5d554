/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/errand.h"
#include "common/clock.h"

static const struct err down = {.code = ERR_TRANSIENT, .msg = "refused"};
static const struct err no = {.code = ERR_DENIED, .msg = "403"};

static bool may_begin(const struct errand *errand, const struct gate *gate, int64_t now_ns)
{
	int64_t due_ns = 0;
	bool may = errand_may_begin(errand, gate, now_ns, &due_ns);

	ck_assert_msg(
	    due_ns > now_ns, "due at %lld, looked at %lld", (long long)due_ns, (long long)now_ns);
	return may;
}

/* One try of a fresh errand, and its end. */
static void try_once(struct gate *gate, const struct err *err, int64_t asked_to_wait_ms)
{
	struct errand errand = {0};

	errand_begin(&errand, gate);
	ck_assert(errand_end(&errand, gate, err, asked_to_wait_ms, 0) == !err);
}

START_TEST(errand_waits_longer_each_time)
{
	struct errand errand = {0};
	struct gate gate = {.name = "peer"};
	int64_t before_ms = 0;

	ck_assert(may_begin(&errand, &gate, 0));
	for (int i = 0; i < 30; i++) {
		errand_begin(&errand, &gate);
		ck_assert_msg(!may_begin(&errand, &gate, INT64_MAX - 1), "due while under way");
		ck_assert(!errand_end(&errand, &gate, &no, 0, 0));
		int64_t ms = errand.due_ns / NS_PER_MS;
		ck_assert_int_ge(ms, ERRAND_FIRST_MS * 3 / 4);
		ck_assert_int_le(ms, ERRAND_MOST_MS);
		if (i < 8)
			ck_assert_msg(
			    ms > before_ms, "%lld after %lld", (long long)ms, (long long)before_ms);
		before_ms = ms;
	}
	errand_begin(&errand, &gate);
	ck_assert(errand_end(&errand, &gate, NULL, 0, 0));
	ck_assert(may_begin(&errand, &gate, 0));
}
END_TEST

START_TEST(errand_says_when_to_look_again)
{
	struct errand errand = {0};
	struct gate gate = {.name = "peer"};
	int64_t due_ns = 0;

	errand_put_off(&errand, 0, 700);
	ck_assert(!errand_may_begin(&errand, &gate, 0, &due_ns));
	ck_assert_int_eq(due_ns, 700 * NS_PER_MS);
	ck_assert(errand_may_begin(&errand, &gate, due_ns, &due_ns));
	try_once(&gate, &down, 5000);
	ck_assert(!errand_may_begin(&errand, &gate, 0, &due_ns));
	ck_assert_msg(due_ns == 5 * NS_PER_S, "the gate opens later than the errand is due");
	errand_fail(&errand, 0);
	ck_assert_uint_eq(errand.failures, 1);
	errand_put_off(&errand, 0, 1);
	ck_assert_uint_eq(errand.failures, 0);
}
END_TEST

START_TEST(what_is_taken_back_never_began)
{
	struct gate gate = {.name = "peer"};
	struct errand errand = {0};

	try_once(&gate, &down, 0);
	int64_t later_ns = gate.due_ns;
	errand_begin(&errand, &gate);
	ck_assert(!may_begin(&(struct errand){0}, &gate, later_ns));
	errand_take_back(&errand, &gate);
	ck_assert(may_begin(&errand, &gate, later_ns));
	ck_assert_uint_eq(errand.failures, 0);
	ck_assert_uint_eq(gate.under_way, 0);
	ck_assert_uint_eq(gate.failures, 1);
}
END_TEST

START_TEST(gate_lets_one_probe_through)
{
	struct gate gate = {.name = "peer"};
	struct errand errands[2] = {{0}};
	struct errand other = {0};
	const int64_t later_ns = GATE_MOST_MS * NS_PER_MS;

	errand_begin(&errands[0], &gate);
	errand_begin(&errands[1], &gate);
	(void)errand_end(&errands[0], &gate, &down, 0, 0);
	ck_assert_msg(!may_begin(&other, &gate, INT64_MAX - 1), "the other one is still under way");
	(void)errand_end(&errands[1], &gate, &down, 0, 0);
	ck_assert(!may_begin(&other, &gate, 0));
	ck_assert(may_begin(&other, &gate, later_ns));
	errand_begin(&errands[0], &gate);
	ck_assert_msg(!may_begin(&other, &gate, later_ns), "two probes at once");
	(void)errand_end(&errands[0], &gate, &no, 0, 0);
	ck_assert_msg(may_begin(&other, &gate, 0), "a no is an answer");
}
END_TEST

/* The one that is tried most often while nobody answers, a poll, would come back last. */
START_TEST(what_failed_with_the_peer_is_due_with_it)
{
	struct gate gate = {.name = "peer"};
	struct errand errand = {0};
	int64_t now_ns = 0;

	for (int i = 0; i < 12; i++) {
		ck_assert(may_begin(&errand, &gate, now_ns));
		errand_begin(&errand, &gate);
		ck_assert(!errand_end(&errand, &gate, &down, 0, now_ns));
		ck_assert_int_le(gate.due_ns, now_ns + GATE_MOST_MS * NS_PER_MS);
		now_ns = gate.due_ns;
	}
	ck_assert_uint_eq(errand.failures, 1);
	try_once(&gate, NULL, 0);
	ck_assert_msg(may_begin(&errand, &gate, now_ns), "due %lld s after the peer is back",
	    (long long)((errand.due_ns - now_ns) / NS_PER_S));

	/* What fails alone still waits longer each time. */
	for (unsigned i = 2; i < 6; i++) {
		errand_begin(&errand, &gate);
		ck_assert(!errand_end(&errand, &gate, &down, 0, now_ns));
		ck_assert_uint_eq(errand.failures, i);
		try_once(&gate, NULL, 0);
	}
}
END_TEST

START_TEST(gate_is_down_after_some_failures)
{
	struct gate gate = {.name = "peer"};

	for (int i = 0; i < GATE_DOWN_AFTER; i++) {
		ck_assert(!gate_is_down(&gate));
		try_once(&gate, &down, 0);
	}
	ck_assert(gate_is_down(&gate));
	ck_assert_str_eq(gate.last.msg, "refused");
	try_once(&gate, NULL, 0);
	ck_assert(!gate_is_down(&gate));
}
END_TEST

START_TEST(gate_does_as_it_was_asked)
{
	struct gate gate = {.name = "peer"};
	struct errand other = {0};

	try_once(&gate, &down, 120000);
	ck_assert(!may_begin(&other, &gate, 119 * NS_PER_S));
	ck_assert(may_begin(&other, &gate, 120 * NS_PER_S));
}
END_TEST

START_TEST(gate_bounds_what_is_under_way)
{
	struct gate gate = {.name = "peer"};
	struct errand errands[GATE_REQUESTS_MAX] = {{0}};
	struct errand other = {0};

	for (int i = 0; i < GATE_REQUESTS_MAX; i++) {
		ck_assert(may_begin(&other, &gate, 0));
		errand_begin(&errands[i], &gate);
	}
	ck_assert(!may_begin(&other, &gate, 0));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("errand");
	TCase *tests = tcase_create("errand");

	tcase_add_test(tests, errand_waits_longer_each_time);
	tcase_add_test(tests, errand_says_when_to_look_again);
	tcase_add_test(tests, what_is_taken_back_never_began);
	tcase_add_test(tests, what_failed_with_the_peer_is_due_with_it);
	tcase_add_test(tests, gate_is_down_after_some_failures);
	tcase_add_test(tests, gate_lets_one_probe_through);
	tcase_add_test(tests, gate_does_as_it_was_asked);
	tcase_add_test(tests, gate_bounds_what_is_under_way);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
