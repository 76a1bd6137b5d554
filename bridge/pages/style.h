/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one style sheet of all pages, and its hash, which is all that the Content-Security-Policy
 * lets a browser take for style. Pure.
 *
 *   style_write_css(&css);
 *   style_write_policy(hash, &header);
 *
 * Its colours stand in it once for light and once for dark, as custom properties that are called by
 * what they are for; a test holds each pair of text and ground to WCAG AA.
 */
#ifndef CCCI_BRIDGE_PAGES_STYLE_H
#define CCCI_BRIDGE_PAGES_STYLE_H

#include "common/buf.h"

#define STYLE_MAX_BYTES (16 * 1024)

void style_write_css(struct buf *out);
/*
 * The value of Content-Security-Policy: our style and our own pictures, and nothing else. hash: the
 * style sheet's SHA-256 in hex.
 */
void style_write_policy(const char *hash, struct buf *out);
/* The picture in a browser's tab, an SVG. */
const char *style_icon(void);

#endif
