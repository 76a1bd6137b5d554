/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which images go when there is no room, and in which order. */
#include "harness.h"

#include "runner-plugin/host/prune.h"
#include "runner-plugin/host/room.h"

static void read_images(const char *text, struct prune_list *out)
{
	struct err err = {0};
	AUTO_PTR(json) answer = json_parse(text, strlen(text), &err);

	ck_assert_msg(answer && prune_read(answer, out, &err) == 0, "%s", err.msg);
}

/* An image as the engine tells it: id, tags as JSON, when. */
#define IMAGE(id, tags, created)                                                                   \
	"{\"Id\":\"sha256:" id "\",\"RepoTags\":" tags ",\"Created\":" created ",\"Size\":"        \
	"1048576}"

static const struct row {
	const char *images, *needed, *prefix, *order; /* ids, blanks between */
} rows[] = {
    /* Without a name first, then the oldest. */
    {"[" IMAGE("a", "[\"x:1\"]", "10") "," IMAGE("b", "null", "30") "," IMAGE(
	 "c", "[\"x:2\"]", "5") "," IMAGE("d", "[\"<none>:<none>\"]", "20") "]",
	"", "", "sha256:d sha256:b sha256:c sha256:a"},
    /* Needed ones stay, named or not. */
    {"[" IMAGE("a", "[\"x:1\"]", "10") "," IMAGE("b", "[]", "30") "," IMAGE(
	 "c", "[\"y:1\"]", "20") "]",
	"sha256:a sha256:b", "", "sha256:c"},
    {"[" IMAGE("a", "[\"x:1\"]", "10") "]", "sha256:a", "", ""},
    {"[" IMAGE("a", "[\"x:1\"]", "10") "]", "sha256:ab", "", "sha256:a"},
    /* Of the same age: by id, so that it is the same each time. */
    {"[" IMAGE("b", "[\"x:1\"]", "1") "," IMAGE("a", "[\"x:2\"]", "1") "]", "", "",
	"sha256:a sha256:b"},
    /* With a prefix nothing else, nothing without a name, and none that has another name too. */
    {"[" IMAGE("a", "[\"mine/x:1\"]", "1") "," IMAGE("b", "[]", "1") "," IMAGE(
	 "c", "[\"mine/x:2\",\"other:1\"]", "1") "," IMAGE("d", "[\"other:2\"]", "1") "]",
	"", "mine/", "sha256:a"},
    /* What has no id, or one that is too long, is nobody's to remove. */
    {"[{},{\"Id\":7},{\"Id\":\"sha256:"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234\"}]",
	"", "", ""},
    {"[]", "", "", ""},
};

START_TEST(chooses)
{
	const struct row *row = &rows[_i];
	AUTO(prune_list) list = {0};
	AUTO(prune_needed) needed = {0};
	AUTO(buf) order = buf_make(4096);
	auto_str char *words = xstrdup(row->needed);
	char *rest = words;

	for (char *id = strsep(&rest, " "); id && *id; id = strsep(&rest, " "))
		prune_need(&needed, id);
	read_images(row->images, &list);
	prune_choose(&list, &needed, row->prefix);
	for (size_t i = 0; i < list.count; i++)
		(void)buf_printf(&order, "%s%s", i ? " " : "", list.items[i].id);
	ck_assert_str_eq(buf_text(&order), row->order);
}
END_TEST

START_TEST(reads_no_other_answer)
{
	AUTO(prune_list) list = {0};
	struct err err = {0};
	AUTO_PTR(json) answer = json_parse("{}", 2, &err);

	ck_assert_int_eq(prune_read(answer, &list, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

static const struct room_row {
	struct room room;
	int64_t percent;
	bool is_below;
} room_rows[] = {
    {{0, 50, 50}, 15, false},
    {{0, 14, 50}, 15, true},
    {{0, 50, 14}, 15, true},
    {{0, 15, 15}, 15, false},
};

START_TEST(knows_when_it_is_short)
{
	ck_assert_int_eq(
	    room_is_below(&room_rows[_i].room, room_rows[_i].percent), room_rows[_i].is_below);
}
END_TEST

START_TEST(looks_at_a_disk)
{
	struct room room;
	struct err err = {0};

	ck_assert_msg(room_look("/", &room, &err) == 0, "%s", err.msg);
	ck_assert(room.free_bytes > 0 && room.disk_percent <= 100 && room.inode_percent <= 100);
	ck_assert_int_eq(room_look("/nonexistent/x", &room, &err), -1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("prune");
	TCase *tc = tcase_create("prune");

	tcase_add_loop_test(tc, chooses, 0, COUNT_OF(rows));
	tcase_add_test(tc, reads_no_other_answer);
	tcase_add_loop_test(tc, knows_when_it_is_short, 0, COUNT_OF(room_rows));
	tcase_add_test(tc, looks_at_a_disk);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
