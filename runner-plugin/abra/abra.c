/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/abra/abra.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

#include <strings.h>

#define ABRA_LOG_MAX_BYTES (4 * 1024 * 1024)
#define ABRA_TAIL_MAX_BYTES (64 * 1024) /* the table of lint is 6 KiB, before what it warns of */
#define ABRA_OUTPUT_MAX_BYTES (256 * 1024)
#define ABRA_TERM_GRACE_MS 2000
#define ABRA_DRAIN_MS 1000
#define ABRA_VERSION_TIMEOUT_S 20
#define ABRA_SHOWN_MAX_BYTES 200 /* of what it said last */

enum word_kind {
	WORD_FIXED,
	WORD_RECIPE,
	WORD_DOMAIN,
	WORD_SERVER,
	WORD_SECRET,
	WORD_SECRET_VERSION,
	WORD_SECRET_FILE,
	WORD_CHAOS, /* where the command knows it */
	WORD_HOOKS,
	WORD_HELP, /* when only that is asked for */
};

struct word {
	enum word_kind kind;
	const char *text;
};

/* Stands for all flags of a target: its --help. */
#define ASKS_HELP 0x100U

#define FIXED(word)                                                                                \
	{                                                                                          \
		WORD_FIXED, word                                                                   \
	}

/* What touches the recipe has --chaos --offline; undeploy and the removals take no --chaos. */
static const struct verb_row {
	const char *text;
	bool has_secrets; /* its output holds generated values */
	bool on_terminal;
	struct word words[ABRA_ARGS_MAX];
} verbs[] = {
    [ABRA_VERSION] = {"abra --version", false, false, {FIXED("--version")}},
    [ABRA_APP_NEW] = {"abra app new", false, false,
	{FIXED("app"), FIXED("new"), {WORD_RECIPE, NULL}, FIXED("--server"), {WORD_SERVER, NULL},
	    FIXED("--domain"), {WORD_DOMAIN, NULL}, FIXED("--chaos"), FIXED("--offline"),
	    FIXED("--no-input")}},
    [ABRA_SECRET_GENERATE] = {"abra app secret generate", true, false,
	{FIXED("app"), FIXED("secret"), FIXED("generate"), {WORD_DOMAIN, NULL}, FIXED("--all"),
	    FIXED("--chaos"), FIXED("--offline"), FIXED("--no-input")}},
    [ABRA_SECRET_INSERT] = {"abra app secret insert", false, false,
	{FIXED("app"), FIXED("secret"), FIXED("insert"), {WORD_DOMAIN, NULL}, {WORD_SECRET, NULL},
	    {WORD_SECRET_VERSION, NULL}, {WORD_SECRET_FILE, NULL}, FIXED("--file"),
	    FIXED("--chaos"), FIXED("--offline"), FIXED("--no-input")}},
    [ABRA_APP_DEPLOY] = {"abra app deploy", false, false,
	{FIXED("app"), FIXED("deploy"), {WORD_DOMAIN, NULL}, FIXED("--chaos"), FIXED("--offline"),
	    FIXED("--no-domain-checks"), FIXED("--no-input")}},
    [ABRA_APP_UNDEPLOY] = {"abra app undeploy", false, false,
	{FIXED("app"), FIXED("undeploy"), {WORD_DOMAIN, NULL}, FIXED("--offline"),
	    FIXED("--no-input")}},
    [ABRA_VOLUME_REMOVE] = {"abra app volume rm", false, false,
	{FIXED("app"), FIXED("volume"), FIXED("rm"), {WORD_DOMAIN, NULL}, FIXED("--force"),
	    FIXED("--offline"), FIXED("--no-input")}},
    [ABRA_SECRET_REMOVE] = {"abra app secret rm", false, false,
	{FIXED("app"), FIXED("secret"), FIXED("rm"), {WORD_DOMAIN, NULL}, FIXED("--all"),
	    FIXED("--offline"), FIXED("--no-input")}},
    [ABRA_RECIPE_LINT] = {"abra recipe lint", false, true,
	{FIXED("recipe"), FIXED("lint"), {WORD_RECIPE, NULL}, FIXED("--chaos"), FIXED("--offline"),
	    FIXED("--no-input")}},
    [ABRA_BACKUP_CREATE] = {"abra app backup create", false, false,
	{FIXED("app"), FIXED("backup"), FIXED("create"), {WORD_DOMAIN, NULL},
	    {WORD_CHAOS, "--chaos"}, FIXED("--offline"), FIXED("--no-input"),
	    {WORD_HELP, "--help"}}},
    [ABRA_BACKUP_SNAPSHOTS] = {"abra app backup snapshots", false, false,
	{FIXED("app"), FIXED("backup"), FIXED("snapshots"), {WORD_DOMAIN, NULL},
	    {WORD_CHAOS, "--chaos"}, FIXED("--offline"), FIXED("--no-input"),
	    {WORD_HELP, "--help"}}},
    [ABRA_RESTORE] = {"abra app restore", false, false,
	{FIXED("app"), FIXED("restore"), {WORD_DOMAIN, NULL}, {WORD_CHAOS, "--chaos"},
	    {WORD_HOOKS, "--hooks"}, FIXED("--offline"), FIXED("--no-input"),
	    {WORD_HELP, "--help"}}},
};

