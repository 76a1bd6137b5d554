/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/sandbox.h"

#include "common/file.h"
#include "runner-plugin/checks/bounds.h"
#include "runner-plugin/checks/relay.h"
#include "runner-plugin/checks/syscalls.h"
#include "runner-plugin/run/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MIB (INT64_C(1024) * 1024)
#define CA_FILE_MAX_BYTES (4 * 1024 * 1024)
#define STATUS_MAX_BYTES 2048
#define ARGUMENTS_MAX 200
#define PORT 443
#define BACKLOG 16
#define OPEN_FILES 1024
#define CPU_SECONDS 300 /* of one process */
#define NICE 10		/* the deployed app comes first */
#define SEEN_ID "1000"	/* what it takes itself for */
/*
 * Users of the real system: one for each run, in a range that no distribution hands out (systemd's
 * list of users and groups), so that no other process of the host is theirs to signal or count.
 */
#define USERS_FROM 0x70000000u
#define USERS_MASK 0x00ffffffu

/* Where the child lays out what bwrap is to show, in a mount namespace of its own. It covers what
 * the host has there. */
#define STAGE "/tmp"

const struct sandbox_limits sandbox_limits_default = {
    .memory_bytes = 1024 * MIB,
    .scratch_bytes = 128 * MIB,
    .scratch_files = 8192,
    .processes = 256,
};

struct sandbox {
	struct sandbox_limits limits;
	char *bwrap;	 /* absolute */
	char *tests_dir; /* NULL: none */
	char *run_id;
	char *hosts;
	struct buf ca; /* empty: none */
	bool is_root, has_bounds;
	uid_t uid; /* who it will be on the host */
	gid_t gid;
	struct bounds bounds;
	struct relay *relay;
	int ours_fd, theirs_fd; /* the listening socket and /scratch come through here */
	int scratch_fd;		/* what it leaves there outlives it by this; -1: never came */
	int status_fd,
	    status_to_fd; /* a pipe: what went wrong, then what bwrap says of its child */
	int filter_fd;	  /* of system calls, for bwrap to read */
	int epoll_fd;	  /* all that is watched meanwhile */
	char *program;
	char *arguments[ARGUMENTS_MAX]; /* owned; NULL behind the last */
	size_t argument_count;
};

/* --- the child's side, between fork and exec --- */

/* Why, for sandbox_check(); keeps errno. */
static int fail(const struct sandbox *sandbox, const char *what)
{
	int saved = errno;

	(void)dprintf(sandbox->status_to_fd, "%s: %s", what, strerror(saved));
	errno = saved;
	return -1;
}

static int write_text(const char *path, const void *text, size_t length)
{
	/* Exclusive where it is made: nothing that is there is written through. */
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? -1 : file_write_all(fd, text, length);
}

/* Who is not root becomes it in a user namespace, in which there is nobody else. */
static int become_able(const struct sandbox *sandbox)
{
	char map[64];

	if (sandbox->is_root)
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return fail(sandbox, "make a user namespace");
	(void)format_text(map, sizeof(map), "%u %u 1", sandbox->uid, sandbox->uid);
	if (write_text("/proc/self/setgroups", "deny", strlen("deny")) < 0 ||
	    write_text("/proc/self/uid_map", map, strlen(map)) < 0)
		return fail(sandbox, "map the user");
	(void)format_text(map, sizeof(map), "%u %u 1", sandbox->gid, sandbox->gid);
	if (write_text("/proc/self/gid_map", map, strlen(map)) < 0)
		return fail(sandbox, "map the group");
	return 0;
}

static int raise_loopback(void)
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -1;
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* The only thing that answers in there. Returns a descriptor. */
static int open_listener(const struct sandbox *sandbox)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(PORT),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (raise_loopback() < 0)
		return fail(sandbox, "raise the loopback interface");
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return fail(sandbox, "listen for the app");
	return take_fd(&fd);
}

