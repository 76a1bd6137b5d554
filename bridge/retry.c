/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/retry.h"

#include "common/clock.h"
#include "common/log.h"

#define DOWN_AFTER 3 /* failures in a row before it is worth a line */

/* Twice as long each time, a quarter of it by chance so that errands do not march in step. */
static int64_t wait_ms(unsigned failures, int64_t most_ms)
{
	static uint64_t seed = UINT64_C(88172645463325252);
	int64_t ms = RETRY_FIRST_MS;

	for (unsigned i = 1; i < failures && ms < most_ms; i++)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	seed ^= seed << 13; /* xorshift64 */
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ms - (int64_t)(seed % (uint64_t)(ms / 4 + 1));
}

bool retry_is_due(const struct retry *errand, int64_t now_ns)
{
	return !errand->is_under_way && now_ns >= errand->due_ns;
}

void retry_begin(struct retry *errand)
{
	errand->is_under_way = true;
}

void retry_succeeded(struct retry *errand)
{
	*errand = (struct retry){0};
}

void retry_failed(struct retry *errand, int64_t now_ns)
{
	errand->is_under_way = false;
	errand->failures++;
	errand->due_ns = now_ns + wait_ms(errand->failures, RETRY_MOST_MS) * NS_PER_MS;
}

void retry_after(struct retry *errand, int64_t now_ns, int64_t later_ms)
{
	errand->is_under_way = false;
	errand->due_ns = now_ns + later_ms * NS_PER_MS;
}

bool gate_is_open(const struct gate *gate, int64_t now_ns)
{
	if (gate->failures)
		return gate->under_way == 0 && now_ns >= gate->due_ns;
	return gate->under_way < GATE_REQUESTS_MAX;
}

void gate_begin(struct gate *gate)
{
	gate->under_way++;
}

bool err_is_passing(const struct err *err)
{
	return err && (err->code == ERR_TRANSIENT || err->code == ERR_TIMEOUT);
}

void gate_end(struct gate *gate, const struct err *err, int64_t asked_to_wait_ms, int64_t now_ns)
{
	assert(gate->under_way);
	gate->under_way--;
	if (!err_is_passing(err)) {
		if (gate->was_told)
			log_info("%s answers again", gate->name);
		gate->failures = 0;
		gate->was_told = false;
		return;
	}
	gate->failures++;
	int64_t ms = wait_ms(gate->failures, GATE_MOST_MS);
	if (asked_to_wait_ms > ms)
		ms = asked_to_wait_ms;
	gate->due_ns = now_ns + ms * NS_PER_MS;
	if (gate->failures < DOWN_AFTER || gate->was_told)
		return;
	gate->was_told = true;
	log_warning(
	    "%s does not answer (%s): what is due there waits until it does", gate->name, err->msg);
}
