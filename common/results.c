/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/results.h"

#include "common/log.h"

#define RESULTS_SCHEMA 1
#define LEVEL_MAX 5

/*
 * Every text and number of the document by its place: what init, release, encode and decode walk.
 * Section "" is the top.
 */
struct place {
	const char *section;
	const char *key;
	size_t offset;
	bool is_required;
};

static const struct place text_places[] = {
    {"run", "id", offsetof(struct results, id), true},
    {"run", "recipe", offsetof(struct results, recipe), true},
    {"run", "src", offsetof(struct results, src)},
    {"run", "ref", offsetof(struct results, ref)},
    {"run", "domain", offsetof(struct results, domain)},
    {"run", "host", offsetof(struct results, host)},
    {"run", "started", offsetof(struct results, started)},
    {"run", "suite", offsetof(struct results, suite)},
    {"run", "suite_ref", offsetof(struct results, suite_ref)},
    {"", "reason", offsetof(struct results, reason)},
    {"versions", "head", offsetof(struct results, head_version)},
    {"versions", "base", offsetof(struct results, base_version)},
    {"versions", "base_why", offsetof(struct results, base_why)},
    {"kept", "url", offsetof(struct results, kept_url)},
    {"kept", "until", offsetof(struct results, kept_until)},
    {"kept", "why_not", offsetof(struct results, kept_why_not)},
    {"picture", "type", offsetof(struct results, picture_type)},
    {"picture", "why_not", offsetof(struct results, picture_why_not)},
    {"last_green", "when", offsetof(struct results, last_green_when)},
    {"last_green", "commit", offsetof(struct results, last_green_commit)},
    {"provenance", "ccci", offsetof(struct results, ccci)},
    {"provenance", "abra", offsetof(struct results, abra)},
    {"provenance", "suite", offsetof(struct results, suite_hash)},
    {"provenance", "recipe_tests", offsetof(struct results, recipe_tests_hash)},
};

static const struct place id_places[] = {
    {"run", "build", offsetof(struct results, build)},
    {"run", "pr", offsetof(struct results, pr)},
    {"run", "comment", offsetof(struct results, comment)},
    {"picture", "width", offsetof(struct results, picture_width)},
    {"picture", "height", offsetof(struct results, picture_height)},
    {"picture", "bytes", offsetof(struct results, picture_bytes)},
    {"last_green", "build", offsetof(struct results, last_green_build)},
};

static const char *const sections[] = {
    "run", "versions", "teardown", "kept", "picture", "last_green", "provenance"};

static char **text_at(const struct results *results, size_t offset)
{
	return (char **)((uintptr_t)results + offset);
}

static int64_t *id_at(const struct results *results, size_t offset)
{
	return (int64_t *)((uintptr_t)results + offset);
}

/* --- texts --- */

/* At most max_bytes from the front, not in the middle of a character. */
static char *cut_text(const char *text, size_t max_bytes)
{
	char *whole = json_repair(text);

	whole[text_head(whole, max_bytes)] = '\0';
	return whole;
}

void results_set(char **field, const char *text)
{
	char *copy = cut_text(text, RESULTS_TEXT_MAX);

	free(*field);
	*field = copy;
}

/* The last lines that fit, by count and by bytes. */
static char *cut_evidence(const char *text)
{
	auto_str char *whole = json_repair(text);
	const char *first = text_tail(whole, RESULTS_EVIDENCE_MAX_BYTES);
	const char *at = whole + strlen(whole);
	size_t lines = 0;

	for (; at > first; at--)
		if (at[-1] == '\n' && *at && ++lines == RESULTS_EVIDENCE_LINES)
			break;
	return xstrdup(at);
}

void results_stage_set_evidence(struct results_stage *stage, const char *service, const char *text)
{
	results_set(&stage->service, service);
	free(stage->evidence);
	stage->evidence = cut_evidence(text);
}

/* --- building --- */

void results_init(struct results *results)
{
	*results = (struct results){.is_clean = true, .verdict = VERDICT_NOT_RUN};
	for (size_t i = 0; i < COUNT_OF(text_places); i++)
		*text_at(results, text_places[i].offset) = xstrdup("");
}

void results_pairs_release(struct results_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(pairs[i].name);
		free(pairs[i].value);
	}
	free(pairs);
}

void results_stage_init(struct results_stage *stage, enum stage which)
{
	*stage = (struct results_stage){.stage = which,
	    .outcome = OUTCOME_NOT_RUN,
	    .reason = xstrdup(""),
	    .service = xstrdup(""),
	    .evidence = xstrdup("")};
}

