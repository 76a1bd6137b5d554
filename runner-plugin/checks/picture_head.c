/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/picture_head.h"

/* And the head of the chunk that is first. */
#define PNG_SIGNATURE "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define PNG_SIGNATURE_BYTES 16
#define PNG_HEAD_BYTES 24

#define JPEG_START 0xd8
#define JPEG_END 0xd9
#define JPEG_SCAN 0xda /* begins the pixels: a frame stands before it */
#define JPEG_FRAME_FIRST 0xc0
#define JPEG_FRAME_LAST 0xcf
#define JPEG_FRAME_BYTES 7 /* length, precision, height, width */

const struct picture_kind picture_kinds[] = {{"image/png", ".png"}, {"image/jpeg", ".jpg"}};
const size_t picture_kind_count = COUNT_OF(picture_kinds);

enum { KIND_PNG, KIND_JPEG };

static uint32_t number_at(const unsigned char *at, size_t bytes)
{
	uint32_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static bool fill(int kind, uint32_t width, uint32_t height, struct picture_head *out)
{
	if (!width || !height || width > RESULTS_PICTURE_SIDE_MAX ||
	    height > RESULTS_PICTURE_SIDE_MAX)
		return false;
	*out = (struct picture_head){
	    .kind = &picture_kinds[kind], .width = (int)width, .height = (int)height};
	return true;
}

static bool read_png(const unsigned char *bytes, size_t length, struct picture_head *out)
{
	if (length < PNG_HEAD_BYTES || memcmp(bytes, PNG_SIGNATURE, PNG_SIGNATURE_BYTES) != 0)
		return false;
	return fill(KIND_PNG, number_at(bytes + 16, 4), number_at(bytes + 20, 4), out);
}

/* Frames but three of this range, which are tables (DHT, JPG, DAC). */
static bool is_frame(unsigned marker)
{
	return marker >= JPEG_FRAME_FIRST && marker <= JPEG_FRAME_LAST && marker != 0xc4 &&
	       marker != 0xc8 && marker != 0xcc;
}

/* Segment by segment, each with its length, up to the frame. */
static bool read_jpeg(const unsigned char *bytes, size_t length, struct picture_head *out)
{
	size_t at = 2;

	if (length < 2 || bytes[0] != 0xff || bytes[1] != JPEG_START)
		return false;
	while (length - at >= 4) {
		unsigned marker = bytes[at + 1];
		size_t size = number_at(bytes + at + 2, 2);

		if (bytes[at] != 0xff || marker < JPEG_FRAME_FIRST || marker == JPEG_END ||
		    marker == JPEG_SCAN || size < 2 || size > length - at - 2)
			return false;
		if (is_frame(marker) && size >= JPEG_FRAME_BYTES)
			return fill(KIND_JPEG, number_at(bytes + at + 7, 2),
			    number_at(bytes + at + 5, 2), out);
		at += 2 + size;
	}
	return false;
}

bool picture_head_read(const void *bytes, size_t length, struct picture_head *out)
{
	return read_png(bytes, length, out) || read_jpeg(bytes, length, out);
}
