/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose.h"

#include "common/yaml.h"
#include "runner-plugin/recipe/compose_merge.h"
#include "runner-plugin/recipe/compose_read.h"
#include "runner-plugin/recipe/interpolate.h"

#define COMPOSE_TEXT_MAX (64 * 1024) /* one rendered value */

/* --- values --- */

static int render_value(
    struct yaml *value, const struct compose_source *source, const struct env *env)
{
	char *text = NULL;

	for (size_t i = 0; i < value->count; i++) {
		if (render_value(value->items[i], source, env) < 0)
			return -1;
	}
	if (value->kind != YAML_SCALAR || !yaml_text(value) || !strchr(value->text, '$'))
		return 0;
	if (interpolate(value->text, env, COMPOSE_TEXT_MAX, &text, source->err) < 0)
		return err_prefix(
		    source->err, "%.100s:%d:%d", source->file, value->line, value->column);
	free(value->text);
	value->text = text;
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

static int add_file(const struct compose_file *file, const struct env *env,
    struct compose_model *model, struct err *err)
{
	const struct compose_source source = {file->name, env_get(env, "HOME"), err};
	AUTO(compose_model) alone = {0};
	AUTO_PTR(yaml) tree = yaml_parse(file->name, file->text, file->length, err);

	if (!tree || render_value(tree, &source, env) < 0 || check_shape(&source, tree) < 0 ||
	    compose_read(&source, tree, &alone) < 0)
		return -1;
	compose_merge(model, &alone);
	return 0;
}

int compose_render(const struct compose_file *files, size_t count, const struct env *env,
    struct compose_model *out, struct err *err)
{
	AUTO(compose_model) model = {0};
	const char *stack = env_get(env, "STACK_NAME");

	assert(stack && env_get(env, "DOMAIN"));
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
