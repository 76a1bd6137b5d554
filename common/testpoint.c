/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/testpoint.h"

#include "common/base.h"

#ifdef CCCI_TEST_POINTS

#include <fcntl.h>

static void trace(const char *name)
{
	const char *path = getenv("CCCI_TEST_TRACE");

	if (!path)
		return;
	auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	auto_str char *line = xasprintf("%s\n", name);

	/* One write with O_APPEND: lines of several processes do not mix. */
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
}

static bool is_asked(const char *name, int64_t *out_count)
{
	const char *asked = getenv("CCCI_TEST_KILL");
	size_t length = strlen(name);

	if (!asked || !text_starts(asked, name))
		return false;
	*out_count = 1;
	if (!asked[length])
		return true;
	return asked[length] == '@' && parse_int64(asked + length + 1, 1, INT32_MAX, out_count);
}

bool testpoint_reached(const char *name)
{
	static int64_t passes; /* of the one name asked for; a forked child goes on counting */
	int64_t count = 0;

	trace(name);
	if (!is_asked(name, &count))
		return false;
	passes++;
	return passes == count;
}

void testpoint_pass(const char *name)
{
	if (testpoint_reached(name))
		(void)kill(getpid(), SIGKILL);
}

#endif
