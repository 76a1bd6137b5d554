/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/hear.h"

#include "bridge/standing.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/testpoint.h"

#include <strings.h>

#define HEAR_SECOND_NS (1500 * NS_PER_MS) /* the forge's second, and its clock's tick */

enum repo_state {
	REPO_LEFT,	/* not enrolled: its suite went, or there is no such repository */
	REPO_UNREAD,	/* to be read: not since the start, or not answered last time */
	REPO_DUE,	/* to be read: something may be new */
	REPO_READING,	/* page by page */
	REPO_OVERTAKEN, /* ... and meanwhile something more may be new */
	REPO_UNSAVED,	/* ... and one of its commands could not be saved: none of it counts */
	REPO_QUIET,	/* read to its end */
};

struct repo {
	struct hear *hear;
	char name[GITEA_REPO_SIZE]; /* "owner/name" */
	enum repo_state state;
	enum standing standing;
	char now[GITEA_REPO_SIZE];	/* its name, when it was moved */
	int64_t id, created_s;		/* the forge's; 0: not looked at yet */
	struct store_position position; /* since_s 0: the store does not know it (yet) */
	int64_t newest_s, newest_id;	/* of the reading under way */
	struct errand looking, reading;
	struct repo *next;
};

/* A pull request as the last search showed it. */
struct glimpse {
	char repo[GITEA_REPO_SIZE];
	int64_t number, updated_s;
	int64_t seen_ns; /* first with that updated_s */
	bool is_settled; /* its repository was read after that second was over */
};
struct glimpses {
	struct glimpse *items;
	size_t count;
};

struct owner {
	struct hear *hear;
	char name[GITEA_REPO_SIZE];
	bool has_wildcard;
	bool is_left;	  /* POLL_REPOS names nothing of it any more */
	bool begins_anew; /* its next search goes as far back as the first one */
	bool was_bot_checked;
	struct errand check;
	int64_t since_s;
	struct glimpses last, current;
	struct errand poll;
	int64_t polled_ns; /* start of the search */
	struct owner *next;
};

struct look {
	struct hear *hear;
	struct hook_look what;
	struct errand errand;
	struct look *next;
};

struct hear {
	struct parts *parts;
	hear_command on_command;
	hear_pull on_pull;
	void *context;
	char *bot;
	struct errand whoami;
	struct errand listing;
	bool has_wildcard, was_listed;
	bool is_ready; /* each repository was read once */
	struct repo *repos;
	struct owner *owners;
	struct look *looks;
	size_t look_count;
	size_t reads; /* repositories that are looked at or read */
	int64_t sweep_ns;
	int64_t polled_ns;
	int64_t soonest_ns; /* while a turn goes on */
	struct log_limit look_limit;
};

/* --- what is due --- */

/* Whether to start an errand at the forge now; else remembers when to look again. */
static bool may_start(struct hear *hear, const struct errand *errand)
{
	int64_t due_ns = 0;
	bool may = parts_may_begin(hear->parts, PARTS_FORGE, errand, &due_ns);

	if (due_ns < hear->soonest_ns)
		hear->soonest_ns = due_ns;
	return may;
}

static bool finish(struct hear *hear, struct errand *errand, const struct err *err)
{
	return parts_end(hear->parts, PARTS_FORGE, errand, err);
}

/* A plain no, which no waiting will change soon: said once in a while. */
static void say_failure(const struct errand *errand, const struct err *err)
{
	if (err_is_passing(err))
		log_debug("%s", err->msg);
	else if (errand->failures <= 1 || errand->failures % 16 == 0)
		log_warning("%s", err->msg);
}

/* --- who is enrolled --- */

static struct repo *find_repo(const struct hear *hear, const char *name)
{
	for (struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (strcasecmp(repo->name, name) == 0)
			return repo;
	}
	return NULL;
}

/* By its own name in the settings, not by a wildcard and its suite. */
static bool is_named(const struct repo *repo)
{
	const struct bridge_settings *settings = repo->hear->parts->settings;

	for (size_t i = 0; i < settings->enrolment_count; i++) {
		if (strcasecmp(settings->enrolments[i].repo, repo->name) == 0)
			return true;
	}
	return false;
}

