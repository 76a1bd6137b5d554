/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A marker in each known database of a stack, by its own client in its own container: made before
 * something that must keep the data, looked for afterwards, taken away again.
 *
 *   database_marks_make(engine, stack, mark, cancel_fd, &marks, err);
 *   ... every container made anew, an upgrade, a restore ...
 *   database_marks_check(engine, stack, cancel_fd, &marks, err);
 *   database_marks_remove(engine, stack, cancel_fd, &marks);
 *
 * A database that cannot be opened is no fault, only less proof: each item says what came of it.
 * Nothing is waited for but a database that is starting, and that not for long.
 */
#ifndef CCCI_DATABASE_MARKS_H
#define CCCI_DATABASE_MARKS_H

#include "runner-plugin/swarm/database.h"
#include "runner-plugin/swarm/engine.h"

struct database_mark {
	char *service; /* without the stack's prefix */
	enum database_kind kind;
	enum database_answer answer; /* the last one; after a check of HERE alone */
	char why[DATABASE_WHY_SIZE]; /* of an answer that is neither HERE nor GONE; not masked */
	char *unnamed;		     /* a volume without a name that it had, by its place; "" */
	char *unnamed_now;	     /* after a check: that it has now; "" */
};
struct database_marks {
	struct database_mark *items; /* by service */
	size_t count;
	char *mark;
};
void database_marks_release(struct database_marks *marks);
DEFINE_AUTO(database_marks, database_marks_release);

/* mark: of letters and digits. Errors: of the engine, when it does not say what runs. */
int database_marks_make(struct engine *engine, const char *stack, const char *mark, int cancel_fd,
    struct database_marks *out, struct err *err) CHECKED;
/* Of those that are HERE; the others stay as they are. */
int database_marks_check(struct engine *engine, const char *stack, int cancel_fd,
    struct database_marks *marks, struct err *err) CHECKED;
/* As far as it can be done: the stack goes anyway. Answers stay as they are. */
void database_marks_remove(
    struct engine *engine, const char *stack, int cancel_fd, const struct database_marks *marks);

/* "data of db (postgres)": what it is called in the results; the caller frees it. */
char *database_mark_name(const struct database_mark *mark) CHECKED;
/* What to say of an answer that is not HERE; pure. */
#define DATABASE_MARKS_TEXT_SIZE 512
void database_marks_explain(
    const struct database_mark *mark, const char *name, char out[DATABASE_MARKS_TEXT_SIZE]);

/* What a container is, from the engine's answer about it; pure. */
struct database_place {
	char *service; /* "" it is of none of the stack */
	char *container;
	struct database database;
	bool is_database;
	bool is_lasting; /* something of it outlives its container: a named volume, a mount */
	char *unnamed;	 /* a volume without a name, by its place; "" */
};
void database_place_read(
    const char *stack, const struct json *container, struct database_place *out);
void database_place_release(struct database_place *place);
DEFINE_AUTO(database_place, database_place_release);

#endif
