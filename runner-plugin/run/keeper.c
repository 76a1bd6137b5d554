/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/keeper.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "common/log.h"
#include "common/testpoint.h"
#include "runner-plugin/run/cgroup.h"
#include "runner-plugin/run/channel.h"
#include "runner-plugin/run/handover.h"
#include "runner-plugin/run/journal.h"
#include "runner-plugin/run/kept.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/run/record.h"
#include "runner-plugin/run/shared.h"
#include "runner-plugin/run/slot.h"
#include "runner-plugin/run/teardown.h"
#include "runner-plugin/run/wanted.h"
#include "runner-plugin/run/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A step's front, a person's teardown, and some that just left; a front for each run that shares an
 * app. */
#define PEERS_MAX (SLOT_COUNT_MAX + 8)
#define SLOT_EVERY_MS 150
#define SAY_EVERY_MS 5000
#define WORKSPACE_EVERY_MS 500
#define KEPT_LOOK_EVERY_MS 500
#define USERS_EVERY_MS 500
#define SHARED_LOOK_MS 60000 /* a look at an app that is up takes seconds */
#define DEV_TIMEOUT_MS (INT64_C(24) * 3600 * 1000)
#define REASON_SIZE 320

/* What a run is at: slot, prepare, and stages with idle between; from any of them to the end. */
enum phase {
	PHASE_IDLE,    /* between two requests */
	PHASE_SLOT,    /* prepare was asked for and waits for its slots */
	PHASE_PREPARE, /* its worker runs */
	PHASE_STAGE,   /* a stage's worker runs */
	PHASE_FOLLOW,  /* one prints what the services say */
	PHASE_LOOK,    /* one looks whether an app that runs share is well */
	PHASE_END,     /* nothing is begun any more */
};

/* Who is connected. The first is the front that started the keeper. */
struct peer {
	int fd; /* -1: a free place */
	bool is_first;
	bool is_waiting;	       /* for an answer */
	bool is_sharer;		       /* for that of an app that runs share */
	int step_fds[CHANNEL_FDS_MAX]; /* the step's stdout and stderr, while its request is open */
	size_t step_fd_count;
};

struct keeper {
	const struct keeper_job *job;
	struct run run; /* as it is in run.json: prepare may have resolved the commit */
	char *journal_path;
	int lease_fd, listen_fd, signal_fd;
	int secrets_fd; /* anonymous memory: what workers learnt to mask */
	struct http *http;
	struct slot slot;
	int64_t weight;
	struct peer peers[PEERS_MAX];
	struct peer *asking; /* whose request is open; NULL: nobody's, or it is gone */

	enum phase phase;
	enum stage stage; /* whose result is made; prepare has none and speaks as the first */
	struct worker worker;
	int64_t work_started_ns;

	int64_t started_s; /* wall; of the build, or of the run without one */
	int64_t deadline_ns, next_slot_ns, next_say_ns, next_workspace_ns;
	bool watches_workspace;
	struct wanted wanted;
	struct shared shared;
	int64_t next_users_ns;

	/* With PHASE_END. */
	enum phase cut; /* what the end came in */
	struct record_end end;
	char reason[REASON_SIZE];
	enum exit_code exit_code; /* for whose request was open */
};

/* --- ending --- */

static bool is_over(const struct keeper *keeper)
{
	return keeper->phase == PHASE_END;
}

/* Somebody waits for what is done. */
static bool is_work(enum phase phase)
{
	switch (phase) {
	case PHASE_SLOT:
	case PHASE_PREPARE:
	case PHASE_STAGE:
	case PHASE_FOLLOW:
	case PHASE_LOOK:
		return true;
	case PHASE_IDLE:
	case PHASE_END:
		return false;
	}
	return false;
}

static const char *phase_word(const struct keeper *keeper)
{
	switch (keeper->phase) {
	case PHASE_IDLE:
		return "the wait for the next step";
	case PHASE_SLOT:
		return "the wait for a slot";
	case PHASE_PREPARE:
		return "prepare";
	case PHASE_STAGE:
		return stage_word(keeper->stage);
	case PHASE_FOLLOW:
		return "the look at its logs";
	case PHASE_LOOK:
		return "the look at whether it is well";
	case PHASE_END:
		return "the end";
	}
	return "";
}

/* The reason becomes "cancelled, after 12 s, in install". */
PRINTF_LIKE(3, 4)
static void end_run(struct keeper *keeper, enum run_end end, const char *format, ...)
{
	char whole[REASON_SIZE + 1]; /* enough to see where the character ends that does not fit */
	char why[REASON_SIZE];
	char elapsed[CLOCK_DURATION_SIZE];
	va_list args;

	if (is_over(keeper))
		return;
	va_start(args, format);
	(void)vsnprintf(whole, sizeof(whole), format, args);
	va_end(args);
	copy_head(why, sizeof(why), whole);
	clock_format_duration((clock_wall_s() - keeper->started_s) * 1000, elapsed);
	(void)snprintf(keeper->reason, sizeof(keeper->reason), "%s, after %s, in %s", why, elapsed,
	    phase_word(keeper));
	keeper->cut = keeper->phase;
	keeper->phase = PHASE_END;
	keeper->end = (struct record_end){end, end == RUN_COMPLETE ? NULL : keeper->reason};
	keeper->exit_code = exit_of_end(end);
	log_info("the run ends: %s", keeper->reason);
}

/* --- fronts --- */

