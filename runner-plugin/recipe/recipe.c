/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/recipe.h"

#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/proc.h"

#include <limits.h>

#define GIT_ARGS_MAX 32
#define GIT_TIMEOUT_MS 300000 /* a recipe is small; a forge under load may be slow */
#define GIT_LOG_MAX_BYTES (1024 * 1024)
#define GIT_TAIL_MAX_BYTES (8 * 1024)
#define GIT_OUTPUT_MAX_BYTES (1024 * 1024)
#define GIT_LINE_MAX_BYTES 1024		     /* of a call that prints one commit */
#define GIT_SAID_MAX_BYTES 160		     /* of its last line, in an error */
#define GIT_LIST_MAX_BYTES (4 * 1024 * 1024) /* of a commit's files: some 40,000 */
#define RECIPE_TAGS_MAX 2000

void recipe_release(struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->tag_count; i++)
		free(recipe->tags[i].name);
	free(recipe->tags);
	*recipe = (struct recipe){0};
}

struct git_call {
	const struct stages_work *work;
	const char *const *args; /* after "git"; NULL-terminated */
	const char *token_url;	 /* the token may go there; NULL: to nobody */
	struct buf *output;	 /* NULL: not wanted */
};

/* git's own words for what the forge answered; LC_ALL=C keeps them in English. */
static enum err_code classify(const char *text)
{
	static const struct {
		const char *text;
		enum err_code code;
	} signs[] = {
	    {"not our ref", ERR_MISSING},
	    {"couldn't find remote ref", ERR_MISSING},
	    {"Repository not found", ERR_MISSING},
	    {"not found", ERR_MISSING},
	    {"terminal prompts disabled", ERR_DENIED},
	    {"Authentication failed", ERR_DENIED},
	    {"error: 403", ERR_DENIED},
	    {"Could not resolve host", ERR_TRANSIENT},
	    {"Failed to connect", ERR_TRANSIENT},
	    {"error: 50", ERR_TRANSIENT},
	    {"Connection refused", ERR_TRANSIENT},
	    {"timed out", ERR_TRANSIENT},
	};

	for (size_t i = 0; i < COUNT_OF(signs); i++) {
		if (strcasestr(text, signs[i].text))
			return signs[i].code;
	}
	return ERR_PROTOCOL;
}

/*
 * Configuration of every call, stronger than any file's. A directory of another owner is fine:
 * `ccci-run run DIR` is asked for by name. What git would start on a repository's or a host's say,
 * it does not start. Source: git-config(1), GIT_CONFIG_COUNT of git 2.31.
 */
static const struct {
	const char *key, *value;
} git_settings[] = {
    {"safe.directory", "*"},
    {"core.hooksPath", "/dev/null"},
    {"core.fsmonitor", "false"},
    {"core.attributesFile", "/dev/null"},
    {"core.autocrlf", "false"},
    {"submodule.recurse", "false"},
    {"fetch.recurseSubmodules", "false"},
    {"gc.auto", "0"},
};

#define GIT_CONFIG_MAX (2 * (COUNT_OF(git_settings) + 1) + 1)

static void add_setting(
    char *rows[GIT_CONFIG_MAX], size_t *count, const char *key, const char *value)
{
	size_t number = *count / 2;

	rows[(*count)++] = xasprintf("GIT_CONFIG_KEY_%zu=%s", number, key);
	rows[(*count)++] = xasprintf("GIT_CONFIG_VALUE_%zu=%s", number, value);
}

/*
 * The rows of one call's environment; the caller frees each. The token travels here, bound to the
 * forge's own URL: never an argument, never a file. Source: Gitea 1.26 takes "Authorization: token
 * T" over HTTP.
 */
static size_t make_config(const struct git_call *call, char *rows[GIT_CONFIG_MAX])
{
	const char *token = call->token_url ? call->work->settings->git_token : NULL;
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(git_settings); i++)
		add_setting(rows, &count, git_settings[i].key, git_settings[i].value);
	if (token) {
		auto_str char *key = xasprintf("http.%s/.extraHeader", call->token_url);
		auto_str char *value = xasprintf("Authorization: token %s", token);

		add_setting(rows, &count, key, value);
	}
	rows[count] = xasprintf("GIT_CONFIG_COUNT=%zu", count / 2);
	return count + 1;
}

