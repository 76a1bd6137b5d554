/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines to stderr: one event, one line, one write. A line is not an interface.
 *
 *   log_init(LOG_LEVEL_INFO);
 *   log_mask(settings.gitea_token);
 *   log_scope("job=%lld", id);              prefix of every following line
 *   log_warning("drone answers again after %d tries", tries);
 *
 * Where stderr is systemd's journal each line begins with its priority ("<4>"), which the journal
 * takes off; else people read it.
 *
 * Control characters are escaped. Masked secrets appear as "***" here and wherever log_mask_text()
 * was applied (echoed argv, captured output of children). No value logs: test_layers sees to it.
 */
#ifndef CCCI_LOG_H
#define CCCI_LOG_H

#include "common/buf.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_SECRET_MIN_BYTES 6 /* shorter ones would mask ordinary words */

void log_init(enum log_level level);
void log_set_fd(int fd); /* borrowed; -1: stderr again */
void log_scope(const char *format, ...) PRINTF_LIKE(1, 2);
void log_scope_end(void);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

void log_mask(const char *secret); /* copied; NULL and short ones are ignored */
/* Registers each line of text as a secret too: keys and generated passwords of several lines. */
void log_mask_lines(const char *text);
/* Appends text with every registered secret replaced by "***". Same errors as buf_add(). */
int log_mask_text(struct buf *out, const char *text, size_t length);
/*
 * The same for a stream: stops before an end in which a secret may have begun. Returns how many
 * bytes are dealt with; the caller puts the rest, shorter than log_mask_longest(), before the next
 * piece and gives the last of it to log_mask_text().
 */
size_t log_mask_part(struct buf *out, const char *text, size_t length);
/* The longest registered secret, so that a stream can keep that many bytes back between chunks. */
size_t log_mask_longest(void);
/*
 * All of them into an anonymous file (memfd_create(2)) and from there again, so that a process
 * knows what an earlier one of the same run has learnt and nothing of it is ever on a disk. -1:
 * none. What cannot be written or read is left out.
 */
void log_mask_save(int memory_fd);
void log_mask_load(int memory_fd);
void log_mask_reset(void); /* forgets all; for tests */

/* One line per interval from a place that may repeat; the number of dropped ones is in the next
 * line. */
struct log_limit {
	int64_t interval_ms;
	int64_t next_ns;
	unsigned dropped;
};
/* True: log now, and *out_dropped were left out since the last. */
bool log_limit_pass(struct log_limit *limit, unsigned *out_dropped);

#endif
