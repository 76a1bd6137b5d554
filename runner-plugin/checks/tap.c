/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/tap.h"

#include <ctype.h>
#include <strings.h>

#define PLAN_MOST 100000

void tap_release(struct tap *tap)
{
	for (size_t i = 0; i < tap->count; i++) {
		free(tap->tests[i].name);
		free(tap->tests[i].reason);
	}
	free(tap->tests);
	free(tap->bailed);
	free(tap->skipped);
	*tap = (struct tap){0};
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Without the blanks at its end. */
static char *copy_trimmed(const char *text, size_t length)
{
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return xstrndup(text, length);
}

static void add_test(struct tap *tap, char *take_name, enum outcome outcome, char *take_reason)
{
	if (tap->count == TAP_TESTS_MAX) {
		free(take_name);
		free(take_reason);
		tap->dropped++;
		tap->dropped_failed += outcome == OUTCOME_FAIL;
		return;
	}
	tap->tests = xrealloc_array(tap->tests, tap->count + 1, sizeof(tap->tests[0]));
	tap->tests[tap->count++] = (struct tap_test){take_name, outcome, take_reason};
}

/* "# SKIP why" or "# TODO why" behind a description: where it begins, NULL when there is none. */
static const char *find_directive(const char *text, const char *word)
{
	for (const char *mark = strchr(text, '#'); mark; mark = strchr(mark + 1, '#')) {
		const char *at = skip_blanks(mark + 1);

		if (strncasecmp(at, word, strlen(word)) == 0)
			return mark;
	}
	return NULL;
}

/* The reason behind the directive's word; "SKIPPED:" and the like end at the first blank. */
static char *directive_reason(const char *mark)
{
	const char *at = skip_blanks(mark + 1);

	at += strcspn(at, " \t");
	at = skip_blanks(at);
	return copy_trimmed(at, strlen(at));
}

/* What follows "ok" or "not ok". */
static void read_test(struct tap *tap, const char *rest, bool is_good, size_t number)
{
	const char *at = skip_blanks(rest);
	const char *skip = find_directive(at, "skip");
	const char *todo = skip ? NULL : find_directive(at, "todo");
	const char *mark = skip ? skip : todo;

	at += strspn(at, "0123456789");
	at = skip_blanks(at);
	if (*at == '-')
		at = skip_blanks(at + 1);
	size_t length = mark ? (size_t)(mark - at) : strlen(at);
	char *name = copy_trimmed(at, length);
	if (!*name) {
		free(name);
		name = xasprintf("test %zu", number);
	}
	enum outcome outcome = is_good ? OUTCOME_PASS : OUTCOME_FAIL;
	if (skip || (todo && !is_good))
		outcome = OUTCOME_NOT_RUN;
	char *reason = outcome == OUTCOME_NOT_RUN ? directive_reason(mark) : xstrdup("");
	if (outcome == OUTCOME_NOT_RUN && !*reason) {
		free(reason);
		reason = xstrdup(skip ? "skipped" : "known to fail");
	}
	add_test(tap, name, outcome, reason);
}

/* "1..N": N; -1 when it is no plan. */
static int64_t read_plan(const char *line, char **out_skipped)
{
	int64_t count = 0;

	if (!text_starts(line, "1.."))
		return -1;
	line += strlen("1..");
	auto_str char *digits = xstrndup(line, strspn(line, "0123456789"));
	if (!parse_int64(digits, 0, PLAN_MOST, &count))
		return -1;
	line = skip_blanks(line + strlen(digits));
	if (*line && *line != '#')
		return -1;
	const char *mark = count == 0 ? find_directive(line, "skip") : NULL;
	if (mark)
		*out_skipped = directive_reason(mark);
	return count;
}

/* True when the line begins with the word and nothing that makes it a longer one. */
static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && (!line[length] || strchr(" \t", line[length]));
}

/* The first comment below a failed test says why. */
static void take_comment(struct tap *tap, const char *line)
{
	struct tap_test *last = tap->count && !tap->dropped ? &tap->tests[tap->count - 1] : NULL;
	const char *text = skip_blanks(line + 1);

	if (!last || last->outcome != OUTCOME_FAIL || *last->reason || !*text)
		return;
	free(last->reason);
	last->reason = copy_trimmed(text, strlen(text));
}

/* One line. *planned stays -1 until there is a plan. */
static void read_line(struct tap *tap, const char *line, size_t *seen, int64_t *planned)
{
	if (has_word(line, "ok")) {
		read_test(tap, line + strlen("ok"), true, ++*seen);
	} else if (has_word(line, "not ok")) {
		read_test(tap, line + strlen("not ok"), false, ++*seen);
	} else if (text_starts(line, "Bail out!")) {
		free(tap->bailed);
		line = skip_blanks(line + strlen("Bail out!"));
		tap->bailed = *line ? xasprintf("bailed out: %s", line) : xstrdup("bailed out");
	} else if (*line == '#') {
		take_comment(tap, line);
	} else if (text_starts(line, "TAP version ")) {
		tap->is_tap = true;
	} else if (*planned < 0) {
		*planned = read_plan(line, &tap->skipped);
		tap->is_tap = tap->is_tap || *planned >= 0;
	}
}

static void add_missing(struct tap *tap, size_t seen, int64_t planned)
{
	if (planned <= (int64_t)seen)
		return;
	if ((int64_t)seen + 1 == planned)
		add_test(tap, xasprintf("test %lld", (long long)planned), OUTCOME_FAIL,
		    xstrdup("planned, but it did not run"));
	else
		add_test(tap, xasprintf("tests %zu to %lld", seen + 1, (long long)planned),
		    OUTCOME_FAIL, xstrdup("planned, but they did not run"));
}

void tap_read(const char *text, size_t length, struct tap *out)
{
	auto_str char *copy = xstrndup(text, length);
	struct tap tap = {0};
	int64_t planned = -1;
	size_t seen = 0;
	char *rest = copy;
	char *line = NULL;

	while ((line = strsep(&rest, "\n"))) {
		size_t end = strlen(line);

		if (end && line[end - 1] == '\r')
			line[end - 1] = '\0';
		read_line(&tap, line, &seen, &planned);
	}
	if (tap.is_tap) {
		add_missing(&tap, seen, planned);
	} else {
		tap_release(&tap);
	}
	*out = tap;
}
