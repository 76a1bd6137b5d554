/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where what is backed up lies: a plan and the engine's containers, as rows. */
#include "scripted_engine.h"

#include "common/clock.h"
#include "runner-plugin/swarm/stash.h"

#include <sys/stat.h>

#define CONTAINER(id, service, mounts)                                                             \
	"{\"Id\":\"" id "\",\"State\":\"running\",\"Labels\":{\"com.docker.swarm.service.name\":"  \
	"\"s_" service "\"},\"Mounts\":[" mounts "]}"
#define MOUNT(name, path, rw)                                                                      \
	"{\"Type\":\"volume\",\"Name\":\"s_" name "\",\"Destination\":\"" path "\",\"RW\":" rw "}"

/* app and db run, a job does not. */
static const char containers[] = "[" CONTAINER("a1", "app",
    MOUNT("data", "/data", "true") "," MOUNT("shared", "/in", "false")) "," CONTAINER("a2", "app",
    MOUNT("data", "/data", "true")) "," CONTAINER("d1", "db",
    MOUNT("shared", "/out", "true") "," MOUNT("db", "/", "true") "," MOUNT("certs", "/certs",
	"false")) ","
		  "{\"Id\":\"j1\",\"State\":\"exited\",\"Labels\":{\"com.docker.swarm.service."
		  "name\":\"s_job\"}"
		  ",\"Mounts\":[" MOUNT("work", "/work",
		      "true") "]},{\"Id\":\"x\",\"State\":\"running\","
			      "\"Labels\":{\"com.docker.swarm.service.name\":\"s2_app\"}}]";

static const struct row {
	const char *service; /* with a path of its own; NULL: a volume */
	const char *volume;
	bool is_out;
	const char *path; /* NULL: all of it */
	const char *name; /* NULL: nothing */
	const char *container, *place, *why_not;
} rows[] = {
    {NULL, "data", false, NULL, "volume data at /data of app", "a1", "/data", NULL},
    {NULL, "data", true, NULL, NULL, NULL, NULL, NULL},
    {NULL, "data", false, "a/b", "volume data at /data/a/b of app", "a1", "/data/a/b", NULL},
    /* the one that may be written to */
    {NULL, "shared", false, NULL, "volume shared at /out of db", "d1", "/out", NULL},
    {NULL, "db", false, "x", "volume db at /x of db", "d1", "/x", NULL},
    {NULL, "certs", false, NULL, "volume certs at /certs of db", "d1", "/certs",
	"every container mounts it for reading alone"},
    {NULL, "work", false, NULL, "volume work", "", "", "no container that runs mounts it"},
    {"db", NULL, false, "/etc/x", "/etc/x of db", "d1", "/etc/x", NULL},
    {"job", NULL, false, "/x", "/x of job", "", "/x", "no container of job runs"},
};

START_TEST(finds_row)
{
	const struct row *row = &rows[_i];
	char *key = xstrdup(row->volume ? row->volume : "");
	char *name = xstrdup(row->service ? row->service : "");
	char *path = xstrdup(row->path ? row->path : "");
	struct backup_volume volume = {.key = key, .is_out = row->is_out};
	struct backup_service service = {.name = name, .is_backed_up = true};
	struct backup_plan plan = {.is_backed_up = true};
	AUTO(stash_items) items = {0};
	struct err err = {0};
	AUTO_PTR(json) list = json_parse(containers, strlen(containers), &err);

	ck_assert_msg(list != NULL, "%s", err.msg);
	if (row->path && row->volume)
		volume.paths = (struct backup_paths){&path, 1};
	else if (row->path)
		service.paths = (struct backup_paths){&path, 1};
	plan.services = &service;
	plan.service_count = row->service ? 1 : 0;
	plan.volumes = &volume;
	plan.volume_count = row->volume ? 1 : 0;
	ck_assert_int_eq(stash_items_read(&plan, "s", list, &items, &err), 0);
	free(key);
	free(name);
	free(path);
	ck_assert_uint_eq(items.container_count, 2);
	ck_assert_uint_eq(items.count, row->name ? 1 : 0);
	if (!row->name)
		return;
	ck_assert_str_eq(items.items[0].name, row->name);
	ck_assert_str_eq(items.items[0].container, row->container);
	ck_assert_str_eq(items.items[0].path, row->place);
	ck_assert_str_eq(
	    items.items[0].why_not ? items.items[0].why_not : "", row->why_not ? row->why_not : "");
	ck_assert_int_eq(items.items[0].is_named, row->path != NULL);
}
END_TEST

