/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's answers, as recorded and from a peer that follows a script. */
#include "scripted_engine.h"

#include "runner-plugin/swarm/archive.h"

#include "common/clock.h"

/* --- lists --- */

static const struct list_row {
	enum engine_kind kind;
	const char *file;
	const char *stack;
	size_t count;
	const char *first_name; /* NULL: not looked at */
} list_rows[] = {
    {ENGINE_SERVICE, "services", "stages-rec", 5, NULL},
    {ENGINE_SERVICE, "services", "stages", 0, NULL},
    {ENGINE_SERVICE, "services", "", 5, NULL},
    {ENGINE_TASK, "tasks", "", 13, NULL},
    {ENGINE_TASK, "tasks", "stages-rec", 13, NULL},
    {ENGINE_TASK, "tasks", "stages", 0, NULL},
    {ENGINE_TASK, "jobs.tasks", "jobs-rec", 8, NULL},	   /* those that run, or will */
    {ENGINE_TASK, "jobs.left.tasks", "jobs-rec", 1, NULL}, /* runs without its service */
    {ENGINE_CONTAINER, "containers", "stages-rec", 7, NULL},
    {ENGINE_NETWORK, "networks", "stages-rec", 1, "stages-rec_default"},
    {ENGINE_NETWORK, "networks", "", 7, NULL},
    {ENGINE_SECRET, "secrets", "stages-rec", 1, "stages-rec_s"},
    {ENGINE_SECRET, "secrets", "stages-re", 0, NULL},
    {ENGINE_CONFIG, "configs", "stages-rec", 1, "stages-rec_c"},
    {ENGINE_VOLUME, "volumes", "stages-rec", 1, "stages-rec_data"},
    {ENGINE_VOLUME, "volumes", "other", 0, NULL},
};

START_TEST(lists_what_belongs_to_a_stack)
{
	const struct list_row *row = &list_rows[_i];
	AUTO_PTR(json) answer = harness_engine_answer(row->file);
	AUTO(engine_list) list = {0};
	struct err err;

	ck_assert_msg(
	    engine_list_read(row->kind, row->stack, answer, &list, &err) == 0, "%s", err.msg);
	ck_assert_msg(list.count == row->count, "%s of \"%s\": %zu, not %zu", row->file, row->stack,
	    list.count, row->count);
	if (row->first_name)
		ck_assert_str_eq(list.items[0].name, row->first_name);
}
END_TEST

