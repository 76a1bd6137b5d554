/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/archive.h"

#define AT_MODE 100
#define AT_UID 108
#define AT_GID 116
#define AT_SIZE 124
#define AT_TIME 136
#define AT_SUM 148
#define AT_KIND 156
#define AT_MAGIC 257

uint64_t archive_padded(uint64_t size)
{
	return (size + ARCHIVE_BLOCK - 1) / ARCHIVE_BLOCK * ARCHIVE_BLOCK;
}

/* The sum is of the header with blanks in its own place. */
static unsigned sum_of(const char block[ARCHIVE_BLOCK])
{
	unsigned sum = 0;

	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : (unsigned char)block[i];
	return sum;
}

void archive_header(char block[ARCHIVE_BLOCK], const struct archive_entry *entry, int64_t now_s)
{
	memset(block, 0, ARCHIVE_BLOCK);
	(void)format_text(block, 100, "%s", entry->name);
	(void)format_text(block + AT_MODE, 8, "%07o", entry->mode);
	(void)format_text(block + AT_UID, 8, "%07o", entry->uid);
	(void)format_text(block + AT_GID, 8, "%07o", entry->gid);
	(void)format_text(block + AT_SIZE, 12, "%011llo", (unsigned long long)entry->size);
	(void)format_text(block + AT_TIME, 12, "%011llo", (unsigned long long)now_s);
	block[AT_KIND] = entry->kind;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a field of bytes, no text */
	memcpy(block + AT_MAGIC, "ustar\00000", 8);
	(void)format_text(block + AT_SUM, 8, "%06o", sum_of(block));
	block[AT_SUM + 7] = ' ';
}

static bool octal(const char *field, size_t length, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length && field[i] && field[i] != ' '; i++) {
		if (field[i] < '0' || field[i] > '7')
			return false;
		value = value * 8 + (uint64_t)(field[i] - '0');
	}
	*out = value;
	return true;
}

int archive_read_header(const char block[ARCHIVE_BLOCK], struct archive_entry *out, struct err *err)
{
	struct archive_entry entry = {.kind = block[AT_KIND] ? block[AT_KIND] : '0'};
	uint64_t mode = 0;
	uint64_t uid = 0;
	uint64_t gid = 0;

	memcpy(entry.name, block, 100);
	/* A number that is too large for its digits is written in another form. */
	if (!octal(block + AT_SIZE, 12, &entry.size))
		return err_set(err, ERR_LIMIT, "%.100s is too large: 8 GiB or more", entry.name);
	if (octal(block + AT_MODE, 8, &mode))
		entry.mode = (unsigned)mode & 07777U;
	if (octal(block + AT_UID, 8, &uid))
		entry.uid = (unsigned)uid;
	if (octal(block + AT_GID, 8, &gid))
		entry.gid = (unsigned)gid;
	*out = entry;
	return 0;
}

/* --- as it goes by --- */

/* Says more of the entry behind it, and is none. */
static bool is_extension(char kind)
{
	return kind == 'x' || kind == 'g' || kind == 'L' || kind == 'K';
}

static bool is_called(const struct archive_entry *entry, const char *base)
{
	const char *slash = strrchr(entry->name, '/');

	return base && text_is(slash ? slash + 1 : entry->name, base);
}

static int take_header(struct archive_scan *scan, struct err *err)
{
	struct archive_entry entry;
	uint64_t sum = 0;

	if (!scan->block[0]) {
		scan->has_end = true;
		return 0;
	}
	if (!octal(scan->block + AT_SUM, 8, &sum) || sum != sum_of(scan->block))
		return err_set(err, ERR_PROTOCOL, "the archive is damaged");
	if (archive_read_header(scan->block, &entry, err) < 0)
		return -1;
	/* Of a link the size is that of its target, and nothing follows. */
	scan->skip = entry.kind == '1' || entry.kind == '2' ? 0 : archive_padded(entry.size);
	if (is_extension(entry.kind))
		return 0;
	bool is_root = !scan->has_root;
	if (is_root) {
		scan->root = entry;
		scan->has_root = true;
		scan->root_offset = scan->seen;
	}
	if (is_called(&entry, scan->ignored))
		return 0;
	if (entry.kind == '0') {
		scan->files++;
		scan->file_bytes += entry.size;
	} else if (!is_root) {
		scan->others++;
	}
	return 0;
}

int archive_scan_add(struct archive_scan *scan, const char *data, size_t length, struct err *err)
{
	while (length && !scan->has_end) {
		size_t room = ARCHIVE_BLOCK - scan->filled;
		size_t part = scan->skip ? (scan->skip < length ? (size_t)scan->skip : length)
					 : (room < length ? room : length);

		if (scan->skip) {
			scan->skip -= part;
		} else {
			memcpy(scan->block + scan->filled, data, part);
			scan->filled += part;
		}
		scan->seen += part;
		data += part;
		length -= part;
		if (scan->filled < ARCHIVE_BLOCK)
			continue;
		scan->filled = 0;
		if (take_header(scan, err) < 0)
			return -1;
	}
	return 0;
}

int archive_scan_end(const struct archive_scan *scan, struct err *err)
{
	if (!scan->has_end)
		return err_set(err, ERR_PROTOCOL, "the archive is cut off");
	if (!scan->has_root)
		return err_set(err, ERR_PROTOCOL, "the archive is empty");
	return 0;
}
