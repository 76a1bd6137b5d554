/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Variables in a value of a compose file, as docker/cli's loader of stacks substitutes them. Pure.
 *
 *   if (interpolate("nginx:${TAG:-1.27}", &env, COMPOSE_TEXT_MAX, &text, err) < 0)
 *           return err_prefix(err, "%s:%d:%d", file, line, column);
 *
 * $V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} $$ and nothing else. Its own rules, not those of Compose or
 * of a shell: a default ends at the first "}" and is not substituted itself, a name without braces
 * may have a default too ($TAG-alpine is the value of TAG), the first of ":-" "-" ":?" "?" that
 * stands anywhere in the braces counts, ${V:+x} is no form.
 *
 * Errors: ERR_CONFIG, which form is wrong and what to write; the caller puts the place before it.
 * Source: docker/cli 27.5.1, cli/compose/template; tests/oracle compares us with it.
 */
#ifndef CCCI_INTERPOLATE_H
#define CCCI_INTERPOLATE_H

#include "runner-plugin/recipe/env_file.h"

/* *out: the caller frees it. A text that grows beyond max_bytes is refused. */
int interpolate(
    const char *text, const struct env *env, size_t max_bytes, char **out, struct err *err) CHECKED;

#endif
