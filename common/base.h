/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ground every file stands on: attributes, allocation that does not fail, scope-bound
 * resources, and the calls that nobody here may use.
 *
 * Include it last of all headers of ours; every header of ours includes it first.
 *
 * Out of memory aborts. That is safe: a run is torn down by another process (the keeper, or reap),
 * and the bridge's effects are in its store before they are tried.
 */
#ifndef CCCI_BASE_H
#define CCCI_BASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECKED __attribute__((warn_unused_result))
#define NEVER_NULL __attribute__((returns_nonnull))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Memory of these is never NULL; free() it, or let auto_str do so. */
void *xcalloc(size_t count, size_t size) CHECKED NEVER_NULL;
void *xrealloc_array(void *old, size_t count, size_t size) CHECKED NEVER_NULL;
char *xstrdup(const char *text) CHECKED NEVER_NULL;
char *xstrndup(const char *text, size_t most) CHECKED NEVER_NULL;
char *xasprintf(const char *format, ...) CHECKED NEVER_NULL PRINTF_LIKE(1, 2);

/* Bounded text. Each returns false, and writes an empty string, when the whole does not fit. */
bool copy_text(char *out, size_t out_size, const char *text);
bool format_text(char *out, size_t out_size, const char *format, ...) PRINTF_LIKE(3, 4);

static inline bool text_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix);
/* Is the word one of a comma separated list? */
bool text_lists(const char *list, const char *word);
/* Where a word stands in a table of them; count: nowhere. */
size_t text_index(const char *const *words, size_t count, const char *word) CHECKED;
/* What Swarm names within a stack: "<stack>_db" to "db", borrowed; NULL: of another, or no name. */
const char *text_descope(const char *stack, const char *name) CHECKED;

/*
 * Where a text of UTF-8 is cut to at most max_bytes: the length of its beginning, or where its end
 * begins, never within a character. Of what is no UTF-8 at most a character's length goes besides.
 */
size_t text_head(const char *text, size_t max_bytes) CHECKED;
const char *text_tail(const char *text, size_t max_bytes) CHECKED;
/* Where the last line begins that is not blank, and how long it is without the blanks behind it. */
const char *text_last_line(const char *text, size_t *out_length) CHECKED;
/* As much of its beginning as there is room for. */
void copy_head(char *out, size_t out_size, const char *text);

/* The value of a variable in a NULL-terminated NAME=value list, borrowed; NULL: not there. The
 * first one counts. */
const char *environ_get(const char *const *environ, const char *name);
/* PATH, or what a system without one uses. */
const char *environ_path(const char *const *environ);

/* A whole decimal number, nothing around it: true and *out set, or false and *out untouched. */
bool parse_int64(const char *text, int64_t least, int64_t most, int64_t *out) CHECKED;

/*
 * Scope-bound resources: initialise at the declaration.
 *
 *   auto_fd int fd = open(...);
 *   auto_str char *name = xasprintf(...);
 *   return take_ptr(name);       the scope no longer owns it
 */
void close_fd(int *fd);

static inline void free_str(char **text)
{
	free(*text);
}

#define auto_fd __attribute__((cleanup(close_fd)))
#define auto_str __attribute__((cleanup(free_str)))

/* DEFINE_AUTO(buf, buf_release) beside struct buf gives auto_buf for automatic objects of it. */
#define DEFINE_AUTO(type, release)                                                                 \
	static inline void auto_release_##type(struct type *object)                                \
	{                                                                                          \
		release(object);                                                                   \
	}                                                                                          \
	struct type
/* DEFINE_AUTO_PTR(json, json_free) gives AUTO_PTR(json) for pointers to it. */
#define DEFINE_AUTO_PTR(type, release)                                                             \
	static inline void auto_free_##type(struct type **object)                                  \
	{                                                                                          \
		release(*object);                                                                  \
	}                                                                                          \
	struct type
#define AUTO(type) __attribute__((cleanup(auto_release_##type))) struct type
#define AUTO_PTR(type) __attribute__((cleanup(auto_free_##type))) struct type *

#define take_ptr(pointer)                                                                          \
	__extension__({                                                                            \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The headers that declare them are included above; a test includes check.h before this. */
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets atoi system popen
#pragma GCC poison signal localtime gmtime ctime mktemp

#endif
