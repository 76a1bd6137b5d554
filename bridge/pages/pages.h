/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages, badges and JSON of the bridge: from a path to what is answered. Knows the addresses,
 * what may be shown to whom, and what a reload costs; each page is written by its own module.
 *
 *   struct pages *pages = pages_new(&settings);
 *   server settings: .on_page, which calls pages_answer(pages, request, out)
 *   pages_free(pages);
 *
 * Nothing of a private repository is shown, nor whether there is one, unless the operator wants it.
 * The dear ones, which read every run, are kept for PAGES_KEPT_MS, or until the store has changed:
 * who asks for them again and again does not hold up the loop.
 */
#ifndef CCCI_BRIDGE_PAGES_PAGES_H
#define CCCI_BRIDGE_PAGES_PAGES_H

#include "bridge/pages/frame.h"
#include "bridge/server.h"
#include "bridge/store.h"
#include "bridge/tell/reply.h"

#define PAGES_KEPT_MS 5000

/* All borrowed; they outlive the pages. */
struct pages_settings {
	struct store *store;
	const char *public_url; /* "" not known */
	const char *forge_url, *trigger;
	bool shows_private;
	void *context;
	/* Where builds are shown; "": not known yet. */
	const char *(*builds_url)(void *context);
	/* Whether bridge, forge and Drone are well; returns how many of out were filled. */
	size_t (*list_peers)(void *context, struct frame_peer out[FRAME_PEERS_MAX]);
	/* The steps of a run that goes on; returns how many of out were filled. */
	size_t (*list_steps)(void *context, int64_t comment, struct reply_step *out, size_t room);
};

struct pages;

struct pages *pages_new(const struct pages_settings *settings) CHECKED;
void pages_free(struct pages *pages);
void pages_show_private(struct pages *pages, bool shows_private); /* from now on */
void pages_answer(
    struct pages *pages, const struct server_request *request, struct server_page *out);

#endif
