/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/server.h"

#include "common/clock.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BACKLOG 128
#define CONNECTIONS_SPARE 32 /* accepted beyond the maximum until the pushed-out ones are gone */
#define LISTEN_MAX 256
#define UNREAD_MAX_BYTES (64 * 1024) /* of a delivery that its head has refused already */

enum route { ROUTE_HOOK, ROUTE_HEALTH, ROUTE_METRICS, ROUTE_PAGE };
static const char *const paths[] = {
    [ROUTE_HOOK] = "/hook",
    [ROUTE_HEALTH] = "/healthz",
    [ROUTE_METRICS] = "/metrics",
    [ROUTE_PAGE] = "other",
};

/* A connection, and the request it is in. In the list of its server, the longest quiet one first.
 */
struct client {
	struct server *server;
	struct client *before, *after;
	int fd;		  /* borrowed from MHD */
	int64_t since_ns; /* start of the connection, or end of its last request */
	bool is_pushed_out;
	bool has_request;
	bool was_answered;	 /* and nothing more was asked */
	enum hook_answer answer; /* of its head; HOOK_LOOK: the body decides */
	struct buf body;
	size_t page_bytes; /* of an answer that is on its way */
};

struct server {
	struct server_settings settings;
	struct MHD_Daemon *daemon;
	struct MHD_Response *responses[HOOK_CLOSED + 1]; /* each is always the same */
	int fd, port;
	bool is_accepting;
	struct client *oldest, *newest;
	size_t client_count;
	size_t body_bytes; /* of all bodies */
	size_t page_bytes; /* of all pages */
	uint64_t answers[HOOK_CLOSED + 1];
	uint64_t requests[ROUTE_PAGE + 1];
	uint64_t pushed_out;
};

/* --- clients --- */

static void unlink_client(struct client *client)
{
	struct server *server = client->server;

	if (client->before)
		client->before->after = client->after;
	else
		server->oldest = client->after;
	if (client->after)
		client->after->before = client->before;
	else
		server->newest = client->before;
	client->before = client->after = NULL;
	server->client_count--;
}

static void append_client(struct client *client)
{
	struct server *server = client->server;

	client->since_ns = clock_now();
	client->before = server->newest;
	if (server->newest)
		server->newest->after = client;
	else
		server->oldest = client;
	server->newest = client;
	server->client_count++;
}

static void drop_body(struct client *client)
{
	client->server->body_bytes -= client->body.length;
	client->server->page_bytes -= client->page_bytes;
	client->page_bytes = 0;
	buf_release(&client->body);
	client->has_request = false;
}

/* MHD sees the end of the stream and closes; nothing of the client is served any more. */
static void push_out(struct client *client)
{
	unlink_client(client);
	drop_body(client);
	client->is_pushed_out = true;
	client->server->pushed_out++;
	(void)shutdown(client->fd, SHUT_RDWR);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **out_client,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	struct client *client = *out_client;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		client = xcalloc(1, sizeof(*client));
		client->server = server;
		client->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				 ->connect_fd;
		if (server->client_count >= SERVER_CONNECTIONS_MAX)
			push_out(server->oldest);
		append_client(client);
		*out_client = client;
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		if (!client)
			break;
		if (!client->is_pushed_out) {
			unlink_client(client);
			drop_body(client);
		}
		free(client);
		*out_client = NULL;
		break;
	}
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct client *client = *state;

	(void)context;
	(void)connection;
	(void)code;
	if (!client || client->is_pushed_out)
		return;
	drop_body(client);
	client->was_answered = true;
	unlink_client(client);
	append_client(client);
}

/* --- answers --- */

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return !value || !*value || MHD_add_response_header(response, name, value) == MHD_YES;
}

/* NULL: memory is out. */
static struct MHD_Response *new_response(
    const char *type, const char *allow, char *text, size_t length)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_COPY);

	if (response && add_header(response, "Content-Type", type) &&
	    add_header(response, "Cache-Control", "no-store") &&
	    add_header(response, "X-Content-Type-Options", "nosniff") &&
	    add_header(response, "Allow", allow))
		return response;
	if (response)
		MHD_destroy_response(response);
	return NULL;
}

