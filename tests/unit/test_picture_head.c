/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first bytes of a picture: picture_head.h, over heads made here byte by byte. */
#include <check.h>

#include "harness.h"

#include "runner-plugin/checks/picture_head.h"

#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define JPEG "\xff\xd8"
#define JFIF "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define TABLE "\xff\xc4\0\x0b\1\2\3\4\5\6\7\x08\x09" /* of a frame's range, and none */
#define FRAME(sides) "\xff\xc0\0\x11\x08" sides "\3\1\x11\0\2\x11\0\3\x11\0"
#define REST "\x08\2\0\0\0"

static const struct row {
	const char *name;
	const char *bytes;
	size_t length;
	const char *type; /* NULL: no picture */
	int width, height;
} rows[] = {
#define ROW(name, bytes, ...)                                                                      \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, __VA_ARGS__                                        \
	}
    ROW("a PNG", PNG "\0\0\5\0\0\0\3\x20" REST, "image/png", 1280, 800),
    ROW("the head of a PNG and no more", PNG "\0\0\0\1\0\0\0\1", "image/png", 1, 1),
    ROW("a JPEG", JPEG JFIF TABLE FRAME("\3\x20\5\0"), "image/jpeg", 1280, 800),
    ROW("a progressive JPEG", JPEG "\xff\xc2\0\x0b\x08\0\1\0\2\1\1\x11\0", "image/jpeg", 2, 1),
    ROW("as large as may be", PNG "\0\0\x40\0\0\0\x40\0", "image/png", 16384, 16384),
    ROW("nothing", ""),
    ROW("text", "<!doctype html><title>no picture</title>"),
    ROW("half a head of a PNG", PNG "\0\0\5\0\0\0\3"),
    ROW("a PNG whose first chunk is another", "\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\0\1\0\0\0\1"),
    ROW("a PNG without width", PNG "\0\0\0\0\0\0\0\1"),
    ROW("a PNG without height", PNG "\0\0\0\1\0\0\0\0"),
    ROW("wider than may be", PNG "\0\0\x40\1\0\0\0\1"),
    ROW("higher than any", PNG "\0\0\0\1\xff\xff\xff\xff"),
    ROW("a JPEG that begins and no more", JPEG),
    ROW("a JPEG that is over at once", JPEG "\xff\xd9\0\0\0\0\0\0"),
    ROW("pixels before a frame", JPEG "\xff\xda\0\2" FRAME("\3\x20\5\0")),
    ROW("a segment shorter than its length", JPEG "\xff\xe0\0\1" FRAME("\3\x20\5\0")),
    ROW("a segment longer than the rest", JPEG "\xff\xe0\xff\xff" FRAME("\3\x20\5\0")),
    ROW("a frame too short to have sides", JPEG "\xff\xc0\0\6\x08\3\x20\5"),
    ROW("a frame that ends with the file", JPEG "\xff\xc0\0\x11\x08\3\x20\5"),
    ROW("no marker where one has to be", JPEG JFIF "\0\xc0\0\x11\x08\3\x20\5\0"),
    ROW("tables without end", JPEG TABLE TABLE TABLE),
    ROW("a JPEG without width", JPEG FRAME("\3\x20\0\0")),
    ROW("a WebP", "RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0\0\0"),
    ROW("a GIF", "GIF89a\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0"),
#undef ROW
};

START_TEST(says_what_it_is)
{
	const struct row *row = &rows[_i];
	struct picture_head head = {.width = 7};
	void *bytes = xcalloc(row->length ? row->length : 1, 1); /* nothing behind them to read */

	memcpy(bytes, row->bytes, row->length);
	bool is_one = picture_head_read(bytes, row->length, &head);
	free(bytes);
	ck_assert_msg(is_one == (row->type != NULL), "%s", row->name);
	if (!is_one) {
		ck_assert_int_eq(head.width, 7);
		return;
	}
	ck_assert_str_eq(head.kind->type, row->type);
	ck_assert_int_eq(head.width, row->width);
	ck_assert_int_eq(head.height, row->height);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("picture_head");
	TCase *tc = tcase_create("picture_head");

	tcase_add_loop_test(tc, says_what_it_is, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
