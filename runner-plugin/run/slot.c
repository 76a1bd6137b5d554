/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/slot.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/lease.h"

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
static bool ticket_is_live(const char *waiting, const char *ticket)
{
	auto_str char *path = xasprintf("%s/%s", waiting, ticket);
	auto_fd int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)unlink(path);
	return false;
}

/* In the order they came. */
static int list_tickets(const char *waiting, struct file_names *out, struct err *err)
{
	return file_list_names(waiting, out, err) < 0 ? err_prefix(err, "look at the queue") : 0;
}

static bool is_ticket(const char *name)
{
	return strchr(name, '-') != NULL;
}

/* A name is written into it with the first look that finds no slot. */
static bool has_name(const char *waiting, const char *ticket)
{
	auto_str char *path = xasprintf("%s/%s", waiting, ticket);
	struct stat status;

	return stat(path, &status) == 0 && status.st_size > 0;
}

/* A name that is not there yet is of one that came just now. */
static void read_name(const char *waiting, const char *ticket, char out[SLOT_NAME_SIZE])
{
	auto_str char *path = xasprintf("%s/%s", waiting, ticket);
	AUTO(buf) text = {0};
	struct err ignored;

	if (file_read(path, SLOT_TEXT_MAX_BYTES, &text, &ignored) < 0 || !text.length)
		(void)copy_text(out, SLOT_NAME_SIZE, strchr(ticket, '-') + 1);
	else
		copy_head(out, SLOT_NAME_SIZE, buf_text(&text));
}

