/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/doctor.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/http.h"
#include "runner-plugin/abra/abra.h"
#include "runner-plugin/abra/abra_server.h"
#include "runner-plugin/checks/browser.h"
#include "runner-plugin/checks/script.h"
#include "runner-plugin/host/room.h"
#include "runner-plugin/run/cgroup.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define LEAST_FREE_PERCENT 10
#define LEAST_FREE_BYTES (INT64_C(5) * 1024 * 1024 * 1024)
#define PROXY_TIMEOUT_MS 5000
#define LEAST_CERTIFICATE_DAYS 14
#define SANDBOX_TIMEOUT_MS 10000
#define USERS_MAX_BYTES 8192

/* --- what prepare looks at too --- */

static int check_engine(struct engine *engine, struct err *err)
{
	AUTO_PTR(json) info = engine_get(engine, "/info", err);
	const struct json *swarm = json_get(info, "Swarm");
	const char *state = json_get_text(swarm, "LocalNodeState");
	bool is_manager = false;

	if (!info)
		return -1;
	if (!state || !text_is(state, "active"))
		return err_set(err, ERR_MISSING,
		    "the engine is in no Swarm (docker swarm init --advertise-addr 127.0.0.1)");
	(void)json_get_bool(swarm, "ControlAvailable", &is_manager);
	if (!is_manager)
		return err_set(err, ERR_MISSING, "the engine is no manager of its Swarm");
	return 0;
}

static int check_proxy_network(struct engine *engine, struct err *err)
{
	struct err why;
	AUTO_PTR(json) network = engine_get(engine, "/networks/proxy", &why);
	const char *driver = json_get_text(network, "Driver");

	if (!network && why.code != ERR_MISSING) {
		*err = why;
		return -1;
	}
	if (!network || !driver || !text_is(driver, "overlay"))
		return err_set(err, ERR_MISSING,
		    "there is no overlay network proxy (docker network create -d overlay proxy)");
	return 0;
}

int doctor_check_swarm(struct engine *engine, struct err *err)
{
	if (check_engine(engine, err) < 0)
		return -1;
	return check_proxy_network(engine, err);
}

/* --- the rows of `ccci-run doctor` --- */

struct patient {
	const struct settings *settings;
	const char *const *environ_rows;
	struct engine *engine; /* NULL: no address to ask */
	char note[160];	       /* what was found, behind a good row */
};

PRINTF_LIKE(2, 3)
static int note(struct patient *patient, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(patient->note, sizeof(patient->note), format, args);
	va_end(args);
	return 0;
}

static int row_engine(struct patient *patient, struct err *err)
{
	AUTO_PTR(json) version = engine_get(patient->engine, "/version", err);
	const char *number = json_get_text(version, "Version");

	if (!version)
		return -1;
	return note(patient, "Docker %.40s at %.100s", number ? number : "?",
	    patient->settings->docker_host);
}

static int row_swarm(struct patient *patient, struct err *err)
{
	return check_engine(patient->engine, err) < 0 ? -1 : note(patient, "active, manager");
}

static int row_proxy_network(struct patient *patient, struct err *err)
{
	return check_proxy_network(patient->engine, err) < 0 ? -1 : note(patient, "overlay");
}

/* Asked as a run asks it; a run has a directory of its own for the log. */
static int ask_abra(struct patient *patient, struct abra *out, struct err *err)
{
	char dir[] = "/tmp/ccci-doctor-XXXXXX";
	auto_str char *log_dir = NULL;
	struct err ignored;

	if (!mkdtemp(dir))
		return err_sys(err, errno, "make %s", dir);
	log_dir = xasprintf("%s/log", dir);
	struct run nobody = {.dir = dir, .abra_dir = patient->settings->abra_dir};
	int result = file_make_dirs(log_dir, 0700, err);
	if (result == 0)
		result = abra_find(patient->settings, &nobody, patient->environ_rows, out, err);
	(void)!file_remove_tree(dir, &ignored);
	return result;
}

