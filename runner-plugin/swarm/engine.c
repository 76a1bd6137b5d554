/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/engine.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/swarm/archive.h"
#include "runner-plugin/swarm/endpoint.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define API_VERSION 41 /* 1.41 */
#define CALL_TIMEOUT_MS 30000
#define SSH_ATTEMPTS 4 /* at a server that lets no more in for the moment */
#define SSH_AGAIN_MS 400
#define SSH_WORDS_MAX_BYTES 4096    /* of its stderr: a banner and a reason */
#define LOG_MAX_BYTES (1024 * 1024) /* forty lines, even of a program that writes no newlines */
#define LINE_MAX_BYTES (64 * 1024)  /* one event or progress line */
#define EXEC_LOOK_EVERY_MS 20
#define REOPEN_AFTER_MS 500 /* an event stream that breaks off, at most so often */

struct engine {
	struct endpoint at;
	const char *base;  /* at.base */
	struct http *http; /* its connections are kept for the next exchange; NULL: none yet */
	int api_minor;	   /* 0: not asked yet */
	char *home;	   /* of the operator, whose keys and known hosts ssh takes */
	struct proc_relay relay; /* to ssh; none until it is needed */
	int ssh_says;		 /* what ssh leaves on stderr; -1: none yet */
	off_t ssh_said;		 /* so much of it is of earlier connections */
	struct nodes named;	 /* of ENGINE_NODES */
	struct engine **others;	 /* those of them that are other nodes', once they are settled */
	size_t other_count;
	bool is_settled;
};

/* --- where the engine is --- */

static int check_tls_files(const struct endpoint *at, struct err *err)
{
	const char *const files[] = {at->ca, at->cert, at->key};

	for (size_t i = 0; at->ca && i < COUNT_OF(files); i++) {
		if (access(files[i], R_OK) < 0)
			return err_set(err, ERR_CONFIG,
			    "the engine at %.60s: cannot read %.120s (DOCKER_CERT_PATH): %s",
			    at->address, files[i], strerror(errno));
	}
	return 0;
}

static struct engine *open_at(
    const struct settings *settings, const char *docker_host, struct err *err)
{
	AUTO(endpoint) at = {0};

	if (endpoint_read(docker_host, settings_docker_certificates(settings), &at, err) < 0 ||
	    check_tls_files(&at, err) < 0)
		return NULL;
	struct engine *engine = xcalloc(1, sizeof(*engine));
	engine->at = at;
	at = (struct endpoint){0};
	engine->base = engine->at.base;
	engine->home = settings->home ? xstrdup(settings->home) : NULL;
	engine->relay.pidfd = -1;
	engine->ssh_says = -1;
	return engine;
}

struct engine *engine_open(const struct settings *settings, struct err *err)
{
	struct engine *engine = open_at(settings, settings->docker_host, err);

	if (!engine)
		return NULL;
	if (nodes_read(settings->engine_nodes, &engine->named, err) < 0)
		goto broken;
	engine->others = xcalloc(engine->named.count + 1, sizeof(struct engine *));
	for (; engine->other_count < engine->named.count; engine->other_count++) {
		const struct node *node = &engine->named.items[engine->other_count];
		struct engine *other = open_at(settings, node->url, err);

		if (!other) {
			err_prefix(err, "ENGINE_NODES, %.60s", node->name);
			goto broken;
		}
		engine->others[engine->other_count] = other;
	}
	return engine;
broken:
	engine_close(engine);
	return NULL;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	for (size_t i = 0; i < engine->other_count; i++)
		engine_close(engine->others[i]);
	free(engine->others);
	nodes_release(&engine->named);
	http_free(engine->http);
	proc_relay_close(&engine->relay);
	endpoint_release(&engine->at);
	free(engine->home);
	close_fd(&engine->ssh_says);
	free(engine);
}

bool engine_is_here(const struct engine *engine)
{
	return engine->at.kind == ENDPOINT_UNIX;
}

/* --- over ssh --- */

static char *named_variable(const char *name, const char *value)
{
	return xasprintf("%s=%s", name, value ? value : "");
}

/* A connection each, as docker's own program has it; libcurl sees a socket. */
static int open_relay(struct engine *engine, struct err *err)
{
	const char *argv[ENDPOINT_SSH_WORDS];
	const char *path_list = getenv("PATH");
	auto_str char *program = NULL;
	auto_str char *home = named_variable("HOME", engine->home);
	auto_str char *path = named_variable("PATH", path_list);
	auto_str char *agent = named_variable("SSH_AUTH_SOCK", getenv("SSH_AUTH_SOCK"));
	const char *const env[] = {home, path, "LC_ALL=C.UTF-8", agent, NULL};

	if (file_find_program("ssh", path_list ? path_list : "/usr/bin:/bin", &program, err) < 0)
		return err_prefix(err, "find ssh (apt-get install openssh-client)");
	engine->ssh_says = memfd_create("ccci-ssh", MFD_CLOEXEC);
	if (engine->ssh_says < 0)
		return err_sys(err, errno, "keep what ssh says");
	endpoint_ssh_arguments(&engine->at, program, argv);
	return proc_relay_open(&engine->relay, argv, env, engine->ssh_says, err);
}

static bool has_ended(const struct proc_relay *relay)
{
	struct pollfd end = {.fd = relay->pidfd, .events = POLLIN};

	return relay->pidfd >= 0 && poll(&end, 1, 0) == 1;
}

/* Before anything is sent. */
static int reach(struct engine *engine, struct err *err)
{
	if (engine->at.kind != ENDPOINT_SSH)
		return 0;
	if (has_ended(&engine->relay)) { /* somebody ended all of our children */
		proc_relay_close(&engine->relay);
		close_fd(&engine->ssh_says);
	}
	if (engine->relay.pidfd < 0 && open_relay(engine, err) < 0)
		return err_prefix(err, "the engine at %.60s", engine->at.address);
	/* The descriptor's position is the relay's too: what comes is appended. */
	engine->ssh_said = lseek(engine->ssh_says, 0, SEEK_END);
	return 0;
}

/* What ssh has said since the last connection was begun; the caller frees it. */
static char *ssh_words(const struct engine *engine)
{
	char *text = xcalloc(SSH_WORDS_MAX_BYTES + 1, 1);

	if (engine->ssh_says >= 0 &&
	    pread(engine->ssh_says, text, SSH_WORDS_MAX_BYTES, engine->ssh_said) < 0)
		*text = '\0';
	return text;
}

static bool was_turned_away(const struct engine *engine)
{
	auto_str char *said = ssh_words(engine);

	return endpoint_was_turned_away(&engine->at, said);
}

