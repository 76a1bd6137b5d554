/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/nightly.h"

#include "common/testpoint.h"

#define POSITION "nightly"

/* Whose turn it is, and why before others. */
struct turn {
	char repo[JOB_REPO_SIZE]; /* "": nobody's */
	int64_t attempt;
	int64_t last_night;	/* 0: none */
	char ref[JOB_REF_SIZE]; /* of a second try: the commit of the first */
};

struct nightly {
	struct works *works;
	bool has_begun;
	int64_t seen_up_to; /* nights that are not for us any more */
	int64_t night;	    /* as last seen */
	struct turn turn;
	struct errand get_head;
	int64_t look_ns; /* nobody is looked for before */
	char **without;	 /* repositories that have no head in this night; owned */
	size_t without_count;
};

static void forget_without(struct nightly *nightly)
{
	while (nightly->without_count)
		free(nightly->without[--nightly->without_count]);
	free(nightly->without);
	nightly->without = NULL;
}

void nightly_release(struct works *works)
{
	if (works->nightly)
		forget_without(works->nightly);
	free(works->nightly);
	works->nightly = NULL;
}

/* --- which night --- */

/*
 * What the store has of NIGHTLY: since when it is as it is now. A night that had begun before is
 * nobody's, as comments from before the first poll are.
 */
static int begin(struct nightly *nightly, int64_t night, struct err *err)
{
	struct store *store = nightly->works->parts->store;
	int64_t minute = nightly->works->parts->settings->nightly_min;
	struct store_position now = {.since_s = minute == NIGHT_OFF ? 0 : minute + 1};
	struct store_position position = {0};
	bool is_known = false;

	if (store_get_position(store, POSITION, &position, &is_known, err) < 0)
		return -1;
	if (position.since_s != now.since_s) {
		now.first_id = night;
		if (store_set_position(store, POSITION, &now, err) < 0)
			return -1;
		if (minute != NIGHT_OFF)
			log_info("NIGHTLY is %s: the first night begins then",
			    nightly->works->parts->settings->nightly);
		position = now;
	}
	nightly->seen_up_to = position.first_id;
	nightly->has_begun = true;
	return 0;
}

/* False: it is none of ours, or the store does not say. */
static bool is_night(struct nightly *nightly)
{
	struct works *works = nightly->works;
	int64_t minute = works->parts->settings->nightly_min;
	int64_t local_s = clock_local_s(clock_wall_s());
	int64_t night = minute == NIGHT_OFF ? 0 : night_of(local_s, minute);
	struct err err;

	if (!nightly->has_begun && begin(nightly, night, &err) < 0) {
		work_note_store_trouble(works, &err);
		return false;
	}
	if (minute == NIGHT_OFF)
		return false;
	if (nightly->night != night) {
		nightly->night = night;
		nightly->look_ns = 0;
		nightly->turn = (struct turn){0};
		forget_without(nightly);
	}
	work_wake_idle_at(works, clock_now() + night_left_s(local_s, minute) * NS_PER_S);
	return night > nightly->seen_up_to;
}

/* --- whose turn --- */

struct choice {
	const struct nightly *nightly;
	struct turn turn;
	bool has_failed;
	struct err err;
};

static bool is_without(const struct nightly *nightly, const char *repo)
{
	for (size_t i = 0; i < nightly->without_count; i++) {
		if (text_is(nightly->without[i], repo))
			return true;
	}
	return false;
}

/* A second try before all others; then whoever waits longest; then by name. */
static bool is_before(const struct turn *turn, const struct turn *other)
{
	if (!other->repo[0] || turn->attempt != other->attempt)
		return !other->repo[0] || turn->attempt > other->attempt;
	return turn->last_night != other->last_night ? turn->last_night < other->last_night
						     : strcmp(turn->repo, other->repo) < 0;
}

