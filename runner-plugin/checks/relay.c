/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/relay.h"

#include "runner-plugin/checks/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_AT_ONCE 32
#define LISTENER UINT64_MAX

/* One direction: bytes that were read on one side and not yet written on the other. */
struct flow {
	char bytes[HELLO_MAX_BYTES];
	size_t length;
	bool has_ended; /* nothing more will come */
	bool was_told;	/* and the other side knows */
};

enum side { CLIENT, PROXY };

struct link {
	int fds[2];	   /* by enum side; CLIENT -1: free; PROXY -1: not allowed yet */
	uint32_t armed[2]; /* what epoll watches for; 0: nothing, and it does not know the fd */
	struct flow from[2];
	bool is_connected;
};

struct relay {
	char *domain;
	struct sockaddr_storage address; /* of the proxy */
	socklen_t address_length;
	int epoll_fd, listen_fd;
	bool is_listening;
	unsigned refused;
	struct link links[RELAY_LINKS_MAX];
};

/* --- opening --- */

static int look_up(struct relay *relay, const char *connect_to, struct err *err)
{
	const char *colon = strrchr(connect_to, ':');
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	if (!colon)
		return err_set(err, ERR_CONFIG, "%s is no host:port", connect_to);
	bool has_brackets = connect_to[0] == '[' && colon > connect_to && colon[-1] == ']';
	auto_str char *host = xstrndup(
	    connect_to + has_brackets, (size_t)(colon - connect_to) - (has_brackets ? 2 : 0));
	int fault = getaddrinfo(host, colon + 1, &hints, &found);
	if (fault)
		return err_set(
		    err, ERR_TRANSIENT, "look up the proxy %s: %s", host, gai_strerror(fault));
	memcpy(&relay->address, found->ai_addr, found->ai_addrlen);
	relay->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

struct relay *relay_open(const char *domain, const char *connect_to, struct err *err)
{
	AUTO_PTR(relay) relay = xcalloc(1, sizeof(*relay));

	relay->domain = xstrdup(domain);
	relay->listen_fd = -1;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++)
		relay->links[i].fds[CLIENT] = relay->links[i].fds[PROXY] = -1;
	relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (relay->epoll_fd < 0) {
		(void)err_sys(err, errno, "make an epoll descriptor");
		return NULL;
	}
	if (look_up(relay, connect_to, err) < 0)
		return NULL;
	return take_ptr(relay);
}

static void watch_listener(struct relay *relay, bool wants)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = LISTENER};

	if (wants == relay->is_listening || relay->listen_fd < 0)
		return;
	if (epoll_ctl(relay->epoll_fd, wants ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, relay->listen_fd,
		&event) == 0)
		relay->is_listening = wants;
}

int relay_listen(struct relay *relay, int take_fd, struct err *err)
{
	assert(relay->listen_fd < 0);
	relay->listen_fd = take_fd;
	if (fcntl(take_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "listen in the sandbox");
	watch_listener(relay, true);
	return 0;
}

int relay_fd(const struct relay *relay)
{
	return relay->epoll_fd;
}

unsigned relay_refused(const struct relay *relay)
{
	return relay->refused;
}

/* --- one connection --- */

static void link_close(struct link *link)
{
	close_fd(&link->fds[CLIENT]);
	close_fd(&link->fds[PROXY]);
	*link = (struct link){.fds = {-1, -1}};
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++)
		link_close(&relay->links[i]);
	close_fd(&relay->listen_fd);
	close_fd(&relay->epoll_fd);
	free(relay->domain);
	free(relay);
}

static void arm(struct relay *relay, struct link *link, enum side side)
{
	const struct flow *in = &link->from[side];
	const struct flow *out = &link->from[!side];
	uint32_t wants = 0;

	if (link->fds[side] < 0)
		return;
	if (!in->has_ended && in->length < sizeof(in->bytes))
		wants |= EPOLLIN;
	if (side == PROXY ? !link->is_connected || out->length : out->length)
		wants |= EPOLLOUT;
	if (wants == link->armed[side])
		return;
	struct epoll_event event = {
	    .events = wants, .data.u64 = (uint64_t)(link - relay->links) * 2 + (uint64_t)side};
	int change = !wants ? EPOLL_CTL_DEL : !link->armed[side] ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (epoll_ctl(relay->epoll_fd, change, link->fds[side], &event) == 0)
		link->armed[side] = wants;
}

