/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/store.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/testpoint.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_RUNS 5
#define LOCK_WAIT_MS 2000 /* a copy is being taken, or a bridge is just ending */
#define STATEMENTS_MAX 64 /* more than this file has */

/* Statements are kept: to read one again and again costs more than to run it. */
struct kept {
	const char *sql; /* of this program: its address is enough to know it by */
	sqlite3_stmt *statement;
};

struct store {
	sqlite3 *db;
	char *path;
	bool gives_back;
	struct kept kept[STATEMENTS_MAX];
	size_t kept_count;
};

/*
 * WAL and synchronous=FULL: a commit survives a power cut, so a claim is never taken back. The lock
 * is exclusive for the life of the process: two bridges on one store would answer everything twice.
 */
static const char setup_sql[] = "PRAGMA journal_mode=WAL;"
				"PRAGMA synchronous=FULL;"
				"PRAGMA cache_size=-1024;"
				"PRAGMA journal_size_limit=4194304;"
				"PRAGMA trusted_schema=OFF;"
				"BEGIN IMMEDIATE;";

/* The name in "owner/name"; a recipe has one repository, whose owner does not matter. */
#define RECIPE_SQL "substr(repo,instr(repo,'/')+1)"
/* What lists show of the stages of a results document, so that they need not read it. */
#define OUTLINE_SQL(document)                                                                      \
	"CASE WHEN json_valid(" document                                                           \
	") THEN (SELECT group_concat(json_extract(value,'$.name')"                                 \
	"||'='||json_extract(value,'$.outcome')||':'||json_extract(value,'$.seconds'),' ')"        \
	" FROM json_each(" document ",'$.stages')) END"

/* All that lists show is in one index: the table's rows hold whole documents. */
#define RUN_INDEX_SQL(more)                                                                        \
	"CREATE INDEX job_run ON job(" RECIPE_SQL ", build DESC, comment, repo, command, pr,"      \
	" author, ref, stages, state, heard_s, started_s, ended_s, verdict, level, head_version,"  \
	" base_version, outline" more ") WHERE build>0 AND command='test';"
#define PAGES_SQL                                                                                  \
	"ALTER TABLE job ADD COLUMN outline TEXT;"                                                 \
	"CREATE INDEX job_build ON job(build) WHERE build>0;"                                      \
	"CREATE TABLE repository(name TEXT PRIMARY KEY COLLATE NOCASE,"                            \
	" is_public INTEGER NOT NULL) WITHOUT ROWID;"                                              \
	"UPDATE job SET outline=" OUTLINE_SQL("results") " WHERE results IS NOT NULL;"

/*
 * What is left of a job that was forgotten: its id, and of a head that was tested by itself which
 * one. Only who asks for the old ones reads the indexes; the results stand before most columns of a
 * row.
 */
#define FORGET_SQL                                                                                 \
	"CREATE TABLE seen(comment INTEGER PRIMARY KEY, head TEXT);"                               \
	"CREATE INDEX seen_head ON seen(head) WHERE head IS NOT NULL;"                             \
	"CREATE INDEX job_old_run ON job(moved_s, repo, comment)"                                  \
	" WHERE state='answered' AND build>0 AND command='test';"                                  \
	"CREATE INDEX job_old_other ON job(moved_s)"                                               \
	" WHERE state='answered' AND (build<=0 OR command<>'test');"

/* From each version of the schema to the next, from nothing on; what was written stays readable. */
static const char *const upgrades_sql[] = {
    "CREATE TABLE job(comment INTEGER PRIMARY KEY, state TEXT NOT NULL, repo TEXT NOT NULL,"
    " pr INTEGER NOT NULL, author TEXT NOT NULL, written_s INTEGER NOT NULL,"
    " heard_s INTEGER NOT NULL, moved_s INTEGER NOT NULL, ref TEXT NOT NULL, stages TEXT NOT NULL,"
    " from_version TEXT NOT NULL, wants_extra INTEGER NOT NULL, build INTEGER NOT NULL,"
    " started_s INTEGER NOT NULL, ended_s INTEGER NOT NULL, verdict TEXT, level INTEGER NOT NULL,"
    " reason TEXT NOT NULL, head_version TEXT NOT NULL, base_version TEXT NOT NULL, results TEXT,"
    " reply INTEGER NOT NULL, told TEXT NOT NULL, is_shrunk INTEGER NOT NULL);"
    "CREATE INDEX job_active ON job(comment) WHERE state<>'answered';"
    "CREATE INDEX job_pull ON job(repo, pr);"
    "CREATE INDEX job_recipe ON job(repo, ended_s) WHERE verdict='passed';"
    "CREATE TABLE effect(comment INTEGER NOT NULL, effect TEXT NOT NULL, state TEXT NOT NULL,"
    " tried_s INTEGER NOT NULL, PRIMARY KEY(comment, effect)) WITHOUT ROWID;"
    "CREATE INDEX effect_deletion ON effect(comment)"
    " WHERE effect='delete' AND state IN('due','tried');"
    "CREATE TABLE position(what TEXT PRIMARY KEY, since_s INTEGER NOT NULL,"
    " first_id INTEGER NOT NULL, first_s INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version=1;",
    "ALTER TABLE job ADD COLUMN command TEXT NOT NULL DEFAULT 'test';"
    "PRAGMA user_version=2;",
    "ALTER TABLE job ADD COLUMN keep_min INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version=3;",
    "ALTER TABLE job ADD COLUMN first_build INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN first_reason TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version=4;",
    "ALTER TABLE job ADD COLUMN target TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version=5;",
    PAGES_SQL RUN_INDEX_SQL("") "PRAGMA user_version=6;",
    "CREATE TABLE picture(comment INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "PRAGMA user_version=7;",
    "CREATE TABLE webhook(repo TEXT PRIMARY KEY COLLATE NOCASE, hook INTEGER NOT NULL,"
    " url TEXT NOT NULL, mark TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version=8;",
    FORGET_SQL "PRAGMA user_version=9;",
    "CREATE TABLE notice(comment INTEGER PRIMARY KEY, document TEXT NOT NULL,"
    " tries INTEGER NOT NULL, tried_s INTEGER NOT NULL);"
    "PRAGMA user_version=10;",
    "ALTER TABLE job ADD COLUMN status_told TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN status_tried TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version=11;",
    "ALTER TABLE job ADD COLUMN suite_ref TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN suite_pr INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX job_run;" RUN_INDEX_SQL(", suite_ref") "PRAGMA user_version=12;",
};

static const char *const effect_state_words[] = {
    [JOB_EFFECT_NONE] = "none",
    [JOB_EFFECT_DUE] = "due",
    [JOB_EFFECT_TRIED] = "tried",
    [JOB_EFFECT_DONE] = "done",
};

