/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose.h"

#include "common/buf.h"
#include "common/yaml.h"
#include "runner-plugin/recipe/compose_merge.h"
#include "runner-plugin/recipe/compose_read.h"

#include <ctype.h>

#define COMPOSE_TEXT_MAX                                                                           \
	(64 * 1024)	      /* one rendered value; env files hold keys and certificates at most */
#define COMPOSE_NESTING_MAX 8 /* ${A:-${B:-c}} */
#define COMPOSE_ENV_ROWS_MAX 2000

void compose_env_release(struct compose_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		free(env->rows[i].name);
		free(env->rows[i].value);
	}
	free(env->rows);
	*env = (struct compose_env){0};
}

const char *compose_env_get(const struct compose_env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++) {
		if (text_is(env->rows[i].name, name))
			return env->rows[i].value;
	}
	return NULL;
}

void compose_env_set(struct compose_env *env, const char *name, const char *value)
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
	env->rows[env->count++] = (struct compose_env_row){xstrdup(name), xstrdup(value)};
}

/* Where a text stands, for messages. */
struct place {
	const char *file;
	int line;
	int column;
};

static int expand(const char *text, size_t length, const struct compose_env *env,
    const struct place *place, int depth, struct buf *out, struct err *err);

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t name_length(const char *text, size_t length)
{
	size_t n = 0;

	if (!length || !is_name_start(text[0]))
		return 0;
	while (n < length && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n;
}

/* Length up to the "}" that closes what is open at the start; length when there is none. */
static size_t find_close(const char *text, size_t length)
{
	int open = 1;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '{' && i > 0 && text[i - 1] == '$')
			open++;
		else if (text[i] == '}' && --open == 0)
			return i;
	}
	return length;
}

static int bad(const struct place *place, struct err *err, const char *text, size_t length)
{
	return err_set(err, ERR_CONFIG, "%s:%d:%d: cannot interpolate \"%.*s\"", place->file,
	    place->line, place->column, (int)(length > 60 ? 60 : length), text);
}

/* The inside of ${...}: NAME, or NAME followed by :- - :? ? :+ + and a word. */
static int expand_braces(const char *text, size_t length, const struct compose_env *env,
    const struct place *place, int depth, struct buf *out, struct err *err)
{
	size_t n = name_length(text, length);
	auto_str char *name = xstrndup(text, n);
	const char *value = compose_env_get(env, name);

	if (!n)
		return bad(place, err, text, length);
	if (n == length)
		return value ? buf_add_text(out, value) : 0;

	bool needs_text = text[n] == ':';
	size_t at = n + (needs_text ? 1 : 0);
	bool is_set = value && (!needs_text || *value);
	if (at >= length)
		return bad(place, err, text, length);
	const char *word = text + at + 1;
	size_t word_length = length - at - 1;

	switch (text[at]) {
	case '-':
		return is_set ? buf_add_text(out, value)
			      : expand(word, word_length, env, place, depth + 1, out, err);
	case '+':
		return is_set ? expand(word, word_length, env, place, depth + 1, out, err) : 0;
	case '?':
		if (is_set)
			return buf_add_text(out, value);
		return err_set(err, ERR_CONFIG, "%s:%d:%d: %s is required: %.*s", place->file,
		    place->line, place->column, name, (int)(word_length > 80 ? 80 : word_length),
		    word);
	default:
		return bad(place, err, text, length);
	}
}

/* What follows a "$"; *used says how much of text it took. */
static int expand_dollar(const char *text, size_t length, const struct compose_env *env,
    const struct place *place, int depth, struct buf *out, size_t *used, struct err *err)
{
	size_t n = name_length(text, length);

	if (length && text[0] == '$') {
		*used = 1;
		return buf_add_char(out, '$');
	}
	if (length && text[0] == '{') {
		size_t close = find_close(text + 1, length - 1);

		if (close == length - 1)
			return bad(place, err, text, length);
		*used = close + 2;
		return expand_braces(text + 1, close, env, place, depth, out, err);
	}
	if (n) {
		auto_str char *name = xstrndup(text, n);
		const char *value = compose_env_get(env, name);

		*used = n;
		return value ? buf_add_text(out, value) : 0;
	}
	return bad(place, err, text, length);
}

