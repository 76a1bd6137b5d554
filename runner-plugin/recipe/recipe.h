/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The recipe's git repository in the run's own ABRA_DIR: fetched at the exact commit, checked out
 * again right before each deploy, its tests/ copied away. git is run through proc.h with an
 * environment of its own; the token travels in GIT_CONFIG_* of that one call, for that one server.
 *
 * Errors: ERR_MISSING no such repository, commit or tag; ERR_DENIED no access; ERR_TRANSIENT the
 * forge does not answer.
 */
#ifndef CCCI_RECIPE_H
#define CCCI_RECIPE_H

#include "runner-plugin/recipe/tree.h"
#include "runner-plugin/stages/stages.h"

struct recipe_tag {
	char *name;
	char commit[PARAMS_REF_SIZE];
	bool is_annotated;
};
struct recipe {
	char head[PARAMS_REF_SIZE]; /* the commit under test */
	bool is_default; /* it was asked for as, and is, the head of the default branch */
	struct recipe_tag *tags;
	size_t tag_count;
};
void recipe_release(struct recipe *recipe);
DEFINE_AUTO(recipe, recipe_release);

/*
 * Fetches run->params.ref (or resolves the head of the pull request or the default branch when it
 * is "") with all tags into run->recipe_dir, or copies work->local_recipe with its tags
 * (uncommitted changes become one commit on top, so that what is tested has a name). No remote is
 * left that anything could fetch from later with a token.
 */
int recipe_fetch(const struct stages_work *work, struct recipe *out, struct err *err) CHECKED;
/*
 * The CI repository at params.suite_ref into this directory: suites that are not those of the
 * build's checkout. No history.
 */
int recipe_fetch_suites(const struct stages_work *work, char *directory, struct err *err) CHECKED;
/* Which of these commits came with the fetch: the histories of head, tags and default branch. */
#define RECIPE_FIND_MAX 24
int recipe_find(const struct stages_work *work, const char *const *commits, size_t count,
    bool *out_has, struct err *err) CHECKED;
/* git checkout -f and clean -xdf: the tree is exactly that commit. */
int recipe_checkout(const struct stages_work *work, const char *commit, struct err *err) CHECKED;
/* Its files, with what each link says; ERR_LIMIT when there are too many of either. */
int recipe_list(
    const struct stages_work *work, const char *commit, struct tree *out, struct err *err) CHECKED;
/* Content of a file at a commit, of a link what it says; ERR_MISSING. */
int recipe_show(const struct stages_work *work, const char *commit, const char *path,
    size_t max_bytes, struct buf *out, struct err *err) CHECKED;
/* HEAD of the checkout. */
int recipe_head(const struct stages_work *work, char out[PARAMS_REF_SIZE], struct err *err) CHECKED;
/* Copies tests/ of the checkout to the run directory, for everybody to read; no tests/ is fine.
 * Links stay links, specials are refused. */
int recipe_snapshot_tests(const struct stages_work *work, struct err *err) CHECKED;

#endif
