/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Facts and decision: what is due for a job that was heard. Part of tend.h.
 *
 *   decide_turn(work)     asks for the facts that lack, or applies what policy.h says of them
 */
#ifndef CCCI_BRIDGE_DECIDE_H
#define CCCI_BRIDGE_DECIDE_H

#include "bridge/work.h"

void decide_turn(struct work *work);

#endif
