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

/* --- reading the engine's answers --- */

static char *text_of(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key);

	return xstrdup(text ? text : "");
}

static enum converge_restart restart_of(const struct json *template)
{
	const char *word = json_text(json_path(template, "RestartPolicy.Condition"));

	if (word && text_is(word, "none"))
		return CONVERGE_NEVER;
	if (word && text_is(word, "on-failure"))
		return CONVERGE_ON_FAILURE;
	return CONVERGE_ALWAYS;
}

static enum converge_update update_of(const struct json *service)
{
	const char *word = json_text(json_path(service, "UpdateStatus.State"));

	if (!word || !*word || text_is(word, "completed"))
		return CONVERGE_NO_UPDATE;
	if (text_is(word, "paused"))
		return CONVERGE_UPDATE_PAUSED;
	if (text_starts(word, "rollback_"))
		return CONVERGE_ROLLING_BACK;
	return CONVERGE_UPDATING;
}

/* {"Test": ["NONE"]} switches the image's off; none, or one without a test, leaves it as it is. */
static void read_healthcheck(const struct json *container, struct converge_service *out)
{
	const struct json *test = json_path(container, "Healthcheck.Test");
	const char *first = json_text(json_first(test));

	out->asks_image = json_count(test) == 0;
	out->has_healthcheck = first && !text_is(first, "NONE");
}

static void read_mode(const struct json *mode, struct converge_service *out)
{
	out->replicas = 1;
	if (json_get(mode, "Global") || json_get(mode, "GlobalJob"))
		out->replicas = -1;
	else if (json_get(mode, "ReplicatedJob"))
		(void)json_get_int(
		    json_get(mode, "ReplicatedJob"), "TotalCompletions", &out->replicas);
	else
		(void)json_get_int(json_get(mode, "Replicated"), "Replicas", &out->replicas);
	out->is_job = json_get(mode, "GlobalJob") || json_get(mode, "ReplicatedJob");
}

static char *stack_label(const char *stack, const struct json *labels, const char *what)
{
	auto_str char *key = xasprintf("coop-cloud.%s.%s", stack, what);

	return text_of(labels, key);
}

static void read_service(
    const char *stack, const struct json *service, struct converge_service *out)
{
	const struct json *spec = json_get(service, "Spec");
	const struct json *template = json_get(spec, "TaskTemplate");
	const struct json *container = json_get(template, "ContainerSpec");
	const char *name = json_get_text(spec, "Name");
	size_t prefix = strlen(stack) + 1;

	out->id = text_of(service, "ID");
	out->name = xstrdup(!name ? "" : strlen(name) > prefix ? name + prefix : name);
	out->image = text_of(container, "Image");
	out->restart = restart_of(template);
	out->update = update_of(service);
	out->update_message = text_of(json_get(service, "UpdateStatus"), "Message");
	out->chaos_version = stack_label(stack, json_get(spec, "Labels"), "chaos-version");
	out->version = stack_label(stack, json_get(spec, "Labels"), "version");
	read_mode(json_get(spec, "Mode"), out);
	read_healthcheck(container, out);
}

static enum converge_task_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum converge_task_state state;
	} words[] = {
	    {"starting", CONVERGE_TASK_STARTING},
	    {"running", CONVERGE_TASK_RUNNING},
	    {"complete", CONVERGE_TASK_COMPLETE},
	    {"failed", CONVERGE_TASK_FAILED},
	    {"rejected", CONVERGE_TASK_REJECTED},
	    {"shutdown", CONVERGE_TASK_GONE},
	    {"remove", CONVERGE_TASK_GONE},
	    {"orphaned", CONVERGE_TASK_GONE},
	};

	for (size_t i = 0; word && i < COUNT_OF(words); i++) {
		if (text_is(word, words[i].word))
			return words[i].state;
	}
	return CONVERGE_TASK_WAITING;
}

static bool is_same(const struct json *a, const struct json *b, const char *ignored_key);

static bool has_members_of(const struct json *a, const struct json *b, const char *ignored_key)
{
	for (const struct json *member = json_first(a); member; member = json_next(member)) {
		const char *key = json_key(member);

		if (ignored_key && text_is(key, ignored_key))
			continue;
		const struct json *other = json_get(b, key);
		if (!other || !is_same(member, other, NULL))
			return false;
	}
	return true;
}

