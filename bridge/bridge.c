/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/bridge.h"

#include "bridge/forget.h"
#include "bridge/hear/hear.h"
#include "bridge/hooks.h"
#include "bridge/pages/pages.h"
#include "bridge/peers/drone.h"
#include "bridge/peers/woodpecker.h"
#include "bridge/server.h"
#include "bridge/systemd.h"
#include "bridge/tell/notify.h"
#include "bridge/tell/summary.h"
#include "bridge/tend.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/testpoint.h"
#include "common/version.h"

#include <errno.h>
#include <sys/signalfd.h>

#define SLEEP_MOST_MS 60000
/* A store of an older version is brought up, and every page of it is looked at. */
#define OPENING_USEC "EXTEND_TIMEOUT_USEC=600000000"
#define STOP_WITHIN_NS (700 * NS_PER_MS) /* for answers that are on their way, either way */
#define TIMEOUT_CHECK_MS (INT64_C(3600) * 1000)
#define SILENCE_INTERVALS 3 /* polls without an answer before /healthz says so */

enum timeout_step { TIMEOUT_READ, TIMEOUT_SET, TIMEOUT_READ_BACK };

struct bridge {
	struct http *http;
	struct parts parts;
	struct hear *hear;
	struct tend *tend;
	struct forget forget;
	struct notify *notify;
	struct metrics_lag lag;
	int64_t started_s;
	struct bridge_settings *settings; /* borrowed; those that reload are changed */
	bridge_load load;
	void *load_context;
	bool has_bad_settings; /* the last reload found mistakes */
	struct systemd systemd;
	bool is_told_ready;
	char summary[SUMMARY_SIZE];		/* as systemd was told it last */
	int64_t down_since_s[PARTS_PEER_COUNT]; /* 0: it answers */
	struct hooks *hooks;
	struct server *server;			       /* NULL: outbound only */
	struct pages *pages;			       /* NULL likewise */
	char fault[sizeof(((struct err *)NULL)->msg)]; /* what a page says of us; "" well */
	bool was_down[PARTS_PEER_COUNT];	       /* when last looked at */
	int signal_fd;
	sigset_t old_signals;
	bool is_stopping;
	int64_t stop_ns;
	struct errand timeout; /* the CI server's, of the CI repository */
	enum timeout_step timeout_step;
};

/* --- the CI server's timeout: set by us when the token may, and read back --- */

static void on_timeout_set(void *context, const int64_t *minutes, const struct err *err);

static void on_timeout_read(void *context, const int64_t *minutes, const struct err *err);

static void ask_timeout(struct bridge *bridge, enum timeout_step step)
{
	const struct bridge_settings *settings = bridge->parts.settings;

	bridge->timeout_step = step;
	parts_begin(&bridge->parts, PARTS_CI, &bridge->timeout);
	if (step == TIMEOUT_SET) {
		TEST_POINT("effect.timeout.before");
		ci_set_timeout(
		    bridge->parts.ci, settings->build_timeout_ms / 60000, on_timeout_set, bridge);
	} else {
		ci_get_timeout(bridge->parts.ci, on_timeout_read, bridge);
	}
}

/* True: go on; else it is tried again by itself. */
static bool take_timeout_answer(struct bridge *bridge, const struct err *err)
{
	int64_t now_ns = clock_now();

	(void)parts_end(&bridge->parts, PARTS_CI, &bridge->timeout, err);
	if (err_is_passing(err)) {
		bridge->timeout_step = TIMEOUT_READ;
		return false;
	}
	errand_put_off(&bridge->timeout, now_ns, TIMEOUT_CHECK_MS);
	return true;
}

static void on_timeout_set(void *context, const int64_t *minutes, const struct err *err)
{
	struct bridge *bridge = context;

	(void)minutes;
	TEST_POINT("effect.timeout.sent");
	if (!take_timeout_answer(bridge, err))
		return;
	if (err)
		log_warning("%s: %s", err->msg, ci_dialect(bridge->parts.ci)->who_may_time);
	ask_timeout(bridge, TIMEOUT_READ_BACK);
}

