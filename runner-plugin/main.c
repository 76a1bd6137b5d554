/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of ccci-run: words and flags to one call of front, reap, stages or doctor. */
#include "common/base.h"
#include "common/file.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/version.h"
#include "runner-plugin/host/canary.h"
#include "runner-plugin/host/check_suite.h"
#include "runner-plugin/host/doctor.h"
#include "runner-plugin/host/prune.h"
#include "runner-plugin/run/canonical.h"
#include "runner-plugin/run/front.h"
#include "runner-plugin/run/reap.h"

#include <errno.h>
#include <fcntl.h>

#define SETTING_FLAGS_MAX 64
#define NAMES_MAX 96

/* Flags of ours beside the settings'. */
enum flag {
	FLAG_CONFIG,
	FLAG_CHECK,
	FLAG_PRINT_CONFIG,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_DRY_RUN,
	FLAG_NOW,
	FLAG_ONLY,
	FLAG_SRC,
	FLAG_PR,
	FLAG_REF,
	FLAG_STAGES,
	FLAG_FROM,
	FLAG_EXTRA,
	FLAG_KEEP,
	FLAG_JSON,
	FLAG_JUNIT,
	FLAG_COUNT,
};
#define BIT(flag) (1U << (flag))
#define FLAGS_ANYWHERE                                                                             \
	(BIT(FLAG_CONFIG) | BIT(FLAG_CHECK) | BIT(FLAG_PRINT_CONFIG) | BIT(FLAG_HELP) |            \
	    BIT(FLAG_VERSION))
#define FLAGS_PLAN                                                                                 \
	(BIT(FLAG_SRC) | BIT(FLAG_PR) | BIT(FLAG_REF) | BIT(FLAG_STAGES) | BIT(FLAG_FROM) |        \
	    BIT(FLAG_EXTRA))

static const struct {
	const char *name;
	bool has_value;
	const char *help;
	const char *without; /* the value when none is given behind "="; NULL: it must be */
} flag_rows[FLAG_COUNT] = {
    [FLAG_CONFIG] = {"config", true, "settings file; default " SETTINGS_FILE},
    [FLAG_CHECK] = {"check", false, "check the settings and exit"},
    [FLAG_PRINT_CONFIG] = {"print-config", false, "print the settings, secrets masked, and exit"},
    [FLAG_HELP] = {"help", false, "print this"},
    [FLAG_VERSION] = {"version", false, "print the version"},
    [FLAG_DRY_RUN] = {"dry-run", false, "reap, prune: only say what would go"},
    [FLAG_NOW] = {"now", false, "reap: also what could not be removed a short while ago"},
    [FLAG_ONLY] = {"only", true, "prune: only images whose names begin so"},
    [FLAG_SRC] = {"src", true, "run, plan: owner/repo of the recipe"},
    [FLAG_PR] = {"pr", true, "run, plan: number of a pull request"},
    [FLAG_REF] = {"ref", true, "run, plan: commit, 40 hex digits"},
    [FLAG_STAGES] = {"stages", true, "run, plan: only these, comma separated"},
    [FLAG_FROM] = {"from", true, "run, plan: version that the upgrade starts from"},
    [FLAG_EXTRA] = {"extra", false, "run, plan: the stage extra too"},
    [FLAG_KEEP] = {"keep", true, "run: leave the app up for a look, 30m or =TIME, or until Ctrl-C",
	"30m"},
    [FLAG_JSON] = {"json", true,
	"run: write the results there; plan, canonical, without a file: print JSON"},
    [FLAG_JUNIT] = {"junit", true, "run: write JUnit XML there"},
};

struct command {
	const struct word_row *word;
	const char *target; /* the one positional; NULL */
	const char *values[FLAG_COUNT];
	struct conf_flag settings[SETTING_FLAGS_MAX];
	size_t setting_count;
	char *names[SETTING_FLAGS_MAX]; /* of flags written as --name=value; owned */
	size_t name_count;
	struct front front;
};

