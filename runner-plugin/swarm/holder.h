/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who holds a port of the host that a service publishes in host mode. Pure: the engine's answers
 * go in, a name comes out.
 *
 *   text = holder_find(service, stack, services, containers);
 *   if (text) ... "host port 8080 is held by service other_web"
 *
 * Hides how the engine lists ports: a container's own, which a service's task has in host mode too,
 * and those of a service in ingress mode, which no container shows. What the stack itself holds is
 * left out: converge.h sees that in the view.
 *
 * services, containers   answers of /services and /containers/json, of all stacks
 * Returns                a text that the caller frees; NULL: nobody that the engine knows of, such
 *                        as a program beside it
 *
 * Source: Engine API 1.41, observed on 20.10.24: global.*.json in tests/data/engine.
 */
#ifndef CCCI_HOLDER_H
#define CCCI_HOLDER_H

#include "runner-plugin/swarm/view.h"

char *holder_find(const struct view_service *service, const char *stack,
    const struct json *services, const struct json *containers) CHECKED;

#endif
