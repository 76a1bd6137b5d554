/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/server.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define KEY "the secret of the lab hooks"
#define DEADLINE_MS 10000
#define GOOD                                                                                       \
	"{\"action\":\"created\",\"is_pull\":true,\"repository\":{\"full_name\":\"a/b\"},"         \
	"\"issue\":{\"number\":3},\"comment\":{\"id\":9}}"

/* --- a server, and the loop the bridge turns it in --- */

struct world {
	struct hook_keys keys;
	struct server *server;
	struct http *http;
	const char *fault;
	int looks;
	struct hook_look look;
	/* of the answer to the one request under way */
	bool is_done;
	int status;
	enum err_code code;
	char body[16 * 1024];
};

static void on_look(void *context, const struct hook_look *look)
{
	struct world *world = context;

	world->looks++;
	world->look = *look;
}

static bool on_health(void *context, struct buf *out)
{
	const char *fault = ((struct world *)context)->fault;

	ck_assert_int_eq(buf_printf(out, "%s\n", fault ? fault : "ok"), 0);
	return !fault;
}

static void on_metrics(void *context, struct buf *out)
{
	(void)context;
	ck_assert_int_eq(buf_add_text(out, "ccci_jobs 4\n"), 0);
}

#define LARGE_PAGE_BYTES (SERVER_PAGES_MAX_BYTES - 1024)

/* What was asked for comes back, or a page that no socket swallows whole. */
static void on_page(void *context, const struct server_request *request, struct server_page *out)
{
	auto_str char *large = xcalloc(1, LARGE_PAGE_BYTES);

	(void)context;
	*out = (struct server_page){.status = 200,
	    .type = "text/plain",
	    .cache = "no-cache",
	    .policy = "default-src 'none'",
	    .etag = "\"1\"",
	    .body = buf_make(LARGE_PAGE_BYTES)};
	if (text_is(request->path, "/large")) {
		memset(large, 'x', LARGE_PAGE_BYTES);
		ck_assert_int_eq(buf_add(&out->body, large, LARGE_PAGE_BYTES), 0);
		return;
	}
	ck_assert_int_eq(
	    buf_printf(&out->body, "%s show=%s before=%s none=%s", request->path,
		request->show ? request->show : "-", request->before ? request->before : "-",
		request->if_none_match ? request->if_none_match : "-"),
	    0);
}

static void open_with(struct world *world, const char *listen, const char *keys, bool has_pages)
{
	struct server_settings settings = {.listen = listen,
	    .keys = &world->keys,
	    .context = world,
	    .on_look = on_look,
	    .on_health = on_health,
	    .on_metrics = on_metrics,
	    .on_page = has_pages ? on_page : NULL};
	struct err err = {0};

	*world = (struct world){0};
	ck_assert_int_eq(hook_keys_read(keys, &world->keys, &err), 0);
	world->server = server_new(&settings, &err);
	ck_assert_msg(world->server, "%s", err.msg);
	world->http = http_new();
}

static void open_world(struct world *world, const char *listen, const char *keys)
{
	open_with(world, listen, keys, false);
}

static void close_world(struct world *world)
{
	http_free(world->http);
	server_free(world->server);
	hook_keys_release(&world->keys);
}

static void turn(struct world *world, int most_ms)
{
	struct pollfd fd = {.fd = server_fd(world->server), .events = POLLIN};
	int timeout_ms = server_timeout_ms(world->server);
	struct err err;

	if (timeout_ms < 0 || timeout_ms > most_ms)
		timeout_ms = most_ms;
	ck_assert_int_eq(http_poll(world->http, &fd, 1, timeout_ms, &err), 0);
	server_turn(world->server);
}

static void on_answer(void *context, struct http_response *response, const struct err *err)
{
	struct world *world = context;

	world->is_done = true;
	world->status = response ? response->status : 0;
	world->code = err ? err->code : ERR_NONE;
	(void)copy_text(
	    world->body, sizeof(world->body), response ? buf_text(&response->body) : "");
}

