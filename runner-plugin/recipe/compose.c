/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose.h"

#include "common/buf.h"
#include "common/yaml.h"

#include <ctype.h>

#define COMPOSE_TEXT_MAX                                                                           \
	(64 * 1024) /* one rendered value; env files hold keys and certificates at most */
#define COMPOSE_ITEMS_MAX 512
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

struct render {
	const struct compose_env *env;
	const char *file;
	struct compose_model *model;
	struct err *err;
};

static int fail_at(const struct render *render, const struct yaml *at, const char *what)
{
	return err_set(
	    render->err, ERR_CONFIG, "%s:%d:%d: %s", render->file, at->line, at->column, what);
}

/* Text of a scalar, interpolated; *out stays NULL for null. */
static int render_text(const struct render *render, const struct yaml *value, char **out)
{
	AUTO(buf) text = buf_make(COMPOSE_TEXT_MAX);

	if (value->kind != YAML_SCALAR)
		return fail_at(render, value, "must be a text");
	if (!yaml_text(value))
		return 0;
	const struct place place = {render->file, value->line, value->column};
	if (expand(value->text, strlen(value->text), render->env, &place, 0, &text, render->err) <
	    0)
		return -1;
	free(*out);
	*out = buf_take(&text);
	return 0;
}

static int render_key(
    const struct render *render, const struct yaml *mapping, const char *key, char **out)
{
	const struct yaml *value = yaml_get(mapping, key);

	return value ? render_text(render, value, out) : 0;
}

static struct compose_service *find_service(struct compose_model *model, const char *name)
{
	for (size_t i = 0; i < model->service_count; i++) {
		if (text_is(model->services[i].name, name))
			return &model->services[i];
	}
	model->services =
	    xrealloc_array(model->services, model->service_count + 1, sizeof(model->services[0]));
	model->services[model->service_count] =
	    (struct compose_service){.name = xstrdup(name), .replicas = 1};
	return &model->services[model->service_count++];
}

/* Later files replace a mount at the same target, as in docker stack deploy. */
static struct compose_mount *find_mount(struct compose_service *service, const char *target)
{
	for (size_t i = 0; i < service->mount_count; i++) {
		if (text_is(service->mounts[i].target, target))
			return &service->mounts[i];
	}
	service->mounts =
	    xrealloc_array(service->mounts, service->mount_count + 1, sizeof(service->mounts[0]));
	service->mounts[service->mount_count] = (struct compose_mount){.target = xstrdup(target)};
	return &service->mounts[service->mount_count++];
}

static void set_mount(struct compose_service *service, const char *source, const char *target)
{
	struct compose_mount *mount = find_mount(service, target);
	bool is_path = source && strchr("/.~", source[0]);

	free(mount->source);
	free(mount->volume);
	mount->source = xstrdup(source ? source : "");
	mount->is_bind = is_path;
	mount->volume = source && *source && !is_path ? xstrdup(source) : NULL;
}

/* "source:target[:mode]" or "target" alone. */
static void add_short_mount(struct compose_service *service, const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon) {
		set_mount(service, NULL, text);
		return;
	}
	auto_str char *source = xstrndup(text, (size_t)(colon - text));
	auto_str char *target = xstrndup(colon + 1, strcspn(colon + 1, ":"));
	set_mount(service, source, target);
}

static int add_mount(
    const struct render *render, struct compose_service *service, const struct yaml *item)
{
	auto_str char *type = NULL;
	auto_str char *source = NULL;
	auto_str char *target = NULL;

	if (item->kind == YAML_SCALAR) {
		if (render_text(render, item, &target) < 0)
			return -1;
		if (target)
			add_short_mount(service, target);
		return 0;
	}
	if (render_key(render, item, "type", &type) < 0 ||
	    render_key(render, item, "source", &source) < 0 ||
	    render_key(render, item, "target", &target) < 0)
		return -1;
	if (!target)
		return fail_at(render, item, "a mount needs a target");
	set_mount(service, type && text_is(type, "tmpfs") ? NULL : source, target);
	return 0;
}

static int add_mounts(
    const struct render *render, struct compose_service *service, const struct yaml *volumes)
{
	if (volumes && (volumes->kind == YAML_MAPPING || yaml_text(volumes)))
		return fail_at(render, volumes, "volumes must be a list");
	for (size_t i = 0; volumes && i < volumes->count; i++) {
		if (service->mount_count >= COMPOSE_ITEMS_MAX)
			return fail_at(render, volumes, "too many mounts");
		if (add_mount(render, service, volumes->items[i]) < 0)
			return -1;
	}
	return 0;
}

