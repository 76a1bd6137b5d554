/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leases and slots: who has them, who waits, and that death gives them back. */
#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/slot.h"

#include <sys/wait.h>

/* --- leases --- */

START_TEST(has_one_holder)
{
	auto_str char *dir = harness_dir();
	struct err err = {0};
	auto_fd int first = lease_take(dir, &err);

	ck_assert_msg(first >= 0, "%s", err.msg);
	ck_assert_int_eq(lease_take(dir, &err), -1);
	ck_assert_int_eq(err.code, ERR_TRANSIENT);
	ck_assert(lease_is_held(dir));
	close_fd(&first);
	ck_assert(!lease_is_held(dir));
	auto_fd int second = lease_take(dir, &err);
	ck_assert_int_ge(second, 0);
}
END_TEST

START_TEST(knows_no_run_where_there_is_none)
{
	struct err err = {0};

	ck_assert(!lease_is_held("/nonexistent/run"));
	ck_assert_int_eq(lease_take("/nonexistent/run", &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
}
END_TEST

START_TEST(comes_back_when_the_holder_is_killed)
{
	auto_str char *dir = harness_dir();
	struct err err = {0};
	int ready[2];
	char byte = 0;

	ck_assert_int_eq(pipe(ready), 0);
	pid_t holder = fork();
	if (holder == 0) {
		if (lease_take(dir, &err) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(lease_take(dir, &err), -1);
	ck_assert_int_eq(lease_wait(dir, clock_now() + 60 * NS_PER_MS, &err), -1);
	ck_assert_int_eq(err.code, ERR_TRANSIENT);
	ck_assert_int_eq(kill(holder, SIGKILL), 0);
	auto_fd int fd = lease_wait(dir, clock_now() + 5 * NS_PER_S, &err);
	ck_assert_msg(fd >= 0, "%s", err.msg);
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
}
END_TEST

START_TEST(lets_one_at_a_time_make_runs)
{
	auto_str char *dir = harness_dir();
	auto_str char *state_dir = xasprintf("%s/new/state", dir);
	struct err err = {0};
	auto_fd int fd = lease_lock_births(state_dir, &err);

	ck_assert_msg(fd >= 0, "%s", err.msg);
	pid_t second = fork();
	if (second == 0) {
		close_fd(&fd); /* the open file is shared, and its lock with it */
		_exit(lease_lock_births(state_dir, &err) < 0);
	}
	ck_assert_int_eq(waitpid(second, NULL, WNOHANG), 0);
	close_fd(&fd);
	int status = 0;
	ck_assert_int_eq(waitpid(second, &status, 0), second);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- slots --- */

static void queue(const char *state_dir, const char *id, struct slot *out)
{
	struct err err = {0};

	ck_assert_msg(slot_queue(state_dir, id, out, &err) == 0, "%s", err.msg);
}

static bool try_for(
    struct slot *slot, int64_t max_tests, int64_t weight, const char *name, struct buf *says)
{
	struct slot_want want = {.max_tests = max_tests, .weight = weight, .name = name};
	struct slot_line line = {0};
	struct err err = {0};
	bool has_got = false;

	buf_clear(says);
	ck_assert_msg(slot_try(slot, &want, &has_got, &line, &err) == 0, "%s", err.msg);
	slot_line_print(&line, &want, clock_wall_s(), says);
	return has_got;
}

START_TEST(says_who_has_the_slot)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) first = {0};
	AUTO(slot) second = {0};
	AUTO(slot) third = {0};
	AUTO(buf) says = buf_make(1000);

	queue(dir, "41-aaaaaa", &first);
	queue(dir, "42-bbbbbb", &second);
	queue(dir, "43-cccccc", &third);
	ck_assert(try_for(&first, 2, 2, "custom-html #3 (run 41-aaaaaa)", &says));
	ck_assert(!try_for(&second, 2, 1, "wiki #1 (run 42-bbbbbb)", &says));
	ck_assert_msg(strstr(buf_text(&says), "custom-html #3 (run 41-aaaaaa) has 2, for 0 s; "
					      "1st in line") != NULL,
	    "%s", buf_text(&says));
	ck_assert(!try_for(&third, 2, 2, "third", &says));
	ck_assert_msg(strstr(buf_text(&says), "custom-html #3 (run 41-aaaaaa) has 2, for 0 s; then "
					      "wiki #1 (run 42-bbbbbb); 2nd in line") != NULL,
	    "%s", buf_text(&says));
	slot_release(&first);
	ck_assert(try_for(&second, 2, 1, "wiki #1 (run 42-bbbbbb)", &says));
}
END_TEST

START_TEST(serves_first_who_came_first)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) first = {0};
	AUTO(slot) second = {0};
	AUTO(buf) says = buf_make(1000);

	queue(dir, "41-aaaaaa", &first);
	queue(dir, "42-bbbbbb", &second);
	ck_assert(!try_for(&second, 1, 1, "second", &says));
	/* It has not tried yet, so only its id is known. */
	ck_assert_str_eq(buf_text(&says), "waiting for a slot: then 41-aaaaaa; 2nd in line");
	ck_assert_uint_eq(second.count, 0);
	ck_assert(try_for(&first, 1, 1, "first", &says));
}
END_TEST

static const struct line_row {
	struct slot_line line;
	int64_t max_tests, weight;
	const char *says;
} line_rows[] = {
    {{.holders = {{"a (run 1-a)", 1, 9880}}, .holder_count = 1}, 1, 1,
	"waiting for a slot: a (run 1-a) has one, for 2 min 0 s; 1st in line"},
    {{.holders = {{"a (run 1-a)", 1, 9999}, {"b (run 2-b)", 3, 9990}}, .holder_count = 2}, 4, 2,
	"waiting for 2 of 4 slots: a (run 1-a) has one, for 1 s; b (run 2-b) has 3, for 10 s; "
	"1st in line"},
    {{.holders = {{"a", 1, 9999}}, .holder_count = 1, .ahead = {"b"}, .ahead_count = 1}, 1, 1,
	"waiting for a slot: a has one, for 1 s; then b; 2nd in line"},
    {{.ahead = {"a", "b"}, .ahead_count = 2}, 2, 9,
	"waiting for 2 of 2 slots: then a, b; 3rd in line"},
    {{.ahead = {"a", "b", "c", "d"}, .ahead_count = 4}, 1, 1,
	"waiting for a slot: then a, b, c, d; 5th in line"},
    {{.ahead = {"a", "b", "c", "d"}, .ahead_count = 10}, 1, 1,
	"waiting for a slot: then a, b, c, d and 6 more; 11th in line"},
    {{.ahead = {"a", "b", "c", "d"}, .ahead_count = 20}, 1, 1,
	"waiting for a slot: then a, b, c, d and 16 more; 21st in line"},
};

START_TEST(says_for_what_and_how_long)
{
	const struct line_row *row = &line_rows[_i];
	const struct slot_want want = {.max_tests = row->max_tests, .weight = row->weight};
	AUTO(buf) says = buf_make(1000);

	slot_line_print(&row->line, &want, 10000, &says);
	ck_assert_str_eq(buf_text(&says), row->says);
}
END_TEST

static bool is_wanted(const char *dir)
{
	struct err err = {0};
	bool result = false;

	ck_assert_msg(slot_is_wanted(dir, &result, &err) == 0, "%s", err.msg);
	return result;
}

/* What a kept app yields to: who only just came may find a free slot. */
START_TEST(is_wanted_by_who_has_tried_in_vain)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) first = {0};
	AUTO(slot) second = {0};
	AUTO(buf) says = buf_make(1000);

	queue(dir, "41-aaaaaa", &first);
	ck_assert(!is_wanted(dir));
	ck_assert(try_for(&first, 1, 1, "first", &says));
	queue(dir, "42-bbbbbb", &second);
	ck_assert(!is_wanted(dir));
	ck_assert(!try_for(&second, 1, 1, "second", &says));
	ck_assert(is_wanted(dir));
	slot_release(&second);
	ck_assert(!is_wanted(dir));
}
END_TEST

