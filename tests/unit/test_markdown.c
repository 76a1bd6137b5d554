/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/markdown.h"

static const struct plain_row {
	const char *text;
	const char *plain;
} plain_rows[] = {
    {"", ""},
    {"plain, (text) - 1.2.0+3: ok; 100%", "plain, (text) - 1.2.0+3: ok; 100%"},
    {"@org/team", "@\xe2\x80\x8borg/team"},
    {"see #12 and !3 # 4", "see #\xe2\x80\x8b"
			   "12 and !\xe2\x80\x8b"
			   "3 # 4"},
    {"https://x", "https:\xe2\x80\x8b//x"},
    {"WWW.x.y", "WWW.\xe2\x80\x8bx.y"},
    {"[a](b) `c` *d* _e_ <f> &g; |h|",
	"&#91;a&#93;(b) &#96;c&#96; &#42;d&#42; &#95;e&#95; &#60;f&#62; &#38;g; &#124;h&#124;"},
    {"two\nlines\r\x1b[31m\x7f", "two lines  &#91;31m "},
    {"$x$ ~y~ \\z", "&#36;x&#36; &#126;y&#126; &#92;z"},
    {"a\xe2\x80\xae"
     "b\xe2\x81\xa6"
     "c",
	"a\xef\xbf\xbd"
	"b\xef\xbf\xbd"
	"c"},
    {"<!-- ccci {\"comment\":7} -->", "&#60;!-- ccci {\"comment\":7} --&#62;"},
};

START_TEST(plain_text_never_acts)
{
	AUTO(buf) text = buf_make(1024);

	ck_assert_int_eq(markdown_add_plain(&text, plain_rows[_i].text), 0);
	ck_assert_str_eq(buf_text(&text), plain_rows[_i].plain);
}
END_TEST

START_TEST(block_keeps_the_last_whole_lines)
{
	AUTO(buf) text = buf_make(1024);

	ck_assert_int_eq(markdown_add_block(&text, "one\ntwo\nthree", 9), 0);
	ck_assert_str_eq(buf_text(&text), "```text\ntwo\nthree\n```\n");
	buf_clear(&text);
	ck_assert_int_eq(markdown_add_block(&text, "", 9), 0);
	ck_assert_str_eq(buf_text(&text), "```text\n```\n");
	buf_clear(&text);
	ck_assert_int_eq(markdown_add_block(&text, "0123456789abc", 4), 0);
	ck_assert_str_eq(buf_text(&text), "```text\n9abc\n```\n");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("markdown");
	TCase *tests = tcase_create("markdown");

	tcase_add_loop_test(tests, plain_text_never_acts, 0, COUNT_OF(plain_rows));
	tcase_add_test(tests, block_keeps_the_last_whole_lines);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
