/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which engine abra deploys to. abra does not look at DOCKER_HOST: its server `default` is this
 * machine's own engine, any other a docker context of the server's name.
 *
 *   if (abra_server_check(settings, engine, err) < 0)        before anything is deployed
 *
 * Hides where docker keeps its contexts.
 *
 * Source: docker/cli, cli/context/store (meta/<SHA-256 of the name>/meta.json, tls/ likewise), as
 * written by Docker 20.10 and 28.2.
 */
#ifndef CCCI_ABRA_SERVER_H
#define CCCI_ABRA_SERVER_H

#include "runner-plugin/settings.h"
#include "runner-plugin/swarm/engine.h"

/*
 * 0: abra's server leads to the Swarm of engine, which is DOCKER_HOST's. ERR_MISSING: it leads
 * nowhere; ERR_CONFIG: to another one; each with the way out.
 */
int abra_server_check(
    const struct settings *settings, struct engine *engine, struct err *err) CHECKED;

/* Where a context leads, from its meta.json; the caller frees it. NULL: it names no engine. Pure.
 */
char *abra_server_host(const struct json *meta) CHECKED;

#endif
