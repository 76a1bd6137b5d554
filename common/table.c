/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/table.h"

#include "common/clock.h"

#include <ctype.h>

/* No text of a recipe moves the cursor of a terminal. */
static void add_plain(struct buf *out, const char *text, const char *indent)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\n') {
			(void)buf_add_char(out, '\n');
			if (c[1])
				(void)buf_add_text(out, indent);
		} else {
			(void)buf_add_char(out, iscntrl((unsigned char)*c) ? '?' : *c);
		}
	}
}

static void add_row(struct buf *out, const char *indent, int width, const char *name,
    const char *word, double seconds, const char *reason)
{
	char duration[CLOCK_DURATION_SIZE];

	clock_format_duration((int64_t)(seconds * 1000), duration);
	(void)buf_add_text(out, indent);
	size_t start = out->length;
	add_plain(out, name, " ");
	while (out->length < start + (size_t)width && buf_add_char(out, ' ') == 0)
		continue;
	(void)buf_printf(out, " %-11s %12s", word, duration);
	if (reason[0]) {
		(void)buf_add_text(out, "   ");
		add_plain(out, reason, " ");
	}
	(void)buf_add_char(out, '\n');
}

static void print_stage(const struct results_stage *stage, struct buf *out)
{
	add_row(out, "", 28, stage_word(stage->stage), outcome_word(stage->outcome), stage->seconds,
	    stage->reason);
	for (size_t i = 0; i < stage->test_count; i++) {
		const struct results_test *test = &stage->tests[i];

		add_row(out, "  ", 26, test->name, outcome_word(test->outcome), test->seconds,
		    test->reason);
	}
	if (!stage->evidence[0])
		return;
	(void)buf_add_text(out, "  last lines");
	if (stage->service[0]) {
		(void)buf_add_text(out, " of service ");
		add_plain(out, stage->service, " ");
	}
	(void)buf_add_text(out, ":\n    | ");
	add_plain(out, stage->evidence, "    | ");
	if (!text_ends(stage->evidence, "\n"))
		(void)buf_add_char(out, '\n');
}

static void print_head(const struct results *results, struct buf *out)
{
	char duration[CLOCK_DURATION_SIZE];

	clock_format_duration((int64_t)(results->seconds * 1000), duration);
	add_plain(out, results->recipe, " ");
	if (results->base_version[0]) {
		(void)buf_add_char(out, ' ');
		add_plain(out, results->base_version, " ");
		(void)buf_add_text(out, " ->");
	}
	if (results->head_version[0]) {
		(void)buf_add_char(out, ' ');
		add_plain(out, results->head_version, " ");
	}
	(void)buf_printf(out, ": %s, level %d, %s, %d deploy%s\n", verdict_word(results->verdict),
	    results->level, duration, results->deploys, results->deploys == 1 ? "" : "s");
	if (results->reason[0]) {
		add_plain(out, results->reason, " ");
		(void)buf_add_char(out, '\n');
	}
}

void table_print(const struct results *results, struct buf *out)
{
	print_head(results, out);
	(void)buf_add_char(out, '\n');
	for (size_t i = 0; i < results->stage_count; i++)
		print_stage(&results->stages[i], out);
	add_row(out, "", 28, "teardown", results->is_clean ? "clean" : "left",
	    results->teardown_seconds, "");
	for (size_t i = 0; i < results->left_count; i++) {
		(void)buf_add_text(out, "  left: ");
		add_plain(out, results->left[i], " ");
		(void)buf_add_char(out, '\n');
	}
}
