/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/markdown.h"

#include "bridge/tell/clean.h"

#include <ctype.h>

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"
#define LIST_DIGITS_MAX 9 /* of a list's number; GFM 5.2 */

/* --- within a line --- */

/* Bytes that can begin something in Markdown, HTML or Gitea's own additions ($math$). */
static bool is_active(char c)
{
	return strchr("\\`*_[]<>&|~$", c) != NULL;
}

/* ":tada:", but not the minutes of "12:30:45". */
static bool begins_emoji(const char *at)
{
	size_t length = 1;
	bool has_word = false;

	while (isalnum((unsigned char)at[length]) || (at[length] && strchr("_+-", at[length]))) {
		has_word = has_word || !isdigit((unsigned char)at[length]);
		length++;
	}
	return has_word && at[length] == ':';
}

/*
 * Gitea looks for names, references and addresses in the rendered text too, where an entity is the
 * character again. So the character stays and its neighbour is moved away by a zero width space.
 */
static bool needs_space_after(const char *text, const char *at)
{
	switch (*at) {
	case '@':
		return true;
	case '#':
	case '!':
		return isdigit((unsigned char)at[1]);
	case '[':
		return at[1] == '[';
	case ':':
		return at[1] == '/' || at[1] == '\\' || begins_emoji(at);
	case '.':
		return at - text >= 3 && strncasecmp(at - 3, "www", 3) == 0;
	default:
		return false;
	}
}

/* --- at the start of a line --- */

static bool begins_line(const struct buf *out, size_t length)
{
	return !length || out->data[length - 1] == '\n';
}

/* Whether all that stands in the line is the number that a list could begin with. */
static bool is_after_number(const struct buf *out)
{
	size_t at = out->length;

	while (
	    at && out->length - at < LIST_DIGITS_MAX && isdigit((unsigned char)out->data[at - 1]))
		at--;
	return at < out->length && begins_line(out, at);
}

/* Heading, rule, list, term of a list; blanks that would make it code are left out. */
static bool begins_block(const struct buf *out, char c)
{
	return begins_line(out, out->length) ? strchr("#+-=:", c) != NULL
					     : strchr(".)", c) && is_after_number(out);
}

/* --- plain text --- */

static int add_entity(struct buf *out, char c)
{
	return buf_printf(out, "&#%u;", (unsigned char)c);
}

/* The character at "at" of a clean text. */
static int add_plain_char(struct buf *out, const char *text, const char *at)
{
	int added = 0;

	if (*at == ' ' && begins_line(out, out->length))
		return 0;
	if (is_active(*at) || begins_block(out, *at))
		added = add_entity(out, *at);
	else
		added = buf_add_char(out, *at);
	if (added < 0)
		return -1;
	return needs_space_after(text, at) ? buf_add_text(out, ZERO_WIDTH_SPACE) : 0;
}

static int add_plain_until(struct buf *out, const char *text, const char *at, const char *end)
{
	for (; at < end; at++) {
		if (add_plain_char(out, text, at) < 0)
			return -1;
	}
	return 0;
}

int markdown_add_plain(struct buf *out, const char *text, size_t max_bytes)
{
	auto_str char *shown = clean_head(text, max_bytes);

	return add_plain_until(out, shown, shown, shown + strlen(shown));
}

/* --- code within a line --- */

static int add_wrapped(
    struct buf *out, const char *before, const char *from, const char *to, const char *after)
{
	if (buf_add_text(out, before) < 0 || buf_add(out, from, (size_t)(to - from)) < 0)
		return -1;
	return buf_add_text(out, after);
}

/*
 * A code span cannot hold what ends a table's cell; its tag can. Markdown is read between tags, so
 * all that acts is an entity there; a space would go along when the words are copied.
 */
static int add_tagged(struct buf *out, const char *from, const char *to)
{
	if (buf_add_text(out, "<code>") < 0)
		return -1;
	for (const char *at = from; at < to; at++) {
		bool acts = is_active(*at) || needs_space_after(from, at);

		if ((acts ? add_entity(out, *at) : buf_add_char(out, *at)) < 0)
			return -1;
	}
	return buf_add_text(out, "</code>");
}

static int add_code_until(struct buf *out, const char *from, const char *to)
{
	return memchr(from, '|', (size_t)(to - from)) ? add_tagged(out, from, to)
						      : add_wrapped(out, "`", from, to, "`");
}

/* The backtick that closes what the one at "at" opens; NULL: it opens nothing. */
static const char *code_end(const char *at)
{
	const char *end = strchr(at + 1, '`');

	return end && end > at + 1 && end[1] != '`' ? end : NULL;
}

int markdown_add_text(struct buf *out, const char *text, size_t max_bytes)
{
	auto_str char *shown = clean_head(text, max_bytes);

	for (const char *at = shown; *at;) {
		const char *code = at + strcspn(at, "`");

		if (add_plain_until(out, shown, at, code) < 0)
			return -1;
		if (!*code)
			return 0;
		const char *closing = code_end(code);
		at = closing ? closing + 1 : code + strspn(code, "`");
		int added = closing ? add_code_until(out, code + 1, closing)
				    : add_plain_until(out, shown, code, at);

		if (added < 0)
			return -1;
	}
	return 0;
}

int markdown_add_code(struct buf *out, const char *text)
{
	auto_str char *shown = clean_text(text, "");

	for (char *at = strchr(shown, '`'); at; at = strchr(at, '`'))
		*at = '?';
	return add_wrapped(out, "`", shown, shown + strlen(shown), "`");
}

/* --- blocks --- */

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

int markdown_add_block(struct buf *out, const char *text, size_t max_bytes)
{
	auto_str char *from = clean_tail(text, max_bytes);
	size_t length = fence_length(from);
	auto_str char *fence = xcalloc(length + 1, 1);
	memset(fence, '`', length);
	if (buf_printf(out, "%stext\n", fence) < 0 || buf_add_text(out, from) < 0)
		return -1;
	if (*from && !text_ends(from, "\n") && buf_add_char(out, '\n') < 0)
		return -1;
	return buf_printf(out, "%s\n", fence);
}