static bool is_known(const struct repo *repo)
{
	return repo->position.since_s != 0;
}

static bool is_being_read(const struct repo *repo)
{
	return repo->state == REPO_READING || repo->state == REPO_OVERTAKEN ||
	       repo->state == REPO_UNSAVED;
}

static bool is_to_be_read(const struct repo *repo)
{
	return repo->state == REPO_UNREAD || repo->state == REPO_DUE;
}

/* Something of it may be new. */
static void want_reading(struct repo *repo)
{
	switch (repo->state) {
	case REPO_READING:
		repo->state = REPO_OVERTAKEN;
		break;
	case REPO_QUIET:
		repo->state = REPO_DUE;
		break;
	case REPO_LEFT:
	case REPO_UNREAD:
	case REPO_DUE:
	case REPO_OVERTAKEN:
	case REPO_UNSAVED: /* is read again anyway */
		break;
	}
}

static void look_soon(struct repo *repo)
{
	repo->looking.due_ns = 0;
}

static void enrol(struct hear *hear, const char *name)
{
	struct repo *repo = find_repo(hear, name);

	if (!repo) {
		repo = xcalloc(1, sizeof(*repo));
		repo->hear = hear;
		(void)copy_text(repo->name, sizeof(repo->name), name);
		repo->next = hear->repos;
		hear->repos = repo;
	}
	if (repo->state == REPO_LEFT) {
		repo->state = REPO_UNREAD;
		repo->standing = STANDING_UNKNOWN;
		look_soon(repo);
		log_debug("%s is enrolled", repo->name);
	}
}

static void add_owner(struct hear *hear, const char *name, bool has_wildcard)
{
	struct owner *owner = hear->owners;

	while (owner && strcasecmp(owner->name, name) != 0)
		owner = owner->next;
	if (!owner) {
		owner = xcalloc(1, sizeof(*owner));
		owner->hear = hear;
		(void)copy_text(owner->name, sizeof(owner->name), name);
		owner->begins_anew = true;
		owner->next = hear->owners;
		hear->owners = owner;
	}
	owner->is_left = false;
	owner->has_wildcard = owner->has_wildcard || has_wildcard;
}

static void enrol_all(struct hear *hear)
{
	const struct bridge_settings *settings = hear->parts->settings;

	for (size_t i = 0; i < settings->enrolment_count; i++) {
		const struct bridge_enrolment *enrolment = &settings->enrolments[i];
		bool is_wildcard = !enrolment->repo[0];

		add_owner(hear, enrolment->owner, is_wildcard);
		hear->has_wildcard = hear->has_wildcard || is_wildcard;
		if (!is_wildcard)
			enrol(hear, enrolment->repo);
	}
}

struct hear *hear_new(
    struct parts *parts, hear_command on_command, hear_pull on_pull, void *context)
{
	struct hear *hear = xcalloc(1, sizeof(*hear));

	*hear = (struct hear){.parts = parts,
	    .on_command = on_command,
	    .on_pull = on_pull,
	    .context = context,
	    .sweep_ns = clock_now() + HEAR_SWEEP_MS * NS_PER_MS,
	    .look_limit = {.interval_ms = 60000}};
	enrol_all(hear);
	return hear;
}

/* By a wildcard of its owner; whether it has a suite the last listing said. */
static bool has_wildcard_owner(const struct repo *repo)
{
	size_t length = strcspn(repo->name, "/");

	for (const struct owner *owner = repo->hear->owners; owner; owner = owner->next) {
		if (owner->has_wildcard && strlen(owner->name) == length &&
		    strncasecmp(owner->name, repo->name, length) == 0)
			return true;
	}
	return false;
}

