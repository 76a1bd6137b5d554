/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/command.h"

#include "common/nearest.h"

#include <ctype.h>
#include <strings.h>

#define BLANKS_MAX 3	/* Markdown: four make it code */
#define TAB_STOP 4	/* of Markdown */
#define FENCE_MIN 3	/* of Markdown */
#define SPAN_RUN_MAX 64 /* longer runs of backticks are taken as text: keeps the reading linear */
#define WORDS_MAX 32	/* every flag once is five */
#define QUOTE_MAX 40	/* of the author's words in a sentence */
#define TRIGGER_MIN 2
#define TRIGGER_MAX 32

static const char known_flags[] =
    "--extra, --stages=install,upgrade, --from=VERSION, --keep=30m and --with-tests=12";

/* What may have been meant: the flags first, then what stands alone. */
static const char *const known_words[] = {
    "--extra", "--stages", "--from", "--keep", "--with-tests", "cancel", "status", "help"};
#define FLAG_WORDS 5

static const char *const kind_words[COMMAND_KIND_COUNT] = {
    "none", "test", "cancel", "status", "help", "mistyped"};

const char *command_kind_word(enum command_kind kind)
{
	return kind_words[kind];
}

bool command_kind_parse(const char *word, enum command_kind *out)
{
	size_t at = text_index(kind_words, COUNT_OF(kind_words), word);

	if (at == COUNT_OF(kind_words))
		return false;
	*out = (enum command_kind)at;
	return true;
}

struct line {
	size_t start, end; /* without its line end */
	size_t next;
	size_t first;  /* the first byte that is no blank; end when there is none */
	size_t indent; /* in columns */
};

/* What hides text in a paragraph or, at the start of a line, until its end wherever that is. */
static const struct hiding {
	const char *open, *close;
	bool is_tag;
} hidings[] = {
    {"<!--", "-->", false},
    {"<pre", "</pre", true},
    {"<code", "</code", true},
};

enum block { BLOCK_NONE, BLOCK_FENCE, BLOCK_HIDDEN };

