"""Submissions of step 3 that work on what the kernel shares: what each job must have of its own.

`ALONE` are single ones, `PARTNERS` pairs: `send` leaves something for `receive`, which raises an
error until it finds it. The text of a receiver holds the solution and uses it only then, so what it
earns tells whether the two could speak. `OUTSIDE` stands as in attacks.py.
"""

from kata.course.files import find_root
from kata.course.steps import step_by_number

SOLUTION = (find_root() / "solutions" / step_by_number(3).file).read_text(encoding="utf-8")
WRONG = """
import torch
def guide(v_uncond, v_cond, scale):
    return torch.zeros_like(v_uncond)
def guided_velocity(model, x, t, y, scale, null_class):
    return torch.zeros_like(x)
"""
HEAD = """
import ctypes, fcntl, mmap, os, socket, struct, sys, time
C = ctypes.CDLL(None, use_errno=True)
INTEL = os.uname().machine == 'x86_64'
def call(intel, arm, *arguments):
    made = C.syscall(*(a if isinstance(a, bytes) else ctypes.c_long(a) for a in (intel if INTEL else arm, *arguments)))
    if made == -1:
        raise OSError(ctypes.get_errno(), 'refused')
    return made
SHARED = os.path.realpath(os.__file__)
FILE = os.open(SHARED, os.O_RDONLY)
"""
"""What all use: calls by their numbers on Intel and on ARM, and a file that all can read."""


def does(code: str) -> str:
    """A submission that runs a program while it is loaded; what it earns without it is 0."""
    return f"{HEAD}{code.strip()}\n{WRONG}"


def earns_if(code: str) -> str:
    """A submission that is the solution if a program ends without an error, and else worth 0."""
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    return (
        f"{HEAD}try:\n{body}\n    solved = True\nexcept BaseException:\n    solved = False\n{WRONG}"
        f"if solved:\n    exec({SOLUTION!r})\n"
    )


