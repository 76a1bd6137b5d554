/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/prune.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/host/room.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/record.h"
#include "runner-plugin/swarm/image.h"

#include <errno.h>

#define MIB (INT64_C(1024) * 1024)
#define NOTE_MAX_BYTES (256 * 1024)

/* --- pure --- */

static void release_image(struct prune_image *image)
{
	for (size_t i = 0; i < image->tag_count; i++)
		free(image->tags[i]);
	free(image->tags);
}

void prune_list_release(struct prune_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		release_image(&list->items[i]);
	free(list->items);
	*list = (struct prune_list){0};
}

void prune_needed_release(struct prune_needed *needed)
{
	free(needed->ids);
	*needed = (struct prune_needed){0};
}

void prune_need(struct prune_needed *needed, const char *id)
{
	if (prune_is_needed(needed, id))
		return;
	needed->ids = xrealloc_array(needed->ids, needed->count + 1, sizeof(*needed->ids));
	copy_head(needed->ids[needed->count++], PRUNE_ID_SIZE, id);
}

bool prune_is_needed(const struct prune_needed *needed, const char *id)
{
	for (size_t i = 0; i < needed->count; i++)
		if (text_is(needed->ids[i], id))
			return true;
	return false;
}

/* "<none>:<none>" is Docker 20.10's word for no tag. */
static void read_tags(const struct json *list, struct prune_image *image)
{
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *tag = json_text(item);

		if (!tag || text_starts(tag, "<none>"))
			continue;
		image->tags =
		    xrealloc_array(image->tags, image->tag_count + 1, sizeof(*image->tags));
		image->tags[image->tag_count++] = xstrdup(tag);
	}
}

int prune_read(const struct json *answer, struct prune_list *out, struct err *err)
{
	AUTO(prune_list) list = {0};

	if (!json_is_array(answer))
		return err_set(err, ERR_PROTOCOL, "the engine's list of images is none");
	for (const struct json *item = json_first(answer); item; item = json_next(item)) {
		const char *id = json_get_text(item, "Id");
		struct prune_image image = {0};

		if (!id || !copy_text(image.id, sizeof(image.id), id))
			continue; /* what cannot be named cannot be removed */
		(void)json_get_int(item, "Size", &image.bytes);
		(void)json_get_int(item, "Created", &image.pulled_s);
		read_tags(json_get(item, "RepoTags"), &image);
		list.items = xrealloc_array(list.items, list.count + 1, sizeof(*list.items));
		list.items[list.count++] = image;
	}
	*out = list;
	list = (struct prune_list){0};
	return 0;
}

static bool has_prefix(const struct prune_image *image, const char *prefix)
{
	if (!*prefix)
		return true;
	for (size_t i = 0; i < image->tag_count; i++)
		if (!text_starts(image->tags[i], prefix))
			return false; /* all of its names go with it */
	return image->tag_count > 0;
}

static int compare_images(const void *a, const void *b)
{
	const struct prune_image *one = a;
	const struct prune_image *other = b;
	bool is_named = one->tag_count > 0;

	if (is_named != (other->tag_count > 0))
		return is_named ? 1 : -1;
	if (one->pulled_s != other->pulled_s)
		return one->pulled_s < other->pulled_s ? -1 : 1;
	return strcmp(one->id, other->id);
}

void prune_choose(struct prune_list *list, const struct prune_needed *needed, const char *prefix)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (prune_is_needed(needed, list->items[i].id) ||
		    !has_prefix(&list->items[i], prefix))
			release_image(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (kept)
		qsort(list->items, kept, sizeof(*list->items), compare_images);
}

/* --- what is needed --- */

PRINTF_LIKE(2, 3)
static void say(const struct prune *prune, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	prune->say(prune->context, text);
}

/* A name that is not on this host needs nothing. */
static int need_name(
    struct engine *engine, const char *name, struct prune_needed *needed, struct err *err)
{
	struct err why;
	AUTO_PTR(json) facts = image_inspect(engine, name, &why);
	const char *id = json_get_text(facts, "Id");

	if (id)
		prune_need(needed, id);
	if (facts || why.code == ERR_MISSING)
		return 0;
	*err = why;
	return -1;
}