static int row_abra(struct patient *patient, struct err *err)
{
	const struct settings *settings = patient->settings;
	AUTO(abra) abra = {0};

	if (ask_abra(patient, &abra, err) < 0)
		return -1;
	auto_str char *server =
	    xasprintf("%s/servers/%s", settings->abra_dir, settings->abra_server);
	if (!file_exists(server))
		return err_set(
		    err, ERR_MISSING, "there is no %s (abra server add --local)", server);
	if (patient->engine && abra_server_check(settings, patient->engine, err) < 0)
		return -1;
	return note(patient, "%.60s, server %.60s", abra.version, settings->abra_server);
}

static int row_nodes(struct patient *patient, struct err *err)
{
	const struct nodes *nodes = engine_nodes(patient->engine, err);

	if (!nodes)
		return -1;
	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->items[i];

		if (!node->is_own && !node->url)
			return err_set(err, ERR_MISSING,
			    "ENGINE_NODES does not name node %.60s: what is on it cannot be "
			    "marked, shown or taken away",
			    *node->name ? node->name : node->id);
	}
	return note(patient, "%zu, the engine of each answers", nodes->count);
}

static int row_git(struct patient *patient, struct err *err)
{
	const char *path = environ_get(patient->environ_rows, "PATH");
	auto_str char *program = NULL;

	if (file_find_program("git", path ? path : "/usr/bin:/bin", &program, err) < 0)
		return err_prefix(err, "find git (apt-get install git)");
	return note(patient, "%s", program);
}

static int row_state_dir(struct patient *patient, struct err *err)
{
	const char *dir = patient->settings->state_dir;
	auto_str char *probe = xasprintf("%s/.doctor-%ld", dir, (long)getpid());
	struct err why;

	if (file_make_dirs(dir, 0700, err) < 0 || file_write_atomic(probe, 0600, "", 0, err) < 0)
		return err_prefix(err, "STATE_DIR");
	(void)!file_remove_tree(probe, &why);
	return note(patient, "%s", dir);
}

static int check_space(struct patient *patient, const char *path, struct err *err)
{
	struct room room;

	if (room_look(path, &room, err) < 0)
		return -1;
	if (room.disk_percent < LEAST_FREE_PERCENT && room.free_bytes < LEAST_FREE_BYTES)
		return err_set(err, ERR_LIMIT, "%s: %lld %% of the disk is free, %lld MiB", path,
		    (long long)room.disk_percent, (long long)(room.free_bytes / 1024 / 1024));
	if (room.inode_percent < LEAST_FREE_PERCENT)
		return err_set(err, ERR_LIMIT, "%s: %lld %% of the inodes are free", path,
		    (long long)room.inode_percent);
	return note(patient, "%lld %% of disk and %lld %% of inodes free at %.60s",
	    (long long)room.disk_percent, (long long)room.inode_percent, path);
}

/* Where the engine keeps images fills up first, when it is on this host. */
static int row_disk(struct patient *patient, struct err *err)
{
	struct err why;
	bool is_here = patient->engine && engine_is_here(patient->engine);
	AUTO_PTR(json) info = is_here ? engine_get(patient->engine, "/info", &why) : NULL;
	const char *root = json_get_text(info, "DockerRootDir");

	if (check_space(patient, patient->settings->state_dir, err) < 0)
		return -1;
	if (!root || !file_exists(root))
		return 0;
	return check_space(patient, root, err);
}

static int row_slots(struct patient *patient, struct err *err)
{
	int64_t most = patient->settings->max_tests;
	int64_t taken = 0;

	(void)err;
	for (int64_t i = 1; i <= most; i++) {
		auto_str char *path =
		    xasprintf("%s/slots/%lld", patient->settings->state_dir, (long long)i);
		auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
			taken++;
	}
	return note(patient, "%lld of %lld free", (long long)(most - taken), (long long)most);
}

