/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/converge.h"

#include "common/clock.h"

#define SETTLE_HEALTHY_MS 1000 /* healthy is a claim of the recipe: a second confirms it */
#define SETTLE_RUNNING_MS 5000 /* running is only a process: crash-loopers run for a moment */
#define SETTLE_HEALTHY_FAILED_MS 5000 /* the same after a failure in this deploy */
#define SETTLE_RUNNING_FAILED_MS 15000
#define HEALTHY_SECOND_MS 1000	/* up so long, earlier failures no longer make a loop */
#define RUNNING_SECOND_MS 30000 /* the same where there is no healthcheck */
#define GAVE_UP_AFTER_MS 3000	/* Swarm makes the next task of a service within milliseconds */
#define NO_NODE_AFTER_MS 5000	/* for what the recipe asks: only another recipe changes it */
#define HOST_AFTER_MS 15000	/* for what the host lacks: another run may be giving it up */
#define HOST_FAILURES 2		/* so many for a reason of the host are no accident */
#define REMEMBERED_FAILURES 16
#define ERROR_MAX_BYTES 150 /* of what the engine said, in a reason */
#define CHECK_MAX_BYTES 100 /* of a healthcheck, and of what it said */
#define WHY_SIZE 260

/* --- what the engine says --- */

/*
 * Why a task is not started, in the engine's words, and whose affair it is. What no row knows is
 * the engine's affair while the task has no node, and its own once it was started. The first row
 * that fits counts: of several nodes the right one may be the full one.
 *
 * Source: swarmkit's scheduler, which says each of the first list "on <n> node(s)", of a global
 * service without "no suitable node"; its agent, Docker's daemon and libnetwork for the second.
 * Observed on 20.10.24: placement.*.json in tests/data/engine. An allocator that finds no address
 * says nothing there, its tasks stay "new".
 */
struct word {
	const char *said;
	enum converge_state state;
};
static const struct word no_node[] = {
    {"host-mode port already in use", CONVERGE_PORT_TAKEN},
    {"insufficient resources", CONVERGE_NO_ROOM},
    {"not available for new tasks", CONVERGE_ENGINE}, /* drained, paused or down */
    {"could not find an available IP", CONVERGE_ENGINE},
    {"scheduling constraints not satisfied", CONVERGE_UNSCHEDULABLE},
    {"max replicas per node limit", CONVERGE_UNSCHEDULABLE},
    {"unsupported platform", CONVERGE_UNSCHEDULABLE},
    {"missing plugin", CONVERGE_UNSCHEDULABLE},
};
static const struct word no_start[] = {
    {"No such image", CONVERGE_IMAGE_MISSING},
    {"port is already allocated", CONVERGE_PORT_TAKEN},	   /* by another container */
    {"bind: address already in use", CONVERGE_PORT_TAKEN}, /* by a program of the host */
    {"could not find an available IP", CONVERGE_ENGINE},
    {"no available IPv4 addresses", CONVERGE_ENGINE},
    {"available, non-overlapping IPv4 address pool", CONVERGE_ENGINE},
    {"Address already in use", CONVERGE_ENGINE}, /* of the overlay network: a container's */
    {"network sandbox join failed", CONVERGE_ENGINE},
    {"attaching to network failed", CONVERGE_ENGINE},
    {"context deadline exceeded", CONVERGE_ENGINE},
    {"assigned node no longer meets constraints", CONVERGE_ENGINE},
    {"no space left on device", CONVERGE_ENGINE},
    {"cannot allocate memory", CONVERGE_ENGINE},
};

static enum converge_state look_up(
    const struct word *words, size_t count, const char *said, enum converge_state otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(said, words[i].said))
			return words[i].state;
	}
	return otherwise;
}

static enum converge_state why_no_node(const struct view_task *task)
{
	return look_up(no_node, COUNT_OF(no_node), task->error, CONVERGE_ENGINE);
}

static enum converge_state why_failed(const struct view_task *task)
{
	return look_up(no_start, COUNT_OF(no_start), task->error, CONVERGE_GAVE_UP);
}

bool converge_lacks_port(const struct view_task *task)
{
	enum converge_state why =
	    task->state == VIEW_TASK_PENDING ? why_no_node(task) : why_failed(task);

	return why == CONVERGE_PORT_TAKEN;
}

/* Who publishes no port of the host lacks none: the address is a socket's, or the older spec's. */
static enum converge_state why_of(const struct view_service *service, enum converge_state why)
{
	return why == CONVERGE_PORT_TAKEN && !service->port_count ? CONVERGE_ENGINE : why;
}

