/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stage prepare begins in stages_prepare() of stages.h. Here is what it does once more, in the
 * middle of an upgrade: it looks at the next base when the first turned out to be broken. A run
 * whose first base comes up spends no time on the second.
 *
 *   plan_reject_base(&plan, "does not come up");
 *   if (prepare_next_base(work, engine, &plan, &prepared, err) == 0 && plan_base(&plan))
 *           ... deploy that one
 */
#ifndef CCCI_PREPARE_H
#define CCCI_PREPARE_H

#include "runner-plugin/recipe/plan.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/stages/stages.h"
#include "runner-plugin/swarm/engine.h"

/*
 * The plan's base as prepare looks at one before any deployment: its files, its place, its images.
 * What is broken is rejected as well. plan and prepared are changed, and saved.
 *
 * Errors    ours: nothing is known of the base.
 */
int prepare_next_base(const struct stages_work *work, struct engine *engine, struct plan *plan,
    struct prepared *prepared, struct err *err) CHECKED;

#endif
