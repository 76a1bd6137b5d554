/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/teardown.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/abra/abra.h"
#include "runner-plugin/checks/bounds.h"
#include "runner-plugin/recipe/suite.h"
#include "runner-plugin/run/cgroup.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/run/tenant.h"

#include <errno.h>
#include <poll.h>

/* Of one call: the engine is asked afterwards anyway. */
#define ABRA_PATIENCE_MS 60000
/* An exited container goes after about 6 s, a deaf one after 16. */
#define ENGINE_PATIENCE_MS 60000
/* A request of a killed client is carried out all the same. */
#define SETTLE_MS 500

void teardown_result_release(struct teardown_result *result)
{
	leaks_release(&result->left);
}

/* One teardown under way. */
struct undo {
	const struct teardown *with;
	struct engine *engine; /* NULL: its address is no use */
	struct abra abra;
	bool has_looked_for_abra, has_abra;
	char *journal_path;
	struct leaks *left;
	bool was_cut;
	int64_t cut_ns;
};

static void say(const struct undo *undo, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(const struct undo *undo, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!undo->with->say)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	undo->with->say(undo->with->context, text);
}

static int record(struct undo *undo, struct journal_entry *entry, struct err *err)
{
	if (journal_append(undo->journal_path, entry, err) < 0)
		return -1;
	if (undo->with->on_record)
		undo->with->on_record(undo->with->context, entry->kind);
	return 0;
}

/* --- abra's part: whatever it says, the engine is asked afterwards --- */

static bool find_abra(struct undo *undo)
{
	struct err err;

	if (undo->has_looked_for_abra)
		return undo->has_abra;
	undo->has_looked_for_abra = true;
	undo->has_abra = abra_find(undo->with->settings, undo->with->run, undo->with->environ,
			     &undo->abra, &err) == 0;
	if (!undo->has_abra)
		say(undo, "teardown goes on without abra: %s", err.msg);
	return undo->has_abra;
}

static bool has_any(struct undo *undo, enum engine_kind kind, const char *stack)
{
	AUTO(engine_list) list = {0};
	struct err ignored; /* the audit will say it */

	return undo->engine && engine_list(undo->engine, kind, stack, &list, &ignored) == 0 &&
	       list.count > 0;
}

static void ask_abra(struct undo *undo, enum abra_verb verb, const struct journal_entry *app)
{
	const struct abra_target target = {
	    .recipe = app->recipe, .domain = app->domain, .server = app->server};
	const struct abra_watch watch = {.deadline_ns = clock_now() + ABRA_PATIENCE_MS * NS_PER_MS,
	    .cancel_fd = -1,
	    .watch_fd = -1};
	AUTO(proc_result) result = {0};
	struct err err;

	if (!find_abra(undo))
		return;
	if (abra_call(&undo->abra, verb, &target, &watch, &result, &err) < 0) {
		say(undo, "%s: %s; removing by the engine", abra_verb_text(verb), err.msg);
		return;
	}
	if (result.end != PROC_EXITED || result.code != 0) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&result, how);
		say(undo, "%s: %s; removing by the engine", abra_verb_text(verb), how);
	}
}

/* --- undoing one record --- */

