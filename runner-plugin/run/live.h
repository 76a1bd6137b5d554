/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A terminal's one live line: what a stage waits for, and since when. For `ccci-run run`.
 *
 *   live_open(&live);                  only where stderr is a terminal; else nothing happens below
 *   ... the worker writes its lines to live.write_fd instead of stderr ...
 *   live_read(&live); live_draw(&live);        when live.read_fd is readable, and every second
 *   live_clear(&live);                 before anything else is printed
 *
 * Lines that say what is waited for are drawn over each other; all others are printed to stay.
 */
#ifndef CCCI_LIVE_H
#define CCCI_LIVE_H

#include "common/base.h"

#define LIVE_LINE_MAX 1024 /* the longest line of progress; more is cut */

struct live {
	int read_fd, write_fd; /* -1: off */
	char partial[LIVE_LINE_MAX];
	size_t length;
	char waits[LIVE_LINE_MAX]; /* the line drawn; "" none */
	int64_t since_ns;	   /* of the last line that stayed */
};

#define LIVE_OFF                                                                                   \
	{                                                                                          \
		.read_fd = -1, .write_fd = -1                                                      \
	}

void live_open(struct live *live);
void live_release(struct live *live);
void live_read(struct live *live);
void live_draw(const struct live *live);
void live_clear(const struct live *live);

#endif
