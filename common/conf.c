/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/conf.h"

#include "common/file.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/yaml.h"

#include <ctype.h>

#define NAME_MAX_BYTES 64
#define SHOWN_MAX_BYTES 60 /* of a value in a message */

/* One place that gave a value, and how a message calls it. */
struct origin {
	char *text; /* owned; NULL: not given */
	char *where;
};

struct loading {
	const struct conf_row *rows;
	size_t count;
	const struct conf_sources *sources;
	const struct yaml *file; /* NULL: none, or unreadable */
	bool is_file_broken;	 /* then nobody can say what is missing */
	struct buf *mistakes;
	size_t mistake_count;
};

static void origin_release(struct origin *origin)
{
	free(origin->text);
	free(origin->where);
	*origin = (struct origin){0};
}
DEFINE_AUTO(origin, origin_release);

/* --- names --- */

struct names {
	char key[NAME_MAX_BYTES];      /* poll_interval */
	char key_file[NAME_MAX_BYTES]; /* gitea_token_file */
	char flag[NAME_MAX_BYTES];     /* poll-interval; of a secret gitea-token-file */
	char env_file[NAME_MAX_BYTES]; /* GITEA_TOKEN_FILE */
};

static struct names names_of(const struct conf_row *row)
{
	struct names names = {0};
	bool fits = format_text(names.env_file, sizeof(names.env_file), "%s_FILE", row->name);

	assert(fits);
	for (size_t i = 0; row->name[i]; i++)
		names.key[i] = (char)tolower((unsigned char)row->name[i]);
	(void)format_text(names.key_file, sizeof(names.key_file), "%s_file", names.key);
	(void)copy_text(
	    names.flag, sizeof(names.flag), row->kind == CONF_SECRET ? names.key_file : names.key);
	for (char *c = names.flag; *c; c++) {
		if (*c == '_')
			*c = '-';
	}
	return names;
}

char *conf_flag_name(const struct conf_row *row)
{
	struct names names = names_of(row);

	return xstrdup(names.flag);
}

/* --- mistakes --- */

PRINTF_LIKE(2, 3)
static void mistake(struct loading *loading, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	if (vsnprintf(line, sizeof(line), format, args) < 0)
		line[0] = '\0';
	va_end(args);
	loading->mistake_count++;
	(void)buf_printf(loading->mistakes, "%s\n", line);
}

/* A value as a message may show it: bounded, no control characters; never one of a secret. */
static void show(const char *text, char out[SHOWN_MAX_BYTES + 4])
{
	size_t length = strnlen(text, SHOWN_MAX_BYTES);

	for (size_t i = 0; i < length; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	out[length] = '\0';
	if (text[length])
		memcpy(out + length, "...", 4);
}

/* --- the forms --- */

static char **text_field(const struct conf_row *row, void *settings)
{
	return (char **)((uintptr_t)settings + row->offset);
}

static int64_t *int_field(const struct conf_row *row, void *settings)
{
	return (int64_t *)((uintptr_t)settings + row->offset);
}

static bool *bool_field(const struct conf_row *row, void *settings)
{
	return (bool *)((uintptr_t)settings + row->offset);
}

static bool is_text_kind(enum conf_kind kind)
{
	return kind == CONF_TEXT || kind == CONF_SECRET || kind == CONF_URL;
}

static const struct {
	const char *suffix;
	int64_t ms;
} units[] = {
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};

bool conf_parse_duration(const char *text, int64_t *out_ms)
{
	size_t digits = strspn(text, "0123456789");
	auto_str char *number = xstrndup(text, digits);
	int64_t value = 0;

	if (text_is(text, "0")) { /* needs no unit */
		*out_ms = 0;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (!text_is(text + digits, units[i].suffix))
			continue;
		if (!parse_int64(number, 0, INT64_MAX / units[i].ms, &value))
			return false;
		*out_ms = value * units[i].ms;
		return true;
	}
	return false;
}

static void format_duration(int64_t ms, char out[32])
{
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (ms && ms % units[i].ms == 0) {
			(void)format_text(
			    out, 32, "%lld%s", (long long)(ms / units[i].ms), units[i].suffix);
			return;
		}
	}
	(void)copy_text(out, 32, "0s");
}

