/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/needs.h"

#include "common/buf.h"

#define WORD_START "@need."
#define EXPANDED_MAX_BYTES (64 * 1024)

/* --- the order --- */

struct walk {
	needs_look look;
	void *context;
	struct needs *order;
	char path[NEEDS_DEPTH_MAX + 1][PARAMS_RECIPE_SIZE]; /* from the recipe to where we are */
	size_t depth;
};

/* "a needs b needs c". */
static char *describe_path(const struct walk *walk, size_t from, const char *last)
{
	AUTO(buf) text = buf_make((NEEDS_DEPTH_MAX + 2) * 2 * (size_t)PARAMS_RECIPE_SIZE);

	for (size_t i = from; i < walk->depth; i++)
		(void)buf_printf(&text, "%s needs ", walk->path[i]);
	(void)buf_add_text(&text, last);
	return buf_take(&text);
}

bool needs_has(const struct needs *needs, const char *name)
{
	for (size_t i = 0; i < needs->count; i++) {
		if (text_is(needs->names[i], name))
			return true;
	}
	return false;
}

static int check_place(const struct walk *walk, const char *recipe, struct err *err)
{
	for (size_t i = 0; i < walk->depth; i++) {
		if (!text_is(walk->path[i], recipe))
			continue;
		auto_str char *circle = describe_path(walk, i, recipe);
		return err_set(err, ERR_CONFIG, "needs go in a circle: %s", circle);
	}
	if (walk->depth <= NEEDS_DEPTH_MAX)
		return 0;
	auto_str char *path = describe_path(walk, 0, recipe);
	return err_set(
	    err, ERR_CONFIG, "needs of needs go deeper than %d: %s", NEEDS_DEPTH_MAX, path);
}

static int add_name(struct needs *order, const char *name, struct err *err)
{
	if (order->count == NEEDS_MAX)
		return err_set(err, ERR_CONFIG,
		    "needs: more than %d recipes would be deployed beside it", NEEDS_MAX);
	(void)copy_text(order->names[order->count++], PARAMS_RECIPE_SIZE, name);
	return 0;
}

/* Its depth is bounded by check_place(). */
static int visit(struct walk *walk, const char *recipe, struct err *err)
{
	struct needs direct = {0};

	if (check_place(walk, recipe, err) < 0 ||
	    walk->look(walk->context, recipe, &direct, err) < 0)
		return -1;
	(void)copy_text(walk->path[walk->depth++], PARAMS_RECIPE_SIZE, recipe);
	for (size_t i = 0; i < direct.count; i++) {
		if (needs_has(walk->order, direct.names[i]))
			continue;
		if (visit(walk, direct.names[i], err) < 0 ||
		    add_name(walk->order, direct.names[i], err) < 0)
			return -1;
	}
	walk->depth--;
	return 0;
}

int needs_order(
    const char *recipe, needs_look look, void *context, struct needs *out, struct err *err)
{
	struct needs order = {0};
	struct walk walk = {.look = look, .context = context, .order = &order};

	if (visit(&walk, recipe, err) < 0)
		return -1;
	*out = order;
	return 0;
}

/* --- names --- */

void needs_prefix(const char *recipe, size_t letters, char out[NEEDS_PREFIX_SIZE])
{
	assert(letters < NEEDS_PREFIX_SIZE);
	(void)snprintf(out, letters + 1, "%s", recipe);
	for (size_t end = strlen(out); end > 1 && out[end - 1] == '-'; end--)
		out[end - 1] = '\0';
}

static bool is_taken(
    const char *prefix, const char *own, char (*taken)[NEEDS_PREFIX_SIZE], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is(taken[i], prefix))
			return true;
	}
	return text_is(prefix, own);
}

void needs_prefixes(
    const char *recipe, const struct needs *needs, char out[NEEDS_MAX][NEEDS_PREFIX_SIZE])
{
	char own[NEEDS_PREFIX_SIZE];

	needs_prefix(recipe, NEEDS_PREFIX_SIZE - 1, own);
	for (size_t i = 0; i < needs->count; i++) {
		needs_prefix(needs->names[i], NEEDS_PREFIX_SIZE - 1, out[i]);
		/* One digit is enough: there are fewer needs than digits. */
		for (char digit = '2'; is_taken(out[i], own, out, i); digit++) {
			needs_prefix(needs->names[i], NEEDS_PREFIX_SIZE - 2, out[i]);
			size_t end = strlen(out[i]);

			assert(digit <= '9');
			out[i][end] = digit;
			out[i][end + 1] = '\0';
		}
	}
}

/* --- what stands for them --- */

/* The value of the word that begins at text; NULL: it is none. */
static const char *word_value(
    const char *text, const struct needs_place *places, size_t count, size_t *out_length)
{
	const char *recipe = text + strlen(WORD_START);
	size_t length = strcspn(recipe, ".@");
	const char *part = recipe + length;
	const char *value = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strlen(places[i].recipe) != length ||
		    strncmp(places[i].recipe, recipe, length) != 0)
			continue;
		if (text_starts(part, ".domain@"))
			value = places[i].domain;
		else if (text_starts(part, ".stack@"))
			value = places[i].stack;
		else if (text_starts(part, ".tenant@"))
			value = places[i].tenant;
	}
	*out_length = (size_t)(part - text) + 1 + strcspn(part, "@");
	return value;
}

char *needs_expand(
    const char *text, const struct needs_place *places, size_t count, struct err *err)
{
	AUTO(buf) out = buf_make(EXPANDED_MAX_BYTES);

	for (const char *word = strstr(text, WORD_START); word; word = strstr(text, WORD_START)) {
		size_t length = 0;
		const char *value = word_value(word, places, count, &length);

		if (!value) {
			err_set(err, ERR_CONFIG,
			    "\"%.*s\" is neither @need.RECIPE.domain@, @need.RECIPE.stack@ nor "
			    "@need.RECIPE.tenant@, of a recipe that stands under needs",
			    (int)text_head(word, 80), word);
			return NULL;
		}
		(void)buf_add(&out, text, (size_t)(word - text));
		(void)buf_add_text(&out, value);
		text = word + length;
	}
	(void)buf_add_text(&out, text);
	if (out.was_truncated) {
		err_set(err, ERR_CONFIG, "it is longer than %d bytes", EXPANDED_MAX_BYTES);
		return NULL;
	}
	return buf_take(&out);
}