/* Why there was no answer, in words that say what to do. */
static int explain(const struct engine *engine, struct err *err)
{
	bool is_ssh = engine->at.kind == ENDPOINT_SSH;

	auto_str char *said = is_ssh ? ssh_words(engine) : xstrdup(err->msg);
	endpoint_explain(&engine->at, said, engine->api_minor != 0, err);
	return -1;
}

/* --- one exchange --- */

struct call {
	const char *method; /* NULL: GET */
	const char *path;   /* below /v1.41 */
	const void *body;
	size_t body_length;
	const char *type; /* of the body: its header, "Content-Type: ..." */
	size_t max_bytes; /* 0: ENGINE_ANSWER_MAX_BYTES */
};

/* Of this very engine: who streams from a container asks engine_with() first. */
static struct http_request request_for(const struct engine *engine, const char *url)
{
	return (struct http_request){
	    .url = url,
	    .unix_socket = engine->relay.name ? engine->relay.name : engine->at.unix_socket,
	    .ca_file = engine->at.ca,
	    .client_cert = engine->at.cert,
	    .client_key = engine->at.key,
	};
}

/* "POST /volumes/x": without version and query, which nobody wants to read. */
static char *call_text(const char *method, const char *path)
{
	return xasprintf("engine: %s %.*s", method ? method : "GET", (int)strcspn(path, "?"), path);
}

static int exchange(struct engine *engine, const char *prefix, const struct call *call,
    struct http_response *out, struct err *err)
{
	auto_str char *url = xasprintf("%s%s%s", engine->base, prefix, call->path);
	auto_str char *text = call_text(call->method, call->path);
	struct http_request request = request_for(engine, url);

	request.method = call->method;
	request.body = call->body;
	request.body_length = call->body_length;
	request.timeout_ms = CALL_TIMEOUT_MS;
	request.max_bytes = call->max_bytes ? call->max_bytes : ENGINE_ANSWER_MAX_BYTES;
	if (call->body)
		request.headers[0] = call->type;
	if (!engine->http)
		engine->http = http_new();
	for (int attempt = 1;; attempt++) {
		if (http_call_on(engine->http, &request, out, err) == 0)
			return 0;
		if (attempt == SSH_ATTEMPTS || !was_turned_away(engine))
			break;
		(void)poll(NULL, 0, attempt * SSH_AGAIN_MS);
		if (reach(engine, err) < 0)
			return -1;
	}
	/* What libcurl says of a socket names a host that does not exist. */
	if (err->code != ERR_LIMIT)
		return explain(engine, err);
	return err_prefix(err, "%s", text);
}

/* What a call was answered with; NULL: it is no JSON. */
static struct json *read_answer(
    const struct call *call, const struct http_response *response, struct err *err)
{
	struct json *answer = json_parse(buf_text(&response->body), response->body.length, err);

	if (!answer) {
		auto_str char *text = call_text(call->method, call->path);
		err_prefix(err, "%s", text);
	}
	return answer;
}

/* "1.41" to 41; 0 when it is no such text. */
static int api_minor(const char *version)
{
	int64_t minor = 0;

	if (!version || !text_starts(version, "1.") || !parse_int64(version + 2, 1, 999, &minor))
		return 0;
	return (int)minor;
}

/*
 * Asks once which versions the engine speaks. Docker 29 dropped 1.41; what we read has kept its
 * form since.
 */
static int settle_version(struct engine *engine, struct err *err)
{
	AUTO(http_response) response = {0};
	struct call call = {.path = "/version"};

	if (reach(engine, err) < 0)
		return -1;
	if (engine->api_minor)
		return 0;
	if (exchange(engine, "", &call, &response, err) < 0)
		return -1;
	AUTO_PTR(json) answer = read_answer(&call, &response, err);
	if (!answer && response.status >= 400)
		endpoint_explain(&engine->at, buf_text(&response.body), false, err);
	if (!answer)
		return -1;
	int newest = api_minor(json_get_text(answer, "ApiVersion"));
	int oldest = api_minor(json_get_text(answer, "MinAPIVersion"));
	if (!newest)
		return err_set(err, ERR_PROTOCOL, "engine: GET /version: no ApiVersion in it");
	engine->api_minor = newest < API_VERSION ? newest : API_VERSION;
	if (engine->api_minor < oldest)
		engine->api_minor = oldest;
	return 0;
}

static bool says_in_use(const char *message)
{
	return strstr(message, "in use") || strstr(message, "active endpoints") ||
	       strstr(message, "is being used") || strstr(message, "already in progress");
}

static enum err_code code_of(int status, const char *message)
{
	if (status == 404)
		return ERR_MISSING;
	if (status == 401)
		return ERR_DENIED;
	if (status == 409 || status >= 500 || says_in_use(message))
		return ERR_TRANSIENT;
	return ERR_PROTOCOL;
}

/* An answer of 400 and more holds {"message": ...}. */
static int refusal(const char *text, const struct http_response *response, struct err *err)
{
	struct err ignored;
	AUTO_PTR(json)
	answer = json_parse(buf_text(&response->body), response->body.length, &ignored);
	const char *message = json_get_text(answer, "message");

	if (!message)
		message = "";
	return err_set(err, code_of(response->status, message), "%s: status %d: %.160s", text,
	    response->status, message);
}

/* Of this very engine. */
static int send_here(
    struct engine *engine, const struct call *call, struct http_response *out, struct err *err)
{
	AUTO(http_response) response = {0};
	char prefix[16];

	if (settle_version(engine, err) < 0)
		return -1;
	(void)format_text(prefix, sizeof(prefix), "/v1.%d", engine->api_minor);
	if (exchange(engine, prefix, call, &response, err) < 0)
		return -1;
	if (response.status >= 400) {
		auto_str char *text = call_text(call->method, call->path);
		return refusal(text, &response, err);
	}
	*out = response;
	response = (struct http_response){0};
	return 0;
}

static struct json *get_here(struct engine *engine, const char *path, struct err *err)
{
	AUTO(http_response) response = {0};
	struct call call = {.path = path};

	return send_here(engine, &call, &response, err) < 0 ? NULL
							    : read_answer(&call, &response, err);
}

/* --- on which node --- */

static char *own_node(struct engine *engine, struct err *err)
{
	AUTO_PTR(json) info = get_here(engine, "/info", err);
	const char *id = json_text(json_path(info, "Swarm.NodeID"));

	if (!info)
		return NULL;
	if (id && *id)
		return xstrdup(id);
	err_set(err, ERR_MISSING, "the engine at %.100s is in no Swarm", engine->at.address);
	return NULL;
}

static int check_other(struct engine *other, const struct node *node, struct err *err)
{
	auto_str char *id = own_node(other, err);

	if (!id)
		return err_prefix(err, "ENGINE_NODES, %.60s", node->name);
	if (!text_is(id, node->id))
		return err_set(err, ERR_CONFIG,
		    "ENGINE_NODES: %.80s is not the engine of node %.60s", node->url, node->name);
	return 0;
}

