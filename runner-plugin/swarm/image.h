/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes sure, before anything is deployed, that every image of a run is on this host: present, or
 * pulled now. So a typo is found in seconds and with its own message, and the pull does not eat the
 * deploy's time.
 *
 *   image_list_add(&images, service->image, service->name);
 *   image_preflight(engine, &images, &watch, err);    then look at each images.items[i].fault
 *
 * Classifying what a registry said is pure: image_classify().
 */
#ifndef CCCI_IMAGE_H
#define CCCI_IMAGE_H

#include "runner-plugin/swarm/engine.h"
#include "runner-plugin/swarm/login.h"

enum image_fault {
	IMAGE_FINE,
	IMAGE_BAD_NAME,	      /* no reference at all */
	IMAGE_NO_REPOSITORY,  /* no such repository, or a private one: registries do not tell which
			       */
	IMAGE_NO_TAG,	      /* the repository has no such tag */
	IMAGE_WRONG_PLATFORM, /* not made for this machine */
	IMAGE_LOGIN_REFUSED,  /* the operator's, or there is none because of a helper */
	IMAGE_RATE_LIMITED,
	IMAGE_NETWORK,
	IMAGE_DISK_FULL,
	IMAGE_TIMED_OUT,
	IMAGE_OTHER, /* anything else the engine or a registry said: ours */
};
bool image_is_recipes_fault(enum image_fault fault);

struct image {
	char *name;    /* as in the compose file, after rendering; owned */
	char *service; /* the first that uses it; owned */
	char
	    *digest; /* "sha256:..." of the repository, else of the image; owned; NULL: not known */
	bool is_absent; /* was not on this host */
	bool has_healthcheck;
	struct login login; /* what it was pulled with */
	enum image_fault fault;
	char reason[320]; /* for people; "" when fine */
};
struct image_list {
	struct image *items;
	size_t count;
};
void image_list_release(struct image_list *list);
DEFINE_AUTO(image_list, image_list_release);
const struct image *image_list_find(const struct image_list *list, const char *name); /* or NULL */
/* Each name once. */
void image_list_add(struct image_list *list, const char *name, const char *service);

/* The name with ":latest" where it has neither tag nor digest, as the engine asks for it. */
char *image_full_name(const char *name) CHECKED;

/* What an error of a pull with that login says. */
enum image_fault image_classify(const struct err *err, const struct login *login);

struct image_watch {
	const struct logins *logins; /* NULL: all are pulled as anonymous */
	int64_t deadline_ns;
	int cancel_fd;				      /* -1: none */
	void (*say)(void *context, const char *line); /* progress */
	void *context;
};
/* Errors: the engine does not answer. What is wrong with an image is in it. */
int image_preflight(struct engine *engine, struct image_list *images,
    const struct image_watch *watch, struct err *err) CHECKED;

/* What the engine says of it, by name or id; ERR_MISSING: it is not on this host. */
struct json *image_inspect(struct engine *engine, const char *name, struct err *err) CHECKED;

/* Whether the image itself brings a healthcheck; false too when it is not there. A digest counts
 * before the tag beside it, as that may have moved. */
int image_has_healthcheck(
    struct engine *engine, const char *name, bool *out, struct err *err) CHECKED;

#endif
