/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/stash.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HOOK_OUTPUT_MAX_BYTES (1024 * 1024)
#define MARKER_MAX_BYTES 256
#define KEEP_FREE_BYTES (UINT64_C(512) * 1024 * 1024) /* of the host's disk, for everybody else */
#define GZIP_HEAD_0 0x1f
#define GZIP_HEAD_1 0x8b
#define COPY_BYTES (64 * 1024)

/* Nobody's in an image: a restore that makes everything root's is seen. All may read it. */
static const struct engine_facts mark_facts = {.mode = 0664, .uid = 1001, .gid = 1002};

void stash_items_release(struct stash_items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		struct stash_item *item = &items->items[i];

		free(item->name);
		free(item->service);
		free(item->container);
		free(item->path);
		free(item->why_not);
		close_fd(&item->archive_fd);
	}
	free(items->items);
	for (size_t i = 0; i < items->container_count; i++) {
		free(items->containers[i].service);
		free(items->containers[i].id);
	}
	free(items->containers);
	*items = (struct stash_items){0};
}

/* --- where the pieces are --- */

static const struct stash_container *find_container(
    const struct stash_items *items, const char *service)
{
	for (size_t i = 0; i < items->container_count; i++) {
		if (text_is(items->containers[i].service, service))
			return &items->containers[i];
	}
	return NULL;
}

static void read_containers(
    const char *stack, const struct json *containers, struct stash_items *items)
{
	items->containers = xcalloc(json_count(containers) + 1, sizeof(*items->containers));
	for (const struct json *item = json_first(containers); item; item = json_next(item)) {
		const char *service = text_descope(stack,
		    json_get_text(json_get(item, "Labels"), "com.docker.swarm.service.name"));
		const char *state = json_get_text(item, "State");
		const char *id = json_get_text(item, "Id");

		if (!service || !id || !state || !text_is(state, "running") ||
		    find_container(items, service))
			continue;
		items->containers[items->container_count++] =
		    (struct stash_container){.service = xstrdup(service), .id = xstrdup(id)};
	}
}

/* The caller fills in the rest. */
static struct stash_item *add_item(struct stash_items *items, char *take_name)
{
	items->items = xrealloc_array(items->items, items->count + 1, sizeof(*items->items));
	struct stash_item *item = &items->items[items->count++];

	*item = (struct stash_item){
	    .service = xstrdup(""),
	    .container = xstrdup(""),
	    .path = xstrdup(""),
	    .archive_fd = -1,
	};
	item->name = take_name;
	return item;
}

static void set(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
}

static void add_paths(const struct backup_service *service, struct stash_items *items)
{
	const struct stash_container *container = find_container(items, service->name);

	for (size_t i = 0; service->is_backed_up && i < service->paths.count; i++) {
		const char *path = service->paths.items[i];
		struct stash_item *item =
		    add_item(items, xasprintf("%.100s of %.60s", path, service->name));

		set(&item->service, service->name);
		set(&item->path, path);
		item->is_named = true;
		if (container)
			set(&item->container, container->id);
		else
			item->why_not = xasprintf("no container of %.60s runs", service->name);
	}
}

/* One that may be written to, if there is one. */
static const struct survival_mount *choose_mount(
    const struct survival_mounts *mounts, const char *volume)
{
	const struct survival_mount *chosen = NULL;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct survival_mount *mount = &mounts->items[i];

		if (text_is(mount->volume, volume) &&
		    (!chosen || (chosen->is_read_only && !mount->is_read_only)))
			chosen = mount;
	}
	return chosen;
}

static void add_piece(const struct backup_volume *volume, const struct survival_mount *mount,
    const char *path, struct stash_items *items)
{
	auto_str char *inside =
	    !mount  ? xstrdup("")
	    : !path ? xstrdup(mount->path)
		    : xasprintf("%s/%s", text_is(mount->path, "/") ? "" : mount->path, path);
	struct stash_item *item =
	    add_item(items, !mount ? xasprintf("volume %.60s", volume->key)
				   : xasprintf("volume %.60s at %.100s of %.60s", volume->key,
					 inside, mount->service));

	item->is_named = path != NULL;
	if (!mount) {
		item->why_not = xstrdup("no container that runs mounts it");
		return;
	}
	set(&item->service, mount->service);
	set(&item->container, mount->container);
	set(&item->path, inside);
	if (mount->is_read_only)
		item->why_not = xstrdup("every container mounts it for reading alone");
}

static void add_volume(const struct backup_volume *volume, const struct survival_mounts *mounts,
    struct stash_items *items)
{
	const struct survival_mount *mount = choose_mount(mounts, volume->key);

	if (volume->is_out)
		return;
	if (!volume->paths.count)
		add_piece(volume, mount, NULL, items);
	for (size_t i = 0; i < volume->paths.count; i++)
		add_piece(volume, mount, volume->paths.items[i], items);
}

