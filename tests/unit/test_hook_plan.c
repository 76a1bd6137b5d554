/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/hook_plan.h"

#define URL "https://ci.example.org/hook"
#define OLD_URL "https://old.example.org/hook"
#define OTHERS "https://chat.example.org/hook"
#define GOOD                                                                                       \
	.url = URL, .is_active = true, .is_gitea = true, .is_json = true, .is_for_comments = true
#define KNOWN                                                                                      \
	{                                                                                          \
		.hook = 7, .url = URL, .mark = "m"                                                 \
	}
#define HOOKS_MAX 4

/* A later initialiser of a row replaces the one of GOOD; that is what the rows are for. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

static const struct row {
	struct hook_memory memory;
	bool has_key;
	struct gitea_hook hooks[HOOKS_MAX]; /* up to the first without an id */
	struct hook_step step;
} rows[] = {
    {{0}, false, {{0}}, {HOOK_STEP_CREATE, 0}},
    {KNOWN, true, {{.id = 7, GOOD}}, {HOOK_STEP_NONE, 0}},
    /* it was deleted there */
    {KNOWN, true, {{0}}, {HOOK_STEP_CREATE, 0}},
    /* other people's stay: another address, another form, one whose address is too long */
    {{0}, false, {{.id = 3, GOOD, .url = OTHERS}}, {HOOK_STEP_CREATE, 0}},
    {{0}, false, {{.id = 3, GOOD, .is_gitea = false}}, {HOOK_STEP_CREATE, 0}},
    {{0}, false, {{.id = 3, GOOD, .url = ""}}, {HOOK_STEP_CREATE, 0}},
    {{0}, false, {{.id = 3, GOOD, .url = URL "/"}}, {HOOK_STEP_CREATE, 0}},
    {KNOWN, true, {{.id = 3, GOOD, .url = OTHERS}, {.id = 7, GOOD}}, {HOOK_STEP_NONE, 0}},
    {KNOWN, true, {{.id = 3, GOOD, .is_gitea = false}, {.id = 7, GOOD}}, {HOOK_STEP_NONE, 0}},
    /* nobody knows the secret of one made by hand, and an edit does not change it */
    {{0}, false, {{.id = 5, GOOD}}, {HOOK_STEP_CREATE, 0}},
    {KNOWN, true, {{.id = 5, GOOD}}, {HOOK_STEP_CREATE, 0}},
    {KNOWN, true, {{.id = 5, GOOD}, {.id = 7, GOOD}}, {HOOK_STEP_REMOVE, 5}},
    /* nor does it for a new key: the one with the old key verifies until the other is there */
    {KNOWN, false, {{.id = 7, GOOD}}, {HOOK_STEP_CREATE, 0}},
    {{.hook = 9, .url = URL}, true, {{.id = 7, GOOD}, {.id = 9, GOOD}}, {HOOK_STEP_REMOVE, 7}},
    /* what is wrong with it */
    {KNOWN, true, {{.id = 7, GOOD, .is_active = false}}, {HOOK_STEP_EDIT, 7}},
    {KNOWN, true, {{.id = 7, GOOD, .is_json = false}}, {HOOK_STEP_EDIT, 7}},
    {KNOWN, true, {{.id = 7, GOOD, .is_for_comments = false}}, {HOOK_STEP_EDIT, 7}},
    {KNOWN, true, {{.id = 5, GOOD}, {.id = 7, GOOD, .is_active = false}}, {HOOK_STEP_EDIT, 7}},
    /* PUBLIC_URL is another: the one that we made follows, or goes when its key is old */
    {{.hook = 7, .url = OLD_URL}, true, {{.id = 7, GOOD, .url = OLD_URL}}, {HOOK_STEP_EDIT, 7}},
    {{.hook = 7, .url = OLD_URL}, true, {{.id = 7, GOOD}}, {HOOK_STEP_NONE, 0}},
    {{.hook = 7, .url = OLD_URL}, true, {{.id = 7, GOOD, .url = OLD_URL}, {.id = 9, GOOD}},
	{HOOK_STEP_EDIT, 7}},
    {{.hook = 7, .url = OLD_URL}, false, {{.id = 7, GOOD, .url = OLD_URL}}, {HOOK_STEP_CREATE, 0}},
    /* ... unless somebody has led it elsewhere since, or it was never the one */
    {{.hook = 7, .url = OLD_URL}, true, {{.id = 7, GOOD, .url = OTHERS}}, {HOOK_STEP_CREATE, 0}},
    {KNOWN, true, {{.id = 7, GOOD, .url = OTHERS}}, {HOOK_STEP_CREATE, 0}},
    {{.hook = 8, .url = OLD_URL}, true, {{.id = 7, GOOD, .url = OLD_URL}}, {HOOK_STEP_CREATE, 0}},
};

/* None is wanted: only what we made goes, where we left it. */
static const struct taken_row {
	struct hook_memory memory;
	struct gitea_hook hooks[HOOKS_MAX];
	struct hook_step step;
} taken[] = {
    {KNOWN, {{0}}, {HOOK_STEP_NONE, 0}},
    {KNOWN, {{.id = 7, GOOD}}, {HOOK_STEP_REMOVE, 7}},
    {KNOWN, {{.id = 7, GOOD, .is_active = false}}, {HOOK_STEP_REMOVE, 7}},
    {KNOWN, {{.id = 5, GOOD}, {.id = 7, GOOD}}, {HOOK_STEP_REMOVE, 7}},
    {KNOWN, {{.id = 5, GOOD}}, {HOOK_STEP_NONE, 0}},
    {KNOWN, {{.id = 7, GOOD, .url = OTHERS}}, {HOOK_STEP_NONE, 0}},
    {KNOWN, {{.id = 7, GOOD, .is_gitea = false}}, {HOOK_STEP_NONE, 0}},
    {{.hook = 7, .url = OLD_URL}, {{.id = 7, GOOD, .url = OLD_URL}}, {HOOK_STEP_REMOVE, 7}},
    {{0}, {{.id = 7, GOOD}}, {HOOK_STEP_NONE, 0}},
};
#pragma GCC diagnostic pop

