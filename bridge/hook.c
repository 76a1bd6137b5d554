/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hook.h"

#include "bridge/peers/peer.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <strings.h>

#define DIGEST_BYTES 32

/* --- keys --- */

/* struct hook_mac is never completed: it is OpenSSL's object under a name of ours. */
static EVP_MAC_CTX *context_of(struct hook_mac *mac)
{
	return (EVP_MAC_CTX *)mac;
}

static struct hook_mac *new_mac(const char *key, size_t length)
{
	char digest[] = OSSL_DIGEST_NAME_SHA2_256;
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	EVP_MAC_free(hmac);
	if (!context || !EVP_MAC_init(context, (const unsigned char *)key, length, params))
		abort(); /* memory is out */
	return (struct hook_mac *)context;
}

void hook_keys_release(struct hook_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		EVP_MAC_CTX_free(context_of(keys->macs[i]));
		free(keys->keys[i]);
	}
	*keys = (struct hook_keys){0};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *check_key(const char *key, size_t length)
{
	if (length == 0)
		return "has an empty key; write keys with one comma between them";
	if (is_blank(key[0]) || is_blank(key[length - 1]))
		return "has a key that begins or ends with a blank";
	if (length < HOOK_KEY_MIN_BYTES)
		return "has a key of less than 16 bytes";
	if (length > HOOK_KEY_MAX_BYTES)
		return "has a key of more than 512 bytes";
	return NULL;
}

const char *hook_check_keys(const char *list)
{
	size_t count = 0;

	if (!list || !*list)
		return NULL;
	for (const char *at = list; at; at = *at ? at + 1 : NULL) {
		size_t length = strcspn(at, ",");
		const char *fault = check_key(at, length);

		if (fault)
			return fault;
		if (++count > HOOK_KEYS_MAX)
			return "has more than 8 keys";
		at += length;
	}
	return NULL;
}

int hook_keys_read(const char *list, struct hook_keys *out, struct err *err)
{
	const char *fault = hook_check_keys(list);
	struct hook_keys keys = {0};

	if (fault)
		return err_set(err, ERR_CONFIG, "the list of webhook keys %s", fault);
	for (const char *at = list && *list ? list : NULL; at; at = *at ? at + 1 : NULL) {
		size_t length = strcspn(at, ",");

		keys.keys[keys.count] = xstrndup(at, length);
		keys.macs[keys.count++] = new_mac(at, length);
		at += length;
	}
	*out = keys;
	return 0;
}

/* --- signatures --- */

static void digest(
    struct hook_mac *mac, const void *body, size_t length, unsigned char out[DIGEST_BYTES])
{
	EVP_MAC_CTX *context = context_of(mac);
	size_t size = 0;

	/* Without a key: the one that it was made with. */
	if (!EVP_MAC_init(context, NULL, 0, NULL) || !EVP_MAC_update(context, body, length) ||
	    !EVP_MAC_final(context, out, &size, DIGEST_BYTES) || size != DIGEST_BYTES)
		abort(); /* memory is out */
}

