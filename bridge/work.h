/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jobs in memory, each with all that is not worth saving: what decide.c, carry.c, watch.c,
 * adopt.c, autotest.c and nightly.c work on and tend.c turns over. Nobody else includes this.
 *
 *   work_may_begin(works, PARTS_FORGE, &errand)     else the turn remembers when
 *   work_begin(works, PARTS_FORGE, &errand)         ... the answer ...
 *   work_end(works, PARTS_FORGE, &errand, err)
 *   work_apply(work, &event)                        the store first, then memory
 *
 * A work object is the context of every request on its behalf, so it is freed only when none is
 * under way.
 */
#ifndef CCCI_BRIDGE_WORK_H
#define CCCI_BRIDGE_WORK_H

#include "bridge/hear/hear.h"
#include "bridge/learn.h"
#include "bridge/parts.h"
#include "bridge/policy.h"
#include "bridge/queue.h"
#include "bridge/tell/metrics.h"
#include "common/clock.h"
#include "common/log.h"

#define WORK_SETTLE_S 3 /* after a try that may have happened, before its absence is believed */

/* How long a recipe usually takes, as the store said not long ago. */
struct work_usual {
	char recipe[BUILD_PARAM_SIZE];
	int64_t usual_s; /* 0: nobody knows */
};
#define WORK_USUALS_MAX 32

struct works {
	struct parts *parts;	 /* borrowed */
	const struct hear *hear; /* who we are, who is enrolled; borrowed */
	struct work **items;
	size_t count;
	struct errand list_builds;
	struct autotest_look **looks; /* see autotest.h; owned */
	size_t look_count;
	struct nightly *nightly; /* see nightly.h; owned */
	bool is_queue_judged;	 /* the places of all are those of now */
	char **status_refused;	 /* repositories, each said once; owned */
	size_t status_refused_count;
	size_t runners; /* as many builds ran at once, as far as was seen */
	bool has_begun_adopting;
	int64_t adopted_up_to; /* builds up to this number are looked at, see adopt.h */
	int64_t idle_list_ns;  /* the list is read then though no job waits for a build */
	struct work_usual usuals[WORK_USUALS_MAX];
	size_t usual_count;
	int64_t usuals_until_ns; /* then they are asked for anew */
	int64_t timeout_s;	 /* the CI server's, of a build */
	bool has_store_trouble;
	int64_t store_again_ns; /* nothing new is tried before, while the store is in trouble */
	struct log_limit store_limit;
	struct metrics_events events;
	int64_t soonest_ns;	   /* of all that is due, while a turn goes on */
	int64_t soonest_effect_ns; /* of what is more than looking at builds */
};

/* What the forge says of a pull request whose newest commit is asked for. */
struct work_head {
	enum policy_pull pull;
	enum policy_push push;
	struct gitea_pull facts;
	int64_t push_from_ns; /* of the first look at the timeline; 0: none yet */
	struct errand get_pull, get_timeline;
};

struct work_decision {
	bool has_command, is_edited, has_asked;
	struct command command;
	enum policy_membership membership;
	struct work_head head;	 /* what is to be tested */
	struct work_head suites; /* what it is to be judged by, with --with-tests */
	bool has_compared;	 /* the head with the branch it is to go into */
	struct errand get_comment, get_member, count_behind;
};

/* One of a job's two texts at the forge, of which the last counts: the reply, the commit status. */
struct work_text {
	struct errand errand;
	int64_t next_ns;  /* none is sent before: what may be on its way must not come last */
	int64_t write_ns; /* not written anew before: it holds whole minutes */
	char sent[JOB_TOLD_SIZE]; /* hash of the one under way */
};

struct work_effects {
	struct errand tries[JOB_EFFECT_COUNT];
	int64_t build_from_s; /* when the build was first asked for, as far as is known; 0: never */
	/* While looking for ours, both at the same time after a crash; 0: none. */
	int build_page;
	int64_t found_build, found_reply;
	struct work_text reply, status;
	int64_t progress_ns;	/* no text of the reply but the last one is sent before */
	bool is_status_refused; /* the forge does not let us; the next job asks again */
};

struct work_build {
	struct errand get, get_log;
	struct build ended; /* while its log is fetched */
	struct reply_step steps[LEARN_STEPS_MAX];
	size_t step_count;
	bool has_steps;
	struct reply_ahead ahead;
	char ahead_recipe[BUILD_PARAM_SIZE];
	int64_t usual_s;
};

struct work {
	struct works *works;
	struct job job;
	struct queue_place place; /* while it is held: as work_may_ask() found it */
	struct work_decision decision;
	struct work_effects effects;
	struct work_build build;
};

/* --- the jobs in memory --- */

struct work *work_add(struct works *works, struct job *take_job);
/* From memory, or from the store. */
struct work *work_load(struct works *works, int64_t comment, struct err *err) CHECKED;
bool work_is_busy(const struct work *work); /* a request on its behalf is under way */
void work_free(struct work *work);

/* --- errands --- */

/* Whether to begin an errand now; else the turn remembers when. */
bool work_may_begin(struct works *works, enum parts_peer peer, const struct errand *errand);
/* The same for an errand that only looks at builds. */
bool work_may_watch(struct works *works, const struct errand *errand);
void work_wake_at(struct works *works, int64_t due_ns);
/* The same for what nobody waits for: with --once it is left. */
void work_wake_idle_at(struct works *works, int64_t due_ns);
void work_begin(struct works *works, enum parts_peer peer, struct errand *errand);
void work_take_back(struct works *works, enum parts_peer peer, struct errand *errand);
/* An answer came: the errand is done (no err), or due again later. */
void work_end(
    struct works *works, enum parts_peer peer, struct errand *errand, const struct err *err);

/* Fields of a job, as far as there are any, before each line from here on: log_scope_end() ends it.
 * Whoever looks for all of one job, pull request or build finds it by them. */
void work_log_scope(const struct job *job);

/* --- saving --- */

void work_note_store_trouble(struct works *works, const struct err *err);
/* Saves *take_changed and makes it the job, or changes nothing: -1, said and tried again later. */
int work_save(struct work *work, struct job *take_changed) CHECKED;
/* The same, with what is news about it; NULL: nothing is. */
int work_save_with(struct work *work, struct job *take_changed, const char *notice) CHECKED;
/* job_apply() and work_save(); 0 also when the event changes nothing. */
int work_apply(struct work *work, const struct job_event *event) CHECKED;

/* --- the queue --- */

/* Whether its build may be asked for now, of one that is held; else its place says why not. */
bool work_may_ask(struct work *work) CHECKED;
/* Whether one by night might be asked for now, that is not there yet or is "but". */
bool work_has_room(const struct works *works, const struct work *but) CHECKED;

/*
 * Cancels the runs of the same pull request that were asked for before this one, in the name of its
 * author; *out_count is how many. False: of one nobody knows yet what becomes of it, so nothing was
 * done.
 */
bool work_cancel_older(struct work *work, size_t *out_count) CHECKED;
/* Ends each run of its pull request that has a build and is not the newest that was asked for. */
void work_supersede(struct work *work);

/* Answers of older runs of the same pull request become lines when a newer one has begun. */
void work_shrink_older(struct work *work);
bool work_is_outdated(const struct work *work);

/* The repository's name for the forge now; the job keeps the one it was asked in. Borrowed. */
const char *work_where(const struct work *work);

#endif
