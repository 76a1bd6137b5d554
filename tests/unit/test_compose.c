/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/compose.h"
#include "runner-plugin/recipe/compose_check.h"
#include "runner-plugin/recipe/compose_short.h"

static struct env make_env(void)
{
	struct env env = {0};

	env_set(&env, "STACK_NAME", "cust-9f2c1a_ci_test");
	env_set(&env, "DOMAIN", "cust-9f2c1a.ci.test");
	env_set(&env, "EMPTY", "");
	env_set(&env, "TAG", "1.27.4");
	return env;
}

static const char recipe[] = "version: '3.8'\n"
			     "x-common: &common\n"
			     "  image: nginx:${TAG}\n"
			     "services:\n"
			     "  app:\n"
			     "    <<: *common\n"
			     "    volumes:\n"
			     "      - data:/data\n"
			     "      - /etc/localtime:/etc/localtime:ro\n"
			     "      - type: volume\n"
			     "        source: cache\n"
			     "        target: /cache\n"
			     "    healthcheck:\n"
			     "      test: [CMD, 'true']\n"
			     "    deploy:\n"
			     "      labels:\n"
			     "        - \"coop-cloud.${STACK_NAME}.version=1.2.0+${TAG}\"\n"
			     "        - \"coop-cloud.${STACK_NAME}.timeout=${TIMEOUT:-60}\"\n"
			     "        - \"backupbot.backup=${ENABLE_BACKUPS:-true}\"\n"
			     "  cron:\n"
			     "    image: busybox\n"
			     "    healthcheck: {disable: true}\n"
			     "    deploy: {restart_policy: {condition: none}, replicas: 0}\n"
			     "secrets:\n"
			     "  token: {external: true, name: '${STACK_NAME}_token_v1'}\n"
			     "configs:\n"
			     "  conf: {name: '${STACK_NAME}_conf_${CONF_VERSION}', file: x}\n"
			     "volumes:\n"
			     "  data:\n"
			     "  cache: {name: elsewhere}\n";

static const char overlay[] = "version: '3.8'\n"
			      "services:\n"
			      "  app:\n"
			      "    image: nginx:2\n"
			      "    volumes: ['other:/data']\n"
			      "    deploy: {labels: ['coop-cloud.${STACK_NAME}.version=9.0.0']}\n";

START_TEST(reads_a_recipe)
{
	AUTO(env) env = make_env();
	const struct compose_file file = {"compose.yml", recipe, strlen(recipe)};
	AUTO(compose_model) model = {0};
	struct err err = {0};
	static const char abra_sh[] =
	    "export CONF_VERSION=v4\n\nbackup() {\n  export X=$(date)\n}\n";

	env_add_abra_sh(&env, abra_sh, strlen(abra_sh));
	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(model.service_count, 2);
	const struct compose_service *app = &model.services[0];
	ck_assert_str_eq(app->image, "nginx:1.27.4");
	ck_assert(app->has_healthcheck && !model.services[1].has_healthcheck);
	ck_assert_str_eq(model.services[1].restart, "none");
	ck_assert_int_eq(model.services[1].replicas, 0);
	ck_assert(model.services[1].disables_healthcheck && !app->disables_healthcheck);
	ck_assert_uint_eq(app->mount_count, 3);
	ck_assert_int_eq(app->mounts[0].type, COMPOSE_VOLUME);
	ck_assert_str_eq(app->mounts[0].source, "data");
	ck_assert_int_eq(app->mounts[1].type, COMPOSE_BIND);
	ck_assert(app->mounts[1].is_read_only && !app->mounts[0].is_read_only);
	ck_assert_str_eq(app->mounts[2].target, "/cache");
	ck_assert_str_eq(model.version, "1.2.0+1.27.4");
	ck_assert_str_eq(model.timeout, "60");
	ck_assert(model.is_backed_up);
	ck_assert_str_eq(model.secrets[0].name, "cust-9f2c1a_ci_test_token_v1");
	ck_assert(model.secrets[0].is_external);
	ck_assert_str_eq(model.configs[0].name, "cust-9f2c1a_ci_test_conf_v4");
	ck_assert_str_eq(model.volumes[0].name, "elsewhere");
	ck_assert_str_eq(model.volumes[1].name, "cust-9f2c1a_ci_test_data");
	ck_assert_msg(compose_check(&model, "cust-9f2c1a_ci_test", &err) == 0, "%s", err.msg);
}
END_TEST

