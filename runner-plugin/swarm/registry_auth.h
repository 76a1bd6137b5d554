/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which login of a docker configuration (config.json) an image's registry is asked with. Pure.
 *
 *   auto_str char *server = registry_server(image);
 *   registry_choose(config, server, &choice, err);
 *   if (choice.helper) ... ask docker-credential-<helper>, then registry_read_answer(...)
 *   header = registry_header(&choice, server);              NULL: anonymous
 *
 * Hides the places a login may stand in (credHelpers before credsStore before auths), the forms of
 * a server's name, Docker Hub's own key, and base64.
 *
 * Source: docker-login(1), "Credential stores" and "Credential helpers"; the protocol of
 * docker-credential-helpers; Engine API 1.41, "Authentication" (X-Registry-Auth).
 */
#ifndef CCCI_REGISTRY_AUTH_H
#define CCCI_REGISTRY_AUTH_H

#include "common/err.h"
#include "common/json.h"

#define REGISTRY_HUB "https://index.docker.io/v1/" /* Docker Hub in every configuration */

/* All NULL: no login. */
struct registry_choice {
	char *helper;  /* the name behind docker-credential-; then nothing else is known */
	char *account; /* for people too; "" of a token alone */
	char *secret;  /* password, or identity token */
	bool is_token;
};
void registry_choice_release(struct registry_choice *choice);
DEFINE_AUTO(registry_choice, registry_choice_release);

/* "r.example:5000" of "r.example:5000/a/b:1", REGISTRY_HUB of "a/b"; the caller frees it. */
char *registry_server(const char *image) CHECKED;

/* ERR_CONFIG: the entry is there and makes no sense. */
int registry_choose(const struct json *config, const char *server, struct registry_choice *out,
    struct err *err) CHECKED;
/* What a helper answered to "get". */
int registry_read_answer(
    const struct json *answer, struct registry_choice *out, struct err *err) CHECKED;

/* The value of X-Registry-Auth; NULL without a secret. The caller frees it. */
char *registry_header(const struct registry_choice *choice, const char *server) CHECKED;

#endif