static int look_ahead(const struct slot *slot, struct slot_line *line, struct err *err)
{
	auto_str char *waiting = xasprintf("%s/waiting", slot->dir);
	AUTO(file_names) tickets = {0};

	if (list_tickets(waiting, &tickets, err) < 0)
		return -1;
	for (size_t i = 0; i < tickets.count; i++) {
		const char *ticket = tickets.names[i];

		if (!is_ticket(ticket) || strcmp(ticket, slot->ticket) >= 0 ||
		    !ticket_is_live(waiting, ticket))
			continue;
		if (line->ahead_count < SLOT_AHEAD_SHOWN)
			read_name(waiting, ticket, line->ahead[line->ahead_count]);
		line->ahead_count++;
	}
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

static void add_holder(struct slot_line *line, const char *path)
{
	AUTO(buf) text = {0};
	struct err ignored;
	struct slot_holder found = {.slots = 1};

	if (file_read(path, SLOT_TEXT_MAX_BYTES, &text, &ignored) < 0)
		return;
	const char *newline = strchr(buf_text(&text), '\n');
	if (!newline || !parse_int64(newline + 1, 0, INT64_MAX / 2000, &found.since_s))
		return;
	auto_str char *name = xstrndup(buf_text(&text), (size_t)(newline - buf_text(&text)));
	copy_head(found.name, sizeof(found.name), name);
	for (size_t i = 0; i < line->holder_count; i++)
		if (text_is(line->holders[i].name, found.name)) {
			line->holders[i].slots++;
			return;
		}
	line->holders[line->holder_count++] = found;
}

/* For people only: a full disk must not cost the slot. */
static void write_whole(int fd, const char *text)
{
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

static void sign(int fd, const char *name)
{
	auto_str char *text = xasprintf("%s\n%lld", name, (long long)clock_wall_s());

	write_whole(fd, text);
}

static void let_go(struct slot *slot)
{
	while (slot->count)
		close_fd(&slot->fds[--slot->count]);
}

/* Takes slots until there are enough; line gets who has the others. */
static int take_free_ones(
    struct slot *slot, int64_t max_tests, int64_t wanted, struct slot_line *line, struct err *err)
{
	for (int64_t n = 1; n <= max_tests && (int64_t)slot->count < wanted; n++) {
		auto_str char *path = xasprintf("%s/%lld", slot->dir, (long long)n);
		auto_fd int fd = open_lock_file(path);

		if (fd < 0)
			return err_sys(err, errno, "open slot %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			slot->fds[slot->count++] = take_fd(&fd);
		else if (errno == EWOULDBLOCK)
			add_holder(line, path);
		else
			return err_sys(err, errno, "lock slot %s", path);
	}
	return 0;
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int64_t count_slots(const struct slot_want *want)
{
	return within(want->max_tests, 1, SLOT_COUNT_MAX);
}

int64_t slot_count_wanted(const struct slot_want *want)
{
	return within(want->weight, 1, count_slots(want));
}

/*
 * One looks at a time: a lock that is taken only to see whether it is free must not look held to
 * somebody else. Held for no longer than that.
 */
static int take_turn(const char *dir, struct err *err)
{
	auto_str char *path = xasprintf("%s/turn", dir);

	return lease_lock(path, err);
}

int slot_try(struct slot *slot, const struct slot_want *want, bool *out_has_got,
    struct slot_line *line, struct err *err)
{
	int64_t wanted = slot_count_wanted(want);
	struct slot_line found = {0};

	assert(slot->ticket);
	auto_fd int turn = take_turn(slot->dir, err);
	if (turn < 0 || look_ahead(slot, &found, err) < 0)
		return -1;
	int result = take_free_ones(slot, count_slots(want), wanted, &found, err);
	/* All or none: two that each hold a part would wait for each other. */
	if (result < 0 || found.ahead_count || (int64_t)slot->count < wanted) {
		let_go(slot);
		write_whole(slot->ticket_fd, want->name);
		*line = found;
		*out_has_got = false;
		return result;
	}
	for (size_t i = 0; i < slot->count; i++)
		sign(slot->fds[i], want->name);
	drop_ticket(slot);
	*out_has_got = true;
	return 0;
}

int slot_is_wanted(const char *state_dir, bool *out_is_wanted, struct err *err)
{
	auto_str char *slots = xasprintf("%s/slots", state_dir);
	auto_str char *waiting = xasprintf("%s/waiting", slots);
	auto_fd int turn = take_turn(slots, err);
	AUTO(file_names) tickets = {0};
	bool is_wanted = false;

	if (turn < 0 || list_tickets(waiting, &tickets, err) < 0)
		return -1;
	for (size_t i = 0; i < tickets.count && !is_wanted; i++)
		is_wanted = is_ticket(tickets.names[i]) && has_name(waiting, tickets.names[i]) &&
			    ticket_is_live(waiting, tickets.names[i]);
	*out_is_wanted = is_wanted;
	return 0;
}

/* --- for people --- */

static const char *ordinal_ending(size_t number)
{
	static const char *const endings[] = {"th", "st", "nd", "rd"};
	size_t last = number % 10;

	return number % 100 / 10 == 1 || last > 3 ? "th" : endings[last];
}

static void print_holder(const struct slot_holder *holder, int64_t now_s, struct buf *out)
{
	char elapsed[CLOCK_DURATION_SIZE];

	clock_format_duration((now_s - holder->since_s) * 1000, elapsed);
	(void)buf_printf(out, "%s has ", holder->name);
	if (holder->slots == 1)
		(void)buf_add_text(out, "one");
	else
		(void)buf_printf(out, "%lld", (long long)holder->slots);
	(void)buf_printf(out, ", for %s; ", elapsed);
}

void slot_line_print(
    const struct slot_line *line, const struct slot_want *want, int64_t now_s, struct buf *out)
{
	size_t shown = line->ahead_count < SLOT_AHEAD_SHOWN ? line->ahead_count : SLOT_AHEAD_SHOWN;

	(void)buf_add_text(out, "waiting for ");
	if (slot_count_wanted(want) == 1)
		(void)buf_add_text(out, "a slot: ");
	else
		(void)buf_printf(out, "%lld of %lld slots: ", (long long)slot_count_wanted(want),
		    (long long)count_slots(want));
	for (size_t i = 0; i < line->holder_count; i++)
		print_holder(&line->holders[i], now_s, out);
	for (size_t i = 0; i < shown; i++)
		(void)buf_printf(out, "%s%s", i ? ", " : "then ", line->ahead[i]);
	if (line->ahead_count > shown)
		(void)buf_printf(out, " and %zu more", line->ahead_count - shown);
	(void)buf_printf(out, "%s%zu%s in line", shown ? "; " : "", line->ahead_count + 1,
	    ordinal_ending(line->ahead_count + 1));
}

/* --- the end --- */

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