static void on_timeout_read(void *context, const int64_t *minutes, const struct err *err)
{
	struct bridge *bridge = context;
	int64_t wanted = bridge->parts.settings->build_timeout_ms / 60000;
	bool was_set = bridge->timeout_step == TIMEOUT_READ_BACK;
	const char *server = ci_dialect(bridge->parts.ci)->name;

	if (!take_timeout_answer(bridge, err))
		return;
	bridge->timeout_step = TIMEOUT_READ;
	if (err) {
		log_error("cannot read the CI repository in %s: %s", server, err->msg);
		return;
	}
	if (was_set)
		TEST_POINT("effect.timeout.done");
	if (*minutes > 0)
		tend_set_timeout(bridge->tend, *minutes * 60);
	if (*minutes == wanted) {
		log_info("%s ends builds of %s after %lld min", server,
		    bridge->parts.settings->ci_repo, (long long)wanted);
	} else if (!was_set) {
		ask_timeout(bridge, TIMEOUT_SET);
	} else {
		log_warning("%s ends builds of %s after %lld min, not after the %lld min of "
			    "BUILD_TIMEOUT: set it there by hand",
		    server, bridge->parts.settings->ci_repo, (long long)*minutes,
		    (long long)wanted);
	}
}

static int64_t turn_timeout(struct bridge *bridge)
{
	int64_t due_ns = 0;

	if (parts_may_begin(&bridge->parts, PARTS_CI, &bridge->timeout, &due_ns))
		ask_timeout(bridge, TIMEOUT_READ);
	return due_ns;
}

/* --- the server's questions --- */

static void on_look(void *context, const struct hook_look *look)
{
	struct bridge *bridge = context;

	log_debug(
	    "the hook says: look at comment %lld of %s", (long long)look->comment, look->repo);
	hear_look(bridge->hear, look);
}

/* "": well. */
static void find_fault(const struct bridge *bridge, char *out, size_t out_size)
{
	int64_t silence_ms = clock_elapsed_ms(hear_polled_ns(bridge->hear));
	struct err err;

	if (!hear_is_ready(bridge->hear))
		(void)copy_text(out, out_size, "the first poll is not done yet");
	else if (silence_ms > SILENCE_INTERVALS * bridge->parts.settings->poll_interval_ms)
		(void)format_text(out, out_size, "no poll was answered for %lld s",
		    (long long)(silence_ms / 1000));
	else if (tend_has_store_trouble(bridge->tend) && store_probe(bridge->parts.store, &err) < 0)
		(void)snprintf(out, out_size, "%s", err.msg);
}

static bool on_health(void *context, struct buf *out)
{
	const struct bridge *bridge = context;
	char fault[sizeof(((struct err *)NULL)->msg)] = "";

	find_fault(bridge, fault, sizeof(fault));
	(void)buf_printf(out, "%s\n", *fault ? fault : "ok");
	hear_write_unheard(bridge->hear, out);
	hooks_write_missing(bridge->hooks, out);
	return !*fault;
}

/* The forge, then the CI server. */
static struct metrics_peer describe_peer(const struct bridge *bridge, enum parts_peer peer)
{
	const struct parts *parts = &bridge->parts;
	struct metrics_peer described = {.is_up = !gate_is_down(&parts->gates[peer])};

	described.name = peer == PARTS_FORGE ? "forge" : ci_dialect(parts->ci)->peer;
	described.odd_items =
	    peer == PARTS_FORGE ? gitea_odd_count(parts->gitea) : ci_odd_count(parts->ci);
	for (int i = 0; i < METRICS_ANSWER_COUNT; i++)
		described.answers[i] =
		    peer == PARTS_FORGE ? gitea_answer_count(parts->gitea, (enum metrics_answer)i)
					: ci_answer_count(parts->ci, (enum metrics_answer)i);
	return described;
}

static void on_metrics(void *context, struct buf *out)
{
	const struct bridge *bridge = context;
	int64_t now_s = clock_wall_s();
	int64_t polled_ns = hear_polled_ns(bridge->hear);
	int64_t waiting_since_s = tend_waiting_since_s(bridge->tend);
	struct store_size size = {0};
	struct err err;
	struct metrics facts = {
	    .version = CCCI_VERSION,
	    .started_s = bridge->started_s,
	    .oldest_waiting_s = waiting_since_s ? now_s - waiting_since_s : 0,
	    .repositories = hear_count_enrolled(bridge->hear),
	    .unheard = hear_count_unheard(bridge->hear),
	    .without_webhook = hooks_count_missing(bridge->hooks),
	    .polled_s = polled_ns ? now_s - clock_elapsed_ms(polled_ns) / 1000 : 0,
	    .peers = {describe_peer(bridge, PARTS_FORGE), describe_peer(bridge, PARTS_CI)},
	    .peer_count = PARTS_PEER_COUNT,
	    .events = *tend_events(bridge->tend),
	    .lag = bridge->lag,
	    .is_store_well = !tend_has_store_trouble(bridge->tend),
	    .are_settings_well = !bridge->has_bad_settings,
	    .forgotten = bridge->forget.forgotten,
	    .notices = *notify_counts(bridge->notify),
	};

	tend_count_states(bridge->tend, facts.jobs);
	if (store_get_size(bridge->parts.store, &size, &err) < 0)
		facts.is_store_well = false;
	facts.store_bytes = size.bytes;
	facts.store_free_bytes = size.free_bytes;
	metrics_write(&facts, out);
}

