/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/past.h"

#include "common/results.h"

#define USUAL_RUNS 5

/* --- reading --- */

/* 0: no number of seconds. */
static double read_seconds(const char *text)
{
	double seconds = strtod(text, NULL);

	return seconds >= 0 && seconds <= RESULTS_SECONDS_MAX ? seconds : 0;
}

/* One word of an outline, "upgrade=fail:41.0"; what is none says nothing. */
static void read_stage(const char *word, struct past_run *out)
{
	char copy[64];
	enum stage stage = STAGE_NONE;
	enum outcome outcome = OUTCOME_NOT_RUN;

	copy_head(copy, sizeof(copy), word);
	char *equals = strchr(copy, '=');
	char *colon = equals ? strchr(equals, ':') : NULL;
	if (!colon)
		return;
	*equals = *colon = '\0';
	if (!stage_parse(copy, &stage) || !outcome_parse(equals + 1, &outcome))
		return;
	out->stages[stage].is_known = true;
	out->stages[stage].outcome = outcome;
	out->stages[stage].seconds = read_seconds(colon + 1);
}

static void read_outline(const char *outline, struct past_run *out)
{
	for (const char *at = outline; *at;) {
		at += strspn(at, " ");
		size_t length = strcspn(at, " ");
		auto_str char *word = xstrndup(at, length);

		read_stage(word, out);
		at += length;
	}
}

void past_read(const struct job_brief *brief, struct past_run *out)
{
	*out = (struct past_run){.comment = brief->comment,
	    .pr = brief->pr,
	    .build = brief->build,
	    .heard_s = brief->heard_s,
	    .started_s = brief->started_s,
	    .ended_s = brief->ended_s,
	    .state = brief->state,
	    .has_verdict = brief->has_verdict,
	    .verdict = brief->verdict,
	    .level = brief->level,
	    .is_partial = brief->stages[0] != '\0',
	    .is_trial = brief->suite_ref[0] != '\0'};
	copy_head(out->repo, sizeof(out->repo), brief->repo);
	copy_head(out->author, sizeof(out->author), brief->author);
	copy_head(out->ref, sizeof(out->ref), brief->ref);
	copy_head(out->head_version, sizeof(out->head_version), brief->head_version);
	copy_head(out->base_version, sizeof(out->base_version), brief->base_version);
	read_outline(brief->outline, out);
}

void past_add(struct past *past, const struct job_brief *brief)
{
	if (past->count == PAST_RUNS_MAX)
		return;
	if (!past->runs)
		past->runs = xcalloc(PAST_RUNS_MAX, sizeof(past->runs[0]));
	past_read(brief, &past->runs[past->count++]);
}

void past_clear(struct past *past)
{
	past->count = 0;
}

void past_release(struct past *past)
{
	free(past->runs);
	*past = (struct past){0};
}

/* --- one run --- */

bool past_is_active(const struct past_run *run)
{
	return run->state != JOB_ANSWERED && run->state != JOB_JUDGED && run->state != JOB_REFUSED;
}

bool past_is_judged(const struct past_run *run)
{
	return !past_is_active(run) && run->has_verdict && verdict_is_of_recipe(run->verdict);
}

bool past_is_whole(const struct past_run *run)
{
	return past_is_judged(run) && !run->is_partial && !run->is_trial;
}

bool past_is_red(const struct past_run *run)
{
	return past_is_judged(run) && run->verdict != VERDICT_PASSED;
}

int64_t past_seconds(const struct past_run *run)
{
	return run->started_s > 0 && run->ended_s > run->started_s ? run->ended_s - run->started_s
								   : 0;
}

/* --- together --- */

const struct past_run *past_last(const struct past *past)
{
	for (size_t i = 0; i < past->count; i++) {
		if (!past_is_active(&past->runs[i]) && !past->runs[i].is_trial)
			return &past->runs[i];
	}
	return NULL;
}

const struct past_run *past_newest(const struct past *past)
{
	for (size_t i = 0; i < past->count; i++) {
		if (past_is_judged(&past->runs[i]) && !past->runs[i].is_trial)
			return &past->runs[i];
	}
	return NULL;
}

