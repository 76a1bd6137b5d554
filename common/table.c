/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/table.h"

#include "common/clock.h"
#include "common/since.h"

#include <ctype.h>

/* Names stand in a column as wide as the longest, within these; a longer one has a line for itself.
 */
#define NAME_LEAST 28
#define NAME_MOST 40

/* How many bytes at c a terminal would obey: C0, DEL, or C1 as UTF-8. 0: it is shown. */
static size_t control_length(const char *c)
{
	const unsigned char *byte = (const unsigned char *)c;

	if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
		return 2;
	return iscntrl(byte[0]) ? 1 : 0;
}

void table_add_text(struct buf *out, const char *text, const char *indent)
{
	for (const char *c = text; *c;) {
		size_t length = control_length(c);

		if (*c == '\n' && indent) {
			(void)buf_add_char(out, '\n');
			if (c[1])
				(void)buf_add_text(out, indent);
		} else {
			(void)buf_add_char(out, length ? '?' : *c);
		}
		c += length ? length : 1;
	}
}

/* Columns of a terminal, as far as can be told without its fonts: one a character. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (const char *c = text; *c; c++)
		width += ((unsigned char)*c & 0xc0) != 0x80;
	return width;
}

static void add_blanks(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)buf_add_char(out, ' ');
}

#define REASON_LEAST 30 /* columns that make a column; else it goes below its row */

