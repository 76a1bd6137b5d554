/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apps that runs share: who gets what, when one goes, and which app is which. */
#include "harness.h"

#include "common/clock.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/shared.h"

/* --- who gets what --- */

static const struct row {
	enum shared_state before;
	enum shared_answer answer;
	enum shared_state after;
} rows[] = {
    {SHARED_NEW, SHARED_START, SHARED_RISING},
    {SHARED_RISING, SHARED_WAIT, SHARED_RISING},
    {SHARED_UP, SHARED_LOOK, SHARED_LOOKING}, /* nobody gets it unseen */
    {SHARED_LOOKING, SHARED_WAIT, SHARED_LOOKING},
    {SHARED_WITHDRAWN, SHARED_REFUSE, SHARED_WITHDRAWN},
};

START_TEST(answers_who_asks)
{
	struct shared shared = {.state = rows[_i].before};

	ck_assert_int_eq(shared_ask(&shared), rows[_i].answer);
	ck_assert_int_eq(shared.state, rows[_i].after);
}
END_TEST

static const struct {
	enum shared_state before;
	bool is_well;
	enum shared_state after;
} settled[] = {
    {SHARED_RISING, true, SHARED_UP}, {SHARED_RISING, false, SHARED_WITHDRAWN},
    {SHARED_LOOKING, true, SHARED_UP}, {SHARED_LOOKING, false, SHARED_WITHDRAWN},
    {SHARED_WITHDRAWN, true, SHARED_WITHDRAWN}, /* while somebody looked */
};

START_TEST(settles)
{
	struct shared shared = {.state = settled[_i].before};

	shared_settle(&shared, settled[_i].is_well, 7);
	ck_assert_int_eq(shared.state, settled[_i].after);
	ck_assert_int_eq(shared.unused_since_ns, 7);
}
END_TEST

/* --- when it goes --- */

#define SECOND NS_PER_S

static const struct {
	enum shared_state state;
	size_t user_count;
	int64_t unused_ns;
	bool is_over;
} ends[] = {
    {SHARED_UP, 0, 2 * SECOND, true}, {SHARED_UP, 0, SECOND, true},
    {SHARED_UP, 0, SECOND - 1, false}, {SHARED_UP, 1, 2 * SECOND, false},
    {SHARED_NEW, 0, 2 * SECOND, false}, /* ends with who made it */
    {SHARED_RISING, 0, 2 * SECOND, false}, {SHARED_LOOKING, 0, 2 * SECOND, false},
    {SHARED_WITHDRAWN, 0, 0, true},
    {SHARED_WITHDRAWN, 1, 2 * SECOND, false}, /* what is in it is that one's */
};

START_TEST(goes_when_nobody_uses_it)
{
	const struct shared shared = {.state = ends[_i].state,
	    .user_count = ends[_i].user_count,
	    .unused_since_ns = 5 * SECOND};

	ck_assert_int_eq(
	    shared_is_over(&shared, 1000, 5 * SECOND + ends[_i].unused_ns), ends[_i].is_over);
}
END_TEST

static bool is_in_list(void *context, const char *run_id)
{
	return text_lists(context, run_id);
}

START_TEST(forgets_users_that_are_no_more)
{
	struct shared shared = {.state = SHARED_UP, .unused_since_ns = 1};
	char all[] = "1-a,2-b,3-c";
	char some[] = "2-b";
	char none[] = "";

	ck_assert(shared_join(&shared, "1-a") && shared_join(&shared, "2-b") &&
		  shared_join(&shared, "3-c"));
	ck_assert(shared_join(&shared, "2-b")); /* is one already */
	ck_assert_uint_eq(shared.user_count, 3);
	ck_assert(!shared_sweep(&shared, is_in_list, all, 2));
	ck_assert(shared_sweep(&shared, is_in_list, some, 3));
	ck_assert_uint_eq(shared.user_count, 1);
	ck_assert_str_eq(shared.users[0], "2-b");
	ck_assert_int_eq(shared.unused_since_ns, 1);
	ck_assert(shared_sweep(&shared, is_in_list, none, 4));
	ck_assert_int_eq(shared.unused_since_ns, 4);
	ck_assert(!shared_sweep(&shared, is_in_list, none, 5)); /* it counts from the last one */
	ck_assert_int_eq(shared.unused_since_ns, 4);
}
END_TEST

