/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every reader of the forge's answers: a value of the promised forms, or an error that says why. */
#include "bridge/peers/gitea.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READ(type, reader, check)                                                                  \
	do {                                                                                       \
		AUTO(type) value = {0};                                                            \
		struct err why = {0};                                                              \
		if (reader((const char *)data, size, &value, &why) < 0)                            \
			assert(why.code != ERR_NONE && *why.msg);                                  \
		else                                                                               \
			assert(check);                                                             \
	} while (false)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *login = NULL;
	struct gitea_timeline timeline = {0};
	struct gitea_pull pull = {0};
	struct gitea_repo repo = {0};
	AUTO(gitea_hooks) hooks = {0};
	struct gitea_hook hook = {0};
	struct gitea_status status = {0};
	bool is_there = false;
	struct err err = {0};
	size_t count = 0;

	READ(gitea_issues, gitea_read_issues, !value.count || gitea_is_repo(value.items[0].repo));
	READ(gitea_comments, gitea_read_comments,
	    !value.count || (value.items[0].id > 0 && gitea_is_repo(value.items[0].repo)));
	READ(gitea_comment, gitea_read_comment,
	    value.id > 0 && value.pr >= 0 && value.body && value.author);
	READ(gitea_names, gitea_read_directories, !value.count || value.items[0]);
	if (gitea_read_repo((const char *)data, size, &repo, &err) == 0)
		assert(gitea_is_repo(repo.name) && repo.id > 0);
	if (gitea_read_pull((const char *)data, size, &pull, &err) == 0)
		assert(gitea_is_sha(pull.head_sha));
	if (gitea_read_timeline((const char *)data, size, &timeline, &count, &err) == 0)
		assert(!*timeline.push_sha || gitea_is_sha(timeline.push_sha));
	if (gitea_read_hooks((const char *)data, size, &hooks, &count, &err) == 0)
		assert(hooks.count + hooks.odd.count == count);
	if (gitea_read_hook((const char *)data, size, &hook, &err) == 0)
		assert(hook.id > 0);
	if (gitea_read_status((const char *)data, size, "ccci", &status, &is_there, &err) == 0)
		assert(is_there || !status.description[0]);
	if (gitea_read_login((const char *)data, size, &login, &err) == 0)
		assert(gitea_is_name(login));
	return 0;
}
