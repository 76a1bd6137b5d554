/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/endpoint.h"

#include <strings.h>

void endpoint_release(struct endpoint *endpoint)
{
	free(endpoint->address);
	free(endpoint->base);
	free(endpoint->unix_socket);
	free(endpoint->ca);
	free(endpoint->cert);
	free(endpoint->key);
	free(endpoint->user);
	free(endpoint->host);
	free(endpoint->port);
	*endpoint = (struct endpoint){0};
}

/* --- taking it apart --- */

static int read_tcp(
    const char *address, const char *cert_dir, struct endpoint *endpoint, struct err *err)
{
	if (!*address || strpbrk(address, "/@?#"))
		return err_set(err, ERR_CONFIG,
		    "DOCKER_HOST \"tcp://%.100s\" is not tcp://host:port", address);
	endpoint->kind = ENDPOINT_TCP;
	endpoint->base = xasprintf("%s://%s", cert_dir ? "https" : "http", address);
	if (cert_dir) {
		endpoint->ca = xasprintf("%s/ca.pem", cert_dir);
		endpoint->cert = xasprintf("%s/cert.pem", cert_dir);
		endpoint->key = xasprintf("%s/key.pem", cert_dir);
	}
	return 0;
}

static bool is_word(const char *text, const char *further)
{
	size_t length = 0;

	while (text[length] &&
	       ((text[length] >= 'a' && text[length] <= 'z') ||
		   (text[length] >= 'A' && text[length] <= 'Z') ||
		   (text[length] >= '0' && text[length] <= '9') || strchr(further, text[length])))
		length++;
	return length && !text[length] && *text != '-';
}

/* "[::1]:22" and "host:22" to their parts; the rest must be well formed. */
static bool split_host(const char *text, struct endpoint *endpoint)
{
	bool is_bracketed = *text == '[';
	const char *end = is_bracketed ? strchr(text, ']') : text + strcspn(text, ":");
	int64_t port = 0;

	if (!end)
		return false;
	const char *start = text + is_bracketed;
	endpoint->host = xstrndup(start, (size_t)(end - start));
	end += is_bracketed;
	if (!is_word(endpoint->host, is_bracketed ? ":." : "._-"))
		return false;
	if (!*end)
		return true;
	if (*end != ':' || !parse_int64(end + 1, 1, 65535, &port))
		return false;
	endpoint->port = xstrdup(end + 1);
	return true;
}

static int read_ssh(const char *address, struct endpoint *endpoint, struct err *err)
{
	size_t length = strlen(address);
	auto_str char *text = xstrndup(address, text_ends(address, "/") ? length - 1 : length);
	char *at = strchr(text, '@');

	endpoint->kind = ENDPOINT_SSH;
	endpoint->base = xstrdup("http://docker");
	if (at)
		endpoint->user = xstrndup(text, (size_t)(at - text));
	if ((endpoint->user && !is_word(endpoint->user, "._-")) ||
	    !split_host(at ? at + 1 : text, endpoint))
		return err_set(err, ERR_CONFIG,
		    "DOCKER_HOST \"ssh://%.100s\" is not ssh://[user@]host[:port]", address);
	return 0;
}

static int read_unix(const char *path, struct endpoint *endpoint)
{
	endpoint->kind = ENDPOINT_UNIX;
	endpoint->base = xstrdup("http://docker");
	endpoint->unix_socket = xstrdup(path);
	return 0;
}

int endpoint_read(
    const char *docker_host, const char *cert_dir, struct endpoint *out, struct err *err)
{
	AUTO(endpoint) endpoint = {.address = xstrdup(docker_host)};
	int result = 0;

	if (text_starts(docker_host, "tcp://"))
		result = read_tcp(docker_host + strlen("tcp://"), cert_dir, &endpoint, err);
	else if (text_starts(docker_host, "ssh://"))
		result = read_ssh(docker_host + strlen("ssh://"), &endpoint, err);
	else if (text_starts(docker_host, "unix:///"))
		result = read_unix(docker_host + strlen("unix://"), &endpoint);
	else
		result = err_set(err, ERR_CONFIG,
		    "DOCKER_HOST \"%.100s\" is neither unix:///path, tcp://host:port nor "
		    "ssh://user@host",
		    docker_host);
	if (result < 0)
		return -1;
	*out = endpoint;
	endpoint = (struct endpoint){0};
	return 0;
}

