/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oracle_stack stack [NAME=VALUE...] -- FILE...      what compose reads, as compose-oracle prints
 * it
 *
 * A refusal: {"error":"..."} and exit status 1. Paths of binds are shown as the oracle shows them:
 * "./x" within the first file's folder, else absolute.
 */
#include "common/buf.h"
#include "common/file.h"
#include "common/json.h"
#include "runner-plugin/recipe/compose.h"

#include <ctype.h>
#include <limits.h>

#define TEXT_MAX_BYTES (8 * 1024 * 1024)

static int refuse(const struct err *err)
{
	AUTO_PTR(json) said = json_new_object();

	json_set_text(said, "error", err->msg);
	auto_str char *text = json_print(said);
	(void)puts(text);
	return 1;
}

/* --- paths of binds --- */

/* Of an absolute path: without "." and "..", and no slash twice or at the end. */
static char *clean(const char *path)
{
	char *out = xcalloc(strlen(path) + 2, 1);
	size_t length = 0;

	while (*path) {
		size_t part = strcspn(path, "/");
		bool is_up = part == 2 && path[0] == '.' && path[1] == '.';

		if (is_up) {
			while (length && out[--length] != '/')
				;
			out[length] = '\0';
		} else if (part && !(part == 1 && *path == '.')) {
			out[length++] = '/';
			memcpy(out + length, path, part);
			length += part;
			out[length] = '\0';
		}
		path += part + (path[part] == '/');
	}
	if (!length)
		out[0] = '/';
	return out;
}

static bool is_of_windows(const char *path)
{
	return isalpha((unsigned char)path[0]) && path[1] == ':' && path[2] &&
	       strchr("/\\", path[2]);
}

static char *shown_bind(const char *source, const char *folder)
{
	if (is_of_windows(source))
		return xstrdup(source);
	auto_str char *joined =
	    *source == '/' ? xstrdup(source) : xasprintf("%s/%s", folder, source);
	auto_str char *whole = clean(joined);
	size_t length = strlen(folder);

	if (text_is(whole, folder))
		return xstrdup("./.");
	if (text_starts(whole, folder) && whole[length] == '/' &&
	    !text_starts(whole + length + 1, ".."))
		return xasprintf("./%s", whole + length + 1);
	return xstrdup(*source == '/' ? source : whole);
}

/* --- the model as JSON --- */

static struct json *texts(char *const *list, size_t count)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < count; i++)
		json_add_text(array, list[i]);
	return array;
}

static struct json *pairs(const struct compose_pair *list, size_t count)
{
	struct json *object = json_new_object();

	for (size_t i = 0; i < count; i++)
		json_set_text(object, list[i].key, list[i].value);
	return object;
}

static struct json *references(const struct compose_reference *list, size_t count)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < count; i++)
		json_add_text(array, list[i].source);
	return array;
}

static struct json *mounts(const struct compose_service *service, const char *folder)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < service->mount_count; i++) {
		const struct compose_mount *mount = &service->mounts[i];
		struct json *object = json_new_object();
		auto_str char *source = mount->type == COMPOSE_BIND
					    ? shown_bind(mount->source, folder)
					    : xstrdup(mount->source);

		json_set_text(object, "type", mount->type_word);
		json_set_text(object, "source", source);
		json_set_text(object, "target", mount->target);
		json_add(array, object);
	}
	return array;
}

static struct json *host_ports(const struct compose_service *service)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < service->port_count; i++) {
		if (service->ports[i].is_host_mode)
			json_add(array, json_new_int(service->ports[i].published));
	}
	return array;
}

static struct json *service_json(const struct compose_service *service, const char *folder)
{
	struct json *object = json_new_object();
	size_t networks = service->names_networks ? service->network_count : 0;

	json_set_text(object, "name", service->name);
	json_set_text(object, "image", service->image ? service->image : "");
	json_set_bool(object, "has_healthcheck", service->has_healthcheck);
	json_set_text(object, "mode", service->mode_word);
	json_set_int(object, "replicas", service->replicas);
	json_set_text(object, "restart", service->restart);
	json_set(object, "mounts", mounts(service, folder));
	json_set(object, "secrets", references(service->secrets, service->secret_count));
	json_set(object, "configs", references(service->configs, service->config_count));
	json_set(object, "networks", texts(service->networks, networks));
	json_set(object, "cap_add", texts(service->cap_add, service->cap_add_count));
	json_set(object, "host_ports", host_ports(service));
	json_set(object, "constraints", texts(service->constraints, service->constraint_count));
	json_set(
	    object, "deploy_labels", pairs(service->deploy_labels, service->deploy_label_count));
	return object;
}

