/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hooks.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/testpoint.h"

#include <strings.h>

/* A repository's webhooks, as far as they are our affair. */
struct place {
	struct hooks *hooks;
	char repo[GITEA_REPO_SIZE];
	bool is_heard;
	bool is_left;  /* one that we made is there, and none is wanted any more */
	bool was_seen; /* it was looked at, whatever came of it */
	struct errand errand;
	struct hook_step step;		 /* under way */
	uint64_t reloads;		 /* of the settings, when it began */
	unsigned steps;			 /* since it was right, or put off */
	char trouble[HOOK_TROUBLE_SIZE]; /* "": none */
};

struct hooks {
	struct parts *parts;
	const struct hear *hear;
	char *url;	       /* NULL: not wanted */
	struct place **places; /* by name */
	size_t count, sorted;  /* those behind were found since */
	size_t left_count;
	size_t under_way;
	uint64_t reloads;
	bool was_ready;
	int64_t sync_ns;
};

struct hooks *hooks_new(struct parts *parts, const struct hear *hear)
{
	const struct bridge_settings *settings = parts->settings;
	struct hooks *hooks = xcalloc(1, sizeof(*hooks));

	*hooks = (struct hooks){.parts = parts, .hear = hear};
	if (settings->webhook_autoregister)
		hooks->url = xasprintf("%s" HOOK_PATH, settings->public_url);
	return hooks;
}

void hooks_free(struct hooks *hooks)
{
	if (!hooks)
		return;
	for (size_t i = 0; i < hooks->count; i++)
		free(hooks->places[i]);
	free(hooks->places);
	free(hooks->url);
	free(hooks);
}

/* A reload may have closed the hook. */
static bool is_wanted(const struct hooks *hooks)
{
	return hooks->url && hooks->parts->settings->hook_keys.count;
}

/* --- who is heard --- */

static int compare_places(const void *a, const void *b)
{
	const struct place *const *first = a;
	const struct place *const *second = b;

	return strcasecmp((*first)->repo, (*second)->repo);
}

static int compare_name(const void *name, const void *place)
{
	const struct place *const *other = place;

	return strcasecmp(name, (*other)->repo);
}

static struct place *place_of(struct hooks *hooks, const char *repo)
{
	struct place **found = hooks->sorted ? bsearch(repo, hooks->places, hooks->sorted,
						   sizeof(struct place *), compare_name)
					     : NULL;
	struct place *place = found ? *found : NULL;

	if (!place) {
		place = xcalloc(1, sizeof(*place));
		place->hooks = hooks;
		(void)copy_text(place->repo, sizeof(place->repo), repo);
		hooks->places =
		    xrealloc_array(hooks->places, hooks->count + 1, sizeof(struct place *));
		hooks->places[hooks->count++] = place;
	}
	return place;
}

static void on_heard(void *context, const char *repo)
{
	place_of(context, repo)->is_heard = true;
}

/* Only a repository that certainly is not enrolled any more has left: of one that is archived, or
 * gone for a while, the webhook stays. */
static void on_remembered(void *context, const char *repo)
{
	struct hooks *hooks = context;
	bool is_left = !is_wanted(hooks) ||
		       (hear_knows_enrolled(hooks->hear) && !hear_is_enrolled(hooks->hear, repo));

	if (!is_left || !gitea_is_repo(repo))
		return;
	place_of(hooks, repo)->is_left = true;
	hooks->left_count++;
}

static void sort_places(struct hooks *hooks)
{
	if (hooks->count > hooks->sorted)
		qsort(hooks->places, hooks->count, sizeof(struct place *), compare_places);
	hooks->sorted = hooks->count;
}

static void sync_places(struct hooks *hooks)
{
	struct err err;

	for (size_t i = 0; i < hooks->count; i++) {
		hooks->places[i]->is_heard = false;
		hooks->places[i]->is_left = false;
	}
	hooks->left_count = 0;
	if (is_wanted(hooks))
		hear_each(hooks->hear, on_heard, hooks);
	sort_places(hooks);
	if (store_each_hook(hooks->parts->store, on_remembered, hooks, &err) < 0)
		log_warning("%s", err.msg);
	sort_places(hooks);
	hooks->sync_ns = INT64_MAX; /* nothing to do before the next reload */
	if (is_wanted(hooks) || hooks->left_count)
		hooks->sync_ns = clock_now() + HOOKS_SYNC_MS * NS_PER_MS;
}

/* --- what was set --- */