static bool is_same_array(const struct json *a, const struct json *b)
{
	const struct json *left = json_first(a);
	const struct json *right = json_first(b);

	for (; left && right; left = json_next(left), right = json_next(right)) {
		if (!is_same(left, right, NULL))
			return false;
	}
	return !left && !right;
}

static bool is_same(const struct json *a, const struct json *b, const char *ignored_key)
{
	if (!a || !b)
		return false;
	if (json_is_object(a) && json_is_object(b))
		return has_members_of(a, b, ignored_key) && has_members_of(b, a, ignored_key);
	if (json_is_array(a) && json_is_array(b))
		return is_same_array(a, b);
	auto_str char *left = json_print(a);
	auto_str char *right = json_print(b);
	return text_is(left, right);
}

static void read_task(
    const struct json *task, const struct json *services, struct converge_task *out)
{
	const struct json *status = json_get(task, "Status");
	const struct json *container = json_get(status, "ContainerStatus");
	const char *desired = json_get_text(task, "DesiredState");
	int64_t exit_code = 0;

	out->id = text_of(task, "ID");
	out->service_id = text_of(task, "ServiceID");
	out->container = text_of(container, "ContainerID");
	out->node = text_of(task, "NodeID");
	out->error = text_of(status, "Err");
	out->state = state_of(json_get_text(status, "State"));
	out->is_wanted = desired && (text_is(desired, "running") || text_is(desired, "ready") ||
					text_is(desired, "complete"));
	(void)json_get_int(task, "Slot", &out->slot);
	if (json_get_int(container, "ExitCode", &exit_code))
		out->exit_code = (int)exit_code;
	for (const struct json *service = json_first(services); service;
	     service = json_next(service)) {
		const char *id = json_get_text(service, "ID");

		if (id && text_is(id, out->service_id))
			out->is_current = is_same(json_path(service, "Spec.TaskTemplate"),
			    json_get(task, "Spec"), "Runtime");
	}
}

static int compare_services(const void *a, const void *b)
{
	const struct converge_service *left = a;
	const struct converge_service *right = b;

	return strcmp(left->name, right->name);
}

static int compare_tasks(const void *a, const void *b)
{
	const struct converge_task *left = a;
	const struct converge_task *right = b;

	return strcmp(left->id, right->id);
}

int converge_view_read(const char *stack, const struct json *services, const struct json *tasks,
    struct converge_view *out, struct err *err)
{
	AUTO(converge_view) view = {0};

	if (!json_is_array(services) || !json_is_array(tasks))
		return err_set(
		    err, ERR_PROTOCOL, "engine: the services or tasks of %s are no list", stack);
	view.services = xcalloc(json_count(services) + 1, sizeof(*view.services));
	view.tasks = xcalloc(json_count(tasks) + 1, sizeof(*view.tasks));
	for (const struct json *item = json_first(services); item; item = json_next(item))
		read_service(stack, item, &view.services[view.service_count++]);
	for (const struct json *item = json_first(tasks); item; item = json_next(item))
		read_task(item, services, &view.tasks[view.task_count++]);
	qsort(view.services, view.service_count, sizeof(*view.services), compare_services);
	qsort(view.tasks, view.task_count, sizeof(*view.tasks), compare_tasks);
	*out = view;
	view = (struct converge_view){0};
	return 0;
}

void converge_view_release(struct converge_view *view)
{
	for (size_t i = 0; i < view->service_count; i++) {
		free(view->services[i].id);
		free(view->services[i].name);
		free(view->services[i].image);
		free(view->services[i].update_message);
		free(view->services[i].chaos_version);
		free(view->services[i].version);
	}
	for (size_t i = 0; i < view->task_count; i++) {
		free(view->tasks[i].id);
		free(view->tasks[i].service_id);
		free(view->tasks[i].container);
		free(view->tasks[i].node);
		free(view->tasks[i].error);
	}
	free(view->services);
	free(view->tasks);
	*view = (struct converge_view){0};
}

const struct converge_service *converge_view_find(
    const struct converge_view *view, const char *name)
{
	for (size_t i = 0; i < view->service_count; i++) {
		if (text_is(view->services[i].name, name))
			return &view->services[i];
	}
	return NULL;
}

/* --- memory --- */

