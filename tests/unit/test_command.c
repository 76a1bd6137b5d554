/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/hear/command.h"
#include "common/buf.h"

#include <ctype.h>

/* What a row expects: stages and from of a run, or a part of the sentence. */
struct row {
	const char *text;
	enum command_kind kind;
	const char *stages;
	bool wants_extra;
	const char *from;
	const char *why;
};
#define NONE(text)                                                                                 \
	{                                                                                          \
		text, COMMAND_NONE, "", false, "", NULL                                            \
	}
#define RUN(text)                                                                                  \
	{                                                                                          \
		text, COMMAND_TEST, "", false, "", NULL                                            \
	}
#define HELP(text)                                                                                 \
	{                                                                                          \
		text, COMMAND_HELP, "", false, "", NULL                                            \
	}
#define BAD(text, why)                                                                             \
	{                                                                                          \
		text, COMMAND_MISTYPED, "", false, "", why                                         \
	}

static const struct row rows[] = {
    /* plain */
    RUN("!testme"),
    RUN("!testme\n"),
    RUN("!testme\r\n"),
    RUN("!testme \t "),
    RUN("   !testme"),
    RUN("please look\n!testme\nthanks"),
    RUN("please look\r\n\r\n!testme\r\n"),
    RUN("old Mac\r!testme\rline ends"),
    RUN("- a list\n!testme"),
    RUN("# heading\n!testme"),
    HELP("!testme help"),
    HELP("!testme\thelp "),
    {"!testme --extra", COMMAND_TEST, "", true, "", NULL},
    {"!testme --stages=upgrade,install", COMMAND_TEST, "install,upgrade", false, "", NULL},
    {"!testme --stages=install,recreate,upgrade,backup,recipe,extra", COMMAND_TEST,
	"install,recreate,recipe,extra,backup,upgrade", false, "", NULL},
    {"!testme --from=1.0.0+2.1.0", COMMAND_TEST, "", false, "1.0.0+2.1.0", NULL},
    {"!testme --from=1.0.0+v2.1.0~rc1 --extra --stages=install", COMMAND_TEST, "install", true,
	"1.0.0+v2.1.0~rc1", NULL},
    {"!testme --from=1234567890123456789012345678901234567890123456789012345678901234",
	COMMAND_TEST, "", false, "1234567890123456789012345678901234567890123456789012345678901234",
	NULL},
    /* not alone on its line, another word, nothing */
    NONE(""),
    NONE("\n\n"),
    NONE("please !testme"),
    NONE("- !testme"),
    NONE("1. !testme"),
    NONE("# !testme"),
    NONE("| !testme |"),
    NONE("!testmes"),
    NONE("!testme2"),
    NONE("!testme_now"),
    NONE("!test"),
    NONE("testme"),
    /* quotes */
    NONE("> !testme"),
    NONE(">!testme"),
    NONE("   > !testme"),
    NONE("> > !testme"),
    NONE("- > !testme"),
    RUN("> said\n\n!testme"),
    RUN("> said\r\n\r\n!testme"),
    BAD("> said\n!testme", "follows a quote"),
    BAD("> said\nmore\n!testme", "follows a quote"),
    /* fenced code */
    NONE("```\n!testme\n```"),
    NONE("```sh\n!testme\n```\n"),
    NONE("~~~\n!testme\n~~~"),
    NONE("   ```\n!testme\n   ```"),
    NONE("```\r\n!testme\r\n```"),
    NONE("text\n```\n!testme"),
    NONE("````\n```\n!testme\n````"),
    NONE("~~~\n```\n!testme\n~~~"),
    NONE("```\n``` not closed\n!testme\n```"),
    NONE("- ```\n  !testme\n  ```"),
    NONE("1. a\n\n    ```\n   !testme\n    ```"),
    RUN("```\ncode\n```\n!testme"),
    RUN("```\ncode\n`````\n!testme"),
    RUN("a `b\n~~~\ncode\n~~~\n!testme\nc` d"), /* the fence ends the paragraph above */
    RUN("- ```\n  code\n  ```\n\n!testme"),
    RUN("``\n!testme"),
    RUN("> ```\n\n!testme"),
    /* indented code */
    NONE("    !testme"),
    NONE("\t!testme"),
    NONE("  \t!testme"),
    NONE("text\n\n    !testme"),
    NONE("text\n    !testme"),
    RUN("    ```\n\n!testme"),
    /* inline code */
    NONE("`!testme`"),
    NONE("`code\n!testme\nmore`"),
    NONE("``a ` b\n!testme\n``"),
    RUN("`code` and\n!testme"),
    RUN("one ` alone\n!testme"),
    RUN("one ` alone\n!testme\n\nand ` another"),
    RUN("escaped \\` mark\n!testme\nand ` that"),
    BAD("!testme `--extra`", "\"?--extra?\""),
    /* HTML */
    NONE("<!-- !testme -->"),
    NONE("<!--\n!testme\n-->"),
    NONE("<!--\n\n!testme\n\n-->"),
    NONE("<!--\n\n!testme"),
    NONE("text <!-- hidden\n!testme\n-->"),
    NONE("<!-- a --> <!--\n\n!testme\n\n-->"),
    NONE("<!--\n--> <!--\n!testme\n-->"),
    NONE("<!--\n--> !testme"),
    NONE("<pre>\n\n!testme\n\n</pre>"),
    NONE("<PRE class=\"x\">\n!testme\n</PRE>"),
    NONE("text <code>\n!testme\n</code>"),
    RUN("<!-- hidden -->\n!testme"),
    RUN("<!--\nhidden\n-->\n!testme"),
    RUN("<prefix>\n!testme"),
    RUN("a <!-- never closed\n!testme"),
    RUN("`<!--` is text\n!testme"),
    RUN("<details>\n\n!testme\n\n</details>"),
    /* mistyped: flags */
    BAD("!testme --foo", "\"--foo\" is no flag here"),
    BAD("!testme --extr", "\"--extr\" is no flag here; did you mean --extra?"),
    BAD("!testme -x", "\"-x\" is no flag here"),
    BAD("!testme --", "\"--\" is no flag here"),
    BAD("!testme --Extra", "\"--Extra\" is no flag here"),
    BAD("!testme --extra=1", "--extra takes no value"),
    BAD("!testme --extra --extra", "--extra stands there twice"),
    BAD("!testme --stages", "--stages needs a list"),
    BAD("!testme --stages install", "--stages needs a list"),
    BAD("!testme --stages=", "empty entry"),
    BAD("!testme --stages=install,", "empty entry"),
    BAD("!testme --stages=,install", "empty entry"),
    BAD("!testme --stages=Install", "\"Install\" is no stage"),
    BAD("!testme --stages=none", "\"none\" is no stage"),
    BAD("!testme --stages=../x", "\"../x\" is no stage"),
    BAD("!testme --stages=-x", "\"-x\" is no stage"),
    BAD("!testme --stages=${IFS}", "\"??IFS?\" is no stage"),
    BAD("!testme --stages=install;reboot", "\"install?reboot\" is no stage"),
    BAD("!testme --stages=install,install", "\"install\" stands twice"),
    BAD("!testme --stages=install --stages=upgrade", "--stages stands there twice"),
    BAD("!testme --from", "--from needs a version"),
    BAD("!testme --from=", "\"\" is no version"),
    BAD("!testme --from=-x", "\"-x\" is no version"),
    BAD("!testme --from=../../etc", "\"../../etc\" is no version"),
    BAD("!testme --from=${IFS}", "\"??IFS?\" is no version"),
    BAD("!testme --from=1.0/2", "\"1.0/2\" is no version"),
    BAD("!testme --from=1.0.0+1 --from=1.0.0+1", "--from stands there twice"),
    BAD("!testme --from=12345678901234567890123456789012345678901234567890123456789012345",
	"\"1234567890123456789012345678901234567890...\" is no version"),
    /* mistyped: words */
    BAD("!testme please", "\"please\" does not belong"),
    BAD("!testme --extra please", "\"please\" does not belong"),
    BAD("!testme help me", "\"help\" stands alone"),
    BAD("!testme --extra help", "\"help\" stands alone"),
    BAD("!testme HELP", "\"HELP\" does not belong"),
    BAD("!testme --keep --keep=1h", "--keep stands there twice"),
    BAD("!testme --keep=", "from 1m to 4h"),
    BAD("!testme --keep=30", "from 1m to 4h"),
    BAD("!testme --keep=0m", "from 1m to 4h"),
    BAD("!testme --keep=5h", "from 1m to 4h"),
    BAD("!testme --keep=241m", "from 1m to 4h"),
    BAD("!testme --keep=1hm", "from 1m to 4h"),
    BAD("!testme --with-tests", "takes the number of a pull request of the CI repository"),
    BAD("!testme --with-tests=", "as in --with-tests=12."),
    BAD("!testme --with-tests=0", "takes the number"),
    BAD("!testme --with-tests=-1", "takes the number"),
    BAD("!testme --with-tests=#12", "takes the number"),
    BAD("!testme --with-tests=1000000000", "takes the number"),
    BAD("!testme --with-tests=12 --with-tests=12", "--with-tests stands there twice"),
    /* what was meant */
    BAD("!testme --with-test=12", "\"--with-test=12\" is no flag here; did you mean --with-tests?"),
    BAD("!testme --with_tests=12", "did you mean --with-tests?"),
    BAD("!testme --stage=install", "did you mean --stages?"),
    BAD("!testme --Extra", "did you mean --extra?"),
    BAD("!testme --nosuch", "known are --extra, --stages=install,upgrade"),
    BAD("!testme --stages=instal", "\"instal\" is no stage; did you mean install?"),
    BAD("!testme --stages=deploy", "\"deploy\" is no stage; there are install,"),
    BAD("!testme cancell",
	"\"cancell\" does not belong on the line of the command; did you mean cancel?"),
    BAD("!testme stauts", "did you mean status?"),
    BAD("!testme extra", "did you mean --extra?"),
    BAD("!testme please", "put other text on another line, or write !testme help."),
    {"!testme cancel", COMMAND_CANCEL, "", false, "", NULL},
    {"!testme   status ", COMMAND_STATUS, "", false, "", NULL},
    BAD("!testme cancel 41", "\"cancel\" stands alone: write !testme cancel."),
    BAD("!testme --extra status", "\"status\" stands alone"),
    BAD("!testme Cancel", "does not belong on the line"),
    BAD("!testme mistyped", "does not belong on the line"),
    BAD("!testme cancel\n!testme", "one"),
    BAD("!testme @everyone [x](y)", "\"?everyone\" does not belong"),
    BAD("!testme!", "Behind !testme comes a blank"),
    BAD("!testme--extra", "Behind !testme comes a blank"),
    BAD("!testme: now", "Behind !testme comes a blank"),
    BAD("!TestMe", "written !testme"),
    BAD("!testme\n!testme", "more than one line"),
    BAD("!testme\n\n!testme --extra", "more than one line"),
    BAD("!testme --foo\n!testme", "more than one line"),
    BAD("!testme \x1b[31m", "control character"),
    BAD("!testme\v", "control character"),
    BAD("!testme \x7f", "control character"),
    BAD("!testme\xc2\xa0--extra", "not ASCII"),
    BAD("!testme \xe2\x80\x94"
	"extra",
	"not ASCII"),
    BAD("!testme a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h",
	"too many words"),
};

