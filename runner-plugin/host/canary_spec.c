/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/canary_spec.h"

#include "common/yaml.h"

#define NUMBER_MOST 100

/* Where in the file a mistake is told of. */
struct reader {
	const char *name;
	struct err *err;
};

static int refuse(const struct reader *reader, const struct yaml *at, const char *what)
{
	return err_set(
	    reader->err, ERR_CONFIG, "%s:%d: %.160s", reader->name, at ? at->line : 1, what);
}

static int check_keys(const struct reader *reader, const struct yaml *mapping,
    const char *const *known, size_t known_count)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return refuse(reader, mapping, "is no mapping");
	for (size_t i = 0; i < mapping->count; i++) {
		if (text_index(known, known_count, mapping->keys[i]) == known_count) {
			auto_str char *what = xasprintf("unknown key \"%s\"", mapping->keys[i]);

			return refuse(reader, mapping->items[i], what);
		}
	}
	return 0;
}

static int read_text(
    const struct reader *reader, const struct yaml *mapping, const char *key, char **out)
{
	const struct yaml *value = yaml_get(mapping, key);
	const char *text = yaml_text(value);

	if (!value)
		return 0;
	if (!text)
		return refuse(reader, value, "is no text");
	free(*out);
	*out = xstrdup(text);
	return 0;
}

static int read_number(
    const struct reader *reader, const struct yaml *mapping, const char *key, int64_t *out)
{
	const struct yaml *value = yaml_get(mapping, key);
	const char *text = yaml_text(value);

	if (value && (!text || !parse_int64(text, 0, NUMBER_MOST, out)))
		return refuse(reader, value, "is no number from 0 to 100");
	return 0;
}

static int read_texts(const struct reader *reader, const struct yaml *mapping, const char *key,
    struct canary_text_list *out)
{
	const struct yaml *list = yaml_get(mapping, key);

	if (!list)
		return 0;
	if (list->kind != YAML_SEQUENCE || list->count > CANARY_SPEC_ITEMS_MAX)
		return refuse(reader, list, "is no list, or too long a one");
	for (size_t i = 0; i < list->count; i++) {
		const char *text = yaml_text(list->items[i]);

		if (!text)
			return refuse(reader, list->items[i], "is no text");
		out->items[out->count++] = xstrdup(text);
	}
	return 0;
}

/* --- what it is made of --- */

static int read_commit(
    const struct reader *reader, const struct yaml *item, struct canary_commit *out)
{
	static const char *const known[] = {"version", "tag"};
	const char *version = yaml_get_text(item, "version");
	const char *tag = yaml_get_text(item, "tag");

	if (check_keys(reader, item, known, COUNT_OF(known)) < 0)
		return -1;
	/* It names a directory and a tag. */
	if (!version || !*version || *version == '-' || *version == '.' || strchr(version, '/'))
		return refuse(reader, item, "has no version");
	if (tag && !text_is(tag, "annotated") && !text_is(tag, "lightweight"))
		return refuse(reader, item, "tag is annotated or lightweight");
	out->version = xstrdup(version);
	out->tag = !tag			       ? CANARY_HEAD
		   : text_is(tag, "annotated") ? CANARY_ANNOTATED
					       : CANARY_LIGHTWEIGHT;
	return 0;
}

/* The head is the last one, and the only one without a tag. */
static int read_history(
    const struct reader *reader, const struct yaml *list, struct canary_spec *out)
{
	if (!list || list->kind != YAML_SEQUENCE || !list->count ||
	    list->count > CANARY_SPEC_ITEMS_MAX)
		return refuse(reader, list, "history is no list of commits");
	for (size_t i = 0; i < list->count; i++) {
		if (read_commit(reader, list->items[i], &out->commits[i]) < 0)
			return -1;
		out->commit_count++;
		if ((out->commits[i].tag == CANARY_HEAD) != (i + 1 == list->count))
			return refuse(
			    reader, list->items[i], "the head is the last one, without a tag");
	}
	return 0;
}

