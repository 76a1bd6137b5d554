/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bridge must not forget: jobs with their effects, and how far each repository was read.
 * The only file that includes SQLite is store.c.
 *
 *   if (store_open(state_dir, &store, err) < 0) ...
 *   store_claim(store, &job, &is_new, err)      at most once for each comment, whoever heard it
 *   store_save(store, &job, err)                the job and its effects: both or neither
 *
 * A job that is long over is forgotten but for its id (store_forget_...): what was claimed once is
 * never new again.
 *
 * Every call is one transaction, durable when it returns 0. On -1 nothing of it is there. One
 * process at a time: a second one that opens the same directory fails. A store of an older version
 * is brought up to this one, in the same transaction that finds it. Errors: ERR_SYS (disk full,
 * damaged file), ERR_CONFIG (in use, or written by a newer version).
 */
#ifndef CCCI_BRIDGE_STORE_H
#define CCCI_BRIDGE_STORE_H

#include "bridge/hear/night.h"
#include "bridge/hook_plan.h"
#include "bridge/job.h"
#include "common/buf.h"
#include "common/err.h"

#define STORE_FILE "bridge.db"

#define STORE_FORGET_MAX 64 /* jobs in one transaction */

struct store;

int store_open(const char *dir, struct store **out, struct err *err) CHECKED;
void store_close(struct store *store); /* NULL is fine */

/* Inserts the job unless its comment, or its build by hand, is known; *out_is_new says so. */
int store_claim(
    struct store *store, const struct job *job, bool *out_is_new, struct err *err) CHECKED;
/*
 * The same of a head that is tested by itself, unless there is such a job for the pull request and
 * the commit; gives the job its id.
 */
int store_claim_head(
    struct store *store, struct job *job, bool *out_is_new, struct err *err) CHECKED;
/*
 * The same of a recipe's default branch by night, unless the repository has such a job of this
 * night and try, or of a later one.
 */
int store_claim_night(struct store *store, struct job *job, int64_t night, int64_t attempt,
    bool *out_is_new, struct err *err) CHECKED;
int store_save(struct store *store, const struct job *job, struct err *err) CHECKED;
/* The same, and what is news with it, both or neither; NULL: nothing is. */
int store_save_with(
    struct store *store, const struct job *job, const char *notice, struct err *err) CHECKED;
/* ERR_MISSING: no such job. *out is filled on 0; job_release() it. */
int store_load(struct store *store, int64_t comment, struct job *out, struct err *err) CHECKED;

/*
 * Ids of jobs, ascending, above "after": of those with something left to do, or of answered jobs of
 * the same pull request with a verdict, asked for before "newer" and not shrunk yet. At most room.
 */
int store_list_active(struct store *store, int64_t after, int64_t *out, size_t room,
    size_t *out_count, struct err *err) CHECKED;
int store_list_outdated(struct store *store, const struct job *newer, int64_t *out, size_t room,
    size_t *out_count, struct err *err) CHECKED;
/* A newer job of the same pull request has a build that was seen to start. */
int store_is_outdated(
    struct store *store, const struct job *job, bool *out, struct err *err) CHECKED;
/* A newer job tests the same commit, in whatever pull request of the repository. */
int store_has_newer_of_head(
    struct store *store, const struct job *job, bool *out, struct err *err) CHECKED;
/* The newest run of the same pull request that was asked for before; 0: none. */
int store_find_newest(
    struct store *store, const struct job *asking, int64_t *out_comment, struct err *err) CHECKED;
/* What this author's comments in this pull request were refused with since then. */
struct store_refusals {
	int64_t count;	 /* of those that were answered */
	bool has_reason; /* one of them with this very sentence */
};
int store_find_refusals(struct store *store, const struct job *job, int64_t since_s,
    const char *reason, struct store_refusals *out, struct err *err) CHECKED;
/* A repository's runs by night, the newest first; at most room. */
int store_list_nights(struct store *store, const char *repo, struct night_run *out, size_t room,
    size_t *out_count, struct err *err) CHECKED;
/* Median seconds of the recipe's last finished runs; 0: none yet. */
int store_usual_s(struct store *store, const char *recipe, int64_t *out_s, struct err *err) CHECKED;

/* How far something (a repository, an owner's search) was read. */
struct store_position {
	int64_t since_s;  /* of the newest thing seen, the forge's clock */
	int64_t first_id; /* comments up to this id ... */
	int64_t first_s;  /* ... or written before this were there at the first poll */
};
/* *out_is_known false: never read; *out is zero then. */
int store_get_position(struct store *store, const char *what, struct store_position *out,
    bool *out_is_known, struct err *err) CHECKED;
int store_set_position(struct store *store, const char *what, const struct store_position *position,
    struct err *err) CHECKED;
/*
 * What the forge says of a repository: whether everybody may see it. NULL: it does not say any
 * more. Who was never told of one takes it for private.
 */
