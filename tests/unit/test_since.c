/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed since the last green run: what is compared, what is not known, and the sentence. */
#include <check.h>

#include "harness.h"

#include "common/since.h"

#define C1 "1111111111111111111111111111111111111111"
#define C2 "2222222222222222222222222222222222222222"
#define D1 "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D2 "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* What a run rests on; the last green one is the first of the rows. */
struct ground {
	const char *ref, *tag, *digest, *extra_tag, *base, *abra, *suite, *suite_hash, *ccci;
};
#define GREEN                                                                                      \
	{                                                                                          \
		C1, "nginx:1", D1, NULL, "1.0.0", "0.13.0", "tests/recipes/r", "sha256:5", "0.1.0" \
	}

static void fill(const struct ground *ground, struct results *out)
{
	results_init(out);
	results_set(&out->ref, ground->ref);
	if (ground->tag)
		results_add_tag(out, "app", ground->tag);
	if (ground->digest)
		results_add_image(out, "app", ground->digest);
	if (ground->extra_tag)
		results_add_tag(out, "db", ground->extra_tag);
	results_set(&out->base_version, ground->base);
	results_set(&out->abra, ground->abra);
	results_set(&out->suite, ground->suite);
	results_set(&out->suite_hash, ground->suite_hash);
	results_set(&out->ccci, ground->ccci);
}

static const struct {
	struct ground last, now;
	const char *sentence; /* behind the colon */
} rows[] = {
    {GREEN, GREEN, "nothing changed"},
    {GREEN, {C2, "nginx:1", D1, NULL, "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	"recipe 11111111 → 22222222"},
    /* The tag was pushed anew: the recipe is as it was. */
    {GREEN, {C1, "nginx:1", D2, NULL, "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	"image app sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb under the same name; "
	"nothing of the recipe"},
    /* Another tag has another digest: said once. */
    {GREEN, {C2, "nginx:2", D2, NULL, "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	"recipe 11111111 → 22222222, image app nginx:1 → nginx:2"},
    {GREEN, {C2, "nginx:1", D1, "redis:7", "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	"recipe 11111111 → 22222222, image db none → redis:7"},
    {{C1, "nginx:1", D1, "redis:7", "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	{C2, "nginx:1", D1, NULL, "1.0.0", "0.13.0", "t", "sha256:5", "0.1.0"},
	"recipe 11111111 → 22222222, image db redis:7 → none"},
    {GREEN, {C1, "nginx:1", D1, NULL, "1.1.0", "0.13.1", "t", "sha256:6", "0.2.0"},
	"base 1.0.0 → 1.1.0, abra 0.13.0 → 0.13.1, suite sha256:5 → sha256:6, "
	"ccci 0.1.0 → 0.2.0; nothing of the recipe"},
    {GREEN, {C1, "nginx:1", D1, NULL, "1.0.0", "0.13.0", "defaults", "", "0.1.0"},
	"suite sha256:5 → none; nothing of the recipe"},
    /* What a run that ended early did not come to know is no change. */
    {GREEN, {"", NULL, NULL, NULL, "", "", "", "", ""}, "nothing changed"},
    {GREEN, {C1, "nginx:1", NULL, NULL, "", "", "", "", ""}, "nothing changed"},
};

START_TEST(names_what_changed)
{
	AUTO(results) last = {0};
	AUTO(results) now = {0};

	fill(&rows[_i].last, &last);
	fill(&rows[_i].now, &now);
	results_set(&last.started, "2026-11-19T03:10:00Z");
	results_set(&now.started, "2026-11-22T03:10:00Z");
	last.build = 40;
	since_compare(&last, &now);
	auto_str char *sentence = since_sentence(&now);
	auto_str char *expected =
	    xasprintf("Since the last green (build 40, 3 days ago): %s", rows[_i].sentence);
	ck_assert_str_eq(sentence, expected);
	ck_assert_str_eq(now.last_green_commit, C1);
}
END_TEST

START_TEST(says_nothing_without_a_last_green_run)
{
	AUTO(results) now = {0};

	results_init(&now);
	ck_assert_ptr_null(since_sentence(&now));
}
END_TEST

/* A run of a laptop has no build; of many changes the first ones are shown. */
START_TEST(stays_a_line)
{
	AUTO(results) last = {0};
	AUTO(results) now = {0};

	results_init(&last);
	results_init(&now);
	results_set(&last.started, "2026-11-22T03:10:00Z");
	results_set(&now.started, "2026-11-22T05:10:00Z");
	for (int i = 0; i < 10; i++) {
		auto_str char *name = xasprintf("s%d", i);

		results_add_tag(&last, name, "a");
		results_add_tag(&now, name, "b");
	}
	since_compare(&last, &now);
	auto_str char *sentence = since_sentence(&now);
	ck_assert_msg(text_starts(sentence, "Since the last green (2 h ago): image s0 a → b, "),
	    "%s", sentence);
	ck_assert_msg(text_ends(sentence, "image s7 a → b and 2 more; nothing of the recipe"), "%s",
	    sentence);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("since");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, names_what_changed, 0, COUNT_OF(rows));
	tcase_add_test(tc, says_nothing_without_a_last_green_run);
	tcase_add_test(tc, stays_a_line);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
