/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/env_file.h"

#include "common/buf.h"
#include "common/json.h"

#include <ctype.h>

#define SHOWN_BYTES 60 /* of a line, in a message */

/* --- rows --- */

void env_release(struct env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		free(env->rows[i].name);
		free(env->rows[i].value);
	}
	free(env->rows);
	*env = (struct env){0};
}

const char *env_get(const struct env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++) {
		if (text_is(env->rows[i].name, name))
			return env->rows[i].value;
	}
	return NULL;
}

void env_set(struct env *env, const char *name, const char *value)
{
	for (size_t i = 0; i < env->count; i++) {
		if (text_is(env->rows[i].name, name)) {
			char *copy = xstrdup(value);

			free(env->rows[i].value);
			env->rows[i].value = copy;
			return;
		}
	}
	env->rows = xrealloc_array(env->rows, env->count + 1, sizeof(env->rows[0]));
	env->rows[env->count++] = (struct env_row){xstrdup(name), xstrdup(value)};
}

/* --- statements: where one stands in the text --- */

/* "\r\n" counts as "\n" throughout: godotenv replaces it before it looks. */
struct reader {
	const char *file;
	const char *text;
	size_t length;
	size_t at; /* what is not read yet */
	struct err *err;
};

struct statement {
	size_t start; /* of "export" or of the name */
	size_t name_at, name_length;
	size_t value_at, value_length; /* without quotes and blanks around */
	char quote;		       /* '\0': bare */
	size_t end;		       /* behind the value and its closing quote */
};

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

static int line_of(const struct reader *reader, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at; i++)
		line += reader->text[i] == '\n';
	return line;
}

static int shown_length(const struct reader *reader, size_t at)
{
	const char *line = reader->text + at;
	size_t length = 0;

	while (at + length < reader->length && length < SHOWN_BYTES && line[length] &&
	       !is_line_end(line[length]))
		length++;
	return (int)length;
}

/* Bytes of the blank at the start of a text, 0 when there is none; a line's end is no blank, a
 * carriage return is. */
static size_t blank_length(const char *text, size_t length)
{
	if (length && *text && strchr(" \t\v\f\r", *text))
		return 1;
	if (length > 1 && text[0] == '\xc2' && (text[1] == '\x85' || text[1] == '\xa0'))
		return 2; /* U+0085, U+00A0 */
	return 0;
}

/* Bytes of the blank at the end of a text. */
static size_t trailing_blank(const char *text, size_t length)
{
	if (length > 1 && blank_length(text + length - 2, 2) == 2)
		return 2;
	return length ? blank_length(text + length - 1, 1) : 0;
}

static size_t trimmed_length(const char *text, size_t length)
{
	for (size_t n = trailing_blank(text, length); n; n = trailing_blank(text, length))
		length -= n;
	return length;
}

/* As blank_length(), with all that Unicode calls space: what may stand before a statement. */
static size_t space_length(const char *text, size_t length)
{
	static const char *const wide[] = {"\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
	    "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
	    "\u2029", "\u202f", "\u205f", "\u3000"};

	if (length && *text == '\n')
		return 1;
	for (size_t i = 0; i < COUNT_OF(wide); i++) {
		if (length >= 3 && memcmp(text, wide[i], 3) == 0)
			return 3;
	}
	return blank_length(text, length);
}

static void skip_blanks(struct reader *reader)
{
	size_t n = 0;

	while ((n = blank_length(reader->text + reader->at, reader->length - reader->at)))
		reader->at += n;
}

static void skip_to_line_end(struct reader *reader)
{
	while (reader->at < reader->length && reader->text[reader->at] != '\n')
		reader->at++;
}

/* To what is neither space nor comment. */
static void skip_to_statement(struct reader *reader)
{
	while (reader->at < reader->length) {
		size_t n = space_length(reader->text + reader->at, reader->length - reader->at);

		if (!n && reader->text[reader->at] != '#')
			return;
		if (n)
			reader->at += n;
		else
			skip_to_line_end(reader);
	}
}

/* godotenv asks this of single bytes as if they were Latin-1, letters beyond ASCII included. */
static bool is_name_byte(unsigned char byte)
{
	if (byte < 0x80)
		return isalnum(byte) || (byte && strchr("_. \t\v\f\r", byte));
	return byte == 0x85 || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7) ||
	       strchr("\xa0\xaa\xb5\xba\xb2\xb3\xb9\xbc\xbd\xbe", byte);
}

