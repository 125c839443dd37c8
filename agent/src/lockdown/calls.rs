//! System calls: those that the agent makes, and those that single threads do without.
//!
//! What is not in [`ALLOWED`] does not exist for the agent: no program is executed, no process is made, traced or written
//! to, no module loaded, nothing mounted, no key asked for, no clock set. An unknown call fails with `ENOSYS`, as on a kernel
//! that does not have it: a newer C library then takes an older one (`clone3`).

use libc::c_long;

/// A call that is allowed, or refused, where one of the rules holds; always if there are none.
pub(super) type Call = (c_long, &'static [Rule]);

/// Tests of arguments; all of them must hold.
pub(super) type Rule = &'static [Test];

/// A test of the argument with that number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    /// It is this.
    Is(u8, u64),
    /// It is not this.
    IsNot(u8, u64),
    /// Of these bits (first number) just those are set.
    Bits(u8, u64, u64),
    /// It is the process itself.
    IsSelf(u8),
}

use Test::{Bits, Is, IsNot, IsSelf};

const THREAD: u64 = libc::CLONE_THREAD as u64;
const NETWORK_NAMESPACE: u64 = libc::CLONE_NEWNET as u64;
const WRITE: u64 = libc::PROT_WRITE as u64;
const EXECUTE: u64 = libc::PROT_EXEC as u64;
const SHARED: u64 = libc::MAP_SHARED as u64;
const ACCESS: u64 = libc::O_ACCMODE as u64;
const WRITE_ONLY: u64 = libc::O_WRONLY as u64;
const BOTH: u64 = libc::O_RDWR as u64;
const CREATE: u64 = libc::O_CREAT as u64;
const TRUNCATE: u64 = libc::O_TRUNC as u64;
/// Puts characters into a terminal, as if somebody had typed them (`asm-generic/ioctls.h`).
const TIOCSTI: u64 = 0x5412;
/// The same, by the selection of the console.
const TIOCLINUX: u64 = 0x541c;
/// bpf(2): `BPF_ENABLE_STATS`.
const ENABLE_STATS: u64 = 32;
const NETLINK: u64 = libc::AF_NETLINK as u64;

macro_rules! always {
    ($($name:ident),* $(,)?) => { &[$((libc::$name, &[])),*] };
}

/// A file is made, emptied or opened to be written; the argument with that number is the flags.
macro_rules! opens_to_write {
    ($flags:literal) => {
        &[
            &[Bits($flags, ACCESS, WRITE_ONLY)],
            &[Bits($flags, ACCESS, BOTH)],
            &[Bits($flags, CREATE, CREATE)],
            &[Bits($flags, TRUNCATE, TRUNCATE)],
        ]
    };
}

/// By what they are for.
pub(super) const ALLOWED: &[&[Call]] = &[
    FILES,
    FILES_OF_OLD,
    MEMORY,
    THREADS,
    WAITING,
    WAITING_OF_OLD,
    &[(
        libc::SYS_socket,
        &[
            &[Is(0, libc::AF_UNIX as u64)],
            &[Is(0, libc::AF_INET as u64)],
            &[Is(0, libc::AF_INET6 as u64)],
            &[Is(0, NETLINK)],
        ],
    )],
    always![
        SYS_socketpair,
        SYS_bind,
        SYS_connect,
        SYS_listen,
        SYS_accept,
        SYS_accept4,
        SYS_getsockname,
        SYS_getpeername,
        SYS_getsockopt,
        SYS_setsockopt,
        SYS_sendto,
        SYS_sendmsg,
        SYS_sendmmsg,
        SYS_recvfrom,
        SYS_recvmsg,
        SYS_recvmmsg,
        SYS_shutdown,
    ],
    always![SYS_bpf, SYS_perf_event_open],
    // Into network namespaces only.
    &[(libc::SYS_setns, &[&[Is(1, NETWORK_NAMESPACE)]])],
    // To become less.
    always![
        SYS_capget,
        SYS_capset,
        SYS_prctl,
        SYS_seccomp,
        SYS_landlock_create_ruleset,
        SYS_landlock_add_rule,
        SYS_landlock_restrict_self,
    ],
];

