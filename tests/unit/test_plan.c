/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/recipe/plan.h"

#define HEAD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define C1 "1111111111111111111111111111111111111111"
#define C2 "2222222222222222222222222222222222222222"
#define C3 "3333333333333333333333333333333333333333"
#define NOW_S 1700000000
#define DAY_S 86400

#define TAGS_MAX 4

/* Head version and tags in; base, or the reason why there is none, out. */
static const struct {
	const char *head;
	struct plan_tag tags[TAGS_MAX];
	const char *from;
	const char *base;   /* "" none */
	const char *reason; /* part of base_why, of upgrade's not_run, or of the error */
	bool is_error;
} rows[] = {
    {"1.2.0+2.1.0", {{"1.0.0+2.0.0", C1}, {"1.1.0+2.0.3", C2}}, "", "1.1.0+2.0.3",
	"older than 1.2.0+2.1.0", false},
    {"1.2.0+2.1.0", {{"1.1.0+2.0.3", C2}, {"1.0.0+2.0.0", C1}}, "", "1.1.0+2.0.3", "newest", false},
    {"1.10.0+1", {{"1.9.0+1", C1}, {"1.2.0+1", C2}}, "", "1.9.0+1", "newest", false},
    /* The head equals the newest tag: the one before. */
    {"1.1.0+2.0.3", {{"1.0.0+2.0.0", C1}, {"1.1.0+2.0.3", C2}}, "", "1.0.0+2.0.0", "older", false},
    /* The newest tag is the head commit itself. */
    {"1.1.0+2.0.3", {{"1.0.0+2.0.0", C1}, {"1.1.0+2.0.3", HEAD}}, "", "1.0.0+2.0.0", "older",
	false},
    {"1.0.0+1", {{"2.0.0+1", C1}}, "", "", "no published version is older than 1.0.0+1", false},
    {"1.0.0+1", {{"release-7", C1}}, "", "", "no published version is older", false},
    {"1.0.0+1", {{NULL, NULL}}, "", "", "no published version", false},
    {NULL, {{"1.0.0+1", C1}, {"0.9.0+1", C2}}, "", "1.0.0+1", "the head names none", false},
    {"latest", {{"1.0.0+1", C1}}, "", "1.0.0+1", "the head names none", false},
    {NULL, {{"nightly", C1}}, "", "", "no tag is a recipe version", false},
    {"1.2.0+1", {{"1.0.0+1", C1}, {"1.1.0+1", C2}}, "1.0.0+1", "1.0.0+1", "--from", false},
    {"1.2.0+1", {{"1.0.0+1", C1}}, "1.1.0+1", "", "no such published version", true},
    {"1.2.0+1", {{"1.3.0+1", C1}}, "1.3.0+1", "", "newer than the head", true},
    {"1.2.0+1", {{"1.2.0+1", C1}}, "1.2.0+1", "", "version of the head", true},
    /* A head without a version: nothing is said of one. */
    {NULL, {{"1.0.0+1", HEAD}}, "1.0.0+1", "", "--from=1.0.0+1: that version is the head itself$",
	true},
};

static bool says(const char *text, const char *part)
{
	auto_str char *end = xstrndup(part, strcspn(part, "$"));

	return strchr(part, '$') ? text_ends(text, end) : strstr(text, part) != NULL;
}

static struct params make_params(const char *from)
{
	struct params params = {.recipe = "custom-html"};

	for (int stage = 0; stage < STAGE_COUNT; stage++)
		params.stages[stage] = stage_is_default((enum stage)stage);
	(void)copy_text(params.from, sizeof(params.from), from);
	return params;
}

static struct plan_facts make_facts(int row, const struct params *params, const struct suite *suite)
{
	struct plan_facts facts = {
	    .params = params,
	    .suite = suite,
	    .head_commit = HEAD,
	    .head_version = rows[row].head,
	    .tags = rows[row].tags,
	};

	while (facts.tag_count < TAGS_MAX && rows[row].tags[facts.tag_count].name)
		facts.tag_count++;
	return facts;
}

