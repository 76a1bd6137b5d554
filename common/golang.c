/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/golang.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#define DOUBLE_DIGITS 17       /* that tell any double from its neighbours */
#define PLAIN_EXPONENTS_FROM 6 /* from here on Go prints "1e+06" */

static bool digits_of(const char *text, int *base, const char **digits)
{
	static const char letters[] = "0123456789abcdefABCDEF";
	int marked = text[0] == '0' ? tolower((unsigned char)text[1]) : 0;

	*base = marked == 'x' ? 16 : marked == 'o' ? 8 : marked == 'b' ? 2 : 10;
	*digits = *base == 10 ? text : text + 2;
	if (*base == 10 && text[0] == '0' && text[1]) {
		*base = 8;
		*digits = text + 1;
	}
	auto_str char *allowed = xstrndup(letters, *base == 16 ? sizeof(letters) : (size_t)*base);
	return **digits && strspn(*digits, allowed) == strlen(*digits);
}

bool golang_int(const char *text, char **out)
{
	bool is_negative = *text == '-';
	const char *digits = NULL;
	int base = 10;

	if (!digits_of(text + (*text == '-' || *text == '+'), &base, &digits))
		return false;
	errno = 0;
	uint64_t value = strtoull(digits, NULL, base);
	/* Without a minus as much as a uint64 holds, with any sign what an int64 does. */
	if (errno == ERANGE || (is_negative && value > (uint64_t)INT64_MAX + 1) ||
	    (*text == '+' && value > INT64_MAX))
		return false;
	*out = xasprintf("%s%" PRIu64, is_negative && value ? "-" : "", value);
	return true;
}

bool golang_float(const char *text, double *out)
{
	auto_str char *plain = xstrdup(text);
	char *to = plain;
	char *end = NULL;

	for (const char *from = text; *from; from++) {
		bool is_between = from != text && isdigit((unsigned char)from[-1]) &&
				  isdigit((unsigned char)from[1]);

		if (*from != '_')
			*to++ = *from;
		else if (!is_between)
			return false;
	}
	*to = '\0';
	if (!*plain || strspn(plain, "0123456789.eE+-") != strlen(plain))
		return false;
	double number = strtod(plain, &end);
	if (end == plain || *end || isinf(number))
		return false;
	*out = number;
	return true;
}

static bool is_same(double a, double b)
{
	return a >= b && a <= b;
}

char *golang_print(double number)
{
	char text[64];
	int digits = 0;

	/* The fewest that read back as the same number. */
	do {
		(void)format_text(text, sizeof(text), "%.*e", digits, number);
	} while (++digits < DOUBLE_DIGITS && !is_same(strtod(text, NULL), number));
	int64_t exponent = strtoll(strchr(text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= PLAIN_EXPONENTS_FROM)
		return xstrdup(text);
	return xasprintf("%.*f", digits - 1 > exponent ? digits - 1 - (int)exponent : 0, number);
}
