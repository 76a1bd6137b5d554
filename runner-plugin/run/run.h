/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run: who it is and where its things are. A value with paths; makes and finds run directories.
 *
 *   STATE_DIR/runs/<id>/         id = <build>-<6 hex>, "local-" or "dev-" without a CI server,
 *                                "shared-" of an app that runs share
 *       lease                    flock()ed by the keeper for its life; holds its pid for people
 *       journal                  undo records, see journal.h
 *       keeper.sock
 *       cgroup                   path of the run's control group while there is one (cgroup.h)
 *       run.json                 params, step facts, domain, started: written by prepare's front
 *       plan.json                written by the prepare worker, prepared.json too
 *       stage-<word>.json        one results_stage each, written by its worker
 *       images                   names of those that the run needs, a line each; for prune
 *       results.json, junit.xml  written at the end by the keeper (or by who replays the journal)
 *       log/                     output of abra and git, masked
 *       abra/                    the run's private ABRA_DIR: recipes/ of its own, servers and
 *                                catalogue linked
 *       tests/, suite/           snapshots of the recipe's tests/ and of the suite
 *       suites/                  the CI repository at SUITE_REF, when that is asked for
 *       scratch/                 home of the suite's executables, theirs to write to
 *       secrets/                 values of the app's secrets, a file each, for them
 *       needs/<recipe>/          the same suite/, scratch/ and secrets/ of a recipe that is
 *                                deployed beside it
 *   STATE_DIR/builds/<key>       link to ../runs/<id>; 16 hex of sha256(system host|repo|build)
 *   STATE_DIR/shared/<key>       link to ../runs/<id> of an app that runs share (shared.h)
 *   STATE_DIR/slots/<n>          flock()ed by the keepers that use them; names the run for people
 *
 * After teardown only lease, journal, run.json, plan.json, prepared.json, stage-*.json,
 * results.json, junit.xml and log/ remain, of as many runs as the host keeps (history.h).
 */
#ifndef CCCI_RUN_H
#define CCCI_RUN_H

#include "common/err.h"
#include "runner-plugin/recipe/params.h"
#include "runner-plugin/settings.h"

#define RUN_ID_SIZE 32
#define RUN_DEV_PREFIX "dev-"
#define RUN_SHARED_PREFIX "shared-" /* an app that runs share (shared.h) */
#define RUN_DOMAIN_SIZE 254
#define RUN_STACK_SIZE 64

enum run_server { RUN_SERVER_DRONE, RUN_SERVER_WOODPECKER };

/*
 * What a CI server's step tells about itself, by the variables of Drone and of Woodpecker; all ""
 * and 0 outside of both. Texts are bounded copies.
 */
struct run_step {
	int64_t build; /* DRONE_BUILD_NUMBER, CI_PIPELINE_NUMBER; 0: no step of a CI server */
	enum run_server server; /* not in run.json: it is for those who live with the step */
	char system_url[256];	/* DRONE_SYSTEM_PROTO://DRONE_SYSTEM_HOST, CI_SYSTEM_URL */
	char repo[160];		/* DRONE_REPO, CI_REPO */
	int64_t repo_id;	/* Woodpecker's, out of CI_PIPELINE_URL; not in run.json */
	char workspace[512];	/* DRONE_WORKSPACE, CI_WORKSPACE */
	int64_t
	    started_s; /* DRONE_BUILD_STARTED, CI_PIPELINE_STARTED: the run's clock starts there */
};

struct run {
	char id[RUN_ID_SIZE];
	char domain[RUN_DOMAIN_SIZE];
	char stack[RUN_STACK_SIZE]; /* abra's name of it: dots to underscores, cut at 45 */
	char *dir;		    /* STATE_DIR/runs/<id>; owned */
	char *abra_dir;		    /* dir/abra; owned */
	char *recipe_dir;	    /* dir/abra/recipes/<recipe>; owned */
	struct params params;
	struct run_step step;
	int64_t started_s; /* wall */
};

/* ERR_CONFIG: it is a step, and something does not fit. */
int run_step_read(const char *const *environ, struct run_step *out, struct err *err) CHECKED;

/*
 * A new run with a directory of its own and run.json in it. The domain is
 * <recipe[:4]>-<6 hex of sha256(recipe|pr|ref|id)>.<zone>, of `ccci-run dev` dev-<recipe>.<zone>;
 * ERR_CONFIG when it, or the stack, is too long.
 */
int run_create(const struct settings *settings, const struct params *params,
    const struct run_step *step, struct run *out, struct err *err) CHECKED;
/* Of `ccci-run dev`: "dev-<6 hex of sha256(recipe)>", so that a recipe is up once. */
void run_dev_id(const char *recipe, char out[RUN_ID_SIZE]);
const char *run_server_name(enum run_server server); /* "Drone" */
/* "DRONE_WORKSPACE": the variable that all processes of a step have. */
const char *run_workspace_variable(enum run_server server);

/* The run of this build; ERR_MISSING when prepare made none. */
int run_find(const struct settings *settings, const struct run_step *step, struct run *out,
    struct err *err) CHECKED;
bool run_is_id(const char *text);
int run_open(
    const struct settings *settings, const char *id, struct run *out, struct err *err) CHECKED;
/* Writes run.json again, after prepare resolved params.ref. */
int run_save(const struct run *run, struct err *err) CHECKED;
/*
 * A recipe that is deployed beside it, as a run within this one: domain <prefix>-<the same 6 hex>,
 * files below needs/<recipe>, its checkout in the same ABRA_DIR. Its repository is of SRC's owner,
 * else of RECIPE_ORG; src is "" without both.
 */
int run_beside(const struct settings *settings, const struct run *run, const char *recipe,
    const char *prefix, struct run *out, struct err *err) CHECKED;
/* What this run is called in an app that it may share with others: letters and digits, "run9f2c1a".
 */
#define RUN_TENANT_SIZE 16
void run_tenant(const struct run *run, char out[RUN_TENANT_SIZE]);
struct run run_copy(const struct run *run) CHECKED;
void run_release(struct run *run);
DEFINE_AUTO(run, run_release);

/* Path of a file in the run directory; the caller frees it. */
char *run_path(const struct run *run, const char *name) CHECKED;
/* "custom-html #3 (run 41-9f2c1a)": for people. */
char *run_describe(const struct run *run) CHECKED;
#define RUN_SECRETS_DIR "secrets"
#define RUN_NEEDS_DIR "needs"
#define RUN_SUITES_DIR "suites"
/* Every child of a run has CCCI_RUN=<id> in its environment; who reaps finds it by that. */
#define RUN_ENVIRONMENT "CCCI_RUN"

#endif
