/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ccci-bridge: from its command line to the loop. */
#include "bridge/bridge.h"
#include "bridge/check.h"
#include "bridge/store.h"
#include "common/log.h"
#include "common/version.h"

#define FLAGS_MAX 64
#define HELP_MAX_BYTES (64 * 1024)

enum action { ACTION_RUN, ACTION_ONCE, ACTION_CHECK, ACTION_PRINT, ACTION_HELP, ACTION_VERSION };

struct line {
	enum action action;
	const char *config;
	struct conf_flag flags[FLAGS_MAX];
	size_t flag_count;
	char names[FLAGS_MAX][64]; /* of the flags, up to their "=" */
};

static const struct {
	const char *word;
	enum action action;
	const char *help; /* NULL: not shown */
} actions[] = {
    {"--check", ACTION_CHECK,
	"say what is wrong with the settings, and which enrolled repositories\n"
	"                   the forge does not let us hear; start nothing"},
    {"--print-config", ACTION_PRINT, "print the settings as they are in effect, secrets masked"},
    {"--once", ACTION_ONCE, "poll once, do what is due, exit"},
    {"--version", ACTION_VERSION, "print the version"},
    {"--help", ACTION_HELP, "print this"},
    {"-h", ACTION_HELP, NULL},
};

static const char usage[] =
    "usage: ccci-bridge [--config FILE] [--check | --print-config | --once] [--SETTING VALUE]...\n"
    "\n"
    "Stands between a Gitea forge and a CI server: hears the trigger word in pull requests, starts "
    "a\n"
    "build for whoever may ask, and answers in one comment.\n"
    "\n"
    "  --config FILE    settings (default " BRIDGE_SETTINGS_FILE ")\n";

static bool take_action(const char *word, struct line *line)
{
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (text_is(word, actions[i].word)) {
			line->action = actions[i].action;
			return true;
		}
	}
	return false;
}

/* "--name=value" or "--name value". */
static int take_flag(char **argv, int *at, struct line *line, struct err *err)
{
	const char *word = argv[*at];
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	const char *value = equals ? equals + 1 : argv[*at + 1];

	if (line->flag_count == FLAGS_MAX || length >= sizeof(line->names[0]))
		return err_set(err, ERR_CONFIG, "too many, or too long, flags");
	if (!value)
		return err_set(err, ERR_CONFIG, "%s needs a value", word);
	char *name = line->names[line->flag_count];
	(void)snprintf(name, sizeof(line->names[0]), "%.*s", (int)length, word + 2);
	if (text_is(name, "config"))
		line->config = value;
	else
		line->flags[line->flag_count++] = (struct conf_flag){name, value};
	*at += equals ? 1 : 2;
	return 0;
}

static int read_line(int argc, char **argv, struct line *line, struct err *err)
{
	for (int at = 1; at < argc;) {
		if (take_action(argv[at], line)) {
			at++;
			continue;
		}
		if (!text_starts(argv[at], "--") || !argv[at][2])
			return err_set(err, ERR_CONFIG, "unknown word \"%.60s\"", argv[at]);
		if (take_flag(argv, &at, line, err) < 0)
			return -1;
	}
	return 0;
}

static int print_buf(const struct buf *text)
{
	return fwrite(buf_text(text), 1, text->length, stdout) == text->length &&
		       fflush(stdout) == 0
		   ? BRIDGE_EXIT_OK
		   : BRIDGE_EXIT_BROKE;
}

static int print_help(void)
{
	AUTO(buf) text = buf_make(HELP_MAX_BYTES);

	(void)buf_add_text(&text, usage);
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (actions[i].help)
			(void)buf_printf(&text, "  %-16s %s\n", actions[i].word, actions[i].help);
	}
	(void)buf_add_text(
	    &text, "\nSettings, each also as environment variable or as key of the file:\n");
	conf_help(bridge_settings_rows, bridge_settings_row_count, &text);
	return print_buf(&text);
}

