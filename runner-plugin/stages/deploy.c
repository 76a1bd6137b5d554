/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/deploy.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "runner-plugin/abra/refusal.h"
#include "runner-plugin/recipe/recipe.h"
#include "runner-plugin/recipe/secrets.h"
#include "runner-plugin/run/journal.h"
#include "runner-plugin/swarm/image.h"

#include <errno.h>
#include <sys/random.h>

#define ENV_FILE_MAX_BYTES (1024 * 1024)
#define ABRA_SHORT_CALL_MS 120000 /* abra app new, secret generate, undeploy, volume rm */
#define WATCH_EVERY_MS 200
#define GONE_WITHIN_MS 90000 /* a program that ignores SIGTERM has 10 s, an engine is busy */
#define GONE_EVERY_MS 250
#define COMMIT_DIGITS 8
#define SECRET_RANDOM_BYTES 16

void deploy_result_release(struct deploy_result *result)
{
	ready_close(result->ready);
	result->ready = NULL;
}

PRINTF_LIKE(3, 4)
static void end_with(struct deploy_result *out, enum deploy_end end, const char *format, ...)
{
	va_list args;

	out->end = end;
	va_start(args, format);
	(void)vsnprintf(out->reason, sizeof(out->reason), format, args);
	va_end(args);
}

PRINTF_LIKE(2, 3)
static void say(const struct deploy *deploy, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (deploy->say)
		deploy->say(deploy->context, line);
}

static void add_phase(
    const struct deploy *deploy, const char *name, const char *suffix, int64_t since_ns)
{
	auto_str char *text = xasprintf("%s%s", name, suffix);

	results_stage_add_phase(deploy->stage, text, (double)clock_elapsed_ms(since_ns) / 1000);
}

static int mark(const struct deploy *deploy, const char *text, struct err *err)
{
	AUTO(journal_entry) entry = {.kind = JOURNAL_MARK, .text = xstrdup(text)};

	return journal_record(deploy->work->control_fd, &entry, err);
}

/* --- abra --- */

static struct abra_target target_of(const struct deploy *deploy)
{
	return (struct abra_target){
	    .recipe = deploy->work->run->params.recipe,
	    .domain = deploy->work->run->domain,
	    .server = deploy->work->settings->abra_server,
	};
}

/* Who was stopped refused nothing. */
static void read_refusal(
    const struct deploy *deploy, const struct proc_result *result, struct refusal *out)
{
	const struct run *run = deploy->work->run;
	const struct refusal_facts facts = {
	    .exit_code = result->end == PROC_EXITED ? result->code : 0,
	    .stack = run->stack,
	    .recipe_dir = run->recipe_dir,
	};

	refusal_read(&facts, buf_text(&result->tail), out);
}

/* A call whose exit status is looked at; what it says goes into err, and into refusal (NULL: not
 * asked) when it is the recipe's fault. */
static int call_abra(const struct deploy *deploy, enum abra_verb verb,
    const struct abra_target *target, struct refusal *refusal, struct err *err)
{
	AUTO(proc_result) result = {0};
	struct abra_watch watch = {
	    .deadline_ns = stages_until(deploy->work, ABRA_SHORT_CALL_MS),
	    .cancel_fd = deploy->work->cancel_fd,
	    .watch_fd = -1,
	};
	char text[ABRA_COMPLAINT_SIZE];

	if (abra_call(deploy->abra, verb, target, &watch, &result, err) < 0)
		return -1;
	if (result.end == PROC_EXITED && result.code == 0)
		return 0;
	if (refusal)
		read_refusal(deploy, &result, refusal);
	abra_complain(verb, &result, text);
	return err_set(err, ERR_PROTOCOL, "%s", text);
}

static char *env_path(const struct deploy *deploy)
{
	return abra_env_path(
	    deploy->abra, deploy->work->settings->abra_server, deploy->work->run->domain);
}

