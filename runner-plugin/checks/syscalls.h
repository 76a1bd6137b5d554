/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which system calls a sandbox leaves away: those that no test needs, that look at the machine
 * rather than at the process, or that have let processes out of namespaces before. They fail with
 * EPERM.
 *
 *   auto_fd int fd = syscalls_filter(err);       a filter in memory, as bwrap --seccomp reads it
 *
 * Source: seccomp(2); the list is Docker's default profile, and ptrace.
 */
#ifndef CCCI_SYSCALLS_H
#define CCCI_SYSCALLS_H

#include "common/err.h"

int syscalls_filter(struct err *err) CHECKED;

#endif
