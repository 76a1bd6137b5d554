/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/standing.h"

#define NAME "org/recipe"

static const struct row {
	struct gitea_repo found; /* no name: the error is the answer */
	enum err_code code;
	enum standing standing;
	bool is_by_suite;
	const char *says; /* behind the name; NULL: it is not bad */
} rows[] = {
    {{.name = NAME, .has_pulls = true}, ERR_NONE, STANDING_GOOD, false, NULL},
    {{.name = "Org/Recipe", .has_pulls = true}, ERR_NONE, STANDING_GOOD, false, NULL},
    {{.name = "org/other"}, ERR_NONE, STANDING_MOVED, false,
	" is org/other now; no command in it is heard until POLL_REPOS names it so"},
    {{.name = "org/other"}, ERR_NONE, STANDING_MOVED, true,
	" is org/other now; no command in it is heard until its suite is named so"},
    {{.name = "organ/recipe"}, ERR_NONE, STANDING_MOVED, true,
	" is organ/recipe now; no command in it is heard until POLL_REPOS names it so"},
    {{.name = NAME, .has_pulls = true, .is_archived = true}, ERR_NONE, STANDING_ARCHIVED, false,
	" is archived"},
    {{.name = NAME}, ERR_NONE, STANDING_NO_PULLS, false, " has its pull requests switched off"},
    {{.id = 0}, ERR_MISSING, STANDING_MISSING, false, " is not there: it was deleted, or closed"},
    {{.id = 0}, ERR_DENIED, STANDING_DENIED, true, " is closed to our token's user"},
    {{.id = 0}, ERR_PROTOCOL, STANDING_ODD, false, " is described by the forge"},
    {{.id = 0}, ERR_LIMIT, STANDING_ODD, false, " is described by the forge"},
    {{.id = 0}, ERR_TRANSIENT, STANDING_UNKNOWN, false, NULL},
    {{.id = 0}, ERR_TIMEOUT, STANDING_UNKNOWN, false, NULL},
};

START_TEST(judges_row)
{
	const struct row *row = &rows[_i];
	const struct err err = {.code = row->code};
	bool has_found = *row->found.name != '\0';
	char text[STANDING_TEXT_SIZE] = "";

	enum standing standing =
	    standing_of(NAME, has_found ? &row->found : NULL, has_found ? NULL : &err);
	ck_assert_int_eq(standing, row->standing);
	ck_assert_int_eq(standing_is_bad(standing), row->says != NULL);
	if (!row->says)
		return;
	standing_write(standing, NAME, row->found.name, !row->is_by_suite, text);
	ck_assert_msg(
	    text_starts(text, NAME) && text_starts(text + strlen(NAME), row->says), "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "no command in it is heard until"));
	ck_assert(
	    !strstr(text, "POLL_REPOS") || !row->is_by_suite || row->standing == STANDING_MOVED);
}
END_TEST

START_TEST(members_row)
{
	static const struct {
		enum gitea_member member;
		enum err_code code;
		const char *says; /* NULL: nothing */
	} members[] = {
	    {GITEA_MEMBER, ERR_NONE, NULL},
	    {GITEA_NOT_MEMBER, ERR_NONE, "bot is not in the organisation org, so the forge"},
	    {GITEA_BOT_OUTSIDE, ERR_NONE, "bot is not in the organisation org, so the forge"},
	    {GITEA_MEMBER, ERR_DENIED, "cannot ask who is in org (a reason): nobody there"},
	};
	const struct err err = {.code = members[_i].code, .msg = "a reason"};
	bool is_answered = err.code == ERR_NONE;
	char text[STANDING_TEXT_SIZE] = "";

	ck_assert_int_eq(
	    standing_write_members("org", "bot", is_answered ? &members[_i].member : NULL,
		is_answered ? NULL : &err, text),
	    members[_i].says != NULL);
	ck_assert_msg(text_starts(text, members[_i].says ? members[_i].says : ""), "%s", text);
	ck_assert_int_eq(*text != '\0', members[_i].says != NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("standing");
	TCase *tests = tcase_create("standing");

	tcase_add_loop_test(tests, judges_row, 0, COUNT_OF(rows));
	tcase_add_loop_test(tests, members_row, 0, 4);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
