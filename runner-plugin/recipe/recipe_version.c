/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/recipe_version.h"

#include <ctype.h>

#define VERSION_PARTS 3
#define VERSION_DIGITS_MAX 9 /* fits int64_t with room; dates as versions have 8 */

/* "1.2.3" or "v1.2.3" up to a "+" or the end. NULL: it is none; else what follows. */
static const char *read_left(const char *text, int64_t parts[VERSION_PARTS])
{
	const char *at = text[0] == 'v' ? text + 1 : text;

	for (int i = 0; i < VERSION_PARTS; i++) {
		int digits = 0;

		parts[i] = 0;
		while (isdigit((unsigned char)*at) && digits < VERSION_DIGITS_MAX) {
			parts[i] = parts[i] * 10 + (*at - '0');
			at++;
			digits++;
		}
		if (!digits)
			return NULL;
		if (i < VERSION_PARTS - 1 && *at++ != '.')
			return NULL;
	}
	return *at == '\0' || *at == '+' ? at : NULL;
}

bool recipe_version_is_valid(const char *text)
{
	int64_t parts[VERSION_PARTS];
	const char *rest = read_left(text, parts);

	if (!rest)
		return false;
	if (!*rest)
		return true;
	if (!rest[1])
		return false;
	for (const char *c = rest + 1; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr(".+~_-", *c))
			return false;
	}
	return true;
}

/* Behind the plus sign and a "v" that stands before a digit. */
static const char *app_part(const char *rest)
{
	const char *at = *rest == '+' ? rest + 1 : rest;

	return at[0] == 'v' && isdigit((unsigned char)at[1]) ? at + 1 : at;
}

/* Digits compare as numbers, everything else byte by byte: 1.9 < 1.10, 6-alpine < 16-alpine. */
static int compare_right(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			a += strspn(a, "0");
			b += strspn(b, "0");
			size_t a_digits = strspn(a, "0123456789");
			size_t b_digits = strspn(b, "0123456789");

			if (a_digits != b_digits)
				return a_digits < b_digits ? -1 : 1;
			int order = strncmp(a, b, a_digits);
			if (order)
				return order;
			a += a_digits;
			b += b_digits;
		} else if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		} else {
			a++;
			b++;
		}
	}
	return (*a != '\0') - (*b != '\0');
}

int recipe_version_compare(const char *a, const char *b)
{
	int64_t a_parts[VERSION_PARTS];
	int64_t b_parts[VERSION_PARTS];
	const char *a_rest = read_left(a, a_parts);
	const char *b_rest = read_left(b, b_parts);

	assert(a_rest && b_rest);
	for (int i = 0; i < VERSION_PARTS; i++) {
		if (a_parts[i] != b_parts[i])
			return a_parts[i] < b_parts[i] ? -1 : 1;
	}
	return compare_right(app_part(a_rest), app_part(b_rest));
}