static void ask(struct world *world, const struct http_request *request)
{
	int64_t deadline_ns = clock_now() + DEADLINE_MS * NS_PER_MS;

	world->is_done = false;
	(void)http_send(world->http, request, on_answer, world);
	while (!world->is_done) {
		ck_assert_msg(clock_now() < deadline_ns, "no answer came");
		turn(world, 100);
	}
}

static void get(struct world *world, const char *method, const char *path)
{
	auto_str char *url = xasprintf("http://127.0.0.1:%d%s", server_port(world->server), path);
	struct http_request request = {
	    .method = method, .url = url, .timeout_ms = DEADLINE_MS, .max_bytes = 64 * 1024};

	ask(world, &request);
}

/* signature: NULL = the right one of KEY. */
static void deliver(struct world *world, const void *body, size_t length, const char *signature)
{
	auto_str char *url = xasprintf("http://127.0.0.1:%d/hook", server_port(world->server));
	char right[HOOK_SIGNATURE_SIZE];

	hook_sign(KEY, body, length, right);
	auto_str char *line = xasprintf("X-Gitea-Signature: %s", signature ? signature : right);
	struct http_request request = {.method = "POST",
	    .url = url,
	    .headers = {"Content-Type: application/json",
		"X-Gitea-Event-Type: pull_request_comment", line},
	    .body = body,
	    .body_length = length,
	    .timeout_ms = DEADLINE_MS,
	    .max_bytes = 64 * 1024};

	ask(world, &request);
}

/* --- routes --- */

static const struct route_row {
	const char *method, *path;
	int status;
	const char *body;
} route_rows[] = {
    {"GET", "/healthz", 200, "ok\n"},
    {"HEAD", "/healthz", 200, ""},
    {"GET", "/healthz?x=1", 200, "ok\n"},
    {"POST", "/healthz", 405, "Only GET"},
    {"DELETE", "/metrics", 405, "Only GET"},
    {"GET", "/metrics", 200, "ccci_jobs 4\n"},
    {"GET", "/hook", 405, "Only POST"},
    {"PUT", "/hook", 405, "Only POST"},
    {"POST", "/hook", 401, "no signature"},
    {"GET", "/", 404, "nothing here"},
    {"POST", "/", 404, "nothing here"},
    {"GET", "/hook/", 404, "nothing here"},
    {"GET", "/../etc/passwd", 404, "nothing here"},
    {"GET", "/%2e%2e/healthz", 404, "nothing here"},
    {"TRACE", "/healthz", 405, "Only GET"},
};

START_TEST(answers_row)
{
	const struct route_row *row = &route_rows[_i];
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	get(&world, row->method, row->path);
	ck_assert_int_eq(world.status, row->status);
	ck_assert_msg(strstr(world.body, row->body), "%s", world.body);
	ck_assert_int_eq(world.looks, 0);
	close_world(&world);
}
END_TEST

START_TEST(says_when_ill)
{
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	world.fault = "the store cannot be written";
	get(&world, "GET", "/healthz");
	ck_assert_int_eq(world.status, 503);
	ck_assert_str_eq(world.body, "the store cannot be written\n");
	close_world(&world);
}
END_TEST

START_TEST(listens_on_ipv6)
{
	struct world world;

	open_world(&world, "[::1]:0", KEY);
	auto_str char *url = xasprintf("http://[::1]:%d/healthz", server_port(world.server));
	struct http_request request = {
	    .url = url, .timeout_ms = DEADLINE_MS, .max_bytes = 64 * 1024};
	ask(&world, &request);
	ck_assert_int_eq(world.status, 200);
	close_world(&world);
}
END_TEST

