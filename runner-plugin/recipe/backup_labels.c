/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/backup_labels.h"

#include "common/nearest.h"

#define PREFIX "backupbot."
#define BACKUP PREFIX "backup"
#define VOLUMES BACKUP ".volumes."
#define VOLUME_PATH ".path"

static const char *const hook_labels[BACKUP_HOOK_COUNT] = {
    [BACKUP_HOOK_BEFORE] = BACKUP ".pre-hook",
    [BACKUP_HOOK_AFTER] = BACKUP ".post-hook",
    [BACKUP_HOOK_BEFORE_RESTORE] = PREFIX "restore.pre-hook",
    [BACKUP_HOOK_AFTER_RESTORE] = PREFIX "restore.post-hook",
};

const char *backup_hook_label(enum backup_hook hook)
{
	return hook_labels[hook];
}

bool backup_plan_has_hook(const struct backup_plan *plan, enum backup_hook hook)
{
	for (size_t i = 0; i < plan->service_count; i++) {
		if (plan->services[i].hooks[hook])
			return true;
	}
	return false;
}

static void release_paths(struct backup_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
}

static void clear_volumes(struct backup_plan *plan)
{
	for (size_t i = 0; i < plan->volume_count; i++) {
		free(plan->volumes[i].key);
		release_paths(&plan->volumes[i].paths);
	}
	plan->volume_count = 0;
}

void backup_plan_release(struct backup_plan *plan)
{
	for (size_t i = 0; i < plan->service_count; i++) {
		struct backup_service *service = &plan->services[i];

		free(service->name);
		for (int hook = 0; hook < BACKUP_HOOK_COUNT; hook++)
			free(service->hooks[hook]);
		release_paths(&service->paths);
	}
	free(plan->services);
	clear_volumes(plan);
	free(plan->volumes);
	*plan = (struct backup_plan){0};
}

/* --- one label --- */

struct label {
	const char *service;
	const char *key;
	const char *value;
};

static int fail(const struct label *label, struct err *err, const char *what)
{
	return err_set(
	    err, ERR_CONFIG, "label %.80s of service %.60s %s", label->key, label->service, what);
}

static int read_flag(const struct label *label, bool *out, struct err *err)
{
	if (!text_is(label->value, "true") && !text_is(label->value, "false") && *label->value) {
		auto_str char *what =
		    xasprintf("is \"%.40s\": neither true nor false", label->value);

		return fail(label, err, what);
	}
	*out = text_is(label->value, "true");
	return 0;
}

static bool climbs(const char *path)
{
	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");

		if (length == 2 && strncmp(at, "..", 2) == 0)
			return true;
		at += length + (at[length] == '/');
	}
	return false;
}

static int add_path(const struct label *label, const char *text, size_t length, bool is_absolute,
    struct backup_paths *paths, struct err *err)
{
	while (length && strchr(" \t", *text)) {
		text++;
		length--;
	}
	while (length > 1 && strchr(" \t/", text[length - 1]))
		length--;
	auto_str char *path = xstrndup(text, length);
	auto_str char *what = NULL;

	if (!*path)
		what = xstrdup("has an empty path");
	else if (climbs(path))
		what = xasprintf("has a path with \"..\": %.80s", path);
	else if (is_absolute && *path != '/')
		what = xasprintf("has a path that does not begin with \"/\": %.80s", path);
	else if (!is_absolute && *path == '/')
		what = xasprintf("has a path that is not relative to the volume: %.80s", path);
	if (what)
		return fail(label, err, what);
	paths->items = xrealloc_array(paths->items, paths->count + 1, sizeof(*paths->items));
	paths->items[paths->count++] = take_ptr(path);
	return 0;
}

static int read_paths(
    const struct label *label, bool is_absolute, struct backup_paths *paths, struct err *err)
{
	const char *at = label->value;

	for (;;) {
		size_t length = strcspn(at, ",");

		if (add_path(label, at, length, is_absolute, paths, err) < 0)
			return -1;
		if (!at[length])
			return 0;
		at += length + 1;
	}
}

static int read_hook(const struct label *label, char **out, struct err *err)
{
	if (!label->value[strspn(label->value, " \t\r\n")])
		return fail(label, err, "is empty: there is nothing to run");
	*out = xstrdup(label->value);
	return 0;
}

/* The guess is about the last part alone: all of them begin alike. */
static int fail_unknown(const struct label *label, struct err *err)
{
	static const char *const known[] = {"path", "pre-hook", "post-hook", "volumes", "backup"};
	const char *dot = strrchr(label->key, '.');
	const char *near = nearest_word(dot + 1, known, COUNT_OF(known));
	auto_str char *what = xasprintf("is none that a backup knows%s%s%s",
	    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");

	return fail(label, err, what);
}

/* --- volumes --- */

static bool is_mounted(const struct compose_model *model, const char *key)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		for (size_t j = 0; j < service->mount_count; j++) {
			if (service->mounts[j].type == COMPOSE_VOLUME &&
			    text_is(service->mounts[j].source, key))
				return true;
		}
	}
	return false;
}

