/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/plan.h"

#include "common/clock.h"
#include "runner-plugin/recipe/recipe_version.h"

#define PLAN_REJECTED_MAX 32 /* enough to see why; a recipe may have hundreds of tags */

static void add_rejected(struct plan *plan, const char *version, const char *why)
{
	plan->rejected =
	    xrealloc_array(plan->rejected, plan->rejected_count + 1, sizeof(plan->rejected[0]));
	plan->rejected[plan->rejected_count++] =
	    (struct plan_rejected){xstrdup(version), xstrdup(why)};
}

static void reject(struct plan *plan, const char *version, const char *why)
{
	if (plan->rejected_count < PLAN_REJECTED_MAX)
		add_rejected(plan, version, why);
}

static void replace(char **field, char *take_value)
{
	free(*field);
	*field = take_value;
}

static const struct plan_tag *find_tag(const struct plan_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->tag_count; i++) {
		if (text_is(facts->tags[i].name, name))
			return &facts->tags[i];
	}
	return NULL;
}

static bool has_head_version(const struct plan_facts *facts)
{
	return facts->head_version && recipe_version_is_valid(facts->head_version);
}

/* Why a version cannot be the base; NULL when it can. */
static const char *judge_version(
    const struct plan_facts *facts, const char *version, const char *commit)
{
	if (!recipe_version_is_valid(version))
		return "is no recipe version";
	if (text_is(commit, facts->head_commit))
		return "is the head itself";
	if (!has_head_version(facts))
		return NULL;
	int order = recipe_version_compare(version, facts->head_version);
	if (order == 0)
		return "is the version of the head";
	if (order > 0)
		return "is newer than the head";
	return NULL;
}

static const char *judge_green(const struct plan_facts *facts, const struct plan_green *green)
{
	const char *why_not = judge_version(facts, green->version, green->commit);

	if (!why_not && !green->is_there)
		return "is of a commit that the recipe no longer has";
	return why_not;
}

static void add_base(struct plan *plan, const char *version, const char *commit, char *take_why)
{
	struct plan_base *base = &plan->bases[plan->base_count++];

	base->version = xstrdup(version);
	base->commit = xstrdup(commit);
	base->why = take_why;
}

/* The second has to be another version than the first: the same again would be as broken. */
static bool takes_base(const struct plan *plan, const char *version, const char *commit)
{
	if (plan->base_count == PLAN_BASES_MAX)
		return false;
	return !plan->base_count || (!text_is(plan->bases[0].version, version) &&
					!text_is(plan->bases[0].commit, commit));
}

static int take_asked_base(const struct plan_facts *facts, struct plan *plan, struct err *err)
{
	const char *from = facts->params->from;
	const struct plan_tag *tag = find_tag(facts, from);

	if (!tag)
		return err_set(err, ERR_CONFIG, "--from=%s: %s has no such published version", from,
		    facts->params->recipe);
	const char *why_not = judge_version(facts, tag->name, tag->commit);
	if (why_not)
		return err_set(err, ERR_CONFIG, "--from=%s: that version %s%s%s", from, why_not,
		    has_head_version(facts) ? ", " : "",
		    has_head_version(facts) ? facts->head_version : "");
	add_base(plan, tag->name, tag->commit, xstrdup("asked for by --from"));
	return 0;
}

static const char *which(const struct plan *plan)
{
	return plan->base_count ? "next newest" : "newest";
}

/* "build 40, 3 days ago" */
static char *describe_green(const struct plan_facts *facts, const struct plan_green *green)
{
	char age[CLOCK_DURATION_SIZE];

	clock_format_age(facts->now_s - green->when_s, age);
	return green->build ? xasprintf("build %lld, %s", (long long)green->build, age)
			    : xstrdup(age);
}

static void choose_from_greens(const struct plan_facts *facts, struct plan *plan)
{
	for (size_t i = 0; i < facts->green_count; i++) {
		const struct plan_green *green = &facts->greens[i];
		const char *why_not = judge_green(facts, green);
		auto_str char *run = describe_green(facts, green);

		if (why_not) {
			auto_str char *why = xasprintf("was green (%s), but %s", run, why_not);

			reject(plan, green->version, why);
		} else if (takes_base(plan, green->version, green->commit)) {
			add_base(plan, green->version, green->commit,
			    xasprintf("%s green run of the default branch: %s", which(plan), run));
		}
	}
}

/* Newest first. */
static int compare_tags(const void *a, const void *b)
{
	const struct plan_tag *const *left = a;
	const struct plan_tag *const *right = b;

	return recipe_version_compare((*right)->name, (*left)->name);
}

