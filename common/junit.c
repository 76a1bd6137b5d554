/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/junit.h"

/*
 * XML 1.0, section 2.2: no other control characters may appear, not even as references. Section
 * 3.3.3: a line end in an attribute would be read as a blank.
 */
static void add_escaped(struct buf *out, const char *text, bool is_attribute)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		bool is_white = byte == '\t' || byte == '\n';

		if (byte < 0x20 && !is_white)
			(void)buf_add_text(out, "?");
		else if (strchr("<>&\"", byte) || (is_white && is_attribute))
			(void)buf_printf(out, "&#%d;", byte);
		else
			(void)buf_add_char(out, *text);
	}
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
	(void)buf_printf(out, " %s=\"", name);
	add_escaped(out, value, true);
	(void)buf_add_char(out, '"');
}

static const char *element_of(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		return NULL;
	case OUTCOME_FAIL:
		return "failure";
	case OUTCOME_NOT_RUN:
		return "skipped";
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		return "error";
	}
	return NULL;
}

struct testcase {
	const char *suite, *name, *reason, *evidence;
	enum outcome outcome;
	double seconds;
};

static void add_testcase(struct buf *out, const struct testcase *testcase)
{
	const char *element = element_of(testcase->outcome);

	(void)buf_add_text(out, "    <testcase");
	add_attribute(out, "classname", testcase->suite);
	add_attribute(out, "name", testcase->name);
	(void)buf_printf(out, " time=\"%.3f\"", testcase->seconds);
	if (!element) {
		(void)buf_add_text(out, "/>\n");
		return;
	}
	(void)buf_printf(out, ">\n      <%s", element);
	add_attribute(out, "message", testcase->reason);
	(void)buf_add_char(out, '>');
	add_escaped(out, testcase->evidence, false);
	(void)buf_printf(out, "</%s>\n    </testcase>\n", element);
}

struct counts {
	size_t tests, failures, errors, skipped;
};

static void count(struct counts *counts, enum outcome outcome)
{
	counts->tests++;
	switch (outcome) {
	case OUTCOME_PASS:
		break;
	case OUTCOME_FAIL:
		counts->failures++;
		break;
	case OUTCOME_NOT_RUN:
		counts->skipped++;
		break;
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		counts->errors++;
		break;
	}
}

static void add_counts(struct buf *out, const struct counts *counts, double seconds)
{
	(void)buf_printf(out,
	    " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
	    counts->tests, counts->failures, counts->errors, counts->skipped, seconds);
}

/* What nobody judges by makes no report red. */
static enum outcome shown_outcome(enum stage stage, enum outcome outcome)
{
	return stage == STAGE_ROLLBACK && outcome != OUTCOME_PASS ? OUTCOME_NOT_RUN : outcome;
}

static struct counts count_stage(const struct results_stage *stage)
{
	struct counts counts = {0};

	count(&counts, shown_outcome(stage->stage, stage->outcome));
	for (size_t i = 0; i < stage->test_count; i++)
		count(&counts, shown_outcome(stage->stage, stage->tests[i].outcome));
	return counts;
}

/* Where the time went, and what a passed stage has to say. */
static void add_output(struct buf *out, const struct results_stage *stage)
{
	AUTO(buf) text = buf_make(SIZE_MAX / 2);

	if (stage->outcome == OUTCOME_PASS && stage->reason[0])
		(void)buf_printf(&text, "%s\n", stage->reason);
	for (size_t i = 0; i < stage->phase_count; i++)
		(void)buf_printf(
		    &text, "%s: %.1f s\n", stage->phases[i].name, stage->phases[i].seconds);
	if (!text.length)
		return;
	(void)buf_add_text(out, "    <system-out>");
	add_escaped(out, buf_text(&text), false);
	(void)buf_add_text(out, "</system-out>\n");
}

static void add_stage(
    struct buf *out, const struct results *results, const struct results_stage *stage)
{
	auto_str char *suite = xasprintf("%s.%s", results->recipe, stage_word(stage->stage));
	struct counts counts = count_stage(stage);

