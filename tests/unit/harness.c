/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "common/base.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DATA_MAX_BYTES (1024 * 1024)

/* Check's 4 s are short on a machine that builds beside; read when a case is created. */
__attribute__((constructor)) static void allow_time(void)
{
	if (setenv("CK_DEFAULT_TIMEOUT", "30", 0) != 0)
		abort();
}

static char *dirs_root; /* of all directories of this program */

/* Outside a test: with CK_FORK each test is a child, and would make a root of its own. */
static bool make_root(void)
{
	const char *tmp = getenv("TMPDIR");

	dirs_root = xasprintf("%s/ccci-unit-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(dirs_root) != NULL;
}

char *harness_dir(void)
{
	char *path = xasprintf("%s/XXXXXX", dirs_root);

	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

struct buf harness_data(const char *folder, const char *name)
{
	auto_str char *path = xasprintf("%s/%s/%s", TEST_DATA_DIR, folder, name);
	struct buf text = {0};
	struct err err = {0};

	ck_assert_msg(file_read(path, DATA_MAX_BYTES, &text, &err) == 0, "%s", err.msg);
	return text;
}

struct json *harness_engine_answer(const char *name)
{
	auto_str char *file = xasprintf("%s.json", name);
	AUTO(buf) text = harness_data("engine", file);
	struct err err;

	struct json *answer = json_parse(buf_text(&text), text.length, &err);
	ck_assert_msg(answer != NULL, "%s", err.msg);
	return answer;
}

/* Ends what is left and counts it; ours are all children now, as we are the subreaper. */
static int count_left_processes(void)
{
	int left = 0;

	for (;;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return left;
		if (pid == 0) {
			(void)fprintf(stderr, "a test left a process behind\n");
			return left + 1;
		}
	}
}

int harness_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	if (!make_root() || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return EXIT_FAILURE;
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	failed += count_left_processes();
	if (!failed) {
		struct err err;

		if (file_remove_tree(dirs_root, &err) < 0)
			(void)fprintf(stderr, "%s\n", err.msg);
	}
	free(dirs_root);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
