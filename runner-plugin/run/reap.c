/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/reap.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/run/backoff.h"
#include "runner-plugin/run/exit.h"
#include "runner-plugin/run/history.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/run/record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEAD_MAX 32  /* taken at once; the next reap finds the others */
#define STACK_CUT 45 /* abra cuts a stack's name there */
#define PREFIX_MAX 4 /* of the recipe's name in a domain */
#define HEX_DIGITS 6
#define LABEL_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define ORPHANS_MAX 64
#define ORPHAN_PATIENCE_MS 60000

void reap_summary_release(struct reap_summary *summary)
{
	leaks_release(&summary->left);
}

PRINTF_LIKE(2, 3)
static void say(const struct reap *reap, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reap->say(reap->context, text);
}

/* --- dead runs --- */

struct dead {
	int lease_fd;
	struct run run;
};

/* What the look over all run directories finds. */
struct census {
	const struct reap *reap;
	struct reap_summary *summary;
	struct dead dead[DEAD_MAX];
	size_t dead_count;
	struct history finished;
	char **stacks; /* of every run there is, live or dead or over: none of them is an orphan */
	size_t stack_count;
};

static void census_release(struct census *census)
{
	for (size_t i = 0; i < census->dead_count; i++) {
		close_fd(&census->dead[i].lease_fd);
		run_release(&census->dead[i].run);
	}
	for (size_t i = 0; i < census->stack_count; i++)
		free(census->stacks[i]);
	free(census->stacks);
	history_release(&census->finished);
}
DEFINE_AUTO(census, census_release);

static void add_stack(struct census *census, const char *stack)
{
	census->stacks =
	    xrealloc_array(census->stacks, census->stack_count + 1, sizeof(*census->stacks));
	census->stacks[census->stack_count++] = xstrdup(stack);
}

/* The six digits, which stand before the zone. */
static const char *find_hex(const char *stack)
{
	size_t length = strcspn(stack, "_");

	return length < HEX_DIGITS ? NULL : stack + length - HEX_DIGITS;
}

bool reap_is_of_run(const char *stack, const char *run_stack)
{
	const char *hex = find_hex(stack);
	const char *run_hex = find_hex(run_stack);

	return hex && run_hex && strncmp(hex, run_hex, HEX_DIGITS) == 0;
}

static bool is_known_stack(const struct census *census, const char *stack)
{
	for (size_t i = 0; i < census->stack_count; i++)
		if (reap_is_of_run(stack, census->stacks[i]))
			return true;
	return false;
}

static void remove_dir(const struct census *census, const char *dir)
{
	struct err err;

	if (census->reap->is_dry) {
		say(census->reap, "would remove %s", dir);
		return;
	}
	if (file_remove_tree(dir, &err) < 0)
		leaks_add(&census->summary->left, "%s", err.msg);
}

/* A directory without a readable run.json: its maker died before it was a run, or the disk did. */
static void look_at_unreadable(
    struct census *census, const char *id, const char *dir, const struct err *why)
{
	auto_str char *journal = xasprintf("%s/" JOURNAL_FILE, dir);

	if (why->code != ERR_MISSING || file_exists(journal)) {
		leaks_add(&census->summary->left, "run %s: %s", id, why->msg);
		return;
	}
	say(census->reap, "run %s: its maker died at once", id);
	remove_dir(census, dir);
}

/* Where it stands how often a leftover could not be removed; the caller frees it. */
static char *run_patience(const char *dir)
{
	return xasprintf("%s/reap", dir);
}

static char *orphan_patience(const struct reap *reap, const char *stack)
{
	return xasprintf("%s/leftovers/%s", reap->settings->state_dir, stack);
}

