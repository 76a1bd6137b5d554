/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/prepared.h"

#include "common/file.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>

#define PREPARED_FILE "prepared.json"
#define PREPARED_MAX_BYTES (256 * 1024)

void prepared_init(struct prepared *prepared)
{
	*prepared = (struct prepared){
	    .abra = xstrdup(""),
	    .suite = xstrdup(""),
	    .suite_hash = xstrdup(""),
	    .recipe_tests_hash = xstrdup(""),
	    .base_problem = xstrdup(""),
	};
}

void prepared_release(struct prepared *prepared)
{
	free(prepared->abra);
	free(prepared->suite);
	free(prepared->suite_hash);
	free(prepared->recipe_tests_hash);
	free(prepared->base_problem);
	results_pairs_release(prepared->images, prepared->image_count);
	results_pairs_release(prepared->tags, prepared->tag_count);
	results_allowed_release(&prepared->allowed);
	for (size_t i = 0; i < prepared->need_count; i++) {
		free(prepared->needs[i].recipe);
		free(prepared->needs[i].prefix);
		free(prepared->needs[i].commit);
		free(prepared->needs[i].version);
		free(prepared->needs[i].shared_key);
		free(prepared->needs[i].sibling);
		free(prepared->needs[i].shared);
	}
	free(prepared->needs);
	for (size_t i = 0; i < prepared->phase_count; i++)
		free(prepared->phases[i].name);
	free(prepared->phases);
	*prepared = (struct prepared){0};
}

static void add_pair(
    struct results_pair **pairs, size_t *count, const char *name, const char *value)
{
	*pairs = xrealloc_array(*pairs, *count + 1, sizeof((*pairs)[0]));
	(*pairs)[(*count)++] = (struct results_pair){xstrdup(name), xstrdup(value)};
}

void prepared_add_image(struct prepared *prepared, const char *service, const char *digest)
{
	add_pair(&prepared->images, &prepared->image_count, service, digest);
}

void prepared_add_tag(struct prepared *prepared, const char *service, const char *name)
{
	add_pair(&prepared->tags, &prepared->tag_count, service, name);
}

int prepared_note_images(const struct run *run, const struct image_list *images, struct err *err)
{
	auto_str char *path = run_path(run, PREPARED_IMAGES_FILE);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	AUTO(buf) text = buf_make(SIZE_MAX / 2);

	for (size_t i = 0; i < images->count; i++)
		(void)buf_printf(&text, "%s\n", images->items[i].name);
	if (fd < 0 || file_write_all(fd, buf_text(&text), text.length) < 0)
		return err_sys(err, errno, "write %s", path);
	return 0;
}

void prepared_add_need(struct prepared *prepared, const char *recipe, const char *prefix,
    const char *commit, const char *version)
{
	prepared->needs =
	    xrealloc_array(prepared->needs, prepared->need_count + 1, sizeof(*prepared->needs));
	prepared->needs[prepared->need_count++] = (struct prepared_need){
	    .recipe = xstrdup(recipe),
	    .prefix = xstrdup(prefix),
	    .commit = xstrdup(commit),
	    .version = xstrdup(version),
	    .shared_key = xstrdup(""),
	    .sibling = xstrdup(""),
	    .shared = xstrdup(""),
	};
}

int prepared_open_need(const struct settings *settings, const struct run *run,
    const struct prepared_need *need, struct run *out, struct err *err)
{
	AUTO(run) beside = {0};
	AUTO(run) app = {0};

	if (run_beside(settings, run, need->recipe, need->prefix, &beside, err) < 0)
		return -1;
	if (need->is_given) {
		if (run_open(settings, need->shared, &app, err) < 0)
			return -1;
		(void)copy_text(beside.domain, sizeof(beside.domain), app.domain);
		(void)copy_text(beside.stack, sizeof(beside.stack), app.stack);
	}
	*out = beside;
	beside = (struct run){0};
	return 0;
}

void prepared_add_phase(struct prepared *prepared, const char *name, double seconds)
{
	prepared->phases =
	    xrealloc_array(prepared->phases, prepared->phase_count + 1, sizeof(*prepared->phases));
	prepared->phases[prepared->phase_count++] =
	    (struct results_phase){.name = xstrdup(name), .seconds = seconds};
}

