/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/settings.h"

#include "bridge/hear/command.h"
#include "bridge/server.h"
#include "bridge/tell/program.h"

#include <strings.h>

static const char *const ci_engines[] = {"drone", "woodpecker", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static bool has_text(const char *value)
{
	return value && *value;
}

/* --- comma separated lists --- */

struct word {
	const char *text;
	size_t length;
};

/* The next word of a list, blanks around it dropped; false at its end. */
static bool next_word(const char **at, struct word *out)
{
	if (!*at)
		return false;
	const char *comma = strchr(*at, ',');
	const char *text = *at + strspn(*at, " ");
	size_t length = comma ? (size_t)(comma - *at) : strlen(*at);
	const char *end = *at + length;

	while (end > text && end[-1] == ' ')
		end--;
	*out = (struct word){text, end > text ? (size_t)(end - text) : 0};
	*at = comma ? comma + 1 : NULL;
	return true;
}

static bool read_enrolment(const struct word *word, struct bridge_enrolment *out)
{
	char text[GITEA_REPO_SIZE];

	*out = (struct bridge_enrolment){0};
	if (word->length >= sizeof(text))
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", (int)word->length, word->text);
	char *slash = strchr(text, '/');
	if (!slash)
		return false;
	(void)snprintf(out->owner, sizeof(out->owner), "%.*s", (int)(slash - text), text);
	if (text_is(slash, "/*"))
		return gitea_is_name(out->owner);
	return gitea_is_repo(text) && copy_text(out->repo, sizeof(out->repo), text);
}

static const char *check_poll_repos(const char *value)
{
	struct bridge_enrolment enrolment;
	struct word word;
	size_t count = 0;

	for (const char *at = value; next_word(&at, &word);) {
		if (!read_enrolment(&word, &enrolment))
			return "must be a comma separated list of owner/repo or owner/*";
		if (++count > BRIDGE_REPOS_MAX)
			return "must have at most 1000 entries: owner/* stands for any number";
	}
	return NULL;
}

static const char *check_allowlist(const char *value)
{
	char name[GITEA_REPO_SIZE];
	struct word word;

	for (const char *at = value; next_word(&at, &word);) {
		if (word.length >= sizeof(name))
			return "must be a comma separated list of user names";
		(void)snprintf(name, sizeof(name), "%.*s", (int)word.length, word.text);
		if (!gitea_is_name(name))
			return "must be a comma separated list of user names";
	}
	return NULL;
}

/* "user" or "user:branch-prefix"; *out_prefix is what is behind the colon, "" without one. */
static struct word split_auto_test(const struct word *entry, struct word *out_prefix)
{
	const char *colon = memchr(entry->text, ':', entry->length);
	size_t length = colon ? (size_t)(colon - entry->text) : entry->length;

	*out_prefix = (struct word){"", 0};
	if (colon)
		*out_prefix = (struct word){colon + 1, entry->length - length - 1};
	return (struct word){entry->text, length};
}

static const char *check_auto_test(const char *value)
{
	static const char wrong[] = "must be a comma separated list of user or user:branch-prefix";
	struct word entry;
	struct word prefix;

	for (const char *at = value; next_word(&at, &entry);) {
		struct word user = split_auto_test(&entry, &prefix);
		auto_str char *name = xstrndup(user.text, user.length);
		auto_str char *branch = xstrndup(prefix.text, prefix.length);

		if (check_allowlist(name) || strpbrk(branch, " ~^:?*[\\") ||
		    (user.length < entry.length && !prefix.length))
			return wrong;
	}
	return NULL;
}

static const char *check_nightly(const char *value)
{
	int64_t minute = 0;

	return night_parse(value, &minute) ? NULL
					   : "must be a time of day, HH:MM from 00:00 to 23:59";
}

/* Whether it is there and may be run is seen when all the settings are read. */
static const char *check_program(const char *value)
{
	return value[0] == '/' ? NULL
			       : "must be the absolute path of a program; it gets no arguments";
}

static const char *check_repo(const char *value)
{
	return gitea_is_repo(value) ? NULL : "must be owner/repo";
}

/* git-check-ref-format(1), as far as a URL and a person's typing mistake need it. */
static const char *check_branch(const char *value)
{
	if (value[0] == '-' || value[0] == '/' || strpbrk(value, " ~^:?*[\\") ||
	    strstr(value, "..") || text_ends(value, "/"))
		return "must be the name of a branch";
	return NULL;
}

static const char *check_listen(const char *value)
{
	return text_is(value, BRIDGE_LISTEN_NONE) ? NULL : server_check_listen(value);
}

static const char *check_state_dir(const char *value)
{
	return value[0] == '/' ? NULL : "must be an absolute path";
}

/* --- the table --- */

#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define AT(field) offsetof(struct bridge_settings, field)

const struct conf_row bridge_settings_rows[] = {
    {"GITEA_URL", CONF_URL, AT(gitea_url), .is_required = true,
	.help = "the forge, as its users reach it"},
    {"GITEA_TOKEN", CONF_SECRET, AT(gitea_token), .is_required = true,
	.help = "the bot's token: read:repository read:organization read:user write:issue"},
    {"CI_ENGINE", CONF_CHOICE, AT(ci_engine), .fallback = "drone", .choices = ci_engines,
	.help = "the CI server that runs the tests: drone or woodpecker"},
    {"DRONE_URL", CONF_URL, AT(drone_url), .help = "the Drone server"},
    {"DRONE_TOKEN", CONF_SECRET, AT(drone_token),
	.help = "a Drone token that may create builds; an admin's can set the timeout too"},
    {"WOODPECKER_URL", CONF_URL, AT(woodpecker_url), .help = "the Woodpecker server"},
    {"WOODPECKER_TOKEN", CONF_SECRET, AT(woodpecker_token),
	.help = "of a user who may write the CI repository; its owner's can set the timeout too"},
    {"CI_REPO", CONF_TEXT, AT(ci_repo), .is_required = true, .check = check_repo,
	.help = "owner/repo whose .drone.yml or .woodpecker.yml runs the tests"},
    {"CI_BRANCH", CONF_TEXT, AT(ci_branch), .is_required = true, .fallback = "main", .least = 1,
	.most = 200, .check = check_branch, .help = "its branch"},
    {"POLL_REPOS", CONF_TEXT, AT(poll_repos), .reloads = true, .is_required = true,
	.most = 64 * 1024, .check = check_poll_repos,
	.help = "enrolled repositories, comma separated; owner/* = each that has a suite"},
    {"POLL_INTERVAL", CONF_DURATION, AT(poll_interval_ms), .reloads = true, .fallback = "30s",
	.least = 1000, .most = MINUTE_MS, .help = "time between polls"},
    {"TRIGGER", CONF_TEXT, AT(trigger), .is_required = true, .fallback = "!testme", .least = 1,
	.check = command_check_trigger, .help = "the word that asks for a run"},
    {"AUTH_ALLOWLIST", CONF_TEXT, AT(auth_allowlist), .reloads = true, .check = check_allowlist,
	.help = "users who may ask besides members of the organisation, comma separated"},
    {"WITH_TESTS_ALLOW", CONF_TEXT, AT(with_tests_allow), .reloads = true, .check = check_allowlist,
	.help = "users who may have a run judged by the suites of a pull request of CI_REPO, comma "
		"separated: what is in them runs on the runners' hosts"},
    {"AUTO_TEST", CONF_TEXT, AT(auto_test), .reloads = true, .check = check_auto_test,
	.help =
	    "user or user:branch-prefix, comma separated: their pull requests are tested without "
	    "a comment"},
    {"NIGHTLY", CONF_TEXT, AT(nightly), .check = check_nightly,
	.help = "HH:MM of this host: every enrolled recipe's default branch is tested once a day"},
    {"NOTIFY_COMMAND", CONF_TEXT, AT(notify_command), .reloads = true, .check = check_program,
	.help = "program that reads a JSON document on stdin when a recipe's level changes, or its "
		"nightly turns red or green"},
    {"MAX_COMMENT_AGE", CONF_DURATION, AT(max_comment_age_ms), .reloads = true, .fallback = "1h",
	.least = MINUTE_MS, .most = 30 * 24 * HOUR_MS,
	.help = "older commands, found after downtime, are answered and not run"},
    {"LISTEN", CONF_TEXT, AT(listen), .is_required = true, .fallback = "127.0.0.1:8080", .least = 1,
	.check = check_listen, .help = "address of hook, pages and metrics; none = outbound only"},
    {"PUBLIC_URL", CONF_URL, AT(public_url),
	.help = "where people reach the pages; links to them appear only with it"},
    {"PAGES_PRIVATE", CONF_BOOL, AT(pages_private), .reloads = true, .fallback = "0",
	.help = "the pages show the runs of private repositories too"},
    {"WEBHOOK_SECRET", CONF_SECRET, AT(webhook_secret), .reloads = true, .check = hook_check_keys,
	.help = "keys of the webhook's HMAC, newest first, comma separated; empty = hook closed"},
    {"WEBHOOK_AUTOREGISTER", CONF_BOOL, AT(webhook_autoregister), .fallback = "0",
	.help = "make and keep our webhook in each enrolled repository, where the token may"},
    {"COMMIT_STATUS", CONF_BOOL, AT(commit_status), .reloads = true, .fallback = "0",
	.help = "also set a commit status on the head that is tested, where the token may"},
    {"BUILD_TIMEOUT", CONF_DURATION, AT(build_timeout_ms), .fallback = "60m", .least = MINUTE_MS,
	.most = 24 * HOUR_MS,
	.help = "the CI server's timeout of the CI repository, whole minutes"},
    {"STATE_DIR", CONF_TEXT, AT(state_dir), .is_required = true, .fallback = "/var/lib/ccci-bridge",
	.check = check_state_dir, .help = "the store"},
    {"HISTORY_AGE", CONF_DURATION, AT(history_age_ms), .reloads = true, .fallback = "180d",
	.least = 24 * HOUR_MS, .most = 3650 * 24 * HOUR_MS,
	.help = "how long runs that are over are kept in the store and shown"},
    {"HISTORY_RUNS", CONF_INT, AT(history_runs), .reloads = true, .fallback = "200", .least = 1,
	.most = 100000, .help = "how many of each recipe are", .unit = "runs"},
    {"LOG_LEVEL", CONF_CHOICE, AT(log_level), .reloads = true, .fallback = "info",
	.choices = log_levels, .help = "error, warning, info or debug"},
};
const size_t bridge_settings_row_count = COUNT_OF(bridge_settings_rows);

static void read_enrolments(struct bridge_settings *settings)
{
	struct word word;

	for (const char *at = settings->poll_repos; next_word(&at, &word);) {
		settings->enrolments = xrealloc_array(settings->enrolments,
		    settings->enrolment_count + 1, sizeof(settings->enrolments[0]));
		/* The row's check has seen the form already. */
		if (read_enrolment(&word, &settings->enrolments[settings->enrolment_count]))
			settings->enrolment_count++;
	}
}

static size_t miss(const char *name, const char *engine, const char *value, struct buf *mistakes)
{
	if (value && *value)
		return 0;
	(void)buf_printf(mistakes, "%s: required with CI_ENGINE=%s\n", name, engine);
	return 1;
}

/* What the chosen CI server is reached by. */
static int check_engine(const struct bridge_settings *settings, struct buf *mistakes)
{
	const char *engine = ci_engines[settings->ci_engine];
	size_t missing = 0;

	switch ((enum bridge_engine)settings->ci_engine) {
	case BRIDGE_ENGINE_DRONE:
		missing += miss("DRONE_URL", engine, settings->drone_url, mistakes);
		missing += miss("DRONE_TOKEN", engine, settings->drone_token, mistakes);
		break;
	case BRIDGE_ENGINE_WOODPECKER:
		missing += miss("WOODPECKER_URL", engine, settings->woodpecker_url, mistakes);
		missing += miss("WOODPECKER_TOKEN", engine, settings->woodpecker_token, mistakes);
		break;
	}
	return missing ? -1 : 0;
}

static size_t miss_for_hook(bool is_missing, const char *what, struct buf *mistakes)
{
	if (is_missing)
		(void)buf_printf(mistakes, "WEBHOOK_AUTOREGISTER: needs %s\n", what);
	return is_missing;
}

/* Where the webhooks lead, and what their deliveries are signed with. */
static int check_autoregister(const struct bridge_settings *settings, struct buf *mistakes)
{
	const char *url = settings->public_url;
	const char *secret = settings->webhook_secret;
	size_t missing = 0;

	if (!settings->webhook_autoregister)
		return 0;
	missing +=
	    miss_for_hook(!url || !*url, "PUBLIC_URL, below which /hook is reached", mistakes);
	missing += miss_for_hook(
	    !secret || !*secret, "WEBHOOK_SECRET, which deliveries are signed with", mistakes);
	missing += miss_for_hook(text_is(settings->listen, BRIDGE_LISTEN_NONE),
	    "LISTEN, which is " BRIDGE_LISTEN_NONE " here", mistakes);
	return missing ? -1 : 0;
}

int bridge_settings_load(
    const struct conf_sources *sources, struct bridge_settings *out, struct buf *mistakes)
{
	struct bridge_settings settings = {0};
	struct err err;

	if (conf_load(
		bridge_settings_rows, bridge_settings_row_count, sources, &settings, mistakes) < 0)
		return -1;
	read_enrolments(&settings);
	settings.nightly_min = NIGHT_OFF;
	if (has_text(settings.nightly))
		(void)!night_parse(
		    settings.nightly, &settings.nightly_min); /* its row has seen the form */
	if (check_engine(&settings, mistakes) < 0 || check_autoregister(&settings, mistakes) < 0) {
		bridge_settings_release(&settings);
		return -1;
	}
	if (settings.build_timeout_ms % MINUTE_MS != 0) {
		(void)buf_add_text(
		    mistakes, "BUILD_TIMEOUT: must be whole minutes, as CI servers count it\n");
		bridge_settings_release(&settings);
		return -1;
	}
	if (has_text(settings.notify_command)) {
		const char *fault = program_check(settings.notify_command);

		if (fault) {
			(void)buf_printf(mistakes, "NOTIFY_COMMAND: %s cannot be run: %s\n",
			    settings.notify_command, fault);
			bridge_settings_release(&settings);
			return -1;
		}
	}
	if (hook_keys_read(settings.webhook_secret, &settings.hook_keys, &err) < 0) {
		(void)buf_printf(mistakes, "WEBHOOK_SECRET: %s\n", err.msg);
		bridge_settings_release(&settings);
		return -1;
	}
	*out = settings;
	return 0;
}

void bridge_settings_take_changed(struct bridge_settings *settings, struct bridge_settings *fresh,
    struct buf *taken, struct buf *kept)
{
	struct bridge_settings made = *settings;

	conf_take_changed(
	    bridge_settings_rows, bridge_settings_row_count, settings, fresh, taken, kept);
	/* What is made of rows goes where they went; each of those rows reloads. */
	settings->enrolments = fresh->enrolments;
	settings->enrolment_count = fresh->enrolment_count;
	settings->hook_keys = fresh->hook_keys;
	fresh->enrolments = made.enrolments;
	fresh->enrolment_count = made.enrolment_count;
	fresh->hook_keys = made.hook_keys;
}

void bridge_settings_release(struct bridge_settings *settings)
{
	free(settings->enrolments);
	hook_keys_release(&settings->hook_keys);
	conf_release(bridge_settings_rows, bridge_settings_row_count, settings);
	*settings = (struct bridge_settings){0};
}

static bool is_user(const struct word *word, const char *user)
{
	return word->length && word->length == strlen(user) &&
	       strncasecmp(word->text, user, word->length) == 0;
}

static bool has_user(const char *list, const char *user)
{
	struct word word;

	for (const char *at = list ? list : ""; next_word(&at, &word);) {
		if (is_user(&word, user))
			return true;
	}
	return false;
}

bool bridge_settings_allow(const struct bridge_settings *settings, const char *user)
{
	return has_user(settings->auth_allowlist, user);
}

bool bridge_settings_allow_with_tests(const struct bridge_settings *settings, const char *user)
{
	return has_user(settings->with_tests_allow, user);
}

bool bridge_settings_auto_test(
    const struct bridge_settings *settings, const char *user, const char *branch)
{
	struct word entry;
	struct word prefix;

	for (const char *at = settings->auto_test; next_word(&at, &entry);) {
		struct word name = split_auto_test(&entry, &prefix);

		if (is_user(&name, user) && strncmp(branch, prefix.text, prefix.length) == 0)
			return true;
	}
	return false;
}

char *bridge_settings_next_auto_user(const char **at)
{
	struct word entry;
	struct word prefix;

	if (!next_word(at, &entry))
		return NULL;
	struct word name = split_auto_test(&entry, &prefix);
	return xstrndup(name.text, name.length);
}
