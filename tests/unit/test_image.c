/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What engines and registries say when an image does not come, and whose fault it is. */
#include "harness.h"

#include "common/http.h"
#include "runner-plugin/swarm/image.h"
#include "scripted_server.h"

static const struct row {
	enum err_code code;
	const char *message;
	enum image_fault fault;
} rows[] = {
    {ERR_NONE, "", IMAGE_FINE},
    {ERR_TIMEOUT, "pull: not done in time", IMAGE_TIMED_OUT},
    {ERR_PROTOCOL, "pull: status 400: invalid reference format: repository name must be lowercase",
	IMAGE_BAD_NAME},
    {ERR_MISSING,
	"pull: status 404: pull access denied for nginxx, repository does not exist or may require "
	"'docker login': denied: requested access to the resource is denied",
	IMAGE_NO_REPOSITORY},
    {ERR_TRANSIENT, "pull: status 500: Head \"https://ghcr.io/v2/a/b/manifests/1\": denied",
	IMAGE_NO_REPOSITORY},
    {ERR_TRANSIENT,
	"pull: status 500: unauthorized: access to the requested resource is not authorized",
	IMAGE_NO_REPOSITORY},
    {ERR_MISSING,
	"pull: status 404: manifest for nginx:1.99 not found: manifest unknown: manifest unknown",
	IMAGE_NO_TAG},
    {ERR_PROTOCOL, "pull: manifest unknown", IMAGE_NO_TAG},
    {ERR_MISSING, "pull: status 404: no matching manifest for linux/arm64/v8 in the manifest list",
	IMAGE_WRONG_PLATFORM},
    {ERR_TRANSIENT,
	"pull: status 500: toomanyrequests: You have reached your pull rate limit. You may "
	"increase",
	IMAGE_RATE_LIMITED},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup "
	"registry-1.docker.io on 1.1.1.1:53: no such host",
	IMAGE_NETWORK},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://registry-1.docker.io/v2/\": dial tcp 1.2.3.4:443: "
	"connect: "
	"connection refused",
	IMAGE_NETWORK},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://r/v2/\": net/http: request canceled while waiting for "
	"connection (Client.Timeout exceeded while awaiting headers)",
	IMAGE_NETWORK},
    {ERR_TRANSIENT, "pull: status 500: x509: certificate signed by unknown authority",
	IMAGE_NETWORK},
    {ERR_TRANSIENT, "pull: status 500: received unexpected HTTP status: 503 Service Unavailable",
	IMAGE_NETWORK},
    {ERR_TRANSIENT, "pull: status 500: received unexpected HTTP status: 429 Too Many Requests",
	IMAGE_RATE_LIMITED},
    {ERR_TRANSIENT, "pull: status 500: error parsing HTTP 429 response body: EOF: \"\"",
	IMAGE_RATE_LIMITED},
    {ERR_PROTOCOL, "pull: status 429: slow down", IMAGE_RATE_LIMITED},
    {ERR_PROTOCOL,
	"pull: failed to copy: unexpected status code https://r.example/v2/a/blobs/sha256:0: 429 "
	"Too Many Requests - Server message: toomanyrequests: slow down",
	IMAGE_RATE_LIMITED},
    {ERR_PROTOCOL, "toomanyrequests", IMAGE_RATE_LIMITED},
    {ERR_TRANSIENT, "pull: status 500: Get \"https://r.example/v2/\": EOF", IMAGE_NETWORK},
    {ERR_TRANSIENT, "pull: status 500: Get \"https://r/v2/\": net/http: TLS handshake timeout",
	IMAGE_NETWORK},
    {ERR_TRANSIENT, "pull: status 500: Get \"https://r/v2/\": remote error: tls: bad certificate",
	IMAGE_NETWORK},
    {ERR_TRANSIENT,
	"pull: status 500: error parsing HTTP 404 response body: invalid character 'p' after "
	"top-level value: \"404 page not found\"",
	IMAGE_NETWORK},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://r/v2/a/manifests/1\": no basic auth credentials",
	IMAGE_NO_REPOSITORY},
    {ERR_PROTOCOL, "pull: write /var/lib/docker/tmp/x: no space left on device", IMAGE_DISK_FULL},
    /* numbers and words that stand in names */
    {ERR_MISSING,
	"pull: status 404: manifest for app:1.429.0 not found: manifest unknown: manifest unknown",
	IMAGE_NO_TAG},
    {ERR_MISSING, "pull: status 404: manifest for 429:429 not found: manifest unknown",
	IMAGE_NO_TAG},
    {ERR_MISSING, "pull: status 404: manifest for toomanyrequests:1 not found: manifest unknown: x",
	IMAGE_NO_TAG},
    {ERR_PROTOCOL,
	"pull: failed to resolve reference \"docker.io/x/x509:1\": docker.io/x/x509:1: not found",
	IMAGE_NO_TAG},
    {ERR_PROTOCOL, "pull: docker.io/ssl/tls:1.2: not found", IMAGE_NO_TAG},
    {ERR_PROTOCOL, "pull: docker.io/x/unauthorized:2: not found", IMAGE_NO_TAG},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://denied.example/v2/\": dial tcp: lookup denied.example: no "
	"such host",
	IMAGE_NETWORK},
    {ERR_TRANSIENT,
	"pull: status 500: Get \"https://unauthorized:5000/v2/\": dial tcp 10.0.4.29:5000: "
	"connect: "
	"connection refused",
	IMAGE_NETWORK},
    {ERR_PROTOCOL, "tls-denied", IMAGE_OTHER},
    {ERR_PROTOCOL, ":tls", IMAGE_OTHER},
    {ERR_PROTOCOL, "pull: something nobody has seen", IMAGE_OTHER},
};

