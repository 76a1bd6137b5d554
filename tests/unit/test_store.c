/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/store.h"

#include <sqlite3.h>

#include <sys/stat.h>
#include <sys/wait.h>

static struct err err;

static struct store *open_store(const char *dir)
{
	struct store *store = NULL;

	ck_assert_msg(store_open(dir, &store, &err) == 0, "%s", err.msg);
	return store;
}

static struct job make_job(int64_t comment)
{
	return (struct job){.comment = comment,
	    .repo = "org/custom-html",
	    .pr = 3,
	    .author = "member",
	    .written_s = 100,
	    .heard_s = 110};
}

static void save(struct store *store, const struct job *job)
{
	ck_assert_msg(store_save(store, job, &err) == 0, "%s", err.msg);
}

START_TEST(claims_once)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job job = make_job(7);
	bool is_new = false;

	ck_assert_int_eq(store_claim(store, &job, &is_new, &err), 0);
	ck_assert(is_new);
	ck_assert_int_eq(store_claim(store, &job, &is_new, &err), 0);
	ck_assert(!is_new);
	store_close(store);
	store = open_store(dir);
	ck_assert_int_eq(store_claim(store, &job, &is_new, &err), 0);
	ck_assert_msg(!is_new, "a reopened store forgot the claim");
	store_close(store);
}
END_TEST

/* Each head of a pull request once, whatever a comment or another pull request asked for. */
START_TEST(claims_a_head_once)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job commented = make_job(7);
	bool is_new = false;

	(void)copy_text(commented.ref, sizeof(commented.ref), "aaaa");
	save(store, &commented);
	for (int i = 0; i < 6; i++) {
		struct job job = make_job(0);

		/* The same head twice, another one twice, then the first in another pull request.
		 */
		(void)copy_text(job.ref, sizeof(job.ref), i / 2 == 1 ? "bbbb" : "aaaa");
		job.pr += i / 2 == 2;
		ck_assert_int_eq(store_claim_head(store, &job, &is_new, &err), 0);
		ck_assert_int_eq(is_new, i % 2 == 0);
		if (is_new)
			ck_assert_int_eq(job.comment, JOB_AUTO_FIRST + 110000 + i / 2);
		store_close(store);
		store = open_store(dir);
	}
	struct job later = make_job(0);
	later.heard_s = 111;
	(void)copy_text(later.ref, sizeof(later.ref), "cccc");
	ck_assert_int_eq(store_claim_head(store, &later, &is_new, &err), 0);
	ck_assert_int_eq(later.comment, JOB_AUTO_FIRST + 111000);
	store_close(store);
}
END_TEST