int store_note_repo(
    struct store *store, const char *repo, const bool *is_public, struct err *err) CHECKED;
int store_is_public(struct store *store, const char *repo, bool *out, struct err *err) CHECKED;
/* The webhook that was last set there; *out all zero: none. */
int store_get_hook(
    struct store *store, const char *repo, struct hook_memory *out, struct err *err) CHECKED;
int store_set_hook(struct store *store, const char *repo, const struct hook_memory *memory,
    struct err *err) CHECKED;
int store_forget_hook(struct store *store, const char *repo, struct err *err) CHECKED;
/* Each repository where one was set. */
typedef void (*store_repo)(void *context, const char *repo);
int store_each_hook(
    struct store *store, store_repo on_repo, void *context, struct err *err) CHECKED;

/* --- news that somebody is still to be told of, see notify.h --- */

struct store_notice {
	int64_t comment; /* of the job that it is about */
	int64_t tries;
	int64_t tried_s; /* wall time of the last try; 0: none yet */
};
/* Those tried least recently first; at most room. */
int store_list_notices(struct store *store, struct store_notice *out, size_t room,
    size_t *out_count, struct err *err) CHECKED;
/* Notes one more try, and gives the document; the caller frees it. */
int store_try_notice(struct store *store, int64_t comment, int64_t tried_s, char **out_document,
    struct err *err) CHECKED;
int store_end_notice(struct store *store, int64_t comment, struct err *err) CHECKED;

/* --- for the pages: only runs that have a build --- */

enum store_order {
	STORE_BY_RECIPE, /* all of a recipe together, the newest first */
	STORE_NEWEST,	 /* the newest first */
	STORE_ACTIVE, /* those with something left to do, a run without a build too; oldest first */
};
struct store_wanted {
	enum store_order order;
	const char *recipe; /* with STORE_BY_RECIPE: this one alone; NULL: all */
	bool shows_private; /* else only of repositories that everybody may see */
	int64_t before;	    /* builds below this one; 0: all */
	int64_t most;	    /* rows; 0: all */
};
typedef void (*store_brief)(void *context, const struct job_brief *brief);
int store_each_run(struct store *store, const struct store_wanted *wanted, store_brief on_run,
    void *context, struct err *err) CHECKED;
/* The comment of the newest run with this build number; 0: none that may be shown. */
int store_find_build(struct store *store, int64_t build, bool shows_private, int64_t *out_comment,
    struct err *err) CHECKED;
/* The picture of a run's app. ERR_MISSING: there is none; *out need not be initialised. */
int store_put_picture(
    struct store *store, int64_t comment, const struct buf *picture, struct err *err) CHECKED;
int store_get_picture(
    struct store *store, int64_t comment, struct buf *out, struct err *err) CHECKED;
/* --- forgetting: a few at a time, so that nobody waits for it --- */

/*
 * Forgets finished runs of a recipe beyond the newest "keep" of them, but never its newest green
 * one, nor its newest by night, which says that the night is done. At most "most", the newest
 * first. *out_count is how many; fewer than most: no more.
 */
int store_forget_runs(struct store *store, const char *recipe, int64_t keep, size_t most,
    size_t *out_count, struct err *err) CHECKED;
/*
 * The same of all that was over before: runs (never a recipe's newest, nor those two), and jobs
 * that came to no run. The oldest first.
 */
int store_forget_old(struct store *store, int64_t runs_before_s, int64_t others_before_s,
    size_t most, size_t *out_count, struct err *err) CHECKED;
/* The recipe with runs that comes behind this one ("": the first); "": there is none. */
int store_next_recipe(
    struct store *store, const char *after, char *out, size_t out_size, struct err *err) CHECKED;
/*
 * Gives up to so many unused pages back to the file system; *out_is_done: there are no more, and
 * the file is as small as it gets.
 */
int store_give_back(struct store *store, int pages, bool *out_is_done, struct err *err) CHECKED;
/* False: the file was made by an older version, and there was no room to make it anew: what is
 * forgotten makes room in it, and it does not become smaller. The next start tries again. */
bool store_gives_back(const struct store *store);
struct store_size {
	int64_t bytes;	    /* of the file */
	int64_t free_bytes; /* of these unused */
};
int store_get_size(struct store *store, struct store_size *out, struct err *err) CHECKED;
/* Bytes of the files of a store that another process may have open. ERR_MISSING: there is none. */
int store_measure(const char *dir, int64_t *out_bytes, struct err *err) CHECKED;

/* Another number whenever anything was written since the start. */
int64_t store_generation(const struct store *store);

/* Writes and takes back one row: whether the store can be written now. */
int store_probe(struct store *store, struct err *err) CHECKED;
/* The file may not grow beyond so many pages: a full disk for tests. */
void store_limit_pages(struct store *store, int pages);

#endif
