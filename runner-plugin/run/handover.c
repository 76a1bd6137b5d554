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

/* --- the picture --- */

#define NO_PICTURE_FILE "no-picture"

void handover_picture_release(struct handover_picture *picture)
{
	buf_release(&picture->bytes);
	free(picture->why_not);
}

char *handover_picture_path(const struct run *run, const struct picture_kind *kind)
{
	auto_str char *name = xasprintf("picture%s", kind->suffix);

	return run_path(run, name);
}

int handover_save_picture(
    const struct run *run, const struct handover_picture *picture, struct err *err)
{
	auto_str char *path = picture->why_not ? run_path(run, NO_PICTURE_FILE)
					       : handover_picture_path(run, picture->head.kind);

	if (picture->why_not)
		return file_write_atomic(
		    path, 0600, picture->why_not, strlen(picture->why_not), err);
	return file_write_atomic(path, 0600, buf_text(&picture->bytes), picture->bytes.length, err);
}

static int load_why_not(const struct run *run, struct handover_picture *out, struct err *err)
{
	auto_str char *path = run_path(run, NO_PICTURE_FILE);
	AUTO(buf) why = {0};

	if (file_read(path, RESULTS_TEXT_MAX, &why, err) < 0)
		return -1;
	*out = (struct handover_picture){.why_not = xstrdup(buf_text(&why))};
	return 0;
}

int handover_load_picture(const struct run *run, struct handover_picture *out, struct err *err)
{
	for (size_t i = 0; i < picture_kind_count; i++) {
		auto_str char *path = handover_picture_path(run, &picture_kinds[i]);
		AUTO(handover_picture) picture = {0};
		struct err why;

		if (file_read(path, RESULTS_PICTURE_MAX_BYTES, &picture.bytes, &why) == 0) {
			if (!picture_head_read(
				buf_text(&picture.bytes), picture.bytes.length, &picture.head))
				return err_set(err, ERR_PROTOCOL, "%s is no picture", path);
			*out = picture;
			picture = (struct handover_picture){0};
			return 0;
		}
		if (why.code != ERR_MISSING) {
			*err = why;
			return -1;
		}
	}
	return load_why_not(run, out, err);
}

void handover_tell_picture(const struct handover_picture *picture, struct results *out)
{
	if (picture->why_not) {
		results_set(&out->picture_why_not, picture->why_not);
		return;
	}
	results_set(&out->picture_type, picture->head.kind->type);
	out->picture_width = picture->head.width;
	out->picture_height = picture->head.height;
	out->picture_bytes = (int64_t)picture->bytes.length;
}
