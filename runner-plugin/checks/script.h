/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs an executable of the suite (docs/contracts.md, section 6): trusted, on the host, with an
 * environment of its own that says which app it is about; or one of the recipe's own tests, which
 * nobody trusts, in a sandbox.
 *
 *   struct script_spec spec = {.path = "checks/login", .stage = STAGE_INSTALL};
 *   if (script_run(work, &spec, &result, err) < 0)              ours: it could not even be started
 *           ...
 *   result.outcome, result.reason; result.tap.tests one by one
 *
 * Exit 0 passed, 1 failed, 77 not run with the last line as the reason; TAP on stdout counts test
 * by test. Any other end is a failure that says how it ended; one that cannot be started is an
 * error (ERR_CONFIG), and the suite's. It gets no secret of ccci's and dies,
 * with all that it started, when its time is over. What it says is masked, and holds nothing that
 * a terminal would obey.
 */
#ifndef CCCI_SCRIPT_H
#define CCCI_SCRIPT_H

#include "runner-plugin/checks/sandbox.h"
#include "runner-plugin/checks/tap.h"
#include "runner-plugin/stages/stages.h"

#define SCRIPT_TIMEOUT_MS (INT64_C(5) * 60 * 1000)
#define SCRIPT_REASON_SIZE 256

struct script_spec {
	const char *path; /* below the suite's directory, or below the recipe's tests/; borrowed */
	enum stage stage;
	/* Set: one of the recipe's, in a sandbox with these bounds. */
	const struct sandbox_limits *sandbox;
	/* What a tenant's program is told besides; NULL: none. */
	const char *tenant;
	const char *secrets_dir; /* instead of the run's own; what is there is masked */
};
struct script_result {
	enum outcome outcome; /* pass, fail, not run; unverified: cancelled */
	char reason[SCRIPT_REASON_SIZE];
	int64_t elapsed_ms;
	struct tap tap;	     /* is_tap false: it is one test */
	struct buf evidence; /* the end of what it said, masked */
};
void script_result_release(struct script_result *result);
DEFINE_AUTO(script_result, script_result_release);

int script_run(const struct stages_work *work, const struct script_spec *spec,
    struct script_result *out, struct err *err) CHECKED;

/* From how it ended and what it said on stdout, masked; pure. */
void script_judge(int exit_status, const char *said, size_t length, struct script_result *out);

/*
 * Adds what a program said, without escape sequences and control characters but newline and tab; a
 * carriage return ends a line. Pure.
 */
void script_clean(const char *said, size_t length, struct buf *out);

#endif
