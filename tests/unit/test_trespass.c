/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/recipe/trespass.h"

#define GIB (INT64_C(1) << 30)
#define OBJECT "c02a6b081a9e71d270772e131986e4a1cf06ee3c"

/* What the recipe's commit holds; a link's target behind the colon. */
static const char *const files[] = {"100644 blob " OBJECT "\tapp.env",
    "120000 blob " OBJECT "\tclimbs:../../../../etc/shadow", "100644 blob " OBJECT "\tcompose.yml",
    "100644 blob " OBJECT "\tconf/site.conf", "120000 blob " OBJECT "\tetc:/etc",
    "120000 blob " OBJECT "\tlink:conf/site.conf", "120000 blob " OBJECT "\tshadow:/etc/shadow"};

static struct tree make_tree(void)
{
	AUTO(buf) text = buf_make(4096);
	struct tree tree = {0};
	struct err err;

	for (size_t i = 0; i < COUNT_OF(files); i++)
		ck_assert_int_eq(buf_add(&text, files[i], strlen(files[i]) + 1), 0);
	ck_assert_int_eq(tree_parse(text.data, text.length, &tree, &err), 0);
	for (size_t i = 0; i < tree.count; i++) {
		char *colon = strchr(tree.entries[i].path, ':');

		if (colon) {
			*colon = '\0';
			tree.entries[i].target = xstrdup(colon + 1);
		}
	}
	return tree;
}

/* A whole stack around the rows: keys of service app, and what stands beside services. */
static void render(const char *service, const char *rest, struct compose_model *out)
{
	auto_str char *text =
	    xasprintf("version: \"3.8\"\nservices:\n  app:\n    image: x\n%s%s", service, rest);
	const struct compose_file file = {"compose.yml", text, strlen(text)};
	AUTO(env) env = {0};
	struct err err;

	env_set(&env, "STACK_NAME", "s-1_ci_test");
	env_set(&env, "DOMAIN", "s-1.ci.test");
	env_set(&env, "HOST_PATH", "/root");
	env_set(&env, "HOME", "/root");
	env_set(&env, "EMPTY", "");
	ck_assert_msg(compose_render(&file, 1, &env, out, &err) == 0, "%s\n%s", text, err.msg);
}

static void judge(
    const char *service, const char *rest, const char *const *allow, struct trespass *out)
{
	AUTO(compose_model) model = {0};
	AUTO(tree) tree = make_tree();
	char *words[16] = {NULL};
	size_t count = 0;

	for (; allow && allow[count]; count++)
		words[count] = xstrdup(allow[count]);
	const struct trespass_rules rules = {
	    .stack = "s-1_ci_test",
	    .networks = "proxy,monitoring",
	    .socket = "/srv/engine/docker.sock",
	    .max_replicas = 10,
	    .max_memory = 4 * GIB,
	    .directory = "",
	    .tree = &tree,
	    .allow = words,
	    .allow_count = count,
	};
	render(service, rest, &model);
	trespass_judge(&model, &rules, out);
	for (size_t i = 0; i < count; i++)
		free(words[i]);
}

/* --- each of the policy's items: refused, and allowed by its word alone --- */

#define MOUNT(text) "    volumes:\n      - \"" text "\"\n"
#define VOLUME(text) "volumes:\n  data:\n" text
#define DATA MOUNT("data:/data")

#define LONG_128                                                                                   \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"         \
	"0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG LONG_128 LONG_128 LONG_128 LONG_128 LONG_128 LONG_128 LONG_128 LONG_128

