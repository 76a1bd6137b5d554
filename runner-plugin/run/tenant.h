/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run has to itself in an app that it needs: a realm, a database, a bucket, named by
 * run_tenant(). One program of that app's suite makes it, another takes it away. In an app that
 * runs share the second is in the journal before the first is started.
 *
 *   tenant_entry(&beside, need, release, &entry);
 *   tenant_make(&work, STAGE_INSTALL, seed, need, &result, err);     in the worker
 *   tenant_release(&tenant, entry, err)                              whoever undoes the record
 */
#ifndef CCCI_TENANT_H
#define CCCI_TENANT_H

#include "runner-plugin/checks/script.h"
#include "runner-plugin/run/journal.h"
#include "runner-plugin/run/prepared.h"

/* beside: the need as prepared_open_need() gives it. */
void tenant_entry(const struct run *beside, const struct prepared_need *need, const char *release,
    struct journal_entry *out);
/* work: of that need. */
int tenant_make(const struct stages_work *work, enum stage stage, const char *seed,
    const struct prepared_need *need, struct script_result *out, struct err *err) CHECKED;

struct tenant {
	const struct settings *settings;
	const struct run *run; /* that has it */
	const char *const *environ;
};
/* Nothing to do when the app is gone: all went with it. -1: the program failed, or there is none.
 */
int tenant_release(
    const struct tenant *tenant, const struct journal_entry *entry, struct err *err) CHECKED;
/* After that: no other run is to find what stayed there. The app goes with it, once all have gone.
 */
int tenant_withdraw(
    const struct tenant *tenant, const struct journal_entry *entry, struct err *err) CHECKED;

#endif
