/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/clean.h"

#include "common/buf.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* The length of a terminal's control sequence; 0: none. Source: ECMA-48, 5.4. */
static size_t escape_length(const char *at)
{
	size_t length = 2;

	if (at[0] != '\x1b' || at[1] != '[')
		return 0;
	while (at[length] >= 0x20 && at[length] <= 0x3f)
		length++;
	return at[length] >= 0x40 && at[length] <= 0x7e ? length + 1 : 0;
}

/* The length of a character that controls a terminal or turns the text around it; 0: none. */
static size_t controlling_length(const char *at)
{
	static const struct {
		const char *first, *last;
	} ranges[] = {
	    {"\xc2\x80", "\xc2\x9f"},	      /* U+0080 to 009F: C1 */
	    {"\xd8\x9c", "\xd8\x9c"},	      /* U+061C: a mark of direction */
	    {"\xe2\x80\x8e", "\xe2\x80\x8f"}, /* U+200E, 200F: marks of direction */
	    {"\xe2\x80\xa8", "\xe2\x80\xae"}, /* U+2028 to 202E: line ends, direction */
	    {"\xe2\x81\xa6", "\xe2\x81\xa9"}, /* U+2066 to 2069: direction */
	};

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		size_t length = strlen(ranges[i].first);

		if (strncmp(at, ranges[i].first, length) >= 0 &&
		    strncmp(at, ranges[i].last, length) <= 0)
			return length;
	}
	return 0;
}

static char *without_escapes(const char *text)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	for (const char *at = text; *at;) {
		size_t escape = escape_length(at);

		if (!escape)
			(void)buf_add_char(&out, *at);
		at += escape ? escape : 1;
	}
	return buf_take(&out);
}

/* Escapes first, as the bytes around one may be a character that controls. */
char *clean_text(const char *raw, const char *kept)
{
	auto_str char *text = without_escapes(raw);
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	for (const char *at = text; *at;) {
		size_t controlling = controlling_length(at);
		unsigned char c = (unsigned char)*at;

		if (controlling) {
			at += controlling;
			(void)buf_add_text(&out, REPLACEMENT);
		} else if (text_starts(at, "\r\n")) {
			at++;
		} else {
			bool is_shown = (c >= 0x20 && c != 0x7f) || strchr(kept, c);

			(void)buf_add_char(&out, is_shown ? *at : ' ');
			at++;
		}
	}
	return buf_take(&out);
}

char *clean_head(const char *text, size_t max_bytes)
{
	auto_str char *whole = clean_text(text, "");
	size_t length = text_head(whole, max_bytes);

	return xasprintf("%.*s%s", (int)length, whole, whole[length] ? "…" : "");
}

char *clean_tail(const char *text, size_t max_bytes)
{
	auto_str char *whole = clean_text(text, "\n\t");
	const char *from = text_tail(whole, max_bytes);

	if (from > whole && from[-1] != '\n') {
		const char *line = strchr(from, '\n');

		from = line ? line + 1 : from;
	}
	return xstrdup(from);
}