static int expand(const char *text, size_t length, const struct compose_env *env,
    const struct place *place, int depth, struct buf *out, struct err *err)
{
	if (depth > COMPOSE_NESTING_MAX)
		return bad(place, err, text, length);
	for (size_t i = 0; i < length;) {
		size_t used = 0;

		if (text[i] != '$') {
			(void)buf_add_char(out, text[i++]);
			continue;
		}
		i++;
		if (expand_dollar(text + i, length - i, env, place, depth, out, &used, err) < 0 &&
		    !out->was_truncated)
			return -1;
		i += used;
		if (out->was_truncated)
			break;
	}
	if (out->was_truncated)
		return err_set(err, ERR_CONFIG, "%s:%d:%d: the value is too long", place->file,
		    place->line, place->column);
	return 0;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* A value as written behind "=": quoted, or up to a blank and "#". *out_literal: in single quotes,
 * nothing expands. */
static bool read_value(const char *text, struct buf *out, bool *out_literal)
{
	char quote = *text == '"' || *text == '\'' ? *text : '\0';

	*out_literal = quote == '\'';
	if (quote) {
		const char *end = text + 1;

		while (*end && *end != quote) {
			if (quote == '"' && *end == '\\' && end[1])
				end++;
			(void)buf_add_char(out, *end++);
		}
		return *end == quote;
	}
	size_t length = strlen(text);
	for (size_t i = 1; i < length; i++) {
		if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t')) {
			length = i;
			break;
		}
	}
	if (text[0] == '#')
		length = 0;
	while (length && strchr(" \t\r", text[length - 1]))
		length--;
	(void)buf_add(out, text, length);
	return true;
}

static int add_line(struct compose_env *env, char *line, const struct place *place, struct err *err)
{
	const char *at = skip_blanks(line);
	AUTO(buf) value = buf_make(COMPOSE_TEXT_MAX);
	AUTO(buf) expanded = buf_make(COMPOSE_TEXT_MAX);
	bool is_literal = false;

	if (text_starts(at, "export "))
		at = skip_blanks(at + strlen("export "));
	if (!*at || *at == '#' || *at == '\r')
		return 0;
	size_t n = name_length(at, strlen(at));
	if (!n || at[n] != '=')
		return err_set(err, ERR_CONFIG, "%s:%d: no NAME=value: \"%.60s\"", place->file,
		    place->line, at);
	if (env->count >= COMPOSE_ENV_ROWS_MAX)
		return err_set(
		    err, ERR_LIMIT, "%s has more than %d lines", place->file, COMPOSE_ENV_ROWS_MAX);
	auto_str char *name = xstrndup(at, n);
	if (!read_value(at + n + 1, &value, &is_literal))
		return err_set(
		    err, ERR_CONFIG, "%s:%d: %s has an open quote", place->file, place->line, name);
	/* A lone "$" is no mistake in an env file: passwords hold them. */
	struct err ignored;
	bool is_expanded = !is_literal && expand(buf_text(&value), value.length, env, place, 0,
					      &expanded, &ignored) == 0;
	compose_env_set(env, name, is_expanded ? buf_text(&expanded) : buf_text(&value));
	return 0;
}

int compose_env_parse(
    const char *name, const char *text, size_t length, struct compose_env *out, struct err *err)
{
	AUTO(compose_env) env = {0};
	auto_str char *copy = xstrndup(text, length);
	struct place place = {.file = name};
	char *rest = copy;
	char *line = NULL;

	if (memchr(text, '\0', length))
		return err_set(err, ERR_CONFIG, "%s holds a NUL byte", name);
	while ((line = strsep(&rest, "\n"))) {
		place.line++;
		if (add_line(&env, line, &place, err) < 0)
			return -1;
	}
	*out = env;
	env = (struct compose_env){0};
	return 0;
}

