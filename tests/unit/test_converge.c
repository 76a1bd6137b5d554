/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stacks coming up, or not, as sequences of looks. A look is written as lines:
 *
 *   "S web 1 h"        service web, 1 replica (-1: global), letters: h healthcheck, f restart on
 *                      failure, n never, m after two attempts no more, j a job by mode, u updating,
 *                      p paused, r rolling back, e which began before this deploy, - none
 *     port=80          further words of it: a port of the host, or two, port=53/udp, labels (it
 *                      asks a node for some), max=1 (per node), GiB=9, cores=9 (reserved),
 *                      start-first
 *     = host port ...  who holds its port
 *
 *   "T web a run"      task a of it: new pend wait start run done fail<code> rej gone
 *     old              further words of it: of an older spec, unwanted, oom, nobox (it has no
 *                      container), @2 (slot 2, or on node 2)
 *     = ...            what Swarm says; of a sick one "its check|exit code|what it said"
 */
#include "harness.h"

#include "common/clock.h"
#include "runner-plugin/swarm/converge.h"

#define LOOKS_MAX 12
#define PORTS_MAX 2

struct look {
	int64_t at_ms;
	const char *text;
	enum converge_state state;
	const char *says; /* part of the reason, its end with a $; NULL: not looked at */
	int64_t wake_ms;  /* 0: not looked at */
};

static int64_t number_after(const char *line, const char *word)
{
	const char *found = strstr(line, word);

	return found ? strtol(found + strlen(word), NULL, 10) : 0;
}

/* "port=80", "port=53/udp" */
static void read_ports(const char *line, struct view_service *service)
{
	service->ports = xcalloc(PORTS_MAX, sizeof(struct view_port));
	for (const char *at = strstr(line, " port="); at; at = strstr(at, " port=")) {
		char *end = NULL;
		int64_t number = strtol(at + strlen(" port="), &end, 10);

		ck_assert_uint_lt(service->port_count, PORTS_MAX);
		service->ports[service->port_count++] =
		    (struct view_port){xstrdup(text_starts(end, "/udp") ? "udp" : "tcp"), number};
		at = end;
	}
}

static void read_service_line(const char *line, struct view *view)
{
	char name[32] = "";
	char letters[16] = "";
	const char *holder = strstr(line, "= ");
	long long replicas = 0;
	struct view_service *service = &view->services[view->service_count++];

	ck_assert_msg(sscanf(line, "S %31s %lld %15s", name, &replicas, letters) >= 2, "%s", line);
	*service = (struct view_service){
	    .id = xasprintf("id-%s", name),
	    .name = xstrdup(name),
	    .image = xasprintf("image/%s:1", name),
	    .replicas = replicas,
	    .restart = strchr(letters, 'f')   ? VIEW_RESTART_ON_FAILURE
		       : strchr(letters, 'n') ? VIEW_RESTART_NEVER
					      : VIEW_RESTART_ALWAYS,
	    .max_attempts = strchr(letters, 'm') ? 2 : 0,
	    .has_healthcheck = strchr(letters, 'h') != NULL,
	    .is_job = strchr(letters, 'j') != NULL,
	    .update = strchr(letters, 'u')   ? VIEW_UPDATE_RUNNING
		      : strchr(letters, 'p') ? VIEW_UPDATE_PAUSED
		      : strchr(letters, 'r') ? VIEW_UPDATE_ROLLED_BACK
					     : VIEW_UPDATE_NONE,
	    .constraints = xstrdup(strstr(line, " labels") ? "node.labels.gpu == true" : ""),
	    .platforms = xstrdup("linux/arm64"),
	    .max_per_node = number_after(line, " max="),
	    .reserved_bytes = number_after(line, " GiB=") * 1024 * 1024 * 1024,
	    .limit_bytes = number_after(line, " limit=") * 1024 * 1024,
	    .reserved_nano_cores = number_after(line, " cores=") * 1000 * 1000 * 1000,
	    .starts_first = strstr(line, " start-first") != NULL,
	    .port_holder = xstrdup(holder ? holder + 2 : ""),
	    .update_started = xstrdup(strchr(letters, 'e')	? "before"
				      : strpbrk(letters, "upr") ? "now"
								: ""),
	    .update_message = xstrdup("what Swarm says of the update"),
	    .chaos_version = xstrdup(""),
	    .version = xstrdup(""),
	};
	read_ports(line, service);
}

static enum view_task_state read_state(const char *word)
{
	static const char *const words[] = {
	    "new", "pend", "wait", "start", "run", "done", "fail", "rej", "gone"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (text_starts(word, words[i]))
			return (enum view_task_state)i;
	}
	ck_abort_msg("no state: %s", word);
}

/* "test|exit code|output" */
static void read_check(const char *text, struct view_check *out)
{
	size_t test = strcspn(text, "|");
	size_t code = test + (text[test] ? 1 : 0);
	size_t output = code + strcspn(text + code, "|");

	*out = (struct view_check){
	    .test = xstrndup(text, test),
	    .exit_code = strtol(text + code, NULL, 10),
	    .output = xstrdup(text + output + (text[output] ? 1 : 0)),
	};
}

static void read_task_line(const char *line, struct view *view)
{
	char service[32] = "";
	char id[32] = "";
	char state[32] = "";
	struct view_task *task = &view->tasks[view->task_count++];
	const char *error = strchr(line, '=');
	const char *place = strstr(line, " @");

	ck_assert_msg(sscanf(line, "T %31s %31s %31s", service, id, state) == 3, "%s", line);
	*task = (struct view_task){
	    .id = xstrdup(id),
	    .service_id = xasprintf("id-%s", service),
	    .container = strstr(line, " nobox") ? xstrdup("") : xasprintf("container-%s", id),
	    .node = xstrdup(place ? place : " @1"),
	    .slot = place ? strtol(place + 2, NULL, 10) : 1,
	    .state = read_state(state),
	    .is_wanted = !strstr(line, " unwanted"),
	    .is_current = !strstr(line, " old"),
	    .exit_code = text_starts(state, "fail") ? (int)strtol(state + 4, NULL, 10) : 0,
	    .error = xstrdup(error ? error + 2 : ""),
	    .was_out_of_memory = strstr(line, " oom") != NULL,
	    .is_unhealthy = strstr(line, " sick") || strstr(line, "unhealthy container"),
	};
	read_check(strstr(line, " sick") ? error + 2 : "", &task->check);
	if (task->state > VIEW_TASK_COMPLETE)
		task->is_wanted = false; /* that a job's has completed is wanted for ever */
}

static struct view read_look(const char *text)
{
	struct view view = {
	    .services = xcalloc(8, sizeof(struct view_service)),
	    .tasks = xcalloc(16, sizeof(struct view_task)),
	};

	while (*text) {
		size_t length = strcspn(text, "\n");
		auto_str char *line = xstrndup(text, length);

		if (*line == 'S')
			read_service_line(line, &view);
		else if (*line == 'T')
			read_task_line(line, &view);
		else
			ck_abort_msg("no line: %s", line);
		text += length + (text[length] != '\0');
	}
	return view;
}

#define H "S web 1 h\n"
#define R "S web 1\n"
#define M "S web 1 h limit=48\n"
#define L "S web 1 h labels\n"
#define HELD "S web 1 h port=80 = host port 80 is held by service other_web\n"
#define SICK " = task: non-zero exit (137): dockerexec: unhealthy container\n"
#define NO_NODE(why) " = no suitable node (" why ")"
#define PORT_IN_USE NO_NODE("host-mode port already in use on 1 node")
#define ALLOCATED                                                                                  \
	" = starting container failed: Bind for 0.0.0.0:80 failed: port is already allocated\n"