void results_stage_release(struct results_stage *stage)
{
	for (size_t i = 0; i < stage->phase_count; i++)
		free(stage->phases[i].name);
	free(stage->phases);
	for (size_t i = 0; i < stage->test_count; i++) {
		free(stage->tests[i].name);
		free(stage->tests[i].reason);
	}
	free(stage->tests);
	free(stage->reason);
	free(stage->service);
	free(stage->evidence);
	*stage = (struct results_stage){0};
}

void results_release(struct results *results)
{
	for (size_t i = 0; i < COUNT_OF(text_places); i++)
		free(*text_at(results, text_places[i].offset));
	for (size_t i = 0; i < results->stage_count; i++)
		results_stage_release(&results->stages[i]);
	for (size_t i = 0; i < results->left_count; i++)
		free(results->left[i]);
	free(results->left);
	results_allowed_release(&results->allowed);
	results_pairs_release(results->rejected, results->rejected_count);
	results_pairs_release(results->images, results->image_count);
	results_pairs_release(results->tags, results->tag_count);
	results_pairs_release(results->shared, results->shared_count);
	for (size_t i = 0; i < results->changed_count; i++) {
		free(results->changed[i].what);
		free(results->changed[i].was);
		free(results->changed[i].is);
	}
	free(results->changed);
	*results = (struct results){0};
}

static void add_pair(
    struct results_pair **pairs, size_t *count, const char *name, const char *value)
{
	if (*count == RESULTS_ITEMS_MAX)
		return;
	*pairs = xrealloc_array(*pairs, *count + 1, sizeof((*pairs)[0]));
	(*pairs)[(*count)++] = (struct results_pair){
	    .name = cut_text(name, RESULTS_TEXT_MAX), .value = cut_text(value, RESULTS_TEXT_MAX)};
}

void results_add_rejected(struct results *results, const char *version, const char *why)
{
	add_pair(&results->rejected, &results->rejected_count, version, why);
}

void results_add_left(struct results *results, const char *what)
{
	results->is_clean = false;
	if (results->left_count == RESULTS_ITEMS_MAX)
		return;
	results->left =
	    xrealloc_array(results->left, results->left_count + 1, sizeof(results->left[0]));
	results->left[results->left_count++] = cut_text(what, RESULTS_TEXT_MAX);
}

static void set_pair(
    struct results_pair **pairs, size_t *count, const char *name, const char *value)
{
	for (size_t i = 0; i < *count; i++) {
		if (text_is((*pairs)[i].name, name)) {
			results_set(&(*pairs)[i].value, value);
			return;
		}
	}
	add_pair(pairs, count, name, value);
}

void results_add_image(struct results *results, const char *service, const char *digest)
{
	set_pair(&results->images, &results->image_count, service, digest);
}

void results_add_shared(struct results *results, const char *recipe, const char *run_id)
{
	set_pair(&results->shared, &results->shared_count, recipe, run_id);
}

void results_add_tag(struct results *results, const char *service, const char *name)
{
	set_pair(&results->tags, &results->tag_count, service, name);
}

void results_add_change(struct results *results, const char *what, const char *was, const char *is)
{
	if (results->changed_count == RESULTS_ITEMS_MAX)
		return;
	results->changed = xrealloc_array(
	    results->changed, results->changed_count + 1, sizeof(results->changed[0]));
	results->changed[results->changed_count++] =
	    (struct results_change){.what = cut_text(what, RESULTS_TEXT_MAX),
		.was = cut_text(was, RESULTS_TEXT_MAX),
		.is = cut_text(is, RESULTS_TEXT_MAX)};
}

void results_allowed_add(
    struct results_allowed_list *list, const char *service, const char *what, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (text_is(list->items[i].service, service) && text_is(list->items[i].word, word))
			return;
	}
	if (list->count == RESULTS_ALLOWED_MAX)
		return;
	list->items = xrealloc_array(list->items, list->count + 1, sizeof(list->items[0]));
	list->items[list->count++] = (struct results_allowed){
	    .service = cut_text(service, RESULTS_TEXT_MAX),
	    .what = cut_text(what, RESULTS_TEXT_MAX),
	    .word = cut_text(word, RESULTS_TEXT_MAX),
	};
}

void results_allowed_release(struct results_allowed_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].service);
		free(list->items[i].what);
		free(list->items[i].word);
	}
	free(list->items);
	*list = (struct results_allowed_list){0};
}

