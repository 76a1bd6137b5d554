/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/json.h"

#include <cjson/cJSON.h>
#include <math.h>

#define WHOLE_LIMIT 9007199254740992.0 /* 2^53: the first whole number a double may not be */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* struct json is never completed: it is cJSON's node under a name of ours. */
static struct json *wrap(cJSON *node)
{
	if (!node)
		abort(); /* cJSON says NULL only when memory is out */
	return (struct json *)node;
}

static const cJSON *node_of(const struct json *json)
{
	return (const cJSON *)json;
}

static cJSON *open_node(struct json *json)
{
	return (cJSON *)json;
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Length of the well-formed UTF-8 sequence at text (RFC 3629, section 4), 0 when there is none.
 */
static size_t sequence_length(const unsigned char *text, size_t left)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	unsigned char least = 0x80;
	unsigned char most = 0xbf;

	if (length == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || left < length)
		return 0;
	if (text[0] == 0xe0)
		least = 0xa0; /* shorter form exists */
	else if (text[0] == 0xed)
		most = 0x9f; /* surrogates */
	else if (text[0] == 0xf0)
		least = 0x90;
	else if (text[0] == 0xf4)
		most = 0x8f; /* above U+10FFFF */
	if (text[1] < least || text[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_continuation(text[i]))
			return 0;
	}
	return length;
}

/* How many of the first bytes are ASCII; nearly all of what we read is. */
static size_t ascii_length(const unsigned char *text, size_t length)
{
	size_t at = 0;

	for (uint64_t word = 0; at + sizeof(word) <= length; at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (at < length && text[at] < 0x80)
		at++;
	return at;
}

static bool is_utf8(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at = ascii_length(bytes, length);

	while (at < length) {
		size_t size = sequence_length(bytes + at, length - at);

		if (!size)
			return false;
		at += size;
		at += ascii_length(bytes + at, length - at);
	}
	return true;
}

char *json_repair(const char *text)
{
	size_t length = strlen(text);
	const unsigned char *bytes = (const unsigned char *)text;
	char *out = xcalloc(length + 1, sizeof(replacement) - 1);
	size_t used = 0;

	for (size_t at = 0; at < length;) {
		size_t size = sequence_length(bytes + at, length - at);

		if (size) {
			memcpy(out + used, text + at, size);
			used += size;
			at += size;
		} else {
			memcpy(out + used, replacement, sizeof(replacement) - 1);
			used += sizeof(replacement) - 1;
			at++;
		}
	}
	out[used] = '\0';
	return out;
}

static size_t find_byte(const char *text, char byte, size_t from, size_t to)
{
	const char *found = from < to ? memchr(text + from, byte, to - from) : NULL;

	return found ? (size_t)(found - text) : to;
}

/*
 * Where the text that begins at text[at] has its closing quote, or length; *out_has_nul is set when
 * it holds a NUL. Each byte is looked at once for either sign, however many escapes there are.
 */
static size_t end_of_text(const char *text, size_t length, size_t at, bool *out_has_nul)
{
	size_t end = find_byte(text, '"', at, length);
	size_t escape = find_byte(text, '\\', at, end);

	while (escape < end) {
		if (length - escape >= 6 && memcmp(text + escape, "\\u0000", 6) == 0)
			*out_has_nul = true;
		at = escape + 2;
		if (at > end) /* that quote was escaped */
			end = find_byte(text, '"', at, length);
		escape = find_byte(text, '\\', at, end);
	}
	return end;
}

/*
 * What cJSON lets pass: it nests 1000 deep by recursion and cuts a text at \u0000. Quotes are all
 * this needs to understand; whether the rest is JSON is cJSON's to say. NULL: nothing is wrong.
 */
static const char *find_fault(const char *text, size_t length)
{
	size_t depth = 0;
	bool has_nul = false;

	if (memchr(text, '\0', length))
		return "it holds a NUL byte";
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			i = end_of_text(text, length, i + 1, &has_nul);
		else if ((text[i] == '[' || text[i] == '{') && ++depth > JSON_MAX_DEPTH)
			return "it is nested too deep";
		else if ((text[i] == ']' || text[i] == '}') && depth)
			depth--;
	}
	if (has_nul)
		return "a text holds a NUL";
	return is_utf8(text, length) ? NULL : "it is not UTF-8";
}

struct json *json_parse(const char *text, size_t length, struct err *err)
{
	const char *end = NULL;
	const char *fault = find_fault(text, length);

	if (fault) {
		(void)err_set(err, ERR_PROTOCOL, "parse JSON: %s", fault);
		return NULL;
	}
	cJSON *node = cJSON_ParseWithLengthOpts(text, length, &end, false);
	if (!node) {
		(void)err_set(err, ERR_PROTOCOL, "parse JSON: wrong near byte %zu of %zu",
		    end ? (size_t)(end - text) : 0, length);
		return NULL;
	}
	while (end < text + length && strchr(" \t\r\n", *end))
		end++;
	if (end < text + length) {
		(void)err_set(err, ERR_PROTOCOL, "parse JSON: more follows at byte %zu of %zu",
		    (size_t)(end - text), length);
		cJSON_Delete(node);
		return NULL;
	}
	return wrap(node);
}