/* The host's or the engine's affair. */
static bool is_ours(enum converge_state state)
{
	return state == CONVERGE_IMAGE_MISSING || state == CONVERGE_PORT_TAKEN ||
	       state == CONVERGE_NO_ROOM || state == CONVERGE_ENGINE;
}

/* --- memory --- */

struct converge_memory {
	char *id;
	char *earlier_update; /* when one began that is not of this deploy; NULL */
	int64_t recent_ns[REMEMBERED_FAILURES]; /* since the last healthy second */
	size_t recent_count;
	size_t total;
	size_t host_failures; /* for a reason of the host */
	bool is_sick;	      /* one was unhealthy */
	struct {
		char task[64];
		char container[80];
		char error[ERROR_MAX_BYTES + 4];
		int exit_code;
		bool is_rejected, is_complete, is_out_of_memory, is_unhealthy;
		int64_t limit_bytes;	   /* of its memory; 0: none */
		enum converge_state cause; /* GAVE_UP: its own */
	} last;
	char sickness[WHY_SIZE]; /* how the check of an unhealthy one failed; "" none was */
	/* -1: not so now */
	int64_t up_ns;	   /* every wanted task runs */
	int64_t dead_ns;   /* a task has failed and none takes its place */
	int64_t stuck_ns;  /* no node takes a task */
	uint64_t up_tasks; /* which ones, as one number */
};

static bool is_of_before(const struct converge *converge, const char *task)
{
	for (size_t i = 0; i < converge->before_count; i++) {
		if (text_is(converge->known_tasks[i], task))
			return true;
	}
	return false;
}

static bool is_known(const struct converge *converge, const char *task)
{
	for (size_t i = 0; i < converge->known_task_count; i++) {
		if (text_is(converge->known_tasks[i], task))
			return true;
	}
	return false;
}

static void make_known(struct converge *converge, const char *task)
{
	converge->known_tasks = xrealloc_array(
	    converge->known_tasks, converge->known_task_count + 1, sizeof(*converge->known_tasks));
	converge->known_tasks[converge->known_task_count++] = xstrdup(task);
}

static struct converge_memory *find_memory(const struct converge *converge, const char *id)
{
	for (size_t i = 0; i < converge->service_count; i++) {
		if (text_is(converge->services[i].id, id))
			return &converge->services[i];
	}
	return NULL;
}

static struct converge_memory *memory_of(struct converge *converge, const char *id)
{
	struct converge_memory *known = find_memory(converge, id);

	if (known)
		return known;
	converge->services = xrealloc_array(
	    converge->services, converge->service_count + 1, sizeof(*converge->services));
	struct converge_memory *memory = &converge->services[converge->service_count++];
	*memory =
	    (struct converge_memory){.id = xstrdup(id), .up_ns = -1, .dead_ns = -1, .stuck_ns = -1};
	return memory;
}

void converge_begin(
    struct converge *converge, const struct converge_rules *rules, const struct view *before)
{
	*converge = (struct converge){.rules = *rules};
	for (size_t i = 0; before && i < before->task_count; i++)
		make_known(converge, before->tasks[i].id);
	converge->before_count = converge->known_task_count;
	for (size_t i = 0; before && i < before->service_count; i++) {
		const struct view_service *service = &before->services[i];

		if (*service->update_started)
			memory_of(converge, service->id)->earlier_update =
			    xstrdup(service->update_started);
	}
}

void converge_release(struct converge *converge)
{
	for (size_t i = 0; i < converge->known_task_count; i++)
		free(converge->known_tasks[i]);
	for (size_t i = 0; i < converge->service_count; i++) {
		free(converge->services[i].id);
		free(converge->services[i].earlier_update);
	}
	free(converge->known_tasks);
	free(converge->services);
	*converge = (struct converge){0};
}

size_t converge_failures(const struct converge *converge)
{
	size_t total = 0;

	for (size_t i = 0; i < converge->service_count; i++)
		total += converge->services[i].total;
	return total;
}

bool converge_is_red(enum converge_state state)
{
	return state != CONVERGE_PENDING && state != CONVERGE_CONVERGED;
}

static bool runs(const struct view_task *task)
{
	return task->state == VIEW_TASK_STARTING || task->state == VIEW_TASK_RUNNING;
}

/* An end that nobody asked for. "complete" is one for a service that is to run for ever. */
static bool is_failure(const struct view_service *service, const struct view_task *task)
{
	if (task->state == VIEW_TASK_COMPLETE)
		return service->restart == VIEW_RESTART_ALWAYS && !service->is_job;
	return task->state == VIEW_TASK_FAILED || task->state == VIEW_TASK_REJECTED ||
	       (task->is_unhealthy && task->is_wanted && runs(task));
}

static bool has_ended(const struct view_task *task)
{
	return task->state >= VIEW_TASK_COMPLETE;
}

