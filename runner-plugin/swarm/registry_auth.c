/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/registry_auth.h"

#include "common/buf.h"

#define TOKEN_ACCOUNT "<token>" /* what a helper calls the account of an identity token */
#define HUB_HOST "index.docker.io"
#define SECRET_MAX_BYTES (64 * 1024)

void registry_choice_release(struct registry_choice *choice)
{
	free(choice->helper);
	free(choice->account);
	free(choice->secret);
	*choice = (struct registry_choice){0};
}

/* --- servers --- */

char *registry_server(const char *image)
{
	size_t length = strcspn(image, "/");
	auto_str char *first = xstrndup(image, length);

	/* A name's first part is a host when it looks like no user: as the engine tells. */
	if (image[length] != '/' || (!strpbrk(first, ".:") && !text_is(first, "localhost")) ||
	    text_is(first, "docker.io") || text_is(first, HUB_HOST))
		return xstrdup(REGISTRY_HUB);
	return take_ptr(first);
}

/* "r.example" of "https://r.example/v2/". */
static char *host_of(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *host = scheme ? scheme + strlen("://") : server;
	auto_str char *bare = xstrndup(host, strcspn(host, "/"));

	return text_is(bare, "docker.io") ? xstrdup(HUB_HOST) : take_ptr(bare);
}

/* The entry of that very server, else of its host. */
static const struct json *find_entry(const struct json *entries, const char *server)
{
	auto_str char *host = host_of(server);

	for (const struct json *entry = json_first(entries); entry; entry = json_next(entry))
		if (json_key(entry) && text_is(json_key(entry), server))
			return entry;
	for (const struct json *entry = json_first(entries); entry; entry = json_next(entry)) {
		auto_str char *other = host_of(json_key(entry) ? json_key(entry) : "");

		if (text_is(other, host))
			return entry;
	}
	return NULL;
}

/* --- base64 --- */

/* With the alphabet of URLs, padded, as the engine reads it (RFC 4648, section 5). */
static char *encode(const char *text)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	(void)buf_add_base64(&out, text, strlen(text));
	for (size_t i = 0; i < out.length; i++) {
		if (out.data[i] == '+')
			out.data[i] = '-';
		else if (out.data[i] == '/')
			out.data[i] = '_';
	}
	return buf_take(&out);
}

/* NULL: it is none. A NUL ends the text. */
static char *decode(const char *text)
{
	AUTO(buf) out = buf_make(SIZE_MAX / 2);

	return buf_add_from_base64(&out, text) < 0 ? NULL : buf_take(&out);
}

/* --- choosing --- */

/* "user:password" in base64; docker writes a user and an empty password beside a token. */
static int read_pair(const char *text, struct registry_choice *out, struct err *err)
{
	auto_str char *pair = strlen(text) <= SECRET_MAX_BYTES ? decode(text) : NULL;
	char *colon = pair ? strchr(pair, ':') : NULL;

	if (!colon)
		return err_set(err, ERR_CONFIG, "its auth is not \"user:password\" in base64");
	*colon = '\0';
	out->account = xstrdup(pair);
	out->secret = xstrdup(colon + 1);
	return 0;
}

static const char *text_of(const struct json *entry, const char *name)
{
	const char *text = json_get_text(entry, name);

	return text ? text : "";
}

static int read_entry(const struct json *entry, struct registry_choice *out, struct err *err)
{
	AUTO(registry_choice) choice = {0};
	const char *token = text_of(entry, "identitytoken");

	if (*text_of(entry, "auth") && read_pair(text_of(entry, "auth"), &choice, err) < 0)
		return -1;
	if (!choice.secret && *text_of(entry, "password")) {
		choice.account = xstrdup(text_of(entry, "username"));
		choice.secret = xstrdup(text_of(entry, "password"));
	}
	if (*token) {
		free(choice.secret);
		choice.secret = xstrdup(token);
		choice.is_token = true;
		if (!choice.account)
			choice.account = xstrdup("");
	}
	*out = choice;
	choice = (struct registry_choice){0};
	return 0;
}

static bool is_program_word(const char *text)
{
	return *text && *text != '-' &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

int registry_choose(
    const struct json *config, const char *server, struct registry_choice *out, struct err *err)
{
	const struct json *own = find_entry(json_get(config, "credHelpers"), server);
	const char *helper = own ? json_text(own) : json_get_text(config, "credsStore");
	const struct json *entry = find_entry(json_get(config, "auths"), server);

	*out = (struct registry_choice){0};
	if (helper && *helper && !is_program_word(helper))
		return err_set(err, ERR_CONFIG, "\"%.40s\" is no credential helper", helper);
	if (helper && *helper) {
		out->helper = xstrdup(helper);
		return 0;
	}
	if (entry && read_entry(entry, out, err) < 0)
		return err_prefix(err, "login for %.100s", server);
	return 0;
}

int registry_read_answer(const struct json *answer, struct registry_choice *out, struct err *err)
{
	const char *account = json_get_text(answer, "Username");
	const char *secret = json_get_text(answer, "Secret");

	if (!account || !secret || !*secret)
		return err_set(err, ERR_PROTOCOL, "its answer has no Username and Secret");
	bool is_token = text_is(account, TOKEN_ACCOUNT);
	*out = (struct registry_choice){.account = xstrdup(is_token ? "" : account),
	    .secret = xstrdup(secret),
	    .is_token = is_token};
	return 0;
}

char *registry_header(const struct registry_choice *choice, const char *server)
{
	if (!choice->secret || !*choice->secret)
		return NULL;
	AUTO_PTR(json) object = json_new_object();

	if (choice->is_token) {
		json_set_text(object, "identitytoken", choice->secret);
	} else {
		json_set_text(object, "username", choice->account);
		json_set_text(object, "password", choice->secret);
	}
	json_set_text(object, "serveraddress", server);
	auto_str char *text = json_print(object);
	return encode(text);
}