void results_take_stage(struct results *results, struct results_stage *take_stage)
{
	size_t at = 0;

	while (at < results->stage_count && results->stages[at].stage != take_stage->stage)
		at++;
	if (at < results->stage_count)
		results_stage_release(&results->stages[at]);
	else
		results->stage_count++;
	results->stages[at] = *take_stage;
	*take_stage = (struct results_stage){0};
}

void results_stage_add_phase(struct results_stage *stage, const char *name, double seconds)
{
	if (stage->phase_count == RESULTS_ITEMS_MAX)
		return;
	stage->phases =
	    xrealloc_array(stage->phases, stage->phase_count + 1, sizeof(stage->phases[0]));
	stage->phases[stage->phase_count++] =
	    (struct results_phase){.name = cut_text(name, RESULTS_TEXT_MAX), .seconds = seconds};
}

void results_stage_add_test(struct results_stage *stage, const char *name, enum outcome outcome,
    double seconds, const char *reason)
{
	if (stage->test_count == RESULTS_ITEMS_MAX)
		return;
	stage->tests = xrealloc_array(stage->tests, stage->test_count + 1, sizeof(stage->tests[0]));
	stage->tests[stage->test_count++] =
	    (struct results_test){.name = cut_text(name, RESULTS_TEXT_MAX),
		.outcome = outcome,
		.seconds = seconds,
		.reason = cut_text(reason ? reason : "", RESULTS_TEXT_MAX)};
}

char *results_stage_reason(const struct results_stage *stage)
{
	auto_str char *whole = xasprintf("%s: %s", stage_word(stage->stage), stage->reason);

	return cut_text(whole, RESULTS_TEXT_MAX);
}

char *results_picture_text(const struct results *results)
{
	if (*results->picture_type)
		return xasprintf("picture: %lld x %lld, %lld KiB",
		    (long long)results->picture_width, (long long)results->picture_height,
		    (long long)(results->picture_bytes + 1023) / 1024);
	return *results->picture_why_not ? xasprintf("no picture: %s", results->picture_why_not)
					 : NULL;
}

/* --- writing --- */

enum detail { DETAIL_ALL, DETAIL_NO_EVIDENCE, DETAIL_NO_ITEMS };

/* The second net: who captured the text has masked it already. */
static void set_masked(struct json *object, const char *key, const char *text)
{
	AUTO(buf) masked = buf_make(RESULTS_EVIDENCE_MAX_BYTES);

	(void)log_mask_text(&masked, text, strlen(text));
	json_set_text(object, key, buf_text(&masked));
}

static struct json *encode_phases(const struct results_stage *stage)
{
	struct json *phases = json_new_array();

	for (size_t i = 0; i < stage->phase_count; i++) {
		struct json *phase = json_new_object();

		json_set_text(phase, "name", stage->phases[i].name);
		json_set_number(phase, "seconds", stage->phases[i].seconds);
		json_add(phases, phase);
	}
	return phases;
}

static struct json *encode_tests(const struct results_stage *stage)
{
	struct json *tests = json_new_array();

	for (size_t i = 0; i < stage->test_count; i++) {
		struct json *test = json_new_object();

		json_set_text(test, "name", stage->tests[i].name);
		json_set_text(test, "outcome", outcome_word(stage->tests[i].outcome));
		json_set_number(test, "seconds", stage->tests[i].seconds);
		set_masked(test, "reason", stage->tests[i].reason);
		json_add(tests, test);
	}
	return tests;
}

static struct json *encode_stage(const struct results_stage *stage, enum detail detail)
{
	struct json *json = json_new_object();

	json_set_text(json, "name", stage_word(stage->stage));
	json_set_text(json, "outcome", outcome_word(stage->outcome));
	set_masked(json, "reason", stage->reason);
	json_set_number(json, "seconds", stage->seconds);
	json_set(
	    json, "phases", detail < DETAIL_NO_ITEMS ? encode_phases(stage) : json_new_array());
	json_set(json, "tests", detail < DETAIL_NO_ITEMS ? encode_tests(stage) : json_new_array());
	json_set_text(json, "service", stage->service);
	set_masked(json, "evidence", detail < DETAIL_NO_EVIDENCE ? stage->evidence : "");
	return json;
}

struct json *results_stage_encode(const struct results_stage *stage)
{
	return encode_stage(stage, DETAIL_ALL);
}

static struct json *encode_teardown(const struct results *results)
{
	struct json *teardown = json_new_object();
	struct json *left = json_new_array();

