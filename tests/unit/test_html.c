/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/pages/html.h"

#define ODD "\xef\xbf\xbd" /* U+FFFD */

static const struct row {
	const char *text;
	const char *line;  /* as text from outside; NULL: as it is */
	const char *lines; /* as lines; NULL: as line */
} rows[] = {
    {"", NULL, NULL},
    {"plain 1.2.0+3, (text)", NULL, NULL},
    {"<script>a&b\"'</script>", "&lt;script&gt;a&amp;b&quot;&#39;&lt;/script&gt;", NULL},
    {"</bdi></pre>]]>-->", "&lt;/bdi&gt;&lt;/pre&gt;]]&gt;--&gt;", NULL},
    {"&lt;", "&amp;lt;", NULL},
    {"\x1b[31mred\x1b[0m \x07", "red  ", NULL},
    {"a\xe2\x80\xae.\xe2\x81\xa6", "a" ODD "." ODD, NULL},
    {"a\xffz\xc3", "a" ODD "z" ODD, NULL},
    {"one\ntwo\tthree", "one two three", "one\ntwo\tthree"},
    {"naïve → ✓", NULL, NULL},
};

START_TEST(text_from_outside_never_acts)
{
	const struct row *row = &rows[_i];
	const char *line = row->line ? row->line : row->text;
	const char *lines = row->lines ? row->lines : line;
	auto_str char *wanted = xasprintf("<bdi>%s</bdi><bdi>%s</bdi>", line, lines);
	AUTO(html) html = html_make();

	html_outside(&html, row->text, 1000);
	html_outside_lines(&html, row->text, 1000);
	ck_assert_str_eq(buf_text(&html.out), wanted);
	ck_assert(html_is_whole(&html));
}
END_TEST

START_TEST(attributes_are_escaped)
{
	AUTO(html) html = html_make();

	html_begin(&html, "a", "title", "\"><b onclick='x'>\n\xe2\x80\xae", "class", NULL, "href",
	    "runs/1", NULL);
	html_text(&html, "%s", "<b>");
	html_end(&html);
	html_empty(&html, "br", NULL);
	html_say(&html, "p", "%d & %d", 1, 2);
	ck_assert_str_eq(buf_text(&html.out),
	    "<a title=\"&quot;&gt;&lt;b onclick=&#39;x&#39;&gt; " ODD
	    "\" href=\"runs/1\">&lt;b&gt;</a><br/><p>1 &amp; 2</p>\n");
}
END_TEST

static const struct {
	const char *address;
	bool is_good;
} addresses[] = {
    {"https://x.example/a:b", true},
    {"http://x", true},
    {"../runs/1", true},
    {"#main", true},
    {"?show=red", true},
    {"?next=javascript:1", true},
    {"javascript:alert(1)", false},
    {"JavaScript:alert(1)", false},
    {" javascript:alert(1)", false},
    {"java\tscript:alert(1)", false},
    {"\x01javascript:alert(1)", false},
    {"data:text/html,x", false},
    {"//evil.example/", false},
    {"\x7f//evil.example/", false},
    {"/\\evil.example", false},
    {"\\\\evil.example", false},
};

START_TEST(addresses_stay_here_or_are_https)
{
	AUTO(html) html = html_make();

	html_empty(&html, "a", "href", addresses[_i].address, NULL);
	ck_assert_msg((strstr(buf_text(&html.out), "href") != NULL) == addresses[_i].is_good, "%s",
	    addresses[_i].address);
}
END_TEST

static const struct {
	const char *text, *wanted;
} codes[] = {
    {"volume `data` lost", "volume <code>data</code> lost"},
    {"`a``<b>`", "<code>a</code><code>&lt;b&gt;</code>"},
    {"one ` alone", "one ` alone"},
    {"`a` and ` alone", "<code>a</code> and ` alone"},
    {"``", "<code></code>"},
};

START_TEST(backticks_are_code)
{
	auto_str char *wanted = xasprintf("<bdi>%s</bdi>", codes[_i].wanted);
	AUTO(html) html = html_make();

	html_outside_code(&html, codes[_i].text, 100);
	ck_assert_str_eq(buf_text(&html.out), wanted);
}
END_TEST

START_TEST(is_cut)
{
	AUTO(html) html = html_make();

	html_outside(&html, "12345678", 4);
	html_outside_lines(&html, "one\ntwo\nthree\n", 11);
	ck_assert_str_eq(buf_text(&html.out), "<bdi>1234…</bdi><bdi>two\nthree\n</bdi>");
}
END_TEST

START_TEST(knows_whether_it_is_whole)
{
	AUTO(html) html = html_make();
	auto_str char *large = xcalloc(1, HTML_MAX_BYTES / 5 + 1);

	html_begin(&html, "p", NULL);
	ck_assert(!html_is_whole(&html));
	html_end(&html);
	ck_assert(html_is_whole(&html));
	memset(large, '&', HTML_MAX_BYTES / 5);
	html_outside(&html, large, SIZE_MAX);
	ck_assert(!html_is_whole(&html));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("html");
	TCase *tests = tcase_create("html");

	tcase_add_loop_test(tests, text_from_outside_never_acts, 0, COUNT_OF(rows));
	tcase_add_test(tests, attributes_are_escaped);
	tcase_add_loop_test(tests, addresses_stay_here_or_are_https, 0, COUNT_OF(addresses));
	tcase_add_loop_test(tests, backticks_are_code, 0, COUNT_OF(codes));
	tcase_add_test(tests, is_cut);
	tcase_add_test(tests, knows_whether_it_is_whole);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