START_TEST(finds_unlabelled_things_by_prefix)
{
	static const char text[] =
	    "[{\"ID\":\"a\",\"Spec\":{\"Name\":\"app-1_ci_pw_v1\",\"Labels\":{}}},"
	    "{\"ID\":\"b\",\"Spec\":{\"Name\":\"app-1_ci2_pw_v1\"}},"
	    "{\"ID\":\"c\",\"Spec\":{\"Name\":\"app-1_ci\",\"Labels\":null}}]";
	struct err err;
	AUTO_PTR(json) answer = json_parse(text, strlen(text), &err);
	AUTO(engine_list) list = {0};

	ck_assert_int_eq(engine_list_read(ENGINE_SECRET, "app-1_ci", answer, &list, &err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.items[0].id, "a");
}
END_TEST

static const char *const bad_lists[] = {"{}", "null", "\"x\"", "[{}]", "[3]", "{\"Volumes\":3}"};

START_TEST(refuses_what_is_no_list)
{
	struct err err = {0};
	AUTO_PTR(json) answer = json_parse(bad_lists[_i], strlen(bad_lists[_i]), &err);
	AUTO(engine_list) list = {0};

	ck_assert_int_eq(engine_list_read(ENGINE_SERVICE, "x", answer, &list, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* --- log frames --- */

static const struct frame_row {
	const char *data;
	size_t length;
	const char *text;
} frame_rows[] = {
    {"", 0, ""}, {"\1\0\0\0\0\0\0\3one", 11, "one"},
    {"\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\3two", 23, "one\ntwo"},
    {"plain text\n", 11, "plain text\n"},
    {"\1\0\0\0\0\0\1\0cut", 11, "cut"},		      /* the answer ended inside a frame */
    {"\1\0\0\0\0\0\0\0", 8, ""}, {"\1\0\0", 3, "\1"}, /* as text: ends at its NUL */
};

START_TEST(takes_log_frames_apart)
{
	AUTO(buf) out = buf_make(1000);

	engine_unframe(frame_rows[_i].data, frame_rows[_i].length, &out);
	ck_assert_str_eq(buf_text(&out), frame_rows[_i].text);
}
END_TEST

/* --- addresses --- */

static const struct host_row {
	const char *host, *cert_dir;
	const char *complaint; /* NULL: accepted */
} host_rows[] = {
    {"unix:///var/run/docker.sock", NULL, NULL},
    {"unix:///var/run/docker.sock", "/nonexistent", NULL}, /* of no concern there */
    {"tcp://10.0.0.1:2376", NULL, NULL},
    {"tcp://10.0.0.1:2376", "/nonexistent", "cannot read /nonexistent/ca.pem"},
    {"ssh://ci@host", NULL, NULL},
    {"tcp://user@host:1", NULL, "is not tcp://host:port"},
    {"http://host", NULL, "is neither"},
};

START_TEST(knows_addresses)
{
	const struct host_row *row = &host_rows[_i];
	char host[200];
	const struct settings settings = {
	    .docker_host = host, .docker_cert_path = (char *)(uintptr_t)row->cert_dir};
	struct err err = {0};

	ck_assert(copy_text(host, sizeof(host), row->host));
	AUTO_PTR(engine) engine = engine_open(&settings, &err);

	if (!row->complaint) {
		ck_assert_ptr_nonnull(engine);
		return;
	}
	ck_assert_ptr_null(engine);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->complaint) != NULL, "%s", err.msg);
}
END_TEST

static const struct removal_row {
	enum engine_kind kind;
	struct exchange exchange;
	int result;
	enum err_code code;
} removal_rows[] = {
    {ENGINE_VOLUME, {"DELETE /v1.41/volumes/x%20y ", 204, ""}, 0, ERR_NONE},
    {ENGINE_SERVICE, {"DELETE /v1.41/services/x%20y ", 404, "{\"message\":\"gone\"}"}, 0, ERR_NONE},
    {ENGINE_CONTAINER, {"DELETE /v1.41/containers/x%20y?force=1&v=1 ", 204, ""}, 0, ERR_NONE},
    {ENGINE_VOLUME,
	{"DELETE /v1.41/volumes/x%20y ", 409, "{\"message\":\"remove x: volume is in use - [a]\"}"},
	-1, ERR_TRANSIENT},
    {ENGINE_SECRET,
	{"DELETE /v1.41/secrets/x%20y ", 400,
	    "{\"message\":\"rpc error: secret 's' is in use by the following service: a\"}"},
	-1, ERR_TRANSIENT},
    {ENGINE_NETWORK,
	{"DELETE /v1.41/networks/x%20y ", 403, "{\"message\":\"network n has active endpoints\"}"},
	-1, ERR_TRANSIENT},
    {ENGINE_CONFIG, {"DELETE /v1.41/configs/x%20y ", 400, "{\"message\":\"bad\"}"}, -1,
	ERR_PROTOCOL},
    {ENGINE_CONFIG, {"DELETE /v1.41/configs/x%20y ", 500, "no JSON"}, -1, ERR_TRANSIENT},
    {ENGINE_TASK, {"GET /v1.41/tasks/x%20y ", 404, "{\"message\":\"gone\"}"}, 0, ERR_NONE},
    {ENGINE_TASK, {"GET /v1.41/tasks/x%20y ", 200, "{}"}, -1, ERR_TRANSIENT},
};

START_TEST(removes_and_says_why_not)
{
	const struct removal_row *row = &removal_rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION}, row->exchange};
	struct err err = {0};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));

	int result = engine_remove(engine, row->kind, "x y", &err);
	peer_stop();
	ck_assert_msg(result == row->result, "%s", err.msg);
	ck_assert_msg(err.code == row->code, "%d: %s", (int)err.code, err.msg);
}
END_TEST

