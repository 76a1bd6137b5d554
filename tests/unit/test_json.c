/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "common/json.h"

static struct json *parse(const char *text)
{
	struct err err;
	struct json *json = json_parse(text, strlen(text), &err);

	ck_assert_msg(json != NULL, "%s: %s", text, err.msg);
	return json;
}

START_TEST(reads_values)
{
	AUTO_PTR(json)
	json = parse(" {\"t\":\"x\",\"i\":7,\"n\":1.5,\"b\":true,\"f\":false,\"z\":null,"
		     "\"a\":[1,\"two\"],\"o\":{\"p\":{\"q\":\"deep\"}}} \n");
	int64_t whole = 0;
	double number = 0;
	bool truth = false;

	ck_assert_str_eq(json_get_text(json, "t"), "x");
	ck_assert(json_get_int(json, "i", &whole) && whole == 7);
	ck_assert(json_get_number(json, "n", &number) && number > 1.4 && number < 1.6);
	ck_assert(json_get_bool(json, "b", &truth) && truth);
	ck_assert(json_get_bool(json, "f", &truth) && !truth);
	ck_assert(json_is_null(json_get(json, "z")));
	ck_assert_uint_eq(json_count(json), 8);
	ck_assert_uint_eq(json_count(json_get(json, "a")), 2);
	ck_assert(json_int(json_at(json_get(json, "a"), 0), &whole) && whole == 1);
	ck_assert_str_eq(json_text(json_at(json_get(json, "a"), 1)), "two");
	ck_assert_ptr_null(json_at(json_get(json, "a"), 2));
	ck_assert_str_eq(json_key(json_at(json, 1)), "i");
	ck_assert_ptr_null(json_key(json_at(json_get(json, "a"), 0)));
	ck_assert_str_eq(json_text(json_path(json, "o.p.q")), "deep");
	ck_assert_ptr_null(json_path(json, "o.x.q"));
	ck_assert_ptr_null(json_path(json, "t.x"));
}
END_TEST

/* Asking what is not there, or is of another type, answers "absent" and touches nothing. */
START_TEST(reading_is_total)
{
	AUTO_PTR(json)
	json = parse("{\"t\":\"x\",\"i\":7,\"h\":1.5,\"big\":9007199254740992,"
		     "\"a\":[],\"inf\":1e999}");
	static const char *const keys[] = {"t", "h", "big", "a", "missing", "inf"};
	int64_t whole = 4711;
	bool truth = true;
	double number = 4711;

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		ck_assert_msg(!json_get_int(json, keys[i], &whole), "%s", keys[i]);
		ck_assert_msg(!json_get_bool(json, keys[i], &truth), "%s", keys[i]);
	}
	ck_assert(!json_get_number(json, "t", &number) && !json_get_number(json, "inf", &number));
	ck_assert_int_eq(whole, 4711);
	ck_assert(number > 4710 && number < 4712);
	ck_assert_ptr_null(json_get_text(json, "i"));
	ck_assert_ptr_null(json_get(json, "T"));
	ck_assert_ptr_null(json_get(json_get(json, "a"), "x"));
	ck_assert_ptr_null(json_get_text(NULL, "x"));
	ck_assert_ptr_null(json_text(NULL));
	ck_assert_ptr_null(json_first(NULL));
	ck_assert_ptr_null(json_next(NULL));
	ck_assert_ptr_null(json_first(json_get(json, "t")));
	ck_assert_ptr_null(json_at(NULL, 0));
	ck_assert_uint_eq(json_count(NULL), 0);
	ck_assert(!json_int(NULL, &whole) && !json_is_object(NULL) && !json_is_array(NULL) &&
		  !json_is_null(NULL));
}
END_TEST

#define ROW(text, is_good)                                                                         \
	{                                                                                          \
		text, sizeof(text) - 1, is_good                                                    \
	}
