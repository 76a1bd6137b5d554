/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/tree.h"

#define FOLLOW_MAX 40 /* links on one way, as the kernel's MAXSYMLINKS */
#define PATH_BYTES_MAX 4096

void tree_release(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->entries[i].path);
		free(tree->entries[i].object);
		free(tree->entries[i].target);
	}
	free(tree->entries);
	*tree = (struct tree){0};
}

static bool read_kind(const char *mode, enum tree_kind *out)
{
	static const struct {
		const char *mode;
		enum tree_kind kind;
	} kinds[] = {
	    {"100", TREE_FILE},
	    {"120000 ", TREE_LINK},
	    {"160000 ", TREE_SUBMODULE},
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (text_starts(mode, kinds[i].mode)) {
			*out = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* "100644 blob <object>\t<path>" */
static bool read_entry(const char *line, struct tree_entry *out)
{
	const char *tab = strchr(line, '\t');
	enum tree_kind kind = TREE_FILE;

	if (!tab || !tab[1] || !read_kind(line, &kind))
		return false;
	const char *object = tab;
	while (object > line && object[-1] != ' ')
		object--;
	*out = (struct tree_entry){
	    .kind = kind,
	    .path = xstrdup(tab + 1),
	    .object = xstrndup(object, (size_t)(tab - object)),
	};
	return true;
}

int tree_parse(const char *text, size_t length, struct tree *out, struct err *err)
{
	AUTO(tree) tree = {0};

	for (size_t at = 0; at < length;) {
		size_t size = strnlen(text + at, length - at);
		auto_str char *line = xstrndup(text + at, size);
		struct tree_entry entry;

		at += size + 1;
		if (!read_entry(line, &entry))
			return err_set(err, ERR_PROTOCOL, "git listed \"%.60s\"", line);
		tree.entries =
		    xrealloc_array(tree.entries, tree.count + 1, sizeof(tree.entries[0]));
		tree.entries[tree.count++] = entry;
	}
	*out = tree;
	tree = (struct tree){0};
	return 0;
}

/* --- finding --- */

/* The entry, or the place where it would stand. */
static size_t search(const struct tree *tree, const char *path, const struct tree_entry **out)
{
	size_t low = 0;
	size_t high = tree->count;

	*out = NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(tree->entries[middle].path, path);

		if (order == 0) {
			*out = &tree->entries[middle];
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_directory(const struct tree *tree, const char *path)
{
	auto_str char *below = xasprintf("%s/", path);
	const struct tree_entry *found = NULL;
	size_t at = search(tree, below, &found);

	return !*path || (at < tree->count && text_starts(tree->entries[at].path, below));
}

/* One level up; false above the top. */
static bool climb(char *path)
{
	char *slash = strrchr(path, '/');

	if (!*path)
		return false;
	if (slash)
		*slash = '\0';
	else
		*path = '\0';
	return true;
}

static char *join(const char *left, const char *right)
{
	return xasprintf("%s%s%s", left, *left && *right ? "/" : "", right);
}

/* Where the walk is: what is behind it, without links, and what lies before it. */
struct walk {
	const struct tree *tree;
	char *behind;
	char *ahead;
	int links_left;
};

static void move(struct walk *walk, char *take_behind, char *take_ahead)
{
	free(walk->behind);
	free(walk->ahead);
	walk->behind = take_behind;
	walk->ahead = take_ahead;
}

/* The next name is behind; a link is taken for what it says. */
static enum tree_place step(struct walk *walk)
{
	size_t length = strcspn(walk->ahead, "/");
	auto_str char *name = xstrndup(walk->ahead, length);
	const char *rest = walk->ahead + length + strspn(walk->ahead + length, "/");
	const struct tree_entry *entry = NULL;

	if (text_is(name, ".") || !*name) {
		move(walk, xstrdup(walk->behind), xstrdup(rest));
		return TREE_IS_DIRECTORY;
	}
	if (text_is(name, "..")) {
		auto_str char *up = xstrdup(walk->behind);

		if (!climb(up))
			return TREE_IS_OUTSIDE;
		move(walk, take_ptr(up), xstrdup(rest));
		return TREE_IS_DIRECTORY;
	}
	auto_str char *path = join(walk->behind, name);
	(void)search(walk->tree, path, &entry);
	if (entry && entry->kind == TREE_LINK) {
		if (!entry->target || walk->links_left-- == 0)
			return TREE_IS_ABSENT;
		move(walk, xstrdup(walk->behind), join(entry->target, rest));
		return *walk->ahead == '/' ? TREE_IS_OUTSIDE : TREE_IS_DIRECTORY;
	}
	bool is_file = entry && entry->kind == TREE_FILE;
	bool is_dir = (entry && !is_file) || is_directory(walk->tree, path);
	bool is_last = !*rest;
	move(walk, take_ptr(path), xstrdup(rest));
	if (is_file)
		return is_last ? TREE_IS_FILE : TREE_IS_ABSENT;
	return is_dir ? TREE_IS_DIRECTORY : TREE_IS_ABSENT;
}

enum tree_place tree_find(const struct tree *tree, const char *path, char **out_path)
{
	struct walk walk = {tree, xstrdup(""), xstrdup(path), FOLLOW_MAX};
	enum tree_place place = *path == '/' ? TREE_IS_OUTSIDE : TREE_IS_DIRECTORY;

	while (place == TREE_IS_DIRECTORY && *walk.ahead) {
		place = strlen(walk.ahead) > PATH_BYTES_MAX ? TREE_IS_ABSENT : step(&walk);
	}
	if (place != TREE_IS_OUTSIDE)
		*out_path = join(walk.behind, walk.ahead);
	else
		*out_path = *walk.ahead == '/' ? xstrdup(walk.ahead) : NULL;
	free(walk.behind);
	free(walk.ahead);
	return place;
}

/* --- paths as text --- */

bool tree_path_climbs(const char *path)
{
	for (const char *at = path; *at; at += at[0] == '/') {
		size_t length = strcspn(at, "/");

		if (length == 2 && at[0] == '.' && at[1] == '.')
			return true;
		at += length;
	}
	return false;
}

char *tree_tidy_path(const char *path, bool may_climb)
{
	bool is_absolute = path[0] == '/';
	auto_str char *tidy = xstrdup("");

	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		auto_str char *name = xstrndup(at, length);
		const char *slash = strrchr(tidy, '/');

		at += length + (at[length] == '/');
		if (!*name || text_is(name, "."))
			continue;
		if (may_climb && text_is(name, "..") && !text_is(slash ? slash + 1 : tidy, "..") &&
		    (*tidy || is_absolute)) {
			(void)climb(tidy); /* above "/" is "/" */
			continue;
		}
		char *longer = join(tidy, name);

		free(tidy);
		tidy = longer;
	}
	return is_absolute ? xasprintf("/%s", tidy) : *tidy ? take_ptr(tidy) : xstrdup(".");
}

char *tree_loader_path(const char *directory, const char *path)
{
	auto_str char *joined = *path == '/' ? xstrdup(path) : join(directory, path);

	return tree_tidy_path(joined, true);
}
