/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of engines, ssh's words for them, and what silence means. */
#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/swarm/endpoint.h"

static const struct good_row {
	const char *host, *cert_dir, *base, *ca, *user, *name, *port;
} good_rows[] = {
    {"unix:///run/d.sock", NULL, "http://docker", NULL, NULL, NULL, NULL},
    {"unix:///run/d.sock", "/c", "http://docker", NULL, NULL, NULL, NULL},
    {"tcp://10.0.0.1:2375", NULL, "http://10.0.0.1:2375", NULL, NULL, NULL, NULL},
    {"tcp://h:2376", "/c", "https://h:2376", "/c/ca.pem", NULL, NULL, NULL},
    {"ssh://h", "/c", "http://docker", NULL, NULL, "h", NULL},
    {"ssh://ci@swarm-1.example.org", NULL, "http://docker", NULL, "ci", "swarm-1.example.org",
	NULL},
    {"ssh://ci@10.0.0.1:2222/", NULL, "http://docker", NULL, "ci", "10.0.0.1", "2222"},
    {"ssh://[fe80::1]:22", NULL, "http://docker", NULL, NULL, "fe80::1", "22"},
    {"ssh://h:65535", NULL, "http://docker", NULL, NULL, "h", "65535"},
};

static void assert_same(const char *got, const char *wanted)
{
	ck_assert_msg((!got && !wanted) || (got && wanted && text_is(got, wanted)),
	    "\"%s\", not \"%s\"", got ? got : "none", wanted ? wanted : "none");
}

START_TEST(takes_an_address_apart)
{
	const struct good_row *row = &good_rows[_i];
	AUTO(endpoint) endpoint = {0};
	struct err err;

	ck_assert_msg(endpoint_read(row->host, row->cert_dir, &endpoint, &err) == 0, "%s", err.msg);
	assert_same(endpoint.address, row->host);
	assert_same(endpoint.base, row->base);
	assert_same(endpoint.ca, row->ca);
	assert_same(endpoint.user, row->user);
	assert_same(endpoint.host, row->name);
	assert_same(endpoint.port, row->port);
}
END_TEST

static const struct bad_row {
	const char *host, *complaint;
} bad_rows[] = {
    {"", "is neither"},
    {"http://host", "is neither"},
    {"unix://relative", "is neither"},
    {"tcp://", "is not tcp://host:port"},
    {"tcp://user@host:1", "is not tcp://host:port"},
    {"tcp://host:1/path", "is not tcp://host:port"},
    {"ssh://", "is not ssh://"},
    {"ssh://-oProxyCommand=x", "is not ssh://"},
    {"ssh://-l@host", "is not ssh://"},
    {"ssh://@host", "is not ssh://"},
    {"ssh://a@b@c", "is not ssh://"},
    {"ssh://host name", "is not ssh://"},
    {"ssh://user:pw@host", "is not ssh://"},
    {"ssh://host:", "is not ssh://"},
    {"ssh://host:0", "is not ssh://"},
    {"ssh://host:65536", "is not ssh://"},
    {"ssh://host/run/docker.sock", "is not ssh://"},
    {"ssh://[::1", "is not ssh://"},
    {"ssh://[::1]x", "is not ssh://"},
};

START_TEST(refuses_what_is_no_address)
{
	const struct bad_row *row = &bad_rows[_i];
	AUTO(endpoint) endpoint = {0};
	struct err err;

	ck_assert_int_eq(endpoint_read(row->host, NULL, &endpoint, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->complaint) != NULL, "%s", err.msg);
	ck_assert_ptr_null(endpoint.address);
}
END_TEST

static const struct words_row {
	const char *host, *words;
} words_rows[] = {
    {"ssh://h", " -- h docker system dial-stdio"},
    {"ssh://ci@h", " -l ci -- h docker system dial-stdio"},
    {"ssh://ci@h:22", " -l ci -p 22 -- h docker system dial-stdio"},
};

START_TEST(gives_ssh_its_words)
{
	const struct words_row *row = &words_rows[_i];
	const char *words[ENDPOINT_SSH_WORDS];
	AUTO(endpoint) endpoint = {0};
	AUTO(buf) line = buf_make(1000);
	struct err err;

	ck_assert_int_eq(endpoint_read(row->host, NULL, &endpoint, &err), 0);
	endpoint_ssh_arguments(&endpoint, "/usr/bin/ssh", words);
	for (size_t i = 0; words[i]; i++)
		ck_assert_int_eq(buf_printf(&line, "%s ", words[i]), 0);
	buf_text(&line);
	ck_assert(text_starts(line.data, "/usr/bin/ssh -T -o BatchMode=yes "));
	line.data[line.length - 1] = '\0';
	ck_assert_msg(text_ends(line.data, row->words), "%s", line.data);
	ck_assert_ptr_null(strstr(line.data, "StrictHostKeyChecking"));
}
END_TEST

#define SSH "ssh://ci@h"
#define TCP "tcp://h:2376"

