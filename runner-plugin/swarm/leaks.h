/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a stack still has in the engine: looks, and removes. Who decides that a stack must go are
 * teardown and reap.
 *
 *   leaks_remove(engine, stack, deadline_ns, &leaks);        until nothing is left, or the instant
 *   leaks_find(engine, stack, &leaks);                       only looks
 *   if (leaks.count) ... leaks.items[0] is "volume cust-9f2c1a_ci_example_org_data: in use"
 *
 * An engine that does not answer is a leak too: nobody can say that nothing is left.
 */
#ifndef CCCI_LEAKS_H
#define CCCI_LEAKS_H

#include "runner-plugin/swarm/engine.h"

#define LEAKS_ITEMS_MAX 200 /* more are counted in the last one's text */

struct leaks {
	char **items;
	size_t count;
	size_t unlisted;
};

void leaks_add(struct leaks *leaks, const char *format, ...) PRINTF_LIKE(2, 3);
void leaks_release(struct leaks *leaks);
DEFINE_AUTO(leaks, leaks_release);

void leaks_find(struct engine *engine, const char *stack, struct leaks *leaks);

/*
 * Removes everything of a stack and waits until it is gone: a removed service's containers live on
 * for seconds, and hold networks and volumes meanwhile. What is left at the instant is added.
 */
void leaks_remove(
    struct engine *engine, const char *stack, int64_t deadline_ns, struct leaks *leaks);
/* The same for services and containers alone, so that what they use can be removed by others. */
void leaks_stop(struct engine *engine, const char *stack, int64_t deadline_ns, struct leaks *leaks);

#endif
