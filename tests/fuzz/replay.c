/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Without libFuzzer: feeds a fuzz target each file of its corpus, so that what a fuzzer found once
 * stays found. A missing corpus is an empty one, but an input of no bytes is always tried.
 */
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"

#include <dirent.h>

#define INPUT_MAX_BYTES (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	AUTO(buf) input = {0};
	struct err err;

	if (file_read(path, INPUT_MAX_BYTES, &input, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	(void)printf("%s\n", path);
	(void)fflush(stdout);
	return LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&input), input.length);
}

int main(int argc, char **argv)
{
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	int failed = LLVMFuzzerTestOneInput((const uint8_t *)"", 0);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		auto_str char *path = xasprintf("%s/%s", argv[1], entry->d_name);
		failed |= replay(path);
	}
	if (dir)
		(void)closedir(dir);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
