/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/pages.h"

#include "bridge/pages/api.h"
#include "bridge/pages/badge.h"
#include "bridge/pages/dashboard.h"
#include "bridge/pages/recipe_page.h"
#include "bridge/pages/run_page.h"
#include "bridge/pages/style.h"
#include "bridge/peers/gitea.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/junit.h"
#include "common/log.h"

#define STEPS_MAX 16
#define POLICY_SIZE 512
#define WAY_BACK_SIZE 64 /* no page stands so deep */
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json"
#define TYPE_SVG "image/svg+xml"
#define TYPE_XML "application/xml; charset=utf-8"
#define CACHE_ASK "no-cache" /* keep it, and ask each time whether it still holds */
#define CACHE_MINUTE "max-age=60"

/* A page that reads every run, as it was written last. */
struct kept {
	int64_t generation, since_ns;
	struct server_page page;
};
enum dear { DEAR_DASHBOARD, DEAR_RECIPES = DEAR_DASHBOARD + DASHBOARD_FILTERS, DEAR_RUNS };
#define DEAR_COUNT (DEAR_RUNS + 1)

struct pages {
	struct pages_settings settings;
	char policy[POLICY_SIZE];
	struct kept kept[DEAR_COUNT];
	struct log_limit store_limit;
};

/* What one answer is made of. */
struct call {
	struct pages *pages;
	const struct server_request *request;
	struct server_page *out;
	int64_t now_s;
};

/* --- answers --- */

static void answer(
    const struct call *call, int status, const char *type, const char *cache, struct buf *take_body)
{
	struct server_page *out = call->out;
	char hash[FILE_HASH_SIZE];

	file_hash_bytes(buf_text(take_body), take_body->length, hash);
	buf_release(&out->body);
	*out = (struct server_page){.status = status,
	    .type = type,
	    .cache = cache,
	    .policy = call->pages->policy,
	    .body = *take_body};
	(void)format_text(out->etag, sizeof(out->etag), "\"%.32s\"", hash);
	*take_body = (struct buf){0};
}

static void answer_json(
    const struct call *call, int status, const char *cache, struct json *take_json)
{
	AUTO_PTR(json) json = take_json;
	auto_str char *text = json_print(json);
	AUTO(buf) body = buf_make(SIZE_MAX / 2);

	(void)buf_printf(&body, "%s\n", text);
	answer(call, status, TYPE_JSON, cache, &body);
}

static struct frame make_frame(
    const struct call *call, const char *root, const char *title, const char *place)
{
	const struct pages_settings *settings = &call->pages->settings;
	struct frame frame = {.root = root,
	    .title = title,
	    .place = place,
	    .now_s = call->now_s,
	    .public_url = settings->public_url,
	    .forge_url = settings->forge_url,
	    .builds_url = settings->builds_url(settings->context),
	    .trigger = settings->trigger};

	frame.peer_count = settings->list_peers(settings->context, frame.peers);
	return frame;
}

/* "./", "../", "../../": from a path back to the dashboard. */
static void write_way_back(const char *path, char *out, size_t out_size)
{
	size_t depth = 0;
	size_t length = 0;

	for (const char *at = path; *at; at++)
		depth += *at == '/' ? 1 : 0;
	(void)copy_text(out, out_size, "./");
	for (; depth > 1 && length + sizeof("../") <= out_size; depth--) {
		(void)copy_text(out + length, out_size - length, "../");
		length += strlen("../");
	}
}

/* One that says what is not there, why, and what to do. */
static void answer_error(
    const struct call *call, int status, const char *title, const char *what, const char *advice)
{
	const char *path = call->request->path;
	char root[WAY_BACK_SIZE];
	AUTO(html) html = html_make();

	if (text_starts(path, "/api/")) {
		answer_json(call, status, CACHE_ASK, api_encode_error(what));
		return;
	}
	write_way_back(path, root, sizeof(root));
	struct frame frame = make_frame(call, root, title, title);
	frame_begin(&html, &frame);
	html_say(&html, "h1", "%s", title);
	html_begin(&html, "div", "class", "card", NULL);
	html_say(&html, "p", "%s", what);
	html_say(&html, "p", "%s", advice);
	html_begin(&html, "p", NULL);
	html_begin(&html, "a", "href", frame.root, NULL);
	html_text(&html, "All recipes");
	html_end(&html);
	html_end(&html);
	html_end(&html);
	frame_end(&html, &frame);
	answer(call, status, TYPE_HTML, CACHE_ASK, &html.out);
}

