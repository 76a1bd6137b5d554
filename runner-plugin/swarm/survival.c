/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/survival.h"

#define MARKER_MAX_BYTES 256

static void release_mount(struct survival_mount *mount)
{
	free(mount->service);
	free(mount->container);
	free(mount->volume);
	free(mount->path);
	*mount = (struct survival_mount){0};
}

void survival_mounts_release(struct survival_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		release_mount(&mounts->items[i]);
	free(mounts->items);
	*mounts = (struct survival_mounts){0};
}

void survival_marks_release(struct survival_marks *marks)
{
	survival_mounts_release(&marks->mounts);
	free(take_ptr(marks->marker));
}

void survival_losses_release(struct survival_losses *losses)
{
	for (size_t i = 0; i < losses->count; i++) {
		free(losses->items[i].service);
		free(losses->items[i].volume);
		free(losses->items[i].path);
	}
	free(losses->items);
	*losses = (struct survival_losses){0};
}

/* --- mounts as the engine lists them --- */

bool survival_is_unnamed(const char *name)
{
	return name && strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool is_listed(
    const struct survival_mounts *mounts, const char *service, const char *volume, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct survival_mount *mount = &mounts->items[i];

		if (text_is(mount->service, service) && text_is(mount->volume, volume) &&
		    text_is(mount->path, path))
			return true;
	}
	return false;
}

/* The caller fills in the rest of it. */
static struct survival_mount *add_mount(
    struct survival_mounts *mounts, const char *service, const char *container, const char *volume)
{
	mounts->items = xrealloc_array(mounts->items, mounts->count + 1, sizeof(*mounts->items));
	mounts->items[mounts->count] = (struct survival_mount){
	    .service = xstrdup(service),
	    .container = xstrdup(container),
	    .volume = xstrdup(volume),
	};
	return &mounts->items[mounts->count++];
}

static void read_container(
    const char *stack, const struct json *container, struct survival_mounts *mounts)
{
	const struct json *labels = json_get(container, "Labels");
	const char *state = json_get_text(container, "State");
	const char *id = json_get_text(container, "Id");
	const char *service =
	    text_descope(stack, json_get_text(labels, "com.docker.swarm.service.name"));
	const struct json *list = json_get(container, "Mounts");

	if (!service || !id || !state || !text_is(state, "running"))
		return;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *type = json_get_text(item, "Type");
		const char *volume = text_descope(stack, json_get_text(item, "Name"));
		const char *path = json_get_text(item, "Destination");
		bool is_writable = true;

		if (!volume && survival_is_unnamed(json_get_text(item, "Name")))
			volume = "";
		if (!type || !text_is(type, "volume") || !volume || !path ||
		    is_listed(mounts, service, volume, path))
			continue;
		(void)json_get_bool(item, "RW", &is_writable);
		add_mount(mounts, service, id, volume)->path = xstrdup(path);
		mounts->items[mounts->count - 1].is_read_only = !is_writable;
	}
}

static int compare_mounts(const void *a, const void *b)
{
	const struct survival_mount *left = a;
	const struct survival_mount *right = b;
	int order = strcmp(left->volume, right->volume);

	if (!order)
		order = strcmp(left->service, right->service);
	return order ? order : strcmp(left->path, right->path);
}

int survival_mounts_read(
    const char *stack, const struct json *containers, struct survival_mounts *out, struct err *err)
{
	AUTO(survival_mounts) mounts = {0};

	if (!json_is_array(containers))
		return err_set(err, ERR_PROTOCOL, "engine: the list of containers is none");
	for (const struct json *item = json_first(containers); item; item = json_next(item))
		read_container(stack, item, &mounts);
	if (mounts.count)
		qsort(mounts.items, mounts.count, sizeof(*mounts.items), compare_mounts);
	*out = mounts;
	mounts = (struct survival_mounts){0};
	return 0;
}

static int look(
    struct engine *engine, const char *stack, struct survival_mounts *out, struct err *err)
{
	auto_str char *path = engine_stack_path("/containers/json", stack);
	AUTO_PTR(json) containers = engine_get(engine, path, err);

	if (!containers)
		return -1;
	return survival_mounts_read(stack, containers, out, err);
}

/* --- markers --- */

int survival_mark(struct engine *engine, const char *stack, const char *marker,
    struct survival_marks *out, struct err *err)
{
	AUTO(survival_mounts) mounts = {0};
	AUTO(survival_marks) marks = {.marker = xstrdup(marker)};
	AUTO(buf) content = buf_make(MARKER_MAX_BYTES);

