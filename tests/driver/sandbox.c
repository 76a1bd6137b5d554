/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox DIR PROGRAM DOMAIN CONNECT CA_FILE SECONDS: runs DIR/tests/PROGRAM as one of a recipe's
 * own tests, with DIR as the run's directory, for at most so many seconds and with small bounds.
 * Prints what came of it as one line of JSON.
 */
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "runner-plugin/checks/script.h"

#define MIB (INT64_C(1024) * 1024)

static void print(const struct json *answer)
{
	auto_str char *line = json_print(answer);

	(void)puts(line);
}

static void print_result(const struct script_result *result)
{
	AUTO_PTR(json) answer = json_new_object();

	json_set_text(answer, "outcome", outcome_word(result->outcome));
	json_set_text(answer, "reason", result->reason);
	json_set_text(answer, "evidence", buf_text(&result->evidence));
	json_set_int(answer, "tests", (int64_t)result->tap.count);
	json_set_int(answer, "ms", result->elapsed_ms);
	print(answer);
}

int main(int count, char **words)
{
	const char *const environ[] = {
	    "PATH=/usr/bin:/bin", "GIT_TOKEN=canary-token-in-environment", NULL};
	AUTO(script_result) result = {0};
	struct sandbox_limits limits = {.memory_bytes = 128 * MIB,
	    .scratch_bytes = 16 * MIB,
	    .scratch_files = 1000,
	    .processes = 64};
	const struct script_spec spec = {
	    .path = words[2], .stage = STAGE_RECIPE, .sandbox = &limits};
	static char host[] = "unix:///var/run/docker.sock";
	int64_t seconds = 0;
	struct err err = {0};

	if (count != 7 || !parse_int64(words[6], 1, 300, &seconds))
		return 2;
	const struct settings settings = {.docker_host = host,
	    .probe_connect = words[4],
	    .probe_ca_file = *words[5] ? words[5] : NULL};
	struct run run = {.dir = words[1], .stack = "app_ci_test"};
	const struct stages_work work = {.settings = &settings,
	    .run = &run,
	    .cancel_fd = -1,
	    .deadline_ns = clock_now() + seconds * NS_PER_S,
	    .environ = environ};

	(void)format_text(run.id, sizeof(run.id), "driver-%ld", (long)getpid());
	if (!copy_text(run.domain, sizeof(run.domain), words[3]))
		return 2;
	if (script_run(&work, &spec, &result, &err) < 0) {
		AUTO_PTR(json) answer = json_new_object();

		json_set_text(answer, "outcome", "error");
		json_set_text(answer, "reason", err.msg);
		print(answer);
		return 1;
	}
	print_result(&result);
	return 0;
}