/* Exactly that commit, with the suite's overlays beside it. */
static int check_out(const struct deploy *deploy, const char *commit, struct err *err)
{
	if (recipe_checkout(deploy->work, commit, err) < 0)
		return -1;
	return render_copy_overlays(deploy->work, deploy->suite, err);
}

/* Once in a run: the journal knows of the app before abra does. */
static int make_app(const struct deploy *deploy, const struct rendered *rendered,
    struct refusal *refusal, struct err *err)
{
	const struct run *run = deploy->work->run;
	const struct abra_target target = target_of(deploy);
	auto_str char *path = env_path(deploy);
	int64_t started_ns = clock_now();

	if (file_exists(path))
		return 0;
	AUTO(journal_entry)
	entry = {
	    .kind = JOURNAL_APP,
	    .recipe = xstrdup(run->params.recipe),
	    .domain = xstrdup(run->domain),
	    .stack = xstrdup(run->stack),
	    .server = xstrdup(deploy->work->settings->abra_server),
	    .env = xstrdup(path),
	};
	/* The env file serves every version: the first that is deployed may be an older one. */
	if (check_out(deploy, rendered->env_commit, err) < 0 ||
	    journal_record(deploy->work->control_fd, &entry, err) < 0 ||
	    call_abra(deploy, ABRA_APP_NEW, &target, refusal, err) < 0)
		return -1;
	if (!file_exists(path))
		return err_set(err, ERR_PROTOCOL, "abra app new: it made no %s", path);
	add_phase(deploy, "new", "", started_ns);
	return 0;
}

static int write_env(const struct deploy *deploy, const struct rendered *rendered, struct err *err)
{
	AUTO(buf) text = {0};
	auto_str char *path = env_path(deploy);

	if (file_read(path, ENV_FILE_MAX_BYTES, &text, err) < 0)
		return -1;
	auto_str char *ours = render_env_file(rendered, buf_text(&text), err);
	if (!ours)
		return -1;
	return file_write_atomic(path, 0600, ours, strlen(ours), err);
}

/* --- secrets --- */

/* One that this stack has to make: it is the stack's own, outside the files, and not there. */
static bool is_missing(const struct deploy *deploy, const struct compose_named *secret,
    const struct engine_list *there)
{
	auto_str char *name = NULL;
	auto_str char *version = NULL;

	if (!secret->is_external ||
	    !secrets_split(deploy->work->run->stack, secret->name, &name, &version))
		return false;
	for (size_t i = 0; i < there->count; i++) {
		if (text_is(there->items[i].name, secret->name))
			return false;
	}
	return true;
}

/* Which secrets of a model are still to be made. */
struct missing {
	bool *is_missing; /* as many as the model has */
	size_t count;
};

static void missing_release(struct missing *missing)
{
	free(missing->is_missing);
}
DEFINE_AUTO(missing, missing_release);

static int find_missing(const struct deploy *deploy, const struct compose_model *model,
    struct missing *out, struct err *err)
{
	AUTO(engine_list) there = {0};

	if (model->secret_count &&
	    engine_list(deploy->engine, ENGINE_SECRET, deploy->work->run->stack, &there, err) < 0)
		return -1;
	*out = (struct missing){.is_missing = xcalloc(model->secret_count + 1, sizeof(bool))};
	for (size_t i = 0; i < model->secret_count; i++) {
		out->is_missing[i] = is_missing(deploy, &model->secrets[i], &there);
		out->count += out->is_missing[i] ? 1 : 0;
	}
	return 0;
}

/* Where the suite's executables find it; the caller frees it. */
static char *secret_path(const struct deploy *deploy, const char *key)
{
	auto_str char *name = xasprintf(RUN_SECRETS_DIR "/%s", key);

	return run_path(deploy->work->run, name);
}

