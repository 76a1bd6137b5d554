/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every reader of Drone's answers: a value of the promised forms, or an error that says why. */
#include "bridge/peers/drone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct build *build)
{
	assert(build->number > 0 && build->stage_count <= BUILD_STAGES_MAX);
	assert(build->params.pr >= 0 && build->params.comment >= 0);
	assert(!strpbrk(build->params.recipe, "`<>@[]*#|\\ \n$\"'"));
	assert(*build_status_word(build->status));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	AUTO(build) build = {0};
	AUTO(builds) builds = {0};
	AUTO(buf) log = buf_make(4096);
	struct peer_odd odd = {0};
	struct err err = {0};
	int64_t minutes = -1;

	if (drone_read_build(text, size, &build, &err) == 0)
		check(&build);
	else
		assert(err.code != ERR_NONE && *err.msg);
	if (drone_read_builds(text, size, &builds, &err) == 0 && builds.count)
		check(&builds.items[builds.count - 1]);
	if (drone_read_log(text, size, &log, &odd, &err) == 0)
		assert(log.length <= 4096);
	assert(ci_read_timeout(text, size, &minutes, &err) < 0 || minutes >= 0);
	return 0;
}
