/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/err.h"

#include <errno.h>

START_TEST(sets_and_prefixes)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, ERR_LIMIT, "larger than %d", 7), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert_int_eq(err.sys, 0);
	ck_assert_int_eq(err_prefix(&err, "read %s", "x"), -1);
	ck_assert_str_eq(err.msg, "read x: larger than 7");
	ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

START_TEST(system_errors_say_why)
{
	struct err err;

	ck_assert_int_eq(err_sys(&err, ENOENT, "open %s", "/nowhere"), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_int_eq(err.sys, ENOENT);
	ck_assert_str_eq(err.msg, "open /nowhere: No such file or directory");
	(void)err_prefix(&err, "start");
	ck_assert_int_eq(err.sys, ENOENT);
}
END_TEST

START_TEST(long_messages_are_cut)
{
	struct err err;
	char text[1000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, ERR_CONFIG, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	(void)err_prefix(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	(void)err_sys(&err, EIO, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
}
END_TEST

/* Of two lengths, one byte apart, one would end within a character. */
START_TEST(no_character_is_cut)
{
	const size_t end = sizeof(((struct err *)0)->msg) - 1;
	char text[1000] = "x";
	struct err err;

	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	for (size_t i = 0; i < 2; i++) {
		(void)err_set(&err, ERR_CONFIG, "%s%s", i ? "x" : "", text);
		ck_assert_uint_eq(strlen(err.msg), end - i);
		(void)err_prefix(&err, "xx");
		ck_assert_uint_eq(strlen(err.msg), end - i);
		(void)err_sys(&err, EIO, "%s%s", i ? "x" : "", text);
		ck_assert_uint_eq(strlen(err.msg), end - i);
	}
}
END_TEST

START_TEST(a_message_may_be_prefixed_by_itself)
{
	struct err err;

	(void)err_set(&err, ERR_CONFIG, "inner");
	(void)err_prefix(&err, "%s", err.msg);
	ck_assert_str_eq(err.msg, "inner: inner");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("err");
	TCase *tc = tcase_create("err");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, sets_and_prefixes);
	tcase_add_test(tc, system_errors_say_why);
	tcase_add_test(tc, long_messages_are_cut);
	tcase_add_test(tc, no_character_is_cut);
	tcase_add_test(tc, a_message_may_be_prefixed_by_itself);
	return suite;
}

TEST_MAIN(make_suite)
