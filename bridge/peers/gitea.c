/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/peers/gitea.h"

#include "common/clock.h"

#include <ctype.h>

#define NAME_MAX_BYTES 100 /* of a repository; users have at most 40 */
#define NOBODY "-"	   /* a name Gitea reserves: asking about it answers "no such user" */

/* --- forms --- */

static bool is_name(const char *text, size_t length)
{
	if (!length || length > NAME_MAX_BYTES || text[0] == '-')
		return false;
	if ((length == 1 && text[0] == '.') || (length == 2 && memcmp(text, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isascii(text[i]) || (!isalnum(text[i]) && !strchr("-_.", text[i])))
			return false;
	}
	return true;
}

bool gitea_is_name(const char *text)
{
	return is_name(text, strlen(text));
}

bool gitea_is_repo(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && strlen(text) < GITEA_REPO_SIZE && is_name(text, (size_t)(slash - text)) &&
	       gitea_is_name(slash + 1);
}

bool gitea_is_sha(const char *text)
{
	return strspn(text, "0123456789abcdef") == GITEA_SHA_SIZE - 1 &&
	       text[GITEA_SHA_SIZE - 1] == '\0';
}

/* --- release --- */

void gitea_issues_release(struct gitea_issues *issues)
{
	free(issues->items);
	*issues = (struct gitea_issues){0};
}

void gitea_comment_release(struct gitea_comment *comment)
{
	free(comment->author);
	free(comment->body);
	*comment = (struct gitea_comment){0};
}

void gitea_comments_release(struct gitea_comments *comments)
{
	for (size_t i = 0; i < comments->count; i++)
		gitea_comment_release(&comments->items[i]);
	free(comments->items);
	*comments = (struct gitea_comments){0};
}

void gitea_names_release(struct gitea_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct gitea_names){0};
}

void gitea_hooks_release(struct gitea_hooks *hooks)
{
	free(hooks->items);
	*hooks = (struct gitea_hooks){0};
}

/* --- readers --- */

static int misses(struct err *err, const char *what, const char *member)
{
	return err_set(err, ERR_PROTOCOL, "read %s: %s is missing or wrong", what, member);
}

static struct json *parse_list(const char *text, size_t length, const char *what, struct err *err)
{
	struct json *root = peer_parse(text, length, err);

	if (!root) {
		(void)err_prefix(err, "read %s", what);
		return NULL;
	}
	/* Gitea writes some empty lists as null. */
	if (!json_is_array(root) && !json_is_null(root)) {
		json_free(root);
		(void)err_set(err, ERR_PROTOCOL, "read %s: it is no list", what);
		return NULL;
	}
	return root;
}

static bool get_time(const struct json *object, const char *key, int64_t *out)
{
	const char *text = json_get_text(object, key);

	return text && clock_parse_rfc3339(text, out);
}

static bool get_id(const struct json *object, const char *key, int64_t most, int64_t *out)
{
	int64_t value = 0;

	if (!json_get_int(object, key, &value) || value < 1 || value > most)
		return false;
	*out = value;
	return true;
}

/*
 * "" when it is nobody's. A deleted user is the forge's Ghost, whose id is below 1; a migrated
 * comment shows who ran the migration as its user and its real author's name apart; a name that
 * cannot be one is nobody's. NULL: there is no user at all.
 */
static char *get_author(const struct json *object)
{
	const struct json *user = json_get(object, "user");
	const char *login = json_get_text(user, "login");
	const char *original = json_get_text(object, "original_author");
	int64_t id = 0;

	if (!login)
		return NULL;
	bool is_somebody = json_get_int(user, "id", &id) && id > 0 && !(original && *original) &&
			   gitea_is_name(login);
	return xstrdup(is_somebody ? login : "");
}

/* A name that no setting of ours can have is not enrolled either: it is left out silently. */
static int read_issue(
    const struct json *item, struct gitea_issue *out, bool *out_is_foreign, struct err *err)
{
	static const char what[] = "a pull request of a search";
	const char *repo = json_get_text(json_get(item, "repository"), "full_name");
	struct gitea_issue issue = {0};

	if (!repo)
		return misses(err, what, "repository.full_name");
	if (!get_id(item, "number", GITEA_PULL_MAX, &issue.number))
		return misses(err, what, "number");
	if (!get_time(item, "updated_at", &issue.updated_s))
		return misses(err, what, "updated_at");
	(void)get_id(json_get(item, "repository"), "id", INT64_MAX, &issue.repo_id);
	*out_is_foreign = !gitea_is_repo(repo) || !copy_text(issue.repo, sizeof(issue.repo), repo);
	*out = issue;
	return 0;
}

int gitea_read_issues(const char *text, size_t length, struct gitea_issues *out, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a search", err);
	AUTO(gitea_issues) issues = {0};

	if (!root)
		return -1;
	issues.length = json_count(root);
	issues.items = xcalloc(issues.length, sizeof(*issues.items));
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		bool is_foreign = false;
		struct err odd;

		if (read_issue(item, &issues.items[issues.count], &is_foreign, &odd) < 0)
			peer_add_odd(&issues.odd, &odd);
		else if (!is_foreign)
			issues.count++;
	}
	*out = issues;
	issues = (struct gitea_issues){0};
	return 0;
}

