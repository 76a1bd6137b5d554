/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/render.h"

#include "common/file.h"
#include "runner-plugin/recipe/compose_check.h"
#include "runner-plugin/recipe/recipe.h"

#define SOURCE_MAX_BYTES (512 * 1024) /* of one compose file, .env.sample or abra.sh */
#define DOMAIN_WORD "@domain@"	      /* in the values of a suite's env */

void rendered_release(struct rendered *rendered)
{
	for (size_t i = 0; i < rendered->set_count; i++) {
		free(rendered->sets[i].name);
		free(rendered->sets[i].value);
	}
	free(rendered->sets);
	free(rendered->commit);
	free(rendered->env_commit);
	free(rendered->compose_file);
	free(rendered->directory);
	tree_release(&rendered->tree);
	env_release(&rendered->env);
	compose_model_release(&rendered->model);
	*rendered = (struct rendered){0};
}

static void set(struct rendered *rendered, const char *name, const char *value)
{
	for (size_t i = 0; i < rendered->set_count; i++) {
		if (text_is(rendered->sets[i].name, name)) {
			free(rendered->sets[i].value);
			rendered->sets[i].value = xstrdup(value);
			return;
		}
	}
	rendered->sets =
	    xrealloc_array(rendered->sets, rendered->set_count + 1, sizeof(*rendered->sets));
	rendered->sets[rendered->set_count++] = (struct env_row){xstrdup(name), xstrdup(value)};
}

char *render_env_file(const struct rendered *rendered, const char *text, struct err *err)
{
	char *result = xstrdup(text);

	for (size_t i = 0; result && i < rendered->set_count; i++) {
		char *next =
		    env_file_set(result, rendered->sets[i].name, rendered->sets[i].value, err);

		free(result);
		result = next;
	}
	return result;
}

/* Where a file of the recipe is read. */
struct place {
	const struct stages_work *work;
	const char *commit;
	const struct tree *tree;
};

/* A link is followed as far as the recipe goes, as abra will follow it, and no step further. */
static int show(const struct place *place, const char *path, struct buf *out, struct err *err)
{
	auto_str char *tidy = tree_loader_path("", path);
	auto_str char *end = NULL;

	switch (tree_find(place->tree, tidy, &end)) {
	case TREE_IS_FILE:
		return recipe_show(place->work, place->commit, end, SOURCE_MAX_BYTES, out, err);
	case TREE_IS_OUTSIDE:
		return err_set(err, ERR_CONFIG, "%.60s leads out of the recipe%s%.100s", path,
		    end ? ", to " : "", end ? end : "");
	case TREE_IS_DIRECTORY:
	case TREE_IS_ABSENT:
		break;
	}
	return err_set(err, ERR_MISSING, "%.60s is not in %.8s", path, place->commit);
}

/* --- the env file --- */

static char *replace_domain(const char *text, const char *word, const char *domain)
{
	AUTO(buf) out = buf_make(SOURCE_MAX_BYTES * 8);

	for (const char *found = strstr(text, word); found; found = strstr(text, word)) {
		(void)buf_add(&out, text, (size_t)(found - text));
		(void)buf_add_text(&out, domain);
		text = found + strlen(word);
	}
	(void)buf_add_text(&out, text);
	return buf_take(&out);
}

int64_t render_timeout_ms(const struct stages_work *work, const struct suite *suite)
{
	return suite->deploy_timeout_ms ? suite->deploy_timeout_ms
					: work->settings->deploy_timeout_ms;
}

static void choose_values(const struct stages_work *work, const struct suite *suite,
    const struct env *sample, struct rendered *rendered)
{
	auto_str char *timeout =
	    xasprintf("%lld", (long long)(render_timeout_ms(work, suite) / 1000));

	/* So that abra does not give up first, where the recipe lets one choose. */
	set(rendered, "TIMEOUT", timeout);
	for (size_t i = 0; i < suite->env_count; i++) {
		auto_str char *value =
		    replace_domain(suite->env[i].value, DOMAIN_WORD, work->run->domain);

		set(rendered, suite->env[i].key, value);
	}
	/* What decides who this app is, and that nobody asks for a certificate, is not the
	 * suite's. */
	set(rendered, "LETS_ENCRYPT_ENV", "");
	set(rendered, "DOMAIN", work->run->domain);
	if (env_get(sample, "STACK_NAME"))
		set(rendered, "STACK_NAME", work->run->stack);
}

static int read_env(const struct place *place, const struct suite *suite, struct env *out,
    struct rendered *rendered, struct err *err)
{
	const struct run *run = place->work->run;
	AUTO(buf) sample = {0};
	AUTO(env) before = {0};

