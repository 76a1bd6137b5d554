/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * abra's last lines and whose fault they are. The sentences are those of `docker stack deploy`,
 * Docker CLI 28.2.2 (and 20.10 where it says another one) against Engine 20.10.24.
 */
#include "harness.h"

#include "common/buf.h"
#include "runner-plugin/abra/refusal.h"

#define DAEMON "Error response from daemon: rpc error: code = "
#define SERVICE "FATA failed to create service gree-1_app: " DAEMON
#define LOADS "abra cannot load the recipe's compose files: "
#define REFUSES "Docker refuses what the recipe asks for: "

static const struct row {
	const char *said;
	const char *text; /* how it begins; NULL: ours */
} rows[] = {
    /* the engine refuses */
    {"INFO creating\n" SERVICE "InvalidArgument desc = ContainerSpec: duplicate mount point: /x\n",
	REFUSES
	"failed to create service gree-1_app: " DAEMON
	"InvalidArgument desc = ContainerSpec: duplicate mount point: /x (mount one thing only"},
    {SERVICE
	"InvalidArgument desc = ContainerSpec: \"UPPER/case:1\" is not a valid repository/tag\n",
	REFUSES "failed to create service gree-1_app"},
    {SERVICE "InvalidArgument desc = EndpointSpec: duplicate published ports provided\n", REFUSES},
    {SERVICE "InvalidArgument desc = EndpointSpec: port published with ingress mode can't be used "
	     "with dnsrr mode\n",
	REFUSES},
    {SERVICE "InvalidArgument desc = ContainerSpec: Interval in HealthConfig cannot be less than "
	     "1ms\n",
	REFUSES},
    {SERVICE "InvalidArgument desc = name must be 63 characters or fewer\n", REFUSES},
    {SERVICE "InvalidArgument desc = invalid memory value 1048576: Must be at least 4MiB\n",
	REFUSES},
    {SERVICE "InvalidArgument desc = invalid cpu value 0.0001: Must be at least 0.001\n", REFUSES},
    {SERVICE "InvalidArgument desc = TaskSpec: update-delay cannot be negative\n", REFUSES},
    {SERVICE "InvalidArgument desc = Jobs may not have an update config\n", REFUSES},
    {SERVICE "InvalidArgument desc = expanding env failed: expanding env \"A={{.Nope}}\": "
	     "template: expansion:1:2: executing \"expansion\" at <.Nope>: can't evaluate field "
	     "Nope in type *template.Context\n",
	REFUSES},
    {SERVICE "Unknown desc = constraint expected one operator from ==, !=\n", REFUSES},
    {"FATA failed to create service gree-1_app: Error response from daemon: unrecognized update "
     "failure action banana\n",
	REFUSES},
    {"FATA failed to create service gree-1_app: Error response from daemon: invalid "
     "RestartCondition: \"banana\"\n",
	REFUSES},
    {"FATA failed to create config gree-1_c: " DAEMON
     "InvalidArgument desc = config data must be larger than 0 and less than 1024000 bytes\n",
	REFUSES},
    {"FATA failed to create config aaaa: " DAEMON
     "InvalidArgument desc = invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the "
     "start and end character must be [a-zA-Z0-9]\n",
	REFUSES},
    {"FATA failed to create network a b: " DAEMON
     "InvalidArgument desc = name must be valid as a DNS name component\n",
	REFUSES},
    {"FATA failed to create network gree-1_n: Error response from daemon: Invalid subnet banana : "
     "invalid CIDR address: banana\n",
	REFUSES},
    {"FATA failed to update config gree-1_c: " DAEMON
     "InvalidArgument desc = only updates to Labels are allowed\n",
	REFUSES "failed to update config gree-1_c: " DAEMON
		"InvalidArgument desc = only updates to Labels are allowed (a config changed under "
		"the same name: its version in abra.sh has to go up)"},
    {"FATA failed to update service gree-1_app: " DAEMON
     "Unimplemented desc = service mode change is not allowed\n",
	REFUSES},
    {"FATA failed to update service gree-1_app: " DAEMON
     "InvalidArgument desc = ContainerSpec: duplicate mount point: /x\n",
	REFUSES},
    {SERVICE "InvalidArgument desc = port '80' is already in use by service 'gree-1_db' (qv0mc) as "
	     "an ingress port\n",
	REFUSES},
    /* the loader refuses */
    {"FATA unable to validate recipe: .env.sample does not exist?\n",
	LOADS "unable to validate recipe: .env.sample does not exist?"},
    {"FATA invalid image reference for service app: invalid reference format\n",
	LOADS "invalid image reference for service app: invalid reference format (image has to"},
    {"FATA invalid image reference for service app: no image specified\n", LOADS},
    {"FATA services.app Additional property foo is not allowed\n", LOADS},
    {"FATA (root) Additional property foo is not allowed\n", LOADS},
    {"FATA unsupported Compose file version: 9.9\n", LOADS},
    {"FATA Compose file contains unsupported options:\n\nx: y\n",
	LOADS "Compose file contains unsupported options: x: y"},
    {"FATA invalid interpolation format for services.app.image: \"${\"; you may need to escape any "
     "$ with another $\n",
	LOADS},
    {"FATA invalid interpolation format for services.app.image: \"required variable NOPE is "
     "missing "
     "a value: set nope\"; you may need to escape any $ with another $\n",
	LOADS},
    {"FATA required variable NOPE is missing a value: set nope\n",
	LOADS "required variable NOPE is missing a value: set nope (give it a value in"},
    {"FATA yaml: line 2: did not find expected node content\n", LOADS},
    {"FATA yaml: unmarshal errors:\n  line 3: cannot unmarshal !!seq into map\n",
	LOADS "yaml: unmarshal errors: line 3: cannot"},
    {"FATA services.app.ports.0 Does not match format 'ports'\n", LOADS},
    {"FATA 1 error(s) decoding:\n\n* error decoding 'Ports': Invalid hostPort: 99999\n",
	LOADS "1 error(s) decoding: * error decoding 'Ports': Invalid hostPort: 99999"},
    {"FATA decoding failed due to the following error(s):\n\nerror decoding "
     "'Deploy.Resources.Limits.memory': invalid size: 'lots'\n",
	LOADS "decoding failed due to the following error(s): error decoding "
	      "'Deploy.Resources.Limits.memory': invalid size: 'lots'"},
    {"FATA Non-string key in networks: false\n", LOADS},
    {"FATA services.app.environment.A must be a string, number or null\n", LOADS},
    {"FATA services must be a mapping\n", LOADS},
    {"FATA services.app.ports must be a list\n", LOADS},
    {"FATA service app: undefined network \"nope\"\n",
	LOADS "service app: undefined network \"nope\" (declare it under the top-level networks)"},
    {"FATA service app: undefined volume \"nope\"\n", LOADS},
    {"FATA service app: undefined secret \"nope\"\n", LOADS},
    {"FATA service app: undefined config \"nope\"\n", LOADS},
    {"FATA invalid mount config for type \"bind\": field Source must not be empty\n", LOADS},
    {"FATA service app: invalid tmpfs source, source must be empty\n", LOADS},
    {"FATA invalid spec: :/backup: empty section between colons\n", LOADS},
    {"FATA service app: Unknown mode: banana\n", LOADS},
    {"FATA service app: replicas can only be used with replicated or replicated-job mode\n", LOADS},
    {"FATA service app: duplicate config target for gree-1_c not allowed\n", LOADS},
    {"FATA service app: duplicate secret target for gree-1_b not allowed\n", LOADS},
    {"FATA secret gree-1_x is > 64 chars when combined with gree-1\n", LOADS},
    {"FATA open /run/abra/recipes/green/site.conf: no such file or directory\n",
	LOADS "open /run/abra/recipes/green/site.conf: no such file or directory (the file has to"},
    /* in capitals, without a newline, behind a time, and only the last counts */
    {"FATA SERVICE APP: UNDEFINED VOLUME \"NOPE\"", LOADS "SERVICE APP"},
    {"2026/01/01 10:00:00 FATA service app: undefined volume \"nope\"\n", LOADS "service app"},
    {"FATA first\nFATA services.app Additional property foo is not allowed", LOADS "services.app"},
    /* ours: the host's, the engine's, abra's */
    {SERVICE
	"InvalidArgument desc = port '80' is already in use by service 'else-2_app' (qv0mc) as "
	"an ingress port\n",
	NULL},
    {"FATA failed to create network gree-1_n: " DAEMON
     "InvalidArgument desc = error during lookup of plugin banana\n",
	NULL},
    {"FATA failed to create network gree-1_n: Error response from daemon: plugin \"nope\" not "
     "found\n",
	NULL},
    {"FATA network \"proxy\" is declared as external, but could not be found. You need to create a "
     "swarm-scoped network before the stack is deployed\n",
	NULL},
    {"FATA service app: secret not found: gree-1_nope\n", NULL},
    {"FATA secret not generated: db_password\n", NULL},
    {"FATA secret not inserted (#generate=false): smtp_password\n", NULL},
    {"FATA Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
     "daemon "
     "running?\n",
	NULL},
    {"FATA swarm mode not enabled on local server?\n", NULL},
    {"FATA unknown server elsewhere, see \"abra server ls\"?\n", NULL},
    {"FATA failed to update service gree-1_app: " DAEMON "Unknown desc = update out of sequence\n",
	NULL},
    {"FATA failed to create service gree-1_app: " DAEMON
     "DeadlineExceeded desc = context deadline exceeded\n",
	NULL},
    {"FATA failed to create network gree-1_n: Error response from daemon: could not find an "
     "available, non-overlapping IPv4 address pool among the defaults to assign to the network\n",
	NULL},
    {"FATA deploy timed out after 50 s: app\n", NULL},
    {"FATA open /root/.abra/servers/default/x.env: no such file or directory\n", NULL},
    {"FATA write /run/abra/recipes/green/x: no space left on device\n", NULL},
    {"panic: runtime error: invalid memory address\ngoroutine 1 [running]:\n", NULL},
    {"Error: unknown flag: --chaos\n", NULL},
    {"FATALITIES undefined volume \"x\"\n", NULL},
    {"xFATA undefined volume \"x\"\n", NULL},
    {"FATA\n", NULL},
    {"FATA", NULL},
    {"undefined volume \"x\"\n", NULL},
    {"FATA services.app Additional property foo is not allowed\nFATA the disk is gone", NULL},
    {"", NULL},
};

