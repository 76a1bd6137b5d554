/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/abra/stack_config.h"

#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/abra/refusal.h"
#include "runner-plugin/run/proc.h"

#define DOCKER_TIMEOUT_MS 20000
#define DOCKER_LOG_MAX_BYTES (256 * 1024)
#define DOCKER_TAIL_MAX_BYTES (8 * 1024)
#define HELP_MAX_BYTES (16 * 1024)
#define REFUSED                                                                                    \
	1 /* its exit status for files that it does not take; 125: a word it does not know */

/* --- the environment --- */

/*
 * What the C library, Go's runtime and docker look for in their own environment. A recipe's
 * .env.sample chooses names and values, so one of these could load a library of its own.
 * Source: ld.so(8), environ(7), Go's runtime, os, net/http and time packages, docker(1).
 */
static const char *const dangers[] = {"LD_*", "GLIBC_*", "MALLOC_*", "GCONV_PATH", "LOCPATH",
    "NLSPATH", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "GETCONF_DIR", "TMPDIR", "TZDIR",
    "ZONEINFO", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "HOME", "PATH", "XDG_*", "SSH_*", "DOCKER_*", "BUILDKIT_*",
    "BUILDX_*", "OTEL_*", "CCCI_*"};

static bool is_danger(const struct env_row *row)
{
	for (size_t i = 0; i < COUNT_OF(dangers); i++) {
		size_t length = strlen(dangers[i]);
		bool is_prefix = text_ends(dangers[i], "*");

		if (is_prefix ? strncmp(row->name, dangers[i], length - 1) == 0
			      : text_is(row->name, dangers[i]))
			return true;
	}
	/* A name of a zone is harmless; a path is opened. */
	return text_is(row->name, "TZ") && strchr(row->value, '/') &&
	       (row->value[0] == '/' || row->value[0] == ':' || strstr(row->value, ".."));
}

const char *stack_config_find_danger(const struct env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		if (is_danger(&env->rows[i]))
			return env->rows[i].name;
	}
	return NULL;
}

/* --- docker --- */

struct docker_call {
	const struct stages_work *work;
	const char *docker;
	const char *const *args; /* after "docker" */
	size_t arg_count;
	const struct env *env; /* NULL: none */
	const char *config_dir;
	struct buf *output; /* of stdout */
};

static int run_docker(const struct docker_call *call, struct proc_result *result, struct err *err)
{
	const struct run *run = call->work->run;
	size_t env_count = call->env ? call->env->count : 0;
	const char **argv = xcalloc(call->arg_count + 2, sizeof(*argv));
	char **env = xcalloc(env_count + 3, sizeof(*env));
	auto_str char *log_path = run_path(run, "log/docker.log");
	struct proc_spec spec = {
	    .label = "docker stack config",
	    .argv = argv,
	    .env = (const char *const *)env,
	    .cwd = run->recipe_dir,
	    .log_path = log_path,
	    .log_max_bytes = DOCKER_LOG_MAX_BYTES,
	    .tail_max_bytes = DOCKER_TAIL_MAX_BYTES,
	    .out_text = call->output,
	    .deadline_ns = stages_until(call->work, DOCKER_TIMEOUT_MS),
	    .term_grace_ms = 500,
	    .drain_ms = 500,
	    .cancel_fd = call->work->cancel_fd,
	    .watch_fd = -1,
	};

	argv[0] = call->docker;
	for (size_t i = 0; i < call->arg_count; i++)
		argv[i + 1] = call->args[i];
	for (size_t i = 0; i < env_count; i++)
		env[i] = xasprintf("%s=%s", call->env->rows[i].name, call->env->rows[i].value);
	env[env_count] = xasprintf("DOCKER_CONFIG=%s", call->config_dir);
	env[env_count + 1] = xasprintf("%s=%s", RUN_ENVIRONMENT, run->id);
	int started = proc_run(&spec, result, err);
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(env);
	free(argv);
	return started;
}

