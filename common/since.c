/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/since.h"

#include "common/clock.h"

#define DIGEST "sha256:"
#define DIGEST_SHOWN 12 /* of its hex digits, as docker shows them */
#define COMMIT_SHOWN 8
#define COMMIT_LENGTH 40
#define SENTENCE_MAX_BYTES (16 * 1024)
#define CHANGES_SHOWN 8
#define RECIPE "recipe"
#define IMAGE "image "

/* --- comparing --- */

static const char *find_value(const struct results_pair *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is(pairs[i].name, name))
			return pairs[i].value;
	}
	return NULL;
}

/* What one of both does not know did not change. */
static void compare_known(
    struct results *results, const char *what, const char *was, const char *is)
{
	if (*was && *is && !text_is(was, is))
		results_add_change(results, what, was, is);
}

/* Of a service that both have. */
static void compare_image(const struct results *last, struct results *results, const char *old_name,
    const struct results_pair *tag, const char *what)
{
	const char *service = tag->name;
	const char *old_digest = find_value(last->images, last->image_count, service);
	const char *digest = find_value(results->images, results->image_count, service);

	if (!text_is(old_name, tag->value))
		results_add_change(results, what, old_name, tag->value);
	else if (old_digest && digest)
		compare_known(results, what, old_digest, digest);
}

static void compare_images(const struct results *last, struct results *results)
{
	if (!last->tag_count || !results->tag_count)
		return;
	for (size_t i = 0; i < results->tag_count; i++) {
		const struct results_pair *tag = &results->tags[i];
		const char *old_name = find_value(last->tags, last->tag_count, tag->name);
		auto_str char *what = xasprintf(IMAGE "%s", tag->name);

		if (old_name)
			compare_image(last, results, old_name, tag, what);
		else
			results_add_change(results, what, "", tag->value);
	}
	for (size_t i = 0; i < last->tag_count; i++) {
		const char *service = last->tags[i].name;
		auto_str char *what = xasprintf(IMAGE "%s", service);

		if (!find_value(results->tags, results->tag_count, service))
			results_add_change(results, what, last->tags[i].value, "");
	}
}

/* A run that found its suite, or that there is none, says where: then no hash is one as well. */
static void compare_suite(const struct results *last, struct results *results)
{
	if (*last->suite && *results->suite && !text_is(last->suite_hash, results->suite_hash))
		results_add_change(results, "suite", last->suite_hash, results->suite_hash);
}

void since_compare(const struct results *last, struct results *results)
{
	results_set(&results->last_green_when, last->started);
	results_set(&results->last_green_commit, last->ref);
	results->last_green_build = last->build;
	compare_known(results, RECIPE, last->ref, results->ref);
	compare_images(last, results);
	compare_known(results, "base", last->base_version, results->base_version);
	compare_known(results, "abra", last->abra, results->abra);
	compare_suite(last, results);
	compare_known(results, "ccci", last->ccci, results->ccci);
}

/* --- telling --- */

/* Commits and digests are cut to what tells them apart; no value is "none". */
static void add_value(struct buf *out, const char *value)
{
	if (!*value)
		(void)buf_add_text(out, "none");
	else if (text_starts(value, DIGEST))
		(void)buf_printf(out, "%.*s", (int)strlen(DIGEST) + DIGEST_SHOWN, value);
	else if (strlen(value) == COMMIT_LENGTH &&
		 strspn(value, "0123456789abcdef") == COMMIT_LENGTH)
		(void)buf_printf(out, "%.*s", COMMIT_SHOWN, value);
	else
		(void)buf_add_text(out, value);
}

static void add_change(struct buf *out, const struct results_change *change)
{
	(void)buf_printf(out, "%s ", change->what);
	add_value(out, change->was);
	(void)buf_add_text(out, " → ");
	add_value(out, change->is);
	if (text_starts(change->what, IMAGE) && text_starts(change->was, DIGEST))
		(void)buf_add_text(out, " under the same name");
}

static void add_when(struct buf *out, const struct results *results)
{
	int64_t then_s = 0;
	int64_t now_s = 0;
	char age[CLOCK_DURATION_SIZE];
	const char *comma = results->last_green_build ? ", " : "";

	(void)buf_add_text(out, "Since the last green (");
	if (results->last_green_build)
		(void)buf_printf(out, "build %lld", (long long)results->last_green_build);
	if (clock_parse_rfc3339(results->last_green_when, &then_s) &&
	    clock_parse_rfc3339(results->started, &now_s)) {
		clock_format_age(now_s - then_s, age);
		(void)buf_printf(out, "%s%s", comma, age);
	}
	(void)buf_add_text(out, "): ");
}

char *since_sentence(const struct results *results)
{
	AUTO(buf) out = buf_make(SENTENCE_MAX_BYTES);
	size_t count = results->changed_count;
	size_t shown = count < CHANGES_SHOWN ? count : CHANGES_SHOWN;
	bool is_recipe = false;

	if (!*results->last_green_when)
		return NULL;
	add_when(&out, results);
	for (size_t i = 0; i < shown; i++) {
		(void)buf_add_text(&out, i ? ", " : "");
		add_change(&out, &results->changed[i]);
	}
	for (size_t i = 0; i < count; i++)
		is_recipe = is_recipe || text_is(results->changed[i].what, RECIPE);
	if (shown < count)
		(void)buf_printf(&out, " and %zu more", count - shown);
	if (!count)
		(void)buf_add_text(&out, "nothing changed");
	else if (!is_recipe)
		(void)buf_add_text(&out, "; nothing of the recipe");
	return buf_take(&out);
}