/* NULL: no webhook is wanted. */
static const char *newest_key(const struct hooks *hooks)
{
	return is_wanted(hooks) ? hooks->parts->settings->hook_keys.keys[0] : NULL;
}

/* Of one key, hook and address; it tells nothing of the key to who has not got it. */
static void write_mark(
    const struct place *place, int64_t hook, const char *url, char out[HOOK_SIGNATURE_SIZE])
{
	auto_str char *text =
	    xasprintf("ccci webhook\n%s\n%lld\n%s", place->repo, (long long)hook, url);

	hook_sign(newest_key(place->hooks), text, strlen(text), out);
}

static bool has_newest_key(const struct place *place, const struct hook_memory *memory)
{
	char mark[HOOK_SIGNATURE_SIZE];

	write_mark(place, memory->hook, memory->url, mark);
	return text_is(mark, memory->mark);
}

/* In the place of a hook that is not remembered the next look puts another. */
static void remember(const struct place *place, int64_t hook)
{
	struct hook_memory memory = {.hook = hook};
	struct err err;

	(void)copy_text(memory.url, sizeof(memory.url), place->hooks->url);
	write_mark(place, hook, memory.url, memory.mark);
	if (store_set_hook(place->hooks->parts->store, place->repo, &memory, &err) < 0)
		log_warning("%s", err.msg);
	TEST_POINT("effect.hook.done");
}

/* What is not there any more, or not ours to take away. */
static void forget(struct place *place)
{
	struct err err;

	if (store_forget_hook(place->hooks->parts->store, place->repo, &err) < 0) {
		log_warning("%s", err.msg);
		errand_fail(&place->errand, clock_now());
		return;
	}
	log_debug("%s: its webhook is forgotten", place->repo);
	TEST_POINT("effect.hook.done");
	place->is_left = false;
	place->steps = 0;
	place->hooks->left_count--;
}

/* Said once: from then on it is theirs who can. */
static void give_up(struct place *place, const struct err *err)
{
	struct hook_memory memory = {0};
	char text[HOOK_TROUBLE_SIZE];
	struct err trouble;

	if (store_get_hook(place->hooks->parts->store, place->repo, &memory, &trouble) < 0) {
		log_warning("%s", trouble.msg);
		return;
	}
	hook_write_left(place->repo, &memory, err, text);
	log_warning("%s", text);
	forget(place);
}

/* --- answers --- */

/* True: go on. */
static bool take_answer(struct place *place, const struct err *err)
{
	struct hooks *hooks = place->hooks;
	char trouble[HOOK_TROUBLE_SIZE];

	hooks->under_way--;
	if (parts_end(hooks->parts, PARTS_FORGE, &place->errand, err))
		return true;
	if (err_is_passing(err))
		return false;
	if (place->is_left) {
		give_up(place, err);
		return false;
	}
	hook_write_trouble(place->repo, err, trouble);
	if (!text_is(trouble, place->trouble))
		log_warning("%s", trouble);
	(void)copy_text(place->trouble, sizeof(place->trouble), trouble);
	place->was_seen = true;
	place->steps = 0;
	errand_put_off(&place->errand, clock_now(), HOOKS_LOOK_MS);
	return false;
}

static void begin(struct place *place)
{
	place->hooks->under_way++;
	parts_begin(place->hooks->parts, PARTS_FORGE, &place->errand);
}

/* One that went meanwhile is no trouble: the next list shows it. */
static const struct err *but_missing(const struct err *err)
{
	return err && err->code == ERR_MISSING ? NULL : err;
}

static void on_set(void *context, const struct gitea_hook *hook, const struct err *err)
{
	struct place *place = context;

	TEST_POINT("effect.hook.sent");
	if (place->step.kind == HOOK_STEP_EDIT)
		err = but_missing(err);
	/* Made with a key that was the newest one then: nobody may remember it as ours. */
	if (!take_answer(place, err) || !hook || place->reloads != place->hooks->reloads)
		return;
	log_info("%s: webhook %lld is %s", place->repo, (long long)hook->id,
	    place->step.kind == HOOK_STEP_CREATE ? "made" : "set right");
	remember(place, hook->id);
}

static void on_removed(void *context, const struct err *err)
{
	struct place *place = context;

	TEST_POINT("effect.hook.sent");
	if (take_answer(place, but_missing(err)))
		log_info("%s: webhook %lld %s and is removed", place->repo,
		    (long long)place->step.hook,
		    place->is_left ? "is wanted no more" : "was one too many");
}