/* Which node each is; an own one among the named needs no second engine. */
static int settle_nodes(struct engine *engine, struct err *err)
{
	AUTO_PTR(json) answer = NULL;
	auto_str char *own = NULL;

	if (engine->is_settled)
		return 0;
	own = own_node(engine, err);
	answer = own ? get_here(engine, "/nodes", err) : NULL;
	if (!answer || nodes_settle(&engine->named, answer, own, err) < 0)
		return -1;
	size_t kept = 0;
	for (size_t i = 0; i < engine->other_count; i++) {
		const struct node *node = &engine->named.items[i];

		if (check_other(engine->others[i], node, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < engine->other_count; i++) {
		if (engine->named.items[i].is_own)
			engine_close(engine->others[i]);
		else
			engine->others[kept++] = engine->others[i];
	}
	engine->other_count = kept;
	engine->is_settled = true;
	return 0;
}

/* With no other engine there is nothing to find out. */
static int settle_others(struct engine *engine, struct err *err)
{
	return engine->other_count ? settle_nodes(engine, err) : 0;
}

/* The engine itself is the first. */
static struct engine *place(struct engine *engine, size_t i)
{
	return i ? engine->others[i - 1] : engine;
}

/* As nodes_reach() has it. */
static int send_call(
    struct engine *engine, const struct call *call, struct http_response *out, struct err *err)
{
	enum nodes_reach reach = nodes_reach(call->method, call->path);
	bool has_answer = false;
	struct err missing = {0};

	if (reach == NODES_MANAGER)
		return send_here(engine, call, out, err);
	if (settle_others(engine, err) < 0)
		return -1;
	for (size_t i = 0; i <= engine->other_count; i++) {
		AUTO(http_response) response = {0};
		struct err why;

		if (has_answer && reach == NODES_ONE)
			break;
		if (send_here(place(engine, i), call, &response, &why) < 0) {
			if (why.code == ERR_MISSING && reach != NODES_ALL) {
				missing = why;
				continue;
			}
			if (has_answer)
				http_response_release(out);
			*err = why;
			return -1;
		}
		if (has_answer)
			continue;
		*out = response;
		response = (struct http_response){0};
		has_answer = true;
	}
	if (has_answer)
		return 0;
	*err = missing;
	return -1;
}

/* The engine that has a container; of all that can be asked. */
static struct engine *engine_with(struct engine *engine, const char *container, struct err *err)
{
	auto_str char *escaped = http_escape(container);
	auto_str char *path = xasprintf("/containers/%s/json", escaped);

	if (settle_others(engine, err) < 0)
		return NULL;
	for (size_t i = 0; i < engine->other_count; i++) {
		struct err why;
		AUTO_PTR(json) answer = get_here(engine->others[i], path, &why);

		if (answer)
			return engine->others[i];
		if (why.code != ERR_MISSING) {
			*err = why;
			return NULL;
		}
	}
	return engine;
}

/* Adds the items of another engine's list; "/volumes" has its own among other members. */
static void add_items(struct json *list, const struct json *more)
{
	for (const struct json *item = json_first(more); item; item = json_next(item))
		json_add(list, json_copy(item));
}

static struct json *get_everywhere(struct engine *engine, const char *path, struct err *err)
{
	bool is_volumes = text_starts(path, "/volumes");
	AUTO_PTR(json) all = json_new_array();

	if (settle_others(engine, err) < 0)
		return NULL;
	for (size_t i = 0; i <= engine->other_count; i++) {
		AUTO_PTR(json) answer = get_here(place(engine, i), path, err);

		if (!answer)
			return NULL;
		add_items(all, is_volumes ? json_get(answer, "Volumes") : answer);
	}
	if (!is_volumes)
		return take_ptr(all);
	struct json *answer = json_new_object();
	json_set(answer, "Volumes", take_ptr(all));
	return answer;
}

struct json *engine_get(struct engine *engine, const char *path, struct err *err)
{
	AUTO(http_response) response = {0};
	struct call call = {.path = path};

	if (engine->other_count && nodes_reach(NULL, path) == NODES_LISTED)
		return get_everywhere(engine, path, err);
	return send_call(engine, &call, &response, err) < 0 ? NULL
							    : read_answer(&call, &response, err);
}

const struct nodes *engine_nodes(struct engine *engine, struct err *err)
{
	return settle_nodes(engine, err) < 0 ? NULL : &engine->named;
}

int engine_check_nodes(struct engine *engine, const char *stack, struct err *err)
{
	auto_str char *path = engine_stack_path("/tasks", stack);
	AUTO_PTR(json) services = NULL;
	AUTO_PTR(json) tasks = NULL;
	char text[200];

	if (settle_nodes(engine, err) < 0)
		return -1;
	tasks = get_here(engine, path, err);
	services = tasks ? get_here(engine, "/services", err) : NULL;
	if (!services)
		return -1;
	if (nodes_find_stranger(&engine->named, tasks, services, stack, text, sizeof(text)))
		return err_set(err, ERR_CONFIG, "%s", text);
	return 0;
}

/* --- lists --- */

struct kind {
	const char *word;
	const char *list;    /* path of the list */
	const char *object;  /* path of one, with its id */
	const char *options; /* query of its removal */
	const char *id;	     /* member of a list's item */
	const char *name;    /* where the name is in a list's item; NULL: made of other members */
	const char *labels;  /* where the labels are */
};

static const struct kind kinds[ENGINE_KIND_COUNT] = {
    [ENGINE_SERVICE] = {"service", "/services", "/services/", "", "ID", "Spec.Name", "Spec.Labels"},
    [ENGINE_TASK] = {"task", "/tasks", "/tasks/", "", "ID", NULL, "Spec.ContainerSpec.Labels"},
    [ENGINE_CONTAINER] = {"container", "/containers/json?all=1", "/containers/", "?force=1&v=1",
	"Id", NULL, "Labels"},
    [ENGINE_NETWORK] = {"network", "/networks", "/networks/", "", "Id", "Name", "Labels"},
    [ENGINE_SECRET] = {"secret", "/secrets", "/secrets/", "", "ID", "Spec.Name", "Spec.Labels"},
    [ENGINE_CONFIG] = {"config", "/configs", "/configs/", "", "ID", "Spec.Name", "Spec.Labels"},
    [ENGINE_VOLUME] = {"volume", "/volumes", "/volumes/", "", "Name", "Name", "Labels"},
};

const char *engine_kind_word(enum engine_kind kind)
{
	return kinds[kind].word;
}

void engine_list_release(struct engine_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].id);
		free(list->items[i].name);
	}
	free(list->items);
	*list = (struct engine_list){0};
}

