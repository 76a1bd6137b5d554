/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the engine answers about a stack: {"services": ..., "tasks": ..., "containers": ...}.
 * Whatever it is, a view of it can be judged twice, the second look finds no failure that the first
 * has not, and who is waited for or to blame has a reason. Text that is no JSON is a log stream:
 * taking its frames apart makes nothing of nothing.
 */
#include "runner-plugin/swarm/converge.h"
#include "runner-plugin/swarm/engine.h"
#include "runner-plugin/swarm/holder.h"
#include "runner-plugin/swarm/survival.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct json *root)
{
	AUTO(view) view = {0};
	AUTO(converge) converge = {0};
	struct converge_rules rules = {
	    .crash_failures = 3, .crash_within_ms = 120000, .deadline_ns = INT64_MAX};
	struct err err;

	if (view_read("s", json_get(root, "services"), json_get(root, "tasks"), &view, &err) < 0)
		return;
	for (size_t i = 0; i < view.task_count; i++)
		view_task_read_container(&view.tasks[i], json_at(json_get(root, "containers"), i));
	for (size_t i = 0; i < view.service_count; i++)
		free(holder_find(&view.services[i], "x", json_get(root, "services"),
		    json_get(root, "containers")));
	converge_begin(&converge, &rules, NULL);
	struct converge_verdict first = converge_look(&converge, &view, 0);
	size_t failures = converge_failures(&converge);
	struct converge_verdict second = converge_look(&converge, &view, 60000000000);
	assert(failures == converge_failures(&converge));
	assert(first.state == CONVERGE_CONVERGED || *first.reason);
	assert(second.state == CONVERGE_CONVERGED || *second.reason);
	assert(!converge_is_red(first.state) || converge_is_red(second.state) || failures);
}

static void list(const struct json *root)
{
	AUTO(survival_mounts) mounts = {0};
	struct err err;

	if (survival_mounts_read("s", json_get(root, "containers"), &mounts, &err) == 0) {
		for (size_t i = 0; i < mounts.count; i++)
			assert(survival_find(&mounts, &mounts.items[i]) != NULL);
	}
	for (int kind = 0; kind < ENGINE_KIND_COUNT; kind++) {
		AUTO(engine_list) all = {0};

		if (engine_list_read(
			(enum engine_kind)kind, "", json_get(root, "services"), &all, &err) == 0)
			assert(all.count <= json_count(json_get(root, "services")) + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	AUTO(buf) log = buf_make(size);
	struct err err;
	AUTO_PTR(json) root = json_parse(text, size, &err);

	engine_unframe(text, size, &log);
	assert(log.length <= size);
	if (root) {
		judge(root);
		list(root);
	}
	return 0;
}