START_TEST(chooses_a_base)
{
	struct params params = make_params(rows[_i].from);
	struct suite suite = {0};
	struct plan_facts facts = make_facts(_i, &params, &suite);
	AUTO(plan) plan = {0};
	struct err err = {0};
	int result = plan_make(&facts, &plan, &err);

	if (rows[_i].is_error) {
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_msg(says(err.msg, rows[_i].reason), "%s", err.msg);
		return;
	}
	ck_assert_msg(result == 0, "%s", err.msg);
	const struct plan_base *base = plan_base(&plan);
	ck_assert_str_eq(base ? base->version : "", rows[_i].base);
	const char *reason = base ? base->why : plan.stages[STAGE_UPGRADE].not_run;
	ck_assert_ptr_nonnull(reason);
	ck_assert_msg(strstr(reason, rows[_i].reason) != NULL, "%s", reason);
	ck_assert_int_eq(plan.deploys, *rows[_i].base ? 3 : 1);
}
END_TEST

#define GREENS_MAX 4

/* What was green, with the tags 1.0.0+1 and 1.1.0+1 of C1 and C2, and head 1.2.0+1: both bases, why
 * the first, and what is said of who was rejected. */
static const struct {
	struct plan_green greens[GREENS_MAX];
	const char *first, *first_why, *second, *second_why;
	const char *rejected; /* "version: why"; NULL: nobody */
} green_rows[] = {
    {{{NULL}}, "1.1.0+1", "newest published version older than 1.2.0+1", "1.0.0+1",
	"next newest published version older than 1.2.0+1", NULL},
    {{{"1.1.0+1", C3, 40, NOW_S - 3 * DAY_S, true}}, "1.1.0+1",
	"newest green run of the default branch: build 40, 3 days ago", "1.0.0+1",
	"next newest published version older than 1.2.0+1", NULL},
    /* Green is better than newer. */
    {{{"0.9.0+1", C3, 0, NOW_S - DAY_S, true}}, "0.9.0+1",
	"newest green run of the default branch: 1 day ago", "1.1.0+1",
	"next newest published version older than 1.2.0+1", NULL},
    {{{"1.1.5+1", C3, 41, NOW_S, true}, {"1.1.4+1", HEAD "0", 40, NOW_S - 7200, true}}, "1.1.5+1",
	"newest green run of the default branch: build 41, just now", "1.1.4+1",
	"next newest green run of the default branch: build 40, 2 h ago", NULL},
    /* The same version again, or the same commit, would be as broken. */
    {{{"1.1.0+1", C3, 41, NOW_S, true}, {"1.1.0+1", HEAD "0", 40, NOW_S, true}}, "1.1.0+1",
	"build 41", "1.0.0+1", "published", NULL},
    {{{"1.1.1+1", C2, 41, NOW_S, true}}, "1.1.1+1", "build 41", "1.0.0+1", "published", NULL},
    {{{"1.2.0+1", C3, 41, NOW_S, true}}, "1.1.0+1", "published", "1.0.0+1", "published",
	"1.2.0+1: was green (build 41, just now), but is the version of the head"},
    {{{"1.1.0+1", HEAD, 41, NOW_S, true}}, "1.1.0+1", "published", "1.0.0+1", "published",
	"1.1.0+1: was green (build 41, just now), but is the head itself"},
    {{{"1.3.0+1", C3, 41, NOW_S, true}}, "1.1.0+1", "published", "1.0.0+1", "published",
	"1.3.0+1: was green (build 41, just now), but is newer than the head"},
    {{{"1.1.0+1", C3, 41, NOW_S, false}}, "1.1.0+1", "published", "1.0.0+1", "published",
	"1.1.0+1: was green (build 41, just now), but is of a commit that the recipe no longer "
	"has"},
    {{{"", C3, 41, NOW_S, true}}, "1.1.0+1", "published", "1.0.0+1", "published",
	": was green (build 41, just now), but is no recipe version"},
};

static const struct plan_tag two_tags[] = {{"1.0.0+1", C1}, {"1.1.0+1", C2}};

