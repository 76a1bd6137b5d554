/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/browser.h"

#include "common/clock.h"
#include "common/file.h"
#include "runner-plugin/checks/sandbox.h"
#include "runner-plugin/run/run.h"

#define TRY_MS 20000	    /* of one attempt; a page that never ends costs two of them */
#define LOAD_MS "8000"	    /* then what has come is shown */
#define SETTLE_MS "5000"    /* of the page's own time, which passes as fast as it computes */
#define LOG_MAX_BYTES 65536 /* of one attempt */
#define TAIL_MAX_BYTES 4096
#define TERM_GRACE_MS 500
#define DRAIN_MS 500
#define NAME "picture"
#define LOAD_ERROR_MAX 60

static const struct shape {
	int kind; /* of picture_kinds */
	const char *window, *scale;
} shapes[] = {
    {0, "1280,800", "1"}, {1, "1280,800", "1"}, {1, "1280,800", "0.5"}, /* less is not taken */
    {1, "640,400", "0.5"},						/* of noise 30 KiB */
};

static int find_browser(const char *path, char **out, struct err *err)
{
	static const char *const names[] = {"chromium-headless-shell", "chromium"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (file_find_program(names[i], path, out, err) == 0)
			return 0;
	}
	return err_set(err, ERR_MISSING,
	    "there is no Chromium on this host (apt-get install chromium-headless-shell)");
}

/* net::ERR_..., of pages that are as they shall not be. */
static const struct {
	const char *word, *text;
} load_errors[] = {
    {"ERR_INTERNET_DISCONNECTED", "the page leads away from the app"},
    {"ERR_NAME_NOT_RESOLVED", "the page leads away from the app"},
    {"ERR_ABORTED", "what is there is no page, but something to download or nothing"},
};

static int explain_load(const char *word, size_t length, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(load_errors); i++) {
		if (strlen(load_errors[i].word) == length &&
		    strncmp(word, load_errors[i].word, length) == 0)
			return err_set(err, ERR_PROTOCOL, "%s", load_errors[i].text);
	}
	return err_set(err, ERR_PROTOCOL, "the page did not load: %.*s", (int)length, word);
}

/* Of the tail only a word of capitals is taken: the rest may be the page's. */
int browser_explain(const struct proc_result *ended, struct err *err)
{
	static const char mark[] = "Page load failed: net::";
	const char *found = strstr(buf_text(&ended->tail), mark);
	const char *word = found ? found + strlen(mark) : "";
	size_t length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	char how[PROC_RESULT_TEXT_SIZE];

	if (ended->end == PROC_TIMED_OUT)
		return err_set(err, ERR_TIMEOUT, "the page does not come to rest");
	if (ended->end == PROC_CANCELLED)
		return err_set(err, ERR_PROTOCOL, "cancelled");
	if (length && length < LOAD_ERROR_MAX)
		return explain_load(word, length, err);
	if (ended->end == PROC_EXITED && ended->code == 0)
		return err_set(
		    err, ERR_PROTOCOL, "the page broke down: a crash, or too much memory");
	proc_result_text(ended, how);
	return err_set(err, ERR_PROTOCOL, "the browser ended before its time: %s", how);
}

struct arguments {
	char *size, *scale, *shot, *url;
	const char *rows[20];
};

static void arguments_release(struct arguments *arguments)
{
	free(arguments->size);
	free(arguments->scale);
	free(arguments->shot);
	free(arguments->url);
}
DEFINE_AUTO(arguments, arguments_release);

struct attempt {
	const char *program;
	const struct shape *shape;
	bool settles;
	int64_t until_ns;
};

/*
 * Without its own sandbox, which needs namespaces within ours. Its time is virtual where the page
 * shall settle: what a script has put off for seconds is there at once, but a request that stays
 * open holds it up for ever.
 */
