/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drone: every request the bridge makes to it, and the readers of its answers.
 *
 *   struct drone *drone = drone_new(http, settings->drone_url, settings->drone_token);
 *   drone_create_build(drone, ci_repo, ci_branch, &params, on_created, job);
 *
 * Callbacks, ownership, errors and odd items are as in gitea.h, with one more error: ERR_CONFIG,
 * when the CI repository itself is set up wrong (no .drone.yml, no pipeline for the event
 * "custom").
 *
 * Source: Drone 2.24.0, observed; see tests/data/README.md.
 */
#ifndef CCCI_DRONE_H
#define CCCI_DRONE_H

#include "bridge/peer.h"

#define DRONE_NAME_SIZE 128
#define DRONE_PARAM_SIZE 192
#define DRONE_ERROR_SIZE 256
#define DRONE_PAGE 100 /* above it Drone falls back to 25 */
#define DRONE_STAGES_MAX 16
#define DRONE_STEPS_MAX 64 /* of one stage */
#define DRONE_ANSWER_MAX_BYTES (2 * 1024 * 1024)
#define DRONE_LOG_MAX_BYTES (2 * 1024 * 1024) /* a report has 256 kB of results and a table */
#define DRONE_TIMEOUT_MS 30000
#define DRONE_CREATE_TIMEOUT_MS 90000 /* without a .drone.yml it answers after 45 s */

enum drone_status {
	DRONE_PENDING,
	DRONE_RUNNING,
	DRONE_SUCCESS,
	DRONE_FAILURE,
	DRONE_ERROR,
	DRONE_KILLED,
	DRONE_SKIPPED,
	DRONE_WAITING, /* waiting_on_dependencies */
	DRONE_BLOCKED, /* asks a person for approval */
	DRONE_DECLINED,
	DRONE_UNKNOWN, /* a word we do not know; not over */
};
const char *drone_status_word(enum drone_status status);
bool drone_status_is_over(enum drone_status status);

struct drone_step {
	int64_t number; /* from 1; 1 is clone unless disabled */
	char name[DRONE_NAME_SIZE];
	enum drone_status status;
	int64_t started_s, stopped_s; /* 0: not yet */
};
struct drone_stage {
	int64_t number;
	enum drone_status status;
	char error[DRONE_ERROR_SIZE];
	char machine[DRONE_NAME_SIZE]; /* "" until a runner took it */
	struct drone_step *steps;      /* owned; appear when a runner takes the stage */
	size_t step_count;
};
/* What the bridge asks for; absent ones are "" or 0 and not sent (docs/contracts.md, section 3). */
struct drone_params {
	char recipe[DRONE_PARAM_SIZE];
	char src[DRONE_PARAM_SIZE];
	int64_t pr;
	char ref[DRONE_PARAM_SIZE];
	int64_t comment;
	char stages[DRONE_PARAM_SIZE];
	bool wants_extra;
	int64_t keep_min; /* 0: none */
	char from[DRONE_PARAM_SIZE];
};
struct drone_build {
	int64_t number;
	enum drone_status status;
	char error[DRONE_ERROR_SIZE]; /* "" unless DRONE_ERROR: outside text, escape it */
	int64_t created_s, started_s, finished_s;
	/* Of it recipe, pr and comment; a value of another form (a person's build) reads as absent.
	 */
	struct drone_params params;
	struct drone_stage *stages; /* owned; none in lists and right after creation */
	size_t stage_count;
	struct peer_odd odd; /* of stages and steps */
};
struct drone_builds {
	struct drone_build *items; /* newest first */
	size_t count;
	size_t length; /* of the page as Drone counts it */
	struct peer_odd odd;
};

void drone_build_release(struct drone_build *build);
void drone_builds_release(struct drone_builds *builds);
DEFINE_AUTO(drone_build, drone_build_release);
DEFINE_AUTO(drone_builds, drone_builds_release);

/* The step of that name, and the number of its stage; NULL: not there (yet). */
const struct drone_step *drone_find_step(
    const struct drone_build *build, const char *name, int64_t *out_stage);

/* Pure readers; *out untouched on -1. ERR_CONFIG: the answer to a create was null. */
int drone_read_build(
    const char *text, size_t length, struct drone_build *out, struct err *err) CHECKED;
int drone_read_builds(
    const char *text, size_t length, struct drone_builds *out, struct err *err) CHECKED;
/* The lines joined, the echoed command first; out: made by buf_make(). */
int drone_read_log(const char *text, size_t length, struct buf *out, struct peer_odd *out_odd,
    struct err *err) CHECKED;
int drone_read_timeout(
    const char *text, size_t length, int64_t *out_minutes, struct err *err) CHECKED;

struct drone;

struct drone *drone_new(struct http *http, const char *url, const char *token) CHECKED;
void drone_free(struct drone *drone); /* calls under way end without their callback */
int64_t drone_retry_after_ms(const struct drone *drone);
size_t drone_odd_count(const struct drone *drone); /* items of lists left out since the start */

typedef void (*drone_build_done)(void *context, struct drone_build *build, const struct err *err);
typedef void (*drone_builds_done)(
    void *context, struct drone_builds *builds, const struct err *err);
typedef void (*drone_log_done)(void *context, const struct buf *log, const struct err *err);
typedef void (*drone_timeout_done)(void *context, const int64_t *minutes, const struct err *err);

/*
 * Not idempotent: after any error but ERR_CONFIG, ERR_DENIED and ERR_MISSING a build may have come
 * to be; list the builds and look for params.comment before trying again. A build with DRONE_ERROR
 * is a success here: Drone made it and refused it, see build->error.
 */
void drone_create_build(struct drone *drone, const char *repo, const char *branch,
    const struct drone_params *params, drone_build_done done, void *context);
/* page from 1, DRONE_PAGE builds each; of a smaller length: it was the last. */
void drone_list_builds(
    struct drone *drone, const char *repo, int page, drone_builds_done done, void *context);
void drone_get_build(
    struct drone *drone, const char *repo, int64_t number, drone_build_done done, void *context);
/* Cancels it; a build that is over stays as it was. ERR_MISSING: no such build. */
void drone_delete_build(
    struct drone *drone, const char *repo, int64_t number, drone_build_done done, void *context);
/* ERR_MISSING: the step has no log (yet): it has not ended, was skipped, or its cancel was lost. */
void drone_get_log(struct drone *drone, const char *repo, int64_t build, int64_t stage,
    int64_t step, drone_log_done done, void *context);
/* Minutes after which Drone kills a build of the repository. */
void drone_get_timeout(
    struct drone *drone, const char *repo, drone_timeout_done done, void *context);
/* minutes > 0: 0 would kill every build at once. ERR_MISSING: the token is no Drone admin's. */
void drone_set_timeout(
    struct drone *drone, const char *repo, int64_t minutes, drone_timeout_done done, void *context);

#endif
