/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A picture of a page of the app, by the host's Chromium, in a sandbox of its own (sandbox.h): the
 * page is a hostile program, and so is what it makes of the browser.
 *
 *   struct browser_spec spec = {.run_id = run->id, .domain = run->domain, .page = "/", ...};
 *   if (browser_take(&spec, &picture, &head, err) < 0)     err.msg: why there is none
 *
 * The first that is at most RESULTS_PICTURE_MAX_BYTES of: PNG, JPEG, JPEG of half the pixels, and
 * of a window half as large. Blocks for BROWSER_TIMEOUT_MS at most.
 *
 * The browser does not look at certificates: it reaches nothing but the proxy at connect_to, and
 * the probes have proved the certificate of that, with roots that it cannot be told.
 *
 * Source: Chromium 156, headless/app/headless_shell_switches.cc; a load that failed ends it with 1
 * and a line "Page load failed: net::ERR_...".
 */
#ifndef CCCI_BROWSER_H
#define CCCI_BROWSER_H

#include "common/results.h"
#include "runner-plugin/checks/picture_head.h"
#include "runner-plugin/run/proc.h"

#define BROWSER_TIMEOUT_MS (INT64_C(60) * 1000) /* of all attempts; one takes two seconds */

struct browser_spec { /* borrowed */
	const char *run_id;
	const char *domain;
	const char *connect_to; /* the proxy: "127.0.0.1:443" */
	const char *page;	/* path at the domain, begins with "/" */
	const char *path;	/* PATH on which the browser and bwrap are looked for */
	const char *log_path;	/* what the browser says; NULL: none */
	int cancel_fd;		/* -1: none */
};
/* Errors are all one to who wants a picture: there is none, and the message says why. */
int browser_take(const struct browser_spec *spec, struct buf *out_picture,
    struct picture_head *out_head, struct err *err) CHECKED;

/* Why the browser left no picture, from its end and its last words; always -1. Pure. */
int browser_explain(const struct proc_result *ended, struct err *err);

#endif