#define FORGOTTEN_DELETE                                                                           \
	{                                                                                          \
		"DELETE /v1.41/networks/x%20y ", 500,                                              \
		    "{\"message\":\"network jxwfkcbrcplpsj0hvdja08d6u not found\"}"                \
	}
#define FORGOTTEN_LABELS "\"Labels\":{\"com.docker.stack.namespace\":\"green-9f2c1a\"}"
#define FORGOTTEN_PRUNE                                                                            \
	"POST /v1.41/networks/"                                                                    \
	"prune?filters=%7B%22label%22%3A%5B%22com.docker.stack.namespace%3Dgreen-9f2c1a%22%5D%7D "

/* Swarm has removed it, its node still lists it: what was seen of 20.10.24. */
static const struct forgotten_row {
	struct exchange after[3];
	int result;
	const char *says;
} forgotten_rows[] = {
    {{{"GET /v1.41/networks/x%20y ", 200, "{\"Name\":\"green_default\"," FORGOTTEN_LABELS "}"},
	 {"POST /v1.41/networks/x%20y/disconnect ", 200, ""},
	 {FORGOTTEN_PRUNE, 200, "{\"NetworksDeleted\":[\"green_default\"]}"}},
	0, NULL},
    {{{"GET /v1.41/networks/x%20y ", 200, "{\"Name\":\"green_default\"," FORGOTTEN_LABELS "}"},
	 {"POST /v1.41/networks/x%20y/disconnect ", 404, "{\"message\":\"no endpoint\"}"},
	 {FORGOTTEN_PRUNE, 409, "{\"message\":\"a prune operation is already running\"}"}},
	-1, "a prune operation is already running"},
    {{{"GET /v1.41/networks/x%20y ", 404, "{\"message\":\"gone\"}"}}, 0, NULL},
    {{{"GET /v1.41/networks/x%20y ", 200, "{\"Name\":\"green_default\",\"Labels\":{}}"}}, -1,
	"only its node knows network /networks/x%20y"},
};

START_TEST(removes_what_swarm_has_forgotten)
{
	const struct forgotten_row *row = &forgotten_rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION}, FORGOTTEN_DELETE,
	    row->after[0], row->after[1], row->after[2]};
	size_t count = 2;
	struct err err = {0};

	while (count < COUNT_OF(script) && script[count].want)
		count++;
	AUTO_PTR(engine) engine = peer_start(script, count);
	int result = engine_remove(engine, ENGINE_NETWORK, "x y", &err);
	peer_stop();
	ck_assert_msg(result == row->result, "%s", err.msg);
	ck_assert_msg(!row->says || strstr(err.msg, row->says), "%s", err.msg);
}
END_TEST

static const struct force_row {
	struct exchange look, update;
	int result;
	enum err_code code;
} force_rows[] = {
    {{"GET /v1.41/services/x%20y ", 200,
	 "{\"Version\":{\"Index\":42},\"Spec\":{\"Name\":\"a\",\"TaskTemplate\":{\"ForceUpdate\":2}"
	 "}}"},
	{"POST /v1.41/services/x%20y/update?version=42 ", 200, "{}"}, 0, ERR_NONE},
    {{"GET /v1.41/services/x%20y ", 200, "{\"Version\":{\"Index\":42}}"},
	{"POST /v1.41/services/x%20y/update?version=42 ", 500,
	    "{\"message\":\"rpc error: code = Unknown desc = update out of sequence\"}"},
	-1, ERR_TRANSIENT},
    {{"GET /v1.41/services/x%20y ", 404, "{\"message\":\"gone\"}"}, {0}, -1, ERR_MISSING},
    {{"GET /v1.41/services/x%20y ", 200, "{\"Spec\":{}}"}, {0}, -1, ERR_PROTOCOL},
};

