/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slots: at most MAX_TESTS of them are in use on a host, whatever starts runs. A run takes as many
 * as its suite weighs, all at once, first come first served.
 *
 *   slot_queue(state_dir, run_id, &slot, err);
 *   while (slot_try(&slot, &want, &has_got, &line, err) == 0 && !has_got) ... tell, sleep
 *   slot_release(&slot);
 *
 * STATE_DIR/slots/<n> is flock()ed by who has it and names the run for people;
 * STATE_DIR/slots/waiting/<when>-<run> is flock()ed by who waits, and names the run once it has
 * tried in vain. Death gives both back. Who is first waits for all it weighs, and the others for
 * it: or light ones would pass a heavy one for ever.
 */
#ifndef CCCI_SLOT_H
#define CCCI_SLOT_H

#include "common/buf.h"
#include "common/err.h"

#define SLOT_COUNT_MAX 64
#define SLOT_NAME_SIZE 128 /* of run_describe() */
#define SLOT_AHEAD_SHOWN 4

struct slot {
	char *dir;     /* STATE_DIR/slots; owned */
	char *ticket;  /* name below waiting/; owned; NULL once slots are held */
	int ticket_fd; /* -1: none */
	int fds[SLOT_COUNT_MAX];
	size_t count; /* of slots held */
};

struct slot_want {
	int64_t max_tests;
	int64_t weight;	  /* more than max_tests: takes all */
	const char *name; /* run_describe(); written into the slot */
};

int slot_queue(
    const char *state_dir, const char *run_id, struct slot *out, struct err *err) CHECKED;
/* What a run waits for. */
struct slot_line {
	struct slot_holder {
		char name[SLOT_NAME_SIZE];
		int64_t slots, since_s; /* wall */
	} holders[SLOT_COUNT_MAX];
	size_t holder_count;
	char ahead[SLOT_AHEAD_SHOWN]
		  [SLOT_NAME_SIZE]; /* of those that came before, the next first */
	size_t ahead_count;	    /* of all of them */
};

/* One try, without waiting. line is filled when *out_has_got is false. */
int slot_try(struct slot *slot, const struct slot_want *want, bool *out_has_got,
    struct slot_line *line, struct err *err) CHECKED;
/*
 * Pure: "waiting for a slot: slow-start (run 41-9f2c1a) has one, for 3 min 2 s; then plausible #2
 * (run 42-0a1b2c); 2nd in line".
 */
void slot_line_print(
    const struct slot_line *line, const struct slot_want *want, int64_t now_s, struct buf *out);
/* Pure: how many slots it takes; fewer than it weighs where the host has fewer. */
int64_t slot_count_wanted(const struct slot_want *want);

/* Whether somebody waits who has tried in vain. */
int slot_is_wanted(const char *state_dir, bool *out_is_wanted, struct err *err) CHECKED;
void slot_release(struct slot *slot);
/* In a child: lets go of the descriptors only. */
void slot_close(struct slot *slot);
DEFINE_AUTO(slot, slot_release);

#endif