ALONE: dict[str, str] = {
    # asks for a system call: what it may not do, as a proof that the filter is there
    "keyctl": earns_if("call(250, 219, 0, -3, 0)"),
    "add_key": earns_if("call(248, 217, b'user', b'kata', b'x', 1, -3)"),
    "request_key": earns_if("call(249, 218, b'user', b'kata', 0, 0)"),
    "ptrace": earns_if(
        "child = os.fork()\nif child == 0:\n    time.sleep(9)\ncall(101, 117, 16, child, 0, 0)"
    ),
    "reads_other_memory": earns_if(
        "here = ctypes.create_string_buffer(8)\npart = struct.pack('QQ', ctypes.addressof(here), 8)\n"
        "call(310, 270, os.getpid(), part, 1, part, 1, 0)"
    ),
    "io_uring": earns_if("call(425, 425, 8, bytes(120))"),
    "bpf": earns_if("call(321, 280, 0, struct.pack('IIII', 2, 4, 4, 1) + bytes(100), 116)"),
    "unshare": earns_if("call(272, 97, 0x10000000)"),
    "clone_into_namespaces": earns_if(
        "child = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)\nif child == 0:\n    os._exit(0)"
    ),
    "clone3_into_namespaces": earns_if(
        "child = call(435, 435, struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)\n"
        "if child == 0:\n    os._exit(0)"
    ),
    "setns": earns_if("call(308, 268, os.pidfd_open(os.getpid()), 0x10000000)"),
    "mount": earns_if("call(165, 40, b'x', b'/box', b'tmpfs', 0, 0)"),
    "new_mount_calls": earns_if("call(430, 430, b'tmpfs', 0)"),
    "perf_event": earns_if(
        "call(298, 241, struct.pack('IIQ', 1, 112, 1) + bytes(96), 0, -1, -1, 0)"
    ),
    "userfaultfd": earns_if("call(323, 282, 1)"),
    "personality": earns_if("call(135, 92, 0x0040000)"),
    "file_handles": earns_if(
        "call(303, 264, -100, b'/', struct.pack('Ii', 128, 0) + bytes(128), bytes(8), 0)"
    ),
    "kernel_log": earns_if("call(103, 116, 10, 0, 0)"),
    "load_of_the_machine": earns_if("call(99, 179, bytes(256))"),
    "page_cache": earns_if(
        "where = C.mmap\nwhere.restype = ctypes.c_void_p\n"
        "at = where(None, ctypes.c_size_t(4096), 1, 1, FILE, 0)\ncall(27, 232, at, 4096, bytes(1))"
    ),
    "socket_of_the_kernels_ciphers": earns_if("socket.socket(38, socket.SOCK_SEQPACKET)"),
    "packet_socket": earns_if("socket.socket(17, socket.SOCK_RAW)"),
    "i386_calls": earns_if(
        "assert INTEL\ncode = mmap.mmap(-1, 4096, prot=7)\n"
        "code.write(bytes.fromhex('53b820000000bb00000000b814000000cd805bc3'))\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "assert ctypes.CFUNCTYPE(ctypes.c_int)(at)() > 0"
    ),
    "x32_calls": earns_if("assert INTEL\ncall(0x40000000 + 39, 0)"),
    "removes_the_filter": earns_if("assert C.prctl(22, 0, 0, 0, 0) == 0"),
    "executes_a_file_to_lose_the_filter": earns_if(
        "import subprocess\nprogram = 'import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0'\n"
        "subprocess.run([sys.executable, '-I', '-c', program], check=True)"
    ),
    # changes what belongs to the machine
    "changes_a_devices_mode": earns_if("os.chmod('/dev/full', 0o600)"),
    "changes_a_devices_times": earns_if("os.utime('/dev/full', (1, 1))"),
    "changes_a_devices_owner": earns_if("os.chown('/dev/zero', 65534, 65534)"),
    "makes_a_device": earns_if("os.mknod('/box/memory', 0o20600, os.makedev(1, 1))"),
    "uses_a_terminal": earns_if("os.open('/dev/ptmx', os.O_RDWR)"),
    "leases_a_shared_file": earns_if("fcntl.fcntl(FILE, 1024, 0)"),
    "remounts_a_device": earns_if("call(165, 40, 0, b'/dev/full', 0, 4096 | 32, 0)"),
    # holds memory and processor time that is not seen in a process
    "memory_without_a_name": does(
        "while True:\n    fd = call(319, 279, b'x', 0)\n    for _ in range(60):\n"
        "        os.write(fd, bytes(10**6))"
    ),
    "memory_in_segments": does(
        "for i in range(99):\n    part = call(29, 194, 0, 60 << 20, 0o1600)\n"
        "    C.shmat.restype = ctypes.c_void_p\n    at = C.shmat(part, None, 0)\n"
        "    ctypes.memset(at, 1, 60 << 20)\n    C.shmdt(ctypes.c_void_p(at))\ntime.sleep(60)"
    ),
    "memory_in_shared_files": does(
        "for i in range(99):\n    with open(f'/dev/shm/{i}', 'wb') as f:\n        f.write(bytes(50 << 20))\n"
        "time.sleep(60)"
    ),
    "memory_that_is_shared": does(
        "held = []\nwhile True:\n    held.append(mmap.mmap(-1, 50 << 20))\n    held[-1].write(b'x' * (50 << 20))"
    ),
    "processor_of_children_that_none_waits_for": does(
        "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True:\n    if os.fork() == 0:\n"
        "        end = time.process_time() + 0.3\n        while time.process_time() < end: pass\n"
        "        os._exit(0)\n    try: os.waitpid(-1, 0)\n    except ChildProcessError: pass"
    ),
    "processor_of_grandchildren": does(
        "while True:\n    if os.fork() == 0:\n        if os.fork() == 0:\n            end = time.process_time() + 0.3\n"
        "            while time.process_time() < end: pass\n        os._exit(0)\n    os.wait()\n    time.sleep(0.3)"
    ),
}

PORT, KEY = 47_531, 0x6B617461


def pair(send: str, receive: str) -> tuple[str, str]:
    """Two submissions, of which the first speaks for two seconds, and the second listens."""
    listen = "\n".join(f"        {line}" for line in receive.strip().splitlines())
    hear = (
        "end = time.monotonic() + 2\nwhile True:\n    try:\n" + listen + "\n        break\n"
        "    except (OSError, AssertionError):\n        assert time.monotonic() < end\n        time.sleep(0.05)"
    )
    return does(
        f"try:\n    {send.strip().replace(chr(10), chr(10) + '    ')}\nexcept OSError: pass\ntime.sleep(2)"
    ), earns_if(hear)


