/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/yaml.h"

#include "common/golang.h"

#include <ctype.h>
#include <yaml.h>

#define SHOWN_MAX_BYTES 60 /* of a key in a message */

struct anchor {
	char *name;
	const struct yaml *node; /* NULL while it is being read */
};

struct reader {
	const char *name;
	bool is_as_go;
	int flow_depth; /* of [ ] and { } around the event at hand; with is_as_go */
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	size_t nodes;
	struct anchor *anchors;
	size_t anchor_count;
	struct yaml **kept; /* no part of the tree, but an anchor may be inside */
	size_t kept_count;
	struct err *err;
};

static void yaml_release(struct yaml *yaml)
{
	for (size_t i = 0; i < yaml->count; i++) {
		if (yaml->keys)
			free(yaml->keys[i]);
		yaml_tree_free(yaml->items[i]);
	}
	free(yaml->keys);
	free(yaml->items);
	free(yaml->text);
}

void yaml_tree_free(struct yaml *yaml)
{
	if (!yaml)
		return;
	yaml_release(yaml);
	free(yaml);
}

/* --- errors --- */

/* A key as a message may hold it: bounded, no control characters. */
static void show(const char *text, char out[SHOWN_MAX_BYTES + 1])
{
	size_t length = strnlen(text, SHOWN_MAX_BYTES);

	for (size_t i = 0; i < length; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	out[length] = '\0';
}

static void fail_at(
    const struct reader *reader, enum err_code code, const yaml_mark_t *mark, const char *problem)
{
	(void)err_set(reader->err, code, "%.100s:%zu:%zu: %s", reader->name, mark->line + 1,
	    mark->column + 1, problem);
}

static void fail_at_key(
    const struct reader *reader, const yaml_mark_t *mark, const char *problem, const char *key)
{
	char shown[SHOWN_MAX_BYTES + 1];

	show(key, shown);
	(void)err_set(reader->err, ERR_CONFIG, "%.100s:%zu:%zu: %s \"%s\"", reader->name,
	    mark->line + 1, mark->column + 1, problem, shown);
}

static void fail_parser(const struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const yaml_mark_t *mark =
	    parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	fail_at(reader, ERR_CONFIG, mark, parser->problem ? parser->problem : "not YAML");
}

/* --- events --- */

static void count_brackets(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	bool begins = (event->type == YAML_SEQUENCE_START_EVENT &&
			  event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ||
		      (event->type == YAML_MAPPING_START_EVENT &&
			  event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
	bool ends = event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;

	/* within brackets there is nothing but brackets */
	if (begins || (ends && reader->flow_depth))
		reader->flow_depth += begins ? 1 : -1;
}

static int next_event(struct reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
	if (reader->has_event && reader->is_as_go)
		count_brackets(reader);
	if (reader->has_event)
		return 0;
	fail_parser(reader);
	return -1;
}

static struct yaml *make_node(struct reader *reader, enum yaml_kind kind, const yaml_mark_t *mark)
{
	if (++reader->nodes > YAML_MAX_NODES) {
		fail_at(reader, ERR_LIMIT, mark, "too many values, aliases counted");
		return NULL;
	}
	struct yaml *node = xcalloc(1, sizeof(*node));
	node->kind = kind;
	node->line = (int)mark->line + 1;
	node->column = (int)mark->column + 1;
	return node;
}

/* key: NULL in a sequence. */
static void add_item(struct yaml *parent, char *take_key, struct yaml *take_item)
{
	/* Grows at each power of two, so that no room needs to be remembered. */
	if ((parent->count & (parent->count - 1)) == 0) {
		size_t room = parent->count ? 2 * parent->count : 1;

		parent->items = xrealloc_array(parent->items, room, sizeof(parent->items[0]));
		if (take_key)
			parent->keys = xrealloc_array(parent->keys, room, sizeof(parent->keys[0]));
	}
	if (take_key)
		parent->keys[parent->count] = take_key;
	parent->items[parent->count++] = take_item;
}

/* --- anchors, aliases, merges --- */

/* Returns its index + 1, for anchor_close(); 0 for none. */
static size_t anchor_open(struct reader *reader, const yaml_char_t *name)
{
	if (!name)
		return 0;
	reader->anchors =
	    xrealloc_array(reader->anchors, reader->anchor_count + 1, sizeof(reader->anchors[0]));
	reader->anchors[reader->anchor_count++] =
	    (struct anchor){.name = xstrdup((const char *)name)};
	return reader->anchor_count;
}

static void anchor_close(struct reader *reader, size_t handle, const struct yaml *node)
{
	if (handle)
		reader->anchors[handle - 1].node = node;
}

static struct yaml *copy_node(
    struct reader *reader, const struct yaml *from, int depth, const yaml_mark_t *mark)
{
	if (depth > YAML_MAX_DEPTH) {
		fail_at(reader, ERR_LIMIT, mark, "nested too deep");
		return NULL;
	}
	struct yaml *node = make_node(reader, from->kind, mark);
	if (!node)
		return NULL;
	node->line = from->line;
	node->column = from->column;
	node->key_line = from->key_line;
	node->key_column = from->key_column;
	node->is_quoted = from->is_quoted;
	node->type = from->type;
	node->key_type = from->key_type;
	node->text = from->text ? xstrdup(from->text) : NULL;
	for (size_t i = 0; i < from->count; i++) {
		struct yaml *item = copy_node(reader, from->items[i], depth + 1, mark);

		if (!item) {
			yaml_tree_free(node);
			return NULL;
		}
		add_item(node, from->keys ? xstrdup(from->keys[i]) : NULL, item);
	}
	return node;
}

/* The newest anchor of a name counts (YAML 1.1, 7.1: a name may be used again). */
static struct yaml *expand_alias(struct reader *reader, int depth)
{
	const char *name = (const char *)reader->event.data.alias.anchor;

	for (size_t i = reader->anchor_count; i > 0; i--) {
		const struct anchor *anchor = &reader->anchors[i - 1];

		if (!text_is(anchor->name, name))
			continue;
		if (anchor->node)
			return copy_node(reader, anchor->node, depth, &reader->event.start_mark);
		fail_at_key(reader, &reader->event.start_mark, "alias within its own anchor", name);
		return NULL;
	}
	fail_at_key(reader, &reader->event.start_mark, "alias of no anchor", name);
	return NULL;
}

static void keep(struct reader *reader, struct yaml *take_node)
{
	reader->kept =
	    xrealloc_array(reader->kept, reader->kept_count + 1, sizeof(reader->kept[0]));
	reader->kept[reader->kept_count++] = take_node;
}

/* 1 and "1" are two keys. */
static size_t find_key(const struct yaml *mapping, const char *key, enum yaml_type type)
{
	size_t at = 0;

	while (at < mapping->count &&
	       (mapping->items[at]->key_type != type || !text_is(mapping->keys[at], key)))
		at++;
	return at;
}

/* In the place of an item of that key, when there is one. */
static void set_item(
    struct reader *reader, struct yaml *mapping, const char *key, struct yaml *take_item)
{
	size_t at = find_key(mapping, key, take_item->key_type);

	if (at == mapping->count) {
		add_item(mapping, xstrdup(key), take_item);
		return;
	}
	keep(reader, mapping->items[at]);
	mapping->items[at] = take_item;
}

static int merge_mapping(struct reader *reader, struct yaml *into, const struct yaml *from,
    int depth, const yaml_mark_t *mark)
{
	if (from->kind != YAML_MAPPING) {
		fail_at(reader, ERR_CONFIG, mark, "only mappings can be merged by \"<<\"");
		return -1;
	}
	for (size_t i = 0; i < from->count; i++) {
		bool is_there =
		    find_key(into, from->keys[i], from->items[i]->key_type) < into->count;

		if (is_there && !reader->is_as_go)
			continue;
		struct yaml *item = copy_node(reader, from->items[i], depth + 1, mark);
		if (!item)
			return -1;
		set_item(reader, into, from->keys[i], item);
	}
	return 0;
}

/*
 * What a mapping says itself beats what it merges, wherever the "<<" stands, so it comes last; to
 * Go it is one more line that sets keys. Of several merged ones the first beats the next.
 */
static int merge(struct reader *reader, struct yaml *into, const struct yaml *source, int depth)
{
	yaml_mark_t mark = {
	    .line = (size_t)source->key_line - 1, .column = (size_t)source->key_column - 1};

	if (source->kind != YAML_SEQUENCE)
		return merge_mapping(reader, into, source, depth, &mark);
	for (size_t i = 0; i < source->count; i++) {
		size_t at = reader->is_as_go ? source->count - 1 - i : i;

		if (merge_mapping(reader, into, source->items[at], depth, &mark) < 0)
			return -1;
	}
	return 0;
}

/* --- nodes --- */

static struct yaml *read_node(struct reader *reader, int depth);

static bool is_tag_known(const yaml_char_t *tag)
{
	return !tag || text_is((const char *)tag, "!") ||
	       text_starts((const char *)tag, "tag:yaml.org,2002:");
}

static int check_tag(const struct reader *reader, const yaml_char_t *tag)
{
	if (reader->is_as_go || is_tag_known(tag))
		return 0;
	fail_at_key(reader, &reader->event.start_mark, "unknown tag", (const char *)tag);
	return -1;
}

/* What the tag of a scalar asks for: text unless it is one of YAML's own types. */
static enum yaml_type type_of_tag(const char *tag)
{
	static const struct {
		const char *tag;
		enum yaml_type type;
	} rows[] = {
	    {"null", YAML_NULL},
	    {"bool", YAML_BOOL},
	    {"int", YAML_INT},
	    {"float", YAML_FLOAT},
	};
	static const char core[] = "tag:yaml.org,2002:";

	for (size_t i = 0; text_starts(tag, core) && i < COUNT_OF(rows); i++) {
		if (text_is(tag + strlen(core), rows[i].tag))
			return rows[i].type;
	}
	return YAML_TEXT;
}

/* Beside the parser's marks: the event at hand is the scalar's. */
static int set_type(struct reader *reader, struct yaml *node)
{
	const yaml_event_t *event = &reader->event;
	const char *tag = (const char *)event->data.scalar.tag;
	enum yaml_type wanted = tag ? type_of_tag(tag) : YAML_UNTYPED;

	if (wanted == YAML_TEXT || (!tag && !event->data.scalar.plain_implicit))
		node->type = YAML_TEXT;
	else
		node->type = yaml_type_as_go(&node->text);
	node->is_quoted = node->type == YAML_TEXT;
	if (wanted == YAML_FLOAT && node->type == YAML_INT)
		node->type = YAML_FLOAT;
	if (!tag || wanted == node->type)
		return 0;
	fail_at_key(reader, &event->start_mark, "this is not what the tag says it is:", tag);
	return -1;
}

/* To docker's reader a "?" ends a plain text within brackets, and what follows is no YAML. */
static int check_question_mark(const struct reader *reader)
{
	const yaml_event_t *event = &reader->event;

	if (!reader->flow_depth || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
	    !strchr((const char *)event->data.scalar.value, '?'))
		return 0;
	fail_at_key(reader, &event->start_mark, "a \"?\" within brackets needs quotes around",
	    (const char *)event->data.scalar.value);
	return -1;
}

/* [!x, a]: to docker's reader the comma belongs to the tag, and nobody writes [!x , a]. */
static int check_empty_tag(const struct reader *reader)
{
	const yaml_event_t *event = &reader->event;

	if (!reader->flow_depth || !event->data.scalar.tag || event->data.scalar.length ||
	    event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return 0;
	fail_at_key(reader, &event->start_mark, "nothing stands behind the tag",
	    (const char *)event->data.scalar.tag);
	return -1;
}

static struct yaml *read_scalar(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const char *value = (const char *)event->data.scalar.value;

	if (check_tag(reader, event->data.scalar.tag) < 0 || check_question_mark(reader) < 0 ||
	    check_empty_tag(reader) < 0)
		return NULL;
	if (strlen(value) != event->data.scalar.length) {
		fail_at(reader, ERR_CONFIG, &event->start_mark, "a text holds a NUL");
		return NULL;
	}
	size_t handle = anchor_open(reader, event->data.scalar.anchor);
	struct yaml *node = make_node(reader, YAML_SCALAR, &event->start_mark);
	if (!node)
		return NULL;
	node->text = xstrdup(value);
	node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (reader->is_as_go && set_type(reader, node) < 0) {
		yaml_tree_free(node);
		return NULL;
	}
	anchor_close(reader, handle, node);
	return node;
}

static int read_items(struct reader *reader, struct yaml *sequence, int depth)
{
	for (;;) {
		if (next_event(reader) < 0)
			return -1;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		struct yaml *item = read_node(reader, depth + 1);
		if (!item)
			return -1;
		add_item(sequence, NULL, item);
	}
}

static struct yaml *read_sequence(struct reader *reader, int depth)
{
	if (check_tag(reader, reader->event.data.sequence_start.tag) < 0)
		return NULL;
	size_t handle = anchor_open(reader, reader->event.data.sequence_start.anchor);
	struct yaml *node = make_node(reader, YAML_SEQUENCE, &reader->event.start_mark);
	if (!node)
		return NULL;
	if (read_items(reader, node, depth) < 0) {
		yaml_tree_free(node);
		return NULL;
	}
	anchor_close(reader, handle, node);
	return node;
}

static int read_value(struct reader *reader, const struct yaml *key, struct yaml **out, int depth)
{
	struct yaml *value = read_node(reader, depth + 1);

	if (!value)
		return -1;
	value->key_line = key->line;
	value->key_column = key->column;
	value->key_type = key->type;
	*out = value;
	return 0;
}

/* The key is the event at hand. NULL: it is none. */
static const struct yaml *read_key(struct reader *reader)
{
	yaml_mark_t mark = reader->event.start_mark;

	if (reader->event.type != YAML_SCALAR_EVENT) {
		fail_at(reader, ERR_CONFIG, &mark, "a key must be a plain text");
		return NULL;
	}
	struct yaml *key = read_scalar(reader);
	if (!key)
		return NULL;
	keep(reader, key);
	return key;
}

static bool is_merge_key(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit &&
	       text_is((const char *)event->data.scalar.value, "<<");
}

static int read_member_as_go(struct reader *reader, struct yaml *mapping, int depth)
{
	bool is_merge = is_merge_key(&reader->event);
	const struct yaml *key = read_key(reader);
	struct yaml *value = NULL;

	if (!key || next_event(reader) < 0)
		return -1;
	bool is_alias = reader->event.type == YAML_ALIAS_EVENT;
	yaml_mark_t mark = reader->event.start_mark;
	if (read_value(reader, key, &value, depth) < 0)
		return -1;
	if (!is_merge) {
		set_item(reader, mapping, key->text, value);
		return 0;
	}
	keep(reader, value);
	if (is_alias) /* a list of mappings counts only where it stands */
		return merge_mapping(reader, mapping, value, depth, &mark);
	return merge(reader, mapping, value, depth);
}

/* A value to be merged goes to *merged. */
static int read_member(
    struct reader *reader, struct yaml *mapping, const struct yaml **merged, int depth)
{
	struct yaml *value = NULL;
	yaml_mark_t mark = reader->event.start_mark;
	const struct yaml *key = read_key(reader);

	if (!key)
		return -1;
	bool is_merge = !key->is_quoted && text_is(key->text, "<<");
	if (yaml_get(mapping, key->text) || (is_merge && *merged)) {
		fail_at_key(reader, &mark, "duplicate key", key->text);
		return -1;
	}
	if (next_event(reader) < 0 || read_value(reader, key, &value, depth) < 0)
		return -1;
	if (is_merge) {
		keep(reader, value);
		*merged = value;
	} else {
		add_item(mapping, xstrdup(key->text), value);
	}
	return 0;
}

static int read_members(struct reader *reader, struct yaml *mapping, int depth)
{
	const struct yaml *merged = NULL;

	for (;;) {
		if (next_event(reader) < 0)
			return -1;
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			return merged ? merge(reader, mapping, merged, depth) : 0;
		int result = reader->is_as_go ? read_member_as_go(reader, mapping, depth)
					      : read_member(reader, mapping, &merged, depth);
		if (result < 0)
			return -1;
	}
}

static struct yaml *read_mapping(struct reader *reader, int depth)
{
	if (check_tag(reader, reader->event.data.mapping_start.tag) < 0)
		return NULL;
	size_t handle = anchor_open(reader, reader->event.data.mapping_start.anchor);
	struct yaml *node = make_node(reader, YAML_MAPPING, &reader->event.start_mark);
	if (!node)
		return NULL;
	if (read_members(reader, node, depth) < 0) {
		yaml_tree_free(node);
		return NULL;
	}
	anchor_close(reader, handle, node);
	return node;
}

/* From the event at hand; the last event of the node is the one at hand afterwards. */
static struct yaml *read_node(struct reader *reader, int depth)
{
	if (depth > YAML_MAX_DEPTH) {
		fail_at(reader, ERR_LIMIT, &reader->event.start_mark, "nested too deep");
		return NULL;
	}
	if (reader->event.type == YAML_SCALAR_EVENT)
		return read_scalar(reader);
	if (reader->event.type == YAML_SEQUENCE_START_EVENT)
		return read_sequence(reader, depth);
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, depth);
	if (reader->event.type == YAML_ALIAS_EVENT)
		return expand_alias(reader, depth);
	fail_at(reader, ERR_CONFIG, &reader->event.start_mark, "a value is missing");
	return NULL;
}

static bool is_nothing(const struct yaml *node)
{
	return node->kind == YAML_SCALAR && !node->is_quoted && !(node->text && node->text[0]);
}

static int next_two_events(struct reader *reader)
{
	if (next_event(reader) < 0)
		return -1;
	return next_event(reader);
}

/* Of what is left: a key that a later one replaced may have been anything. */
static int check_keys(const struct reader *reader, const struct yaml *node)
{
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *item = node->items[i];
		yaml_mark_t mark = {
		    .line = (size_t)item->key_line - 1, .column = (size_t)item->key_column - 1};

		if (node->kind == YAML_MAPPING && item->key_type != YAML_TEXT) {
			fail_at_key(reader, &mark, "a key must be a text: put quotes around",
			    node->keys[i]);
			return -1;
		}
		if (check_keys(reader, item) < 0)
			return -1;
	}
	return 0;
}

static struct yaml *make_nothing(struct reader *reader)
{
	static const yaml_mark_t start;
	struct yaml *node =
	    make_node(reader, reader->is_as_go ? YAML_SCALAR : YAML_MAPPING, &start);

	if (node && reader->is_as_go) {
		node->text = xstrdup("");
		node->type = YAML_NULL;
	}
	return node;
}

/* STREAM-START [DOCUMENT-START node DOCUMENT-END] STREAM-END */
static struct yaml *read_stream(struct reader *reader)
{
	if (next_two_events(reader) < 0)
		return NULL;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return make_nothing(reader);
	if (next_event(reader) < 0)
		return NULL;
	AUTO_PTR(yaml) root = read_node(reader, 0);
	if (!root || next_event(reader) < 0)
		return NULL;
	if (reader->is_as_go) /* what follows is never looked at */
		return check_keys(reader, root) < 0 ? NULL : take_ptr(root);
	if (next_event(reader) < 0)
		return NULL;
	if (reader->event.type != YAML_STREAM_END_EVENT) {
		fail_at(reader, ERR_CONFIG, &reader->event.start_mark, "a second document begins");
		return NULL;
	}
	return is_nothing(root) ? make_nothing(reader) : take_ptr(root);
}

static struct yaml *parse(struct reader *reader, const char *text, size_t length)
{
	if (length > YAML_MAX_BYTES) {
		(void)err_set(reader->err, ERR_LIMIT, "%.100s: larger than %d bytes", reader->name,
		    YAML_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&reader->parser))
		abort();
	/* Said, not guessed: a mark at the start would make it UTF-16 else. */
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
	struct yaml *root = read_stream(reader);
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
	for (size_t i = 0; i < reader->anchor_count; i++)
		free(reader->anchors[i].name);
	free(reader->anchors);
	for (size_t i = 0; i < reader->kept_count; i++)
		yaml_tree_free(reader->kept[i]);
	free(reader->kept);
	return root;
}

struct yaml *yaml_parse(const char *name, const char *text, size_t length, struct err *err)
{
	struct reader reader = {.name = name, .err = err};

	return parse(&reader, text, length);
}

struct yaml *yaml_parse_as_go(const char *name, const char *text, size_t length, struct err *err)
{
	struct reader reader = {.name = name, .is_as_go = true, .err = err};

	return parse(&reader, text, length);
}

/* --- types as Go has them --- */

static void replace(char **text, char *take_by)
{
	free(*text);
	*text = take_by;
}

/* Words that are no texts: of each its type and what it reads as. */
static bool is_word(char **text, enum yaml_type *out)
{
	static const struct {
		const char *words[10];
		enum yaml_type type;
		const char *reads;
	} rows[] = {
	    {{"", "~", "null", "Null", "NULL"}, YAML_NULL, ""},
	    {{"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"}, YAML_BOOL, "true"},
	    {{"on", "On", "ON"}, YAML_BOOL, "true"},
	    {{"n", "N", "no", "No", "NO", "false", "False", "FALSE"}, YAML_BOOL, "false"},
	    {{"off", "Off", "OFF"}, YAML_BOOL, "false"},
	    {{".nan", ".NaN", ".NAN"}, YAML_FLOAT, "NaN"},
	    {{".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"}, YAML_FLOAT, "+Inf"},
	    {{"-.inf", "-.Inf", "-.INF"}, YAML_FLOAT, "-Inf"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t k = 0; k < COUNT_OF(rows[i].words) && rows[i].words[k]; k++) {
			if (!text_is(*text, rows[i].words[k]))
				continue;
			*out = rows[i].type;
			replace(text, xstrdup(rows[i].reads));
			return true;
		}
	}
	return false;
}

/* Digits around at most one point and at least one digit, perhaps an exponent. */
static bool is_decimal(const char *text)
{
	text += *text == '+' || *text == '-';
	size_t whole = strspn(text, "0123456789");
	text += whole;
	if (*text == '.') {
		size_t part = strspn(text + 1, "0123456789");

		if (!whole && !part)
			return false;
		text += 1 + part;
	} else if (!whole) {
		return false;
	}
	if (!*text)
		return true;
	if (*text != 'e' && *text != 'E')
		return false;
	text++;
	text += *text == '+' || *text == '-';
	return *text && strspn(text, "0123456789") == strlen(text);
}

static char *without_underscores(const char *text)
{
	char *plain = xstrdup(text);
	char *to = plain;

	for (; *text; text++) {
		if (*text != '_')
			*to++ = *text;
	}
	*to = '\0';
	return plain;
}

enum yaml_type yaml_type_as_go(char **take_text)
{
	enum yaml_type type = YAML_TEXT;
	char *number = NULL;
	double real = 0;

	if (is_word(take_text, &type))
		return type;
	if (**take_text == '.') {
		if (!golang_float(*take_text, &real))
			return YAML_TEXT;
		replace(take_text, golang_print(real));
		return YAML_FLOAT;
	}
	if (!**take_text || !strchr("+-0123456789", **take_text))
		return YAML_TEXT;
	auto_str char *plain = without_underscores(*take_text);
	if (golang_int(plain, &number)) {
		replace(take_text, number);
		return YAML_INT;
	}
	if (!is_decimal(plain) || !golang_float(plain, &real))
		return YAML_TEXT;
	replace(take_text, golang_print(real));
	return YAML_FLOAT;
}

/* --- reading --- */

const struct yaml *yaml_get(const struct yaml *mapping, const char *key)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < mapping->count; i++) {
		if (text_is(mapping->keys[i], key))
			return mapping->items[i];
	}
	return NULL;
}

static bool is_null_word(const char *text)
{
	return !text[0] || text_is(text, "~") || text_is(text, "null") || text_is(text, "Null") ||
	       text_is(text, "NULL");
}

const char *yaml_text(const struct yaml *value)
{
	if (!value || value->kind != YAML_SCALAR)
		return NULL;
	return !value->is_quoted && is_null_word(value->text) ? NULL : value->text;
}

const char *yaml_get_text(const struct yaml *mapping, const char *key)
{
	return yaml_text(yaml_get(mapping, key));
}

bool yaml_bool(const struct yaml *value, bool *out)
{
	static const struct {
		const char *word;
		bool means;
	} rows[] = {
	    {"true", true},
	    {"yes", true},
	    {"on", true},
	    {"1", true},
	    {"false", false},
	    {"no", false},
	    {"off", false},
	    {"0", false},
	};
	const char *text = yaml_text(value);

	for (size_t i = 0; text && i < COUNT_OF(rows); i++) {
		if (text_is(text, rows[i].word)) {
			*out = rows[i].means;
			return true;
		}
	}
	return false;
}