void hear_reload(struct hear *hear)
{
	bool had_wildcard = hear->has_wildcard;

	hear->has_wildcard = false;
	for (struct owner *owner = hear->owners; owner; owner = owner->next) {
		owner->is_left = true;
		owner->has_wildcard = false;
		/* What a repository, or a user of AUTO_TEST, that is new here did before shows too.
		 */
		owner->begins_anew = true;
		owner->poll.due_ns = 0;
	}
	enrol_all(hear);
	for (struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (repo->state == REPO_LEFT || is_named(repo) || has_wildcard_owner(repo))
			continue;
		repo->state = REPO_LEFT;
		log_info("%s is not enrolled any more", repo->name);
	}
	/* Suites are the same for all owners, but an owner may be new. */
	hear->listing.due_ns = 0;
	hear->was_listed = hear->was_listed && had_wildcard;
}

void hear_free(struct hear *hear)
{
	if (!hear)
		return;
	while (hear->repos) {
		struct repo *repo = hear->repos;

		hear->repos = repo->next;
		free(repo);
	}
	while (hear->owners) {
		struct owner *owner = hear->owners;

		hear->owners = owner->next;
		free(owner->last.items);
		free(owner->current.items);
		free(owner);
	}
	while (hear->looks) {
		struct look *look = hear->looks;

		hear->looks = look->next;
		free(look);
	}
	free(hear->bot);
	free(hear);
}

static void enrol_suites(struct hear *hear, const char *owner, const struct gitea_names *names)
{
	char name[GITEA_REPO_SIZE];

	for (size_t i = 0; i < names->count; i++) {
		if (format_text(name, sizeof(name), "%s/%s", owner, names->items[i]) &&
		    gitea_is_repo(name))
			enrol(hear, name);
	}
}

static bool has_suite(const struct gitea_names *names, const char *repo)
{
	const char *recipe = strchr(repo, '/') + 1;

	for (size_t i = 0; i < names->count; i++) {
		if (text_is(names->items[i], recipe))
			return true;
	}
	return false;
}

static void on_suites(void *context, struct gitea_names *names, const struct err *err)
{
	static struct gitea_names none;
	struct hear *hear = context;

	/* No such directory is an answer: nobody is enrolled that way yet. */
	if (err && err->code == ERR_MISSING) {
		log_warning("%s has no %s: nothing is enrolled by a wildcard",
		    hear->parts->settings->ci_repo, HEAR_SUITES);
		names = &none;
		err = NULL;
	}
	if (!finish(hear, &hear->listing, err)) {
		say_failure(&hear->listing, err);
		return;
	}
	hear->was_listed = true;
	errand_put_off(&hear->listing, clock_now(), HEAR_SWEEP_MS);
	for (struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (!is_named(repo) && !has_suite(names, repo->name))
			repo->state = REPO_LEFT;
	}
	for (struct owner *owner = hear->owners; owner; owner = owner->next) {
		if (owner->has_wildcard)
			enrol_suites(hear, owner->name, names);
	}
}

static void list_suites(struct hear *hear)
{
	if (!hear->has_wildcard || !may_start(hear, &hear->listing))
		return;
	parts_begin(hear->parts, PARTS_FORGE, &hear->listing);
	gitea_list_directories(hear->parts->gitea, hear->parts->settings->ci_repo,
	    hear->parts->settings->ci_branch, HEAR_SUITES, on_suites, hear);
}

/* --- who we are --- */

static void on_whoami(void *context, const char *login, const struct err *err)
{
	struct hear *hear = context;

	if (!finish(hear, &hear->whoami, err)) {
		say_failure(&hear->whoami, err);
		return;
	}
	hear->bot = xstrdup(login);
	log_info("the forge knows us as %s", hear->bot);
}

static void on_bot_member(void *context, const enum gitea_member *member, const struct err *err)
{
	struct owner *owner = context;
	char text[STANDING_TEXT_SIZE];

	if (!finish(owner->hear, &owner->check, err) && err_is_passing(err))
		return;
	owner->was_bot_checked = true;
	if (standing_write_members(owner->name, owner->hear->bot, err ? NULL : member, err, text))
		log_error("%s", text);
}

static void check_bot(struct hear *hear, struct owner *owner)
{
	if (owner->was_bot_checked || !may_start(hear, &owner->check))
		return;
	parts_begin(hear->parts, PARTS_FORGE, &owner->check);
	gitea_get_member(hear->parts->gitea, owner->name, hear->bot, on_bot_member, owner);
}