static struct refusal read_refusal(const char *said, int exit_code)
{
	const struct refusal_facts facts = {
	    .exit_code = exit_code, .stack = "gree-1", .recipe_dir = "/run/abra/recipes/green"};
	struct refusal refusal;

	refusal_read(&facts, said, &refusal);
	return refusal;
}

START_TEST(gives_each_sentence_to_its_owner)
{
	const struct row *row = &rows[_i];
	struct refusal refusal = read_refusal(row->said, 1);

	ck_assert_msg(refusal.is_recipes == (row->text != NULL), "%s", row->said);
	ck_assert_msg(text_starts(refusal.text, row->text ? row->text : ""), "%s", refusal.text);
	ck_assert(row->text || !*refusal.text);
}
END_TEST

/* What it went on after. */
START_TEST(who_ends_with_0_refused_nothing)
{
	ck_assert(!read_refusal(rows[0].said, 0).is_recipes);
}
END_TEST

START_TEST(quotes_a_bounded_sentence)
{
	AUTO(buf) said = buf_make(4096);

	(void)buf_add_text(&said, "FATA yaml: line 2: ");
	for (int i = 0; i < 200; i++)
		(void)buf_add_text(&said, "\xc3\xa4\xc3\xb6 \n");
	struct refusal refusal = read_refusal(buf_text(&said), 1);
	size_t length = strlen(refusal.text);

	ck_assert(refusal.is_recipes);
	ck_assert_uint_le(length, strlen(LOADS) + 300);
	ck_assert_uint_ge(length, strlen(LOADS) + 290);
	ck_assert_uint_eq(text_head(refusal.text, length), length);
	ck_assert(!strstr(refusal.text, "  ") && !strchr(refusal.text, '\n'));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("refusal");
	TCase *tc = tcase_create("refusal");

	tcase_add_loop_test(tc, gives_each_sentence_to_its_owner, 0, COUNT_OF(rows));
	tcase_add_test(tc, who_ends_with_0_refused_nothing);
	tcase_add_test(tc, quotes_a_bounded_sentence);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
