/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/journal.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LINE_FIELDS_MAX 8
#define LINE_MAX_BYTES (6 * (3 * JOURNAL_FIELD_MAX + 16)) /* five fields, every byte escaped */
#define CRC_DIGITS 8

/* --- the form of a line --- */

struct field {
	const char *key;
	size_t offset; /* of a char * in struct journal_entry */
};

static const struct form {
	const char *word;
	struct field fields[LINE_FIELDS_MAX];
} forms[] = {
    [JOURNAL_DIR] = {"dir", {{"path", offsetof(struct journal_entry, path)}}},
    [JOURNAL_APP] = {"app", {{"recipe", offsetof(struct journal_entry, recipe)},
				{"domain", offsetof(struct journal_entry, domain)},
				{"stack", offsetof(struct journal_entry, stack)},
				{"server", offsetof(struct journal_entry, server)},
				{"env", offsetof(struct journal_entry, env)}}},
    [JOURNAL_TENANT] = {"tenant", {{"recipe", offsetof(struct journal_entry, recipe)},
				      {"domain", offsetof(struct journal_entry, domain)},
				      {"stack", offsetof(struct journal_entry, stack)},
				      {"path", offsetof(struct journal_entry, path)},
				      {"text", offsetof(struct journal_entry, text)}}},
    [JOURNAL_MARK] = {"mark", {{"text", offsetof(struct journal_entry, text)}}},
    [JOURNAL_UNDONE] = {"undone", {{0}}}, /* its one field is a number: see below */
    [JOURNAL_CLOSED] = {"closed", {{0}}},
};

static char **field_of(struct journal_entry *entry, const struct field *field)
{
	return (char **)(void *)((char *)entry + field->offset);
}

static const char *text_of(const struct journal_entry *entry, const struct field *field)
{
	const char *const *text =
	    (const char *const *)(const void *)((const char *)entry + field->offset);

	return *text ? *text : "";
}

const char *journal_kind_word(enum journal_kind kind)
{
	return forms[kind].word;
}

void journal_entry_release(struct journal_entry *entry)
{
	free(entry->path);
	free(entry->recipe);
	free(entry->domain);
	free(entry->stack);
	free(entry->server);
	free(entry->env);
	free(entry->text);
	*entry = (struct journal_entry){0};
}

/* CRC-32 of IEEE 802.3, bit by bit: a journal is a few dozen lines. */
static uint32_t checksum(const char *data, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= (unsigned char)data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
	}
	return ~crc;
}

static bool is_escaped_byte(unsigned char byte)
{
	return byte <= ' ' || byte == '%' || byte == 0x7f;
}

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (is_escaped_byte(byte))
			(void)buf_printf(out, "%%%02X", byte);
		else
			(void)buf_add_char(out, *text);
	}
}

char *journal_encode(const struct journal_entry *entry)
{
	AUTO(buf) line = buf_make(SIZE_MAX / 2);

	(void)buf_printf(&line, "%lld %s", (long long)entry->seq, forms[entry->kind].word);
	for (const struct field *field = forms[entry->kind].fields; field->key; field++) {
		(void)buf_printf(&line, " %s=", field->key);
		add_escaped(&line, text_of(entry, field));
	}
	if (entry->kind == JOURNAL_UNDONE)
		(void)buf_printf(&line, " seq=%lld", (long long)entry->undone);
	(void)buf_printf(&line, " %08x\n", checksum(line.data, line.length));
	return buf_take(&line);
}

/* --- reading a line: whatever encode would not have written is damage --- */

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* NULL: not what add_escaped() makes. */
static char *unescape(const char *text)
{
	AUTO(buf) out = buf_make(JOURNAL_FIELD_MAX);

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '%') {
			int high = hex_value(text[1]);
			int low = high < 0 ? -1 : hex_value(text[2]);

			if (low < 0)
				return NULL;
			byte = (unsigned char)(high * 16 + low);
			text += 2;
			if (!byte || !is_escaped_byte(byte))
				return NULL;
		} else if (is_escaped_byte(byte)) {
			return NULL;
		}
		if (buf_add_char(&out, (char)byte) < 0)
			return NULL;
	}
	return buf_take(&out);
}

/* Cuts the next word off a line; NULL: none is left. */
static char *next_word(char **line)
{
	char *word = *line;

	if (!word)
		return NULL;
	char *blank = strchr(word, ' ');
	if (blank)
		*blank = '\0';
	*line = blank ? blank + 1 : NULL;
	return word;
}

/* What is behind "key=", NULL when the word is not of that key. */
static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	if (!word || strncmp(word, key, length) != 0 || word[length] != '=')
		return NULL;
	return word + length + 1;
}

