/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/settings.h"

#include "runner-plugin/recipe/compose_short.h"
#include "runner-plugin/swarm/nodes.h"

#include <pwd.h>

#define LEAST_MEMORY_BYTES (INT64_C(4) * 1024 * 1024) /* below it the engine takes no limit */

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static const char *check_zone(const char *value)
{
	size_t length = strlen(value);

	if (length > 200)
		return "is longer than 200 characters";
	if (strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
		return "is no domain name: a-z 0-9 . - only";
	if (!strchr(value, '.') || value[0] == '.' || value[0] == '-' || value[length - 1] == '.' ||
	    strstr(value, ".."))
		return "is no domain name such as ci.example.org";
	return NULL;
}

static const char *check_docker_host(const char *value)
{
	if (!text_starts(value, "unix:///") && !text_starts(value, "tcp://") &&
	    !text_starts(value, "ssh://"))
		return "is neither unix:///path, tcp://host:port nor ssh://user@host";
	return NULL;
}

static const char *check_engine_nodes(const char *value)
{
	AUTO(nodes) nodes = {0};
	struct err why;

	return nodes_read(value, &nodes, &why) == 0 ? NULL : "is no list of node=url, each once";
}

static const char *check_host_port(const char *value)
{
	const char *colon = strrchr(value, ':');
	int64_t port = 0;

	if (!colon || colon == value || !parse_int64(colon + 1, 1, 65535, &port))
		return "is no host:port";
	return NULL;
}

static const char *check_word(const char *value)
{
	if (value[0] == '-' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		strlen(value))
		return "holds characters other than A-Z a-z 0-9 . _ - or starts with -";
	return NULL;
}

static bool split_crash_loop(const char *value, int64_t *out_failures, int64_t *out_within_ms)
{
	const char *slash = strchr(value, '/');

	if (!slash)
		return false;
	auto_str char *count = xstrndup(value, (size_t)(slash - value));
	return parse_int64(count, 1, 100, out_failures) &&
	       conf_parse_duration(slash + 1, out_within_ms) && *out_within_ms >= 1000;
}

static const char *check_crash_loop(const char *value)
{
	int64_t failures = 0;
	int64_t within_ms = 0;

	if (!split_crash_loop(value, &failures, &within_ms))
		return "is no FAILURES/TIME such as 3/120s";
	return NULL;
}

/* Names as the engine takes them. */
static const char *check_networks(const char *value)
{
	if (strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-,") !=
	    strlen(value))
		return "is no list of network names, comma separated and without blanks";
	return NULL;
}

/* It becomes a part of a filter, in JSON. */
static const char *check_label(const char *value)
{
	bool is_label =
	    value[0] != '-' && strchr(value, '=') &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=") ==
		strlen(value);

	return is_label || text_is(value, "none") ? NULL : "is neither none nor a label NAME=VALUE";
}

static const char *check_names(const char *value)
{
	if (strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-,") != strlen(value))
		return "is no list of recipes, comma separated and without blanks";
	return NULL;
}

static const char *check_recipes(const char *value)
{
	if (!text_is(value, "*") && check_names(value))
		return "is neither * nor a list of recipes, comma separated and without blanks";
	return NULL;
}

static const char *check_memory(const char *value)
{
	int64_t bytes = 0;

	if (!compose_short_size(value, &bytes) || bytes < LEAST_MEMORY_BYTES)
		return "is no size such as 2g, at least 4m";
	return NULL;
}

static const char *check_program(const char *value)
{
	return value[0] == '-' ? "starts with -" : NULL;
}

static const char *check_absolute(const char *value)
{
	return value[0] == '/' ? NULL : "is no absolute path";
}

static const char *check_home_path(const char *value)
{
	return value[0] == '/' || text_is(value, "~") || text_starts(value, "~/")
		   ? NULL
		   : "is no absolute path (or ~/...)";
}

#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define AT(field) offsetof(struct settings, field)

const struct conf_row settings_rows[] = {
    {"GITEA_URL", CONF_URL, AT(gitea_url), .help = "the forge that recipes are fetched from"},
    {"GIT_TOKEN", CONF_SECRET, AT(git_token),
	.help = "token for private mirrors, sent in one header of one call"},
    {"ZONE", CONF_TEXT, AT(zone), .is_required = true, .check = check_zone,
	.help = "wildcard zone of the test domains, e.g. ci.example.org"},
    {"DRONE_URL", CONF_URL, AT(drone_url),
	.help = "Drone, asked whether the build is still wanted; default: from the step"},
    {"DRONE_TOKEN", CONF_SECRET, AT(drone_token),
	.help = "only needed when the CI repository is private"},
    {"WOODPECKER_URL", CONF_URL, AT(woodpecker_url),
	.help = "Woodpecker, asked the same; default: from the step"},
    {"WOODPECKER_TOKEN", CONF_SECRET, AT(woodpecker_token),
	.help = "only needed when the CI repository is private"},
    {"ABRA", CONF_TEXT, AT(abra), .fallback = "abra", .check = check_program,
	.help = "abra: a name on PATH, or a path"},
    {"ABRA_DIR", CONF_TEXT, AT(abra_dir), .fallback = "~/.abra", .check = check_home_path,
	.help = "the operator's abra home; servers and catalogue are linked from it"},
    {"ABRA_SERVER", CONF_TEXT, AT(abra_server), .fallback = "default", .check = check_word,
	.help = "abra's name of the server that tests are deployed on"},
    {"DOCKER_HOST", CONF_TEXT, AT(docker_host), .fallback = "unix:///var/run/docker.sock",
	.check = check_docker_host, .help = "Docker engine of the test Swarm, a manager"},
    {"DOCKER_CERT_PATH", CONF_TEXT, AT(docker_cert_path), .check = check_home_path,
	.help = "directory of ca.pem, cert.pem and key.pem for tcp://"},
    {"DOCKER_TLS_VERIFY", CONF_TEXT, AT(docker_tls_verify),
	.help = "any text: TLS for tcp://, with the files of DOCKER_CONFIG unless told otherwise"},
    {"ENGINE_NODES", CONF_TEXT, AT(engine_nodes), .check = check_engine_nodes,
	.help = "node=url,...: engines of the other nodes of the Swarm"},
    {"DOCKER_CONFIG", CONF_TEXT, AT(docker_config), .fallback = "~/.docker",
	.check = check_home_path, .help = "where docker login keeps the logins at registries"},
    {"RECIPE_ORG", CONF_TEXT, AT(recipe_org), .check = check_word,
	.help = "owner of the recipe when a build names only RECIPE"},
    {"SUITES", CONF_TEXT, AT(suites), .fallback = "tests/recipes", .check = check_program,
	.help = "directory of the suites, absolute or relative to the CI checkout"},
    {"MAX_TESTS", CONF_INT, AT(max_tests), .fallback = "1", .least = 1, .most = 64,
	.help = "slots of this host", .unit = "runs"},
    {"RUN_TIMEOUT", CONF_DURATION, AT(run_timeout_ms), .fallback = "55m", .least = 10000,
	.most = 24 * HOUR_MS, .help = "a run's deadline, counted from the build's start"},
    {"DEPLOY_TIMEOUT", CONF_DURATION, AT(deploy_timeout_ms), .fallback = "20m", .least = 5000,
	.most = 12 * HOUR_MS, .help = "longest wait for one deployment"},
    {"CRASH_LOOP", CONF_TEXT, AT(crash_loop), .fallback = "3/120s", .check = check_crash_loop,
	.help = "failures without a healthy second, within this time"},
    {"CCCI_JANITOR_MAX_AGE", CONF_DURATION, AT(janitor_max_age_ms), .fallback = "2h", .least = 0,
	.most = 30 * 24 * HOUR_MS, .help = "age of leftovers without a lease that reap removes"},
    {"KEEP_MAX", CONF_DURATION, AT(keep_max_ms), .fallback = "0s", .least = 0, .most = 4 * HOUR_MS,
	.help = "longest that a judged app stays up for a look; 0s: off"},
    {"SHARED_NEEDS", CONF_TEXT, AT(shared_needs), .check = check_names,
	.help = "recipes under needs whose app runs may share, comma separated; default: none"},
    {"SHARED_IDLE", CONF_DURATION, AT(shared_idle_ms), .fallback = "15m", .least = 1000,
	.most = 24 * HOUR_MS, .help = "how long such an app stays up that nobody uses"},
    {"PRUNE_BELOW", CONF_INT, AT(prune_below), .fallback = "15", .least = 1, .most = 99,
	.help = "prune removes images while less of disk or inodes is free", .unit = "percent"},
    {"PROBE_CONNECT", CONF_TEXT, AT(probe_connect), .fallback = "127.0.0.1:443",
	.check = check_host_port, .help = "where probes reach the proxy"},
    {"PROBE_CA_FILE", CONF_TEXT, AT(probe_ca_file), .check = check_absolute,
	.help = "PEM of the authority behind the zone's certificate; default: the system's"},
    {"NETWORKS_ALLOW", CONF_TEXT, AT(networks_allow), .fallback = "proxy", .check = check_networks,
	.help = "networks of others that a recipe may join, comma separated"},
    {"BACKUP_BOT", CONF_TEXT, AT(backup_bot), .fallback = "coop-cloud.backupbot.enabled=true",
	.check = check_label,
	.help = "label of the service of the host's backup-bot-two; none: it is not used"},
    {"RECIPE_TESTS_ALLOW", CONF_TEXT, AT(recipe_tests_allow), .check = check_recipes,
	.help = "recipes whose own tests/ may run, in a sandbox, comma separated; * = all"},
    {"PICTURE", CONF_BOOL, AT(picture), .fallback = "0",
	.help = "take a picture of the app, by the host's Chromium in a sandbox"},
    {"MAX_REPLICAS", CONF_INT, AT(max_replicas), .fallback = "10", .least = 1, .most = 10000,
	.help = "of all services of one stack together", .unit = "replicas"},
    {"MAX_MEMORY", CONF_TEXT, AT(max_memory_text), .check = check_memory,
	.help = "that one stack may ask for, e.g. 2g; default: what the host has"},
    {"HISTORY_RUNS", CONF_INT, AT(history_runs), .fallback = "200", .least = 1, .most = 100000,
	.help = "finished runs whose results and logs this host keeps", .unit = "runs"},
    {"HISTORY_BYTES", CONF_TEXT, AT(history_bytes_text), .fallback = "2g", .check = check_memory,
	.help = "that they may take together, e.g. 500m"},
    {"STATE_DIR", CONF_TEXT, AT(state_dir), .fallback = "/var/lib/ccci", .check = check_absolute,
	.help = "runs, leases, slots"},
    {"LOG_LEVEL", CONF_CHOICE, AT(log_level), .fallback = "info", .choices = log_levels,
	.help = "error, warning, info or debug"},
};
const size_t settings_row_count = COUNT_OF(settings_rows);

static bool is_in_step(const char *const *environ)
{
	const char *ci = environ_get(environ, "CI");

	return environ_get(environ, "DRONE_BUILD_NUMBER") || (ci && text_is(ci, "woodpecker"));
}

/* In a CI server's step HOME is the build's, and gone with it: "~" is then the home of who the
 * runner runs as. */
static const char *find_home(const struct conf_sources *sources)
{
	const char *home = environ_get(sources->environ, "HOME");
	const struct passwd *user = getpwuid(getuid());

	if (home && home[0] == '/' && !is_in_step(sources->environ))
		return home;
	return user && user->pw_dir[0] == '/' ? user->pw_dir : "/root";
}

static void expand_home(const char *home, char **path)
{
	if (**path != '~')
		return;
	char *expanded = xasprintf("%s%s", home, *path + 1);

	free(*path);
	*path = expanded;
}

int settings_load(const struct conf_sources *sources, struct settings *out, struct buf *mistakes)
{
	struct settings settings = {0};

	if (conf_load(settings_rows, settings_row_count, sources, &settings, mistakes) < 0)
		return -1;
	/* The row's check has seen the form already. */
	(void)split_crash_loop(
	    settings.crash_loop, &settings.crash_loop_failures, &settings.crash_loop_within_ms);
	if (settings.max_memory_text)
		(void)!compose_short_size(settings.max_memory_text, &settings.max_memory);
	(void)!compose_short_size(settings.history_bytes_text, &settings.history_bytes);
	if (settings.janitor_max_age_ms == 0 && settings.max_tests != 1) {
		(void)buf_add_text(mistakes,
		    "CCCI_JANITOR_MAX_AGE: 0 is safe only with MAX_TESTS=1: with more, a leftover "
		    "may be a run that just starts\n");
		settings_release(&settings);
		return -1;
	}
	settings.home = xstrdup(find_home(sources));
	expand_home(settings.home, &settings.abra_dir);
	expand_home(settings.home, &settings.docker_config);
	if (settings.docker_cert_path)
		expand_home(settings.home, &settings.docker_cert_path);
	*out = settings;
	return 0;
}

void settings_release(struct settings *settings)
{
	free(settings->home);
	settings->home = NULL;
	conf_release(settings_rows, settings_row_count, settings);
}

const char *settings_docker_certificates(const struct settings *settings)
{
	if (settings->docker_cert_path)
		return settings->docker_cert_path;
	return settings->docker_tls_verify ? settings->docker_config : NULL;
}
