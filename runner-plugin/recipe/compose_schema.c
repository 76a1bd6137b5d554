/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_schema.h"

#include "common/buf.h"
#include "common/nearest.h"
#include "runner-plugin/recipe/compose_short.h"

#include <strings.h>

#define NEWEST 13	    /* 3.13 */
#define ALWAYS (NEWEST + 1) /* below every version */
#define PATH_MAX_BYTES 120  /* of keys, in a message */

/* --- what the table is made of --- */

enum {
	TEXT = 1,
	INTEGER = 2,
	NUMBER = 4, /* an integer is one too */
	BOOL = 8,
	NOTHING = 16,
	LIST = 32,
	MAPPING = 64,
};

enum format { /* of a text or number, beside its type */
	FORMAT_ANY,
	FORMAT_COMMAND,
	FORMAT_DURATION,
	FORMAT_SIZE,
	FORMAT_NOT_NEGATIVE,
	FORMAT_START_OR_STOP_FIRST,
	FORMAT_INT64, /* an integer written without a point, no larger than that */
};

enum other_keys { /* which keys besides those of the table */
	OTHERS_NONE,
	OTHERS_NAMES,	  /* letters, digits, "." "_" "-" */
	OTHERS_FILLED,	  /* any but the empty one */
	OTHERS_ODD_NAMES, /* what is no name is of the odd shape */
	OTHERS_LETTERS,	  /* a to z are of one shape, any other key of the odd one */
	OTHERS_OPTIONS,	  /* the empty one is of the odd shape */
	OTHERS_ANY,
};

struct member;

struct shape {
	unsigned types;
	enum format format;
	int unique_below; /* a list holds nothing twice, in versions below 3.this */
	const struct shape *items;
	const struct member *members;
	size_t member_count;
	enum other_keys others;
	int others_since;	   /* the version 3.this */
	const struct shape *other; /* NULL: anything */
	const struct shape *odd;
	int extensions_since; /* keys "x-…", from 3.this on; 0: never */
	const char *need[2];
};

struct member {
	const char *key;
	int since; /* the version 3.this */
	const struct shape *shape;
	const struct shape *older; /* before that; NULL: the key is unknown there */
};

#define MEMBERS(rows) .members = (rows), .member_count = COUNT_OF(rows)

/* --- the table: pieces --- */

static const struct shape text = {.types = TEXT};
static const struct shape boolean = {.types = BOOL};
static const struct shape integer = {.types = INTEGER};
static const struct shape count = {.types = INTEGER, .format = FORMAT_NOT_NEGATIVE};
static const struct shape number = {.types = NUMBER};
static const struct shape positive = {.types = NUMBER, .format = FORMAT_NOT_NEGATIVE};
static const struct shape duration = {.types = TEXT, .format = FORMAT_DURATION};
static const struct shape size = {.types = TEXT, .format = FORMAT_SIZE};
static const struct shape order = {.types = TEXT, .format = FORMAT_START_OR_STOP_FIRST};
static const struct shape text_or_number = {.types = TEXT | NUMBER};
static const struct shape text_number_or_nothing = {.types = TEXT | NUMBER | NOTHING};
static const struct shape texts = {.types = LIST, .items = &text};
static const struct shape unique_texts = {.types = LIST, .items = &text, .unique_below = ALWAYS};
static const struct shape text_or_texts = {
    .types = TEXT | LIST, .items = &text, .unique_below = ALWAYS};
static const struct shape command = {
    .types = TEXT | LIST, .format = FORMAT_COMMAND, .items = &text};
static const struct shape test = {.types = TEXT | LIST, .items = &text};
static const struct shape pairs = {
    .types = MAPPING | LIST,
    .items = &text,
    .unique_below = ALWAYS,
    .others = OTHERS_FILLED,
    .other = &text_number_or_nothing,
};
static const struct shape any_scalar = {.types = TEXT | NUMBER | BOOL | NOTHING};
static const struct shape driver_opts = {
    .types = MAPPING, .others = OTHERS_OPTIONS, .other = &text_or_number, .odd = &any_scalar};

/* --- the table: a service --- */

