/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside in a page: whatever it is, the only elements are ours, nothing leaves its
 * element or its attribute, and it is good UTF-8 without what controls or turns text.
 */
#include "bridge/pages/html.h"
#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const tags[] = {"<p title=\"", "<a href=\"", "<a>", "</a>", "<code>", "</code>",
    "<bdi>", "</bdi>", "</p>\n", "<pre>", "</pre>"};

/* The tag of ours at "at", or none. */
static size_t tag_length(const char *at)
{
	for (size_t i = 0; i < COUNT_OF(tags); i++) {
		if (text_starts(at, tags[i]))
			return strlen(tags[i]);
	}
	return 0;
}

static void check_entity(const char *at)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < COUNT_OF(entities); i++) {
		if (text_starts(at, entities[i]))
			return;
	}
	abort();
}

/* Behind a value of an attribute: its end. */
static const char *check_value(const char *at)
{
	for (; *at != '"'; at++) {
		if (!*at || strchr("<>'\n", *at))
			abort();
		if (*at == '&')
			check_entity(at);
	}
	if (at[1] != '>')
		abort();
	return at + 2;
}

static void check(const char *text)
{
	auto_str char *good = json_repair(text);

	if (!text_is(text, good) || strstr(text, "\xe2\x80\xae") || strchr(text, '\x1b'))
		abort();
	for (const char *at = text; *at;) {
		size_t length = tag_length(at);

		if (strchr("<>\"'", *at) && !length)
			abort();
		if (*at == '&')
			check_entity(at);
		at += length ? length : 1;
		if (length && at[-1] == '"')
			at = check_value(at);
	}
}

/* No address leads anywhere but to a page of ours or to another site. */
static void check_address(const char *text)
{
	const char *href = strstr(text, "<a href=\"");

	if (!href)
		return;
	href += strlen("<a href=\"");
	if (text_starts(href, "http://") || text_starts(href, "https://"))
		return;
	if (href[strcspn(href, ":/?#\"")] == ':' || text_starts(href, "//") || *href == ' ')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *text = xstrndup((const char *)data, size);
	AUTO(html) html = html_make();

	html_begin(&html, "p", "title", text, NULL);
	html_outside(&html, text, SIZE_MAX);
	html_begin(&html, "a", "href", text, NULL);
	html_outside_code(&html, text, 512);
	html_end(&html);
	html_begin(&html, "pre", NULL);
	html_outside_lines(&html, text, 512);
	html_end(&html);
	html_text(&html, "%s", text);
	html_end(&html);
	if (html_is_whole(&html)) {
		check(buf_text(&html.out));
		check_address(buf_text(&html.out));
	}
	return 0;
}
