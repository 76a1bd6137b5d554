/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/interpolate.h"

/* A text as written, and as docker's loader substitutes it; NULL: an error that holds the third.
 * TAG=1.28 STACK_NAME=st EMPTY= */
static const struct row {
	const char *written;
	const char *rendered;
	const char *error;
} rows[] = {
    {"", "", NULL},
    {"nginx:1.0", "nginx:1.0", NULL},
    {"nginx:$TAG", "nginx:1.28", NULL},
    {"nginx:${TAG}", "nginx:1.28", NULL},
    {"nginx:${TAG}-alpine", "nginx:1.28-alpine", NULL},
    {"nginx:${NONE:-2}", "nginx:2", NULL},
    {"nginx:${EMPTY:-2}", "nginx:2", NULL},
    {"nginx:${EMPTY-2}", "nginx:", NULL},
    {"nginx:${NONE-2}", "nginx:2", NULL},
    {"nginx:${NONE:-}", "nginx:", NULL},
    {"nginx:$$TAG", "nginx:$TAG", NULL},
    {"nginx:$$${TAG}", "nginx:$1.28", NULL},
    {"nginx:${NONE}", "nginx:", NULL},
    {"nginx:${TAG:?no tag}", "nginx:1.28", NULL},
    {"nginx:${TAG?no tag}", "nginx:1.28", NULL},
    {"nginx:${EMPTY?no tag}", "nginx:", NULL},
    {"$tag", "", NULL},
    {"$TAG:1", "1.28:1", NULL},
    {"$TAG.x", "1.28.x", NULL},
    {"$_", "", NULL},

    /* defaults do not nest, and end at the first brace */
    {"nginx:${TAG:-${FALLBACK:-1.27}}", "nginx:1.28}", NULL},
    {"nginx:${NONE:-${FALLBACK:-1.27}}", "nginx:${FALLBACK:-1.27}", NULL},
    {"${NONE:-$TAG}", "$TAG", NULL},
    {"${NONE:-$$}", "$$", NULL},

    /* a name without braces may have a default, up to a brace */
    {"nginx:$TAG-alpine", "nginx:1.28", NULL},
    {"$STACK_NAME-data", "st", NULL},
    {"$NONE-data", "data", NULL},
    {"$NONE:-data}x", "data}x", NULL},
    {"$TAG-a $STACK_NAME", "1.28", NULL},
    {"$TAG?x}y", "1.28}y", NULL},

    /* the first separator in the order of docker's list counts, wherever it stands */
    {"${TAG:?set TAG - see README}", " see README", NULL},
    {"${NONE-a:-b}", "b", NULL},
    {"${TAG-a:-b}", "b", NULL},
    {"${TAG:-a-b}", "1.28", NULL},
    {"${TAG?a:?b}", NULL, "must be set: \"b\""},

    /* a letter whose other case is an ASCII one */
    {"$\xc5\xbf", "", NULL},
    {"${T\xe2\x84\xaa}", "", NULL},

    {"nginx:${NONE:?no tag}", NULL, "the variable NONE must be set: \"no tag\""},
    {"nginx:${EMPTY:?no tag}", NULL, "EMPTY must be set to more than nothing: \"no tag\""},
    {"nginx:${NONE?no tag}", NULL, "NONE must be set: \"no tag\""},
    {"$NONE?no tag", NULL, "NONE must be set: \"no tag\""},
    {"nginx:${", NULL, "\"${\" is no variable"},
    {"nginx:${TAG", NULL, "\"${TAG\" has no \"}\""},
    {"nginx:${TAG:-x", NULL, "\"${TAG:-x\" has no \"}\""},
    {"nginx:${}", NULL, "\"${}\" is no variable"},
    {"nginx:${1}", NULL, "is no variable"},
    {"nginx:$", NULL, "\"$\" is no variable"},
    {"nginx:$1", NULL, "\"$1\" is no variable"},
    {"pa$ word", NULL, "$$ where a $ is meant"},
    {"nginx:${TAG!x}", NULL, "is no variable"},
    {"nginx:${TAG:}", NULL, "is no variable"},
    {"nginx:${ TAG}", NULL, "is no variable"},
    {"nginx${TAG:+:}1", NULL, "\"${TAG:+:}\": abra knows no \"+\" in a variable"},
    {"nginx${TAG+x}", NULL, "abra knows no \"+\""},

    /* a mistake is forgotten when a variable behind it is right */
    {"$1 $TAG", "1 1.28", NULL},
    {"${TAG:+${TAG}}", "{TAG:+1.28}", NULL},
    {"${NONE:?x} ${TAG}", " 1.28", NULL},
    {"$1 $$", NULL, "is no variable"},
    {"$TAG $1", NULL, "is no variable"},
};

START_TEST(substitutes)
{
	const struct row *row = &rows[_i];
	AUTO(env) env = {0};
	auto_str char *out = NULL;
	struct err err = {0};

	env_set(&env, "TAG", "1.28");
	env_set(&env, "STACK_NAME", "st");
	env_set(&env, "EMPTY", "");
	int result = interpolate(row->written, &env, 1000, &out, &err);
	if (row->rendered) {
		ck_assert_msg(result == 0, "%s: %s", row->written, err.msg);
		ck_assert_str_eq(out, row->rendered);
	} else {
		ck_assert_msg(result == -1 && !out, "%s gave %s", row->written, out ? out : "");
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s", err.msg);
	}
}
END_TEST

START_TEST(has_a_limit)
{
	AUTO(env) env = {0};
	auto_str char *out = NULL;
	struct err err = {0};

	env_set(&env, "TAG", "1.28");
	ck_assert_int_eq(interpolate("$TAG$TAG", &env, 8, &out, &err), 0);
	ck_assert_str_eq(out, "1.281.28");
	ck_assert_int_eq(interpolate("$TAG$TAG.", &env, 8, &out, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.msg, "the value is longer than 8 bytes");
}
END_TEST

/* A text is read in a time that grows with it, not with its square. */
START_TEST(reads_a_large_text)
{
	static const char *const pieces[] = {"${A-", "${A", "$1", "${A:+", "$A"};
	AUTO(buf) text = buf_make(512 * 1024);
	AUTO(env) env = {0};
	struct err err = {0};
	auto_str char *out = NULL;

	while (!text.was_truncated)
		(void)buf_add_text(&text, pieces[_i]);
	int result = interpolate(buf_text(&text), &env, 8, &out, &err);
	ck_assert_int_eq(result, text_is(pieces[_i], "$A") ? 0 : -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("interpolate");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, substitutes, 0, COUNT_OF(rows));
	tcase_add_test(tc, has_a_limit);
	tcase_add_loop_test(tc, reads_a_large_text, 0, 5);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
