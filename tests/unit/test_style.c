/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/pages/badge.h"
#include "bridge/pages/style.h"

#include <math.h>

/* Source: WCAG 2.2, relative luminance and contrast ratio; AA: text 4.5, what is drawn 3. */
#define TEXT_LEAST 4.5
#define DRAWN_LEAST 3.0

static double luminance(const char *digits)
{
	double light = 0;
	static const double parts[] = {0.2126, 0.7152, 0.0722};

	for (size_t i = 0; i < 3; i++) {
		char pair[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
		char *end = NULL;
		double value = (double)strtol(pair, &end, 16) / 255;

		ck_assert_msg(*end == '\0', "no colour: %.6s", digits);
		light += parts[i] *
			 (value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4));
	}
	return light;
}

static double contrast(const char *one, const char *other)
{
	double a = luminance(one);
	double b = luminance(other);

	return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

/* The digits of a custom property within a theme: 0 is light, 1 is dark. */
static const char *colour(const char *css, int theme, const char *name)
{
	auto_str char *property = xasprintf("--%s:#", name);
	const char *at = strstr(css, theme ? "prefers-color-scheme:dark" : ":root");

	ck_assert_ptr_nonnull(at);
	at = strstr(at, property);
	ck_assert_msg(at != NULL, "no colour %s", name);
	return at + strlen(property);
}

static const struct {
	const char *text, *ground;
	double least;
} pairs[] = {
    {"ink", "ground", TEXT_LEAST},
    {"ink", "card", TEXT_LEAST},
    {"ink", "greyback", TEXT_LEAST},
    {"soft", "ground", TEXT_LEAST},
    {"soft", "card", TEXT_LEAST},
    {"link", "ground", TEXT_LEAST},
    {"link", "card", TEXT_LEAST},
    {"green", "greenback", TEXT_LEAST},
    {"red", "redback", TEXT_LEAST},
    {"amber", "amberback", TEXT_LEAST},
    {"blue", "blueback", TEXT_LEAST},
    {"grey", "greyback", TEXT_LEAST},
    {"bar", "card", DRAWN_LEAST},
    {"barred", "card", DRAWN_LEAST},
    {"bargrey", "card", DRAWN_LEAST},
    {"edge", "card", DRAWN_LEAST},
};

START_TEST(colours_can_be_told_apart)
{
	AUTO(buf) css = buf_make(STYLE_MAX_BYTES);

	style_write_css(&css);
	for (int theme = 0; theme < 2; theme++) {
		double ratio = contrast(colour(buf_text(&css), theme, pairs[_i].text),
		    colour(buf_text(&css), theme, pairs[_i].ground));

		ck_assert_msg(ratio >= pairs[_i].least, "%s on %s, %s: %.2f", pairs[_i].text,
		    pairs[_i].ground, theme ? "dark" : "light", ratio);
	}
}
END_TEST

START_TEST(style_is_plain)
{
	AUTO(buf) css = buf_make(STYLE_MAX_BYTES);
	int depth = 0;

	style_write_css(&css);
	ck_assert(!css.was_truncated);
	ck_assert_ptr_null(strpbrk(buf_text(&css), "<&"));
	ck_assert_ptr_null(strstr(buf_text(&css), "url("));
	for (const char *at = buf_text(&css); *at; at++) {
		depth += *at == '{' ? 1 : *at == '}' ? -1 : 0;
		ck_assert_int_ge(depth, 0);
	}
	ck_assert_int_eq(depth, 0);
}
END_TEST

/* Source: printf '' | openssl dgst -sha256 -binary | base64 */
START_TEST(policy_names_the_hash)
{
	AUTO(buf) policy = buf_make(512);

	style_write_policy(
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", &policy);
	ck_assert_msg(strstr(buf_text(&policy),
			  "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';"),
	    "%s", buf_text(&policy));
	ck_assert_msg(
	    text_starts(buf_text(&policy), "default-src 'none';"), "%s", buf_text(&policy));
}
END_TEST

/* --- badges --- */

static const struct {
	enum job_state state;
	enum verdict_class verdict;
	int level;
	const char *message; /* of a recipe that has this run alone */
} badges[] = {
    {JOB_ANSWERED, VERDICT_PASSED, 5, "level 5"},
    {JOB_ANSWERED, VERDICT_PASSED, 4, "level 4"},
    {JOB_ANSWERED, VERDICT_PASSED, 3, "level 3"},
    {JOB_ANSWERED, VERDICT_PASSED, 2, "level 2"},
    {JOB_ANSWERED, VERDICT_RECIPE_FAILED, 1, "level 1"},
    {JOB_ANSWERED, VERDICT_RECIPE_FAILED, 0, "level 0"},
    {JOB_ANSWERED, VERDICT_CI_ERROR, 0, "unknown"},
    {JOB_RUNNING, VERDICT_PASSED, 0, "running"},
};

START_TEST(badge_says_the_level)
{
	AUTO(past) past = {0};
	AUTO(html) html = html_make();
	struct job_brief brief = {.build = 1,
	    .state = badges[_i].state,
	    .has_verdict = badges[_i].state == JOB_ANSWERED,
	    .verdict = badges[_i].verdict,
	    .level = badges[_i].level,
	    .repo = "org/x",
	    .author = "",
	    .ref = "",
	    .stages = "",
	    .head_version = "",
	    .base_version = "",
	    .suite_ref = "",
	    .outline = ""};

	past_add(&past, &brief);
	struct badge badge = badge_of("custom-html", &past);
	AUTO_PTR(json) json = badge_encode(&badge);
	auto_str char *label = xasprintf("aria-label=\"custom-html: %s\"", badges[_i].message);

	ck_assert_str_eq(badge.message, badges[_i].message);
	ck_assert_double_ge(contrast("ffffff", badge.colour), TEXT_LEAST);
	ck_assert_str_eq(json_get_text(json, "message"), badges[_i].message);
	badge_write_svg(&html, &badge);
	ck_assert(html_is_whole(&html));
	ck_assert_ptr_nonnull(strstr(buf_text(&html.out), label));
	ck_assert_ptr_nonnull(strstr(buf_text(&html.out), "<title>custom-html: "));
	ck_assert_ptr_nonnull(strstr(buf_text(&html.out), badge.colour));
}
END_TEST

START_TEST(badge_of_nobody)
{
	const struct past none = {0};
	struct badge badge = badge_of("x", &none);

	ck_assert_str_eq(badge.message, "unknown");
	ck_assert_double_ge(contrast("ffffff", badge.colour), TEXT_LEAST);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("style");
	TCase *tests = tcase_create("style");

	tcase_add_loop_test(tests, colours_can_be_told_apart, 0, COUNT_OF(pairs));
	tcase_add_test(tests, style_is_plain);
	tcase_add_test(tests, policy_names_the_hash);
	tcase_add_loop_test(tests, badge_says_the_level, 0, COUNT_OF(badges));
	tcase_add_test(tests, badge_of_nobody);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
