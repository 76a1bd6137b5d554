/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/trespass.h"

#include "common/buf.h"
#include "common/nearest.h"
#include "runner-plugin/recipe/compose_short.h"

#include <ctype.h>

#define WORD_MAX_BYTES 1024

/* --- the words of allow --- */

static bool is_path(const char *text)
{
	auto_str char *tidy = tree_tidy_path(text, false);

	return text[0] == '/' && text_is(text, tidy) && !tree_path_climbs(text);
}

/* An absolute path, or one in the recipe that begins with "./". */
static bool is_bind(const char *text)
{
	auto_str char *path = xstrndup(text, strlen(text) - (text_ends(text, ":ro") ? 3 : 0));
	auto_str char *tidy = tree_tidy_path(path, false);

	if (text_ends(path, ":rw"))
		return false;
	return is_path(path) ||
	       (text_starts(path, "./") && text_is(path + 2, tidy) && !tree_path_climbs(path));
}

static bool is_port(const char *text)
{
	int64_t port = 0;

	return parse_int64(text, 0, 65535, &port);
}

static bool is_count(const char *text)
{
	int64_t count = 0;

	return parse_int64(text, 1, INT32_MAX, &count);
}

static bool is_size(const char *text)
{
	int64_t size = 0;

	return compose_short_size(text, &size) && size > 0;
}

/* As the engine writes it, so that one capability has one word. */
static bool is_capability(const char *text)
{
	return *text && !text_starts(text, "CAP_") &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(text);
}

static bool is_text(const char *text)
{
	return *text != '\0';
}

const struct trespass_kind trespass_kinds[] = {
    {"docker-socket", "docker-socket"},
    {"host-bind", "host-bind:/path, host-bind:/path:ro or host-bind:./path/in/the/recipe"},
    {"host-file", "host-file:/path"},
    {"volume-driver", "volume-driver:NAME[;option=value]..., options sorted by name"},
    {"volume", "volume:NAME"},
    {"secret", "secret:NAME"},
    {"secret-driver", "secret-driver:NAME"},
    {"config", "config:NAME"},
    {"network", "network:NAME"},
    {"network-driver", "network-driver:NAME[;option=value]..., options sorted by name"},
    {"host-port", "host-port:NUMBER"},
    {"ingress-port", "ingress-port:NUMBER"},
    {"cap", "cap:NET_ADMIN"},
    {"credential-spec", "credential-spec:file:NAME, :registry:NAME or :config:NAME"},
    {"log-driver", "log-driver:NAME"},
    {"replicas", "replicas:NUMBER"},
    {"memory", "memory:SIZE such as memory:20g"},
};
const size_t trespass_kind_count = COUNT_OF(trespass_kinds);

/* In the order of trespass_kinds; NULL: nothing may be behind the name. */
static bool (*const forms[])(const char *text) = {NULL, is_bind, is_path, is_text, is_text, is_text,
    is_text, is_text, is_text, is_text, is_port, is_port, is_capability, is_text, is_text, is_count,
    is_size};
static_assert(COUNT_OF(forms) == COUNT_OF(trespass_kinds), "a form for each kind");

static const char *nearest_kind(const char *name)
{
	const char *names[COUNT_OF(trespass_kinds)];

	for (size_t i = 0; i < COUNT_OF(trespass_kinds); i++)
		names[i] = trespass_kinds[i].name;
	return nearest_word(name, names, COUNT_OF(names));
}