static const struct member build_members[] = {
    {"args", 0, &pairs},
    {"cache_from", 2, &unique_texts},
    {"context", 0, &text},
    {"dockerfile", 0, &text},
    {"extra_hosts", 9, &pairs},
    {"labels", 3, &pairs},
    {"network", 4, &text},
    {"shm_size", 5, &(const struct shape){.types = INTEGER | TEXT}},
    {"target", 4, &text},
};
static const struct shape build = {
    .types = TEXT | MAPPING, MEMBERS(build_members), .others = OTHERS_ANY, .others_since = 11};

static const struct member reference_members[] = {
    {"gid", 0, &text},
    {"mode", 0, &positive},
    {"source", 0, &text},
    {"target", 0, &text},
    {"uid", 0, &text},
};
static const struct shape reference = {
    .types = TEXT | MAPPING, MEMBERS(reference_members), .others = OTHERS_ANY};
static const struct shape references = {.types = LIST, .items = &reference};

static const struct member credential_members[] = {
    {"config", 8, &text},
    {"file", 0, &text},
    {"registry", 0, &text},
};
static const struct shape credential_spec = {.types = MAPPING, MEMBERS(credential_members)};

static const struct member healthcheck_members[] = {
    {"disable", 0, &boolean},
    {"interval", 0, &duration},
    {"retries", 0, &positive},
    {"start_interval", 12, &duration},
    {"start_period", 4, &duration},
    {"test", 0, &test},
    {"timeout", 0, &duration},
};
static const struct shape healthcheck = {.types = MAPPING, MEMBERS(healthcheck_members)};

static const struct shape log_options = {
    .types = MAPPING,
    .others = OTHERS_OPTIONS,
    .other = &text_number_or_nothing,
    .odd = &any_scalar,
};
static const struct member logging_members[] = {
    {"driver", 0, &text},
    {"options", 0, &log_options},
};
static const struct shape logging = {.types = MAPPING, MEMBERS(logging_members)};

static const struct member attachment_members[] = {
    {"aliases", 0, &unique_texts},
    {"driver_opts", 13, &driver_opts},
    {"ipv4_address", 0, &text},
    {"ipv6_address", 0, &text},
};
static const struct shape attachment = {.types = MAPPING | NOTHING, MEMBERS(attachment_members)};
static const struct shape attachments = {
    .types = LIST | MAPPING,
    .items = &text,
    .unique_below = ALWAYS,
    .others = OTHERS_NAMES,
    .other = &attachment,
};

static const struct member port_members[] = {
    {"mode", 0, &text},
    {"protocol", 0, &text},
    {"published", 0, &count},
    {"target", 0, &count},
};
static const struct shape port = {
    .types = TEXT | NUMBER | MAPPING, .format = FORMAT_INT64, MEMBERS(port_members)};
static const struct shape ports = {.types = LIST, .items = &port, .unique_below = ALWAYS};
static const struct shape short_port = {.types = TEXT | NUMBER, .format = FORMAT_INT64};
static const struct shape short_ports = {
    .types = LIST, .items = &short_port, .unique_below = ALWAYS};

static const struct member ulimit_members[] = {
    {"hard", 0, &(const struct shape){.types = INTEGER, .format = FORMAT_INT64}},
    {"soft", 0, &(const struct shape){.types = INTEGER, .format = FORMAT_INT64}},
};
static const struct shape ulimit = {
    .types = INTEGER | MAPPING,
    .format = FORMAT_INT64,
    MEMBERS(ulimit_members),
    .need = {"soft", "hard"},
};
/* Of a name that the schema does not expect: what the loader takes. */
static const struct shape odd_ulimit = {
    .types = INTEGER | MAPPING | NOTHING,
    .format = FORMAT_INT64,
    MEMBERS(ulimit_members),
    .others = OTHERS_ANY,
    .need = {"soft", "hard"},
};
static const struct shape ulimits = {
    .types = MAPPING, .others = OTHERS_LETTERS, .other = &ulimit, .odd = &odd_ulimit};

static const struct member bind_members[] = {{"propagation", 0, &text}};
static const struct member volume_members[] = {{"nocopy", 0, &boolean}};
static const struct member tmpfs_members[] = {{"size", 0, &count}};
static const struct shape bind_options = {
    .types = MAPPING, MEMBERS(bind_members), .others = OTHERS_ANY};