	json_set_text(teardown, "outcome", results->is_clean ? "clean" : "left");
	json_set_number(teardown, "seconds", results->teardown_seconds);
	for (size_t i = 0; i < results->left_count; i++)
		json_add_text(left, results->left[i]);
	json_set(teardown, "left", left);
	return teardown;
}

static struct json *encode_rejected(const struct results *results)
{
	struct json *rejected = json_new_array();

	for (size_t i = 0; i < results->rejected_count; i++) {
		struct json *one = json_new_object();

		json_set_text(one, "version", results->rejected[i].name);
		json_set_text(one, "why", results->rejected[i].value);
		json_add(rejected, one);
	}
	return rejected;
}

struct json *results_allowed_encode(const struct results_allowed_list *list)
{
	struct json *allowed = json_new_array();

	for (size_t i = 0; i < list->count; i++) {
		struct json *one = json_new_object();

		json_set_text(one, "service", list->items[i].service);
		set_masked(one, "what", list->items[i].what);
		set_masked(one, "word", list->items[i].word);
		json_add(allowed, one);
	}
	return allowed;
}

struct json *results_pairs_encode(const struct results_pair *pairs, size_t count)
{
	struct json *object = json_new_object();

	for (size_t i = 0; i < count; i++)
		json_set_text(object, pairs[i].name, pairs[i].value);
	return object;
}

static struct json *encode_changed(const struct results *results)
{
	struct json *changed = json_new_array();

	for (size_t i = 0; i < results->changed_count; i++) {
		struct json *one = json_new_object();

		json_set_text(one, "what", results->changed[i].what);
		json_set_text(one, "was", results->changed[i].was);
		json_set_text(one, "is", results->changed[i].is);
		json_add(changed, one);
	}
	return changed;
}

/* The texts and ids of one section; the top when it is "". */
static void encode_section(const struct results *results, const char *section, struct json *into)
{
	for (size_t i = 0; i < COUNT_OF(text_places); i++) {
		const struct place *place = &text_places[i];

		if (!text_is(place->section, section))
			continue;
		if (text_is(place->key, "reason"))
			set_masked(into, place->key, *text_at(results, place->offset));
		else
			json_set_text(into, place->key, *text_at(results, place->offset));
	}
	for (size_t i = 0; i < COUNT_OF(id_places); i++) {
		int64_t id = *id_at(results, id_places[i].offset);

		if (text_is(id_places[i].section, section) && id)
			json_set_int(into, id_places[i].key, id);
	}
}

static struct json *new_section(const struct results *results, const char *section)
{
	struct json *json = json_new_object();

	encode_section(results, section, json);
	return json;
}

static char *encode(const struct results *results, enum detail detail)
{
	AUTO_PTR(json) root = json_new_object();
	struct json *run = new_section(results, "run");
	struct json *versions = new_section(results, "versions");
	struct json *stages = json_new_array();
	struct json *provenance = new_section(results, "provenance");

	json_set_number(run, "seconds", results->seconds);
	json_set(versions, "rejected", encode_rejected(results));
	for (size_t i = 0; i < results->stage_count; i++)
		json_add(stages, encode_stage(&results->stages[i], detail));
	json_set(provenance, "images", results_pairs_encode(results->images, results->image_count));
	if (results->tag_count && detail < DETAIL_NO_ITEMS)
		json_set(
		    provenance, "tags", results_pairs_encode(results->tags, results->tag_count));
	if (results->shared_count && detail < DETAIL_NO_ITEMS)
		json_set(provenance, "shared",
		    results_pairs_encode(results->shared, results->shared_count));

	json_set_int(root, "schema", RESULTS_SCHEMA);
	json_set(root, "run", run);
	json_set_text(root, "verdict", verdict_word(results->verdict));
	json_set_int(root, "level", results->level);
	encode_section(results, "", root);
	json_set(root, "versions", versions);
	json_set_int(root, "deploys", results->deploys);
	if (results->allowed.count && detail < DETAIL_NO_ITEMS)
		json_set(root, "allowed", results_allowed_encode(&results->allowed));
	json_set(root, "stages", stages);
	json_set(root, "teardown", encode_teardown(results));
	if (*results->kept_until || *results->kept_why_not)
		json_set(root, "kept", new_section(results, "kept"));
	if (*results->picture_type || *results->picture_why_not)
		json_set(root, "picture", new_section(results, "picture"));
	if (*results->last_green_when && detail < DETAIL_NO_ITEMS) {
		json_set(root, "last_green", new_section(results, "last_green"));
		json_set(root, "changed", encode_changed(results));
	}
	json_set(root, "provenance", provenance);
	return json_print(root);
}

