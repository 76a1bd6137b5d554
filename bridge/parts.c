/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/parts.h"

#include "common/clock.h"
#include "common/log.h"

bool parts_may_begin(const struct parts *parts, enum parts_peer peer, const struct errand *errand,
    int64_t *out_due_ns)
{
	return errand_may_begin(errand, &parts->gates[peer], clock_now(), out_due_ns);
}

void parts_begin(struct parts *parts, enum parts_peer peer, struct errand *errand)
{
	errand_begin(errand, &parts->gates[peer]);
}

void parts_take_back(struct parts *parts, enum parts_peer peer, struct errand *errand)
{
	errand_take_back(errand, &parts->gates[peer]);
}

bool parts_end(
    struct parts *parts, enum parts_peer peer, struct errand *errand, const struct err *err)
{
	int64_t asked_ms =
	    peer == PARTS_FORGE ? gitea_retry_after_ms(parts->gitea) : ci_retry_after_ms(parts->ci);

	return errand_end(errand, &parts->gates[peer], err, asked_ms, clock_now());
}

bool parts_shows(const struct parts *parts, const char *repo)
{
	bool is_public = false;
	struct err err;

	if (parts->settings->pages_private)
		return true;
	if (store_is_public(parts->store, repo, &is_public, &err) < 0)
		log_warning("%s", err.msg);
	return is_public;
}

const char *parts_pages_url(const struct parts *parts, const char *repo)
{
	const char *url = parts->settings->public_url;

	return url && *url && parts_shows(parts, repo) ? url : NULL;
}

bool parts_are_busy(const struct parts *parts)
{
	return parts->gates[PARTS_FORGE].under_way || parts->gates[PARTS_CI].under_way;
}
