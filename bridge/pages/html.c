/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/html.h"

#include "bridge/tell/clean.h"
#include "common/json.h"

struct html html_make(void)
{
	return (struct html){.out = buf_make(HTML_MAX_BYTES)};
}

void html_release(struct html *html)
{
	buf_release(&html->out);
}

/* --- what is written --- */

/* What does not fit is seen at the end, by html_is_whole(). */
static void add(struct html *html, const char *text)
{
	(void)buf_add_text(&html->out, text);
}

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void add_escaped(struct html *html, const char *text, size_t length)
{
	const char *end = text + length;

	for (const char *at = text; at < end; at++) {
		const char *from = at;

		while (at < end && !entity_of(*at))
			at++;
		(void)buf_add(&html->out, from, (size_t)(at - from));
		if (at < end)
			add(html, entity_of(*at));
	}
}

static bool is_plain(const char *text)
{
	while (*text >= 0x20 && *text <= 0x7e)
		text++;
	return !*text;
}

/* Nearly all that we write is plain; else it is cleaned and made good UTF-8. */
static void add_good(struct html *html, const char *text, const char *kept)
{
	if (is_plain(text)) {
		add_escaped(html, text, strlen(text));
		return;
	}
	auto_str char *clean = clean_text(text, kept);
	auto_str char *good = json_repair(clean);

	add_escaped(html, good, strlen(good));
}

/* --- elements --- */

/*
 * A page of ours by a path that stays here, or another site. Source: WHATWG URL: blanks and control
 * characters around and in an address are dropped, a backslash is a slash. DEL would be a blank
 * when it is written.
 */
static bool is_good_address(const char *address)
{
	if (text_starts(address, "https://") || text_starts(address, "http://"))
		return true;
	for (const char *at = address; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\')
			return false;
	}
	return address[strcspn(address, ":/?#")] != ':' && !text_starts(address, "//");
}

static bool is_wanted(const char *name, const char *value)
{
	bool is_address = text_is(name, "href") || text_is(name, "src");

	return value && (!is_address || is_good_address(value));
}

static void add_attribute(struct html *html, const char *name, const char *value)
{
	add(html, " ");
	add(html, name);
	add(html, "=\"");
	add_good(html, value, "");
	add(html, "\"");
}

static void add_tag(struct html *html, const char *name, va_list attributes)
{
	add(html, "<");
	add(html, name);
	for (const char *attribute = va_arg(attributes, const char *); attribute;
	     attribute = va_arg(attributes, const char *)) {
		const char *value = va_arg(attributes, const char *);

		if (is_wanted(attribute, value))
			add_attribute(html, attribute, value);
	}
}

void html_doctype(struct html *html)
{
	add(html, "<!DOCTYPE html>\n");
}

void html_begin(struct html *html, const char *name, ...)
{
	va_list attributes;

	assert(html->depth < HTML_DEPTH_MAX);
	va_start(attributes, name);
	add_tag(html, name, attributes);
	va_end(attributes);
	add(html, ">");
	html->open[html->depth++] = name;
}

void html_empty(struct html *html, const char *name, ...)
{
	va_list attributes;

	va_start(attributes, name);
	add_tag(html, name, attributes);
	va_end(attributes);
	add(html, "/>");
}

/* Ends of lines where blocks end, so that the source can be read. */
static bool ends_line(const char *name)
{
	static const char *const names[] = {"head", "title", "style", "header", "nav", "main",
	    "section", "footer", "h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead", "tbody",
	    "tr", "dl", "div", "figure", "details", "summary", "html", "body", "svg"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (text_is(names[i], name))
			return true;
	}
	return false;
}

void html_end(struct html *html)
{
	assert(html->depth > 0);
	const char *name = html->open[--html->depth];

	add(html, "</");
	add(html, name);
	add(html, ends_line(name) ? ">\n" : ">");
}

/* --- texts --- */

PRINTF_LIKE(2, 0)
static void add_formatted(struct html *html, const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		abort();
	add_good(html, text, "\n\t");
	free(text);
}

void html_text(struct html *html, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(html, format, args);
	va_end(args);
}

void html_say(struct html *html, const char *name, const char *format, ...)
{
	va_list args;

	html_begin(html, name, NULL);
	va_start(args, format);
	add_formatted(html, format, args);
	va_end(args);
	html_end(html);
}

void html_style(struct html *html, const char *css)
{
	assert(!strchr(css, '<'));
	html_begin(html, "style", NULL);
	add(html, css);
	html_end(html);
}

/* Its direction ends with it. */
static void add_outside(struct html *html, const char *clean)
{
	auto_str char *good = json_repair(clean);

	html_begin(html, "bdi", NULL);
	add_escaped(html, good, strlen(good));
	html_end(html);
}

void html_outside(struct html *html, const char *text, size_t max_bytes)
{
	auto_str char *shown = clean_head(text, max_bytes);

	add_outside(html, shown);
}

void html_outside_lines(struct html *html, const char *text, size_t max_bytes)
{
	auto_str char *shown = clean_tail(text, max_bytes);

	add_outside(html, shown);
}

void html_outside_code(struct html *html, const char *text, size_t max_bytes)
{
	auto_str char *shown = clean_head(text, max_bytes);
	auto_str char *good = json_repair(shown);

	html_begin(html, "bdi", NULL);
	for (const char *at = good; *at;) {
		const char *code = at + strcspn(at, "`");
		const char *end = *code ? strchr(code + 1, '`') : NULL;

		add_escaped(html, at, end ? (size_t)(code - at) : strlen(at));
		if (!end)
			break;
		html_begin(html, "code", NULL);
		add_escaped(html, code + 1, (size_t)(end - code - 1));
		html_end(html);
		at = end + 1;
	}
	html_end(html);
}

bool html_is_whole(const struct html *html)
{
	return !html->depth && !html->out.was_truncated;
}