static bool is_break(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

/* Word by word, in lines of columns that begin with indent blanks; at is where the first one is. */
static void add_wrapped(struct buf *out, const char *text, size_t at, size_t indent, size_t columns)
{
	bool is_first = true;

	for (;;) {
		while (is_break(*text))
			text++;
		if (!*text)
			return;
		size_t length = 0;
		while (text[length] && !is_break(text[length]))
			length++;
		auto_str char *word = xstrndup(text, length);
		size_t width = width_of(word);

		if (!is_first && at + 1 + width > columns) {
			(void)buf_add_char(out, '\n');
			add_blanks(out, indent);
			at = indent;
			is_first = true;
		}
		if (!is_first)
			(void)buf_add_char(out, ' ');
		table_add_text(out, word, NULL);
		at += width + (is_first ? 0 : 1);
		is_first = false;
		text += length;
	}
}

struct row {
	size_t indent;
	const char *name, *word, *reason;
	double seconds;
};

/* The shape of a table: where outcomes stand, and how wide the terminal is (0: none). */
struct shape {
	size_t column, columns;
};

/* Behind a row that is as wide as at. */
static void add_reason(struct buf *out, const struct shape *shape, const struct row *row, size_t at)
{
	bool fits = !shape->columns || at + 3 + width_of(row->reason) <= shape->columns;

	if (fits || at + 3 + REASON_LEAST <= shape->columns) {
		at += 3;
		add_blanks(out, 3);
	} else {
		at = row->indent + 4;
		(void)buf_add_char(out, '\n');
		add_blanks(out, at);
	}
	if (fits)
		table_add_text(out, row->reason, " ");
	else
		add_wrapped(out, row->reason, at, at, shape->columns);
}

static void add_row(struct buf *out, const struct shape *shape, const struct row *row)
{
	char duration[CLOCK_DURATION_SIZE];
	size_t end = row->indent + width_of(row->name);
	size_t start = out->length;

	clock_format_duration((int64_t)(row->seconds * 1000), duration);
	add_blanks(out, row->indent);
	table_add_text(out, row->name, NULL);
	if (end > shape->column) {
		(void)buf_add_char(out, '\n');
		start = out->length;
		end = 0;
	}
	add_blanks(out, shape->column - end);
	(void)buf_printf(out, " %-11s %12s", row->word, duration);
	if (row->reason[0])
		add_reason(out, shape, row, width_of(buf_text(out) + start));
	(void)buf_add_char(out, '\n');
}

#define TEST_INDENT 2

static size_t find_column(const struct results *results)
{
	size_t column = NAME_LEAST;

	for (size_t i = 0; i < results->stage_count; i++) {
		const struct results_stage *stage = &results->stages[i];

		for (size_t k = 0; k < stage->test_count; k++) {
			size_t end = TEST_INDENT + width_of(stage->tests[k].name);

			if (end > column && end <= NAME_MOST)
				column = end;
		}
	}
	return column;
}

static void print_stage(
    const struct results_stage *stage, const struct shape *shape, struct buf *out)
{
	const struct row row = {0, stage_word(stage->stage), outcome_word(stage->outcome),
	    stage->reason, stage->seconds};

	add_row(out, shape, &row);
	for (size_t i = 0; i < stage->test_count; i++) {
		const struct results_test *test = &stage->tests[i];
		const struct row test_row = {TEST_INDENT, test->name, outcome_word(test->outcome),
		    test->reason, test->seconds};

		add_row(out, shape, &test_row);
	}
	if (!stage->evidence[0])
		return;
	(void)buf_add_text(out, "  last lines");
	if (stage->service[0]) {
		(void)buf_add_text(out, " of service ");
		table_add_text(out, stage->service, NULL);
	}
	(void)buf_add_text(out, ":\n    | ");
	table_add_text(out, stage->evidence, "    | ");
	if (!text_ends(stage->evidence, "\n"))
		(void)buf_add_char(out, '\n');
}

static void print_head(const struct results *results, size_t columns, struct buf *out)
{
	char duration[CLOCK_DURATION_SIZE];

	clock_format_duration((int64_t)(results->seconds * 1000), duration);
	table_add_text(out, results->recipe, NULL);
	if (results->base_version[0]) {
		(void)buf_add_char(out, ' ');
		table_add_text(out, results->base_version, NULL);
		(void)buf_add_text(out, " ->");
	}
	if (results->head_version[0]) {
		(void)buf_add_char(out, ' ');
		table_add_text(out, results->head_version, NULL);
	}
	(void)buf_printf(out, ": %s, level %d, %s, %d deploy%s\n", verdict_word(results->verdict),
	    results->level, duration, results->deploys, results->deploys == 1 ? "" : "s");
	if (results->reason[0]) {
		(void)buf_add_text(out, "  ");
		if (columns)
			add_wrapped(out, results->reason, 2, 2, columns);
		else
			table_add_text(out, results->reason, "  ");
		(void)buf_add_char(out, '\n');
	}
}

static void print_allowed(const struct results_allowed *allowed, struct buf *out)
{
	(void)buf_add_text(out, "  allowed: ");
	if (allowed->service[0]) {
		(void)buf_add_text(out, "service ");
		table_add_text(out, allowed->service, NULL);
		(void)buf_add_char(out, ' ');
	}
	table_add_text(out, allowed->what, NULL);
	(void)buf_add_text(out, " (");
	table_add_text(out, allowed->word, NULL);
	(void)buf_add_text(out, ")\n");
}

/* What changed, where one would look first. */
static void print_since(const struct results *results, size_t columns, struct buf *out)
{
	auto_str char *sentence = since_sentence(results);

	if (!sentence)
		return;
	(void)buf_add_char(out, '\n');
	if (columns)
		add_wrapped(out, sentence, 0, 0, columns);
	else
		table_add_text(out, sentence, NULL);
	(void)buf_add_char(out, '\n');
}

static void print_picture(const struct results *results, size_t columns, struct buf *out)
{
	auto_str char *text = results_picture_text(results);

	if (!text)
		return;
	if (columns)
		add_wrapped(out, text, 0, 0, columns);
	else
		table_add_text(out, text, " ");
	(void)buf_add_char(out, '\n');
}

/* Up for a look, or why not; "" when nobody asked for it. The caller frees it. */
static char *describe_kept(const struct results *results)
{
	if (*results->kept_until)
		return xasprintf("up at %s until %s, unless another run needs its slot",
		    results->kept_url, results->kept_until);
	return *results->kept_why_not ? xasprintf("not kept: %s", results->kept_why_not)
				      : xstrdup("");
}

void table_print(const struct results *results, size_t columns, struct buf *out)
{
	auto_str char *kept = describe_kept(results);
	const struct row teardown = {0, "teardown",
	    !results->is_clean	   ? "left"
	    : *results->kept_until ? "kept"
				   : "clean",
	    kept, results->teardown_seconds};
	const struct shape shape = {.column = find_column(results), .columns = columns};

	print_head(results, columns, out);
	for (size_t i = 0; i < results->allowed.count; i++)
		print_allowed(&results->allowed.items[i], out);
	(void)buf_add_char(out, '\n');
	for (size_t i = 0; i < results->stage_count; i++)
		print_stage(&results->stages[i], &shape, out);
	add_row(out, &shape, &teardown);
	for (size_t i = 0; i < results->left_count; i++) {
		(void)buf_add_text(out, "  left: ");
		table_add_text(out, results->left[i], NULL);
		(void)buf_add_char(out, '\n');
	}
	print_picture(results, columns, out);
	print_since(results, columns, out);
}
