/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/bounds.h"

#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#define ROOT "/sys/fs/cgroup"
#define UNIFIED ROOT "/cgroup.controllers" /* is there in version 2 alone */
#define REMOVE_PATIENCE_MS 2000		   /* a dead process leaves its group a little later */
#define REMOVE_EVERY_MS 5

enum limit { MEMORY, NO_SWAP, PROCESSES };

struct knob {
	const char *file;
	enum limit limit;
	bool may_be_missing; /* a kernel that does not count swap */
};

/* Where groups are made, and what bounds them there. */
static const struct tree {
	const char *path;
	bool is_unified;
	struct knob knobs[3];
} trees[] = {
    {ROOT, true,
	{{"memory.max", MEMORY, false}, {"memory.swap.max", NO_SWAP, true},
	    {"pids.max", PROCESSES, false}}},
    {ROOT "/memory", false,
	{{"memory.limit_in_bytes", MEMORY, false}, {"memory.memsw.limit_in_bytes", MEMORY, true}}},
    {ROOT "/pids", false, {{"pids.max", PROCESSES, false}}},
};

static bool is_in_use(const struct tree *tree)
{
	return tree->is_unified == file_exists(UNIFIED);
}

static char *group_path(const struct tree *tree, const char *run_id)
{
	return xasprintf("%s/ccci-sandbox-%s", tree->path, run_id);
}

static int write_knob(
    const char *group, const struct knob *knob, const struct bounds_limits *limits, struct err *err)
{
	int64_t value = knob->limit == MEMORY	   ? limits->memory_bytes
			: knob->limit == PROCESSES ? limits->processes
						   : 0;
	auto_str char *path = xasprintf("%s/%s", group, knob->file);
	auto_str char *text = xasprintf("%lld", (long long)value);
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && knob->may_be_missing)
		return 0;
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_set(err, ERR_MISSING, "set %s: %s", path, strerror(errno));
	return 0;
}

static int make_in(const struct tree *tree, const char *run_id, const struct bounds_limits *limits,
    struct bounds *bounds, struct err *err)
{
	auto_str char *group = group_path(tree, run_id);
	auto_str char *procs = xasprintf("%s/cgroup.procs", group);

	if (mkdir(group, 0755) < 0 && errno != EEXIST)
		return err_set(err, ERR_MISSING, "make %s: %s", group, strerror(errno));
	for (size_t i = 0; i < COUNT_OF(tree->knobs) && tree->knobs[i].file; i++) {
		if (write_knob(group, &tree->knobs[i], limits, err) < 0)
			return -1;
	}
	int fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_MISSING, "open %s: %s", procs, strerror(errno));
	bounds->fds[bounds->count++] = fd;
	return 0;
}

int bounds_make(
    const char *run_id, const struct bounds_limits *limits, struct bounds *out, struct err *err)
{
	AUTO(bounds) bounds = {0};

	for (size_t i = 0; i < COUNT_OF(trees); i++) {
		if (!is_in_use(&trees[i]) || make_in(&trees[i], run_id, limits, &bounds, err) == 0)
			continue;
		(void)bounds_remove(run_id);
		return -1;
	}
	*out = bounds;
	bounds = (struct bounds){0};
	return 0;
}

int bounds_join(const struct bounds *bounds)
{
	for (size_t i = 0; i < bounds->count; i++) {
		if (write(bounds->fds[i], "0", 1) < 0) /* the writer itself */
			return -1;
	}
	return 0;
}

void bounds_release(struct bounds *bounds)
{
	for (size_t i = 0; i < bounds->count; i++)
		close_fd(&bounds->fds[i]);
	*bounds = (struct bounds){0};
}

bool bounds_remove(const char *run_id)
{
	int64_t until_ns = clock_now() + REMOVE_PATIENCE_MS * NS_PER_MS;
	bool is_gone = true;

	for (size_t i = 0; i < COUNT_OF(trees); i++) {
		auto_str char *group = is_in_use(&trees[i]) ? group_path(&trees[i], run_id) : NULL;

		if (!group)
			continue;
		while (rmdir(group) < 0 && errno == EBUSY && clock_now() < until_ns)
			(void)poll(NULL, 0, REMOVE_EVERY_MS);
		is_gone = is_gone && !file_exists(group);
	}
	return is_gone;
}