/* A killed step must not be kept waiting by a copy of its output. */
static void close_step(struct peer *peer)
{
	while (peer->step_fd_count)
		close_fd(&peer->step_fds[--peer->step_fd_count]);
}

static void peer_close(struct peer *peer)
{
	close_step(peer);
	close_fd(&peer->fd);
	peer->is_first = false;
	peer->is_waiting = false;
	peer->is_sharer = false;
}

static struct peer *add_peer(struct keeper *keeper, int take_peer_fd)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = &keeper->peers[i];

		if (peer->fd >= 0)
			continue;
		*peer = (struct peer){.fd = take_peer_fd};
		return peer;
	}
	log_warning("more than %d fronts at once: one is sent away", PEERS_MAX);
	close_fd(&take_peer_fd);
	return NULL;
}

static void tell(const struct peer *peer, const char *text)
{
	AUTO_PTR(json) message = json_new_object();

	json_set_text(message, "say", text);
	channel_offer(peer->fd, message);
}

static void say(void *context, const char *text)
{
	const struct keeper *keeper = context;

	log_info("%s", text);
	if (keeper->asking)
		tell(keeper->asking, text);
}

static void answer(struct peer *peer, enum exit_code exit_code)
{
	AUTO_PTR(json) message = json_new_object();
	struct err ignored; /* who does not listen any more is seen by its end of file */

	peer->is_waiting = false;
	peer->is_sharer = false;
	json_set_int(message, "exit", exit_code);
	(void)!channel_send(peer->fd, message, NULL, 0, &ignored);
	close_step(peer);
}

static void answer_asking(struct keeper *keeper, enum exit_code exit_code)
{
	struct peer *peer = keeper->asking;

	keeper->asking = NULL;
	keeper->phase = PHASE_IDLE;
	if (peer)
		answer(peer, exit_code);
}

/* --- the journal --- */

#ifdef CCCI_TEST_POINTS
static pid_t find_front(const struct keeper *keeper)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct ucred peer = {0};
		socklen_t length = sizeof(peer);

		if (keeper->peers[i].fd >= 0 &&
		    getsockopt(keeper->peers[i].fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
			return peer.pid;
	}
	return 0;
}

/*
 * CCCI_TEST_KILL=journal@3 with CCCI_TEST_KILL_WHO=front, worker, keeper or both (front, then
 * keeper): SIGKILL at the third record, as soon as it is on disk. The keeper does it for all, so
 * that the place is exact.
 */
static void test_kill(struct keeper *keeper, const char *name)
{
	const char *who = environ_get(keeper->job->environ, "CCCI_TEST_KILL_WHO");
	bool is_both = who && text_is(who, "both");

	if (!testpoint_reached(name))
		return;
	pid_t front = is_both || (who && text_is(who, "front")) ? find_front(keeper) : 0;
	pid_t worker = who && text_is(who, "worker") ? keeper->worker.pid : 0;
	if (front > 1)
		(void)kill(front, SIGKILL);
	if (worker > 1)
		(void)kill(worker, SIGKILL);
	if (!who || is_both || text_is(who, "keeper"))
		(void)kill(getpid(), SIGKILL);
}
#endif

static void on_record(void *context, enum journal_kind kind)
{
#ifdef CCCI_TEST_POINTS
	auto_str char *name = xasprintf("journal.%s", journal_kind_word(kind));

	test_kill(context, "journal");
	test_kill(context, name);
#else
	(void)context;
	(void)kind;
#endif
}

static int record(struct keeper *keeper, struct journal_entry *entry, struct err *err)
{
	if (journal_append(keeper->journal_path, entry, err) < 0)
		return -1;
	on_record(keeper, entry->kind);
	return 0;
}

static int mark(struct keeper *keeper, const char *text, struct err *err)
{
	AUTO(journal_entry) entry = {.kind = JOURNAL_MARK, .text = xstrdup(text)};

	return record(keeper, &entry, err);
}

static void serve_worker(struct keeper *keeper)
{
	AUTO(journal_entry) entry = {0};
	struct err err;
	struct err ignored;

	if (journal_receive(keeper->worker.control_fd, &entry, &err) < 0) {
		if (err.code != ERR_MISSING)
			log_error("%s", err.msg);
		close_fd(&keeper->worker.control_fd); /* its end is seen by its pidfd */
		return;
	}
	bool is_recorded = record(keeper, &entry, &err) == 0;
	if (!is_recorded)
		log_error("%s", err.msg);
	(void)!journal_answer(keeper->worker.control_fd, is_recorded ? NULL : &err, &ignored);
}

/* --- the worker --- */

static int reload_run(struct keeper *keeper, struct err *err)
{
	struct run fresh;

	if (run_open(keeper->job->settings, keeper->run.id, &fresh, err) < 0)
		return -1;
	run_release(&keeper->run);
	keeper->run = fresh;
	return 0;
}

static enum worker_task find_task(enum phase phase)
{
	switch (phase) {
	case PHASE_PREPARE:
		return WORKER_PREPARE;
	case PHASE_FOLLOW:
		return WORKER_FOLLOW;
	case PHASE_LOOK:
		return WORKER_LOOK;
	case PHASE_IDLE:
	case PHASE_SLOT:
	case PHASE_STAGE:
	case PHASE_END:
		break;
	}
	return WORKER_STAGE;
}

