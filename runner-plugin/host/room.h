/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much of a disk is free, in bytes and in inodes.
 *
 *   if (room_look("/var/lib/docker", &room, err) == 0 && room_is_below(&room, 15)) ... short
 */
#ifndef CCCI_ROOM_H
#define CCCI_ROOM_H

#include "common/err.h"

struct room {
	int64_t free_bytes;
	int64_t disk_percent, inode_percent; /* free; 100 where the file system counts none */
};

int room_look(const char *path, struct room *out, struct err *err) CHECKED;
/* Pure: less than that is free, of the disk or of its inodes. */
bool room_is_below(const struct room *room, int64_t percent);

#endif
