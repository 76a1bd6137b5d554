/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/markdown.h"

#define GAP "\xe2\x80\x8b" /* a zero width space */
#define ODD "\xef\xbf\xbd" /* U+FFFD */

static const struct row {
	const char *text;
	const char *plain; /* behind the start of a line, where Markdown is not read */
	const char *line;  /* from the start of a line, as Markdown; NULL: the same */
} rows[] = {
    {"", "", NULL},
    {"plain, (text) - 1.2.0+3: ok; 100%", "plain, (text) - 1.2.0+3: ok; 100%", NULL},
    {"@org/team", "@" GAP "org/team", NULL},
    {"see #12 and !3 # 4", "see #" GAP "12 and !" GAP "3 # 4", NULL},
    {"https://x", "https:" GAP "//x", NULL},
    {"WWW.x.y", "WWW." GAP "x.y", NULL},
    {"[a](b) `` *d* _e_ <f> &g; |h|",
	"&#91;a&#93;(b) &#96;&#96; &#42;d&#42; &#95;e&#95; &#60;f&#62; &#38;g; &#124;h&#124;",
	NULL},
    {"$x$ ~y~ \\z", "&#36;x&#36; &#126;y&#126; &#92;z", NULL},
    {"<!-- ccci {\"comment\":7} -->", "&#60;!-- ccci {\"comment\":7} --&#62;", NULL},
    {"[[page]] [[[x", "&#91;" GAP "&#91;page&#93;&#93; &#91;" GAP "&#91;" GAP "&#91;x", NULL},
    {"a :tada: at 12:30:45", "a :" GAP "tada: at 12:30:45", NULL},

    /* What controls a terminal or turns the text around it. */
    {"two\nlines\r\n\x7f.", "two lines  .", NULL},
    {"\x1b[1;31mred\x1b[0m \x1b[2Jx", "red x", NULL},
    {"a\x1b[ ?~b\x1b[/@c", "abc", NULL},
    {"a\x1b[\x1f~\x1b[1\x7f.", "a &#91; &#126; &#91;1 .", NULL},
    {"a#\x1b[0m1 [\x1b[m[x h:\x1b[m//y", "a#" GAP "1 &#91;" GAP "&#91;x h:" GAP "//y", NULL},
    /* What stands around an escape may be one character. */
    {"a\xe2\x80\x1b[m\xae.", "a\xef\xbf\xbd.", NULL},
    {"\x1b]0;t\x07 \x1b[31", " &#93;0;t   &#91;31", "&#93;0;t   &#91;31"},
    {"a\xe2\x80\xae"
     "b\xe2\x81\xa6"
     "c\xe2\x80\x8f\xe2\x80\xa8\xd8\x9c\xc2\x85\xc2\x9f",
	"a" ODD "b" ODD "c" ODD ODD ODD ODD ODD, NULL},
    {"\xc2\xa0\xe2\x80\x93\xe2\x80\xaf\xe2\x81\xa5", "\xc2\xa0\xe2\x80\x93\xe2\x80\xaf\xe2\x81\xa5",
	NULL},

    /* What begins something at the start of a line. */
    {"# x", "# x", "&#35; x"},
    {"- x", "- x", "&#45; x"},
    {"+ x", "+ x", "&#43; x"},
    {"* x", "&#42; x", NULL},
    {"> x", "&#62; x", NULL},
    {"| x", "&#124; x", NULL},
    {"1. x", "1. x", "1&#46; x"},
    {"12) x", "12) x", "12&#41; x"},
    {"1.2.0 (x)", "1.2.0 (x)", "1&#46;2.0 (x)"},
    {"a1. x", "a1. x", NULL},
    {"1234567890. x", "1234567890. x", NULL},
    {"===", "===", "&#61;=="},
    {"---", "---", "&#45;--"},
    {"~~~", "&#126;&#126;&#126;", NULL},
    {"```", "&#96;&#96;&#96;", NULL},
    {": x", ": x", "&#58; x"},
    {"    x", "    x", "x"},
    {"\tx", " x", "x"},
    {"\n\n# x", "  # x", "&#35; x"},
    {"   1. x", "   1. x", "1&#46; x"},

    /* Code. */
    {"a `b` c", "a &#96;b&#96; c", "a `b` c"},
    {"`a`", "&#96;a&#96;", "`a`"},
    {"`@m #1 [[x]] <b> *c* \\`.",
	"&#96;@" GAP "m #" GAP "1 &#91;" GAP "&#91;x&#93;&#93; &#60;b&#62; &#42;c&#42; &#92;&#96;.",
	"`@m #1 [[x]] <b> *c* \\`."},
    {"`a || <b>` c", "&#96;a &#124;&#124; &#60;b&#62;&#96; c",
	"<code>a &#124;&#124; &#60;b&#62;</code> c"},
    {"`a | @m #1 http://x www.y.z [[p]] :tada:`",
	"&#96;a &#124; @" GAP "m #" GAP "1 http:" GAP "//x www." GAP "y.z &#91;" GAP
	"&#91;p&#93;&#93; :" GAP "tada:&#96;",
	"<code>a &#124; &#64;m &#35;1 http&#58;//x www&#46;y.z &#91;&#91;p&#93;&#93; "
	"&#58;tada:</code>"},
    {"`a\nb\x1b[1m`", "&#96;a b&#96;", "`a b`"},
    {"`a", "&#96;a", NULL},
    {"``a` b`", "&#96;&#96;a&#96; b&#96;", "&#96;&#96;a` b`"},
    {"`a``b`", "&#96;a&#96;&#96;b&#96;", NULL},
    {"`a` and `b`", "&#96;a&#96; and &#96;b&#96;", "`a` and `b`"},
};

