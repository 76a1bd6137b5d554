/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/suite.h"

#include "common/conf.h"
#include "common/file.h"
#include "common/nearest.h"
#include "common/yaml.h"
#include "runner-plugin/recipe/trespass.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUITE_WEIGHT_MAX 64

/* What may stand in each mapping of a suite. */
static const char *const root_keys[] = {"env", "compose", "deploy_timeout", "weight", "ready",
    "checks", "data", "secrets", "needs", "tenant", "stages", "extra", "allow", "images",
    "picture"};
static const char *const probe_keys[] = {
    "http", "tcp", "status", "contains", "title", "header", "host", "service", "port"};
static const char *const http_keys[] = {
    "path", "status", "contains", "title", "header", "host", "service", "port"};
static const char *const program_keys[] = {"run"};
static const char *const data_keys[] = {"dropped", "seed", "check", "wipe"};
static const char *const secret_keys[] = {"value", "file"};
static const char *const tenant_keys[] = {"seed", "release"};
static const char *const stage_keys[] = {"not_run", "timeout"};
static const char *const image_keys[] = {"ignore"};

const struct suite_keys suite_keys[SUITE_MAPPING_COUNT] = {
    [SUITE_ROOT] = {"the suite", root_keys, COUNT_OF(root_keys)},
    [SUITE_PROBE] = {"a probe", probe_keys, COUNT_OF(probe_keys)},
    [SUITE_PROBE_HTTP] = {"http", http_keys, COUNT_OF(http_keys)},
    [SUITE_PROGRAM] = {"a check by a program", program_keys, COUNT_OF(program_keys)},
    [SUITE_DATA] = {"data", data_keys, COUNT_OF(data_keys)},
    [SUITE_SECRET] = {"a secret", secret_keys, COUNT_OF(secret_keys)},
    [SUITE_TENANT] = {"tenant", tenant_keys, COUNT_OF(tenant_keys)},
    [SUITE_STAGE] = {"a stage", stage_keys, COUNT_OF(stage_keys)},
    [SUITE_IMAGES] = {"images", image_keys, COUNT_OF(image_keys)},
};

/* Where mistakes are told: the first as the error, all of them as lines. */
struct reader {
	const char *name; /* of the file */
	struct err *err;
	struct buf *mistakes;
};