static const struct row {
	const char *name;
	const char *before; /* NULL: a fresh deploy */
	const char *expected;
	struct look looks[LOOKS_MAX];
} rows[] = {
    {"healthy for a second", NULL, NULL,
	{{0, H, CONVERGE_PENDING, "service web to start", 0},
	    {500, H "T web a wait", CONVERGE_PENDING, "to start", 0},
	    {1000, H "T web a start", CONVERGE_PENDING, "healthcheck of service web", 0},
	    {3000, H "T web a run", CONVERGE_PENDING, "to stay up", 4000},
	    {3999, H "T web a run", CONVERGE_PENDING, NULL, 4000},
	    {4000, H "T web a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"running needs longer than healthy", NULL, NULL,
	{{0, R "T web a run", CONVERGE_PENDING, "stay up", 5000},
	    {4999, R "T web a run", CONVERGE_PENDING, NULL, 5000},
	    {5000, R "T web a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"another task between two looks starts the window again", NULL, NULL,
	{{0, R "T web a run", CONVERGE_PENDING, NULL, 5000},
	    {4000, R "T web b run", CONVERGE_PENDING, NULL, 9000},
	    {5000, R "T web b run", CONVERGE_PENDING, NULL, 9000}}},
    {"three failures are a loop", NULL, NULL,
	{{0, H "T web a start", CONVERGE_PENDING, NULL, 0},
	    {5000, H "T web a fail1\nT web b start", CONVERGE_PENDING,
		"after 1 failure (exit code 1)", 0},
	    {11000, H "T web a fail1\nT web b fail1\nT web c start", CONVERGE_PENDING,
		"after 2 failures", 0},
	    {17000, H "T web b fail1\nT web c fail7\nT web d start", CONVERGE_CRASH_LOOPING,
		"service web ended 3 times within 13 s: exit code 7", 0}}},
    {"a task that Swarm has forgotten still counts", NULL, NULL,
	{{0, H "T web a fail1\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {5000, H "T web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {9000, H "T web c fail1\nT web d start", CONVERGE_CRASH_LOOPING, NULL, 0}}},
    {"several failures in one look", NULL, NULL,
	{{0, H "T web a fail1\nT web b fail1\nT web c fail1\nT web d wait", CONVERGE_CRASH_LOOPING,
	    NULL, 0}}},
    {"a healthy second ends a row of failures", NULL, NULL,
	{{0, H "T web a fail1\nT web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {1000, H "T web a fail1\nT web b fail1\nT web c run", CONVERGE_PENDING, NULL, 6000},
	    {2000, H "T web c run", CONVERGE_PENDING, NULL, 6000},
	    {3000, H "T web c fail1\nT web d start", CONVERGE_PENDING, NULL, 0},
	    {9000, H "T web d fail1\nT web e start", CONVERGE_PENDING, NULL, 0},
	    {12000, H "T web e fail1\nT web f start", CONVERGE_CRASH_LOOPING, NULL, 0}}},
    {"a healthy second from the very beginning", NULL, NULL,
	{{0, H "T web a fail1\nT web b fail1\nT web c run", CONVERGE_PENDING, "to stay up", 5000},
	    {1500, H "T web c run", CONVERGE_PENDING, NULL, 5000},
	    {2000, H "T web c fail1\nT web d start", CONVERGE_PENDING, NULL, 0}}},
    {"just within the time of a loop", NULL, NULL,
	{{0, H "T web a fail1\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {60000, H "T web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {120000, H "T web c fail1\nT web d start", CONVERGE_CRASH_LOOPING, "within 121 s", 0}}},
    {"less than a second of health does not", NULL, NULL,
	{{0, H "T web a fail1\nT web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {1000, H "T web c run", CONVERGE_PENDING, NULL, 0},
	    {1900, H "T web c fail1\nT web d start", CONVERGE_CRASH_LOOPING, NULL, 0}}},
    {"without a healthcheck running for 29 s is no health", NULL, NULL,
	{{0, R "T web a fail1\nT web b fail1\nT web c run", CONVERGE_PENDING, NULL, 15000},
	    {14000, R "T web c run", CONVERGE_PENDING, NULL, 15000},
	    {14900, R "T web c fail1\nT web d wait", CONVERGE_CRASH_LOOPING, NULL, 0}}},
    {"failures far apart are no loop", NULL, NULL,
	{{0, H "T web a fail1\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {100000, H "T web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {121000, H "T web c fail1\nT web d start", CONVERGE_PENDING, NULL, 0},
	    {130000, H "T web d fail1\nT web e start", CONVERGE_CRASH_LOOPING, NULL, 0}}},
    {"up after failures needs a longer quiet", NULL, NULL,
	{{0, H "T web a fail1\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {2000, H "T web b run", CONVERGE_PENDING, "stay up", 7000},
	    {6999, H "T web b run", CONVERGE_PENDING, NULL, 7000},
	    {7000, H "T web b run", CONVERGE_CONVERGED, NULL, 0}}},
    {"a crash-looper without healthcheck runs for a moment", NULL, NULL,
	{{0, R "T web a run", CONVERGE_PENDING, NULL, 5000},
	    {300, R "T web a fail1\nT web b wait", CONVERGE_PENDING, NULL, 0},
	    {5400, R "T web a fail1\nT web b run", CONVERGE_PENDING, NULL, 20400},
	    {5700, R "T web b fail1\nT web c wait", CONVERGE_PENDING, NULL, 0},
	    {10700, R "T web c run", CONVERGE_PENDING, NULL, 0},
	    {11000, R "T web c fail1\nT web d wait", CONVERGE_CRASH_LOOPING, "exit code 1", 0}}},
    {"ending with 0 again and again is a loop too", NULL, NULL,
	{{0, R "T web a done\nT web b wait", CONVERGE_PENDING, NULL, 0},
	    {5000, R "T web b done\nT web c wait", CONVERGE_PENDING, NULL, 0},
	    {10000, R "T web c done\nT web d wait", CONVERGE_CRASH_LOOPING, "to run for ever", 0}}},
    {"its check has used up its retries", NULL, NULL,
	{{0, H "T web a start", CONVERGE_PENDING, NULL, 0},
	    {4000, H "T web a start sick = wget -q http://a/|8|no such page", CONVERGE_UNHEALTHY,
		"service web is unhealthy: its check \"wget -q http://a/\" ends with exit code 8: "
		"no such "
		"page",
		0},
	    {9000, H "T web a fail143" SICK "T web b start", CONVERGE_UNHEALTHY,
		"exit code 8: no such page", 0}}},
    {"an unhealthy one that ended before somebody looked", NULL, NULL,
	{{0, H "T web a fail137" SICK "T web b wait", CONVERGE_UNHEALTHY,
	    "service web is unhealthy: its healthcheck fails", 0}}},
    {"killed for its check is not out of memory", NULL, NULL,
	{{0, H "T web a fail137 oom" SICK "T web b fail137 oom" SICK "T web c fail137 oom" SICK,
	    CONVERGE_UNHEALTHY, "its healthcheck fails", 0}}},
    {"a check that says nothing", NULL, NULL,
	{{0, H "T web a run sick = false|1|", CONVERGE_UNHEALTHY,
	    "its check \"false\" ends with exit code 1", 0}}},
    {"a check that could not be run", NULL, NULL,
	{{0, H "T web a start sick = sleep 9|-1|Health check exceeded timeout (1s)",
	    CONVERGE_UNHEALTHY, "its check \"sleep 9\" fails: Health check exceeded timeout", 0}}},
    {"a check of which only the end is known", NULL, NULL,
	{{0, H "T web a start sick = sleep 9|0|", CONVERGE_UNHEALTHY,
	    "its check \"sleep 9\" fails$", 0}}},
    {"what was unhealthy first is said, whatever fails then", NULL, NULL,
	{{0, H "T web a start sick = false|1|", CONVERGE_UNHEALTHY, "its check \"false\"", 0},
	    {500, H "T web a fail9\nT web b fail1\nT web c fail1", CONVERGE_UNHEALTHY,
		"its check \"false\" ends with exit code 1$", 0}}},
    {"unhealthy without restart", NULL, NULL,
	{{0, "S web 1 hn\nT web a fail143" SICK, CONVERGE_UNHEALTHY, "unhealthy", 0}}},
    {"unhealthy, and the update with it", H "T web a run", NULL,
	{{0, "S web 1 hr\nT web b fail143 old" SICK "T web c run", CONVERGE_ROLLED_BACK,
	    "rolled back to the old version: its healthcheck fails", 0}}},
    {"the old version has become unhealthy too: the first of its tasks is spoken of",
	H "T web a run", NULL,
	{{0,
	    "S web 2 hr\nT web b start old sick = first|1|\nT web c start old @2 sick = "
	    "second|1|\nT web d gone",
	    CONVERGE_ROLLED_BACK, "its check \"first\" ends with exit code 1$", 0}}},
    {"the list of tasks is older than what its container says", NULL, NULL,
	{{0, H "T web a wait sick = false|1|", CONVERGE_PENDING, "to start", 0},
	    {100, H "T web a start sick = false|1|", CONVERGE_UNHEALTHY, "its check \"false\"",
		0}}},
    {"the old one may become unhealthy while it stops", H "T web a run", NULL,
	{{0, "S web 1 hu\nT web a run old unwanted sick = false|1|\nT web b wait", CONVERGE_PENDING,
	     NULL, 0},
	    {3000, "S web 1 hu\nT web a gone\nT web b start", CONVERGE_PENDING, NULL, 0}}},
    {"an old one that was unhealthy says nothing about the new one", H "T web a run", NULL,
	{{0, "S web 1 hu\nT web a fail143 old" SICK "T web b start", CONVERGE_PENDING,
	    "update of service web", 0}}},
    {"one that was unhealthy before this deploy", H "T web a fail143" SICK "T web b run", NULL,
	{{0, H "T web a fail143" SICK "T web b run", CONVERGE_PENDING, "stay up", 1000}}},
    {"out of memory", NULL, NULL,
	{{0, M "T web a fail137 oom\nT web b fail137 oom\nT web c fail137 oom\nT web d wait",
	    CONVERGE_OUT_OF_MEMORY,
	    "service web was killed 3 times, out of memory: its limit is 48 MiB: raise it in "
	    "deploy: resources: limits, or have it use less$",
	    0}}},
    {"twice out of memory is no loop yet", NULL, NULL,
	{{0, M "T web a fail137 oom\nT web b fail137 oom\nT web d wait", CONVERGE_PENDING,
	    "after 2 failures (out of memory: its limit is 48 MiB", 0}}},
    {"a shell that outlives what was killed", NULL, NULL,
	{{0, M "T web a fail1 oom\nT web b fail1 oom\nT web c fail1 oom = task: non-zero exit (1)",
	    CONVERGE_OUT_OF_MEMORY, "out of memory", 0}}},
    {"out of memory for good", NULL, NULL,
	{{0, "S web 1 n limit=48\nT web a fail137 oom", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S web 1 n limit=48\nT web a fail137 oom", CONVERGE_OUT_OF_MEMORY,
		"service web ended and is not started again: out of memory: its limit is 48 MiB",
		0}}},
    {"an update that memory has paused", M "T web a run", NULL,
	{{0, "S web 1 hp limit=48\nT web b fail137 oom\nT web a run", CONVERGE_PAUSED,
	    "paused by Swarm: out of memory: its limit is 48 MiB", 0}}},
    {"the host is out of memory", NULL, NULL,
	{{0, H "T web a fail137 oom\nT web b wait", CONVERGE_PENDING, "after 1 failure", 0},
	    {1000, H "T web a fail137 oom\nT web b fail137 oom\nT web c wait", CONVERGE_NO_ROOM,
		"this host ran out of memory, and service web, which has no limit of its own, was "
		"killed for it$",
		0}}},
    {"killed, but not for memory", NULL, NULL,
	{{0, H "T web a fail137\nT web b fail137\nT web c fail137\nT web d wait",
	    CONVERGE_CRASH_LOOPING, "exit code 137", 0}}},
    {"a missing image is sure the second time", NULL, NULL,
	{{0, R "T web a rej = No such image: image/web:1\nT web b wait", CONVERGE_PENDING,
	     "No such image", 0},
	    {5000,
		R "T web a rej = No such image: image/web:1\nT web b rej = No such image: "
		  "image/web:1",
		CONVERGE_IMAGE_MISSING, "image image/web:1 is missing", 0}}},
    {"rejected for something else", NULL, NULL,
	{{0, R "T web a rej = bad mount\nT web b rej = bad mount\nT web c rej = bad mount",
	    CONVERGE_CRASH_LOOPING, "was rejected 3 times within 1 s: bad mount", 0}}},
    {"a long error is cut at its beginning: what happened stands at the end", NULL, NULL,
	{{0,
	    R "T web a rej = failed to create task for container: failed to create shim task: OCI "
	      "runtime create failed: runc create failed: unable to start container process: error "
	      "during container init: bad mount\nT web b wait",
	    CONVERGE_PENDING, "(...: failed to create shim task: ", 0}}},
    {"a job that completed", NULL, NULL,
	{{0, "S job 1 n\nT job a start", CONVERGE_PENDING, NULL, 0},
	    {1000, "S job 1 n\nT job a done", CONVERGE_CONVERGED, NULL, 0}}},
    {"a one-shot that runs is up", NULL, NULL,
	{{0, "S job 1 n\nT job a run", CONVERGE_PENDING, "to stay up", 5000},
	    {5000, "S job 1 n\nT job a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"a one-shot that completed of an older spec", NULL, NULL,
	{{0, "S job 1 n\nT job a done old", CONVERGE_PENDING, "service job to start", 0}}},
    {"a job is done with its last task", NULL, NULL,
	{{0, "S job 2 j\nT job a done", CONVERGE_PENDING, "service job to start", 0},
	    {500, "S job 2 j\nT job a done\nT job b run @2", CONVERGE_PENDING,
		"job job to complete", 0},
	    {1000, "S job 2 j\nT job a done\nT job b done @2", CONVERGE_CONVERGED, NULL, 0}}},
    {"a running job is neither", NULL, NULL,
	{{0, "S job 1 j\nT job a run", CONVERGE_PENDING, "job job to complete", 600000},
	    {300000, "S job 1 j\nT job a run", CONVERGE_PENDING, NULL, 600000},
	    {600000, "S job 1 j\nT job a run", CONVERGE_TIMED_OUT, "job job to complete", 0}}},
    {"more done than asked for, but one runs", NULL, NULL,
	{{0, "S job 1 j\nT job a done\nT job b run @2", CONVERGE_PENDING, NULL, 0}}},
    {"what an earlier iteration did is not of this one", NULL, NULL,
	{{0, "S job 1 j\nT job a done old", CONVERGE_PENDING, "service job to start", 0},
	    {500, "S job 1 j\nT job a done old\nT job b run", CONVERGE_PENDING, NULL, 0},
	    {1000, "S job 1 j\nT job a done old\nT job b done", CONVERGE_CONVERGED, NULL, 0}}},
    {"an earlier iteration's running task has to end", NULL, NULL,
	{{0, "S job 1 j\nT job a run old unwanted\nT job b done", CONVERGE_PENDING, NULL, 0},
	    {500, "S job 1 j\nT job a gone old\nT job b done", CONVERGE_CONVERGED, NULL, 0}}},
    {"a global job, on every node", NULL, NULL,
	{{0, "S job -1 j\nT job a done @1\nT job b run @2", CONVERGE_PENDING, NULL, 0},
	    {900, "S job -1 j\nT job a done @1\nT job b done @2", CONVERGE_CONVERGED, NULL, 0}}},
    {"a global job that failed on one of its nodes", NULL, NULL,
	{{0, "S job -1 jn\nT job a done @1\nT job b fail4 @2", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job -1 jn\nT job a done @1\nT job b fail4 @2", CONVERGE_GAVE_UP,
		"exit code 4", 0}}},
    {"a job whose attempts are used up", NULL, NULL,
	{{0, "S job 1 jm\nT job a fail3\nT job b wait", CONVERGE_PENDING, "after 1 failure", 0},
	    {1000, "S job 1 jm\nT job a fail3\nT job b fail3\nT job c run", CONVERGE_PENDING, NULL,
		0},
	    {2000, "S job 1 jm\nT job a fail3\nT job b fail3\nT job c fail5", CONVERGE_PENDING,
		NULL, 5000},
	    {4999, "S job 1 jm\nT job a fail3\nT job b fail3\nT job c fail5", CONVERGE_PENDING,
		NULL, 5000},
	    {5000, "S job 1 jm\nT job a fail3\nT job b fail3\nT job c fail5", CONVERGE_GAVE_UP,
		"job job ended and is not started again: exit code 5", 0}}},
    {"a job may fail as often as its attempts allow", NULL, NULL,
	{{0, "S job 1 jm\nT job a fail3\nT job b fail3\nT job c fail3\nT job d run",
	     CONVERGE_PENDING, NULL, 0},
	    {1000, "S job 1 jm\nT job c fail3\nT job d done", CONVERGE_CONVERGED, NULL, 0}}},
    {"a job without restart", NULL, NULL,
	{{0, "S job 1 jn\nT job a fail3", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job 1 jn\nT job a fail3", CONVERGE_GAVE_UP, "exit code 3", 0}}},
    {"three of its tasks that are not started again are no loop", NULL, NULL,
	{{0, "S job 3 jn\nT job a fail3\nT job b fail3 @2\nT job c fail3 @3", CONVERGE_PENDING,
	     NULL, 3000},
	    {3000, "S job 3 jn\nT job a fail3\nT job b fail3 @2\nT job c fail3 @3",
		CONVERGE_GAVE_UP, "exit code 3", 0}}},
    {"a job that is started for ever is a loop", NULL, NULL,
	{{0, "S job 1 j\nT job a fail3\nT job b fail3\nT job c run", CONVERGE_PENDING, NULL, 0},
	    {5000, "S job 1 j\nT job b fail3\nT job c fail3\nT job d wait", CONVERGE_CRASH_LOOPING,
		"ended 3 times", 0}}},
    {"one of a job's two failed for good while the other runs", NULL, NULL,
	{{0, "S job 2 jn\nT job a fail3\nT job b run @2", CONVERGE_PENDING, NULL, 3000},
	    {2000, "S job 2 jn\nT job a fail3\nT job b done @2", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job 2 jn\nT job a fail3\nT job b done @2", CONVERGE_GAVE_UP, NULL, 0}}},
    {"one of two one-shots failed for good while the other runs", NULL, NULL,
	{{0, "S job 2 n\nT job a fail3\nT job b run @2", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job 2 n\nT job a fail3\nT job b run @2", CONVERGE_GAVE_UP, "exit code 3",
		0}}},
    {"another service's task is in no place of this one", NULL, NULL,
	{{0, "S db 1 h\nS job 2 n\nT db d run\nT job a fail3\nT job b run @2", CONVERGE_PENDING,
	     NULL, 1000},
	    {3000, "S db 1 h\nS job 2 n\nT db d run\nT job a fail3\nT job b run @2",
		CONVERGE_GAVE_UP, "service job", 0}}},
    {"nor is a task of an older spec, or one that goes", NULL, NULL,
	{{0, "S job 2 n\nT job a fail3\nT job b run @2\nT job o run old\nT job u run unwanted",
	     CONVERGE_PENDING, NULL, 3000},
	    {3000,
		"S job 2 n\nT job a fail3\nT job b run @2\nT job o run old\nT job u run unwanted",
		CONVERGE_GAVE_UP, "exit code 3", 0}}},
    {"the failed task of an older spec leaves no place", NULL, NULL,
	{{0, "S job 2 n\nT job a fail3 old\nT job b run @2", CONVERGE_PENDING, NULL, 600000},
	    {4000, "S job 2 n\nT job a fail3 old\nT job b run @2", CONVERGE_PENDING, NULL,
		600000}}},
    {"a place that failed before this deploy is nobody's", "S job 2 n\nT job a fail3", NULL,
	{{0, "S job 2 n\nT job a fail3\nT job b run @2", CONVERGE_PENDING, "to start", 600000}}},
    {"a one-shot that failed is not started again", NULL, NULL,
	{{0, "S job 1 n\nT job a fail3", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job 1 n\nT job a fail3", CONVERGE_GAVE_UP,
		"ended and is not started again: exit code 3", 0}}},
    {"nor does it matter that Swarm has forgotten it", NULL, NULL,
	{{0, "S job 1 n\nT job a fail3", CONVERGE_PENDING, NULL, 3000},
	    {1000, "S job 1 n", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S job 1 n", CONVERGE_GAVE_UP, "exit code 3", 0}}},
    {"the next task comes a little later", NULL, NULL,
	{{0, "S web 1 f\nT web a fail3", CONVERGE_PENDING, NULL, 3000},
	    {900, "S web 1 f\nT web a fail3\nT web b wait", CONVERGE_PENDING, NULL, 0},
	    {3900, "S web 1 f\nT web a fail3\nT web b wait", CONVERGE_PENDING, NULL, 0}}},
    {"on-failure and exit 0 is an end that was meant", NULL, NULL,
	{{0, "S web 1 f\nT web a done", CONVERGE_CONVERGED, NULL, 0}}},
    {"scaled to nothing", NULL, NULL, {{0, "S web 0", CONVERGE_CONVERGED, NULL, 0}}},
    {"scaled to nothing for ever", NULL, NULL,
	{{0, "S web 0 - labels", CONVERGE_CONVERGED, NULL, 0},
	    {60000, "S web 0 - labels", CONVERGE_CONVERGED, NULL, 0}}},
    {"scaled down: the one that goes is not missed", NULL, NULL,
	{{0, "S web 1 h\nT web a run\nT web b run unwanted @2", CONVERGE_PENDING, NULL, 1000},
	    {1000, "S web 1 h\nT web a run\nT web b run unwanted @2", CONVERGE_CONVERGED, NULL,
		0}}},
    {"what somebody has stopped has not failed", NULL, NULL,
	{{0, H "T web a gone", CONVERGE_PENDING, "to start", 600000},
	    {4000, H "T web a gone", CONVERGE_PENDING, "to start", 600000}}},
    {"scaled to nothing, but still there", NULL, NULL,
	{{0, "S web 0\nT web a run", CONVERGE_PENDING, NULL, 0}}},
    {"one of two replicas", NULL, NULL,
	{{0, "S web 2 h\nT web a run\nT web b start", CONVERGE_PENDING, "healthcheck", 0},
	    {3000, "S web 2 h\nT web a run\nT web b run", CONVERGE_PENDING, NULL, 4000},
	    {4000, "S web 2 h\nT web a run\nT web b run", CONVERGE_CONVERGED, NULL, 0}}},
    {"one good replica does not excuse the other", NULL, NULL,
	{{0, "S web 2 h\nT web a run\nT web b fail1\nT web c start", CONVERGE_PENDING, NULL, 0},
	    {9000, "S web 2 h\nT web a run\nT web c fail1\nT web d start", CONVERGE_PENDING, NULL,
		0},
	    {18000, "S web 2 h\nT web a run\nT web d fail1\nT web e start", CONVERGE_CRASH_LOOPING,
		NULL, 0}}},
    {"global", NULL, NULL,
	{{0, "S web -1 h", CONVERGE_PENDING, NULL, 0},
	    {1000, "S web -1 h\nT web a run", CONVERGE_PENDING, NULL, 2000},
	    {2000, "S web -1 h\nT web a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"every service, and the one that is down is named", NULL, NULL,
	{{0, "S db 1 h\nS web 1 h\nT db a run\nT web b start", CONVERGE_PENDING, "of service web",
	     0},
	    {5000, "S db 1 h\nS web 1 h\nT db a run\nT web b start", CONVERGE_PENDING,
		"of service web", 0},
	    {6000, "S db 1 h\nS web 1 h\nT db a run\nT web b run", CONVERGE_PENDING, NULL, 7000},
	    {7000, "S db 1 h\nS web 1 h\nT db a run\nT web b run", CONVERGE_CONVERGED, NULL, 0}}},
    {"of two that are down the first is named", NULL, NULL,
	{{0, "S a 1 h\nS b 1 h\nS c 1 h\nT a x run\nT b y start\nT c z start", CONVERGE_PENDING,
	    "of service b", 0}}},
    {"a service that abra has not made yet", NULL, "web",
	{{0, "", CONVERGE_PENDING, "service web to be made", 0},
	    {9000, "S db 0", CONVERGE_PENDING, "service web to be made", 0},
	    {10000, "S db 0\nS web 0", CONVERGE_CONVERGED, NULL, 0}}},
    {"an empty stack is nothing", NULL, NULL, {{0, "", CONVERGE_PENDING, "to be made", 0}}},
    {"the old task does not count", H "T web a run", NULL,
	{{0, H "T web a run old", CONVERGE_PENDING, "old task", 0},
	    {2000, H "T web a run old", CONVERGE_PENDING, "old task", 0},
	    {3000, H "T web a gone\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {5000, H "T web b run", CONVERGE_PENDING, NULL, 6000}}},
    {"start-first: both run", H "T web a run", NULL,
	{{0, H "T web a run old\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {3000, H "T web a run old unwanted\nT web b run", CONVERGE_PENDING, "old task", 0},
	    {4000, H "T web a gone\nT web b run", CONVERGE_PENDING, NULL, 5000},
	    {5000, H "T web a gone\nT web b run", CONVERGE_CONVERGED, NULL, 0}}},
    {"the window runs while the update is watched", H "T web a run", NULL,
	{{0, "S web 1 hu\nT web b run", CONVERGE_PENDING, "update of service web", 0},
	    {5000, "S web 1 hu\nT web b run", CONVERGE_PENDING, "update of service web", 0},
	    {5200, "S web 1 h\nT web b run", CONVERGE_CONVERGED, NULL, 0}}},
    {"failures of the base are not the head's",
	H "T web a fail1\nT web b fail1\nT web c fail1\nT web d run", NULL,
	{{0, H "T web a fail1\nT web b fail1\nT web c fail1\nT web d run", CONVERGE_PENDING, NULL,
	     1000},
	    {1000, H "T web a fail1\nT web b fail1\nT web c fail1\nT web d run", CONVERGE_CONVERGED,
		NULL, 0}}},
    {"a rollback is red at once", H "T web a run", NULL,
	{{0, "S web 1 hu\nT web b start", CONVERGE_PENDING, NULL, 0},
	    {9000, "S web 1 hr\nT web b fail1\nT web a run", CONVERGE_ROLLED_BACK,
		"rolled back to the old version: exit code 1", 0}}},
    {"a rollback that left the old version serving", H "T web a run", NULL,
	{{0, "S web 1 hr\nT web c run", CONVERGE_ROLLED_BACK, "what Swarm says", 0}}},
    {"a paused update", H "T web a run", NULL,
	{{0, "S web 1 hp\nT web b fail2\nT web c run", CONVERGE_PAUSED,
	    "paused by Swarm: exit code 2", 0}}},
    {"an update that was paused before this deploy", "S web 1 hpe\nT web a run", NULL,
	{{0, "S web 1 hpe\nT web a run", CONVERGE_PENDING, "to stay up", 1000},
	    {1000, "S web 1 hpe\nT web a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"one that was rolled back before it", "S web 1 hre\nT web a run", NULL,
	{{0, "S web 1 hre\nT web a run", CONVERGE_PENDING, NULL, 1000},
	    {1000, "S web 1 hre\nT web a run", CONVERGE_CONVERGED, NULL, 0},
	    {2000, "S web 1 hr\nT web a run", CONVERGE_ROLLED_BACK, NULL, 0}}},
    {"one that goes on from before it", "S web 1 hue\nT web a run", NULL,
	{{0, "S web 1 hue\nT web a run", CONVERGE_PENDING, "to stay up", 0},
	    {1000, "S web 1 hue\nT web a run", CONVERGE_CONVERGED, NULL, 0}}},
    {"and one of before this service was known", NULL, NULL,
	{{0, "S web 1 hpe\nT web a run", CONVERGE_PAUSED, NULL, 0}}},
    {"no node for its labels", NULL, NULL,
	{{0, L "T web a pend" NO_NODE("scheduling constraints not satisfied on 1 node"),
	     CONVERGE_PENDING, "no suitable node", 5000},
	    {4999, L "T web a pend" NO_NODE("scheduling constraints not satisfied on 1 node"),
		CONVERGE_PENDING, NULL, 5000},
	    {5000, L "T web a pend" NO_NODE("scheduling constraints not satisfied on 1 node"),
		CONVERGE_UNSCHEDULABLE,
		"no node meets its placement constraints, node.labels.gpu == true", 0}}},
    {"a global service that no node may take has no task", NULL, NULL,
	{{0, "S web -1 h labels", CONVERGE_PENDING, "to start", 5000},
	    {5000, "S web -1 h labels", CONVERGE_UNSCHEDULABLE, "node.labels.gpu == true", 0}}},
    {"nor has a global job", NULL, NULL,
	{{0, "S web -1 j labels", CONVERGE_PENDING, NULL, 5000},
	    {5000, "S web -1 j labels", CONVERGE_UNSCHEDULABLE, "node.labels.gpu == true", 0}}},
    {"a global service without a task that asks for nothing", NULL, NULL,
	{{0, "S web -1 h", CONVERGE_PENDING, NULL, 15000},
	    {14999, "S web -1 h", CONVERGE_PENDING, NULL, 15000},
	    {15000, "S web -1 h", CONVERGE_ENGINE, "makes no task for service web", 0}}},
    {"a global one that ended for good has had a task", NULL, NULL,
	{{0, "S web -1 n\nT web a fail3", CONVERGE_PENDING, NULL, 3000},
	    {3000, "S web -1 n\nT web a fail3", CONVERGE_GAVE_UP, "exit code 3", 0}}},
    {"a global one whose task comes late", NULL, NULL,
	{{0, "S web -1 h labels", CONVERGE_PENDING, NULL, 5000},
	    {4000, "S web -1 h labels\nT web a start", CONVERGE_PENDING, NULL, 600000},
	    {6000, "S web -1 h labels\nT web a start", CONVERGE_PENDING, NULL, 600000}}},
    {"no room on the node", NULL, NULL,
	{{0, "S web 1 h GiB=900\nT web a pend" NO_NODE("insufficient resources on 1 node"),
	     CONVERGE_PENDING, NULL, 15000},
	    {14999, "S web 1 h GiB=900\nT web a pend" NO_NODE("insufficient resources on 1 node"),
		CONVERGE_PENDING, NULL, 15000},
	    {15000, "S web 1 h GiB=900\nT web a pend" NO_NODE("insufficient resources on 1 node"),
		CONVERGE_NO_ROOM,
		"this host has no room for service web, which reserves 900 GiB of memory$", 0}}},
    {"no cores", NULL, NULL,
	{{0, "S web 1 h cores=64\nT web a pend" NO_NODE("insufficient resources on 1 node"),
	     CONVERGE_PENDING, NULL, 15000},
	    {15000, "S web 1 h cores=64\nT web a pend" NO_NODE("insufficient resources on 1 node"),
		CONVERGE_NO_ROOM, "which reserves 64 cores$", 0}}},
    {"no memory and no cores", NULL, NULL,
	{{0, H "T web a pend" NO_NODE("insufficient resources on 1 node"), CONVERGE_PENDING, NULL,
	     15000},
	    {15000,
		"S web 1 h GiB=900 cores=64\nT web a pend" NO_NODE(
		    "insufficient resources on 1 node"),
		CONVERGE_NO_ROOM, "which reserves 900 GiB of memory, 64 cores$", 0}}},
    {"the right node is the full one", NULL, NULL,
	{{0,
	    L "T web a pend" NO_NODE(
		"scheduling constraints not satisfied on 1 node; insufficient resources on 1 node"),
	    CONVERGE_PENDING, NULL, 15000}}},
    {"what a global service is told has no beginning", NULL, NULL,
	{{0, "S web -1 h\nT web a pend = insufficient resources on 1 node", CONVERGE_PENDING,
	     "insufficient", 15000},
	    {15000, "S web -1 h\nT web a pend = insufficient resources on 1 node", CONVERGE_NO_ROOM,
		"no room for service web", 0}}},
    {"more replicas than the nodes may take", NULL, NULL,
	{{0,
	     "S web 2 h max=1\nT web a run\nT web b pend" NO_NODE(
		 "max replicas per node limit exceed"),
	     CONVERGE_PENDING, NULL, 5000},
	    {5000,
		"S web 2 h max=1\nT web a run\nT web b pend" NO_NODE(
		    "max replicas per node limit exceed"),
		CONVERGE_UNSCHEDULABLE, "max_replicas_per_node: 1 no node is left for one of its 2",
		0}}},
    {"one node too few for start-first", H "T web a run", NULL,
	{{0,
	     "S web 1 hu max=1 start-first\nT web a run old\nT web b pend" NO_NODE(
		 "max replicas per node limit exceed"),
	     CONVERGE_PENDING, NULL, 5000},
	    {5000,
		"S web 1 hu max=1 start-first\nT web a run old\nT web b pend" NO_NODE(
		    "max replicas per node limit exceed"),
		CONVERGE_UNSCHEDULABLE, "write order: stop-first", 0}}},
    {"start-first is no matter where nothing is updated", NULL, NULL,
	{{0,
	     "S web 2 h max=1 start-first\nT web a run\nT web b pend" NO_NODE(
		 "max replicas per node limit exceed"),
	     CONVERGE_PENDING, NULL, 5000},
	    {5000,
		"S web 2 h max=1 start-first\nT web a run\nT web b pend" NO_NODE(
		    "max replicas per node limit exceed"),
		CONVERGE_UNSCHEDULABLE, "raise it, or write fewer replicas", 0}}},
    {"another machine", NULL, NULL,
	{{0, H "T web a pend" NO_NODE("unsupported platform on 1 node"), CONVERGE_PENDING, NULL,
	     5000},
	    {5000, H "T web a pend" NO_NODE("unsupported platform on 1 node"),
		CONVERGE_UNSCHEDULABLE, "the platform of its image, linux/arm64", 0}}},
    {"a plugin that is not there", NULL, NULL,
	{{0, L "T web a pend" NO_NODE("missing plugin on 1 node"), CONVERGE_PENDING, NULL, 5000},
	    {5000, L "T web a pend" NO_NODE("missing plugin on 1 node"), CONVERGE_UNSCHEDULABLE,
		"missing plugin", 0}}},
    {"a plugin that is not there, of a service that asks for no node", NULL, NULL,
	{{0, H "T web a pend" NO_NODE("missing plugin on 1 node"), CONVERGE_PENDING, NULL, 5000},
	    {5000, H "T web a pend" NO_NODE("missing plugin on 1 node"), CONVERGE_UNSCHEDULABLE,
		"service web: no suitable node (missing plugin on 1 node)", 0}}},
    {"a node that is drained", NULL, NULL,
	{{0, L "T web a pend" NO_NODE("1 node not available for new tasks"), CONVERGE_PENDING, NULL,
	     15000},
	    {15000, L "T web a pend" NO_NODE("1 node not available for new tasks"), CONVERGE_ENGINE,
		"the engine does not start service web", 0}}},
    {"a word that nobody knows is the engine's", NULL, NULL,
	{{0, H "T web a pend" NO_NODE("bad weather on 1 node"), CONVERGE_PENDING, NULL, 15000},
	    {15000, H "T web a pend" NO_NODE("bad weather on 1 node"), CONVERGE_ENGINE,
		"bad weather", 0}}},
    {"no address", NULL, NULL,
	{{0, H "T web a new = could not find an available IP while allocating VIP",
	     CONVERGE_PENDING, "could not find an available IP", 15000},
	    {15000, H "T web a new = could not find an available IP while allocating VIP",
		CONVERGE_ENGINE, "could not find an available IP", 0}}},
    {"no address, and no word of it", NULL, NULL,
	{{0, H "T web a new", CONVERGE_PENDING, "to start", 15000},
	    {14000, H "T web a new", CONVERGE_PENDING, NULL, 15000},
	    {15000, H "T web a new", CONVERGE_ENGINE, "gives no address to service web", 0}}},
    {"an address after a while", NULL, NULL,
	{{0, H "T web a new", CONVERGE_PENDING, NULL, 15000},
	    {14000, H "T web a wait", CONVERGE_PENDING, NULL, 600000},
	    {16000, H "T web a new", CONVERGE_PENDING, NULL, 31000}}},
    {"room comes after a while", NULL, NULL,
	{{0, H "T web a pend" NO_NODE("insufficient resources on 1 node"), CONVERGE_PENDING, NULL,
	     15000},
	    {10000, H "T web a start", CONVERGE_PENDING, NULL, 0},
	    {15000, H "T web a pend" NO_NODE("insufficient resources on 1 node"), CONVERGE_PENDING,
		NULL, 30000}}},
    {"two replicas and one port", NULL, NULL,
	{{0, "S web 2 h port=80\nT web a run\nT web b pend @2" PORT_IN_USE, CONVERGE_PENDING,
	     "host-mode port", 5000},
	    {5000, "S web 2 h port=80\nT web a run\nT web b pend @2" PORT_IN_USE, CONVERGE_PORT_OWN,
		"service web: another of its own tasks holds host port 80; 2 replicas", 0}}},
    {"start-first and one port", H "T web a run", NULL,
	{{0, "S web 1 hu port=80 start-first\nT web a run old\nT web b pend" PORT_IN_USE,
	     CONVERGE_PENDING, NULL, 5000},
	    {5000, "S web 1 hu port=80 start-first\nT web a run old\nT web b pend" PORT_IN_USE,
		CONVERGE_PORT_OWN, "its own old task holds host port 80", 0}}},
    {"stop-first waits for the old task", H "T web a run", NULL,
	{{0, "S web 1 hu port=80\nT web a run old unwanted\nT web b pend" PORT_IN_USE,
	     CONVERGE_PENDING, NULL, 600000},
	    {9000, "S web 1 hu port=80\nT web a run old unwanted\nT web b pend" PORT_IN_USE,
		CONVERGE_PENDING, NULL, 600000},
	    {10000, "S web 1 hu port=80\nT web a gone\nT web b start", CONVERGE_PENDING, NULL, 0}}},
    {"two services and one port", NULL, NULL,
	{{0, "S db 1 h port=80\nS web 1 h port=80\nT db a wait\nT web b pend" PORT_IN_USE,
	     CONVERGE_PENDING, NULL, 5000},
	    {5000, "S db 1 h port=80\nS web 1 h port=80\nT db a wait\nT web b pend" PORT_IN_USE,
		CONVERGE_PORT_OWN, "services web and db both publish host port 80", 0}}},
    {"another port of its own is no reason", NULL, NULL,
	{{0, "S db 1 h port=81\nS web 1 h port=80\nT db a run\nT web b pend" PORT_IN_USE,
	     CONVERGE_PENDING, NULL, 1000},
	    {15000, "S db 1 h port=81\nS web 1 h port=80\nT db a run\nT web b pend" PORT_IN_USE,
		CONVERGE_PORT_TAKEN, "its host port 80: free it for tests$", 0}}},
    {"nor is the same number of another protocol", NULL, NULL,
	{{0, "S dns 1 h port=53/udp\nS web 1 h port=53\nT dns a run\nT web b pend" PORT_IN_USE,
	     CONVERGE_PENDING, NULL, 1000},
	    {15000,
		"S dns 1 h port=53/udp\nS web 1 h port=53\nT dns a run\nT web b pend" PORT_IN_USE,
		CONVERGE_PORT_TAKEN, "its host port 53: free it for tests$", 0}}},
    {"nor a task of a service that was made after the services were listed", NULL, NULL,
	{{0, "S web 1 h port=80\nT db a run\nT web b pend" PORT_IN_USE, CONVERGE_PENDING, NULL,
	     15000},
	    {15000, "S web 1 h port=80\nT db a run\nT web b pend" PORT_IN_USE, CONVERGE_PORT_TAKEN,
		"its host port 80: free it for tests$", 0}}},
    {"one of its two ports", NULL, NULL,
	{{0, "S web 1 h port=80 port=443\nT web b pend" PORT_IN_USE, CONVERGE_PENDING, NULL, 15000},
	    {15000, "S web 1 h port=80 port=443\nT web b pend" PORT_IN_USE, CONVERGE_PORT_TAKEN,
		"its host port 80, or another of its ports: free it for tests$", 0}}},
    {"a port that somebody else holds", NULL, NULL,
	{{0, HELD "T web b pend" PORT_IN_USE, CONVERGE_PENDING, NULL, 15000},
	    {14999, HELD "T web b pend" PORT_IN_USE, CONVERGE_PENDING, NULL, 15000},
	    {15000, HELD "T web b pend" PORT_IN_USE, CONVERGE_PORT_TAKEN,
		"service web: host port 80 is held by service other_web, which is not of this",
		0}}},
    {"whom the engine names comes before one of its own", NULL, NULL,
	{{0, "S db 1 h port=80\n" HELD "T db a wait\nT web b pend" PORT_IN_USE, CONVERGE_PENDING,
	     NULL, 15000},
	    {15000, "S db 1 h port=80\n" HELD "T db a wait\nT web b pend" PORT_IN_USE,
		CONVERGE_PORT_TAKEN, "held by service other_web", 0}}},
    {"a port that a container holds", NULL, NULL,
	{{0, HELD "T web a fail0" ALLOCATED "T web b wait", CONVERGE_PENDING, NULL, 0},
	    {5000, HELD "T web a fail0" ALLOCATED "T web b fail0" ALLOCATED "T web c wait",
		CONVERGE_PORT_TAKEN, "held by service other_web", 0}}},
    {"a port that a program holds", NULL, NULL,
	{{0,
	    "S web 1 h port=80\nT web a fail0 = starting container failed: listen tcp4 "
	    "0.0.0.0:80: bind: address already in use\nT web b fail0 = bind: address already in "
	    "use\nT web c wait",
	    CONVERGE_PORT_TAKEN,
	    "something on this host that the engine does not know of holds its "
	    "host port 80",
	    0}}},
    {"a socket that is in use is no port of a service that has none", NULL, NULL,
	{{0,
	    H "T web a rej = start failed: listen unix /run/containerd/s/1: bind: address already "
	      "in use\nT web b rej = start failed: listen unix /run/containerd/s/2: bind: address "
	      "already in use\nT web c wait",
	    CONVERGE_ENGINE, "the engine cannot start service web: start failed: listen unix", 0}}},
    {"the old task lacks a port that the new one does not want", H "T web a gone", NULL,
	{{0, "S web 1 hu start-first\nT web b pend old" PORT_IN_USE "\nT web c start",
	     CONVERGE_PENDING, NULL, 15000},
	    {15000, "S web 1 hu start-first\nT web b pend old" PORT_IN_USE "\nT web c start",
		CONVERGE_ENGINE, "the engine does not start service web: no suitable node", 0}}},
    {"a port that somebody holds, and no second try", NULL, NULL,
	{{0, "S web 1 n port=80\nT web a fail0" ALLOCATED, CONVERGE_PENDING, NULL, 3000},
	    {3000, "S web 1 n port=80\nT web a fail0" ALLOCATED, CONVERGE_PORT_TAKEN, NULL, 0}}},
    {"an update that a taken port has paused", H "T web a run", NULL,
	{{0, "S web 1 hp port=80\nT web b fail0" ALLOCATED, CONVERGE_PORT_TAKEN, NULL, 0}}},
    {"the disk is full", NULL, NULL,
	{{0, H "T web a rej = mkdir /var/lib/docker/x: no space left on device\nT web b wait",
	     CONVERGE_PENDING, "no space left", 0},
	    {5000,
		H "T web a rej = mkdir x: no space left on device\nT web b rej = mkdir x: no "
		  "space left on device\nT web c wait",
		CONVERGE_ENGINE, "the engine cannot start service web: mkdir x: no space left",
		0}}},
    {"once for the host, and then for itself", NULL, NULL,
	{{0, H "T web a rej = no space left on device\nT web b fail1\nT web c fail1",
	    CONVERGE_CRASH_LOOPING, "exit code 1", 0}}},
    {"twice for the host between two looks, and then for itself", NULL, NULL,
	{{0,
	    H "T web a rej = no space left on device\nT web b rej = no space left on device\n"
	      "T web c fail1\nT web d wait",
	    CONVERGE_CRASH_LOOPING, "exit code 1", 0}}},
    {"what it was started with is its own", NULL, NULL,
	{{0,
	    H "T web a fail127 = starting container failed: exec: \"/nope\": no such file\n"
	      "T web b fail127 = starting container failed: exec: \"/nope\": no such file\n"
	      "T web c fail127 = starting container failed: exec: \"/nope\": no such file",
	    CONVERGE_CRASH_LOOPING, "exec: \"/nope\": no such file", 0}}},
    {"out of time", NULL, NULL,
	{{0, H "T web a start", CONVERGE_PENDING, NULL, 600000},
	    {599999, H "T web a start", CONVERGE_PENDING, NULL, 600000},
	    {600000, H "T web a start", CONVERGE_TIMED_OUT, "the healthcheck of service web", 0}}},
    {"converged late is converged", NULL, NULL,
	{{598000, H "T web a run", CONVERGE_PENDING, NULL, 599000},
	    {600500, H "T web a run", CONVERGE_CONVERGED, NULL, 0}}},
};

static bool is_ours(enum converge_state state)
{
	static const enum converge_state ours[] = {
	    CONVERGE_IMAGE_MISSING, CONVERGE_PORT_TAKEN, CONVERGE_NO_ROOM, CONVERGE_ENGINE};

	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (state == ours[i])
			return true;
	}
	return false;
}

static bool says(const char *reason, const char *part)
{
	auto_str char *end = xstrndup(part, strcspn(part, "$"));

	return strchr(part, '$') ? text_ends(reason, end) : strstr(reason, part) != NULL;
}

START_TEST(judges_row)
{
	const struct row *row = &rows[_i];
	AUTO(converge) converge = {0};
	AUTO(view) before = read_look(row->before ? row->before : "");
	struct converge_rules rules = {
	    .crash_failures = 3,
	    .crash_within_ms = 120000,
	    .deadline_ns = 600000 * NS_PER_MS,
	    .expected = &row->expected,
	    .expected_count = row->expected ? 1 : 0,
	};

	converge_begin(&converge, &rules, &before);
	for (size_t i = 0; i < LOOKS_MAX && row->looks[i].text; i++) {
		const struct look *look = &row->looks[i];
		AUTO(view) view = read_look(look->text);
		struct converge_verdict verdict =
		    converge_look(&converge, &view, look->at_ms * NS_PER_MS);

		ck_assert_msg(verdict.state == look->state, "%s, at %lld: state %d (%s)", row->name,
		    (long long)look->at_ms, (int)verdict.state, verdict.reason);
		if (look->says)
			ck_assert_msg(says(verdict.reason, look->says), "%s, at %lld: \"%s\"",
			    row->name, (long long)look->at_ms, verdict.reason);
		if (look->wake_ms)
			ck_assert_msg(verdict.wake_ns == look->wake_ms * NS_PER_MS,
			    "%s, at %lld: wakes at %lld ms", row->name, (long long)look->at_ms,
			    (long long)(verdict.wake_ns / NS_PER_MS));
		ck_assert(verdict.state != CONVERGE_PENDING || *verdict.reason);
		ck_assert(!converge_is_red(verdict.state) || *verdict.service);
		if (converge_is_red(verdict.state) && verdict.state != CONVERGE_TIMED_OUT)
			ck_assert_int_eq(verdict.is_ours, is_ours(verdict.state));
	}
}
END_TEST

START_TEST(judges_a_recorded_stack)
{
	AUTO_PTR(json) services = harness_engine_answer("services");
	AUTO_PTR(json) tasks = harness_engine_answer("tasks");
	AUTO(view) view = {0};
	AUTO(converge) converge = {0};
	struct converge_rules rules = {
	    .crash_failures = 3, .crash_within_ms = 120000, .deadline_ns = INT64_MAX};
	struct err err;

	ck_assert_msg(view_read("stages-rec", services, tasks, &view, &err) == 0, "%s", err.msg);
	converge_begin(&converge, &rules, NULL);
	struct converge_verdict verdict = converge_look(&converge, &view, 0);
	ck_assert_int_eq(verdict.state, CONVERGE_CRASH_LOOPING);
	ck_assert_str_eq(verdict.service, "crash");
	ck_assert_int_eq(verdict.exit_code, 1);
	ck_assert_uint_eq(strlen(verdict.container), 64);
	ck_assert_uint_eq(converge_failures(&converge), 9);
}
END_TEST

/* Whose affair it is that the time is over: what was never started is not slow. */
static const struct late_row {
	const char *text;
	bool is_ours;
} late_rows[] = {
    {H "T web a wait", true},
    {H "T web a new", true},
    {H "T web a pend" NO_NODE("insufficient resources on 1 node"), true},
    {L "T web a pend" NO_NODE("scheduling constraints not satisfied on 1 node"), false},
    {"S web -1 h", true},
    {"S web -1 h labels", false},
    {"S web 2 h port=80\nT web a run\nT web b pend" PORT_IN_USE, false},
    {H "T web a start", false},
    {H "T web a fail1\nT web b wait", false}, /* waits for its next start */
    {H "T web a run\nT db b run", false},
    {"S job 1 j\nT job a run", false},
    {"", false},
};

START_TEST(gives_lateness_to_its_owner)
{
	const struct late_row *row = &late_rows[_i];
	AUTO(converge) converge = {0};
	AUTO(view) view = read_look(row->text);
	struct converge_rules rules = {
	    .crash_failures = 3, .crash_within_ms = 120000, .deadline_ns = 7 * NS_PER_MS};

	converge_begin(&converge, &rules, NULL);
	struct converge_verdict verdict = converge_look(&converge, &view, 7 * NS_PER_MS);
	ck_assert_int_eq(verdict.state, CONVERGE_TIMED_OUT);
	ck_assert_msg(verdict.is_ours == row->is_ours, "%s: %s", row->text, verdict.reason);
}
END_TEST

/* Whose log shows why. */
static const struct log_row {
	const char *text, *task;
} log_rows[] = {
    {H "T web a start", "a"},
    {"S web 2 h\nT web a start\nT web b wait", "b"}, /* both have a container: the later one */
    {"S web 2 h\nT web a start\nT web b pend nobox", "a"},
    {"S web 2 h\nT web a wait nobox\nT web b start", "b"},
    {"S web 2 h\nT web a start\nT web b wait nobox", "a"},
    {H "T web a wait nobox", ""},
    {H "T web a fail1\nT web b wait nobox", "a"},
    {H "T web a fail1\nT web b fail1\nT web c fail1", "c"},
    {"S job 1 j\nT job a run", "a"},
};

START_TEST(names_the_task_with_the_log)
{
	const struct log_row *row = &log_rows[_i];
	AUTO(converge) converge = {0};
	AUTO(view) view = read_look(row->text);
	struct converge_rules rules = {
	    .crash_failures = 3, .crash_within_ms = 120000, .deadline_ns = INT64_MAX};

	converge_begin(&converge, &rules, NULL);
	struct converge_verdict verdict = converge_look(&converge, &view, 0);
	auto_str char *container = xasprintf("%s%s", *row->task ? "container-" : "", row->task);
	ck_assert_str_eq(verdict.task, row->task);
	ck_assert_str_eq(verdict.container, container);
}
END_TEST

/* More failures than are remembered: the newest count. */
START_TEST(forgets_the_oldest_failures)
{
	AUTO(converge) converge = {0};
	struct converge_rules rules = {
	    .crash_failures = 16, .crash_within_ms = 15000, .deadline_ns = INT64_MAX};
	struct converge_verdict verdict = {0};

	converge_begin(&converge, &rules, NULL);
	for (int i = 0; i < 20; i++) {
		auto_str char *text = xasprintf("%sT web t%d fail1\nT web u%d wait", H, i, i);
		AUTO(view) view = read_look(text);

		/* Two seconds between the first few, then one: only the last sixteen are a loop. */
		int64_t at_ms = i < 4 ? 2000 * i : 4000 + 1000 * i;
		verdict = converge_look(&converge, &view, at_ms * NS_PER_MS);
		ck_assert_int_eq(verdict.state, i < 19 ? CONVERGE_PENDING : CONVERGE_CRASH_LOOPING);
	}
	ck_assert_uint_eq(converge_failures(&converge), 20);
	ck_assert_msg(strstr(verdict.reason, "16 times within 16 s"), "%s", verdict.reason);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("converge");
	TCase *tc = tcase_create("converge");

	tcase_add_loop_test(tc, judges_row, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, gives_lateness_to_its_owner, 0, COUNT_OF(late_rows));
	tcase_add_loop_test(tc, names_the_task_with_the_log, 0, COUNT_OF(log_rows));
	tcase_add_test(tc, forgets_the_oldest_failures);
	tcase_add_test(tc, judges_a_recorded_stack);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