/* What failed before is left alone for a while, and still counts as left. */
static bool is_due(const struct census *census, const char *patience, const char *what)
{
	const struct reap *reap = census->reap;
	char wait[CLOCK_DURATION_SIZE];
	int64_t now_s = clock_wall_s();
	int64_t next_s = 0;

	if (reap->is_now || reap->only_id || backoff_is_due(patience, now_s, &next_s))
		return true;
	clock_format_duration((next_s - now_s) * 1000, wait);
	leaks_add(&census->summary->left,
	    "%s: could not be removed before; tried again in %s, or by ccci-run reap --now", what,
	    wait);
	return false;
}

/* Before it is tried: a janitor that dies in it must not find it first again. */
static void begin_try(const struct census *census, const char *patience)
{
	auto_str char *dir = xstrndup(patience, (size_t)(strrchr(patience, '/') - patience));
	struct err err;

	if (file_make_dirs(dir, 0700, &err) < 0 ||
	    backoff_begin(patience, clock_wall_s(), &err) < 0)
		say(census->reap, "%s", err.msg);
}

/* The lease is ours. True: it is kept, as the run has to be taken down. */
static bool look_at_dead(struct census *census, const char *id, const char *dir, struct run *out)
{
	AUTO(run) run = {0};
	AUTO(journal) journal = {0};
	auto_str char *path = xasprintf("%s/" JOURNAL_FILE, dir);
	auto_str char *results = xasprintf("%s/" RECORD_RESULTS_FILE, dir);
	struct stat status;
	struct err err;

	if (run_open(census->reap->settings, id, &run, &err) < 0) {
		look_at_unreadable(census, id, dir, &err);
		return false;
	}
	add_stack(census, run.stack);
	bool is_readable = journal_read(path, &journal, &err) == 0;
	/* One that died between its last record and its results has nothing left, but no verdict.
	 */
	if (!is_readable || !journal_is_closed(&journal) || !file_exists(results)) {
		auto_str char *patience = run_patience(dir);
		auto_str char *name = run_describe(&run);

		if (!is_due(census, patience, name))
			return false;
		*out = run;
		run = (struct run){0};
		return true;
	}
	if (stat(results, &status) == 0)
		history_add(&census->finished, id, status.st_mtime, history_measure(dir));
	return false;
}

/* Of those that nobody holds, more than the host keeps. */
static void remove_finished(struct census *census)
{
	const struct settings *settings = census->reap->settings;
	const struct history_bounds bounds = {
	    settings->history_runs, settings->history_bytes, clock_wall_s()};

	history_choose(&census->finished, &bounds);
	for (size_t i = 0; i < census->finished.count; i++) {
		const struct history_run *run = &census->finished.runs[i];
		auto_str char *dir = xasprintf("%s/runs/%s", settings->state_dir, run->id);
		struct err ignored; /* somebody holds it: another time */

		if (!run->is_too_much)
			continue;
		auto_fd int lease_fd = lease_take(dir, &ignored);
		if (lease_fd < 0)
			continue;
		census->summary->expired++;
		remove_dir(census, dir);
	}
}

static void add_live(struct census *census, const char *id)
{
	AUTO(run) run = {0};
	struct err ignored;

	census->summary->live++;
	if (run_open(census->reap->settings, id, &run, &ignored) == 0)
		add_stack(census, run.stack);
}

static void look_at_run(struct census *census, const char *id)
{
	const struct reap *reap = census->reap;
	auto_str char *dir = xasprintf("%s/runs/%s", reap->settings->state_dir, id);
	struct err err;

	if (census->dead_count == DEAD_MAX)
		return;
	auto_fd int lease_fd = lease_take(dir, &err);
	if (lease_fd < 0 && err.code == ERR_TRANSIENT)
		add_live(census, id);
	else if (lease_fd < 0)
		leaks_add(&census->summary->left, "run %s: %s", id, err.msg);
	else if (look_at_dead(census, id, dir, &census->dead[census->dead_count].run))
		census->dead[census->dead_count++].lease_fd = take_fd(&lease_fd);
}

