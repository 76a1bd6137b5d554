/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/tree.h"

#define OBJECT "c02a6b081a9e71d270772e131986e4a1cf06ee3c"

static const struct {
	const char *line;
	const char *target; /* of a link */
} files[] = {
    {"100644 blob " OBJECT "\tabra.sh", NULL},
    {"120000 blob " OBJECT "\tabsolute", "/etc/shadow"},
    {"120000 blob " OBJECT "\tcircle", "circle"},
    {"120000 blob " OBJECT "\tclimbs", "../../etc/shadow"},
    {"100644 blob " OBJECT "\tcompose.yml", NULL},
    {"100755 blob " OBJECT "\tconf/deep/file", NULL},
    {"120000 blob " OBJECT "\tconf/here", "deep"},
    {"120000 blob " OBJECT "\tconf/up", "../abra.sh"},
    {"120000 blob " OBJECT "\tetc", "/etc"},
    {"120000 blob " OBJECT "\tfar", "conf/deep"},
    {"120000 blob " OBJECT "\tloop-a", "loop-b/x"},
    {"120000 blob " OBJECT "\tloop-b", "loop-a/y"},
    {"120000 blob " OBJECT "\tnothing", "nowhere"},
    {"160000 commit " OBJECT "\tsub", NULL},
    {"120000 blob " OBJECT "\ttop", "."},
};

static struct tree make_tree(void)
{
	AUTO(buf) text = buf_make(4096);
	struct tree tree = {0};
	struct err err;

	for (size_t i = 0; i < COUNT_OF(files); i++)
		ck_assert_int_eq(buf_add(&text, files[i].line, strlen(files[i].line) + 1), 0);
	ck_assert_int_eq(tree_parse(text.data, text.length, &tree, &err), 0);
	ck_assert_uint_eq(tree.count, COUNT_OF(files));
	for (size_t i = 0; i < tree.count; i++) {
		ck_assert_str_eq(tree.entries[i].object, OBJECT);
		ck_assert_int_eq(tree.entries[i].kind == TREE_LINK, files[i].target != NULL);
		tree.entries[i].target = files[i].target ? xstrdup(files[i].target) : NULL;
	}
	return tree;
}

static const struct {
	const char *path;
	enum tree_place place;
	const char *end;
} ways[] = {
    {"compose.yml", TREE_IS_FILE, "compose.yml"},
    {"./compose.yml", TREE_IS_FILE, "compose.yml"},
    {"conf//deep/./file", TREE_IS_FILE, "conf/deep/file"},
    {"conf/../compose.yml", TREE_IS_FILE, "compose.yml"},
    {"", TREE_IS_DIRECTORY, ""},
    {".", TREE_IS_DIRECTORY, ""},
    {"conf", TREE_IS_DIRECTORY, "conf"},
    {"conf/", TREE_IS_DIRECTORY, "conf"},
    {"con", TREE_IS_ABSENT, "con"},
    {"conf/none", TREE_IS_ABSENT, "conf/none"},
    {"none/compose.yml", TREE_IS_ABSENT, "none/compose.yml"},
    {"compose.yml/x", TREE_IS_ABSENT, "compose.yml/x"},
    {"conf/up", TREE_IS_FILE, "abra.sh"},
    {"conf/here/file", TREE_IS_FILE, "conf/deep/file"},
    {"far/file", TREE_IS_FILE, "conf/deep/file"},
    /* from where the link led, not from where it stands */
    {"far/../deep/file", TREE_IS_FILE, "conf/deep/file"},
    {"far/../compose.yml", TREE_IS_ABSENT, "conf/compose.yml"},
    {"top/top/compose.yml", TREE_IS_FILE, "compose.yml"},
    {"sub", TREE_IS_DIRECTORY, "sub"},
    {"sub/x", TREE_IS_ABSENT, "sub/x"},
    {"nothing", TREE_IS_ABSENT, "nowhere"},
    {"circle", TREE_IS_ABSENT, NULL},
    {"loop-a", TREE_IS_ABSENT, NULL},
    {"/etc/shadow", TREE_IS_OUTSIDE, "/etc/shadow"},
    {"/", TREE_IS_OUTSIDE, "/"},
    {"absolute", TREE_IS_OUTSIDE, "/etc/shadow"},
    {"etc/shadow", TREE_IS_OUTSIDE, "/etc/shadow"},
    {"conf/../etc/./passwd", TREE_IS_OUTSIDE, "/etc/./passwd"},
    {"climbs", TREE_IS_OUTSIDE, NULL},
    {"..", TREE_IS_OUTSIDE, NULL},
    {"../r/compose.yml", TREE_IS_OUTSIDE, NULL},
    {"conf/../../x", TREE_IS_OUTSIDE, NULL},
    {"top/../x", TREE_IS_OUTSIDE, NULL},
};

