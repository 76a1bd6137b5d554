/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carrying out effects, each recorded as tried before it is sent, and keeping our one comment up to
 * date. Part of tend.h.
 *
 *   carry_turn(work)     tries what is open; looks first where a try may have happened
 *
 * Reaction and deletion are the same however often they are sent. Build and comment are not: one
 * that was tried and has no answer (a crash, a broken connection) is looked for first, among the
 * builds by COMMENT, among the pull request's comments by our hidden line, and only its absence
 * lets it be tried again. WORK_SETTLE_S lies between, so that what is still on its way has
 * arrived. Edits and commit statuses are the same however often they are sent, but the last one
 * counts: so none follows one that has no answer before WORK_SETTLE_S are over. A status is that of
 * a commit: none is set of a job when a newer one tests the same commit, nor while another's may be
 * on its way; and of one without an answer the forge is asked first what came of it.
 */
#ifndef CCCI_BRIDGE_CARRY_H
#define CCCI_BRIDGE_CARRY_H

#include "bridge/work.h"

#define CARRY_EDIT_EVERY_MS 1000     /* of one comment, and only when its text differs */
#define CARRY_PROGRESS_EVERY_MS 3000 /* the verdict does not wait so long */
#define CARRY_WRITE_EVERY_MS 900
#define CARRY_CLOCKS_S 600  /* as far may other clocks be from the forge's */
#define CARRY_NO_BUILD_S 60 /* a plain no of the server's may be the forge's hiccup so long */
#define CARRY_GIVE_UP_S (INT64_C(24) * 3600) /* trying to tell somebody who cannot be told */

void carry_turn(struct work *work);

#endif