START_TEST(refuses_addresses)
{
	static const char *const bad[] = {"", "8080", ":8080", "localhost:8080", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080", "[::1]",
	    "300.0.0.1:80", "127.0.0.1:80\n", "${IFS}:80", "-x:80"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(server_check_listen(bad[i]), "%s", bad[i]);
	ck_assert_ptr_null(server_check_listen("127.0.0.1:8080"));
	ck_assert_ptr_null(server_check_listen("[::]:0"));
}
END_TEST

START_TEST(says_why_it_cannot_listen)
{
	struct world world;
	struct err err = {0};

	open_world(&world, "127.0.0.1:0", KEY);
	auto_str char *taken = xasprintf("127.0.0.1:%d", server_port(world.server));
	struct server_settings settings = {.listen = taken, .keys = &world.keys};
	ck_assert_ptr_null(server_new(&settings, &err));
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_msg(strstr(err.msg, taken), "%s", err.msg);
	settings.listen = "nowhere";
	ck_assert_ptr_null(server_new(&settings, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG);
	close_world(&world);
}
END_TEST

/* --- deliveries --- */

START_TEST(looks_once_for_each_delivery)
{
	struct world world;

	open_world(&world, "127.0.0.1:0", "some other key of ours," KEY);
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.status, 202);
	ck_assert_int_eq(world.looks, 1);
	ck_assert_str_eq(world.look.repo, "a/b");
	ck_assert_int_eq(world.look.pr, 3);
	ck_assert_int_eq(world.look.comment, 9);
	/* A replay is another look; that it changes nothing is for the store to see. */
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.looks, 2);
	get(&world, "GET", "/metrics");
	ck_assert_ptr_nonnull(
	    strstr(world.body, "ccci_hook_deliveries_total{answer=\"look\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(world.body, "ccci_http_requests_total{path=\"/hook\"} 2\n"));
	close_world(&world);
}
END_TEST

START_TEST(closed_without_a_key)
{
	struct world world;

	open_world(&world, "127.0.0.1:0", "");
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.status, 404);
	get(&world, "GET", "/hook");
	ck_assert_int_eq(world.status, 404);
	ck_assert_int_eq(world.looks, 0);
	close_world(&world);
}
END_TEST

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Each way a body can be wrong: one clear answer, nothing looked at. */
static const struct body_row {
	const char *body;
	size_t length;	       /* 0: of the text; else filled up with blanks */
	const char *signature; /* NULL: the right one */
	int status;
	const char *why;
} body_rows[] = {
    {"", 0, NULL, 400, "not the delivery of a comment"},
    {"{}", 0, NULL, 400, "not the delivery of a comment"},
    {"[1]", 0, NULL, 400, "not the delivery of a comment"},
    {"{\"action\":[]}", 0, NULL, 400, "not the delivery of a comment"},
    {"{\"repository\":{\"full_name\":\"../x\"}}", 0, NULL, 400, "not the delivery"},
    {"{\"repository\":{\"full_name\":\"-x/${IFS}\"}}", 0, NULL, 400, "not the delivery"},
    {"{\"action\":\"created\n\"}", 0, NULL, 400, "not the delivery of a comment"},
    {"{\"action\":\"created\0\"}", 22, NULL, 400, "not the delivery of a comment"},
    {GOOD, 1024 * 1024, NULL, 202, "I will look."},
    {GOOD, 1024 * 1024 + 1, NULL, 413, "larger than 1 MiB"},
    {GOOD, 10 * 1024 * 1024, NULL, 413, "larger than 1 MiB"},
    {GOOD, 0, HEX64, 403, "not one of ours"},
    {GOOD, 0, "", 401, "no signature"},
    {GOOD, 0, "x", 401, "no signature"},
    {GOOD, 0, "sha256=" HEX64, 401, "no signature"},
};