static char *name_of(enum engine_kind kind, const struct json *item)
{
	if (kind == ENGINE_CONTAINER) {
		const char *name = json_text(json_first(json_get(item, "Names")));

		return xstrdup(!name ? "" : *name == '/' ? name + 1 : name);
	}
	if (kind == ENGINE_TASK) {
		const char *service = json_get_text(item, "ServiceID");
		int64_t slot = 0;

		(void)json_get_int(item, "Slot", &slot);
		return xasprintf("%s.%lld", service ? service : "", (long long)slot);
	}
	const char *name = json_text(json_path(item, kinds[kind].name));
	return xstrdup(name ? name : "");
}

/* A label's key has dots: the labels object is found by path, the label in it by key. */
static const char *stack_label(enum engine_kind kind, const struct json *item)
{
	return json_get_text(json_path(item, kinds[kind].labels), ENGINE_STACK_LABEL);
}

static bool belongs(const char *stack, const char *label, const char *name)
{
	return !*stack || (label && text_is(label, stack)) || text_descope(stack, name);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	return word && text_index(words, count, word) < count;
}

static bool is_ended_container(enum engine_kind kind, const struct json *item)
{
	static const char *const ended[] = {"exited", "dead"};

	return kind == ENGINE_CONTAINER &&
	       is_one_of(json_get_text(item, "State"), ended, COUNT_OF(ended));
}

/* Only a job's tasks have a JobIteration. */
static bool is_ended_job_task(enum engine_kind kind, const struct json *item)
{
	static const char *const ended[] = {
	    "complete", "shutdown", "failed", "rejected", "remove", "orphaned"};

	return kind == ENGINE_TASK && json_get(item, "JobIteration") &&
	       is_one_of(json_text(json_path(item, "Status.State")), ended, COUNT_OF(ended));
}

int engine_list_read(enum engine_kind kind, const char *stack, const struct json *answer,
    struct engine_list *out, struct err *err)
{
	AUTO(engine_list) list = {0};
	const struct json *items = kind == ENGINE_VOLUME ? json_get(answer, "Volumes") : answer;

	/* No volume at all is null in older engines. */
	if (!json_is_array(items) && !(kind == ENGINE_VOLUME && json_is_null(items)))
		return err_set(
		    err, ERR_PROTOCOL, "engine: the list of %ss is none", kinds[kind].word);
	list.items = xcalloc(json_count(items) + 1, sizeof(*list.items));
	for (const struct json *item = json_first(items); item; item = json_next(item)) {
		const char *id = json_get_text(item, kinds[kind].id);
		auto_str char *name = name_of(kind, item);

		if (!id)
			return err_set(
			    err, ERR_PROTOCOL, "engine: a %s without an id", kinds[kind].word);
		if (!belongs(stack, stack_label(kind, item), name) || is_ended_job_task(kind, item))
			continue;
		list.items[list.count++] = (struct engine_item){
		    .id = xstrdup(id),
		    .name = take_ptr(name),
		    .has_ended = is_ended_container(kind, item),
		};
	}
	*out = list;
	list = (struct engine_list){0};
	return 0;
}

int engine_list(struct engine *engine, enum engine_kind kind, const char *stack,
    struct engine_list *out, struct err *err)
{
	AUTO_PTR(json) answer = engine_get(engine, kinds[kind].list, err);

	if (!answer)
		return -1;
	return engine_list_read(kind, stack, answer, out, err);
}

static void add_filter(struct json *filters, const char *key, const char *value)
{
	struct json *values = json_new_array();

	json_add_text(values, value);
	json_set(filters, key, values);
}

static char *stack_path(const char *collection, const char *stack, const char *health)
{
	AUTO_PTR(json) filters = json_new_object();
	auto_str char *label = xasprintf("%s=%s", ENGINE_STACK_LABEL, stack);

	add_filter(filters, "label", label);
	if (health)
		add_filter(filters, "health", health);
	auto_str char *text = json_print(filters);
	auto_str char *escaped = http_escape(text);
	return xasprintf("%s?filters=%s", collection, escaped);
}

char *engine_stack_path(const char *collection, const char *stack)
{
	return stack_path(collection, stack, NULL);
}

char *engine_unhealthy_path(const char *stack)
{
	return stack_path("/containers/json", stack, "unhealthy");
}

static int still_there(struct engine *engine, const char *path, struct err *err)
{
	struct err why;
	AUTO_PTR(json) answer = engine_get(engine, path, &why);

	if (!answer && why.code == ERR_MISSING)
		return 0;
	if (!answer) {
		*err = why;
		return -1;
	}
	return err_set(err, ERR_TRANSIENT, "engine: a task goes with its service: %s", path);
}

/* A POST whose answer says nothing. */
static int tell(struct engine *engine, const char *path, const char *body, struct err *err)
{
	AUTO(http_response) response = {0};
	struct call call = {.method = "POST",
	    .path = path,
	    .body = body,
	    .body_length = strlen(body),
	    .type = "Content-Type: application/json"};

	return send_call(engine, &call, &response, err);
}

/*
 * A network that Swarm has removed and its node has not: a container went while its task was still
 * being started, and the endpoint of the network's load balancer stayed behind in it (20.10.24).
 * The node lists it for ever, and no DELETE finds it. Without that endpoint, which no container
 * has, it is an unused one of its stack. What cannot be done shows in the next list.
 */
static int remove_forgotten_network(struct engine *engine, const char *path, struct err *err)
{
	struct err why;
	AUTO_PTR(json) network = engine_get(engine, path, &why);
	const char *name = json_get_text(network, "Name");
	const char *stack = stack_label(ENGINE_NETWORK, network);

	if (!network && why.code == ERR_MISSING)
		return 0;
	if (!name || !stack)
		return err_set(err, ERR_TRANSIENT, "engine: only its node knows network %s", path);
	AUTO_PTR(json) disconnect = json_new_object();
	auto_str char *endpoint = xasprintf("%s-endpoint", name);
	json_set_text(disconnect, "Container", endpoint);
	json_set_bool(disconnect, "Force", true);
	auto_str char *body = json_print(disconnect);
	auto_str char *disconnect_path = xasprintf("%s/disconnect", path);
	auto_str char *prune_path = stack_path("/networks/prune", stack, NULL);
	(void)!tell(engine, disconnect_path, body, &why); /* it may have none */
	return tell(engine, prune_path, "", err);
}

int engine_remove(struct engine *engine, enum engine_kind kind, const char *id, struct err *err)
{
	AUTO(http_response) response = {0};
	auto_str char *escaped = http_escape(id);
	auto_str char *path = xasprintf("%s%s", kinds[kind].object, escaped);
	auto_str char *removal = xasprintf("%s%s", path, kinds[kind].options);
	struct call call = {.method = "DELETE", .path = removal};
	struct err why;

	if (kind == ENGINE_TASK)
		return still_there(engine, path, err);
	if (send_call(engine, &call, &response, &why) == 0 || why.code == ERR_MISSING)
		return 0;
	if (kind == ENGINE_NETWORK && strstr(why.msg, "status 500: network ") &&
	    text_ends(why.msg, " not found"))
		return remove_forgotten_network(engine, path, err);
	*err = why;
	return -1;
}