static const struct row {
	const char *service; /* keys of service app */
	const char *rest;
	const char *word; /* "": nothing allows it */
	const char *says; /* part of the sentence */
} rows[] = {
    /* binds */
    {MOUNT("/etc:/x"), "", "host-bind:/etc", "service app mounts /etc of the host"},
    {MOUNT("/etc:/x:ro"), "", "host-bind:/etc:ro", "mounts /etc of the host to read"},
    {MOUNT("/etc/localtime:/etc/localtime:ro,z"), "", "host-bind:/etc/localtime:ro", "localtime"},
    {MOUNT("//etc/.//ssl/:/x"), "", "host-bind:/etc/ssl", "mounts /etc/ssl "},
    {MOUNT("/srv/../etc:/x"), "", "", "a path with \"..\" may lead anywhere"},
    {MOUNT("${HOST_PATH}:/x"), "", "host-bind:/root", "mounts /root "},
    {MOUNT("${UNSET:-/root}/.ssh:/x"), "", "host-bind:/root/.ssh", "mounts /root/.ssh "},
    {MOUNT("~/.ssh:/x"), "", "host-bind:/root/.ssh", "mounts /root/.ssh "},
    {MOUNT("./conf:/x:ro"), "", "host-bind:./conf:ro", "mounts conf of the recipe's checkout"},
    {MOUNT("./conf/../conf:/x"), "", "host-bind:./conf", "mounts conf "},
    {MOUNT("../conf:/x"), "", "", "mounts ../conf, which is outside the recipe"},
    {MOUNT("./conf/../../x:/x"), "", "", "which is outside the recipe"},
    {MOUNT("./etc:/x"), "", "host-bind:/etc", "mounts /etc of the host"},
    {MOUNT("./climbs:/x"), "", "", "which is outside the recipe"},
    {"    volumes:\n      - {type: bind, source: /etc, target: /x, read_only: true}\n", "",
	"host-bind:/etc:ro", "mounts /etc of the host to read"},
    {"    volumes:\n      - {type: bind, source: conf, target: /x}\n", "", "host-bind:./conf",
	"mounts conf of the recipe's checkout"},
    /* the engine's socket */
    {MOUNT("/var/run/docker.sock:/x"), "", "docker-socket", "mounts the engine's socket"},
    {MOUNT("/var/run/docker.sock:/x:ro"), "", "docker-socket", "mounts the engine's socket"},
    {MOUNT("/run/docker.sock/:/x:ro"), "", "docker-socket", "mounts the engine's socket"},
    {MOUNT("/srv/engine/docker.sock:/x"), "", "docker-socket", "mounts the engine's socket"},
    {MOUNT("/var/lib/../run/docker.sock:/x"), "", "", "mounts the engine's socket"},
    {MOUNT("/srv/eng:/x"), "", "host-bind:/srv/eng", "mounts /srv/eng of the host"},
    /* volumes that are none */
    {DATA, VOLUME("    driver_opts: {type: none, o: bind, device: /etc}\n"), "host-bind:/etc",
	"mounts /etc of the host"},
    {DATA, VOLUME("    driver: local\n    driver_opts: {o: \"ro,rbind\", device: /etc}\n"),
	"host-bind:/etc:ro", "mounts /etc of the host to read"},
    {MOUNT("data:/data:ro"), VOLUME("    driver_opts: {o: bind, device: /etc}\n"),
	"host-bind:/etc:ro", "mounts /etc of the host to read"},
    {DATA, VOLUME("    driver_opts: {o: bind, device: var/run/docker.sock}\n"), "docker-socket",
	"mounts the engine's socket"},
    {DATA, VOLUME("    driver_opts: {type: nfs, o: \"addr=10.0.0.1,rw\", device: \":/srv\"}\n"),
	"volume-driver:local;device=:/srv;o=addr=10.0.0.1,rw;type=nfs", "from nfs :/srv"},
    {DATA, VOLUME("    driver_opts: {type: cifs, o: \"addr=x\", device: \"//x/y\"}\n"),
	"volume-driver:local;device=//x/y;o=addr=x;type=cifs", "from cifs //x/y"},
    {DATA, VOLUME("    driver_opts: {type: ext4, device: /dev/sda1}\n"),
	"volume-driver:local;device=/dev/sda1;type=ext4", "from ext4 /dev/sda1"},
    {DATA, VOLUME("    driver_opts: {device: /dev/sdb}\n"), "volume-driver:local;device=/dev/sdb",
	"from the device /dev/sdb"},
    {DATA, VOLUME("    driver_opts: {o: \"size=10m\"}\n"), "volume-driver:local;o=size=10m",
	"mounts volume data from"},
    /* longer than any word: no part of it may stand for the whole */
    {DATA, VOLUME("    driver_opts: {type: nfs, o: \"addr=" LONG "\"}\n"), "", "from nfs"},
    {"    volumes: [{type: cluster, source: c, target: /x}]\n", "", "volume:c",
	"mounts the cluster's volume c"},
    {DATA, VOLUME("    driver: rclone\n    driver_opts: {remote: \"a:b\"}\n"),
	"volume-driver:rclone;remote=a:b", "of the volume driver rclone"},
    {DATA, VOLUME("    driver: vieux/sshfs\n"), "volume-driver:vieux/sshfs", "vieux/sshfs"},
    /* what belongs to somebody else */
    {DATA, VOLUME("    external: true\n    name: other_data\n"), "volume:other_data",
	"mounts volume other_data, which is not this stack's own"},
    {DATA, VOLUME("    external: true\n"), "volume:data", "not this stack's own"},
    {DATA, VOLUME("    name: other_data\n"), "volume:other_data", "not this stack's own"},
    {DATA, VOLUME("    name: ${STACK_NAME}2_data\n"), "volume:s-1_ci_test2_data", "not this stack"},
    {"    secrets: [a]\n", "secrets:\n  a: {external: true, name: other_key_v1}\n",
	"secret:other_key_v1", "service app uses the secret other_key_v1"},
    {"", "secrets:\n  a: {name: other_key_v1, file: app.env}\n", "secret:other_key_v1",
	"the recipe uses the secret other_key_v1"},
    {"", "secrets:\n  a: {driver: vault}\n", "secret-driver:vault",
	"gets secret a from the driver"},
    {"    configs: [a]\n", "configs:\n  a: {external: true}\n", "config:a", "uses the config a"},
    {"    configs: [b, a]\n", "configs:\n  a: {external: true}\n  b: {file: conf/site.conf}\n",
	"config:a", "service app uses the config a"},
    {"    networks: [a]\n", "networks:\n  a: {external: true, name: host}\n", "network:host",
	"joins the network host, which is not this stack's own"},
    {"    networks: [a]\n", "networks:\n  a: {external: true, name: ingress}\n", "network:ingress",
	"joins the network ingress"},
    {"    networks: [a]\n", "networks:\n  a: {name: other_default}\n", "network:other_default",
	"joins the network other_default"},
    {"", "networks:\n  default: {external: true, name: other_default}\n", "network:other_default",
	"joins the network other_default"},
    {"    networks: [a]\n", "networks:\n  a: {external: true, name: proxz}\n", "network:proxz",
	"joins the network proxz"},
    {"    networks: [proxy2]\n", "networks:\n  proxy2: {external: true}\n", "network:proxy2",
	"joins the network proxy2"},
    {"    networks: [a]\n", "networks:\n  a: {driver: macvlan}\n", "network-driver:macvlan",
	"makes the network a with the driver macvlan;"},
    {"    networks: [a]\n", "networks:\n  a: {driver: macvlan, driver_opts: {parent: eth0}}\n",
	"network-driver:macvlan;parent=eth0", "with the driver macvlan and options of its own"},
    {"    networks: [a]\n",
	"networks:\n  a: {driver_opts: {com.docker.network.driver.overlay.vxlanid_list: "
	"\"4097\"}}\n",
	"network-driver:overlay;com.docker.network.driver.overlay.vxlanid_list=4097",
	"options of its own"},
    /* files of the host */
    {"    configs: [a]\n", "configs:\n  a: {file: /etc/shadow}\n", "host-file:/etc/shadow",
	"service app has the host's file /etc/shadow as config a"},
    {"", "secrets:\n  a: {file: //etc//shadow}\n", "host-file:/etc/shadow",
	"the recipe has the host's file /etc/shadow as secret a"},
    {"", "secrets:\n  a: {file: /srv/../etc/shadow}\n", "", "which is outside the recipe"},
    {"", "secrets:\n  a: {file: \"${HOST_PATH}/.ssh/id\"}\n", "host-file:/root/.ssh/id", "/root"},
    {"", "configs:\n  a: {file: ../../etc/shadow}\n", "", "has ../../etc/shadow, which is outside"},
    {"", "configs:\n  a: {file: conf/../../x}\n", "", "which is outside the recipe"},
    {"", "configs:\n  a: {file: shadow}\n", "host-file:/etc/shadow", "the host's file /etc/shadow"},
    {"", "configs:\n  a: {file: etc/shadow}\n", "host-file:/etc/shadow", "/etc/shadow"},
    {"", "configs:\n  a: {file: climbs}\n", "", "has climbs, which is outside the recipe"},
    {"    env_file: [/etc/environment]\n", "", "host-file:/etc/environment",
	"service app has the host's file /etc/environment as env_file"},
    {"    env_file: ../x.env\n", "", "", "has ../x.env, which is outside the recipe, as env_file"},
    /* the machine */
    {"    cap_add: [SYS_ADMIN]\n", "", "cap:SYS_ADMIN", "wants the capability SYS_ADMIN"},
    {"    cap_add: [cap_net_admin]\n", "", "cap:NET_ADMIN", "wants the capability NET_ADMIN"},
    {"    cap_add: [ALL]\n", "", "cap:ALL", "wants the capability ALL"},
    {"    credential_spec: {file: a.json}\n", "", "credential-spec:file:a.json", "credential spec"},
    {"    ports: [{target: 1, published: 64738, mode: host}]\n", "", "host-port:64738",
	"takes port 64738 of the host"},
    {"    ports: [{target: 1, mode: host}]\n", "", "host-port:0", "takes some port of the host"},
    {"    ports: [\"8080:80\"]\n", "", "ingress-port:8080", "takes port 8080 of every node"},
    {"    ports: [\"80\"]\n", "", "ingress-port:0", "takes some port of every node"},
    {"    logging: {driver: syslog}\n", "", "log-driver:syslog",
	"sends its log to the driver syslog"},
    {"    logging: {driver: none}\n", "", "log-driver:none", "driver none"},
    /* how much */
    {"    deploy: {replicas: 500}\n", "", "replicas:500",
	"makes the stack 500 replicas; MAX_REPLICAS of this host is 10"},
    {"    deploy: {replicas: 5}\n", "  b: {image: x, deploy: {replicas: 6}}\n", "replicas:11",
	"service b makes the stack 11 replicas"},
    {"    deploy: {resources: {limits: {memory: 64g}}}\n", "", "memory:64g",
	"makes the stack ask for 64g of memory; MAX_MEMORY of this host is 4g"},
    {"    deploy: {replicas: 3, resources: {reservations: {memory: 1537m}}}\n", "", "memory:4611m",
	"ask for 4611m"},
    {"    deploy: {replicas: 10, resources: {limits: {memory: 8000000000g}}}\n", "", "",
	"of memory; MAX_MEMORY of this host is 4g; nothing allows that"},
    {"    deploy: {resources: {limits: {memory: 8000000000g}}}\n",
	"  b: {image: x, deploy: {resources: {limits: {memory: 7000000000g}}}}\n", "",
	"of memory; MAX_MEMORY of this host is 4g; nothing allows that"},
};

