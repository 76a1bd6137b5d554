/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/conf.h"
#include "common/file.h"
#include "common/log.h"

struct settings {
	char *name;
	char *token;
	char *url;
	int64_t slots;
	bool is_loud;
	int64_t every_ms;
	int64_t level;
	char *pages_url;
};

static const char *const levels[] = {"error", "info", NULL};

static const char *check_name(const char *value)
{
	return value[0] == '-' ? "must not begin with -" : NULL;
}

static const struct conf_row rows[] = {
    {"NAME", CONF_TEXT, offsetof(struct settings, name), .fallback = "none", .most = 10,
	.check = check_name, .help = "a name"},
    {"TOKEN", CONF_SECRET, offsetof(struct settings, token), .reloads = true, .is_required = true,
	.least = 6, .help = "the token"},
    {"URL", CONF_URL, offsetof(struct settings, url), .is_required = true, .help = "where"},
    {"SLOTS", CONF_INT, offsetof(struct settings, slots), .reloads = true, .fallback = "1",
	.least = 1, .most = 9, .help = "how many", .unit = "slots"},
    {"LOUD", CONF_BOOL, offsetof(struct settings, is_loud), .reloads = true, .fallback = "0",
	.help = "say it"},
    {"POLL_INTERVAL", CONF_DURATION, offsetof(struct settings, every_ms), .fallback = "30s",
	.least = 1000, .most = 60000, .help = "time between polls"},
    {"LEVEL", CONF_CHOICE, offsetof(struct settings, level), .fallback = "info", .choices = levels,
	.help = "how much is said"},
    {"PAGES_URL", CONF_URL, offsetof(struct settings, pages_url), .reloads = true},
};

/* What every program needs, so that a row can be about one thing. */
static const char *const good_environ[] = {"TOKEN=s3cr3t-t0ken", "URL=https://h", NULL};

static char *dir;
static char *file; /* in it */
static struct settings settings;
static struct buf mistakes;

static void open_all(void)
{
	dir = harness_dir();
	file = xasprintf("%s/c.yml", dir);
	mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
}

static void release_all(void)
{
	conf_release(rows, COUNT_OF(rows), &settings);
	buf_release(&mistakes);
	log_mask_reset();
	free(file);
	free(dir);
}

static void put(const char *path, const char *content)
{
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, 0600, content, strlen(content), &err), 0);
}

static int load(const struct conf_sources *sources)
{
	return conf_load(rows, COUNT_OF(rows), sources, &settings, &mistakes);
}

static void check_untouched(void)
{
	static const struct settings zero;

	ck_assert_int_eq(memcmp(&settings, &zero, sizeof(zero)), 0);
}

START_TEST(defaults_fill_what_is_absent)
{
	struct conf_sources sources = {
	    .file = file, .file_may_be_missing = true, .environ = good_environ};

	ck_assert_msg(load(&sources) == 0, "%s", buf_text(&mistakes));
	ck_assert_str_eq(settings.name, "none");
	ck_assert_str_eq(settings.token, "s3cr3t-t0ken");
	ck_assert_str_eq(settings.url, "https://h");
	ck_assert_int_eq(settings.slots, 1);
	ck_assert(!settings.is_loud);
	ck_assert_int_eq(settings.every_ms, 30000);
	ck_assert_int_eq(settings.level, 1);
	ck_assert_ptr_null(settings.pages_url);
}
END_TEST

START_TEST(flag_beats_environment_beats_file)
{
	const char *environ[] = {
	    "TOKEN=s3cr3t-t0ken", "URL=https://env", "SLOTS=5", "NAME=env", "SLOTSX=9", NULL};
	struct conf_flag flags[] = {{"slots", "7"}, {"poll-interval", "2s"}};
	struct conf_sources sources = {
	    .file = file, .environ = environ, .flags = flags, .flag_count = COUNT_OF(flags)};

	put(file, "url: https://file/\nslots: 3\nname: file\nloud: yes\nlevel: error\n");
	ck_assert_msg(load(&sources) == 0, "%s", buf_text(&mistakes));
	ck_assert_int_eq(settings.slots, 7);
	ck_assert_int_eq(settings.every_ms, 2000);
	ck_assert_str_eq(settings.name, "env");
	ck_assert_str_eq(settings.url, "https://env");
	ck_assert(settings.is_loud);
	ck_assert_int_eq(settings.level, 0);
}
END_TEST

