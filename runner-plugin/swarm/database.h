/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A marker within a database: a file in its volume says nothing of what is in its tables. Which
 * database a container holds, what its own client is told, and what its answer means. Pure.
 *
 *   if (database_recognise(image, env, &database))
 *           database_command(&database, DATABASE_MARK, mark, &command);     for engine_exec()
 *   answer = database_judge(&database, DATABASE_MARK, mark, exit_code, output, why);
 *
 * The marker is a table, collection or key of its own beside the app's, DATABASE_PREFIX and six
 * digits, so that no app minds it. Nothing of the recipe is in an argument: whom to be and with
 * which password are environment of that one call, and what is in a file is read in the container.
 *
 * Source: docker-library's images of postgres, mariadb, mysql, redis and mongo, and Bitnami's, for
 * the names of variables; SQLSTATE 42P01 (PostgreSQL, Appendix A), error 1146 (MySQL, MariaDB).
 */
#ifndef CCCI_DATABASE_H
#define CCCI_DATABASE_H

#include "common/base.h"

#define DATABASE_PREFIX "ccci_marker_"
#define DATABASE_WHY_SIZE 200

enum database_kind {
	DATABASE_POSTGRES,
	DATABASE_MARIADB,
	DATABASE_MYSQL,
	DATABASE_REDIS,
	DATABASE_MONGO,
};
const char *database_word(enum database_kind kind); /* "postgres" */

/* All texts are owned; NULL: the environment says nothing of it. */
struct database {
	enum database_kind kind;
	struct database_value {
		char *text;
		char *file; /* of the container, that holds it */
	} user, password, name;
};
/* By the image's name, whatever its registry, tag and digest; env: "NAME=value", ended by NULL. */
bool database_recognise(const char *image, const char *const *env, struct database *out);
void database_release(struct database *database);
DEFINE_AUTO(database, database_release);

enum database_action { DATABASE_MARK, DATABASE_CHECK, DATABASE_REMOVE };
struct database_command {
	const char *argv[8]; /* ended by NULL; into owned and constants */
	const char *env[8];  /* likewise */
	char *owned[8];
};
/* mark: of letters and digits. */
void database_command(const struct database *database, enum database_action action,
    const char *mark, struct database_command *out);
void database_command_release(struct database_command *command);
DEFINE_AUTO(database_command, database_command_release);

enum database_answer {
	DATABASE_HERE,	   /* the marker; of a removal: it is gone */
	DATABASE_GONE,	   /* opened, and no marker in it */
	DATABASE_BUSY,	   /* it does not answer yet */
	DATABASE_CLOSED,   /* it cannot be opened */
	DATABASE_VOLATILE, /* it keeps nothing on disk, and wants it so */
};
/* why: what the client complains of; "" unless BUSY or CLOSED. */
enum database_answer database_judge(const struct database *database, enum database_action action,
    const char *mark, int exit_code, const char *output, char why[DATABASE_WHY_SIZE]);

#endif