static const struct silence_row {
	const char *host, *said;
	enum err_code code;
	const char *text;
	bool is_plain; /* no TLS */
	bool has_answered;
} silence_rows[] = {
    {"unix:///run/d.sock", "Couldn't connect to server", ERR_TRANSIENT,
	"the engine at unix:///run/d.sock does not answer"},
    {"unix:///run/d.sock", "Permission denied (", ERR_TRANSIENT, "does not answer"},
    {TCP, "Failed to connect to h port 2376: Connection refused", ERR_TRANSIENT,
	"the engine at tcp://h:2376 does not answer: Failed to connect to h port 2376"},
    {TCP, "GET h/version: SSL certificate problem: unable to get local issuer certificate",
	ERR_CONFIG, "is not by the authority of ca.pem"},
    {TCP, "SSL: no alternative certificate subject name matches target host name 'h'", ERR_CONFIG,
	"for another name"},
    {TCP, "SSL certificate problem: certificate has expired", ERR_CONFIG, "has expired"},
    {TCP, "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
	ERR_CONFIG, "refuses our certificate"},
    {TCP, "OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad certificate, errno 0",
	ERR_CONFIG, "refuses our certificate"},
    {TCP, "GET h/version: Send failure: Broken pipe", ERR_TRANSIENT, "refuses our certificate"},
    {TCP, "GET h/version: Recv failure: Connection reset by peer", ERR_TRANSIENT, "it hung up"},
    {TCP, "GET h/version: Send failure: Broken pipe", ERR_TRANSIENT, "does not answer", true},
    {TCP, "GET h/v1.41/tasks: Recv failure: Connection reset by peer", ERR_TRANSIENT,
	"does not answer: GET h/v1.41/tasks: Recv failure: Connection reset", false, true},
    {TCP, "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
	ERR_CONFIG, "refuses our certificate", false, true},
    {TCP, "GET h/v: getpeername() failed with errno 107: Transport endpoint is not connected",
	ERR_TRANSIENT, "it hung up"},
    {TCP, "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number", ERR_CONFIG,
	"speaks no TLS"},
    {TCP, "unable to set private key file: '/c/key.pem' type PEM", ERR_CONFIG, "key.pem"},
    {TCP, "Client sent an HTTP request to an HTTPS server.\n", ERR_CONFIG, "set DOCKER_CERT_PATH"},
    {SSH, "", ERR_TRANSIENT, "the engine at ssh://ci@h does not answer"},
    {SSH,
	"No ED25519 host key is known for h and you have requested strict checking.\r\n"
	"Host key verification failed.\r\n",
	ERR_CONFIG, "its host key is not known"},
    {SSH,
	"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n...\n"
	"Host key verification failed.\n",
	ERR_CONFIG, "another one than before"},
    {SSH, "banner\nci@h: Permission denied (publickey).\r\n", ERR_CONFIG, "refuses our key"},
    {SSH, "bash: line 1: docker: command not found\n", ERR_CONFIG, "no docker program"},
    {SSH,
	"permission denied while trying to connect to the Docker daemon socket at "
	"unix:///var/run/docker.sock\n",
	ERR_CONFIG, "group docker"},
    {SSH, "ssh: connect to host h port 22: Connection refused\r\n", ERR_TRANSIENT,
	"does not answer: ssh: connect to host h port 22: Connection refused"},
    {SSH, "ssh: Could not resolve hostname h: Name or service not known", ERR_TRANSIENT,
	"Could not resolve"},
};

START_TEST(says_what_to_do)
{
	const struct silence_row *row = &silence_rows[_i];
	AUTO(endpoint) endpoint = {0};
	struct err err = {0};

	ck_assert_int_eq(endpoint_read(row->host, row->is_plain ? NULL : "/c", &endpoint, &err), 0);
	endpoint_explain(&endpoint, row->said, row->has_answered, &err);
	ck_assert_msg(err.code == row->code, "%d: %s", err.code, err.msg);
	ck_assert_msg(strstr(err.msg, row->text) != NULL, "%s", err.msg);
}
END_TEST

static const struct turned_away_row {
	const char *host, *said;
	bool is_turned_away;
} turned_away_rows[] = {
    {SSH, "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by h\n",
	true},
    {SSH, "Connection timed out during banner exchange\nConnection to h port 22 timed out", true},
    {SSH, "Connection reset by h port 22\n", false}, /* somewhere: perhaps it was heard */
    {SSH, "", false},
    {TCP, "kex_exchange_identification", false},
};

START_TEST(knows_who_was_not_let_in)
{
	const struct turned_away_row *row = &turned_away_rows[_i];
	AUTO(endpoint) endpoint = {0};
	struct err err;

	ck_assert_int_eq(endpoint_read(row->host, NULL, &endpoint, &err), 0);
	ck_assert_int_eq(endpoint_was_turned_away(&endpoint, row->said), row->is_turned_away);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *tc = tcase_create("endpoint");

	tcase_add_loop_test(tc, takes_an_address_apart, 0, COUNT_OF(good_rows));
	tcase_add_loop_test(tc, refuses_what_is_no_address, 0, COUNT_OF(bad_rows));
	tcase_add_loop_test(tc, gives_ssh_its_words, 0, COUNT_OF(words_rows));
	tcase_add_loop_test(tc, says_what_to_do, 0, COUNT_OF(silence_rows));
	tcase_add_loop_test(tc, knows_who_was_not_let_in, 0, COUNT_OF(turned_away_rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