START_TEST(refuses_unless_allowed_by_its_word)
{
	const struct row *row = &rows[_i];
	const char *const allow[] = {row->word, NULL};
	AUTO(trespass) alone = {0};
	AUTO(trespass) with_word = {0};

	judge(row->service, row->rest, NULL, &alone);
	ck_assert_msg(alone.refused_count == 1, "%s%s: %zu refused", row->service, row->rest,
	    alone.refused_count);
	auto_str char *sentence = trespass_sentence(&alone.refused[0]);
	ck_assert_msg(text_is(alone.refused[0].word, row->word), "%s", sentence);
	ck_assert_msg(strstr(sentence, row->says) != NULL, "%s", sentence);
	ck_assert_msg(!*row->word || strstr(sentence, row->word) != NULL, "%s", sentence);
	ck_assert_uint_eq(alone.allowed_count, 0);

	judge(row->service, row->rest, allow, &with_word);
	ck_assert_uint_eq(with_word.refused_count, *row->word ? 0 : 1);
	ck_assert_uint_eq(with_word.allowed_count, *row->word ? 1 : 0);
	auto_str char *fault = *row->word ? trespass_word_fault(row->word) : NULL;
	ck_assert_msg(fault == NULL, "%s", fault);
}
END_TEST

/* --- words that come near --- */

