/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/markdown.h"

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"
#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes that can begin something in Markdown, HTML or Gitea's own additions ($math$). */
static bool is_active(unsigned char c)
{
	return c && strchr("\\`*_[]<>&|~$", c);
}

/* U+202A to 202E, U+2066 to 2069: they would turn the text around them. */
static bool turns_text(const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] != 0xe2)
		return false;
	return (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
	       (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

/*
 * Gitea looks for @names, #1, !1 and addresses in the rendered text too, where an entity is the
 * character again. So the character stays and its neighbour is moved away by a zero width space.
 */
static bool needs_space_after(const char *text, const char *at)
{
	switch (*at) {
	case '@':
		return true;
	case '#':
	case '!':
		return at[1] >= '0' && at[1] <= '9';
	case ':':
		return at[1] == '/' || at[1] == '\\';
	case '.':
		return at - text >= 3 && strncasecmp(at - 3, "www", 3) == 0;
	default:
		return false;
	}
}

static int add_plain_char(struct buf *out, const char *text, const char **at)
{
	unsigned char c = (unsigned char)**at;

	if (turns_text(*at)) {
		*at += 3;
		return buf_add_text(out, REPLACEMENT);
	}
	const char *from = (*at)++;
	if (c < 0x20 || c == 0x7f)
		return buf_add_char(out, ' ');
	if (is_active(c))
		return buf_printf(out, "&#%u;", c);
	if (buf_add_char(out, (char)c) < 0)
		return -1;
	return needs_space_after(text, from) ? buf_add_text(out, ZERO_WIDTH_SPACE) : 0;
}

int markdown_add_plain(struct buf *out, const char *text)
{
	for (const char *at = text; *at;) {
		if (add_plain_char(out, text, &at) < 0)
			return -1;
	}
	return 0;
}

void markdown_add_cut(struct buf *out, const char *text, size_t max_bytes)
{
	size_t length = text_head(text, max_bytes);
	auto_str char *shown = xstrndup(text, length);

	(void)markdown_add_plain(out, shown);
	if (text[length])
		(void)buf_add_text(out, "…");
}

/* A fence one longer than the longest run of backticks within. */
static size_t fence_length(const char *text)
{
	size_t longest = 2;

	for (const char *at = strchr(text, '`'); at; at = strchr(at, '`')) {
		size_t run = strspn(at, "`");

		if (run > longest)
			longest = run;
		at += run;
	}
	return longest + 1;
}

static int add_fence(struct buf *out, size_t length, const char *rest)
{
	for (size_t i = 0; i < length; i++) {
		if (buf_add_char(out, '`') < 0)
			return -1;
	}
	return buf_add_text(out, rest);
}

int markdown_add_block(struct buf *out, const char *text, size_t max_bytes)
{
	const char *from = text_tail(text, max_bytes);

	if (from > text && from[-1] != '\n') {
		const char *line = strchr(from, '\n');

		from = line ? line + 1 : from;
	}
	size_t fence = fence_length(from);
	if (add_fence(out, fence, "text\n") < 0)
		return -1;
	for (const char *at = from; *at;) {
		unsigned char c = (unsigned char)*at;
		bool is_odd = turns_text(at);
		int result = is_odd ? buf_add_text(out, REPLACEMENT)
			     : (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f
				 ? buf_add_char(out, ' ')
				 : buf_add_char(out, (char)c);

		if (result < 0)
			return -1;
		at += is_odd ? 3 : 1;
	}
	if (*from && !text_ends(from, "\n") && buf_add_char(out, '\n') < 0)
		return -1;
	return add_fence(out, fence, "\n");
}

void markdown_add_code(struct buf *out, const char *text)
{
	(void)buf_add_char(out, '`');
	for (const char *at = text; *at; at++)
		(void)buf_add_char(out, *at == '`' || (unsigned char)*at < 0x20 ? '?' : *at);
	(void)buf_add_char(out, '`');
}