START_TEST(reads_body)
{
	const struct body_row *row = &body_rows[_i];
	size_t known = row->length == 22 ? 22 : strlen(row->body);
	size_t length = row->length ? row->length : known;
	auto_str char *body = xcalloc(length + 1, 1);
	struct world world;

	(void)memset(body, ' ', length);
	memcpy(body, row->body, known);
	open_world(&world, "127.0.0.1:0", KEY);
	deliver(&world, body, length, row->signature);
	/* Whoever goes on sending behind the answer may miss it; it is refused all the same. */
	if (row->status != 413 || world.status)
		ck_assert_int_eq(world.status, row->status);
	if (world.status)
		ck_assert_msg(strstr(world.body, row->why), "%s", world.body);
	ck_assert_int_eq(world.looks, row->status == 202);
	/* And the server is as it was. */
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.status, 202);
	close_world(&world);
}
END_TEST

/* --- bad neighbours: raw connections --- */

/* room: of what is read from it; 0: as ever. */
static int dial_with(const struct world *world, int room)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)server_port(world->server)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert(!room || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static int dial(const struct world *world)
{
	return dial_with(world, 0);
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The server closes it, within the deadline. */
static bool is_closed(struct world *world, int fd)
{
	int64_t deadline_ns = clock_now() + DEADLINE_MS * NS_PER_MS;
	char drain[4096];

	while (clock_now() < deadline_ns) {
		ssize_t got = recv(fd, drain, sizeof(drain), 0);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			return true;
		turn(world, 10);
	}
	return false;
}

#define HALF_HEAD "POST /hook HTTP/1.1\r\nHost: x\r\nX-Slow: "
#define CROWD (SERVER_CONNECTIONS_MAX * 2)

/* Half heads on twice as many connections as there may be: a delivery still gets through. */
START_TEST(crowd_locks_nobody_out)
{
	int crowd[CROWD];
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = dial(&world);
		say(crowd[i], HALF_HEAD);
		turn(&world, 1);
	}
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.status, 202);
	ck_assert(is_closed(&world, crowd[0])); /* pushed out by those after it */
	for (size_t i = 0; i < CROWD; i++)
		(void)close(crowd[i]);
	close_world(&world);
}
END_TEST

/* --- pages --- */

static const struct page_row {
	const char *method, *path;
	int status;
	const char *body;
} page_rows[] = {
    {"GET", "/", 200, "/ show=- before=- none=-"},
    {"GET", "/?show=red&before=4&x=y", 200, "/ show=red before=4 none=-"},
    {"GET", "/a/../b", 200, ""},
    {"HEAD", "/", 200, ""},
    {"POST", "/", 404, "nothing here"},
    {"GET", "/healthz", 200, "ok"},
    {"GET", "/metrics", 200, "path=\"other\"} 1"},
};

START_TEST(answers_page)
{
	const struct page_row *row = &page_rows[_i];
	struct world world;

	open_with(&world, "127.0.0.1:0", KEY, true);
	get(&world, "GET", "/first");
	get(&world, row->method, row->path);
	ck_assert_int_eq(world.status, row->status);
	ck_assert_msg(strstr(world.body, row->body), "%s", world.body);
	close_world(&world);
}
END_TEST

/* Who asks for large pages and reads none of them costs no more memory than is set. */
START_TEST(pages_on_their_way_are_bounded)
{
	int fds[4];
	struct world world;

	open_with(&world, "127.0.0.1:0", KEY, true);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial_with(&world, 4096); /* and the kernel's own room stays small too */
		say(fds[i], "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
		for (int turns = 0; turns < 10; turns++)
			turn(&world, 1);
	}
	get(&world, "GET", "/metrics");
	ck_assert_msg(strstr(world.body, "\nccci_http_pushed_out_total 3\n"), "%s", world.body);
	get(&world, "GET", "/");
	ck_assert_int_eq(world.status, 200);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
	close_world(&world);
}
END_TEST

static int64_t shift_ns;

static int64_t shifted_now(void *context)
{
	struct timespec now;

	(void)context;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec + shift_ns;
}

static int64_t wall_now(void *context)
{
	(void)context;
	return time(NULL);
}

