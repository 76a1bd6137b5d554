/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/clock.h"
#include "common/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/*
 * The peer: a child that takes one connection, reads one request whole, answers with the bytes it
 * was told, and ends the connection as it was told. What it was asked comes back by a pipe.
 */
enum peer_end {
	PEER_CLOSES,
	PEER_HOLDS, /* until the other side closes */
	PEER_FLOODS /* 10 MiB more, or until the other side closes */
};

#define REQUEST_MAX_BYTES (4 * 1024 * 1024)
#define WAIT_S 20

struct peer {
	pid_t pid;
	int listener;
	int asked; /* the pipe's reading end */
	int port;
	char *url; /* http://127.0.0.1:PORT */
};

static bool has_whole_request(const struct buf *request)
{
	const char *end = strstr(buf_text(request), "\r\n\r\n");
	const char *length = strstr(buf_text(request), "Content-Length: ");
	size_t body = length ? (size_t)strtoull(length + 16, NULL, 10) : 0;

	return end && request->length >= (size_t)(end - buf_text(request)) + 4 + body;
}

/* False: the other side has closed. */
static bool read_more(int fd, struct buf *out)
{
	char chunk[65536];
	ssize_t length = read(fd, chunk, sizeof(chunk));

	return length > 0 && buf_add(out, chunk, (size_t)length) == 0;
}

static bool write_whole(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t written = send(fd, data, length, MSG_NOSIGNAL);

		if (written <= 0)
			return false;
		data += written;
		length -= (size_t)written;
	}
	return true;
}

static void flood(int fd)
{
	static char zeros[65536];
	size_t sent = 0;

	while (sent < 10 * 1024 * 1024 && write_whole(fd, zeros, sizeof(zeros)))
		sent += sizeof(zeros);
}

static void play(int listener, int asked, const char *reply, size_t length, enum peer_end end)
{
	AUTO(buf) request = buf_make(REQUEST_MAX_BYTES);
	AUTO(buf) rest = buf_make(REQUEST_MAX_BYTES);
	auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	while (!has_whole_request(&request) && read_more(fd, &request))
		continue;
	(void)write_whole(fd, reply, length);
	switch (end) {
	case PEER_CLOSES:
		break;
	case PEER_HOLDS:
		while (read_more(fd, &rest))
			continue;
		break;
	case PEER_FLOODS:
		flood(fd);
		break;
	}
	close_fd(&fd);
	for (size_t at = 0; at < request.length;) {
		ssize_t written = write(asked, request.data + at, request.length - at);

		if (written <= 0)
			break;
		at += (size_t)written;
	}
}

static void peer_fork(struct peer *peer, const char *reply, size_t length, enum peer_end end)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	peer->asked = ends[0];
	ck_assert_int_eq(listen(peer->listener, 4), 0);
	peer->pid = fork();
	ck_assert_int_ge(peer->pid, 0);
	if (peer->pid == 0) {
		(void)alarm(WAIT_S);
		close_fd(&ends[0]);
		play(peer->listener, ends[1], reply, length, end);
		_exit(0);
	}
	close_fd(&ends[1]);
	close_fd(&peer->listener);
}

static int bind_tcp(int *out_port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*out_port = ntohs(address.sin_port);
	return fd;
}

static struct peer peer_start_bytes(const char *reply, size_t length, enum peer_end end)
{
	struct peer peer = {0};

	peer.listener = bind_tcp(&peer.port);
	peer.url = xasprintf("http://127.0.0.1:%d", peer.port);
	peer_fork(&peer, reply, length, end);
	return peer;
}

static struct peer peer_start(const char *reply, enum peer_end end)
{
	return peer_start_bytes(reply, strlen(reply), end);
}

/* What it was asked; the caller frees it. The peer is gone. */
static char *peer_finish(struct peer *peer)
{
	AUTO(buf) asked = buf_make(REQUEST_MAX_BYTES);
	int status = 0;

	while (read_more(peer->asked, &asked))
		continue;
	ck_assert_int_eq(waitpid(peer->pid, &status, 0), peer->pid);
	ck_assert_msg(WIFEXITED(status), "the peer ended with status %d", status);
	close_fd(&peer->asked);
	free(peer->url);
	return buf_take(&asked);
}

static void peer_end(struct peer *peer)
{
	free(peer_finish(peer));
}

/* --- one exchange --- */

