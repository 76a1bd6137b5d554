/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/base.h"

#include <fcntl.h>

START_TEST(copies_text_whole_or_not_at_all)
{
	char out[4] = "old";

	ck_assert(copy_text(out, sizeof(out), "abc"));
	ck_assert_str_eq(out, "abc");
	ck_assert(!copy_text(out, sizeof(out), "abcd"));
	ck_assert_str_eq(out, "");
	ck_assert(format_text(out, sizeof(out), "%d", 123));
	ck_assert_str_eq(out, "123");
	ck_assert(!format_text(out, sizeof(out), "%d", 1234));
	ck_assert_str_eq(out, "");
}
END_TEST

static const struct number_row {
	const char *text;
	int64_t least, most;
	bool is_number;
	int64_t value;
} number_rows[] = {
    {"0", 0, 10, true, 0},
    {"10", 0, 10, true, 10},
    {"007", 0, 10, true, 7},
    {"-3", -5, 5, true, -3},
    {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
    {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
    {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
    {"11", 0, 10, false, 0},
    {"-1", 0, 10, false, 0},
    {"", 0, 10, false, 0},
    {"-", -10, 10, false, 0},
    {"--1", -10, 10, false, 0},
    {" 1", 0, 10, false, 0},
    {"1 ", 0, 10, false, 0},
    {"+1", 0, 10, false, 0},
    {"1a", 0, 10, false, 0},
    {"0x1", 0, 10, false, 0},
    {"1.0", 0, 10, false, 0},
    {"1\n", 0, 10, false, 0},
};

START_TEST(parses_number_row)
{
	const struct number_row *row = &number_rows[_i];
	int64_t value = 4711;

	ck_assert_msg(parse_int64(row->text, row->least, row->most, &value) == row->is_number,
	    "row %d \"%s\"", _i, row->text);
	ck_assert_msg(value == (row->is_number ? row->value : 4711), "row %d \"%s\": %lld", _i,
	    row->text, (long long)value);
}
END_TEST

START_TEST(compares_text)
{
	ck_assert(text_is("a", "a") && !text_is("a", "A"));
	ck_assert(text_starts("abc", "ab") && text_starts("a", "") && !text_starts("a", "ab"));
	ck_assert(text_lists("a,bc,d", "bc") && text_lists("a", "a") && !text_lists("abc", "ab") &&
		  !text_lists("a,bc", "b") && !text_lists("", "a") && text_lists(",a,", "a"));
	ck_assert(text_ends("abc", "bc") && text_ends("a", "") && !text_ends("c", "bc"));
}
END_TEST

#define TEXT "a\u00e9\u20ac\U0001f600z" /* 1, 2, 3, 4 and 1 bytes */

static const struct cut_row {
	const char *text;
	size_t max_bytes;
	const char *head, *tail;
} cut_rows[] = {
    {"", 0, "", ""},
    {"", 5, "", ""},
    {"abc", 3, "abc", "abc"},
    {"abc", 2, "ab", "bc"},
    {"abc", 0, "", ""},
    {TEXT, 11, TEXT, TEXT},
    {TEXT, 10, "a\u00e9\u20ac\U0001f600", "\u00e9\u20ac\U0001f600z"},
    {TEXT, 9, "a\u00e9\u20ac", "\u20ac\U0001f600z"},
    {TEXT, 8, "a\u00e9\u20ac", "\u20ac\U0001f600z"},
    {TEXT, 7, "a\u00e9\u20ac", "\U0001f600z"},
    {TEXT, 6, "a\u00e9\u20ac", "\U0001f600z"},
    {TEXT, 5, "a\u00e9", "\U0001f600z"},
    {TEXT, 4, "a\u00e9", "z"},
    {TEXT, 2, "a", "z"},
    {TEXT, 1, "a", "z"},
    /* No UTF-8: cut somewhere, and not to nothing. */
    {"\x80\x80\x80\x80\x80\x80\x80\x80", 6, "\x80\x80\x80\x80\x80\x80", "\x80\x80\x80"},
    {"\x80\x80", 1, "\x80", ""},
};

START_TEST(cuts_between_characters_row)
{
	const struct cut_row *row = &cut_rows[_i];
	auto_str char *head = xstrndup(row->text, text_head(row->text, row->max_bytes));

	char copied[64] = "x";

	ck_assert_str_eq(head, row->head);
	copy_head(copied, row->max_bytes < sizeof(copied) ? row->max_bytes + 1 : sizeof(copied),
	    row->text);
	ck_assert_str_eq(copied, row->head);
	ck_assert_str_eq(text_tail(row->text, row->max_bytes), row->tail);
}
END_TEST

static int open_in_scope(void)
{
	auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;

	ck_assert_int_ge(fd, 0);
	return number;
}

START_TEST(scope_closes_and_hands_out)
{
	int number = open_in_scope();

	ck_assert_int_eq(fcntl(number, F_GETFD), -1);

	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int taken = take_fd(&fd);
	ck_assert_int_eq(fd, -1);
	close_fd(&taken);
	ck_assert_int_eq(taken, -1);
	close_fd(&taken); /* none: nothing happens */

	auto_str char *text = xasprintf("%s-%d", "a", 1);
	char *whole = take_ptr(text);
	ck_assert_ptr_null(text);
	ck_assert_str_eq(whole, "a-1");
	free(whole);
}
END_TEST

START_TEST(empty_allocations_are_no_null)
{
	void *none = xcalloc(0, 0);

	ck_assert_ptr_nonnull(none);
	none = xrealloc_array(none, 0, 8);
	ck_assert_ptr_nonnull(none);
	free(none);
	auto_str char *part = xstrndup("abcdef", 3);
	ck_assert_str_eq(part, "abc");
}
END_TEST

START_TEST(out_of_memory_aborts)
{
	free(xcalloc(SIZE_MAX / 2, 4));
}
END_TEST

static const struct {
	const char *text, *last;
} last_line_rows[] = {
    {"", ""},
    {"\n \t\r\n", ""},
    {"a", "a"},
    {"a\nb", "b"},
    {"a\nb\n", "b"},
    {"a\n b c \r\n\n", " b c"},
    {"\n\nb", "b"},
};

START_TEST(finds_the_last_line)
{
	size_t length = 99;
	const char *line = text_last_line(last_line_rows[_i].text, &length);

	ck_assert_uint_eq(length, strlen(last_line_rows[_i].last));
	ck_assert(strncmp(line, last_line_rows[_i].last, length) == 0);
}
END_TEST

static const struct word_row {
	const char *word;
	size_t count, at;
} word_rows[] = {
    {"one", 3, 0},
    {"three", 3, 2},
    {"three", 2, 2}, /* behind the end */
    {"on", 3, 3},
    {"ones", 3, 3},
    {"One", 3, 3},
    {"", 3, 3},
    {"one", 0, 0},
};

START_TEST(finds_a_word)
{
	static const char *const words[] = {"one", "two", "three"};
	const struct word_row *row = &word_rows[_i];

	ck_assert_uint_eq(text_index(words, row->count, row->word), row->at);
}
END_TEST

static const struct scope_row {
	const char *stack, *name, *rest; /* NULL: none */
} scope_rows[] = {
    {"app_example_org", "app_example_org_db", "db"},
    {"app", "app_db_1", "db_1"},
    {"app", "app_", ""},
    {"app", "app", NULL},
    {"app", "app2_db", NULL},
    {"app", "myapp_db", NULL},
    {"app", "ap", NULL},
    {"app", "", NULL},
    {"app", NULL, NULL},
};

START_TEST(takes_a_name_out_of_its_stack)
{
	const struct scope_row *row = &scope_rows[_i];
	const char *rest = text_descope(row->stack, row->name);

	ck_assert_pstr_eq(rest, row->rest);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("base");
	TCase *tc = tcase_create("base");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, finds_the_last_line, 0, COUNT_OF(last_line_rows));
	tcase_add_test(tc, copies_text_whole_or_not_at_all);
	tcase_add_loop_test(tc, parses_number_row, 0, COUNT_OF(number_rows));
	tcase_add_test(tc, compares_text);
	tcase_add_loop_test(tc, finds_a_word, 0, COUNT_OF(word_rows));
	tcase_add_loop_test(tc, takes_a_name_out_of_its_stack, 0, COUNT_OF(scope_rows));
	tcase_add_loop_test(tc, cuts_between_characters_row, 0, COUNT_OF(cut_rows));
	tcase_add_test(tc, scope_closes_and_hands_out);
	tcase_add_test(tc, empty_allocations_are_no_null);
	if (getenv("CK_FORK") == NULL || strcmp(getenv("CK_FORK"), "no") != 0)
		tcase_add_test_raise_signal(tc, out_of_memory_aborts, SIGABRT);
	return suite;
}

TEST_MAIN(make_suite)
