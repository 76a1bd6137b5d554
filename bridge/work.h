/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tend.c, decide.c, carry.c and watch.c share: a job in memory with all that is not worth
 * saving. Nobody else includes this.
 *
 * A work object is the context of every request on its behalf, so it is freed only when none is
 * under way.
 */
#ifndef CCCI_BRIDGE_WORK_H
#define CCCI_BRIDGE_WORK_H

#include "bridge/learn.h"
#include "bridge/policy.h"
#include "bridge/tend.h"
#include "common/clock.h"
#include "common/log.h"

#define WORK_SETTLE_S 3 /* after a try that may have happened, before its absence is believed */
#define WORK_EDIT_EVERY_MS 1000
#define WORK_WATCH_EVERY_MS 1000 /* a list costs Drone 2 ms, and only while a build is out */
#define WORK_WRITE_EVERY_MS 900
#define WORK_QUEUED_LOOK_MS 30000 /* at the stages of a build that nothing is in front of */
#define WORK_OVERDUE_GRACE_S 120  /* Drone itself is up to a minute late with a timeout */
#define WORK_NO_BUILD_S 60 /* a plain no of Drone's may be the forge's hiccup for this long */
#define WORK_GIVE_UP_S (INT64_C(24) * 3600) /* trying to tell somebody who cannot be told */
#define WORK_REFUSALS_WITHIN_S 3600

struct work {
	struct tend *tend;
	struct job job;

	/* Of the decision. */
	bool has_command, is_edited, has_asked;
	struct command command;
	enum policy_membership membership;
	enum policy_pull pull;
	enum policy_push push;
	char head_sha[GITEA_SHA_SIZE];
	int64_t push_from_ns; /* of the first look at the timeline; 0: none yet */
	struct errand get_comment, get_member, get_pull, get_timeline;

	/* Of the effects. */
	struct errand effects[JOB_EFFECT_COUNT];
	int look_page; /* of builds, while looking for ours */
	int64_t found; /* build or comment, while looking; 0: none */
	struct errand edit;
	int64_t edit_ns;	  /* no edit before */
	int64_t write_ns;	  /* the text is not written anew before: it holds whole minutes */
	char sent[JOB_TOLD_SIZE]; /* hash of the text under way */

	/* Of the build. */
	struct errand get_build, get_log;
	struct drone_build ended; /* while its log is fetched */
	struct reply_step steps[LEARN_STEPS_MAX];
	size_t step_count;
	bool has_steps;
	struct reply_ahead ahead;
	char ahead_recipe[DRONE_PARAM_SIZE];
	int64_t usual_s;
};

struct tend {
	struct tend_parts parts;
	const struct hear *hear;
	struct work **works;
	size_t count;
	bool has_more; /* jobs in the store that have no room here */
	struct errand list_builds;
	int64_t timeout_s;
	bool has_store_trouble;
	int64_t store_again_ns; /* nothing new is tried before, while the store is in trouble */
	struct log_limit store_limit;
	int64_t soonest_ns;	   /* of all that is due, while a turn goes on */
	int64_t soonest_effect_ns; /* of what is more than looking at builds */
};

/* --- tend.c --- */

/* Whether to begin an errand now; else the turn remembers when. */
bool work_may_ask_forge(struct tend *tend, const struct errand *errand);
bool work_may_ask_drone(struct tend *tend, const struct errand *errand);
/* The same for an errand that only looks at builds. */
bool work_may_watch(struct tend *tend, const struct errand *errand);
void work_wake_at(struct tend *tend, int64_t due_ns);
void work_begin_forge(struct tend *tend, struct errand *errand);
void work_begin_drone(struct tend *tend, struct errand *errand);
/* An answer came: the gate is told; the errand is done (no err), or due again later. */
void work_end_forge(struct tend *tend, struct errand *errand, const struct err *err);
void work_end_drone(struct tend *tend, struct errand *errand, const struct err *err);

/* Saves *take_changed and makes it the job, or changes nothing: -1, said and tried again later. */
int work_save(struct work *work, struct job *take_changed) CHECKED;
/* job_apply() and work_save(); 0 also when the event changes nothing. */
int work_apply(struct work *work, const struct job_event *event) CHECKED;

/* Answers of older runs of the same pull request become lines when a newer one has begun. */
void work_shrink_older(struct work *work);
bool work_is_outdated(const struct work *work);

/* --- decide.c, carry.c, watch.c: what is due for one job, or for all --- */

void decide_turn(struct work *work);
void carry_turn(struct work *work);
void watch_turn(struct work *work);
void watch_list(struct tend *tend);

#endif