static const struct login anonymous;

START_TEST(classifies)
{
	struct err err = {.code = rows[_i].code};

	ck_assert(copy_text(err.msg, sizeof(err.msg), rows[_i].message));
	ck_assert_msg(image_classify(&err, &anonymous) == rows[_i].fault, "%s: %d", err.msg,
	    (int)image_classify(&err, &anonymous));
}
END_TEST

/* What a login, or the lack of one, makes of it. */
static char account[] = "alice";
static char problem[] = "docker-credential-x get: exit status 3";
static const struct {
	const char *message;
	struct login login;
	enum image_fault fault;
} login_rows[] = {
    {"pull: status 500: Get \"http://r/v2/\": unauthorized: incorrect username or password",
	{.account = account}, IMAGE_LOGIN_REFUSED},
    {"pull: status 500: Get \"http://r/v2/\": unauthorized: authentication required", {NULL},
	IMAGE_NO_REPOSITORY},
    {"pull: status 500: Get \"http://r/v2/\": unauthorized: authentication required",
	{.account = account}, IMAGE_LOGIN_REFUSED},
    {"pull: status 500: Head \"http://r/v2/a/manifests/1\": no basic auth credentials",
	{.account = account}, IMAGE_LOGIN_REFUSED},
    {"pull: status 500: unauthorized", {.account = account}, IMAGE_LOGIN_REFUSED},
    {"pull: status 500: unauthorized", {NULL}, IMAGE_NO_REPOSITORY},
    {"pull: denied: requested access to the resource is denied", {.account = account},
	IMAGE_NO_REPOSITORY},
    {"pull: denied: requested access to the resource is denied", {.problem = problem},
	IMAGE_LOGIN_REFUSED},
    {"pull: no basic auth credentials", {.problem = problem}, IMAGE_LOGIN_REFUSED},
    {"pull: manifest unknown", {.problem = problem}, IMAGE_NO_TAG},
    {"pull: manifest unknown", {.account = account}, IMAGE_NO_TAG},
};

START_TEST(knows_whose_login_it_was)
{
	struct err err = {.code = ERR_TRANSIENT};

	ck_assert(copy_text(err.msg, sizeof(err.msg), login_rows[_i].message));
	ck_assert_msg(image_classify(&err, &login_rows[_i].login) == login_rows[_i].fault, "%s: %d",
	    err.msg, (int)image_classify(&err, &login_rows[_i].login));
}
END_TEST

