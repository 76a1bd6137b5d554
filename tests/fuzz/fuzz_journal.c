/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a journal: read without a fault, and what was read is written back as it was. */
#include "common/base.h"
#include "runner-plugin/run/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	AUTO(journal) journal = {0};
	struct err err = {0};
	size_t at = 0;
	size_t open_count = 0;

	if (journal_decode(text, size, &journal, &err) < 0) {
		assert(err.code == ERR_PROTOCOL && err.msg[0]);
		return 0;
	}
	for (size_t i = 0; i < journal.count; i++) {
		auto_str char *line = journal_encode(&journal.entries[i]);

		assert(size - at >= strlen(line) && memcmp(text + at, line, strlen(line)) == 0);
		at += strlen(line);
	}
	assert(journal.had_torn_tail == (at < size));
	size_t *open = journal_open_entries(&journal, &open_count);
	assert(open_count <= journal.count);
	free(open);
	return 0;
}
