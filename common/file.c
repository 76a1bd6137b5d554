/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FULL_BELOW_BYTES (64 * 1024)
#define COPY_CHUNK_BYTES 65536

void file_close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* A stream over all of a directory's entries that leaves the descriptor open. */
static DIR *list_dir(int fd)
{
	auto_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (dir) {
		(void)take_fd(&copy);
		rewinddir(dir); /* the copy shares the position */
	}
	return dir;
}

int file_read_open(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	AUTO(buf) content = buf_make(max_bytes);
	char chunk[4096];

	for (;;) {
		ssize_t length = read(fd, chunk, sizeof(chunk));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return err_sys(err, errno, "read %s", path);
		if (length == 0)
			break;
		if (buf_add(&content, chunk, (size_t)length) < 0)
			return err_set(
			    err, ERR_LIMIT, "read %s: larger than %zu bytes", path, max_bytes);
	}
	*out = content;
	content = (struct buf){0};
	return 0;
}

int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_MISSING, "read %s: %s", path, strerror(errno));
	if (fd < 0)
		return err_sys(err, errno, "read %s", path);
	return file_read_open(fd, path, max_bytes, out, err);
}

int file_write_all(int fd, const void *data, size_t length)
{
	const char *bytes = data;

	while (length) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* The directory a path is in: "." for a bare name. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int file_sync_parent(const char *path)
{
	auto_str char *parent = parent_of(path);
	auto_fd int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

static int fill_new_file(int fd, mode_t mode, const void *data, size_t length)
{
	if (fchmod(fd, mode) < 0 || file_write_all(fd, data, length) < 0)
		return -1;
	return fsync(fd);
}

int file_write_atomic(
    const char *path, mode_t mode, const void *data, size_t length, struct err *err)
{
	auto_str char *beside = xasprintf("%s.XXXXXX", path);
	auto_fd int fd = mkostemp(beside, O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "write %s", path);
	if (fill_new_file(fd, mode, data, length) < 0 || rename(beside, path) < 0) {
		int saved = errno;

		(void)unlink(beside);
		return err_sys(err, saved, "write %s", path);
	}
	if (file_sync_parent(path) < 0)
		return err_sys(err, errno, "write %s: sync its directory", path);
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int file_make_dirs(const char *path, mode_t mode, struct err *err)
{
	auto_str char *partial = xstrdup(path);

	for (char *at = partial; *at;) {
		at += strspn(at, "/");
		at += strcspn(at, "/");
		char cut = *at;
		*at = '\0';
		if (mkdir(partial, mode) < 0 && !is_dir(partial)) /* EEXIST, EROFS on the way */
			return err_sys(err, errno, "make directory %s", partial);
		*at = cut;
	}
	return 0;
}

bool file_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

bool file_is_disk_full(const char *path)
{
	struct statvfs disk;

	/* Some file systems do not count files: all are 0 then. */
	return statvfs(path, &disk) == 0 && (disk.f_bavail * disk.f_frsize < FULL_BELOW_BYTES ||
						(disk.f_files && disk.f_favail == 0));
}

/* --- removing --- */

/* statx(2) since 5.8: also tells a bind mount of the same file system. */
static bool is_mount_point(int fd)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, 0, &status) < 0)
		return true;
	return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/*
 * Gives the owner of a directory his rights back, through a descriptor: chmod by name would follow
 * a link that took its place, and what is mounted there keeps its mode.
 */
static void open_up(int at, const char *name)
{
	auto_fd int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[64];

	if (fd < 0 || is_mount_point(fd) ||
	    !format_text(path, sizeof(path), "/proc/self/fd/%d", fd))
		return;
	if (chmod(path, 0700) < 0) {
		/* then opening it fails, and says why */
	}
}

/* A directory below at, opened without following a link. */
static int open_dir_at(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd < 0 && errno == EACCES) {
		open_up(at, name);
		fd = openat(at, name, flags);
	}
	return fd;
}

