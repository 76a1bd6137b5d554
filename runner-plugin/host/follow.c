/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/host/follow.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/table.h"
#include "runner-plugin/swarm/engine.h"

#include <ctype.h>
#include <poll.h>

#define LOOK_EVERY_MS 1000
#define LINES_MAX_BYTES (4 * 1024 * 1024)
#define SERVICES_MAX 64

/* --- pure --- */

static bool is_time(const char *text, size_t length)
{
	return length > strlen("2026-11-22T03:10:00") && length < FOLLOW_TIME_SIZE &&
	       isdigit((unsigned char)text[0]) && text[4] == '-' && text[10] == 'T';
}

void follow_take(
    const char *service, const char *lines, char after[FOLLOW_TIME_SIZE], struct buf *out)
{
	char latest[FOLLOW_TIME_SIZE];

	(void)copy_text(latest, sizeof(latest), after);
	for (const char *line = lines; *line;) {
		size_t length = strcspn(line, "\n");
		size_t time_length = strcspn(line, " \n");
		auto_str char *time = xstrndup(line, time_length);

		if (is_time(time, time_length) && strcmp(time, after) > 0) {
			const char *text = line + time_length + (line[time_length] == ' ');
			auto_str char *rest = xstrndup(text, (size_t)(line + length - text));

			(void)buf_printf(out, "%s | ", service);
			table_add_text(out, rest, NULL);
			(void)buf_add_char(out, '\n');
			if (strcmp(time, latest) > 0)
				(void)copy_text(latest, sizeof(latest), time);
		}
		line += length + (line[length] == '\n');
	}
	(void)copy_text(after, FOLLOW_TIME_SIZE, latest);
}

/* --- asking --- */

struct follow {
	const struct stages_work *work;
	struct engine *engine;
	struct followed {
		char id[64];
		char after[FOLLOW_TIME_SIZE];
	} services[SERVICES_MAX];
	size_t count;
};

static struct followed *find_followed(struct follow *follow, const char *id)
{
	for (size_t i = 0; i < follow->count; i++)
		if (text_is(follow->services[i].id, id))
			return &follow->services[i];
	if (follow->count == SERVICES_MAX)
		return NULL;
	struct followed *added = &follow->services[follow->count++];
	*added = (struct followed){0};
	(void)copy_text(added->id, sizeof(added->id), id);
	return added;
}

/* -1: nobody reads any more. */
static int print_lines(const struct buf *lines)
{
	AUTO(buf) masked = buf_make(2 * LINES_MAX_BYTES);

	(void)log_mask_text(&masked, buf_text(lines), lines->length);
	for (size_t at = 0; at < masked.length;) {
		ssize_t written = write(STDOUT_FILENO, masked.data + at, masked.length - at);

		if (written < 0)
			return -1;
		at += (size_t)written;
	}
	return 0;
}

static int look_at(struct follow *follow, const struct engine_item *service, struct err *err)
{
	struct followed *followed = find_followed(follow, service->id);
	AUTO(buf) text = buf_make(LINES_MAX_BYTES);
	AUTO(buf) lines = buf_make(LINES_MAX_BYTES);
	int64_t since_s = 0;

	if (!followed)
		return 0;
	if (*followed->after && !clock_parse_rfc3339(followed->after, &since_s))
		since_s = 0;
	if (engine_service_logs(follow->engine, service->id, since_s, &text, err) < 0)
		return -1;
	const char *name = text_descope(follow->work->run->stack, service->name);
	follow_take(name ? name : service->name, buf_text(&text), followed->after, &lines);
	return print_lines(&lines) < 0 ? err_set(err, ERR_MISSING, "nobody reads") : 0;
}

static int look(struct follow *follow, struct err *err)
{
	AUTO(engine_list) services = {0};

	if (engine_list(follow->engine, ENGINE_SERVICE, follow->work->run->stack, &services, err) <
	    0)
		return -1;
	for (size_t i = 0; i < services.count; i++)
		if (look_at(follow, &services.items[i], err) < 0)
			return -1;
	return 0;
}

enum exit_code follow_run(const struct stages_work *work)
{
	struct err err;
	AUTO_PTR(engine) engine = engine_open(work->settings, &err);
	struct follow follow = {.work = work, .engine = engine};
	bool was_good = true;

	log_mask_load(work->secrets_fd);
	if (!engine) {
		stages_say("dev", err.msg);
		return EXIT_OURS;
	}
	for (;;) {
		bool is_good = look(&follow, &err) == 0;

		if (!is_good && err.code == ERR_MISSING)
			return EXIT_PASSED;
		if (!is_good && was_good) /* once; it is asked again */
			stages_say("dev", err.msg);
		was_good = is_good;
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
}
