/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/database.h"

#include "common/buf.h"

#include <ctype.h>

#define NOTHING "ccci:gone"	 /* what a client of mongo is told to say */
#define VOLATILE "ccci:volatile" /* what redis_script says */
#define QUERY_MAX_BYTES 1024

/* --- what is known of each kind --- */

#define NAMES_MAX 9
#define VARIABLES_MAX 4

struct kind {
	const char *word;
	const char *images[NAMES_MAX];
	/* Each list in the order in which they count. */
	const char *user[VARIABLES_MAX];
	const char *password[VARIABLES_MAX];
	const char *root[VARIABLES_MAX]; /* the password where there is no user */
	const char *name[VARIABLES_MAX];
	const char *script; /* for sh: $1 what is asked, $2 the table's name, $3 the mark */
	const char *queries[3];
	const char *absent; /* what the client says of a table that is not there; NULL: nothing */
};

/* The values that are in files; cat is any image's that has a shell. */
#define READ_FILES                                                                                 \
	"set -e\n"                                                                                 \
	"[ -z \"$CCCI_USER_FILE\" ] || CCCI_USER=$(cat -- \"$CCCI_USER_FILE\")\n"                  \
	"[ -z \"$CCCI_PASSWORD_FILE\" ] || CCCI_PASSWORD=$(cat -- \"$CCCI_PASSWORD_FILE\")\n"      \
	"[ -z \"$CCCI_NAME_FILE\" ] || CCCI_NAME=$(cat -- \"$CCCI_NAME_FILE\")\n"

/*
 * psql takes a database's name in an argument for a connection string, in the environment for a
 * name. Without a name it is the user's.
 */
static const char postgres_script[] =
    READ_FILES "export PGUSER=\"${CCCI_USER:-postgres}\" PGPASSWORD=\"$CCCI_PASSWORD\"\n"
	       "export PGDATABASE=\"${CCCI_NAME:-$PGUSER}\" PGCONNECT_TIMEOUT=5\n"
	       "export PGOPTIONS='-c client_min_messages=error -c statement_timeout=10000'\n"
	       "exec psql -X -q -A -t -w -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c \"$1\"\n";
static const char mysql_script[] =
    READ_FILES "client=mysql\n"
	       "if command -v mariadb >/dev/null; then client=mariadb; fi\n"
	       "export MYSQL_PWD=\"$CCCI_PASSWORD\"\n"
	       "exec \"$client\" --batch --skip-column-names --connect-timeout=5 "
	       "--user=\"${CCCI_USER:-root}\" --database=\"$CCCI_NAME\" --execute=\"$1\"\n";
/*
 * Where nothing is written to disk, neither by snapshots nor as a log, a key is not to last. Else
 * it is written at once, as a snapshot of the app's own would be sooner or later; one that cannot
 * write proves nothing.
 */
static const char redis_script[] =
    READ_FILES "client=redis-cli\n"
	       "for name in valkey-cli keydb-cli; do\n"
	       "if command -v \"$name\" >/dev/null; then client=$name; fi\n"
	       "done\n"
	       "[ -z \"$CCCI_PASSWORD\" ] || "
	       "export REDISCLI_AUTH=\"$CCCI_PASSWORD\" VALKEYCLI_AUTH=\"$CCCI_PASSWORD\"\n"
	       "case $1 in\n"
	       "get) exec \"$client\" --raw GET \"$2\" ;;\n"
	       "del) exec \"$client\" --raw DEL \"$2\" ;;\n"
	       "esac\n"
	       "tell() {\n"
	       "said=$(\"$client\" --raw \"$@\")\n"
	       "[ \"$said\" = OK ] || { echo \"$said\"; exit 1; }\n"
	       "}\n"
	       "tell SET \"$2\" \"$3\"\n"
	       "save=$(\"$client\" --raw CONFIG GET save)\n"
	       "log=$(\"$client\" --raw CONFIG GET appendonly)\n"
	       "case $save$log in\n"
	       "save*[0-9]*appendonly*) tell SAVE ;;\n"
	       "save*appendonly*yes) ;;\n"
	       "save*appendonly*no) echo " VOLATILE "; exit 0 ;;\n"
	       "*) echo \"$save\"; exit 1 ;;\n"
	       "esac\n"
	       "exec \"$client\" --raw GET \"$2\"\n";