START_TEST(lets_later_files_win)
{
	AUTO(env) env = make_env();
	const struct compose_file files[] = {
	    {"compose.yml", recipe, strlen(recipe)},
	    {"compose.x.yml", overlay, strlen(overlay)},
	};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(compose_render(files, 2, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(model.services[0].image, "nginx:2");
	/* by target, and sorted by it */
	ck_assert_uint_eq(model.services[0].mount_count, 3);
	ck_assert_str_eq(model.services[0].mounts[0].target, "/cache");
	ck_assert_str_eq(model.services[0].mounts[1].source, "other");
	ck_assert_str_eq(model.services[0].mounts[2].target, "/etc/localtime");
	ck_assert_str_eq(model.version, "9.0.0");
}
END_TEST

static const char rich[] =
    "services:\n"
    "  web:\n"
    "    image: nginx:1\n"
    "    cap_add: [NET_ADMIN]\n"
    "    privileged: true\n"
    "    pid: host\n"
    "    env_file: web.env\n"
    "    networks: [proxy, internal]\n"
    "    ports: ['8080-8081:80-81/udp', {target: 443, published: 8443, "
    "mode: host, protocol: tcp}]\n"
    "    secrets: [{source: token, target: t}, key]\n"
    "    configs: [conf]\n"
    "    logging: {driver: syslog}\n"
    "    credential_spec: {file: c.json}\n"
    "    volumes: ['~/x:/x', {type: tmpfs, target: /t}]\n"
    "    deploy:\n"
    "      mode: global-job\n"
    "      resources: {limits: {memory: 1.5g}, reservations: {memory: 64m}}\n"
    "      placement: {constraints: [node.role == manager]}\n"
    "      update_config: {order: start-first}\n"
    "      labels: {b: 2, a: }\n"
    "networks:\n"
    "  proxy: {external: true}\n"
    "  internal: {driver_opts: {encrypted: ''}}\n"
    "volumes:\n"
    "  nfs: {driver: local, driver_opts: {type: nfs, o: addr=x, device: ':/y'}}\n"
    "secrets: {token: {file: t.txt}, key: {external: {name: k_v1}}}\n"
    "configs: {conf: {file: c.tmpl, template_driver: golang}}\n";

START_TEST(reads_everything_that_a_policy_asks_for)
{
	AUTO(env) env = make_env();
	const struct compose_file file = {"compose.yml", rich, strlen(rich)};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);
	const struct compose_service *web = &model.services[0];
	ck_assert_str_eq(web->file, "compose.yml");
	ck_assert_int_eq(web->line, 2);
	ck_assert_str_eq(web->cap_add[0], "NET_ADMIN");
	ck_assert_uint_eq(web->ignored_count, 2);
	ck_assert_str_eq(web->ignored[0], "pid");
	ck_assert_str_eq(web->env_files[0], "web.env");
	ck_assert_uint_eq(web->network_count, 2);
	ck_assert_str_eq(web->networks[0], "internal");
	ck_assert_uint_eq(web->port_count, 3);
	ck_assert_int_eq(web->ports[1].target, 81);
	ck_assert_int_eq(web->ports[1].published, 8081);
	ck_assert_str_eq(web->ports[1].protocol, "udp");
	ck_assert(web->ports[2].is_host_mode && !web->ports[0].is_host_mode);
	ck_assert_str_eq(web->secrets[0].target, "t");
	ck_assert_ptr_null(web->secrets[1].target);
	ck_assert_str_eq(web->configs[0].source, "conf");
	ck_assert_str_eq(web->log_driver, "syslog");
	ck_assert_str_eq(web->credential_spec, "file c.json");
	ck_assert_str_eq(web->mounts[0].source, "~/x");
	ck_assert_int_eq(web->mounts[1].type, COMPOSE_TMPFS);
	ck_assert_int_eq(web->mode, COMPOSE_GLOBAL_JOB);
	ck_assert_int_eq(web->replicas, -1);
	ck_assert_int_eq(web->memory_limit, 1610612736);
	ck_assert_int_eq(web->memory_reservation, 67108864);
	ck_assert_str_eq(web->constraints[0], "node.role == manager");
	ck_assert(web->is_start_first);
	ck_assert_str_eq(web->deploy_labels[0].key, "a");
	ck_assert_str_eq(web->deploy_labels[1].value, "2");
	ck_assert_str_eq(model.networks[1].name, "proxy");
	ck_assert_str_eq(model.networks[0].driver_opts[0].key, "encrypted");
	ck_assert_str_eq(model.volumes[0].driver_opts[1].value, "addr=x");
	ck_assert_str_eq(model.secrets[0].name, "k_v1");
	ck_assert_str_eq(model.secrets[1].source_file, "t.txt");
	ck_assert_str_eq(model.configs[0].template_driver, "golang");
}
END_TEST

/* What docker reads and a deploy refuses: below services.app, after it, and what is said. */
static const struct check_row {
	const char *app;
	const char *after;
	const char *error; /* NULL: fine */
} check_rows[] = {
    {"image: a", "", NULL},
    {"image: ''", "", "compose.yml:2: service app has no image"},
    {"image: a\n    deploy: {mode: odd}", "", "service app has mode \"odd\""},
    {"image: a\n    deploy: {mode: global, replicas: 0}", "", "global and has replicas"},
    {"image: a\n    deploy: {mode: global}", "", NULL},
    {"image: a\n    deploy: {mode: global-job, replicas: 2}", "", "global and has replicas"},
    {"image: a\n    deploy: {mode: replicated-job, replicas: 0}", "", NULL},
    {"image: a\n    deploy: {restart_policy: {condition: always}}", "", "condition \"always\""},
    {"image: a\n    healthcheck: {test: x, disable: true}", "", "test and disable"},
    {"image: a\n    healthcheck: {test: [CMD]}", "", "[\"CMD\"] without a command"},
    {"image: a\n    healthcheck: {test: [CMD, x]}", "", NULL},
    {"image: a\n    healthcheck: {test: [CMD-SHELL]}", "", NULL},
    {"image: a\n    healthcheck: {test: [NONE]}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: '0.5'}}}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: 1/2}}}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: half}}}", "", "cpus \"half\""},
    {"image: a\n    deploy: {resources: {limits: {cpus: '2'}}}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: 1/half}}}", "", "cpus \"1/half\""},
    {"image: a\n    deploy: {resources: {limits: {cpus: half/2}}}", "", "cpus \"half/2\""},
    {"image: a\n    deploy: {resources: {limits: {cpus: 1/0}}}", "", "cpus \"1/0\""},
    {"image: a\n    deploy: {resources: {reservations: {cpus: '0.0000000001'}}}", "", "cpus"},
    {"image: a\n    volumes: ['data:/x']", "", "volume \"data\" at /x: the files have none"},
    {"image: a\n    volumes: ['data:/x']", "volumes: {data: }\n", NULL},
    {"image: a\n    volumes: [/x]", "", NULL},
    {"image: a\n    volumes: [{type: cluster, source: 'group:x', target: /x}]", "", NULL},
    {"image: a\n    volumes: [{type: cluster, source: x, target: /x}]", "", "volume \"x\""},
    {"image: a\n    volumes: [{type: tmpfs, source: x, target: /x}]", "", "tmpfs at /x"},
    {"image: a\n    volumes: [{type: tmpfs, target: /x}]", "", NULL},
    {"image: a\n    volumes: [{type: odd, target: /x}]", "", "mount of type \"odd\""},
    {"image: a\n    volumes: ['/a:/x', '/b:/x']", "", "two mounts at /x"},
    {"image: a\n    secrets: [x]", "", "secret \"x\": the files have none under secrets"},
    {"image: a\n    configs: [{source: x}]", "", "config \"x\""},
    {"image: a\n    configs: [x]", "configs: {x: {file: z}}\n", NULL},
    {"image: a\n    networks: [proxy]", "", "network \"proxy\""},
    {"image: a\n    networks: [default]", "", NULL},
    {"image: a\n    networks: [proxy]", "networks: {proxy: {external: true}}\n", NULL},
    {"image: a", "configs: {x: {}}\n", "config x says not where it comes from"},
    {"image: a", "secrets: {x: {}}\n", "secret x says not where it comes from"},
    {"image: a", "secrets: {x: {driver: z}}\n", NULL},
    {"image: a", "secrets: {x: {external: true, name: '$NONE'}}\n", NULL},
    {"image: a",
	"secrets:\n  s: {external: true, name: "
	"'${STACK_NAME}_a_secret_with_a_very_long_name_indeed_that_ends_v1'}\n",
	"_v1 in Swarm: "},
    {"image: a", "  a-service-whose-name-is-longer-than-it-may-be-with: {image: b}\n",
	" characters, 63 can be"},
    {"image: a",
	"configs:\n  c: {external: true, name: "
	"'${STACK_NAME}_a_config_with_a_very_long_name_indeed_that_ends_v1'}\n",
	"config c is "},
    {"image: a", "networks: {net: {name: '$NONE'}}\n", NULL},
    {"image: a", "  a.b: {image: b}\n", "compose.yml:4: service a.b needs a name of letters"},
    {"image: a", "  web-: {image: b}\n", "service web- needs a name of letters"},
};

START_TEST(refuses_what_a_deploy_refuses)
{
	const struct check_row *row = &check_rows[_i];
	AUTO(env) env = make_env();
	auto_str char *text = xasprintf("services:\n  app:\n    %s\n%s", row->app, row->after);
	const struct compose_file file = {"compose.yml", text, strlen(text)};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);
	int result = compose_check(&model, "cust-9f2c1a_ci_test", &err);
	ck_assert_msg((result < 0) == (row->error != NULL), "%s: %s", text, err.msg);
	if (row->error) {
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s", err.msg);
	}
}
END_TEST