int stash_items_read(const struct backup_plan *plan, const char *stack,
    const struct json *containers, struct stash_items *out, struct err *err)
{
	AUTO(survival_mounts) mounts = {0};
	AUTO(stash_items) items = {0};

	if (survival_mounts_read(stack, containers, &mounts, err) < 0)
		return -1;
	read_containers(stack, containers, &items);
	for (size_t i = 0; i < plan->service_count; i++)
		add_paths(&plan->services[i], &items);
	for (size_t i = 0; i < plan->volume_count; i++)
		add_volume(&plan->volumes[i], &mounts, &items);
	*out = items;
	items = (struct stash_items){0};
	return 0;
}

int stash_find(struct engine *engine, const char *stack, const struct backup_plan *plan,
    struct stash_items *out, struct err *err)
{
	auto_str char *path = engine_stack_path("/containers/json", stack);
	AUTO_PTR(json) containers = engine_get(engine, path, err);

	if (!containers)
		return -1;
	return stash_items_read(plan, stack, containers, out, err);
}

int stash_find_bot(struct engine *engine, const char *label, bool *out_has_bot, struct err *err)
{
	auto_str char *text = xasprintf("{\"label\":[\"%s\"]}", label);
	auto_str char *filters = http_escape(text);
	auto_str char *path = xasprintf("/services?filters=%s", filters);

	if (text_is(label, "none")) {
		*out_has_bot = false;
		return 0;
	}
	AUTO_PTR(json) services = engine_get(engine, path, err);
	if (!services)
		return -1;
	*out_has_bot = json_count(services) > 0;
	return 0;
}

/* --- markers --- */

static char *mark_path(const struct stash_item *item)
{
	return xasprintf("%s/" STASH_MARK, text_is(item->path, "/") ? "" : item->path);
}

static int write_mark(const struct stash_access *access, const struct stash_item *item,
    const char *marker, struct err *err)
{
	AUTO(buf) content = buf_make(MARKER_MAX_BYTES);

	if (buf_add_text(&content, marker) < 0)
		return err_set(err, ERR_LIMIT, "marker: longer than %d bytes", MARKER_MAX_BYTES);
	return engine_write_file(
	    access->engine, item->container, item->path, STASH_MARK, &mark_facts, &content, err);
}

int stash_mark(const struct stash_access *access, struct stash_items *items, const char *marker,
    struct err *err)
{
	for (size_t i = 0; i < items->count; i++) {
		struct stash_item *item = &items->items[i];
		struct err why;

		if (item->why_not)
			continue;
		item->has_mark = write_mark(access, item, marker, &why) == 0;
		/* What is not there yet may come with a hook; what is a file has no room for one.
		 */
		if (!item->has_mark && why.code != ERR_MISSING &&
		    !strstr(why.msg, "not a directory")) {
			*err = why;
			return err_prefix(err, "mark %s", item->name);
		}
	}
	return 0;
}

int stash_look_for_mark(const struct stash_access *access, const struct stash_item *item,
    const char *marker, char **out_why, struct err *err)
{
	AUTO(buf) content = {0};
	struct engine_facts facts = {0};
	auto_str char *path = mark_path(item);
	struct err why;

	*out_why = NULL;
	if (engine_read_file(access->engine, item->container, path, MARKER_MAX_BYTES, &facts,
		&content, &why) < 0) {
		if (why.code != ERR_MISSING && why.code != ERR_LIMIT) {
			*err = why;
			return -1;
		}
		*out_why = xasprintf("what was in %.120s did not come back", item->path);
	} else if (!text_is(buf_text(&content), marker)) {
		*out_why = xasprintf("what is in %.120s is not what was backed up", item->path);
	} else if (facts.uid != mark_facts.uid || facts.gid != mark_facts.gid ||
		   facts.mode != mark_facts.mode) {
		*out_why = xasprintf(
		    "a file of %u:%u with mode %04o in %.120s came back as of %u:%u with %04o",
		    mark_facts.uid, mark_facts.gid, mark_facts.mode, item->path, facts.uid,
		    facts.gid, facts.mode);
	}
	return 0;
}

/* --- commands --- */

static int run(const struct stash_access *access, const char *container, const char *const *argv,
    const char *user, struct engine_exec_result *out, struct err *err)
{
	const struct engine_exec exec = {
	    .container = container,
	    .argv = argv,
	    .user = user,
	    .deadline_ns = access->deadline_ns,
	    .cancel_fd = access->cancel_fd,
	    .max_bytes = HOOK_OUTPUT_MAX_BYTES,
	};

	return engine_exec(access->engine, &exec, out, err);
}

int stash_run_hook(const struct stash_access *access, const struct stash_items *items,
    const char *service, const char *command, struct engine_exec_result *out, struct err *err)
{
	static const char script[] =
	    "if command -v bash >/dev/null 2>&1; then exec bash -o pipefail -c \"$1\"; fi\n"
	    "exec sh -c \"$1\"";
	const char *const argv[] = {"sh", "-c", script, "hook", command, NULL};
	const struct stash_container *container = find_container(items, service);

	if (!container)
		return err_set(err, ERR_MISSING, "no container of service %.60s runs", service);
	return run(access, container->id, argv, NULL, out, err);
}

