/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logins of a docker configuration on disk, and credential helpers that give, know none, or fail.
 */
#include "harness.h"

#include "common/buf.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/swarm/login.h"

#include <sys/stat.h>

static char *write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, mode, text, strlen(text), &err), 0);
	return path;
}

static struct login find(char *dir, const char *image)
{
	struct settings settings = {.docker_config = dir, .home = dir};
	AUTO(logins) logins = {0};
	struct login login;
	struct err err = {0};
	auto_str char *path = xasprintf("%s:/usr/bin:/bin", dir);

	ck_assert_msg(logins_open(&settings, path, &logins, &err) == 0, "%s", err.msg);
	login_find(&logins, image, -1, &login);
	return login;
}

static const struct row {
	const char *helper; /* its script */
	const char *account;
	const char *problem;
} rows[] = {
    {"read -r server; [ \"$1 $server\" = 'get r.example:5000' ] && [ \"$HOME\" = "
     "\"$DOCKER_CONFIG\" "
     "] || exit 3; echo '{\"Username\":\"alice\",\"Secret\":\"hunter22\"}'",
	"alice", NULL},
    {"echo '{\"Username\":\"<token>\",\"Secret\":\"hunter22\"}'", "a token", NULL},
    {"echo 'credentials not found in native keychain'; exit 1", NULL, NULL},
    {"echo 'credentials not found in native keychain'; exit 2", NULL,
	"docker-credential-test get: exit status 2"},
    {"echo 'the keychain is locked'; exit 1", NULL, "docker-credential-test get: exit status 1"},
    {"echo nonsense", NULL, "docker-credential-test get: "},
    {"echo '{}'", NULL, "docker-credential-test get: its answer has no Username and Secret"},
    {NULL, NULL, "docker-credential-test"},
};

START_TEST(asks_helpers)
{
	const struct row *row = &rows[_i];
	auto_str char *dir = harness_dir();
	free(write_file(dir, "config.json", "{\"credsStore\":\"test\"}", 0600));

	if (row->helper) {
		auto_str char *text = xasprintf("#!/bin/sh\n%s\n", row->helper);
		free(write_file(dir, "docker-credential-test", text, 0700));
	}
	AUTO(login) login = find(dir, "r.example:5000/a:1");
	if (row->account)
		ck_assert_msg(
		    login.account && text_is(login.account, row->account), "%s", login.problem);
	ck_assert((login.header != NULL) == (row->account != NULL));
	ck_assert_msg((login.problem != NULL) == (row->problem != NULL), "%s", login.problem);
	if (row->problem)
		ck_assert_msg(strstr(login.problem, row->problem), "%s", login.problem);
}
END_TEST

START_TEST(masks_what_it_reads)
{
	auto_str char *dir = harness_dir();
	free(write_file(dir, "config.json",
	    "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"Ym9iOmh1bnRlcjIyMw==\"}}}",
	    0600));
	AUTO(login) login = find(dir, "nginx:1.27");
	AUTO(buf) masked = buf_make(4096);

	ck_assert_str_eq(login.account, "bob");
	auto_str char *text = xasprintf("x hunter223 %s Ym9iOmh1bnRlcjIyMw== y", login.header);
	(void)log_mask_text(&masked, text, strlen(text));
	log_mask_reset();
	ck_assert_str_eq(buf_text(&masked), "x *** *** *** y");
}
END_TEST

START_TEST(needs_no_configuration)
{
	auto_str char *dir = harness_dir();
	AUTO(login) login = find(dir, "nginx:1.27");

	ck_assert(!login.account && !login.header && !login.problem);
}
END_TEST

START_TEST(a_broken_configuration_is_the_operators)
{
	auto_str char *dir = harness_dir();
	auto_str char *config = write_file(dir, "config.json", "{", 0600);
	struct settings settings = {.docker_config = dir, .home = dir};
	AUTO(logins) logins = {0};
	struct err err = {0};

	ck_assert_int_eq(logins_open(&settings, "/usr/bin", &logins, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, config), "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("login");
	TCase *tc = tcase_create("login");

	tcase_add_loop_test(tc, asks_helpers, 0, COUNT_OF(rows));
	tcase_add_test(tc, masks_what_it_reads);
	tcase_add_test(tc, needs_no_configuration);
	tcase_add_test(tc, a_broken_configuration_is_the_operators);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