/* --- what the pages ask --- */

static size_t on_list_peers(void *context, struct frame_peer out[FRAME_PEERS_MAX])
{
	struct bridge *bridge = context;
	size_t count = 0;

	bridge->fault[0] = '\0';
	find_fault(bridge, bridge->fault, sizeof(bridge->fault));
	out[count++] = (struct frame_peer){"bridge", bridge->fault[0] ? bridge->fault : NULL};
	for (size_t i = 0; i < PARTS_PEER_COUNT; i++) {
		const struct gate *gate = &bridge->parts.gates[i];
		const char *name = text_starts(gate->name, "the ") ? gate->name + 4 : gate->name;

		out[count++] =
		    (struct frame_peer){name, gate_is_down(gate) ? "does not answer" : NULL};
	}
	return count;
}

static const char *on_builds_url(void *context)
{
	const struct bridge *bridge = context;

	return ci_builds_url(bridge->parts.ci);
}

static size_t on_list_steps(void *context, int64_t comment, struct reply_step *out, size_t room)
{
	const struct bridge *bridge = context;

	return tend_list_steps(bridge->tend, comment, out, room);
}

static void on_page(void *context, const struct server_request *request, struct server_page *out)
{
	const struct bridge *bridge = context;

	pages_answer(bridge->pages, request, out);
}

static void open_pages(struct bridge *bridge)
{
	const struct bridge_settings *settings = bridge->parts.settings;
	const struct pages_settings pages = {.store = bridge->parts.store,
	    .public_url = settings->public_url ? settings->public_url : "",
	    .forge_url = settings->gitea_url,
	    .builds_url = on_builds_url,
	    .trigger = settings->trigger,
	    .shows_private = settings->pages_private,
	    .context = bridge,
	    .list_peers = on_list_peers,
	    .list_steps = on_list_steps};

	bridge->pages = pages_new(&pages);
}

/* --- putting it together --- */

static int open_signals(struct bridge *bridge, struct err *err)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, &bridge->old_signals) < 0)
		return err_sys(err, errno, "block signals");
	bridge->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (bridge->signal_fd < 0)
		return err_sys(err, errno, "open a signalfd");
	return 0;
}

static int open_server(struct bridge *bridge, struct err *err)
{
	const struct bridge_settings *settings = bridge->parts.settings;
	struct server_settings server = {.listen = settings->listen,
	    .keys = &settings->hook_keys,
	    .context = bridge,
	    .on_look = on_look,
	    .on_health = on_health,
	    .on_metrics = on_metrics,
	    .on_page = on_page};
	bool listens = !text_is(settings->listen, BRIDGE_LISTEN_NONE);

	if (systemd_take_socket(&server.listener, err) < 0)
		return -1;
	if (server.listener && !listens) {
		close_fd(&server.listener);
		return err_set(err, ERR_CONFIG,
		    "LISTEN is none, yet systemd passes a socket: disable ccci-bridge.socket, or "
		    "take LISTEN out");
	}
	if (!listens) {
		log_info("listens nowhere, polls only");
		return 0;
	}
	bool is_passed = server.listener != 0;
	bridge->server = server_new(&server, err);
	if (!bridge->server)
		return -1;
	open_pages(bridge);
	log_info("listens on %s, port %d; the hook is %s",
	    is_passed ? "the socket that systemd passed" : settings->listen,
	    server_port(bridge->server), settings->hook_keys.count ? "open" : "closed");
	return 0;
}

static struct ci *new_ci(const struct bridge *bridge)
{
	const struct bridge_settings *settings = bridge->parts.settings;

