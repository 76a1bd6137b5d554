/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "runner-plugin/recipe/recipe.h"
#include "runner-plugin/run/proc.h"

#include <sys/stat.h>

/* A forge of directories: <root>/o/r.git, reached as file://<root>. */
struct world {
	char *root;
	char *url;
	char *state_dir;
	struct settings settings;
	struct run run;
	struct stages_work work;
};

static const char *const environ_rows[] = {"PATH=/usr/bin:/bin", NULL};

/* Runs a shell script of the test's own in a directory. */
static void shell(const char *directory, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-euc", script, NULL};
	const char *const env[] = {"PATH=/usr/bin:/bin", "GIT_AUTHOR_NAME=t",
	    "GIT_AUTHOR_EMAIL=t@t", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t",
	    "GIT_CONFIG_GLOBAL=/dev/null", NULL};
	struct proc_spec spec = {.label = "sh",
	    .argv = argv,
	    .env = env,
	    .cwd = directory,
	    .tail_max_bytes = 4096,
	    .deadline_ns = clock_now() + 20 * NS_PER_S,
	    .drain_ms = 500,
	    .cancel_fd = -1,
	    .watch_fd = -1};
	AUTO(proc_result) result = {0};
	struct err err = {0};

	ck_assert_msg(proc_run(&spec, &result, &err) == 0, "%s", err.msg);
	ck_assert_msg(result.end == PROC_EXITED && result.code == 0, "%s: %s", script,
	    buf_text(&result.tail));
}

static struct world *make_world(const char *ref)
{
	struct world *world = xcalloc(1, sizeof(*world));
	struct params params = {.recipe = "r", .src = "o/r"};
	struct run_step step = {0};
	struct err err = {0};
	static char zone[] = "ci.test";

	world->root = harness_dir();
	world->url = xasprintf("file://%s", world->root);
	world->state_dir = harness_dir();
	shell(world->root,
	    "mkdir o; git init -q -b main o/r.git; cd o/r.git; echo one >compose.yml; mkdir tests;"
	    "echo t >tests/t; git add -A; git commit -qm one; git tag -a -m x 1.0.0+1; echo two "
	    ">compose.yml; git commit -qam two; git tag light; git update-ref refs/pull/3/head "
	    "HEAD;"
	    "echo three >compose.yml; git commit -qam three");
	(void)copy_text(params.ref, sizeof(params.ref), ref);
	world->settings =
	    (struct settings){.gitea_url = world->url, .state_dir = world->state_dir, .zone = zone};
	ck_assert_msg(
	    run_create(&world->settings, &params, &step, &world->run, &err) == 0, "%s", err.msg);
	world->work = (struct stages_work){.settings = &world->settings,
	    .run = &world->run,
	    .control_fd = -1,
	    .cancel_fd = -1,
	    .deadline_ns = clock_now() + 30 * NS_PER_S,
	    .environ = environ_rows};
	return world;
}

static void free_world(struct world *world)
{
	run_release(&world->run);
	free(world->root);
	free(world->url);
	free(world->state_dir);
	free(world);
}

static char *read_here(const struct world *world, const char *name)
{
	auto_str char *path = xasprintf("%s/%s", world->run.recipe_dir, name);
	AUTO(buf) text = {0};
	struct err err = {0};

	return file_read(path, 1024, &text, &err) < 0 ? xstrdup("") : buf_take(&text);
}

START_TEST(fetches_the_pull_request)
{
	struct world *world = make_world("");
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	world->run.params.pr = 3;
	ck_assert_msg(recipe_fetch(&world->work, &recipe, &err) == 0, "%s", err.msg);
	auto_str char *text = read_here(world, "compose.yml");
	ck_assert_str_eq(text, "two\n");
	ck_assert_uint_eq(recipe.tag_count, 2);
	ck_assert_str_eq(recipe.tags[0].name, "1.0.0+1");
	ck_assert(recipe.tags[0].is_annotated && !recipe.tags[1].is_annotated);
	ck_assert_str_eq(recipe.tags[1].commit, recipe.head);
	free_world(world);
}
END_TEST