static int fail(const struct store *store, const char *what, struct err *err)
{
	return err_set(err, sqlite3_errcode(store->db) == SQLITE_BUSY ? ERR_CONFIG : ERR_SYS,
	    "store: %s: %s", what, sqlite3_errmsg(store->db));
}

static int run_sql(struct store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(store, "run", err);
	return 0;
}

/* Takes the transaction back; what went wrong before is the error that counts. */
static int roll_back(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* Ready for whoever wants it next; the lock of a reader and the values are gone. */
static void give_back(sqlite3_stmt **statement)
{
	if (!*statement)
		return;
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
}
#define auto_statement __attribute__((cleanup(give_back)))

static void finalize(sqlite3_stmt **statement)
{
	(void)sqlite3_finalize(*statement);
}
#define auto_question __attribute__((cleanup(finalize)))

static sqlite3_stmt *read_sql(struct store *store, const char *sql, unsigned flags, struct err *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v3(store->db, sql, -1, flags, &statement, NULL) == SQLITE_OK)
		return statement;
	(void)fail(store, "prepare", err);
	return NULL;
}

/* sql is a literal: it is kept by its address. */
static sqlite3_stmt *prepare(struct store *store, const char *sql, struct err *err)
{
	for (size_t i = 0; i < store->kept_count; i++) {
		if (store->kept[i].sql == sql) {
			assert(!sqlite3_stmt_busy(store->kept[i].statement));
			return store->kept[i].statement;
		}
	}
	assert(store->kept_count < STATEMENTS_MAX);
	sqlite3_stmt *statement = read_sql(store, sql, SQLITE_PREPARE_PERSISTENT, err);
	if (statement)
		store->kept[store->kept_count++] = (struct kept){sql, statement};
	return statement;
}

/* Binding fails only for want of memory or a wrong index: both are ends of the program. */
static void bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
	if (sqlite3_bind_int64(statement, at, value) != SQLITE_OK)
		abort();
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	int result = text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT)
			  : sqlite3_bind_null(statement, at);

	if (result != SQLITE_OK)
		abort();
}

static int step_done(
    struct store *store, sqlite3_stmt *statement, const char *what, struct err *err)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		return fail(store, what, err);
	return 0;
}

/* The one integer a query answers; *out untouched when it answers none or null. */
static int step_int(struct store *store, sqlite3_stmt *statement, int64_t *out, struct err *err)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
		*out = sqlite3_column_int64(statement, 0);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "read", err);
	return 0;
}

/* A PRAGMA: some are answered when they are read, so they cannot be kept. */
static int ask_number(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	auto_question sqlite3_stmt *ask = read_sql(store, sql, 0, err);

	return ask ? step_int(store, ask, out, err) : -1;
}

static int run_kept(struct store *store, const char *sql, struct err *err)
{
	auto_statement sqlite3_stmt *statement = prepare(store, sql, err);

	return statement ? step_done(store, statement, "run", err) : -1;
}

/* --- opening --- */

static int say_damaged(const struct store *store, const char *why, struct err *err)
{
	return err_set(err, ERR_SYS,
	    "store: %s is damaged (%s): recover it, put a copy in its place, or move it away; "
	    "docs/troubleshooting.md says how",
	    store->path, why);
}

/* What whoever starts the bridge can do about it. */
static int fail_to_open(const struct store *store, struct err *err)
{
	int code = sqlite3_errcode(store->db) & 0xff;
	const char *why = sqlite3_errmsg(store->db);

	/* "disk I/O error" is all that it says of a file system that is mounted read-only. */
	if (code == SQLITE_IOERR && access(store->path, W_OK) < 0 && errno != ENOENT) {
		code = SQLITE_READONLY;
		why = strerror(errno);
	}
	switch (code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_CONFIG,
		    "store: another process has %s open: another ccci-bridge, or a tool such as "
		    "sqlite3",
		    store->path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return say_damaged(store, why, err);
	case SQLITE_FULL:
		return err_set(
		    err, ERR_SYS, "store: no room for %s: the disk is full", store->path);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return err_set(err, ERR_SYS,
		    "store: %s cannot be written (%s): look at its owner and mode, and how its "
		    "disk is mounted",
		    store->path, why);
	default:
		return err_set(err, ERR_SYS, "store: open %s: %s", store->path, why);
	}
}

/* Each page is looked at once, so that a damaged one is found before it is needed: what is in it
 * may be the claim that keeps a comment from firing twice. */
static int check_whole(struct store *store, struct err *err)
{
	auto_question sqlite3_stmt *ask = read_sql(store, "PRAGMA quick_check(1)", 0, err);
	int result = ask ? sqlite3_step(ask) : SQLITE_ERROR;

	if (result != SQLITE_ROW)
		return fail_to_open(store, err);
	const char *said = (const char *)sqlite3_column_text(ask, 0);
	if (text_is(said, "ok"))
		return 0;
	auto_str char *why = xasprintf("%.60s", said);
	return say_damaged(store, why, err);
}

static int set_up(struct store *store, struct err *err)
{
	int64_t version = 0;
	int64_t pages = 0;

	/* Into a file that is there already it would be written at each start. */
	if (run_sql(store, "PRAGMA locking_mode=EXCLUSIVE", err) < 0 ||
	    ask_number(store, "PRAGMA page_count", &pages, err) < 0 ||
	    (!pages && run_sql(store, "PRAGMA auto_vacuum=INCREMENTAL", err) < 0) ||
	    run_sql(store, setup_sql, err) < 0)
		return fail_to_open(store, err);
	if (ask_number(store, "PRAGMA user_version", &version, err) < 0)
		return -1;
	if (version < 0 || version > (int64_t)COUNT_OF(upgrades_sql))
		return err_set(err, ERR_CONFIG,
		    "store: %s was written by a newer ccci-bridge (its schema is %lld, ours %zu): "
		    "install that one again, or put a copy from before in its place",
		    store->path, (long long)version, COUNT_OF(upgrades_sql));
	if (version > 0 && check_whole(store, err) < 0)
		return -1;
	for (; version < (int64_t)COUNT_OF(upgrades_sql); version++) {
		if (run_sql(store, upgrades_sql[version], err) < 0)
			return fail_to_open(store, err);
		TEST_POINT("store.upgrade");
	}
	if (run_sql(store, "COMMIT", err) < 0)
		return fail_to_open(store, err);
	return 0;
}

static bool is_incremental(struct store *store)
{
	struct err ignored;
	int64_t mode = 0;

	return ask_number(store, "PRAGMA auto_vacuum", &mode, &ignored) == 0 && mode == 2;
}

/* A file that an older version made is written anew once; without room for two it stays as it is.
 */
