/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The YAML reader, which stands before settings, suites and compose files. What it refuses has a
 * message with a position or a size; what it takes is a tree within its bounds.
 */
#include "common/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_tree(const struct yaml *node, int depth)
{
	size_t nodes = 1;

	assert(depth <= YAML_MAX_DEPTH);
	assert((node->kind == YAML_SCALAR) == (node->text != NULL));
	assert(!node->count || (node->kind == YAML_MAPPING) == (node->keys != NULL));
	for (size_t i = 0; i < node->count; i++) {
		assert(
		    node->kind == YAML_SEQUENCE || yaml_get(node, node->keys[i]) == node->items[i]);
		nodes += check_tree(node->items[i], depth + 1);
	}
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {.code = ERR_NONE};
	AUTO_PTR(yaml) root = yaml_parse("f", (const char *)data, size, &err);

	if (root) {
		assert(err.code == ERR_NONE && check_tree(root, 0) <= YAML_MAX_NODES);
	} else {
		assert(err.code == ERR_CONFIG || err.code == ERR_LIMIT);
		assert(text_starts(err.msg, "f:"));
	}
	return 0;
}
