/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside in our comment: whatever it is, nothing of it can begin a mention, a reference,
 * a link, a tag, a table cell, a heading, a list or a comment, and it cannot leave its code.
 */
#include "bridge/tell/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_our_space(const char *at)
{
	return text_starts(at, "\xe2\x80\x8b");
}

/* The character at "at" of a line; entities of ours are digits between "&#" and ";". */
static const char *check_character(const char *at)
{
	if (strchr("\\`*_[]<>|~$", *at) || (unsigned char)*at < 0x20)
		abort();
	if (*at == '@' && !is_our_space(at + 1))
		abort();
	if (strchr("#!", *at) && at[1] >= '0' && at[1] <= '9')
		abort();
	if (text_starts(at, "://") || text_starts(at, "\xe2\x80\xae"))
		abort();
	if (*at != '&')
		return at + 1;
	size_t digits = strspn(at + 2, "0123456789");
	if (at[1] != '#' || !digits || at[2 + digits] != ';')
		abort();
	return at + 2 + digits + 1;
}

/* Code of ours ends before anything that would end a cell or a line. */
static const char *check_code(const char *at)
{
	const char *end = strchr(at + 1, '`');

	if (!end || end == at + 1 || end[1] == '`')
		abort();
	for (at++; at < end; at++) {
		if (*at == '|' || (unsigned char)*at < 0x20)
			abort();
	}
	return end + 1;
}

/* "[[page]]" is looked for in what was rendered, but not in code. */
static void check_plain(const char *text)
{
	if (strstr(text, "&#91;&#91;"))
		abort();
	for (const char *at = text; *at;)
		at = check_character(at);
}

static void check_text(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (*text && strchr("#+-=: ", *text))
		abort();
	if (digits && digits <= 9 && text[digits] && strchr(".)", text[digits]))
		abort();
	bool is_code = false;
	for (const char *at = text; *at;) {
		if (*at == '`') {
			at = check_code(at);
		} else if (text_starts(at, is_code ? "</code>" : "<code>")) {
			is_code = !is_code;
			at = strchr(at, '>') + 1;
		} else if (!is_code && text_starts(at, "&#91;&#91;")) {
			abort();
		} else {
			at = check_character(at);
		}
	}
	if (is_code)
		abort();
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
	AUTO(buf) line = buf_make(16 * 1024 * 1024);
	AUTO(buf) block = buf_make(16 * 1024 * 1024);

	if (markdown_add_plain(&plain, text, SIZE_MAX) < 0 ||
	    markdown_add_text(&line, text, SIZE_MAX) < 0 ||
	    markdown_add_block(&block, text, 512) < 0)
		abort();
	check_plain(buf_text(&plain));
	check_text(buf_text(&line));
	check_block(buf_text(&block));
	return 0;
}