static void learn_to_give_back(struct store *store)
{
	struct err ignored;

	if (!is_incremental(store) &&
	    run_sql(store, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM", &ignored) < 0)
		(void)roll_back(store);
	store->gives_back = is_incremental(store);
}

int store_open(const char *dir, struct store **out, struct err *err)
{
	struct store *store = xcalloc(1, sizeof(*store));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE;

	store->path = xasprintf("%s/%s", dir, STORE_FILE);
	if (file_make_dirs(dir, 0700, err) < 0)
		goto failed;
	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
		(void)fail_to_open(store, err);
		goto failed;
	}
	(void)sqlite3_extended_result_codes(store->db, 0);
	(void)sqlite3_busy_timeout(store->db, LOCK_WAIT_MS);
	if (set_up(store, err) < 0) {
		(void)roll_back(store);
		goto failed;
	}
	learn_to_give_back(store);
	*out = store;
	return 0;
failed:
	store_close(store);
	return -1;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->kept_count; i++)
		(void)sqlite3_finalize(store->kept[i].statement);
	(void)sqlite3_close(store->db);
	free(store->path);
	free(store);
}

/* --- jobs --- */

static void bind_job(sqlite3_stmt *statement, const struct job *job)
{
	int at = 0;

	bind_int(statement, ++at, job->comment);
	bind_text(statement, ++at, job_state_word(job->state));
	bind_text(statement, ++at, job->repo);
	bind_int(statement, ++at, job->pr);
	bind_text(statement, ++at, job->author);
	bind_int(statement, ++at, job->written_s);
	bind_int(statement, ++at, job->heard_s);
	bind_int(statement, ++at, job->moved_s);
	bind_text(statement, ++at, job->ref);
	bind_text(statement, ++at, job->stages);
	bind_text(statement, ++at, job->from);
	bind_int(statement, ++at, job->wants_extra);
	bind_int(statement, ++at, job->build);
	bind_int(statement, ++at, job->started_s);
	bind_int(statement, ++at, job->ended_s);
	bind_text(statement, ++at, job->has_verdict ? verdict_word(job->verdict) : NULL);
	bind_int(statement, ++at, job->level);
	bind_text(statement, ++at, job->reason);
	bind_text(statement, ++at, job->head_version);
	bind_text(statement, ++at, job->base_version);
	bind_text(statement, ++at, job->results);
	bind_int(statement, ++at, job->reply);
	bind_text(statement, ++at, job->told);
	bind_int(statement, ++at, job->is_shrunk);
	bind_text(statement, ++at, command_kind_word(job->command));
	bind_int(statement, ++at, job->keep_min);
	bind_int(statement, ++at, job->first_build);
	bind_text(statement, ++at, job->first_reason);
	bind_text(statement, ++at, job->target);
	bind_int(statement, ++at, job->behind);
	bind_text(statement, ++at, job->status_told);
	bind_text(statement, ++at, job->status_tried);
	bind_text(statement, ++at, job->suite_ref);
	bind_int(statement, ++at, job->suite_pr);
}

#define JOB_COLUMNS                                                                                \
	"comment,state,repo,pr,author,written_s,heard_s,moved_s,ref,stages,from_version,"          \
	"wants_extra,build,started_s,ended_s,verdict,level,reason,head_version,base_version,"      \
	"results,reply,told,is_shrunk,command,keep_min,first_build,first_reason,target,behind,"    \
	"status_told,status_tried,suite_ref,suite_pr"
/* ?21 is results. */
#define JOB_INSERT                                                                                 \
	"INTO job(" JOB_COLUMNS ",outline) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?" \
	",?,?,?,?,?,?,?,?,?,?," OUTLINE_SQL("?21") ")"

static int save_effects(struct store *store, const struct job *job, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "INSERT OR REPLACE INTO effect VALUES(?,?,?,?)", err);

	if (!put)
		return -1;
	for (int i = 0; i < JOB_EFFECT_COUNT; i++) {
		if (job->effects[i].state == JOB_EFFECT_NONE)
			continue;
		bind_int(put, 1, job->comment);
		bind_text(put, 2, job_effect_word((enum job_effect)i));
		bind_text(put, 3, effect_state_words[job->effects[i].state]);
		bind_int(put, 4, job->effects[i].tried_s);
		if (step_done(store, put, "save an effect", err) < 0)
			return -1;
		(void)sqlite3_reset(put);
	}
	return 0;
}

static int put_job(struct store *store, const char *sql, const struct job *job, struct err *err)
{
	auto_statement sqlite3_stmt *put = prepare(store, sql, err);

	if (!put)
		return -1;
	bind_job(put, job);
	return step_done(store, put, "save a job", err);
}

/* Forgotten, but for its id. */
static int find_seen(struct store *store, int64_t comment, int64_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT COUNT(*) FROM seen WHERE comment=?", err);

	if (!ask)
		return -1;
	bind_int(ask, 1, comment);
	return step_int(store, ask, out_count, err);
}

int store_claim(struct store *store, const struct job *job, bool *out_is_new, struct err *err)
{
	int64_t seen = 0;

	if (find_seen(store, job->comment, &seen, err) < 0)
		return -1;
	if (seen) {
		*out_is_new = false;
		return 0;
	}
	if (put_job(store, "INSERT OR IGNORE " JOB_INSERT, job, err) < 0)
		return roll_back(store);
	*out_is_new = sqlite3_changes(store->db) > 0;
	return 0;
}

/* ?1, or the id behind the last one from ?2 on and below ?3, forgotten ones too. */
#define NEXT_ID_SQL                                                                                \
	"SELECT MAX(?1,"                                                                           \
	"1+COALESCE((SELECT MAX(comment) FROM job WHERE comment>=?2 AND comment<?3),0),"           \
	"1+COALESCE((SELECT MAX(comment) FROM seen WHERE comment>=?2 AND comment<?3),0))"

/* Among those tested by themselves: how many of this head, and the id behind the last of all. */
static int find_head(struct store *store, const struct job *job, int64_t *out_count,
    int64_t *out_next, struct err *err)
{
	auto_statement sqlite3_stmt *count = prepare(store,
	    "SELECT (SELECT COUNT(*) FROM job WHERE repo=?1 AND pr=?2 AND ref=?3"
	    " AND comment>=?4 AND comment<?5)"
	    "+(SELECT COUNT(*) FROM seen WHERE head=?1||'#'||?2||'@'||?3)",
	    err);
	auto_statement sqlite3_stmt *next = count ? prepare(store, NEXT_ID_SQL, err) : NULL;

	if (!count || !next)
		return -1;
	/* By the clock, so that none comes twice though a store was lost: builds still carry them.
	 */
	*out_next = JOB_AUTO_FIRST + job->heard_s * 1000;
	bind_text(count, 1, job->repo);
	bind_int(count, 2, job->pr);
	bind_text(count, 3, job->ref);
	bind_int(count, 4, JOB_AUTO_FIRST);
	bind_int(count, 5, JOB_NIGHT_FIRST);
	bind_int(next, 1, *out_next);
	bind_int(next, 2, JOB_AUTO_FIRST);
	bind_int(next, 3, JOB_NIGHT_FIRST);
	return step_int(store, count, out_count, err) < 0 ||
		       step_int(store, next, out_next, err) < 0
		   ? -1
		   : 0;
}