/* A byte now and then keeps MHD's own timeout away, but not the end of the connection's time. */
START_TEST(slow_head_runs_out_of_time)
{
	static const struct clock_source source = {.monotonic_ns = shifted_now, .wall_s = wall_now};
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	clock_set_source(&source);
	int fd = dial(&world);
	say(fd, HALF_HEAD);
	turn(&world, 10);
	shift_ns = (SERVER_CONNECTION_MS - 1000) * NS_PER_MS;
	say(fd, "x");
	turn(&world, 10);
	ck_assert_int_eq(recv(fd, (char[1]){0}, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_le(server_timeout_ms(world.server), 1000);
	shift_ns = SERVER_CONNECTION_MS * NS_PER_MS + NS_PER_S;
	turn(&world, 10);
	ck_assert(is_closed(&world, fd));
	clock_set_source(NULL);
	shift_ns = 0;
	(void)close(fd);
	close_world(&world);
}
END_TEST

#define DELIVERY_HEAD(length)                                                                      \
	"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"                     \
	"X-Gitea-Signature: " HEX64 "\r\n" length "\r\n\r\n"

static void send_all(struct world *world, int fd, const char *data, size_t length)
{
	int64_t deadline_ns = clock_now() + DEADLINE_MS * NS_PER_MS;

	while (length) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		ck_assert_msg(clock_now() < deadline_ns, "the server takes nothing");
		if (sent < 0 && errno != EAGAIN)
			return; /* it has hung up */
		if (sent > 0) {
			data += sent;
			length -= (size_t)sent;
		}
		turn(world, 0);
	}
}

/* Bodies that never end, more than all of them may have together: the quietest are hung up on. */
START_TEST(unfinished_bodies_are_bounded)
{
	enum { SENDERS = 8, PIECE = 900 * 1024 };
	auto_str char *piece = xcalloc(PIECE, 1);
	int senders[SENDERS];
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	(void)memset(piece, ' ', PIECE);
	for (size_t i = 0; i < SENDERS; i++) {
		senders[i] = dial(&world);
		say(senders[i], DELIVERY_HEAD("Content-Length: 1000000"));
		send_all(&world, senders[i], piece, PIECE);
	}
	for (int i = 0; i < 100; i++)
		turn(&world, 1);
	ck_assert(is_closed(&world, senders[0]));
	ck_assert(is_closed(&world, senders[2]));
	ck_assert_int_eq(recv(senders[SENDERS - 1], piece, 1, 0), -1);
	deliver(&world, GOOD, sizeof(GOOD) - 1, NULL);
	ck_assert_int_eq(world.status, 202);
	for (size_t i = 0; i < SENDERS; i++)
		(void)close(senders[i]);
	close_world(&world);
}
END_TEST

#define UNSIGNED_HEAD(length)                                                                      \
	"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" length "\r\n\r\n"

/* Reads until so many answers of 401 have come; false: the server has closed before. */
static bool hears_401(struct world *world, int fd, size_t count)
{
	int64_t deadline_ns = clock_now() + DEADLINE_MS * NS_PER_MS;
	AUTO(buf) heard = buf_make(64 * 1024);
	char part[4096];

	while (clock_now() < deadline_ns) {
		ssize_t got = recv(fd, part, sizeof(part), 0);
		size_t found = 0;

		if (got > 0)
			ck_assert_int_eq(buf_add(&heard, part, (size_t)got), 0);
		for (const char *at = buf_text(&heard); (at = strstr(at, "HTTP/1.1 401 ")) != NULL;
		     at++)
			found++;
		if (found == count)
			return true;
		if (got == 0)
			return false;
		turn(world, 10);
	}
	return false;
}

/* Its head has refused it: a short body is read past, so the next delivery behind it is answered;
 * one that is long, or of no known length, is not waited for. */
START_TEST(unsigned_bodies_are_read_past)
{
	static const char *const closing[] = {
	    UNSIGNED_HEAD("Content-Length: 65537"), UNSIGNED_HEAD("Transfer-Encoding: chunked")};
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	int fd = dial(&world);
	say(fd, UNSIGNED_HEAD("Content-Length: 5") "12345" UNSIGNED_HEAD("Content-Length: 2") "{}");
	ck_assert(hears_401(&world, fd, 2));
	(void)close(fd);
	for (size_t i = 0; i < COUNT_OF(closing); i++) {
		fd = dial(&world);
		say(fd, closing[i]);
		ck_assert(hears_401(&world, fd, 1));
		ck_assert(is_closed(&world, fd));
		(void)close(fd);
	}
	get(&world, "GET", "/metrics");
	ck_assert_ptr_nonnull(
	    strstr(world.body, "ccci_hook_deliveries_total{answer=\"unsigned\"} 4\n"));
	ck_assert_int_eq(world.looks, 0);
	close_world(&world);
}
END_TEST

/* Without a length nobody knows before; reading stops where it becomes too large. */
START_TEST(endless_chunks_are_refused_while_reading)
{
	auto_str char *chunk = xcalloc(65536 + 16, 1);
	struct world world;

	open_world(&world, "127.0.0.1:0", KEY);
	int fd = dial(&world);
	say(fd, DELIVERY_HEAD("Transfer-Encoding: chunked"));
	int head = snprintf(chunk, 16, "10000\r\n");
	(void)memset(chunk + head, ' ', 65536);
	memcpy(chunk + head + 65536, "\r\n", 2);
	for (int i = 0; i < 160; i++)
		send_all(&world, fd, chunk, (size_t)head + 65536 + 2);
	ck_assert(is_closed(&world, fd));
	(void)close(fd);
	get(&world, "GET", "/metrics");
	ck_assert_ptr_nonnull(
	    strstr(world.body, "ccci_hook_deliveries_total{answer=\"too_large\"} 1\n"));
	ck_assert_int_eq(world.looks, 0);
	close_world(&world);
}
END_TEST

/* A head that is no HTTP, or too long: answered or closed, and the next one is served. */
START_TEST(bad_heads)
{
	auto_str char *long_head = xcalloc(SERVER_HEAD_MAX_BYTES * 2 + 64, 1);
	const char *const heads[] = {"\r\n\r\n\r\n", "nonsense\r\n\r\n", "GET\r\n\r\n",
	    "POST /hook HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02", long_head,
	    "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	    "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n"};
	struct world world;

	(void)snprintf(long_head, 64, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
	(void)memset(long_head + strlen(long_head), 'a', SERVER_HEAD_MAX_BYTES * 2);
	open_world(&world, "127.0.0.1:0", KEY);
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		int fd = dial(&world);

		send_all(&world, fd, heads[i], strlen(heads[i]));
		turn(&world, 10);
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
		ck_assert_msg(is_closed(&world, fd), "head %zu", i);
		(void)close(fd);
		get(&world, "GET", "/healthz");
		ck_assert_int_eq(world.status, 200);
	}
	ck_assert_int_eq(world.looks, 0);
	close_world(&world);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("server");
	TCase *tests = tcase_create("server");

	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, answers_row, 0, COUNT_OF(route_rows));
	tcase_add_test(tests, says_when_ill);
	tcase_add_test(tests, listens_on_ipv6);
	tcase_add_test(tests, refuses_addresses);
	tcase_add_test(tests, says_why_it_cannot_listen);
	tcase_add_test(tests, looks_once_for_each_delivery);
	tcase_add_test(tests, closed_without_a_key);
	tcase_add_loop_test(tests, reads_body, 0, COUNT_OF(body_rows));
	tcase_add_test(tests, crowd_locks_nobody_out);
	tcase_add_loop_test(tests, answers_page, 0, COUNT_OF(page_rows));
	tcase_add_test(tests, pages_on_their_way_are_bounded);
	tcase_add_test(tests, slow_head_runs_out_of_time);
	tcase_add_test(tests, unfinished_bodies_are_bounded);
	tcase_add_test(tests, endless_chunks_are_refused_while_reading);
	tcase_add_test(tests, unsigned_bodies_are_read_past);
	tcase_add_test(tests, bad_heads);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