/* ".../owner/repo/KIND/7": a page's address, the server may live below a path. */
static bool read_page_url(
    const char *url, const char *kind, char repo[GITEA_REPO_SIZE], int64_t *out_number)
{
	char copy[512];
	char *number = NULL;
	char *word = NULL;
	char *name = NULL;
	char *owner = NULL;

	if (!copy_text(copy, sizeof(copy), url))
		return false;
	if (!(number = strrchr(copy, '/')))
		return false;
	*number++ = '\0';
	if (!(word = strrchr(copy, '/')) || !text_is(word + 1, kind))
		return false;
	*word = '\0';
	if (!(name = strrchr(copy, '/')))
		return false;
	*name = '\0';
	if (!(owner = strrchr(copy, '/')))
		return false;
	*name = '/';
	return parse_int64(number, 1, GITEA_PULL_MAX, out_number) && gitea_is_repo(owner + 1) &&
	       copy_text(repo, GITEA_REPO_SIZE, owner + 1);
}

static int read_comment(const struct json *item, struct gitea_comment *out, struct err *err)
{
	static const char what[] = "a comment";
	const char *pull_url = json_get_text(item, "pull_request_url");
	const char *issue_url = json_get_text(item, "issue_url");
	const char *body = json_get_text(item, "body");
	AUTO(gitea_comment) comment = {0};
	int64_t issue = 0;

	if (!get_id(item, "id", INT64_MAX, &comment.id))
		return misses(err, what, "id");
	if (!body)
		return misses(err, what, "body");
	if (!get_time(item, "created_at", &comment.created_s))
		return misses(err, what, "created_at");
	if (!get_time(item, "updated_at", &comment.updated_s))
		return misses(err, what, "updated_at");
	if (pull_url && *pull_url) {
		if (!read_page_url(pull_url, "pulls", comment.repo, &comment.pr))
			return misses(err, what, "pull_request_url");
	} else if (!issue_url || !read_page_url(issue_url, "issues", comment.repo, &issue)) {
		return misses(err, what, "issue_url");
	}
	comment.author = get_author(item);
	if (!comment.author)
		return misses(err, what, "user.login");
	comment.body = xstrdup(body);
	*out = comment;
	comment = (struct gitea_comment){0};
	return 0;
}

int gitea_read_comment(const char *text, size_t length, struct gitea_comment *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a comment");
	return read_comment(root, out, err);
}

int gitea_read_comments(
    const char *text, size_t length, struct gitea_comments *out, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a list of comments", err);
	AUTO(gitea_comments) comments = {0};

	if (!root)
		return -1;
	comments.items = xcalloc(json_count(root), sizeof(*comments.items));
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		struct err odd;

		if (read_comment(item, &comments.items[comments.count], &odd) < 0)
			peer_add_odd(&comments.odd, &odd);
		else
			comments.count++;
	}
	*out = comments;
	comments = (struct gitea_comments){0};
	return 0;
}

/*
 * A repository that is not private may still belong to an owner whom only some may see; what says
 * nothing of itself is not public. Source: Gitea 1.26, api.Repository and api.User.
 */
static bool says_public(const struct json *repo)
{
	const struct json *owner = json_path(repo, "owner.visibility");
	bool is_private = true;
	bool is_internal = false;

	(void)json_get_bool(repo, "private", &is_private);
	(void)json_get_bool(repo, "internal", &is_internal);
	return !is_private && !is_internal &&
	       (!owner || (json_text(owner) && text_is(json_text(owner), "public")));
}

int gitea_read_repo(const char *text, size_t length, struct gitea_repo *out, struct err *err)
{
	static const char what[] = "a repository";
	AUTO_PTR(json) root = peer_parse(text, length, err);
	struct gitea_repo repo = {.has_pulls = true};

	if (!root)
		return err_prefix(err, "read %s", what);
	const char *name = json_get_text(root, "full_name");

	if (!get_id(root, "id", INT64_MAX, &repo.id))
		return misses(err, what, "id");
	if (!name || !gitea_is_repo(name) || !copy_text(repo.name, sizeof(repo.name), name))
		return misses(err, what, "full_name");
	if (!get_time(root, "created_at", &repo.created_s))
		return misses(err, what, "created_at");
	(void)json_get_bool(root, "archived", &repo.is_archived);
	(void)json_get_bool(root, "has_pull_requests", &repo.has_pulls);
	repo.is_public = says_public(root);
	*out = repo;
	return 0;
}

int gitea_read_head(const char *text, size_t length, char out[GITEA_SHA_SIZE], struct err *err)
{
	static const char what[] = "the newest commit";
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read %s", what);
	const char *sha = json_get_text(json_first(root), "sha");
	if (!json_is_array(root) || !sha || !gitea_is_sha(sha))
		return misses(err, what, "sha");
	(void)copy_text(out, GITEA_SHA_SIZE, sha);
	return 0;
}

static void get_text(const struct json *object, const char *key, char *out, size_t out_size)
{
	const char *text = json_get_text(object, key);

	copy_head(out, out_size, text ? text : "");
}

static void get_sha(const struct json *object, const char *key, char out[GITEA_SHA_SIZE])
{
	const char *sha = json_get_text(object, key);

	if (!sha || !gitea_is_sha(sha) || !copy_text(out, GITEA_SHA_SIZE, sha))
		out[0] = '\0';
}