/* One line in the file, or one variable or flag, and what is said to it; %s is the file. */
static const struct fault_row {
	const char *file;
	const char *environ;
	struct conf_flag flag;
	const char *says;
} fault_rows[] = {
    {"pol_interval: 1s", .says = "%s:1:1: pol_interval: unknown; did you mean poll_interval?"},
    {"nonsense: 1s", .says = "%s:1:1: nonsense: unknown"},
    {"\"a\\nb\": 1", .says = "%s:1:1: a?b: unknown"},
    {"slots: x", .says = "%s:1:8: slots: \"x\" is no whole number"},
    {"slots: 0", .says = "%s:1:8: slots: \"0\" is too small"},
    {"slots: 10", .says = "%s:1:8: slots: \"10\" is too large"},
    {"slots:", .says = "%s:1:7: slots: is no whole number"},
    {"slots: [1]", .says = "%s:1:8: slots: must be one value, not a list or a mapping"},
    {"loud: maybe", .says = "%s:1:7: loud: \"maybe\" is none of 0, 1, false, true, no, yes"},
    {"poll_interval: 30",
	.says = "%s:1:16: poll_interval: \"30\" is no duration such as 250ms, 30s, 60m, 2h or 1d"},
    {"poll_interval: 61s", .says = "%s:1:16: poll_interval: \"61s\" is too large"},
    {"level: loud", .says = "%s:1:8: level: \"loud\" is not one of the choices: error, info"},
    {"name: 12345678901", .says = "%s:1:7: name: \"12345678901\" is too long"},
    {"name: -x", .says = "%s:1:7: name: \"-x\" must not begin with -"},
    {"name: \"a\\nb\"",
	.says = "%s:1:7: name: \"a?b\" must not hold a line break or another control character"},
    {"url: ftp://h", .says = "%s:1:6: url: \"ftp://h\" must begin with http:// or https://"},
    {"url: https://", .says = "%s:1:6: url: \"https://\" has no host"},
    {"url: https://:80", .says = "%s:1:6: url: \"https://:80\" has no host"},
    {"url: https://u:p@h", .says = "%s:1:6: url: \"https://u:p@h\" must not hold a user"},
    {"url: https://h?q", .says = "%s:1:6: url: \"https://h?q\" must not hold a query"},
    {"url: https://h/#f", .says = "%s:1:6: url: \"https://h/#f\" must not hold a query"},
    {"url: https://h:99999", .says = "%s:1:6: url: \"https://h:99999\" has no valid port"},
    {"url: \"https://h:\"", .says = "%s:1:6: url: \"https://h:\" has no valid port"},
    {"url: \"https://h h\"",
	.says = "%s:1:6: url: \"https://h h\" holds a character that no URL has"},
    {"url: \"\"", .says = "%s:1:6: url: must not be empty"},
    {"token: short", .says = "%s:1:8: token: is too short"},
    {"token: \"a\\nb-secret\"",
	.says = "%s:1:8: token: must not hold a line break or another control character"},
    {"[a]", .says = "%s:1:1: must be a mapping of settings"},
    {"a: b: c", .says = "%s:1:5: mapping values are not allowed in this context"},
    {"name: a\nname: b", .says = "%s:2:1: duplicate key \"name\""},
    {NULL, "SLOTS=x", .says = "environment: SLOTS: \"x\" is no whole number"},
    {NULL, "SLOTS=", .says = "environment: SLOTS: is no whole number"},
    {NULL, "URL=", .says = "environment: URL: must not be empty"},
    {NULL, "TOKEN=", .says = "environment: TOKEN: must not be empty"},
    {NULL, "PAGES_URL=x",
	.says = "environment: PAGES_URL: \"x\" must begin with http:// or https://"},
    {NULL, "TOKEN_FILE=/nowhere",
	.says = "environment: TOKEN_FILE: read /nowhere: No such file or directory"},
    {NULL, NULL, {"slots", "x"}, "--slots: \"x\" is no whole number"},
    {NULL, NULL, {"slot", "1"}, "--slot: unknown; did you mean slots?"},
    {NULL, NULL, {"token", "x"}, "--token: argv is for all to read; use --token-file"},
    {NULL, NULL, {"url", "https://h\x1b[2J"},
	"--url: \"https://h?[2J\" must not hold a line break or another control character"},
};

