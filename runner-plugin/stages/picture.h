/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture of the app (PICTURE): taken when install has passed and its result is written, as it
 * shows most then and can cost no stage its time or its verdict.
 *
 *   picture_take(work, suite.picture);
 *
 * It is in the run's directory afterwards, or why there is none (handover.h), and a line says
 * which. Nothing where the operator wants none, for `dev`, and for an app that runs share.
 */
#ifndef CCCI_PICTURE_H
#define CCCI_PICTURE_H

#include "runner-plugin/stages/stages.h"

/* page: the suite's, NULL: "/". */
void picture_take(const struct stages_work *work, const char *page);

#endif
