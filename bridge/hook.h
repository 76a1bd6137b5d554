/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a webhook delivery to "look at that comment". Pure but for OpenSSL, which only hook.c
 * includes.
 *
 *   enum hook_answer answer = hook_read(&keys, &headers, body, length, &look);
 *
 * The HMAC over the raw bytes comes first; nothing of an unsigned body is parsed. What comes out is
 * only a reason to look: the comment itself is fetched from the forge, so a delivery that is
 * forged, replayed or twice changes nothing.
 */
#ifndef CCCI_HOOK_H
#define CCCI_HOOK_H

#include "bridge/peers/gitea.h"

#define HOOK_KEYS_MAX 8
#define HOOK_KEY_MIN_BYTES 16
#define HOOK_KEY_MAX_BYTES 512
/* Gitea's payloads have 15-20 kB and the comment twice. */
#define HOOK_BODY_MAX_BYTES (1024 * 1024)

/* Newest first; zero keys: the hook is closed. What follows from a key alone is worked out once. */
struct hook_mac;
struct hook_keys {
	char *keys[HOOK_KEYS_MAX];	      /* owned */
	struct hook_mac *macs[HOOK_KEYS_MAX]; /* owned; of the same keys */
	size_t count;
};
void hook_keys_release(struct hook_keys *keys);
DEFINE_AUTO(hook_keys, hook_keys_release);

/* Comma separated, as WEBHOOK_SECRET has them; NULL or "": none. ERR_CONFIG, never quoting one. */
int hook_keys_read(const char *list, struct hook_keys *out, struct err *err) CHECKED;
/* For the settings: NULL when right, else what is wrong. */
const char *hook_check_keys(const char *list);

/* Values as they came; NULL: absent. */
struct hook_headers {
	const char *content_type;
	const char *event;	   /* X-Gitea-Event */
	const char *event_type;	   /* X-Gitea-Event-Type */
	const char *signature;	   /* X-Gitea-Signature: 64 hex digits */
	const char *hub_signature; /* X-Hub-Signature-256: "sha256=" and the same */
};

enum hook_answer {
	HOOK_LOOK,	/* 202: *out is filled */
	HOOK_NOT_OURS,	/* 202: signed, but another event or action, or an issue's comment */
	HOOK_UNSIGNED,	/* 401: no signature, or none of that form */
	HOOK_FORGED,	/* 403: no key of ours made it */
	HOOK_NOT_JSON,	/* 415: signed over something else than the body (form), or not JSON */
	HOOK_MALFORMED, /* 400: signed, but it makes no sense */
	HOOK_TOO_LARGE, /* 413 */
	HOOK_CLOSED,	/* 404: no key is set */
};
int hook_status(enum hook_answer answer); /* the HTTP status */
const char *hook_sentence(
    enum hook_answer answer); /* static, without anything of a request in it */

struct hook_look {
	char repo[GITEA_REPO_SIZE];
	int64_t pr;
	int64_t comment;
};

/* Any bytes. The time taken does not depend on how much of a signature is right. */
enum hook_answer hook_read(const struct hook_keys *keys, const struct hook_headers *headers,
    const void *body, size_t length, struct hook_look *out);
/* What can be said before the body is read: HOOK_LOOK when it is worth reading. */
enum hook_answer hook_check_headers(
    const struct hook_keys *keys, const struct hook_headers *headers);
/* 64 lower-case hex digits of the HMAC-SHA256, for tests and stand-ins. */
#define HOOK_SIGNATURE_SIZE 65
void hook_sign(const char *key, const void *body, size_t length, char out[HOOK_SIGNATURE_SIZE]);

#endif