	switch ((enum bridge_engine)settings->ci_engine) {
	case BRIDGE_ENGINE_WOODPECKER:
		return ci_new(bridge->http, &woodpecker_dialect,
		    &(struct ci_place){
			settings->woodpecker_url, settings->woodpecker_token, settings->ci_repo});
	case BRIDGE_ENGINE_DRONE:
		break;
	}
	return ci_new(bridge->http, &drone_dialect,
	    &(struct ci_place){settings->drone_url, settings->drone_token, settings->ci_repo});
}

static void make_parts(struct bridge *bridge)
{
	const struct bridge_settings *settings = bridge->parts.settings;

	bridge->parts.gitea = gitea_new(bridge->http, settings->gitea_url, settings->gitea_token);
	bridge->parts.ci = new_ci(bridge);
	bridge->parts.gates[PARTS_CI].name = ci_dialect(bridge->parts.ci)->name;
	bridge->tend = tend_new(&bridge->parts);
	bridge->notify = notify_new(&bridge->parts);
	bridge->hear = hear_new(&bridge->parts, tend_take, tend_see_pull, bridge->tend);
	tend_set_hear(bridge->tend, bridge->hear);
	bridge->hooks = hooks_new(&bridge->parts, bridge->hear);
}

int bridge_new(struct bridge_settings *settings, bridge_load load, void *context,
    struct bridge **out, struct err *err)
{
	struct bridge *bridge = xcalloc(1, sizeof(*bridge));

	bridge->signal_fd = -1;
	bridge->started_s = clock_wall_s();
	bridge->settings = settings;
	bridge->load = load;
	bridge->load_context = context;
	bridge->parts.settings = settings;
	bridge->parts.gates[PARTS_FORGE].name = "the forge";
	if (systemd_open(&bridge->systemd, err) < 0 || open_signals(bridge, err) < 0)
		goto failed;
	(void)systemd_tell(&bridge->systemd, "STATUS=opening the store\n" OPENING_USEC);
	if (store_open(settings->state_dir, &bridge->parts.store, err) < 0)
		goto failed;
	if (!store_gives_back(bridge->parts.store))
		log_warning("the store was made by an older version, and there is no room to make "
			    "it anew: it does not get smaller; the next start tries again");
	bridge->http = http_new();
	make_parts(bridge);
	if (tend_load(bridge->tend, err) < 0 || open_server(bridge, err) < 0)
		goto failed;
	if (tend_count(bridge->tend))
		log_info("goes on with %zu jobs", tend_count(bridge->tend));
	*out = bridge;
	return 0;
failed:
	bridge_free(bridge);
	return -1;
}

void bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return;
	server_free(bridge->server);
	pages_free(bridge->pages);
	gitea_free(bridge->parts.gitea);
	ci_free(bridge->parts.ci);
	hooks_free(bridge->hooks);
	hear_free(bridge->hear);
	tend_free(bridge->tend);
	notify_free(bridge->notify);
	http_free(bridge->http);
	store_close(bridge->parts.store);
	systemd_close(&bridge->systemd);
	if (bridge->signal_fd >= 0)
		(void)sigprocmask(SIG_SETMASK, &bridge->old_signals, NULL);
	close_fd(&bridge->signal_fd);
	free(bridge);
}

/* --- telling systemd --- */

static void note_peers(struct bridge *bridge)
{
	for (size_t i = 0; i < PARTS_PEER_COUNT; i++) {
		if (!bridge->parts.gates[i].failures)
			bridge->down_since_s[i] = 0;
		else if (!bridge->down_since_s[i])
			bridge->down_since_s[i] = clock_wall_s();
	}
}

static struct summary collect_summary(const struct bridge *bridge)
{
	size_t states[JOB_STATE_COUNT];
	struct summary facts = {
	    .now_s = clock_wall_s(),
	    .is_stopping = bridge->is_stopping,
	    .was_polled = hear_is_ready(bridge->hear),
	    .has_bad_settings = bridge->has_bad_settings,
	    .has_store_trouble = tend_has_store_trouble(bridge->tend),
	    .repositories = hear_count_enrolled(bridge->hear),
	    .unheard = hear_count_unheard(bridge->hear),
	    .peer_count = PARTS_PEER_COUNT,
	};