static const struct shape volume_options = {
    .types = MAPPING, MEMBERS(volume_members), .others = OTHERS_ANY};
static const struct shape tmpfs_options = {
    .types = MAPPING, MEMBERS(tmpfs_members), .others = OTHERS_ANY};
static const struct member mount_members[] = {
    {"bind", 0, &bind_options},
    {"consistency", 0, &text},
    {"read_only", 0, &boolean},
    {"source", 0, &text},
    {"target", 0, &text},
    {"tmpfs", 6, &tmpfs_options},
    {"type", 0, &text},
    {"volume", 0, &volume_options},
};
static const struct shape mount = {
    .types = TEXT | MAPPING, MEMBERS(mount_members), .need = {"type"}};
static const struct shape mounts = {.types = LIST, .items = &mount};

/* --- the table: deploy --- */

static const struct member update_members[] = {
    {"delay", 0, &duration},
    {"failure_action", 0, &text},
    {"max_failure_ratio", 0, &number},
    {"monitor", 0, &duration},
    {"order", 4, &order},
    {"parallelism", 0, &count},
};
static const struct shape update_config = {.types = MAPPING, MEMBERS(update_members)};

static const struct member discrete_members[] = {
    {"kind", 0, &text},
    {"value", 0, &number},
};
static const struct shape discrete = {.types = MAPPING, MEMBERS(discrete_members)};
static const struct member generic_members[] = {{"discrete_resource_spec", 0, &discrete}};
static const struct shape generic = {.types = MAPPING, MEMBERS(generic_members)};
static const struct shape generics = {.types = LIST, .items = &generic};

static const struct member limit_members[] = {
    {"cpus", 0, &text},
    {"memory", 0, &size},
    {"pids", 9, &integer},
};
static const struct member reservation_members[] = {
    {"cpus", 0, &text},
    {"generic_resources", 5, &generics},
    {"memory", 0, &size},
};
static const struct shape limits = {.types = MAPPING, MEMBERS(limit_members)};
static const struct shape reservations = {.types = MAPPING, MEMBERS(reservation_members)};
static const struct member resource_members[] = {
    {"limits", 0, &limits},
    {"reservations", 0, &reservations},
};
static const struct shape resources = {.types = MAPPING, MEMBERS(resource_members)};

static const struct member restart_members[] = {
    {"condition", 0, &text},
    {"delay", 0, &duration},
    {"max_attempts", 0, &count},
    {"window", 0, &duration},
};
static const struct shape restart_policy = {.types = MAPPING, MEMBERS(restart_members)};

static const struct member preference_members[] = {{"spread", 0, &text}};
static const struct shape preference = {.types = MAPPING, MEMBERS(preference_members)};
static const struct shape preferences = {.types = LIST, .items = &preference};
static const struct member placement_members[] = {
    {"constraints", 0, &texts},
    {"max_replicas_per_node", 8, &count},
    {"preferences", 3, &preferences},
};
static const struct shape placement = {.types = MAPPING, MEMBERS(placement_members)};

static const struct member deploy_members[] = {
    {"endpoint_mode", 2, &text},
    {"labels", 0, &pairs},
    {"mode", 0, &text},
    {"placement", 0, &placement},
    {"replicas", 0, &count},
    {"resources", 0, &resources},
    {"restart_policy", 0, &restart_policy},
    {"rollback_config", 7, &update_config},
    {"update_config", 0, &update_config},
};
static const struct shape deploy = {.types = MAPPING | NOTHING, MEMBERS(deploy_members)};

static const struct shape short_mounts = {.types = LIST, .items = &text, .unique_below = ALWAYS};
static const struct shape expose = {
    .types = LIST, .items = &text_or_number, .unique_below = ALWAYS};

