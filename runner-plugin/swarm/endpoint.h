/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where an engine is: a DOCKER_HOST taken apart, and what it means when nobody answers there.
 *
 *   endpoint_read("ssh://ci@swarm.example.org", NULL, &endpoint, err);
 *   endpoint_ssh_arguments(&endpoint, "/usr/bin/ssh", argv);
 *   endpoint_explain(&endpoint, what_ssh_or_libcurl_said, has_answered, err);     for a person
 *
 * Pure. Hides what ssh and libcurl say in which case.
 *
 * Source: docker/cli's connection helper (ssh [-l user] [-p port] -- host docker system dial-stdio)
 * and its files of TLS (ca.pem, cert.pem, key.pem); messages of OpenSSH 9.2 and libcurl 7.88 with
 * OpenSSL 3.0.
 */
#ifndef CCCI_ENDPOINT_H
#define CCCI_ENDPOINT_H

#include "common/base.h"
#include "common/err.h"

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_TCP, ENDPOINT_SSH };

struct endpoint {
	enum endpoint_kind kind;
	char *address;		  /* as it was written */
	char *base;		  /* of its URLs: "http://docker", "https://host:2376" */
	char *unix_socket;	  /* NULL: another kind */
	char *ca, *cert, *key;	  /* NULL: no TLS */
	char *user, *host, *port; /* of ssh; user and port may be NULL */
};
void endpoint_release(struct endpoint *endpoint);
DEFINE_AUTO(endpoint, endpoint_release);

/* cert_dir: where the files of TLS are, for tcp:// alone; NULL: no TLS. Errors: ERR_CONFIG. */
int endpoint_read(
    const char *docker_host, const char *cert_dir, struct endpoint *out, struct err *err) CHECKED;

/*
 * The words of ssh that end in a connection to the engine there, borrowed from both; NULL ends
 * them. It asks nobody, and checks the host's key as the operator has it: nothing is said of that
 * here.
 */
#define ENDPOINT_SSH_WORDS 22
void endpoint_ssh_arguments(
    const struct endpoint *endpoint, const char *program, const char *out[ENDPOINT_SSH_WORDS]);

/*
 * ssh was turned away before it could say who it is, as a busy server does (MaxStartups): nothing
 * was sent, and the next try may be let in.
 */
bool endpoint_was_turned_away(const struct endpoint *endpoint, const char *said);

/*
 * Says in err why the engine is not reached, and what to do. said: libcurl's reason, or what ssh
 * left on stderr. has_answered: before, so that it has seen our certificate and took it.
 * ERR_CONFIG: it stays so until somebody does it; ERR_TRANSIENT: it may pass.
 */
void endpoint_explain(
    const struct endpoint *endpoint, const char *said, bool has_answered, struct err *err);

#endif