static const struct {
	const char *service;
	const char *word;
} near[] = {
    {MOUNT("/etc:/x"), "host-bind:/etc:ro"},
    {MOUNT("/etc:/x:ro"), "host-bind:/etc"},
    {MOUNT("/etc/ssl:/x"), "host-bind:/etc"},
    {MOUNT("/etc:/x"), "host-bind:/etc/ssl"},
    {MOUNT("/etc:/x"), "host-bind:/"},
    {MOUNT("/etc:/x"), "host-file:/etc"},
    {MOUNT("/srv/../etc:/x"), "host-bind:/etc"},
    {MOUNT("/srv/../etc:/x"), "host-bind:/srv/../etc"},
    {MOUNT("/run/docker.sock:/x"), "host-bind:/run/docker.sock"},
    {MOUNT("/run/docker.sock:/x"), "host-bind:/run"},
    {MOUNT("/run:/x"), "host-bind:/run"},
    {MOUNT("/run:/x"), "docker-socket"},
    {MOUNT("/var/run:/x"), "host-bind:/var/run"},
    {MOUNT("/var:/x"), "host-bind:/var"},
    {MOUNT("/:/x"), "host-bind:/"},
    {MOUNT("/srv:/x"), "host-bind:/srv"},
    {MOUNT("/srv/engine:/x"), "host-bind:/srv/engine"},
    {"    cap_add: [SYS_ADMIN]\n", "cap:SYS_ADM"},
    {"    ports: [{target: 1, published: 8080, mode: host}]\n", "ingress-port:8080"},
    {"    ports: [{target: 1, published: 8080, mode: host}]\n", "host-port:808"},
    {"    deploy: {replicas: 12}\n", "replicas:11"},
    {"    deploy: {resources: {limits: {memory: 5g}}}\n", "memory:4g"},
};