static const struct member service_members[] = {
    {"build", 0, &build},
    {"cap_add", 0, &unique_texts},
    {"cap_drop", 0, &unique_texts},
    {"cgroup_parent", 0, &text},
    {"cgroupns_mode", 9, &text},
    {"command", 0, &command},
    {"configs", 3, &references},
    {"container_name", 0, &text},
    {"credential_spec", 3, &credential_spec},
    {"depends_on", 0, &unique_texts},
    {"deploy", 0, &deploy},
    {"devices", 0, &unique_texts},
    {"dns", 0, &text_or_texts},
    {"dns_search", 0, &text_or_texts},
    {"domainname", 0, &text},
    {"entrypoint", 0, &command},
    {"env_file", 0, &text_or_texts},
    {"environment", 0, &pairs},
    {"expose", 0, &expose},
    {"external_links", 0, &unique_texts},
    {"extra_hosts", 0, &pairs},
    {"healthcheck", 0, &healthcheck},
    {"hostname", 0, &text},
    {"image", 0, &text},
    {"init", 7, &boolean},
    {"ipc", 0, &text},
    {"isolation", 5, &text},
    {"labels", 0, &pairs},
    {"links", 0, &unique_texts},
    {"logging", 0, &logging},
    {"mac_address", 0, &text},
    {"network_mode", 0, &text},
    {"networks", 0, &attachments},
    {"oom_score_adj", 13, &integer},
    {"pid", 0, &(const struct shape){.types = TEXT | NOTHING}},
    {"ports", 2, &ports, &short_ports},
    {"privileged", 0, &boolean},
    {"read_only", 0, &boolean},
    {"restart", 0, &text},
    {"secrets", 1, &references},
    {"security_opt", 0, &unique_texts},
    {"shm_size", 0, &text}, /* the schema takes a number too, the loader does not */
    {"stdin_open", 0, &boolean},
    {"stop_grace_period", 0, &duration},
    {"stop_signal", 0, &text},
    {"sysctls", 0, &pairs},
    {"tmpfs", 0, &text_or_texts},
    {"tty", 0, &boolean},
    {"ulimits", 0, &ulimits},
    {"user", 0, &text},
    {"userns_mode", 0, &text},
    {"volumes", 2, &mounts, &short_mounts},
    {"working_dir", 0, &text},
};
static const struct shape service = {
    .types = MAPPING, MEMBERS(service_members), .extensions_since = 7};

/* --- the table: networks, volumes, secrets, configs --- */

static const struct member external_members[] = {{"name", 0, &text}};
static const struct shape external = {.types = BOOL | MAPPING, MEMBERS(external_members)};
static const struct shape loose_external = {
    .types = BOOL | MAPPING, MEMBERS(external_members), .others = OTHERS_ANY};

static const struct member pool_members[] = {{"subnet", 0, &text}};
static const struct shape pool = {.types = MAPPING, MEMBERS(pool_members)};
static const struct shape pools = {.types = LIST, .items = &pool};
static const struct member ipam_members[] = {
    {"config", 0, &pools},
    {"driver", 0, &text},
};
static const struct shape ipam = {.types = MAPPING, MEMBERS(ipam_members)};
static const struct member network_members[] = {
    {"attachable", 2, &boolean},
    {"driver", 0, &text},
    {"driver_opts", 0, &driver_opts},
    {"external", 0, &external},
    {"internal", 0, &boolean},
    {"ipam", 0, &ipam},
    {"labels", 0, &pairs},
    {"name", 5, &text},
};
static const struct shape network = {
    .types = MAPPING | NOTHING, MEMBERS(network_members), .extensions_since = 7};

static const struct member mount_volume_members[] = {
    {"fs_type", 0, &text},
    {"mount_flags", 0, &texts},
};
static const struct shape mount_volume = {
    .types = MAPPING, MEMBERS(mount_volume_members), .others = OTHERS_ANY};
static const struct shape anything_in = {.types = MAPPING, .others = OTHERS_ANY};
static const struct member access_members[] = {
    {"block_volume", 0, &anything_in},
    {"mount_volume", 0, &mount_volume},
    {"scope", 0, &text},
    {"sharing", 0, &text},
};
static const struct shape access_mode = {
    .types = MAPPING, MEMBERS(access_members), .others = OTHERS_ANY};
static const struct member topology_members[] = {{"segments", 0, &pairs}};
static const struct shape topology = {
    .types = MAPPING, MEMBERS(topology_members), .others = OTHERS_ANY};
static const struct shape topologies = {.types = LIST, .items = &topology};
static const struct member requirement_members[] = {
    {"preferred", 0, &topologies},
    {"requisite", 0, &topologies},
};
static const struct shape requirements = {
    .types = MAPPING, MEMBERS(requirement_members), .others = OTHERS_ANY};
