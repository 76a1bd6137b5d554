/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a marked volume went: mounts before and after, as rows. */
#include "scripted_engine.h"

#include "runner-plugin/swarm/survival.h"

/* "service:volume:path", separated by blanks; volume "-": it has no name. */
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
		    .volume = xstrdup(text_is(volume, "-") ? "" : volume),
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
    /* without a name */
    {"app:-:/data", "app:-:/data", "app:-:/data",
	"service app keeps /data in a volume without a name: it is lost when its container is made "
	"anew; name it in compose.yml"},
    {"app:-:/data", "app:data:/data", "app:data:/data", "in a volume without a name"},
    {"app:data:/data", "app:-:/data", "app:-:/data",
	"volume `data` lost its marker: /data is now a volume without a name"},
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
#define UNNAMED_63 "23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"
#define UNNAMED "1" UNNAMED_63
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
    {"[" CONTAINER("running", MOUNT(UNNAMED, "/data", "")) "]", 1},
    {"[" CONTAINER("running", MOUNT(UNNAMED "0", "/data", "")) "]", 0},
    {"[" CONTAINER("running", MOUNT(UNNAMED "-x", "/data", "")) "]", 0},
    {"[" CONTAINER("running", MOUNT("g" UNNAMED_63, "/data", "")) "]", 0},
    /* two replicas, and two places */
    {"[" CONTAINER("running", MOUNT("a" UNNAMED_63, "/data", "")) "," CONTAINER(
	 "running", MOUNT("b" UNNAMED_63, "/data", "")) "]",
	1},
    {"[" CONTAINER(
	 "running", MOUNT("a" UNNAMED_63, "/a", "") "," MOUNT("b" UNNAMED_63, "/b", "")) "]",
	2},
    {"[" CONTAINER("running", "{\"Type\":\"bind\",\"Source\":\"/x\",\"Destination\":\"/x\"}") "]",
	0},
    /* two replicas, one mount */
    {"[" CONTAINER("running", MOUNT("s_data", "/data", "")) "," CONTAINER(
	 "running", MOUNT("s_data", "/data", "")) "]",
	1},
    {"[" CONTAINER("running", MOUNT("s_data", "/a", "") "," MOUNT("s_data", "/b", "")) "]", 2},
    {"[{},3,null]", 0},
};

START_TEST(lists_volumes_of_the_stack)
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

/* --- over an engine --- */

#define LIST "GET /v1.41/containers/json?"
#define TWO_MOUNTS                                                                                 \
	"[" CONTAINER("running",                                                                   \
	    MOUNT("s_data", "/data", "") "," MOUNT("s_conf", "/conf", ",\"RW\":false")) "]"
#define TAR_BLOCK 512

/* An archive of one regular file, as far as engine_read_file() looks. */
static size_t make_archive(char out[4 * TAR_BLOCK], const char *content)
{
	memset(out, 0, 4 * TAR_BLOCK);
	out[0] = 'x';
	(void)snprintf(out + 124, 12, "%011zo", strlen(content));
	out[156] = '0';
	memcpy(out + TAR_BLOCK, content, strlen(content));
	return 4 * TAR_BLOCK;
}

static const struct mark_row {
	struct exchange exchanges[2];
	const char *error; /* NULL: none */
} mark_rows[] = {
    {{{LIST, 200, TWO_MOUNTS}, {"PUT /v1.41/containers/c/archive?path=%2Fdata ", 200, ""}}, NULL},
    {{{LIST, 500, "{\"message\":\"broken\"}"}}, "broken"},
    {{{LIST, 200, "{}"}}, "the list of containers is none"},
    {{{LIST, 200, TWO_MOUNTS},
	 {"PUT /v1.41/containers/c/archive?path=%2Fdata ", 500, "{\"message\":\"no space\"}"}},
	"mark volume data at /data of service app"},
};

