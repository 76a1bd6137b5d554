/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/abra/lint_table.h"

#include <ctype.h>

#define CELL_MAX_BYTES 300
#define REF_LENGTH 4 /* "R009" */
#define ESCAPE '\033'

enum cell {
	CELL_REF,
	CELL_RULE,
	CELL_LEVEL,
	CELL_SATISFIED,
	CELL_SKIPPED,
	CELL_ADVICE,
	CELL_COUNT
};

struct cells {
	char text[CELL_COUNT][CELL_MAX_BYTES];
	size_t count;
};

/* Rules that no commit can keep or break. */
static const char *const of_repository[] = {
    "R006", /* a published version in the catalogue */
    "R013", /* a repository at git.coopcloud.tech; looked for in the network */
    "R014", /* annotated tags alone, of all versions there are */
};

/* --- lines and cells --- */

/* How long the bar is that begins at text, as tables have it between cells; 0: there is none. */
static size_t bar_length(const char *text)
{
	static const char *const bars[] = {"\u2502", "\u2503", "\u2551", "|"};

	for (size_t i = 0; i < COUNT_OF(bars); i++) {
		if (text_starts(text, bars[i]))
			return strlen(bars[i]);
	}
	return 0;
}

/* How long the escape sequence is that begins at text: colours, in spite of NO_COLOR. */
static size_t escape_length(const char *text)
{
	size_t length = 2;

	if (text[0] != ESCAPE || text[1] != '[')
		return 0;
	length += strspn(text + length, "0123456789;?");
	return length + (text[length] ? 1 : 0);
}

static void trim(char *text)
{
	size_t blank = strspn(text, " ");
	size_t length = strlen(text);

	while (length > blank && text[length - 1] == ' ')
		length--;
	memmove(text, text + blank, length - blank);
	text[length - blank] = '\0';
}

/* One character, one byte of UTF-8, into a cell that may be full. */
static void add_byte(char *cell, size_t *used, char byte)
{
	if (*used < CELL_MAX_BYTES - 1)
		cell[(*used)++] = iscntrl((unsigned char)byte) ? ' ' : byte;
}

/* What stands between the bars of one line; what stands before the first is no cell. */
static void split_line(const char *line, size_t length, struct cells *out)
{
	const char *end = line + length;
	char ignored[CELL_MAX_BYTES];
	char *cell = ignored;
	size_t used = 0;

	out->count = 0;
	while (line < end) {
		size_t bar = bar_length(line);
		size_t skipped = bar ? bar : escape_length(line);

		if (!skipped)
			add_byte(cell, &used, *line++);
		line += skipped;
		if (!bar)
			continue;
		cell[used] = '\0';
		trim(cell);
		used = 0;
		cell = out->count < CELL_COUNT ? out->text[out->count++] : ignored;
	}
	cell[used] = '\0';
	trim(cell);
}

static bool is_ref(const char *text)
{
	return text[0] == 'R' && strspn(text + 1, "0123456789") == REF_LENGTH - 1 &&
	       !text[REF_LENGTH];
}

/* --- what a row says --- */

static bool is_of_repository(const char *ref)
{
	return text_index(of_repository, COUNT_OF(of_repository), ref) < COUNT_OF(of_repository);
}

static bool is_check(const char *cell)
{
	return text_is(cell, "\u2705");
}

static bool is_cross(const char *cell)
{
	return text_is(cell, "\u274c");
}

static void judge_broken(struct lint_row *row, bool is_error, const char *advice)
{
	if (is_of_repository(row->ref)) {
		row->outcome = OUTCOME_NOT_RUN;
		row->reason = xasprintf("of the repository, not of this commit: %s", advice);
		return;
	}
	row->outcome = is_error ? OUTCOME_FAIL : OUTCOME_NOT_RUN;
	row->is_warning = !is_error;
	row->reason = xasprintf("%s%s", is_error ? "" : "a warning: ", advice);
}

static struct lint_row judge_cells(const struct cells *cells)
{
	const char(*text)[CELL_MAX_BYTES] = cells->text;
	bool is_error = text_is(text[CELL_LEVEL], "error");
	struct lint_row row = {.name = xasprintf("%s %s", text[CELL_REF], text[CELL_RULE])};

