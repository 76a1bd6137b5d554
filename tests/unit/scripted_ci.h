/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CI server of which a script is played: what its verbs are answered, and what came of them.
 *
 *   raise_curtain(&set, &drone_dialect, REPO, script, COUNT_OF(script));
 *   ci_get_build(set.ci, 22, on_build, &set.seen); play_act(&set);      ... set.seen ...
 *   drop_curtain(&set);
 */
#ifndef CCCI_TEST_SCRIPTED_CI_H
#define CCCI_TEST_SCRIPTED_CI_H

#include "scripted_server.h"

#include "bridge/peers/ci.h"

struct outcome_seen {
	bool is_done;
	enum err_code code;
	char message[256];
	int64_t number;
	enum build_status status;
	size_t items;
	char text[256];
};

static inline void note(struct outcome_seen *seen, const struct err *err)
{
	seen->is_done = true;
	seen->code = err ? err->code : ERR_NONE;
	(void)copy_text(seen->message, sizeof(seen->message), err ? err->msg : "");
}

static inline void on_build(void *context, struct build *build, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	ck_assert_int_ne(build == NULL, err == NULL);
	seen->number = build ? build->number : 0;
	seen->status = build ? build->status : BUILD_UNKNOWN;
}

static inline void on_cancelled(void *context, const struct err *err)
{
	note(context, err);
}

static inline void on_builds(void *context, struct builds *builds, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->items = builds ? builds->count : 0;
}

static inline void on_log(void *context, const struct buf *log, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	(void)copy_text(seen->text, sizeof(seen->text), log ? buf_text(log) : "");
}

static inline void on_timeout(void *context, const int64_t *minutes, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->number = minutes ? *minutes : 0;
}

struct stage_set {
	struct scripted_server server;
	struct http *http;
	struct ci *ci;
	struct outcome_seen seen;
};

static inline void raise_curtain(struct stage_set *set, const struct ci_dialect *dialect,
    const char *repo, const struct exchange *script, size_t count)
{
	*set = (struct stage_set){.server = scripted_start(script, count)};
	set->http = http_new();
	set->ci =
	    ci_new(set->http, dialect, &(struct ci_place){set->server.url, "secret-token", repo});
}

static inline void play_act(struct stage_set *set)
{
	scripted_run(set->http, &set->seen.is_done);
	set->seen.is_done = false;
	ck_assert_ptr_null(strstr(set->seen.message, "secret-token"));
}

static inline void drop_curtain(struct stage_set *set)
{
	scripted_end(&set->server);
	ci_free(set->ci);
	http_free(set->http);
}

#endif
