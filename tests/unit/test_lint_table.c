/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What abra's lint prints, as it is and as it should not be, and what is made of it. */
#include "harness.h"

#include "runner-plugin/abra/lint_table.h"

#define YES "\u2705"
#define NO "\u274c"
#define TOP "\u250f\u2501\u2501\u2533\u2501\u2501\u2513\n"
#define BAR "\u2502"
#define ROW(ref, rule, level, satisfied, skipped, advice)                                          \
	BAR " " ref " " BAR " " rule "  " BAR " " level "  " BAR " " satisfied " " BAR " " skipped \
	    "  " BAR " " advice "   " BAR "\n"
#define HEAD TOP ROW("REF", "RULE", "SEVERITY", "SATISFIED", "SKIPPED", "RESOLVE")
#define R001 ROW("R001", "compose config has expected version", "warn", YES, "-", "ensure it")
#define R002_NO ROW("R002", "healthchecks", "warn", NO, "-", "wire up healthchecks")
#define R006_NO ROW("R006", "has published catalogue version", "warn", NO, "-", "publish it")
#define R009 ROW("R009", "one service named 'app'", "error", YES, "-", "name a service 'app'")
#define R009_NO ROW("R009", "one service named 'app'", "error", NO, "-", "name a service 'app'")
#define R010_SKIPPED ROW("R010", "traefik routing enabled", "error", "-", YES, "include it")
#define R011_NO ROW("R011", "all services have images", "error", NO, "-", "set an image")
#define R014_NO ROW("R014", "only annotated tags", "error", NO, "-", "replace the tag")