struct reader {
	const char *text;
	size_t length;
	const char *trigger;
	struct command *out;
	unsigned command_lines;
	enum block block;
	char fence_char;
	size_t fence_run, fence_column;
	const char *hidden_until;
	bool has_list;	     /* a list item was seen: indented lines may belong to it */
	bool is_below_quote; /* the line before is a quote: Markdown shows this one as part of it */
	/* The paragraph being gathered; empty when start == end. */
	size_t paragraph_start, paragraph_end;
	bool is_paragraph_lazy; /* it continues a quote */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct line line_at(const struct reader *reader, size_t start)
{
	const char *text = reader->text;
	struct line line = {.start = start};
	size_t at = start;

	while (at < reader->length && text[at] != '\n' && text[at] != '\r')
		at++;
	line.end = at;
	line.next = at;
	if (line.next < reader->length)
		line.next++;
	if (at + 1 < reader->length && text[at] == '\r' && text[at + 1] == '\n')
		line.next++;
	for (at = start; at < line.end && is_blank(text[at]); at++)
		line.indent += text[at] == '\t' ? TAB_STOP - line.indent % TAB_STOP : 1;
	line.first = at;
	return line;
}

static size_t run_length(const char *text, size_t at, size_t end)
{
	size_t length = 0;

	while (at + length < end && text[at + length] == text[at])
		length++;
	return length;
}

/* Offset behind the next appearance of word in [at, end), letters of either case; 0: none. */
static size_t find_word(const char *text, size_t at, size_t end, const char *word)
{
	size_t length = strlen(word);

	for (; end - at >= length; at++) {
		if (strncasecmp(text + at, word, length) == 0)
			return at + length;
	}
	return 0;
}

/* "<pre" of "<prefix>" is not that tag. */
static bool ends_tag(const char *text, size_t at, size_t end)
{
	return at >= end || !(isalnum((unsigned char)text[at]) || text[at] == '-');
}

static const struct hiding *hiding_at(const char *text, size_t at, size_t end)
{
	for (size_t i = 0; i < COUNT_OF(hidings); i++) {
		size_t length = strlen(hidings[i].open);

		if (end - at >= length && strncasecmp(text + at, hidings[i].open, length) == 0 &&
		    (!hidings[i].is_tag || ends_tag(text, at + length, end)))
			return &hidings[i];
	}
	return NULL;
}

/* The author's word for a sentence of ours: nothing in it can end or start anything. */
static void quote(char out[QUOTE_MAX + 4], const char *word)
{
	size_t used = 0;

	for (; word[used] && used < QUOTE_MAX; used++) {
		char c = word[used];

		out[used] = isascii(c) && (isalnum(c) || strchr("-_.,=+~/", c)) ? c : '?';
	}
	(void)copy_text(out + used, 4, word[used] ? "..." : "");
}

static void mistype(struct command *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void mistype(struct command *out, const char *format, ...)
{
	va_list args;

	*out = (struct command){.kind = COMMAND_MISTYPED};
	va_start(args, format);
	(void)vsnprintf(out->why, sizeof(out->why), format, args);
	va_end(args);
}

static const char *nearest_stage(const char *word)
{
	const char *known[STAGE_COUNT];

	for (int i = 0; i < STAGE_COUNT; i++)
		known[i] = stage_word((enum stage)i);
	return nearest_word(word, known, STAGE_COUNT);
}

static bool read_stage(struct command *out, const char *word)
{
	char quoted[QUOTE_MAX + 4];
	enum stage stage = STAGE_NONE;

	quote(quoted, word);
	if (!*word) {
		mistype(out, "The list of --stages has an empty entry; write it as in "
			     "--stages=install,upgrade.");
		return false;
	}
	if (!stage_parse(word, &stage) || stage >= STAGE_COUNT) {
		const char *meant = nearest_stage(word);

		if (meant)
			mistype(out, "\"%s\" is no stage; did you mean %s?", quoted, meant);
		else
			mistype(out, "\"%s\" is no stage; there are " STAGE_LIST ".", quoted);
		return false;
	}
	if (out->stages[stage]) {
		mistype(out, "\"%s\" stands twice in --stages; name each stage once.", quoted);
		return false;
	}
	out->stages[stage] = true;
	return true;
}

static bool read_stages(struct command *out, char *list)
{
	if (out->has_stages) {
		mistype(out, "--stages stands there twice; write one list, as in "
			     "--stages=install,upgrade.");
		return false;
	}
	out->has_stages = true;
	for (char *word = list; word;) {
		char *comma = strchr(word, ',');

		if (comma)
			*comma = '\0';
		if (!read_stage(out, word))
			return false;
		word = comma ? comma + 1 : NULL;
	}
	return true;
}

static bool read_from(struct command *out, const char *version)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789.+~-";
	char quoted[QUOTE_MAX + 4];

	quote(quoted, version);
	if (*out->from) {
		mistype(out, "--from stands there twice; name one version.");
		return false;
	}
	if (!isalnum((unsigned char)version[0]) || version[strspn(version, letters)] ||
	    !copy_text(out->from, sizeof(out->from), version)) {
		mistype(out,
		    "\"%s\" is no version; --from takes one as the recipe's tags are named, as in "
		    "--from=1.0.0+2.1.0.",
		    quoted);
		return false;
	}
	return true;
}

static bool read_extra(struct command *out)
{
	if (out->wants_extra) {
		mistype(out, "--extra stands there twice; once is enough.");
		return false;
	}
	out->wants_extra = true;
	return true;
}

/* "30m", "2h". */
static bool read_minutes(const char *text, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	auto_str char *number = xstrndup(text, digits);

	if (!parse_int64(number, 1, COMMAND_KEEP_MAX_MIN, out))
		return false;
	if (text_is(text + digits, "h"))
		*out *= 60;
	else if (!text_is(text + digits, "m"))
		return false;
	return *out <= COMMAND_KEEP_MAX_MIN;
}

static bool read_keep(struct command *out, const char *value)
{
	if (out->keep_min) {
		mistype(out, "--keep stands there twice; once is enough.");
		return false;
	}
	if (!value)
		out->keep_min = COMMAND_KEEP_MIN;
	else if (!read_minutes(value, &out->keep_min)) {
		mistype(out, "--keep takes a time from 1m to 4h, as in --keep=30m.");
		return false;
	}
	return true;
}

static bool read_with_tests(struct command *out, const char *value)
{
	if (out->suite_pr) {
		mistype(out, "--with-tests stands there twice; name one pull request.");
		return false;
	}
	if (!value || !parse_int64(value, 1, COMMAND_PR_MAX, &out->suite_pr)) {
		mistype(out,
		    "--with-tests takes the number of a pull request of the CI repository, "
		    "as in --with-tests=12.");
		return false;
	}
	return true;
}

static void refuse_flag(struct command *out, const char *word, const char *quoted)
{
	const char *meant = nearest_word(word, known_words, FLAG_WORDS);

	if (meant)
		mistype(out, "\"%s\" is no flag here; did you mean %s?", quoted, meant);
	else
		mistype(out, "\"%s\" is no flag here; known are %s.", quoted, known_flags);
}

static bool read_flag(struct command *out, char *word)
{
	char quoted[QUOTE_MAX + 4];
	char *value = strchr(word, '=');

	quote(quoted, word);
	if (value)
		*value++ = '\0';
	if (text_is(word, "--stages") && value)
		return read_stages(out, value);
	if (text_is(word, "--from") && value)
		return read_from(out, value);
	if (text_is(word, "--keep"))
		return read_keep(out, value);
	if (text_is(word, "--with-tests"))
		return read_with_tests(out, value);
	if (text_is(word, "--extra") && !value)
		return read_extra(out);
	if (text_is(word, "--extra"))
		mistype(out, "--extra takes no value; write it alone.");
	else if (text_is(word, "--stages"))
		mistype(out, "--stages needs a list, as in --stages=install,upgrade.");
	else if (text_is(word, "--from"))
		mistype(out, "--from needs a version, as in --from=1.0.0+2.1.0.");
	else
		refuse_flag(out, word, quoted);
	return false;
}

/* What a word asks for when it stands alone. */
static enum command_kind lone_word(const char *word)
{
	static const enum command_kind lone[] = {COMMAND_CANCEL, COMMAND_STATUS, COMMAND_HELP};