const struct past_run *past_level(const struct past *past)
{
	for (size_t i = 0; i < past->count; i++) {
		if (past_is_whole(&past->runs[i]))
			return &past->runs[i];
	}
	return NULL;
}

/* --- by night --- */

static bool is_judged_night(const struct past_run *run)
{
	return job_id_is_nightly(run->comment) && past_is_judged(run);
}

/* The next judged run by night on the way to older (or newer) ones; NULL: none. */
static const struct past_run *find_night(const struct past *past, size_t at, bool is_older)
{
	while (is_older ? ++at < past->count : at-- > 0) {
		if (is_judged_night(&past->runs[at]))
			return &past->runs[at];
	}
	return NULL;
}

bool past_is_by_chance(const struct past *past, size_t at)
{
	const struct past_run *run = &past->runs[at];

	if (!is_judged_night(run) || !past_is_red(run))
		return false;
	const struct past_run *older = find_night(past, at, true);
	const struct past_run *newer = find_night(past, at, false);

	return !(older && past_is_red(older)) && !(newer && past_is_red(newer));
}

struct past_night past_by_night(const struct past *past)
{
	struct past_night night = {0};

	for (size_t i = 0; i < past->count; i++) {
		const struct past_run *run = &past->runs[i];

		if (!is_judged_night(run) || past_is_by_chance(past, i))
			continue;
		if (night.is_known && !past_is_red(run))
			break;
		night.is_known = true;
		night.is_red = past_is_red(run);
		if (!night.is_red)
			break;
		night.first_red = run;
	}
	return night;
}

int64_t past_usual_s(const struct past *past)
{
	int64_t seconds[USUAL_RUNS];
	size_t count = 0;

	for (size_t i = 0; i < past->count && count < USUAL_RUNS; i++) {
		const struct past_run *run = &past->runs[i];
		int64_t took = past_seconds(run);
		size_t at = count;

		if (!took || !past_is_whole(run) || past_is_red(run))
			continue;
		for (; at > 0 && seconds[at - 1] > took; at--)
			seconds[at] = seconds[at - 1];
		seconds[at] = took;
		count++;
	}
	return count ? seconds[count / 2] : 0;
}

/* The newest run of the same commit in which the stage came out otherwise; NULL: none. */
static const struct past_run *find_other(
    const struct past *past, size_t from, enum stage stage, enum outcome wanted)
{
	const struct past_run *run = &past->runs[from];

	for (size_t i = from + 1; i < past->count; i++) {
		const struct past_run *other = &past->runs[i];

		if (!other->is_trial && other->stages[stage].is_known &&
		    other->stages[stage].outcome == wanted && text_is(other->ref, run->ref))
			return other;
	}
	return NULL;
}

/* Whether the newest run says pass or fail of it, and an older one of the same commit the other. */
static bool is_flaky(const struct past *past, size_t at, enum stage stage, struct past_flaky *out)
{
	const struct past_run *run = &past->runs[at];
	bool is_green = run->stages[stage].outcome == OUTCOME_PASS;

	if (run->is_trial || !run->stages[stage].is_known || !run->ref[0] ||
	    (!is_green && run->stages[stage].outcome != OUTCOME_FAIL))
		return false;
	const struct past_run *other =
	    find_other(past, at, stage, is_green ? OUTCOME_FAIL : OUTCOME_PASS);
	*out = (struct past_flaky){
	    .stage = stage, .green = is_green ? run : other, .red = is_green ? other : run};
	return other != NULL;
}

static bool is_told(const struct past_flaky *flaky, size_t count, enum stage stage, const char *ref)
{
	for (size_t i = 0; i < count; i++) {
		if (flaky[i].stage == stage && text_is(flaky[i].green->ref, ref))
			return true;
	}
	return false;
}

size_t past_flaky(const struct past *past, struct past_flaky out[PAST_FLAKY_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < past->count; i++) {
		for (int stage = 0; stage < STAGE_COUNT && count < PAST_FLAKY_MAX; stage++) {
			if (!is_told(out, count, (enum stage)stage, past->runs[i].ref) &&
			    is_flaky(past, i, (enum stage)stage, &out[count]))
				count++;
		}
	}
	return count;
}