START_TEST(blames_the_recipe_for_its_own_only)
{
	static const enum image_fault theirs[] = {
	    IMAGE_BAD_NAME, IMAGE_NO_REPOSITORY, IMAGE_NO_TAG, IMAGE_WRONG_PLATFORM};
	static const enum image_fault ours[] = {IMAGE_FINE, IMAGE_LOGIN_REFUSED, IMAGE_RATE_LIMITED,
	    IMAGE_NETWORK, IMAGE_DISK_FULL, IMAGE_TIMED_OUT, IMAGE_OTHER};

	for (size_t i = 0; i < COUNT_OF(theirs); i++)
		ck_assert(image_is_recipes_fault(theirs[i]));
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		ck_assert(!image_is_recipes_fault(ours[i]));
}
END_TEST

static const struct name_row {
	const char *name, *full;
} names[] = {
    {"nginx", "nginx:latest"},
    {"nginx:1.2", "nginx:1.2"},
    {"127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"},
    {"127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"},
    {"a@sha256:00", "a@sha256:00"},
    {"r:1/a:1@sha256:00", "r:1/a:1@sha256:00"},
};

START_TEST(completes_names)
{
	auto_str char *full = image_full_name(names[_i].name);

	ck_assert_str_eq(full, names[_i].full);
}
END_TEST

START_TEST(lists_each_once)
{
	AUTO(image_list) list = {0};

	image_list_add(&list, "a:1", "app");
	image_list_add(&list, "b:1", "db");
	image_list_add(&list, "a:1", "worker");
	ck_assert_uint_eq(list.count, 2);
	ck_assert_str_eq(list.items[0].service, "app");
	ck_assert_str_eq(list.items[1].service, "db");
}
END_TEST

/* --- looking and pulling, against an engine that plays a script --- */

#define VERSION "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"
#define ABSENT "{\"message\":\"No such image\"}"
#define LOOK(name) "GET /v1.41/images/" name "/json"
#define PULL(name) "POST /v1.41/images/create?fromImage=" name

/* The engine of one script. */
struct peer {
	struct scripted_server server;
	struct engine *engine;
};

static struct peer peer_start(const struct exchange *script, size_t count)
{
	struct err err;
	struct peer peer = {.server = scripted_start(script, count)};
	auto_str char *address = xasprintf("tcp%s", strchr(peer.server.url, ':'));

	const struct settings settings = {.docker_host = address};
	peer.engine = engine_open(&settings, &err);
	ck_assert_msg(peer.engine != NULL, "%s", err.msg);
	return peer;
}

static void peer_end(struct peer *peer)
{
	engine_close(peer->engine);
	scripted_end(&peer->server);
}

struct said {
	char text[400];
};

static void hear(void *context, const char *line)
{
	struct said *said = context;
	size_t used = strlen(said->text);

	(void)snprintf(said->text + used, sizeof(said->text) - used, "%s;", line);
}

static struct image_watch watch_with(struct said *said)
{
	return (struct image_watch){.deadline_ns = clock_now() + 10 * NS_PER_S,
	    .cancel_fd = -1,
	    .say = hear,
	    .context = said};
}

