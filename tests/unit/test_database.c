/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which database a container holds, what its client is told and what its answer means. What the
 * client really gets is asked of stand-ins by the scripts themselves.
 */
#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/swarm/database.h"

#include <sys/stat.h>

#define ENV(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* "text", or "<path" of a file; "": the environment says nothing of it. */
static const struct row {
	const char *image;
	const char *env[8];
	const char *kind; /* NULL: no database */
	const char *user, *password, *name;
} rows[] = {
    {"postgres:15", ENV("POSTGRES_USER=app", "POSTGRES_PASSWORD=p w", "POSTGRES_DB=data"),
	"postgres", "app", "p w", "data"},
    {"docker.io/library/postgres:15-alpine@sha256:0123", {NULL}, "postgres", "", "", ""},
    {"postgres", ENV("POSTGRES_PASSWORD_FILE=/run/secrets/db", "POSTGRES_USER_FILE=/run/secrets/u"),
	"postgres", "</run/secrets/u", "</run/secrets/db", ""},
    {"registry.example:5000/postgis/postgis:15-3.4", {NULL}, "postgres", "", "", ""},
    {"bitnami/postgresql:15", ENV("POSTGRESQL_USERNAME=u", "POSTGRESQL_DATABASE=d"), "postgres",
	"u", "", "d"},
    /* what is empty is not there, and a value comes before a file */
    {"postgres", ENV("POSTGRES_USER=", "POSTGRES_PASSWORD=a", "POSTGRES_PASSWORD_FILE=/f"),
	"postgres", "", "a", ""},
    {"postgres", ENV("POSTGRES_USER", "POSTGRES_DBX=a", "XPOSTGRES_DB=b", "POSTGRES_DB_FILE="),
	"postgres", "", "", ""},
    {"mariadb:11",
	ENV("MARIADB_USER=app", "MARIADB_PASSWORD_FILE=/s", "MARIADB_DATABASE=d",
	    "MARIADB_ROOT_PASSWORD=r"),
	"mariadb", "app", "</s", "d"},
    {"mariadb:10.11", ENV("MYSQL_USER=app", "MYSQL_PASSWORD=p", "MYSQL_DATABASE=d"), "mariadb",
	"app", "p", "d"},
    {"mariadb:10.11", ENV("MYSQL_ROOT_PASSWORD_FILE=/run/secrets/r", "MYSQL_PASSWORD=p"), "mariadb",
	"", "</run/secrets/r", ""},
    {"mysql:8", ENV("MYSQL_DATABASE=d", "MYSQL_ROOT_PASSWORD=r", "MARIADB_USER=m"), "mysql", "",
	"r", "d"},
    {"redis:7-alpine", ENV("REDIS_PASSWORD=p"), "redis", "", "p", ""},
    {"valkey/valkey:8", {NULL}, "redis", "", "", ""},
    {"mongo:7", ENV("MONGO_INITDB_ROOT_USERNAME=u", "MONGO_INITDB_ROOT_PASSWORD_FILE=/p"), "mongo",
	"u", "</p", ""},
    /* an app that is told of a database is none */
    {"ghcr.io/example/app:1", ENV("POSTGRES_USER=app", "POSTGRES_DB=d"), NULL, NULL, NULL, NULL},
    {"postgres-exporter:1", {NULL}, NULL, NULL, NULL, NULL},
    {"postgres/exporter:1", {NULL}, NULL, NULL, NULL, NULL},
    {"xredis", {NULL}, NULL, NULL, NULL, NULL},
    {"redi", {NULL}, NULL, NULL, NULL, NULL},
    {"", {NULL}, NULL, NULL, NULL, NULL},
};

static void check_value(const struct database_value *value, const char *wanted)
{
	if (!*wanted) {
		ck_assert(!value->text && !value->file);
	} else if (*wanted == '<') {
		ck_assert(!value->text);
		ck_assert_str_eq(value->file, wanted + 1);
	} else {
		ck_assert(!value->file);
		ck_assert_str_eq(value->text, wanted);
	}
}

