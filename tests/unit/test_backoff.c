/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long what failed is let alone, and what of it outlives a process. */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/backoff.h"

#define NOW 1000000000

static const struct {
	int64_t failures, wait_s;
} waits[] = {
    {0, 0},
    {1, 0}, /* it may have been an engine that was down */
    {2, 900},
    {3, 1800},
    {4, 3600},
    {8, 57600},
    {9, 86400},
    {10, 86400},
    {1000, 86400},
};

START_TEST(waits_ever_longer)
{
	ck_assert_int_eq(backoff_wait_s(waits[_i].failures), waits[_i].wait_s);
}
END_TEST

static const struct row {
	const char *content; /* NULL: no file */
	int64_t now_s;
	int64_t next_s; /* 0: due */
} rows[] = {
    {NULL, NOW, 0},
    {"2 1000000900\n", NOW, 1000000900},
    {"2 1000000900\n", 1000000899, 1000000900},
    {"2 1000000900\n", 1000000900, 0},
    {"2 1000000900\n", 1000000901, 0},
    {"9 1000086400\n", NOW, 1000086400},
    {"9 1000086401\n", NOW, 0}, /* the clock was set back since */
    {"", NOW, 0},
    {"2", NOW, 0},
    {"x 1000000900\n", NOW, 0},
    {"0 1000000900\n", NOW, 0},
    {"2 x\n", NOW, 0},
    {"2 -1\n", NOW, 0},
};

START_TEST(knows_when_it_is_due)
{
	const struct row *row = &rows[_i];
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/reap", dir);
	int64_t next_s = 0;
	struct err err;

	if (row->content)
		ck_assert_int_eq(
		    file_write_atomic(path, 0600, row->content, strlen(row->content), &err), 0);
	ck_assert_int_eq(backoff_is_due(path, row->now_s, &next_s), row->next_s == 0);
	ck_assert_int_eq(next_s, row->next_s);
}
END_TEST

START_TEST(counts_tries_until_one_ends_well)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/reap", dir);
	int64_t next_s = 0;
	struct err err;

	ck_assert_int_eq(backoff_begin(path, NOW, &err), 0);
	ck_assert(backoff_is_due(path, NOW, &next_s));
	ck_assert_int_eq(backoff_begin(path, NOW, &err), 0);
	ck_assert(!backoff_is_due(path, NOW, &next_s));
	ck_assert_int_eq(next_s, NOW + 900);
	ck_assert_int_eq(backoff_begin(path, NOW + 900, &err), 0);
	ck_assert(!backoff_is_due(path, NOW + 900, &next_s));
	ck_assert_int_eq(next_s, NOW + 900 + 1800);
	backoff_end(path);
	ck_assert(!file_exists(path));
	ck_assert_int_eq(backoff_begin(path, NOW, &err), 0);
	ck_assert(backoff_is_due(path, NOW, &next_s));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tc = tcase_create("backoff");

	tcase_add_loop_test(tc, waits_ever_longer, 0, COUNT_OF(waits));
	tcase_add_loop_test(tc, knows_when_it_is_due, 0, COUNT_OF(rows));
	tcase_add_test(tc, counts_tries_until_one_ends_well);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