char *trespass_word_fault(const char *word)
{
	size_t length = strcspn(word, ":");
	const char *value = word[length] ? word + length + 1 : NULL;
	auto_str char *name = xstrndup(word, length);

	for (size_t i = 0; i < COUNT_OF(trespass_kinds); i++) {
		if (!text_is(name, trespass_kinds[i].name))
			continue;
		bool is_fine = value ? forms[i] && forms[i](value) : !forms[i];

		return is_fine ? NULL
			       : xasprintf(
				     "\"%.60s\" has not the form %s", word, trespass_kinds[i].form);
	}
	const char *near = nearest_kind(name);
	return xasprintf("\"%.60s\" allows nothing that there is%s%s%s", word,
	    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* "20", "20g". Whoever read the word has asked trespass_word_fault(). */
static int64_t number_of(const char *text)
{
	int64_t number = 0;

	if (!parse_int64(text, 1, INT64_MAX, &number)) {
		bool is_size = compose_short_size(text, &number);

		assert(is_size);
	}
	return number;
}

/* "memory:20g" allows up to that; 0: no such word. */
static int64_t allowed_up_to(const struct trespass_rules *rules, const char *kind)
{
	int64_t most = 0;

	for (size_t i = 0; i < rules->allow_count; i++) {
		const char *word = rules->allow[i];
		int64_t number = text_starts(word, kind) ? number_of(word + strlen(kind)) : 0;

		if (number > most)
			most = number;
	}
	return most;
}

/* --- what is found --- */

struct judge {
	const struct compose_model *model;
	const struct trespass_rules *rules;
	struct trespass *out;
};

void trespass_item_release(struct trespass_item *item)
{
	free(item->service);
	free(item->what);
	free(item->word);
	*item = (struct trespass_item){0};
}

static void release_items(struct trespass_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		trespass_item_release(&items[i]);
	free(items);
}

void trespass_release(struct trespass *trespass)
{
	release_items(trespass->refused, trespass->refused_count);
	release_items(trespass->allowed, trespass->allowed_count);
	for (size_t i = 0; i < trespass->warning_count; i++)
		free(trespass->warnings[i]);
	free(trespass->warnings);
	*trespass = (struct trespass){0};
}

static bool is_listed(char *const *list, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is(list[i], word))
			return true;
	}
	return false;
}

static void append(struct trespass_item **items, size_t *count, struct trespass_item take_item)
{
	for (size_t i = 0; i < *count; i++) {
		const struct trespass_item *known = &(*items)[i];

		if (text_is(known->service, take_item.service) &&
		    text_is(known->word, take_item.word) &&
		    (*take_item.word || text_is(known->what, take_item.what))) {
			trespass_item_release(&take_item);
			return;
		}
	}
	*items = xrealloc_array(*items, *count + 1, sizeof(**items));
	(*items)[(*count)++] = take_item;
}

/* word "": nothing allows it. */
PRINTF_LIKE(4, 5)
static void found(
    const struct judge *judge, const char *service, const char *word, const char *format, ...)
{
	const struct trespass_rules *rules = judge->rules;
	char what[400];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	struct trespass_item item = {xstrdup(service), xstrdup(what), xstrdup(word)};
	if (*word && is_listed(rules->allow, rules->allow_count, word))
		append(&judge->out->allowed, &judge->out->allowed_count, item);
	else
		append(&judge->out->refused, &judge->out->refused_count, item);
}

char *trespass_sentence(const struct trespass_item *item)
{
	auto_str char *who =
	    *item->service ? xasprintf("service %.60s ", item->service) : xstrdup("the recipe ");

	if (!*item->word)
		return xasprintf("%s%s; nothing allows that", who, item->what);
	return xasprintf(
	    "%s%s; if that is meant to be, an operator adds \"%s\" to the suite's allow", who,
	    item->what, item->word);
}

static bool is_own(const struct judge *judge, const char *name)
{
	const char *stack = judge->rules->stack;

	return text_starts(name, stack) &&
	       (!name[strlen(stack)] || strchr("_-.", name[strlen(stack)]));
}

static const char *option(const struct compose_named *named, const char *key)
{
	for (size_t i = 0; i < named->driver_opt_count; i++) {
		if (text_is(named->driver_opts[i].key, key))
			return named->driver_opts[i].value;
	}
	return "";
}

/* "volume-driver:local;device=:/srv;o=addr=10.0.0.1;type=nfs": the whole of it, so that no other
 * server comes in by the same word. */
static char *driver_word(const char *kind, const char *fallback, const struct compose_named *named)
{
	AUTO(buf) word = buf_make(WORD_MAX_BYTES);

	(void)buf_printf(&word, "%s:%s", kind, *named->driver ? named->driver : fallback);
	for (size_t i = 0; i < named->driver_opt_count; i++)
		(void)buf_printf(
		    &word, ";%s=%s", named->driver_opts[i].key, named->driver_opts[i].value);
	return word.was_truncated ? xstrdup("") : buf_take(&word);
}

/* --- the host's files --- */

/* Where the engine's socket is; /var/run is a link to /run on most hosts, so both lead there. */
static bool is_at_socket(const struct judge *judge, const char *path,
    bool (*matches)(const char *path, const char *socket))
{
	const char *ours = judge->rules->socket ? judge->rules->socket : "/run/docker.sock";
	auto_str char *other = text_starts(ours, "/var/run/") ? xstrdup(ours + strlen("/var"))
			       : text_starts(ours, "/run/")   ? xasprintf("/var%s", ours)
							      : xstrdup(ours);

	return matches(path, "/run/docker.sock") || matches(path, "/var/run/docker.sock") ||
	       matches(path, ours) || matches(path, other);
}

