/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether what the recipe's labels back up can be restored: backed up, taken away from under the
 * running app, put back. By the host's backup-bot-two where one is deployed, through abra; else by
 * ourselves, as it would (swarm/stash.h).
 */
#include "runner-plugin/stages/progress.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/swarm/database_marks.h"
#include "runner-plugin/swarm/stash.h"

#define DATA_TRIES 5 /* after a restore an app's connections are dead: it needs a moment */
#define DATA_EVERY_MS 1000
#define UNPACK_TAIL_BYTES 1024
#define UNPACK_GRACE_MS 1000

struct backup {
	struct progress *progress;
	struct backup_plan plan;
	struct stash_items items;
	struct deploy_result deployed;
	char *marker;
	struct database_marks databases;
	bool *is_wiped; /* of each: its marker was there, and is taken away */
	bool has_bot;
};

static void backup_release(struct backup *backup)
{
	backup_plan_release(&backup->plan);
	stash_items_release(&backup->items);
	deploy_result_release(&backup->deployed);
	free(backup->marker);
	database_marks_release(&backup->databases);
	free(backup->is_wiped);
}
DEFINE_AUTO(backup, backup_release);

static bool is_cancelled(const struct backup *backup)
{
	struct pollfd cancel = {.fd = backup->progress->work->cancel_fd, .events = POLLIN};

	return poll(&cancel, 1, 0) == 1;
}

/* What is not the recipe's. Where nobody can look (ERR_CONFIG), nothing is known. */
static int conclude_ours(struct backup *backup, const struct err *err)
{
	enum outcome outcome = err->code == ERR_CONFIG ? OUTCOME_UNVERIFIED : OUTCOME_ERROR;

	if (is_cancelled(backup))
		progress_conclude(backup->progress, OUTCOME_UNVERIFIED, "cancelled");
	else
		progress_conclude(backup->progress, outcome, "%s", err->msg);
	return -1;
}

/* For one step; each has as long as a deployment. */
static struct stash_access access_of(const struct backup *backup)
{
	const struct stages_work *work = backup->progress->work;
	int64_t within_ms = render_timeout_ms(work, &backup->progress->suite);

	return (struct stash_access){
	    .engine = backup->progress->engine,
	    .deadline_ns = stages_until(work, within_ms),
	    .cancel_fd = work->cancel_fd,
	};
}

/* A piece that is not as it should be: it, and all of it, failed. */
static int conclude_item(struct backup *backup, const struct stash_item *item, const char *what)
{
	results_stage_add_test(&backup->progress->result, item->name, OUTCOME_FAIL, 0, what);
	progress_conclude(backup->progress, OUTCOME_FAIL, "%s: %s", item->name, what);
	results_set(&backup->progress->result.service, item->service);
	return -1;
}

/* --- what there is to do --- */

/* -1: concluded. */
static int read_plan(struct backup *backup)
{
	struct progress *progress = backup->progress;
	AUTO(rendered) head = {0};
	struct err err;

	if (progress_render(progress, progress->plan.head_commit, &head) < 0)
		return -1;
	if (backup_plan_read(&head.model, &backup->plan, &err) < 0) {
		progress_conclude(progress, OUTCOME_FAIL, "%s", err.msg);
		return -1;
	}
	if (backup->plan.is_backed_up)
		return 0;
	progress_conclude(progress, OUTCOME_NOT_RUN,
	    "the recipe is not backed up: no service has the label backupbot.backup=true");
	return -1;
}

/* What cannot be reached is told, and the rest proved. -1: concluded. */
static int find_items(struct backup *backup)
{
	struct progress *progress = backup->progress;
	const char *stack = progress->work->run->stack;
	const struct stash_item *missed = NULL;
	size_t reached = 0;
	struct err err;

	if (engine_check_nodes(progress->engine, stack, &err) < 0 ||
	    stash_find(progress->engine, stack, &backup->plan, &backup->items, &err) < 0)
		return conclude_ours(backup, &err);
	for (size_t i = 0; i < backup->items.count; i++) {
		const struct stash_item *item = &backup->items.items[i];

		reached += item->why_not ? 0 : 1;
		missed = item->why_not ? item : missed;
		if (item->why_not)
			results_stage_add_test(
			    &progress->result, item->name, OUTCOME_NOT_RUN, 0, item->why_not);
	}
	if (reached)
		return 0;
	if (missed)
		progress_conclude(progress, OUTCOME_UNVERIFIED,
		    "nothing of what is backed up can be reached: %s: %s", missed->name,
		    missed->why_not);
	else
		progress_conclude(progress, OUTCOME_FAIL,
		    "backupbot.backup=true, but there is nothing to back up: the recipe has no "
		    "volume and names no path");
	return -1;
}