START_TEST(pulls_what_is_not_there)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("here%3A1"),
		.status = 200,
		.answer = "{\"Id\":\"sha256:aa\",\"RepoDigests\":[\"here@sha256:11\"],\"Config\":{"
			  "\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}"},
	    {.request = LOOK("far%3Alatest"), .status = 404, .answer = ABSENT},
	    {.request = LOOK("B%3A1"),
		.status = 400,
		.answer = "{\"message\":\"invalid reference format\"}"},
	    {.request = PULL("far%3Alatest"), .status = 200, .answer = "{\"status\":\"done\"}\n"},
	    {.request = LOOK("far%3Alatest"),
		.status = 200,
		.answer = "{\"Id\":\"sha256:bb\",\"Config\":{\"Healthcheck\":{\"Test\":["
			  "\"NONE\"]}}}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct said said = {0};
	const struct image_watch watch = watch_with(&said);
	AUTO(image_list) list = {0};
	struct err err = {0};

	image_list_add(&list, "here:1", "app");
	image_list_add(&list, "far", "db");
	image_list_add(&list, "B:1", "worker");
	int result = image_preflight(peer.engine, &list, &watch, &err);
	peer_end(&peer);
	ck_assert_msg(result == 0, "%s", err.msg);

	const struct image *here = &list.items[0];
	ck_assert(!here->is_absent && here->has_healthcheck && here->fault == IMAGE_FINE);
	ck_assert_str_eq(here->digest, "sha256:11");
	const struct image *far = &list.items[1];
	ck_assert(far->is_absent && !far->has_healthcheck && far->fault == IMAGE_FINE);
	ck_assert_str_eq(far->digest, "sha256:bb");
	ck_assert_str_eq(far->reason, "");
	const struct image *bad = &list.items[2];
	ck_assert(bad->is_absent && !bad->digest);
	ck_assert_int_eq(bad->fault, IMAGE_BAD_NAME);
	ck_assert_str_eq(bad->reason,
	    "image B:1 of service worker: that is no image name (engine: "
	    "GET /images/B%3A1/json: status 400: invalid reference format)");
	ck_assert_msg(text_starts(said.text, "pulling far;pulled far:latest in "), "%s", said.text);
}
END_TEST

START_TEST(pulls_nothing_that_is_there)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("here%3A1"), .status = 200, .answer = "{\"Id\":\"sha256:aa\"}"},
	    {.request = LOOK("there%40sha256%3A00"),
		.status = 200,
		.answer = "{\"Id\":\"sha256:bb\",\"RepoDigests\":[\"other@sha256:11\"]}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct said said = {0};
	const struct image_watch watch = watch_with(&said);
	AUTO(image_list) list = {0};
	struct err err = {0};

	image_list_add(&list, "here:1", "app");
	image_list_add(&list, "there@sha256:00", "db");
	int result = image_preflight(peer.engine, &list, &watch, &err);
	peer_end(&peer);
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert(!list.items[0].has_healthcheck);
	ck_assert_str_eq(list.items[1].digest, "sha256:00");
	ck_assert_str_eq(said.text, "");
}
END_TEST

START_TEST(says_of_which_image_and_service)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("far%3A9"), .status = 404, .answer = ABSENT},
	    {.request = PULL("far%3A9"),
		.status = 404,
		.answer = "{\"message\":\"manifest for far:9 not found: manifest unknown\"}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct said said = {0};
	const struct image_watch watch = watch_with(&said);
	AUTO(image_list) list = {0};
	struct err err = {0};

	image_list_add(&list, "far:9", "db");
	int result = image_preflight(peer.engine, &list, &watch, &err);
	peer_end(&peer);
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_int_eq(list.items[0].fault, IMAGE_NO_TAG);
	ck_assert_str_eq(list.items[0].reason,
	    "image far:9 of service db: the repository has no such tag (pull: status 404: manifest "
	    "for far:9 not found: manifest unknown)");
	ck_assert_msg(strstr(said.text, ";far:9: no pull, after "), "%s", said.text);
}
END_TEST

/* A rate limit is somebody's: the one account, or all that pull without one. */
static const struct {
	const char *config, *header, *reason, *said;
} limits[] = {
    {NULL, NULL,
	"image far:9 of service db: the registry's rate limit is reached for anonymous pulls; a "
	"docker login on this host raises it (pull: status 429: slow down)",
	"pulling far:9;"},
    {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"Ym9iOmh1bnRlcjIyMw==\"}}}",
	"X-Registry-Auth: eyJ1c2VybmFtZSI6ImJvYiIsInBhc3N3b3JkIjoiaHVudGVyMjIzIiwic2VydmVyYWRkcmVz"
	"cyI6Imh0dHBzOi8vaW5kZXguZG9ja2VyLmlvL3YxLyJ9",
	"image far:9 of service db: the registry's rate limit is reached for the account bob "
	"(pull: status 429: "
	"slow down)",
	"pulling far:9 as bob;"},
};

