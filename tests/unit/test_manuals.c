/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The manuals and the contract say what the tables in code say: each setting with its default and
 * bounds, and no other; each exit status, and what it means. (tests/flow/test_manuals.py compares
 * words and options, which only the programs know.)
 */
#include <check.h>

#include "harness.h"

#include "bridge/bridge.h"
#include "common/file.h"
#include "runner-plugin/run/exit.h"
#include "runner-plugin/settings.h"

#include <ctype.h>

#define PAGE_MAX_BYTES (1024 * 1024)
#define SETTINGS_MANUAL "docs/ccci.5"

static const struct program {
	const struct conf_row *rows;
	const size_t *row_count;
	const char *heading;  /* of its settings in ccci(5) */
	const char *contract; /* what its table in section 2 stands behind */
} programs[] = {
    {bridge_settings_rows, &bridge_settings_row_count, "\n.Sh SETTINGS OF CCCI-BRIDGE\n",
	"ccci-bridge (`/etc/ccci/bridge.yml`):"},
    {settings_rows, &settings_row_count, "\n.Sh SETTINGS OF CCCI-RUN\n",
	"ccci-run (`/etc/ccci/run.yml`):"},
};

/* What stands between two marks of a page, the first of them excluded; the caller frees it. */
static char *read_part(const char *name, const char *from, const char *to)
{
	AUTO(buf) page = {0};
	struct err err;
	auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, name);

	ck_assert_msg(file_read(path, PAGE_MAX_BYTES, &page, &err) == 0, "%s", err.msg);
	const char *begin = strstr(buf_text(&page), from);
	ck_assert_msg(begin != NULL, "%s has no \"%s\"", name, from);
	begin += strlen(from);
	const char *end = strstr(begin, to);
	return end ? xstrndup(begin, (size_t)(end - begin)) : xstrdup(begin);
}

/* --- one entry: what stands under a setting's name --- */

#define ENTRIES_MAX 64
#define NAMES_MAX 4
#define NAME_SIZE 64

struct entry {
	char names[NAMES_MAX][NAME_SIZE];
	size_t name_count;
	char *text; /* owned */
};

struct entries {
	const char *page;
	struct entry items[ENTRIES_MAX];
	size_t count;
};

static void entries_release(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->items[i].text);
}
DEFINE_AUTO(entries, entries_release);

/* Names are words of capitals; what else stands on the line is markup. */
static void add_entry(struct entries *entries, const char *names, const char *text, size_t length)
{
	struct entry *entry = &entries->items[entries->count];

	ck_assert_uint_lt(entries->count, ENTRIES_MAX);
	for (const char *at = names; at < text;) {
		size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

		if (size > 1) {
			ck_assert_uint_lt(entry->name_count, NAMES_MAX);
			ck_assert_uint_lt(size, NAME_SIZE);
			memcpy(entry->names[entry->name_count++], at, size);
		}
		at += size ? size : 1;
	}
	entry->text = xstrndup(text, length);
	entries->count++;
}

/* ".It Ev GITEA_URL , GITEA_TOKEN" and all up to the next one. */
static void read_manual(const struct program *program, struct entries *out)
{
	auto_str char *part = read_part(SETTINGS_MANUAL, program->heading, "\n.Sh ");
	static const char mark[] = "\n.It Ev ";

	out->page = SETTINGS_MANUAL;
	for (const char *at = strstr(part, mark); at;) {
		const char *names = at + strlen(mark);
		const char *text = names + strcspn(names, "\n");

		at = strstr(text, mark);
		add_entry(out, names, text, at ? (size_t)(at - text) : strlen(text));
	}
}

/* "| `GITEA_URL` `GITEA_TOKEN` | required | forge … |" up to what is planned, or the next program.
 */
static void read_contract(const struct program *program, struct entries *out)
{
	auto_str char *part = read_part("docs/contracts.md", program->contract, "\n## ");
	static const char *const ends[] = {"*Later:*", "\nccci-"};

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		char *end = strstr(part, ends[i]);

		if (end)
			*end = '\0';
	}
	out->page = "docs/contracts.md";
	for (const char *at = strstr(part, "\n| `"); at; at = strstr(at + 1, "\n| `")) {
		const char *names = at + strlen("\n| ");
		const char *text = names + strcspn(names, "|");

		add_entry(out, names, text, strcspn(text, "\n"));
	}
}