static bool remove_env(struct undo *undo, const char *path)
{
	if (!path[0] || unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return true;
	leaks_add(undo->left, "env file %s: %s", path, strerror(errno));
	return false;
}

/* What will be left where nobody can look: asked while Swarm still knows what ran there. */
static void note_out_of_reach(struct undo *undo, const char *stack)
{
	struct err err;

	if (engine_check_nodes(undo->engine, stack, &err) < 0 && err.code == ERR_CONFIG)
		leaks_add(undo->left, "volumes of %s: %s", stack, err.msg);
}

/* abra is only called for what is there: each call costs, and it fails when there is nothing. */
static bool undo_app(struct undo *undo, const struct journal_entry *app)
{
	size_t before = undo->left->count;
	AUTO(leaks) still_running = {0};

	say(undo, "taking down %s", app->domain);
	if (has_any(undo, ENGINE_SERVICE, app->stack)) {
		note_out_of_reach(undo, app->stack);
		ask_abra(undo, ABRA_APP_UNDEPLOY, app);
	}
	if (undo->engine)
		leaks_stop(undo->engine, app->stack, clock_now() + ENGINE_PATIENCE_MS * NS_PER_MS,
		    &still_running);
	if (has_any(undo, ENGINE_VOLUME, app->stack))
		ask_abra(undo, ABRA_VOLUME_REMOVE, app);
	if (has_any(undo, ENGINE_SECRET, app->stack))
		ask_abra(undo, ABRA_SECRET_REMOVE, app);
	if (!undo->engine)
		leaks_add(undo->left, "stack %s: the engine cannot be asked", app->stack);
	else
		leaks_remove(undo->engine, app->stack,
		    clock_now() + (still_running.count ? 0 : ENGINE_PATIENCE_MS) * NS_PER_MS,
		    undo->left);
	/* The env file last: without it abra would not know the app any more. */
	return remove_env(undo, app->env) && undo->left->count == before;
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/' && path[length + 1] &&
	       !strstr(path, "/../") && !text_ends(path, "/..");
}

static bool undo_dir(struct undo *undo, const char *path)
{
	struct err err;

	if (!is_below(path, undo->with->run->dir)) {
		leaks_add(undo->left, "%s: it is not below the run's directory", path);
		return false;
	}
	if (file_remove_tree(path, &err) < 0) {
		leaks_add(undo->left, "%s", err.msg);
		return false;
	}
	return true;
}

/* What cannot be taken out of it is left to nobody. */
static bool undo_tenant(struct undo *undo, const struct journal_entry *entry)
{
	const struct tenant tenant = {undo->with->settings, undo->with->run, undo->with->environ};
	struct err err;

	say(undo, "releasing what the run has in %s (%s)", entry->recipe, entry->text);
	if (tenant_release(&tenant, entry, &err) == 0)
		return true;
	say(undo, "%s: %s; no other run gets it any more", entry->text, err.msg);
	if (tenant_withdraw(&tenant, entry, &err) == 0)
		return true;
	leaks_add(undo->left, "tenant of %s in %s: %s", entry->recipe, entry->text, err.msg);
	return false;
}

static bool undo_entry(struct undo *undo, const struct journal_entry *entry)
{
	switch (entry->kind) {
	case JOURNAL_DIR:
		return undo_dir(undo, entry->path);
	case JOURNAL_APP:
		return undo_app(undo, entry);
	case JOURNAL_TENANT:
		return undo_tenant(undo, entry);
	case JOURNAL_MARK:
	case JOURNAL_UNDONE:
	case JOURNAL_CLOSED:
		return true;
	}
	return false;
}

/* An app that stays, stays with its directories: abra's way to its env file leads through one. */
static void undo_all(struct undo *undo, const struct journal *journal)
{
	size_t count = 0;
	size_t *open = journal_open_entries(journal, &count);
	bool has_app_left = false;

	for (size_t i = 0; i < count; i++) {
		const struct journal_entry *entry = &journal->entries[open[i]];
		struct journal_entry done = {.kind = JOURNAL_UNDONE, .undone = entry->seq};
		struct err err;

		if (entry->kind == JOURNAL_DIR && has_app_left)
			continue;
		if (!undo_entry(undo, entry))
			has_app_left = has_app_left || entry->kind == JOURNAL_APP;
		else if (record(undo, &done, &err) < 0)
			leaks_add(undo->left, "%s", err.msg);
	}
	free(open);
}

/* --- the audit: of everything that ever was recorded, undone or not --- */

static void audit_stack(struct undo *undo, const char *stack)
{
	if (undo->engine)
		leaks_find(undo->engine, stack, undo->left);
}

static void audit(struct undo *undo, const struct journal *journal)
{
	bool has_own = false;

	for (size_t i = 0; i < journal->count; i++) {
		const struct journal_entry *entry = &journal->entries[i];

		if (entry->kind == JOURNAL_DIR && file_exists(entry->path))
			leaks_add(undo->left, "directory %s", entry->path);
		if (entry->kind != JOURNAL_APP)
			continue;
		audit_stack(undo, entry->stack);
		if (file_exists(entry->env))
			leaks_add(undo->left, "env file %s", entry->env);
		has_own = has_own || text_is(entry->stack, undo->with->run->stack);
	}
	if (!has_own && journal->count)
		audit_stack(undo, undo->with->run->stack);
}

/* --- the journal itself --- */

static int record_dir(struct undo *undo, const char *name, struct err *err)
{
	AUTO(journal_entry)
	entry = {.kind = JOURNAL_DIR, .path = run_path(undo->with->run, name)};

	return record(undo, &entry, err);
}

static int record_app(struct undo *undo, const struct run *run, struct err *err)
{
	const struct settings *settings = undo->with->settings;
	AUTO(journal_entry)
	entry = {.kind = JOURNAL_APP,
	    .recipe = xstrdup(run->params.recipe),
	    .domain = xstrdup(run->domain),
	    .stack = xstrdup(run->stack),
	    .server = xstrdup(settings->abra_server),
	    .env = xasprintf(
		"%s/servers/%s/%s.env", settings->abra_dir, settings->abra_server, run->domain)};

	return record(undo, &entry, err);
}

/* What it has in an app that runs share; without the suite, nobody knows how to release it. */
static int record_tenant(
    struct undo *undo, const struct run *beside, const struct prepared_need *need, struct err *err)
{
	auto_str char *directory = run_path(beside, "suite");
	AUTO(suite) suite = {0};
	AUTO(journal_entry) entry = {0};
	struct err ignored;

	(void)!suite_read(directory, &suite, &ignored);
	tenant_entry(beside, need, suite.tenant_release ? suite.tenant_release : "", &entry);
	return record(undo, &entry, err);
}

/* What is deployed beside the app, as prepare wrote it down; without that, nothing was. */
static int record_needs(struct undo *undo, struct err *err)
{
	const struct run *run = undo->with->run;
	AUTO(prepared) prepared = {0};
	struct err why;

	if (prepared_load(run, &prepared, &why) < 0)
		return 0;
	for (size_t i = 0; i < prepared.need_count; i++) {
		const struct prepared_need *need = &prepared.needs[i];
		AUTO(run) beside = {0};

		if (*need->shared_key && !need->is_given)
			continue;
		if (prepared_open_need(undo->with->settings, run, need, &beside, &why) < 0)
			continue; /* the app is gone, and its run too */
		if (need->is_given ? record_tenant(undo, &beside, need, err) < 0
				   : record_app(undo, &beside, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * A journal that cannot be read has lost what it knew. The run's own stack, directories and env
 * file follow from its name, and its needs from what prepare left: a new journal begins with them.
 */
static int begin_again(struct undo *undo, const char *why, struct journal *out, struct err *err)
{
	static const char *const names[] = {
	    "abra", "tests", "suite", "scratch", RUN_SECRETS_DIR, RUN_NEEDS_DIR};
	auto_str char *aside = xasprintf("%s.damaged", undo->journal_path);

	say(undo, "%s; taking down what the run's name tells", why);
	if (rename(undo->journal_path, aside) < 0)
		return err_sys(err, errno, "put %s aside", undo->journal_path);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (record_dir(undo, names[i], err) < 0)
			return -1;
	}
	if (record_needs(undo, err) < 0 || record_app(undo, undo->with->run, err) < 0)
		return -1;
	return journal_read(undo->journal_path, out, err);
}

static int read_journal(struct undo *undo, struct journal *out, struct err *err)
{
	struct err why;

	if (journal_read(undo->journal_path, out, &why) == 0)
		return 0;
	if (why.code == ERR_PROTOCOL || why.code == ERR_LIMIT)
		return begin_again(undo, why.msg, out, err);
	*err = why;
	return -1;
}

static void let_requests_settle(const struct undo *undo)
{
	if (undo->was_cut)
		(void)poll(NULL, 0, clock_ms_until(undo->cut_ns + SETTLE_MS * NS_PER_MS));
}

static void undo_journal(struct undo *undo)
{
	AUTO(journal) journal = {0};
	struct journal_entry closed = {.kind = JOURNAL_CLOSED};
	struct err err;

	if (read_journal(undo, &journal, &err) < 0) {
		leaks_add(undo->left, "%s", err.msg);
		return;
	}
	let_requests_settle(undo);
	undo_all(undo, &journal);
	if (undo->left->count) /* the audit would only say it again */
		return;
	audit(undo, &journal);
	if (!undo->left->count && record(undo, &closed, &err) < 0)
		leaks_add(undo->left, "%s", err.msg);
}

static void kill_all(struct undo *undo)
{
	unsigned children = 0;
	unsigned others = 0;
	unsigned members = 0;
	struct err err;

	if (proc_end_children(&children, &err) < 0 ||
	    proc_kill_run(undo->with->run->id, &others, &err) < 0)
		leaks_add(undo->left, "%s", err.msg);
	if (!bounds_remove(undo->with->run->id))
		leaks_add(undo->left, "control group ccci-sandbox-%s", undo->with->run->id);
	if (cgroup_end(undo->with->run->dir, &members, &err) < 0)
		leaks_add(undo->left, "%s", err.msg);
	unsigned count = children + others + members;
	undo->cut_ns = clock_now();
	undo->was_cut = undo->with->was_cut || count > 0;
	if (count)
		say(undo, "ended %u processes that were left", count);
}

void teardown_run(const struct teardown *teardown, struct teardown_result *out)
{
	int64_t started_ns = clock_now();
	struct err err;
	struct leaks left = {0};
	auto_str char *journal_path = run_path(teardown->run, JOURNAL_FILE);
	AUTO_PTR(engine) engine = engine_open(teardown->settings, &err);
	struct undo undo = {
	    .with = teardown, .engine = engine, .journal_path = journal_path, .left = &left};

	if (!engine)
		leaks_add(&left, "%s", err.msg);
	kill_all(&undo);
	undo_journal(&undo);
	abra_release(&undo.abra);
	*out = (struct teardown_result){.left = left, .elapsed_ms = clock_elapsed_ms(started_ns)};
}
