/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was green: in its order, at most so many, each commit once; and the file that keeps it. */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "common/json.h"
#include "runner-plugin/run/canonical.h"

#include <sys/wait.h>

static struct canonical_entry make_entry(int number, int64_t when_s)
{
	struct canonical_entry entry = {.build = number, .when_s = when_s};

	(void)format_text(entry.version, sizeof(entry.version), "1.%d.0+1", number);
	(void)format_text(entry.commit, sizeof(entry.commit), "%040d", number);
	return entry;
}

/* Runs as number and when they began, in the order they end; the numbers that stay, newest first.
 */
#define RUNS_MAX 5
static const struct {
	struct {
		int number, when_s;
	} runs[RUNS_MAX];
	int stays[RUNS_MAX];
} merge_rows[] = {
    {{{1, 10}}, {1}},
    {{{1, 10}, {2, 20}, {3, 30}}, {3, 2, 1}},
    {{{2, 20}, {1, 10}, {3, 30}}, {3, 2, 1}},
    {{{1, 10}, {2, 20}, {1, 30}}, {1, 2}},
    {{{1, 10}, {2, 20}, {1, 5}}, {2, 1}},
    {{{1, 10}, {1, 10}}, {1}},
    {{{1, 10}, {2, 10}}, {2, 1}},
};

