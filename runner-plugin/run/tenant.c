/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/tenant.h"

#include "common/clock.h"
#include "runner-plugin/run/channel.h"
#include "runner-plugin/run/lease.h"

#define RELEASE_TIMEOUT_MS 60000

void tenant_entry(const struct run *beside, const struct prepared_need *need, const char *release,
    struct journal_entry *out)
{
	*out = (struct journal_entry){.kind = JOURNAL_TENANT,
	    .recipe = xstrdup(beside->params.recipe),
	    .domain = xstrdup(beside->domain),
	    .stack = xstrdup(beside->stack),
	    .path = xstrdup(release),
	    .text = xstrdup(need->shared)};
}

static char *app_path(const struct settings *settings, const char *shared, const char *name)
{
	return xasprintf("%s/runs/%s%s", settings->state_dir, shared, name);
}

/* shared: the app's run; "": it is this run's own. */
static int run_program(const struct stages_work *work, enum stage stage, const char *program,
    const char *shared, struct script_result *out, struct err *err)
{
	auto_str char *secrets = app_path(work->settings, shared, "/" RUN_SECRETS_DIR);
	char tenant[RUN_TENANT_SIZE];
	const struct script_spec spec = {.path = program,
	    .stage = stage,
	    .tenant = tenant,
	    .secrets_dir = *shared ? secrets : NULL};

	run_tenant(work->run, tenant);
	return script_run(work, &spec, out, err);
}

int tenant_make(const struct stages_work *work, enum stage stage, const char *seed,
    const struct prepared_need *need, struct script_result *out, struct err *err)
{
	return run_program(work, stage, seed, need->is_given ? need->shared : "", out, err);
}

/* The need within the run, with the domain and stack of the app; abra's prefix matters no more. */
static int open_need(const struct tenant *tenant, const struct journal_entry *entry,
    struct run *out, struct err *err)
{
	if (run_beside(tenant->settings, tenant->run, entry->recipe, "need", out, err) < 0)
		return -1;
	if (copy_text(out->domain, sizeof(out->domain), entry->domain) &&
	    copy_text(out->stack, sizeof(out->stack), entry->stack))
		return 0;
	run_release(out);
	return err_set(err, ERR_PROTOCOL, "the tenant's app has no name that fits");
}

int tenant_release(const struct tenant *tenant, const struct journal_entry *entry, struct err *err)
{
	auto_str char *dir = app_path(tenant->settings, entry->text, "");
	AUTO(run) beside = {0};
	AUTO(script_result) result = {0};

	if (!lease_is_held(dir))
		return 0;
	if (!*entry->path)
		return err_set(err, ERR_MISSING, "nobody knows what releases it");
	if (open_need(tenant, entry, &beside, err) < 0)
		return -1;
	const struct stages_work work = {.settings = tenant->settings,
	    .run = &beside,
	    .control_fd = -1,
	    .cancel_fd = -1,
	    .secrets_fd = -1,
	    .deadline_ns = clock_now() + RELEASE_TIMEOUT_MS * NS_PER_MS,
	    .environ = tenant->environ};
	if (run_program(&work, STAGE_NONE, entry->path, entry->text, &result, err) < 0)
		return -1;
	return result.outcome == OUTCOME_PASS
		   ? 0
		   : err_set(err, ERR_SYS, "%s: %s", entry->path, result.reason);
}

int tenant_withdraw(const struct tenant *tenant, const struct journal_entry *entry, struct err *err)
{
	auto_str char *dir = app_path(tenant->settings, entry->text, "");
	AUTO_PTR(json) request = json_new_object();
	auto_fd int fd = channel_connect(dir, err);

	json_set_text(request, "do", "withdraw");
	if (fd >= 0)
		return channel_send(fd, request, NULL, 0, err);
	return err->code == ERR_MISSING ? 0 : -1; /* it is going anyway */
}