char *results_encode(const struct results *results)
{
	char *text = encode(results, DETAIL_ALL);

	for (int detail = DETAIL_NO_EVIDENCE;
	     strlen(text) > RESULTS_MAX_BYTES && detail <= DETAIL_NO_ITEMS; detail++) {
		free(text);
		text = encode(results, (enum detail)detail);
	}
	return text;
}

/* --- reading --- */

static int fail(struct err *err, const char *what, const char *key)
{
	return err_set(err, ERR_PROTOCOL, "read results: %s: %s", key, what);
}

/* Replaces *field when the key is there; a text of another type or over its bounds is an error. */
static int read_text(
    const struct json *object, const char *key, size_t max_bytes, char **field, struct err *err)
{
	const struct json *value = json_get(object, key);
	const char *text = json_text(value);

	if (!value)
		return 0;
	if (!text)
		return fail(err, "not a text", key);
	if (strlen(text) > max_bytes)
		return fail(err, "too long", key);
	free(*field);
	*field = xstrdup(text);
	return 0;
}

static int read_int(
    const struct json *object, const char *key, int64_t most, int64_t *out, struct err *err)
{
	int64_t value = 0;

	if (!json_get(object, key))
		return 0;
	if (!json_get_int(object, key, &value) || value < 0 || value > most)
		return fail(err, "not a whole number within its bounds", key);
	*out = value;
	return 0;
}

static int read_seconds(const struct json *object, double *out, struct err *err)
{
	double value = 0;

	if (!json_get(object, "seconds"))
		return 0;
	if (!json_get_number(object, "seconds", &value) ||
	    !(value >= 0 && value <= RESULTS_SECONDS_MAX))
		return fail(err, "not a duration", "seconds");
	*out = value;
	return 0;
}

static int read_outcome(const struct json *object, enum outcome *out, struct err *err)
{
	const char *word = json_get_text(object, "outcome");

	if (!word || !outcome_parse(word, out))
		return fail(err, "no known word", "outcome");
	return 0;
}

/* An absent list is an empty one. */
static int check_list(const struct json *object, const char *key, struct err *err)
{
	const struct json *list = json_get(object, key);

	if (list && !json_is_array(list))
		return fail(err, "not a list", key);
	if (json_count(list) > RESULTS_ITEMS_MAX)
		return fail(err, "too many", key);
	return 0;
}

static int read_phase(const struct json *json, struct results_stage *stage, struct err *err)
{
	auto_str char *name = xstrdup("");
	double seconds = 0;

	if (!json_is_object(json))
		return fail(err, "not an object", "phases");
	if (read_text(json, "name", RESULTS_TEXT_MAX, &name, err) < 0 ||
	    read_seconds(json, &seconds, err) < 0)
		return -1;
	results_stage_add_phase(stage, name, seconds);
	return 0;
}

static int read_test(const struct json *json, struct results_stage *stage, struct err *err)
{
	auto_str char *name = xstrdup("");
	auto_str char *reason = xstrdup("");
	enum outcome outcome = OUTCOME_NOT_RUN;
	double seconds = 0;

	if (!json_is_object(json))
		return fail(err, "not an object", "tests");
	if (read_text(json, "name", RESULTS_TEXT_MAX, &name, err) < 0 ||
	    read_text(json, "reason", RESULTS_TEXT_MAX, &reason, err) < 0 ||
	    read_outcome(json, &outcome, err) < 0 || read_seconds(json, &seconds, err) < 0)
		return -1;
	results_stage_add_test(stage, name, outcome, seconds, reason);
	return 0;
}

static int read_stage_items(const struct json *json, struct results_stage *stage, struct err *err)
{
	const struct json *item = NULL;

	if (check_list(json, "phases", err) < 0 || check_list(json, "tests", err) < 0)
		return -1;
	for (item = json_first(json_get(json, "phases")); item; item = json_next(item)) {
		if (read_phase(item, stage, err) < 0)
			return -1;
	}
	for (item = json_first(json_get(json, "tests")); item; item = json_next(item)) {
		if (read_test(item, stage, err) < 0)
			return -1;
	}
	return 0;
}

static int read_evidence(const struct json *json, struct results_stage *stage, struct err *err)
{
	auto_str char *evidence = xstrdup("");

	if (read_text(json, "evidence", RESULTS_EVIDENCE_MAX_BYTES, &evidence, err) < 0 ||
	    read_text(json, "service", RESULTS_TEXT_MAX, &stage->service, err) < 0)
		return -1;
	free(stage->evidence);
	stage->evidence = cut_evidence(evidence);
	if (strlen(stage->evidence) != strlen(evidence))
		return fail(err, "too many lines", "evidence");
	return 0;
}

