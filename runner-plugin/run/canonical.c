/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/canonical.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/lease.h"

#define CANONICAL_MAX_BYTES (64 * 1024)
#define RECIPES_MAX 4096
#define SUFFIX ".json"

/* --- the value --- */

static void remove_at(struct canonical *history, size_t at)
{
	for (size_t i = at + 1; i < history->count; i++)
		history->entries[i - 1] = history->entries[i];
	history->count--;
}

/* False: the history has a newer run of that commit. */
static bool forget_commit(struct canonical *history, const struct canonical_entry *entry)
{
	for (size_t i = 0; i < history->count; i++) {
		if (!text_is(history->entries[i].commit, entry->commit))
			continue;
		if (history->entries[i].when_s > entry->when_s)
			return false;
		remove_at(history, i);
		return true;
	}
	return true;
}

void canonical_merge(struct canonical *history, const struct canonical_entry *entry)
{
	size_t at = 0;

	if (!forget_commit(history, entry))
		return;
	while (at < history->count && history->entries[at].when_s > entry->when_s)
		at++;
	if (at == CANONICAL_MAX)
		return;
	if (history->count == CANONICAL_MAX)
		history->count--;
	for (size_t i = history->count++; i > at; i--)
		history->entries[i] = history->entries[i - 1];
	history->entries[at] = *entry;
}

struct json *canonical_encode(const struct canonical *history)
{
	struct json *root = json_new_array();

	for (size_t i = 0; i < history->count; i++) {
		const struct canonical_entry *entry = &history->entries[i];
		struct json *row = json_new_object();
		char when[CLOCK_RFC3339_SIZE];

		clock_format_rfc3339(entry->when_s, when);
		json_set_text(row, "version", entry->version);
		json_set_text(row, "commit", entry->commit);
		json_set_int(row, "build", entry->build);
		json_set_text(row, "when", when);
		json_add(root, row);
	}
	return root;
}

static bool decode_entry(const struct json *row, struct canonical_entry *out)
{
	const char *version = json_get_text(row, "version");
	const char *commit = json_get_text(row, "commit");
	const char *when = json_get_text(row, "when");

	return version && commit && when && params_is_ref(commit) &&
	       copy_text(out->version, sizeof(out->version), version) &&
	       copy_text(out->commit, sizeof(out->commit), commit) &&
	       json_get_int(row, "build", &out->build) && out->build >= 0 &&
	       clock_parse_rfc3339(when, &out->when_s);
}

int canonical_decode(const struct json *json, struct canonical *out, struct err *err)
{
	struct canonical history = {0};

	if (!json_is_array(json) || json_count(json) > CANONICAL_MAX)
		return err_set(err, ERR_PROTOCOL, "no list of at most %d runs", CANONICAL_MAX);
	for (const struct json *row = json_first(json); row; row = json_next(row)) {
		if (!decode_entry(row, &history.entries[history.count]))
			return err_set(err, ERR_PROTOCOL, "run %zu is damaged", history.count + 1);
		history.count++;
	}
	*out = history;
	return 0;
}

/* --- the file --- */

static char *directory_of(const char *state_dir)
{
	return xasprintf("%s/canonical", state_dir);
}

static int read_file(const char *path, struct canonical *out, struct err *err)
{
	AUTO(buf) text = {0};
	struct err why;

	if (file_read(path, CANONICAL_MAX_BYTES, &text, &why) < 0) {
		if (why.code != ERR_MISSING) {
			*err = why;
			return -1;
		}
		*out = (struct canonical){0};
		return 0;
	}
	AUTO_PTR(json) root = json_parse(buf_text(&text), text.length, err);
	if (!root || canonical_decode(root, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

/* The name becomes a path. */
static char *path_of(const char *state_dir, const char *recipe, struct err *err)
{
	auto_str char *directory = directory_of(state_dir);

	if (!params_is_recipe(recipe)) {
		(void)err_set(err, ERR_CONFIG, "\"%.60s\" is no recipe's name (a-z 0-9 -)", recipe);
		return NULL;
	}
	return xasprintf("%s/%s" SUFFIX, directory, recipe);
}

int canonical_read(
    const char *state_dir, const char *recipe, struct canonical *out, struct err *err)
{
	auto_str char *path = path_of(state_dir, recipe, err);

	return path ? read_file(path, out, err) : -1;
}

int canonical_add(
    const char *state_dir, const char *recipe, const struct canonical_entry *entry, struct err *err)
{
	auto_str char *directory = directory_of(state_dir);
	auto_str char *lock_path = xasprintf("%s/lock", directory);
	auto_str char *path = path_of(state_dir, recipe, err);
	struct canonical history;

	if (!path || file_make_dirs(directory, 0700, err) < 0)
		return -1;
	auto_fd int lock = lease_lock(lock_path, err);
	if (lock < 0 || read_file(path, &history, err) < 0)
		return -1;
	canonical_merge(&history, entry);
	AUTO_PTR(json) root = canonical_encode(&history);
	auto_str char *text = json_print(root);
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

/* --- for people --- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_recipes(const char *state_dir, struct file_names *out, struct err *err)
{
	auto_str char *directory = directory_of(state_dir);
	AUTO(file_names) files = {0};
	struct err why;

	if (file_list_names(directory, &files, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	out->names = xcalloc(files.count, sizeof(out->names[0]));
	for (size_t i = 0; i < files.count && out->count < RECIPES_MAX; i++) {
		const char *file = files.names[i];

		if (!text_ends(file, SUFFIX))
			continue;
		auto_str char *name = xstrndup(file, strlen(file) - strlen(SUFFIX));
		if (params_is_recipe(name))
			out->names[out->count++] = take_ptr(name);
	}
	/* "a-b.json" comes before "a.json", and "a" before "a-b". */
	if (out->count)
		qsort(out->names, out->count, sizeof(out->names[0]), compare_names);
	return 0;
}

static void print_history(const char *recipe, const struct canonical *history, struct buf *out)
{
	(void)buf_printf(out, "%s%s\n", recipe, history->count ? "" : ": no green run yet");
	for (size_t i = 0; i < history->count; i++) {
		const struct canonical_entry *entry = &history->entries[i];
		char build[24] = "-";
		char when[CLOCK_RFC3339_SIZE];

		if (entry->build)
			(void)format_text(build, sizeof(build), "%lld", (long long)entry->build);
		clock_format_rfc3339(entry->when_s, when);
		(void)buf_printf(out, "  %-24s  %.8s  build %-6s  %s\n",
		    *entry->version ? entry->version : "(no version)", entry->commit, build, when);
	}
}

int canonical_show(
    const char *state_dir, const char *recipe, bool as_json, struct buf *out, struct err *err)
{
	AUTO_PTR(json) root = json_new_object();
	AUTO(file_names) all = {0};

	if (recipe) {
		all.names = xcalloc(1, sizeof(all.names[0]));
		all.names[all.count++] = xstrdup(recipe);
	} else if (list_recipes(state_dir, &all, err) < 0) {
		return -1;
	}
	for (size_t i = 0; i < all.count; i++) {
		struct canonical history;

		if (canonical_read(state_dir, all.names[i], &history, err) < 0)
			return -1;
		if (as_json)
			json_set(root, all.names[i], canonical_encode(&history));
		else
			print_history(all.names[i], &history, out);
	}
	if (!as_json && !all.count)
		(void)buf_add_text(out, "no recipe has a green run yet\n");
	if (as_json) {
		auto_str char *line = json_print(root);

		(void)buf_printf(out, "%s\n", line);
	}
	return 0;
}
