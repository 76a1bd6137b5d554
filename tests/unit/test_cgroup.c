/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a host lets us make control groups, and that one holds who tries to get away. */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/cgroup.h"

#include <sys/stat.h>
#include <sys/wait.h>

/* Debian 12; the same in a container; a host of version 1; one of both. */
#define V2 "24 18 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V2_BELOW "24 18 0:22 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
#define ROOT "18 1 8:1 / / rw - ext4 /dev/vda1 rw\n"
#define FREEZER "37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
#define PIDS "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,cpu,pids\n"
#define UNIFIED "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static const struct place_row {
	const char *mountinfo, *membership, *paths; /* separated by blanks */
} place_rows[] = {
    {ROOT V2, "0::/system.slice/drone.service\n", "/sys/fs/cgroup/system.slice/drone.service"},
    {ROOT V2, "0::/\n", "/sys/fs/cgroup"},
    {V2_BELOW, "0::/docker/abc/x\n", "/sys/fs/cgroup/x"},
    {V2_BELOW, "0::/\n", ""},
    {V2, "0::/../other\n", ""},
    {ROOT FREEZER PIDS UNIFIED, "8:cpu,pids:/a\n6:freezer:/b\n0::/c\n",
	"/sys/fs/cgroup/unified/c /sys/fs/cgroup/freezer/b /sys/fs/cgroup/pids/a"},
    {ROOT PIDS FREEZER, "8:cpu,pids:/\n6:freezer:/\n",
	"/sys/fs/cgroup/freezer /sys/fs/cgroup/pids"},
    {ROOT FREEZER, "8:cpu,pids:/\n", ""},
    {ROOT, "0::/\n", ""},
    {"", "", ""},
    {"x", "x", ""},
    {"1 2 3 / /p rw - cgroup2", "0::/\n", ""},
};

START_TEST(finds_where_a_process_is)
{
	const struct place_row *row = &place_rows[_i];
	struct cgroup_places places;
	AUTO(buf) paths = buf_make(4096);

	cgroup_find_places(row->mountinfo, row->membership, &places);
	for (size_t i = 0; i < places.count; i++)
		(void)buf_printf(&paths, "%s%s", i ? " " : "", places.paths[i]);
	ck_assert_str_eq(buf_text(&paths), row->paths);
}
END_TEST

static pid_t start_survivor(const char *dir, int ready_fd)
{
	struct err err;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (cgroup_enter(dir, &err) < 0 || clearenv() != 0 || setsid() < 0)
		_exit(1);
	(void)!write(ready_fd, "x", 1);
	for (;;)
		(void)pause();
}

/* The run's group has one process, which has done all it can to get away. */
static void expect_no_survivor(const char *dir)
{
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, dir);
	struct err err = {0};
	AUTO(buf) path = {0};
	unsigned count = 0;
	int status = 0;
	int ready[2];
	char byte = 0;

	ck_assert_int_eq(file_read(note, CGROUP_PATH_SIZE, &path, &err), 0);
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = start_survivor(dir, ready[1]);
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	ck_assert_msg(cgroup_end(dir, &count, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert(!file_exists(buf_text(&path)));
	ck_assert(!file_exists(note));
	ck_assert_int_eq(cgroup_end(dir, &count, &err), 0); /* again: there is none */
	ck_assert_uint_eq(count, 0);
}

START_TEST(holds_who_leaves_its_session)
{
	auto_str char *dir = harness_dir();
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, dir);
	char below[CGROUP_PATH_SIZE] = "";
	struct err err = {0};

	if (cgroup_make(dir, "41-9f2c1a", &err) == 0) {
		ck_assert_int_eq(cgroup_try(below, &err), 0);
		ck_assert(below[0] == '/');
		expect_no_survivor(dir);
		return;
	}
	/* Not as root, or not on this host: it has none, and nothing minds. */
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_int_eq(cgroup_try(below, &err), -1);
	ck_assert(!file_exists(note));
	ck_assert_int_eq(cgroup_enter(dir, &err), 0);
}
END_TEST

static const char *const old_ones[] = {"/sys/fs/cgroup/freezer", "/sys/fs/cgroup/pids"};

/* Where a host has version 1, each kind of it, whichever cgroup_make() would take. */
START_TEST(holds_in_version_1_too)
{
	auto_str char *dir = harness_dir();
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, dir);
	auto_str char *path = xasprintf("%s/ccci-test-%ld", old_ones[_i], (long)getpid());
	struct err err = {0};

	if (mkdir(path, 0755) < 0)
		return;
	ck_assert_int_eq(file_write_atomic(note, 0600, path, strlen(path), &err), 0);
	expect_no_survivor(dir);
}
END_TEST

START_TEST(is_ended_after_its_host_was_booted_anew)
{
	auto_str char *dir = harness_dir();
	auto_str char *note = xasprintf("%s/" CGROUP_FILE, dir);
	const char *path = "/sys/fs/cgroup/nonexistent/ccci-41-9f2c1a";
	struct err err = {0};
	unsigned count = 9;

	ck_assert_int_eq(file_write_atomic(note, 0600, path, strlen(path), &err), 0);
	ck_assert_msg(cgroup_end(dir, &count, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(count, 0);
	ck_assert(!file_exists(note));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_add_loop_test(tc, finds_where_a_process_is, 0, COUNT_OF(place_rows));
	tcase_add_test(tc, holds_who_leaves_its_session);
	tcase_add_loop_test(tc, holds_in_version_1_too, 0, COUNT_OF(old_ones));
	tcase_add_test(tc, is_ended_after_its_host_was_booted_anew);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
