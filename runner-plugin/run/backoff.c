/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/backoff.h"

#include "common/file.h"

#include <unistd.h>

#define FILE_MAX_BYTES 64
#define FAILURES_MAX 1000

int64_t backoff_wait_s(int64_t failures)
{
	int64_t wait_s = BACKOFF_FIRST_S;

	if (failures < 2)
		return 0;
	for (int64_t i = 2; i < failures && wait_s < BACKOFF_MAX_S; i++)
		wait_s *= 2;
	return wait_s < BACKOFF_MAX_S ? wait_s : BACKOFF_MAX_S;
}

struct state {
	int64_t failures;
	int64_t next_s;
};

/* "3 1764150000\n": tries that have failed or died, and when the next is due. */
static struct state read_state(const char *path)
{
	AUTO(buf) content = {0};
	struct state state = {0};
	struct err ignored;

	if (file_read(path, FILE_MAX_BYTES, &content, &ignored) < 0)
		return state;
	auto_str char *text = xstrdup(buf_text(&content));
	char *next = strchr(text, ' ');
	if (!next)
		return state;
	*next++ = '\0';
	next[strcspn(next, "\n")] = '\0';
	if (!parse_int64(text, 1, FAILURES_MAX, &state.failures) ||
	    !parse_int64(next, 0, INT64_MAX, &state.next_s))
		return (struct state){0};
	return state;
}

bool backoff_is_due(const char *path, int64_t now_s, int64_t *out_next_s)
{
	struct state state = read_state(path);

	if (state.next_s <= now_s || state.next_s - now_s > BACKOFF_MAX_S)
		return true;
	*out_next_s = state.next_s;
	return false;
}

int backoff_begin(const char *path, int64_t now_s, struct err *err)
{
	struct state state = read_state(path);

	if (state.failures < FAILURES_MAX)
		state.failures++;
	auto_str char *text = xasprintf("%lld %lld\n", (long long)state.failures,
	    (long long)(now_s + backoff_wait_s(state.failures)));
	return file_write_atomic(path, 0600, text, strlen(text), err);
}

void backoff_end(const char *path)
{
	(void)unlink(path);
}