/* A file of names, one a line, as prepared_note_images() writes it. */
static int need_note(
    struct engine *engine, const char *path, struct prune_needed *needed, struct err *err)
{
	AUTO(buf) text = {0};
	struct err why;

	if (file_read(path, NOTE_MAX_BYTES, &text, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	for (const char *line = buf_text(&text); *line;) {
		size_t length = strcspn(line, "\n");
		auto_str char *name = xstrndup(line, length);

		if (*name && need_name(engine, name, needed, err) < 0)
			return -1;
		line += length + (line[length] == '\n');
	}
	return 0;
}

static int need_services_and_containers(
    struct engine *engine, struct prune_needed *needed, struct err *err)
{
	AUTO_PTR(json) services = engine_get(engine, "/services", err);
	AUTO_PTR(json)
	containers = services ? engine_get(engine, "/containers/json?all=1", err) : NULL;

	if (!containers)
		return -1;
	for (const struct json *item = json_first(services); item; item = json_next(item)) {
		const char *name =
		    json_text(json_path(item, "Spec.TaskTemplate.ContainerSpec.Image"));

		if (name && need_name(engine, name, needed, err) < 0)
			return -1;
	}
	for (const struct json *item = json_first(containers); item; item = json_next(item)) {
		const char *id = json_get_text(item, "ImageID");

		if (id)
			prune_need(needed, id);
	}
	return 0;
}

/* Of runs that are not judged yet: of a dead one too, until it is reaped. */
static int need_runs(const struct settings *settings, struct engine *engine,
    struct prune_needed *needed, struct err *err)
{
	auto_str char *path = xasprintf("%s/runs", settings->state_dir);
	auto_dir DIR *dir = opendir(path);

	if (!dir && errno != ENOENT)
		return err_sys(err, errno, "look for runs in %s", path);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		auto_str char *results =
		    xasprintf("%s/%s/" RECORD_RESULTS_FILE, path, entry->d_name);
		auto_str char *note = xasprintf("%s/%s/" PREPARED_IMAGES_FILE, path, entry->d_name);

		if (entry->d_name[0] != '.' && !file_exists(results) &&
		    need_note(engine, note, needed, err) < 0)
			return -1;
	}
	return 0;
}

/* Of the newest green run of each recipe: the next upgrade begins there. */
static int need_canonicals(const struct settings *settings, struct engine *engine,
    struct prune_needed *needed, struct err *err)
{
	auto_str char *path = xasprintf("%s/" RECORD_CANONICAL_IMAGES_DIR, settings->state_dir);
	auto_dir DIR *dir = opendir(path);

	if (!dir && errno != ENOENT)
		return err_sys(err, errno, "look for green runs in %s", path);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		auto_str char *note = xasprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && need_note(engine, note, needed, err) < 0)
			return -1;
	}
	return 0;
}

static int find_needed(const struct settings *settings, struct engine *engine,
    struct prune_needed *out, struct err *err)
{
	AUTO(prune_needed) needed = {0};

	if (need_runs(settings, engine, &needed, err) < 0 ||
	    need_canonicals(settings, engine, &needed, err) < 0 ||
	    need_services_and_containers(engine, &needed, err) < 0)
		return -1;
	*out = needed;
	needed = (struct prune_needed){0};
	return 0;
}

/* --- removing --- */

/* When it last got a name on this host says more than when somebody made it. */
static void find_pulled(struct engine *engine, struct prune_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct err ignored;
		int64_t pulled_s = 0;
		AUTO_PTR(json) facts = image_inspect(engine, list->items[i].id, &ignored);
		const char *time = json_text(json_path(facts, "Metadata.LastTagTime"));

		if (time && clock_parse_rfc3339(time, &pulled_s) && pulled_s > 0)
			list->items[i].pulled_s = pulled_s;
	}
}

static int list_images(struct engine *engine, struct prune_list *out, struct err *err)
{
	AUTO_PTR(json) answer = engine_get(engine, "/images/json", err);

	if (!answer || prune_read(answer, out, err) < 0)
		return -1;
	find_pulled(engine, out);
	return 0;
}

