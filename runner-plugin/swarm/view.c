/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/view.h"

static char *text_of(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key);

	return xstrdup(text ? text : "");
}

static enum view_restart restart_of(const struct json *template)
{
	const char *word = json_text(json_path(template, "RestartPolicy.Condition"));

	if (word && text_is(word, "none"))
		return VIEW_RESTART_NEVER;
	if (word && text_is(word, "on-failure"))
		return VIEW_RESTART_ON_FAILURE;
	return VIEW_RESTART_ALWAYS;
}

static enum view_update read_update(const struct json *service)
{
	const char *word = json_text(json_path(service, "UpdateStatus.State"));

	if (!word || !*word || text_is(word, "completed"))
		return VIEW_UPDATE_NONE;
	if (text_is(word, "paused"))
		return VIEW_UPDATE_PAUSED;
	if (text_starts(word, "rollback_"))
		return VIEW_UPDATE_ROLLED_BACK;
	return VIEW_UPDATE_RUNNING;
}

/* {"Test": ["NONE"]} switches the image's off; none, or one without a test, leaves it as it is. */
static void read_healthcheck(const struct json *container, struct view_service *out)
{
	const struct json *test = json_path(container, "Healthcheck.Test");
	const char *first = json_text(json_first(test));

	out->asks_image = json_count(test) == 0;
	out->has_healthcheck = first && !text_is(first, "NONE");
}

static void read_mode(const struct json *mode, struct view_service *out)
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

/* What spell makes of each item, with commas between. */
static char *join(const struct json *list, char *(*spell)(const struct json *item))
{
	char *text = xstrdup("");

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		auto_str char *before = text;
		auto_str char *word = spell(item);

		text = xasprintf("%s%s%s", before, *before ? ", " : "", word);
	}
	return text;
}

static char *spell_text(const struct json *item)
{
	const char *text = json_text(item);

	return xstrdup(text ? text : "");
}

static char *spell_platform(const struct json *item)
{
	const char *kernel = json_get_text(item, "OS");
	const char *machine = json_get_text(item, "Architecture");

	return xasprintf("%s/%s", kernel ? kernel : "", machine ? machine : "");
}

static void read_placement(const struct json *template, struct view_service *out)
{
	const struct json *placement = json_get(template, "Placement");
	const struct json *reserved = json_path(template, "Resources.Reservations");

	out->constraints = join(json_get(placement, "Constraints"), spell_text);
	out->platforms = join(json_get(placement, "Platforms"), spell_platform);
	(void)json_get_int(placement, "MaxReplicas", &out->max_per_node);
	(void)json_get_int(reserved, "MemoryBytes", &out->reserved_bytes);
	(void)json_get_int(reserved, "NanoCPUs", &out->reserved_nano_cores);
	(void)json_int(json_path(template, "Resources.Limits.MemoryBytes"), &out->limit_bytes);
}

static void read_ports(const struct json *list, struct view_service *out)
{
	out->ports = xcalloc(json_count(list) + 1, sizeof(*out->ports));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *mode = json_get_text(item, "PublishMode");
		struct view_port port = {0};

		if (!mode || !text_is(mode, "host") ||
		    !json_get_int(item, "PublishedPort", &port.number))
			continue;
		port.protocol = text_of(item, "Protocol");
		out->ports[out->port_count++] = port;
	}
}

static void read_service(const char *stack, const struct json *service, struct view_service *out)
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
	(void)json_get_int(json_get(template, "RestartPolicy"), "MaxAttempts", &out->max_attempts);
	out->update = read_update(service);
	out->update_started = text_of(json_get(service, "UpdateStatus"), "StartedAt");
	out->update_message = text_of(json_get(service, "UpdateStatus"), "Message");
	out->chaos_version = stack_label(stack, json_get(spec, "Labels"), "chaos-version");
	out->version = stack_label(stack, json_get(spec, "Labels"), "version");
	const char *order = json_text(json_path(spec, "UpdateConfig.Order"));
	out->starts_first = order && text_is(order, "start-first");
	out->port_holder = xstrdup("");
	read_placement(template, out);
	read_ports(json_path(spec, "EndpointSpec.Ports"), out);
	read_mode(json_get(spec, "Mode"), out);
	read_healthcheck(container, out);
}

static enum view_task_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum view_task_state state;
	} words[] = {
	    {"new", VIEW_TASK_NEW},
	    {"pending", VIEW_TASK_PENDING},
	    {"starting", VIEW_TASK_STARTING},
	    {"running", VIEW_TASK_RUNNING},
	    {"complete", VIEW_TASK_COMPLETE},
	    {"failed", VIEW_TASK_FAILED},
	    {"rejected", VIEW_TASK_REJECTED},
	    {"shutdown", VIEW_TASK_GONE},
	    {"remove", VIEW_TASK_GONE},
	    {"orphaned", VIEW_TASK_GONE},
	};

	for (size_t i = 0; word && i < COUNT_OF(words); i++) {
		if (text_is(word, words[i].word))
			return words[i].state;
	}
	return VIEW_TASK_WAITING;
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

/* What is no job has no iteration, and the first of a job is not written. */
static int64_t iteration_of(const struct json *holder)
{
	int64_t index = 0;

	(void)json_get_int(json_get(holder, "JobIteration"), "Index", &index);
	return index;
}

