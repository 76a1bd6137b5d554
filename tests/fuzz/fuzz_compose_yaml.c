/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A compose file of a pull request: rendering it twice gives the same, and a refusal says where and
 * why. What it wants that is not its own is refused, and let through when each word that the
 * refusals name is allowed, but for what has no word. */
#include "runner-plugin/recipe/compose.h"
#include "runner-plugin/recipe/trespass.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int render(const uint8_t *data, size_t size, struct compose_model *out, struct err *err)
{
	const struct compose_file file = {"compose.yml", (const char *)data, size};
	AUTO(env) env = {0};

	env_set(&env, "STACK_NAME", "cust-9f2c1a_ci_test");
	env_set(&env, "DOMAIN", "cust-9f2c1a.ci.test");
	return compose_render(&file, 1, &env, out, err);
}

static void judge(const struct compose_model *model)
{
	static const struct tree tree;
	struct trespass_rules rules = {.stack = "cust-9f2c1a_ci_test",
	    .networks = "proxy",
	    .max_replicas = 10,
	    .max_memory = INT64_C(1) << 30,
	    .directory = "",
	    .tree = &tree};
	AUTO(trespass) alone = {0};
	AUTO(trespass) with_words = {0};

	trespass_judge(model, &rules, &alone);
	assert(!alone.allowed_count);
	char **words = xcalloc(alone.refused_count + 1, sizeof(*words));
	for (size_t i = 0; i < alone.refused_count; i++)
		words[i] = alone.refused[i].word;
	rules.allow = words;
	rules.allow_count = alone.refused_count;
	trespass_judge(model, &rules, &with_words);
	for (size_t i = 0; i < with_words.refused_count; i++)
		assert(!with_words.refused[i].word[0]);
	free(words);
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
		judge(&first);
		assert(first.service_count == second.service_count);
		for (size_t i = 0; i < first.secret_count; i++)
			assert(first.secrets[i].name && second.secrets[i].name &&
			       text_is(first.secrets[i].name, second.secrets[i].name));
	}
	return 0;
}
