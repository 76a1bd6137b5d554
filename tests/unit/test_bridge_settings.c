/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/settings.h"
#include "common/log.h"

#define REQUIRED                                                                                   \
	"GITEA_URL=https://git.example.org", "GITEA_TOKEN=0123456789abcdef",                       \
	    "DRONE_URL=https://drone.example.org/", "DRONE_TOKEN=fedcba9876543210",                \
	    "CI_REPO=org/cc-ci", "POLL_REPOS=org/custom-html, org/*,other/x"
#define REQUIRED_COUNT 6

static int load(const char *const *environ, struct bridge_settings *out, struct buf *mistakes)
{
	struct conf_sources sources = {.environ = environ};

	return bridge_settings_load(&sources, out, mistakes);
}

START_TEST(defaults)
{
	const char *environ[] = {REQUIRED, NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	ck_assert_msg(load(environ, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(settings.poll_interval_ms, 30000);
	ck_assert(!settings.auto_test || !settings.auto_test[0]);
	ck_assert(!settings.nightly || !settings.nightly[0]);
	ck_assert_int_eq(settings.nightly_min, NIGHT_OFF);
	ck_assert(!settings.notify_command || !settings.notify_command[0]);
	ck_assert_str_eq(settings.ci_branch, "main");
	ck_assert_str_eq(settings.trigger, "!testme");
	ck_assert_int_eq(settings.max_comment_age_ms, 3600000);
	ck_assert_str_eq(settings.listen, "127.0.0.1:8080");
	ck_assert_ptr_null(settings.public_url);
	ck_assert(!settings.pages_private);
	ck_assert(!settings.webhook_autoregister);
	ck_assert(!settings.commit_status);
	ck_assert_int_eq(settings.build_timeout_ms, 3600000);
	ck_assert_str_eq(settings.state_dir, "/var/lib/ccci-bridge");
	ck_assert_int_eq(settings.history_age_ms, INT64_C(180) * 24 * 3600 * 1000);
	ck_assert_int_eq(settings.history_runs, 200);
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_INFO);
	ck_assert_int_eq(settings.ci_engine, BRIDGE_ENGINE_DRONE);
	ck_assert_uint_eq(settings.hook_keys.count, 0);
	ck_assert_uint_eq(settings.enrolment_count, 3);
	ck_assert_str_eq(settings.enrolments[0].repo, "org/custom-html");
	ck_assert_str_eq(settings.enrolments[1].owner, "org");
	ck_assert_str_eq(settings.enrolments[1].repo, "");
	ck_assert_str_eq(settings.enrolments[2].repo, "other/x");
	ck_assert(!bridge_settings_allow(&settings, "anyone"));
	ck_assert(!bridge_settings_allow(&settings, ""));
	ck_assert(!bridge_settings_allow_with_tests(&settings, "carol"));
}
END_TEST

START_TEST(nightly_is_a_minute)
{
	const char *environ[] = {REQUIRED, "NIGHTLY=03:10", NULL};
	const char *empty[] = {REQUIRED, "NIGHTLY=", NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(bridge_settings) off = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	ck_assert_msg(load(environ, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(settings.nightly_min, 190);
	ck_assert_msg(load(empty, &off, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(off.nightly_min, NIGHT_OFF);
}
END_TEST

static const struct auto_row {
	const char *user, *branch;
	bool is_tested;
} autos[] = {
    {"renovate", "renovate/nginx", true},
    {"Renovate", "renovate/nginx", true},
    {"renovate", "main", false},
    {"renovate", "", false},
    {"renovat", "renovate/nginx", false},
    {"updater", "anything", true},
    {"", "anything", false},
    {"renovate:renovate/", "renovate/", false},
};

START_TEST(auto_test_names_users_and_branches)
{
	const char *environ[] = {REQUIRED, "AUTO_TEST=renovate:renovate/, updater", NULL};
	const char *without[] = {REQUIRED, NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(bridge_settings) none = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	ck_assert_msg(load(environ, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(bridge_settings_auto_test(&settings, autos[_i].user, autos[_i].branch),
	    autos[_i].is_tested);
	ck_assert_msg(load(without, &none, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert(!bridge_settings_auto_test(&none, autos[_i].user, autos[_i].branch));
}
END_TEST

START_TEST(allowlist_does_not_tell_case)
{
	const char *environ[] = {
	    REQUIRED, "AUTH_ALLOWLIST=alice, Bob", "WITH_TESTS_ALLOW=Carol", NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	ck_assert_msg(load(environ, &settings, &mistakes) == 0, "%s", buf_text(&mistakes));
	ck_assert(bridge_settings_allow(&settings, "alice"));
	ck_assert(bridge_settings_allow(&settings, "bob"));
	ck_assert(!bridge_settings_allow(&settings, "bo"));
	ck_assert(!bridge_settings_allow(&settings, "bobby"));
	ck_assert(!bridge_settings_allow(&settings, ""));
	ck_assert(!bridge_settings_allow(&settings, "carol"));
	ck_assert(bridge_settings_allow_with_tests(&settings, "carol"));
	ck_assert(!bridge_settings_allow_with_tests(&settings, "alice"));
}
END_TEST

/* Each setting wrong in each way: one mistake that names it. */
static const struct {
	const char *name;
	const char *value;
} bad[] = {
    {"GITEA_URL", ""},
    {"GITEA_URL", "git.example.org"},
    {"GITEA_URL", "ftp://git.example.org"},
    {"GITEA_URL", "https://user@git.example.org"},
    {"GITEA_URL", "https://git.example.org/?x=1"},
    {"GITEA_URL", "https://git.example.org\n"},
    {"GITEA_TOKEN", ""},
    {"GITEA_TOKEN", "a\nb"},
    {"DRONE_URL", ""},
    {"DRONE_URL", "-x"},
    {"DRONE_TOKEN", ""},
    {"CI_ENGINE", "jenkins"},
    {"HISTORY_AGE", "23h"},
    {"HISTORY_AGE", "4000d"},
    {"HISTORY_RUNS", "0"},
    {"HISTORY_RUNS", "all"},
    {"WOODPECKER_URL", "-x"},
    {"CI_REPO", ""},
    {"CI_REPO", "cc-ci"},
    {"CI_REPO", "org/cc-ci/x"},
    {"CI_REPO", "../cc-ci"},
    {"CI_REPO", "org/.."},
    {"CI_REPO", "-x/y"},
    {"CI_REPO", "org/${IFS}"},
    {"CI_BRANCH", ""},
    {"CI_BRANCH", "-x"},
    {"CI_BRANCH", "a..b"},
    {"CI_BRANCH", "a b"},
    {"CI_BRANCH", "a\tb"},
    {"POLL_REPOS", ""},
    {"POLL_REPOS", "org"},
    {"POLL_REPOS", "org/a,,org/b"},
    {"POLL_REPOS", "org/a,"},
    {"POLL_REPOS", "*/*"},
    {"POLL_REPOS", "org/../x"},
    {"POLL_REPOS", "org/a b"},
    {"POLL_INTERVAL", ""},
    {"POLL_INTERVAL", "30"},
    {"POLL_INTERVAL", "61s"},
    {"POLL_INTERVAL", "2m"},
    {"POLL_INTERVAL", "0s"},
    {"POLL_INTERVAL", "500ms"},
    {"POLL_INTERVAL", "-1s"},
    {"POLL_INTERVAL", "99999999999999999999s"},
    {"TRIGGER", ""},
    {"TRIGGER", "two words"},
    {"TRIGGER", "\xc3\xa4"},
    {"AUTH_ALLOWLIST", "a,,b"},
    {"WITH_TESTS_ALLOW", "a b"},
    {"NIGHTLY", "24:00"},
    {"NOTIFY_COMMAND", "mail"},
    {"NOTIFY_COMMAND", "/nowhere/tell"},
    {"NOTIFY_COMMAND", "/tmp"},
    {"NOTIFY_COMMAND", "/bin/sh -c true"},
    {"NIGHTLY", "3:00"},
    {"AUTO_TEST", "a,,b"},
    {"AUTO_TEST", "a b"},
    {"AUTO_TEST", "a:"},
    {"AUTO_TEST", ":renovate/"},
    {"AUTO_TEST", "a:b:c"},
    {"AUTO_TEST", "../x"},
    {"AUTH_ALLOWLIST", "a b"},
    {"AUTH_ALLOWLIST", "../x"},
    {"MAX_COMMENT_AGE", "1s"},
    {"MAX_COMMENT_AGE", "31d"},
    {"MAX_COMMENT_AGE", "soon"},
    {"LISTEN", ""},
    {"LISTEN", "8080"},
    {"LISTEN", "localhost"},
    {"LISTEN", "127.0.0.1:99999"},
    {"LISTEN", "127.0.0.1:"},
    {"WEBHOOK_SECRET", "short"},
    {"WEBHOOK_SECRET", "0123456789abcdef,short"},
    {"WEBHOOK_SECRET", "0123456789abcdef,"},
    {"WEBHOOK_AUTOREGISTER", "perhaps"},
    {"COMMIT_STATUS", "perhaps"},
    {"BUILD_TIMEOUT", "0m"},
    {"BUILD_TIMEOUT", "90s"},
    {"BUILD_TIMEOUT", "25h"},
    {"STATE_DIR", "state"},
    {"STATE_DIR", ""},
    {"LOG_LEVEL", "loud"},
};

static const char *name_of(const char *assignment, char out[64])
{
	(void)snprintf(out, 64, "%.*s", (int)strcspn(assignment, "="), assignment);
	return out;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

START_TEST(each_wrong_value_is_one_mistake)
{
	static const char *const required[] = {REQUIRED};
	const char *environ[REQUIRED_COUNT + 2] = {NULL};
	auto_str char *assignment = xasprintf("%s=%s", bad[_i].name, bad[_i].value);
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	size_t count = 0;
	char name[64];

	for (size_t i = 0; i < REQUIRED_COUNT; i++) {
		if (!text_is(name_of(required[i], name), bad[_i].name))
			environ[count++] = required[i];
	}
	environ[count] = assignment;
	ck_assert_msg(load(environ, &settings, &mistakes) == -1, "%s was taken", assignment);
	ck_assert_msg(strstr(buf_text(&mistakes), bad[_i].name) != NULL, "%s: %s", assignment,
	    buf_text(&mistakes));
	ck_assert_msg(
	    count_lines(buf_text(&mistakes)) == 1, "%s: %s", assignment, buf_text(&mistakes));
	ck_assert_ptr_null(settings.gitea_url);
	ck_assert_msg(!strstr(buf_text(&mistakes), "0123456789abcdef"), "a secret is in: %s",
	    buf_text(&mistakes));
}
END_TEST

/* Each engine wants its own two, and not the other's. */
START_TEST(wants_what_the_engine_needs)
{
	static const char *const rows[][4] = {
	    {"WOODPECKER_URL=https://ci.example.org", "WOODPECKER_TOKEN=abcdefgh12345678", NULL},
	    {"WOODPECKER_URL=https://ci.example.org", "WOODPECKER_TOKEN=", "WOODPECKER_TOKEN: "},
	    {"WOODPECKER_URL=", "WOODPECKER_TOKEN=abcdefgh12345678", "WOODPECKER_URL: "},
	    {"DRONE_URL=https://drone.example.org", "DRONE_TOKEN=abcdefgh12345678",
		"WOODPECKER_URL: "},
	};
	const char *const environ[] = {"GITEA_URL=https://git.example.org",
	    "GITEA_TOKEN=0123456789abcdef", "CI_REPO=org/cc-ci", "POLL_REPOS=org/*",
	    "CI_ENGINE=woodpecker", rows[_i][0], rows[_i][1], NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	int result = load(environ, &settings, &mistakes);

	if (rows[_i][2]) {
		ck_assert_int_eq(result, -1);
		ck_assert_msg(
		    text_starts(buf_text(&mistakes), rows[_i][2]), "%s", buf_text(&mistakes));
		ck_assert_ptr_nonnull(strstr(buf_text(&mistakes), "CI_ENGINE=woodpecker"));
		return;
	}
	ck_assert_msg(result == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(settings.ci_engine, BRIDGE_ENGINE_WOODPECKER);
	ck_assert_str_eq(settings.woodpecker_url, "https://ci.example.org");
}
END_TEST

/* Where the webhooks lead has to be told, and what deliveries are signed with. */
static const struct {
	const char *url, *secret, *listen;
	const char *missing; /* NULL: nothing */
} hook_rows[] = {
    {"https://ci.example.org", "0123456789abcdef", "127.0.0.1:8080", NULL},
    {"", "0123456789abcdef", "127.0.0.1:8080", "WEBHOOK_AUTOREGISTER: needs PUBLIC_URL"},
    {"https://ci.example.org", "", "127.0.0.1:8080", "WEBHOOK_AUTOREGISTER: needs WEBHOOK_SECRET"},
    {"https://ci.example.org", "0123456789abcdef", "none", "WEBHOOK_AUTOREGISTER: needs LISTEN"},
};

START_TEST(wants_what_a_webhook_needs)
{
	auto_str char *url = xasprintf("PUBLIC_URL=%s", hook_rows[_i].url);
	auto_str char *secret = xasprintf("WEBHOOK_SECRET=%s", hook_rows[_i].secret);
	auto_str char *listen = xasprintf("LISTEN=%s", hook_rows[_i].listen);
	const char *environ[] = {REQUIRED, "WEBHOOK_AUTOREGISTER=1", url, secret, listen, NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	int result = load(environ, &settings, &mistakes);

	if (!hook_rows[_i].missing) {
		ck_assert_msg(result == 0, "%s", buf_text(&mistakes));
		ck_assert(settings.webhook_autoregister);
		return;
	}
	ck_assert_int_eq(result, -1);
	ck_assert_msg(
	    text_starts(buf_text(&mistakes), hook_rows[_i].missing), "%s", buf_text(&mistakes));
	ck_assert_uint_eq(count_lines(buf_text(&mistakes)), 1);
}
END_TEST

START_TEST(each_required_one_is_missed)
{
	static const char *const required[] = {REQUIRED};
	const char *environ[REQUIRED_COUNT + 1] = {NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	size_t count = 0;
	char name[64];

	for (size_t i = 0; i < REQUIRED_COUNT; i++) {
		if (i != (size_t)_i)
			environ[count++] = required[i];
	}
	ck_assert_int_eq(load(environ, &settings, &mistakes), -1);
	ck_assert_msg(strstr(buf_text(&mistakes), name_of(required[_i], name)) != NULL, "%s",
	    buf_text(&mistakes));
	ck_assert_uint_eq(count_lines(buf_text(&mistakes)), 1);
}
END_TEST

START_TEST(too_long_and_too_many)
{
	auto_str char *long_name = xcalloc(70000, 1);
	AUTO(buf) many = buf_make(1024 * 1024);
	AUTO(bridge_settings) settings = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	(void)buf_add_text(&many, "POLL_REPOS=o/0");
	for (int i = 0; i < BRIDGE_REPOS_MAX; i++)
		(void)buf_printf(&many, ",o/%d", i);
	memset(long_name, 'a', 69999);
	auto_str char *repo = xasprintf("CI_REPO=org/%s", long_name);
	const char *environ[] = {REQUIRED, buf_text(&many), NULL};
	environ[REQUIRED_COUNT - 1] = repo; /* instead of the good list */
	ck_assert_int_eq(load(environ, &settings, &mistakes), -1);
	ck_assert_msg(strstr(buf_text(&mistakes), "1000") != NULL, "%s", buf_text(&mistakes));
}
END_TEST

/* What is made of a row goes with it. */
START_TEST(takes_what_reloads)
{
	const char *before[] = {REQUIRED, "WEBHOOK_SECRET=the-first-key-of-all", NULL};
	const char *after[] = {REQUIRED,
	    "WEBHOOK_SECRET=the-second-key-of-all,the-first-key-of-all", "AUTH_ALLOWLIST=alice",
	    "STATE_DIR=/elsewhere", NULL};
	AUTO(bridge_settings) settings = {0};
	AUTO(bridge_settings) fresh = {0};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	AUTO(buf) taken = buf_make(1000);
	AUTO(buf) kept = buf_make(1000);

	after[REQUIRED_COUNT - 1] = "POLL_REPOS=org/other";
	ck_assert_int_eq(load(before, &settings, &mistakes), 0);
	ck_assert_int_eq(load(after, &fresh, &mistakes), 0);
	bridge_settings_take_changed(&settings, &fresh, &taken, &kept);
	ck_assert_str_eq(buf_text(&taken), "POLL_REPOS, AUTH_ALLOWLIST, WEBHOOK_SECRET");
	ck_assert_str_eq(buf_text(&kept), "STATE_DIR");
	ck_assert_uint_eq(settings.enrolment_count, 1);
	ck_assert_str_eq(settings.enrolments[0].repo, "org/other");
	ck_assert_uint_eq(settings.hook_keys.count, 2);
	ck_assert(bridge_settings_allow(&settings, "alice"));
	ck_assert_str_eq(settings.state_dir, "/var/lib/ccci-bridge");
	ck_assert_uint_eq(fresh.enrolment_count, 3);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("bridge settings");
	TCase *tests = tcase_create("settings");

	tcase_add_test(tests, defaults);
	tcase_add_test(tests, nightly_is_a_minute);
	tcase_add_loop_test(tests, auto_test_names_users_and_branches, 0, COUNT_OF(autos));
	tcase_add_test(tests, allowlist_does_not_tell_case);
	tcase_add_loop_test(tests, each_wrong_value_is_one_mistake, 0, COUNT_OF(bad));
	tcase_add_loop_test(tests, wants_what_the_engine_needs, 0, 4);
	tcase_add_loop_test(tests, wants_what_a_webhook_needs, 0, COUNT_OF(hook_rows));
	tcase_add_loop_test(tests, each_required_one_is_missed, 0, REQUIRED_COUNT);
	tcase_add_test(tests, too_long_and_too_many);
	tcase_add_test(tests, takes_what_reloads);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
