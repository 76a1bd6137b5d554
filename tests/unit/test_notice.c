/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/tell/notice.h"
#include "common/json.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/*
 * A run in three letters. By whom: p(eople), s(ome stages only), o(ther suites), 1 or 2, a try by
 * night. What came of it: G(reen), R(ed), T(imed out), E(rror of ours), C(ancelled), . (goes on).
 * The level.
 */
static struct job_brief make_brief(const char *word, int64_t build)
{
	bool is_night = word[0] == '1' || word[0] == '2';
	struct job_brief brief = {
	    .comment = is_night ? job_first_of_night(20000, word[0] - '0') + build : 800 + build,
	    .pr = is_night ? 0 : 3,
	    .build = build,
	    .ended_s = 1795318095 + build,
	    .state = word[1] == '.' ? JOB_RUNNING : JOB_ANSWERED,
	    .has_verdict = word[1] != '.',
	    .verdict = word[1] == 'G'	? VERDICT_PASSED
		       : word[1] == 'R' ? VERDICT_RECIPE_FAILED
		       : word[1] == 'T' ? VERDICT_TIMED_OUT
		       : word[1] == 'C' ? VERDICT_CANCELLED
					: VERDICT_CI_ERROR,
	    .level = word[2] - '0',
	    .repo = "org/wiki",
	    .author = "member",
	    .ref = A,
	    .stages = word[0] == 's' ? "install" : "",
	    .head_version = "",
	    .base_version = "",
	    .suite_ref = word[0] == 'o' ? A : "",
	    .outline = ""};

	return brief;
}

/* Newest first, builds numbered from the oldest, 1, on. */
static void make_past(const char *words, struct past *out)
{
	int64_t count = (int64_t)(strlen(words) + 1) / 4;

	for (int64_t i = 0; i < count; i++) {
		struct job_brief brief = make_brief(words + i * 4, count - i);

		past_add(out, &brief);
	}
}

/* What the newest run of all is news of; told: "level 4>1 red@2 green", "" nothing. */
static const struct {
	const char *runs;
	const char *told;
} rows[] = {
    /* The first run of all changes nothing; nor does one that says nothing. */
    {"pG4", ""},
    {"pR0", ""},
    {"pG4 pG4", ""},
    {"pE0 pG4", ""},
    {"pC0 pG4", ""},
    {"p.0 pG4", ""},
    {"sG1 pG4", ""},
    {"sR0 pG4", ""},
    {"oG5 pG4", ""},
    {"oR0 pG4", ""},
    /* Levels. */
    {"pR1 pG4", "level 4>1"},
    {"pG5 pG4", "level 4>5"},
    {"pG4 pR4", ""},
    {"pT0 pG4", "level 4>0"},
    {"pR1 pE0 sG2 pC0 pG4", "level 4>1"},
    /* By night: red is told when it is red again, with the level of before both. */
    {"1R1", ""},
    {"1R1 1G4", ""},
    {"2R1 1R1 1G4", "level 4>1 red@2"},
    {"2R0 1R1 1G4", "level 4>0 red@2"},
    {"2R4 1R4 1G4", "red@2"},
    {"2R1 1R1", "red@1"},
    {"2R1 1R1 pG4", "level 4>1 red@2"},
    {"2G4 1R1 1G4", ""}, /* by chance */
    {"2G5 1R1 1G4", "level 4>5"},
    /* The second try was none, or the bridge was down: the next night's confirms it. */
    {"2E0 1R1 1G4", ""},
    {"1R1 2E0 1R1 1G4", "level 4>1 red@2"},
    {"1R1 1R1 1G4", "level 4>1 red@2"},
    {"1G4 1R1 1G4", ""},
    /* It stays red: everybody knows, but of another level. */
    {"1R1 2R1 1R1 1G4", ""},
    {"1R2 2R1 1R1 1G4", "level 1>2"},
    {"1E0 2R1 1R1 1G4", ""},
    /* Green again, at once. */
    {"1G4 2R1 1R1 1G4", "level 1>4 green"},
    {"1G1 1R1 2R1 1R1 1G4", "green"},
    {"1G4 1E0 2R1 1R1", "level 1>4 green"},
    /* People's runs in between say the level, and nothing of the nights. */
    {"pG4 2R1 1R1 1G4", "level 1>4"},
    {"2R1 pG4 1R1 1G4", "level 4>1 red@2"},
    {"2R1 pR1 1R1 1G4", "red@2"},
    {"1G4 pG4 2R1 1R1 1G4", "green"},
    {"pG4 1R1 1G4", ""},
};

static char *describe(const struct notice *notice)
{
	struct buf text = buf_make(200);

	if (notice->is_level)
		(void)buf_printf(&text, " level %d>%d", notice->before, notice->after);
	if (notice->turns_red)
		(void)buf_printf(&text, " red@%lld", (long long)notice->first_red->build);
	if (notice->turns_green)
		(void)buf_printf(&text, " green");
	return buf_take(&text);
}

