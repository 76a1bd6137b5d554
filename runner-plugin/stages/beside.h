/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The apps that the one under test needs: recipes of their own in the same run, deployed by the
 * first stage that deploys, and left alone until the teardown, which takes them down last.
 *
 *   beside_tell(work, &prepared, &suite, err)   where they are: @need.keycloak.domain@ in env
 *   if (beside_raise(progress) < 0) return;     a need that does not come up is no recipe's fault
 *   beside_excuse(progress);                    nor is what fails once a need has gone
 *
 * prepare has fetched and judged each; which and at which commit is in prepared.json.
 */
#ifndef CCCI_BESIDE_H
#define CCCI_BESIDE_H

#include "runner-plugin/stages/progress.h"

/* Puts domains and stacks into the suite's env. */
int beside_tell(const struct stages_work *work, const struct prepared *prepared,
    struct suite *suite, struct err *err) CHECKED;
/* -1: concluded. */
int beside_raise(struct progress *progress) CHECKED;
/* After a stage that failed: unverified when a need is not up any more. */
void beside_excuse(struct progress *progress);

#endif