/* Scheme, then host[:port], then perhaps a path; nothing that could hide where it leads. */
static const char *fault_of_url(const char *text)
{
	const char *host = text_starts(text, "http://")	   ? text + 7
			   : text_starts(text, "https://") ? text + 8
							   : NULL;

	if (!host)
		return "must begin with http:// or https://";
	size_t length = strcspn(host, "/");
	if (memchr(host, '@', length))
		return "must not hold a user";
	if (strpbrk(host, "?#"))
		return "must not hold a query";
	if (strpbrk(host, " \"<>\\^`{|}"))
		return "holds a character that no URL has";
	if (!length || host[0] == ':')
		return "has no host";
	const char *colon = host[0] == '[' ? memchr(host, ']', length) : host;
	if (!colon)
		return "has no host";
	colon = memchr(colon, ':', length - (size_t)(colon - host));
	if (colon) {
		auto_str char *port = xstrndup(colon + 1, length - (size_t)(colon + 1 - host));
		int64_t number = 0;

		if (!parse_int64(port, 1, 65535, &number))
			return "has no valid port";
	}
	return NULL;
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			return true;
	}
	return false;
}

static const char *fault_of_text(const struct conf_row *row, const char *text)
{
	size_t length = strlen(text);
	size_t most = row->most ? (size_t)row->most : CONF_TEXT_MAX;

	if (!length)
		return row->is_required ? "must not be empty" : NULL;
	if (has_control(text))
		return "must not hold a line break or another control character";
	if (length > most)
		return "is too long";
	if (length < (size_t)row->least)
		return "is too short";
	return row->kind == CONF_URL ? fault_of_url(text) : NULL;
}

static const char *take_text(const struct conf_row *row, const char *text, void *settings)
{
	const char *fault = fault_of_text(row, text);

	if (fault)
		return fault;
	char *copy = xstrdup(text);
	size_t length = strlen(copy);
	while (row->kind == CONF_URL && length && copy[length - 1] == '/')
		copy[--length] = '\0';
	*text_field(row, settings) = copy;
	return NULL;
}

static const char *take_number(const struct conf_row *row, const char *text, void *settings)
{
	int64_t most = row->least || row->most ? row->most : INT64_MAX;
	int64_t value = 0;
	bool is_number = row->kind == CONF_INT ? parse_int64(text, INT64_MIN, INT64_MAX, &value)
					       : conf_parse_duration(text, &value);

	if (!is_number)
		return row->kind == CONF_INT ? "is no whole number"
					     : "is no duration such as 250ms, 30s, 60m, 2h or 1d";
	if (value < row->least)
		return "is too small";
	if (value > most)
		return "is too large";
	*int_field(row, settings) = value;
	return NULL;
}

static const char *take_bool(const struct conf_row *row, const char *text, void *settings)
{
	static const char *const words[] = {"0", "false", "no", "1", "true", "yes"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (text_is(text, words[i])) {
			*bool_field(row, settings) = i >= COUNT_OF(words) / 2;
			return NULL;
		}
	}
	return "is none of 0, 1, false, true, no, yes";
}

static size_t count_choices(const struct conf_row *row)
{
	size_t count = 0;

	while (row->choices[count])
		count++;
	return count;
}

static const char *take_choice(const struct conf_row *row, const char *text, void *settings)
{
	for (size_t i = 0; row->choices[i]; i++) {
		if (text_is(text, row->choices[i])) {
			*int_field(row, settings) = (int64_t)i;
			return NULL;
		}
	}
	return "is not one of the choices";
}

static const char *take_form(const struct conf_row *row, const char *text, void *settings)
{
	switch (row->kind) {
	case CONF_TEXT:
	case CONF_SECRET:
	case CONF_URL:
		return take_text(row, text, settings);
	case CONF_INT:
	case CONF_DURATION:
		return take_number(row, text, settings);
	case CONF_BOOL:
		return take_bool(row, text, settings);
	case CONF_CHOICE:
		return take_choice(row, text, settings);
	}
	return "has no form"; /* not reached: -Wswitch sees to it */
}

