/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/front.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/table.h"
#include "runner-plugin/recipe/env_file.h"
#include "runner-plugin/recipe/suite.h"
#include "runner-plugin/run/birth.h"
#include "runner-plugin/run/borrow.h"
#include "runner-plugin/run/channel.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/reap.h"
#include "runner-plugin/run/record.h"
#include "runner-plugin/run/waiter.h"
#include "runner-plugin/stages/stages.h"

#include <errno.h>
#include <limits.h>

/* A teardown that waits for abra and the engine as long as it may. */
#define KEEPER_PATIENCE_S 180
#define SAMPLE_MAX_BYTES (512 * 1024) /* of a .env.sample */

PRINTF_LIKE(1, 2)
static void print_error(const char *format, ...)
{
	char text[2048];
	AUTO(buf) line = buf_make(4 * sizeof(text));
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)buf_add_text(&line, "ccci-run: ");
	table_add_text(&line, text, "  ");
	(void)buf_add_char(&line, '\n');
	if (write(STDERR_FILENO, buf_text(&line), line.length) < 0)
		return; /* nobody reads any more */
}

static void say(void *context, const char *text)
{
	(void)context;
	print_error("%s", text);
}

static enum exit_code fail(const struct err *err)
{
	print_error("%s", err->msg);
	return exit_of_err(err);
}

/* --- a keeper that is gone --- */

/*
 * The run is over, one way or the other, when this returns 0: its results are written.
 * *out_by_keeper: by its own keeper.
 */
static int take_over(
    const struct front *front, const struct run *run, bool *out_by_keeper, struct err *err)
{
	auto_str char *results = run_path(run, RECORD_RESULTS_FILE);
	auto_fd int lease_fd =
	    lease_wait(run->dir, clock_now() + KEEPER_PATIENCE_S * NS_PER_S, err);

	if (lease_fd < 0)
		return err_prefix(err, "take over from the keeper");
	*out_by_keeper = file_exists(results);
	if (*out_by_keeper)
		return 0;
	print_error("the run's keeper died: taking down in its place");
	struct teardown teardown = {.settings = front->settings,
	    .run = run,
	    .environ = front->environ,
	    .was_cut = true,
	    .say = say};
	const struct record_end end = {RUN_BROKE, "the run's keeper died"};
	AUTO(teardown_result) result = {0};
	lease_sign(lease_fd);
	teardown_run(&teardown, &result);
	for (size_t i = 0; i < result.left.count; i++)
		print_error("left behind: %s", result.left.items[i]);
	return record_write(run, &end, &result, NULL, err);
}

/* --- the words of .drone.yml and .woodpecker.yml --- */

/* The build this step belongs to. */
static int read_step(
    const struct front *front, const char *word, struct run_step *out, struct err *err)
{
	struct run_step step;

	if (run_step_read(front->environ, &step, err) < 0)
		return -1;
	if (!step.build)
		return err_set(err, ERR_CONFIG,
		    "%s belongs in a step of Drone (DRONE_BUILD_NUMBER is not set) or of "
		    "Woodpecker; without either: ccci-run run",
		    word);
	*out = step;
	return 0;
}

/* What prepare has to know of the suite before there is a slot. Its mistakes are prepare's to say.
 */
static int64_t find_weight(const struct front *front, const char *checkout, const char *recipe)
{
	auto_str char *directory = suite_directory(front->settings->suites, checkout, recipe);
	AUTO(suite) suite = {0};
	struct err ignored;

	return directory && suite_read(directory, &suite, &ignored) == 0 ? suite.weight : 1;
}

static char *current_directory(void)
{
	char path[PATH_MAX];

	return getcwd(path, sizeof(path)) ? xstrdup(path) : NULL;
}

/* A run that is over: said, and no failure of this step's. */
static enum exit_code say_not_run(const struct run *run)
{
	AUTO(results) results = {0};
	struct err err;

	if (record_read(run, &results, &err) < 0)
		return fail(&err);
	print_error("not run: %s", results.reason[0] ? results.reason : "the run has ended");
	return EXIT_PASSED;
}

/*
 * After a request that got no answer, or found nobody to ask. A keeper that died is replaced, and
 * that is our failure; one that had ended the run just before is not.
 */
static enum exit_code do_without_keeper(const struct front *front, const struct run *run)
{
	bool by_keeper = false;
	struct err err;