/* The relay outside holds the other end of the socket; what is left in /scratch is read there. */
static int hand_over(const struct sandbox *sandbox, int listen_fd)
{
	AUTO_PTR(json) nothing = json_new_object();
	auto_fd int scratch_fd = open(STAGE "/scratch", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int fds[] = {listen_fd, scratch_fd};
	struct err err;

	if (scratch_fd < 0)
		return fail(sandbox, STAGE "/scratch");
	errno = EPIPE;
	if (channel_send(sandbox->theirs_fd, nothing, fds, COUNT_OF(fds), &err) < 0)
		return fail(sandbox, "hand over the socket");
	return 0;
}

/* A directory that the program may write to. */
static int make_writable(const struct sandbox *sandbox, const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0 ||
	    chown(path, sandbox->uid, sandbox->gid) < 0)
		return fail(sandbox, path);
	return 0;
}

static int lay_out_files(const struct sandbox *sandbox)
{
	static const char passwd[] = "tester:x:" SEEN_ID ":" SEEN_ID "::/tmp:/bin/sh\n";
	static const char group[] = "tester:x:" SEEN_ID ":\n";
	static const char nsswitch[] = "passwd: files\ngroup: files\nhosts: files\n";

	if (write_text(STAGE "/hosts", sandbox->hosts, strlen(sandbox->hosts)) < 0 ||
	    write_text(STAGE "/passwd", passwd, strlen(passwd)) < 0 ||
	    write_text(STAGE "/group", group, strlen(group)) < 0 ||
	    write_text(STAGE "/nsswitch.conf", nsswitch, strlen(nsswitch)) < 0 ||
	    write_text(STAGE "/ca.pem", buf_text(&sandbox->ca), sandbox->ca.length) < 0)
		return fail(sandbox, "write the files of the sandbox");
	return 0;
}

/* Opened before the tmpfs covers what lies in the same place. */
static int bind_tests(const struct sandbox *sandbox, int fd)
{
	char tests[64];

	(void)format_text(tests, sizeof(tests), "/proc/self/fd/%d", fd);
	if (mkdir(STAGE "/tests", 0755) < 0 ||
	    mount(tests, STAGE "/tests", NULL, MS_BIND, NULL) < 0)
		return fail(sandbox, "bind the tests");
	return 0;
}