/* What is wrong with the text; NULL: nothing, and the field is set. */
static const char *take_value(const struct conf_row *row, const char *text, void *settings)
{
	const char *fault = take_form(row, text, settings);

	return fault || !row->check || !text[0] ? fault : row->check(text);
}

/* --- the sources --- */

static void set_origin(struct origin *origin, const char *text, char *take_where)
{
	origin_release(origin);
	origin->text = xstrdup(text);
	origin->where = take_where;
}

/* The content of the file that a NAME_FILE names, without one newline at its end. */
static void read_secret_file(
    struct loading *loading, const char *path, struct origin *origin, char *take_where)
{
	auto_str char *where = take_where;
	struct err err;
	AUTO(buf) content = {0};

	if (file_read(path, CONF_TEXT_MAX, &content, &err) < 0) {
		mistake(loading, "%s: %s", where, err.msg);
		return;
	}
	if (content.length && content.data[content.length - 1] == '\n')
		content.data[--content.length] = '\0';
	if (strlen(buf_text(&content)) != content.length) {
		mistake(loading, "%s: the file holds a NUL byte", where);
		return;
	}
	set_origin(origin, buf_text(&content), take_ptr(where));
}

/* One that a service is handed by systemd, for whoever calls the program as systemd would. */
static void from_credentials(
    struct loading *loading, const struct conf_row *row, struct origin *origin)
{
	struct names names = names_of(row);

	if (!loading->sources->credentials || row->kind != CONF_SECRET)
		return;
	char *path = xasprintf("%s/%s", loading->sources->credentials, names.key);
	if (access(path, R_OK) == 0)
		read_secret_file(loading, path, origin, path);
	else
		free(path);
}

static char *file_position(const struct loading *loading, const struct yaml *value, const char *key)
{
	return xasprintf("%s:%d:%d: %s", loading->sources->file, value->line, value->column, key);
}

static void from_file_key(struct loading *loading, const char *key, bool is_path,
    const struct yaml *value, struct origin *origin)
{
	char *where = file_position(loading, value, key);

	if (value->kind != YAML_SCALAR) {
		mistake(loading, "%s: must be one value, not a list or a mapping", where);
		free(where);
	} else if (is_path) {
		read_secret_file(loading, value->text, origin, where);
	} else {
		set_origin(origin, yaml_text(value) ? yaml_text(value) : "", where);
	}
}

static void from_file(struct loading *loading, const struct conf_row *row, struct origin *origin)
{
	struct names names = names_of(row);
	const struct yaml *value = yaml_get(loading->file, names.key);
	const struct yaml *path =
	    row->kind == CONF_SECRET ? yaml_get(loading->file, names.key_file) : NULL;

	if (value && path) {
		auto_str char *where = file_position(loading, path, names.key_file);

		mistake(loading, "%s: %s is given too; one of both", where, names.key);
	} else if (value) {
		from_file_key(loading, names.key, false, value, origin);
	} else if (path) {
		from_file_key(loading, names.key_file, true, path, origin);
	}
}

static const char *find_env(const struct loading *loading, const char *name)
{
	size_t length = strlen(name);

	for (const char *const *entry = loading->sources->environ; entry && *entry; entry++) {
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
			return *entry + length + 1;
	}
	return NULL;
}

static void from_env(struct loading *loading, const struct conf_row *row, struct origin *origin)
{
	struct names names = names_of(row);
	const char *value = find_env(loading, row->name);
	const char *path = row->kind == CONF_SECRET ? find_env(loading, names.env_file) : NULL;

	if (value && path)
		mistake(loading, "environment: %s: %s is given too; one of both", names.env_file,
		    row->name);
	else if (value)
		set_origin(origin, value, xasprintf("environment: %s", row->name));
	else if (path)
		read_secret_file(
		    loading, path, origin, xasprintf("environment: %s", names.env_file));
}