	if (take_over(front, run, &by_keeper, &err) < 0)
		return fail(&err);
	return by_keeper ? say_not_run(run) : EXIT_OURS;
}

/* What many share is asked for once it is known what; -1: the run's keeper is gone. */
static int prepare_run(const struct front *front, struct waiter *waiter, int fd,
    const struct run *run, const char *checkout, enum exit_code *out_code, struct err *err)
{
	const struct borrow borrow = {front->settings, front->environ, checkout};
	int64_t weight = find_weight(front, checkout, run->params.recipe);

	if (waiter_prepare(waiter, fd, weight, out_code, err) < 0)
		return -1;
	return *out_code ? 0 : borrow_needs(&borrow, waiter, fd, run, err);
}

enum exit_code front_prepare(const struct front *front)
{
	struct params params;
	struct run_step step;
	AUTO(waiter) waiter = WAITER_CLOSED;
	AUTO(run) run = {0};
	struct err err;
	enum exit_code code = EXIT_OURS;

	if (read_step(front, "prepare", &step, &err) < 0 ||
	    params_read(front->environ, front->settings->recipe_org, &params, &err) < 0)
		return fail(&err);
	auto_str char *checkout = current_directory();
	if (!checkout) {
		print_error("the working directory is gone");
		return EXIT_OURS;
	}
	const struct birth birth = {.settings = front->settings,
	    .environ = front->environ,
	    .params = &params,
	    .step = &step,
	    .checkout = checkout,
	    .keep_ms = params.keep_min * 60 * 1000};
	if (waiter_open(true, say, &waiter, &err) < 0)
		return fail(&err);
	auto_fd int fd = birth_give(&birth, &run, &err);
	if (fd < 0)
		return fail(&err);
	reap_beside(front->settings, front->environ);
	print_error("run %s, %s", run.id, run.domain);
	if (prepare_run(front, &waiter, fd, &run, checkout, &code, &err) < 0)
		return do_without_keeper(front, &run) == EXIT_PASSED ? EXIT_CANCELLED : EXIT_OURS;
	return code;
}

/* The run of this step's build. ERR_MISSING: prepare made none. */
static int find_run(const struct front *front, const char *word, struct run *out, struct err *err)
{
	struct run_step step;

	if (read_step(front, word, &step, err) < 0)
		return -1;
	return run_find(front->settings, &step, out, err);
}

enum exit_code front_stage(const struct front *front, enum stage stage)
{
	AUTO(waiter) waiter = WAITER_CLOSED;
	AUTO(run) run = {0};
	struct err err;
	enum exit_code code = EXIT_OURS;

	if (find_run(front, stage_word(stage), &run, &err) < 0) {
		if (err.code != ERR_MISSING)
			return fail(&err);
		print_error("not run: %s", err.msg);
		return EXIT_PASSED;
	}
	if (waiter_open(true, say, &waiter, &err) < 0)
		return fail(&err);
	auto_fd int fd = channel_connect(run.dir, &err);
	if (fd < 0)
		return err.code == ERR_MISSING ? do_without_keeper(front, &run) : fail(&err);
	if (waiter_stage(&waiter, fd, stage, &code, &err) < 0)
		return do_without_keeper(front, &run);
	return code;
}

/* Ends the run, if it has not ended. 0: it is over and its results are written. */
static int ask_end(
    const struct front *front, const struct run *run, bool is_in_step, struct err *err)
{
	/* A person's teardown also ends what is kept for a look; a step's has the verdict then. */
	AUTO(waiter) waiter = WAITER_CLOSED;
	struct err gone;
	enum exit_code ignored = EXIT_OURS;
	bool by_keeper = false;

	if (waiter_open(is_in_step, say, &waiter, err) < 0)
		return -1;
	auto_fd int fd = channel_connect(run->dir, &gone);
	if (fd >= 0 && waiter_teardown(&waiter, fd, !is_in_step, &ignored, &gone) == 0)
		return 0;
	return take_over(front, run, &by_keeper, err);
}

/* What an ended run left is tried again: its keeper may have met an engine that was down. */
static enum exit_code tear_down_again(const struct front *front, const struct run *run)
{
	const struct reap reap = {
	    .settings = front->settings, .environ = front->environ, .only_id = run->id, .say = say};
	AUTO(reap_summary) summary = {0};

