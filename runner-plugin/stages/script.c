/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/script.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/proc.h"

#define OUTPUT_MAX_BYTES (256 * 1024) /* of stdout; a TAP of 200 tests has 20 KiB */
#define LOG_MAX_BYTES (1024 * 1024)
#define TAIL_MAX_BYTES (16 * 1024)
#define TERM_GRACE_MS 2000
#define DRAIN_MS 500
#define STATUS_FAILED 1
#define STATUS_NOT_RUN 77

void script_result_release(struct script_result *result)
{
	tap_release(&result->tap);
	buf_release(&result->evidence);
}

PRINTF_LIKE(3, 4)
static void end_as(struct script_result *out, enum outcome outcome, const char *format, ...)
{
	char text[4 * SCRIPT_REASON_SIZE];
	va_list args;

	out->outcome = outcome;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	copy_head(out->reason, sizeof(out->reason), text);
}

static void judge_tap(int exit_status, struct script_result *out)
{
	const struct tap_test *failed = NULL;
	size_t failures = 0;
	size_t passed = 0;

	for (size_t i = 0; i < out->tap.count; i++) {
		if (out->tap.tests[i].outcome == OUTCOME_PASS)
			passed++;
		if (out->tap.tests[i].outcome != OUTCOME_FAIL)
			continue;
		failed = failed ? failed : &out->tap.tests[i];
		failures++;
	}
	if (out->tap.bailed)
		end_as(out, OUTCOME_FAIL, "%s", out->tap.bailed);
	else if (failures > 1)
		end_as(out, OUTCOME_FAIL, "%s%s%s (and %zu more)", failed->name,
		    *failed->reason ? ": " : "", failed->reason, failures - 1);
	else if (failed)
		end_as(out, OUTCOME_FAIL, "%s%s%s", failed->name, *failed->reason ? ": " : "",
		    failed->reason);
	else if (exit_status)
		end_as(out, OUTCOME_FAIL, "exit status %d, though no test of its TAP failed",
		    exit_status);
	else if (out->tap.skipped)
		end_as(out, OUTCOME_NOT_RUN, "%s", out->tap.skipped);
	else if (!passed)
		end_as(out, OUTCOME_NOT_RUN, "%s",
		    out->tap.count ? out->tap.tests[0].reason : "its TAP has no test");
	else
		end_as(out, OUTCOME_PASS, "%s", "");
}

void script_judge(int exit_status, const char *said, size_t length, struct script_result *out)
{
	size_t last_length = 0;
	const char *line = text_last_line(said, &last_length);
	auto_str char *last = xstrndup(line, last_length);

	tap_release(&out->tap);
	tap_read(said, length, &out->tap);
	if (exit_status == STATUS_NOT_RUN)
		end_as(out, OUTCOME_NOT_RUN, "%s", *last ? last : "it does not say why");
	else if (out->tap.is_tap)
		judge_tap(exit_status, out);
	else if (exit_status == 0)
		end_as(out, OUTCOME_PASS, "%s", "");
	else if (exit_status == STATUS_FAILED && *last)
		end_as(out, OUTCOME_FAIL, "%s", last);
	else
		end_as(
		    out, OUTCOME_FAIL, "exit status %d%s%s", exit_status, *last ? ": " : "", last);
}

/* --- the process --- */

struct environment {
	char *rows[16];
	size_t count;
};

static void environment_release(struct environment *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		free(environment->rows[i]);
}
DEFINE_AUTO(environment, environment_release);

static void add_row(struct environment *environment, const char *name, const char *value)
{
	assert(environment->count + 1 < COUNT_OF(environment->rows));
	environment->rows[environment->count++] = xasprintf("%s=%s", name, value);
}