static const struct member capacity_members[] = {
    {"limit_bytes", 0, &size},
    {"required_bytes", 0, &size},
};
static const struct shape capacity = {
    .types = MAPPING, MEMBERS(capacity_members), .others = OTHERS_ANY};
static const struct member cluster_members[] = {
    {"access_mode", 0, &access_mode},
    {"accessibility_requirements", 0, &requirements},
    {"availability", 0, &text},
    {"capacity_range", 0, &capacity},
    {"group", 0, &text},
};
static const struct shape cluster_spec = {
    .types = MAPPING, MEMBERS(cluster_members), .others = OTHERS_ANY};
static const struct member stack_volume_members[] = {
    {"driver", 0, &text},
    {"driver_opts", 0, &driver_opts},
    {"external", 0, &external},
    {"labels", 0, &pairs},
    {"name", 4, &text},
    {"x-cluster-spec", 7, &cluster_spec},
};
static const struct shape volume = {
    .types = MAPPING | NOTHING, MEMBERS(stack_volume_members), .extensions_since = 7};

static const struct member secret_members[] = {
    {"driver", 8, &text},
    {"driver_opts", 8, &driver_opts},
    {"external", 0, &loose_external},
    {"file", 0, &text},
    {"labels", 0, &pairs},
    {"name", 5, &text},
    {"template_driver", 8, &text},
};
static const struct shape secret = {
    .types = MAPPING, MEMBERS(secret_members), .extensions_since = 7};

static const struct member config_members[] = {
    {"external", 0, &loose_external},
    {"file", 0, &text},
    {"labels", 0, &pairs},
    {"name", 5, &text},
    {"template_driver", 8, &text},
};
static const struct shape config = {
    .types = MAPPING, MEMBERS(config_members), .extensions_since = 7};

static const struct shape services = {.types = MAPPING, .others = OTHERS_NAMES, .other = &service};
static const struct shape odd_network = {
    .types = MAPPING | NOTHING, MEMBERS(network_members), .others = OTHERS_ANY};
static const struct shape networks = {
    .types = MAPPING, .others = OTHERS_ODD_NAMES, .other = &network, .odd = &odd_network};
static const struct shape volumes = {.types = MAPPING, .others = OTHERS_NAMES, .other = &volume};
static const struct shape secrets = {.types = MAPPING, .others = OTHERS_NAMES, .other = &secret};
static const struct shape configs = {.types = MAPPING, .others = OTHERS_NAMES, .other = &config};

static const struct member file_members[] = {
    {"configs", 3, &configs},
    {"networks", 0, &networks},
    {"secrets", 1, &secrets},
    {"services", 0, &services},
    {"version", 0, &text},
    {"volumes", 0, &volumes},
};
static const struct shape whole_file = {
    .types = MAPPING, MEMBERS(file_members), .extensions_since = 4};

/* --- checking --- */

struct check {
	const struct compose_source *source;
	int minor;
	char path[PATH_MAX_BYTES]; /* "services.app.image" */
};

static int check_value(struct check *check, const struct shape *shape, const struct yaml *value);

/* Deeper for the time of one check; the caller puts the path back. */
static size_t push(struct check *check, const char *key)
{
	size_t length = strlen(check->path);

	(void)snprintf(
	    check->path + length, sizeof(check->path) - length, "%s%.60s", length ? "." : "", key);
	return length;
}

/* --- types --- */

static bool is_whole(double value)
{
	return value >= 1e15 || value <= -1e15 ||
	       !((double)(int64_t)value < value || (double)(int64_t)value > value);
}

static unsigned types_of(const struct yaml *value)
{
	if (value->kind == YAML_SEQUENCE)
		return LIST;
	if (value->kind == YAML_MAPPING)
		return MAPPING;
	switch (value->type) {
	case YAML_NULL:
		return NOTHING;
	case YAML_BOOL:
		return BOOL;
	case YAML_INT:
		return INTEGER | NUMBER;
	case YAML_FLOAT: /* 2.0 is an integer as well */
		return is_whole(strtod(value->text, NULL)) ? INTEGER | NUMBER : NUMBER;
	case YAML_TEXT:
	case YAML_UNTYPED:
		return TEXT;
	}
	abort();
}