START_TEST(forces_an_update)
{
	const struct force_row *row = &force_rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION}, row->look, row->update};
	struct err err = {0};
	AUTO_PTR(engine)
	engine = peer_start(script, row->update.want ? COUNT_OF(script) : COUNT_OF(script) - 1);

	int result = engine_force_update(engine, "x y", &err);
	auto_str char *path = xasprintf("%s/request", peer_dir);
	AUTO(buf) sent = {0};
	struct err ignored;
	ck_assert_int_eq(file_read(path, 64 * 1024, &sent, &ignored), 0);
	ck_assert_int_eq(
	    strstr(buf_text(&sent), "\"TaskTemplate\":{\"ForceUpdate\":3}") != NULL, result == 0);
	peer_stop();
	ck_assert_msg(result == row->result, "%s", err.msg);
	ck_assert_msg(err.code == row->code, "%d: %s", (int)err.code, err.msg);
}
END_TEST

static const struct version_row {
	const char *answer;
	const char *want; /* the request that follows; NULL: refused */
} version_rows[] = {
    {VERSION, "GET /v1.41/info "},
    {"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "GET /v1.44/info "},
    {"{\"ApiVersion\":\"1.40\"}", "GET /v1.40/info "},
    {"{}", NULL},
    {"{\"ApiVersion\":41}", NULL},
    {"[", NULL},
};

START_TEST(speaks_a_version_the_engine_knows)
{
	const struct version_row *row = &version_rows[_i];
	struct exchange script[] = {
	    {"GET /version ", 200, row->answer}, {row->want ? row->want : "none", 200, "{}"}};
	struct err err = {0};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	AUTO_PTR(json) answer = engine_get(engine, "/info", &err);

	peer_stop();
	ck_assert_msg((answer != NULL) == (row->want != NULL), "%s", err.msg);
	if (!row->want)
		ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

START_TEST(a_written_file_comes_back)
{
	struct err err = {0};
	AUTO(buf) marker = buf_make(100);
	AUTO(buf) request = {0};
	struct exchange script[] = {{"GET /version ", 200, VERSION},
	    {"PUT /v1.41/containers/c1/archive?path=%2Fdata ", 200, ""}};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));

	ck_assert_int_eq(buf_add_text(&marker, "marker 7\n"), 0);
	int result = engine_write_file(engine, "c1", "/data", ".ccci-marker", NULL, &marker, &err);
	auto_str char *path = xasprintf("%s/request", peer_dir);
	ck_assert_int_eq(file_read(path, 64 * 1024, &request, &err), 0);
	auto_str char *dir = xstrdup(peer_dir);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);

	/* tar(1) has to agree with what we call an archive. */
	const char *archive = strstr(buf_text(&request), "\r\n\r\n") + 4;
	auto_str char *tar = xasprintf("%s/a.tar", dir);
	auto_str char *listing = xasprintf("%s/out", dir);
	size_t length = request.length - (size_t)(archive - request.data);
	ck_assert_int_eq(file_write_atomic(tar, 0600, archive, length, &err), 0);
	ck_assert_int_eq(file_make_dirs(listing, 0700, &err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/usr/bin/tar", "tar", "-xf", tar, "-C", listing, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	auto_str char *file = xasprintf("%s/.ccci-marker", listing);
	AUTO(buf) content = {0};
	ck_assert_int_eq(file_read(file, 100, &content, &err), 0);
	ck_assert_str_eq(buf_text(&content), "marker 7\n");
}
END_TEST

static const struct pull_row {
	struct exchange exchange;
	enum err_code code;
	const char *message;
} pull_rows[] = {
    {{"POST /v1.41/images/create?fromImage=a%2Fb%3A1 ", 200,
	 "{\"status\":\"Pulling\"}\r\n{\"status\":\"done\"}\r\n"},
	ERR_NONE, NULL},
    {{"POST /v1.41/images/create?fromImage=a%2Fb%3A1 ", 200,
	 "{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"m\"},\"error\":\"manifest "
	 "unknown\"}\r\n"},
	ERR_PROTOCOL, "manifest unknown"},
    {{"POST /v1.41/images/create?fromImage=a%2Fb%3A1 ", 404,
	 "{\"message\":\"pull access denied for a/b, repository does not exist\"}"},
	ERR_MISSING, "pull access denied"},
    {{"POST /v1.41/images/create?fromImage=a%2Fb%3A1 ", 500, "{\"message\":\"no such host\"}"},
	ERR_TRANSIENT, "no such host"},
};

START_TEST(pulls_and_repeats_the_complaint)
{
	const struct pull_row *row = &pull_rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION}, row->exchange};
	struct err err = {0};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));

	struct engine_pull pull = {.image = "a/b:1"};
	int result =
	    engine_pull_all(engine, &pull, 1, clock_now() + 10 * NS_PER_S, -1, NULL, NULL, &err);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert(pull.is_over);
	ck_assert_msg(pull.err.code == row->code, "%d: %s", (int)pull.err.code, pull.err.msg);
	if (row->message)
		ck_assert_msg(strstr(pull.err.msg, row->message) != NULL, "%s", pull.err.msg);
}
END_TEST

