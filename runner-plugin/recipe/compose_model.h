/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recipe's compose files say, as a value: every reader of it (plan, images, policy, the
 * checks after a deploy) builds on this. compose.h makes it.
 */
#ifndef CCCI_COMPOSE_MODEL_H
#define CCCI_COMPOSE_MODEL_H

#include "common/base.h"

struct compose_pair {
	char *key;
	char *value;
};
struct compose_reference { /* of a service to a secret or config */
	char *source;	   /* its key */
	char *target;	   /* file in the container; NULL: none named */
};

enum compose_mode {
	COMPOSE_REPLICATED,
	COMPOSE_GLOBAL,
	COMPOSE_REPLICATED_JOB,
	COMPOSE_GLOBAL_JOB,
};
enum compose_mount_type {
	COMPOSE_VOLUME,
	COMPOSE_BIND,
	COMPOSE_TMPFS,
	COMPOSE_NPIPE,
	COMPOSE_CLUSTER,
	COMPOSE_UNKNOWN, /* no deploy takes it: compose_check() refuses */
};

struct compose_mount {
	enum compose_mount_type type;
	char *type_word; /* as written, or what the short form means */
	/* Of a volume its key, of a bind the path as written and rendered ("./x" stays relative,
	 * "~" is the HOME of env); "" none */
	char *source;
	char *target;
	bool is_read_only;
};
struct compose_port {
	int64_t target, published; /* published 0: a port of the engine's choice */
	char *protocol;
	bool is_host_mode;
};

/*
 * Lists that a service does not name are empty, all but networks. A list whose pointer is NULL was
 * never named at all: merging files needs to know.
 */
struct compose_service {
	char *name;
	char *image; /* NULL: none */
	char *file;  /* where it is written first, for messages */
	int line;
	char *check;		   /* first word of healthcheck.test: NONE, CMD ...; NULL: none */
	size_t check_words;	   /* of healthcheck.test, that one included */
	bool is_check_disabled;	   /* healthcheck.disable */
	bool has_healthcheck;	   /* one that is on, in the files; the image may bring its own */
	bool disables_healthcheck; /* turns off the image's own */
	enum compose_mode mode;
	char *mode_word;  /* as written; "" none */
	int64_t replicas; /* -1: global */
	bool names_replicas;
	char *restart; /* restart_policy.condition; "" */
	struct compose_mount *mounts;
	size_t mount_count;
	struct compose_reference *secrets, *configs;
	size_t secret_count, config_count;
	char **networks; /* keys, sorted; "default" when none is named */
	size_t network_count;
	bool names_networks;
	char **env_files; /* as written and rendered */
	size_t env_file_count;
	char **cap_add;
	size_t cap_add_count;
	struct compose_port *ports;
	size_t port_count;
	char **constraints;
	size_t constraint_count;
	struct compose_pair *deploy_labels; /* sorted by key */
	size_t deploy_label_count;
	char *log_driver;      /* NULL: the engine's own */
	char *credential_spec; /* "file x", "registry x", "config x"; NULL: none */
	int64_t memory_limit, memory_reservation; /* bytes; 0: none */
	char *cpu_limit, *cpu_reservation;	  /* as written; "" */
	char *update_order;			  /* update_config.order; "" */
	bool is_start_first;
	struct compose_pair *extensions; /* "x-a", what it is: for merging alone */
	size_t extension_count;
	char **ignored; /* sorted: what Swarm ignores with a warning: privileged, devices, pid */
	size_t ignored_count;
};
struct compose_named { /* a secret, config, volume or network */
	char *key;
	char *name; /* in Swarm */
	bool is_external;
	char *driver;			  /* "" */
	char *template_driver;		  /* "" */
	struct compose_pair *driver_opts; /* sorted by key */
	size_t driver_opt_count;
	char *source_file; /* of a secret or config: as written and rendered; NULL */
};
struct compose_model { /* services by name, the others by key */
	struct compose_service *services;
	size_t service_count;
	struct compose_named *secrets, *configs, *volumes, *networks;
	size_t secret_count, config_count, volume_count, network_count;
	char *version; /* label coop-cloud.<stack>.version of service app; NULL: none */
	/* It is written as a key, in which variables stay: "use the list form" */
	bool has_version_as_key;
	char *timeout;	   /* label coop-cloud.<stack>.timeout; NULL: none */
	bool is_backed_up; /* some service has backupbot.backup=true */
};

void compose_model_release(struct compose_model *model);
DEFINE_AUTO(compose_model, compose_model_release);

/* Of a list of the model, by its key; NULL: the files have none. */
const struct compose_named *compose_find_named(
    const struct compose_named *list, size_t count, const char *key);
/* What a label of its deploy says; NULL: it has none of that key. */
const char *compose_find_label(const struct compose_service *service, const char *key);

/* What one item of a list holds. */
void compose_mount_release(struct compose_mount *mount);
void compose_port_release(struct compose_port *port);
void compose_reference_release(struct compose_reference *reference);
void compose_pair_release(struct compose_pair *pair);
void compose_named_release(struct compose_named *named);
void compose_service_release(struct compose_service *service);

#endif
