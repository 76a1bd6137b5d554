/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An engine in a child process that answers a script of exchanges in order, over a socket of its
 * own; any other request is answered as a surprise, by what was asked.
 *
 *   const struct exchange script[] = {{"GET /version ", 200, VERSION}, {"GET /v1.41/x ", 200,
 * "{}"}}; AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
 *   ... talk to it ...
 *   peer_stop();
 *
 * The last request is in peer_dir, file "request".
 */
#ifndef CCCI_TEST_SCRIPTED_ENGINE_H
#define CCCI_TEST_SCRIPTED_ENGINE_H

#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "runner-plugin/swarm/engine.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define VERSION "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"

struct exchange {
	const char *want; /* the request line begins so */
	int status;
	const char *body;
	size_t length; /* of the body when it holds NULs; else 0 */
};

static char *peer_dir;
static pid_t peer_pid;

static inline void peer_serve(int connection, const struct exchange *exchange)
{
	AUTO(buf) request = buf_make(64 * 1024);
	char piece[4096];
	size_t need = 0;

	while (!need || request.length < need) {
		ssize_t got = read(connection, piece, sizeof(piece));

		if (got <= 0 || buf_add(&request, piece, (size_t)got) < 0)
			_exit(3);
		const char *end = strstr(buf_text(&request), "\r\n\r\n");
		const char *length = strcasestr(buf_text(&request), "content-length: ");
		if (end)
			need = (size_t)(end + 4 - request.data) +
			       (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
	}
	auto_str char *body_path = xasprintf("%s/request", peer_dir);
	struct err err;
	if (file_write_atomic(body_path, 0600, request.data, request.length, &err) < 0)
		_exit(3);
	bool is_wanted = exchange && text_starts(buf_text(&request), exchange->want);
	auto_str char *surprise = xasprintf("{\"message\":\"surprise: %.*s\"}",
	    (int)strcspn(buf_text(&request), "\r"), buf_text(&request));
	const char *body = is_wanted ? exchange->body : surprise;
	size_t body_length = is_wanted && exchange->length ? exchange->length : strlen(body);
	AUTO(buf) answer = buf_make(1024 * 1024);
	(void)buf_printf(&answer,
	    "HTTP/1.1 %d x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	    is_wanted ? exchange->status : 418, body_length);
	(void)buf_add(&answer, body, body_length);
	if (write(connection, answer.data, answer.length) != (ssize_t)answer.length)
		_exit(3);
}

/*
 * Answers the exchanges in order; anything else, and anything after, is told as a surprise, or, by
 * a silent one, is not answered at all.
 */
static inline struct engine *peer_start_as(
    const struct exchange *exchanges, size_t count, bool is_silent)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct err err;

	peer_dir = harness_dir();
	auto_str char *path = xasprintf("%s/sock", peer_dir);
	ck_assert(copy_text(address.sun_path, sizeof(address.sun_path), path));
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	peer_pid = fork();
	for (size_t i = 0; peer_pid == 0; i++) {
		int connection = accept(listener, NULL, NULL);

		if (is_silent && i >= count)
			pause();
		peer_serve(connection, i < count ? &exchanges[i] : NULL);
		close(connection);
	}
	close(listener);
	auto_str char *host = xasprintf("unix://%s", path);
	const struct settings settings = {.docker_host = host};
	struct engine *engine = engine_open(&settings, &err);
	ck_assert_ptr_nonnull(engine);
	return engine;
}

static inline struct engine *peer_start(const struct exchange *exchanges, size_t count)
{
	return peer_start_as(exchanges, count, false);
}

static inline struct engine *silent_peer_start(void)
{
	static const struct exchange version = {"GET /version ", 200, VERSION};

	return peer_start_as(&version, 1, true);
}

static inline void peer_stop(void)
{
	ck_assert_int_eq(kill(peer_pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(peer_pid, NULL, 0), peer_pid);
	free(take_ptr(peer_dir));
}

#endif