int store_claim_head(struct store *store, struct job *job, bool *out_is_new, struct err *err)
{
	int64_t count = 0;

	/* Nobody else writes: the lock is ours for as long as the store is open. */
	if (find_head(store, job, &count, &job->comment, err) < 0)
		return -1;
	*out_is_new = false;
	return count ? 0 : store_claim(store, job, out_is_new, err);
}

/* How many of the repository from "first" on, and the id behind the last of that night and try. */
static int find_night(struct store *store, const struct job *job, int64_t first, int64_t *out_count,
    int64_t *out_next, struct err *err)
{
	auto_statement sqlite3_stmt *count =
	    prepare(store, "SELECT COUNT(*) FROM job WHERE repo=? AND pr=0 AND comment>=?", err);
	auto_statement sqlite3_stmt *next = count ? prepare(store, NEXT_ID_SQL, err) : NULL;

	if (!count || !next)
		return -1;
	/* By the clock too, ten for a second: see above. */
	*out_next = first + job->heard_s % S_PER_DAY * 10;
	assert(*out_next < first + JOB_NIGHT_IDS);
	bind_text(count, 1, job->repo);
	bind_int(count, 2, first);
	bind_int(next, 1, *out_next);
	bind_int(next, 2, first);
	bind_int(next, 3, first + JOB_NIGHT_IDS);
	return step_int(store, count, out_count, err) < 0 ||
		       step_int(store, next, out_next, err) < 0
		   ? -1
		   : 0;
}

int store_claim_night(struct store *store, struct job *job, int64_t night, int64_t attempt,
    bool *out_is_new, struct err *err)
{
	int64_t count = 0;

	if (find_night(store, job, job_first_of_night(night, attempt), &count, &job->comment, err) <
	    0)
		return -1;
	*out_is_new = false;
	return count ? 0 : store_claim(store, job, out_is_new, err);
}

static int save_notice(
    struct store *store, const struct job *job, const char *notice, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "INSERT OR REPLACE INTO notice VALUES(?,?,0,0)", err);

	if (!put)
		return -1;
	bind_int(put, 1, job->comment);
	bind_text(put, 2, notice);
	return step_done(store, put, "save news", err);
}

int store_save_with(struct store *store, const struct job *job, const char *notice, struct err *err)
{
	if (run_kept(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (put_job(store, "INSERT OR REPLACE " JOB_INSERT, job, err) < 0)
		return roll_back(store);
	TEST_POINT("store.save");
	if (save_effects(store, job, err) < 0 ||
	    (notice && save_notice(store, job, notice, err) < 0) ||
	    run_kept(store, "COMMIT", err) < 0)
		return roll_back(store);
	return 0;
}

int store_save(struct store *store, const struct job *job, struct err *err)
{
	return store_save_with(store, job, NULL, err);
}

static void read_text(sqlite3_stmt *row, int at, char *out, size_t out_size)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	(void)snprintf(out, out_size, "%s", text ? (const char *)text : "");
}

static int read_state(sqlite3_stmt *row, int at, enum job_state *out, struct err *err)
{
	const unsigned char *word = sqlite3_column_text(row, at);

	if (!word || !job_state_parse((const char *)word, out))
		return err_set(err, ERR_SYS, "store: a job has no state that is known");
	return 0;
}

static int read_verdict(
    sqlite3_stmt *row, int at, bool *out_has, enum verdict_class *out, struct err *err)
{
	const unsigned char *word = sqlite3_column_text(row, at);

	*out_has = word != NULL;
	if (word && !verdict_parse((const char *)word, out))
		return err_set(err, ERR_SYS, "store: a job has no verdict that is known");
	return 0;
}

static int read_job(sqlite3_stmt *row, struct job *out, struct err *err)
{
	const unsigned char *results = sqlite3_column_text(row, 20);
	const unsigned char *command = sqlite3_column_text(row, 24);

	*out = (struct job){
	    .comment = sqlite3_column_int64(row, 0),
	    .pr = sqlite3_column_int64(row, 3),
	    .written_s = sqlite3_column_int64(row, 5),
	    .heard_s = sqlite3_column_int64(row, 6),
	    .moved_s = sqlite3_column_int64(row, 7),
	    .wants_extra = sqlite3_column_int(row, 11) != 0,
	    .build = sqlite3_column_int64(row, 12),
	    .started_s = sqlite3_column_int64(row, 13),
	    .ended_s = sqlite3_column_int64(row, 14),
	    .level = sqlite3_column_int(row, 16),
	    .reply = sqlite3_column_int64(row, 21),
	    .is_shrunk = sqlite3_column_int(row, 23) != 0,
	    .keep_min = sqlite3_column_int64(row, 25),
	    .first_build = sqlite3_column_int64(row, 26),
	    .behind = sqlite3_column_int64(row, 29),
	    .suite_pr = sqlite3_column_int64(row, 33),
	};
	if (read_state(row, 1, &out->state, err) < 0 ||
	    read_verdict(row, 15, &out->has_verdict, &out->verdict, err) < 0)
		return -1;
	read_text(row, 2, out->repo, sizeof(out->repo));
	read_text(row, 4, out->author, sizeof(out->author));
	read_text(row, 8, out->ref, sizeof(out->ref));
	read_text(row, 9, out->stages, sizeof(out->stages));
	read_text(row, 10, out->from, sizeof(out->from));
	read_text(row, 17, out->reason, sizeof(out->reason));
	read_text(row, 18, out->head_version, sizeof(out->head_version));
	read_text(row, 19, out->base_version, sizeof(out->base_version));
	read_text(row, 22, out->told, sizeof(out->told));
	read_text(row, 27, out->first_reason, sizeof(out->first_reason));
	read_text(row, 28, out->target, sizeof(out->target));
	read_text(row, 30, out->status_told, sizeof(out->status_told));
	read_text(row, 31, out->status_tried, sizeof(out->status_tried));
	read_text(row, 32, out->suite_ref, sizeof(out->suite_ref));
	if (!command || !command_kind_parse((const char *)command, &out->command))
		return err_set(err, ERR_SYS, "store: a job has no command that is known");
	out->results = results ? xstrdup((const char *)results) : NULL;
	return 0;
}

static void read_effect(sqlite3_stmt *row, struct job *out)
{
	const char *word = (const char *)sqlite3_column_text(row, 0);
	const char *state = (const char *)sqlite3_column_text(row, 1);

	for (int i = 0; i < JOB_EFFECT_COUNT; i++) {
		if (!text_is(word, job_effect_word((enum job_effect)i)))
			continue;
		size_t at = text_index(effect_state_words, COUNT_OF(effect_state_words), state);
		if (at < COUNT_OF(effect_state_words))
			out->effects[i].state = (enum job_effect_state)at;
		out->effects[i].tried_s = sqlite3_column_int64(row, 2);
	}
}

static int load_effects(struct store *store, struct job *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT effect,state,tried_s FROM effect WHERE comment=?", err);
	int result = SQLITE_DONE;

	if (!ask)
		return -1;
	bind_int(ask, 1, out->comment);
	while ((result = sqlite3_step(ask)) == SQLITE_ROW)
		read_effect(ask, out);
	return result == SQLITE_DONE ? 0 : fail(store, "read the effects", err);
}

int store_load(struct store *store, int64_t comment, struct job *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT " JOB_COLUMNS " FROM job WHERE comment=?", err);
	AUTO(job) job = {0};

	if (!ask)
		return -1;
	bind_int(ask, 1, comment);
	int result = sqlite3_step(ask);
	if (result == SQLITE_DONE)
		return err_set(err, ERR_MISSING, "store: no job %lld", (long long)comment);
	if (result != SQLITE_ROW)
		return fail(store, "read a job", err);
	if (read_job(ask, &job, err) < 0 || load_effects(store, &job, err) < 0)
		return -1;
	*out = job;
	job = (struct job){0};
	return 0;
}

/* --- questions --- */

static int list_ids(struct store *store, sqlite3_stmt *ask, int64_t *out, size_t room,
    size_t *out_count, struct err *err)
{
	size_t count = 0;
	int result = SQLITE_DONE;

	while (count < room && (result = sqlite3_step(ask)) == SQLITE_ROW)
		out[count++] = sqlite3_column_int64(ask, 0);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "list jobs", err);
	*out_count = count;
	return 0;
}

