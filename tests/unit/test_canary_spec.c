/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a canary declares, and what is told of one that came out otherwise. */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/host/canary_spec.h"

#include <dirent.h>

#define HISTORY                                                                                    \
	"history:\n  - {version: 0.1.0+1.0, tag: annotated}\n  - {version: 0.1.5+1.0, tag: "       \
	"lightweight}\n  - {version: 0.2.0+1.1}\n"
#define EXPECT                                                                                     \
	"expect:\n  verdict: recipe_failed\n  exit: 1\n  head: 0.2.0+1.1\n"                        \
	"  stages: {install: pass, upgrade: fail}\n"
#define WHOLE                                                                                      \
	HISTORY                                                                                    \
	"values: {DELAY: 20}\narguments: [--stages=upgrade, --from=0.1.0+1.0]\nimages: "           \
	"[\"ccci-canary/web:1.0\"]\n" EXPECT                                                       \
	"  level: 1\n  deploys: 3\n  base: 0.1.0+1.0\n  service: app\n  tests: {install: {GET /: " \
	"pass, \"volume data\": not_run}}\n  allowed: [\"cap:X\"]\n"                               \
	"  says: [\"lost its marker\"]\n  says_not: [\"root:\"]\n  within_s: 20\n"

static void read_spec(const char *text, struct canary_spec *out)
{
	struct err err = {0};

	ck_assert_msg(
	    canary_spec_read("canary.yml", text, strlen(text), out, &err) == 0, "%s", err.msg);
}

START_TEST(reads_a_whole_one)
{
	AUTO(canary_spec) spec = {0};

	read_spec(WHOLE, &spec);
	ck_assert_uint_eq(spec.commit_count, 3);
	ck_assert_str_eq(spec.commits[0].version, "0.1.0+1.0");
	ck_assert_int_eq(spec.commits[0].tag, CANARY_ANNOTATED);
	ck_assert_int_eq(spec.commits[1].tag, CANARY_LIGHTWEIGHT);
	ck_assert_int_eq(spec.commits[2].tag, CANARY_HEAD);
	ck_assert_str_eq(spec.values[0].name, "DELAY");
	ck_assert_str_eq(spec.values[0].value, "20");
	ck_assert_str_eq(spec.images.items[0], "ccci-canary/web:1.0");
	ck_assert_str_eq(spec.needs, "");
	ck_assert_str_eq(spec.only_stages, "upgrade");
	ck_assert_str_eq(spec.from, "0.1.0+1.0");
	ck_assert_int_eq(spec.verdict, VERDICT_RECIPE_FAILED);
	ck_assert(spec.stages[STAGE_UPGRADE].is_declared && !spec.stages[STAGE_BACKUP].is_declared);
	ck_assert_int_eq(spec.stages[STAGE_UPGRADE].outcome, OUTCOME_FAIL);
}
END_TEST

START_TEST(knows_what_only_the_tests_have)
{
	AUTO(canary_spec) registry = {0};
	AUTO(canary_spec) switches = {0};

	read_spec(HISTORY EXPECT "needs: registry\nregistry: toomanyrequests\n", &registry);
	ck_assert_str_eq(registry.needs, "registry");
	read_spec(HISTORY EXPECT "switches: [k24]\n", &switches);
	ck_assert_ptr_nonnull(strstr(switches.needs, "abra"));
}
END_TEST