	reap_all(&reap, &summary);
	for (size_t i = 0; i < summary.left.count; i++)
		print_error("left behind: %s", summary.left.items[i]);
	return summary.left.count ? EXIT_LEFT : EXIT_PASSED;
}

enum exit_code front_teardown(const struct front *front, const char *run_id)
{
	AUTO(run) run = {0};
	struct err err;

	int found = run_id ? run_open(front->settings, run_id, &run, &err)
			   : find_run(front, "teardown", &run, &err);
	if (found < 0 && err.code == ERR_MISSING && !run_id) {
		print_error("nothing to take down: %s", err.msg);
		return EXIT_PASSED;
	}
	if (found < 0 || ask_end(front, &run, !run_id, &err) < 0)
		return fail(&err);
	return tear_down_again(front, &run);
}

/* --- report --- */

/* Behind the results, which say that it follows. */
static void add_picture(const struct run *run, struct buf *out)
{
	AUTO(handover_picture) picture = {0};
	struct err ignored;

	if (handover_load_picture(run, &picture, &ignored) < 0 || picture.why_not)
		return;
	(void)buf_add_text(out, RESULTS_PICTURE_BEGIN "\n");
	(void)buf_add_base64(out, buf_text(&picture.bytes), picture.bytes.length);
	(void)buf_add_text(out, "\n" RESULTS_PICTURE_END "\n");
}

/* run: whose they are; NULL: there was none. */
static enum exit_code print_results(const struct run *run, const struct results *results)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);
	auto_str char *line = results_encode(results);

	table_print(results, 0, &out);
	(void)buf_printf(&out, "%s\n%s\n%s\n", RESULTS_BEGIN, line, RESULTS_END);
	if (run)
		add_picture(run, &out);
	if (fwrite(buf_text(&out), 1, out.length, stdout) != out.length || fflush(stdout) != 0) {
		print_error("write the results: %s", strerror(errno));
		return EXIT_OURS;
	}
	return exit_of_verdict(results->verdict, results->is_clean);
}

enum exit_code front_report_nothing(
    const char *const *environ, const char *default_org, const char *reason)
{
	AUTO(results) results;

	record_nothing(environ, default_org, reason, &results);
	(void)print_results(NULL, &results);
	return EXIT_OURS;
}

static enum exit_code report_why_not(const struct front *front, const struct err *why)
{
	return front_report_nothing(front->environ, front->settings->recipe_org, why->msg);
}

/* prepare made no run. Why, it said in its own step; most often the same is wrong now. */
static enum exit_code report_without_run(const struct front *front, const struct err *missing)
{
	struct params params;
	struct err err;
	bool is_known =
	    params_read(front->environ, front->settings->recipe_org, &params, &err) == 0;

	return report_why_not(front, is_known ? missing : &err);
}

enum exit_code front_report(const struct front *front)
{
	AUTO(run) run = {0};
	AUTO(results) results = {0};
	struct err err;

	if (find_run(front, "report", &run, &err) < 0) {
		print_error("%s", err.msg);
		return err.code == ERR_CONFIG ? EXIT_USAGE : report_without_run(front, &err);
	}
	if (ask_end(front, &run, true, &err) < 0 || record_read(&run, &results, &err) < 0) {
		print_error("%s", err.msg);
		return report_why_not(front, &err);
	}
	return print_results(&run, &results);
}

/* --- without a CI server --- */

static bool is_directory_target(const char *target)
{
	auto_str char *compose = xasprintf("%s/compose.yml", target);

	return strchr(target, '/') || text_is(target, ".") || text_is(target, "..") ||
	       file_exists(compose);
}

/* TYPE of its .env.sample, without a version; the caller frees it. NULL: it says none. */
static char *read_type(const char *directory)
{
	auto_str char *path = xasprintf("%s/.env.sample", directory);
	AUTO(buf) text = {0};
	AUTO(env) env = {0};
	struct err ignored; /* prepare says what is wrong with it */

	if (file_read(path, SAMPLE_MAX_BYTES, &text, &ignored) < 0 ||
	    env_file_parse(path, buf_text(&text), text.length, &env, &ignored) < 0)
		return NULL;
	const char *type = env_get(&env, "TYPE");
	return type ? xstrndup(type, strcspn(type, ":")) : NULL;
}