static const char mongo_script[] =
    READ_FILES "export CCCI_USER CCCI_PASSWORD CCCI_NAME\n"
	       "client=mongo\n"
	       "if command -v mongosh >/dev/null; then client=mongosh; fi\n"
	       "exec \"$client\" --quiet --norc --eval \"$1\"\n";

#define MONGO_OPEN                                                                                 \
	"function env(n){return (typeof process==='object'?process.env[n]:_getEnv(n))||''}"        \
	"if(env('CCCI_USER'))db.getSiblingDB('admin').auth(env('CCCI_USER'),"                      \
	"env('CCCI_PASSWORD'));"                                                                   \
	"var c=db.getSiblingDB(env('CCCI_NAME')||'test').getCollection('@TABLE@');"
#define MONGO_LOOK "var d=c.findOne();print(d?d._id:'" NOTHING "')"

#define SQL_MARK(table, type)                                                                      \
	"DROP TABLE IF EXISTS " table "; CREATE TABLE " table " (note " type " PRIMARY KEY); "     \
	"INSERT INTO " table " VALUES ('@MARK@'); SELECT note FROM " table
#define SQL_LOOK(table) "SELECT note FROM " table
#define SQL_REMOVE(table) "DROP TABLE IF EXISTS " table
#define SQL_QUERIES(table, type)                                                                   \
	{                                                                                          \
		SQL_MARK(table, type), SQL_LOOK(table), SQL_REMOVE(table)                          \
	}

static const struct kind kinds[] = {
    [DATABASE_POSTGRES] =
	{
	    .word = "postgres",
	    .images = {"postgres", "postgresql", "postgis", "pgautoupgrade", "pgvector",
		"pgvecto-rs", "timescaledb", "timescaledb-ha"},
	    .user = {"POSTGRES_USER", "POSTGRESQL_USERNAME"},
	    .password = {"POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"},
	    .name = {"POSTGRES_DB", "POSTGRESQL_DATABASE"},
	    .script = postgres_script,
	    .queries = SQL_QUERIES("public.@TABLE@", "text"),
	    .absent = "42P01",
	},
    [DATABASE_MARIADB] =
	{
	    .word = "mariadb",
	    .images = {"mariadb"},
	    .user = {"MARIADB_USER", "MYSQL_USER"},
	    .password = {"MARIADB_PASSWORD", "MYSQL_PASSWORD"},
	    .root = {"MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD"},
	    .name = {"MARIADB_DATABASE", "MYSQL_DATABASE"},
	    .script = mysql_script,
	    .queries = SQL_QUERIES("@TABLE@", "varchar(64)"),
	    .absent = "ERROR 1146",
	},
    [DATABASE_MYSQL] =
	{
	    .word = "mysql",
	    .images = {"mysql", "mysql-server", "percona", "percona-server"},
	    .user = {"MYSQL_USER"},
	    .password = {"MYSQL_PASSWORD"},
	    .root = {"MYSQL_ROOT_PASSWORD"},
	    .name = {"MYSQL_DATABASE"},
	    .script = mysql_script,
	    .queries = SQL_QUERIES("@TABLE@", "varchar(64)"),
	    .absent = "ERROR 1146",
	},
    [DATABASE_REDIS] =
	{
	    .word = "redis",
	    .images = {"redis", "valkey", "keydb", "redis-stack", "redis-stack-server"},
	    .password = {"REDIS_PASSWORD", "VALKEY_PASSWORD"},
	    .script = redis_script,
	    .queries = {"set", "get", "del"},
	},
    [DATABASE_MONGO] =
	{
	    .word = "mongo",
	    .images = {"mongo", "mongodb", "mongodb-community-server"},
	    .user = {"MONGO_INITDB_ROOT_USERNAME", "MONGODB_ROOT_USER"},
	    .password = {"MONGO_INITDB_ROOT_PASSWORD", "MONGODB_ROOT_PASSWORD"},
	    .name = {"MONGO_INITDB_DATABASE", "MONGODB_DATABASE"},
	    .script = mongo_script,
	    .queries = {MONGO_OPEN "c.drop();c.insertOne({_id:'@MARK@'});" MONGO_LOOK,
		MONGO_OPEN MONGO_LOOK, MONGO_OPEN "c.drop();"},
	},
};

