/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/abra/stack_config.h"

static const struct {
	const char *name, *value;
	bool is_danger;
} rows[] = {
    {"DOMAIN", "x.example.org", false},
    {"TZ", "Europe/Amsterdam", false},
    {"GOTRUE_SITE_URL", "x", false},
    {"PATHS", "x", false},
    {"MY_HOME", "/etc", false},
    {"LANG", "C", false},
    {"TZ", "/etc/shadow", true},
    {"TZ", ":/etc/shadow", true},
    {"TZ", "x/../../../etc/shadow", true},
    {"LD_PRELOAD", "./x.so", true},
    {"LD_LIBRARY_PATH", "", true},
    {"GLIBC_TUNABLES", "x", true},
    {"GODEBUG", "x", true},
    {"HOME", "/etc", true},
    {"PATH", ".", true},
    {"DOCKER_HOST", "tcp://x", true},
    {"DOCKER_CONFIG", ".", true},
    {"HTTPS_PROXY", "x", true},
    {"https_proxy", "x", true},
    {"SSL_CERT_FILE", "x", true},
    {"CCCI_RUN", "x", true},
};

START_TEST(finds_what_would_change_docker)
{
	AUTO(env) env = {0};

	env_set(&env, "STACK_NAME", "x");
	env_set(&env, rows[_i].name, rows[_i].value);
	const char *danger = stack_config_find_danger(&env);
	ck_assert_msg((danger != NULL) == rows[_i].is_danger, "%s=%s: %s", rows[_i].name,
	    rows[_i].value, danger ? danger : "none");
	if (danger)
		ck_assert_str_eq(danger, rows[_i].name);
}
END_TEST

static const struct {
	const char *said, *sentence;
} sentences[] = {
    {"services.app Additional property envirnment is not allowed\n",
	"docker refuses the recipe's compose files: services.app Additional property envirnment is "
	"not allowed"},
    {"time=\"2026-11-26T10:30:30Z\" level=warning msg=\"cannot expand\"\n"
     "open /r/abra/recipes/x/none.env: no such file or directory\n",
	"docker refuses the recipe's compose files: open none.env: no such file or directory"},
    {"1 error(s) decoding:\n\n* error one\n* error two",
	"docker refuses the recipe's compose files: 1 error(s) decoding: * error one * error two"},
    {"", "docker refuses the recipe's compose files: it does not say why"},
};

START_TEST(makes_one_sentence)
{
	char out[STACK_CONFIG_SENTENCE_SIZE];

	stack_config_sentence(sentences[_i].said, "/r/abra/recipes/x", out);
	ck_assert_str_eq(out, sentences[_i].sentence);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stack_config");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, finds_what_would_change_docker, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, makes_one_sentence, 0, COUNT_OF(sentences));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