const FILES: &[Call] = &[
    (libc::SYS_ioctl, &[&[IsNot(1, TIOCSTI), IsNot(1, TIOCLINUX)]]),
    (libc::SYS_openat, &[]),
    // For readers: the folder that nobody leaves is one of its arguments.
    (libc::SYS_openat2, &[]),
    (libc::SYS_close, &[]),
    (libc::SYS_close_range, &[]),
    (libc::SYS_read, &[]),
    (libc::SYS_readv, &[]),
    (libc::SYS_pread64, &[]),
    (libc::SYS_preadv, &[]),
    (libc::SYS_preadv2, &[]),
    (libc::SYS_write, &[]),
    (libc::SYS_writev, &[]),
    (libc::SYS_pwrite64, &[]),
    (libc::SYS_pwritev, &[]),
    (libc::SYS_lseek, &[]),
    (libc::SYS_fstat, &[]),
    (libc::SYS_newfstatat, &[]),
    (libc::SYS_statx, &[]),
    (libc::SYS_statfs, &[]),
    (libc::SYS_fstatfs, &[]),
    (libc::SYS_getdents64, &[]),
    (libc::SYS_readlinkat, &[]),
    (libc::SYS_faccessat, &[]),
    (libc::SYS_faccessat2, &[]),
    (libc::SYS_getcwd, &[]),
    (libc::SYS_fcntl, &[]),
    (libc::SYS_flock, &[]),
    (libc::SYS_dup, &[]),
    (libc::SYS_dup3, &[]),
    (libc::SYS_fadvise64, &[]),
    (libc::SYS_fsync, &[]),
    (libc::SYS_fdatasync, &[]),
    (libc::SYS_ftruncate, &[]),
    (libc::SYS_fallocate, &[]),
    (libc::SYS_copy_file_range, &[]),
    (libc::SYS_sendfile, &[]),
    (libc::SYS_splice, &[]),
    (libc::SYS_fchmod, &[]),
    (libc::SYS_umask, &[]),
    (libc::SYS_mkdirat, &[]),
    (libc::SYS_unlinkat, &[]),
    (libc::SYS_renameat, &[]),
    (libc::SYS_renameat2, &[]),
    (libc::SYS_inotify_init1, &[]),
    (libc::SYS_inotify_add_watch, &[]),
    (libc::SYS_inotify_rm_watch, &[]),
];

/// Calls that newer architectures never had.
#[cfg(target_arch = "x86_64")]
const FILES_OF_OLD: &[Call] = always![
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_getdents,
    SYS_dup2,
    SYS_mkdir,
    SYS_rmdir,
    SYS_unlink,
    SYS_rename,
    SYS_inotify_init,
];
#[cfg(not(target_arch = "x86_64"))]
const FILES_OF_OLD: &[Call] = &[];

const MEMORY: &[Call] = &[
    (libc::SYS_brk, &[]),
    (libc::SYS_munmap, &[]),
    (libc::SYS_mremap, &[]),
    (libc::SYS_madvise, &[]),
    (libc::SYS_mincore, &[]),
    (libc::SYS_membarrier, &[]),
    // What can be written cannot be executed, and does not become so.
    (libc::SYS_mmap, &[&[Bits(2, WRITE, 0)], &[Bits(2, EXECUTE, 0)]]),
    (libc::SYS_mprotect, &[&[Bits(2, EXECUTE, 0)]]),
];

const THREADS: &[Call] = &[
    // No processes.
    (libc::SYS_clone, &[&[Bits(0, THREAD, THREAD)]]),
    // abort(3).
    (libc::SYS_tgkill, &[&[IsSelf(0)]]),
    (libc::SYS_set_tid_address, &[]),
    (libc::SYS_set_robust_list, &[]),
    (libc::SYS_get_robust_list, &[]),
    (libc::SYS_rseq, &[]),
    (libc::SYS_futex, &[]),
    (libc::SYS_sched_yield, &[]),
    (libc::SYS_sched_getaffinity, &[]),
    (libc::SYS_getcpu, &[]),
    (libc::SYS_gettid, &[]),
    (libc::SYS_getpid, &[]),
    (libc::SYS_getppid, &[]),
    (libc::SYS_getpgid, &[]),
    (libc::SYS_getsid, &[]),
    (libc::SYS_getuid, &[]),
    (libc::SYS_geteuid, &[]),
    (libc::SYS_getgid, &[]),
    (libc::SYS_getegid, &[]),
    (libc::SYS_getresuid, &[]),
    (libc::SYS_getresgid, &[]),
    (libc::SYS_getgroups, &[]),
    (libc::SYS_getpriority, &[]),
    (libc::SYS_getrusage, &[]),
    (libc::SYS_times, &[]),
    (libc::SYS_prlimit64, &[&[Is(0, 0)], &[IsSelf(0)]]),
    (libc::SYS_sysinfo, &[]),
    (libc::SYS_uname, &[]),
    (libc::SYS_getrandom, &[]),
    (libc::SYS_exit, &[]),
    (libc::SYS_exit_group, &[]),
];

