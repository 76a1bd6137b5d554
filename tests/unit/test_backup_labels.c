/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What labels mean for a backup, as rows: those of app, then those of db. */
#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/backup_labels.h"
#include "runner-plugin/recipe/compose.h"

static void describe_paths(const struct backup_paths *paths, struct buf *out)
{
	for (size_t i = 0; i < paths->count; i++)
		(void)buf_printf(out, "%s%s", i ? "," : ":", paths->items[i]);
}

/* "app! app.pre=x data cache- db:backup.sql": who says so itself, hooks, paths, volumes in and
 * out. */
static char *describe(const struct backup_plan *plan)
{
	static const char *const hooks[] = {"pre", "post", "restore-pre", "restore-post"};
	AUTO(buf) out = buf_make(4096);

	for (size_t i = 0; i < plan->service_count; i++) {
		const struct backup_service *service = &plan->services[i];

		if (service->is_backed_up)
			(void)buf_printf(&out, " %s!", service->name);
		describe_paths(&service->paths, &out);
		for (int hook = 0; hook < BACKUP_HOOK_COUNT; hook++) {
			if (service->hooks[hook])
				(void)buf_printf(&out, " %s.%s=%s", service->name, hooks[hook],
				    service->hooks[hook]);
		}
	}
	for (size_t i = 0; i < plan->volume_count; i++) {
		(void)buf_printf(
		    &out, " %s%s", plan->volumes[i].key, plan->volumes[i].is_out ? "-" : "");
		describe_paths(&plan->volumes[i].paths, &out);
	}
	return xstrdup(out.length ? buf_text(&out) + 1 : "");
}

#define YES "backupbot.backup=true"
#define NO "backupbot.backup=false"

static const struct row {
	const char *app, *db;
	const char *means; /* or what is said of a mistake, which begins with "label" */
} rows[] = {
    {"", "", ""},
    {NO, NO, ""},
    {"backupbot.backup=", "", ""},
    /* volumes: all of the stack, whoever says so, but for a service that is left out */
    {YES, "", "app! cache data db"},
    {"", YES, "db! cache data db"},
    {YES, NO, "app! cache data"},
    {YES, YES, "app! db! cache data db"},
    {YES "|backupbot.backup.volumes.cache=false", "", "app! cache- data db"},
    {YES, "backupbot.backup.volumes.cache=false", "app! cache- data db"},
    {YES "|backupbot.backup.volumes.cache=true", "", "app! cache data db"},
    {YES, "backupbot.backup.volumes.db.path=backup.sql", "app! cache data db:backup.sql"},
    {YES, "backupbot.backup.volumes.db.path=a/b/, c", "app! cache data db:a/b,c"},
    /* left out and limited: left out */
    {YES "|backupbot.backup.volumes.db=false|backupbot.backup.volumes.db.path=x", "",
	"app! cache data db-:x"},
    /* another set of files may have it */
    {YES "|backupbot.backup.volumes.redis=false", "", "app! cache data db redis-"},
    /* paths in the container: no volume besides, unless somebody asks for one */
    {YES "|backupbot.backup.path=/data", "", "app!:/data"},
    {YES "|backupbot.backup.paths=/data/,/etc/x", "", "app!:/data,/etc/x"},
    {YES "|backupbot.backup.path=/", "", "app!:/"},
    {YES "|backupbot.backup.path=/data", YES, "app!:/data db! cache data db"},
    {YES "|backupbot.backup.path=/data", "backupbot.backup.volumes.db.path=x",
	"app!:/data cache data db:x"},
    {YES "|backupbot.backup.path=/data|backupbot.backup.volumes.cache=false", "", "app!:/data"},
    /* hooks, of whoever takes part */
    {YES "|backupbot.backup.pre-hook=a b|backupbot.backup.post-hook=c"
	 "|backupbot.restore.pre-hook=d|backupbot.restore.post-hook=e|backupbot.restore=true",
	"", "app! app.pre=a b app.post=c app.restore-pre=d app.restore-post=e cache data db"},
    {YES, "backupbot.restore.post-hook=/load", "app! db.restore-post=/load cache data db"},
    {YES, NO "|backupbot.backup.pre-hook=x", "app! cache data"},
    /* mistakes */
    {YES "|backupbot.backup.command=x", "",
	"label backupbot.backup.command of service app is none that a backup knows"},
    {YES "|backupbot.backup.prehook=x", "",
	"label backupbot.backup.prehook of service app is none that a backup knows; did you mean "
	"\"pre-hook\"?"},
    {YES, "backupbot.backup.pre-hook= ",
	"label backupbot.backup.pre-hook of service db is empty: there is nothing to run"},
    {YES "|backupbot.restore.post-hook=", "",
	"label backupbot.restore.post-hook of service app is empty: there is nothing to run"},
    {"backupbot.backup=True", "",
	"label backupbot.backup of service app is \"True\": neither true nor false"},
    {YES "|backupbot.backup.volumes.data=no", "",
	"label backupbot.backup.volumes.data of service app is \"no\": neither true nor false"},
    {YES "|backupbot.backup.volumes.redis=true", "",
	"label backupbot.backup.volumes.redis of service app names a volume that no service "
	"mounts"},
    {YES "|backupbot.backup.volumes.redis.path=x", "",
	"label backupbot.backup.volumes.redis.path of service app names a volume that no service "
	"mounts"},
    {YES "|backupbot.backup.path=data", "",
	"label backupbot.backup.path of service app has a path that does not begin with \"/\": "
	"data"},
    {YES "|backupbot.backup.path=/a,", "",
	"label backupbot.backup.path of service app has an empty path"},
    {YES "|backupbot.backup.path=/a/../b", "",
	"label backupbot.backup.path of service app has a path with \"..\": /a/../b"},
    {YES "|backupbot.backup.path=/a..b,/..c", "", "app!:/a..b,/..c"},
    {YES "|backupbot.backup.volumes.db.path=/backup.sql", "",
	"label backupbot.backup.volumes.db.path of service app has a path that is not relative "
	"to the volume: /backup.sql"},
    /* who turns backups off keeps the labels */
    {NO "|backupbot.backup.command=x", "", ""},
    {"backupbot.backup.pre-hook=", "", ""},
};

