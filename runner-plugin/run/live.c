/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/live.h"

#include "common/buf.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#define COLUMNS_DEFAULT 80
#define ERASE "\r\033[K"

void live_open(struct live *live)
{
	int fds[2];

	*live = (struct live)LIVE_OFF;
	if (!isatty(STDERR_FILENO) || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	live->read_fd = fds[0];
	live->write_fd = fds[1];
	live->since_ns = clock_now();
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

static size_t columns(void)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

void live_clear(const struct live *live)
{
	if (live->read_fd >= 0)
		put(ERASE, strlen(ERASE));
}

void live_draw(const struct live *live)
{
	char elapsed[CLOCK_DURATION_SIZE];
	AUTO(buf) line = buf_make(2 * LIVE_LINE_MAX);
	size_t room = columns() - 1;

	if (live->read_fd < 0 || !live->waits[0])
		return;
	clock_format_duration(clock_elapsed_ms(live->since_ns), elapsed);
	(void)buf_printf(&line, "%s, %s", live->waits, elapsed);
	live_clear(live);
	put(buf_text(&line), text_head(buf_text(&line), room));
}

/* "install: waits for service app to start (2 s)" without its own time. */
static void keep_wait(struct live *live, const char *line)
{
	const char *time = strstr(line, " (");
	size_t length = time ? (size_t)(time - line) : strlen(line);

	(void)snprintf(live->waits, sizeof(live->waits), "%.*s", (int)length, line);
}

static void take_line(struct live *live)
{
	live->partial[live->length] = '\0';
	live->length = 0;
	if (strstr(live->partial, ": waits for ")) {
		keep_wait(live, live->partial);
		return;
	}
	live_clear(live);
	put(live->partial, strlen(live->partial));
	put("\n", 1);
	live->waits[0] = '\0';
	live->since_ns = clock_now();
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
