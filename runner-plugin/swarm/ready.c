/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/ready.h"

#include "common/clock.h"
#include "common/log.h"
#include "runner-plugin/swarm/holder.h"
#include "runner-plugin/swarm/image.h"

#define LOOK_EVERY_MS 1000
#define PROBE_TIMEOUT_MS 5000
#define PROBE_AGAIN_GOOD_MS 200 /* the second of two good answers */
#define PROBE_AGAIN_BAD_MS 400
#define GOOD_ANSWERS 2
#define NO_PROXY_PATIENCE_MS 10000
#define SAY_EVERY_MS 10000
#define CHECK_TEXT_MAX_BYTES 8192 /* the engine keeps 4 KiB of what a check says */

/*
 * A container's event comes before Swarm has the task's new state: its agents report in batches of
 * 100 ms. So a look after an event is followed by some more.
 */
static const int64_t follow_ups_ms[] = {60, 120, 200, 400};

/* What only an image can tell, asked once. */
struct fact {
	char *key; /* image */
	bool value;
};
struct facts {
	struct fact *items;
	size_t count;
};

/* The container of a task that has failed, as it was when that was seen first. */
struct ended {
	char *task;
	struct json *container; /* NULL: it was gone */
};

struct ready {
	struct ready_spec spec;
	struct engine_watch *watch;
	struct converge converge;
	struct view view;
	struct converge_verdict verdict;
	struct facts healthchecks; /* of images */
	struct ended *ended;
	size_t ended_count;
	int64_t started_ns;
	int64_t next_look_ns;
	size_t follow_up;
	int64_t last_answer_ns; /* of the engine */
	struct err engine_err;
	int64_t next_say_ns;
	char said[CONVERGE_REASON_SIZE];
	/* probing */
	int good;
	int64_t next_probe_ns;
	int64_t no_proxy_ns; /* since when it cannot be asked; -1: it can */
	bool is_out_of_reach;
	char probe_reason[CONVERGE_REASON_SIZE];
};

static bool *find_fact(const struct facts *facts, const char *key)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (text_is(facts->items[i].key, key))
			return &facts->items[i].value;
	}
	return NULL;
}

static bool add_fact(struct facts *facts, const char *key, bool value)
{
	facts->items = xrealloc_array(facts->items, facts->count + 1, sizeof(*facts->items));
	facts->items[facts->count++] = (struct fact){xstrdup(key), value};
	return value;
}

static void release_facts(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		free(facts->items[i].key);
	free(facts->items);
}

/* --- looking --- */

static bool has_id(const struct json *containers, const char *id)
{
	for (const struct json *item = json_first(containers); item; item = json_next(item)) {
		const char *found = json_get_text(item, "Id");

		if (found && text_is(found, id))
			return true;
	}
	return false;
}

/* *out NULL: it is gone, or its check has said a NUL, which no JSON of ours holds. */
static int inspect(
    const struct ready *ready, const char *container, struct json **out, struct err *err)
{
	auto_str char *path = xasprintf("/containers/%s/json", container);
	struct err why;
	struct json *answer = engine_get(ready->spec.engine, path, &why);

	if (!answer && why.code != ERR_MISSING && why.code != ERR_PROTOCOL) {
		*err = why;
		return -1;
	}
	*out = answer;
	return 0;
}

static void mask(char **text)
{
	AUTO(buf) masked = buf_make(CHECK_TEXT_MAX_BYTES);

	(void)log_mask_text(&masked, *text, strlen(*text));
	free(*text);
	*text = buf_take(&masked);
}

/* What a check says is the recipe's text, and may have a secret in it. */
static void read_container(struct view_task *task, const struct json *container)
{
	if (!container)
		return;
	view_task_read_container(task, container);
	mask(&task->check.test);
	mask(&task->check.output);
}

