/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/check_suite.h"

#include "common/file.h"
#include "runner-plugin/recipe/suite.h"

#include <sys/stat.h>

struct tally {
	size_t good, bad;
};

static int check_one(const char *directory, struct tally *tally)
{
	AUTO(buf) mistakes = buf_make(SUITE_MISTAKES_MAX_BYTES);
	struct err err;

	if (suite_check(directory, &mistakes, &err) < 0) {
		(void)fprintf(stderr, "ccci-run: %s\n", err.msg);
		return -1;
	}
	(void)fputs(buf_text(&mistakes), stdout);
	tally->good += mistakes.length ? 0 : 1;
	tally->bad += mistakes.length ? 1 : 0;
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int check_folder(const char *directory, struct tally *tally)
{
	struct dirent **names = NULL;
	int count = scandir(directory, &names, NULL, by_name);
	int result = 0;

	if (count < 0) {
		(void)fprintf(stderr, "ccci-run: cannot read %s\n", directory);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		auto_str char *path = xasprintf("%s/%s", directory, names[i]->d_name);

		if (names[i]->d_name[0] != '.' && is_directory(path) && check_one(path, tally) < 0)
			result = -1;
		free(names[i]);
	}
	free(names);
	return result;
}

enum exit_code check_suite(const char *directory)
{
	auto_str char *file = xasprintf("%s/" SUITE_FILE, directory);
	struct tally tally = {0};
	int result =
	    file_exists(file) ? check_one(directory, &tally) : check_folder(directory, &tally);

	if (result < 0)
		return EXIT_USAGE;
	if (!tally.good && !tally.bad) {
		(void)fprintf(
		    stderr, "ccci-run: %s holds no suite and no folder of one\n", directory);
		return EXIT_USAGE;
	}
	(void)printf("%zu good, %zu bad\n", tally.good, tally.bad);
	return tally.bad ? EXIT_USAGE : EXIT_PASSED;
}