/* The directories of the host stay closed to its user, so that what it may see lies here. */
static int lay_out(const struct sandbox *sandbox)
{
	char options[128];
	auto_fd int fd = sandbox->tests_dir ? open(sandbox->tests_dir,
						  O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
					    : -1;

	if (sandbox->tests_dir && fd < 0)
		return fail(sandbox, sandbox->tests_dir);
	(void)format_text(options, sizeof(options), "mode=0755,size=%lld,nr_inodes=%lld",
	    (long long)sandbox->limits.scratch_bytes, (long long)sandbox->limits.scratch_files);
	if (mount("ccci", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return fail(sandbox, "mount a tmpfs at " STAGE);
	if (fd >= 0 && bind_tests(sandbox, fd) < 0)
		return -1;
	if (make_writable(sandbox, STAGE "/tmp", 01777) < 0 ||
	    make_writable(sandbox, STAGE "/scratch", 0700) < 0 ||
	    make_writable(sandbox, STAGE "/shm", 01777) < 0)
		return -1;
	return lay_out_files(sandbox);
}

static int bound(const struct sandbox *sandbox)
{
	const struct {
		__rlimit_resource_t resource;
		int64_t most;
	} rows[] = {
	    {RLIMIT_NPROC, sandbox->limits.processes},
	    {RLIMIT_NOFILE, OPEN_FILES},
	    {RLIMIT_FSIZE, sandbox->limits.scratch_bytes},
	    {RLIMIT_CPU, CPU_SECONDS},
	    {RLIMIT_CORE, 0},
	    {RLIMIT_MEMLOCK, MIB},
	    {RLIMIT_MSGQUEUE, MIB},
	    /* Where no group counts it. */
	    {RLIMIT_AS, sandbox->has_bounds ? -1 : sandbox->limits.memory_bytes},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rlimit limit;

		if (getrlimit(rows[i].resource, &limit) < 0)
			return fail(sandbox, "look at a bound");
		/* Lower alone: to raise one takes a right that we may not have. */
		if (rows[i].most >= 0 && (rlim_t)rows[i].most < limit.rlim_max)
			limit.rlim_max = (rlim_t)rows[i].most;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(rows[i].resource, &limit) < 0)
			return fail(sandbox, "bound the sandbox");
	}
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		return fail(sandbox, "lower the priority");
	return 0;
}

/* For good: nothing that is run from here on gives any right. */
static int drop_rights(const struct sandbox *sandbox)
{
	/* A session's keys are whoever's has it; a kernel may have none. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return fail(sandbox, "leave the session's keys");
	if (sandbox->is_root &&
	    (setgroups(0, NULL) < 0 || setresgid(sandbox->gid, sandbox->gid, sandbox->gid) < 0 ||
		setresuid(sandbox->uid, sandbox->uid, sandbox->uid) < 0))
		return fail(sandbox, "change the user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(sandbox, "give up new rights");
	return 0;
}

static int enter(const void *context)
{
	const struct sandbox *sandbox = context;

	(void)umask(022);
	if (sandbox->has_bounds && bounds_join(&sandbox->bounds) < 0)
		return fail(sandbox, "join the control group");
	if (become_able(sandbox) < 0)
		return -1;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return fail(sandbox, "make a mount and a network namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail(sandbox, "part from the host's mounts");
	auto_fd int listen_fd = open_listener(sandbox);
	if (listen_fd < 0 || lay_out(sandbox) < 0 || hand_over(sandbox, listen_fd) < 0 ||
	    bound(sandbox) < 0 || drop_rights(sandbox) < 0)
		return -1;
	/* bwrap alone keeps them; they are not its child's. */
	if (fcntl(sandbox->status_to_fd, F_SETFD, 0) < 0 ||
	    fcntl(sandbox->filter_fd, F_SETFD, 0) < 0)
		return fail(sandbox, "keep what bwrap needs");
	return 0;
}

/* --- the arguments --- */

static void add(struct sandbox *sandbox, const char *word)
{
	assert(sandbox->argument_count + 1 < ARGUMENTS_MAX);
	sandbox->arguments[sandbox->argument_count++] = xstrdup(word);
}

static void add_pair(struct sandbox *sandbox, const char *option, const char *from, const char *to)
{
	add(sandbox, option);
	add(sandbox, from);
	add(sandbox, to);
}

static void add_fd(struct sandbox *sandbox, const char *option, int fd)
{
	auto_str char *number = xasprintf("%d", fd);

	add(sandbox, option);
	add(sandbox, number);
}

/* As it is on the host: a directory, or a link such as /bin to usr/bin. */
static void add_as_it_is(struct sandbox *sandbox, const char *path)
{
	char target[256];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length > 0) {
		target[length] = '\0';
		add_pair(sandbox, "--symlink", target, path);
	} else {
		add_pair(sandbox, "--ro-bind-try", path, path);
	}
}

/* Programs, libraries, and what those read of /etc; nothing of it is anybody's secret. */
static void add_system(struct sandbox *sandbox)
{
	static const char *const paths[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
	    "/libx32", "/nix/store", "/run/current-system", "/etc/ld.so.cache", "/etc/ld.so.conf",
	    "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf",
	    "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/ca-certificates/extracted",
	    "/etc/fonts", "/etc/chromium.d", "/etc/localtime", "/etc/protocols", "/etc/services"};

	for (size_t i = 0; i < COUNT_OF(paths); i++)
		add_as_it_is(sandbox, paths[i]);
}

static void add_own(struct sandbox *sandbox)
{
	add_pair(sandbox, "--ro-bind", STAGE "/hosts", "/etc/hosts");
	add_pair(sandbox, "--ro-bind", STAGE "/passwd", "/etc/passwd");
	add_pair(sandbox, "--ro-bind", STAGE "/group", "/etc/group");
	add_pair(sandbox, "--ro-bind", STAGE "/nsswitch.conf", "/etc/nsswitch.conf");
	if (sandbox->ca.length)
		add_pair(sandbox, "--ro-bind", STAGE "/ca.pem", SANDBOX_CA_FILE);
	if (sandbox->tests_dir)
		add_pair(sandbox, "--ro-bind", STAGE "/tests", SANDBOX_TESTS);
	add_pair(sandbox, "--bind", STAGE "/scratch", SANDBOX_SCRATCH);
	add_pair(sandbox, "--bind", STAGE "/tmp", "/tmp");
	add_pair(sandbox, "--bind", STAGE "/shm", "/dev/shm");
}

static void add_all(struct sandbox *sandbox, const char *const *argv)
{
	static const char *const walls[] = {"--unshare-user", "--disable-userns", "--unshare-pid",
	    "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox",
	    "--uid", SEEN_ID, "--gid", SEEN_ID, "--new-session", "--die-with-parent", "--cap-drop",
	    "ALL", "--proc", "/proc", "--dev", "/dev"};
	/* The tmpfs below them have no bound of their own. */
	const char *const closed[] = {"--remount-ro", "/dev", "--remount-ro", "/", "--chdir",
	    sandbox->tests_dir ? SANDBOX_TESTS : SANDBOX_SCRATCH, "--"};

	add(sandbox, sandbox->bwrap);
	add_fd(sandbox, "--json-status-fd", sandbox->status_to_fd);
	add_fd(sandbox, "--seccomp", sandbox->filter_fd);
	for (size_t i = 0; i < COUNT_OF(walls); i++)
		add(sandbox, walls[i]);
	add_system(sandbox);
	add_own(sandbox);
	for (size_t i = 0; i < COUNT_OF(closed); i++)
		add(sandbox, closed[i]);
	for (; *argv; argv++)
		add(sandbox, *argv);
}

/* --- our side --- */

static int open_group(struct sandbox *sandbox, struct err *err)
{
	const struct bounds_limits limits = {
	    .memory_bytes = sandbox->limits.memory_bytes,
	    .processes = sandbox->limits.processes,
	};

	if (!sandbox->is_root)
		return 0;
	if (bounds_make(sandbox->run_id, &limits, &sandbox->bounds, err) < 0)
		return err_prefix(err, "no control group bounds its memory");
	sandbox->has_bounds = true;
	return 0;
}

static int watch_fd(const struct sandbox *sandbox, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(sandbox->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_descriptors(struct sandbox *sandbox, struct err *err)
{
	int pair[2];
	int status[2];

	if (channel_pair(pair, err) < 0)
		return -1;
	sandbox->ours_fd = pair[0];
	sandbox->theirs_fd = pair[1];
	if (pipe2(status, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, errno, "make a pipe");
	sandbox->status_fd = status[0];
	sandbox->status_to_fd = status[1];
	sandbox->filter_fd = syscalls_filter(err);
	if (sandbox->filter_fd < 0)
		return -1;
	sandbox->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sandbox->epoll_fd < 0 || fcntl(sandbox->ours_fd, F_SETFL, O_NONBLOCK) < 0 ||
	    watch_fd(sandbox, sandbox->ours_fd) < 0 ||
	    watch_fd(sandbox, relay_fd(sandbox->relay)) < 0)
		return err_sys(err, errno, "watch the sandbox");
	return 0;
}

static uint32_t user_of(const char *run_id)
{
	char hash[FILE_HASH_SIZE];
	uint32_t number = 0;

	file_hash_bytes(run_id, strlen(run_id), hash);
	for (size_t i = 0; i < 6; i++) /* hex digits: 24 bits */
		number = number << 4 |
			 (uint32_t)(strchr("0123456789abcdef", hash[i]) - "0123456789abcdef");
	return USERS_FROM | (number & USERS_MASK);
}

static int open_parts(struct sandbox *sandbox, const struct sandbox_spec *spec, struct err *err)
{
	if (file_find_program("bwrap", spec->path, &sandbox->bwrap, err) < 0)
		return err_prefix(err, "the sandbox needs bubblewrap (apt-get install bubblewrap)");
	if (spec->ca_file && file_read(spec->ca_file, CA_FILE_MAX_BYTES, &sandbox->ca, err) < 0)
		return -1;
	sandbox->relay = relay_open(spec->domain, spec->connect_to, err);
	if (!sandbox->relay || open_descriptors(sandbox, err) < 0)
		return -1;
	return open_group(sandbox, err);
}

struct sandbox *sandbox_open(const struct sandbox_spec *spec, struct err *err)
{
	AUTO_PTR(sandbox) sandbox = xcalloc(1, sizeof(*sandbox));

	*sandbox = (struct sandbox){
	    .limits = spec->limits,
	    .tests_dir = spec->tests_dir ? xstrdup(spec->tests_dir) : NULL,
	    .run_id = xstrdup(spec->run_id),
	    .hosts = xasprintf("127.0.0.1 localhost sandbox\n127.0.0.1 %s\n", spec->domain),
	    .is_root = geteuid() == 0,
	    .uid = geteuid(),
	    .gid = getegid(),
	    .ours_fd = -1,
	    .theirs_fd = -1,
	    .scratch_fd = -1,
	    .status_fd = -1,
	    .status_to_fd = -1,
	    .filter_fd = -1,
	    .epoll_fd = -1,
	};
	if (sandbox->is_root)
		sandbox->uid = sandbox->gid = user_of(spec->run_id);
	if (open_parts(sandbox, spec, err) < 0)
		return NULL;
	return take_ptr(sandbox);
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	relay_free(sandbox->relay);
	close_fd(&sandbox->ours_fd);
	close_fd(&sandbox->theirs_fd);
	close_fd(&sandbox->scratch_fd);
	close_fd(&sandbox->status_fd);
	close_fd(&sandbox->status_to_fd);
	close_fd(&sandbox->filter_fd);
	close_fd(&sandbox->epoll_fd);
	bounds_release(&sandbox->bounds);
	if (sandbox->has_bounds)
		(void)bounds_remove(sandbox->run_id); /* else teardown says that it is left */
	for (size_t i = 0; i < sandbox->argument_count; i++)
		free(sandbox->arguments[i]);
	buf_release(&sandbox->ca);
	free(sandbox->bwrap);
	free(sandbox->tests_dir);
	free(sandbox->run_id);
	free(sandbox->hosts);
	free(sandbox->program);
	free(sandbox);
}

/* What hand_over() sent, once. */
static void receive(struct sandbox *sandbox)
{
	AUTO(channel_packet) packet = {0};
	struct err ignored;

	if (sandbox->ours_fd < 0 || channel_receive(sandbox->ours_fd, &packet, &ignored) < 0)
		return;
	close_fd(&sandbox->ours_fd);
	if (packet.fd_count != 2)
		return;
	(void)!relay_listen(sandbox->relay, take_fd(&packet.fds[0]), &ignored);
	sandbox->scratch_fd = take_fd(&packet.fds[1]);
}

/* Never stops the program. */
static bool turn(void *context)
{
	struct sandbox *sandbox = context;

	receive(sandbox);
	relay_turn(sandbox->relay);
	return false;
}

void sandbox_fill(struct sandbox *sandbox, const char *const *argv, struct proc_spec *out)
{
	assert(!sandbox->argument_count);
	sandbox->program = xstrdup(
	    argv[0] + (text_starts(argv[0], SANDBOX_TESTS "/") ? strlen(SANDBOX_TESTS "/") : 0));
	add_all(sandbox, argv);
	out->argv = (const char *const *)sandbox->arguments;
	out->cwd = NULL;
	out->enter = enter;
	out->enter_context = sandbox;
	out->watch = turn;
	out->watch_context = sandbox;
	out->watch_fd = sandbox->epoll_fd;
}

/*
 * bwrap tells the exit code of what it has started, and of nothing else. What was killed with it
 * had been started too.
 */
int sandbox_check(struct sandbox *sandbox, const struct proc_result *ended, struct err *err)
{
	char said[STATUS_MAX_BYTES];
	size_t last_length = 0;
	const char *last = text_last_line(buf_text(&ended->tail), &last_length);
	ssize_t length = read(sandbox->status_fd, said, sizeof(said) - 1);

	said[length > 0 ? length : 0] = '\0';
	if (ended->end == PROC_NOT_STARTED)
		return err_set(err, ERR_MISSING, "no sandbox for %s here: %s", sandbox->program,
		    *said ? said : strerror(ended->code));
	if (ended->end != PROC_EXITED || strstr(said, "exit-code"))
		return 0;
	return err_set(err, ERR_CONFIG, "%s cannot be started in the sandbox: %.*s",
	    sandbox->program, (int)last_length, last);
}

/* It may be anything: who was in there could put it there. */
int sandbox_read(
    struct sandbox *sandbox, const char *name, size_t max_bytes, struct buf *out, struct err *err)
{
	receive(sandbox); /* of one that was gone before anybody looked */
	auto_fd int fd = openat(
	    sandbox->scratch_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return err_set(err, ERR_MISSING, "the sandbox holds no file %s", name);
	return file_read_open(fd, name, max_bytes, out, err);
}

unsigned sandbox_refused(const struct sandbox *sandbox)
{
	return relay_refused(sandbox->relay);
}