/* The recipe's name is its directory's; of one that lies within another repository, what it calls
 * itself. */
static int read_directory(
    const char *target, char **out_directory, char **out_recipe, struct err *err)
{
	auto_str char *directory = realpath(target, NULL);

	if (!directory)
		return err_set(err, ERR_CONFIG, "recipe %s: %s", target, strerror(errno));
	auto_str char *git_dir = xasprintf("%s/.git", directory);
	char *name = file_exists(git_dir) ? NULL : read_type(directory);
	if (!name)
		name = xstrdup(strrchr(directory, '/') + 1);
	if (!params_is_recipe(name)) {
		free(name);
		return err_set(err, ERR_CONFIG,
		    "recipe %s: its directory's name is no recipe's (a-z 0-9 -)", directory);
	}
	*out_directory = take_ptr(directory);
	*out_recipe = name;
	return 0;
}

#define PARAM_ROWS 7

static void add_param(
    char *rows[PARAM_ROWS + 1], size_t *count, const char *name, const char *value)
{
	if (value)
		rows[(*count)++] = xasprintf("%s=%s", name, value);
}

/* What is to be tested; *out_directory is NULL when it has to be fetched. */
static int read_local(const struct front *front, const struct front_local *local,
    struct params *out, char **out_directory, struct err *err)
{
	char *rows[PARAM_ROWS + 1] = {NULL};
	size_t count = 0;
	auto_str char *directory = NULL;
	auto_str char *recipe = NULL;
	const char *org = front->settings->recipe_org;

	if (is_directory_target(local->target)) {
		if (read_directory(local->target, &directory, &recipe, err) < 0)
			return -1;
		if (local->src || local->pr || local->ref)
			return err_set(err, ERR_CONFIG,
			    "--src, --pr and --ref are for a recipe that is fetched, not for %s",
			    directory);
		org = "local"; /* nothing is fetched from it */
	}
	add_param(rows, &count, "RECIPE", recipe ? recipe : local->target);
	add_param(rows, &count, "SRC", local->src);
	add_param(rows, &count, "PR", local->pr);
	add_param(rows, &count, "REF", local->ref);
	add_param(rows, &count, "STAGES", local->stages);
	add_param(rows, &count, "FROM", local->from);
	add_param(rows, &count, "EXTRA_TESTS", local->has_extra ? "1" : NULL);
	union {
		char *const *from;
		const char *const *to;
	} list = {.from = rows};
	int result = params_read(list.to, org, out, err);
	for (size_t i = 0; i < count; i++)
		free(rows[i]);
	if (result < 0)
		return -1;
	if (directory)
		out->src[0] = '\0';
	*out_directory = take_ptr(directory);
	return 0;
}

static int copy_out(const struct run *run, const char *name, const char *to, struct err *err)
{
	auto_str char *from = run_path(run, name);
	AUTO(buf) text = {0};

	if (!to)
		return 0;
	if (file_read(from, 16 * (size_t)RESULTS_MAX_BYTES, &text, err) < 0)
		return -1;
	return file_write_atomic(to, 0644, buf_text(&text), text.length, err);
}

/* Stages one after the other over the one connection that keeps the run alive. */
static int run_stages(const struct front *front, struct waiter *waiter, int fd,
    const struct run *run, const char *checkout, struct err *err)
{
	enum exit_code code = EXIT_PASSED;

	if (prepare_run(front, waiter, fd, run, checkout, &code, err) < 0)
		return -1;
	for (int stage = 0; !code && stage < STAGE_COUNT; stage++) {
		enum exit_code stage_code = EXIT_PASSED;

		if (waiter_stage(waiter, fd, (enum stage)stage, &stage_code, err) < 0)
			return -1;
		/* A red stage does not hide the others; an ended run does. */
		if (stage_code == EXIT_TIMED_OUT || stage_code == EXIT_CANCELLED)
			code = stage_code;
	}
	return code ? 0 : waiter_teardown(waiter, fd, false, &code, err);
}

/* Below the table, which says how large it is. */
static void add_picture_path(const struct run *run, struct buf *out)
{
	AUTO(handover_picture) picture = {0};
	struct err ignored;

	if (handover_load_picture(run, &picture, &ignored) < 0 || picture.why_not)
		return;
	auto_str char *path = handover_picture_path(run, picture.head.kind);
	(void)buf_printf(out, "%s\n", path);
}

