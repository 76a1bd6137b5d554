/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every unit test program shares: its main, fresh directories, and the look for processes left
 * behind.
 *
 *   static Suite *make_suite(void) { ... tcase_add_loop_test(tc, reads_row, 0, COUNT_OF(rows)); ...
 * } TEST_MAIN(make_suite)
 *
 * The main makes itself a child subreaper and fails when a test leaves a process.
 */
#ifndef CCCI_TEST_HARNESS_H
#define CCCI_TEST_HARNESS_H

#include <check.h>

#include "common/buf.h"

int harness_run(Suite *suite);

/* A new empty directory below $TMPDIR or /tmp, removed at exit when all tests passed; the caller
 * frees the path. */
char *harness_dir(void);

/* What was recorded as tests/data/<folder>/<name>; the caller releases it. */
struct buf harness_data(const char *folder, const char *name);
/* The engine's answer recorded as tests/data/engine/<name>.json; the caller frees it. */
struct json *harness_engine_answer(const char *name);

#define TEST_MAIN(make)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		return harness_run(make());                                                        \
	}

#endif
