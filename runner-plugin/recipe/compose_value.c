/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_value.h"

#include "common/golang.h"
#include "runner-plugin/recipe/interpolate.h"

#include <strings.h>

#define PATH_MAX_BYTES 1024 /* of all keys above a value; what is cut matches nothing */

struct render {
	const struct compose_source *source;
	const struct env *env;
	char path[PATH_MAX_BYTES]; /* "services.app.ports.[].target" */
};

/* Where docker casts what a variable made; "*" is any key, "[]" an item of a list. */
static const struct cast {
	const char *path;
	enum yaml_type type;
} casts[] = {
    {"configs.*.external", YAML_BOOL},
    {"networks.*.attachable", YAML_BOOL},
    {"networks.*.external", YAML_BOOL},
    {"networks.*.internal", YAML_BOOL},
    {"secrets.*.external", YAML_BOOL},
    {"services.*.configs.[].mode", YAML_INT},
    {"services.*.deploy.placement.max_replicas_per_node", YAML_INT},
    {"services.*.deploy.replicas", YAML_INT},
    {"services.*.deploy.restart_policy.max_attempts", YAML_INT},
    {"services.*.deploy.rollback_config.max_failure_ratio", YAML_FLOAT},
    {"services.*.deploy.rollback_config.parallelism", YAML_INT},
    {"services.*.deploy.update_config.max_failure_ratio", YAML_FLOAT},
    {"services.*.deploy.update_config.parallelism", YAML_INT},
    {"services.*.healthcheck.disable", YAML_BOOL},
    {"services.*.healthcheck.retries", YAML_INT},
    {"services.*.oom_score_adj", YAML_INT},
    {"services.*.ports.[].published", YAML_INT},
    {"services.*.ports.[].target", YAML_INT},
    {"services.*.privileged", YAML_BOOL},
    {"services.*.read_only", YAML_BOOL},
    {"services.*.secrets.[].mode", YAML_INT},
    {"services.*.stdin_open", YAML_BOOL},
    {"services.*.tty", YAML_BOOL},
    {"services.*.ulimits.*", YAML_INT},
    {"services.*.ulimits.*.hard", YAML_INT},
    {"services.*.ulimits.*.soft", YAML_INT},
    {"services.*.volumes.[].read_only", YAML_BOOL},
    {"services.*.volumes.[].volume.nocopy", YAML_BOOL},
    {"volumes.*.external", YAML_BOOL},
};

/* Docker knows the path as one text: a key with a dot in it counts as two. */
static bool matches(const char *path, const char *pattern)
{
	for (;;) {
		size_t length = strcspn(path, ".");
		size_t pattern_length = strcspn(pattern, ".");
		bool is_any = pattern_length == 1 && *pattern == '*';

		if (!is_any && (length != pattern_length || strncmp(path, pattern, length) != 0))
			return false;
		path += length;
		pattern += pattern_length;
		if (!*path || !*pattern)
			return !*path && !*pattern;
		path++;
		pattern++;
	}
}

static enum yaml_type type_for(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(casts); i++) {
		if (matches(path, casts[i].path))
			return casts[i].type;
	}
	return YAML_TEXT;
}

/* The text as a value of the type; NULL: it is none. */
static char *cast_bool(const char *text)
{
	static const char *const words[2][4] = {
	    {"n", "no", "false", "off"}, {"y", "yes", "true", "on"}};

	for (size_t i = 0; i < COUNT_OF(words[0]); i++) {
		if (strcasecmp(text, words[0][i]) == 0)
			return xstrdup("false");
		if (strcasecmp(text, words[1][i]) == 0)
			return xstrdup("true");
	}
	return NULL;
}

static char *cast_int(const char *text)
{
	const char *digits = text + (*text == '+' || *text == '-');
	int64_t value = 0;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return NULL;
	return parse_int64(text + (*text == '+'), INT64_MIN, INT64_MAX, &value)
		   ? xasprintf("%lld", (long long)value)
		   : NULL;
}

static char *cast_float(const char *text)
{
	double value = 0;

	return golang_float(text, &value) ? golang_print(value) : NULL;
}

static int cast(const struct render *render, struct yaml *value)
{
	enum yaml_type type = type_for(render->path);
	char *made = type == YAML_BOOL	  ? cast_bool(value->text)
		     : type == YAML_INT	  ? cast_int(value->text)
		     : type == YAML_FLOAT ? cast_float(value->text)
					  : NULL;

	if (type == YAML_TEXT)
		return 0;
	if (!made)
		return compose_fail(render->source, value,
		    "%.100s: the variable makes \"%.40s\" of it, which is %s", render->path,
		    value->text, type == YAML_BOOL ? "neither true nor false" : "no number");
	free(value->text);
	value->text = made;
	value->type = type;
	value->is_quoted = false;
	return 0;
}

static int render_text(const struct render *render, struct yaml *value)
{
	const struct compose_source *source = render->source;
	char *text = NULL;

	if (!strchr(value->text, '$'))
		return 0;
	if (interpolate(value->text, render->env, COMPOSE_TEXT_MAX, &text, source->err) < 0)
		return err_prefix(
		    source->err, "%.100s:%d:%d", source->file, value->line, value->column);
	bool is_same = text_is(text, value->text);
	free(value->text);
	value->text = text;
	return is_same ? 0 : cast(render, value);
}

static int render_value(struct render *render, struct yaml *value)
{
	if (value->kind == YAML_SCALAR) {
		/* JSON, in which docker checks the file, has no word for these. */
		if (value->type == YAML_FLOAT && strpbrk(value->text, "IN"))
			return compose_fail(render->source, value,
			    "\"%s\" is a number without end or none: put it in quotes",
			    value->text);
		return value->type == YAML_TEXT ? render_text(render, value) : 0;
	}
	for (size_t i = 0; i < value->count; i++) {
		size_t length = strlen(render->path);

		(void)snprintf(render->path + length, sizeof(render->path) - length, "%s%s",
		    length ? "." : "", value->kind == YAML_MAPPING ? value->keys[i] : "[]");
		if (render_value(render, value->items[i]) < 0)
			return -1;
		render->path[length] = '\0';
	}
	return 0;
}

int compose_value_render(
    const struct compose_source *source, struct yaml *tree, const struct env *env)
{
	struct render render = {.source = source, .env = env};

	return render_value(&render, tree);
}
