/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_merge.h"

#include "runner-plugin/recipe/compose_read.h"

/* --- lists --- */

typedef int order_fn(const void *a, const void *b);
typedef void release_fn(void *item);

struct list {
	char *items; /* count of them, each of size bytes */
	size_t count;
	size_t size;
};

/* Of those of one order the last one stays, in its place among the others. */
static void keep_last(struct list *list, order_fn *order, release_fn *release)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		char *item = list->items + i * list->size;
		bool is_beaten = false;

		for (size_t k = i + 1; k < list->count && !is_beaten; k++)
			is_beaten = order(item, list->items + k * list->size) == 0;
		if (is_beaten) {
			release(item);
			continue;
		}
		memmove(list->items + kept * list->size, item, list->size);
		kept++;
	}
	list->count = kept;
}

/* Takes over the later items, and the memory of the earlier ones. */
static void *add_list(
    void *take_items, size_t *count, const void *later, size_t *later_count, size_t size)
{
	char *items = take_items;

	if (!*later_count)
		return items;
	items = xrealloc_array(items, *count + *later_count, size);
	memcpy(items + *count * size, later, *later_count * size);
	*count += *later_count;
	*later_count = 0;
	return items;
}

static void *merge_list(void *take_items, size_t *count, const void *later, size_t *later_count,
    size_t size, order_fn *order, release_fn *release)
{
	struct list list = {.size = size};
	bool was_named = take_items != NULL;

	list.items = add_list(take_items, count, later, later_count, size);
	if (!was_named) /* docker takes over the later list as it is */
		return list.items;
	list.count = *count;
	keep_last(&list, order, release);
	*count = list.count;
	if (list.count)
		qsort(list.items, list.count, size, order);
	return list.items;
}

/* The later ones behind the earlier ones; of those of one order the last. */
#define ADD(into, later, list, number)                                                             \
	((into)->list = add_list((into)->list, &(into)->number, (later)->list, &(later)->number,   \
	     sizeof(*(into)->list)))
#define MERGE(into, later, list, number, order, release)                                           \
	((into)->list = merge_list((into)->list, &(into)->number, (later)->list, &(later)->number, \
	     sizeof(*(into)->list), order, release))

/* --- what is the same, what comes first --- */

static int order_mounts(const void *a, const void *b)
{
	const struct compose_mount *left = a;
	const struct compose_mount *right = b;

	return strcmp(left->target, right->target);
}

static int order_ports(const void *a, const void *b)
{
	const struct compose_port *left = a;
	const struct compose_port *right = b;

	return (left->published > right->published) - (left->published < right->published);
}

static int order_references(const void *a, const void *b)
{
	const struct compose_reference *left = a;
	const struct compose_reference *right = b;

	return strcmp(left->source, right->source);
}

static int order_pairs(const void *a, const void *b)
{
	const struct compose_pair *left = a;
	const struct compose_pair *right = b;

	return strcmp(left->key, right->key);
}

static int order_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int order_named(const void *a, const void *b)
{
	const struct compose_named *left = a;
	const struct compose_named *right = b;

	return strcmp(left->key, right->key);
}

static int order_services(const void *a, const void *b)
{
	const struct compose_service *left = a;
	const struct compose_service *right = b;

	return strcmp(left->name, right->name);
}

/* --- what an item holds --- */

static void drop_mount(void *item)
{
	compose_mount_release(item);
}

static void drop_port(void *item)
{
	compose_port_release(item);
}

static void drop_reference(void *item)
{
	compose_reference_release(item);
}

static void drop_pair(void *item)
{
	compose_pair_release(item);
}

static void drop_named(void *item)
{
	compose_named_release(item);
}

static void drop_text(void *item)
{
	free(*(char **)item);
}

/* --- a service --- */

static void take_text(char **into, char **later)
{
	if (!*later || !**later)
		return;
	free(*into);
	*into = take_ptr(*later);
}

/* The later words stand behind the earlier ones: the first of all decides. */
static void merge_healthcheck(struct compose_service *into, struct compose_service *later)
{
	if (!into->check)
		into->check = take_ptr(later->check);
	into->check_words += later->check_words;
	into->is_check_disabled = into->is_check_disabled || later->is_check_disabled;
}

static void merge_lists(struct compose_service *into, struct compose_service *later)
{
	MERGE(into, later, mounts, mount_count, order_mounts, drop_mount);
	MERGE(into, later, ports, port_count, order_ports, drop_port);
	MERGE(into, later, secrets, secret_count, order_references, drop_reference);
	MERGE(into, later, configs, config_count, order_references, drop_reference);
	MERGE(into, later, deploy_labels, deploy_label_count, order_pairs, drop_pair);
	MERGE(into, later, networks, network_count, order_texts, drop_text);
	MERGE(into, later, ignored, ignored_count, order_texts, drop_text);
	MERGE(into, later, extensions, extension_count, order_pairs, drop_pair);
	ADD(into, later, env_files, env_file_count);
	ADD(into, later, cap_add, cap_add_count);
	ADD(into, later, constraints, constraint_count);
}

