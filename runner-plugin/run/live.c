/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/live.h"

#include "common/clock.h"
#include "common/table.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#define COLUMNS_DEFAULT 80
#define ERASE "\r\033[K"

/* --- what is drawn --- */

bool live_is_for_now(const char *line, char out[LIVE_LINE_MAX])
{
	const char *text = strstr(line, ": ");
	size_t length;

	if (!text || !text_ends(line, LIVE_FOR_NOW))
		return false;
	text += strlen(": ");
	length = strlen(text);
	if (length < strlen(LIVE_FOR_NOW))
		return false;
	length -= strlen(LIVE_FOR_NOW);
	/* " (2 s)": the stage's own time stands before it. */
	if (length && text[length - 1] == ')') {
		size_t at = length;

		while (at && text[at] != '(')
			at--;
		if (at && text[at - 1] == ' ')
			length = at - 1;
	}
	(void)snprintf(out, LIVE_LINE_MAX, "%.*s", (int)length, text);
	return true;
}

/* How many bytes the first so many characters take. */
static size_t bytes_of(const char *text, size_t characters)
{
	size_t at = 0;

	while (text[at]) {
		bool begins_one = ((unsigned char)text[at] & 0xc0) != 0x80;

		if (begins_one && characters-- == 0)
			break;
		at++;
	}
	return at;
}

void live_format(const struct live *live, int64_t elapsed_ms, size_t columns, struct buf *out)
{
	char elapsed[CLOCK_DURATION_SIZE];
	AUTO(buf) line = buf_make(SIZE_MAX / 2);

	clock_format_duration(elapsed_ms, elapsed);
	(void)buf_printf(&line, "%-8s %11s", live->word, elapsed);
	if (live->doing[0]) {
		(void)buf_add_text(&line, "  ");
		table_add_text(&line, live->doing, NULL);
	}
	(void)buf_add(out, buf_text(&line), bytes_of(buf_text(&line), columns));
}

/* --- the terminal --- */

size_t live_columns(int fd)
{
	struct winsize size = {0};

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

void live_open(struct live *live, const char *const *environ)
{
	const char *terminal = environ_get(environ, "TERM");
	int fds[2];

	*live = (struct live)LIVE_OFF;
	if (!isatty(STDERR_FILENO) || !terminal || !*terminal || text_is(terminal, "dumb") ||
	    pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	live->read_fd = fds[0];
	live->write_fd = fds[1];
	/* The worker's end blocks: a line of its must not get lost because we are slow. */
	if (fcntl(live->write_fd, F_SETFL, 0) < 0)
		live_release(live);
}

void live_release(struct live *live)
{
	close_fd(&live->read_fd);
	close_fd(&live->write_fd);
}

static void put(const char *text, size_t length)
{
	if (write(STDERR_FILENO, text, length) < 0)
		return; /* a terminal that is gone */
}

void live_clear(const struct live *live)
{
	if (live->read_fd >= 0)
		put(ERASE, strlen(ERASE));
}

void live_draw(const struct live *live)
{
	AUTO(buf) text = buf_make(SIZE_MAX / 2);
	size_t columns = live_columns(STDERR_FILENO);

	if (live->read_fd < 0 || !live->word[0])
		return;
	(void)buf_add_text(&text, ERASE);
	/* One less: in the last column some terminals begin a new line. */
	live_format(live, clock_elapsed_ms(live->since_ns),
	    (columns ? columns : COLUMNS_DEFAULT) - 1, &text);
	put(buf_text(&text), text.length);
}

void live_begin(struct live *live, const char *word)
{
	(void)snprintf(live->word, sizeof(live->word), "%s", word);
	live->doing[0] = '\0';
	live->since_ns = clock_now();
}

void live_end(struct live *live)
{
	live_clear(live);
	live->word[0] = '\0';
}

static void take_line(struct live *live)
{
	live->partial[live->length] = '\0';
	live->length = 0;
	if (live_is_for_now(live->partial, live->doing))
		return;
	AUTO(buf) text = buf_make(SIZE_MAX / 2);
	table_add_text(&text, live->partial, NULL);
	(void)buf_add_char(&text, '\n');
	live_clear(live);
	put(buf_text(&text), text.length);
}

void live_read(struct live *live)
{
	char chunk[4096];

	while (live->read_fd >= 0) {
		ssize_t length = read(live->read_fd, chunk, sizeof(chunk));

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return;
		for (ssize_t i = 0; i < length; i++) {
			if (chunk[i] == '\n')
				take_line(live);
			else if (live->length < sizeof(live->partial) - 1)
				live->partial[live->length++] = chunk[i];
		}
	}
}