static void from_flags(struct loading *loading, const struct conf_row *row, struct origin *origin)
{
	struct names names = names_of(row);
	bool is_given = false;

	for (size_t i = 0; i < loading->sources->flag_count; i++) {
		const struct conf_flag *flag = &loading->sources->flags[i];

		if (!text_is(flag->name, names.flag))
			continue;
		char *where = xasprintf("--%s", names.flag);
		if (is_given) {
			mistake(loading, "%s: given twice", where);
			free(where);
		} else if (row->kind == CONF_SECRET) {
			read_secret_file(loading, flag->value, origin, where);
		} else {
			set_origin(origin, flag->value, where);
		}
		is_given = true;
	}
}

/* --- unknown names --- */

/* All names of one sort, for the guess; the list is of pointers into names. */
struct known {
	struct names *names;
	const char **list;
	size_t count;
};

static void known_release(struct known *known)
{
	free(known->names);
	free(known->list);
}
DEFINE_AUTO(known, known_release);

static struct known known_names(const struct loading *loading, bool are_flags)
{
	struct known known = {.names = xcalloc(loading->count, sizeof(struct names)),
	    .list = xcalloc(2 * loading->count, sizeof(char *))};

	for (size_t i = 0; i < loading->count; i++) {
		known.names[i] = names_of(&loading->rows[i]);
		known.list[known.count++] = are_flags ? known.names[i].flag : known.names[i].key;
		if (!are_flags && loading->rows[i].kind == CONF_SECRET)
			known.list[known.count++] = known.names[i].key_file;
	}
	return known;
}

static bool is_known(const struct known *known, const char *name)
{
	for (size_t i = 0; i < known->count; i++) {
		if (text_is(known->list[i], name))
			return true;
	}
	return false;
}

static void report_unknown(
    struct loading *loading, const struct known *known, const char *where, const char *name)
{
	char shown[SHOWN_MAX_BYTES + 4];
	const char *nearest = nearest_word(name, known->list, known->count);

	show(name, shown);
	if (nearest)
		mistake(loading, "%s%s: unknown; did you mean %s?", where, shown, nearest);
	else
		mistake(loading, "%s%s: unknown", where, shown);
}

static void check_keys(struct loading *loading)
{
	AUTO(known) known = known_names(loading, false);
	const struct yaml *file = loading->file;

	for (size_t i = 0; file && i < file->count; i++) {
		if (is_known(&known, file->keys[i]))
			continue;
		auto_str char *where = xasprintf("%s:%d:%d: ", loading->sources->file,
		    file->items[i]->key_line, file->items[i]->key_column);
		report_unknown(loading, &known, where, file->keys[i]);
	}
}

static void check_flags(struct loading *loading)
{
	AUTO(known) known = known_names(loading, true);

	for (size_t i = 0; i < loading->sources->flag_count; i++) {
		const char *name = loading->sources->flags[i].name;
		auto_str char *file_flag = xasprintf("%s-file", name);

		if (is_known(&known, file_flag))
			mistake(
			    loading, "--%s: argv is for all to read; use --%s", name, file_flag);
		else if (!is_known(&known, name))
			report_unknown(loading, &known, "--", name);
	}
}

/* --- loading --- */

static struct yaml *read_file(struct loading *loading)
{
	const char *path = loading->sources->file;
	AUTO(buf) content = {0};
	struct err err;

	if (!path)
		return NULL;
	if (file_read(path, CONF_FILE_MAX_BYTES, &content, &err) < 0) {
		if (err.code == ERR_MISSING && loading->sources->file_may_be_missing)
			return NULL;
		loading->is_file_broken = true;
		mistake(loading, "%s", err.msg);
		return NULL;
	}
	struct yaml *root = yaml_parse(path, buf_text(&content), content.length, &err);
	if (root && root->kind == YAML_MAPPING)
		return root;
	loading->is_file_broken = true;
	if (root)
		mistake(loading, "%s:%d:%d: must be a mapping of settings", path, root->line,
		    root->column);
	else
		mistake(loading, "%s", err.msg);
	yaml_tree_free(root);
	return NULL;
}