static void answer_missing(const struct call *call, const char *what)
{
	answer_error(call, 404, "Not here", what,
	    "It may never have been tested, or its repository is private and this bridge does not "
	    "show private ones. Begin at the list of all recipes.");
}

static void answer_trouble(const struct call *call, const struct err *err)
{
	unsigned dropped = 0;

	if (log_limit_pass(&call->pages->store_limit, &dropped))
		log_error("a page cannot be shown: %s (%u more)", err->msg, dropped);
	answer_error(call, 503, "Out of order", "The bridge cannot read its store.",
	    "Its operator finds the reason in its log and at /healthz.");
}

static void answer_html(const struct call *call, struct html *html)
{
	if (!html_is_whole(html)) {
		answer_error(call, 500, "Too large", "This page would be larger than 4 MiB.",
		    "The JSON of the same may still be had, see the foot of the page.");
		return;
	}
	answer(call, 200, TYPE_HTML, CACHE_ASK, &html->out);
}

/* --- what goes on --- */

struct now_list {
	const struct call *call;
	const char *recipe; /* of this one alone; NULL: of all */
	struct dashboard_now items[DASHBOARD_NOW_MAX];
	size_t count;
	int64_t newest_build; /* of those that were asked for before */
};

static void note_step(const struct pages *pages, struct dashboard_now *now)
{
	struct reply_step steps[STEPS_MAX];
	size_t count = pages->settings.list_steps(
	    pages->settings.context, now->run.comment, steps, COUNT_OF(steps));

	for (size_t i = 0; i < count; i++) {
		if (steps[i].state == REPLY_STEP_RUNNING)
			copy_head(now->step, sizeof(now->step), steps[i].name);
	}
}

static void take_now(void *context, const struct job_brief *brief)
{
	struct now_list *list = context;
	struct dashboard_now now = {0};
	struct err err;

	if (list->count == DASHBOARD_NOW_MAX)
		return;
	past_read(brief, &now.run);
	if (!past_is_active(&now.run))
		return;
	note_step(list->call->pages, &now);
	if (store_usual_s(list->call->pages->settings.store, overview_recipe_name(brief->repo),
		&now.usual_s, &err) < 0)
		log_debug("%s", err.msg);
	now.behind = now.run.started_s ? 0 : list->newest_build;
	list->newest_build = brief->build ? brief->build : list->newest_build;
	if (!list->recipe || text_is(list->recipe, overview_recipe_name(brief->repo)))
		list->items[list->count++] = now;
}

static int list_now(
    const struct call *call, const char *recipe, struct now_list *out, struct err *err)
{
	const struct store_wanted wanted = {
	    .order = STORE_ACTIVE, .shows_private = call->pages->settings.shows_private};

	*out = (struct now_list){.call = call, .recipe = recipe};
	return store_each_run(call->pages->settings.store, &wanted, take_now, out, err);
}

/* --- the dashboard and the lists --- */

static void take_overview(void *context, const struct job_brief *brief)
{
	overview_add(context, brief);
}

static int read_overview(const struct call *call, struct overview *out, struct err *err)
{
	const struct store_wanted wanted = {
	    .order = STORE_BY_RECIPE, .shows_private = call->pages->settings.shows_private};

	if (store_each_run(call->pages->settings.store, &wanted, take_overview, out, err) < 0)
		return -1;
	overview_finish(out);
	return 0;
}

static void take_run(void *context, const struct job_brief *brief)
{
	past_add(context, brief);
}

/* Reasons are in the rows themselves, so only those are read that are shown. */
struct reasons {
	char *items[DASHBOARD_RED_MAX];
	size_t count;
};