static void consider(void *context, const char *repo)
{
	struct choice *choice = context;
	const struct nightly *nightly = choice->nightly;
	struct night_run runs[NIGHTLY_RUNS];
	struct turn turn = {.attempt = 1};
	size_t count = 0;

	if (choice->has_failed || is_without(nightly, repo))
		return;
	if (store_list_nights(nightly->works->parts->store, repo, runs, COUNT_OF(runs), &count,
		&choice->err) < 0) {
		choice->has_failed = true;
		return;
	}
	enum night_step step = night_next(runs, count, nightly->night);
	if (step == NIGHT_DONE || !copy_text(turn.repo, sizeof(turn.repo), repo))
		return;
	if (count)
		turn.last_night = job_night_of(runs[0].id);
	if (step == NIGHT_TEST_AGAIN) {
		turn.attempt = JOB_NIGHT_TRIES;
		(void)copy_text(turn.ref, sizeof(turn.ref), runs[0].ref);
	}
	if (is_before(&turn, &choice->turn))
		choice->turn = turn;
}

/* True: it is somebody's turn. */
static bool choose(struct nightly *nightly)
{
	struct choice choice = {.nightly = nightly};

	hear_each(nightly->works->hear, consider, &choice);
	if (choice.has_failed) {
		work_note_store_trouble(nightly->works, &choice.err);
		return false;
	}
	nightly->turn = choice.turn;
	nightly->get_head = (struct errand){0};
	if (!choice.turn.repo[0])
		nightly->look_ns = clock_now() + NIGHTLY_LOOK_MS * NS_PER_MS;
	return choice.turn.repo[0] != '\0';
}

/* --- asking for it --- */

static void claim(struct nightly *nightly, const char *ref)
{
	struct works *works = nightly->works;
	struct turn *turn = &nightly->turn;
	int64_t now_s = clock_wall_s();
	struct job job = {
	    .command = COMMAND_TEST, .written_s = now_s, .heard_s = now_s, .moved_s = now_s};
	bool is_new = false;
	struct err err;

	(void)copy_text(job.repo, sizeof(job.repo), turn->repo);
	(void)copy_text(job.ref, sizeof(job.ref), ref);
	int64_t attempt = turn->attempt;
	*turn = (struct turn){0};
	if (store_claim_night(works->parts->store, &job, nightly->night, attempt, &is_new, &err) <
	    0) {
		work_note_store_trouble(works, &err);
		return;
	}
	if (!is_new)
		return;
	work_log_scope(&job);
	log_info("%s at %.8s by night%s", job.repo, job.ref, attempt > 1 ? ", once more" : "");
	log_scope_end();
	TEST_POINT("nightly.claimed");
	(void)work_add(works, &job);
}

static void on_head(void *context, const char *sha, const struct err *err)
{
	struct nightly *nightly = context;

	work_end(nightly->works, PARTS_FORGE, &nightly->get_head, err);
	if (err_is_passing(err) || !nightly->turn.repo[0])
		return;
	if (err) {
		log_warning("no run of %s this night: %s", nightly->turn.repo, err->msg);
		nightly->without = xrealloc_array(
		    nightly->without, nightly->without_count + 1, sizeof(nightly->without[0]));
		nightly->without[nightly->without_count++] = xstrdup(nightly->turn.repo);
		nightly->turn = (struct turn){0};
	} else if (work_has_room(nightly->works, NULL)) {
		claim(nightly, sha);
	}
}

void nightly_turn(struct works *works)
{
	if (!works->nightly) {
		works->nightly = xcalloc(1, sizeof(*works->nightly));
		works->nightly->works = works;
	}
	struct nightly *nightly = works->nightly;
	if (nightly->get_head.is_under_way || !hear_is_ready(works->hear) || !is_night(nightly) ||
	    !work_has_room(works, NULL))
		return;
	if (clock_now() < nightly->look_ns) {
		work_wake_idle_at(works, nightly->look_ns);
		return;
	}
	if (!nightly->turn.repo[0] && !choose(nightly))
		return;
	if (nightly->turn.ref[0]) {
		claim(nightly, nightly->turn.ref);
	} else if (work_may_begin(works, PARTS_FORGE, &nightly->get_head)) {
		work_begin(works, PARTS_FORGE, &nightly->get_head);
		gitea_get_head(works->parts->gitea, nightly->turn.repo, on_head, nightly);
	}
}

void nightly_begin(struct work *work)
{
	struct job_event allowed = {.kind = JOB_EVENT_ALLOWED};

	(void)!work_apply(work, &allowed);
}