/* Why it ended; Swarm keeps an ended container until some more have ended after it. */
static int ask_ended(struct ready *ready, struct view_task *task, struct err *err)
{
	struct json *answer = NULL;

	for (size_t i = 0; i < ready->ended_count; i++) {
		if (text_is(ready->ended[i].task, task->id)) {
			read_container(task, ready->ended[i].container);
			return 0;
		}
	}
	if (inspect(ready, task->container, &answer, err) < 0)
		return -1;
	ready->ended = xrealloc_array(ready->ended, ready->ended_count + 1, sizeof(*ready->ended));
	ready->ended[ready->ended_count++] = (struct ended){xstrdup(task->id), answer};
	read_container(task, answer);
	return 0;
}

/* The engine takes as long to end an unhealthy one as that needs to stop; a look is quicker. */
static int ask_unhealthy(struct ready *ready, struct view *view, struct err *err)
{
	auto_str char *path = engine_unhealthy_path(ready->spec.stack);
	AUTO_PTR(json) sick = engine_get(ready->spec.engine, path, err);

	if (!sick)
		return -1;
	for (size_t i = 0; i < view->task_count && json_count(sick); i++) {
		AUTO_PTR(json) answer = NULL;

		if (!*view->tasks[i].container || !has_id(sick, view->tasks[i].container))
			continue;
		if (inspect(ready, view->tasks[i].container, &answer, err) < 0)
			return -1;
		read_container(&view->tasks[i], answer);
	}
	return 0;
}

static int ask_image(struct ready *ready, struct view_service *service, struct err *err)
{
	bool *known = find_fact(&ready->healthchecks, service->image);
	bool has_one = false;

	if (!known && image_has_healthcheck(ready->spec.engine, service->image, &has_one, err) < 0)
		return -1;
	service->has_healthcheck =
	    known ? *known : add_fact(&ready->healthchecks, service->image, has_one);
	return 0;
}

static bool lacks_port(const struct view *view, const struct view_service *service)
{
	for (size_t i = 0; i < view->task_count; i++) {
		if (text_is(view->tasks[i].service_id, service->id) &&
		    converge_lacks_port(&view->tasks[i]))
			return true;
	}
	return false;
}

/* Who else holds the ports that are wanted in vain; most looks have nobody to ask for. */
static int ask_holders(struct ready *ready, struct view *view, struct err *err)
{
	AUTO_PTR(json) services = NULL;
	AUTO_PTR(json) containers = NULL;

	for (size_t i = 0; i < view->service_count; i++) {
		struct view_service *service = &view->services[i];

		if (!service->port_count || !lacks_port(view, service))
			continue;
		if (!services)
			services = engine_get(ready->spec.engine, "/services", err);
		if (services && !containers)
			containers = engine_get(ready->spec.engine, "/containers/json", err);
		if (!containers)
			return -1;
		char *holder = holder_find(service, ready->spec.stack, services, containers);
		if (!holder)
			continue;
		free(service->port_holder);
		service->port_holder = holder;
	}
	return 0;
}

static int fill_in(struct ready *ready, struct view *view, struct err *err)
{
	bool has_checks = false;

	for (size_t i = 0; i < view->service_count; i++) {
		if (view->services[i].asks_image && ask_image(ready, &view->services[i], err) < 0)
			return -1;
		has_checks = has_checks || view->services[i].has_healthcheck;
	}
	if (has_checks && ask_unhealthy(ready, view, err) < 0)
		return -1;
	for (size_t i = 0; i < view->task_count; i++) {
		struct view_task *task = &view->tasks[i];

		if (task->state == VIEW_TASK_FAILED && *task->container &&
		    ask_ended(ready, task, err) < 0)
			return -1;
	}
	return ask_holders(ready, view, err);
}