START_TEST(recognises)
{
	const struct row *row = &rows[_i];
	AUTO(database) database = {0};
	bool is_one = database_recognise(row->image, row->env, &database);

	ck_assert_msg(is_one == (row->kind != NULL), "%s", row->image);
	if (!is_one)
		return;
	ck_assert_str_eq(database_word(database.kind), row->kind);
	check_value(&database.user, row->user);
	check_value(&database.password, row->password);
	check_value(&database.name, row->name);
}
END_TEST

/* --- what is asked --- */

#define TABLE "ccci_marker_9f2c1a"
static const struct {
	const char *image;
	enum database_action action;
	const char *query;
} query_rows[] = {
    {"postgres", DATABASE_MARK,
	"DROP TABLE IF EXISTS public." TABLE "; CREATE TABLE public." TABLE
	" (note text PRIMARY KEY); INSERT INTO public." TABLE
	" VALUES ('9f2c1a'); SELECT note FROM public." TABLE},
    {"postgres", DATABASE_CHECK, "SELECT note FROM public." TABLE},
    {"postgres", DATABASE_REMOVE, "DROP TABLE IF EXISTS public." TABLE},
    {"mariadb", DATABASE_MARK,
	"DROP TABLE IF EXISTS " TABLE "; CREATE TABLE " TABLE
	" (note varchar(64) PRIMARY KEY); INSERT INTO " TABLE
	" VALUES ('9f2c1a'); SELECT note FROM " TABLE},
    {"mysql", DATABASE_CHECK, "SELECT note FROM " TABLE},
    {"mysql", DATABASE_REMOVE, "DROP TABLE IF EXISTS " TABLE},
    {"redis", DATABASE_MARK, "set"},
    {"redis", DATABASE_CHECK, "get"},
    {"redis", DATABASE_REMOVE, "del"},
};

START_TEST(asks_for_its_own_table)
{
	static const char *const env[] = {"POSTGRES_USER=u'; DROP", NULL};
	AUTO(database) database = {0};
	AUTO(database_command) command = {0};

	ck_assert(database_recognise(query_rows[_i].image, env, &database));
	database_command(&database, query_rows[_i].action, "9f2c1a", &command);
	ck_assert_str_eq(command.argv[0], "sh");
	ck_assert_str_eq(command.argv[1], "-c");
	ck_assert_str_eq(command.argv[4], query_rows[_i].query);
	ck_assert_str_eq(command.argv[5], TABLE);
	ck_assert_str_eq(command.argv[6], "9f2c1a");
	ck_assert_ptr_null(command.argv[7]);
}
END_TEST

static const enum database_action actions[] = {DATABASE_MARK, DATABASE_CHECK, DATABASE_REMOVE};

START_TEST(asks_a_collection_of_its_own)
{
	AUTO(database) database = {0};
	AUTO(database_command) command = {0};

	ck_assert(database_recognise("mongo:7", NULL, &database));
	database_command(&database, actions[_i], "9f2c1a", &command);
	ck_assert(strstr(command.argv[4], ".getCollection('" TABLE "');"));
	ck_assert_int_eq(strstr(command.argv[4], "insertOne({_id:'9f2c1a'})") != NULL,
	    actions[_i] == DATABASE_MARK);
	ck_assert_int_eq(
	    strstr(command.argv[4], "c.drop()") != NULL, actions[_i] != DATABASE_CHECK);
	ck_assert_ptr_null(strchr(command.argv[4], '@'));
}
END_TEST

/* --- what the client gets: the script as it is, a stand-in for the client --- */

