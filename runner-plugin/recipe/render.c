/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/render.h"

#include "common/file.h"
#include "runner-plugin/recipe/recipe.h"

#define SOURCE_MAX_BYTES (512 * 1024) /* of one compose file, .env.sample or abra.sh */

void rendered_release(struct rendered *rendered)
{
	for (size_t i = 0; i < rendered->set_count; i++) {
		free(rendered->sets[i].name);
		free(rendered->sets[i].value);
	}
	free(rendered->sets);
	free(rendered->commit);
	free(rendered->compose_file);
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

/* --- the env file --- */

/* As abra app new makes it: the example domain of the sample becomes the app's. */
static char *replace_domain(const char *text, const char *recipe, const char *domain)
{
	auto_str char *example = xasprintf("%s.example.com", recipe);
	AUTO(buf) out = buf_make(SOURCE_MAX_BYTES * 8);

	for (const char *found = strstr(text, example); found; found = strstr(text, example)) {
		(void)buf_add(&out, text, (size_t)(found - text));
		(void)buf_add_text(&out, domain);
		text = found + strlen(example);
	}
	(void)buf_add_text(&out, text);
	return buf_take(&out);
}

static void choose_values(const struct stages_work *work, const struct suite *suite,
    const struct env *sample, struct rendered *rendered)
{
	int64_t timeout_ms =
	    suite->deploy_timeout_ms ? suite->deploy_timeout_ms : work->settings->deploy_timeout_ms;
	auto_str char *timeout = xasprintf("%lld", (long long)(timeout_ms / 1000));

	/* So that abra does not give up first, where the recipe lets one choose. */
	set(rendered, "TIMEOUT", timeout);
	for (size_t i = 0; i < suite->env_count; i++)
		set(rendered, suite->env[i].key, suite->env[i].value);
	/* What decides who this app is, and that nobody asks for a certificate, is not the
	 * suite's. */
	set(rendered, "LETS_ENCRYPT_ENV", "");
	set(rendered, "DOMAIN", work->run->domain);
	if (env_get(sample, "STACK_NAME"))
		set(rendered, "STACK_NAME", work->run->stack);
}

static int read_env(const struct stages_work *work, const struct suite *suite,
    const char *env_commit, struct env *out, struct rendered *rendered, struct err *err)
{
	const struct run *run = work->run;
	AUTO(buf) sample = {0};
	AUTO(env) before = {0};

	if (recipe_show(work, env_commit, ".env.sample", SOURCE_MAX_BYTES, &sample, err) < 0)
		return err->code == ERR_MISSING
			   ? err_set(err, ERR_CONFIG, "%s is no recipe: it has no .env.sample",
				 run->params.recipe)
			   : -1;
	auto_str char *text = replace_domain(buf_text(&sample), run->params.recipe, run->domain);
	if (env_file_parse(".env.sample", text, strlen(text), &before, err) < 0)
		return -1;
	choose_values(work, suite, &before, rendered);
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
static int add_recipes_files(const struct stages_work *work, const char *commit, const char *list,
    bool may_lack, struct sources *sources, struct err *err)
{
	while (*list) {
		size_t length = strcspn(list, ":");
		auto_str char *name = xstrndup(list, length);
		AUTO(buf) text = {0};

		list += length + (list[length] == ':');
		if (!*name)
			continue;
		if (*name == '/' || strstr(name, ".."))
			return err_set(
			    err, ERR_CONFIG, "COMPOSE_FILE: \"%.60s\" is outside the recipe", name);
		if (recipe_show(work, commit, name, SOURCE_MAX_BYTES, &text, err) == 0) {
			if (add_source(sources, name, &text, err) < 0)
				return -1;
			continue;
		}
		if (err->code != ERR_MISSING)
			return -1;
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

static int add_exports(
    const struct stages_work *work, const char *commit, struct env *env, struct err *err)
{
	AUTO(buf) text = {0};
	struct err why;

	if (recipe_show(work, commit, "abra.sh", SOURCE_MAX_BYTES, &text, &why) < 0) {
		if (why.code == ERR_MISSING)
			return 0;
		*err = why;
		return -1;
	}
	env_add_abra_sh(env, buf_text(&text), text.length);
	return 0;
}

/* What a deploy of it would stumble over. */
static int check_model(const struct compose_model *model, struct err *err)
{
	const char *long_name = compose_find_long_name(model);
	bool has_app = false;

	for (size_t i = 0; i < model->service_count; i++) {
		has_app = has_app || text_is(model->services[i].name, "app");
		if (!model->services[i].image)
			return err_set(
			    err, ERR_CONFIG, "service %.60s has no image", model->services[i].name);
	}
	if (!has_app)
		return err_set(err, ERR_CONFIG, "the compose files have no service app");
	if (long_name)
		return err_set(err, ERR_CONFIG,
		    "the name %.100s has %zu characters; Swarm takes %d", long_name,
		    strlen(long_name), COMPOSE_NAME_MAX);
	return 0;
}

int render_commit(const struct stages_work *work, const struct suite *suite, const char *commit,
    const char *env_commit, struct rendered *out, struct err *err)
{
	AUTO(rendered) rendered = {.commit = xstrdup(commit)};
	AUTO(sources) sources = {0};
	AUTO(env) env = {0};

	if (read_env(work, suite, env_commit, &env, &rendered, err) < 0)
		return -1;
	const char *list = env_get(&env, "COMPOSE_FILE");
	bool is_other = !text_is(commit, env_commit);
	if (add_recipes_files(
		work, commit, list && *list ? list : "compose.yml", is_other, &sources, err) < 0 ||
	    add_overlays(work, suite, &sources, err) < 0 ||
	    add_exports(work, commit, &env, err) < 0)
		return -1;
	rendered.compose_file = join_names(&sources);
	set(&rendered, "COMPOSE_FILE", rendered.compose_file);
	env_set(&env, "STACK_NAME", work->run->stack);
	env_set(&env, "DOMAIN", work->run->domain);
	if (compose_render(sources.files, sources.count, &env, &rendered.model, err) < 0 ||
	    check_model(&rendered.model, err) < 0)
		return -1;
	*out = rendered;
	rendered = (struct rendered){0};
	return 0;
}