/* No file of the host's and no server but the forge has a say, and nobody is asked anything. */
static const char *const git_environment[] = {
    "LC_ALL=C",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_NO_LAZY_FETCH=1",
    "GIT_ASKPASS=/bin/false",
    "GIT_AUTHOR_NAME=ccci",
    "GIT_AUTHOR_EMAIL=ccci@localhost",
    "GIT_COMMITTER_NAME=ccci",
    "GIT_COMMITTER_EMAIL=ccci@localhost",
    "GIT_ALLOW_PROTOCOL=http:https:file",
};

static int run_git(const struct git_call *call, struct err *err)
{
	const struct run *run = call->work->run;
	const char *argv[GIT_ARGS_MAX + 2] = {NULL};
	auto_str char *path_row = xasprintf("PATH=%s", environ_path(call->work->environ));
	auto_str char *home_row = xasprintf("HOME=%s", run->dir);
	auto_str char *run_row = xasprintf("%s=%s", RUN_ENVIRONMENT, run->id);
	char *config[GIT_CONFIG_MAX];
	const char *env[COUNT_OF(git_environment) + GIT_CONFIG_MAX + 4] = {
	    path_row, home_row, run_row};
	size_t env_count = 3;
	auto_str char *program = NULL;
	auto_str char *log_path = run_path(run, "log/git.log");
	AUTO(proc_result) result = {0};

	if (file_find_program("git", path_row + strlen("PATH="), &program, err) < 0)
		return err_prefix(err, "find git");
	argv[0] = program;
	for (size_t i = 0; call->args[i]; i++) {
		assert(i < GIT_ARGS_MAX);
		argv[i + 1] = call->args[i];
	}
	size_t config_count = make_config(call, config);
	for (size_t i = 0; i < COUNT_OF(git_environment); i++)
		env[env_count++] = git_environment[i];
	for (size_t i = 0; i < config_count; i++)
		env[env_count++] = config[i];
	struct proc_spec spec = {
	    .label = "git",
	    .argv = argv,
	    .env = env,
	    .log_path = log_path,
	    .log_max_bytes = GIT_LOG_MAX_BYTES,
	    .tail_max_bytes = GIT_TAIL_MAX_BYTES,
	    .out_text = call->output,
	    .deadline_ns = stages_until(call->work, GIT_TIMEOUT_MS),
	    .term_grace_ms = 1000,
	    .drain_ms = 500,
	    .cancel_fd = call->work->cancel_fd,
	    .watch_fd = -1,
	};
	int started = proc_run(&spec, &result, err);

	for (size_t i = 0; i < config_count; i++)
		free(config[i]);
	if (started < 0)
		return -1;
	if (result.end == PROC_EXITED && result.code == 0)
		return 0;

	char how[PROC_RESULT_TEXT_SIZE];
	size_t length = 0;
	const char *last = text_last_line(buf_text(&result.tail), &length);

	proc_result_text(&result, how);
	if (result.end == PROC_TIMED_OUT || result.end == PROC_CANCELLED)
		return err_set(err, ERR_TIMEOUT, "git %s: %s", call->args[0], how);
	auto_str char *line = xstrndup(last, length);
	return err_set(err, classify(buf_text(&result.tail)), "git: %s: %.*s", how,
	    (int)text_head(line, GIT_SAID_MAX_BYTES), line);
}

/* git in the checkout. */
static int git_here(
    const struct stages_work *work, const char *const *args, struct buf *output, struct err *err)
{
	const char *full[GIT_ARGS_MAX + 1] = {"-C", work->run->recipe_dir};
	size_t count = 2;

	while (*args && count < GIT_ARGS_MAX)
		full[count++] = *args++;
	return run_git(&(struct git_call){.work = work, .args = full, .output = output}, err);
}

/* First word of the first line. */
static int read_commit(const struct buf *output, char out[PARAMS_REF_SIZE], struct err *err)
{
	const char *text = buf_text(output);
	auto_str char *word = xstrndup(text, strcspn(text, " \t\r\n"));

	if (!params_is_ref(word))
		return err_set(err, ERR_PROTOCOL, "git printed no commit");
	(void)copy_text(out, PARAMS_REF_SIZE, word);
	return 0;
}

