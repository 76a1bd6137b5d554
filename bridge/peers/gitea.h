/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The forge: every request the bridge makes to Gitea, and the readers of its answers.
 *
 *   struct gitea *gitea = gitea_new(http, settings->gitea_url, settings->gitea_token);
 *   gitea_list_comments(gitea, "org/repo", since_s, on_comments, context);
 *
 * Nothing blocks: a call sends, and its callback runs once (lists: once for each page, until
 * is_last or an error) from a later http_poll(). Of value and err exactly one is not NULL; both are
 * gone after the call. A callback may send further requests. Texts it wants to keep are copied or
 * taken with take_ptr().
 *
 * Errors: ERR_TRANSIENT (no connection, 408, 429, 5xx), ERR_TIMEOUT, ERR_DENIED (401, 403),
 * ERR_MISSING (404), ERR_LIMIT (larger than we read), ERR_PROTOCOL (a redirect, another status, an
 * answer that makes no sense). A message names what was asked and the status, never a token or a
 * body. Nothing is retried here: the bridge knows back-off.
 *
 * The gitea_read_* functions are pure: bytes to a value. On -1 *out is untouched. Unknown members
 * are ignored; a missing or mistyped one that is needed is ERR_PROTOCOL, but in a list: there the
 * item is left out and counted as odd. A NUL in a text reads as U+FFFD. Readers of pages leave
 * too_large and is_last alone.
 *
 * Source: Gitea 1.26.0, observed; see tests/data/README.md.
 */
#ifndef CCCI_GITEA_H
#define CCCI_GITEA_H

#include "bridge/peers/peer.h"

#define GITEA_REPO_SIZE 160 /* "owner/repo": 40 and 100 are Gitea's own limits */
#define GITEA_SHA_SIZE 41
#define GITEA_BRANCH_SIZE 129	 /* a longer one is cut */
#define GITEA_PULL_MAX 999999999 /* docs/contracts.md, section 3: PR has 1-9 digits */
#define GITEA_PAGE 50		 /* the most Gitea gives */
#define GITEA_ANSWER_MAX_BYTES                                                                     \
	(2 * 1024 * 1024) /* a comment may have 5 MB: see gitea_list_comments */
#define GITEA_DIRECTORY_MAX_BYTES                                                                  \
	(8 * 1024 * 1024)    /* 1 kB for each entry; Gitea does not page it */
#define GITEA_PAGES_MAX 1000 /* requests of one list; a longer one ends in ERR_LIMIT */
#define GITEA_TIMEOUT_MS 30000
#define GITEA_BODY_MAX_BYTES (64 * 1024) /* of a comment of ours */
#define GITEA_URL_SIZE 1024		 /* of a webhook; a longer one is none of ours */
#define GITEA_HOOK_EVENT                                                                           \
	"pull_request_comment"	   /* issue_comment does not fire for pull requests                \
				    */
#define GITEA_STATUS_TEXT_SIZE 256 /* of a commit status */

/* "owner/repo": letters, digits, "-_." on both sides, neither "." nor "..", nor a leading "-". */
bool gitea_is_repo(const char *text);
/* A user's or an organisation's name; same letters. */
bool gitea_is_name(const char *text);
/* 40 lower-case hex digits. */
bool gitea_is_sha(const char *text);

