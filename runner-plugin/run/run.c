/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/run.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "runner-plugin/recipe/needs.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>

#define RUN_HEX 6
#define RUN_FILE_MAX_BYTES (64 * 1024)
#define RUN_STACK_CUT 45 /* abra cuts a stack's name there */
#define RUN_TRIES 16	 /* 24 bits of name against the runs of two weeks */

static bool copy_variable(const char *const *environ, const char *name, char *out, size_t out_size)
{
	const char *value = environ_get(environ, name);

	return copy_text(out, out_size, value ? value : "");
}

static const struct step_names {
	const char *server, *build, *repo, *workspace, *started;
} step_names[] = {
    [RUN_SERVER_DRONE] = {"Drone", "DRONE_BUILD_NUMBER", "DRONE_REPO", "DRONE_WORKSPACE",
	"DRONE_BUILD_STARTED"},
    [RUN_SERVER_WOODPECKER] = {"Woodpecker", "CI_PIPELINE_NUMBER", "CI_REPO", "CI_WORKSPACE",
	"CI_PIPELINE_STARTED"},
};

const char *run_server_name(enum run_server server)
{
	return step_names[server].server;
}

const char *run_workspace_variable(enum run_server server)
{
	return step_names[server].workspace;
}

static int read_drone_url(const char *const *environ, struct run_step *step, struct err *err)
{
	const char *proto = environ_get(environ, "DRONE_SYSTEM_PROTO");
	const char *host = environ_get(environ, "DRONE_SYSTEM_HOST");

	if (host && *host &&
	    !format_text(step->system_url, sizeof(step->system_url), "%s://%s",
		proto && *proto ? proto : "https", host))
		return err_set(err, ERR_CONFIG, "DRONE_SYSTEM_HOST is too long");
	return 0;
}

/* Its API knows the repository by a number, which stands in CI_PIPELINE_URL alone:
 * "http://ci.example.org/repos/1/pipeline/40". */
static int read_woodpecker_url(const char *const *environ, struct run_step *step, struct err *err)
{
	static const char before[] = "/repos/";
	const char *page = environ_get(environ, "CI_PIPELINE_URL");
	const char *at = page ? strstr(page, before) : NULL;

	if (!copy_variable(environ, "CI_SYSTEM_URL", step->system_url, sizeof(step->system_url)))
		return err_set(err, ERR_CONFIG, "CI_SYSTEM_URL is too long");
	if (!at)
		return 0;
	at += strlen(before);
	auto_str char *number = xstrndup(at, strcspn(at, "/"));
	if (!parse_int64(number, 1, INT32_MAX, &step->repo_id))
		return err_set(err, ERR_CONFIG, "CI_PIPELINE_URL has no repository's number");
	return 0;
}

static int read_facts(const char *const *environ, const struct step_names *names,
    struct run_step *step, struct err *err)
{
	const char *started = environ_get(environ, names->started);

	if (!copy_variable(environ, names->repo, step->repo, sizeof(step->repo)))
		return err_set(err, ERR_CONFIG, "%s is too long", names->repo);
	if (step->repo[0] && !params_is_src(step->repo))
		return err_set(err, ERR_CONFIG, "%s is no owner/repo", names->repo);
	if (!copy_variable(environ, names->workspace, step->workspace, sizeof(step->workspace)))
		return err_set(err, ERR_CONFIG, "%s is too long", names->workspace);
	if (started && *started && !parse_int64(started, 0, INT64_MAX, &step->started_s))
		return err_set(err, ERR_CONFIG, "%s is no time", names->started);
	return 0;
}

int run_step_read(const char *const *environ, struct run_step *out, struct err *err)
{
	const char *ci = environ_get(environ, "CI");
	bool is_woodpecker = ci && text_is(ci, "woodpecker");
	struct run_step step = {.server = is_woodpecker ? RUN_SERVER_WOODPECKER : RUN_SERVER_DRONE};
	const struct step_names *names = &step_names[step.server];
	const char *build = environ_get(environ, names->build);

	if (!build || !*build) {
		*out = step;
		return 0;
	}
	if (!parse_int64(build, 1, INT32_MAX, &step.build))
		return err_set(err, ERR_CONFIG, "%s is no build number", names->build);
	if ((is_woodpecker ? read_woodpecker_url : read_drone_url)(environ, &step, err) < 0 ||
	    read_facts(environ, names, &step, err) < 0)
		return -1;
	*out = step;
	return 0;
}