static enum MHD_Result answer(struct MHD_Connection *connection, int status, const char *type,
    const char *allow, const struct buf *text)
{
	struct MHD_Response *response = new_response(type, allow, text->data, text->length);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

#define PLAIN "text/plain; charset=utf-8"

static enum MHD_Result answer_line(
    struct MHD_Connection *connection, int status, const char *allow, const char *line)
{
	AUTO(buf) text = buf_make(512);

	if (buf_printf(&text, "%.500s\n", line) < 0)
		return MHD_NO;
	return answer(connection, status, PLAIN, allow, &text);
}

static enum MHD_Result answer_hook(
    struct server *server, struct MHD_Connection *connection, enum hook_answer hook_answer)
{
	server->answers[hook_answer]++;
	return MHD_queue_response(
	    connection, (unsigned)hook_status(hook_answer), server->responses[hook_answer]);
}

static void make_responses(struct server *server)
{
	for (size_t i = 0; i < COUNT_OF(server->responses); i++) {
		auto_str char *line = xasprintf("%s\n", hook_sentence((enum hook_answer)i));

		server->responses[i] = new_response(PLAIN, NULL, line, strlen(line));
		if (!server->responses[i])
			abort();
	}
}

static enum MHD_Result answer_health(struct server *server, struct MHD_Connection *connection)
{
	AUTO(buf) text = buf_make(SERVER_HEALTH_MAX_BYTES);
	bool is_well = server->settings.on_health(server->settings.context, &text);

	return answer(connection, is_well ? 200 : 503, PLAIN, NULL, &text);
}

static void write_metrics(const struct server *server, struct buf *out)
{
	static const char *const words[] = {
	    [HOOK_LOOK] = "look",
	    [HOOK_NOT_OURS] = "not_ours",
	    [HOOK_UNSIGNED] = "unsigned",
	    [HOOK_FORGED] = "forged",
	    [HOOK_NOT_JSON] = "not_json",
	    [HOOK_MALFORMED] = "malformed",
	    [HOOK_TOO_LARGE] = "too_large",
	    [HOOK_CLOSED] = "closed",
	};

	(void)buf_add_text(out, "# HELP ccci_http_requests_total Requests by path.\n"
				"# TYPE ccci_http_requests_total counter\n");
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		(void)buf_printf(out, "ccci_http_requests_total{path=\"%s\"} %llu\n", paths[i],
		    (unsigned long long)server->requests[i]);
	(void)buf_add_text(out, "# HELP ccci_hook_deliveries_total Webhook deliveries by answer.\n"
				"# TYPE ccci_hook_deliveries_total counter\n");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		(void)buf_printf(out, "ccci_hook_deliveries_total{answer=\"%s\"} %llu\n", words[i],
		    (unsigned long long)server->answers[i]);
	(void)buf_printf(out,
	    "# HELP ccci_http_pushed_out_total Connections closed because they took too long or "
	    "there were too many.\n"
	    "# TYPE ccci_http_pushed_out_total counter\n"
	    "ccci_http_pushed_out_total %llu\n"
	    "# HELP ccci_http_connections Connections that are open.\n"
	    "# TYPE ccci_http_connections gauge\n"
	    "ccci_http_connections %zu\n",
	    (unsigned long long)server->pushed_out, server->client_count);
}

static enum MHD_Result answer_metrics(struct server *server, struct MHD_Connection *connection)
{
	AUTO(buf) text = buf_make(SERVER_METRICS_MAX_BYTES);

	write_metrics(server, &text);
	if (server->settings.on_metrics)
		server->settings.on_metrics(server->settings.context, &text);
	return answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, &text);
}

/* --- pages --- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Makes room by pushing out the quietest of the others that a page is on its way to. */
static void make_page_room(struct server *server, struct client *client, size_t length)
{
	struct client *next = NULL;

	for (struct client *other = server->oldest;
	     other && server->page_bytes + length > SERVER_PAGES_MAX_BYTES; other = next) {
		next = other->after;
		if (other != client && other->page_bytes)
			push_out(other);
	}
	server->page_bytes += length;
	client->page_bytes = length;
}

static enum MHD_Result send_page(struct MHD_Connection *connection, struct server_page *page)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    page->body.length, page->body.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (add_header(response, "Content-Type", page->type) &&
	    add_header(response, "Cache-Control", page->cache) &&
	    add_header(response, "Content-Security-Policy", page->policy) &&
	    add_header(response, "ETag", page->etag) &&
	    add_header(response, "X-Content-Type-Options", "nosniff") &&
	    add_header(response, "Referrer-Policy", "no-referrer"))
		result = MHD_queue_response(connection, (unsigned)page->status, response);
	MHD_destroy_response(response);
	return result;
}

