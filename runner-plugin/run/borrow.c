/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/borrow.h"

#include "runner-plugin/run/birth.h"
#include "runner-plugin/run/prepared.h"
#include "runner-plugin/run/shared.h"

#define TRIES 2 /* one that is going, or is not well any more, and a new one */

/* The app by itself, as the run would deploy it beside its own. */
static int fill_params(const struct borrow *borrow, const struct run *run,
    const struct prepared_need *need, struct params *out, struct err *err)
{
	AUTO(run) beside = {0};

	if (run_beside(borrow->settings, run, need->recipe, need->prefix, &beside, err) < 0)
		return -1;
	*out = (struct params){.has_stages = true, .is_shared = true};
	out->stages[STAGE_INSTALL] = true;
	(void)copy_text(out->recipe, sizeof(out->recipe), need->recipe);
	(void)copy_text(out->src, sizeof(out->src), *need->sibling ? "" : beside.params.src);
	(void)copy_text(out->ref, sizeof(out->ref), need->commit);
	return 0;
}

/* Its suite may have been another one, or gone, by the time that it was read there. */
static bool is_what_is_needed(const struct run *app, const struct prepared_need *need)
{
	AUTO(prepared) prepared = {0};
	char key[SHARED_KEY_SIZE];
	struct err ignored;

	if (prepared_load(app, &prepared, &ignored) < 0)
		return false;
	shared_key(need->recipe, need->commit, prepared.suite_hash, key);
	return text_is(key, need->shared_key);
}

/* 1: try another one. */
static int try_one(const struct borrow *borrow, struct waiter *waiter, const struct run *run,
    struct prepared_need *need, struct err *err)
{
	const struct run_step step = {0};
	struct params params;
	AUTO(run) app = {0};
	enum exit_code code = EXIT_OURS;
	struct err gone;

	if (fill_params(borrow, run, need, &params, err) < 0)
		return -1;
	const struct birth birth = {.settings = borrow->settings,
	    .environ = borrow->environ,
	    .params = &params,
	    .step = &step,
	    .checkout = borrow->checkout,
	    .local_recipe = *need->sibling ? need->sibling : NULL};
	auto_fd int fd = birth_share(&birth, need->shared_key, need->shared, &app, err);
	if (fd < 0)
		return -1;
	free(need->shared);
	need->shared = xstrdup(app.id);
	auto_str char *line = xasprintf(
	    "needs %s: shared, %s at %s; waiting until it is up", need->recipe, app.id, app.domain);
	waiter->say(NULL, line);
	if (waiter_share(waiter, fd, run->id, &code, &gone) == 0)
		need->is_given = code == EXIT_PASSED && is_what_is_needed(&app, need);
	return need->is_given || code == EXIT_RECIPE ? 0 : 1;
}

static int borrow_one(const struct borrow *borrow, struct waiter *waiter, int fd,
    const struct run *run, struct prepared_need *need, struct err *err)
{
	int result = 1;

	for (int i = 0; i < TRIES && result == 1; i++) {
		struct err why;

		result = try_one(borrow, waiter, run, need, &why);
		if (result < 0)
			waiter->say(NULL, why.msg);
		if (!waiter_has_run(waiter, fd, err))
			return -1;
	}
	return 0;
}

int borrow_needs(const struct borrow *borrow, struct waiter *waiter, int fd, const struct run *run,
    struct err *err)
{
	AUTO(prepared) prepared = {0};
	bool is_any = false;
	int result = 0;
	struct err why;

	if (prepared_load(run, &prepared, &why) < 0) {
		waiter->say(NULL, why.msg);
		return 0;
	}
	waiter->run_fd = fd;
	for (size_t i = 0; i < prepared.need_count && result == 0; i++) {
		struct prepared_need *need = &prepared.needs[i];

		if (!*need->shared_key)
			continue;
		is_any = true;
		result = borrow_one(borrow, waiter, fd, run, need, err);
	}
	waiter->run_fd = -1;
	if (result == 0 && is_any && prepared_save(run, &prepared, &why) < 0)
		waiter->say(NULL, why.msg);
	return result;
}
