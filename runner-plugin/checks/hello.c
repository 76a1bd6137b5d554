/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/hello.h"

#define RECORD_HEAD_BYTES 5
#define RECORD_HANDSHAKE 22
#define MESSAGE_CLIENT_HELLO 1
#define VERSION_AND_RANDOM_BYTES (2 + 32)
#define EXTENSION_SERVER_NAME 0
#define NAME_IS_HOST 0

/* What is left to be read. A read that does not fit makes it bad for good. */
struct span {
	const unsigned char *at;
	size_t length;
	bool is_bad;
};

static struct span take(struct span *from, size_t length)
{
	struct span taken = {.at = from->at, .length = length};

	if (from->is_bad || length > from->length) {
		from->is_bad = true;
		return (struct span){.is_bad = true};
	}
	from->at += length;
	from->length -= length;
	return taken;
}

static size_t take_number(struct span *from, size_t bytes)
{
	struct span digits = take(from, bytes);
	size_t number = 0;

	for (size_t i = 0; i < digits.length; i++)
		number = number << 8 | digits.at[i];
	return number;
}

/* Of as many bytes as the number before it says. */
static struct span take_counted(struct span *from, size_t count_bytes)
{
	size_t length = take_number(from, count_bytes);

	return take(from, length);
}

static bool is_at_end(const struct span *span)
{
	return !span->is_bad && span->length == 0;
}

/* Letters, digits, "-" and dots between them. */
static bool copy_name(const struct span *host, char out[HELLO_NAME_SIZE])
{
	bool is_label_new = true;

	if (host->is_bad || !host->length || host->length >= HELLO_NAME_SIZE)
		return false;
	for (size_t i = 0; i < host->length; i++) {
		unsigned char c = host->at[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		if (c == '.' ? is_label_new
			     : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
		is_label_new = c == '.';
		out[i] = (char)c;
	}
	out[host->length] = '\0';
	return !is_label_new;
}

static bool read_server_name(struct span body, char out[HELLO_NAME_SIZE])
{
	struct span list = take_counted(&body, 2);
	size_t kind = take_number(&list, 1);
	struct span host = take_counted(&list, 2);

	return is_at_end(&body) && is_at_end(&list) && kind == NAME_IS_HOST &&
	       copy_name(&host, out);
}

static bool read_extensions(struct span extensions, char out[HELLO_NAME_SIZE])
{
	size_t named = 0;

	while (!extensions.is_bad && extensions.length) {
		size_t kind = take_number(&extensions, 2);
		struct span body = take_counted(&extensions, 2);

		if (body.is_bad || kind != EXTENSION_SERVER_NAME)
			continue;
		if (named++ || !read_server_name(body, out))
			return false;
	}
	return is_at_end(&extensions) && named == 1;
}

static bool read_message(struct span message, char out[HELLO_NAME_SIZE])
{
	size_t kind = take_number(&message, 1);
	struct span hello = take_counted(&message, 3);

	if (!is_at_end(&message) || kind != MESSAGE_CLIENT_HELLO)
		return false;
	(void)take(&hello, VERSION_AND_RANDOM_BYTES);
	(void)take_counted(&hello, 1); /* session */
	(void)take_counted(&hello, 2); /* cipher suites */
	(void)take_counted(&hello, 1); /* compressions */
	struct span extensions = take_counted(&hello, 2);
	return is_at_end(&hello) && read_extensions(extensions, out);
}

/* As far as the bytes go: type, version 3.x, a length that a record may have. */
static bool begins_record(const unsigned char *bytes, size_t length)
{
	return (length < 1 || bytes[0] == RECORD_HANDSHAKE) && (length < 2 || bytes[1] == 3) &&
	       (length < RECORD_HEAD_BYTES ||
		   ((size_t)bytes[3] << 8 | bytes[4]) <= HELLO_MAX_BYTES - RECORD_HEAD_BYTES);
}

enum hello hello_read(const void *bytes, size_t length, char out_name[HELLO_NAME_SIZE])
{
	struct span rest = {.at = bytes, .length = length};
	char name[HELLO_NAME_SIZE] = "";

	if (!begins_record(bytes, length))
		return HELLO_REFUSED;
	(void)take(&rest, RECORD_HEAD_BYTES - 2);
	struct span message = take_counted(&rest, 2);
	if (message.is_bad)
		return HELLO_PARTIAL;
	/* Nothing may follow: a client waits for the answer. */
	if (rest.length || !read_message(message, name))
		return HELLO_REFUSED;
	(void)copy_text(out_name, HELLO_NAME_SIZE, name);
	return HELLO_NAMED;
}

bool hello_is_of(const char *name, const char *domain)
{
	size_t length = strlen(name);
	size_t tail = strlen(domain);

	return text_ends(name, domain) && (length == tail || name[length - tail - 1] == '.');
}
