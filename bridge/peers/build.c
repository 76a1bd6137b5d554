/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/build.h"

static const char *const status_words[] = {
    [BUILD_PENDING] = "pending",
    [BUILD_RUNNING] = "running",
    [BUILD_SUCCESS] = "success",
    [BUILD_FAILURE] = "failure",
    [BUILD_ERROR] = "error",
    [BUILD_KILLED] = "killed",
    [BUILD_SKIPPED] = "skipped",
    [BUILD_WAITING] = "waiting_on_dependencies",
    [BUILD_BLOCKED] = "blocked",
    [BUILD_CREATED] = "created",
    [BUILD_DECLINED] = "declined",
    [BUILD_UNKNOWN] = "unknown",
};

const char *build_status_word(enum build_status status)
{
	assert((size_t)status < COUNT_OF(status_words));
	return status_words[status];
}

bool build_status_is_over(enum build_status status)
{
	switch (status) {
	case BUILD_SUCCESS:
	case BUILD_FAILURE:
	case BUILD_ERROR:
	case BUILD_KILLED:
	case BUILD_SKIPPED:
	case BUILD_DECLINED:
		return true;
	case BUILD_PENDING:
	case BUILD_RUNNING:
	case BUILD_WAITING:
	case BUILD_BLOCKED:
	case BUILD_CREATED:
	case BUILD_UNKNOWN:
		break;
	}
	return false;
}

static size_t add_text(struct build_pair *out, const char *name, const char *value)
{
	*out = (struct build_pair){.name = name};
	return copy_text(out->value, sizeof(out->value), value) && *value ? 1 : 0;
}

static size_t add_number(struct build_pair *out, const char *name, int64_t value)
{
	char text[24];

	(void)format_text(text, sizeof(text), "%lld", (long long)value);
	return add_text(out, name, value ? text : "");
}

size_t build_params_list(const struct build_params *params, struct build_pair out[BUILD_PAIRS_MAX])
{
	size_t count = 0;

	count += add_text(&out[count], "RECIPE", params->recipe);
	count += add_text(&out[count], "SRC", params->src);
	count += add_number(&out[count], "PR", params->pr);
	count += add_text(&out[count], "REF", params->ref);
	count += add_number(&out[count], "COMMENT", params->comment);
	count += add_text(&out[count], "STAGES", params->stages);
	count += add_text(&out[count], "EXTRA_TESTS", params->wants_extra ? "1" : "");
	count += add_text(&out[count], "FROM", params->from);
	count += add_number(&out[count], "KEEP", params->keep_min);
	count += add_text(&out[count], "SUITE_REF", params->suite_ref);
	return count;
}

void build_release(struct build *build)
{
	for (size_t i = 0; i < build->stage_count; i++)
		free(build->stages[i].steps);
	free(build->stages);
	*build = (struct build){0};
}

void builds_release(struct builds *builds)
{
	for (size_t i = 0; i < builds->count; i++)
		build_release(&builds->items[i]);
	free(builds->items);
	*builds = (struct builds){0};
}

const struct build_step *build_find_step(
    const struct build *build, const char *name, int64_t *out_stage)
{
	for (size_t i = 0; i < build->stage_count; i++) {
		const struct build_stage *stage = &build->stages[i];

		for (size_t k = 0; k < stage->step_count; k++) {
			if (text_is(stage->steps[k].name, name)) {
				*out_stage = stage->number;
				return &stage->steps[k];
			}
		}
	}
	return NULL;
}
