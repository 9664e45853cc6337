"""The system calls that submitted code may make: an allow-list, compiled by libseccomp.

It holds what Python, torch and ordinary programs need. Every other call fails with ENOSYS, as on a
kernel that does not know it; so do all calls in the manner of another architecture (i386, x32).
"""

import errno
import tempfile
from functools import cache
from types import ModuleType

from kata.grade.sandbox.bubblewrap import IsolationError

FILES = """
    read readv pread64 preadv write writev pwrite64 pwritev lseek open openat openat2 creat close
    close_range dup dup2 dup3 pipe pipe2 stat fstat lstat newfstatat statx statfs fstatfs access
    faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd chdir fchdir mkdir mkdirat
    mknod mknodat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask truncate ftruncate fallocate
    fsync fdatasync utime utimes utimensat futimesat getxattr lgetxattr fgetxattr listxattr
    llistxattr flistxattr setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    copy_file_range sendfile
"""
MEMORY = "brk mmap munmap mremap mprotect madvise msync mlock munlock get_mempolicy membarrier"
PROCESSES = """
    fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open
    pidfd_send_signal getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid geteuid
    getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid
    capget arch_prctl set_tid_address set_robust_list get_robust_list rseq futex sched_yield
    sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min getpriority setpriority getrlimit setrlimit prlimit64 getrusage times
    uname getcpu getrandom
"""
SIGNALS = """
    rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigreturn
    rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack pause restart_syscall signalfd signalfd4
"""
CLOCKS = """
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime
    timerfd_gettime setitimer getitimer alarm poll ppoll select pselect6 epoll_create epoll_create1
    epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
"""
SOCKETS = """
    bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt sendto recvfrom
    sendmsg recvmsg sendmmsg recvmmsg shutdown
"""
NEW_NAMESPACES = 0x7E020000
"""The flags of clone() that make namespaces."""
UNIX, INTERNET, INTERNET_6, NETLINK = 1, 2, 10, 16
FCNTL = (0, 1, 2, 3, 4, 1030)
"""Numbers and flags of open files (F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC): no lock, no lease."""
IOCTL = (
    *(0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),  # is it a terminal, bytes waiting, closing
    *(0x8910, 0x8912, 0x8913, 0x8915, 0x8919, 0x891B, 0x891D, 0x8921, 0x8927, 0x8933, 0x8946),
)
"""What programs ask of files and, from 0x8910 on, of network interfaces."""
PRCTL = (1, 3, 15, 16, 21, 23, 38, 39, 41, 42, 0x53564D41)
"""Names, the signal of a parent's end, and questions; not whether memory can be looked at."""


@cache
def compiled_filter() -> bytes:
    """Return the filter as a program for the kernel; raise IsolationError without libseccomp."""
    seccomp = _library()
    only, masked = seccomp.EQ, seccomp.MASKED_EQ
    rules: list[tuple[str, list[tuple[int, ...]]]] = [
        (name, []) for name in f"{FILES} {MEMORY} {PROCESSES} {SIGNALS} {CLOCKS} {SOCKETS}".split()
    ]
    rules += [("fcntl", [(1, only, command)]) for command in FCNTL]
    rules += [("ioctl", [(1, only, command)]) for command in IOCTL]
    rules += [("prctl", [(0, only, option)]) for option in PRCTL]
    rules += [("socket", [(0, only, family)]) for family in (UNIX, INTERNET, INTERNET_6)]
    rules += [("socket", [(0, only, NETLINK), (2, only, 0)]), ("socketpair", [(0, only, UNIX)])]
    rules += [("clone", [(0, masked, NEW_NAMESPACES, 0)])]
    nothing = seccomp.ERRNO(errno.ENOSYS)
    program = seccomp.SyscallFilter(nothing)
    program.set_attr(seccomp.Attr.ACT_BADARCH, nothing)
    for name, conditions in rules:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number >= 0:  # below 0: this architecture has no such call
            program.add_rule(seccomp.ALLOW, number, *(seccomp.Arg(*c) for c in conditions))
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


def _library() -> ModuleType:
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        raise IsolationError(
            "`--isolation strict` needs libseccomp: install it (Debian and Ubuntu: apt install libseccomp2; "
            "Fedora: dnf install libseccomp), then pip install -e . once more."
        ) from None
    module: ModuleType = pyseccomp
    return module