static const struct exchange_row {
	const char *reply;
	enum peer_end end;
	enum err_code code;
	int status;
	const char *body;
	const char *says; /* in the message of an error */
} exchange_rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", PEER_HOLDS, ERR_NONE, 200, "hello"},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", PEER_CLOSES, ERR_NONE, 200, "until the end"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	PEER_HOLDS, ERR_NONE, 200, "abcde"},
    {"HTTP/1.1 204 No Content\r\n\r\n", PEER_HOLDS, ERR_NONE, 204, ""},
    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
	PEER_HOLDS, ERR_NONE, 302, ""},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", PEER_HOLDS, ERR_NONE, 404, "no"},
    {"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS, ERR_NONE,
	429, ""},
    {"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad", PEER_HOLDS, ERR_NONE, 500, "bad"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", PEER_HOLDS,
	ERR_NONE, 200, "x"},
    /* The awkward ones. */
    {"", PEER_CLOSES, ERR_TRANSIENT, .says = "Empty reply"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", PEER_CLOSES, ERR_TRANSIENT,
	.says = "95 bytes remaining"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort", PEER_CLOSES, ERR_TRANSIENT,
	.says = "GET 127.0.0.1/path"},
    {"HTTP/1.1 200 OK\r\nContent-Ty", PEER_HOLDS, ERR_TIMEOUT, .says = "timed out"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow", PEER_HOLDS, ERR_TIMEOUT,
	.says = "timed out"},
    {"SSH-2.0-OpenSSH_9.2\r\n", PEER_CLOSES, ERR_PROTOCOL, .says = "HTTP/0.9"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", PEER_FLOODS, ERR_LIMIT,
	.says = "GET 127.0.0.1/path"},
    {"HTTP/1.1 200 OK\r\n\r\n", PEER_FLOODS, ERR_LIMIT, .says = "larger than 1000 bytes"},
    {"HTTP/1.1 200 OK\r\nX: ", PEER_FLOODS, ERR_PROTOCOL, .says = "GET 127.0.0.1/path"},
};

START_TEST(exchanges_row)
{
	const struct exchange_row *row = &exchange_rows[_i];
	struct peer peer = peer_start(row->reply, row->end);
	auto_str char *url = xasprintf("%s/path?token=s3cr3t-t0ken", peer.url);
	struct http_request request = {.url = url,
	    .headers = {"Authorization: s3cr3t-t0ken"},
	    .timeout_ms = row->code == ERR_TIMEOUT ? 200 : WAIT_S * 1000,
	    .max_bytes = 1000};
	AUTO(http_response) response = {.status = 4711};
	struct err err = {.code = ERR_NONE};

	int result = http_call(&request, &response, &err);
	peer_end(&peer);
	ck_assert_msg(result == (row->code == ERR_NONE ? 0 : -1), "row %d: %s", _i, err.msg);
	ck_assert_msg(err.code == row->code, "row %d: code %d, \"%s\"", _i, (int)err.code, err.msg);
	ck_assert_int_eq(response.status, row->status ? row->status : 4711);
	if (row->body)
		ck_assert_str_eq(buf_text(&response.body), row->body);
	if (row->says)
		ck_assert_msg(strstr(err.msg, row->says) != NULL, "row %d: \"%s\"", _i, err.msg);
	ck_assert_ptr_null(strstr(err.msg, "s3cr3t"));
}
END_TEST

static void call_good(const struct http_request *request, struct http_response *out)
{
	struct err err;

	ck_assert_msg(http_call(request, out, &err) == 0, "%s", err.msg);
}

START_TEST(headers_are_read)
{
	struct peer peer = peer_start("HTTP/1.1 301 Moved\r\nlocation:  /there \r\n"
				      "CONTENT-TYPE: text/plain; charset=utf-8\r\n"
				      "Retry-After: 120\r\nX-Total-Count: 5000000000\r\n"
				      "Content-Length: 0\r\n\r\n",
	    PEER_HOLDS);
	struct http_request request = {
	    .url = peer.url, .timeout_ms = WAIT_S * 1000, .max_bytes = 10};
	AUTO(http_response) response = {0};

	call_good(&request, &response);
	ck_assert_str_eq(response.location, "/there");
	ck_assert_str_eq(response.content_type, "text/plain; charset=utf-8");
	ck_assert_int_eq(response.retry_after_s, 120);
	ck_assert_int_eq(response.total_count, INT64_C(5000000000));
	ck_assert_int_ge(response.elapsed_ms, 0);
	peer_end(&peer);
}
END_TEST

