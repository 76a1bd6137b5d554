/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bridge as a whole: puts its parts together and runs the only loop. Only main.c calls it.
 *
 *   if (bridge_new(&settings, &bridge, err) < 0) ...
 *   result = bridge_run(bridge, once, err);      until SIGTERM or SIGINT, or nothing is due
 *   bridge_free(bridge);
 *
 * One place sleeps: http_poll(), over libcurl's transfers, the server's descriptor and a signalfd.
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

/* Borrows the settings. ERR_CONFIG: the operator can mend it. */
int bridge_new(
    const struct bridge_settings *settings, struct bridge **out, struct err *err) CHECKED;
void bridge_free(struct bridge *bridge);
/*
 * 0: it was told to stop, or (once) nothing is due any more. -1 with once: the forge or the CI
 * server did not answer, so that something is left for the next time.
 */
int bridge_run(struct bridge *bridge, bool once, struct err *err) CHECKED;

#endif