void endpoint_ssh_arguments(
    const struct endpoint *endpoint, const char *program, const char *out[ENDPOINT_SSH_WORDS])
{
	/* A master of our own would outlive us; one that the operator has is used. */
	static const char *const options[] = {"-T", "-o", "BatchMode=yes", "-o",
	    "ConnectTimeout=10", "-o", "ServerAliveInterval=15", "-o", "ControlMaster=no"};
	static const char *const command[] = {"docker", "system", "dial-stdio"};
	size_t count = 0;

	out[count++] = program;
	for (size_t i = 0; i < COUNT_OF(options); i++)
		out[count++] = options[i];
	if (endpoint->user) {
		out[count++] = "-l";
		out[count++] = endpoint->user;
	}
	if (endpoint->port) {
		out[count++] = "-p";
		out[count++] = endpoint->port;
	}
	out[count++] = "--";
	out[count++] = endpoint->host;
	for (size_t i = 0; i < COUNT_OF(command); i++)
		out[count++] = command[i];
	out[count] = NULL;
	assert(count < ENDPOINT_SSH_WORDS);
}

/* --- why nobody answers --- */

struct way_out {
	const char *said; /* in what was said */
	const char *advice;
	bool may_pass; /* an engine that is started again looks the same */
};

static const struct way_out ssh_ways[] = {
    {"HOST IDENTIFICATION HAS CHANGED",
	"its host key is another one than before: find out why; then ssh-keygen -R the host, and "
	"ssh to it once by hand as this user"},
    {"Host key verification failed",
	"its host key is not known: ssh to it once by hand as this user, and compare the key"},
    {"connect to the Docker daemon socket", /* "permission denied while trying to" */
	"the user there may not use Docker's socket: put it into the group docker"},
    {"Permission denied (",
	"it refuses our key: this user's public key belongs in authorized_keys there, and the key "
	"may have no passphrase"},
    {"not found", "there is no docker program on the PATH of the user there"},
    {"is not a docker command", "its docker program is older than 18.09"},
};

#define HUNG_UP                                                                                    \
	"it hung up, as one does that refuses our certificate: is cert.pem by the authority that " \
	"it trusts?"

static const struct way_out tls_ways[] = {
    {"certificate subject name", "its certificate is for another name than DOCKER_HOST's"},
    {"certificate has expired", "a certificate has expired"},
    {"SSL certificate problem", "its certificate is not by the authority of ca.pem"},
    {"alert", "it refuses our certificate: cert.pem must be by the authority that it trusts"},
    /* An alert of TLS 1.3 is overtaken by the end of the connection more often than not. */
    {"getpeername() failed", HUNG_UP, true},
    {"Broken pipe", HUNG_UP, true},
    {"reset by peer", HUNG_UP, true},
    {"private key", "key.pem does not fit cert.pem"},
    {"PEM client certificate", "cert.pem is no certificate"},
    {"certificate verify locations", "ca.pem is no certificate"},
    {"certificate file", "ca.pem is no certificate"},
    {"wrong version number", "it speaks no TLS"},
    {"HTTP request to an HTTPS server", "it wants TLS: set DOCKER_CERT_PATH"},
};

static const struct way_out *find_way(const struct way_out *ways, size_t count, const char *said)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasestr(said, ways[i].said))
			return &ways[i];
	}
	return NULL;
}

bool endpoint_was_turned_away(const struct endpoint *endpoint, const char *said)
{
	return endpoint->kind == ENDPOINT_SSH &&
	       (strstr(said, "kex_exchange_identification") || strstr(said, "banner exchange"));
}

void endpoint_explain(
    const struct endpoint *endpoint, const char *said, bool has_answered, struct err *err)
{
	bool is_ssh = endpoint->kind == ENDPOINT_SSH;
	const struct way_out *way = is_ssh ? find_way(ssh_ways, COUNT_OF(ssh_ways), said)
					   : find_way(tls_ways, COUNT_OF(tls_ways), said);

	if (way && way->may_pass && (!endpoint->ca || has_answered))
		way = NULL; /* it has seen no certificate, or took it */
	/* What went before it is ssh's way there. */
	size_t length = 0;
	const char *last = text_last_line(said, &length);
	auto_str char *line = xstrndup(last, length);

	if (way && endpoint->kind != ENDPOINT_UNIX)
		err_set(err, way->may_pass ? ERR_TRANSIENT : ERR_CONFIG,
		    "the engine at %.60s: %s (%.90s)", endpoint->address, way->advice, line);
	else if (endpoint->kind != ENDPOINT_UNIX && *line)
		err_set(err, ERR_TRANSIENT, "the engine at %.60s does not answer: %.100s",
		    endpoint->address, line);
	else
		err_set(
		    err, ERR_TRANSIENT, "the engine at %.100s does not answer", endpoint->address);
}
