/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"

/* What holds after every step. */
static void check_buf(const struct buf *buf)
{
	ck_assert_uint_le(buf->length, buf->max_bytes);
	if (buf->data) {
		ck_assert_uint_lt(buf->length, buf->room);
		ck_assert_int_eq(buf->data[buf->length], '\0');
	} else {
		ck_assert_uint_eq(buf->length, 0);
	}
}

START_TEST(grows_to_its_maximum_and_no_further)
{
	AUTO(buf) buf = buf_make(1000);

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(buf_add_char(&buf, (char)('a' + i % 26)), 0);
		check_buf(&buf);
	}
	ck_assert(!buf.was_truncated);
	ck_assert_int_eq(buf_add_char(&buf, 'x'), -1);
	ck_assert(buf.was_truncated);
	ck_assert_uint_eq(buf.length, 1000);
	ck_assert_int_eq(buf_add(&buf, "", 0), 0);
	check_buf(&buf);
}
END_TEST

START_TEST(what_does_not_fit_is_not_added_in_part)
{
	AUTO(buf) buf = buf_make(5);

	ck_assert_int_eq(buf_add_text(&buf, "abc"), 0);
	ck_assert_int_eq(buf_add_text(&buf, "def"), -1);
	ck_assert_str_eq(buf_text(&buf), "abc");
	ck_assert_int_eq(buf_printf(&buf, "%d", 123), -1);
	ck_assert_str_eq(buf_text(&buf), "abc");
	ck_assert_int_eq(buf_printf(&buf, "%d", 12), 0);
	ck_assert_str_eq(buf_text(&buf), "abc12");
	check_buf(&buf);
}
END_TEST

START_TEST(a_length_that_would_wrap_is_refused)
{
	AUTO(buf) buf = buf_make(SIZE_MAX - 100);

	ck_assert_int_eq(buf_add_text(&buf, "abc"), 0);
	ck_assert_int_eq(buf_add(&buf, "x", SIZE_MAX - 50), -1);
	buf.max_bytes = SIZE_MAX;
	ck_assert_int_eq(buf_add(&buf, "x", SIZE_MAX - 1), -1);
	check_buf(&buf);
}
END_TEST

START_TEST(zero_value_holds_nothing)
{
	AUTO(buf) buf = {0};

	ck_assert_str_eq(buf_text(&buf), "");
	ck_assert_int_eq(buf_add_char(&buf, 'a'), -1);
	ck_assert_str_eq(buf_text(&buf), "");
	buf_drop_front(&buf, 0);
	check_buf(&buf);
}
END_TEST

START_TEST(keeps_nul_bytes)
{
	AUTO(buf) buf = buf_make(10);

	ck_assert_int_eq(buf_add(&buf, "a\0b", 3), 0);
	ck_assert_uint_eq(buf.length, 3);
	ck_assert_int_eq(memcmp(buf.data, "a\0b", 4), 0);
}
END_TEST

START_TEST(serves_as_a_stream)
{
	AUTO(buf) buf = buf_make(6);

	ck_assert_int_eq(buf_add_text(&buf, "abcdef"), 0);
	buf_drop_front(&buf, 4);
	ck_assert_str_eq(buf_text(&buf), "ef");
	ck_assert_int_eq(buf_add_text(&buf, "ghij"), 0);
	ck_assert_str_eq(buf_text(&buf), "efghij");
	buf_drop_front(&buf, 6);
	ck_assert_str_eq(buf_text(&buf), "");
	check_buf(&buf);
}
END_TEST

/* RFC 4648, section 10, and bytes that are no text. */
static const struct base64_row {
	const char *bytes;
	size_t length;
	const char *base64;
} base64_rows[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\xff\xfe\0\xfb", 4, "//4A+w=="},
};

START_TEST(says_bytes_in_base64)
{
	const struct base64_row *row = &base64_rows[_i];
	AUTO(buf) buf = buf_make(8);
	AUTO(buf) small = buf_make(strlen(row->base64) / 2);
	AUTO(buf) back = buf_make(1024);

	ck_assert_int_eq(buf_add_base64(&buf, row->bytes, row->length), 0);
	ck_assert_str_eq(buf_text(&buf), row->base64);
	ck_assert_int_eq(buf_add_from_base64(&back, row->base64), 0);
	ck_assert_uint_eq(back.length, row->length);
	ck_assert_int_eq(memcmp(buf_text(&back), row->bytes, row->length), 0);
	ck_assert_int_eq(buf_add_from_base64(&back, "ab-d"), -1);
	if (row->length)
		ck_assert_int_eq(buf_add_base64(&small, row->bytes, row->length), -1);
	ck_assert_uint_eq(small.length, 0);
}
END_TEST

START_TEST(take_and_clear_leave_it_usable)
{
	AUTO(buf) buf = buf_make(4);

	ck_assert_int_eq(buf_add_text(&buf, "abcd"), 0);
	ck_assert_int_eq(buf_add_char(&buf, 'e'), -1);
	auto_str char *text = buf_take(&buf);
	ck_assert_str_eq(text, "abcd");
	ck_assert(!buf.was_truncated);
	ck_assert_int_eq(buf_add_text(&buf, "wxyz"), 0);
	buf_clear(&buf);
	ck_assert_str_eq(buf_text(&buf), "");
	ck_assert_uint_eq(buf.max_bytes, 4);
	auto_str char *nothing = buf_take(&buf);
	ck_assert_str_eq(nothing, "");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tc = tcase_create("buf");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, grows_to_its_maximum_and_no_further);
	tcase_add_test(tc, what_does_not_fit_is_not_added_in_part);
	tcase_add_test(tc, a_length_that_would_wrap_is_refused);
	tcase_add_test(tc, zero_value_holds_nothing);
	tcase_add_test(tc, keeps_nul_bytes);
	tcase_add_test(tc, serves_as_a_stream);
	tcase_add_loop_test(tc, says_bytes_in_base64, 0, COUNT_OF(base64_rows));
	tcase_add_test(tc, take_and_clear_leave_it_usable);
	return suite;
}

TEST_MAIN(make_suite)