START_TEST(says_what_is_wrong_in_row)
{
	const struct fault_row *row = &fault_rows[_i];
	const char *environ[4] = {0};
	size_t count = 0;
	struct conf_sources sources = {.environ = environ};

	if (row->file) {
		put(file, row->file);
		sources.file = file;
	}
	if (row->environ)
		environ[count++] = row->environ;
	/* The first of a name counts. */
	if (!row->environ || !text_starts(row->environ, "TOKEN"))
		environ[count++] =
		    row->file && text_starts(row->file, "token") ? "X=" : good_environ[0];
	environ[count++] = row->file && text_starts(row->file, "url") ? "X=" : good_environ[1];
	if (row->flag.name) {
		sources.flags = &row->flag;
		sources.flag_count = 1;
	}
	ck_assert_int_eq(load(&sources), -1);
	check_untouched();
	AUTO(buf) says = buf_make(1000);
	const char *place = strstr(row->says, "%s");
	ck_assert_int_eq(
	    buf_printf(&says, "%s%s\n", place ? file : "", place ? place + 2 : row->says), 0);
	ck_assert_msg(text_is(buf_text(&mistakes), buf_text(&says)), "row %d: \"%s\", not \"%s\"",
	    _i, buf_text(&mistakes), buf_text(&says));
}
END_TEST

START_TEST(a_credential_counts_where_nothing_names_another)
{
	const char *none[] = {"URL=https://h", NULL};
	auto_str char *token = xasprintf("%s/token", dir);
	struct conf_sources sources = {.file = file, .credentials = dir, .environ = none};

	put(file, "slots: 3\n");
	put(token, "of-the-directory\n");
	ck_assert_msg(load(&sources) == 0, "%s", buf_text(&mistakes));
	ck_assert_str_eq(settings.token, "of-the-directory");
	conf_release(rows, COUNT_OF(rows), &settings);
	put(file, "token: of-the-file\n");
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(settings.token, "of-the-file");
	conf_release(rows, COUNT_OF(rows), &settings);
	settings = (struct settings){0};
	put(file, "slots: 3\n");
	ck_assert_int_eq(unlink(token), 0);
	ck_assert_int_eq(load(&sources), -1);
	ck_assert_ptr_nonnull(strstr(buf_text(&mistakes), "token: required;"));
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
	const char *environ[] = {"LOUD=x", NULL};
	struct conf_flag flags[] = {{"poll-interval", "1"}, {"name", "a"}, {"name", "b"}};
	struct conf_sources sources = {
	    .file = file, .environ = environ, .flags = flags, .flag_count = COUNT_OF(flags)};

	put(file, "slots: x\nwhat: 1\n");
	ck_assert_int_eq(load(&sources), -1);
	check_untouched();
	static const char *const says[] = {":1:8: slots:", ":2:1: what: unknown",
	    "environment: LOUD:", "--poll-interval:", "--name: given twice",
	    "token: required; give it as TOKEN or TOKEN_FILE in the environment",
	    "url: required; give it as URL in the environment, or in the file"};
	size_t lines = 0;
	for (const char *c = buf_text(&mistakes); *c; c++)
		lines += *c == '\n';
	for (size_t i = 0; i < COUNT_OF(says); i++)
		ck_assert_msg(strstr(buf_text(&mistakes), says[i]) != NULL, "\"%s\" in\n%s",
		    says[i], buf_text(&mistakes));
	ck_assert_uint_eq(lines, COUNT_OF(says));
}
END_TEST