static void make_with_greens(int row, const struct params *params, struct plan *out)
{
	struct suite suite = {0};
	struct plan_facts facts = {
	    .params = params,
	    .suite = &suite,
	    .head_commit = HEAD,
	    .head_version = "1.2.0+1",
	    .tags = two_tags,
	    .tag_count = COUNT_OF(two_tags),
	    .greens = green_rows[row].greens,
	    .now_s = NOW_S,
	};
	struct err err = {0};

	while (facts.green_count < GREENS_MAX && facts.greens[facts.green_count].version)
		facts.green_count++;
	ck_assert_msg(plan_make(&facts, out, &err) == 0, "%s", err.msg);
}

START_TEST(prefers_what_was_green)
{
	struct params params = make_params("");
	AUTO(plan) plan = {0};

	make_with_greens(_i, &params, &plan);
	ck_assert_uint_eq(plan.base_count, 2);
	ck_assert_str_eq(plan.bases[0].version, green_rows[_i].first);
	ck_assert_msg(
	    strstr(plan.bases[0].why, green_rows[_i].first_why) != NULL, "%s", plan.bases[0].why);
	ck_assert_str_eq(plan.bases[1].version, green_rows[_i].second);
	ck_assert_msg(
	    strstr(plan.bases[1].why, green_rows[_i].second_why) != NULL, "%s", plan.bases[1].why);
	ck_assert_uint_eq(plan.rejected_count, green_rows[_i].rejected ? 1 : 0);
	if (!green_rows[_i].rejected)
		return;
	auto_str char *text = xasprintf("%s: %s", plan.rejected[0].version, plan.rejected[0].why);
	ck_assert_str_eq(text, green_rows[_i].rejected);
}
END_TEST

/* Who asks for a version gets that one or none. */
START_TEST(asks_no_history_with_from)
{
	struct params params = make_params("1.0.0+1");
	AUTO(plan) plan = {0};

	make_with_greens(1, &params, &plan);
	ck_assert_uint_eq(plan.base_count, 1);
	ck_assert_str_eq(plan.bases[0].version, "1.0.0+1");
}
END_TEST

START_TEST(goes_on_with_the_next_base)
{
	struct params params = make_params("");
	AUTO(plan) plan = {0};
	AUTO(plan) again = {0};
	struct err err = {0};

	make_with_greens(1, &params, &plan);
	plan_reject_base(&plan, "does not come up");
	ck_assert_str_eq(plan_base(&plan)->version, "1.0.0+1");
	ck_assert_str_eq(plan_base(&plan)->commit, C1);
	ck_assert_str_eq(plan_base(&plan)->why,
	    "next newest published version older than 1.2.0+1, as 1.1.0+1 is broken");
	ck_assert_str_eq(plan.broken, "1.1.0+1: does not come up");
	ck_assert_str_eq(plan.rejected[0].version, "1.1.0+1");
	ck_assert_str_eq(plan.rejected[0].why, "broken: does not come up");
	AUTO_PTR(json) file = plan_encode(&plan);
	ck_assert_msg(plan_decode(file, &again, &err) == 0, "%s", err.msg);
	plan_reject_base(&again, "nor does it");
	ck_assert_ptr_null(plan_base(&again));
	ck_assert_str_eq(again.broken, "1.1.0+1: does not come up; 1.0.0+1: nor does it");
	ck_assert_uint_eq(again.rejected_count, 2);
}
END_TEST

START_TEST(knows_a_whole_plan)
{
	struct params params = make_params("");
	AUTO(plan) whole = {0};
	AUTO(plan) part = {0};

	make_with_greens(0, &params, &whole);
	ck_assert(plan_is_whole(&whole));
	params.stages[STAGE_RECREATE] = false;
	make_with_greens(0, &params, &part);
	ck_assert(!plan_is_whole(&part));
}
END_TEST

START_TEST(shows_both_bases)
{
	struct params params = make_params("");
	AUTO(plan) plan = {0};
	AUTO(buf) text = buf_make(4096);

	make_with_greens(1, &params, &plan);
	plan_print(&plan, &text);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&text), "\nbase      1.1.0+1  " C3 "\n          newest green"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\nor else   1.0.0+1  " C1 "\n"));
}
END_TEST