static void merge_service(struct compose_service *into, struct compose_service *later)
{
	take_text(&into->image, &later->image);
	take_text(&into->mode_word, &later->mode_word);
	take_text(&into->restart, &later->restart);
	take_text(&into->log_driver, &later->log_driver);
	take_text(&into->credential_spec, &later->credential_spec);
	take_text(&into->update_order, &later->update_order);
	take_text(&into->cpu_limit, &later->cpu_limit);
	take_text(&into->cpu_reservation, &later->cpu_reservation);
	if (later->replicas != COMPOSE_NO_REPLICAS)
		into->replicas = later->replicas;
	if (later->memory_limit)
		into->memory_limit = later->memory_limit;
	if (later->memory_reservation)
		into->memory_reservation = later->memory_reservation;
	into->names_replicas = into->names_replicas || later->names_replicas;
	into->names_networks = into->names_networks || later->names_networks;
	merge_healthcheck(into, later);
	merge_lists(into, later);
}

static struct compose_service *find_service(struct compose_model *model, const char *name)
{
	for (size_t i = 0; i < model->service_count; i++) {
		if (text_is(model->services[i].name, name))
			return &model->services[i];
	}
	return NULL;
}

static const char *extension_of(const struct compose_service *service, const char *path)
{
	for (size_t i = 0; i < service->extension_count; i++) {
		if (text_is(service->extensions[i].key, path))
			return service->extensions[i].value;
	}
	return "nothing";
}

/* docker adds lists, and finds that there is none to add to; anything else it replaces. */
static int check_extensions(
    const struct compose_service *into, const struct compose_service *later, struct err *err)
{
	for (size_t i = 0; i < later->extension_count; i++) {
		const char *path = later->extensions[i].key;
		const char *earlier = extension_of(into, path);

		if (text_is(later->extensions[i].value, "list") && !text_is(earlier, "list") &&
		    !text_is(earlier, "nothing"))
			return err_set(err, ERR_CONFIG,
			    "%.100s:%d: service %.60s has a list in %.*s, where %.100s has a %s",
			    later->file, later->line, later->name, (int)strcspn(path, "\n"), path,
			    into->file, earlier);
	}
	return 0;
}

static int merge_services(struct compose_model *into, struct compose_model *later, struct err *err)
{
	for (size_t i = 0; i < later->service_count; i++) {
		struct compose_service *service = &later->services[i];
		struct compose_service *known = find_service(into, service->name);

		if (known && check_extensions(known, service, err) < 0)
			return -1;
		if (known) {
			merge_service(known, service);
			continue;
		}
		into->services = xrealloc_array(
		    into->services, into->service_count + 1, sizeof(into->services[0]));
		into->services[into->service_count++] = *service;
		*service = (struct compose_service){0};
	}
	return 0;
}

int compose_merge(struct compose_model *into, struct compose_model *take_later, struct err *err)
{
	int result = merge_services(into, take_later, err);

	MERGE(into, take_later, secrets, secret_count, order_named, drop_named);
	MERGE(into, take_later, configs, config_count, order_named, drop_named);
	MERGE(into, take_later, volumes, volume_count, order_named, drop_named);
	MERGE(into, take_later, networks, network_count, order_named, drop_named);
	compose_model_release(take_later);
	return result;
}

/* --- what depends on all files --- */

static enum compose_mode mode_of(const char *word)
{
	if (text_is(word, "global"))
		return COMPOSE_GLOBAL;
	if (text_is(word, "replicated-job"))
		return COMPOSE_REPLICATED_JOB;
	if (text_is(word, "global-job"))
		return COMPOSE_GLOBAL_JOB;
	return COMPOSE_REPLICATED;
}

static void finish_service(struct compose_service *service)
{
	bool is_none = service->check && text_is(service->check, "NONE");

	service->has_healthcheck = service->check && !is_none && !service->is_check_disabled;
	service->disables_healthcheck = is_none || service->is_check_disabled;
	service->mode = mode_of(service->mode_word);
	service->is_start_first = text_is(service->update_order, "start-first");
	if (text_starts(service->mode_word, "global"))
		service->replicas = -1;
	else if (service->replicas == COMPOSE_NO_REPLICAS)
		service->replicas = 1;
	if (!service->names_networks) {
		service->networks = xcalloc(1, sizeof(*service->networks));
		service->networks[service->network_count++] = xstrdup("default");
	}
}

static void finish_named(struct compose_named *list, size_t count, const char *stack)
{
	for (size_t i = 0; i < count; i++) {
		if (!list[i].name)
			list[i].name = list[i].is_external && *list[i].key
					   ? xstrdup(list[i].key)
					   : xasprintf("%s_%s", stack, list[i].key);
	}
	if (count)
		qsort(list, count, sizeof(*list), order_named);
}

void compose_finish(struct compose_model *model, const char *stack)
{
	for (size_t i = 0; i < model->service_count; i++)
		finish_service(&model->services[i]);
	if (model->service_count)
		qsort(model->services, model->service_count, sizeof(*model->services),
		    order_services);
	finish_named(model->secrets, model->secret_count, stack);
	finish_named(model->configs, model->config_count, stack);
	finish_named(model->volumes, model->volume_count, stack);
	finish_named(model->networks, model->network_count, stack);
}
