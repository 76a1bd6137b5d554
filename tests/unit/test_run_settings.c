/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/settings.h"

/* Each setting wrong in each way: one line that names it, and nothing loaded. */
static const char *const wrong[] = {
    "GITEA_URL=git.example.org",
    "GITEA_URL=ftp://git.example.org",
    "GITEA_URL=https://user:pw@git.example.org",
    "GITEA_URL=https://git.example.org/?x=1",
    "GITEA_URL=https://git.exa\nmple.org",
    "ZONE=",
    "ZONE=localhost",
    "ZONE=../ci",
    "ZONE=-x.example.org",
    "ZONE=.example.org",
    "ZONE=ci..example.org",
    "ZONE=${IFS}.org",
    "ZONE=CI.example.org",
    "DRONE_URL=-x",
    "WOODPECKER_URL=-x",
    "ABRA=-x",
    "ABRA_DIR=abra",
    "ABRA_DIR=../abra",
    "ABRA_SERVER=-x",
    "ABRA_SERVER=a/b",
    "ABRA_SERVER=${IFS}",
    "DOCKER_HOST=/var/run/docker.sock",
    "DOCKER_HOST=http://x",
    "DOCKER_CERT_PATH=certs",
    "ENGINE_NODES=worker2",
    "ENGINE_NODES=w=tcp://a,w=tcp://b",
    "RECIPE_ORG=a/b",
    "RECIPE_ORG=-x",
    "SUITES=-x",
    "MAX_TESTS=0",
    "MAX_TESTS=-1",
    "MAX_TESTS=two",
    "MAX_TESTS=9999999999999999999999",
    "RUN_TIMEOUT=55",
    "RUN_TIMEOUT=1m30s",
    "RUN_TIMEOUT=-1m",
    "RUN_TIMEOUT=1s",
    "DEPLOY_TIMEOUT=soon",
    "CRASH_LOOP=3",
    "CRASH_LOOP=0/120s",
    "CRASH_LOOP=3/0s",
    "CRASH_LOOP=three/120s",
    "CCCI_JANITOR_MAX_AGE=old",
    "CCCI_JANITOR_MAX_AGE=31d",
    "PRUNE_BELOW=0",
    "PRUNE_BELOW=100",
    "PRUNE_BELOW=15%",
    "KEEP_MAX=5h",
    "KEEP_MAX=30",
    "SHARED_NEEDS=*",
    "SHARED_NEEDS=keycloak, authentik",
    "SHARED_IDLE=0s",
    "SHARED_IDLE=25h",
    "PROBE_CONNECT=443",
    "PROBE_CONNECT=127.0.0.1:0",
    "PROBE_CONNECT=127.0.0.1:99999",
    "PROBE_CA_FILE=ca.pem",
    "NETWORKS_ALLOW=proxy, monitoring",
    "NETWORKS_ALLOW=a/b",
    "BACKUP_BOT=always",
    "BACKUP_BOT=a\"]=b",
    "BACKUP_BOT=-x=y",
    "RECIPE_TESTS_ALLOW=all of them",
    "RECIPE_TESTS_ALLOW=custom-html,*",
    "PICTURE=maybe",
    "MAX_REPLICAS=0",
    "MAX_REPLICAS=many",
    "MAX_MEMORY=0",
    "MAX_MEMORY=1m",
    "MAX_MEMORY=lots",
    "MAX_MEMORY=-1g",
    "HISTORY_RUNS=0",
    "HISTORY_RUNS=100001",
    "HISTORY_BYTES=0",
    "HISTORY_BYTES=3m",
    "HISTORY_BYTES=all",
    "STATE_DIR=state",
    "STATE_DIR=../state",
    "LOG_LEVEL=loud",
    "GIT_TOKEN_FILE=/nonexistent",
};

START_TEST(refuses_a_wrong_value_by_name)
{
	const char *const environ[] = {wrong[_i], "ZONE=ci.example.org", NULL};
	const struct conf_sources sources = {.environ = environ};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};
	auto_str char *name = xstrndup(wrong[_i], strcspn(wrong[_i], "="));

	ck_assert_msg(
	    settings_load(&sources, &settings, &mistakes) == -1, "accepted %s", wrong[_i]);
	ck_assert_msg(
	    strstr(buf_text(&mistakes), name) != NULL, "%s: %s", wrong[_i], buf_text(&mistakes));
	ck_assert_ptr_null(settings.zone);
}
END_TEST