/* False: the connection is no more. */
static bool flow_read(struct flow *flow, int fd)
{
	if (flow->has_ended || flow->length == sizeof(flow->bytes))
		return true;
	ssize_t length =
	    recv(fd, flow->bytes + flow->length, sizeof(flow->bytes) - flow->length, 0);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->has_ended = length == 0;
	flow->length += (size_t)length;
	return true;
}

static bool flow_write(struct flow *flow, int fd)
{
	if (flow->length) {
		ssize_t sent = send(fd, flow->bytes, flow->length, MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->length -= (size_t)sent;
		memmove(flow->bytes, flow->bytes + sent, flow->length);
	}
	if (flow->has_ended && !flow->length && !flow->was_told) {
		(void)shutdown(fd, SHUT_WR);
		flow->was_told = true;
	}
	return true;
}

static bool begin_connect(struct relay *relay, struct link *link)
{
	link->fds[PROXY] = socket(
	    relay->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	return link->fds[PROXY] >= 0 &&
	       (connect(link->fds[PROXY], (const struct sockaddr *)&relay->address,
		    relay->address_length) == 0 ||
		   errno == EINPROGRESS);
}

/* What it asks for, once it is all there. False: not that way. */
static bool look_at_hello(struct relay *relay, struct link *link)
{
	const struct flow *said = &link->from[CLIENT];
	char name[HELLO_NAME_SIZE];

	switch (hello_read(said->bytes, said->length, name)) {
	case HELLO_PARTIAL:
		return !said->has_ended;
	case HELLO_NAMED:
		if (hello_is_of(name, relay->domain))
			return begin_connect(relay, link);
		break;
	case HELLO_REFUSED:
		break;
	}
	relay->refused++;
	return false;
}

static bool finish_connect(struct link *link)
{
	int fault = 0;
	socklen_t size = sizeof(fault);

	if (getsockopt(link->fds[PROXY], SOL_SOCKET, SO_ERROR, &fault, &size) < 0 || fault)
		return false;
	link->is_connected = true;
	return true;
}

/* What one side's readiness lets go on. False: it is over. */
static bool link_move(struct relay *relay, struct link *link, enum side side, uint32_t events)
{
	if (side == PROXY && !link->is_connected) {
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return true;
		if (!finish_connect(link))
			return false;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
	    !flow_read(&link->from[side], link->fds[side]))
		return false;
	if (link->fds[PROXY] < 0)
		return look_at_hello(relay, link);
	if (!link->is_connected)
		return true;
	return flow_write(&link->from[CLIENT], link->fds[PROXY]) &&
	       flow_write(&link->from[PROXY], link->fds[CLIENT]) &&
	       !(link->from[CLIENT].was_told && link->from[PROXY].was_told);
}

/* --- all of them --- */

static struct link *find_free(struct relay *relay)
{
	for (size_t i = 0; i < RELAY_LINKS_MAX; i++) {
		if (relay->links[i].fds[CLIENT] < 0)
			return &relay->links[i];
	}
	return NULL;
}

static void accept_one(struct relay *relay)
{
	struct link *link = find_free(relay);

	if (!link) {
		watch_listener(relay, false); /* until one ends */
		return;
	}
	link->fds[CLIENT] = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	arm(relay, link, CLIENT);
}

void relay_turn(struct relay *relay)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(relay->epoll_fd, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.u64 == LISTENER) {
			accept_one(relay);
			continue;
		}
		struct link *link = &relay->links[events[i].data.u64 / 2];
		enum side side = events[i].data.u64 % 2 ? PROXY : CLIENT;

		if (link->fds[side] < 0) /* closed by an event before this one */
			continue;
		if (link_move(relay, link, side, events[i].events)) {
			arm(relay, link, CLIENT);
			arm(relay, link, PROXY);
		} else {
			link_close(link);
			watch_listener(relay, true);
		}
	}
}