/* --- commands of the recipe --- */

static void show_output(struct backup *backup, const char *service, const struct buf *output)
{
	AUTO(buf) masked = buf_make(2 * output->length + 64);

	(void)log_mask_text(&masked, buf_text(output), output->length);
	results_stage_set_evidence(&backup->progress->result, service, buf_text(&masked));
	results_set(&backup->progress->result.service, service);
}

static int conclude_hook(struct backup *backup, const char *service, enum backup_hook hook,
    const struct engine_exec_result *result)
{
	size_t length = 0;
	const char *last = text_last_line(buf_text(&result->output), &length);

	show_output(backup, service, &result->output);
	auto_str char *line = xstrndup(last, length < 200 ? length : 200);
	AUTO(buf) masked = buf_make(1024);
	(void)log_mask_text(&masked, line, strlen(line));
	progress_conclude(backup->progress, OUTCOME_FAIL, "%s of service %s: exit status %d%s%s",
	    backup_hook_label(hook), service, result->exit_code, masked.length ? ": " : "",
	    buf_text(&masked));
	return -1;
}

static int run_hook(
    struct backup *backup, const struct backup_service *service, enum backup_hook hook)
{
	const struct stash_access access = access_of(backup);
	AUTO(engine_exec_result) result = {0};
	auto_str char *line = xasprintf("%s of service %s", backup_hook_label(hook), service->name);
	struct err err;

	progress_show(backup->progress, line);
	if (stash_run_hook(
		&access, &backup->items, service->name, service->hooks[hook], &result, &err) == 0)
		return result.exit_code ? conclude_hook(backup, service->name, hook, &result) : 0;
	bool is_late = err.code == ERR_TIMEOUT && !is_cancelled(backup) &&
		       clock_now() < backup->progress->work->deadline_ns;
	if (!is_late)
		return conclude_ours(backup, &err);
	progress_conclude(backup->progress, OUTCOME_FAIL, "%s: not over in time", line);
	return -1;
}

/* -1: concluded. */
static int run_hooks(struct backup *backup, enum backup_hook hook)
{
	for (size_t i = 0; i < backup->plan.service_count; i++) {
		const struct backup_service *service = &backup->plan.services[i];

		if (service->hooks[hook] && run_hook(backup, service, hook) < 0)
			return -1;
	}
	return 0;
}

/* --- dumps --- */

static int conclude_unpacking(
    struct backup *backup, const struct stash_item *item, const struct proc_result *result)
{
	char how[PROC_RESULT_TEXT_SIZE];
	size_t length = 0;
	const char *last = text_last_line(buf_text(&result->tail), &length);

	/* gzip begins with the name of what it reads, which is ours. */
	const char *said = memmem(last, length, ": ", 2);
	const char *rest = said ? said + 2 : last;
	proc_result_text(result, how);
	auto_str char *what = xasprintf("the dump does not unpack: gzip: %s: %.*s", how,
	    (int)(length - (size_t)(rest - last)), rest);
	return conclude_item(backup, item, what);
}

/* By gzip itself, which every host has. */
static int unpack(struct backup *backup, const struct stash_item *item)
{
	const struct stages_work *work = backup->progress->work;
	const char *path = environ_path(work->environ);
	auto_str char *program = NULL;
	AUTO(proc_result) result = {0};
	struct err err;
	auto_fd int fd = stash_open_dump(item, work->run->dir, &err);

	if (fd < 0 || file_find_program("gzip", path, &program, &err) < 0)
		return conclude_ours(backup, &err);
	auto_str char *file = xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	auto_str char *row = xasprintf("PATH=%s", path);
	const char *const argv[] = {program, "-t", file, NULL};
	const char *const env[] = {row, "LC_ALL=C", NULL};
	const struct stash_access access = access_of(backup);
	const struct proc_spec spec = {
	    .label = "gzip",
	    .argv = argv,
	    .env = env,
	    .tail_max_bytes = UNPACK_TAIL_BYTES,
	    .deadline_ns = access.deadline_ns,
	    .term_grace_ms = UNPACK_GRACE_MS,
	    .drain_ms = UNPACK_GRACE_MS,
	    .cancel_fd = access.cancel_fd,
	    .watch_fd = -1,
	};
	if (proc_run(&spec, &result, &err) < 0)
		return conclude_ours(backup, &err);
	if (result.end == PROC_EXITED && result.code == 0)
		return 0;
	if (result.end != PROC_EXITED) {
		char how[PROC_RESULT_TEXT_SIZE];

		proc_result_text(&result, how);
		(void)err_set(&err, ERR_SYS, "gzip: %s", how);
		return conclude_ours(backup, &err);
	}
	return conclude_unpacking(backup, item, &result);
}