int store_list_active(struct store *store, int64_t after, int64_t *out, size_t room,
    size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT comment FROM job WHERE comment>?1 AND state<>'answered' UNION"
	    " SELECT comment FROM effect WHERE comment>?1 AND effect='delete'"
	    " AND state IN('due','tried') ORDER BY 1",
	    err);

	if (!ask)
		return -1;
	bind_int(ask, 1, after);
	return list_ids(store, ask, out, room, out_count, err);
}

int store_list_outdated(struct store *store, const struct job *newer, int64_t *out, size_t room,
    size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT comment FROM job WHERE repo=? AND pr=? AND (written_s,comment)<(?,?)"
	    " AND state='answered' AND verdict IS NOT NULL AND reply<>0 AND is_shrunk=0 ORDER BY "
	    "comment",
	    err);

	if (!ask)
		return -1;
	bind_text(ask, 1, newer->repo);
	bind_int(ask, 2, newer->pr);
	bind_int(ask, 3, newer->written_s);
	bind_int(ask, 4, newer->comment);
	return list_ids(store, ask, out, room, out_count, err);
}

int store_is_outdated(struct store *store, const struct job *job, bool *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT EXISTS(SELECT 1 FROM job WHERE repo=? AND pr=? AND (written_s,comment)>(?,?)"
	    " AND started_s>0)",
	    err);
	int64_t exists = 0;

	if (!ask)
		return -1;
	bind_text(ask, 1, job->repo);
	bind_int(ask, 2, job->pr);
	bind_int(ask, 3, job->written_s);
	bind_int(ask, 4, job->comment);
	if (step_int(store, ask, &exists, err) < 0)
		return -1;
	*out = exists != 0;
	return 0;
}

int store_has_newer_of_head(struct store *store, const struct job *job, bool *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT EXISTS(SELECT 1 FROM job WHERE repo=? AND ref=? AND pr>0 AND command='test'"
	    " AND suite_ref='' AND (written_s,comment)>(?,?))",
	    err);
	int64_t exists = 0;

	if (!ask)
		return -1;
	bind_text(ask, 1, job->repo);
	bind_text(ask, 2, job->ref);
	bind_int(ask, 3, job->written_s);
	bind_int(ask, 4, job->comment);
	if (step_int(store, ask, &exists, err) < 0)
		return -1;
	*out = exists != 0;
	return 0;
}

int store_find_newest(
    struct store *store, const struct job *asking, int64_t *out_comment, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT comment FROM job WHERE repo=? AND pr=? AND (written_s,comment)<(?,?)"
	    " AND (ref<>'' OR build<>0) ORDER BY written_s DESC, comment DESC LIMIT 1",
	    err);

	if (!ask)
		return -1;
	bind_text(ask, 1, asking->repo);
	bind_int(ask, 2, asking->pr);
	bind_int(ask, 3, asking->written_s);
	bind_int(ask, 4, asking->comment);
	*out_comment = 0;
	return step_int(store, ask, out_comment, err);
}

int store_find_refusals(struct store *store, const struct job *job, int64_t since_s,
    const char *reason, struct store_refusals *out, struct err *err)
{
	/* What an answer adds to its sentence stands behind it. */
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT COUNT(*),MAX(substr(reason,1,length(?6))=?6) FROM job"
	    " WHERE repo=?1 AND pr=?2 AND author=?3 AND heard_s>=?4 AND comment<>?5 AND build=0"
	    " AND state IN('refused','answered') AND verdict IS NULL AND reason<>''",
	    err);

	if (!ask)
		return -1;
	bind_text(ask, 1, job->repo);
	bind_int(ask, 2, job->pr);
	bind_text(ask, 3, job->author);
	bind_int(ask, 4, since_s);
	bind_int(ask, 5, job->comment);
	bind_text(ask, 6, reason);
	if (sqlite3_step(ask) != SQLITE_ROW)
		return fail(store, "count refusals", err);
	*out = (struct store_refusals){
	    .count = sqlite3_column_int64(ask, 0), .has_reason = sqlite3_column_int(ask, 1) != 0};
	return 0;
}

int store_list_nights(struct store *store, const char *repo, struct night_run *out, size_t room,
    size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT comment,state,verdict,ref FROM job WHERE repo=? AND pr=0 AND comment>=?"
	    " ORDER BY comment DESC LIMIT ?",
	    err);
	size_t count = 0;
	int result = SQLITE_DONE;

	if (!ask)
		return -1;
	bind_text(ask, 1, repo);
	bind_int(ask, 2, JOB_NIGHT_FIRST);
	bind_int(ask, 3, (int64_t)room);
	while (count < room && (result = sqlite3_step(ask)) == SQLITE_ROW) {
		struct night_run *run = &out[count++];

		*run = (struct night_run){.id = sqlite3_column_int64(ask, 0)};
		if (read_state(ask, 1, &run->state, err) < 0 ||
		    read_verdict(ask, 2, &run->has_verdict, &run->verdict, err) < 0)
			return -1;
		read_text(ask, 3, run->ref, sizeof(run->ref));
	}
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "list runs by night", err);
	*out_count = count;
	return 0;
}

