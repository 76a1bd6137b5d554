/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a picture says of itself in its first bytes: which kind it is, and how large. Pure, over
 * hostile bytes: they come from a program that showed a hostile page.
 *
 *   struct picture_head head;
 *   if (picture_head_read(bytes, length, &head)) ... head.kind->type, head.width
 *
 * Nothing is decoded. True says that a reader of that kind will take it for a picture of this size,
 * not that it is a good one.
 *
 * Source: W3C PNG (third edition), 5.2 and 11.2.1; ITU-T T.81, annex B.
 */
#ifndef CCCI_PICTURE_HEAD_H
#define CCCI_PICTURE_HEAD_H

#include "common/results.h"

struct picture_kind {
	const char *type;   /* "image/png" */
	const char *suffix; /* ".png" */
};
extern const struct picture_kind picture_kinds[];
extern const size_t picture_kind_count;

struct picture_head {
	const struct picture_kind *kind;
	int width, height; /* pixels, from 1 */
};
/* *out is filled with true alone. */
bool picture_head_read(const void *bytes, size_t length, struct picture_head *out) CHECKED;

#endif