struct gitea_repo {
	int64_t id;
	char name[GITEA_REPO_SIZE]; /* "owner/repo" as it is called now */
	bool is_archived, has_pulls;
	bool is_public;	   /* everybody may see it, without an account too */
	int64_t created_s; /* a comment from before came with a migration */
};
struct gitea_issue { /* a pull request, as the search over an owner lists it */
	char repo[GITEA_REPO_SIZE];
	int64_t repo_id; /* 0: not told */
	int64_t number;
	int64_t updated_s;
};
struct gitea_issues {
	struct gitea_issue *items; /* newest created first */
	size_t count;
	size_t length; /* of the page as the forge counts it */
	struct peer_odd odd;
	size_t too_large; /* as in gitea_comments */
	bool is_last;
};
struct gitea_comment {
	int64_t id;
	char repo[GITEA_REPO_SIZE];
	int64_t pr; /* 0: it is an issue's */
	/* "": nobody's. Its user was deleted, or it came with a migration: then the forge names
	 * who ran that, and any name may stand in the text. */
	char *author; /* owned */
	char *body;   /* owned */
	int64_t created_s, updated_s;
};
struct gitea_comments {
	struct gitea_comment *items; /* oldest created first */
	size_t count;
	struct peer_odd odd;
	size_t too_large; /* left out since the page before: each over GITEA_ANSWER_MAX_BYTES */
	bool is_last;
};
struct gitea_pull {
	bool is_open, is_merged;
	char head_sha[GITEA_SHA_SIZE];
	char author[GITEA_BRANCH_SIZE]; /* "" when not told */
	char branch[GITEA_BRANCH_SIZE]; /* of the head */
	/* The branch it is to go into, its tip, and where the head left it; "" when not told. */
	char target[GITEA_BRANCH_SIZE], target_sha[GITEA_SHA_SIZE], merge_base[GITEA_SHA_SIZE];
};
/* Commits are in the target that the head has not: what will be merged is not what is tested. */
bool gitea_is_behind(const struct gitea_pull *pull);
/* What policy_judge_push() needs of a timeline. */
struct gitea_timeline {
	int64_t push_id; /* newest pull_push; 0: none */
	char push_sha[GITEA_SHA_SIZE];
	int64_t reopen_id; /* newest reopen; 0: none */
	struct peer_odd odd;
};
struct gitea_names {
	char **items;
	size_t count;
	struct peer_odd odd;
};
enum gitea_member {
	GITEA_MEMBER,
	GITEA_NOT_MEMBER,  /* also: no such user, no such organisation */
	GITEA_BOT_OUTSIDE, /* a redirect to public_members: our token's user is not in the
			      organisation, so it is not told */
};

struct gitea_hook { /* of a repository; its secret is never told */
	int64_t id;
	char url[GITEA_URL_SIZE]; /* "": longer */
	bool is_active;
	bool is_gitea;	      /* and not in the form of Slack or another */
	bool is_json;	      /* application/json */
	bool is_for_comments; /* GITEA_HOOK_EVENT, and nothing else */
};
struct gitea_hooks {
	struct gitea_hook *items;
	size_t count;
	struct peer_odd odd;
};
/* What a hook of ours has; its type, event and form are always the same. */
struct gitea_hook_wanted { /* borrowed for the call */
	const char *url, *secret;
};
enum gitea_status_state {
	GITEA_STATUS_PENDING,
	GITEA_STATUS_SUCCESS,
	GITEA_STATUS_FAILURE,
	GITEA_STATUS_ERROR,
	GITEA_STATUS_OTHER, /* one that we never set */
};
struct gitea_status { /* of a commit */
	enum gitea_status_state state;
	char description[GITEA_STATUS_TEXT_SIZE];
	char url[GITEA_URL_SIZE]; /* "": none */
};

void gitea_issues_release(struct gitea_issues *issues);
void gitea_comment_release(struct gitea_comment *comment);
void gitea_comments_release(struct gitea_comments *comments);
void gitea_names_release(struct gitea_names *names);
void gitea_hooks_release(struct gitea_hooks *hooks);
DEFINE_AUTO(gitea_issues, gitea_issues_release);
DEFINE_AUTO(gitea_comment, gitea_comment_release);
DEFINE_AUTO(gitea_comments, gitea_comments_release);
DEFINE_AUTO(gitea_names, gitea_names_release);
DEFINE_AUTO(gitea_hooks, gitea_hooks_release);

int gitea_read_issues(
    const char *text, size_t length, struct gitea_issues *out, struct err *err) CHECKED;
int gitea_read_comment(
    const char *text, size_t length, struct gitea_comment *out, struct err *err) CHECKED;
int gitea_read_comments(
    const char *text, size_t length, struct gitea_comments *out, struct err *err) CHECKED;
int gitea_read_repo(
    const char *text, size_t length, struct gitea_repo *out, struct err *err) CHECKED;
int gitea_read_pull(
    const char *text, size_t length, struct gitea_pull *out, struct err *err) CHECKED;