static const struct entry *find_entry(const struct entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->count; i++)
		for (size_t k = 0; k < entries->items[i].name_count; k++)
			if (text_is(entries->items[i].names[k], name))
				return &entries->items[i];
	return NULL;
}

static const struct conf_row *find_row(const struct program *program, const char *name)
{
	for (size_t i = 0; i < *program->row_count; i++)
		if (text_is(program->rows[i].name, name))
			return &program->rows[i];
	return NULL;
}

/* --- defaults and bounds --- */

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
		bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '.');

		if (begins && !isalnum((unsigned char)at[length]))
			return true;
	}
	return false;
}

static bool is_number(const struct conf_row *row)
{
	return row->kind == CONF_INT || row->kind == CONF_DURATION;
}

/* "at most 60s": what is promised there, in the row's unit. False: no number. */
static bool read_bound(const char *at, const struct conf_row *row, int64_t *out)
{
	char word[32] = "";

	at += strspn(at, " \n`");
	for (size_t i = 0; isalnum((unsigned char)at[i]) && i < sizeof(word) - 1; i++)
		word[i] = at[i];
	return row->kind == CONF_DURATION ? conf_parse_duration(word, out)
					  : parse_int64(word, INT64_MIN, INT64_MAX, out);
}

/* How often a bound is promised in the text: rightly, and at all. */
struct promised {
	size_t right, all;
};

static struct promised count_promises(
    const char *text, const char *phrase, const struct conf_row *row, int64_t bound)
{
	struct promised promised = {0};

	for (const char *at = text; (at = strstr(at, phrase)) != NULL; promised.all++) {
		int64_t value = 0;

		at += strlen(phrase);
		promised.right += read_bound(at, row, &value) && value == bound;
	}
	return promised;
}

static void check_bound(const struct entries *page, const struct entry *entry,
    const struct conf_row *row, const char *phrase, int64_t bound, bool is_bound)
{
	struct promised promised = count_promises(entry->text, phrase, row, bound);
	bool is_alone = entry->name_count == 1;

	ck_assert_msg(!is_bound || promised.right > 0, "%s: %s lacks \"%s\" and the bound, %lld",
	    page->page, row->name, phrase, (long long)bound);
	ck_assert_msg(!is_alone || promised.all == (is_bound ? 1 : 0),
	    "%s: %s has no such bound as the one behind \"%s\"", page->page, row->name, phrase);
}

static void check_row(const struct entries *page, const struct conf_row *row)
{
	const struct entry *entry = find_entry(page, row->name);

	ck_assert_msg(entry != NULL, "%s does not have the setting %s", page->page, row->name);
	if (row->fallback)
		ck_assert_msg(has_word(entry->text, row->fallback), "%s: %s lacks its default, %s",
		    page->page, row->name, row->fallback);
	else if (row->is_required)
		ck_assert_msg(strcasestr(entry->text, "required"), "%s: %s lacks \"required\"",
		    page->page, row->name);
	for (size_t i = 0; row->kind == CONF_CHOICE && row->choices[i]; i++)
		ck_assert_msg(has_word(entry->text, row->choices[i]), "%s: %s lacks its choice %s",
		    page->page, row->name, row->choices[i]);
	ck_assert_msg((strcasestr(entry->text, "reloads") != NULL) == row->reloads,
	    "%s: %s must say \"reloads\" just when its row does", page->page, row->name);
	if (!is_number(row))
		return;
	check_bound(page, entry, row, "at least", row->least, row->least > 0);
	check_bound(page, entry, row, "at most", row->most, row->most > 0 && row->most < INT64_MAX);
}

static void check_page(const struct program *program, const struct entries *page)
{
	for (size_t i = 0; i < *program->row_count; i++)
		check_row(page, &program->rows[i]);
	for (size_t i = 0; i < page->count; i++)
		for (size_t k = 0; k < page->items[i].name_count; k++)
			ck_assert_msg(find_row(program, page->items[i].names[k]) != NULL,
			    "%s has the setting %s, the program does not", page->page,
			    page->items[i].names[k]);
}