static enum exit_code print_outcome(const struct front_local *local, const struct run *run)
{
	AUTO(results) results = {0};
	AUTO(buf) table = buf_make(SIZE_MAX / 2);
	struct err err;

	if (record_read(run, &results, &err) < 0)
		return fail(&err);
	if (!local->is_quiet) {
		table_print(&results, live_columns(STDOUT_FILENO), &table);
		add_picture_path(run, &table);
		if (fputs(buf_text(&table), stdout) == EOF || fflush(stdout) != 0)
			print_error("write the table: %s", strerror(errno));
	}
	if (copy_out(run, RECORD_RESULTS_FILE, local->json, &err) < 0 ||
	    copy_out(run, RECORD_JUNIT_FILE, local->junit, &err) < 0)
		return fail(&err);
	return exit_of_verdict(results.verdict, results.is_clean);
}

#define KEEP_LONGEST_MS (INT64_C(24) * 3600 * 1000)

/* On a host of one's own KEEP_MAX does not count. */
static int read_keep(const char *text, int64_t *out_ms, struct err *err)
{
	if (!text)
		return 0;
	if (!conf_parse_duration(text, out_ms) || *out_ms < 1000 || *out_ms > KEEP_LONGEST_MS)
		return err_set(
		    err, ERR_CONFIG, "--keep=%.20s: no time such as 30m, from 1s to 24h", text);
	return 0;
}

/* While the app is up: until its time is over, another run needs the slot, or Ctrl-C. */
static enum exit_code hold(const struct front *front, const struct run *run, struct waiter *waiter,
    int fd, enum exit_code code)
{
	AUTO(results) results = {0};
	struct err err;

	waiter_hold(waiter, fd);
	enum exit_code left = tear_down_again(front, run);
	if (record_read(run, &results, &err) < 0)
		return fail(&err);
	return left ? exit_of_verdict(results.verdict, false) : code;
}

enum exit_code front_run(const struct front *front, const struct front_local *local)
{
	struct params params;
	const struct run_step step = {0};
	auto_str char *directory = NULL;
	AUTO(waiter) waiter = WAITER_CLOSED;
	AUTO(run) run = {0};
	int64_t keep_ms = 0;
	struct err err;
	bool by_keeper = false;

	if (read_local(front, local, &params, &directory, &err) < 0 ||
	    read_keep(local->keep, &keep_ms, &err) < 0 ||
	    waiter_open(false, say, &waiter, &err) < 0)
		return fail(&err);
	auto_str char *checkout = current_directory();
	const struct birth birth = {.settings = front->settings,
	    .environ = front->environ,
	    .params = &params,
	    .step = &step,
	    .checkout = checkout,
	    .local_recipe = directory,
	    .keep_ms = keep_ms};
	auto_fd int fd = birth_give(&birth, &run, &err);
	if (fd < 0)
		return fail(&err);
	reap_beside(front->settings, front->environ);
	print_error("run %s, %s", run.id, run.domain);
	live_open(&waiter.live, front->environ);
	if (run_stages(front, &waiter, fd, &run, checkout, &err) < 0 &&
	    take_over(front, &run, &by_keeper, &err) < 0)
		return fail(&err);
	enum exit_code code = print_outcome(local, &run);
	if (keep_ms)
		code = hold(front, &run, &waiter, fd, code);
	/* A keeper that has answered may still be writing its last line. */
	close_fd(&fd);
	return code;
}

/* --- work on a recipe --- */

/* What an earlier one left, whose keeper died; one that is up stays so. -1: it may not begin. */
static int sweep_dev(const struct front *front, const char *recipe, enum exit_code *out_code)
{
	char id[RUN_ID_SIZE];
	AUTO(run) old = {0};
	struct err err;

	run_dev_id(recipe, id);
	if (run_open(front->settings, id, &old, &err) < 0)
		return 0;
	*out_code = tear_down_again(front, &old);
	if (*out_code)
		return -1;
	auto_fd int lease_fd = lease_take(old.dir, &err);
	if (lease_fd < 0 && err.code == ERR_TRANSIENT) {
		print_error("%s is up already, at https://%s/: ccci-run teardown %s ends it",
		    recipe, old.domain, id);
		*out_code = EXIT_USAGE;
		return -1;
	}
	if (lease_fd < 0 || file_remove_tree(old.dir, &err) < 0) {
		*out_code = fail(&err);
		return -1;
	}
	return 0;
}

