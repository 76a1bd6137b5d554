/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What systemd is told, and the socket that it hands over. Hides the protocols of sd_notify(3),
 * sd_watchdog_enabled(3) and sd_listen_fds(3): datagrams of text, descriptors from 3 on, names in
 * the environment. Without systemd there is nobody to tell, and every call does nothing.
 *
 *   if (systemd_open(&systemd, err) < 0) ...
 *   systemd_take_socket(&listener, err)                      0: none was passed
 *   systemd_tell(&systemd, "READY=1\nSTATUS=polling")
 *   due_ns = systemd_turn(&systemd)                          from the loop: it turns
 *
 * Errors: ERR_CONFIG, with what is wrong with the unit.
 */
#ifndef CCCI_BRIDGE_SYSTEMD_H
#define CCCI_BRIDGE_SYSTEMD_H

#include "common/err.h"

#include <sys/socket.h>
#include <sys/un.h>

#define SYSTEMD_TEXT_MAX 1024 /* of one datagram */

struct systemd { /* all zero: nobody listens */
	int fd;
	struct sockaddr_un address;
	socklen_t address_size;
	int64_t watchdog_every_ns; /* 0: nobody waits for it */
	int64_t watchdog_due_ns;
};

/* Reads the environment, and takes out of it what is meant for this process alone. */
int systemd_open(struct systemd *out, struct err *err) CHECKED;
void systemd_close(struct systemd *systemd);

/* Lines of NAME=value. True when they were taken, or nobody listens; never waits. */
bool systemd_tell(const struct systemd *systemd, const char *lines);
/* RELOADING=1, with the instant that systemd wants along. */
bool systemd_tell_reloading(const struct systemd *systemd);
/* Says that the loop turns, twice in the time that the unit gives; when it must be called again at
 * the latest (INT64_MAX: nobody waits). Only the loop itself may call it. */
int64_t systemd_turn(struct systemd *systemd);

/*
 * The one listening TCP socket of a socket unit. *out_fd: 0 when none was passed; else the caller
 * closes it. More than one, or another kind, is an error.
 */
int systemd_take_socket(int *out_fd, struct err *err) CHECKED;

#endif