/* --- archives --- */

static int open_nameless(const char *directory, struct err *err)
{
	auto_str char *path = xasprintf("%s/backup-XXXXXX", directory);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "make a file in %.120s", directory);
	if (unlink(path) < 0) {
		int why = errno;

		(void)close(fd);
		return err_sys(err, why, "take the name of %.120s away", path);
	}
	return fd;
}

/* A directory by what is in it, so that what it lies in need not be written to. */
static char *archive_path(const struct stash_item *item)
{
	return item->has_mark ? xasprintf("%s/.", item->path) : xstrdup(item->path);
}

int stash_save(const struct stash_access *access, struct stash_item *item, const char *directory,
    struct err *err)
{
	auto_str char *path = archive_path(item);
	auto_fd int fd = open_nameless(directory, err);
	struct archive_scan scan = {.ignored = STASH_MARK};

	if (fd < 0)
		return -1;
	const struct engine_tree tree = {
	    .container = item->container,
	    .path = path,
	    .fd = fd,
	    .keep_free_bytes = KEEP_FREE_BYTES,
	    .deadline_ns = access->deadline_ns,
	    .cancel_fd = access->cancel_fd,
	};
	if (engine_save_tree(access->engine, &tree, &scan, err) < 0)
		return -1;
	close_fd(&item->archive_fd);
	item->archive_fd = take_fd(&fd);
	item->scan = scan;
	return 0;
}

int stash_put_back(
    const struct stash_access *access, const struct stash_item *item, struct err *err)
{
	const char *slash = strrchr(item->path, '/');
	auto_str char *above =
	    slash == item->path ? xstrdup("/") : xstrndup(item->path, (size_t)(slash - item->path));
	const struct engine_tree tree = {
	    .container = item->container,
	    .path = item->has_mark ? item->path : above,
	    .fd = item->archive_fd,
	    .deadline_ns = access->deadline_ns,
	    .cancel_fd = access->cancel_fd,
	};

	return engine_load_tree(access->engine, &tree, err);
}

static int copy_part(int from, int64_t offset, uint64_t size, int to, struct err *err)
{
	char piece[COPY_BYTES];

	while (size) {
		ssize_t got =
		    pread(from, piece, size < sizeof(piece) ? size : sizeof(piece), offset);

		if (got <= 0)
			return err_sys(err, got < 0 ? errno : EIO, "read an archive");
		if (file_write_all(to, piece, (size_t)got) < 0)
			return err_sys(err, errno, "write a dump");
		offset += got;
		size -= (uint64_t)got;
	}
	return 0;
}

int stash_open_dump(const struct stash_item *item, const char *directory, struct err *err)
{
	auto_fd int fd = open_nameless(directory, err);

	if (fd < 0 || copy_part(item->archive_fd, (int64_t)item->scan.root_offset,
			  item->scan.root.size, fd, err) < 0)
		return -1;
	return take_fd(&fd);
}

bool stash_is_packed(const unsigned char head[2])
{
	return head[0] == GZIP_HEAD_0 && head[1] == GZIP_HEAD_1;
}

const char *stash_dump_fault(
    const struct archive_scan *scan, const unsigned char head[2], const unsigned char tail[4])
{
	bool is_file = scan->root.kind == '0';

	if (is_file ? !scan->root.size : !scan->file_bytes)
		return "is empty";
	/* The last four bytes are the length of what is in it, modulo 2^32 (RFC 1952, 2.3.1). */
	if (is_file && stash_is_packed(head) && !tail[0] && !tail[1] && !tail[2] && !tail[3])
		return "has nothing in it but gzip's frame";
	return NULL;
}

/* --- a mishap --- */

int stash_wipe(const struct stash_access *access, const struct stash_item *item, const char *marker,
    bool *out_is_gone, struct err *err)
{
	static const char inside[] = "cd \"$1\" && rm -rf -- ./* ./.[!.]* ./..?*";
	static const char itself[] = "rm -rf -- \"$1\"";
	const char *const argv[] = {
	    "sh", "-c", item->has_mark ? inside : itself, "wipe", item->path, NULL};
	AUTO(engine_exec_result) result = {0};
	AUTO(buf) ignored = {0};
	auto_str char *path = item->has_mark ? mark_path(item) : xstrdup(item->path);
	struct err why;

	/* What it says counts for nothing: what is there afterwards does. */
	if (run(access, item->container, argv, "0", &result, err) < 0)
		return -1;
	*out_is_gone = engine_read_file(access->engine, item->container, path, MARKER_MAX_BYTES,
			   NULL, &ignored, &why) < 0 &&
		       why.code == ERR_MISSING;
	if (*out_is_gone || !item->has_mark)
		return 0;
	/* An image without a shell: then at least ours says something else. */
	if (write_mark(access, item, "wiped\n", err) < 0)
		return -1;
	auto_str char *left = NULL;
	if (stash_look_for_mark(access, item, marker, &left, err) < 0)
		return -1;
	*out_is_gone = left != NULL;
	return 0;
}