/* --- the words --- */

static enum exit_code print_out(const char *text)
{
	return fputs(text, stdout) == EOF ? EXIT_OURS : EXIT_PASSED;
}

static enum exit_code do_prepare(const struct command *command)
{
	return front_prepare(&command->front);
}

static enum exit_code do_stage(const struct command *command);

static enum exit_code do_teardown(const struct command *command)
{
	return front_teardown(&command->front, command->target);
}

static enum exit_code do_report(const struct command *command)
{
	return front_report(&command->front);
}

static struct front_local read_local(const struct command *command)
{
	const char *const *values = command->values;

	return (struct front_local){.target = command->target ? command->target : ".",
	    .src = values[FLAG_SRC],
	    .pr = values[FLAG_PR],
	    .ref = values[FLAG_REF],
	    .stages = values[FLAG_STAGES],
	    .from = values[FLAG_FROM],
	    .has_extra = values[FLAG_EXTRA] != NULL,
	    .json = values[FLAG_JSON],
	    .junit = values[FLAG_JUNIT],
	    .keep = values[FLAG_KEEP]};
}

static enum exit_code do_run(const struct command *command)
{
	const struct front_local local = read_local(command);

	return front_run(&command->front, &local);
}

static enum exit_code do_dev(const struct command *command)
{
	return front_dev(&command->front, command->target ? command->target : ".");
}

static enum exit_code do_plan(const struct command *command)
{
	const struct front_local local = read_local(command);

	return front_plan(&command->front, &local);
}

static enum exit_code do_doctor(const struct command *command)
{
	return doctor_run(command->front.settings, command->front.environ);
}

static void print_line(void *context, const char *text)
{
	(void)context;
	if (puts(text) == EOF)
		return; /* nobody reads any more: the work goes on */
	(void)fflush(stdout);
}

static enum exit_code do_reap(const struct command *command)
{
	const struct reap reap = {.settings = command->front.settings,
	    .environ = command->front.environ,
	    .is_dry = command->values[FLAG_DRY_RUN] != NULL,
	    .is_now = command->values[FLAG_NOW] != NULL,
	    .say = print_line};
	AUTO(reap_summary) summary = {0};

	reap_all(&reap, &summary);
	for (size_t i = 0; i < summary.left.count; i++)
		(void)fprintf(stderr, "ccci-run: left behind: %s\n", summary.left.items[i]);
	(void)printf("%zu live, %zu %s, %zu expired\n", summary.live, summary.reaped,
	    reap.is_dry ? "to take down" : "taken down", summary.expired);
	return summary.left.count ? EXIT_LEFT : EXIT_PASSED;
}

static enum exit_code do_canary(const struct command *command)
{
	return canary_run(&command->front, command->target);
}

static enum exit_code do_prune(const struct command *command)
{
	const struct prune prune = {.settings = command->front.settings,
	    .prefix = command->values[FLAG_ONLY],
	    .is_dry = command->values[FLAG_DRY_RUN] != NULL,
	    .say = print_line};

	return prune_run(&prune);
}

static enum exit_code do_check_suite(const struct command *command)
{
	return check_suite(command->target ? command->target : CHECK_SUITE_DEFAULT);
}

static enum exit_code do_canonical(const struct command *command)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);
	struct err err;

	if (canonical_show(command->front.settings->state_dir, command->target,
		command->values[FLAG_JSON] != NULL, &out, &err) < 0) {
		(void)fprintf(stderr, "ccci-run: %s\n", err.msg);
		return exit_of_err(&err);
	}
	return print_out(buf_text(&out));
}

enum target { TARGET_NONE, TARGET_OPTIONAL };

