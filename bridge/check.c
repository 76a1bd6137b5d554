/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/check.h"

#include "bridge/hear/hear.h"
#include "bridge/hook_plan.h"
#include "bridge/isolation.h"
#include "bridge/standing.h"

#include <strings.h>

/* One question, its answer, and what is made of it. */
struct asked {
	struct http *http;
	struct gitea *gitea;
	bool wants_hooks;    /* of ours */
	const char *ci_repo; /* borrowed */
	char *bot;	     /* our token's user */
	bool is_ci_enrolled; /* as far as was looked */
	bool is_done;
	int result; /* of err */
	struct err err;
	struct gitea_repo repo;
	enum gitea_member member;
	struct gitea_names suites;
	size_t bad;
	struct buf *out;
};

static void take_answer(struct asked *asked, const struct err *err)
{
	asked->is_done = true;
	asked->result = err ? -1 : 0;
	if (err)
		asked->err = *err;
}

/* Until the question that was sent is answered. */
static int wait_for_answer(struct asked *asked)
{
	asked->is_done = false;
	while (!asked->is_done) {
		if (http_poll(asked->http, NULL, 0, -1, &asked->err) < 0)
			return -1;
	}
	return asked->result;
}

static void on_whoami(void *context, const char *login, const struct err *err)
{
	struct asked *asked = context;

	take_answer(asked, err);
	if (login)
		asked->bot = xstrdup(login);
}

static void on_suites(void *context, struct gitea_names *names, const struct err *err)
{
	struct asked *asked = context;

	take_answer(asked, err);
	if (names) {
		asked->suites = *names;
		*names = (struct gitea_names){0};
	}
}

static void on_repo(void *context, const struct gitea_repo *repo, const struct err *err)
{
	struct asked *asked = context;

	take_answer(asked, err);
	if (repo)
		asked->repo = *repo;
}

static void on_hooks(void *context, struct gitea_hooks *hooks, const struct err *err)
{
	(void)hooks;
	take_answer(context, err);
}

/* Whether the bridge may keep a webhook there, as far as that shows without making one. */
static int check_hooks(struct asked *asked, const char *repo)
{
	char text[HOOK_TROUBLE_SIZE];

	gitea_list_hooks(asked->gitea, repo, on_hooks, asked);
	if (wait_for_answer(asked) == 0)
		return 0;
	if (err_is_passing(&asked->err))
		return -1;
	hook_write_trouble(repo, &asked->err, text);
	asked->bad++;
	(void)buf_printf(asked->out, "%s\n", text);
	return 0;
}

static void on_member(void *context, const enum gitea_member *member, const struct err *err)
{
	struct asked *asked = context;

	take_answer(asked, err);
	if (member)
		asked->member = *member;
}

static int check_repo(struct asked *asked, const char *repo, bool is_named)
{
	char text[STANDING_TEXT_SIZE];

	asked->is_ci_enrolled = asked->is_ci_enrolled || strcasecmp(repo, asked->ci_repo) == 0;
	gitea_get_repo(asked->gitea, repo, on_repo, asked);
	int result = wait_for_answer(asked);
	enum standing standing =
	    standing_of(repo, result < 0 ? NULL : &asked->repo, result < 0 ? &asked->err : NULL);

	if (standing == STANDING_UNKNOWN)
		return -1;
	if (!standing_is_bad(standing))
		return asked->wants_hooks ? check_hooks(asked, repo) : 0;
	/* A wildcard has suites for repositories that are another owner's. */
	if (standing == STANDING_MISSING && !is_named)
		return 0;
	standing_write(standing, repo, asked->repo.name, is_named, text);
	asked->bad++;
	(void)buf_printf(asked->out, "%s\n", text);
	return 0;
}

static int check_owner(struct asked *asked, const char *owner)
{
	char repo[GITEA_REPO_SIZE];

	for (size_t i = 0; i < asked->suites.count; i++) {
		if (format_text(repo, sizeof(repo), "%s/%s", owner, asked->suites.items[i]) &&
		    gitea_is_repo(repo) && check_repo(asked, repo, false) < 0)
			return -1;
	}
	return 0;
}

static int list_suites(struct asked *asked, const struct bridge_settings *settings)
{
	gitea_list_directories(
	    asked->gitea, settings->ci_repo, settings->ci_branch, HEAR_SUITES, on_suites, asked);
	if (wait_for_answer(asked) == 0)
		return 0;
	if (asked->err.code != ERR_MISSING)
		return -1;
	asked->bad++;
	(void)buf_printf(asked->out, "%s has no %s: nothing is enrolled by a wildcard\n",
	    settings->ci_repo, HEAR_SUITES);
	return 0;
}

