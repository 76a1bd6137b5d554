/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/env_file.h"

/* An env file, and the value of A afterwards as godotenv reads it; NULL: unset. */
static const struct row {
	const char *text;
	const char *value;
} rows[] = {
    {"", NULL},
    {"A=1", "1"},
    {"A=", ""},
    {"A=\n", ""},
    {"A=1\nA=2", "2"},
    {"#A=1\n# A=2", NULL},
    {"  A=1", "1"},
    {"\n\t\n A=1\n", "1"},
    {"A=1\r", "1"},
    {"A=1\r\nB=2\r\n", "1"},
    {"A=1\rB=2", "1"},
    {"B=2\rA=1", "1"},
    {"A=\rx", "x"},
    {"\u2003A=1\u00a0", "1"},

    /* names */
    {"A = 1", "1"},
    {"A: 1", "1"},
    {"A :1", "1"},
    {"A:=1", "=1"},
    {"A=http://x:8", "http://x:8"},
    {"A==", "="},
    {"export A=1", "1"},
    {"export\tA=1", "1"},
    {"exportA=1", NULL},
    {"export A: x", "x"},
    {"A\t=\t1\t", "1"},
    {"A\u00a0=1", "1"},
    {"A=1\xc2\x85", "1"},
    {"A=1\u00e9", "1\u00e9"},
    {"A=1\xc2\x82", "1\xc2\x82"},
    {"A=\xa0", "\ufffd"},
    {"A=1\xc2", "1\ufffd"},
    {"A=1\u00a0# x", "1"},
    {"A=1\xa0# x", "1\ufffd# x"},
    {"FOO.BAR=x\nA=1", "1"},
    {"1A=x\nA B=2\nA=1", "1"},
    {"=1\nA=2", "2"},
    {"A=1\nFOO", "1"},

    /* bare values */
    {"A=x y", "x y"},
    {"A=v1 # length=64 charset=hex", "v1"},
    {"A=v1   # generate=false", "v1"},
    {"A=v1\t#generate=false", "v1"},
    {"A=x#y", "x#y"},
    {"A=#198754", "#198754"},
    {"A= # text", "# text"},
    {"A= # text # more", "# text"},
    {"A=x # y # z", "x # y"},
    {"A=x#", "x#"},
    {"A=x #", "x"},
    {"A=a\\nb", "a\\nb"},
    {"A=it's", "it's"},
    {"A=say \"x\"", "say \"x\""},
    {"A=a\xff"
     "b",
	"a\ufffd"
	"b"},

    /* quotes */
    {"A=\"x y\"", "x y"},
    {"A='x y' # z", "x y"},
    {"A=\"x\"#y", "x"},
    {"A=\"one\\ntwo\"", "one\ntwo"},
    {"A=\"one\\rtwo\"", "one\rtwo"},
    {"A=\"one\\ttwo\"", "onettwo"},
    {"A=\"one\\\\ntwo\"", "one\\ntwo"},
    {"A=\"one\\\ntwo\"", "one\ntwo"},
    {"A='one\\ntwo'", "one\\ntwo"},
    {"A=\"one\ntwo\"\nB=1", "one\ntwo"},
    {"A='one\r\ntwo\rthree'", "one\ntwo\rthree"},
    {"A=\"x # y\"", "x # y"},
    {"A=\" x \"", " x "},
    {"A=\"say \\\"x\\\" y\"", "say \"x\" y"},
    {"A=\"say \\\"x\\\"\"", "say \"x\\"},
    {"A='it\\'s'", "it\\'s"},
    {"A='say \"x\"'", "say \"x\""},
    {"A=\"it's\"", "it's"},
    {"A=\"\"", ""},
    {"B=\"x\"A=1", "1"},
    {"B=\"x\" A=1", "1"},
    {"A=\"a\xff"
     "b\"",
	"a\xff"
	"b"},
    {"A=', `www.example.com`'", ", `www.example.com`"},

    /* variables */
    {"B=2\nA=\"$B:3\"", "2:3"},
    {"B=2\nA=${B}3", "23"},
    {"B=2\nA='$B'", "$B"},
    {"B=2\nA='x $B'", "x $B"},
    {"b=2\nA=$b", "$b"},
    {"A=abc$def", "abc$def"},
    {"A=$NONE-", "-"},
    {"A=\"ab\\$CD\"", "ab$CD"},
    {"A=ab\\$CD", "ab$CD"},
    {"A=ab\\${CD}e", "ab${CD}e"},
    {"A=p4$$word", "p4$$word"},
    {"W=1\nA=p4$$W", "p4$1"},
    {"A=pa$$word$", "pa$$word$"},
    {"A=${X:-y}", ":-y}"},
    {"B=2\nA=${B", "2"},
    {"B=2\nA=$B}", "2"},
    {"A=${b}", "${b}"},
    {"B=2\nA=$(B)", "2)"},
    {"A=$(date)", "$(date)"},
    {"A=\\\\$B", "\\$B"},
    {"A=\"\\\\$B\"", "$B"},
    {"A=\"compose.yml\"\nA=\"$A:compose.x.yml\"", "compose.yml:compose.x.yml"},
    {"B=$C\nC=2\nA=$B", ""},
};