static int name_stack(struct run *run, struct err *err)
{
	if (snprintf(run->stack, RUN_STACK_CUT + 1, "%s", run->domain) < 0)
		return err_set(err, ERR_CONFIG, "domain %s makes no stack name", run->domain);
	for (char *c = run->stack; *c; c++) {
		if (*c == '.')
			*c = '_';
	}
	return 0;
}

/* The paths and the stack follow from the rest. */
static int fill_derived(const struct settings *settings, struct run *run, struct err *err)
{
	run->dir = xasprintf("%s/runs/%s", settings->state_dir, run->id);
	run->abra_dir = xasprintf("%s/abra", run->dir);
	run->recipe_dir = xasprintf("%s/recipes/%s", run->abra_dir, run->params.recipe);
	return name_stack(run, err);
}

void run_dev_id(const char *recipe, char out[RUN_ID_SIZE])
{
	char hash[FILE_HASH_SIZE];

	file_hash_bytes(recipe, strlen(recipe), hash);
	(void)format_text(out, RUN_ID_SIZE, RUN_DEV_PREFIX "%.*s", RUN_HEX, hash);
}

/* A label of a domain name has at most 63 characters. */
static int name_dev(const struct settings *settings, struct run *run, struct err *err)
{
	run_dev_id(run->params.recipe, run->id);
	if (!format_text(run->domain, sizeof(run->domain), RUN_DEV_PREFIX "%.59s.%s",
		run->params.recipe, settings->zone))
		return err_set(
		    err, ERR_CONFIG, "ZONE %s is too long for a test domain", settings->zone);
	return fill_derived(settings, run, err);
}

static int name_run(const struct settings *settings, struct run *run, struct err *err)
{
	unsigned char nonce[16];
	char hash[FILE_HASH_SIZE];
	char prefix[NEEDS_PREFIX_SIZE];

	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return err_sys(err, errno, "name the run: getrandom");

	AUTO(buf) seed = buf_make(1024);
	(void)buf_printf(
	    &seed, "%s|%lld|%s|", run->params.recipe, (long long)run->params.pr, run->params.ref);
	(void)buf_add(&seed, nonce, sizeof(nonce));
	file_hash_bytes(seed.data, seed.length, hash);

	needs_prefix(run->params.recipe, NEEDS_PREFIX_SIZE - 1, prefix);
	if (run->step.build)
		(void)format_text(run->id, sizeof(run->id), "%lld-%.*s", (long long)run->step.build,
		    RUN_HEX, hash);
	else
		(void)format_text(run->id, sizeof(run->id), "%s%.*s",
		    run->params.is_shared ? RUN_SHARED_PREFIX : "local-", RUN_HEX, hash);
	if (!format_text(run->domain, sizeof(run->domain), "%s-%.*s.%s", prefix, RUN_HEX, hash,
		settings->zone))
		return err_set(
		    err, ERR_CONFIG, "ZONE %s is too long for a test domain", settings->zone);
	return fill_derived(settings, run, err);
}

static char *build_link(const struct settings *settings, const struct run_step *step)
{
	char hash[FILE_HASH_SIZE];
	auto_str char *key =
	    xasprintf("%s|%s|%lld", step->system_url, step->repo, (long long)step->build);

	file_hash_bytes(key, strlen(key), hash);
	return xasprintf("%s/builds/%.16s", settings->state_dir, hash);
}

int run_save(const struct run *run, struct err *err)
{
	AUTO_PTR(json) root = json_new_object();
	struct json *stages = json_new_array();

	json_set_text(root, "id", run->id);
	json_set_text(root, "domain", run->domain);
	json_set_text(root, "recipe", run->params.recipe);
	json_set_text(root, "src", run->params.src);
	json_set_int(root, "pr", run->params.pr);
	json_set_text(root, "ref", run->params.ref);
	json_set_int(root, "comment", run->params.comment);
	json_set_text(root, "from", run->params.from);
	json_set_text(root, "suite_ref", run->params.suite_ref);
	json_set_int(root, "keep", run->params.keep_min);
	json_set_bool(root, "has_stages", run->params.has_stages);
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		if (run->params.stages[stage])
			json_add_text(stages, stage_word((enum stage)stage));
	}
	json_set(root, "stages", stages);
	json_set_int(root, "build", run->step.build);
	json_set_text(root, "system_url", run->step.system_url);
	json_set_text(root, "repo", run->step.repo);
	json_set_text(root, "workspace", run->step.workspace);
	json_set_int(root, "build_started", run->step.started_s);
	json_set_int(root, "started", run->started_s);

	auto_str char *text = json_print(root);
	auto_str char *path = run_path(run, "run.json");
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

