/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one way out of a sandbox: connections made to a socket in there are carried to the proxy, if
 * the name that they ask for is the app's (hello.h). Others are closed.
 *
 *   AUTO_PTR(relay) relay = relay_open("app.ci.example.org", "127.0.0.1:443", err);
 *   relay_listen(relay, take_listen_fd, err);   of the sandbox's network
 *   poll relay_fd(relay), and when it is readable relay_turn(relay)
 *
 * Never blocks, holds RELAY_LINKS_MAX connections and two small buffers for each: what is slow or
 * full waits on the side of who sends. It reads no further than the first message; what a proxy
 * does with a Host header of another name behind it is the proxy's affair.
 */
#ifndef CCCI_RELAY_H
#define CCCI_RELAY_H

#include "common/err.h"

#define RELAY_LINKS_MAX 32

struct relay;
/* connect_to: host:port, looked up once, here. */
struct relay *relay_open(const char *domain, const char *connect_to, struct err *err) CHECKED;
int relay_listen(struct relay *relay, int take_fd, struct err *err) CHECKED;
int relay_fd(const struct relay *relay);
void relay_turn(struct relay *relay);
/* How many connections were closed because they asked for something else. */
unsigned relay_refused(const struct relay *relay);
void relay_free(struct relay *relay);
DEFINE_AUTO_PTR(relay, relay_free);

#endif