/* "keycloak at keyc-9f2c1a.ci.example.org, used by 2"; another one of them behind it. */
static void describe_shared(struct patient *patient, const char *id, struct buf *out)
{
	AUTO(run) run = {0};
	AUTO(buf) users = {0};
	size_t count = 0;
	struct err ignored;

	if (run_open(patient->settings, id, &run, &ignored) < 0 || !lease_is_held(run.dir))
		return;
	auto_str char *path = run_path(&run, SHARED_USERS_FILE);
	if (file_read(path, USERS_MAX_BYTES, &users, &ignored) == 0)
		for (const char *line = buf_text(&users); (line = strchr(line, '\n')); line++)
			count++;
	(void)buf_printf(out, "%s%s at %s, used by %zu", out->length ? "; " : "", run.params.recipe,
	    run.domain, count);
}

static int row_shared(struct patient *patient, struct err *err)
{
	const char *named = patient->settings->shared_needs;
	auto_str char *path = xasprintf("%s/runs", patient->settings->state_dir);
	AUTO(buf) text = buf_make(sizeof(patient->note));
	AUTO(file_names) runs = {0};

	if (file_exists(path) && file_list_names(path, &runs, err) < 0)
		return -1;
	for (size_t i = 0; i < runs.count; i++)
		if (shared_is_id(runs.names[i]))
			describe_shared(patient, runs.names[i], &text);
	if (text.length)
		return note(patient, "%s", buf_text(&text));
	return named ? note(patient, "none is up (SHARED_NEEDS: %.100s)", named)
		     : note(patient, "not wanted: SHARED_NEEDS is empty");
}

/* A run does without, so it is never red. */
static int row_processes(struct patient *patient, struct err *err)
{
	char below[CGROUP_PATH_SIZE];

	if (cgroup_try(below, err) == 0)
		return note(
		    patient, "each run's in a control group of its own, below %.90s", below);
	return note(
	    patient, "no control group (%.80s): found by environment and parents only", err->msg);
}

/* A test that does nothing, where those that recipes ship would run. */
static int try_sandbox(struct patient *patient, const char *dir, struct err *err)
{
	static const char text[] = "#!/bin/sh\nexit 0\n";
	auto_str char *tests = xasprintf("%s/tests", dir);
	auto_str char *program = xasprintf("%s/try", tests);
	struct run nobody = {.dir = (char *)(uintptr_t)dir};
	const struct stages_work work = {.settings = patient->settings,
	    .run = &nobody,
	    .cancel_fd = -1,
	    .deadline_ns = clock_now() + SANDBOX_TIMEOUT_MS * NS_PER_MS,
	    .environ = patient->environ_rows};
	const struct script_spec spec = {
	    .path = "try", .stage = STAGE_RECIPE, .sandbox = &sandbox_limits_default};
	AUTO(script_result) result = {0};

	(void)format_text(nobody.id, sizeof(nobody.id), "doctor-%ld", (long)getpid());
	(void)format_text(
	    nobody.domain, sizeof(nobody.domain), "doctor.%s", patient->settings->zone);
	if (file_make_dirs(tests, 0755, err) < 0 ||
	    file_write_atomic(program, 0755, text, strlen(text), err) < 0 ||
	    script_run(&work, &spec, &result, err) < 0)
		return -1;
	if (result.outcome != OUTCOME_PASS)
		return err_set(err, ERR_MISSING, "a test that does nothing: %s", result.reason);
	return 0;
}

static int row_sandbox(struct patient *patient, struct err *err)
{
	char dir[] = "/tmp/ccci-doctor-XXXXXX";
	struct err ignored;

	if (!patient->settings->recipe_tests_allow)
		return note(patient, "not wanted: RECIPE_TESTS_ALLOW is empty");
	if (!mkdtemp(dir))
		return err_sys(err, errno, "make %s", dir);
	int result = try_sandbox(patient, dir, err);
	(void)!file_remove_tree(dir, &ignored);
	return result < 0 ? -1 : note(patient, "bubblewrap, for the tests that recipes ship");
}