static int keep_secret(
    const struct deploy *deploy, const char *key, const void *value, size_t length, struct err *err)
{
	auto_str char *directory = run_path(deploy->work->run, RUN_SECRETS_DIR);
	auto_str char *path = secret_path(deploy, key);

	if (file_make_dirs(directory, 0700, err) < 0)
		return -1;
	return file_write_atomic(path, 0600, value, length, err);
}

/* Letters and digits that no recipe's own quoting trips over. */
static int make_value(struct buf *out, struct err *err)
{
	unsigned char bytes[SECRET_RANDOM_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(err, errno, "make a secret: getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)buf_printf(out, "%02x", bytes[i]);
	return 0;
}

/* As the suite says it, into its file and behind the mask, before anybody else hears of it. */
static int give_secret(
    const struct deploy *deploy, const struct suite_secret *given, struct err *err)
{
	auto_str char *suite = run_path(deploy->work->run, "suite");
	auto_str char *path = secret_path(deploy, given->name);
	AUTO(buf) value = buf_make(SUITE_SECRET_MAX_BYTES);
	bool is_random = !given->value && !given->file;

	if (is_random && file_exists(path))
		return 0; /* another version of the recipe takes what the first one got */
	if (is_random ? make_value(&value, err) < 0
		      : suite_read_secret(suite, given, &value, err) < 0)
		return -1;
	log_mask_lines(buf_text(&value));
	log_mask_save(deploy->work->secrets_fd);
	return keep_secret(deploy, given->name, value.data, value.length, err);
}

static int insert_secret(const struct deploy *deploy, const struct compose_named *secret,
    const struct suite_secret *given, struct refusal *refusal, struct err *err)
{
	struct abra_target target = target_of(deploy);
	auto_str char *path = secret_path(deploy, given->name);
	auto_str char *text = xasprintf("secret insert %s", given->name);
	auto_str char *name = NULL;
	auto_str char *version = NULL;

	if (!secrets_split(deploy->work->run->stack, secret->name, &name, &version))
		return 0; /* it is none that is missing */
	if (give_secret(deploy, given, err) < 0 || mark(deploy, text, err) < 0)
		return -1;
	say(deploy, "abra app secret insert %s", given->name);
	target.secret = name;
	target.version = version;
	target.file = path;
	return call_abra(deploy, ABRA_SECRET_INSERT, &target, refusal, err);
}

/* Those of which the suite says something; they are missing no more. */
static int insert_given(const struct deploy *deploy, const struct compose_model *model,
    struct missing *missing, struct refusal *refusal, struct err *err)
{
	for (size_t i = 0; i < model->secret_count; i++) {
		const struct suite_secret *given =
		    suite_find_secret(deploy->suite, model->secrets[i].key);

		if (!missing->is_missing[i] || !given)
			continue;
		if (insert_secret(deploy, &model->secrets[i], given, refusal, err) < 0)
			return -1;
		missing->is_missing[i] = false;
		missing->count--;
	}
	return 0;
}

/* What abra prints beside the values, so that it is not taken for one. */
static const char **plain_words(const struct compose_model *model)
{
	const char **words = xcalloc(2 * model->secret_count + 1, sizeof(char *));

	for (size_t i = 0; i < model->secret_count; i++) {
		words[2 * i] = model->secrets[i].key;
		words[2 * i + 1] = model->secrets[i].name;
	}
	return words;
}

/* For the suite's executables: what abra printed that it made. */
static int keep_generated(const struct deploy *deploy, const struct compose_model *model,
    const char *said, const char *const *words, struct err *err)
{
	for (size_t i = 0; i < model->secret_count; i++) {
		const char *key = model->secrets[i].key;
		auto_str char *value = abra_find_generated(said, key, words);

		if (value && keep_secret(deploy, key, value, strlen(value), err) < 0)
			return -1;
	}
	return 0;
}

static int generate_all(const struct deploy *deploy, const struct compose_model *model,
    struct refusal *refusal, struct err *err)
{
	struct abra_target target = target_of(deploy);
	AUTO(buf) said = {0};

	say(deploy, "abra app secret generate");
	if (mark(deploy, "secret generate", err) < 0)
		return -1;
	const char **words = plain_words(model);
	target.plain_words = words;
	target.said = &said;
	int result = call_abra(deploy, ABRA_SECRET_GENERATE, &target, refusal, err);
	log_mask_save(deploy->work->secrets_fd);
	if (result == 0)
		result = keep_generated(deploy, model, buf_text(&said), words, err);
	free(words);
	return result;
}

/* abra passes over those that say generate=false: they are whoever tests the recipe's to give. */
static int check_made(
    const struct deploy *deploy, const struct compose_model *model, struct err *err)
{
	AUTO(missing) missing = {0};

	if (find_missing(deploy, model, &missing, err) < 0)
		return -1;
	for (size_t i = 0; i < model->secret_count; i++) {
		const char *key = model->secrets[i].key;

		if (missing.is_missing[i])
			return err_set(err, ERR_CONFIG,
			    "abra makes no secret %.60s (generate=false in .env.sample): say in "
			    "the "
			    "suite secrets: {%.60s: generate}, or give a value or a file",
			    key, key);
	}
	return 0;
}

/* Only what this version has and none before it had: nothing is made twice. */
static int make_secrets(const struct deploy *deploy, const struct rendered *rendered,
    struct refusal *refusal, struct err *err)
{
	const struct compose_model *model = &rendered->model;
	int64_t started_ns = clock_now();
	AUTO(missing) missing = {0};

	if (find_missing(deploy, model, &missing, err) < 0)
		return -1;
	if (!missing.count)
		return 0;
	int result = insert_given(deploy, model, &missing, refusal, err);
	if (result == 0 && missing.count)
		result = generate_all(deploy, model, refusal, err) < 0
			     ? -1
			     : check_made(deploy, model, err);
	add_phase(deploy, "secrets", "", started_ns);
	return result < 0 ? -1 : check_out(deploy, rendered->commit, err);
}

/* --- what is there --- */

/* As two spellings of one image are the same to the engine. */
static char *plain_image(const char *name)
{
	auto_str char *bare = xstrndup(name, strcspn(name, "@"));
	const char *at = bare;

	if (text_starts(at, "docker.io/"))
		at += strlen("docker.io/");
	if (text_starts(at, "library/"))
		at += strlen("library/");
	return image_full_name(at);
}

static bool is_same_image(const char *wanted, const char *deployed)
{
	auto_str char *left = plain_image(wanted);
	auto_str char *right = plain_image(deployed);
	const char *asked = strchr(wanted, '@');
	const char *given = strchr(deployed, '@');

	/* A digest that nobody asked for is the one that the tag had at the deploy. */
	return text_is(left, right) && (!asked || !given || text_is(asked, given));
}

static bool is_commit(const char *label, const char *commit, bool may_be_dirty)
{
	if (!commit || !*commit || strncmp(label, commit, COMMIT_DIGITS) != 0)
		return false;
	return !label[COMMIT_DIGITS] || (may_be_dirty && text_is(label + COMMIT_DIGITS, "+U"));
}

static char *commit_mismatch(const struct deploy_claim *claim, const struct view *view)
{
	const struct view_service *app = view_find(view, "app");

	if (!app)
		return claim->is_whole ? xstrdup("service app is not there") : NULL;
	if (is_commit(app->chaos_version, claim->commit, claim->has_overlays) ||
	    (!claim->is_whole && is_commit(app->chaos_version, claim->earlier, true)))
		return NULL;
	if (!*app->chaos_version)
		return xstrdup("service app does not say of which commit it is");
	return xasprintf(
	    "it deployed another commit: %.40s instead of %.8s", app->chaos_version, claim->commit);
}

char *deploy_mismatch(const struct deploy_claim *claim, const struct view *view)
{
	auto_str char *commit = commit_mismatch(claim, view);

	if (commit || !claim->is_whole)
		return take_ptr(commit);
	for (size_t i = 0; i < claim->model->service_count; i++) {
		const struct compose_service *wanted = &claim->model->services[i];
		const struct view_service *there = view_find(view, wanted->name);

		if (!there)
			return xasprintf("service %.60s is not there", wanted->name);
		if (wanted->image && !is_same_image(wanted->image, there->image))
			return xasprintf("service %.60s has image %.100s instead of %.100s",
			    wanted->name, there->image, wanted->image);
	}
	return NULL;
}

/* --- the deployment --- */

static void take_verdict(struct deploy_result *out, const struct converge_verdict *verdict)
{
	memcpy(out->service, verdict->service, sizeof(out->service));
	memcpy(out->task, verdict->task, sizeof(out->task));
	memcpy(out->container, verdict->container, sizeof(out->container));
}

static void judge_ready(
    const struct deploy *deploy, const struct ready_result *ready, struct deploy_result *out)
{
	char within[CLOCK_DURATION_SIZE];
	enum deploy_end not_up = ready->verdict.is_ours ? DEPLOY_BROKE : DEPLOY_FAILED;

	take_verdict(out, &ready->verdict);
	clock_format_duration(out->within_ms, within);
	switch (ready->end) {
	case READY_UP:
		out->end = DEPLOY_UP;
		return;
	case READY_RED:
		end_with(out, not_up, "%s", ready->reason);
		return;
	case READY_TIMED_OUT:
		end_with(
		    out, not_up, "not ready within %s; it waits for %s", within, ready->reason);
		return;
	case READY_NO_PROXY:
		end_with(out, DEPLOY_BROKE, "the proxy at %s does not answer: %s",
		    deploy->work->settings->probe_connect, ready->reason);
		return;
	case READY_OUT_OF_REACH:
		end_with(out, DEPLOY_BROKE, "%s", ready->reason);
		return;
	case READY_CANCELLED:
		end_with(out, DEPLOY_CANCELLED, "cancelled");
		return;
	}
}

/*
 * What abra left, whatever it said of it. True: go on and wait for it to be ready. One that is red
 * already need not be whole: abra was stopped in the middle, or Swarm has put back the old version,
 * label and all.
 */
static bool judge_abra(const struct deploy *deploy, const struct rendered *rendered,
    const struct proc_result *result, struct deploy_result *out)
{
	struct deploy_claim claim = {
	    .model = &rendered->model,
	    .commit = rendered->commit,
	    .has_overlays = deploy->suite->compose_count > 0,
	};
	bool is_fine = result->end == PROC_EXITED && result->code == 0;
	struct refusal refusal;
	struct err err;
	char text[ABRA_COMPLAINT_SIZE];

	abra_complain(ABRA_APP_DEPLOY, result, text);
	/* First: of what was refused nothing need be missing, and what is there is the old one. */
	read_refusal(deploy, result, &refusal);
	if (refusal.is_recipes) {
		end_with(out, DEPLOY_FAILED, "%s", refusal.text);
		return false;
	}
	if (ready_look(out->ready, &err) < 0) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return false;
	}
	claim.is_whole = !ready_is_red(out->ready);
	claim.earlier = out->earlier;
	auto_str char *mismatch = deploy_mismatch(&claim, ready_view(out->ready));
	if (!mismatch)
		return true;
	if (is_fine)
		end_with(out, DEPLOY_BROKE, "abra app deploy ended with 0, but %s", mismatch);
	else
		end_with(out, DEPLOY_BROKE, "%s", text);
	return false;
}

static void on_ready_line(void *context, const char *line)
{
	say(context, "%s", line);
}

static struct ready *open_ready(const struct deploy *deploy, int64_t deadline_ns, struct err *err)
{
	const struct settings *settings = deploy->work->settings;
	struct ready_spec spec = {
	    .engine = deploy->engine,
	    .stack = deploy->work->run->stack,
	    .rules =
		{
		    .crash_failures = settings->crash_loop_failures,
		    .crash_within_ms = settings->crash_loop_within_ms,
		    .deadline_ns = deadline_ns,
		},
	    .probes = deploy->suite->ready,
	    .probe_count = deploy->suite->ready_count,
	    .target =
		{
		    .domain = deploy->work->run->domain,
		    .connect_to = settings->probe_connect,
		    .ca_file = settings->probe_ca_file,
		},
	    .cancel_fd = deploy->work->cancel_fd,
	    .say = on_ready_line,
	    .context = (void *)(uintptr_t)deploy,
	};

	return ready_open(&spec, err);
}

/* Until abra has ended, by itself or because it is red already. -1: out is filled. */
static int let_abra_deploy(const struct deploy *deploy, int64_t deadline_ns,
    struct proc_result *result, struct deploy_result *out)
{
	const struct abra_target target = target_of(deploy);
	struct err err;

	struct abra_watch watch = {
	    .deadline_ns = deadline_ns,
	    .cancel_fd = deploy->work->cancel_fd,
	    .watch = ready_watch,
	    .context = out->ready,
	    .watch_fd = -1,
	    .watch_every_ms = WATCH_EVERY_MS,
	};
	if (abra_call(deploy->abra, ABRA_APP_DEPLOY, &target, &watch, result, &err) < 0) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return -1;
	}
	if (result->end == PROC_NOT_STARTED) {
		char text[ABRA_COMPLAINT_SIZE];

		abra_complain(ABRA_APP_DEPLOY, result, text);
		end_with(out, DEPLOY_BROKE, "%s", text);
		return -1;
	}
	return 0;
}