static void report_fault(struct loading *loading, const struct conf_row *row,
    const struct origin *origin, const char *fault)
{
	char shown[SHOWN_MAX_BYTES + 4];
	AUTO(buf) choices = buf_make(256);

	for (size_t i = 0; row->kind == CONF_CHOICE && row->choices[i]; i++)
		(void)buf_printf(&choices, "%s%s", i ? ", " : ": ", row->choices[i]);
	show(origin->text, shown);
	if (row->kind == CONF_SECRET || !shown[0])
		mistake(loading, "%s: %s%s", origin->where, fault, buf_text(&choices));
	else
		mistake(
		    loading, "%s: \"%s\" %s%s", origin->where, shown, fault, buf_text(&choices));
}

static void report_missing(struct loading *loading, const struct conf_row *row)
{
	struct names names = names_of(row);

	if (loading->is_file_broken)
		return;
	if (row->kind == CONF_SECRET)
		mistake(loading,
		    "%s: required; give it as %s or %s in the environment, or %s in the file",
		    names.key, row->name, names.env_file, names.key_file);
	else
		mistake(loading, "%s: required; give it as %s in the environment, or in the file",
		    names.key, row->name);
}

/* The whole secret and, as some hold several, each part between commas. */
static void mask(const char *secret)
{
	auto_str char *copy = xstrdup(secret);
	char *rest = copy;

	log_mask(secret);
	for (char *part = strsep(&rest, ","); part; part = strsep(&rest, ","))
		log_mask(part);
}

static void load_row(struct loading *loading, const struct conf_row *row, void *settings)
{
	AUTO(origin) origin = {0};
	size_t mistakes = loading->mistake_count;

	/* Each replaces what the one before found; all are read, so that all mistakes are told. */
	from_file(loading, row, &origin);
	from_env(loading, row, &origin);
	from_flags(loading, row, &origin);
	if (!origin.text && mistakes == loading->mistake_count)
		from_credentials(loading, row, &origin);
	if (!origin.text && row->fallback)
		set_origin(&origin, row->fallback, xstrdup("default"));
	if (!origin.text && row->is_required && mistakes == loading->mistake_count)
		report_missing(loading, row);
	if (!origin.text)
		return;
	if (row->kind == CONF_SECRET)
		mask(origin.text);
	const char *fault = take_value(row, origin.text, settings);
	if (fault)
		report_fault(loading, row, &origin, fault);
}

int conf_load(const struct conf_row *rows, size_t count, const struct conf_sources *sources,
    void *settings, struct buf *mistakes)
{
	struct loading loading = {
	    .rows = rows, .count = count, .sources = sources, .mistakes = mistakes};
	AUTO_PTR(yaml) file = read_file(&loading);

	loading.file = file;
	check_keys(&loading);
	check_flags(&loading);
	for (size_t i = 0; i < count; i++)
		load_row(&loading, &rows[i], settings);
	if (!loading.mistake_count)
		return 0;
	conf_release(rows, count, settings);
	return -1;
}

void conf_release(const struct conf_row *rows, size_t count, void *settings)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_row *row = &rows[i];

		if (is_text_kind(row->kind)) {
			free(*text_field(row, settings));
			*text_field(row, settings) = NULL;
		} else if (row->kind == CONF_BOOL) {
			*bool_field(row, settings) = false;
		} else {
			*int_field(row, settings) = 0;
		}
	}
}

/* --- changing --- */

static size_t size_of(const struct conf_row *row)
{
	if (is_text_kind(row->kind))
		return sizeof(char *);
	return row->kind == CONF_BOOL ? sizeof(bool) : sizeof(int64_t);
}

/* A text that is absent and one that is empty say the same. */
static bool is_same(const struct conf_row *row, void *settings, void *fresh)
{
	if (is_text_kind(row->kind)) {
		const char *now = *text_field(row, settings);
		const char *then = *text_field(row, fresh);

		return text_is(now ? now : "", then ? then : "");
	}
	return memcmp((char *)settings + row->offset, (char *)fresh + row->offset, size_of(row)) ==
	       0;
}