/* Nobody can be making a run meanwhile: see lease_lock_births(). */
static int look_at_runs(struct census *census, struct err *err)
{
	const struct reap *reap = census->reap;
	auto_str char *path = xasprintf("%s/runs", reap->settings->state_dir);
	auto_fd int births = lease_lock_births(reap->settings->state_dir, err);
	auto_dir DIR *dir = opendir(path);

	if (births < 0)
		return -1;
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(err, errno, "look for dead runs in %s", path);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (entry->d_name[0] != '.' &&
		    (!reap->only_id || text_is(entry->d_name, reap->only_id)))
			look_at_run(census, entry->d_name);
	if (!reap->only_id)
		remove_finished(census);
	return 0;
}

static void take_down(struct census *census, const struct run *run)
{
	const struct reap *reap = census->reap;
	const struct record_end end = {RUN_BROKE, "the run's keeper died; torn down later"};
	auto_str char *name = run_describe(run);
	auto_str char *results = run_path(run, RECORD_RESULTS_FILE);
	struct teardown teardown = {.settings = reap->settings,
	    .run = run,
	    .environ = reap->environ,
	    .say = reap->say,
	    .context = reap->context};
	AUTO(teardown_result) result = {0};
	struct err err;

	census->summary->reaped++;
	if (reap->is_dry) {
		say(reap, "would take down what %s left", name);
		return;
	}
	say(reap, "taking down what %s left", name);
	auto_str char *patience = run_patience(run->dir);
	begin_try(census, patience);
	teardown_run(&teardown, &result);
	if (!result.left.count)
		backoff_end(patience);
	for (size_t i = 0; i < result.left.count; i++)
		leaks_add(&census->summary->left, "%s: %s", name, result.left.items[i]);
	if (!file_exists(results) && record_write(run, &end, &result, NULL, &err) < 0)
		leaks_add(&census->summary->left, "%s: %s", name, err.msg);
}

/* Links of builds, and of apps that runs share, whose run is removed. */
static void remove_dead_links(const struct reap *reap, const char *name)
{
	auto_str char *path = xasprintf("%s/%s", reap->settings->state_dir, name);
	auto_dir DIR *dir = opendir(path);
	struct stat status;

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
		if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &status, 0) < 0 &&
		    errno == ENOENT && !reap->is_dry)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
}

/* --- leftovers that no run directory knows --- */

/* The stack that abra makes of the label that a name begins with and the zone, when it is of it. */
static bool is_of_stack(const char *name, size_t label_length, const char *zone, char *out)
{
	char stack[RUN_STACK_SIZE];

	(void)snprintf(stack, STACK_CUT + 1, "%.*s_%s", (int)label_length, name, zone);
	for (char *c = stack; *c; c++)
		if (*c == '.')
			*c = '_';
	size_t length = strlen(stack);
	return strncmp(name, stack, length) == 0 && (name[length] == '_' || name[length] == '\0') &&
	       copy_text(out, RUN_STACK_SIZE, stack);
}

bool reap_is_ours(const char *name, const char *zone, char out[RUN_STACK_SIZE])
{
	for (size_t prefix = 1; prefix <= PREFIX_MAX; prefix++) {
		size_t hex = prefix + 1;

		if (strspn(name, LABEL_CHARACTERS) < hex + HEX_DIGITS || name[0] == '-' ||
		    name[prefix] != '-' || strspn(name + hex, "0123456789abcdef") < HEX_DIGITS)
			continue;
		if (is_of_stack(name, hex + HEX_DIGITS, zone, out))
			return true;
	}
	/* Of `ccci-run dev`. */
	return text_starts(name, RUN_DEV_PREFIX) && name[strlen(RUN_DEV_PREFIX)] != '_' &&
	       is_of_stack(name, strspn(name, LABEL_CHARACTERS), zone, out);
}

struct orphan {
	char stack[RUN_STACK_SIZE];
	int64_t created_s; /* of its newest part */
};
struct orphans {
	struct orphan items[ORPHANS_MAX];
	size_t count;
};

