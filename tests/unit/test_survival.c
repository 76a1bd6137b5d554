/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a marked volume went: mounts before and after, as rows. */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/swarm/survival.h"

/* "service:volume:path", separated by blanks. */
static struct survival_mounts mounts_of(const char *text)
{
	struct survival_mounts mounts = {.items = xcalloc(8, sizeof(struct survival_mount))};
	char service[32];
	char volume[32];
	char path[64];
	int used = 0;

	while (sscanf(text, " %31[^:]:%31[^:]:%63s%n", service, volume, path, &used) == 3) {
		mounts.items[mounts.count++] = (struct survival_mount){
		    .service = xstrdup(service),
		    .container = xstrdup("c"),
		    .volume = xstrdup(volume),
		    .path = xstrdup(path),
		};
		text += used;
	}
	return mounts;
}

static const struct row {
	const char *marked; /* one */
	const char *now;
	const char *found; /* the mount it is looked for in; NULL: nowhere */
	const char *says;
} rows[] = {
    {"app:data:/data", "app:data:/data", "app:data:/data",
	"volume `data` lost its marker: what was in /data is gone"},
    {"app:data:/data", "app:data:/srv", NULL,
	"volume `data` lost its marker: the mount moved from /data to /srv"},
    {"app:data:/data", "", NULL,
	"volume `data` lost its marker: it is no longer mounted (was at /data of service app)"},
    {"app:data:/data", "app:other:/x", NULL, "it is no longer mounted"},
    {"app:data:/data", "app:store:/data", "app:store:/data",
	"volume `data` lost its marker: /data is now volume `store`"},
    {"app:data:/data", "app:store:/data app:data:/old", "app:store:/data",
	"/data is now volume `store`"},
    /* renamed: the same volume at the same place of another service will do */
    {"app:data:/data", "web:data:/data", "web:data:/data", "what was in /data is gone"},
    {"app:data:/data", "web:data:/srv", NULL, "the mount moved from /data to /srv"},
    {"app:data:/data", "web:other:/data", NULL, "it is no longer mounted"},
    /* still there, but another one has the volume */
    {"app:data:/data", "app:conf:/conf web:data:/data", NULL,
	"service app no longer mounts it, but web does"},
    {"app:data:/data", "web:data:/w app:data:/srv", NULL, "moved from /data to /srv"},
};

START_TEST(explains_row)
{
	const struct row *row = &rows[_i];
	AUTO(survival_mounts) marked = mounts_of(row->marked);
	AUTO(survival_mounts) now = mounts_of(row->now);
	AUTO(survival_mounts) wanted = mounts_of(row->found ? row->found : "");
	char reason[SURVIVAL_REASON_SIZE];

	const struct survival_mount *found = survival_find(&now, &marked.items[0]);
	ck_assert_msg((found != NULL) == (row->found != NULL), "%s now %s", row->marked, row->now);
	if (found) {
		ck_assert_str_eq(found->service, wanted.items[0].service);
		ck_assert_str_eq(found->volume, wanted.items[0].volume);
		ck_assert_str_eq(found->path, wanted.items[0].path);
	}
	survival_explain(&now, &marked.items[0], reason);
	ck_assert_msg(
	    strstr(reason, row->says) != NULL, "%s now %s: \"%s\"", row->marked, row->now, reason);
}
END_TEST

START_TEST(reads_recorded_mounts)
{
	struct err err;
	AUTO(buf) text = {0};
	AUTO(survival_mounts) mounts = {0};

	ck_assert_msg(file_read(TEST_DATA_DIR "/engine/containers.json", 100000, &text, &err) == 0,
	    "%s", err.msg);
	AUTO_PTR(json) containers = json_parse(buf_text(&text), text.length, &err);
	ck_assert_msg(
	    survival_mounts_read("stages-rec", containers, &mounts, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(mounts.count, 1);
	ck_assert_str_eq(mounts.items[0].service, "app");
	ck_assert_str_eq(mounts.items[0].volume, "data");
	ck_assert_str_eq(mounts.items[0].path, "/data");
	ck_assert(!mounts.items[0].is_read_only);
	survival_mounts_release(&mounts);
	ck_assert_int_eq(survival_mounts_read("stages", containers, &mounts, &err), 0);
	ck_assert_uint_eq(mounts.count, 0);
}
END_TEST

#define CONTAINER(state, mounts)                                                                   \
	"{\"Id\":\"c\",\"State\":\"" state                                                         \
	"\",\"Labels\":{\"com.docker.swarm.service.name\":\"s_app\"},\"Mounts\":[" mounts "]}"
#define MOUNT(name, path, rest)                                                                    \
	"{\"Type\":\"volume\",\"Name\":\"" name "\",\"Destination\":\"" path "\"" rest "}"

static const struct {
	const char *text;
	size_t count;
} lists[] = {
    {"[]", 0},
    {"[" CONTAINER("running", MOUNT("s_data", "/data", "")) "]", 1},
    {"[" CONTAINER("exited", MOUNT("s_data", "/data", "")) "]", 0},
    {"[" CONTAINER("running", MOUNT("other_data", "/data", "")) "]", 0},
    {"[" CONTAINER("running", MOUNT("0123456789abcdef", "/data", "")) "]", 0},
    {"[" CONTAINER("running", "{\"Type\":\"bind\",\"Source\":\"/x\",\"Destination\":\"/x\"}") "]",
	0},
    /* two replicas, one mount */
    {"[" CONTAINER("running", MOUNT("s_data", "/data", "")) "," CONTAINER(
	 "running", MOUNT("s_data", "/data", "")) "]",
	1},
    {"[" CONTAINER("running", MOUNT("s_data", "/a", "") "," MOUNT("s_data", "/b", "")) "]", 2},
    {"[{},3,null]", 0},
};

START_TEST(lists_named_volumes_of_the_stack)
{
	struct err err;
	AUTO_PTR(json) containers = json_parse(lists[_i].text, strlen(lists[_i].text), &err);
	AUTO(survival_mounts) mounts = {0};

	ck_assert_msg(containers != NULL, "%s", err.msg);
	ck_assert_int_eq(survival_mounts_read("s", containers, &mounts, &err), 0);
	ck_assert_uint_eq(mounts.count, lists[_i].count);
}
END_TEST

START_TEST(sees_what_is_read_only)
{
	static const char text[] =
	    "[" CONTAINER("running", MOUNT("s_data", "/data", ",\"RW\":false")) "]";
	struct err err;
	AUTO_PTR(json) containers = json_parse(text, strlen(text), &err);
	AUTO(survival_mounts) mounts = {0};

	ck_assert_int_eq(survival_mounts_read("s", containers, &mounts, &err), 0);
	ck_assert(mounts.items[0].is_read_only);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("survival");
	TCase *tc = tcase_create("survival");

	tcase_add_loop_test(tc, explains_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, reads_recorded_mounts);
	tcase_add_loop_test(tc, lists_named_volumes_of_the_stack, 0, COUNT_OF(lists));
	tcase_add_test(tc, sees_what_is_read_only);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