static int prepare_deploy(const struct deploy *deploy, const struct rendered *rendered,
    struct refusal *refusal, struct err *err)
{
	char head[PARAMS_REF_SIZE];

	if (make_app(deploy, rendered, refusal, err) < 0 ||
	    check_out(deploy, rendered->commit, err) < 0 || write_env(deploy, rendered, err) < 0 ||
	    make_secrets(deploy, rendered, refusal, err) < 0)
		return -1;
	/* Again, right before abra reads it: any call of abra may have moved it. */
	if (check_out(deploy, rendered->commit, err) < 0 ||
	    recipe_head(deploy->work, head, err) < 0)
		return -1;
	if (!text_is(head, rendered->commit))
		return err_set(err, ERR_PROTOCOL, "the checkout is at %.8s instead of %.8s", head,
		    rendered->commit);
	auto_str char *text = xasprintf("deploy %s", rendered->commit);
	return mark(deploy, text, err);
}

/* As much as the suite or the setting gives, and there is left of the stage and the run. */
static int64_t time_for(const struct deploy *deploy)
{
	int64_t timeout_ms = render_timeout_ms(deploy->work, deploy->suite);
	int64_t left_ms = (deploy->work->deadline_ns - clock_now()) / NS_PER_MS;

	return left_ms < timeout_ms ? left_ms : timeout_ms;
}