int store_usual_s(struct store *store, const char *recipe, int64_t *out_s, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT ended_s-started_s FROM job WHERE verdict='passed' AND started_s>0"
	    " AND " RECIPE_SQL "=? ORDER BY ended_s DESC LIMIT ?",
	    err);
	int64_t runs[USUAL_RUNS];
	size_t count = 0;

	if (!ask)
		return -1;
	bind_text(ask, 1, recipe);
	bind_int(ask, 2, USUAL_RUNS);
	if (list_ids(store, ask, runs, COUNT_OF(runs), &count, err) < 0)
		return -1;
	for (size_t i = 1; i < count; i++) {
		for (size_t k = i; k > 0 && runs[k - 1] > runs[k]; k--) {
			int64_t larger = runs[k - 1];

			runs[k - 1] = runs[k];
			runs[k] = larger;
		}
	}
	*out_s = count ? runs[count / 2] : 0;
	return 0;
}

/* --- positions --- */

int store_get_position(struct store *store, const char *what, struct store_position *out,
    bool *out_is_known, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT since_s,first_id,first_s FROM position WHERE what=?", err);

	if (!ask)
		return -1;
	bind_text(ask, 1, what);
	int result = sqlite3_step(ask);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "read a position", err);
	*out_is_known = result == SQLITE_ROW;
	*out = (struct store_position){0};
	if (result == SQLITE_ROW)
		*out = (struct store_position){
		    .since_s = sqlite3_column_int64(ask, 0),
		    .first_id = sqlite3_column_int64(ask, 1),
		    .first_s = sqlite3_column_int64(ask, 2),
		};
	return 0;
}

int store_set_position(
    struct store *store, const char *what, const struct store_position *position, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "INSERT OR REPLACE INTO position VALUES(?,?,?,?)", err);

	if (!put)
		return -1;
	bind_text(put, 1, what);
	bind_int(put, 2, position->since_s);
	bind_int(put, 3, position->first_id);
	bind_int(put, 4, position->first_s);
	return step_done(store, put, "save a position", err);
}

/* --- news --- */

int store_list_notices(
    struct store *store, struct store_notice *out, size_t room, size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT comment,tries,tried_s FROM notice ORDER BY tried_s,comment LIMIT ?", err);
	size_t count = 0;
	int result = SQLITE_DONE;

	if (!ask)
		return -1;
	bind_int(ask, 1, (int64_t)room);
	while (count < room && (result = sqlite3_step(ask)) == SQLITE_ROW)
		out[count++] = (struct store_notice){.comment = sqlite3_column_int64(ask, 0),
		    .tries = sqlite3_column_int64(ask, 1),
		    .tried_s = sqlite3_column_int64(ask, 2)};
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "list news", err);
	*out_count = count;
	return 0;
}

int store_try_notice(
    struct store *store, int64_t comment, int64_t tried_s, char **out_document, struct err *err)
{
	auto_statement sqlite3_stmt *put = prepare(store,
	    "UPDATE notice SET tries=tries+1,tried_s=?2 WHERE comment=?1 RETURNING document", err);

	if (!put)
		return -1;
	bind_int(put, 1, comment);
	bind_int(put, 2, tried_s);
	if (sqlite3_step(put) != SQLITE_ROW)
		return fail(store, "note that news is told", err);
	auto_str char *document = xstrdup((const char *)sqlite3_column_text(put, 0));
	if (step_done(store, put, "note that news is told", err) < 0)
		return -1;
	*out_document = take_ptr(document);
	return 0;
}

int store_end_notice(struct store *store, int64_t comment, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "DELETE FROM notice WHERE comment=?", err);

	if (!put)
		return -1;
	bind_int(put, 1, comment);
	return step_done(store, put, "end news", err);
}

/* --- repositories --- */

int store_note_repo(struct store *store, const char *repo, const bool *is_public, struct err *err)
{
	/* One that says what is there already writes nothing. */
	auto_statement sqlite3_stmt *put = prepare(store,
	    is_public ? "INSERT INTO repository VALUES(?1,?2) ON CONFLICT(name) DO UPDATE"
			" SET is_public=?2 WHERE is_public<>?2"
		      : "DELETE FROM repository WHERE name=?1",
	    err);

	if (!put)
		return -1;
	bind_text(put, 1, repo);
	if (is_public)
		bind_int(put, 2, *is_public);
	return step_done(store, put, "note a repository", err);
}

int store_is_public(struct store *store, const char *repo, bool *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT is_public FROM repository WHERE name=?", err);
	int64_t is_public = 0;

	if (!ask)
		return -1;
	bind_text(ask, 1, repo);
	if (step_int(store, ask, &is_public, err) < 0)
		return -1;
	*out = is_public != 0;
	return 0;
}

int store_get_hook(struct store *store, const char *repo, struct hook_memory *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT hook,url,mark FROM webhook WHERE repo=?", err);

	if (!ask)
		return -1;
	bind_text(ask, 1, repo);
	int result = sqlite3_step(ask);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "read a webhook", err);
	*out = (struct hook_memory){0};
	if (result == SQLITE_ROW) {
		out->hook = sqlite3_column_int64(ask, 0);
		read_text(ask, 1, out->url, sizeof(out->url));
		read_text(ask, 2, out->mark, sizeof(out->mark));
	}
	return 0;
}

int store_set_hook(
    struct store *store, const char *repo, const struct hook_memory *memory, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "INSERT OR REPLACE INTO webhook VALUES(?,?,?,?)", err);

	if (!put)
		return -1;
	bind_text(put, 1, repo);
	bind_int(put, 2, memory->hook);
	bind_text(put, 3, memory->url);
	bind_text(put, 4, memory->mark);
	return step_done(store, put, "save a webhook", err);
}

int store_forget_hook(struct store *store, const char *repo, struct err *err)
{
	auto_statement sqlite3_stmt *cut = prepare(store, "DELETE FROM webhook WHERE repo=?", err);

	if (!cut)
		return -1;
	bind_text(cut, 1, repo);
	return step_done(store, cut, "forget a webhook", err);
}

int store_each_hook(struct store *store, store_repo on_repo, void *context, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store, "SELECT repo FROM webhook", err);
	char repo[GITEA_REPO_SIZE];
	int result;

	if (!ask)
		return -1;
	while ((result = sqlite3_step(ask)) == SQLITE_ROW) {
		read_text(ask, 0, repo, sizeof(repo));
		on_repo(context, repo);
	}
	return result == SQLITE_DONE ? 0 : fail(store, "list webhooks", err);
}

