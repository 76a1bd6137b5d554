/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"
#include "scripted_server.h"

#include "bridge/peers/gitea.h"

#define HEAD "da38df64e9f47d7d31150d5abb788b8f43f2e0cc"
#define MAX_DATA (1024 * 1024)

/* --- forms --- */

START_TEST(knows_forms)
{
	static const char *const good[] = {"a/b", "recipe-maintainers/custom-html", "A.b_c-1/.x"};
	static const char *const bad[] = {"", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/.",
	    "-a/b", "a/-b", "a b/c", "a/b?x", "a/b%2e", "a/b\n", "\xc3\xa4/b", "a/${IFS}"};
	auto_str char *longest = xcalloc(202, 1);

	for (size_t i = 0; i < COUNT_OF(good); i++)
		ck_assert_msg(gitea_is_repo(good[i]), "%s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(!gitea_is_repo(bad[i]), "%s", bad[i]);
	(void)memset(longest, 'a', 201);
	longest[100] = '/';
	ck_assert(!gitea_is_repo(longest));
	ck_assert(gitea_is_sha(HEAD));
	ck_assert(!gitea_is_sha("DA38df64e9f47d7d31150d5abb788b8f43f2e0cc"));
	ck_assert(!gitea_is_sha("da38df64e9f47d7d31150d5abb788b8f43f2e0c"));
	ck_assert(!gitea_is_sha(HEAD "0"));
}
END_TEST

/* --- readers on what Gitea answered --- */

START_TEST(reads_search)
{
	AUTO(buf) text = harness_data("gitea", "issues-search.json");
	AUTO(gitea_issues) issues = {0};
	struct err err = {0};

	ck_assert_msg(gitea_read_issues(text.data, text.length, &issues, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(issues.count, 2);
	ck_assert_str_eq(issues.items[0].repo, "recipe-maintainers/private-notes");
	ck_assert_int_eq(issues.items[0].number, 1);
	ck_assert_int_eq(issues.items[0].updated_s, 1795318095);
	ck_assert_int_eq(issues.items[1].number, 2);
}
END_TEST

START_TEST(reads_the_head)
{
	AUTO(buf) text = harness_data("gitea", "commits-head.json");
	char sha[GITEA_SHA_SIZE] = "";
	struct err err = {0};

	ck_assert_msg(gitea_read_head(text.data, text.length, sha, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(sha, "5548e3ff7b44b5f38a47f376b332c86200f4a2dd");
}
END_TEST

START_TEST(reads_comments)
{
	AUTO(buf) text = harness_data("gitea", "comments-list.json");
	AUTO(gitea_comments) comments = {0};
	struct err err = {0};

	ck_assert_msg(
	    gitea_read_comments(text.data, text.length, &comments, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(comments.count, 3);
	ck_assert_int_eq(comments.items[0].id, 2);
	ck_assert_str_eq(comments.items[0].repo, "recipe-maintainers/custom-html");
	ck_assert_int_eq(comments.items[0].pr, 1);
	ck_assert_str_eq(comments.items[0].author, "member");
	ck_assert_str_eq(comments.items[0].body, "!testme edited");
	ck_assert_int_eq(comments.items[0].updated_s - comments.items[0].created_s, 60);
	ck_assert_int_eq(comments.items[1].id, 6);
	ck_assert_int_eq(comments.items[1].pr, 0); /* an issue's */
}
END_TEST

/* Anyone can write a NUL into a comment; it must not hide the others of the page. */
START_TEST(reads_nul)
{
	AUTO(buf) text = harness_data("gitea", "comments-nul.json");
	AUTO(gitea_comments) comments = {0};
	struct err err = {0};

	ck_assert_msg(
	    gitea_read_comments(text.data, text.length, &comments, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(comments.count, 8);
	ck_assert_str_eq(comments.items[7].body, "a\xef\xbf\xbd"
						 "b \xef\xbf\xbd x");
}
END_TEST

START_TEST(reads_pull)
{
	AUTO(buf) text = harness_data("gitea", "pull-get-fork.json");
	struct gitea_pull pull = {0};
	struct err err = {0};

	ck_assert_msg(gitea_read_pull(text.data, text.length, &pull, &err) == 0, "%s", err.msg);
	ck_assert(pull.is_open && !pull.is_merged);
	ck_assert_str_eq(pull.head_sha, "d0312d979b2e596734e36766f4eac2dabf664e1c");
	ck_assert_str_eq(pull.target, "main");
	ck_assert_str_eq(pull.author, "outsider");
	ck_assert(pull.branch[0] != '\0');
	ck_assert(!gitea_is_behind(&pull));
	pull.merge_base[0] = 'a';
	ck_assert(gitea_is_behind(&pull));
	pull.merge_base[0] = '7';
	ck_assert_str_eq(pull.target_sha, "7db7d340688cda8e0c37e7688825ecc3822ac0f6");
	ck_assert_str_eq(pull.merge_base, "7db7d340688cda8e0c37e7688825ecc3822ac0f6");
}
END_TEST

/* What nothing hangs on may be missing. */
START_TEST(reads_a_pull_without_a_target)
{
	static const char text[] =
	    "{\"state\":\"open\",\"merged\":false,\"merge_base\":\"\",\"base\":{\"sha\":\"-x\"},"
	    "\"head\":{\"sha\":\"d0312d979b2e596734e36766f4eac2dabf664e1c\"}}";
	struct gitea_pull pull = {0};
	struct err err = {0};

	ck_assert_msg(gitea_read_pull(text, strlen(text), &pull, &err) == 0, "%s", err.msg);
	ck_assert(!pull.target[0] && !pull.target_sha[0] && !pull.merge_base[0]);
	ck_assert(!pull.author[0] && !pull.branch[0] && !gitea_is_behind(&pull));
}
END_TEST

static const struct count_row {
	const char *text;
	int64_t count; /* -1: refused */
} count_rows[] = {
    {"{\"total_commits\":2,\"commits\":[{},{}]}", 2},
    {"{\"total_commits\":0,\"commits\":[]}", 0},
    {"{\"total_commits\":-1}", -1},
    {"{\"total_commits\":\"2\"}", -1},
    {"{}", -1},
    {"[]", -1},
    {"<html>", -1},
};

START_TEST(reads_a_comparison)
{
	const struct count_row *row = &count_rows[_i];
	struct err err = {0};
	int64_t count = -1;

	ck_assert_int_eq(
	    gitea_read_count(row->text, strlen(row->text), &count, &err), row->count < 0 ? -1 : 0);
	ck_assert_int_eq(count, row->count);
}
END_TEST

START_TEST(reads_timeline)
{
	AUTO(buf) text = harness_data("gitea", "timeline.json");
	struct gitea_timeline timeline = {0};
	struct err err = {0};
	size_t count = 0;

	ck_assert_msg(gitea_read_timeline(text.data, text.length, &timeline, &count, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_eq(count, 15);
	ck_assert_int_eq(timeline.push_id, 18);
	ck_assert_str_eq(timeline.push_sha, HEAD);
	ck_assert_int_eq(timeline.reopen_id, 17);
	/* A later page with older ids, or none, changes nothing. */
	ck_assert_int_eq(gitea_read_timeline("null", 4, &timeline, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(timeline.push_id, 18);
	/* A newer push that does not say where it ended is a push all the same. */
	static const char odd[] = "[{\"id\":19,\"type\":\"pull_push\",\"body\":\"x\"}]";
	ck_assert_int_eq(gitea_read_timeline(odd, sizeof(odd) - 1, &timeline, &count, &err), 0);
	ck_assert_int_eq(timeline.push_id, 19);
	ck_assert_str_eq(timeline.push_sha, "");
}
END_TEST

START_TEST(reads_directories_and_login)
{
	AUTO(buf) text = harness_data("gitea", "contents.json");
	AUTO(buf) user = harness_data("gitea", "user.json");
	AUTO(gitea_names) names = {0};
	auto_str char *login = NULL;
	struct err err = {0};

	ck_assert_int_eq(gitea_read_directories(text.data, text.length, &names, &err), 0);
	ck_assert_uint_eq(names.count, 1);
	ck_assert_str_eq(names.items[0], "custom-html");
	ck_assert_int_eq(gitea_read_login(user.data, user.length, &login, &err), 0);
	ck_assert_str_eq(login, "bot");
}
END_TEST

START_TEST(reads_repository)
{
	static const char text[] =
	    "{\"id\":7,\"full_name\":\"org/a\",\"archived\":true,"
	    "\"has_pull_requests\":false,\"created_at\":\"2026-11-22T03:10:00Z\"}";
	static const char bare[] =
	    "{\"id\":7,\"full_name\":\"org/a\",\"created_at\":\"2026-11-22T03:10:00Z\"}";
	struct gitea_repo repo = {0};
	struct err err = {.msg = ""};

	ck_assert_msg(gitea_read_repo(text, sizeof(text) - 1, &repo, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(repo.id, 7);
	ck_assert_str_eq(repo.name, "org/a");
	ck_assert(repo.is_archived && !repo.has_pulls);
	ck_assert_int_eq(repo.created_s, 1795317000);
	ck_assert_int_eq(gitea_read_repo(bare, sizeof(bare) - 1, &repo, &err), 0);
	ck_assert(!repo.is_archived && repo.has_pulls);
}
END_TEST

static const struct {
	const char *members;
	bool is_public;
} visibilities[] = {
    {"\"private\":false", true},
    {"\"private\":false,\"internal\":false,\"owner\":{\"visibility\":\"public\"}", true},
    {"\"private\":true", false},
    {"\"x\":1", false},
    {"\"private\":\"no\"", false},
    {"\"private\":false,\"internal\":true", false},
    {"\"private\":false,\"owner\":{\"visibility\":\"limited\"}", false},
    {"\"private\":false,\"owner\":{\"visibility\":\"private\"}", false},
    {"\"private\":false,\"owner\":{\"visibility\":7}", false},
};

START_TEST(knows_who_may_see_a_repository)
{
	auto_str char *text = xasprintf("{\"id\":7,\"full_name\":\"org/a\",\"created_at\":"
					"\"2026-11-22T03:10:00Z\",%s}",
	    visibilities[_i].members);
	struct gitea_repo repo = {0};
	struct err err;

	ck_assert_int_eq(gitea_read_repo(text, strlen(text), &repo, &err), 0);
	ck_assert_int_eq(repo.is_public, visibilities[_i].is_public);
}
END_TEST

/* --- readers on what makes no sense --- */

enum kind { ISSUES, COMMENTS, COMMENT, REPO, PULL, TIMELINE, DIRECTORIES, LOGIN, COMMIT };
static const struct bad_row {
	enum kind kind;
	const char *text;
	const char *why;
} bad_rows[] = {
    {ISSUES, "", "parse JSON"},
    {ISSUES, "{}", "it is no list"},
    {COMMENTS, "<html>", "parse JSON"},
    {COMMENTS, "[", "parse JSON"},
    {COMMENT, "null", "id"},
    {REPO, "null", "id"},
    {REPO, "{\"id\":1,\"full_name\":\"a/../b\"}", "full_name"},
    {REPO, "{\"id\":1,\"full_name\":\"a/b\",\"created_at\":7}", "created_at"},
    {PULL, "[]", "state"},
    {PULL, "{\"state\":\"ajar\"}", "state"},
    {PULL, "{\"state\":\"open\"}", "merged"},
    {PULL, "{\"state\":\"open\",\"merged\":false,\"head\":{\"sha\":\"-x\"}}", "head.sha"},
    {TIMELINE, "{}", "it is no list"},
    {COMMIT, "[]", "sha"},
    {COMMIT, "{}", "sha"},
    {COMMIT, "{\"x\":{\"sha\":\"" HEAD "\"}}", "sha"},
    {COMMIT, "[null]", "sha"},
    {COMMIT, "[{\"sha\":\"-x\"}]", "sha"},
    {COMMIT, "[{\"sha\":7}]", "sha"},
    {DIRECTORIES, "{\"type\":\"file\"}", "it is no list"},
    {LOGIN, "{\"login\":\"../x\"}", "login"},
    {LOGIN, "{\"login\":7}", "login"},
};

static int read_bad(const struct bad_row *row, struct err *err)
{
	size_t length = strlen(row->text);
	struct gitea_issues issues;
	struct gitea_comments comments;
	struct gitea_comment comment;
	struct gitea_repo repo;
	struct gitea_pull pull;
	struct gitea_timeline timeline = {0};
	struct gitea_names names;
	char *login = NULL;
	char sha[GITEA_SHA_SIZE];
	size_t count = 0;

	switch (row->kind) {
	case ISSUES:
		return gitea_read_issues(row->text, length, &issues, err);
	case COMMENTS:
		return gitea_read_comments(row->text, length, &comments, err);
	case COMMENT:
		return gitea_read_comment(row->text, length, &comment, err);
	case REPO:
		return gitea_read_repo(row->text, length, &repo, err);
	case PULL:
		return gitea_read_pull(row->text, length, &pull, err);
	case TIMELINE:
		return gitea_read_timeline(row->text, length, &timeline, &count, err);
	case DIRECTORIES:
		return gitea_read_directories(row->text, length, &names, err);
	case LOGIN:
		return gitea_read_login(row->text, length, &login, err);
	case COMMIT:
		return gitea_read_head(row->text, length, sha, err);
	}
	return 0;
}

START_TEST(refuses_row)
{
	struct err err = {0};

	ck_assert_int_eq(read_bad(&bad_rows[_i], &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_msg(strstr(err.msg, bad_rows[_i].why), "%s: %s", bad_rows[_i].text, err.msg);
}
END_TEST

/* One odd item between two good ones: those are read, it is counted. */
#define TIMES "\"created_at\":\"2026-11-22T03:24:12Z\",\"updated_at\":\"2026-11-22T03:24:12Z\""
#define USER "\"user\":{\"id\":2,\"login\":\"m\"}"
#define URL "\"pull_request_url\":\"http://h/a/b/pulls/1\""
#define COMMENT_OF(id, rest) "{\"id\":" id ",\"body\":\"\"," TIMES "," rest "}"
#define ISSUE_OF(number) "{\"repository\":{\"full_name\":\"a/b\"},\"number\":" number "," TIMES "}"
#define EVENT_OF(id) "{\"id\":" id ",\"type\":\"reopen\"}"
#define FOLDER_OF(name) "{\"name\":\"" name "\",\"type\":\"dir\"}"

static const struct odd_row {
	enum kind kind;
	const char *item;
	const char *why; /* NULL: it is not odd */
} odd_rows[] = {
    {ISSUES, "1", "repository.full_name"},
    {ISSUES, "null", "repository.full_name"},
    {ISSUES, "{\"repository\":{\"full_name\":\"a/b\"}}", "number"},
    {ISSUES, ISSUE_OF("\"3\""), "number"},
    {ISSUES, "{\"repository\":{\"full_name\":\"a/b\"},\"number\":1}", "updated_at"},
    {ISSUES, "{\"repository\":{\"full_name\":\"a/b\"},\"number\":1,\"updated_at\":\"x\"}",
	"updated_at"},
    /* No setting of ours can have that name: nobody is missing it. */
    {ISSUES, "{\"repository\":{\"full_name\":\"a/-b\"},\"number\":3," TIMES "}", NULL},
    {COMMENTS, "null", "id"},
    {COMMENTS, "[]", "id"},
    {COMMENTS, "\"x\"", "id"},
    {COMMENTS, COMMENT_OF("0", USER "," URL), "id"},
    {COMMENTS, COMMENT_OF("1.5", USER "," URL), "id"},
    {COMMENTS, COMMENT_OF("\"3\"", USER "," URL), "id"},
    {COMMENTS, "{\"id\":3,\"body\":null," TIMES "," USER "," URL "}", "body"},
    {COMMENTS, "{\"id\":3,\"body\":\"\"," USER "," URL "}", "created_at"},
    {COMMENTS, COMMENT_OF("3", USER), "issue_url"},
    {COMMENTS, COMMENT_OF("3", USER ",\"pull_request_url\":null,\"issue_url\":7"), "issue_url"},
    {COMMENTS, COMMENT_OF("3", USER ",\"pull_request_url\":\"x\""), "pull_request_url"},
    {COMMENTS, COMMENT_OF("3", USER ",\"pull_request_url\":\"http://h/a/b/pulls/0\""),
	"pull_request_url"},
    {COMMENTS, COMMENT_OF("3", USER ",\"pull_request_url\":\"http://h/a/../pulls/1\""),
	"pull_request_url"},
    {COMMENTS, COMMENT_OF("3", USER ",\"pull_request_url\":\"http://h/a/b/issues/1\""),
	"pull_request_url"},
    {COMMENTS, COMMENT_OF("3", URL), "user.login"},
    {COMMENTS, COMMENT_OF("3", URL ",\"user\":null"), "user.login"},
    {COMMENTS, COMMENT_OF("3", URL ",\"user\":[\"m\"]"), "user.login"},
    {TIMELINE, "null", "type"},
    {TIMELINE, "{\"id\":3}", "type"},
    {TIMELINE, "{\"id\":\"3\",\"type\":\"pull_push\"}", "id"},
    {DIRECTORIES, "null", "name or type"},
    {DIRECTORIES, "{\"type\":\"dir\"}", "name or type"},
};

static char *around(const struct odd_row *row)
{
	static const char *const heads[] = {
	    [ISSUES] = ISSUE_OF("1"),
	    [COMMENTS] = COMMENT_OF("1", USER "," URL),
	    [TIMELINE] = EVENT_OF("1"),
	    [DIRECTORIES] = FOLDER_OF("x"),
	};
	static const char *const tails[] = {
	    [ISSUES] = ISSUE_OF("2"),
	    [COMMENTS] = COMMENT_OF("2", USER "," URL),
	    [TIMELINE] = EVENT_OF("2"),
	    [DIRECTORIES] = FOLDER_OF("y"),
	};

	return xasprintf("[%s,%s,%s]", heads[row->kind], row->item, tails[row->kind]);
}

START_TEST(leaves_out_odd_items)
{
	const struct odd_row *row = &odd_rows[_i];
	auto_str char *text = around(row);
	size_t length = strlen(text);
	AUTO(gitea_issues) issues = {0};
	AUTO(gitea_comments) comments = {0};
	AUTO(gitea_names) names = {0};
	struct gitea_timeline timeline = {0};
	struct peer_odd odd = {0};
	struct err err = {.msg = ""};
	size_t count = 0;

	if (row->kind == ISSUES) {
		ck_assert_int_eq(gitea_read_issues(text, length, &issues, &err), 0);
		ck_assert_uint_eq(issues.count, 2);
		ck_assert_uint_eq(issues.length, 3);
		ck_assert_int_eq(issues.items[1].number, 2);
		odd = issues.odd;
	} else if (row->kind == COMMENTS) {
		ck_assert_int_eq(gitea_read_comments(text, length, &comments, &err), 0);
		ck_assert_uint_eq(comments.count, 2);
		ck_assert_int_eq(comments.items[1].id, 2);
		odd = comments.odd;
	} else if (row->kind == TIMELINE) {
		ck_assert_int_eq(gitea_read_timeline(text, length, &timeline, &count, &err), 0);
		ck_assert_uint_eq(count, 3);
		ck_assert_int_eq(timeline.reopen_id, 2);
		odd = timeline.odd;
	} else {
		ck_assert_int_eq(gitea_read_directories(text, length, &names, &err), 0);
		ck_assert_uint_eq(names.count, 2);
		odd = names.odd;
	}
	ck_assert_uint_eq(odd.count, row->why ? 1 : 0);
	ck_assert_msg(!row->why || strstr(odd.why, row->why), "%s: %s", row->item, odd.why);
}
END_TEST

/* Whose comment it is, so that no text passes for somebody's command who did not write it here. */
static const struct author_row {
	const char *members;
	const char *author;
} author_rows[] = {
    {USER, "m"},
    {USER ",\"original_author\":\"\",\"original_author_id\":0", "m"},
    {USER ",\"original_author\":null", "m"},
    {USER ",\"original_author\":\"somebody\",\"original_author_id\":7", ""}, /* migrated */
    {"\"user\":{\"id\":-1,\"login\":\"Ghost\"}", ""},			     /* deleted */
    {"\"user\":{\"id\":0,\"login\":\"m\"}", ""},
    {"\"user\":{\"login\":\"m\"}", ""},
    {"\"user\":{\"id\":2,\"login\":\"../m\"}", ""},
};

START_TEST(knows_whose_it_is)
{
	const struct author_row *row = &author_rows[_i];
	auto_str char *text =
	    xasprintf("{\"id\":1,\"body\":\"\"," TIMES "," URL ",%s}", row->members);
	AUTO(gitea_comment) comment = {0};
	struct err err = {.msg = ""};

	ck_assert_msg(gitea_read_comment(text, strlen(text), &comment, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(comment.author, row->author);
}
END_TEST

/* --- calls --- */

struct outcome_seen {
	bool is_done;
	int calls;
	enum err_code code;
	char message[256];
	size_t items, too_large;
	int64_t id, value;
	char text[64];
};

static void note(struct outcome_seen *seen, const struct err *err)
{
	seen->calls++;
	if (!err)
		return;
	seen->is_done = true;
	seen->code = err->code;
	(void)copy_text(seen->message, sizeof(seen->message), err->msg);
}

static void on_issues(void *context, struct gitea_issues *issues, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	if (!issues)
		return;
	seen->items += issues->count;
	seen->too_large += issues->too_large;
	seen->is_done = issues->is_last;
}

static void on_comments(void *context, struct gitea_comments *comments, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	if (!comments)
		return;
	seen->items += comments->count;
	seen->too_large += comments->too_large;
	seen->is_done = comments->is_last;
}

static void on_comment(void *context, struct gitea_comment *comment, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->id = comment ? comment->id : 0;
	seen->is_done = true;
}

static void on_pull(void *context, const struct gitea_pull *pull, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->id = pull && pull->is_open ? 1 : 0;
	seen->is_done = true;
}

static void on_timeline(void *context, const struct gitea_timeline *timeline, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->id = timeline ? timeline->push_id : 0;
	seen->value = timeline ? timeline->reopen_id : 0;
	seen->is_done = true;
}

static void on_member(void *context, const enum gitea_member *member, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->value = member ? (int64_t)*member : -1;
	seen->is_done = true;
}

static void on_names(void *context, struct gitea_names *names, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->items = names ? names->count : 0;
	seen->is_done = true;
}

static void on_login(void *context, const char *login, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	(void)copy_text(seen->text, sizeof(seen->text), login ? login : "");
	seen->is_done = true;
}

static void on_done(void *context, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->is_done = true;
}

/* One server, one client, one call. */
struct stage_set {
	struct scripted_server server;
	struct http *http;
	struct gitea *gitea;
	struct outcome_seen seen;
};

static void raise_curtain(struct stage_set *set, const struct exchange *script, size_t count)
{
	*set = (struct stage_set){.server = scripted_start(script, count)};
	set->http = http_new();
	set->gitea = gitea_new(set->http, set->server.url, "secret-token");
}

static void drop_curtain(struct stage_set *set)
{
	scripted_run(set->http, &set->seen.is_done);
	scripted_end(&set->server);
	ck_assert_ptr_null(strstr(set->seen.message, "secret-token"));
	gitea_free(set->gitea);
	http_free(set->http);
}

#define SEARCH "GET /api/v1/repos/issues/search?type=pulls&state=all&owner=org&since="
#define SINCE "2026-11-22T03:10:00Z"
#define SINCE_S 1795317000
#define AUTH "Authorization: token secret-token"

static char *page_of_comments(size_t first_id, size_t count)
{
	AUTO(buf) text = buf_make(MAX_DATA);

	ck_assert_int_eq(buf_add_char(&text, '['), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(buf_printf(&text,
				     "%s{\"id\":%zu,\"body\":\"b\",\"user\":{\"id\":2,\"login\":"
				     "\"m\"},\"created_at\":\"" SINCE "\","
				     "\"updated_at\":\"" SINCE "\",\"issue_url\":\"\","
				     "\"pull_request_url\":\"http://h/sub/org/a/pulls/%zu\"}",
				     i ? "," : "", first_id + i, (first_id + i) % 3 + 1),
		    0);
	ck_assert_int_eq(buf_add_char(&text, ']'), 0);
	return buf_take(&text);
}

#define LIST "GET /api/v1/repos/org/a/issues/comments?since=" SINCE

START_TEST(lists_page_by_page)
{
	auto_str char *full = page_of_comments(1, 50);
	auto_str char *rest = page_of_comments(51, 20);
	const struct exchange script[] = {
	    {LIST "&page=1&limit=50", AUTH, NULL, 200, "X-Total-Count: 70\r\n", full},
	    {LIST "&page=2&limit=50", AUTH, NULL, 200, "X-Total-Count: 70\r\n", rest},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_list_comments(set.gitea, "org/a", SINCE_S, on_comments, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.calls, 2);
	ck_assert_uint_eq(set.seen.items, 70);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

START_TEST(lists_those_of_one_pull)
{
	auto_str char *page = page_of_comments(1, 9);
	const struct exchange script[] = {
	    {LIST "&page=1&limit=50", AUTH, NULL, 200, "X-Total-Count: 9\r\n", page},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_list_pull_comments(set.gitea, "org/a", 2, SINCE_S, on_comments, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.calls, 1);
	ck_assert_uint_eq(set.seen.items, 3);
}
END_TEST

/* The 12th of 60 is too large: pages of 10, then of 1, then back to whole ones. */
START_TEST(steps_around_a_giant)
{
	auto_str char *ten = page_of_comments(1, 10);
	auto_str char *one = page_of_comments(11, 1);
	auto_str char *rest = page_of_comments(51, 10);
	struct exchange script[32];
	char lines[32][160];
	size_t count = 0;
	struct stage_set set;
#define STEP(page, limit, answered)                                                                \
	(void)format_text(                                                                         \
	    lines[count], sizeof(lines[count]), "%s&page=%d&limit=%d", LIST, page, limit);         \
	script[count] = (struct exchange){.request = lines[count],                                 \
	    .status = 200,                                                                         \
	    .headers = "X-Total-Count: 60\r\n",                                                    \
	    .answer = (answered) ? (answered) : "[",                                               \
	    .padding = (answered) ? 0 : GITEA_ANSWER_MAX_BYTES};                                   \
	count++
	STEP(1, 50, NULL);
	STEP(1, 10, ten);
	STEP(2, 10, NULL);
	STEP(11, 1, one);
	STEP(12, 1, NULL);
	for (int page = 13; page <= 20; page++) {
		STEP(page, 1, one);
	}
	for (int page = 3; page <= 5; page++) {
		STEP(page, 10, ten);
	}
	STEP(2, 50, rest);
	raise_curtain(&set, script, count);
	gitea_list_comments(set.gitea, "org/a", SINCE_S, on_comments, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	ck_assert_uint_eq(set.seen.items, 59);
	ck_assert_uint_eq(set.seen.too_large, 1);
}
END_TEST

START_TEST(searches_an_owner)
{
	AUTO(buf) page = harness_data("gitea", "issues-search.json");
	const struct exchange script[] = {
	    {SEARCH SINCE "&page=1&limit=50", AUTH, NULL, 200, "X-Total-Count: 2\r\n", page.data},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_search_pulls(set.gitea, "org", SINCE_S, on_issues, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.calls, 1);
	ck_assert_uint_eq(set.seen.items, 2);
}
END_TEST

/* Comments on code are missing in the middle; only an empty page is the end. */
START_TEST(reads_a_timeline_with_gaps)
{
#define TIME_LINE "GET /api/v1/repos/org/a/issues/7/timeline"
	const struct exchange script[] = {
	    {TIME_LINE "?page=1&limit=50", AUTH, NULL, 200, "X-Total-Count: 1\r\n",
		"[{\"id\":5,\"type\":\"reopen\"}]"},
	    {TIME_LINE "?page=2&limit=50", AUTH, NULL, 200, "X-Total-Count: 1\r\n",
		"[{\"id\":9,\"type\":\"pull_push\",\"body\":\"{}\"}]"},
	    {TIME_LINE "?page=3&limit=50", AUTH, NULL, 200, "X-Total-Count: 0\r\n", "null"},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_get_timeline(set.gitea, "org/a", 7, on_timeline, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.calls, 1);
	ck_assert_int_eq(set.seen.id, 9);
	ck_assert_int_eq(set.seen.value, 5);
}
END_TEST

static const struct member_row {
	int status;
	int64_t member; /* -1: an error */
	enum err_code code;
} member_rows[] = {
    {204, GITEA_MEMBER, ERR_NONE},
    {404, GITEA_NOT_MEMBER, ERR_NONE},
    {303, GITEA_BOT_OUTSIDE, ERR_NONE},
    {302, GITEA_BOT_OUTSIDE, ERR_NONE},
    {307, -1, ERR_PROTOCOL}, /* the organisation was renamed */
    {200, -1, ERR_PROTOCOL},
    {401, -1, ERR_DENIED},
    {403, -1, ERR_DENIED},
    {429, -1, ERR_TRANSIENT},
    {500, -1, ERR_TRANSIENT},
    {502, -1, ERR_TRANSIENT},
    {0, -1, ERR_TRANSIENT},
};

/* Only 204 is a yes, and a redirect is not followed. */
START_TEST(asks_for_membership)
{
	const struct member_row *row = &member_rows[_i];
	const struct exchange script[] = {
	    {"GET /api/v1/orgs/org/members/user", AUTH, NULL, row->status,
		row->status == 307 ? "Location: /api/v1/orgs/other/members/user\r\n"
				   : "Location: /api/v1/orgs/org/public_members/user\r\n",
		""},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_get_member(set.gitea, "org", "user", on_member, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.value, row->member);
	ck_assert_int_eq(set.seen.code, row->code);
}
END_TEST

static void on_repo(void *context, const struct gitea_repo *repo, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->is_done = true;
	(void)copy_text(seen->message, sizeof(seen->message), repo ? repo->name : err->msg);
}

static const struct moved_row {
	int status;
	const char *location;
	const char *name; /* NULL: an error */
} moved_rows[] = {
    {301, "/api/v1/repos/org/b", "org/b"},
    {307, "/api/v1/repos/other/a", "other/a"},
    {301, "http://h/sub/api/v1/repos/org/b", "org/b"},
    {301, "/api/v1/repos/org/b/issues", NULL},
    {301, "/api/v1/repos/../b", NULL},
    {301, "/org/b", NULL},
    {404, "/api/v1/repos/org/b", NULL},
};

START_TEST(tells_where_a_repository_went)
{
	const struct moved_row *row = &moved_rows[_i];
	auto_str char *location = xasprintf("Location: %s\r\n", row->location);
	const struct exchange script[] = {
	    {"GET /api/v1/repos/org/a", AUTH, NULL, row->status, location, ""},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_get_repo(set.gitea, "org/a", on_repo, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code == ERR_NONE, row->name != NULL);
	if (row->name)
		ck_assert_str_eq(set.seen.message, row->name);
}
END_TEST

START_TEST(asks_for_nobody)
{
	static const char *const names[] = {"", "..", "a/../b", "x?y"};
	const struct exchange script[] = {
	    {"GET /api/v1/orgs/org/members/-", AUTH, NULL, 404, NULL, "{}"},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_get_member(set.gitea, "org", names[_i], on_member, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.value, GITEA_NOT_MEMBER);
}
END_TEST

#define ONE_COMMENT                                                                                \
	"{\"id\":812,\"body\":\"x\",\"user\":{\"login\":\"bot\"},\"created_at\":\"" SINCE "\","    \
	"\"updated_at\":\"" SINCE "\",\"pull_request_url\":\"http://h/org/a/pulls/3\"}"

START_TEST(writes)
{
	const struct exchange script[] = {
	    {"POST /api/v1/repos/org/a/issues/3/comments", AUTH,
		"{\"body\":\"**ccci:** \\\"q\\\"\\n\"}", 201, NULL, ONE_COMMENT},
	    {"PATCH /api/v1/repos/org/a/issues/comments/812", "Content-Type: application/json",
		"{\"body\":\"new\"}", 200, NULL, ONE_COMMENT},
	    {"PATCH /api/v1/repos/org/a/issues/comments/813", AUTH, "{\"body\":\"new\"}", 404, NULL,
		"{}"},
	    {"POST /api/v1/repos/org/a/issues/comments/9/reactions", AUTH, "{\"content\":\"eyes\"}",
		201, NULL, "{}"},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_post_comment(set.gitea, "org/a", 3, "**ccci:** \"q\"\n", on_comment, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.id, 812);
	set.seen = (struct outcome_seen){0};
	gitea_edit_comment(set.gitea, "org/a", 812, "new", on_done, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	set.seen = (struct outcome_seen){0};
	gitea_edit_comment(set.gitea, "org/a", 813, "new", on_done, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.code, ERR_MISSING);
	ck_assert_str_eq(set.seen.message, "edit comment 813 of org/a: gitea answered 404");
	set.seen = (struct outcome_seen){0};
	gitea_react(set.gitea, "org/a", 9, "eyes", on_done, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

static void on_hooks(void *context, struct gitea_hooks *hooks, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	if (!hooks)
		return;
	seen->is_done = true;
	seen->items = hooks->count;
	seen->value = (int64_t)hooks->odd.count;
	if (hooks->count)
		seen->id = hooks->items[0].id;
}

static void on_hook(void *context, const struct gitea_hook *hook, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->is_done = true;
	seen->id = hook ? hook->id : 0;
}

static void on_status(void *context, const struct gitea_status *status, const struct err *err)
{
	struct outcome_seen *seen = context;

	note(seen, err);
	seen->is_done = true;
	seen->value = status ? (int64_t)status->state : -1;
	(void)copy_text(seen->text, sizeof(seen->text), status ? status->description : "");
}

#define HOOK(id, url, active, events)                                                              \
	"{\"id\":" id ",\"type\":\"gitea\",\"active\":" active ",\"events\":[" events              \
	"],\"config\":{\"content_type\":\"json\",\"url\":\"" url "\"}}"
#define HOOK_BODY                                                                                  \
	"{\"active\":true,\"events\":[\"pull_request_comment\"],\"config\":{\"url\":"              \
	"\"http://h/hook\",\"content_type\":\"json\",\"secret\":\"0123456789abcdef\"}"

static const struct hook_read_row {
	const char *text;
	struct gitea_hook hook; /* id 0: it makes no sense */
} hook_reads[] = {
    {HOOK("7", "http://h/hook", "true", "\"pull_request_comment\""),
	{7, "http://h/hook", true, true, true, true}},
    {HOOK("7", "http://h/hook", "false", "\"pull_request_comment\",\"push\""),
	{7, "http://h/hook", false, true, true, false}},
    {HOOK("7", "", "true", "\"push\""), {7, "", true, true, true, false}},
    {HOOK("7", "", "true", ""), {7, "", true, true, true, false}},
    {"{\"id\":7,\"type\":\"slack\",\"active\":true,\"config\":{\"content_type\":\"form\"}}",
	{7, "", true, false, false, false}},
    {"{\"id\":7,\"active\":true}", {0}},
    {"{\"id\":7,\"type\":\"gitea\"}", {0}},
    {"{\"type\":\"gitea\",\"active\":true}", {0}},
    {"7", {0}},
};

START_TEST(reads_hook_row)
{
	const struct hook_read_row *row = &hook_reads[_i];
	struct gitea_hook hook = {0};
	struct err err = {0};
	int result = gitea_read_hook(row->text, strlen(row->text), &hook, &err);

	ck_assert_int_eq(result, row->hook.id ? 0 : -1);
	ck_assert_int_eq(hook.id, row->hook.id);
	ck_assert_str_eq(hook.url, row->hook.url);
	ck_assert_int_eq(hook.is_active, row->hook.is_active);
	ck_assert_int_eq(hook.is_gitea, row->hook.is_gitea);
	ck_assert_int_eq(hook.is_json, row->hook.is_json);
	ck_assert_int_eq(hook.is_for_comments, row->hook.is_for_comments);
}
END_TEST

START_TEST(reads_recorded_hooks_and_statuses)
{
	AUTO(buf) text = harness_data("gitea", "hooks.json");
	AUTO(buf) statuses = harness_data("gitea", "statuses.json");
	AUTO(gitea_hooks) hooks = {0};
	struct gitea_status status = {0};
	struct err err = {0};
	bool is_there = false;
	size_t count = 0;

	ck_assert_int_eq(gitea_read_hooks(text.data, text.length, &hooks, &count, &err), 0);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(hooks.count, 4);
	ck_assert(!hooks.items[0].is_active && !hooks.items[0].is_json);
	ck_assert(hooks.items[1].is_active && hooks.items[1].is_json);
	ck_assert(hooks.items[1].is_for_comments && hooks.items[1].is_gitea);
	ck_assert_str_eq(hooks.items[1].url, "http://example.org/hook");
	ck_assert(!hooks.items[2].is_gitea);
	ck_assert_int_eq(
	    gitea_read_status(statuses.data, statuses.length, "ccci", &status, &is_there, &err), 0);
	ck_assert(is_there);
	ck_assert_int_eq(status.state, GITEA_STATUS_SUCCESS);
	ck_assert_str_eq(status.description, "passed, level 4");
	ck_assert_str_eq(status.url, "http://127.0.0.1:1/x");
	ck_assert_int_eq(
	    gitea_read_status(statuses.data, statuses.length, "other", &status, &is_there, &err),
	    0);
	ck_assert_int_eq(status.state, GITEA_STATUS_OTHER);
}
END_TEST

START_TEST(keeps_hooks)
{
	const struct exchange script[] = {
	    {"GET /api/v1/repos/org/a/hooks?page=1&limit=50", AUTH, NULL, 200,
		"X-Total-Count: 51\r\n", "[" HOOK("6", "http://h/b", "true", "") "]"},
	    {"GET /api/v1/repos/org/a/hooks?page=2&limit=50", AUTH, NULL, 200,
		"X-Total-Count: 51\r\n", "[" HOOK("7", "http://h/a", "true", "") ",{\"id\":8}]"},
	    {"GET /api/v1/repos/org/a/hooks?page=1&limit=50", AUTH, NULL, 403, NULL, "{}"},
	    {"POST /api/v1/repos/org/a/hooks", AUTH, HOOK_BODY ",\"type\":\"gitea\"}", 201, NULL,
		HOOK("9", "http://h/hook", "true", "")},
	    {"PATCH /api/v1/repos/org/a/hooks/9", AUTH, HOOK_BODY "}", 200, NULL,
		HOOK("9", "http://h/hook", "true", "")},
	    {"DELETE /api/v1/repos/org/a/hooks/9", AUTH, NULL, 204, NULL, ""},
	};
	const struct gitea_hook_wanted wanted = {"http://h/hook", "0123456789abcdef"};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_list_hooks(set.gitea, "org/a", on_hooks, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_uint_eq(set.seen.items, 2);
	ck_assert_int_eq(set.seen.id, 6);
	ck_assert_int_eq(set.seen.value, 1);
	set.seen = (struct outcome_seen){0};
	gitea_list_hooks(set.gitea, "org/a", on_hooks, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.code, ERR_DENIED);
	ck_assert_str_eq(set.seen.message, "list webhooks of org/a: gitea answered 403");
	set.seen = (struct outcome_seen){0};
	gitea_create_hook(set.gitea, "org/a", &wanted, on_hook, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.id, 9);
	set.seen = (struct outcome_seen){0};
	gitea_edit_hook(set.gitea, "org/a", 9, &wanted, on_hook, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.id, 9);
	set.seen = (struct outcome_seen){0};
	gitea_delete_hook(set.gitea, "org/a", 9, on_done, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

#define STATUSES                                                                                   \
	"[{\"id\":9,\"context\":\"other\",\"status\":\"success\"},"                                \
	"{\"id\":3,\"context\":\"ccci\",\"status\":\"success\"},"                                  \
	"{\"id\":4,\"context\":\"ccci\",\"status\":\"failure\",\"description\":\"no\"},"           \
	"{\"id\":2,\"context\":\"ccci\",\"status\":\"success\"}]"

START_TEST(keeps_statuses)
{
	const struct exchange script[] = {
	    {"POST /api/v1/repos/org/a/statuses/" HEAD, AUTH,
		"{\"context\":\"ccci\",\"state\":\"error\",\"description\":\"d\",\"target_url\":"
		"\"http://h/41\"}",
		201, NULL, "{}"},
	    {"GET /api/v1/repos/org/a/commits/" HEAD "/statuses?sort=leastindex&page=1&limit=50",
		AUTH, NULL, 200, NULL, STATUSES},
	    {"GET /api/v1/repos/org/a/commits/" HEAD "/statuses?sort=leastindex&page=1&limit=50",
		AUTH, NULL, 200, NULL, "[{\"id\":7,\"context\":\"ccci\",\"status\":\"warning\"}]"},
	    {"GET /api/v1/repos/org/a/commits/" HEAD "/statuses?sort=leastindex&page=1&limit=50",
		AUTH, NULL, 200, NULL, "[]"},
	};
	const struct gitea_status status = {GITEA_STATUS_ERROR, "d", "http://h/41"};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_set_status(set.gitea, "org/a", HEAD, "ccci", &status, on_done, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
	set.seen = (struct outcome_seen){0};
	gitea_get_status(set.gitea, "org/a", HEAD, "ccci", on_status, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.value, GITEA_STATUS_FAILURE);
	ck_assert_str_eq(set.seen.text, "no");
	set.seen = (struct outcome_seen){0};
	gitea_get_status(set.gitea, "org/a", HEAD, "ccci", on_status, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.value, GITEA_STATUS_OTHER);
	set.seen = (struct outcome_seen){0};
	gitea_get_status(set.gitea, "org/a", HEAD, "ccci", on_status, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.value, -1);
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

START_TEST(reads_single_things)
{
	AUTO(buf) pull = harness_data("gitea", "pull-get-fork.json");
	AUTO(buf) contents = harness_data("gitea", "contents.json");
	AUTO(buf) user = harness_data("gitea", "user.json");
	const struct exchange script[] = {
	    {"GET /api/v1/repos/org/a/issues/comments/812", AUTH, NULL, 200, NULL, ONE_COMMENT},
	    {"GET /api/v1/repos/org/a/pulls/2", AUTH, NULL, 200, NULL, pull.data},
	    {"GET /api/v1/repos/org/ci/contents/tests/recipes?ref=a%2Fb", AUTH, NULL, 200, NULL,
		contents.data},
	    {"GET /api/v1/user", AUTH, NULL, 200, NULL, user.data},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	gitea_get_comment(set.gitea, "org/a", 812, on_comment, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.id, 812);
	set.seen.is_done = false;
	gitea_get_pull(set.gitea, "org/a", 2, on_pull, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_eq(set.seen.id, 1);
	set.seen.is_done = false;
	gitea_list_directories(set.gitea, "org/ci", "a/b", "tests/recipes", on_names, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_uint_eq(set.seen.items, 1);
	set.seen.is_done = false;
	gitea_whoami(set.gitea, on_login, &set.seen);
	drop_curtain(&set);
	ck_assert_str_eq(set.seen.text, "bot");
	ck_assert_int_eq(set.seen.code, ERR_NONE);
}
END_TEST

static const struct answer_row {
	struct exchange exchange;
	enum err_code code;
	const char *why;
} answer_rows[] = {
#define PULL_2 "GET /api/v1/repos/org/a/pulls/2", AUTH, NULL
    {{PULL_2, 401, NULL, "{}"}, ERR_DENIED, "gitea answered 401"},
    {{PULL_2, 403, NULL, ""}, ERR_DENIED, "gitea answered 403"},
    {{PULL_2, 404, NULL, "{}"}, ERR_MISSING, "gitea answered 404"},
    {{PULL_2, 422, NULL, "{}"}, ERR_PROTOCOL, "gitea answered 422"},
    {{PULL_2, 408, NULL, ""}, ERR_TRANSIENT, "gitea answered 408"},
    {{PULL_2, 429, NULL, ""}, ERR_TRANSIENT, "gitea answered 429"},
    {{PULL_2, 500, NULL, "{\"message\":\"\"}"}, ERR_TRANSIENT, "gitea answered 500"},
    {{PULL_2, 503, NULL, ""}, ERR_TRANSIENT, "gitea answered 503"},
    {{PULL_2, 302, "Location: http://127.0.0.1:1/\r\n", ""}, ERR_PROTOCOL, "gitea answered 302"},
    {{PULL_2, 200, NULL, "<html>"}, ERR_PROTOCOL, "parse JSON"},
    {{PULL_2, 200, NULL, ""}, ERR_PROTOCOL, "parse JSON"},
    {{PULL_2, 200, NULL, "{\"number\":2", 0, true}, ERR_TRANSIENT, "pull request org/a #2"},
    {{PULL_2, 200, NULL, "{", GITEA_ANSWER_MAX_BYTES}, ERR_LIMIT, "pull request org/a #2"},
    {{PULL_2, 0, NULL, NULL}, ERR_TRANSIENT, "pull request org/a #2"},
};

START_TEST(answers_become_codes)
{
	const struct answer_row *row = &answer_rows[_i];
	struct stage_set set;

	raise_curtain(&set, &row->exchange, 1);
	gitea_get_pull(set.gitea, "org/a", 2, on_pull, &set.seen);
	drop_curtain(&set);
	ck_assert_int_eq(set.seen.calls, 1);
	ck_assert_msg(set.seen.code == row->code, "%d: %s", set.seen.code, set.seen.message);
	ck_assert_msg(strstr(set.seen.message, row->why), "%s", set.seen.message);
}
END_TEST

START_TEST(remembers_retry_after)
{
	const struct exchange script[] = {
	    {"GET /api/v1/user", AUTH, NULL, 429, "Retry-After: 7\r\n", ""},
	};
	struct stage_set set;

	raise_curtain(&set, script, COUNT_OF(script));
	ck_assert_int_eq(gitea_retry_after_ms(set.gitea), 0);
	gitea_whoami(set.gitea, on_login, &set.seen);
	scripted_run(set.http, &set.seen.is_done);
	ck_assert_int_gt(gitea_retry_after_ms(set.gitea), 6000);
	ck_assert_int_le(gitea_retry_after_ms(set.gitea), 7000);
	drop_curtain(&set);
}
END_TEST

/* Freed with calls under way: no callback, nothing leaks (ASan says). */
START_TEST(frees_what_is_under_way)
{
	struct http *http = http_new();
	struct gitea *gitea = gitea_new(http, "http://127.0.0.1:1/", "secret-token");
	struct outcome_seen seen = {0};
	struct err err;

	gitea_list_comments(gitea, "org/a", SINCE_S, on_comments, &seen);
	gitea_whoami(gitea, on_login, &seen);
	gitea_free(gitea);
	ck_assert_int_eq(http_poll(http, NULL, 0, 10, &err), 0);
	ck_assert_int_eq(seen.calls, 0);
	ck_assert_uint_eq(http_pending(http), 0);
	http_free(http);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gitea");
	TCase *tests = tcase_create("gitea");

	tcase_set_timeout(tests, 20);
	tcase_add_test(tests, knows_forms);
	tcase_add_test(tests, reads_search);
	tcase_add_test(tests, reads_the_head);
	tcase_add_test(tests, reads_comments);
	tcase_add_test(tests, reads_nul);
	tcase_add_test(tests, reads_pull);
	tcase_add_test(tests, reads_a_pull_without_a_target);
	tcase_add_loop_test(tests, reads_a_comparison, 0, COUNT_OF(count_rows));
	tcase_add_test(tests, reads_timeline);
	tcase_add_test(tests, reads_directories_and_login);
	tcase_add_loop_test(tests, refuses_row, 0, COUNT_OF(bad_rows));
	tcase_add_loop_test(tests, leaves_out_odd_items, 0, COUNT_OF(odd_rows));
	tcase_add_loop_test(tests, knows_whose_it_is, 0, COUNT_OF(author_rows));
	tcase_add_test(tests, lists_page_by_page);
	tcase_add_test(tests, lists_those_of_one_pull);
	tcase_add_test(tests, steps_around_a_giant);
	tcase_add_test(tests, searches_an_owner);
	tcase_add_test(tests, reads_a_timeline_with_gaps);
	tcase_add_loop_test(tests, asks_for_membership, 0, COUNT_OF(member_rows));
	tcase_add_loop_test(tests, asks_for_nobody, 0, 4);
	tcase_add_loop_test(tests, tells_where_a_repository_went, 0, COUNT_OF(moved_rows));
	tcase_add_test(tests, reads_repository);
	tcase_add_loop_test(tests, knows_who_may_see_a_repository, 0, COUNT_OF(visibilities));
	tcase_add_test(tests, writes);
	tcase_add_loop_test(tests, reads_hook_row, 0, COUNT_OF(hook_reads));
	tcase_add_test(tests, reads_recorded_hooks_and_statuses);
	tcase_add_test(tests, keeps_hooks);
	tcase_add_test(tests, keeps_statuses);
	tcase_add_test(tests, reads_single_things);
	tcase_add_loop_test(tests, answers_become_codes, 0, COUNT_OF(answer_rows));
	tcase_add_test(tests, remembers_retry_after);
	tcase_add_test(tests, frees_what_is_under_way);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