static int64_t deadline_in(int64_t within_ms)
{
	return clock_now() + within_ms * NS_PER_MS;
}

/* Until it is ready, or surely will not be; fills in how it ended. */
static void wait_ready(const struct deploy *deploy, const char *phase, struct deploy_result *out)
{
	auto_str char *converge = xasprintf("converge%s", phase);
	auto_str char *probe = xasprintf("probe%s", phase);
	struct ready_result ready;
	struct err err;

	if (ready_wait(out->ready, &ready, &err) < 0) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return;
	}
	results_stage_add_phase(deploy->stage, converge, ready.converge_s);
	if (ready.end == READY_UP)
		results_stage_add_phase(deploy->stage, probe, ready.probe_s);
	judge_ready(deploy, &ready, out);
}

void deploy_run(const struct deploy *deploy, const struct rendered *rendered, const char *phase,
    struct deploy_result *out)
{
	AUTO(proc_result) result = {0};
	struct refusal refusal = {0};
	struct err err;

	*out = (struct deploy_result){.end = DEPLOY_BROKE};
	if (prepare_deploy(deploy, rendered, &refusal, &err) < 0) {
		if (refusal.is_recipes)
			end_with(out, DEPLOY_FAILED, "%s", refusal.text);
		else
			end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return;
	}
	int64_t started_ns = clock_now();
	out->within_ms = time_for(deploy);
	int64_t deadline_ns = deadline_in(out->within_ms);
	out->ready = open_ready(deploy, deadline_ns, &err);
	if (!out->ready) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return;
	}
	const struct view_service *old = view_find(ready_view(out->ready), "app");
	if (old)
		(void)copy_text(out->earlier, sizeof(out->earlier), old->chaos_version);
	say(deploy, "abra app deploy %.8s", rendered->commit);
	int called = let_abra_deploy(deploy, deadline_ns, &result, out);
	add_phase(deploy, "deploy", phase, started_ns);
	if (called < 0 || !judge_abra(deploy, rendered, &result, out))
		return;
	wait_ready(deploy, phase, out);
	const struct view_service *app = view_find(ready_view(out->ready), "app");
	if (app)
		(void)copy_text(out->version, sizeof(out->version), app->version);
}

