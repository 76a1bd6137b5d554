/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the processes of one run hand to each other through its directory: prepare's plan, and the
 * result of each stage. Hides paths, form and limit of plan.json and stage-<word>.json.
 *
 *   handover_save_stage(run, &stage, err);                   a worker; or the keeper in its place
 *   handover_load_stage(run, STAGE_INSTALL, &stage, err);    a later worker; the record
 *
 * Each file is whole or not there. What prepare found beside the plan is in prepared.h.
 */
#ifndef CCCI_HANDOVER_H
#define CCCI_HANDOVER_H

#include "common/results.h"
#include "runner-plugin/recipe/plan.h"
#include "runner-plugin/run/run.h"

/* A plan with thousands of rejected versions; a result with RESULTS_ITEMS_MAX of everything. */
#define HANDOVER_MAX_BYTES (1024 * 1024)

/* Load: ERR_MISSING when nobody saved one. */
int handover_save_plan(const struct run *run, const struct plan *plan, struct err *err) CHECKED;
int handover_load_plan(const struct run *run, struct plan *out, struct err *err) CHECKED;

int handover_save_stage(
    const struct run *run, const struct results_stage *stage, struct err *err) CHECKED;
int handover_load_stage(
    const struct run *run, enum stage which, struct results_stage *out, struct err *err) CHECKED;
bool handover_has_stage(const struct run *run, enum stage which);

#endif