const WAITING: &[Call] = always![
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_pipe2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend,
    SYS_sigaltstack,
    SYS_restart_syscall,
];

#[cfg(target_arch = "x86_64")]
const WAITING_OF_OLD: &[Call] = always![
    SYS_poll,
    SYS_select,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_pipe,
    SYS_pause,
    SYS_time,
    SYS_getrlimit,
    SYS_setrlimit,
    SYS_getpgrp,
    SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const WAITING_OF_OLD: &[Call] = &[];

/// No kernel programs and maps, and no events.
pub(super) const NO_BPF: &[Call] = always![SYS_bpf, SYS_perf_event_open];

/// Kernel programs may be measured, and nothing else done with them.
pub(super) const NO_BPF_BUT_STATS: &[Call] =
    &[(libc::SYS_bpf, &[&[IsNot(0, ENABLE_STATS)]]), (libc::SYS_perf_event_open, &[])];

/// No kernel program is loaded or attached any more: `BPF_MAP_CREATE`, `BPF_PROG_LOAD`, `BPF_OBJ_PIN`, `BPF_PROG_ATTACH`,
/// `BPF_RAW_TRACEPOINT_OPEN`, `BPF_LINK_CREATE`, `BPF_LINK_UPDATE` (`include/uapi/linux/bpf.h`).
pub(super) const NO_PROBES: &[Call] = &[
    (libc::SYS_perf_event_open, &[]),
    (libc::SYS_bpf, &[&[Is(0, 0)], &[Is(0, 5)], &[Is(0, 6)], &[Is(0, 8)], &[Is(0, 17)], &[Is(0, 28)], &[Is(0, 29)]]),
];

/// Stays in its network namespace.
pub(super) const NO_SETNS: &[Call] = always![SYS_setns];

/// No sockets.
pub(super) const NO_NETWORK: &[Call] = always![
    SYS_socket,
    SYS_socketpair,
    SYS_bind,
    SYS_connect,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
];

/// Says nothing to the kernel's own sockets.
pub(super) const NO_NETLINK: &[Call] = &[(libc::SYS_socket, &[&[Is(0, NETLINK)]])];

/// Sockets of the kernel only: connect(2) names whom a message is for.
pub(super) const ONLY_NETLINK: &[Call] = &[
    (libc::SYS_socket, &[&[IsNot(0, NETLINK)]]),
    (libc::SYS_socketpair, &[]),
    (libc::SYS_listen, &[]),
    (libc::SYS_accept, &[]),
    (libc::SYS_accept4, &[]),
];

/// Changes no file. What openat2(2) opens cannot be tested here (its flags lie in memory): nothing can be written to it.
pub(super) const NO_WRITES: &[Call] = &[
    (libc::SYS_openat, opens_to_write!(2)),
    (libc::SYS_write, &[]),
    (libc::SYS_writev, &[]),
    (libc::SYS_pwrite64, &[]),
    (libc::SYS_pwritev, &[]),
    (libc::SYS_ftruncate, &[]),
    (libc::SYS_fallocate, &[]),
    (libc::SYS_copy_file_range, &[]),
    (libc::SYS_sendfile, &[]),
    (libc::SYS_splice, &[]),
    (libc::SYS_fchmod, &[]),
    (libc::SYS_mkdirat, &[]),
    (libc::SYS_unlinkat, &[]),
    (libc::SYS_renameat, &[]),
    (libc::SYS_renameat2, &[]),
    (libc::SYS_mmap, &[&[Bits(2, WRITE, WRITE), Bits(3, SHARED, SHARED)]]),
];

/// The same by calls that newer architectures never had.
#[cfg(target_arch = "x86_64")]
pub(super) const NO_WRITES_OF_OLD: &[Call] = &[
    (libc::SYS_open, opens_to_write!(1)),
    (libc::SYS_mkdir, &[]),
    (libc::SYS_rmdir, &[]),
    (libc::SYS_unlink, &[]),
    (libc::SYS_rename, &[]),
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const NO_WRITES_OF_OLD: &[Call] = &[];
