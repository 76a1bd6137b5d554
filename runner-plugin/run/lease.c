/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/lease.h"

#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#define RETRY_MS 20

static int lock(int fd, int operation)
{
	int result;

	do
		result = flock(fd, operation);
	while (result < 0 && errno == EINTR);
	return result;
}

void lease_sign(int fd)
{
	char text[32];

	/* For people only: a full disk must not cost the lock. */
	if (!format_text(text, sizeof(text), "%ld\n", (long)getpid()) || ftruncate(fd, 0) < 0 ||
	    pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

int lease_take(const char *run_dir, struct err *err)
{
	auto_str char *path = xasprintf("%s/lease", run_dir);
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_MISSING, "open %s: no such run", path);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	if (lock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, ERR_TRANSIENT, "lock %s: it is held", path);
		return err_sys(err, errno, "lock %s", path);
	}
	return take_fd(&fd);
}

bool lease_is_held(const char *run_dir)
{
	auto_str char *path = xasprintf("%s/lease", run_dir);
	auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && lock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int lease_wait(const char *run_dir, int64_t deadline_ns, struct err *err)
{
	for (;;) {
		int fd = lease_take(run_dir, err);

		if (fd >= 0 || err->code != ERR_TRANSIENT || clock_now() >= deadline_ns)
			return fd;
		(void)poll(NULL, 0, RETRY_MS);
	}
}

int lease_lock(const char *path, struct err *err)
{
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0 || lock(fd, LOCK_EX) < 0)
		return err_sys(err, errno, "lock %s", path);
	return take_fd(&fd);
}

int lease_lock_births(const char *state_dir, struct err *err)
{
	auto_str char *path = xasprintf("%s/runs.lock", state_dir);

	if (file_make_dirs(state_dir, 0700, err) < 0)
		return -1;
	return lease_lock(path, err);
}