START_TEST(says_whose_rate_limit_it_is)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("far%3A9"), .status = 404, .answer = ABSENT},
	    {.request = PULL("far%3A9"),
		.header = limits[_i].header,
		.status = 429,
		.answer = "{\"message\":\"slow down\"}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct said said = {0};
	struct image_watch watch = watch_with(&said);
	struct logins logins = {0};
	AUTO(image_list) list = {0};
	struct err err = {0};

	if (limits[_i].config)
		logins.config = json_parse(limits[_i].config, strlen(limits[_i].config), &err);
	watch.logins = &logins;
	image_list_add(&list, "far:9", "db");
	int result = image_preflight(peer.engine, &list, &watch, &err);
	peer_end(&peer);
	json_free(logins.config);
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert_int_eq(list.items[0].fault, IMAGE_RATE_LIMITED);
	ck_assert_str_eq(list.items[0].reason, limits[_i].reason);
	ck_assert_msg(text_starts(said.text, limits[_i].said), "%s", said.text);
}
END_TEST

/* By digest, and by the tag when no registry has given one. */
START_TEST(knows_healthchecks_by_digest)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("a%40sha256%3A00"),
		.status = 200,
		.answer = "{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}"},
	    {.request = LOOK("a%3A1%40sha256%3A00"), .status = 404, .answer = ABSENT},
	    {.request = LOOK("a%3A1"),
		.status = 200,
		.answer = "{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}"},
	    {.request = LOOK("b%3A1"), .status = 404, .answer = ABSENT},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	bool has[3] = {false, false, true};
	struct err err = {0};

	int result = image_has_healthcheck(peer.engine, "a@sha256:00", &has[0], &err);
	if (result == 0)
		result = image_has_healthcheck(peer.engine, "a:1@sha256:00", &has[1], &err);
	if (result == 0)
		result = image_has_healthcheck(peer.engine, "b:1", &has[2], &err);
	peer_end(&peer);
	ck_assert_msg(result == 0, "%s", err.msg);
	ck_assert(has[0] && has[1] && !has[2]);
}
END_TEST

START_TEST(a_failing_engine_knows_no_healthcheck)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("a%3A1"), .status = 500, .answer = "{\"message\":\"oops\"}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct err err = {0};
	bool has = false;

	int result = image_has_healthcheck(peer.engine, "a:1", &has, &err);
	peer_end(&peer);
	ck_assert_int_eq(result, -1);
	ck_assert_msg(strstr(err.msg, "oops"), "%s", err.msg);
}
END_TEST

/* Nobody knows then whether the image is there. */
START_TEST(an_engine_that_fails_is_an_error)
{
	const struct exchange script[] = {
	    {.request = "GET /version", .status = 200, .answer = VERSION},
	    {.request = LOOK("here%3A1"), .status = 500, .answer = "{\"message\":\"oops\"}"},
	};
	struct peer peer = peer_start(script, COUNT_OF(script));
	struct said said = {0};
	const struct image_watch watch = watch_with(&said);
	AUTO(image_list) list = {0};
	struct err err = {0};

	image_list_add(&list, "here:1", "app");
	image_list_add(&list, "never:1", "db");
	int result = image_preflight(peer.engine, &list, &watch, &err);
	peer_end(&peer);
	ck_assert_int_eq(result, -1);
	ck_assert_msg(strstr(err.msg, "oops"), "%s", err.msg);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *tc = tcase_create("image");

	tcase_add_loop_test(tc, classifies, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, knows_whose_login_it_was, 0, COUNT_OF(login_rows));
	tcase_add_test(tc, blames_the_recipe_for_its_own_only);
	tcase_add_loop_test(tc, completes_names, 0, COUNT_OF(names));
	tcase_add_test(tc, lists_each_once);
	tcase_add_test(tc, pulls_what_is_not_there);
	tcase_add_test(tc, pulls_nothing_that_is_there);
	tcase_add_test(tc, says_of_which_image_and_service);
	tcase_add_loop_test(tc, says_whose_rate_limit_it_is, 0, COUNT_OF(limits));
	tcase_add_test(tc, knows_healthchecks_by_digest);
	tcase_add_test(tc, an_engine_that_fails_is_an_error);
	tcase_add_test(tc, a_failing_engine_knows_no_healthcheck);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
