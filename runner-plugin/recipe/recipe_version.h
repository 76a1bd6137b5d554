/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipe versions, "<recipe semver>+<app version>", ordered as Co-op Cloud orders tags. Pure.
 *
 * The rule:
 * - Before the plus sign are three numbers, at most nine digits each, maybe with a "v" in front.
 *   They decide, number by number.
 * - Behind it is the application's version, which is free text: of letters, digits and ".+~_-". It
 *   breaks ties: digits compare as numbers of any length, all else byte by byte, and what ends
 *   first is older; no application's version is oldest. A "v" before its first digit counts for
 *   nothing.
 * - All else is no recipe version: fewer or more numbers, a pre-release ("1.0.0-rc1+2"), a name. It
 *   cannot be sorted, so the planner skips it and names it among the rejected.
 */
#ifndef CCCI_RECIPE_VERSION_H
#define CCCI_RECIPE_VERSION_H

#include "common/base.h"

bool recipe_version_is_valid(const char *text);
/* <0, 0, >0 as a is older, the same, newer; both must be valid. */
int recipe_version_compare(const char *a, const char *b);

#endif