struct converge_memory {
	char *id;
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
	int64_t dead_ns;	  /* nothing runs or will */
	int64_t unschedulable_ns; /* no node takes a task */
	uint64_t up_tasks;	  /* which ones, as one number */
};

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

void converge_begin(struct converge *converge, const struct converge_rules *rules,
    const struct converge_view *before)
{
	*converge = (struct converge){.rules = *rules};
	for (size_t i = 0; before && i < before->task_count; i++)
		make_known(converge, before->tasks[i].id);
}

void converge_release(struct converge *converge)
{
	for (size_t i = 0; i < converge->known_task_count; i++)
		free(converge->known_tasks[i]);
	for (size_t i = 0; i < converge->service_count; i++)
		free(converge->services[i].id);
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

static struct converge_memory *memory_of(struct converge *converge, const char *id)
{
	for (size_t i = 0; i < converge->service_count; i++) {
		if (text_is(converge->services[i].id, id))
			return &converge->services[i];
	}
	converge->services = xrealloc_array(
	    converge->services, converge->service_count + 1, sizeof(*converge->services));
	struct converge_memory *memory = &converge->services[converge->service_count++];
	*memory = (struct converge_memory){
	    .id = xstrdup(id), .up_ns = -1, .dead_ns = -1, .unschedulable_ns = -1};
	return memory;
}

/* An end that nobody asked for. "complete" is one for a service that is to run for ever. */
static bool is_failure(const struct converge_service *service, const struct converge_task *task)
{
	if (task->state == CONVERGE_TASK_COMPLETE)
		return service->restart == CONVERGE_ALWAYS && !service->is_job;
	return task->state == CONVERGE_TASK_FAILED || task->state == CONVERGE_TASK_REJECTED;
}

static bool is_done(const struct converge_service *service, const struct converge_task *task)
{
	return task->state == CONVERGE_TASK_COMPLETE && task->is_current &&
	       !is_failure(service, task);
}

static void remember_failure(
    struct converge_memory *memory, const struct converge_task *task, int64_t now_ns)
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
	memory->last.is_rejected = task->state == CONVERGE_TASK_REJECTED;
	memory->last.is_complete = task->state == CONVERGE_TASK_COMPLETE;
	memory->last.is_out_of_memory = task->was_out_of_memory;
}

/* --- one service, now --- */

struct tally {
	size_t running;	 /* wanted, current */
	size_t starting; /* wanted, not running yet */
	size_t old;	 /* runs with an older spec */
	size_t done;
	size_t live;			   /* wanted, and not ended */
	const struct converge_task *stuck; /* no node takes it */
	const struct converge_task *slow;  /* one that starts */
	uint64_t tasks;			   /* the running ones, as one number */
};

static uint64_t mix(uint64_t sum, const char *text)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211U;
	return sum + hash;
}

static void tally_task(
    struct tally *tally, const struct converge_service *service, const struct converge_task *task)
{
	bool is_up = task->state == CONVERGE_TASK_RUNNING;
	bool has_begun = is_up || task->state == CONVERGE_TASK_STARTING;

	tally->done += is_done(service, task);
	if (has_begun && !task->is_current)
		tally->old++;
	if (!task->is_wanted || (!has_begun && task->state != CONVERGE_TASK_WAITING))
		return;
	tally->live++;
	if (is_up && task->is_current) {
		tally->running++;
		tally->tasks = mix(tally->tasks, task->id);
		return;
	}
	tally->starting++;
	if (strstr(task->error, "no suitable node"))
		tally->stuck = task;
	else if (!tally->slow || *task->container)
		tally->slow = task;
}

static struct tally tally_service(
    const struct converge_view *view, const struct converge_service *service)
{
	struct tally tally = {0};

	for (size_t i = 0; i < view->task_count; i++) {
		if (text_is(view->tasks[i].service_id, service->id))
			tally_task(&tally, service, &view->tasks[i]);
	}
	return tally;
}

static bool is_up(const struct converge_service *service, const struct tally *tally)
{
	if (service->replicas == 0)
		return tally->live == 0;
	if (tally->old || tally->starting)
		return false;
	if (service->replicas < 0)
		return tally->running + tally->done > 0;
	return tally->running + tally->done >= (size_t)service->replicas;
}

static void keep_since(int64_t *since_ns, bool is_so, int64_t now_ns)
{
	if (!is_so)
		*since_ns = -1;
	else if (*since_ns < 0)
		*since_ns = now_ns;
}

