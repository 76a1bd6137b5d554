/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results document as the bridge finds it in a log. What is refused has a message; what is
 * taken is stable: encode, decode, encode gives the same text, within its maximum, and can be
 * printed.
 */
#include "common/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stable(const struct results *results)
{
	AUTO(results) again = {0};
	AUTO(buf) table = buf_make(4 * RESULTS_MAX_BYTES);
	struct err err;
	auto_str char *first = results_encode(results);

	assert(strlen(first) <= RESULTS_MAX_BYTES && !strchr(first, '\n'));
	if (results_decode(first, strlen(first), &again, &err) < 0)
		abort();
	auto_str char *second = results_encode(&again);
	assert(text_is(first, second));
	table_print(results, 0, &table);
	assert(!strchr(buf_text(&table), '\x1b'));
	assert(!strstr(buf_text(&table), "\n" RESULTS_BEGIN "\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(results) results = {0};
	struct err err = {.code = ERR_NONE};
	const char *text = (const char *)data;

	if (results_find(text, size, &results, &err) == 0 ||
	    results_decode(text, size, &results, &err) == 0)
		check_stable(&results);
	else
		assert(err.code == ERR_PROTOCOL && err.msg[0]);
	return 0;
}
