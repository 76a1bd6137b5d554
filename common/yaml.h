/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML as a read-only tree with positions. The only file that includes libyaml is yaml.c; settings
 * (conf), suites and compose files are read through this.
 *
 *   AUTO_PTR(yaml) root = yaml_parse("suite.yml", text, length, err);
 *   const struct yaml *env = yaml_get(root, "env");
 *
 * Scalars keep their text as written; nobody guesses types. Aliases are expanded within
 * YAML_MAX_NODES ("billion laughs" ends there), merge keys ("<<") are applied. Duplicate keys,
 * several documents, non-scalar keys, tags of one's own ("!reset"), NUL bytes and text that is not
 * UTF-8 are errors. An empty document is an empty mapping.
 *
 * A compose file is read as docker reads it (yaml_parse_as_go): of several documents the first, of
 * duplicate keys and merged ones the last in the text, tags of one's own make a scalar a text and
 * mean nothing else, a key has to be a text, an empty document is nothing. There a scalar has a
 * type, and a bool or number has the text that Go gives it: "true" for yes, "8" for 010. What
 * libyaml cannot read stays refused, though Go reads it: [a:], without quotes, and a control
 * character behind the document.
 *
 * Errors: ERR_CONFIG, "suite.yml:3:5: ...", ERR_LIMIT.
 */
#ifndef CCCI_YAML_H
#define CCCI_YAML_H

#include "common/err.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_NODES 20000 /* the largest compose file seen has under 1,000 */
#define YAML_MAX_DEPTH 32

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
enum yaml_type {      /* of a scalar */
	YAML_UNTYPED, /* yaml_parse() */
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,
	YAML_FLOAT,
	YAML_TEXT,
};

struct yaml {
	enum yaml_kind kind;
	int line; /* from 1 */
	int column;
	int key_line; /* of the key it is the value of; 0 in a sequence and at the root */
	int key_column;
	bool is_quoted; /* scalar in quotes: "null" is then a text */
	enum yaml_type type;
	enum yaml_type key_type; /* of the key it is the value of */
	char *text;		 /* scalar; owned */
	size_t count;		 /* of items */
	char **keys;		 /* mapping; owned */
	struct yaml **items;
};

struct yaml *yaml_parse(const char *name, const char *text, size_t length, struct err *err) CHECKED;
/* Source: gopkg.in/yaml.v2 2.4.0, which docker/cli 27.5.1 uses. */
struct yaml *yaml_parse_as_go(
    const char *name, const char *text, size_t length, struct err *err) CHECKED;
/* What a scalar in this text, in no quotes, is to Go; *take_text may be replaced: see above. */
enum yaml_type yaml_type_as_go(char **take_text);
/* Not yaml_free(): libyaml has a function of that name and would end up calling ours. */
void yaml_tree_free(struct yaml *yaml);

/* NULL: no mapping, or no such key. */
const struct yaml *yaml_get(const struct yaml *mapping, const char *key);
/* Text of a scalar; NULL for anything else. An unquoted empty, "~" or "null" is NULL too. */
const char *yaml_text(const struct yaml *value);
const char *yaml_get_text(const struct yaml *mapping, const char *key);
bool yaml_bool(
    const struct yaml *value, bool *out); /* true false yes no on off, in lower case; 1 and 0 */

DEFINE_AUTO_PTR(yaml, yaml_tree_free);

#endif
