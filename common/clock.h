/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time. Instants are monotonic nanoseconds of clock_now(); durations are int64_t with their unit in
 * the name. Wall time is for people and for values that outlive a process: Unix seconds of
 * clock_wall_s().
 *
 *   int64_t deadline_ns = clock_now() + 5 * NS_PER_S;
 *   while (clock_now() < deadline_ns) ...
 *
 * Tests inject both with clock_set_source().
 */
#ifndef CCCI_CLOCK_H
#define CCCI_CLOCK_H

#include "common/base.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define S_PER_DAY (INT64_C(24) * 3600)

struct clock_source {
	int64_t (*monotonic_ns)(void *context);
	int64_t (*wall_s)(void *context);
	void *context;
};

int64_t clock_now(void);
int64_t clock_wall_s(void);
void clock_set_source(const struct clock_source *source); /* NULL: the system's clocks again */
/* Unix seconds as the host's own clock on the wall shows them: TZ, or /etc/localtime. */
int64_t clock_local_s(int64_t wall_s);

/* Milliseconds until an instant, rounded up, 0 when it has passed, at most INT_MAX: fit for
 * poll(2). */
int clock_ms_until(int64_t deadline_ns);
int64_t clock_elapsed_ms(int64_t since_ns);

/* "2026-11-22T03:10:00Z" and back. format: 21 bytes are enough. */
#define CLOCK_RFC3339_SIZE 24
void clock_format_rfc3339(int64_t wall_s, char out[CLOCK_RFC3339_SIZE]);
/* Accepts "Z" and numeric offsets, fractions are dropped. False: not RFC 3339, *out_wall_s
 * untouched. */
bool clock_parse_rfc3339(const char *text, int64_t *out_wall_s) CHECKED;

/* "1 min 12 s", "9 s", "2 h 5 min": for people. */
#define CLOCK_DURATION_SIZE 32
void clock_format_duration(int64_t duration_ms, char out[CLOCK_DURATION_SIZE]);
/* "3 days ago", "1 h ago", "just now": what is older is told by its largest unit alone. */
void clock_format_age(int64_t age_s, char out[CLOCK_DURATION_SIZE]);

#endif