int gitea_read_pull(const char *text, size_t length, struct gitea_pull *out, struct err *err)
{
	static const char what[] = "a pull request";
	AUTO_PTR(json) root = peer_parse(text, length, err);
	struct gitea_pull pull = {0};

	if (!root)
		return err_prefix(err, "read %s", what);
	const char *state = json_get_text(root, "state");
	const char *sha = json_get_text(json_get(root, "head"), "sha");

	if (!state || (!text_is(state, "open") && !text_is(state, "closed")))
		return misses(err, what, "state");
	if (!json_get_bool(root, "merged", &pull.is_merged))
		return misses(err, what, "merged");
	if (!sha || !gitea_is_sha(sha) || !copy_text(pull.head_sha, sizeof(pull.head_sha), sha))
		return misses(err, what, "head.sha");
	pull.is_open = text_is(state, "open");
	get_text(json_get(root, "user"), "login", pull.author, sizeof(pull.author));
	get_text(json_get(root, "head"), "ref", pull.branch, sizeof(pull.branch));
	get_text(json_get(root, "base"), "ref", pull.target, sizeof(pull.target));
	get_sha(json_get(root, "base"), "sha", pull.target_sha);
	get_sha(root, "merge_base", pull.merge_base);
	*out = pull;
	return 0;
}

bool gitea_is_behind(const struct gitea_pull *pull)
{
	return pull->target_sha[0] && pull->merge_base[0] &&
	       !text_is(pull->target_sha, pull->merge_base);
}

int gitea_read_count(const char *text, size_t length, int64_t *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);
	int64_t count = 0;

	if (!root)
		return err_prefix(err, "read a comparison");
	if (!json_get_int(root, "total_commits", &count) || count < 0)
		return misses(err, "a comparison", "total_commits");
	*out = count;
	return 0;
}

/* The body of a push event is JSON in a text; "" when it does not say where the push ended. */
static void read_push_end(const char *body, char out[GITEA_SHA_SIZE])
{
	struct err ignored;
	AUTO_PTR(json) root = body ? peer_parse(body, strlen(body), &ignored) : NULL;
	const struct json *commits = json_get(root, "commit_ids");
	const char *last = NULL;

	for (const struct json *id = json_first(commits); id; id = json_next(id))
		last = json_text(id);
	if (!last || !gitea_is_sha(last) || !copy_text(out, GITEA_SHA_SIZE, last))
		out[0] = '\0';
}

static int fold_event(const struct json *event, struct gitea_timeline *timeline, struct err *err)
{
	const char *type = json_get_text(event, "type");
	int64_t id = 0;

	if (!type)
		return misses(err, "a timeline", "type");
	if (!get_id(event, "id", INT64_MAX, &id))
		return misses(err, "a timeline", "id");
	if (text_is(type, "pull_push") && id > timeline->push_id) {
		timeline->push_id = id;
		read_push_end(json_get_text(event, "body"), timeline->push_sha);
	} else if (text_is(type, "reopen") && id > timeline->reopen_id) {
		timeline->reopen_id = id;
	}
	return 0;
}

int gitea_read_timeline(const char *text, size_t length, struct gitea_timeline *timeline,
    size_t *out_count, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a timeline", err);
	struct gitea_timeline folded = *timeline;

	if (!root)
		return -1;
	for (const struct json *event = json_first(root); event; event = json_next(event)) {
		struct err odd;

		if (fold_event(event, &folded, &odd) < 0)
			peer_add_odd(&folded.odd, &odd);
	}
	*timeline = folded;
	*out_count = json_count(root);
	return 0;
}

int gitea_read_directories(
    const char *text, size_t length, struct gitea_names *out, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a directory", err);
	AUTO(gitea_names) names = {0};

	if (!root)
		return -1;
	names.items = xcalloc(json_count(root), sizeof(*names.items));
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		const char *name = json_get_text(item, "name");
		const char *type = json_get_text(item, "type");

		struct err odd;

		if (!name || !type) {
			(void)misses(&odd, "a directory", "name or type");
			peer_add_odd(&names.odd, &odd);
		} else if (text_is(type, "dir"))
			names.items[names.count++] = xstrdup(name);
	}
	*out = names;
	names = (struct gitea_names){0};
	return 0;
}

int gitea_read_login(const char *text, size_t length, char **out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a user");
	const char *login = json_get_text(root, "login");

	if (!login || !gitea_is_name(login))
		return misses(err, "a user", "login");
	*out = xstrdup(login);
	return 0;
}

static bool is_only_our_event(const struct json *events)
{
	const struct json *first = json_first(events);

	return json_count(events) == 1 && json_text(first) &&
	       text_is(json_text(first), GITEA_HOOK_EVENT);
}

static int read_hook(const struct json *item, struct gitea_hook *out, struct err *err)
{
	static const char what[] = "a webhook";
	const struct json *config = json_get(item, "config");
	const char *type = json_get_text(item, "type");
	const char *url = json_get_text(config, "url");
	const char *form = json_get_text(config, "content_type");
	struct gitea_hook hook = {0};

	if (!get_id(item, "id", INT64_MAX, &hook.id))
		return misses(err, what, "id");
	if (!type)
		return misses(err, what, "type");
	if (!json_get_bool(item, "active", &hook.is_active))
		return misses(err, what, "active");
	if (!url || !copy_text(hook.url, sizeof(hook.url), url))
		hook.url[0] = '\0';
	hook.is_gitea = text_is(type, "gitea");
	hook.is_json = form && text_is(form, "json");
	hook.is_for_comments = is_only_our_event(json_get(item, "events"));
	*out = hook;
	return 0;
}

