/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WEBHOOK_AUTOREGISTER: keeps one webhook of ours, and a right one, in each repository that is
 * heard, and takes away what it made where none is wanted any more: the setting is off, or the
 * repository is not enrolled. What is to be done says hook_plan.h; this does it, one step at a
 * time, and lists again after each.
 *
 *   hooks_turn(hooks);              starts what is due; returns at once
 *   hooks_write_missing(hooks, out) a line for each repository where the forge does not let us
 *
 * Nothing needs a row before it is tried: what a lost answer or a crash leaves, the next list
 * shows, and in the place of a hook whose key nobody remembers comes another. Where the forge does
 * not let us, it is said once and asked again with the next look, HOOKS_LOOK_MS later; polling is
 * what hears commands, with and without. What it does not let us take away is said once, and then
 * forgotten.
 */
#ifndef CCCI_BRIDGE_HOOKS_H
#define CCCI_BRIDGE_HOOKS_H

#include "bridge/hear/hear.h"
#include "bridge/hook_plan.h"

/* One list for each repository. What somebody changes there by hand stands so long at most. */
#define HOOKS_LOOK_MS (INT64_C(60) * 60 * 1000)
#define HOOKS_SYNC_MS (INT64_C(10) * 1000) /* who is heard changes with suites and renames */
#define HOOKS_AT_ONCE 2
#define HOOKS_STEPS_MAX 16 /* in one look; more means that the forge does not keep what is set */

struct hooks;

/* Borrows both, which outlive it. */
struct hooks *hooks_new(struct parts *parts, const struct hear *hear) CHECKED;
/* After gitea_free(): no answer may come any more. */
void hooks_free(struct hooks *hooks);
/* Starts what is due; the instant before which nothing further is (INT64_MAX: never, or an answer
 * comes first). */
int64_t hooks_turn(struct hooks *hooks);
void hooks_reload(struct hooks *hooks);		 /* settings were changed: looks at each anew */
bool hooks_are_quiet(const struct hooks *hooks); /* each repository was looked at */
size_t hooks_count_missing(const struct hooks *hooks);
void hooks_write_missing(const struct hooks *hooks, struct buf *out);

#endif