static int mistake(const struct reader *reader, const struct yaml *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

static int mistake(const struct reader *reader, const struct yaml *at, const char *format, ...)
{
	char what[200];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (!reader->mistakes->length)
		err_set(reader->err, ERR_CONFIG, "%s:%d:%d: %s", reader->name, at->line, at->column,
		    what);
	(void)buf_printf(
	    reader->mistakes, "%s:%d:%d: %s\n", reader->name, at->line, at->column, what);
	return -1;
}

/* Every key of the mapping is one of those that belong there. */
static int check_keys(
    const struct reader *reader, const struct yaml *mapping, enum suite_mapping where)
{
	const char *const *known = suite_keys[where].names;
	size_t count = suite_keys[where].count;
	int result = 0;

	for (size_t i = 0; i < mapping->count; i++) {
		if (text_index(known, count, mapping->keys[i]) < count)
			continue;
		const char *near = nearest_word(mapping->keys[i], known, count);

		result = mistake(reader, mapping->items[i], "unknown key \"%.40s\"%s%s%s",
		    mapping->keys[i], near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
	}
	return result;
}

static int need_kind(
    const struct reader *reader, const struct yaml *value, const char *key, enum yaml_kind kind)
{
	static const char *const words[] = {
	    [YAML_SCALAR] = "a text",
	    [YAML_SEQUENCE] = "a list",
	    [YAML_MAPPING] = "a mapping",
	};

	if (value->kind != kind)
		return mistake(reader, value, "%s must be %s", key, words[kind]);
	if (value->count > SUITE_ITEMS_MAX)
		return mistake(reader, value, "%s has more than %d entries", key, SUITE_ITEMS_MAX);
	return 0;
}

static int need_text(const struct reader *reader, const struct yaml *value, const char *key)
{
	if (!yaml_text(value) || !*yaml_text(value))
		return mistake(reader, value, "%s must be a text", key);
	if (strpbrk(value->text, "\r\n"))
		return mistake(reader, value, "%s must be one line", key);
	return 0;
}

static bool is_env_name(const char *text)
{
	return *text && !(*text >= '0' && *text <= '9') &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
		   strlen(text);
}

static int read_env(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	if (need_kind(reader, value, "env", YAML_MAPPING) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		const struct yaml *item = value->items[i];

		if (!is_env_name(value->keys[i]))
			return mistake(
			    reader, item, "env: \"%.40s\" is no variable name", value->keys[i]);
		if (item->kind != YAML_SCALAR || strpbrk(item->text, "\r\n"))
			return mistake(
			    reader, item, "env: %.40s must be one line of text", value->keys[i]);
		suite->env =
		    xrealloc_array(suite->env, suite->env_count + 1, sizeof(suite->env[0]));
		suite->env[suite->env_count++] =
		    (struct suite_pair){xstrdup(value->keys[i]), xstrdup(item->text)};
	}
	return 0;
}

static bool is_file_name(const char *text)
{
	return text[0] != '-' && text[0] != '.' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		   strlen(text);
}

/* A list of texts; check says what is wrong with one, NULL when nothing. */
static int read_list(const struct reader *reader, const struct yaml *value, const char *key,
    bool (*has_form)(const char *text), char ***out, size_t *out_count)
{
	if (need_kind(reader, value, key, YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		const struct yaml *item = value->items[i];

		if (need_text(reader, item, key) < 0)
			return -1;
		if (has_form && !has_form(item->text))
			return mistake(
			    reader, item, "%s: \"%.60s\" is not allowed here", key, item->text);
		*out = xrealloc_array(*out, *out_count + 1, sizeof((*out)[0]));
		(*out)[(*out_count)++] = xstrdup(item->text);
	}
	return 0;
}

static int read_compose(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	return read_list(
	    reader, value, "compose", is_file_name, &suite->compose, &suite->compose_count);
}

static int read_duration(
    const struct reader *reader, const char *key, const struct yaml *value, int64_t *out_ms)
{
	const char *text = yaml_text(value);

	if (!text || !conf_parse_duration(text, out_ms) || *out_ms < 1000)
		return mistake(reader, value, "%s must be a duration such as 15m", key);
	return 0;
}

static int read_timeout(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	return read_duration(reader, "deploy_timeout", value, &suite->deploy_timeout_ms);
}

static int read_weight(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	const char *text = yaml_text(value);

	if (!text || !parse_int64(text, 1, SUITE_WEIGHT_MAX, &suite->weight))
		return mistake(
		    reader, value, "weight must be a number from 1 to %d", SUITE_WEIGHT_MAX);
	return 0;
}

static void release_probe(struct suite_probe *probe)
{
	free(probe->path);
	free(probe->host);
	free(probe->contains);
	free(probe->title);
	free(probe->header);
	free(probe->service);
}

static int read_status(
    const struct reader *reader, const struct yaml *value, struct suite_probe *probe)
{
	int64_t status = 0;

	if (!yaml_text(value) || !parse_int64(value->text, 100, 599, &status))
		return mistake(reader, value, "status must be a number from 100 to 599");
	if (probe->status_count == SUITE_STATUS_MAX)
		return mistake(reader, value, "more than %d statuses", SUITE_STATUS_MAX);
	probe->statuses[probe->status_count++] = (int)status;
	return 0;
}

static int read_statuses(
    const struct reader *reader, const struct yaml *value, struct suite_probe *probe)
{
	if (value->kind == YAML_SCALAR)
		return read_status(reader, value, probe);
	if (need_kind(reader, value, "status", YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		if (read_status(reader, value->items[i], probe) < 0)
			return -1;
	}
	return 0;
}

static int read_port(
    const struct reader *reader, const struct yaml *value, struct suite_probe *probe)
{
	int64_t port = 0;

	if (!yaml_text(value) || !parse_int64(value->text, 1, 65535, &port))
		return mistake(reader, value, "a port must be a number from 1 to 65535");
	probe->port = (int)port;
	return 0;
}

/* The texts of a probe by key. */
static char **probe_text(struct suite_probe *probe, const char *key)
{
	if (text_is(key, "path"))
		return &probe->path;
	if (text_is(key, "host"))
		return &probe->host;
	if (text_is(key, "contains"))
		return &probe->contains;
	if (text_is(key, "title"))
		return &probe->title;
	if (text_is(key, "header"))
		return &probe->header;
	if (text_is(key, "service"))
		return &probe->service;
	return NULL;
}

static int read_probe_key(const struct reader *reader, const char *key, const struct yaml *value,
    struct suite_probe *probe)
{
	char **text = probe_text(probe, key);

	if (text_is(key, "status"))
		return read_statuses(reader, value, probe);
	if (text_is(key, "port") || text_is(key, "tcp"))
		return read_port(reader, value, probe);
	if (need_text(reader, value, key) < 0)
		return -1;
	free(*text);
	*text = xstrdup(value->text);
	return 0;
}

/* The value of http: is a path, or a map with the same keys as beside it. */
static int read_http(
    const struct reader *reader, const struct yaml *value, struct suite_probe *probe)
{
	if (value->kind == YAML_SCALAR)
		return read_probe_key(reader, "path", value, probe);
	if (need_kind(reader, value, "http", YAML_MAPPING) < 0 ||
	    check_keys(reader, value, SUITE_PROBE_HTTP) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		if (read_probe_key(reader, value->keys[i], value->items[i], probe) < 0)
			return -1;
	}
	return 0;
}

/* A path below the suite's directory, written as one would type it. */
static bool is_inner_path(const char *text)
{
	return text[0] != '-' && text[0] != '.' && text[0] != '/' && !strstr(text, "/.") &&
	       !strstr(text, "//") && !text_ends(text, "/") &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") ==
		   strlen(text);
}

static int read_program(
    const struct reader *reader, const struct yaml *value, const char *key, char **out)
{
	if (need_text(reader, value, key) < 0)
		return -1;
	if (!is_inner_path(value->text))
		return mistake(reader, value,
		    "%s: \"%.60s\" is no path below the suite's directory", key, value->text);
	free(*out);
	*out = xstrdup(value->text);
	return 0;
}

static int check_probe(
    const struct reader *reader, const struct yaml *item, const struct suite_probe *probe)
{
	if (probe->kind == SUITE_TCP) {
		if (!probe->service)
			return mistake(reader, item, "tcp needs the service to connect to");
		return 0;
	}
	if (!probe->path || probe->path[0] != '/' || strpbrk(probe->path, " \t"))
		return mistake(reader, item, "http needs a path that begins with /");
	if (probe->host &&
	    strspn(probe->host, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(probe->host))
		return mistake(reader, item, "host: \"%.60s\" is no host name", probe->host);
	if (probe->header && !strchr(probe->header, ':'))
		return mistake(reader, item, "header must be \"Name: value\"");
	if (!probe->service != !probe->port)
		return mistake(reader, item, "service and port go together");
	return 0;
}

static int read_probe(
    const struct reader *reader, const struct yaml *item, struct suite_probe *probe)
{
	const struct yaml *http = yaml_get(item, "http");
	const struct yaml *tcp = yaml_get(item, "tcp");

	if (item->kind != YAML_MAPPING)
		return mistake(reader, item, "a probe must be a mapping with http or tcp");
	if (check_keys(reader, item, SUITE_PROBE) < 0)
		return -1;
	if (!http == !tcp)
		return mistake(reader, item, "a probe has either http or tcp");
	probe->kind = http ? SUITE_HTTP : SUITE_TCP;
	for (size_t i = 0; i < item->count; i++) {
		bool is_http = text_is(item->keys[i], "http");
		int result = is_http ? read_http(reader, item->items[i], probe)
				     : read_probe_key(reader, item->keys[i], item->items[i], probe);

		if (result < 0)
			return -1;
	}
	return check_probe(reader, item, probe);
}

static int add_probe(const struct reader *reader, const struct yaml *item, struct suite_probe **out,
    size_t *out_count)
{
	struct suite_probe probe = {0};

	if (read_probe(reader, item, &probe) < 0) {
		release_probe(&probe);
		return -1;
	}
	*out = xrealloc_array(*out, *out_count + 1, sizeof((*out)[0]));
	(*out)[(*out_count)++] = probe;
	return 0;
}

/* A check that is an executable: "run: checks/login". */
static int add_program(const struct reader *reader, const struct yaml *item, struct suite *suite)
{
	char *program = NULL;

	if (check_keys(reader, item, SUITE_PROGRAM) < 0 ||
	    read_program(reader, yaml_get(item, "run"), "run", &program) < 0)
		return -1;
	suite->programs =
	    xrealloc_array(suite->programs, suite->program_count + 1, sizeof(suite->programs[0]));
	suite->programs[suite->program_count++] = program;
	return 0;
}

static int read_ready(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	int result = 0;

	if (need_kind(reader, value, "ready", YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		if (yaml_get(value->items[i], "run"))
			result = mistake(reader, value->items[i],
			    "ready takes http and tcp; an executable belongs to checks");
		else if (add_probe(reader, value->items[i], &suite->ready, &suite->ready_count) < 0)
			result = -1;
	}
	return result;
}

static int read_checks(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	int result = 0;

	if (need_kind(reader, value, "checks", YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		const struct yaml *item = value->items[i];

		if (yaml_get(item, "run")
			? add_program(reader, item, suite) < 0
			: add_probe(reader, item, &suite->checks, &suite->check_count) < 0)
			result = -1;
	}
	return result;
}

static int read_data(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	const struct yaml *dropped = yaml_get(value, "dropped");
	const struct yaml *seed = yaml_get(value, "seed");
	const struct yaml *check = yaml_get(value, "check");
	const struct yaml *wipe = yaml_get(value, "wipe");

	if (need_kind(reader, value, "data", YAML_MAPPING) < 0 ||
	    check_keys(reader, value, SUITE_DATA) < 0 ||
	    (dropped && read_list(reader, dropped, "dropped", is_file_name, &suite->dropped,
			    &suite->dropped_count) < 0) ||
	    (seed && read_program(reader, seed, "seed", &suite->data_seed) < 0) ||
	    (check && read_program(reader, check, "check", &suite->data_check) < 0) ||
	    (wipe && read_program(reader, wipe, "wipe", &suite->data_wipe) < 0))
		return -1;
	if (seed && !check)
		return mistake(reader, seed, "a seed without a check proves nothing");
	if (wipe && !check)
		return mistake(reader, wipe, "a wipe without a check proves nothing");
	return 0;
}

static int read_tenant(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	const struct yaml *seed = yaml_get(value, "seed");
	const struct yaml *release = yaml_get(value, "release");

	if (need_kind(reader, value, "tenant", YAML_MAPPING) < 0 ||
	    check_keys(reader, value, SUITE_TENANT) < 0 ||
	    (seed && read_program(reader, seed, "seed", &suite->tenant_seed) < 0) ||
	    (release && read_program(reader, release, "release", &suite->tenant_release) < 0))
		return -1;
	if (!seed || !release)
		return mistake(
		    reader, value, "a tenant has a seed, and a release that takes it away again");
	return 0;
}

static int read_given_secret(
    const struct reader *reader, const struct yaml *value, struct suite_secret *secret)
{
	const struct yaml *given = yaml_get(value, "value");
	const struct yaml *file = yaml_get(value, "file");

	if (check_keys(reader, value, SUITE_SECRET) < 0)
		return -1;
	if (!given == !file)
		return mistake(
		    reader, value, "secrets: %.40s has either a value or a file", secret->name);
	if (file)
		return read_program(reader, file, "file", &secret->file);
	if (!yaml_text(given) || !*given->text)
		return mistake(
		    reader, given, "secrets: the value of %.40s must be a text", secret->name);
	secret->value = xstrdup(given->text);
	return 0;
}

/* The reader of its value finds the place for it here, so that it is released whatever happens. */
static int read_secret(
    const struct reader *reader, const char *name, const struct yaml *value, struct suite *suite)
{
	struct suite_secret *secret = NULL;

	if (!*name || !is_file_name(name))
		return mistake(reader, value, "secrets: \"%.40s\" is no name of a secret", name);
	suite->secrets =
	    xrealloc_array(suite->secrets, suite->secret_count + 1, sizeof(suite->secrets[0]));
	secret = &suite->secrets[suite->secret_count++];
	*secret = (struct suite_secret){.name = xstrdup(name)};
	if (value->kind == YAML_MAPPING)
		return read_given_secret(reader, value, secret);
	if (!yaml_text(value) || !text_is(value->text, "generate"))
		return mistake(reader, value,
		    "secrets: %.40s is generate, {value: \"...\"} or {file: ...}", name);
	return 0;
}

static int read_secrets(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	int result = 0;

	if (need_kind(reader, value, "secrets", YAML_MAPPING) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		if (read_secret(reader, value->keys[i], value->items[i], suite) < 0)
			result = -1;
	}
	return result;
}

static int read_needs(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	if (need_kind(reader, value, "needs", YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		const struct yaml *item = value->items[i];
		struct needs *needs = &suite->needs;

		if (!yaml_text(item) || !params_is_recipe(item->text))
			return mistake(
			    reader, item, "needs: a recipe is named as its repository is");
		if (needs->count == NEEDS_MAX)
			return mistake(reader, item, "needs: more than %d recipes", NEEDS_MAX);
		if (needs_has(needs, item->text))
			return mistake(reader, item, "needs: %.63s stands there twice", item->text);
		(void)copy_text(needs->names[needs->count++], PARAMS_RECIPE_SIZE, item->text);
	}
	return 0;
}

/* What env says of needs, once both are known. */
static int check_needs_in_env(
    const struct reader *reader, const struct yaml *root, const struct suite *suite)
{
	const struct yaml *env = yaml_get(root, "env");
	struct needs_place places[NEEDS_MAX];
	int result = 0;

	for (size_t i = 0; i < suite->needs.count; i++)
		places[i] = (struct needs_place){suite->needs.names[i], "", "", ""};
	for (size_t i = 0; env && env->kind == YAML_MAPPING && i < env->count; i++) {
		const char *value = yaml_text(env->items[i]);
		struct err why;

		if (!value)
			continue;
		auto_str char *text = needs_expand(value, places, suite->needs.count, &why);
		if (!text)
			result =
			    mistake(reader, env->items[i], "env: %.40s: %s", env->keys[i], why.msg);
	}
	return result;
}

static int read_stage(
    const struct reader *reader, const char *name, const struct yaml *value, struct suite *suite)
{
	const struct yaml *reason = yaml_get(value, "not_run");
	const struct yaml *timeout = yaml_get(value, "timeout");
	enum stage stage = STAGE_NONE;

	if (!stage_parse(name, &stage))
		return mistake(reader, value, "stages: \"%.40s\" is no stage", name);
	if (need_kind(reader, value, name, YAML_MAPPING) < 0 ||
	    check_keys(reader, value, SUITE_STAGE) < 0)
		return -1;
	if (timeout &&
	    read_duration(reader, "timeout", timeout, &suite->stage_timeout_ms[stage]) < 0)
		return -1;
	if (!reason)
		return 0;
	if (!yaml_text(reason) || !*reason->text || strpbrk(reason->text, "\r\n"))
		return mistake(reader, reason, "not_run needs a reason: one line of text");
	suite->not_run[stage] = xstrdup(reason->text);
	return 0;
}

static int read_stages(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	int result = 0;

	if (need_kind(reader, value, "stages", YAML_MAPPING) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		if (read_stage(reader, value->keys[i], value->items[i], suite) < 0)
			result = -1;
	}
	return result;
}

static int read_images(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	const struct yaml *ignore = yaml_get(value, "ignore");

	if (need_kind(reader, value, "images", YAML_MAPPING) < 0 ||
	    check_keys(reader, value, SUITE_IMAGES) < 0)
		return -1;
	return ignore ? read_list(reader, ignore, "ignore", NULL, &suite->ignored_images,
			    &suite->ignored_image_count)
		      : 0;
}

static int read_allow(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	if (read_list(reader, value, "allow", NULL, &suite->allow, &suite->allow_count) < 0)
		return -1;
	int result = 0;
	for (size_t i = 0; i < suite->allow_count; i++) {
		auto_str char *fault = trespass_word_fault(suite->allow[i]);

		if (fault)
			result = mistake(reader, value->items[i], "allow: %s", fault);
	}
	return result;
}

static int read_extra(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	int result = 0;

	if (need_kind(reader, value, "extra", YAML_SEQUENCE) < 0)
		return -1;
	for (size_t i = 0; i < value->count; i++) {
		char *program = NULL;

		if (read_program(reader, value->items[i], "extra", &program) < 0) {
			result = -1;
			continue;
		}
		suite->extra =
		    xrealloc_array(suite->extra, suite->extra_count + 1, sizeof(suite->extra[0]));
		suite->extra[suite->extra_count++] = program;
	}
	return result;
}

/* A path at the app's domain; it becomes the end of a URL. */
static int read_picture(const struct reader *reader, const struct yaml *value, struct suite *suite)
{
	if (need_text(reader, value, "picture") < 0)
		return -1;
	if (value->text[0] != '/')
		return mistake(
		    reader, value, "picture must be a path of the app such as /dashboard");
	for (const char *c = value->text; *c; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return mistake(reader, value,
			    "picture must be a path as a URL has it: blanks and others than ASCII "
			    "as %%20");
	}
	free(suite->picture);
	suite->picture = xstrdup(value->text);
	return 0;
}

static int (*const key_readers[])(
    const struct reader *reader, const struct yaml *value, struct suite *suite) = {read_env,
    read_compose, read_timeout, read_weight, read_ready, read_checks, read_data, read_secrets,
    read_needs, read_tenant, read_stages, read_extra, read_allow, read_images, read_picture};
static_assert(COUNT_OF(key_readers) == COUNT_OF(root_keys), "a reader for each key");

static int read_key(
    const struct reader *reader, const char *key, const struct yaml *value, struct suite *suite)
{
	size_t at = text_index(root_keys, COUNT_OF(root_keys), key);

	/* check_keys() has seen to what is none */
	return at < COUNT_OF(root_keys) ? key_readers[at](reader, value, suite) : 0;
}

static int read_root(const struct reader *reader, const struct yaml *root, struct suite *suite)
{
	if (root->kind != YAML_MAPPING)
		return mistake(reader, root, "a suite is a mapping of keys");
	int result = check_keys(reader, root, SUITE_ROOT);
	for (size_t i = 0; i < root->count; i++) {
		/* "env:" with nothing behind it is the same as no env. */
		bool is_empty = root->items[i]->kind == YAML_SCALAR && !yaml_text(root->items[i]);

		if (!is_empty && read_key(reader, root->keys[i], root->items[i], suite) < 0)
			result = -1;
	}
	return check_needs_in_env(reader, root, suite) < 0 ? -1 : result;
}

static int parse(const char *name, const char *text, size_t length, struct suite *out,
    struct buf *mistakes, struct err *err)
{
	AUTO(suite) suite = {.weight = 1};
	AUTO_PTR(yaml) root = yaml_parse(name, text, length, err);
	const struct reader reader = {name, err, mistakes};

	if (!root) {
		(void)buf_printf(mistakes, "%s\n", err->msg);
		return -1;
	}
	if (read_root(&reader, root, &suite) < 0)
		return -1;
	*out = suite;
	suite = (struct suite){0};
	return 0;
}

int suite_parse(
    const char *name, const char *text, size_t length, struct suite *out, struct err *err)
{
	AUTO(buf) mistakes = buf_make(SUITE_MISTAKES_MAX_BYTES);

	return parse(name, text, length, out, &mistakes, err);
}

char *suite_directory(const char *suites, const char *checkout, const char *recipe)
{
	if (suites[0] == '/')
		return xasprintf("%s/%s", suites, recipe);
	return checkout ? xasprintf("%s/%s/%s", checkout, suites, recipe) : NULL;
}

static void check_program(
    const char *path, const char *directory, const char *program, struct buf *mistakes)
{
	auto_str char *whole = xasprintf("%s/%s", directory, program);

	if (!file_exists(whole))
		(void)buf_printf(mistakes, "%s: there is no %s beside it\n", path, program);
	else if (access(whole, X_OK) < 0)
		(void)buf_printf(mistakes,
		    "%s: %s is not executable (git update-index --chmod=+x)\n", path, program);
}

const struct suite_secret *suite_find_secret(const struct suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->secret_count; i++) {
		if (text_is(suite->secrets[i].name, name))
			return &suite->secrets[i];
	}
	return NULL;
}

/* Where a file of the suite ends, links followed; the caller frees it. */
static char *find_inside(const char *directory, const char *file, struct err *err)
{
	auto_str char *path = xasprintf("%s/%s", directory, file);
	char top[PATH_MAX];
	char whole[PATH_MAX];
	struct stat status;

	if (!realpath(directory, top) || !realpath(path, whole) || stat(whole, &status) < 0) {
		err_set(err, ERR_MISSING, "there is no %s beside it", file);
		return NULL;
	}
	if (strncmp(whole, top, strlen(top)) != 0 || whole[strlen(top)] != '/') {
		err_set(err, ERR_CONFIG, "%s leads out of the suite", file);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		err_set(err, ERR_CONFIG, "%s is no file", file);
		return NULL;
	}
	return xstrdup(whole);
}

int suite_read_secret(
    const char *directory, const struct suite_secret *secret, struct buf *out, struct err *err)
{
	AUTO(buf) value = buf_make(SUITE_SECRET_MAX_BYTES);

	if (secret->value) {
		(void)buf_add_text(&value, secret->value);
	} else {
		auto_str char *path = find_inside(directory, secret->file, err);

		if (!path || file_read(path, SUITE_SECRET_MAX_BYTES, &value, err) < 0)
			return err_prefix(err, "secret %s", secret->name);
	}
	if (!value.length)
		return err_set(err, ERR_CONFIG, "secret %s: %s is empty, which Swarm does not take",
		    secret->name, secret->file);
	*out = value;
	value = (struct buf){0};
	return 0;
}

static void check_secret(const char *path, const char *directory, const struct suite_secret *secret,
    struct buf *mistakes)
{
	AUTO(buf) value = {0};
	struct err err;

	if (secret->file && suite_read_secret(directory, secret, &value, &err) < 0)
		(void)buf_printf(mistakes, "%s: %s\n", path, err.msg);
}

/* What the suite names as a file is there, and what as a program may be run. */
static void check_files(
    const char *path, const char *directory, const struct suite *suite, struct buf *mistakes)
{
	for (size_t i = 0; i < suite->compose_count; i++) {
		auto_str char *overlay = xasprintf("%s/%s", directory, suite->compose[i]);

		if (!file_exists(overlay))
			(void)buf_printf(
			    mistakes, "%s: there is no %s beside it\n", path, suite->compose[i]);
	}
	for (size_t i = 0; i < suite->program_count; i++)
		check_program(path, directory, suite->programs[i], mistakes);
	for (size_t i = 0; i < suite->secret_count; i++)
		check_secret(path, directory, &suite->secrets[i], mistakes);
	for (size_t i = 0; i < suite->extra_count; i++)
		check_program(path, directory, suite->extra[i], mistakes);
	if (suite->data_seed)
		check_program(path, directory, suite->data_seed, mistakes);
	if (suite->tenant_seed)
		check_program(path, directory, suite->tenant_seed, mistakes);
	if (suite->tenant_release)
		check_program(path, directory, suite->tenant_release, mistakes);
	if (suite->data_check)
		check_program(path, directory, suite->data_check, mistakes);
	if (suite->data_wipe)
		check_program(path, directory, suite->data_wipe, mistakes);
}

/* The suite, and every mistake in it. -1 with a line at least in mistakes, or when it cannot be
 * read. */
static int read_checked(
    const char *directory, struct suite *out, struct buf *mistakes, struct err *err)
{
	auto_str char *path = xasprintf("%s/" SUITE_FILE, directory);
	AUTO(buf) text = {0};
	AUTO(suite) suite = {0};
	struct err read_err = {0};

	if (!file_exists(directory))
		return err_set(err, ERR_MISSING, "%s does not exist", directory);
	if (file_read(path, SUITE_FILE_MAX_BYTES, &text, &read_err) < 0 &&
	    read_err.code != ERR_MISSING) {
		*err = read_err;
		return -1;
	}
	if (parse(path, buf_text(&text), text.length, &suite, mistakes, err) < 0)
		return -1;
	check_files(path, directory, &suite, mistakes);
	if (mistakes->length)
		return err_set(err, ERR_CONFIG, "%.*s", (int)strcspn(buf_text(mistakes), "\n"),
		    buf_text(mistakes));
	*out = suite;
	suite = (struct suite){0};
	return 0;
}

int suite_read(const char *directory, struct suite *out, struct err *err)
{
	AUTO(buf) mistakes = buf_make(SUITE_MISTAKES_MAX_BYTES);

	return read_checked(directory, out, &mistakes, err);
}

/* Where the needs of needs are looked up. */
struct shelf {
	const char *suites, *recipe;
	const struct suite *suite; /* of that recipe */
	const char *shared_needs;
};

bool suite_may_share(const struct suite *suite, const char *shared_needs, const char *recipe)
{
	return suite->tenant_seed && shared_needs && text_lists(shared_needs, recipe);
}

static int look_up(void *context, const char *recipe, struct needs *out, struct err *err)
{
	const struct shelf *shelf = context;
	auto_str char *directory = xasprintf("%s/%s", shelf->suites, recipe);
	AUTO(suite) suite = {0};

	if (text_is(recipe, shelf->recipe)) {
		*out = shelf->suite->needs;
		return 0;
	}
	if (file_exists(directory) && suite_read(directory, &suite, err) < 0)
		return -1;
	if (!suite_may_share(&suite, shelf->shared_needs, recipe))
		*out = suite.needs;
	return 0;
}

int suite_order_needs(const char *suites, const char *recipe, const struct suite *suite,
    const char *shared_needs, struct needs *out, struct err *err)
{
	struct shelf shelf = {suites, recipe, suite, shared_needs};

	return needs_order(recipe, look_up, &shelf, out, err);
}

/* The suites of what it needs lie beside it. */
static void check_order(const char *directory, const struct suite *suite, struct buf *mistakes)
{
	char whole[PATH_MAX];
	struct needs order;
	struct err why;

	if (!suite->needs.count || !realpath(directory, whole))
		return;
	char *recipe = strrchr(whole, '/');
	*recipe++ = '\0';
	if (suite_order_needs(whole, recipe, suite, NULL, &order, &why) < 0)
		(void)buf_printf(mistakes, "%s/" SUITE_FILE ": %s\n", directory, why.msg);
}

int suite_check(const char *directory, struct buf *mistakes, struct err *err)
{
	AUTO(suite) suite = {0};

	if (read_checked(directory, &suite, mistakes, err) < 0)
		return mistakes->length ? 0 : -1;
	check_order(directory, &suite, mistakes);
	return 0;
}

static void release_list(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

static void release_probes(struct suite_probe *probes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		release_probe(&probes[i]);
	free(probes);
}

void suite_release(struct suite *suite)
{
	for (size_t i = 0; i < suite->env_count; i++) {
		free(suite->env[i].key);
		free(suite->env[i].value);
	}
	free(suite->env);
	release_list(suite->compose, suite->compose_count);
	release_probes(suite->ready, suite->ready_count);
	release_probes(suite->checks, suite->check_count);
	release_list(suite->programs, suite->program_count);
	release_list(suite->extra, suite->extra_count);
	free(suite->data_seed);
	free(suite->data_check);
	free(suite->data_wipe);
	free(suite->tenant_seed);
	free(suite->tenant_release);
	release_list(suite->dropped, suite->dropped_count);
	for (size_t i = 0; i < suite->secret_count; i++) {
		free(suite->secrets[i].name);
		free(suite->secrets[i].value);
		free(suite->secrets[i].file);
	}
	free(suite->secrets);
	for (int i = 0; i < STAGE_COUNT; i++)
		free(suite->not_run[i]);
	release_list(suite->ignored_images, suite->ignored_image_count);
	release_list(suite->allow, suite->allow_count);
	free(suite->picture);
	*suite = (struct suite){0};
}
