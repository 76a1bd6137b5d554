/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/badge.h"

#define SIDE 6	      /* left and right of a text */
#define CHARACTER 6.6 /* width of one at 11 pixels; the text is stretched to fit */
#define GREY "5f6670"
#define BLUE "0a58b8"

static const char *const level_colours[] = {
    "b3261e", "a4480a", "855300", "63690b", "3d7317", "14703a"};

struct badge badge_of(const char *recipe, const struct past *past)
{
	const struct past_run *level = past_level(past);
	struct badge badge = {.label = recipe, .message = "unknown", .colour = GREY};

	if (level && level->level >= 0 && level->level < (int)COUNT_OF(level_colours)) {
		(void)format_text(badge.message, sizeof(badge.message), "level %d", level->level);
		badge.colour = level_colours[level->level];
	} else if (past->count && past_is_active(&past->runs[0])) {
		(void)copy_text(badge.message, sizeof(badge.message), "running");
		badge.colour = BLUE;
	}
	return badge;
}

static double text_width(const char *text)
{
	return (double)strlen(text) * CHARACTER;
}

static void add_box(struct html *html, double x, double width, const char *colour)
{
	char numbers[2][32];
	auto_str char *fill = xasprintf("#%s", colour);

	(void)format_text(numbers[0], sizeof(numbers[0]), "%.5g", x);
	(void)format_text(numbers[1], sizeof(numbers[1]), "%.5g", width);
	html_empty(
	    html, "rect", "x", numbers[0], "width", numbers[1], "height", "20", "fill", fill, NULL);
}

static void add_words(struct html *html, double x, const char *text)
{
	char numbers[2][32];

	(void)format_text(numbers[0], sizeof(numbers[0]), "%.5g", x + SIDE);
	(void)format_text(numbers[1], sizeof(numbers[1]), "%.5g", text_width(text));
	html_begin(html, "text", "x", numbers[0], "y", "14", "textLength", numbers[1], NULL);
	html_text(html, "%s", text);
	html_end(html);
}

void badge_write_svg(struct html *html, const struct badge *badge)
{
	double left = text_width(badge->label) + 2 * SIDE;
	double right = text_width(badge->message) + 2 * SIDE;
	auto_str char *width = xasprintf("%.5g", left + right);
	auto_str char *title = xasprintf("%s: %s", badge->label, badge->message);

	html_begin(html, "svg", "xmlns", "http://www.w3.org/2000/svg", "width", width, "height",
	    "20", "role", "img", "aria-label", title, NULL);
	html_say(html, "title", "%s", title);
	html_begin(html, "clipPath", "id", "round", NULL);
	html_empty(html, "rect", "width", width, "height", "20", "rx", "4", NULL);
	html_end(html);
	html_begin(html, "g", "clip-path", "url(#round)", NULL);
	add_box(html, 0, left, "3b4149");
	add_box(html, left, right, badge->colour);
	html_end(html);
	html_begin(html, "g", "fill", "#fff", "font-family", "Verdana,DejaVu Sans,sans-serif",
	    "font-size", "11", NULL);
	add_words(html, 0, badge->label);
	add_words(html, left, badge->message);
	html_end(html);
	html_end(html);
}

/* Source: shields.io, "Endpoint Badge". */
struct json *badge_encode(const struct badge *badge)
{
	struct json *json = json_new_object();

	json_set_int(json, "schemaVersion", 1);
	json_set_text(json, "label", badge->label);
	json_set_text(json, "message", badge->message);
	json_set_text(json, "color", badge->colour);
	return json;
}
