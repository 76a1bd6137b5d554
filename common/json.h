/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON as a tree of values. The only file that includes cJSON is json.c.
 *
 *   AUTO_PTR(json) root = json_parse(text, length, err);
 *   const char *state = json_get_text(root, "state");        NULL: absent or not a text
 *
 * Reading is total: asking a value of another type, a missing key or a NULL object answers
 * "absent". Nesting deeper than JSON_MAX_DEPTH, a NUL inside a text, bytes that are not UTF-8 and
 * anything behind the value are parse errors. Of a key given twice the first counts.
 */
#ifndef CCCI_JSON_H
#define CCCI_JSON_H

#include "common/err.h"

#define JSON_MAX_DEPTH 64 /* Gitea's deepest payload has 7 */

struct json;

struct json *json_parse(
    const char *text, size_t length, struct err *err) CHECKED; /* ERR_PROTOCOL */
void json_free(struct json *json);

/* Reading. Everything returned is borrowed from the tree. */
bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);
bool json_is_null(const struct json *json);
const struct json *json_get(const struct json *object, const char *key); /* NULL: absent */
const char *json_get_text(const struct json *object, const char *key); /* NULL: absent or no text */
bool json_get_int(const struct json *object, const char *key, int64_t *out); /* whole, |n| < 2^53 */
bool json_get_number(const struct json *object, const char *key, double *out);
bool json_get_bool(const struct json *object, const char *key, bool *out);
const char *json_text(const struct json *value); /* NULL: no text */
bool json_int(const struct json *value, int64_t *out);
size_t json_count(const struct json *array_or_object); /* 0 for anything else */
const struct json *json_at(const struct json *array_or_object, size_t index); /* walks there */
/* In order: for (item = json_first(list); item; item = json_next(item)). NULL ends it. */
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *member);
const char *json_key(const struct json *member); /* name of a member of an object, NULL else */
/* "a.b.c": nested json_get(); keys with dots cannot be asked this way. */
const struct json *json_path(const struct json *object, const char *dotted);

/* Building. Children are taken over by their parent. A text that is not UTF-8 is stored with U+FFFD
 * in its place. */
char *json_repair(const char *text) CHECKED; /* what is stored for text; the caller frees it */
struct json *json_new_object(void) CHECKED;
struct json *json_new_array(void) CHECKED;
struct json *json_new_text(const char *text) CHECKED;
struct json *json_new_int(int64_t value) CHECKED;
struct json *json_copy(const struct json *json) CHECKED; /* whole; of NULL an empty object */
void json_set(struct json *object, const char *key, struct json *take_value); /* replaces */
void json_set_text(struct json *object, const char *key, const char *text); /* NULL: stores null */
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_number(struct json *object, const char *key, double value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_add(struct json *array, struct json *take_value);
void json_add_text(struct json *array, const char *text);
char *json_print(const struct json *json) CHECKED; /* one line, no blanks; the caller frees it */

DEFINE_AUTO_PTR(json, json_free);

#endif