static bool is_dots(const char *name)
{
	return text_is(name, ".") || text_is(name, "..");
}

/*
 * Directories nested deeper than descriptors last are moved up to the root of the tree and removed
 * in a later pass over it.
 */
struct removal {
	int root_fd;
	unsigned moved;
};

static int remove_below(struct removal *removal, int at, const char *name, const char *path,
    int depth, struct err *err);

static int empty_dir(
    struct removal *removal, int dir_fd, const char *path, int depth, struct err *err)
{
	auto_dir DIR *dir = list_dir(dir_fd);

	if (!dir)
		return err_sys(err, errno, "remove %s", path);
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);

		if (!entry && errno)
			return err_sys(err, errno, "remove %s", path);
		if (!entry)
			return 0;
		if (is_dots(entry->d_name))
			continue;
		auto_str char *below = xasprintf("%s/%s", path, entry->d_name);
		if (remove_below(removal, dir_fd, entry->d_name, below, depth + 1, err) < 0)
			return -1;
	}
}

/* Removes what is no directory: *out_fd is -1 then. A directory is opened, ready to be emptied. */
static int unlink_or_open(int at, const char *name, const char *path, int *out_fd, struct err *err)
{
	*out_fd = -1;
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return err_sys(err, errno, "remove %s", path);
	int unlink_error = errno;
	auto_fd int fd = open_dir_at(at, name);
	if (fd < 0)
		return err_sys(err, errno == ENOTDIR ? unlink_error : errno, "remove %s", path);
	if (is_mount_point(fd))
		return err_sys(err, EXDEV, "remove %s: something is mounted there", path);
	/* Only now: the mode of what is mounted there is not ours to change either. */
	if (fchmod(fd, 0700) < 0)
		return err_sys(err, errno, "remove %s", path);
	*out_fd = take_fd(&fd);
	return 0;
}

static int move_to_root(
    struct removal *removal, int at, const char *name, const char *path, struct err *err)
{
	for (;;) {
		auto_str char *other = xasprintf("moved-%u", ++removal->moved);

		if (renameat2(at, name, removal->root_fd, other, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return err_sys(err, errno, "remove %s", path);
	}
}

static int remove_below(
    struct removal *removal, int at, const char *name, const char *path, int depth, struct err *err)
{
	int opened = -1;

	if (unlink_or_open(at, name, path, &opened, err) < 0)
		return -1;
	auto_fd int fd = opened;
	if (fd < 0)
		return 0;
	if (depth > FILE_DEPTH_MAX)
		return move_to_root(removal, at, name, path, err);
	if (empty_dir(removal, fd, path, depth, err) < 0)
		return -1;
	if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove %s", path);
	return 0;
}

int file_remove_tree(const char *path, struct err *err)
{
	struct removal removal = {0};
	int opened = -1;
	unsigned moved = 0;

	if (unlink_or_open(AT_FDCWD, path, path, &opened, err) < 0)
		return -1;
	auto_fd int root = opened;
	if (root < 0)
		return 0;
	removal.root_fd = root;
	do {
		moved = removal.moved;
		if (empty_dir(&removal, root, path, 0, err) < 0)
			return -1;
	} while (removal.moved > moved);
	if (rmdir(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove %s", path);
	return 0;
}

/* --- listing --- */

void file_names_release(struct file_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct file_names){0};
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(DIR *dir, struct file_names *names)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);

		if (!entry)
			return errno ? -1 : 0;
		if (is_dots(entry->d_name))
			continue;
		names->names =
		    xrealloc_array(names->names, names->count + 1, sizeof(names->names[0]));
		names->names[names->count++] = xstrdup(entry->d_name);
	}
}

int file_list_names(const char *path, struct file_names *out, struct err *err)
{
	auto_dir DIR *dir = opendir(path);
	AUTO(file_names) names = {0};

	if (!dir && errno == ENOENT)
		return err_set(err, ERR_MISSING, "list %s: %s", path, strerror(errno));
	if (!dir || read_names(dir, &names) < 0)
		return err_sys(err, errno, "list %s", path);
	if (names.count)
		qsort(names.names, names.count, sizeof(names.names[0]), compare_names);
	*out = names;
	names = (struct file_names){0};
	return 0;
}

/* --- copying --- */

struct copy {
	int from_fd, to_fd; /* the directories */
	const char *name;
	const char *to_name;
	const char *path; /* for messages */
	int depth;
};

static int copy_bytes(int from, int to, const char *path, struct err *err)
{
	char chunk[COPY_CHUNK_BYTES];

	for (;;) {
		ssize_t length = read(from, chunk, sizeof(chunk));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 || file_write_all(to, chunk, (size_t)length) < 0)
			return err_sys(err, errno, "copy %s", path);
		if (length == 0)
			return 0;
	}
}