static void count_pull(void *context, const struct engine_pull *pull)
{
	if (pull)
		++*(int *)context;
}

START_TEST(a_pull_ends_with_its_time)
{
	struct err err = {0};
	struct engine_pull pulls[2] = {{.image = "a:1"}, {.image = "b:1"}};
	int over = 0;
	AUTO_PTR(engine) engine = silent_peer_start();

	int result = engine_pull_all(
	    engine, pulls, 2, clock_now() + 200 * NS_PER_MS, -1, count_pull, &over, &err);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_int_eq(over, 2);
	ck_assert_int_eq(pulls[0].err.code, ERR_TIMEOUT);
	ck_assert_int_eq(pulls[1].err.code, ERR_TIMEOUT);
}
END_TEST

#define EVENTS "GET /v1.41/events?filters="

static const char *const events[] = {
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"x\","
    "\"com.docker.stack.namespace\":\"mine\"}}}\n",
    "{\"Type\":\"service\",\"Action\":\"update\",\"Actor\":{\"Attributes\":{\"name\":"
    "\"mine_app\"}}}\n",
    "", /* a stream that ends is a change too */
};

START_TEST(an_event_wakes_the_waiter)
{
	struct exchange script[] = {{"GET /version ", 200, VERSION}, {EVENTS, 200, events[_i]}};
	struct err err = {0};
	bool has_changed = false;
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	int64_t started_ns = clock_now();

	struct engine_watch *watch = engine_watch_open(engine, "mine");
	int result = engine_watch_wait(watch, NULL, 0, 20000, &has_changed, &err);
	engine_watch_close(watch);
	peer_stop();
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert(has_changed);
	ck_assert_int_lt(clock_elapsed_ms(started_ns), 10000);
}
END_TEST

#define EXEC_MADE                                                                                  \
	{                                                                                          \
		"POST /v1.41/containers/c/exec ", 201, "{\"Id\":\"e1\"}"                           \
	}
#define EXEC_START "POST /v1.41/exec/e1/start "
#define EXEC_LOOK "GET /v1.41/exec/e1/json "
#define FRAMES "\1\0\0\0\0\0\0\3one\2\0\0\0\0\0\0\3two"
static const struct exec_row {
	struct exchange exchanges[4];
	enum err_code code;
	const char *says; /* in the error, or all of the output */
	int exit_code;
	size_t max_bytes;
} exec_rows[] = {
    {{EXEC_MADE, {EXEC_START, 200, FRAMES, sizeof(FRAMES) - 1},
	 {EXEC_LOOK, 200, "{\"ExitCode\":3}"}},
	ERR_NONE, "onetwo", 3, 100},
    {{EXEC_MADE, {EXEC_START, 200, ""}, {EXEC_LOOK, 200, "{\"ExitCode\":0}"}}, ERR_NONE, "", 0,
	100},
    /* what is more than there is room for is dropped, and the program's end is known all the same
     */
    {{EXEC_MADE, {EXEC_START, 200, FRAMES, sizeof(FRAMES) - 1},
	 {EXEC_LOOK, 200, "{\"ExitCode\":1}"}},
	ERR_NONE, "on", 1, 10},
    {{{"POST /v1.41/containers/c/exec ", 404, "{\"message\":\"No such container: c\"}"}},
	ERR_MISSING, "No such container", 0, 100},
    {{{"POST /v1.41/containers/c/exec ", 409, "{\"message\":\"c is not running\"}"}}, ERR_TRANSIENT,
	"is not running", 0, 100},
    {{{"POST /v1.41/containers/c/exec ", 201, "{}"}}, ERR_PROTOCOL, "no Id in it", 0, 100},
    {{EXEC_MADE, {EXEC_START, 409, "{\"message\":\"c is paused\"}"}}, ERR_TRANSIENT, "c is paused",
	0, 100},
    /* its output is over before the engine knows that it has ended */
    {{EXEC_MADE, {EXEC_START, 200, ""}, {EXEC_LOOK, 200, "{\"Running\":true,\"ExitCode\":null}"},
	 {EXEC_LOOK, 200, "{\"Running\":false,\"ExitCode\":2}"}},
	ERR_NONE, "", 2, 100},
    {{EXEC_MADE, {EXEC_START, 200, ""}, {EXEC_LOOK, 200, "{}"}}, ERR_PROTOCOL, "no exit code", 0,
	100},
};

