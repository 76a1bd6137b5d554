/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/summary.h"

#include "common/buf.h"
#include "common/clock.h"

#define SAME_DAY_S (INT64_C(20) * 3600) /* a time alone is nobody's yesterday */

static const char *plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

/* "10:31 UTC", with its day when it is not of today. */
static void add_since(struct buf *out, int64_t since_s, int64_t now_s)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(since_s, text);
	text[10] = '\0';
	text[16] = '\0';
	if (now_s - since_s < SAME_DAY_S)
		(void)buf_printf(out, "%s UTC", text + 11);
	else
		(void)buf_printf(out, "%s %s UTC", text, text + 11);
}

static void add_work(struct buf *out, const struct summary *facts)
{
	if (facts->was_polled || facts->repositories)
		(void)buf_printf(out, "%s %zu %s", facts->was_polled ? "polling" : "first poll of",
		    facts->repositories, plural(facts->repositories, "repository", "repositories"));
	else
		(void)buf_add_text(out, "first poll"); /* suites are not listed yet */
	if (facts->running)
		(void)buf_printf(out, ", %zu %s going on", facts->running,
		    plural(facts->running, "run", "runs"));
	if (facts->waiting)
		(void)buf_printf(out, ", %zu waiting", facts->waiting);
}

static void add_trouble(struct buf *out, const struct summary *facts)
{
	for (size_t i = 0; i < facts->peer_count; i++) {
		if (!facts->peers[i].since_s)
			continue;
		(void)buf_printf(out, "; %s unreachable since ", facts->peers[i].name);
		add_since(out, facts->peers[i].since_s, facts->now_s);
	}
	if (facts->unheard)
		(void)buf_printf(out, "; %zu %s not heard", facts->unheard,
		    plural(facts->unheard, "repository is", "repositories are"));
	if (facts->has_store_trouble)
		(void)buf_add_text(out, "; the store cannot be written");
	if (facts->has_bad_settings)
		(void)buf_add_text(out, "; the new settings have mistakes, the old ones hold");
}

void summary_write(const struct summary *facts, char out[SUMMARY_SIZE])
{
	AUTO(buf) text = buf_make(SUMMARY_SIZE - 1);

	if (facts->is_stopping) {
		(void)buf_add_text(&text, "stopping, once what is under way is answered");
	} else {
		add_work(&text, facts);
		add_trouble(&text, facts);
	}
	(void)snprintf(out, SUMMARY_SIZE, "%s", buf_text(&text));
}