static const char *argument(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer_page(struct server *server, struct MHD_Connection *connection,
    struct client *client, const char *path)
{
	struct server_request request = {
	    .path = path,
	    .show = argument(connection, "show"),
	    .before = argument(connection, "before"),
	    .if_none_match = header(connection, "If-None-Match"),
	};
	struct server_page page = {0};

	server->settings.on_page(server->settings.context, &request, &page);
	make_page_room(server, client, page.body.length);
	enum MHD_Result result = send_page(connection, &page);
	buf_release(&page.body);
	return result;
}

/* --- requests --- */

static struct hook_headers read_headers(struct MHD_Connection *connection)
{
	return (struct hook_headers){
	    .content_type = header(connection, "Content-Type"),
	    .event = header(connection, "X-Gitea-Event"),
	    .event_type = header(connection, "X-Gitea-Event-Type"),
	    .signature = header(connection, "X-Gitea-Signature"),
	    .hub_signature = header(connection, "X-Hub-Signature-256"),
	};
}

static enum route route_of(const char *path)
{
	return (enum route)text_index(paths, ROUTE_PAGE, path);
}

/* -1: not told. MHD has refused lengths that are none; what is beyond 64 bits it refuses too. */
static int64_t length_of(struct MHD_Connection *connection)
{
	const char *text = header(connection, "Content-Length");
	int64_t length = -1;

	return text && !parse_int64(text, 0, INT64_MAX, &length) ? INT64_MAX : length;
}

/*
 * The head is whole, the body not read yet: MHD_YES without an answer reads it. To answer at once
 * is to close the connection with what was not read, and who sent it may then not see the answer: a
 * short body is read and dropped.
 */
static enum MHD_Result begin_delivery(
    struct server *server, struct MHD_Connection *connection, struct client *client)
{
	struct hook_headers headers = read_headers(connection);
	int64_t length = length_of(connection);

	client->answer = hook_check_headers(server->settings.keys, &headers);
	if (length > HOOK_BODY_MAX_BYTES)
		client->answer = client->answer == HOOK_LOOK ? HOOK_TOO_LARGE : client->answer;
	if (client->answer != HOOK_LOOK && (length < 0 || length > UNREAD_MAX_BYTES))
		return answer_hook(server, connection, client->answer);
	client->body = buf_make(HOOK_BODY_MAX_BYTES);
	client->has_request = true;
	return MHD_YES;
}

static enum MHD_Result begin_request(struct server *server, struct MHD_Connection *connection,
    struct client *client, const char *path, const char *method)
{
	enum route route = route_of(path);
	bool is_read = text_is(method, "GET") || text_is(method, "HEAD");

	server->requests[route]++;
	switch (route) {
	case ROUTE_HOOK:
		if (!server->settings.keys->count || text_is(method, "POST"))
			return begin_delivery(server, connection, client);
		return answer_line(connection, 405, "POST", "Only POST is answered here.");
	case ROUTE_HEALTH:
		return is_read ? answer_health(server, connection)
			       : answer_line(connection, 405, "GET", "Only GET is answered here.");
	case ROUTE_METRICS:
		return is_read ? answer_metrics(server, connection)
			       : answer_line(connection, 405, "GET", "Only GET is answered here.");
	case ROUTE_PAGE:
		break;
	}
	if (!is_read || !server->settings.on_page)
		return answer_line(connection, 404, NULL, "There is nothing here.");
	return answer_page(server, connection, client, path);
}

/* Makes room by pushing out the quietest of the others that hold a body. */
static void make_room(struct server *server, const struct client *but, size_t length)
{
	struct client *next = NULL;

	for (struct client *client = server->oldest;
	     client && server->body_bytes + length > SERVER_BODIES_MAX_BYTES; client = next) {
		next = client->after;
		if (client != but && client->body.length)
			push_out(client);
	}
}

/* MHD_NO closes the connection: a body that grows too large is not read to its end. */
static enum MHD_Result take_body(
    struct server *server, struct client *client, const char *data, size_t length)
{
	if (client->answer != HOOK_LOOK)
		return MHD_YES;
	make_room(server, client, length);
	if (buf_add(&client->body, data, length) < 0) {
		server->answers[HOOK_TOO_LARGE]++;
		return MHD_NO;
	}
	server->body_bytes += length;
	return MHD_YES;
}

static enum MHD_Result end_delivery(
    struct server *server, struct MHD_Connection *connection, struct client *client)
{
	struct hook_headers headers = read_headers(connection);
	struct hook_look look;
	enum hook_answer hook_answer = client->answer;

	if (hook_answer == HOOK_LOOK)
		hook_answer = hook_read(server->settings.keys, &headers, buf_text(&client->body),
		    client->body.length, &look);
	enum MHD_Result result = answer_hook(server, connection, hook_answer);

	drop_body(client);
	if (hook_answer == HOOK_LOOK)
		server->settings.on_look(server->settings.context, &look);
	return result;
}

/* Called once when the head is there, for each piece of the body, and once more behind it. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
    const char *path, const char *method, const char *version, const char *data, size_t *length,
    void **state)
{
	struct server *server = context;
	struct client *client =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	size_t given = *length;

	(void)version;
	if (!client || client->is_pushed_out)
		return MHD_NO;
	if (!*state) {
		*state = client;
		client->was_answered = false;
		return begin_request(server, connection, client, path, method);
	}
	*length = 0;
	if (!client->has_request)
		return MHD_YES; /* answered by its head */
	return given ? take_body(server, client, data, given)
		     : end_delivery(server, connection, client);
}