START_TEST(manual_has_each_setting)
{
	AUTO(entries) page = {0};

	read_manual(&programs[_i], &page);
	check_page(&programs[_i], &page);
}
END_TEST

START_TEST(contract_has_each_setting)
{
	AUTO(entries) page = {0};

	read_contract(&programs[_i], &page);
	check_page(&programs[_i], &page);
}
END_TEST

/* --- exit status --- */

/* The whole list, as it would be written from the table. */
static char *list_of_codes(const char *before, const char *between, const char *behind)
{
	AUTO(buf) list = buf_make(PAGE_MAX_BYTES);

	for (int i = 0; i < EXIT_CODE_COUNT; i++)
		(void)buf_printf(&list, "%s%d%s%s%s", before, i, between,
		    exit_meaning((enum exit_code)i), i + 1 < EXIT_CODE_COUNT ? behind : "");
	return buf_take(&list);
}

START_TEST(manual_has_each_exit_status)
{
	auto_str char *part =
	    read_part("docs/ccci-run.1", ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n", "\n.El");
	auto_str char *list = list_of_codes(".It ", "\n", "\n");

	ck_assert_str_eq(part, list);
}
END_TEST

/* In words of its own, but each number and no other. */
START_TEST(bridges_manual_has_each_exit_status)
{
	auto_str char *part = read_part("docs/ccci-bridge.8", ".Sh EXIT STATUS\n", "\n.El");
	int count = 0;

	for (const char *at = part; (at = strstr(at, "\n.It ")) != NULL; count++) {
		auto_str char *number = xasprintf("\n.It %d\n", count);

		ck_assert_msg(text_starts(at, number), "not %d: %.10s", count, at + 1);
		at += strlen("\n.It ");
	}
	ck_assert_int_eq(count, BRIDGE_EXIT_CONFIG + 1);
}
END_TEST

START_TEST(contract_has_each_exit_status)
{
	auto_str char *part = read_part("docs/contracts.md", "\nExit: ", ". ");
	auto_str char *list = list_of_codes("", " ", " · ");

	for (char *c = part; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	ck_assert_str_eq(part, list);
}
END_TEST

/* "| `passed` | at least one stage passed … | 0 |" */
START_TEST(results_have_the_exit_status_of_each_verdict)
{
	for (int i = VERDICT_PASSED; i <= VERDICT_NOT_RUN; i++) {
		auto_str char *mark = xasprintf("\n| `%s` | ", verdict_word((enum verdict_class)i));
		auto_str char *section = read_part("docs/results.md", "\n## Verdicts\n", "\n## ");
		auto_str char *code =
		    xasprintf(" | %d |", (int)exit_of_verdict((enum verdict_class)i, true));
		const char *row = strstr(section, mark);

		ck_assert_msg(row != NULL, "no verdict %s", mark);
		auto_str char *line = xstrndup(row, 1 + strcspn(row + 1, "\n"));
		ck_assert_msg(text_ends(line, code), "%s: exit is%s", line, code);
	}
}
END_TEST

/* The test sees what it is there for. */
START_TEST(mistakes_are_seen)
{
	const struct conf_row row = {.name = "X", .kind = CONF_DURATION, .most = 60000};
	struct promised promised = count_promises(
	    "30s, at most\n`60s`, at most 1h, at most twice", "at most", &row, 60000);

	ck_assert_uint_eq(promised.right, 1);
	ck_assert_uint_eq(promised.all, 3);
	ck_assert(has_word(".Li 127.0.0.1:80 ;", "127.0.0.1:80"));
	ck_assert(has_word("1, at most", "1") && !has_word("11 0.1", "1"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("manuals");
	TCase *tc = tcase_create("manuals");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, manual_has_each_setting, 0, COUNT_OF(programs));
	tcase_add_loop_test(tc, contract_has_each_setting, 0, COUNT_OF(programs));
	tcase_add_test(tc, manual_has_each_exit_status);
	tcase_add_test(tc, bridges_manual_has_each_exit_status);
	tcase_add_test(tc, contract_has_each_exit_status);
	tcase_add_test(tc, results_have_the_exit_status_of_each_verdict);
	tcase_add_test(tc, mistakes_are_seen);
	return suite;
}

TEST_MAIN(make_suite)