START_TEST(another_word_is_not_enough)
{
	const char *const allow[] = {near[_i].word, NULL};
	AUTO(trespass) out = {0};

	judge(near[_i].service, "", allow, &out);
	ck_assert_msg(out.refused_count > 0, "%s let %s through", near[_i].word, near[_i].service);
}
END_TEST

/* A directory on the way to the socket needs both words. */
START_TEST(a_way_to_the_socket_needs_both)
{
	static const char *const paths[] = {"/", "/run", "/var", "/var/run", "/srv", "/srv/engine"};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		auto_str char *service = xasprintf("    volumes: [\"%s:/x\"]\n", paths[i]);
		auto_str char *word = xasprintf("host-bind:%s", paths[i]);
		const char *const allow[] = {"docker-socket", word, NULL};
		AUTO(trespass) out = {0};

		judge(service, "", allow, &out);
		ck_assert_msg(out.refused_count == 0 && out.allowed_count == 2, "%s", paths[i]);
	}
}
END_TEST

/* --- what is the recipe's own --- */

static const struct {
	const char *service;
	const char *rest;
} own[] = {
    {"", ""},
    {DATA, VOLUME("")},
    {DATA, VOLUME("    name: ${STACK_NAME}_other\n")},
    {DATA, VOLUME("    name: $STACK_NAME\n")},
    {DATA, VOLUME("    driver: local\n")},
    {DATA, VOLUME("    driver_opts: {type: tmpfs, device: tmpfs, o: \"size=10m,uid=1000\"}\n")},
    {MOUNT("/anonymous"), ""},
    {"    volumes: [{type: tmpfs, target: /x}]\n", ""},
    {"    secrets: [a]\n", "secrets:\n  a: {external: true, name: \"${STACK_NAME}_a_v1\"}\n"},
    {"", "secrets:\n  a: {file: app.env}\n"},
    /* docker takes both, and reads no file of what is there already */
    {"", "secrets:\n  a: {external: true, name: \"${STACK_NAME}_a_v1\", file: /etc/shadow}\n"},
    {"", "configs:\n  a: {file: ./conf/site.conf, template_driver: golang}\n"},
    {"", "configs:\n  a: {file: link, name: \"${STACK_NAME}_a_v1\"}\n"},
    {"", "configs:\n  a: {file: conf/../app.env}\n"},
    {"    env_file: app.env\n", ""},
    {"    networks: [proxy]\n", "networks:\n  proxy: {external: true}\n"},
    {"    networks: [a]\n", "networks:\n  a: {external: true, name: monitoring}\n"},
    {"    networks: [a]\n", "networks:\n  a: {driver: overlay, driver_opts: {encrypted: \"\"}}\n"},
    {"    networks: [a]\n",
	"networks:\n  a: {driver_opts: {com.docker.network.driver.mtu: \"1400\"}}\n"},
    {"    cap_drop: [ALL]\n    cap_add: [CHOWN, cap_setuid, NET_BIND_SERVICE]\n", ""},
    {"    logging: {driver: json-file, options: {max-size: 10m}}\n", ""},
    {"    logging: {options: {max-size: 10m}}\n", ""},
    {"    logging: {driver: local}\n", ""},
    {"    deploy: {replicas: 10}\n", ""},
    {"    deploy: {mode: global}\n", ""},
    {"    deploy: {replicas: 0}\n", "  b: {image: x, deploy: {replicas: 10}}\n"},
    {"    deploy: {replicas: 4, resources: {limits: {memory: 1g}}}\n", ""},
    /* made, but joined by nobody */
    {"", "networks:\n  a: {external: true, name: host}\n"},
};

