/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/script.h"

#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/recipe/suite.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/proc.h"

#include <ctype.h>

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
	size_t failures = out->tap.dropped_failed;
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
	else if (failures && !failed)
		end_as(out, OUTCOME_FAIL, "%zu tests beyond the first %d failed", failures,
		    TAP_TESTS_MAX);
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

/* --- what a terminal would obey --- */

#define ESCAPE 0x1b
#define BELL 0x07
#define DELETE 0x7f
#define C1_LEAD 0xc2

/* From ESC [ to the byte that ends it. */
static size_t csi_length(const char *at, size_t length)
{
	size_t i = 2;

	while (i < length && !(at[i] >= 0x40 && at[i] <= 0x7e) && at[i] != '\n')
		i++;
	return i < length && at[i] != '\n' ? i + 1 : i;
}

/* A string such as a title, up to BEL or ESC \. */
static size_t string_length(const char *at, size_t length)
{
	size_t i = 2;

	while (i < length && at[i] != BELL && at[i] != ESCAPE && at[i] != '\n')
		i++;
	if (i == length || at[i] == '\n')
		return i;
	if (at[i] == BELL)
		return i + 1;
	return i + 1 < length && at[i + 1] == '\\' ? i + 2 : i;
}

/* How many bytes from ESC on are one sequence; another one has two or three characters. Source:
 * ECMA-48, 5.4 and 8.3. */
static size_t escape_length(const char *at, size_t length)
{
	size_t i = 2;

	if (length < 2 || (unsigned char)at[1] < 0x20)
		return 1;
	if (at[1] == '[')
		return csi_length(at, length);
	if (strchr("]PX^_", at[1]))
		return string_length(at, length);
	while (i <= 3 && i <= length && at[i - 1] >= 0x20 && at[i - 1] <= 0x2f)
		i++; /* intermediates before the last one */
	return i < length ? i : length;
}

/* How many bytes to leave out at this place; 0: it is text. */
static size_t control_length(const char *at, size_t length)
{
	unsigned char c = (unsigned char)*at;

	if (c == ESCAPE)
		return escape_length(at, length);
	return (c < 0x20 && c != '\n' && c != '\t') || c == DELETE;
}

/* C1 in UTF-8, whatever stood between its bytes; of its CSI the rest is then only text. */
static bool ends_c1(const struct buf *out, char next)
{
	unsigned char c = (unsigned char)next;

	return c >= 0x80 && c <= 0x9f && out->length &&
	       (unsigned char)out->data[out->length - 1] == C1_LEAD;
}

void script_clean(const char *said, size_t length, struct buf *out)
{
	for (size_t i = 0; i < length;) {
		size_t control = control_length(said + i, length - i);

		if (said[i] == '\r' && (i + 1 == length || said[i + 1] != '\n'))
			(void)buf_add_char(out, '\n');
		else if (!control && ends_c1(out, said[i]))
			out->data[--out->length] = '\0';
		else if (!control)
			(void)buf_add_char(out, said[i]);
		i += control ? control : 1;
	}
}

/* --- the process --- */

struct environment {
	char *rows[20 + 5 * NEEDS_MAX];
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

/* What every one is told, wherever it runs. */
static void add_app(
    struct environment *out, const struct stages_work *work, const struct script_spec *spec)
{
	const struct run *run = work->run;
	auto_str char *url = xasprintf("https://%s", run->domain);

	add_row(out, "LANG", "C.UTF-8");
	add_row(out, RUN_ENVIRONMENT, run->id);
	add_row(out, "CCCI_URL", url);
	add_row(out, "CCCI_DOMAIN", run->domain);
	add_row(out, "CCCI_STACK", run->stack);
	add_row(out, "CCCI_RECIPE", run->params.recipe);
	if (spec->stage != STAGE_NONE)
		add_row(out, "CCCI_STAGE", stage_word(spec->stage));
}

static void add_host(
    struct environment *out, const struct stages_work *work, const char *home, const char *secrets)
{
	const char *certificates = settings_docker_certificates(work->settings);

