/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recipe's badge, 20 pixels high, and the same for a shields.io endpoint. Pure.
 *
 *   struct badge badge = badge_of("custom-html", &past);
 *   badge_write_svg(&html, &badge);
 *   struct json *json = badge_encode(&badge);
 *
 * The level once there is one; "running" while the first run goes on; else "unknown".
 */
#ifndef CCCI_BRIDGE_PAGES_BADGE_H
#define CCCI_BRIDGE_PAGES_BADGE_H

#include "bridge/pages/html.h"
#include "bridge/pages/past.h"
#include "common/json.h"

struct badge {
	const char *label; /* borrowed */
	char message[16];
	const char *colour; /* six digits; white on it can be read */
};

struct badge badge_of(const char *recipe, const struct past *past);
void badge_write_svg(struct html *html, const struct badge *badge);
struct json *badge_encode(const struct badge *badge) CHECKED;

#endif
