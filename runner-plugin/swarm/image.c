/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/image.h"

#include "common/clock.h"
#include "common/http.h"

#include <strings.h>

void image_list_release(struct image_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].service);
		free(list->items[i].digest);
		login_release(&list->items[i].login);
	}
	free(list->items);
	*list = (struct image_list){0};
}

const struct image *image_list_find(const struct image_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (text_is(list->items[i].name, name))
			return &list->items[i];
	}
	return NULL;
}

void image_list_add(struct image_list *list, const char *name, const char *service)
{
	if (image_list_find(list, name))
		return;
	list->items = xrealloc_array(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] =
	    (struct image){.name = xstrdup(name), .service = xstrdup(service)};
}

char *image_full_name(const char *name)
{
	const char *path = strrchr(name, '/'); /* a colon before it is a registry's port */

	if (strchr(name, '@') || strchr(path ? path : name, ':'))
		return xstrdup(name);
	return xasprintf("%s:latest", name);
}

/* --- what registries say --- */

bool image_is_recipes_fault(enum image_fault fault)
{
	switch (fault) {
	case IMAGE_BAD_NAME:
	case IMAGE_NO_REPOSITORY:
	case IMAGE_NO_TAG:
	case IMAGE_WRONG_PLATFORM:
		return true;
	case IMAGE_FINE:
	case IMAGE_LOGIN_REFUSED:
	case IMAGE_RATE_LIMITED:
	case IMAGE_NETWORK:
	case IMAGE_DISK_FULL:
	case IMAGE_TIMED_OUT:
	case IMAGE_OTHER:
		break;
	}
	return false;
}

/*
 * In this order: messages are chains, and what stands later in the table also occurs inside what
 * stands before it. Names of images, tags and hosts are in them too and hold any word and number,
 * but no blank: a phrase counts wherever it stands, a word alone only where it is a whole part.
 *
 * Source: Docker 20.10 (distribution/errors.go texts as seen), containerd's client, registry error
 * codes of the OCI distribution specification 1.1: MANIFEST_UNKNOWN, NAME_UNKNOWN, DENIED,
 * UNAUTHORIZED, TOOMANYREQUESTS.
 */
#define NEEDS_LOGIN (IMAGE_OTHER + 1) /* who has sent none is told what a wrong name is told */
static const struct {
	const char *text;
	int fault;
} texts[] = {
    {"toomanyrequests", IMAGE_RATE_LIMITED},
    {"rate limit", IMAGE_RATE_LIMITED},
    {"429 too many requests", IMAGE_RATE_LIMITED},
    {"HTTP 429", IMAGE_RATE_LIMITED},
    {"status: 429", IMAGE_RATE_LIMITED},
    {"status 429", IMAGE_RATE_LIMITED},
    {"no space left on device", IMAGE_DISK_FULL},
    {"invalid reference format", IMAGE_BAD_NAME},
    {"repository name must be", IMAGE_BAD_NAME},
    {"invalid tag format", IMAGE_BAD_NAME},
    {"no matching manifest for", IMAGE_WRONG_PLATFORM},
    {"image operating system", IMAGE_WRONG_PLATFORM},
    {"incorrect username or password", IMAGE_LOGIN_REFUSED},
    {"repository does not exist", IMAGE_NO_REPOSITORY},
    {"pull access denied", IMAGE_NO_REPOSITORY},
    {"name unknown", IMAGE_NO_REPOSITORY},
    {"manifest unknown", IMAGE_NO_TAG},
    {"authentication required", NEEDS_LOGIN},
    {"no basic auth credentials", NEEDS_LOGIN},
    {"unauthorized", NEEDS_LOGIN},
    {"denied", IMAGE_NO_REPOSITORY},
    {"no such host", IMAGE_NETWORK},
    {"server misbehaving", IMAGE_NETWORK},
    {"temporary failure in name resolution", IMAGE_NETWORK},
    {"connection refused", IMAGE_NETWORK},
    {"connection reset", IMAGE_NETWORK},
    {"network is unreachable", IMAGE_NETWORK},
    {"no route to host", IMAGE_NETWORK},
    {"i/o timeout", IMAGE_NETWORK},
    {"TLS handshake timeout", IMAGE_NETWORK},
    {"deadline exceeded", IMAGE_NETWORK},
    {"Client.Timeout exceeded", IMAGE_NETWORK},
    {"tls", IMAGE_NETWORK},
    {"x509", IMAGE_NETWORK},
    {"EOF", IMAGE_NETWORK},
    {"unexpected EOF", IMAGE_NETWORK},
    {"received unexpected HTTP status", IMAGE_NETWORK},
    {"error parsing HTTP", IMAGE_NETWORK}, /* a page in place of an answer: no registry talks */
    {"not found", IMAGE_NO_TAG},
};