/* What a hook was to leave at a place that a label names. -1: concluded. */
static int check_dump(struct backup *backup, const struct stash_item *item)
{
	unsigned char head[2] = {0};
	unsigned char tail[4] = {1};
	uint64_t size = item->scan.root.size;
	off_t at = (off_t)item->scan.root_offset;

	if (item->scan.root.kind == '0' && size >= sizeof(head) + sizeof(tail) &&
	    (pread(item->archive_fd, head, sizeof(head), at) < 0 ||
		pread(item->archive_fd, tail, sizeof(tail), at + (off_t)(size - sizeof(tail))) <
		    0)) {
		struct err err;

		(void)err_set(&err, ERR_SYS, "the archive of %s cannot be read", item->name);
		return conclude_ours(backup, &err);
	}
	const char *fault = stash_dump_fault(&item->scan, head, tail);
	if (fault) {
		auto_str char *what = xasprintf("the dump %s after the hook", fault);

		return conclude_item(backup, item, what);
	}
	return stash_is_packed(head) ? unpack(backup, item) : 0;
}

/* -1: concluded. */
static int save_item(struct backup *backup, struct stash_item *item)
{
	const struct stash_access access = access_of(backup);
	struct err err;

	if (stash_save(&access, item, backup->progress->work->run->dir, &err) < 0) {
		if (err.code == ERR_MISSING && item->is_named)
			return conclude_item(
			    backup, item, "the labels back it up, and it is not there");
		return conclude_ours(backup, &err);
	}
	if (item->is_named && backup_plan_has_hook(&backup->plan, BACKUP_HOOK_BEFORE))
		return check_dump(backup, item);
	return 0;
}

/* --- by ourselves --- */

static int save_all(struct backup *backup, bool named_alone)
{
	for (size_t i = 0; i < backup->items.count; i++) {
		struct stash_item *item = &backup->items.items[i];

		if (!item->why_not && (item->is_named || !named_alone) &&
		    save_item(backup, item) < 0)
			return -1;
	}
	return 0;
}

static int create_own(struct backup *backup)
{
	if (run_hooks(backup, BACKUP_HOOK_BEFORE) < 0 || save_all(backup, false) < 0)
		return -1;
	return run_hooks(backup, BACKUP_HOOK_AFTER);
}

static int restore_own(struct backup *backup)
{
	struct err err;

	if (run_hooks(backup, BACKUP_HOOK_BEFORE_RESTORE) < 0)
		return -1;
	for (size_t i = 0; i < backup->items.count; i++) {
		const struct stash_item *item = &backup->items.items[i];
		const struct stash_access access = access_of(backup);

		if (!item->why_not && stash_put_back(&access, item, &err) < 0)
			return conclude_ours(backup, &err);
	}
	return run_hooks(backup, BACKUP_HOOK_AFTER_RESTORE);
}

/* --- by the host's bot --- */

static int call_bot(struct backup *backup, enum abra_verb verb, struct proc_result *out)
{
	const struct stages_work *work = backup->progress->work;
	const struct stash_access access = access_of(backup);
	const struct abra_watch watch = {
	    .deadline_ns = access.deadline_ns, .cancel_fd = access.cancel_fd, .watch_fd = -1};
	struct abra_target target = {
	    .recipe = work->run->params.recipe,
	    .domain = work->run->domain,
	    .server = work->settings->abra_server,
	};
	struct err err;

	progress_show(backup->progress, abra_verb_text(verb));
	if (abra_find_flags(&backup->progress->abra, verb, &target, &watch, &err) < 0 ||
	    abra_call(&backup->progress->abra, verb, &target, &watch, out, &err) < 0)
		return conclude_ours(backup, &err);
	if (out->end == PROC_EXITED && out->code == 0)
		return 0;
	char text[ABRA_COMPLAINT_SIZE];
	abra_complain(verb, out, text);
	(void)err_set(&err, ERR_PROTOCOL, "%s", text);
	return conclude_ours(backup, &err);
}