START_TEST(headers_are_kept_on_request)
{
	struct peer peer =
	    peer_start("HTTP/1.1 200 OK\r\nX-App: one\r\nContent-Length: 2\r\n\r\nhi", PEER_HOLDS);
	AUTO(http_response) response = {0};
	struct http_request request = {
	    .url = peer.url, .timeout_ms = WAIT_S * 1000, .max_bytes = 10, .keep_headers = true};
	struct err err;

	ck_assert_msg(http_call(&request, &response, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&response.headers),
	    "HTTP/1.1 200 OK\r\nX-App: one\r\nContent-Length: 2\r\n\r\n");
	ck_assert_str_eq(buf_text(&response.body), "hi");
	peer_end(&peer);
}
END_TEST

START_TEST(headers_that_make_no_sense_are_absent)
{
	AUTO(buf) reply = buf_make(4000);

	(void)buf_add_text(&reply,
	    "HTTP/1.1 200 OK\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"
	    "X-Total-Count: -5\r\nLocation-X: no\r\nContent-Length: 0\r\n"
	    "Location: ");
	for (int i = 0; i < 600; i++)
		(void)buf_add_char(&reply, 'x');
	(void)buf_add_text(&reply, "\r\n\r\n");
	struct peer peer = peer_start(buf_text(&reply), PEER_HOLDS);
	struct http_request request = {
	    .url = peer.url, .timeout_ms = WAIT_S * 1000, .max_bytes = 10};
	AUTO(http_response) response = {0};

	call_good(&request, &response);
	ck_assert_str_eq(response.location, "");
	ck_assert_str_eq(response.content_type, "");
	ck_assert_int_eq(response.retry_after_s, -1);
	ck_assert_int_eq(response.total_count, -1);
	peer_end(&peer);
}
END_TEST

static const struct method_row {
	const char *method;
	const char *body;
	const char *line;    /* of the request */
	const char *holds;   /* in it */
	const char *without; /* not in it */
} method_rows[] = {
    {NULL, NULL, "GET /x HTTP/1.1\r\n", "User-Agent: ccci/", "Content-"},
    {"GET", NULL, "GET /x HTTP/1.1\r\n", "X-A: 1\r\nX-B: 2\r\n", "Content-"},
    {"HEAD", NULL, "HEAD /x HTTP/1.1\r\n", "X-A: 1\r\n", "Content-"},
    {"DELETE", NULL, "DELETE /x HTTP/1.1\r\n", "X-A: 1\r\n", "Content-Type"},
    {"POST", NULL, "POST /x HTTP/1.1\r\n", "Content-Length: 0\r\n", "Content-Type"},
    {"POST", "{}", "POST /x HTTP/1.1\r\n", "Content-Length: 2\r\n", "urlencoded"},
    {"PUT", "{}", "PUT /x HTTP/1.1\r\n", "\r\n\r\n{}", "Expect"},
    {"PATCH", "{}", "PATCH /x HTTP/1.1\r\n", "\r\n\r\n{}", "Cookie"},
};

static void check_method_row(struct http *http, const struct method_row *row)
{
	struct peer peer = peer_start("HTTP/1.1 204 No Content\r\n\r\n", PEER_CLOSES);
	auto_str char *url = xasprintf("%s/x", peer.url);
	struct http_request request = {.method = row->method,
	    .url = url,
	    .headers = {"X-A: 1", "X-B: 2"},
	    .body = row->body,
	    .body_length = row->body ? strlen(row->body) : 0,
	    .timeout_ms = WAIT_S * 1000,
	    .max_bytes = 10};
	AUTO(http_response) response = {0};
	struct err err;

	ck_assert_msg(http_call_on(http, &request, &response, &err) == 0, "%s", err.msg);
	auto_str char *asked = peer_finish(&peer);
	ck_assert_msg(text_starts(asked, row->line), "%s", asked);
	ck_assert_msg(strstr(asked, row->holds) != NULL, "%s", asked);
	ck_assert_msg(strstr(asked, row->without) == NULL, "%s", asked);
}

START_TEST(sends_method_row)
{
	struct http *http = http_new();

	check_method_row(http, &method_rows[_i]);
	http_free(http);
}
END_TEST

/* Handles are used again: what one request set is no part of the next. */
START_TEST(sends_method_row_after_each_other)
{
	struct http *http = http_new();

	for (size_t i = 0; i < COUNT_OF(method_rows); i++) {
		check_method_row(http, &method_rows[i]);
		check_method_row(http, &method_rows[_i]);
	}
	http_free(http);
}
END_TEST