int results_stage_decode(const struct json *json, struct results_stage *out, struct err *err)
{
	AUTO(results_stage) stage = {0};
	const char *word = json_get_text(json, "name");
	enum stage which = STAGE_NONE;

	if (!word || !stage_parse(word, &which))
		return fail(err, "no known stage", "name");
	results_stage_init(&stage, which);
	if (read_outcome(json, &stage.outcome, err) < 0 ||
	    read_text(json, "reason", RESULTS_TEXT_MAX, &stage.reason, err) < 0 ||
	    read_seconds(json, &stage.seconds, err) < 0 ||
	    read_stage_items(json, &stage, err) < 0 || read_evidence(json, &stage, err) < 0)
		return -1;
	*out = stage;
	stage = (struct results_stage){0};
	return 0;
}

static const struct json *find_section(const struct json *root, const char *section)
{
	return section[0] ? json_get(root, section) : root;
}

static int read_places(const struct json *root, struct results *results, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(sections); i++) {
		const struct json *section = json_get(root, sections[i]);

		if (section && !json_is_object(section))
			return fail(err, "not an object", sections[i]);
	}
	for (size_t i = 0; i < COUNT_OF(text_places); i++) {
		const struct place *place = &text_places[i];
		char **text = text_at(results, place->offset);

		if (read_text(find_section(root, place->section), place->key, RESULTS_TEXT_MAX,
			text, err) < 0)
			return -1;
		if (place->is_required && !(*text)[0])
			return fail(err, "missing", place->key);
	}
	for (size_t i = 0; i < COUNT_OF(id_places); i++) {
		const struct place *place = &id_places[i];

		if (read_int(find_section(root, place->section), place->key, INT64_C(1) << 52,
			id_at(results, place->offset), err) < 0)
			return -1;
	}
	return 0;
}

static int read_verdict(const struct json *root, struct results *results, struct err *err)
{
	const char *word = json_get_text(root, "verdict");
	int64_t level = 0;
	int64_t deploys = 0;

	if (!word || !verdict_parse(word, &results->verdict))
		return fail(err, "no known word", "verdict");
	if (read_int(root, "level", LEVEL_MAX, &level, err) < 0 ||
	    read_int(root, "deploys", INT16_MAX, &deploys, err) < 0)
		return -1;
	results->level = (int)level;
	results->deploys = (int)deploys;
	return read_seconds(json_get(root, "run"), &results->seconds, err);
}

static int read_stages(const struct json *root, struct results *results, struct err *err)
{
	const struct json *list = json_get(root, "stages");

	if (check_list(root, "stages", err) < 0)
		return -1;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		AUTO(results_stage) stage = {0};
		size_t before = results->stage_count;

		if (results_stage_decode(item, &stage, err) < 0)
			return -1;
		results_take_stage(results, &stage);
		if (results->stage_count == before)
			return fail(err, "one is there twice", "stages");
	}
	return 0;
}

static int read_teardown(const struct json *root, struct results *results, struct err *err)
{
	const struct json *teardown = json_get(root, "teardown");
	const char *word = json_get_text(teardown, "outcome");

	if (!word || (!text_is(word, "clean") && !text_is(word, "left")))
		return fail(err, "no known outcome", "teardown");
	if (read_seconds(teardown, &results->teardown_seconds, err) < 0 ||
	    check_list(teardown, "left", err) < 0)
		return -1;
	for (const struct json *item = json_first(json_get(teardown, "left")); item;
	     item = json_next(item)) {
		const char *what = json_text(item);

		if (!what || strlen(what) > RESULTS_TEXT_MAX)
			return fail(err, "not a text within its bounds", "left");
		results_add_left(results, what);
	}
	if (results->left_count && text_is(word, "clean"))
		return fail(err, "clean, yet something is left", "teardown");
	results->is_clean = text_is(word, "clean");
	return 0;
}