int engine_remove_image(struct engine *engine, const char *name, struct err *err)
{
	AUTO(http_response) response = {0};
	auto_str char *escaped = http_escape(name);
	auto_str char *path = xasprintf("/images/%s", escaped);
	struct call call = {.method = "DELETE", .path = path};
	struct err why;

	if (send_call(engine, &call, &response, &why) == 0 || why.code == ERR_MISSING)
		return 0;
	*err = why;
	return -1;
}

int engine_force_update(struct engine *engine, const char *service, struct err *err)
{
	auto_str char *escaped = http_escape(service);
	auto_str char *path = xasprintf("/services/%s", escaped);
	AUTO_PTR(json) answer = engine_get(engine, path, err);
	int64_t version = 0;
	int64_t forced = 0;

	if (!answer)
		return -1;
	if (!json_int(json_path(answer, "Version.Index"), &version))
		return err_set(err, ERR_PROTOCOL, "engine: %s has no version", path);
	AUTO_PTR(json) spec = json_copy(json_get(answer, "Spec"));
	struct json *template = json_copy(json_get(spec, "TaskTemplate"));
	(void)json_get_int(template, "ForceUpdate", &forced);
	json_set_int(template, "ForceUpdate", forced + 1);
	json_set(spec, "TaskTemplate", template);
	auto_str char *body = json_print(spec);
	auto_str char *update = xasprintf("%s/update?version=%lld", path, (long long)version);
	return tell(engine, update, body, err);
}

/* --- files in containers --- */

int engine_write_file(struct engine *engine, const char *container, const char *directory,
    const char *name, const struct engine_facts *facts, const struct buf *content, struct err *err)
{
	char archive[ARCHIVE_BLOCK + ENGINE_FILE_MAX_BYTES + 3 * ARCHIVE_BLOCK] = {0};
	struct archive_entry entry = {.kind = '0', .size = content->length, .mode = 0644};
	AUTO(http_response) response = {0};
	auto_str char *escaped = http_escape(directory);
	auto_str char *path = xasprintf("/containers/%s/archive?path=%s", container, escaped);

	if (content->length > ENGINE_FILE_MAX_BYTES || !copy_text(entry.name, 100, name))
		return err_set(err, ERR_LIMIT, "write \"%.100s\": too large for a marker", name);
	if (facts) {
		entry.mode = facts->mode;
		entry.uid = facts->uid;
		entry.gid = facts->gid;
	}
	archive_header(archive, &entry, clock_wall_s());
	if (content->length)
		memcpy(archive + ARCHIVE_BLOCK, content->data, content->length);
	struct call call = {
	    .method = "PUT",
	    .path = path,
	    .body = archive,
	    .body_length = (size_t)archive_padded(content->length) + 3 * (size_t)ARCHIVE_BLOCK,
	    .type = "Content-Type: application/x-tar",
	};
	return send_call(engine, &call, &response, err);
}

/* The first regular file of an archive; headers with extended attributes stand before it. */
static int first_file(
    const struct buf *archive, struct buf *out, struct archive_entry *facts, struct err *err)
{
	size_t at = 0;

	while (at + ARCHIVE_BLOCK <= archive->length) {
		const char *header = archive->data + at;
		struct archive_entry entry;

		if (!*header)
			break;
		if (archive_read_header(header, &entry, err) < 0)
			return -1;
		if (entry.size > archive->length - at - ARCHIVE_BLOCK)
			return err_set(err, ERR_PROTOCOL, "a damaged archive");
		if (entry.kind == '0') {
			if (buf_add(out, header + ARCHIVE_BLOCK, entry.size) < 0)
				return err_set(
				    err, ERR_LIMIT, "larger than %zu bytes", out->max_bytes);
			*facts = entry;
			return 0;
		}
		at += ARCHIVE_BLOCK + archive_padded(entry.size);
	}
	return err_set(err, ERR_MISSING, "no regular file");
}

int engine_read_file(struct engine *engine, const char *container, const char *path,
    size_t max_bytes, struct engine_facts *facts, struct buf *out, struct err *err)
{
	AUTO(http_response) response = {0};
	AUTO(buf) content = buf_make(max_bytes);
	struct archive_entry entry = {0};
	auto_str char *escaped = http_escape(path);
	auto_str char *url = xasprintf("/containers/%s/archive?path=%s", container, escaped);
	/* Its own header, those before it and what pads the end. */
	struct call call = {.path = url, .max_bytes = max_bytes + 40 * (size_t)ARCHIVE_BLOCK};

	if (send_call(engine, &call, &response, err) < 0)
		return -1;
	if (first_file(&response.body, &content, &entry, err) < 0)
		return err_prefix(err, "read \"%.100s\" of a container", path);
	if (facts)
		*facts = (struct engine_facts){entry.mode, entry.uid, entry.gid};
	*out = content;
	content = (struct buf){0};
	return 0;
}

/* --- logs --- */

/*
 * Source: "Stream format" of ContainerAttach in the Engine API: one byte 0, 1 or 2, three zeros,
 * length in 4 bytes, big-endian. A container with a terminal has none of it.
 */
static bool is_frame(const unsigned char *bytes, size_t left)
{
	return left >= 8 && bytes[0] <= 2 && !bytes[1] && !bytes[2] && !bytes[3];
}

void engine_unframe(const char *data, size_t length, struct buf *out)
{
	size_t at = 0;

	while (at < length) {
		const unsigned char *bytes = (const unsigned char *)data + at;
		size_t left = length - at;

		if (!is_frame(bytes, left)) {
			(void)buf_add(out, data + at, left);
			return;
		}
		size_t size = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 |
			      (size_t)bytes[6] << 8 | (size_t)bytes[7];
		if (size > left - 8)
			size = left - 8;
		(void)buf_add(out, data + at + 8, size);
		at += 8 + size;
	}
}

static int read_logs(struct engine *engine, const char *collection, const char *id,
    const char *which, struct buf *out, struct err *err)
{
	AUTO(http_response) response = {0};
	auto_str char *path = xasprintf("/%s/%s/logs?stdout=1&stderr=1&%s", collection, id, which);
	struct call call = {.path = path, .max_bytes = LOG_MAX_BYTES};

	if (send_call(engine, &call, &response, err) < 0)
		return -1;
	engine_unframe(buf_text(&response.body), response.body.length, out);
	return 0;
}