static const struct {
	unsigned type;
	const char *words;
} type_words[] = {
    {TEXT, "a text"},
    {INTEGER, "a whole number"},
    {NUMBER, "a number"},
    {BOOL, "true or false"},
    {LIST, "a list"},
    {MAPPING, "a mapping"},
    {NOTHING, "nothing"},
};

/* "a text, a number or nothing" */
static void describe(unsigned types, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(type_words); i++) {
		if (!(types & type_words[i].type))
			continue;
		types &= ~type_words[i].type;
		(void)buf_printf(out, "%s%s",
		    out->length == 0 ? ""
		    : types	     ? ", "
				     : " or ",
		    type_words[i].words);
	}
}

/* What turns the value into what is wanted. */
static const char *type_advice(unsigned wanted, const struct yaml *value)
{
	unsigned given = types_of(value);
	auto_str char *copy = xstrdup(value->text ? value->text : "");
	enum yaml_type unquoted = yaml_type_as_go(&copy);

	if ((wanted & TEXT) && (given & (BOOL | NUMBER)))
		return ": put it in quotes";
	if (given == TEXT && (((wanted & BOOL) && unquoted == YAML_BOOL) ||
				 ((wanted & (INTEGER | NUMBER)) && unquoted == YAML_INT)))
		return ": take its quotes away";
	if (given == MAPPING && (wanted & LIST))
		return ": use the list form";
	return "";
}

static int fail_type(const struct check *check, unsigned wanted, const struct yaml *value)
{
	AUTO(buf) is = buf_make(100);
	AUTO(buf) should_be = buf_make(100);
	unsigned given = types_of(value);

	describe(given & INTEGER ? INTEGER : given, &is);
	describe(wanted & NUMBER ? wanted & ~(unsigned)INTEGER : wanted, &should_be);
	return compose_fail(check->source, value, "%s is %s and must be %s%s", check->path,
	    buf_text(&is), buf_text(&should_be), type_advice(wanted, value));
}

/* --- formats --- */

static bool is_int64(const struct yaml *value)
{
	int64_t ignored = 0;

	return value->type == YAML_INT && parse_int64(value->text, INT64_MIN, INT64_MAX, &ignored);
}

/* NULL: it is of the format; else what it should be. */
static const char *format_fault(enum format format, const struct yaml *value)
{
	int64_t ignored = 0;
	bool is_text = value->type == YAML_TEXT;

	switch (format) {
	case FORMAT_ANY:
		return NULL;
	case FORMAT_COMMAND:
		return !is_text || compose_short_is_command(value->text)
			   ? NULL
			   : "no command: a quote is not closed";
	case FORMAT_DURATION:
		return compose_short_is_duration(value->text) ? NULL : "no duration (90s, 1m30s)";
	case FORMAT_SIZE:
		return compose_short_size(value->text, &ignored) ? NULL : "no size (512m, 1.5g)";
	case FORMAT_NOT_NEGATIVE:
		return is_text || value->text[0] != '-' ? NULL : "negative";
	case FORMAT_START_OR_STOP_FIRST:
		return text_is(value->text, "start-first") || text_is(value->text, "stop-first")
			   ? NULL
			   : "neither start-first nor stop-first";
	case FORMAT_INT64:
		return is_text || is_int64(value) ? NULL : "no whole number";
	}
	abort();
}

static int check_format(
    const struct check *check, const struct shape *shape, const struct yaml *value)
{
	bool has_format =
	    value->type == YAML_TEXT || value->type == YAML_INT || value->type == YAML_FLOAT;
	const char *fault = has_format ? format_fault(shape->format, value) : NULL;

	return fault ? compose_fail(check->source, value, "%s: \"%.40s\" is %s", check->path,
			   value->text, fault)
		     : 0;
}

/* --- lists --- */

static bool is_same(const struct yaml *a, const struct yaml *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == YAML_SCALAR)
		return (types_of(a) & types_of(b)) && text_is(a->text, b->text);
	for (size_t i = 0; i < a->count; i++) {
		const struct yaml *other =
		    a->kind == YAML_MAPPING ? yaml_get(b, a->keys[i]) : b->items[i];

		if (!other || !is_same(a->items[i], other))
			return false;
	}
	return true;
}