static int copy_file(const struct copy *copy, mode_t mode, struct err *err)
{
	/* O_NONBLOCK: should it have become a pipe meanwhile, opening it must not hang. */
	auto_fd int from = openat(
	    copy->from_fd, copy->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (from < 0)
		return err_sys(err, errno, "copy %s", copy->path);
	auto_fd int to = openat(
	    copy->to_fd, copy->to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, errno, "copy %s: make the copy", copy->path);
	if (copy_bytes(from, to, copy->path, err) < 0)
		return -1;
	if (fchmod(to, mode & 0777) < 0)
		return err_sys(err, errno, "copy %s", copy->path);
	return 0;
}

static int copy_link(const struct copy *copy, struct err *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(copy->from_fd, copy->name, target, sizeof(target) - 1);

	if (length < 0)
		return err_sys(err, errno, "copy %s", copy->path);
	target[length] = '\0';
	if (symlinkat(target, copy->to_fd, copy->to_name) < 0)
		return err_sys(err, errno, "copy %s: make the copy", copy->path);
	return 0;
}

static int copy_entry(const struct copy *copy, struct err *err);

static int copy_content(int from, int to, const struct copy *outer, struct err *err)
{
	auto_dir DIR *dir = list_dir(from);

	if (!dir)
		return err_sys(err, errno, "copy %s", outer->path);
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);

		if (!entry && errno)
			return err_sys(err, errno, "copy %s", outer->path);
		if (!entry)
			return 0;
		if (is_dots(entry->d_name))
			continue;
		auto_str char *path = xasprintf("%s/%s", outer->path, entry->d_name);
		struct copy copy = {.from_fd = from,
		    .to_fd = to,
		    .name = entry->d_name,
		    .to_name = entry->d_name,
		    .path = path,
		    .depth = outer->depth + 1};
		if (copy_entry(&copy, err) < 0)
			return -1;
	}
}