void json_free(struct json *json)
{
	cJSON_Delete(open_node(json));
}

bool json_is_object(const struct json *json)
{
	return cJSON_IsObject(node_of(json));
}

bool json_is_array(const struct json *json)
{
	return cJSON_IsArray(node_of(json));
}

bool json_is_null(const struct json *json)
{
	return cJSON_IsNull(node_of(json));
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!json_is_object(object))
		return NULL;
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(node_of(object), key);
}

const char *json_text(const struct json *value)
{
	return cJSON_GetStringValue(node_of(value));
}

const char *json_get_text(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

bool json_int(const struct json *value, int64_t *out)
{
	const cJSON *node = node_of(value);
	double number = cJSON_IsNumber(node) ? node->valuedouble : WHOLE_LIMIT;

	if (!(number > -WHOLE_LIMIT && number < WHOLE_LIMIT) || number != (double)(int64_t)number)
		return false;
	*out = (int64_t)number;
	return true;
}

bool json_get_int(const struct json *object, const char *key, int64_t *out)
{
	return json_int(json_get(object, key), out);
}

bool json_get_number(const struct json *object, const char *key, double *out)
{
	const cJSON *node = node_of(json_get(object, key));

	if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble))
		return false;
	*out = node->valuedouble;
	return true;
}

bool json_get_bool(const struct json *object, const char *key, bool *out)
{
	const cJSON *node = node_of(json_get(object, key));

	if (!cJSON_IsBool(node))
		return false;
	*out = cJSON_IsTrue(node);
	return true;
}

const struct json *json_first(const struct json *array_or_object)
{
	if (!json_is_array(array_or_object) && !json_is_object(array_or_object))
		return NULL;
	return (const struct json *)node_of(array_or_object)->child;
}

const struct json *json_next(const struct json *member)
{
	return member ? (const struct json *)node_of(member)->next : NULL;
}

size_t json_count(const struct json *array_or_object)
{
	size_t count = 0;

	for (const struct json *member = json_first(array_or_object); member;
	     member = json_next(member))
		count++;
	return count;
}

const struct json *json_at(const struct json *array_or_object, size_t index)
{
	const struct json *member = json_first(array_or_object);

	while (member && index--)
		member = json_next(member);
	return member;
}

const char *json_key(const struct json *member)
{
	return member ? node_of(member)->string : NULL;
}

const struct json *json_path(const struct json *object, const char *dotted)
{
	while (object && *dotted) {
		size_t length = strcspn(dotted, ".");
		auto_str char *key = xstrndup(dotted, length);

		object = json_get(object, key);
		dotted += length;
		if (*dotted == '.')
			dotted++;
	}
	return object;
}

struct json *json_new_object(void)
{
	return wrap(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return wrap(cJSON_CreateArray());
}

struct json *json_new_text(const char *text)
{
	auto_str char *repaired = json_repair(text);

	return wrap(cJSON_CreateString(repaired));
}

struct json *json_new_int(int64_t value)
{
	assert((double)value > -WHOLE_LIMIT && (double)value < WHOLE_LIMIT);
	return wrap(cJSON_CreateNumber((double)value));
}

void json_set(struct json *object, const char *key, struct json *take_value)
{
	auto_str char *repaired = json_repair(key);

	assert(json_is_object(object) && take_value);
	cJSON_DeleteItemFromObjectCaseSensitive(open_node(object), repaired);
	if (!cJSON_AddItemToObject(open_node(object), repaired, open_node(take_value)))
		abort();
}

void json_set_text(struct json *object, const char *key, const char *text)
{
	json_set(object, key, text ? json_new_text(text) : wrap(cJSON_CreateNull()));
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	json_set(object, key, json_new_int(value));
}

void json_set_number(struct json *object, const char *key, double value)
{
	json_set(object, key, wrap(cJSON_CreateNumber(value)));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	json_set(object, key, wrap(cJSON_CreateBool(value)));
}

void json_add(struct json *array, struct json *take_value)
{
	assert(json_is_array(array) && take_value);
	if (!cJSON_AddItemToArray(open_node(array), open_node(take_value)))
		abort();
}

void json_add_text(struct json *array, const char *text)
{
	json_add(array, json_new_text(text));
}

struct json *json_copy(const struct json *json)
{
	if (!json)
		return json_new_object();
	cJSON *copy = cJSON_Duplicate(node_of(json), true);

	if (!copy)
		abort();
	return (struct json *)copy;
}

char *json_print(const struct json *json)
{
	char *text = cJSON_PrintUnformatted(node_of(json));

	if (!text)
		abort();
	return text;
}
