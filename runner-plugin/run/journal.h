/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The undo journal: what has to be taken back, on disk before it exists.
 *
 * One line a record: "<seq> <kind> <key=value escaped>... <crc32 hex>\n". Appended and fsynced by
 * the keeper (or by who holds the lease in its place); a worker asks for it with journal_record()
 * and goes on when the keeper has acknowledged. A torn or damaged last line never was acknowledged,
 * so it is dropped; damage before it is an error that names the line.
 *
 * Undo runs backwards and marks what is done by a record of its own, so that it can be repeated
 * after any death.
 */
#ifndef CCCI_JOURNAL_H
#define CCCI_JOURNAL_H

#include "common/buf.h"
#include "common/err.h"

#define JOURNAL_FILE "journal" /* in the run's directory */
#define JOURNAL_MAX_BYTES (1024 * 1024)
#define JOURNAL_FIELD_MAX 1024

enum journal_kind {
	/* path: a tree below the run directory to remove */
	JOURNAL_DIR,
	/* recipe, domain, stack, server, env: an app of abra; everything of its stack goes */
	JOURNAL_APP,
	/* recipe, domain, stack, path, text: what the run has in an app that runs share (tenant.h):
	 * its program path, below that need's suite, releases it; text is the app's run */
	JOURNAL_TENANT,
	/* text: progress for people and tests; nothing to undo */
	JOURNAL_MARK,
	/* seq of the record that was taken back */
	JOURNAL_UNDONE,
	/* teardown finished and audited: nothing is left */
	JOURNAL_CLOSED,
};

struct journal_entry {
	int64_t seq; /* set by journal_append() */
	enum journal_kind kind;
	char *path;				      /* DIR, TENANT */
	char *recipe, *domain, *stack, *server, *env; /* APP; the first three TENANT */
	char *text;				      /* MARK, TENANT */
	int64_t undone;				      /* UNDONE */
};

/* Pure: text to records and back. */
void journal_entry_release(struct journal_entry *entry);
DEFINE_AUTO(journal_entry, journal_entry_release);
const char *journal_kind_word(enum journal_kind kind);		 /* "app" */
char *journal_encode(const struct journal_entry *entry) CHECKED; /* with newline */
struct journal {
	struct journal_entry *entries;
	size_t count;
	bool had_torn_tail;
};
/* ERR_PROTOCOL: damaged before the last line. */
int journal_decode(const char *text, size_t length, struct journal *out, struct err *err) CHECKED;
void journal_release(struct journal *journal);
DEFINE_AUTO(journal, journal_release);
/* Closed, and nothing made since. */
bool journal_is_closed(const struct journal *journal);
/*
 * Records that still have to be undone, newest first; *out_count of them, indexes into entries; the
 * caller frees it.
 */
size_t *journal_open_entries(const struct journal *journal, size_t *out_count) CHECKED;

/* Effects, for the holder of the lease. */
int journal_read(
    const char *path, struct journal *out, struct err *err) CHECKED; /* absent: empty */
/* Appends with the next seq and fsyncs; a torn tail is cut off first. ERR_LIMIT: a field or the
 * journal is too long. */
int journal_append(const char *path, struct journal_entry *entry, struct err *err) CHECKED;

/* For workers: asks the keeper over its control socket and waits for the acknowledgement. */
int journal_record(int control_fd, const struct journal_entry *entry, struct err *err) CHECKED;

/*
 * For the keeper, the other end of that socket (SOCK_SEQPACKET): what a worker asks for, and the
 * answer, once it is on disk or could not be put there (why). ERR_MISSING: the worker is gone.
 */
int journal_receive(int control_fd, struct journal_entry *out, struct err *err) CHECKED;
int journal_answer(int control_fd, const struct err *why, struct err *err) CHECKED;

#endif