static const struct dump_row {
	struct archive_scan scan;
	unsigned char head[2], tail[4];
	const char *fault;
} dump_rows[] = {
    {{.root = {.kind = '0', .size = 9}, .files = 1, .file_bytes = 9}, {'P', 'G'}, {1}, NULL},
    {{.root = {.kind = '0', .size = 0}, .files = 1}, {0}, {1}, "is empty"},
    {{.root = {.kind = '0', .size = 30}, .files = 1, .file_bytes = 30}, {0x1f, 0x8b}, {0, 0, 0, 0},
	"has nothing in it but gzip's frame"},
    {{.root = {.kind = '0', .size = 30}, .files = 1, .file_bytes = 30}, {0x1f, 0x8b}, {0, 1, 0, 0},
	NULL},
    /* no gzip: zeros at its end say nothing */
    {{.root = {.kind = '0', .size = 30}, .files = 1, .file_bytes = 30}, {0x1f, 0}, {0}, NULL},
    {{.root = {.kind = '5'}, .files = 2, .file_bytes = 9}, {0}, {0}, NULL},
    {{.root = {.kind = '5'}, .files = 2, .file_bytes = 0}, {0}, {0}, "is empty"},
    {{.root = {.kind = '5'}, .others = 3}, {0}, {0}, "is empty"},
};

START_TEST(judges_a_dump)
{
	const struct dump_row *row = &dump_rows[_i];
	const char *fault = stash_dump_fault(&row->scan, row->head, row->tail);

	ck_assert_str_eq(fault ? fault : "-", row->fault ? row->fault : "-");
}
END_TEST

/* An archive of the marker, as it comes back. */
static const struct mark_row {
	unsigned mode, uid, gid;
	const char *content;
	int status;
	const char *why; /* NULL: it is as it was */
} mark_rows[] = {
    {0664, 1001, 1002, "m1\n", 200, NULL},
    {0664, 1001, 1002, "m2\n", 200, "what is in /x is not what was backed up"},
    {0664, 1001, 1002, "m1\n", 404, "what was in /x did not come back"},
    {0664, 0, 0, "m1\n", 200,
	"a file of 1001:1002 with mode 0664 in /x came back as of 0:0 with 0664"},
    {0664, 1001, 0, "m1\n", 200,
	"a file of 1001:1002 with mode 0664 in /x came back as of 1001:0 with 0664"},
    {0644, 1001, 1002, "m1\n", 200,
	"a file of 1001:1002 with mode 0664 in /x came back as of 1001:1002 with 0644"},
};

START_TEST(looks_for_a_mark)
{
	const struct mark_row *row = &mark_rows[_i];
	struct archive_entry entry = {.name = STASH_MARK,
	    .kind = '0',
	    .size = strlen(row->content),
	    .mode = row->mode,
	    .uid = row->uid,
	    .gid = row->gid};
	char archive[4 * ARCHIVE_BLOCK] = {0};
	struct exchange script[] = {{"GET /version ", 200, VERSION},
	    {"GET /v1.41/containers/c/archive?path=%2Fx%2F.ccci-backup ", row->status, archive,
		sizeof(archive)}};
	char container[] = "c";
	char path[] = "/x";
	const struct stash_item item = {.container = container, .path = path, .has_mark = true};
	auto_str char *why = NULL;
	struct err err = {0};

	archive_header(archive, &entry, 0);
	memcpy(archive + ARCHIVE_BLOCK, row->content, strlen(row->content));
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	const struct stash_access access = {engine, clock_now() + 10 * NS_PER_S, -1};
	int result = stash_look_for_mark(&access, &item, "m1\n", &why, &err);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_str_eq(why ? why : "-", row->why ? row->why : "-");
}
END_TEST

#define MADE                                                                                       \
	{                                                                                          \
		"POST /v1.41/containers/c/exec ", 201, "{\"Id\":\"e\"}"                            \
	}
#define STARTED                                                                                    \
	{                                                                                          \
		"POST /v1.41/exec/e/start ", 200, ""                                               \
	}
#define ENDED                                                                                      \
	{                                                                                          \
		"GET /v1.41/exec/e/json ", 200, "{\"ExitCode\":0}"                                 \
	}
#define NOTHING "{\"message\":\"Could not find the file\"}"

/* A directory by its mark, a dump by itself. Where nothing can be run, the mark is written over. */
static const struct wipe_row {
	bool has_mark;
	int status;		/* of the first look */
	const char *left, *now; /* what it finds, and the second one after that */
	bool is_gone;
} wipe_rows[] = {
    {true, 404, "", NULL, true},
    {true, 200, "m1\n", "wiped\n", true},
    {true, 200, "m1\n", "m1\n", false},
    {false, 404, "", NULL, true},
    {false, 200, "a dump", NULL, false},
};