static void choose_from_tags(const struct plan_facts *facts, struct plan *plan)
{
	const struct plan_tag **fit = xcalloc(facts->tag_count + 1, sizeof(*fit));
	size_t count = 0;

	for (size_t i = 0; i < facts->tag_count; i++) {
		const struct plan_tag *tag = &facts->tags[i];
		const char *why_not = judge_version(facts, tag->name, tag->commit);

		if (why_not)
			reject(plan, tag->name, why_not);
		else
			fit[count++] = tag;
	}
	qsort(fit, count, sizeof(*fit), compare_tags);
	for (size_t i = 0; i < count; i++) {
		if (!takes_base(plan, fit[i]->name, fit[i]->commit))
			continue;
		add_base(plan, fit[i]->name, fit[i]->commit,
		    has_head_version(facts)
			? xasprintf("%s published version older than %s", which(plan),
			      facts->head_version)
			: xasprintf("%s published version; the head names none", which(plan)));
	}
	free(fit);
}

const struct plan_base *plan_base(const struct plan *plan)
{
	return plan->base_count ? &plan->bases[0] : NULL;
}

static void base_release(struct plan_base *base)
{
	free(base->version);
	free(base->commit);
	free(base->why);
	*base = (struct plan_base){0};
}

void plan_reject_base(struct plan *plan, const char *why)
{
	struct plan_base base = plan->bases[0];
	auto_str char *reason = xasprintf("broken: %s", why);

	assert(plan->base_count);
	add_rejected(plan, base.version, reason);
	replace(&plan->broken,
	    xasprintf("%s%s%s: %s", plan->broken, *plan->broken ? "; " : "", base.version, why));
	plan->base_count--;
	for (size_t i = 0; i < plan->base_count; i++)
		plan->bases[i] = plan->bases[i + 1];
	plan->bases[plan->base_count] = (struct plan_base){0};
	if (plan->base_count)
		replace(&plan->bases[0].why,
		    xasprintf("%s, as %s is broken", plan->bases[0].why, base.version));
	base_release(&base);
}

static char *why_no_base(const struct plan_facts *facts)
{
	if (!facts->tag_count)
		return xstrdup("no older version: the recipe has no published version");
	if (!has_head_version(facts))
		return xstrdup("no older version: no tag is a recipe version");
	return xasprintf(
	    "no older version: no published version is older than %s", facts->head_version);
}

bool plan_runs(const struct plan *plan, enum stage stage)
{
	return plan->stages[stage].is_wanted && !plan->stages[stage].not_run;
}

bool plan_is_whole(const struct plan *plan)
{
	for (int i = 0; i < STAGE_COUNT; i++) {
		if (stage_is_default((enum stage)i) && !plan->stages[i].is_wanted)
			return false;
	}
	return true;
}

/* What comes up in each stage that no stage before has left up. */
static int count_planned_deploys(const struct plan *plan)
{
	bool is_head_up = false;
	int deploys = 0;

	for (int i = 0; i < STAGE_COUNT; i++) {
		if (!plan_runs(plan, (enum stage)i))
			continue;
		switch ((enum stage)i) {
		case STAGE_INSTALL:
		case STAGE_RECREATE:
		case STAGE_RECIPE:
		case STAGE_EXTRA:
		case STAGE_BACKUP:
			deploys += is_head_up ? 0 : 1;
			is_head_up = true;
			break;
		case STAGE_UPGRADE:
			deploys += 2; /* base, head */
			break;
		case STAGE_ROLLBACK:
			deploys += 1; /* base */
			break;
		case STAGE_LINT:
		case STAGE_NONE:
			break;
		}
	}
	return deploys;
}

bool plan_may_test(const char *allow, const char *recipe)
{
	return allow && (text_is(allow, "*") || text_lists(allow, recipe));
}

/* The suite's own extra tests need nobody's leave. */
static char *why_no_tests(const struct plan_facts *facts, enum stage stage)
{
	bool may = plan_may_test(facts->tests_allow, facts->params->recipe);
	bool is_extra = stage == STAGE_EXTRA;
	size_t shipped = is_extra ? facts->own_extra_count : facts->own_test_count;

	if (is_extra && facts->suite->extra_count)
		return NULL;
	if (!shipped)
		return xstrdup(is_extra ? "neither the suite nor the recipe has extra tests"
					: "the recipe ships no tests");
	return may ? NULL
		   : xasprintf(
			 "%s of the recipe may not run here: RECIPE_TESTS_ALLOW does not name "
			 "it",
			 is_extra ? "tests/extra/" : "tests/");
}