/* --- runs for the pages --- */

#define BRIEF_SQL                                                                                  \
	"SELECT comment,pr,build,heard_s,started_s,ended_s,state,verdict,level,repo,author,ref,"   \
	"stages,head_version,base_version,outline,suite_ref FROM job"
/* ?1: what is private is shown too. ?2: below which build. ?3: how many. */
#define SHOWN_SQL " (?1 OR repo COLLATE NOCASE IN (SELECT name FROM repository WHERE is_public=1))"
#define LIMITS_SQL SHOWN_SQL " AND (?2=0 OR build<?2)"
#define IS_RUN_SQL " build>0 AND command='test'"

static const char *const order_sql[] = {
    [STORE_BY_RECIPE] = BRIEF_SQL " INDEXED BY job_run WHERE" IS_RUN_SQL " AND" LIMITS_SQL
				  " ORDER BY " RECIPE_SQL ",build DESC LIMIT ?3",
    [STORE_NEWEST] =
	BRIEF_SQL " WHERE" IS_RUN_SQL " AND" LIMITS_SQL " ORDER BY build DESC LIMIT ?3",
    [STORE_ACTIVE] = BRIEF_SQL " WHERE state<>'answered' AND command='test' AND" LIMITS_SQL
			       " ORDER BY build=0,build,written_s LIMIT ?3",
};
static const char one_recipe_sql[] =
    BRIEF_SQL " INDEXED BY job_run WHERE" IS_RUN_SQL " AND " RECIPE_SQL "=?4 AND" LIMITS_SQL
	      " ORDER BY build DESC LIMIT ?3";

static const char *column_text(sqlite3_stmt *row, int at)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	return text ? (const char *)text : "";
}

static int read_brief(sqlite3_stmt *row, struct job_brief *out, struct err *err)
{
	*out = (struct job_brief){
	    .comment = sqlite3_column_int64(row, 0),
	    .pr = sqlite3_column_int64(row, 1),
	    .build = sqlite3_column_int64(row, 2),
	    .heard_s = sqlite3_column_int64(row, 3),
	    .started_s = sqlite3_column_int64(row, 4),
	    .ended_s = sqlite3_column_int64(row, 5),
	    .level = sqlite3_column_int(row, 8),
	    .repo = column_text(row, 9),
	    .author = column_text(row, 10),
	    .ref = column_text(row, 11),
	    .stages = column_text(row, 12),
	    .head_version = column_text(row, 13),
	    .base_version = column_text(row, 14),
	    .outline = column_text(row, 15),
	    .suite_ref = column_text(row, 16),
	};
	if (read_state(row, 6, &out->state, err) < 0)
		return -1;
	return read_verdict(row, 7, &out->has_verdict, &out->verdict, err);
}

static sqlite3_stmt *prepare_runs(
    struct store *store, const struct store_wanted *wanted, struct err *err)
{
	sqlite3_stmt *ask =
	    prepare(store, wanted->recipe ? one_recipe_sql : order_sql[wanted->order], err);

	if (!ask)
		return NULL;
	bind_int(ask, 1, wanted->shows_private);
	bind_int(ask, 2, wanted->before);
	bind_int(ask, 3, wanted->most ? wanted->most : -1);
	if (wanted->recipe)
		bind_text(ask, 4, wanted->recipe);
	return ask;
}

int store_each_run(struct store *store, const struct store_wanted *wanted, store_brief on_run,
    void *context, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare_runs(store, wanted, err);
	struct job_brief brief;
	int result = SQLITE_DONE;

	if (!ask)
		return -1;
	while ((result = sqlite3_step(ask)) == SQLITE_ROW) {
		if (read_brief(ask, &brief, err) < 0)
			return -1;
		on_run(context, &brief);
	}
	return result == SQLITE_DONE ? 0 : fail(store, "list runs", err);
}

int store_find_build(
    struct store *store, int64_t build, bool shows_private, int64_t *out_comment, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT MAX(comment) FROM job WHERE build=?2 AND" IS_RUN_SQL " AND" SHOWN_SQL, err);

	if (!ask)
		return -1;
	bind_int(ask, 1, shows_private);
	bind_int(ask, 2, build);
	*out_comment = 0;
	return step_int(store, ask, out_comment, err);
}

int store_put_picture(
    struct store *store, int64_t comment, const struct buf *picture, struct err *err)
{
	auto_statement sqlite3_stmt *put =
	    prepare(store, "INSERT OR REPLACE INTO picture VALUES(?,?)", err);

	if (!put)
		return -1;
	bind_int(put, 1, comment);
	if (sqlite3_bind_blob64(put, 2, picture->data, picture->length, SQLITE_STATIC) != SQLITE_OK)
		abort();
	return step_done(store, put, "save a picture", err);
}

int store_get_picture(struct store *store, int64_t comment, struct buf *out, struct err *err)
{
	auto_statement sqlite3_stmt *ask =
	    prepare(store, "SELECT bytes FROM picture WHERE comment=?", err);

	if (!ask)
		return -1;
	bind_int(ask, 1, comment);
	int result = sqlite3_step(ask);
	if (result == SQLITE_DONE)
		return err_set(
		    err, ERR_MISSING, "store: no picture of job %lld", (long long)comment);
	if (result != SQLITE_ROW)
		return fail(store, "read a picture", err);
	size_t length = (size_t)sqlite3_column_bytes(ask, 0);
	*out = buf_make(length);
	return buf_add(out, sqlite3_column_blob(ask, 0), length);
}

/* --- forgetting --- */

/* It is not the run of its recipe with the newest build, of those that meet the condition. */
#define NOT_NEWEST_SQL(condition)                                                                  \
	" AND comment IS NOT (SELECT comment FROM job AS k INDEXED BY job_run WHERE k.build>0"     \
	" AND k.command='test' AND substr(k.repo,instr(k.repo,'/')+1)"                             \
	"=substr(job.repo,instr(job.repo,'/')+1)" condition " ORDER BY k.build DESC LIMIT 1)"
/* Nor is its build still to be deleted. ?3: the first id of runs by night. */
#define MAY_GO_SQL                                                                                 \
	NOT_NEWEST_SQL(" AND k.verdict='passed'")                                                  \
	NOT_NEWEST_SQL(" AND k.comment>=?3")                                                       \
	IS_NOT_OPEN_SQL
#define IS_NOT_OPEN_SQL                                                                            \
	" AND NOT EXISTS(SELECT 1 FROM effect WHERE effect.comment=job.comment"                    \
	" AND effect='delete' AND effect.state IN('due','tried'))"
#define ENDS_SQL " ORDER BY moved_s LIMIT ?2"