int gitea_read_hook(const char *text, size_t length, struct gitea_hook *out, struct err *err)
{
	AUTO_PTR(json) root = peer_parse(text, length, err);

	if (!root)
		return err_prefix(err, "read a webhook");
	return read_hook(root, out, err);
}

int gitea_read_hooks(
    const char *text, size_t length, struct gitea_hooks *hooks, size_t *out_count, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a list of webhooks", err);

	if (!root)
		return -1;
	hooks->items = xrealloc_array(
	    hooks->items, hooks->count + json_count(root) + 1, sizeof(*hooks->items));
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		struct err odd;

		if (read_hook(item, &hooks->items[hooks->count], &odd) < 0)
			peer_add_odd(&hooks->odd, &odd);
		else
			hooks->count++;
	}
	*out_count = json_count(root);
	return 0;
}

static const char *const status_words[] = {
    [GITEA_STATUS_PENDING] = "pending",
    [GITEA_STATUS_SUCCESS] = "success",
    [GITEA_STATUS_FAILURE] = "failure",
    [GITEA_STATUS_ERROR] = "error",
};

static void read_status(const struct json *item, struct gitea_status *out)
{
	const char *word = json_get_text(item, "status");
	size_t at =
	    word ? text_index(status_words, COUNT_OF(status_words), word) : COUNT_OF(status_words);

	*out =
	    (struct gitea_status){.state = at < COUNT_OF(status_words) ? (enum gitea_status_state)at
								       : GITEA_STATUS_OTHER};
	get_text(item, "description", out->description, sizeof(out->description));
	get_text(item, "target_url", out->url, sizeof(out->url));
}

int gitea_read_status(const char *text, size_t length, const char *status_context,
    struct gitea_status *out, bool *out_is_there, struct err *err)
{
	AUTO_PTR(json) root = parse_list(text, length, "a list of commit statuses", err);
	int64_t newest = 0;

	if (!root)
		return -1;
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		const char *found = json_get_text(item, "context");
		int64_t id = 0;

		/* By id: the forge orders by whole seconds. */
		if (!found || !text_is(found, status_context) ||
		    !get_id(item, "id", INT64_MAX, &id) || id <= newest)
			continue;
		read_status(item, out);
		newest = id;
	}
	*out_is_there = newest > 0;
	return 0;
}

/* --- calls --- */

struct gitea {
	struct peer *peer;
};

/* One call of the caller's; lists and timelines make several requests of it. */
struct call {
	struct gitea *gitea;
	void *context;
	union {
		gitea_done done;
		gitea_repo_done repo;
		gitea_issues_done issues;
		gitea_comments_done comments;
		gitea_comment_done comment;
		gitea_pull_done pull;
		gitea_count_done count;
		gitea_sha_done sha;
		gitea_timeline_done timeline;
		gitea_member_done member;
		gitea_names_done names;
		gitea_login_done login;
		gitea_hooks_done hooks;
		gitea_hook_done hook;
		gitea_status_done status;
	} on;
	char *status_context; /* of a status that is asked for */
	/* Of lists: */
	char *what, *path; /* without page and limit */
	int64_t only_pr;   /* 0: of all */
	peer_done on_page;
	size_t offset; /* of the first item of the page asked for, a multiple of limit */
	size_t limit;
	size_t pages;
	size_t too_large; /* and not told yet */
	struct gitea_timeline folded;
	struct gitea_hooks hooks;
};

struct gitea *gitea_new(struct http *http, const char *url, const char *token)
{
	struct gitea *gitea = xcalloc(1, sizeof(*gitea));
	auto_str char *authorization = xasprintf("token %s", token);

	gitea->peer = peer_new(http, "gitea", url, authorization);
	return gitea;
}

void gitea_free(struct gitea *gitea)
{
	if (!gitea)
		return;
	peer_free(gitea->peer);
	free(gitea);
}

int64_t gitea_retry_after_ms(const struct gitea *gitea)
{
	return peer_retry_after_ms(gitea->peer);
}

size_t gitea_odd_count(const struct gitea *gitea)
{
	return peer_odd_count(gitea->peer);
}

uint64_t gitea_answer_count(const struct gitea *gitea, enum metrics_answer answer)
{
	return peer_answer_count(gitea->peer, answer);
}

static struct call *call_new(struct gitea *gitea, void *context)
{
	struct call *call = xcalloc(1, sizeof(*call));

	call->gitea = gitea;
	call->context = context;
	return call;
}

static void call_free(void *context)
{
	struct call *call = context;

	free(call->what);
	free(call->path);
	free(call->status_context);
	gitea_hooks_release(&call->hooks);
	free(call);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the ask takes them over */
static void send_ask(struct call *call, const char *method, char *take_what, char *take_path,
    struct json *take_body, peer_done done)
{
	struct peer_ask ask = {
	    .method = method,
	    .take_what = take_what,
	    .take_path = take_path,
	    .take_body = take_body,
	    .timeout_ms = GITEA_TIMEOUT_MS,
	    .max_bytes = GITEA_ANSWER_MAX_BYTES,
	};

	peer_send(call->gitea->peer, &ask, done, call_free, call);
}

/* --- lists, page by page --- */

static void ask_page(struct call *call)
{
	char *path = xasprintf("%s%cpage=%zu&limit=%zu", call->path,
	    strchr(call->path, '?') ? '&' : '?', call->offset / call->limit + 1, call->limit);

	assert(call->offset % call->limit == 0);
	call->pages++;
	send_ask(call, "GET", xstrdup(call->what), path, NULL, call->on_page);
}

static void start_list(struct call *call, char *take_what, char *take_path, peer_done on_page)
{
	call->what = take_what;
	call->path = take_path;
	call->on_page = on_page;
	call->limit = GITEA_PAGE;
	ask_page(call);
}

/* The largest page that begins at the offset. */
static size_t fitting_limit(size_t offset)
{
	static const size_t limits[] = {GITEA_PAGE, 10};

	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		if (offset % limits[i] == 0)
			return limits[i];
	}
	return 1;
}

