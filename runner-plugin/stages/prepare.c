/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first worker of a run, and `ccci-run plan`: everything that can be known before a deploy. */
#include "runner-plugin/stages/prepare.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/abra/abra.h"
#include "runner-plugin/abra/abra_server.h"
#include "runner-plugin/abra/stack_config.h"
#include "runner-plugin/host/doctor.h"
#include "runner-plugin/recipe/recipe.h"
#include "runner-plugin/recipe/recipe_version.h"
#include "runner-plugin/recipe/render.h"
#include "runner-plugin/recipe/secrets.h"
#include "runner-plugin/recipe/shipped.h"
#include "runner-plugin/recipe/trespass.h"
#include "runner-plugin/run/canonical.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/journal.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/shared.h"
#include "runner-plugin/stages/beside.h"
#include "runner-plugin/swarm/image.h"

#include <errno.h>
#include <sys/stat.h>

#define TESTED_ABRA "0.13."
#define PLAN_TEXT_MAX_BYTES (64 * 1024)
#define NO_SUITE "defaults" /* in the place of a suite's directory */

struct preparation {
	struct stages_work work; /* a copy: its run is the one below */
	struct run run;		 /* a copy: the commit is resolved here; its paths are borrowed */
	char *suites_checkout;	 /* of SUITE_REF; NULL: the build's */
	bool only_plans;
	bool is_need;	       /* of a recipe that is deployed beside the one under test */
	struct engine *engine; /* borrowed; NULL: none is asked */
	struct suite suite;
	struct recipe recipe;
	struct stack_config stack_config; /* docker NULL: none is asked */
	struct rendered head, base;
	size_t own_test_count, own_extra_count; /* executables that the recipe ships */
	struct plan plan;
	struct prepared prepared;
	struct image_list images;      /* the head's */
	struct image_list base_images; /* those that only the base needs */
	struct logins logins;	       /* of the operator at registries */
	/* how it ends */
	enum outcome outcome;
	enum exit_code exit_code;
	char reason[RESULTS_TEXT_MAX];
};

static void preparation_release(struct preparation *preparation)
{
	free(preparation->suites_checkout);
	suite_release(&preparation->suite);
	recipe_release(&preparation->recipe);
	stack_config_release(&preparation->stack_config);
	rendered_release(&preparation->head);
	rendered_release(&preparation->base);
	plan_release(&preparation->plan);
	prepared_release(&preparation->prepared);
	image_list_release(&preparation->images);
	image_list_release(&preparation->base_images);
	logins_release(&preparation->logins);
}
DEFINE_AUTO(preparation, preparation_release);

static struct preparation begin(const struct stages_work *work)
{
	struct preparation preparation = {.work = *work, .run = *work->run};

	prepared_init(&preparation.prepared);
	return preparation;
}

static void say(void *context, const char *line)
{
	(void)context;
	stages_say("prepare", line);
}

static void show(void *context, const char *line)
{
	(void)context;
	stages_show("prepare", line);
}

/* Always -1, so that a step can end with it. */
PRINTF_LIKE(4, 5)
static int stop(struct preparation *preparation, enum outcome outcome, enum exit_code exit_code,
    const char *format, ...)
{
	va_list args;

	preparation->outcome = outcome;
	preparation->exit_code = exit_code;
	va_start(args, format);
	(void)vsnprintf(preparation->reason, sizeof(preparation->reason), format, args);
	va_end(args);
	return -1;
}

/* Ours, but for what somebody wrote wrongly. */
static int stop_for(struct preparation *preparation, const struct err *err)
{
	return stop(preparation, OUTCOME_ERROR, exit_of_err(err), "%s", err->msg);
}

static bool is_recipes_fault(const struct err *err)
{
	return err->code == ERR_CONFIG || err->code == ERR_MISSING || err->code == ERR_LIMIT;
}

/* --- the run's own directories --- */

static int make_dir(struct preparation *preparation, const char *path, struct err *err)
{
	AUTO(journal_entry) entry = {.kind = JOURNAL_DIR, .path = xstrdup(path)};

	if (!preparation->only_plans &&
	    journal_record(preparation->work.control_fd, &entry, err) < 0)
		return -1;
	return file_make_dirs(path, 0700, err);
}