static bool is_done(const struct view_service *service, const struct view_task *task)
{
	return task->state == VIEW_TASK_COMPLETE && task->is_current && !is_failure(service, task);
}

/* A service that this deploy did not touch still shows how the update before it ended. */
static enum view_update update_of(
    const struct view_service *service, const struct converge_memory *memory)
{
	bool is_earlier =
	    memory->earlier_update && text_is(service->update_started, memory->earlier_update);

	return is_earlier ? VIEW_UPDATE_NONE : service->update;
}

/* "its check "wget ..." ends with exit code 8: no such page" */
static void describe_check(const struct view_check *check, char out[WHY_SIZE])
{
	char how[40] = "fails";

	if (check->exit_code > 0)
		(void)format_text(
		    how, sizeof(how), "ends with exit code %lld", (long long)check->exit_code);
	if (*check->test)
		(void)snprintf(out, WHY_SIZE, "its check \"%.*s\" %s%s%.*s",
		    (int)text_head(check->test, CHECK_MAX_BYTES), check->test, how,
		    *check->output ? ": " : "", (int)text_head(check->output, CHECK_MAX_BYTES),
		    check->output);
	else
		(void)snprintf(out, WHY_SIZE, "its healthcheck fails");
}

/* Who has no limit of its own is killed for want of the host's memory. */
static enum converge_state cause_of(
    const struct view_service *service, const struct view_task *task)
{
	if (task->was_out_of_memory && !task->is_unhealthy && !service->limit_bytes)
		return CONVERGE_NO_ROOM;
	return why_of(service, why_failed(task));
}

static void remember_failure(struct converge_memory *memory, const struct view_service *service,
    const struct view_task *task, int64_t now_ns)
{
	if (memory->recent_count == REMEMBERED_FAILURES) {
		memmove(memory->recent_ns, memory->recent_ns + 1,
		    sizeof(memory->recent_ns) - sizeof(memory->recent_ns[0]));
		memory->recent_count--;
	}
	memory->recent_ns[memory->recent_count++] = now_ns;
	memory->total++;
	memory->last.cause = cause_of(service, task);
	memory->host_failures += is_ours(memory->last.cause);
	(void)snprintf(memory->last.task, sizeof(memory->last.task), "%s", task->id);
	(void)snprintf(
	    memory->last.container, sizeof(memory->last.container), "%s", task->container);
	/* Go wraps errors: what happened stands at the end. */
	const char *error = text_tail(task->error, ERROR_MAX_BYTES);
	(void)snprintf(memory->last.error, sizeof(memory->last.error), "%s%s",
	    error > task->error ? "..." : "", error);
	memory->last.exit_code = task->exit_code;
	memory->last.is_rejected = task->state == VIEW_TASK_REJECTED;
	memory->last.is_complete = task->state == VIEW_TASK_COMPLETE;
	memory->last.is_out_of_memory = task->was_out_of_memory && !task->is_unhealthy;
	memory->last.limit_bytes = service->limit_bytes;
	memory->last.is_unhealthy = task->is_unhealthy;
	/* One of an older spec says nothing about this one. */
	if (task->is_unhealthy && (task->is_current || !*memory->sickness))
		describe_check(&task->check, memory->sickness);
	memory->is_sick = memory->is_sick || (task->is_unhealthy && task->is_current);
}

/* --- one service, now --- */

struct tally {
	size_t running;	 /* wanted, current */
	size_t starting; /* wanted, not running yet */
	size_t old;	 /* runs with an older spec */
	size_t done;
	size_t deserted;	       /* failed ones whose place is empty */
	size_t live;		       /* wanted, and not ended */
	const struct view_task *stuck; /* no node takes it */
	bool is_unplaced;	       /* a global service that no node may take has no task */
	bool is_leaving; /* of the stack something ends, and may give up what it has */
	const struct view_task *rival; /* one of this stack holds a port that the stuck one wants */
	const struct view_service *owner; /* the rival's */
	const struct view_task *slow;	  /* one that starts, or a job's that runs */
	uint64_t tasks;			  /* the running ones, as one number */
};

static uint64_t mix(uint64_t sum, const char *text)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211U;
	return sum + hash;
}

static void tally_task(
    struct tally *tally, const struct view_service *service, const struct view_task *task)
{
	bool is_up = task->state == VIEW_TASK_RUNNING;

	tally->done += is_done(service, task);
	if (runs(task) && !task->is_current)
		tally->old++;
	if (!task->is_wanted || has_ended(task))
		return;
	tally->live++;
	if (is_up && task->is_current) {
		tally->running++;
		tally->tasks = mix(tally->tasks, task->id);
		if (service->is_job)
			tally->slow = task;
		return;
	}
	tally->starting++;
	if (task->state == VIEW_TASK_NEW || task->state == VIEW_TASK_PENDING)
		tally->stuck = task;
	else if (!tally->slow || *task->container)
		tally->slow = task;
}