static int start_worker(struct keeper *keeper, struct err *err)
{
	static const struct peer nobody = {.fd = -1};
	const struct peer *step = keeper->asking ? keeper->asking : &nobody;
	int64_t deadline_ns = keeper->phase == PHASE_LOOK ? clock_now() + SHARED_LOOK_MS * NS_PER_MS
							  : keeper->deadline_ns;

	if (reload_run(keeper, err) < 0)
		return -1;
	const struct worker_job job = {
	    .work = {.settings = keeper->job->settings,
		.run = &keeper->run,
		.history_dir = keeper->job->settings->state_dir,
		.checkout = keeper->job->checkout,
		.local_recipe = keeper->job->local_recipe,
		.secrets_fd = keeper->secrets_fd,
		.cancel_fd = -1, /* a cancelled worker is killed: there is nothing to finish */
		.deadline_ns = deadline_ns,
		.environ = keeper->job->environ},
	    .task = find_task(keeper->phase),
	    .stage = keeper->stage,
	    .out_fd = step->step_fd_count > 0 ? step->step_fds[0] : -1,
	    .error_fd = step->step_fd_count > 1 ? step->step_fds[1] : -1};
	if (worker_start(&job, &keeper->worker, err) < 0)
		return -1;
	keeper->work_started_ns = clock_now();
	return 0;
}

/* Nothing more can be written: no stage would have a result, and none would be missed. */
static void end_for_disk(struct keeper *keeper)
{
	end_run(keeper, RUN_BROKE,
	    "the disk that holds %s is full: make room there, then run it again", keeper->run.dir);
}

/* A result in the worker's place. */
static void record_instead(struct keeper *keeper, enum outcome outcome, const char *reason)
{
	double seconds = (double)clock_elapsed_ms(keeper->work_started_ns) / 1000;
	struct err err;

	if (record_stage(&keeper->run, keeper->stage, outcome, reason, seconds, &err) == 0)
		return;
	log_error("%s", err.msg);
	if (err.sys == ENOSPC || err.sys == EDQUOT)
		end_for_disk(keeper);
	else
		end_run(keeper, RUN_BROKE, "%s", err.msg);
}

static bool has_result(const struct keeper *keeper, int code)
{
	if (code == EXIT_TIMED_OUT || code == EXIT_CANCELLED)
		return true; /* the end of the run is */
	if (code > EXIT_OURS)
		return false;
	return keeper->phase == PHASE_LOOK ||
	       (keeper->phase == PHASE_PREPARE && code == EXIT_PASSED) ||
	       handover_has_stage(&keeper->run, keeper->stage);
}

/* The exit status of a worker that ended by itself, once its result is on disk. */
static enum exit_code judge_worker(struct keeper *keeper, int status)
{
	char reason[REASON_SIZE];

	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		(void)snprintf(reason, sizeof(reason), "the worker of %s was killed by SIG%s",
		    phase_word(keeper), name ? name : "?");
		record_instead(keeper, OUTCOME_ERROR, reason);
		say(keeper, reason);
		return EXIT_OURS;
	}
	int code = WEXITSTATUS(status);
	if (has_result(keeper, code))
		return (enum exit_code)code;
	if (file_is_disk_full(keeper->run.dir)) {
		end_for_disk(keeper);
		return EXIT_OURS;
	}
	(void)snprintf(reason, sizeof(reason), "%s ended with exit status %d and without a result",
	    phase_word(keeper), code);
	record_instead(keeper, OUTCOME_ERROR, reason);
	say(keeper, reason);
	/* A recipe is not blamed by a status alone. */
	return code == EXIT_USAGE ? EXIT_USAGE : EXIT_OURS;
}

static void begin_work(struct keeper *keeper, enum phase phase)
{
	struct err err;

	keeper->phase = phase;
	auto_str char *text = xasprintf("begin %s", phase_word(keeper));
	if (mark(keeper, text, &err) < 0 || start_worker(keeper, &err) < 0) {
		say(keeper, err.msg);
		end_run(keeper, RUN_BROKE, "%s", err.msg);
	}
}

/* --- an app that runs share --- */

static void answer_sharers(struct keeper *keeper, enum exit_code code)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (keeper->peers[i].fd >= 0 && keeper->peers[i].is_sharer)
			answer(&keeper->peers[i], code);
}

static void note_users(struct keeper *keeper)
{
	struct err err;

	if (shared_note_users(&keeper->run, &keeper->shared, &err) < 0)
		log_warning("%s", err.msg); /* for people only */
}

/* What begins without a step, ends without one. */
static void on_shared_work(struct keeper *keeper, enum exit_code code)
{
	bool was_rising = keeper->phase != PHASE_LOOK;

	if (keeper->phase == PHASE_PREPARE && code == EXIT_PASSED) {
		begin_work(keeper, PHASE_STAGE);
		return;
	}
	shared_settle(&keeper->shared, code == EXIT_PASSED, clock_now());
	if (was_rising && code != EXIT_PASSED) {
		answer_sharers(keeper, EXIT_RECIPE); /* another one would not either */
		end_run(keeper, RUN_COMPLETE, "it does not come up");
		return;
	}
	keeper->phase = PHASE_IDLE;
	keeper->deadline_ns = INT64_MAX; /* from now on its users count */
	bool is_up = keeper->shared.state == SHARED_UP;
	log_info("%s", is_up ? "it is up and well" : "it is not well: given to nobody any more");
	answer_sharers(keeper, is_up ? EXIT_PASSED : EXIT_OURS);
}