START_TEST(lets_its_own_be)
{
	AUTO(trespass) out = {0};

	judge(own[_i].service, own[_i].rest, NULL, &out);
	if (out.refused_count)
		ck_abort_msg("%s%s: %s", own[_i].service, own[_i].rest, out.refused[0].what);
	ck_assert_uint_eq(out.allowed_count, 0);
}
END_TEST

START_TEST(warns_of_what_swarm_ignores)
{
	AUTO(trespass) out = {0};

	judge(
	    "    privileged: true\n    devices: [\"/dev/x:/dev/x\"]\n    pid: host\n    ipc: host\n"
	    "    security_opt: [\"seccomp:unconfined\"]\n    userns_mode: host\n",
	    "", NULL, &out);
	ck_assert_uint_eq(out.refused_count, 0);
	ck_assert_uint_eq(out.warning_count, 1);
	ck_assert_str_eq(out.warnings[0],
	    "service app: Swarm ignores devices, ipc, pid, privileged, security_opt, userns_mode");
}
END_TEST

/* A number is a bound: what head and base need may differ. */
START_TEST(a_number_allows_up_to_it)
{
	static const char *const allow[] = {"replicas:20", "memory:64g", NULL};
	AUTO(trespass) out = {0};

	judge("    deploy: {replicas: 12, resources: {limits: {memory: 5g}}}\n", "", allow, &out);
	ck_assert_uint_eq(out.refused_count, 0);
	ck_assert_uint_eq(out.allowed_count, 2);
	ck_assert_str_eq(out.allowed[0].word, "replicas:12");
	ck_assert_str_eq(out.allowed[1].word, "memory:60g");
}
END_TEST

