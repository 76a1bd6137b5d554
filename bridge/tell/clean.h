/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text from outside as people may see it, whatever it is then written in: nothing of it colours a
 * terminal, moves a cursor or turns the text around it. Pure.
 *
 *   auto_str char *line = clean_head(stage->reason, 500);
 *   auto_str char *lines = clean_tail(stage->evidence, 4096);
 *
 * It comes before any quoting, so that nothing is found only once what hid it is gone. A terminal's
 * colours are left out, other control characters become blanks, and what turns the direction of
 * text becomes U+FFFD. max_bytes counts bytes of what is clean. The caller frees the text.
 */
#ifndef CCCI_BRIDGE_CLEAN_H
#define CCCI_BRIDGE_CLEAN_H

#include "common/base.h"

/* kept: control characters that stay. */
char *clean_text(const char *raw, const char *kept) CHECKED;
char *clean_head(const char *text, size_t max_bytes) CHECKED; /* one line, "…" for what was cut */
char *clean_tail(const char *text, size_t max_bytes) CHECKED; /* the last whole lines that fit */

#endif