/* What has to be among the target's flags for it to be said; 0: nothing. */
static unsigned condition_of(enum word_kind kind)
{
	if (kind == WORD_CHAOS)
		return ABRA_CHAOS;
	if (kind == WORD_HOOKS)
		return ABRA_HOOKS;
	return kind == WORD_HELP ? ASKS_HELP : 0;
}

const char *abra_verb_text(enum abra_verb verb)
{
	return verbs[verb].text;
}

static const char *word_value(const struct word *word, const struct abra_target *target)
{
	switch (word->kind) {
	case WORD_FIXED:
	case WORD_CHAOS:
	case WORD_HOOKS:
	case WORD_HELP:
		return word->text;
	case WORD_RECIPE:
		return target->recipe;
	case WORD_DOMAIN:
		return target->domain;
	case WORD_SERVER:
		return target->server;
	case WORD_SECRET:
		return target->secret;
	case WORD_SECRET_VERSION:
		return target->version;
	case WORD_SECRET_FILE:
		return target->file;
	}
	return NULL;
}

int abra_arguments(enum abra_verb verb, const struct abra_target *target,
    const char *out[ABRA_ARGS_MAX], struct err *err)
{
	const char *args[ABRA_ARGS_MAX] = {NULL};
	size_t count = 0;

	for (size_t i = 0; i < ABRA_ARGS_MAX - 1; i++) {
		const struct word *word = &verbs[verb].words[i];
		const char *value = word_value(word, target);
		unsigned condition = condition_of(word->kind);

		if (word->kind == WORD_FIXED && !value)
			break;
		if (condition && !(target->flags & condition))
			continue;
		if (!word->text && (!value || !*value || value[0] == '-'))
			return err_set(err, ERR_CONFIG, "%s: \"%.60s\" cannot be an argument",
			    verbs[verb].text, value ? value : "");
		args[count++] = value;
	}
	memcpy(out, args, sizeof(args));
	return 0;
}

#define MASKED_WORD_MIN                                                                            \
	8 /* generated values are longer; headings and box characters mostly shorter */

static bool is_plain(const char *word, const char *const *plain_words)
{
	static const char *const headings[] = {"generated", "generated-name", "secret", NULL};

	for (const char *const *plain = headings; *plain; plain++) {
		if (strcasecmp(word, *plain) == 0)
			return true;
	}
	for (const char *const *plain = plain_words; plain && *plain; plain++) {
		if (text_is(word, *plain))
			return true;
	}
	return false;
}

/* The next word of what abra printed, in a table or as JSON; the caller frees it. NULL: the end. */
static char *next_word(const char **at)
{
	static const char between[] = " \t\r\n\"|,";

	*at += strspn(*at, between);
	if (!**at)
		return NULL;
	size_t length = strcspn(*at, between);
	char *word = xstrndup(*at, length);
	*at += length;
	return word;
}

/* Values that abra printed are secrets from here on, whatever form it printed them in. */
static void mask_values(const struct buf *output, const char *const *plain_words)
{
	const char *at = buf_text(output);

	for (char *word = next_word(&at); word; word = next_word(&at)) {
		if (strlen(word) >= MASKED_WORD_MIN && !is_plain(word, plain_words))
			log_mask(word);
		free(word);
	}
}

char *abra_find_generated(const char *said, const char *key, const char *const *plain_words)
{
	bool is_behind_key = false;

	for (char *word = next_word(&said); word; word = next_word(&said)) {
		if (is_behind_key && strlen(word) >= MASKED_WORD_MIN &&
		    !is_plain(word, plain_words))
			return word;
		/* What follows another's name is another's. */
		if (is_plain(word, plain_words))
			is_behind_key = text_is(word, key);
		free(word);
	}
	return NULL;
}

