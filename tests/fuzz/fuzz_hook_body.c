/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A signed body names something that can be looked at or nothing; one bit off, it is forged. */
#include "bridge/hook.h"

#define KEY "a key of the fuzzer's own"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *body = xcalloc(size + 1, 1);
	AUTO(hook_keys) keys = {0};
	struct err err;
	char signature[HOOK_SIGNATURE_SIZE];
	struct hook_headers headers = {.content_type = "application/json",
	    .event_type = "pull_request_comment",
	    .signature = signature};
	struct hook_look look = {0};

	if (hook_keys_read(KEY, &keys, &err) < 0)
		abort();
	memcpy(body, data, size);
	hook_sign(KEY, body, size, signature);
	enum hook_answer answer = hook_read(&keys, &headers, body, size, &look);
	assert(hook_status(answer) >= 200);
	assert((answer == HOOK_LOOK) == (look.comment != 0));
	if (answer == HOOK_LOOK)
		assert(gitea_is_repo(look.repo) && look.pr > 0 && look.comment > 0);
	if (size && size <= HOOK_BODY_MAX_BYTES) {
		body[size / 2] ^= 1;
		assert(hook_read(&keys, &headers, body, size, &look) == HOOK_FORGED);
	}
	return 0;
}
