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
#define UNSCHEDULABLE_AFTER_MS 20000 /* a node may still be giving up what the last task had */
#define MISSING_IMAGE_REJECTIONS 2
#define REMEMBERED_FAILURES 16

/* --- memory --- */

struct converge_memory {
	char *id;
	char *earlier_update; /* when one began that is not of this deploy; NULL */
	int64_t recent_ns[REMEMBERED_FAILURES]; /* since the last healthy second */
	size_t recent_count;
	size_t total;
	size_t missing_image; /* rejections for it */
	struct {
		char task[64];
		char container[80];
		char error[160];
		int exit_code;
		bool is_rejected, is_complete, is_out_of_memory;
	} last;
	/* -1: not so now */
	int64_t up_ns;		  /* every wanted task runs */
	int64_t dead_ns;	  /* a task has failed and none takes its place */
	int64_t unschedulable_ns; /* no node takes a task */
	uint64_t up_tasks;	  /* which ones, as one number */
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
	*memory = (struct converge_memory){
	    .id = xstrdup(id), .up_ns = -1, .dead_ns = -1, .unschedulable_ns = -1};
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

/* An end that nobody asked for. "complete" is one for a service that is to run for ever. */
static bool is_failure(const struct view_service *service, const struct view_task *task)
{
	if (task->state == VIEW_TASK_COMPLETE)
		return service->restart == VIEW_RESTART_ALWAYS && !service->is_job;
	return task->state == VIEW_TASK_FAILED || task->state == VIEW_TASK_REJECTED;
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

static void remember_failure(
    struct converge_memory *memory, const struct view_task *task, int64_t now_ns)
{
	if (memory->recent_count == REMEMBERED_FAILURES) {
		memmove(memory->recent_ns, memory->recent_ns + 1,
		    sizeof(memory->recent_ns) - sizeof(memory->recent_ns[0]));
		memory->recent_count--;
	}
	memory->recent_ns[memory->recent_count++] = now_ns;
	memory->total++;
	if (strstr(task->error, "No such image"))
		memory->missing_image++;
	(void)snprintf(memory->last.task, sizeof(memory->last.task), "%s", task->id);
	(void)snprintf(
	    memory->last.container, sizeof(memory->last.container), "%s", task->container);
	(void)snprintf(memory->last.error, sizeof(memory->last.error), "%s", task->error);
	memory->last.exit_code = task->exit_code;
	memory->last.is_rejected = task->state == VIEW_TASK_REJECTED;
	memory->last.is_complete = task->state == VIEW_TASK_COMPLETE;
	memory->last.is_out_of_memory = task->was_out_of_memory;
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
	const struct view_task *slow;  /* one that starts, or a job's that runs */
	uint64_t tasks;		       /* the running ones, as one number */
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
	bool has_begun = is_up || task->state == VIEW_TASK_STARTING;

	tally->done += is_done(service, task);
	if (has_begun && !task->is_current)
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
	if (strstr(task->error, "no suitable node"))
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
		remember_failure(memory, task, now_ns);
	}
	/* Another task in its place between two looks: it was not up all the time. */
	if (memory->up_tasks != tally.tasks)
		memory->up_ns = -1;
	memory->up_tasks = tally.tasks;
	keep_since(&memory->up_ns, is_up(service, &tally), now_ns);
	keep_since(&memory->unschedulable_ns, tally.stuck != NULL, now_ns);
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

/* "exit code 1", "its healthcheck fails", what Swarm said. */
static void failure_text(const struct converge_memory *memory, char out[200])
{
	if (memory->last.is_rejected)
		(void)snprintf(out, 200, "%.150s", memory->last.error);
	else if (strstr(memory->last.error, "unhealthy container"))
		(void)snprintf(out, 200, "its healthcheck fails");
	else if (memory->last.is_complete)
		(void)snprintf(out, 200, "exit code 0, but it is to run for ever");
	else if (memory->last.exit_code == 0 && *memory->last.error)
		(void)snprintf(out, 200, "%.150s", memory->last.error);
	else
		(void)snprintf(out, 200, "exit code %d", memory->last.exit_code);
}

static void blame(struct converge_verdict *verdict, enum converge_state state,
    const struct view_service *service, const struct converge_memory *memory)
{
	verdict->state = state;
	(void)snprintf(verdict->service, sizeof(verdict->service), "%s", service->name);
	(void)snprintf(verdict->task, sizeof(verdict->task), "%s", memory->last.task);
	(void)snprintf(
	    verdict->container, sizeof(verdict->container), "%s", memory->last.container);
	bool has_code = memory->total && !memory->last.is_rejected && !memory->last.is_complete;
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

static bool judge_failures(struct converge_verdict *verdict, const struct converge_rules *rules,
    const struct view_service *service, const struct converge_memory *memory, int64_t now_ns)
{
	size_t count = count_recent(memory, rules, now_ns);
	bool is_loop = count >= (size_t)rules->crash_failures && !ends_by_itself(service);
	char why[200];

	failure_text(memory, why);
	if (memory->missing_image >= MISSING_IMAGE_REJECTIONS) {
		blame(verdict, CONVERGE_IMAGE_MISSING, service, memory);
		give_reason(verdict, "service %s: image %.120s is missing on the node",
		    service->name, service->image);
		return true;
	}
	if (is_loop && memory->last.is_out_of_memory) {
		blame(verdict, CONVERGE_OUT_OF_MEMORY, service, memory);
		give_reason(verdict,
		    "service %s ran out of memory %zu times (limit of its container)",
		    service->name, memory->total);
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
	char why[200];

	enum view_update update = update_of(service, memory);

	if (update != VIEW_UPDATE_PAUSED && update != VIEW_UPDATE_ROLLED_BACK)
		return false;
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

static bool judge_standstill(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory, const struct tally *tally, int64_t now_ns)
{
	char why[200];

	if (has_passed(memory->dead_ns, GAVE_UP_AFTER_MS, now_ns)) {
		failure_text(memory, why);
		blame(verdict, CONVERGE_GAVE_UP, service, memory);
		give_reason(verdict, "%s %s ended and is not started again: %s",
		    service->is_job ? "job" : "service", service->name, why);
		return true;
	}
	if (tally->stuck && has_passed(memory->unschedulable_ns, UNSCHEDULABLE_AFTER_MS, now_ns)) {
		bool has_no_room = strstr(tally->stuck->error, "insufficient resources") ||
				   strstr(tally->stuck->error, "already in use");

		blame(verdict, has_no_room ? CONVERGE_NO_ROOM : CONVERGE_UNSCHEDULABLE, service,
		    memory);
		give_reason(verdict, "service %s: %.200s", service->name, tally->stuck->error);
		return true;
	}
	if (memory->dead_ns >= 0)
		wake_at(verdict, memory->dead_ns + GAVE_UP_AFTER_MS * NS_PER_MS);
	if (memory->unschedulable_ns >= 0)
		wake_at(verdict, memory->unschedulable_ns + UNSCHEDULABLE_AFTER_MS * NS_PER_MS);
	return false;
}

static void say_waiting(struct converge_verdict *verdict, const struct view_service *service,
    const struct converge_memory *memory, const struct tally *tally)
{
	char why[200];

	blame(verdict, CONVERGE_PENDING, service, memory);
	if (tally->slow && *tally->slow->container) {
		(void)snprintf(verdict->task, sizeof(verdict->task), "%s", tally->slow->id);
		(void)snprintf(
		    verdict->container, sizeof(verdict->container), "%s", tally->slow->container);
	}
	failure_text(memory, why);
	if (tally->stuck)
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