static int refuse_name(const struct reader *reader, size_t start, size_t at)
{
	const char *line = reader->text + start;
	int shown = shown_length(reader, start);
	int number = line_of(reader, at);
	unsigned char byte = (unsigned char)reader->text[at];

	if (start == 0 && reader->length >= 3 && memcmp(reader->text, "\xef\xbb\xbf", 3) == 0)
		return err_set(reader->err, ERR_CONFIG,
		    "%s:1: begins with a byte order mark: save it as UTF-8 without one",
		    reader->file);
	if (byte == '\n')
		return err_set(reader->err, ERR_CONFIG,
		    "%s:%d: \"%.*s\" has no \"=\": write NAME=value, or put # before it",
		    reader->file, number, shown, line);
	if (byte < ' ' || byte > '~')
		return err_set(reader->err, ERR_CONFIG,
		    "%s:%d: the byte 0x%02x cannot stand in a name: write NAME=value, or put # "
		    "before it",
		    reader->file, number, byte);
	return err_set(reader->err, ERR_CONFIG,
	    "%s:%d: \"%.*s\": %c cannot stand in a name: write NAME=value with letters, digits and "
	    "_, or put # before it",
	    reader->file, number, shown, line, byte);
}

/* Up to and with "=" or ":"; a last line without either is a value without a name. */
static int read_name(struct reader *reader, struct statement *out)
{
	static const char export[] = "export";
	size_t behind = reader->at + strlen(export);

	if (reader->length > behind &&
	    memcmp(reader->text + reader->at, export, strlen(export)) == 0 &&
	    blank_length(reader->text + behind, reader->length - behind)) {
		reader->at = behind;
		skip_blanks(reader);
		if (reader->at == reader->length)
			return err_set(reader->err, ERR_CONFIG,
			    "%s:%d: nothing stands behind export: write export NAME=value",
			    reader->file, line_of(reader, behind));
	}
	size_t start = reader->at;
	size_t at = start;
	while (at < reader->length && reader->text[at] != '=' && reader->text[at] != ':') {
		if (!is_name_byte((unsigned char)reader->text[at]))
			return refuse_name(reader, start, at);
		at++;
	}
	out->name_at = start;
	out->name_length = 0;
	if (at == reader->length)
		return 0;
	out->name_length = trimmed_length(reader->text + start, at - start);
	reader->at = at + 1;
	return 0;
}

/* A bare value goes to the end of its line, or to the last "#" there with a blank before it. */
static void find_bare_value(struct reader *reader, struct statement *out)
{
	const char *text = reader->text + reader->at;
	size_t left = reader->length - reader->at;
	size_t length = 0;

	while (length < left && !is_line_end(text[length]))
		length++;
	for (size_t i = length; i-- > 1;) {
		if (text[i] == '#' && trailing_blank(text, i)) {
			length = i;
			break;
		}
	}
	out->value_at = reader->at;
	out->value_length = trimmed_length(text, length);
	out->end = reader->at + out->value_length;
}

/* A quoted value goes to the first such quote without a backslash before it. Quotes at its ends are
 * taken off, however many. */
static int find_quoted_value(struct reader *reader, struct statement *out)
{
	const char *text = reader->text;
	size_t start = reader->at;
	size_t end = start + 1;

	while (end < reader->length && (text[end] != out->quote || text[end - 1] == '\\'))
		end++;
	if (end >= reader->length)
		return err_set(reader->err, ERR_CONFIG, "%s:%d: \"%.*s\" has no closing %c%s",
		    reader->file, line_of(reader, start), shown_length(reader, out->start),
		    text + out->start, out->quote,
		    memchr(text + start, '\\', reader->length - start)
			? ": one behind a backslash does not close"
			: ": close it, or leave both away");
	out->end = end + 1;
	while (end > start && text[end - 1] == out->quote)
		end--;
	while (start < end && text[start] == out->quote)
		start++;
	out->value_at = start;
	out->value_length = end - start;
	return 0;
}

/* The next statement; 1: there is one, 0: the text is at its end. */
static int next_statement(struct reader *reader, struct statement *out)
{
	struct statement statement = {0};

	skip_to_statement(reader);
	if (reader->at == reader->length)
		return 0;
	statement.start = reader->at;
	if (read_name(reader, &statement) < 0)
		return -1;
	skip_blanks(reader);
	if (reader->at < reader->length && strchr("\"'", reader->text[reader->at]) &&
	    reader->text[reader->at]) {
		statement.quote = reader->text[reader->at];
		if (find_quoted_value(reader, &statement) < 0)
			return -1;
		reader->at = statement.end;
	} else {
		find_bare_value(reader, &statement);
		while (reader->at < reader->length && !is_line_end(reader->text[reader->at]))
			reader->at++;
	}
	*out = statement;
	return 1;
}

/* --- values --- */

