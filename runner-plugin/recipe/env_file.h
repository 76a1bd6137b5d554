/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Env files as abra reads them, which is by godotenv's rules, and our way of writing into one.
 * Pure: the text comes in, a file is never opened.
 *
 *   env_file_parse(".env.sample", text, length, &env, err);
 *   value = env_get(&env, "DOMAIN");                            NULL: unset
 *   text = env_file_set(text, "DOMAIN", "a.ci.test", err);      NULL: refused
 *
 * What it hides: "FOO = bar", "FOO: bar", FOO.BAR=x, export, quotes over lines, escapes in double
 * ones, where a comment begins, expansion of [A-Z0-9_] names by earlier lines. A byte order mark is
 * refused, and so is "$(NAME)" taken for a variable: godotenv's oddities are kept, not mended.
 *
 * Ours alone: a NUL in a value is refused (no environment can hold one), and so are a value and a
 * file beyond the limits below.
 *
 * Errors: ERR_CONFIG with file:line, what stands there and the way out.
 * Source: joho/godotenv 1.5.1; tests/oracle compares us with it.
 */
#ifndef CCCI_ENV_FILE_H
#define CCCI_ENV_FILE_H

#include "common/err.h"

#define ENV_VALUE_MAX_BYTES (64 * 1024) /* they hold keys and certificates at most */
#define ENV_ROWS_MAX 2000

struct env_row {
	char *name; /* may be empty: "=x" */
	char *value;
};
struct env {
	struct env_row *rows; /* each name once */
	size_t count;
};

int env_file_parse(
    const char *file, const char *text, size_t length, struct env *out, struct err *err) CHECKED;
/* Adds the `export NAME=value` lines of an abra.sh; what is no such line is the shell's. */
void env_add_abra_sh(struct env *env, const char *text, size_t length);
const char *env_get(const struct env *env, const char *name); /* borrowed; NULL: unset */
void env_set(struct env *env, const char *name, const char *value);
/*
 * The text of an env file with a name set to a value, in the place of the statement that sets it
 * now (of several the first; the others go) or in a line of its own at the end. Everything else
 * stays byte for byte, the comment behind the old value too: abra has modifiers there. Whatever the
 * value holds, env_file_parse() and godotenv read it back as it is, with nothing in it expanded.
 * The caller frees the result; NULL: the text is no env file, or the name cannot be written.
 */
char *env_file_set(const char *text, const char *name, const char *value, struct err *err) CHECKED;
void env_release(struct env *env);
DEFINE_AUTO(env, env_release);

#endif
