/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/err.h"

#undef err_set
#undef err_sys
#undef err_prefix

/* A byte more than is kept: enough to see whether the last character fits. */
#define WHOLE_SIZE (sizeof(((struct err *)0)->msg) + 1)

PRINTF_LIKE(3, 0)
static void format_into(char *out, size_t out_size, const char *format, va_list args)
{
	if (vsnprintf(out, out_size, format, args) < 0)
		out[0] = '\0';
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	char whole[WHOLE_SIZE];
	va_list args;

	err->code = code;
	err->sys = 0;
	va_start(args, format);
	format_into(whole, sizeof(whole), format, args);
	va_end(args);
	copy_head(err->msg, sizeof(err->msg), whole);
	return -1;
}

int err_sys(struct err *err, int errnum, const char *format, ...)
{
	char what[WHOLE_SIZE];
	char whole[WHOLE_SIZE];
	va_list args;

	va_start(args, format);
	format_into(what, sizeof(what), format, args);
	va_end(args);
	err->code = ERR_SYS;
	err->sys = errnum;
	(void)snprintf(whole, sizeof(whole), "%s: %s", what, strerror(errnum));
	copy_head(err->msg, sizeof(err->msg), whole);
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char outer[WHOLE_SIZE];
	char whole[WHOLE_SIZE];
	va_list args;

	va_start(args, format);
	format_into(outer, sizeof(outer), format, args);
	va_end(args);
	(void)snprintf(whole, sizeof(whole), "%s: %s", outer, err->msg);
	copy_head(err->msg, sizeof(err->msg), whole);
	return -1;
}
