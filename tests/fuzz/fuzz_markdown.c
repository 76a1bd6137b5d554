/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside in our comment: whatever it is, nothing of it can begin a mention, a reference,
 * a link, a tag, a table cell, a code span or a comment, and it cannot leave its code block.
 */
#include "bridge/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Entities of ours are digits between "&#" and ";"; any other active byte is a hole. */
static void check_plain(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == '&') {
			size_t digits = strspn(at + 2, "0123456789");

			if (at[1] != '#' || !digits || at[2 + digits] != ';')
				abort();
			at += 2 + digits;
			continue;
		}
		if (strchr("\\`*_[]<>|~$", *at) || (unsigned char)*at < 0x20)
			abort();
		if (*at == '@' && (unsigned char)at[1] != 0xe2)
			abort();
		if (strchr("#!", *at) && at[1] >= '0' && at[1] <= '9')
			abort();
		if (text_starts(at, "://"))
			abort();
	}
}

/* Exactly two fences, the first and the last line; none between is as long. */
static void check_block(const char *text)
{
	size_t fence = strspn(text, "`");
	const char *line = strchr(text, '\n');

	if (fence < 3 || !line)
		abort();
	for (line++; *line;) {
		size_t run = strspn(line, "`");
		const char *end = strchr(line, '\n');

		if (!end)
			abort();
		if (run >= fence && (run != fence || end[1]))
			abort();
		line = end + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *text = xstrndup((const char *)data, size);
	AUTO(buf) plain = buf_make(16 * 1024 * 1024);
	AUTO(buf) block = buf_make(16 * 1024 * 1024);

	if (markdown_add_plain(&plain, text) < 0 || markdown_add_block(&block, text, 512) < 0)
		abort();
	check_plain(buf_text(&plain));
	check_block(buf_text(&block));
	return 0;
}