/* NAME=... or export NAME=..., not a comment. */
static bool sets_name(const char *line, const char *name)
{
	size_t length = strlen(name);

	line += strspn(line, " \t");
	if (text_starts(line, "export ")) {
		line += strlen("export ");
		line += strspn(line, " \t");
	}
	return strncmp(line, name, length) == 0 &&
	       line[length + strspn(line + length, " \t")] == '=';
}

/* Bare where it can be; else in single quotes, and in double ones when it has a single one itself.
 */
static void add_quoted(struct buf *out, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_-./:,@%+=";

	if (strspn(value, plain) == strlen(value)) {
		(void)buf_add_text(out, value);
		return;
	}
	if (!strchr(value, '\'')) {
		(void)buf_printf(out, "'%s'", value);
		return;
	}
	(void)buf_add_char(out, '"');
	for (; *value; value++) {
		if (strchr("\"\\$", *value))
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out, *value);
	}
	(void)buf_add_char(out, '"');
}

char *compose_env_file_set(const char *text, const char *name, const char *value)
{
	AUTO(buf) out = buf_make(strlen(text) + 2 * strlen(value) + strlen(name) + 64);
	AUTO(buf) line = buf_make(2 * strlen(value) + strlen(name) + 64);
	bool is_set = false;

	(void)buf_printf(&line, "%s=", name);
	add_quoted(&line, value);
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (!sets_name(text, name)) {
			(void)buf_add(&out, text, length);
			(void)buf_add_char(&out, '\n');
		} else if (!is_set) {
			(void)buf_printf(&out, "%s\n", buf_text(&line));
			is_set = true;
		}
		text += length + (text[length] == '\n');
	}
	if (!is_set)
		(void)buf_printf(&out, "%s\n", buf_text(&line));
	return buf_take(&out);
}

void compose_env_add_abra_sh(struct compose_env *env, const char *text, size_t length)
{
	auto_str char *copy = xstrndup(text, length);
	const struct place place = {.file = "abra.sh"};
	char *rest = copy;
	char *line = NULL;

	while ((line = strsep(&rest, "\n"))) {
		struct err ignored;

		if (text_starts(line, "export ") && add_line(env, line, &place, &ignored) < 0)
			continue; /* a line that is no plain assignment is the shell's business */
	}
}

/* --- values --- */

static int render_value(
    struct yaml *value, const struct compose_source *source, const struct compose_env *env)
{
	AUTO(buf) text = buf_make(COMPOSE_TEXT_MAX);
	const struct place place = {source->file, value->line, value->column};

	for (size_t i = 0; i < value->count; i++) {
		if (render_value(value->items[i], source, env) < 0)
			return -1;
	}
	if (value->kind != YAML_SCALAR || !yaml_text(value) || !strchr(value->text, '$'))
		return 0;
	if (expand(value->text, strlen(value->text), env, &place, 0, &text, source->err) < 0)
		return -1;
	free(value->text);
	value->text = buf_take(&text);
	value->is_quoted = true; /* what a variable holds is a text, "null" too */
	return 0;
}

/* --- shape --- */

static int need(const struct compose_source *source, const struct yaml *mapping, const char *key,
    enum yaml_kind kind, const char *what)
{
	const struct yaml *value = yaml_get(mapping, key);

	if (value && value->kind != kind && (value->kind != YAML_SCALAR || yaml_text(value)))
		return compose_fail(source, value, "%s must be %s", key, what);
	return 0;
}

