/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/shared.h"

#include "common/buf.h"
#include "common/clock.h"
#include "runner-plugin/run/lease.h"

#include <errno.h>

#define TARGET_START "../runs/"

/* --- pure --- */

void shared_key(
    const char *recipe, const char *commit, const char *suite_hash, char out[SHARED_KEY_SIZE])
{
	auto_str char *whole = xasprintf("%s|%s|%s", recipe, commit, suite_hash);
	char hash[FILE_HASH_SIZE];

	file_hash_bytes(whole, strlen(whole), hash);
	(void)format_text(out, SHARED_KEY_SIZE, "%.*s", SHARED_KEY_SIZE - 1, hash);
}

bool shared_join(struct shared *shared, const char *run_id)
{
	for (size_t i = 0; i < shared->user_count; i++)
		if (text_is(shared->users[i], run_id))
			return true;
	return shared->user_count < SHARED_USERS_MAX &&
	       copy_text(shared->users[shared->user_count++], RUN_ID_SIZE, run_id);
}

enum shared_answer shared_ask(struct shared *shared)
{
	switch (shared->state) {
	case SHARED_NEW:
		shared->state = SHARED_RISING;
		return SHARED_START;
	case SHARED_UP:
		shared->state = SHARED_LOOKING;
		return SHARED_LOOK;
	case SHARED_RISING:
	case SHARED_LOOKING:
		return SHARED_WAIT;
	case SHARED_WITHDRAWN:
		break;
	}
	return SHARED_REFUSE;
}

void shared_settle(struct shared *shared, bool is_well, int64_t now_ns)
{
	if (shared->state != SHARED_WITHDRAWN)
		shared->state = is_well ? SHARED_UP : SHARED_WITHDRAWN;
	shared->unused_since_ns = now_ns;
}

void shared_withdraw(struct shared *shared)
{
	shared->state = SHARED_WITHDRAWN;
}

bool shared_sweep(struct shared *shared, bool (*is_alive)(void *context, const char *run_id),
    void *context, int64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < shared->user_count; i++)
		if (is_alive(context, shared->users[i]))
			memmove(shared->users[kept++], shared->users[i], RUN_ID_SIZE);
	bool has_changed = kept < shared->user_count;
	if (has_changed && !kept)
		shared->unused_since_ns = now_ns;
	shared->user_count = kept;
	return has_changed;
}

bool shared_is_over(const struct shared *shared, int64_t idle_ms, int64_t now_ns)
{
	if (shared->user_count)
		return false;
	return shared->state == SHARED_WITHDRAWN ||
	       (shared->state == SHARED_UP &&
		   now_ns - shared->unused_since_ns >= idle_ms * NS_PER_MS);
}

bool shared_is_id(const char *run_id)
{
	return text_starts(run_id, RUN_SHARED_PREFIX);
}

/* --- on the host --- */

static char *link_path(const struct settings *settings, const char *key)
{
	return xasprintf("%s/shared/%s", settings->state_dir, key);
}

int shared_find(
    const struct settings *settings, const char *key, char out_id[RUN_ID_SIZE], struct err *err)
{
	auto_str char *link = link_path(settings, key);
	char target[sizeof(TARGET_START) + RUN_ID_SIZE];
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0 && errno != ENOENT)
		return err_sys(err, errno, "read %s", link);
	target[length < 0 ? 0 : length] = '\0';
	const char *id = target + (length < 0 ? 0 : strlen(TARGET_START));
	if (length >= 0 && (!text_starts(target, TARGET_START) || !shared_is_id(id)))
		return err_set(err, ERR_PROTOCOL, "%s points elsewhere", link);
	auto_str char *dir = xasprintf("%s/runs/%s", settings->state_dir, id);
	(void)copy_text(out_id, RUN_ID_SIZE, *id && lease_is_held(dir) ? id : "");
	return 0;
}

int shared_name(
    const struct settings *settings, const char *key, const char *run_id, struct err *err)
{
	auto_str char *dir = xasprintf("%s/shared", settings->state_dir);
	auto_str char *link = link_path(settings, key);
	auto_str char *target = xasprintf(TARGET_START "%s", run_id);

	if (file_make_dirs(dir, 0700, err) < 0)
		return -1;
	if ((unlink(link) < 0 && errno != ENOENT) || symlink(target, link) < 0)
		return err_sys(err, errno, "link %s", link);
	return 0;
}

int shared_note_users(const struct run *run, const struct shared *shared, struct err *err)
{
	AUTO(buf) text = buf_make((size_t)SHARED_USERS_MAX * (RUN_ID_SIZE + 1));
	auto_str char *path = run_path(run, SHARED_USERS_FILE);

	for (size_t i = 0; i < shared->user_count; i++)
		(void)buf_printf(&text, "%s\n", shared->users[i]);
	return file_write_atomic(path, 0600, buf_text(&text), text.length, err);
}