/* Why the others are no base, and a head that says no version. */
START_TEST(shows_who_was_rejected)
{
	struct params params = make_params("");
	struct suite suite = {0};
	struct plan_tag tags[] = {{"1.0.0+1", C1}, {"1.1.0+1", HEAD}};
	struct plan_facts facts = {
	    .params = &params,
	    .suite = &suite,
	    .head_commit = HEAD,
	    .tags = tags,
	    .tag_count = COUNT_OF(tags),
	};
	AUTO(plan) plan = {0};
	AUTO(buf) text = buf_make(4096);
	struct err err = {0};

	ck_assert_msg(plan_make(&facts, &plan, &err) == 0, "%s", err.msg);
	plan_print(&plan, &text);
	ck_assert_msg(text_starts(buf_text(&text), "head      (no version label)  " HEAD "\n"),
	    "%s", buf_text(&text));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\nrejected  1.1.0+1: is the head itself\n"));
}
END_TEST

/* A recipe may have hundreds of tags that are no version: some show why, and the base is found. */
START_TEST(keeps_some_of_many_rejected)
{
	struct params params = make_params("");
	struct suite suite = {0};
	struct plan_tag tags[40];
	struct plan_facts facts = {
	    .params = &params,
	    .suite = &suite,
	    .head_commit = HEAD,
	    .head_version = "1.2.0+1",
	    .tags = tags,
	    .tag_count = COUNT_OF(tags),
	};
	AUTO(plan) plan = {0};
	AUTO(plan) again = {0};
	struct err err = {0};

	for (size_t i = 0; i < COUNT_OF(tags); i++)
		tags[i] = (struct plan_tag){"nightly", C1};
	tags[COUNT_OF(tags) - 2] = (struct plan_tag){"1.0.0+1", C2};
	tags[COUNT_OF(tags) - 1] = (struct plan_tag){"1.1.0+1", C3};
	ck_assert_msg(plan_make(&facts, &plan, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(plan.rejected_count, 32);
	ck_assert_str_eq(plan_base(&plan)->version, "1.1.0+1");
	/* Both bases may turn out to be broken besides, and the file is read again. */
	plan_reject_base(&plan, "does not come up");
	plan_reject_base(&plan, "nor does it");
	AUTO_PTR(json) file = plan_encode(&plan);
	ck_assert_msg(plan_decode(file, &again, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(again.rejected_count, 34);
}
END_TEST

START_TEST(survives_a_file)
{
	struct params params = make_params("");
	struct suite suite = {0};
	struct plan_facts facts = make_facts(3, &params, &suite);
	AUTO(plan) plan = {0};
	AUTO(plan) again = {0};
	struct err err = {0};

	ck_assert_int_eq(plan_make(&facts, &plan, &err), 0);
	AUTO_PTR(json) first = plan_encode(&plan);
	ck_assert_msg(plan_decode(first, &again, &err) == 0, "%s", err.msg);
	AUTO_PTR(json) second = plan_encode(&again);
	auto_str char *first_text = json_print(first);
	auto_str char *second_text = json_print(second);
	ck_assert_str_eq(first_text, second_text);
	ck_assert_msg(strstr(first_text, "is the version of the head") != NULL, "%s", first_text);
}
END_TEST

START_TEST(says_what_is_not_run)
{
	struct params params = make_params("");
	struct suite suite = {.not_run = {[STAGE_UPGRADE] = xstrdup("no state")}};
	struct plan_facts facts = make_facts(0, &params, &suite);
	AUTO(plan) plan = {0};
	struct err err = {0};

	params.has_stages = true;
	params.stages[STAGE_BACKUP] = true;
	params.stages[STAGE_INSTALL] = false;
	params.stages[STAGE_RECREATE] = false;
	ck_assert_int_eq(plan_make(&facts, &plan, &err), 0);
	ck_assert(!plan.stages[STAGE_INSTALL].is_wanted);
	ck_assert_str_eq(plan.stages[STAGE_UPGRADE].not_run, "no state");
	ck_assert(plan_runs(&plan, STAGE_BACKUP));
	ck_assert_int_eq(plan.deploys, 1);
	AUTO_PTR(json) file = plan_encode(&plan);
	AUTO(plan) again = {0};
	ck_assert_msg(plan_decode(file, &again, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(again.stages[STAGE_UPGRADE].not_run, "no state");
	suite_release(&suite);
}
END_TEST

/* What the recipe ships is the operator's to allow, what the suite has is not. */
static const struct {
	size_t own, own_extra, suite_extra;
	const char *allow;
	const char *recipe, *extra; /* why they are not run; NULL: they are */
} test_rows[] = {
    {0, 0, 0, NULL, "the recipe ships no tests",
	"neither the suite nor the recipe has extra tests"},
    {0, 0, 0, "*", "the recipe ships no tests", "neither the suite nor the recipe has extra tests"},
    {1, 1, 0, NULL, "tests/ of the recipe may not run here: RECIPE_TESTS_ALLOW does not name it",
	"tests/extra/ of the recipe may not run here: RECIPE_TESTS_ALLOW does not name it"},
    {1, 1, 0, "custom-html-2,custom",
	"tests/ of the recipe may not run here: RECIPE_TESTS_ALLOW does not name it",
	"tests/extra/ of the recipe may not run here: RECIPE_TESTS_ALLOW does not name it"},
    {1, 1, 0, "ghost,custom-html", NULL, NULL},
    {1, 1, 0, "*", NULL, NULL},
    {1, 0, 0, "*", NULL, "neither the suite nor the recipe has extra tests"},
    {0, 1, 0, "*", "the recipe ships no tests", NULL},
    {0, 0, 1, NULL, "the recipe ships no tests", NULL},
};

START_TEST(lets_run_what_may)
{
	struct params params = make_params("");
	struct suite suite = {.extra_count = test_rows[_i].suite_extra};
	struct plan_facts facts = make_facts(0, &params, &suite);
	AUTO(plan) plan = {0};
	struct err err = {0};

	params.stages[STAGE_EXTRA] = true;
	facts.own_test_count = test_rows[_i].own;
	facts.own_extra_count = test_rows[_i].own_extra;
	facts.tests_allow = test_rows[_i].allow;
	ck_assert_int_eq(plan_make(&facts, &plan, &err), 0);
	const char *why = plan.stages[STAGE_RECIPE].not_run;
	ck_assert_str_eq(why ? why : "", test_rows[_i].recipe ? test_rows[_i].recipe : "");
	why = plan.stages[STAGE_EXTRA].not_run;
	ck_assert_str_eq(why ? why : "", test_rows[_i].extra ? test_rows[_i].extra : "");
}
END_TEST

/* A stage works on what the one before left up: nothing is deployed twice for one proof. */
START_TEST(deploys_as_little_as_it_can)
{
	static const struct {
		bool install, recreate, backup;
		int deploys;
	} deploy_rows[] = {{true, true, false, 1}, {true, false, false, 1}, {false, true, false, 1},
	    {false, false, false, 0}, {true, true, true, 1}, {false, false, true, 1}};
	struct params params = make_params("");
	struct suite suite = {.not_run = {[STAGE_UPGRADE] = xstrdup("no state")}};
	struct plan_facts facts = make_facts(0, &params, &suite);
	AUTO(plan) plan = {0};
	struct err err = {0};

	params.stages[STAGE_INSTALL] = deploy_rows[_i].install;
	params.stages[STAGE_RECREATE] = deploy_rows[_i].recreate;
	params.stages[STAGE_BACKUP] = deploy_rows[_i].backup;
	ck_assert_int_eq(plan_make(&facts, &plan, &err), 0);
	ck_assert_int_eq(plan.deploys, deploy_rows[_i].deploys);
	suite_release(&suite);
}
END_TEST

static const struct {
	int64_t budget_ms;
	double seconds;
	enum outcome outcome, is;
	const char *before, *reason;
} budget_rows[] = {
    {0, 1e6, OUTCOME_PASS, OUTCOME_PASS, "why", "why"},
    {10000, 9.999, OUTCOME_PASS, OUTCOME_PASS, "why", "why"},
    {10000, 10, OUTCOME_PASS, OUTCOME_FAIL, "", "longer than its budget of 10 s"},
    {10000, 10, OUTCOME_PASS, OUTCOME_FAIL, "why", "longer than its budget of 10 s: why"},
    {10000, 10, OUTCOME_FAIL, OUTCOME_FAIL, "why", "longer than its budget of 10 s: why"},
    {10000, 9, OUTCOME_FAIL, OUTCOME_FAIL, "why", "why"},
    {600000, 700, OUTCOME_UNVERIFIED, OUTCOME_UNVERIFIED, "why",
	"why; its budget of 10 min 0 s was used up"},
    {600000, 700, OUTCOME_ERROR, OUTCOME_ERROR, "why", "why; its budget of 10 min 0 s was used up"},
    {600000, 700, OUTCOME_NOT_RUN, OUTCOME_NOT_RUN, "why", "why"},
};

START_TEST(holds_a_stage_to_its_budget)
{
	AUTO(results_stage) result;
	struct plan plan = {0};

	results_stage_init(&result, STAGE_UPGRADE);
	plan.stages[STAGE_UPGRADE].budget_ms = budget_rows[_i].budget_ms;
	result.outcome = budget_rows[_i].outcome;
	result.seconds = budget_rows[_i].seconds;
	results_set(&result.reason, budget_rows[_i].before);
	plan_hold_budget(&plan, &result);
	ck_assert_int_eq(result.outcome, budget_rows[_i].is);
	ck_assert_str_eq(result.reason, budget_rows[_i].reason);
}
END_TEST

START_TEST(knows_the_suites_budgets)
{
	struct params params = make_params("");
	struct suite suite = {.stage_timeout_ms = {[STAGE_UPGRADE] = 600000}};
	struct plan_facts facts = make_facts(0, &params, &suite);
	AUTO(plan) plan = {0};
	AUTO(plan) again = {0};
	AUTO(buf) text = buf_make(4096);
	struct err err = {0};

	ck_assert_int_eq(plan_make(&facts, &plan, &err), 0);
	AUTO_PTR(json) file = plan_encode(&plan);
	ck_assert_msg(plan_decode(file, &again, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(again.stages[STAGE_UPGRADE].budget_ms, 600000);
	ck_assert_int_eq(again.stages[STAGE_INSTALL].budget_ms, 0);
	plan_print(&again, &text);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\nstage     upgrade, within 10 min 0 s\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\nstage     install\n"));
}
END_TEST

/* There is nothing to go back from without an upgrade. */
START_TEST(goes_back_from_an_upgrade_alone)
{
	static const struct {
		bool upgrades;
		const char *head, *not_run; /* of rollback */
		int deploys;
	} back_rows[] = {{true, "1.2.0+1", NULL, 3},
	    {false, "1.2.0+1", "it follows an upgrade, and there is none", 0},
	    {true, "0.1.0+1", "it follows an upgrade, and there is none", 0}};
	struct params params = {.recipe = "r", .has_stages = true};
	struct suite suite = {0};
	struct plan_facts facts = {.params = &params,
	    .suite = &suite,
	    .head_commit = HEAD,
	    .head_version = back_rows[_i].head,
	    .tags = two_tags,
	    .tag_count = COUNT_OF(two_tags)};
	AUTO(plan) plan = {0};
	struct err err = {0};

	params.stages[STAGE_ROLLBACK] = true;
	params.stages[STAGE_UPGRADE] = back_rows[_i].upgrades;
	ck_assert_msg(plan_make(&facts, &plan, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(plan_runs(&plan, STAGE_ROLLBACK), !back_rows[_i].not_run);
	if (back_rows[_i].not_run)
		ck_assert_str_eq(plan.stages[STAGE_ROLLBACK].not_run, back_rows[_i].not_run);
	ck_assert_int_eq(plan.deploys, back_rows[_i].deploys);
}
END_TEST

#define FILE_OF(bases, rejected, stages, deploys)                                                  \
	"{\"head_commit\":\"\",\"head_version\":\"\",\"broken\":\"\",\"bases\":" bases             \
	",\"rejected\":" rejected ",\"stages\":" stages ",\"deploys\":" deploys "}"
#define FILE_WITH(rejected, stages, deploys) FILE_OF("[]", rejected, stages, deploys)
#define FILE_AFTER(head) "{" head ",\"bases\":[],\"rejected\":[],\"stages\":[],\"deploys\":1}"
#define REJECTED "{\"version\":\"1\",\"why\":\"old\"},"
#define REJECTED_7 REJECTED REJECTED REJECTED REJECTED REJECTED REJECTED REJECTED
#define REJECTED_34 /* and a comma */                                                              \
	REJECTED_7 REJECTED_7 REJECTED_7 REJECTED_7 REJECTED REJECTED REJECTED REJECTED REJECTED   \
	    REJECTED
#define REJECTED_35 REJECTED_34 "{\"version\":\"1\",\"why\":\"old\"}"
#define BASE "{\"version\":\"1\",\"commit\":\"2\",\"why\":\"3\"}"

START_TEST(reads_a_file)
{
	static const char text[] = FILE_WITH("[]", "[{\"name\":\"install\"}]", "100");
	AUTO(plan) plan = {0};
	struct err err = {0};
	AUTO_PTR(json) root = json_parse(text, strlen(text), &err);

	ck_assert_msg(plan_decode(root, &plan, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(plan.deploys, 100);
}
END_TEST

static const char *const damaged[] = {"{}", "[]", "{\"head_commit\":1}",
    FILE_AFTER("\"head_version\":\"\",\"broken\":\"\""),
    FILE_AFTER("\"head_commit\":\"\",\"broken\":\"\""),
    FILE_AFTER("\"head_commit\":\"\",\"head_version\":\"\""),
    FILE_WITH("[" REJECTED_35 "]", "[]", "1"),
    FILE_OF("[{\"commit\":\"2\",\"why\":\"3\"}]", "[]", "[]", "1"),
    FILE_OF("[{\"version\":\"1\",\"why\":\"3\"}]", "[]", "[]", "1"), FILE_WITH("{}", "[]", "1"),
    FILE_WITH("[]", "{}", "1"), FILE_WITH("[]", "[]", "-1"), FILE_WITH("[]", "[]", "101"),
    FILE_WITH("[]", "[]", "\"1\""), FILE_WITH("[]", "[{\"name\":\"dance\"}]", "1"),
    FILE_WITH("[]", "[{}]", "1"), FILE_WITH("[{\"version\":\"1\"}]", "[]", "1"),
    FILE_WITH("[{\"why\":\"old\"}]", "[]", "1"), FILE_OF("{}", "[]", "[]", "1"),
    FILE_OF("[" BASE "," BASE "," BASE "]", "[]", "[]", "1"),
    FILE_OF("[{\"version\":\"1\",\"commit\":\"2\"}]", "[]", "[]", "1"),
    FILE_WITH("[]", "[{\"name\":\"install\",\"budget_ms\":0}]", "1"),
    FILE_WITH("[]", "[{\"name\":\"install\",\"budget_ms\":\"1\"}]", "1")};

START_TEST(refuses_a_damaged_file)
{
	AUTO_PTR(json) root = NULL;
	AUTO(plan) plan = {0};
	struct err err = {0};

	root = json_parse(damaged[_i], strlen(damaged[_i]), &err);
	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(plan_decode(root, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, chooses_a_base, 0, COUNT_OF(rows));
	tcase_add_test(tc, survives_a_file);
	tcase_add_test(tc, says_what_is_not_run);
	tcase_add_loop_test(tc, lets_run_what_may, 0, COUNT_OF(test_rows));
	tcase_add_loop_test(tc, deploys_as_little_as_it_can, 0, 6);
	tcase_add_test(tc, reads_a_file);
	tcase_add_loop_test(tc, refuses_a_damaged_file, 0, COUNT_OF(damaged));
	tcase_add_loop_test(tc, prefers_what_was_green, 0, COUNT_OF(green_rows));
	tcase_add_test(tc, asks_no_history_with_from);
	tcase_add_test(tc, goes_on_with_the_next_base);
	tcase_add_test(tc, knows_a_whole_plan);
	tcase_add_test(tc, shows_both_bases);
	tcase_add_test(tc, shows_who_was_rejected);
	tcase_add_test(tc, keeps_some_of_many_rejected);
	tcase_add_loop_test(tc, holds_a_stage_to_its_budget, 0, COUNT_OF(budget_rows));
	tcase_add_test(tc, knows_the_suites_budgets);
	tcase_add_loop_test(tc, goes_back_from_an_upgrade_alone, 0, 3);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
