/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Markers in the databases of a stack, over an engine that answers a script. */
#include "scripted_engine.h"

#include "runner-plugin/swarm/database_marks.h"

#define UNNAMED "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define VOLUME(name, path)                                                                         \
	"{\"Type\":\"volume\",\"Name\":\"" name "\",\"Destination\":\"" path "\"}"
#define CONTAINER(id, service, image, mounts)                                                      \
	"{\"Id\":\"" id "\",\"Config\":{\"Image\":\"" image                                        \
	"\",\"Env\":[\"POSTGRES_USER=app\",7],\"Labels\":{\"com.docker.swarm.service.name\":"      \
	"\"" service "\"}},\"Mounts\":[" mounts "]}"

/* --- what a container is --- */

static const struct place_row {
	const char *text;
	const char *service; /* "": no database of the stack */
	bool is_lasting;
	const char *unnamed;
} place_rows[] = {
    {CONTAINER("c", "s_db", "postgres:15", VOLUME("s_data", "/data")), "db", true, ""},
    {CONTAINER("c", "s_db", "postgres:15", VOLUME(UNNAMED, "/data")), "db", false, "/data"},
    {CONTAINER("c", "s_db", "postgres:15", VOLUME(UNNAMED, "/a") "," VOLUME(UNNAMED, "/b")), "db",
	false, "/a"},
    {CONTAINER("c", "s_db", "redis", VOLUME("s_x", "/x") "," VOLUME(UNNAMED, "/data")), "db", true,
	"/data"},
    {CONTAINER(
	 "c", "s_db", "redis", "{\"Type\":\"bind\",\"Source\":\"/x\",\"Destination\":\"/x\"}"),
	"db", true, ""},
    {CONTAINER("c", "s_db", "redis", "{\"Type\":\"tmpfs\",\"Destination\":\"/x\"}"), "db", false,
	""},
    {CONTAINER("c", "s_db", "redis", "7,{\"Type\":\"volume\"}"), "db", false, ""},
    {CONTAINER("c", "other_db", "postgres:15", ""), "", false, ""},
    {CONTAINER("c", "s_app", "nginx:1", ""), "", false, ""},
    {"{}", "", false, ""},
    {"[]", "", false, ""},
};

START_TEST(knows_a_place)
{
	const struct place_row *row = &place_rows[_i];
	struct err err;
	AUTO_PTR(json) container = json_parse(row->text, strlen(row->text), &err);
	AUTO(database_place) place = {0};

	ck_assert_msg(container != NULL, "%s", err.msg);
	database_place_read("s", container, &place);
	ck_assert_msg(place.is_database == (*row->service != '\0'), "%s", row->text);
	if (!place.is_database)
		return;
	ck_assert_str_eq(place.service, row->service);
	ck_assert_str_eq(place.container, "c");
	ck_assert_msg(place.is_lasting == row->is_lasting, "%s", row->text);
	ck_assert_str_eq(place.unnamed, row->unnamed);
	if (place.database.kind == DATABASE_POSTGRES)
		ck_assert_str_eq(place.database.user.text, "app");
}
END_TEST

/* --- made and looked for --- */

#define LIST "GET /v1.41/containers/json?"
#define ONE                                                                                        \
	{                                                                                          \
		LIST, 200, "[{\"Id\":\"c\"}]"                                                      \
	}
#define LOOK(text)                                                                                 \
	{                                                                                          \
		"GET /v1.41/containers/c/json ", 200, text                                         \
	}
#define POSTGRES LOOK(CONTAINER("c", "s_db", "postgres:15", VOLUME("s_data", "/data")))
#define EXEC                                                                                       \
	{                                                                                          \
		"POST /v1.41/containers/c/exec ", 201, "{\"Id\":\"e\"}"                            \
	}
#define SAYS(text)                                                                                 \
	{                                                                                          \
		"POST /v1.41/exec/e/start ", 200, text                                             \
	}
#define ENDS(code)                                                                                 \
	{                                                                                          \
		"GET /v1.41/exec/e/json ", 200, "{\"Running\":false,\"ExitCode\":" code "}"        \
	}
#define EXCHANGES_MAX 10

static size_t count_of(const struct exchange exchanges[EXCHANGES_MAX])
{
	size_t count = 0;

	while (count < EXCHANGES_MAX && exchanges[count].want)
		count++;
	return count;
}

