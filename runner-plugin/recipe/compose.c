/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose.h"

#include "common/yaml.h"
#include "runner-plugin/recipe/compose_merge.h"
#include "runner-plugin/recipe/compose_read.h"
#include "runner-plugin/recipe/compose_schema.h"
#include "runner-plugin/recipe/compose_value.h"

/* --- what the labels say --- */

static char *label_of_app(const struct compose_model *model, const char *key)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];
		const char *value =
		    text_is(service->name, "app") ? compose_find_label(service, key) : NULL;

		if (value)
			return xstrdup(value);
	}
	return NULL;
}

/* A key in which "${STACK_NAME}" or "$STACK_NAME" stands where the stack's name should. */
static bool has_label_as_key(const struct compose_service *service, const char *end)
{
	static const char *const beginnings[] = {
	    "coop-cloud.${STACK_NAME}", "coop-cloud.$STACK_NAME"};

	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		auto_str char *key = xasprintf("%s%s", beginnings[i], end);

		if (compose_find_label(service, key))
			return true;
	}
	return false;
}

static void take_labels(struct compose_model *model, const char *stack)
{
	auto_str char *version = xasprintf("coop-cloud.%s.version", stack);
	auto_str char *timeout = xasprintf("coop-cloud.%s.timeout", stack);

	model->version = label_of_app(model, version);
	model->timeout = label_of_app(model, timeout);
	for (size_t i = 0; i < model->service_count; i++) {
		const char *backup = compose_find_label(&model->services[i], "backupbot.backup");

		model->is_backed_up = model->is_backed_up || (backup && text_is(backup, "true"));
		if (!model->version && text_is(model->services[i].name, "app"))
			model->has_version_as_key =
			    has_label_as_key(&model->services[i], ".version");
	}
}

/* --- all of it --- */

/* *version: of the first file; -1 before it. */
static int add_file(const struct compose_file *file, const struct env *env,
    struct compose_model *model, int *version, struct err *err)
{
	const struct compose_source source = {file->name, env_get(env, "HOME"), err};
	AUTO(compose_model) alone = {0};
	AUTO_PTR(yaml) tree = yaml_parse_as_go(file->name, file->text, file->length, err);
	int minor = 0;

	if (!tree || compose_schema_version(&source, tree, &minor) < 0)
		return -1;
	if (*version >= 0 && *version != minor)
		return compose_fail(&source, tree,
		    "this file has version 3.%d, the first one 3.%d: write version: \"3.%d\" here",
		    minor, *version, *version);
	*version = minor;
	if (compose_value_render(&source, tree, env) < 0 ||
	    compose_schema_check(&source, tree, minor) < 0 ||
	    compose_read(&source, tree, &alone) < 0)
		return -1;
	return compose_merge(model, &alone, err);
}

int compose_render(const struct compose_file *files, size_t count, const struct env *env,
    struct compose_model *out, struct err *err)
{
	AUTO(compose_model) model = {0};
	const char *stack = env_get(env, "STACK_NAME");
	int version = -1;

	assert(stack && env_get(env, "DOMAIN"));
	if (count > COMPOSE_FILES_MAX)
		return err_set(
		    err, ERR_CONFIG, "COMPOSE_FILE names more than %d files", COMPOSE_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (add_file(&files[i], env, &model, &version, err) < 0)
			return -1;
	}
	compose_finish(&model, stack);
	take_labels(&model, stack);
	*out = model;
	model = (struct compose_model){0};
	return 0;
}

/* --- env_file --- */

static int check_env_line(const char *name, int number, const char *line, struct err *err)
{
	line += strspn(line, " \t\r\v\f");
	size_t length = strcspn(line, "=");
	if (!*line || *line == '#')
		return 0;
	if (!length)
		return err_set(err, ERR_CONFIG, "%.100s:%d: no name before \"=\"", name, number);
	if (strcspn(line, " \t") < length)
		return err_set(err, ERR_CONFIG, "%.100s:%d: the name \"%.*s\" has a blank in it",
		    name, number, (int)(length < 60 ? length : 60), line);
	return 0;
}

int compose_check_env_file(const char *name, const char *text, size_t length, struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	auto_str char *copy = xstrndup(text, length);
	char *rest = text_starts(copy, mark) ? copy + strlen(mark) : copy;
	char *line = NULL;

	for (int number = 1; (line = strsep(&rest, "\n")); number++) {
		if (check_env_line(name, number, line, err) < 0)
			return -1;
	}
	return 0;
}