/* One label of deploy.labels: what the model keeps of it. */
static void take_label(
    const struct render *render, const char *name, const char *value, const char *service)
{
	const char *stack = compose_env_get(render->env, "STACK_NAME");
	auto_str char *version = xasprintf("coop-cloud.%s.version", stack);
	auto_str char *timeout = xasprintf("coop-cloud.%s.timeout", stack);
	struct compose_model *model = render->model;

	if (text_is(name, "backupbot.backup"))
		model->is_backed_up = text_is(value, "true");
	if (!text_is(service, "app"))
		return;
	if (text_is(name, version)) {
		free(model->version);
		model->version = xstrdup(value);
	} else if (text_is(name, timeout)) {
		free(model->timeout);
		model->timeout = xstrdup(value);
	}
}

static int take_labels(const struct render *render, const struct yaml *labels, const char *service)
{
	for (size_t i = 0; labels && i < labels->count; i++) {
		auto_str char *text = NULL;

		if (render_text(render, labels->items[i], &text) < 0)
			return -1;
		if (labels->kind == YAML_MAPPING) {
			AUTO(buf) name = buf_make(COMPOSE_TEXT_MAX);
			const struct place place = {render->file, labels->items[i]->line, 1};

			if (expand(labels->keys[i], strlen(labels->keys[i]), render->env, &place, 0,
				&name, render->err) < 0)
				return -1;
			take_label(render, buf_text(&name), text ? text : "", service);
		} else if (text) {
			size_t length = strcspn(text, "=");
			auto_str char *name = xstrndup(text, length);

			take_label(render, name, text[length] ? text + length + 1 : "", service);
		}
	}
	return 0;
}

static int add_deploy(
    const struct render *render, struct compose_service *service, const struct yaml *deploy)
{
	auto_str char *mode = NULL;
	auto_str char *replicas = NULL;
	auto_str char *condition = NULL;

	if (!deploy)
		return 0;
	if (render_key(render, deploy, "mode", &mode) < 0 ||
	    render_key(render, deploy, "replicas", &replicas) < 0 ||
	    render_key(render, yaml_get(deploy, "restart_policy"), "condition", &condition) < 0)
		return -1;
	if (replicas && !parse_int64(replicas, 0, 10000, &service->replicas))
		return fail_at(render, deploy, "replicas must be a number");
	if (mode && text_starts(mode, "global"))
		service->replicas = -1;
	if ((mode && text_ends(mode, "-job")) || (condition && text_is(condition, "none")))
		service->is_job = true;
	return take_labels(render, yaml_get(deploy, "labels"), service->name);
}

static bool has_healthcheck(const struct yaml *healthcheck)
{
	bool is_disabled = false;
	const struct yaml *disable = yaml_get(healthcheck, "disable");
	const struct yaml *test = yaml_get(healthcheck, "test");
	const char *first = test && test->kind == YAML_SEQUENCE && test->count
				? yaml_text(test->items[0])
				: yaml_text(test ? test : healthcheck);

	if (disable && yaml_bool(disable, &is_disabled) && is_disabled)
		return false;
	return !first || !text_is(first, "NONE");
}

static int add_service(const struct render *render, const char *name, const struct yaml *value)
{
	if (value->kind != YAML_MAPPING)
		return fail_at(render, value, "a service must be a mapping");
	struct compose_service *service = find_service(render->model, name);
	const struct yaml *healthcheck = yaml_get(value, "healthcheck");

	if (healthcheck)
		service->has_healthcheck = has_healthcheck(healthcheck);
	if (render_key(render, value, "image", &service->image) < 0 ||
	    add_mounts(render, service, yaml_get(value, "volumes")) < 0)
		return -1;
	return add_deploy(render, service, yaml_get(value, "deploy"));
}

static struct compose_named *find_named(struct compose_named **list, size_t *count, const char *key)
{
	for (size_t i = 0; i < *count; i++) {
		if (text_is((*list)[i].key, key))
			return &(*list)[i];
	}
	*list = xrealloc_array(*list, *count + 1, sizeof((*list)[0]));
	(*list)[*count] = (struct compose_named){.key = xstrdup(key)};
	return &(*list)[(*count)++];
}