static void reasons_release(struct reasons *reasons)
{
	while (reasons->count)
		free(reasons->items[--reasons->count]);
}
DEFINE_AUTO(reasons, reasons_release);

static int read_reasons(
    const struct call *call, const struct overview *overview, struct reasons *out, struct err *err)
{
	for (size_t i = 0; i < overview->count && out->count < DASHBOARD_RED_MAX; i++) {
		AUTO(job) job = {0};

		if (!overview->recipes[i].is_red)
			continue;
		if (store_load(call->pages->settings.store, overview->recipes[i].last.comment, &job,
			err) < 0)
			return -1;
		out->items[out->count++] = xstrdup(job.reason);
	}
	return 0;
}

static int read_last(
    const struct call *call, size_t most, int64_t before, struct past *out, struct err *err)
{
	const struct store_wanted wanted = {.order = STORE_NEWEST,
	    .shows_private = call->pages->settings.shows_private,
	    .before = before,
	    .most = (int64_t)most};

	return store_each_run(call->pages->settings.store, &wanted, take_run, out, err);
}

static int write_dashboard(
    const struct call *call, enum dashboard_filter filter, struct html *html, struct err *err)
{
	AUTO(overview) overview = {0};
	AUTO(past) last = {0};
	AUTO(reasons) reasons = {0};
	struct now_list now;

	if (read_overview(call, &overview, err) < 0 ||
	    read_reasons(call, &overview, &reasons, err) < 0 ||
	    read_last(call, DASHBOARD_LAST_MAX, 0, &last, err) < 0 ||
	    list_now(call, NULL, &now, err) < 0)
		return -1;
	struct frame frame = make_frame(call, "./", "Recipes under test", NULL);
	frame.is_live = now.count > 0;
	dashboard_write(html, &frame,
	    &(struct dashboard_facts){
		.overview = &overview,
		.filter = filter,
		.now = now.items,
		.now_count = now.count,
		.reasons = (const char *const *)reasons.items,
		.reason_count = reasons.count,
		.last = last.runs,
		.last_count = last.count,
	    });
	return 0;
}

static void answer_dashboard(const struct call *call, int which)
{
	AUTO(html) html = html_make();
	struct err err;

	if (write_dashboard(call, (enum dashboard_filter)which, &html, &err) < 0)
		answer_trouble(call, &err);
	else
		answer_html(call, &html);
}

static void answer_recipes(const struct call *call, int which)
{
	AUTO(overview) overview = {0};
	struct err err;

	(void)which;
	if (read_overview(call, &overview, &err) < 0)
		answer_trouble(call, &err);
	else
		answer_json(call, 200, CACHE_ASK, api_encode_recipes(&overview));
}

/* The build that the last of a full page has is where the next page goes on. */
static int64_t next_of(const struct past *past)
{
	return past->count == API_RUNS_MAX ? past->runs[past->count - 1].build : 0;
}

static int answer_runs_before(const struct call *call, int64_t build, struct err *err)
{
	AUTO(past) past = {0};

	if (read_last(call, API_RUNS_MAX, build, &past, err) < 0)
		return -1;
	answer_json(call, 200, CACHE_ASK, api_encode_runs(past.runs, past.count, next_of(&past)));
	return 0;
}

static void answer_runs(const struct call *call, int which)
{
	struct err err;

	(void)which;
	if (answer_runs_before(call, 0, &err) < 0)
		answer_trouble(call, &err);
}

static void answer_queue(const struct call *call)
{
	struct now_list now;
	struct err err;

	if (list_now(call, NULL, &now, &err) < 0)
		answer_trouble(call, &err);
	else
		answer_json(call, 200, CACHE_ASK, api_encode_queue(now.items, now.count));
}

/* --- keeping --- */

static void copy_page(const struct server_page *from, struct server_page *out)
{
	struct buf body = buf_make(HTML_MAX_BYTES);

	(void)buf_add(&body, buf_text(&from->body), from->body.length);
	*out = *from;
	out->body = body;
}