START_TEST(finds_where_a_path_ends)
{
	AUTO(tree) tree = make_tree();
	auto_str char *end = NULL;
	enum tree_place place = tree_find(&tree, ways[_i].path, &end);

	ck_assert_msg(place == ways[_i].place, "%s: %d", ways[_i].path, (int)place);
	if (ways[_i].end)
		ck_assert_msg(
		    end && text_is(end, ways[_i].end), "%s: %s", ways[_i].path, end ? end : "NULL");
	else if (place == TREE_IS_OUTSIDE)
		ck_assert_ptr_null(end);
}
END_TEST

static const struct {
	const char *path;
	bool may_climb;
	const char *tidy;
} paths[] = {
    {"/etc", false, "/etc"},
    {"//etc//", false, "/etc"},
    {"/./etc/.", false, "/etc"},
    {"/", true, "/"},
    {"///", false, "/"},
    {"/..", true, "/"},
    {"/a/../b", true, "/b"},
    {"/a/../b", false, "/a/../b"},
    {"/a/../../b", true, "/b"},
    {"./x", true, "x"},
    {"x/..", true, "."},
    {"", true, "."},
    {"../x", true, "../x"},
    {"a/../../x", true, "../x"},
    {"../../x", true, "../../x"},
    {"..a/..b", true, "..a/..b"},
};

START_TEST(tidies_a_path)
{
	auto_str char *tidy = tree_tidy_path(paths[_i].path, paths[_i].may_climb);

	ck_assert_str_eq(tidy, paths[_i].tidy);
}
END_TEST

START_TEST(starts_at_the_first_files_directory)
{
	static const struct {
		const char *directory, *path, *end;
	} from[] = {
	    {"", "a.env", "a.env"},
	    {"", "./conf/../a.env", "a.env"},
	    {"", "../a.env", "../a.env"},
	    {"conf", "a.env", "conf/a.env"},
	    {"conf", "../a.env", "a.env"},
	    {"conf", "../../a.env", "../a.env"},
	    {"conf", "/etc/../a", "/a"},
	};

	for (size_t i = 0; i < COUNT_OF(from); i++) {
		auto_str char *path = tree_loader_path(from[i].directory, from[i].path);

		ck_assert_str_eq(path, from[i].end);
	}
}
END_TEST

START_TEST(sees_a_path_climb)
{
	static const char *const climb[] = {"..", "../x", "/..", "/a/../b", "a/..", "a//../b"};
	static const char *const stay[] = {"", "/", "...", "a..", "..a/b", "/a/..b", "./x", "//"};

	for (size_t i = 0; i < COUNT_OF(climb); i++)
		ck_assert_msg(tree_path_climbs(climb[i]), "%s", climb[i]);
	for (size_t i = 0; i < COUNT_OF(stay); i++)
		ck_assert_msg(!tree_path_climbs(stay[i]), "%s", stay[i]);
}
END_TEST

START_TEST(refuses_what_is_no_list)
{
	static const char *const lines[] = {
	    "", "x", "100644 blob " OBJECT, "100644 blob x\t", "040000 tree " OBJECT "\tconf"};
	struct tree tree = {0};
	struct err err;

	for (size_t i = 1; i < COUNT_OF(lines); i++)
		ck_assert_msg(
		    tree_parse(lines[i], strlen(lines[i]), &tree, &err) == -1, "%s", lines[i]);
	ck_assert_int_eq(tree_parse("", 0, &tree, &err), 0);
	ck_assert_uint_eq(tree.count, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, finds_where_a_path_ends, 0, COUNT_OF(ways));
	tcase_add_loop_test(tc, tidies_a_path, 0, COUNT_OF(paths));
	tcase_add_test(tc, starts_at_the_first_files_directory);
	tcase_add_test(tc, sees_a_path_climb);
	tcase_add_test(tc, refuses_what_is_no_list);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