	if (buf_add_text(&content, marker) < 0)
		return err_set(err, ERR_LIMIT, "marker: longer than %d bytes", MARKER_MAX_BYTES);
	if (look(engine, stack, &mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < mounts.count; i++) {
		const struct survival_mount *mount = &mounts.items[i];

		if (mount->is_read_only)
			continue;
		if (engine_write_file(engine, mount->container, mount->path, SURVIVAL_FILE, NULL,
			&content, err) < 0)
			return err_prefix(err, "mark volume %s at %s of service %s", mount->volume,
			    mount->path, mount->service);
		add_mount(&marks.mounts, mount->service, mount->container, mount->volume)->path =
		    xstrdup(mount->path);
	}
	*out = marks;
	marks = (struct survival_marks){0};
	return 0;
}

static bool has_service(const struct survival_mounts *mounts, const char *service)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (text_is(mounts->items[i].service, service))
			return true;
	}
	return false;
}

const struct survival_mount *survival_find(
    const struct survival_mounts *now, const struct survival_mount *marked)
{
	/* A service that was renamed may have taken its volume along to the same place. */
	bool is_renamed = !has_service(now, marked->service);

	for (size_t i = 0; i < now->count; i++) {
		const struct survival_mount *mount = &now->items[i];

		if (text_is(mount->path, marked->path) &&
		    (text_is(mount->service, marked->service) ||
			(is_renamed && text_is(mount->volume, marked->volume))))
			return mount;
	}
	return NULL;
}

void survival_explain(const struct survival_mounts *now, const struct survival_mount *marked,
    char out[SURVIVAL_REASON_SIZE])
{
	const struct survival_mount *here = survival_find(now, marked);
	const struct survival_mount *there = NULL;

	if (!*marked->volume) {
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "service %.60s keeps %.80s in a volume without a name: it is lost when its "
		    "container is made anew; name it in compose.yml",
		    marked->service, marked->path);
		return;
	}
	for (size_t i = 0; i < now->count; i++) {
		const struct survival_mount *mount = &now->items[i];
		bool is_own = text_is(mount->service, marked->service);

		if (text_is(mount->volume, marked->volume) && (!there || is_own))
			there = mount;
	}
	if (here && !*here->volume)
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: %.80s is now a volume without a name",
		    marked->volume, marked->path);
	else if (here && !text_is(here->volume, marked->volume))
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: %.80s is now volume `%.60s`", marked->volume,
		    marked->path, here->volume);
	else if (here)
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: what was in %.80s is gone", marked->volume,
		    marked->path);
	else if (there && !text_is(there->path, marked->path))
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: the mount moved from %.70s to %.70s",
		    marked->volume, marked->path, there->path);
	else if (there)
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: service %.40s no longer mounts it, but %.40s "
		    "does",
		    marked->volume, marked->service, there->service);
	else
		(void)snprintf(out, SURVIVAL_REASON_SIZE,
		    "volume `%.60s` lost its marker: it is no longer mounted (was at %.80s of "
		    "service %.40s)",
		    marked->volume, marked->path, marked->service);
}

/* 1 found, 0 not, -1 we could not find out. */
static int find_marker(
    struct engine *engine, const struct survival_mount *mount, const char *marker, struct err *err)
{
	AUTO(buf) content = {0};
	struct err why;
	auto_str char *path =
	    xasprintf("%s/%s", text_is(mount->path, "/") ? "" : mount->path, SURVIVAL_FILE);

	if (engine_read_file(
		engine, mount->container, path, MARKER_MAX_BYTES, NULL, &content, &why) == 0)
		return text_is(buf_text(&content), marker);
	if (why.code == ERR_MISSING || why.code == ERR_LIMIT)
		return 0;
	*err = why;
	return -1;
}

int survival_check(struct engine *engine, const char *stack, const struct survival_marks *marks,
    struct survival_losses *out, struct err *err)
{
	AUTO(survival_mounts) now = {0};
	AUTO(survival_losses) losses = {0};

	if (look(engine, stack, &now, err) < 0)
		return -1;
	losses.items = xcalloc(marks->mounts.count + 1, sizeof(*losses.items));
	for (size_t i = 0; i < marks->mounts.count; i++) {
		const struct survival_mount *marked = &marks->mounts.items[i];
		const struct survival_mount *here = survival_find(&now, marked);
		int found = here ? find_marker(engine, here, marks->marker, err) : 0;

		if (found < 0)
			return -1;
		if (found)
			continue;
		struct survival_loss *loss = &losses.items[losses.count++];
		loss->service = xstrdup(marked->service);
		loss->volume = xstrdup(marked->volume);
		loss->path = xstrdup(marked->path);
		survival_explain(&now, marked, loss->reason);
	}
	*out = losses;
	losses = (struct survival_losses){0};
	return 0;
}
