/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/stages/picture.h"

#include "common/clock.h"
#include "runner-plugin/checks/browser.h"
#include "runner-plugin/run/handover.h"

/* The stages that follow shall not run out of time for it. */
#define LEAST_LEFT_MS (5 * BROWSER_TIMEOUT_MS)

static int take(
    const struct stages_work *work, const char *page, struct handover_picture *out, struct err *err)
{
	auto_str char *log = run_path(work->run, "log/picture.log");
	const struct browser_spec spec = {
	    .run_id = work->run->id,
	    .domain = work->run->domain,
	    .connect_to = work->settings->probe_connect,
	    .page = page ? page : "/",
	    .path = environ_path(work->environ),
	    .log_path = log,
	    .cancel_fd = work->cancel_fd,
	};

	if (work->deadline_ns - clock_now() < LEAST_LEFT_MS * NS_PER_MS)
		return err_set(err, ERR_TIMEOUT, "less than %lld minutes are left of the run",
		    (long long)(LEAST_LEFT_MS / 60 / 1000));
	return browser_take(&spec, &out->bytes, &out->head, err);
}

void picture_take(const struct stages_work *work, const char *page)
{
	const char *word = stage_word(STAGE_INSTALL);
	AUTO(handover_picture) picture = {0};
	AUTO(results) told = {0};
	struct err err;

	if (!work->settings->picture || work->run->params.is_dev || work->run->params.is_shared)
		return;
	stages_show(word, "takes a picture");
	if (take(work, page, &picture, &err) < 0)
		picture.why_not = xstrdup(err.msg);
	results_init(&told);
	handover_tell_picture(&picture, &told);
	auto_str char *text = results_picture_text(&told);
	stages_say(word, text);
	if (handover_save_picture(work->run, &picture, &err) < 0)
		stages_say(word, err.msg);
}
