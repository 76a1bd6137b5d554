/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commented settings in docs/examples: each setting once and no other, with its default where
 * it has one; read as they stand, and with everything uncommented, they are good settings.
 */
#include <check.h>

#include "harness.h"

#include "bridge/settings.h"
#include "common/file.h"
#include "runner-plugin/settings.h"

#include <ctype.h>

#define EXAMPLE_MAX_BYTES (64 * 1024)

static const char *const environ_rows[] = {"GITEA_TOKEN=one", "DRONE_TOKEN=two", NULL};

static int load_bridge(const char *file, struct buf *mistakes)
{
	const struct conf_sources sources = {.file = file, .environ = environ_rows};
	AUTO(bridge_settings) settings = {0};

	return bridge_settings_load(&sources, &settings, mistakes);
}

static int load_runner(const char *file, struct buf *mistakes)
{
	const struct conf_sources sources = {.file = file, .environ = environ_rows + 2};
	struct settings settings = {0};
	int result = settings_load(&sources, &settings, mistakes);

	if (result == 0)
		settings_release(&settings);
	return result;
}

static const struct program {
	const char *example;
	const struct conf_row *rows;
	const size_t *row_count;
	int (*load)(const char *file, struct buf *mistakes);
} programs[] = {
    {"docs/examples/bridge.yml", bridge_settings_rows, &bridge_settings_row_count, load_bridge},
    {"docs/examples/run.yml", settings_rows, &settings_row_count, load_runner},
};

static char *read_example(const struct program *program)
{
	AUTO(buf) text = {0};
	struct err err;
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, program->example);

	ck_assert_msg(file_read(path, EXAMPLE_MAX_BYTES, &text, &err) == 0, "%s", err.msg);
	return buf_take(&text);
}

/* "poll_interval: ", of a secret "gitea_token_file: ". */
static char *key_of(const struct conf_row *row)
{
	char *key = xasprintf("%s%s: ", row->name, row->kind == CONF_SECRET ? "_FILE" : "");

	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return key;
}

/* The value behind a key, whether or not it is commented out, without quotes; how often it is
 * there. */
static size_t find_value(const char *text, const char *key, char **out)
{
	size_t count = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + (*line == '#');

		if (!text_starts(at, key))
			continue;
		count++;
		at += strlen(key);
		size_t length = strcspn(at, "\n");
		bool is_quoted = *at == '"' && length > 1;

		free(*out);
		*out = xstrndup(at + is_quoted, length - 2 * (size_t)is_quoted);
	}
	return count;
}

START_TEST(has_each_setting_with_its_default)
{
	const struct program *program = &programs[_i];
	auto_str char *text = read_example(program);

	for (size_t i = 0; i < *program->row_count; i++) {
		const struct conf_row *row = &program->rows[i];
		auto_str char *key = key_of(row);
		auto_str char *value = NULL;
		size_t count = find_value(text, key, &value);

		ck_assert_msg(count == 1, "%s has \"%s\" %zu times", program->example, key, count);
		if (row->fallback)
			ck_assert_msg(text_is(value, row->fallback), "%s: %s%s, its default is %s",
			    program->example, key, value, row->fallback);
	}
}
END_TEST

START_TEST(is_good_as_it_stands)
{
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, programs[_i].example);

	ck_assert_msg(programs[_i].load(path, &mistakes) == 0, "%s", buf_text(&mistakes));
}
END_TEST

static bool ends_key(const char *end, size_t length, const char *suffix)
{
	size_t size = strlen(suffix);

	return length >= size && strncmp(end - size, suffix, size) == 0;
}

/* "#max_tests: 1" becomes "max_tests: 1"; what names a file or a program stays, as there is none.
 */
static void uncomment(char *text)
{
	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_");
		const char *end = line + 1 + length;

		if (*line == '#' && length && *end == ':' && !ends_key(end, length, "_file") &&
		    !ends_key(end, length, "_command"))
			*line = '\n';
	}
}

START_TEST(is_good_uncommented)
{
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	auto_str char *text = read_example(&programs[_i]);
	auto_str char *path = xasprintf("%s/settings.yml", harness_dir());
	struct err err;

	uncomment(text);
	ck_assert_ptr_null(strstr(text, "#state_dir"));
	ck_assert_int_eq(file_write_atomic(path, 0600, text, strlen(text), &err), 0);
	ck_assert_msg(programs[_i].load(path, &mistakes) == 0, "%s", buf_text(&mistakes));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("settings_examples");
	TCase *tc = tcase_create("settings_examples");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, has_each_setting_with_its_default, 0, COUNT_OF(programs));
	tcase_add_loop_test(tc, is_good_as_it_stands, 0, COUNT_OF(programs));
	tcase_add_loop_test(tc, is_good_uncommented, 0, COUNT_OF(programs));
	return suite;
}

TEST_MAIN(make_suite)
