/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place that knows back-off. Two values: a gate to a peer (the forge, Drone), which may be
 * down as a whole, and an errand, one thing to be got done there, which may fail alone.
 *
 *   if (retry_is_due(&errand, now_ns) && gate_is_open(&gate, now_ns)) {
 *           gate_begin(&gate);  ... send ...
 *   }
 *   on the answer:  gate_end(&gate, err, asked_to_wait_ms);
 *                   retry_succeeded(&errand) or retry_failed(&errand, now_ns)
 *
 * While a peer fails, one request at a time goes there as a probe; the first answer opens it again.
 */
#ifndef CCCI_BRIDGE_RETRY_H
#define CCCI_BRIDGE_RETRY_H

#include "common/err.h"

#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS (INT64_C(5) * 60 * 1000)
#define GATE_MOST_MS (INT64_C(15) * 1000) /* a peer that is back is noticed within this time */
#define GATE_REQUESTS_MAX 16		  /* under way at once to one peer */

struct retry {
	int64_t due_ns; /* 0: at once */
	unsigned failures;
	bool is_under_way;
};

bool retry_is_due(const struct retry *errand, int64_t now_ns);
void retry_begin(struct retry *errand);
void retry_succeeded(struct retry *errand); /* due at once, should it be wanted again */
void retry_failed(struct retry *errand, int64_t now_ns);
void retry_after(struct retry *errand, int64_t now_ns, int64_t later_ms); /* no failure: later */

struct gate {
	const char *name;
	int64_t due_ns; /* of the next try, while it fails */
	unsigned failures;
	size_t under_way;
	bool was_told; /* that it is down */
};

bool gate_is_open(const struct gate *gate, int64_t now_ns);
void gate_begin(struct gate *gate);
/* err: of the answer; NULL, or a plain "no", is an answer too. Logs when the peer goes and comes.
 */
void gate_end(struct gate *gate, const struct err *err, int64_t asked_to_wait_ms, int64_t now_ns);
bool err_is_passing(const struct err *err); /* ERR_TRANSIENT, ERR_TIMEOUT */

#endif