static const struct wrong_row {
	const char *text, *says;
} wrong_rows[] = {
    {"", "history is no list"},
    {"[]", "is no mapping"},
    {EXPECT, "history"},
    {HISTORY, "is no mapping"},
    {"history: []\n" EXPECT, "history"},
    {"history: [{version: 1.0.0+1, tag: annotated}]\n" EXPECT, "the head is the last one"},
    {"history: [{version: 1.0.0+1}, {version: 1.1.0+1}]\n" EXPECT, "the head is the last one"},
    {"history: [{version: 1.0.0+1, tag: heavy}]\n" EXPECT, "annotated or lightweight"},
    {"history: [{tag: annotated}]\n" EXPECT, "has no version"},
    {"history: [{version: ../x}]\n" EXPECT, "has no version"},
    {"history: [{version: -x}]\n" EXPECT, "has no version"},
    {"history: [{version: 1.0.0+1, when: now}]\n" EXPECT, "canary.yml:1: unknown key \"when\""},
    {HISTORY EXPECT "  speed: 3\n", "unknown key \"speed\""},
    {HISTORY EXPECT "bot: x\n", "unknown key \"bot\""},
    {HISTORY EXPECT "  level: high\n", "is no number"},
    {HISTORY EXPECT "  level: 101\n", "is no number"},
    {HISTORY EXPECT "  tests: {instal: {x: pass}}\n", "no stage with tests"},
    {HISTORY EXPECT "  tests: {install: pass}\n", "no stage with tests"},
    {HISTORY EXPECT "  tests: {install: {x: green}}\n", "no outcome"},
    {HISTORY EXPECT "  tests: [x]\n", "no stage with tests"},
    {HISTORY EXPECT "  says: x\n", "is no list"},
    {HISTORY EXPECT "  says: [[x]]\n", "is no text"},
    {HISTORY EXPECT "values: [x]\n", "no mapping"},
    {HISTORY EXPECT "arguments: [--keep=1m]\n", "neither --stages"},
    {HISTORY EXPECT "arguments: [--stages=a, --stages=b]\n", "neither --stages"},
    {HISTORY "expect: {verdict: green, exit: 0, head: x, stages: {}}\n", "no verdict"},
    {HISTORY "expect: {verdict: passed, head: x, stages: {}}\n", "no exit"},
    {HISTORY "expect: {verdict: passed, exit: 0, stages: {}}\n", "no head"},
    {HISTORY "expect: {verdict: passed, exit: 0, head: x}\n", "no stages"},
    {HISTORY "expect: {verdict: passed, exit: 0, head: x, stages: {instal: pass}}\n", "no stage"},
    {HISTORY "expect: {verdict: passed, exit: 0, head: x, stages: {install: green}}\n", "no stage"},
};

START_TEST(refuses_row)
{
	const struct wrong_row *row = &wrong_rows[_i];
	struct canary_spec spec;
	struct err err = {0};

	ck_assert_int_eq(
	    canary_spec_read("canary.yml", row->text, strlen(row->text), &spec, &err), -1);
	ck_assert_msg(strstr(err.msg, row->says) != NULL, "row %d: %s", _i, err.msg);
}
END_TEST

/* As WHOLE declares. */
static void make_results(struct results *out)
{
	struct results_stage stage;

	results_init(out);
	out->verdict = VERDICT_RECIPE_FAILED;
	out->level = 1;
	out->deploys = 3;
	results_set(&out->head_version, "0.2.0+1.1");
	results_set(&out->base_version, "0.1.0+1.0");
	results_allowed_add(&out->allowed, "app", "may x", "cap:X");
	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = OUTCOME_PASS;
	results_stage_add_test(&stage, "GET /", OUTCOME_PASS, 0, "");
	results_stage_add_test(&stage, "volume data", OUTCOME_NOT_RUN, 0, "dropped");
	results_take_stage(out, &stage);
	results_stage_init(&stage, STAGE_UPGRADE);
	stage.outcome = OUTCOME_FAIL;
	results_set(&stage.reason, "volume data lost its marker");
	results_set(&stage.service, "app");
	results_take_stage(out, &stage);
}

START_TEST(has_nothing_to_say_of_a_good_one)
{
	AUTO(canary_spec) spec = {0};
	AUTO(results) results = {0};
	AUTO(buf) differences = buf_make(SIZE_MAX / 2);

	read_spec(WHOLE, &spec);
	make_results(&results);
	canary_spec_compare(&spec, &results, 1, &differences);
	ck_assert_str_eq(buf_text(&differences), "");
	/* What is not declared may be as it likes. */
	AUTO(canary_spec) least = {0};
	read_spec(HISTORY EXPECT, &least);
	results.level = 4;
	results.deploys = 9;
	results_set(&results.base_version, "x");
	canary_spec_compare(&least, &results, 1, &differences);
	ck_assert_str_eq(buf_text(&differences), "");
}
END_TEST

static void spoil(struct results *results, int which)
{
	switch (which) {
	case 0:
		results->verdict = VERDICT_PASSED;
		break;
	case 1:
		results->level = 2;
		break;
	case 2:
		results->deploys = 2;
		break;
	case 3:
		results->stages[0].outcome = OUTCOME_UNVERIFIED;
		break;
	case 4:
		results_set(&results->head_version, "");
		break;
	case 5:
		results_set(&results->base_version, "0.1.5+1.0");
		break;
	case 6:
		results_set(&results->stages[1].service, "db");
		break;
	case 7:
		results_allowed_add(&results->allowed, "app", "may y", "cap:Y");
		break;
	case 8:
		results_set(&results->allowed.items[0].word, "cap:Z");
		break;
	case 9:
		results_set(&results->stages[1].reason, "something else");
		break;
	case 10:
		results_stage_set_evidence(&results->stages[1], "app", "x\nroot:x:0:0\n");
		break;
	case 11:
		results->is_clean = false;
		break;
	case 12:
		results_stage_add_test(&results->stages[0], "t", OUTCOME_NOT_RUN, 0, "root:");
		break;
	case 13:
		results->stages[0].tests[1].outcome = OUTCOME_PASS;
		break;
	case 14:
		results_set(&results->stages[0].tests[0].name, "GET /x");
		break;
	default: /* the exit code */
		break;
	}
}