static bool is_last_page(const struct call *call, size_t count, int64_t total)
{
	return total >= 0 ? call->offset + call->limit >= (size_t)total : count < call->limit;
}

static void ask_next_page(struct call *call)
{
	call->offset += call->limit;
	call->limit = fitting_limit(call->offset);
	ask_page(call);
}

/* A page that is too large is asked for in pieces; a piece of one item is left out. */
static bool ask_smaller_page(struct call *call, const struct err *err)
{
	if (!err || err->code != ERR_LIMIT || call->pages >= GITEA_PAGES_MAX)
		return false;
	if (call->limit == 1) {
		call->too_large++;
		ask_next_page(call);
	} else {
		call->limit = call->limit > 10 ? 10 : 1;
		ask_page(call);
	}
	return true;
}

/* The error of a page, if there is one: of the request, of the reading, or of the number of pages.
 */
static const struct err *page_error(const struct call *call, const struct err *err, int read_result,
    bool is_last, struct err *read_err)
{
	if (err)
		return err;
	if (read_result < 0)
		(void)err_prefix(read_err, "%s", call->what);
	else if (!is_last && call->pages >= GITEA_PAGES_MAX)
		(void)err_set(
		    read_err, ERR_LIMIT, "%s: more than %d pages", call->what, GITEA_PAGES_MAX);
	else
		return NULL;
	return read_err;
}

static void end_page(struct call *call, bool is_last)
{
	call->too_large = 0;
	if (is_last)
		call_free(call);
	else
		ask_next_page(call);
}

static void on_issues(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(gitea_issues) issues = {0};
	struct err read_err = {0};
	int result = 0;

	if (ask_smaller_page(call, err))
		return;
	if (!err) {
		result = gitea_read_issues(
		    buf_text(&response->body), response->body.length, &issues, &read_err);
		issues.is_last = is_last_page(call, issues.length, response->total_count);
		issues.too_large = call->too_large;
		peer_note_odd(call->gitea->peer, call->what, &issues.odd);
	}
	err = page_error(call, err, result, issues.is_last, &read_err);
	bool is_last = err || issues.is_last;
	call->on.issues(call->context, err ? NULL : &issues, err);
	end_page(call, is_last);
}

static void keep_only(struct gitea_comments *comments, int64_t pr)
{
	size_t kept = 0;

	for (size_t i = 0; i < comments->count; i++) {
		struct gitea_comment *comment = &comments->items[i];

		if (comment->pr == pr)
			comments->items[kept++] = *comment;
		else
			gitea_comment_release(comment);
	}
	comments->count = kept;
}

static void on_comments(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(gitea_comments) comments = {0};
	struct err read_err = {0};
	int result = 0;

	if (ask_smaller_page(call, err))
		return;
	if (!err) {
		result = gitea_read_comments(
		    buf_text(&response->body), response->body.length, &comments, &read_err);
		comments.is_last =
		    is_last_page(call, comments.count + comments.odd.count, response->total_count);
		comments.too_large = call->too_large;
		peer_note_odd(call->gitea->peer, call->what, &comments.odd);
	}
	err = page_error(call, err, result, comments.is_last, &read_err);
	if (call->only_pr)
		keep_only(&comments, call->only_pr);
	bool is_last = err || comments.is_last;
	call->on.comments(call->context, err ? NULL : &comments, err);
	end_page(call, is_last);
}

/*
 * The forge takes comments on lines of code out of a page after it has counted them, and
 * X-Total-Count is the length of the page: only an empty whole page is the end. Were one made of
 * such comments alone, newer pushes would stay unseen; then the head is not that of the newest
 * push, and policy_judge_push() refuses.
 */
static void on_timeline(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err read_err = {0};
	bool is_last = false;
	size_t count = 0;
	int result = 0;

	if (ask_smaller_page(call, err))
		return;
	if (!err) {
		result = gitea_read_timeline(buf_text(&response->body), response->body.length,
		    &call->folded, &count, &read_err);
		is_last = count == 0 && call->limit == GITEA_PAGE;
	}
	err = page_error(call, err, result, is_last, &read_err);
	if (!err && is_last)
		peer_note_odd(call->gitea->peer, call->what, &call->folded.odd);
	if (err || is_last)
		call->on.timeline(call->context, err ? NULL : &call->folded, err);
	end_page(call, err || is_last);
}

void gitea_search_pulls(
    struct gitea *gitea, const char *owner, int64_t since_s, gitea_issues_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	char since[CLOCK_RFC3339_SIZE];

	assert(gitea_is_name(owner));
	clock_format_rfc3339(since_s, since);
	call->on.issues = done;
	start_list(call, xasprintf("search pull requests of %s", owner),
	    xasprintf(
		"/api/v1/repos/issues/search?type=pulls&state=all&owner=%s&since=%s", owner, since),
	    on_issues);
}