static void answer_kept(
    const struct call *call, int dear, int which, void (*write)(const struct call *, int))
{
	struct kept *kept = &call->pages->kept[dear];
	int64_t generation = store_generation(call->pages->settings.store);

	if (kept->page.status && kept->generation == generation &&
	    clock_elapsed_ms(kept->since_ns) < PAGES_KEPT_MS) {
		copy_page(&kept->page, call->out);
		return;
	}
	write(call, which);
	buf_release(&kept->page.body);
	kept->generation = generation;
	kept->since_ns = clock_now();
	copy_page(call->out, &kept->page);
}

/* --- a recipe --- */

static int read_past(const struct call *call, const char *recipe, struct past *out, struct err *err)
{
	const struct store_wanted wanted = {.order = STORE_BY_RECIPE,
	    .recipe = recipe,
	    .shows_private = call->pages->settings.shows_private,
	    .most = PAST_RUNS_MAX};

	return store_each_run(call->pages->settings.store, &wanted, take_run, out, err);
}

/* What the run said with which a recipe turned red by night. */
static int read_first_red(const struct call *call, const struct past *past, bool *out_has,
    struct results *out, struct err *err)
{
	const struct past_run *run = past_by_night(past).first_red;
	AUTO(job) job = {0};

	if (!run)
		return 0;
	if (store_load(call->pages->settings.store, run->comment, &job, err) < 0)
		return -1;
	*out_has = results_read(job.results, out);
	return 0;
}

static int write_recipe(const struct call *call, const char *name, const struct past *past,
    struct html *html, struct err *err)
{
	const struct past_run *level = past_level(past);
	AUTO(job) job = {0};
	AUTO(results) results = {0};
	AUTO(results) first_red = {0};
	bool has_first_red = false;
	struct now_list now;

	if (read_first_red(call, past, &has_first_red, &first_red, err) < 0)
		return -1;
	if (level && store_load(call->pages->settings.store, level->comment, &job, err) < 0)
		return -1;
	bool has_results = results_read(job.results, &results);
	if (list_now(call, name, &now, err) < 0)
		return -1;
	struct frame frame = make_frame(call, "../", name, name);
	frame.is_live = now.count > 0;
	recipe_page_write(html, &frame,
	    &(struct recipe_page_facts){.name = name,
		.past = past,
		.results = has_results ? &results : NULL,
		.first_red = has_first_red ? &first_red : NULL,
		.now = now.items,
		.now_count = now.count});
	return 0;
}

static void answer_recipe(const struct call *call, const char *name)
{
	AUTO(past) past = {0};
	AUTO(html) html = html_make();
	struct err err;

	if (!gitea_is_name(name)) {
		answer_missing(call, "There is no such recipe.");
		return;
	}
	if (read_past(call, name, &past, &err) < 0) {
		answer_trouble(call, &err);
		return;
	}
	if (!past.count)
		answer_missing(call, "No run of such a recipe is known here.");
	else if (write_recipe(call, name, &past, &html, &err) < 0)
		answer_trouble(call, &err);
	else
		answer_html(call, &html);
}

/* --- badges --- */

/* Also of a recipe that nobody knows: a README shows "unknown" and no broken picture. */
static void answer_badge(const struct call *call, const char *name, bool is_svg)
{
	AUTO(past) past = {0};
	AUTO(html) html = html_make();
	struct err err;

	if (!gitea_is_name(name)) {
		answer_missing(call, "There is no such badge.");
		return;
	}
	if (read_past(call, name, &past, &err) < 0) {
		answer_trouble(call, &err);
		return;
	}
	struct badge badge = badge_of(name, &past);
	int status = past.count ? 200 : 404;
	if (!is_svg) {
		answer_json(call, status, CACHE_MINUTE, badge_encode(&badge));
		return;
	}
	badge_write_svg(&html, &badge);
	answer(call, status, TYPE_SVG, CACHE_MINUTE, &html.out);
}

/* --- a run --- */

enum part { PART_PAGE, PART_RESULTS, PART_JUNIT, PART_PICTURE };

