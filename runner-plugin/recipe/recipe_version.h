/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipe versions, "<recipe semver>+<app version>", ordered as Co-op Cloud orders tags. Pure.
 *
 * The left part decides; the right part breaks ties number by number. A tag that is none is skipped
 * by the planner and named among the rejected.
 */
#ifndef CCCI_RECIPE_VERSION_H
#define CCCI_RECIPE_VERSION_H

#include "common/base.h"

bool recipe_version_is_valid(const char *text);
/* <0, 0, >0 as a is older, the same, newer; both must be valid. */
int recipe_version_compare(const char *a, const char *b);

#endif
