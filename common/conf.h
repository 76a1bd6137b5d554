/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: one table of rows per program gives YAML key, environment name, flag, default, form,
 * help text.
 *
 *   const struct conf_row rows[] = {
 *           {"POLL_INTERVAL", CONF_DURATION, offsetof(struct settings, poll_every_ms),
 *               .fallback = "30s", .least = 1000, .most = 60000, .help = "time between polls"},
 *   };
 *   if (conf_load(rows, COUNT_OF(rows), &sources, &settings, &mistakes) < 0)
 *           ... buf_text(&mistakes) says all that is wrong
 *   conf_release(rows, COUNT_OF(rows), &settings);
 *
 * The environment name is the row's name; the YAML key is it in lower case; the flag is
 * --poll-interval. Flag beats environment beats file beats default. A row that is a secret also
 * reads NAME_FILE (a path; one trailing newline is dropped) from environment and file, is masked in
 * logs (log_mask) and printed as "***". Its only flag is --name-file: argv is for all to read.
 * Where nothing names it, it is the file of its key in the directory of credentials; one that is
 * not there, or not for us to read, is none.
 *
 * A text or URL that is not required may be given as empty. Nothing else may, and no value holds
 * control characters.
 *
 * All mistakes are reported at once, one line each, with file:line:column and the nearest known key
 * where there is one. On any mistake the settings are left as they were.
 */
#ifndef CCCI_CONF_H
#define CCCI_CONF_H

#include "common/buf.h"
#include "common/err.h"

enum conf_kind {
	CONF_TEXT,   /* char *: owned; NULL only when absent without fallback */
	CONF_SECRET, /* char *: masked */
	CONF_URL,  /* char *: http:// or https://, host, no query, no user; trailing "/" dropped */
	CONF_INT,  /* int64_t within least..most */
	CONF_BOOL, /* bool: 0 1 true false yes no */
	CONF_DURATION, /* int64_t milliseconds, written 250ms 30s 60m 2h 1d; least and most in ms */
	CONF_CHOICE,   /* int64_t: index into choices */
};

struct conf_row {
	const char *name;
	enum conf_kind kind;
	size_t offset;	      /* into the settings object */
	const char *fallback; /* NULL: absent means NULL (or 0) */
	bool is_required;
	bool reloads; /* conf_take_changed() takes a new value: whoever reads it reads it anew */
	/*
	 * Of numbers, both 0: 0 to INT64_MAX. Of texts the lengths, most 0: CONF_TEXT_MAX; an empty
	 * one that is not required is never too short.
	 */
	int64_t least, most;
	const char *const *choices; /* NULL-terminated */
	/* A further form a text that is not empty must have: NULL when it has, else what is wrong
	 * ("must be ..."), borrowed. */
	const char *(*check)(const char *value);
	const char *help;
	const char *unit; /* for the help text */
};

#define CONF_TEXT_MAX 4096
#define CONF_FILE_MAX_BYTES (64 * 1024)
#define CONF_MISTAKES_MAX_BYTES (16 * 1024)

/* One flag of the command line, already split by the caller: {"poll-interval", "30s"}. */
struct conf_flag {
	const char *name;
	const char *value;
};

struct conf_sources {
	const char *file;	    /* NULL: none */
	bool file_may_be_missing;   /* the default path */
	const char *credentials;    /* directory; NULL: none */
	const char *const *environ; /* NULL-terminated NAME=value */
	const struct conf_flag *flags;
	size_t flag_count;
};

/*
 * Fills *settings (all zero on entry). -1: mistakes holds one line for each, *settings is still all
 * zero. Secrets are registered with log_mask().
 */
int conf_load(const struct conf_row *rows, size_t count, const struct conf_sources *sources,
    void *settings, struct buf *mistakes) CHECKED;
void conf_release(const struct conf_row *rows, size_t count, void *settings);
/*
 * Between two loads: each value of fresh that is another one and whose row reloads is exchanged
 * with that of settings. Appends the names of those to taken, of the others that changed to kept,
 * with
 * ", " between them; never a value.
 */
void conf_take_changed(const struct conf_row *rows, size_t count, void *settings, void *fresh,
    struct buf *taken, struct buf *kept);

/* "poll-interval", of a secret "gitea-token-file": without the dashes. The caller frees it. */
char *conf_flag_name(const struct conf_row *row) CHECKED;

/* "poll_interval: 30s" lines, secrets as "***", fit to be read again as a file. */
void conf_print(const struct conf_row *rows, size_t count, const void *settings, struct buf *out);
/* The help lines of all rows: flag, default, meaning. */
void conf_help(const struct conf_row *rows, size_t count, struct buf *out);

/* "1m30s" is not a form; one number, one unit. False: *out_ms untouched. */
bool conf_parse_duration(const char *text, int64_t *out_ms) CHECKED;

#endif
