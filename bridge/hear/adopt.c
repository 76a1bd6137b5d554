/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/adopt.h"

#include "common/testpoint.h"

#define POSITION "builds"

/* The enrolled repository that a build tests; NULL: none. What SRC leaves out its name tells. */
static const char *repo_of(const struct works *works, const struct build_params *params)
{
	if (!params->src[0])
		return hear_find_recipe(works->hear, params->recipe);
	return hear_is_enrolled(works->hear, params->src) &&
		       text_is(job_recipe_of(params->src), params->recipe)
		   ? params->src
		   : NULL;
}

static struct job make_job(const struct build *build, const char *repo)
{
	int64_t now_s = clock_wall_s();
	struct job job = {.comment = job_id_of_build(build->number),
	    .command = COMMAND_TEST,
	    .pr = build->params.pr,
	    .written_s = build->created_s,
	    .heard_s = now_s,
	    .moved_s = now_s,
	    .wants_extra = build->params.wants_extra,
	    .keep_min = build->params.keep_min};

	(void)copy_text(job.repo, sizeof(job.repo), repo);
	(void)copy_text(job.author, sizeof(job.author), build->starter);
	(void)copy_text(job.ref, sizeof(job.ref), build->params.ref);
	(void)copy_text(job.stages, sizeof(job.stages), build->params.stages);
	(void)copy_text(job.from, sizeof(job.from), build->params.from);
	(void)copy_text(job.suite_ref, sizeof(job.suite_ref), build->params.suite_ref);
	return job;
}

static int adopt(struct works *works, const struct build *build, struct err *err)
{
	const char *repo = repo_of(works, &build->params);
	bool is_new = false;

	if (!repo)
		return 0;
	struct job job = make_job(build, repo);
	if (store_claim(works->parts->store, &job, &is_new, err) < 0)
		return -1;
	if (!is_new)
		return 0;
	work_log_scope(&job);
	log_info("build %lld was started by hand for %s #%lld", (long long)build->number, repo,
	    (long long)build->params.pr);
	log_scope_end();
	TEST_POINT("adopt.claimed");
	(void)work_add(works, &job);
	return 0;
}

static int find_origin(
    struct works *works, const struct build *build, enum learn_origin *out, struct err *err)
{
	AUTO(job) job = {0};
	int64_t comment = build->params.comment;
	bool is_known = comment && store_load(works->parts->store, comment, &job, err) == 0;

	if (comment && !is_known && err->code != ERR_MISSING)
		return -1;
	*out = learn_origin(build, is_known ? &job : NULL);
	return 0;
}

/* Up to where builds were there at the first look of all; -1: the store does not say. */
static int begin(struct works *works, const struct builds *builds, struct err *err)
{
	struct store_position position = {0};
	bool is_known = false;

	if (store_get_position(works->parts->store, POSITION, &position, &is_known, err) < 0)
		return -1;
	if (!is_known && builds->count)
		position.first_id = builds->items[0].number;
	if (!is_known && store_set_position(works->parts->store, POSITION, &position, err) < 0)
		return -1;
	if (!is_known)
		log_info("first look at the builds: those up to %lld are nobody's",
		    (long long)position.first_id);
	works->adopted_up_to = position.first_id;
	works->has_begun_adopting = true;
	return 0;
}

/* False: of this one, and so of those behind it, more has to be known first. */
static bool look_at(struct works *works, const struct build *build)
{
	int64_t max_age_s = works->parts->settings->max_comment_age_ms / 1000;
	enum learn_origin origin = LEARN_ORIGIN_OURS;
	struct err err;

	if (clock_wall_s() - build->created_s > max_age_s)
		return true;
	if (find_origin(works, build, &origin, &err) < 0 ||
	    (origin == LEARN_ORIGIN_BY_HAND && adopt(works, build, &err) < 0)) {
		work_note_store_trouble(works, &err);
		return false;
	}
	return origin != LEARN_ORIGIN_UNKNOWN;
}

void adopt_list(struct works *works, const struct builds *builds)
{
	struct err err;

	if (!hear_knows_enrolled(works->hear))
		return;
	if (!works->has_begun_adopting && begin(works, builds, &err) < 0) {
		work_note_store_trouble(works, &err);
		return;
	}
	for (size_t i = builds->count; i > 0; i--) {
		const struct build *build = &builds->items[i - 1];

		if (build->number <= works->adopted_up_to)
			continue;
		if (!look_at(works, build))
			return;
		works->adopted_up_to = build->number;
	}
}

void adopt_turn(struct work *work)
{
	struct job_event found = {.kind = JOB_EVENT_FOUND, .build = job_build_of(&work->job)};

	(void)!work_apply(work, &found);
}