static bool is_in_place_of(
    const struct view_service *service, const struct view_task *task, const struct view_task *other)
{
	if (!text_is(task->service_id, other->service_id) || !other->is_current)
		return false;
	return service->replicas < 0 ? text_is(task->node, other->node) : task->slot == other->slot;
}

/* Swarm makes the next task in the moment in which one ends; where it made none, none follows. */
static bool is_deserted(
    const struct view *view, const struct view_service *service, const struct view_task *task)
{
	if (!task->is_current || !is_failure(service, task))
		return false;
	for (size_t i = 0; i < view->task_count; i++) {
		const struct view_task *other = &view->tasks[i];

		if (is_in_place_of(service, task, other) &&
		    (is_done(service, other) || (other->is_wanted && !has_ended(other))))
			return false;
	}
	return true;
}

static const struct view_service *service_of(const struct view *view, const struct view_task *task)
{
	for (size_t i = 0; i < view->service_count; i++) {
		if (text_is(view->services[i].id, task->service_id))
			return &view->services[i];
	}
	return NULL;
}

/* A port of the host that both publish; NULL: none. */
static const struct view_port *shared_port(
    const struct view_service *service, const struct view_service *other)
{
	for (size_t i = 0; i < service->port_count; i++) {
		for (size_t k = 0; k < other->port_count; k++) {
			const struct view_port *port = &service->ports[i];

			if (port->number == other->ports[k].number &&
			    text_is(port->protocol, other->ports[k].protocol))
				return port;
		}
	}
	return NULL;
}

/* A port belongs to its task from the moment in which a node has taken it. */
static void find_rival(
    struct tally *tally, const struct view *view, const struct view_service *service)
{
	for (size_t i = 0; i < view->task_count && !tally->rival; i++) {
		const struct view_task *task = &view->tasks[i];
		const struct view_service *owner = service_of(view, task);

		if ((task->state != VIEW_TASK_WAITING && !runs(task)) || !owner ||
		    !shared_port(service, owner))
			continue;
		tally->rival = task;
		tally->owner = owner;
	}
}

static void tally_places(
    struct tally *tally, const struct view *view, const struct view_service *service)
{
	for (size_t i = 0; i < view->task_count; i++)
		tally->is_leaving |= runs(&view->tasks[i]) && !view->tasks[i].is_wanted;
	tally->is_unplaced =
	    service->replicas < 0 && !tally->live && !tally->done && !tally->deserted;
	if (tally->stuck && converge_lacks_port(tally->stuck))
		find_rival(tally, view, service);
}

static struct tally tally_service(
    const struct converge *converge, const struct view *view, const struct view_service *service)
{
	struct tally tally = {0};

	for (size_t i = 0; i < view->task_count; i++) {
		const struct view_task *task = &view->tasks[i];

		if (!text_is(task->service_id, service->id))
			continue;
		tally_task(&tally, service, task);
		tally.deserted +=
		    !is_of_before(converge, task->id) && is_deserted(view, service, task);
	}
	tally_places(&tally, view, service);
	return tally;
}

static bool is_up(const struct view_service *service, const struct tally *tally)
{
	size_t wanted = service->replicas < 0 ? 1 : (size_t)service->replicas;

	if (service->replicas == 0)
		return tally->live == 0;
	if (tally->old || tally->starting || (service->is_job && tally->running))
		return false;
	if (service->replicas < 0 && tally->deserted)
		return false; /* how many there should be nobody says, but this one is missing */
	return tally->running + tally->done >= wanted;
}

static void keep_since(int64_t *since_ns, bool is_so, int64_t now_ns)
{
	if (!is_so)
		*since_ns = -1;
	else if (*since_ns < 0)
		*since_ns = now_ns;
}

static void remember(struct converge *converge, const struct view *view,
    const struct view_service *service, int64_t now_ns)
{
	struct converge_memory *memory = memory_of(converge, service->id);
	struct tally tally = tally_service(converge, view, service);

	for (size_t i = 0; i < view->task_count; i++) {
		const struct view_task *task = &view->tasks[i];

		if (!text_is(task->service_id, service->id) || !is_failure(service, task) ||
		    is_known(converge, task->id))
			continue;
		make_known(converge, task->id);
		remember_failure(memory, service, task, now_ns);
	}
	/* Another task in its place between two looks: it was not up all the time. */
	if (memory->up_tasks != tally.tasks)
		memory->up_ns = -1;
	memory->up_tasks = tally.tasks;
	keep_since(&memory->up_ns, is_up(service, &tally), now_ns);
	keep_since(
	    &memory->stuck_ns, (tally.stuck || tally.is_unplaced) && !tally.is_leaving, now_ns);
	keep_since(&memory->dead_ns,
	    service->replicas != 0 && !is_up(service, &tally) &&
		(tally.deserted || (memory->total && !tally.live)),
	    now_ns);
	int64_t health_ms = service->has_healthcheck ? HEALTHY_SECOND_MS : RUNNING_SECOND_MS;
	if (memory->up_ns >= 0 && now_ns - memory->up_ns >= health_ms * NS_PER_MS)
		memory->recent_count = 0;
}

