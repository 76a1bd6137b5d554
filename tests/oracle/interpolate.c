/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oracle_interpolate TEXT [NAME=VALUE]...   what interpolate makes of it, as {"text":"..."}
 *
 * A refusal: {"error":"..."} and exit status 1.
 */
#include "runner-plugin/recipe/interpolate.h"
#include "common/json.h"

#define TEXT_MAX_BYTES (1024 * 1024)

int main(int count, char **arguments)
{
	AUTO(env) env = {0};
	AUTO_PTR(json) said = json_new_object();
	auto_str char *text = NULL;
	struct err err = {0};

	if (count < 2)
		return 2;
	for (int i = 2; i < count; i++) {
		size_t length = strcspn(arguments[i], "=");
		auto_str char *name = xstrndup(arguments[i], length);

		if (!arguments[i][length])
			return 2;
		env_set(&env, name, arguments[i] + length + 1);
	}
	int result = interpolate(arguments[1], &env, TEXT_MAX_BYTES, &text, &err);
	json_set_text(said, result < 0 ? "error" : "text", result < 0 ? err.msg : text);
	auto_str char *printed = json_print(said);
	(void)puts(printed);
	return result < 0 ? 1 : 0;
}