static int check_unique(const struct check *check, const struct yaml *list)
{
	for (size_t i = 0; i < list->count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!is_same(list->items[i], list->items[k]))
				continue;
			return compose_fail(check->source, list->items[i],
			    "%s has %.60s twice: delete one", check->path,
			    list->items[i]->text ? list->items[i]->text : "an item");
		}
	}
	return 0;
}

static int check_list(struct check *check, const struct shape *shape, const struct yaml *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char at[32];

		(void)format_text(at, sizeof(at), "%zu", i + 1);
		size_t length = push(check, at);
		if (check_value(check, shape->items, list->items[i]) < 0)
			return -1;
		check->path[length] = '\0';
	}
	return check->minor < shape->unique_below ? check_unique(check, list) : 0;
}

/* --- mappings --- */

/* Keys of Compose that many know and no stack takes. */
static const struct {
	const char *key;
	const char *advice;
} foreign_keys[] = {
    {"cpu_quota", "use deploy.resources"},
    {"cpu_shares", "use deploy.resources"},
    {"cpus", "use deploy.resources.limits.cpus"},
    {"cpuset", "use deploy.placement"},
    {"extends", "write the service out, or add a file to COMPOSE_FILE"},
    {"mem_limit", "use deploy.resources.limits.memory"},
    {"memswap_limit", "use deploy.resources.limits.memory"},
    {"name", "delete it: the stack is named by abra"},
    {"platform", "use deploy.placement.constraints"},
    {"profiles", "put the service into a file of its own for COMPOSE_FILE"},
    {"pull_policy", "delete it: a stack pulls what is not there"},
    {"scale", "use deploy.replicas"},
    {"volume_driver", "set driver of the volume under the top-level volumes"},
    {"volumes_from", "name the volume under the top-level volumes and in each service"},
};

static int fail_key(const struct check *check, const struct yaml *value, const char *what)
{
	const struct yaml at = {.line = value->key_line, .column = value->key_column};

	return compose_fail(
	    check->source, &at, "%s%s%s", check->path, *check->path ? ": " : "", what);
}

static int fail_unknown(
    const struct check *check, const struct shape *shape, const char *key, const struct yaml *value)
{
	const char *known[64];
	AUTO(buf) what = buf_make(256);

	assert(shape->member_count <= COUNT_OF(known));
	for (size_t i = 0; i < shape->member_count; i++)
		known[i] = shape->members[i].key;
	const char *nearest = nearest_word(key, known, shape->member_count);
	(void)buf_printf(&what, "a stack has no key \"%.40s\" here", key);
	for (size_t i = 0; i < COUNT_OF(foreign_keys); i++) {
		if (!text_is(foreign_keys[i].key, key))
			continue;
		(void)buf_printf(&what, ": %s", foreign_keys[i].advice);
		nearest = NULL;
	}
	if (nearest)
		(void)buf_printf(&what, "; did you mean %s?", nearest);
	return fail_key(check, value, buf_text(&what));
}

static int fail_too_new(
    const struct check *check, const char *key, int since, const struct yaml *value)
{
	AUTO(buf) what = buf_make(256);

	(void)buf_printf(&what, "\"%.40s\" needs version \"3.%d\" or later, this file has 3.%d",
	    key, since, check->minor);
	return fail_key(check, value, buf_text(&what));
}

static bool is_name(const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *key && strspn(key, letters) == strlen(key);
}

static bool is_odd(const struct shape *shape, const char *key)
{
	if (shape->others == OTHERS_OPTIONS)
		return !*key;
	if (shape->others == OTHERS_ODD_NAMES)
		return !is_name(key);
	return shape->others == OTHERS_LETTERS &&
	       (!*key || strspn(key, "abcdefghijklmnopqrstuvwxyz") != strlen(key));
}

static const struct member *find_member(
    const struct shape *shape, const char *key, int (*compare)(const char *, const char *))
{
	for (size_t i = 0; i < shape->member_count; i++) {
		if (compare(shape->members[i].key, key) == 0)
			return &shape->members[i];
	}
	return NULL;
}

/* A key that the table does not name. */
static int check_other(
    struct check *check, const struct shape *shape, const char *key, const struct yaml *value)
{
	bool is_extension = shape->extensions_since && text_starts(key, "x-");