static void write_run(const struct call *call, const struct job *job, const struct results *results,
    struct html *html)
{
	const struct pages_settings *settings = &call->pages->settings;
	auto_str char *title = xasprintf("%s, build %lld", job_recipe(job), (long long)job->build);
	auto_str char *place = xasprintf("build %lld", (long long)job->build);
	struct frame frame = make_frame(call, "../", title, place);
	struct reply_step steps[STEPS_MAX];
	struct past_run run;
	struct run_page_facts facts = {.job = job, .run = &run, .results = results, .steps = steps};
	AUTO(buf) picture = {0};
	struct job_brief brief;
	struct err err;

	facts.has_picture = results && results->picture_type[0] &&
			    store_get_picture(settings->store, job->comment, &picture, &err) == 0;
	job_brief(job, &brief);
	past_read(&brief, &run);
	frame.is_live = past_is_active(&run);
	facts.step_count =
	    settings->list_steps(settings->context, job->comment, steps, COUNT_OF(steps));
	if (store_usual_s(settings->store, job_recipe(job), &facts.usual_s, &err) < 0)
		log_debug("%s", err.msg);
	run_page_write(html, &frame, &facts);
}

/* What it begins with was held to its type before it was kept. */
static void answer_picture(
    const struct call *call, const struct job *job, const struct results *results)
{
	AUTO(buf) picture = {0};
	struct err err;

	if (!results->picture_type[0] ||
	    store_get_picture(call->pages->settings.store, job->comment, &picture, &err) < 0) {
		answer_missing(call, "This run has no picture.");
		return;
	}
	answer(call, 200, text_is(results->picture_type, "image/png") ? "image/png" : "image/jpeg",
	    CACHE_ASK, &picture);
}

static void answer_part(const struct call *call, const struct job *job, enum part part)
{
	AUTO(results) results = {0};
	AUTO(html) html = html_make();
	AUTO(buf) body = buf_make(HTML_MAX_BYTES);
	bool has_results = results_read(job->results, &results);

	if (part == PART_PAGE) {
		write_run(call, job, has_results ? &results : NULL, &html);
		answer_html(call, &html);
	} else if (!has_results) {
		answer_error(call, 404, "No results", "This run has no results document.",
		    "It has not ended yet, or it ended without a report.");
	} else if (part == PART_RESULTS) {
		(void)buf_printf(&body, "%s\n", job->results);
		answer(call, 200, TYPE_JSON, CACHE_ASK, &body);
	} else if (part == PART_PICTURE) {
		answer_picture(call, job, &results);
	} else {
		junit_print(&results, &body);
		answer(call, 200, TYPE_XML, CACHE_ASK, &body);
	}
}

static void answer_run(const struct call *call, const char *number, enum part part)
{
	AUTO(job) job = {0};
	int64_t build = 0;
	int64_t comment = 0;
	struct err err;

	if (!parse_int64(number, 1, INT64_MAX, &build)) {
		answer_missing(call, "There is no such run.");
		return;
	}
	if (store_find_build(call->pages->settings.store, build,
		call->pages->settings.shows_private, &comment, &err) < 0 ||
	    (comment && store_load(call->pages->settings.store, comment, &job, &err) < 0))
		answer_trouble(call, &err);
	else if (!comment)
		answer_missing(call, "No run with this build is known here.");
	else
		answer_part(call, &job, part);
}

/* --- addresses --- */

/* What stands between before and after in the path; false: it is not of that form. */
static bool match(const char *path, const char *before, const char *after, char *out, size_t size)
{
	size_t length = strlen(path);
	size_t around = strlen(before) + strlen(after);

	if (length <= around || length - around >= size || !text_starts(path, before) ||
	    !text_ends(path, after))
		return false;
	return format_text(out, size, "%.*s", (int)(length - around), path + strlen(before));
}

static void answer_icon(const struct call *call)
{
	AUTO(buf) body = buf_make(4096);

	(void)buf_add_text(&body, style_icon());
	answer(call, 200, TYPE_SVG, "max-age=86400", &body);
}

