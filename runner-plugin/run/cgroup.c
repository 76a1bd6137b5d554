/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/cgroup.h"

#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#define TABLE_MAX_BYTES ((size_t)1024 * 1024)
#define NAME_PREFIX "ccci-"
#define KILL_PATIENCE_MS 10000
#define RETRY_MS 10

/* --- where: pure --- */

/* The field of that number, from 0, of a line of blank separated ones; its length. */
static const char *find_field(const char *line, size_t number, size_t *out_length)
{
	for (; number; number--) {
		line += strcspn(line, " \n");
		if (*line != ' ')
			return NULL;
		line++;
	}
	*out_length = strcspn(line, " \n");
	return line;
}

static bool has_word(const char *list, size_t length, const char *word)
{
	size_t word_length = strlen(word);

	for (const char *end = list + length; list < end;) {
		size_t item = strcspn(list, ", \n");

		if (item > (size_t)(end - list))
			item = (size_t)(end - list);
		if (item == word_length && strncmp(list, word, item) == 0)
			return true;
		list += item + 1;
	}
	return false;
}

/* The group that we are in: "0::/path" of version 2, "8:freezer:/path" of version 1. */
static char *find_own(const char *membership, const char *controller)
{
	for (const char *line = membership; *line;) {
		size_t length = strcspn(line, "\n");
		const char *list = strchr(line, ':');
		const char *path = list ? strchr(list + 1, ':') : NULL;

		if (path && path < line + length &&
		    (*controller ? has_word(list + 1, (size_t)(path - list - 1), controller)
				 : path == list + 1))
			return xstrndup(path + 1, (size_t)(line + length - path - 1));
		line += length + (line[length] == '\n');
	}
	return NULL;
}

/*
 * "31 23 0:28 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer": what is mounted
 * there begins at the path of the fourth field. An empty controller means version 2.
 */
static bool place_of_line(
    const char *line, const char *controller, const char *own, char out[CGROUP_PATH_SIZE])
{
	size_t root_length = 0;
	size_t point_length = 0;
	size_t type_length = 0;
	size_t option_length = 0;
	const char *root = find_field(line, 3, &root_length);
	const char *point = find_field(line, 4, &point_length);
	const char *dash = strstr(line, " - ");
	const char *type = dash && dash < line + strcspn(line, "\n")
			       ? find_field(dash + 1, 1, &type_length)
			       : NULL;
	const char *options = type ? find_field(dash + 1, 3, &option_length) : NULL;

	if (!root || !point || !options)
		return false;
	if (*controller ? !has_word(type, type_length, "cgroup") ||
			      !has_word(options, option_length, controller)
			: !has_word(type, type_length, "cgroup2"))
		return false;
	if (root_length == 1)
		root_length = 0;
	if (strncmp(own, root, root_length) != 0 || strstr(own, "/.."))
		return false; /* of another namespace */
	own += root_length;
	return format_text(out, CGROUP_PATH_SIZE, "%.*s%s", (int)point_length, point,
	    text_is(own, "/") ? "" : own);
}

void cgroup_find_places(const char *mountinfo, const char *membership, struct cgroup_places *out)
{
	static const char *const controllers[CGROUP_PLACES_MAX] = {"", "freezer", "pids"};
	struct cgroup_places places = {0};

	for (size_t i = 0; i < COUNT_OF(controllers); i++) {
		auto_str char *own = find_own(membership, controllers[i]);

		for (const char *line = mountinfo; own && *line;) {
			if (place_of_line(line, controllers[i], own, places.paths[places.count])) {
				places.count++;
				break;
			}
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
	*out = places;
}

/* --- making one --- */

static int look_for_places(struct cgroup_places *out, struct err *err)
{
	AUTO(buf) mountinfo = {0};
	AUTO(buf) membership = {0};

	if (file_read("/proc/self/mountinfo", TABLE_MAX_BYTES, &mountinfo, err) < 0 ||
	    file_read("/proc/self/cgroup", TABLE_MAX_BYTES, &membership, err) < 0)
		return -1;
	cgroup_find_places(buf_text(&mountinfo), buf_text(&membership), out);
	if (!out->count)
		return err_set(
		    err, ERR_DENIED, "no control groups are mounted (version 2, freezer or pids)");
	return 0;
}

static int make_one(const char *path, struct err *err)
{
	auto_str char *members = xasprintf("%s/cgroup.procs", path);

	if (mkdir(path, 0755) < 0)
		return err_set(err, ERR_DENIED, "make %s: %s", path, strerror(errno));
	if (access(members, W_OK) == 0)
		return 0;
	(void)err_set(err, ERR_DENIED, "write %s: %s", members, strerror(errno));
	(void)rmdir(path);
	return -1;
}

/* The last place's refusal is the one that is told. */
int cgroup_make(const char *run_dir, const char *run_id, struct err *err)
{
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, run_dir);
	struct cgroup_places places;

	if (look_for_places(&places, err) < 0)
		return -1;
	for (size_t i = 0; i < places.count; i++) {
		auto_str char *path = xasprintf("%s/" NAME_PREFIX "%s", places.paths[i], run_id);

		if (file_write_atomic(note, 0600, path, strlen(path), err) < 0)
			return -1;
		if (make_one(path, err) == 0)
			return 0;
	}
	(void)unlink(note);
	return -1;
}

int cgroup_try(char out[CGROUP_PATH_SIZE], struct err *err)
{
	struct cgroup_places places;

	if (look_for_places(&places, err) < 0)
		return -1;
	for (size_t i = 0; i < places.count; i++) {
		auto_str char *path =
		    xasprintf("%s/" NAME_PREFIX "try-%ld", places.paths[i], (long)getpid());

		if (make_one(path, err) < 0)
			continue;
		(void)rmdir(path);
		(void)copy_text(out, CGROUP_PATH_SIZE, places.paths[i]);
		return 0;
	}
	return -1;
}

/* --- being in it, and its end --- */

/* NULL: the run has none. */
static char *read_path(const char *run_dir)
{
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, run_dir);
	AUTO(buf) text = {0};
	struct err ignored;

	if (file_read(note, CGROUP_PATH_SIZE, &text, &ignored) < 0 ||
	    !strstr(buf_text(&text), "/" NAME_PREFIX))
		return NULL;
	return buf_take(&text);
}

