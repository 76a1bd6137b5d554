/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archives (tar) in which files go into and come out of containers. Pure.
 *
 *   archive_header(block, &entry, clock_wall_s());       for a file that is put in
 *   archive_read_header(block, &entry, err)              of one that came out
 *   archive_scan_add(&scan, data, length, err)           while a whole archive goes by, piece by
 *   archive_scan_end(&scan, err)                         piece: is it whole, what is in it
 *
 * Hides the form: blocks, octal numbers, headers before a header.
 *
 * Errors: ERR_PROTOCOL: damaged, or cut off; ERR_LIMIT: a file of 8 GiB or more, whose size no
 * plain header holds.
 *
 * Source: ustar of POSIX.1-1988 and the headers "x" and "g" of pax(1), as the engine writes them.
 */
#ifndef CCCI_ARCHIVE_H
#define CCCI_ARCHIVE_H

#include "common/err.h"

#define ARCHIVE_BLOCK 512
#define ARCHIVE_NAME_SIZE 101

struct archive_entry {
	char name[ARCHIVE_NAME_SIZE]; /* cut when it stands in a header of its own */
	char kind; /* '0' a file, '5' a directory, 'x' what says more of the next */
	uint64_t size;
	unsigned mode, uid, gid;
};
/* Dated now_s, seconds since 1970. The name fits. */
void archive_header(char block[ARCHIVE_BLOCK], const struct archive_entry *entry, int64_t now_s);
int archive_read_header(
    const char block[ARCHIVE_BLOCK], struct archive_entry *out, struct err *err) CHECKED;
/* What stands behind the header of a file, padding included. */
uint64_t archive_padded(uint64_t size) CHECKED;

/* Zero to begin with. */
struct archive_scan {
	const char *ignored;	   /* base name of a file that is not counted; borrowed; NULL */
	struct archive_entry root; /* the first one: what was asked for */
	bool has_root;
	uint64_t files, file_bytes; /* regular ones */
	uint64_t others;	    /* anything but files, the root and the ignored */
	uint64_t root_offset;	    /* of the root's bytes, when it is a file */
	/* inside */
	char block[ARCHIVE_BLOCK];
	size_t filled;
	uint64_t skip, seen;
	bool has_end;
};
int archive_scan_add(
    struct archive_scan *scan, const char *data, size_t length, struct err *err) CHECKED;
int archive_scan_end(const struct archive_scan *scan, struct err *err) CHECKED;

#endif
