/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ENGINE_NODES, and what runs where nobody can look. */
#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/swarm/nodes.h"

static const struct read_row {
	const char *text;
	size_t count;
	const char *complaint; /* NULL: good */
} read_rows[] = {
    {NULL, 0, NULL},
    {"", 0, NULL},
    {"w2=tcp://10.0.0.2:2376", 1, NULL},
    {"w2=tcp://10.0.0.2:2376,w3=ssh://ci@w3", 2, NULL},
    {"w2=tcp://10.0.0.2:2376,", 1, NULL},
    {"w2", 0, "\"w2\" is no node=url"},
    {"=tcp://x", 0, "is no node=url"},
    {"w2=10.0.0.2:2376", 0, "is no node=url"},
    {"w2=tcp://x,,w3=tcp://y", 0, "\"\" is no node=url"},
    {"w2=tcp://x,w2=tcp://y", 0, "names \"w2\" twice"},
};

START_TEST(reads_the_setting)
{
	const struct read_row *row = &read_rows[_i];
	AUTO(nodes) nodes = {0};
	struct err err = {0};
	int result = nodes_read(row->text, &nodes, &err);

	ck_assert_msg((result == 0) == !row->complaint, "%s", err.msg);
	ck_assert_uint_eq(nodes.count, row->count);
	if (row->complaint)
		ck_assert_msg(strstr(err.msg, row->complaint) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(names_no_more_than_it_asks)
{
	AUTO(buf) text = buf_make(10000);
	AUTO(nodes) nodes = {0};
	struct err err;

	for (int i = 0; i < NODES_MAX; i++)
		ck_assert_int_eq(buf_printf(&text, "n%d=tcp://x,", i), 0);
	ck_assert_int_eq(nodes_read(buf_text(&text), &nodes, &err), 0);
	ck_assert_uint_eq(nodes.count, NODES_MAX);
	ck_assert_int_eq(buf_add_text(&text, "one=tcp://more"), 0);
	nodes_release(&nodes);
	ck_assert_int_eq(nodes_read(buf_text(&text), &nodes, &err), -1);
}
END_TEST

#define NODE(id, name) "{\"ID\":\"" id "\",\"Description\":{\"Hostname\":\"" name "\"}}"

static const struct settle_row {
	const char *text, *answer;
	const char *summary; /* name:id, "*" own, "-" without an engine */
	const char *complaint;
} settle_rows[] = {
    {"", "[" NODE("a1", "m") "]", "m:a1* ", NULL},
    {"", "[" NODE("a1", "m") "," NODE("b2", "w2") "]", "m:a1* w2:b2- ", NULL},
    {"w2=tcp://x", "[" NODE("a1", "m") "," NODE("b2", "w2") "]", "w2:b2 m:a1* ", NULL},
    {"b2=tcp://x", "[" NODE("a1", "m") "," NODE("b2", "w") "]", "b2:b2 m:a1* ", NULL},
    {"m=tcp://x", "[" NODE("a1", "m") "]", "m:a1* ", NULL},
    /* nodes of one name that nobody names are no matter */
    {"", "[" NODE("a1", "m") "," NODE("b2", "w") "," NODE("c3", "w") "]", "m:a1* w:b2- w:c3- ",
	NULL},
    {"w=tcp://x", "[" NODE("b2", "w") "," NODE("c3", "w") "]", NULL, "two nodes have the name w"},
    {"gone=tcp://x", "[" NODE("a1", "m") "]", NULL, "gone, which is no node"},
    {"", "{}", NULL, "the list of nodes is none"},
    {"", "[{}]", NULL, "a node without an id"},
};

static void summarize(const struct nodes *nodes, struct buf *out)
{
	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->items[i];

		(void)buf_printf(out, "%s:%s%s ", node->name, node->id,
		    node->is_own ? "*"
		    : node->url	 ? ""
				 : "-");
	}
}

START_TEST(settles_names)
{
	const struct settle_row *row = &settle_rows[_i];
	AUTO(nodes) nodes = {0};
	struct err err = {0};
	AUTO_PTR(json) answer = json_parse(row->answer, strlen(row->answer), &err);

	ck_assert_int_eq(nodes_read(row->text, &nodes, &err), 0);
	for (int again = 0; again < 2; again++) { /* what an earlier answer added is forgotten */
		AUTO(buf) summary = buf_make(1000);
		int result = nodes_settle(&nodes, answer, "a1", &err);

		ck_assert_msg((result == 0) == !row->complaint, "%s", err.msg);
		if (row->complaint) {
			ck_assert_msg(strstr(err.msg, row->complaint) != NULL, "%s", err.msg);
			continue;
		}
		summarize(&nodes, &summary);
		ck_assert_str_eq(buf_text(&summary), row->summary);
	}
}
END_TEST

#define TASK(node, state, type)                                                                    \
	"{\"ServiceID\":\"s1\",\"NodeID\":\"" node "\",\"DesiredState\":\"" state                  \
	"\",\"Spec\":{\"ContainerSpec\":{\"Mounts\":[{\"Type\":\"" type "\"}]}}}"

static const struct stranger_row {
	const char *text, *tasks;
	const char *says; /* NULL: none */
} stranger_rows[] = {
    {"", "[]", NULL},
    {"", "[" TASK("a1", "running", "volume") "]", NULL},
    {"", "[" TASK("a1", "running", "volume") "," TASK("b2", "running", "volume") "]",
	"service db has a volume on node w2, which ENGINE_NODES does not name"},
    {"w2=tcp://x", "[" TASK("b2", "running", "volume") "]", NULL},
    {"w2=tcp://x", "[" TASK("c3", "running", "volume") "]", "service db has a volume on node c3"},
    {"", "[" TASK("b2", "shutdown", "volume") "]", NULL},
    {"", "[" TASK("b2", "running", "bind") "]", NULL},
    {"", "[" TASK("", "running", "volume") "]", NULL}, /* not placed yet */
    {"", "[{}]", NULL},
};

START_TEST(finds_who_is_out_of_reach)
{
	static const char nodes_answer[] = "[" NODE("a1", "m") "," NODE("b2", "w2") "]";
	static const char services_answer[] = "[{\"ID\":\"s0\",\"Spec\":{\"Name\":\"st_app\"}},"
					      "{\"ID\":\"s1\",\"Spec\":{\"Name\":\"st_db\"}}]";
	const struct stranger_row *row = &stranger_rows[_i];
	AUTO(nodes) nodes = {0};
	struct err err;
	char text[200] = "";
	AUTO_PTR(json) list = json_parse(nodes_answer, strlen(nodes_answer), &err);
	AUTO_PTR(json) services = json_parse(services_answer, strlen(services_answer), &err);
	AUTO_PTR(json) tasks = json_parse(row->tasks, strlen(row->tasks), &err);

	ck_assert_int_eq(nodes_read(row->text, &nodes, &err), 0);
	ck_assert_int_eq(nodes_settle(&nodes, list, "a1", &err), 0);
	bool is_found = nodes_find_stranger(&nodes, tasks, services, "st", text, sizeof(text));
	ck_assert_msg(is_found == (row->says != NULL), "%s", text);
	if (row->says)
		ck_assert_msg(strstr(text, row->says) != NULL, "%s", text);
}
END_TEST

static const struct reach_row {
	const char *method, *path;
	enum nodes_reach reach;
} reach_rows[] = {
    {NULL, "/services", NODES_MANAGER},
    {NULL, "/tasks/abc/logs?stdout=1", NODES_MANAGER},
    {"DELETE", "/networks/abc", NODES_MANAGER},
    {NULL, "/info", NODES_MANAGER},
    {NULL, "/containers/json", NODES_LISTED},
    {NULL, "/containers/json?all=1", NODES_LISTED},
    {"GET", "/volumes", NODES_LISTED},
    {NULL, "/volumes?filters=x", NODES_LISTED},
    {NULL, "/containers/jsonx/json", NODES_ONE},
    {NULL, "/containers/abc/json", NODES_ONE},
    {"PUT", "/containers/abc/archive?path=%2Fx", NODES_ONE},
    {"POST", "/containers/abc/exec", NODES_ONE},
    {"DELETE", "/containers/abc?force=1&v=1", NODES_ONE},
    {NULL, "/exec/abc/json", NODES_ONE},
    {"DELETE", "/volumes/st_data", NODES_EACH},
    {NULL, "/volumes/st_data", NODES_EACH},
    {NULL, "/images/web%3A1.0/json", NODES_ALL},
    {NULL, "/images/json", NODES_MANAGER},
    {"DELETE", "/images/web%3A1.0", NODES_MANAGER},
    {"POST", "/images/create?fromImage=x", NODES_MANAGER},
};

START_TEST(knows_whom_a_call_is_for)
{
	const struct reach_row *row = &reach_rows[_i];

	ck_assert_int_eq(nodes_reach(row->method, row->path), row->reach);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("nodes");
	TCase *tc = tcase_create("nodes");

	tcase_add_loop_test(tc, reads_the_setting, 0, COUNT_OF(read_rows));
	tcase_add_test(tc, names_no_more_than_it_asks);
	tcase_add_loop_test(tc, settles_names, 0, COUNT_OF(settle_rows));
	tcase_add_loop_test(tc, finds_who_is_out_of_reach, 0, COUNT_OF(stranger_rows));
	tcase_add_loop_test(tc, knows_whom_a_call_is_for, 0, COUNT_OF(reach_rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
