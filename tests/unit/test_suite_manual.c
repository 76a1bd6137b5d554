/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ccci-suite(5) says what the tables in code say: the keys of each mapping of a suite and no other,
 * each word of `allow`, what programs are told; and its examples are suites.
 */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "runner-plugin/recipe/suite.h"
#include "runner-plugin/recipe/trespass.h"

#define PAGE "docs/ccci-suite.5"
#define PAGE_MAX_BYTES (256 * 1024)
#define ITEM ".It Li "
#define EXAMPLE ".Bd -literal -offset indent\n"

static char *read_page(void)
{
	AUTO(buf) page = {0};
	struct err err;
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, PAGE);

	ck_assert_msg(file_read(path, PAGE_MAX_BYTES, &page, &err) == 0, "%s", err.msg);
	return buf_take(&page);
}

/* What stands under a heading, up to the next one of either kind; the caller frees it. */
static char *read_section(const char *page, const char *heading)
{
	auto_str char *line = xasprintf("\n%s\n", heading);
	const char *begin = strstr(page, line);

	ck_assert_msg(begin != NULL, PAGE " has no \"%s\"", heading);
	begin += strlen(line) - 1;
	const char *end = strstr(begin, "\n.S");
	return end ? xstrndup(begin, (size_t)(end - begin)) : xstrdup(begin);
}

/* ".It Li KEY" of a section, how often. */
static size_t count_items(const char *section, const char *key)
{
	auto_str char *line = xasprintf("\n" ITEM "%s\n", key);
	size_t count = 0;

	for (const char *at = section; (at = strstr(at, line)) != NULL; at++)
		count++;
	return count;
}

static size_t count_all(const char *section)
{
	size_t count = 0;

	for (const char *at = section; (at = strstr(at, "\n" ITEM)) != NULL; at++)
		count++;
	return count;
}

START_TEST(has_the_keys_of_each_mapping)
{
	const struct suite_keys *keys = &suite_keys[_i];
	auto_str char *page = read_page();
	auto_str char *heading = xasprintf(".Ss Keys of %s", keys->where);
	auto_str char *section = read_section(page, heading);

	for (size_t i = 0; i < keys->count; i++)
		ck_assert_msg(count_items(section, keys->names[i]) == 1, PAGE ": \"%s\" lacks %s",
		    heading, keys->names[i]);
	ck_assert_msg(count_all(section) == keys->count, PAGE ": \"%s\" has %zu keys, not %zu",
	    heading, count_all(section), keys->count);
}
END_TEST

/* "host-bind" is also the beginning of a longer word, so what follows counts. */
static bool has_word(const char *section, const char *name)
{
	for (const char *at = section; (at = strstr(at, name)) != NULL; at++)
		if (at[-1] == ' ' && strchr(":\n ", at[strlen(name)]))
			return true;
	return false;
}

START_TEST(has_each_word_of_allow)
{
	auto_str char *page = read_page();
	auto_str char *section = read_section(page, ".Ss Words of allow");

	for (size_t i = 0; i < trespass_kind_count; i++)
		ck_assert_msg(has_word(section, trespass_kinds[i].name),
		    PAGE " lacks the word %s of allow", trespass_kinds[i].name);
}
END_TEST

START_TEST(examples_are_suites)
{
	auto_str char *page = read_page();
	auto_str char *section = read_section(page, ".Sh EXAMPLES");
	size_t count = 0;

	for (const char *at = strstr(section, EXAMPLE); at; at = strstr(at, EXAMPLE), count++) {
		at += strlen(EXAMPLE);
		const char *end = strstr(at, ".Ed");
		AUTO(suite) suite = {0};
		struct err err;

		ck_assert_ptr_nonnull(end);
		ck_assert_msg(suite_parse(PAGE, at, (size_t)(end - at), &suite, &err) == 0,
		    "example %zu: %s", count + 1, err.msg);
	}
	ck_assert_uint_ge(count, 3);
}
END_TEST

/* The test sees what it is there for. */
START_TEST(mistakes_are_seen)
{
	static const char section[] = "\n.It Li env\ntext\n.It Li environment\n";

	ck_assert_uint_eq(count_items(section, "env"), 1);
	ck_assert_uint_eq(count_all(section), 2);
	ck_assert(has_word(" .It Li secret:NAME", "secret"));
	ck_assert(!has_word(" .It Li secret-driver:NAME", "secret"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suite_manual");
	TCase *tc = tcase_create("suite_manual");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, has_the_keys_of_each_mapping, 0, SUITE_MAPPING_COUNT);
	tcase_add_test(tc, has_each_word_of_allow);
	tcase_add_test(tc, examples_are_suites);
	tcase_add_test(tc, mistakes_are_seen);
	return suite;
}

TEST_MAIN(make_suite)
