/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small pictures in a page, as SVG of rectangles: bars, and columns side by side. Pure.
 *
 *   draw_begin(&html, &(struct draw){.class = "trend", .width = 120, .height = 24, .label = "…"});
 *   draw_bar(&html, "good", x, y, width, height);
 *   html_end(&html);
 *
 * They stretch to the room they are given; what they say stands in the label too, for who does not
 * see it. Colours are the style sheet's, by class.
 */
#ifndef CCCI_BRIDGE_PAGES_DRAW_H
#define CCCI_BRIDGE_PAGES_DRAW_H

#include "bridge/pages/html.h"

#define DRAW_COLUMNS_MAX 30

struct draw {
	const char *class;
	int width, height;
	const char *label; /* NULL: the text beside it says the same */
};
void draw_begin(struct html *html, const struct draw *draw);
void draw_bar(
    struct html *html, const char *class, double x, double y, double width, double height);

/* A column for each run, the oldest first; what is not good has a mark on top besides its colour.
 */
enum draw_tone { DRAW_GOOD, DRAW_BAD, DRAW_OTHER };
struct draw_column {
	enum draw_tone tone;
	double value; /* 0: a stub */
};
void draw_columns(
    struct html *html, const struct draw *draw, const struct draw_column *columns, size_t count);

#endif
