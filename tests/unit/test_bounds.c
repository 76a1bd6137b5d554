/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real control group, where this machine lets us make one. */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "runner-plugin/checks/bounds.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define MIB ((size_t)1024 * 1024)
#define PROCESSES 3
#define CHILDREN_MOST 8

/* False: none can be made here, and the error says so. */
static bool make(const char *id, struct bounds *out)
{
	const struct bounds_limits limits = {.memory_bytes = 32 * MIB, .processes = PROCESSES};
	struct err err;

	if (bounds_make(id, &limits, out, &err) == 0)
		return true;
	ck_assert_int_eq(err.code, ERR_MISSING);
	(void)fprintf(stderr, "no control group here: %s\n", err.msg);
	return false;
}

/* Joins, and is the status of its end how many children it could have. */
__attribute__((noreturn)) static void have_children(const struct bounds *bounds)
{
	pid_t pids[CHILDREN_MOST];
	int count = 0;

	if (bounds_join(bounds) < 0)
		_exit(99);
	for (; count < CHILDREN_MOST; count++) {
		pids[count] = fork();
		if (pids[count] == 0) {
			(void)pause();
			_exit(0);
		}
		if (pids[count] < 0)
			break;
	}
	for (int i = 0; i < count; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	_exit(count);
}

__attribute__((noreturn)) static void have_memory(const struct bounds *bounds)
{
	if (bounds_join(bounds) < 0)
		_exit(99);
	char *bytes =
	    mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		_exit(98);
	memset(bytes, 1, 256 * MIB);
	_exit(0);
}

static int run_in(
    const struct bounds *bounds, void (*what)(const struct bounds *bounds) /* ends it */)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		what(bounds);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(bounds_who_joins)
{
	auto_str char *id = xasprintf("test-%ld", (long)getpid());
	AUTO(bounds) bounds = {0};

	if (!make(id, &bounds))
		return;
	int children = run_in(&bounds, have_children);
	int memory = run_in(&bounds, have_memory);
	ck_assert(bounds_remove(id)); /* first: nothing may be left when one below fails */
	ck_assert_int_eq(WEXITSTATUS(children), PROCESSES - 1);
	ck_assert(WIFSIGNALED(memory) && WTERMSIG(memory) == SIGKILL);
}
END_TEST

/* A run that died has left one. */
START_TEST(takes_over_what_is_there)
{
	auto_str char *id = xasprintf("test-again-%ld", (long)getpid());
	AUTO(bounds) first = {0};
	AUTO(bounds) second = {0};

	if (!make(id, &first))
		return;
	ck_assert(make(id, &second));
	ck_assert(bounds_remove(id));
	ck_assert(bounds_remove(id)); /* none is fine */
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("bounds");
	TCase *tc = tcase_create("bounds");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, bounds_who_joins);
	tcase_add_test(tc, takes_over_what_is_there);
	return suite;
}

TEST_MAIN(make_suite)