static struct backup_volume *need_volume(struct backup_plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->volume_count; i++) {
		if (text_is(plan->volumes[i].key, key))
			return &plan->volumes[i];
	}
	plan->volumes =
	    xrealloc_array(plan->volumes, plan->volume_count + 1, sizeof(*plan->volumes));
	plan->volumes[plan->volume_count] = (struct backup_volume){.key = xstrdup(key)};
	return &plan->volumes[plan->volume_count++];
}

static int read_volume(const struct compose_model *model, const struct label *label,
    struct backup_plan *plan, struct err *err)
{
	auto_str char *key = xstrdup(label->key + strlen(VOLUMES));
	size_t length = strlen(key);
	size_t end = strlen(VOLUME_PATH);
	bool is_path = length > end && text_is(key + length - end, VOLUME_PATH);
	bool is_in = true;

	if (is_path)
		key[length - end] = '\0';
	if (!is_path && read_flag(label, &is_in, err) < 0)
		return -1;
	/* Another set of compose files may have it: who leaves one out says nothing wrong. */
	if (is_in && !is_mounted(model, key))
		return fail(label, err, "names a volume that no service mounts");
	struct backup_volume *volume = need_volume(plan, key);
	volume->is_out = volume->is_out || !is_in;
	plan->takes_volumes = plan->takes_volumes || is_in;
	return is_path ? read_paths(label, false, &volume->paths, err) : 0;
}

static int compare_volumes(const void *a, const void *b)
{
	const struct backup_volume *left = a;
	const struct backup_volume *right = b;

	return strcmp(left->key, right->key);
}

/* Those that no label names: whatever a service that takes part mounts. */
static void add_volumes(const struct compose_service *service, struct backup_plan *plan)
{
	for (size_t i = 0; i < service->mount_count; i++) {
		const struct compose_mount *mount = &service->mounts[i];

		if (mount->type == COMPOSE_VOLUME && *mount->source)
			(void)need_volume(plan, mount->source);
	}
}

/* --- services --- */

/* What backupbot.backup says; "" when it is not there. */
static const char *backup_word(const struct compose_service *service)
{
	const char *word = compose_find_label(service, BACKUP);

	return word ? word : "";
}

static int find_backed_up(
    const struct compose_model *model, struct backup_plan *plan, struct err *err)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];
		const struct label label = {service->name, BACKUP, backup_word(service)};
		bool is_true = false;

		if (read_flag(&label, &is_true, err) < 0)
			return -1;
		plan->is_backed_up = plan->is_backed_up || is_true;
	}
	return 0;
}

static int read_label(const struct compose_model *model, const struct label *label,
    struct backup_plan *plan, struct backup_service *service, struct err *err)
{
	bool ignored = false;

	for (int hook = 0; hook < BACKUP_HOOK_COUNT; hook++) {
		if (text_is(label->key, hook_labels[hook]))
			return read_hook(label, &service->hooks[hook], err);
	}
	if (text_is(label->key, BACKUP))
		return 0;
	if (text_is(label->key, PREFIX "restore"))
		return read_flag(label, &ignored, err);
	if (text_is(label->key, BACKUP ".path") || text_is(label->key, BACKUP ".paths"))
		return read_paths(label, true, &service->paths, err);
	if (text_starts(label->key, VOLUMES))
		return read_volume(model, label, plan, err);
	return fail_unknown(label, err);
}

static int read_service(const struct compose_model *model, const struct compose_service *service,
    struct backup_plan *plan, struct err *err)
{
	struct backup_service *out = &plan->services[plan->service_count++];

	*out = (struct backup_service){
	    .name = xstrdup(service->name),
	    .is_backed_up = text_is(backup_word(service), "true"),
	};
	for (size_t i = 0; i < service->deploy_label_count; i++) {
		const struct compose_pair *pair = &service->deploy_labels[i];
		const struct label label = {service->name, pair->key, pair->value};

		if (text_starts(pair->key, PREFIX) && read_label(model, &label, plan, out, err) < 0)
			return -1;
	}
	if (out->is_backed_up && !out->paths.count)
		plan->takes_volumes = true;
	return 0;
}

int backup_plan_read(const struct compose_model *model, struct backup_plan *out, struct err *err)
{
	AUTO(backup_plan)
	plan = {.services = xcalloc(model->service_count + 1, sizeof(*plan.services))};

	if (find_backed_up(model, &plan, err) < 0)
		return -1;
	for (size_t i = 0; plan.is_backed_up && i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		if (!text_is(backup_word(service), "false") &&
		    read_service(model, service, &plan, err) < 0)
			return -1;
	}
	for (size_t i = 0; plan.takes_volumes && i < model->service_count; i++) {
		if (!text_is(backup_word(&model->services[i]), "false"))
			add_volumes(&model->services[i], &plan);
	}
	if (!plan.takes_volumes)
		clear_volumes(&plan);
	if (plan.volume_count)
		qsort(plan.volumes, plan.volume_count, sizeof(*plan.volumes), compare_volumes);
	*out = plan;
	plan = (struct backup_plan){0};
	return 0;
}
