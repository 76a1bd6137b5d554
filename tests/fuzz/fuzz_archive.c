/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An archive out of a container, which holds names and sizes of the recipe's choice: whatever it
 * is, it reads the same whole and byte by byte, and counts no more than it has.
 */
#include "runner-plugin/swarm/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan_in(const char *text, size_t size, size_t piece, struct archive_scan *scan)
{
	struct err err;
	int result = 0;

	for (size_t at = 0; result == 0 && at < size; at += piece)
		result =
		    archive_scan_add(scan, text + at, piece < size - at ? piece : size - at, &err);
	return result == 0 ? archive_scan_end(scan, &err) : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct archive_scan whole = {.ignored = "a"};
	struct archive_scan pieces = {.ignored = "a"};

	if (!size)
		return 0;
	int result = scan_in(text, size, size, &whole);
	assert(scan_in(text, size, 1, &pieces) == result);
	if (result < 0)
		return 0;
	assert(whole.files == pieces.files && whole.file_bytes == pieces.file_bytes);
	assert(whole.others == pieces.others && whole.root_offset == pieces.root_offset);
	assert(whole.files + whole.others <= size / ARCHIVE_BLOCK);
	assert(whole.file_bytes <= size);
	assert(whole.root.kind != '0' || whole.root_offset + whole.root.size <= size);
	return 0;
}