static int rev_parse(
    const struct stages_work *work, const char *what, char out[PARAMS_REF_SIZE], struct err *err)
{
	const char *const args[] = {"rev-parse", "--verify", what, NULL};
	AUTO(buf) output = buf_make(GIT_LINE_MAX_BYTES);

	return git_here(work, args, &output, err) < 0 ? -1 : read_commit(&output, out, err);
}

int recipe_find(const struct stages_work *work, const char *const *commits, size_t count,
    bool *out_has, struct err *err)
{
	const char *args[RECIPE_FIND_MAX + 4] = {
	    "rev-list", "--no-walk=unsorted", "--ignore-missing"};
	AUTO(buf) output = buf_make(RECIPE_FIND_MAX * (PARAMS_REF_SIZE + 1));

	assert(count <= RECIPE_FIND_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!params_is_ref(commits[i]))
			return err_set(err, ERR_CONFIG, "find \"%.40s\": no commit", commits[i]);
		args[i + 3] = commits[i];
	}
	if (count && git_here(work, args, &output, err) < 0)
		return err_prefix(err, "look for commits of %s", work->run->params.recipe);
	for (size_t i = 0; i < count; i++)
		out_has[i] = strstr(buf_text(&output), commits[i]) != NULL;
	return 0;
}

int recipe_head(const struct stages_work *work, char out[PARAMS_REF_SIZE], struct err *err)
{
	return rev_parse(work, "HEAD^{commit}", out, err) < 0
		   ? err_prefix(err, "read HEAD of %s", work->run->params.recipe)
		   : 0;
}

static int check_out(const struct stages_work *work, const char *commit, struct err *err)
{
	const char *const checkout[] = {
	    "checkout", "--quiet", "--force", "--detach", commit, "--", NULL};
	const char *const clean[] = {"clean", "--quiet", "-xdff", NULL};

	return git_here(work, checkout, NULL, err) < 0 ? -1 : git_here(work, clean, NULL, err);
}

int recipe_checkout(const struct stages_work *work, const char *commit, struct err *err)
{
	char head[PARAMS_REF_SIZE];

	if (!params_is_ref(commit))
		return err_set(err, ERR_CONFIG, "check out \"%.40s\": no commit", commit);
	if (check_out(work, commit, err) < 0)
		return err_prefix(err, "check out %.8s of %s", commit, work->run->params.recipe);
	if (recipe_head(work, head, err) < 0)
		return -1;
	if (!text_is(head, commit))
		return err_set(err, ERR_PROTOCOL, "check out %.8s: HEAD is %.8s", commit, head);
	return 0;
}

int recipe_show(const struct stages_work *work, const char *commit, const char *path,
    size_t max_bytes, struct buf *out, struct err *err)
{
	auto_str char *object = xasprintf("%s:%s", commit, path);
	const char *const exists[] = {"cat-file", "-e", object, NULL};
	const char *const show[] = {"cat-file", "blob", object, NULL};
	AUTO(buf) output = buf_make(max_bytes);

	if (!params_is_ref(commit))
		return err_set(err, ERR_CONFIG, "show \"%.40s\": no commit", commit);
	if (git_here(work, exists, NULL, err) < 0)
		return err_set(err, ERR_MISSING, "%s is not in %.8s", path, commit);
	if (git_here(work, show, &output, err) < 0)
		return err_prefix(err, "read %s of %.8s", path, commit);
	if (output.was_truncated)
		return err_set(
		    err, ERR_LIMIT, "%s of %.8s is larger than %zu bytes", path, commit, max_bytes);
	*out = output;
	output = (struct buf){0};
	return 0;
}

static int read_link(const struct stages_work *work, struct tree_entry *entry, struct err *err)
{
	const char *const args[] = {"cat-file", "blob", entry->object, NULL};
	AUTO(buf) output = buf_make(PATH_MAX);

	if (git_here(work, args, &output, err) < 0)
		return err_prefix(err, "read the link %.60s", entry->path);
	/* Longer than any path, or with a NUL in it: it leads nowhere. */
	if (!output.was_truncated && strlen(buf_text(&output)) == output.length)
		entry->target = xstrdup(buf_text(&output));
	return 0;
}