/* Of whatever the proxy answers for a name that nobody has. */
static int row_picture(struct patient *patient, struct err *err)
{
	char id[RUN_ID_SIZE];
	auto_str char *domain = xasprintf("doctor.%s", patient->settings->zone);
	AUTO(buf) picture = {0};
	struct picture_head head;

	if (!patient->settings->picture)
		return note(patient, "not wanted: PICTURE is 0");
	(void)format_text(id, sizeof(id), "doctor-%ld", (long)getpid());
	const struct browser_spec spec = {
	    .run_id = id,
	    .domain = domain,
	    .connect_to = patient->settings->probe_connect,
	    .page = "/",
	    .path = environ_path(patient->environ_rows),
	    .cancel_fd = -1,
	};
	if (browser_take(&spec, &picture, &head, err) < 0)
		return -1;
	return note(
	    patient, "Chromium shows *.%.60s, %zu bytes", patient->settings->zone, picture.length);
}

/* Whatever renews the zone's certificate had weeks for it: a host that waits until it has ended
 * blames us for every run of that day. */
static int note_certificate(
    struct patient *patient, const struct http_response *response, struct err *err)
{
	char end[CLOCK_RFC3339_SIZE];
	int64_t days = (response->certificate_until_s - clock_wall_s()) / S_PER_DAY;

	if (!response->certificate_until_s)
		return note(
		    patient, "answers %d for *.%.60s", response->status, patient->settings->zone);
	clock_format_rfc3339(response->certificate_until_s, end);
	if (days < LEAST_CERTIFICATE_DAYS)
		return err_set(err, ERR_LIMIT,
		    "the certificate for *.%.60s ends on %.10s, in %lld days: put a new one in "
		    "(docs/secrets.md)",
		    patient->settings->zone, end, (long long)days);
	return note(patient, "answers %d for *.%.60s, certificate until %.10s", response->status,
	    patient->settings->zone, end);
}

/* Any answer will do, with a certificate that is good for a test's name. */
static int row_proxy(struct patient *patient, struct err *err)
{
	AUTO(http_response) response = {0};
	auto_str char *url = xasprintf("https://doctor.%s/", patient->settings->zone);
	struct http_request request = {
	    .url = url,
	    .connect_to = patient->settings->probe_connect,
	    .ca_file = patient->settings->probe_ca_file,
	    .timeout_ms = PROXY_TIMEOUT_MS,
	    .max_bytes = 1024 * 1024,
	    .keep_certificate = true,
	};

	if (http_call(&request, &response, err) < 0)
		return err_prefix(err, "ask the proxy at %s for a name in %s (PROBE_CONNECT, ZONE)",
		    patient->settings->probe_connect, patient->settings->zone);
	return note_certificate(patient, &response, err);
}

static const struct row {
	const char *name;
	int (*check)(struct patient *patient, struct err *err);
	bool needs_engine;
} rows[] = {
    {"engine", row_engine, true},
    {"swarm", row_swarm, true},
    {"network proxy", row_proxy_network, true},
    {"nodes", row_nodes, true},
    {"abra", row_abra, false},
    {"git", row_git, false},
    {"state directory", row_state_dir, false},
    {"disk", row_disk, false},
    {"slots", row_slots, false},
    {"shared apps", row_shared, false},
    {"processes", row_processes, false},
    {"sandbox", row_sandbox, false},
    {"proxy", row_proxy, false},
    {"picture", row_picture, false},
};

enum exit_code doctor_run(const struct settings *settings, const char *const *environ_rows)
{
	struct patient patient = {.settings = settings, .environ_rows = environ_rows};
	struct err no_engine;
	bool is_missing_some = false;

	patient.engine = engine_open(settings, &no_engine);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = no_engine;
		bool is_good = false;

		patient.note[0] = '\0';
		if (patient.engine || !rows[i].needs_engine)
			is_good = rows[i].check(&patient, &err) == 0;
		is_missing_some = is_missing_some || !is_good;
		if (printf("%s %-16s %s\n", is_good ? "✓" : "✗", rows[i].name,
			is_good ? patient.note : err.msg) < 0)
			break;
	}
	engine_close(patient.engine);
	return is_missing_some ? EXIT_OURS : EXIT_PASSED;
}
