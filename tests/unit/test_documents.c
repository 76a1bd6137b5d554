/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comments and documents point at is in the tree: a file of docs/, and its section. */
#include <check.h>

#include "harness.h"

#include "common/file.h"

#include <ftw.h>
#include <regex.h>

#define SOURCE_MAX_BYTES (1024 * 1024)

static size_t reference_count;
static regex_t reference; /* docs/NAME.md, section N; the list of tests/standin */
static regex_t stranger;  /* what leads out of the tree, or to a list that is not in it */

/* Whether the document has the heading "## N.". */
static bool has_section(const char *document, const char *number)
{
	AUTO(buf) content = {0};
	struct err err;
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, document);
	auto_str char *heading = xasprintf("\n## %s.", number);

	ck_assert_msg(file_read(path, SOURCE_MAX_BYTES, &content, &err) == 0, "%s", err.msg);
	return strstr(buf_text(&content), heading) != NULL;
}

static void check_references(const char *path, const char *text)
{
	regmatch_t at[6];

	ck_assert_msg(regexec(&stranger, text, 1, at, 0) != 0, "%s points out of the tree: %.40s",
	    path, text + (at[0].rm_so < 0 ? 0 : at[0].rm_so));
	while (regexec(&reference, text, COUNT_OF(at), at, 0) == 0) {
		auto_str char *document =
		    xstrndup(text + at[1].rm_so, (size_t)(at[1].rm_eo - at[1].rm_so));
		auto_str char *file = xasprintf("%s/%s", TEST_SOURCE_DIR, document);

		ck_assert_msg(file_exists(file), "%s names %s", path, document);
		if (at[5].rm_so >= 0) {
			auto_str char *number =
			    xstrndup(text + at[5].rm_so, (size_t)(at[5].rm_eo - at[5].rm_so));

			ck_assert_msg(has_section(document, number),
			    "%s names section %s of %s, which has none", path, number, document);
		}
		reference_count++;
		text += at[0].rm_eo;
	}
}

static int check_file(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	static const char *const kinds[] = {".c", ".h", ".py", ".md", ".1", ".5", ".8", ".yml"};

	(void)status;
	(void)ftw;
	/* This file holds what it looks for. */
	if (type != FTW_F || strstr(path, "/tests/unit/test_documents.c"))
		return 0;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		AUTO(buf) content = {0};
		struct err err;

		if (!text_ends(path, kinds[i]))
			continue;
		ck_assert_msg(
		    file_read(path, SOURCE_MAX_BYTES, &content, &err) == 0, "%s", err.msg);
		check_references(path, buf_text(&content));
	}
	return 0;
}

START_TEST(each_reference_leads_somewhere)
{
	static const char *const dirs[] = {"common", "bridge", "runner-plugin", "tests", "docs"};

	ck_assert_int_eq(
	    regcomp(&reference,
		"((docs/[a-z-]+|tests/standin/README)\\.(md|1|8))(,[ \n*#]+section ([0-9]+))?",
		REG_EXTENDED),
	    0);
	ck_assert_int_eq(
	    regcomp(&stranger,
		"contracts section|contracts [0-9]|\\.\\./shared|\\([BR][0-9]+\\)|abra\\.md",
		REG_EXTENDED),
	    0);
	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, dirs[i]);

		ck_assert_int_eq(nftw(path, check_file, 16, FTW_PHYS), 0);
	}
	ck_assert_uint_gt(reference_count, 10); /* else the test looks in the wrong place */
	regfree(&reference);
	regfree(&stranger);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("documents");
	TCase *tc = tcase_create("documents");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, each_reference_leads_somewhere);
	return suite;
}

TEST_MAIN(make_suite)
