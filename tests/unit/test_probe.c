/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What answers say about an app; and addresses that do not answer. */
#include "harness.h"

#include "runner-plugin/swarm/probe.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* A suite owns its texts, so they are not const. */
#define OWN(text) ((char[]){text})
#define PLAIN "text/plain; charset=utf-8"
#define NOT_FOUND "404 page not found\n"

static const struct row {
	struct suite_probe probe;
	int status;
	const char *type, *body, *headers;
	enum probe_answer answer;
	const char *says;
} rows[] = {
    /* the default: below 500 */
    {{.path = OWN("/")}, 200, "text/html", "hello", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 302, "", "", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 401, "", "", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 404, "text/html", "<h1>404 page not found</h1>", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 404, PLAIN, "no such page\n", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 499, "", "", "", PROBE_GOOD, ""},
    {{.path = OWN("/")}, 500, "", "", "", PROBE_WRONG, "status 500"},
    {{.path = OWN("/")}, 501, "", "", "", PROBE_WRONG, "status 501"},
    {{.path = OWN("/")}, 505, "", "", "", PROBE_WRONG, "status 505"},
    /* the proxy's own */
    {{.path = OWN("/")}, 404, PLAIN, NOT_FOUND, "", PROBE_PROXY,
	"the proxy answers 404: no router"},
    {{.path = OWN("/")}, 404, "text/plain", "404 page not found", "", PROBE_PROXY, "404"},
    {{.path = OWN("/")}, 502, "", "Bad Gateway", "", PROBE_PROXY, "the proxy answers 502"},
    {{.path = OWN("/")}, 503, "", "", "", PROBE_PROXY, "503"},
    {{.path = OWN("/")}, 504, "", "", "", PROBE_PROXY, "504"},
    /* not through the proxy: nobody else can have said it */
    {{.path = OWN("/"), .service = OWN("app"), .port = 80}, 404, PLAIN, NOT_FOUND, "", PROBE_GOOD,
	""},
    {{.path = OWN("/"), .service = OWN("app"), .port = 80}, 502, "", "", "", PROBE_WRONG,
	"status 502"},
    /* statuses */
    {{.path = OWN("/"), .statuses = {200}, .status_count = 1}, 200, "", "", "", PROBE_GOOD, ""},
    {{.path = OWN("/"), .statuses = {200}, .status_count = 1}, 204, "", "", "", PROBE_WRONG,
	"status 204"},
    {{.path = OWN("/"), .statuses = {200}, .status_count = 1}, 404, PLAIN, NOT_FOUND, "",
	PROBE_PROXY, "404"},
    {{.path = OWN("/"), .statuses = {200, 503}, .status_count = 2}, 503, "", "", "", PROBE_GOOD,
	""},
    {{.path = OWN("/"), .statuses = {404}, .status_count = 1}, 404, PLAIN, NOT_FOUND, "",
	PROBE_GOOD, ""},
    /* content */
    {{.path = OWN("/"), .contains = OWN("ello")}, 200, "", "hello", "", PROBE_GOOD, ""},
    {{.path = OWN("/"), .contains = OWN("Ello")}, 200, "", "hello", "", PROBE_WRONG,
	"does not contain \"Ello\""},
    {{.path = OWN("/"), .contains = OWN("x")}, 200, "", "", "", PROBE_WRONG, "does not contain"},
    {{.path = OWN("/"), .title = OWN("My app")}, 200, "", "<html><title>My app</title>", "",
	PROBE_GOOD, ""},
    {{.path = OWN("/"), .title = OWN("My app")}, 200, "", "<TITLE lang=en>\n  My\n app </TITLE>",
	"", PROBE_GOOD, ""},
    {{.path = OWN("/"), .title = OWN("My app")}, 200, "", "<title>Setup</title>", "", PROBE_WRONG,
	"the title is \"Setup\", not \"My app\""},
    {{.path = OWN("/"), .title = OWN("My app")}, 200, "", "My app", "", PROBE_WRONG, "no title"},
    {{.path = OWN("/"), .title = OWN("My app")}, 200, "", "<title>My app", "", PROBE_WRONG,
	"no title"},
    {{.path = OWN("/"), .title = OWN("")}, 200, "", "<title></title>", "", PROBE_GOOD, ""},
    {{.path = OWN("/"), .header = OWN("X-App: one")}, 200, "", "",
	"HTTP/1.1 200 OK\r\nx-app:  one\r\n\r\n", PROBE_GOOD, ""},
    {{.path = OWN("/"), .header = OWN("X-App: one")}, 200, "", "", "X-App: one two\r\n",
	PROBE_WRONG, "no header \"X-App: one\""},
    {{.path = OWN("/"), .header = OWN("X-App: one")}, 200, "", "", "X-App-Two: one\r\n",
	PROBE_WRONG, NULL},
    {{.path = OWN("/"), .header = OWN("X-App: one")}, 200, "", "", "X-App:\r\n", PROBE_WRONG, NULL},
    {{.path = OWN("/"), .header = OWN("X-App: one")}, 200, "", "", "", PROBE_WRONG, NULL},
    /* the status comes first */
    {{.path = OWN("/"), .contains = OWN("x")}, 500, "", "hello", "", PROBE_WRONG, "status 500"},
};

