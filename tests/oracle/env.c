/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oracle_env env FILE                       what env_file reads, as compose-oracle prints it
 * oracle_env set FILE [NAME VALUE]...       the file's text with all of them set
 *
 * A refusal: {"error":"..."} and exit status 1.
 */
#include "common/buf.h"
#include "common/file.h"
#include "common/json.h"
#include "runner-plugin/recipe/env_file.h"

#define TEXT_MAX_BYTES (8 * 1024 * 1024)

static int refuse(const struct err *err)
{
	AUTO_PTR(json) said = json_new_object();

	json_set_text(said, "error", err->msg);
	auto_str char *text = json_print(said);
	(void)puts(text);
	return 1;
}

static int print_env(const char *file, const struct buf *text, struct err *err)
{
	AUTO(env) env = {0};
	AUTO_PTR(json) said = json_new_object();
	struct json *values = json_new_object();

	json_set(said, "env", values);
	if (env_file_parse(file, buf_text(text), text->length, &env, err) < 0)
		return refuse(err);
	for (size_t i = 0; i < env.count; i++)
		json_set_text(values, env.rows[i].name, env.rows[i].value);
	auto_str char *printed = json_print(said);
	(void)puts(printed);
	return 0;
}

static int print_set(const struct buf *text, int count, char **pairs, struct err *err)
{
	auto_str char *result = xstrdup(buf_text(text));

	for (int i = 0; i + 1 < count; i += 2) {
		char *next = env_file_set(result, pairs[i], pairs[i + 1], err);

		if (!next)
			return refuse(err);
		free(result);
		result = next;
	}
	(void)fputs(result, stdout);
	return 0;
}

int main(int count, char **arguments)
{
	AUTO(buf) text = {0};
	struct err err = {0};

	if (count < 3 || file_read(arguments[2], TEXT_MAX_BYTES, &text, &err) < 0)
		return 2;
	if (text_is(arguments[1], "env") && count == 3)
		return print_env(arguments[2], &text, &err);
	if (text_is(arguments[1], "set") && count % 2 == 1)
		return print_set(&text, count - 3, arguments + 3, &err);
	return 2;
}