/* --- taking comments --- */

static bool is_from_before(const struct repo *repo, const struct gitea_comment *comment)
{
	return comment->id <= repo->position.first_id ||
	       comment->created_s < repo->position.first_s;
}

/*
 * Older than its repository: it came with a migration, and shows as its author whoever ran that.
 * Source: Gitea 1.26.0, where comments never tell their original_author.
 */
static bool is_migrated(const struct repo *repo, const struct gitea_comment *comment)
{
	return comment->created_s < repo->created_s;
}

/* 0: dealt with, whatever it is; -1: it could not be saved, read it again. */
static int take_comment(struct repo *repo, const struct gitea_comment *comment, struct err *err)
{
	struct hear *hear = repo->hear;
	struct command command;
	bool is_new = false;
	struct job job = {
	    .comment = comment->id,
	    .pr = comment->pr,
	    .written_s = comment->created_s,
	    .heard_s = clock_wall_s(),
	    .moved_s = clock_wall_s(),
	};

	if (!comment->pr || strcasecmp(comment->repo, repo->name) != 0 ||
	    is_from_before(repo, comment) || is_migrated(repo, comment) || !*comment->author ||
	    strcasecmp(comment->author, hear->bot) == 0)
		return 0;
	command_read(
	    comment->body, strlen(comment->body), hear->parts->settings->trigger, &command);
	if (command.kind == COMMAND_NONE)
		return 0;
	job.command = command.kind;
	if (!copy_text(job.repo, sizeof(job.repo), comment->repo) ||
	    !copy_text(job.author, sizeof(job.author), comment->author))
		return 0; /* longer than the forge allows: no name of a person */
	if (store_claim(hear->parts->store, &job, &is_new, err) < 0)
		return -1;
	if (!is_new)
		return 0;
	TEST_POINT("hear.claimed");
	hear->on_command(hear->context, &job, &command, comment->created_s != comment->updated_s);
	return 0;
}

/* --- looking at a repository --- */

static char *position_key(const struct repo *repo)
{
	return xasprintf("repo:%s", repo->name);
}

/* The store's position, once; a repository it does not know is new to us. */
static int load_position(struct repo *repo, struct err *err)
{
	auto_str char *key = position_key(repo);
	bool is_there = false; /* else the position stays zero */

	if (is_known(repo))
		return 0;
	return store_get_position(repo->hear->parts->store, key, &repo->position, &is_there, err);
}

/* A wildcard has a suite for repositories that are another owner's: one that never was here is no
 * mistake of the operator's, and the next listing asks again. */
static bool is_anothers(struct repo *repo, enum standing standing)
{
	struct err err;

	if (standing != STANDING_MISSING || is_named(repo))
		return false;
	if (load_position(repo, &err) < 0)
		log_error("%s", err.msg);
	return !is_known(repo);
}

/* Said when it changes, and shown by /healthz as long as it lasts. */
static void say_standing(const struct repo *repo, enum standing before)
{
	char text[STANDING_TEXT_SIZE];

	if (standing_is_bad(repo->standing)) {
		standing_write(repo->standing, repo->name, repo->now, is_named(repo), text);
		log_warning("%s", text);
	} else if (standing_is_bad(before)) {
		log_info("%s is there again", repo->name);
	}
}

static void take_standing(struct repo *repo, enum standing standing, const struct gitea_repo *found)
{
	enum standing before = repo->standing;
	bool is_new = before != standing || (found && !text_is(repo->now, found->name));

	if (is_anothers(repo, standing)) {
		repo->state = REPO_LEFT;
		return;
	}
	repo->standing = standing;
	if (found)
		(void)copy_text(repo->now, sizeof(repo->now), found->name);
	if (standing == STANDING_GOOD) {
		assert(found); /* nothing else says that it is */
		repo->id = found->id;
		repo->created_s = found->created_s;
		if (before != STANDING_GOOD)
			want_reading(repo);
	}
	if (is_new)
		say_standing(repo, before);
}

