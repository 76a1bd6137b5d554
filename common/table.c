/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/table.h"

#include "common/clock.h"

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

struct row {
	size_t indent;
	const char *name, *word, *reason;
	double seconds;
};

static void add_row(struct buf *out, size_t column, const struct row *row)
{
	char duration[CLOCK_DURATION_SIZE];
	size_t end = row->indent + width_of(row->name);

	clock_format_duration((int64_t)(row->seconds * 1000), duration);
	add_blanks(out, row->indent);
	table_add_text(out, row->name, NULL);
	if (end > column) {
		(void)buf_add_char(out, '\n');
		end = 0;
	}
	add_blanks(out, column - end);
	(void)buf_printf(out, " %-11s %12s", row->word, duration);
	if (row->reason[0]) {
		(void)buf_add_text(out, "   ");
		table_add_text(out, row->reason, " ");
	}
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

static void print_stage(const struct results_stage *stage, size_t column, struct buf *out)
{
	const struct row row = {0, stage_word(stage->stage), outcome_word(stage->outcome),
	    stage->reason, stage->seconds};

	add_row(out, column, &row);
	for (size_t i = 0; i < stage->test_count; i++) {
		const struct results_test *test = &stage->tests[i];
		const struct row test_row = {TEST_INDENT, test->name, outcome_word(test->outcome),
		    test->reason, test->seconds};

		add_row(out, column, &test_row);
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

static void print_head(const struct results *results, struct buf *out)
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

void table_print(const struct results *results, struct buf *out)
{
	const struct row teardown = {
	    0, "teardown", results->is_clean ? "clean" : "left", "", results->teardown_seconds};
	size_t column = find_column(results);

	print_head(results, out);
	for (size_t i = 0; i < results->allowed.count; i++)
		print_allowed(&results->allowed.items[i], out);
	(void)buf_add_char(out, '\n');
	for (size_t i = 0; i < results->stage_count; i++)
		print_stage(&results->stages[i], column, out);
	add_row(out, column, &teardown);
	for (size_t i = 0; i < results->left_count; i++) {
		(void)buf_add_text(out, "  left: ");
		table_add_text(out, results->left[i], NULL);
		(void)buf_add_char(out, '\n');
	}
}
