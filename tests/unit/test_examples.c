/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The usage that the comments of a header show fits the signatures below it: each call of a
 * function of that header has as many arguments as its declaration.
 */
#include <check.h>

#include "harness.h"

#include "common/file.h"

#include <ctype.h>
#include <ftw.h>

#define HEADER_MAX_BYTES (256 * 1024)
#define NAME_SIZE 64

static size_t call_count;

/* A header in two texts of the same length: its comments without their frame, and all else. */
struct header {
	char *comments;
	char *code;
};

static void split(const char *text, struct header *out)
{
	bool is_comment = false;

	out->comments = xstrdup(text);
	out->code = xstrdup(text);
	for (size_t i = 0; text[i]; i++) {
		bool begins = !is_comment && text[i] == '/' && text[i + 1] == '*';
		bool ends = is_comment && text[i] == '*' && text[i + 1] == '/';
		bool is_frame = text[i] == '*' && i && (text[i - 1] == ' ' || text[i - 1] == '/');

		is_comment = is_comment || begins;
		if (!is_comment || is_frame)
			out->comments[i] = ' ';
		if (is_comment || text[i] == '#')
			out->code[i] = ' ';
		if (ends) {
			i++;
			out->code[i] = ' ';
			out->comments[i] = ' ';
		}
		is_comment = is_comment && !ends;
	}
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/*
 * How many arguments stand between the parentheses that open at text; -1: they do not close.
 * *out_is_open: "..." is among them, so there may be more.
 */
static int count_arguments(const char *text, bool *out_is_open)
{
	int depth = 0;
	int count = 1;
	bool is_quoted = false;

	*out_is_open = false;
	if (text_starts(text, "()") || text_starts(text, "(void)"))
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			is_quoted = !is_quoted;
		if (is_quoted)
			continue;
		*out_is_open = *out_is_open || text_starts(c, "...");
		count += *c == ',' && depth == 1;
		depth += strchr("([{", *c) ? 1 : strchr(")]}", *c) ? -1 : 0;
		if (!depth)
			return count;
	}
	return -1;
}

/* The parentheses behind the next call or declaration of a lower case name. NULL: no more. */
static const char *next_call(const char *at, char name[NAME_SIZE])
{
	for (const char *open = strchr(at, '('); open; open = strchr(open + 1, '(')) {
		const char *begin = open;

		while (begin > at && is_word(begin[-1]))
			begin--;
		size_t length = (size_t)(open - begin);
		if (!length || length >= NAME_SIZE || !islower((unsigned char)*begin))
			continue;
		memcpy(name, begin, length);
		name[length] = '\0';
		return open;
	}
	return NULL;
}

/* Where the header declares it: a function, not a pointer to one. */
static const char *find_declaration(const char *code, const char *name)
{
	char other[NAME_SIZE];

	for (const char *open = next_call(code, other); open; open = next_call(open + 1, other))
		if (text_is(other, name))
			return open;
	return NULL;
}

static void check_header(const char *path, const struct header *header)
{
	char name[NAME_SIZE];

	for (const char *open = next_call(header->comments, name); open;
	     open = next_call(open + 1, name)) {
		const char *declaration = find_declaration(header->code, name);
		bool is_shortened = false;
		bool is_variadic = false;

		if (!declaration || open[1] == ')') /* "name()" only names it */
			continue;
		int given = count_arguments(open, &is_shortened);
		int wanted = count_arguments(declaration, &is_variadic);
		if (is_shortened)
			continue;
		ck_assert_msg(is_variadic ? given >= wanted - 1 : given == wanted,
		    "%s: its comment calls %s() with %d arguments, it takes %d: %.60s", path, name,
		    given, wanted, open);
		call_count++;
	}
}

static void header_release(struct header *header)
{
	free(header->comments);
	free(header->code);
}
DEFINE_AUTO(header, header_release);

static int check_file(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	AUTO(buf) text = {0};
	AUTO(header) header = {0};
	struct err err;

	(void)status;
	(void)ftw;
	if (type != FTW_F || !text_ends(path, ".h"))
		return 0;
	ck_assert_msg(file_read(path, HEADER_MAX_BYTES, &text, &err) == 0, "%s", err.msg);
	split(buf_text(&text), &header);
	check_header(path + strlen(TEST_SOURCE_DIR) + 1, &header);
	return 0;
}

START_TEST(examples_fit_the_signatures)
{
	static const char *const dirs[] = {"common", "bridge", "runner-plugin"};

	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, dirs[i]);

		ck_assert_int_eq(nftw(path, check_file, 16, FTW_PHYS), 0);
	}
	ck_assert_uint_gt(call_count, 100); /* else the test looks in the wrong place */
}
END_TEST

/* The test sees what it is there for. */
START_TEST(arguments_are_counted)
{
	static const struct {
		const char *text;
		int count;
		bool is_open;
	} rows[] = {
	    {"()", 0},
	    {"(void)", 0},
	    {"(void *context)", 1},
	    {"(a, (int[]){1, 2}, f(x, y))", 3},
	    {"(\"a, b)\", &c)", 2},
	    {"(const char *format, ...)", 2, true},
	    {"(a, b", -1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool is_open = false;

		ck_assert_msg(
		    count_arguments(rows[i].text, &is_open) == rows[i].count, "row %zu", i);
		ck_assert_msg(is_open == rows[i].is_open, "row %zu", i);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("examples");
	TCase *tc = tcase_create("examples");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, examples_fit_the_signatures);
	tcase_add_test(tc, arguments_are_counted);
	return suite;
}

TEST_MAIN(make_suite)