START_TEST(reads_as_godotenv_does)
{
	const struct row *row = &rows[_i];
	AUTO(env) env = {0};
	struct err err = {0};

	ck_assert_msg(env_file_parse(".env", row->text, strlen(row->text), &env, &err) == 0,
	    "%s: %s", row->text, err.msg);
	const char *value = env_get(&env, "A");
	if (row->value) {
		ck_assert_msg(value != NULL, "%s", row->text);
		ck_assert_str_eq(value, row->value);
	} else {
		ck_assert_ptr_null(value);
	}
}
END_TEST

/* What stands behind a text is not of it: nothing at all, which a sanitizer sees, or what would
 * make another of it. */
START_TEST(reads_no_further_than_its_length)
{
	static const char *const behind[] = {"", "\n", "=x", "\"", "'", "#", " # x", "x", "\xa0",
	    "\x85 # x", "}", "$A", "\\", "\r\nA=3"};
	const struct row *row = &rows[_i];
	size_t length = strlen(row->text);

	for (size_t i = 0; i < COUNT_OF(behind); i++) {
		char *text = xcalloc(length + strlen(behind[i]) + (length ? 0 : 1), 1);
		AUTO(env) env = {0};
		struct err err = {0};

		memcpy(text, row->text, length);
		memcpy(text + length, behind[i], strlen(behind[i]));
		int result = env_file_parse(".env", text, length, &env, &err);
		free(text);
		ck_assert_msg(result == 0, "%s, then %s: %s", row->text, behind[i], err.msg);
		const char *value = env_get(&env, "A");
		ck_assert_msg(row->value ? value && text_is(value, row->value) : !value,
		    "%s, then %s: %s", row->text, behind[i], value ? value : "nothing");
	}
}
END_TEST

#define TEXT(literal) literal, sizeof(literal) - 1

/* What is refused, and in which words. */
static const struct wrong {
	const char *text;
	size_t length;
	const char *error;
} wrong[] = {
    {TEXT("A=1\nFOO\nB=2"), ".env:2: \"FOO\" has no \"=\": write NAME=value, or put # before it"},
    {TEXT("export A\n"), ".env:1: \"A\" has no \"=\""},
    {TEXT("export "), ".env:1: nothing stands behind export"},
    {TEXT("A=1\n-x=1"), ".env:2: \"-x=1\": - cannot stand in a name"},
    {TEXT("A~B=1"), ".env:1: \"A~B=1\": ~ cannot stand in a name"},
    {TEXT("A B "
	  "0123456789012345678901234567890123456789012345678901234567890\n"),
	".env:1: \"A B 01234567890123456789012345678901234567890123456789012345\" has no"},
    {TEXT("A-B=1"), ".env:1: \"A-B=1\": - cannot stand in a name"},
    {TEXT("<<<<<<< HEAD\n"), ".env:1: \"<<<<<<< HEAD\": < cannot stand in a name"},
    {TEXT("A=\"x\" y\n"), ".env:1: \"y\" has no \"=\""},
    {TEXT("\xef\xbb\xbf"
	  "A=1"),
	".env:1: begins with a byte order mark"},
    {TEXT("A=1\n\xef\xbb\xbf"
	  "B=1"),
	".env:2: the byte 0xbb cannot stand in a name"},
    {TEXT("A\0=1"), ".env:1: the byte 0x00 cannot stand in a name"},
    {TEXT("A=a\0b"), ".env:1: the value of A holds a NUL byte"},
    {TEXT("\n\nA=\"open\nB=2\n"), ".env:3: \"A=\"open\" has no closing \": close it"},
    {TEXT("A='open"), ".env:1: \"A='open\" has no closing '"},
    {TEXT("A=\""), ".env:1: \"A=\"\" has no closing \""},
    {TEXT("A=\"c:\\\"\n"), "has no closing \": one behind a backslash does not close"},
};