START_TEST(a_file_that_must_exist)
{
	struct conf_sources sources = {.file = file, .environ = good_environ};

	ck_assert_int_eq(load(&sources), -1);
	ck_assert_ptr_nonnull(strstr(buf_text(&mistakes), "c.yml: No such file"));
	check_untouched();
}
END_TEST

START_TEST(a_file_that_is_too_large)
{
	AUTO(buf) content = buf_make(CONF_FILE_MAX_BYTES + 100);
	struct conf_sources sources = {.file = file, .environ = good_environ};

	while (content.length <= CONF_FILE_MAX_BYTES)
		ck_assert_int_eq(buf_add_text(&content, "# padding\n"), 0);
	put(file, buf_text(&content));
	ck_assert_int_eq(load(&sources), -1);
	ck_assert_ptr_nonnull(strstr(buf_text(&mistakes), "larger than 65536 bytes"));
}
END_TEST

/* Each way to hand over a secret; all end masked. */
START_TEST(secrets_come_from_files_and_are_masked)
{
	auto_str char *path = xasprintf("%s/secret", dir);
	auto_str char *entry = xasprintf("TOKEN_FILE=%s", path);
	auto_str char *line = xasprintf("token_file: %s\n", path);
	const char *by_environ[] = {"URL=https://h", entry, NULL};
	const char *by_file[] = {"URL=https://h", NULL};
	struct conf_flag flag = {"token-file", path};
	struct conf_sources all[] = {
	    {.environ = by_environ},
	    {.environ = by_file, .file = file},
	    {.environ = by_file, .flags = &flag, .flag_count = 1},
	};

	put(path, "n3wer-key,0lder-key\n");
	put(file, line);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		AUTO(buf) shown = buf_make(4000);
		AUTO(buf) masked = buf_make(100);

		ck_assert_msg(load(&all[i]) == 0, "%s", buf_text(&mistakes));
		ck_assert_str_eq(settings.token, "n3wer-key,0lder-key");
		conf_print(rows, COUNT_OF(rows), &settings, &shown);
		ck_assert_ptr_nonnull(strstr(buf_text(&shown), "token: \"***\"\n"));
		ck_assert_ptr_null(strstr(buf_text(&shown), "key"));
		static const char text[] = "<0lder-key> <n3wer-key,0lder-key>";
		ck_assert_int_eq(log_mask_text(&masked, text, strlen(text)), 0);
		ck_assert_str_eq(buf_text(&masked), "<***> <***>");
		conf_release(rows, COUNT_OF(rows), &settings);
		check_untouched();
		log_mask_reset();
	}
}
END_TEST

static const struct secret_row {
	const char *content;
	size_t length;
	const char *says; /* NULL: good */
} secret_rows[] = {
    {"123456", 6, NULL},
    {"123456\n", 7, NULL},
    {"123456\n\n", 8, "must not hold a line break"},
    {"", 0, "must not be empty"},
    {"\n", 1, "must not be empty"},
    {"123\000456", 7, "the file holds a NUL byte"},
};

START_TEST(reads_secret_file_row)
{
	const struct secret_row *row = &secret_rows[_i];
	auto_str char *path = xasprintf("%s/secret", dir);
	auto_str char *entry = xasprintf("TOKEN_FILE=%s", path);
	const char *environ[] = {"URL=https://h", entry, NULL};
	struct conf_sources sources = {.environ = environ};
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, 0600, row->content, row->length, &err), 0);
	ck_assert_int_eq(load(&sources), row->says ? -1 : 0);
	if (row->says)
		ck_assert_msg(strstr(buf_text(&mistakes), row->says) != NULL, "row %d: %s", _i,
		    buf_text(&mistakes));
	ck_assert_ptr_null(strstr(buf_text(&mistakes), "123"));
}
END_TEST