START_TEST(needs_a_zone)
{
	const char *const environ[] = {NULL};
	const struct conf_sources sources = {.environ = environ};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};

	ck_assert_int_eq(settings_load(&sources, &settings, &mistakes), -1);
	ck_assert_msg(strstr(buf_text(&mistakes), "ZONE") != NULL, "%s", buf_text(&mistakes));
}
END_TEST

START_TEST(fills_in_defaults)
{
	const char *const environ[] = {"ZONE=ci.example.org", "HOME=/home/me", NULL};
	const struct conf_sources sources = {.environ = environ};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};

	ck_assert_msg(
	    settings_load(&sources, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert_str_eq(settings.abra_dir, "/home/me/.abra");
	ck_assert_str_eq(settings.probe_connect, "127.0.0.1:443");
	ck_assert_int_eq(settings.run_timeout_ms, 55 * 60 * 1000);
	ck_assert_int_eq(settings.crash_loop_failures, 3);
	ck_assert_int_eq(settings.crash_loop_within_ms, 120000);
	ck_assert_int_eq(settings.max_tests, 1);
	ck_assert_int_eq(settings.keep_max_ms, 0);
	ck_assert_ptr_null(settings.shared_needs);
	ck_assert_int_eq(settings.shared_idle_ms, 15 * 60 * 1000);
	ck_assert_int_eq(settings.prune_below, 15);
	ck_assert_int_eq(settings.history_runs, 200);
	ck_assert_int_eq(settings.history_bytes, INT64_C(2) * 1024 * 1024 * 1024);
	ck_assert_str_eq(settings.networks_allow, "proxy");
	ck_assert_str_eq(settings.backup_bot, "coop-cloud.backupbot.enabled=true");
	ck_assert_ptr_null(settings.recipe_tests_allow);
	ck_assert(!settings.picture);
	ck_assert_int_eq(settings.max_replicas, 10);
	ck_assert_int_eq(settings.max_memory, 0);
	settings_release(&settings);
}
END_TEST

START_TEST(reads_a_size)
{
	const char *const environ[] = {"ZONE=ci.example.org", "MAX_MEMORY=1.5g", NULL};
	const struct conf_sources sources = {.environ = environ};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};

	ck_assert_int_eq(settings_load(&sources, &settings, &mistakes), 0);
	ck_assert_int_eq(settings.max_memory, INT64_C(1536) * 1024 * 1024);
	settings_release(&settings);
}
END_TEST

START_TEST(takes_no_home_from_a_step)
{
	static const char *const marks[] = {"DRONE_BUILD_NUMBER=41", "CI=woodpecker"};
	const char *const environ[] = {
	    "ZONE=ci.example.org", "HOME=/tmp/drone-x/home", marks[_i], NULL};
	const struct conf_sources sources = {.environ = environ};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};

	ck_assert_int_eq(settings_load(&sources, &settings, &mistakes), 0);
	ck_assert_msg(!text_starts(settings.abra_dir, "/tmp/drone-x"), "%s", settings.abra_dir);
	settings_release(&settings);
}
END_TEST

START_TEST(keeps_age_zero_for_one_slot)
{
	const char *const one[] = {"ZONE=ci.example.org", "CCCI_JANITOR_MAX_AGE=0s", NULL};
	const char *const two[] = {
	    "ZONE=ci.example.org", "CCCI_JANITOR_MAX_AGE=0s", "MAX_TESTS=2", NULL};
	const struct conf_sources with_one = {.environ = one};
	const struct conf_sources with_two = {.environ = two};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings = {0};

	ck_assert_msg(
	    settings_load(&with_one, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	settings_release(&settings);
	ck_assert_int_eq(settings_load(&with_two, &settings, &mistakes), -1);
	ck_assert_msg(
	    strstr(buf_text(&mistakes), "CCCI_JANITOR_MAX_AGE") != NULL, "%s", buf_text(&mistakes));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("run_settings");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, refuses_a_wrong_value_by_name, 0, COUNT_OF(wrong));
	tcase_add_test(tc, needs_a_zone);
	tcase_add_test(tc, fills_in_defaults);
	tcase_add_test(tc, reads_a_size);
	tcase_add_loop_test(tc, takes_no_home_from_a_step, 0, 2);
	tcase_add_test(tc, keeps_age_zero_for_one_slot);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