void hook_sign(const char *key, const void *body, size_t length, char out[HOOK_SIGNATURE_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	struct hook_mac *mac = new_mac(key, strlen(key));
	unsigned char bytes[DIGEST_BYTES];

	digest(mac, body, length, bytes);
	EVP_MAC_CTX_free(context_of(mac));
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[HOOK_SIGNATURE_SIZE - 1] = '\0';
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool read_digest(const char *text, unsigned char out[DIGEST_BYTES])
{
	if (strlen(text) != (size_t)2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = digit_of(text[2 * i]);
		int low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* Gitea sends both with the same digits; the other name is for what stands in front of it. */
static bool read_signature(const struct hook_headers *headers, unsigned char out[DIGEST_BYTES])
{
	if (headers->signature)
		return read_digest(headers->signature, out);
	return headers->hub_signature && text_starts(headers->hub_signature, "sha256=") &&
	       read_digest(headers->hub_signature + strlen("sha256="), out);
}

/* Every key is tried, right or not. */
static bool is_signed_by_us(const struct hook_keys *keys,
    const unsigned char signature[DIGEST_BYTES], const void *body, size_t length)
{
	bool is_ours = false;

	for (size_t i = 0; i < keys->count; i++) {
		unsigned char bytes[DIGEST_BYTES];

		digest(keys->macs[i], body, length, bytes);
		if (CRYPTO_memcmp(bytes, signature, DIGEST_BYTES) == 0)
			is_ours = true;
	}
	return is_ours;
}

/* --- deliveries --- */

static const struct {
	int status;
	const char *sentence;
} answers[] = {
    [HOOK_LOOK] = {202, "I will look."},
    [HOOK_NOT_OURS] = {202, "Nothing to look at: only new comments on pull requests are."},
    [HOOK_UNSIGNED] = {401, "There is no signature in X-Gitea-Signature."},
    [HOOK_FORGED] = {403, "The signature is not one of ours."},
    [HOOK_NOT_JSON] = {415, "Only application/json is read; choose it in the webhook."},
    [HOOK_MALFORMED] = {400, "The body is not the delivery of a comment."},
    [HOOK_TOO_LARGE] = {413, "The body is larger than 1 MiB."},
    [HOOK_CLOSED] = {404, "There is no webhook here: no key is set."},
};

int hook_status(enum hook_answer answer)
{
	assert((size_t)answer < COUNT_OF(answers));
	return answers[answer].status;
}

const char *hook_sentence(enum hook_answer answer)
{
	assert((size_t)answer < COUNT_OF(answers));
	return answers[answer].sentence;
}

static bool is_json_type(const char *type)
{
	static const char json[] = "application/json";
	size_t length = sizeof(json) - 1;

	return type && strncasecmp(type, json, length) == 0 &&
	       (!type[length] || type[length] == ';' || is_blank(type[length]));
}

enum hook_answer hook_check_headers(
    const struct hook_keys *keys, const struct hook_headers *headers)
{
	unsigned char signature[DIGEST_BYTES];

	if (!keys->count)
		return HOOK_CLOSED;
	if (!read_signature(headers, signature))
		return HOOK_UNSIGNED;
	if (!is_json_type(headers->content_type))
		return HOOK_NOT_JSON;
	return HOOK_LOOK;
}

/* The type tells comments on pull requests from those on issues; servers before it say the event.
 */
static bool is_our_event(const struct hook_headers *headers)
{
	if (headers->event_type)
		return text_is(headers->event_type, "pull_request_comment");
	return headers->event && text_is(headers->event, "issue_comment");
}

static bool get_number(const struct json *object, const char *key, int64_t most, int64_t *out)
{
	int64_t value = 0;

	if (!json_get_int(object, key, &value) || value < 1 || value > most)
		return false;
	*out = value;
	return true;
}

static enum hook_answer read_delivery(const struct json *root, struct hook_look *out)
{
	const char *action = json_get_text(root, "action");
	const char *repo = json_get_text(json_get(root, "repository"), "full_name");
	struct hook_look look = {0};
	bool is_pull = false;

	if (!action || !json_get_bool(root, "is_pull", &is_pull) || !repo || !gitea_is_repo(repo) ||
	    !copy_text(look.repo, sizeof(look.repo), repo) ||
	    !get_number(json_get(root, "issue"), "number", GITEA_PULL_MAX, &look.pr) ||
	    !get_number(json_get(root, "comment"), "id", INT64_MAX, &look.comment))
		return HOOK_MALFORMED;
	if (!is_pull || !text_is(action, "created"))
		return HOOK_NOT_OURS;
	*out = look;
	return HOOK_LOOK;
}

enum hook_answer hook_read(const struct hook_keys *keys, const struct hook_headers *headers,
    const void *body, size_t length, struct hook_look *out)
{
	enum hook_answer answer = hook_check_headers(keys, headers);
	unsigned char signature[DIGEST_BYTES];
	struct err ignored;

	if (answer != HOOK_LOOK)
		return answer;
	if (length > HOOK_BODY_MAX_BYTES)
		return HOOK_TOO_LARGE;
	if (!read_signature(headers, signature) || !is_signed_by_us(keys, signature, body, length))
		return HOOK_FORGED;
	if (!is_our_event(headers))
		return HOOK_NOT_OURS;
	AUTO_PTR(json) root = peer_parse(body, length, &ignored);
	return root ? read_delivery(root, out) : HOOK_MALFORMED;
}
