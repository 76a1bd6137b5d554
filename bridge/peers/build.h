/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds as a CI server tells of them, whichever it is: the values that ci.h's verbs take and give.
 * Pure.
 *
 *   const struct build_step *step = build_find_step(&build, "report", &stage);
 *   if (build_status_is_over(build.status)) ...
 */
#ifndef CCCI_BRIDGE_BUILD_H
#define CCCI_BRIDGE_BUILD_H

#include "bridge/peers/peer.h"

#define BUILD_NAME_SIZE 128
#define BUILD_PARAM_SIZE 192
#define BUILD_ERROR_SIZE 256
#define BUILD_STAGES_MAX 16
#define BUILD_STEPS_MAX 64 /* of one stage */

enum build_status {
	BUILD_PENDING,
	BUILD_RUNNING,
	BUILD_SUCCESS,
	BUILD_FAILURE,
	BUILD_ERROR,
	BUILD_KILLED,
	BUILD_SKIPPED,
	BUILD_WAITING, /* waiting_on_dependencies */
	BUILD_BLOCKED, /* asks a person for approval */
	BUILD_CREATED, /* the server is making it: Woodpecker, for less than some seconds */
	BUILD_DECLINED,
	BUILD_UNKNOWN, /* a word we do not know; not over */
};
const char *build_status_word(enum build_status status);
bool build_status_is_over(enum build_status status);

struct build_step {
	int64_t number; /* what its log is asked for by */
	char name[BUILD_NAME_SIZE];
	enum build_status status;
	int64_t started_s, stopped_s; /* 0: not yet */
};
struct build_stage {
	int64_t number;
	enum build_status status;
	char error[BUILD_ERROR_SIZE];
	char machine[BUILD_NAME_SIZE]; /* "" until a runner took it */
	struct build_step *steps;      /* owned */
	size_t step_count;
};
/* What the bridge asks for; absent ones are "" or 0 and not sent (docs/contracts.md, section 3). */
struct build_params {
	char recipe[BUILD_PARAM_SIZE];
	char src[BUILD_PARAM_SIZE];
	int64_t pr;
	char ref[BUILD_PARAM_SIZE];
	int64_t comment;
	char stages[BUILD_PARAM_SIZE];
	bool wants_extra;
	int64_t keep_min; /* 0: none */
	char from[BUILD_PARAM_SIZE];
	char suite_ref[BUILD_PARAM_SIZE];
};
/* Who ended a build that was killed, as far as the server says. */
enum build_ender {
	BUILD_ENDER_UNKNOWN,
	BUILD_ENDER_PERSON,
	BUILD_ENDER_TIMEOUT,
	BUILD_ENDER_RUNNER
};
struct build {
	const char *server; /* that says so, for people: "Drone"; static */
	int64_t number;
	enum build_status status;
	enum build_ender ender;	      /* of BUILD_KILLED */
	char error[BUILD_ERROR_SIZE]; /* "" unless BUILD_ERROR: outside text, escape it */
	bool is_error_passing; /* it is not the pipeline file's: the next build may fare better */
	int64_t created_s, started_s, finished_s;
	char starter[BUILD_NAME_SIZE]; /* login of who started it; "" when that is not told */
	/* Without keep_min; a value of another form (a person's build) reads as absent. */
	struct build_params params;
	struct build_stage *stages; /* owned; none in lists */
	size_t stage_count;
	struct peer_odd odd; /* of stages and steps */
};
struct builds {
	/* Newest first, which is by number: two made in one instant stand in Drone's own list
	 * (2.24, observed) the other way round. */
	struct build *items;
	size_t count;
	size_t length; /* of the page as the server counts it */
	struct peer_odd odd;
};

#define BUILD_PAIRS_MAX 10
struct build_pair {
	const char *name; /* of docs/contracts.md, section 3 */
	char value[BUILD_PARAM_SIZE];
};
/* Those that are there; returns how many. */
size_t build_params_list(const struct build_params *params, struct build_pair out[BUILD_PAIRS_MAX]);

void build_release(struct build *build);
void builds_release(struct builds *builds);
DEFINE_AUTO(build, build_release);
DEFINE_AUTO(builds, builds_release);

/* The step of that name, and the number of its stage; NULL: not there (yet). */
const struct build_step *build_find_step(
    const struct build *build, const char *name, int64_t *out_stage);

#endif
