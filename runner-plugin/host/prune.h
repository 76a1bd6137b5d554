/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removes images when disk or inodes are short (PRUNE_BELOW): those without a name first, then
 * those that were pulled longest ago, one by one, until enough is free. Never one that a container,
 * a service, a run that is not judged or the newest green run of a recipe needs.
 *
 *   enum exit_code code = prune_run(&prune);        `ccci-run prune`, on a timer
 *
 * What a run needs is written down before it is looked for (prepared_note_images()), and what is
 * needed is asked again before each removal: a run may have begun meanwhile.
 */
#ifndef CCCI_PRUNE_H
#define CCCI_PRUNE_H

#include "common/json.h"
#include "runner-plugin/run/exit.h"
#include "runner-plugin/settings.h"

#define PRUNE_ID_SIZE 80 /* "sha256:" and 64 digits */

struct prune_image {
	char id[PRUNE_ID_SIZE];
	char **tags; /* owned; none: dangling */
	size_t tag_count;
	int64_t bytes;	  /* some may be another image's too */
	int64_t pulled_s; /* wall; when it got its name, else when it was made */
};
struct prune_list {
	struct prune_image *items;
	size_t count;
};
void prune_list_release(struct prune_list *list);
DEFINE_AUTO(prune_list, prune_list_release);

/* Ids of images that somebody needs. */
struct prune_needed {
	char (*ids)[PRUNE_ID_SIZE];
	size_t count;
};
void prune_needed_release(struct prune_needed *needed);
DEFINE_AUTO(prune_needed, prune_needed_release);

/* Pure: the engine's answer to /images/json; ERR_PROTOCOL. */
int prune_read(const struct json *answer, struct prune_list *out, struct err *err) CHECKED;
/* Pure. */
void prune_need(struct prune_needed *needed, const char *id);
bool prune_is_needed(const struct prune_needed *needed, const char *id);
/*
 * Pure: takes out what is needed, and what has no tag that begins with prefix ("": all may go), and
 * puts the rest in the order in which it goes.
 */
void prune_choose(struct prune_list *list, const struct prune_needed *needed, const char *prefix);

struct prune {
	const struct settings *settings;
	const char *prefix; /* only images whose names begin so; NULL: all */
	bool is_dry;
	void (*say)(void *context, const char *text);
	void *context;
};
enum exit_code prune_run(const struct prune *prune);

#endif