	if (show(place, ".env.sample", &sample, err) < 0)
		return err->code == ERR_MISSING
			   ? err_set(err, ERR_CONFIG, "%s is no recipe: it has no .env.sample",
				 run->params.recipe)
			   : -1;
	/* As abra app new makes it: the example domain of the sample becomes the app's. */
	auto_str char *example = xasprintf("%s.example.com", run->params.recipe);
	auto_str char *text = replace_domain(buf_text(&sample), example, run->domain);
	if (env_file_parse(".env.sample", text, strlen(text), &before, err) < 0)
		return -1;
	choose_values(place->work, suite, &before, rendered);
	auto_str char *ours = render_env_file(rendered, text, err);
	return ours ? env_file_parse(".env.sample", ours, strlen(ours), out, err) : -1;
}

/* --- the compose files --- */

struct sources {
	struct compose_file files[COMPOSE_FILES_MAX];
	struct buf texts[COMPOSE_FILES_MAX];
	char *names[COMPOSE_FILES_MAX];
	size_t count;
};

static void sources_release(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		buf_release(&sources->texts[i]);
		free(sources->names[i]);
	}
	sources->count = 0;
}
DEFINE_AUTO(sources, sources_release);

static int add_source(
    struct sources *sources, const char *name, struct buf *take_text, struct err *err)
{
	size_t at = sources->count;

	if (at == COMPOSE_FILES_MAX) {
		buf_release(take_text);
		return err_set(
		    err, ERR_CONFIG, "COMPOSE_FILE names more than %d files", COMPOSE_FILES_MAX);
	}
	sources->names[at] = xstrdup(name);
	sources->texts[at] = *take_text;
	sources->files[at] = (struct compose_file){
	    sources->names[at], buf_text(&sources->texts[at]), take_text->length};
	*take_text = (struct buf){0};
	sources->count++;
	return 0;
}

/* The recipe's own, in order. A version that is not the head may lack what the head has. */
static int add_recipes_files(const struct place *place, const char *list, bool may_lack,
    struct sources *sources, struct err *err)
{
	while (*list) {
		size_t length = strcspn(list, ":");
		auto_str char *name = xstrndup(list, length);
		AUTO(buf) text = {0};

		list += length + (list[length] == ':');
		if (!*name)
			continue;
		if (show(place, name, &text, err) == 0) {
			if (add_source(sources, name, &text, err) < 0)
				return -1;
			continue;
		}
		if (err->code != ERR_MISSING)
			return err_prefix(err, "COMPOSE_FILE");
		if (!may_lack || text_is(name, "compose.yml"))
			return err_set(err, ERR_CONFIG,
			    "COMPOSE_FILE names %.60s, which the recipe does not have", name);
	}
	return 0;
}

static int add_overlays(const struct stages_work *work, const struct suite *suite,
    struct sources *sources, struct err *err)
{
	for (size_t i = 0; i < suite->compose_count; i++) {
		auto_str char *inside = xasprintf("suite/%s", suite->compose[i]);
		auto_str char *path = run_path(work->run, inside);
		auto_str char *name = xasprintf("%s%s", RENDER_OVERLAY_PREFIX, suite->compose[i]);
		AUTO(buf) text = {0};

		if (file_read(path, SOURCE_MAX_BYTES, &text, err) < 0)
			return err_prefix(err, "overlay of the suite");
		if (add_source(sources, name, &text, err) < 0)
			return -1;
	}
	return 0;
}

int render_copy_overlays(const struct stages_work *work, const struct suite *suite, struct err *err)
{
	for (size_t i = 0; i < suite->compose_count; i++) {
		auto_str char *inside = xasprintf("suite/%s", suite->compose[i]);
		auto_str char *from = run_path(work->run, inside);
		auto_str char *to = xasprintf(
		    "%s/%s%s", work->run->recipe_dir, RENDER_OVERLAY_PREFIX, suite->compose[i]);
		AUTO(buf) text = {0};

		if (file_read(from, SOURCE_MAX_BYTES, &text, err) < 0 ||
		    file_write_atomic(to, 0644, text.data, text.length, err) < 0)
			return err_prefix(err, "overlay of the suite");
	}
	return 0;
}

static char *join_names(const struct sources *sources)
{
	AUTO(buf) list = buf_make((size_t)COMPOSE_FILES_MAX * 512);

	for (size_t i = 0; i < sources->count; i++)
		(void)buf_printf(&list, "%s%s", i ? ":" : "", sources->names[i]);
	return buf_take(&list);
}