static void check_row(const struct row *row, size_t length)
{
	char stages[COMMAND_STAGES_SIZE];
	struct command command;

	command_read(row->text, length, "!testme", &command);
	command_write_stages(&command, stages);
	ck_assert_msg(command.kind == row->kind, "\"%s\": kind %d, why \"%s\"", row->text,
	    command.kind, command.why);
	ck_assert_str_eq(stages, row->stages);
	ck_assert_str_eq(command.from, row->from);
	ck_assert_int_eq(command.wants_extra, row->wants_extra);
	if (row->why)
		ck_assert_msg(
		    strstr(command.why, row->why), "\"%s\": why \"%s\"", row->text, command.why);
	else
		ck_assert_str_eq(command.why, "");
}

START_TEST(reads_row)
{
	check_row(&rows[_i], strlen(rows[_i].text));
}
END_TEST

START_TEST(reads_what_a_text_cannot_hold)
{
	static const struct row nul = BAD("!testme \0--extra", "control character");
	static const struct row cut = NONE("!testme");

	check_row(&nul, 16);
	check_row(&cut, 5);
}
END_TEST

START_TEST(sentence_is_whole_and_harmless)
{
	struct command command;

	command_read(rows[_i].text, strlen(rows[_i].text), "!testme", &command);
	if (command.kind != COMMAND_MISTYPED)
		return;
	size_t length = strlen(command.why);
	ck_assert_uint_lt(length, COMMAND_WHY_SIZE - 1);
	ck_assert_msg(
	    strchr(".?", command.why[length - 1]) != NULL, "not a sentence: %s", command.why);
	for (size_t i = 0; i < length; i++)
		ck_assert_msg(isprint((unsigned char)command.why[i]) &&
				  !strchr("`<>@[]*#|\\", command.why[i]),
		    "%s", command.why);
}
END_TEST

