/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tests that a recipe ships: which executables are in its tests/.
 *
 *   AUTO(shipped) shipped = {0};
 *   if (shipped_list(tests_dir, SHIPPED_TESTS, &shipped, err) < 0) ...
 *   shipped.names, below tests_dir: "login", "extra/slow"
 *
 * A file counts that its owner may run and whose name does not begin with a dot; what else lies
 * there is theirs to read. Those of tests/extra/ belong to the stage extra. Sorted by name.
 */
#ifndef CCCI_SHIPPED_H
#define CCCI_SHIPPED_H

#include "common/err.h"

#define SHIPPED_TESTS ""
#define SHIPPED_EXTRA "extra/"
#define SHIPPED_MAX 64 /* each may take minutes */

struct shipped {
	char **names;
	size_t count;
};

/* No such directory: none. ERR_LIMIT: more than SHIPPED_MAX. */
int shipped_list(
    const char *tests_dir, const char *below, struct shipped *out, struct err *err) CHECKED;
void shipped_release(struct shipped *shipped);
DEFINE_AUTO(shipped, shipped_release);

#endif