/* Also of one that does not come up: its logs say why. */
static int run_dev(const struct front *front, struct waiter *waiter, int fd, const struct run *run,
    const char *checkout, enum exit_code *out_code, struct err *err)
{
	if (prepare_run(front, waiter, fd, run, checkout, out_code, err) < 0)
		return -1;
	if (*out_code)
		return 0;
	if (waiter_stage(waiter, fd, STAGE_INSTALL, out_code, err) < 0)
		return -1;
	if (*out_code == EXIT_TIMED_OUT || *out_code == EXIT_CANCELLED)
		return 0;
	if (*out_code)
		print_error("it does not come up; its logs follow, Ctrl-C takes it down");
	else
		print_error(
		    "up at https://%s/; its logs follow, Ctrl-C takes it down", run->domain);
	return waiter_follow(waiter, fd, out_code, err);
}

enum exit_code front_dev(const struct front *front, const char *target)
{
	const struct front_local local = {.target = target, .stages = "install"};
	const struct run_step step = {0};
	struct params params;
	auto_str char *directory = NULL;
	auto_str char *checkout = current_directory();
	AUTO(waiter) waiter = WAITER_CLOSED;
	AUTO(run) run = {0};
	AUTO(results) results = {0};
	enum exit_code code = EXIT_PASSED;
	bool by_keeper = false;
	struct err err;

	if (read_local(front, &local, &params, &directory, &err) < 0)
		return fail(&err);
	if (!directory) {
		print_error("dev: %s is no directory of a recipe", target);
		return EXIT_USAGE;
	}
	params.is_dev = true;
	if (sweep_dev(front, params.recipe, &code) < 0)
		return code;
	const struct birth birth = {.settings = front->settings,
	    .environ = front->environ,
	    .params = &params,
	    .step = &step,
	    .checkout = checkout,
	    .local_recipe = directory};
	if (waiter_open(false, say, &waiter, &err) < 0)
		return fail(&err);
	auto_fd int fd = birth_give(&birth, &run, &err);
	if (fd < 0)
		return fail(&err);
	reap_beside(front->settings, front->environ);
	if (run_dev(front, &waiter, fd, &run, checkout, &code, &err) < 0 &&
	    take_over(front, &run, &by_keeper, &err) < 0)
		return fail(&err);
	close_fd(&fd);
	if (record_read(&run, &results, &err) < 0)
		return fail(&err);
	for (size_t i = 0; i < results.left_count; i++)
		print_error("left behind: %s", results.left[i]);
	/* Ctrl-C is how it ends. */
	return !results.is_clean ? EXIT_LEFT : code == EXIT_CANCELLED ? EXIT_PASSED : code;
}

/* Planning fetches, so it needs a run's directory: one of its own, that nobody else ever sees. */
enum exit_code front_plan(const struct front *front, const struct front_local *local)
{
	struct params params;
	const struct run_step step = {0};
	struct settings settings = *front->settings; /* borrows its texts */
	auto_str char *directory = NULL;
	auto_str char *checkout = current_directory();
	char state_dir[] = "/tmp/ccci-plan-XXXXXX";
	AUTO(run) run = {0};
	struct err err;

	if (read_local(front, local, &params, &directory, &err) < 0)
		return fail(&err);
	if (!mkdtemp(state_dir)) {
		print_error("make a directory in /tmp: %s", strerror(errno));
		return EXIT_OURS;
	}
	settings.state_dir = state_dir;
	enum exit_code code = EXIT_OURS;
	if (run_create(&settings, &params, &step, &run, &err) < 0) {
		code = fail(&err);
	} else {
		const struct stages_work work = {.settings = &settings,
		    .run = &run,
		    .history_dir = front->settings->state_dir,
		    .checkout = checkout,
		    .local_recipe = directory,
		    .control_fd = -1,
		    .cancel_fd = -1,
		    .secrets_fd = -1,
		    .deadline_ns = clock_now() + settings.run_timeout_ms * NS_PER_MS,
		    .environ = front->environ};

		code = stages_plan(&work, local->json != NULL);
	}
	if (file_remove_tree(state_dir, &err) < 0)
		print_error("%s", err.msg);
	return code;
}