static const struct mark_row {
	struct exchange exchanges[EXCHANGES_MAX];
	size_t count;
	enum database_answer answer;
	const char *why;
	const char *error; /* NULL: none */
} mark_rows[] = {
    {{ONE, POSTGRES, EXEC, SAYS("9f2c1a\n"), ENDS("0")}, 1, DATABASE_HERE, "", NULL},
    {{ONE, POSTGRES, EXEC, SAYS("psql: error: FATAL:  no role\n"), ENDS("2")}, 1, DATABASE_CLOSED,
	"psql: error: FATAL:  no role", NULL},
    /* one that is starting is asked again */
    {{ONE, POSTGRES, EXEC, SAYS("FATAL:  the database system is starting up\n"), ENDS("2"), EXEC,
	 SAYS("9f2c1a\n"), ENDS("0")},
	1, DATABASE_HERE, "", NULL},
    {{ONE, POSTGRES, {"POST /v1.41/containers/c/exec ", 409, "{\"message\":\"is paused\"}"}}, 1,
	DATABASE_CLOSED, "is paused", NULL},
    /* a cache, whose client is not even asked */
    {{ONE, LOOK(CONTAINER("c", "s_cache", "redis:7", VOLUME(UNNAMED, "/data")))}, 1,
	DATABASE_VOLATILE, "", NULL},
    /* what else has no volume is asked: who keeps data in it loses it */
    {{ONE, LOOK(CONTAINER("c", "s_db", "postgres:15", VOLUME(UNNAMED, "/data"))), EXEC,
	 SAYS("9f2c1a\n"), ENDS("0")},
	1, DATABASE_HERE, "", NULL},
    {{ONE, LOOK(CONTAINER("c", "s_cache", "redis:7", VOLUME("s_redis", "/data"))), EXEC,
	 SAYS("OK\nOK\n9f2c1a\n"), ENDS("0")},
	1, DATABASE_HERE, "", NULL},
    {{{LIST, 200, "[{\"Id\":\"c\"},{\"Id\":\"c\"}]"}, POSTGRES, POSTGRES}, 1, DATABASE_CLOSED,
	"it runs more than once", NULL},
    {{ONE, LOOK(CONTAINER("c", "s_app", "nginx:1", ""))}, 0, DATABASE_HERE, NULL, NULL},
    {{ONE, {"GET /v1.41/containers/c/json ", 404, "{\"message\":\"gone\"}"}}, 0, DATABASE_HERE,
	NULL, NULL},
    {{{LIST, 200, "[]"}}, 0, DATABASE_HERE, NULL, NULL},
    {{{LIST, 500, "{\"message\":\"broken\"}"}}, 0, DATABASE_HERE, NULL, "broken"},
    {{ONE, {"GET /v1.41/containers/c/json ", 500, "{\"message\":\"broken\"}"}}, 0, DATABASE_HERE,
	NULL, "broken"},
};

static struct engine *start(const struct exchange exchanges[EXCHANGES_MAX])
{
	struct exchange script[EXCHANGES_MAX + 1] = {{"GET /version ", 200, VERSION}};
	size_t count = count_of(exchanges);

	memcpy(script + 1, exchanges, count * sizeof(*exchanges));
	return peer_start(script, count + 1);
}

START_TEST(marks_what_it_can_open)
{
	const struct mark_row *row = &mark_rows[_i];
	AUTO_PTR(engine) engine = start(row->exchanges);
	AUTO(database_marks) marks = {0};
	struct err err = {0};
	int result = database_marks_make(engine, "s", "9f2c1a", -1, &marks, &err);

	peer_stop();
	ck_assert_msg(result == (row->error ? -1 : 0), "%s", err.msg);
	if (row->error)
		ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s", err.msg);
	ck_assert_uint_eq(marks.count, row->count);
	if (!row->count)
		return;
	ck_assert_int_eq(marks.items[0].answer, row->answer);
	ck_assert_msg(strstr(marks.items[0].why, row->why) != NULL, "%s", marks.items[0].why);
	ck_assert_int_eq(*marks.items[0].why == '\0', *row->why == '\0');
}
END_TEST

static struct database_marks marked(enum database_answer answer)
{
	struct database_marks marks = {
	    .items = xcalloc(1, sizeof(*marks.items)), .count = 1, .mark = xstrdup("9f2c1a")};

	marks.items[0] = (struct database_mark){
	    .service = xstrdup("db"),
	    .kind = DATABASE_POSTGRES,
	    .answer = answer,
	    .unnamed = xstrdup(""),
	    .unnamed_now = xstrdup(""),
	};
	return marks;
}

static const struct check_row {
	struct exchange exchanges[EXCHANGES_MAX];
	enum database_answer before, answer;
	const char *why;
	const char *unnamed_now;
} check_rows[] = {
    {{ONE, POSTGRES, EXEC, SAYS("9f2c1a\n"), ENDS("0")}, DATABASE_HERE, DATABASE_HERE, "", ""},
    {{ONE, POSTGRES, EXEC, SAYS("ERROR:  42P01: no relation\n"), ENDS("1")}, DATABASE_HERE,
	DATABASE_GONE, "", ""},
    {{ONE, LOOK(CONTAINER("c", "s_db", "postgres:18", VOLUME(UNNAMED, "/var/lib/postgresql"))),
	 EXEC, SAYS("ERROR:  42P01: no relation\n"), ENDS("1")},
	DATABASE_HERE, DATABASE_GONE, "", "/var/lib/postgresql"},
    {{{LIST, 200, "[]"}}, DATABASE_HERE, DATABASE_CLOSED, "there is no such service any more", ""},
    {{ONE, LOOK(CONTAINER("c", "s_db", "mariadb:11", ""))}, DATABASE_HERE, DATABASE_CLOSED,
	"it is another database now", ""},
    {{{LIST, 200, "[{\"Id\":\"c\"},{\"Id\":\"c\"}]"}, POSTGRES, POSTGRES}, DATABASE_HERE,
	DATABASE_CLOSED, "it runs more than once now", ""},
    /* what was not marked is not looked for */
    {{ONE, POSTGRES}, DATABASE_CLOSED, DATABASE_CLOSED, "", ""},
    {{ONE, POSTGRES}, DATABASE_VOLATILE, DATABASE_VOLATILE, "", ""},
};