START_TEST(a_large_body_is_sent_whole)
{
	struct peer peer = peer_start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	size_t length = 2 * 1024 * 1024;
	char *body = xcalloc(length, 1);
	struct http_request request = {.method = "POST",
	    .url = peer.url,
	    .body = body,
	    .body_length = length,
	    .timeout_ms = WAIT_S * 1000,
	    .max_bytes = 10};
	AUTO(http_response) response = {0};

	for (size_t i = 0; i < length; i++)
		body[i] = 'b';
	call_good(&request, &response);
	free(body);
	auto_str char *asked = peer_finish(&peer);
	ck_assert_uint_gt(strlen(asked), length);
	ck_assert_ptr_null(strstr(asked, "Expect:")); /* nobody answers 100 */
}
END_TEST

static const struct wrong_row {
	const char *url;
	const char *method;
	const char *header;
	const char *says;
} wrong_rows[] = {
    {"", .says = "URL is none"},
    {"nonsense", .says = "URL is none"},
    {"/path", .says = "URL is none"},
    {"ftp://127.0.0.1/", .says = "neither http nor https"},
    {"file:///etc/passwd", .says = "neither http nor https"},
    {"http://user:pass@127.0.0.1/", .says = "URL is none"},
    {"http://127.0.0.1:99999/", .says = "URL is none"},
    {"http://127.0.0.1/a b", .says = "URL is none"},
    {"http://127.0.0.1/a\r\nX: y", .says = "URL is none"},
    {"http://127.0.0.1/", "GET / HTTP/1.1\r\nX:", .says = "method is none"},
    {"http://127.0.0.1/", "", .says = "method is none"},
    {"http://127.0.0.1/", NULL, "X: a\r\nY: b", "a header holds a line break"},
};

START_TEST(refuses_to_send_row)
{
	const struct wrong_row *row = &wrong_rows[_i];
	struct http_request request = {.url = row->url,
	    .method = row->method,
	    .headers = {row->header},
	    .timeout_ms = 1000,
	    .max_bytes = 10};
	struct http_response response = {.status = 4711};
	struct err err;

	ck_assert_int_eq(http_call(&request, &response, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->says) != NULL, "row %d: %s", _i, err.msg);
	ck_assert_int_eq(response.status, 4711);
}
END_TEST

START_TEST(refused_and_unresolved_are_transient)
{
	int port = 0;
	int fd = bind_tcp(&port); /* bound, not listening: refused, and nobody else takes it */
	auto_str char *refused = xasprintf("http://127.0.0.1:%d/x?token=s3cr3t", port);
	const char *urls[] = {refused, "http://no-such-host.invalid/"};

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct http_request request = {
		    .url = urls[i], .timeout_ms = WAIT_S * 1000, .max_bytes = 10};
		AUTO(http_response) response = {0};
		struct err err;

		ck_assert_int_eq(http_call(&request, &response, &err), -1);
		ck_assert_msg(err.code == ERR_TRANSIENT, "%s: %s", urls[i], err.msg);
		ck_assert_ptr_null(strstr(err.msg, "s3cr3t"));
	}
	close_fd(&fd);
}
END_TEST

START_TEST(the_environment_gives_no_proxy)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
	struct peer peer = peer_start("HTTP/1.1 204 No Content\r\n\r\n", PEER_HOLDS);
	struct http_request request = {
	    .url = peer.url, .timeout_ms = WAIT_S * 1000, .max_bytes = 10};
	AUTO(http_response) response = {0};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		ck_assert_int_eq(setenv(names[i], "http://127.0.0.1:1", 1), 0);
	call_good(&request, &response);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		ck_assert_int_eq(unsetenv(names[i]), 0);
	peer_end(&peer);
}
END_TEST

START_TEST(connects_where_it_is_told)
{
	struct peer peer = peer_start("HTTP/1.1 204 No Content\r\n\r\n", PEER_HOLDS);
	auto_str char *there = xasprintf("127.0.0.1:%d", peer.port);
	struct http_request request = {.url = "http://app.invalid/x",
	    .connect_to = there,
	    .timeout_ms = WAIT_S * 1000,
	    .max_bytes = 10};
	AUTO(http_response) response = {0};

	call_good(&request, &response);
	auto_str char *asked = peer_finish(&peer);
	ck_assert_msg(strstr(asked, "\r\nHost: app.invalid\r\n") != NULL, "%s", asked);
}
END_TEST

