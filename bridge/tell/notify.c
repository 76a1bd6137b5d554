/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/notify.h"

#include "bridge/tell/notice.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/testpoint.h"

#define NOTICES_AT_ONCE 16
#define AGAIN_NS (2 * NS_PER_S) /* after trouble of our own */

struct notify {
	struct parts *parts;
	struct program *program;   /* NULL: none runs */
	struct store_notice about; /* what it is told; with this try counted */
	bool has_looked;
	int64_t generation; /* of the store, when it was looked through last */
	int64_t due_ns;	    /* nothing of what was there then is due before */
	struct log_limit store_limit;
	struct metrics_notices counts;
};

struct notify *notify_new(struct parts *parts)
{
	struct notify *notify = xcalloc(1, sizeof(*notify));

	notify->parts = parts;
	notify->store_limit = (struct log_limit){.interval_ms = 60000};
	return notify;
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	program_free(notify->program);
	free(notify);
}

static bool has_somebody(const struct parts *parts)
{
	return parts->settings->notify_command && parts->settings->notify_command[0];
}

/* --- what is news --- */

struct reading {
	const struct job *judged;
	struct past past;
};

/* The store has this job still as it was before its verdict. */
static void take_run(void *context, const struct job_brief *brief)
{
	struct reading *reading = context;
	struct job_brief judged;

	job_brief(reading->judged, &judged);
	past_add(&reading->past, brief->comment == judged.comment ? &judged : brief);
}

int notify_write(const struct parts *parts, const struct job *judged, char **out, struct err *err)
{
	const struct store_wanted wanted = {.order = STORE_BY_RECIPE,
	    .recipe = job_recipe(judged),
	    .shows_private = true,
	    .most = PAST_RUNS_MAX};
	struct reading reading = {.judged = judged};
	struct notice notice;

	*out = NULL;
	if (!has_somebody(parts) || judged->state != JOB_JUDGED)
		return 0;
	int result = store_each_run(parts->store, &wanted, take_run, &reading, err);
	if (result == 0 && notice_judge(&reading.past, judged->comment, &notice))
		*out =
		    notice_write(&notice, &(struct notice_facts){.job = judged,
					      .pages_url = parts_pages_url(parts, judged->repo)});
	past_release(&reading.past);
	return result;
}

/* --- telling it --- */

/* What went wrong with the store is tried again; meanwhile nothing is told. */
static void put_off(struct notify *notify, const struct err *err)
{
	unsigned dropped = 0;

	if (log_limit_pass(&notify->store_limit, &dropped))
		log_error("%s: nobody is told of news until it can be written (%u more)", err->msg,
		    dropped);
	notify->due_ns = clock_now() + AGAIN_NS;
}

static void end_notice(struct notify *notify, int64_t comment)
{
	struct err err;

	if (store_end_notice(notify->parts->store, comment, &err) < 0)
		put_off(notify, &err);
}

static void start(struct notify *notify, const struct store_notice *about)
{
	const char *command = notify->parts->settings->notify_command;
	auto_str char *document = NULL;
	struct err err;

	if (store_try_notice(
		notify->parts->store, about->comment, clock_wall_s(), &document, &err) < 0) {
		put_off(notify, &err);
		return;
	}
	TEST_POINT("notify.before");
	notify->about = *about;
	notify->about.tries++;
	notify->program = program_start(command, document, &err);
	if (notify->program)
		return;
	notify->counts.failed++;
	notify->due_ns = clock_now() + AGAIN_NS;
	log_error("NOTIFY_COMMAND: %s", err.msg);
}

/* Milliseconds until it is due; -1: never more. A clock that was set back does not hold it up. */
static int64_t due_in_ms(const struct store_notice *notice, int64_t now_s)
{
	int64_t again_s = notice_again_s(notice->tries);
	int64_t left_s = notice->tried_s + again_s - now_s;

	if (again_s < 0)
		return -1;
	return left_s <= 0 || left_s > again_s ? 0 : left_s * 1000;
}

/* The first that is due is begun with; due_ns is when the next one of the others is. */
static void look_through(struct notify *notify)
{
	struct store_notice notices[NOTICES_AT_ONCE];
	int64_t now_s = clock_wall_s();
	size_t count = 0;
	struct err err;

	notify->due_ns = INT64_MAX;
	if (store_list_notices(notify->parts->store, notices, COUNT_OF(notices), &count, &err) <
	    0) {
		put_off(notify, &err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		int64_t due_ms = due_in_ms(&notices[i], now_s);
		int64_t due_ns = clock_now() + due_ms * NS_PER_MS;

		if (due_ms < 0) {
			/* The bridge died in its last try: that one may have been good. */
			end_notice(notify, notices[i].comment);
		} else if (due_ms == 0) {
			start(notify, &notices[i]);
			return;
		} else if (due_ns < notify->due_ns) {
			notify->due_ns = due_ns;
		}
	}
}

int64_t notify_turn(struct notify *notify)
{
	int64_t generation = store_generation(notify->parts->store);

	if (notify->program)
		return program_due_ns(notify->program);
	if (!has_somebody(notify->parts))
		return INT64_MAX;
	if (!notify->has_looked || generation != notify->generation ||
	    clock_now() >= notify->due_ns) {
		look_through(notify);
		notify->has_looked = true;
		/* What it wrote itself is behind it, unless there is more to be begun with. */
		notify->generation = notify->program ? -1 : store_generation(notify->parts->store);
	}
	return notify->program ? program_due_ns(notify->program) : notify->due_ns;
}

void notify_fds(const struct notify *notify, struct pollfd out[PROGRAM_FDS])
{
	program_fds(notify->program, out);
}

static void say_failure(const struct notify *notify, const struct program_end *end, int64_t again_s)
{
	char how[PROGRAM_TEXT_SIZE];

	program_end_text(end, how);
	log_error("NOTIFY_COMMAND (try %lld of %d): %s%s%s%s", (long long)notify->about.tries,
	    NOTICE_TRIES, how, end->last_line[0] ? ": " : "", end->last_line,
	    again_s < 0 ? "; this news is lost" : "");
}

void notify_see(struct notify *notify)
{
	struct program_end end;

	if (!notify->program || !program_turn(notify->program, &end))
		return;
	program_free(notify->program);
	notify->program = NULL;
	TEST_POINT("notify.sent");
	int64_t again_s = notice_again_s(notify->about.tries);
	log_scope("job=%lld", (long long)notify->about.comment);
	if (end.how == PROGRAM_EXITED && end.code == 0) {
		notify->counts.told++;
		log_info("NOTIFY_COMMAND was told");
		end_notice(notify, notify->about.comment);
	} else {
		notify->counts.failed++;
		say_failure(notify, &end, again_s);
		if (again_s < 0) {
			notify->counts.lost++;
			end_notice(notify, notify->about.comment);
		}
	}
	log_scope_end();
	TEST_POINT("notify.done");
}

bool notify_is_busy(const struct notify *notify)
{
	return notify->program != NULL;
}

const struct metrics_notices *notify_counts(const struct notify *notify)
{
	return &notify->counts;
}
