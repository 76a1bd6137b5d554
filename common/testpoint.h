/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Named places where a test can end the process by SIGKILL, as a power cut would.
 *
 *   TEST_POINT("effect.create-build.done");
 *
 * CCCI_TEST_KILL=NAME[@COUNT] in the environment kills at the COUNT-th pass (default 1) of that
 * name; CCCI_TEST_TRACE=FILE appends each name passed, so that a test can first learn which there
 * are. Builds without -DCCCI_TEST_POINTS (release) have none of it.
 */
#ifndef CCCI_TESTPOINT_H
#define CCCI_TESTPOINT_H

#ifdef CCCI_TEST_POINTS
#include <stdbool.h>

/* The same without the kill: true at the pass that was asked for. For who kills another process. */
bool testpoint_reached(const char *name);
void testpoint_pass(const char *name);
#define TEST_POINT(name) testpoint_pass(name)
#else
#define TEST_POINT(name) ((void)0)
#endif

#endif