#define HOSTILE "a'b\"c`touch hacked`$(touch hacked);$PATH -x=y\\"
static const struct script_row {
	const char *image;
	const char *env[5]; /* @FILE@: one that holds the hostile value */
	const char *client;
	enum database_action action;
	const char *says; /* all that the client sees of it */
} script_rows[] = {
    {"postgres",
	ENV("POSTGRES_USER=" HOSTILE, "POSTGRES_PASSWORD=" HOSTILE, "POSTGRES_DB=" HOSTILE), "psql",
	DATABASE_CHECK,
	"user=" HOSTILE "\npassword=" HOSTILE "\nname=" HOSTILE
	"\n<-X><-q><-A><-t><-w><-v><ON_ERROR_STOP=1><-v><VERBOSITY=verbose><-c><SELECT note FROM "
	"public." TABLE ">\n"},
    {"postgres", ENV("POSTGRES_USER_FILE=@FILE@", "POSTGRES_PASSWORD_FILE=@FILE@"), "psql",
	DATABASE_REMOVE,
	"user=" HOSTILE "\npassword=" HOSTILE "\nname=" HOSTILE
	"\n<-X><-q><-A><-t><-w><-v><ON_ERROR_STOP=1><-v><VERBOSITY=verbose><-c><DROP TABLE IF "
	"EXISTS "
	"public." TABLE ">\n"},
    {"postgres", {NULL}, "psql", DATABASE_CHECK,
	"user=postgres\npassword=\nname=postgres\n<-X><-q><-A><-t><-w><-v><ON_ERROR_STOP=1><-v>"
	"<VERBOSITY=verbose><-c><SELECT note FROM public." TABLE ">\n"},
    {"postgres", ENV("POSTGRES_PASSWORD_FILE=/nonexistent/--help"), "psql", DATABASE_CHECK, NULL},
    {"mysql", ENV("MYSQL_USER=" HOSTILE, "MYSQL_PASSWORD_FILE=@FILE@", "MYSQL_DATABASE=" HOSTILE),
	"mysql", DATABASE_CHECK,
	"password=" HOSTILE "\n<--batch><--skip-column-names><--connect-timeout=5><--user=" HOSTILE
	"><--database=" HOSTILE "><--execute=SELECT note FROM " TABLE ">\n"},
    {"mariadb", ENV("MARIADB_DATABASE=d"), "mariadb", DATABASE_CHECK,
	"password=\n<--batch><--skip-column-names><--connect-timeout=5><--user=root><--database=d>"
	"<--execute=SELECT note FROM " TABLE ">\n"},
    {"redis", ENV("REDIS_PASSWORD=" HOSTILE), "redis-cli", DATABASE_CHECK,
	"password=" HOSTILE "\n<--raw><GET><" TABLE ">\n"},
    {"valkey", {NULL}, "valkey-cli", DATABASE_REMOVE, "password=\n<--raw><DEL><" TABLE ">\n"},
    {"mongo",
	ENV("MONGO_INITDB_ROOT_USERNAME=" HOSTILE, "MONGO_INITDB_ROOT_PASSWORD_FILE=@FILE@",
	    "MONGO_INITDB_DATABASE=d"),
	"mongosh", DATABASE_CHECK,
	"user=" HOSTILE "\npassword=" HOSTILE "\nname=d\n<--quiet><--norc><--eval>"},
};

static const char *const printed[] = {
    "psql",
    "printf 'user=%s\\npassword=%s\\nname=%s\\n' \"$PGUSER\" \"$PGPASSWORD\" \"$PGDATABASE\"",
    "mysql",
    "printf 'password=%s\\n' \"$MYSQL_PWD\"",
    "mariadb",
    "printf 'password=%s\\n' \"$MYSQL_PWD\"",
    "redis-cli",
    "printf 'password=%s\\n' \"$REDISCLI_AUTH\"",
    "valkey-cli",
    "printf 'password=%s\\n' \"$VALKEYCLI_AUTH\"",
    "mongosh",
    "printf 'user=%s\\npassword=%s\\nname=%s\\n' \"$CCCI_USER\" \"$CCCI_PASSWORD\" \"$CCCI_NAME\"",
};

static void make_program(const char *dir, const char *name, const char *text)
{
	auto_str char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, 0700, text, strlen(text), &err), 0);
}

