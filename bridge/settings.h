/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of ccci-bridge: the table of docs/contracts.md, section 2, as values.
 *
 *   if (bridge_settings_load(&sources, &settings, &mistakes) < 0) ... one line for each mistake
 *
 * Every text is owned by the object; NULL only where "may be NULL" says so.
 */
#ifndef CCCI_BRIDGE_SETTINGS_H
#define CCCI_BRIDGE_SETTINGS_H

#include "bridge/hear/night.h"
#include "bridge/hook.h"
#include "bridge/peers/gitea.h"
#include "common/conf.h"

#define BRIDGE_SETTINGS_FILE "/etc/ccci/bridge.yml"
#define BRIDGE_CREDENTIALS "/etc/ccci/credentials" /* where its unit has them from */
#define BRIDGE_REPOS_MAX 1000 /* entries of POLL_REPOS; a wildcard stands for any number */
#define BRIDGE_LISTEN_NONE "none"

/* An entry of POLL_REPOS: one repository, or every one of an owner that has a suite. */
struct bridge_enrolment {
	char owner[GITEA_REPO_SIZE];
	char repo[GITEA_REPO_SIZE]; /* "owner/name"; "" for all of the owner's */
};

enum bridge_engine { BRIDGE_ENGINE_DRONE, BRIDGE_ENGINE_WOODPECKER };

struct bridge_settings {
	char *gitea_url, *gitea_token;
	int64_t ci_engine;			 /* enum bridge_engine */
	char *drone_url, *drone_token;		 /* may be NULL with another engine */
	char *woodpecker_url, *woodpecker_token; /* likewise */
	char *ci_repo, *ci_branch;
	char *poll_repos;
	int64_t poll_interval_ms;
	char *trigger;
	char *auth_allowlist;	/* may be NULL */
	char *with_tests_allow; /* may be NULL */
	char *auto_test;	/* may be NULL */
	char *nightly;		/* "HH:MM"; may be NULL */
	char *notify_command;	/* absolute path of a program; may be NULL */
	int64_t max_comment_age_ms;
	char *listen;	      /* "none": outbound only */
	char *public_url;     /* where people reach the pages; may be NULL */
	char *webhook_secret; /* may be NULL */
	bool webhook_autoregister;
	bool commit_status; /* beside the comment */
	int64_t build_timeout_ms;
	bool pages_private; /* the pages show private repositories too */
	char *state_dir;
	int64_t history_age_ms, history_runs;
	int64_t log_level;

	/* Made of the above. */
	struct bridge_enrolment *enrolments; /* owned */
	size_t enrolment_count;
	struct hook_keys hook_keys;
	int64_t nightly_min; /* minutes after midnight; NIGHT_OFF: no nightly runs */
};

extern const struct conf_row bridge_settings_rows[];
extern const size_t bridge_settings_row_count;

/* The contract of conf_load(). */
int bridge_settings_load(
    const struct conf_sources *sources, struct bridge_settings *out, struct buf *mistakes) CHECKED;
/* The contract of conf_take_changed(); who borrowed the settings goes on with what changed. */
void bridge_settings_take_changed(struct bridge_settings *settings, struct bridge_settings *fresh,
    struct buf *taken, struct buf *kept);
void bridge_settings_release(struct bridge_settings *settings);
DEFINE_AUTO(bridge_settings, bridge_settings_release);

/* Whether AUTH_ALLOWLIST names the user; the forge's names do not tell case. */
bool bridge_settings_allow(const struct bridge_settings *settings, const char *user);
/* The same of WITH_TESTS_ALLOW. */
bool bridge_settings_allow_with_tests(const struct bridge_settings *settings, const char *user);
/* Whether AUTO_TEST names the user, with what the branch begins with or without. */
bool bridge_settings_auto_test(
    const struct bridge_settings *settings, const char *user, const char *branch);
/* The users of AUTO_TEST one after the other: *at begins as it. The caller frees; NULL: no more. */
char *bridge_settings_next_auto_user(const char **at) CHECKED;

#endif
