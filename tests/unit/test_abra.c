/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/abra/abra.h"

#include <sys/stat.h>

static const struct abra_target target = {
    .recipe = "custom-html",
    .domain = "cust-9f2c1a.ci.test",
    .server = "default",
    .secret = "api_key",
    .version = "v1",
    .file = "/run/x/secrets/api",
};

/* The whole command line of every call. */
static const struct {
	enum abra_verb verb;
	const char *line;
} lines[] = {
    {ABRA_VERSION, "--version"},
    {ABRA_APP_NEW, "app new custom-html --server default --domain cust-9f2c1a.ci.test --chaos "
		   "--offline --no-input"},
    {ABRA_SECRET_GENERATE,
	"app secret generate cust-9f2c1a.ci.test --all --chaos --offline --no-input"},
    {ABRA_SECRET_INSERT, "app secret insert cust-9f2c1a.ci.test api_key v1 /run/x/secrets/api "
			 "--file --chaos --offline --no-input"},
    {ABRA_APP_DEPLOY,
	"app deploy cust-9f2c1a.ci.test --chaos --offline --no-domain-checks --no-input"},
    {ABRA_APP_UNDEPLOY, "app undeploy cust-9f2c1a.ci.test --offline --no-input"},
    {ABRA_VOLUME_REMOVE, "app volume rm cust-9f2c1a.ci.test --force --offline --no-input"},
    {ABRA_SECRET_REMOVE, "app secret rm cust-9f2c1a.ci.test --all --offline --no-input"},
    {ABRA_RECIPE_LINT, "recipe lint custom-html --chaos --offline --no-input"},
    {ABRA_BACKUP_CREATE, "app backup create cust-9f2c1a.ci.test --offline --no-input"},
    {ABRA_BACKUP_SNAPSHOTS, "app backup snapshots cust-9f2c1a.ci.test --offline --no-input"},
    {ABRA_RESTORE, "app restore cust-9f2c1a.ci.test --offline --no-input"},
};

START_TEST(makes_the_command_line)
{
	const char *args[ABRA_ARGS_MAX];
	AUTO(buf) line = buf_make(1024);
	struct err err = {0};

	ck_assert_int_eq(abra_arguments(lines[_i].verb, &target, args, &err), 0);
	for (size_t i = 0; args[i]; i++)
		(void)buf_printf(&line, "%s%s", i ? " " : "", args[i]);
	ck_assert_str_eq(buf_text(&line), lines[_i].line);
}
END_TEST

/* Flags that another version of abra may lack are said when this one has them. */
static const struct {
	unsigned flags;
	const char *line;
} flag_lines[] = {
    {ABRA_CHAOS, "app restore cust-9f2c1a.ci.test --chaos --offline --no-input"},
    {ABRA_HOOKS, "app restore cust-9f2c1a.ci.test --hooks --offline --no-input"},
    {ABRA_CHAOS | ABRA_HOOKS,
	"app restore cust-9f2c1a.ci.test --chaos --hooks --offline --no-input"},
};

START_TEST(says_the_flags_that_are_known)
{
	struct abra_target flagged = target;
	const char *args[ABRA_ARGS_MAX];
	AUTO(buf) line = buf_make(1024);
	struct err err = {0};

	flagged.flags = flag_lines[_i].flags;
	ck_assert_int_eq(abra_arguments(ABRA_RESTORE, &flagged, args, &err), 0);
	for (size_t i = 0; args[i]; i++)
		(void)buf_printf(&line, "%s%s", i ? " " : "", args[i]);
	ck_assert_str_eq(buf_text(&line), flag_lines[_i].line);
}
END_TEST

