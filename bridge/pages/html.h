/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTML and SVG, written so that nothing in it acts but what is written here: texts and attributes
 * are escaped, elements are closed in the order they were begun, and there is no way to add markup
 * as text. Pure.
 *
 *   AUTO(html) html = html_make();
 *   html_begin(&html, "a", "href", "runs/41", NULL);       name and value in turn, NULL ends them
 *   html_text(&html, "build %lld", build);
 *   html_end(&html);
 *
 * Two kinds of text: ours, and text from outside, which may be anything. The latter is cleaned
 * (clean.h), of good UTF-8, cut, and its direction ends with it. An address in href or src that is
 * neither one of our own pages nor http(s) is left out. Names of elements and attributes are ours.
 */
#ifndef CCCI_BRIDGE_PAGES_HTML_H
#define CCCI_BRIDGE_PAGES_HTML_H

#include "common/buf.h"

#define HTML_DEPTH_MAX 24
#define HTML_MAX_BYTES (4 * 1024 * 1024) /* a results document, each byte of it an entity */

struct html {
	struct buf out;
	const char *open[HTML_DEPTH_MAX]; /* elements that were begun */
	size_t depth;
};

struct html html_make(void) CHECKED;
void html_release(struct html *html);
DEFINE_AUTO(html, html_release);

/* A document's first line. */
void html_doctype(struct html *html);
/* An attribute whose value is NULL is left out. */
void html_begin(struct html *html, const char *name, ...) __attribute__((sentinel));
void html_empty(struct html *html, const char *name, ...) __attribute__((sentinel));
void html_end(struct html *html);

/* Ours. */
void html_text(struct html *html, const char *format, ...) PRINTF_LIKE(2, 3);
/* An element without attributes that holds one text of ours. */
void html_say(struct html *html, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
/* The one text that is not escaped: our own style sheet, which has no "<" in it. */
void html_style(struct html *html, const char *css);

/* From outside: one line of it, or the last whole lines that fit. */
void html_outside(struct html *html, const char *text, size_t max_bytes);
void html_outside_lines(struct html *html, const char *text, size_t max_bytes);
/* The same, but what stands between two backticks is code. */
void html_outside_code(struct html *html, const char *text, size_t max_bytes);

/* Nothing is open any more, and all of it fitted. */
bool html_is_whole(const struct html *html);

#endif