START_TEST(text_never_acts)
{
	const struct row *row = &rows[_i];
	AUTO(buf) plain = buf_make(1024);
	AUTO(buf) line = buf_make(1024);
	AUTO(buf) second = buf_make(1024);
	const char *wanted = row->line ? row->line : row->plain;

	(void)buf_add_char(&plain, '.');
	ck_assert_int_eq(markdown_add_plain(&plain, row->text, SIZE_MAX), 0);
	ck_assert_str_eq(buf_text(&plain) + 1, row->plain);
	ck_assert_int_eq(markdown_add_text(&line, row->text, SIZE_MAX), 0);
	ck_assert_str_eq(buf_text(&line), wanted);
	(void)buf_add_text(&second, "x\n");
	ck_assert_int_eq(markdown_add_text(&second, row->text, SIZE_MAX), 0);
	ck_assert_str_eq(buf_text(&second) + 2, wanted);
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
	AUTO(buf) text = buf_make(1024);

	ck_assert_int_eq(markdown_add_text(&text, "a|\xc3\xbc", 3), 0);
	ck_assert_str_eq(buf_text(&text), "a&#124;…");
	buf_clear(&text);
	ck_assert_int_eq(markdown_add_plain(&text, "a|\xc3\xbc", 4), 0);
	ck_assert_str_eq(buf_text(&text), "a&#124;\xc3\xbc");
	buf_clear(&text);
	ck_assert_int_eq(markdown_add_text(&text, "see `volume`", 8), 0);
	ck_assert_str_eq(buf_text(&text), "see &#96;vol…");
}
END_TEST

START_TEST(words_to_copy)
{
	AUTO(buf) text = buf_make(1024);

	ck_assert_int_eq(markdown_add_code(&text, "run `x`\n--y\xe2\x80\xae"), 0);
	ck_assert_str_eq(buf_text(&text), "`run ?x? --y" ODD "`");
}
END_TEST

static const struct block_row {
	const char *text;
	size_t max_bytes;
	const char *block;
} blocks[] = {
    {"one\ntwo\nthree", 9, "```text\ntwo\nthree\n```\n"},
    {"one\ntwo\nthree", 10, "```text\ntwo\nthree\n```\n"},
    {"one\ntwo\nthree", 12, "```text\ntwo\nthree\n```\n"},
    {"", 9, "```text\n```\n"},
    {"0123456789abc", 4, "```text\n9abc\n```\n"},
    {"a\xc3\xbc", 1, "```text\n```\n"},
    {"~~~\n```\n````", 99, "`````text\n~~~\n```\n````\n`````\n"},
    {"    x\n\ty\r\n# z\x07\r", 99, "```text\n    x\n\ty\n# z  \n```\n"},
    {"\x1b[32mINFO\x1b[0m <!-- ccci {} -->\xe2\x80\xae", 99,
	"```text\nINFO <!-- ccci {} -->" ODD "\n```\n"},
};

START_TEST(block_keeps_the_last_whole_lines)
{
	AUTO(buf) text = buf_make(1024);

	ck_assert_int_eq(markdown_add_block(&text, blocks[_i].text, blocks[_i].max_bytes), 0);
	ck_assert_str_eq(buf_text(&text), blocks[_i].block);
}
END_TEST

#define EVERYTHING "a@b `c` `d|@` | ``\n[[e]]"

static int add_all(struct buf *out)
{
	if (markdown_add_plain(out, EVERYTHING, SIZE_MAX) < 0 ||
	    markdown_add_text(out, EVERYTHING, 20) < 0 || markdown_add_code(out, EVERYTHING) < 0)
		return -1;
	return markdown_add_block(out, EVERYTHING, SIZE_MAX);
}

/* Whatever does not fit is told: half a quotation is none. */
START_TEST(what_does_not_fit_is_an_error)
{
	AUTO(buf) whole = buf_make(4096);

	ck_assert_int_eq(add_all(&whole), 0);
	for (size_t room = 0; room <= whole.length; room++) {
		AUTO(buf) out = buf_make(room);
		int added = add_all(&out);

		ck_assert_msg(added == (room == whole.length ? 0 : -1), "%zu bytes", room);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("markdown");
	TCase *tests = tcase_create("markdown");

	tcase_add_loop_test(tests, text_never_acts, 0, COUNT_OF(rows));
	tcase_add_test(tests, text_is_cut_between_characters);
	tcase_add_test(tests, words_to_copy);
	tcase_add_loop_test(tests, block_keeps_the_last_whole_lines, 0, COUNT_OF(blocks));
	tcase_add_test(tests, what_does_not_fit_is_an_error);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
