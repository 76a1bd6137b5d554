/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A terminal's one live line: the stage under way, for how long, and what it does or waits for. For
 * `ccci-run run`.
 *
 *   live_open(&live, environ);         only where stderr is a terminal that can erase; else nothing
 *                                      happens below, and a pipe gets plain lines
 *   live_begin(&live, "install");
 *   ... the worker writes its lines to live.write_fd instead of stderr ...
 *   live_read(&live); live_draw(&live);        when live.read_fd is readable, and every second
 *   live_clear(&live);                 before anything else is printed
 *   live_end(&live);
 *
 * Lines of what is done for now (LIVE_FOR_NOW) are drawn over each other; all others stay.
 */
#ifndef CCCI_LIVE_H
#define CCCI_LIVE_H

#include "common/buf.h"

#define LIVE_LINE_MAX 1024 /* the longest line of progress; more is cut */
#define LIVE_WORD_MAX 16   /* the longest name of a stage */
/* How a line ends that says what is done for now: "install: waits for service app ...". */
#define LIVE_FOR_NOW " ..."

struct live {
	int read_fd, write_fd; /* -1: off */
	char partial[LIVE_LINE_MAX];
	size_t length;
	char word[LIVE_WORD_MAX];  /* the stage; "" none: nothing is drawn */
	char doing[LIVE_LINE_MAX]; /* "" nothing said yet */
	int64_t since_ns;	   /* of the stage */
};

#define LIVE_OFF                                                                                   \
	{                                                                                          \
		.read_fd = -1, .write_fd = -1                                                      \
	}

void live_open(struct live *live, const char *const *environ);
void live_release(struct live *live);
void live_begin(struct live *live, const char *word);
void live_end(struct live *live);
void live_read(struct live *live);
void live_draw(const struct live *live);
void live_clear(const struct live *live);

/* Characters that fit into a line of it; 0: it is no terminal, or does not say. */
size_t live_columns(int fd);

/*
 * Pure. Whether the line says what is done for now; then out is that, without the stage's name
 * before and the time behind: "waits for service app".
 */
bool live_is_for_now(const char *line, char out[LIVE_LINE_MAX]);
/* Pure. What is drawn, at most columns characters of it, none of which moves the cursor. */
void live_format(const struct live *live, int64_t elapsed_ms, size_t columns, struct buf *out);

#endif
