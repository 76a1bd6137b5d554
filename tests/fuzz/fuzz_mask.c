/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No registered secret survives, and a text given in pieces comes out as it does in one. The first
 * byte says how long the pieces are. */
#include "common/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const secrets[] = {"abcabcd", "abcabcdabcabce", "bcdabc", "aaaaaa"};

static void mask_in_pieces(struct buf *out, const char *text, size_t length, size_t piece)
{
	AUTO(buf) held = buf_make(length);

	for (size_t at = 0; at < length; at += piece) {
		(void)buf_add(&held, text + at, length - at < piece ? length - at : piece);
		buf_drop_front(&held, log_mask_part(out, buf_text(&held), held.length));
		assert(held.length < log_mask_longest());
	}
	(void)log_mask_text(out, buf_text(&held), held.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	AUTO(buf) whole = buf_make(size);
	AUTO(buf) pieces = buf_make(size);
	const char *text = (const char *)data + 1;

	for (size_t i = 0; i < COUNT_OF(secrets); i++)
		log_mask(secrets[i]);
	assert(log_mask_text(&whole, text, size - 1) == 0);
	mask_in_pieces(&pieces, text, size - 1, 1 + data[0] % 32u);
	assert(whole.length == pieces.length);
	assert(!whole.length || memcmp(whole.data, pieces.data, whole.length) == 0);
	for (size_t i = 0; whole.length && i < COUNT_OF(secrets); i++)
		assert(!memmem(whole.data, whole.length, secrets[i], strlen(secrets[i])));
	return 0;
}