static bool is_same(const char *path, const char *socket)
{
	return text_is(path, socket);
}

static bool is_above(const char *path, const char *socket)
{
	size_t length = strlen(path);

	return text_is(path, "/") || (text_starts(socket, path) && socket[length] == '/');
}

/* An absolute path, or one in the recipe's checkout. */
static void judge_bind(
    const struct judge *judge, const char *service, const char *path, bool is_read_only)
{
	bool climbs = tree_path_climbs(path);
	auto_str char *straight = tree_tidy_path(path, true);
	auto_str char *tidy = tree_tidy_path(path, false);
	auto_str char *word = xasprintf(
	    "host-bind:%s%s%s", *tidy == '/' ? "" : "./", tidy, is_read_only ? ":ro" : "");

	if (is_at_socket(judge, straight, is_same)) {
		found(judge, service, climbs ? "" : "docker-socket",
		    "mounts the engine's socket %.100s, which gives it the whole host", path);
		return;
	}
	if (is_at_socket(judge, straight, is_above))
		found(judge, service, "docker-socket",
		    "mounts %.100s of the host, and with it the engine's socket", straight);
	if (climbs)
		found(judge, service, "",
		    "mounts %.100s of the host, and a path with \"..\" may lead anywhere", path);
	else
		found(judge, service, word, "mounts %.100s of the %s%s", tidy,
		    *tidy == '/' ? "host" : "recipe's checkout", is_read_only ? " to read" : "");
}

/* A relative path of the compose files as the loader makes it absolute: as text, before any link
 * is looked at. */
static char *path_in_recipe(const struct judge *judge, const char *path)
{
	auto_str char *joined = xasprintf("%s/%s", judge->rules->directory, path);

	return tree_tidy_path(*judge->rules->directory ? joined : path, true);
}

static void judge_bind_source(
    const struct judge *judge, const char *service, const char *source, bool is_read_only)
{
	if (*source == '/') {
		judge_bind(judge, service, source, is_read_only);
		return;
	}
	auto_str char *path = path_in_recipe(judge, source);
	auto_str char *end = NULL;
	enum tree_place place = tree_find(judge->rules->tree, path, &end);

	if (place == TREE_IS_OUTSIDE && end)
		judge_bind(judge, service, end, is_read_only);
	else if (place == TREE_IS_OUTSIDE)
		found(judge, service, "", "mounts %.100s, which is outside the recipe", source);
	else
		judge_bind(judge, service, path, is_read_only);
}

/* A file that whoever deploys reads, and gives to the app. as: "config site_conf". */
static void judge_file(
    const struct judge *judge, const char *service, const char *as, const char *file)
{
	bool is_absolute = *file == '/';
	auto_str char *path = is_absolute ? xstrdup(file) : path_in_recipe(judge, file);
	auto_str char *end = NULL;

	if (tree_find(judge->rules->tree, path, &end) != TREE_IS_OUTSIDE)
		return;
	if (!end || tree_path_climbs(end)) {
		found(judge, service, "", "has %.100s, which is outside the recipe, as %.100s",
		    file, as);
		return;
	}
	auto_str char *tidy = tree_tidy_path(end, false);
	auto_str char *word = xasprintf("host-file:%s", tidy);
	found(judge, service, word, "has the host's file %.100s as %.100s", tidy, as);
}

bool trespass_find_link(
    const struct tree *tree, char *const *allow, size_t allow_count, struct trespass_item *out)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct tree_entry *entry = &tree->entries[i];
		auto_str char *end = NULL;

		if (entry->kind != TREE_LINK ||
		    tree_find(tree, entry->path, &end) != TREE_IS_OUTSIDE)
			continue;
		bool has_word = end && !tree_path_climbs(end);
		auto_str char *tidy = has_word ? tree_tidy_path(end, false) : xstrdup("");
		auto_str char *word = has_word ? xasprintf("host-file:%s", tidy) : xstrdup("");
		if (has_word && is_listed(allow, allow_count, word))
			continue;
		*out = (struct trespass_item){
		    .service = xstrdup(""),
		    .what = xasprintf("has a symbolic link %.100s that leads out of it, to %.100s",
			entry->path, entry->target),
		    .word = take_ptr(word),
		};
		return true;
	}
	return false;
}

