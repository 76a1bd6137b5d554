/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/swarm/database_marks.h"

#include "common/clock.h"
#include "runner-plugin/swarm/survival.h"

#define PATIENCE_MS 20000 /* for one that is starting */
#define LOOK_EVERY_MS 500
#define CLIENT_MS 15000 /* longest that its client may take */
#define OUTPUT_MAX_BYTES 8192
#define PLACES_MAX 200 /* containers of one stack that are looked at */

static void release_mark(struct database_mark *mark)
{
	free(mark->service);
	free(mark->unnamed);
	free(mark->unnamed_now);
}

void database_marks_release(struct database_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		release_mark(&marks->items[i]);
	free(marks->items);
	free(marks->mark);
	*marks = (struct database_marks){0};
}

void database_place_release(struct database_place *place)
{
	free(place->service);
	free(place->container);
	free(place->unnamed);
	database_release(&place->database);
	*place = (struct database_place){0};
}

/* --- what runs --- */

static void read_mounts(const struct json *mounts, struct database_place *out)
{
	for (const struct json *item = json_first(mounts); item; item = json_next(item)) {
		const char *type = json_get_text(item, "Type");
		const char *name = json_get_text(item, "Name");
		const char *path = json_get_text(item, "Destination");

		if (!type || !path)
			continue;
		if (!text_is(type, "volume") || !survival_is_unnamed(name)) {
			out->is_lasting |= !text_is(type, "tmpfs");
			continue;
		}
		if (!*out->unnamed) {
			free(out->unnamed);
			out->unnamed = xstrdup(path);
		}
	}
}

void database_place_read(
    const char *stack, const struct json *container, struct database_place *out)
{
	const struct json *config = json_get(container, "Config");
	const char *id = json_get_text(container, "Id");
	const char *image = json_get_text(config, "Image");
	const struct json *list = json_get(config, "Env");
	const char *service = text_descope(
	    stack, json_get_text(json_get(config, "Labels"), "com.docker.swarm.service.name"));
	const char **env = xcalloc(json_count(list) + 1, sizeof(*env));
	size_t count = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (json_text(item))
			env[count++] = json_text(item);
	}
	*out = (struct database_place){
	    .service = xstrdup(service ? service : ""),
	    .container = xstrdup(id ? id : ""),
	    .unnamed = xstrdup(""),
	};
	out->is_database = service && id && image && database_recognise(image, env, &out->database);
	read_mounts(json_get(container, "Mounts"), out);
	free(env);
}

struct places {
	struct database_place *items; /* the databases */
	size_t count;
};

static void release_places(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		database_place_release(&places->items[i]);
	free(places->items);
	*places = (struct places){0};
}
DEFINE_AUTO(places, release_places);

/* The databases of the stack; a container that goes in this moment is none. */
static int find_places(
    struct engine *engine, const char *stack, struct places *out, struct err *err)
{
	AUTO(places) places = {0};
	auto_str char *path = engine_stack_path("/containers/json", stack);
	AUTO_PTR(json) list = engine_get(engine, path, err);
	size_t seen = 0;

	if (!list)
		return -1;
	for (const struct json *item = json_first(list); item && seen++ < PLACES_MAX;
	     item = json_next(item)) {
		const char *id = json_get_text(item, "Id");
		auto_str char *one = xasprintf("/containers/%s/json", id ? id : "");
		AUTO_PTR(json) container = id ? engine_get(engine, one, err) : NULL;
		AUTO(database_place) place = {0};

		if (id && !container && err->code != ERR_MISSING)
			return -1;
		database_place_read(stack, container, &place);
		if (!place.is_database)
			continue;
		places.items =
		    xrealloc_array(places.items, places.count + 1, sizeof(*places.items));
		places.items[places.count++] = place;
		place = (struct database_place){0};
	}
	*out = places;
	places = (struct places){0};
	return 0;
}

/* The one of that service; *out_several: there are more. */
static const struct database_place *place_of(
    const struct places *places, const char *service, bool *out_several)
{
	const struct database_place *found = NULL;

	*out_several = false;
	for (size_t i = 0; i < places->count; i++) {
		if (!text_is(places->items[i].service, service))
			continue;
		*out_several = found != NULL;
		found = found ? found : &places->items[i];
	}
	return found;
}

/* --- one question --- */

/* CLOSED also when the engine does not get through to it: the reason is in why. */
static enum database_answer ask_once(struct engine *engine, const struct database_place *place,
    enum database_action action, const char *mark, int cancel_fd, char why[DATABASE_WHY_SIZE])
{
	AUTO(database_command) command = {0};
	AUTO(engine_exec_result) result = {0};
	struct err err;

	database_command(&place->database, action, mark, &command);
	const struct engine_exec spec = {
	    .container = place->container,
	    .argv = command.argv,
	    .env = command.env,
	    .deadline_ns = clock_now() + CLIENT_MS * NS_PER_MS,
	    .cancel_fd = cancel_fd,
	    .max_bytes = OUTPUT_MAX_BYTES,
	};
	if (engine_exec(engine, &spec, &result, &err) == 0)
		return database_judge(&place->database, action, mark, result.exit_code,
		    buf_text(&result.output), why);
	(void)snprintf(why, DATABASE_WHY_SIZE, "%.*s",
	    (int)text_head(err.msg, DATABASE_WHY_SIZE - 1), err.msg);
	return DATABASE_CLOSED;
}