bool stack_config_find(const struct stages_work *work, struct stack_config *out)
{
	static const char *const args[] = {"stack", "config", "--help"};
	const char *path = environ_get(work->environ, "PATH");
	AUTO(stack_config) found = {.config_dir = run_path(work->run, "docker")};
	AUTO(proc_result) result = {0};
	AUTO(buf) help = buf_make(HELP_MAX_BYTES);
	struct err err;

	if (file_find_program(
		"docker", path ? path : "/usr/local/bin:/usr/bin:/bin", &found.docker, &err) < 0) {
		log_debug("docker is not asked about the files: %s", err.msg);
		return false;
	}
	const struct docker_call call = {.work = work,
	    .docker = found.docker,
	    .args = args,
	    .arg_count = COUNT_OF(args),
	    .config_dir = found.config_dir,
	    .output = &help};
	/* One that does not know the command answers with the help of what it knows. */
	if (run_docker(&call, &result, &err) < 0 || result.end != PROC_EXITED || result.code != 0 ||
	    !strstr(buf_text(&help), "docker stack config")) {
		log_debug("%s knows no `docker stack config`", found.docker);
		return false;
	}
	*out = found;
	found = (struct stack_config){0};
	return true;
}

void stack_config_release(struct stack_config *stack_config)
{
	free(stack_config->docker);
	free(stack_config->config_dir);
	*stack_config = (struct stack_config){0};
}

/* --- reading --- */

void stack_config_sentence(
    const char *said, const char *recipe_dir, char out[STACK_CONFIG_SENTENCE_SIZE])
{
	AUTO(buf) kept = buf_make(DOCKER_TAIL_MAX_BYTES);
	auto_str char *checkout = xasprintf("%s/", recipe_dir);
	char sentence[REFUSAL_SENTENCE_SIZE];

	while (*said) {
		size_t length = strcspn(said, "\n");
		bool is_warning = text_starts(said, "time=\"");

		for (size_t i = 0; !is_warning && i < length;) {
			if (text_starts(said + i, checkout))
				i += strlen(checkout);
			else
				(void)buf_add_char(&kept, said[i++]);
		}
		(void)buf_add_char(&kept, '\n');
		said += length + (said[length] == '\n');
	}
	refusal_copy_sentence(buf_text(&kept), sentence);
	(void)snprintf(out, STACK_CONFIG_SENTENCE_SIZE,
	    "docker refuses the recipe's compose files: %s",
	    *sentence ? sentence : "it does not say why");
}

/* "--compose-file=NAME" for each; the flag takes a list of CSV, so a name with a comma or a quote
 * cannot be said. */
static char **compose_arguments(const char *list, size_t *out_count)
{
	char **args = NULL;

	*out_count = 0;
	while (*list) {
		size_t length = strcspn(list, ":");

		args = xrealloc_array(args, *out_count + 1, sizeof(*args));
		args[(*out_count)++] = xasprintf("--compose-file=%.*s", (int)length, list);
		list += length + (list[length] == ':');
	}
	return args;
}

static enum stack_config_end judge_docker(
    const struct proc_result *result, const struct stages_work *work, char *sentence)
{
	char how[PROC_RESULT_TEXT_SIZE];

	if (result->end == PROC_EXITED && result->code == 0)
		return STACK_CONFIG_FINE;
	if (result->end == PROC_EXITED && result->code == REFUSED) {
		stack_config_sentence(buf_text(&result->tail), work->run->recipe_dir, sentence);
		return STACK_CONFIG_REFUSED;
	}
	proc_result_text(result, how);
	log_debug("docker stack config: %s", how);
	return STACK_CONFIG_NOT_ASKED;
}

enum stack_config_end stack_config_read(const struct stack_config *stack_config,
    const struct stages_work *work, const struct rendered *rendered,
    char sentence[STACK_CONFIG_SENTENCE_SIZE])
{
	const char *danger = stack_config_find_danger(&rendered->env);
	AUTO(proc_result) result = {0};
	AUTO(buf) thrown_away = buf_make(0);
	const char *args[COMPOSE_FILES_MAX + 2] = {"stack", "config"};
	size_t count = 0;
	struct err err;

	if (danger || strpbrk(rendered->compose_file, ",\"\n")) {
		log_debug("docker is not asked about the files: it cannot be given %s",
		    danger ? danger : rendered->compose_file);
		return STACK_CONFIG_NOT_ASKED;
	}
	char **files = compose_arguments(rendered->compose_file, &count);
	for (size_t i = 0; i < count && i < COMPOSE_FILES_MAX; i++)
		args[i + 2] = files[i];
	const struct docker_call call = {.work = work,
	    .docker = stack_config->docker,
	    .args = args,
	    .arg_count = count + 2,
	    .env = &rendered->env,
	    .config_dir = stack_config->config_dir,
	    .output = &thrown_away};
	int started = run_docker(&call, &result, &err);
	for (size_t i = 0; i < count; i++)
		free(files[i]);
	free(files);
	if (started < 0) {
		log_debug("%s", err.msg);
		return STACK_CONFIG_NOT_ASKED;
	}
	return judge_docker(&result, work, sentence);
}
