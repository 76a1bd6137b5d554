/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SOCKET_NAME "keeper.sock"
#define BACKLOG 16

void channel_packet_release(struct channel_packet *packet)
{
	json_free(packet->message);
	while (packet->fd_count)
		close_fd(&packet->fds[--packet->fd_count]);
	*packet = (struct channel_packet){0};
}

/* sun_path has 108 bytes; "/proc/self/fd/N/name" fits whatever the directory is called. */
static struct sockaddr_un address_in(int dir_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)format_text(
	    address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, SOCKET_NAME);
	return address;
}

static int open_dir(const char *path, struct err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_MISSING, "open %s: no such run", path);
	return fd < 0 ? err_sys(err, errno, "open %s", path) : fd;
}

static int open_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return fd < 0 ? err_sys(err, errno, "make a socket") : fd;
}

int channel_listen(const char *run_dir, struct err *err)
{
	auto_fd int dir_fd = open_dir(run_dir, err);
	auto_fd int fd = dir_fd < 0 ? -1 : open_socket(err);

	if (fd < 0)
		return -1;
	struct sockaddr_un address = address_in(dir_fd);
	(void)unlinkat(dir_fd, SOCKET_NAME, 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "listen in %s", run_dir);
	return take_fd(&fd);
}

int channel_connect(const char *run_dir, struct err *err)
{
	auto_fd int dir_fd = open_dir(run_dir, err);
	auto_fd int fd = dir_fd < 0 ? -1 : open_socket(err);

	if (fd < 0)
		return -1;
	struct sockaddr_un address = address_in(dir_fd);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return take_fd(&fd);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return err_set(err, ERR_MISSING, "no keeper listens in %s", run_dir);
	return err_sys(err, errno, "connect in %s", run_dir);
}

int channel_accept(int listen_fd)
{
	return accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

int channel_pair(int out[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) < 0)
		return err_sys(err, errno, "make a pair of sockets");
	return 0;
}

/* --- packets --- */

union control { /* aligned as a cmsghdr must be */
	char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

static int send_text(int fd, const char *text, const int *fds, size_t fd_count, int flags)
{
	struct iovec part = {.iov_len = strlen(text)};
	union control control = {0};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	size_t bytes = fd_count * sizeof(*fds);
	ssize_t sent;

	assert(fd_count <= CHANNEL_FDS_MAX);
	memcpy(&part.iov_base, &text, sizeof(text)); /* sendmsg(2) only reads it */
	if (fd_count) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *attached = CMSG_FIRSTHDR(&header);
		assert(attached);
		*attached = (struct cmsghdr){
		    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)};
		memcpy(CMSG_DATA(attached), fds, bytes);
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int channel_send(
    int fd, const struct json *message, const int *fds, size_t fd_count, struct err *err)
{
	auto_str char *text = json_print(message);

	if (strlen(text) >= CHANNEL_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "send to the other end of the run: too long");
	if (send_text(fd, text, fds, fd_count, 0) == 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return err_set(err, ERR_MISSING, "the other end is gone");
	return err_sys(err, errno, "send to the other end of the run");
}

void channel_offer(int fd, const struct json *message)
{
	auto_str char *text = json_print(message);

	if (strlen(text) < CHANNEL_MAX_BYTES && send_text(fd, text, NULL, 0, MSG_DONTWAIT) < 0)
		return; /* slow or gone: progress is worth no wait */
}

static void take_descriptors(struct msghdr *header, struct channel_packet *packet)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at; at = CMSG_NXTHDR(header, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			auto_fd int fd = -1;

			memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
			if (packet->fd_count < CHANNEL_FDS_MAX)
				packet->fds[packet->fd_count++] = take_fd(&fd);
		}
	}
}

int channel_receive(int fd, struct channel_packet *out, struct err *err)
{
	char text[CHANNEL_MAX_BYTES];
	union control control;
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr header = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	AUTO(channel_packet) packet = {0};
	ssize_t length;

	do
		length = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0 && errno == EAGAIN)
		return err_set(err, ERR_TRANSIENT, "nothing there");
	if (length == 0 || (length < 0 && errno == ECONNRESET))
		return err_set(err, ERR_MISSING, "the other end is gone");
	if (length < 0)
		return err_sys(err, errno, "receive from the other end of the run");
	take_descriptors(&header, &packet);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_set(err, ERR_PROTOCOL, "a packet is too long");
	packet.message = json_parse(text, (size_t)length, err);
	if (!packet.message)
		return -1;
	if (!json_is_object(packet.message))
		return err_set(err, ERR_PROTOCOL, "a packet is no object");
	*out = packet;
	packet = (struct channel_packet){0};
	return 0;
}