static int make_run_dir(const struct settings *settings, struct run *run, struct err *err)
{
	auto_str char *parent = xasprintf("%s/runs", settings->state_dir);

	if (file_make_dirs(parent, 0700, err) < 0)
		return -1;
	for (int i = 0; i < RUN_TRIES; i++) {
		free(take_ptr(run->dir));
		free(take_ptr(run->abra_dir));
		free(take_ptr(run->recipe_dir));
		if ((run->params.is_dev ? name_dev : name_run)(settings, run, err) < 0)
			return -1;
		if (mkdir(run->dir, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			return err_sys(err, errno, "make %s", run->dir);
	}
	return err_set(
	    err, ERR_LIMIT, "%s: no free name for a run after %d tries", parent, RUN_TRIES);
}

static int link_build(const struct settings *settings, const struct run *run, struct err *err)
{
	if (!run->step.build)
		return 0;

	auto_str char *link = build_link(settings, &run->step);
	auto_str char *parent = xasprintf("%s/builds", settings->state_dir);
	auto_str char *target = xasprintf("../runs/%s", run->id);

	if (file_make_dirs(parent, 0700, err) < 0)
		return -1;
	if (symlink(target, link) != 0) {
		if (errno == EEXIST)
			return err_set(err, ERR_LIMIT,
			    "build %lld of %s has a run already: prepare runs once a build",
			    (long long)run->step.build, run->step.repo);
		return err_sys(err, errno, "link %s", link);
	}
	return 0;
}

int run_create(const struct settings *settings, const struct params *params,
    const struct run_step *step, struct run *out, struct err *err)
{
	AUTO(run) run = {.params = *params, .step = *step, .started_s = clock_wall_s()};

	if (make_run_dir(settings, &run, err) < 0)
		return err_prefix(err, "create the run");
	if (run_save(&run, err) < 0 || link_build(settings, &run, err) < 0) {
		struct err ignored;

		(void)!file_remove_tree(run.dir, &ignored);
		return err_prefix(err, "create the run");
	}
	*out = run;
	run = (struct run){0};
	return 0;
}

/* A text of run.json into its bounded place. */
static bool load_text(const struct json *root, const char *key, char *out, size_t out_size)
{
	const char *text = json_get_text(root, key);

	return text && copy_text(out, out_size, text);
}

static bool load_params(const struct json *root, struct params *params)
{
	const struct json *stages = json_get(root, "stages");

	/* An older ccci-run wrote neither. */
	(void)json_get_int(root, "keep", &params->keep_min);
	(void)!load_text(root, "suite_ref", params->suite_ref, sizeof(params->suite_ref));
	for (size_t i = 0; i < json_count(stages); i++) {
		const char *word = json_text(json_at(stages, i));
		enum stage stage = STAGE_NONE;

		if (!word || !stage_parse(word, &stage))
			return false;
		params->stages[stage] = true;
	}
	return load_text(root, "recipe", params->recipe, sizeof(params->recipe)) &&
	       params_is_recipe(params->recipe) &&
	       load_text(root, "src", params->src, sizeof(params->src)) &&
	       load_text(root, "ref", params->ref, sizeof(params->ref)) &&
	       load_text(root, "from", params->from, sizeof(params->from)) &&
	       json_get_int(root, "pr", &params->pr) &&
	       json_get_int(root, "comment", &params->comment) &&
	       json_get_bool(root, "has_stages", &params->has_stages);
}

static bool load_step(const struct json *root, struct run_step *step)
{
	return json_get_int(root, "build", &step->build) &&
	       load_text(root, "system_url", step->system_url, sizeof(step->system_url)) &&
	       load_text(root, "repo", step->repo, sizeof(step->repo)) &&
	       load_text(root, "workspace", step->workspace, sizeof(step->workspace)) &&
	       json_get_int(root, "build_started", &step->started_s);
}

bool run_is_id(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length < RUN_ID_SIZE && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

int run_open(const struct settings *settings, const char *id, struct run *out, struct err *err)
{
	AUTO(run) run = {0};
	AUTO(buf) text = {0};

	if (!run_is_id(id))
		return err_set(err, ERR_CONFIG, "\"%.40s\" is no run id", id);
	auto_str char *path = xasprintf("%s/runs/%s/run.json", settings->state_dir, id);
	if (file_read(path, RUN_FILE_MAX_BYTES, &text, err) < 0)
		return -1;
	AUTO_PTR(json) root = json_parse(buf_text(&text), text.length, err);
	if (!root)
		return err_prefix(err, "%s", path);
	(void)copy_text(run.id, sizeof(run.id), id);
	if (!load_text(root, "domain", run.domain, sizeof(run.domain)) ||
	    !load_params(root, &run.params) || !load_step(root, &run.step) ||
	    !json_get_int(root, "started", &run.started_s))
		return err_set(err, ERR_PROTOCOL, "%s is damaged", path);
	if (fill_derived(settings, &run, err) < 0)
		return -1;
	*out = run;
	run = (struct run){0};
	return 0;
}

int run_find(
    const struct settings *settings, const struct run_step *step, struct run *out, struct err *err)
{
	auto_str char *link = build_link(settings, step);
	char target[sizeof("../runs/") + RUN_ID_SIZE];
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0 && errno == ENOENT)
		return err_set(err, ERR_MISSING,
		    "build %lld of %s has no run here: did the prepare step run on this host?",
		    (long long)step->build, step->repo);
	if (length < 0)
		return err_sys(err, errno, "read %s", link);
	target[length] = '\0';
	if (!text_starts(target, "../runs/"))
		return err_set(err, ERR_PROTOCOL, "%s points elsewhere", link);
	return run_open(settings, target + strlen("../runs/"), out, err);
}

static int name_source(
    const struct settings *settings, const struct run *run, struct params *params, struct err *err)
{
	const char *src = run->params.src;
	const char *org = *src ? src : settings->recipe_org;

	params->src[0] = '\0';
	if (!org || !*org ||
	    format_text(params->src, sizeof(params->src), "%.*s/%s", (int)strcspn(org, "/"), org,
		params->recipe))
		return 0;
	return err_set(err, ERR_CONFIG, "the repository's name of %s is too long", params->recipe);
}

int run_beside(const struct settings *settings, const struct run *run, const char *recipe,
    const char *prefix, struct run *out, struct err *err)
{
	AUTO(run) beside = run_copy(run);
	const char *hex = run->id + strlen(run->id) - RUN_HEX;

	free(beside.dir);
	free(beside.recipe_dir);
	beside.dir = xasprintf("%s/" RUN_NEEDS_DIR "/%s", run->dir, recipe);
	beside.recipe_dir = xasprintf("%s/recipes/%s", run->abra_dir, recipe);
	beside.params.pr = 0;
	beside.params.ref[0] = '\0';
	(void)copy_text(beside.params.recipe, sizeof(beside.params.recipe), recipe);
	if (name_source(settings, run, &beside.params, err) < 0)
		return -1;
	if (!format_text(
		beside.domain, sizeof(beside.domain), "%s-%s.%s", prefix, hex, settings->zone))
		return err_set(
		    err, ERR_CONFIG, "ZONE %s is too long for a test domain", settings->zone);
	if (name_stack(&beside, err) < 0)
		return -1;
	*out = beside;
	beside = (struct run){0};
	return 0;
}

void run_tenant(const struct run *run, char out[RUN_TENANT_SIZE])
{
	size_t length = strlen(run->id);

	assert(length >= RUN_HEX);
	(void)format_text(out, RUN_TENANT_SIZE, "run%s", run->id + length - RUN_HEX);
}

struct run run_copy(const struct run *run)
{
	struct run copy = *run;

	copy.dir = xstrdup(run->dir);
	copy.abra_dir = xstrdup(run->abra_dir);
	copy.recipe_dir = xstrdup(run->recipe_dir);
	return copy;
}

void run_release(struct run *run)
{
	free(run->dir);
	free(run->abra_dir);
	free(run->recipe_dir);
	*run = (struct run){0};
}

char *run_path(const struct run *run, const char *name)
{
	return xasprintf("%s/%s", run->dir, name);
}

char *run_describe(const struct run *run)
{
	if (run->params.pr)
		return xasprintf(
		    "%s #%lld (run %s)", run->params.recipe, (long long)run->params.pr, run->id);
	return xasprintf("%s (run %s)", run->params.recipe, run->id);
}