static void expand_variables(const char *text, const struct env *env, struct buf *out)
{
	while (*text) {
		bool is_escaped = text[0] == '\\' && text[1] == '$';
		const char *at = text + (is_escaped ? 1 : 0);

		if (*at != '$') {
			(void)buf_add_char(out, *text++);
			continue;
		}
		at++;
		at += *at == '(';
		at += *at == '{';
		size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		auto_str char *name = xstrndup(at, n);
		const char *value = env_get(env, name);
		at += n;
		at += *at == '}';
		if (is_escaped)
			(void)buf_add(out, text + 1, (size_t)(at - text - 1));
		else if (n)
			(void)buf_add_text(out, value ? value : "");
		else
			(void)buf_add(out, text, (size_t)(at - text));
		text = at;
	}
}

/* Between double quotes: \n and \r are line ends, any other backslash goes, but one before "$" is
 * left for expand_variables(). */
static void undo_escapes(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] != '\\' || !text[1]) {
			*out++ = *text++;
			continue;
		}
		if (text[1] == '$')
			*out++ = '\\';
		*out++ = text[1] == 'n' ? '\n' : text[1] == 'r' ? '\r' : text[1];
		text += 2;
	}
	*out = '\0';
}

static void undo_carriage_returns(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] != '\r' || text[1] != '\n')
			*out++ = *text;
	}
	*out = '\0';
}

static int refuse_value(
    const struct reader *reader, const struct statement *statement, const char *what)
{
	return err_set(reader->err, ERR_CONFIG, "%s:%d: the value of %.*s %s", reader->file,
	    line_of(reader, statement->start),
	    (int)(statement->name_length < SHOWN_BYTES ? statement->name_length : SHOWN_BYTES),
	    reader->text + statement->name_at, what);
}

static int take_statement(
    const struct reader *reader, const struct statement *statement, struct env *env)
{
	AUTO(buf) expanded = buf_make(ENV_VALUE_MAX_BYTES);
	auto_str char *name = xstrndup(reader->text + statement->name_at, statement->name_length);
	auto_str char *value =
	    xstrndup(reader->text + statement->value_at, statement->value_length);

	if (strlen(value) != statement->value_length)
		return refuse_value(reader, statement, "holds a NUL byte: take it out");
	if (env->count >= ENV_ROWS_MAX && !env_get(env, name))
		return err_set(reader->err, ERR_CONFIG, "%s:%d: more than %d names", reader->file,
		    line_of(reader, statement->start), ENV_ROWS_MAX);
	undo_carriage_returns(value);
	if (statement->quote == '"') {
		undo_escapes(value);
	} else if (!statement->quote) {
		char *repaired = json_repair(value);

		free(value);
		value = repaired;
	}
	if (statement->quote == '\'')
		(void)buf_add_text(&expanded, value);
	else
		expand_variables(value, env, &expanded);
	if (expanded.was_truncated)
		return refuse_value(reader, statement, "is longer than 64 KiB");
	env_set(env, name, buf_text(&expanded));
	return 0;
}

static int read_all(struct reader *reader, struct env *env)
{
	struct statement statement;
	int found = 0;

	while ((found = next_statement(reader, &statement)) > 0) {
		if (take_statement(reader, &statement, env) < 0)
			return -1;
	}
	return found;
}

int env_file_parse(
    const char *file, const char *text, size_t length, struct env *out, struct err *err)
{
	AUTO(env) env = {0};
	struct reader reader = {.file = file, .text = text, .length = length, .err = err};

	if (read_all(&reader, &env) < 0)
		return -1;
	*out = env;
	env = (struct env){0};
	return 0;
}

void env_add_abra_sh(struct env *env, const char *text, size_t length)
{
	auto_str char *copy = xstrndup(text, length);
	char *rest = copy;
	char *line = NULL;

	while ((line = strsep(&rest, "\n"))) {
		struct err ignored;
		struct reader reader = {
		    .file = "abra.sh", .text = line, .length = strlen(line), .err = &ignored};

		if (text_starts(line, "export "))
			(void)!read_all(&reader, env); /* what is no plain assignment */
	}
}

/* --- writing --- */

/* Between double quotes. The closing quote must not follow a backslash, and quotes before it would
 * be taken off: a value that ends in one or the other gets an end that reads as nothing. */
static void add_double_quoted(struct buf *out, const char *value)
{
	size_t length = strlen(value);

	(void)buf_add_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		switch (value[i]) {
		case '\n':
			(void)buf_add_text(out, "\\n");
			break;
		case '\r':
			(void)buf_add_text(out, "\\r");
			break;
		case '\\':
			/* the last one escapes a quote that is taken off */
			(void)buf_add_text(out, i + 1 < length ? "\\\\" : "\\\"");
			break;
		case '"':
		case '$':
			(void)buf_add_char(out, '\\');
			(void)buf_add_char(out, value[i]);
			break;
		default:
			(void)buf_add_char(out, value[i]);
		}
	}
	if (length && value[length - 1] == '"')
		(void)buf_add_text(out, "${0}"); /* a variable that nobody can set in a shell */
	(void)buf_add_char(out, '"');
}

