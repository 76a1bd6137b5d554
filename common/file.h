/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files, whole or not at all.
 *
 *   if (file_read(path, MAX_STATE_BYTES, &text, err) < 0) ...
 *   if (file_write_atomic(path, 0600, text.data, text.length, err) < 0) ...   old or new, whole
 *
 * Errors: ERR_MISSING when the file or directory (for reading) does not exist, ERR_LIMIT when it is
 * larger than allowed, else ERR_SYS.
 */
#ifndef CCCI_FILE_H
#define CCCI_FILE_H

#include "common/buf.h"
#include "common/err.h"

#include <dirent.h>
#include <sys/types.h>

#define FILE_DEPTH_MAX                                                                             \
	64 /* of trees copied or hashed: one descriptor stays open for each level                  \
	    */

/* Whole content, NUL-terminated behind it; out is set to a buffer of max_bytes on success. */
int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err) CHECKED;
/* The rest of one that is open; path is what messages call it. */
int file_read_open(
    int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err) CHECKED;
/* Written beside it, fsynced, renamed over it, directory fsynced. */
int file_write_atomic(
    const char *path, mode_t mode, const void *data, size_t length, struct err *err) CHECKED;
/* The steps of it, for who keeps a file open. 0, or -1 with errno. */
int file_write_all(int fd, const void *data, size_t length) CHECKED;
int file_sync_parent(const char *path) CHECKED; /* a name is durable once its directory is */
int file_make_dirs(const char *path, mode_t mode, struct err *err) CHECKED; /* mkdir -p */
/* rm -r, never across a mount point, never following a link; a missing path is success. */
int file_remove_tree(const char *path, struct err *err) CHECKED;
/*
 * cp -r of files, directories and links (links as links), permission bits kept; what is neither is
 * refused by name. A directory that is there already is filled up; anything else there already is
 * an error, so nothing is ever written over or through a link. ERR_MISSING: nothing to copy.
 */
int file_copy_tree(const char *from, const char *to, struct err *err) CHECKED;
/*
 * Lets everybody read, and enter or run, what its owner may; links stay as they are. For a tree of
 * ours that nobody else can change.
 */
int file_share_tree(const char *path, struct err *err) CHECKED;
bool file_exists(const char *path);

/* What lies in a directory, by name and in the order of strcmp(), without "." and "..". */
struct file_names {
	char **names;
	size_t count;
};
int file_list_names(const char *path, struct file_names *out, struct err *err) CHECKED;
void file_names_release(struct file_names *names);
DEFINE_AUTO(file_names, file_names_release);

/* Whether the file system of path has hardly a byte or a file left for us: below 64 KiB. */
bool file_is_disk_full(const char *path);

/* auto_dir DIR *dir = opendir(path); */
void file_close_dir(DIR **dir);
#define auto_dir __attribute__((cleanup(file_close_dir)))

/*
 * Hex SHA-256 over names, kinds (a program is a file its owner may run), contents and link targets
 * below path, in sorted order; of an absent path: of nothing.
 */
#define FILE_HASH_SIZE 65
int file_hash_tree(const char *path, char out[FILE_HASH_SIZE], struct err *err) CHECKED;

/* Hex SHA-256 of bytes. */
void file_hash_bytes(const void *data, size_t length, char out[FILE_HASH_SIZE]);

/* Absolute path of a program found in the absolute entries of path_list (colon separated) or given
 * with a slash; ERR_MISSING. */
int file_find_program(
    const char *name, const char *path_list, char **out_path, struct err *err) CHECKED;

#endif