static void add_orphan(struct orphans *orphans, const char *stack, int64_t created_s)
{
	for (size_t i = 0; i < orphans->count; i++) {
		struct orphan *orphan = &orphans->items[i];

		if (!text_is(orphan->stack, stack))
			continue;
		if (created_s > orphan->created_s)
			orphan->created_s = created_s;
		return;
	}
	if (orphans->count == ORPHANS_MAX)
		return; /* the next reap finds it */
	struct orphan *orphan = &orphans->items[orphans->count++];
	(void)copy_text(orphan->stack, sizeof(orphan->stack), stack);
	orphan->created_s = created_s;
}

/* Source: Engine API 1.41, the lists' answers. */
static const struct listing {
	const char *path;
	const char *member; /* NULL: the answer is the list */
	const char *name, *created;
} listings[] = {
    {"/services", NULL, "Spec.Name", "CreatedAt"},
    {"/networks", NULL, "Name", "Created"},
    {"/secrets", NULL, "Spec.Name", "CreatedAt"},
    {"/configs", NULL, "Spec.Name", "CreatedAt"},
    {"/volumes", "Volumes", "Name", "CreatedAt"},
};

static int find_orphans(
    struct engine *engine, const struct census *census, struct orphans *orphans, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(listings); i++) {
		const struct listing *listing = &listings[i];
		AUTO_PTR(json) root = engine_get(engine, listing->path, err);
		const struct json *list = listing->member ? json_get(root, listing->member) : root;

		if (!root)
			return -1;
		for (const struct json *item = json_first(list); item; item = json_next(item)) {
			const char *name = json_text(json_path(item, listing->name));
			const char *created = json_get_text(item, listing->created);
			char stack[RUN_STACK_SIZE];
			int64_t created_s = clock_wall_s(); /* unknown: too young to touch */

			if (!name || !reap_is_ours(name, census->reap->settings->zone, stack) ||
			    is_known_stack(census, stack))
				continue;
			if (created && !clock_parse_rfc3339(created, &created_s))
				created_s = clock_wall_s();
			add_orphan(orphans, stack, created_s);
		}
	}
	return 0;
}

static bool is_old(const struct reap *reap, int64_t created_s)
{
	return clock_wall_s() - created_s >= reap->settings->janitor_max_age_ms / 1000;
}

static void remove_orphan(struct census *census, struct engine *engine, const char *stack)
{
	const struct reap *reap = census->reap;
	auto_str char *patience = orphan_patience(reap, stack);
	auto_str char *name = xasprintf("stack %s", stack);
	size_t before = census->summary->left.count;

	if (!is_due(census, patience, name))
		return;
	census->summary->reaped++;
	say(reap, "%s stack %s, which no run knows", reap->is_dry ? "would remove" : "removing",
	    stack);
	if (reap->is_dry)
		return;
	begin_try(census, patience);
	leaks_remove(
	    engine, stack, clock_now() + ORPHAN_PATIENCE_MS * NS_PER_MS, &census->summary->left);
	if (census->summary->left.count == before)
		backoff_end(patience);
}

static bool is_orphan(const struct orphans *orphans, const char *stack)
{
	for (size_t i = 0; i < orphans->count; i++)
		if (text_is(orphans->items[i].stack, stack))
			return true;
	return false;
}

/* Of stacks that went by themselves, or by somebody's hand. */
static void forget_gone(const struct reap *reap, const struct orphans *orphans)
{
	auto_str char *path = orphan_patience(reap, "");
	auto_dir DIR *dir = opendir(path);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
		if (entry->d_name[0] != '.' && !is_orphan(orphans, entry->d_name) && !reap->is_dry)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
}

static void remove_orphans(struct census *census, struct engine *engine)
{
	const struct reap *reap = census->reap;
	struct orphans orphans = {0};
	struct err err;

	if (find_orphans(engine, census, &orphans, &err) < 0) {
		leaks_add(&census->summary->left, "cannot look for leftovers: %s", err.msg);
		return;
	}
	for (size_t i = 0; i < orphans.count; i++)
		if (is_old(reap, orphans.items[i].created_s))
			remove_orphan(census, engine, orphans.items[i].stack);
	if (orphans.count < ORPHANS_MAX)
		forget_gone(reap, &orphans);
}

