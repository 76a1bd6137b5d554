/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which login of a docker configuration is an image's, and how the engine gets it. */
#include "harness.h"

#include "runner-plugin/swarm/registry_auth.h"

static const struct {
	const char *image, *server;
} servers[] = {
    {"nginx", REGISTRY_HUB},
    {"nginx:1.27", REGISTRY_HUB},
    {"a/b:1", REGISTRY_HUB},
    {"docker.io/a/b", REGISTRY_HUB},
    {"index.docker.io/a/b", REGISTRY_HUB},
    {"ghcr.io/a/b:1", "ghcr.io"},
    {"r:5000/a", "r:5000"},
    {"127.0.0.1:5000/a/b@sha256:00", "127.0.0.1:5000"},
    {"localhost/a", "localhost"},
    {"nginx:1.27@sha256:00", REGISTRY_HUB},
};

START_TEST(knows_the_server)
{
	auto_str char *server = registry_server(servers[_i].image);

	ck_assert_str_eq(server, servers[_i].server);
}
END_TEST

static const struct row {
	const char *config, *server;
	const char *helper, *account, *secret; /* NULL each */
	bool is_token;
	const char *problem;
} rows[] = {
    {"{}", "r", NULL, NULL, NULL, false, NULL},
    {"{\"auths\":{\"r\":{}}}", "r", NULL, NULL, NULL, false, NULL},
    {"{\"auths\":[]}", "r", NULL, NULL, NULL, false, NULL},
    {"{\"auths\":[{\"auth\":\"YTpi\"}]}", "r", NULL, NULL, NULL, false, NULL},
    {"{\"auths\":{\"r\":{\"auth\":\"YWxpY2U6cGE6c3M=\"}}}", "r", NULL, "alice", "pa:ss", false,
	NULL},
    {"{\"auths\":{\"r\":{\"auth\":\"YWxpY2U6cGE6c3M\"}}}", "r", NULL, "alice", "pa:ss", false,
	NULL},
    {"{\"auths\":{\"r\":{\"auth\":\"YTpiAA==\"}}}", "r", NULL, "a", "b", false, NULL},
    {"{\"auths\":{\"r\":{\"username\":\"u\",\"password\":\"p\"}}}", "r", NULL, "u", "p", false,
	NULL},
    {"{\"auths\":{\"r\":{\"auth\":\"dTo=\",\"identitytoken\":\"tok\"}}}", "r", NULL, "u", "tok",
	true, NULL},
    {"{\"auths\":{\"r\":{\"identitytoken\":\"tok\"}}}", "r", NULL, "", "tok", true, NULL},
    /* forms of a name */
    {"{\"auths\":{\"https://r/v2/\":{\"auth\":\"YTpi\"}}}", "r", NULL, "a", "b", false, NULL},
    {"{\"auths\":{\"r:5000\":{\"auth\":\"YTpi\"}}}", "r", NULL, NULL, NULL, false, NULL},
    {"{\"auths\":{\"https://r/\":{\"auth\":\"Yzpk\"},\"r\":{\"auth\":\"YTpi\"}}}", "r", NULL, "a",
	"b", false, NULL},
    {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpi\"}}}", REGISTRY_HUB, NULL, "a",
	"b", false, NULL},
    {"{\"auths\":{\"docker.io\":{\"auth\":\"YTpi\"}}}", REGISTRY_HUB, NULL, "a", "b", false, NULL},
    {"{\"auths\":{\"xr\":{\"auth\":\"YTpi\"}}}", "r", NULL, NULL, NULL, false, NULL},
    /* helpers before the store before the file */
    {"{\"credHelpers\":{\"r\":\"h\"},\"credsStore\":\"s\",\"auths\":{\"r\":{\"auth\":\"YTpi\"}}}",
	"r", "h", NULL, NULL, false, NULL},
    {"{\"credHelpers\":{\"q\":\"h\"},\"credsStore\":\"s\",\"auths\":{\"r\":{\"auth\":\"YTpi\"}}}",
	"r", "s", NULL, NULL, false, NULL},
    {"{\"credHelpers\":{\"r\":\"\"},\"credsStore\":\"s\",\"auths\":{\"r\":{\"auth\":\"YTpi\"}}}",
	"r", NULL, "a", "b", false, NULL},
    {"{\"credHelpers\":{\"index.docker.io\":\"h\"}}", REGISTRY_HUB, "h", NULL, NULL, false, NULL},
    /* what makes no sense */
    {"{\"auths\":{\"r\":{\"auth\":\"YWxpY2U=\"}}}", "r", NULL, NULL, NULL, false,
	"login for r: its auth is not"},
    {"{\"auths\":{\"r\":{\"auth\":\"!\"}}}", "r", NULL, NULL, NULL, false, "its auth is not"},
    {"{\"credsStore\":\"../x\"}", "r", NULL, NULL, NULL, false, "is no credential helper"},
    {"{\"credsStore\":\"-x\"}", "r", NULL, NULL, NULL, false, "is no credential helper"},
};