static int read_view(struct ready *ready, struct view *out, struct err *err)
{
	auto_str char *services_path = engine_stack_path("/services", ready->spec.stack);
	auto_str char *tasks_path = engine_stack_path("/tasks", ready->spec.stack);
	AUTO_PTR(json) services = engine_get(ready->spec.engine, services_path, err);
	AUTO_PTR(json) tasks = services ? engine_get(ready->spec.engine, tasks_path, err) : NULL;
	AUTO(view) view = {0};

	if (!tasks || view_read(ready->spec.stack, services, tasks, &view, err) < 0 ||
	    fill_in(ready, &view, err) < 0)
		return -1;
	*out = view;
	view = (struct view){0};
	return 0;
}

int ready_look(struct ready *ready, struct err *err)
{
	struct view view;

	if (read_view(ready, &view, err) < 0)
		return -1;
	view_release(&ready->view);
	ready->view = view;
	ready->last_answer_ns = clock_now();
	ready->verdict = converge_look(&ready->converge, &ready->view, clock_now());
	return 0;
}

static void schedule_look(struct ready *ready, bool has_changed)
{
	int64_t wait_ms = LOOK_EVERY_MS;

	if (has_changed)
		ready->follow_up = 0;
	if (ready->follow_up < COUNT_OF(follow_ups_ms))
		wait_ms = follow_ups_ms[ready->follow_up++];
	ready->next_look_ns = clock_now() + wait_ms * NS_PER_MS;
	if (ready->verdict.wake_ns < ready->next_look_ns)
		ready->next_look_ns = ready->verdict.wake_ns;
}

/* A look, where a short silence of the engine is no error yet. */
static int try_look(struct ready *ready, bool has_changed, struct err *err)
{
	if (ready_look(ready, &ready->engine_err) < 0 &&
	    (ready->engine_err.code != ERR_TRANSIENT ||
		clock_elapsed_ms(ready->last_answer_ns) >= READY_ENGINE_PATIENCE_MS)) {
		*err = ready->engine_err;
		return -1;
	}
	schedule_look(ready, has_changed);
	return 0;
}

struct ready *ready_open(const struct ready_spec *spec, struct err *err)
{
	struct ready *ready = xcalloc(1, sizeof(*ready));

	ready->spec = *spec;
	ready->started_ns = clock_now();
	ready->last_answer_ns = ready->started_ns;
	ready->next_say_ns = ready->started_ns;
	ready->no_proxy_ns = -1;
	if (!ready->spec.probe_count) {
		ready->spec.probes = &probe_default;
		ready->spec.probe_count = 1;
	}
	/* Events from here on; the view behind it misses none of them. */
	ready->watch = engine_watch_open(spec->engine, spec->stack);
	if (read_view(ready, &ready->view, err) < 0) {
		ready_close(ready);
		return NULL;
	}
	converge_begin(&ready->converge, &spec->rules, &ready->view);
	return ready;
}

void ready_close(struct ready *ready)
{
	if (!ready)
		return;
	engine_watch_close(ready->watch);
	converge_release(&ready->converge);
	view_release(&ready->view);
	release_facts(&ready->healthchecks);
	for (size_t i = 0; i < ready->ended_count; i++) {
		free(ready->ended[i].task);
		json_free(ready->ended[i].container);
	}
	free(ready->ended);
	free(ready);
}

const struct view *ready_view(const struct ready *ready)
{
	return &ready->view;
}

bool ready_is_red(const struct ready *ready)
{
	return converge_is_red(ready->verdict.state) && ready->verdict.state != CONVERGE_TIMED_OUT;
}

/* --- saying --- */

static void say(struct ready *ready, const char *reason)
{
	char took[CLOCK_DURATION_SIZE];
	char line[CONVERGE_REASON_SIZE + 64];
	bool is_new = !text_is(ready->said, reason);

	if (!ready->spec.say || (!is_new && clock_now() < ready->next_say_ns))
		return;
	clock_format_duration(clock_elapsed_ms(ready->started_ns), took);
	(void)snprintf(line, sizeof(line), "waits for %s (%s)", reason, took);
	ready->spec.say(ready->spec.context, line);
	(void)snprintf(ready->said, sizeof(ready->said), "%s", reason);
	ready->next_say_ns = clock_now() + SAY_EVERY_MS * NS_PER_MS;
}