/* Of a comparison. */
int gitea_read_count(const char *text, size_t length, int64_t *out, struct err *err) CHECKED;
/* Folds a page into *timeline (zero before the first); *out_count is the number of its events. */
int gitea_read_timeline(const char *text, size_t length, struct gitea_timeline *timeline,
    size_t *out_count, struct err *err) CHECKED;
/* Of the newest commit, a list of one. */
int gitea_read_head(
    const char *text, size_t length, char out[GITEA_SHA_SIZE], struct err *err) CHECKED;
/* Names of the directories of a contents listing. */
int gitea_read_directories(
    const char *text, size_t length, struct gitea_names *out, struct err *err) CHECKED;
int gitea_read_login(const char *text, size_t length, char **out, struct err *err) CHECKED;
int gitea_read_hook(
    const char *text, size_t length, struct gitea_hook *out, struct err *err) CHECKED;
/* Adds a page to *hooks (zero before the first); *out_count is the number of its items. */
int gitea_read_hooks(const char *text, size_t length, struct gitea_hooks *hooks, size_t *out_count,
    struct err *err) CHECKED;
/* The newest status of that context in a list; *out_is_there false: none. */
int gitea_read_status(const char *text, size_t length, const char *status_context,
    struct gitea_status *out, bool *out_is_there, struct err *err) CHECKED;

struct gitea;

/* Borrows http, which must outlive it; copies the texts. */
struct gitea *gitea_new(struct http *http, const char *url, const char *token) CHECKED;
void gitea_free(struct gitea *gitea); /* calls under way end without their callback */
/* Milliseconds the forge asked us to stay away (Retry-After of a 429 or 503), 0: none. */
int64_t gitea_retry_after_ms(const struct gitea *gitea);
size_t gitea_odd_count(const struct gitea *gitea); /* items of lists left out since the start */
uint64_t gitea_answer_count(const struct gitea *gitea, enum metrics_answer answer); /* likewise */

typedef void (*gitea_done)(void *context, const struct err *err); /* NULL: it was done */
typedef void (*gitea_repo_done)(
    void *context, const struct gitea_repo *repo, const struct err *err);
typedef void (*gitea_issues_done)(
    void *context, struct gitea_issues *issues, const struct err *err);
typedef void (*gitea_comments_done)(
    void *context, struct gitea_comments *comments, const struct err *err);
typedef void (*gitea_comment_done)(
    void *context, struct gitea_comment *comment, const struct err *err);
typedef void (*gitea_pull_done)(
    void *context, const struct gitea_pull *pull, const struct err *err);
typedef void (*gitea_count_done)(void *context, const int64_t *count, const struct err *err);
typedef void (*gitea_sha_done)(void *context, const char *sha, const struct err *err);
typedef void (*gitea_timeline_done)(
    void *context, const struct gitea_timeline *timeline, const struct err *err);
typedef void (*gitea_member_done)(
    void *context, const enum gitea_member *member, const struct err *err);
typedef void (*gitea_names_done)(void *context, struct gitea_names *names, const struct err *err);
typedef void (*gitea_login_done)(void *context, const char *login, const struct err *err);
typedef void (*gitea_hooks_done)(void *context, struct gitea_hooks *hooks, const struct err *err);
typedef void (*gitea_hook_done)(
    void *context, const struct gitea_hook *hook, const struct err *err);
/* Both NULL: there is no such status. */
typedef void (*gitea_status_done)(
    void *context, const struct gitea_status *status, const struct err *err);

/*
 * What became of a repository. One that was renamed or moved, the forge's redirect, is no error: of
 * it only the name is told, the new one. ERR_MISSING: no such repository, or not for our token.
 */
void gitea_get_repo(struct gitea *gitea, const char *repo, gitea_repo_done done, void *context);
/*
 * Every pull request of an owner with something new at or after since_s (whole seconds, inclusive),
 * in any state. An unknown owner is ERR_PROTOCOL (400).
 */
void gitea_search_pulls(
    struct gitea *gitea, const char *owner, int64_t since_s, gitea_issues_done done, void *context);