void gitea_list_comments(
    struct gitea *gitea, const char *repo, int64_t since_s, gitea_comments_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	char since[CLOCK_RFC3339_SIZE];

	assert(gitea_is_repo(repo));
	clock_format_rfc3339(since_s, since);
	call->on.comments = done;
	start_list(call, xasprintf("list comments of %s", repo),
	    xasprintf("/api/v1/repos/%s/issues/comments?since=%s", repo, since), on_comments);
}

/*
 * From the comments of the repository: /issues/{n}/comments knows no pages, and in the timeline an
 * empty page is not the end (see on_timeline).
 */
void gitea_list_pull_comments(struct gitea *gitea, const char *repo, int64_t pr, int64_t since_s,
    gitea_comments_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	char since[CLOCK_RFC3339_SIZE];

	assert(gitea_is_repo(repo) && pr > 0);
	clock_format_rfc3339(since_s, since);
	call->on.comments = done;
	call->only_pr = pr;
	start_list(call, xasprintf("list comments of %s #%lld", repo, (long long)pr),
	    xasprintf("/api/v1/repos/%s/issues/comments?since=%s", repo, since), on_comments);
}

void gitea_get_timeline(
    struct gitea *gitea, const char *repo, int64_t pr, gitea_timeline_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && pr > 0);
	call->on.timeline = done;
	start_list(call, xasprintf("read the timeline of %s #%lld", repo, (long long)pr),
	    xasprintf("/api/v1/repos/%s/issues/%lld/timeline", repo, (long long)pr), on_timeline);
}

static void on_hooks(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err read_err = {0};
	bool is_last = false;
	size_t count = 0;
	int result = 0;

	if (ask_smaller_page(call, err))
		return;
	if (!err) {
		result = gitea_read_hooks(buf_text(&response->body), response->body.length,
		    &call->hooks, &count, &read_err);
		is_last = is_last_page(call, count, response->total_count);
	}
	err = page_error(call, err, result, is_last, &read_err);
	if (!err && is_last)
		peer_note_odd(call->gitea->peer, call->what, &call->hooks.odd);
	if (err || is_last)
		call->on.hooks(call->context, err ? NULL : &call->hooks, err);
	end_page(call, err || is_last);
}

void gitea_list_hooks(struct gitea *gitea, const char *repo, gitea_hooks_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo));
	call->on.hooks = done;
	start_list(call, xasprintf("list webhooks of %s", repo),
	    xasprintf("/api/v1/repos/%s/hooks", repo), on_hooks);
}

/* --- single answers --- */

/* "/api/v1/repos/owner/new-name": where a redirect says that a repository is. */
static bool read_moved(const struct http_response *response, struct gitea_repo *out)
{
	static const char mark[] = "/api/v1/repos/";
	const char *found = response && response->status >= 300 && response->status <= 399
				? strstr(response->location, mark)
				: NULL;

	return found && gitea_is_repo(found + strlen(mark)) &&
	       copy_text(out->name, sizeof(out->name), found + strlen(mark));
}

static void on_repo(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct gitea_repo repo = {0};
	struct err read_err = {0};

	if (err && read_moved(response, &repo))
		err = NULL;
	else if (!err && gitea_read_repo(buf_text(&response->body), response->body.length, &repo,
			     &read_err) < 0)
		err = &read_err;
	call->on.repo(call->context, err ? NULL : &repo, err);
	call_free(call);
}

void gitea_get_repo(struct gitea *gitea, const char *repo, gitea_repo_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo));
	call->on.repo = done;
	send_ask(call, "GET", xasprintf("look at %s", repo), xasprintf("/api/v1/repos/%s", repo),
	    NULL, on_repo);
}

static void on_head(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	char sha[GITEA_SHA_SIZE] = "";
	struct err read_err = {0};

	if (!err &&
	    gitea_read_head(buf_text(&response->body), response->body.length, sha, &read_err) < 0)
		err = &read_err;
	call->on.sha(call->context, err ? NULL : sha, err);
	call_free(call);
}

/* Without a branch it is the default one, whatever its name. Source: Gitea 1.26.0. */
void gitea_get_head(struct gitea *gitea, const char *repo, gitea_sha_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo));
	call->on.sha = done;
	send_ask(call, "GET", xasprintf("read the head of %s", repo),
	    xasprintf(
		"/api/v1/repos/%s/commits?limit=1&stat=false&verification=false&files=false", repo),
	    NULL, on_head);
}

static void on_comment(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(gitea_comment) comment = {0};
	struct err read_err = {0};

	if (!err && gitea_read_comment(
			buf_text(&response->body), response->body.length, &comment, &read_err) < 0)
		err = &read_err;
	call->on.comment(call->context, err ? NULL : &comment, err);
	call_free(call);
}

void gitea_get_comment(
    struct gitea *gitea, const char *repo, int64_t comment, gitea_comment_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && comment > 0);
	call->on.comment = done;
	send_ask(call, "GET", xasprintf("read comment %lld of %s", (long long)comment, repo),
	    xasprintf("/api/v1/repos/%s/issues/comments/%lld", repo, (long long)comment), NULL,
	    on_comment);
}