static int copy_dir(const struct copy *copy, mode_t mode, struct err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd int from = openat(copy->from_fd, copy->name, flags);

	if (from < 0)
		return err_sys(err, errno, "copy %s", copy->path);
	if (copy->depth > FILE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "copy %s: nested too deep", copy->path);
	if (mkdirat(copy->to_fd, copy->to_name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "copy %s: make the copy", copy->path);
	auto_fd int to = openat(copy->to_fd, copy->to_name, flags);
	if (to < 0)
		return err_sys(err, errno, "copy %s: open the copy", copy->path);
	if (copy_content(from, to, copy, err) < 0)
		return -1;
	/* Last, as it may take the right to write away. */
	if (fchmod(to, mode & 0777) < 0)
		return err_sys(err, errno, "copy %s", copy->path);
	return 0;
}

static int copy_entry(const struct copy *copy, struct err *err)
{
	struct stat status;

	if (fstatat(copy->from_fd, copy->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			   ? err_set(err, ERR_MISSING, "copy %s: it does not exist", copy->path)
			   : err_sys(err, errno, "copy %s", copy->path);
	if (S_ISREG(status.st_mode))
		return copy_file(copy, status.st_mode, err);
	if (S_ISLNK(status.st_mode))
		return copy_link(copy, err);
	if (S_ISDIR(status.st_mode))
		return copy_dir(copy, status.st_mode, err);
	return err_sys(err, EINVAL, "copy %s: neither file, directory nor link", copy->path);
}

int file_share_tree(const char *path, struct err *err)
{
	auto_str char *root = xstrdup(path);
	char *const roots[] = {root, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	int result = 0;

	if (!tree)
		return err_sys(err, errno, "open %s to others", path);
	for (FTSENT *entry = fts_read(tree); entry && result == 0; entry = fts_read(tree)) {
		mode_t mode = entry->fts_statp->st_mode & 07777;
		mode_t ours = mode & (S_IRUSR | S_IXUSR);
		bool is_wanted = entry->fts_info == FTS_D || entry->fts_info == FTS_F;

		if (is_wanted && chmod(entry->fts_accpath, mode | ours >> 3 | ours >> 6) < 0)
			result = err_sys(err, errno, "open %s to others", entry->fts_path);
		if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR ||
		    entry->fts_info == FTS_NS)
			result =
			    err_sys(err, entry->fts_errno, "open %s to others", entry->fts_path);
	}
	(void)fts_close(tree);
	return result;
}

int file_copy_tree(const char *from, const char *to, struct err *err)
{
	struct copy copy = {
	    .from_fd = AT_FDCWD, .to_fd = AT_FDCWD, .name = from, .to_name = to, .path = from};

	return copy_entry(&copy, err);
}

/* --- hashing --- */

static EVP_MD_CTX *hash_start(void)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		abort(); /* memory is out: SHA-256 is always built in */
	return hash;
}

static void hash_add(EVP_MD_CTX *hash, const void *data, size_t length)
{
	if (EVP_DigestUpdate(hash, data, length) != 1)
		abort();
}

static void hash_finish(EVP_MD_CTX *take_hash, char out[FILE_HASH_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (EVP_DigestFinal_ex(take_hash, bytes, &size) != 1 || size * 2 + 1 != FILE_HASH_SIZE)
		abort();
	EVP_MD_CTX_free(take_hash);
	for (unsigned i = 0; i < size; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[FILE_HASH_SIZE - 1] = '\0';
}

void file_hash_bytes(const void *data, size_t length, char out[FILE_HASH_SIZE])
{
	EVP_MD_CTX *hash = hash_start();

	hash_add(hash, data, length);
	hash_finish(hash, out);
}

struct entry {
	char *path; /* below the root */
	struct stat status;
};

struct entries {
	struct entry *list;
	size_t count;
	size_t room;
};

static void entries_release(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->list[i].path);
	free(entries->list);
}
DEFINE_AUTO(entries, entries_release);

static void entries_add(struct entries *entries, const char *path, const struct stat *status)
{
	if (entries->count == entries->room) {
		entries->room = entries->room ? 2 * entries->room : 32;
		entries->list =
		    xrealloc_array(entries->list, entries->room, sizeof(entries->list[0]));
	}
	entries->list[entries->count++] = (struct entry){.path = xstrdup(path), .status = *status};
}

/* All that is below root/path, by its path; depth first, in no order yet. */
static int entries_collect(
    struct entries *entries, int root, const char *path, int depth, struct err *err)
{
	auto_fd int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : list_dir(fd);

	if (!dir)
		return err_sys(err, errno, "hash %s", path);
	if (depth > FILE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "hash %s: nested too deep", path);
	for (;;) {
		struct stat status;

		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry && errno)
			return err_sys(err, errno, "hash %s", path);
		if (!entry)
			return 0;
		if (is_dots(entry->d_name))
			continue;
		auto_str char *below = xasprintf("%s/%s", path, entry->d_name);
		if (fstatat(root, below, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(err, errno, "hash %s", below);
		entries_add(entries, below, &status);
		if (S_ISDIR(status.st_mode) &&
		    entries_collect(entries, root, below, depth + 1, err) < 0)
			return -1;
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* Name with its end, kind and whether it may run: git keeps no more of a mode, so two checkouts
 * agree whatever their umask. */
static void hash_add_head(EVP_MD_CTX *hash, const struct entry *entry)
{
	mode_t mode = entry->status.st_mode;
	const char *kind = S_ISDIR(mode)	   ? "dir"
			   : S_ISLNK(mode)	   ? "link"
			   : !S_ISREG(mode)	   ? "other"
			   : (mode & S_IXUSR) != 0 ? "program"
						   : "file";
	auto_str char *size =
	    xasprintf("%lld", S_ISREG(mode) ? (long long)entry->status.st_size : 0);

	hash_add(hash, entry->path, strlen(entry->path) + 1);
	hash_add(hash, kind, strlen(kind) + 1);
	hash_add(hash, size, strlen(size) + 1);
}

static int hash_add_file(EVP_MD_CTX *hash, int root, const char *path, struct err *err)
{
	char chunk[COPY_CHUNK_BYTES];
	auto_fd int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "hash %s", path);
	for (;;) {
		ssize_t length = read(fd, chunk, sizeof(chunk));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return err_sys(err, errno, "hash %s", path);
		if (length == 0)
			return 0;
		hash_add(hash, chunk, (size_t)length);
	}
}

static int hash_add_entry(EVP_MD_CTX *hash, int root, const struct entry *entry, struct err *err)
{
	hash_add_head(hash, entry);
	if (S_ISREG(entry->status.st_mode))
		return hash_add_file(hash, root, entry->path, err);
	if (S_ISLNK(entry->status.st_mode)) {
		char target[PATH_MAX];
		ssize_t length = readlinkat(root, entry->path, target, sizeof(target));

		if (length < 0)
			return err_sys(err, errno, "hash %s", entry->path);
		hash_add(hash, target, (size_t)length);
		hash_add(hash, "", 1);
	}
	return 0;
}

int file_hash_tree(const char *path, char out[FILE_HASH_SIZE], struct err *err)
{
	AUTO(entries) entries = {0};
	auto_fd int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 && errno != ENOENT)
		return err_sys(err, errno, "hash %s", path);
	if (root >= 0 && entries_collect(&entries, root, ".", 0, err) < 0)
		return err_prefix(err, "hash %s", path);
	if (entries.count)
		qsort(entries.list, entries.count, sizeof(entries.list[0]), by_path);

	EVP_MD_CTX *hash = hash_start();
	for (size_t i = 0; i < entries.count; i++) {
		if (hash_add_entry(hash, root, &entries.list[i], err) < 0) {
			EVP_MD_CTX_free(hash);
			return err_prefix(err, "hash %s", path);
		}
	}
	hash_finish(hash, out);
	return 0;
}

/* --- programs --- */

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Not realpath(3): a program may look at the name it was called by, as busybox does. */
static char *absolute_path(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return xstrdup(path);
	return xasprintf("%s/%s", here, path);
}

int file_find_program(const char *name, const char *path_list, char **out_path, struct err *err)
{
	if (strchr(name, '/')) {
		if (!is_program(name))
			return err_set(
			    err, ERR_MISSING, "find program %.200s: no such program", name);
		*out_path = absolute_path(name);
		return 0;
	}
	for (const char *at = path_list; name[0] && *at;) {
		size_t length = strcspn(at, ":");
		auto_str char *path = xasprintf("%.*s/%s", (int)length, at, name);

		/* Entries relative to wherever we happen to stand are nobody's intention. */
		if (path[0] == '/' && length && is_program(path)) {
			*out_path = take_ptr(path);
			return 0;
		}
		at += length;
		at += strspn(at, ":");
	}
	return err_set(err, ERR_MISSING, "find program %.80s: not in %.120s", name, path_list);
}