/* --- while abra works --- */

bool ready_watch(void *context)
{
	struct ready *ready = context;
	bool has_changed = false;
	struct err ignored;

	/* What goes wrong with the engine here shows again, and counts, in ready_wait(). */
	if (engine_watch_wait(ready->watch, NULL, 0, 0, &has_changed, &ignored) < 0)
		return false;
	if (!has_changed && clock_now() < ready->next_look_ns)
		return false;
	if (try_look(ready, has_changed, &ignored) < 0)
		return false;
	if (ready->verdict.state == CONVERGE_PENDING)
		say(ready, ready->verdict.reason);
	return ready_is_red(ready);
}

/* --- probing --- */

/* "172.18.0.3/16" of that container in docker_gwbridge, where the host reaches it; else NULL. */
static char *bridge_address(struct engine *engine, const char *container)
{
	struct err ignored;
	AUTO_PTR(json) network = engine_get(engine, "/networks/docker_gwbridge", &ignored);
	const struct json *entry = json_get(json_get(network, "Containers"), container);
	const char *address = json_get_text(entry, "IPv4Address");

	return address ? xstrndup(address, strcspn(address, "/")) : NULL;
}

/* The address of a task that runs; NULL with *out_runs: it runs where this host does not reach. */
static char *service_address(const struct ready *ready, const char *name, bool *out_runs)
{
	const struct view_service *service = view_find(&ready->view, name);
	bool is_here = engine_is_here(ready->spec.engine);

	for (size_t i = 0; service && i < ready->view.task_count; i++) {
		const struct view_task *task = &ready->view.tasks[i];

		if (text_is(task->service_id, service->id) && task->is_wanted &&
		    task->state == VIEW_TASK_RUNNING && *task->container) {
			*out_runs = true;
			return is_here ? bridge_address(ready->spec.engine, task->container) : NULL;
		}
	}
	return NULL;
}

void ready_probe(struct ready *ready, const struct suite_probe *probe, struct probe_result *out)
{
	bool runs = false;
	auto_str char *address =
	    probe->service ? service_address(ready, probe->service, &runs) : NULL;
	struct probe_target target = ready->spec.target;

	target.address = address;
	if (runs && !address) {
		*out = (struct probe_result){.answer = PROBE_OUT_OF_REACH};
		(void)snprintf(out->reason, sizeof(out->reason),
		    "service %.60s runs on another host, and only the proxy is reached from here",
		    probe->service);
		return;
	}
	probe_run(probe, &target, PROBE_TIMEOUT_MS, out);
}

/* All probes once; the first that is not good decides. */
static void probe_round(struct ready *ready)
{
	struct probe_result result = {0};
	size_t i = 0;

	do
		ready_probe(ready, &ready->spec.probes[i], &result);
	while (result.answer == PROBE_GOOD && ++i < ready->spec.probe_count);
	bool is_good = result.answer == PROBE_GOOD;
	ready->good = is_good ? ready->good + 1 : 0;
	ready->next_probe_ns =
	    clock_now() + (is_good ? PROBE_AGAIN_GOOD_MS : PROBE_AGAIN_BAD_MS) * NS_PER_MS;
	ready->is_out_of_reach = result.answer == PROBE_OUT_OF_REACH;
	if (result.answer != PROBE_NO_PROXY && !ready->is_out_of_reach)
		ready->no_proxy_ns = -1;
	else if (ready->no_proxy_ns < 0)
		ready->no_proxy_ns = clock_now();
	if (is_good)
		return;
	auto_str char *what = probe_describe(&ready->spec.probes[i]);
	(void)snprintf(
	    ready->probe_reason, sizeof(ready->probe_reason), "%.80s: %s", what, result.reason);
	say(ready, ready->probe_reason);
}

/* --- waiting --- */