static void plan_stages(const struct plan_facts *facts, struct plan *plan)
{
	for (int i = 0; i < STAGE_COUNT; i++) {
		struct plan_stage *stage = &plan->stages[i];
		const char *intended = facts->suite->not_run[i];

		stage->is_wanted = facts->params->stages[i];
		if (!stage->is_wanted)
			continue;
		stage->budget_ms = facts->suite->stage_timeout_ms[i];
		if (intended)
			stage->not_run = xstrdup(intended);
		else if (i == STAGE_UPGRADE && !plan->base_count)
			stage->not_run = why_no_base(facts);
		else if (i == STAGE_ROLLBACK && !plan_runs(plan, STAGE_UPGRADE))
			stage->not_run = xstrdup("it follows an upgrade, and there is none");
		else if (i == STAGE_RECIPE || i == STAGE_EXTRA)
			stage->not_run = why_no_tests(facts, (enum stage)i);
	}
	plan->deploys = count_planned_deploys(plan);
}

void plan_hold_budget(const struct plan *plan, struct results_stage *result)
{
	int64_t budget_ms = plan->stages[result->stage].budget_ms;
	char budget[CLOCK_DURATION_SIZE];
	bool has_reason = *result->reason != '\0';
	auto_str char *reason = NULL;

	if (!budget_ms || result->seconds * 1000 < (double)budget_ms)
		return;
	clock_format_duration(budget_ms, budget);
	switch (result->outcome) {
	case OUTCOME_PASS:
	case OUTCOME_FAIL:
		result->outcome = OUTCOME_FAIL;
		reason = xasprintf("longer than its budget of %s%s%s", budget,
		    has_reason ? ": " : "", result->reason);
		break;
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		reason = xasprintf("%s; its budget of %s was used up", result->reason, budget);
		break;
	case OUTCOME_NOT_RUN:
		return;
	}
	results_set(&result->reason, reason);
}

static struct plan make_empty(void)
{
	return (struct plan){
	    .head_commit = xstrdup(""),
	    .head_version = xstrdup(""),
	    .broken = xstrdup(""),
	};
}

int plan_make(const struct plan_facts *facts, struct plan *out, struct err *err)
{
	AUTO(plan) plan = make_empty();

	replace(&plan.head_commit, xstrdup(facts->head_commit));
	replace(&plan.head_version, xstrdup(facts->head_version ? facts->head_version : ""));
	if (facts->params->from[0]) {
		if (take_asked_base(facts, &plan, err) < 0)
			return -1;
	} else {
		choose_from_greens(facts, &plan);
		choose_from_tags(facts, &plan);
	}
	plan_stages(facts, &plan);
	*out = plan;
	plan = (struct plan){0};
	return 0;
}

void plan_release(struct plan *plan)
{
	free(plan->head_commit);
	free(plan->head_version);
	for (size_t i = 0; i < plan->base_count; i++)
		base_release(&plan->bases[i]);
	free(plan->broken);
	for (size_t i = 0; i < plan->rejected_count; i++) {
		free(plan->rejected[i].version);
		free(plan->rejected[i].why);
	}
	free(plan->rejected);
	for (int i = 0; i < STAGE_COUNT; i++)
		free(plan->stages[i].not_run);
	*plan = (struct plan){0};
}

struct json *plan_encode(const struct plan *plan)
{
	struct json *root = json_new_object();
	struct json *bases = json_new_array();
	struct json *rejected = json_new_array();
	struct json *stages = json_new_array();

	json_set_text(root, "head_commit", plan->head_commit);
	json_set_text(root, "head_version", plan->head_version);
	for (size_t i = 0; i < plan->base_count; i++) {
		struct json *row = json_new_object();

		json_set_text(row, "version", plan->bases[i].version);
		json_set_text(row, "commit", plan->bases[i].commit);
		json_set_text(row, "why", plan->bases[i].why);
		json_add(bases, row);
	}
	json_set(root, "bases", bases);
	json_set_text(root, "broken", plan->broken);
	for (size_t i = 0; i < plan->rejected_count; i++) {
		struct json *row = json_new_object();

		json_set_text(row, "version", plan->rejected[i].version);
		json_set_text(row, "why", plan->rejected[i].why);
		json_add(rejected, row);
	}
	json_set(root, "rejected", rejected);
	for (int i = 0; i < STAGE_COUNT; i++) {
		if (!plan->stages[i].is_wanted)
			continue;
		struct json *row = json_new_object();

		json_set_text(row, "name", stage_word((enum stage)i));
		if (plan->stages[i].not_run)
			json_set_text(row, "not_run", plan->stages[i].not_run);
		if (plan->stages[i].budget_ms)
			json_set_int(row, "budget_ms", plan->stages[i].budget_ms);
		json_add(stages, row);
	}
	json_set(root, "stages", stages);
	json_set_int(root, "deploys", plan->deploys);
	return root;
}