	tend_count_states(bridge->tend, states);
	facts.running = states[JOB_RUNNING] + states[JOB_STOPPING] + states[JOB_ENDED];
	facts.waiting = states[JOB_HEARD] + states[JOB_ASKED] + states[JOB_QUEUED];
	/* One answer that failed is nothing to show yet. */
	for (size_t i = 0; i < PARTS_PEER_COUNT; i++) {
		const struct gate *gate = &bridge->parts.gates[i];

		facts.peers[i] = (struct summary_peer){
		    gate->name, gate_is_down(gate) ? bridge->down_since_s[i] : 0};
	}
	return facts;
}

/* What changed since it was told last; what cannot be told now is told with the next turn. */
static void tell_systemd(struct bridge *bridge)
{
	struct summary facts = collect_summary(bridge);
	bool is_ready = bridge->is_told_ready || hear_has_tried(bridge->hear);
	char text[SUMMARY_SIZE];
	char lines[SUMMARY_SIZE + 32];

	note_peers(bridge);
	summary_write(&facts, text);
	if (text_is(text, bridge->summary) && is_ready == bridge->is_told_ready)
		return;
	(void)snprintf(lines, sizeof(lines), "%s%sSTATUS=%s",
	    is_ready && !bridge->is_told_ready ? "READY=1\n" : "",
	    bridge->is_stopping ? "STOPPING=1\n" : "", text);
	if (!systemd_tell(&bridge->systemd, lines))
		return;
	bridge->is_told_ready = is_ready;
	(void)copy_text(bridge->summary, sizeof(bridge->summary), text);
}

/* --- reading the settings anew --- */

static void say_mistakes(const struct buf *mistakes)
{
	auto_str char *copy = xstrdup(buf_text(mistakes));
	char *rest = copy;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		if (*line)
			log_error("%s", line);
	}
	log_error("the settings have mistakes, nothing of them is taken: the old ones hold");
}

static void take_settings(struct bridge *bridge, struct bridge_settings *fresh)
{
	AUTO(buf) taken = buf_make(CONF_MISTAKES_MAX_BYTES);
	AUTO(buf) kept = buf_make(CONF_MISTAKES_MAX_BYTES);

	bridge_settings_take_changed(bridge->settings, fresh, &taken, &kept);
	/* fresh has the level of before now: what is told here shows with either. */
	if (bridge->settings->log_level > fresh->log_level)
		log_init((enum log_level)bridge->settings->log_level);
	hear_reload(bridge->hear);
	hooks_reload(bridge->hooks);
	forget_soon(&bridge->forget);
	if (bridge->pages)
		pages_show_private(bridge->pages, bridge->settings->pages_private);
	log_info("read the settings anew; new: %s", taken.length ? buf_text(&taken) : "nothing");
	if (kept.length)
		log_warning("%s: what changed there needs a restart", buf_text(&kept));
	log_init((enum log_level)bridge->settings->log_level);
}

static void reload(struct bridge *bridge)
{
	AUTO(buf) mistakes = buf_make(CONF_MISTAKES_MAX_BYTES);
	AUTO(bridge_settings) fresh = {0};

	(void)systemd_tell_reloading(&bridge->systemd);
	bridge->has_bad_settings = bridge->load(bridge->load_context, &fresh, &mistakes) < 0;
	if (bridge->has_bad_settings)
		say_mistakes(&mistakes);
	else
		take_settings(bridge, &fresh);
	/* systemd waits for it until its time is over, were it lost: it is told until it is taken.
	 */
	bridge->is_told_ready = systemd_tell(&bridge->systemd, "READY=1");
}

/* --- the loop --- */

static void stop(struct bridge *bridge, unsigned signal_number)
{
	log_info("stops on signal %u", signal_number);
	bridge->is_stopping = true;
	bridge->stop_ns = clock_now() + STOP_WITHIN_NS;
	if (bridge->server)
		server_stop_accepting(bridge->server);
	tell_systemd(bridge);
}

static void take_signals(struct bridge *bridge)
{
	struct signalfd_siginfo signal_info;

	if (read(bridge->signal_fd, &signal_info, sizeof(signal_info)) !=
		(ssize_t)sizeof(signal_info) ||
	    bridge->is_stopping)
		return;
	if (signal_info.ssi_signo == SIGHUP)
		reload(bridge);
	else
		stop(bridge, signal_info.ssi_signo);
}