static struct json *named(const struct compose_named *list, size_t count)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json *object = json_new_object();

		json_set_text(object, "key", list[i].key);
		json_set_text(object, "name", list[i].name);
		json_set_bool(object, "is_external", list[i].is_external);
		json_set_text(object, "driver", list[i].driver);
		json_set(
		    object, "driver_opts", pairs(list[i].driver_opts, list[i].driver_opt_count));
		json_add(array, object);
	}
	return array;
}

/* Of all services; whoever compares them makes a set of it. */
static struct json *ignored(const struct compose_model *model)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < model->service_count; i++) {
		for (size_t k = 0; k < model->services[i].ignored_count; k++)
			json_add_text(array, model->services[i].ignored[k]);
	}
	return array;
}

static void print_model(const struct compose_model *model, const char *folder)
{
	AUTO_PTR(json) root = json_new_object();
	struct json *services = json_new_array();

	for (size_t i = 0; i < model->service_count; i++)
		json_add(services, service_json(&model->services[i], folder));
	json_set(root, "services", services);
	json_set(root, "secrets", named(model->secrets, model->secret_count));
	json_set(root, "configs", named(model->configs, model->config_count));
	json_set(root, "volumes", named(model->volumes, model->volume_count));
	json_set(root, "networks", named(model->networks, model->network_count));
	json_set(root, "ignored", ignored(model));
	auto_str char *text = json_print(root);
	(void)puts(text);
}

/* --- what it was called with --- */

static char *folder_of(const char *path)
{
	auto_str char *whole = realpath(path, NULL);
	char *slash = whole ? strrchr(whole, '/') : NULL;

	return slash ? xstrndup(whole, (size_t)(slash - whole)) : xstrdup(".");
}

/* docker opens them while it loads. */
static int check_env_files(const struct compose_model *model, const char *folder, struct err *err)
{
	for (size_t i = 0; i < model->service_count; i++) {
		for (size_t k = 0; k < model->services[i].env_file_count; k++) {
			const char *name = model->services[i].env_files[k];
			AUTO(buf) text = {0};
			auto_str char *path =
			    *name == '/' ? xstrdup(name) : xasprintf("%s/%s", folder, name);

			if (file_read(path, TEXT_MAX_BYTES, &text, err) < 0 ||
			    compose_check_env_file(name, buf_text(&text), text.length, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int print_stack(const struct compose_file *files, size_t count, const struct env *env)
{
	AUTO(compose_model) model = {0};
	auto_str char *folder = folder_of(files[0].name);
	struct err err = {0};

	if (compose_render(files, count, env, &model, &err) < 0 ||
	    check_env_files(&model, folder, &err) < 0)
		return refuse(&err);
	print_model(&model, folder);
	return 0;
}

int main(int count, char **arguments)
{
	AUTO(env) env = {0};
	struct compose_file files[COMPOSE_FILES_MAX];
	struct buf texts_read[COMPOSE_FILES_MAX] = {0};
	size_t file_count = 0;
	struct err err = {0};
	int at = 2;

	if (count < 4 || !text_is(arguments[1], "stack"))
		return 2;
	for (; at < count && !text_is(arguments[at], "--"); at++) {
		size_t length = strcspn(arguments[at], "=");
		auto_str char *name = xstrndup(arguments[at], length);

		env_set(&env, name, arguments[at][length] ? arguments[at] + length + 1 : "");
	}
	for (at++; at < count && file_count < COMPOSE_FILES_MAX; at++) {
		if (file_read(arguments[at], TEXT_MAX_BYTES, &texts_read[file_count], &err) < 0)
			return 2;
		files[file_count] = (struct compose_file){arguments[at],
		    buf_text(&texts_read[file_count]), texts_read[file_count].length};
		file_count++;
	}
	if (!file_count)
		return 2;
	int result = print_stack(files, file_count, &env);
	for (size_t i = 0; i < file_count; i++)
		buf_release(&texts_read[i]);
	return result;
}
