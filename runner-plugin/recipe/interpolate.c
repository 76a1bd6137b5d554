/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/interpolate.h"

#include "common/buf.h"

#include <ctype.h>

#define SHOWN_BYTES 60 /* of a text, in a message */

/* U+017F and U+212A are an s and a k to a pattern that ignores case, and docker's does. */
static size_t name_letter_length(const char *text)
{
	if (isalpha((unsigned char)*text) || *text == '_')
		return 1;
	if (text_starts(text, "\xc5\xbf"))
		return 2;
	return text_starts(text, "\xe2\x84\xaa") ? 3 : 0;
}

static size_t name_length(const char *text)
{
	size_t n = name_letter_length(text);

	while (n) {
		size_t more = isdigit((unsigned char)text[n]) ? 1 : name_letter_length(text + n);

		if (!more)
			break;
		n += more;
	}
	return n;
}

/* NAME, or NAME with a default or a demand, up to close; 0: there is no name. */
static size_t form_length(const char *text, const char *close)
{
	size_t n = name_length(text);
	size_t at = n + (text[n] == ':' ? 1 : 0);

	if (n && (text[at] == '-' || text[at] == '?'))
		n = (size_t)(close - text);
	return n;
}

/*
 * What stands behind a "$".
 *
 * used     bytes of it.
 * form     the inside, NAME with or without more; NULL: not a variable, see is_escaped.
 */
struct variable {
	size_t used;
	const char *form;
	size_t form_length;
	bool is_escaped;
};

/* close: the next "}" behind text, or its end. */
static struct variable find_variable(const char *text, const char *close)
{
	bool has_brace = text[0] == '{';
	const char *form = text + (has_brace ? 1 : 0);
	size_t length = form_length(form, close);

	if (text[0] == '$')
		return (struct variable){.used = 1, .is_escaped = true};
	if (!length || (has_brace && form[length] != '}'))
		return (struct variable){0};
	return (struct variable){
	    .used = length + (has_brace ? 2 : 0), .form = form, .form_length = length};
}

/* The value of a variable; -1: there must be one and there is none. */
static int add_value(const char *form, const struct env *env, struct buf *out, struct err *err)
{
	static const struct separator {
		const char *text;
		bool needs_text; /* an empty value is none */
		bool is_default; /* else a demand */
	} separators[] = {
	    {":-", true, true}, {"-", false, true}, {":?", true, false}, {"?", false, false}};

	for (size_t i = 0; i < COUNT_OF(separators); i++) {
		const struct separator *separator = &separators[i];
		const char *at = strstr(form, separator->text);

		if (!at)
			continue;
		auto_str char *name = xstrndup(form, (size_t)(at - form));
		const char *word = at + strlen(separator->text);
		const char *value = env_get(env, name);

		if (value && (*value || !separator->needs_text)) {
			(void)buf_add_text(out, value);
			return 0;
		}
		if (separator->is_default) {
			(void)buf_add_text(out, word);
			return 0;
		}
		return err_set(err, ERR_CONFIG,
		    "the variable %.60s must be set%s: \"%.80s\"; set it in .env.sample", name,
		    value ? " to more than nothing" : "", word);
	}
	const char *value = env_get(env, form);
	(void)buf_add_text(out, value ? value : "");
	return 0;
}

/* at: behind the "$" that begins no variable. */
static int refuse(const char *at, struct err *err)
{
	size_t n = *at == '{' ? name_length(at + 1) : 0;
	const char *more = at + 1 + n;
	int shown = (int)text_head(at, SHOWN_BYTES);

	if (n && !strchr(more, '}'))
		return err_set(err, ERR_CONFIG, "\"$%.*s\" has no \"}\"", shown, at);
	if (n && (text_starts(more, ":+") || *more == '+'))
		return err_set(err, ERR_CONFIG,
		    "\"$%.*s\": abra knows no \"+\" in a variable; write the value into a "
		    "variable of its own in .env.sample and name that one",
		    (int)(strcspn(at, "}") + 1 < SHOWN_BYTES ? strcspn(at, "}") + 1 : SHOWN_BYTES),
		    at);
	return err_set(err, ERR_CONFIG,
	    "\"$%.*s\" is no variable; write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ "
	    "where a $ is meant",
	    shown, at);
}

int interpolate(
    const char *text, const struct env *env, size_t max_bytes, char **out, struct err *err)
{
	AUTO(buf) result = buf_make(max_bytes);
	const char *close = text; /* looked for once, however many variables stand before it */
	const char *wrong = NULL;
	struct err missing = {0};

	for (const char *at = text; *at;) {
		size_t plain = strcspn(at, "$");

		(void)buf_add(&result, at, plain);
		at += plain;
		if (!*at)
			break;
		at++;
		if (close < at)
			close = at + strcspn(at, "}");
		const struct variable variable = find_variable(at, close);
		if (variable.form) {
			auto_str char *form = xstrndup(variable.form, variable.form_length);

			/* docker's loader forgets a mistake when a variable behind it is right */
			wrong = NULL;
			missing = (struct err){0};
			(void)!add_value(form, env, &result, &missing);
		} else if (variable.is_escaped) {
			(void)buf_add_char(&result, '$');
		} else {
			wrong = at;
		}
		at += variable.used;
	}
	if (wrong)
		return refuse(wrong, err);
	if (missing.code != ERR_NONE) {
		*err = missing;
		return -1;
	}
	if (result.was_truncated)
		return err_set(err, ERR_CONFIG, "the value is longer than %zu bytes", max_bytes);
	*out = buf_take(&result);
	return 0;
}