int recipe_list(
    const struct stages_work *work, const char *commit, struct tree *out, struct err *err)
{
	const char *const args[] = {"ls-tree", "-r", "-z", "--full-tree", commit, NULL};
	const char *recipe = work->run->params.recipe;
	AUTO(buf) output = buf_make(GIT_LIST_MAX_BYTES);
	AUTO(tree) tree = {0};
	size_t links = 0;

	if (!params_is_ref(commit))
		return err_set(err, ERR_CONFIG, "list \"%.40s\": no commit", commit);
	if (git_here(work, args, &output, err) < 0)
		return err_prefix(err, "list the files of %.8s", commit);
	if (output.was_truncated)
		return err_set(err, ERR_LIMIT, "the list of %s's files is larger than %d bytes",
		    recipe, GIT_LIST_MAX_BYTES);
	if (tree_parse(buf_text(&output), output.length, &tree, err) < 0)
		return -1;
	for (size_t i = 0; i < tree.count; i++) {
		if (tree.entries[i].kind != TREE_LINK)
			continue;
		if (links++ == TREE_LINKS_MAX)
			return err_set(err, ERR_LIMIT, "%s has more than %d symbolic links", recipe,
			    TREE_LINKS_MAX);
		if (read_link(work, &tree.entries[i], err) < 0)
			return -1;
	}
	*out = tree;
	tree = (struct tree){0};
	return 0;
}

/* One line of for-each-ref: "<name> <object type> <object> <peeled object or nothing>". */
static bool read_tag(char *line, struct recipe_tag *out)
{
	char *rest = NULL;
	const char *name = strtok_r(line, " ", &rest);
	const char *type = strtok_r(NULL, " ", &rest);
	const char *object = strtok_r(NULL, " ", &rest);
	const char *peeled = strtok_r(NULL, " ", &rest);
	bool is_annotated = type && text_is(type, "tag");
	const char *commit = is_annotated ? peeled : object;

	if (!name || !type || !commit || !params_is_ref(commit))
		return false;
	*out = (struct recipe_tag){.name = xstrdup(name), .is_annotated = is_annotated};
	(void)copy_text(out->commit, sizeof(out->commit), commit);
	return true;
}

