/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where abra's server leads: docker's contexts, and Swarms that are another one. */
#include "scripted_engine.h"

#include "runner-plugin/abra/abra_server.h"

#define META(host) "{\"Name\":\"remote\",\"Endpoints\":{\"docker\":{\"Host\":\"" host "\"}}}"
#define INFO(id) "{\"Swarm\":{\"Cluster\":{\"ID\":\"" id "\"}}}"
#define ANOTHER "is another Swarm"

static const struct row {
	const char *meta; /* NULL: no context; "S": of the scripted engine's socket */
	const char *ours, *its;
	const char *complaint; /* NULL: good */
	enum err_code code;
} rows[] = {
    {"S", NULL, NULL, NULL, ERR_NONE}, /* the same words: nobody is asked */
    {NULL, NULL, NULL, "no docker context of abra's server remote", ERR_MISSING},
    {"{}", NULL, NULL, "names no engine", ERR_CONFIG},
    {META(""), NULL, NULL, "names no engine", ERR_CONFIG},
    {META("unix://@/sock"), INFO("a"), INFO("a"), NULL, ERR_NONE},
    {META("unix://@/sock"), INFO("a"), INFO("b"), ANOTHER, ERR_CONFIG},
    {META("unix://@/sock"), INFO("a"), "{}", "remote (ABRA_SERVER): its engine is no manager",
	ERR_MISSING},
    {META("unix:///nonexistent"), INFO("a"), NULL, "remote (ABRA_SERVER): the engine at",
	ERR_TRANSIENT},
    {META("npipe://x"), INFO("a"), NULL, "remote (ABRA_SERVER): DOCKER_HOST", ERR_CONFIG},
};

static void write_context(const struct settings *settings, const char *meta)
{
	char id[FILE_HASH_SIZE];
	struct err err;

	file_hash_bytes("remote", strlen("remote"), id);
	auto_str char *dir = xasprintf("%s/contexts/meta/%s", settings->docker_config, id);
	auto_str char *path = xasprintf("%s/meta.json", dir);
	ck_assert_int_eq(file_make_dirs(dir, 0700, &err), 0);
	ck_assert_int_eq(file_write_atomic(path, 0600, meta, strlen(meta), &err), 0);
}

/* "@" is the peer's directory; one slash more is another address of the same socket. */
static char *fill_in(const char *meta)
{
	const char *at = strchr(meta, '@');

	return at ? xasprintf("%.*s/%s%s", (int)(at - meta), meta, peer_dir, at + 1)
		  : xstrdup(meta);
}

START_TEST(finds_where_abra_deploys)
{
	const struct row *row = &rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION, 0},
	    {"GET /v1.41/info ", 200, row->ours, 0}, {"GET /version ", 200, VERSION, 0},
	    {"GET /v1.41/info ", 200, row->its, 0}};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	auto_str char *host = xasprintf("unix://%s/sock", peer_dir);
	char server[] = "remote";
	struct settings settings = {
	    .abra_server = server, .docker_host = host, .docker_config = peer_dir};
	auto_str char *same = xasprintf(META("%s"), host);
	struct err err = {0};

	if (row->meta) {
		auto_str char *meta = fill_in(text_is(row->meta, "S") ? same : row->meta);
		write_context(&settings, meta);
	}
	int result = abra_server_check(&settings, engine, &err);
	ck_assert_msg((result == 0) == !row->complaint, "%s", err.msg);
	if (row->complaint) {
		ck_assert_msg(strstr(err.msg, row->complaint) != NULL, "%s", err.msg);
		ck_assert_int_eq(err.code, row->code);
	}
	peer_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("abra_server");
	TCase *tc = tcase_create("abra_server");

	tcase_add_loop_test(tc, finds_where_abra_deploys, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