static const struct word_row {
	const char *word;
	enum exit_code (*call)(const struct command *command);
	enum target target;
	unsigned flags;	     /* besides FLAGS_ANYWHERE and the settings' */
	unsigned bare_flags; /* of those: behind this word they take no value */
	const char *help;
	bool goes_without_settings;
} words[] = {
    {"prepare", do_prepare, TARGET_NONE, 0, 0, "step: check, take a slot, fetch, plan"},
    {"install", do_stage, TARGET_NONE, 0, 0, "step: a fresh deployment of the head"},
    {"recreate", do_stage, TARGET_NONE, 0, 0, "step: every service made anew"},
    {"upgrade", do_stage, TARGET_NONE, 0, 0, "step: an older version, then the head over it"},
    {"backup", do_stage, TARGET_NONE, 0, 0, "step: back up, restore"},
    {"recipe", do_stage, TARGET_NONE, 0, 0, "step: the recipe's own tests"},
    {"extra", do_stage, TARGET_NONE, 0, 0, "step: the suite's extra tests"},
    {"rollback", do_stage, TARGET_NONE, 0, 0, "step: the older version over the head again"},
    {"lint", do_stage, TARGET_NONE, 0, 0, "step: what abra's own lint says"},
    {"teardown", do_teardown, TARGET_OPTIONAL, 0, 0, "step: end the run; or of a run by its id"},
    {"report", do_report, TARGET_NONE, 0, 0, "step: print the table and the results"},
    {"run", do_run, TARGET_OPTIONAL, FLAGS_PLAN | BIT(FLAG_KEEP) | BIT(FLAG_JSON) | BIT(FLAG_JUNIT),
	0, "all of it without Drone: DIRECTORY or RECIPE, default ."},
    {"plan", do_plan, TARGET_OPTIONAL, FLAGS_PLAN | BIT(FLAG_JSON), BIT(FLAG_JSON),
	"what run would do; touches nothing"},
    {"dev", do_dev, TARGET_OPTIONAL, 0, 0,
	"deploy the recipe of DIRECTORY, default ., and follow its logs until Ctrl-C"},
    {"doctor", do_doctor, TARGET_NONE, 0, 0, "check this host, row by row"},
    {"reap", do_reap, TARGET_NONE, BIT(FLAG_DRY_RUN) | BIT(FLAG_NOW), 0,
	"take down what dead runs left"},
    {"prune", do_prune, TARGET_NONE, BIT(FLAG_DRY_RUN) | BIT(FLAG_ONLY), 0,
	"remove images that nothing needs, when disk or inodes are short"},
    {"canonical", do_canonical, TARGET_OPTIONAL, BIT(FLAG_JSON), BIT(FLAG_JSON),
	"what was green on the default branch, of RECIPE or of all"},
    {"canary", do_canary, TARGET_OPTIONAL, 0, 0,
	"run recipes whose outcome is known; default " CANARY_DEFAULT},
    {"check-suite", do_check_suite, TARGET_OPTIONAL, 0, 0,
	"every mistake of a suite, or of a folder of them; default " CHECK_SUITE_DEFAULT,
	.goes_without_settings = true},
};

static enum exit_code do_stage(const struct command *command)
{
	enum stage stage = STAGE_NONE;

	if (!stage_parse(command->word->word, &stage))
		abort(); /* the table above says otherwise */
	return front_stage(&command->front, stage);
}

/* --- reading the command line --- */

static int usage(const char *format, const char *what, const char *nearest)
{
	(void)fputs("ccci-run: ", stderr);
	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): one of the two below */
	(void)fprintf(stderr, "%s \"%.60s\"", format, what);
	if (nearest)
		(void)fprintf(stderr, "; did you mean %s?", nearest);
	(void)fputs("\n", stderr);
	return EXIT_USAGE;
}

static void command_release(struct command *command)
{
	for (size_t i = 0; i < command->name_count; i++)
		free(command->names[i]);
}
DEFINE_AUTO(command, command_release);

/* Every flag there is: ours and the settings'. */
struct names {
	char *list[NAMES_MAX];
	size_t count;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
}
DEFINE_AUTO(names, names_release);

static struct names all_flags(void)
{
	struct names names = {0};

