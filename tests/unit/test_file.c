/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *dir;

static void open_dir(void)
{
	dir = harness_dir();
}

static void free_dir(void)
{
	free(dir);
	dir = NULL;
}

static char *below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* A file below the directory, with its directories. */
static void put(const char *name, mode_t mode, const char *content)
{
	auto_str char *path = below(name);
	auto_str char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct err err;

	ck_assert_int_eq(file_make_dirs(parent, 0755, &err), 0);
	ck_assert_msg(
	    file_write_atomic(path, mode, content, strlen(content), &err) == 0, "%s", err.msg);
}

static char *get(const char *name)
{
	auto_str char *path = below(name);
	AUTO(buf) content = {0};
	struct err err;

	ck_assert_msg(file_read(path, 1000, &content, &err) == 0, "%s", err.msg);
	return buf_take(&content);
}

START_TEST(knows_a_full_disk)
{
	auto_str char *fresh = harness_dir();

	ck_assert(!file_is_disk_full(fresh));
	ck_assert(file_is_disk_full("/proc")); /* it has no room at all */
	ck_assert(!file_is_disk_full("/nonexistent"));
}
END_TEST

START_TEST(reads_what_it_wrote)
{
	auto_str char *path = below("a");
	AUTO(buf) content = {0};
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, 0640, "a\0b", 3, &err), 0);
	ck_assert_int_eq(file_read(path, 3, &content, &err), 0);
	ck_assert_uint_eq(content.length, 3);
	ck_assert_uint_eq(content.max_bytes, 3);
	ck_assert_int_eq(memcmp(content.data, "a\0b", 4), 0);

	struct stat status;
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
}
END_TEST

