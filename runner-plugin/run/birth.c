/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/birth.h"

#include "runner-plugin/run/channel.h"
#include "runner-plugin/run/keeper.h"
#include "runner-plugin/run/lease.h"
#include "runner-plugin/run/proc.h"
#include "runner-plugin/run/shared.h"

#include <sys/pidfd.h>

/*
 * The CI server's runner: the nearest process above us that is not of this step. -1: cannot tell,
 * so it is not watched.
 */
static int find_runner(const struct run_step *step)
{
	auto_str char *variable =
	    xasprintf("%s=%s", run_workspace_variable(step->server), step->workspace);
	struct proc_view view;

	if (!step->build || !step->workspace[0])
		return -1;
	for (pid_t pid = getppid(); pid > 1; pid = view.parent) {
		if (!proc_look(pid, variable, &view))
			return -1;
		if (!view.has_variable)
			return pidfd_open(pid, 0);
	}
	return -1;
}

/* While nobody else makes a run, or looks for dead ones. */
static int give_locked(const struct birth *birth, struct run *out, struct err *err)
{
	auto_fd int runner = find_runner(birth->step);
	AUTO(run) run = {0};

	if (run_create(birth->settings, birth->params, birth->step, &run, err) < 0)
		return -1;
	int lease_fd = lease_take(run.dir, err);
	struct keeper_job job = {.settings = birth->settings,
	    .run = &run,
	    .checkout = birth->checkout,
	    .local_recipe = birth->local_recipe,
	    .environ = birth->environ,
	    .is_local = !birth->step->build,
	    .is_dev = birth->params->is_dev,
	    .is_shared = birth->params->is_shared,
	    .keep_ms = birth->keep_ms,
	    .runner_pidfd = runner};
	int fd = lease_fd < 0 ? -1 : keeper_start(&job, lease_fd, err);
	if (fd < 0)
		return -1;
	*out = run;
	run = (struct run){0};
	return fd;
}

int birth_give(const struct birth *birth, struct run *out, struct err *err)
{
	auto_fd int births = lease_lock_births(birth->settings->state_dir, err);

	return births < 0 ? -1 : give_locked(birth, out, err);
}

static int connect_to(
    const struct settings *settings, const char *id, struct run *out, struct err *err)
{
	AUTO(run) run = {0};

	if (run_open(settings, id, &run, err) < 0)
		return -1;
	int fd = channel_connect(run.dir, err);
	if (fd < 0)
		return -1;
	*out = run;
	run = (struct run){0};
	return fd;
}

int birth_share(
    const struct birth *birth, const char *key, const char *avoid, struct run *out, struct err *err)
{
	const struct settings *settings = birth->settings;
	auto_fd int births = lease_lock_births(settings->state_dir, err);
	char id[RUN_ID_SIZE];
	struct err gone; /* it ends just now */

	if (births < 0 || shared_find(settings, key, id, err) < 0)
		return -1;
	auto_fd int fd = *id && !text_is(id, avoid) ? connect_to(settings, id, out, &gone) : -1;
	if (fd >= 0)
		return take_fd(&fd);
	fd = give_locked(birth, out, err);
	if (fd < 0 || shared_name(settings, key, out->id, err) < 0)
		return -1;
	return take_fd(&fd);
}