START_TEST(fetches_exactly_the_commit)
{
	struct world *world = make_world("");
	AUTO(recipe) by_name = {0};
	AUTO(recipe) by_commit = {0};
	AUTO(buf) shown = {0};
	struct err err = {0};

	ck_assert_msg(recipe_fetch(&world->work, &by_name, &err) == 0, "%s", err.msg);
	struct world *second = make_world(by_name.tags[0].commit);
	shell(second->root, "rm -rf o");
	auto_str char *copy = xasprintf("cp -r %s/o .", world->root);
	shell(second->root, copy);
	ck_assert_msg(recipe_fetch(&second->work, &by_commit, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(by_commit.head, by_name.tags[0].commit);
	auto_str char *text = read_here(second, "compose.yml");
	ck_assert_str_eq(text, "one\n");
	ck_assert_int_eq(
	    recipe_show(&second->work, by_commit.head, "compose.yml", 100, &shown, &err), 0);
	ck_assert_str_eq(buf_text(&shown), "one\n");
	ck_assert_int_eq(
	    recipe_show(&second->work, by_commit.head, "absent", 100, &shown, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	free_world(second);
	free_world(world);
}
END_TEST

/* Pull request 3 is a commit behind; its history and the default branch's are there, others not. */
START_TEST(knows_the_default_branch)
{
	struct world *first = make_world("");
	struct world *second = make_world("");
	AUTO(recipe) head = {0};
	AUTO(recipe) pull = {0};
	AUTO(recipe) named = {0};
	struct err err = {0};

	ck_assert_msg(recipe_fetch(&first->work, &head, &err) == 0, "%s", err.msg);
	ck_assert(head.is_default);

	auto_str char *copy = xasprintf("rm -rf o; cp -r %s/o .", first->root);
	shell(second->root, copy);
	second->run.params.pr = 3;
	ck_assert_msg(recipe_fetch(&second->work, &pull, &err) == 0, "%s", err.msg);
	ck_assert(!pull.is_default);
	const char *const commits[] = {
	    pull.head, "0123456789abcdef0123456789abcdef01234567", head.head};
	bool has[3] = {false, true, false};
	ck_assert_msg(recipe_find(&second->work, commits, 3, has, &err) == 0, "%s", err.msg);
	ck_assert(has[0] && !has[1] && has[2]);
	ck_assert_int_eq(recipe_find(&second->work, commits, 0, has, &err), 0);

	/* Named, it has to be what it is called. */
	struct world *third = make_world(pull.head);
	auto_str char *again = xasprintf("rm -rf o; cp -r %s/o .", first->root);
	shell(third->root, again);
	ck_assert_msg(recipe_fetch(&third->work, &named, &err) == 0, "%s", err.msg);
	ck_assert(!named.is_default);
	free_world(third);
	free_world(second);
	free_world(first);
}
END_TEST

START_TEST(checks_out_over_anything)
{
	struct world *world = make_world("");
	AUTO(recipe) recipe = {0};
	struct err err = {0};
	char head[PARAMS_REF_SIZE];

	ck_assert_int_eq(recipe_fetch(&world->work, &recipe, &err), 0);
	/* What abra and an overlay of ours leave behind. */
	shell(world->run.recipe_dir,
	    "echo x >compose.yml; echo y >untracked; git checkout -q -f light");
	ck_assert_msg(
	    recipe_checkout(&world->work, recipe.tags[0].commit, &err) == 0, "%s", err.msg);
	auto_str char *text = read_here(world, "compose.yml");
	auto_str char *untracked = read_here(world, "untracked");
	ck_assert_str_eq(text, "one\n");
	ck_assert_str_eq(untracked, "");
	ck_assert_int_eq(recipe_head(&world->work, head, &err), 0);
	ck_assert_str_eq(head, recipe.tags[0].commit);
	ck_assert_int_eq(recipe_checkout(&world->work, "-x", &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	free_world(world);
}
END_TEST

START_TEST(says_what_is_missing)
{
	struct world *world = make_world("dddddddddddddddddddddddddddddddddddddddd");
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	ck_assert_int_eq(recipe_fetch(&world->work, &recipe, &err), -1);
	ck_assert_msg(strstr(err.msg, "dddddddd") != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, "o/r") != NULL, "%s", err.msg);
	free_world(world);
}
END_TEST

START_TEST(takes_a_directory_with_its_changes)
{
	struct world *world = make_world("");
	auto_str char *local = xasprintf("%s/o/r.git", world->root);
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	shell(local, "echo ignored >.gitignore; echo x >ignored; echo changed >compose.yml; "
		     "git status --porcelain >.git/before");
	world->work.local_recipe = local;
	ck_assert_msg(recipe_fetch(&world->work, &recipe, &err) == 0, "%s", err.msg);
	auto_str char *text = read_here(world, "compose.yml");
	auto_str char *ignored = read_here(world, "ignored");
	ck_assert_str_eq(text, "changed\n");
	ck_assert_str_eq(ignored, "");
	ck_assert_uint_eq(recipe.tag_count, 2);
	/* The directory itself was not touched. */
	shell(local, "git status --porcelain >.git/after; diff .git/before .git/after");
	free_world(world);
}
END_TEST

START_TEST(takes_a_clean_directory_as_it_is)
{
	struct world *world = make_world("");
	auto_str char *local = xasprintf("%s/o/r.git", world->root);
	AUTO(recipe) from_forge = {0};
	AUTO(recipe) from_directory = {0};
	struct err err = {0};

	ck_assert_int_eq(recipe_fetch(&world->work, &from_forge, &err), 0);
	struct world *second = make_world("");
	second->work.local_recipe = local;
	ck_assert_msg(recipe_fetch(&second->work, &from_directory, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(from_directory.head, from_forge.head);
	free_world(second);
	free_world(world);
}
END_TEST

START_TEST(copies_the_tests)
{
	struct world *world = make_world("");
	auto_str char *copy = run_path(&world->run, "tests/t");
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	ck_assert_int_eq(recipe_fetch(&world->work, &recipe, &err), 0);
	ck_assert_msg(recipe_snapshot_tests(&world->work, &err) == 0, "%s", err.msg);
	struct stat status;
	ck_assert_int_eq(stat(copy, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0644); /* for the sandbox's user to read */
	free_world(world);
}
END_TEST

START_TEST(keeps_its_token_out_of_files)
{
	static char token[] = "t0ken-that-must-not-leak";
	struct world *world = make_world("");
	auto_str char *script = xasprintf("! grep -rq t0ken-that-must-not-leak %s", world->run.dir);
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	world->settings.git_token = token;
	log_mask(token);
	ck_assert_msg(recipe_fetch(&world->work, &recipe, &err) == 0, "%s", err.msg);
	shell("/", script);
	log_mask_reset();
	free_world(world);
}
END_TEST

/*
 * Whatever git can be told to start, told by the repository, by the operator's own configuration
 * and by a template of the host: nothing starts, and what is checked out is the commit's bytes.
 * Each line of the script was seen to start the trap before git's environment forbade it.
 */
static const char hostile[] =
    "trap=$PWD/trap; sprung=$PWD/sprung;"
    "printf '#!/bin/sh\\necho \"$0 $*\" >>%s\\ncat\\n' $sprung >$trap; chmod +x $trap;"
    /* a submodule with a configuration of its own */
    "git init -q sub; cd sub; echo s >s; echo '* filter=lfs' >.gitattributes; git add -A; git "
    "commit -qm s; cd ..;"
    "cd o/r.git; git -c protocol.file.allow=always submodule --quiet add ../../sub sub;"
    "for d in . sub; do"
    "  git -C $d config core.fsmonitor $trap;"
    "  git -C $d config core.sshCommand $trap;"
    "  git -C $d config core.pager $trap;"
    "  git -C $d config uploadpack.packObjectsHook $trap;"
    "  git -C $d config diff.evil.textconv $trap;"
    "  git -C $d config diff.evil.command $trap;"
    "  git -C $d config filter.lfs.clean $trap;"
    "  git -C $d config filter.lfs.smudge $trap;"
    "  git -C $d config filter.lfs.process $trap;"
    "  for h in pre-commit post-checkout post-merge post-index-change reference-transaction"
    "      post-commit pre-auto-gc; do cp $trap $(git -C $d rev-parse --git-dir)/hooks/$h ||"
    "      cp $trap .git/modules/sub/hooks/$h; done;"
    "done;"
    "printf '* filter=lfs diff=evil ident eol=crlf\\n' >.gitattributes;"
    "printf 'a $Id$\\n' >compose.yml;"
    "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c filter.lfs.clean= "
    "    -c filter.lfs.process= add -A;"
    "git -c core.hooksPath=/dev/null -c core.fsmonitor=false commit -qm hostile;"
    /* the operator's own: of HOME, and templates */
    "cd ../..; mkdir -p home/.config/git template/hooks;"
    "cp $trap template/hooks/post-checkout; cp $trap template/hooks/reference-transaction;"
    "printf '[core]\\n\\tfsmonitor = %s\\n\\thooksPath = %s/template/hooks\\n[filter \"lfs\"]\\n"
    "\\tsmudge = %s\\n\\tclean = %s\\n[init]\\n\\ttemplateDir = %s/template\\n' $trap $PWD $trap"
    "    $trap $PWD >home/.gitconfig; cp home/.gitconfig home/.config/git/config;"
    "rm -f sprung";

START_TEST(starts_nothing_of_a_repository)
{
	struct world *world = make_world("");
	auto_str char *local = xasprintf("%s/o/r.git", world->root);
	auto_str char *sprung = xasprintf("%s/sprung", world->root);
	auto_str char *home = xasprintf("HOME=%s/home", world->root);
	auto_str char *template = xasprintf("GIT_TEMPLATE_DIR=%s/template", world->root);
	auto_str char *global = xasprintf("GIT_CONFIG_GLOBAL=%s/home/.gitconfig", world->root);
	const char *const environ[] = {"PATH=/usr/bin:/bin", home, template, global, NULL};
	AUTO(recipe) recipe = {0};
	struct err err = {0};

	shell(world->root, hostile);
	world->work.environ = environ;
	if (_i == 1) {
		shell(local, "echo dirty >dirty; touch -d 2001-01-01 sub/s");
		world->work.local_recipe = local;
	}
	ck_assert_msg(recipe_fetch(&world->work, &recipe, &err) == 0, "%s", err.msg);
	ck_assert_msg(recipe_checkout(&world->work, recipe.tags[0].commit, &err) == 0 &&
			  recipe_checkout(&world->work, recipe.head, &err) == 0,
	    "%s", err.msg);
	auto_str char *text = read_here(world, "compose.yml");
	auto_str char *dirty = read_here(world, "dirty");
	auto_str char *inside = xasprintf("%s/sub/s", world->run.recipe_dir);
	ck_assert_str_eq(text, "a $Id$\n");
	ck_assert_str_eq(dirty, _i == 1 ? "dirty\n" : "");
	ck_assert(!file_exists(inside));
	auto_str char *show = xasprintf("cat %s >&2; false", sprung);
	if (file_exists(sprung))
		shell("/", show);
	free_world(world);
}
END_TEST

START_TEST(lists_files_and_links)
{
	struct world *world = make_world("");
	AUTO(recipe) recipe = {0};
	AUTO(tree) tree = {0};
	AUTO(tree) many = {0};
	struct err err = {0};

	shell(world->root,
	    "git init -q sub; cd sub; git commit -q --allow-empty -m s; cd ../o/r.git;"
	    "ln -s /etc/shadow link; git -c protocol.file.allow=always submodule --quiet add"
	    " ../../sub sub; git add -A; git commit -qm links");
	ck_assert_msg(recipe_fetch(&world->work, &recipe, &err) == 0, "%s", err.msg);
	ck_assert_msg(recipe_list(&world->work, recipe.head, &tree, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(tree.count, 5);
	ck_assert_str_eq(tree.entries[1].path, "compose.yml");
	ck_assert_ptr_null(tree.entries[1].target);
	ck_assert_str_eq(tree.entries[2].path, "link");
	ck_assert_str_eq(tree.entries[2].target, "/etc/shadow");
	ck_assert_int_eq(tree.entries[3].kind, TREE_SUBMODULE);
	ck_assert_str_eq(tree.entries[4].path, "tests/t");
	shell(world->run.recipe_dir,
	    "for i in $(seq 65); do ln -s x l$i; done; git add -A; git commit -qm many");
	ck_assert_int_eq(recipe_head(&world->work, recipe.head, &err), 0);
	ck_assert_int_eq(recipe_list(&world->work, recipe.head, &many, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	free_world(world);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, fetches_the_pull_request);
	tcase_add_test(tc, fetches_exactly_the_commit);
	tcase_add_test(tc, knows_the_default_branch);
	tcase_add_test(tc, checks_out_over_anything);
	tcase_add_test(tc, says_what_is_missing);
	tcase_add_test(tc, takes_a_directory_with_its_changes);
	tcase_add_test(tc, takes_a_clean_directory_as_it_is);
	tcase_add_test(tc, copies_the_tests);
	tcase_add_test(tc, keeps_its_token_out_of_files);
	tcase_add_test(tc, lists_files_and_links);
	tcase_add_loop_test(tc, starts_nothing_of_a_repository, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