/* Until it answers, or for as long as we have patience. */
static void ask(struct engine *engine, const struct database_place *place,
    enum database_action action, const char *mark, int cancel_fd, struct database_mark *out)
{
	struct pollfd cancel = {.fd = cancel_fd, .events = POLLIN};
	int64_t until_ns = clock_now() + PATIENCE_MS * NS_PER_MS;

	do {
		out->answer = ask_once(engine, place, action, mark, cancel_fd, out->why);
	} while (out->answer == DATABASE_BUSY && clock_now() < until_ns &&
		 poll(&cancel, 1, LOOK_EVERY_MS) == 0);
}

static int compare_marks(const void *a, const void *b)
{
	const struct database_mark *left = a;
	const struct database_mark *right = b;

	return strcmp(left->service, right->service);
}

static void close_mark(struct database_mark *mark, const char *why)
{
	mark->answer = DATABASE_CLOSED;
	(void)snprintf(mark->why, sizeof(mark->why), "%s", why);
}

int database_marks_make(struct engine *engine, const char *stack, const char *mark, int cancel_fd,
    struct database_marks *out, struct err *err)
{
	AUTO(places) places = {0};
	AUTO(database_marks) marks = {.mark = xstrdup(mark)};

	if (find_places(engine, stack, &places, err) < 0)
		return -1;
	marks.items = xcalloc(places.count + 1, sizeof(*marks.items));
	for (size_t i = 0; i < places.count; i++) {
		const struct database_place *place = &places.items[i];
		bool has_several = false;

		if (place_of(&places, place->service, &has_several) != place)
			continue;
		struct database_mark *item = &marks.items[marks.count++];
		*item = (struct database_mark){
		    .service = xstrdup(place->service),
		    .kind = place->database.kind,
		    .unnamed = xstrdup(place->unnamed),
		    .unnamed_now = xstrdup(""),
		};
		if (has_several)
			close_mark(item, "it runs more than once");
		else if (item->kind == DATABASE_REDIS && !place->is_lasting)
			item->answer = DATABASE_VOLATILE;
		else
			ask(engine, place, DATABASE_MARK, mark, cancel_fd, item);
	}
	qsort(marks.items, marks.count, sizeof(*marks.items), compare_marks);
	*out = marks;
	marks = (struct database_marks){0};
	return 0;
}

static void check_one(struct engine *engine, const struct places *places, const char *mark,
    int cancel_fd, struct database_mark *item)
{
	bool has_several = false;
	const struct database_place *place = place_of(places, item->service, &has_several);

	if (!place) {
		close_mark(item, "there is no such service any more");
		return;
	}
	free(item->unnamed_now);
	item->unnamed_now = xstrdup(place->unnamed);
	if (has_several)
		close_mark(item, "it runs more than once now");
	else if (place->database.kind != item->kind)
		close_mark(item, "it is another database now");
	else
		ask(engine, place, DATABASE_CHECK, mark, cancel_fd, item);
}

int database_marks_check(struct engine *engine, const char *stack, int cancel_fd,
    struct database_marks *marks, struct err *err)
{
	AUTO(places) places = {0};

	if (!marks->count)
		return 0;
	if (find_places(engine, stack, &places, err) < 0)
		return -1;
	for (size_t i = 0; i < marks->count; i++) {
		if (marks->items[i].answer == DATABASE_HERE)
			check_one(engine, &places, marks->mark, cancel_fd, &marks->items[i]);
	}
	return 0;
}

void database_marks_remove(
    struct engine *engine, const char *stack, int cancel_fd, const struct database_marks *marks)
{
	AUTO(places) places = {0};
	struct err ignored;

	if (!marks->count || find_places(engine, stack, &places, &ignored) < 0)
		return;
	for (size_t i = 0; i < marks->count; i++) {
		bool has_several = false;
		const struct database_place *place =
		    place_of(&places, marks->items[i].service, &has_several);
		char why[DATABASE_WHY_SIZE];

		if (place && marks->items[i].answer == DATABASE_HERE)
			(void)ask_once(engine, place, DATABASE_REMOVE, marks->mark, cancel_fd, why);
	}
}

char *database_mark_name(const struct database_mark *mark)
{
	return xasprintf("data of %s (%s)", mark->service, database_word(mark->kind));
}

void database_marks_explain(
    const struct database_mark *mark, const char *name, char out[DATABASE_MARKS_TEXT_SIZE])
{
	const char *word = database_word(mark->kind);
	const char *unnamed = *mark->unnamed ? mark->unnamed : mark->unnamed_now;

	switch (mark->answer) {
	case DATABASE_HERE:
		*out = '\0';
		return;
	case DATABASE_BUSY:
	case DATABASE_CLOSED:
		(void)snprintf(out, DATABASE_MARKS_TEXT_SIZE, "could not be opened: %s", mark->why);
		return;
	case DATABASE_VOLATILE:
		(void)snprintf(
		    out, DATABASE_MARKS_TEXT_SIZE, "this %s keeps nothing on disk", word);
		return;
	case DATABASE_GONE:
		break;
	}
	int length = snprintf(out, DATABASE_MARKS_TEXT_SIZE,
	    "service %.60s lost the data of its %s: %s%s, made before, is not in it any more",
	    mark->service, word, DATABASE_PREFIX, name);
	if (*unnamed)
		(void)snprintf(out + length, DATABASE_MARKS_TEXT_SIZE - (size_t)length,
		    ": it keeps %.150s in a volume without a name: name it in compose.yml",
		    unnamed);
	else
		(void)snprintf(out + length, DATABASE_MARKS_TEXT_SIZE - (size_t)length,
		    ": it reads another place than its volume, or began anew");
}