START_TEST(both_forms_of_a_secret_are_one_too_many)
{
	const char *environ[] = {"URL=https://h", "TOKEN=123456", "TOKEN_FILE=/x", NULL};
	struct conf_sources sources = {.environ = environ};

	ck_assert_int_eq(load(&sources), -1);
	ck_assert_str_eq(
	    buf_text(&mistakes), "environment: TOKEN_FILE: TOKEN is given too; one of both\n");
}
END_TEST

/* What is printed can be read again, and gives the same but for the secret. */
START_TEST(printed_settings_are_a_file)
{
	const char *environ[] = {"TOKEN=123456", "URL=http://h:80/sub/path///", "LOUD=yes",
	    "NAME=*\"\\: #", "POLL_INTERVAL=1m", "SLOTS=4", "LEVEL=error", NULL};
	struct conf_sources sources = {.environ = environ};
	AUTO(buf) first = buf_make(4000);
	AUTO(buf) second = buf_make(4000);

	ck_assert_msg(load(&sources) == 0, "%s", buf_text(&mistakes));
	ck_assert_str_eq(settings.url, "http://h:80/sub/path");
	conf_print(rows, COUNT_OF(rows), &settings, &first);
	ck_assert_str_eq(buf_text(&first),
	    "name: \"*\\\"\\\\: #\"\ntoken: \"***\"\nurl: http://h:80/sub/path\nslots: 4\n"
	    "loud: true\npoll_interval: 1m\nlevel: error\npages_url: \"\"\n");
	conf_release(rows, COUNT_OF(rows), &settings);

	put(file, buf_text(&first));
	struct conf_flag flag = {"token-file", NULL};
	auto_str char *path = xasprintf("%s/secret", dir);
	put(path, "654321");
	flag.value = path;
	struct conf_sources again = {.file = file, .flags = &flag, .flag_count = 1};
	ck_assert_msg(load(&again) == 0, "%s", buf_text(&mistakes));
	conf_print(rows, COUNT_OF(rows), &settings, &second);
	ck_assert_str_eq(buf_text(&first), buf_text(&second));
}
END_TEST

START_TEST(names_the_flag_of_a_row)
{
	const struct conf_row plain = {.name = "POLL_INTERVAL", .kind = CONF_DURATION};
	const struct conf_row secret = {.name = "GITEA_TOKEN", .kind = CONF_SECRET};
	auto_str char *plain_flag = conf_flag_name(&plain);
	auto_str char *secret_flag = conf_flag_name(&secret);

	ck_assert_str_eq(plain_flag, "poll-interval");
	ck_assert_str_eq(secret_flag, "gitea-token-file");
}
END_TEST

START_TEST(help_names_every_flag)
{
	AUTO(buf) help = buf_make(4000);

	conf_help(rows, COUNT_OF(rows), &help);
	static const char *const says[] = {"  --name TEXT\n      a name (none)\n",
	    "  --token-file PATH\n      the token (required)\n",
	    "  --slots NUMBER\n      how many, in slots (1)\n",
	    "  --poll-interval DURATION\n      time between polls (30s)\n",
	    "  --level WORD\n      how much is said: error, info (info)\n"};
	for (size_t i = 0; i < COUNT_OF(says); i++)
		ck_assert_msg(
		    strstr(buf_text(&help), says[i]) != NULL, "%s in %s", says[i], buf_text(&help));
}
END_TEST

static const struct duration_row {
	const char *text;
	int64_t ms; /* -1: none */
} duration_rows[] = {
    {"0", 0},
    {"250ms", 250},
    {"30s", 30000},
    {"60m", 3600000},
    {"2h", 7200000},
    {"1d", 86400000},
    {"0s", 0},
    {"106751991167d", INT64_C(106751991167) * 86400000},
    {"106751991168d", -1},
    {"99999999999999999999s", -1},
    {"", -1},
    {"s", -1},
    {"30", -1},
    {"1m30s", -1},
    {"-1s", -1},
    {"+1s", -1},
    {" 1s", -1},
    {"1 s", -1},
    {"1.5h", -1},
    {"1S", -1},
    {"1w", -1},
};

