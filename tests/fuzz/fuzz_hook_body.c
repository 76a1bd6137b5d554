/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A signed body names something that can be looked at or nothing; one bit off, it is forged. */
#include "bridge/hook.h"

#define KEY "a key of the fuzzer's own"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *body = xcalloc(size + 1, 1);
	char key[] = KEY;
	struct hook_keys keys = {.keys = {key}, .count = 1};
	char signature[HOOK_SIGNATURE_SIZE];
	struct hook_headers headers = {.content_type = "application/json",
	    .event_type = "pull_request_comment",
	    .signature = signature};
	struct hook_look look = {0};
	const char *why = NULL;

	memcpy(body, data, size);
	hook_sign(KEY, body, size, signature);
	enum hook_answer answer = hook_read(&keys, &headers, body, size, &look, &why);
	assert(why && hook_status(answer) >= 200);
	assert((answer == HOOK_LOOK) == (look.comment != 0));
	if (answer == HOOK_LOOK)
		assert(gitea_is_repo(look.repo) && look.pr > 0 && look.comment > 0);
	if (size && size <= HOOK_BODY_MAX_BYTES) {
		body[size / 2] ^= 1;
		assert(hook_read(&keys, &headers, body, size, &look, &why) == HOOK_FORGED);
	}
	return 0;
}