static int check_service(const struct compose_source *source, const struct yaml *service)
{
	const struct yaml *deploy = yaml_get(service, "deploy");
	const char *replicas = yaml_get_text(deploy, "replicas");
	int64_t ignored = 0;

	if (service->kind != YAML_MAPPING)
		return compose_fail(source, service, "a service must be a mapping");
	if (need(source, service, "image", YAML_SCALAR, "a text") < 0 ||
	    need(source, service, "volumes", YAML_SEQUENCE, "a list") < 0 ||
	    need(source, service, "ports", YAML_SEQUENCE, "a list") < 0)
		return -1;
	if (replicas && !parse_int64(replicas, 0, INT32_MAX, &ignored))
		return compose_fail(source, deploy, "replicas must be a number");
	return 0;
}

static int check_shape(const struct compose_source *source, const struct yaml *tree)
{
	static const char *const sections[] = {
	    "services", "secrets", "configs", "volumes", "networks"};
	const struct yaml *services = yaml_get(tree, "services");

	if (tree->kind != YAML_MAPPING)
		return compose_fail(source, tree, "a compose file is a mapping");
	for (size_t i = 0; i < COUNT_OF(sections); i++) {
		if (need(source, tree, sections[i], YAML_MAPPING, "a mapping") < 0)
			return -1;
	}
	for (size_t i = 0; services && i < services->count; i++) {
		if (check_service(source, services->items[i]) < 0)
			return -1;
	}
	return 0;
}

/* --- what the labels say --- */

static const char *label_of(const struct compose_service *service, const char *key)
{
	for (size_t i = 0; i < service->deploy_label_count; i++) {
		if (text_is(service->deploy_labels[i].key, key))
			return service->deploy_labels[i].value;
	}
	return NULL;
}

static char *label_of_app(const struct compose_model *model, const char *key)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];
		const char *value = text_is(service->name, "app") ? label_of(service, key) : NULL;

		if (value)
			return xstrdup(value);
	}
	return NULL;
}

static void take_labels(struct compose_model *model, const char *stack)
{
	auto_str char *version = xasprintf("coop-cloud.%s.version", stack);
	auto_str char *timeout = xasprintf("coop-cloud.%s.timeout", stack);

	model->version = label_of_app(model, version);
	model->timeout = label_of_app(model, timeout);
	for (size_t i = 0; i < model->service_count; i++) {
		const char *backup = label_of(&model->services[i], "backupbot.backup");

		model->is_backed_up = model->is_backed_up || (backup && text_is(backup, "true"));
	}
}

/* --- all of it --- */

static int add_file(const struct compose_file *file, const struct compose_env *env,
    struct compose_model *model, struct err *err)
{
	const struct compose_source source = {file->name, compose_env_get(env, "HOME"), err};
	AUTO(compose_model) alone = {0};
	AUTO_PTR(yaml) tree = yaml_parse(file->name, file->text, file->length, err);

	if (!tree || render_value(tree, &source, env) < 0 || check_shape(&source, tree) < 0 ||
	    compose_read(&source, tree, &alone) < 0)
		return -1;
	compose_merge(model, &alone);
	return 0;
}

int compose_render(const struct compose_file *files, size_t count, const struct compose_env *env,
    struct compose_model *out, struct err *err)
{
	AUTO(compose_model) model = {0};
	const char *stack = compose_env_get(env, "STACK_NAME");

	assert(stack && compose_env_get(env, "DOMAIN"));
	if (count > COMPOSE_FILES_MAX)
		return err_set(
		    err, ERR_CONFIG, "COMPOSE_FILE names more than %d files", COMPOSE_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (add_file(&files[i], env, &model, err) < 0)
			return -1;
	}
	compose_finish(&model, stack);
	take_labels(&model, stack);
	*out = model;
	model = (struct compose_model){0};
	return 0;
}

static const char *find_long(const struct compose_named *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(list[i].name) > COMPOSE_NAME_MAX)
			return list[i].name;
	}
	return NULL;
}

const char *compose_find_long_name(const struct compose_model *model)
{
	const char *name = find_long(model->secrets, model->secret_count);

	return name ? name : find_long(model->configs, model->config_count);
}