START_TEST(refuses_what_godotenv_refuses)
{
	AUTO(env) env = {0};
	struct err err = {0};

	/* more stands behind the text than is of it */
	auto_str char *text = xcalloc(wrong[_i].length + 2, 1);
	memcpy(text, wrong[_i].text, wrong[_i].length);
	text[wrong[_i].length] = '!';
	ck_assert_int_eq(env_file_parse(".env", text, wrong[_i].length, &env, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(!strchr(err.msg, '!'), "%s", err.msg);
	ck_assert_msg(strstr(err.msg, wrong[_i].error) != NULL, "%s", err.msg);
	ck_assert_uint_eq(env.count, 0);
}
END_TEST

START_TEST(reads_a_nul_in_a_comment)
{
	static const char text[] = "# a\0b\nA=1 # a\0b\n";
	AUTO(env) env = {0};
	struct err err = {0};

	ck_assert_msg(
	    env_file_parse(".env", text, sizeof(text) - 1, &env, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(env_get(&env, "A"), "1");
}
END_TEST

START_TEST(has_limits)
{
	AUTO(buf) text = buf_make(10 * 1024 * 1024);
	AUTO(env) env = {0};
	struct err err = {0};

	/* a value that doubles in each line */
	(void)buf_add_text(&text, "A=x\n");
	for (int i = 0; i < 16; i++)
		(void)buf_add_text(&text, "A=$A$A\n");
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), 0);
	ck_assert_uint_eq(strlen(env_get(&env, "A")), ENV_VALUE_MAX_BYTES);
	(void)buf_add_text(&text, "A=$A$A\n");
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), -1);
	ck_assert_str_eq(err.msg, ".env:18: the value of A is longer than 64 KiB");

	buf_clear(&text);
	for (int i = 0; i < ENV_ROWS_MAX; i++)
		(void)buf_printf(&text, "A%d=x\n", i);
	env_release(&env);
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), 0);
	(void)buf_add_text(&text, "A0=y\n");
	env_release(&env);
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), 0);
	(void)buf_add_text(&text, "B=y\n");
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), -1);
	ck_assert_str_eq(err.msg, ".env:2002: more than 2000 names");
}
END_TEST

/* A file is read in a time that grows with it, not with its square. */
START_TEST(reads_a_large_file)
{
	AUTO(buf) text = buf_make(1024 * 1024);
	AUTO(env) env = {0};
	struct err err = {0};

	for (int i = 0; i < 170000; i++)
		(void)buf_add_text(&text, "A=\n");
	ck_assert_int_eq(env_file_parse(".env", buf_text(&text), text.length, &env, &err), 0);
	auto_str char *set = env_file_set(buf_text(&text), "A", "1", &err);
	ck_assert_str_eq(set, "A=1\n");
}
END_TEST

START_TEST(adds_the_exports_of_abra_sh)
{
	static const char text[] = "#!/bin/bash\n"
				   "export A_VERSION=v4 # bump\n"
				   "export B=\"$A_VERSION-x\"\n"
				   "NO_EXPORT=1\n"
				   "export open=\"x\n"
				   "export -f f\n"
				   "f() {\n"
				   "  export INSIDE=$(date)\n"
				   "}\n"
				   "export C=3";
	AUTO(env) env = {0};

	env_set(&env, "C", "2");
	env_add_abra_sh(&env, text, sizeof(text) - 1);
	ck_assert_uint_eq(env.count, 3);
	ck_assert_str_eq(env_get(&env, "A_VERSION"), "v4");
	ck_assert_str_eq(env_get(&env, "B"), "v4-x");
	ck_assert_str_eq(env_get(&env, "C"), "3");
}
END_TEST

