/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * talks PIECE...: writes each piece to stdout by a write of its own; "BYTES*c" is that many of one
 * character, "2:text" goes to stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_many(long count, char c)
{
	char chunk[1000];

	memset(chunk, c, sizeof(chunk));
	while (count > 0) {
		size_t most = count < (long)sizeof(chunk) ? (size_t)count : sizeof(chunk);

		if (write(1, chunk, most) < 0)
			return 1;
		count -= (long)most;
	}
	return 0;
}

int main(int count, char **arguments)
{
	for (int i = 1; i < count; i++) {
		char *end = NULL;
		long many = strtol(arguments[i], &end, 10);

		if (*end == '*' && write_many(many, end[1]) == 0)
			continue;
		int fd = strncmp(arguments[i], "2:", 2) == 0 ? 2 : 1;
		const char *text = arguments[i] + (fd == 2 ? 2 : 0);

		if (write(fd, text, strlen(text)) < 0)
			return 1;
		(void)usleep(20000); /* so that the pieces are read one by one */
	}
	return 0;
}