/* Its exit status says only that restic ran: there has to be a snapshot that was not there. */
static int create_by_bot(struct backup *backup)
{
	AUTO(proc_result) before = {0};
	AUTO(proc_result) created = {0};
	AUTO(proc_result) after = {0};

	if (call_bot(backup, ABRA_BACKUP_SNAPSHOTS, &before) < 0 ||
	    call_bot(backup, ABRA_BACKUP_CREATE, &created) < 0 ||
	    call_bot(backup, ABRA_BACKUP_SNAPSHOTS, &after) < 0)
		return -1;
	if (text_is(buf_text(&before.tail), buf_text(&after.tail))) {
		progress_conclude(backup->progress, OUTCOME_ERROR,
		    "abra app backup create ended with 0, but there is no new snapshot");
		return -1;
	}
	/* What it took is in its repository. A dump still lies where the hook left it, unless a
	 * hook takes it away. */
	return backup_plan_has_hook(&backup->plan, BACKUP_HOOK_AFTER) ? 0 : save_all(backup, true);
}

static int restore_by_bot(struct backup *backup)
{
	AUTO(proc_result) restored = {0};

	return call_bot(backup, ABRA_RESTORE, &restored);
}

/* --- databases --- */

/* -1: concluded. */
static int mark_databases(struct backup *backup)
{
	const struct stages_work *work = backup->progress->work;
	struct err err;

	if (database_marks_make(backup->progress->engine, work->run->stack,
		progress_mark_name(backup->progress), work->cancel_fd, &backup->databases,
		&err) < 0)
		return conclude_ours(backup, &err);
	backup->is_wiped = xcalloc(backup->databases.count + 1, sizeof(*backup->is_wiped));
	return 0;
}

static int look_into_databases(struct backup *backup)
{
	const struct stages_work *work = backup->progress->work;
	struct err err;

	return database_marks_check(backup->progress->engine, work->run->stack, work->cancel_fd,
		   &backup->databases, &err) < 0
		   ? conclude_ours(backup, &err)
		   : 0;
}

static void remove_marks(struct backup *backup)
{
	const struct stages_work *work = backup->progress->work;

	database_marks_remove(
	    backup->progress->engine, work->run->stack, work->cancel_fd, &backup->databases);
}

/* Ours alone: what the app has in it stays. -1: concluded. */
static int wipe_databases(struct backup *backup)
{
	struct database_marks *marks = &backup->databases;

	for (size_t i = 0; i < marks->count; i++)
		backup->is_wiped[i] = marks->items[i].answer == DATABASE_HERE;
	remove_marks(backup);
	if (look_into_databases(backup) < 0)
		return -1;
	for (size_t i = 0; i < marks->count; i++) {
		if (marks->items[i].answer != DATABASE_GONE)
			backup->is_wiped[i] = false;
		if (backup->is_wiped[i])
			marks->items[i].answer = DATABASE_HERE; /* it is to be looked for again */
	}
	return 0;
}

/* Its own hook dumps it; what another service's dumps nobody knows. */
static bool is_dumped(const struct backup *backup, const char *service)
{
	for (size_t i = 0; i < backup->plan.service_count; i++) {
		if (text_is(backup->plan.services[i].name, service) &&
		    backup->plan.services[i].hooks[BACKUP_HOOK_BEFORE])
			return true;
	}
	return false;
}

static int judge_database(struct backup *backup, const struct database_mark *mark)
{
	struct results_stage *result = &backup->progress->result;
	auto_str char *name = database_mark_name(mark);
	char what[DATABASE_MARKS_TEXT_SIZE];

	if (mark->answer == DATABASE_HERE) {
		results_stage_add_test(result, name, OUTCOME_PASS, 0, "");
		return 0;
	}
	if (!is_dumped(backup, mark->service)) {
		results_stage_add_test(result, name, OUTCOME_NOT_RUN, 0,
		    "no hook of its service dumps it, and the restore did not bring it back");
		return 0;
	}
	database_marks_explain(mark, backup->databases.mark, what);
	if (mark->answer == DATABASE_GONE)
		(void)snprintf(
		    what, sizeof(what), "its hook dumps it, and the restore did not bring it back");
	results_stage_add_test(result, name, OUTCOME_FAIL, 0, what);
	progress_conclude(backup->progress, OUTCOME_FAIL, "%s: %s", name, what);
	results_set(&result->service, mark->service);
	return -1;
}

/* -1: concluded. */
static int check_databases(struct backup *backup)
{
	if (look_into_databases(backup) < 0)
		return -1;
	for (size_t i = 0; i < backup->databases.count; i++) {
		if (backup->is_wiped[i] && judge_database(backup, &backup->databases.items[i]) < 0)
			return -1;
	}
	remove_marks(backup);
	return 0;
}

/* --- the proof --- */

