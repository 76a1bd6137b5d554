/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the processes of one run hand to each other through its directory: prepare's plan, the
 * result of each stage, the app's picture. Hides paths, form and limit of plan.json,
 * stage-<word>.json, picture.png or picture.jpg, no-picture.
 *
 *   handover_save_stage(run, &stage, err);                   a worker; or the keeper in its place
 *   handover_load_stage(run, STAGE_INSTALL, &stage, err);    a later worker; the record
 *
 * Each file is whole or not there. What prepare found beside the plan is in prepared.h.
 */
#ifndef CCCI_HANDOVER_H
#define CCCI_HANDOVER_H

#include "common/results.h"
#include "runner-plugin/checks/picture_head.h"
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

/* Of the app; or why there is none. */
struct handover_picture {
	struct picture_head head;
	struct buf bytes;
	char *why_not; /* NULL: there is one */
};
void handover_picture_release(struct handover_picture *picture);
DEFINE_AUTO(handover_picture, handover_picture_release);

int handover_save_picture(
    const struct run *run, const struct handover_picture *picture, struct err *err) CHECKED;
/* ERR_MISSING: nobody wanted one. */
int handover_load_picture(
    const struct run *run, struct handover_picture *out, struct err *err) CHECKED;
/* Where it is; the caller frees it. */
char *handover_picture_path(const struct run *run, const struct picture_kind *kind) CHECKED;
/* What the results say of it. */
void handover_tell_picture(const struct handover_picture *picture, struct results *out);

#endif
