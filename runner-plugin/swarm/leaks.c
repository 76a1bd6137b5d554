/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/leaks.h"

#include "common/clock.h"

#include <poll.h>

#define RETRY_MS 100

/* In the order in which the ones let go of the others. Tasks cannot be removed, only waited for. */
static const enum engine_kind order[] = {
    ENGINE_SERVICE,
    ENGINE_CONTAINER,
    ENGINE_TASK,
    ENGINE_NETWORK,
    ENGINE_SECRET,
    ENGINE_CONFIG,
    ENGINE_VOLUME,
};
static_assert(COUNT_OF(order) == ENGINE_KIND_COUNT, "every kind is looked at");
#define RUNNING_KINDS 3 /* of them are what runs */

void leaks_add(struct leaks *leaks, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (leaks->count == LEAKS_ITEMS_MAX) {
		leaks->unlisted++;
		free(leaks->items[LEAKS_ITEMS_MAX - 1]);
		leaks->items[LEAKS_ITEMS_MAX - 1] = xasprintf("and %zu more", leaks->unlisted + 1);
		return;
	}
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		abort();
	leaks->items = xrealloc_array(leaks->items, leaks->count + 1, sizeof(*leaks->items));
	leaks->items[leaks->count++] = text;
}

void leaks_release(struct leaks *leaks)
{
	for (size_t i = 0; i < leaks->count; i++)
		free(leaks->items[i]);
	free(leaks->items);
	*leaks = (struct leaks){0};
}

static void look_at(struct engine *engine, enum engine_kind kind, const char *stack, bool removes,
    struct leaks *leaks)
{
	AUTO(engine_list) list = {0};
	struct err err;

	if (engine_list(engine, kind, stack, &list, &err) < 0) {
		leaks_add(
		    leaks, "%ss of %s: cannot look: %s", engine_kind_word(kind), stack, err.msg);
		return;
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct engine_item *item = &list.items[i];

		if (removes && engine_remove(engine, kind, item->id, &err) < 0)
			leaks_add(leaks, "%s %s: %s", engine_kind_word(kind), item->name, err.msg);
		else
			leaks_add(leaks, "%s %s", engine_kind_word(kind), item->name);
	}
}

static void look(
    struct engine *engine, const char *stack, size_t kinds, bool removes, struct leaks *leaks)
{
	for (size_t i = 0; i < kinds; i++)
		look_at(engine, order[i], stack, removes, leaks);
}

void leaks_find(struct engine *engine, const char *stack, struct leaks *leaks)
{
	look(engine, stack, COUNT_OF(order), false, leaks);
}

static void move_all(struct leaks *to, struct leaks *from)
{
	for (size_t i = 0; i < from->count; i++)
		leaks_add(to, "%s", from->items[i]);
}

/* Whatever a round removes may be found again by the next: only a round that finds nothing ends it.
 */
static void remove_until(struct engine *engine, const char *stack, size_t kinds,
    int64_t deadline_ns, struct leaks *leaks)
{
	for (;;) {
		AUTO(leaks) round = {0};

		look(engine, stack, kinds, true, &round);
		if (!round.count)
			return;
		if (clock_now() >= deadline_ns) {
			move_all(leaks, &round);
			return;
		}
		(void)poll(NULL, 0, RETRY_MS);
	}
}

void leaks_remove(
    struct engine *engine, const char *stack, int64_t deadline_ns, struct leaks *leaks)
{
	remove_until(engine, stack, COUNT_OF(order), deadline_ns, leaks);
}

void leaks_stop(struct engine *engine, const char *stack, int64_t deadline_ns, struct leaks *leaks)
{
	remove_until(engine, stack, RUNNING_KINDS, deadline_ns, leaks);
}
