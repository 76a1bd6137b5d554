/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name that a TLS client asks for in its first message. Pure, over hostile bytes.
 *
 *   switch (hello_read(bytes, length, name))
 *   case HELLO_PARTIAL: ... read more
 *   case HELLO_NAMED:   ... hello_is_of(name, "app.ci.example.org")
 *
 * Strict, so that no server reads another name out of the same bytes: the message is whole in one
 * record, every length within it fits exactly, and it has one server_name with one host name.
 *
 * Source: RFC 8446, 4.1.2 and 5.1; RFC 6066, 3.
 */
#ifndef CCCI_HELLO_H
#define CCCI_HELLO_H

#include "common/base.h"

#define HELLO_MAX_BYTES (5 + 16384) /* one record with its head */
#define HELLO_NAME_SIZE 254

enum hello {
	HELLO_PARTIAL, /* what is there may become one */
	HELLO_NAMED,
	HELLO_REFUSED, /* no TLS, no name, or not as above */
};
/* out_name is filled, in lower case, with HELLO_NAMED alone. */
enum hello hello_read(const void *bytes, size_t length, char out_name[HELLO_NAME_SIZE]);

/* The domain itself, or a name below it. */
bool hello_is_of(const char *name, const char *domain);

#endif