static void make_environment(const struct stages_work *work, const struct script_spec *spec,
    const char *home, struct environment *out)
{
	const struct run *run = work->run;
	auto_str char *url = xasprintf("https://%s", run->domain);
	auto_str char *secrets = run_path(run, RUN_SECRETS_DIR);

	add_row(out, "PATH", environ_path(work->environ));
	add_row(out, "HOME", home);
	add_row(out, "LANG", "C.UTF-8");
	add_row(out, "DOCKER_HOST", work->settings->docker_host);
	add_row(out, RUN_ENVIRONMENT, run->id);
	add_row(out, "CCCI_URL", url);
	add_row(out, "CCCI_DOMAIN", run->domain);
	add_row(out, "CCCI_STACK", run->stack);
	add_row(out, "CCCI_RECIPE", run->params.recipe);
	add_row(out, "CCCI_STAGE", stage_word(spec->stage));
	add_row(out, "CCCI_RUN_DIR", home);
	add_row(out, "CCCI_SECRET_DIR", secrets);
	add_row(out, "CCCI_CONNECT", work->settings->probe_connect);
	if (work->settings->probe_ca_file)
		add_row(out, "CCCI_CA_FILE", work->settings->probe_ca_file);
}

static void judge_end(
    const struct proc_result *ended, const struct buf *said, struct script_result *out)
{
	char how[PROC_RESULT_TEXT_SIZE];

	if (ended->end == PROC_EXITED) {
		script_judge(ended->code, buf_text(said), said->length, out);
		return;
	}
	proc_result_text(ended, how);
	if (ended->end == PROC_CANCELLED)
		end_as(out, OUTCOME_UNVERIFIED, "cancelled");
	else
		end_as(out, OUTCOME_FAIL, "%s", how);
}

int script_run(const struct stages_work *work, const struct script_spec *spec,
    struct script_result *out, struct err *err)
{
	auto_str char *inside = xasprintf("suite/%s", spec->path);
	auto_str char *program = run_path(work->run, inside);
	auto_str char *cwd = run_path(work->run, "suite");
	auto_str char *home = run_path(work->run, "scratch");
	auto_str char *log = run_path(work->run, "log/scripts.log");
	AUTO(environment) environment = {0};
	AUTO(buf) raw = buf_make(OUTPUT_MAX_BYTES);
	AUTO(buf) said = buf_make(2 * (size_t)OUTPUT_MAX_BYTES);
	AUTO(proc_result) ended = {0};
	AUTO(script_result) result = {.evidence = buf_make(2 * (size_t)OUTPUT_MAX_BYTES)};
	const char *const argv[] = {program, NULL};
	int64_t until_ns = clock_now() + SCRIPT_TIMEOUT_MS * NS_PER_MS;

	if (file_make_dirs(home, 0700, err) < 0)
		return -1;
	make_environment(work, spec, home, &environment);
	const struct proc_spec proc = {
	    .label = spec->path,
	    .argv = argv,
	    .env = (const char *const *)environment.rows,
	    .cwd = cwd,
	    .log_path = log,
	    .log_max_bytes = LOG_MAX_BYTES,
	    .tail_max_bytes = TAIL_MAX_BYTES,
	    .out_text = &raw,
	    .deadline_ns = until_ns < work->deadline_ns ? until_ns : work->deadline_ns,
	    .term_grace_ms = TERM_GRACE_MS,
	    .drain_ms = DRAIN_MS,
	    .cancel_fd = work->cancel_fd,
	    .watch_fd = -1,
	};
	if (proc_run(&proc, &ended, err) < 0)
		return -1;
	if (ended.end == PROC_NOT_STARTED) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&ended, how);
		return err_set(err, ERR_CONFIG, "the suite's %s: %s", spec->path, how);
	}
	(void)log_mask_text(&said, buf_text(&raw), raw.length);
	judge_end(&ended, &said, &result);
	result.elapsed_ms = ended.elapsed_ms;
	(void)buf_add(&result.evidence, said.data, said.length);
	(void)buf_add(&result.evidence, ended.tail.data, ended.tail.length);
	*out = result;
	result = (struct script_result){0};
	return 0;
}