static bool read_fields(char *rest, struct journal_entry *entry)
{
	for (const struct field *field = forms[entry->kind].fields; field->key; field++) {
		const char *value = value_of(next_word(&rest), field->key);
		char *text = value ? unescape(value) : NULL;

		if (!text)
			return false;
		*field_of(entry, field) = text;
	}
	if (entry->kind == JOURNAL_UNDONE) {
		const char *value = value_of(next_word(&rest), "seq");

		if (!value || !parse_int64(value, 1, INT64_MAX, &entry->undone))
			return false;
	}
	return !rest;
}

static bool read_kind(const char *word, enum journal_kind *out)
{
	for (size_t i = 0; word && i < COUNT_OF(forms); i++)
		if (text_is(word, forms[i].word)) {
			*out = (enum journal_kind)i;
			return true;
		}
	return false;
}

/* A line without its newline. False: damaged. */
static bool decode_line(const char *text, size_t length, struct journal_entry *out)
{
	AUTO(journal_entry) entry = {0};

	if (length <= CRC_DIGITS + 1 || length > LINE_MAX_BYTES || memchr(text, '\0', length))
		return false;
	auto_str char *line = xstrndup(text, length - CRC_DIGITS - 1);
	char *rest = line;
	const char *seq = next_word(&rest);
	if (!parse_int64(seq, 0, INT64_MAX, &entry.seq) ||
	    !read_kind(next_word(&rest), &entry.kind) || !read_fields(rest, &entry))
		return false;
	/* With its checksum; and numbers have more than one spelling, of which only one is ours. */
	auto_str char *again = journal_encode(&entry);
	if (strncmp(again, text, length) != 0 || again[length] != '\n')
		return false;
	*out = entry;
	entry = (struct journal_entry){0};
	return true;
}

/* --- whole journals --- */

static void add_entry(struct journal *journal, struct journal_entry *take_entry)
{
	journal->entries =
	    xrealloc_array(journal->entries, journal->count + 1, sizeof(*journal->entries));
	journal->entries[journal->count++] = *take_entry;
	*take_entry = (struct journal_entry){0};
}

static bool follows(const struct journal *journal, const struct journal_entry *entry)
{
	return entry->seq == (int64_t)journal->count + 1 &&
	       (entry->kind != JOURNAL_UNDONE || entry->undone < entry->seq);
}

/* *out_length is how much of the text is whole lines. */
static int decode(
    const char *text, size_t length, struct journal *out, size_t *out_length, struct err *err)
{
	AUTO(journal) journal = {0};
	size_t at = 0;

	while (at < length) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t line_length = end ? (size_t)(end - text) - at : length - at;
		AUTO(journal_entry) entry = {0};

		if (!end || !decode_line(text + at, line_length, &entry) ||
		    !follows(&journal, &entry)) {
			if (end && at + line_length + 1 < length)
				return err_set(err, ERR_PROTOCOL, "journal: line %zu is damaged",
				    journal.count + 1);
			journal.had_torn_tail = true;
			break;
		}
		add_entry(&journal, &entry);
		at += line_length + 1;
	}
	*out = journal;
	journal = (struct journal){0};
	*out_length = at;
	return 0;
}

int journal_decode(const char *text, size_t length, struct journal *out, struct err *err)
{
	size_t whole = 0;

	return decode(text, length, out, &whole, err);
}

void journal_release(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		journal_entry_release(&journal->entries[i]);
	free(journal->entries);
	*journal = (struct journal){0};
}

static bool makes_something(const struct journal_entry *entry)
{
	return entry->kind == JOURNAL_DIR || entry->kind == JOURNAL_APP ||
	       entry->kind == JOURNAL_TENANT;
}

bool journal_is_closed(const struct journal *journal)
{
	for (size_t i = journal->count; i-- > 0;) {
		if (journal->entries[i].kind == JOURNAL_CLOSED)
			return true;
		if (makes_something(&journal->entries[i]))
			return false;
	}
	return false;
}

size_t *journal_open_entries(const struct journal *journal, size_t *out_count)
{
	bool *is_undone = xcalloc(journal->count + 1, sizeof(*is_undone));
	size_t *open = xcalloc(journal->count + 1, sizeof(*open));
	size_t count = 0;

	for (size_t i = 0; i < journal->count; i++)
		if (journal->entries[i].kind == JOURNAL_UNDONE)
			is_undone[journal->entries[i].undone - 1] = true;
	for (size_t i = journal->count; i-- > 0;)
		if (makes_something(&journal->entries[i]) && !is_undone[i])
			open[count++] = i;
	free(is_undone);
	*out_count = count;
	return open;
}

