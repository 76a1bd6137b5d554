/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_read.h"

#include "runner-plugin/recipe/compose_short.h"

#include <ctype.h>
#include <strings.h>

int compose_fail(
    const struct compose_source *source, const struct yaml *at, const char *format, ...)
{
	char what[sizeof(source->err->msg)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return err_set(
	    source->err, ERR_CONFIG, "%.100s:%d:%d: %s", source->file, at->line, at->column, what);
}

/* --- small pieces --- */

/* Never NULL; what is not there and what is nothing are "". */
static const char *text_at(const struct yaml *mapping, const char *key)
{
	const char *text = yaml_get_text(mapping, key);

	return text ? text : "";
}

static char *text_or_null(const struct yaml *mapping, const char *key)
{
	const char *text = text_at(mapping, key);

	return *text ? xstrdup(text) : NULL;
}

/* Not negative; a float counts without its fraction. */
static int64_t number_at(const struct yaml *mapping, const char *key)
{
	const struct yaml *value = yaml_get(mapping, key);

	if (value && value->type == YAML_FLOAT)
		return (int64_t)strtod(value->text, NULL);
	return (int64_t)strtoull(text_at(mapping, key), NULL, 10);
}

static bool is_true_at(const struct yaml *mapping, const char *key)
{
	bool is_true = false;

	return yaml_bool(yaml_get(mapping, key), &is_true) && is_true;
}

static void add_text(char ***list, size_t *count, const char *text)
{
	*list = xrealloc_array(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = xstrdup(text);
}

/* A list of texts, or one text. */
static void read_texts(const struct yaml *value, char ***list, size_t *count)
{
	if (value && value->kind == YAML_SCALAR && yaml_text(value))
		add_text(list, count, value->text);
	for (size_t i = 0; value && value->kind == YAML_SEQUENCE && i < value->count; i++) {
		const char *text = yaml_text(value->items[i]);

		add_text(list, count, text ? text : "");
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct compose_pair *left = a;
	const struct compose_pair *right = b;

	return strcmp(left->key, right->key);
}

static void set_pair(struct compose_pair **pairs, size_t *count, char *take_key, const char *value)
{
	for (size_t i = 0; i < *count; i++) {
		if (!text_is((*pairs)[i].key, take_key))
			continue;
		free(take_key);
		free((*pairs)[i].value);
		(*pairs)[i].value = xstrdup(value);
		return;
	}
	*pairs = xrealloc_array(*pairs, *count + 1, sizeof(**pairs));
	(*pairs)[(*count)++] = (struct compose_pair){take_key, xstrdup(value)};
}

/* "KEY: value", or a list of "KEY=value". */
static void read_pairs(const struct yaml *value, struct compose_pair **pairs, size_t *count)
{
	for (size_t i = 0; value && i < value->count; i++) {
		const char *text = yaml_text(value->items[i]);
		size_t length = text ? strcspn(text, "=") : 0;

		if (value->kind == YAML_MAPPING)
			set_pair(pairs, count, xstrdup(value->keys[i]), text ? text : "");
		else if (text)
			set_pair(pairs, count, xstrndup(text, length),
			    text[length] ? text + length + 1 : "");
	}
	if (*count)
		qsort(*pairs, *count, sizeof(**pairs), compare_pairs);
}

/* A list that is there and empty is not NULL: see compose.h. */
static void *room_for(const struct yaml *list, size_t size)
{
	return list ? xcalloc(list->count + 1, size) : NULL;
}

/* --- mounts --- */

static enum compose_mount_type mount_type(const char *word)
{
	static const struct {
		const char *word;
		enum compose_mount_type type;
	} rows[] = {
	    {"volume", COMPOSE_VOLUME},
	    {"", COMPOSE_VOLUME},
	    {"bind", COMPOSE_BIND},
	    {"tmpfs", COMPOSE_TMPFS},
	    {"npipe", COMPOSE_NPIPE},
	    {"cluster", COMPOSE_CLUSTER},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (text_is(word, rows[i].word))
			return rows[i].type;
	}
	return COMPOSE_UNKNOWN;
}

static void read_long_mount(const struct yaml *item, struct compose_mount *out)
{
	*out = (struct compose_mount){
	    .type = mount_type(text_at(item, "type")),
	    .type_word = xstrdup(text_at(item, "type")),
	    .source = xstrdup(text_at(item, "source")),
	    .target = xstrdup(text_at(item, "target")),
	    .is_read_only = is_true_at(item, "read_only"),
	};
}

static void expand_home(const struct compose_source *source, struct compose_mount *mount)
{
	if (mount->source[0] != '~' || !source->home)
		return;
	char *expanded = xasprintf("%s%s", source->home, mount->source + 1);

	free(mount->source);
	mount->source = expanded;
}

static int read_mount(
    const struct compose_source *source, const struct yaml *item, struct compose_mount *out)
{
	struct err why;

	if (item->kind == YAML_MAPPING) {
		read_long_mount(item, out);
	} else {
		const char *spec = yaml_text(item);

		if (compose_short_mount(spec ? spec : "", out, &why) < 0)
			return compose_fail(source, item, "%s", why.msg);
	}
	if (out->type != COMPOSE_BIND)
		return 0;
	if (!*out->source)
		return compose_fail(source, item,
		    "the bind to \"%.80s\" has no source: a variable that is not set?",
		    out->target);
	expand_home(source, out);
	return 0;
}

static int read_mounts(const struct compose_source *source, const struct yaml *volumes,
    struct compose_service *service)
{
	service->mounts = room_for(volumes, sizeof(*service->mounts));
	for (size_t i = 0; volumes && i < volumes->count; i++) {
		/* counted first: on failure the release finds what it holds */
		if (read_mount(
			source, volumes->items[i], &service->mounts[service->mount_count++]) < 0)
			return -1;
	}
	return 0;
}

/* --- ports, secrets, configs, networks --- */

static void add_long_port(const struct yaml *item, struct compose_service *service)
{
	service->ports =
	    xrealloc_array(service->ports, service->port_count + 1, sizeof(*service->ports));
	service->ports[service->port_count++] = (struct compose_port){
	    .target = (uint32_t)number_at(item, "target"),
	    .published = (uint32_t)number_at(item, "published"),
	    .protocol = xstrdup(text_at(item, "protocol")),
	    .is_host_mode = text_is(text_at(item, "mode"), "host"),
	};
}

static int read_ports(
    const struct compose_source *source, const struct yaml *ports, struct compose_service *service)
{
	struct err why;

	service->ports = room_for(ports, sizeof(*service->ports));
	for (size_t i = 0; ports && i < ports->count; i++) {
		const char *spec = yaml_text(ports->items[i]);

		if (ports->items[i]->kind == YAML_MAPPING)
			add_long_port(ports->items[i], service);
		else if (compose_short_ports(
			     spec ? spec : "", &service->ports, &service->port_count, &why) < 0)
			return compose_fail(source, ports->items[i], "%s", why.msg);
	}
	return 0;
}

/*
 * The schema lets other spellings in here, and docker reads them: "Source" before any other, which
 * is how Go names the field.
 */
static const char *text_of_any_case(const struct yaml *mapping, const char *key)
{
	auto_str char *field = xstrdup(key);

	field[0] = (char)toupper((unsigned char)field[0]);
	if (yaml_get(mapping, field))
		return yaml_get_text(mapping, field);
	for (size_t i = 0; i < mapping->count; i++) {
		if (strcasecmp(mapping->keys[i], key) == 0)
			return yaml_text(mapping->items[i]);
	}
	return NULL;
}

static void read_references(
    const struct yaml *list, struct compose_reference **references, size_t *count)
{
	*references = room_for(list, sizeof(**references));
	for (size_t i = 0; list && i < list->count; i++) {
		const struct yaml *item = list->items[i];
		bool is_long = item->kind == YAML_MAPPING;
		const char *source = is_long ? text_of_any_case(item, "source") : yaml_text(item);
		const char *target = is_long ? text_of_any_case(item, "target") : NULL;

		(*references)[(*count)++] = (struct compose_reference){
		    .source = xstrdup(source ? source : ""),
		    .target = target && *target ? xstrdup(target) : NULL,
		};
	}
}

static void read_networks(const struct yaml *networks, struct compose_service *service)
{
	if (networks && networks->kind == YAML_SEQUENCE)
		read_texts(networks, &service->networks, &service->network_count);
	for (size_t i = 0; networks && networks->kind == YAML_MAPPING && i < networks->count; i++)
		add_text(&service->networks, &service->network_count, networks->keys[i]);
	if (service->network_count)
		qsort(service->networks, service->network_count, sizeof(*service->networks),
		    compare_texts);
	service->names_networks = service->network_count > 0;
}

/* --- a service --- */

static void read_healthcheck(const struct yaml *healthcheck, struct compose_service *service)
{
	const struct yaml *test = yaml_get(healthcheck, "test");

	if (test && test->kind == YAML_SEQUENCE && test->count) {
		service->check = xstrdup(yaml_text(test->items[0]) ? test->items[0]->text : "");
		service->check_words = test->count;
	} else if (yaml_text(test)) {
		service->check = xstrdup("CMD-SHELL");
		service->check_words = 2;
	}
	service->is_check_disabled = is_true_at(healthcheck, "disable");
}

static int read_size(const struct compose_source *source, const struct yaml *resources,
    const char *key, int64_t *out)
{
	const struct yaml *memory = yaml_get(yaml_get(resources, key), "memory");

	if (!yaml_text(memory) || compose_short_size(memory->text, out))
		return 0;
	return compose_fail(
	    source, memory, "\"%.40s\" is no size of memory (512m, 1.5g)", memory->text);
}

static int read_deploy(
    const struct compose_source *source, const struct yaml *deploy, struct compose_service *service)
{
	const struct yaml *resources = yaml_get(deploy, "resources");
	const struct yaml *replicas = yaml_get(deploy, "replicas");

	service->mode_word = xstrdup(text_at(deploy, "mode"));
	service->restart = xstrdup(text_at(yaml_get(deploy, "restart_policy"), "condition"));
	service->update_order = xstrdup(text_at(yaml_get(deploy, "update_config"), "order"));
	service->replicas =
	    yaml_text(replicas) ? number_at(deploy, "replicas") : COMPOSE_NO_REPLICAS;
	service->names_replicas = yaml_text(replicas) != NULL;
	/* docker takes 2^64 - 1: here it would pass for few, or none */
	if (service->names_replicas && strtod(replicas->text, NULL) > (double)COMPOSE_REPLICAS_MAX)
		return compose_fail(
		    source, replicas, "more replicas than any Swarm holds: %.40s", replicas->text);
	service->cpu_limit = xstrdup(text_at(yaml_get(resources, "limits"), "cpus"));
	service->cpu_reservation = xstrdup(text_at(yaml_get(resources, "reservations"), "cpus"));
	read_texts(yaml_get(yaml_get(deploy, "placement"), "constraints"), &service->constraints,
	    &service->constraint_count);
	read_pairs(
	    yaml_get(deploy, "labels"), &service->deploy_labels, &service->deploy_label_count);
	if (read_size(source, resources, "limits", &service->memory_limit) < 0)
		return -1;
	return read_size(source, resources, "reservations", &service->memory_reservation);
}

static char *read_credential_spec(const struct yaml *spec)
{
	static const char *const kinds[] = {"config", "file", "registry"};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (*text_at(spec, kinds[i]))
			return xasprintf("%s %s", kinds[i], text_at(spec, kinds[i]));
	}
	return NULL;
}

static void read_ignored(const struct yaml *value, struct compose_service *service)
{
	/* Sorted. Source: docker/cli 27.5.1, cli/compose/types: what a stack does not take. */
	static const char *const keys[] = {"build", "cgroup_parent", "cgroupns_mode", "devices",
	    "domainname", "external_links", "ipc", "links", "mac_address", "network_mode", "pid",
	    "privileged", "restart", "security_opt", "shm_size", "userns_mode"};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (yaml_get(value, keys[i]))
			add_text(&service->ignored, &service->ignored_count, keys[i]);
	}
}

/* With the keys below it: "x-a", then "x-a" and "b" with a line's end between. */
static void add_extension(
    const char *path, const struct yaml *value, struct compose_service *service)
{
	const char *kind = value->kind == YAML_SEQUENCE	 ? "list"
			   : value->kind == YAML_MAPPING ? "mapping"
			   : yaml_text(value)		 ? "text"
							 : "nothing";

	set_pair(&service->extensions, &service->extension_count, xstrdup(path), kind);
	for (size_t i = 0; value->kind == YAML_MAPPING && i < value->count; i++) {
		auto_str char *below = xasprintf("%s\n%s", path, value->keys[i]);

		add_extension(below, value->items[i], service);
	}
}

static void read_extensions(const struct yaml *value, struct compose_service *service)
{
	for (size_t i = 0; i < value->count; i++) {
		if (text_starts(value->keys[i], "x-"))
			add_extension(value->keys[i], value->items[i], service);
	}
}

static int read_service(const struct compose_source *source, const char *name,
    const struct yaml *value, struct compose_service *service)
{
	*service = (struct compose_service){
	    .name = xstrdup(name),
	    .file = xstrdup(source->file),
	    .line = value->key_line,
	    .image = text_or_null(value, "image"),
	    .log_driver = text_or_null(yaml_get(value, "logging"), "driver"),
	    .credential_spec = read_credential_spec(yaml_get(value, "credential_spec")),
	};
	read_ignored(value, service);
	read_extensions(value, service);
	read_healthcheck(yaml_get(value, "healthcheck"), service);
	read_texts(yaml_get(value, "env_file"), &service->env_files, &service->env_file_count);
	read_texts(yaml_get(value, "cap_add"), &service->cap_add, &service->cap_add_count);
	read_references(yaml_get(value, "secrets"), &service->secrets, &service->secret_count);
	read_references(yaml_get(value, "configs"), &service->configs, &service->config_count);
	read_networks(yaml_get(value, "networks"), service);
	if (read_deploy(source, yaml_get(value, "deploy"), service) < 0 ||
	    read_mounts(source, yaml_get(value, "volumes"), service) < 0)
		return -1;
	return read_ports(source, yaml_get(value, "ports"), service);
}

/* --- secrets, configs, volumes, networks --- */

/* "external: true", or the old "external: {name: x}". */
static int read_external(const struct compose_source *source, const struct yaml *value,
    const char *what, struct compose_named *named)
{
	const struct yaml *external = yaml_get(value, "external");
	bool is_mapping = external && external->kind == YAML_MAPPING;

	named->is_external = is_mapping || is_true_at(value, "external");
	if (!is_mapping || !*text_at(external, "name"))
		return 0;
	if (*text_at(value, "name"))
		return compose_fail(source, external,
		    "%s %.60s has a name and external.name: keep the first", what, named->key);
	free(named->name);
	named->name = xstrdup(text_at(external, "name"));
	return 0;
}

/* What docker takes for a contradiction. */
static int check_named(const struct compose_source *source, const struct yaml *value,
    const char *what, const struct compose_named *named)
{
	static const char *const keys[] = {"driver", "driver_opts", "labels"};

	if (!named->is_external && *named->driver && named->source_file)
		return compose_fail(source, value,
		    "%s %.60s has a driver and a file: only one can be", what, named->key);
	for (size_t i = 0; named->is_external && text_is(what, "volume") && i < COUNT_OF(keys);
	     i++) {
		const struct yaml *given = yaml_get(value, keys[i]);

		if (given && (given->count || *text_at(value, keys[i])))
			return compose_fail(source, given,
			    "volume %.60s is external: its %s cannot be set here", named->key,
			    keys[i]);
	}
	return 0;
}

static int read_named(const struct compose_source *source, const char *key,
    const struct yaml *value, const char *what, struct compose_named *named)
{
	*named = (struct compose_named){
	    .key = xstrdup(key),
	    .name = text_or_null(value, "name"),
	    .driver = xstrdup(text_at(value, "driver")),
	    .template_driver = xstrdup(text_at(value, "template_driver")),
	    .source_file = text_or_null(value, "file"),
	};
	read_pairs(yaml_get(value, "driver_opts"), &named->driver_opts, &named->driver_opt_count);
	if (read_external(source, value, what, named) < 0)
		return -1;
	return check_named(source, value, what, named);
}

static int read_section(const struct compose_source *source, const struct yaml *section,
    const char *what, struct compose_named **list, size_t *count)
{
	*list = room_for(section, sizeof(**list));
	for (size_t i = 0; section && i < section->count; i++) {
		if (read_named(source, section->keys[i], section->items[i], what,
			&(*list)[(*count)++]) < 0)
			return -1;
	}
	return 0;
}

static int read_services(
    const struct compose_source *source, const struct yaml *services, struct compose_model *model)
{
	model->services = room_for(services, sizeof(*model->services));
	for (size_t i = 0; services && i < services->count; i++) {
		if (read_service(source, services->keys[i], services->items[i],
			&model->services[model->service_count++]) < 0)
			return -1;
	}
	return 0;
}

int compose_read(
    const struct compose_source *source, const struct yaml *tree, struct compose_model *out)
{
	AUTO(compose_model) model = {0};

	if (read_services(source, yaml_get(tree, "services"), &model) < 0 ||
	    read_section(source, yaml_get(tree, "secrets"), "secret", &model.secrets,
		&model.secret_count) < 0 ||
	    read_section(source, yaml_get(tree, "configs"), "config", &model.configs,
		&model.config_count) < 0 ||
	    read_section(source, yaml_get(tree, "volumes"), "volume", &model.volumes,
		&model.volume_count) < 0 ||
	    read_section(source, yaml_get(tree, "networks"), "network", &model.networks,
		&model.network_count) < 0)
		return -1;
	*out = model;
	model = (struct compose_model){0};
	return 0;
}