	(void)buf_add_text(out, "  <testsuite");
	add_attribute(out, "name", suite);
	add_attribute(out, "hostname", results->host);
	add_attribute(out, "timestamp", results->started);
	add_counts(out, &counts, stage->seconds);
	add_testcase(out, &(struct testcase){.suite = suite,
			      .name = stage_word(stage->stage),
			      .reason = stage->reason,
			      .evidence = stage->evidence,
			      .outcome = shown_outcome(stage->stage, stage->outcome),
			      .seconds = stage->seconds});
	for (size_t i = 0; i < stage->test_count; i++)
		add_testcase(
		    out, &(struct testcase){.suite = suite,
			     .name = stage->tests[i].name,
			     .reason = stage->tests[i].reason,
			     .evidence = "",
			     .outcome = shown_outcome(stage->stage, stage->tests[i].outcome),
			     .seconds = stage->tests[i].seconds});
	add_output(out, stage);
	(void)buf_add_text(out, "  </testsuite>\n");
}

static void add_property(struct buf *out, const char *name, const char *value)
{
	if (!value[0])
		return;
	(void)buf_add_text(out, "      <property");
	add_attribute(out, "name", name);
	add_attribute(out, "value", value);
	(void)buf_add_text(out, "/>\n");
}

/* What was tested, and what with. */
static void add_properties(struct buf *out, const struct results *results)
{
	auto_str char *level = xasprintf("%d", results->level);

	(void)buf_add_text(out, "    <properties>\n");
	add_property(out, "run", results->id);
	add_property(out, "verdict", verdict_word(results->verdict));
	add_property(out, "level", level);
	add_property(out, "ref", results->ref);
	add_property(out, "head", results->head_version);
	add_property(out, "base", results->base_version);
	add_property(out, "ccci", results->ccci);
	add_property(out, "abra", results->abra);
	add_property(out, "suite", results->suite_hash);
	add_property(out, "recipe_tests", results->recipe_tests_hash);
	for (size_t i = 0; i < results->image_count; i++) {
		auto_str char *name = xasprintf("image %s", results->images[i].name);

		add_property(out, name, results->images[i].value);
	}
	(void)buf_add_text(out, "    </properties>\n");
}

/* The run as a whole: what no stage says, a cancel or something left behind. */
static void add_run(struct buf *out, const struct results *results)
{
	AUTO(buf) left = buf_make(SIZE_MAX / 2);
	auto_str char *suite = xasprintf("%s.run", results->recipe);
	bool is_judged =
	    results->verdict == VERDICT_PASSED || results->verdict == VERDICT_RECIPE_FAILED;
	struct counts counts = {.tests = 2,
	    .errors = (size_t)(is_judged ? 0 : 1),
	    .failures = (size_t)(results->is_clean ? 0 : 1)};

	for (size_t i = 0; i < results->left_count; i++)
		(void)buf_printf(&left, "%s\n", results->left[i]);
	(void)buf_add_text(out, "  <testsuite");
	add_attribute(out, "name", suite);
	add_counts(out, &counts, results->teardown_seconds);
	add_properties(out, results);
	add_testcase(out, &(struct testcase){.suite = suite,
			      .name = "verdict",
			      .reason = results->reason,
			      .evidence = verdict_word(results->verdict),
			      .outcome = is_judged ? OUTCOME_PASS : OUTCOME_ERROR});
	add_testcase(out, &(struct testcase){.suite = suite,
			      .name = "teardown",
			      .reason = "something was left behind",
			      .evidence = buf_text(&left),
			      .outcome = results->is_clean ? OUTCOME_PASS : OUTCOME_FAIL,
			      .seconds = results->teardown_seconds});
	(void)buf_add_text(out, "  </testsuite>\n");
}

void junit_print(const struct results *results, struct buf *out)
{
	(void)buf_add_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	add_attribute(out, "name", results->recipe);
	(void)buf_printf(out, " time=\"%.3f\">\n", results->seconds);
	for (size_t i = 0; i < results->stage_count; i++)
		add_stage(out, results, &results->stages[i]);
	add_run(out, results);
	(void)buf_add_text(out, "</testsuites>\n");
}
