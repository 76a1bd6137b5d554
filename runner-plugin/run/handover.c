/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/handover.h"

#include "common/file.h"

static char *plan_path(const struct run *run)
{
	return run_path(run, "plan.json");
}

static char *stage_path(const struct run *run, enum stage which)
{
	auto_str char *name = xasprintf("stage-%s.json", stage_word(which));

	return run_path(run, name);
}

static int save(const char *path, const struct json *json, struct err *err)
{
	auto_str char *text = json_print(json);

	return file_write_atomic(path, 0600, text, strlen(text), err);
}

static struct json *load(const char *path, struct err *err)
{
	AUTO(buf) text = {0};

	if (file_read(path, HANDOVER_MAX_BYTES, &text, err) < 0)
		return NULL;
	struct json *json = json_parse(buf_text(&text), text.length, err);
	if (!json)
		(void)err_prefix(err, "%s", path);
	return json;
}

int handover_save_plan(const struct run *run, const struct plan *plan, struct err *err)
{
	AUTO_PTR(json) json = plan_encode(plan);
	auto_str char *path = plan_path(run);

	return save(path, json, err);
}

int handover_load_plan(const struct run *run, struct plan *out, struct err *err)
{
	auto_str char *path = plan_path(run);
	AUTO_PTR(json) json = load(path, err);

	if (!json)
		return -1;
	return plan_decode(json, out, err) < 0 ? err_prefix(err, "%s", path) : 0;
}

int handover_save_stage(const struct run *run, const struct results_stage *stage, struct err *err)
{
	AUTO_PTR(json) json = results_stage_encode(stage);
	auto_str char *path = stage_path(run, stage->stage);

	return save(path, json, err);
}

int handover_load_stage(
    const struct run *run, enum stage which, struct results_stage *out, struct err *err)
{
	auto_str char *path = stage_path(run, which);
	AUTO_PTR(json) json = load(path, err);

	if (!json)
		return -1;
	return results_stage_decode(json, out, err) < 0 ? err_prefix(err, "%s", path) : 0;
}

bool handover_has_stage(const struct run *run, enum stage which)
{
	auto_str char *path = stage_path(run, which);

	return file_exists(path);
}
