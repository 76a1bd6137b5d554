/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a job to the commit status of the head that it tests (COMMIT_STATUS). Pure.
 *
 *   if (status_write(&facts, &status))
 *           ... due when it is not the one that was told ...
 *
 * success is what was tested and passed, and nothing else: the forge counts success towards what a
 * branch requires, and takes "warning" and "skipped" for success when it sums up (Gitea 1.26). What
 * the recipe is at fault for is failure. All else that ends is error: nobody knows how the recipe
 * is, and who wants to know asks again. That is also what was cancelled, superseded or not run: as
 * pending it would have a reviewer wait for what does not come.
 */
#ifndef CCCI_BRIDGE_STATUS_H
#define CCCI_BRIDGE_STATUS_H

#include "bridge/job.h"
#include "bridge/peers/gitea.h"
#include "common/results.h"

#define STATUS_CONTEXT "ccci"
#define STATUS_SHOWN_BYTES 140 /* of the description: one line beside the commit */

struct status_facts {
	const struct job *job;
	const struct results *results; /* NULL: none */
	const char *builds_url;	       /* "": not known yet */
	const char *pages_url;	       /* where the run has a page; NULL: nowhere that people see */
};

/* False: of this job nothing is said; *out is untouched. */
bool status_write(const struct status_facts *facts, struct gitea_status *out) CHECKED;

#endif