START_TEST(runs_a_program)
{
	static const char *const argv[] = {"psql", "-c", "a \"b\"", NULL};
	static const char *const env[] = {"PGUSER=x y", NULL};
	const struct exec_row *row = &exec_rows[_i];
	struct exchange script[] = {{"GET /version ", 200, VERSION}, row->exchanges[0],
	    row->exchanges[1], row->exchanges[2], row->exchanges[3]};
	const struct engine_exec spec = {
	    .container = "c",
	    .argv = argv,
	    .env = env,
	    .deadline_ns = clock_now() + 10 * NS_PER_S,
	    .cancel_fd = -1,
	    .max_bytes = row->max_bytes,
	};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	AUTO(engine_exec_result) result = {0};
	struct err err = {0};
	int ended = engine_exec(engine, &spec, &result, &err);

	peer_stop();
	ck_assert_msg(ended == (row->code == ERR_NONE ? 0 : -1), "%s", err.msg);
	ck_assert_msg(err.code == row->code, "%d: %s", (int)err.code, err.msg);
	if (ended < 0) {
		ck_assert_msg(strstr(err.msg, row->says) != NULL, "%s", err.msg);
		return;
	}
	ck_assert_str_eq(buf_text(&result.output), row->says);
	ck_assert_int_eq(result.exit_code, row->exit_code);
}
END_TEST

/* It is told as words of a list, which no shell reads. */
START_TEST(asks_for_a_program)
{
	static const char *const argv[] = {"sh", "-c", "echo \"$1\"", NULL};
	static const char *const env[] = {"A=b c", NULL};
	const struct exchange script[] = {
	    {"GET /version ", 200, VERSION}, {"POST /v1.41/containers/c/exec ", 404, "{}"}};
	const struct engine_exec spec = {
	    .container = "c", .argv = argv, .env = env, .user = "postgres", .cancel_fd = -1};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	AUTO(engine_exec_result) result = {0};
	AUTO(buf) sent = {0};
	struct err err = {0};

	ck_assert_int_eq(engine_exec(engine, &spec, &result, &err), -1);
	auto_str char *path = xasprintf("%s/request", peer_dir);
	ck_assert_int_eq(file_read(path, 64 * 1024, &sent, &err), 0);
	peer_stop();
	ck_assert_msg(
	    strstr(buf_text(&sent),
		"{\"Cmd\":[\"sh\",\"-c\",\"echo \\\"$1\\\"\"],\"Env\":[\"A=b c\"],"
		"\"AttachStdout\":true,\"AttachStderr\":true,\"User\":\"postgres\"}") != NULL,
	    "%s", buf_text(&sent));
}
END_TEST

