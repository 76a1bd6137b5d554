/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A place for a program that nobody trusts: bubblewrap around it, and around bubblewrap a network
 * with one way out, a user of the run's own, and bounds. Fills a proc_spec, so that proc.h runs it
 * like any other.
 *
 *   AUTO_PTR(sandbox) sandbox = sandbox_open(&spec, err);
 *   sandbox_fill(sandbox, (const char *const[]){SANDBOX_TESTS "/login", NULL}, &proc);
 *   if (proc_run(&proc, &ended, err) < 0 || sandbox_check(sandbox, &ended, err) < 0) ...
 *   sandbox_read(sandbox, "report", max_bytes, &report, err)        /scratch/report, in there
 *
 * What it sees: the system's programs and libraries, /tests, read-only; /tmp, /scratch and
 * /dev/shm, empty, small and gone afterwards; a /proc of its own processes; the names of the app.
 * What it reaches: 127.0.0.1:443 in there, which is the proxy for the app's name (relay.h). What it
 * has: the rights of a user that nobody else is, no capability, no new one by any program.
 *
 * Without root it is the same with our own user, and memory is bounded for each process only.
 *
 * Source: bwrap(1) 0.8; user_namespaces(7), mount_namespaces(7), tmpfs(5), getrlimit(2).
 */
#ifndef CCCI_SANDBOX_H
#define CCCI_SANDBOX_H

#include "runner-plugin/run/proc.h"

#define SANDBOX_TESTS "/tests"
#define SANDBOX_SCRATCH "/scratch"
#define SANDBOX_CONNECT "127.0.0.1:443"
/* Debian's, and NixOS's. */
#define SANDBOX_PATH                                                                               \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"
#define SANDBOX_CA_FILE "/etc/ccci-ca.pem"

struct sandbox_limits {
	int64_t memory_bytes;
	int64_t scratch_bytes; /* of all that it may write, together */
	int64_t scratch_files;
	int64_t processes;
};
extern const struct sandbox_limits sandbox_limits_default;

struct sandbox_spec { /* borrowed */
	const char *run_id;
	const char *domain;
	const char *connect_to; /* the proxy: "127.0.0.1:443" */
	const char *ca_file;	/* NULL: the system's roots */
	const char *tests_dir;	/* NULL: none is there, and a program of the host's is run */
	const char *path;	/* PATH on which bwrap is looked for */
	struct sandbox_limits limits;
};

struct sandbox;
/* ERR_MISSING: this host cannot have one; the message says what is missing. */
struct sandbox *sandbox_open(const struct sandbox_spec *spec, struct err *err) CHECKED;
void sandbox_free(struct sandbox *sandbox);
DEFINE_AUTO_PTR(sandbox, sandbox_free);

/*
 * Sets argv, cwd, enter and watch; the rest is the caller's. argv: as it is called in there.
 * Once for each sandbox.
 */
void sandbox_fill(struct sandbox *sandbox, const char *const *argv, struct proc_spec *out);
/* Whether the program was really started; ERR_CONFIG: it was not, and why. */
int sandbox_check(
    struct sandbox *sandbox, const struct proc_result *ended, struct err *err) CHECKED;
/*
 * What it left in /scratch under that name, once it has ended: a file and no link. ERR_MISSING: it
 * left none; ERR_LIMIT: a larger one.
 */
int sandbox_read(struct sandbox *sandbox, const char *name, size_t max_bytes, struct buf *out,
    struct err *err) CHECKED;
/* How many connections it made that were not to the app. */
unsigned sandbox_refused(const struct sandbox *sandbox);

#endif