/* --- mounts and volumes --- */

/*
 * Of the driver "local", which is mount(2): nothing but a name or memory is the app's own; a bind
 * is one of the host's directories; any other kind is a server or a device.
 */
static void judge_local(const struct judge *judge, const char *service,
    const struct compose_named *volume, bool is_read_only)
{
	const char *options = option(volume, "o");
	const char *type = option(volume, "type");
	const char *device = option(volume, "device");
	bool binds = text_lists(options, "bind") || text_lists(options, "rbind");

	if (binds) {
		auto_str char *path = xasprintf("/%s", device); /* relative to the engine's "/" */

		judge_bind(judge, service, path, is_read_only || text_lists(options, "ro"));
		return;
	}
	if (text_is(type, "tmpfs") || (!*type && !*device && !*options))
		return;
	auto_str char *word = driver_word("volume-driver", "local", volume);
	found(judge, service, word, "mounts volume %.60s from %.20s %.100s", volume->key,
	    *type ? type : "the device", device);
}

static void judge_volume(
    const struct judge *judge, const char *service, const char *key, bool is_read_only)
{
	const struct compose_model *model = judge->model;
	const struct compose_named *volume =
	    compose_find_named(model->volumes, model->volume_count, key);

	if (!volume)
		return;
	if (!is_own(judge, volume->name)) {
		auto_str char *word = xasprintf("volume:%s", volume->name);

		found(judge, service, word, "mounts volume %.100s, which is not this stack's own",
		    volume->name);
	}
	if (volume->is_external)
		return; /* its driver is its maker's business */
	if (!*volume->driver || text_is(volume->driver, "local")) {
		judge_local(judge, service, volume, is_read_only);
		return;
	}
	auto_str char *word = driver_word("volume-driver", "local", volume);
	found(judge, service, word, "mounts volume %.60s of the volume driver %.60s", volume->key,
	    volume->driver);
}

static void judge_mount(
    const struct judge *judge, const char *service, const struct compose_mount *mount)
{
	switch (mount->type) {
	case COMPOSE_VOLUME:
		judge_volume(judge, service, mount->source, mount->is_read_only);
		return;
	case COMPOSE_CLUSTER: {
		auto_str char *word = xasprintf("volume:%s", mount->source);

		found(judge, service, word, "mounts the cluster's volume %.100s", mount->source);
		return;
	}
	case COMPOSE_BIND:
	case COMPOSE_NPIPE:
	case COMPOSE_UNKNOWN:
		judge_bind_source(judge, service, mount->source, mount->is_read_only);
		return;
	case COMPOSE_TMPFS:
		return;
	}
}

/* --- networks and ports --- */

static bool is_network_allowed(const struct judge *judge, const char *name)
{
	return text_lists(judge->rules->networks, name);
}

/* An overlay with other options than these may be another's, or the host's own. */
static bool is_plain_network(const struct compose_named *network)
{
	if (*network->driver && !text_is(network->driver, "overlay"))
		return false;
	for (size_t i = 0; i < network->driver_opt_count; i++) {
		const char *key = network->driver_opts[i].key;

		if (!text_is(key, "encrypted") && !text_is(key, "com.docker.network.driver.mtu"))
			return false;
	}
	return true;
}

static void judge_network(const struct judge *judge, const char *service, const char *key)
{
	const struct compose_model *model = judge->model;
	const struct compose_named *network =
	    compose_find_named(model->networks, model->network_count, key);

	if (!network)
		return; /* the stack's own default */
	if (!is_own(judge, network->name) && !is_network_allowed(judge, network->name)) {
		auto_str char *word = xasprintf("network:%s", network->name);

		found(judge, service, word,
		    "joins the network %.100s, which is not this stack's own", network->name);
	}
	if (!network->is_external && !is_plain_network(network)) {
		auto_str char *word = driver_word("network-driver", "overlay", network);

		found(judge, service, word, "makes the network %.60s with the driver %.60s%s", key,
		    *network->driver ? network->driver : "overlay",
		    network->driver_opt_count ? " and options of its own" : "");
	}
}

