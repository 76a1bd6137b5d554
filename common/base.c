/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base.h"

#include <errno.h>

static void die_without_memory(void)
{
	static const char message[] = "ccci: out of memory\n";

	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0) {
		/* nothing is left to tell it to */
	}
	abort();
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		die_without_memory();
	return memory;
}

void *xrealloc_array(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count ? count : 1, size ? size : 1);

	if (!memory)
		die_without_memory();
	return memory;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die_without_memory();
	return copy;
}

char *xstrndup(const char *text, size_t most)
{
	char *copy = strndup(text, most);

	if (!copy)
		die_without_memory();
	return copy;
}

char *xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		die_without_memory();
	return text;
}

bool copy_text(char *out, size_t out_size, const char *text)
{
	size_t length = strlen(text);

	if (length >= out_size) {
		out[0] = '\0';
		return false;
	}
	memcpy(out, text, length + 1);
	return true;
}

bool format_text(char *out, size_t out_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(out, out_size, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= out_size) {
		out[0] = '\0';
		return false;
	}
	return true;
}

bool text_lists(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *at; at += *at == ',') {
		size_t size = strcspn(at, ",");

		if (size == length && memcmp(at, word, length) == 0)
			return true;
		at += size;
	}
	return false;
}

size_t text_index(const char *const *words, size_t count, const char *word)
{
	size_t at = 0;

	while (at < count && !text_is(words[at], word))
		at++;
	return at;
}

const char *text_descope(const char *stack, const char *name)
{
	size_t length = strlen(stack);

	if (!name || strncmp(name, stack, length) != 0 || name[length] != '_')
		return NULL;
	return name + length + 1;
}

bool text_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text);
	size_t tail = strlen(suffix);

	return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

#define CHARACTER_MAX_BYTES 4 /* RFC 3629, section 3 */

static bool is_within_character(const char *at)
{
	return ((unsigned char)*at & 0xc0) == 0x80;
}

size_t text_head(const char *text, size_t max_bytes)
{
	size_t length = strnlen(text, max_bytes);
	size_t back = 0;

	while (back < CHARACTER_MAX_BYTES - 1 && back < length &&
	       is_within_character(text + length - back))
		back++;
	return is_within_character(text + length - back) ? length : length - back;
}

const char *text_last_line(const char *text, size_t *out_length)
{
	size_t end = strlen(text);

	while (end && strchr(" \t\r\n", text[end - 1]))
		end--;
	size_t start = end;
	while (start && text[start - 1] != '\n')
		start--;
	*out_length = end - start;
	return text + start;
}

void copy_head(char *out, size_t out_size, const char *text)
{
	size_t length = text_head(text, out_size - 1);

	memmove(out, text, length);
	out[length] = '\0';
}

const char *text_tail(const char *text, size_t max_bytes)
{
	size_t length = strlen(text);
	const char *at = length > max_bytes ? text + length - max_bytes : text;

	for (int i = 1; at > text && i < CHARACTER_MAX_BYTES && is_within_character(at); i++)
		at++;
	return at;
}

const char *environ_get(const char *const *environ, const char *name)
{
	size_t length = strlen(name);

	for (; environ && *environ; environ++) {
		if (strncmp(*environ, name, length) == 0 && (*environ)[length] == '=')
			return *environ + length + 1;
	}
	return NULL;
}

const char *environ_path(const char *const *environ)
{
	const char *path = environ_get(environ, "PATH");

	return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
}

bool parse_int64(const char *text, int64_t least, int64_t most, int64_t *out)
{
	char *end = NULL;

	if ((text[0] < '0' || text[0] > '9') && text[0] != '-')
		return false;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		return false;
	*out = value;
	return true;
}

void close_fd(int *fd)
{
	if (*fd < 0)
		return;
	int saved = errno;
	(void)close(*fd);
	errno = saved;
	*fd = -1;
}
