/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/nearest.h"

static const struct nearest_row {
	const char *word;
	const char *nearest;
} nearest_rows[] = {
    {"pol_interval", "poll_interval"},
    {"poll-interval", "poll_interval"},
    {"POLL_INTERVAL", "poll_interval"},
    {"interval", NULL},
    {"env", "env"},
    {"enf", "env"},
    {"e", NULL},
    {"", NULL},
    {"redy", "ready"},
    {"something_else", NULL},
};

START_TEST(guesses_row)
{
	static const char *const words[] = {"env", "ready", "poll_interval"};
	const struct nearest_row *row = &nearest_rows[_i];
	const char *nearest = nearest_word(row->word, words, COUNT_OF(words));

	ck_assert_msg((nearest == NULL) == (row->nearest == NULL), "row %d \"%s\": %s", _i,
	    row->word, nearest ? nearest : "nothing");
	if (nearest)
		ck_assert_str_eq(nearest, row->nearest);
}
END_TEST

START_TEST(a_huge_word_is_no_guess)
{
	static const char *const words[] = {"env"};
	char word[5000] = {0};

	for (size_t i = 0; i < sizeof(word) - 1; i++)
		word[i] = 'e';
	ck_assert_ptr_null(nearest_word(word, words, 1));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tests = tcase_create("nearest");

	tcase_add_loop_test(tests, guesses_row, 0, COUNT_OF(nearest_rows));
	tcase_add_test(tests, a_huge_word_is_no_guess);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
