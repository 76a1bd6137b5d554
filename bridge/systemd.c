/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/systemd.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */
#define PASSED_MAX 64
#define NAMES_SHOWN "%.100s"

/* --- what the environment says --- */

/* "/run/systemd/notify", or "@name" of an abstract one. */
static int read_address(const char *text, struct systemd *out, struct err *err)
{
	size_t length = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || !text[1])
		return err_set(err, ERR_CONFIG,
		    "NOTIFY_SOCKET \"%.100s\": it is neither a path nor the name of an abstract "
		    "socket",
		    text);
	if (length >= sizeof(out->address.sun_path))
		return err_set(
		    err, ERR_CONFIG, "NOTIFY_SOCKET: longer than a socket's path may be");
	out->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->address.sun_path, text, length);
	if (text[0] == '@')
		out->address.sun_path[0] = '\0';
	/* The end of an abstract name is its length's alone. */
	out->address_size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '@' ? 0 : 1));
	return 0;
}

/* Whether a variable that names a process means this one; absent means any. */
static bool is_for_us(const char *name)
{
	const char *text = getenv(name);
	int64_t pid = 0;

	return !text || (parse_int64(text, 1, INT32_MAX, &pid) && pid == getpid());
}

static int read_watchdog(struct systemd *out, struct err *err)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t usec = 0;

	if (!text || !is_for_us("WATCHDOG_PID"))
		return 0;
	if (!parse_int64(text, 1, INT64_MAX / 1000, &usec))
		return err_set(err, ERR_CONFIG,
		    "WATCHDOG_USEC \"%.40s\": it is no number of microseconds", text);
	out->watchdog_every_ns = usec * 1000 / 2;
	return 0;
}

int systemd_open(struct systemd *out, struct err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct systemd systemd = {0};

	if (!path || !*path) {
		*out = systemd;
		return 0;
	}
	if (read_address(path, &systemd, err) < 0 || read_watchdog(&systemd, err) < 0)
		return -1;
	systemd.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (systemd.fd < 0)
		return err_sys(err, errno, "open a socket for systemd");
	/* A child that told in our name would be taken for us. */
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	*out = systemd;
	return 0;
}

void systemd_close(struct systemd *systemd)
{
	if (systemd->fd > 0)
		close_fd(&systemd->fd);
	*systemd = (struct systemd){0};
}

/* --- telling --- */

bool systemd_tell(const struct systemd *systemd, const char *lines)
{
	size_t length = strlen(lines);

	if (systemd->fd <= 0)
		return true;
	assert(length && length <= SYSTEMD_TEXT_MAX);
	return sendto(systemd->fd, lines, length, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&systemd->address,
		   systemd->address_size) == (ssize_t)length;
}

bool systemd_tell_reloading(const struct systemd *systemd)
{
	struct timespec now = {0};
	char text[80];

	/* Its clock, not ours: a test may have injected that. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	return systemd_tell(systemd, text);
}

int64_t systemd_turn(struct systemd *systemd)
{
	int64_t now_ns = clock_now();

	if (!systemd->watchdog_every_ns)
		return INT64_MAX;
	if (now_ns >= systemd->watchdog_due_ns && systemd_tell(systemd, "WATCHDOG=1"))
		systemd->watchdog_due_ns = now_ns + systemd->watchdog_every_ns;
	/* One that could not be told is tried again soon, and not at once for ever. */
	return systemd->watchdog_due_ns > now_ns ? systemd->watchdog_due_ns
						 : now_ns + 100 * NS_PER_MS;
}

/* --- the socket --- */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

static bool is_listening(int fd)
{
	int domain = option(fd, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) && option(fd, SO_TYPE) == SOCK_STREAM &&
	       option(fd, SO_ACCEPTCONN) == 1;
}

static int check_passed(int64_t count, const char *names, struct err *err)
{
	if (count > 1)
		return err_set(err, ERR_CONFIG,
		    "systemd passes %lld sockets (" NAMES_SHOWN "), one is wanted: give "
		    "ccci-bridge.socket one ListenStream=, and the service no other socket unit",
		    (long long)count, names);
	if (!is_listening(FIRST_PASSED))
		return err_set(err, ERR_CONFIG,
		    "systemd passes \"" NAMES_SHOWN "\", which is not a TCP socket that listens: "
		    "the socket unit wants a ListenStream= of address and port, and Accept=no",
		    names);
	return 0;
}

int systemd_take_socket(int *out_fd, struct err *err)
{
	const char *count_text = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int64_t count = 0;

	*out_fd = 0;
	if (!count_text || !getenv("LISTEN_PID") || !is_for_us("LISTEN_PID"))
		return 0;
	if (!parse_int64(count_text, 0, PASSED_MAX, &count))
		return err_set(err, ERR_CONFIG,
		    "LISTEN_FDS \"%.40s\": it is no number from 0 to 64", count_text);
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + count; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return err_set(err, ERR_CONFIG,
			    "LISTEN_FDS says %lld, but descriptor %d is not open", (long long)count,
			    fd);
	}
	if (count == 0)
		return 0;
	if (check_passed(count, names && *names ? names : "without a name", err) < 0)
		return -1;
	int flags = fcntl(FIRST_PASSED, F_GETFL);
	if (flags < 0 || fcntl(FIRST_PASSED, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, errno, "use the socket that systemd passes");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDNAMES");
	*out_fd = FIRST_PASSED;
	return 0;
}
