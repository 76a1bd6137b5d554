/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a worker does: prepare, and each stage. Runs in a process of its own, forked by the keeper,
 * that dies with it.
 *
 * The keeper calls these right after the fork; the return value is the worker's exit status.
 * Progress goes to stderr (the step's, passed by the front). Undo is on disk before anything
 * exists: journal_record(work->control_fd, ...). The result of a stage is in stage-<word>.json
 * before it returns; a worker that dies without one is an error stage that the keeper writes.
 */
#ifndef CCCI_STAGES_H
#define CCCI_STAGES_H

#include "common/clock.h"
#include "common/verdict.h"
#include "runner-plugin/run/exit.h"
#include "runner-plugin/run/run.h"

struct stages_work {
	const struct settings *settings;
	const struct run *run;
	const char *history_dir; /* STATE_DIR of the host: what was green before */
	const char
	    *checkout; /* directory of the CI checkout: SUITES may be relative to it; NULL: none */
	const char *local_recipe;   /* `run DIR`: recipe directory instead of a fetch; NULL else */
	int control_fd;		    /* to the keeper, for journal_record() */
	int cancel_fd;		    /* readable: the run is cancelled; finish nothing, return */
	int secrets_fd;		    /* memfd_create(2) of the keeper: what a stage learnt to mask,
				       the next one masks too; -1: none */
	int64_t deadline_ns;	    /* of the whole run */
	const char *const *environ; /* the step's, to pick PATH and HOME from; never given to
				       children as a whole */
};

/* Deadline of a call that may take so long from now on, and no longer than the run. */
static inline int64_t stages_until(const struct stages_work *work, int64_t within_ms)
{
	int64_t until_ns = clock_now() + within_ms * NS_PER_MS;

	return until_ns < work->deadline_ns ? until_ns : work->deadline_ns;
}

/*
 * prepare ending with EXIT_RECIPE (image missing, name too long, not a recipe) means that no stage
 * runs; its reason is in stage-install.json like any other result.
 */
enum exit_code stages_prepare(const struct stages_work *work);
enum exit_code stages_stage(const struct stages_work *work, enum stage stage);

/* Of an app that runs share: whether it is up as it was left, and well. */
enum exit_code stages_look(const struct stages_work *work);

/*
 * `ccci-run plan`: fetches into the run's directory, prints the plan to stdout, for people or as
 * one line of JSON, deploys nothing and asks no keeper (control_fd may be -1). The caller made the
 * run in a directory of its own and removes it.
 */
enum exit_code stages_plan(const struct stages_work *work, bool as_json);

/* A line of progress to stderr, masked, no character of which moves a cursor: "install: passed". */
void stages_say(const char *word, const char *line);
/* The same of what is done for now: "install: waits for service web to start ...". A terminal shows
 * it until the next one. */
void stages_show(const char *word, const char *line);

#endif
