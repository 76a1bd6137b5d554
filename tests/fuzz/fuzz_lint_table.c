/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of abra's lint: each rule once, in order, with a reason where it is not kept; and
 * whatever else is printed with a broken rule, it stays broken or nothing is said of it.
 */
#include "runner-plugin/abra/lint_table.h"

#define BROKEN "\u2502 R009 \u2502 x \u2502 error \u2502 \u274c \u2502 - \u2502 y \u2502\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const struct lint_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct lint_row *row = &table->rows[i];

		assert(!i || strcmp(table->rows[i - 1].ref, row->ref) < 0);
		assert(text_starts(row->name, row->ref));
		assert((row->outcome == OUTCOME_PASS) == !row->reason[0] ||
		       row->outcome == OUTCOME_FAIL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) text = buf_make(SIZE_MAX / 2);
	char reason[RESULTS_TEXT_MAX];

	(void)buf_add(&text, data, size);
	for (int with_broken = 0; with_broken < 2; with_broken++) {
		AUTO(lint_table) table = {0};

		if (with_broken)
			(void)buf_add_text(&text, "\n" BROKEN);
		lint_read(buf_text(&text), &table);
		check_rows(&table);
		enum outcome outcome = lint_judge(&table, reason);
		assert(outcome == OUTCOME_PASS || reason[0]);
		if (with_broken && strlen(buf_text(&text)) == text.length)
			assert(outcome == OUTCOME_FAIL ||
			       (outcome == OUTCOME_UNVERIFIED && table.was_cut));
	}
	return 0;
}