int engine_task_logs(struct engine *engine, const char *task, const char *container, int lines,
    struct buf *out, struct err *err)
{
	auto_str char *which = xasprintf("tail=%d", lines);

	/* The engine's own container is at hand at once; one on another node is asked by task. */
	if (container && *container) {
		struct err why;

		if (read_logs(engine, "containers", container, which, out, &why) == 0)
			return 0;
		if (why.code != ERR_MISSING) {
			*err = why;
			return -1;
		}
	}
	return read_logs(engine, "tasks", task, which, out, err);
}

int engine_service_logs(
    struct engine *engine, const char *service, int64_t since_s, struct buf *out, struct err *err)
{
	auto_str char *which = xasprintf("timestamps=1&since=%lld", (long long)since_s);

	return read_logs(engine, "services", service, which, out, err);
}

/* --- streams: progress of a pull, events --- */

/* Lines of JSON, taken apart as they come in. */
struct lines {
	struct buf rest;
	void (*on_line)(void *context, const struct json *line);
	void *context;
};

static void lines_add(struct lines *lines, const char *data, size_t length)
{
	/* A line beyond the maximum is lost; its tail is then no JSON and is skipped too. */
	if (buf_add(&lines->rest, data, length) < 0)
		buf_clear(&lines->rest);
	for (;;) {
		const char *text = buf_text(&lines->rest);
		const char *end = memchr(text, '\n', lines->rest.length);
		struct err ignored;

		if (!end)
			return;
		AUTO_PTR(json) line = json_parse(text, (size_t)(end - text), &ignored);
		if (line)
			lines->on_line(lines->context, line);
		buf_drop_front(&lines->rest, (size_t)(end - text) + 1);
	}
}

struct transfer {
	struct lines lines;
	struct engine_pull *pull;
	const struct puller *puller;
	int64_t started_ns;
	bool is_over;
	char problem[200];
};

struct puller {
	struct http *http;
	struct transfer *transfers;
	size_t count;
	engine_on_pull on_pull;
	void *context;
};

static void pull_line(void *context, const struct json *line)
{
	struct transfer *transfer = context;
	const char *problem = json_get_text(line, "error");

	if (problem)
		(void)snprintf(transfer->problem, sizeof(transfer->problem), "%s", problem);
}

static bool pull_data(void *context, const char *data, size_t length)
{
	struct transfer *transfer = context;

	lines_add(&transfer->lines, data, length);
	return true;
}

/* Over when it is on every node. */
static void end_pull(struct transfer *transfer)
{
	const struct puller *puller = transfer->puller;

	transfer->is_over = true;
	for (size_t i = 0; i < puller->count; i++) {
		if (puller->transfers[i].pull == transfer->pull && !puller->transfers[i].is_over)
			return;
	}
	transfer->pull->is_over = true;
	transfer->pull->elapsed_ms = clock_elapsed_ms(transfer->started_ns);
	if (transfer->puller->on_pull)
		transfer->puller->on_pull(transfer->puller->context, transfer->pull);
}

static void pull_done(void *context, struct http_response *response, const struct err *err)
{
	struct transfer *transfer = context;
	struct engine_pull *pull = transfer->pull;

	if (err)
		pull->err = *err;
	else if (response->status >= 400)
		(void)refusal("pull", response, &pull->err);
	else if (*transfer->problem)
		(void)err_set(&pull->err, ERR_PROTOCOL, "pull: %s", transfer->problem);
	end_pull(transfer);
}

static void start_pull(struct engine *engine, struct puller *puller, struct transfer *transfer,
    struct engine_pull *pull)
{
	auto_str char *escaped = http_escape(pull->image);
	auto_str char *url = xasprintf(
	    "%s/v1.%d/images/create?fromImage=%s", engine->base, engine->api_minor, escaped);
	struct http_request request = request_for(engine, url);

	auto_str char *auth = xasprintf("X-Registry-Auth: %s", pull->auth ? pull->auth : "");

	request.method = "POST";
	request.on_data = pull_data;
	if (pull->auth)
		request.headers[0] = auth;
	*transfer = (struct transfer){
	    .lines = {.rest = buf_make(LINE_MAX_BYTES), .on_line = pull_line, .context = transfer},
	    .pull = pull,
	    .puller = puller,
	    .started_ns = clock_now(),
	};
	(void)http_send(puller->http, &request, pull_done, transfer);
}

/* Until all are over; -1 only for failures of ours. */
static int wait_for_pulls(
    const struct puller *puller, int64_t deadline_ns, int cancel_fd, struct err *err)
{
	struct pollfd cancel = {.fd = cancel_fd, .events = POLLIN};
	int64_t tick_ns = clock_now() + ENGINE_PULL_TICK_MS * NS_PER_MS;

	while (http_pending(puller->http) && clock_ms_until(deadline_ns) && !cancel.revents) {
		int64_t until_ns = tick_ns < deadline_ns ? tick_ns : deadline_ns;

		if (http_poll(puller->http, &cancel, 1, clock_ms_until(until_ns), err) < 0)
			return -1;
		if (clock_now() < tick_ns)
			continue;
		tick_ns += ENGINE_PULL_TICK_MS * NS_PER_MS;
		if (puller->on_pull)
			puller->on_pull(puller->context, NULL);
	}
	for (size_t i = 0; i < puller->count; i++) {
		if (puller->transfers[i].is_over)
			continue;
		(void)err_set(&puller->transfers[i].pull->err, ERR_TIMEOUT, "pull: %s",
		    cancel.revents ? "cancelled" : "not done in time");
		end_pull(&puller->transfers[i]);
	}
	return 0;
}

int engine_pull_all(struct engine *engine, struct engine_pull *pulls, size_t count,
    int64_t deadline_ns, int cancel_fd, engine_on_pull on_pull, void *context, struct err *err)
{
	struct puller puller = {.on_pull = on_pull, .context = context};

	if (settle_others(engine, err) < 0)
		return -1;
	for (size_t i = 0; i <= engine->other_count; i++) {
		if (settle_version(place(engine, i), err) < 0)
			return -1;
	}
	puller.http = http_new();
	puller.count = count * (engine->other_count + 1);
	puller.transfers = xcalloc(puller.count + 1, sizeof(*puller.transfers));
	for (size_t i = 0; i < count; i++) {
		pulls[i].is_over = false;
		pulls[i].err = (struct err){0};
	}
	for (size_t i = 0; i < puller.count; i++)
		start_pull(
		    place(engine, i / count), &puller, &puller.transfers[i], &pulls[i % count]);
	int result = wait_for_pulls(&puller, deadline_ns, cancel_fd, err);
	http_free(puller.http); /* a pull under way ends with its connection */
	for (size_t i = 0; i < puller.count; i++)
		buf_release(&puller.transfers[i].lines.rest);
	free(puller.transfers);
	return result;
}

