/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `ccci-run canary`: recipes whose outcome is known are run as any other, one after the other, and
 * each must come out as its canary.yml declares. So an operator sees whether this host's CI still
 * tells good recipes from bad ones.
 *
 *   return canary_run(&front, "tests/canaries");
 *
 * A folder with a canary.yml is a canary; one without is a folder of canaries. Prints a line for
 * each. One that only the tests can make, or whose images this host does not have, is not run and
 * says so. Hides that a canary is a git repository made on the spot, with fixed dates and names:
 * the same commits everywhere.
 */
#ifndef CCCI_CANARY_H
#define CCCI_CANARY_H

#include "runner-plugin/run/front.h"

#define CANARY_DEFAULT "tests/canaries" /* of a checkout */

/* directory NULL: the default, where there is none what was installed (CCCI_CANARIES). EXIT_OURS:
 * one came out otherwise. EXIT_USAGE: a canary.yml is none, or there is no canary. */
enum exit_code canary_run(const struct front *front, const char *directory);

#endif