/* Of a repository that has another name now only that is told. */
static void note_visibility(
    const struct repo *repo, enum standing standing, const struct gitea_repo *found)
{
	bool is_told = found && standing != STANDING_MOVED;
	struct err err;

	if (store_note_repo(
		repo->hear->parts->store, repo->name, is_told ? &found->is_public : NULL, &err) < 0)
		log_warning("%s", err.msg);
}

static void on_repo(void *context, const struct gitea_repo *found, const struct err *err)
{
	struct repo *repo = context;
	struct hear *hear = repo->hear;
	enum standing standing = standing_of(repo->name, found, err);
	struct err bad = {.code = ERR_MISSING};

	hear->reads--;
	if (!err && standing != STANDING_GOOD)
		err = &bad; /* looked at again with back-off, like one that is not there */
	if (finish(hear, &repo->looking, err))
		errand_put_off(&repo->looking, clock_now(), HEAR_SWEEP_MS);
	if (repo->state != REPO_LEFT && standing != STANDING_UNKNOWN) {
		note_visibility(repo, standing, found);
		take_standing(repo, standing, found);
	}
}

static void look_at(struct hear *hear, struct repo *repo)
{
	if (repo->state == REPO_LEFT || hear->reads >= HEAR_READS_MAX ||
	    !may_start(hear, &repo->looking))
		return;
	parts_begin(hear->parts, PARTS_FORGE, &repo->looking);
	hear->reads++;
	gitea_get_repo(hear->parts->gitea, repo->name, on_repo, repo);
}

/* --- reading a repository --- */

static void note_newest(struct repo *repo, const struct gitea_comments *comments)
{
	for (size_t i = 0; i < comments->count; i++) {
		const struct gitea_comment *comment = &comments->items[i];

		if (comment->updated_s > repo->newest_s)
			repo->newest_s = comment->updated_s;
		if (comment->id > repo->newest_id)
			repo->newest_id = comment->id;
	}
}

static int take_comments(struct repo *repo, const struct gitea_comments *comments, struct err *err)
{
	for (size_t i = 0; i < comments->count; i++) {
		if (take_comment(repo, &comments->items[i], err) < 0)
			return -1;
	}
	return 0;
}

static int save_position(struct repo *repo, const struct store_position *position, struct err *err)
{
	auto_str char *key = position_key(repo);

	if (store_set_position(repo->hear->parts->store, key, position, err) < 0)
		return -1;
	repo->position = *position;
	TEST_POINT("hear.position");
	return 0;
}

/* The reading is complete: what it saw is behind us. */
static int advance(struct repo *repo, struct err *err)
{
	struct store_position position = repo->position;
	int64_t from_s = clock_wall_s() - HEAR_FIRST_S;

	if (!is_known(repo)) {
		position.since_s = repo->newest_s ? repo->newest_s : from_s;
		position.first_s = from_s;
		position.first_id = repo->newest_id;
		log_info("%s: first poll, commands up to now are not run", repo->name);
	} else if (repo->newest_s > position.since_s) {
		position.since_s = repo->newest_s;
	} else {
		return 0;
	}
	return save_position(repo, &position, err);
}

/* What a reading that failed leaves. One that will not be read must not keep the others from being
 * heard: it counts as read. */
static enum repo_state state_after(const struct err *err)
{
	return err_is_passing(err) || err->code == ERR_SYS ? REPO_UNREAD : REPO_DUE;
}

static void end_reading(struct repo *repo, const struct err *err)
{
	repo->hear->reads--;
	if (!finish(repo->hear, &repo->reading, err))
		say_failure(&repo->reading, err);
	if (!is_being_read(repo))
		return; /* left meanwhile */
	if (err && !err_is_passing(err) && err->code != ERR_SYS)
		look_soon(repo); /* it may say why */
	if (err)
		repo->state = state_after(err);
	else
		repo->state = repo->state == REPO_OVERTAKEN ? REPO_DUE : REPO_QUIET;
}

static void take_page(struct repo *repo, const struct gitea_comments *comments)
{
	struct err trouble;

	note_newest(repo, comments);
	if (comments->too_large)
		log_warning(
		    "%s: %zu comments are too large to be read", repo->name, comments->too_large);
	if (!is_known(repo) || repo->state == REPO_UNSAVED ||
	    take_comments(repo, comments, &trouble) == 0)
		return;
	repo->state = REPO_UNSAVED;
	log_error("%s: nothing new is accepted", trouble.msg);
}