START_TEST(longest_trigger_leaves_sentences_whole)
{
	static const char trigger[] = "!test-this-pull-request-for-me.x";
	static const char *const tails[] = {"", "!",
	    " please-please-please-please-please-please-now", " help me",
	    "\n!test-this-pull-request-for-me.x"};

	ck_assert_ptr_null(command_check_trigger(trigger));
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		auto_str char *text = xasprintf("> quote\n%s%s", trigger, tails[i]);
		auto_str char *plain = xasprintf("%s%s", trigger, tails[i]);
		struct command command;

		command_read(text, strlen(text), trigger, &command);
		ck_assert_int_eq(command.kind, COMMAND_MISTYPED);
		ck_assert_int_eq(command.why[strlen(command.why) - 1], '.');
		command_read(plain, strlen(plain), trigger, &command);
		if (command.kind == COMMAND_MISTYPED)
			ck_assert_int_eq(command.why[strlen(command.why) - 1], '.');
	}
}
END_TEST

START_TEST(other_trigger)
{
	struct command command;

	command_read("/ccci --extra", 13, "/ccci", &command);
	ck_assert_int_eq(command.kind, COMMAND_TEST);
	command_read("!testme", 7, "/ccci", &command);
	ck_assert_int_eq(command.kind, COMMAND_NONE);
}
END_TEST

