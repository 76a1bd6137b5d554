/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "runner-plugin/recipe/suite.h"

#include <unistd.h>

/* Every key wrong in each way: one error with its place. */
static const struct {
	const char *text;
	const char *error; /* part of the message */
} wrong[] = {
    {"- a\n", "1:1: a suite is a mapping"},
    {"redy: []\n", "did you mean \"ready\""},
    {"env: [a]\n", "env must be a mapping"},
    {"env: x\n", "env must be a mapping"},
    {"env:\n  A-B: 1\n", "no variable name"},
    {"env:\n  \"${IFS}\": 1\n", "no variable name"},
    {"env:\n  \"\": 1\n", "no variable name"},
    {"env:\n  1A: 1\n", "no variable name"},
    {"env:\n  A: [1]\n", "A must be one line"},
    {"env:\n  A: \"x\\ny\"\n", "A must be one line"},
    {"compose: compose.ci.yml\n", "compose must be a list"},
    {"compose: [../compose.yml]\n", "not allowed here"},
    {"compose: [a/b.yml]\n", "not allowed here"},
    {"compose: [-x]\n", "not allowed here"},
    {"compose: [\"\"]\n", "compose must be a text"},
    {"deploy_timeout: soon\n", "duration such as"},
    {"deploy_timeout: 15\n", "duration such as"},
    {"deploy_timeout: -1m\n", "duration such as"},
    {"weight: 0\n", "from 1 to"},
    {"weight: two\n", "from 1 to"},
    {"weight: [1]\n", "from 1 to"},
    {"ready: /\n", "ready must be a list"},
    {"ready: [x]\n", "a probe must be a mapping"},
    {"ready: [{http: health}]\n", "path that begins with /"},
    {"ready: [{http: /, tcp: 5222}]\n", "either http or tcp"},
    {"ready: [{status: [200]}]\n", "either http or tcp"},
    {"ready: [{tcp: 5222}]\n", "tcp needs the service"},
    {"ready: [{tcp: 99999, service: x}]\n", "from 1 to 65535"},
    {"ready: [{http: /, status: [99]}]\n", "from 100 to 599"},
    {"ready: [{http: /, status: ok}]\n", "from 100 to 599"},
    {"ready: [{http: /, status: [[200]]}]\n", "from 100 to 599"},
    {"ready: [{http: /, status: {is: 200}}]\n", "status must be a list"},
    {"ready: [{http: /, status: [200, 201, 202, 203, 204, 205, 206, 207, 208]}]\n",
	"more than 8 statuses"},
    {"ready: [{http: /, title: [x]}]\n", "title must be a text"},
    {"ready: [{http: \"/a\\nb\"}]\n", "path must be one line"},
    {"ready: [{http: \"/a b\"}]\n", "path that begins with /"},
    {"ready: [{http: [/]}]\n", "http must be a mapping"},
    {"ready: [{http: {title: x}}]\n", "path that begins with /"},
    {"ready: [{http: {path: [x]}}]\n", "path must be a text"},
    {"ready: [{tcp: [1], service: x}]\n", "from 1 to 65535"},
    {"ready: [{http: {path: /, service: app, port: http}}]\n", "from 1 to 65535"},
    {"ready: [{http: /, pth: x}]\n", "did you mean \"path\"|unknown key"},
    {"ready: [{http: {path: /, hosts: x}}]\n", "did you mean \"host\""},
    {"ready: [{http: {path: /, host: \"a b\"}}]\n", "no host name"},
    {"ready: [{http: {path: /, header: nocolon}}]\n", "header must be"},
    {"ready: [{http: {path: /, service: app}}]\n", "service and port go together"},
    {"ready: [{run: checks/login}]\n", "an executable belongs to checks"},
    {"checks: {run: x}\n", "checks must be a list"},
    {"checks: [{run: /bin/true}]\n", "no path below the suite's directory"},
    {"checks: [{run: ../x}]\n", "no path below the suite's directory"},
    {"checks: [{run: a/../x}]\n", "no path below the suite's directory"},
    {"checks: [{run: a//x}]\n", "no path below the suite's directory"},
    {"checks: [{run: a/}]\n", "no path below the suite's directory"},
    {"checks: [{run: -x}]\n", "no path below the suite's directory"},
    {"checks: [{run: \"a b\"}]\n", "no path below the suite's directory"},
    {"checks: [{run: [x]}]\n", "run must be a text"},
    {"checks: [{run: x, status: 200}]\n", "unknown key \"status\""},
    {"data: [x]\n", "data must be a mapping"},
    {"data: {sead: x}\n", "did you mean \"seed\""},
    {"data: {seed: x}\n", "a seed without a check proves nothing"},
    {"data: {wipe: x}\n", "a wipe without a check proves nothing"},
    {"data: {wipe: -x, check: y}\n", "wipe: \"-x\" is no path"},
    {"data: {seed: /x, check: y}\n", "seed: \"/x\" is no path"},
    {"data: {check: ../y}\n", "check: \"../y\" is no path"},
    {"tenant: [x]\n", "tenant must be a mapping"},
    {"tenant: {sead: x}\n", "did you mean \"seed\""},
    {"tenant: {seed: x}\n", "a tenant has a seed, and a release"},
    {"tenant: {release: x}\n", "a tenant has a seed, and a release"},
    {"tenant: {seed: /x, release: y}\n", "seed: \"/x\" is no path"},
    {"tenant: {seed: x, release: ../y}\n", "release: \"../y\" is no path"},
    {"data: {dropped: cache}\n", "dropped must be a list"},
    {"data: {dropped: [a/b]}\n", "not allowed here"},
    {"secrets: [a]\n", "secrets must be a mapping"},
    {"secrets: {a: generated}\n", "secrets: a is generate, {value: "},
    {"secrets: {a: [generate]}\n", "secrets: a is generate, {value: "},
    {"secrets: {a: }\n", "secrets: a is generate, {value: "},
    {"secrets: {-a: generate}\n", "\"-a\" is no name of a secret"},
    {"secrets: {a/b: generate}\n", "\"a/b\" is no name of a secret"},
    {"secrets: {\"\": generate}\n", "\"\" is no name of a secret"},
    {"secrets: {a: {}}\n", "a has either a value or a file"},
    {"secrets: {a: {value: x, file: y}}\n", "a has either a value or a file"},
    {"secrets: {a: {values: x}}\n", "did you mean \"value\""},
    {"secrets: {a: {value: \"\"}}\n", "the value of a must be a text"},
    {"secrets: {a: {value: [x]}}\n", "the value of a must be a text"},
    {"secrets: {a: {file: ../x}}\n", "file: \"../x\" is no path below"},
    {"secrets: {a: {file: /etc/shadow}}\n", "file: \"/etc/shadow\" is no path below"},
    {"needs: keycloak\n", "needs must be a list"},
    {"needs: [-x]\n", "a recipe is named as its repository is"},
    {"needs: [a/b]\n", "a recipe is named as its repository is"},
    {"needs: [[x]]\n", "a recipe is named as its repository is"},
    {"needs: [a, b, a]\n", "a stands there twice"},
    {"needs: [a, b, c, d, e, f, g, h, i]\n", "more than 8 recipes"},
    {"env: {A: \"@need.x.domain@\"}\nneeds: [y]\n", "1:10: env: A: \"@need.x.domain@\" is neither"},
    {"picture: dashboard\n", "1:10: picture must be a path of the app such as /dashboard"},
    {"picture: https://elsewhere.example/\n", "picture must be a path of the app"},
    {"picture: \"/a b\"\n", "picture must be a path as a URL has it"},
    {"picture: /\xc3\xa9\n", "picture must be a path as a URL has it"},
    {"picture: [/]\n", "picture must be a text"},
    {"extra: x\n", "extra must be a list"},
    {"extra: [/bin/true]\n", "extra: \"/bin/true\" is no path below the suite's directory"},
    {"extra: [[x]]\n", "extra must be a text"},
    {"stages: [backup]\n", "stages must be a mapping"},
    {"stages: {bakup: {not_run: x}}\n", "no stage"},
    {"stages: {backup: no}\n", "backup must be a mapping"},
    {"stages: {backup: {not_run: \"\"}}\n", "needs a reason"},
    {"stages: {backup: {not_run: [x]}}\n", "needs a reason"},
    {"stages: {backup: {not_run: \"a\\nb\"}}\n", "needs a reason"},
    {"stages: {backup: {skip: x}}\n", "unknown key"},
    {"stages: {upgrade: {timeout: soon}}\n", "timeout must be a duration such as 15m"},
    {"stages: {upgrade: {timeout: 999ms}}\n", "timeout must be a duration"},
    {"stages: {upgrade: {timeout: [1m]}}\n", "timeout must be a duration"},
    {"deploy_timeout: 0s\n", "deploy_timeout must be a duration such as 15m"},
    {"allow: [root]\n", "suite.yml:1:9: allow: \"root\" allows nothing that there is"},
    {"allow:\n  - docker-socket\n  - caps:NET_ADMIN\n",
	"suite.yml:3:5: allow: \"caps:NET_ADMIN\" "
	"allows nothing that there is; did you mean"},
    {"allow: [\"host-bind:etc\"]\n", "has not the form host-bind:/path"},
    {"allow: [privileged]\n", "allows nothing that there is"},
    {"allow: [{cap: NET_ADMIN}]\n", "allow must be a text"},
    {"images: [x]\n", "images must be a mapping"},
    {"images: {ignored: [x]}\n", "did you mean \"ignore\""},
    {"env: {A: 1}\nenv: {B: 2}\n", "2:"},
    {"env: {A: \"\n", "suite.yml:"},
};

