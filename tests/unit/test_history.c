/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which finished runs are kept. */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/history.h"

#include <sys/stat.h>

#define NOW 100000

static const struct row {
	struct {
		const char *id;
		int64_t age_s, bytes;
	} runs[5];
	int64_t most_runs, most_bytes;
	const char *gone; /* ids in the order of their age, blanks between */
} rows[] = {
    {{{"a", 5000, 1}, {"b", 6000, 1}, {"c", 7000, 1}}, 3, 100, ""},
    {{{"a", 5000, 1}, {"b", 6000, 1}, {"c", 7000, 1}}, 2, 100, "c"},
    {{{"c", 7000, 1}, {"a", 5000, 1}, {"b", 6000, 1}}, 1, 100, "b c"},
    {{{"a", 5000, 40}, {"b", 6000, 60}, {"c", 7000, 1}}, 9, 100, "c"},
    {{{"a", 5000, 40}, {"b", 6000, 61}, {"c", 7000, 1}}, 9, 100, "b c"}, /* c would fit alone */
    {{{"a", 5000, 101}}, 9, 100, "a"},
    /* Its report step may not have run yet. */
    {{{"a", 10, 1}, {"b", 20, 1}, {"c", 7000, 1}}, 1, 100, "c"},
    {{{"a", 3600, 101}, {"b", 3601, 1}}, 9, 100, "b"},
    {{{"b", 5000, 1}, {"a", 5000, 1}}, 1, 100, "b"}, /* the same each time */
    {{{NULL, 0, 0}}, 1, 100, ""},
};

START_TEST(keeps_the_newest)
{
	const struct row *row = &rows[_i];
	const struct history_bounds bounds = {row->most_runs, row->most_bytes, NOW};
	AUTO(history) history = {0};
	AUTO(buf) gone = buf_make(1000);

	for (size_t i = 0; i < COUNT_OF(row->runs) && row->runs[i].id; i++)
		history_add(
		    &history, row->runs[i].id, NOW - row->runs[i].age_s, row->runs[i].bytes);
	history_choose(&history, &bounds);
	for (size_t i = 0; i < history.count; i++)
		if (history.runs[i].is_too_much)
			(void)buf_printf(&gone, "%s%s", gone.length ? " " : "", history.runs[i].id);
	ck_assert_str_eq(buf_text(&gone), row->gone);
}
END_TEST

START_TEST(measures_a_tree)
{
	auto_str char *dir = harness_dir();
	auto_str char *file = xasprintf("%s/one", dir);
	auto_str char *below = xasprintf("%s/log", dir);
	auto_str char *second = xasprintf("%s/two", below);
	auto_str char *link = xasprintf("%s/link", dir);
	struct err err;

	ck_assert_int_eq(history_measure(dir), 0);
	ck_assert_int_eq(file_write_atomic(file, 0600, "12345", 5, &err), 0);
	ck_assert_int_eq(mkdir(below, 0700), 0);
	ck_assert_int_eq(file_write_atomic(second, 0600, "123", 3, &err), 0);
	ck_assert_int_eq(symlink("/", link), 0);
	ck_assert_int_eq(history_measure(dir), 5 + 3 + 1); /* the link is a byte of itself */
	ck_assert_int_eq(history_measure("/nonexistent/x"), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("history");
	TCase *tc = tcase_create("history");

	tcase_add_loop_test(tc, keeps_the_newest, 0, COUNT_OF(rows));
	tcase_add_test(tc, measures_a_tree);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