/* An ABRA_DIR of its own: recipes private, servers and catalogue the operator's. */
static int make_abra_dir(struct preparation *preparation, struct err *err)
{
	static const char *const linked[] = {"servers", "catalogue"};
	const struct run *run = &preparation->run;
	const struct settings *settings = preparation->work.settings;
	auto_str char *server =
	    xasprintf("%s/servers/%s", settings->abra_dir, settings->abra_server);

	if (!preparation->only_plans && !file_exists(server))
		return err_set(err, ERR_MISSING,
		    "abra knows no server %s: there is no %s (abra server add --local)",
		    settings->abra_server, server);
	if (make_dir(preparation, run->abra_dir, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(linked); i++) {
		auto_str char *target = xasprintf("%s/%s", settings->abra_dir, linked[i]);
		auto_str char *link = xasprintf("%s/%s", run->abra_dir, linked[i]);

		if (file_exists(target) && symlink(target, link) < 0)
			return err_sys(err, errno, "link %s", link);
	}
	return 0;
}

static int make_dirs(struct preparation *preparation, struct err *err)
{
	static const char *const names[] = {
	    "tests", "suite", "scratch", RUN_SECRETS_DIR, RUN_NEEDS_DIR, RUN_SUITES_DIR};
	auto_str char *log_dir = run_path(&preparation->run, "log");

	if (file_make_dirs(log_dir, 0700, err) < 0 || make_abra_dir(preparation, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		AUTO(journal_entry) entry = {.kind = JOURNAL_DIR};

		/* Filled later; the undo comes first. */
		entry.path = run_path(&preparation->run, names[i]);
		if (!preparation->only_plans &&
		    journal_record(preparation->work.control_fd, &entry, err) < 0)
			return -1;
	}
	return 0;
}

/* --- what is tested, with what --- */

/* For the recipe and all that it needs: the harness stays the build's. */
static int fetch_suites(struct preparation *preparation)
{
	const struct run *run = &preparation->run;
	const char *suites = preparation->work.settings->suites;
	struct err err;

	if (!run->params.suite_ref[0])
		return 0;
	if (suites[0] == '/')
		return stop(preparation, OUTCOME_ERROR, EXIT_USAGE,
		    "SUITE_REF: the suites of this host are in %s (SUITES) and not in the CI "
		    "repository, so they have no other commit",
		    suites);
	show(NULL, "fetching the suites");
	preparation->suites_checkout = run_path(run, RUN_SUITES_DIR);
	if (recipe_fetch_suites(&preparation->work, preparation->suites_checkout, &err) < 0)
		return stop_for(preparation, &err);
	preparation->work.checkout = preparation->suites_checkout;
	return 0;
}

static int read_suite(struct preparation *preparation)
{
	const struct stages_work *work = &preparation->work;
	const char *suites = work->settings->suites;
	const char *recipe = preparation->run.params.recipe;
	auto_str char *from = suite_directory(suites, work->checkout, recipe);
	auto_str char *snapshot = run_path(&preparation->run, "suite");
	char hash[FILE_HASH_SIZE];
	struct err err;

	preparation->suite = (struct suite){.weight = 1};
	free(preparation->prepared.suite);
	if (!from || !file_exists(from)) {
		preparation->prepared.suite = xstrdup(NO_SUITE);
		return preparation->run.step.build && !preparation->is_need
			   ? stop(preparation, OUTCOME_ERROR, EXIT_USAGE,
				 "%s is not enrolled: there is no %s/%s%s%s", recipe, suites,
				 recipe, suites[0] == '/' ? "" : " in the CI repository",
				 preparation->suites_checkout ? " at SUITE_REF" : "")
			   : 0;
	}
	preparation->prepared.suite = xasprintf("%s/%s", suites, recipe);
	if (file_copy_tree(from, snapshot, &err) < 0 ||
	    suite_read(snapshot, &preparation->suite, &err) < 0 ||
	    file_hash_tree(snapshot, hash, &err) < 0)
		return stop_for(preparation, &err);
	free(preparation->prepared.suite_hash);
	preparation->prepared.suite_hash = xasprintf("sha256:%s", hash);
	return 0;
}

/* Once no link of the recipe leads out of it. */
static int snapshot_tests(struct preparation *preparation)
{
	auto_str char *path = run_path(&preparation->run, "tests");
	char hash[FILE_HASH_SIZE];
	struct err err;

	if (recipe_snapshot_tests(&preparation->work, &err) < 0)
		return stop_for(preparation, &err);
	if (!file_exists(path))
		return 0;
	if (file_hash_tree(path, hash, &err) < 0)
		return stop_for(preparation, &err);
	free(preparation->prepared.recipe_tests_hash);
	preparation->prepared.recipe_tests_hash = xasprintf("sha256:%s", hash);
	return 0;
}

static int fetch(struct preparation *preparation)
{
	int64_t started_ns = clock_now();
	struct err err;

	show(NULL, preparation->work.local_recipe ? "copying the recipe" : "fetching the recipe");
	if (recipe_fetch(&preparation->work, &preparation->recipe, &err) < 0)
		return stop_for(preparation, &err);
	(void)copy_text(preparation->run.params.ref, sizeof(preparation->run.params.ref),
	    preparation->recipe.head);
	preparation->prepared.is_default = preparation->recipe.is_default;
	if (!preparation->only_plans && run_save(&preparation->run, &err) < 0)
		return stop_for(preparation, &err);
	prepared_add_phase(
	    &preparation->prepared, "fetch", (double)clock_elapsed_ms(started_ns) / 1000);
	return 0;
}

/* --- in its place --- */

/* A plan is made without an engine: then what this machine has. */
static int64_t memory_of_host(const struct preparation *preparation)
{
	struct err why;
	AUTO_PTR(json)
	info = preparation->engine ? engine_get(preparation->engine, "/info", &why) : NULL;
	int64_t bytes = 0;

	if (json_get_int(info, "MemTotal", &bytes) && bytes > 0)
		return bytes;
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static void judge(
    const struct preparation *preparation, const struct rendered *rendered, struct trespass *out)
{
	static const char scheme[] = "unix://";
	const struct settings *settings = preparation->work.settings;
	const struct trespass_rules rules = {
	    .stack = preparation->run.stack,
	    .networks = settings->networks_allow,
	    .socket = text_starts(settings->docker_host, scheme)
			  ? settings->docker_host + strlen(scheme)
			  : NULL,
	    .max_replicas = settings->max_replicas,
	    .max_memory = settings->max_memory ? settings->max_memory : memory_of_host(preparation),
	    .directory = rendered->directory,
	    .tree = &rendered->tree,
	    .allow = preparation->suite.allow,
	    .allow_count = preparation->suite.allow_count,
	};

	trespass_judge(&rendered->model, &rules, out);
}

/* Before any file of the commit is opened. 0: none; 1: out is filled. */
static int find_link(const struct preparation *preparation, const char *commit,
    struct trespass_item *out, struct err *err)
{
	AUTO(tree) tree = {0};

	if (recipe_list(&preparation->work, commit, &tree, err) < 0)
		return -1;
	return trespass_find_link(
	    &tree, preparation->suite.allow, preparation->suite.allow_count, out);
}

static void keep_allowed(struct preparation *preparation, const struct trespass *trespass)
{
	for (size_t i = 0; i < trespass->allowed_count; i++) {
		const struct trespass_item *item = &trespass->allowed[i];
		auto_str char *line = xasprintf("allowed: %s%s%s (%s)", item->service,
		    *item->service ? " " : "", item->what, item->word);

		say(NULL, line);
		results_allowed_add(
		    &preparation->prepared.allowed, item->service, item->what, item->word);
	}
}

/* The first, and how many more there are; all of them are said. */
static char *all_refused(const struct trespass *trespass)
{
	auto_str char *first = trespass_sentence(&trespass->refused[0]);

	for (size_t i = 1; i < trespass->refused_count; i++) {
		auto_str char *sentence = trespass_sentence(&trespass->refused[i]);

		say(NULL, sentence);
	}
	if (trespass->refused_count == 1)
		return take_ptr(first);
	return xasprintf(
	    "%s (and %zu more, see the log of prepare)", first, trespass->refused_count - 1);
}

static int judge_head(struct preparation *preparation)
{
	AUTO(trespass) trespass;

	if (preparation->head.model.has_version_as_key)
		say(NULL, "the version label of app is written as a key, in which variables stay: "
			  "use the list form, - \"coop-cloud.${STACK_NAME}.version=...\"");
	judge(preparation, &preparation->head, &trespass);
	for (size_t i = 0; i < trespass.warning_count; i++)
		say(NULL, trespass.warnings[i]);
	keep_allowed(preparation, &trespass);
	if (!trespass.refused_count)
		return 0;
	auto_str char *refused = all_refused(&trespass);
	return stop(preparation, OUTCOME_FAIL, EXIT_RECIPE, "%s", refused);
}

/* --- in docker's words --- */

/* 1: refused, sentence says why; -1: ours. The checkout is the head's again afterwards. */
static int ask_docker(struct preparation *preparation, const struct rendered *rendered,
    char sentence[STACK_CONFIG_SENTENCE_SIZE], struct err *err)
{
	const struct stages_work *work = &preparation->work;
	const char *head = preparation->recipe.head;

	if (!preparation->stack_config.docker)
		return 0;
	if (!text_is(rendered->commit, head) && recipe_checkout(work, rendered->commit, err) < 0)
		return -1;
	if (render_copy_overlays(work, &preparation->suite, err) < 0)
		return -1;
	enum stack_config_end end =
	    stack_config_read(&preparation->stack_config, work, rendered, sentence);
	return recipe_checkout(work, head, err) < 0 ? -1 : end == STACK_CONFIG_REFUSED;
}

static int ask_docker_of_head(struct preparation *preparation)
{
	char sentence[STACK_CONFIG_SENTENCE_SIZE];
	struct err err;
	int refused = 0;

	if (stack_config_find(&preparation->work, &preparation->stack_config))
		refused = ask_docker(preparation, &preparation->head, sentence, &err);
	if (refused < 0)
		return stop_for(preparation, &err);
	return refused ? stop(preparation, OUTCOME_FAIL, EXIT_RECIPE, "%s", sentence) : 0;
}

/* --- head, base and plan --- */

/* Ours, or the recipe's own fault. */
static int stop_for_head(struct preparation *preparation, const struct err *err)
{
	if (is_recipes_fault(err))
		return stop(preparation, OUTCOME_FAIL, EXIT_RECIPE, "%s", err->msg);
	return stop_for(preparation, err);
}

static int render_head(struct preparation *preparation)
{
	const char *head = preparation->recipe.head;
	AUTO(trespass_item) link = {0};
	struct err err;

	int found = find_link(preparation, head, &link, &err);
	if (found < 0)
		return stop_for_head(preparation, &err);
	if (found) {
		auto_str char *sentence = trespass_sentence(&link);

		return stop(preparation, OUTCOME_FAIL, EXIT_RECIPE, "%s", sentence);
	}
	if (render_commit(
		&preparation->work, &preparation->suite, head, head, &preparation->head, &err) < 0)
		return stop_for_head(preparation, &err);
	return judge_head(preparation) < 0 ? -1 : ask_docker_of_head(preparation);
}

/* 1: it is broken, *out_why says how, the caller frees it; -1: stopped. */
static int judge_base(struct preparation *preparation, char **out_why)
{
	char sentence[STACK_CONFIG_SENTENCE_SIZE];
	AUTO(trespass) trespass;
	struct err err;

	judge(preparation, &preparation->base, &trespass);
	if (trespass.refused_count) {
		*out_why = all_refused(&trespass);
		return 1;
	}
	int refused = ask_docker(preparation, &preparation->base, sentence, &err);
	if (refused < 0)
		return stop_for(preparation, &err);
	if (refused) {
		*out_why = xstrdup(sentence);
		return 1;
	}
	keep_allowed(preparation, &trespass);
	return 0;
}

/* The same, from its files on. */
static int look_at_base(
    struct preparation *preparation, const struct plan_base *base, char **out_why)
{
	AUTO(trespass_item) link = {0};
	struct err err;

	int found = find_link(preparation, base->commit, &link, &err);
	if (found > 0) {
		*out_why = trespass_sentence(&link);
		return 1;
	}
	rendered_release(&preparation->base);
	if (found == 0 && render_commit(&preparation->work, &preparation->suite, base->commit,
			      preparation->recipe.head, &preparation->base, &err) == 0)
		return judge_base(preparation, out_why);
	if (!is_recipes_fault(&err))
		return stop_for(preparation, &err);
	*out_why = xstrdup(err.msg);
	return 1;
}

static void reject_base(struct preparation *preparation, const char *why)
{
	auto_str char *line =
	    xasprintf("base broken: %s: %s", plan_base(&preparation->plan)->version, why);

	say(NULL, line);
	plan_reject_base(&preparation->plan, why);
}

/* The first that can be deployed, as far as its files tell. A broken one is no fault of the head.
 */
static int render_base(struct preparation *preparation)
{
	const struct plan_base *base;

	while ((base = plan_base(&preparation->plan))) {
		auto_str char *why = NULL;
		int broken = look_at_base(preparation, base, &why);

		if (broken <= 0)
			return broken;
		reject_base(preparation, why);
	}
	rendered_release(&preparation->base);
	return 0;
}

/* The checkout is the head's. */
static int count_own_tests(struct preparation *preparation)
{
	auto_str char *tests = xasprintf("%s/tests", preparation->run.recipe_dir);
	AUTO(shipped) own = {0};
	AUTO(shipped) extra = {0};
	struct err err;

	if (shipped_list(tests, SHIPPED_TESTS, &own, &err) < 0 ||
	    shipped_list(tests, SHIPPED_EXTRA, &extra, &err) < 0)
		return stop_for_head(preparation, &err);
	preparation->own_test_count = own.count;
	preparation->own_extra_count = extra.count;
	return 0;
}

static bool needs_base(const struct preparation *preparation)
{
	return plan_runs(&preparation->plan, STAGE_UPGRADE) && plan_base(&preparation->plan);
}

/* A history that cannot be read costs the better base, not the run. */
static void read_history(const struct preparation *preparation, struct canonical *out)
{
	struct err err;

	*out = (struct canonical){0};
	if (canonical_read(
		preparation->work.history_dir, preparation->run.params.recipe, out, &err) < 0)
		say(NULL, err.msg);
}

static int list_greens(const struct preparation *preparation, const struct canonical *history,
    struct plan_green out[CANONICAL_MAX], struct err *err)
{
	const char *commits[CANONICAL_MAX];
	bool has[CANONICAL_MAX];

	for (size_t i = 0; i < history->count; i++)
		commits[i] = history->entries[i].commit;
	if (recipe_find(&preparation->work, commits, history->count, has, err) < 0)
		return -1;
	for (size_t i = 0; i < history->count; i++)
		out[i] = (struct plan_green){
		    .version = history->entries[i].version,
		    .commit = history->entries[i].commit,
		    .build = history->entries[i].build,
		    .when_s = history->entries[i].when_s,
		    .is_there = has[i],
		};
	return 0;
}

static int make_plan(struct preparation *preparation)
{
	const struct recipe *recipe = &preparation->recipe;
	struct plan_tag *tags = xcalloc(recipe->tag_count + 1, sizeof(*tags));
	struct plan_green greens[CANONICAL_MAX];
	struct canonical history;
	struct err err;

	read_history(preparation, &history);
	if (list_greens(preparation, &history, greens, &err) < 0) {
		free(tags);
		return stop_for(preparation, &err);
	}
	struct plan_facts facts = {
	    .params = &preparation->run.params,
	    .suite = &preparation->suite,
	    .head_commit = recipe->head,
	    .head_version = preparation->head.model.version,
	    .tags = tags,
	    .tag_count = recipe->tag_count,
	    .greens = greens,
	    .green_count = history.count,
	    .now_s = clock_wall_s(),
	    .own_test_count = preparation->own_test_count,
	    .own_extra_count = preparation->own_extra_count,
	    .tests_allow = preparation->work.settings->recipe_tests_allow,
	};

	for (size_t i = 0; i < recipe->tag_count; i++)
		tags[i] = (struct plan_tag){recipe->tags[i].name, recipe->tags[i].commit};
	int result = plan_make(&facts, &preparation->plan, &err);
	free(tags);
	if (result < 0)
		return stop_for(preparation, &err);
	return needs_base(preparation) ? render_base(preparation) : 0;
}

/* A secret that no version has is a mistake of whoever wrote it. Whether an older version has it is
 * known when that is the base: else it is let through. */
static int check_secrets(struct preparation *preparation)
{
	const struct compose_model *const models[] = {
	    &preparation->head.model, &preparation->base.model};
	bool has_base = preparation->base.commit != NULL;
	auto_str char *sentence = secrets_unknown(&preparation->suite, models, has_base ? 2 : 1);

	if (!sentence || (!has_base && plan_base(&preparation->plan)))
		return 0;
	return stop(preparation, OUTCOME_ERROR, EXIT_USAGE, "%s", sentence);
}

/* --- images --- */

static bool is_ignored(const struct suite *suite, const struct compose_service *service)
{
	for (size_t i = 0; i < suite->ignored_image_count; i++) {
		size_t length = strlen(suite->ignored_images[i]);

		if (text_is(service->name, suite->ignored_images[i]) ||
		    (text_starts(service->image, suite->ignored_images[i]) &&
			strchr(":@", service->image[length])))
			return true;
	}
	return false;
}

static void add_images(
    struct preparation *preparation, const struct compose_model *model, struct image_list *out)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		if (!is_ignored(&preparation->suite, service) &&
		    !image_list_find(&preparation->images, service->image))
			image_list_add(out, service->image, service->name);
	}
}

/* The run ends when it is ours; else all are looked at first. */
static int judge_images(struct preparation *preparation)
{
	const struct image *recipes = NULL; /* the first that the head should not have named */

	for (size_t i = 0; i < preparation->images.count; i++) {
		const struct image *image = &preparation->images.items[i];

		if (image->fault == IMAGE_FINE)
			continue;
		if (!image_is_recipes_fault(image->fault))
			return stop(preparation, OUTCOME_ERROR,
			    image->fault == IMAGE_TIMED_OUT ? EXIT_TIMED_OUT : EXIT_OURS, "%s",
			    image->reason);
		recipes = recipes ? recipes : image;
	}
	return recipes ? stop(preparation, OUTCOME_FAIL, EXIT_RECIPE, "%s", recipes->reason) : 0;
}

/* The first image that the base cannot have; NULL: it has them all. */
static const struct image *find_missing_image(const struct image_list *images)
{
	for (size_t i = 0; i < images->count; i++) {
		if (images->items[i].fault != IMAGE_FINE)
			return &images->items[i];
	}
	return NULL;
}

static void keep_digests(struct preparation *preparation)
{
	const struct compose_model *model = &preparation->head.model;

	for (size_t i = 0; i < model->service_count; i++) {
		const struct compose_service *service = &model->services[i];

		if (!service->image)
			continue;
		prepared_add_tag(&preparation->prepared, service->name, service->image);
		for (size_t k = 0; k < preparation->images.count; k++) {
			const struct image *image = &preparation->images.items[k];

			if (text_is(image->name, service->image) && image->digest)
				prepared_add_image(
				    &preparation->prepared, service->name, image->digest);
		}
	}
}

static int pull(struct preparation *preparation, struct engine *engine, struct image_list *images,
    int64_t deadline_ns)
{
	const struct image_watch watch = {
	    .logins = &preparation->logins,
	    .deadline_ns = deadline_ns,
	    .cancel_fd = preparation->work.cancel_fd,
	    .say = show,
	};
	struct err err;

	if (prepared_note_images(&preparation->run, images, &err) < 0 ||
	    image_preflight(engine, images, &watch, &err) < 0)
		return stop_for(preparation, &err);
	return 0;
}

/* A registry that hangs over the base's images leaves the head half of the time. */
static int pull_base_images(struct preparation *preparation, struct engine *engine)
{
	int64_t now_ns = clock_now();

	image_list_release(&preparation->base_images);
	add_images(preparation, &preparation->base.model, &preparation->base_images);
	return pull(preparation, engine, &preparation->base_images,
	    now_ns + (preparation->work.deadline_ns - now_ns) / 2);
}

/* Of the first base that has them all; one that cannot have them is broken, but for now is not for
 * ever: then the upgrade waits for another day. */
static int get_base_images(struct preparation *preparation, struct engine *engine)
{
	while (needs_base(preparation)) {
		const char *version = plan_base(&preparation->plan)->version;

		if (pull_base_images(preparation, engine) < 0)
			return -1;
		const struct image *missing = find_missing_image(&preparation->base_images);
		if (!missing)
			return 0;
		if (!image_is_recipes_fault(missing->fault)) {
			free(preparation->prepared.base_problem);
			preparation->prepared.base_problem =
			    xasprintf("the base %s cannot be deployed here for now: %s", version,
				missing->reason);
			return 0;
		}
		reject_base(preparation, missing->reason);
		if (render_base(preparation) < 0)
			return -1;
	}
	return 0;
}

static int open_logins(struct preparation *preparation)
{
	struct err err;

	if (logins_open(preparation->work.settings, environ_path(preparation->work.environ),
		&preparation->logins, &err) < 0)
		return stop_for(preparation, &err);
	return 0;
}

static int get_images(struct preparation *preparation, struct engine *engine)
{
	int64_t started_ns = clock_now();

	if (open_logins(preparation) < 0)
		return -1;
	add_images(preparation, &preparation->head.model, &preparation->images);
	if (pull(preparation, engine, &preparation->images, preparation->work.deadline_ns) < 0 ||
	    judge_images(preparation) < 0 || get_base_images(preparation, engine) < 0)
		return -1;
	prepared_add_phase(
	    &preparation->prepared, "pull", (double)clock_elapsed_ms(started_ns) / 1000);
	keep_digests(preparation);
	return 0;
}

/* --- what it needs --- */

/* Who is deployed beside it, each under a name of its own: from here on the suite knows where. */
static int name_needs(struct preparation *preparation)
{
	const struct stages_work *work = &preparation->work;
	const char *recipe = preparation->run.params.recipe;
	auto_str char *suites = suite_directory(work->settings->suites, work->checkout, "");
	char prefixes[NEEDS_MAX][NEEDS_PREFIX_SIZE];
	struct needs needs = {0};
	struct err err;

	if (!suites || !preparation->suite.needs.count)
		return 0;
	if (suite_order_needs(suites, recipe, &preparation->suite, work->settings->shared_needs,
		&needs, &err) < 0)
		return stop_for(preparation, &err);
	needs_prefixes(recipe, &needs, prefixes);
	for (size_t i = 0; i < needs.count; i++)
		prepared_add_need(&preparation->prepared, needs.names[i], prefixes[i], "", "");
	return beside_tell(work, &preparation->prepared, &preparation->suite, &err) < 0
		   ? stop_for(preparation, &err)
		   : 0;
}

/* The newest published version, else what the default branch holds. */
static void choose_version(struct recipe *recipe, struct prepared_need *need)
{
	const struct recipe_tag *best = NULL;

	for (size_t i = 0; i < recipe->tag_count; i++) {
		const struct recipe_tag *tag = &recipe->tags[i];

		if (recipe_version_is_valid(tag->name) &&
		    (!best || recipe_version_compare(tag->name, best->name) > 0))
			best = tag;
	}
	if (best)
		(void)copy_text(recipe->head, sizeof(recipe->head), best->commit);
	free(need->commit);
	free(need->version);
	need->commit = xstrdup(recipe->head);
	need->version = xstrdup(best ? best->name : "");
}

/* For `run DIR`: the checkout that lies beside DIR under the need's name; NULL: there is none. The
 * caller frees it. */
static char *find_sibling(const char *local_recipe, const char *recipe)
{
	const char *slash = local_recipe ? strrchr(local_recipe, '/') : NULL;

	if (!slash)
		return NULL;
	auto_str char *path =
	    xasprintf("%.*s/%s", (int)(slash - local_recipe), local_recipe, recipe);
	auto_str char *git_dir = xasprintf("%s/.git", path);
	return file_exists(git_dir) ? take_ptr(path) : NULL;
}

/* Its own directory; what git says of it stands in the run's log. */
static int make_need_dir(const struct run *run, struct err *err)
{
	auto_str char *log = run_path(run, "log");

	if (file_make_dirs(run->dir, 0700, err) < 0)
		return -1;
	return symlink("../../log", log) < 0 ? err_sys(err, errno, "link %s", log) : 0;
}

static int fetch_need(struct preparation *preparation, struct prepared_need *need)
{
	const struct stages_work *work = &preparation->work;
	struct err err;

	if (!work->local_recipe && !*preparation->run.params.src)
		return stop(preparation, OUTCOME_ERROR, EXIT_USAGE,
		    "it lies not beside the recipe, and neither SRC nor RECIPE_ORG says whose it "
		    "is");
	if (make_need_dir(&preparation->run, &err) < 0 ||
	    recipe_fetch(work, &preparation->recipe, &err) < 0)
		return stop_for(preparation, &err);
	choose_version(&preparation->recipe, need);
	auto_str char *line = xasprintf("needs %s%s%s (%.8s)", need->recipe,
	    *need->version ? " " : "", need->version, need->commit);
	say(NULL, line);
	return recipe_checkout(work, need->commit, &err) < 0 ? stop_for(preparation, &err) : 0;
}

/* As strictly as the recipe under test; with its own suite where there is one. */
static int judge_need(struct preparation *preparation, struct preparation *need)
{
	struct err err;

	if (beside_tell(&preparation->work, &preparation->prepared, &need->suite, &err) < 0)
		return stop_for(need, &err);
	if (render_head(need) < 0 || check_secrets(need) < 0)
		return -1;
	add_images(need, &need->head.model, &need->images);
	if (pull(preparation, preparation->engine, &need->images, preparation->work.deadline_ns) <
	    0)
		return stop(
		    need, preparation->outcome, preparation->exit_code, "%s", preparation->reason);
	return judge_images(need);
}

/* Of an app that runs share, its own run prepares all else. */
static void share_need(struct preparation *need, struct prepared_need *out)
{
	const char *sibling = need->work.local_recipe;
	char key[SHARED_KEY_SIZE];

	shared_key(out->recipe, out->commit, need->prepared.suite_hash, key);
	free(out->shared_key);
	free(out->sibling);
	out->shared_key = xstrdup(key);
	out->sibling = xstrdup(sibling ? sibling : "");
}

static bool may_share(const struct preparation *need, const char *recipe)
{
	const char *named = need->work.settings->shared_needs;

	if (suite_may_share(&need->suite, named, recipe))
		return true;
	if (named && text_lists(named, recipe)) {
		auto_str char *line = xasprintf(
		    "needs %s: not shared, as its suite has no tenant (SHARED_NEEDS)", recipe);

		say(NULL, line);
	}
	return false;
}

/* What it was allowed stands in the results under its name. */
static void keep_allowed_of(struct preparation *preparation, const struct preparation *need)
{
	const struct results_allowed_list *allowed = &need->prepared.allowed;

	for (size_t i = 0; i < allowed->count; i++) {
		auto_str char *service =
		    xasprintf("%s_%s", need->run.params.recipe, allowed->items[i].service);

		results_allowed_add(&preparation->prepared.allowed, service, allowed->items[i].what,
		    allowed->items[i].word);
	}
}

/* Whatever is wrong with it is no fault of the recipe under test. */
static int prepare_need(struct preparation *preparation, struct prepared_need *need)
{
	AUTO(preparation) other = begin(&preparation->work);
	AUTO(run) run = {0};
	auto_str char *sibling = find_sibling(preparation->work.local_recipe, need->recipe);
	struct err err;

	if (run_beside(preparation->work.settings, &preparation->run, need->recipe, need->prefix,
		&run, &err) < 0)
		return stop_for(preparation, &err);
	other.run = run; /* its paths are borrowed */
	other.work.run = &other.run;
	other.work.local_recipe = sibling;
	other.engine = preparation->engine;
	other.is_need = true;
	bool is_read = fetch_need(&other, need) == 0 && read_suite(&other) == 0;
	/* What runs share is started by the suites in force. */
	if (is_read && !preparation->suites_checkout && may_share(&other, need->recipe)) {
		share_need(&other, need);
		return 0;
	}
	if (!is_read || judge_need(preparation, &other) < 0)
		return stop(preparation,
		    other.outcome == OUTCOME_FAIL ? OUTCOME_UNVERIFIED : other.outcome,
		    other.exit_code == EXIT_RECIPE ? EXIT_OURS : other.exit_code,
		    "the dependency %s: %s", need->recipe, other.reason);
	keep_allowed_of(preparation, &other);
	return 0;
}

static int prepare_needs(struct preparation *preparation)
{
	int64_t started_ns = clock_now();

	if (!preparation->prepared.need_count || !preparation->plan.deploys)
		return 0;
	for (size_t i = 0; i < preparation->prepared.need_count; i++) {
		if (prepare_need(preparation, &preparation->prepared.needs[i]) < 0)
			return -1;
	}
	prepared_add_phase(
	    &preparation->prepared, "needs", (double)clock_elapsed_ms(started_ns) / 1000);
	return 0;
}

/* --- in order --- */

static int check_host(struct preparation *preparation, struct engine *engine)
{
	AUTO(abra) abra = {0};
	struct err err;

	if (doctor_check_swarm(engine, &err) < 0 ||
	    abra_find(preparation->work.settings, &preparation->run, preparation->work.environ,
		&abra, &err) < 0 ||
	    abra_server_check(preparation->work.settings, engine, &err) < 0)
		return stop(preparation, OUTCOME_ERROR, EXIT_OURS, "%s", err.msg);
	if (!strstr(abra.version, TESTED_ABRA))
		log_warning("%s: ccci was tested with " TESTED_ABRA, abra.version);
	free(preparation->prepared.abra);
	preparation->prepared.abra = xstrdup(abra.version);
	return 0;
}

static void print_masked(const struct buf *text, int fd)
{
	AUTO(buf) masked = buf_make(2 * PLAN_TEXT_MAX_BYTES);

	(void)log_mask_text(&masked, buf_text(text), text->length);
	if (write(fd, buf_text(&masked), masked.length) < 0)
		return; /* nobody reads it: it is in plan.json as well */
}

static void print_plan(const struct preparation *preparation, int fd)
{
	const char *suite = preparation->prepared.suite;
	AUTO(buf) text = buf_make(PLAN_TEXT_MAX_BYTES);

	(void)buf_printf(
	    &text, "suite     %s%s\n", text_is(suite, NO_SUITE) ? "none: " : "", suite);
	for (size_t i = 0; i < preparation->prepared.need_count; i++)
		(void)buf_printf(&text, "needs     %s\n", preparation->prepared.needs[i].recipe);
	plan_print(&preparation->plan, &text);
	print_masked(&text, fd);
}

static void print_plan_json(const struct preparation *preparation, int fd)
{
	AUTO_PTR(json) plan = plan_encode(&preparation->plan);
	AUTO(buf) text = buf_make(PLAN_TEXT_MAX_BYTES);

	json_set_text(plan, "suite", preparation->prepared.suite);
	struct json *needs = json_new_array();
	for (size_t i = 0; i < preparation->prepared.need_count; i++)
		json_add_text(needs, preparation->prepared.needs[i].recipe);
	json_set(plan, "needs", needs);
	auto_str char *line = json_print(plan);
	(void)buf_printf(&text, "%s\n", line);
	print_masked(&text, fd);
}

static int prepare(struct preparation *preparation)
{
	struct err err;
	AUTO_PTR(engine) engine = engine_open(preparation->work.settings, &err);

	if (!engine || make_dirs(preparation, &err) < 0)
		return stop_for(preparation, &err);
	preparation->engine = engine;
	if (check_host(preparation, engine) < 0 || fetch_suites(preparation) < 0 ||
	    read_suite(preparation) < 0 || name_needs(preparation) < 0 || fetch(preparation) < 0 ||
	    render_head(preparation) < 0 || snapshot_tests(preparation) < 0 ||
	    count_own_tests(preparation) < 0 || make_plan(preparation) < 0 ||
	    check_secrets(preparation) < 0)
		return -1;
	print_plan(preparation, STDERR_FILENO);
	/* Of a run that ends here as well: its results name head and base. */
	int result = get_images(preparation, engine);
	if (handover_save_plan(&preparation->run, &preparation->plan, &err) < 0 && result == 0)
		return stop_for(preparation, &err);
	return result < 0 ? -1 : prepare_needs(preparation);
}

static int look_at_next_base(struct preparation *preparation, struct err *err)
{
	auto_str char *suite = run_path(&preparation->run, "suite");

	(void)copy_text(preparation->recipe.head, sizeof(preparation->recipe.head),
	    preparation->plan.head_commit);
	if ((file_exists(suite) && suite_read(suite, &preparation->suite, err) < 0) ||
	    beside_tell(&preparation->work, &preparation->prepared, &preparation->suite, err) < 0)
		return -1;
	(void)!stack_config_find(&preparation->work, &preparation->stack_config);
	if (render_base(preparation) < 0 || open_logins(preparation) < 0 ||
	    get_base_images(preparation, preparation->engine) < 0)
		return err_set(err, ERR_SYS, "%s", preparation->reason);
	if (handover_save_plan(&preparation->run, &preparation->plan, err) < 0)
		return -1;
	return prepared_save(&preparation->run, &preparation->prepared, err);
}

int prepare_next_base(const struct stages_work *work, struct engine *engine, struct plan *plan,
    struct prepared *prepared, struct err *err)
{
	AUTO(preparation) preparation = begin(work);

	preparation.work.run = &preparation.run;
	preparation.engine = engine;
	prepared_release(&preparation.prepared);
	preparation.plan = *plan;
	preparation.prepared = *prepared;
	int result = look_at_next_base(&preparation, err);
	*plan = preparation.plan;
	*prepared = preparation.prepared;
	preparation.plan = (struct plan){0};
	preparation.prepared = (struct prepared){0};
	return result;
}

/* The result in the place where a stage's would be. */
static enum exit_code end(struct preparation *preparation, int64_t started_ns)
{
	AUTO(results_stage) stage;
	struct err err;

	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = preparation->outcome;
	stage.seconds = (double)clock_elapsed_ms(started_ns) / 1000;
	results_set(&stage.reason, preparation->reason);
	for (size_t i = 0; i < preparation->prepared.phase_count; i++)
		results_stage_add_phase(&stage, preparation->prepared.phases[i].name,
		    preparation->prepared.phases[i].seconds);
	stages_say("prepare", preparation->reason);
	if (handover_save_stage(&preparation->run, &stage, &err) < 0) {
		log_error("%s", err.msg);
		return EXIT_OURS;
	}
	return preparation->exit_code;
}

enum exit_code stages_prepare(const struct stages_work *work)
{
	AUTO(preparation) preparation = begin(work);
	int64_t started_ns = clock_now();
	struct err err;

	preparation.work.run = &preparation.run;
	int result = prepare(&preparation);
	/* Also of one that failed: provenance is for every result. */
	if (prepared_save(&preparation.run, &preparation.prepared, &err) < 0 && result == 0)
		result = stop_for(&preparation, &err);
	if (result < 0)
		return end(&preparation, started_ns);
	return EXIT_PASSED;
}

enum exit_code stages_plan(const struct stages_work *work, bool as_json)
{
	AUTO(preparation) preparation = begin(work);
	auto_str char *log_dir = run_path(work->run, "log");
	struct err err;

	preparation.work.run = &preparation.run;
	preparation.only_plans = true;
	if (file_make_dirs(log_dir, 0700, &err) < 0 || make_abra_dir(&preparation, &err) < 0)
		(void)stop_for(&preparation, &err);
	else if (read_suite(&preparation) == 0 && name_needs(&preparation) == 0 &&
		 fetch(&preparation) == 0 && render_head(&preparation) == 0 &&
		 count_own_tests(&preparation) == 0 && make_plan(&preparation) == 0 &&
		 check_secrets(&preparation) == 0)
		(as_json ? print_plan_json : print_plan)(&preparation, STDOUT_FILENO);
	if (*preparation.reason)
		stages_say("plan", preparation.reason);
	return preparation.exit_code;
}