static void fill_arguments(
    const struct browser_spec *spec, const struct attempt *attempt, struct arguments *out)
{
	static const char profile[] = "--user-data-dir=" SANDBOX_SCRATCH "/profile";
	static const char limit[] = "--timeout=" LOAD_MS;
	static const char *const always[] = {"--headless", "--no-sandbox", "--disable-gpu",
	    "--hide-scrollbars", "--disable-background-networking", "--no-first-run",
	    "--ignore-certificate-errors", profile, limit};
	size_t count = 0;

	out->size = xasprintf("--window-size=%s", attempt->shape->window);
	out->scale = xasprintf("--force-device-scale-factor=%s", attempt->shape->scale);
	out->shot = xasprintf("--screenshot=" SANDBOX_SCRATCH "/" NAME "%s",
	    picture_kinds[attempt->shape->kind].suffix);
	out->url = xasprintf("https://%s%s", spec->domain, spec->page);
	out->rows[count++] = attempt->program;
	for (size_t i = 0; i < COUNT_OF(always); i++)
		out->rows[count++] = always[i];
	if (attempt->settles)
		out->rows[count++] = "--virtual-time-budget=" SETTLE_MS;
	out->rows[count++] = out->size;
	out->rows[count++] = out->scale;
	out->rows[count++] = out->shot;
	out->rows[count++] = out->url;
}

/* ERR_LIMIT: the picture is too large; ERR_TIMEOUT: the page does not come to rest. */
static int take_one(const struct browser_spec *spec, const struct attempt *attempt, struct buf *out,
    struct err *err)
{
	const struct sandbox_spec where = {.run_id = spec->run_id,
	    .domain = spec->domain,
	    .connect_to = spec->connect_to,
	    .path = spec->path,
	    .limits = sandbox_limits_default};
	AUTO_PTR(sandbox) sandbox = sandbox_open(&where, err);
	auto_str char *run = xasprintf(RUN_ENVIRONMENT "=%s", spec->run_id);
	auto_str char *name = xasprintf(NAME "%s", picture_kinds[attempt->shape->kind].suffix);
	const char *where_programs_are = "PATH=" SANDBOX_PATH;
	const char *const environ[] = {where_programs_are, "HOME=/tmp", "LANG=C.UTF-8", run, NULL};
	int64_t until_ns = clock_now() + TRY_MS * NS_PER_MS;
	AUTO(arguments) arguments = {0};
	AUTO(proc_result) ended = {0};

	if (!sandbox)
		return -1;
	fill_arguments(spec, attempt, &arguments);
	struct proc_spec proc = {.label = "the browser",
	    .env = environ,
	    .log_path = spec->log_path,
	    .log_max_bytes = LOG_MAX_BYTES,
	    .tail_max_bytes = TAIL_MAX_BYTES,
	    .deadline_ns = until_ns < attempt->until_ns ? until_ns : attempt->until_ns,
	    .term_grace_ms = TERM_GRACE_MS,
	    .drain_ms = DRAIN_MS,
	    .cancel_fd = spec->cancel_fd};
	sandbox_fill(sandbox, arguments.rows, &proc);
	if (proc_run(&proc, &ended, err) < 0 || sandbox_check(sandbox, &ended, err) < 0)
		return -1;
	/* Of one that was ended half a file may be there. */
	if (ended.end == PROC_EXITED && ended.code == 0 &&
	    sandbox_read(sandbox, name, RESULTS_PICTURE_MAX_BYTES, out, err) == 0)
		return 0;
	if (ended.end == PROC_EXITED && ended.code == 0 && err->code == ERR_LIMIT)
		return -1;
	return browser_explain(&ended, err);
}

int browser_take(const struct browser_spec *spec, struct buf *out_picture,
    struct picture_head *out_head, struct err *err)
{
	auto_str char *program = NULL;
	struct attempt attempt = {.shape = shapes,
	    .settles = true,
	    .until_ns = clock_now() + BROWSER_TIMEOUT_MS * NS_PER_MS};

	if (find_browser(spec->path, &program, err) < 0)
		return -1;
	if (geteuid() != 0)
		return err_set(err, ERR_MISSING, "only root can bound the memory of a browser");
	attempt.program = program;
	while (attempt.shape < shapes + COUNT_OF(shapes)) {
		AUTO(buf) picture = {0};

		if (take_one(spec, &attempt, &picture, err) < 0) {
			if (err->code == ERR_LIMIT)
				attempt.shape++;
			else if (err->code == ERR_TIMEOUT && attempt.settles)
				attempt.settles = false;
			else
				return -1;
			continue;
		}
		if (!picture_head_read(buf_text(&picture), picture.length, out_head))
			return err_set(err, ERR_PROTOCOL, "what the browser left is no picture");
		*out_picture = picture;
		picture = (struct buf){0};
		return 0;
	}
	return err_set(
	    err, ERR_LIMIT, "every one is larger than %d KiB", RESULTS_PICTURE_MAX_BYTES / 1024);
}