static int64_t settle_ms(const struct view_service *service, const struct converge_memory *memory,
    const struct tally *tally)
{
	if (!tally->live)
		return 0; /* nothing runs that could still fall */
	if (service->has_healthcheck)
		return memory->total ? SETTLE_HEALTHY_FAILED_MS : SETTLE_HEALTHY_MS;
	return memory->total ? SETTLE_RUNNING_FAILED_MS : SETTLE_RUNNING_MS;
}

/* --- words --- */

static void memory_text(const struct converge_memory *memory, char out[WHY_SIZE])
{
	(void)format_text(out, WHY_SIZE,
	    "out of memory: its limit is %.4g MiB: raise it in deploy: resources: limits, or have "
	    "it use less",
	    (double)memory->last.limit_bytes / (1024.0 * 1024));
}

/* "exit code 1", "its healthcheck fails", what Swarm said. */
static void failure_text(const struct converge_memory *memory, char out[WHY_SIZE])
{
	if (memory->last.is_rejected)
		(void)snprintf(out, WHY_SIZE, "%s", memory->last.error);
	else if (memory->last.is_unhealthy)
		(void)snprintf(out, WHY_SIZE, "%s", memory->sickness);
	else if (memory->last.is_out_of_memory && memory->last.limit_bytes)
		memory_text(memory, out);
	else if (memory->last.is_complete)
		(void)snprintf(out, WHY_SIZE, "exit code 0, but it is to run for ever");
	else if (*memory->last.error && !strstr(memory->last.error, "non-zero exit"))
		(void)snprintf(out, WHY_SIZE, "%s", memory->last.error);
	else
		(void)snprintf(out, WHY_SIZE, "exit code %d", memory->last.exit_code);
}

static void blame(struct converge_verdict *verdict, enum converge_state state,
    const struct view_service *service, const struct converge_memory *memory)
{
	verdict->state = state;
	verdict->is_ours = is_ours(state);
	(void)snprintf(verdict->service, sizeof(verdict->service), "%s", service->name);
	(void)snprintf(verdict->task, sizeof(verdict->task), "%s", memory->last.task);
	(void)snprintf(
	    verdict->container, sizeof(verdict->container), "%s", memory->last.container);
	bool has_code = memory->total && !memory->last.is_rejected && !memory->last.is_complete &&
			!memory->last.is_unhealthy;
	verdict->exit_code = has_code ? memory->last.exit_code : -1;
}

PRINTF_LIKE(2, 3)
static void give_reason(struct converge_verdict *verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
}

static void wake_at(struct converge_verdict *verdict, int64_t instant_ns)
{
	if (instant_ns < verdict->wake_ns)
		verdict->wake_ns = instant_ns;
}

/* --- judging --- */

/* Its attempts have an end, and it may use them up. */
static bool ends_by_itself(const struct view_service *service)
{
	return service->is_job &&
	       (service->restart == VIEW_RESTART_NEVER || service->max_attempts > 0);
}

static size_t count_recent(
    const struct converge_memory *memory, const struct converge_rules *rules, int64_t now_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < memory->recent_count; i++)
		count += now_ns - memory->recent_ns[i] <= rules->crash_within_ms * NS_PER_MS;
	return count;
}

static void say_port_taken(struct converge_verdict *verdict, const struct view_service *service)
{
	if (*service->port_holder)
		give_reason(verdict,
		    "service %s: %.140s, which is not of this recipe: free it for tests",
		    service->name, service->port_holder);
	else
		give_reason(verdict,
		    "service %s: something on this host that the engine does not know of holds "
		    "its host port %lld%s: free it for tests",
		    service->name, (long long)service->ports[0].number,
		    service->port_count > 1 ? ", or another of its ports" : "");
}