int deploy_find(
    const struct deploy *deploy, const struct rendered *rendered, bool *out_is_up, struct err *err)
{
	const struct deploy_claim claim = {
	    .model = &rendered->model,
	    .commit = rendered->commit,
	    .has_overlays = deploy->suite->compose_count > 0,
	    .is_whole = true,
	};
	AUTO_PTR(ready) ready = open_ready(deploy, deadline_in(time_for(deploy)), err);

	if (!ready)
		return -1;
	auto_str char *mismatch = deploy_mismatch(&claim, ready_view(ready));
	*out_is_up = !mismatch && view_is_running(ready_view(ready));
	return 0;
}

void deploy_settle(const struct deploy *deploy, struct deploy_result *out)
{
	struct err err;

	*out = (struct deploy_result){.end = DEPLOY_BROKE, .within_ms = time_for(deploy)};
	out->ready = open_ready(deploy, deadline_in(out->within_ms), &err);
	if (out->ready)
		wait_ready(deploy, "", out);
	else
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
}

/* --- anew --- */

/* -1: out is filled. */
static int force_all(const struct deploy *deploy, struct deploy_result *out)
{
	const struct view *view = ready_view(out->ready);
	size_t forced = 0;
	struct err err;

	for (size_t i = 0; i < view->service_count; i++) {
		if (view->services[i].is_job)
			continue;
		if (engine_force_update(deploy->engine, view->services[i].id, &err) < 0) {
			end_with(out, DEPLOY_BROKE, "service %.60s anew: %s",
			    view->services[i].name, err.msg);
			return -1;
		}
		forced++;
	}
	if (forced)
		return 0;
	end_with(out, DEPLOY_BROKE, "there is no service to make anew");
	return -1;
}