START_TEST(passes_over_who_died_waiting)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) second = {0};
	AUTO(buf) says = buf_make(1000);

	pid_t dead = fork();
	if (dead == 0) {
		struct slot first;
		struct err err;

		_exit(slot_queue(dir, "41-aaaaaa", &first, &err) < 0);
	}
	ck_assert_int_eq(waitpid(dead, NULL, 0), dead);
	queue(dir, "42-bbbbbb", &second);
	ck_assert(try_for(&second, 1, 1, "second", &says));
}
END_TEST

START_TEST(takes_what_it_weighs_or_nothing)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) light = {0};
	AUTO(slot) heavy = {0};
	AUTO(slot) third = {0};
	AUTO(buf) says = buf_make(1000);

	queue(dir, "1-a", &light);
	queue(dir, "2-b", &heavy);
	queue(dir, "3-c", &third);
	ck_assert(try_for(&light, 3, 1, "light", &says));
	ck_assert(!try_for(&heavy, 3, 3, "heavy", &says));
	ck_assert_uint_eq(heavy.count, 0);
	/* A light one behind a heavy one waits, or the heavy one would wait for ever. */
	ck_assert(!try_for(&third, 3, 1, "third", &says));
	slot_release(&light);
	ck_assert(try_for(&heavy, 3, 9, "heavy", &says)); /* heavier than the host: all of it */
	ck_assert_uint_eq(heavy.count, 3);
	ck_assert(!try_for(&third, 3, 1, "third", &says));
}
END_TEST

START_TEST(comes_back_with_the_death_of_its_holder)
{
	auto_str char *dir = harness_dir();
	AUTO(slot) slot = {0};
	AUTO(buf) says = buf_make(1000);

	pid_t dead = fork();
	if (dead == 0) {
		struct slot first;
		struct err err;

		if (slot_queue(dir, "41-aaaaaa", &first, &err) < 0)
			_exit(1);
		_exit(!try_for(&first, 1, 1, "first", &says));
	}
	ck_assert_int_eq(waitpid(dead, NULL, 0), dead);
	queue(dir, "42-bbbbbb", &slot);
	ck_assert(try_for(&slot, 1, 1, "second", &says));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("lease");
	TCase *leases = tcase_create("lease");
	TCase *slots = tcase_create("slot");

	tcase_add_test(leases, has_one_holder);
	tcase_add_test(leases, knows_no_run_where_there_is_none);
	tcase_add_test(leases, comes_back_when_the_holder_is_killed);
	tcase_add_test(leases, lets_one_at_a_time_make_runs);
	tcase_add_test(slots, says_who_has_the_slot);
	tcase_add_test(slots, serves_first_who_came_first);
	tcase_add_loop_test(slots, says_for_what_and_how_long, 0, COUNT_OF(line_rows));
	tcase_add_test(slots, is_wanted_by_who_has_tried_in_vain);
	tcase_add_test(slots, passes_over_who_died_waiting);
	tcase_add_test(slots, takes_what_it_weighs_or_nothing);
	tcase_add_test(slots, comes_back_with_the_death_of_its_holder);
	suite_add_tcase(suite, leases);
	suite_add_tcase(suite, slots);
	return suite;
}

TEST_MAIN(make_suite)