static void ask_share(struct keeper *keeper, struct peer *peer, const struct json *message)
{
	const char *run_id = json_get_text(message, "run");

	if (!run_id || !run_is_id(run_id) || !shared_join(&keeper->shared, run_id)) {
		answer(peer, EXIT_USAGE);
		return;
	}
	note_users(keeper);
	peer->is_sharer = true;
	switch (shared_ask(&keeper->shared)) {
	case SHARED_START:
		keeper->stage = STAGE_INSTALL;
		begin_work(keeper, PHASE_PREPARE);
		return;
	case SHARED_LOOK:
		begin_work(keeper, PHASE_LOOK);
		return;
	case SHARED_WAIT:
		return;
	case SHARED_REFUSE:
		answer(peer, EXIT_OURS);
		return;
	}
}

/* False: it is as with any run. */
static bool serve_sharer(
    struct keeper *keeper, struct peer *peer, const char *what, const struct json *message)
{
	if (!keeper->job->is_shared)
		return false;
	if (text_is(what, "share"))
		ask_share(keeper, peer, message);
	else if (text_is(what, "withdraw"))
		shared_withdraw(&keeper->shared);
	else if (text_is(what, "cancel") && peer->is_sharer)
		answer(peer, EXIT_CANCELLED); /* the run's own affair */
	else
		return false;
	return true;
}

static bool is_user_alive(void *context, const char *run_id)
{
	const struct keeper *keeper = context;
	auto_str char *dir = xasprintf("%s/runs/%s", keeper->job->settings->state_dir, run_id);

	return lease_is_held(dir);
}

static void look_at_users(struct keeper *keeper)
{
	int64_t idle_ms = keeper->job->settings->shared_idle_ms;
	int64_t now_ns = clock_now();
	char idle[CLOCK_DURATION_SIZE];

	keeper->next_users_ns = now_ns + USERS_EVERY_MS * NS_PER_MS;
	if (shared_sweep(&keeper->shared, is_user_alive, keeper, now_ns))
		note_users(keeper);
	if (!shared_is_over(&keeper->shared, idle_ms, now_ns))
		return;
	clock_format_duration(idle_ms, idle);
	if (keeper->shared.state == SHARED_WITHDRAWN)
		end_run(keeper, RUN_COMPLETE, "nobody uses what is given to nobody any more");
	else
		end_run(keeper, RUN_COMPLETE, "nobody has used it for %s (SHARED_IDLE)", idle);
}

/* --- the end of what a worker does --- */

static void on_worker_end(struct keeper *keeper)
{
	enum exit_code code = judge_worker(keeper, worker_end(&keeper->worker));

	if (is_over(keeper))
		log_error("no result could be written");
	else if (keeper->job->is_shared)
		on_shared_work(keeper, code);
	else if (code == EXIT_TIMED_OUT)
		end_run(keeper, RUN_TIMED_OUT, "timed out");
	else if (code == EXIT_CANCELLED)
		end_run(keeper, RUN_CANCELLED, "cancelled");
	else if (keeper->phase == PHASE_PREPARE && code != EXIT_PASSED)
		end_run(keeper, RUN_COMPLETE, "prepare failed");
	else
		answer_asking(keeper, code);
	if (is_over(keeper))
		keeper->exit_code = code;
}

/* --- requests --- */

/* A suite that weighs more than the host has is no mistake of it: another host may have more. */
static void say_weight(struct keeper *keeper)
{
	int64_t max_tests = keeper->job->settings->max_tests;

	if (keeper->weight <= max_tests)
		return;
	auto_str char *text = xasprintf(
	    "weight %lld is more than this host has (MAX_TESTS is %lld): it takes all slots",
	    (long long)keeper->weight, (long long)max_tests);
	say(keeper, text);
}

static void ask_prepare(struct keeper *keeper, struct peer *peer, const struct json *message)
{
	struct err err;

	keeper->asking = peer;
	keeper->phase = PHASE_SLOT;
	keeper->stage = STAGE_INSTALL;
	keeper->work_started_ns = clock_now();
	if (keeper->job->is_dev) {
		begin_work(keeper, PHASE_PREPARE);
		return;
	}
	keeper->weight = 1;
	(void)json_get_int(message, "weight", &keeper->weight);
	say_weight(keeper);
	if (slot_queue(keeper->job->settings->state_dir, keeper->run.id, &keeper->slot, &err) < 0) {
		say(keeper, err.msg);
		end_run(keeper, RUN_BROKE, "%s", err.msg);
		return;
	}
	keeper->next_slot_ns = clock_now();
	keeper->next_say_ns = clock_now();
}

static void ask_stage(struct keeper *keeper, struct peer *peer, const struct json *message)
{
	const char *word = json_get_text(message, "stage");

	if (!word || !stage_parse(word, &keeper->stage)) {
		answer(peer, EXIT_USAGE);
		return;
	}
	keeper->asking = peer;
	begin_work(keeper, PHASE_STAGE);
}

static void ask_follow(struct keeper *keeper, struct peer *peer)
{
	keeper->asking = peer;
	begin_work(keeper, PHASE_FOLLOW);
}

static void ask_teardown(struct keeper *keeper, struct peer *peer)
{
	if (is_work(keeper->phase)) {
		end_run(keeper, RUN_CANCELLED, "teardown was asked for");
		return; /* the peer gets its answer with all the others */
	}
	keeper->asking = peer;
	end_run(keeper, RUN_COMPLETE, "teardown");
}

