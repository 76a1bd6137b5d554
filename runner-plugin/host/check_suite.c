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

static int check_folder(const char *directory, struct tally *tally)
{
	AUTO(file_names) names = {0};
	struct err err;
	int result = 0;

	if (file_list_names(directory, &names, &err) < 0) {
		(void)fprintf(stderr, "ccci-run: cannot read %s\n", directory);
		return -1;
	}
	for (size_t i = 0; i < names.count; i++) {
		auto_str char *path = xasprintf("%s/%s", directory, names.names[i]);

		if (names.names[i][0] != '.' && is_directory(path) && check_one(path, tally) < 0)
			result = -1;
	}
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