static bool decode_text(const struct json *root, const char *key, char **field)
{
	const char *text = json_get_text(root, key);

	if (!text)
		return false;
	replace(field, xstrdup(text));
	return true;
}

static bool decode_stage(const struct json *row, struct plan *plan)
{
	const char *name = json_get_text(row, "name");
	const char *not_run = json_get_text(row, "not_run");
	enum stage stage = STAGE_NONE;

	if (!name || !stage_parse(name, &stage))
		return false;
	plan->stages[stage].is_wanted = true;
	if (json_get(row, "budget_ms") &&
	    (!json_get_int(row, "budget_ms", &plan->stages[stage].budget_ms) ||
		plan->stages[stage].budget_ms <= 0))
		return false;
	if (not_run)
		replace(&plan->stages[stage].not_run, xstrdup(not_run));
	return true;
}

static bool decode_bases(const struct json *bases, struct plan *plan)
{
	if (!json_is_array(bases) || json_count(bases) > PLAN_BASES_MAX)
		return false;
	for (const struct json *row = json_first(bases); row; row = json_next(row)) {
		const char *version = json_get_text(row, "version");
		const char *commit = json_get_text(row, "commit");
		const char *why = json_get_text(row, "why");

		if (!version || !commit || !why)
			return false;
		add_base(plan, version, commit, xstrdup(why));
	}
	return true;
}

static bool decode_lists(const struct json *root, struct plan *plan)
{
	const struct json *rejected = json_get(root, "rejected");
	const struct json *stages = json_get(root, "stages");

	for (size_t i = 0; i < json_count(rejected); i++) {
		const char *version = json_get_text(json_at(rejected, i), "version");
		const char *why = json_get_text(json_at(rejected, i), "why");

		if (!version || !why || i == PLAN_REJECTED_MAX + PLAN_BASES_MAX)
			return false;
		add_rejected(plan, version, why);
	}
	for (size_t i = 0; i < json_count(stages); i++) {
		if (!decode_stage(json_at(stages, i), plan))
			return false;
	}
	return json_is_array(rejected) && json_is_array(stages);
}

int plan_decode(const struct json *json, struct plan *out, struct err *err)
{
	AUTO(plan) plan = make_empty();
	int64_t deploys = 0;

	if (!decode_text(json, "head_commit", &plan.head_commit) ||
	    !decode_text(json, "head_version", &plan.head_version) ||
	    !decode_text(json, "broken", &plan.broken) ||
	    !decode_bases(json_get(json, "bases"), &plan) || !decode_lists(json, &plan) ||
	    !json_get_int(json, "deploys", &deploys) || deploys < 0 || deploys > 100)
		return err_set(err, ERR_PROTOCOL, "read the plan: it is damaged");
	plan.deploys = (int)deploys;
	*out = plan;
	plan = (struct plan){0};
	return 0;
}

static void print_stage(enum stage which, const struct plan_stage *stage, struct buf *out)
{
	char budget[CLOCK_DURATION_SIZE];

	(void)buf_printf(out, "stage     %s", stage_word(which));
	if (stage->not_run) {
		(void)buf_printf(out, ": not run, %s", stage->not_run);
	} else if (stage->budget_ms) {
		clock_format_duration(stage->budget_ms, budget);
		(void)buf_printf(out, ", within %s", budget);
	}
	(void)buf_add_char(out, '\n');
}

void plan_print(const struct plan *plan, struct buf *out)
{
	(void)buf_printf(out, "head      %s  %s\n",
	    plan->head_version[0] ? plan->head_version : "(no version label)", plan->head_commit);
	for (size_t i = 0; i < plan->base_count; i++)
		(void)buf_printf(out, "%s %s  %s\n          %s\n", i ? "or else  " : "base     ",
		    plan->bases[i].version, plan->bases[i].commit, plan->bases[i].why);
	for (size_t i = 0; i < plan->rejected_count; i++)
		(void)buf_printf(
		    out, "rejected  %s: %s\n", plan->rejected[i].version, plan->rejected[i].why);
	for (int i = 0; i < STAGE_COUNT; i++) {
		if (plan->stages[i].is_wanted)
			print_stage((enum stage)i, &plan->stages[i], out);
	}
	(void)buf_printf(out, "deploys   %d\n", plan->deploys);
}