/* Sleeps until something is due; true in *out_is_cancelled when it was cancelled. */
static int sleep_until_due(
    struct ready *ready, bool *out_has_changed, bool *out_is_cancelled, struct err *err)
{
	struct pollfd cancel = {.fd = ready->spec.cancel_fd, .events = POLLIN};
	int64_t until_ns = ready->next_look_ns;

	if (ready->verdict.state == CONVERGE_CONVERGED && ready->next_probe_ns < until_ns)
		until_ns = ready->next_probe_ns;
	if (engine_watch_wait(ready->watch, &cancel, ready->spec.cancel_fd >= 0 ? 1 : 0,
		clock_ms_until(until_ns), out_has_changed, err) < 0)
		return -1;
	*out_is_cancelled = cancel.revents != 0;
	return 0;
}

static bool end_with(struct ready_result *out, enum ready_end end, const char *reason)
{
	out->end = end;
	(void)snprintf(out->reason, sizeof(out->reason), "%s", reason);
	return true;
}

/* What is known now, judged; asks the app when that is due. True: there is nothing to wait for. */
static bool try_to_end(struct ready *ready, int64_t *converged_ns, struct ready_result *out)
{
	enum converge_state state = ready->verdict.state;
	int64_t now_ns = clock_now();

	if (state == CONVERGE_TIMED_OUT)
		return end_with(out, READY_TIMED_OUT, ready->verdict.reason);
	if (converge_is_red(state))
		return end_with(out, READY_RED, ready->verdict.reason);
	if (state == CONVERGE_PENDING) {
		*converged_ns = -1;
		ready->good = 0;
		ready->next_probe_ns = 0;
		say(ready, ready->verdict.reason);
		return false;
	}
	if (*converged_ns < 0)
		*converged_ns = now_ns;
	if (now_ns >= ready->next_probe_ns)
		probe_round(ready);
	if (ready->good >= GOOD_ANSWERS)
		return end_with(out, READY_UP, "");
	if (ready->no_proxy_ns >= 0 && clock_elapsed_ms(ready->no_proxy_ns) >= NO_PROXY_PATIENCE_MS)
		return end_with(out, ready->is_out_of_reach ? READY_OUT_OF_REACH : READY_NO_PROXY,
		    ready->probe_reason);
	if (clock_now() >= ready->spec.rules.deadline_ns)
		return end_with(out, READY_TIMED_OUT, ready->probe_reason);
	return false;
}

int ready_wait(struct ready *ready, struct ready_result *out, struct err *err)
{
	struct ready_result result = {.end = READY_UP};
	int64_t started_ns = clock_now();
	int64_t converged_ns = -1;
	bool has_changed = true;
	bool is_cancelled = false;

	ready->good = 0;
	ready->next_probe_ns = 0;
	for (;;) {
		if ((has_changed || clock_now() >= ready->next_look_ns) &&
		    try_look(ready, has_changed, err) < 0)
			return -1;
		if (is_cancelled) {
			(void)end_with(&result, READY_CANCELLED, "cancelled");
			break;
		}
		if (try_to_end(ready, &converged_ns, &result))
			break;
		if (sleep_until_due(ready, &has_changed, &is_cancelled, err) < 0)
			return -1;
	}
	if (converged_ns < 0)
		converged_ns = clock_now();
	result.converge_s = (double)(converged_ns - started_ns) / (double)NS_PER_S;
	result.probe_s = (double)(clock_now() - converged_ns) / (double)NS_PER_S;
	result.verdict = ready->verdict;
	*out = result;
	return 0;
}

int ready_confirm(struct ready *ready, struct ready_result *out, struct err *err)
{
	size_t failures = converge_failures(&ready->converge);

	if (ready_look(ready, err) < 0)
		return -1;
	if (ready->verdict.state == CONVERGE_CONVERGED &&
	    converge_failures(&ready->converge) == failures) {
		*out = (struct ready_result){.end = READY_UP, .verdict = ready->verdict};
		return 0;
	}
	return ready_wait(ready, out, err);
}
