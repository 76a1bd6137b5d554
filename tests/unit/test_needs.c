/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/needs.h"

/* Who needs whom: "a: b c" on a line each. */
static int look(void *context, const char *recipe, struct needs *out, struct err *err)
{
	auto_str char *copy = xstrdup(context);
	char *lines = NULL;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *words = NULL;
		const char *name = strtok_r(line, ": ", &words);

		if (!text_is(name, recipe))
			continue;
		for (char *word = strtok_r(NULL, " ", &words); word;
		     word = strtok_r(NULL, " ", &words)) {
			if (text_is(word, "!"))
				return err_set(err, ERR_SYS, "cannot read %s", recipe);
			(void)copy_text(out->names[out->count++], sizeof(out->names[0]), word);
		}
	}
	return 0;
}

static const struct {
	const char *needs, *order; /* or the error */
	bool is_error;
} rows[] = {
    {"", "", false},
    {"app: a", "a", false},
    {"app: a b", "a b", false},
    {"app: a b\na: b", "b a", false},
    {"app: a\na: b\nb: c", "c b a", false},
    {"app: a b\na: c\nb: c", "c a b", false},
    {"app: a\na: b\nb: c\nc: d",
	"needs of needs go deeper than 3: app needs a needs b needs c "
	"needs d",
	true},
    {"app: app", "needs go in a circle: app needs app", true},
    {"app: a\na: app", "needs go in a circle: app needs a needs app", true},
    {"app: a\na: b\nb: a", "needs go in a circle: a needs b needs a", true},
    {"app: a b\nb: a\na: b", "needs go in a circle: a needs b needs a", true},
    {"app: a b c d\na: e f g h", "e f g h a b c d", false},
    {"app: a b c d i\na: e f g h", "needs: more than 8 recipes would be deployed beside it", true},
    {"app: a\na: !", "cannot read a", true},
};

START_TEST(puts_in_order)
{
	auto_str char *context = xstrdup(rows[_i].needs);
	AUTO(buf) text = buf_make(1024);
	struct needs order = {.count = 7};
	struct err err = {0};
	int result = needs_order("app", look, context, &order, &err);

	ck_assert_int_eq(result, rows[_i].is_error ? -1 : 0);
	if (result < 0) {
		ck_assert_str_eq(err.msg, rows[_i].order);
		ck_assert_uint_eq(order.count, 7);
		return;
	}
	for (size_t i = 0; i < order.count; i++)
		(void)buf_printf(&text, "%s%s", i ? " " : "", order.names[i]);
	ck_assert_str_eq(buf_text(&text), rows[_i].order);
}
END_TEST

static const struct {
	const char *recipe;
	struct needs needs;
	const char *prefixes[NEEDS_MAX];
} names[] = {
    {"wiki", {{"keycloak"}, 1}, {"keyc"}},
    {"wiki", {{"keycloak", "keycloak-x", "mail"}, 3}, {"keyc", "key2", "mail"}},
    {"keycloak-themes", {{"keycloak", "keycloak-x"}, 2}, {"key2", "key3"}},
    {"keycloak-themes", {{"key2", "keycloak"}, 2}, {"key2", "key3"}},
    {"a", {{"a-b", "a--c"}, 2}, {"a-b", "a--c"}},
    {"a", {{"ab--x", "ab"}, 2}, {"ab", "ab2"}},
    {"keyc", {{"keyc-1", "keyc-2", "keyc-3", "keyc-4", "keyc-5", "keyc-6", "keyc-7", "keyc-8"}, 8},
	{"key2", "key3", "key4", "key5", "key6", "key7", "key8", "key9"}},
};

START_TEST(names_each_unlike_the_others)
{
	char prefixes[NEEDS_MAX][NEEDS_PREFIX_SIZE];

	needs_prefixes(names[_i].recipe, &names[_i].needs, prefixes);
	for (size_t i = 0; i < names[_i].needs.count; i++)
		ck_assert_str_eq(prefixes[i], names[_i].prefixes[i]);
}
END_TEST

static const struct {
	const char *text, *expanded; /* or part of the error */
	bool is_error;
} texts[] = {
    {"", "", false},
    {"it's $5 @ home", "it's $5 @ home", false},
    {"@need.mail.domain@", "mail-1.ci.test", false},
    {"https://@need.key.domain@/realms/@need.mail.stack@_app:80",
	"https://keyc-1.ci.test/realms/mail-1_ci_test_app:80", false},
    {"@need.mail.domain@@need.mail.domain@", "mail-1.ci.testmail-1.ci.test", false},
    {"@need.key.tenant@-@need.mail.tenant@", "run1-run1", false},
    {"@needs.mail.domain@", "@needs.mail.domain@", false},
    {"x@need.mai.domain@", "\"@need.mai.domain@\" is neither", true},
    {"@need.mail.domains@", "\"@need.mail.domains@\" is neither", true},
    {"@need.mail.domain", "\"@need.mail.domain\" is neither", true},
    {"@need.mail@", "\"@need.mail@\" is neither", true},
    {"@need.@", "\"@need.@\" is neither", true},
    {"@need.", "\"@need.\" is neither", true},
};

START_TEST(expands)
{
	static const struct needs_place places[] = {
	    {"mail", "mail-1.ci.test", "mail-1_ci_test", "run1"},
	    {"key", "keyc-1.ci.test", "keyc-1_ci_test", "run1"},
	};
	struct err err = {0};
	auto_str char *expanded = needs_expand(texts[_i].text, places, COUNT_OF(places), &err);

	ck_assert_int_eq(!expanded, texts[_i].is_error);
	if (expanded)
		ck_assert_str_eq(expanded, texts[_i].expanded);
	else
		ck_assert_msg(text_starts(err.msg, texts[_i].expanded), "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("needs");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, puts_in_order, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, names_each_unlike_the_others, 0, COUNT_OF(names));
	tcase_add_loop_test(tc, expands, 0, COUNT_OF(texts));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