START_TEST(parses_duration_row)
{
	const struct duration_row *row = &duration_rows[_i];
	int64_t ms = -1;

	ck_assert_msg(
	    conf_parse_duration(row->text, &ms) == (row->ms >= 0), "row %d \"%s\"", _i, row->text);
	ck_assert_int_eq(ms, row->ms);
}
END_TEST

static const struct change_row {
	const char *file; /* instead of "token: s3cr3t-t0ken, url: https://h" and the defaults */
	const char *taken, *kept;
	int64_t slots, every_ms; /* in force afterwards */
} change_rows[] = {
    {"token: s3cr3t-t0ken\nurl: https://h\n", "", "", 1, 30000},
    {"token: s3cr3t-t0ken\nurl: https://h/\nslots: 1\npages_url: \"\"\n", "", "", 1, 30000},
    {"token: s3cr3t-t0ken\nurl: https://h\nslots: 3\n", "SLOTS", "", 3, 30000},
    {"token: other-t0ken\nurl: https://i\nslots: 3\nloud: 1\npoll_interval: 20s\n"
     "pages_url: https://p\nname: x\nlevel: error\n",
	"TOKEN, SLOTS, LOUD, PAGES_URL", "NAME, URL, POLL_INTERVAL, LEVEL", 3, 30000},
};

START_TEST(takes_what_reloads)
{
	const struct change_row *row = &change_rows[_i];
	const struct conf_sources sources = {.file = file};
	struct settings fresh = {0};
	AUTO(buf) taken = buf_make(1000);
	AUTO(buf) kept = buf_make(1000);

	put(file, change_rows[0].file);
	ck_assert_msg(load(&sources) == 0, "%s", buf_text(&mistakes));
	put(file, row->file);
	ck_assert_msg(conf_load(rows, COUNT_OF(rows), &sources, &fresh, &mistakes) == 0, "%s",
	    buf_text(&mistakes));
	conf_take_changed(rows, COUNT_OF(rows), &settings, &fresh, &taken, &kept);
	ck_assert_str_eq(buf_text(&taken), row->taken);
	ck_assert_str_eq(buf_text(&kept), row->kept);
	ck_assert_int_eq(settings.slots, row->slots);
	ck_assert_int_eq(settings.every_ms, row->every_ms);
	ck_assert_str_eq(settings.url, "https://h");
	ck_assert_str_eq(settings.name, "none");
	if (strstr(row->taken, "TOKEN")) {
		ck_assert_str_eq(settings.token, "other-t0ken");
		ck_assert_str_eq(fresh.token, "s3cr3t-t0ken");
		ck_assert(settings.is_loud);
		ck_assert_str_eq(settings.pages_url, "https://p");
	}
	conf_release(rows, COUNT_OF(rows), &fresh);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, open_all, release_all);
	tcase_add_test(tc, defaults_fill_what_is_absent);
	tcase_add_test(tc, flag_beats_environment_beats_file);
	tcase_add_loop_test(tc, says_what_is_wrong_in_row, 0, COUNT_OF(fault_rows));
	tcase_add_test(tc, a_credential_counts_where_nothing_names_another);
	tcase_add_test(tc, all_mistakes_are_told_at_once);
	tcase_add_test(tc, a_file_that_must_exist);
	tcase_add_test(tc, a_file_that_is_too_large);
	tcase_add_test(tc, secrets_come_from_files_and_are_masked);
	tcase_add_loop_test(tc, reads_secret_file_row, 0, COUNT_OF(secret_rows));
	tcase_add_test(tc, both_forms_of_a_secret_are_one_too_many);
	tcase_add_test(tc, printed_settings_are_a_file);
	tcase_add_test(tc, names_the_flag_of_a_row);
	tcase_add_test(tc, help_names_every_flag);
	tcase_add_loop_test(tc, takes_what_reloads, 0, COUNT_OF(change_rows));
	tcase_add_loop_test(tc, parses_duration_row, 0, COUNT_OF(duration_rows));
	return suite;
}

TEST_MAIN(make_suite)