static void on_request(struct keeper *keeper, struct peer *peer, struct channel_packet *packet)
{
	const char *what = json_get_text(packet->message, "do");

	if (!what)
		return;
	peer->is_waiting = !text_is(what, "cancel") || peer->is_waiting;
	if (serve_sharer(keeper, peer, what, packet->message))
		return;
	if (text_is(what, "cancel")) {
		end_run(keeper, RUN_CANCELLED, "cancelled");
		return;
	}
	if (text_is(what, "teardown")) {
		ask_teardown(keeper, peer);
		return;
	}
	if (is_work(keeper->phase)) {
		tell(peer, "another step of this run is still under way");
		answer(peer, EXIT_OURS);
		return;
	}
	for (; peer->step_fd_count < packet->fd_count; peer->step_fd_count++)
		peer->step_fds[peer->step_fd_count] = take_fd(&packet->fds[peer->step_fd_count]);
	if (text_is(what, "prepare"))
		ask_prepare(keeper, peer, packet->message);
	else if (text_is(what, "stage"))
		ask_stage(keeper, peer, packet->message);
	else if (text_is(what, "follow"))
		ask_follow(keeper, peer);
	else
		answer(peer, EXIT_USAGE);
}

static void on_peer_gone(struct keeper *keeper, struct peer *peer)
{
	bool was_asking = keeper->asking == peer;
	bool was_leash = keeper->job->is_local && peer->is_first &&
			 (!keeper->job->is_shared || keeper->shared.state == SHARED_NEW);

	if (was_asking)
		keeper->asking = NULL;
	peer_close(peer);
	if (was_asking)
		end_run(keeper, RUN_CANCELLED, "cancelled or timed out: its step was killed");
	else if (was_leash)
		end_run(keeper, RUN_CANCELLED, "ccci-run was killed");
}

static void on_peer(struct keeper *keeper, struct peer *peer)
{
	AUTO(channel_packet) packet = {0};
	struct err err;

	if (channel_receive(peer->fd, &packet, &err) == 0)
		on_request(keeper, peer, &packet);
	else if (err.code != ERR_TRANSIENT)
		on_peer_gone(keeper, peer);
}

/* --- what is watched --- */

static void say_what_is_waited_for(
    struct keeper *keeper, const struct slot_line *line, const struct slot_want *want)
{
	AUTO(buf) text = buf_make(8192);

	if (clock_now() < keeper->next_say_ns)
		return;
	slot_line_print(line, want, clock_wall_s(), &text);
	say(keeper, buf_text(&text));
	keeper->next_say_ns = clock_now() + SAY_EVERY_MS * NS_PER_MS;
}

static void try_slot(struct keeper *keeper)
{
	auto_str char *name = run_describe(&keeper->run);
	struct slot_want want = {
	    .max_tests = keeper->job->settings->max_tests, .weight = keeper->weight, .name = name};
	struct slot_line line;
	bool has_got = false;
	struct err err;

	keeper->next_slot_ns = clock_now() + SLOT_EVERY_MS * NS_PER_MS;
	if (slot_try(&keeper->slot, &want, &has_got, &line, &err) < 0) {
		say(keeper, err.msg);
		end_run(keeper, RUN_BROKE, "%s", err.msg);
	} else if (has_got) {
		begin_work(keeper, PHASE_PREPARE);
	} else {
		say_what_is_waited_for(keeper, &line, &want);
	}
}

static void look_at_workspace(struct keeper *keeper)
{
	struct stat status;

	keeper->next_workspace_ns = clock_now() + WORKSPACE_EVERY_MS * NS_PER_MS;
	if (stat(keeper->run.step.workspace, &status) < 0 && errno == ENOENT)
		end_run(keeper, RUN_CANCELLED,
		    "cancelled or timed out: %s has removed the workspace",
		    run_server_name(keeper->run.step.server));
}