static int add_exports(const struct place *place, struct env *env, struct err *err)
{
	AUTO(buf) text = {0};
	struct err why;

	if (show(place, "abra.sh", &text, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	env_add_abra_sh(env, buf_text(&text), text.length);
	return 0;
}

/* A file that whoever deploys reads; *out_end is where it lies in the recipe, the caller frees it.
 * NULL: outside, where it is not looked for: whether it may be read at all is decided elsewhere. */
static int check_file(const struct rendered *rendered, const char *what, const char *file,
    char **out_end, struct err *err)
{
	auto_str char *path = tree_loader_path(rendered->directory, file);
	auto_str char *end = NULL;
	enum tree_place place = tree_find(&rendered->tree, path, &end);

	*out_end = place == TREE_IS_FILE ? take_ptr(end) : NULL;
	if (place == TREE_IS_FILE || place == TREE_IS_OUTSIDE)
		return 0;
	return err_set(err, ERR_CONFIG, "%.100s: its file %.100s is not in the recipe", what, file);
}

static int check_contents(const struct rendered *rendered, const char *kind,
    const struct compose_named *named, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		auto_str char *what = xasprintf("%s %s", kind, named[i].key);
		auto_str char *end = NULL;

		if (named[i].source_file && !named[i].is_external &&
		    check_file(rendered, what, named[i].source_file, &end, err) < 0)
			return -1;
	}
	return 0;
}

/* The deploy reads it too, and refuses the stack for a line of it. */
static int check_env_file(const struct stages_work *work, const struct rendered *rendered,
    const struct compose_service *service, const char *file, struct err *err)
{
	auto_str char *what = xasprintf("service %s, env_file", service->name);
	auto_str char *end = NULL;
	AUTO(buf) text = {0};

	if (check_file(rendered, what, file, &end, err) < 0)
		return -1;
	if (!end)
		return 0;
	if (recipe_show(work, rendered->commit, end, SOURCE_MAX_BYTES, &text, err) < 0)
		return -1;
	return compose_check_env_file(file, buf_text(&text), text.length, err);
}

static int check_files(
    const struct stages_work *work, const struct rendered *rendered, struct err *err)
{
	const struct compose_model *model = &rendered->model;

	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		for (size_t k = 0; k < service->env_file_count; k++) {
			if (check_env_file(work, rendered, service, service->env_files[k], err) < 0)
				return -1;
		}
	}
	if (check_contents(rendered, "secret", model->secrets, model->secret_count, err) < 0)
		return -1;
	return check_contents(rendered, "config", model->configs, model->config_count, err);
}

/* The directory of the first file, in the recipe. */
static char *directory_of(const char *name)
{
	auto_str char *tidy = tree_loader_path("", name);
	char *slash = strrchr(tidy, '/');

	return slash ? xstrndup(tidy, (size_t)(slash - tidy)) : xstrdup("");
}

/* Of the head, or of another version with the head's .env.sample. */
static int read_head_env(const struct place *place, const struct suite *suite,
    const char *env_commit, struct env *out, struct rendered *rendered, struct err *err)
{
	AUTO(tree) tree = {0};
	const struct place other = {place->work, env_commit, &tree};

	if (text_is(place->commit, env_commit))
		return read_env(place, suite, out, rendered, err);
	if (recipe_list(place->work, env_commit, &tree, err) < 0)
		return -1;
	return read_env(&other, suite, out, rendered, err);
}

int render_commit(const struct stages_work *work, const struct suite *suite, const char *commit,
    const char *env_commit, struct rendered *out, struct err *err)
{
	AUTO(rendered)
	rendered = {.commit = xstrdup(commit), .env_commit = xstrdup(env_commit)};
	AUTO(sources) sources = {0};
	struct env *env = &rendered.env;
	const struct place place = {work, commit, &rendered.tree};

	if (recipe_list(work, commit, &rendered.tree, err) < 0 ||
	    read_head_env(&place, suite, env_commit, env, &rendered, err) < 0)
		return -1;
	const char *list = env_get(env, "COMPOSE_FILE");
	bool is_other = !text_is(commit, env_commit);
	if (add_recipes_files(
		&place, list && *list ? list : "compose.yml", is_other, &sources, err) < 0 ||
	    add_overlays(work, suite, &sources, err) < 0 || add_exports(&place, env, err) < 0)
		return -1;
	rendered.compose_file = join_names(&sources);
	rendered.directory = directory_of(sources.count ? sources.names[0] : "");
	set(&rendered, "COMPOSE_FILE", rendered.compose_file);
	env_set(env, "STACK_NAME", work->run->stack);
	env_set(env, "DOMAIN", work->run->domain);
	if (compose_render(sources.files, sources.count, env, &rendered.model, err) < 0 ||
	    compose_check(&rendered.model, work->run->stack, err) < 0 ||
	    check_files(work, &rendered, err) < 0)
		return -1;
	*out = rendered;
	rendered = (struct rendered){0};
	return 0;
}
