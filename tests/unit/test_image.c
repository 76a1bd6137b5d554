/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What engines and registries say when an image does not come, and whose fault it is. */
#include "harness.h"

#include "runner-plugin/swarm/image.h"

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
    {ERR_PROTOCOL, "pull: write /var/lib/docker/tmp/x: no space left on device", IMAGE_DISK_FULL},
    {ERR_PROTOCOL, "pull: something nobody has seen", IMAGE_OTHER},
};

START_TEST(classifies)
{
	struct err err = {.code = rows[_i].code};

	ck_assert(copy_text(err.msg, sizeof(err.msg), rows[_i].message));
	ck_assert_msg(
	    image_classify(&err) == rows[_i].fault, "%s: %d", err.msg, (int)image_classify(&err));
}
END_TEST

START_TEST(blames_the_recipe_for_its_own_only)
{
	static const enum image_fault theirs[] = {
	    IMAGE_BAD_NAME, IMAGE_NO_REPOSITORY, IMAGE_NO_TAG, IMAGE_WRONG_PLATFORM};
	static const enum image_fault ours[] = {IMAGE_FINE, IMAGE_RATE_LIMITED, IMAGE_NETWORK,
	    IMAGE_DISK_FULL, IMAGE_TIMED_OUT, IMAGE_OTHER};

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
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *tc = tcase_create("image");

	tcase_add_loop_test(tc, classifies, 0, COUNT_OF(rows));
	tcase_add_test(tc, blames_the_recipe_for_its_own_only);
	tcase_add_loop_test(tc, completes_names, 0, COUNT_OF(names));
	tcase_add_test(tc, lists_each_once);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
