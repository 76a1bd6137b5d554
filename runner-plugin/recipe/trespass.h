/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rendered recipe wants that is not its own: the host's files, ports and devices, other
 * stacks' networks and data, more than a test's share of the machine. Pure: it decides on the model
 * alone, so before anything is deployed.
 *
 *   trespass_judge(&model, &rules, &trespass);
 *   if (trespass.refused_count)
 *           sentence = trespass_sentence(&trespass.refused[0]);
 *   word = trespass_word_fault("cap:NET_ADMN");     what is wrong in `allow`; NULL: nothing
 *
 * Everything is refused that the suite's `allow` does not name by its exact word, see
 * trespass_kinds. What Swarm ignores (privileged, devices, pid ...) is no trespass but a warning.
 *
 * Sizes are bytes. Source: Docker Engine 20.10 (which capabilities every container has, how the
 * volume driver "local" mounts), docker/cli's loader of stacks (whose names and files are meant).
 */
#ifndef CCCI_TRESPASS_H
#define CCCI_TRESPASS_H

#include "runner-plugin/recipe/compose.h"
#include "runner-plugin/recipe/tree.h"

struct trespass_rules {
	const char *stack;    /* what begins with it is the recipe's own */
	const char *networks; /* NETWORKS_ALLOW: names, comma separated */
	const char *socket;   /* the engine's, beside the usual places; NULL: none known */
	int64_t max_replicas; /* of the stack, all services together */
	int64_t max_memory;   /* the same; 0: unknown, so no bound */
	const char
	    *directory; /* of the first compose file: relative paths start there; "" the top */
	const struct tree *tree; /* of the commit */
	char *const *allow;
	size_t allow_count;
};

struct trespass_item {
	char *service; /* "": of no service in particular */
	char *what;    /* "mounts /etc of the host" */
	char *word;    /* that allows it; "": none does */
};
struct trespass {
	struct trespass_item *refused, *allowed; /* one of each service and word */
	size_t refused_count, allowed_count;
	char **warnings; /* "service app: Swarm ignores privileged" */
	size_t warning_count;
};

void trespass_judge(
    const struct compose_model *model, const struct trespass_rules *rules, struct trespass *out);
void trespass_release(struct trespass *trespass);
DEFINE_AUTO(trespass, trespass_release);

/*
 * The first symbolic link of the tree that leads out of the recipe and is not allowed: nobody may
 * read through it. True: out is filled.
 */
bool trespass_find_link(const struct tree *tree, char *const *allow, size_t allow_count,
    struct trespass_item *out) CHECKED;
void trespass_item_release(struct trespass_item *item);
DEFINE_AUTO(trespass_item, trespass_item_release);

/* "service app mounts /etc of the host; if it should, an operator adds "host-bind:/etc" to ..." */
char *trespass_sentence(const struct trespass_item *item) CHECKED;

/* The words of `allow`: what is in front of the colon, and the form of what is behind it. */
extern const struct trespass_kind {
	const char *name;
	const char *form; /* "host-bind:/path[:ro]" */
} trespass_kinds[];
extern const size_t trespass_kind_count;
/* Why a text is no word of `allow`, with a guess; NULL: it is one. The caller frees it. */
char *trespass_word_fault(const char *word) CHECKED;

#endif
