/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/pages/draw.h"

#define MARK 4 /* height of what tells a column that is not good */

void draw_begin(struct html *html, const struct draw *draw)
{
	char box[64];

	(void)format_text(box, sizeof(box), "0 0 %d %d", draw->width, draw->height);
	html_begin(html, "svg", "class", draw->class, "viewBox", box, "preserveAspectRatio", "none",
	    "role", draw->label ? "img" : NULL, "aria-label", draw->label, "aria-hidden",
	    draw->label ? NULL : "true", NULL);
}

void draw_bar(struct html *html, const char *class, double x, double y, double width, double height)
{
	char numbers[4][32];
	const double values[] = {x, y, width, height};

	for (size_t i = 0; i < COUNT_OF(values); i++)
		(void)format_text(numbers[i], sizeof(numbers[i]), "%.5g", values[i]);
	html_empty(html, "rect", "class", class, "x", numbers[0], "y", numbers[1], "width",
	    numbers[2], "height", numbers[3], NULL);
}

static const char *tone_class(enum draw_tone tone)
{
	switch (tone) {
	case DRAW_GOOD:
		return "good";
	case DRAW_BAD:
		return "bad";
	case DRAW_OTHER:
		return "other";
	}
	return NULL;
}

/* All columns of a tone are one path: a page may hold hundreds of these pictures. */
static void add_tone(struct html *html, const struct draw *draw, const struct draw_column *columns,
    size_t count, enum draw_tone tone)
{
	AUTO(buf) path = buf_make(SIZE_MAX / 2);
	double most = 0;
	int step = draw->width / DRAW_COLUMNS_MAX;

	for (size_t i = 0; i < count; i++)
		most = columns[i].value > most ? columns[i].value : most;
	for (size_t i = 0; i < count; i++) {
		int x = draw->width - (int)(count - i) * step;
		int height =
		    most > 0 ? (int)(columns[i].value / most * (draw->height - MARK - 3)) : 0;

		if (columns[i].tone != tone)
			continue;
		height += 2;
		(void)buf_printf(
		    &path, "M%d %dv-%dh%dv%dz", x, draw->height, height, step - 1, height);
		if (tone != DRAW_GOOD)
			(void)buf_printf(
			    &path, "M%d 0h%dv%dh-%dz", x, step - 1, MARK - 1, step - 1);
	}
	if (path.length)
		html_empty(html, "path", "class", tone_class(tone), "d", buf_text(&path), NULL);
}

void draw_columns(
    struct html *html, const struct draw *draw, const struct draw_column *columns, size_t count)
{
	if (count > DRAW_COLUMNS_MAX) {
		columns += count - DRAW_COLUMNS_MAX;
		count = DRAW_COLUMNS_MAX;
	}
	draw_begin(html, draw);
	add_tone(html, draw, columns, count, DRAW_GOOD);
	add_tone(html, draw, columns, count, DRAW_BAD);
	add_tone(html, draw, columns, count, DRAW_OTHER);
	html_end(html);
}