static void judge_port(
    const struct judge *judge, const char *service, const struct compose_port *port)
{
	auto_str char *number = port->published ? xasprintf("port %lld", (long long)port->published)
						: xstrdup("some port");
	auto_str char *word = xasprintf(
	    "%s-port:%lld", port->is_host_mode ? "host" : "ingress", (long long)port->published);

	found(judge, service, word, "takes %s of %s", number,
	    port->is_host_mode ? "the host" : "every node, past the proxy");
}

/* --- the rest of a service --- */

/* What the engine gives every container: asking for it by name, behind cap_drop: ALL, is no more.
 */
static bool is_default_capability(const char *name)
{
	static const char *const defaults[] = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER",
	    "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID",
	    "SETPCAP", "SETUID", "SYS_CHROOT"};

	return text_index(defaults, COUNT_OF(defaults), name) < COUNT_OF(defaults);
}

/* The engine takes "cap_net_admin" for NET_ADMIN. */
static void judge_capability(const struct judge *judge, const char *service, const char *text)
{
	auto_str char *upper = xstrdup(text);

	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	const char *name = upper + (text_starts(upper, "CAP_") ? strlen("CAP_") : 0);
	auto_str char *word = xasprintf("cap:%s", name);
	if (!is_default_capability(name))
		found(judge, service, word, "wants the capability %.60s", name);
}

static void judge_credentials(const struct judge *judge, const struct compose_service *service)
{
	if (!service->credential_spec)
		return;
	size_t kind = strcspn(service->credential_spec, " ");
	auto_str char *word = xasprintf("credential-spec:%.*s:%s", (int)kind,
	    service->credential_spec, service->credential_spec + kind + 1);
	found(judge, service->name, word, "wants the credential spec %.100s",
	    service->credential_spec);
}

/* What the engine keeps by itself, and removes with the container. */
static bool is_own_log(const char *driver)
{
	return !driver || text_is(driver, "json-file") || text_is(driver, "local");
}

static void judge_log(const struct judge *judge, const struct compose_service *service)
{
	if (is_own_log(service->log_driver))
		return;
	auto_str char *word = xasprintf("log-driver:%s", service->log_driver);
	found(judge, service->name, word,
	    "sends its log to the driver %.60s, so nobody sees why it fails", service->log_driver);
}

static void warn_of_ignored(const struct judge *judge, const struct compose_service *service)
{
	struct trespass *out = judge->out;
	AUTO(buf) text = buf_make(WORD_MAX_BYTES);

	if (!service->ignored_count)
		return;
	(void)buf_printf(&text, "service %.60s: Swarm ignores", service->name);
	for (size_t i = 0; i < service->ignored_count; i++)
		(void)buf_printf(&text, "%s %.40s", i ? "," : "", service->ignored[i]);
	out->warnings =
	    xrealloc_array(out->warnings, out->warning_count + 1, sizeof(out->warnings[0]));
	out->warnings[out->warning_count++] = buf_take(&text);
}

static void judge_service(const struct judge *judge, const struct compose_service *service)
{
	for (size_t i = 0; i < service->mount_count; i++)
		judge_mount(judge, service->name, &service->mounts[i]);
	for (size_t i = 0; i < service->env_file_count; i++)
		judge_file(judge, service->name, "env_file", service->env_files[i]);
	for (size_t i = 0; i < service->network_count; i++)
		judge_network(judge, service->name, service->networks[i]);
	for (size_t i = 0; i < service->port_count; i++)
		judge_port(judge, service->name, &service->ports[i]);
	for (size_t i = 0; i < service->cap_add_count; i++)
		judge_capability(judge, service->name, service->cap_add[i]);
	judge_credentials(judge, service);
	judge_log(judge, service);
	warn_of_ignored(judge, service);
}

/* --- secrets and configs: all of them are made, used or not --- */

static const char *user_of(const struct judge *judge, const char *kind, const char *key)
{
	const struct compose_model *model = judge->model;
	bool is_secret = text_is(kind, "secret");

	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];
		size_t count = is_secret ? service->secret_count : service->config_count;

		for (size_t k = 0; k < count; k++) {
			const struct compose_reference *reference =
			    is_secret ? &service->secrets[k] : &service->configs[k];

			if (text_is(reference->source, key))
				return service->name;
		}
	}
	return "";
}