START_TEST(speaks_over_a_unix_socket)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/socket", dir);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct peer peer = {.url = xstrdup("http://docker/v1.41/info")};
	struct http_request request = {
	    .url = peer.url, .unix_socket = path, .timeout_ms = WAIT_S * 1000, .max_bytes = 10};
	AUTO(http_response) response = {0};
	struct err err;

	ck_assert_int_eq(http_call(&request, &response, &err), -1);
	ck_assert_int_eq(err.code, ERR_TRANSIENT);
	ck_assert(copy_text(address.sun_path, sizeof(address.sun_path), path));
	peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(peer.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	peer_fork(&peer, reply, strlen(reply), PEER_HOLDS);
	call_good(&request, &response);
	ck_assert_str_eq(buf_text(&response.body), "ok");
	auto_str char *asked = peer_finish(&peer);
	ck_assert(text_starts(asked, "GET /v1.41/info HTTP/1.1\r\n"));
}
END_TEST

START_TEST(escapes)
{
	auto_str char *escaped = http_escape("a b/c?d&e=f#g%\xc3\xbc~");
	auto_str char *nothing = http_escape("");

	ck_assert_str_eq(escaped, "a%20b%2Fc%3Fd%26e%3Df%23g%25%C3%BC~");
	ck_assert_str_eq(nothing, "");
}
END_TEST

/* --- many at once --- */

struct seen {
	size_t to_send;
	struct http *http;
	int calls;
	int statuses[8];
	enum err_code codes[8];
	int64_t cancels;		  /* an id to cancel from within done() */
	const struct http_request *sends; /* a request to send from within done() */
	struct buf data;		  /* of on_data */
	size_t stop_at;			  /* bytes after which on_data has enough; 0: never */
};

static void record(void *context, struct http_response *response, const struct err *err)
{
	struct seen *seen = context;

	ck_assert_msg((response == NULL) != (err == NULL), "both or neither");
	ck_assert_int_lt(seen->calls, (int)COUNT_OF(seen->statuses));
	seen->statuses[seen->calls] = response ? response->status : 0;
	seen->codes[seen->calls] = err ? err->code : ERR_NONE;
	seen->calls++;
	if (seen->cancels) {
		http_cancel(seen->http, seen->cancels);
		seen->cancels = 0;
	}
	if (seen->sends) {
		const struct http_request *request = seen->sends;

		seen->sends = NULL;
		(void)http_send(seen->http, request, record, seen);
	}
}

static void poll_until(struct seen *seen, int calls)
{
	int64_t deadline_ns = clock_now() + WAIT_S * NS_PER_S;
	struct err err;

	while (seen->calls < calls) {
		ck_assert_msg(clock_now() < deadline_ns, "%d of %d", seen->calls, calls);
		ck_assert_msg(http_poll(seen->http, NULL, 0, 1000, &err) == 0, "%s", err.msg);
	}
	ck_assert_int_eq(seen->calls, calls);
}

static struct http_request get(const char *url)
{
	return (struct http_request){.url = url, .timeout_ms = WAIT_S * 1000, .max_bytes = 1000};
}

START_TEST(a_request_is_copied)
{
	struct peer peer = peer_start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	struct seen seen = {.http = http_new()};
	char *url = xstrdup(peer.url);
	char *body = xstrdup("body");
	char *header = xstrdup("X-A: 1");
	struct http_request request = get(url);

	request.method = "POST";
	request.body = body;
	request.body_length = 4;
	request.headers[0] = header;
	ck_assert_int_gt(http_send(seen.http, &request, record, &seen), 0);
	ck_assert_int_eq(seen.calls, 0);
	ck_assert_uint_eq(http_pending(seen.http), 1);
	memcpy(body, "xxxx", 4);
	memcpy(header, "XXXXXX", 6);
	memcpy(url, "xxxxxxx", 7);
	free(url);
	free(body);
	free(header);
	poll_until(&seen, 1);
	ck_assert_uint_eq(http_pending(seen.http), 0);
	http_free(seen.http);
	auto_str char *asked = peer_finish(&peer);
	ck_assert_ptr_nonnull(strstr(asked, "\r\n\r\nbody"));
	ck_assert_ptr_nonnull(strstr(asked, "X-A: 1\r\n"));
	ck_assert_int_eq(seen.statuses[0], 200);
}
END_TEST

/* One peer is silent; the other answers, and its done() gives up on the silent one and asks a
 * third.
 */