static void read_task(const struct json *task, const struct json *services, struct view_task *out)
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
	out->is_unhealthy = strstr(out->error, "unhealthy container") != NULL;
	out->check.test = xstrdup("");
	out->check.output = xstrdup("");
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
			out->is_current =
			    is_same(json_path(service, "Spec.TaskTemplate"), json_get(task, "Spec"),
				"Runtime") &&
			    iteration_of(json_get(service, "JobStatus")) == iteration_of(task);
	}
}

static int compare_services(const void *a, const void *b)
{
	const struct view_service *left = a;
	const struct view_service *right = b;

	return strcmp(left->name, right->name);
}

static int compare_tasks(const void *a, const void *b)
{
	const struct view_task *left = a;
	const struct view_task *right = b;

	return strcmp(left->id, right->id);
}

int view_read(const char *stack, const struct json *services, const struct json *tasks,
    struct view *out, struct err *err)
{
	AUTO(view) view = {0};

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
	view = (struct view){0};
	return 0;
}

/* Blanks for what would break the line or hide, and for none more than one. */
static char *one_line(const char *text)
{
	char *line = xcalloc(strlen(text) + 1, 1);
	size_t length = 0;

	for (; *text; text++) {
		bool is_blank = (unsigned char)*text <= ' ' || *text == 0x7f;

		if (!is_blank)
			line[length++] = *text;
		else if (length && line[length - 1] != ' ')
			line[length++] = ' ';
	}
	while (length && line[length - 1] == ' ')
		line[--length] = '\0';
	return line;
}

static void set_text(char **text, char *take_value)
{
	free(*text);
	*text = take_value;
}

/* Of ["CMD-SHELL", "curl ..."] and ["CMD", "curl", "-f"] what stands behind the first. */
static char *check_test(const struct json *test)
{
	char *text = xstrdup("");

	for (const struct json *word = json_next(json_first(test)); word; word = json_next(word)) {
		auto_str char *before = text;
		auto_str char *next = spell_text(word);

		text = xasprintf("%s%s%s", before, *before ? " " : "", next);
	}
	auto_str char *raw = text;
	return one_line(raw);
}

void view_task_read_container(struct view_task *task, const struct json *container)
{
	const struct json *state = json_get(container, "State");
	const struct json *health = json_get(state, "Health");
	const char *word = json_get_text(health, "Status");
	bool runs = false;

	(void)json_get_bool(state, "OOMKilled", &task->was_out_of_memory);
	(void)json_get_bool(state, "Running", &runs);
	/* Whatever has ended is called unhealthy; there only its task tells who ended it. */
	if (runs && word && text_is(word, "unhealthy"))
		task->is_unhealthy = true;
	if (!task->is_unhealthy)
		return;
	set_text(&task->check.test, check_test(json_path(container, "Config.Healthcheck.Test")));
	for (const struct json *entry = json_first(json_get(health, "Log")); entry;
	     entry = json_next(entry)) {
		const char *output = json_get_text(entry, "Output");
		int64_t code = 0;

		if (!json_get_int(entry, "ExitCode", &code) || code == 0)
			continue;
		task->check.exit_code = code;
		set_text(&task->check.output, one_line(output ? output : ""));
	}
}

static void release_service(struct view_service *service)
{
	for (size_t i = 0; i < service->port_count; i++)
		free(service->ports[i].protocol);
	free(service->id);
	free(service->name);
	free(service->image);
	free(service->constraints);
	free(service->platforms);
	free(service->ports);
	free(service->port_holder);
	free(service->update_started);
	free(service->update_message);
	free(service->chaos_version);
	free(service->version);
}

void view_release(struct view *view)
{
	for (size_t i = 0; i < view->service_count; i++)
		release_service(&view->services[i]);
	for (size_t i = 0; i < view->task_count; i++) {
		free(view->tasks[i].id);
		free(view->tasks[i].service_id);
		free(view->tasks[i].container);
		free(view->tasks[i].node);
		free(view->tasks[i].error);
		free(view->tasks[i].check.test);
		free(view->tasks[i].check.output);
	}
	free(view->services);
	free(view->tasks);
	*view = (struct view){0};
}

const struct view_service *view_find(const struct view *view, const char *name)
{
	for (size_t i = 0; i < view->service_count; i++) {
		if (text_is(view->services[i].name, name))
			return &view->services[i];
	}
	return NULL;
}

static size_t count_running(const struct view *view, const struct view_service *service)
{
	size_t running = 0;

	for (size_t i = 0; i < view->task_count; i++) {
		const struct view_task *task = &view->tasks[i];

		if (text_is(task->service_id, service->id) && task->is_wanted && task->is_current &&
		    task->state == VIEW_TASK_RUNNING)
			running++;
	}
	return running;
}

bool view_is_running(const struct view *view)
{
	for (size_t i = 0; i < view->service_count; i++) {
		const struct view_service *service = &view->services[i];
		size_t wanted = service->replicas < 0 ? 1 : (size_t)service->replicas;

		if (!service->is_job && count_running(view, service) < wanted)
			return false;
	}
	return view->service_count > 0;
}