static void archive_of(const char *content, char archive[4 * ARCHIVE_BLOCK])
{
	const struct archive_entry entry = {.name = STASH_MARK,
	    .kind = '0',
	    .size = strlen(content),
	    .mode = 0664,
	    .uid = 1001,
	    .gid = 1002};

	memset(archive, 0, 4 * (size_t)ARCHIVE_BLOCK);
	archive_header(archive, &entry, 0);
	memcpy(archive + ARCHIVE_BLOCK, content, strlen(content));
}

START_TEST(wipes_row)
{
	const struct wipe_row *row = &wipe_rows[_i];
	char archives[2][4 * ARCHIVE_BLOCK];
	const char *look = row->has_mark
			       ? "GET /v1.41/containers/c/archive?path=%2Fx%2F.ccci-backup "
			       : "GET /v1.41/containers/c/archive?path=%2Fx ";
	struct exchange script[] = {{"GET /version ", 200, VERSION}, MADE, STARTED, ENDED,
	    {look, row->status, archives[0], sizeof(archives[0])},
	    {"PUT /v1.41/containers/c/archive?path=%2Fx ", 200, ""},
	    {look, 200, archives[1], sizeof(archives[1])}};
	char container[] = "c";
	char path[] = "/x";
	const struct stash_item item = {
	    .container = container, .path = path, .has_mark = row->has_mark};
	bool is_gone = !row->is_gone;
	struct err err = {0};

	archive_of(row->left, archives[0]);
	archive_of(row->now ? row->now : "", archives[1]);
	if (row->status == 404) {
		script[4].body = NOTHING;
		script[4].length = 0;
	}
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	const struct stash_access access = {engine, clock_now() + 10 * NS_PER_S, -1};
	int result = stash_wipe(&access, &item, "m1\n", &is_gone, &err);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_int_eq(is_gone, row->is_gone);
}
END_TEST

/* A directory goes by what is in it, so that only it need be written to; the rest by its name. */
static const struct move_row {
	bool has_mark;
	const char *path, *out, *in;
} move_rows[] = {
    {true, "/a/b", "GET /v1.41/containers/c/archive?path=%2Fa%2Fb%2F. ",
	"PUT /v1.41/containers/c/archive?path=%2Fa%2Fb "},
    {false, "/a/b", "GET /v1.41/containers/c/archive?path=%2Fa%2Fb ",
	"PUT /v1.41/containers/c/archive?path=%2Fa "},
    {false, "/b", "GET /v1.41/containers/c/archive?path=%2Fb ",
	"PUT /v1.41/containers/c/archive?path=%2F "},
};

START_TEST(moves_row)
{
	const struct move_row *row = &move_rows[_i];
	char archive[4 * ARCHIVE_BLOCK];
	const struct exchange script[] = {{"GET /version ", 200, VERSION},
	    {row->out, 200, archive, sizeof(archive)}, {row->in, 200, ""}};
	char container[] = "c";
	char dump[16] = {0};
	auto_str char *directory = harness_dir();
	auto_str char *path = xstrdup(row->path);
	struct stash_item item = {
	    .container = container, .path = path, .has_mark = row->has_mark, .archive_fd = -1};
	struct err err = {0};

	archive_of("the dump", archive);
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	const struct stash_access access = {engine, clock_now() + 10 * NS_PER_S, -1};
	int saved = stash_save(&access, &item, directory, &err);
	int put = saved == 0 ? stash_put_back(&access, &item, &err) : -1;
	peer_stop();
	ck_assert_msg(put == 0, "%s", err.msg);
	auto_fd int fd = stash_open_dump(&item, directory, &err);
	ck_assert_int_eq(pread(fd, dump, sizeof(dump), 0), strlen("the dump"));
	ck_assert_str_eq(dump, "the dump");
	close_fd(&item.archive_fd);
	ck_assert_int_eq(rmdir(directory), 0); /* no file of it has a name */
	ck_assert_int_eq(mkdir(directory, 0700), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stash");
	TCase *tc = tcase_create("stash");

	tcase_add_loop_test(tc, finds_row, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, judges_a_dump, 0, COUNT_OF(dump_rows));
	tcase_add_loop_test(tc, looks_for_a_mark, 0, COUNT_OF(mark_rows));
	tcase_add_loop_test(tc, wipes_row, 0, COUNT_OF(wipe_rows));
	tcase_add_loop_test(tc, moves_row, 0, COUNT_OF(move_rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