START_TEST(reading_errors)
{
	auto_str char *missing = below("missing");
	auto_str char *large = below("large");
	struct buf content = {.max_bytes = 4711};
	struct err err;

	ck_assert_int_eq(file_read(missing, 10, &content, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_ptr_nonnull(strstr(err.msg, "/missing: No such file"));
	put("large", 0600, "12345");
	ck_assert_int_eq(file_read(large, 4, &content, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert_int_eq(file_read(dir, 10, &content, &err), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_int_eq(err.sys, EISDIR);
	ck_assert_uint_eq(content.max_bytes, 4711);
}
END_TEST

START_TEST(writing_replaces_and_leaves_nothing_beside)
{
	struct err err;

	put("sub/a", 0600, "one");
	put("sub/a", 0600, "two");
	auto_str char *text = get("sub/a");
	ck_assert_str_eq(text, "two");

	auto_str char *target = below("sub");
	ck_assert_int_eq(file_write_atomic(target, 0600, "x", 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_ptr_nonnull(strstr(err.msg, "write "));
	auto_str char *nowhere = below("no/such/dir");
	ck_assert_int_eq(file_write_atomic(nowhere, 0600, "x", 1, &err), -1);

	/* Whatever is left beside would keep the directories from being empty. */
	auto_str char *file = below("sub/a");
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(target), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}
END_TEST

START_TEST(makes_directories)
{
	auto_str char *path = below("a//b/c/");
	auto_str char *through_file = below("f/x");
	struct err err;

	ck_assert_int_eq(file_make_dirs(path, 0700, &err), 0);
	ck_assert_int_eq(file_make_dirs(path, 0700, &err), 0);
	ck_assert(file_exists(path));
	ck_assert_int_eq(file_make_dirs("/", 0700, &err), 0);
	put("f", 0600, "");
	ck_assert_int_eq(file_make_dirs(through_file, 0700, &err), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
}
END_TEST

START_TEST(removes_a_tree_but_follows_no_link)
{
	auto_str char *kept = below("kept");
	auto_str char *tree = below("tree");
	auto_str char *link = below("tree/sub/link");
	auto_str char *closed = below("tree/closed");
	struct err err;

	put("kept/file", 0600, "still here");
	put("tree/sub/file", 0400, "x");
	put("tree/closed/file", 0400, "x");
	ck_assert_int_eq(symlink(kept, link), 0);
	ck_assert_int_eq(chmod(closed, 0), 0);
	ck_assert_msg(file_remove_tree(tree, &err) == 0, "%s", err.msg);
	ck_assert(!file_exists(tree));
	auto_str char *text = get("kept/file");
	ck_assert_str_eq(text, "still here");

	/* A link given itself goes, not what it leads to; a missing path is no error. */
	auto_str char *alone = below("alone");
	ck_assert_int_eq(symlink(kept, alone), 0);
	ck_assert_int_eq(file_remove_tree(alone, &err), 0);
	ck_assert(!file_exists(alone) && file_exists(kept));
	ck_assert_int_eq(file_remove_tree(alone, &err), 0);
}
END_TEST

/*
 * In mount and user namespaces of its own, so that nothing but the test's directory is ever at
 * stake: a bind mount of the same file system, which no device number tells. Exits 0 as it should
 * be, 77 when the machine allows no namespaces.
 */
static void remove_across_a_mount(const char *tree, const char *at, const char *outside)
{
	struct err err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0)
		_exit(77);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount(outside, at, NULL, MS_BIND, NULL) != 0)
		_exit(77);
	if (file_remove_tree(tree, &err) == 0 || err.sys != EXDEV)
		_exit(1);
	if (file_remove_tree(at, &err) == 0 || err.sys != EXDEV)
		_exit(2);
	_exit(strstr(err.msg, "something is mounted there") ? 0 : 3);
}

START_TEST(removes_no_mount_point)
{
	auto_str char *tree = below("tree");
	auto_str char *at = below("tree/mount");
	auto_str char *outside = below("outside");
	struct err err;
	int status = 0;

	put("outside/file", 0600, "kept");
	ck_assert_int_eq(file_make_dirs(at, 0700, &err), 0);
	pid_t child = fork();
	if (child == 0)
		remove_across_a_mount(tree, at, outside);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		(void)fprintf(stderr, "no namespaces here: mount points not tested\n");
		return;
	}
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	auto_str char *text = get("outside/file");
	ck_assert_str_eq(text, "kept");
}
END_TEST

START_TEST(removes_what_is_nested_deep)
{
	auto_str char *path = below("deep");
	struct err err;
	char name[] = "d";

	put("deep/moved-1/file", 0600, "a name that would be taken");
	/* Deeper than any path may be long, as a hostile test could leave it. */
	auto_fd int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		ck_assert_int_eq(mkdirat(at, name, 0700), 0);
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		ck_assert_int_ge(next, 0);
		close_fd(&at);
		at = next;
	}
	ck_assert_msg(file_remove_tree(path, &err) == 0, "%s", err.msg);
	ck_assert(!file_exists(path));
}
END_TEST

START_TEST(copies_a_tree)
{
	auto_str char *from = below("from");
	auto_str char *to = below("to");
	auto_str char *link = below("from/link");
	auto_str char *link_copy = below("to/link");
	auto_str char *program = below("to/sub/program");
	struct err err;
	struct stat status;
	char target[64] = "";

	put("from/sub/program", 04755, "#!/bin/sh\n");
	put("from/file", 0640, "content");
	ck_assert_int_eq(symlink("../outside", link), 0);
	ck_assert_msg(file_copy_tree(from, to, &err) == 0, "%s", err.msg);
	auto_str char *text = get("to/file");
	ck_assert_str_eq(text, "content");
	ck_assert_int_gt(readlink(link_copy, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, "../outside");
	ck_assert_int_eq(stat(program, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0755); /* without setuid */
}
END_TEST

START_TEST(copies_over_nothing)
{
	auto_str char *from = below("from");
	auto_str char *to = below("to");
	struct err err;

	put("from/sub/file", 0600, "new");
	put("to/sub/file", 0600, "old");
	ck_assert_int_eq(file_copy_tree(from, to, &err), -1);
	ck_assert_int_eq(err.sys, EEXIST);
	auto_str char *text = get("to/sub/file");
	ck_assert_str_eq(text, "old");
}
END_TEST

START_TEST(copies_through_no_link)
{
	auto_str char *from = below("from");
	auto_str char *to = below("to");
	auto_str char *trap = below("to/sub");
	auto_str char *outside = below("outside");
	auto_str char *escaped = below("outside/file");
	struct err err;

	put("from/sub/file", 0600, "x");
	ck_assert_int_eq(file_make_dirs(to, 0700, &err), 0);
	ck_assert_int_eq(file_make_dirs(outside, 0700, &err), 0);
	ck_assert_int_eq(symlink(outside, trap), 0);
	ck_assert_int_eq(file_copy_tree(from, to, &err), -1);
	ck_assert(!file_exists(escaped));
}
END_TEST

START_TEST(copying_errors)
{
	auto_str char *from = below("from");
	auto_str char *pipe_path = below("from/pipe");
	auto_str char *to = below("to");
	auto_str char *missing = below("missing");
	struct err err;

	ck_assert_int_eq(file_copy_tree(missing, to, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert(!file_exists(to));
	put("from/file", 0600, "x");
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	ck_assert_int_eq(file_copy_tree(from, to, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "from/pipe: neither file"));
}
END_TEST

static void hash(const char *name, char out[FILE_HASH_SIZE])
{
	auto_str char *path = below(name);
	struct err err;

	ck_assert_msg(file_hash_tree(path, out, &err) == 0, "%s", err.msg);
}

START_TEST(shares_a_tree)
{
	static const struct {
		const char *name;
		mode_t before, after;
	} files[] = {
	    {"t/file", 0600, 0644},
	    {"t/sub/program", 0700, 0755},
	    {"t/sub/writable", 0620, 0664},
	    {"t/secret", 0000, 0000},
	};
	auto_str char *tree = below("t");
	auto_str char *sub = below("t/sub");
	auto_str char *outside = below("outside");
	auto_str char *link = below("t/link");
	auto_str char *none = below("none");
	struct err err;
	struct stat status;

	put("outside", 0600, "");
	for (size_t i = 0; i < COUNT_OF(files); i++)
		put(files[i].name, files[i].before, "");
	ck_assert_int_eq(symlink("../outside", link), 0);
	ck_assert(chmod(tree, 0700) == 0 && chmod(sub, 0700) == 0);
	ck_assert_msg(file_share_tree(tree, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		auto_str char *path = below(files[i].name);

		ck_assert_int_eq(stat(path, &status), 0);
		ck_assert_msg((status.st_mode & 0777) == files[i].after, "%s", path);
	}
	ck_assert_int_eq(stat(sub, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0755);
	ck_assert_int_eq(stat(outside, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600); /* links are not followed */
	ck_assert_int_eq(file_share_tree(none, &err), -1);
}
END_TEST

START_TEST(hash_tells_what_matters)
{
	char first[FILE_HASH_SIZE];
	char other[FILE_HASH_SIZE];

	put("a/x", 0644, "1");
	put("a/sub/y", 0644, "2");
	put("b/sub/y", 0600, "2");
	put("b/x", 0664, "1");
	hash("a", first);
	hash("b", other);
	ck_assert_str_eq(first, other); /* neither order nor umask */

	static const struct {
		const char *name;
		mode_t mode;
		const char *content;
	} changes[] = {{"b/x", 0755, "1"}, {"b/x", 0644, "3"}, {"b/z", 0644, ""}};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		put(changes[i].name, changes[i].mode, changes[i].content);
		hash("b", other);
		ck_assert_msg(!text_is(first, other), "change %zu", i);
		memcpy(first, other, sizeof(first));
	}
	/* Where one file ends and the next begins. */
	put("c/a", 0644, "xb");
	put("d/a", 0644, "x");
	hash("c", first);
	hash("d", other);
	ck_assert_str_ne(first, other);
}
END_TEST

/* Byte for byte what is hashed: results of two versions of ccci can be compared. */
START_TEST(hash_has_a_fixed_form)
{
	static const char spelled[] = "./a\0file\0"
				      "1\0"
				      "A"
				      "./b\0program\0"
				      "2\0"
				      "BB"
				      "./c\0link\0"
				      "0\0"
				      "a\0"
				      "./d\0dir\0"
				      "0\0"
				      "./d/e\0file\0"
				      "0\0"
				      "./f\0file\0"
				      "1\0"
				      "F";
	auto_str char *link = below("t/c");
	char expected[FILE_HASH_SIZE];
	char text[FILE_HASH_SIZE];

	put("t/f", 0600, "F");
	put("t/d/e", 0644, "");
	put("t/b", 0755, "BB");
	put("t/a", 0644, "A");
	ck_assert_int_eq(symlink("a", link), 0);
	file_hash_bytes(spelled, sizeof(spelled) - 1, expected);
	hash("t", text);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(hash_of_nothing)
{
	static const char empty[] =
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	char text[FILE_HASH_SIZE];

	file_hash_bytes("", 0, text);
	ck_assert_str_eq(text, empty);
	hash("missing", text);
	ck_assert_str_eq(text, empty);
	file_hash_bytes("abc", 3, text);
	ck_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(lists_names_in_order)
{
	static const char *const sorted[] = {".hidden", "A", "a", "a-b.json", "a.json", "sub"};
	auto_str char *file = below("a");
	auto_str char *missing = below("missing");
	auto_str char *empty = below("sub/empty");
	AUTO(file_names) names = {0};
	struct err err;

	put("a.json", 0644, "");
	put("sub/inside", 0644, "");
	put("a-b.json", 0644, "");
	put("a", 0644, "");
	put(".hidden", 0644, "");
	put("A", 0644, "");
	ck_assert_int_eq(file_list_names(dir, &names, &err), 0);
	ck_assert_uint_eq(names.count, COUNT_OF(sorted));
	for (size_t i = 0; i < COUNT_OF(sorted); i++)
		ck_assert_str_eq(names.names[i], sorted[i]);

	ck_assert_int_eq(file_list_names(missing, &names, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(file_list_names(file, &names, &err), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_int_eq(err.sys, ENOTDIR);
	ck_assert_uint_eq(names.count, COUNT_OF(sorted)); /* untouched */

	file_names_release(&names);
	ck_assert_int_eq(file_make_dirs(empty, 0755, &err), 0);
	ck_assert_int_eq(file_list_names(empty, &names, &err), 0);
	ck_assert_uint_eq(names.count, 0);
}
END_TEST

START_TEST(finds_programs)
{
	auto_str char *list = xasprintf("relative::%s/none:%s/one:%s/two", dir, dir, dir);
	auto_str char *slash = below("two/tool");
	char *found = NULL;
	struct err err;

	put("one/tool", 0644, "no program");
	put("two/tool", 0755, "");
	auto_str char *sub = below("one/dir");
	ck_assert_int_eq(file_make_dirs(sub, 0755, &err), 0);
	ck_assert_int_eq(file_find_program("tool", list, &found, &err), 0);
	ck_assert_str_eq(found, slash);
	free(found);
	ck_assert_int_eq(file_find_program(slash, "", &found, &err), 0);
	ck_assert_str_eq(found, slash);
	free(found);

	found = NULL;
	static const char *const missing[] = {"nothing", "dir", "", "./nothing", "/"};
	for (size_t i = 0; i < COUNT_OF(missing); i++) {
		ck_assert_int_eq(file_find_program(missing[i], list, &found, &err), -1);
		ck_assert_int_eq(err.code, ERR_MISSING);
		ck_assert_ptr_null(found);
	}
}
END_TEST

START_TEST(a_relative_program_becomes_absolute)
{
	char *found = NULL;
	struct err err;

	put("tool", 0755, "");
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(file_find_program("./tool", "", &found, &err), 0);
	auto_str char *path = take_ptr(found);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(path[0], '/');
	ck_assert_int_eq(access(path, X_OK), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tc = tcase_create("file");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, open_dir, free_dir);
	tcase_add_test(tc, knows_a_full_disk);
	tcase_add_test(tc, reads_what_it_wrote);
	tcase_add_test(tc, reading_errors);
	tcase_add_test(tc, writing_replaces_and_leaves_nothing_beside);
	tcase_add_test(tc, makes_directories);
	tcase_add_test(tc, removes_a_tree_but_follows_no_link);
	tcase_add_test(tc, removes_no_mount_point);
	tcase_add_test(tc, removes_what_is_nested_deep);
	tcase_add_test(tc, copies_a_tree);
	tcase_add_test(tc, copies_over_nothing);
	tcase_add_test(tc, copies_through_no_link);
	tcase_add_test(tc, copying_errors);
	tcase_add_test(tc, shares_a_tree);
	tcase_add_test(tc, hash_tells_what_matters);
	tcase_add_test(tc, hash_has_a_fixed_form);
	tcase_add_test(tc, hash_of_nothing);
	tcase_add_test(tc, lists_names_in_order);
	tcase_add_test(tc, finds_programs);
	tcase_add_test(tc, a_relative_program_becomes_absolute);
	return suite;
}

TEST_MAIN(make_suite)