START_TEST(marks_what_can_be_written)
{
	const struct mark_row *row = &mark_rows[_i];
	const struct exchange script[] = {
	    {"GET /version ", 200, VERSION}, row->exchanges[0], row->exchanges[1]};
	AUTO_PTR(engine) engine = peer_start(script, row->exchanges[1].want ? 3 : 2);
	AUTO(survival_marks) marks = {0};
	struct err err = {0};
	int result = survival_mark(engine, "s", "m1", &marks, &err);

	peer_stop();
	ck_assert_msg(result == (row->error ? -1 : 0), "%s", err.msg);
	if (row->error) {
		ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s", err.msg);
		return;
	}
	ck_assert_str_eq(marks.marker, "m1");
	ck_assert_uint_eq(marks.mounts.count, 1);
	ck_assert_str_eq(marks.mounts.items[0].path, "/data");
}
END_TEST

/* The marker's file as the engine gives it, and what is said; NULL: it is there. */
static const struct check_row {
	int status;
	const char *content; /* NULL: the text below is the answer */
	const char *answer;
	const char *loss;  /* reason; NULL: none */
	const char *error; /* NULL: none */
} check_rows[] = {
    {200, "m1", NULL, NULL, NULL},
    {200, "m2", NULL, "what was in /data is gone", NULL},
    {200, "", NULL, "what was in /data is gone", NULL},
    {200,
	"longer than any marker, longer than any marker, longer than any marker, longer than any "
	"marker, longer than any marker, longer than any marker, longer than any marker, longer "
	"than any marker, longer than any marker, longer than any marker, longer than any marker",
	NULL, "what was in /data is gone", NULL},
    {404, NULL, "{\"message\":\"no such file\"}", "what was in /data is gone", NULL},
    {500, NULL, "{\"message\":\"broken\"}", NULL, "broken"},
};

START_TEST(checks_a_marker)
{
	const struct check_row *row = &check_rows[_i];
	char archive[4 * TAR_BLOCK];
	size_t length = row->content ? make_archive(archive, row->content) : 0;
	const struct exchange script[] = {{"GET /version ", 200, VERSION}, {LIST, 200, TWO_MOUNTS},
	    {"GET /v1.41/containers/c/archive?path=%2Fdata%2F.ccci-marker ", row->status,
		row->content ? archive : row->answer, length}};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	AUTO(survival_marks)
	marks = {.marker = xstrdup("m1"), .mounts = mounts_of("app:data:/data")};
	AUTO(survival_losses) losses = {0};
	struct err err = {0};
	int result = survival_check(engine, "s", &marks, &losses, &err);

	peer_stop();
	ck_assert_msg(result == (row->error ? -1 : 0), "%s", err.msg);
	ck_assert_uint_eq(losses.count, row->loss ? 1 : 0);
	if (row->error)
		ck_assert_msg(strstr(err.msg, row->error) != NULL, "%s", err.msg);
	if (row->loss)
		ck_assert_msg(strstr(losses.items[0].reason, row->loss) != NULL, "%s",
		    losses.items[0].reason);
	if (row->loss)
		ck_assert_str_eq(losses.items[0].path, "/data");
}
END_TEST

static const struct exchange no_lists[] = {
    {LIST, 500, "{\"message\":\"broken\"}"}, {LIST, 200, "7"}};

START_TEST(does_not_guess_without_a_list)
{
	const struct exchange script[] = {{"GET /version ", 200, VERSION}, no_lists[_i]};
	AUTO_PTR(engine) engine = peer_start(script, COUNT_OF(script));
	AUTO(survival_marks)
	marks = {.marker = xstrdup("m1"), .mounts = mounts_of("app:data:/data")};
	AUTO(survival_losses) losses = {0};
	struct err err = {0};
	int result = survival_check(engine, "s", &marks, &losses, &err);

	peer_stop();
	ck_assert_int_eq(result, -1);
	ck_assert_int_ne(err.code, ERR_NONE);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("survival");
	TCase *tc = tcase_create("survival");

	tcase_add_loop_test(tc, explains_row, 0, COUNT_OF(rows));
	tcase_add_test(tc, reads_recorded_mounts);
	tcase_add_loop_test(tc, lists_volumes_of_the_stack, 0, COUNT_OF(lists));
	tcase_add_test(tc, sees_what_is_read_only);
	tcase_add_loop_test(tc, marks_what_can_be_written, 0, COUNT_OF(mark_rows));
	tcase_add_loop_test(tc, checks_a_marker, 0, COUNT_OF(check_rows));
	tcase_add_loop_test(tc, does_not_guess_without_a_list, 0, COUNT_OF(no_lists));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
