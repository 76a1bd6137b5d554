/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/secrets.h"

#include "common/nearest.h"

bool secrets_split(const char *stack, const char *name, char **out_secret, char **out_version)
{
	const char *secret = text_descope(stack, name);

	*out_secret = NULL;
	*out_version = NULL;
	if (!secret)
		return false;
	const char *version = strrchr(secret, '_');
	if (!version || version == secret || !version[1])
		return false;
	*out_secret = xstrndup(secret, (size_t)(version - secret));
	*out_version = xstrdup(version + 1);
	return true;
}

static bool has_secret(
    const struct compose_model *const *models, size_t model_count, const char *name)
{
	for (size_t i = 0; i < model_count; i++) {
		if (compose_find_named(models[i]->secrets, models[i]->secret_count, name))
			return true;
	}
	return false;
}

static char *describe_unknown(
    const char *name, const struct compose_model *const *models, size_t model_count)
{
	size_t count = 0;

	for (size_t i = 0; i < model_count; i++)
		count += models[i]->secret_count;
	const char **known = xcalloc(count + 1, sizeof(*known));
	count = 0;
	for (size_t i = 0; i < model_count; i++) {
		for (size_t k = 0; k < models[i]->secret_count; k++)
			known[count++] = models[i]->secrets[k].key;
	}
	const char *near = nearest_word(name, known, count);
	char *sentence =
	    xasprintf("the suite's secrets: the recipe has no secret \"%.60s\"%s%.60s%s", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");

	free(known);
	return sentence;
}

char *secrets_unknown(
    const struct suite *suite, const struct compose_model *const *models, size_t model_count)
{
	for (size_t i = 0; i < suite->secret_count; i++) {
		const char *name = suite->secrets[i].name;

		if (!has_secret(models, model_count, name))
			return describe_unknown(name, models, model_count);
	}
	return NULL;
}