static const struct set_row {
	const char *text, *name, *value, *result;
} set_rows[] = {
    {"", "A", "1", "A=1\n"},
    {"A=0\nB=2\n", "A", "1", "A=1\nB=2\n"},
    {"A=0", "B", "1", "A=0\nB=1\n"},
    {"A=0", "A", "1", "A=1"},
    {"#A=0\n", "A", "1", "#A=0\nA=1\n"},
    {"A: 0\nA.B=1\n", "A", "1", "A=1\nA.B=1\n"},
    /* abra's modifiers stay */
    {"  export A = 0 # x\nAB=2\n", "A", "1", "  A=1 # x\nAB=2\n"},
    {"A=v1 # length=32\r\nB=2\r\n", "A", "v2", "A=v2 # length=32\r\nB=2\r\n"},
    {"A=v1 # length=32 charset=hex\n", "A", "v2", "A=v2 # length=32 charset=hex\n"},
    {"A=v1 # length=32\n", "A", "", "A=\"\" # length=32\n"},
    {"A='0'# x\n", "A", "1", "A=\"1\"# x\n"},
    {"A='0' # x # y\n", "A", "1", "A=\"1\" # x # y\n"},
    {"A=0 # x # y\n", "A", "1", "A=1 # y\n"},
    {"A=# x\n", "A", "1", "A=1\n"},
    /* two lines: the second would win, or build on the first */
    {"A=0\nC=3\nA=\"$A:4\"\n", "A", "1", "A=1\nC=3\n"},
    {"A=0\nA=1 # x\nC=3\nA=2", "A", "1", "A=1\nC=3\n"},
    {"A=0\r\n\n# comment\n", "B", "", "A=0\r\n\n# comment\nB=\n"},
    /* a value over lines goes whole; a statement behind one stays */
    {"A=\"one\nA=two\n\" # x\nB=1\n", "A", "1", "A=1 # x\nB=1\n"},
    {"A='x'B=2\n", "A", "1", "A=1\nB=2\n"},
    {"A=1\nA='x'B=2\n", "A", "1", "A=1\nB=2\n"},
    {"A=1\rB=2\n", "A", "1", "A=1\n\rB=2\n"},
    /* what needs quotes */
    {"", "A", "two words", "A='two words'\n"},
    {"", "A", "$HOME #", "A='$HOME #'\n"},
    {"", "A", "it's $5", "A=\"it's \\$5\"\n"},
    {"", "A", "one\ntwo\r\n", "A=\"one\\ntwo\\r\\n\"\n"},
    {"", "A", " x ", "A=' x '\n"},
    {"", "A", "C:\\x", "A='C:\\x'\n"},
    {"", "A", "C:\\", "A=\"C:\\\"\"\n"},
    {"", "A", "C:\\\\", "A=\"C:\\\\\\\"\"\n"},
    {"", "A", "\"x\"", "A='\"x\"'\n"},
    {"", "A", "\"it's\"", "A=\"\\\"it's\\\"${0}\"\n"},
    {"", "A", "it's\\$B\\\"", "A=\"it's\\\\\\$B\\\\\\\"${0}\"\n"},
    {"", "A", "a\xff", "A='a\xff'\n"},
};

START_TEST(sets_a_value)
{
	const struct set_row *row = &set_rows[_i];
	AUTO(env) env = {0};
	struct err err = {0};
	auto_str char *result = env_file_set(row->text, row->name, row->value, &err);

	ck_assert_msg(result != NULL, "%s", err.msg);
	ck_assert_str_eq(result, row->result);
	ck_assert_msg(
	    env_file_parse("x.env", result, strlen(result), &env, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(env_get(&env, row->name), row->value);
	auto_str char *again = env_file_set(result, row->name, row->value, &err);
	ck_assert_str_eq(again, result);
}
END_TEST

static const struct set_row unsettable[] = {
    {"A=\"x", "B", "1", "the env file:1: \"A=\"x\" has no closing \""},
    {"", "A-B", "1", "the env file:1: \"A-B=1\": - cannot stand in a name"},
    {"", "A#B", "1", "cannot stand in a name"},
    {"", " A", "1", "cannot be set in it"},
    {"FOO", "A", "1", "the env file:1: \"FOO\" has no \"=\""},
    /* nothing reads as nothing any more */
    {"0=x\n", "A", "\"it's\"", "the env file: A cannot be set in it"},
};

START_TEST(refuses_what_it_cannot_set)
{
	const struct set_row *row = &unsettable[_i];
	struct err err = {0};
	auto_str char *result = env_file_set(row->text, row->name, row->value, &err);

	ck_assert_ptr_null(result);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->result) != NULL, "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("env_file");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, reads_as_godotenv_does, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, reads_no_further_than_its_length, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, refuses_what_godotenv_refuses, 0, COUNT_OF(wrong));
	tcase_add_test(tc, reads_a_nul_in_a_comment);
	tcase_add_test(tc, has_limits);
	tcase_add_test(tc, reads_a_large_file);
	tcase_add_test(tc, adds_the_exports_of_abra_sh);
	tcase_add_loop_test(tc, sets_a_value, 0, COUNT_OF(set_rows));
	tcase_add_loop_test(tc, refuses_what_it_cannot_set, 0, COUNT_OF(unsettable));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