static const struct row {
	const char *output;
	enum outcome outcome;
	const char *reason;
	const char *rows; /* number, first letter of the outcome, reason, each */
} rows[] = {
    /* kept */
    {HEAD R001 R009 TOP, OUTCOME_PASS, "", "R001 p|R009 p|"},
    {R009, OUTCOME_PASS, "", "R009 p|"},
    {R001 R010_SKIPPED, OUTCOME_PASS, "", "R001 p|R010 n abra skips it for this recipe|"},
    /* a warning is shown and fails nothing */
    {HEAD R001 R002_NO R009, OUTCOME_PASS, "1 warning: R002 healthchecks",
	"R001 p|R002 n a warning: wire up healthchecks|R009 p|"},
    {R002_NO R009 ROW("R015", "long names", "warn", NO, "-", "cut them"), OUTCOME_PASS,
	"2 warnings: R002 healthchecks; R015 long names",
	"R002 n a warning: wire up healthchecks|R009 p|R015 n a warning: cut them|"},
    /* an error is the recipe's */
    {HEAD R001 R009_NO, OUTCOME_FAIL, "R009 one service named 'app': name a service 'app'",
	"R001 p|R009 f name a service 'app'|"},
    {R002_NO R009_NO R011_NO, OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app' (and 1 more)",
	"R002 n a warning: wire up healthchecks|R009 f name a service 'app'|R011 f set an image|"},
    /* but not what no commit could keep */
    {R002_NO R006_NO R009, OUTCOME_PASS, "1 warning: R002 healthchecks",
	"R002 n a warning: wire up healthchecks|R006 n of the repository, not of this commit: "
	"publish it|R009 p|"},
    {R009 R014_NO, OUTCOME_PASS, "",
	"R009 p|R014 n of the repository, not of this commit: replace the tag|"},
    {R014_NO R009_NO, OUTCOME_FAIL, "R009 one service named 'app': name a service 'app'",
	"R009 f name a service 'app'|R014 n of the repository, not of this commit: replace the "
	"tag|"},
    /* rows come in the order of a Go map: errors first, or last */
    {R009 R001, OUTCOME_PASS, "", "R001 p|R009 p|"},
    /* other borders, colours, a terminal's line ends */
    {"\u2503 R009 \u2503 x \u2503 error \u2503 " NO " \u2503 - \u2503 do y \u2503\r\n",
	OUTCOME_FAIL, "R009 x: do y", "R009 f do y|"},
    {"| R009 | x | error | " YES " | - | do y |\n", OUTCOME_PASS, "", "R009 p|"},
    {"\033[1m" BAR "\033[0m R009 " BAR " \033[31mx\033[0m " BAR " error " BAR " " NO " " BAR
     " - " BAR " \033[38;5;9mdo y\033[0m " BAR "\n",
	OUTCOME_FAIL, "R009 x: do y", "R009 f do y|"},
    {BAR " R009 " BAR " a\tb\033]0;c\a " BAR " error " BAR " " NO " " BAR " - " BAR " d " BAR,
	OUTCOME_FAIL, "R009 a b ]0;c: d", "R009 f d|"},
    /* the output ends within a colour */
    {R009_NO "\033[3", OUTCOME_FAIL, "R009 one service named 'app': name a service 'app'",
	"R009 f name a service 'app'|"},
    /* what it says in other words is not understood, and nobody's fault */
    {ROW("R009", "un servicio", "error grave", NO, "-", "x"), OUTCOME_UNVERIFIED,
	"R009 un servicio: abra does not say in words we know how grave it is",
	"R009 u abra does not say in words we know how grave it is|"},
    {ROW("R009", "x", "error", "no", "-", "y"), OUTCOME_UNVERIFIED,
	"R009 x: abra does not say in a mark we know whether it is kept",
	"R009 u abra does not say in a mark we know whether it is kept|"},
    {ROW("R009", "x", "error", "-", "-", "y"), OUTCOME_UNVERIFIED,
	"R009 x: abra does not say in a mark we know whether it is kept",
	"R009 u abra does not say in a mark we know whether it is kept|"},
    {BAR " R009 " BAR " x " BAR " error " BAR " " NO, OUTCOME_UNVERIFIED,
	"R009 x: abra does not say in words we know how grave it is",
	"R009 u abra does not say in words we know how grave it is|"},
    {R009_NO ROW("R012", "x", "fatal", NO, "-", "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'",
	"R009 f name a service 'app'|R012 u abra does not say in words we know how grave it is|"},
    /* no table */
    {"", OUTCOME_UNVERIFIED, "abra recipe lint printed no table", ""},
    {"FATA inappropriate ioctl for device\n", OUTCOME_UNVERIFIED,
	"abra recipe lint printed no table", ""},
    {HEAD TOP, OUTCOME_UNVERIFIED, "abra recipe lint printed no table", ""},
    {"R009  one service  error  " NO "  -  x\n", OUTCOME_UNVERIFIED,
	"abra recipe lint printed no table", ""},
    {ROW("R0091", "x", "error", NO, "-", "y") ROW("X009", "x", "error", NO, "-", "y")
	    ROW("R9", "x", "error", NO, "-", "y") ROW("R009a", "x", "error", NO, "-", "y"),
	OUTCOME_UNVERIFIED, "abra recipe lint printed no table", ""},
    /* a recipe whose words look like a row betters nothing */
    {"WARN service " ROW("R009", "x", "error", YES, "-", "y") R009_NO, OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {R009_NO ROW("R009", "x", "error", YES, "-", "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {R009_NO ROW("R009", "x", "error", NO, "-", "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {R009_NO ROW("R009", "x", "warn", NO, "-", "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {ROW("R009", "x", "warn", NO, "-", "y") R009_NO, OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {R009_NO ROW("R009", "x", "error", "-", YES, "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {R009_NO ROW("R009", "x", "?", YES, "-", "y"), OUTCOME_FAIL,
	"R009 one service named 'app': name a service 'app'", "R009 f name a service 'app'|"},
    {ROW("R009", "x", "?", YES, "-", "y") R009, OUTCOME_UNVERIFIED,
	"R009 x: abra does not say in words we know how grave it is",
	"R009 u abra does not say in words we know how grave it is|"},
    {ROW("R010", "x", "error", "-", YES, "y") ROW("R010", "x", "warn", NO, "-", "y"), OUTCOME_PASS,
	"1 warning: R010 x", "R010 n a warning: y|"},
};

START_TEST(reads_row)
{
	const struct row *row = &rows[_i];
	AUTO(lint_table) table = {0};
	AUTO(buf) seen = buf_make(SIZE_MAX / 2);
	char reason[RESULTS_TEXT_MAX];

	lint_read(row->output, &table);
	for (size_t i = 0; i < table.count; i++) {
		const struct lint_row *read = &table.rows[i];

		ck_assert(text_starts(read->name, read->ref));
		(void)buf_printf(&seen, "%s %c%s%s|", read->ref, outcome_word(read->outcome)[0],
		    *read->reason ? " " : "", read->reason);
	}
	ck_assert_str_eq(buf_text(&seen), row->rows);
	ck_assert_int_eq(lint_judge(&table, reason), row->outcome);
	ck_assert_str_eq(reason, row->reason);
}
END_TEST

/* More rows, longer cells and more bars than any abra prints. */
START_TEST(bounds_what_it_keeps)
{
	AUTO(buf) output = buf_make(SIZE_MAX / 2);
	AUTO(lint_table) table = {0};
	auto_str char *longest = xcalloc(1, 5001);
	char reason[RESULTS_TEXT_MAX];

	memset(longest, 'x', 5000);
	for (int i = 0; i < LINT_ROWS_MAX; i++)
		(void)buf_printf(&output,
		    BAR " R%03d " BAR " %s " BAR " warn " BAR " " NO " " BAR " - " BAR " %s " BAR
			" more " BAR "\n",
		    i, longest, longest);
	lint_read(buf_text(&output), &table);
	ck_assert_uint_eq(table.count, LINT_ROWS_MAX);
	ck_assert_uint_lt(strlen(table.rows[0].name), 400);
	ck_assert_int_eq(lint_judge(&table, reason), OUTCOME_PASS);
	ck_assert_uint_eq(strlen(reason), RESULTS_TEXT_MAX - 1);
	lint_table_release(&table);
	/* Behind so many, a broken rule would not be seen. */
	(void)buf_add_text(&output, ROW("R999", "x", "error", YES, "-", "y"));
	lint_read(buf_text(&output), &table);
	ck_assert_uint_eq(table.count, LINT_ROWS_MAX);
	ck_assert_int_eq(lint_judge(&table, reason), OUTCOME_UNVERIFIED);
	ck_assert_str_eq(reason, "abra recipe lint printed more rules than there are");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("lint_table");
	TCase *tc = tcase_create("lint_table");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, reads_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, bounds_what_it_keeps);
	return suite;
}

TEST_MAIN(make_suite)
