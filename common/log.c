/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include "common/clock.h"

#include <sys/stat.h>

#define LOG_MASK_MAX_BYTES (64 * 1024) /* saved: a thousand passwords */
#define LOG_LINE_MAX_BYTES 4096	       /* a line is for people; longer ones are cut */

static struct {
	enum log_level level;
	int fd; /* 0: stderr, so that the zero value works */
	bool has_journal;
	char scope[320]; /* a repository's name, and some numbers */
	char **secrets;	 /* longest first */
	size_t secret_count;
	size_t longest_secret;
} sink = {.level = LOG_LEVEL_INFO};

static const char *const level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

/* sd-daemon(3): "<N>" before a line is its syslog priority when stderr is the journal. */
static const char *const journal_prefixes[] = {
    [LOG_LEVEL_ERROR] = "<3>",
    [LOG_LEVEL_WARNING] = "<4>",
    [LOG_LEVEL_INFO] = "<6>",
    [LOG_LEVEL_DEBUG] = "<7>",
};

/*
 * The variable says device and inode of the stream that leads to the journal: what was redirected
 * since is another one, and its reader is no journal.
 * Source: systemd.exec(5), JOURNAL_STREAM.
 */
static bool leads_to_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	struct stat status;
	char own[64];

	if (!text || fstat(fd, &status) < 0)
		return false;
	(void)snprintf(
	    own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return text_is(text, own);
}

static void look_at_sink(void)
{
	sink.has_journal = leads_to_journal(sink.fd ? sink.fd : STDERR_FILENO);
}

void log_init(enum log_level level)
{
	sink.level = level;
	look_at_sink();
}

void log_set_fd(int fd)
{
	sink.fd = fd < 0 ? 0 : fd;
	look_at_sink();
}

void log_scope(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(sink.scope, sizeof(sink.scope), format, args) < 0)
		sink.scope[0] = '\0';
	va_end(args);
}

void log_scope_end(void)
{
	sink.scope[0] = '\0';
}

/* As much as fits; what does not is left out with all that follows. */
static void add_escaped(struct buf *line, const char *text)
{
	int result = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c && result == 0; c++) {
		if (*c < 0x20 || *c == 0x7f)
			result = buf_printf(line, "\\x%02x", *c);
		else
			result = buf_add_char(line, (char)*c);
	}
}

/* Masked before it is cut: the front half of a secret is half a secret. */
PRINTF_LIKE(1, 0)
static char *format_masked(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		abort();
	AUTO(buf) masked = buf_make(strlen(text));
	(void)log_mask_text(&masked, text, strlen(text));
	free(text);
	return buf_take(&masked);
}

PRINTF_LIKE(2, 0)
static void write_line(enum log_level level, const char *format, va_list args)
{
	if (level > sink.level)
		return;

	auto_str char *text = format_masked(format, args);
	AUTO(buf) line = buf_make(LOG_LINE_MAX_BYTES);

	if (sink.has_journal)
		(void)buf_add_text(&line, journal_prefixes[level]);
	(void)buf_printf(&line, "%s: ", level_words[level]);
	if (sink.scope[0]) {
		add_escaped(&line, sink.scope);
		(void)buf_add_char(&line, ' ');
	}
	add_escaped(&line, text);
	line.max_bytes += 4;
	(void)buf_add_text(&line, line.was_truncated ? "...\n" : "\n");
	if (write(sink.fd ? sink.fd : STDERR_FILENO, line.data, line.length) < 0) {
		/* a log that nobody can read is no reason to stop */
	}
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		write_line(level, format, args);                                                   \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_mask(const char *secret)
{
	if (!secret || strlen(secret) < LOG_SECRET_MIN_BYTES)
		return;
	for (size_t i = 0; i < sink.secret_count; i++) {
		if (text_is(sink.secrets[i], secret))
			return;
	}

	size_t length = strlen(secret);
	size_t at = 0;

	/* Longest first, so that a secret that holds another one is masked whole. */
	while (at < sink.secret_count && strlen(sink.secrets[at]) >= length)
		at++;
	sink.secrets = xrealloc_array(sink.secrets, sink.secret_count + 1, sizeof(sink.secrets[0]));
	memmove(sink.secrets + at + 1, sink.secrets + at,
	    (sink.secret_count - at) * sizeof(sink.secrets[0]));
	sink.secrets[at] = xstrdup(secret);
	sink.secret_count++;
	if (length > sink.longest_secret)
		sink.longest_secret = length;
}

void log_mask_lines(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");
		auto_str char *line = xstrndup(text, length);

		log_mask(line);
		text += length;
		text += strspn(text, "\r\n");
	}
}

static const char *secret_at(const char *text, size_t length)
{
	for (size_t i = 0; i < sink.secret_count; i++) {
		const char *secret = sink.secrets[i];

		if (secret[0] == text[0] && strlen(secret) <= length &&
		    memcmp(text, secret, strlen(secret)) == 0)
			return secret;
	}
	return NULL;
}

/* The text ends before a secret that may have begun here does. */
static bool may_begin_secret(const char *text, size_t length)
{
	for (size_t i = 0; i < sink.secret_count; i++) {
		const char *secret = sink.secrets[i];

		if (secret[0] == text[0] && strlen(secret) > length &&
		    memcmp(text, secret, length) == 0)
			return true;
	}
	return false;
}

/* Returns how much of text is dealt with. */
static size_t mask_text(
    struct buf *out, const char *text, size_t length, bool has_more, int *out_result)
{
	for (size_t at = 0; at < length;) {
		if (has_more && may_begin_secret(text + at, length - at))
			return at;
		const char *secret = secret_at(text + at, length - at);
		if (secret) {
			*out_result |= buf_add_text(out, "***");
			at += strlen(secret);
		} else {
			*out_result |= buf_add_char(out, text[at]);
			at++;
		}
	}
	return length;
}

int log_mask_text(struct buf *out, const char *text, size_t length)
{
	int result = 0;

	(void)mask_text(out, text, length, false, &result);
	return result;
}

size_t log_mask_part(struct buf *out, const char *text, size_t length)
{
	int result = 0;

	return mask_text(out, text, length, true, &result);
}

size_t log_mask_longest(void)
{
	return sink.longest_secret;
}

void log_mask_save(int memory_fd)
{
	off_t at = 0;

	if (memory_fd < 0 || ftruncate(memory_fd, 0) < 0)
		return;
	for (size_t i = 0; i < sink.secret_count; i++) {
		size_t size = strlen(sink.secrets[i]) + 1;

		if (pwrite(memory_fd, sink.secrets[i], size, at) != (ssize_t)size)
			return;
		at += (off_t)size;
	}
}

void log_mask_load(int memory_fd)
{
	char text[LOG_MASK_MAX_BYTES];
	ssize_t length = memory_fd < 0 ? -1 : pread(memory_fd, text, sizeof(text) - 1, 0);

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1) {
		text[length] = '\0';
		log_mask(text + at);
	}
}

void log_mask_reset(void)
{
	for (size_t i = 0; i < sink.secret_count; i++)
		free(sink.secrets[i]);
	free(sink.secrets);
	sink.secrets = NULL;
	sink.secret_count = 0;
	sink.longest_secret = 0;
}

bool log_limit_pass(struct log_limit *limit, unsigned *out_dropped)
{
	int64_t now_ns = clock_now();

	if (now_ns < limit->next_ns) {
		limit->dropped++;
		return false;
	}
	*out_dropped = limit->dropped;
	limit->dropped = 0;
	limit->next_ns = now_ns + limit->interval_ms * NS_PER_MS;
	return true;
}