	for (size_t i = 0; i < COUNT_OF(lone); i++) {
		if (text_is(word, command_kind_word(lone[i])))
			return lone[i];
	}
	return COMMAND_NONE;
}

static void refuse_word(struct command *out, const char *word, const char *trigger)
{
	const char *meant = nearest_word(word, known_words, COUNT_OF(known_words));
	char quoted[QUOTE_MAX + 4];

	quote(quoted, word);
	if (lone_word(word) != COMMAND_NONE)
		mistype(out, "\"%s\" stands alone: write %s %s.", word, trigger, word);
	else if (meant)
		mistype(out, "\"%s\" does not belong on the line of the command; did you mean %s?",
		    quoted, meant);
	else
		mistype(out,
		    "\"%s\" does not belong on the line of the command; put other text on "
		    "another line, or write %s help.",
		    quoted, trigger);
}

/* Splits in place; the number of words, or most + 1 when there are more. */
static size_t split_words(char *text, char **words, size_t most)
{
	size_t count = 0;

	while (*text) {
		while (is_blank(*text))
			*text++ = '\0';
		if (!*text)
			break;
		if (count == most)
			return most + 1;
		words[count++] = text;
		while (*text && !is_blank(*text))
			text++;
	}
	return count;
}

static void read_words(struct command *out, char *text, const char *trigger)
{
	char *parts[WORDS_MAX];
	size_t count = split_words(text, parts, WORDS_MAX);

	if (count > WORDS_MAX) {
		mistype(out, "There are too many words; known are %s.", known_flags);
		return;
	}
	out->kind = count == 1 ? lone_word(parts[0]) : COMMAND_NONE;
	if (out->kind != COMMAND_NONE)
		return;
	out->kind = COMMAND_TEST;
	for (size_t i = 0; i < count; i++) {
		if (parts[i][0] != '-') {
			refuse_word(out, parts[i], trigger);
			return;
		}
		if (!read_flag(out, parts[i]))
			return;
	}
}

/* What stands behind the trigger on its line. */
static void read_arguments(
    struct command *out, const char *text, size_t length, const char *trigger)
{
	char copy[COMMAND_LINE_MAX + 1];

	*out = (struct command){0};
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			mistype(out, "The line holds a control character; type it again by hand.");
			return;
		}
		if (c > 0x7f) {
			mistype(out,
			    "The line holds a character that is not ASCII, perhaps a blank or "
			    "dash that was pasted; type it again by hand.");
			return;
		}
	}
	if (length > COMMAND_LINE_MAX) {
		mistype(out, "The line is longer than %d bytes; known are %s.", COMMAND_LINE_MAX,
		    known_flags);
		return;
	}
	if (length && !is_blank(text[0])) {
		mistype(out, "Behind %s comes a blank; write %s help for what it takes.", trigger,
		    trigger);
		return;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	read_words(out, copy, trigger);
}