/* --- programs in containers --- */

void engine_exec_result_release(struct engine_exec_result *result)
{
	buf_release(&result->output);
	*result = (struct engine_exec_result){0};
}

static struct json *list_of(const char *const *texts)
{
	struct json *list = json_new_array();

	for (; texts && *texts; texts++)
		json_add_text(list, *texts);
	return list;
}

/* The id of the new exec, which the caller frees; NULL: err is filled. */
static char *make_exec(struct engine *engine, const struct engine_exec *spec, struct err *err)
{
	AUTO(http_response) response = {0};
	AUTO_PTR(json) wish = json_new_object();
	auto_str char *escaped = http_escape(spec->container);
	auto_str char *path = xasprintf("/containers/%s/exec", escaped);

	json_set(wish, "Cmd", list_of(spec->argv));
	json_set(wish, "Env", list_of(spec->env));
	json_set_bool(wish, "AttachStdout", true);
	json_set_bool(wish, "AttachStderr", true);
	if (spec->user)
		json_set_text(wish, "User", spec->user);
	auto_str char *body = json_print(wish);
	struct call call = {
	    .method = "POST",
	    .path = path,
	    .body = body,
	    .body_length = strlen(body),
	    .type = "Content-Type: application/json",
	};
	if (send_call(engine, &call, &response, err) < 0)
		return NULL;
	AUTO_PTR(json) answer = read_answer(&call, &response, err);
	const char *id = json_get_text(answer, "Id");
	if (answer && !id)
		err_set(err, ERR_PROTOCOL, "engine: POST %s: no Id in it", path);
	return id ? xstrdup(id) : NULL;
}

struct exec_stream {
	struct buf raw; /* framed; full: the rest is dropped */
	struct err err; /* ERR_NONE: the stream came to its end */
};

static bool exec_data(void *context, const char *data, size_t length)
{
	struct exec_stream *stream = context;
	size_t room = stream->raw.max_bytes - stream->raw.length;

	(void)buf_add(&stream->raw, data, length < room ? length : room);
	return true;
}

static void exec_done(void *context, struct http_response *response, const struct err *err)
{
	struct exec_stream *stream = context;

	if (err)
		stream->err = *err;
	else if (response->status >= 400)
		(void)refusal("engine: exec", response, &stream->err);
}

/* Until the one transfer is over, or need not be waited for any longer. */
static int wait_for_stream(
    struct http *http, const char *what, int64_t deadline_ns, int cancel_fd, struct err *err)
{
	struct pollfd cancel = {.fd = cancel_fd, .events = POLLIN};

	while (http_pending(http) && clock_ms_until(deadline_ns) && !cancel.revents) {
		if (http_poll(http, &cancel, 1, clock_ms_until(deadline_ns), err) < 0)
			return -1;
	}
	if (!http_pending(http))
		return 0;
	return err_set(err, ERR_TIMEOUT, "%.60s in a container: %s", what,
	    cancel.revents ? "cancelled" : "not over in time");
}

/* Its output, until the program has closed it. */
static int stream_exec(struct engine *engine, const struct engine_exec *spec, const char *id,
    struct exec_stream *stream, struct err *err)
{
	static const char body[] = "{\"Detach\":false,\"Tty\":false}";
	auto_str char *url =
	    xasprintf("%s/v1.%d/exec/%s/start", engine->base, engine->api_minor, id);
	struct http_request request = request_for(engine, url);
	struct http *http = http_new();

	request.method = "POST";
	request.body = body;
	request.body_length = strlen(body);
	request.headers[0] = "Content-Type: application/json";
	request.on_data = exec_data;
	(void)http_send(http, &request, exec_done, stream);
	int result = wait_for_stream(http, spec->argv[0], spec->deadline_ns, spec->cancel_fd, err);
	http_free(http);
	if (result < 0 || stream->err.code == ERR_NONE)
		return result;
	*err = stream->err;
	return -1;
}

/* The engine learns of the end of a program a moment after that of its output. */
static int ask_exit_code(struct engine *engine, const struct engine_exec *spec, const char *id,
    int *out_code, struct err *err)
{
	auto_str char *path = xasprintf("/exec/%s/json", id);
	int64_t code = 0;

	for (;;) {
		AUTO_PTR(json) answer = engine_get(engine, path, err);
		bool runs = false;

		if (!answer)
			return -1;
		(void)json_get_bool(answer, "Running", &runs);
		if (!runs && !json_get_int(answer, "ExitCode", &code))
			return err_set(err, ERR_PROTOCOL, "engine: %s has no exit code", path);
		*out_code = (int)code;
		if (!runs)
			return 0;
		if (!clock_ms_until(spec->deadline_ns))
			return err_set(err, ERR_TIMEOUT,
			    "%.60s in a container: its output is over, it is not", spec->argv[0]);
		(void)poll(NULL, 0, EXEC_LOOK_EVERY_MS);
	}
}

int engine_exec(struct engine *engine, const struct engine_exec *spec,
    struct engine_exec_result *out, struct err *err)
{
	AUTO(engine_exec_result) result = {.output = buf_make(spec->max_bytes)};
	struct exec_stream stream = {.raw = buf_make(spec->max_bytes)};
	auto_str char *id = NULL;

	engine = engine_with(engine, spec->container, err);
	id = engine ? make_exec(engine, spec, err) : NULL;
	if (!id)
		return -1;
	int streamed = stream_exec(engine, spec, id, &stream, err);
	engine_unframe(buf_text(&stream.raw), stream.raw.length, &result.output);
	buf_release(&stream.raw);
	if (streamed < 0 || ask_exit_code(engine, spec, id, &result.exit_code, err) < 0)
		return -1;
	*out = result;
	result = (struct engine_exec_result){0};
	return 0;
}

/* --- trees of containers --- */

#define ROOM_EVERY_BYTES (16 * 1024 * 1024) /* written between two looks at the disk */

struct tree_stream {
	const struct engine_tree *tree;
	struct archive_scan *scan; /* NULL: it goes in */
	uint64_t left;		   /* to send; or to write before the next look at the disk */
	struct err err;		   /* ERR_NONE: good so far */
};

static bool has_room(const struct engine_tree *tree)
{
	struct statvfs disk;

	return fstatvfs(tree->fd, &disk) < 0 ||
	       (uint64_t)disk.f_bavail * disk.f_frsize > tree->keep_free_bytes + ROOM_EVERY_BYTES;
}

static bool tree_data(void *context, const char *data, size_t length)
{
	struct tree_stream *stream = context;
	const struct engine_tree *tree = stream->tree;

	if (stream->left < length) {
		if (!has_room(tree)) {
			(void)err_set(
			    &stream->err, ERR_LIMIT, "the host's disk has no room for it");
			return false;
		}
		stream->left = ROOM_EVERY_BYTES;
	}
	stream->left -= length < stream->left ? length : stream->left;
	if (file_write_all(tree->fd, data, length) < 0) {
		(void)err_sys(&stream->err, errno, "write its archive");
		return false;
	}
	return archive_scan_add(stream->scan, data, length, &stream->err) == 0;
}

