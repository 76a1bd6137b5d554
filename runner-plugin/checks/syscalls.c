/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/checks/syscalls.h"

#include "common/file.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "name the architecture as seccomp does"
#endif

#define OTHER_ABI 0x40000000u /* x32: the same calls by other numbers */

static const uint32_t refused[] = {SYS_acct, SYS_add_key, SYS_bpf, SYS_clock_adjtime,
    SYS_clock_settime, SYS_delete_module, SYS_fanotify_init, SYS_finit_module, SYS_fsconfig,
    SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_io_uring_setup, SYS_kcmp, SYS_kexec_file_load, SYS_kexec_load, SYS_keyctl,
    SYS_lookup_dcookie, SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_name_to_handle_at,
    SYS_nfsservctl, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_pivot_root,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_quotactl, SYS_reboot,
    SYS_request_key, SYS_setdomainname, SYS_sethostname, SYS_setns, SYS_settimeofday, SYS_swapoff,
    SYS_swapon, SYS_syslog, SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_vhangup};

#define LOAD(field)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* Over the next instruction, unless it holds. */
#define WHEN(comparison, value) BPF_JUMP(BPF_JMP | (comparison) | BPF_K, (value), 0, 1)

int syscalls_filter(struct err *err)
{
	static const struct sock_filter begin[] = {
	    LOAD(arch),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
	    ANSWER(SECCOMP_RET_KILL_PROCESS),
	    LOAD(nr),
	    WHEN(BPF_JGE, OTHER_ABI),
	    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	};
	static const struct sock_filter end[] = {ANSWER(SECCOMP_RET_ALLOW)};
	AUTO(buf) filter = buf_make(64 * 1024);
	auto_fd int fd = memfd_create("ccci-filter", MFD_CLOEXEC);

	(void)buf_add(&filter, begin, sizeof(begin));
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct sock_filter rule[] = {
		    WHEN(BPF_JEQ, refused[i]), ANSWER(SECCOMP_RET_ERRNO | EPERM)};

		(void)buf_add(&filter, rule, sizeof(rule));
	}
	(void)buf_add(&filter, end, sizeof(end));
	if (fd < 0 || file_write_all(fd, buf_text(&filter), filter.length) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "make a filter of system calls");
	return take_fd(&fd);
}