/* "external: true", or the old "external: {name: x}". */
static int render_external(
    const struct render *render, const struct yaml *external, struct compose_named *named)
{
	auto_str char *text = NULL;

	if (!external)
		return 0;
	if (external->kind == YAML_MAPPING) {
		named->is_external = true;
		return render_key(render, external, "name", &named->name);
	}
	if (render_text(render, external, &text) < 0)
		return -1;
	named->is_external = text && text_is(text, "true");
	return 0;
}

static int add_named(const struct render *render, const struct yaml *section,
    struct compose_named **list, size_t *count)
{
	const char *stack = compose_env_get(render->env, "STACK_NAME");

	for (size_t i = 0; section && i < section->count; i++) {
		const char *key = section->keys[i];
		const struct yaml *value = section->items[i];

		if (*count >= COMPOSE_ITEMS_MAX)
			return fail_at(render, value, "too many entries");
		struct compose_named *named = find_named(list, count, key);
		if (render_key(render, value, "name", &named->name) < 0 ||
		    render_external(render, yaml_get(value, "external"), named) < 0)
			return -1;
		if (!named->name)
			named->name =
			    named->is_external ? xstrdup(key) : xasprintf("%s_%s", stack, key);
	}
	return 0;
}

static int need_mapping(const struct render *render, const struct yaml *root, const char *key)
{
	const struct yaml *section = yaml_get(root, key);

	if (section && section->kind != YAML_MAPPING &&
	    (section->kind == YAML_SEQUENCE || yaml_text(section)))
		return fail_at(render, section, "must be a mapping");
	return 0;
}

static int add_file(const struct render *render, const struct yaml *root)
{
	static const char *const sections[] = {"services", "secrets", "configs", "volumes"};
	struct compose_model *model = render->model;
	const struct yaml *services = yaml_get(root, "services");

	if (root->kind != YAML_MAPPING)
		return fail_at(render, root, "a compose file is a mapping");
	for (size_t i = 0; i < COUNT_OF(sections); i++) {
		if (need_mapping(render, root, sections[i]) < 0)
			return -1;
	}
	for (size_t i = 0; services && i < services->count; i++) {
		if (model->service_count >= COMPOSE_ITEMS_MAX)
			return fail_at(render, services, "too many services");
		if (add_service(render, services->keys[i], services->items[i]) < 0)
			return -1;
	}
	if (add_named(render, yaml_get(root, "secrets"), &model->secrets, &model->secret_count) <
		0 ||
	    add_named(render, yaml_get(root, "configs"), &model->configs, &model->config_count) < 0)
		return -1;
	return add_named(render, yaml_get(root, "volumes"), &model->volumes, &model->volume_count);
}

int compose_render(const struct compose_file *files, size_t count, const struct compose_env *env,
    struct compose_model *out, struct err *err)
{
	AUTO(compose_model) model = {0};

	assert(compose_env_get(env, "STACK_NAME") && compose_env_get(env, "DOMAIN"));
	if (count > COMPOSE_FILES_MAX)
		return err_set(
		    err, ERR_CONFIG, "COMPOSE_FILE names more than %d files", COMPOSE_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		AUTO_PTR(yaml)
		root = yaml_parse(files[i].name, files[i].text, files[i].length, err);
		const struct render render = {env, files[i].name, &model, err};

		if (!root || add_file(&render, root) < 0)
			return -1;
	}
	*out = model;
	model = (struct compose_model){0};
	return 0;
}

static void release_named(struct compose_named *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].key);
		free(list[i].name);
	}
	free(list);
}

static void release_service(struct compose_service *service)
{
	free(service->name);
	free(service->image);
	for (size_t i = 0; i < service->mount_count; i++) {
		free(service->mounts[i].volume);
		free(service->mounts[i].source);
		free(service->mounts[i].target);
	}
	free(service->mounts);
}

void compose_model_release(struct compose_model *model)
{
	for (size_t i = 0; i < model->service_count; i++)
		release_service(&model->services[i]);
	free(model->services);
	release_named(model->secrets, model->secret_count);
	release_named(model->configs, model->config_count);
	release_named(model->volumes, model->volume_count);
	free(model->version);
	free(model->timeout);
	*model = (struct compose_model){0};
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