static void on_pull(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct gitea_pull pull = {0};
	struct err read_err = {0};

	if (!err &&
	    gitea_read_pull(buf_text(&response->body), response->body.length, &pull, &read_err) < 0)
		err = &read_err;
	call->on.pull(call->context, err ? NULL : &pull, err);
	call_free(call);
}

void gitea_get_pull(
    struct gitea *gitea, const char *repo, int64_t pr, gitea_pull_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && pr > 0);
	call->on.pull = done;
	send_ask(call, "GET", xasprintf("read pull request %s #%lld", repo, (long long)pr),
	    xasprintf("/api/v1/repos/%s/pulls/%lld", repo, (long long)pr), NULL, on_pull);
}

static void on_count(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct err read_err = {0};
	int64_t count = 0;

	if (!err && gitea_read_count(
			buf_text(&response->body), response->body.length, &count, &read_err) < 0)
		err = &read_err;
	call->on.count(call->context, err ? NULL : &count, err);
	call_free(call);
}

void gitea_count_ahead(struct gitea *gitea, const char *repo, const char *behind_sha,
    const char *sha, gitea_count_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && gitea_is_sha(behind_sha) && gitea_is_sha(sha));
	call->on.count = done;
	send_ask(call, "GET", xasprintf("compare commits of %s", repo),
	    xasprintf("/api/v1/repos/%s/compare/%s...%s", repo, behind_sha, sha), NULL, on_count);
}

static void on_member(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	enum gitea_member member = GITEA_NOT_MEMBER;
	struct err odd = {0};
	int status = response ? response->status : 0;

	if (status == 204) {
		member = GITEA_MEMBER;
	} else if (status == 404) {
		err = NULL;
	} else if (status >= 300 && status <= 399 &&
		   strstr(response->location, "/public_members/")) {
		/* Any other redirect says that the organisation was renamed. */
		member = GITEA_BOT_OUTSIDE;
		err = NULL;
	} else if (!err) {
		/* Only 204 says yes; a proxy's 200 does not. */
		(void)err_set(
		    &odd, ERR_PROTOCOL, "ask for a membership: gitea answered %d", status);
		err = &odd;
	}
	call->on.member(call->context, err ? NULL : &member, err);
	call_free(call);
}

void gitea_get_member(
    struct gitea *gitea, const char *org, const char *user, gitea_member_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_name(org));
	call->on.member = done;
	send_ask(call, "GET", xasprintf("ask for a membership in %s", org),
	    xasprintf("/api/v1/orgs/%s/members/%s", org, gitea_is_name(user) ? user : NOBODY), NULL,
	    on_member);
}

static struct json *body_of(const char *key, const char *text)
{
	struct json *body = json_new_object();

	json_set_text(body, key, text);
	return body;
}

void gitea_post_comment(struct gitea *gitea, const char *repo, int64_t pr, const char *body,
    gitea_comment_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && pr > 0 && strlen(body) <= GITEA_BODY_MAX_BYTES);
	call->on.comment = done;
	send_ask(call, "POST", xasprintf("comment on %s #%lld", repo, (long long)pr),
	    xasprintf("/api/v1/repos/%s/issues/%lld/comments", repo, (long long)pr),
	    body_of("body", body), on_comment);
}

static void on_done(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;

	(void)response;
	call->on.done(call->context, err);
	call_free(call);
}

void gitea_edit_comment(struct gitea *gitea, const char *repo, int64_t comment, const char *body,
    gitea_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && comment > 0 && strlen(body) <= GITEA_BODY_MAX_BYTES);
	call->on.done = done;
	send_ask(call, "PATCH", xasprintf("edit comment %lld of %s", (long long)comment, repo),
	    xasprintf("/api/v1/repos/%s/issues/comments/%lld", repo, (long long)comment),
	    body_of("body", body), on_done);
}

void gitea_react(struct gitea *gitea, const char *repo, int64_t comment, const char *content,
    gitea_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && comment > 0);
	call->on.done = done;
	send_ask(call, "POST", xasprintf("react to comment %lld of %s", (long long)comment, repo),
	    xasprintf("/api/v1/repos/%s/issues/comments/%lld/reactions", repo, (long long)comment),
	    body_of("content", content), on_done);
}

/* --- webhooks and commit statuses --- */

/* What is left out of an edit, Gitea 1.26 does not leave as it was: no events are "push". */
static struct json *hook_body(const struct gitea_hook_wanted *wanted)
{
	struct json *body = json_new_object();
	struct json *config = json_new_object();
	struct json *events = json_new_array();

	json_set_text(config, "url", wanted->url);
	json_set_text(config, "content_type", "json");
	json_set_text(config, "secret", wanted->secret);
	json_add_text(events, GITEA_HOOK_EVENT);
	json_set_bool(body, "active", true);
	json_set(body, "events", events);
	json_set(body, "config", config);
	return body;
}

static void on_hook(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct gitea_hook hook = {0};
	struct err read_err = {0};

	if (!err &&
	    gitea_read_hook(buf_text(&response->body), response->body.length, &hook, &read_err) < 0)
		err = &read_err;
	call->on.hook(call->context, err ? NULL : &hook, err);
	call_free(call);
}

