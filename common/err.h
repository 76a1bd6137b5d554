/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error object, last parameter of every function that can fail for a reason outside the
 * program.
 *
 *   if (store_open(path, &store, err) < 0)
 *           return err_prefix(err, "start the bridge");
 *
 * A failing function returns -1 (or NULL) and has filled *err; on success it has not touched it.
 * The message says what was attempted, on what, then why. It never holds a secret; values from
 * outside are quoted and bounded by the caller. A code exists only because some caller branches on
 * it.
 */
#ifndef CCCI_ERR_H
#define CCCI_ERR_H

#include "common/base.h"

enum err_code {
	ERR_NONE,
	ERR_CONFIG,    /* the operator's or the caller's input is wrong: exit 2 */
	ERR_SYS,       /* a system call failed; see sys */
	ERR_TIMEOUT,   /* a deadline of ours passed */
	ERR_TRANSIENT, /* the peer may do better later: retry with back-off */
	ERR_DENIED,    /* the peer refused us: 401, 403 */
	ERR_MISSING,   /* the thing asked for does not exist: 404 */
	ERR_PROTOCOL,  /* the peer's answer makes no sense */
	ERR_LIMIT,     /* larger than we allow */
};

struct err {
	enum err_code code;
	int sys;       /* errno with ERR_SYS, else 0 */
	char msg[256]; /* truncated, never within a character */
};

int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
int err_sys(struct err *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);
int err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The analyzers see one file at a time: tell them that these fail always. */
#if defined(__clang_analyzer__) || defined(CCCI_ANALYZE)
static inline int err_always(int minus_one)
{
	(void)minus_one;
	return -1;
}
#define err_set(...) err_always(err_set(__VA_ARGS__))
#define err_sys(...) err_always(err_sys(__VA_ARGS__))
#define err_prefix(...) err_always(err_prefix(__VA_ARGS__))
#endif

#endif
