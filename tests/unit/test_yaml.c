/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "common/yaml.h"

static struct yaml *parse(const char *text)
{
	struct err err;
	struct yaml *yaml = yaml_parse("t.yml", text, strlen(text), &err);

	ck_assert_msg(yaml != NULL, "%s", err.msg);
	return yaml;
}

START_TEST(reads_a_tree_with_positions)
{
	AUTO_PTR(yaml)
	yaml = parse("env:\n  A: \"0\"\n  B: 1\nlist:\n  - x\n  - {k: v}\nempty:\n");
	const struct yaml *env = yaml_get(yaml, "env");
	const struct yaml *list = yaml_get(yaml, "list");

	ck_assert_int_eq(yaml->kind, YAML_MAPPING);
	ck_assert_uint_eq(yaml->count, 3);
	ck_assert_str_eq(yaml->keys[1], "list");
	ck_assert_str_eq(yaml_get_text(env, "A"), "0");
	ck_assert(yaml_get(env, "A")->is_quoted && !yaml_get(env, "B")->is_quoted);
	ck_assert_int_eq(yaml_get(env, "B")->line, 3);
	ck_assert_int_eq(yaml_get(env, "B")->column, 6);
	ck_assert_int_eq(yaml_get(env, "B")->key_line, 3);
	ck_assert_int_eq(yaml_get(env, "B")->key_column, 3);
	ck_assert_int_eq(list->kind, YAML_SEQUENCE);
	ck_assert_uint_eq(list->count, 2);
	ck_assert_ptr_null(list->keys);
	ck_assert_int_eq(list->items[0]->key_line, 0);
	ck_assert_str_eq(yaml_get_text(list->items[1], "k"), "v");
	ck_assert_ptr_nonnull(yaml_get(yaml, "empty"));
	ck_assert_ptr_null(yaml_get_text(yaml, "empty"));
	ck_assert_ptr_null(yaml_get(list, "k"));
	ck_assert_ptr_null(yaml_get(NULL, "k"));
	ck_assert_ptr_null(yaml_text(list));
	ck_assert_ptr_null(yaml_text(NULL));
}
END_TEST

static const struct empty_row {
	const char *text;
} empty_rows[] = {{""}, {"\n\n"}, {"# a comment\n"}, {"---\n"}, {"---\n...\n"}, {"{}"}};

START_TEST(nothing_is_an_empty_mapping)
{
	AUTO_PTR(yaml) yaml = parse(empty_rows[_i].text);

	ck_assert_int_eq(yaml->kind, YAML_MAPPING);
	ck_assert_uint_eq(yaml->count, 0);
}
END_TEST

START_TEST(aliases_are_copies)
{
	AUTO_PTR(yaml)
	yaml = parse("a: &x {k: [1, 2]}\nb: *x\nc: &x new\nd: *x\n&key e: f\ng: *key\n");

	ck_assert_uint_eq(yaml_get(yaml_get(yaml, "b"), "k")->count, 2);
	ck_assert_ptr_ne(yaml_get(yaml, "a"), yaml_get(yaml, "b"));
	ck_assert_str_eq(yaml_get_text(yaml, "d"), "new");
	ck_assert_str_eq(yaml_get_text(yaml, "g"), "e");
	ck_assert_int_eq(yaml_get(yaml, "b")->key_line, 2);
	ck_assert_int_eq(yaml_get(yaml, "b")->line, 1); /* where it is written */
}
END_TEST