START_TEST(a_program_ends_with_its_time)
{
	static const char *const argv[] = {"sleep", "9", NULL};
	static const struct exchange script[] = {{"GET /version ", 200, VERSION}, EXEC_MADE};
	const struct engine_exec spec = {.container = "c",
	    .argv = argv,
	    .deadline_ns = clock_now() + 200 * NS_PER_MS,
	    .cancel_fd = -1,
	    .max_bytes = 100};
	AUTO_PTR(engine) engine = peer_start_as(script, COUNT_OF(script), true);
	AUTO(engine_exec_result) result = {0};
	struct err err = {0};

	ck_assert_int_eq(engine_exec(engine, &spec, &result, &err), -1);
	peer_stop();
	ck_assert_int_eq(err.code, ERR_TIMEOUT);
	ck_assert_str_eq(err.msg, "sleep in a container: not over in time");
}
END_TEST

/* An archive of one file of 3 bytes. */
static struct exchange archive_exchange(char archive[4 * ARCHIVE_BLOCK], size_t length)
{
	const struct archive_entry entry = {.name = "a", .kind = '0', .size = 3, .mode = 0600};

	memset(archive, 0, 4 * (size_t)ARCHIVE_BLOCK);
	archive_header(archive, &entry, 0);
	memcpy(archive + ARCHIVE_BLOCK, "abc", 3);
	return (struct exchange){
	    "GET /v1.41/containers/c/archive?path=%2Fx%2F. ", 200, archive, length};
}

static int open_scratch(void)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	return fileno(file); /* closed with the process, which is this test's */
}

static const struct tree_row {
	int status; /* 200: the archive */
	size_t length;
	uint64_t keep_free_bytes;
	enum err_code code;
	const char *says;
} tree_rows[] = {
    {200, 4 * ARCHIVE_BLOCK, 0, ERR_NONE, NULL},
    {200, 2 * ARCHIVE_BLOCK, 0, ERR_PROTOCOL, "save /x/. of a container: the archive is cut off"},
    {200, 4 * ARCHIVE_BLOCK, UINT64_MAX / 2, ERR_LIMIT, "the host's disk has no room for it"},
    {404, 0, 0, ERR_MISSING, "Could not find the file"},
    {500, 0, 0, ERR_TRANSIENT, "broken"},
};

START_TEST(saves_a_tree)
{
	const struct tree_row *row = &tree_rows[_i];
	char archive[4 * ARCHIVE_BLOCK];
	struct exchange script[] = {
	    {"GET /version ", 200, VERSION}, archive_exchange(archive, row->length)};
	const struct engine_tree tree = {.container = "c",
	    .path = "/x/.",
	    .fd = open_scratch(),
	    .keep_free_bytes = row->keep_free_bytes,
	    .deadline_ns = clock_now() + 10 * NS_PER_S,
	    .cancel_fd = -1};
	struct archive_scan scan = {0};
	struct err err = {0};

	script[1].status = row->status;
	if (row->status == 404 || row->status == 500)
		script[1].body = row->status == 404
				     ? "{\"message\":\"Could not find the file /x in container\"}"
				     : "{\"message\":\"broken\"}";
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	int result = engine_save_tree(engine, &tree, &scan, &err);
	peer_stop();
	ck_assert_msg(err.code == row->code, "%d: %s", (int)err.code, err.msg);
	if (row->says)
		ck_assert_msg(strstr(err.msg, row->says) != NULL, "%s", err.msg);
	if (result == 0) {
		char written[5 * ARCHIVE_BLOCK];

		ck_assert_int_eq(pread(tree.fd, written, sizeof(written), 0), sizeof(archive));
		ck_assert_int_eq(memcmp(written, archive, sizeof(archive)), 0);
		ck_assert_uint_eq(scan.files, 1);
	}
}
END_TEST