static int create(struct backup *backup)
{
	const struct stash_access access = access_of(backup);
	int64_t started_ns = clock_now();
	struct err err;

	if (stash_mark(&access, &backup->items, backup->marker, &err) < 0)
		return conclude_ours(backup, &err);
	if (mark_databases(backup) < 0)
		return -1;
	if ((backup->has_bot ? create_by_bot(backup) : create_own(backup)) < 0)
		return -1;
	progress_add_phase(backup->progress, "backup", started_ns);
	return 0;
}

/* In the app itself first, which needs its files for it. -1: concluded. */
static int wipe(struct backup *backup)
{
	int64_t started_ns = clock_now();
	struct err err;

	if (wipe_databases(backup) < 0 || progress_wipe_data(backup->progress) < 0)
		return -1;
	progress_show(backup->progress, "takes away what is backed up");
	for (size_t i = 0; i < backup->items.count; i++) {
		const struct stash_item *item = &backup->items.items[i];
		const struct stash_access access = access_of(backup);
		bool is_gone = false;

		if (item->why_not)
			continue;
		if (stash_wipe(&access, item, backup->marker, &is_gone, &err) < 0)
			return conclude_ours(backup, &err);
		if (is_gone)
			continue;
		progress_conclude(backup->progress, OUTCOME_UNVERIFIED,
		    "%s cannot be taken away, so a restore of it would prove nothing", item->name);
		return -1;
	}
	progress_add_phase(backup->progress, "wipe", started_ns);
	return 0;
}

static int restore(struct backup *backup)
{
	int64_t started_ns = clock_now();

	if ((backup->has_bot ? restore_by_bot(backup) : restore_own(backup)) < 0)
		return -1;
	progress_add_phase(backup->progress, "restore", started_ns);
	return 0;
}

/* Each directory has ours in it again, as it was. -1: concluded. */
static int check_marks(struct backup *backup)
{
	struct err err;

	for (size_t i = 0; i < backup->items.count; i++) {
		const struct stash_item *item = &backup->items.items[i];
		const struct stash_access access = access_of(backup);
		auto_str char *why = NULL;

		if (item->why_not)
			continue;
		if (item->has_mark &&
		    stash_look_for_mark(&access, item, backup->marker, &why, &err) < 0)
			return conclude_ours(backup, &err);
		if (why)
			return conclude_item(backup, item, why);
		results_stage_add_test(&backup->progress->result, item->name, OUTCOME_PASS, 0, "");
	}
	return 0;
}

/* The suite's, a few times: whoever lost his database needs a moment. -1: concluded. */
static int check_data(struct backup *backup)
{
	struct progress *progress = backup->progress;
	struct pollfd cancel = {.fd = progress->work->cancel_fd, .events = POLLIN};
	bool is_there = false;

	for (int tries = 1;; tries++) {
		if (progress_try_data(progress, &is_there) < 0)
			return -1;
		if (is_there || tries == DATA_TRIES)
			break;
		(void)poll(&cancel, 1, DATA_EVERY_MS);
	}
	return progress_check_data(progress);
}

static int prove(struct backup *backup)
{
	if (check_marks(backup) < 0 || check_databases(backup) < 0)
		return -1;
	if (check_data(backup) < 0) {
		struct results_stage *result = &backup->progress->result;

		if (result->outcome == OUTCOME_FAIL) {
			auto_str char *why = xstrdup(result->reason);

			progress_conclude(backup->progress, OUTCOME_FAIL,
			    "the restore did not bring back the data: %s", why);
		}
		return -1;
	}
	return progress_prove_app(backup->progress, &backup->deployed);
}

void backup_run(struct progress *progress)
{
	AUTO(backup)
	backup = {
	    .progress = progress,
	    .marker = xasprintf("ccci run %s before the backup\n", progress->work->run->id),
	};
	struct err err;

	if (read_plan(&backup) < 0 || progress_need_head(progress) < 0)
		return;
	deploy_settle(&progress->deploy, &backup.deployed);
	progress_take_deploy(progress, &backup.deployed);
	if (backup.deployed.end != DEPLOY_UP || find_items(&backup) < 0)
		return;
	if (stash_find_bot(progress->engine, progress->work->settings->backup_bot, &backup.has_bot,
		&err) < 0) {
		(void)conclude_ours(&backup, &err);
		return;
	}
	if (create(&backup) == 0 && wipe(&backup) == 0 && restore(&backup) == 0 &&
	    prove(&backup) == 0)
		progress_conclude(progress, OUTCOME_PASS, "%s", "");
}
