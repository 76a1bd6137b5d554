/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "runner-plugin/recipe/compose.h"
#include "runner-plugin/recipe/compose_check.h"

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
    {"image: a\n    deploy: {mode: replicated-job, replicas: 0}", "", NULL},
    {"image: a\n    deploy: {restart_policy: {condition: always}}", "", "condition \"always\""},
    {"image: a\n    healthcheck: {test: x, disable: true}", "", "test and disable"},
    {"image: a\n    deploy: {resources: {limits: {cpus: '0.5'}}}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: 1/2}}}", "", NULL},
    {"image: a\n    deploy: {resources: {limits: {cpus: half}}}", "", "cpus \"half\""},
    {"image: a\n    deploy: {resources: {reservations: {cpus: '0.0000000001'}}}", "", "cpus"},
    {"image: a\n    volumes: ['data:/x']", "", "volume \"data\" at /x: the files have none"},
    {"image: a\n    volumes: ['data:/x']", "volumes: {data: }\n", NULL},
    {"image: a\n    volumes: [/x]", "", NULL},
    {"image: a\n    volumes: [{type: cluster, source: 'group:x', target: /x}]", "", NULL},
    {"image: a\n    volumes: [{type: cluster, source: x, target: /x}]", "", "volume \"x\""},
    {"image: a\n    volumes: [{type: tmpfs, source: x, target: /x}]", "", "tmpfs at /x"},
    {"image: a\n    volumes: [{type: odd, target: /x}]", "", "mount of type \"odd\""},
    {"image: a\n    volumes: ['/a:/x', '/b:/x']", "", "two mounts at /x"},
    {"image: a\n    secrets: [x]", "", "secret \"x\": the files have none under secrets"},
    {"image: a\n    configs: [{source: x}]", "", "config \"x\""},
    {"image: a\n    configs: [x]", "configs: {x: {file: z}}\n", NULL},
    {"image: a\n    networks: [proxy]", "", "network \"proxy\""},
    {"image: a\n    networks: [default]", "", NULL},
    {"image: a", "configs: {x: {}}\n", "config x says not where it comes from"},
    {"image: a", "secrets: {x: {driver: z}}\n", NULL},
    {"image: a", "secrets: {x: {external: true, name: '$NONE'}}\n", NULL},
    {"image: a",
	"secrets:\n  s: {external: true, name: "
	"'${STACK_NAME}_a_secret_with_a_very_long_name_indeed_that_ends_v1'}\n",
	"_v1 in Swarm: "},
    {"image: a", "  a-service-whose-name-is-longer-than-it-may-be-with: {image: b}\n",
	" characters, 63 can be"},
    {"image: a", "  a.b: {image: b}\n", "compose.yml:4: service a.b needs a name of letters"},
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

static const char *const wrong_files[] = {
    "- a\n",
    "services: [a]\n",
    "services: {app: x}\n",
    "services: {app: {image: [x]}}\n",
    "services: {app: {volumes: {a: b}}}\n",
    "services: {app: {volumes: [{type: bind, source: '$NONE', target: /x}]}}\n",
    "services: {app: {volumes: ['$NONE:/backup']}}\n",
    "services: {app: {deploy: {replicas: many}}}\n",
    "secrets: x\n",
    "a: b: c\n",
};

START_TEST(refuses_wrong_files)
{
	AUTO(env) env = make_env();
	const struct compose_file file = {"compose.yml", wrong_files[_i], strlen(wrong_files[_i])};
	AUTO(compose_model) model = {0};
	struct err err = {0};

	ck_assert_msg(
	    compose_render(&file, 1, &env, &model, &err) == -1, "accepted %s", wrong_files[_i]);
	ck_assert_int_eq(err.code, ERR_CONFIG);
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
	tcase_add_loop_test(tc, refuses_wrong_files, 0, COUNT_OF(wrong_files));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