void deploy_recreate(const struct deploy *deploy, struct deploy_result *out)
{
	int64_t started_ns = clock_now();
	struct err err;

	*out = (struct deploy_result){.end = DEPLOY_BROKE, .within_ms = time_for(deploy)};
	int64_t deadline_ns = deadline_in(out->within_ms);
	out->ready = open_ready(deploy, deadline_ns, &err);
	if (!out->ready) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return;
	}
	if (mark(deploy, "recreate", &err) < 0) {
		end_with(out, DEPLOY_BROKE, "%s", err.msg);
		return;
	}
	say(deploy, "every service anew");
	if (force_all(deploy, out) < 0)
		return;
	add_phase(deploy, "anew", "", started_ns);
	wait_ready(deploy, "", out);
}

void deploy_confirm(const struct deploy *deploy, struct deploy_result *result)
{
	struct ready_result ready;
	struct err err;

	if (ready_confirm(result->ready, &ready, &err) < 0)
		end_with(result, DEPLOY_BROKE, "%s", err.msg);
	else
		judge_ready(deploy, &ready, result);
}

/* --- and down again --- */

/*
 * Removes what is there of these, and counts it. That the head ends in peace proves nothing, and
 * its data goes anyway: waiting for Swarm to stop a container takes up to 3.5 s, and 2.5 s more
 * until it has removed it and lets go of its volumes (measured, 20.10). Nobody else removes the
 * containers of a job whose service is gone.
 */
