/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first bytes of a connection: whatever they are, a name that is read from them is a host name,
 * fewer of them name nothing yet, and more of them are refused.
 */
#include "runner-plugin/checks/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	if (!*name || *name == '.' || text_ends(name, ".") || strstr(name, ".."))
		abort();
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != strlen(name))
		abort();
	if (!hello_is_of(name, name))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HELLO_NAME_SIZE];
	char other[HELLO_NAME_SIZE] = "untouched";
	enum hello whole = hello_read(data, size, name);

	if (whole == HELLO_PARTIAL && size >= HELLO_MAX_BYTES)
		abort(); /* nobody would ever end it */
	if (whole != HELLO_NAMED)
		return 0;
	check_name(name);
	for (size_t length = 0; length < size; length++) {
		if (hello_read(data, length, other) != HELLO_PARTIAL)
			abort();
	}
	uint8_t *longer = xcalloc(size + 1, 1);
	memcpy(longer, data, size);
	if (hello_read(longer, size + 1, other) != HELLO_REFUSED || !text_is(other, "untouched"))
		abort();
	free(longer);
	return 0;
}
