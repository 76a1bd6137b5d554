/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The short forms of a compose file: what stands in one text. Pure.
 *
 *   compose_short_mount("data:/data:ro", &mount, err);
 *   compose_short_ports("8000-8001:80-81/udp", &ports, &count, err);      adds to the list
 *   compose_short_size("1.5g", &bytes), compose_short_is_duration("1m30s")
 *
 * Errors: ERR_CONFIG without a place, the caller prefixes file:line:column.
 * Source: docker/cli 27.5.1 as seen through tests/oracle: cli/compose/loader, docker/go-connections
 * (ports), docker/go-units (sizes), google/shlex (commands), Go's time.ParseDuration.
 */
#ifndef CCCI_COMPOSE_SHORT_H
#define CCCI_COMPOSE_SHORT_H

#include "runner-plugin/recipe/compose.h"

/* "target", "source:target", "source:target:options"; "d:/x" is a path of Windows. */
int compose_short_mount(const char *spec, struct compose_mount *out, struct err *err) CHECKED;
/* "[ip:]published:target[/protocol]", each a number or a range. */
int compose_short_ports(
    const char *spec, struct compose_port **ports, size_t *count, struct err *err) CHECKED;
/* Of memory, in bytes: "64m", "1.5GiB", "300 kb". */
bool compose_short_size(const char *text, int64_t *out) CHECKED;
bool compose_short_is_duration(const char *text);
/* A command in one text: are its quotes closed? */
bool compose_short_is_command(const char *text);

#endif
