/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bridge's HTTP server: POST /hook, GET /healthz, GET /metrics, and pages for all other paths;
 * the only file that includes libmicrohttpd is server.c. No thread: its one descriptor is polled by
 * the loop.
 *
 *   struct server *server = server_new(&settings, err);
 *   struct pollfd fd = {.fd = server_fd(server), .events = POLLIN};
 *   http_poll(http, &fd, 1, min(server_timeout_ms(server), ...), err);
 *   server_turn(server);              always, ready or not: timeouts are kept here too
 *
 * Built for the open internet: heads, bodies, the number of connections and the time of each are
 * bounded, bodies of all connections together too, and pages on their way likewise. When there is
 * too much of one, the connection that has been quiet longest is pushed out, not the new one
 * refused, so those that only hold on do not lock others out.
 */
#ifndef CCCI_SERVER_H
#define CCCI_SERVER_H

#include "bridge/hook.h"

#define SERVER_CONNECTIONS_MAX 128
#define SERVER_HEAD_MAX_BYTES (16 * 1024)	  /* request line, headers and MHD's own use */
#define SERVER_BODIES_MAX_BYTES (4 * 1024 * 1024) /* of all connections together */
#define SERVER_PAGES_MAX_BYTES (4 * 1024 * 1024)  /* on their way, of all connections together */
#define SERVER_IDLE_S 10			  /* without a byte */
#define SERVER_CONNECTION_MS 30000		  /* the longest a connection lives */
#define SERVER_METRICS_MAX_BYTES (64 * 1024)
#define SERVER_HEALTH_MAX_BYTES (16 * 1024)

/* Somebody asks for a page. All borrowed; NULL: not given. */
struct server_request {
	const char *path;
	const char *show, *before; /* the arguments that pages take */
	const char *if_none_match;
};
/* The answer. Texts but the body's are borrowed until it is sent, which is at once. */
#define SERVER_ETAG_SIZE 40
struct server_page {
	int status;
	const char *type;
	const char *cache;	     /* Cache-Control */
	const char *policy;	     /* Content-Security-Policy */
	char etag[SERVER_ETAG_SIZE]; /* with its quotes; "" none */
	struct buf body;
};

struct server_settings {
	const char *listen;	      /* "127.0.0.1:8080", "[::1]:0"; port 0: any */
	int listener;		      /* a socket that listens already, in its place; 0: none */
	const struct hook_keys *keys; /* borrowed, outlives the server; none: /hook is 404 */
	void *context;
	/* A signed delivery names this comment. Called from server_turn(). */
	void (*on_look)(void *context, const struct hook_look *look);
	/* True: well (200), else not (503). Appends lines for people. */
	bool (*on_health)(void *context, struct buf *out);
	/* Appends further lines of Prometheus text; may be NULL. */
	void (*on_metrics)(void *context, struct buf *out);
	/* GET or HEAD of any other path; fills *out, whose body is released here. NULL: 404. */
	void (*on_page)(
	    void *context, const struct server_request *request, struct server_page *out);
};

struct server;

/* ERR_CONFIG: not an address; ERR_SYS: cannot listen there. Takes the listener, on failure too. */
struct server *server_new(const struct server_settings *settings, struct err *err) CHECKED;
void server_free(struct server *server);
/* Before it ends: accepts nobody any more. Who waits in the queue of a socket that somebody else
 * holds too is served by the next process. */
void server_stop_accepting(struct server *server);
bool server_is_busy(const struct server *server); /* somebody accepted has no answer yet */
int server_fd(const struct server *server);
int server_port(const struct server *server);
/* Milliseconds after which server_turn() must be called though nothing is ready; -1: any time. */
int server_timeout_ms(const struct server *server);
void server_turn(struct server *server);
/* For the settings: NULL when it is an address to listen at, else what is wrong. */
const char *server_check_listen(const char *text);

#endif
