/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hearing: from the forge's repositories to commands that nobody has handled yet. Two ways in, one
 * path: the poll (source of truth) and the webhook (only a reason to look at one comment).
 *
 *   hear_turn(hear);                   starts what is due; returns at once
 *   hear_look(hear, &look);            the hook says: look there
 *   on_command(context, job, command, is_edited)     a claimed comment, once in the store's life
 *
 * Each repository is looked at first, and again every HEAR_SWEEP_MS: one that was renamed, moved,
 * archived, deleted or closed is not read, said once and shown until it is back (standing.h).
 *
 * One search for each owner and interval says which pull requests have something new; only their
 * repositories' comments are read, from the position that the store keeps. The first poll of a
 * repository marks what is there as seen. At start, and every HEAR_SWEEP_MS, each repository is
 * read whatever the search says.
 */
#ifndef CCCI_BRIDGE_HEAR_H
#define CCCI_BRIDGE_HEAR_H

#include "bridge/hear/command.h"
#include "bridge/parts.h"

#define HEAR_SWEEP_MS (INT64_C(10) * 60 * 1000)
#define HEAR_OVERLAP_S 60 /* a comment shows up to a transaction later than its time says */
#define HEAR_FIRST_S (INT64_C(24) * 3600) /* how far back the first poll looks */
#define HEAR_READS_MAX 4		  /* repositories looked at or read at once */
#define HEAR_LOOKS_MAX 64		  /* comments the hook has us look at, at once */
#define HEAR_SUITES "tests/recipes"	  /* in the CI repository: who is enrolled by a wildcard */

struct hear;

/* Takes the job over; the comment's text is gone after the call. */
typedef void (*hear_command)(
    void *context, struct job *take_job, const struct command *command, bool is_edited);

/* Something changed in a pull request of an enrolled repository. */
typedef void (*hear_pull)(void *context, const char *repo, int64_t pr);

/* Borrows the parts and the context; they outlive it. */
struct hear *hear_new(
    struct parts *parts, hear_command on_command, hear_pull on_pull, void *context) CHECKED;
void hear_free(struct hear *hear);

/* Starts what is due; the instant before which nothing further is due (INT64_MAX: an answer has to
 * come first). */
int64_t hear_turn(struct hear *hear);
/*
 * POLL_REPOS is another one now. What is new in it is marked as seen by its first poll, or read on
 * from where the store says, as at a start; what left it is not read any more.
 */
void hear_reload(struct hear *hear);
void hear_look(struct hear *hear, const struct hook_look *what);

const char *hear_bot(const struct hear *hear); /* our own login; NULL: not known yet */
bool hear_is_enrolled(const struct hear *hear, const char *repo);
/* The enrolled repository of that name, whoever owns it; NULL: none, or several. Borrowed. */
const char *hear_find_recipe(const struct hear *hear, const char *recipe);
/* Each enrolled repository that can be read: it is there, and under its own name. */
typedef void (*hear_repo)(void *context, const char *repo);
void hear_each(const struct hear *hear, hear_repo visit, void *context);
/* Where a repository is now that was seen to be renamed or moved, so that what was begun before is
 * answered there; else the name itself. Borrowed. */
const char *hear_where(const struct hear *hear, const char *name);
size_t hear_count_enrolled(const struct hear *hear);
/* Enrolled repositories in which no command can be heard: how many, and a line for each. */
size_t hear_count_unheard(const struct hear *hear);
void hear_write_unheard(const struct hear *hear, struct buf *out);
/* False: owners' suites have not been listed since the start, so hear_is_enrolled() cannot tell. */
bool hear_knows_enrolled(const struct hear *hear);
bool hear_has_tried(const struct hear *hear); /* the first poll was answered, or failed */
bool hear_is_ready(const struct hear *hear);  /* every repository was read once since the start */
bool hear_is_quiet(
    const struct hear *hear); /* nothing under way, nothing due before the next poll */
/* When a search was last answered; 0: never. */
int64_t hear_polled_ns(const struct hear *hear);

#endif