static void on_comments(void *context, struct gitea_comments *comments, const struct err *err)
{
	struct repo *repo = context;
	struct err trouble;

	if (err) {
		end_reading(repo, err);
		return;
	}
	if (is_being_read(repo))
		take_page(repo, comments);
	if (!comments->is_last)
		return;
	if (repo->state == REPO_UNSAVED) {
		(void)err_set(
		    &trouble, ERR_SYS, "read %s: its commands cannot be saved", repo->name);
		end_reading(repo, &trouble);
	} else if (is_being_read(repo) && advance(repo, &trouble) < 0) {
		end_reading(repo, &trouble);
	} else {
		end_reading(repo, NULL);
	}
}

static void read_repo(struct hear *hear, struct repo *repo)
{
	struct err err;

	if (repo->standing != STANDING_GOOD || !is_to_be_read(repo) ||
	    hear->reads >= HEAR_READS_MAX || !may_start(hear, &repo->reading))
		return;
	if (load_position(repo, &err) < 0) {
		log_error("%s", err.msg);
		errand_fail(&repo->reading, clock_now());
		return;
	}
	repo->state = REPO_READING;
	repo->newest_s = 0;
	repo->newest_id = 0;
	parts_begin(hear->parts, PARTS_FORGE, &repo->reading);
	hear->reads++;
	gitea_list_comments(hear->parts->gitea, repo->name,
	    is_known(repo) ? repo->position.since_s - HEAR_OVERLAP_S
			   : clock_wall_s() - HEAR_FIRST_S,
	    on_comments, repo);
}

/* --- searching an owner's pull requests --- */

static struct glimpse *find_glimpse(const struct glimpses *last, const struct gitea_issue *issue)
{
	for (size_t i = 0; i < last->count; i++) {
		struct glimpse *seen = &last->items[i];

		if (seen->number == issue->number && seen->updated_s == issue->updated_s &&
		    text_is(seen->repo, issue->repo))
			return seen;
	}
	return NULL;
}

/* The enrolled repository of a pull request; one that goes by another name now, or stood badly, is
 * looked at again. */
static struct repo *repo_of(struct hear *hear, const struct gitea_issue *issue, bool is_new)
{
	struct repo *named = find_repo(hear, issue->repo);
	struct repo *repo = named;

	for (struct repo *at = hear->repos; at && !repo && issue->repo_id; at = at->next) {
		if (at->id == issue->repo_id)
			repo = at;
	}
	if (repo && is_new && (!named || standing_is_bad(repo->standing)))
		look_soon(repo);
	return named;
}

/*
 * The overlap shows the last minute's pull requests again and again. One with the same time as
 * before has nothing new, but times are whole seconds: what came later in that second shows only
 * when the repository is read once more after it.
 */
static void glimpse(struct owner *owner, const struct gitea_issue *issue)
{
	const struct glimpse *last = find_glimpse(&owner->last, issue);
	struct repo *repo = repo_of(owner->hear, issue, !last);
	struct glimpse seen = {.number = issue->number,
	    .updated_s = issue->updated_s,
	    .seen_ns = last ? last->seen_ns : clock_now()};

	seen.is_settled = clock_now() - seen.seen_ns > HEAR_SECOND_NS;
	if (repo && (!last || (seen.is_settled && !last->is_settled)))
		want_reading(repo);
	if (repo && repo->state != REPO_LEFT && (!last || (seen.is_settled && !last->is_settled)))
		owner->hear->on_pull(owner->hear->context, repo->name, issue->number);
	if (issue->updated_s > owner->since_s)
		owner->since_s = issue->updated_s;
	(void)copy_text(seen.repo, sizeof(seen.repo), issue->repo);
	owner->current.items = xrealloc_array(
	    owner->current.items, owner->current.count + 1, sizeof(owner->current.items[0]));
	owner->current.items[owner->current.count++] = seen;
}

