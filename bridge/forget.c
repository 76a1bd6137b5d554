/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/forget.h"

#include "common/clock.h"
#include "common/log.h"

static void put_off(struct forget *forget, int64_t ms)
{
	forget->due_ns = clock_now() + ms * NS_PER_MS;
}

static void begin_next(struct forget *forget, enum forget_step step)
{
	forget->step = step;
	forget->recipe[0] = '\0';
}

static int forget_old(struct forget *forget, const struct parts *parts, struct err *err)
{
	int64_t now_s = clock_wall_s();
	int64_t age_s = parts->settings->history_age_ms / 1000;
	size_t count = 0;

	if (store_forget_old(parts->store, now_s - age_s,
		now_s - (age_s < FORGET_OTHERS_S ? age_s : FORGET_OTHERS_S), FORGET_JOBS, &count,
		err) < 0)
		return -1;
	forget->forgotten += count;
	if (count < FORGET_JOBS)
		begin_next(forget, FORGET_MANY);
	return 0;
}

/* A recipe in each bite, or a part of one. */
static int forget_many(struct forget *forget, const struct parts *parts, struct err *err)
{
	char recipe[GITEA_REPO_SIZE];
	size_t count = 0;

	if (store_next_recipe(parts->store, forget->recipe, recipe, sizeof(recipe), err) < 0)
		return -1;
	if (!recipe[0]) {
		begin_next(forget, FORGET_GIVE_BACK);
		return 0;
	}
	if (store_forget_runs(
		parts->store, recipe, parts->settings->history_runs, FORGET_JOBS, &count, err) < 0)
		return -1;
	forget->forgotten += count;
	if (count < FORGET_JOBS)
		(void)copy_text(forget->recipe, sizeof(forget->recipe), recipe);
	return 0;
}

static int give_back(struct forget *forget, const struct parts *parts, struct err *err)
{
	bool is_done = false;

	if (store_give_back(parts->store, FORGET_PAGES, &is_done, err) < 0)
		return -1;
	if (!is_done)
		return 0;
	if (forget->forgotten > forget->said)
		log_info("%llu jobs of long ago are out of the store",
		    (unsigned long long)(forget->forgotten - forget->said));
	forget->said = forget->forgotten;
	begin_next(forget, FORGET_OLD);
	put_off(forget, FORGET_EVERY_MS);
	return 0;
}

static int bite(struct forget *forget, const struct parts *parts, struct err *err)
{
	switch (forget->step) {
	case FORGET_OLD:
		return forget_old(forget, parts, err);
	case FORGET_MANY:
		return forget_many(forget, parts, err);
	case FORGET_GIVE_BACK:
		break;
	}
	return give_back(forget, parts, err);
}

int64_t forget_turn(struct forget *forget, const struct parts *parts)
{
	struct err err;

	if (!forget->due_ns)
		put_off(forget, FORGET_FIRST_MS);
	if (clock_now() < forget->due_ns)
		return forget->due_ns;
	put_off(forget, FORGET_PAUSE_MS);
	if (bite(forget, parts, &err) < 0) {
		log_warning("%s: nothing is forgotten for now", err.msg);
		begin_next(forget, FORGET_OLD);
		put_off(forget, FORGET_EVERY_MS);
	}
	return forget->due_ns;
}

void forget_soon(struct forget *forget)
{
	begin_next(forget, FORGET_OLD);
	put_off(forget, FORGET_PAUSE_MS);
}