static bool is_whole_part(const char *message, const char *at, size_t length)
{
	bool begins = at == message || (at - message >= 2 && text_starts(at - 2, ": "));

	return begins && (at[length] == '\0' || at[length] == ':');
}

static bool says(const char *message, const char *text)
{
	size_t length = strlen(text);
	const char *at = strcasestr(message, text);

	while (at && !strchr(text, ' ') && !is_whole_part(message, at, length))
		at = strcasestr(at + 1, text);
	return at;
}

static int fault_of(const char *message)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (says(message, texts[i].text))
			return texts[i].fault;
	}
	return IMAGE_OTHER;
}

enum image_fault image_classify(const struct err *err, const struct login *login)
{
	if (err->code == ERR_NONE)
		return IMAGE_FINE;
	if (err->code == ERR_TIMEOUT)
		return IMAGE_TIMED_OUT;
	int fault = fault_of(err->msg);
	/* A private repository that the operator's login should have opened. */
	if ((fault == NEEDS_LOGIN && login->account) ||
	    ((fault == NEEDS_LOGIN || fault == IMAGE_NO_REPOSITORY) && login->problem))
		return IMAGE_LOGIN_REFUSED;
	return fault == NEEDS_LOGIN ? IMAGE_NO_REPOSITORY : (enum image_fault)fault;
}

/* Who is behind it, where that is what to change. */
static char *explain_login(const struct image *image)
{
	const struct login *login = &image->login;

	if (image->fault == IMAGE_LOGIN_REFUSED && login->problem)
		return xasprintf(" that is not to be had: %.120s", login->problem);
	if (image->fault == IMAGE_LOGIN_REFUSED)
		return xasprintf(
		    " of %.60s", login->account ? login->account : "its configuration");
	if (image->fault == IMAGE_RATE_LIMITED && login->account)
		return xasprintf(" for the account %.60s", login->account);
	if (image->fault == IMAGE_RATE_LIMITED)
		return xstrdup(" for anonymous pulls; a docker login on this host raises it");
	return xstrdup("");
}

static void explain(struct image *image, const struct err *err)
{
	static const char *const words[] = {
	    [IMAGE_FINE] = "",
	    [IMAGE_BAD_NAME] = "that is no image name",
	    [IMAGE_NO_REPOSITORY] = "no such repository, or one that needs a login",
	    [IMAGE_NO_TAG] = "the repository has no such tag",
	    [IMAGE_WRONG_PLATFORM] = "not made for this machine's platform",
	    [IMAGE_LOGIN_REFUSED] = "the registry wants a login and refuses the one",
	    [IMAGE_RATE_LIMITED] = "the registry's rate limit is reached",
	    [IMAGE_NETWORK] = "the registry cannot be reached or is out of order",
	    [IMAGE_DISK_FULL] = "no disk space is left",
	    [IMAGE_TIMED_OUT] = "not pulled in time",
	    [IMAGE_OTHER] = "cannot be pulled",
	};

	image->fault = image_classify(err, &image->login);
	if (image->fault == IMAGE_FINE)
		return;
	auto_str char *whose = explain_login(image);
	(void)snprintf(image->reason, sizeof(image->reason),
	    "image %.80s of service %.40s: %s%s (%.100s)", image->name, image->service,
	    words[image->fault], whose, err->msg);
}

/* --- looking and pulling --- */

struct json *image_inspect(struct engine *engine, const char *name, struct err *err)
{
	auto_str char *full = image_full_name(name);
	auto_str char *escaped = http_escape(full);
	auto_str char *path = xasprintf("/images/%s/json", escaped);

	return engine_get(engine, path, err);
}

static void read_facts(const struct json *facts, struct image *image)
{
	const char *digest = json_text(json_first(json_get(facts, "RepoDigests")));
	const char *at = digest ? strchr(digest, '@') : NULL;
	const char *test = json_text(json_first(json_path(facts, "Config.Healthcheck.Test")));

	free(image->digest);
	image->digest = NULL;
	if (strchr(image->name, '@')) /* of several repositories' it is the one asked for */
		image->digest = xstrdup(strchr(image->name, '@') + 1);
	else if (at)
		image->digest = xstrdup(at + 1);
	else if (json_get_text(facts, "Id"))
		image->digest = xstrdup(json_get_text(facts, "Id"));
	image->has_healthcheck = test && !text_is(test, "NONE");
}