static char *describe(const struct prune_image *image)
{
	return xasprintf("%s (%lld MiB)", image->tag_count ? image->tags[0] : image->id,
	    (long long)(image->bytes / MIB));
}

/* Name by name: by its id the engine removes none that has two. -1: it stays, and why was said. */
static int remove_image(
    const struct prune *prune, struct engine *engine, const struct prune_image *image)
{
	auto_str char *name = describe(image);
	struct err err;

	for (size_t i = 0; i < image->tag_count || (i == 0 && !image->tag_count); i++) {
		const char *what = image->tag_count ? image->tags[i] : image->id;

		if (engine_remove_image(engine, what, &err) < 0) {
			say(prune, "kept %s: %s", name, err.msg);
			return -1;
		}
	}
	say(prune, "removed %s", name);
	return 0;
}

struct work {
	const struct prune *prune;
	struct engine *engine;
	const char *root; /* of the engine's images */
	struct room room;
	size_t removed;
};

/* 1: enough is free; -1: err is filled. */
static int remove_next(struct work *work, const struct prune_image *image, struct err *err)
{
	const struct settings *settings = work->prune->settings;
	AUTO(prune_needed) needed = {0};

	if (find_needed(settings, work->engine, &needed, err) < 0)
		return -1;
	if (prune_is_needed(&needed, image->id))
		return 0;
	if (remove_image(work->prune, work->engine, image) == 0)
		work->removed++;
	if (room_look(work->root, &work->room, err) < 0)
		return -1;
	return room_is_below(&work->room, settings->prune_below) ? 0 : 1;
}

static int remove_all(struct work *work, struct err *err)
{
	const struct prune *prune = work->prune;
	int64_t before_bytes = work->room.free_bytes;
	AUTO(prune_needed) needed = {0};
	AUTO(prune_list) list = {0};

	if (find_needed(prune->settings, work->engine, &needed, err) < 0 ||
	    list_images(work->engine, &list, err) < 0)
		return -1;
	size_t all = list.count;
	prune_choose(&list, &needed, prune->prefix ? prune->prefix : "");
	say(prune, "%zu of %zu images may go, the others are needed%s", list.count, all,
	    prune->prefix ? " or have other names" : "");
	int result = 0;
	for (size_t i = 0; i < list.count && result == 0; i++) {
		auto_str char *name = describe(&list.items[i]);

		if (prune->is_dry)
			say(prune, "would remove %s", name);
		else
			result = remove_next(work, &list.items[i], err);
	}
	if (result < 0)
		return -1;
	if (!prune->is_dry)
		say(prune, "%zu images removed, %lld MiB came free", work->removed,
		    (long long)((work->room.free_bytes - before_bytes) / MIB));
	return 0;
}

static int look_at_root(struct engine *engine, char **out_root, struct err *err)
{
	AUTO_PTR(json) info = engine_get(engine, "/info", err);
	const char *root = json_get_text(info, "DockerRootDir");

	if (!info)
		return -1;
	if (!engine_is_here(engine) || !root || !file_exists(root))
		return err_set(err, ERR_CONFIG,
		    "the engine keeps its images on another host: call prune there");
	*out_root = xstrdup(root);
	return 0;
}

static int prune_here(const struct prune *prune, struct err *err)
{
	const struct settings *settings = prune->settings;
	AUTO_PTR(engine) engine = engine_open(settings, err);
	auto_str char *root = NULL;
	struct room room;

	if (!engine || look_at_root(engine, &root, err) < 0 || room_look(root, &room, err) < 0)
		return -1;
	bool is_short = room_is_below(&room, settings->prune_below);
	say(prune, "%lld %% of disk and %lld %% of inodes free at %s: %s (PRUNE_BELOW is %lld)",
	    (long long)room.disk_percent, (long long)room.inode_percent, root,
	    is_short ? "short" : "enough", (long long)settings->prune_below);
	if (!is_short)
		return 0;
	struct work work = {.prune = prune, .engine = engine, .root = root, .room = room};
	return remove_all(&work, err);
}

enum exit_code prune_run(const struct prune *prune)
{
	struct err err;

	if (prune_here(prune, &err) == 0)
		return EXIT_PASSED;
	say(prune, "%s", err.msg);
	return exit_of_err(&err);
}