const char *database_word(enum database_kind kind)
{
	return kinds[kind].word;
}

/* --- which it is --- */

static bool is_named(const char *image, const struct kind *kind)
{
	const char *slash = strrchr(image, '/');
	const char *name = slash ? slash + 1 : image;
	size_t length = strcspn(name, ":@");

	for (size_t i = 0; i < NAMES_MAX && kind->images[i]; i++) {
		if (strlen(kind->images[i]) == length &&
		    strncmp(kind->images[i], name, length) == 0)
			return true;
	}
	return false;
}

/* NULL: it is not there, or empty, which is the same to who starts these images. */
static const char *value_of(const char *const *env, const char *name, const char *suffix)
{
	auto_str char *prefix = xasprintf("%s%s=", name, suffix);

	for (; env && *env; env++) {
		const char *value = text_starts(*env, prefix) ? *env + strlen(prefix) : "";

		if (*value)
			return value;
	}
	return NULL;
}

/* The first of these variables that says something, itself or by a file. */
static struct database_value read_value(
    const char *const *env, const char *const names[VARIABLES_MAX])
{
	for (size_t i = 0; i < VARIABLES_MAX && names[i]; i++) {
		const char *text = value_of(env, names[i], "");
		const char *file = value_of(env, names[i], "_FILE");

		if (text)
			return (struct database_value){.text = xstrdup(text)};
		if (file)
			return (struct database_value){.file = xstrdup(file)};
	}
	return (struct database_value){0};
}

bool database_recognise(const char *image, const char *const *env, struct database *out)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct kind *kind = &kinds[i];

		if (!is_named(image, kind))
			continue;
		*out = (struct database){.kind = (enum database_kind)i};
		out->user = read_value(env, kind->user);
		bool is_root = kind->root[0] && !out->user.text && !out->user.file;
		out->password = read_value(env, is_root ? kind->root : kind->password);
		out->name = read_value(env, kind->name);
		return true;
	}
	return false;
}

static void release_value(struct database_value *value)
{
	free(value->text);
	free(value->file);
}

void database_release(struct database *database)
{
	release_value(&database->user);
	release_value(&database->password);
	release_value(&database->name);
	*database = (struct database){0};
}

/* --- what its client is told --- */

static const char *own(struct database_command *command, char *take_text)
{
	size_t i = 0;

	while (command->owned[i])
		i++;
	assert(i + 1 < COUNT_OF(command->owned));
	return command->owned[i] = take_text;
}

static void add_value(struct database_command *command, size_t *count, const char *name,
    const struct database_value *value)
{
	if (value->text)
		command->env[(*count)++] = own(command, xasprintf("CCCI_%s=%s", name, value->text));
	if (value->file)
		command->env[(*count)++] =
		    own(command, xasprintf("CCCI_%s_FILE=%s", name, value->file));
}