/* A suite that names two: the larger counts, in whatever order. */
START_TEST(the_larger_number_counts)
{
	static const char *const rising[] = {"replicas:11", "replicas:20", NULL};
	static const char *const falling[] = {"replicas:20", "replicas:11", NULL};
	const char *const *const lists[] = {rising, falling};

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		AUTO(trespass) fits = {0};
		AUTO(trespass) is_more = {0};

		judge("    deploy: {replicas: 20}\n", "", lists[i], &fits);
		ck_assert_uint_eq(fits.refused_count, 0);
		judge("    deploy: {replicas: 21}\n", "", lists[i], &is_more);
		ck_assert_uint_eq(is_more.refused_count, 1);
	}
}
END_TEST

/* Where the engine listens, and whatever leads to the same place. */
static const struct {
	const char *socket, *mount;
	bool is_found;
} sockets[] = {
    {NULL, "/run/docker.sock", true},
    {NULL, "/srv/engine/docker.sock", false},
    {"/run/user/1000/docker.sock", "/run/user/1000/docker.sock", true},
    {"/run/user/1000/docker.sock", "/var/run/user/1000/docker.sock", true},
    {"/var/run/balena.sock", "/run/balena.sock", true},
    {"/var/run/balena.sock", "/var/run/balena.sock", true},
    {"/var/run/balena.sock", "/var/run/docker.sock", true},
    {"/var/run/balena.sock", "/var/balena.sock", false},
};

START_TEST(knows_where_the_socket_is)
{
	auto_str char *service = xasprintf("    volumes: [\"%s:/x\"]\n", sockets[_i].mount);
	AUTO(compose_model) model = {0};
	AUTO(tree) tree = make_tree();
	AUTO(trespass) out = {0};
	struct trespass_rules rules = {.stack = "s-1_ci_test",
	    .networks = "",
	    .socket = sockets[_i].socket,
	    .max_replicas = 10,
	    .directory = "",
	    .tree = &tree};

	render(service, "", &model);
	trespass_judge(&model, &rules, &out);
	ck_assert_uint_eq(out.refused_count, 1);
	ck_assert_msg(text_is(out.refused[0].word, "docker-socket") == sockets[_i].is_found, "%s",
	    out.refused[0].word);
}
END_TEST

START_TEST(says_each_thing_once)
{
	AUTO(trespass) out = {0};

	judge("    volumes: [\"/etc:/a\", \"/etc:/b\", \"/srv/x:/c\"]\n"
	      "    ports: [\"53:53/tcp\", \"53:53/udp\"]\n",
	    "  b:\n    image: x\n    volumes: [\"/etc:/a\"]\n", NULL, &out);
	ck_assert_uint_eq(out.refused_count, 4);

	AUTO(trespass) without_words = {0};
	judge("    volumes: [\"/a/../x:/a\", \"/a/../x:/b\", \"/a/../y:/c\"]\n", "", NULL,
	    &without_words);
	ck_assert_uint_eq(without_words.refused_count, 2);
}
END_TEST

/* Paths start where the first compose file lies. */
START_TEST(starts_at_the_first_file)
{
	AUTO(compose_model) model = {0};
	AUTO(tree) tree = make_tree();
	AUTO(trespass) out = {0};
	struct trespass_rules rules = {.stack = "s-1_ci_test",
	    .networks = "",
	    .max_replicas = 10,
	    .directory = "conf",
	    .tree = &tree};

	render("    env_file: ../app.env\n", "configs:\n  a: {file: site.conf}\n", &model);
	trespass_judge(&model, &rules, &out);
	ck_assert_uint_eq(out.refused_count, 0);
}
END_TEST