/* "cust-9f2c1a.ci.example.org.env" of no run's: abra would show the app for ever. */
static bool is_orphan_env(const struct census *census, const char *file, int dir_fd)
{
	auto_str char *name = xstrdup(file);
	char stack[RUN_STACK_SIZE];
	struct stat status;

	if (!text_ends(name, ".env"))
		return false;
	name[strlen(name) - strlen(".env")] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = '_';
	return reap_is_ours(name, census->reap->settings->zone, stack) &&
	       !is_known_stack(census, stack) &&
	       fstatat(dir_fd, file, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is_old(census->reap, status.st_mtime);
}

static void remove_orphan_envs(const struct census *census)
{
	const struct settings *settings = census->reap->settings;
	auto_str char *path = xasprintf("%s/servers/%s", settings->abra_dir, settings->abra_server);
	auto_dir DIR *dir = opendir(path);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		if (!is_orphan_env(census, entry->d_name, dirfd(dir)))
			continue;
		say(census->reap, "%s %s/%s, which no run knows",
		    census->reap->is_dry ? "would remove" : "removing", path, entry->d_name);
		if (!census->reap->is_dry && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			leaks_add(&census->summary->left, "%s/%s: %s", path, entry->d_name,
			    strerror(errno));
	}
}

void reap_all(const struct reap *reap, struct reap_summary *out)
{
	struct reap_summary summary = {0};
	struct err err;

	{
		AUTO(census) census = {.reap = reap, .summary = &summary};

		if (look_at_runs(&census, &err) < 0) {
			leaks_add(&summary.left, "%s", err.msg);
		} else {
			for (size_t i = 0; i < census.dead_count; i++)
				take_down(&census, &census.dead[i].run);
			remove_dead_links(reap, "builds");
			remove_dead_links(reap, "shared");
		}
		AUTO_PTR(engine) engine = engine_open(reap->settings, &err);
		if (!engine)
			leaks_add(&summary.left, "%s", err.msg);
		else if (!reap->only_id)
			remove_orphans(&census, engine);
		if (!reap->only_id)
			remove_orphan_envs(&census);
	}
	*out = summary;
}

/* --- beside a run --- */

static void log_text(void *context, const char *text)
{
	(void)context;
	log_info("%s", text);
}

/* One at a time; its file says what the last one did. -1: another is at it, or there is no room. */
static int open_log(const struct settings *settings)
{
	auto_str char *path = xasprintf("%s/reap.log", settings->state_dir);
	auto_fd int fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0)
		return -1;
	return take_fd(&fd);
}

__attribute__((noreturn)) static void janitor_main(
    const struct settings *settings, const char *const *environ)
{
	const struct reap reap = {.settings = settings, .environ = environ, .say = log_text};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int log = open_log(settings);
	sigset_t none;

	if (null < 0 || log < 0 || chdir("/") < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		_exit(EXIT_OURS);
	proc_close_others(&log, 1);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* our caller hears signals by a descriptor */
	(void)prctl(PR_SET_NAME, "ccci-reap");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)umask(077);
	log_set_fd(log);
	log_scope("reap");
	{
		AUTO(reap_summary) summary = {0};

		reap_all(&reap, &summary);
		for (size_t i = 0; i < summary.left.count; i++)
			log_warning("still there: %s", summary.left.items[i]);
	}
	exit(EXIT_PASSED);
}

void reap_beside(const struct settings *settings, const char *const *environ)
{
	pid_t middle = fork();

	if (middle == 0) {
		pid_t pid = setsid() < 0 ? -1 : fork();

		if (pid == 0)
			janitor_main(settings, environ);
		_exit(pid < 0 ? EXIT_OURS : EXIT_PASSED);
	}
	if (middle < 0)
		log_warning("what dead runs left stays for now: fork: %s", strerror(errno));
	while (middle > 0 && waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		continue;
}