	if (is_extension && check->minor >= shape->extensions_since)
		return 0;
	if (is_extension && shape->others != OTHERS_NAMES)
		return fail_too_new(check, key, shape->extensions_since, value);
	if (shape->others == OTHERS_NONE || check->minor < shape->others_since)
		return fail_unknown(check, shape, key, value);
	if (shape->others == OTHERS_NAMES && !is_name(key))
		return fail_key(check, value,
		    "a name takes letters, digits, \".\", \"_\" and \"-\", and no variable");
	if (shape->others == OTHERS_FILLED && !*key)
		return fail_key(check, value, "a key is empty");
	if (is_odd(shape, key))
		return check_value(check, shape->odd, value);
	if (shape->other)
		return check_value(check, shape->other, value);
	/* No schema looks at "Mode", but the loader reads it as mode. */
	const struct member *member = find_member(shape, key, strcasecmp);
	return member && value->type != YAML_NULL ? check_value(check, member->shape, value) : 0;
}

static int check_member(
    struct check *check, const struct shape *shape, const char *key, const struct yaml *value)
{
	const struct member *member = find_member(shape, key, strcmp);
	bool is_known = member && check->minor >= member->since;

	if (!member)
		return check_other(check, shape, key, value);
	if (shape == &odd_network && value->type == YAML_NULL)
		return 0; /* only the loader looks, and nothing is nothing to it */
	bool takes_any = shape->others == OTHERS_ANY && check->minor >= shape->others_since;
	if (!is_known && !member->older && !takes_any)
		return fail_too_new(check, key, member->since, value);
	return check_value(
	    check, is_known || !member->older ? member->shape : member->older, value);
}

static int check_mapping(struct check *check, const struct shape *shape, const struct yaml *mapping)
{
	for (size_t i = 0; i < COUNT_OF(shape->need) && shape->need[i]; i++) {
		if (!yaml_get(mapping, shape->need[i]))
			return compose_fail(
			    check->source, mapping, "%s needs a %s", check->path, shape->need[i]);
	}
	for (size_t i = 0; i < mapping->count; i++) {
		size_t length = strlen(check->path);

		if (find_member(shape, mapping->keys[i], strcmp) || shape->others != OTHERS_NONE)
			(void)push(check, mapping->keys[i]);
		if (check_member(check, shape, mapping->keys[i], mapping->items[i]) < 0)
			return -1;
		check->path[length] = '\0';
	}
	return 0;
}

static int check_value(struct check *check, const struct shape *shape, const struct yaml *value)
{
	if (!(shape->types & types_of(value)))
		return fail_type(check, shape->types, value);
	if (value->kind == YAML_SEQUENCE)
		return check_list(check, shape, value);
	if (value->kind == YAML_MAPPING)
		return check_mapping(check, shape, value);
	return check_format(check, shape, value);
}

int compose_schema_check(const struct compose_source *source, const struct yaml *tree, int minor)
{
	struct check check = {.source = source, .minor = minor};

	if (tree->kind != YAML_MAPPING)
		return compose_fail(source, tree, "a compose file must be a mapping, this is %s",
		    tree->kind == YAML_SEQUENCE ? "a list"
		    : tree->type == YAML_NULL	? "empty"
						: "a text");
	return check_value(&check, &whole_file, tree);
}

int compose_schema_version(const struct compose_source *source, const struct yaml *tree, int *minor)
{
	const struct yaml *version = yaml_get(tree, "version");
	const char *word = version && version->kind == YAML_SCALAR ? version->text : "";
	int64_t written = NEWEST;

	if (version && (version->kind != YAML_SCALAR || version->type == YAML_NULL))
		return compose_fail(source, version, "version must be a text: \"3.8\"");
	if (!*word || text_is(word, "3") ||
	    (text_starts(word, "3.") && (word[2] != '0' || !word[3]) &&
		strspn(word + 2, "0123456789") == strlen(word + 2) &&
		parse_int64(word + 2, 0, NEWEST, &written))) {
		*minor = (int)written;
		return 0;
	}
	return compose_fail(source, version,
	    "a stack has no version \"%.20s\": 3 to 3.%d, or no version at all", word, NEWEST);
}