START_TEST(keeps_the_newest_first)
{
	struct canonical history = {0};
	size_t count = 0;

	for (size_t i = 0; i < RUNS_MAX && merge_rows[_i].runs[i].number; i++) {
		struct canonical_entry entry =
		    make_entry(merge_rows[_i].runs[i].number, merge_rows[_i].runs[i].when_s);

		canonical_merge(&history, &entry);
	}
	while (count < RUNS_MAX && merge_rows[_i].stays[count])
		count++;
	ck_assert_uint_eq(history.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(history.entries[i].build, merge_rows[_i].stays[i]);
}
END_TEST

START_TEST(takes_the_newer_run_of_a_commit)
{
	struct canonical history = {0};
	struct canonical_entry old = make_entry(1, 10);
	struct canonical_entry newer = make_entry(1, 20);

	newer.build = 7;
	canonical_merge(&history, &newer);
	canonical_merge(&history, &old);
	ck_assert_uint_eq(history.count, 1);
	ck_assert_int_eq(history.entries[0].build, 7);
}
END_TEST

START_TEST(lets_the_oldest_go)
{
	struct canonical history = {0};
	struct canonical_entry ancient = make_entry(99, 1);

	for (int i = 1; i <= CANONICAL_MAX + 2; i++) {
		struct canonical_entry entry = make_entry(i, 100 + i);

		canonical_merge(&history, &entry);
	}
	canonical_merge(&history, &ancient);
	ck_assert_uint_eq(history.count, CANONICAL_MAX);
	ck_assert_int_eq(history.entries[0].build, CANONICAL_MAX + 2);
	ck_assert_int_eq(history.entries[CANONICAL_MAX - 1].build, 3);
}
END_TEST

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define ROW(version, commit, build, when)                                                          \
	"{\"version\":" version ",\"commit\":\"" commit "\",\"build\":" build ",\"when\":\"" when  \
	"\"}"
#define WHEN "2026-11-22T03:10:00Z"

START_TEST(refuses_a_damaged_history)
{
	static const char *const texts[] = {"{}", "[{}]", "[1]",
	    "[" ROW("1", COMMIT, "1", WHEN) "]", "[" ROW("\"1.0.0\"", "0123", "1", WHEN) "]",
	    "[" ROW("\"1.0.0\"", COMMIT, "-1", WHEN) "]",
	    "[" ROW("\"1.0.0\"", COMMIT, "1", "yesterday") "]"};
	struct canonical history = {.count = 7};
	struct err err = {0};
	AUTO_PTR(json) root = json_parse(texts[_i], strlen(texts[_i]), &err);

	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(canonical_decode(root, &history, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_uint_eq(history.count, 7);
}
END_TEST

START_TEST(refuses_a_history_that_is_too_long)
{
	struct canonical history = {0};
	AUTO_PTR(json) root = json_new_array();
	struct err err = {0};

	for (int i = 0; i <= CANONICAL_MAX; i++) {
		ck_assert_int_eq(canonical_decode(root, &history, &err), 0);
		struct json *row = json_parse(ROW("\"1.0.0\"", COMMIT, "1", WHEN),
		    strlen(ROW("\"1.0.0\"", COMMIT, "1", WHEN)), &err);
		json_add(root, row);
	}
	ck_assert_int_eq(canonical_decode(root, &history, &err), -1);
	ck_assert_uint_eq(history.count, CANONICAL_MAX);
}
END_TEST

START_TEST(comes_back_from_its_file)
{
	auto_str char *dir = harness_dir();
	struct canonical_entry first = make_entry(1, 1700000000);
	struct canonical_entry second = make_entry(2, 1700003600);
	struct canonical history;
	AUTO(buf) table = buf_make(4096);
	AUTO(buf) line = buf_make(4096);
	struct err err = {0};

	ck_assert_int_eq(canonical_read(dir, "green", &history, &err), 0);
	ck_assert_uint_eq(history.count, 0);
	ck_assert_msg(canonical_add(dir, "green", &first, &err) == 0, "%s", err.msg);
	ck_assert_msg(canonical_add(dir, "green", &second, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(canonical_read(dir, "green", &history, &err), 0);
	ck_assert_uint_eq(history.count, 2);
	ck_assert_str_eq(history.entries[0].version, "1.2.0+1");
	ck_assert_str_eq(history.entries[1].commit, first.commit);
	ck_assert_int_eq(history.entries[1].when_s, 1700000000);
	ck_assert_int_eq(canonical_show(dir, NULL, false, &table, &err), 0);
	ck_assert_str_eq(buf_text(&table),
	    "green\n"
	    "  1.2.0+1                   00000000  build 2       2023-11-14T23:13:20Z\n"
	    "  1.1.0+1                   00000000  build 1       2023-11-14T22:13:20Z\n");
	ck_assert_int_eq(canonical_show(dir, "green", true, &line, &err), 0);
	ck_assert_msg(text_starts(buf_text(&line), "{\"green\":[{\"version\":\"1.2.0+1\","), "%s",
	    buf_text(&line));
}
END_TEST

START_TEST(says_that_there_is_nothing)
{
	auto_str char *dir = harness_dir();
	AUTO(buf) none = buf_make(4096);
	AUTO(buf) one = buf_make(4096);
	struct err err = {0};

	ck_assert_int_eq(canonical_show(dir, NULL, false, &none, &err), 0);
	ck_assert_str_eq(buf_text(&none), "no recipe has a green run yet\n");
	ck_assert_int_eq(canonical_show(dir, "green", false, &one, &err), 0);
	ck_assert_str_eq(buf_text(&one), "green: no green run yet\n");
	ck_assert_int_eq(canonical_show(dir, "../runs", false, &one, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(loses_nothing_when_runs_end_at_once)
{
	auto_str char *dir = harness_dir();
	struct canonical history;
	struct err err = {0};

	for (int i = 1; i <= CANONICAL_MAX; i++) {
		pid_t child = fork();

		if (child == 0) {
			struct canonical_entry entry = make_entry(i, 1700000000 + i);

			_exit(canonical_add(dir, "green", &entry, &err) == 0 ? 0 : 1);
		}
		ck_assert_int_gt(child, 0);
	}
	for (int i = 1; i <= CANONICAL_MAX; i++) {
		int status = 0;

		ck_assert_int_gt(waitpid(-1, &status, 0), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_msg(canonical_read(dir, "green", &history, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(history.count, CANONICAL_MAX);
}
END_TEST

START_TEST(says_which_file_is_damaged)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/canonical/green.json", dir);
	struct canonical_entry entry = make_entry(1, 1);
	struct canonical history;
	struct err err = {0};

	ck_assert_int_eq(canonical_add(dir, "green", &entry, &err), 0);
	ck_assert_int_eq(file_write_atomic(path, 0600, "{", 1, &err), 0);
	ck_assert_int_eq(canonical_read(dir, "green", &history, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, path));
	ck_assert_int_eq(canonical_add(dir, "green", &entry, &err), -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("canonical");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, keeps_the_newest_first, 0, COUNT_OF(merge_rows));
	tcase_add_test(tc, takes_the_newer_run_of_a_commit);
	tcase_add_test(tc, lets_the_oldest_go);
	tcase_add_loop_test(tc, refuses_a_damaged_history, 0, 7);
	tcase_add_test(tc, refuses_a_history_that_is_too_long);
	tcase_add_test(tc, comes_back_from_its_file);
	tcase_add_test(tc, says_that_there_is_nothing);
	tcase_add_test(tc, loses_nothing_when_runs_end_at_once);
	tcase_add_test(tc, says_which_file_is_damaged);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