void gitea_create_hook(struct gitea *gitea, const char *repo,
    const struct gitea_hook_wanted *wanted, gitea_hook_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	struct json *body = hook_body(wanted);

	assert(gitea_is_repo(repo));
	json_set_text(body, "type", "gitea");
	call->on.hook = done;
	send_ask(call, "POST", xasprintf("make a webhook of %s", repo),
	    xasprintf("/api/v1/repos/%s/hooks", repo), body, on_hook);
}

void gitea_edit_hook(struct gitea *gitea, const char *repo, int64_t hook,
    const struct gitea_hook_wanted *wanted, gitea_hook_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && hook > 0);
	call->on.hook = done;
	send_ask(call, "PATCH", xasprintf("change webhook %lld of %s", (long long)hook, repo),
	    xasprintf("/api/v1/repos/%s/hooks/%lld", repo, (long long)hook), hook_body(wanted),
	    on_hook);
}

void gitea_delete_hook(
    struct gitea *gitea, const char *repo, int64_t hook, gitea_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && hook > 0);
	call->on.done = done;
	send_ask(call, "DELETE", xasprintf("delete webhook %lld of %s", (long long)hook, repo),
	    xasprintf("/api/v1/repos/%s/hooks/%lld", repo, (long long)hook), NULL, on_done);
}

void gitea_set_status(struct gitea *gitea, const char *repo, const char *sha,
    const char *status_context, const struct gitea_status *status, gitea_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	struct json *body = body_of("context", status_context);

	assert(gitea_is_repo(repo) && gitea_is_sha(sha) && status->state != GITEA_STATUS_OTHER);
	json_set_text(body, "state", status_words[status->state]);
	json_set_text(body, "description", status->description);
	json_set_text(body, "target_url", status->url);
	call->on.done = done;
	send_ask(call, "POST", xasprintf("set the status of %.8s in %s", sha, repo),
	    xasprintf("/api/v1/repos/%s/statuses/%s", repo, sha), body, on_done);
}

static void on_status(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	struct gitea_status status = {0};
	struct err read_err = {0};
	bool is_there = false;

	if (!err && gitea_read_status(buf_text(&response->body), response->body.length,
			call->status_context, &status, &is_there, &read_err) < 0)
		err = &read_err;
	call->on.status(call->context, !err && is_there ? &status : NULL, err);
	call_free(call);
}

/*
 * One page, the newest first: that is what leastindex is (Gitea 1.26.0, observed; without it those
 * of one second come the oldest first). When it is full of others', ours is not known and is set
 * once more.
 */
void gitea_get_status(struct gitea *gitea, const char *repo, const char *sha,
    const char *status_context, gitea_status_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	assert(gitea_is_repo(repo) && gitea_is_sha(sha));
	call->on.status = done;
	call->status_context = xstrdup(status_context);
	send_ask(call, "GET", xasprintf("read the status of %.8s in %s", sha, repo),
	    xasprintf("/api/v1/repos/%s/commits/%s/statuses?sort=leastindex&page=1&limit=%d", repo,
		sha, GITEA_PAGE),
	    NULL, on_status);
}

static void on_login(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	auto_str char *login = NULL;
	struct err read_err = {0};

	if (!err && gitea_read_login(
			buf_text(&response->body), response->body.length, &login, &read_err) < 0)
		err = &read_err;
	call->on.login(call->context, err ? NULL : login, err);
	call_free(call);
}

void gitea_whoami(struct gitea *gitea, gitea_login_done done, void *context)
{
	struct call *call = call_new(gitea, context);

	call->on.login = done;
	send_ask(call, "GET", xstrdup("ask who the token belongs to"), xstrdup("/api/v1/user"),
	    NULL, on_login);
}

static void on_names(void *context, const struct http_response *response, const struct err *err)
{
	struct call *call = context;
	AUTO(gitea_names) names = {0};
	struct err read_err = {0};

	if (!err && gitea_read_directories(
			buf_text(&response->body), response->body.length, &names, &read_err) < 0)
		err = &read_err;
	peer_note_odd(call->gitea->peer, "list directories", &names.odd);
	call->on.names(call->context, err ? NULL : &names, err);
	call_free(call);
}

/* Each segment by itself, so that the slashes stay. */
static char *escape_path(const char *path)
{
	AUTO(buf) out = buf_make(8192);

	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		auto_str char *segment = xstrndup(at, length);
		auto_str char *escaped = http_escape(segment);

		assert(!text_is(segment, ".") && !text_is(segment, ".."));
		if (buf_add_text(&out, escaped) < 0 || (at[length] && buf_add_char(&out, '/') < 0))
			break; /* too long for a URL: the forge will not know it */
		at += length + (at[length] == '/');
	}
	return xstrdup(buf_text(&out));
}

void gitea_list_directories(struct gitea *gitea, const char *repo, const char *branch,
    const char *path, gitea_names_done done, void *context)
{
	struct call *call = call_new(gitea, context);
	auto_str char *ref = http_escape(branch);
	auto_str char *escaped = escape_path(path);
	struct peer_ask ask = {
	    .take_what = xasprintf("list directories of %s", repo),
	    .take_path = xasprintf("/api/v1/repos/%s/contents/%s?ref=%s", repo, escaped, ref),
	    .timeout_ms = GITEA_TIMEOUT_MS,
	    .max_bytes = GITEA_DIRECTORY_MAX_BYTES,
	};

	assert(gitea_is_repo(repo));
	call->on.names = done;
	peer_send(gitea->peer, &ask, on_names, call_free, call);
}
