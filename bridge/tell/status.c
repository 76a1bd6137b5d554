/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/status.h"

#include "bridge/tell/reply.h"

static enum gitea_status_state state_of_verdict(enum verdict_class verdict)
{
	switch (verdict) {
	case VERDICT_PASSED:
		return GITEA_STATUS_SUCCESS;
	case VERDICT_RECIPE_FAILED:
	case VERDICT_TIMED_OUT:
		return GITEA_STATUS_FAILURE;
	case VERDICT_CI_ERROR:
	case VERDICT_CANCELLED:
	case VERDICT_SUPERSEDED:
	case VERDICT_NOT_RUN:
		break;
	}
	return GITEA_STATUS_ERROR;
}

/* One line, cut where it is long: a reason may hold what somebody's program said. */
static void set_description(struct gitea_status *status, const char *text)
{
	size_t length = text_head(text, STATUS_SHOWN_BYTES);

	(void)snprintf(status->description, sizeof(status->description), "%.*s%s", (int)length,
	    text, text[length] ? "…" : "");
	for (char *at = status->description; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '\x7f')
			*at = ' ';
	}
}

static void describe_verdict(const struct status_facts *facts, struct gitea_status *out)
{
	const struct job *job = facts->job;
	AUTO(buf) text = buf_make(REPLY_MAX_BYTES);

	reply_verdict_words(job, facts->results, &text);
	if (job->verdict == VERDICT_PASSED)
		(void)buf_printf(&text, ", level %d", job->level);
	else if (job->reason[0])
		(void)buf_printf(&text, ": %s", job->reason);
	out->state = state_of_verdict(job->verdict);
	set_description(out, buf_text(&text));
}

static void set_url(const struct status_facts *facts, struct gitea_status *out)
{
	long long build = (long long)facts->job->build;

	if (!build)
		return;
	if (facts->pages_url)
		(void)format_text(
		    out->url, sizeof(out->url), "%s/runs/%lld", facts->pages_url, build);
	else if (*facts->builds_url)
		(void)format_text(out->url, sizeof(out->url), "%s/%lld", facts->builds_url, build);
}

bool status_write(const struct status_facts *facts, struct gitea_status *out)
{
	const struct job *job = facts->job;
	struct gitea_status status = {.state = GITEA_STATUS_PENDING};

	if (!job->ref[0] || !job->pr || job->command != COMMAND_TEST || job_is_trial(job))
		return false;
	switch (job->state) {
	case JOB_HEARD:
	case JOB_REFUSED:
		return false;
	case JOB_ASKED:
	case JOB_QUEUED:
		set_description(&status, "queued");
		break;
	case JOB_RUNNING:
	case JOB_ENDED:
		set_description(&status, "running");
		break;
	case JOB_STOPPING:
		set_description(&status, "stopping");
		break;
	case JOB_JUDGED:
	case JOB_ANSWERED:
		if (!job->has_verdict)
			return false;
		describe_verdict(facts, &status);
		break;
	}
	set_url(facts, &status);
	*out = status;
	return true;
}
