/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `ccci-run check-suite`: every mistake of a suite, or of each suite in a folder of them.
 *
 *   return check_suite("tests/recipes");
 *
 * A folder with a suite.yml is a suite; one without is a folder of suites, by recipe. Prints a line
 * for each mistake, then how many suites are good. It needs no settings: who writes suites has
 * none.
 */
#ifndef CCCI_CHECK_SUITE_H
#define CCCI_CHECK_SUITE_H

#include "runner-plugin/run/exit.h"

#define CHECK_SUITE_DEFAULT "tests/recipes"

enum exit_code check_suite(const char *directory);

#endif