static bool has_wildcard(const struct bridge_settings *settings)
{
	for (size_t i = 0; i < settings->enrolment_count; i++) {
		if (!settings->enrolments[i].repo[0])
			return true;
	}
	return false;
}

/* --- who may write the suites --- */

/* To look at; nothing is wrong for certain, so nothing is counted. */
static void tell_isolation(struct asked *asked, const struct isolation_facts *facts)
{
	char text[ISOLATION_TEXT_SIZE];
	enum isolation isolation = isolation_of(facts);

	if (isolation == ISOLATION_GOOD)
		return;
	isolation_write(isolation, facts, text);
	(void)buf_printf(asked->out, "warning: %s\n", text);
}

static int check_isolation(struct asked *asked, const struct bridge_settings *settings)
{
	const char *ci_repo = settings->ci_repo;
	auto_str char *owner = xstrndup(ci_repo, strcspn(ci_repo, "/"));
	const char *at = settings->auto_test ? settings->auto_test : "";
	struct isolation_facts facts = {.ci_repo = ci_repo, .is_enrolled = asked->is_ci_enrolled};

	tell_isolation(asked, &facts);
	for (;;) {
		auto_str char *user = bridge_settings_next_auto_user(&at);

		if (!user)
			return 0;
		gitea_get_member(asked->gitea, owner, user, on_member, asked);
		int result = wait_for_answer(asked);
		/* What the forge does not tell our token stays unknown. */
		if (result < 0 && asked->err.code != ERR_MISSING && asked->err.code != ERR_DENIED)
			return -1;
		facts.user = user;
		facts.is_member = result == 0 && asked->member == GITEA_MEMBER;
		facts.may_choose = bridge_settings_allow_with_tests(settings, user);
		tell_isolation(asked, &facts);
	}
}

/* --- who may start a run --- */

static bool was_seen(const struct bridge_settings *settings, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcasecmp(settings->enrolments[i].owner, settings->enrolments[index].owner) ==
		    0)
			return true;
	}
	return false;
}

/* A warning: the users of AUTH_ALLOWLIST may be all that anybody wants. */
static int check_members(struct asked *asked, const struct bridge_settings *settings)
{
	char text[STANDING_TEXT_SIZE];

	for (size_t i = 0; i < settings->enrolment_count; i++) {
		const char *owner = settings->enrolments[i].owner;

		if (was_seen(settings, i))
			continue;
		gitea_get_member(asked->gitea, owner, asked->bot, on_member, asked);
		int result = wait_for_answer(asked);

		if (result < 0 && err_is_passing(&asked->err))
			return -1;
		if (standing_write_members(owner, asked->bot, result < 0 ? NULL : &asked->member,
			result < 0 ? &asked->err : NULL, text))
			(void)buf_printf(asked->out, "warning: %s\n", text);
	}
	return 0;
}

static int check_all(struct asked *asked, const struct bridge_settings *settings)
{
	gitea_whoami(asked->gitea, on_whoami, asked);
	if (wait_for_answer(asked) < 0 ||
	    (has_wildcard(settings) && list_suites(asked, settings) < 0))
		return -1;
	for (size_t i = 0; i < settings->enrolment_count; i++) {
		const struct bridge_enrolment *enrolment = &settings->enrolments[i];
		bool is_named = enrolment->repo[0] != '\0';

		if ((is_named ? check_repo(asked, enrolment->repo, true)
			      : check_owner(asked, enrolment->owner)) < 0)
			return -1;
	}
	return check_members(asked, settings) < 0 ? -1 : check_isolation(asked, settings);
}

int check_forge(
    const struct bridge_settings *settings, size_t *out_count, struct buf *out, struct err *err)
{
	struct asked asked = {.http = http_new(),
	    .wants_hooks = settings->webhook_autoregister,
	    .ci_repo = settings->ci_repo,
	    .out = out};

	asked.gitea = gitea_new(asked.http, settings->gitea_url, settings->gitea_token);
	int result = check_all(&asked, settings);
	if (result < 0)
		*err = asked.err;
	else
		*out_count = asked.bad;
	free(asked.bot);
	gitea_names_release(&asked.suites);
	gitea_free(asked.gitea);
	http_free(asked.http);
	return result;
}
