/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operator's logins at registries, as `docker login` keeps them: reads config.json, asks
 * credential helpers.
 *
 *   logins_open(settings, path_list, &logins, err);
 *   login_find(logins, "r.example/a:1", cancel_fd, &login);
 *   login.header                                    NULL: as anonymous
 *
 * Passwords, tokens and headers are masked from then on. A helper that knows no login means
 * anonymous; one that fails is said in login.problem, for a pull that then fails is not the
 * recipe's fault.
 */
#ifndef CCCI_LOGIN_H
#define CCCI_LOGIN_H

#include "common/json.h"
#include "runner-plugin/settings.h"

struct logins {
	struct json *config; /* NULL: there is none */
	char *dir;	     /* DOCKER_CONFIG */
	char *home, *path;   /* of helpers */
};
void logins_release(struct logins *logins);
DEFINE_AUTO(logins, logins_release);

/* path_list: where helpers are looked for. ERR_CONFIG: the file is there and is no JSON. */
int logins_open(const struct settings *settings, const char *path_list, struct logins *out,
    struct err *err) CHECKED;

struct login {
	char *account; /* NULL: anonymous */
	char *header;  /* X-Registry-Auth; NULL: anonymous */
	char *problem; /* why there is none; NULL: there need be none */
};
void login_release(struct login *login);
DEFINE_AUTO(login, login_release);

void login_find(const struct logins *logins, const char *image, int cancel_fd, struct login *out);

#endif
