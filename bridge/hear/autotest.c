/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/autotest.h"

#include "common/testpoint.h"

struct autotest_look {
	struct works *works;
	char repo[JOB_REPO_SIZE];
	int64_t pr;
	struct errand get;
	bool is_done;
};

/* One that is under way may have been answered before the change. */
static bool is_noted(const struct works *works, const char *repo, int64_t pr)
{
	for (size_t i = 0; i < works->look_count; i++) {
		const struct autotest_look *look = works->looks[i];

		if (look->pr == pr && text_is(look->repo, repo) && !look->get.is_under_way)
			return true;
	}
	return false;
}

void autotest_note(struct works *works, const char *repo, int64_t pr)
{
	const char *auto_test = works->parts->settings->auto_test;

	if (!auto_test || !auto_test[0] || is_noted(works, repo, pr))
		return;
	if (works->look_count == AUTOTEST_LOOKS_MAX) {
		log_warning("%s #%lld changed and is not looked at: too many others did", repo,
		    (long long)pr);
		return;
	}
	struct autotest_look *look = xcalloc(1, sizeof(*look));
	*look = (struct autotest_look){.works = works, .pr = pr};
	(void)copy_text(look->repo, sizeof(look->repo), repo);
	works->looks =
	    xrealloc_array(works->looks, works->look_count + 1, sizeof(struct autotest_look *));
	works->looks[works->look_count++] = look;
}

static bool is_wanted(const struct works *works, const struct gitea_pull *pull)
{
	return pull->is_open &&
	       bridge_settings_auto_test(works->parts->settings, pull->author, pull->branch);
}

static int claim(const struct autotest_look *look, const struct gitea_pull *pull, struct err *err)
{
	int64_t now_s = clock_wall_s();
	struct job job = {.command = COMMAND_TEST,
	    .pr = look->pr,
	    .written_s = now_s,
	    .heard_s = now_s,
	    .moved_s = now_s};
	bool is_new = false;

	(void)copy_text(job.repo, sizeof(job.repo), look->repo);
	(void)copy_text(job.author, sizeof(job.author), pull->author);
	(void)copy_text(job.ref, sizeof(job.ref), pull->head_sha);
	if (gitea_is_behind(pull))
		(void)copy_text(job.target, sizeof(job.target), pull->target);
	if (store_claim_head(look->works->parts->store, &job, &is_new, err) < 0)
		return -1;
	if (!is_new)
		return 0;
	work_log_scope(&job);
	log_info("%s pushed %.8s to %s #%lld, which is tested without a comment", job.author,
	    job.ref, job.repo, (long long)job.pr);
	log_scope_end();
	TEST_POINT("autotest.claimed");
	(void)work_add(look->works, &job);
	return 0;
}

static void on_pull(void *context, const struct gitea_pull *pull, const struct err *err)
{
	struct autotest_look *look = context;
	struct err store_err;

	work_end(look->works, PARTS_FORGE, &look->get, err);
	if (err) {
		look->is_done = err->code == ERR_MISSING;
		return;
	}
	if (is_wanted(look->works, pull) && claim(look, pull, &store_err) < 0) {
		work_note_store_trouble(look->works, &store_err);
		errand_fail(&look->get, clock_now());
		return;
	}
	look->is_done = true;
}

void autotest_turn(struct works *works)
{
	size_t kept = 0;

	for (size_t i = 0; i < works->look_count; i++) {
		struct autotest_look *look = works->looks[i];

		if (look->is_done) {
			free(look);
			continue;
		}
		works->looks[kept++] = look;
		if (!work_may_begin(works, PARTS_FORGE, &look->get))
			continue;
		work_begin(works, PARTS_FORGE, &look->get);
		gitea_get_pull(works->parts->gitea, hear_where(works->hear, look->repo), look->pr,
		    on_pull, look);
	}
	works->look_count = kept;
}

void autotest_begin(struct work *work)
{
	struct job_event allowed = {.kind = JOB_EVENT_ALLOWED};

	if (work_apply(work, &allowed) == 0)
		work_supersede(work);
}

void autotest_release(struct works *works)
{
	for (size_t i = 0; i < works->look_count; i++)
		free(works->looks[i]);
	free(works->looks);
}