/* When the last failure was for a reason of the host, the verdict is about that. */
static bool judge_host(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory)
{
	if (!memory->total || !is_ours(memory->last.cause))
		return false;
	blame(verdict, memory->last.cause, service, memory);
	if (memory->last.cause == CONVERGE_IMAGE_MISSING)
		give_reason(verdict,
		    "service %s: image %.120s is missing on the node, though it was there before",
		    service->name, service->image);
	else if (memory->last.cause == CONVERGE_PORT_TAKEN)
		say_port_taken(verdict, service);
	else if (memory->last.cause == CONVERGE_NO_ROOM)
		give_reason(verdict,
		    "this host ran out of memory, and service %s, which has no limit of its own, "
		    "was killed for it",
		    service->name);
	else
		give_reason(verdict, "the engine cannot start service %s: %s", service->name,
		    memory->last.error);
	return true;
}

static bool judge_failures(struct converge_verdict *verdict, const struct converge_rules *rules,
    const struct view_service *service, const struct converge_memory *memory, int64_t now_ns)
{
	size_t count = count_recent(memory, rules, now_ns);
	bool is_loop = count >= (size_t)rules->crash_failures && !ends_by_itself(service);
	char why[WHY_SIZE];

	failure_text(memory, why);
	if (memory->is_sick) {
		blame(verdict, CONVERGE_UNHEALTHY, service, memory);
		give_reason(
		    verdict, "service %s is unhealthy: %s", service->name, memory->sickness);
		return true;
	}
	if (memory->host_failures >= HOST_FAILURES && judge_host(verdict, service, memory))
		return true;
	if (is_loop && memory->last.is_out_of_memory) {
		blame(verdict, CONVERGE_OUT_OF_MEMORY, service, memory);
		give_reason(verdict, "service %s was killed %zu times, %s", service->name,
		    memory->total, why);
		return true;
	}
	if (is_loop) {
		blame(verdict, CONVERGE_CRASH_LOOPING, service, memory);
		give_reason(verdict, "service %s %s %zu times within %lld s: %s", service->name,
		    memory->last.is_rejected ? "was rejected" : "ended", count,
		    (long long)((now_ns - memory->recent_ns[memory->recent_count - count]) /
				    NS_PER_S +
				1),
		    why);
		return true;
	}
	return false;
}

static bool judge_update(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory)
{
	char why[WHY_SIZE];

	enum view_update update = update_of(service, memory);

	if (update != VIEW_UPDATE_PAUSED && update != VIEW_UPDATE_ROLLED_BACK)
		return false;
	if (judge_host(verdict, service, memory))
		return true;
	bool is_paused = update == VIEW_UPDATE_PAUSED;
	blame(verdict, is_paused ? CONVERGE_PAUSED : CONVERGE_ROLLED_BACK, service, memory);
	if (memory->total)
		failure_text(memory, why);
	else
		(void)snprintf(why, sizeof(why), "%.150s", service->update_message);
	give_reason(verdict, "the update of service %s was %s: %s", service->name,
	    is_paused ? "paused by Swarm" : "rolled back to the old version", why);
	return true;
}

static bool has_passed(int64_t since_ns, int64_t after_ms, int64_t now_ns)
{
	return since_ns >= 0 && now_ns - since_ns >= after_ms * NS_PER_MS;
}

/* Why a task has no node, or a global service no task. */
static enum converge_state shortage_of(
    const struct view_service *service, const struct tally *tally)
{
	if (tally->is_unplaced)
		return *service->constraints ? CONVERGE_UNSCHEDULABLE : CONVERGE_ENGINE;
	if (tally->rival && !*service->port_holder)
		return CONVERGE_PORT_OWN;
	return tally->stuck ? why_of(service, why_no_node(tally->stuck)) : CONVERGE_ENGINE;
}

static void say_port_own(
    struct converge_verdict *verdict, const struct view_service *service, const struct tally *tally)
{
	long long port = (long long)shared_port(service, tally->owner)->number;

	if (tally->owner != service)
		give_reason(verdict,
		    "services %s and %s both publish host port %lld: one of them needs another",
		    service->name, tally->owner->name, port);
	else if (!tally->rival->is_current)
		give_reason(verdict,
		    "service %s: its own old task holds host port %lld until the new one runs, "
		    "which needs it too: write order: stop-first in its update_config",
		    service->name, port);
	else
		give_reason(verdict,
		    "service %s: another of its own tasks holds host port %lld; %lld replicas "
		    "cannot share it on one host: write replicas: 1, or publish it without mode: "
		    "host",
		    service->name, port, (long long)service->replicas);
}

/* "900 GiB of memory, 64 cores" */
static void reservation_text(const struct view_service *service, char out[80])
{
	char memory[40] = "";
	char cores[40] = "";

	if (service->reserved_bytes > 0)
		(void)format_text(memory, sizeof(memory), "%.3g GiB of memory",
		    (double)service->reserved_bytes / (1024.0 * 1024 * 1024));
	if (service->reserved_nano_cores > 0)
		(void)format_text(
		    cores, sizeof(cores), "%.3g cores", (double)service->reserved_nano_cores / 1e9);
	(void)format_text(out, 80, "%s%s%s", memory, *memory && *cores ? ", " : "", cores);
}