	for (size_t i = 0; i < FLAG_COUNT; i++)
		names.list[names.count++] = xstrdup(flag_rows[i].name);
	for (size_t i = 0; i < settings_row_count && names.count < NAMES_MAX; i++)
		names.list[names.count++] = conf_flag_name(&settings_rows[i]);
	return names;
}

static bool find_flag(const char *name, enum flag *out)
{
	for (int i = 0; i < FLAG_COUNT; i++)
		if (text_is(flag_rows[i].name, name)) {
			*out = (enum flag)i;
			return true;
		}
	return false;
}

static int check_flag_name(const char *name)
{
	AUTO(names) names = all_flags();
	const char *list[NAMES_MAX];
	const char *nearest = NULL;

	for (size_t i = 0; i < names.count; i++) {
		list[i] = names.list[i];
		if (text_is(list[i], name))
			return 0;
		if (text_starts(list[i], name)) /* --git-token: a secret's only flag names a file */
			nearest = list[i];
	}
	if (!nearest)
		nearest = nearest_word(name, list, names.count);
	auto_str char *shown = nearest ? xasprintf("--%s", nearest) : NULL;
	return usage("unknown flag", name, shown);
}

/* One "--name value", "--name=value" or "--name"; *index is moved over what it took. */
static int read_flag(struct command *command, char **arguments, int *index)
{
	const char *text = arguments[*index] + 2;
	size_t length = strcspn(text, "=");
	const char *value = text[length] ? text + length + 1 : NULL;
	enum flag flag = FLAG_COUNT;

	if (command->name_count == SETTING_FLAGS_MAX || command->setting_count == SETTING_FLAGS_MAX)
		return usage("too many flags, at", text, NULL);
	char *name = xstrndup(text, length);
	command->names[command->name_count++] = name;
	if (check_flag_name(name) != 0)
		return EXIT_USAGE;
	bool is_ours = find_flag(name, &flag);
	bool is_bare = is_ours && command->word && (command->word->bare_flags & BIT(flag));
	bool has_value = !is_ours || (flag_rows[flag].has_value && !is_bare);
	if (has_value && !value && is_ours)
		value = flag_rows[flag].without;
	if (has_value && !value)
		value = arguments[*index + 1] ? arguments[++*index] : NULL;
	if (has_value && !value)
		return usage("no value behind the flag", name, NULL);
	if (!has_value && value)
		return usage("no value belongs behind the flag", name, NULL);
	if (is_ours)
		command->values[flag] = has_value ? value : "";
	else
		command->settings[command->setting_count++] = (struct conf_flag){name, value};
	return 0;
}

static const struct word_row *find_word(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (text_is(words[i].word, word))
			return &words[i];
	return NULL;
}

static int read_word(struct command *command, const char *text)
{
	const char *list[COUNT_OF(words)];

	for (size_t i = 0; i < COUNT_OF(words); i++)
		list[i] = words[i].word;
	if (!command->word) {
		command->word = find_word(text);
		return command->word
			   ? 0
			   : usage("unknown word", text, nearest_word(text, list, COUNT_OF(words)));
	}
	if (command->word->target == TARGET_NONE || command->target)
		return usage("one word too many:", text, NULL);
	command->target = text;
	return 0;
}

static int check_flags_fit(const struct command *command)
{
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (command->values[i] && !(BIT(i) & (FLAGS_ANYWHERE | command->word->flags))) {
			auto_str char *what =
			    xasprintf("%s --%s", command->word->word, flag_rows[i].name);

			return usage("a flag that does not belong there:", what, NULL);
		}
	return 0;
}

static int read_arguments(struct command *command, char **arguments)
{
	for (int i = 1; arguments[i]; i++) {
		int result = 0;

		if (text_starts(arguments[i], "--"))
			result = read_flag(command, arguments, &i);
		else if (arguments[i][0] == '-')
			result = usage("unknown flag", arguments[i], NULL);
		else
			result = read_word(command, arguments[i]);
		if (result)
			return result;
	}
	return 0;
}