/* A line that Markdown shows as text of the author's. */
static void read_line(struct reader *reader, const struct line *line)
{
	const char *text = reader->text + line->first;
	size_t length = line->end - line->first;
	size_t word = strlen(reader->trigger);
	struct command *out = reader->out;

	if (line->indent > BLANKS_MAX || length < word ||
	    strncasecmp(text, reader->trigger, word) != 0)
		return;
	if (length > word && (isalnum((unsigned char)text[word]) || text[word] == '_'))
		return; /* another word */
	if (++reader->command_lines > 1) {
		mistype(out,
		    "This comment has more than one line with %s; one comment starts one run, so "
		    "write the others as comments of their own.",
		    reader->trigger);
	} else if (strncmp(text, reader->trigger, word) != 0) {
		mistype(out, "The word is written %s, in exactly these letters.", reader->trigger);
	} else if (reader->is_paragraph_lazy) {
		mistype(out,
		    "The line with %s follows a quote and is shown as part of it; put an empty "
		    "line between them.",
		    reader->trigger);
	} else {
		read_arguments(out, text + word, length - word, reader->trigger);
	}
}

/* Where inline code that opens at this run of backticks ends; 0: it is text. */
static size_t close_backticks(
    const struct reader *reader, size_t at, size_t run, bool *has_no_close)
{
	if (run >= SPAN_RUN_MAX || has_no_close[run])
		return 0;
	for (size_t i = at + run; i < reader->paragraph_end;) {
		size_t next = 1;

		if (reader->text[i] == '`') {
			next = run_length(reader->text, i, reader->paragraph_end);
			if (next == run)
				return i + run;
		}
		i += next;
	}
	has_no_close[run] = true; /* nor will a later one find any */
	return 0;
}

/*
 * Reads the lines of the paragraph that do not begin inside something hidden. A search that failed
 * is never made again, so this is linear.
 */
struct spans {
	bool has_no_close[SPAN_RUN_MAX];
	bool has_no_end[COUNT_OF(hidings)];
	size_t hidden_until;
};

/* The end of what opens at this byte, or 0, and how far to go on then. */
static size_t open_span(
    const struct reader *reader, struct spans *spans, size_t at, size_t *out_step)
{
	const char *text = reader->text;
	size_t end = reader->paragraph_end;
	const struct hiding *hiding = NULL;

	*out_step = 1;
	if (text[at] == '\\') {
		*out_step = 2; /* what follows opens nothing */
	} else if (text[at] == '`') {
		*out_step = run_length(text, at, end);
		return close_backticks(reader, at, *out_step, spans->has_no_close);
	} else if (text[at] == '<' && (hiding = hiding_at(text, at, end))) {
		bool *has_no_end = &spans->has_no_end[hiding - hidings];
		size_t until = *has_no_end
				   ? 0
				   : find_word(text, at + strlen(hiding->open), end, hiding->close);

		*has_no_end = !until;
		return until;
	}
	return 0;
}

static void end_paragraph(struct reader *reader)
{
	struct spans spans = {0};

	for (size_t at = reader->paragraph_start; at < reader->paragraph_end;) {
		struct line line = line_at(reader, at);
		size_t i = line.start;

		if (line.first >= spans.hidden_until)
			read_line(reader, &line);
		if (i < spans.hidden_until)
			i = spans.hidden_until;
		while (i < line.end) {
			size_t step = 1;
			size_t until = open_span(reader, &spans, i, &step);

			if (until)
				spans.hidden_until = until;
			i = until ? until : i + step;
		}
		at = line.next;
	}
	reader->paragraph_start = reader->paragraph_end = 0;
	reader->is_paragraph_lazy = false;
}

/* Skips "- ", "* ", "+ ", "1. ", "1) ": a fence or a quote may stand right behind. */
static size_t skip_list_markers(const char *text, size_t at, size_t end)
{
	for (;;) {
		size_t i = at;

		while (i < end && isdigit((unsigned char)text[i]))
			i++;
		if (i < end && (i > at ? strchr(".)", text[i]) : strchr("-*+", text[i])) && text[i])
			i++;
		else
			return at;
		if (i >= end || !is_blank(text[i]))
			return at;
		while (i < end && is_blank(text[i]))
			i++;
		at = i;
	}
}

static bool opens_fence(struct reader *reader, const struct line *line, size_t at)
{
	const char *text = reader->text;
	size_t run = 0;

	if (at >= line->end || (text[at] != '`' && text[at] != '~'))
		return false;
	run = run_length(text, at, line->end);
	/* With a backtick behind it, it is inline code. */
	if (run < FENCE_MIN ||
	    (text[at] == '`' && memchr(text + at + run, '`', line->end - at - run)))
		return false;
	reader->block = BLOCK_FENCE;
	reader->fence_char = text[at];
	reader->fence_run = run;
	reader->fence_column = line->indent + (at - line->first);
	return true;
}