static void exchange(const struct conf_row *row, void *settings, void *fresh)
{
	char held[sizeof(int64_t)];
	size_t size = size_of(row);

	memcpy(held, (char *)settings + row->offset, size);
	memcpy((char *)settings + row->offset, (char *)fresh + row->offset, size);
	memcpy((char *)fresh + row->offset, held, size);
}

void conf_take_changed(const struct conf_row *rows, size_t count, void *settings, void *fresh,
    struct buf *taken, struct buf *kept)
{
	for (size_t i = 0; i < count; i++) {
		struct buf *names = rows[i].reloads ? taken : kept;

		if (is_same(&rows[i], settings, fresh))
			continue;
		(void)buf_printf(names, "%s%s", names->length ? ", " : "", rows[i].name);
		if (rows[i].reloads)
			exchange(&rows[i], settings, fresh);
	}
}

/* --- showing --- */

/* Plain when no reader of YAML could take it for anything else. */
static bool is_plain(const char *text)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_./:+-";
	size_t length = strlen(text);

	return length && isalnum((unsigned char)text[0]) && text[length - 1] != ':' &&
	       strspn(text, harmless) == length && strcasecmp(text, "null") != 0;
}

static void print_text(const char *text, struct buf *out)
{
	if (is_plain(text)) {
		(void)buf_add_text(out, text);
		return;
	}
	(void)buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out, *text);
	}
	(void)buf_add_char(out, '"');
}

static void print_value(const struct conf_row *row, const void *settings, struct buf *out)
{
	const char *at = (const char *)settings + row->offset;
	char duration[32];
	int64_t number = 0;
	const char *text = NULL;

	if (is_text_kind(row->kind))
		memcpy(&text, at, sizeof(text));
	else if (row->kind != CONF_BOOL)
		memcpy(&number, at, sizeof(number));
	switch (row->kind) {
	case CONF_TEXT:
	case CONF_URL:
		print_text(text ? text : "", out);
		return;
	case CONF_SECRET:
		(void)buf_add_text(out, text && text[0] ? "\"***\"" : "\"\"");
		return;
	case CONF_INT:
		(void)buf_printf(out, "%lld", (long long)number);
		return;
	case CONF_BOOL:
		(void)buf_add_text(out, *(const bool *)at ? "true" : "false");
		return;
	case CONF_DURATION:
		format_duration(number, duration);
		(void)buf_add_text(out, duration);
		return;
	case CONF_CHOICE:
		assert((size_t)number < count_choices(row));
		print_text(row->choices[number], out);
		return;
	}
}

void conf_print(const struct conf_row *rows, size_t count, const void *settings, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		struct names names = names_of(&rows[i]);

		(void)buf_printf(out, "%s: ", names.key);
		print_value(&rows[i], settings, out);
		(void)buf_add_char(out, '\n');
	}
}

static const char *form_word(const struct conf_row *row)
{
	switch (row->kind) {
	case CONF_TEXT:
		return "TEXT";
	case CONF_SECRET:
		return "PATH";
	case CONF_URL:
		return "URL";
	case CONF_INT:
		return "NUMBER";
	case CONF_BOOL:
		return "0|1";
	case CONF_DURATION:
		return "DURATION";
	case CONF_CHOICE:
		return "WORD";
	}
	return "";
}

void conf_help(const struct conf_row *rows, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_row *row = &rows[i];
		struct names names = names_of(row);

		(void)buf_printf(out, "  --%s %s\n      %s", names.flag, form_word(row),
		    row->help ? row->help : "");
		for (size_t j = 0; row->kind == CONF_CHOICE && row->choices[j]; j++)
			(void)buf_printf(out, "%s%s", j ? ", " : ": ", row->choices[j]);
		if (row->unit)
			(void)buf_printf(out, ", in %s", row->unit);
		if (row->is_required && !row->fallback)
			(void)buf_add_text(out, " (required)");
		else if (row->fallback && row->fallback[0])
			(void)buf_printf(out, " (%s)", row->fallback);
		(void)buf_add_char(out, '\n');
	}
}
