/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When to try again what failed before: ever more rarely, remembered in a small file, so that it
 * holds over processes and reboots.
 *
 *   if (!backoff_is_due(path, now_s, &next_s)) ... next_s is when
 *   backoff_begin(path, now_s, err);           before the try: one that dies in it has failed
 *   backoff_end(path);                         when it did not
 *
 * The first failure may have been an engine that was down: the next try is free. Then a quarter of
 * an hour, and twice as long each time, up to a day. All instants are wall-clock seconds. A file
 * that cannot be read, or that a clock which was set since has made senseless, lets try.
 */
#ifndef CCCI_BACKOFF_H
#define CCCI_BACKOFF_H

#include "common/err.h"

#define BACKOFF_FIRST_S (15 * 60)
#define BACKOFF_MAX_S (24 * 60 * 60)

/* Pure: how long to wait after so many failures in a row. */
int64_t backoff_wait_s(int64_t failures);

/* out_next_s is untouched when it is due. */
bool backoff_is_due(const char *path, int64_t now_s, int64_t *out_next_s);
int backoff_begin(const char *path, int64_t now_s, struct err *err) CHECKED;
void backoff_end(const char *path);

#endif