/* The command in a container of that directory's: exit code, and what came out. */
static int run_in(const char *dir, const struct database_command *command, struct buf *out)
{
	auto_str char *path = xasprintf("PATH=%s:/usr/bin:/bin", dir);
	const char *env[12] = {path};
	const char *argv[8] = {"/bin/sh"};
	AUTO(proc_result) result = {0};
	struct err err;

	for (size_t i = 0; command->env[i]; i++)
		env[i + 1] = command->env[i];
	for (size_t i = 1; command->argv[i]; i++)
		argv[i] = command->argv[i];
	const struct proc_spec spec = {
	    .label = "sh",
	    .argv = argv,
	    .env = env,
	    .cwd = dir,
	    .tail_max_bytes = 4096,
	    .out_text = out,
	    .deadline_ns = clock_now() + 20 * NS_PER_S,
	    .cancel_fd = -1,
	    .watch_fd = -1,
	};
	*out = buf_make(4096);
	ck_assert_msg(proc_run(&spec, &result, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(result.end, PROC_EXITED);
	return result.code;
}

START_TEST(a_client_gets_what_the_environment_says)
{
	const struct script_row *row = &script_rows[_i];
	auto_str char *dir = harness_dir();
	auto_str char *secret = xasprintf("%s/secret", dir);
	auto_str char *hacked = xasprintf("%s/hacked", dir);
	char *env[5] = {NULL};
	AUTO(database) database = {0};
	AUTO(database_command) command = {0};
	AUTO(buf) out = {0};
	struct err err;

	ck_assert_int_eq(
	    file_write_atomic(secret, 0600, HOSTILE "\n", strlen(HOSTILE) + 1, &err), 0);
	for (size_t i = 0; i < COUNT_OF(printed); i += 2) {
		auto_str char *text = xasprintf(
		    "#!/bin/sh\n%s\nfor a in \"$@\"; do printf '<%%s>' \"$a\"; done\necho\n",
		    printed[i + 1]);

		if (text_is(printed[i], row->client))
			make_program(dir, printed[i], text);
	}
	for (size_t i = 0; row->env[i]; i++) {
		const char *file = strstr(row->env[i], "@FILE@");

		env[i] = file ? xasprintf("%.*s%s", (int)(file - row->env[i]), row->env[i], secret)
			      : xstrdup(row->env[i]);
	}
	ck_assert(database_recognise(row->image, (const char *const *)env, &database));
	database_command(&database, row->action, "9f2c1a", &command);
	int code = run_in(dir, &command, &out);
	for (size_t i = 0; i < COUNT_OF(env); i++)
		free(env[i]);
	ck_assert_int_eq(code != 0, row->says == NULL);
	if (row->says)
		ck_assert_msg(text_starts(buf_text(&out), row->says), "%s", buf_text(&out));
	ck_assert(!file_exists(hacked));
}
END_TEST

/* A redis of which these are the settings, and the key that it has. */
#define REDIS(save, log, key)                                                                      \
	"#!/bin/sh\necho \"$2 $3\" >>asked\ncase \"$2 $4\" in\n'CONFIG save') printf "             \
	"'save\\n" save "\\n' ;;\n'CONFIG appendonly') printf 'appendonly\\n" log                  \
	"\\n' ;;\nGET*) echo '" key "' ;;\n*) echo OK ;;\nesac\n"
static const struct redis_row {
	const char *program;
	const char *output;
	bool is_saved;
	enum database_answer answer;
} redis_rows[] = {
    {REDIS("3600 1 300 100", "no", "9f2c1a"), "9f2c1a\n", true, DATABASE_HERE},
    {REDIS("", "yes", "9f2c1a"), "9f2c1a\n", false, DATABASE_HERE},
    {REDIS("", "no", "9f2c1a"), "ccci:volatile\n", false, DATABASE_VOLATILE},
    /* not made, though it says so */
    {REDIS("3600 1", "no", ""), "\n", true, DATABASE_CLOSED},
    {"#!/bin/sh\necho NOAUTH Authentication required.\n", "NOAUTH Authentication required.\n",
	false, DATABASE_CLOSED},
    {"#!/bin/sh\necho 'LOADING Redis is loading the dataset in memory'\n",
	"LOADING Redis is loading the dataset in memory\n", false, DATABASE_BUSY},
    {"#!/bin/sh\necho 'Could not connect to Redis at 127.0.0.1:6379' >&2\nexit 1\n", "", false,
	DATABASE_CLOSED},
    /* may not say how it is set up; cannot write what it holds */
    {"#!/bin/sh\n[ \"$2\" = SET ] && echo OK || echo 'ERR unknown command'\n",
	"ERR unknown command\n", false, DATABASE_CLOSED},
    {"#!/bin/sh\ncase $2 in SET) echo OK ;; SAVE) echo 'ERR disk' ;; *) printf '%s\n1 1\n' \"$4\" "
     ";; "
     "esac\n",
	"ERR disk\n", false, DATABASE_CLOSED},
};

START_TEST(a_cache_is_no_database)
{
	const struct redis_row *row = &redis_rows[_i];
	auto_str char *dir = harness_dir();
	auto_str char *asked = xasprintf("%s/asked", dir);
	AUTO(database) database = {0};
	AUTO(database_command) command = {0};
	AUTO(buf) out = {0};
	AUTO(buf) commands = {0};
	char why[DATABASE_WHY_SIZE];
	struct err err;

	make_program(dir, "redis-cli", row->program);
	ck_assert(database_recognise("redis:7", NULL, &database));
	database_command(&database, DATABASE_MARK, "9f2c1a", &command);
	int code = run_in(dir, &command, &out);
	ck_assert_str_eq(buf_text(&out), row->output);
	ck_assert_int_eq(
	    database_judge(&database, DATABASE_MARK, "9f2c1a", code, buf_text(&out), why),
	    row->answer);
	if (!file_exists(asked))
		return;
	ck_assert_int_eq(file_read(asked, 4096, &commands, &err), 0);
	ck_assert_int_eq(strstr(buf_text(&commands), "SAVE") != NULL, row->is_saved);
}
END_TEST

/* --- what it says --- */

static const struct answer_row {
	const char *image;
	enum database_action action;
	int exit_code;
	const char *output;
	enum database_answer answer;
	const char *why;
} answer_rows[] = {
    {"postgres", DATABASE_MARK, 0, "9f2c1a\n", DATABASE_HERE, ""},
    {"postgres", DATABASE_CHECK, 0, "9f2c1a\n", DATABASE_HERE, ""},
    {"postgres", DATABASE_CHECK, 0, "WARNING:  collation\n9f2c1a\n", DATABASE_HERE, ""},
    {"postgres", DATABASE_CHECK, 0, "", DATABASE_GONE, ""},
    {"postgres", DATABASE_CHECK, 1,
	"ERROR:  42P01: relation \"public.ccci_marker_9f2c1a\" does not exist\nLINE 1: "
	"SELECT\nLOCATION: "
	" parserOpenTable, parse_relation.c:1384\n",
	DATABASE_GONE, ""},
    /* where it is to be made, that it is not there is no answer */
    {"postgres", DATABASE_MARK, 1, "ERROR:  42P01: relation does not exist\nLOCATION:  x, y.c:1\n",
	DATABASE_CLOSED, "ERROR:  42P01: relation does not exist"},
    {"postgres", DATABASE_MARK, 0, "", DATABASE_CLOSED, "its client ends with exit code 0"},
    {"postgres", DATABASE_CHECK, 2,
	"psql: error: connection to server on socket \"/s\" failed: FATAL:  role \"app\" does not "
	"exist\n",
	DATABASE_CLOSED,
	"psql: error: connection to server on socket \"/s\" failed: FATAL:  role \"app\" does not "
	"exist"},
    {"postgres", DATABASE_CHECK, 2,
	"psql: error: connection to server on socket \"/s\" failed: FATAL:  the database system is "
	"starting up\n",
	DATABASE_BUSY, NULL},
    {"postgres", DATABASE_CHECK, 2,
	"psql: error: x failed: No such file or directory\n\tIs the server running locally and "
	"accepting\n",
	DATABASE_BUSY, "psql: error: x failed: No such file or directory"},
    {"postgres", DATABASE_CHECK, 127, "sh: psql: not found\n", DATABASE_CLOSED,
	"sh: psql: not found"},
    {"postgres", DATABASE_CHECK, 126, "", DATABASE_CLOSED, "its client ends with exit code 126"},
    {"postgres", DATABASE_CHECK, 1, "9f2c1a\n", DATABASE_CLOSED, "9f2c1a"},
    {"postgres", DATABASE_CHECK, 0, "42P01\n", DATABASE_CLOSED, "42P01"},
    {"postgres", DATABASE_CHECK, 0, "9f2c1\n", DATABASE_CLOSED, "9f2c1"},
    {"postgres", DATABASE_REMOVE, 0, "", DATABASE_HERE, ""},
    {"postgres", DATABASE_REMOVE, 1, "ERROR:  x\n", DATABASE_CLOSED, "ERROR:  x"},
    {"mysql", DATABASE_CHECK, 1, "ERROR 1146 (42S02) at line 1: Table 'd.t' doesn't exist\n",
	DATABASE_GONE, ""},
    {"mysql", DATABASE_CHECK, 1, "ERROR 1045 (28000): Access denied for user\n", DATABASE_CLOSED,
	"ERROR 1045 (28000): Access denied for user"},
    {"mariadb", DATABASE_CHECK, 1, "ERROR 2002 (HY000): Can't connect to local server\n",
	DATABASE_BUSY, NULL},
    {"redis", DATABASE_CHECK, 0, "9f2c1a\n", DATABASE_HERE, ""},
    {"redis", DATABASE_CHECK, 0, "\n", DATABASE_GONE, ""},
    {"redis", DATABASE_CHECK, 1, "Could not connect to Redis at 127.0.0.1:6379\n", DATABASE_BUSY,
	NULL},
    {"redis", DATABASE_CHECK, 0, "NOAUTH Authentication required.\n", DATABASE_CLOSED,
	"NOAUTH Authentication required."},
    {"redis", DATABASE_REMOVE, 0, "1\n", DATABASE_HERE, ""},
    {"redis", DATABASE_MARK, 0, "OK\nccci:volatile\n", DATABASE_VOLATILE, ""},
    {"redis", DATABASE_MARK, 1, "ccci:volatile\n", DATABASE_CLOSED, NULL},
    {"mongo", DATABASE_CHECK, 0, "ccci:gone\n", DATABASE_GONE, ""},
    {"mongo", DATABASE_CHECK, 0, "ccci\n", DATABASE_CLOSED, "ccci"},
    {"mongo", DATABASE_CHECK, 1, "MongoServerError: Authentication failed.\n", DATABASE_CLOSED,
	"MongoServerError: Authentication failed."},
};

START_TEST(judges)
{
	const struct answer_row *row = &answer_rows[_i];
	AUTO(database) database = {0};
	char why[DATABASE_WHY_SIZE] = "untouched";

	ck_assert(database_recognise(row->image, NULL, &database));
	enum database_answer answer =
	    database_judge(&database, row->action, "9f2c1a", row->exit_code, row->output, why);
	ck_assert_msg(answer == row->answer, "%s: %d (%s)", row->output, (int)answer, why);
	if (row->why)
		ck_assert_str_eq(why, row->why);
}
END_TEST

START_TEST(cuts_a_long_complaint)
{
	AUTO(database) database = {0};
	char output[1000];
	char why[DATABASE_WHY_SIZE];

	memset(output, 'x', sizeof(output) - 1);
	output[sizeof(output) - 1] = '\0';
	ck_assert(database_recognise("redis", NULL, &database));
	ck_assert_int_eq(
	    database_judge(&database, DATABASE_CHECK, "9f2c1a", 1, output, why), DATABASE_CLOSED);
	ck_assert_uint_eq(strlen(why), DATABASE_WHY_SIZE - 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("database");
	TCase *tc = tcase_create("database");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, recognises, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, asks_for_its_own_table, 0, COUNT_OF(query_rows));
	tcase_add_loop_test(tc, asks_a_collection_of_its_own, 0, COUNT_OF(actions));
	tcase_add_loop_test(tc, a_client_gets_what_the_environment_says, 0, COUNT_OF(script_rows));
	tcase_add_loop_test(tc, a_cache_is_no_database, 0, COUNT_OF(redis_rows));
	tcase_add_loop_test(tc, judges, 0, COUNT_OF(answer_rows));
	tcase_add_test(tc, cuts_a_long_complaint);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