static void judge_content(
    const struct judge *judge, const char *kind, const struct compose_named *named)
{
	const char *service = user_of(judge, kind, named->key);
	auto_str char *as = xasprintf("%s %s", kind, named->key);

	if (!is_own(judge, named->name)) {
		auto_str char *word = xasprintf("%s:%s", kind, named->name);

		found(judge, service, word, "uses the %s %.100s, which is not this stack's own",
		    kind, named->name);
	}
	if (*named->driver) {
		auto_str char *word = xasprintf("%s-driver:%s", kind, named->driver);

		found(judge, service, word, "gets %.100s from the driver %.60s", as, named->driver);
	}
	if (named->source_file && !named->is_external)
		judge_file(judge, service, as, named->source_file);
}

/* --- how much --- */

static int64_t times(int64_t left, int64_t right)
{
	int64_t product = 0;

	return __builtin_mul_overflow(left, right, &product) ? INT64_MAX : product;
}

static int64_t plus(int64_t left, int64_t right)
{
	int64_t sum = 0;

	return __builtin_add_overflow(left, right, &sum) ? INT64_MAX : sum;
}

/* Of a global service at least one. */
static int64_t tasks_of(const struct compose_service *service)
{
	return service->replicas < 0 ? 1 : service->replicas;
}

static int64_t memory_of(const struct compose_service *service)
{
	int64_t each = service->memory_limit > service->memory_reservation
			   ? service->memory_limit
			   : service->memory_reservation;

	return times(each, tasks_of(service));
}

struct total {
	int64_t sum;
	const struct compose_service *largest;
};

static struct total add_up(
    const struct compose_model *model, int64_t (*of)(const struct compose_service *service))
{
	struct total total = {0};

	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		total.sum = plus(total.sum, of(service));
		if (!total.largest || of(service) > of(total.largest))
			total.largest = service;
	}
	return total;
}

#define MIB (INT64_C(1024) * 1024)

/* "20g", rounded up. */
static void format_size(int64_t bytes, char out[32])
{
	int64_t mib = bytes / MIB + (bytes % MIB != 0);

	if (mib % 1024 == 0)
		(void)snprintf(out, 32, "%lldg", (long long)(mib / 1024));
	else
		(void)snprintf(out, 32, "%lldm", (long long)mib);
}

/* Words of a number allow up to it: head and base may differ. */
static void judge_amount(const struct judge *judge, const struct total *total, int64_t most,
    const char *kind, const char *word, const char *what)
{
	struct trespass_item item;

	if (total->sum <= most)
		return;
	assert(total->largest); /* a stack without services asks for nothing */
	item = (struct trespass_item){xstrdup(total->largest->name), xstrdup(what), xstrdup(word)};
	if (total->sum <= allowed_up_to(judge->rules, kind))
		append(&judge->out->allowed, &judge->out->allowed_count, item);
	else
		append(&judge->out->refused, &judge->out->refused_count, item);
}

static void judge_amounts(const struct judge *judge)
{
	const struct trespass_rules *rules = judge->rules;
	struct total tasks = add_up(judge->model, tasks_of);
	struct total memory = add_up(judge->model, memory_of);
	auto_str char *tasks_word = xasprintf("replicas:%lld", (long long)tasks.sum);
	auto_str char *tasks_what =
	    xasprintf("makes the stack %lld replicas; MAX_REPLICAS of this host is %lld",
		(long long)tasks.sum, (long long)rules->max_replicas);
	char size[32];
	char most[32];

	format_size(memory.sum, size);
	format_size(rules->max_memory, most);
	/* As much as no number says is asked for by mistake: no word. */
	auto_str char *memory_word =
	    memory.sum > INT64_MAX - MIB ? xstrdup("") : xasprintf("memory:%s", size);
	auto_str char *memory_what = xasprintf(
	    "makes the stack ask for %s of memory; MAX_MEMORY of this host is %s", size, most);
	judge_amount(judge, &tasks, rules->max_replicas, "replicas:", tasks_word, tasks_what);
	if (rules->max_memory)
		judge_amount(
		    judge, &memory, rules->max_memory, "memory:", memory_word, memory_what);
}

void trespass_judge(
    const struct compose_model *model, const struct trespass_rules *rules, struct trespass *out)
{
	struct judge judge = {model, rules, out};

	*out = (struct trespass){0};
	for (size_t i = 0; i < model->service_count; i++)
		judge_service(&judge, &model->services[i]);
	for (size_t i = 0; i < model->secret_count; i++)
		judge_content(&judge, "secret", &model->secrets[i]);
	for (size_t i = 0; i < model->config_count; i++)
		judge_content(&judge, "config", &model->configs[i]);
	judge_amounts(&judge);
}