static int read_values(
    const struct reader *reader, const struct yaml *mapping, struct canary_spec *out)
{
	if (!mapping)
		return 0;
	if (mapping->kind != YAML_MAPPING || mapping->count > CANARY_SPEC_ITEMS_MAX)
		return refuse(reader, mapping, "values is no mapping");
	for (size_t i = 0; i < mapping->count; i++) {
		const char *text = yaml_text(mapping->items[i]);

		if (!text)
			return refuse(reader, mapping->items[i], "is no text");
		out->values[out->value_count++] =
		    (struct results_pair){xstrdup(mapping->keys[i]), xstrdup(text)};
	}
	return 0;
}

/* Faults of abra's stand-in, and a registry that misbehaves, are the tests' alone. */
static int read_needs(const struct reader *reader, const struct yaml *root, struct canary_spec *out)
{
	const struct yaml *switches = yaml_get(root, "switches");

	out->needs = xstrdup("");
	if (switches && switches->count) {
		free(out->needs);
		out->needs = xstrdup("an abra that errs as it is told");
	}
	return read_text(reader, root, "needs", &out->needs);
}

static int read_arguments(
    const struct reader *reader, const struct yaml *list, struct canary_spec *out)
{
	static const char stages[] = "--stages=";
	static const char from[] = "--from=";

	for (size_t i = 0; list && i < list->count; i++) {
		const char *word = yaml_text(list->items[i]);

		if (word && text_starts(word, stages) && !out->only_stages)
			out->only_stages = xstrdup(word + strlen(stages));
		else if (word && text_starts(word, from) && !out->from)
			out->from = xstrdup(word + strlen(from));
		else
			return refuse(reader, list->items[i], "is neither --stages= nor --from=");
	}
	return 0;
}

/* --- what it must come out as --- */

static int read_stages(
    const struct reader *reader, const struct yaml *mapping, struct canary_spec *out)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return refuse(reader, mapping, "expect has no stages");
	for (size_t i = 0; i < mapping->count; i++) {
		const char *word = yaml_text(mapping->items[i]);
		enum stage stage = STAGE_NONE;
		enum outcome outcome = OUTCOME_ERROR;

		if (!stage_parse(mapping->keys[i], &stage) || !word ||
		    !outcome_parse(word, &outcome))
			return refuse(reader, mapping->items[i], "is no stage with an outcome");
		out->stages[stage].is_declared = true;
		out->stages[stage].outcome = outcome;
	}
	return 0;
}

static int read_tests_of(const struct reader *reader, enum stage stage, const struct yaml *mapping,
    struct canary_spec *out)
{
	for (size_t i = 0; i < mapping->count; i++) {
		const char *word = yaml_text(mapping->items[i]);
		enum outcome outcome = OUTCOME_ERROR;

		if (!word || !outcome_parse(word, &outcome) ||
		    out->test_count == CANARY_SPEC_ITEMS_MAX)
			return refuse(reader, mapping->items[i], "is no outcome of a test");
		out->tests[out->test_count++] =
		    (struct canary_test){stage, xstrdup(mapping->keys[i]), outcome};
	}
	return 0;
}

static int read_tests(
    const struct reader *reader, const struct yaml *mapping, struct canary_spec *out)
{
	for (size_t i = 0; mapping && i < mapping->count; i++) {
		enum stage stage = STAGE_NONE;

		if (mapping->kind != YAML_MAPPING || !stage_parse(mapping->keys[i], &stage) ||
		    mapping->items[i]->kind != YAML_MAPPING)
			return refuse(reader, mapping->items[i], "is no stage with tests");
		if (read_tests_of(reader, stage, mapping->items[i], out) < 0)
			return -1;
	}
	return 0;
}