static void on_timers(struct keeper *keeper)
{
	int64_t now_ns = clock_now();
	char limit[CLOCK_DURATION_SIZE];

	if (now_ns >= keeper->deadline_ns) {
		clock_format_duration(keeper->job->settings->run_timeout_ms, limit);
		end_run(keeper, RUN_TIMED_OUT, "timed out (RUN_TIMEOUT is %s)", limit);
		return;
	}
	if (keeper->phase == PHASE_SLOT && now_ns >= keeper->next_slot_ns)
		try_slot(keeper);
	if (keeper->watches_workspace && now_ns >= keeper->next_workspace_ns)
		look_at_workspace(keeper);
	if (keeper->job->is_shared && now_ns >= keeper->next_users_ns)
		look_at_users(keeper);
	wanted_ask(&keeper->wanted);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int wake_in_ms(const struct keeper *keeper)
{
	int64_t wake_ns = earlier(keeper->deadline_ns, wanted_due_ns(&keeper->wanted));

	if (keeper->phase == PHASE_SLOT)
		wake_ns = earlier(wake_ns, keeper->next_slot_ns);
	if (keeper->watches_workspace)
		wake_ns = earlier(wake_ns, keeper->next_workspace_ns);
	if (keeper->job->is_shared)
		wake_ns = earlier(wake_ns, keeper->next_users_ns);
	return clock_ms_until(wake_ns);
}

enum watched { ON_SIGNAL, ON_LISTEN, ON_RUNNER, ON_WORKER, ON_CONTROL, ON_PEERS };

static void on_ready(struct keeper *keeper, const struct pollfd *fds)
{
	if (*keeper->wanted.status)
		end_run(keeper, RUN_CANCELLED, "cancelled: build %lld is %s in %s",
		    (long long)keeper->run.step.build, keeper->wanted.status,
		    run_server_name(keeper->run.step.server));
	if (fds[ON_SIGNAL].revents)
		end_run(keeper, RUN_CANCELLED, "the keeper was told to stop");
	if (fds[ON_RUNNER].revents)
		end_run(keeper, RUN_BROKE, "%s's runner died",
		    run_server_name(keeper->run.step.server));
	/* A worker's last request first: it may have been sent before it ended. */
	if (fds[ON_CONTROL].revents)
		serve_worker(keeper);
	if (fds[ON_WORKER].revents && !is_over(keeper))
		on_worker_end(keeper);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (fds[ON_PEERS + i].revents && keeper->peers[i].fd == fds[ON_PEERS + i].fd &&
		    !is_over(keeper))
			on_peer(keeper, &keeper->peers[i]);
	if (fds[ON_LISTEN].revents) {
		int fd = channel_accept(keeper->listen_fd);

		if (fd >= 0)
			(void)add_peer(keeper, fd);
	}
}

static void watch(struct keeper *keeper)
{
	struct pollfd fds[ON_PEERS + PEERS_MAX];
	struct err err;

	while (!is_over(keeper)) {
		fds[ON_SIGNAL] = (struct pollfd){.fd = keeper->signal_fd, .events = POLLIN};
		fds[ON_LISTEN] = (struct pollfd){.fd = keeper->listen_fd, .events = POLLIN};
		fds[ON_RUNNER] = (struct pollfd){.fd = keeper->job->runner_pidfd, .events = POLLIN};
		fds[ON_WORKER] = (struct pollfd){.fd = keeper->worker.pidfd, .events = POLLIN};
		fds[ON_CONTROL] =
		    (struct pollfd){.fd = keeper->worker.control_fd, .events = POLLIN};
		for (size_t i = 0; i < PEERS_MAX; i++)
			fds[ON_PEERS + i] =
			    (struct pollfd){.fd = keeper->peers[i].fd, .events = POLLIN};
		if (http_poll(keeper->http, fds, COUNT_OF(fds), wake_in_ms(keeper), &err) < 0) {
			end_run(keeper, RUN_BROKE, "the keeper cannot wait: %s", err.msg);
			return;
		}
		on_ready(keeper, fds);
		if (!is_over(keeper))
			on_timers(keeper);
	}
}

/* --- the end --- */

/* What was under way when the run was cut off has a result too. */
static void record_cut_work(struct keeper *keeper)
{
	if (!is_work(keeper->cut) || keeper->end.end == RUN_COMPLETE)
		return;
	record_instead(keeper, keeper->end.end == RUN_BROKE ? OUTCOME_ERROR : OUTCOME_UNVERIFIED,
	    keeper->reason);
}

static void tear_down(struct keeper *keeper, bool was_cut, struct teardown_result *out)
{
	struct teardown teardown = {.settings = keeper->job->settings,
	    .run = &keeper->run,
	    .environ = keeper->job->environ,
	    .was_cut = was_cut,
	    .say = say,
	    .on_record = on_record,
	    .context = keeper};
	struct err err;

	if (mark(keeper, "teardown", &err) < 0) /* a full disk: teardown will say it again */
		log_error("%s", err.msg);
	teardown_run(&teardown, out);
}

/* Who asked for work learns how the run ended; who asked for its end, whether something is left. */
static void answer_all(struct keeper *keeper, bool is_clean)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = &keeper->peers[i];

		if (peer->fd < 0 || !peer->is_waiting)
			continue;
		if (peer == keeper->asking && is_work(keeper->cut))
			answer(peer, keeper->exit_code);
		else
			answer(peer, is_clean ? EXIT_PASSED : EXIT_LEFT);
	}
}

static void tear_down_and_say(struct keeper *keeper, bool was_cut, struct teardown_result *out)
{
	tear_down(keeper, was_cut, out);
	for (size_t i = 0; i < out->left.count; i++) {
		auto_str char *text = xasprintf("left behind: %s", out->left.items[i]);

		say(keeper, text);
	}
}

/* The verdict and what follows from it; teardown as far as it has come. */
static void write_down(
    struct keeper *keeper, const struct teardown_result *teardown, const struct record_kept *kept)
{
	struct err err;

	keeper->end.state_dir = keeper->job->settings->state_dir;
	if (record_write(&keeper->run, &keeper->end, teardown, kept, &err) < 0 ||
	    record_remember(&keeper->run, keeper->job->settings->state_dir, &err) < 0)
		log_error("%s", err.msg);
}

/* --- up for a look --- */

static int look_for_head(const struct keeper *keeper, bool *out_is_up, struct err *err)
{
	AUTO(plan) plan = {0};

	if (handover_load_plan(&keeper->run, &plan, err) < 0)
		return -1;
	return kept_find_head(
	    keeper->job->settings, &keeper->run, plan.head_commit, out_is_up, err);
}

/* 0: it is taken down at once; why_not is "" when that is what was asked for. */
static int64_t decide_keep(const struct keeper *keeper, char why_not[KEPT_WHY_SIZE])
{
	const struct settings *settings = keeper->job->settings;
	struct kept_facts facts = {.asked_ms = keeper->job->keep_ms,
	    .most_ms = keeper->job->is_local ? keeper->job->keep_ms : settings->keep_max_ms,
	    .is_complete = keeper->end.end == RUN_COMPLETE};
	struct err err;

	if (facts.asked_ms && facts.most_ms && facts.is_complete &&
	    (look_for_head(keeper, &facts.head_is_up, &err) < 0 ||
		slot_is_wanted(settings->state_dir, &facts.is_slot_wanted, &err) < 0)) {
		copy_head(why_not, KEPT_WHY_SIZE, err.msg);
		return 0;
	}
	return kept_decide(&facts, why_not);
}

