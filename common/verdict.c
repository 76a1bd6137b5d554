/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/verdict.h"

static const char *const outcome_words[] = {
    [OUTCOME_PASS] = "pass",
    [OUTCOME_FAIL] = "fail",
    [OUTCOME_NOT_RUN] = "not_run",
    [OUTCOME_UNVERIFIED] = "unverified",
    [OUTCOME_ERROR] = "error",
};
static_assert(COUNT_OF(outcome_words) == OUTCOME_COUNT, "a word for each outcome");

static const char *const verdict_words[] = {
    [VERDICT_PASSED] = "passed",
    [VERDICT_RECIPE_FAILED] = "recipe_failed",
    [VERDICT_TIMED_OUT] = "timed_out",
    [VERDICT_CI_ERROR] = "ci_error",
    [VERDICT_CANCELLED] = "cancelled",
    [VERDICT_SUPERSEDED] = "superseded",
    [VERDICT_NOT_RUN] = "not_run",
};
static_assert(COUNT_OF(verdict_words) == VERDICT_COUNT, "a word for each verdict");

static const char *const stage_words[] = {
    [STAGE_INSTALL] = "install",
    [STAGE_RECREATE] = "recreate",
    [STAGE_RECIPE] = "recipe",
    [STAGE_EXTRA] = "extra",
    [STAGE_BACKUP] = "backup",
    [STAGE_UPGRADE] = "upgrade",
    [STAGE_ROLLBACK] = "rollback",
    [STAGE_LINT] = "lint",
};

static_assert(COUNT_OF(stage_words) == STAGE_COUNT, "a word for each stage");

/*
 * What must hold for each level, from 1 up: the stage that proves it, and one that proves nothing
 * of it but forbids it. Who loses data when its containers are made anew cannot be said to survive
 * an upgrade. The last one holds only of a run that left nothing.
 */
static const struct {
	enum stage proof;
	enum stage forbids;
} levels[] = {
    {STAGE_INSTALL, STAGE_NONE},
    {STAGE_UPGRADE, STAGE_RECREATE},
    {STAGE_BACKUP, STAGE_NONE},
    {STAGE_RECIPE, STAGE_NONE},
    {STAGE_LINT, STAGE_NONE},
};

const char *outcome_word(enum outcome outcome)
{
	assert((size_t)outcome < COUNT_OF(outcome_words));
	return outcome_words[outcome];
}

const char *verdict_word(enum verdict_class verdict)
{
	assert((size_t)verdict < COUNT_OF(verdict_words));
	return verdict_words[verdict];
}

const char *stage_word(enum stage stage)
{
	assert((size_t)stage < COUNT_OF(stage_words));
	return stage_words[stage];
}

bool stage_is_default(enum stage stage)
{
	return stage != STAGE_EXTRA && stage != STAGE_ROLLBACK;
}

bool outcome_parse(const char *word, enum outcome *out)
{
	size_t at = text_index(outcome_words, COUNT_OF(outcome_words), word);

	if (at == COUNT_OF(outcome_words))
		return false;
	*out = (enum outcome)at;
	return true;
}

bool verdict_is_of_recipe(enum verdict_class verdict)
{
	switch (verdict) {
	case VERDICT_PASSED:
	case VERDICT_RECIPE_FAILED:
	case VERDICT_TIMED_OUT:
		return true;
	case VERDICT_CI_ERROR:
	case VERDICT_CANCELLED:
	case VERDICT_SUPERSEDED:
	case VERDICT_NOT_RUN:
		break;
	}
	return false;
}

bool verdict_parse(const char *word, enum verdict_class *out)
{
	size_t at = text_index(verdict_words, COUNT_OF(verdict_words), word);

	if (at == COUNT_OF(verdict_words))
		return false;
	*out = (enum verdict_class)at;
	return true;
}

bool stage_parse(const char *word, enum stage *out)
{
	size_t at = text_index(stage_words, COUNT_OF(stage_words), word);

	if (at == COUNT_OF(stage_words))
		return false;
	*out = (enum stage)at;
	return true;
}

/* In the order they ran: what was seen first is what the others may only have followed from. */
static enum verdict_class judge_stages(const struct verdict_facts *facts)
{
	bool has_pass = false;
	bool has_unverified = false;
	bool has_unread_lint = false;

	for (size_t i = 0; i < STAGE_COUNT; i++) {
		if (!facts->stages[i].is_known || i == STAGE_ROLLBACK)
			continue;
		switch (facts->stages[i].outcome) {
		case OUTCOME_FAIL:
			return VERDICT_RECIPE_FAILED;
		case OUTCOME_ERROR:
			return VERDICT_CI_ERROR;
		case OUTCOME_UNVERIFIED:
			has_unverified |= i != STAGE_LINT;
			has_unread_lint |= i == STAGE_LINT;
			break;
		case OUTCOME_PASS:
			has_pass = true;
			break;
		case OUTCOME_NOT_RUN:
			break;
		}
	}
	if (has_unverified || (has_unread_lint && !has_pass))
		return VERDICT_CI_ERROR;
	return has_pass ? VERDICT_PASSED : VERDICT_NOT_RUN;
}

static enum verdict_class judge_class(const struct verdict_facts *facts)
{
	switch (facts->end) {
	case RUN_TIMED_OUT:
		return VERDICT_TIMED_OUT;
	case RUN_CANCELLED:
		return VERDICT_CANCELLED;
	case RUN_BROKE:
		return VERDICT_CI_ERROR;
	case RUN_COMPLETE:
		break;
	}
	return judge_stages(facts);
}

/* Neither passed nor not run: nothing above it counts. */
static bool is_in_the_way(const struct verdict_facts *facts, enum stage stage)
{
	if (stage == STAGE_NONE || !facts->stages[stage].is_known)
		return false;
	switch (facts->stages[stage].outcome) {
	case OUTCOME_PASS:
	case OUTCOME_NOT_RUN:
		return false;
	case OUTCOME_FAIL:
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		break;
	}
	return true;
}

/* The highest level that was proven. One that was not run is climbed past but not reached; one that
 * nobody planned ends the climb, as nothing is known of it. */
static int judge_level(const struct verdict_facts *facts)
{
	int level = 0;

	for (size_t i = 0; i < COUNT_OF(levels); i++) {
		enum stage proof = levels[i].proof;

		if (!facts->stages[proof].is_known || is_in_the_way(facts, proof) ||
		    is_in_the_way(facts, levels[i].forbids) ||
		    (proof == STAGE_LINT && !facts->is_clean))
			break;
		if (facts->stages[proof].outcome == OUTCOME_PASS)
			level = (int)i + 1;
	}
	return level;
}

struct verdict verdict_judge(const struct verdict_facts *facts)
{
	return (struct verdict){.class = judge_class(facts), .level = judge_level(facts)};
}
