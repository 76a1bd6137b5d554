/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a browser left: whatever the bytes are, a head that is read from them has sides within their
 * bounds, and what follows the head changes nothing of it.
 */
#include "runner-plugin/checks/picture_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture_head head;
	struct picture_head again;

	if (!picture_head_read(data, size, &head))
		return 0;
	if (head.kind < picture_kinds || head.kind >= picture_kinds + picture_kind_count)
		abort();
	if (head.width < 1 || head.width > RESULTS_PICTURE_SIDE_MAX || head.height < 1 ||
	    head.height > RESULTS_PICTURE_SIDE_MAX)
		abort();
	uint8_t *longer = xcalloc(size + 1, 1);
	memcpy(longer, data, size);
	if (!picture_head_read(longer, size + 1, &again) || again.kind != head.kind ||
	    again.width != head.width || again.height != head.height)
		abort();
	free(longer);
	return 0;
}