/* True: it ends what is kept. */
static bool serve_kept_request(
    struct keeper *keeper, struct peer *peer, const struct channel_packet *packet)
{
	const char *what = json_get_text(packet->message, "do");
	bool is_now = false;

	if (!what)
		return false;
	(void)json_get_bool(packet->message, "now", &is_now);
	if (text_is(what, "cancel") || (text_is(what, "teardown") && is_now)) {
		peer->is_waiting = true;
		keeper->asking = peer;
		return true;
	}
	if (!text_is(what, "teardown"))
		tell(peer, "not run: the run has ended");
	answer(peer, EXIT_PASSED);
	return false;
}

/* NULL: it goes on. */
static const char *serve_kept_peer(struct keeper *keeper, struct peer *peer)
{
	AUTO(channel_packet) packet = {0};
	struct err err;

	if (channel_receive(peer->fd, &packet, &err) == 0)
		return serve_kept_request(keeper, peer, &packet) ? "somebody asked for it" : NULL;
	if (err.code == ERR_TRANSIENT)
		return NULL;
	bool was_leash = keeper->job->is_local && peer->is_first;
	if (keeper->asking == peer)
		keeper->asking = NULL;
	peer_close(peer);
	return was_leash ? "ccci-run was ended" : NULL;
}

static const char *serve_kept(struct keeper *keeper, const struct pollfd *fds)
{
	const char *why = NULL;

	if (fds[0].revents)
		return "the keeper was told to stop";
	for (size_t i = 0; i < PEERS_MAX && !why; i++)
		if (fds[2 + i].revents)
			why = serve_kept_peer(keeper, &keeper->peers[i]);
	int fd = fds[1].revents ? channel_accept(keeper->listen_fd) : -1;
	if (fd >= 0)
		(void)add_peer(keeper, fd);
	return why;
}

/* Until it has to go; why. */
static const char *hold(struct keeper *keeper, int64_t until_ns)
{
	struct pollfd fds[2 + PEERS_MAX];
	const char *why = NULL;

	while (!why) {
		bool is_wanted = false;
		struct err err;

		fds[0] = (struct pollfd){.fd = keeper->signal_fd, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = keeper->listen_fd, .events = POLLIN};
		for (size_t i = 0; i < PEERS_MAX; i++)
			fds[2 + i] = (struct pollfd){.fd = keeper->peers[i].fd, .events = POLLIN};
		int64_t look_ns = clock_now() + KEPT_LOOK_EVERY_MS * NS_PER_MS;
		if (poll(fds, COUNT_OF(fds), clock_ms_until(earlier(until_ns, look_ns))) < 0)
			continue;
		why = serve_kept(keeper, fds);
		if (!why && clock_now() >= until_ns)
			why = "its time is over";
		if (slot_is_wanted(keeper->job->settings->state_dir, &is_wanted, &err) == 0 &&
		    is_wanted && !why)
			why = "another run waits for the slot";
	}
	return why;
}

static struct peer *find_first(struct keeper *keeper)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (keeper->peers[i].is_first)
			return &keeper->peers[i];
	return NULL;
}

/* The run is over for everybody but us. */
static void keep_up(struct keeper *keeper, int64_t keep_ms)
{
	const struct teardown_result nothing_left = {0};
	char until[CLOCK_RFC3339_SIZE];
	auto_str char *url = xasprintf("https://%s/", keeper->run.domain);
	struct err err;

	clock_format_rfc3339(clock_wall_s() + keep_ms / 1000, until);
	auto_str char *text = xasprintf(
	    "up for a look at %s until %s, unless another run needs its slot; ccci-run teardown %s "
	    "ends it",
	    url, until, keeper->run.id);
	const struct record_kept kept = {.url = url, .until = until, .why_not = ""};
	if (mark(keeper, text, &err) < 0) {
		log_error("%s", err.msg);
		return;
	}
	write_down(keeper, &nothing_left, &kept);
	say(keeper, text);
	answer_all(keeper, true);
	keeper->asking = keeper->job->is_local ? find_first(keeper) : NULL; /* it looks on */
	auto_str char *why = xasprintf(
	    "taking down what was kept: %s", hold(keeper, clock_now() + keep_ms * NS_PER_MS));
	say(keeper, why);
}

static void finish(struct keeper *keeper)
{
	bool was_cut = keeper->worker.pid > 0;
	char why_not[KEPT_WHY_SIZE] = "";
	AUTO(teardown_result) result = {0};
	struct err err;

	(void)worker_end(&keeper->worker);
	log_mask_load(keeper->secrets_fd);
	for (size_t i = 0; i < PEERS_MAX; i++)
		close_step(&keeper->peers[i]);
	if (keeper->end.reason)
		say(keeper, keeper->end.reason);
	record_cut_work(keeper);
	if (keeper->job->is_shared) {
		close_fd(&keeper->listen_fd); /* who comes now starts another one */
		answer_sharers(keeper, EXIT_OURS);
	}
	if (reload_run(keeper, &err) < 0)
		log_error("%s", err.msg);
	int64_t keep_ms = decide_keep(keeper, why_not);
	if (keep_ms)
		keep_up(keeper, keep_ms);
	tear_down_and_say(keeper, was_cut, &result);
	const struct record_kept not_kept = {.url = "", .until = "", .why_not = why_not};
	if (!keep_ms)
		write_down(keeper, &result, &not_kept);
	else if (record_teardown(&keeper->run, &result, &err) < 0)
		log_error("%s", err.msg);
	answer_all(keeper, result.left.count == 0);
	slot_release(&keeper->slot);
}

