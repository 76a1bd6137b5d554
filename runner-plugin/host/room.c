/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/room.h"

#include <errno.h>
#include <sys/statvfs.h>

int room_look(const char *path, struct room *out, struct err *err)
{
	struct statvfs disk;

	if (statvfs(path, &disk) < 0)
		return err_sys(err, errno, "look at the disk of %s", path);
	*out = (struct room){
	    .free_bytes = (int64_t)(disk.f_bavail * disk.f_frsize),
	    .disk_percent = disk.f_blocks ? (int64_t)(disk.f_bavail * 100 / disk.f_blocks) : 100,
	    .inode_percent = disk.f_files ? (int64_t)(disk.f_favail * 100 / disk.f_files) : 100,
	};
	return 0;
}

bool room_is_below(const struct room *room, int64_t percent)
{
	return room->disk_percent < percent || room->inode_percent < percent;
}
