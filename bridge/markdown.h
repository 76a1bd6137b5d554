/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside in a Markdown of ours: whatever it is, it never acts. No mention, link,
 * reference, tag, table cell or fence comes out of it. Pure.
 *
 *   markdown_add_plain(&out, stage->reason);
 *   markdown_add_block(&out, stage->evidence, 4096);
 *
 * The rules are those of GitHub Flavored Markdown 0.29 and of what Gitea adds to it.
 */
#ifndef CCCI_BRIDGE_MARKDOWN_H
#define CCCI_BRIDGE_MARKDOWN_H

#include "common/buf.h"

/* Text from outside as plain text within a line. Same errors as buf_add(). */
int markdown_add_plain(struct buf *out, const char *text);
/* The same, cut: names and reasons of a run that went wild still leave a comment the forge takes.
 */
void markdown_add_cut(struct buf *out, const char *text, size_t max_bytes);
/* A code span: for words that are to be copied. Backticks and line ends have no business there. */
void markdown_add_code(struct buf *out, const char *text);
/* Lines from outside as a code block that they cannot leave: the last max_bytes, whole lines. */
int markdown_add_block(struct buf *out, const char *text, size_t max_bytes);

#endif
