/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the pages say, for programs: docs/api.schema.json is its contract. Pure.
 *
 *   struct json *json = api_encode_recipes(&overview);
 */
#ifndef CCCI_BRIDGE_PAGES_API_H
#define CCCI_BRIDGE_PAGES_API_H

#include "bridge/pages/dashboard.h"
#include "common/json.h"

#define API_SCHEMA 1
#define API_RUNS_MAX 100 /* of a list; "next" is where it goes on */

struct json *api_encode_recipes(const struct overview *overview) CHECKED;
/* next: the build below which the list goes on; 0: this is its end. */
struct json *api_encode_runs(const struct past_run *runs, size_t count, int64_t next) CHECKED;
struct json *api_encode_queue(const struct dashboard_now *now, size_t count) CHECKED;
struct json *api_encode_error(const char *what) CHECKED;

#endif
