/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One deployment of one commit: the app made once, its env file, its secrets, the checkout, abra,
 * and the wait until it is ready.
 *
 *   deploy_run(&deploy, &rendered, "", &result);
 *   if (result.end == DEPLOY_UP) ... probes and markers, with result.ready
 *   deploy_recreate(&deploy, &result);           every container anew
 *   deploy_reset(&deploy, err);                  down again, volumes too; secrets and env file stay
 *
 * abra's word is never taken: what is deployed is read from the engine. An exit status other than 0
 * with the whole stack there and of this commit means that abra gave up waiting, and we go on; exit
 * 0 with less than that is an error that names abra. Everything that comes to be is in the journal
 * first.
 */
#ifndef CCCI_DEPLOY_H
#define CCCI_DEPLOY_H

#include "common/results.h"
#include "runner-plugin/abra/abra.h"
#include "runner-plugin/recipe/render.h"
#include "runner-plugin/swarm/ready.h"

struct deploy { /* borrowed, all of it */
	const struct stages_work *work;
	const struct suite *suite;
	struct engine *engine;
	const struct abra *abra;
	struct results_stage *stage; /* its phases are added there */
	void (*say)(void *context, const char *line);
	void *context;
};

enum deploy_end {
	DEPLOY_UP,
	DEPLOY_FAILED, /* the recipe's fault */
	DEPLOY_BROKE,  /* ours, abra's, the host's */
	DEPLOY_CANCELLED,
};

#define DEPLOY_REASON_SIZE 512
struct deploy_result {
	enum deploy_end end;
	char reason[DEPLOY_REASON_SIZE];
	char service[64]; /* the one it is about, and whose log shows why; "" */
	char task[64];
	char container[80];
	char version[65];    /* label of the app as deployed; "" */
	char earlier[16];    /* label chaos-version of what was there before; "" */
	int64_t within_ms;   /* how long it had */
	struct ready *ready; /* NULL unless abra was reached */
};
void deploy_result_release(struct deploy_result *result);
DEFINE_AUTO(deploy_result, deploy_result_release);

/* phase: what stands behind "deploy", "converge" and "probe" in the phases' names: "", " base". */
void deploy_run(const struct deploy *deploy, const struct rendered *rendered, const char *phase,
    struct deploy_result *out);
/* Whether that is up, all of it, as it was left: then nothing need be deployed. */
int deploy_find(const struct deploy *deploy, const struct rendered *rendered, bool *out_is_up,
    struct err *err) CHECKED;
/*
 * What is deployed, with every task made anew: containers go, volumes stay. Jobs that are done stay
 * done. As deploy_run() in all else; out->version is not asked again.
 */
void deploy_recreate(const struct deploy *deploy, struct deploy_result *out);
/* Waits until what is up has settled, no update under way, and answers. As deploy_run() in all
 * else. */
void deploy_settle(const struct deploy *deploy, struct deploy_result *out);
/* After DEPLOY_UP, when everything has been asked of it: is it still up? Changes end and reason. */
void deploy_confirm(const struct deploy *deploy, struct deploy_result *result);
int deploy_reset(const struct deploy *deploy, struct err *err) CHECKED;

/*
 * What is wrong with a stack as deployed: NULL, or a text that the caller frees. Pure.
 *
 * commit      the one that should be there; its first 8 digits are in the label chaos-version
 * earlier     NULL, "", or one that may still or again be there when is_whole is false
 * is_whole    every service has to be there, with its image
 */
struct deploy_claim {
	const struct compose_model *model;
	const char *commit;
	const char *earlier;
	bool has_overlays; /* then the tree was dirty, and abra says "+U" */
	bool is_whole;
};
char *deploy_mismatch(const struct deploy_claim *claim, const struct view *view) CHECKED;

#endif
