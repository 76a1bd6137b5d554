/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main of a fuzz target where there is no libFuzzer: gives it every file of the corpus named in
 * argv[1]. No corpus, or an empty one, is a failure: a test that tried nothing.
 */
#include "common/file.h"

#include <dirent.h>

#define CORPUS_FILE_MAX_BYTES (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *dir, const char *name)
{
	auto_str char *path = xasprintf("%s/%s", dir, name);
	AUTO(buf) content = {0};
	struct err err;

	if (file_read(path, CORPUS_FILE_MAX_BYTES, &content, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	(void)printf("%s\n", path); /* before: so that a crash has a name */
	(void)fflush(stdout);
	/* A copy of exactly this size: a read beyond is seen by a sanitizer. */
	uint8_t *data = xcalloc(content.length, 1);
	memcpy(data, buf_text(&content), content.length);
	(void)LLVMFuzzerTestOneInput(data, content.length);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	size_t count = 0;

	if (!dir) {
		(void)fprintf(stderr, "usage: %s CORPUS (a directory)\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay(argv[1], entry->d_name) < 0)
			return EXIT_FAILURE;
		count++;
	}
	(void)closedir(dir);
	(void)printf("%zu inputs\n", count);
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