START_TEST(needs_a_service_app)
{
	AUTO(compose_model) model = {0};
	struct err err;

	ck_assert_int_eq(compose_check(&model, "s", &err), -1);
	ck_assert_msg(strstr(err.msg, "no service app") != NULL, "%s", err.msg);
}
END_TEST

/* A whole file, and what is said of it; NULL: docker reads it. "@" stands for services.app with an
 * image, and what follows for another line of it. */
static const struct file_row {
	const char *text;
	const char *error;
} file_rows[] = {
    /* what a file is */
    {"- a\n", ":1:1: a compose file must be a mapping, this is a list"},
    {"# nothing\n", "this is empty"},
    {"a: b: c\n", "compose.yml:1:"},
    {"services: [a]\n", "services is a list and must be a mapping"},
    {"services: {app: x}\n", "services.app is a text and must be a mapping"},
    {"secrets: x\n", "secrets is a text and must be a mapping"},
    {"services: {'a b': {image: a}}\n", "a name takes letters"},
    {"services: {'$X': {image: a}}\n", "and no variable"},
    {"networks: {'a b': {odd: 1}}\n", NULL},
    {"networks: {'a b': {driver: [1]}}\n", "must be a text"},
    {"networks: {'a b': {labels: }}\n", NULL},
    {"networks: {a: {labels: }}\n", "is nothing and must be"},
    {"networks: {a: {odd: 1}}\n", "no key \"odd\""},
    {"services: {1: {image: a}}\n", "put quotes around \"1\""},
    {"x-a: .inf\n", "put it in quotes"},
    /* versions */
    {"version: '3'\n", NULL},
    {"version: '3.0'\n", NULL},
    {"version: '3.13'\n", NULL},
    {"version: ''\n", NULL},
    {"version: '3.14'\n", "no version \"3.14\": 3 to 3.13"},
    {"version: '3.01'\n", "no version"},
    {"version: '2.4'\n", "no version \"2.4\""},
    {"version: 3.8\n", "version is a number and must be a text: put it in quotes"},
    {"version:\n", "version must be a text"},
    {"version: [3]\n", "version must be a text"},
    {"version: '3.3'\nx-a: 1\n", "\"x-a\" needs version \"3.4\" or later, this file has 3.3"},
    {"version: '3.4'\nx-a: 1\n", NULL},
    {"version: '3.2'\nconfigs: {}\n", "\"configs\" needs version \"3.3\""},
    {"version: '3.6'\n@init: true\n", "services.app.init: \"init\" needs version \"3.7\""},
    {"version: '3.7'\n@init: true\n", NULL},
    {"version: '3.1'\n@ports: [{target: 80}]\n", "must be a text or a number"},
    {"version: '3.2'\n@ports: [{target: 80}]\n", NULL},
    {"version: '3.1'\n@volumes: ['/a', '/a']\n", "has /a twice"},
    {"version: '3.2'\n@volumes: ['/a', '/a']\n", NULL},
    {"version: '3.10'\n@build: {odd: 1}\n", "no key \"odd\""},
    {"version: '3.11'\n@build: {odd: 1}\n", NULL},
    {"version: '3.4'\n@build: {shm_size: 1}\n", "\"shm_size\" needs version"},
    {"version: '3.3'\n@deploy: {update_config: {order: stop-first}}\n", "\"order\" needs"},
    {"version: '3.9'\nvolumes: {a: {x-cluster-spec: 1}}\n", "must be a mapping"},
    /* keys */
    {"@imagee: a\n", "no key \"imagee\" here; did you mean image?"},
    {"@extends: a\n", "no key \"extends\" here: write the service out"},
    {"@mem_limit: 1g\n", "use deploy.resources.limits.memory"},
    {"@pull_policy: a\n", "delete it"},
    {"name: x\n", "compose.yml:1:1: a stack has no key \"name\" here: delete it"},
    {"@x-odd: 1\n", NULL},
    {"@deploy: {x-odd: 1}\n", "no key \"x-odd\""},
    {"@deploy:\n", NULL},
    {"@secrets: [{source: a, odd: 1}]\n", NULL},
    {"@secrets: [{Mode: x}]\n", "Mode is a text and must be a number"},
    {"@secrets: [{Mode: }]\n", NULL},
    {"@networks: {'a b': }\n", "a name takes"},
    {"@environment: {'': a}\n", "a key is empty"},
    {"@volumes: [{target: /x}]\n", "services.app.volumes.1 needs a type"},
    {"@ulimits: {nofile: {soft: 1}}\n", "needs a hard"},
    {"@ulimits: {nofile: }\n", "is nothing and must be"},
    {"@ulimits: {no_file: , A: {soft: 1, hard: 2, odd: 3}}\n", NULL},
    {"@ulimits: {no_file: a}\n", "must be"},
    {"@ulimits: {no_file: {soft: 1}}\n", "needs a hard"},
    {"volumes: {a: {driver_opts: {a: yes}}}\n", "must be a text or a number"},
    {"volumes: {a: {driver_opts: {'': yes, b: 1}}}\n", NULL},
    /* types */
    {"@image: [x]\n", "services.app.image is a list and must be a text"},
    {"@image:\n", "is nothing and must be a text"},
    {"@image: 1.5\n", "is a number and must be a text: put it in quotes"},
    {"@image: 1\n", "is a whole number and must be a text"},
    {"@environment: {A: yes}\n",
	"A is true or false and must be a text, a number or nothing: put it"},
    {"@environment: {A: 1.5, B: , C: x}\n", NULL},
    {"@environment: [A, B=1]\n", NULL},
    {"@environment: [A, 1]\n", "environment.2 is a whole number"},
    {"@environment: [A, A]\n", "services.app.environment has A twice: delete one"},
    {"@depends_on: {db: }\n", "is a mapping and must be a list: use the list form"},
    {"@ports: [{target: 80, published: '8080'}]\n", "take its quotes away"},
    {"@ports: [{target: 80, published: many}]\n", "must be a whole number"},
    {"@ports: [{target: 80.5}]\n", "must be a whole number"},
    {"@ports: [{target: 80.0}]\n", NULL},
    {"@ports: [{target: -1}]\n", "\"-1\" is negative"},
    {"@ports: [80, '80']\n", NULL},
    {"@ports: [80, 80]\n", "twice"},
    {"@ports: [{target: 1, mode: a}, {mode: a, target: 1}]\n", "has an item twice"},
    {"@ports: [{target: 1, mode: a}, {mode: b, target: 1}]\n", NULL},
    {"@ports: [80.5]\n", "is no whole number"},
    {"@expose: [80, 80.0]\n", "twice"},
    {"@read_only: 'true'\n", "must be true or false: take its quotes away"},
    {"@read_only: maybe\n", "is a text and must be true or false"},
    {"@shm_size: 64\n", "must be a text"},
    {"@pid:\n", NULL},
    {"@ulimits: {nofile: 1.0}\n", "is no whole number"},
    {"@ulimits: {nofile: 99999999999999999999}\n", "is no whole number"},
    {"@configs: [{source: a, mode: 0.5}]\n", NULL},
    {"secrets: {a: {external: x}}\n", "must be true or false or a mapping"},
    {"volumes: {a: {driver_opts: [a=b]}}\n", "driver_opts is a list and must be a mapping"},
    {"volumes: {a: }\n", NULL},
    {"secrets: {a: }\n", "secrets.a is nothing and must be a mapping"},
    /* formats */
    {"@command: echo 'x\n", "a quote is not closed"},
    {"@command: [echo, \"'x\"]\n", NULL},
    {"@stop_grace_period: 1d\n", "\"1d\" is no duration (90s, 1m30s)"},
    {"@healthcheck: {interval: 1m30s, timeout: '0'}\n", NULL},
    {"@deploy: {resources: {limits: {memory: 64q}}}\n", "\"64q\" is no size (512m, 1.5g)"},
    {"@deploy: {resources: {limits: {cpus: 0.5}}}\n", "put it in quotes"},
    {"@deploy: {update_config: {order: first}}\n", "neither start-first nor stop-first"},
    {"@deploy: {replicas: -1}\n", "is negative"},
    {"@deploy: {replicas: 2147483647}\n", NULL},
    {"@deploy: {replicas: 2147483648}\n", "more replicas than any Swarm holds"},
    {"@deploy: {replicas: 18446744073709551615}\n", "more replicas than any Swarm holds"},
    {"@deploy: {replicas: 1e19}\n", "more replicas than any Swarm holds"},
    {"@deploy: {replicas: many}\n", "must be a whole number"},
    /* variables and their casts */
    {"@deploy: {replicas: '${NONE:-2}'}\n", NULL},
    {"@deploy: {replicas: '${NONE:-x}'}\n",
	"services.app.deploy.replicas: the variable makes \"x\" of it, which is no number"},
    {"@deploy: {replicas: '${NONE:-+2}'}\n", NULL},
    {"@deploy: {replicas: '${NONE:-2.0}'}\n", "which is no number"},
    {"@deploy: {replicas: '$EMPTY'}\n", "which is no number"},
    {"@deploy: {replicas: '${NONE:-99999999999999999999}'}\n", "which is no number"},
    {"@read_only: '${NONE:-Yes}'\n", NULL},
    {"@read_only: '${NONE:-off}'\n", NULL},
    {"@read_only: '${NONE:-1}'\n", "which is neither true nor false"},
    {"@deploy: {update_config: {max_failure_ratio: '${NONE:-0.5}'}}\n", NULL},
    {"@deploy: {update_config: {max_failure_ratio: '${NONE:-x}'}}\n", "no number"},
    {"@ports: [{target: '${NONE:-80}'}]\n", NULL},
    {"@ulimits: {nofile: '${NONE:-80}'}\n", NULL},
    {"@init: '${NONE:-true}'\n", "must be true or false"},
    {"services: {a.b: {image: a, deploy: {replicas: '${NONE:-2}'}}}\n", "must be a whole number"},
    {"@image: '${NONE?}'\n", "compose.yml:4:12: "},
    /* what the loader finds */
    {"@volumes: [{type: bind, source: '$NONE', target: /x}]\n", "the bind to \"/x\" has no source"},
    {"@volumes: ['$NONE:/backup']\n", "nothing before its colon"},
    {"@volumes: ['aa:']\n", "nothing behind a colon"},
    {"@volumes: ['aa:/x:']\n", "nothing behind a colon"},
    {"@volumes: ['aa:/x:ro:x']\n", "too many colons"},
    {"@volumes: ['']\n", "an empty mount"},
    {"secrets: {a: {name: b, external: {name: c}}}\n", "has a name and external.name"},
    {"secrets: {a: {driver: x, file: z}}\n", "has a driver and a file"},
    {"volumes: {a: {external: true, driver: x}}\n", "is external: its driver cannot be set"},
    {"volumes: {a: {external: true, driver_opts: {}}}\n", NULL},
    {"volumes: {a: {external: true, labels: [a]}}\n", "its labels cannot"},
    {"networks: {a: {external: true, driver: x}}\n", NULL},
};