/* With the table's name for @TABLE@ and the mark for @MARK@. */
static char *fill_in(const char *query, const char *table, const char *mark)
{
	AUTO(buf) text = buf_make(QUERY_MAX_BYTES);

	while (*query) {
		const char *value = text_starts(query, "@TABLE@")  ? table
				    : text_starts(query, "@MARK@") ? mark
								   : NULL;

		(void)(value ? buf_add_text(&text, value) : buf_add_char(&text, *query));
		query += value ? strcspn(query + 1, "@") + 2 : 1;
	}
	assert(!text.was_truncated);
	return buf_take(&text);
}

void database_command(const struct database *database, enum database_action action,
    const char *mark, struct database_command *out)
{
	const struct kind *kind = &kinds[database->kind];
	size_t count = 0;

	for (const char *c = mark; *c; c++)
		assert(isalnum((unsigned char)*c));
	*out = (struct database_command){0};
	const char *table = own(out, xasprintf("%s%s", DATABASE_PREFIX, mark));
	const char *const argv[] = {"sh", "-c", kind->script, "sh",
	    own(out, fill_in(kind->queries[action], table, mark)), table, own(out, xstrdup(mark))};
	memcpy(out->argv, argv, sizeof(argv));
	out->env[count++] = "LC_ALL=C";
	add_value(out, &count, "USER", &database->user);
	add_value(out, &count, "PASSWORD", &database->password);
	add_value(out, &count, "NAME", &database->name);
}

void database_command_release(struct database_command *command)
{
	for (size_t i = 0; i < COUNT_OF(command->owned); i++)
		free(command->owned[i]);
	*command = (struct database_command){0};
}

/* --- what it says --- */

/* Of one that is starting, or stopping. */
static const char *const busy_words[] = {
    "starting up",
    "shutting down",
    "Is the server running",
    "57P03",
    "ERROR 2002",
    "ERROR 2003",
    "Could not connect to",
    "LOADING",
    "ECONNREFUSED",
    "couldn't connect",
};

static bool is_busy(const char *output)
{
	for (size_t i = 0; i < COUNT_OF(busy_words); i++) {
		if (strstr(output, busy_words[i]))
			return true;
	}
	return false;
}

/* The line that complains; psql says behind it where in its source that is. Else the last. */
static void find_complaint(const char *output, int exit_code, char why[DATABASE_WHY_SIZE])
{
	static const char *const words[] = {"FATAL", "ERROR", "error"};
	size_t length = 0;
	const char *line = text_last_line(output, &length);

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		const char *word = strstr(output, words[i]);

		if (!word)
			continue;
		for (line = word; line > output && line[-1] != '\n';)
			line--;
		length = strcspn(line, "\r\n");
		break;
	}
	auto_str char *text = xstrndup(line, length);
	if (*text)
		(void)snprintf(why, DATABASE_WHY_SIZE, "%.*s",
		    (int)text_head(text, DATABASE_WHY_SIZE - 1), text);
	else
		(void)format_text(
		    why, DATABASE_WHY_SIZE, "its client ends with exit code %d", exit_code);
}

enum database_answer database_judge(const struct database *database, enum database_action action,
    const char *mark, int exit_code, const char *output, char why[DATABASE_WHY_SIZE])
{
	const char *absent = kinds[database->kind].absent;
	size_t length = 0;
	const char *line = text_last_line(output, &length);
	auto_str char *last = xstrndup(line, length);

	*why = '\0';
	if (exit_code == 0 && (action == DATABASE_REMOVE || text_is(last, mark)))
		return DATABASE_HERE;
	if (action == DATABASE_CHECK) {
		bool is_empty = exit_code == 0 && (!*last || text_is(last, NOTHING));

		if (is_empty || (exit_code && absent && strstr(output, absent)))
			return DATABASE_GONE;
	}
	if (exit_code == 0 && text_is(last, VOLATILE))
		return DATABASE_VOLATILE;
	find_complaint(output, exit_code, why);
	return is_busy(output) ? DATABASE_BUSY : DATABASE_CLOSED;
}