START_TEST(done_may_cancel_and_send)
{
	struct peer silent = peer_start("", PEER_HOLDS);
	struct peer first = peer_start("HTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	struct peer second = peer_start("HTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	struct seen seen = {.http = http_new()};
	struct http_request to_silent = get(silent.url);
	struct http_request to_first = get(first.url);
	struct http_request to_second = get(second.url);

	seen.cancels = http_send(seen.http, &to_silent, record, &seen);
	seen.sends = &to_second;
	(void)http_send(seen.http, &to_first, record, &seen);
	poll_until(&seen, 2);
	ck_assert_int_eq(seen.statuses[0], 201);
	ck_assert_int_eq(seen.statuses[1], 202);
	ck_assert_uint_eq(http_pending(seen.http), 0);
	http_cancel(seen.http, 4711); /* nobody */
	http_free(seen.http);
	peer_end(&silent);
	peer_end(&first);
	peer_end(&second);
	ck_assert_int_eq(seen.calls, 2);
}
END_TEST

/* Answers every GET and keeps the connection; hears a POST, notes it, and hangs up. */
static void play_forgetful(int listener, int asked)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct pollfd fds[8] = {{.fd = listener, .events = POLLIN}};
	nfds_t count = 1;

	while (poll(fds, count, -1) > 0) {
		for (nfds_t i = 1; i < count; i++) {
			AUTO(buf) request = buf_make(REQUEST_MAX_BYTES);

			if (!fds[i].revents)
				continue;
			bool is_alive = read_more(fds[i].fd, &request);
			bool is_post = text_starts(buf_text(&request), "POST");
			if (is_post && write(asked, "P", 1) != 1)
				_exit(1);
			if (is_alive && !is_post) {
				(void)write_whole(fds[i].fd, reply, strlen(reply));
			} else {
				close_fd(&fds[i].fd);
				fds[i].events = 0;
			}
		}
		if (fds[0].revents && count < COUNT_OF(fds))
			fds[count++] = (struct pollfd){
			    .fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), .events = POLLIN};
	}
}

START_TEST(a_post_is_sent_once)
{
	struct seen seen = {.http = http_new()};
	struct pollfd asked;
	int port = 0;
	int ends[2];
	char heard[8];
	auto_fd int listener = bind_tcp(&port);
	auto_str char *url = xasprintf("http://127.0.0.1:%d", port);
	struct http_request read_it = get(url);
	struct http_request write_it = get(url);

	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)alarm(WAIT_S);
		play_forgetful(listener, ends[1]);
		_exit(0);
	}
	(void)http_send(seen.http, &read_it, record, &seen);
	poll_until(&seen, 1);
	ck_assert_int_eq(seen.statuses[0], 200);
	write_it.method = "POST";
	(void)http_send(seen.http, &write_it, record, &seen);
	poll_until(&seen, 2);
	ck_assert_int_eq(seen.codes[1], ERR_TRANSIENT);
	/* Another one would have been sent before the error was given: it is in the pipe. */
	asked = (struct pollfd){.fd = ends[0], .events = POLLIN};
	ck_assert_int_eq(poll(&asked, 1, WAIT_S * 1000), 1);
	ck_assert_int_eq(read(ends[0], heard, sizeof(heard)), 1);
	http_free(seen.http);
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
}
END_TEST

START_TEST(wrong_requests_come_back_by_done)
{
	struct seen seen = {.http = http_new()};
	struct http_request wrong = get("nonsense");

	(void)http_send(seen.http, &wrong, record, &seen);
	int64_t cancelled = http_send(seen.http, &wrong, record, &seen);
	http_cancel(seen.http, cancelled);
	ck_assert_int_eq(seen.calls, 0);
	poll_until(&seen, 1);
	ck_assert_int_eq(seen.codes[0], ERR_CONFIG);
	ck_assert_uint_eq(http_pending(seen.http), 0);
	http_free(seen.http);
}
END_TEST

START_TEST(freeing_calls_nobody)
{
	struct peer silent = peer_start("", PEER_HOLDS);
	struct seen seen = {.http = http_new()};
	struct http_request request = get(silent.url);
	struct http_request wrong = get("nonsense");
	struct err err;

	(void)http_send(seen.http, &request, record, &seen);
	ck_assert_int_eq(http_poll(seen.http, NULL, 0, 0, &err), 0);
	(void)http_send(seen.http, &request, record, &seen);
	(void)http_send(seen.http, &wrong, record, &seen);
	http_free(seen.http);
	http_free(NULL);
	peer_end(&silent);
	ck_assert_int_eq(seen.calls, 0);
}
END_TEST