START_TEST(looks_for_what_it_marked)
{
	const struct check_row *row = &check_rows[_i];
	AUTO_PTR(engine) engine = start(row->exchanges);
	AUTO(database_marks) marks = marked(row->before);
	struct err err = {0};
	int result = database_marks_check(engine, "s", -1, &marks, &err);

	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_int_eq(marks.items[0].answer, row->answer);
	ck_assert_str_eq(marks.items[0].why, row->why);
	ck_assert_str_eq(marks.items[0].unnamed_now, row->unnamed_now);
}
END_TEST

START_TEST(does_not_guess_without_a_list)
{
	static const struct exchange broken[EXCHANGES_MAX] = {
	    {LIST, 500, "{\"message\":\"broken\"}"}};
	AUTO_PTR(engine) engine = start(broken);
	AUTO(database_marks) marks = marked(DATABASE_HERE);
	struct err err = {0};

	ck_assert_int_eq(database_marks_check(engine, "s", -1, &marks, &err), -1);
	peer_stop();
	ck_assert_str_eq(marks.mark, "9f2c1a");
}
END_TEST

/* Whether its table is dropped: the last request says so. */
static const struct {
	enum database_answer answer;
	bool is_removed;
} remove_rows[] = {
    {DATABASE_HERE, true},
    {DATABASE_GONE, false},
    {DATABASE_CLOSED, false},
};

START_TEST(takes_its_own_away)
{
	static const struct exchange exchanges[EXCHANGES_MAX] = {
	    ONE, POSTGRES, EXEC, SAYS(""), ENDS("0")};
	AUTO_PTR(engine) engine = start(exchanges);
	AUTO(database_marks) marks = marked(remove_rows[_i].answer);
	AUTO(buf) last = {0};
	struct err err;

	database_marks_remove(engine, "s", -1, &marks);
	auto_str char *path = xasprintf("%s/request", peer_dir);
	ck_assert_int_eq(file_read(path, 64 * 1024, &last, &err), 0);
	peer_stop();
	ck_assert_msg(text_starts(buf_text(&last), remove_rows[_i].is_removed
						       ? "GET /v1.41/exec/e/json "
						       : "GET /v1.41/containers/c/json "),
	    "%s", buf_text(&last));
}
END_TEST

/* --- what is said of it --- */

static const struct {
	enum database_answer answer;
	const char *why, *unnamed, *unnamed_now;
	const char *text;
} texts[] = {
    {DATABASE_HERE, "", "", "", ""},
    {DATABASE_CLOSED, "no role", "", "", "could not be opened: no role"},
    {DATABASE_BUSY, "starting up", "", "", "could not be opened: starting up"},
    {DATABASE_VOLATILE, "", "", "", "this postgres keeps nothing on disk"},
    {DATABASE_GONE, "", "", "",
	"service db lost the data of its postgres: ccci_marker_9f2c1a, made before, is not in it "
	"any "
	"more: it reads another place than its volume, or began anew"},
    {DATABASE_GONE, "", "/a", "/b",
	"service db lost the data of its postgres: ccci_marker_9f2c1a, made before, is not in it "
	"any "
	"more: it keeps /a in a volume without a name: name it in compose.yml"},
    {DATABASE_GONE, "", "", "/b",
	"service db lost the data of its postgres: ccci_marker_9f2c1a, made before, is not in it "
	"any "
	"more: it keeps /b in a volume without a name: name it in compose.yml"},
};

START_TEST(explains)
{
	AUTO(database_marks) marks = marked(texts[_i].answer);
	struct database_mark *mark = &marks.items[0];
	char text[DATABASE_MARKS_TEXT_SIZE] = "untouched";

	ck_assert(copy_text(mark->why, sizeof(mark->why), texts[_i].why));
	free(mark->unnamed);
	free(mark->unnamed_now);
	mark->unnamed = xstrdup(texts[_i].unnamed);
	mark->unnamed_now = xstrdup(texts[_i].unnamed_now);
	database_marks_explain(mark, marks.mark, text);
	ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("database_marks");
	TCase *tc = tcase_create("database_marks");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, knows_a_place, 0, COUNT_OF(place_rows));
	tcase_add_loop_test(tc, marks_what_it_can_open, 0, COUNT_OF(mark_rows));
	tcase_add_loop_test(tc, looks_for_what_it_marked, 0, COUNT_OF(check_rows));
	tcase_add_test(tc, does_not_guess_without_a_list);
	tcase_add_loop_test(tc, takes_its_own_away, 0, COUNT_OF(remove_rows));
	tcase_add_loop_test(tc, explains, 0, COUNT_OF(texts));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