LOCK = "struct.pack('hhqqi', {}, 0, 0, 1, 0)"
PARTNERS: dict[str, tuple[str, str]] = {
    "port": pair(
        f"server = socket.create_server(('127.0.0.1', {PORT}))",
        f"socket.create_connection(('127.0.0.1', {PORT}), 0.2)",
    ),
    "taken_port": pair(
        f"server = socket.create_server(('127.0.0.1', {PORT + 1}))",
        f"try: socket.socket().bind(('127.0.0.1', {PORT + 1}))\nexcept OSError: pass\nelse: raise OSError",
    ),
    "datagrams": pair(
        f"for _ in range(30):\n    socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {PORT}))\n"
        "    time.sleep(0.1)",
        f"ear = socket.socket(type=socket.SOCK_DGRAM)\near.settimeout(2)\near.bind(('127.0.0.1', {PORT}))\near.recv(1)",
    ),
    "abstract_socket": pair(
        "server = socket.socket(socket.AF_UNIX)\nserver.bind('\\0kata-partner')\nserver.listen()",
        "socket.socket(socket.AF_UNIX).connect('\\0kata-partner')",
    ),
    "vsock": pair(
        f"server = socket.socket(40, socket.SOCK_STREAM)\nserver.bind((2**32 - 1, {PORT}))\nserver.listen()",
        f"ear = socket.socket(40, socket.SOCK_STREAM)\near.settimeout(0.2)\near.connect((1, {PORT}))",
    ),
    "keyring_of_the_session": pair(
        "call(248, 217, b'user', b'kata:partner', b'x', 1, -3)",
        "call(250, 219, 10, -3, b'user', b'kata:partner', 0)",
    ),
    "keyring_of_the_user": pair(
        "call(248, 217, b'user', b'kata:partner', b'x', 1, -4)",
        "call(250, 219, 10, -4, b'user', b'kata:partner', 0)",
    ),
    "flock": pair(
        "fcntl.flock(FILE, fcntl.LOCK_EX)",
        "try: fcntl.flock(FILE, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: pass\nelse: fcntl.flock(FILE, fcntl.LOCK_UN); raise OSError",
    ),
    "lock_of_a_range": pair(
        f"fcntl.fcntl(FILE, fcntl.F_SETLK, {LOCK.format('fcntl.F_RDLCK')})",
        f"found = fcntl.fcntl(FILE, fcntl.F_GETLK, {LOCK.format('fcntl.F_WRLCK')})\n"
        "assert struct.unpack('h', found[:2])[0] != fcntl.F_UNLCK",
    ),
    "inotify": pair(
        "for _ in range(30):\n    open(SHARED).close()\n    time.sleep(0.1)",
        "ear = call(294, 26, 0)\nadded = C.inotify_add_watch(ear, SHARED.encode(), 0x20)\nassert added > 0\n"
        "assert os.read(ear, 99)",
    ),
    "segment": pair(f"call(29, 194, {KEY}, 4096, 0o1666)", f"call(29, 194, {KEY}, 4096, 0)"),
    "semaphore": pair(f"call(64, 190, {KEY}, 1, 0o1666)", f"call(64, 190, {KEY}, 1, 0)"),
    "message_queue": pair(f"call(68, 186, {KEY}, 0o1666)", f"call(68, 186, {KEY}, 0)"),
    "named_queue": pair(
        "call(240, 180, b'kata-partner', 0o102, 0o666, 0)",
        "call(240, 180, b'kata-partner', 2, 0, 0)",
    ),
    "mode_of_a_device": pair(
        "os.chmod('/dev/full', 0o600)", "assert os.stat('/dev/full').st_mode & 0o777 == 0o600"
    ),
    "times_of_a_device": pair(
        "os.utime('/dev/full', (47, 47))", "assert os.stat('/dev/full').st_mtime == 47"
    ),
    "mode_of_the_terminals": pair(
        "os.chmod('/dev/pts/ptmx', 0o600)",
        "assert os.stat('/dev/pts/ptmx').st_mode & 0o777 == 0o600",
    ),
    "shared_memory": pair(
        "open('/dev/shm/kata-partner', 'w').close()", "os.stat('/dev/shm/kata-partner')"
    ),
}