static int read_expect(
    const struct reader *reader, const struct yaml *expect, struct canary_spec *out)
{
	/* within_s is the tests': how fast another host is, nobody declared. */
	static const char *const known[] = {"verdict", "exit", "level", "deploys", "stages",
	    "tests", "head", "base", "service", "allowed", "says", "says_not", "within_s"};

	if (check_keys(reader, expect, known, COUNT_OF(known)) < 0)
		return -1;
	const char *verdict = yaml_get_text(expect, "verdict");
	out->exit_code = -1;
	out->level = -1;
	out->deploys = -1;
	out->has_allowed = yaml_get(expect, "allowed") != NULL;
	if (!verdict || !verdict_parse(verdict, &out->verdict))
		return refuse(reader, expect, "expect has no verdict");
	if (read_number(reader, expect, "exit", &out->exit_code) < 0 ||
	    read_number(reader, expect, "level", &out->level) < 0 ||
	    read_number(reader, expect, "deploys", &out->deploys) < 0 ||
	    read_stages(reader, yaml_get(expect, "stages"), out) < 0 ||
	    read_tests(reader, yaml_get(expect, "tests"), out) < 0 ||
	    read_text(reader, expect, "head", &out->head) < 0 ||
	    read_text(reader, expect, "base", &out->base) < 0 ||
	    read_text(reader, expect, "service", &out->service) < 0 ||
	    read_texts(reader, expect, "allowed", &out->allowed) < 0 ||
	    read_texts(reader, expect, "says", &out->says) < 0 ||
	    read_texts(reader, expect, "says_not", &out->says_not) < 0)
		return -1;
	if (out->exit_code < 0 || !out->head)
		return refuse(reader, expect, "expect has no exit, or no head");
	return 0;
}

int canary_spec_read(
    const char *name, const char *text, size_t length, struct canary_spec *out, struct err *err)
{
	static const char *const known[] = {"history", "values", "needs", "registry",
	    "recipe_tests_allow", "images", "switches", "arguments", "expect"};
	AUTO_PTR(yaml) root = yaml_parse(name, text, length, err);
	AUTO(canary_spec) spec = {0};
	const struct reader reader = {name, err};

	if (!root || check_keys(&reader, root, known, COUNT_OF(known)) < 0 ||
	    read_history(&reader, yaml_get(root, "history"), &spec) < 0 ||
	    read_values(&reader, yaml_get(root, "values"), &spec) < 0 ||
	    read_needs(&reader, root, &spec) < 0 ||
	    read_arguments(&reader, yaml_get(root, "arguments"), &spec) < 0 ||
	    read_text(&reader, root, "recipe_tests_allow", &spec.recipe_tests_allow) < 0 ||
	    read_texts(&reader, root, "images", &spec.images) < 0 ||
	    read_expect(&reader, yaml_get(root, "expect"), &spec) < 0)
		return -1;
	*out = spec;
	spec = (struct canary_spec){0};
	return 0;
}

static void release_texts(struct canary_text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
}

void canary_spec_release(struct canary_spec *spec)
{
	for (size_t i = 0; i < spec->commit_count; i++)
		free(spec->commits[i].version);
	for (size_t i = 0; i < spec->value_count; i++) {
		free(spec->values[i].name);
		free(spec->values[i].value);
	}
	for (size_t i = 0; i < spec->test_count; i++)
		free(spec->tests[i].name);
	free(spec->needs);
	free(spec->recipe_tests_allow);
	free(spec->only_stages);
	free(spec->from);
	free(spec->head);
	free(spec->base);
	free(spec->service);
	release_texts(&spec->images);
	release_texts(&spec->says);
	release_texts(&spec->says_not);
	release_texts(&spec->allowed);
	*spec = (struct canary_spec){0};
}

/* --- what it came out as --- */

static void compare_text(struct buf *out, const char *what, const char *declared, const char *seen)
{
	if (!text_is(declared, seen))
		(void)buf_printf(out, "%s is \"%s\" instead of \"%s\"\n", what, seen, declared);
}

static void compare_number(struct buf *out, const char *what, int64_t declared, int64_t seen)
{
	if (declared >= 0 && declared != seen)
		(void)buf_printf(out, "%s is %lld instead of %lld\n", what, (long long)seen,
		    (long long)declared);
}

