/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place that knows back-off. Two values: an errand, one thing to be got done at a peer,
 * which may fail alone, and a gate to the peer (the forge, the CI server), which may be down as a
 * whole. Pure.
 *
 *   if (errand_may_begin(&errand, &gate, now_ns, &due_ns)) {
 *           errand_begin(&errand, &gate);  ... send ...
 *   }                                      else look again at due_ns
 *   on the answer:  errand_end(&errand, &gate, err, asked_to_wait_ms, now_ns);
 *
 * While a peer fails, one request at a time goes there as a probe; the first answer opens it again,
 * and then all that has failed with it is due: how long a peer was away makes nobody wait longer
 * when it is back.
 */
#ifndef CCCI_BRIDGE_ERRAND_H
#define CCCI_BRIDGE_ERRAND_H

#include "common/err.h"

#define ERRAND_FIRST_MS 500
#define ERRAND_MOST_MS (INT64_C(5) * 60 * 1000)
#define GATE_MOST_MS (INT64_C(15) * 1000) /* a peer that is back is noticed within this time */
#define GATE_REQUESTS_MAX 16		  /* under way at once to one peer */
#define GATE_DOWN_AFTER 3		  /* failures in a row before it is worth a line */

struct errand {
	int64_t due_ns; /* 0: at once */
	unsigned failures;
	bool is_under_way;
};
struct gate {
	const char *name;
	int64_t due_ns;	   /* of the next try, while it fails */
	unsigned failures; /* in a row; 0: it answers */
	size_t under_way;
	struct err last; /* failure */
};

/* False: *out_due_ns is when to look again; INT64_MAX: an answer has to come first. */
bool errand_may_begin(
    const struct errand *errand, const struct gate *gate, int64_t now_ns, int64_t *out_due_ns);
void errand_begin(struct errand *errand, struct gate *gate);
/* Nothing was sent after all: as if it had not begun. */
void errand_take_back(struct errand *errand, struct gate *gate);
/*
 * err: of the answer; a plain "no" is an answer to the gate, but the errand failed. True when it is
 * done: due at once, should it be wanted again. What failed comes due again by itself.
 */
bool errand_end(struct errand *errand, struct gate *gate, const struct err *err,
    int64_t asked_to_wait_ms, int64_t now_ns);
/* It failed on our own side. */
void errand_fail(struct errand *errand, int64_t now_ns);
/* No failure: later. */
void errand_put_off(struct errand *errand, int64_t now_ns, int64_t later_ms);

bool gate_is_down(const struct gate *gate);
bool err_is_passing(const struct err *err); /* ERR_TRANSIENT, ERR_TIMEOUT */

#endif
