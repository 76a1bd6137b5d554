/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line for people of what the bridge is doing, as `systemctl status` shows it. Pure.
 *
 *   summary_write(&facts, text)     "polling 12 repositories, 2 runs going on; the forge
 *                                   unreachable since 10:31 UTC"
 */
#ifndef CCCI_BRIDGE_SUMMARY_H
#define CCCI_BRIDGE_SUMMARY_H

#include "common/base.h"

#define SUMMARY_SIZE 512
#define SUMMARY_PEERS_MAX 4

struct summary_peer {
	const char *name; /* "the forge"; borrowed */
	int64_t since_s;  /* wall time of the first of its failures; 0: it answers */
};
struct summary {
	int64_t now_s;
	bool is_stopping;
	bool was_polled;       /* the first poll is over */
	bool has_bad_settings; /* the last reload found mistakes */
	bool has_store_trouble;
	size_t repositories, unheard; /* enrolled; of these not heard */
	size_t running, waiting;      /* runs with a build that began; what comes before */
	struct summary_peer peers[SUMMARY_PEERS_MAX];
	size_t peer_count;
};

void summary_write(const struct summary *facts, char out[SUMMARY_SIZE]);

#endif