static const char old_runs_sql[] =
    "SELECT comment FROM job INDEXED BY job_old_run WHERE state='answered' AND" IS_RUN_SQL
    " AND moved_s<?1" NOT_NEWEST_SQL("") MAY_GO_SQL ENDS_SQL;
static const char old_others_sql[] =
    "SELECT comment FROM job INDEXED BY job_old_other WHERE state='answered'"
    " AND (build<=0 OR command<>'test') AND moved_s<?1" IS_NOT_OPEN_SQL ENDS_SQL;
static const char many_runs_sql[] =
    "SELECT comment FROM (SELECT comment,repo FROM job INDEXED BY job_run WHERE" IS_RUN_SQL
    " AND " RECIPE_SQL "=?4 AND state='answered' ORDER BY build DESC LIMIT -1 OFFSET ?1) AS job"
    " WHERE 1" MAY_GO_SQL " LIMIT ?2";

static const char *const forget_sql[] = {
    ("INSERT OR IGNORE INTO seen SELECT comment,"
     "CASE WHEN comment>=?2 THEN repo||'#'||pr||'@'||ref END FROM job WHERE comment=?1"),
    "DELETE FROM job WHERE comment=?1",
    "DELETE FROM effect WHERE comment=?1",
    "DELETE FROM picture WHERE comment=?1",
};

static int forget(struct store *store, int64_t comment, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(forget_sql); i++) {
		auto_statement sqlite3_stmt *change = prepare(store, forget_sql[i], err);

		if (!change)
			return -1;
		bind_int(change, 1, comment);
		if (i == 0)
			bind_int(change, 2, JOB_AUTO_FIRST);
		if (step_done(store, change, "forget a job", err) < 0)
			return -1;
	}
	return 0;
}

static int forget_listed(
    struct store *store, sqlite3_stmt *ask, size_t most, size_t *out_count, struct err *err)
{
	int64_t ids[STORE_FORGET_MAX];
	size_t count = 0;

	if (list_ids(store, ask, ids, most, &count, err) < 0)
		return -1;
	(void)sqlite3_reset(ask);
	if (count && run_sql(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (forget(store, ids[i], err) < 0)
			return roll_back(store);
		TEST_POINT("store.forget");
	}
	if (count && run_sql(store, "COMMIT", err) < 0)
		return roll_back(store);
	*out_count += count;
	return 0;
}

int store_forget_runs(struct store *store, const char *recipe, int64_t keep, size_t most,
    size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store, many_runs_sql, err);

	assert(most <= STORE_FORGET_MAX);
	if (!ask)
		return -1;
	bind_int(ask, 1, keep);
	bind_int(ask, 2, (int64_t)most);
	bind_int(ask, 3, JOB_NIGHT_FIRST);
	bind_text(ask, 4, recipe);
	*out_count = 0;
	return forget_listed(store, ask, most, out_count, err);
}

int store_forget_old(struct store *store, int64_t runs_before_s, int64_t others_before_s,
    size_t most, size_t *out_count, struct err *err)
{
	auto_statement sqlite3_stmt *runs = prepare(store, old_runs_sql, err);
	auto_statement sqlite3_stmt *others = runs ? prepare(store, old_others_sql, err) : NULL;

	assert(most <= STORE_FORGET_MAX);
	if (!runs || !others)
		return -1;
	bind_int(runs, 1, runs_before_s);
	bind_int(runs, 2, (int64_t)most);
	bind_int(runs, 3, JOB_NIGHT_FIRST);
	bind_int(others, 1, others_before_s);
	*out_count = 0;
	if (forget_listed(store, runs, most, out_count, err) < 0)
		return -1;
	bind_int(others, 2, (int64_t)(most - *out_count));
	return forget_listed(store, others, most - *out_count, out_count, err);
}

int store_next_recipe(
    struct store *store, const char *after, char *out, size_t out_size, struct err *err)
{
	auto_statement sqlite3_stmt *ask = prepare(store,
	    "SELECT " RECIPE_SQL " FROM job INDEXED BY job_run WHERE" IS_RUN_SQL " AND " RECIPE_SQL
	    ">?1 ORDER BY " RECIPE_SQL " LIMIT 1",
	    err);

	if (!ask)
		return -1;
	bind_text(ask, 1, after);
	int result = sqlite3_step(ask);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fail(store, "list recipes", err);
	(void)snprintf(out, out_size, "%s", result == SQLITE_ROW ? column_text(ask, 0) : "");
	return 0;
}

int store_give_back(struct store *store, int pages, bool *out_is_done, struct err *err)
{
	auto_str char *sql = xasprintf("PRAGMA incremental_vacuum(%d)", pages);
	int64_t left = 0;

	if (store->gives_back && (run_sql(store, sql, err) < 0 ||
				     ask_number(store, "PRAGMA freelist_count", &left, err) < 0))
		return -1;
	*out_is_done = left == 0;
	/* Until the log is written into it, the file is as long as it was. */
	return left ? 0 : run_sql(store, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

bool store_gives_back(const struct store *store)
{
	return store->gives_back;
}

int store_get_size(struct store *store, struct store_size *out, struct err *err)
{
	int64_t page = 0;
	int64_t pages = 0;
	int64_t unused = 0;

	if (ask_number(store, "PRAGMA page_size", &page, err) < 0 ||
	    ask_number(store, "PRAGMA page_count", &pages, err) < 0 ||
	    ask_number(store, "PRAGMA freelist_count", &unused, err) < 0)
		return -1;
	*out = (struct store_size){.bytes = page * pages, .free_bytes = page * unused};
	return 0;
}

int store_measure(const char *dir, int64_t *out_bytes, struct err *err)
{
	auto_str char *path = xasprintf("%s/%s", dir, STORE_FILE);
	auto_str char *log = xasprintf("%s-wal", path);
	struct stat file;
	struct stat wal;

	if (stat(path, &file) < 0)
		return errno == ENOENT ? err_set(err, ERR_MISSING, "there is no %s yet", path)
				       : err_sys(err, errno, "look at %s", path);
	*out_bytes = file.st_size + (stat(log, &wal) < 0 ? 0 : wal.st_size);
	return 0;
}

int64_t store_generation(const struct store *store)
{
	return sqlite3_total_changes64(store->db);
}

/* --- whether it can be written --- */

int store_probe(struct store *store, struct err *err)
{
	if (run_sql(store,
		"BEGIN IMMEDIATE; INSERT OR REPLACE INTO position VALUES('probe',0,0,0);"
		" DELETE FROM position WHERE what='probe'; COMMIT",
		err) < 0)
		return roll_back(store);
	return 0;
}

void store_limit_pages(struct store *store, int pages)
{
	auto_str char *sql = xasprintf("PRAGMA max_page_count=%d", pages);
	struct err err;

	if (run_sql(store, sql, &err) < 0)
		abort();
}
