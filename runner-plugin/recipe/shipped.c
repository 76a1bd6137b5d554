/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/shipped.h"

#include "common/file.h"

#include <errno.h>
#include <sys/stat.h>

void shipped_release(struct shipped *shipped)
{
	for (size_t i = 0; i < shipped->count; i++)
		free(shipped->names[i]);
	free(shipped->names);
	*shipped = (struct shipped){0};
}

static int compare_names(const void *a, const void *b)
{
	char *const *one = a;
	char *const *other = b;

	return strcmp(*one, *other);
}

static bool is_program(int dir_fd, const char *name)
{
	struct stat status;

	return name[0] != '.' && fstatat(dir_fd, name, &status, 0) == 0 &&
	       S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
}

static int read_names(DIR *dir, const char *below, struct shipped *shipped, struct err *err)
{
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!is_program(dirfd(dir), entry->d_name))
			continue;
		if (shipped->count == SHIPPED_MAX)
			return err_set(err, ERR_LIMIT,
			    "the recipe's tests/%s has more than %d executables", below,
			    SHIPPED_MAX);
		shipped->names =
		    xrealloc_array(shipped->names, shipped->count + 1, sizeof(shipped->names[0]));
		shipped->names[shipped->count++] = xasprintf("%s%s", below, entry->d_name);
	}
	return 0;
}

int shipped_list(const char *tests_dir, const char *below, struct shipped *out, struct err *err)
{
	auto_str char *path = xasprintf("%s/%s", tests_dir, below);
	auto_dir DIR *dir = opendir(path);
	AUTO(shipped) shipped = {0};

	if (!dir && errno != ENOENT && errno != ENOTDIR)
		return err_sys(err, errno, "list %s", path);
	if (dir && read_names(dir, below, &shipped, err) < 0)
		return -1;
	if (shipped.count)
		qsort(shipped.names, shipped.count, sizeof(shipped.names[0]), compare_names);
	*out = shipped;
	shipped = (struct shipped){0};
	return 0;
}
