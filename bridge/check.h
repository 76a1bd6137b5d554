/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What --check asks the forge: who we are, whether commands can be heard in each enrolled
 * repository, with WEBHOOK_AUTOREGISTER whether it may have a webhook of ours, and whether those of
 * AUTO_TEST may write what judges them. Blocks, writes nothing anywhere. Only main.c calls it.
 *
 *   if (check_forge(&settings, &count, text, err) < 0) ...
 *   count lines in text: one for each repository that cannot be heard (standing.h), or may have no
 * webhook (hook_plan.h); and warnings besides (isolation.h)
 */
#ifndef CCCI_BRIDGE_CHECK_H
#define CCCI_BRIDGE_CHECK_H

#include "bridge/settings.h"
#include "common/buf.h"

/* -1: the forge did not answer, or not to our token. */
int check_forge(const struct bridge_settings *settings, size_t *out_count, struct buf *out,
    struct err *err) CHECKED;

#endif
