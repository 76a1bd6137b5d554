/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/err.h"

#undef err_set
#undef err_sys
#undef err_prefix

PRINTF_LIKE(3, 0)
static void format_into(char *out, size_t out_size, const char *format, va_list args)
{
	if (vsnprintf(out, out_size, format, args) < 0)
		out[0] = '\0';
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	err->code = code;
	err->sys = 0;
	va_start(args, format);
	format_into(err->msg, sizeof(err->msg), format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *err, int errnum, const char *format, ...)
{
	char what[sizeof(err->msg)];
	va_list args;

	va_start(args, format);
	format_into(what, sizeof(what), format, args);
	va_end(args);
	err->code = ERR_SYS;
	err->sys = errnum;
	(void)snprintf(err->msg, sizeof(err->msg), "%s: %s", what, strerror(errnum));
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char outer[sizeof(err->msg)];
	char inner[sizeof(err->msg)];
	va_list args;

	va_start(args, format);
	format_into(outer, sizeof(outer), format, args);
	va_end(args);
	memcpy(inner, err->msg, sizeof(inner));
	(void)snprintf(err->msg, sizeof(err->msg), "%s: %s", outer, inner);
	return -1;
}
