/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the exit status of ccci-run says, and that of a worker to its keeper: the one list of them.
 * Pure. docs/contracts.md section 4 and ccci-run(1) promise the numbers; a test compares.
 *
 *   return exit_of_err(&err);
 *   return exit_of_verdict(results.verdict, results.is_clean);
 *
 * 78 is never one of them: Drone would call the build a success.
 */
#ifndef CCCI_EXIT_H
#define CCCI_EXIT_H

#include "common/err.h"
#include "common/verdict.h"

enum exit_code {
	EXIT_PASSED,
	EXIT_RECIPE, /* it failed */
	EXIT_USAGE,  /* or configuration */
	EXIT_OURS,   /* could not judge */
	EXIT_LEFT,   /* judged, but something was left behind */
	EXIT_TIMED_OUT,
	EXIT_CANCELLED, /* or superseded */
};
#define EXIT_CODE_COUNT (EXIT_CANCELLED + 1)

/* In the words of --help and the manual. */
const char *exit_meaning(enum exit_code code);

/* Nothing judged is no success. */
enum exit_code exit_of_verdict(enum verdict_class class, bool is_clean);
/* Of one stage. */
enum exit_code exit_of_outcome(enum outcome outcome);
/* Of a request that was open when the run ended. */
enum exit_code exit_of_end(enum run_end end);
enum exit_code exit_of_err(const struct err *err);

#endif