START_TEST(refuses_values_that_look_like_options)
{
	static const struct abra_target wrong[] = {
	    {.recipe = "-x", .domain = "d", .server = "s"},
	    {.recipe = "", .domain = "d", .server = "s"},
	    {.recipe = "r", .domain = "--all", .server = "s"},
	    {.recipe = "r", .domain = "d", .server = NULL},
	};
	const char *args[ABRA_ARGS_MAX] = {"untouched"};
	struct err err = {0};

	ck_assert_int_eq(abra_arguments(ABRA_APP_NEW, &wrong[_i], args, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(args[0], "untouched");
}
END_TEST

/* An abra that says what it was given, and prints a secret. */
static const char fake[] = "#!/bin/sh\n"
			   "case \"$*\" in\n"
			   "--version) echo 'abra version 0.13.0-beta-06a57de' ;;\n"
			   "*generate*) echo 'db_password  Xy7-generated-value' ;;\n"
			   "*restore*--help) echo '  -C, --chaos   x'; echo '      --hooks' ;;\n"
			   "*snapshots*--help) echo 'no flags' ;;\n"
			   "*create*--help) echo 'unknown command' >&2; exit 1 ;;\n"
			   "*) env | sort; echo value Xy7-generated-value ;;\n"
			   "esac\n";

static char docker_config[] = "/root/.docker";

static struct abra make_abra(const char *directory)
{
	auto_str char *path = xasprintf("%s/abra", directory);
	struct settings settings = {.abra = path, .docker_config = docker_config};
	struct run run = {.id = "local-9f2c1a"};
	const char *const environ[] = {"PATH=/usr/bin:/bin", "HOME=/home/me", "SECRET=leaks", NULL};
	struct abra abra;
	struct err err = {0};

	run.dir = xstrdup(directory);
	run.abra_dir = xasprintf("%s/abra-dir", directory);
	auto_str char *log_dir = xasprintf("%s/log", directory);
	ck_assert_int_eq(file_make_dirs(log_dir, 0700, &err), 0);
	ck_assert_int_eq(file_write_atomic(path, 0755, fake, strlen(fake), &err), 0);
	ck_assert_msg(abra_find(&settings, &run, environ, &abra, &err) == 0, "%s", err.msg);
	run_release(&run);
	return abra;
}

static struct abra_watch make_watch(void)
{
	return (struct abra_watch){
	    .deadline_ns = clock_now() + 10 * NS_PER_S, .cancel_fd = -1, .watch_fd = -1};
}

START_TEST(calls_with_its_own_environment)
{
	auto_str char *directory = harness_dir();
	AUTO(abra) abra = make_abra(directory);
	AUTO(proc_result) result = {0};
	struct abra_watch watch = make_watch();
	struct err err = {0};

	ck_assert_str_eq(abra.version, "abra version 0.13.0-beta-06a57de");
	ck_assert_int_eq(abra_call(&abra, ABRA_APP_DEPLOY, &target, &watch, &result, &err), 0);
	const char *text = buf_text(&result.tail);
	ck_assert_msg(strstr(text, "CCCI_RUN=local-9f2c1a\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "HOME=/home/me\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "DOCKER_CONFIG=/root/.docker\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "LANG=C.UTF-8\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "SECRET") == NULL, "%s", text);
}
END_TEST

START_TEST(masks_what_it_generated)
{
	auto_str char *directory = harness_dir();
	AUTO(abra) abra = make_abra(directory);
	AUTO(proc_result) generated = {0};
	AUTO(proc_result) later = {0};
	AUTO(buf) log = {0};
	const char *const names[] = {"db_password", NULL};
	struct abra_target with_names = target;
	struct abra_watch watch = make_watch();
	struct err err = {0};

	with_names.plain_words = names;
	ck_assert_int_eq(
	    abra_call(&abra, ABRA_SECRET_GENERATE, &with_names, &watch, &generated, &err), 0);
	ck_assert_msg(
	    strstr(buf_text(&generated.tail), "Xy7") == NULL, "%s", buf_text(&generated.tail));
	ck_assert_int_eq(abra_call(&abra, ABRA_APP_DEPLOY, &target, &watch, &later, &err), 0);
	ck_assert_msg(
	    strstr(buf_text(&later.tail), "value ***") != NULL, "%s", buf_text(&later.tail));
	ck_assert_int_eq(file_read(abra.log_path, 65536, &log, &err), 0);
	ck_assert_msg(strstr(buf_text(&log), "Xy7") == NULL, "%s", buf_text(&log));
	log_mask_reset();
}
END_TEST

START_TEST(finds_the_flags)
{
	auto_str char *directory = harness_dir();
	AUTO(abra) abra = make_abra(directory);
	struct abra_target flagged = target;
	struct abra_watch watch = make_watch();
	struct err err = {0};

	ck_assert_int_eq(abra_find_flags(&abra, ABRA_RESTORE, &flagged, &watch, &err), 0);
	ck_assert_uint_eq(flagged.flags, ABRA_CHAOS | ABRA_HOOKS);
	ck_assert_int_eq(abra_find_flags(&abra, ABRA_BACKUP_SNAPSHOTS, &flagged, &watch, &err), 0);
	ck_assert_uint_eq(flagged.flags, 0);
	ck_assert_int_eq(abra_find_flags(&abra, ABRA_BACKUP_CREATE, &flagged, &watch, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_str_eq(err.msg, "abra app backup create: exit status 1: unknown command");
}
END_TEST

static const struct {
	const char *said, *key, *value; /* NULL: none */
} generated[] = {
    {"NAME  VALUE\napi_key  Xy7-generated\ndb_password  willow-ember-2\n", "api_key",
	"Xy7-generated"},
    {"NAME  VALUE\napi_key  Xy7-generated\ndb_password  willow-ember-2\n", "db_password",
	"willow-ember-2"},
    {"[{\"name\":\"api_key\",\"value\":\"Xy7-generated\"}]", "api_key", "Xy7-generated"},
    {"| api_key | v1 | Xy7-generated |\n", "api_key", "Xy7-generated"},
    {"api_key\ndb_password  willow-ember-2\n", "api_key", NULL},
    {"api_key is not generated (generate=false)\ndb_password  willow-ember-2\n", "api_key", NULL},
    {"no secrets generated\n", "api_key", NULL},
    {"", "api_key", NULL},
    {"api_keys  Xy7-generated\n", "api_key", NULL},
};

START_TEST(finds_what_was_generated)
{
	static const char *const words[] = {"api_key", "db_password", NULL};
	auto_str char *value = abra_find_generated(generated[_i].said, generated[_i].key, words);

	if (generated[_i].value)
		ck_assert_str_eq(value, generated[_i].value);
	else
		ck_assert_msg(!value, "%s", value);
}
END_TEST

START_TEST(says_when_there_is_no_abra)
{
	static const struct {
		const char *program;
		enum err_code code;
	} wrong[] = {
	    {"no-such-abra", ERR_MISSING},
	    {"/bin/false", ERR_PROTOCOL},
	    {"/bin/true", ERR_PROTOCOL},
	};
	auto_str char *directory = harness_dir();
	auto_str char *program = xstrdup(wrong[_i].program);
	auto_str char *log_dir = xasprintf("%s/log", directory);
	struct settings settings = {.abra = program, .docker_config = docker_config};
	struct run run = {.id = "local-9f2c1a", .dir = directory, .abra_dir = directory};
	const char *const environ[] = {"PATH=/usr/bin:/bin", NULL};
	struct abra abra;
	struct err err = {0};

	ck_assert_int_eq(file_make_dirs(log_dir, 0700, &err), 0);
	ck_assert_int_eq(abra_find(&settings, &run, environ, &abra, &err), -1);
	ck_assert_msg(err.code == wrong[_i].code, "%d: %s", (int)err.code, err.msg);
	ck_assert_msg(strstr(err.msg, wrong[_i].program) != NULL, "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("abra");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, says_the_flags_that_are_known, 0, COUNT_OF(flag_lines));
	tcase_add_loop_test(tc, makes_the_command_line, 0, COUNT_OF(lines));
	tcase_add_loop_test(tc, refuses_values_that_look_like_options, 0, 4);
	tcase_add_test(tc, calls_with_its_own_environment);
	tcase_add_test(tc, masks_what_it_generated);
	tcase_add_test(tc, finds_the_flags);
	tcase_add_loop_test(tc, finds_what_was_generated, 0, COUNT_OF(generated));
	tcase_add_loop_test(tc, says_when_there_is_no_abra, 0, 3);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