/* With "@" written out. */
static char *write_out(const char *text)
{
	const char *at = strchr(text, '@');

	return at ? xasprintf("%.*sservices:\n  app:\n    image: a\n    %s", (int)(at - text), text,
			at + 1)
		  : xstrdup(text);
}

START_TEST(reads_or_refuses_a_file)
{
	const struct file_row *row = &file_rows[_i];
	AUTO(env) env = make_env();
	auto_str char *text = write_out(row->text);
	const struct compose_file file = {"compose.yml", text, strlen(text)};
	AUTO(compose_model) model = {0};
	struct err err = {0};
	int result = compose_render(&file, 1, &env, &model, &err);

	ck_assert_msg((result < 0) == (row->error != NULL), "%s: %s", row->text, err.msg);
	if (!row->error)
		return;
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s: %s", row->text, err.msg);
	ck_assert_msg(text_starts(err.msg, "compose.yml:"), "%s", err.msg);
}
END_TEST

/* --- several files --- */

/* What merging may change, in a few words. */
static char *describe(const struct compose_service *service)
{
	AUTO(buf) out = buf_make(2000);

	(void)buf_printf(&out, "%s", service->image ? service->image : "-");
	for (size_t i = 0; i < service->mount_count; i++)
		(void)buf_printf(
		    &out, " %s:%s", service->mounts[i].source, service->mounts[i].target);
	for (size_t i = 0; i < service->port_count; i++)
		(void)buf_printf(&out, " %lld->%lld", (long long)service->ports[i].published,
		    (long long)service->ports[i].target);
	for (size_t i = 0; i < service->secret_count; i++)
		(void)buf_printf(&out, " s:%s=%s", service->secrets[i].source,
		    service->secrets[i].target ? service->secrets[i].target : "");
	for (size_t i = 0; i < service->config_count; i++)
		(void)buf_printf(&out, " c:%s", service->configs[i].source);
	for (size_t i = 0; service->names_networks && i < service->network_count; i++)
		(void)buf_printf(&out, " n:%s", service->networks[i]);
	for (size_t i = 0; i < service->cap_add_count; i++)
		(void)buf_printf(&out, " cap:%s", service->cap_add[i]);
	for (size_t i = 0; i < service->constraint_count; i++)
		(void)buf_printf(&out, " on:%s", service->constraints[i]);
	for (size_t i = 0; i < service->env_file_count; i++)
		(void)buf_printf(&out, " env:%s", service->env_files[i]);
	for (size_t i = 0; i < service->ignored_count; i++)
		(void)buf_printf(&out, " ignored:%s", service->ignored[i]);
	for (size_t i = 0; i < service->deploy_label_count; i++)
		(void)buf_printf(
		    &out, " %s=%s", service->deploy_labels[i].key, service->deploy_labels[i].value);
	(void)buf_printf(&out, " x%lld", (long long)service->replicas);
	if (*service->mode_word)
		(void)buf_printf(&out, " %s", service->mode_word);
	if (*service->restart)
		(void)buf_printf(&out, " restart:%s", service->restart);
	if (service->has_healthcheck || service->disables_healthcheck)
		(void)buf_printf(&out, " %s", service->has_healthcheck ? "checked" : "unchecked");
	if (service->log_driver)
		(void)buf_printf(&out, " log:%s", service->log_driver);
	if (service->memory_limit || service->memory_reservation)
		(void)buf_printf(&out, " mem:%lld/%lld", (long long)service->memory_limit,
		    (long long)service->memory_reservation);
	if (service->is_start_first)
		(void)buf_printf(&out, " start-first");
	return buf_take(&out);
}