START_TEST(puts_a_tree_back)
{
	const struct exchange script[] = {{"GET /version ", 200, VERSION},
	    {"PUT /v1.41/containers/c/archive?path=%2Fx ", 200, ""},
	    {"PUT /v1.41/containers/c/archive?path=%2Fx ", 400,
		"{\"message\":\"extraction point is not a directory\"}"}};
	const struct engine_tree tree = {.container = "c",
	    .path = "/x",
	    .fd = open_scratch(),
	    .deadline_ns = clock_now() + 10 * NS_PER_S,
	    .cancel_fd = -1};
	AUTO(buf) sent = {0};
	struct err err = {0};

	ck_assert_int_eq(write(tree.fd, "an archive", 10), 10);
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	ck_assert_msg(engine_load_tree(engine, &tree, &err) == 0, "%s", err.msg);
	auto_str char *path = xasprintf("%s/request", peer_dir);
	ck_assert_int_eq(file_read(path, 64 * 1024, &sent, &err), 0);
	ck_assert(text_ends(buf_text(&sent), "\r\n\r\nan archive"));
	ck_assert_int_eq(engine_load_tree(engine, &tree, &err), -1);
	peer_stop();
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_str_eq(err.msg, "put back /x of a container: engine: archive: status 400: "
				  "extraction point is not a directory");
}
END_TEST

START_TEST(a_tree_ends_with_its_time)
{
	const struct engine_tree tree = {.container = "c",
	    .path = "/x",
	    .fd = open_scratch(),
	    .deadline_ns = clock_now() + 200 * NS_PER_MS,
	    .cancel_fd = -1};
	struct archive_scan scan = {0};
	struct err err = {0};
	AUTO_PTR(engine) engine = silent_peer_start();

	ck_assert_int_eq(engine_save_tree(engine, &tree, &scan, &err), -1);
	peer_stop();
	ck_assert_int_eq(err.code, ERR_TIMEOUT);
	ck_assert_str_eq(err.msg, "/x in a container: not over in time");
}
END_TEST

START_TEST(an_engine_that_is_gone_is_transient)
{
	struct err err = {0};
	char host[] = "unix:///nonexistent/docker.sock";
	const struct settings settings = {.docker_host = host};
	AUTO_PTR(engine) engine = engine_open(&settings, &err);
	AUTO(engine_list) list = {0};
	bool has_changed = false;

	ck_assert_int_eq(engine_list(engine, ENGINE_SERVICE, "x", &list, &err), -1);
	ck_assert_int_eq(err.code, ERR_TRANSIENT);
	AUTO_PTR(engine_watch) watch = engine_watch_open(engine, "x");
	ck_assert_int_eq(engine_watch_wait(watch, NULL, 0, 20000, &has_changed, &err), 0);
	ck_assert(has_changed);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("engine");
	TCase *tc = tcase_create("engine");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, lists_what_belongs_to_a_stack, 0, COUNT_OF(list_rows));
	tcase_add_test(tc, finds_unlabelled_things_by_prefix);
	tcase_add_loop_test(tc, refuses_what_is_no_list, 0, COUNT_OF(bad_lists));
	tcase_add_loop_test(tc, takes_log_frames_apart, 0, COUNT_OF(frame_rows));
	tcase_add_loop_test(tc, knows_addresses, 0, COUNT_OF(host_rows));
	tcase_add_loop_test(tc, removes_and_says_why_not, 0, COUNT_OF(removal_rows));
	tcase_add_loop_test(tc, removes_what_swarm_has_forgotten, 0, COUNT_OF(forgotten_rows));
	tcase_add_loop_test(tc, forces_an_update, 0, COUNT_OF(force_rows));
	tcase_add_loop_test(tc, speaks_a_version_the_engine_knows, 0, COUNT_OF(version_rows));
	tcase_add_test(tc, a_written_file_comes_back);
	tcase_add_loop_test(tc, pulls_and_repeats_the_complaint, 0, COUNT_OF(pull_rows));
	tcase_add_test(tc, a_pull_ends_with_its_time);
	tcase_add_loop_test(tc, an_event_wakes_the_waiter, 0, COUNT_OF(events));
	tcase_add_loop_test(tc, runs_a_program, 0, COUNT_OF(exec_rows));
	tcase_add_test(tc, asks_for_a_program);
	tcase_add_test(tc, a_program_ends_with_its_time);
	tcase_add_loop_test(tc, saves_a_tree, 0, COUNT_OF(tree_rows));
	tcase_add_test(tc, puts_a_tree_back);
	tcase_add_test(tc, a_tree_ends_with_its_time);
	tcase_add_test(tc, an_engine_that_is_gone_is_transient);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