/* --- on disk --- */

int journal_read(const char *path, struct journal *out, struct err *err)
{
	AUTO(buf) text = {0};

	if (file_read(path, JOURNAL_MAX_BYTES, &text, err) < 0) {
		if (err->code != ERR_MISSING)
			return -1;
		*out = (struct journal){0};
		return 0;
	}
	if (journal_decode(buf_text(&text), text.length, out, err) < 0)
		return err_prefix(err, "%s", path);
	return 0;
}

static int check_fields(const struct journal_entry *entry, struct err *err)
{
	for (const struct field *field = forms[entry->kind].fields; field->key; field++)
		if (strlen(text_of(entry, field)) > JOURNAL_FIELD_MAX)
			return err_set(err, ERR_LIMIT, "journal: %s of %s is too long", field->key,
			    forms[entry->kind].word);
	return 0;
}

static int append_line(
    const char *path, size_t whole, bool is_new, const char *line, struct err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	if (ftruncate(fd, (off_t)whole) < 0 || lseek(fd, (off_t)whole, SEEK_SET) < 0 ||
	    file_write_all(fd, line, strlen(line)) < 0 || fsync(fd) < 0) {
		int saved = errno;

		(void)!ftruncate(fd, (off_t)whole); /* a torn tail is dropped when read as well */
		return err_sys(err, saved, "append to %s", path);
	}
	if (is_new && file_sync_parent(path) < 0)
		return err_sys(err, errno, "append to %s: sync its directory", path);
	return 0;
}

int journal_append(const char *path, struct journal_entry *entry, struct err *err)
{
	AUTO(buf) text = {0};
	AUTO(journal) journal = {0};
	size_t whole = 0;
	bool is_new = false;

	if (check_fields(entry, err) < 0)
		return -1;
	if (file_read(path, JOURNAL_MAX_BYTES, &text, err) < 0) {
		if (err->code != ERR_MISSING)
			return -1;
		is_new = true;
	}
	if (decode(buf_text(&text), text.length, &journal, &whole, err) < 0)
		return err_prefix(err, "%s", path);
	entry->seq = (int64_t)journal.count + 1;
	auto_str char *line = journal_encode(entry);
	if (whole + strlen(line) > JOURNAL_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "append to %s: it is full", path);
	return append_line(path, whole, is_new, line, err);
}

/* --- between worker and keeper: one packet with the line, one with the answer --- */

#define ANSWER_OK "ok"

static ssize_t receive_packet(int fd, char *out, size_t out_size)
{
	ssize_t length;

	do
		length = recv(fd, out, out_size - 1, 0);
	while (length < 0 && errno == EINTR);
	if (length >= 0)
		out[length] = '\0';
	return length;
}

static int send_packet(int fd, const char *text)
{
	ssize_t sent;

	do
		sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int journal_record(int control_fd, const struct journal_entry *entry, struct err *err)
{
	struct journal_entry asked = *entry; /* borrows its texts */
	char answer[sizeof(err->msg)];

	if (check_fields(entry, err) < 0)
		return -1;
	asked.seq = 0;
	auto_str char *line = journal_encode(&asked);
	if (send_packet(control_fd, line) < 0)
		return err_sys(err, errno, "ask the keeper to record %s", forms[entry->kind].word);
	ssize_t length = receive_packet(control_fd, answer, sizeof(answer));
	if (length < 0)
		return err_sys(err, errno, "wait for the keeper to record");
	if (length == 0)
		return err_set(err, ERR_SYS, "wait for the keeper to record: it is gone");
	if (!text_is(answer, ANSWER_OK))
		return err_set(err, ERR_SYS, "the keeper could not record: %s", answer);
	return 0;
}

int journal_receive(int control_fd, struct journal_entry *out, struct err *err)
{
	char *line = xcalloc(LINE_MAX_BYTES + 2, 1);
	ssize_t length = receive_packet(control_fd, line, LINE_MAX_BYTES + 2);
	int result = 0;

	if (length < 0)
		result = err_sys(err, errno, "receive from the worker");
	else if (length == 0)
		result = err_set(err, ERR_MISSING, "the worker is gone");
	else if (line[length - 1] != '\n' || !decode_line(line, (size_t)length - 1, out))
		result = err_set(err, ERR_PROTOCOL, "the worker asked for no record");
	free(line);
	return result;
}

int journal_answer(int control_fd, const struct err *why, struct err *err)
{
	if (send_packet(control_fd, why ? why->msg : ANSWER_OK) < 0)
		return err_sys(err, errno, "answer the worker");
	return 0;
}
