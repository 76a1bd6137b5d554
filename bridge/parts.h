/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bridge is put together from, for everybody who asks a peer: settings, the forge and
 * the CI server each behind its gate, the store. Knows how an errand at a peer begins and ends;
 * when it may begin is errand.h's.
 *
 *   if (parts_may_begin(parts, PARTS_FORGE, &errand, &due_ns)) {
 *           parts_begin(parts, PARTS_FORGE, &errand);  ... gitea_...(parts->gitea, ...) ...
 *   }
 *   on the answer:  parts_end(parts, PARTS_FORGE, &errand, err)
 */
#ifndef CCCI_BRIDGE_PARTS_H
#define CCCI_BRIDGE_PARTS_H

#include "bridge/errand.h"
#include "bridge/peers/ci.h"
#include "bridge/peers/gitea.h"
#include "bridge/settings.h"
#include "bridge/store.h"

enum parts_peer { PARTS_FORGE, PARTS_CI };
#define PARTS_PEER_COUNT (PARTS_CI + 1)

struct parts { /* borrows what it points to */
	const struct bridge_settings *settings;
	struct gitea *gitea;
	struct ci *ci;
	struct store *store;
	struct gate gates[PARTS_PEER_COUNT];
};

/* False: *out_due_ns is when to look again; INT64_MAX: an answer has to come first. */
bool parts_may_begin(const struct parts *parts, enum parts_peer peer, const struct errand *errand,
    int64_t *out_due_ns);
void parts_begin(struct parts *parts, enum parts_peer peer, struct errand *errand);
void parts_take_back(struct parts *parts, enum parts_peer peer, struct errand *errand);
/* An answer came: true when the errand is done, else it comes due again by itself. */
bool parts_end(
    struct parts *parts, enum parts_peer peer, struct errand *errand, const struct err *err);
/* Whether anybody may be told of a repository's runs, wherever that is. */
bool parts_shows(const struct parts *parts, const char *repo);
/* Where people reach the pages of a repository's runs; NULL: nowhere, or they may not see them. */
const char *parts_pages_url(const struct parts *parts, const char *repo);
bool parts_are_busy(const struct parts *parts); /* a request is under way */

#endif