int prepared_save(const struct run *run, const struct prepared *prepared, struct err *err)
{
	AUTO_PTR(json) root = json_new_object();
	struct json *needs = json_new_array();
	struct json *phases = json_new_array();

	json_set_text(root, "abra", prepared->abra);
	json_set_text(root, "suite", prepared->suite);
	json_set_text(root, "suite_hash", prepared->suite_hash);
	json_set_text(root, "recipe_tests", prepared->recipe_tests_hash);
	json_set_bool(root, "is_default", prepared->is_default);
	json_set_text(root, "base_problem", prepared->base_problem);
	json_set(root, "images", results_pairs_encode(prepared->images, prepared->image_count));
	json_set(root, "tags", results_pairs_encode(prepared->tags, prepared->tag_count));
	json_set(root, "allowed", results_allowed_encode(&prepared->allowed));
	for (size_t i = 0; i < prepared->need_count; i++) {
		struct json *row = json_new_object();

		json_set_text(row, "recipe", prepared->needs[i].recipe);
		json_set_text(row, "prefix", prepared->needs[i].prefix);
		json_set_text(row, "commit", prepared->needs[i].commit);
		json_set_text(row, "version", prepared->needs[i].version);
		json_set_text(row, "shared_key", prepared->needs[i].shared_key);
		json_set_text(row, "sibling", prepared->needs[i].sibling);
		json_set_text(row, "shared", prepared->needs[i].shared);
		json_set_bool(row, "is_given", prepared->needs[i].is_given);
		json_add(needs, row);
	}
	json_set(root, "needs", needs);
	for (size_t i = 0; i < prepared->phase_count; i++) {
		struct json *row = json_new_object();

		json_set_text(row, "name", prepared->phases[i].name);
		json_set_number(row, "seconds", prepared->phases[i].seconds);
		json_add(phases, row);
	}
	json_set(root, "phases", phases);

	auto_str char *text = json_print(root);
	auto_str char *path = run_path(run, PREPARED_FILE);
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

static bool take_text(const struct json *root, const char *key, char **field)
{
	const char *text = json_get_text(root, key);

	if (!text)
		return false;
	free(*field);
	*field = xstrdup(text);
	return true;
}

static bool read_needs(const struct json *needs, struct prepared *out)
{
	for (const struct json *item = json_first(needs); item; item = json_next(item)) {
		const char *recipe = json_get_text(item, "recipe");
		const char *prefix = json_get_text(item, "prefix");
		const char *commit = json_get_text(item, "commit");
		const char *version = json_get_text(item, "version");

		if (!recipe || !params_is_recipe(recipe) || !prefix || !params_is_recipe(prefix) ||
		    !commit || (*commit && !params_is_ref(commit)) || !version)
			return false;
		prepared_add_need(out, recipe, prefix, commit, version);
		struct prepared_need *need = &out->needs[out->need_count - 1];
		if (!take_text(item, "shared_key", &need->shared_key) ||
		    !take_text(item, "sibling", &need->sibling) ||
		    !take_text(item, "shared", &need->shared) ||
		    !json_get_bool(item, "is_given", &need->is_given) ||
		    (need->is_given && !run_is_id(need->shared)))
			return false;
	}
	return json_is_array(needs);
}

static bool read_pairs(const struct json *object, struct results_pair **pairs, size_t *count)
{
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		if (!json_text(item))
			return false;
		add_pair(pairs, count, json_key(item), json_text(item));
	}
	return json_is_object(object);
}

static bool read_phases(const struct json *phases, struct prepared *out)
{
	for (const struct json *item = json_first(phases); item; item = json_next(item)) {
		const char *name = json_get_text(item, "name");
		double seconds = 0;

		if (!name || !json_get_number(item, "seconds", &seconds))
			return false;
		prepared_add_phase(out, name, seconds);
	}
	return json_is_array(phases);
}

int prepared_load(const struct run *run, struct prepared *out, struct err *err)
{
	AUTO(buf) text = {0};
	AUTO(prepared) prepared;
	auto_str char *path = run_path(run, PREPARED_FILE);

	prepared_init(&prepared);
	if (file_read(path, PREPARED_MAX_BYTES, &text, err) < 0)
		return -1;
	AUTO_PTR(json) root = json_parse(buf_text(&text), text.length, err);
	if (!root)
		return err_prefix(err, "%s", path);
	if (!take_text(root, "abra", &prepared.abra) ||
	    !take_text(root, "suite", &prepared.suite) ||
	    !take_text(root, "suite_hash", &prepared.suite_hash) ||
	    !take_text(root, "recipe_tests", &prepared.recipe_tests_hash) ||
	    !json_get_bool(root, "is_default", &prepared.is_default) ||
	    !take_text(root, "base_problem", &prepared.base_problem) ||
	    !read_pairs(json_get(root, "images"), &prepared.images, &prepared.image_count) ||
	    !read_pairs(json_get(root, "tags"), &prepared.tags, &prepared.tag_count) ||
	    !read_phases(json_get(root, "phases"), &prepared) ||
	    !read_needs(json_get(root, "needs"), &prepared))
		return err_set(err, ERR_PROTOCOL, "%s is damaged", path);
	if (results_allowed_decode(json_get(root, "allowed"), &prepared.allowed, err) < 0)
		return err_prefix(err, "%s", path);
	*out = prepared;
	prepared = (struct prepared){0};
	return 0;
}