START_TEST(descriptors_wake_it)
{
	struct http *http = http_new();
	int ends[2];
	struct err err;
	int64_t started_ns = clock_now();

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct pollfd fds[] = {{.fd = -1, .events = POLLIN}, {.fd = ends[0], .events = POLLIN},
	    {.fd = ends[1], .events = POLLOUT}};
	/* Nothing to read yet: only the writing end is ready. */
	fds[0].revents = fds[1].revents = POLLERR;
	ck_assert_int_eq(http_poll(http, fds, 3, WAIT_S * 1000, &err), 0);
	ck_assert_int_eq(fds[0].revents, 0);
	ck_assert_int_eq(fds[1].revents, 0);
	ck_assert_int_eq(fds[2].revents, POLLOUT);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(http_poll(http, fds, 2, WAIT_S * 1000, &err), 0);
	ck_assert_int_eq(fds[1].revents, POLLIN);
	char byte = 0;
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close_fd(&ends[1]);
	ck_assert_int_eq(http_poll(http, fds, 2, WAIT_S * 1000, &err), 0);
	ck_assert_int_eq(fds[1].revents, POLLHUP);
	ck_assert_int_lt(clock_elapsed_ms(started_ns), WAIT_S * 1000 / 2);
	close_fd(&ends[0]);
	http_free(http);
}
END_TEST

START_TEST(sleeps_no_longer_than_told)
{
	struct http *http = http_new();
	int64_t started_ns = clock_now();
	struct err err;

	ck_assert_int_eq(http_poll(http, NULL, 0, 0, &err), 0);
	ck_assert_int_lt(clock_elapsed_ms(started_ns), 1000);
	started_ns = clock_now();
	ck_assert_int_eq(http_poll(http, NULL, 0, 50, &err), 0);
	ck_assert_int_ge(clock_elapsed_ms(started_ns), 49);
	http_free(http);
}
END_TEST

/* --- streams --- */

static bool collect(void *context, const char *data, size_t length)
{
	struct seen *seen = context;

	ck_assert_int_eq(buf_add(&seen->data, data, length), 0);
	return !seen->stop_at || seen->data.length < seen->stop_at;
}

static const struct stream_row {
	const char *reply;
	enum peer_end end;
	size_t stop_at;
	const char *data;
	int status; /* 0: an error */
	enum err_code code;
} stream_rows[] = {
    {"HTTP/1.1 200 OK\r\n\r\nabc", PEER_CLOSES, 0, "abc", 200, ERR_NONE},
    {"HTTP/1.1 200 OK\r\n\r\nabc", PEER_HOLDS, 3, "abc", 200, ERR_NONE},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", PEER_HOLDS, 3, "abc", 200,
	ERR_NONE},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", PEER_CLOSES, 0, "abc", 0,
	ERR_TRANSIENT},
    {"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", PEER_HOLDS, 0, "", 404, ERR_NONE},
};

START_TEST(streams_row)
{
	const struct stream_row *row = &stream_rows[_i];
	struct peer peer = peer_start(row->reply, row->end);
	struct seen seen = {.http = http_new(), .data = buf_make(1000), .stop_at = row->stop_at};
	struct http_request request = {.url = peer.url, .on_data = collect};

	(void)http_send(seen.http, &request, record, &seen);
	poll_until(&seen, 1);
	ck_assert_str_eq(buf_text(&seen.data), row->data);
	ck_assert_int_eq(seen.statuses[0], row->status);
	ck_assert_int_eq(seen.codes[0], row->code);
	http_free(seen.http);
	buf_release(&seen.data);
	peer_end(&peer);
}
END_TEST

/* Of so many bytes, at most 1,000 at once. */
static size_t send_some(void *context, char *data, size_t most)
{
	struct seen *seen = context;
	size_t part = seen->to_send < 1000 ? seen->to_send : 1000;

	ck_assert_uint_ge(most, part);
	memset(data, 'b', part);
	seen->to_send -= part;
	return part;
}

static const struct send_row {
	size_t length, has;
	int status; /* 0: an error */
	enum err_code code;
} send_rows[] = {
    {300000, 300000, 201, ERR_NONE},
    {1, 1, 201, ERR_NONE},
    {300000, 299999, 0, ERR_SYS},
};

