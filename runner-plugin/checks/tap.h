/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a test program said in the Test Anything Protocol, one result for each of its tests. Pure.
 *
 *   AUTO(tap) tap = {0};
 *   tap_read(stdout, length, &tap);
 *   if (tap.is_tap) ... tap.tests
 *
 * Output is TAP when it holds a plan ("1..3") or a version line; else a program that happens to
 * print "ok" would be taken for one. A test that the plan has and the output has not failed. A
 * skipped one, or one that is known to fail (TODO), was not run, and says why.
 *
 * Source: the Test Anything Protocol, version 13 (testanything.org), without its YAML blocks.
 */
#ifndef CCCI_TAP_H
#define CCCI_TAP_H

#include "common/verdict.h"

#define TAP_TESTS_MAX 200 /* results take 256 of a stage; the rest is counted */

struct tap_test {
	char *name; /* its description, or "test 3" */
	enum outcome outcome;
	char *reason; /* of a failed one its first comment line; never NULL */
};
struct tap {
	bool is_tap;
	struct tap_test *tests;
	size_t count;
	size_t dropped;	       /* tests beyond TAP_TESTS_MAX */
	size_t dropped_failed; /* those of them that failed */
	char *bailed;	       /* "Bail out!" and why; NULL: it did not */
	char *skipped;	       /* "1..0 # SKIP why": the reason; NULL */
};
void tap_read(const char *text, size_t length, struct tap *out);
void tap_release(struct tap *tap);
DEFINE_AUTO(tap, tap_release);

#endif
