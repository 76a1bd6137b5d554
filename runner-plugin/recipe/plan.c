/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/plan.h"

#include "runner-plugin/recipe/recipe_version.h"

#define PLAN_REJECTED_MAX 32 /* enough to see why; a recipe may have hundreds of tags */

/* Stages whose machinery this version has. */
static const bool is_built[STAGE_COUNT] = {
    [STAGE_INSTALL] = true,
    [STAGE_RECREATE] = true,
    [STAGE_UPGRADE] = true,
};

static void reject(struct plan *plan, const char *version, const char *why)
{
	if (plan->rejected_count == PLAN_REJECTED_MAX)
		return;
	plan->rejected =
	    xrealloc_array(plan->rejected, plan->rejected_count + 1, sizeof(plan->rejected[0]));
	plan->rejected[plan->rejected_count++] =
	    (struct plan_rejected){xstrdup(version), xstrdup(why)};
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

/* Why a tag cannot be the base; NULL when it can. */
static const char *judge_tag(const struct plan_facts *facts, const struct plan_tag *tag)
{
	if (!recipe_version_is_valid(tag->name))
		return "is no recipe version";
	if (text_is(tag->commit, facts->head_commit))
		return "is the head itself";
	if (!has_head_version(facts))
		return NULL;
	int order = recipe_version_compare(tag->name, facts->head_version);
	if (order == 0)
		return "is the version of the head";
	if (order > 0)
		return "is newer than the head";
	return NULL;
}

static void set_base(struct plan *plan, const struct plan_tag *tag, char *take_why)
{
	replace(&plan->base_version, xstrdup(tag->name));
	replace(&plan->base_commit, xstrdup(tag->commit));
	replace(&plan->base_why, take_why);
}

static int take_asked_base(const struct plan_facts *facts, struct plan *plan, struct err *err)
{
	const char *from = facts->params->from;
	const struct plan_tag *tag = find_tag(facts, from);

	if (!tag)
		return err_set(err, ERR_CONFIG, "--from=%s: %s has no such published version", from,
		    facts->params->recipe);
	const char *why_not = judge_tag(facts, tag);
	if (why_not)
		return err_set(err, ERR_CONFIG, "--from=%s: that version %s%s%s", from, why_not,
		    has_head_version(facts) ? ", " : "",
		    has_head_version(facts) ? facts->head_version : "");
	set_base(plan, tag, xstrdup("asked for by --from"));
	return 0;
}

static void choose_base(const struct plan_facts *facts, struct plan *plan)
{
	const struct plan_tag *best = NULL;

	for (size_t i = 0; i < facts->tag_count; i++) {
		const struct plan_tag *tag = &facts->tags[i];
		const char *why_not = judge_tag(facts, tag);

		if (why_not)
			reject(plan, tag->name, why_not);
		else if (!best || recipe_version_compare(tag->name, best->name) > 0)
			best = tag;
	}
	if (!best)
		return;
	if (has_head_version(facts))
		set_base(plan, best,
		    xasprintf("newest published version older than %s", facts->head_version));
	else
		set_base(plan, best, xstrdup("newest published version; the head names none"));
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

static void plan_stages(const struct plan_facts *facts, struct plan *plan)
{
	for (int i = 0; i < STAGE_COUNT; i++) {
		struct plan_stage *stage = &plan->stages[i];
		const char *intended = facts->suite->not_run[i];

		stage->is_wanted =
		    facts->params->stages[i] && (is_built[i] || facts->params->has_stages);
		if (!stage->is_wanted)
			continue;
		if (!is_built[i])
			stage->not_run = xasprintf(
			    "this version of ccci has no stage %s", stage_word((enum stage)i));
		else if (intended)
			stage->not_run = xstrdup(intended);
		else if (i == STAGE_UPGRADE && !plan->base_version[0])
			stage->not_run = why_no_base(facts);
	}
	plan->deploys = count_planned_deploys(plan);
}

static struct plan make_empty(void)
{
	return (struct plan){
	    .head_commit = xstrdup(""),
	    .head_version = xstrdup(""),
	    .base_version = xstrdup(""),
	    .base_commit = xstrdup(""),
	    .base_why = xstrdup(""),
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
		choose_base(facts, &plan);
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
	free(plan->base_version);
	free(plan->base_commit);
	free(plan->base_why);
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
	struct json *rejected = json_new_array();
	struct json *stages = json_new_array();

	json_set_text(root, "head_commit", plan->head_commit);
	json_set_text(root, "head_version", plan->head_version);
	json_set_text(root, "base_version", plan->base_version);
	json_set_text(root, "base_commit", plan->base_commit);
	json_set_text(root, "base_why", plan->base_why);
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
	if (not_run)
		replace(&plan->stages[stage].not_run, xstrdup(not_run));
	return true;
}

static bool decode_lists(const struct json *root, struct plan *plan)
{
	const struct json *rejected = json_get(root, "rejected");
	const struct json *stages = json_get(root, "stages");

	for (size_t i = 0; i < json_count(rejected); i++) {
		const char *version = json_get_text(json_at(rejected, i), "version");
		const char *why = json_get_text(json_at(rejected, i), "why");

		if (!version || !why)
			return false;
		reject(plan, version, why);
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
	    !decode_text(json, "base_version", &plan.base_version) ||
	    !decode_text(json, "base_commit", &plan.base_commit) ||
	    !decode_text(json, "base_why", &plan.base_why) || !decode_lists(json, &plan) ||
	    !json_get_int(json, "deploys", &deploys) || deploys < 0 || deploys > 100)
		return err_set(err, ERR_PROTOCOL, "read the plan: it is damaged");
	plan.deploys = (int)deploys;
	*out = plan;
	plan = (struct plan){0};
	return 0;
}

void plan_print(const struct plan *plan, struct buf *out)
{
	(void)buf_printf(out, "head      %s  %s\n",
	    plan->head_version[0] ? plan->head_version : "(no version label)", plan->head_commit);
	if (plan->base_version[0])
		(void)buf_printf(out, "base      %s  %s\n          %s\n", plan->base_version,
		    plan->base_commit, plan->base_why);
	for (size_t i = 0; i < plan->rejected_count; i++)
		(void)buf_printf(
		    out, "rejected  %s: %s\n", plan->rejected[i].version, plan->rejected[i].why);
	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct plan_stage *stage = &plan->stages[i];

		if (stage->is_wanted)
			(void)buf_printf(out, "stage     %s%s%s\n", stage_word((enum stage)i),
			    stage->not_run ? ": not run, " : "",
			    stage->not_run ? stage->not_run : "");
	}
	(void)buf_printf(out, "deploys   %d\n", plan->deploys);
}
