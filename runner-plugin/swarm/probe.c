/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/probe.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include <sys/socket.h>

static char default_path[] = "/";
const struct suite_probe probe_default = {.kind = SUITE_HTTP, .path = default_path};

PRINTF_LIKE(3, 4)
static void give_answer(struct probe_result *out, enum probe_answer which, const char *format, ...)
{
	va_list args;

	out->answer = which;
	va_start(args, format);
	(void)vsnprintf(out->reason, sizeof(out->reason), format, args);
	va_end(args);
}

char *probe_describe(const struct suite_probe *probe)
{
	if (probe->kind == SUITE_TCP)
		return xasprintf("tcp %d of %s", probe->port, probe->service);
	if (probe->service)
		return xasprintf("GET %s of %s:%d", probe->path, probe->service, probe->port);
	return probe->host ? xasprintf("GET %s%s", probe->host, probe->path)
			   : xasprintf("GET %s", probe->path);
}

/* --- what an answer says --- */

static bool is_listed(const struct suite_probe *probe, int status)
{
	for (size_t i = 0; i < probe->status_count; i++) {
		if (probe->statuses[i] == status)
			return true;
	}
	return false;
}

/* A status that the item asks for by number is the app's, whoever else may use it. */
static bool is_proxys_own(const struct suite_probe *probe, const struct http_response *response)
{
	const char *body = buf_text(&response->body);

	if (probe->service || is_listed(probe, response->status))
		return false;
	if (response->status >= 502 && response->status <= 504)
		return true;
	return response->status == 404 && text_starts(response->content_type, "text/plain") &&
	       (text_is(body, "404 page not found\n") || text_is(body, "404 page not found"));
}

static bool has_good_status(const struct suite_probe *probe, int status)
{
	return probe->status_count ? is_listed(probe, status) : status < 500;
}

/* The text of <title>, blanks around and doubled ones dropped; NULL: there is none. */
static char *title_of(const char *body)
{
	const char *open = strcasestr(body, "<title");
	const char *start = open ? strchr(open, '>') : NULL;
	const char *end = start ? strcasestr(start, "</title") : NULL;

	if (!end)
		return NULL;
	char *title = xcalloc((size_t)(end - start) + 1, 1);
	size_t length = 0;
	for (const char *at = start + 1; at < end; at++) {
		bool is_blank = isspace((unsigned char)*at) != 0;

		if (!is_blank)
			title[length++] = *at;
		else if (length && title[length - 1] != ' ')
			title[length++] = ' ';
	}
	while (length && title[length - 1] == ' ')
		title[--length] = '\0';
	return title;
}

/* "name: value" is among the lines; the name in any case, the value as it is. */
static bool has_header(const char *lines, const char *wanted)
{
	size_t name = strcspn(wanted, ":");
	const char *value = wanted + name + 1;

	value += strspn(value, " \t");
	while (*lines) {
		size_t length = strcspn(lines, "\r\n");

		if (length > name && strncasecmp(lines, wanted, name) == 0 && lines[name] == ':') {
			const char *has = lines + name + 1;
			size_t blanks = strspn(has, " \t");
			size_t size = length - name - 1;

			blanks = blanks < size ? blanks : size;
			if (size - blanks == strlen(value) &&
			    strncmp(has + blanks, value, size - blanks) == 0)
				return true;
		}
		lines += length;
		lines += strspn(lines, "\r\n");
	}
	return false;
}

/* A NUL in the body hides nothing behind it. */
static bool holds(const struct buf *body, const char *text)
{
	return body->length && memmem(body->data, body->length, text, strlen(text)) != NULL;
}

void probe_judge(
    const struct suite_probe *probe, const struct http_response *response, struct probe_result *out)
{
	auto_str char *title = title_of(buf_text(&response->body));

	out->answer = PROBE_GOOD;
	out->reason[0] = '\0';
	if (is_proxys_own(probe, response))
		give_answer(out, PROBE_PROXY, "the proxy answers %d: %s", response->status,
		    response->status == 404 ? "no router for this name, or no healthy task"
					    : "the app does not answer it");
	else if (!has_good_status(probe, response->status))
		give_answer(out, PROBE_WRONG, "status %d", response->status);
	else if (probe->contains && !holds(&response->body, probe->contains))
		give_answer(
		    out, PROBE_WRONG, "the page does not contain \"%.100s\"", probe->contains);
	else if (probe->title && !title)
		give_answer(out, PROBE_WRONG, "the page has no title");
	else if (probe->title && !text_is(title, probe->title))
		give_answer(
		    out, PROBE_WRONG, "the title is \"%.80s\", not \"%.80s\"", title, probe->title);
	else if (probe->header && !has_header(buf_text(&response->headers), probe->header))
		give_answer(out, PROBE_WRONG, "no header \"%.100s\"", probe->header);
}

/* --- asking --- */

static void run_http(const struct suite_probe *probe, const struct probe_target *target,
    int64_t timeout_ms, struct probe_result *out)
{
	AUTO(http_response) response = {0};
	const char *host = probe->host ? probe->host : target->domain;
	auto_str char *direct =
	    probe->service ? xasprintf("%s:%d", target->address ? target->address : "", probe->port)
			   : NULL;
	auto_str char *url =
	    xasprintf("%s://%s%s", probe->service ? "http" : "https", host, probe->path);
	struct http_request request = {
	    .url = url,
	    .timeout_ms = timeout_ms,
	    .max_bytes = PROBE_BODY_MAX_BYTES,
	    .connect_to = direct ? direct : target->connect_to,
	    .ca_file = target->ca_file,
	    .keep_headers = probe->header != NULL,
	};
	struct err err;

	if (http_call(&request, &response, &err) == 0) {
		probe_judge(probe, &response, out);
		return;
	}
	/* A proxy that takes its time is waiting for the app. */
	bool is_ours = !probe->service && err.code != ERR_TIMEOUT && err.code != ERR_LIMIT;
	give_answer(out, is_ours ? PROBE_NO_PROXY : PROBE_NO_ANSWER, "%.200s", err.msg);
}

static int connect_within(const char *address, int port, int64_t timeout_ms)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0 || inet_pton(AF_INET, address, &peer.sin_addr) != 1)
		return EINVAL;
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	int count = poll(&ready, 1, (int)timeout_ms);
	if (count == 0)
		return ETIMEDOUT;
	if (count < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

static void run_tcp(const struct suite_probe *probe, const struct probe_target *target,
    int64_t timeout_ms, struct probe_result *out)
{
	int error = connect_within(target->address, probe->port, timeout_ms);

	out->answer = PROBE_GOOD;
	if (error)
		give_answer(out, PROBE_NO_ANSWER, "%s:%d: %s", target->address, probe->port,
		    strerror(error));
}

void probe_run(const struct suite_probe *probe, const struct probe_target *target,
    int64_t timeout_ms, struct probe_result *out)
{
	int64_t started_ns = clock_now();

	*out = (struct probe_result){0};
	if (probe->service && !target->address)
		give_answer(out, PROBE_NO_ANSWER, "service %.60s has no running task on this host",
		    probe->service);
	else if (probe->kind == SUITE_TCP)
		run_tcp(probe, target, timeout_ms, out);
	else
		run_http(probe, target, timeout_ms, out);
	out->elapsed_ms = clock_elapsed_ms(started_ns);
}