static void answer_list(const struct call *call)
{
	const char *before = call->request->before;
	int64_t build = 0;
	struct err err;

	if (!before)
		answer_kept(call, DEAR_RUNS, 0, answer_runs);
	else if (!parse_int64(before, 1, INT64_MAX, &build))
		answer_error(call, 400, "Not understood", "\"before\" must be a build's number.",
		    "It is \"next\" of the list before.");
	else if (answer_runs_before(call, build, &err) < 0)
		answer_trouble(call, &err);
}

static void answer_first(const struct call *call)
{
	enum dashboard_filter filter = DASHBOARD_ALL;

	if (call->request->show && !dashboard_filter_parse(call->request->show, &filter))
		answer_error(call, 400, "Not understood",
		    "\"show\" must be all, red, flaky or stale.", "Choose one above the list.");
	else
		answer_kept(call, DEAR_DASHBOARD + (int)filter, (int)filter, answer_dashboard);
}

static void route(const struct call *call)
{
	const char *path = call->request->path;
	char name[JOB_REPO_SIZE];

	if (text_is(path, "/"))
		answer_first(call);
	else if (text_is(path, "/icon.svg"))
		answer_icon(call);
	else if (text_is(path, "/api/v1/recipes"))
		answer_kept(call, DEAR_RECIPES, 0, answer_recipes);
	else if (text_is(path, "/api/v1/runs"))
		answer_list(call);
	else if (text_is(path, "/api/v1/queue"))
		answer_queue(call);
	else if (match(path, "/api/v1/runs/", "", name, sizeof(name)) ||
		 match(path, "/runs/", "/results.json", name, sizeof(name)))
		answer_run(call, name, PART_RESULTS);
	else if (match(path, "/runs/", "/junit.xml", name, sizeof(name)))
		answer_run(call, name, PART_JUNIT);
	else if (match(path, "/runs/", "/picture", name, sizeof(name)))
		answer_run(call, name, PART_PICTURE);
	else if (match(path, "/runs/", "", name, sizeof(name)))
		answer_run(call, name, PART_PAGE);
	else if (match(path, "/badge/", ".svg", name, sizeof(name)))
		answer_badge(call, name, true);
	else if (match(path, "/badge/", ".json", name, sizeof(name)))
		answer_badge(call, name, false);
	else if (match(path, "/recipes/", "", name, sizeof(name)))
		answer_recipe(call, name);
	else
		answer_missing(call, "There is no page with this address.");
}

/* Source: RFC 9110, section 13.1.2. */
static bool is_known_to_them(const char *if_none_match, const struct server_page *page)
{
	return if_none_match && page->status == 200 &&
	       (text_is(if_none_match, "*") || strstr(if_none_match, page->etag));
}

void pages_answer(
    struct pages *pages, const struct server_request *request, struct server_page *out)
{
	struct call call = {
	    .pages = pages, .request = request, .out = out, .now_s = clock_wall_s()};

	route(&call);
	if (is_known_to_them(request->if_none_match, out)) {
		buf_release(&out->body);
		out->status = 304;
	}
}

struct pages *pages_new(const struct pages_settings *settings)
{
	struct pages *pages = xcalloc(1, sizeof(*pages));
	AUTO(buf) css = buf_make(STYLE_MAX_BYTES);
	AUTO(buf) policy = buf_make(POLICY_SIZE - 1);
	char hash[FILE_HASH_SIZE];

	pages->settings = *settings;
	pages->store_limit = (struct log_limit){.interval_ms = 60000};
	style_write_css(&css);
	file_hash_bytes(buf_text(&css), css.length, hash);
	style_write_policy(hash, &policy);
	(void)copy_text(pages->policy, sizeof(pages->policy), buf_text(&policy));
	return pages;
}

void pages_show_private(struct pages *pages, bool shows_private)
{
	pages->settings.shows_private = shows_private;
	for (size_t i = 0; i < DEAR_COUNT; i++)
		pages->kept[i].page.status = 0; /* made anew */
}

void pages_free(struct pages *pages)
{
	if (!pages)
		return;
	for (size_t i = 0; i < DEAR_COUNT; i++)
		buf_release(&pages->kept[i].page.body);
	free(pages);
}