static void take_step(struct place *place)
{
	struct gitea *gitea = place->hooks->parts->gitea;
	struct gitea_hook_wanted wanted = {place->hooks->url, newest_key(place->hooks)};

	begin(place);
	place->reloads = place->hooks->reloads;
	TEST_POINT("effect.hook.before");
	switch (place->step.kind) {
	case HOOK_STEP_CREATE:
		gitea_create_hook(gitea, place->repo, &wanted, on_set, place);
		break;
	case HOOK_STEP_EDIT:
		gitea_edit_hook(gitea, place->repo, place->step.hook, &wanted, on_set, place);
		break;
	case HOOK_STEP_REMOVE:
		gitea_delete_hook(gitea, place->repo, place->step.hook, on_removed, place);
		break;
	case HOOK_STEP_NONE:
		break;
	}
}

static void come_to_rest(struct place *place)
{
	if (place->trouble[0])
		log_info("%s has its webhook", place->repo);
	log_debug("%s: its webhook is right", place->repo);
	place->trouble[0] = '\0';
	place->was_seen = true;
	place->steps = 0;
	errand_put_off(&place->errand, clock_now(), HOOKS_LOOK_MS);
}

static void on_hooks(void *context, struct gitea_hooks *listed, const struct err *err)
{
	struct place *place = context;
	struct hooks *hooks = place->hooks;
	struct hook_memory memory = {0};
	struct err trouble;

	if (!err && place->steps > HOOKS_STEPS_MAX) {
		(void)err_set(&trouble, ERR_PROTOCOL, "it does not keep what is set");
		err = &trouble;
	}
	if (!take_answer(place, err) || !(is_wanted(hooks) || place->is_left))
		return;
	if (store_get_hook(hooks->parts->store, place->repo, &memory, &trouble) < 0) {
		log_warning("%s", trouble.msg);
		errand_fail(&place->errand, clock_now());
		return;
	}
	struct hook_plan_wanted wanted = {.memory = &memory};
	if (!place->is_left) {
		wanted.url = hooks->url;
		wanted.has_key = has_newest_key(place, &memory);
	}
	place->step = hook_plan_next(listed->items, listed->count, &wanted);
	if (place->step.kind != HOOK_STEP_NONE) {
		place->steps++;
		take_step(place);
	} else if (place->is_left) {
		forget(place);
	} else {
		come_to_rest(place);
	}
}

/* --- the turn --- */

static void look(struct place *place)
{
	begin(place);
	gitea_list_hooks(place->hooks->parts->gitea, place->repo, on_hooks, place);
}

int64_t hooks_turn(struct hooks *hooks)
{
	bool is_ready = hear_is_ready(hooks->hear);

	if (clock_now() >= hooks->sync_ns || (is_ready && !hooks->was_ready))
		sync_places(hooks);
	hooks->was_ready = is_ready;

	int64_t soonest_ns = hooks->sync_ns;
	for (size_t i = 0; i < hooks->count && hooks->under_way < HOOKS_AT_ONCE; i++) {
		struct place *place = hooks->places[i];
		int64_t due_ns = 0;

		if (!place->is_heard && !place->is_left)
			continue;
		if (parts_may_begin(hooks->parts, PARTS_FORGE, &place->errand, &due_ns))
			look(place);
		else if (due_ns < soonest_ns)
			soonest_ns = due_ns;
	}
	return soonest_ns;
}

void hooks_reload(struct hooks *hooks)
{
	hooks->reloads++;
	hooks->sync_ns = 0;
	for (size_t i = 0; i < hooks->count; i++)
		hooks->places[i]->errand.due_ns = 0;
}

bool hooks_are_quiet(const struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->count; i++) {
		const struct place *place = hooks->places[i];

		if (place->is_left || (place->is_heard && !place->was_seen))
			return false;
	}
	return (hooks->was_ready || !is_wanted(hooks)) && !hooks->under_way;
}

size_t hooks_count_missing(const struct hooks *hooks)
{
	size_t count = 0;

	for (size_t i = 0; i < hooks->count; i++)
		count += hooks->places[i]->is_heard && hooks->places[i]->trouble[0];
	return count;
}

void hooks_write_missing(const struct hooks *hooks, struct buf *out)
{
	for (size_t i = 0; i < hooks->count; i++) {
		const struct place *place = hooks->places[i];

		if (place->is_heard && place->trouble[0] &&
		    buf_printf(out, "%s\n", place->trouble) < 0)
			return; /* whoever has so many has read enough */
	}
}