START_TEST(merges_give_way)
{
	AUTO_PTR(yaml)
	yaml = parse("base: &base {a: 1, b: 2}\n"
		     "more: &more {b: 3, c: 4}\n"
		     "one: {<<: *base, b: own}\n"
		     "two: {x: 0, <<: [*base, *more]}\n"
		     "three: {<<: &inner {deep: &leaf v}, other: *leaf}\n"
		     "four: {\"<<\": text}\n");
	const struct yaml *one = yaml_get(yaml, "one");
	const struct yaml *two = yaml_get(yaml, "two");

	ck_assert_str_eq(yaml_get_text(one, "a"), "1");
	ck_assert_str_eq(yaml_get_text(one, "b"), "own");
	ck_assert_uint_eq(one->count, 2);
	ck_assert_str_eq(yaml_get_text(two, "b"), "2");
	ck_assert_str_eq(yaml_get_text(two, "c"), "4");
	ck_assert_uint_eq(two->count, 4);
	ck_assert_str_eq(yaml_get_text(yaml_get(yaml, "three"), "other"), "v");
	ck_assert_str_eq(yaml_get_text(yaml_get(yaml, "four"), "<<"), "text");
}
END_TEST

#define ROW(text, code, message)                                                                   \
	{                                                                                          \
		text, sizeof(text) - 1, code, message                                              \
	}
static const struct fault_row {
	const char *text;
	size_t length;
	enum err_code code;
	const char *message;
} fault_rows[] = {
    ROW("a: 1\nb: 2\na: 3\n", ERR_CONFIG, "t.yml:3:1: duplicate key \"a\""),
    ROW("a: {b: 1, b: 2}\n", ERR_CONFIG, "t.yml:1:11: duplicate key \"b\""),
    ROW("<<: {a: 1}\n<<: {b: 1}\n", ERR_CONFIG, "t.yml:2:1: duplicate key \"<<\""),
    ROW("\"a\\nb\": 1\n\"a\\nb\": 2\n", ERR_CONFIG, "t.yml:2:1: duplicate key \"a?b\""),
    ROW("a: 1\n---\nb: 2\n", ERR_CONFIG, "t.yml:2:1: a second document begins"),
    ROW("[a]: 1\n", ERR_CONFIG, "t.yml:1:1: a key must be a plain text"),
    ROW("? {a: 1}\n: 2\n", ERR_CONFIG, "t.yml:1:3: a key must be a plain text"),
    ROW("a: \"x\\0y\"\n", ERR_CONFIG, "t.yml:1:4: a text holds a NUL"),
    ROW("a: x\0y\n", ERR_CONFIG, "t.yml:"),
    ROW("a: \xff\n", ERR_CONFIG, "t.yml:"),
    ROW("\xff\xfe"
	"a\0",
	ERR_CONFIG, "t.yml:"), /* UTF-16 */
    ROW("a: *none\n", ERR_CONFIG, "t.yml:1:4: alias of no anchor \"none\""),
    ROW("a: &a [*a]\n", ERR_CONFIG, "t.yml:1:8: alias within its own anchor \"a\""),
    ROW("a: !reset x\n", ERR_CONFIG, "t.yml:1:4: unknown tag \"!reset\""),
    ROW("a: !x [b]\n", ERR_CONFIG, "t.yml:1:4: unknown tag \"!x\""),
    ROW("<<: text\n", ERR_CONFIG, "t.yml:1:1: only mappings can be merged"),
    ROW("<<: [text]\n", ERR_CONFIG, "t.yml:1:1: only mappings can be merged"),
    ROW("a: [1\n", ERR_CONFIG, "t.yml:2:1: "),
    ROW("a:\n\tb: 1\n", ERR_CONFIG, "t.yml:2:1: "),
    ROW("a: b: c\n", ERR_CONFIG, "t.yml:1:5: "),
    ROW("%YAML 9.9\n--- a\n", ERR_CONFIG, "t.yml:1:1: "),
};

START_TEST(says_what_is_wrong_in_row)
{
	const struct fault_row *row = &fault_rows[_i];
	struct err err = {.code = ERR_NONE};
	AUTO_PTR(yaml) yaml = yaml_parse("t.yml", row->text, row->length, &err);

	ck_assert_msg(yaml == NULL, "row %d", _i);
	ck_assert_int_eq(err.code, row->code);
	ck_assert_msg(text_starts(err.msg, row->message), "row %d: \"%s\", not \"%s\"", _i, err.msg,
	    row->message);
}
END_TEST

