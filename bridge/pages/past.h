/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runs of one recipe, and what they say together: how good it is, how long a run takes, what
 * is flaky. Pure.
 *
 *   past_add(&past, &brief);                  newest first; beyond PAST_RUNS_MAX nothing is added
 *   const struct past_run *best = past_level(&past);
 *   size_t count = past_flaky(&past, flaky);
 */
#ifndef CCCI_BRIDGE_PAGES_PAST_H
#define CCCI_BRIDGE_PAGES_PAST_H

#include "bridge/job.h"

#define PAST_RUNS_MAX 100 /* of a recipe; a table of more is read by nobody */
#define PAST_FLAKY_MAX 16

struct past_run {
	int64_t comment, pr, build;
	int64_t heard_s, started_s, ended_s;
	enum job_state state;
	bool has_verdict;
	enum verdict_class verdict;
	int level;
	bool is_partial; /* only some stages were asked for */
	bool is_trial;	 /* judged by suites that were not in force */
	char repo[JOB_REPO_SIZE];
	char author[JOB_USER_SIZE];
	char ref[JOB_REF_SIZE];
	char head_version[JOB_VERSION_SIZE], base_version[JOB_VERSION_SIZE];
	struct {
		bool is_known;
		enum outcome outcome;
		double seconds;
	} stages[STAGE_COUNT];
};

void past_read(const struct job_brief *brief, struct past_run *out);

struct past {
	struct past_run *runs; /* owned */
	size_t count;
};

void past_add(struct past *past, const struct job_brief *brief);
void past_clear(struct past *past); /* no runs; keeps its room */
void past_release(struct past *past);
DEFINE_AUTO(past, past_release);

/* It has ended, and says something of the recipe: it is neither cancelled nor ours. */
bool past_is_judged(const struct past_run *run);
/* Judged, in every stage, by the suites in force: its level is the recipe's. */
bool past_is_whole(const struct past_run *run);
bool past_is_red(const struct past_run *run);	  /* judged, and not passed */
bool past_is_active(const struct past_run *run);  /* its end is still to come */
int64_t past_seconds(const struct past_run *run); /* from start to end; 0: not known */

/* The newest that has ended, whatever came of it, and is no trial; NULL: none. */
const struct past_run *past_last(const struct past *past);
/* The newest judged one that is no trial; NULL: none. */
const struct past_run *past_newest(const struct past *past);
/* The newest whole one; NULL: none. */
const struct past_run *past_level(const struct past *past);
int64_t past_usual_s(const struct past *past); /* median of the last that passed; 0: none */

/*
 * A red run by night that neither the one before nor the one behind it confirms: by chance, as far
 * as anybody knows, and told nobody. Of the run at this index.
 */
bool past_is_by_chance(const struct past *past, size_t at);
/* What the runs by night say, the newest that is not by chance. */
struct past_night {
	bool is_known, is_red;
	const struct past_run *first_red; /* where the red begins; NULL: it is green. Borrowed. */
};
struct past_night past_by_night(const struct past *past);

/* One commit, one stage, red and green: the newest two runs that say so; a trial says nothing. */
struct past_flaky {
	enum stage stage;
	const struct past_run *green, *red; /* borrowed from past */
};
size_t past_flaky(const struct past *past, struct past_flaky out[PAST_FLAKY_MAX]);

#endif