/* --- the beginning --- */

static int64_t find_start(const struct run *run)
{
	int64_t now_s = clock_wall_s();
	int64_t started_s = run->step.started_s ? run->step.started_s : run->started_s;

	/* A clock that was set since, or is another host's, must not make the time longer. */
	return started_s < now_s ? started_s : now_s;
}

static int64_t find_deadline(const struct keeper_job *job)
{
	int64_t gone_ms = (clock_wall_s() - find_start(job->run)) * 1000;
	int64_t all_ms = job->is_dev ? DEV_TIMEOUT_MS : job->settings->run_timeout_ms;

	return clock_now() + (all_ms - gone_ms) * NS_PER_MS;
}

static int block_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t all;
	sigset_t heard;

	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigemptyset(&heard);
	(void)sigaddset(&heard, SIGTERM);
	(void)sigaddset(&heard, SIGINT);
	all = heard;
	(void)sigaddset(&all, SIGHUP);
	(void)sigaddset(&all, SIGUSR1);
	(void)sigaddset(&all, SIGUSR2);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_own(struct keeper *keeper, struct err *err)
{
	keeper->signal_fd = block_signals();
	if (keeper->signal_fd < 0)
		return err_sys(err, errno, "listen for signals");
	keeper->secrets_fd = memfd_create("ccci-secrets", MFD_CLOEXEC);
	if (keeper->secrets_fd < 0)
		return err_sys(err, errno, "get memory for what is to be masked");
	return 0;
}

static int redirect_output(const struct run *run)
{
	auto_str char *dir = run_path(run, "log");
	auto_str char *path = run_path(run, "log/keeper.log");
	struct err err;
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (null < 0 || file_make_dirs(dir, 0700, &err) < 0)
		return -1;
	auto_fd int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	return dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log < 0 ? null : log, 2) < 0 ? -1 : 0;
}

__attribute__((noreturn)) static void keeper_main(
    const struct keeper_job *job, int lease_fd, int listen_fd, int front_fd)
{
	const int kept[] = {lease_fd, listen_fd, front_fd, job->runner_pidfd};
	struct keeper keeper = {.job = job,
	    .run = run_copy(job->run),
	    .journal_path = run_path(job->run, JOURNAL_FILE),
	    .lease_fd = lease_fd,
	    .listen_fd = listen_fd,
	    .signal_fd = -1,
	    .secrets_fd = -1,
	    .worker = WORKER_NONE,
	    .started_s = find_start(job->run),
	    .deadline_ns = find_deadline(job)};
	struct stat status;
	struct err err;

	(void)prctl(PR_SET_NAME, "ccci-keeper");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || chdir("/") < 0 || redirect_output(job->run) < 0)
		_exit(EXIT_OURS);
	proc_close_others(kept, COUNT_OF(kept));
	(void)umask(077);
	log_set_fd(-1);
	log_scope("run=%s", job->run->id);
	lease_sign(lease_fd);
	keeper.http = http_new();
	for (size_t i = 0; i < PEERS_MAX; i++)
		keeper.peers[i].fd = -1;
	struct peer *first = add_peer(&keeper, front_fd);
	first->is_first = true;
	keeper.watches_workspace =
	    job->run->step.workspace[0] && stat(job->run->step.workspace, &status) == 0;
	if (open_own(&keeper, &err) < 0)
		end_run(&keeper, RUN_BROKE, "%s", err.msg);
	if (cgroup_make(job->run->dir, job->run->id, &err) < 0)
		log_info("no control group of the run's own: %s", err.msg);
	wanted_open(&keeper.wanted, keeper.http, job->settings, &keeper.run.step);
	watch(&keeper);
	finish(&keeper);
	wanted_release(&keeper.wanted);
	http_free(keeper.http);
	run_release(&keeper.run);
	free(keeper.journal_path);
	exit(EXIT_PASSED);
}

/* The middle one of the two forks: makes the session, so that no signal of the step's reaches us.
 */
__attribute__((noreturn)) static void middle_main(
    const struct keeper_job *job, int lease_fd, int listen_fd, int front_fd)
{
	if (setsid() < 0)
		_exit(EXIT_OURS);
	pid_t pid = fork();
	if (pid == 0)
		keeper_main(job, lease_fd, listen_fd, front_fd);
	_exit(pid < 0 ? EXIT_OURS : EXIT_PASSED);
}

int keeper_start(const struct keeper_job *job, int take_lease_fd, struct err *err)
{
	auto_fd int lease_fd = take_lease_fd;
	auto_fd int listen_fd = channel_listen(job->run->dir, err);
	int pair[2];
	int status = 0;

	if (listen_fd < 0 || channel_pair(pair, err) < 0)
		return -1;
	auto_fd int ours = pair[0];
	auto_fd int theirs = pair[1];
	pid_t pid = fork();
	if (pid == 0)
		middle_main(job, lease_fd, listen_fd, theirs);
	if (pid < 0)
		return err_sys(err, errno, "fork the keeper");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_SYS, "the keeper could not be started");
	return take_fd(&ours);
}