static void assert_text(const char *text, const char *wanted)
{
	ck_assert((text == NULL) == (wanted == NULL));
	if (wanted)
		ck_assert_str_eq(text, wanted);
}

START_TEST(chooses_the_login)
{
	const struct row *row = &rows[_i];
	AUTO(registry_choice) choice = {0};
	struct err err = {0};
	AUTO_PTR(json) config = json_parse(row->config, strlen(row->config), &err);

	ck_assert_msg(config != NULL, "%s", err.msg);
	int result = registry_choose(config, row->server, &choice, &err);
	ck_assert_int_eq(result, row->problem ? -1 : 0);
	if (row->problem) {
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_msg(strstr(err.msg, row->problem), "%s", err.msg);
	}
	assert_text(choice.helper, row->helper);
	assert_text(choice.account, row->account);
	assert_text(choice.secret, row->secret);
	ck_assert_int_eq(choice.is_token, row->is_token);
}
END_TEST

START_TEST(needs_no_configuration)
{
	AUTO(registry_choice) choice = {0};
	struct err err;

	ck_assert_int_eq(registry_choose(NULL, "r", &choice, &err), 0);
	ck_assert(!choice.helper && !choice.secret);
	ck_assert_ptr_null(registry_header(&choice, "r"));
}
END_TEST

static const struct {
	const char *answer, *account, *secret; /* NULL: refused */
	bool is_token;
	const char *header; /* decoded: base64 -d */
} answers[] = {
    {"{\"ServerURL\":\"r\",\"Username\":\"u\",\"Secret\":\"p\"}", "u", "p", false,
	"eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoiciJ9"},
    {"{\"Username\":\"<token>\",\"Secret\":\"tok\"}", "", "tok", true,
	"eyJpZGVudGl0eXRva2VuIjoidG9rIiwic2VydmVyYWRkcmVzcyI6InIifQ=="},
    /* "-" and "_" in place of "+" and "/" */
    {"{\"Username\":\"u\",\"Secret\":\"~~~?\?\?>>>\"}", "u", "~~~?\?\?>>>", false,
	"eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6In5-fj8_Pz4-PiIsInNlcnZlcmFkZHJlc3MiOiJyIn0="},
    {"{\"Username\":\"u\"}", NULL, NULL, false, NULL},
    {"{\"Username\":\"u\",\"Secret\":\"\"}", NULL, NULL, false, NULL},
    {"{\"Secret\":\"p\"}", NULL, NULL, false, NULL},
    {"[]", NULL, NULL, false, NULL},
};

START_TEST(reads_what_helpers_answer)
{
	AUTO(registry_choice) choice = {0};
	struct err err;
	AUTO_PTR(json)
	answer = json_parse(answers[_i].answer, strlen(answers[_i].answer), &err);

	int result = registry_read_answer(answer, &choice, &err);
	ck_assert_int_eq(result, answers[_i].account ? 0 : -1);
	assert_text(choice.account, answers[_i].account);
	assert_text(choice.secret, answers[_i].secret);
	ck_assert_int_eq(choice.is_token, answers[_i].is_token);
	auto_str char *header = registry_header(&choice, "r");
	assert_text(header, answers[_i].header);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("registry_auth");
	TCase *tc = tcase_create("registry_auth");

	tcase_add_loop_test(tc, knows_the_server, 0, COUNT_OF(servers));
	tcase_add_loop_test(tc, chooses_the_login, 0, COUNT_OF(rows));
	tcase_add_test(tc, needs_no_configuration);
	tcase_add_loop_test(tc, reads_what_helpers_answer, 0, COUNT_OF(answers));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
