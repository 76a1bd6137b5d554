/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which files one commit of a recipe has, and where a path ends when its symbolic links are
 * followed: so that nobody opens one that leads out of the recipe. Pure.
 *
 *   tree_parse(text, length, &tree, err);               of git ls-tree -r -z
 *   tree.entries[i].target = ...;                       of each TREE_LINK: what its blob says
 *   switch (tree_find(&tree, "conf/site.conf", &end))   end: the caller frees it
 *
 * It walks as the kernel does: a link is followed where it stands, ".." behind it goes up from
 * where it led. An entry's path is relative to the recipe, and so is what tree_find() is asked for.
 *
 * Errors: ERR_PROTOCOL for what is no list of git's. Source: git-ls-tree(1), path_resolution(7).
 */
#ifndef CCCI_TREE_H
#define CCCI_TREE_H

#include "common/err.h"

#define TREE_LINKS_MAX 64 /* each costs a call of git, and no recipe seen has more than three */

enum tree_kind { TREE_FILE, TREE_LINK, TREE_SUBMODULE };
struct tree_entry {
	enum tree_kind kind;
	char *path;
	char *object; /* its blob, in hex */
	char *target; /* of a link, as it is written; NULL: not known */
};
struct tree {
	struct tree_entry *entries; /* sorted by path, as git sorts: byte by byte */
	size_t count;
};

int tree_parse(const char *text, size_t length, struct tree *out, struct err *err) CHECKED;
void tree_release(struct tree *tree);
DEFINE_AUTO(tree, tree_release);

enum tree_place {
	TREE_IS_FILE,
	TREE_IS_DIRECTORY,
	TREE_IS_ABSENT, /* or a circle of links, or inside of a submodule, which is empty */
	TREE_IS_OUTSIDE,
};
/*
 * out_path: the path without links and "..", "" for the recipe itself. Of TREE_IS_OUTSIDE the
 * absolute path that a link or the path itself names, and NULL when it climbs out by "..": then
 * where it leads depends on where the recipe lies.
 */
enum tree_place tree_find(const struct tree *tree, const char *path, char **out_path) CHECKED;

/*
 * A path as it looks without "//", "/./", "/" at its end and, where may_climb, "name/.."; a path
 * that is relative may begin with "..". The caller frees it. Only where who reads it says it that
 * way: the kernel does not, as name may be a link.
 */
char *tree_tidy_path(const char *path, bool may_climb) CHECKED;
/* A path of the compose files as their loader takes it: from the directory that the first of them
 * lies in ("": the top), tidied as text before any link is looked at. The caller frees it. */
char *tree_loader_path(const char *directory, const char *path) CHECKED;
/* Does ".." stand between its slashes? */
bool tree_path_climbs(const char *path);

#endif