static int list_tags(const struct stages_work *work, struct recipe *recipe, struct err *err)
{
	const char *const args[] = {"for-each-ref",
	    "--format=%(refname:strip=2) %(objecttype) %(objectname) %(*objectname)", "refs/tags",
	    NULL};
	AUTO(buf) output = buf_make(GIT_OUTPUT_MAX_BYTES);
	char *rest = NULL;

	if (git_here(work, args, &output, err) < 0)
		return err_prefix(err, "list tags of %s", work->run->params.recipe);
	if (!output.data)
		return 0;
	for (char *line = strtok_r(output.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct recipe_tag tag;

		if (recipe->tag_count == RECIPE_TAGS_MAX)
			return err_set(err, ERR_LIMIT, "%s has more than %d tags",
			    work->run->params.recipe, RECIPE_TAGS_MAX);
		if (!read_tag(line, &tag))
			continue;
		recipe->tags =
		    xrealloc_array(recipe->tags, recipe->tag_count + 1, sizeof(recipe->tags[0]));
		recipe->tags[recipe->tag_count++] = tag;
	}
	return 0;
}

/*
 * A file in the checkout is the commit's, byte for byte, as it is for abra, which knows no
 * attributes: no filter of a recipe (LFS is one) is looked for, no line end changed, no text put
 * in. Of all places for attributes this one counts most. Source: gitattributes(5).
 */
static const char attributes[] = "* -text -filter -ident -working-tree-encoding -diff -merge\n";

/* An empty repository in the place abra looks: no hook, no template of the host. */
static int init_checkout(const struct stages_work *work, struct err *err)
{
	const char *const args[] = {
	    "init", "--quiet", "--template=", "--initial-branch=main", work->run->recipe_dir, NULL};
	auto_str char *log_dir = run_path(work->run, "log");
	auto_str char *info_dir = xasprintf("%s/.git/info", work->run->recipe_dir);
	auto_str char *attributes_path = xasprintf("%s/attributes", info_dir);

	if (file_make_dirs(log_dir, 0700, err) < 0 ||
	    file_make_dirs(work->run->recipe_dir, 0700, err) < 0)
		return -1;
	if (run_git(&(struct git_call){.work = work, .args = args}, err) < 0 ||
	    file_make_dirs(info_dir, 0700, err) < 0)
		return -1;
	return file_write_atomic(attributes_path, 0600, attributes, strlen(attributes), err);
}

/* Where the commit under test comes from: exactly that commit, else the head of the pull request,
 * else the default. */
static char *wanted_ref(const struct params *params)
{
	if (params->ref[0])
		return xstrdup(params->ref);
	if (params->pr)
		return xasprintf("refs/pull/%lld/head", (long long)params->pr);
	return xstrdup("HEAD");
}

/* Where the forge has a repository, "owner/name"; the caller frees it. */
static char *forge_url(const struct stages_work *work, const char *repo, struct err *err)
{
	if (work->settings->gitea_url)
		return xasprintf("%s/%s.git", work->settings->gitea_url, repo);
	(void)err_set(err, ERR_CONFIG, "GITEA_URL is not set: where is %s?", repo);
	return NULL;
}

static int fetch_by_token(const struct stages_work *work, const char *const *args, struct err *err)
{
	return run_git(
	    &(struct git_call){.work = work, .args = args, .token_url = work->settings->gitea_url},
	    err);
}

/* Where the head of the default branch is kept: no branch, so that abra sees none. */
#define DEFAULT_REF "refs/ccci/default"

static int fetch_from_forge(const struct stages_work *work, struct recipe *recipe, struct err *err)
{
	static const char branch_spec[] = "HEAD:" DEFAULT_REF;
	const struct params *params = &work->run->params;
	auto_str char *ref = wanted_ref(params);
	auto_str char *url = forge_url(work, params->src, err);
	char branch[PARAMS_REF_SIZE];

	if (!url)
		return -1;
	/* Whole history: versions are tags on it, and a recipe's repository is small. The default
	 * branch as well: what was green there may be the base. */
	const char *const fetch[] = {"-C", work->run->recipe_dir, "fetch", "--quiet",
	    "--no-recurse-submodules", "--tags", "--", url, ref, branch_spec, NULL};

	if (fetch_by_token(work, fetch, err) < 0)
		return err_prefix(
		    err, "fetch %s of %s", params->ref[0] ? params->ref : ref, params->src);
	if (rev_parse(work, "FETCH_HEAD^{commit}", recipe->head, err) < 0 ||
	    rev_parse(work, DEFAULT_REF "^{commit}", branch, err) < 0)
		return -1;
	recipe->is_default = !params->pr && text_is(recipe->head, branch);
	if (params->ref[0] && !text_is(params->ref, recipe->head))
		return err_set(err, ERR_PROTOCOL, "fetch %s: got %.8s instead of %.8s", params->src,
		    recipe->head, params->ref);
	return 0;
}

/*
 * Takes submodules out of the index: for one that is in it, `git add` starts git in the submodule's
 * own directory, with that one's configuration and whatever it names (core.fsmonitor is a program).
 * One that is not is added as the commit it is at, and nothing is started.
 */
static int forget_submodules(const struct stages_work *work, struct err *err)
{
	static const char link_mode[] = "160000 ";
	const char *const list[] = {"ls-files", "--stage", "-z", NULL};
	AUTO(buf) output = buf_make(GIT_OUTPUT_MAX_BYTES);

	if (git_here(work, list, &output, err) < 0)
		return -1;
	if (output.was_truncated)
		return err_set(
		    err, ERR_LIMIT, "its index is larger than %d bytes", GIT_OUTPUT_MAX_BYTES);
	for (size_t at = 0; at < output.length; at += strlen(output.data + at) + 1) {
		const char *path = strchr(output.data + at, '\t');
		const char *const forget[] = {
		    "update-index", "--force-remove", "--", path ? path + 1 : NULL, NULL};

		if (path && text_starts(output.data + at, link_mode) &&
		    git_here(work, forget, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* What lies in the working directory, uncommitted changes and all, as one commit on top when there
 * are any. A recipe that lies within another repository has no history: all of it is one commit. */
static int fetch_from_directory(
    const struct stages_work *work, struct recipe *recipe, struct err *err)
{
	auto_str char *git_dir = xasprintf("%s/.git", work->local_recipe);
	auto_str char *sample = xasprintf("%s/.env.sample", work->local_recipe);
	const char *const fetch[] = {"-C", work->run->recipe_dir, "fetch", "--quiet", "--tags",
	    "--", work->local_recipe, "HEAD", NULL};
	const char *const reset[] = {"reset", "--quiet", "--mixed", "FETCH_HEAD", NULL};
	/* The index comes from the other work tree: what is ignored there stays out. */
	const char *const add[] = {"-C", work->run->recipe_dir, "--work-tree", work->local_recipe,
	    "add", "--all", "--", ".", NULL};
	const char *const differs[] = {"diff", "--quiet", "--cached", "HEAD", NULL};
	const char *const commit[] = {
	    "commit", "--quiet", "--no-verify", "--message", "uncommitted changes", NULL};

	bool has_history = file_exists(git_dir);
	if (!has_history && !file_exists(sample))
		return err_set(err, ERR_MISSING,
		    "%s is no recipe: it has neither a history nor a .env.sample",
		    work->local_recipe);
	if ((has_history && (run_git(&(struct git_call){.work = work, .args = fetch}, err) < 0 ||
				git_here(work, reset, NULL, err) < 0)) ||
	    forget_submodules(work, err) < 0 ||
	    run_git(&(struct git_call){.work = work, .args = add}, err) < 0)
		return err_prefix(err, "copy %s", work->local_recipe);
	if (git_here(work, differs, NULL, err) < 0 && git_here(work, commit, NULL, err) < 0)
		return err_prefix(err, "commit the changes of %s", work->local_recipe);
	/* Of an app that runs share it is a version that is wanted. */
	if (!*work->run->params.ref)
		return recipe_head(work, recipe->head, err);
	(void)copy_text(recipe->head, sizeof(recipe->head), work->run->params.ref);
	return 0;
}

int recipe_fetch(const struct stages_work *work, struct recipe *out, struct err *err)
{
	AUTO(recipe) recipe = {0};

	if (init_checkout(work, err) < 0)
		return err_prefix(err, "prepare a checkout");
	int fetched = work->local_recipe ? fetch_from_directory(work, &recipe, err)
					 : fetch_from_forge(work, &recipe, err);
	if (fetched < 0 || recipe_checkout(work, recipe.head, err) < 0 ||
	    list_tags(work, &recipe, err) < 0)
		return -1;
	*out = recipe;
	recipe = (struct recipe){0};
	return 0;
}

int recipe_fetch_suites(const struct stages_work *work, char *directory, struct err *err)
{
	const struct run *run = work->run;
	const char *commit = run->params.suite_ref;
	struct run there = *run; /* its paths are borrowed */
	struct stages_work at = *work;
	auto_str char *url = forge_url(work, run->step.repo, err);

	if (!url)
		return -1;
	there.recipe_dir = directory;
	at.run = &there;
	const char *const fetch[] = {"-C", directory, "fetch", "--quiet", "--depth=1", "--no-tags",
	    "--no-recurse-submodules", "--", url, commit, NULL};
	if (init_checkout(&at, err) < 0 || fetch_by_token(&at, fetch, err) < 0 ||
	    check_out(&at, commit, err) < 0)
		return err_prefix(err, "fetch the suites of %s at %.8s", run->step.repo, commit);
	return 0;
}

int recipe_snapshot_tests(const struct stages_work *work, struct err *err)
{
	auto_str char *from = xasprintf("%s/tests", work->run->recipe_dir);
	auto_str char *to = run_path(work->run, "tests");

	if (!file_exists(from))
		return 0;
	/* Who runs them in the sandbox is nobody that may read what is ours. */
	if (file_copy_tree(from, to, err) < 0 || file_share_tree(to, err) < 0)
		return err_prefix(err, "copy the recipe's tests/");
	return 0;
}