static const char *const spoilt_says[] = {
    "verdict is \"passed\" instead of \"recipe_failed\"\n",
    "level is 2 instead of 1\n",
    "number of deploys is 2 instead of 3\n",
    "install is \"unverified\" instead of \"pass\"\n",
    "head is \"\" instead of \"0.2.0+1.1\"\n",
    "base is \"0.1.5+1.0\" instead of \"0.1.0+1.0\"\n",
    "the service that failed is \"db\" instead of \"app\"\n",
    "2 words of allow let something through, not those declared\n",
    "1 words of allow let something through, not those declared\n",
    "it does not say \"lost its marker\"\n",
    "it says \"root:\"\n",
    "something was left behind\n",
    "it says \"root:\"\n",
    "volume data is \"pass\" instead of \"not_run\"\n",
    "GET / is \"\" instead of \"pass\"\n",
    "exit code is 3 instead of 1\n",
};

START_TEST(tells_each_difference)
{
	AUTO(canary_spec) spec = {0};
	AUTO(results) results = {0};
	AUTO(buf) differences = buf_make(SIZE_MAX / 2);

	read_spec(WHOLE, &spec);
	make_results(&results);
	spoil(&results, _i);
	canary_spec_compare(
	    &spec, &results, _i == (int)COUNT_OF(spoilt_says) - 1 ? 3 : 1, &differences);
	ck_assert_str_eq(buf_text(&differences), spoilt_says[_i]);
}
END_TEST

/* A stage that was not planned is none of the declared ones. */
START_TEST(misses_a_stage)
{
	AUTO(canary_spec) spec = {0};
	AUTO(results) results = {0};
	AUTO(buf) differences = buf_make(SIZE_MAX / 2);

	read_spec(HISTORY EXPECT, &spec);
	make_results(&results);
	results.stages[1].stage = STAGE_BACKUP;
	canary_spec_compare(&spec, &results, 1, &differences);
	ck_assert_str_eq(buf_text(&differences), "upgrade is \"\" instead of \"fail\"\n");
}
END_TEST

/* Nothing at all may be what is declared. */
START_TEST(none_is_a_number_too)
{
	AUTO(canary_spec) spec = {0};
	AUTO(results) results = {0};
	AUTO(buf) differences = buf_make(SIZE_MAX / 2);

	read_spec(HISTORY EXPECT "  level: 0\n  deploys: 0\n", &spec);
	make_results(&results);
	canary_spec_compare(&spec, &results, 1, &differences);
	ck_assert_str_eq(buf_text(&differences),
	    "level is 1 instead of 0\nnumber of deploys is 3 instead of 0\n");
}
END_TEST

/* Each canary of the tests: the harness and this module read the same form. */
START_TEST(reads_every_canary)
{
	DIR *dir = opendir(TEST_SOURCE_DIR "/tests/canaries");
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		auto_str char *path =
		    xasprintf(TEST_SOURCE_DIR "/tests/canaries/%s/canary.yml", entry->d_name);
		AUTO(canary_spec) spec = {0};
		AUTO(buf) text = {0};
		struct err err;

		if (entry->d_name[0] == '.' || !file_exists(path))
			continue;
		ck_assert_msg(
		    file_read(path, CANARY_SPEC_MAX_BYTES, &text, &err) == 0 &&
			canary_spec_read(path, buf_text(&text), text.length, &spec, &err) == 0,
		    "%s", err.msg);
		count++;
	}
	ck_assert_int_eq(closedir(dir), 0);
	ck_assert_int_gt(count, 20);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("canary_spec");
	TCase *tc = tcase_create("canary_spec");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, reads_a_whole_one);
	tcase_add_test(tc, knows_what_only_the_tests_have);
	tcase_add_loop_test(tc, refuses_row, 0, COUNT_OF(wrong_rows));
	tcase_add_test(tc, has_nothing_to_say_of_a_good_one);
	tcase_add_loop_test(tc, tells_each_difference, 0, COUNT_OF(spoilt_says));
	tcase_add_test(tc, misses_a_stage);
	tcase_add_test(tc, none_is_a_number_too);
	tcase_add_test(tc, reads_every_canary);
	return suite;
}

TEST_MAIN(make_suite)
