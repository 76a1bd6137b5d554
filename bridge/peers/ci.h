/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The CI server: every request the bridge makes to it, about builds of the one CI repository. Which
 * server it is, is a dialect: pure functions for what is asked and for what an answer means.
 *
 *   struct ci *ci = ci_new(http, &drone_dialect, &(struct ci_place){url, token, ci_repo});
 *   ci_create_build(ci, ci_branch, &params, on_created, job);
 *
 * Callbacks, ownership, errors and odd items are as in gitea.h, with one more error: ERR_CONFIG,
 * when the CI repository itself is set up wrong (no pipeline in it for what we ask).
 */
#ifndef CCCI_BRIDGE_CI_H
#define CCCI_BRIDGE_CI_H

#include "bridge/peers/build.h"

#define CI_ANSWER_MAX_BYTES (2 * 1024 * 1024)
#define CI_LOG_MAX_BYTES (2 * 1024 * 1024) /* a report has 256 kB of results and a table */
#define CI_TIMEOUT_MS 30000
#define CI_CREATE_TIMEOUT_MS 90000 /* Drone without a .drone.yml answers after 45 s */

/* --- what a server has of its own --- */

/* One request, below the repository's path; path and body are taken over by who sends it. */
struct ci_ask {
	const char *method; /* NULL: GET */
	char *path;
	struct json *body; /* NULL: none */
};

struct ci_dialect {
	const char *name;	  /* for people: "Drone" */
	const char *peer;	  /* for messages: "drone" */
	const char *who_may_time; /* for who has a timeout refused */
	size_t page;		  /* builds of a page of its list */
	int log_late_s;		  /* so long after a build's end its logs may still grow */
	int over_status;	  /* of a cancel: the build is over already; 0: none says so */
	/* Asked for first: a path that only a good token may read, then that of the repository's
	 * number. NULL: neither is needed. */
	const char *user_path;
	char *(*lookup_path)(const char *repo);
	char *(*repo_path)(const char *repo, int64_t id);
	/* Where people see builds; "/41" is added. */
	char *(*page_of_builds)(const char *url, const char *repo, int64_t id);

	struct ci_ask (*create)(const char *branch, const struct build_params *params);
	struct ci_ask (*list)(int page);
	struct ci_ask (*get)(int64_t number);
	struct ci_ask (*cancel)(int64_t number);
	struct ci_ask (*log)(int64_t build, int64_t stage, int64_t step);

	/* Why the repository has nothing to run, by an answer to create; NULL: that is not said. */
	const char *(*explain_none)(int status, const char *text, size_t length);
	/* *out untouched on -1; a log: made by buf_make(). ERR_MISSING: it has none (yet). */
	int (*read_build)(const char *text, size_t length, struct build *out, struct err *err);
	int (*read_builds)(const char *text, size_t length, struct builds *out, struct err *err);
	int (*read_log)(const char *text, size_t length, struct buf *out, struct peer_odd *out_odd,
	    struct err *err);
	/* Seconds until a runner hears of a cancel, by how long its build runs; 0: it does now.
	 * NULL: it always does. */
	int64_t (*deaf_s)(int64_t since_start_s);
};

/* --- the verbs --- */

struct ci;

struct ci_place { /* borrowed for the call */
	const char *url, *token;
	const char *repo; /* "owner/name" */
};

struct ci *ci_new(
    struct http *http, const struct ci_dialect *dialect, const struct ci_place *place) CHECKED;
void ci_free(struct ci *ci); /* calls under way end without their callback */
const struct ci_dialect *ci_dialect(const struct ci *ci);
int64_t ci_retry_after_ms(const struct ci *ci);
size_t ci_odd_count(const struct ci *ci); /* items of lists left out since the start */
uint64_t ci_answer_count(const struct ci *ci, enum metrics_answer answer); /* likewise */
/* Where people see builds, without "/41"; "" until the server has told. Borrowed. */
const char *ci_builds_url(const struct ci *ci);

typedef void (*ci_build_done)(void *context, struct build *build, const struct err *err);
typedef void (*ci_builds_done)(void *context, struct builds *builds, const struct err *err);
typedef void (*ci_log_done)(void *context, const struct buf *log, const struct err *err);
typedef void (*ci_timeout_done)(void *context, const int64_t *minutes, const struct err *err);
typedef void (*ci_cancel_done)(void *context, const struct err *err);

/*
 * Not idempotent: after any error but ERR_CONFIG, ERR_DENIED and ERR_MISSING a build may have come
 * to be; list the builds and look for params.comment before trying again. A build with BUILD_ERROR
 * is a success here: the server made it and refused it, see build->error.
 */
void ci_create_build(struct ci *ci, const char *branch, const struct build_params *params,
    ci_build_done done, void *context);
/* page from 1, as many builds each as the dialect says; of a smaller length: it was the last. */
void ci_list_builds(struct ci *ci, int page, ci_builds_done done, void *context);
void ci_get_build(struct ci *ci, int64_t number, ci_build_done done, void *context);
/* A build that is over stays as it was. ERR_MISSING: no such build. */
void ci_cancel_build(struct ci *ci, int64_t number, ci_cancel_done done, void *context);
/* ERR_MISSING: the step has no log (yet): it has not ended, was skipped, or its cancel was lost. */
void ci_get_log(
    struct ci *ci, int64_t build, int64_t stage, int64_t step, ci_log_done done, void *context);
/* Minutes after which the server kills a build of the repository. */
void ci_get_timeout(struct ci *ci, ci_timeout_done done, void *context);
/* minutes > 0: 0 would kill every build at once. */
void ci_set_timeout(struct ci *ci, int64_t minutes, ci_timeout_done done, void *context);

/* Pure. */
int ci_read_timeout(const char *text, size_t length, int64_t *out_minutes, struct err *err) CHECKED;
int ci_read_id(const char *text, size_t length, int64_t *out_id, struct err *err) CHECKED;

#endif
