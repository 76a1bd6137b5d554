/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/canary.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/host/canary_spec.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/swarm/engine.h"

#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SPEC_FILE "canary.yml"
#define FILE_MAX_BYTES (1024 * 1024) /* of a canary's recipe */
#define DEPTH_MAX 16
#define GIT_TIMEOUT_S 60
#define FIRST_DATE 1700000000LL /* as tests/lib/canary.py has it */
#define DAY_S 86400

/* --- files of a recipe, before @NAME@ is replaced --- */

struct template
{
	char *path; /* in the recipe */
	struct buf data;
	mode_t mode;
};
struct templates {
	struct template *items;
	size_t count;
};

static void template_release(struct template *template)
{
	free(template->path);
	buf_release(&template->data);
}

static void templates_release(struct templates *templates)
{
	for (size_t i = 0; i < templates->count; i++)
		template_release(&templates->items[i]);
	free(templates->items);
}
DEFINE_AUTO(templates, templates_release);

static struct template *find_template(struct templates *templates, const char *path)
{
	for (size_t i = 0; i < templates->count; i++) {
		if (text_is(templates->items[i].path, path))
			return &templates->items[i];
	}
	return NULL;
}

static void remove_template(struct templates *templates, const char *path)
{
	struct template *there = find_template(templates, path);

	if (!there)
		return;
	template_release(there);
	*there = templates->items[--templates->count];
}

static int take_file(
    struct templates *templates, const char *from, const char *path, mode_t mode, struct err *err)
{
	static const char removed[] = ".removed";
	AUTO(buf) data = {0};

	if (text_ends(path, removed)) {
		auto_str char *gone = xstrndup(path, strlen(path) - strlen(removed));

		remove_template(templates, gone);
		return 0;
	}
	if (file_read(from, FILE_MAX_BYTES, &data, err) < 0)
		return -1;
	remove_template(templates, path);
	templates->items =
	    xrealloc_array(templates->items, templates->count + 1, sizeof(templates->items[0]));
	templates->items[templates->count++] =
	    (struct template){xstrdup(path), data, mode & S_IXUSR ? 0755 : 0644};
	data = (struct buf){0};
	return 0;
}

/* What lies below a directory, over what is there; inside is "" at its top. */
static int lay_over(
    struct templates *templates, const char *top, const char *inside, int depth, struct err *err)
{
	auto_str char *here = xasprintf("%s%s%s", top, *inside ? "/" : "", inside);
	AUTO(file_names) files = {0};
	struct err why;

