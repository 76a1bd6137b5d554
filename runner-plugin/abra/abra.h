/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls of abra (0.13): the exact arguments, the environment, and how an ended call is to be read.
 *
 *   abra_find(settings, run, environ, &abra, err);
 *   abra_call(&abra, ABRA_APP_DEPLOY, &target, &watch, &result, err);
 *
 * Every call has --no-input, stdin from /dev/null, LANG=C.UTF-8, its own session and deadline;
 * every call that touches the recipe has --chaos --offline. An exit status says only "look"; of
 * what abra writes, refusal.h reads whose fault it is that it gave up.
 *
 * Source: Co-op Cloud documentation of abra 0.13.
 */
#ifndef CCCI_ABRA_H
#define CCCI_ABRA_H

#include "runner-plugin/run/proc.h"
#include "runner-plugin/stages/stages.h"

enum abra_verb {
	ABRA_VERSION,
	ABRA_APP_NEW,	      /* recipe, server, domain */
	ABRA_SECRET_GENERATE, /* prints values: its output is never logged, and masked */
	ABRA_SECRET_INSERT,   /* domain, secret, version, file */
	ABRA_APP_DEPLOY,
	ABRA_APP_UNDEPLOY,
	ABRA_VOLUME_REMOVE,
	ABRA_SECRET_REMOVE,
	ABRA_RECIPE_LINT, /* recipe; without a terminal it prints nothing */
	ABRA_BACKUP_CREATE,
	ABRA_BACKUP_SNAPSHOTS,
	ABRA_RESTORE,
};

struct abra_target {
	const char *recipe;
	const char *domain;
	const char *server;
	const char *secret, *version, *file; /* file: holds the value, which is no argument */
	/* Words that may stand in the output of secret generate and are none: names of secrets.
	 * NULL-terminated; or NULL. */
	const char *const *plain_words;
	struct buf *said; /* gets the output of secret generate, values and all; or NULL */
	/* The flags that not every abra has for it, "--hooks", and this one does: see
	 * abra_find_flags(). Others are left out. */
	unsigned flags; /* of enum abra_flag */
};
enum abra_flag { ABRA_CHAOS = 1, ABRA_HOOKS = 2 };

struct abra {
	char *program;	     /* absolute */
	char *abra_dir;	     /* of this run */
	char *home, *path;   /* for its environment */
	char *run_id;	     /* RUN_ENVIRONMENT */
	char *docker_config; /* the operator's logins at registries */
	char *log_path;	     /* NULL: none */
	char version[64];    /* as it printed it */
};

/* Pure: the arguments after the program's name, NULL-terminated. ERR_CONFIG when a value starts
 * with "-" or is empty. */
#define ABRA_ARGS_MAX 16
int abra_arguments(enum abra_verb verb, const struct abra_target *target,
    const char *out[ABRA_ARGS_MAX], struct err *err) CHECKED;
/* Pure: the value behind key in the output of secret generate, whatever form it has; the caller
 * frees it. NULL: none was generated. */
char *abra_find_generated(
    const char *said, const char *key, const char *const *plain_words) CHECKED;
const char *abra_verb_text(enum abra_verb verb); /* "abra app deploy" */

/* Looks the program up on the step's PATH and asks its version. ERR_MISSING, ERR_PROTOCOL: it is
 * not abra. */
int abra_find(const struct settings *settings, const struct run *run, const char *const *environ,
    struct abra *out, struct err *err) CHECKED;
void abra_release(struct abra *abra);
DEFINE_AUTO(abra, abra_release);

/* What the caller wants watched while abra runs; as in proc_spec. */
struct abra_watch {
	int64_t deadline_ns;
	int cancel_fd; /* -1: none */
	bool (*watch)(void *context);
	void *context;
	int watch_fd; /* -1: none */
	int64_t watch_every_ms;
};
int abra_call(const struct abra *abra, enum abra_verb verb, const struct abra_target *target,
    const struct abra_watch *watch, struct proc_result *out, struct err *err) CHECKED;

/* Which of them its --help lists, into target->flags. ERR_PROTOCOL: it does not know the command.
 */
int abra_find_flags(const struct abra *abra, enum abra_verb verb, struct abra_target *target,
    const struct abra_watch *watch, struct err *err) CHECKED;

/* "abra app new: exit status 1: FATA no such recipe", from its last line that is not empty. */
#define ABRA_COMPLAINT_SIZE 400
void abra_complain(
    enum abra_verb verb, const struct proc_result *result, char out[ABRA_COMPLAINT_SIZE]);

/* The app's env file in the operator's servers/ directory; the caller frees it. */
char *abra_env_path(const struct abra *abra, const char *server, const char *domain) CHECKED;

#endif