/* A bridge_load: context is the command line. */
static int read_settings(void *context, struct bridge_settings *out, struct buf *mistakes)
{
	const struct line *line = context;
	struct conf_sources sources = {
	    .file = line->config ? line->config : BRIDGE_SETTINGS_FILE,
	    .file_may_be_missing = !line->config,
	    .credentials = line->config ? NULL : BRIDGE_CREDENTIALS,
	    .environ = (const char *const *)environ,
	    .flags = line->flags,
	    .flag_count = line->flag_count,
	};

	return bridge_settings_load(&sources, out, mistakes);
}

static int load(struct line *line, struct bridge_settings *out)
{
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);

	if (read_settings(line, out, &mistakes) == 0)
		return 0;
	(void)fprintf(stderr, "%s", buf_text(&mistakes));
	return -1;
}

static int print_settings(const struct bridge_settings *settings)
{
	AUTO(buf) text = buf_make(HELP_MAX_BYTES);

	conf_print(bridge_settings_rows, bridge_settings_row_count, settings, &text);
	return print_buf(&text);
}

/* For people; where it is not for us to look, or not there yet, that is no fault. */
static void print_store_size(const struct bridge_settings *settings)
{
	int64_t bytes = 0;
	struct err err;

	if (store_measure(settings->state_dir, &bytes, &err) == 0)
		(void)printf("store: %s/" STORE_FILE ", %.1f MiB\n", settings->state_dir,
		    (double)bytes / (1024 * 1024));
	else if (err.code != ERR_MISSING)
		(void)printf("store: %s\n", err.msg);
}

/* The settings are right; the forge says what became of the repositories that they name. */
static int check(const struct bridge_settings *settings)
{
	AUTO(buf) text = buf_make(HELP_MAX_BYTES);
	size_t count = 0;
	struct err err;

	if (check_forge(settings, &count, &text, &err) < 0) {
		(void)fprintf(
		    stderr, "ccci-bridge: cannot look at the enrolled repositories: %s\n", err.msg);
		return BRIDGE_EXIT_BROKE;
	}
	(void)fprintf(stderr, "%s", buf_text(&text));
	print_store_size(settings);
	return count ? BRIDGE_EXIT_CONFIG : BRIDGE_EXIT_OK;
}

static int run(struct bridge_settings *settings, struct line *line, bool once)
{
	struct bridge *bridge = NULL;
	struct err err;

	log_init((enum log_level)settings->log_level);
	log_info("ccci-bridge " CCCI_VERSION);
	if (bridge_new(settings, read_settings, line, &bridge, &err) < 0) {
		log_error("%s", err.msg);
		return err.code == ERR_CONFIG ? BRIDGE_EXIT_CONFIG : BRIDGE_EXIT_BROKE;
	}
	int result = bridge_run(bridge, once, &err);
	if (result < 0)
		log_error("%s", err.msg);
	bridge_free(bridge);
	return result < 0 ? BRIDGE_EXIT_BROKE : BRIDGE_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct line line = {0};
	AUTO(bridge_settings) settings = {0};
	struct err err;

	if (read_line(argc, argv, &line, &err) < 0) {
		(void)fprintf(stderr, "ccci-bridge: %s; see ccci-bridge --help\n", err.msg);
		return BRIDGE_EXIT_CONFIG;
	}
	if (line.action == ACTION_HELP)
		return print_help();
	if (line.action == ACTION_VERSION)
		return printf("ccci-bridge %s\n", CCCI_VERSION) > 0 ? BRIDGE_EXIT_OK
								    : BRIDGE_EXIT_BROKE;
	if (load(&line, &settings) < 0)
		return BRIDGE_EXIT_CONFIG;
	switch (line.action) {
	case ACTION_CHECK:
		return check(&settings);
	case ACTION_PRINT:
		return print_settings(&settings);
	case ACTION_RUN:
	case ACTION_ONCE:
		return run(&settings, &line, line.action == ACTION_ONCE);
	case ACTION_HELP:
	case ACTION_VERSION:
		break;
	}
	return BRIDGE_EXIT_OK;
}
