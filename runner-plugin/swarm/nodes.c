/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/nodes.h"

static void release_node(struct node *node)
{
	free(node->name);
	free(node->url);
	free(node->id);
}

void nodes_release(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		release_node(&nodes->items[i]);
	free(nodes->items);
	*nodes = (struct nodes){0};
}

static struct node *add_node(struct nodes *nodes)
{
	nodes->items = xrealloc_array(nodes->items, nodes->count + 1, sizeof(*nodes->items));
	nodes->items[nodes->count] = (struct node){0};
	return &nodes->items[nodes->count++];
}

/* Of those that the setting names. */
static struct node *find_name(const struct nodes *nodes, const char *name)
{
	for (size_t i = 0; i < nodes->count; i++) {
		if (nodes->items[i].url && text_is(nodes->items[i].name, name))
			return &nodes->items[i];
	}
	return NULL;
}

static int read_item(struct nodes *nodes, const char *item, struct err *err)
{
	const char *equals = strchr(item, '=');

	if (!equals || equals == item || !strstr(equals, "://"))
		return err_set(err, ERR_CONFIG, "ENGINE_NODES: \"%.80s\" is no node=url", item);
	auto_str char *name = xstrndup(item, (size_t)(equals - item));
	if (find_name(nodes, name))
		return err_set(err, ERR_CONFIG, "ENGINE_NODES names \"%.60s\" twice", name);
	if (nodes->count == NODES_MAX)
		return err_set(err, ERR_CONFIG, "ENGINE_NODES names more than %d nodes", NODES_MAX);
	struct node *node = add_node(nodes);
	node->name = take_ptr(name);
	node->url = xstrdup(equals + 1);
	return 0;
}

int nodes_read(const char *text, struct nodes *out, struct err *err)
{
	AUTO(nodes) nodes = {0};

	for (const char *at = text; at && *at;) {
		size_t length = strcspn(at, ",");
		auto_str char *item = xstrndup(at, length);

		if (read_item(&nodes, item, err) < 0)
			return -1;
		at += length + (at[length] == ',');
	}
	*out = nodes;
	nodes = (struct nodes){0};
	return 0;
}

static int settle_one(
    struct nodes *nodes, const char *id, const char *host, const char *own_id, struct err *err)
{
	struct node *node = find_name(nodes, host);

	if (!node)
		node = find_name(nodes, id);
	if (node && node->id)
		return err_set(err, ERR_CONFIG,
		    "ENGINE_NODES: two nodes have the name %.60s: use their ids", host);
	if (!node) {
		node = add_node(nodes);
		node->name = xstrdup(host);
	}
	node->id = xstrdup(id);
	node->is_own = text_is(id, own_id);
	return 0;
}

/* What an earlier answer said. */
static void forget(struct nodes *nodes)
{
	size_t kept = 0;

	for (size_t i = 0; i < nodes->count; i++) {
		if (!nodes->items[i].url) {
			release_node(&nodes->items[i]);
			continue;
		}
		free(nodes->items[i].id);
		nodes->items[i].id = NULL;
		nodes->items[kept++] = nodes->items[i];
	}
	nodes->count = kept;
}

int nodes_settle(
    struct nodes *nodes, const struct json *answer, const char *own_id, struct err *err)
{
	if (!json_is_array(answer))
		return err_set(err, ERR_PROTOCOL, "engine: the list of nodes is none");
	forget(nodes);
	for (const struct json *item = json_first(answer); item; item = json_next(item)) {
		const char *id = json_get_text(item, "ID");
		const char *host = json_text(json_path(item, "Description.Hostname"));

		if (!id)
			return err_set(err, ERR_PROTOCOL, "engine: a node without an id");
		if (settle_one(nodes, id, host ? host : "", own_id, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < nodes->count; i++) {
		if (!nodes->items[i].id)
			return err_set(err, ERR_CONFIG,
			    "ENGINE_NODES names %.60s, which is no node of the Swarm (docker node "
			    "ls)",
			    nodes->items[i].name);
	}
	return 0;
}

static const struct node *find_id(const struct nodes *nodes, const char *id)
{
	for (size_t i = 0; i < nodes->count; i++) {
		if (nodes->items[i].id && text_is(nodes->items[i].id, id))
			return &nodes->items[i];
	}
	return NULL;
}

/* "<stack>_db" to "db". */
static char *service_of(const struct json *task, const struct json *services, const char *stack)
{
	const char *id = json_get_text(task, "ServiceID");

	for (const struct json *item = json_first(services); id && item; item = json_next(item)) {
		const char *its_id = json_get_text(item, "ID");
		const char *name = json_text(json_path(item, "Spec.Name"));

		if (!its_id || !text_is(its_id, id) || !name)
			continue;
		const char *own = text_descope(stack, name);
		return xstrdup(own ? own : name);
	}
	return xstrdup(id ? id : "?");
}

static bool has_volume(const struct json *task)
{
	const struct json *mounts = json_path(task, "Spec.ContainerSpec.Mounts");

	for (const struct json *mount = json_first(mounts); mount; mount = json_next(mount)) {
		const char *type = json_get_text(mount, "Type");

		if (type && text_is(type, "volume"))
			return true;
	}
	return false;
}

bool nodes_find_stranger(const struct nodes *nodes, const struct json *tasks,
    const struct json *services, const char *stack, char *out, size_t out_size)
{
	for (const struct json *task = json_first(tasks); task; task = json_next(task)) {
		const char *id = json_get_text(task, "NodeID");
		const char *wanted = json_get_text(task, "DesiredState");
		const struct node *node = id && *id ? find_id(nodes, id) : NULL;

		if (!id || !*id || !wanted || !text_is(wanted, "running") || !has_volume(task) ||
		    (node && (node->is_own || node->url)))
			continue;
		auto_str char *service = service_of(task, services, stack);
		(void)snprintf(out, out_size,
		    "service %.60s has a volume on node %.60s, which ENGINE_NODES does not name",
		    service, node && *node->name ? node->name : id);
		return true;
	}
	return false;
}

/* "/containers/json?all=1" is "/containers/json", "/containers/jsonx" is not. */
static bool is_path(const char *path, const char *wanted)
{
	size_t length = strlen(wanted);

	return strncmp(path, wanted, length) == 0 && (!path[length] || path[length] == '?');
}

enum nodes_reach nodes_reach(const char *method, const char *path)
{
	bool only_looks = !method || text_is(method, "GET");

	if (only_looks && (is_path(path, "/containers/json") || is_path(path, "/volumes")))
		return NODES_LISTED;
	if (text_starts(path, "/containers/") || text_starts(path, "/exec/"))
		return NODES_ONE;
	if (text_starts(path, "/volumes/"))
		return NODES_EACH;
	if (only_looks && text_starts(path, "/images/") && text_ends(path, "/json"))
		return is_path(path, "/images/json") ? NODES_MANAGER : NODES_ALL;
	return NODES_MANAGER;
}