START_TEST(news_is)
{
	AUTO(past) past = {0};
	struct notice notice;

	make_past(rows[_i].runs, &past);
	bool is_news = notice_judge(&past, past.runs[0].comment, &notice);
	auto_str char *told = describe(&notice);
	ck_assert_msg(text_is(told + (*told ? 1 : 0), rows[_i].told), "%s: \"%s\" and not \"%s\"",
	    rows[_i].runs, told, rows[_i].told);
	ck_assert_int_eq(is_news, *rows[_i].told != '\0');
}
END_TEST

/* A run that ends after a newer one says nothing any more. */
START_TEST(an_older_run_is_no_news)
{
	AUTO(past) past = {0};
	struct notice notice;

	make_past("pG4 pR1 pG4", &past);
	ck_assert(!notice_judge(&past, past.runs[1].comment, &notice));
	ck_assert(!notice_judge(&past, 7, &notice));
}
END_TEST

#define RESULTS                                                                                    \
	"{\"schema\":1,\"verdict\":\"recipe_failed\",\"last_green\":{\"build\":1},"                \
	"\"changed\":[{\"what\":\"abra\",\"was\":\"1\",\"is\":\"2\"}]}"

static struct json *write_notice(const char *runs, const char *results, const char *pages_url)
{
	AUTO(past) past = {0};
	struct notice notice;
	AUTO(job)
	job = {.repo = "org/wiki",
	    .build = 3,
	    .ref = A,
	    .has_verdict = true,
	    .verdict = VERDICT_RECIPE_FAILED,
	    .reason = "the app answers 502",
	    .results = results ? xstrdup(results) : NULL};
	const struct notice_facts facts = {&job, pages_url};
	struct err err;

	make_past(runs, &past);
	job.comment = past.runs[0].comment;
	job.pr = past.runs[0].pr;
	ck_assert(notice_judge(&past, job.comment, &notice));
	auto_str char *text = notice_write(&notice, &facts);
	ck_assert_ptr_null(strchr(text, '\n'));
	struct json *json = json_parse(text, strlen(text), &err);
	ck_assert_msg(json != NULL, "%s", err.msg);
	return json;
}

START_TEST(document_says_all_of_it)
{
	AUTO_PTR(json) json = write_notice("2R1 1R1 1G4", RESULTS, "https://ci.example.org");
	int64_t number = 0;
	bool is_nightly = false;

	ck_assert_str_eq(json_get_text(json, "id"), "4200040001000003-3");
	ck_assert_str_eq(json_text(json_at(json_get(json, "events"), 0)), "level");
	ck_assert_str_eq(json_text(json_at(json_get(json, "events"), 1)), "nightly_red");
	ck_assert_uint_eq(json_count(json_get(json, "events")), 2);
	ck_assert_str_eq(json_get_text(json, "recipe"), "wiki");
	ck_assert(json_get_bool(json, "nightly", &is_nightly) && is_nightly);
	ck_assert_str_eq(json_get_text(json, "url"), "https://ci.example.org/runs/3");
	ck_assert_str_eq(json_get_text(json, "verdict"), "recipe_failed");
	ck_assert(json_get_int(json_get(json, "level"), "before", &number) && number == 4);
	ck_assert(json_get_int(json_get(json, "level"), "after", &number) && number == 1);
	const struct json *first = json_get(json, "first_red");
	ck_assert(json_get_int(first, "build", &number) && number == 2);
	ck_assert_str_eq(json_get_text(first, "url"), "https://ci.example.org/runs/2");
	ck_assert_str_eq(json_get_text(first, "ended"), "2026-11-22T03:28:17Z");
	ck_assert(json_get_int(json_path(json, "last_green"), "build", &number) && number == 1);
	ck_assert_uint_eq(json_count(json_get(json, "changed")), 1);
	ck_assert_str_eq(json_get_text(json_get(json, "results"), "verdict"), "recipe_failed");
}
END_TEST

START_TEST(what_is_not_known_is_null)
{
	static const char *const nulls[] = {"url", "first_red", "last_green", "changed", "results"};
	AUTO_PTR(json) json = write_notice("1G4 2R1 1R1", NULL, NULL);

	for (size_t i = 0; i < COUNT_OF(nulls); i++)
		ck_assert_msg(json_is_null(json_get(json, nulls[i])), "%s", nulls[i]);
	AUTO_PTR(json) red = write_notice("2R1 1R1", NULL, NULL);
	ck_assert(json_is_null(json_get(json_get(red, "level"), "before")));
}
END_TEST

START_TEST(tries_are_few)
{
	ck_assert_int_eq(notice_again_s(0), 0);
	ck_assert_int_eq(notice_again_s(1), 60);
	ck_assert_int_eq(notice_again_s(2), 600);
	ck_assert_int_eq(notice_again_s(3), -1);
	ck_assert_int_eq(notice_again_s(1000), -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("notice");
	TCase *tests = tcase_create("notice");

	tcase_add_loop_test(tests, news_is, 0, COUNT_OF(rows));
	tcase_add_test(tests, an_older_run_is_no_news);
	tcase_add_test(tests, document_says_all_of_it);
	tcase_add_test(tests, what_is_not_known_is_null);
	tcase_add_test(tests, tries_are_few);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
