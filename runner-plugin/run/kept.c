/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/kept.h"

#include "runner-plugin/swarm/engine.h"
#include "runner-plugin/swarm/view.h"

#define COMMIT_DIGITS 8 /* that abra writes into its label, and "+U" behind them */

int64_t kept_decide(const struct kept_facts *facts, char out_why_not[KEPT_WHY_SIZE])
{
	const char *why = "";

	if (!facts->asked_ms || !facts->is_complete)
		why = "";
	else if (!facts->most_ms)
		why = "this host keeps no app (KEEP_MAX is 0)";
	else if (!facts->head_is_up)
		why = "the head is not what is up at the end";
	else if (facts->is_slot_wanted)
		why = "another run waits for the slot";
	else
		return facts->asked_ms < facts->most_ms ? facts->asked_ms : facts->most_ms;
	(void)copy_text(out_why_not, KEPT_WHY_SIZE, why);
	return 0;
}

int kept_find_head(const struct settings *settings, const struct run *run, const char *commit,
    bool *out_is_up, struct err *err)
{
	AUTO_PTR(engine) engine = engine_open(settings, err);
	auto_str char *path = engine_stack_path("/services", run->stack);
	AUTO_PTR(json) services = engine ? engine_get(engine, path, err) : NULL;
	AUTO_PTR(json) no_tasks = json_new_array();
	AUTO(view) view = {0};

	if (!services || view_read(run->stack, services, no_tasks, &view, err) < 0)
		return -1;
	const struct view_service *app = view_find(&view, "app");
	*out_is_up = app && *commit && strncmp(app->chaos_version, commit, COMMIT_DIGITS) == 0;
	return 0;
}
