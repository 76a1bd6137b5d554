/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets between a run's fronts and its keeper: one JSON object each, over <run>/keeper.sock
 * (SOCK_SEQPACKET), with descriptors beside it where one needs them.
 *
 *   int fd = channel_connect(run->dir, &err);
 *   channel_send(fd, request, (int[]){1, 2}, 2, &err);
 *   channel_receive(fd, &packet, &err);               blocks, unless the descriptor does not
 *
 * The directory may have any length: the socket is reached through a descriptor of it.
 */
#ifndef CCCI_CHANNEL_H
#define CCCI_CHANNEL_H

#include "common/json.h"

#define CHANNEL_MAX_BYTES 16384 /* a line for people, a word, a few numbers */
#define CHANNEL_FDS_MAX 2	/* the step's stdout and stderr */

struct channel_packet {
	struct json *message;
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
};
void channel_packet_release(struct channel_packet *packet);
DEFINE_AUTO(channel_packet, channel_packet_release);

int channel_listen(const char *run_dir, struct err *err) CHECKED; /* replaces a dead one's socket */
/* ERR_MISSING: nobody listens. */
int channel_connect(const char *run_dir, struct err *err) CHECKED;
/* The next who connected, not blocking; -1: none. */
int channel_accept(int listen_fd);
int channel_pair(int out[2], struct err *err) CHECKED;

int channel_send(
    int fd, const struct json *message, const int *fds, size_t fd_count, struct err *err) CHECKED;
/* The same, dropping it when the other end does not take it at once: for progress. */
void channel_offer(int fd, const struct json *message);
/*
 * *out is filled on 0. ERR_MISSING the other end is gone, ERR_TRANSIENT nothing there (a descriptor
 * that does not block), ERR_PROTOCOL it is no object of ours.
 */
int channel_receive(int fd, struct channel_packet *out, struct err *err) CHECKED;

#endif