/* services.app in the first file and in the second, and what both are. */
static const struct merge_row {
	const char *first;
	const char *second;
	const char *merged;
} merge_rows[] = {
    {"image: a", "image: b", "b x1"},
    {"image: a", "image: ''", "a x1"},
    {"image: a", "hostname: x", "a x1"},
    {"volumes: ['zz:/z', 'aa:/a']", "volumes: []", "- aa:/a zz:/z x1"},
    {"volumes: ['zz:/z', 'aa:/a']", "image: a", "a aa:/a zz:/z x1"},
    {"image: a", "volumes: ['zz:/z', 'aa:/a']", "a zz:/z aa:/a x1"},
    {"volumes: []", "volumes: ['zz:/z', 'aa:/a']", "- aa:/a zz:/z x1"},
    {"volumes: ['aa:/x', 'bb:/x']", "image: a", "a bb:/x x1"},
    {"volumes: ['aa:/x', 'bb:/y']", "volumes: ['cc:/x']", "- cc:/x bb:/y x1"},
    {"ports: ['90:1', '80:2']", "ports: ['90:3']", "- 80->2 90->3 x1"},
    {"ports: ['1', '2']", "image: a", "a 0->2 x1"},
    {"image: a", "ports: ['2', '1']", "a 0->2 0->1 x1"},
    {"secrets: [b, {source: a, target: x}]", "secrets: [a]", "- s:a= s:b= x1"},
    {"secrets: [b, a]", "image: a", "a s:a= s:b= x1"},
    {"configs: [b, a]", "configs: [c]", "- c:a c:b c:c x1"},
    {"networks: [b]", "networks: {a: , b: }", "- n:a n:b x1"},
    {"image: a", "networks: [b]", "a n:b x1"},
    {"networks: [b]", "networks: []", "- n:b x1"},
    {"volumes: ['~/a:/x']", "image: a", "a ~/a:/x x1"},
    {"cap_add: [B]", "cap_add: [A, B]", "- cap:B cap:A cap:B x1"},
    {"deploy: {placement: {constraints: [b]}}", "deploy: {placement: {constraints: [a]}}",
	"- on:b on:a x1"},
    {"env_file: b", "env_file: [a, b]", "- env:b env:a env:b x1"},
    {"pid: host", "pid: host\n    devices: [a]", "- ignored:devices ignored:pid x1"},
    {"deploy: {labels: {a: 1, b: 2}}", "deploy: {labels: [b=, c]}", "- a=1 b= c= x1"},
    {"deploy: {replicas: 3}", "deploy: {replicas: 0}", "- x0"},
    {"deploy: {replicas: 3}", "deploy: {mode: replicated}", "- x3 replicated"},
    {"deploy: {replicas: 3}", "deploy: {mode: global}", "- x-1 global"},
    {"deploy: {mode: global}", "deploy: {mode: ''}", "- x-1 global"},
    {"deploy: {restart_policy: {condition: any}}", "deploy: {restart_policy: {condition: none}}",
	"- x1 restart:none"},
    {"healthcheck: {test: a}", "healthcheck: {disable: true}", "- x1 unchecked"},
    {"healthcheck: {disable: true}", "healthcheck: {test: a, disable: false}", "- x1 unchecked"},
    {"healthcheck: {test: [NONE]}", "healthcheck: {test: [CMD, a]}", "- x1 unchecked"},
    {"healthcheck: {test: [CMD, a]}", "healthcheck: {test: [NONE]}", "- x1 checked"},
    {"healthcheck: {test: []}", "healthcheck: {test: [NONE]}", "- x1 unchecked"},
    {"healthcheck: {test: ''}", "healthcheck: {}", "- x1 checked"},
    {"healthcheck: {interval: 1s}", "image: a", "a x1"},
    {"logging: {driver: a}", "logging: {options: {b: c}}", "- x1 log:a"},
    {"logging: {driver: a}", "logging: {driver: b}", "- x1 log:b"},
    {"deploy: {resources: {limits: {memory: 1k}}}",
	"deploy: {resources: {limits: {memory: '0'}, reservations: {memory: 2k}}}",
	"- x1 mem:1024/2048"},
    {"deploy: {update_config: {order: start-first}}", "deploy: {update_config: {delay: 1s}}",
	"- x1 start-first"},
    {"deploy: {update_config: {order: start-first}}",
	"deploy: {update_config: {order: stop-first}}", "- x1"},
};