	if (file_list_names(here, &files, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	if (depth == DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "%s: too deep", here);
	for (size_t i = 0; i < files.count; i++) {
		auto_str char *path =
		    xasprintf("%s%s%s", inside, *inside ? "/" : "", files.names[i]);
		auto_str char *from = xasprintf("%s/%s", top, path);
		struct stat status;

		if (lstat(from, &status) < 0)
			return err_sys(err, errno, "look at %s", from);
		int result = S_ISDIR(status.st_mode)
				 ? lay_over(templates, top, path, depth + 1, err)
				 : take_file(templates, from, path, status.st_mode, err);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* @NAME@ becomes the value; a name that is none stays. */
static void replace_names(
    const struct buf *data, const struct results_pair *values, size_t count, struct buf *out)
{
	for (size_t at = 0; at < data->length;) {
		size_t taken = 0;

		for (size_t i = 0; i < count && !taken; i++) {
			auto_str char *mark = xasprintf("@%s@", values[i].name);
			size_t length = strlen(mark);

			if (data->length - at < length ||
			    memcmp(data->data + at, mark, length) != 0)
				continue;
			(void)buf_add_text(out, values[i].value);
			taken = length;
		}
		if (!taken)
			(void)buf_add_char(out, data->data[at]);
		at += taken ? taken : 1;
	}
}

static int write_template(const struct template *template, const char *to,
    const struct results_pair *values, size_t count, struct err *err)
{
	auto_str char *path = xasprintf("%s/%s", to, template->path);
	auto_str char *directory = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	AUTO(buf) text = buf_make(SIZE_MAX / 2);

	replace_names(&template->data, values, count, &text);
	if (file_make_dirs(directory, 0755, err) < 0 ||
	    file_write_atomic(path, template->mode, buf_text(&text), text.length, err) < 0)
		return -1;
	return chmod(path, template->mode) < 0 ? err_sys(err, errno, "chmod %s", path) : 0;
}

/* --- git --- */

struct git {
	const char *program, *path, *directory;
	int64_t date_s;
};

static int run_git(const struct git *git, const char *const *args, struct err *err)
{
	const char *argv[16] = {git->program, "-C", git->directory};
	auto_str char *path = xasprintf("PATH=%s", git->path);
	auto_str char *authored = xasprintf("GIT_AUTHOR_DATE=%lld +0000", (long long)git->date_s);
	auto_str char *committed =
	    xasprintf("GIT_COMMITTER_DATE=%lld +0000", (long long)git->date_s);
	const char *const env[] = {path, authored, committed, "HOME=/nonexistent", "LC_ALL=C.UTF-8",
	    "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Canary Maker",
	    "GIT_AUTHOR_EMAIL=canary@example.org", "GIT_COMMITTER_NAME=Canary Maker",
	    "GIT_COMMITTER_EMAIL=canary@example.org", NULL};
	AUTO(proc_result) result = {0};

	for (size_t i = 0; args[i]; i++) {
		assert(i + 4 < COUNT_OF(argv));
		argv[i + 3] = args[i];
	}
	const struct proc_spec spec = {.label = "git",
	    .argv = argv,
	    .env = env,
	    .tail_max_bytes = 4096,
	    .deadline_ns = clock_now() + GIT_TIMEOUT_S * NS_PER_S,
	    .term_grace_ms = 1000,
	    .drain_ms = 500,
	    .cancel_fd = -1,
	    .watch_fd = -1};
	if (proc_run(&spec, &result, err) < 0)
		return -1;
	if (result.end == PROC_EXITED && result.code == 0)
		return 0;
	char how[PROC_RESULT_TEXT_SIZE];
	size_t length = 0;
	const char *last = text_last_line(buf_text(&result.tail), &length);

	proc_result_text(&result, how);
	return err_set(err, ERR_SYS, "git %s: %s: %.*s", args[0], how, (int)length, last);
}

#define GIT(git, err, ...) run_git(git, (const char *const[]){__VA_ARGS__, NULL}, err)

/* --- a canary --- */

struct canary {
	char *name;	 /* of its folder, and of the recipe */
	char *directory; /* absolute */
	char *recipe;	 /* the repository made of it; NULL: it is not run */
	char *not_run;	 /* why */
	struct canary_spec spec;
};
struct canaries {
	struct canary *items;
	size_t count;
};

static void canaries_release(struct canaries *canaries)
{
	for (size_t i = 0; i < canaries->count; i++) {
		free(canaries->items[i].name);
		free(canaries->items[i].directory);
		free(canaries->items[i].recipe);
		free(canaries->items[i].not_run);
		canary_spec_release(&canaries->items[i].spec);
	}
	free(canaries->items);
}
DEFINE_AUTO(canaries, canaries_release);

static int commit_one(const struct git *git, const struct canary_commit *commit, struct err *err)
{
	bool is_head = commit->tag == CANARY_HEAD;
	auto_str char *message = is_head ? xasprintf("feat: %s", commit->version)
					 : xasprintf("chore: publish %s release", commit->version);

	if (is_head && GIT(git, err, "checkout", "--quiet", "-b", "pull") < 0)
		return -1;
	if (GIT(git, err, "add", "--all") < 0 ||
	    GIT(git, err, "commit", "--quiet", "--allow-empty", "-m", message) < 0)
		return -1;
	if (commit->tag == CANARY_ANNOTATED)
		return GIT(git, err, "tag", "--annotate", commit->version, "-m", message);
	if (commit->tag == CANARY_LIGHTWEIGHT)
		return GIT(git, err, "tag", commit->version);
	return 0;
}

static int write_tree(const struct git *git, const struct templates *templates,
    const struct canary *canary, const struct canary_commit *commit, struct err *err)
{
	struct results_pair values[CANARY_SPEC_ITEMS_MAX + 2];
	const char *plus = strchr(commit->version, '+');
	auto_str char *app_version = xstrdup(plus ? plus + 1 : "");
	auto_str char *version_name = xstrdup("VERSION");
	auto_str char *app_name = xstrdup("APP_VERSION");
	size_t count = canary->spec.value_count;

	memcpy(values, canary->spec.values, count * sizeof(values[0]));
	values[count++] = (struct results_pair){version_name, commit->version};
	values[count++] = (struct results_pair){app_name, app_version};
	if (canary->spec.commits != commit &&
	    GIT(git, err, "rm", "-r", "-q", "--ignore-unmatch", ".") < 0)
		return -1;
	for (size_t i = 0; i < templates->count; i++) {
		if (write_template(&templates->items[i], git->directory, values, count, err) < 0)
			return -1;
	}
	return 0;
}

static int make_recipe(
    struct canary *canary, const char *git_program, const char *path, struct err *err)
{
	AUTO(templates) templates = {0};
	struct git git = {git_program, path, canary->recipe, FIRST_DATE};

	if (file_make_dirs(canary->recipe, 0755, err) < 0 ||
	    GIT(&git, err, "init", "--quiet", "--initial-branch=main") < 0)
		return -1;
	for (size_t i = 0; i < canary->spec.commit_count; i++) {
		const struct canary_commit *commit = &canary->spec.commits[i];
		auto_str char *layer =
		    commit->tag == CANARY_HEAD
			? xasprintf("%s/head", canary->directory)
			: xasprintf("%s/versions/%s", canary->directory, commit->version);

		git.date_s = FIRST_DATE + (int64_t)i * DAY_S;
		if (lay_over(&templates, layer, "", 0, err) < 0 ||
		    write_tree(&git, &templates, canary, commit, err) < 0 ||
		    commit_one(&git, commit, err) < 0)
			return -1;
	}
	/* One that was never released: main is its first commit. */
	return canary->spec.commit_count > 1
		   ? 0
		   : GIT(&git, err, "branch", "--quiet", "--force", "main", "pull");
}

/* --- which there are --- */

static int read_canary(const char *directory, struct canaries *canaries, struct err *err)
{
	auto_str char *file = xasprintf("%s/" SPEC_FILE, directory);
	AUTO(buf) text = {0};
	struct canary canary = {0};

	if (file_read(file, CANARY_SPEC_MAX_BYTES, &text, err) < 0 ||
	    canary_spec_read(file, buf_text(&text), text.length, &canary.spec, err) < 0)
		return -1;
	canary.directory = xstrdup(directory);
	canary.name = xstrdup(strrchr(directory, '/') + 1);
	canaries->items =
	    xrealloc_array(canaries->items, canaries->count + 1, sizeof(canaries->items[0]));
	canaries->items[canaries->count++] = canary;
	return 0;
}

static int read_folder(const char *directory, struct canaries *canaries, struct err *err)
{
	AUTO(file_names) names = {0};
	int result = 0;

	if (file_list_names(directory, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		auto_str char *path = xasprintf("%s/%s", directory, names.names[i]);
		auto_str char *file = xasprintf("%s/" SPEC_FILE, path);

		if (result == 0 && file_exists(file))
			result = read_canary(path, canaries, err);
	}
	if (result == 0 && !canaries->count)
		return err_set(
		    err, ERR_CONFIG, "%s holds no " SPEC_FILE " and no folder of one", directory);
	return result;
}

static int read_canaries(const char *directory, struct canaries *canaries, struct err *err)
{
	auto_str char *whole = realpath(directory, NULL);
	auto_str char *file = xasprintf("%s/" SPEC_FILE, whole ? whole : "");

	if (!whole)
		return err_sys(err, errno, "find the canaries in %s", directory);
	return file_exists(file) ? read_canary(whole, canaries, err)
				 : read_folder(whole, canaries, err);
}

/* --- running them --- */

/* Why it cannot be run here; the caller frees it, NULL: it can. */
static char *find_obstacle(struct engine *engine, const struct canary *canary)
{
	if (canary->spec.needs[0])
		return xasprintf("only the tests have what it needs: %s", canary->spec.needs);
	for (size_t i = 0; i < canary->spec.images.count; i++) {
		const char *image = canary->spec.images.items[i];
		auto_str char *path = xasprintf("/images/%s/json", image);
		struct err err;
		AUTO_PTR(json) answer = engine_get(engine, path, &err);

		if (!answer && err.code == ERR_MISSING)
			return xasprintf("image %s is not on this host; %s/../../lib/images.py "
					 "makes it",
			    image, canary->directory);
		if (!answer)
			return xstrdup(err.msg);
	}
	return NULL;
}

/* All of them, before the first is run: what proc.c starts must have no other child beside it. */
static int make_recipes(
    const struct front *front, struct canaries *canaries, const char *directory, struct err *err)
{
	AUTO_PTR(engine) engine = engine_open(front->settings, err);
	const char *path = environ_path(front->environ);
	auto_str char *git = NULL;

	if (!engine)
		return -1;
	if (file_find_program("git", path, &git, err) < 0)
		return err_prefix(err, "find git");
	for (size_t i = 0; i < canaries->count; i++) {
		struct canary *canary = &canaries->items[i];

		canary->not_run = find_obstacle(engine, canary);
		if (canary->not_run)
			continue;
		canary->recipe = xasprintf("%s/%s", directory, canary->name);
		if (make_recipe(canary, git, path, err) < 0)
			return err_prefix(err, "make canary %s", canary->name);
	}
	/* The keepers to come are nobody's children: else they would be ours when they are done. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 0) < 0)
		return err_sys(err, errno, "be no subreaper");
	return 0;
}

struct tally {
	size_t good, bad, not_run;
};

static void say(const char *name, const char *text)
{
	(void)printf("%s: %s\n", name, text);
	(void)fflush(stdout);
}

static void judge(
    const struct canary *canary, const char *results_path, enum exit_code code, struct tally *tally)
{
	AUTO(buf) text = {0};
	AUTO(buf) differences = buf_make(SIZE_MAX / 2);
	AUTO(results) results = {0};
	struct err err;

	if (file_read(results_path, RESULTS_MAX_BYTES, &text, &err) < 0 ||
	    results_decode(buf_text(&text), text.length, &results, &err) < 0) {
		say(canary->name, err.msg);
		tally->bad++;
		return;
	}
	canary_spec_compare(&canary->spec, &results, (int)code, &differences);
	tally->good += differences.length == 0;
	tally->bad += differences.length != 0;
	if (!differences.length) {
		say(canary->name, "as declared");
		return;
	}
	say(canary->name, "NOT as declared");
	for (const char *line = buf_text(&differences); *line; line += strcspn(line, "\n") + 1)
		(void)printf("  %.*s\n", (int)strcspn(line, "\n"), line);
	if (results.reason[0])
		(void)printf("  reason: %s\n", results.reason);
	(void)fflush(stdout);
}

/* EXIT_PASSED, or how somebody ended it. */
static enum exit_code run_one(const struct front *front, const struct canary *canary,
    const char *directory, struct tally *tally)
{
	struct settings settings = *front->settings; /* borrows its texts */
	auto_str char *suites = xstrndup(
	    canary->directory, (size_t)(strrchr(canary->directory, '/') - canary->directory));
	auto_str char *results = xasprintf("%s/%s.json", directory, canary->name);
	const struct front own = {&settings, front->environ};
	const struct front_local local = {.target = canary->recipe,
	    .stages = canary->spec.only_stages,
	    .from = canary->spec.from,
	    .json = results,
	    .is_quiet = true};

	settings.suites = suites;
	settings.recipe_tests_allow = canary->spec.recipe_tests_allow;
	enum exit_code code = front_run(&own, &local);
	if (code == EXIT_CANCELLED)
		return code;
	judge(canary, results, code, tally);
	return EXIT_PASSED;
}

static enum exit_code run_all(const struct front *front, const struct canaries *canaries,
    const char *directory, struct tally *tally)
{
	enum exit_code code = EXIT_PASSED;

	for (size_t i = 0; i < canaries->count && code == EXIT_PASSED; i++) {
		const struct canary *canary = &canaries->items[i];

		if (canary->recipe) {
			code = run_one(front, canary, directory, tally);
			continue;
		}
		auto_str char *text = xasprintf("not run: %s", canary->not_run);
		say(canary->name, text);
		tally->not_run++;
	}
	(void)printf(
	    "%zu as declared, %zu not, %zu not run\n", tally->good, tally->bad, tally->not_run);
	return code;
}

static enum exit_code fail(const struct err *err)
{
	(void)fprintf(stderr, "ccci-run: %s\n", err->msg);
	return exit_of_err(err);
}

enum exit_code canary_run(const struct front *front, const char *directory)
{
	char temporary[] = "/tmp/ccci-canary-XXXXXX";
	AUTO(canaries) canaries = {0};
	struct tally tally = {0};
	struct err err;

	if (!directory)
		directory = file_exists(CANARY_DEFAULT) ? CANARY_DEFAULT : CCCI_CANARIES;
	if (read_canaries(directory, &canaries, &err) < 0)
		return fail(&err);
	if (!mkdtemp(temporary)) {
		(void)err_sys(&err, errno, "make a directory in /tmp");
		return fail(&err);
	}
	enum exit_code code = make_recipes(front, &canaries, temporary, &err) < 0
				  ? fail(&err)
				  : run_all(front, &canaries, temporary, &tally);
	if (file_remove_tree(temporary, &err) < 0)
		(void)fail(&err);
	if (code != EXIT_PASSED)
		return code;
	return tally.bad || !tally.good ? EXIT_OURS : EXIT_PASSED;
}