static int read_rejected(const struct json *root, struct results *results, struct err *err)
{
	const struct json *versions = json_get(root, "versions");

	if (check_list(versions, "rejected", err) < 0)
		return -1;
	for (const struct json *item = json_first(json_get(versions, "rejected")); item;
	     item = json_next(item)) {
		auto_str char *version = xstrdup("");
		auto_str char *why = xstrdup("");

		if (read_text(item, "version", RESULTS_TEXT_MAX, &version, err) < 0 ||
		    read_text(item, "why", RESULTS_TEXT_MAX, &why, err) < 0)
			return -1;
		if (!json_is_object(item) || !version[0])
			return fail(err, "without a version", "rejected");
		results_add_rejected(results, version, why);
	}
	return 0;
}

static int read_one_allowed(
    const struct json *item, struct results_allowed_list *list, struct err *err)
{
	auto_str char *service = xstrdup("");
	auto_str char *what = xstrdup("");
	auto_str char *word = xstrdup("");

	if (read_text(item, "service", RESULTS_TEXT_MAX, &service, err) < 0 ||
	    read_text(item, "what", RESULTS_TEXT_MAX, &what, err) < 0 ||
	    read_text(item, "word", RESULTS_TEXT_MAX, &word, err) < 0)
		return -1;
	if (!json_is_object(item) || !word[0])
		return fail(err, "without a word", "allowed");
	results_allowed_add(list, service, what, word);
	return 0;
}

int results_allowed_decode(
    const struct json *json, struct results_allowed_list *out, struct err *err)
{
	AUTO(results_allowed_list) list = {0};

	if (!json_is_array(json))
		return fail(err, "not a list", "allowed");
	if (json_count(json) > RESULTS_ALLOWED_MAX)
		return fail(err, "too many", "allowed");
	for (const struct json *item = json_first(json); item; item = json_next(item)) {
		if (read_one_allowed(item, &list, err) < 0)
			return -1;
	}
	*out = list;
	list = (struct results_allowed_list){0};
	return 0;
}

static int read_allowed(const struct json *root, struct results *results, struct err *err)
{
	const struct json *list = json_get(root, "allowed");

	return list ? results_allowed_decode(list, &results->allowed, err) : 0;
}

/* A section of names and texts; each name once. */
static int read_pairs(const struct json *root, const char *key, struct results_pair **pairs,
    size_t *count, struct err *err)
{
	const struct json *object = json_get(json_get(root, "provenance"), key);

	if (object && !json_is_object(object))
		return fail(err, "not an object", key);
	if (json_count(object) > RESULTS_ITEMS_MAX)
		return fail(err, "too many", key);
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		const char *value = json_text(item);
		size_t before = *count;

		if (!value || strlen(value) > RESULTS_TEXT_MAX ||
		    strlen(json_key(item)) > RESULTS_TEXT_MAX)
			return fail(err, "not a text within its bounds", key);
		set_pair(pairs, count, json_key(item), value);
		if (*count == before)
			return fail(err, "one is there twice", key);
	}
	return 0;
}

static const char *bounded_text(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key);

	return text && strlen(text) <= RESULTS_TEXT_MAX ? text : NULL;
}

static int read_changed(const struct json *root, struct results *results, struct err *err)
{
	const struct json *list = json_get(root, "changed");

	if (!list)
		return 0;
	if (check_list(root, "changed", err) < 0)
		return -1;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *what = bounded_text(item, "what");
		const char *was = bounded_text(item, "was");
		const char *is = bounded_text(item, "is");

		if (!what || !was || !is)
			return fail(err, "not three texts within their bounds", "changed");
		results_add_change(results, what, was, is);
	}
	return 0;
}

/* With a type there is one, and its numbers are there too. */
static int check_picture(const struct results *results, struct err *err)
{
	bool is_there = results->picture_type[0];
	const struct {
		const char *key;
		int64_t value, most;
	} rows[] = {
	    {"width", results->picture_width, RESULTS_PICTURE_SIDE_MAX},
	    {"height", results->picture_height, RESULTS_PICTURE_SIDE_MAX},
	    {"bytes", results->picture_bytes, RESULTS_PICTURE_MAX_BYTES},
	};

	if (is_there && !text_is(results->picture_type, "image/png") &&
	    !text_is(results->picture_type, "image/jpeg"))
		return fail(err, "no known type", "picture");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].value > rows[i].most || (rows[i].value > 0) != is_there)
			return fail(err, "not a whole number within its bounds", rows[i].key);
	}
	return 0;
}

