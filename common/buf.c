/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/buf.h"

struct buf buf_make(size_t max_bytes)
{
	return (struct buf){.max_bytes = max_bytes};
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
	size_t max_bytes = buf->max_bytes;

	buf_release(buf);
	buf->max_bytes = max_bytes;
}

static void make_room(struct buf *buf, size_t length)
{
	size_t need = buf->length + length + 1;
	size_t room = buf->room ? buf->room : 64;

	if (need <= buf->room)
		return;
	while (room < need)
		room *= 2;
	buf->data = xrealloc_array(buf->data, room, 1);
	buf->room = room;
}

int buf_add(struct buf *buf, const void *data, size_t length)
{
	if (length > buf->max_bytes || buf->length > buf->max_bytes - length) {
		buf->was_truncated = true;
		return -1;
	}
	make_room(buf, length);
	if (length)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
	return 0;
}

int buf_add_text(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		abort();
	int result = buf_add(buf, text, (size_t)length);
	free(text);
	return result;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int buf_add_base64(struct buf *buf, const void *data, size_t length)
{
	const unsigned char *from = data;
	auto_str char *out = xcalloc((length + 2) / 3 * 4 + 1, 1);
	char *to = out;

	for (size_t i = 0; i < length; i += 3) {
		unsigned bits = (unsigned)from[i] << 16;

		if (i + 1 < length)
			bits |= (unsigned)from[i + 1] << 8;
		if (i + 2 < length)
			bits |= from[i + 2];
		*to++ = digits[bits >> 18 & 63];
		*to++ = digits[bits >> 12 & 63];
		*to++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
		*to++ = i + 2 < length ? digits[bits & 63] : '=';
	}
	return buf_add(buf, out, (size_t)(to - out));
}

int buf_add_from_base64(struct buf *buf, const char *text)
{
	auto_str char *out = xcalloc(strlen(text) + 1, 1);
	unsigned bits = 0;
	int count = 0;
	size_t used = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return -1;
		bits = bits << 6 | (unsigned)(digit - digits);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		out[used++] = (char)(bits >> count & 255);
	}
	return buf_add(buf, out, used);
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *text = buf->data ? buf->data : xstrdup("");

	buf->data = NULL;
	buf_clear(buf);
	return text;
}

void buf_drop_front(struct buf *buf, size_t length)
{
	assert(length <= buf->length);
	if (!length)
		return;
	memmove(buf->data, buf->data + length, buf->length - length + 1);
	buf->length -= length;
}
