/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hook_plan.h"

/* What we made, where we left it. */
static bool is_remembered(const struct gitea_hook *hook, const struct hook_plan_wanted *wanted)
{
	return hook->id == wanted->memory->hook && text_is(hook->url, wanted->memory->url);
}

static bool is_ours(const struct gitea_hook *hook, const struct hook_plan_wanted *wanted)
{
	return hook->is_gitea && (text_is(hook->url, wanted->url) || is_remembered(hook, wanted));
}

/* The one that surely has our newest key; NULL: none. */
static const struct gitea_hook *find_kept(
    const struct gitea_hook *hooks, size_t count, const struct hook_plan_wanted *wanted)
{
	for (size_t i = 0; i < count && wanted->has_key; i++) {
		if (hooks[i].id == wanted->memory->hook && is_ours(&hooks[i], wanted))
			return &hooks[i];
	}
	return NULL;
}

static bool is_right(const struct gitea_hook *hook, const struct hook_plan_wanted *wanted)
{
	return hook->is_active && hook->is_json && hook->is_for_comments &&
	       text_is(hook->url, wanted->url);
}

static struct hook_step take_away(
    const struct gitea_hook *hooks, size_t count, const struct hook_plan_wanted *wanted)
{
	for (size_t i = 0; i < count; i++) {
		if (hooks[i].is_gitea && is_remembered(&hooks[i], wanted))
			return (struct hook_step){HOOK_STEP_REMOVE, hooks[i].id};
	}
	return (struct hook_step){.kind = HOOK_STEP_NONE};
}

struct hook_step hook_plan_next(
    const struct gitea_hook *hooks, size_t count, const struct hook_plan_wanted *wanted)
{
	if (!wanted->url)
		return take_away(hooks, count, wanted);

	const struct gitea_hook *kept = find_kept(hooks, count, wanted);
	if (!kept)
		return (struct hook_step){.kind = HOOK_STEP_CREATE};
	if (!is_right(kept, wanted))
		return (struct hook_step){HOOK_STEP_EDIT, kept->id};
	/* Only now that one is right: no delivery is lost in between. */
	for (size_t i = 0; i < count; i++) {
		if (&hooks[i] != kept && is_ours(&hooks[i], wanted))
			return (struct hook_step){HOOK_STEP_REMOVE, hooks[i].id};
	}
	return (struct hook_step){.kind = HOOK_STEP_NONE};
}

void hook_write_trouble(const char *repo, const struct err *err, char out[HOOK_TROUBLE_SIZE])
{
	bool is_forbidden = err->code == ERR_DENIED || err->code == ERR_MISSING;

	(void)snprintf(out, HOOK_TROUBLE_SIZE,
	    "%s has no webhook of ours, it is only polled: %s (%s)%s", repo,
	    is_forbidden ? "the forge does not let our token have one"
			 : "the forge does not take it",
	    err->msg,
	    is_forbidden ? "; make our token's user an administrator of the repository and give "
			   "the token write:repository, or add the webhook by hand and switch "
			   "WEBHOOK_AUTOREGISTER off"
			 : "");
}

void hook_write_left(const char *repo, const struct hook_memory *memory, const struct err *err,
    char out[HOOK_TROUBLE_SIZE])
{
	(void)snprintf(out, HOOK_TROUBLE_SIZE,
	    "%s may still have the webhook %lld that we made, to %s: the forge does not let us "
	    "take it away (%s); whoever administers the repository can delete it in its settings",
	    repo, (long long)memory->hook, memory->url, err->msg);
}
