/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/slot.h"

#include "common/clock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SLOT_TEXT_MAX_BYTES 1024

static int open_lock_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
}

/* --- the queue --- */

static bool is_linked(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

int slot_queue(const char *state_dir, const char *run_id, struct slot *out, struct err *err)
{
	AUTO(slot) slot = {.dir = xasprintf("%s/slots", state_dir), .ticket_fd = -1};
	auto_str char *waiting = xasprintf("%s/waiting", slot.dir);

	if (file_make_dirs(waiting, 0700, err) < 0)
		return -1;
	slot.ticket = xasprintf("%020lld-%s", (long long)clock_now(), run_id);
	auto_str char *path = xasprintf("%s/%s", waiting, slot.ticket);
	/* Between open and flock somebody may take it for a dead one's and unlink it. */
	do {
		close_fd(&slot.ticket_fd);
		slot.ticket_fd = open_lock_file(path);
		if (slot.ticket_fd < 0 || flock(slot.ticket_fd, LOCK_EX) < 0)
			return err_sys(err, errno, "queue at %s", path);
	} while (!is_linked(slot.ticket_fd));
	*out = slot;
	slot = (struct slot){0};
	return 0;
}

/* True: its owner lives. A dead one's ticket is removed. */
static bool ticket_is_live(int waiting_fd, const char *name)
{
	auto_fd int fd = openat(waiting_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)unlinkat(waiting_fd, name, 0);
	return false;
}

static int count_ahead(const struct slot *slot, unsigned *out_count, struct err *err)
{
	auto_str char *path = xasprintf("%s/waiting", slot->dir);
	auto_dir DIR *dir = opendir(path);

	if (!dir)
		return err_sys(err, errno, "look at the queue in %s", path);
	*out_count = 0;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, slot->ticket) < 0 &&
		    ticket_is_live(dirfd(dir), entry->d_name))
			(*out_count)++;
	return 0;
}

static void drop_ticket(struct slot *slot)
{
	if (slot->ticket_fd >= 0) {
		auto_str char *path = xasprintf("%s/waiting/%s", slot->dir, slot->ticket);

		(void)unlink(path); /* one that stays is seen to be dead by the next look */
	}
	close_fd(&slot->ticket_fd);
	free(slot->ticket);
	slot->ticket = NULL;
}

/* --- the slots --- */

static void add_holder(struct buf *holders, const char *path)
{
	AUTO(buf) text = {0};
	struct err ignored;
	char elapsed[CLOCK_DURATION_SIZE];
	int64_t since_s = 0;

	if (file_read(path, SLOT_TEXT_MAX_BYTES, &text, &ignored) < 0)
		return;
	const char *newline = strchr(buf_text(&text), '\n');
	if (!newline || !parse_int64(newline + 1, 0, INT64_MAX / 2000, &since_s))
		return;
	clock_format_duration((clock_wall_s() - since_s) * 1000, elapsed);
	(void)buf_printf(holders, "%s%.*s holds it, for %s", holders->length ? "; " : "",
	    (int)(newline - buf_text(&text)), buf_text(&text), elapsed);
}

static void sign(int fd, const char *name)
{
	auto_str char *text = xasprintf("%s\n%lld", name, (long long)clock_wall_s());

	/* For people only: a full disk must not cost the slot. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

static void let_go(struct slot *slot)
{
	while (slot->count)
		close_fd(&slot->fds[--slot->count]);
}

/* Takes slots until there are enough; holders says who has the others. */
static int take_free_ones(
    struct slot *slot, int64_t max_tests, int64_t wanted, struct buf *holders, struct err *err)
{
	for (int64_t n = 1; n <= max_tests && (int64_t)slot->count < wanted; n++) {
		auto_str char *path = xasprintf("%s/%lld", slot->dir, (long long)n);
		auto_fd int fd = open_lock_file(path);

		if (fd < 0)
			return err_sys(err, errno, "open slot %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			slot->fds[slot->count++] = take_fd(&fd);
		else if (errno == EWOULDBLOCK)
			add_holder(holders, path);
		else
			return err_sys(err, errno, "lock slot %s", path);
	}
	return 0;
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

int slot_try(struct slot *slot, const struct slot_want *want, bool *out_has_got,
    struct buf *holders, struct err *err)
{
	int64_t max_tests = within(want->max_tests, 1, SLOT_COUNT_MAX);
	int64_t wanted = within(want->weight, 1, max_tests);
	unsigned ahead = 0;

	assert(slot->ticket);
	if (count_ahead(slot, &ahead, err) < 0)
		return -1;
	*out_has_got = false;
	if (ahead) {
		(void)buf_printf(holders, "%u waiting before this one", ahead);
		return 0;
	}
	int result = take_free_ones(slot, max_tests, wanted, holders, err);
	/* All or none: two that each hold a part would wait for each other. */
	if (result < 0 || (int64_t)slot->count < wanted) {
		let_go(slot);
		return result;
	}
	for (size_t i = 0; i < slot->count; i++)
		sign(slot->fds[i], want->name);
	drop_ticket(slot);
	*out_has_got = true;
	return 0;
}

void slot_close(struct slot *slot)
{
	if (!slot->dir) /* the zero value: nothing is open */
		return;
	let_go(slot);
	close_fd(&slot->ticket_fd);
	free(slot->ticket);
	free(slot->dir);
	*slot = (struct slot){0};
}

void slot_release(struct slot *slot)
{
	for (size_t i = 0; i < slot->count; i++)
		(void)!ftruncate(slot->fds[i], 0);
	if (slot->ticket)
		drop_ticket(slot);
	slot_close(slot);
}