static bool closes_fence(const struct reader *reader, const struct line *line)
{
	const char *text = reader->text;
	size_t run = 0;

	if (line->first >= line->end || text[line->first] != reader->fence_char ||
	    line->indent > reader->fence_column + BLANKS_MAX)
		return false;
	run = run_length(text, line->first, line->end);
	for (size_t i = line->first + run; i < line->end; i++) {
		if (!is_blank(text[i]))
			return false;
	}
	return run >= reader->fence_run;
}

/*
 * A line of raw HTML: what is open at its end hides the lines below, paragraphs or not. True:
 * something is.
 */
static bool stays_hidden(struct reader *reader, const struct line *line, size_t at)
{
	const char *text = reader->text;

	reader->block = BLOCK_NONE;
	while (at < line->end) {
		const struct hiding *hiding = hiding_at(text, at, line->end);

		if (!hiding) {
			at++;
			continue;
		}
		at = find_word(text, at + strlen(hiding->open), line->end, hiding->close);
		if (!at) {
			reader->block = BLOCK_HIDDEN;
			reader->hidden_until = hiding->close;
			return true;
		}
	}
	return false;
}

static void take_hidden_line(struct reader *reader, const struct line *line)
{
	size_t at = find_word(reader->text, line->start, line->end, reader->hidden_until);

	if (at)
		(void)stays_hidden(reader, line, at);
}

/* A line outside of fences and hidden blocks. */
static void take_line(struct reader *reader, const struct line *line)
{
	const char *text = reader->text;
	bool was_below_quote = reader->is_below_quote;
	size_t inner = skip_list_markers(text, line->first, line->end);
	bool is_code = line->indent > BLANKS_MAX && !reader->paragraph_end;

	reader->has_list = reader->has_list || inner > line->first;
	reader->is_below_quote = false;
	if (line->first == line->end) {
		end_paragraph(reader);
	} else if (is_code && !reader->has_list) {
		return;
	} else if (inner < line->end && text[inner] == '>') {
		end_paragraph(reader);
		reader->is_below_quote = true;
	} else if (opens_fence(reader, line, inner) ||
		   (hiding_at(text, line->first, line->end) &&
		       stays_hidden(reader, line, line->first))) {
		/* A fence that opens right here hides what the paragraph above left open. */
		end_paragraph(reader);
	} else {
		if (!reader->paragraph_end) {
			reader->paragraph_start = line->start;
			reader->is_paragraph_lazy = was_below_quote;
		}
		reader->paragraph_end = line->end;
	}
}

void command_read(const char *text, size_t length, const char *trigger, struct command *out)
{
	struct reader reader = {.text = text, .length = length, .trigger = trigger, .out = out};

	assert(!command_check_trigger(trigger));
	*out = (struct command){0};
	for (size_t at = 0; at < length;) {
		struct line line = line_at(&reader, at);

		switch (reader.block) {
		case BLOCK_FENCE:
			if (closes_fence(&reader, &line))
				reader.block = BLOCK_NONE;
			break;
		case BLOCK_HIDDEN:
			take_hidden_line(&reader, &line);
			break;
		case BLOCK_NONE:
			take_line(&reader, &line);
			break;
		}
		at = line.next;
	}
	end_paragraph(&reader);
}

const char *command_check_trigger(const char *word)
{
	size_t length = strlen(word);

	if (length < TRIGGER_MIN || length > TRIGGER_MAX)
		return "must have 2 to 32 characters";
	if (word[0] == '-')
		return "must not begin with a dash";
	for (size_t i = 0; i < length; i++) {
		if (!isascii(word[i]) || (!isalnum(word[i]) && !strchr("!/:._-", word[i])))
			return "may hold letters, digits and !/:._- only";
	}
	return NULL;
}

void command_write_stages(const struct command *command, char out[COMMAND_STAGES_SIZE])
{
	size_t used = 0;

	out[0] = '\0';
	for (int stage = 0; stage < STAGE_COUNT && command->has_stages; stage++) {
		if (!command->stages[stage])
			continue;
		int length = snprintf(out + used, COMMAND_STAGES_SIZE - used, "%s%s",
		    used ? "," : "", stage_word((enum stage)stage));

		assert(length > 0 && used + (size_t)length < COMMAND_STAGES_SIZE);
		used += (size_t)length;
	}
}
