/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds a port of the host, in the engine's lists. */
#include "harness.h"

#include "runner-plugin/swarm/holder.h"

/* A service in ingress mode, which is in no container's list, and a container of nobody's. */
static const char others[] =
    "[{\"Spec\":{\"Name\":\"proxy_app\"},\"Endpoint\":{\"Ports\":[{\"Protocol\":\"tcp\","
    "\"TargetPort\":80,\"PublishedPort\":80,\"PublishMode\":\"ingress\"}]}},"
    "{\"Spec\":{\"Name\":\"rec_app\"},\"Endpoint\":{\"Ports\":[{\"Protocol\":\"tcp\","
    "\"PublishedPort\":81,\"PublishMode\":\"ingress\"}]}},3,{\"Spec\":{}}]";
static const char containers[] =
    "[{\"Names\":[\"/mine\"],\"Labels\":{},\"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":53,"
    "\"PublicPort\":5353,\"Type\":\"udp\"}]},"
    "{\"Names\":[\"/rec_app.1.x\"],\"Labels\":{\"com.docker.swarm.service.name\":\"rec_app\"},"
    "\"Ports\":[{\"PublicPort\":82,\"Type\":\"tcp\"}]},"
    "{\"Names\":[\"/rec2_app.1.x\"],\"Labels\":{\"com.docker.swarm.service.name\":\"rec2_app\"},"
    "\"Ports\":[{\"PublicPort\":83,\"Type\":\"tcp\"}]},"
    "3,null,{\"Names\":[],\"Ports\":[{\"PublicPort\":\"84\",\"Type\":\"tcp\"},{\"PublicPort\":84}]}"
    "]";

static const struct row {
	int64_t first, second; /* ports of the service; 0: none */
	const char *protocol;
	const char *says; /* NULL: nobody */
} rows[] = {
    {80, 0, "tcp", "host port 80 is held by service proxy_app"},
    {80, 0, "udp", NULL},
    {5353, 0, "udp", "host port 5353 is held by container mine"},
    {5353, 0, "tcp", NULL},
    {81, 0, "tcp", NULL}, /* the stack's own */
    {82, 0, "tcp", NULL},
    {83, 0, "tcp", "host port 83 is held by service rec2_app"},
    {84, 0, "tcp", NULL},
    {9, 83, "tcp", "host port 83 is held by service rec2_app"},
    {0, 0, "tcp", NULL},
};

START_TEST(finds_row)
{
	const struct row *row = &rows[_i];
	char *protocol = xstrdup(row->protocol);
	struct view_port ports[] = {{protocol, row->first}, {protocol, row->second}};
	struct view_service service = {
	    .ports = ports, .port_count = (size_t)(row->first > 0) + (size_t)(row->second > 0)};
	struct err err;
	AUTO_PTR(json) services = json_parse(others, strlen(others), &err);
	AUTO_PTR(json) list = json_parse(containers, strlen(containers), &err);

	ck_assert(services && list);
	auto_str char *holder = holder_find(&service, "rec", services, list);
	free(protocol);
	if (row->says)
		ck_assert_str_eq(holder, row->says);
	else
		ck_assert_msg(!holder, "%s", holder);
}
END_TEST

START_TEST(finds_it_in_a_recorded_list)
{
	AUTO_PTR(json) services = harness_engine_answer("global.services");
	AUTO_PTR(json) list = harness_engine_answer("global.containers");
	char protocol[] = "tcp";
	struct view_port port = {protocol, 18090};
	struct view_service service = {.ports = &port, .port_count = 1};
	auto_str char *other = holder_find(&service, "other", services, list);
	auto_str char *own = holder_find(&service, "global-rec", services, list);

	ck_assert_str_eq(other, "host port 18090 is held by service global-rec_gport2");
	ck_assert_ptr_null(own);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("holder");
	TCase *tc = tcase_create("holder");

	tcase_add_loop_test(tc, finds_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, finds_it_in_a_recorded_list);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