static const struct parse_row {
	const char *text;
	size_t length;
	bool is_good;
} parse_rows[] = {
    ROW("{}", true),
    ROW("[]", true),
    ROW("\"text\"", true),
    ROW("1", true),
    ROW("null", true),
    ROW(" \t\r\n{} \t\r\n", true),
    ROW("{\"a\":\"\\u00e9 \\ud83d\\ude00\"}", true),
    ROW("{\"a\":\"\\\\u0000\"}", true), /* a backslash, then letters */
    ROW("\"[[[[{{{{\"", true),
    ROW("\"gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\"", true),
    ROW("\"0123456\xc3\xbc"
	"89abcdef\xc3\x9f\"",
	true),
    ROW("[\"\\\"[[[[\\\\\",\"\\\"\",\"]\"]", true),
    ROW("", false),
    ROW("   ", false),
    ROW("{", false),
    ROW("{}x", false),
    ROW("{} {}", false),
    ROW("{'a':1}", false),
    ROW("{\"a\":1,}", false),
    ROW("[1 2]", false),
    ROW("nul", false),
    ROW("{\"a\":\"x\0y\"}", false),
    ROW("{}\0", false),
    ROW("\0", false),
    ROW("{\"a\":\"x\\u0000y\"}", false),
    ROW("{\"a\\u0000b\":1}", false),
    ROW("\"\\ud800\"", false),
    ROW("\"\xff\"", false),
    ROW("\"\xc0\x80\"", false),
    ROW("\"\xed\xa0\x80\"", false),
    ROW("\"\xe2\x82\"", false),
    ROW("\"\xf4\x90\x80\x80\"", false),
    ROW("\"\xe2\x82", false),
    ROW("\"unended", false),
    ROW("\"\\\"", false),
    ROW("\"a\\\"b\\u0000\"", false),
    ROW("\"0123456789abcdef\xff\"", false),
    ROW("\"01234567\xc3", false),
    ROW("\"\\", false),
};

START_TEST(parses_row)
{
	const struct parse_row *row = &parse_rows[_i];
	struct err err = {.code = ERR_NONE};
	/* Of exactly this size, so that a sanitizer sees a read beyond. */
	char *text = xcalloc(row->length, 1);

	memcpy(text, row->text, row->length);
	AUTO_PTR(json) json = json_parse(text, row->length, &err);
	free(text);
	ck_assert_msg((json != NULL) == row->is_good, "row %d: %s", _i, row->text);
	ck_assert_int_eq(err.code, row->is_good ? ERR_NONE : ERR_PROTOCOL);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	for (size_t depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
		AUTO(buf) text = buf_make(1000);
		struct err err;

		for (size_t i = 0; i < depth; i++)
			(void)buf_add_char(&text, '[');
		for (size_t i = 0; i < depth; i++)
			(void)buf_add_char(&text, ']');
		AUTO_PTR(json) json = json_parse(buf_text(&text), text.length, &err);
		ck_assert((json != NULL) == (depth == JSON_MAX_DEPTH));
	}
}
END_TEST

START_TEST(prints_what_it_built)
{
	AUTO_PTR(json) json = json_new_object();
	struct json *list = json_new_array();

	json_set_text(json, "t", "a\"b\n");
	json_set_text(json, "none", NULL);
	json_set_int(json, "i", -5);
	json_set_int(json, "ms", INT64_C(1795317000123));
	json_set_number(json, "n", 9.25);
	json_set_bool(json, "b", true);
	json_add_text(list, "x");
	json_add(list, json_new_int(2));
	json_set(json, "list", list);
	json_set_int(json, "i", 6); /* replaces */
	auto_str char *text = json_print(json);
	ck_assert_str_eq(text, "{\"t\":\"a\\\"b\\n\",\"none\":null,\"ms\":1795317000123,\"n\":9.25,"
			       "\"b\":true,\"list\":[\"x\",2],\"i\":6}");

	AUTO_PTR(json) again = parse(text);
	auto_str char *twice = json_print(again);
	ck_assert_str_eq(twice, text);
}
END_TEST

static const struct repair_row {
	const char *text;
	const char *repaired;
} repair_rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    {"\xff", "\xef\xbf\xbd"},
    {"a\xffz", "a\xef\xbf\xbdz"},
    {"\xc3", "\xef\xbf\xbd"},
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"\xf0\x8f\x98\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(repairs_row)
{
	AUTO_PTR(json) json = json_new_text(repair_rows[_i].text);

	ck_assert_msg(text_is(json_text(json), repair_rows[_i].repaired), "row %d", _i);
	auto_str char *printed = json_print(json);
	AUTO_PTR(json) again = parse(printed);
	ck_assert_str_eq(json_text(again), repair_rows[_i].repaired);
}
END_TEST

START_TEST(iterates_a_long_list_in_one_pass)
{
	AUTO_PTR(json) list = json_new_array();
	int64_t sum = 0;

	for (int64_t i = 0; i < 50000; i++)
		json_add(list, json_new_int(i));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		int64_t value = 0;

		ck_assert(json_int(item, &value));
		sum += value;
	}
	ck_assert_int_eq(sum, INT64_C(49999) * 25000);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, reads_values);
	tcase_add_test(tc, reading_is_total);
	tcase_add_loop_test(tc, parses_row, 0, COUNT_OF(parse_rows));
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, prints_what_it_built);
	tcase_add_loop_test(tc, repairs_row, 0, COUNT_OF(repair_rows));
	tcase_add_test(tc, iterates_a_long_list_in_one_pass);
	return suite;
}

TEST_MAIN(make_suite)
