/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server in a child process that plays a script of exchanges and fails on surprise: another
 * request than the next one of the script is printed beside it, and ends the child with 1.
 *
 *   struct scripted_server server = scripted_start(exchanges, COUNT_OF(exchanges));
 *   ... talk to server.url until done ...
 *   scripted_end(&server);               asserts that the whole script was played
 */
#ifndef CCCI_TEST_SCRIPTED_SERVER_H
#define CCCI_TEST_SCRIPTED_SERVER_H

#include <check.h>

#include "common/base.h"
#include "common/clock.h"
#include "common/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SCRIPTED_DEADLINE_MS 10000

struct exchange {
	const char *request; /* "GET /path?query" */
	const char *header;  /* a header line the request must have; NULL: any */
	const char *body;    /* of the request; NULL: none */
	int status;	     /* 0: close without an answer */
	const char *headers; /* further ones of the answer, each with \r\n; NULL: none */
	const char *answer;
	size_t padding; /* blanks behind the answer */
	bool is_cut;	/* says a byte more than it sends */
};

struct scripted_server {
	pid_t pid;
	char url[64];
};

static inline void scripted_surprise(const char *what, const char *wanted, const char *got)
{
	(void)fprintf(
	    stderr, "scripted server: %s\n  wanted: %s\n  got:    %s\n", what, wanted, got);
	_exit(1);
}

static inline size_t scripted_receive(int fd, char *text, size_t size)
{
	size_t used = 0;
	size_t wanted = SIZE_MAX;

	while (used < wanted) {
		ssize_t got = recv(fd, text + used, size - 1 - used, 0);

		if (got <= 0)
			scripted_surprise("the request ends early", "the rest", "");
		used += (size_t)got;
		text[used] = '\0';
		char *end = strstr(text, "\r\n\r\n");
		char *length = strcasestr(text, "\r\nContent-Length: ");

		if (end)
			wanted =
			    (size_t)(end - text) + 4 +
			    (length && length < end ? (size_t)strtoul(length + 18, NULL, 10) : 0);
	}
	return used;
}

static inline void scripted_send(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* it has heard enough: too large */
		at += sent;
		length -= (size_t)sent;
	}
}

static inline void scripted_play(int fd, const struct exchange *exchange)
{
	static char text[256 * 1024];
	const char *answer = exchange->answer ? exchange->answer : "";

	(void)scripted_receive(fd, text, sizeof(text));
	auto_str char *first = xasprintf("%s HTTP/1.1\r\n", exchange->request);
	auto_str char *header =
	    exchange->header ? xasprintf("\r\n%s\r\n", exchange->header) : xstrdup("");
	const char *body = strstr(text, "\r\n\r\n") + 4;

	if (!text_starts(text, first))
		scripted_surprise("another request", exchange->request, text);
	if (!strstr(text, header))
		scripted_surprise("another header", exchange->header, text);
	if (!text_is(body, exchange->body ? exchange->body : ""))
		scripted_surprise("another body", exchange->body ? exchange->body : "", body);
	if (!exchange->status)
		return;
	auto_str char *head =
	    xasprintf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
		exchange->status, strlen(answer) + exchange->padding + exchange->is_cut,
		exchange->headers ? exchange->headers : "");
	auto_str char *padding = xcalloc(exchange->padding + 1, 1);

	if (exchange->padding)
		(void)snprintf(padding, exchange->padding + 1, "%*s", (int)exchange->padding, "");
	scripted_send(fd, head, strlen(head));
	scripted_send(fd, answer, strlen(answer));
	scripted_send(fd, padding, exchange->padding);
}

static inline void scripted_serve(int listener, const struct exchange *script, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pollfd ready = {.fd = listener, .events = POLLIN};

		if (poll(&ready, 1, SCRIPTED_DEADLINE_MS) != 1)
			scripted_surprise("no request comes", script[i].request, "");
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			_exit(1);
		scripted_play(fd, &script[i]);
		(void)close(fd);
	}
	_exit(0);
}

static inline struct scripted_server scripted_start(const struct exchange *script, size_t count)
{
	struct scripted_server server = {0};
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	(void)format_text(
	    server.url, sizeof(server.url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	server.pid = fork();
	ck_assert_int_ge(server.pid, 0);
	if (server.pid == 0)
		scripted_serve(listener, script, count);
	(void)close(listener);
	return server;
}

/* Polls until *done, or the deadline: then the test fails. */
static inline void scripted_run(struct http *http, const bool *done)
{
	int64_t deadline_ns = clock_now() + SCRIPTED_DEADLINE_MS * NS_PER_MS;
	struct err err;

	while (!*done) {
		ck_assert_msg(clock_now() < deadline_ns, "no answer came");
		ck_assert_int_eq(http_poll(http, NULL, 0, 100, &err), 0);
	}
}

static inline void scripted_end(struct scripted_server *server)
{
	int status = 0;

	ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the script was not played");
}

#endif
