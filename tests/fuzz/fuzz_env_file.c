/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An env file of a pull request: a refusal says where and why; every value read is written into any
 * file that can be read, and read back from it as it was. */
#include "runner-plugin/recipe/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_good_name(const char *name)
{
	return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.") ==
			    strlen(name);
}

static void write_and_read(const char *text, const char *value)
{
	static const char name[] = "CCCI_WRITTEN";
	struct err err = {0};
	AUTO(env) env = {0};
	auto_str char *once = env_file_set(text, name, value, &err);

	assert(once);
	assert(env_file_parse(".env", once, strlen(once), &env, &err) == 0);
	assert(env_get(&env, name) && text_is(env_get(&env, name), value));
	auto_str char *twice = env_file_set(once, name, value, &err);
	assert(twice && text_is(twice, once));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(env) env = {0};
	struct err err = {0};
	auto_str char *text = xstrndup((const char *)data, size);

	if (env_file_parse(".env", (const char *)data, size, &env, &err) < 0) {
		assert(err.code == ERR_CONFIG && text_starts(err.msg, ".env:"));
		write_and_read("A=1", text);
		return 0;
	}
	for (size_t i = 0; i < env.count && i < 20; i++) {
		const struct env_row *row = &env.rows[i];

		write_and_read("", row->value);
		if (!is_good_name(row->name) || strlen(text) != size)
			continue;
		auto_str char *same = env_file_set(text, row->name, row->value, &err);
		AUTO(env) again = {0};
		if (!same) /* "${0}" is set, or the last line has no end */
			continue;
		assert(env_file_parse(".env", same, strlen(same), &again, &err) == 0);
		assert(
		    env_get(&again, row->name) && text_is(env_get(&again, row->name), row->value));
	}
	return 0;
}