static void on_pulls(void *context, struct gitea_issues *issues, const struct err *err)
{
	struct owner *owner = context;
	struct hear *hear = owner->hear;

	if (!err) {
		for (size_t i = 0; i < issues->count; i++)
			glimpse(owner, &issues->items[i]);
		if (!issues->is_last)
			return;
	}
	if (!finish(hear, &owner->poll, err)) {
		say_failure(&owner->poll, err);
		free(owner->current.items);
		owner->current = (struct glimpses){0};
		return;
	}
	free(owner->last.items);
	owner->last = owner->current;
	owner->current = (struct glimpses){0};
	hear->polled_ns = clock_now();
	/* From start to start. */
	owner->poll.due_ns = owner->polled_ns + hear->parts->settings->poll_interval_ms * NS_PER_MS;
}

static void poll_owner(struct hear *hear, struct owner *owner)
{
	if (!may_start(hear, &owner->poll))
		return;
	if (owner->begins_anew) {
		free(owner->last.items);
		owner->last = (struct glimpses){0};
		owner->since_s = clock_wall_s() - HEAR_FIRST_S;
		owner->begins_anew = false;
	}
	parts_begin(hear->parts, PARTS_FORGE, &owner->poll);
	owner->polled_ns = clock_now();
	gitea_search_pulls(
	    hear->parts->gitea, owner->name, owner->since_s - HEAR_OVERLAP_S, on_pulls, owner);
}

/* --- what the hook says --- */

static void drop_look(struct look *look)
{
	struct hear *hear = look->hear;

	for (struct look **at = &hear->looks; *at; at = &(*at)->next) {
		if (*at == look) {
			*at = look->next;
			break;
		}
	}
	hear->look_count--;
	free(look);
}

static void on_comment(void *context, struct gitea_comment *comment, const struct err *err)
{
	struct look *look = context;
	struct hear *hear = look->hear;
	struct repo *repo = find_repo(hear, look->what.repo);
	struct err trouble;

	(void)finish(hear, &look->errand, err);
	if (!err && repo && repo->state != REPO_LEFT && is_known(repo) &&
	    take_comment(repo, comment, &trouble) < 0)
		log_error("%s: nothing new is accepted", trouble.msg);
	if (err_is_passing(err) && repo)
		want_reading(repo); /* the poll gets it */
	drop_look(look);
}

void hear_look(struct hear *hear, const struct hook_look *what)
{
	struct repo *repo = find_repo(hear, what->repo);
	struct errand errand = {0};
	unsigned dropped = 0;

	/* Before the first poll nobody can tell an old comment from a new one. */
	if (!hear->bot || !repo || repo->state == REPO_LEFT || repo->standing != STANDING_GOOD ||
	    !is_known(repo))
		return;
	if (hear->look_count >= HEAR_LOOKS_MAX || !may_start(hear, &errand)) {
		want_reading(repo);
		if (log_limit_pass(&hear->look_limit, &dropped))
			log_debug("the hook is ahead of us, the poll will do (%u more)", dropped);
		return;
	}
	struct look *look = xcalloc(1, sizeof(*look));
	*look = (struct look){.hear = hear, .what = *what, .next = hear->looks};
	hear->looks = look;
	hear->look_count++;
	parts_begin(hear->parts, PARTS_FORGE, &look->errand);
	gitea_get_comment(hear->parts->gitea, repo->name, what->comment, on_comment, look);
}

/* --- the turn --- */

static void sweep(struct hear *hear)
{
	if (clock_now() < hear->sweep_ns) {
		if (hear->sweep_ns < hear->soonest_ns)
			hear->soonest_ns = hear->sweep_ns;
		return;
	}
	hear->sweep_ns = clock_now() + HEAR_SWEEP_MS * NS_PER_MS;
	for (struct repo *repo = hear->repos; repo; repo = repo->next)
		want_reading(repo);
}