START_TEST(known_tags_are_taken)
{
	AUTO_PTR(yaml) yaml = parse("a: !!str 1\nb: ! x\nc: !!map {d: 1}\ne: !!seq [1]\n");

	ck_assert_str_eq(yaml_get_text(yaml, "a"), "1");
	ck_assert_str_eq(yaml_get_text(yaml, "b"), "x");
}
END_TEST

START_TEST(aliases_cannot_explode)
{
	AUTO(buf) text = buf_make(10000);
	struct err err;

	(void)buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++)
		(void)buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
		    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	AUTO_PTR(yaml) yaml = yaml_parse("t.yml", buf_text(&text), text.length, &err);
	ck_assert_ptr_null(yaml);
	ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

static void add_times(struct buf *text, const char *piece, size_t times)
{
	for (size_t i = 0; i < times; i++)
		ck_assert_int_eq(buf_add_text(text, piece), 0);
}

START_TEST(size_and_depth_are_bounded)
{
	AUTO(buf) many = buf_make(YAML_MAX_BYTES);
	AUTO(buf) large = buf_make(YAML_MAX_BYTES + 10);
	struct err err;

	add_times(&many, "- x\n", YAML_MAX_NODES);
	ck_assert_ptr_null(yaml_parse("t", buf_text(&many), many.length, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT);
	add_times(&large, "#", YAML_MAX_BYTES + 1);
	ck_assert_ptr_null(yaml_parse("t", buf_text(&large), large.length, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT);
	for (size_t depth = YAML_MAX_DEPTH; depth <= YAML_MAX_DEPTH + 1; depth++) {
		AUTO(buf) deep = buf_make(1000);

		add_times(&deep, "[", depth);
		add_times(&deep, "x", 1);
		add_times(&deep, "]", depth);
		AUTO_PTR(yaml) yaml = yaml_parse("t", buf_text(&deep), deep.length, &err);
		ck_assert((yaml != NULL) == (depth == YAML_MAX_DEPTH));
	}
}
END_TEST

static const struct scalar_row {
	const char *text;
	const char *value; /* NULL: none */
	int truth;	   /* -1: none */
} scalar_rows[] = {
    {"a: x", "x", -1},
    {"a:", NULL, -1},
    {"a: ~", NULL, -1},
    {"a: null", NULL, -1},
    {"a: \"null\"", "null", -1},
    {"a: ''", "", -1},
    {"a: |\n  x\n  y\n", "x\ny\n", -1},
    {"a: >-\n  x\n  y\n", "x y", -1},
    {"a: 007", "007", -1},
    {"a: 1.10", "1.10", -1},
    {"a: yes", "yes", 1},
    {"a: on", "on", 1},
    {"a: true", "true", 1},
    {"a: 1", "1", 1},
    {"a: \"1\"", "1", 1},
    {"a: no", "no", 0},
    {"a: off", "off", 0},
    {"a: false", "false", 0},
    {"a: 0", "0", 0},
    {"a: True", "True", -1},
    {"a: 2", "2", -1},
};

START_TEST(reads_scalar_row)
{
	const struct scalar_row *row = &scalar_rows[_i];
	AUTO_PTR(yaml) yaml = parse(row->text);
	const char *value = yaml_get_text(yaml, "a");
	bool truth = false;

	ck_assert_msg((value == NULL) == (row->value == NULL), "row %d", _i);
	if (row->value)
		ck_assert_str_eq(value, row->value);
	ck_assert_msg(yaml_bool(yaml_get(yaml, "a"), &truth) == (row->truth >= 0), "row %d", _i);
	ck_assert(row->truth < 0 || truth == (row->truth == 1));
}
END_TEST

/* What is at "a" to docker's reader: its type's letter, then its text; "!": refused. */
static const struct go_row {
	const char *text;
	const char *value;
} go_rows[] = {
    {"a: x", "t x"},
    {"a: yes", "b true"},
    {"a: Off", "b false"},
    {"a: 'yes'", "t yes"},
    {"a: y", "b true"},
    {"a: tRue", "t tRue"},
    {"a:", "n "},
    {"a: ~", "n "},
    {"a: null", "n "},
    {"a: 010", "i 8"},
    {"a: 1_000", "i 1000"},
    {"a: 0x1f", "i 31"},
    {"a: 08", "f 8"},
    {"a: 1.0", "f 1"},
    {"a: 1e6", "f 1e+06"},
    {"a: .5", "f 0.5"},
    {"a: .inf", "f +Inf"},
    {"a: 1.2.3", "t 1.2.3"},
    {"a: 12:30", "t 12:30"},
    {"a: 2001-12-14", "t 2001-12-14"},
    {"a: '5'", "t 5"},
    {"a: !!str 5", "t 5"},
    {"a: !!int '5'", "i 5"},
    {"a: !!float 5", "f 5"},
    {"a: !!int x", "!"},
    {"a: ! '5'", "t 5"},
    {"a: !reset 5", "t 5"},
    {"a: !reset null", "t null"},
    {"a: x\na: w", "t w"},
    {"a: x\n---\n}", "t x"},
    {"b: &b {a: x}\na: w\n<<: *b", "t x"},
    {"b: &b {a: x}\n<<: *b\na: w", "t w"},
    {"b: &b {a: x}\nc: &c {a: w}\n<<: [*b, *c]", "t x"},
    {"b: &b [{a: x}]\n<<: *b", "!"},
    {"a: &x y\na: z\nb: *x", "t z"},
    {"1: x", "!"},
    {"yes: x", "!"},
    {"~: x", "!"},
    {"'yes': x\na: w", "t w"},
    {"a: {1: x}\na: w", "t w"},
    {"1: x\n'1': y\na: w", "!"},
    {"b: &b {1: x}\nb: {<<: *b}", "!"},
    {"b: [x?y]", "!"},
    {"b: [!x, y]", "!"},
    {"b: !x\na: !x w", "t w"},
    {"b: [!x '']\na: w", "t w"},
    {"b: {c: [x], d: x?}", "!"},
    {"b: ['x?y', {c: d}]\na: x?y", "t x?y"},
};

START_TEST(reads_as_docker_does)
{
	const struct go_row *row = &go_rows[_i];
	struct err err = {0};
	AUTO_PTR(yaml) yaml = yaml_parse_as_go("t.yml", row->text, strlen(row->text), &err);

	if (*row->value == '!') {
		ck_assert_ptr_null(yaml);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		return;
	}
	ck_assert_msg(yaml != NULL, "%s", err.msg);
	const struct yaml *a = yaml_get(yaml, "a");
	auto_str char *value = xasprintf("%c %s", "?nbift"[a->type], a -> text);
	ck_assert_str_eq(value, row->value);
	ck_assert_int_eq(yaml_text(a) != NULL, a->type != YAML_NULL);
}
END_TEST

START_TEST(nothing_stays_nothing_for_docker)
{
	struct err err;
	AUTO_PTR(yaml) yaml = yaml_parse_as_go("t.yml", "# x\n", 4, &err);

	ck_assert_int_eq(yaml->kind, YAML_SCALAR);
	ck_assert_int_eq(yaml->type, YAML_NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("yaml");
	TCase *tc = tcase_create("yaml");

	tcase_add_loop_test(tc, reads_as_docker_does, 0, COUNT_OF(go_rows));
	tcase_add_test(tc, nothing_stays_nothing_for_docker);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, reads_a_tree_with_positions);
	tcase_add_loop_test(tc, nothing_is_an_empty_mapping, 0, COUNT_OF(empty_rows));
	tcase_add_test(tc, aliases_are_copies);
	tcase_add_test(tc, merges_give_way);
	tcase_add_loop_test(tc, says_what_is_wrong_in_row, 0, COUNT_OF(fault_rows));
	tcase_add_test(tc, known_tags_are_taken);
	tcase_add_test(tc, aliases_cannot_explode);
	tcase_add_test(tc, size_and_depth_are_bounded);
	tcase_add_loop_test(tc, reads_scalar_row, 0, COUNT_OF(scalar_rows));
	return suite;
}

TEST_MAIN(make_suite)
