/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte string with a maximum given at its birth; always NUL-terminated behind its last
 * byte.
 *
 *   AUTO(buf) body = buf_make(MAX_WEBHOOK_BYTES);
 *   if (buf_add(&body, data, length) < 0)
 *           ... it would have passed the maximum: nothing was added, body.was_truncated is set
 *
 * The zero value is an empty buffer that can hold nothing.
 */
#ifndef CCCI_BUF_H
#define CCCI_BUF_H

#include "common/base.h"

struct buf {
	char *data; /* owned; NULL while empty: read with buf_text() */
	size_t length;
	size_t room;
	size_t max_bytes;
	bool was_truncated; /* something did not fit */
};

struct buf buf_make(size_t max_bytes);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* empty again; keeps the maximum */

/* 0, or -1 when it would pass the maximum: then nothing is added and was_truncated is set. */
int buf_add(struct buf *buf, const void *data, size_t length);
int buf_add_text(struct buf *buf, const char *text);
int buf_add_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Padded, with the alphabet of RFC 4648, section 4. */
int buf_add_base64(struct buf *buf, const void *data, size_t length);
/* The bytes that such letters stand for, to their end or the first "="; -1 also when they are none.
 */
int buf_add_from_base64(struct buf *buf, const char *text);

const char *buf_text(const struct buf *buf); /* borrowed; "" while empty */
char *buf_take(struct buf *buf) CHECKED;     /* the caller frees it; the buffer is empty again */

/* Drops bytes at the front, so that a buffer can serve as a stream. */
void buf_drop_front(struct buf *buf, size_t length);

DEFINE_AUTO(buf, buf_release);

#endif