static int sleep_ms(const struct bridge *bridge, int64_t due_ns)
{
	int ms = due_ns == INT64_MAX ? SLEEP_MOST_MS : clock_ms_until(due_ns);
	int server_ms = bridge->server ? server_timeout_ms(bridge->server) : -1;

	if (ms > SLEEP_MOST_MS)
		ms = SLEEP_MOST_MS;
	return server_ms >= 0 && server_ms < ms ? server_ms : ms;
}

/* Sleeps until something happens; answers have been given to their callbacks when it returns. */
static int wait_for_more(struct bridge *bridge, int64_t due_ns, struct err *err)
{
	struct pollfd fds[2 + PROGRAM_FDS] = {
	    {.fd = bridge->signal_fd, .events = POLLIN},
	    {.fd = bridge->server ? server_fd(bridge->server) : -1, .events = POLLIN},
	};

	notify_fds(bridge->notify, fds + 2);
	if (http_poll(bridge->http, fds, COUNT_OF(fds), sleep_ms(bridge, due_ns), err) < 0)
		return -1;
	if (due_ns > 0 && clock_now() >= due_ns)
		metrics_note_lag(&bridge->lag, clock_now() - due_ns);
	take_signals(bridge);
	if (bridge->server)
		server_turn(bridge->server);
	notify_see(bridge->notify);
	return 0;
}

static int64_t turn_all(struct bridge *bridge)
{
	int64_t due_ns = turn_timeout(bridge);
	int64_t hear_ns = hear_turn(bridge->hear);
	int64_t tend_ns = tend_turn(bridge->tend);
	int64_t hooks_ns = hooks_turn(bridge->hooks);
	int64_t forget_ns = forget_turn(&bridge->forget, &bridge->parts);
	int64_t notify_ns = notify_turn(bridge->notify);

	if (hear_ns < due_ns)
		due_ns = hear_ns;
	if (hooks_ns < due_ns)
		due_ns = hooks_ns;
	if (forget_ns < due_ns)
		due_ns = forget_ns;
	if (notify_ns < due_ns)
		due_ns = notify_ns;
	return tend_ns < due_ns ? tend_ns : due_ns;
}

static bool is_done_once(const struct bridge *bridge)
{
	return hear_is_quiet(bridge->hear) && tend_is_quiet(bridge->tend) &&
	       hooks_are_quiet(bridge->hooks) && !parts_are_busy(&bridge->parts) &&
	       !notify_is_busy(bridge->notify);
}

static void say_gate(const struct gate *gate, bool *was_down)
{
	if (gate_is_down(gate) && !*was_down)
		log_warning("%s does not answer (%s): what is due there waits until it does",
		    gate->name, gate->last.msg);
	if (!gate->failures && *was_down)
		log_info("%s answers again", gate->name);
	*was_down = gate->failures && (*was_down || gate_is_down(gate));
}

static void say_peers(struct bridge *bridge)
{
	for (size_t i = 0; i < PARTS_PEER_COUNT; i++)
		say_gate(&bridge->parts.gates[i], &bridge->was_down[i]);
}

/* With --once nobody waits for a peer to come back. */
static int check_peers(const struct bridge *bridge, struct err *err)
{
	for (size_t i = 0; i < PARTS_PEER_COUNT; i++) {
		if (gate_is_down(&bridge->parts.gates[i]))
			return err_set(
			    err, ERR_TRANSIENT, "%s does not answer", bridge->parts.gates[i].name);
	}
	return 0;
}

/* Nothing that was asked, by us or of us, waits for its answer. */
static bool is_at_rest(const struct bridge *bridge)
{
	return !parts_are_busy(&bridge->parts) && !notify_is_busy(bridge->notify) &&
	       !(bridge->server && server_is_busy(bridge->server));
}

int bridge_run(struct bridge *bridge, bool once, struct err *err)
{
	for (;;) {
		int64_t due_ns = bridge->stop_ns;

		if (!bridge->is_stopping) {
			due_ns = turn_all(bridge);
			if (once && is_done_once(bridge))
				return 0;
			if (once && check_peers(bridge, err) < 0)
				return -1;
			tell_systemd(bridge);
		} else if (is_at_rest(bridge) || clock_now() >= bridge->stop_ns) {
			return 0;
		}
		int64_t systemd_ns = systemd_turn(&bridge->systemd);
		if (wait_for_more(bridge, systemd_ns < due_ns ? systemd_ns : due_ns, err) < 0)
			return -1;
		say_peers(bridge);
	}
}
