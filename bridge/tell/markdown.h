/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside in a Markdown of ours: whatever it is, it never acts. No mention, link,
 * reference, tag, heading, list, table cell or fence comes out of it, wherever in a line it
 * stands; nothing turns the text around it or moves a cursor. Pure.
 *
 *   markdown_add_text(&out, stage->reason, 500);
 *   markdown_add_block(&out, stage->evidence, 4096);
 *
 * All of them leave out a terminal's colours; other control characters become blanks, and what
 * turns the direction of text becomes U+FFFD. max_bytes counts bytes of the text, before they are
 * quoted; "…" stands for what was cut. Same errors as buf_add().
 *
 * Source    GitHub Flavored Markdown 0.29; what Gitea 1.26 adds in the rendered text: @name, #1,
 *           !1, [[page]], :emoji:, addresses, $math$, definition lists.
 */
#ifndef CCCI_BRIDGE_MARKDOWN_H
#define CCCI_BRIDGE_MARKDOWN_H

#include "common/buf.h"

/* As plain text of one line, also where Markdown is not read, as between tags. */
int markdown_add_plain(struct buf *out, const char *text, size_t max_bytes);
/* The same, but what stands between two backticks is code. */
int markdown_add_text(struct buf *out, const char *text, size_t max_bytes);
/* As code: words that are to be copied. */
int markdown_add_code(struct buf *out, const char *text);
/* As a block of code: the last lines that fit max_bytes, whole. */
int markdown_add_block(struct buf *out, const char *text, size_t max_bytes);

#endif
