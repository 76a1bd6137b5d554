/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers as programs in Go read and write them. abra and docker are such programs: what they make
 * of "010", "1_000" or 1e6 in a recipe is what we have to make of it.
 *
 *   golang_int("0x1f", &number)      31; true
 *   golang_float("1_0.5e2", &real)   1050; true
 *   text = golang_print(1e6)         "1e+06"; the caller frees it
 *
 * Source: Go's strconv.ParseInt and ParseUint with base 0, strconv.ParseFloat, fmt's %v.
 */
#ifndef CCCI_GOLANG_H
#define CCCI_GOLANG_H

#include "common/base.h"

/* Decimal, 0x, 0o, 0b, 0 for octal, a sign; no "_". *out: decimal digits; the caller frees it. */
bool golang_int(const char *text, char **out) CHECKED;
/* Decimal, with point and exponent; "_" only between digits. Not "inf", "nan" or hexadecimal. */
bool golang_float(const char *text, double *out) CHECKED;
char *golang_print(double number) CHECKED;

#endif