static const struct results_stage *find_stage(const struct results *results, enum stage which)
{
	for (size_t i = 0; i < results->stage_count; i++) {
		if (results->stages[i].stage == which)
			return &results->stages[i];
	}
	return NULL;
}

/* All that a person reads of why. */
static void collect_words(const struct results *results, struct buf *out)
{
	(void)buf_printf(out, "%s\n", results->reason);
	for (size_t i = 0; i < results->stage_count; i++) {
		const struct results_stage *stage = &results->stages[i];

		(void)buf_printf(out, "%s\n%s\n", stage->reason, stage->evidence);
		for (size_t k = 0; k < stage->test_count; k++)
			(void)buf_printf(out, "%s\n", stage->tests[k].reason);
	}
}

static void compare_words(
    const struct canary_spec *spec, const struct results *results, struct buf *out)
{
	AUTO(buf) words = buf_make(SIZE_MAX / 2);

	collect_words(results, &words);
	for (size_t i = 0; i < spec->says.count; i++) {
		if (!strstr(buf_text(&words), spec->says.items[i]))
			(void)buf_printf(out, "it does not say \"%s\"\n", spec->says.items[i]);
	}
	for (size_t i = 0; i < spec->says_not.count; i++) {
		if (strstr(buf_text(&words), spec->says_not.items[i]))
			(void)buf_printf(out, "it says \"%s\"\n", spec->says_not.items[i]);
	}
}

static void compare_allowed(
    const struct canary_spec *spec, const struct results *results, struct buf *out)
{
	bool is_same = spec->allowed.count == results->allowed.count;

	for (size_t i = 0; is_same && i < spec->allowed.count; i++)
		is_same = text_is(spec->allowed.items[i], results->allowed.items[i].word);
	if (spec->has_allowed && !is_same)
		(void)buf_printf(out,
		    "%zu words of allow let something through, not those declared\n",
		    results->allowed.count);
}

/* Of the first stage that failed. */
static void compare_service(
    const struct canary_spec *spec, const struct results *results, struct buf *out)
{
	const struct results_stage *failed = NULL;

	for (size_t i = results->stage_count; i-- > 0;) {
		if (results->stages[i].outcome == OUTCOME_FAIL)
			failed = &results->stages[i];
	}
	if (spec->service)
		compare_text(
		    out, "the service that failed", spec->service, failed ? failed->service : "");
}

static void compare_tests(
    const struct canary_spec *spec, const struct results *results, struct buf *out)
{
	for (size_t i = 0; i < spec->test_count; i++) {
		const struct canary_test *declared = &spec->tests[i];
		const struct results_stage *stage = find_stage(results, declared->stage);
		const char *seen = "";

		for (size_t k = 0; stage && k < stage->test_count; k++) {
			if (text_is(stage->tests[k].name, declared->name))
				seen = outcome_word(stage->tests[k].outcome);
		}
		compare_text(out, declared->name, outcome_word(declared->outcome), seen);
	}
}

void canary_spec_compare(const struct canary_spec *spec, const struct results *results,
    int exit_code, struct buf *differences)
{
	compare_text(
	    differences, "verdict", verdict_word(spec->verdict), verdict_word(results->verdict));
	compare_number(differences, "exit code", spec->exit_code, exit_code);
	compare_number(differences, "level", spec->level, results->level);
	compare_number(differences, "number of deploys", spec->deploys, results->deploys);
	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct results_stage *stage = find_stage(results, (enum stage)i);

		if (spec->stages[i].is_declared)
			compare_text(differences, stage_word((enum stage)i),
			    outcome_word(spec->stages[i].outcome),
			    stage ? outcome_word(stage->outcome) : "");
	}
	compare_tests(spec, results, differences);
	compare_text(differences, "head", spec->head, results->head_version);
	if (spec->base)
		compare_text(differences, "base", spec->base, results->base_version);
	compare_service(spec, results, differences);
	compare_allowed(spec, results, differences);
	compare_words(spec, results, differences);
	if (!results->is_clean)
		(void)buf_printf(differences, "something was left behind\n");
}
