/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/history.h"

#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>

void history_release(struct history *history)
{
	free(history->runs);
	*history = (struct history){0};
}

void history_add(struct history *history, const char *id, int64_t judged_s, int64_t bytes)
{
	struct history_run run = {.judged_s = judged_s, .bytes = bytes};

	(void)copy_text(run.id, sizeof(run.id), id);
	history->runs = xrealloc_array(history->runs, history->count + 1, sizeof(*history->runs));
	history->runs[history->count++] = run;
}

static int compare_runs(const void *a, const void *b)
{
	const struct history_run *one = a;
	const struct history_run *other = b;

	if (one->judged_s != other->judged_s)
		return one->judged_s > other->judged_s ? -1 : 1;
	return strcmp(one->id, other->id);
}

void history_choose(struct history *history, const struct history_bounds *bounds)
{
	int64_t bytes = 0;
	bool is_full = false;

	if (history->count)
		qsort(history->runs, history->count, sizeof(*history->runs), compare_runs);
	for (size_t i = 0; i < history->count; i++) {
		struct history_run *run = &history->runs[i];

		bytes += run->bytes;
		is_full = is_full || (int64_t)i >= bounds->most_runs || bytes > bounds->most_bytes;
		run->is_too_much = is_full && bounds->now_s - run->judged_s > HISTORY_GRACE_S;
	}
}

static int64_t measure_at(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat status;
	int64_t bytes = 0;

	if (fd >= 0 && !dir)
		(void)close(fd);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		if (text_is(entry->d_name, ".") || text_is(entry->d_name, "..") ||
		    fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		/* Never deeper than a run's own tree: a link is not followed. */
		bytes += S_ISDIR(status.st_mode) ? measure_at(dirfd(dir), entry->d_name)
						 : (int64_t)status.st_size;
	}
	return bytes;
}

int64_t history_measure(const char *dir)
{
	return measure_at(AT_FDCWD, dir);
}
