/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A suite: what is accepted keeps the promises of suite.h, what is refused says where and why. */
#include "runner-plugin/recipe/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(suite) suite = {0};
	struct err err = {0};

	if (suite_parse("suite.yml", (const char *)data, size, &suite, &err) < 0) {
		assert((err.code == ERR_CONFIG || err.code == ERR_LIMIT) && err.msg[0]);
		return 0;
	}
	assert(suite.weight >= 1 && suite.deploy_timeout_ms >= 0);
	for (size_t i = 0; i < suite.compose_count; i++)
		assert(!strchr(suite.compose[i], '/') && suite.compose[i][0] != '-');
	for (size_t i = 0; i < suite.env_count; i++)
		assert(!strchr(suite.env[i].value, '\n'));
	for (size_t i = 0; i < suite.ready_count; i++)
		assert(suite.ready[i].kind == SUITE_TCP || suite.ready[i].path[0] == '/');
	return 0;
}
