/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A compose file of a pull request: rendering it twice gives the same, and a refusal says where and
 * why. */
#include "runner-plugin/recipe/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int render(const uint8_t *data, size_t size, struct compose_model *out, struct err *err)
{
	const struct compose_file file = {"compose.yml", (const char *)data, size};
	AUTO(env) env = {0};

	env_set(&env, "STACK_NAME", "cust-9f2c1a_ci_test");
	env_set(&env, "DOMAIN", "cust-9f2c1a.ci.test");
	return compose_render(&file, 1, &env, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(compose_model) first = {0};
	AUTO(compose_model) second = {0};
	struct err err = {0};

	if (render(data, size, &first, &err) < 0) {
		assert(err.code != ERR_NONE && err.msg[0]);
	} else {
		assert(render(data, size, &second, &err) == 0);
		assert(first.service_count == second.service_count);
		for (size_t i = 0; i < first.secret_count; i++)
			assert(first.secrets[i].name && second.secrets[i].name &&
			       text_is(first.secrets[i].name, second.secrets[i].name));
	}
	return 0;
}