static int remove_left(const struct deploy *deploy, const enum engine_kind *kinds, size_t count,
    size_t *out_left, struct err *err)
{
	const char *stack = deploy->work->run->stack;

	*out_left = 0;
	for (size_t k = 0; k < count; k++) {
		AUTO(engine_list) list = {0};

		if (engine_list(deploy->engine, kinds[k], stack, &list, err) < 0)
			return -1;
		*out_left += list.count;
		for (size_t i = 0; i < list.count; i++) {
			struct err ignored; /* the next look tells whether it went */

			(void)!engine_remove(deploy->engine, kinds[k], list.items[i].id, &ignored);
		}
	}
	return 0;
}

/* Until none of these is left. */
static int wait_gone(
    const struct deploy *deploy, const enum engine_kind *kinds, size_t count, struct err *err)
{
	const char *stack = deploy->work->run->stack;
	struct pollfd cancel = {.fd = deploy->work->cancel_fd, .events = POLLIN};
	AUTO_PTR(engine_watch) watch = engine_watch_open(deploy->engine, stack);
	int64_t started_ns = clock_now();

	for (;;) {
		bool has_changed = false;
		size_t left = 0;

		if (remove_left(deploy, kinds, count, &left, err) < 0)
			return -1;
		if (!left)
			return 0;
		if (clock_elapsed_ms(started_ns) > GONE_WITHIN_MS)
			return err_set(err, ERR_TIMEOUT, "%zu %ss of %s are still there after %d s",
			    left, engine_kind_word(kinds[0]), stack, GONE_WITHIN_MS / 1000);
		if (engine_watch_wait(watch, &cancel, 1, GONE_EVERY_MS, &has_changed, err) < 0)
			return -1;
		if (cancel.revents)
			return err_set(err, ERR_TIMEOUT, "cancelled");
	}
}

int deploy_reset(const struct deploy *deploy, struct err *err)
{
	/* Not the tasks: the record of one may stand for 4 s after its container went, and who
	 * waits for what it holds is waited for by the next deployment. */
	static const enum engine_kind running[] = {
	    ENGINE_SERVICE, ENGINE_CONTAINER, ENGINE_NETWORK};
	static const enum engine_kind volumes[] = {ENGINE_VOLUME};
	const struct abra_target target = target_of(deploy);
	auto_str char *path = env_path(deploy);
	int64_t started_ns = clock_now();
	struct err why = {0};

	if (!file_exists(path))
		return 0; /* upgrade is the only stage of this run: nothing is there yet */
	if (mark(deploy, "undeploy", err) < 0)
		return -1;
	say(deploy, "abra app undeploy, for a fresh start");
	/* Neither call is believed, so neither failure counts: what is left does. */
	if (call_abra(deploy, ABRA_APP_UNDEPLOY, &target, NULL, &why) < 0)
		say(deploy, "%s", why.msg);
	if (wait_gone(deploy, running, COUNT_OF(running), err) < 0)
		return err_prefix(err, "take the head down");
	int removed = call_abra(deploy, ABRA_VOLUME_REMOVE, &target, NULL, &why);
	if (wait_gone(deploy, volumes, COUNT_OF(volumes), err) < 0)
		return err_prefix(err, "remove the head's volumes");
	if (removed < 0)
		say(deploy, "volumes removed through the engine (%s)", why.msg);
	add_phase(deploy, "reset", "", started_ns);
	return 0;
}