/* What the recipe asks of a node, and how it may ask for less. */
static void say_no_node(
    struct converge_verdict *verdict, const struct view_service *service, const char *said)
{
	bool is_crowded = strstr(said, "max replicas per node") != NULL;

	if (is_crowded && service->starts_first && service->update == VIEW_UPDATE_RUNNING)
		give_reason(verdict,
		    "service %s: with max_replicas_per_node: %lld no node takes its new task "
		    "beside the old one: write order: stop-first in its update_config",
		    service->name, (long long)service->max_per_node);
	else if (is_crowded)
		give_reason(verdict,
		    "service %s: with max_replicas_per_node: %lld no node is left for one of its "
		    "%lld replicas: raise it, or write fewer replicas",
		    service->name, (long long)service->max_per_node, (long long)service->replicas);
	else if (strstr(said, "unsupported platform"))
		give_reason(verdict, "service %s: no node has the platform of its image, %.100s",
		    service->name, service->platforms);
	else if (*service->constraints && !strstr(said, "missing plugin"))
		give_reason(verdict,
		    "service %s: no node meets its placement constraints, %.160s: ask for less, "
		    "or label a node",
		    service->name, service->constraints);
	else
		give_reason(verdict, "service %s: %.200s", service->name, said);
}

static void say_shortage(
    struct converge_verdict *verdict, const struct view_service *service, const struct tally *tally)
{
	const char *said = tally->stuck ? tally->stuck->error : "";
	char reserved[80];

	if (verdict->state == CONVERGE_PORT_OWN) {
		say_port_own(verdict, service, tally);
	} else if (verdict->state == CONVERGE_PORT_TAKEN) {
		say_port_taken(verdict, service);
	} else if (verdict->state == CONVERGE_UNSCHEDULABLE) {
		say_no_node(verdict, service, said);
	} else if (verdict->state == CONVERGE_NO_ROOM) {
		reservation_text(service, reserved);
		give_reason(verdict, "this host has no room for service %s, which reserves %s",
		    service->name, *reserved ? reserved : said);
	} else if (tally->is_unplaced) {
		give_reason(verdict,
		    "the engine makes no task for service %s: no node is ready for one",
		    service->name);
	} else if (!*said) {
		give_reason(verdict,
		    "the engine gives no address to service %s, whose task stays new: those of "
		    "its networks may be used up",
		    service->name);
	} else {
		give_reason(
		    verdict, "the engine does not start service %s: %.200s", service->name, said);
	}
}

static bool judge_standstill(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory, const struct tally *tally, int64_t now_ns)
{
	char why[WHY_SIZE];

	if (has_passed(memory->dead_ns, GAVE_UP_AFTER_MS, now_ns)) {
		if (judge_host(verdict, service, memory))
			return true;
		failure_text(memory, why);
		blame(verdict,
		    memory->last.is_out_of_memory ? CONVERGE_OUT_OF_MEMORY : CONVERGE_GAVE_UP,
		    service, memory);
		give_reason(verdict, "%s %s ended and is not started again: %s",
		    service->is_job ? "job" : "service", service->name, why);
		return true;
	}
	enum converge_state shortage = shortage_of(service, tally);
	int64_t stuck_ms = is_ours(shortage) ? HOST_AFTER_MS : NO_NODE_AFTER_MS;
	if (has_passed(memory->stuck_ns, stuck_ms, now_ns)) {
		blame(verdict, shortage, service, memory);
		say_shortage(verdict, service, tally);
		return true;
	}
	if (memory->dead_ns >= 0)
		wake_at(verdict, memory->dead_ns + GAVE_UP_AFTER_MS * NS_PER_MS);
	if (memory->stuck_ns >= 0)
		wake_at(verdict, memory->stuck_ns + stuck_ms * NS_PER_MS);
	return false;
}

/* Nothing of the recipe has been started, so nothing of it is slow. */
static bool waits_for_engine(const struct view_service *service,
    const struct converge_memory *memory, const struct tally *tally)
{
	if (memory->total)
		return false;
	if (tally->stuck || tally->is_unplaced)
		return is_ours(shortage_of(service, tally));
	return tally->slow && tally->slow->state == VIEW_TASK_WAITING;
}

