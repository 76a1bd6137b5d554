/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slots: at most MAX_TESTS of them are in use on a host, whatever starts runs. A run takes as many
 * as its suite weighs, all at once, first come first served.
 *
 *   slot_queue(state_dir, run_id, &slot, err);
 *   while (slot_try(&slot, &want, &has_got, &holders, err) == 0 && !has_got) ... tell, sleep
 *   slot_release(&slot);
 *
 * STATE_DIR/slots/<n> is flock()ed by who has it and names the run for people;
 * STATE_DIR/slots/waiting/<when>-<run> is flock()ed by who waits. Death gives both back.
 */
#ifndef CCCI_SLOT_H
#define CCCI_SLOT_H

#include "common/buf.h"
#include "common/err.h"

#define SLOT_COUNT_MAX 64

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
/*
 * One try, without waiting. When *out_has_got is false, holders says who has the slots:
 * "custom-html #3 (run 41-9f2c1a) holds it, for 2 min 3 s".
 */
int slot_try(struct slot *slot, const struct slot_want *want, bool *out_has_got,
    struct buf *holders, struct err *err) CHECKED;
void slot_release(struct slot *slot);
/* In a child: lets go of the descriptors only. */
void slot_close(struct slot *slot);
DEFINE_AUTO(slot, slot_release);

#endif
