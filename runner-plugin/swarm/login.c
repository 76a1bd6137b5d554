/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/login.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/swarm/registry_auth.h"

#define CONFIG_MAX_BYTES (1024 * 1024)
#define ANSWER_MAX_BYTES (64 * 1024)
#define HELPER_TIMEOUT_S 20
#define HELPER_GRACE_MS 500
/* Source: docker-credential-helpers, credentials/error.go: on stdout, with status 1. */
#define KNOWS_NONE "credentials not found"

void logins_release(struct logins *logins)
{
	json_free(logins->config);
	free(logins->dir);
	free(logins->home);
	free(logins->path);
	*logins = (struct logins){0};
}

void login_release(struct login *login)
{
	free(login->account);
	free(login->header);
	free(login->problem);
	*login = (struct login){0};
}

int logins_open(
    const struct settings *settings, const char *path_list, struct logins *out, struct err *err)
{
	auto_str char *path = xasprintf("%s/config.json", settings->docker_config);
	AUTO(buf) text = {0};
	struct json *config = NULL;

	if (file_exists(path)) {
		if (file_read(path, CONFIG_MAX_BYTES, &text, err) < 0)
			return err_prefix(err, "read the logins at registries");
		config = json_parse(buf_text(&text), text.length, err);
		if (!config) {
			err->code = ERR_CONFIG;
			return err_prefix(err, "read the logins at registries in %s", path);
		}
	}
	const struct json *auths = json_get(config, "auths");
	for (const struct json *entry = json_first(auths); entry; entry = json_next(entry)) {
		log_mask(json_get_text(entry, "auth"));
		log_mask(json_get_text(entry, "identitytoken"));
	}
	*out = (struct logins){.config = config,
	    .dir = xstrdup(settings->docker_config),
	    .home = xstrdup(settings->home),
	    .path = xstrdup(path_list)};
	return 0;
}

/* *out stays empty when the helper knows no login. */
static int ask_helper(const struct logins *logins, const char *name, const char *server,
    int cancel_fd, struct registry_choice *out, struct err *err)
{
	auto_str char *word = xasprintf("docker-credential-%s", name);
	auto_str char *program = NULL;
	auto_str char *home = xasprintf("HOME=%s", logins->home);
	auto_str char *path = xasprintf("PATH=%s", logins->path);
	auto_str char *dir = xasprintf("DOCKER_CONFIG=%s", logins->dir);
	const char *const env[] = {home, path, dir, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", NULL};
	AUTO(buf) answer = buf_make(ANSWER_MAX_BYTES);
	AUTO(proc_result) result = {0};

	if (file_find_program(word, logins->path, &program, err) < 0)
		return -1;
	const char *const argv[] = {program, "get", NULL};
	const struct proc_spec spec = {
	    .label = word,
	    .argv = argv,
	    .env = env,
	    .in_text = server,
	    .out_text = &answer,
	    .tail_max_bytes = ANSWER_MAX_BYTES,
	    .deadline_ns = clock_now() + HELPER_TIMEOUT_S * NS_PER_S,
	    .term_grace_ms = HELPER_GRACE_MS,
	    .drain_ms = HELPER_GRACE_MS,
	    .cancel_fd = cancel_fd,
	    .watch_fd = -1,
	};
	if (proc_run(&spec, &result, err) < 0)
		return -1;
	if (result.end == PROC_EXITED && result.code == 1 && strstr(buf_text(&answer), KNOWS_NONE))
		return 0;
	if (result.end != PROC_EXITED || result.code != 0) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&result, how);
		return err_set(err, ERR_PROTOCOL, "%s get: %s", word, how);
	}
	AUTO_PTR(json) object = json_parse(buf_text(&answer), answer.length, err);
	if (!object || registry_read_answer(object, out, err) < 0)
		return err_prefix(err, "%s get", word);
	return 0;
}

void login_find(const struct logins *logins, const char *image, int cancel_fd, struct login *out)
{
	auto_str char *server = registry_server(image);
	AUTO(registry_choice) choice = {0};
	struct err err;

	*out = (struct login){0};
	int result = registry_choose(logins->config, server, &choice, &err);
	if (result == 0 && choice.helper) {
		AUTO(registry_choice) asked = choice;

		choice = (struct registry_choice){0};
		result = ask_helper(logins, asked.helper, server, cancel_fd, &choice, &err);
	}
	if (result < 0) {
		out->problem = xstrdup(err.msg);
		return;
	}
	auto_str char *header = registry_header(&choice, server);
	if (!header)
		return;
	log_mask(choice.secret);
	log_mask(header);
	out->account = xstrdup(choice.account && *choice.account ? choice.account : "a token");
	out->header = take_ptr(header);
}