static int read_document(const struct json *root, struct results *results, struct err *err)
{
	int64_t schema = 0;

	if (!json_get_int(root, "schema", &schema) || schema != RESULTS_SCHEMA)
		return fail(err, "not the one this program reads (1)", "schema");
	if (read_places(root, results, err) < 0 || read_verdict(root, results, err) < 0 ||
	    read_stages(root, results, err) < 0 || read_teardown(root, results, err) < 0 ||
	    read_rejected(root, results, err) < 0 || read_allowed(root, results, err) < 0 ||
	    read_changed(root, results, err) < 0 || check_picture(results, err) < 0)
		return -1;
	if (read_pairs(root, "images", &results->images, &results->image_count, err) < 0 ||
	    read_pairs(root, "shared", &results->shared, &results->shared_count, err) < 0)
		return -1;
	return read_pairs(root, "tags", &results->tags, &results->tag_count, err);
}

int results_decode(const char *text, size_t length, struct results *out, struct err *err)
{
	AUTO(results) results = {0};

	if (length > RESULTS_MAX_BYTES)
		return err_set(
		    err, ERR_PROTOCOL, "read results: larger than %d bytes", RESULTS_MAX_BYTES);
	AUTO_PTR(json) root = json_parse(text, length, err);
	if (!root)
		return err_prefix(err, "read results");
	results_init(&results);
	if (read_document(root, &results, err) < 0)
		return -1;
	*out = results;
	results = (struct results){0};
	return 0;
}

/* Length of the line at text, without its end. */
static size_t line_length(const char *text, size_t left)
{
	const char *end = memchr(text, '\n', left);
	size_t length = end ? (size_t)(end - text) : left;

	while (length && text[length - 1] == '\r')
		length--;
	return length;
}

static bool is_line(const char *line, size_t length, const char *marker)
{
	return length == strlen(marker) && memcmp(line, marker, length) == 0;
}

/*
 * What stands between the last pair of these lines, at most max_bytes, the pieces joined: a log may
 * break a line that is long. False: there is no such pair.
 */
static bool find_between(const char *log, size_t length, const char *begin, const char *end_line,
    size_t max_bytes, struct buf *out)
{
	AUTO(buf) piece = buf_make(max_bytes);
	bool is_inside = false;
	bool is_found = false;

	for (size_t at = 0; at < length;) {
		size_t size = line_length(log + at, length - at);

		if (is_line(log + at, size, begin)) {
			is_inside = true;
			buf_clear(&piece);
		} else if (is_inside && is_line(log + at, size, end_line)) {
			is_inside = false;
			is_found = true;
			buf_clear(out);
			(void)buf_add(out, buf_text(&piece), piece.length);
			out->was_truncated = piece.was_truncated;
		} else if (is_inside) {
			(void)buf_add(&piece, log + at, size);
		}
		const char *end = memchr(log + at, '\n', length - at);
		at = end ? (size_t)(end - log) + 1 : length;
	}
	return is_found;
}

bool results_read(const char *text, struct results *out)
{
	struct err err;

	return text && results_decode(text, strlen(text), out, &err) == 0;
}

int results_find(const char *log, size_t length, struct results *out, struct err *err)
{
	AUTO(buf) found = buf_make(RESULTS_MAX_BYTES);

	if (!find_between(log, length, RESULTS_BEGIN, RESULTS_END, RESULTS_MAX_BYTES, &found))
		return err_set(
		    err, ERR_MISSING, "find results: no document in a log of %zu bytes", length);
	if (found.was_truncated)
		return err_set(
		    err, ERR_PROTOCOL, "read results: larger than %d bytes", RESULTS_MAX_BYTES);
	return results_decode(buf_text(&found), found.length, out, err);
}

/* What a picture of that type begins with; of another nothing does. */
static bool begins_as(const struct buf *picture, const char *type)
{
	const char *head = text_is(type, "image/png") ? "\x89PNG\r\n\x1a\n" : "\xff\xd8\xff";

	return picture->length >= strlen(head) && memcmp(picture->data, head, strlen(head)) == 0;
}

bool results_find_picture(
    const struct results *results, const char *log, size_t length, struct buf *out)
{
	AUTO(buf) text = buf_make(RESULTS_PICTURE_MAX_BYTES * 2);
	AUTO(buf) picture = buf_make(RESULTS_PICTURE_MAX_BYTES);

	if (!results->picture_type[0] ||
	    !find_between(log, length, RESULTS_PICTURE_BEGIN, RESULTS_PICTURE_END,
		RESULTS_PICTURE_MAX_BYTES * 2, &text) ||
	    buf_add_from_base64(&picture, buf_text(&text)) < 0 ||
	    picture.length != (size_t)results->picture_bytes ||
	    !begins_as(&picture, results->picture_type))
		return false;
	*out = picture;
	picture = (struct buf){0};
	return true;
}
