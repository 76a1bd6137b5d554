/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tending: every job that has something left to do, from the claim to the answer. Keeps those jobs
 * in memory and all of them in the store; a job that is answered leaves memory.
 *
 *   tend_take(tend, &job, &command, is_edited)     a command was heard (hear.h calls it)
 *   tend_turn(tend)                                does what is due; returns at once
 *
 * Each turn looks at what a job is and starts what that makes due. So nothing hangs on a chain of
 * callbacks: after a crash, a lost answer or a full disk the next turn sees the same job and goes
 * on. Below it, over work.h: decide.h (facts and decision), carry.h (effects, each recorded before
 * it is tried), watch.h (what becomes of a build), adopt.h and autotest.h (what no comment asks
 * for).
 */
#ifndef CCCI_BRIDGE_TEND_H
#define CCCI_BRIDGE_TEND_H

#include "bridge/hear/hear.h"
#include "bridge/parts.h"
#include "bridge/tell/reply.h"

#define TEND_JOBS_MAX 500 /* in memory; further ones wait in the store */
/* Commands have more room: those of people wait for no flood of heads that a bot pushed. */
#define TEND_COMMANDS_MAX (2 * TEND_JOBS_MAX)

struct tend;

/* Borrows the parts, which outlive it. */
struct tend *tend_new(struct parts *parts) CHECKED;
/* After gitea_free() and ci_free(): no answer may come any more. */
void tend_free(struct tend *tend);
void tend_set_hear(struct tend *tend, const struct hear *hear); /* who we are, who is enrolled */
/* Jobs that an earlier process left. */
int tend_load(struct tend *tend, struct err *err) CHECKED;

/* A hear_command: context is the tend. */
void tend_take(void *context, struct job *take_job, const struct command *command, bool is_edited);
/* A hear_pull, likewise. */
void tend_see_pull(void *context, const char *repo, int64_t pr);
/* Does what is due. The instant before which nothing further is; INT64_MAX: an answer comes first.
 */
int64_t tend_turn(struct tend *tend);

void tend_set_timeout(struct tend *tend, int64_t timeout_s); /* what the CI server really does */
/* The steps of a run that goes on, as last told; returns how many of out were filled. */
size_t tend_list_steps(
    const struct tend *tend, int64_t comment, struct reply_step *out, size_t room);
size_t tend_count(const struct tend *tend);
/* The jobs in memory, by state. */
void tend_count_states(const struct tend *tend, size_t out[JOB_STATE_COUNT]);
/* When the oldest was heard that has not begun to run; 0: none waits. */
int64_t tend_waiting_since_s(const struct tend *tend);
const struct metrics_events *tend_events(const struct tend *tend); /* borrowed */
bool tend_is_quiet(const struct tend *tend);	      /* nothing is due but looking at builds */
bool tend_has_store_trouble(const struct tend *tend); /* the last save failed */

#endif