START_TEST(merges_services_as_docker_does)
{
	const struct merge_row *row = &merge_rows[_i];
	AUTO(env) env = make_env();
	auto_str char *first = xasprintf("services:\n  app:\n    %s\n", row->first);
	auto_str char *second =
	    xasprintf("services:\n  web: {image: w}\n  app:\n    %s\n", row->second);
	const struct compose_file files[] = {
	    {"compose.yml", first, strlen(first)}, {"compose.x.yml", second, strlen(second)}};
	AUTO(compose_model) model = {0};
	struct err err;

	ck_assert_msg(compose_render(files, 2, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(model.service_count, 2);
	ck_assert_str_eq(model.services[0].name, "app");
	ck_assert_str_eq(model.services[0].file, "compose.yml");
	ck_assert_str_eq(model.services[1].file, "compose.x.yml");
	auto_str char *merged = describe(&model.services[0]);
	ck_assert_str_eq(merged, row->merged);
}
END_TEST

/* "x-a" of services.app in two files. */
static const struct {
	const char *first, *second;
	bool is_refused;
} extension_rows[] = {
    {"1", "[b]", true},
    {"{b: c}", "[b]", true},
    {"[b]", "[b]", false},
    {"", "[b]", false},
    {"[b]", "1", false},
    {"[b]", "{b: c}", false},
    {"{b: c}", "{b: [d]}", true},
    {"{b: c}", "{d: [e]}", false},
    {"{b: c}", "{b: {c: [d]}}", false},
};

START_TEST(merges_extensions_as_docker_does)
{
	AUTO(env) env = make_env();
	auto_str char *first = xasprintf("services: {app: {x-a: %s}}\n", extension_rows[_i].first);
	auto_str char *second =
	    xasprintf("services: {app: {x-a: %s}}\n", extension_rows[_i].second);
	const struct compose_file files[] = {
	    {"compose.yml", first, strlen(first)}, {"compose.x.yml", second, strlen(second)}};
	AUTO(compose_model) model = {0};
	struct err err;
	int result = compose_render(files, 2, &env, &model, &err);

	ck_assert_int_eq(result < 0, extension_rows[_i].is_refused);
	if (result < 0)
		ck_assert_msg(
		    strstr(err.msg, "compose.x.yml:1: service app has a list in x-a") != NULL, "%s",
		    err.msg);
}
END_TEST

START_TEST(replaces_what_stands_beside_services)
{
	AUTO(env) env = make_env();
	static const char first[] = "version: '3.8'\nvolumes: {b: {driver: x, name: m}, a: }\n"
				    "secrets: {s: {external: true}}\n";
	static const char second[] = "version: '3.8'\nvolumes: {b: }\nnetworks: {c: }\n";
	static const char third[] = "version: '3'\n";
	const struct compose_file files[] = {{"a.yml", first, strlen(first)},
	    {"b.yml", second, strlen(second)}, {"c.yml", third, strlen(third)}};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(compose_render(files, 2, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(model.volume_count, 2);
	ck_assert_str_eq(model.volumes[0].key, "a");
	ck_assert_str_eq(model.volumes[1].name, "cust-9f2c1a_ci_test_b");
	ck_assert_str_eq(model.volumes[1].driver, "");
	ck_assert_str_eq(model.secrets[0].name, "s");
	ck_assert_str_eq(model.networks[0].key, "c");
	compose_model_release(&model);
	ck_assert_int_eq(compose_render(files, 3, &env, &model, &err), -1);
	ck_assert_msg(
	    strstr(err.msg, "c.yml:1:1: this file has version 3.13") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(a_tilde_is_the_home_of_the_env)
{
	AUTO(env) env = make_env();
	static const char text[] = "services: {app: {volumes: ['~/a:/x', '~:/y']}}\n";
	const struct compose_file file = {"compose.yml", text, strlen(text)};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	env_set(&env, "HOME", "/root");
	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(model.services[0].mounts[0].source, "/root/a");
	ck_assert_str_eq(model.services[0].mounts[1].source, "/root");
}
END_TEST

/* The labels of app and of db, and what the model makes of them. */
static const struct label_row {
	const char *app, *db;
	const char *version;
	bool is_backed_up, has_version_as_key;
} label_rows[] = {
    {"[backupbot.backup=true]", "[backupbot.backup=false]", NULL, true, false},
    {"[backupbot.backup=false]", "{backupbot.backup: 'true'}", NULL, true, false},
    {"[backupbot.backup=false]", "[backupbot.backup=True]", NULL, false, false},
    {"['coop-cloud.${STACK_NAME}.version=1.0.0']", "[]", "1.0.0", false, false},
    {"[]", "['coop-cloud.${STACK_NAME}.version=1.0.0']", NULL, false, false},
    {"{'coop-cloud.cust-9f2c1a_ci_test.version': 1.0.0}", "[]", "1.0.0", false, false},
    {"{'coop-cloud.${STACK_NAME}.version': 1.0.0}", "[]", NULL, false, true},
    {"{'coop-cloud.$STACK_NAME.version': 1.0.0}", "[]", NULL, false, true},
    {"[]", "{'coop-cloud.${STACK_NAME}.version': 1.0.0}", NULL, false, false},
    {"{'coop-cloud.${STACK_NAME}.timeout': 10}", "[]", NULL, false, false},
};

START_TEST(reads_labels)
{
	const struct label_row *row = &label_rows[_i];
	AUTO(env) env = make_env();
	auto_str char *text = xasprintf("services:\n  app: {deploy: {labels: %s}}\n"
					"  db: {deploy: {labels: %s}}\n",
	    row->app, row->db);
	const struct compose_file file = {"compose.yml", text, strlen(text)};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(compose_render(&file, 1, &env, &model, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(model.is_backed_up, row->is_backed_up);
	ck_assert_int_eq(model.has_version_as_key, row->has_version_as_key);
	ck_assert_str_eq(model.version ? model.version : "-", row->version ? row->version : "-");
}
END_TEST

START_TEST(too_many_files_are_refused)
{
	static const char text[] = "services: {app: {image: a}}\n";
	AUTO(env) env = make_env();
	struct compose_file files[COMPOSE_FILES_MAX + 1];
	AUTO(compose_model) model = {0};
	struct err err = {0};

	for (size_t i = 0; i < COUNT_OF(files); i++)
		files[i] = (struct compose_file){"compose.yml", text, strlen(text)};
	ck_assert_int_eq(compose_render(files, COUNT_OF(files), &env, &model, &err), -1);
	ck_assert_msg(strstr(err.msg, "more than 16 files") != NULL, "%s", err.msg);
	ck_assert_msg(
	    compose_render(files, COMPOSE_FILES_MAX, &env, &model, &err) == 0, "%s", err.msg);
}
END_TEST

/* Mounts in their short form: type's letter, source, target, whether read only. */
static const struct mount_row {
	const char *spec;
	const char *reads;
} mount_rows[] = {
    {"data:/x", "v data /x rw"},
    {"data:/x:ro", "v data /x ro"},
    {"data:/x:nocopy,ro", "v data /x ro"},
    {"data:/x:ro,rw", "v data /x rw"},
    {"data:/x:odd", "v data /x rw"},
    {"/x", "v  /x rw"},
    {"ab", "v  ab rw"},
    {"a:", "v  a: rw"},
    {"./x:/x", "b ./x /x rw"},
    {"/a:/x", "b /a /x rw"},
    {"~/a:/x", "b ~/a /x rw"},
    {"d:/data", "v  d:/data rw"},
    {"d:/data:/x", "b d:/data /x rw"},
    {"data:d:/x", "v data d:/x rw"},
    {"data:d:/x:ro", "v data d:/x ro"},
    {"1:/data", "v 1 /data rw"},
    {"\\\\.\\pipe\\x:/x", "b \\\\.\\pipe\\x /x rw"},
    {"\xc3\xa9:/data", "v  \xc3\xa9:/data rw"},
    {"\xc3\x97:/data", "v \xc3\x97 /data rw"},
};

START_TEST(reads_short_mounts)
{
	struct compose_mount mount = {0};
	struct err err;

	ck_assert_int_eq(compose_short_mount(mount_rows[_i].spec, &mount, &err), 0);
	auto_str char *reads = xasprintf("%c %s %s %s", mount.type_word[0], mount.source,
	    mount.target, mount.is_read_only ? "ro" : "rw");
	ck_assert_str_eq(reads, mount_rows[_i].reads);
	ck_assert_int_eq(mount.type == COMPOSE_BIND, reads[0] == 'b');
	compose_mount_release(&mount);
}
END_TEST

/* Ports in their short form: published:target/protocol; "!": refused. */
static const struct port_row {
	const char *spec;
	const char *reads;
} port_rows[] = {
    {"80", "0:80/tcp "},
    {"8080:80", "8080:80/tcp "},
    {":80", "0:80/tcp "},
    {"80/", "0:80/tcp "},
    {"80/UDP", "0:80/udp "},
    {"80/sctp/x", "0:80/sctp "},
    {"127.0.0.1:8080:80", "8080:80/tcp "},
    {"127.0.0.1::80", "0:80/tcp "},
    {"[::1]:8080:80", "8080:80/tcp "},
    {"::1:8080:80", "8080:80/tcp "},
    {"1::2:8080:80", "8080:80/tcp "},
    {"::ffff:1.2.3.4:8080:80", "8080:80/tcp "},
    {"1:2:3:4:5:6:7:8:8080:80", "8080:80/tcp "},
    {"65535:65535", "65535:65535/tcp "},
    {"80-81:90-91", "80:90/tcp 81:91/tcp "},
    {"90-91", "0:90/tcp 0:91/tcp "},
    {"80-82:90", "80:90/tcp 81:90/tcp 82:90/tcp "},
    {"80-80:90", "80:90/tcp "},
    {"999-1000:9-10", "1000:10/tcp 999:9/tcp "},
    {"80-82:90-91", "!ranges differ"},
    {"80:90-91", "!ranges differ"},
    {"81-80:90", "!the host's"},
    {"80:x", "!in the container"},
    {"80:", "!in the container"},
    {"", "!in the container"},
    {"65536", "!in the container"},
    {"65536:80", "!the host's"},
    {"+1:80", "!the host's"},
    {"80/http", "!none of tcp, udp, sctp"},
    {"1.2.3:80:80", "!no IP address"},
    {"1.2.3.256:80:80", "!no IP address"},
    {"1.2.3.04:80:80", "!no IP address"},
    {"1.2.3.4.5:80:80", "!no IP address"},
    {"[::1:80:80", "!no IP address"},
    {"1:2:3:80:80", "!no IP address"},
    {"1::2::3:80:80", "!no IP address"},
    {"1:2:3:4:5:6:7::8:80:80", "!no IP address"},
    {"12345::1:80:80", "!no IP address"},
    {"1:2:3:80:80", "!no IP address"},
    {"0-65535", "!too many ports"},
};

START_TEST(reads_short_ports)
{
	struct compose_service service = {0};
	AUTO(buf) reads = buf_make(1000);
	struct err err;

	if (compose_short_ports(port_rows[_i].spec, &service.ports, &service.port_count, &err) <
	    0) {
		ck_assert_msg(port_rows[_i].reads[0] == '!', "%s", err.msg);
		ck_assert_msg(strstr(err.msg, port_rows[_i].reads + 1) != NULL, "%s", err.msg);
	}
	for (size_t i = 0; i < service.port_count; i++)
		(void)buf_printf(&reads, "%lld:%lld/%s ", (long long)service.ports[i].published,
		    (long long)service.ports[i].target, service.ports[i].protocol);
	if (port_rows[_i].reads[0] != '!')
		ck_assert_str_eq(buf_text(&reads), port_rows[_i].reads);
	compose_service_release(&service);
}
END_TEST

static const struct size_row {
	const char *text;
	int64_t bytes; /* -1: no size */
} size_rows[] = {
    {"0", 0},
    {"10", 10},
    {"10b", 10},
    {"1k", 1024},
    {"1K", 1024},
    {"1kb", 1024},
    {"1KiB", 1024},
    {"1.5m", 1572864},
    {"2g", 2147483648},
    {"1t", 1099511627776},
    {"1p", 1125899906842624},
    {"3 kb", 3072},
    {"3 ", 3},
    {"1e3", 1000},
    {"1e3k", 1024000},
    {".5k", 512},
    {"1_000", 1000},
    {"99999999p", INT64_MIN},
    {"", -1},
    {"m", -1},
    {"-1", -1},
    {"1q", -1},
    {"1kbb", -1},
    {"1bb", -1},
    {"1ki", -1},
    {"1kib ", -1},
    {"1  k", -1},
    {"1.2.3", -1},
    {"0x10", -1},
};

START_TEST(reads_sizes)
{
	int64_t bytes = -1;
	bool is_size = compose_short_size(size_rows[_i].text, &bytes);

	ck_assert_msg(is_size == (size_rows[_i].bytes != -1), "%s", size_rows[_i].text);
	ck_assert_int_eq(bytes, size_rows[_i].bytes);
}
END_TEST

static const struct word_row {
	const char *text;
	bool is_right;
} duration_rows[] = {
    {"1s", true},
    {"1m30s", true},
    {"1.5h", true},
    {".5s", true},
    {"5.s", true},
    {"+3s", true},
    {"-3s", true},
    {"0", true},
    {"-0", true},
    {"1ns1us1\xc2\xb5s1\xce\xbcs1ms", true},
    {"9223372036s", true},
    {"", false},
    {"+", false},
    {"1", false},
    {"s", false},
    {".s", false},
    {"1d", false},
    {"1 s", false},
    {"1s ", false},
    {"--1s", false},
    {"9223372037s", false},
};

START_TEST(knows_durations)
{
	ck_assert_msg(
	    compose_short_is_duration(duration_rows[_i].text) == duration_rows[_i].is_right, "%s",
	    duration_rows[_i].text);
}
END_TEST

static const struct word_row command_rows[] = {
    {"", true},
    {"echo x", true},
    {"echo 'x y'", true},
    {"echo \"it's\"", true},
    {"echo 'say \"x\"'", true},
    {"echo \\'", true},
    {"echo \"\\\"\"", true},
    {"echo # it's", true},
    {"# it's\necho", true},
    {"echo x#it", true},
    {"echo 'x\\'", true},
    {"echo 'x", false},
    {"echo \"x", false},
    {"echo it's", false},
    {"echo \\", false},
    {"# x\necho '", false},
    {"x'y'#'", false},
};

START_TEST(knows_commands)
{
	ck_assert_msg(compose_short_is_command(command_rows[_i].text) == command_rows[_i].is_right,
	    "%s", command_rows[_i].text);
}
END_TEST

/* env_file of a service. */
static const struct word_row env_file_rows[] = {
    {"", true},
    {"A=1\n\n# A B\n  B=2\r\nC\n", true},
    {"A=two words\n", true},
    {"\xef\xbb\xbf"
     "A=1\n",
	true},
    {"=1\n", false},
    {"A=1\nA B=1\n", false},
    {"A =1\n", false},
    {"A B\n", false},
};

START_TEST(knows_env_files)
{
	const char *text = env_file_rows[_i].text;
	struct err err;

	ck_assert_int_eq(compose_check_env_file("a.env", text, strlen(text), &err) == 0,
	    env_file_rows[_i].is_right);
	if (!env_file_rows[_i].is_right)
		ck_assert_msg(text_starts(err.msg, "a.env:"), "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("compose");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, reads_a_recipe);
	tcase_add_test(tc, lets_later_files_win);
	tcase_add_test(tc, reads_everything_that_a_policy_asks_for);
	tcase_add_loop_test(tc, refuses_what_a_deploy_refuses, 0, COUNT_OF(check_rows));
	tcase_add_test(tc, needs_a_service_app);
	tcase_add_loop_test(tc, reads_or_refuses_a_file, 0, COUNT_OF(file_rows));
	tcase_add_loop_test(tc, merges_services_as_docker_does, 0, COUNT_OF(merge_rows));
	tcase_add_loop_test(tc, merges_extensions_as_docker_does, 0, COUNT_OF(extension_rows));
	tcase_add_test(tc, replaces_what_stands_beside_services);
	tcase_add_loop_test(tc, reads_labels, 0, COUNT_OF(label_rows));
	tcase_add_test(tc, too_many_files_are_refused);
	tcase_add_test(tc, a_tilde_is_the_home_of_the_env);
	tcase_add_loop_test(tc, reads_short_mounts, 0, COUNT_OF(mount_rows));
	tcase_add_loop_test(tc, reads_short_ports, 0, COUNT_OF(port_rows));
	tcase_add_loop_test(tc, reads_sizes, 0, COUNT_OF(size_rows));
	tcase_add_loop_test(tc, knows_durations, 0, COUNT_OF(duration_rows));
	tcase_add_loop_test(tc, knows_commands, 0, COUNT_OF(command_rows));
	tcase_add_loop_test(tc, knows_env_files, 0, COUNT_OF(env_file_rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