/* --- help --- */

static enum exit_code print_help(void)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	(void)buf_add_text(
	    &out, "ccci-run [FLAG...] WORD: test a Co-op Cloud recipe on a Swarm\n\n");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		(void)buf_printf(&out, "  %-11s %s\n", words[i].word, words[i].help);
	(void)buf_add_text(&out, "\n");
	for (size_t i = 0; i < FLAG_COUNT; i++)
		(void)buf_printf(&out, "  --%-22s %s\n", flag_rows[i].name, flag_rows[i].help);
	(void)buf_add_text(&out, "\nSettings (flag, environment, file, default):\n");
	conf_help(settings_rows, settings_row_count, &out);
	(void)buf_add_text(&out, "\nExit status:\n");
	for (int i = 0; i < EXIT_CODE_COUNT; i++)
		(void)buf_printf(&out, "  %d  %s\n", i, exit_meaning((enum exit_code)i));
	return print_out(buf_text(&out));
}

/* --- running it --- */

/* stdout, stderr or stdin that was closed would become some file of ours. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		/* NOLINTNEXTLINE(android-cloexec-open): it becomes a standard descriptor */
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		(void)close(fd);
}

static enum exit_code show_settings(const struct command *command, const struct settings *settings)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	if (command->values[FLAG_PRINT_CONFIG])
		conf_print(settings_rows, settings_row_count, settings, &out);
	return print_out(buf_text(&out));
}

static enum exit_code bad_settings(
    const struct command *command, const struct buf *mistakes, const char *const *environ_rows)
{
	(void)fputs(buf_text(mistakes), stderr);
	if (command->word && text_is(command->word->word, "report")) {
		auto_str char *first =
		    xstrndup(buf_text(mistakes), strcspn(buf_text(mistakes), "\n"));
		auto_str char *reason = xasprintf("ccci-run's settings: %s", first);

		(void)front_report_nothing(environ_rows, NULL, reason);
	}
	return EXIT_USAGE;
}

static enum exit_code run_command(struct command *command, const char *const *environ_rows)
{
	const char *file = command->values[FLAG_CONFIG];
	const struct conf_sources sources = {.file = file ? file : SETTINGS_FILE,
	    .file_may_be_missing = !file,
	    .environ = environ_rows,
	    .flags = command->settings,
	    .flag_count = command->setting_count};
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	struct settings settings;

	if (settings_load(&sources, &settings, &mistakes) < 0)
		return bad_settings(command, &mistakes, environ_rows);
	log_init((enum log_level)settings.log_level);
	command->front = (struct front){.settings = &settings, .environ = environ_rows};
	enum exit_code code = command->values[FLAG_CHECK] || command->values[FLAG_PRINT_CONFIG]
				  ? show_settings(command, &settings)
				  : command->word->call(command);
	command->front = (struct front){0}; /* the settings end here */
	settings_release(&settings);
	return code;
}

int main(int count, char **arguments, char **environ_rows)
{
	AUTO(command) command = {0};
	union {
		char **from;
		const char *const *to;
	} rows = {.from = environ_rows};

	(void)count;
	open_standard_descriptors();
	int result = read_arguments(&command, arguments);
	if (result)
		return result;
	if (command.values[FLAG_HELP])
		return (int)print_help();
	if (command.values[FLAG_VERSION])
		return (int)print_out("ccci-run " CCCI_VERSION "\n");
	if (!command.word && !command.values[FLAG_CHECK] && !command.values[FLAG_PRINT_CONFIG]) {
		(void)fputs("ccci-run: no word; ccci-run --help lists them\n", stderr);
		return EXIT_USAGE;
	}
	if (command.word && check_flags_fit(&command) != 0)
		return EXIT_USAGE;
	if (command.word && command.word->goes_without_settings && !command.values[FLAG_CHECK] &&
	    !command.values[FLAG_PRINT_CONFIG])
		return (int)command.word->call(&command);
	return (int)run_command(&command, rows.to);
}