static void say_waiting(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory, const struct tally *tally)
{
	char why[WHY_SIZE];

	blame(verdict, CONVERGE_PENDING, service, memory);
	if (tally->slow && *tally->slow->container) {
		(void)snprintf(verdict->task, sizeof(verdict->task), "%s", tally->slow->id);
		(void)snprintf(
		    verdict->container, sizeof(verdict->container), "%s", tally->slow->container);
	}
	verdict->is_ours = waits_for_engine(service, memory, tally);
	failure_text(memory, why);
	if (tally->stuck && *tally->stuck->error)
		give_reason(verdict, "service %s: %.200s", service->name, tally->stuck->error);
	else if (update_of(service, memory) == VIEW_UPDATE_RUNNING)
		give_reason(verdict, "the update of service %s", service->name);
	else if (memory->total && memory->up_ns < 0)
		give_reason(verdict, "service %s to come up, after %zu failure%s (%s)",
		    service->name, memory->total, memory->total > 1 ? "s" : "", why);
	else if (memory->up_ns >= 0)
		give_reason(verdict, "service %s to stay up", service->name);
	else if (service->is_job && tally->running)
		give_reason(verdict, "job %s to complete", service->name);
	else if (tally->slow && tally->slow->state == VIEW_TASK_STARTING)
		give_reason(verdict, "the healthcheck of service %s", service->name);
	else if (tally->old)
		give_reason(verdict, "the old task of service %s to end", service->name);
	else
		give_reason(verdict, "service %s to start", service->name);
}

/* Of several services the first of those that weigh most is spoken of. */
enum weight {
	SETTLED,
	SETTLING, /* up, for too short a time */
	DOWN,
	RED,
};
struct judgement {
	enum weight weight;
	struct converge_verdict verdict;
};

static struct judgement judge_service(const struct converge *converge, const struct view *view,
    const struct view_service *service, int64_t now_ns)
{
	const struct converge_memory *memory = find_memory(converge, service->id);
	const struct tally tally = tally_service(converge, view, service);
	struct converge_verdict verdict = {
	    .state = CONVERGE_CONVERGED, .exit_code = -1, .wake_ns = INT64_MAX};

	if (judge_update(&verdict, service, memory) ||
	    judge_failures(&verdict, &converge->rules, service, memory, now_ns) ||
	    judge_standstill(&verdict, service, memory, &tally, now_ns))
		return (struct judgement){RED, verdict};
	bool is_over = update_of(service, memory) == VIEW_UPDATE_NONE;
	int64_t settles_ms = settle_ms(service, memory, &tally);
	if (is_over && has_passed(memory->up_ns, settles_ms, now_ns))
		return (struct judgement){SETTLED, verdict};
	say_waiting(&verdict, service, memory, &tally);
	if (memory->up_ns < 0)
		return (struct judgement){DOWN, verdict};
	wake_at(&verdict, memory->up_ns + settles_ms * NS_PER_MS);
	return (struct judgement){SETTLING, verdict};
}

static struct judgement judge_services(
    const struct converge *converge, const struct view *view, int64_t now_ns)
{
	struct judgement heaviest = {
	    SETTLED, {.state = CONVERGE_CONVERGED, .exit_code = -1, .wake_ns = INT64_MAX}};

	for (size_t i = 0; i < view->service_count; i++) {
		struct judgement judgement =
		    judge_service(converge, view, &view->services[i], now_ns);
		int64_t wake_ns = heaviest.verdict.wake_ns;

		if (judgement.weight > heaviest.weight) {
			wake_at(&judgement.verdict, wake_ns);
			heaviest = judgement;
		} else {
			wake_at(&heaviest.verdict, judgement.verdict.wake_ns);
		}
	}
	return heaviest;
}

static const char *find_absent(const struct converge *converge, const struct view *view)
{
	for (size_t i = 0; i < converge->rules.expected_count; i++) {
		if (!view_find(view, converge->rules.expected[i]))
			return converge->rules.expected[i];
	}
	return NULL;
}

struct converge_verdict converge_look(
    struct converge *converge, const struct view *view, int64_t now_ns)
{
	for (size_t i = 0; i < view->service_count; i++)
		remember(converge, view, &view->services[i], now_ns);
	struct converge_verdict verdict = judge_services(converge, view, now_ns).verdict;
	if (converge_is_red(verdict.state))
		return verdict;
	const char *absent = find_absent(converge, view);
	if (absent || !view->service_count) {
		verdict.state = CONVERGE_PENDING;
		(void)snprintf(
		    verdict.service, sizeof(verdict.service), "%s", absent ? absent : "");
		give_reason(&verdict, "service %s to be made", absent ? absent : "app");
	}
	if (verdict.state == CONVERGE_PENDING && now_ns >= converge->rules.deadline_ns) {
		verdict.state = CONVERGE_TIMED_OUT;
		return verdict;
	}
	if (verdict.state == CONVERGE_PENDING)
		wake_at(&verdict, converge->rules.deadline_ns);
	return verdict;
}
