/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_check.h"

#include "common/golang.h"

#define CPU_DECIMALS_MAX 9 /* docker counts in billionths of a CPU */

struct check {
	const struct compose_model *model;
	const char *stack;
	const struct compose_service *service; /* the one at hand */
	struct err *err;
};

static int fail(const struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);

static int fail(const struct check *check, const char *format, ...)
{
	const struct compose_service *service = check->service;
	char what[sizeof(check->err->msg)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return err_set(check->err, ERR_CONFIG, "%.100s:%d: service %.60s %s", service->file,
	    service->line, service->name, what);
}

static bool is_among(const char *word, const char *const *words, size_t count)
{
	return text_index(words, count, word) < count;
}

/* --- mode, restarts, healthcheck --- */

static int check_mode(const struct check *check)
{
	static const char *const modes[] = {
	    "", "replicated", "global", "replicated-job", "global-job"};
	const struct compose_service *service = check->service;
	bool is_global = service->mode == COMPOSE_GLOBAL || service->mode == COMPOSE_GLOBAL_JOB;

	if (!is_among(service->mode_word, modes, COUNT_OF(modes)))
		return fail(check,
		    "has mode \"%.40s\": replicated, global, replicated-job or global-job",
		    service->mode_word);
	if (is_global && service->names_replicas)
		return fail(
		    check, "is global and has replicas: delete deploy.replicas, each node has one");
	return 0;
}

static int check_restart(const struct check *check)
{
	static const char *const conditions[] = {"", "none", "any", "on-failure"};

	if (!is_among(check->service->restart, conditions, COUNT_OF(conditions)))
		return fail(check,
		    "has restart_policy.condition \"%.40s\": none, on-failure or any",
		    check->service->restart);
	return 0;
}

static int check_healthcheck(const struct check *check)
{
	if (check->service->is_check_disabled && check->service->check)
		return fail(check, "has a healthcheck with test and disable: only one can be");
	/* docker takes it, and the engine then dies of it, with everything else on the host: its
	 * probe asks for the first word of none (seen on 20.10.24). */
	if (check->service->check && text_is(check->service->check, "CMD") &&
	    check->service->check_words == 1)
		return fail(check,
		    "has a healthcheck [\"CMD\"] without a command, which takes the engine down: "
		    "name the command, or delete the healthcheck");
	return 0;
}

/* --- resources --- */

/* "0.5", "1/2", "2": exact in billionths. */
static bool is_cpus(const char *text)
{
	const char *point = strchr(text, '.');
	const char *slash = strchr(text, '/');
	auto_str char *upper = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	double number = 0;

	if (slash && (!golang_float(slash + 1, &number) || number <= 0))
		return false;
	return golang_float(upper, &number) &&
	       (slash || !point || strspn(point + 1, "0123456789") <= CPU_DECIMALS_MAX);
}

static int check_cpus(const struct check *check, const char *cpus)
{
	if (*cpus && !is_cpus(cpus))
		return fail(check, "has cpus \"%.40s\": a number like 0.5", cpus);
	return 0;
}

/* --- mounts --- */

static int check_volume(const struct check *check, const struct compose_mount *mount)
{
	const struct compose_model *model = check->model;

	if (!*mount->source ||
	    compose_find_named(model->volumes, model->volume_count, mount->source))
		return 0;
	return fail(check, "mounts volume \"%.60s\" at %.60s: the files have none under volumes",
	    mount->source, mount->target);
}

static int check_mount(const struct check *check, const struct compose_mount *mount)
{
	switch (mount->type) {
	case COMPOSE_VOLUME:
		return check_volume(check, mount);
	case COMPOSE_CLUSTER:
		return text_starts(mount->source, "group:") ? 0 : check_volume(check, mount);
	case COMPOSE_TMPFS:
		return *mount->source
			   ? fail(check, "has a tmpfs at %.60s with a source: it takes none",
				 mount->target)
			   : 0;
	case COMPOSE_BIND:
	case COMPOSE_NPIPE:
		return 0;
	case COMPOSE_UNKNOWN:
		return fail(check,
		    "has a mount of type \"%.40s\": volume, bind, tmpfs, npipe or cluster",
		    mount->type_word);
	}
	abort();
}

static int check_mounts(const struct check *check)
{
	const struct compose_service *service = check->service;

	for (size_t i = 0; i < service->mount_count; i++) {
		const char *target = service->mounts[i].target;

		if (check_mount(check, &service->mounts[i]) < 0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (text_is(service->mounts[k].target, target))
				return fail(check, "has two mounts at %.100s", target);
		}
	}
	return 0;
}

/* --- references --- */

static int check_references(const struct check *check, const char *what,
    const struct compose_reference *references, size_t count, const struct compose_named *defined,
    size_t defined_count)
{
	for (size_t i = 0; i < count; i++) {
		if (!compose_find_named(defined, defined_count, references[i].source))
			return fail(check, "uses %s \"%.60s\": the files have none under %ss", what,
			    references[i].source, what);
	}
	return 0;
}

static int check_networks(const struct check *check)
{
	const struct compose_model *model = check->model;
	const struct compose_service *service = check->service;

	for (size_t i = 0; i < service->network_count; i++) {
		const char *key = service->networks[i];

		if (!text_is(key, "default") &&
		    !compose_find_named(model->networks, model->network_count, key))
			return fail(check,
			    "is on network \"%.60s\": the files have none under networks", key);
	}
	return 0;
}

/* --- names --- */

/* Letters and digits, with "-" and "_" within; it begins with the stack's, which begins so. */
static bool is_dns_name(const char *name)
{
	static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_";
	size_t length = strlen(name);

	return strspn(name, inside) == length && !strchr("-_", name[length - 1]);
}

static int check_service_name(const struct check *check)
{
	auto_str char *name = xasprintf("%s_%s", check->stack, check->service->name);

	if (strlen(name) > COMPOSE_SERVICE_NAME_MAX)
		return fail(check, "is %.100s in Swarm: %zu characters, %d can be", name,
		    strlen(name), COMPOSE_SERVICE_NAME_MAX);
	if (!is_dns_name(name))
		return fail(check,
		    "needs a name of letters, digits, \"-\" and \"_\" that ends in one of the "
		    "first two");
	return 0;
}

static int check_lengths(
    const struct compose_named *list, size_t count, size_t most, const char *what, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(list[i].name);

		if (length > most)
			return err_set(err, ERR_CONFIG,
			    "%s %.60s is %.100s in Swarm: %zu characters, %zu can be", what,
			    list[i].key, list[i].name, length, most);
	}
	return 0;
}