START_TEST(sends_in_pieces_row)
{
	const struct send_row *row = &send_rows[_i];
	struct peer peer = peer_start("HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	struct seen seen = {.http = http_new(), .to_send = row->has};
	struct http_request request = {.method = "PUT",
	    .url = peer.url,
	    .on_send = send_some,
	    .body_length = row->length,
	    .timeout_ms = WAIT_S * 1000,
	    .max_bytes = 10};

	(void)http_send(seen.http, &request, record, &seen);
	poll_until(&seen, 1);
	ck_assert_int_eq(seen.statuses[0], row->status);
	ck_assert_int_eq(seen.codes[0], row->code);
	http_free(seen.http);
	if (row->status) {
		auto_str char *asked = peer_finish(&peer);
		auto_str char *says = xasprintf("Content-Length: %zu\r\n", row->length);

		ck_assert(text_starts(asked, "PUT / HTTP/1.1\r\n"));
		ck_assert_ptr_nonnull(strstr(asked, says));
		ck_assert_ptr_null(strstr(asked, "Expect:"));
		ck_assert_uint_eq(strspn(strstr(asked, "\r\n\r\n") + 4, "b"), row->length);
	} else {
		peer_end(&peer);
	}
}
END_TEST

/* What a stream brings may be the reason to end another. */
static bool cancel_other(void *context, const char *data, size_t length)
{
	struct seen *seen = context;

	(void)data;
	(void)length;
	http_cancel(seen->http, seen->cancels);
	http_cancel(seen->http, seen->cancels + 1); /* and itself */
	(void)http_send(seen->http, seen->sends, record, seen);
	return true;
}

START_TEST(on_data_may_cancel_and_send)
{
	struct peer silent = peer_start("", PEER_HOLDS);
	struct peer stream = peer_start("HTTP/1.1 200 OK\r\n\r\nabc", PEER_HOLDS);
	struct peer third = peer_start("HTTP/1.1 203 C\r\nContent-Length: 0\r\n\r\n", PEER_HOLDS);
	struct seen seen = {.http = http_new()};
	struct http_request to_silent = get(silent.url);
	struct http_request to_stream = {.url = stream.url, .on_data = cancel_other};
	struct http_request to_third = get(third.url);
	int64_t deadline_ns = clock_now() + WAIT_S * NS_PER_S;
	struct err err;

	seen.cancels = http_send(seen.http, &to_silent, record, &seen);
	seen.sends = &to_third;
	ck_assert_int_eq(http_send(seen.http, &to_stream, record, &seen), seen.cancels + 1);
	while (http_pending(seen.http) != 1) {
		ck_assert(clock_now() < deadline_ns);
		ck_assert_int_eq(http_poll(seen.http, NULL, 0, 1000, &err), 0);
	}
	seen.cancels = 0;
	seen.sends = NULL;
	poll_until(&seen, 1);
	ck_assert_int_eq(seen.statuses[0], 203);
	http_free(seen.http);
	peer_end(&silent);
	peer_end(&stream);
	peer_end(&third);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("http");
	TCase *tc = tcase_create("http");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, exchanges_row, 0, COUNT_OF(exchange_rows));
	tcase_add_test(tc, headers_are_read);
	tcase_add_test(tc, headers_that_make_no_sense_are_absent);
	tcase_add_test(tc, headers_are_kept_on_request);
	tcase_add_loop_test(tc, sends_method_row, 0, COUNT_OF(method_rows));
	tcase_add_loop_test(tc, sends_method_row_after_each_other, 0, COUNT_OF(method_rows));
	tcase_add_test(tc, a_large_body_is_sent_whole);
	tcase_add_loop_test(tc, refuses_to_send_row, 0, COUNT_OF(wrong_rows));
	tcase_add_test(tc, refused_and_unresolved_are_transient);
	tcase_add_test(tc, the_environment_gives_no_proxy);
	tcase_add_test(tc, connects_where_it_is_told);
	tcase_add_test(tc, speaks_over_a_unix_socket);
	tcase_add_test(tc, escapes);
	tcase_add_test(tc, a_request_is_copied);
	tcase_add_test(tc, done_may_cancel_and_send);
	tcase_add_test(tc, a_post_is_sent_once);
	tcase_add_test(tc, wrong_requests_come_back_by_done);
	tcase_add_test(tc, freeing_calls_nobody);
	tcase_add_test(tc, descriptors_wake_it);
	tcase_add_test(tc, sleeps_no_longer_than_told);
	tcase_add_loop_test(tc, sends_in_pieces_row, 0, COUNT_OF(send_rows));
	tcase_add_loop_test(tc, streams_row, 0, COUNT_OF(stream_rows));
	tcase_add_test(tc, on_data_may_cancel_and_send);
	return suite;
}

TEST_MAIN(make_suite)
