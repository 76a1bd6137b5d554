/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives as the engine makes them: what is in them, and whether they are whole. */
#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/swarm/archive.h"

/* "kind name size" for each entry, separated by "|"; "!" for a damaged header, "." for the end. */
static void make_archive(const char *text, struct buf *out)
{
	char block[ARCHIVE_BLOCK];
	static const char zeros[ARCHIVE_BLOCK];
	static const char letters[1024] = "the bytes of a file";

	for (const char *at = text; *at; at += strcspn(at, "|"), at += *at == '|') {
		struct archive_entry entry = {.mode = 0640, .uid = 1001, .gid = 1002};
		unsigned long long size = 0;

		if (*at == '.') {
			(void)buf_add(out, zeros, ARCHIVE_BLOCK);
			continue;
		}
		ck_assert_int_eq(
		    sscanf(at, "%c %100[^ |] %llu", &entry.kind, entry.name, &size), 3);
		entry.size = size;
		archive_header(block, &entry, 1700000000);
		if (strstr(entry.name, "damaged"))
			block[0] ^= 1;
		(void)buf_add(out, block, ARCHIVE_BLOCK);
		if (entry.kind != '2' && size <= sizeof(letters))
			(void)buf_add(out, letters, (size_t)archive_padded(size));
	}
}

static const struct row {
	const char *archive;
	enum err_code code;
	const char *says; /* of an error */
	uint64_t files, bytes, others;
	char root;
} rows[] = {
    {"5 data/ 0|0 data/a 5|5 data/c/ 0|2 data/l 9|0 data/b 600|.|.", ERR_NONE, NULL, 2, 605, 2,
	'5'},
    {"5 ./ 0|.|.", ERR_NONE, NULL, 0, 0, 0, '5'},
    {"5 ./ 0|0 ./.mark 9|.|.", ERR_NONE, NULL, 0, 0, 0, '5'},
    {"5 ./ 0|0 ./x.mark 9|.|.", ERR_NONE, NULL, 1, 9, 0, '5'},
    {"0 backup.sql 512|.|.", ERR_NONE, NULL, 1, 512, 0, '0'},
    {"0 backup.sql 0|.|.", ERR_NONE, NULL, 1, 0, 0, '0'},
    /* what says more of an entry is none; its bytes are no header */
    {"g global 30|x more 600|0 a 7|.|.", ERR_NONE, NULL, 1, 7, 0, '0'},
    /* behind the end nothing counts */
    {"0 a 1|.|0 damaged 5", ERR_NONE, NULL, 1, 1, 0, '0'},
    {"0 a 1", ERR_PROTOCOL, "the archive is cut off", 0, 0, 0, 0},
    {"0 a 1|0 b 2000|.", ERR_PROTOCOL, "the archive is cut off", 0, 0, 0, 0},
    {"", ERR_PROTOCOL, "the archive is cut off", 0, 0, 0, 0},
    {".", ERR_PROTOCOL, "the archive is empty", 0, 0, 0, 0},
    {"0 a 1|0 damaged 1|.", ERR_PROTOCOL, "the archive is damaged", 0, 0, 0, 0},
};

/* In pieces of every length: a header may come in two. */
START_TEST(scans_row)
{
	static const size_t pieces[] = {1, 7, 511, 512, 513, 100000};
	const struct row *row = &rows[_i];
	AUTO(buf) archive = buf_make(64 * 1024);

	make_archive(row->archive, &archive);
	for (size_t p = 0; p < COUNT_OF(pieces); p++) {
		struct archive_scan scan = {.ignored = ".mark"};
		struct err err = {0};
		int result = 0;

		for (size_t at = 0; result == 0 && at < archive.length; at += pieces[p]) {
			size_t left = archive.length - at;

			result = archive_scan_add(
			    &scan, archive.data + at, left < pieces[p] ? left : pieces[p], &err);
		}
		if (result == 0)
			result = archive_scan_end(&scan, &err);
		ck_assert_msg(err.code == row->code, "%s: %s", row->archive, err.msg);
		if (result < 0) {
			ck_assert_str_eq(err.msg, row->says);
			continue;
		}
		ck_assert_uint_eq(scan.files, row->files);
		ck_assert_uint_eq(scan.file_bytes, row->bytes);
		ck_assert_uint_eq(scan.others, row->others);
		ck_assert_int_eq(scan.root.kind, row->root);
	}
}
END_TEST

START_TEST(finds_the_bytes_of_a_file)
{
	AUTO(buf) archive = buf_make(64 * 1024);
	struct archive_scan scan = {0};
	struct err err = {0};

	make_archive("x more 600|0 dump 9|.|.", &archive);
	ck_assert_int_eq(archive_scan_add(&scan, archive.data, archive.length, &err), 0);
	ck_assert_int_eq(archive_scan_end(&scan, &err), 0);
	ck_assert_uint_eq(scan.root.size, 9);
	ck_assert_uint_eq(scan.root_offset, 4 * ARCHIVE_BLOCK);
	ck_assert(text_starts(archive.data + scan.root_offset, "the bytes of"));
	ck_assert_uint_eq(scan.root.mode, 0640);
	ck_assert_uint_eq(scan.root.uid, 1001);
	ck_assert_uint_eq(scan.root.gid, 1002);
}
END_TEST

START_TEST(pads_to_whole_blocks)
{
	ck_assert_uint_eq(archive_padded(0), 0);
	ck_assert_uint_eq(archive_padded(1), 512);
	ck_assert_uint_eq(archive_padded(512), 512);
	ck_assert_uint_eq(archive_padded(513), 1024);
}
END_TEST

START_TEST(a_size_without_digits_is_too_large)
{
	struct archive_entry entry = {.kind = '0', .name = "huge", .size = 1};
	char block[ARCHIVE_BLOCK];
	struct err err = {0};

	archive_header(block, &entry, 0);
	ck_assert_int_eq(archive_read_header(block, &entry, &err), 0);
	block[124] = (char)0x80;
	ck_assert_int_eq(archive_read_header(block, &entry, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert_str_eq(err.msg, "huge is too large: 8 GiB or more");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("archive");
	TCase *tc = tcase_create("archive");

	tcase_add_loop_test(tc, scans_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, pads_to_whole_blocks);
	tcase_add_test(tc, finds_the_bytes_of_a_file);
	tcase_add_test(tc, a_size_without_digits_is_too_large);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