static bool has_one_of(const char *text, const char *alternatives)
{
	auto_str char *copy = xstrdup(alternatives);
	char *rest = copy;
	char *one = NULL;

	while ((one = strsep(&rest, "|"))) {
		if (strstr(text, one))
			return true;
	}
	return false;
}

START_TEST(refuses_a_wrong_key)
{
	AUTO(suite) suite = {.weight = 77};
	struct err err = {0};

	ck_assert_msg(
	    suite_parse("suite.yml", wrong[_i].text, strlen(wrong[_i].text), &suite, &err) == -1,
	    "accepted %s", wrong[_i].text);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(has_one_of(err.msg, wrong[_i].error), "%s: %s", wrong[_i].text, err.msg);
	ck_assert_msg(text_starts(err.msg, "suite.yml:"), "%s", err.msg);
	ck_assert_int_eq(suite.weight, 77);
}
END_TEST

START_TEST(reads_all)
{
	static const char text[] =
	    "env:\n  SMTP_ENABLED: \"0\"\ncompose: [compose.ci.yml]\n"
	    "deploy_timeout: 15m\nweight: 2\nready:\n  - http: /health\n"
	    "    status: [200, 204]\n  - tcp: 5222\n    service: xmpp\n"
	    "checks:\n  - http: {path: /, title: \"My app\", service: app, port: 80}\n"
	    "  - run: checks/login\n"
	    "  - http: {path: /a, host: b.example, header: \"X-A: b\", contains: welcome}\n"
	    "data:\n  dropped: [cache]\n  seed: data/seed\n  check: data/check\n"
	    "  wipe: data/wipe\n"
	    "tenant: {seed: tenant/seed, release: tenant/release}\n"
	    "secrets:\n  db: generate\n  api: {value: \"a b\"}\n  key: {file: keys/a.pem}\n"
	    "needs: [keycloak, mail]\n"
	    "stages:\n  backup: {not_run: \"no state\"}\n  upgrade: {timeout: 10m}\n"
	    "extra: [extra/slow, extra/slower]\n"
	    "allow: [docker-socket, \"host-bind:/etc/localtime\"]\n"
	    "images: {ignore: [redis]}\n"
	    "picture: /dashboard?from=ci#top\n";
	AUTO(suite) suite = {0};
	struct err err = {0};

	ck_assert_msg(
	    suite_parse("suite.yml", text, strlen(text), &suite, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(suite.env[0].key, "SMTP_ENABLED");
	ck_assert_str_eq(suite.env[0].value, "0");
	ck_assert_str_eq(suite.compose[0], "compose.ci.yml");
	ck_assert_int_eq(suite.deploy_timeout_ms, 15 * 60 * 1000);
	ck_assert_int_eq(suite.weight, 2);
	ck_assert_uint_eq(suite.ready_count, 2);
	ck_assert_str_eq(suite.ready[0].path, "/health");
	ck_assert_int_eq(suite.ready[0].statuses[1], 204);
	ck_assert_int_eq(suite.ready[1].kind, SUITE_TCP);
	ck_assert_int_eq(suite.ready[1].port, 5222);
	ck_assert_str_eq(suite.checks[0].title, "My app");
	ck_assert_uint_eq(suite.check_count, 2);
	ck_assert_str_eq(suite.checks[1].host, "b.example");
	ck_assert_str_eq(suite.checks[1].header, "X-A: b");
	ck_assert_str_eq(suite.checks[1].contains, "welcome");
	ck_assert_str_eq(suite.programs[0], "checks/login");
	ck_assert_str_eq(suite.data_seed, "data/seed");
	ck_assert_str_eq(suite.data_check, "data/check");
	ck_assert_str_eq(suite.data_wipe, "data/wipe");
	ck_assert_str_eq(suite.tenant_seed, "tenant/seed");
	ck_assert_str_eq(suite.tenant_release, "tenant/release");
	ck_assert_str_eq(suite.dropped[0], "cache");
	ck_assert_uint_eq(suite.needs.count, 2);
	ck_assert_str_eq(suite.needs.names[1], "mail");
	ck_assert_uint_eq(suite.secret_count, 3);
	ck_assert_ptr_null(suite_find_secret(&suite, "key2"));
	ck_assert_str_eq(suite_find_secret(&suite, "key")->file, "keys/a.pem");
	ck_assert_str_eq(suite_find_secret(&suite, "api")->value, "a b");
	ck_assert(!suite.secrets[0].value && !suite.secrets[0].file);
	ck_assert_str_eq(suite.not_run[STAGE_BACKUP], "no state");
	ck_assert_int_eq(suite.stage_timeout_ms[STAGE_UPGRADE], 10 * 60 * 1000);
	ck_assert_int_eq(suite.stage_timeout_ms[STAGE_BACKUP], 0);
	ck_assert_uint_eq(suite.extra_count, 2);
	ck_assert_str_eq(suite.extra[1], "extra/slower");
	ck_assert_uint_eq(suite.allow_count, 2);
	ck_assert_str_eq(suite.ignored_images[0], "redis");
	ck_assert_str_eq(suite.picture, "/dashboard?from=ci#top");
}
END_TEST

START_TEST(takes_defaults)
{
	static const char *const texts[] = {"", "env:\n", "# only a comment\n", "images: {}\n"};
	AUTO(suite) suite = {0};
	struct err err = {0};

	ck_assert_msg(suite_parse("suite.yml", texts[_i], strlen(texts[_i]), &suite, &err) == 0,
	    "%s", err.msg);
	ck_assert_int_eq(suite.weight, 1);
	ck_assert_uint_eq(suite.ready_count, 0);
}
END_TEST

/* No list is longer than anybody would write. */
START_TEST(bounds_its_lists)
{
	AUTO(buf) text = buf_make(SUITE_FILE_MAX_BYTES);
	AUTO(suite) fits = {0};
	AUTO(suite) suite = {0};
	struct err err = {0};

	(void)buf_add_text(&text, "extra:\n");
	for (int i = 0; i < SUITE_ITEMS_MAX; i++)
		(void)buf_printf(&text, "  - extra/%d\n", i);
	ck_assert_msg(suite_parse("suite.yml", buf_text(&text), text.length, &fits, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_eq(fits.extra_count, SUITE_ITEMS_MAX);
	(void)buf_add_text(&text, "  - extra/more\n");
	ck_assert_int_eq(suite_parse("suite.yml", buf_text(&text), text.length, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "extra has more than "));
}
END_TEST

START_TEST(reads_a_directory)
{
	auto_str char *directory = harness_dir();
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	auto_str char *absent = xasprintf("%s/absent", directory);
	AUTO(suite) empty = {0};
	AUTO(suite) suite = {0};
	struct err err = {0};

	ck_assert_int_eq(suite_read(absent, &suite, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(suite_read(directory, &empty, &err), 0);
	ck_assert_int_eq(file_write_atomic(file, 0600, "weight: 3\n", 10, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), 0);
	ck_assert_int_eq(suite.weight, 3);
	auto_str char *large = xcalloc(1, SUITE_FILE_MAX_BYTES + 1);
	memset(large, '#', SUITE_FILE_MAX_BYTES + 1);
	ck_assert_int_eq(file_write_atomic(file, 0600, large, SUITE_FILE_MAX_BYTES + 1, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than"));
}
END_TEST

/* Found out before anything is deployed, as its programs are. */
START_TEST(its_overlays_are_there)
{
	static const char text[] = "compose: [compose.ci.yml]\n";
	auto_str char *directory = harness_dir();
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	auto_str char *overlay = xasprintf("%s/compose.ci.yml", directory);
	AUTO(suite) suite = {0};
	struct err err = {0};

	ck_assert_int_eq(file_write_atomic(file, 0600, text, strlen(text), &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_msg(
	    text_ends(err.msg, "/suite.yml: there is no compose.ci.yml beside it"), "%s", err.msg);
	ck_assert_int_eq(file_write_atomic(overlay, 0600, "", 0, &err), 0);
	ck_assert_msg(suite_read(directory, &suite, &err) == 0, "%s", err.msg);
}
END_TEST

/* An app is shared when its suite can make tenants and the operator names it. */
static const struct {
	const char *tenant_seed, *shared;
	bool may;
} shares[] = {
    {NULL, "login", false},
    {"tenant/seed", NULL, false},
    {"tenant/seed", "mail,login", true},
    {"tenant/seed", "mail", false},
    {"tenant/seed", "login2", false},
};

START_TEST(shares_what_may_be_shared)
{
	const char *seed = shares[_i].tenant_seed;
	AUTO(suite) suite = {.tenant_seed = seed ? xstrdup(seed) : NULL};

	ck_assert_int_eq(suite_may_share(&suite, shares[_i].shared, "login"), shares[_i].may);
}
END_TEST

static const struct {
	const char *suites, *checkout, *directory;
} places[] = {
    {"tests/recipes", "/drone/src", "/drone/src/tests/recipes/x"},
    {"/srv/suites", "/drone/src", "/srv/suites/x"},
    {"/srv/suites", NULL, "/srv/suites/x"},
    {"tests/recipes", NULL, NULL},
};

START_TEST(finds_its_directory)
{
	auto_str char *directory = suite_directory(places[_i].suites, places[_i].checkout, "x");

	if (places[_i].directory)
		ck_assert_str_eq(directory, places[_i].directory);
	else
		ck_assert_ptr_null(directory);
}
END_TEST

/* Found out before anything is deployed, not in the middle of a run. */
START_TEST(its_programs_are_there_and_may_run)
{
	static const char *const texts[] = {"checks: [{run: x}]\n", "data: {seed: x, check: ok}\n",
	    "data: {check: x}\n", "data: {check: ok, wipe: x}\n",
	    "tenant: {seed: x, release: ok}\n", "tenant: {seed: ok, release: x}\n",
	    "extra: [ok, x]\n"};
	auto_str char *directory = harness_dir();
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	auto_str char *program = xasprintf("%s/x", directory);
	auto_str char *other = xasprintf("%s/ok", directory);
	AUTO(suite) suite = {0};
	struct err err = {0};

	ck_assert_int_eq(file_write_atomic(file, 0600, texts[_i], strlen(texts[_i]), &err), 0);
	ck_assert_int_eq(file_write_atomic(other, 0700, "", 0, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_msg(text_ends(err.msg, "/suite.yml: there is no x beside it"), "%s", err.msg);
	ck_assert_int_eq(file_write_atomic(program, 0600, "", 0, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "x is not executable"));
	ck_assert_int_eq(file_write_atomic(program, 0700, "", 0, &err), 0);
	ck_assert_msg(suite_read(directory, &suite, &err) == 0, "%s", err.msg);
}
END_TEST

/* The value of a secret is a file of the suite, whole and not empty, and no link leads out to it.
 */
START_TEST(reads_the_file_of_a_secret)
{
	static const char text[] =
	    "secrets: {key: {file: keys/a}, made: generate, given: {value: x}}\n";
	auto_str char *above = harness_dir();
	auto_str char *directory = xasprintf("%s/x", above);
	auto_str char *sibling = xasprintf("%s/xy", above);
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	auto_str char *key = xasprintf("%s/keys/a", directory);
	auto_str char *other = xasprintf("%s/keys/b", directory);
	auto_str char *large = xcalloc(1, SUITE_SECRET_MAX_BYTES + 1);
	AUTO(suite) suite = {0};
	AUTO(buf) value = {0};
	AUTO(buf) value_given = {0};
	struct err err = {0};

	ck_assert_int_eq(file_make_dirs(directory, 0700, &err), 0);
	ck_assert_int_eq(file_write_atomic(sibling, 0600, "a", 1, &err), 0);
	ck_assert_int_eq(file_write_atomic(file, 0600, text, strlen(text), &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "secret key: there is no keys/a beside it"));
	ck_assert_int_eq(file_make_dirs(key, 0700, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "keys/a is no file"));
	ck_assert_int_eq(rmdir(key), 0);
	ck_assert_int_eq(symlink("../../xy", key), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "keys/a leads out of the suite"));
	ck_assert_int_eq(unlink(key), 0);
	ck_assert_int_eq(symlink("/proc/self/environ", key), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "keys/a leads out of the suite"));
	ck_assert_int_eq(unlink(key), 0);
	ck_assert_int_eq(file_write_atomic(key, 0600, "", 0, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "keys/a is empty"));
	ck_assert_int_eq(file_write_atomic(key, 0600, large, SUITE_SECRET_MAX_BYTES + 1, &err), 0);
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than"));
	ck_assert_int_eq(unlink(key), 0);
	ck_assert_int_eq(file_write_atomic(other, 0600, "a\nb\n", 4, &err), 0);
	ck_assert_int_eq(symlink("b", key), 0);
	ck_assert_msg(suite_read(directory, &suite, &err) == 0, "%s", err.msg);
	const struct suite_secret *from_file = suite_find_secret(&suite, "key");
	ck_assert_int_eq(suite_read_secret(directory, from_file, &value, &err), 0);
	ck_assert_str_eq(buf_text(&value), "a\nb\n");
	const struct suite_secret *given = suite_find_secret(&suite, "given");
	ck_assert_int_eq(suite_read_secret(directory, given, &value_given, &err), 0);
	ck_assert_str_eq(buf_text(&value_given), "x");
}
END_TEST

static void write_suite(const char *above, const char *recipe, const char *text)
{
	auto_str char *directory = xasprintf("%s/%s", above, recipe);
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	struct err err;

	ck_assert_int_eq(file_make_dirs(directory, 0700, &err), 0);
	ck_assert_int_eq(file_write_atomic(file, 0600, text, strlen(text), &err), 0);
}

/* The suites of what it needs lie beside it; a recipe without one needs nothing. */
START_TEST(orders_needs_of_needs)
{
	auto_str char *above = harness_dir();
	auto_str char *wiki = xasprintf("%s/wiki", above);
	AUTO(buf) mistakes = buf_make(SUITE_MISTAKES_MAX_BYTES);
	AUTO(suite) suite = {0};
	struct needs order = {0};
	struct err err = {0};

	write_suite(above, "wiki", "needs: [login, mail]\nenv: {A: \"@need.mail.stack@_app\"}\n");
	write_suite(above, "login", "needs: [mail]\n");
	ck_assert_msg(suite_read(wiki, &suite, &err) == 0, "%s", err.msg);
	ck_assert_msg(
	    suite_order_needs(above, "wiki", &suite, NULL, &order, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(order.count, 2);
	ck_assert_str_eq(order.names[0], "mail");
	ck_assert_str_eq(order.names[1], "login");
	ck_assert_int_eq(suite_check(wiki, &mistakes, &err), 0);
	ck_assert_str_eq(buf_text(&mistakes), "");
	write_suite(above, "mail", "needs: [wiki]\n");
	ck_assert_int_eq(suite_check(wiki, &mistakes, &err), 0);
	ck_assert_msg(text_ends(buf_text(&mistakes), "/wiki/suite.yml: needs go in a circle: wiki "
						     "needs login needs mail needs wiki\n"),
	    "%s", buf_text(&mistakes));
	write_suite(above, "mail", "tenant: {seed: x, release: y}\nneeds: [wiki]\n");
	auto_str char *seed = xasprintf("%s/mail/x", above);
	auto_str char *release = xasprintf("%s/mail/y", above);
	ck_assert_int_eq(file_write_atomic(seed, 0700, "", 0, &err), 0);
	ck_assert_int_eq(file_write_atomic(release, 0700, "", 0, &err), 0);
	/* What is shared is up already: what it needs is no need of this run. */
	ck_assert_msg(
	    suite_order_needs(above, "wiki", &suite, "mail", &order, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(order.count, 2);
	ck_assert_int_eq(suite_order_needs(above, "wiki", &suite, "login", &order, &err), -1);
	write_suite(above, "mail", "need: []\n");
	ck_assert_int_eq(suite_order_needs(above, "wiki", &suite, NULL, &order, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "/mail/suite.yml:1:7: unknown key"));
}
END_TEST

/* Who writes a suite wants all of them at once, each with its place. */
START_TEST(tells_every_mistake)
{
	static const char text[] =
	    "redy: []\nweight: two\nready:\n  - {http: health}\n  - {run: x}\n"
	    "checks:\n  - {http: /, stat: 200}\n  - {tcp: 1}\n"
	    "stages:\n  bakup: {not_run: x}\n  backup: {skip: x}\n"
	    "allow: [root, docker-socket, \"host-bind:etc\"]\n";
	static const char *const wanted[] = {":1:7: unknown key \"redy\"; did you mean \"ready\"?",
	    ":2:9: weight", ":4:5: http needs a path", ":5:5: ready takes http and tcp",
	    ":7:21: unknown key \"stat\"", ":8:5: tcp needs the service",
	    ":10:10: stages: \"bakup\"", ":11:18: unknown key \"skip\"",
	    ":12:9: allow:", ":12:30: allow:"};
	auto_str char *directory = harness_dir();
	auto_str char *file = xasprintf("%s/suite.yml", directory);
	auto_str char *absent = xasprintf("%s/absent", directory);
	AUTO(buf) mistakes = buf_make(SUITE_MISTAKES_MAX_BYTES);
	AUTO(suite) suite = {0};
	size_t lines = 0;
	struct err err = {0};

	ck_assert_int_eq(file_write_atomic(file, 0600, text, strlen(text), &err), 0);
	ck_assert_int_eq(suite_check(directory, &mistakes, &err), 0);
	for (const char *at = buf_text(&mistakes); (at = strchr(at, '\n')); at++)
		lines++;
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		ck_assert_msg(strstr(buf_text(&mistakes), wanted[i]) != NULL, "no %s in\n%s",
		    wanted[i], buf_text(&mistakes));
	ck_assert_uint_eq(lines, COUNT_OF(wanted));
	/* The first is what a run is refused with. */
	ck_assert_int_eq(suite_read(directory, &suite, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, wanted[0]));
	ck_assert_int_eq(suite_check(absent, &mistakes, &err), 0);
	ck_assert_int_eq(err.code, ERR_MISSING);
	/* Nothing of it could be read: that is no mistake in it. */
	AUTO(buf) none = buf_make(SUITE_MISTAKES_MAX_BYTES);
	ck_assert_int_eq(suite_check(absent, &none, &err), -1);
	/* And one without mistakes, that needs nothing. */
	ck_assert_int_eq(file_write_atomic(file, 0600, "weight: 2\n", 10, &err), 0);
	ck_assert_int_eq(suite_check(directory, &none, &err), 0);
	ck_assert_str_eq(buf_text(&none), "");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suite");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, refuses_a_wrong_key, 0, COUNT_OF(wrong));
	tcase_add_test(tc, reads_all);
	tcase_add_loop_test(tc, takes_defaults, 0, 4);
	tcase_add_test(tc, bounds_its_lists);
	tcase_add_test(tc, reads_a_directory);
	tcase_add_test(tc, its_overlays_are_there);
	tcase_add_loop_test(tc, shares_what_may_be_shared, 0, COUNT_OF(shares));
	tcase_add_loop_test(tc, finds_its_directory, 0, COUNT_OF(places));
	tcase_add_loop_test(tc, its_programs_are_there_and_may_run, 0, 7);
	tcase_add_test(tc, reads_the_file_of_a_secret);
	tcase_add_test(tc, orders_needs_of_needs);
	tcase_add_test(tc, tells_every_mistake);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
