/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An app that several runs of a host use at once, where its operator lets them (SHARED_NEEDS): a
 * run of its own, "shared-9f2c1a", whose keeper brings it up for the first that asks and takes it
 * down once nobody has used it for SHARED_IDLE.
 *
 *   shared_key(recipe, commit, suite_hash, key);     another version or suite is another app
 *   shared_join(&shared, run_id);                    its keeper, when a run asks for it
 *   switch (shared_ask(&shared)) ...
 *   shared_sweep(&shared, is_alive, context, clock_now());
 *   if (shared_is_over(&shared, idle_ms, clock_now())) ...
 *
 * Who uses it is a run whose lease is held: whatever a run dies of, the kernel lets go of that. One
 * that was found bad is given to nobody any more, and goes when its last user has gone: what that
 * one has in it is not ours to take.
 */
#ifndef CCCI_SHARED_H
#define CCCI_SHARED_H

#include "common/file.h"
#include "runner-plugin/run/run.h"

#define SHARED_USERS_MAX 128
#define SHARED_USERS_FILE "users" /* in its run directory: their ids, a line each, for people */

enum shared_state {
	SHARED_NEW,	  /* nobody has asked yet */
	SHARED_RISING,	  /* it is prepared and deployed */
	SHARED_UP,	  /* as it was when somebody looked last */
	SHARED_LOOKING,	  /* somebody asked: is it still well? */
	SHARED_WITHDRAWN, /* it is given to nobody any more */
};

struct shared {
	enum shared_state state;
	char users[SHARED_USERS_MAX][RUN_ID_SIZE];
	size_t user_count;
	int64_t unused_since_ns;
};

/* What is done for a run that asks. */
enum shared_answer { SHARED_START, SHARED_LOOK, SHARED_WAIT, SHARED_REFUSE };

/* --- pure --- */

/* Names a version of an app with a suite, for a file's name. */
#define SHARED_KEY_SIZE 33
void shared_key(
    const char *recipe, const char *commit, const char *suite_hash, char out[SHARED_KEY_SIZE]);
/* False: there are too many. */
bool shared_join(struct shared *shared, const char *run_id);
/* The state follows from the answer: SHARED_START rises, SHARED_LOOK looks. */
enum shared_answer shared_ask(struct shared *shared);
/* What was begun has ended. */
void shared_settle(struct shared *shared, bool is_well, int64_t now_ns);
void shared_withdraw(struct shared *shared);
/* Users that are no more go. True: some did. */
bool shared_sweep(struct shared *shared, bool (*is_alive)(void *context, const char *run_id),
    void *context, int64_t now_ns);
/* Whether it may go: nobody uses it, and long enough or for good. */
bool shared_is_over(const struct shared *shared, int64_t idle_ms, int64_t now_ns);
/* A run of this kind, by its id. */
bool shared_is_id(const char *run_id);

/* --- on the host; STATE_DIR/shared/<key> is a link to the run that is the app for now --- */

/* Whoever changes or follows a link holds lease_lock_births(). "": there is none that lives. */
int shared_find(const struct settings *settings, const char *key, char out_id[RUN_ID_SIZE],
    struct err *err) CHECKED;
int shared_name(
    const struct settings *settings, const char *key, const char *run_id, struct err *err) CHECKED;
int shared_note_users(const struct run *run, const struct shared *shared, struct err *err) CHECKED;

#endif