/* docker would read the directory of the files in its place. */
static int check_contents(
    const struct compose_named *list, size_t count, const char *what, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!list[i].is_external && !*list[i].driver && !list[i].source_file)
			return err_set(err, ERR_CONFIG,
			    "%s %.60s says not where it comes from: external: true, or a file",
			    what, list[i].key);
	}
	return 0;
}

static int check_names(const struct compose_model *model, struct err *err)
{
	if (check_contents(model->secrets, model->secret_count, "secret", err) < 0 ||
	    check_contents(model->configs, model->config_count, "config", err) < 0)
		return -1;
	if (check_lengths(model->secrets, model->secret_count, COMPOSE_NAME_MAX, "secret", err) <
		0 ||
	    check_lengths(model->configs, model->config_count, COMPOSE_NAME_MAX, "config", err) < 0)
		return -1;
	return check_lengths(
	    model->networks, model->network_count, COMPOSE_SERVICE_NAME_MAX, "network", err);
}

/* --- all of it --- */

static int check_service(const struct check *check)
{
	const struct compose_service *service = check->service;
	const struct compose_model *model = check->model;

	if (!service->image)
		return fail(check, "has no image");
	if (check_service_name(check) < 0 || check_mode(check) < 0 || check_restart(check) < 0 ||
	    check_healthcheck(check) < 0 || check_cpus(check, service->cpu_limit) < 0 ||
	    check_cpus(check, service->cpu_reservation) < 0 || check_mounts(check) < 0 ||
	    check_networks(check) < 0 ||
	    check_references(check, "secret", service->secrets, service->secret_count,
		model->secrets, model->secret_count) < 0)
		return -1;
	return check_references(check, "config", service->configs, service->config_count,
	    model->configs, model->config_count);
}

int compose_check(const struct compose_model *model, const char *stack, struct err *err)
{
	struct check check = {.model = model, .stack = stack, .err = err};
	bool has_app = false;

	for (size_t i = 0; i < model->service_count; i++) {
		check.service = &model->services[i];
		has_app = has_app || text_is(check.service->name, "app");
		if (check_service(&check) < 0)
			return -1;
	}
	if (!has_app)
		return err_set(err, ERR_CONFIG, "the compose files have no service app");
	return check_names(model, err);
}