static size_t tree_send(void *context, char *data, size_t most)
{
	struct tree_stream *stream = context;
	ssize_t got = read(stream->tree->fd, data, most < stream->left ? most : stream->left);

	if (got <= 0)
		return 0;
	stream->left -= (size_t)got;
	return (size_t)got;
}

static void tree_done(void *context, struct http_response *response, const struct err *err)
{
	struct tree_stream *stream = context;

	if (stream->err.code != ERR_NONE)
		return;
	if (err)
		stream->err = *err;
	else if (response->status >= 400)
		(void)refusal("engine: archive", response, &stream->err);
}

static int move_tree(struct engine *engine, const struct engine_tree *tree, const char *method,
    struct tree_stream *stream, struct err *err)
{
	engine = engine_with(engine, tree->container, err);
	if (!engine || settle_version(engine, err) < 0)
		return -1;
	auto_str char *escaped = http_escape(tree->path);
	auto_str char *url = xasprintf("%s/v1.%d/containers/%s/archive?path=%s", engine->base,
	    engine->api_minor, tree->container, escaped);
	struct http_request request = request_for(engine, url);
	struct http *http = http_new();

	request.method = method;
	request.on_data = tree_data;
	if (!stream->scan) {
		request.on_data = NULL;
		request.on_send = tree_send;
		request.body_length = (size_t)stream->left;
		request.headers[0] = "Content-Type: application/x-tar";
		request.max_bytes = ENGINE_ANSWER_MAX_BYTES;
		request.timeout_ms = clock_ms_until(tree->deadline_ns) + 1;
	}
	(void)http_send(http, &request, tree_done, stream);
	int result = wait_for_stream(http, tree->path, tree->deadline_ns, tree->cancel_fd, err);
	http_free(http);
	if (result < 0 || stream->err.code == ERR_NONE)
		return result;
	*err = stream->err;
	return err_prefix(
	    err, "%s %.100s of a container", stream->scan ? "save" : "put back", tree->path);
}

int engine_save_tree(struct engine *engine, const struct engine_tree *tree,
    struct archive_scan *scan, struct err *err)
{
	struct tree_stream stream = {.tree = tree, .scan = scan};

	if (move_tree(engine, tree, "GET", &stream, err) < 0)
		return -1;
	return archive_scan_end(scan, err) < 0
		   ? err_prefix(err, "save %.100s of a container", tree->path)
		   : 0;
}

int engine_load_tree(struct engine *engine, const struct engine_tree *tree, struct err *err)
{
	struct tree_stream stream = {.tree = tree};
	struct stat file;

	if (fstat(tree->fd, &file) < 0 || lseek(tree->fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "read the archive of %.100s", tree->path);
	stream.left = (uint64_t)file.st_size;
	return move_tree(engine, tree, "PUT", &stream, err);
}

/* --- events --- */

struct engine_watch {
	struct engine *engine; /* borrowed */
	char *stack;
	struct http *http;
	struct lines lines;
	int64_t reopen_at_ns;
	bool is_open;
	bool has_changed;
};

static void watch_line(void *context, const struct json *line)
{
	struct engine_watch *watch = context;
	const struct json *facts = json_path(line, "Actor.Attributes");
	const char *name = json_get_text(facts, "name");

	/* A container has its labels among the attributes, a service only its name. */
	if (belongs(watch->stack, json_get_text(facts, ENGINE_STACK_LABEL), name ? name : ""))
		watch->has_changed = true;
}

static bool watch_data(void *context, const char *data, size_t length)
{
	struct engine_watch *watch = context;

	lines_add(&watch->lines, data, length);
	return true;
}

static void watch_done(void *context, struct http_response *response, const struct err *err)
{
	struct engine_watch *watch = context;

	(void)response;
	(void)err;
	watch->is_open = false;
	watch->has_changed = true;
	watch->reopen_at_ns = clock_now() + REOPEN_AFTER_MS * NS_PER_MS;
	buf_clear(&watch->lines.rest);
}

/* Those of the manager alone: a container of another node shows in the waiter's next look.
 * exec_* is left out: each healthcheck makes three of them. */
static const char watch_filters[] =
    "{\"type\":[\"container\",\"service\"],\"event\":[\"start\",\"die\",\"oom\",\"destroy\","
    "\"health_status\",\"create\",\"update\",\"remove\"]}";

static void watch_start(struct engine_watch *watch)
{
	struct err ignored;

	if (watch->is_open || clock_now() < watch->reopen_at_ns)
		return;
	if (settle_version(watch->engine, &ignored) < 0) {
		watch_done(watch, NULL, &ignored);
		return;
	}
	auto_str char *escaped = http_escape(watch_filters);
	auto_str char *url = xasprintf(
	    "%s/v1.%d/events?filters=%s", watch->engine->base, watch->engine->api_minor, escaped);
	struct http_request request = request_for(watch->engine, url);
	request.on_data = watch_data;
	watch->is_open = true;
	(void)http_send(watch->http, &request, watch_done, watch);
}

struct engine_watch *engine_watch_open(struct engine *engine, const char *stack)
{
	struct engine_watch *watch = xcalloc(1, sizeof(*watch));

	watch->engine = engine;
	watch->stack = xstrdup(stack);
	watch->http = http_new();
	watch->lines = (struct lines){
	    .rest = buf_make(LINE_MAX_BYTES), .on_line = watch_line, .context = watch};
	watch_start(watch);
	return watch;
}

int engine_watch_wait(struct engine_watch *watch, struct pollfd *fds, size_t count, int timeout_ms,
    bool *out_has_changed, struct err *err)
{
	int64_t deadline_ns = clock_now() + timeout_ms * NS_PER_MS;
	bool is_ready = false;

	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	do {
		int left_ms = clock_ms_until(deadline_ns);

		watch_start(watch);
		if (!watch->is_open && left_ms > REOPEN_AFTER_MS)
			left_ms = REOPEN_AFTER_MS;
		if (http_poll(watch->http, fds, count, watch->has_changed ? 0 : left_ms, err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++)
			is_ready = is_ready || fds[i].revents;
	} while (!is_ready && !watch->has_changed && clock_ms_until(deadline_ns));
	*out_has_changed = watch->has_changed;
	watch->has_changed = false;
	return 0;
}

void engine_watch_close(struct engine_watch *watch)
{
	if (!watch)
		return;
	http_free(watch->http);
	buf_release(&watch->lines.rest);
	free(watch->stack);
	free(watch);
}