/* Present, absent (is_absent), or not even a name (fault). */
static int look(struct engine *engine, struct image *image, struct err *err)
{
	struct err why;
	AUTO_PTR(json) facts = image_inspect(engine, image->name, &why);

	image->is_absent = !facts;
	if (facts) {
		read_facts(facts, image);
		return 0;
	}
	if (why.code == ERR_MISSING)
		return 0;
	if (image_classify(&why, &image->login) == IMAGE_BAD_NAME) {
		explain(image, &why);
		return 0;
	}
	*err = why;
	return -1;
}

int image_has_healthcheck(struct engine *engine, const char *name, bool *out, struct err *err)
{
	/* Services carry the digest that the name had at the deploy; an image that was never
	 * pulled has none. */
	auto_str char *full = xstrdup(name);
	auto_str char *plain = xstrndup(name, strcspn(name, "@"));
	struct image image = {.name = full};

	if (look(engine, &image, err) < 0)
		return -1;
	image.name = plain;
	if (image.is_absent && !text_is(full, plain) && look(engine, &image, err) < 0)
		return -1;
	free(image.digest);
	*out = image.has_healthcheck;
	return 0;
}

static void say(const struct image_watch *watch, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(const struct image_watch *watch, const char *format, ...)
{
	char line[300];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (watch->say)
		watch->say(watch->context, line);
}

struct pulling {
	const struct image_watch *watch;
	const struct engine_pull *pulls;
	size_t count;
};

static void on_pull(void *context, const struct engine_pull *pull)
{
	const struct pulling *pulling = context;
	char took[CLOCK_DURATION_SIZE];

	if (pull) {
		clock_format_duration(pull->elapsed_ms, took);
		say(pulling->watch,
		    pull->err.code == ERR_NONE ? "pulled %s in %s" : "%s: no pull, after %s",
		    pull->image, took);
		return;
	}
	for (size_t i = 0; i < pulling->count; i++) {
		if (!pulling->pulls[i].is_over)
			say(pulling->watch, "still pulling %s", pulling->pulls[i].image);
	}
}

/* Room for as many as there are images. */
struct absent {
	struct engine_pull *pulls;
	struct image **images;
	char **names; /* owned */
};

static int pull_absent(struct engine *engine, struct image_list *images,
    const struct image_watch *watch, const struct absent *absent, struct err *err)
{
	struct engine_pull *pulls = absent->pulls;
	struct image **pulled = absent->images;
	size_t count = 0;

	for (size_t i = 0; i < images->count; i++) {
		struct image *image = &images->items[i];

		if (!image->is_absent || image->fault != IMAGE_FINE)
			continue;
		absent->names[count] = image_full_name(image->name);
		if (watch->logins)
			login_find(watch->logins, image->name, watch->cancel_fd, &image->login);
		if (image->login.problem)
			say(watch, "no login for %s: %s", image->name, image->login.problem);
		pulls[count].image = absent->names[count];
		pulls[count].auth = image->login.header;
		pulled[count++] = image;
		say(watch, "pulling %s%s%s", image->name, image->login.account ? " as " : "",
		    image->login.account ? image->login.account : "");
	}
	struct pulling pulling = {.watch = watch, .pulls = pulls, .count = count};
	if (count && engine_pull_all(engine, pulls, count, watch->deadline_ns, watch->cancel_fd,
			 on_pull, &pulling, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		explain(pulled[i], &pulls[i].err);
		if (pulled[i]->fault == IMAGE_FINE && look(engine, pulled[i], err) < 0)
			return -1;
		pulled[i]->is_absent = true;
	}
	return 0;
}

int image_preflight(struct engine *engine, struct image_list *images,
    const struct image_watch *watch, struct err *err)
{
	struct engine_pull *pulls = xcalloc(images->count + 1, sizeof(*pulls));
	struct image **pulled = xcalloc(images->count + 1, sizeof(struct image *));
	char **names = xcalloc(images->count + 1, sizeof(char *));
	int result = 0;

	for (size_t i = 0; result == 0 && i < images->count; i++)
		result = look(engine, &images->items[i], err);
	if (result == 0)
		result =
		    pull_absent(engine, images, watch, &(struct absent){pulls, pulled, names}, err);
	for (size_t i = 0; i < images->count; i++)
		free(names[i]);
	free(pulls);
	free(pulled);
	free(names);
	return result;
}