static void add_labels(const char *labels, struct buf *out)
{
	(void)buf_add_text(out, "    deploy: {labels: [");
	for (const char *at = labels; *at;) {
		size_t length = strcspn(at, "|");

		(void)buf_printf(out, "'%.*s',", (int)length, at);
		at += length + (at[length] == '|');
	}
	(void)buf_add_text(out, "]}\n");
}

START_TEST(reads_row)
{
	const struct row *row = &rows[_i];
	AUTO(env) env = {0};
	AUTO(buf) text = buf_make(4096);
	AUTO(compose_model) model = {0};
	AUTO(backup_plan) plan = {0};
	struct err err = {0};

	env_set(&env, "STACK_NAME", "s");
	env_set(&env, "DOMAIN", "d");
	(void)buf_add_text(&text, "services:\n  app:\n    volumes: ['data:/data', 'cache:/cache', "
				  "'/data', '/etc/x:/x']\n");
	add_labels(row->app, &text);
	(void)buf_add_text(&text, "  db:\n    volumes: ['db:/db', 'data:/shared']\n");
	add_labels(row->db, &text);
	(void)buf_add_text(&text, "volumes: {data: , cache: , db: }\n");
	const struct compose_file file = {"compose.yml", buf_text(&text), text.length};
	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);

	int result = backup_plan_read(&model, &plan, &err);
	if (text_starts(row->means, "label")) {
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_str_eq(err.msg, row->means);
		return;
	}
	ck_assert_msg(result == 0, "%s", err.msg);
	auto_str char *means = describe(&plan);
	ck_assert_str_eq(means, row->means);
	ck_assert_int_eq(plan.is_backed_up, *row->means != '\0');
	ck_assert_int_eq(
	    backup_plan_has_hook(&plan, BACKUP_HOOK_BEFORE), strstr(row->means, ".pre=") != NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("backup_labels");
	TCase *tc = tcase_create("backup_labels");

	tcase_add_loop_test(tc, reads_row, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
