/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/errand.h"

#include "common/clock.h"

/* Twice as long each time, a quarter of it by chance so that errands do not march in step. */
static int64_t wait_ms(unsigned failures, int64_t most_ms, int64_t now_ns)
{
	uint64_t chance = (uint64_t)now_ns + failures + 1;
	int64_t ms = ERRAND_FIRST_MS;

	for (unsigned i = 1; i < failures && ms < most_ms; i++)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	chance ^= chance << 13; /* xorshift64 */
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return ms - (int64_t)(chance % (uint64_t)(ms / 4 + 1));
}

bool err_is_passing(const struct err *err)
{
	return err && (err->code == ERR_TRANSIENT || err->code == ERR_TIMEOUT);
}

/* --- the gate --- */

static bool is_open(const struct gate *gate, int64_t now_ns)
{
	if (gate->failures)
		return gate->under_way == 0 && now_ns >= gate->due_ns;
	return gate->under_way < GATE_REQUESTS_MAX;
}

static void take_answer(
    struct gate *gate, const struct err *err, int64_t asked_to_wait_ms, int64_t now_ns)
{
	assert(gate->under_way);
	gate->under_way--;
	if (!err_is_passing(err)) {
		gate->failures = 0;
		return;
	}
	gate->failures++;
	gate->last = *err;
	int64_t ms = wait_ms(gate->failures, GATE_MOST_MS, now_ns);
	if (asked_to_wait_ms > ms)
		ms = asked_to_wait_ms;
	gate->due_ns = now_ns + ms * NS_PER_MS;
}

bool gate_is_down(const struct gate *gate)
{
	return gate->failures >= GATE_DOWN_AFTER;
}

/* --- the errand --- */

bool errand_may_begin(
    const struct errand *errand, const struct gate *gate, int64_t now_ns, int64_t *out_due_ns)
{
	int64_t due_ns = errand->due_ns;

	*out_due_ns = INT64_MAX;
	if (errand->is_under_way)
		return false;
	if (now_ns >= errand->due_ns && is_open(gate, now_ns))
		return true;
	if (gate->failures && gate->due_ns > due_ns)
		due_ns = gate->due_ns;
	if (due_ns > now_ns)
		*out_due_ns = due_ns;
	return false;
}

void errand_begin(struct errand *errand, struct gate *gate)
{
	errand->is_under_way = true;
	gate->under_way++;
}

void errand_take_back(struct errand *errand, struct gate *gate)
{
	assert(errand->is_under_way && gate->under_way);
	errand->is_under_way = false;
	gate->under_way--;
}

bool errand_end(struct errand *errand, struct gate *gate, const struct err *err,
    int64_t asked_to_wait_ms, int64_t now_ns)
{
	take_answer(gate, err, asked_to_wait_ms, now_ns);
	if (!err) {
		*errand = (struct errand){0};
	} else if (gate->failures > 1) { /* the peer's failure and none of its own */
		errand->is_under_way = false;
		errand->due_ns = gate->due_ns;
	} else {
		errand_fail(errand, now_ns);
	}
	return !err;
}

void errand_fail(struct errand *errand, int64_t now_ns)
{
	errand->is_under_way = false;
	errand->failures++;
	errand->due_ns = now_ns + wait_ms(errand->failures, ERRAND_MOST_MS, now_ns) * NS_PER_MS;
}

void errand_put_off(struct errand *errand, int64_t now_ns, int64_t later_ms)
{
	*errand = (struct errand){.due_ns = now_ns + later_ms * NS_PER_MS};
}