static void remember(struct converge *converge, const struct converge_view *view,
    const struct converge_service *service, int64_t now_ns)
{
	struct converge_memory *memory = memory_of(converge, service->id);
	struct tally tally = tally_service(view, service);

	for (size_t i = 0; i < view->task_count; i++) {
		const struct converge_task *task = &view->tasks[i];

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
	    service->replicas != 0 && memory->total && !tally.live && !is_up(service, &tally),
	    now_ns);
	int64_t health_ms = service->has_healthcheck ? HEALTHY_SECOND_MS : RUNNING_SECOND_MS;
	if (memory->up_ns >= 0 && now_ns - memory->up_ns >= health_ms * NS_PER_MS)
		memory->recent_count = 0;
}

static int64_t settle_ms(
    const struct converge_service *service, const struct converge_memory *memory)
{
	if (service->replicas == 0)
		return 0;
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
    const struct converge_service *service, const struct converge_memory *memory)
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
static void say(struct converge_verdict *verdict, const char *format, ...)
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

static size_t count_recent(
    const struct converge_memory *memory, const struct converge_rules *rules, int64_t now_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < memory->recent_count; i++)
		count += now_ns - memory->recent_ns[i] <= rules->crash_within_ms * NS_PER_MS;
	return count;
}

static bool judge_failures(struct converge_verdict *verdict, const struct converge_rules *rules,
    const struct converge_service *service, const struct converge_memory *memory, int64_t now_ns)
{
	size_t count = count_recent(memory, rules, now_ns);
	char why[200];

	failure_text(memory, why);
	if (memory->missing_image >= MISSING_IMAGE_REJECTIONS) {
		blame(verdict, CONVERGE_IMAGE_MISSING, service, memory);
		say(verdict, "service %s: image %.120s is missing on the node", service->name,
		    service->image);
		return true;
	}
	if (count >= (size_t)rules->crash_failures && memory->last.is_out_of_memory) {
		blame(verdict, CONVERGE_OUT_OF_MEMORY, service, memory);
		say(verdict, "service %s ran out of memory %zu times (limit of its container)",
		    service->name, memory->total);
		return true;
	}
	if (count >= (size_t)rules->crash_failures) {
		blame(verdict, CONVERGE_CRASH_LOOPING, service, memory);
		say(verdict, "service %s %s %zu times within %lld s: %s", service->name,
		    memory->last.is_rejected ? "was rejected" : "ended", count,
		    (long long)((now_ns - memory->recent_ns[memory->recent_count - count]) /
				    NS_PER_S +
				1),
		    why);
		return true;
	}
	return false;
}

static bool judge_update(struct converge_verdict *verdict, const struct converge_service *service,
    const struct converge_memory *memory)
{
	char why[200];

	if (service->update != CONVERGE_UPDATE_PAUSED && service->update != CONVERGE_ROLLING_BACK)
		return false;
	bool is_paused = service->update == CONVERGE_UPDATE_PAUSED;
	blame(verdict, is_paused ? CONVERGE_PAUSED : CONVERGE_ROLLED_BACK, service, memory);
	if (memory->total)
		failure_text(memory, why);
	else
		(void)snprintf(why, sizeof(why), "%.150s", service->update_message);
	say(verdict, "the update of service %s was %s: %s", service->name,
	    is_paused ? "paused by Swarm" : "rolled back to the old version", why);
	return true;
}

static bool has_passed(int64_t since_ns, int64_t after_ms, int64_t now_ns)
{
	return since_ns >= 0 && now_ns - since_ns >= after_ms * NS_PER_MS;
}

static bool judge_standstill(struct converge_verdict *verdict,
    const struct converge_service *service, const struct converge_memory *memory,
    const struct tally *tally, int64_t now_ns)
{
	char why[200];

	if (has_passed(memory->dead_ns, GAVE_UP_AFTER_MS, now_ns)) {
		failure_text(memory, why);
		blame(verdict, CONVERGE_GAVE_UP, service, memory);
		say(verdict, "service %s ended and is not started again: %s", service->name, why);
		return true;
	}
	if (tally->stuck && has_passed(memory->unschedulable_ns, UNSCHEDULABLE_AFTER_MS, now_ns)) {
		bool has_no_room = strstr(tally->stuck->error, "insufficient resources") ||
				   strstr(tally->stuck->error, "already in use");

		blame(verdict, has_no_room ? CONVERGE_NO_ROOM : CONVERGE_UNSCHEDULABLE, service,
		    memory);
		say(verdict, "service %s: %.200s", service->name, tally->stuck->error);
		return true;
	}
	if (memory->dead_ns >= 0)
		wake_at(verdict, memory->dead_ns + GAVE_UP_AFTER_MS * NS_PER_MS);
	if (memory->unschedulable_ns >= 0)
		wake_at(verdict, memory->unschedulable_ns + UNSCHEDULABLE_AFTER_MS * NS_PER_MS);
	return false;
}