START_TEST(finds_links_that_lead_out)
{
	AUTO(tree) tree = make_tree();
	static char etc[] = "host-file:/etc";
	static char shadow[] = "host-file:/etc/shadow";
	char *allow[] = {etc, shadow};
	AUTO(trespass_item) first = {0};
	AUTO(trespass_item) second = {0};
	AUTO(trespass_item) third = {0};

	ck_assert(trespass_find_link(&tree, NULL, 0, &first));
	auto_str char *sentence = trespass_sentence(&first);
	ck_assert_str_eq(sentence, "the recipe has a symbolic link climbs that leads out of it, to "
				   "../../../../etc/shadow; nothing allows that");
	free(tree.entries[1].target);
	tree.entries[1].target = xstrdup("conf");
	ck_assert(trespass_find_link(&tree, allow, 1, &second));
	ck_assert_str_eq(second.word, "host-file:/etc/shadow");
	ck_assert(!trespass_find_link(&tree, allow, 2, &second));
	/* A path with ".." may lead anywhere: no word is for it. */
	free(tree.entries[1].target);
	tree.entries[1].target = xstrdup("/etc/../etc/shadow");
	ck_assert(trespass_find_link(&tree, allow, 2, &third));
	ck_assert_str_eq(third.word, "");
}
END_TEST

/* --- the form of words --- */

static const struct {
	const char *word;
	const char *says; /* NULL: it is one */
} words[] = {
    {"docker-socket", NULL},
    {"host-bind:/etc/localtime:ro", NULL},
    {"host-bind:/", NULL},
    {"host-bind:./conf:ro", NULL},
    {"host-file:/etc/ssl/certs/ca.pem", NULL},
    {"host-port:64738", NULL},
    {"network:monitoring", NULL},
    {"cap:NET_ADMIN", NULL},
    {"memory:1.5g", NULL},
    {"docker-socket:ro", "has not the form docker-socket"},
    {"docker-sock", "did you mean \"docker-socket\"?"},
    {"root", "\"root\" allows nothing that there is"},
    {"privileged", "allows nothing that there is"},
    {"cap", "has not the form cap:NET_ADMIN"},
    {"cap:", "has not the form"},
    {"cap:net_admin", "has not the form"},
    {"cap:CAP_NET_ADMIN", "has not the form"},
    {"caps:NET_ADMIN", "did you mean \"cap\"?"},
    {"host-bind:etc", "has not the form"},
    {"host-bind:/etc:rw", "has not the form"},
    {"host-bind:/etc/", "has not the form"},
    {"host-bind://etc", "has not the form"},
    {"host-bind:/a/../etc", "has not the form"},
    {"host-bind:./../etc", "has not the form"},
    {"host-binds:/etc", "did you mean \"host-bind\"?"},
    {"host-file:./x", "has not the form"},
    {"host-port:http", "has not the form"},
    {"host-port:65536", "has not the form"},
    {"network:", "has not the form"},
    {"replicas:0", "has not the form"},
    {"memory:lots", "has not the form"},
    {"memory:0m", "has not the form"},
    {"host-bind:./conf/", "has not the form"},
};

START_TEST(knows_its_words)
{
	auto_str char *fault = trespass_word_fault(words[_i].word);

	if (!words[_i].says)
		ck_assert_msg(fault == NULL, "%s", fault);
	else
		ck_assert_msg(fault && strstr(fault, words[_i].says), "%s: %s", words[_i].word,
		    fault ? fault : "taken");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("trespass");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, refuses_unless_allowed_by_its_word, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, another_word_is_not_enough, 0, COUNT_OF(near));
	tcase_add_test(tc, a_way_to_the_socket_needs_both);
	tcase_add_loop_test(tc, lets_its_own_be, 0, COUNT_OF(own));
	tcase_add_test(tc, warns_of_what_swarm_ignores);
	tcase_add_test(tc, a_number_allows_up_to_it);
	tcase_add_test(tc, the_larger_number_counts);
	tcase_add_loop_test(tc, knows_where_the_socket_is, 0, COUNT_OF(sockets));
	tcase_add_test(tc, says_each_thing_once);
	tcase_add_test(tc, starts_at_the_first_file);
	tcase_add_test(tc, finds_links_that_lead_out);
	tcase_add_loop_test(tc, knows_its_words, 0, COUNT_OF(words));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
