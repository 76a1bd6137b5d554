/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of ccci-run: the table of docs/contracts.md, section 2 as values. Filled by conf_load()
 * from settings_rows.
 *
 * Every text is owned by the object; NULL only where "may be NULL" says so.
 */
#ifndef CCCI_RUNNER_SETTINGS_H
#define CCCI_RUNNER_SETTINGS_H

#include "common/conf.h"

struct settings {
	char *gitea_url;	/* may be NULL: local runs only */
	char *git_token;	/* secret; may be NULL */
	char *zone;		/* "ci.example.org" */
	char *drone_url;	/* may be NULL: from DRONE_SYSTEM_PROTO and _HOST of the step */
	char *drone_token;	/* secret; may be NULL */
	char *woodpecker_url;	/* may be NULL: from CI_SYSTEM_URL of the step */
	char *woodpecker_token; /* secret; may be NULL */
	char *abra;		/* program name or path */
	char *abra_dir;		/* the operator's, "~" already expanded */
	char *abra_server;
	char *docker_host;
	char *docker_cert_path;	 /* "~" already expanded; may be NULL */
	char *docker_tls_verify; /* any text: TLS, with the files of DOCKER_CONFIG; may be NULL */
	char *engine_nodes;	 /* "worker2=tcp://10.0.0.2:2376"; may be NULL */
	char *docker_config;	 /* directory of the operator's config.json, "~" already expanded */
	char *recipe_org;	 /* may be NULL */
	char *suites;		 /* directory, absolute or relative to the CI checkout */
	int64_t max_tests;
	int64_t run_timeout_ms;
	int64_t deploy_timeout_ms;
	char *crash_loop; /* "3/120s" as written */
	int64_t crash_loop_failures;
	int64_t crash_loop_within_ms;
	int64_t janitor_max_age_ms;
	int64_t prune_below;	  /* percent of disk or inodes free */
	int64_t keep_max_ms;	  /* 0: no judged app stays up */
	char *shared_needs;	  /* "keycloak": apps that runs share; may be NULL: none */
	int64_t shared_idle_ms;	  /* how long one of them stays up that nobody uses */
	char *probe_connect;	  /* "127.0.0.1:443" */
	char *probe_ca_file;	  /* PEM; NULL: the system's roots */
	char *networks_allow;	  /* "proxy,monitoring" */
	char *backup_bot;	  /* "coop-cloud.backupbot.enabled=true", "none" */
	char *recipe_tests_allow; /* "custom-html,ghost", "*": all; may be NULL: none */
	bool picture;		  /* take one of the app */
	int64_t max_replicas;	  /* of one stack */
	char *max_memory_text;	  /* "2g" as written; may be NULL */
	int64_t max_memory;	  /* bytes, of one stack; 0: what the host has */
	int64_t history_runs;	  /* finished ones whose directories stay */
	char *history_bytes_text; /* "2g" as written */
	int64_t history_bytes;	  /* that they may hold together */
	char *state_dir;
	int64_t log_level;
	char *home; /* of the operator; what "~" was expanded to */
};

extern const struct conf_row settings_rows[];
extern const size_t settings_row_count;

#define SETTINGS_FILE "/etc/ccci/run.yml"

/* conf_load() and what a row alone cannot say (crash_loop's two numbers, "~"); the same contract.
 */
int settings_load(
    const struct conf_sources *sources, struct settings *out, struct buf *mistakes) CHECKED;
void settings_release(struct settings *settings);
/* Directory of the TLS files for the engine, as docker's own program finds it; NULL: none. */
const char *settings_docker_certificates(const struct settings *settings);

#endif
