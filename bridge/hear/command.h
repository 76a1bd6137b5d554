/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the text of a comment to a command. Pure, and linear in the length of the text.
 *
 *   struct command command;
 *   command_read(comment->body, strlen(comment->body), settings->trigger, &command);
 *   switch (command.kind) ...
 *
 * Grammar, on a line of its own, at most three blanks before it:
 *
 *   !testme [--extra] [--stages=install,upgrade] [--from=VERSION] [--keep[=30m]]
 *           [--with-tests=12]
 *   !testme cancel | status | help
 *
 * A line counts only where Markdown shows it as text of the author: not in a quote, a fenced or
 * indented code block, inline code (also one that spans lines), an HTML comment or <pre>. Where the
 * reading is in doubt, it is no command.
 *
 * Nothing that was written is ignored: a line that begins with the trigger and is not of the
 * grammar is COMMAND_MISTYPED, with one sentence that names the thing and the way out. So is a
 * second command line in one comment, whatever it says: one comment, one command.
 */
#ifndef CCCI_COMMAND_H
#define CCCI_COMMAND_H

#include "common/base.h"
#include "common/verdict.h"

#define COMMAND_LINE_MAX 512	 /* all stages, a version and the flags need under 200 bytes */
#define COMMAND_FROM_SIZE 65	 /* docs/contracts.md, section 3: FROM has at most 64 */
#define COMMAND_KEEP_MIN 30	 /* of --keep alone */
#define COMMAND_KEEP_MAX_MIN 240 /* docs/contracts.md, section 3; a host may allow less */
#define COMMAND_PR_MAX 999999999 /* docs/contracts.md, section 3: PR has at most 9 digits */
#define COMMAND_WHY_SIZE 256
#define COMMAND_STAGES_SIZE 64 /* all eight stage words with commas: 57 */

enum command_kind {
	COMMAND_NONE, /* a comment like any other */
	COMMAND_TEST,
	COMMAND_CANCEL, /* the runs of this pull request */
	COMMAND_STATUS, /* how the newest of them stands */
	COMMAND_HELP,
	COMMAND_MISTYPED,
};
#define COMMAND_KIND_COUNT (COMMAND_MISTYPED + 1)

struct command {
	enum command_kind kind;
	/* With COMMAND_TEST only; all zero else. */
	bool has_stages; /* --stages was given */
	bool stages[STAGE_COUNT];
	bool wants_extra;
	int64_t keep_min;	      /* 0: taken down when judged */
	char from[COMMAND_FROM_SIZE]; /* "" = the planner decides */
	int64_t suite_pr; /* of the CI repository, whose suites are to judge; 0: those in force */
	/* With COMMAND_MISTYPED only: one sentence, printable ASCII. It quotes the author's words
	 * with everything but letters, digits and -_.,=+~/ replaced by "?": still Markdown-escape
	 * it. */
	char why[COMMAND_WHY_SIZE];
};

/* Any bytes; trigger is a word of printable ASCII without blanks (command_is_trigger). */
void command_read(const char *text, size_t length, const char *trigger, struct command *out);
/* Kept in the store: these never change. */
const char *command_kind_word(enum command_kind kind);
bool command_kind_parse(const char *word, enum command_kind *out) CHECKED;
/* NULL when the word can be a trigger, else what is wrong with it (for the settings). */
const char *command_check_trigger(const char *word);
/* "install,upgrade" as build parameter STAGES; "" without --stages. */
void command_write_stages(const struct command *command, char out[COMMAND_STAGES_SIZE]);

#endif