/* Once ready it stays so: a repository that is enrolled later has its first poll then. */
static bool is_all_read(const struct hear *hear)
{
	if (!hear->polled_ns || !hear_knows_enrolled(hear))
		return false;
	for (const struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (repo->state == REPO_LEFT || standing_is_bad(repo->standing))
			continue;
		if (repo->standing == STANDING_UNKNOWN || repo->state == REPO_UNREAD ||
		    is_being_read(repo))
			return false;
	}
	return true;
}

int64_t hear_turn(struct hear *hear)
{
	hear->soonest_ns = INT64_MAX;
	hear->is_ready = hear->is_ready || is_all_read(hear);
	if (!hear->bot) {
		if (may_start(hear, &hear->whoami)) {
			parts_begin(hear->parts, PARTS_FORGE, &hear->whoami);
			gitea_whoami(hear->parts->gitea, on_whoami, hear);
		}
		return hear->soonest_ns;
	}
	sweep(hear);
	list_suites(hear);
	for (struct owner *owner = hear->owners; owner; owner = owner->next) {
		if (owner->is_left)
			continue;
		check_bot(hear, owner);
		poll_owner(hear, owner);
	}
	for (struct repo *repo = hear->repos; repo; repo = repo->next) {
		look_at(hear, repo);
		read_repo(hear, repo);
	}
	return hear->soonest_ns;
}

const char *hear_bot(const struct hear *hear)
{
	return hear->bot;
}

bool hear_is_enrolled(const struct hear *hear, const char *name)
{
	const struct repo *repo = find_repo(hear, name);

	return repo && repo->state != REPO_LEFT;
}

const char *hear_find_recipe(const struct hear *hear, const char *recipe)
{
	const char *found = NULL;

	for (const struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (repo->state == REPO_LEFT || !text_is(job_recipe_of(repo->name), recipe))
			continue;
		if (found)
			return NULL;
		found = repo->name;
	}
	return found;
}

const char *hear_where(const struct hear *hear, const char *name)
{
	const struct repo *repo = find_repo(hear, name);

	return repo && repo->standing == STANDING_MOVED ? repo->now : name;
}

void hear_each(const struct hear *hear, hear_repo visit, void *context)
{
	for (const struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (repo->state != REPO_LEFT && repo->standing == STANDING_GOOD)
			visit(context, repo->name);
	}
}

static bool is_unheard(const struct repo *repo)
{
	return repo->state != REPO_LEFT && standing_is_bad(repo->standing);
}

size_t hear_count_unheard(const struct hear *hear)
{
	size_t count = 0;

	for (const struct repo *repo = hear->repos; repo; repo = repo->next)
		count += is_unheard(repo) ? 1 : 0;
	return count;
}

void hear_write_unheard(const struct hear *hear, struct buf *out)
{
	char text[STANDING_TEXT_SIZE];

	for (const struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (!is_unheard(repo))
			continue;
		standing_write(repo->standing, repo->name, repo->now, is_named(repo), text);
		if (buf_printf(out, "%s\n", text) < 0)
			return; /* whoever has so many has read enough */
	}
}

bool hear_knows_enrolled(const struct hear *hear)
{
	return !hear->has_wildcard || hear->was_listed;
}

size_t hear_count_enrolled(const struct hear *hear)
{
	size_t count = 0;

	for (const struct repo *repo = hear->repos; repo; repo = repo->next)
		count += repo->state != REPO_LEFT ? 1 : 0;
	return count;
}

bool hear_has_tried(const struct hear *hear)
{
	bool has_failed = hear->whoami.failures || hear->listing.failures;

	for (const struct owner *owner = hear->owners; owner; owner = owner->next)
		has_failed = has_failed || owner->poll.failures;
	return hear->polled_ns || has_failed;
}

bool hear_is_ready(const struct hear *hear)
{
	return hear->is_ready;
}

bool hear_is_quiet(const struct hear *hear)
{
	if (!hear->is_ready || hear->look_count || hear->reads)
		return false;
	for (const struct repo *repo = hear->repos; repo; repo = repo->next) {
		if (repo->standing == STANDING_GOOD && is_to_be_read(repo) &&
		    !repo->reading.failures)
			return false;
	}
	return true;
}

int64_t hear_polled_ns(const struct hear *hear)
{
	return hear->polled_ns;
}