int abra_call(const struct abra *abra, enum abra_verb verb, const struct abra_target *target,
    const struct abra_watch *watch, struct proc_result *out, struct err *err)
{
	const char *args[ABRA_ARGS_MAX];
	const char *argv[ABRA_ARGS_MAX + 1] = {abra->program};
	auto_str char *home = xasprintf("HOME=%s", abra->home);
	auto_str char *path = xasprintf("PATH=%s", abra->path);
	auto_str char *dir = xasprintf("ABRA_DIR=%s", abra->abra_dir);
	auto_str char *run = xasprintf("%s=%s", RUN_ENVIRONMENT, abra->run_id);
	/* abra's own HOME has no .docker: its logins are the operator's. */
	auto_str char *docker = xasprintf("DOCKER_CONFIG=%s", abra->docker_config);
	const char *const env[] = {home, path, dir, docker, run, "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
	    "NO_COLOR=1", "TERM=dumb", NULL};
	AUTO(buf) output = buf_make(ABRA_OUTPUT_MAX_BYTES);

	if (abra_arguments(verb, target, args, err) < 0)
		return -1;
	memcpy(argv + 1, args, sizeof(args));

	struct proc_spec spec = {
	    .label = verbs[verb].text,
	    .argv = argv,
	    .env = env,
	    .log_path = abra->log_path,
	    .log_max_bytes = ABRA_LOG_MAX_BYTES,
	    .tail_max_bytes = ABRA_TAIL_MAX_BYTES,
	    .out_text = verbs[verb].has_secrets ? &output : NULL,
	    .on_terminal = verbs[verb].on_terminal,
	    .deadline_ns = watch->deadline_ns,
	    .term_grace_ms = ABRA_TERM_GRACE_MS,
	    .drain_ms = ABRA_DRAIN_MS,
	    .cancel_fd = watch->cancel_fd,
	    .watch = watch->watch,
	    .watch_context = watch->context,
	    .watch_fd = watch->watch_fd,
	    .watch_every_ms = watch->watch_every_ms,
	};
	int result = proc_run(&spec, out, err);

	mask_values(&output, target->plain_words);
	if (target->said) {
		buf_release(target->said);
		*target->said = output;
		output = (struct buf){0};
	}
	return result;
}

void abra_complain(
    enum abra_verb verb, const struct proc_result *result, char out[ABRA_COMPLAINT_SIZE])
{
	char how[PROC_RESULT_TEXT_SIZE];
	size_t length = 0;
	const char *last = text_last_line(buf_text(&result->tail), &length);

	proc_result_text(result, how);
	/* Who was killed did not say why. */
	auto_str char *line = xstrndup(last, result->end == PROC_EXITED ? length : 0);
	(void)snprintf(out, ABRA_COMPLAINT_SIZE, "%s: %s%s%.*s", abra_verb_text(verb), how,
	    *line ? ": " : "", (int)text_head(line, ABRA_SHOWN_MAX_BYTES), line);
}

int abra_find_flags(const struct abra *abra, enum abra_verb verb, struct abra_target *target,
    const struct abra_watch *watch, struct err *err)
{
	AUTO(proc_result) result = {0};
	struct abra_target asked = *target;

	asked.flags = ASKS_HELP;
	if (abra_call(abra, verb, &asked, watch, &result, err) < 0)
		return -1;
	if (result.end != PROC_EXITED || result.code != 0) {
		char text[ABRA_COMPLAINT_SIZE];

		abra_complain(verb, &result, text);
		return err_set(err, ERR_PROTOCOL, "%s", text);
	}
	const char *help = buf_text(&result.tail);
	target->flags = (strstr(help, "--chaos") ? ABRA_CHAOS : 0U) |
			(strstr(help, "--hooks") ? ABRA_HOOKS : 0U);
	return 0;
}

int abra_find(const struct settings *settings, const struct run *run, const char *const *environ,
    struct abra *out, struct err *err)
{
	/* A step's HOME may hold a .netrc of Drone's: not for a program that reads what a pull
	 * request brought. */
	const char *home = run->step.build ? run->dir : environ_get(environ, "HOME");
	AUTO(abra)
	abra = {
	    .abra_dir = xstrdup(run->abra_dir),
	    .home = xstrdup(home && home[0] == '/' ? home : "/root"),
	    .path = xstrdup(environ_path(environ)),
	    .run_id = xstrdup(run->id),
	    .docker_config = xstrdup(settings->docker_config),
	    .log_path = run_path(run, "log/abra.log"),
	};
	AUTO(proc_result) result = {0};
	const struct abra_target nothing = {0};
	const struct abra_watch watch = {
	    .deadline_ns = clock_now() + ABRA_VERSION_TIMEOUT_S * NS_PER_S,
	    .cancel_fd = -1,
	    .watch_fd = -1,
	};

	if (file_find_program(settings->abra, abra.path, &abra.program, err) < 0)
		return err_prefix(err, "find abra (setting ABRA)");
	if (abra_call(&abra, ABRA_VERSION, &nothing, &watch, &result, err) < 0)
		return -1;
	if (result.end != PROC_EXITED || result.code != 0) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&result, how);
		return err_set(err, ERR_PROTOCOL, "%s --version: %s", abra.program, how);
	}
	const char *line = buf_text(&result.tail);
	size_t length = strcspn(line, "\r\n");
	if (!text_starts(line, "abra version ") || length >= sizeof(abra.version))
		return err_set(err, ERR_PROTOCOL,
		    "%s is no abra: --version did not print \"abra version ...\"", abra.program);
	memcpy(abra.version, line, length);
	abra.version[length] = '\0';
	*out = abra;
	abra = (struct abra){0};
	return 0;
}

void abra_release(struct abra *abra)
{
	free(abra->program);
	free(abra->abra_dir);
	free(abra->home);
	free(abra->path);
	free(abra->run_id);
	free(abra->docker_config);
	free(abra->log_path);
	*abra = (struct abra){0};
}

char *abra_env_path(const struct abra *abra, const char *server, const char *domain)
{
	return xasprintf("%s/servers/%s/%s.env", abra->abra_dir, server, domain);
}