START_TEST(has_room_for_so_many)
{
	struct shared shared = {.state = SHARED_UP};
	char id[RUN_ID_SIZE];

	for (int i = 0; i < SHARED_USERS_MAX; i++) {
		(void)format_text(id, sizeof(id), "%d-a", i);
		ck_assert(shared_join(&shared, id));
	}
	ck_assert(!shared_join(&shared, "too-many"));
	ck_assert(shared_join(&shared, "0-a"));
}
END_TEST

/* --- which is which --- */

START_TEST(another_version_or_suite_is_another_app)
{
	char keys[4][SHARED_KEY_SIZE];

	shared_key("keycloak", "0a", "sha256:1", keys[0]);
	shared_key("keycloak", "0b", "sha256:1", keys[1]);
	shared_key("keycloak", "0a", "sha256:2", keys[2]);
	shared_key("authentik", "0a", "sha256:1", keys[3]);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(keys[i], keys[k]);
	shared_key("keycloak", "0a", "sha256:1", keys[3]);
	ck_assert_str_eq(keys[0], keys[3]);
}
END_TEST

static char *make_run(const struct settings *settings, const char *id)
{
	char *dir = xasprintf("%s/runs/%s", settings->state_dir, id);
	struct err err;

	ck_assert_int_eq(file_make_dirs(dir, 0700, &err), 0);
	return dir;
}

START_TEST(finds_the_one_that_lives)
{
	auto_str char *state_dir = harness_dir();
	const struct settings settings = {.state_dir = state_dir};
	auto_str char *first = make_run(&settings, "shared-000001");
	auto_str char *second = make_run(&settings, "shared-000002");
	char id[RUN_ID_SIZE];
	struct err err;

	ck_assert_int_eq(shared_find(&settings, "key", id, &err), 0);
	ck_assert_str_eq(id, "");
	ck_assert_int_eq(shared_name(&settings, "key", "shared-000001", &err), 0);
	ck_assert_int_eq(shared_find(&settings, "key", id, &err), 0);
	ck_assert_str_eq(id, ""); /* its keeper is no more */
	auto_fd int lease = lease_take(first, &err);
	ck_assert_int_eq(shared_find(&settings, "key", id, &err), 0);
	ck_assert_str_eq(id, "shared-000001");
	ck_assert_int_eq(shared_name(&settings, "key", "shared-000002", &err), 0);
	auto_fd int other = lease_take(second, &err);
	ck_assert_int_eq(shared_find(&settings, "key", id, &err), 0);
	ck_assert_str_eq(id, "shared-000002");
	ck_assert(lease >= 0 && other >= 0);
}
END_TEST

START_TEST(follows_no_link_elsewhere)
{
	auto_str char *state_dir = harness_dir();
	const struct settings settings = {.state_dir = state_dir};
	char id[RUN_ID_SIZE];
	struct err err;

	ck_assert_int_eq(shared_name(&settings, "key", "local-9f2c1a", &err), 0);
	ck_assert_int_eq(shared_find(&settings, "key", id, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("shared");
	TCase *tc = tcase_create("shared");

	tcase_add_loop_test(tc, answers_who_asks, 0, COUNT_OF(rows));
	tcase_add_loop_test(tc, settles, 0, COUNT_OF(settled));
	tcase_add_loop_test(tc, goes_when_nobody_uses_it, 0, COUNT_OF(ends));
	tcase_add_test(tc, forgets_users_that_are_no_more);
	tcase_add_test(tc, has_room_for_so_many);
	tcase_add_test(tc, another_version_or_suite_is_another_app);
	tcase_add_test(tc, finds_the_one_that_lives);
	tcase_add_test(tc, follows_no_link_elsewhere);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
