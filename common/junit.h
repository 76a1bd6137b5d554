/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results as JUnit XML, for programs that read nothing else. Pure.
 *
 *   junit_print(&results, &out);
 *
 * A stage is a testsuite. Its first testcase is the stage itself; its tests follow. fail is a
 * failure; error and unverified are errors; not_run is skipped, and so is a rollback that did not
 * pass. What was tested, and with which versions, are properties of the run's own suite.
 */
#ifndef CCCI_JUNIT_H
#define CCCI_JUNIT_H

#include "common/results.h"

void junit_print(const struct results *results, struct buf *out);

#endif