/*
 * Comments of a repository, issues included, created or edited at or after since_s. A page too
 * large to read is asked again in smaller ones, down to single comments; one that is too large
 * alone is left out and counted. A deletion meanwhile may shift a comment out of sight: the sweep
 * finds it.
 */
void gitea_list_comments(struct gitea *gitea, const char *repo, int64_t since_s,
    gitea_comments_done done, void *context);
/*
 * The same of one pull request, from the comments of the whole repository: since_s as late as
 * possible. Pages may be empty.
 */
void gitea_list_pull_comments(struct gitea *gitea, const char *repo, int64_t pr, int64_t since_s,
    gitea_comments_done done, void *context);
void gitea_get_comment(
    struct gitea *gitea, const char *repo, int64_t comment, gitea_comment_done done, void *context);
void gitea_get_pull(
    struct gitea *gitea, const char *repo, int64_t pr, gitea_pull_done done, void *context);
/* Reads all pages, then calls once. */
void gitea_get_timeline(
    struct gitea *gitea, const char *repo, int64_t pr, gitea_timeline_done done, void *context);
void gitea_get_member(
    struct gitea *gitea, const char *org, const char *user, gitea_member_done done, void *context);
/* The comment that came to be. Not idempotent: after an error it may exist, look before trying
 * again. */
void gitea_post_comment(struct gitea *gitea, const char *repo, int64_t pr, const char *body,
    gitea_comment_done done, void *context);
/* ERR_MISSING: it was deleted. */
void gitea_edit_comment(struct gitea *gitea, const char *repo, int64_t comment, const char *body,
    gitea_done done, void *context);
/* Idempotent. content: "eyes". */
void gitea_react(struct gitea *gitea, const char *repo, int64_t comment, const char *content,
    gitea_done done, void *context);
/*
 * The head of the default branch. ERR_MISSING: no such repository; ERR_PROTOCOL (409): nothing was
 * ever pushed to it.
 */
void gitea_get_head(struct gitea *gitea, const char *repo, gitea_sha_done done, void *context);
/*
 * How many commits sha has that behind_sha lacks. The answer holds all of them, 2.4 kB each:
 * ERR_LIMIT when these are too many. Source: Gitea 1.26.0; a fork's head too, with the READ bot's
 * token.
 */
void gitea_count_ahead(struct gitea *gitea, const char *repo, const char *behind_sha,
    const char *sha, gitea_count_done done, void *context);
/*
 * The webhooks of a repository. Reads all pages, then calls once. ERR_DENIED: our token's user does
 * not administer the repository, or the token may not read it. Source: Gitea 1.26.0.
 */
void gitea_list_hooks(struct gitea *gitea, const char *repo, gitea_hooks_done done, void *context);
/* Not idempotent: after an error it may exist, list before trying again. */
void gitea_create_hook(struct gitea *gitea, const char *repo,
    const struct gitea_hook_wanted *wanted, gitea_hook_done done, void *context);
/* Sets all of it but the secret, which an edit does not change. */
void gitea_edit_hook(struct gitea *gitea, const char *repo, int64_t hook,
    const struct gitea_hook_wanted *wanted, gitea_hook_done done, void *context);
void gitea_delete_hook(
    struct gitea *gitea, const char *repo, int64_t hook, gitea_done done, void *context);
/*
 * The status of a commit under that context. The last one that was set counts; one that is set
 * again is the same, with one row more. ERR_DENIED: our token's user may not write the repository.
 */
void gitea_set_status(struct gitea *gitea, const char *repo, const char *sha,
    const char *status_context, const struct gitea_status *status, gitea_done done, void *context);
void gitea_get_status(struct gitea *gitea, const char *repo, const char *sha,
    const char *status_context, gitea_status_done done, void *context);
/* Login of our token's user. */
void gitea_whoami(struct gitea *gitea, gitea_login_done done, void *context);
/* Names of the directories below path ("tests/recipes") at a branch. ERR_MISSING: no such path. */
void gitea_list_directories(struct gitea *gitea, const char *repo, const char *branch,
    const char *path, gitea_names_done done, void *context);

#endif