static size_t count_hooks(const struct gitea_hook *hooks)
{
	size_t count = 0;

	while (count < HOOKS_MAX && hooks[count].id)
		count++;
	return count;
}

START_TEST(next_step_row)
{
	const struct row *row = &rows[_i];
	struct hook_plan_wanted wanted = {URL, &row->memory, row->has_key};
	struct hook_step step = hook_plan_next(row->hooks, count_hooks(row->hooks), &wanted);

	ck_assert_msg(step.kind == row->step.kind && step.hook == row->step.hook,
	    "row %d: step %d of hook %lld", _i, (int)step.kind, (long long)step.hook);
}
END_TEST

START_TEST(taken_away_row)
{
	const struct taken_row *row = &taken[_i];
	struct hook_plan_wanted wanted = {.memory = &row->memory};
	struct hook_step step = hook_plan_next(row->hooks, count_hooks(row->hooks), &wanted);

	ck_assert_msg(step.kind == row->step.kind && step.hook == row->step.hook,
	    "row %d: step %d of hook %lld", _i, (int)step.kind, (long long)step.hook);
}
END_TEST

/* A forge in small. */
struct world {
	struct gitea_hook hooks[HOOKS_MAX + 1];
	size_t count;
	struct hook_memory memory;
	bool has_key;
};

static void set_right(struct world *world, struct gitea_hook *hook)
{
	*hook = (struct gitea_hook){.id = hook->id, GOOD};
	world->memory = (struct hook_memory){.hook = hook->id, .url = URL, .mark = "m"};
	world->has_key = true;
}

static void take_step(struct world *world, const struct hook_step *step)
{
	size_t at = 0;

	if (step->kind == HOOK_STEP_CREATE) {
		world->hooks[world->count].id = 100;
		set_right(world, &world->hooks[world->count++]);
		return;
	}
	while (world->hooks[at].id != step->hook)
		ck_assert_uint_lt(++at, world->count);
	if (step->kind == HOOK_STEP_EDIT) /* its key stays what it is */
		set_right(world, &world->hooks[at]);
	else
		world->hooks[at] = world->hooks[--world->count];
}

/* From each row it comes to one that is right, other people's as they were, and stays there. */
START_TEST(comes_to_rest)
{
	const struct row *row = &rows[_i];
	struct world world = {
	    .count = count_hooks(row->hooks), .memory = row->memory, .has_key = row->has_key};
	struct hook_plan_wanted wanted = {URL, &world.memory, world.has_key};
	size_t others = 0;
	size_t ours = 0;

	(void)memcpy(world.hooks, row->hooks, sizeof(row->hooks));
	for (int steps = 0;; steps++) {
		wanted.has_key = world.has_key;
		struct hook_step step = hook_plan_next(world.hooks, world.count, &wanted);
		if (step.kind == HOOK_STEP_NONE)
			break;
		ck_assert_int_le(steps, HOOKS_MAX);
		take_step(&world, &step);
	}
	for (size_t i = 0; i < world.count; i++) {
		const struct gitea_hook *hook = &world.hooks[i];

		ours += hook->is_gitea && text_is(hook->url, URL);
		others += !hook->is_gitea || text_is(hook->url, OTHERS);
	}
	ck_assert_uint_eq(ours, 1);
	for (size_t i = 0; i < count_hooks(row->hooks); i++)
		others -= !row->hooks[i].is_gitea || text_is(row->hooks[i].url, OTHERS);
	ck_assert_uint_eq(others, 0);
}
END_TEST

static const struct {
	enum err_code code;
	const char *has, *has_not;
} troubles[] = {
    {ERR_DENIED, "write:repository", "does not take it"},
    {ERR_MISSING, "administrator of the repository", "does not take it"},
    {ERR_PROTOCOL, "does not take it (why)", "write:repository"},
};

START_TEST(says_what_is_wrong)
{
	struct err err = {.code = troubles[_i].code, .msg = "why"};
	char text[HOOK_TROUBLE_SIZE];

	hook_write_trouble("org/a", &err, text);
	ck_assert_msg(
	    text_starts(text, "org/a has no webhook of ours, it is only polled: "), "%s", text);
	ck_assert_msg(strstr(text, "(why)") != NULL, "%s", text);
	ck_assert_msg(strstr(text, troubles[_i].has) != NULL, "%s", text);
	ck_assert_msg(strstr(text, troubles[_i].has_not) == NULL, "%s", text);
}
END_TEST

START_TEST(says_what_is_left)
{
	struct hook_memory memory = KNOWN;
	struct err err = {.code = ERR_DENIED, .msg = "why"};
	char text[HOOK_TROUBLE_SIZE];

	hook_write_left("org/a", &memory, &err, text);
	ck_assert_str_eq(text, "org/a may still have the webhook 7 that we made, to " URL
			       ": the forge does not let us take it away (why); whoever "
			       "administers the repository can delete it in its settings");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hook_plan");
	TCase *tests = tcase_create("hook_plan");

	tcase_add_loop_test(tests, next_step_row, 0, COUNT_OF(rows));
	tcase_add_loop_test(tests, taken_away_row, 0, COUNT_OF(taken));
	tcase_add_test(tests, says_what_is_left);
	tcase_add_loop_test(tests, comes_to_rest, 0, COUNT_OF(rows));
	tcase_add_loop_test(tests, says_what_is_wrong, 0, COUNT_OF(troubles));
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