static bool is_plain(const char *value)
{
	return strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			     "_-./:,@%+=") == strlen(value);
}

static void add_value(struct buf *out, const char *value)
{
	if (is_plain(value))
		(void)buf_add_text(out, value);
	else if (!strpbrk(value, "'\r\n") && !text_ends(value, "\\"))
		(void)buf_printf(out, "'%s'", value);
	else
		add_double_quoted(out, value);
}

/* How the line goes on behind a statement. */
enum tail {
	TAIL_NONE,	/* blanks */
	TAIL_COMMENT,	/* one that a bare value may stand before too */
	TAIL_AMBIGUOUS, /* one that only a quoted value may stand before */
	TAIL_STATEMENT, /* the next one: godotenv needs no line end between them */
};

/* *out_end: where the line ends. */
static enum tail find_tail(const struct reader *reader, size_t start, size_t *out_end)
{
	struct reader tail = *reader;
	size_t comments = 0;

	tail.at = start;
	skip_blanks(&tail);
	size_t at = tail.at;
	skip_to_line_end(&tail);
	*out_end = tail.at;
	if (at == tail.at)
		return TAIL_NONE;
	if (reader->text[at] != '#')
		return TAIL_STATEMENT;
	for (size_t i = start + 1; i < tail.at; i++)
		comments += reader->text[i] == '#' && trailing_blank(reader->text, i);
	return at > start && comments == 1 ? TAIL_COMMENT : TAIL_AMBIGUOUS;
}

/* "NAME=value" in place of a statement; *out_at: where to go on in the text. */
static void replace_statement(const struct reader *reader, const struct statement *statement,
    const char *name, const char *value, struct buf *out, size_t *out_at)
{
	size_t line_end = 0;
	enum tail tail = find_tail(reader, statement->end, &line_end);

	(void)buf_printf(out, "%s=", name);
	if (tail == TAIL_AMBIGUOUS || (tail == TAIL_COMMENT && !*value))
		add_double_quoted(out, value);
	else
		add_value(out, value);
	if (tail == TAIL_STATEMENT)
		(void)buf_add_char(out, '\n');
	*out_at = statement->end;
}

/* A second statement for a name goes with its line, unless more than a comment stands there. */
static size_t end_of_doubled(const struct reader *reader, const struct statement *statement)
{
	size_t line_end = 0;

	if (find_tail(reader, statement->end, &line_end) == TAIL_STATEMENT)
		return statement->end;
	return line_end + (line_end < reader->length ? 1 : 0);
}

static bool sets_name(
    const struct reader *reader, const struct statement *statement, const char *name)
{
	return statement->name_length == strlen(name) &&
	       memcmp(reader->text + statement->name_at, name, statement->name_length) == 0;
}

static bool reads_back(const char *text, const char *name, const char *value, struct err *err)
{
	AUTO(env) env = {0};

	if (env_file_parse("the env file", text, strlen(text), &env, err) < 0)
		return false;
	const char *is = env_get(&env, name);
	if (is && text_is(is, value))
		return true;
	(void)err_set(err, ERR_CONFIG, "the env file: %.60s cannot be set in it", name);
	return false;
}

char *env_file_set(const char *text, const char *name, const char *value, struct err *err)
{
	struct reader reader = {
	    .file = "the env file", .text = text, .length = strlen(text), .err = err};
	AUTO(buf) out = buf_make(reader.length + 2 * strlen(value) + strlen(name) + 64);
	struct statement statement;
	bool is_set = false;
	size_t at = 0; /* copied up to here */
	int found = 0;

	while ((found = next_statement(&reader, &statement)) > 0) {
		if (!sets_name(&reader, &statement, name))
			continue;
		(void)buf_add(&out, text + at, statement.start - at);
		if (is_set)
			at = end_of_doubled(&reader, &statement);
		else
			replace_statement(&reader, &statement, name, value, &out, &at);
		is_set = true;
	}
	if (found < 0)
		return NULL;
	(void)buf_add_text(&out, text + at);
	if (!is_set) {
		if (out.length && out.data[out.length - 1] != '\n')
			(void)buf_add_char(&out, '\n');
		(void)buf_printf(&out, "%s=", name);
		add_value(&out, value);
		(void)buf_add_char(&out, '\n');
	}
	if (!reads_back(buf_text(&out), name, value, err))
		return NULL;
	return buf_take(&out);
}