START_TEST(refuses_trigger)
{
	static const char *const bad[] = {"", "!", "-x", "two words", "a\nb", "<b>", "`x`", "@all",
	    "a*b", "t\xc3\xa9st", "!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(command_check_trigger(bad[i]), "\"%s\"", bad[i]);
	ck_assert_ptr_null(command_check_trigger("!testme"));
}
END_TEST

/* Many ways to make a reader look far ahead for each byte; each must end well within the time. */
START_TEST(keeps_for_minutes)
{
	static const struct {
		const char *text;
		int64_t minutes;
	} keeps[] = {{"!testme", 0}, {"!testme --keep", 30}, {"!testme --keep=1m", 1},
	    {"!testme --keep=240m --extra", 240}, {"!testme --keep=4h", 240}};
	struct command command;

	command_read(keeps[_i].text, strlen(keeps[_i].text), "!testme", &command);
	ck_assert_int_eq(command.kind, COMMAND_TEST);
	ck_assert_int_eq(command.keep_min, keeps[_i].minutes);
}
END_TEST

START_TEST(names_the_suites)
{
	static const char text[] = "!testme --with-tests=999999999 --extra";
	struct command command;

	command_read(text, strlen(text), "!testme", &command);
	ck_assert_int_eq(command.kind, COMMAND_TEST);
	ck_assert_int_eq(command.suite_pr, 999999999);
	ck_assert(command.wants_extra);
	command_read("!testme", strlen("!testme"), "!testme", &command);
	ck_assert_int_eq(command.suite_pr, 0);
}
END_TEST

START_TEST(is_linear)
{
	static const char *const pieces[] = {"`", "<!--", "<!-- -->", "<pre", "`` ` ", "\\`",
	    "> a\n", "    ", "\t", "- ", "1. ", "```\n", "!testme\n", "a\n`", "~~~\n", "<code>\n"};
	const size_t most = 2 * 1024 * 1024;

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		AUTO(buf) text = buf_make(most);
		struct command command;

		while (buf_add_text(&text, pieces[i]) == 0)
			continue;
		command_read(text.data, text.length, "!testme", &command);
		ck_assert_int_ne(command.kind, COMMAND_TEST);
	}
	/* Runs of every length, none with a twin. */
	AUTO(buf) runs = buf_make(2 * most);
	for (size_t run = 1; run < 2500; run++) {
		for (size_t i = 0; i < run; i++)
			(void)buf_add_char(&runs, '`');
		(void)buf_add_char(&runs, ' ');
	}
	(void)buf_add_text(&runs, "\n!testme");
	ck_assert(!runs.was_truncated);
	struct command command;
	command_read(runs.data, runs.length, "!testme", &command);
	ck_assert_int_eq(command.kind, COMMAND_TEST);
}
END_TEST

START_TEST(too_long_a_line)
{
	AUTO(buf) text = buf_make(16 * 1024 * 1024);
	struct command command;

	ck_assert_int_eq(buf_add_text(&text, "!testme "), 0);
	while (text.length < 10 * 1024 * 1024)
		ck_assert_int_eq(buf_add_text(&text, "--extra "), 0);
	command_read(text.data, text.length, "!testme", &command);
	ck_assert_int_eq(command.kind, COMMAND_MISTYPED);
	ck_assert_msg(strstr(command.why, "longer than 512 bytes"), "%s", command.why);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("command");
	TCase *tests = tcase_create("command");

	tcase_set_timeout(tests, 20);
	tcase_add_loop_test(tests, reads_row, 0, COUNT_OF(rows));
	tcase_add_loop_test(tests, sentence_is_whole_and_harmless, 0, COUNT_OF(rows));
	tcase_add_test(tests, reads_what_a_text_cannot_hold);
	tcase_add_test(tests, longest_trigger_leaves_sentences_whole);
	tcase_add_test(tests, other_trigger);
	tcase_add_test(tests, refuses_trigger);
	tcase_add_loop_test(tests, keeps_for_minutes, 0, 5);
	tcase_add_test(tests, names_the_suites);
	tcase_add_test(tests, is_linear);
	tcase_add_test(tests, too_long_a_line);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