static void say_waiting(struct converge_verdict *verdict, const struct converge_service *service,
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
		say(verdict, "service %s: %.200s", service->name, tally->stuck->error);
	else if (service->update == CONVERGE_UPDATING)
		say(verdict, "the update of service %s", service->name);
	else if (memory->total && memory->up_ns < 0)
		say(verdict, "service %s to come up, after %zu failure%s (%s)", service->name,
		    memory->total, memory->total > 1 ? "s" : "", why);
	else if (memory->up_ns >= 0)
		say(verdict, "service %s to stay up", service->name);
	else if (tally->slow && tally->slow->state == CONVERGE_TASK_STARTING)
		say(verdict, "the healthcheck of service %s", service->name);
	else if (tally->old)
		say(verdict, "the old task of service %s to end", service->name);
	else
		say(verdict, "service %s to start", service->name);
}

/*
 * True: nothing more is to be said than what verdict says now. Of several that are waited for, the
 * first that is not up says most: is_down is set once it has.
 */
static bool judge_service(struct converge_verdict *verdict, struct converge *converge,
    const struct converge_service *service, int64_t now_ns, const struct tally *tally,
    bool *is_down)
{
	const struct converge_memory *memory = memory_of(converge, service->id);

	if (judge_update(verdict, service, memory) ||
	    judge_failures(verdict, &converge->rules, service, memory, now_ns) ||
	    judge_standstill(verdict, service, memory, tally, now_ns))
		return true;
	bool is_over = service->update == CONVERGE_NO_UPDATE;
	int64_t settles_ms = settle_ms(service, memory);
	if (is_over && has_passed(memory->up_ns, settles_ms, now_ns))
		return false;
	if (memory->up_ns >= 0)
		wake_at(verdict, memory->up_ns + settles_ms * NS_PER_MS);
	if (verdict->state == CONVERGE_CONVERGED || (memory->up_ns < 0 && !*is_down))
		say_waiting(verdict, service, memory, tally);
	*is_down = *is_down || memory->up_ns < 0;
	return false;
}

static const char *find_absent(const struct converge *converge, const struct converge_view *view)
{
	for (size_t i = 0; i < converge->rules.expected_count; i++) {
		if (!converge_view_find(view, converge->rules.expected[i]))
			return converge->rules.expected[i];
	}
	return NULL;
}

struct converge_verdict converge_look(
    struct converge *converge, const struct converge_view *view, int64_t now_ns)
{
	struct converge_verdict verdict = {
	    .state = CONVERGE_CONVERGED, .exit_code = -1, .wake_ns = INT64_MAX};
	bool is_decided = false;
	bool is_down = false;

	for (size_t i = 0; i < view->service_count; i++)
		remember(converge, view, &view->services[i], now_ns);
	for (size_t i = 0; i < view->service_count && !is_decided; i++) {
		const struct converge_service *service = &view->services[i];
		struct tally tally = tally_service(view, service);

		is_decided = judge_service(&verdict, converge, service, now_ns, &tally, &is_down);
	}
	if (is_decided)
		return verdict;
	const char *absent = find_absent(converge, view);
	if (absent || !view->service_count) {
		verdict.state = CONVERGE_PENDING;
		(void)snprintf(
		    verdict.service, sizeof(verdict.service), "%s", absent ? absent : "");
		say(&verdict, "service %s to be made", absent ? absent : "app");
	}
	if (verdict.state == CONVERGE_PENDING && now_ns >= converge->rules.deadline_ns) {
		verdict.state = CONVERGE_TIMED_OUT;
		return verdict;
	}
	if (verdict.state == CONVERGE_PENDING)
		wake_at(&verdict, converge->rules.deadline_ns);
	return verdict;
}