/* Each repository once for a night and a try, and in no night before one that it had. */
START_TEST(claims_a_night_once)
{
	static const struct {
		const char *repo;
		int64_t night, attempt;
		int64_t id; /* behind the first of that night and try; -1: not new */
	} claims[] = {
	    {"org/a", 20000, 1, 0},
	    {"org/a", 20000, 1, -1},
	    {"org/b", 20000, 1, 1},
	    {"org/a", 20000, 2, 0},
	    {"org/a", 20000, 2, -1},
	    {"org/a", 20000, 1, -1},
	    {"org/a", 19999, 1, -1}, /* the clock was set back */
	    {"org/b", 19999, 2, -1},
	    {"org/b", 20001, 1, 0},
	    {"org/a", 20001, 1, 1},
	};
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job head = make_job(0);
	struct night_run runs[8];
	size_t count = 0;
	bool is_new = false;

	for (size_t i = 0; i < COUNT_OF(claims); i++) {
		struct job job = {.written_s = 100, .heard_s = 86400 + 100, .ref = "aaaa"};

		(void)copy_text(job.repo, sizeof(job.repo), claims[i].repo);
		ck_assert_int_eq(store_claim_night(store, &job, claims[i].night, claims[i].attempt,
				     &is_new, &err),
		    0);
		ck_assert_msg(is_new == (claims[i].id >= 0), "claim %zu", i);
		if (is_new)
			ck_assert_int_eq(
			    job.comment, job_first_of_night(claims[i].night, claims[i].attempt) +
					     1000 + claims[i].id);
		store_close(store);
		store = open_store(dir);
	}
	ck_assert_int_eq(store_list_nights(store, "org/a", runs, COUNT_OF(runs), &count, &err), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(job_night_of(runs[0].id), 20001);
	ck_assert_int_eq(job_night_try(runs[1].id), 2);
	ck_assert_int_eq(job_night_try(runs[2].id), 1);
	ck_assert_str_eq(runs[2].ref, "aaaa");
	ck_assert_int_eq(runs[2].state, JOB_HEARD);
	ck_assert(!runs[2].has_verdict);
	ck_assert_int_eq(store_list_nights(store, "org/a", runs, 1, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(store_list_nights(store, "org/c", runs, 1, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	/* AUTO_TEST's ids are counted for themselves. */
	(void)copy_text(head.ref, sizeof(head.ref), "cccc");
	ck_assert_int_eq(store_claim_head(store, &head, &is_new, &err), 0);
	ck_assert_int_eq(head.comment, JOB_AUTO_FIRST + 110000);
	store_close(store);
}
END_TEST

/* A job and what is news with it are saved together, told with a count, and then forgotten. */
START_TEST(news_waits_to_be_told)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job one = make_job(7);
	struct job other = make_job(6);
	struct store_notice notices[4];
	size_t count = 9;
	char *document = NULL;

	ck_assert_int_eq(store_list_notices(store, notices, COUNT_OF(notices), &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	one.state = JOB_JUDGED;
	one.has_verdict = true;
	ck_assert_int_eq(store_save_with(store, &one, "{\"a\":1}", &err), 0);
	ck_assert_int_eq(store_save_with(store, &other, "{}", &err), 0);
	save(store, &one); /* without news: what waits stays */
	store_close(store);
	store = open_store(dir);
	ck_assert_int_eq(store_list_notices(store, notices, COUNT_OF(notices), &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(notices[0].comment, 6);
	ck_assert_int_eq(notices[1].comment, 7);
	ck_assert_int_eq(notices[1].tries, 0);
	ck_assert_int_eq(store_try_notice(store, 7, 500, &document, &err), 0);
	ck_assert_str_eq(document, "{\"a\":1}");
	free(document);
	ck_assert_int_eq(store_try_notice(store, 6, 400, &document, &err), 0);
	free(document);
	store_close(store);
	store = open_store(dir);
	ck_assert_int_eq(store_list_notices(store, notices, COUNT_OF(notices), &count, &err), 0);
	ck_assert_int_eq(notices[1].comment, 7);
	ck_assert_int_eq(notices[1].tries, 1);
	ck_assert_int_eq(notices[1].tried_s, 500);
	ck_assert_int_eq(store_list_notices(store, notices, 1, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(store_end_notice(store, 6, &err), 0);
	ck_assert_int_eq(store_end_notice(store, 6, &err), 0);
	ck_assert_int_eq(store_list_notices(store, notices, COUNT_OF(notices), &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(notices[0].comment, 7);
	ck_assert_int_eq(store_try_notice(store, 6, 1, &document, &err), -1);
	store_close(store);
}
END_TEST

START_TEST(job_survives_whole)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	AUTO(job) job = make_job(7);
	AUTO(job) read = {0};

	job.state = JOB_RUNNING;
	job.command = COMMAND_CANCEL;
	job.keep_min = 30;
	job.first_build = 40;
	job.behind = 2;
	job.suite_pr = 5;
	(void)copy_text(job.suite_ref, sizeof(job.suite_ref), "fedc");
	(void)copy_text(job.status_told, sizeof(job.status_told), "5ta7");
	(void)copy_text(job.status_tried, sizeof(job.status_tried), "5ta8");
	(void)copy_text(job.target, sizeof(job.target), "main");
	(void)copy_text(job.first_reason, sizeof(job.first_reason), "no engine");
	job.moved_s = 120;
	(void)copy_text(job.ref, sizeof(job.ref), "0123456789abcdef0123456789abcdef01234567");
	(void)copy_text(job.stages, sizeof(job.stages), "install,upgrade");
	(void)copy_text(job.from, sizeof(job.from), "1.0.0");
	job.wants_extra = true;
	job.build = 41;
	job.started_s = 130;
	job.has_verdict = true;
	job.verdict = VERDICT_TIMED_OUT;
	job.level = 2;
	(void)copy_text(job.reason, sizeof(job.reason), "it's 'quoted'; DROP TABLE job");
	job.results = xstrdup("{\"schema\":1}");
	job.reply = 99;
	(void)copy_text(job.told, sizeof(job.told), "abc");
	job.is_shrunk = true;
	job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_TRIED;
	job.effects[JOB_EFFECT_BUILD].tried_s = 125;
	job.effects[JOB_EFFECT_REACT].state = JOB_EFFECT_DONE;
	save(store, &job);
	store_close(store);

	store = open_store(dir);
	ck_assert_msg(store_load(store, 7, &read, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(read.repo, job.repo);
	ck_assert_str_eq(read.author, job.author);
	ck_assert_str_eq(read.ref, job.ref);
	ck_assert_str_eq(read.stages, job.stages);
	ck_assert_str_eq(read.from, job.from);
	ck_assert_str_eq(read.reason, job.reason);
	ck_assert_str_eq(read.results, job.results);
	ck_assert_str_eq(read.told, job.told);
	ck_assert_int_eq(read.state, JOB_RUNNING);
	ck_assert_int_eq(read.command, COMMAND_CANCEL);
	ck_assert_int_eq(read.keep_min, 30);
	ck_assert_int_eq(read.first_build, 40);
	ck_assert_str_eq(read.first_reason, "no engine");
	ck_assert_str_eq(read.target, "main");
	ck_assert_int_eq(read.behind, 2);
	ck_assert_int_eq(read.suite_pr, 5);
	ck_assert_str_eq(read.suite_ref, "fedc");
	ck_assert_str_eq(read.status_told, "5ta7");
	ck_assert_str_eq(read.status_tried, "5ta8");
	ck_assert_int_eq(read.verdict, VERDICT_TIMED_OUT);
	ck_assert_int_eq(read.build, 41);
	ck_assert_int_eq(read.reply, 99);
	ck_assert_int_eq(read.started_s, 130);
	ck_assert_int_eq(read.written_s, 100);
	ck_assert_int_eq(read.heard_s, 110);
	ck_assert_int_eq(read.moved_s, 120);
	ck_assert_int_eq(read.level, 2);
	ck_assert(read.wants_extra && read.is_shrunk && read.has_verdict);
	ck_assert_int_eq(read.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_TRIED);
	ck_assert_int_eq(read.effects[JOB_EFFECT_BUILD].tried_s, 125);
	ck_assert_int_eq(read.effects[JOB_EFFECT_REACT].state, JOB_EFFECT_DONE);
	ck_assert_int_eq(read.effects[JOB_EFFECT_REPLY].state, JOB_EFFECT_NONE);
	ck_assert_int_eq(store_load(store, 8, &read, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	store_close(store);
}
END_TEST

START_TEST(lists_what_is_left_to_do)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	int64_t ids[8];
	size_t count = 0;

	for (int64_t id = -1; id <= 4; id++) {
		struct job job = make_job(id);

		job.state = id == 0 || id == 2 || id == 3 ? JOB_ANSWERED : JOB_QUEUED;
		job.effects[JOB_EFFECT_DELETE].state = id == 3 ? JOB_EFFECT_TRIED : JOB_EFFECT_NONE;
		save(store, &job);
	}
	ck_assert_int_eq(store_list_active(store, INT64_MIN, ids, COUNT_OF(ids), &count, &err), 0);
	ck_assert_uint_eq(count, 4);
	ck_assert_int_eq(ids[0], -1);
	ck_assert_int_eq(ids[1], 1);
	ck_assert_int_eq(ids[2], 3);
	ck_assert_int_eq(ids[3], 4);
	ck_assert_int_eq(store_list_active(store, 1, ids, 1, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(ids[0], 3);
	store_close(store);
}
END_TEST

START_TEST(finds_older_answers)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job older = make_job(5);
	struct job newer = make_job(9);
	struct job other = make_job(6);
	int64_t ids[4];
	size_t count = 0;
	bool is_outdated = true;

	older.state = JOB_ANSWERED;
	older.has_verdict = true;
	older.reply = 50;
	save(store, &older);
	other.pr = 4;
	other.state = JOB_ANSWERED;
	other.has_verdict = true;
	other.reply = 51;
	save(store, &other);
	save(store, &newer);
	ck_assert_int_eq(store_is_outdated(store, &older, &is_outdated, &err), 0);
	ck_assert(!is_outdated);
	newer.started_s = 200;
	save(store, &newer);
	ck_assert_int_eq(store_is_outdated(store, &older, &is_outdated, &err), 0);
	ck_assert(is_outdated);
	ck_assert_int_eq(store_list_outdated(store, &newer, ids, COUNT_OF(ids), &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(ids[0], 5);
	/* A build by hand has its place by its time: after this one, before that. */
	struct job by_hand = make_job(-41);
	by_hand.written_s = 101;
	ck_assert_int_eq(store_list_outdated(store, &by_hand, ids, COUNT_OF(ids), &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	by_hand.written_s = 99;
	ck_assert_int_eq(store_list_outdated(store, &by_hand, ids, COUNT_OF(ids), &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(store_is_outdated(store, &by_hand, &is_outdated, &err), 0);
	ck_assert(is_outdated);
	store_close(store);
}
END_TEST

START_TEST(finds_refusals_of_one_author)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job job = make_job(20);
	struct store_refusals found;

	for (int64_t id = 1; id <= 3; id++) {
		struct job refused = make_job(id);

		refused.state = id == 1 ? JOB_REFUSED : JOB_ANSWERED;
		refused.heard_s = 100 * id;
		/* 3 was heard, and stayed without an answer. */
		(void)copy_text(refused.reason, sizeof(refused.reason),
		    id == 1   ? "You may not."
		    : id == 2 ? "Not 100%. Nor later."
			      : "");
		save(store, &refused);
	}
	ck_assert_int_eq(store_find_refusals(store, &job, 0, "You may not.", &found, &err), 0);
	ck_assert(found.count == 2 && found.has_reason);
	ck_assert_int_eq(store_find_refusals(store, &job, 150, "You may not.", &found, &err), 0);
	ck_assert(found.count == 1 && !found.has_reason);
	ck_assert_int_eq(store_find_refusals(store, &job, 0, "Not 100%.", &found, &err), 0);
	ck_assert(found.has_reason);
	ck_assert_int_eq(store_find_refusals(store, &job, 0, "You may.", &found, &err), 0);
	ck_assert(!found.has_reason);
	(void)copy_text(job.author, sizeof(job.author), "somebody");
	ck_assert_int_eq(store_find_refusals(store, &job, 0, "You may not.", &found, &err), 0);
	ck_assert(found.count == 0 && !found.has_reason);
	store_close(store);
}
END_TEST

START_TEST(knows_the_usual_time)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	static const int64_t seconds[] = {500, 60, 70, 65, 900, 10};
	int64_t usual_s = -1;

	ck_assert_int_eq(store_usual_s(store, "custom-html", &usual_s, &err), 0);
	ck_assert_int_eq(usual_s, 0);
	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		struct job job = make_job((int64_t)i + 1);

		job.state = JOB_ANSWERED;
		job.has_verdict = true;
		job.verdict = VERDICT_PASSED;
		job.started_s = 1000 * ((int64_t)i + 1);
		job.ended_s = job.started_s + seconds[i];
		save(store, &job);
	}
	/* The newest five: 60 70 65 900 10. */
	ck_assert_int_eq(store_usual_s(store, "custom-html", &usual_s, &err), 0);
	ck_assert_int_eq(usual_s, 65);
	store_close(store);
}
END_TEST

START_TEST(keeps_positions)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct store_position position = {.since_s = 5, .first_id = 6, .first_s = 7};
	struct store_position read;
	bool is_known = true;

	ck_assert_int_eq(store_get_position(store, "repo:a/b", &read, &is_known, &err), 0);
	ck_assert(!is_known);
	ck_assert_int_eq(store_set_position(store, "repo:a/b", &position, &err), 0);
	ck_assert_int_eq(store_probe(store, &err), 0);
	store_close(store);
	store = open_store(dir);
	ck_assert_int_eq(store_get_position(store, "repo:a/b", &read, &is_known, &err), 0);
	ck_assert(is_known);
	ck_assert_int_eq(read.since_s, 5);
	ck_assert_int_eq(read.first_id, 6);
	ck_assert_int_eq(read.first_s, 7);
	store_close(store);
}
END_TEST

START_TEST(second_bridge_is_refused)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct store *second = NULL;

	ck_assert_int_eq(store_open(dir, &second, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, "another process has") != NULL, "%s", err.msg);
	store_close(store);
}
END_TEST

/* A process that is killed after each of its saves: what was saved is there, nothing is half. */
START_TEST(killed_between_saves)
{
	auto_str char *dir = harness_dir();
	AUTO(job) read = {0};
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct store *store = NULL;
		struct job job = make_job(7);
		bool is_new = false;

		if (store_open(dir, &store, &err) < 0 ||
		    store_claim(store, &job, &is_new, &err) < 0)
			_exit(1);
		for (int i = 0; i <= _i; i++) {
			job.state = (enum job_state)(i % JOB_STATE_COUNT);
			job.build = i;
			job.effects[JOB_EFFECT_BUILD].state = JOB_EFFECT_TRIED;
			job.effects[JOB_EFFECT_BUILD].tried_s = i;
			if (store_save(store, &job, &err) < 0)
				_exit(1);
		}
		(void)kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	struct store *store = open_store(dir);
	ck_assert_msg(store_load(store, 7, &read, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(read.build, _i);
	ck_assert_int_eq(read.effects[JOB_EFFECT_BUILD].tried_s, _i);
	store_close(store);
}
END_TEST

START_TEST(full_disk_changes_nothing)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	AUTO(job) job = make_job(7);
	AUTO(job) read = {0};

	save(store, &job);
	store_limit_pages(store, 1);
	job.build = 41;
	job.results = xcalloc(1024 * 1024, 1);
	memset(job.results, 'x', 1024 * 1024 - 1);
	ck_assert_int_eq(store_save(store, &job, &err), -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_msg(store_load(store, 7, &read, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(read.build, 0);
	store_limit_pages(store, 1000000);
	save(store, &job);
	store_close(store);
}
END_TEST

static const struct {
	int64_t comment, pr;
	const char *repo, *ref;
	enum command_kind command;
	bool is_newer; /* than comment 20 */
	const char *suite_ref;
} head_rows[] = {
    {21, 3, "org/custom-html", "aaaa", COMMAND_TEST, true},
    {21, 4, "org/custom-html", "aaaa", COMMAND_TEST, true}, /* of another pull request too */
    {19, 3, "org/custom-html", "aaaa", COMMAND_TEST, false},
    {21, 3, "org/custom-html", "bbbb", COMMAND_TEST, false},
    {21, 3, "org/custom-html", "", COMMAND_TEST, false}, /* not decided, or refused */
    {21, 3, "org/other", "aaaa", COMMAND_TEST, false},
    {21, 0, "org/custom-html", "aaaa", COMMAND_TEST, false}, /* by night: it sets none */
    {21, 3, "org/custom-html", "aaaa", COMMAND_STATUS, false},
    {21, 3, "org/custom-html", "aaaa", COMMAND_TEST, false, "fedc"}, /* a trial: it sets none */
};

START_TEST(finds_a_newer_run_of_a_head)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	AUTO(job) job = make_job(20);
	AUTO(job) other = make_job(head_rows[_i].comment);
	bool has_newer = true;

	(void)copy_text(job.repo, sizeof(job.repo), "org/custom-html");
	(void)copy_text(job.ref, sizeof(job.ref), "aaaa");
	job.command = COMMAND_TEST;
	save(store, &job);
	ck_assert_int_eq(store_has_newer_of_head(store, &job, &has_newer, &err), 0);
	ck_assert(!has_newer);
	other.pr = head_rows[_i].pr;
	other.command = head_rows[_i].command;
	(void)copy_text(other.repo, sizeof(other.repo), head_rows[_i].repo);
	(void)copy_text(other.ref, sizeof(other.ref), head_rows[_i].ref);
	if (head_rows[_i].suite_ref)
		(void)copy_text(other.suite_ref, sizeof(other.suite_ref), head_rows[_i].suite_ref);
	save(store, &other);
	ck_assert_int_eq(store_has_newer_of_head(store, &job, &has_newer, &err), 0);
	ck_assert_int_eq(has_newer, head_rows[_i].is_newer);
	store_close(store);
}
END_TEST

START_TEST(finds_the_newest_run)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job asking = make_job(30);
	int64_t newest = 7;

	ck_assert_int_eq(store_find_newest(store, &asking, &newest, &err), 0);
	ck_assert_int_eq(newest, 0);
	for (int64_t comment = 10; comment < 15; comment++) {
		AUTO(job) job = make_job(comment);

		/* 12 was refused, 13 is another pull request's, 14 came with the question. */
		(void)copy_text(job.ref, sizeof(job.ref), comment == 12 ? "" : "0123");
		job.pr += comment == 13;
		job.comment += comment == 14 ? 100 : 0;
		save(store, &job);
	}
	ck_assert_int_eq(store_find_newest(store, &asking, &newest, &err), 0);
	ck_assert_int_eq(newest, 11);
	struct job by_hand = make_job(-41);
	by_hand.build = 41;
	save(store, &by_hand); /* by its time older than all */
	ck_assert_int_eq(store_find_newest(store, &asking, &newest, &err), 0);
	ck_assert_int_eq(newest, 11);
	by_hand.written_s = asking.written_s = 101;
	save(store, &by_hand);
	ck_assert_int_eq(store_find_newest(store, &asking, &newest, &err), 0);
	ck_assert_int_eq(newest, -41);
	job_release(&asking);
	store_close(store);
}
END_TEST

static void write_database(const char *dir, const char *sql)
{
	auto_str char *path = xasprintf("%s/%s", dir, STORE_FILE);
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* --- runs for the pages --- */

static char listed[512]; /* "recipe/build=outline;" of each run listed */

static void list_run(void *context, const struct job_brief *brief)
{
	auto_str char *before = xstrdup(listed);

	(void)context;
	(void)format_text(listed, sizeof(listed), "%s%s/%lld=%s;", before,
	    strchr(brief->repo, '/') + 1, (long long)brief->build, brief->outline);
}

static const char *list_runs(struct store *store, const struct store_wanted *wanted)
{
	listed[0] = '\0';
	ck_assert_msg(store_each_run(store, wanted, list_run, NULL, &err) == 0, "%s", err.msg);
	return listed;
}

#define SCHEMA 12 /* the newest; of each there is a store in tests/data */

/* Each schema that ever was, as its ccci-bridge wrote it: a job under way, an answered one. */
START_TEST(an_older_schema_is_brought_up)
{
	auto_str char *dir = harness_dir();
	auto_str char *name = xasprintf("schema-%d.sql", _i);
	AUTO(buf) sql = harness_data("store", name);

	write_database(dir, buf_text(&sql));
	for (int open = 0; open < 2; open++) {
		AUTO(job) job = {0};
		AUTO(job) done = {0};
		struct store_position position;
		struct store *store = open_store(dir);
		bool is_new = false, is_known = false;

		ck_assert_msg(store_load(store, 7, &job, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(job.state, JOB_RUNNING);
		ck_assert_int_eq(job.command, COMMAND_TEST);
		ck_assert_int_eq(job.build, 41);
		ck_assert_int_eq(job.first_build, 0);
		ck_assert_int_eq(job.effects[JOB_EFFECT_BUILD].state, JOB_EFFECT_DONE);
		ck_assert_msg(store_load(store, 5, &done, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(done.verdict, VERDICT_PASSED);
		ck_assert_int_eq(store_claim(store, &done, &is_new, &err), 0);
		ck_assert(!is_new);
		ck_assert_str_eq(list_runs(store, &(struct store_wanted){.shows_private = true}),
		    "custom-html/41=lint=pass:2.5;custom-html/40=lint=pass:2.5;");
		ck_assert_int_eq(
		    store_get_position(store, "repo:org/custom-html", &position, &is_known, &err),
		    0);
		ck_assert(is_known);
		ck_assert_int_eq(position.first_id, 5);
		save(store, &job);
		store_close(store);
	}
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
	auto_str char *dir = harness_dir();
	auto_str char *newer = xasprintf("PRAGMA user_version=%d;", SCHEMA + 1);
	auto_str char *says = xasprintf(
	    "was written by a newer ccci-bridge (its schema is %d, ours %d)", SCHEMA + 1, SCHEMA);
	struct store *store = open_store(dir);

	store_close(store);
	write_database(dir, newer);
	ck_assert_int_eq(store_open(dir, &store, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, says) != NULL, "%s", err.msg);
}
END_TEST

static void save_run(struct store *store, const char *repo, int64_t build, const char *results)
{
	AUTO(job) job = make_job(build);

	(void)copy_text(job.repo, sizeof(job.repo), repo);
	job.state = JOB_ANSWERED;
	job.command = COMMAND_TEST;
	job.build = build;
	job.has_verdict = true;
	job.results = results ? xstrdup(results) : NULL;
	save(store, &job);
}

static const char two_stages[] =
    "{\"stages\":[{\"name\":\"install\",\"outcome\":\"pass\",\"seconds\":9.5},"
    "{\"name\":\"lint\",\"outcome\":\"fail\",\"seconds\":1}]}";

START_TEST(lists_runs)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	struct job waiting = make_job(50);
	struct job command = make_job(51);
	const bool yes = true;

	save_run(store, "org/a", 41, two_stages);
	save_run(store, "org/b", 42, NULL);
	save_run(store, "org/a", 43, "{\"stages\":7}");
	save_run(store, "other/a", 44, "no JSON at all");
	waiting.command = COMMAND_TEST;
	command.command = COMMAND_STATUS;
	save(store, &waiting);
	save(store, &command);
	ck_assert_str_eq(list_runs(store, &(struct store_wanted){.shows_private = true}),
	    "a/44=;a/43=;a/41=install=pass:9.5 lint=fail:1;b/42=;");
	ck_assert_str_eq(list_runs(store, &(struct store_wanted){.shows_private = true, .most = 2}),
	    "a/44=;a/43=;");
	ck_assert_str_eq(
	    list_runs(store, &(struct store_wanted){.shows_private = true, .recipe = "b"}),
	    "b/42=;");
	ck_assert_str_eq(
	    list_runs(store,
		&(struct store_wanted){
		    .order = STORE_NEWEST, .shows_private = true, .before = 44, .most = 2}),
	    "a/43=;b/42=;");
	ck_assert_str_eq(
	    list_runs(store, &(struct store_wanted){.order = STORE_ACTIVE, .shows_private = true}),
	    "custom-html/0=;");
	/* What nobody said is public is not there. */
	ck_assert_str_eq(list_runs(store, &(struct store_wanted){0}), "");
	ck_assert_int_eq(store_note_repo(store, "Org/B", &yes, &err), 0);
	ck_assert_str_eq(list_runs(store, &(struct store_wanted){0}), "b/42=;");
	store_close(store);
}
END_TEST

START_TEST(knows_who_may_be_seen)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	const bool yes = true;
	const bool no = false;
	bool is_public = true;
	int64_t comment = 0;

	save_run(store, "org/a", 41, NULL);
	ck_assert_int_eq(store_is_public(store, "org/a", &is_public, &err), 0);
	ck_assert(!is_public);
	ck_assert_int_eq(store_find_build(store, 41, false, &comment, &err), 0);
	ck_assert_int_eq(comment, 0);
	ck_assert_int_eq(store_find_build(store, 41, true, &comment, &err), 0);
	ck_assert_int_eq(comment, 41);
	ck_assert_int_eq(store_note_repo(store, "org/a", &yes, &err), 0);
	ck_assert_int_eq(store_is_public(store, "ORG/a", &is_public, &err), 0);
	ck_assert(is_public);
	ck_assert_int_eq(store_find_build(store, 41, false, &comment, &err), 0);
	ck_assert_int_eq(comment, 41);
	/* The same again is no change. */
	int64_t generation = store_generation(store);
	ck_assert_int_eq(store_note_repo(store, "org/a", &yes, &err), 0);
	ck_assert_int_eq(store_generation(store), generation);
	ck_assert_int_eq(store_note_repo(store, "org/a", &no, &err), 0);
	ck_assert_int_ne(store_generation(store), generation);
	ck_assert_int_eq(store_find_build(store, 41, false, &comment, &err), 0);
	ck_assert_int_eq(comment, 0);
	ck_assert_int_eq(store_is_public(store, "org/a", &is_public, &err), 0);
	ck_assert(!is_public);
	ck_assert_int_eq(store_note_repo(store, "org/a", &yes, &err), 0);
	ck_assert_int_eq(store_note_repo(store, "org/a", NULL, &err), 0);
	ck_assert_int_eq(store_is_public(store, "org/a", &is_public, &err), 0);
	ck_assert(!is_public);
	store_close(store);
}
END_TEST

START_TEST(keeps_pictures)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_store(dir);
	AUTO(buf) picture = buf_make(64);
	AUTO(buf) read = {0};

	ck_assert_int_eq(buf_add(&picture, "\x89PNG\0x", 6), 0);
	ck_assert_int_eq(store_get_picture(store, 7, &read, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	ck_assert_int_eq(store_put_picture(store, 7, &picture, &err), 0);
	ck_assert_int_eq(store_put_picture(store, 7, &picture, &err), 0);
	ck_assert_int_eq(store_get_picture(store, 7, &read, &err), 0);
	ck_assert_uint_eq(read.length, 6);
	ck_assert_mem_eq(read.data, picture.data, 6);
	store_close(store);
}
END_TEST

/* --- forgetting --- */

static const struct past_row {
	int64_t comment;
	const char *repo;
	int64_t build; /* 0: no run */
	enum job_state state;
	bool is_green, has_deletion;
	int64_t moved_s;
	bool stays_when_old; /* runs before 1000 go, others before 2000 */
	bool stays_of_two;   /* of org/one the two newest do */
} past[] = {
    {1, "org/one", 10, JOB_ANSWERED, true, false, 100, false, false},
    {2, "org/one", 11, JOB_ANSWERED, true, false, 200, true, true}, /* the newest green one */
    {3, "org/one", 12, JOB_ANSWERED, false, false, 300, false, false},
    {4, "org/one", 13, JOB_ANSWERED, false, true, 400, true, true}, /* its build still goes on */
    {5, "org/one", 14, JOB_ANSWERED, false, false, 500, false, true},
    {6, "org/one", 15, JOB_ANSWERED, false, false, 600, true, true}, /* the newest run */
    {7, "org/two", 20, JOB_ANSWERED, false, false, 100, true, true}, /* its only one */
    {8, "org/two", 0, JOB_ANSWERED, false, false, 1500, false, true},
    {9, "org/two", 0, JOB_ANSWERED, false, false, 2500, true, true},
    {10, "org/one", 9, JOB_RUNNING, false, false, 100, true, true},
    {11, "org/one", 0, JOB_HEARD, false, false, 100, true, true},
    {-8, "org/one", 8, JOB_ANSWERED, false, false, 100, false, false}, /* by hand */
    {JOB_AUTO_FIRST + 5, "org/one", 7, JOB_ANSWERED, false, false, 100, false, false},
    {JOB_NIGHT_FIRST + 5, "org/one", 5, JOB_ANSWERED, false, false, 100, false, false},
    {JOB_NIGHT_FIRST + 6, "org/one", 6, JOB_ANSWERED, false, false, 100, true,
	true}, /* last night */
};

static struct job past_job(const struct past_row *row)
{
	struct job job = make_job(row->comment);

	(void)copy_text(job.repo, sizeof(job.repo), row->repo);
	(void)copy_text(job.ref, sizeof(job.ref), "0123");
	job.state = row->state;
	job.build = row->build;
	job.command = COMMAND_TEST;
	job.moved_s = row->moved_s;
	job.has_verdict = row->build && row->state == JOB_ANSWERED;
	job.verdict = row->is_green ? VERDICT_PASSED : VERDICT_RECIPE_FAILED;
	if (row->has_deletion)
		job.effects[JOB_EFFECT_DELETE].state = JOB_EFFECT_TRIED;
	return job;
}

static struct store *open_past(const char *dir)
{
	struct store *store = open_store(dir);

	for (size_t i = 0; i < COUNT_OF(past); i++) {
		struct job job = past_job(&past[i]);
		AUTO(buf) picture = buf_make(16);

		(void)buf_add_text(&picture, "picture");
		save(store, &job);
		ck_assert_int_eq(store_put_picture(store, job.comment, &picture, &err), 0);
	}
	return store;
}

/* Those that are to stay are there; those that went are known by their id, whatever comes again. */
static void check_left(struct store *store, bool is_about_age)
{
	static int64_t others; /* pull requests with the same head */

	for (size_t i = 0; i < COUNT_OF(past); i++) {
		bool stays = is_about_age ? past[i].stays_when_old : past[i].stays_of_two;
		struct job again = past_job(&past[i]);
		AUTO(job) read = {0};
		AUTO(buf) picture = {0};
		bool is_new = true;

		ck_assert_msg(
		    (store_load(store, past[i].comment, &read, &err) == 0) == stays, "row %zu", i);
		ck_assert_msg(
		    (store_get_picture(store, past[i].comment, &picture, &err) == 0) == stays,
		    "picture of row %zu", i);
		ck_assert_int_eq(store_claim(store, &again, &is_new, &err), 0);
		ck_assert_msg(!is_new, "row %zu is new again", i);
		if (!job_is_auto(&again))
			continue;
		is_new = true;
		ck_assert_int_eq(store_claim_head(store, &again, &is_new, &err), 0);
		ck_assert_msg(!is_new, "its head is new again");
		again.pr += ++others;
		ck_assert_int_eq(store_claim_head(store, &again, &is_new, &err), 0);
		ck_assert(is_new);
		ck_assert_int_gt(again.comment, past[i].comment);
	}
}

START_TEST(forgets_what_is_old)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_past(dir);
	size_t most = _i ? STORE_FORGET_MAX : 2;
	size_t all = 0;

	for (size_t count = most; count == most; all += count)
		ck_assert_msg(
		    store_forget_old(store, 1000, 2000, most, &count, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(all, 7);
	check_left(store, true);
	store_close(store);
	store = open_store(dir);
	check_left(store, true);
	store_close(store);
}
END_TEST

START_TEST(forgets_what_is_too_many)
{
	auto_str char *dir = harness_dir();
	struct store *store = open_past(dir);
	char recipe[64] = "";
	size_t count = 0;
	size_t all = 0;
	auto_str char *names = xstrdup("");

	for (;;) {
		ck_assert_int_eq(store_next_recipe(store, recipe, recipe, sizeof(recipe), &err), 0);
		if (!recipe[0])
			break;
		char *longer = xasprintf("%s%s ", names, recipe);
		free(names);
		names = longer;
		ck_assert_msg(
		    store_forget_runs(store, recipe, 2, STORE_FORGET_MAX, &count, &err) == 0, "%s",
		    err.msg);
		all += count;
	}
	ck_assert_str_eq(names, "one two ");
	ck_assert_uint_eq(all, 5);
	check_left(store, false);
	store_close(store);
}
END_TEST

static int64_t file_size(const char *dir)
{
	auto_str char *path = xasprintf("%s/%s", dir, STORE_FILE);
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_size;
}

/* A new file, and one that was made before there was anything to give back. */
START_TEST(gives_room_back)
{
	auto_str char *dir = harness_dir();
	AUTO(buf) sql = harness_data("store", "schema-7.sql");
	struct store_size size;
	size_t count = 0;
	bool is_done = false;

	if (_i)
		write_database(dir, buf_text(&sql));
	struct store *store = open_store(dir);
	ck_assert(store_gives_back(store));
	for (int64_t build = 100; build < 140; build++) {
		AUTO(job) job = make_job(build);

		job.state = JOB_ANSWERED;
		job.command = COMMAND_TEST;
		job.build = build;
		job.results = xcalloc(100001, 1);
		memset(job.results, 'x', 100000);
		save(store, &job);
	}
	ck_assert_int_eq(
	    store_forget_runs(store, "custom-html", 1, STORE_FORGET_MAX, &count, &err), 0);
	ck_assert_uint_ge(count, 39);
	ck_assert_int_eq(store_get_size(store, &size, &err), 0);
	ck_assert_int_gt(size.free_bytes, 3900000);
	for (int bites = 0; !is_done; bites++) {
		ck_assert_msg(store_give_back(store, 64, &is_done, &err) == 0, "%s", err.msg);
		ck_assert_int_lt(bites, 100);
		ck_assert_msg(is_done || bites < 20, "a bite gives nothing back");
	}
	ck_assert_int_eq(store_get_size(store, &size, &err), 0);
	ck_assert_int_eq(size.free_bytes, 0);
	ck_assert_int_eq(size.bytes, file_size(dir));
	ck_assert_int_lt(size.bytes, 400000);
	store_close(store);
}
END_TEST

START_TEST(garbage_is_refused)
{
	auto_str char *dir = harness_dir();
	auto_str char *path = xasprintf("%s/%s", dir, STORE_FILE);
	struct store *store = NULL;
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 4096; i++)
		(void)fputc('x', file);
	(void)fclose(file);
	ck_assert_int_eq(store_open(dir, &store, &err), -1);
	ck_assert_msg(
	    strstr(err.msg, "is damaged (file is not a database)") != NULL, "%s", err.msg);
}
END_TEST

static void add_repo(void *context, const char *repo)
{
	char *repos = context;
	size_t used = strlen(repos);

	(void)snprintf(repos + used, 64 - used, " %s", repo);
}

START_TEST(remembers_webhooks)
{
	auto_str char *dir = harness_dir();
	struct hook_memory memory = {.hook = 7, .url = "https://ci.example.org/hook", .mark = "a1"};
	struct hook_memory found = {.hook = 9};
	struct store *store = open_store(dir);

	ck_assert_int_eq(store_get_hook(store, "org/a", &found, &err), 0);
	ck_assert_int_eq(found.hook, 0);
	ck_assert_int_eq(store_set_hook(store, "org/a", &memory, &err), 0);
	memory.hook = 8;
	ck_assert_int_eq(store_set_hook(store, "ORG/a", &memory, &err), 0);
	store_close(store);
	store = open_store(dir);
	ck_assert_int_eq(store_get_hook(store, "org/A", &found, &err), 0);
	ck_assert_int_eq(found.hook, 8);
	ck_assert_str_eq(found.url, memory.url);
	ck_assert_str_eq(found.mark, "a1");
	ck_assert_int_eq(store_get_hook(store, "org/b", &found, &err), 0);
	ck_assert_int_eq(found.hook, 0);
	ck_assert_str_eq(found.url, "");

	char repos[64] = "";
	ck_assert_int_eq(store_set_hook(store, "org/b", &memory, &err), 0);
	ck_assert_int_eq(store_each_hook(store, add_repo, repos, &err), 0);
	ck_assert_str_eq(repos, " ORG/a org/b");
	ck_assert_int_eq(store_forget_hook(store, "org/A", &err), 0);
	ck_assert_int_eq(store_forget_hook(store, "org/never", &err), 0);
	repos[0] = '\0';
	ck_assert_int_eq(store_each_hook(store, add_repo, repos, &err), 0);
	ck_assert_str_eq(repos, " org/b");
	ck_assert_int_eq(store_get_hook(store, "org/a", &found, &err), 0);
	ck_assert_int_eq(found.hook, 0);
	store_close(store);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tests = tcase_create("store");

	tcase_add_test(tests, claims_once);
	tcase_add_test(tests, claims_a_head_once);
	tcase_add_test(tests, claims_a_night_once);
	tcase_add_test(tests, news_waits_to_be_told);
	tcase_add_test(tests, job_survives_whole);
	tcase_add_test(tests, lists_what_is_left_to_do);
	tcase_add_test(tests, finds_older_answers);
	tcase_add_test(tests, finds_refusals_of_one_author);
	tcase_add_test(tests, knows_the_usual_time);
	tcase_add_test(tests, keeps_positions);
	tcase_add_test(tests, second_bridge_is_refused);
	tcase_add_loop_test(tests, killed_between_saves, 0, 12);
	tcase_add_test(tests, full_disk_changes_nothing);
	tcase_add_loop_test(tests, finds_a_newer_run_of_a_head, 0, COUNT_OF(head_rows));
	tcase_add_test(tests, finds_the_newest_run);
	tcase_add_loop_test(tests, an_older_schema_is_brought_up, 1, SCHEMA + 1);
	tcase_add_test(tests, a_newer_schema_is_refused);
	tcase_add_test(tests, remembers_webhooks);
	tcase_add_test(tests, keeps_pictures);
	tcase_add_test(tests, lists_runs);
	tcase_add_test(tests, knows_who_may_be_seen);
	tcase_add_loop_test(tests, forgets_what_is_old, 0, 2);
	tcase_add_test(tests, forgets_what_is_too_many);
	tcase_add_loop_test(tests, gives_room_back, 0, 2);
	tcase_add_test(tests, garbage_is_refused);
	suite_add_tcase(suite, tests);
	return suite;
}
TEST_MAIN(make_suite)