static int write_member(const char *path, const char *name, const char *text)
{
	auto_str char *file = xasprintf("%s/%s", path, name);
	auto_fd int fd = open(file, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

int cgroup_enter(const char *run_dir, struct err *err)
{
	auto_str char *path = read_path(run_dir);

	if (path && write_member(path, "cgroup.procs", "0") < 0)
		return err_sys(err, errno, "enter %s", path);
	return 0;
}

/* Opened first: should the number pass to another process, the signal goes nowhere. */
static bool kill_member(const char *path, pid_t pid)
{
	auto_str char *file = xasprintf("/proc/%ld/cgroup", (long)pid);
	auto_str char *line_end = xasprintf("%s\n", strrchr(path, '/'));
	AUTO(buf) membership = {0};
	struct err ignored;

	auto_fd int pidfd = pidfd_open(pid, 0);
	return pidfd >= 0 && file_read(file, TABLE_MAX_BYTES, &membership, &ignored) == 0 &&
	       strstr(buf_text(&membership), line_end) &&
	       pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

static unsigned kill_members(const char *path, const char *members)
{
	unsigned count = 0;

	for (const char *line = members; *line;) {
		size_t length = strcspn(line, "\n");
		auto_str char *text = xstrndup(line, length);
		int64_t pid = 0;

		if (parse_int64(text, 2, INT32_MAX, &pid) && pid != getpid() &&
		    kill_member(path, (pid_t)pid))
			count++;
		line += length + (line[length] == '\n');
	}
	return count;
}

/* Each write is of one version of control groups alone; where the file is missing, nothing is. */
static unsigned kill_once(const char *path, const char *members)
{
	(void)write_member(path, "freezer.state", "FROZEN");
	unsigned count = kill_members(path, members);
	(void)write_member(path, "cgroup.kill", "1");
	(void)write_member(path, "freezer.state", "THAWED");
	return count;
}

static int empty(const char *path, unsigned *out_count, struct err *err)
{
	auto_str char *file = xasprintf("%s/cgroup.procs", path);
	int64_t deadline_ns = clock_now() + KILL_PATIENCE_MS * NS_PER_MS;

	for (;;) {
		AUTO(buf) members = {0};

		if (file_read(file, TABLE_MAX_BYTES, &members, err) < 0)
			return err->code == ERR_MISSING ? 0 : -1;
		if (!members.length)
			return 0;
		unsigned count = kill_once(path, buf_text(&members));
		*out_count = count > *out_count ? count : *out_count;
		if (clock_now() >= deadline_ns)
			return err_set(err, ERR_TIMEOUT, "a process in %s cannot be killed", path);
		(void)poll(NULL, 0, RETRY_MS);
	}
}

int cgroup_end(const char *run_dir, unsigned *out_count, struct err *err)
{
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, run_dir);
	auto_str char *path = read_path(run_dir);
	unsigned count = 0;

	if (path && empty(path, &count, err) < 0)
		return -1;
	if (path && rmdir(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove %s", path);
	(void)unlink(note);
	*out_count = count;
	return 0;
}