/* --- the server --- */

/* "127.0.0.1:8080", "[::1]:8080" to an address. NULL: *out is set; free it with freeaddrinfo(). */
static const char *resolve(const char *text, struct addrinfo **out)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM,
	};
	char copy[LISTEN_MAX];
	char *host = copy;
	char *port = NULL;
	int64_t number = 0;

	if (!copy_text(copy, sizeof(copy), text) || !(port = strrchr(copy, ':')))
		return "must be ADDRESS:PORT, as in 127.0.0.1:8080";
	*port++ = '\0';
	size_t length = strlen(host);
	if (host[0] == '[' && length > 1 && host[length - 1] == ']') {
		host[length - 1] = '\0';
		host++;
	} else if (strchr(host, ':')) {
		return "must have an IPv6 address in brackets, as in [::1]:8080";
	}
	if (!parse_int64(port, 0, UINT16_MAX, &number))
		return "must end in a port from 0 to 65535";
	if (!*host || getaddrinfo(host, port, &hints, out) != 0)
		return "must begin with an address in numbers, as in 127.0.0.1:8080";
	return NULL;
}

const char *server_check_listen(const char *text)
{
	struct addrinfo *address = NULL;
	const char *fault = resolve(text, &address);

	if (!fault)
		freeaddrinfo(address);
	return fault;
}

static int open_listener(const char *text, struct err *err)
{
	struct addrinfo *address = NULL;
	const char *fault = resolve(text, &address);
	const int yes = 1;

	if (fault)
		return err_set(err, ERR_CONFIG, "listen at \"%.100s\": it %s", text, fault);
	auto_fd int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		     bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0;
	int errnum = errno;
	freeaddrinfo(address);
	if (failed)
		return err_sys(err, errnum, "listen at %.100s", text);
	return take_fd(&fd);
}

static int port_of(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof(port),
		NI_NUMERICSERV) != 0)
		return 0;
	int64_t number = 0;
	return parse_int64(port, 0, UINT16_MAX, &number) ? (int)number : 0;
}

struct server *server_new(const struct server_settings *settings, struct err *err)
{
	auto_fd int listener =
	    settings->listener ? settings->listener : open_listener(settings->listen, err);

	if (listener < 0)
		return NULL;
	struct server *server = xcalloc(1, sizeof(*server));
	server->settings = *settings;
	server->is_accepting = true;
	server->port = port_of(listener);
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
	    MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(SERVER_CONNECTIONS_MAX + CONNECTIONS_SPARE),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_HEAD_MAX_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVER_IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
	if (!server->daemon) {
		(void)err_sys(err, errno, "start the HTTP server");
		free(server);
		return NULL;
	}
	(void)take_fd(&listener); /* MHD_stop_daemon() closes it */
	make_responses(server);
	server->fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server_stop_accepting(server);
	MHD_stop_daemon(server->daemon);
	for (size_t i = 0; i < COUNT_OF(server->responses); i++)
		MHD_destroy_response(server->responses[i]);
	free(server);
}

/* Else there would always be somebody more who was accepted and has no answer yet. */
void server_stop_accepting(struct server *server)
{
	if (!server->is_accepting)
		return;
	server->is_accepting = false;
	auto_fd int listener = MHD_quiesce_daemon(server->daemon);
	assert(listener >= 0);
}

bool server_is_busy(const struct server *server)
{
	for (const struct client *client = server->oldest; client; client = client->after) {
		if (!client->was_answered)
			return true;
	}
	return false;
}

int server_fd(const struct server *server)
{
	return server->fd;
}

int server_port(const struct server *server)
{
	return server->port;
}

static int64_t end_of(const struct client *client)
{
	return client->since_ns + SERVER_CONNECTION_MS * NS_PER_MS;
}

int server_timeout_ms(const struct server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout = 0;
	int own = server->oldest ? clock_ms_until(end_of(server->oldest)) : -1;

	if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES)
		return own;
	if (own >= 0 && timeout > (MHD_UNSIGNED_LONG_LONG)own)
		return own;
	return timeout > INT32_MAX ? INT32_MAX : (int)timeout;
}

void server_turn(struct server *server)
{
	while (server->oldest && clock_now() >= end_of(server->oldest))
		push_out(server->oldest);
	(void)MHD_run(server->daemon);
}