	add_row(out, "PATH", environ_path(work->environ));
	add_row(out, "HOME", home);
	add_row(out, "DOCKER_HOST", work->settings->docker_host);
	if (certificates) {
		add_row(out, "DOCKER_CERT_PATH", certificates);
		add_row(out, "DOCKER_TLS_VERIFY", "1");
	}
	add_row(out, "CCCI_RUN_DIR", home);
	add_row(out, "CCCI_SECRET_DIR", secrets);
	add_row(out, "CCCI_CONNECT", work->settings->probe_connect);
	if (work->settings->probe_ca_file)
		add_row(out, "CCCI_CA_FILE", work->settings->probe_ca_file);
}

/* "CCCI_NEED_MY_LOGIN_DOMAIN" of "my-login". */
static void add_need_row(
    struct environment *out, const char *recipe, const char *what, const char *value)
{
	auto_str char *name = xasprintf("CCCI_NEED_%s_%s", recipe, what);

	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	add_row(out, name, value);
}

/* Where the recipes are that this one needs; prepare wrote it down. */
static int add_needs(struct environment *out, const struct stages_work *work, struct err *err)
{
	AUTO(prepared) prepared = {0};
	char tenant[RUN_TENANT_SIZE];
	struct err why;

	run_tenant(work->run, tenant);
	if (prepared_load(work->run, &prepared, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	for (size_t i = 0; i < prepared.need_count; i++) {
		const struct prepared_need *need = &prepared.needs[i];
		AUTO(run) beside = {0};

		if (prepared_open_need(work->settings, work->run, need, &beside, err) < 0)
			return -1;
		auto_str char *secrets = run_path(&beside, RUN_SECRETS_DIR);
		auto_str char *scratch = run_path(&beside, "scratch");
		add_need_row(out, need->recipe, "DOMAIN", beside.domain);
		add_need_row(out, need->recipe, "STACK", beside.stack);
		add_need_row(out, need->recipe, "TENANT", tenant);
		add_need_row(out, need->recipe, "TENANT_DIR", scratch);
		if (!need->is_given) /* what opens all of a shared one is its tenants' alone */
			add_need_row(out, need->recipe, "SECRET_DIR", secrets);
	}
	return 0;
}

static void add_sandbox(struct environment *out, const struct stages_work *work)
{
	add_row(out, "PATH", SANDBOX_PATH);
	add_row(out, "HOME", "/tmp");
	add_row(out, "CCCI_RUN_DIR", SANDBOX_SCRATCH);
	add_row(out, "CCCI_CONNECT", SANDBOX_CONNECT);
	if (work->settings->probe_ca_file)
		add_row(out, "CCCI_CA_FILE", SANDBOX_CA_FILE);
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

/* Cleaned first: a secret may not hide behind an escape sequence in its middle. */
static void add_clean(struct buf *out, const char *said, size_t length)
{
	AUTO(buf) clean = buf_make(2 * (size_t)OUTPUT_MAX_BYTES);

	script_clean(said, length, &clean);
	(void)log_mask_text(out, buf_text(&clean), clean.length);
}

/* What both kinds have in common; the rest of proc is filled. */
static int run_program(const struct stages_work *work, const struct script_spec *spec,
    struct proc_spec *proc, struct proc_result *ended, struct script_result *out, struct err *err)
{
	AUTO(buf) raw = buf_make(OUTPUT_MAX_BYTES);
	AUTO(buf) said = buf_make(2 * (size_t)OUTPUT_MAX_BYTES);

	proc->label = spec->path;
	proc->log_max_bytes = LOG_MAX_BYTES;
	proc->tail_max_bytes = TAIL_MAX_BYTES;
	proc->out_text = &raw;
	proc->deadline_ns = stages_until(work, SCRIPT_TIMEOUT_MS);
	proc->term_grace_ms = TERM_GRACE_MS;
	proc->drain_ms = DRAIN_MS;
	proc->cancel_fd = work->cancel_fd;
	if (proc_run(proc, ended, err) < 0)
		return -1;
	add_clean(&said, buf_text(&raw), raw.length);
	judge_end(ended, &said, out);
	out->elapsed_ms = ended->elapsed_ms;
	(void)buf_add(&out->evidence, said.data, said.length);
	add_clean(&out->evidence, buf_text(&ended->tail), ended->tail.length);
	return 0;
}

/* --- on the host --- */

/* Of an app whose run has learnt them, and not this one. */
static void mask_secrets(const struct stages_work *work, const char *directory)
{
	AUTO(file_names) files = {0};
	struct err ignored; /* what cannot be read cannot be told either */

	(void)!file_list_names(directory, &files, &ignored);
	for (size_t i = 0; i < files.count; i++) {
		auto_str char *path = xasprintf("%s/%s", directory, files.names[i]);
		AUTO(buf) value = {0};

		if (file_read(path, SUITE_SECRET_MAX_BYTES, &value, &ignored) == 0)
			log_mask_lines(buf_text(&value));
	}
	log_mask_save(work->secrets_fd);
}

static int run_on_host(const struct stages_work *work, const struct script_spec *spec,
    struct script_result *out, struct err *err)
{
	auto_str char *inside = xasprintf("suite/%s", spec->path);
	auto_str char *program = run_path(work->run, inside);
	auto_str char *cwd = run_path(work->run, "suite");
	auto_str char *home = run_path(work->run, "scratch");
	auto_str char *own_secrets = run_path(work->run, RUN_SECRETS_DIR);
	const char *secrets = spec->secrets_dir ? spec->secrets_dir : own_secrets;
	auto_str char *log = run_path(work->run, "log/scripts.log");
	AUTO(environment) environment = {0};
	AUTO(proc_result) ended = {0};
	const char *const argv[] = {program, NULL};

	/* Of a recipe without secrets too: who lists them finds none. */
	if (file_make_dirs(home, 0700, err) < 0 || file_make_dirs(own_secrets, 0700, err) < 0)
		return -1;
	if (spec->secrets_dir)
		mask_secrets(work, spec->secrets_dir);
	add_app(&environment, work, spec);
	add_host(&environment, work, home, secrets);
	if (spec->tenant)
		add_row(&environment, "CCCI_TENANT", spec->tenant);
	if (add_needs(&environment, work, err) < 0)
		return -1;
	struct proc_spec proc = {
	    .argv = argv,
	    .env = (const char *const *)environment.rows,
	    .cwd = cwd,
	    .log_path = log,
	    .watch_fd = -1,
	};
	if (run_program(work, spec, &proc, &ended, out, err) < 0)
		return -1;
	if (ended.end == PROC_NOT_STARTED) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&ended, how);
		return err_set(err, ERR_CONFIG, "the suite's %s: %s", spec->path, how);
	}
	return 0;
}

/* --- in the sandbox --- */

/* bwrap ends as a shell does: 128 and the signal. */
static void name_signal(const struct proc_result *ended, struct script_result *out)
{
	const char *name = ended->code > 128 ? sigabbrev_np(ended->code - 128) : NULL;

	if (ended->end == PROC_EXITED && name && !out->tap.is_tap)
		end_as(out, OUTCOME_FAIL, "killed by SIG%s", name);
}

static int run_in_sandbox(const struct stages_work *work, const struct script_spec *spec,
    struct script_result *out, struct err *err)
{
	auto_str char *tests = run_path(work->run, "tests");
	auto_str char *program = xasprintf(SANDBOX_TESTS "/%s", spec->path);
	const char *const argv[] = {program, NULL};
	const struct sandbox_spec where = {
	    .run_id = work->run->id,
	    .domain = work->run->domain,
	    .connect_to = work->settings->probe_connect,
	    .ca_file = work->settings->probe_ca_file,
	    .tests_dir = tests,
	    .path = environ_path(work->environ),
	    .limits = *spec->sandbox,
	};
	AUTO_PTR(sandbox) sandbox = sandbox_open(&where, err);
	AUTO(environment) environment = {0};
	AUTO(proc_result) ended = {0};

	if (!sandbox)
		return -1;
	add_app(&environment, work, spec);
	add_sandbox(&environment, work);
	struct proc_spec proc = {.env = (const char *const *)environment.rows};
	sandbox_fill(sandbox, argv, &proc);
	if (run_program(work, spec, &proc, &ended, out, err) < 0 ||
	    sandbox_check(sandbox, &ended, err) < 0)
		return -1;
	name_signal(&ended, out);
	if (sandbox_refused(sandbox))
		(void)buf_printf(&out->evidence,
		    "[%u connections to others than the app were closed]\n",
		    sandbox_refused(sandbox));
	return 0;
}

int script_run(const struct stages_work *work, const struct script_spec *spec,
    struct script_result *out, struct err *err)
{
	AUTO(script_result) result = {.evidence = buf_make(2 * (size_t)OUTPUT_MAX_BYTES)};

	if ((spec->sandbox ? run_in_sandbox : run_on_host)(work, spec, &result, err) < 0)
		return -1;
	*out = result;
	result = (struct script_result){0};
	return 0;
}