	memcpy(row.ref, text[CELL_REF], REF_LENGTH + 1);
	if (cells->count < CELL_COUNT || (!is_error && !text_is(text[CELL_LEVEL], "warn"))) {
		row.outcome = OUTCOME_UNVERIFIED;
		row.reason = xstrdup("abra does not say in words we know how grave it is");
	} else if (is_check(text[CELL_SKIPPED])) {
		row.outcome = OUTCOME_NOT_RUN;
		row.reason = xstrdup("abra skips it for this recipe");
	} else if (is_cross(text[CELL_SATISFIED])) {
		judge_broken(&row, is_error, text[CELL_ADVICE]);
	} else if (is_check(text[CELL_SATISFIED])) {
		row.outcome = OUTCOME_PASS;
		row.reason = xstrdup("");
	} else {
		row.outcome = OUTCOME_UNVERIFIED;
		row.reason = xstrdup("abra does not say in a mark we know whether it is kept");
	}
	return row;
}

/* --- the table --- */

static void row_release(struct lint_row *row)
{
	free(row->name);
	free(row->reason);
}

static int badness(const struct lint_row *row)
{
	switch (row->outcome) {
	case OUTCOME_PASS:
		return 0;
	case OUTCOME_NOT_RUN:
		return row->is_warning ? 2 : 1;
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		return 3;
	case OUTCOME_FAIL:
		break;
	}
	return 4;
}

/* At its place; of two of one number the worse one stays. */
static void put_row(struct lint_table *table, struct lint_row *take_row)
{
	size_t at = 0;

	while (at < table->count && strcmp(table->rows[at].ref, take_row->ref) < 0)
		at++;
	if (at < table->count && text_is(table->rows[at].ref, take_row->ref)) {
		struct lint_row *there = &table->rows[at];
		struct lint_row better = *take_row;

		if (badness(take_row) > badness(there)) {
			better = *there;
			*there = *take_row;
		}
		row_release(&better);
		return;
	}
	if (table->count == LINT_ROWS_MAX) {
		table->was_cut = true;
		row_release(take_row);
		return;
	}
	memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof(*take_row));
	table->rows[at] = *take_row;
	table->count++;
}

void lint_read(const char *output, struct lint_table *out)
{
	struct cells cells;

	*out = (struct lint_table){0};
	while (*output) {
		size_t length = strcspn(output, "\n");

		split_line(output, length, &cells);
		if (cells.count && is_ref(cells.text[CELL_REF])) {
			struct lint_row row = judge_cells(&cells);

			put_row(out, &row);
		}
		output += length + (output[length] == '\n');
	}
}

void lint_table_release(struct lint_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		row_release(&table->rows[i]);
	*table = (struct lint_table){0};
}

/* --- the whole --- */

static size_t count_rows(const struct lint_table *table, enum outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += table->rows[i].outcome == outcome;
	return count;
}

static void name_first(const struct lint_table *table, enum outcome outcome, char *reason)
{
	size_t more = count_rows(table, outcome) - 1;
	const struct lint_row *first = table->rows;

	while (first->outcome != outcome)
		first++;
	(void)snprintf(reason, RESULTS_TEXT_MAX, "%s: %s", first->name, first->reason);
	if (more) {
		size_t length = strlen(reason);

		(void)snprintf(reason + length, RESULTS_TEXT_MAX - length, " (and %zu more)", more);
	}
}

static void list_warnings(const struct lint_table *table, char *reason)
{
	AUTO(buf) text = buf_make(SIZE_MAX / 2);
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].is_warning)
			(void)buf_printf(&text, "%s%s", count++ ? "; " : "", table->rows[i].name);
	}
	if (count)
		(void)snprintf(reason, RESULTS_TEXT_MAX, "%zu warning%s: %s", count,
		    count == 1 ? "" : "s", buf_text(&text));
}

enum outcome lint_judge(const struct lint_table *table, char reason[RESULTS_TEXT_MAX])
{
	reason[0] = '\0';
	if (count_rows(table, OUTCOME_FAIL)) {
		name_first(table, OUTCOME_FAIL, reason);
		return OUTCOME_FAIL;
	}
	if (!table->count) {
		(void)snprintf(reason, RESULTS_TEXT_MAX, "abra recipe lint printed no table");
		return OUTCOME_UNVERIFIED;
	}
	if (table->was_cut) {
		(void)snprintf(
		    reason, RESULTS_TEXT_MAX, "abra recipe lint printed more rules than there are");
		return OUTCOME_UNVERIFIED;
	}
	if (count_rows(table, OUTCOME_UNVERIFIED)) {
		name_first(table, OUTCOME_UNVERIFIED, reason);
		return OUTCOME_UNVERIFIED;
	}
	list_warnings(table, reason);
	return OUTCOME_PASS;
}
