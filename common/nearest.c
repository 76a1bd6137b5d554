/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/nearest.h"

#include <ctype.h>

#define NEAREST_MAX_BYTES 64 /* no word of ours is half as long */

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

static int fold(char letter)
{
	return letter == '-' ? '_' : tolower((unsigned char)letter);
}

/* Insertions, deletions and replacements (Levenshtein); case and "-" for "_" are free. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX_BYTES + 1];
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t cost = diagonal + (fold(a[i]) == fold(b[j]) ? 0 : 1);

			diagonal = row[j + 1];
			row[j + 1] = least_of(row[j] + 1, row[j + 1] + 1, cost);
		}
	}
	return row[width];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strlen(word);
	size_t best = (length + 1) / 3 + 1; /* a third of it wrong is still a slip */
	const char *nearest = NULL;

	if (length > NEAREST_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strlen(candidates[i]) > NEAREST_MAX_BYTES)
			continue;
		size_t apart = distance(word, candidates[i]);
		if (apart < best) {
			best = apart;
			nearest = candidates[i];
		}
	}
	return nearest;
}
