/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/params.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define REPO_PART_MAX                                                                              \
	64 /* Gitea: 40 for owners, 100 for repositories; recipes' names are short                 \
	    */

/* True when the first length bytes of text are all of set. */
static bool is_made_of(const char *text, size_t length, const char *set)
{
	return strspn(text, set) >= length;
}

bool params_is_recipe(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length < PARAMS_RECIPE_SIZE && text[0] != '-' &&
	       is_made_of(text, length, LOWER DIGITS "-");
}

/* A name of an owner or repository: no dot in front, so never "." or "..", never an option. */
static bool is_repo_part(const char *text, size_t length)
{
	return length >= 1 && length <= REPO_PART_MAX && text[0] != '-' && text[0] != '.' &&
	       is_made_of(text, length, LOWER UPPER DIGITS "._-");
}

bool params_is_src(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && is_repo_part(text, (size_t)(slash - text)) &&
	       is_repo_part(slash + 1, strlen(slash + 1));
}

bool params_is_ref(const char *text)
{
	return strlen(text) == PARAMS_REF_SIZE - 1 &&
	       is_made_of(text, PARAMS_REF_SIZE - 1, DIGITS "abcdef");
}

bool params_is_version(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length < PARAMS_VERSION_SIZE && text[0] != '-' &&
	       is_made_of(text, length, LOWER UPPER DIGITS ".+~-");
}

/* Not empty: that counts as absent. */
static bool is_number(const char *text, size_t most_digits)
{
	size_t length = strlen(text);

	return length <= most_digits && is_made_of(text, length, DIGITS);
}

static bool is_pr(const char *text)
{
	return is_number(text, 9);
}

static bool is_comment(const char *text)
{
	return is_number(text, 18);
}

static bool is_flag(const char *text)
{
	return text_is(text, "0") || text_is(text, "1");
}

static bool is_keep(const char *text)
{
	int64_t minutes = 0;

	return is_number(text, 3) && parse_int64(text, 1, PARAMS_KEEP_MAX_MIN, &minutes);
}

/* Not empty either. The list is checked word by word afterwards, with a better message. */
static bool is_list(const char *text)
{
	size_t length = strlen(text);

	return length <= 128 && is_made_of(text, length, LOWER ",");
}

enum param {
	RECIPE,
	SRC,
	PR,
	REF,
	COMMENT,
	STAGES,
	EXTRA_TESTS,
	FROM,
	KEEP,
	SUITE_REF,
	PARAM_COUNT
};

static const struct row {
	const char *name;
	bool (*has_form)(const char *text);
	const char *form; /* for the error */
} rows[PARAM_COUNT] = {
    [RECIPE] = {"RECIPE", params_is_recipe, "1 to 63 of a-z 0-9 -, not starting with -"},
    [SRC] = {"SRC", params_is_src, "owner/repo"},
    [PR] = {"PR", is_pr, "1 to 9 digits"},
    [REF] = {"REF", params_is_ref, "40 hex digits, lower case"},
    [COMMENT] = {"COMMENT", is_comment, "1 to 18 digits"},
    [STAGES] = {"STAGES", is_list, "stage names with commas between"},
    [EXTRA_TESTS] = {"EXTRA_TESTS", is_flag, "0 or 1"},
    [FROM] = {"FROM", params_is_version, "a version of at most 64 characters"},
    [KEEP] = {"KEEP", is_keep, "1 to 240, in minutes"},
    [SUITE_REF] = {"SUITE_REF", params_is_ref, "40 hex digits, lower case"},
};

/* A value from outside as it may stand in a message: bounded, unprintables as "?". */
static void quote(const char *value, char out[48])
{
	size_t i = 0;

	for (; value[i] && i < 40; i++)
		out[i] = value[i] >= 0x20 && value[i] < 0x7f ? value[i] : '?';
	out[i] = '\0';
	if (value[i])
		(void)copy_text(out + i, 4, "...");
}

int params_read_stages(const char *list, bool out[STAGE_COUNT], struct err *err)
{
	bool wanted[STAGE_COUNT] = {false};

	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ",");
		auto_str char *word = xstrndup(at, length);
		enum stage stage = STAGE_NONE;

		if (!stage_parse(word, &stage)) {
			char shown[48];

			quote(word, shown);
			return err_set(err, ERR_CONFIG,
			    "STAGES: \"%s\" is no stage; known: " STAGE_LIST, shown);
		}
		wanted[stage] = true;
		at += length;
		if (!*at)
			break;
	}
	memcpy(out, wanted, sizeof(wanted));
	return 0;
}

/* Borrowed values of all parameters; an empty one counts as absent, as Drone's UI sends them. */
static int find_values(const char *const *environ, const char *values[PARAM_COUNT], struct err *err)
{
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		const char *value = environ_get(environ, rows[i].name);

		values[i] = value && *value ? value : NULL;
		if (values[i] && !rows[i].has_form(values[i])) {
			char shown[48];

			quote(values[i], shown);
			return err_set(err, ERR_CONFIG, "%s=\"%s\" has not the form: %s",
			    rows[i].name, shown, rows[i].form);
		}
	}
	if (!values[RECIPE])
		return err_set(err, ERR_CONFIG, "RECIPE is missing: name the recipe to test");
	return 0;
}

static int read_source(
    const char *src, const char *recipe, const char *default_org, char *out, struct err *err)
{
	if (!src && !default_org)
		return err_set(err, ERR_CONFIG,
		    "SRC is missing and RECIPE_ORG is not set: where is recipe %s?", recipe);
	if (src)
		(void)copy_text(out, PARAMS_SRC_SIZE, src);
	else if (!format_text(out, PARAMS_SRC_SIZE, "%s/%s", default_org, recipe) ||
		 !params_is_src(out))
		return err_set(err, ERR_CONFIG, "RECIPE_ORG is no owner: it makes no owner/repo");
	return 0;
}

/* Of an absent one 0; the form of the others was checked. */
static int64_t number_of(const char *value)
{
	int64_t number = 0;

	if (value) {
		bool has_form = parse_int64(value, 0, INT64_MAX, &number);

		assert(has_form);
	}
	return number;
}

int params_read(
    const char *const *environ, const char *default_org, struct params *out, struct err *err)
{
	const char *values[PARAM_COUNT] = {0};
	struct params params = {0};

	if (find_values(environ, values, err) < 0)
		return -1;
	if (read_source(values[SRC], values[RECIPE], default_org, params.src, err) < 0)
		return -1;
	(void)copy_text(params.recipe, sizeof(params.recipe), values[RECIPE]);
	if (values[REF])
		(void)copy_text(params.ref, sizeof(params.ref), values[REF]);
	if (values[FROM])
		(void)copy_text(params.from, sizeof(params.from), values[FROM]);
	if (values[SUITE_REF])
		(void)copy_text(params.suite_ref, sizeof(params.suite_ref), values[SUITE_REF]);
	params.pr = number_of(values[PR]);
	params.comment = number_of(values[COMMENT]);
	params.keep_min = number_of(values[KEEP]);
	params.has_stages = values[STAGES] != NULL;
	if (params.has_stages) {
		if (params_read_stages(values[STAGES], params.stages, err) < 0)
			return -1;
	} else {
		for (int stage = 0; stage < STAGE_COUNT; stage++)
			params.stages[stage] = stage_is_default((enum stage)stage);
	}
	if (values[EXTRA_TESTS] && text_is(values[EXTRA_TESTS], "1"))
		params.stages[STAGE_EXTRA] = true;
	*out = params;
	return 0;
}