START_TEST(judges_answer)
{
	const struct row *row = &rows[_i];
	AUTO(http_response)
	response = {.status = row->status, .body = buf_make(1000), .headers = buf_make(1000)};
	struct probe_result result = {.answer = PROBE_NO_ANSWER};

	ck_assert_int_eq(buf_add_text(&response.body, row->body), 0);
	ck_assert_int_eq(buf_add_text(&response.headers, row->headers), 0);
	ck_assert(copy_text(response.content_type, sizeof(response.content_type), row->type));
	probe_judge(&row->probe, &response, &result);
	ck_assert_msg(result.answer == row->answer, "%d: %s", (int)result.answer, result.reason);
	if (row->says)
		ck_assert_msg(strstr(result.reason, row->says) != NULL, "\"%s\"", result.reason);
	ck_assert_int_eq(result.answer == PROBE_GOOD, !*result.reason);
}
END_TEST

START_TEST(finds_text_behind_a_nul)
{
	AUTO(http_response) response = {.status = 200, .body = buf_make(1000)};
	struct suite_probe probe = {.path = OWN("/"), .contains = OWN("behind")};
	struct probe_result result;

	ck_assert_int_eq(buf_add(&response.body, "a\0behind", 8), 0);
	probe_judge(&probe, &response, &result);
	ck_assert_int_eq(result.answer, PROBE_GOOD);
}
END_TEST

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
	return fd;
}

START_TEST(connects_by_tcp)
{
	struct sockaddr_in address;
	auto_fd int fd = listen_on_loopback(&address);
	struct suite_probe probe = {
	    .kind = SUITE_TCP, .service = OWN("xmpp"), .port = ntohs(address.sin_port)};
	struct probe_target target = {.domain = "x.ci.test", .address = "127.0.0.1"};
	struct probe_result result;

	probe_run(&probe, &target, 2000, &result);
	ck_assert_int_eq(result.answer, PROBE_NO_ANSWER); /* bound, but not listening */
	ck_assert_int_eq(listen(fd, 1), 0);
	probe_run(&probe, &target, 2000, &result);
	ck_assert_msg(result.answer == PROBE_GOOD, "%s", result.reason);
	target.address = NULL;
	probe_run(&probe, &target, 2000, &result);
	ck_assert_int_eq(result.answer, PROBE_NO_ANSWER);
	ck_assert(strstr(result.reason, "no running task"));
	auto_str char *text = probe_describe(&probe);
	ck_assert(text_starts(text, "tcp "));
}
END_TEST

START_TEST(a_proxy_that_is_not_there_is_ours)
{
	struct sockaddr_in address;
	auto_fd int fd = listen_on_loopback(&address);
	auto_str char *connect_to = xasprintf("127.0.0.1:%d", ntohs(address.sin_port));
	struct probe_target target = {.domain = "x.ci.test", .connect_to = connect_to};
	struct probe_result result;

	probe_run(&probe_default, &target, 2000, &result);
	ck_assert_int_eq(result.answer, PROBE_NO_PROXY);
	/* It takes the connection and says nothing: it may be waiting for the app. */
	ck_assert_int_eq(listen(fd, 1), 0);
	probe_run(&probe_default, &target, 300, &result);
	ck_assert_int_eq(result.answer, PROBE_NO_ANSWER);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *tc = tcase_create("probe");

	tcase_add_loop_test(tc, judges_answer, 0, COUNT_OF(rows));
	tcase_add_test(tc, finds_text_behind_a_nul);
	tcase_add_test(tc, connects_by_tcp);
	tcase_add_test(tc, a_proxy_that_is_not_there_is_ours);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
