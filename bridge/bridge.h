/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bridge as a whole: puts its parts together and runs the only loop. Only main.c calls it.
 *
 *   if (bridge_new(&settings, load, context, &bridge, err) < 0) ...
 *   result = bridge_run(bridge, once, err);      until SIGTERM or SIGINT, or nothing is due
 *   bridge_free(bridge);
 *
 * One place sleeps: http_poll(), over libcurl's transfers, the server's descriptor and a signalfd.
 * SIGHUP has it read its settings anew; systemd, where it is the caller, is told how things stand.
 */
#ifndef CCCI_BRIDGE_BRIDGE_H
#define CCCI_BRIDGE_BRIDGE_H

#include "bridge/settings.h"
#include "common/err.h"

/* How ccci-bridge exits; ccci-bridge(8) names each. */
enum bridge_exit {
	BRIDGE_EXIT_OK = 0,
	/* It cannot go on; --once: a peer is down; --check: the forge could not be asked. */
	BRIDGE_EXIT_BROKE = 1,
	/*
	 * Usage, settings; a store in use or of a newer version; --check: an enrolled repository
	 * in which no command can be heard.
	 */
	BRIDGE_EXIT_CONFIG = 2,
};

struct bridge;

/* Reads the settings once more; the contract of bridge_settings_load(). */
typedef int (*bridge_load)(void *context, struct bridge_settings *out, struct buf *mistakes);

/* Borrows the settings, and changes those that reload. ERR_CONFIG: the operator can mend it. */
int bridge_new(struct bridge_settings *settings, bridge_load load, void *context,
    struct bridge **out, struct err *err) CHECKED;
void bridge_free(struct bridge *bridge);
/*
 * 0: it was told to stop, or (once) nothing is due any more. -1 with once: the forge or the CI
 * server did not answer, so that something is left for the next time.
 */
int bridge_run(struct bridge *bridge, bool once, struct err *err) CHECKED;

#endif
