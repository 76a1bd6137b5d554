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

static bool is_program(const char *directory, const char *name)
{
	auto_str char *path = xasprintf("%s/%s", directory, name);
	struct stat status;

	return name[0] != '.' && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_mode & S_IXUSR;
}

static int take_programs(const struct file_names *files, const char *directory, const char *below,
    struct shipped *shipped, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		if (!is_program(directory, files->names[i]))
			continue;
		if (shipped->count == SHIPPED_MAX)
			return err_set(err, ERR_LIMIT,
			    "the recipe's tests/%s has more than %d executables", below,
			    SHIPPED_MAX);
		shipped->names =
		    xrealloc_array(shipped->names, shipped->count + 1, sizeof(shipped->names[0]));
		shipped->names[shipped->count++] = xasprintf("%s%s", below, files->names[i]);
	}
	return 0;
}

int shipped_list(const char *tests_dir, const char *below, struct shipped *out, struct err *err)
{
	auto_str char *path = xasprintf("%s/%s", tests_dir, below);
	AUTO(file_names) files = {0};
	AUTO(shipped) shipped = {0};
	struct err why;

	if (file_list_names(path, &files, &why) < 0 && why.code != ERR_MISSING &&
	    why.sys != ENOTDIR) {
		*err = why;
		return -1;
	}
	if (take_programs(&files, path, below, &shipped, err) < 0)
		return -1;
	*out = shipped;
	shipped = (struct shipped){0};
	return 0;
}
