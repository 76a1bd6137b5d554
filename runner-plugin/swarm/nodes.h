/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nodes of a Swarm and who of them can be asked: ENGINE_NODES taken apart, and what runs where
 * nobody can look. Pure.
 *
 *   nodes_read("worker2=tcp://10.0.0.2:2376", &nodes, err);
 *   nodes_settle(&nodes, answer_of_slash_nodes, own_node_id, err);     names to ids
 *   nodes_find_stranger(&nodes, tasks, services, stack, text, size);    "service db has a ..."
 *
 * Source: Engine API 1.41, /nodes and /tasks.
 */
#ifndef CCCI_NODES_H
#define CCCI_NODES_H

#include "common/err.h"
#include "common/json.h"

#define NODES_MAX 64 /* engines of one Swarm; each is asked in turn */

struct node {
	char *name;  /* as ENGINE_NODES has it, or the engine; "" for one without a name */
	char *url;   /* NULL: nobody said where its engine is */
	char *id;    /* NULL until settled */
	bool is_own; /* the one that DOCKER_HOST leads to */
};
struct nodes {
	struct node *items;
	size_t count;
};
void nodes_release(struct nodes *nodes);
DEFINE_AUTO(nodes, nodes_release);

/* Whom a call of the engine's API is for, by its method (NULL: GET) and its path below the version.
 */
enum nodes_reach {
	NODES_MANAGER, /* what the Swarm knows, and what is of that host alone */
	NODES_ONE,     /* of a container: who knows it; the others answer 404, and do nothing */
	NODES_EACH,    /* of a volume: each that has one of that name */
	NODES_ALL,     /* whether an image is there: nowhere may it be missing */
	NODES_LISTED,  /* a list that each has of its own: all of them together */
};
enum nodes_reach nodes_reach(const char *method, const char *path);

/* "node=url,node=url"; NULL and "" name none. Errors: ERR_CONFIG. */
int nodes_read(const char *text, struct nodes *out, struct err *err) CHECKED;

/*
 * Gives each its id, by host name or by an id itself, and adds those that ENGINE_NODES does not
 * name, without url. ERR_CONFIG: a name that the Swarm does not know, or that two nodes have.
 */
int nodes_settle(
    struct nodes *nodes, const struct json *answer, const char *own_id, struct err *err) CHECKED;

/*
 * True: a task of the stack that is to run has a volume on a node that nobody can ask; out names
 * service and node. tasks and services as the engine lists them.
 */
bool nodes_find_stranger(const struct nodes *nodes, const struct json *tasks,
    const struct json *services, const char *stack, char *out, size_t out_size) CHECKED;

#endif
